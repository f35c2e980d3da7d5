/*
 * Adapting a model to where it is used now: how common fraud is there, what its probabilities are
 * worth, and which features have moved.
 */
#ifndef HECATE_ADAPT_H
#define HECATE_ADAPT_H

#include "hecate/model.h"

/**
 * How common positives are among scored rows without labels, when how they look has not changed but
 * how many there are has: expectation and maximisation on the scores (Saerens, Latinne,
 * Decaestecker, "Adjusting the outputs of a classifier to new a priori probabilities", Neural
 * Computation 2002).
 *
 * @param probability  (n) calibrated where positives are as common as prior
 * @param prior        0 < prior < 1
 * @return the new share of positives; NaN without rows
 */
double hec_adapt_prior(const float *probability, size_t n, double prior);

/* logit' = slope logit + offset */
struct hec_recalibration {
    double slope, offset;
};

/**
 * Platt's recalibration: the slope and offset of the logit that make labels likeliest, by Newton's
 * method (Lin, Lin, Weng, 2007). With one class only, or where it does not settle: 1 and 0.
 *
 * @param logit  (n)
 * @param label  (n) 0 or 1
 */
struct hec_recalibration hec_adapt_fit(const float *logit, const uint8_t *label, size_t n);

/**
 * Population stability index of a feature from one sample to another, as hecate/drift.h has it from
 * a model's reference to now: over ten bins that are equally full in the first, one for missing.
 *
 * @param scratch  (a_count) changed
 * @return NaN where a sample is empty
 */
double hec_adapt_psi(const float *a, size_t a_count, const float *b, size_t b_count,
                     float *scratch);

/**
 * The model with other calibrations; nothing else of it changes but what thresholds mean: they keep
 * the rows that they had.
 *
 * @param each   (heads): of binary heads; slope > 0
 * @param bytes  receives the file, to be given to free(); untouched on failure
 */
HEC_CHECKED enum hec_status hec_model_recalibrate(void **bytes, size_t *size,
                                                  const struct hec_model *model,
                                                  const struct hec_recalibration *each);

#endif
