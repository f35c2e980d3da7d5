/* The three estimators; the header says what they are and where they come from. */
#include "hecate/offpolicy.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define Z_95 1.959963984540054

double hec_earned(const struct hec_earnings *earnings, enum hec_action action, double amount_minor,
                  double fraud)
{
    return fraud * earnings->stops[action] * amount_minor - earnings->each_minor[action] -
           (1 - fraud) * earnings->genuine_minor[action];
}

bool hec_offpolicy_term(struct hec_offpolicy_term *term, const struct hec_logged *row,
                        const struct hec_head_policy *policy, enum hec_against against,
                        const struct hec_earnings *earnings)
{
    enum hec_action does = hec_action_at(policy, row->score);
    enum hec_action did = against == HEC_AGAINST_LOG ? row->did : HEC_ACTION_ALLOW;
    *term = (struct hec_offpolicy_term){ .weight = 1 };
    if (does == did) {
        return true;
    }
    if (!(row->propensity > 0)) {
        term->weight = 0;
        return false;
    }
    double score = (double)row->score;
    term->model = hec_earned(earnings, does, row->amount_minor, score) -
                  hec_earned(earnings, did, row->amount_minor, score);
    term->weight = row->truth == HEC_LOGGED_UNSEEN ? 0 : 1 / row->propensity;
    if (row->truth == HEC_LOGGED_GENUINE || row->truth == HEC_LOGGED_FRAUD) {
        double fraud = row->truth == HEC_LOGGED_FRAUD;
        term->reward = hec_earned(earnings, does, row->amount_minor, fraud) -
                       hec_earned(earnings, did, row->amount_minor, fraud);
    }
    return true;
}

bool hec_offpolicy_terms(struct hec_offpolicy_term *terms, struct hec_no_support *missing,
                         const struct hec_logged_head *log, const struct hec_head_policy *policy,
                         enum hec_against against)
{
    *missing = (struct hec_no_support){ .low = INFINITY, .high = -INFINITY };
    missing->below_floor = fminf(policy->alert_at, policy->step_up_at) < log->floor;
    for (size_t i = 0; i < log->n; i++) {
        const struct hec_logged *row = &log->rows[i];
        if (!hec_offpolicy_term(&terms[i], row, policy, against, &log->earnings)) {
            missing->decisions++;
            missing->low = fminf(missing->low, row->score);
            missing->high = fmaxf(missing->high, row->score);
        }
    }
    return missing->decisions == 0 && !missing->below_floor;
}

const char *hec_estimator_name(enum hec_estimator estimator)
{
    static const char *const NAMES[HEC_ESTIMATORS] = { "ips", "snips", "dr" };
    assert((unsigned)estimator < HEC_ESTIMATORS);
    return NAMES[estimator];
}

/* What one term gives to the sum of an estimator. */
static double part_of(const struct hec_offpolicy_term *term, enum hec_estimator estimator)
{
    double weighted = term->weight * term->reward;
    return estimator == HEC_DR ? term->model + weighted - term->weight * term->model : weighted;
}

static struct hec_offpolicy_value value_of(const struct hec_offpolicy_term *terms, size_t n,
                                           enum hec_estimator estimator)
{
    double sum = 0, weights = 0, squares = 0;
    for (size_t i = 0; i < n; i++) {
        sum += part_of(&terms[i], estimator);
        weights += terms[i].weight;
    }
    double whole = estimator == HEC_SNIPS ? weights : (double)n;
    struct hec_offpolicy_value value = { NAN, NAN, NAN };
    if (n < 2 || !(whole > 0)) {
        return value;
    }
    value.value = sum / whole;
    for (size_t i = 0; i < n; i++) {
        double share = estimator == HEC_SNIPS ? terms[i].weight : 1;
        double apart = part_of(&terms[i], estimator) - share * value.value;
        squares += apart * apart;
    }
    double half = Z_95 * sqrt(squares * (double)n / (double)(n - 1)) / whole;
    value.low = value.value - half;
    value.high = value.value + half;
    return value;
}

void hec_offpolicy_estimate(struct hec_offpolicy *estimate, const struct hec_offpolicy_term *terms,
                            size_t n)
{
    double weights = 0, squares = 0;
    memset(estimate, 0, sizeof(*estimate));
    for (int e = 0; e < HEC_ESTIMATORS; e++) {
        estimate->by[e] = value_of(terms, n, (enum hec_estimator)e);
    }
    for (size_t i = 0; i < n; i++) {
        bool acts = terms[i].model != 0 || terms[i].reward != 0;
        estimate->acts += acts;
        estimate->seen += acts && terms[i].weight > 0;
        weights += acts ? terms[i].weight : 0;
        squares += acts ? terms[i].weight * terms[i].weight : 0;
    }
    estimate->effective = squares > 0 ? weights * weights / squares : 0;
}
