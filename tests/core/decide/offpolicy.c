/* Off-policy evaluation against worlds whose truth is known: intervals hold it as often as they
 * say, nothing leans, a wrong propensity is noticed, and what the log cannot tell is not told. */
#include "hecate/offpolicy.h"

#include <criterion/criterion.h>

#include "replayed.h"

enum { RUNS = 500, ROWS = 1500 };
static struct hec_logged rows[ROWS];
static struct hec_offpolicy_term terms[ROWS];

static const struct hec_head_policy OTHER = { .mode = HEC_DECIDE_ON,
                                              .alert_at = 0.5f,
                                              .step_up_at = 0.4f,
                                              .hold_at = HEC_NEVER,
                                              .block_at = 0.85f };

struct study {
    double covered[HEC_ESTIMATORS]; /* share of the runs whose interval held the truth */
    double bias[HEC_ESTIMATORS];    /* mean error, in its own standard errors */
    double width[HEC_ESTIMATORS];
};

static struct study study(enum hec_against against, double control)
{
    struct study told = { 0 };
    double truth = replayed_worth(&OTHER);
    truth -= against == HEC_AGAINST_LOG ? replayed_worth(&REPLAYED_IN_USE) : 0;
    double sum[HEC_ESTIMATORS] = { 0 }, squares[HEC_ESTIMATORS] = { 0 };
    for (int run = 0; run < RUNS; run++) {
        struct hec_logged_head log = { rows, ROWS, REPLAYED_FLOOR, REPLAYED_EARNINGS };
        struct hec_no_support missing;
        struct hec_offpolicy estimate;
        replayed_draw(rows, ROWS, control, 100 + (uint64_t)run);
        cr_assert(hec_offpolicy_terms(terms, &missing, &log, &OTHER, against));
        hec_offpolicy_estimate(&estimate, terms, ROWS);
        for (int e = 0; e < HEC_ESTIMATORS; e++) {
            const struct hec_offpolicy_value *value = &estimate.by[e];
            told.covered[e] += (value->low <= truth && truth <= value->high) / (double)RUNS;
            told.width[e] += (value->high - value->low) / RUNS;
            sum[e] += value->value - truth;
            squares[e] += (value->value - truth) * (value->value - truth);
        }
    }
    for (int e = 0; e < HEC_ESTIMATORS; e++) {
        double mean = sum[e] / RUNS;
        told.bias[e] = mean / sqrt((squares[e] / RUNS - mean * mean) / RUNS);
    }
    return told;
}

Test(offpolicy, intervals_hold_the_truth_as_often_as_they_say)
{
    static const enum hec_against AGAINST[] = { HEC_AGAINST_NOTHING, HEC_AGAINST_LOG };
    for (int i = 0; i < 2; i++) {
        struct study told = study(AGAINST[i], REPLAYED_CONTROL);
        for (int e = 0; e < HEC_ESTIMATORS; e++) {
            const char *name = hec_estimator_name((enum hec_estimator)e);
            cr_log_info("against %d, %s: covered %.3f, bias %.2f, width %.0f", i, name,
                        told.covered[e], told.bias[e], told.width[e]);
            cr_expect(told.covered[e] >= 0.92 && told.covered[e] <= 0.98, "%s: %.3f of %d", name,
                      told.covered[e], RUNS);
            cr_expect(fabs(told.bias[e]) < 3.5, "%s leans: %.2f", name, told.bias[e]);
        }
        cr_expect(told.width[HEC_DR] < told.width[HEC_IPS], "the scores help");
    }
}

Test(offpolicy, a_wrong_propensity_is_noticed)
{
    struct study told = study(HEC_AGAINST_NOTHING, 1.5 * REPLAYED_CONTROL);
    cr_expect(told.covered[HEC_IPS] < 0.5, "%.3f", told.covered[HEC_IPS]);
    cr_expect(told.covered[HEC_SNIPS] < 0.92, "%.3f", told.covered[HEC_SNIPS]);
    cr_expect(fabs(told.bias[HEC_DR]) > 3.5, "%.2f", told.bias[HEC_DR]);
}

