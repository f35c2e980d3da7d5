/*
 * Comparing: paired differences with an interval, correlations, and which of many is dominated.
 */
#ifndef HECATE_STATISTICS_H
#define HECATE_STATISTICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hecate/status.h"

/* b against a, over the same folds and seeds. */
struct hec_paired {
    double effect;    /* mean of b - a over all pairs; NaN without one */
    double low, high; /* interval of the effect; NaN with fewer than two pairs */
    int pairs;        /* where both are defined */
    int wins, losses; /* pairs in which b is larger, smaller */
};

/**
 * The mean of paired differences with a bootstrap interval. Folds and seeds are both drawn with
 * replacement, since trials of one fold share its rows and trials of one seed its random numbers;
 * deviations are widened by sqrt(n / (n - 1)) for the smaller n of both that is not 1, because a
 * percentile interval from few folds is too narrow (Hesterberg, "What teachers should know about
 * the bootstrap", 2015: the expanded percentile).
 *
 * @param a, b  (folds, seeds), NaN where undefined
 * @return HEC_OK or HEC_NO_MEMORY
 */
HEC_CHECKED enum hec_status hec_paired_difference(struct hec_paired *paired, const double *a,
                                                  const double *b, int folds, int seeds,
                                                  int samples, double level, uint64_t seed);

/** Whether the interval tells which is larger: it has both ends, and 0 lies outside. */
bool hec_paired_differs(const struct hec_paired *paired);

/** Phi coefficient of a 2 x 2 table (Matthews): both, only the first, only the second, neither.
 * NaN when a row or a column is empty. */
double hec_phi(uint64_t both, uint64_t first, uint64_t second, uint64_t neither);

/** Spearman's rank correlation, ties sharing their mean rank. NaN for fewer than two or constant
 * values, and when memory is exhausted. */
double hec_spearman(const float *x, const float *y, size_t n);

/**
 * Which rows no other row dominates: none is at least as large in every column and larger in one.
 *
 * @param values  (n, k); a row with a NaN is never on the front
 * @param front   (n), written
 */
void hec_pareto_front(const double *values, size_t n, int k, bool *front);

#endif
