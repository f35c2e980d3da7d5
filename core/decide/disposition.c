/*
 * The chain behind the thresholds. Read hec_dispose from below.
 */
#include "hecate/disposition.h"

#include <assert.h>
#include <math.h>
#include <string.h>
#include <xxhash.h>

#define DAY_MS INT64_C(86400000)

static void raise_to(struct hec_disposition *verdict, enum hec_action action, const char *reason)
{
    struct hec_decision *decision = &verdict->decision;
    decision->alert = true;
    decision->action = action;
    verdict->reason = reason;
    if (action == HEC_ACTION_BLOCK) {
        decision->severity = HEC_SEVERITY_CRITICAL;
    } else if (decision->severity < HEC_SEVERITY_MEDIUM) {
        decision->severity = HEC_SEVERITY_MEDIUM;
    }
}

/* The head that speaks for what is no head's: the first that judges the event and is on. */
static int speaker(const struct hec_judge_by *by, const float *scores)
{
    for (int head = 0; head < by->policy->heads_count; head++) {
        if (!isnan(scores[head]) && by->policy->heads[head].mode == HEC_DECIDE_ON) {
            return head;
        }
    }
    return -1;
}

static void apply_rules(struct hec_dispositions *verdicts, const struct hec_judge_by *by, int first,
                        const float *scores)
{
    int count = verdicts->rules == 0 ? 0 : hec_rules_count(by->rules);
    for (int i = 0; i < count; i++) {
        const struct hec_rule *rule = hec_rules_at(by->rules, i);
        if ((verdicts->rules >> i & 1) == 0 || rule->action == HEC_ACTION_ALLOW) {
            continue;
        }
        for (int head = 0; head < by->policy->heads_count; head++) {
            bool its = rule->head[0] == '\0' ? head == first
                                             : strcmp(rule->head, by->heads[head].name) == 0;
            struct hec_disposition *verdict = &verdicts->heads[head];
            bool on = by->policy->heads[head].mode == HEC_DECIDE_ON && !isnan(scores[head]);
            if (its && on &&
                (rule->action > verdict->decision.action || !verdict->decision.alert)) {
                raise_to(verdict,
                         rule->action > verdict->decision.action ? rule->action
                                                                 : verdict->decision.action,
                         "rule");
            }
        }
    }
}

static void apply_list(struct hec_dispositions *verdicts, const struct hec_judge_by *by, int first)
{
    const struct hec_list_entry *entry = verdicts->listed;
    if (entry != NULL && entry->deny && first >= 0) {
        struct hec_disposition *verdict = &verdicts->heads[first];
        enum hec_action action = verdict->decision.action;
        raise_to(verdict, entry->action > action ? entry->action : action, "list");
        verdict->denied = true;
    }
    for (int head = 0; entry != NULL && !entry->deny && head < by->policy->heads_count; head++) {
        struct hec_disposition *verdict = &verdicts->heads[head];
        verdict->kept = verdict->decision.alert ? HEC_KEPT_LIST : HEC_KEPT_NOT;
        verdict->decision.alert = false;
        verdict->decision.action = HEC_ACTION_ALLOW;
        verdict->decision.severity = HEC_SEVERITY_LOW;
    }
}

uint64_t hec_control_key(const char *text)
{
    return XXH3_64bits(text, strlen(text));
}

double hec_control_place(uint64_t key, const struct hec_text *event_id)
{
    uint64_t hash = XXH3_64bits_withSeed(event_id->bytes, event_id->length, key);
    return (double)(hash >> 11) * 0x1p-53;
}

/* Whoever is denied by name is not let through for science. */
static void apply_control(struct hec_disposition *verdict, const struct hec_policy *policy,
                          const struct hec_event *event)
{
    if (verdict->decision.action != HEC_ACTION_BLOCK || policy->control_share <= 0 ||
        verdict->denied) {
        return;
    }
    double place = hec_control_place(policy->control_key, &event->value[HEC_F_EVENT_ID].text);
    verdict->propensity = policy->control_share;
    verdict->control = place < policy->control_share;
    if (verdict->control) {
        verdict->decision.action = HEC_ACTION_ALLOW;
        verdict->reason = "control";
    }
}

