/*
 * The walk from the highest score down, in steps of equal scores: what average precision, ROC AUC
 * and recall at a false positive rate have in common.
 *
 * Treating equal scores as one threshold is what makes the numbers the same whatever order the rows
 * came in, and what scikit-learn does. Rows may count more or less than once, which is what a
 * resampling is: the sorting is done once, and each sample costs one pass.
 */
#ifndef HEC_LEARN_CURVE_H
#define HEC_LEARN_CURVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hec_scored {
    float score;
    uint32_t entity; /* index of its weight */
    uint8_t label;
};

/** The rows from the highest score down, for free(). entity may be NULL (all 0).
 * @return NULL without rows or memory */
struct hec_scored *hec_scored_sorted(const float *score, const uint8_t *label,
                                     const uint32_t *entity, size_t n);

/* All zero but rows, n and weight to begin with. */
struct hec_walk_down {
    const struct hec_scored *rows;
    size_t n, at;           /* rows before at stand above the threshold */
    const uint32_t *weight; /* by entity; NULL: every row counts once */
    double true_positives, false_positives;
};

/** Takes in all rows of the next score. @return false when there is none left */
bool hec_walk_step(struct hec_walk_down *walk);

#define HEC_CURVE_FPRS_MAX 4
struct hec_curve {
    double average_precision;          /* NaN without a positive */
    double roc_auc;                    /* NaN with one class */
    double recall[HEC_CURVE_FPRS_MAX]; /* at fpr_max[i]; NaN with one class */
};

/**
 * One walk over sorted rows.
 *
 * @param positives, negatives  what the weights of each class add up to
 * @param fpr_max  (fprs), ascending: recall is the largest at a false positive rate up to that
 */
void hec_curve_measure(struct hec_curve *curve, const struct hec_scored *rows, size_t n,
                       const uint32_t *weight, double positives, double negatives,
                       const double *fpr_max, int fprs);

#endif
