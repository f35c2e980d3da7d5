/* The oracle's other half: what becomes of an event, and what it leaves behind. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "support/oracle_inside.h"

/* The widest span that any record keeps. */
static int64_t reach_ms(const struct oracle *oracle)
{
    int64_t reach = 0;
    for (int i = 0; i < oracle->schema->features_count; i++) {
        const struct hec_feature *feature = &oracle->schema->features[i];
        if (oracle_has_tiles(feature) && feature->aggregate != HEC_AGG_DISTINCT) {
            int64_t own = oracle_ring_of(oracle, feature) * oracle_width_of(feature);
            reach = own > reach ? own : reach;
        }
    }
    return reach;
}

static bool has_feature(const struct oracle *oracle, int kind, bool labels_only)
{
    for (int i = 0; i < oracle->schema->features_count; i++) {
        const struct hec_feature *feature = &oracle->schema->features[i];
        bool label =
            feature->aggregate == HEC_AGG_LABEL_COUNT || feature->aggregate == HEC_AGG_LABEL_RATE;
        if (feature->aggregate > HEC_AGG_CATEGORY && (int)feature->entity == kind &&
            (label || !labels_only)) {
            return true;
        }
    }
    return kind == HEC_USER;
}

enum hec_applied oracle_judge(const struct oracle *oracle, const struct hec_event *event)
{
    if (event->type == HEC_FORGET) {
        return HEC_APPLIED;
    }
    const struct hec_text *user = oracle_token_of(event, HEC_USER);
    int accepted = 0;
    for (int i = oracle->count - 1; i >= 0 && accepted < 32; i--) {
        if (oracle_counts(oracle, i, HEC_USER, user)) {
            const struct hec_event *other = oracle->items[i].event;
            int64_t apart = hec_event_ms(event) / 1000 - hec_event_ms(other) / 1000;
            accepted++;
            if (oracle_same(&event->value[HEC_F_EVENT_ID].text,
                            &other->value[HEC_F_EVENT_ID].text) &&
                llabs(apart) <= oracle->schema->dedup_window_s) {
                return HEC_DUPLICATE;
            }
        }
    }
    if (hec_event_is_scored(event->type)) {
        int64_t newest = oracle_newest_ms(oracle, oracle->count, HEC_USER, user);
        return hec_event_ms(event) < newest - oracle->schema->allowed_lateness_ms ? HEC_TOO_LATE
                                                                                  : HEC_APPLIED;
    }
    for (int kind = 0; kind < HEC_KINDS; kind++) {
        const struct hec_text *token = oracle_token_of(event, kind);
        if (token != NULL && has_feature(oracle, kind, event->type == HEC_LABEL)) {
            int64_t newest = oracle_newest_ms(oracle, oracle->count, kind, token);
            if (newest != 0 && oracle_target_ms(event) <= newest &&
                newest - oracle_target_ms(event) < reach_ms(oracle)) {
                return HEC_APPLIED;
            }
        }
    }
    return HEC_UNLINKED;
}

/* The verdict remembered of a target: the newest among the user's last 16 labelled ones. */
static bool was_fraud(const struct oracle *oracle, const struct hec_event *label)
{
    const struct hec_text *user = oracle_token_of(label, HEC_USER);
    const struct hec_text *targets[16];
    bool verdicts[16];
    int n = 0;
    for (int i = 0; i < oracle->count; i++) {
        const struct hec_event *other = oracle->items[i].event;
        if (other->type != HEC_LABEL || !oracle_counts(oracle, i, HEC_USER, user)) {
            continue;
        }
        const struct hec_text *target = &other->value[HEC_F_TARGET_EVENT_ID].text;
        int at = 0;
        while (at < n && !oracle_same(targets[at], target)) {
            at++;
        }
        if (at == 16) {
            memmove(targets, targets + 1, 15 * sizeof(*targets));
            memmove(verdicts, verdicts + 1, 15 * sizeof(*verdicts));
            at = 15;
        } else {
            n += at == n;
        }
        targets[at] = target;
        verdicts[at] = oracle_is(other, HEC_F_LABEL, "fraud");
    }
    for (int at = 0; at < n; at++) {
        if (oracle_same(targets[at], &label->value[HEC_F_TARGET_EVENT_ID].text)) {
            return verdicts[at];
        }
    }
    return false;
}

void oracle_apply(struct oracle *oracle, const struct hec_event *event)
{
    if (event->type == HEC_FORGET) {
        const struct hec_text *name = &event->value[HEC_F_FORGET_KIND].text;
        assert(oracle->forgotten_count < FORGOTTEN_MAX);
        oracle->forgotten[oracle->forgotten_count++] = (struct forgotten){
            .kind = (int)hec_kind_named(name->bytes, name->length),
            .token = &event->value[HEC_F_FORGET_TOKEN].text,
            .before = oracle->count,
        };
        return;
    }
    int effect = 0;
    if (event->type == HEC_LABEL) {
        bool before = hec_event_has(event, HEC_F_PREVIOUS_LABEL)
                          ? oracle_is(event, HEC_F_PREVIOUS_LABEL, "fraud")
                          : was_fraud(oracle, event);
        effect = oracle_is(event, HEC_F_LABEL, "fraud") - before;
    }
    assert(oracle->count < ITEMS_MAX);
    oracle->items[oracle->count++] = (struct item){ event, effect };
}