static void apply_breaker(struct hec_dispositions *verdicts, const struct hec_judge_by *by,
                          struct hec_ledger *ledger, const struct hec_event *event)
{
    bool would_block = false;
    bool may_block = by->rules != NULL || by->lists != NULL;
    for (int head = 0; head < by->policy->heads_count; head++) {
        may_block |= by->policy->heads[head].block_at < HEC_NEVER;
    }
    if (!may_block || by->policy->breaker_share <= 0) {
        ledger->open = false;
        return;
    }
    for (int head = 0; head < by->policy->heads_count; head++) {
        would_block |= verdicts->heads[head].decision.action == HEC_ACTION_BLOCK;
    }
    bool open = hec_ledger_breaker(ledger, hec_event_ms(event), by->policy->breaker_window_ms,
                                   by->policy->breaker_share, would_block);
    for (int head = 0; open && head < by->policy->heads_count; head++) {
        struct hec_disposition *verdict = &verdicts->heads[head];
        if (verdict->decision.action == HEC_ACTION_BLOCK) {
            verdict->decision.action = HEC_ACTION_REVIEW;
            verdict->reason = "breaker";
            verdict->broken = true;
        }
    }
}

static void apply_budget(struct hec_disposition *verdict, const struct hec_judge_by *by,
                         struct hec_ledger *ledger, int head, float score)
{
    int64_t budget = by->policy->heads[head].budget_per_day;
    if (budget == 0 || !verdict->decision.alert) {
        return;
    }
    int64_t limit = hec_budget_part(budget, by->partition, by->partitions);
    /* A log-in has no amount; what an intruder may take is the setting's guess. */
    int64_t loss_minor = verdict->decision.loss_minor;
    if (!verdict->decision.has_loss) {
        loss_minor =
            (int64_t)nearbyint((double)score * (double)by->policy->heads[head].exposure_minor);
    }
    bool forced =
        verdict->decision.action >= HEC_ACTION_HOLD || verdict->control || verdict->denied;
    if (!hec_ledger_spend(ledger, head, limit, loss_minor, forced)) {
        verdict->kept = HEC_KEPT_BUDGET;
        verdict->decision.alert = false;
        verdict->decision.action = HEC_ACTION_ALLOW;
        verdict->decision.severity = HEC_SEVERITY_LOW;
    }
    verdict->budget_day_ms = (int64_t)ledger->day * DAY_MS;
    verdict->budget_used = ledger->heads[head].used;
    verdict->budget_limit = limit;
}

static bool has_budget(const struct hec_policy *policy)
{
    bool has = false;
    for (int head = 0; head < policy->heads_count; head++) {
        has |= policy->heads[head].budget_per_day > 0;
    }
    return has;
}

void hec_dispose(struct hec_dispositions *verdicts, const struct hec_judge_by *by,
                 struct hec_ledger *ledger, const struct hec_event *event, const float *scores,
                 const float *numerics)
{
    const struct hec_policy *policy = by->policy;
    int64_t amount_minor =
        hec_event_has(event, HEC_F_AMOUNT_MINOR) ? event->value[HEC_F_AMOUNT_MINOR].integer : -1;
    for (int head = 0; head < policy->heads_count; head++) {
        verdicts->heads[head] = (struct hec_disposition){
            .decision = hec_decide(policy, head, scores[head], amount_minor), .reason = "threshold"
        };
    }
    verdicts->rules = by->rules == NULL ? 0 : hec_rules_match(by->rules, event, numerics);
    verdicts->listed = by->lists == NULL ? NULL : hec_lists_find(by->lists, event);
    int first = speaker(by, scores);
    apply_rules(verdicts, by, first, scores);
    apply_list(verdicts, by, first);
    if (has_budget(policy)) {
        hec_ledger_event(ledger, hec_event_ms(event));
    }
    apply_breaker(verdicts, by, ledger, event);
    for (int head = 0; head < policy->heads_count; head++) {
        apply_control(&verdicts->heads[head], policy, event);
        apply_budget(&verdicts->heads[head], by, ledger, head, scores[head]);
    }
}

/* ---- What the control group says ------------------------------------------------------------- */

void hec_control_add(struct hec_control_sum *sum, double propensity, bool fraud)
{
    assert(propensity > 0);
    double weight = 1 / propensity;
    sum->weight += weight;
    sum->weight2 += weight * weight;
    sum->frauds += fraud ? weight : 0;
}

bool hec_control_estimate(const struct hec_control_sum *sum, double *share, double *low,
                          double *high)
{
    if (!(sum->weight > 0)) {
        return false;
    }
    const double z = 1.959963984540054;
    double n = sum->weight * sum->weight / sum->weight2; /* Kish's effective size */
    double p = sum->frauds / sum->weight;
    double middle = (p + z * z / (2 * n)) / (1 + z * z / n);
    double half = z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n));
    *share = p;
    *low = fmax(0, middle - half);
    *high = fmin(1, middle + half);
    return true;
}
