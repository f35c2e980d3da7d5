/*
 * Heads: from a verdict on an event to what it means for each task.
 *
 * "Not applicable" follows from the event's type, "unknown" from time or from a verdict that says
 * so; the two are never confused.
 */
#include "hecate/model.h"

#include <string.h>

#include "hecate/event.h"

#define DAY_MS INT64_C(86400000)
#define ON_SCORED ((1u << HEC_SCORED_TYPES) - 1)

#define NAME(enumerator, name, phrase) name,
const char *const hec_loss_names[HEC_LOSSES + 1] = { HEC_LOSS_TABLE(NAME) NULL };
#undef NAME

/* 05 is account takeover and 55 a payment that an intruder changed: both are the takeover's. 56 and
 * 57 on a transfer are a payer who was talked into paying: no payment instrument was abused. */
const struct hec_head hec_default_heads[HEC_DEFAULT_HEADS] = {
    { .name = "card_fraud",
      .kind = HEC_HEAD_BINARY,
      .event_types = HEC_ON_PAYMENT,
      .rules = { { .event_types = HEC_ON(TRANSFER),
                   .types = { "05", "55", "56", "57" },
                   .types_count = 4 },
                 { .event_types = HEC_ON(CARD_AUTH), .types = { "05", "55" }, .types_count = 2 } },
      .rules_count = 2,
      .label_delay_ms = 7 * DAY_MS,
      .loss_weight = 1 },
    { .name = "ato",
      .kind = HEC_HEAD_BINARY,
      .event_types = ON_SCORED,
      .rules = { { .event_types = ON_SCORED,
                   .listed_count = true,
                   .types = { "05", "55" },
                   .types_count = 2 } },
      .rules_count = 1,
      .label_delay_ms = 7 * DAY_MS,
      .loss_weight = 1 },
    { .name = "anomaly",
      .kind = HEC_HEAD_NOVELTY,
      .event_types = ON_SCORED,
      .label_delay_ms = 7 * DAY_MS,
      .loss_weight = 1 },
};

/* Whether a fraud of this type on this event is this head's own. */
static bool is_mine(const struct hec_head *head, uint32_t event_bit, const char *fraud_type)
{
    for (int i = 0; i < head->rules_count; i++) {
        const struct hec_head_rule *rule = &head->rules[i];
        if (!(rule->event_types & event_bit)) {
            continue;
        }
        bool listed = false;
        for (int k = 0; k < rule->types_count; k++) {
            listed = listed || strcmp(rule->types[k], fraud_type) == 0;
        }
        return listed == rule->listed_count;
    }
    return false;
}

enum hec_target hec_head_target(const struct hec_head *head, int event_type,
                                enum hec_verdict verdict, const char *fraud_type, int64_t event_ms,
                                int64_t known_at_ms)
{
    uint32_t event_bit = event_type >= 0 && event_type < 32 ? 1u << event_type : 0;

    if (!(head->event_types & event_bit)) {
        return HEC_TARGET_NOT_APPLICABLE;
    }
    if (event_ms > known_at_ms - head->label_delay_ms || verdict == HEC_VERDICT_UNKNOWN) {
        return HEC_TARGET_UNKNOWN;
    }
    if (verdict != HEC_VERDICT_FRAUD) {
        return HEC_TARGET_NEGATIVE;
    }
    if (head->kind == HEC_HEAD_NOVELTY ||
        is_mine(head, event_bit, fraud_type == NULL ? "" : fraud_type)) {
        return HEC_TARGET_POSITIVE;
    }
    return head->others_are_negative ? HEC_TARGET_NEGATIVE : HEC_TARGET_UNKNOWN;
}

int hec_head_named(const struct hec_head *heads, int count, const char *name, size_t length)
{
    for (int k = 0; k < count; k++) {
        if (strlen(heads[k].name) == length && memcmp(heads[k].name, name, length) == 0) {
            return k;
        }
    }
    return -1;
}
