/*
 * Sampling: which training rows an epoch sees.
 *
 * Every row that is positive for any binary head, and a fresh draw without replacement from those
 * that are negative for some head and positive for none. All heads are drawn for together, so the
 * share of negatives kept, beta, is one number, and the exact correction of a logit is log(beta).
 * A row that is here because it is another head's positive was not drawn with that share; where it
 * counts as a negative it counts beta, which keeps the correction exact.
 */
#ifndef HEC_LEARN_SAMPLE_H
#define HEC_LEARN_SAMPLE_H

#include "hecate/random.h"
#include "hecate/train.h"

/* Owned. */
struct hec_sample {
    const struct hec_dataset *dataset; /* borrowed: gave the arrays */
    uint32_t *positives, *negatives;   /* row numbers; negatives are stirred by every draw */
    uint32_t positives_count, negatives_count;
    uint32_t drawn; /* negatives an epoch */
    double beta;    /* drawn / negatives_count; 1 when there are none */
    uint32_t *rows; /* of the epoch, in the order of training */
    uint32_t rows_count;
};

/** Sorts the training rows. Release with hec_sample_free either way. */
HEC_CHECKED enum hec_status hec_sample_new(struct hec_sample *sample,
                                           const struct hec_dataset *dataset,
                                           const struct hec_train_options *options);
void hec_sample_free(struct hec_sample *sample);

/** Draws the rows of the next epoch and shuffles them. */
void hec_sample_draw(struct hec_sample *sample, struct hec_random *random);

/** An array of a number for each row, from the caller's room when it has one. hec_give accepts
 * NULL.
 */
void *hec_take(const struct hec_dataset *dataset, size_t bytes);
void hec_give(const struct hec_dataset *dataset, void *memory);

/** Copies the features of rows. */
void hec_take_rows(const struct hec_dataset *dataset, const uint32_t *rows, int count,
                   float *numerics, uint32_t *categories);

/** Whether a row is positive for any binary head. */
bool hec_is_positive(const struct hec_dataset *dataset, uint32_t row);

#endif
