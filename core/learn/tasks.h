/*
 * Tasks at the shared representation: what each wants of it, how far they agree, and the one
 * gradient that is made of them.
 *
 * Tasks are the heads, then the kinds of fraud, then novelty when its gradient is shared. Under
 * plain summing the backward pass never takes them apart; then a few steps of an epoch are looked
 * at beside it, which changes nothing.
 */
#ifndef HEC_LEARN_TASKS_H
#define HEC_LEARN_TASKS_H

#include "learn/aggregate.h"
#include "model/net.h"

/* Owned. */
struct hec_tasks {
    int count;
    int kinds_from, kinds_to; /* tasks that are kinds of fraud: they take no part in conflicts */
    enum hec_mtl way;
    struct hec_random random;
    float *each; /* (count, numbers of the representation in a batch) */
    double gramian[HEC_TASKS_MAX * HEC_TASKS_MAX];
    double weights[HEC_TASKS_MAX];
    long steps;
    /* Of this epoch. cosines: sums over steps in which both have a gradient, and how many. */
    double norm[HEC_TASKS_MAX], cosine[HEC_TASKS_MAX][HEC_TASKS_MAX];
    long norms[HEC_TASKS_MAX], cosines[HEC_TASKS_MAX][HEC_TASKS_MAX];
    long observed, conflicts;
};

/** Allocates. @param kinds  the last so many heads are kinds of fraud, which only training has
 * @return HEC_OK or HEC_NO_MEMORY; release with hec_tasks_free either way. */
HEC_CHECKED enum hec_status hec_tasks_new(struct hec_tasks *tasks, const struct hec_work *work,
                                          int kinds, enum hec_mtl way, uint64_t seed);
void hec_tasks_free(struct hec_tasks *tasks);

/** Forgets the numbers of the last epoch. */
void hec_tasks_begin_epoch(struct hec_tasks *tasks);

/** After a forward pass, with dz and dy: parameter gradients (added to), by the chosen way. */
void hec_tasks_backward(struct hec_tasks *tasks, struct hec_work *work, const float *parameters,
                        float *gradients, int rows, int dropout);

/** Means of the epoch; NaN where nothing was seen. */
double hec_tasks_norm(const struct hec_tasks *tasks, int task);
double hec_tasks_cosine(const struct hec_tasks *tasks, int a, int b);
double hec_tasks_conflict_share(const struct hec_tasks *tasks);

#endif
