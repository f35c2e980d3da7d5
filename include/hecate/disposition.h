/*
 * From the scores of one event to what really happens: the policy's decision, then everything that
 * may change it, in this order.
 *
 *   threshold   the policy (hec_decide)
 *   rule        a rule that the event meets raises the outcome, never lowers it
 *   list        a denied entity: block or review; an allowed one: no alert
 *   breaker     while blocks run away, block becomes review
 *   control     a small share of the would-be blocks is let through, so that it can be seen what
 *               blocking prevents
 *   budget      of alerts with outcome step_up or review only those within the day's budget are
 *               sent; what is held or blocked always is, and counts
 *
 * Everything is a function of the event, the settings and the ledger of its partition, so that a
 * decision made again after a crash is the same decision.
 */
#ifndef HECATE_DISPOSITION_H
#define HECATE_DISPOSITION_H

#include <stdbool.h>
#include <stdint.h>

#include "hecate/decide.h"
#include "hecate/ledger.h"
#include "hecate/lists.h"
#include "hecate/rules.h"

/* Why there is no alert although there would have been one. */
enum hec_kept { HEC_KEPT_NOT, HEC_KEPT_BUDGET, HEC_KEPT_LIST };

/* What becomes of one score. */
struct hec_disposition {
    struct hec_decision decision;
    const char *reason; /* what had the last word: "threshold", "rule", "list" ... Static. */
    enum hec_kept kept; /* then decision.alert is false */
    bool denied;        /* by a list: neither control group nor budget lets it go */
    /* Of would-be blocks: whether it was let through to be watched, and how likely that was. 0: it
     * was no would-be block. */
    bool control;
    double propensity;
    bool broken; /* it would have been a block but for the breaker */
    int64_t budget_day_ms, budget_used, budget_limit; /* limit 0: there is none */
};

/* What becomes of one event. */
struct hec_dispositions {
    struct hec_disposition heads[HEC_HEADS_MAX];
    uint64_t rules;                      /* those it meets */
    const struct hec_list_entry *listed; /* NULL: none of its entities */
};

/* What events are judged by. Borrowed. */
struct hec_judge_by {
    const struct hec_policy *policy;
    const struct hec_head *heads;  /* of the model, for their names */
    const struct hec_rules *rules; /* NULL: none */
    const struct hec_lists *lists; /* NULL: none */
    int32_t partition, partitions; /* the budget's part */
};

/**
 * Judges one event.
 *
 * @param verdicts  filled for every head of the policy
 * @param ledger    of the event's partition, moved on
 * @param scores    (heads), NaN where a head does not apply
 * @param numerics  (F) the feature row, for rules
 */
void hec_dispose(struct hec_dispositions *verdicts, const struct hec_judge_by *by,
                 struct hec_ledger *ledger, const struct hec_event *event, const float *scores,
                 const float *numerics);

/** The key that a text stands for. */
uint64_t hec_control_key(const char *text);

/** The part of a whole, 0 .. 1, that an event id falls on under a key: what is below the control
 * group's share is let through. */
double hec_control_place(uint64_t key, const struct hec_text *event_id);

/* What came of the control group, to be added up. */
struct hec_control_sum {
    double weight, weight2; /* of those with a label: 1 / propensity, and its square */
    double frauds;          /* weights of the frauds among them */
};

void hec_control_add(struct hec_control_sum *sum, double propensity, bool fraud);

/** The share of frauds among all would-be blocks, with a 95 % interval (Wilson's, by the effective
 * number of observations). False when nothing was observed. */
bool hec_control_estimate(const struct hec_control_sum *sum, double *share, double *low,
                          double *high);

#endif
