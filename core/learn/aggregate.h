/*
 * Aggregation: from the tasks' gradients to one, by way of their Gramian.
 *
 * All that these methods ask of K gradients g_k is G_ij = g_i . g_j, and all that they answer is a
 * weight a task: small pure functions over a K x K matrix. The weights are scaled so that tasks
 * that do not disturb each other give about 1 each, as plain summing does.
 */
#ifndef HEC_LEARN_AGGREGATE_H
#define HEC_LEARN_AGGREGATE_H

#include "hecate/random.h"
#include "hecate/train.h"

#define HEC_TASKS_MAX 17 /* heads, kinds of fraud, novelty */

/**
 * The weights of the tasks. A task without a gradient (G_kk = 0) gets 1 and disturbs nobody.
 *
 * @param gramian  (K,K), symmetric, positive semidefinite
 * @param random   for the order in which PCGrad looks at the others
 * @param weights  (K)
 */
void hec_aggregate_weights(double *weights, enum hec_mtl way, const double *gramian, int K,
                           struct hec_random *random);

/**
 * Minimises u'Hu/2 - c'u over u >= 0 by the active sets of Lawson and Hanson; exact up to rounding.
 *
 * @param H  (K,K), symmetric, positive semidefinite; K <= HEC_TASKS_MAX
 */
void hec_aggregate_nonnegative(double *u, const double *H, const double *c, int K);

/** x = A^+ b for a symmetric A, by Jacobi rotations; eigenvalues below 1e-10 of the largest count
 * as 0. */
void hec_aggregate_pseudo_solve(double *x, const double *A, const double *b, int K);

#endif
