/* The oracle's sense of time: gaps, hours, fading weights and chains, from the whole list. */
#include <math.h>
#include <stdlib.h>

#include "support/oracle_inside.h"

/* Weights that halve, each event's from its own time. */
double oracle_faded(const struct oracle *oracle, const struct hec_feature *feature,
                    const struct hec_text *token, const struct hec_event *event)
{
    double weights = 0;
    double sum = 0;
    for (int i = 0; i < oracle->count; i++) {
        const struct hec_event *other = oracle->items[i].event;
        double value = 0;
        if (!hec_event_is_scored(other->type) || !oracle_passes(oracle, other, feature->filter) ||
            !oracle_counts(oracle, i, (int)feature->entity, token) ||
            (feature->field != HEC_FIELDS &&
             !oracle_known(oracle, other, feature->field, &value))) {
            continue;
        }
        /* Weights are those of the newest event when it is newer than the one that asks. */
        int64_t newest = hec_event_ms(event);
        for (int j = 0; j < oracle->count; j++) {
            const struct hec_event *later = oracle->items[j].event;
            double ignored;
            bool takes_part = hec_event_is_scored(later->type) &&
                              oracle_passes(oracle, later, feature->filter) &&
                              oracle_counts(oracle, j, (int)feature->entity, token) &&
                              (feature->field == HEC_FIELDS ||
                               oracle_known(oracle, later, feature->field, &ignored));
            newest = takes_part && hec_event_ms(later) > newest ? hec_event_ms(later) : newest;
        }
        double age = (double)(newest - hec_event_ms(other)) / (double)feature->window_ms;
        weights += exp2(-age);
        sum += exp2(-age) * value;
    }
    return feature->aggregate == HEC_AGG_DECAYED_COUNT ? weights
           : weights > 0                               ? sum / weights
                                                       : NAN;
}

/* Gaps and hours over all the time. */
double oracle_rhythm(const struct oracle *oracle, const struct hec_feature *feature,
                     const struct hec_text *token, const struct hec_event *event)
{
    int64_t cycle = feature->aggregate == HEC_AGG_WEEK_SURPRISE ? 168 : 24;
    int64_t earliest = INT64_MAX;
    int64_t latest = 0;
    double events = 0;
    double near = 0;
    for (int i = 0; i < oracle->count; i++) {
        const struct hec_event *other = oracle->items[i].event;
        if (!hec_event_is_scored(other->type) || !oracle_passes(oracle, other, feature->filter) ||
            !oracle_counts(oracle, i, (int)feature->entity, token)) {
            continue;
        }
        int64_t ms = hec_event_ms(other);
        earliest = ms < earliest ? ms : earliest;
        latest = ms > latest ? ms : latest;
        events++;
        int64_t apart = llabs(ms / 3600000 - hec_event_ms(event) / 3600000) % cycle;
        near += apart == 0 ? 0.5 : apart == 1 || apart == cycle - 1 ? 0.25 : 0;
    }
    if (feature->aggregate == HEC_AGG_GAP) {
        return events < 2 ? NAN : (double)(latest - earliest) / 1000 / (events - 1);
    }
    return events > 0 ? -log((near + 1.0 / (double)cycle) / (events + 1)) : NAN;
}

/* Whether no earlier item of the entity has item i's value of the field, and one has another. */
static bool is_novel(const struct oracle *oracle, const struct hec_feature *feature,
                     const struct hec_text *token, int i)
{
    const struct hec_event *own = oracle->items[i].event;
    bool others = false;
    for (int j = 0; j < i; j++) {
        const struct hec_event *other = oracle->items[j].event;
        if (!hec_event_is_scored(other->type) || !oracle_passes(oracle, other, feature->filter) ||
            !oracle_counts(oracle, j, (int)feature->entity, token) ||
            !hec_event_has(other, feature->field)) {
            continue;
        }
        others = true;
        if (!hec_event_has(own, feature->field) ||
            oracle_same(&own->value[feature->field].text, &other->value[feature->field].text)) {
            return false;
        }
    }
    return others && hec_event_has(own, feature->field);
}

/* Steps in the order of the log: what came first there must also be first in time. */
double oracle_chain(const struct oracle *oracle, const struct hec_feature *feature,
                    const struct hec_text *token, const struct hec_event *event)
{
    int64_t span = feature->window_ms;
    int64_t first = -1 - span;
    int64_t second = -1 - span;
    for (int i = 0; i < oracle->count; i++) {
        const struct hec_event *other = oracle->items[i].event;
        int64_t ms = hec_event_ms(other);
        if (!hec_event_is_scored(other->type) ||
            !oracle_counts(oracle, i, (int)feature->entity, token)) {
            continue;
        }
        if (oracle_passes(oracle, other, feature->filter2) && ms >= first && ms - first <= span &&
            ms > second) {
            second = ms;
        }
        if (oracle_passes(oracle, other, feature->filter) && ms > first &&
            (feature->field == HEC_FIELDS || is_novel(oracle, feature, token, i))) {
            first = ms;
        }
    }
    int64_t now = hec_event_ms(event);
    if (now >= second && now - second <= span) {
        return 2 + oracle_passes(oracle, event, feature->filter3);
    }
    return now >= first && now - first <= span;
}
