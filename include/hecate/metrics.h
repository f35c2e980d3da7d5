/*
 * Metrics: how good a list of scores is, under scikit-learn's names and rules.
 *
 * Every function takes n scores and n labels (0 or 1), in any order, and leaves them as they are.
 * Equal scores are one threshold: no order among them is invented. Where a metric is undefined
 * (one class only, no rows) the answer is NaN, never a number that looks like one. Functions that
 * sort allocate; NaN also when memory is exhausted. Scores must not be NaN.
 */
#ifndef HECATE_METRICS_H
#define HECATE_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** average_precision_score: sum of (recall step) x precision. NaN without a positive. */
double hec_metric_average_precision(const float *score, const uint8_t *label, size_t n);

/** roc_auc_score: the chance that a positive outranks a negative, ties half. NaN with one class. */
double hec_metric_roc_auc(const float *score, const uint8_t *label, size_t n);

/** The largest recall at any threshold whose false positive rate is at most fpr_max. NaN with one
 * class. */
double hec_metric_recall_at_fpr(const float *score, const uint8_t *label, size_t n, double fpr_max);

/* What stands at or above a threshold. */
struct hec_metric_step {
    float threshold;
    double true_positives, false_positives;
};
/** The whole curve from the highest score down, a step for each different score: what precision,
 * recall and false positive rate are drawn from.
 * @param steps  (n), written
 * @return how many steps; 0 without rows or memory */
size_t hec_metric_steps(struct hec_metric_step *steps, const float *score, const uint8_t *label,
                        size_t n);

struct hec_metric_at {
    uint64_t true_positives, false_positives, false_negatives, true_negatives;
    double precision; /* NaN without an alert */
    double recall;    /* NaN without a positive */
    double f1;        /* NaN without alerts and positives */
    double mcc;       /* Matthews; 0 where scikit-learn says 0 */
};
/** Counts with "alert when score >= threshold". */
struct hec_metric_at hec_metric_at(const float *score, const uint8_t *label, size_t n,
                                   double threshold);

/** log_loss of probabilities, clipped to [eps, 1-eps] with eps = 2^-23 (float). NaN without rows.
 */
double hec_metric_log_loss(const float *probability, const uint8_t *label, size_t n);

/** brier_score_loss: mean squared difference. NaN without rows. */
double hec_metric_brier(const float *probability, const uint8_t *label, size_t n);

/* Sums over the rows of one bin. */
struct hec_metric_bin {
    uint64_t rows;
    double probability, positives;
};
/** The reliability diagram: `bins` bins of (nearly) equal count, the highest probabilities first.
 * @param out  (bins), written
 * @return false without rows or memory */
bool hec_metric_reliability(struct hec_metric_bin *out, const float *probability,
                            const uint8_t *label, size_t n, int bins);

/** Expected calibration error over `bins` bins of (nearly) equal count in order of probability:
 * the count-weighted mean of |mean probability - share of positives|. NaN without rows. */
double hec_metric_ece(const float *probability, const uint8_t *label, size_t n, int bins);

/**
 * Card precision at k (Le Borgne et al., Fraud Detection Handbook, chapter 4.5).
 *
 * Day by day, in order: a card's score is its highest of the day; the k cards with the highest are
 * looked at; those with a fraud on that day are found, count, and leave all later days. A day's
 * precision is found / k; the answer is the mean over the days that have rows. Equal scores: the
 * smaller card id first.
 *
 * @param day, card  (n): any numbers; days ascend in value
 * @return NaN without rows
 */
double hec_metric_card_precision(const float *score, const uint8_t *label, const int32_t *day,
                                 const uint64_t *card, size_t n, int k);

#endif
