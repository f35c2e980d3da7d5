/*
 * Off-policy evaluation: what other thresholds would have earned, from the decisions that were
 * made.
 *
 * What an action is worth depends on whether it met a fraud. That comes to light of whatever was
 * let through, asked about or looked at; of what was blocked only in the control group, with a
 * known probability, the propensity that stands in the alert. So for decision i with action a of
 * the policy in question
 *
 *   w = 1 / propensity where the truth was seen, 0 where it was not     E[w] = 1
 *   r = what a earns by that truth, q = what the score says that a earns
 *
 *   ips    mean of w r                  Horvitz, Thompson, "A generalization of sampling without
 *                                       replacement from a finite universe", JASA 1952
 *   snips  sum of w r / sum of w        Swaminathan, Joachims, "The self-normalized estimator for
 *                                       counterfactual learning", NIPS 2015
 *   dr     mean of q + w (r - q)        Dudik, Langford, Li, "Doubly robust policy evaluation and
 *                                       learning", ICML 2011
 *
 * ips and dr are unbiased, snips nearly; dr has the least spread where scores are calibrated, and
 * stays right where they are not. Intervals are normal, of 95 %: from the empirical variance of the
 * terms, for snips from that of its linear part, w (r - snips) / mean w (delta method). Decisions
 * count as independent of each other.
 *
 * Plain data, all borrowed, nothing allocated. Any thread. Money is in minor units.
 */
#ifndef HECATE_OFFPOLICY_H
#define HECATE_OFFPOLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hecate/decide.h"

enum hec_logged_truth {
    HEC_LOGGED_UNSEEN, /* blocked, and not of the control group */
    HEC_LOGGED_GENUINE,
    HEC_LOGGED_FRAUD,
    HEC_LOGGED_OTHER, /* a fraud, but not of this head's kind: nothing is earned or spoilt */
};

/* One decision of one head. */
struct hec_logged {
    float score;                 /* 0 .. 1 */
    enum hec_action did;         /* by the thresholds in use, before the control group */
    double propensity;           /* that the truth comes to light; 0: it cannot */
    double amount_minor;         /* at stake */
    enum hec_logged_truth truth; /* HEC_LOGGED_UNSEEN where propensity is 0 */
};

/* What actions earn and cost, by enum hec_action. HEC_ACTION_ALLOW is 0 everywhere: earnings are
 * against letting everything through. */
struct hec_earnings {
    double stops[HEC_ACTIONS];         /* share of a fraud's amount that is saved, 0 .. 1 */
    double each_minor[HEC_ACTIONS];    /* whatever it met */
    double genuine_minor[HEC_ACTIONS]; /* if it met a genuine one */
};

struct hec_logged_head {
    const struct hec_logged *rows; /* (n) every decision with a score of floor or more */
    size_t n;
    float floor;
    struct hec_earnings earnings;
};

/** What an action earns on a decision, if fraud has that probability. */
double hec_earned(const struct hec_earnings *earnings, enum hec_action action, double amount_minor,
                  double fraud);

/* One decision's part of an estimate. */
struct hec_offpolicy_term {
    double weight; /* w */
    double reward; /* r; 0 where the truth was not seen */
    double model;  /* q */
};

/* Where a policy acts and the log cannot say what comes of it. */
struct hec_no_support {
    size_t decisions; /* with propensity 0 */
    float low, high;  /* their scores */
    bool below_floor; /* it acts on scores that are not in the log */
};

enum hec_against {
    HEC_AGAINST_NOTHING, /* letting everything through */
    HEC_AGAINST_LOG,     /* the thresholds that made the log */
};

/**
 * The part of one decision, in what a policy earns more than that against which it is held. Where
 * both do the same the difference is 0, whatever is known.
 *
 * @return false: there is no support, and the term is all zero
 */
bool hec_offpolicy_term(struct hec_offpolicy_term *term, const struct hec_logged *row,
                        const struct hec_head_policy *policy, enum hec_against against,
                        const struct hec_earnings *earnings);

/**
 * The parts of all decisions.
 *
 * @param terms    (n) written
 * @param missing  filled
 * @return whether there is support; without it the terms are good for nothing
 */
bool hec_offpolicy_terms(struct hec_offpolicy_term *terms, struct hec_no_support *missing,
                         const struct hec_logged_head *log, const struct hec_head_policy *policy,
                         enum hec_against against);

enum hec_estimator { HEC_IPS, HEC_SNIPS, HEC_DR, HEC_ESTIMATORS };
/** "ips", "snips", "dr". Static. */
const char *hec_estimator_name(enum hec_estimator estimator);

/* A decision. NaN with fewer than two decisions, and for snips where no truth was seen. */
struct hec_offpolicy_value {
    double value, low, high;
};

struct hec_offpolicy {
    struct hec_offpolicy_value by[HEC_ESTIMATORS];
    size_t acts;      /* decisions where something is earned or lost */
    size_t seen;      /* of those, with a truth */
    double effective; /* Kish: (sum w)^2 / sum w^2 over those */
};

void hec_offpolicy_estimate(struct hec_offpolicy *estimate, const struct hec_offpolicy_term *terms,
                            size_t n);

#endif
