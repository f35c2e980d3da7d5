/*
 * A fuzzer's way into model files: any bytes are refused with a sentence, or are a model that
 * scores any row of its width to finite numbers and explains them.
 *
 * A file ends with a golden row that must score as it did, so most changes of a number are noticed
 * and refused; the header is where a stranger's file can lie.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "hecate/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void score(const struct hec_model *model)
{
    enum { ROWS = 3 };
    const struct hec_model_info *info = hec_model_info(model);
    must(info->heads_count >= 1 && info->heads_count <= HEC_HEADS_MAX);
    must(info->name != NULL && info->columns.schema_digest != NULL);
    size_t numerics_count = (size_t)(ROWS * info->columns.numerics);
    size_t categories_count = (size_t)(ROWS * info->columns.categories);
    float *numerics = calloc(numerics_count + 1, sizeof(*numerics));
    uint32_t *categories = calloc(categories_count + 1, sizeof(*categories));
    float *scores = calloc((size_t)(ROWS * info->heads_count), sizeof(*scores));
    must(numerics != NULL && categories != NULL && scores != NULL);
    for (size_t i = 0; i < numerics_count; i++) {
        numerics[i] = i % 3 == 0 ? NAN : i % 3 == 1 ? -3e38f : 1e6f;
    }
    for (size_t i = 0; i < categories_count; i++) {
        categories[i] = (uint32_t)(i * 2654435761u);
    }
    struct hec_predictor *predictor;
    must(hec_predictor_new(&predictor, model, ROWS) == HEC_OK);
    hec_predictor_run(predictor, numerics, categories, NULL, ROWS, scores, info->heads_count);
    for (int i = 0; i < ROWS * info->heads_count; i++) {
        must(isfinite(scores[i]));
    }
    hec_predictor_free(predictor);
    free(scores);
    free(categories);
    free(numerics);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hec_model *model = NULL;
    struct hec_error error = { 0 };
    enum hec_status status = hec_model_load(&model, data, size, NULL, &error);
    must((status == HEC_OK) == (model != NULL));
    must(status == HEC_OK || error.text[0] != '\0');
    must(status == HEC_OK || status == HEC_INVALID || status == HEC_CORRUPT);
    if (status == HEC_OK) {
        score(model);
    }
    hec_model_free(model);
    return 0;
}
