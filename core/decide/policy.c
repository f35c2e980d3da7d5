/*
 * From a score to what should happen.
 */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "hecate/decide.h"

const char *hec_action_name(enum hec_action action)
{
    static const char *const NAMES[HEC_ACTIONS] = {
#define ROW(enumerator, name) [HEC_ACTION_##enumerator] = name,
        HEC_ACTION_TABLE(ROW)
#undef ROW
    };
    assert((unsigned)action < HEC_ACTIONS);
    return NAMES[action];
}

const char *hec_severity_name(enum hec_severity severity)
{
    static const char *const NAMES[HEC_SEVERITIES] = {
#define ROW(enumerator, name) [HEC_SEVERITY_##enumerator] = name,
        HEC_SEVERITY_TABLE(ROW)
#undef ROW
    };
    assert((unsigned)severity < HEC_SEVERITIES);
    return NAMES[severity];
}

float hec_threshold_of(int score)
{
    assert(score >= 1 && score <= 999);
    /* Right to a few steps of a float; which of them depends on how the score is rounded. */
    float at = (float)(score / 1000.0);
    while (hec_score_999(nextafterf(at, 0)) >= score) {
        at = nextafterf(at, 0);
    }
    while (hec_score_999(at) < score) {
        at = nextafterf(at, 1);
    }
    return at;
}

void hec_policy_default(struct hec_policy *policy, const struct hec_model_info *model)
{
    memset(policy, 0, sizeof(*policy));
    memcpy(policy->id, "default", sizeof("default"));
    policy->heads_count = model->heads_count;
    policy->reasons_max = HEC_REASONS_MAX;
    policy->reason_share_min = 0.05f;
    policy->breaker_window_ms = 300000;
    for (int head = 0; head < model->heads_count; head++) {
        policy->heads[head] = (struct hec_head_policy){
            .mode = HEC_DECIDE_ON,
            .alert_at = fminf(model->thresholds[head], HEC_NEVER),
            .step_up_at = HEC_NEVER,
            .hold_at = HEC_NEVER,
            .block_at = HEC_NEVER,
        };
    }
}

static bool is_threshold(float at)
{
    return at > 0 && at <= HEC_NEVER; /* false for NaN */
}

static enum hec_status check_head(const struct hec_head_policy *head, int number,
                                  struct hec_error *error)
{
    if (head->mode != HEC_DECIDE_OFF && head->mode != HEC_DECIDE_SHADOW &&
        head->mode != HEC_DECIDE_ON) {
        return hec_fail(error, HEC_INVALID, "policy head %d: the mode is not off, shadow or on",
                        number);
    }
    if (!is_threshold(head->alert_at) || !is_threshold(head->step_up_at) ||
        !is_threshold(head->hold_at) || !is_threshold(head->block_at)) {
        return hec_fail(error, HEC_INVALID,
                        "policy head %d: a threshold must be above 0 and at most 1, or never",
                        number);
    }
    if (head->hold_at < head->alert_at || head->block_at < head->alert_at) {
        return hec_fail(error, HEC_INVALID,
                        "policy head %d: it would hold or block without an alert; raise hold and "
                        "block to the alert threshold or above",
                        number);
    }
    if (head->hold_at < HEC_NEVER && head->hold_at > head->block_at) {
        return hec_fail(error, HEC_INVALID,
                        "policy head %d: hold begins above block and could never happen", number);
    }
    return HEC_OK;
}

enum hec_status hec_policy_check(const struct hec_policy *policy, struct hec_error *error)
{
    if (policy->heads_count < 1 || policy->heads_count > HEC_HEADS_MAX) {
        return hec_fail(error, HEC_INVALID, "policy: it has %d heads, not 1 to %d",
                        policy->heads_count, HEC_HEADS_MAX);
    }
    if (policy->id[0] == '\0' || memchr(policy->id, '\0', sizeof(policy->id)) == NULL) {
        return hec_fail(error, HEC_INVALID, "policy: it needs an id of 1 to %d characters",
                        HEC_NAME_MAX - 1);
    }
    if (policy->reasons_max < 0 || policy->reasons_max > HEC_REASONS_MAX) {
        return hec_fail(error, HEC_INVALID, "policy: max_reasons must be 0 to %d", HEC_REASONS_MAX);
    }
    if (!(policy->reason_share_min >= 0 && policy->reason_share_min <= 1)) {
        return hec_fail(error, HEC_INVALID, "policy: the least share of a reason must be 0 to 1");
    }
    if (policy->critical_loss_minor < 0) {
        return hec_fail(error, HEC_INVALID, "policy: critical_loss_minor must not be negative");
    }
    if (!(policy->breaker_share >= 0 && policy->breaker_share <= 1) ||
        !(policy->control_share >= 0 && policy->control_share <= 1)) {
        return hec_fail(
            error, HEC_INVALID,
            "policy: the shares of the breaker and of the control group must be 0 to 1");
    }
    if (policy->breaker_share > 0 && policy->breaker_window_ms < HEC_BREAKER_WINDOW_MS_MIN) {
        return hec_fail(error, HEC_INVALID, "policy: the breaker's window must be %d ms or more",
                        HEC_BREAKER_WINDOW_MS_MIN);
    }
    for (int head = 0; head < policy->heads_count; head++) {
        enum hec_status status = check_head(&policy->heads[head], head, error);
        if (status != HEC_OK) {
            return status;
        }
    }
    return HEC_OK;
}

enum hec_action hec_action_at(const struct hec_head_policy *head, float score)
{
    const struct {
        float at;
        enum hec_action action;
    } steps[] = {
        { head->step_up_at, HEC_ACTION_STEP_UP },
        { head->alert_at, HEC_ACTION_REVIEW },
        { head->hold_at, HEC_ACTION_HOLD },
        { head->block_at, HEC_ACTION_BLOCK },
    };
    enum hec_action action = HEC_ACTION_ALLOW;
    float highest = 0;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        if (score >= steps[i].at && steps[i].at >= highest) {
            highest = steps[i].at;
            action = steps[i].action;
        }
    }
    return action;
}

struct hec_decision hec_decide(const struct hec_policy *policy, int head, float score,
                               int64_t amount_minor)
{
    assert(head >= 0 && head < policy->heads_count);
    const struct hec_head_policy *rules = &policy->heads[head];
    struct hec_decision decision = { .action = HEC_ACTION_ALLOW, .severity = HEC_SEVERITY_LOW };
    if (isnan(score)) {
        return decision;
    }
    if (amount_minor >= 0) {
        /* Both factors are exact in double and amounts are below 2^53: one rounding, then this. */
        decision.has_loss = true;
        decision.loss_minor = (int64_t)nearbyint((double)score * (double)amount_minor);
    }
    bool reached = score >= rules->alert_at;
    decision.shadow = reached && rules->mode == HEC_DECIDE_SHADOW;
    decision.alert = reached && rules->mode == HEC_DECIDE_ON;
    if (rules->mode != HEC_DECIDE_ON) {
        return decision;
    }
    decision.action = hec_action_at(rules, score);
    if (!decision.alert) {
        return decision;
    }
    bool costly = policy->critical_loss_minor > 0 && decision.has_loss &&
                  decision.loss_minor >= policy->critical_loss_minor;
    if (decision.action == HEC_ACTION_BLOCK || costly) {
        decision.severity = HEC_SEVERITY_CRITICAL;
    } else if (score >= rules->alert_at + (1 - rules->alert_at) / 2) {
        decision.severity = HEC_SEVERITY_HIGH;
    } else {
        decision.severity = HEC_SEVERITY_MEDIUM;
    }
    return decision;
}
