/*
 * Baselines: what a plain method makes of the same rows, so that a network's figures stand beside
 * something.
 *
 * Logistic regression by Newton's method with a ridge of 1 (scikit-learn's default), on signed logs
 * that are standardised over the training rows; and one decision tree of limited depth, which
 * splits by Gini impurity at quantiles and keeps a minimum of rows in a leaf. Both see numbers
 * only; what is missing is the training mean for the one, a side of its own choice for the other.
 */
#ifndef HECATE_BASELINE_H
#define HECATE_BASELINE_H

#include <stddef.h>
#include <stdint.h>

#include "hecate/status.h"

/* Borrowed. */
struct hec_baseline_rows {
    size_t n;
    int columns;
    const float *x;       /* (n, columns), NaN = missing */
    const uint8_t *label; /* (n); not read for rows that are only scored */
    const float *weight;  /* (n), NULL: 1 each */
};

/**
 * Fits to `train` and scores `test`.
 *
 * @param score  (test->n), written: probabilities
 * @return HEC_OK, HEC_INVALID (one class only, no column), HEC_NO_MEMORY
 */
HEC_CHECKED enum hec_status hec_baseline_logistic(const struct hec_baseline_rows *train,
                                                  const struct hec_baseline_rows *test,
                                                  float *score);

/** The same with a tree. @param depth  at most so many questions, 1 .. 16
 * @param leaf_min  weight that a leaf must hold at least */
HEC_CHECKED enum hec_status hec_baseline_tree(const struct hec_baseline_rows *train,
                                              const struct hec_baseline_rows *test, int depth,
                                              double leaf_min, float *score);

#endif
