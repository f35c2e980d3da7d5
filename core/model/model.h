/*
 * A model in memory: what the file says, unpacked for use.
 *
 * The trainer makes one with hec_model_make, fills it, settles it and writes it; the loader does
 * the same from a file. After that it is immutable.
 */
#ifndef HEC_MODEL_MODEL_H
#define HEC_MODEL_MODEL_H

#include "hecate/model.h"
#include "model/net.h"
#include "model/reference.h"
#include "model/residual.h"
#include "model/scaler.h"

#define HEC_MODEL_FORMAT "hecate.model/1"
#define HEC_THRESHOLD_NEVER 2.0f
#define HEC_KNOTS_MAX 32
/* The features of a row that scores the same in every working build. */
#define HEC_GOLDEN_TOLERANCE 1e-4

/* How a reconstruction error becomes a score: log of the share of ordinary training rows above it,
 * straight between knots, and on along the last piece. */
struct hec_tail {
    int count;
    float error[HEC_KNOTS_MAX];    /* ascending */
    float log_tail[HEC_KNOTS_MAX]; /* descending from 0 */
};

struct hec_model {
    struct hec_shape shape;
    struct hec_layout layout;
    float *parameters;
    struct hec_panels panels; /* of the parameters, made when the model is settled */
    struct hec_scaler scaler;
    struct hec_residual residual; /* of novelty, else empty */
    struct hec_tail tail;
    struct hec_reference reference;

    struct hec_head heads[HEC_HEADS_MAX];
    float thresholds[HEC_HEADS_MAX], shifts[HEC_HEADS_MAX], spreads[HEC_HEADS_MAX];
    bool trained[HEC_HEADS_MAX];
    int logit_of[HEC_HEADS_MAX]; /* column of z; -1 for novelty */

    /* The median training row, raw, and what the network makes of it. */
    float *baseline;
    uint32_t *baseline_categories;
    struct hec_work base;
    struct hec_before base_before;

    /* A row, raw, and its scores when the model was made. */
    float *golden;
    uint32_t *golden_categories;
    float golden_scores[HEC_HEADS_MAX];

    struct hec_model_info info;
    const char **numeric_names, **category_names;
    char **texts; /* owned strings that info points to */
    int texts_count, texts_max;
};

/**
 * Allocates a model with everything zero but the names, the heads and the shape's fixed widths.
 *
 * The caller fills the scaler and its had_missing flags, then calls hec_model_shape, then fills the
 * parameters and the rest. Release with hec_model_free.
 *
 * @return HEC_OK, HEC_INVALID (columns or heads break their limits; told), HEC_NO_MEMORY
 */
HEC_CHECKED enum hec_status hec_model_make(struct hec_model **ret,
                                           const struct hec_columns *columns,
                                           const struct hec_head *heads, int heads_count,
                                           struct hec_error *error);

/** Fixes the shape from columns, heads and the settled scaler, and allocates the parameters. */
HEC_CHECKED enum hec_status hec_model_shape(struct hec_model *model);

/** Computes what follows from the baseline. */
HEC_CHECKED enum hec_status hec_model_settle(struct hec_model *model);

/** A copy of a string that lives as long as the model; NULL when memory is exhausted. */
const char *hec_model_keep(struct hec_model *model, const char *text);

/** Writes the file. @param bytes receives it, to be given to free() */
HEC_CHECKED enum hec_status hec_model_write(const struct hec_model *model, void **bytes,
                                            size_t *size);

/**
 * Writes the file of a model whose weights have changed: what follows from them is computed anew,
 * the scores of the golden row among it. @param bytes receives it, to be given to free()
 */
HEC_CHECKED enum hec_status hec_model_rewrite(struct hec_model *model, void **bytes, size_t *size);

/* The novelty score of an error. */
float hec_tail_score(const struct hec_tail *tail, float error);

/* For one explained row: multipliers on their way back, arrays as those of hec_work. Owned. */
struct hec_multipliers {
    float *t, *h, *r, *a1, *s0, *a0, *input;
    float *part; /* scratch, as wide as the widest layer */
    float *block;
};

/** Allocates. @return HEC_OK or HEC_NO_MEMORY; release with hec_multipliers_free either way. */
HEC_CHECKED enum hec_status hec_multipliers_new(struct hec_multipliers *back,
                                                const struct hec_shape *shape);
void hec_multipliers_free(struct hec_multipliers *back);

/* Working memory of one thread. */
struct hec_predictor {
    const struct hec_model *model;
    struct hec_work work;
    float *apart, *each;      /* (rows, numerics): residuals, and their parts of the error */
    struct hec_before before; /* of one explained row */
    struct hec_multipliers back;
};

/** Scales a batch and runs the network: work.z and work.y are filled. */
void hec_predictor_forward(struct hec_predictor *predictor, const float *numerics,
                           const uint32_t *categories, int rows);

/** After a forward pass of a model with a novelty head: fills each, whose sum over a row's numbers
 * is the row's error. */
void hec_predictor_novelty(struct hec_predictor *predictor, int rows);
/** That sum. */
float hec_predictor_error(const struct hec_predictor *predictor, int row);

#endif