/* By hand: three decisions, of which one was let through with 1 : 4 and one was blocked. */
Test(offpolicy, the_estimators_are_what_they_say)
{
    static const struct hec_offpolicy_term THREE[] = { { 4, 10, 6 }, { 0, 0, 2 }, { 1, 1, 1 } };
    struct hec_offpolicy estimate;
    hec_offpolicy_estimate(&estimate, THREE, 3);
    cr_expect_float_eq(estimate.by[HEC_IPS].value, 41 / 3.0, 1e-12);
    cr_expect_float_eq(estimate.by[HEC_SNIPS].value, 41 / 5.0, 1e-12);
    cr_expect_float_eq(estimate.by[HEC_DR].value, (6 + 4 * 4 + 2 + 1) / 3.0, 1e-12);
    cr_expect_float_eq(estimate.effective, 25 / 17.0, 1e-12);
    cr_expect(estimate.acts == 3 && estimate.seen == 2);
    /* 4 (10 - 8.2), 0, 1 - 8.2: their squares, n / (n - 1), over the sum of weights. */
    double half = 1.959963984540054 * sqrt((7.2 * 7.2 + 7.2 * 7.2) * 1.5) / 5;
    cr_expect_float_eq(estimate.by[HEC_SNIPS].high - estimate.by[HEC_SNIPS].value, half, 1e-9);
    hec_offpolicy_estimate(&estimate, THREE, 1);
    cr_expect(isnan(estimate.by[HEC_DR].low) && isnan(estimate.by[HEC_IPS].value));
    hec_offpolicy_estimate(&estimate, &THREE[1], 1);
    cr_expect(isnan(estimate.by[HEC_SNIPS].value) && estimate.effective == 0);
}

Test(offpolicy, what_the_log_cannot_tell_is_not_told)
{
    struct hec_logged log_rows[] = {
        { .score = 0.4f, .did = HEC_ACTION_REVIEW, .propensity = 1, .truth = HEC_LOGGED_GENUINE },
        { .score = 0.8f, .did = HEC_ACTION_BLOCK, .amount_minor = 100 },
        { .score = 0.9f, .did = HEC_ACTION_BLOCK, .amount_minor = 100 },
    };
    struct hec_logged_head log = { log_rows, 3, REPLAYED_FLOOR, REPLAYED_EARNINGS };
    struct hec_head_policy policy = REPLAYED_IN_USE;
    struct hec_no_support missing;
    policy.alert_at = 0.5f;
    cr_expect(hec_offpolicy_terms(terms, &missing, &log, &policy, HEC_AGAINST_LOG),
              "it blocks the same: there is no difference to know");
    cr_expect(!hec_offpolicy_terms(terms, &missing, &log, &policy, HEC_AGAINST_NOTHING));
    cr_expect(missing.decisions == 2 && missing.low == 0.8f && missing.high == 0.9f);
    policy.block_at = 0.85f;
    cr_expect(!hec_offpolicy_terms(terms, &missing, &log, &policy, HEC_AGAINST_LOG));
    cr_expect(missing.decisions == 1 && missing.high == 0.8f && !missing.below_floor);
    policy.step_up_at = 0.2f;
    log.n = 1;
    cr_expect(!hec_offpolicy_terms(terms, &missing, &log, &policy, HEC_AGAINST_LOG));
    cr_expect(missing.decisions == 0 && missing.below_floor);
}

/* A fraud that is another head's to find is neither saved nor spoilt by this one. */
Test(offpolicy, another_heads_fraud_earns_nothing)
{
    struct hec_logged row = { .score = 0.4f, .propensity = 0.5, .amount_minor = 1000 };
    struct hec_offpolicy_term term;
    row.truth = HEC_LOGGED_OTHER;
    cr_assert(
        hec_offpolicy_term(&term, &row, &REPLAYED_IN_USE, HEC_AGAINST_LOG, &REPLAYED_EARNINGS));
    cr_expect(term.weight == 2 && term.reward == 0);
    cr_expect_float_eq(term.model, (double)row.score * 0.9 * 1000 - 900, 1e-9);
    row.truth = HEC_LOGGED_FRAUD;
    cr_assert(
        hec_offpolicy_term(&term, &row, &REPLAYED_IN_USE, HEC_AGAINST_LOG, &REPLAYED_EARNINGS));
    cr_expect_float_eq(term.reward, 0, 1e-9);
}
