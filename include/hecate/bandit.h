/*
 * A bandit that looks for thresholds in replay. It proposes; nothing here or behind it is ever
 * applied.
 *
 * Contextual: an arm is a whole policy, and what it does depends on the score and what is at stake.
 * The log goes by in rounds in its order. Each arm has a normal posterior of what it earns more
 * than the thresholds in use, from the doubly robust terms (hecate/offpolicy.h) of the rounds
 * before; in each round one number is drawn from each, and the arm with the greatest plays:
 * Thompson, "On the likelihood that one unknown probability exceeds another", Biometrika 1933;
 * Dudik, Langford, Li, ICML 2011, for learning arms that did not play from what was logged. Since a
 * truth, once seen, tells of every arm, all posteriors move in every round.
 *
 * How often an arm played is how likely it was to be the best, as seen along the way. What the best
 * earns is to be estimated on decisions that the bandit has not seen: chosen as the greatest of
 * many, its own mean is too good.
 *
 * Nothing is allocated. One thread. The same seed and log give the same.
 */
#ifndef HECATE_BANDIT_H
#define HECATE_BANDIT_H

#include "hecate/offpolicy.h"

/* Levels of scores that arms are made of. */
#define HEC_BANDIT_LEVELS_MAX 12
/* Step-up never or below alert, alert, block at it or above or never: of L levels the sum over
 * alerts a of (1 + a)(L - a + 1), a = 0 .. L-1. */
#define HEC_BANDIT_ARMS_MAX                                                                        \
    (HEC_BANDIT_LEVELS_MAX * (HEC_BANDIT_LEVELS_MAX + 1) * (HEC_BANDIT_LEVELS_MAX + 5) / 6)

struct hec_bandit_arm {
    struct hec_head_policy policy;
    bool supported;
    size_t plays;        /* rounds */
    double mean, spread; /* of its terms so far: minor units a decision; sum of squares */
};

/**
 * Makes the arms.
 *
 * @param levels   (count) ascending thresholds, count <= HEC_BANDIT_LEVELS_MAX
 * @param step_up  whether some arms ask for a step-up below the alert
 * @return how many
 */
int hec_bandit_arms(struct hec_bandit_arm arms[HEC_BANDIT_ARMS_MAX], const float *levels, int count,
                    bool step_up);

/**
 * Plays the log. Arms without support in it take no part.
 *
 * @param played  (rounds) the arm of each round; may be NULL
 * @param rounds  up to n
 */
void hec_bandit_replay(struct hec_bandit_arm *arms, int count, const struct hec_logged_head *log,
                       size_t rounds, uint64_t seed, int *played);

/** The arm with the greatest mean; -1 when none has support. */
int hec_bandit_best(const struct hec_bandit_arm *arms, int count);

#endif
