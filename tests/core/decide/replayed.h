/*
 * A world in which it is known what every policy earns: scores are even above a floor, fraud is
 * rarer than they say (so that a doubly robust estimate has something to put right), amounts do not
 * depend on either; blocked from 0.7 on, and a share of that let through.
 */
#ifndef HEC_TESTS_REPLAYED_H
#define HEC_TESTS_REPLAYED_H

#include <math.h>

#include "hecate/offpolicy.h"
#include "hecate/random.h"

#define REPLAYED_FLOOR 0.3f
#define REPLAYED_BLOCK 0.7f
#define REPLAYED_CONTROL 0.2
#define REPLAYED_AMOUNT 20000.0 /* mean, minor units */

static const struct hec_earnings REPLAYED_EARNINGS = {
    .stops = { 0, 0.7, 0.9, 0.9, 1 },
    .each_minor = { 0, 0, 900, 900, 0 },
    .genuine_minor = { 0, 1500, 0, 2000, 25000 },
};

static const struct hec_head_policy REPLAYED_IN_USE = {
    .mode = HEC_DECIDE_ON,
    .alert_at = REPLAYED_FLOOR,
    .step_up_at = HEC_NEVER,
    .hold_at = HEC_NEVER,
    .block_at = REPLAYED_BLOCK,
};

static inline double replayed_fraud(double score)
{
    return pow(score, 1.6);
}

/** Draws n decisions. @param control  how likely a would-be block is really let through */
static inline void replayed_draw(struct hec_logged *rows, size_t n, double control, uint64_t seed)
{
    struct hec_random random = hec_random_at(seed, 1);
    for (size_t i = 0; i < n; i++) {
        double floor = (double)REPLAYED_FLOOR;
        double score = floor + (1 - floor) * hec_random_uniform(&random);
        bool fraud = hec_random_uniform(&random) < replayed_fraud(score);
        double amount = REPLAYED_AMOUNT * exp(0.5 * hec_random_normal(&random) - 0.125);
        bool through = hec_random_uniform(&random) < control;
        rows[i] = (struct hec_logged){ .score = (float)score, .propensity = 1 };
        rows[i].amount_minor = amount;
        rows[i].did = hec_action_at(&REPLAYED_IN_USE, rows[i].score);
        rows[i].truth = fraud ? HEC_LOGGED_FRAUD : HEC_LOGGED_GENUINE;
        if (rows[i].did == HEC_ACTION_BLOCK) {
            rows[i].propensity = REPLAYED_CONTROL;
            rows[i].truth = through ? rows[i].truth : HEC_LOGGED_UNSEEN;
        }
    }
}

/** What a policy really earns, minor units a decision: the integral over scores. */
static inline double replayed_worth(const struct hec_head_policy *policy)
{
    enum { STEPS = 4000 };
    double sum = 0, floor = (double)REPLAYED_FLOOR;
    for (int i = 0; i < STEPS; i++) {
        double score = floor + (1 - floor) * (i + 0.5) / STEPS;
        sum += hec_earned(&REPLAYED_EARNINGS, hec_action_at(policy, (float)score), REPLAYED_AMOUNT,
                          replayed_fraud(score));
    }
    return sum / STEPS;
}

#endif
