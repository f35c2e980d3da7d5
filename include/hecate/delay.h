/*
 * Delayed feedback: learning from events that are too young for their label to have come.
 *
 * A fraud is reported late, so among young events many frauds still look genuine. By default both
 * classes wait until the label delay of a head is over. Here they need not: F(a), the share of a
 * head's frauds that are reported within age a of those that are reported within its label delay,
 * is counted from the matured frauds of the window, and a young event counts what its silence
 * tells. With p the fraud probability that the model gives at that moment,
 *
 *   reported by now   counts 1 as a positive
 *   silent            counts F (1 - p) / (1 - F p) as a negative
 *
 * This is the gradient of -log p and -log(1 - F p), the likelihood of what was seen by now
 * (Chapelle, "Modeling delayed feedback in display advertising", KDD 2014) with F counted first. It
 * is the importance weighting 1/F of a report and (1 - p) / (1 - F p) of a silence (Ktena et al.,
 * RecSys 2019), times F: no weight is above 1, and an event of age 0 says nothing. At F = 1 both
 * are 1.
 *
 * That frauds are reported at one pace, whatever they look like, is assumed of each head.
 */
#ifndef HECATE_DELAY_H
#define HECATE_DELAY_H

#include <stddef.h>
#include <stdint.h>

#include "hecate/folds.h"
#include "hecate/status.h"

/* Matured frauds that a curve rests on, at least. */
#define HEC_DELAY_FRAUDS_MIN 20

/* One head's. Owned; all zero is a head without a curve. */
struct hec_delay {
    int64_t *delay_ms; /* (frauds) from the event to the report, ascending */
    size_t frauds;
    /* Of the young events that hec_delay_open has opened: */
    uint64_t young, reported;
    double prior; /* reported over the sum of F: the share of frauds among them; NaN without any */
};

/**
 * Counts a curve from the rows of the fold's window that are mature for the head.
 *
 * @param delay    receives the curve, to be given to hec_delay_free; with fewer than
 *                 HEC_DELAY_FRAUDS_MIN frauds, and for heads that are not binary, it is empty
 * @param targets  (rows, heads_count): from hec_fold_targets, as known at the fold's known_at
 */
HEC_CHECKED enum hec_status hec_delay_fit(struct hec_delay *delay, const struct hec_labelled *log,
                                          const struct hec_fold *fold, const struct hec_head *heads,
                                          int heads_count, int head, const int8_t *targets);
void hec_delay_free(struct hec_delay *delay);

/** F: the share of frauds that are reported within that age. */
double hec_delay_share(const struct hec_delay *delay, int64_t age_ms);

/** The age within which that share is reported, 0 < share <= 1. The curve is not empty. */
int64_t hec_delay_quantile_ms(const struct hec_delay *delay, double share);

/**
 * Opens the young events of a fold by time for training.
 *
 * @param delays   (heads_count) curves; young and reported are counted. Without one a head stays
 *                 as it is
 * @param targets  (rows, heads_count), changed: of young rows, reported or not
 * @param split    (rows), changed: young rows of the window are for training
 * @param heard    (rows, heads_count), written: F, 1 where the label is mature
 */
void hec_delay_open(struct hec_delay *delays, const struct hec_labelled *log,
                    const struct hec_fold *fold, const struct hec_head *heads, int heads_count,
                    int8_t *targets, uint8_t *split, float *heard);

#endif
