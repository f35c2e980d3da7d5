/*
 * Balance: how much each head's loss counts, before and during training.
 *
 * The rules differ in what they look at: the data, the losses of epochs, the validation, the loss
 * of each step, chance. The rule is one state and three moments: before a step, after it, after an
 * epoch. A head whose loss is NaN (no label in the batch) is left alone for that moment.
 */
#ifndef HEC_LEARN_BALANCE_H
#define HEC_LEARN_BALANCE_H

#include "hecate/random.h"
#include "hecate/train.h"

/* All heads, K of them; those that cannot learn are not active and keep the weight 1. */
struct hec_balance {
    enum hec_weighting way;
    int K;
    bool active[HEC_HEADS_MAX];
    double weight[HEC_HEADS_MAX]; /* the answer: of each head's loss */
    struct hec_random random;
    double before[2][HEC_HEADS_MAX]; /* DWA: losses of the last two epochs, the newer first */
    double kappa[HEC_HEADS_MAX];     /* performance: smoothed validation AP; NaN: none yet */
    double s[HEC_HEADS_MAX];         /* uncertainty: log variances; FAMO: logits */
    double mean[HEC_HEADS_MAX], square[HEC_HEADS_MAX]; /* Adam's, of s */
    long epochs, steps;
};

/**
 * @param positives  (K) training rows; of data and inverse-data
 * @param fixed      (K) the heads' own weights; of fixed
 * @param active     (K)
 */
void hec_balance_begin(struct hec_balance *balance, enum hec_weighting way, int K,
                       const uint64_t *positives, const double *fixed, const bool *active,
                       uint64_t seed);

/** Whether the rule wants the losses of a step before it is taken, and again after it. */
bool hec_balance_wants_losses(const struct hec_balance *balance);
bool hec_balance_wants_both(const struct hec_balance *balance);

/** Before a step. @param losses  (K) of this batch, when wanted; else NULL */
void hec_balance_step(struct hec_balance *balance, const double *losses, double rate);

/** After a step, when both are wanted. */
void hec_balance_moved(struct hec_balance *balance, const double *before, const double *after);

/** After an epoch. @param losses, valid_ap  (K), NaN where there is none */
void hec_balance_epoch(struct hec_balance *balance, const double *losses, const double *valid_ap);

#endif
