/*
 * A shadow: a second model that scores every row of the one in use, says what it thinks on a topic
 * of its own, and decides nothing.
 *
 * The rows are read once: both models are of the same features. What it costs is its forward pass
 * and its records. One engine's, on its thread.
 */
#ifndef HECATE_ENGINE_SHADOW_H
#define HECATE_ENGINE_SHADOW_H

#include "hecate/batch.h"
#include "hecate/digest.h"
#include "hecate/model.h"
#include "hecate/status.h"

struct hec_shadow {
    const struct hec_model *model;
    char model_sha256[HEC_SHA256_HEX];
    struct hec_predictor *predictor;
    float *scores; /* (scored rows of the batch, HEC_HEADS_MAX) */
};

/** @param model borrowed, of the plan's features; @return HEC_OK, HEC_NO_MEMORY */
HEC_CHECKED enum hec_status hec_shadow_new(struct hec_shadow **ret, const struct hec_model *model,
                                           const char *model_sha256, int rows_max);
/** Accepts NULL. */
void hec_shadow_free(struct hec_shadow *shadow);

/** Scores the rows of a batch that was scored. */
void hec_shadow_run(struct hec_shadow *shadow, const struct hec_batch *batch);

#endif
