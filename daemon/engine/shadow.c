#include "engine/shadow.h"

#include <stdio.h>
#include <stdlib.h>

enum hec_status hec_shadow_new(struct hec_shadow **ret, const struct hec_model *model,
                               const char *model_sha256, int rows_max)
{
    struct hec_shadow *shadow = calloc(1, sizeof(*shadow));
    if (shadow == NULL) {
        return HEC_NO_MEMORY;
    }
    shadow->model = model;
    snprintf(shadow->model_sha256, sizeof(shadow->model_sha256), "%s", model_sha256);
    shadow->scores = malloc((size_t)rows_max * HEC_HEADS_MAX * sizeof(float));
    if (shadow->scores == NULL ||
        hec_predictor_new(&shadow->predictor, model, rows_max) != HEC_OK) {
        hec_shadow_free(shadow);
        return HEC_NO_MEMORY;
    }
    *ret = shadow;
    return HEC_OK;
}

void hec_shadow_free(struct hec_shadow *shadow)
{
    if (shadow != NULL) {
        hec_predictor_free(shadow->predictor);
        free(shadow->scores);
        free(shadow);
    }
}

void hec_shadow_run(struct hec_shadow *shadow, const struct hec_batch *batch)
{
    hec_predictor_run(shadow->predictor, batch->numerics, batch->categories, batch->event_types,
                      batch->scored_count, shadow->scores, HEC_HEADS_MAX);
}
