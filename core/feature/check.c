/* The rules of a schema: what is refused, with the feature and the rule in the sentence. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "feature/plan.h"

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)
#define SPAN_MS_MAX (366 * DAY_MS)
#define PRIOR_WEIGHT_MAX 1e6

int64_t hec_plan_tile_ms(int64_t window_ms)
{
    if (window_ms <= 5 * MINUTE_MS) {
        return MINUTE_MS / 2;
    }
    if (window_ms <= HOUR_MS) {
        return 5 * MINUTE_MS;
    }
    if (window_ms <= DAY_MS) {
        return HOUR_MS;
    }
    return window_ms <= 7 * DAY_MS ? 6 * HOUR_MS : DAY_MS;
}

static bool is_name(const char *name)
{
    size_t length = strnlen(name, HEC_NAME_MAX);
    return length > 0 && length < HEC_NAME_MAX &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == length;
}

static enum hec_status check_filter(const struct hec_schema *schema, int i, struct hec_error *error)
{
    const uint32_t scored = (1u << HEC_SCORED_TYPES) - 1;
    const struct hec_filter *filter = &schema->filters[i];
    if (!is_name(filter->name)) {
        return hec_fail(error, HEC_INVALID, "filter %d: a name is 1 to %d of a-z, 0-9 and _", i,
                        HEC_NAME_MAX - 1);
    }
    if (hec_schema_filter_named(schema, filter->name) != i) {
        return hec_fail(error, HEC_INVALID, "filter %s: the name stands twice", filter->name);
    }
    if (filter->event_types == 0 || (filter->event_types & ~scored) != 0) {
        return hec_fail(error, HEC_INVALID,
                        "filter %s: events are card_auth, transfer, login, account_change",
                        filter->name);
    }
    for (int p = 0; p < filter->predicates_count; p++) {
        const struct hec_field_info *field = hec_field_info(filter->predicates[p].field);
        if ((field->may_on & filter->event_types) == 0) {
            return hec_fail(error, HEC_INVALID, "filter %s: none of its events carries %s",
                            filter->name, field->path);
        }
        for (int t = 0; t < filter->predicates[p].texts_count; t++) {
            const char *const *allowed = hec_field_values(filter->predicates[p].field);
            while (allowed != NULL && *allowed != NULL &&
                   strcmp(*allowed, filter->predicates[p].texts[t]) != 0) {
                allowed++;
            }
            if (allowed != NULL && *allowed == NULL) {
                return hec_fail(error, HEC_INVALID, "filter %s: %s is never %s", filter->name,
                                field->path, filter->predicates[p].texts[t]);
            }
        }
    }
    return HEC_OK;
}

/* What an aggregate needs. */
#define NEEDS_WINDOW 1u
#define NEEDS_NUMBER 2u
#define NEEDS_TEXT 4u
#define NEEDS_FILTER 8u
#define NEEDS_FILTER2 16u
#define ONLY_OWNED 32u /* what it keeps does not merge exactly over shards */
#define MAY_DELAY 64u
#define NEEDS_KEY 128u  /* a text field, or a derived one that can be remembered */
#define MAY_WINDOW 256u /* as the most that is told */
#define NEEDS_FILTER3 1024u
#define NEEDS_WINDOW2 2048u
#define MAY_TEXT 4096u
#define MAY_PRIOR 8192u
#define NEEDS_SPAN 512u /* a window that is not cut into tiles */

static const unsigned NEEDS[HEC_AGGREGATES] = {
    [HEC_AGG_COUNT] = NEEDS_WINDOW | MAY_DELAY,
    [HEC_AGG_SUM] = NEEDS_WINDOW | NEEDS_NUMBER | MAY_DELAY,
    [HEC_AGG_MEAN] = NEEDS_WINDOW | NEEDS_NUMBER | MAY_DELAY,
    [HEC_AGG_DEVIATION] = NEEDS_WINDOW | NEEDS_NUMBER | MAY_DELAY,
    [HEC_AGG_RATIO] = NEEDS_WINDOW | NEEDS_FILTER2 | MAY_DELAY | MAY_PRIOR,
    [HEC_AGG_DISTINCT] = NEEDS_WINDOW | NEEDS_TEXT,
    [HEC_AGG_MIN] = NEEDS_WINDOW | NEEDS_NUMBER | MAY_DELAY,
    [HEC_AGG_MAX] = NEEDS_WINDOW | NEEDS_NUMBER | MAY_DELAY,
    [HEC_AGG_PORTION] = NEEDS_WINDOW | NEEDS_FILTER | NEEDS_FILTER2 | MAY_DELAY,
    [HEC_AGG_DECAYED_COUNT] = NEEDS_SPAN | ONLY_OWNED,
    [HEC_AGG_DECAYED_MEAN] = NEEDS_SPAN | NEEDS_NUMBER | ONLY_OWNED,
    [HEC_AGG_HOUR_SURPRISE] = ONLY_OWNED,
    [HEC_AGG_WEEK_SURPRISE] = ONLY_OWNED,
    [HEC_AGG_IS_NEW] = NEEDS_TEXT,
    [HEC_AGG_AGE] = MAY_WINDOW,
    [HEC_AGG_SINCE] = MAY_WINDOW,
    [HEC_AGG_SHARE] = NEEDS_KEY | ONLY_OWNED,
    [HEC_AGG_SINCE_SAME] = NEEDS_KEY | ONLY_OWNED | MAY_WINDOW,
    [HEC_AGG_MET] = NEEDS_KEY | ONLY_OWNED | NEEDS_WINDOW,
    [HEC_AGG_STREAK] = NEEDS_FILTER | NEEDS_FILTER2 | ONLY_OWNED,
    [HEC_AGG_LABEL_COUNT] = NEEDS_WINDOW | MAY_DELAY,
    [HEC_AGG_LABEL_RATE] = NEEDS_WINDOW | MAY_DELAY | MAY_PRIOR,
    [HEC_AGG_BURST] = NEEDS_WINDOW | NEEDS_WINDOW2,
    [HEC_AGG_CHAIN] =
        NEEDS_SPAN | NEEDS_FILTER | NEEDS_FILTER2 | NEEDS_FILTER3 | MAY_TEXT | ONLY_OWNED,
    [HEC_AGG_SURPRISE] = NEEDS_KEY | ONLY_OWNED,
    [HEC_AGG_SINCE_FIRST] = NEEDS_KEY | ONLY_OWNED | MAY_WINDOW,
    [HEC_AGG_TIMES] = NEEDS_KEY | ONLY_OWNED,
    [HEC_AGG_DISTANCE] = ONLY_OWNED,
    [HEC_AGG_SPEED] = ONLY_OWNED,
    [HEC_AGG_ZSCORE] = NEEDS_WINDOW | NEEDS_NUMBER | MAY_DELAY,
};

static const struct {
    unsigned need;
    const char *words;
} WORDS[] = {
    { NEEDS_NUMBER, "a numeric field" },
    { NEEDS_TEXT, "a text field" },
    { NEEDS_KEY, "a text field or hour, place, ip_net or amount_band" },
    { MAY_TEXT, "[a text field]" },
    { NEEDS_FILTER2, "filter2" },
    { NEEDS_FILTER3, "filter3" },
    { NEEDS_WINDOW | NEEDS_SPAN, "window" },
    { MAY_WINDOW, "[window, the most that is told]" },
    { NEEDS_WINDOW2, "window2" },
    { MAY_DELAY, "[delay]" },
    { MAY_PRIOR, "[prior, prior_weight]" },
};

void hec_aggregate_takes(enum hec_aggregate aggregate, char *text, size_t text_bytes)
{
    if (aggregate == HEC_AGG_VALUE || aggregate == HEC_AGG_CATEGORY) {
        snprintf(text, text_bytes,
                 aggregate == HEC_AGG_VALUE ? "a numeric field, or filter: 1 when it passes"
                                            : "a text field or event_type");
        return;
    }
    unsigned needs = NEEDS[aggregate];
    size_t used = (size_t)snprintf(text, text_bytes, needs & NEEDS_FILTER ? "filter" : "[filter]");
    for (size_t i = 0; i < sizeof(WORDS) / sizeof(WORDS[0]); i++) {
        if ((needs & WORDS[i].need) && used < text_bytes) {
            used += (size_t)snprintf(text + used, text_bytes - used, ", %s", WORDS[i].words);
        }
    }
    if ((needs & ONLY_OWNED) && used < text_bytes) {
        snprintf(text + used, text_bytes - used, "; user and card only");
    }
}

static bool field_is_text(const struct hec_feature *feature)
{
    return feature->field != HEC_FIELDS && hec_field_info(feature->field)->kind <= HEC_CURRENCY;
}

static bool field_is_number(const struct hec_feature *feature)
{
    return feature->field != HEC_FIELDS && hec_field_info(feature->field)->kind > HEC_CURRENCY;
}

static bool is_key(const struct hec_feature *feature)
{
    return feature->derived == HEC_HOUR || feature->derived == HEC_PLACE ||
           feature->derived == HEC_IP_NET || feature->derived == HEC_AMOUNT_BAND ||
           field_is_text(feature);
}

bool hec_feature_has_tiles(const struct hec_feature *feature)
{
    return (NEEDS[feature->aggregate] & NEEDS_WINDOW) && feature->aggregate != HEC_AGG_MET;
}

bool hec_aggregate_window_is_cap(enum hec_aggregate aggregate)
{
    return NEEDS[aggregate] & MAY_WINDOW;
}

/* The rules of the keys that few aggregates take. */
static const char *broken_rare_rule(const struct hec_feature *feature, unsigned needs)
{
    if (((needs & NEEDS_FILTER3) != 0) != (feature->filter3 >= 0)) {
        return needs & NEEDS_FILTER3 ? "needs a filter3" : "takes no filter3";
    }
    bool weighs = feature->prior_weight != 0 || feature->prior != 0;
    bool fits = feature->prior >= 0 && feature->prior <= 1 && feature->prior_weight >= 0 &&
                feature->prior_weight <= PRIOR_WEIGHT_MAX;
    if (weighs && !(needs & MAY_PRIOR)) {
        return "takes no prior";
    }
    if (!fits) {
        return "has a prior of 0 to 1 and a prior_weight of 0 to 1000000";
    }
    if (!(needs & NEEDS_WINDOW2)) {
        return feature->window2_ms == 0 ? NULL : "takes no window2";
    }
    if (feature->window2_ms <= feature->window_ms || feature->window2_ms > SPAN_MS_MAX ||
        feature->window2_ms % hec_plan_tile_ms(feature->window2_ms) != 0) {
        return "needs a window2 that is longer than the window and a whole number of tiles";
    }
    return NULL;
}

static const char *broken_event_rule(const struct hec_feature *feature)
{
    const char *rare = broken_rare_rule(feature, 0);
    if (rare != NULL) {
        return rare;
    }
    if (feature->window_ms != 0 || feature->delay_ms != 0 || feature->filter2 >= 0) {
        return "takes no window, delay or filter2";
    }
    if (feature->aggregate == HEC_AGG_CATEGORY) {
        bool type = feature->derived == HEC_EVENT_TYPE;
        return type || field_is_text(feature) ? NULL : "needs a text field or event_type";
    }
    bool key_only = feature->derived == HEC_PLACE || feature->derived == HEC_IP_NET ||
                    feature->derived == HEC_AMOUNT_BAND;
    if (feature->derived == HEC_EVENT_TYPE || key_only || field_is_text(feature)) {
        return "needs a numeric field; a text is a category";
    }
    bool told =
        feature->derived != HEC_NOT_DERIVED || field_is_number(feature) || feature->filter >= 0;
    return told ? NULL : "needs a field, or a filter that the event may pass";
}

static const char *broken_span_rule(const struct hec_feature *feature, unsigned needs)
{
    if ((needs & MAY_WINDOW) && feature->window_ms != 0) {
        bool whole = feature->window_ms > 0 && feature->window_ms <= SPAN_MS_MAX &&
                     feature->window_ms % 1000 == 0 && feature->delay_ms == 0;
        return whole ? NULL : "has a window of whole seconds up to 366d, or none, and no delay";
    }
    if (needs & NEEDS_SPAN) {
        bool fits = feature->window_ms >= MINUTE_MS && feature->window_ms <= SPAN_MS_MAX;
        return fits && feature->delay_ms == 0 ? NULL
                                              : "needs a window of 1m to 366d and takes no delay";
    }
    if (!(needs & NEEDS_WINDOW)) {
        return feature->window_ms == 0 && feature->delay_ms == 0 ? NULL
                                                                 : "takes no window and no delay";
    }
    int64_t tile_ms = hec_plan_tile_ms(feature->window_ms);
    if (feature->window_ms <= 0 || feature->window_ms > SPAN_MS_MAX) {
        return "needs a window of 30s to 366d";
    }
    if (feature->window_ms % tile_ms != 0) {
        return "has a window that is not a whole number of tiles (up to 5m: 30s, 1h: 5m, 24h: "
               "1h, 7d: 6h, beyond: 1d)";
    }
    if (feature->delay_ms != 0 && !(needs & MAY_DELAY)) {
        return "takes no delay";
    }
    if (feature->delay_ms < 0 || feature->delay_ms > SPAN_MS_MAX ||
        feature->delay_ms % tile_ms != 0) {
        return "has a delay that is not a whole number of the window's tiles";
    }
    return NULL;
}

static const char *broken_entity_rule(const struct hec_feature *feature)
{
    unsigned needs = NEEDS[feature->aggregate];
    if ((unsigned)feature->entity >= HEC_KINDS) {
        return "names no entity";
    }
    if ((needs & NEEDS_NUMBER) && !field_is_number(feature)) {
        return "needs a numeric field";
    }
    if ((needs & NEEDS_TEXT) && !field_is_text(feature)) {
        return "needs a text field";
    }
    if ((needs & NEEDS_KEY) && !is_key(feature)) {
        return "needs a text field, or hour, place, ip_net or amount_band";
    }
    if ((needs & MAY_TEXT) && (feature->field != HEC_FIELDS || feature->derived) &&
        !field_is_text(feature)) {
        return "takes a text field or none";
    }
    if (!(needs & (NEEDS_NUMBER | NEEDS_TEXT | NEEDS_KEY | MAY_TEXT)) &&
        (feature->field != HEC_FIELDS || feature->derived != HEC_NOT_DERIVED)) {
        return "takes no field";
    }
    if ((needs & NEEDS_FILTER) && feature->filter < 0) {
        return "needs a filter";
    }
    if (((needs & NEEDS_FILTER2) != 0) != (feature->filter2 >= 0)) {
        return needs & NEEDS_FILTER2 ? "needs a filter2" : "takes no filter2";
    }
    if ((needs & ONLY_OWNED) && !hec_kind_info(feature->entity)->owned) {
        return "is for user and card only: it cannot be merged over partitions";
    }
    const char *broken = broken_rare_rule(feature, needs);
    return broken != NULL ? broken : broken_span_rule(feature, needs);
}

static enum hec_status check_feature(const struct hec_schema *schema, int i,
                                     struct hec_error *error)
{
    const struct hec_feature *feature = &schema->features[i];
    if (!is_name(feature->name)) {
        return hec_fail(error, HEC_INVALID, "feature %d: a name is 1 to %d of a-z, 0-9 and _", i,
                        HEC_NAME_MAX - 1);
    }
    for (int j = 0; j < i; j++) {
        if (strcmp(schema->features[j].name, feature->name) == 0) {
            return hec_fail(error, HEC_INVALID, "feature %s: the name stands twice", feature->name);
        }
    }
    const char *broken = NULL;
    if ((unsigned)feature->aggregate >= HEC_AGGREGATES) {
        broken = "names no aggregate";
    } else if (feature->filter < -1 || feature->filter >= schema->filters_count ||
               feature->filter2 < -1 || feature->filter2 >= schema->filters_count ||
               feature->filter3 < -1 || feature->filter3 >= schema->filters_count) {
        broken = "names a filter that is not there";
    } else if (feature->aggregate == HEC_AGG_VALUE || feature->aggregate == HEC_AGG_CATEGORY) {
        broken = broken_event_rule(feature);
    } else {
        broken = broken_entity_rule(feature);
    }
    if (broken != NULL) {
        return hec_fail(error, HEC_INVALID, "feature %s: %s %s", feature->name,
                        (unsigned)feature->aggregate < HEC_AGGREGATES
                            ? hec_aggregate_name(feature->aggregate)
                            : "it",
                        broken);
    }
    return HEC_OK;
}

enum hec_status hec_schema_check(const struct hec_schema *schema, struct hec_error *error)
{
    if (schema->features_count < 1 || schema->features_count > HEC_FEATURES_MAX ||
        schema->filters_count < 0 || schema->filters_count > HEC_FILTERS_MAX) {
        return hec_fail(error, HEC_INVALID, "a schema has 1 to %d features and up to %d filters",
                        HEC_FEATURES_MAX, HEC_FILTERS_MAX);
    }
    if (strspn(schema->currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 3) {
        return hec_fail(error, HEC_INVALID, "currency: three letters A-Z are needed");
    }
    if (schema->allowed_lateness_ms < 0 || schema->allowed_lateness_ms > DAY_MS ||
        schema->dedup_window_s < 0) {
        return hec_fail(error, HEC_INVALID,
                        "allowed_lateness_ms is 0 to %lld, dedup_window_s not negative",
                        (long long)DAY_MS);
    }
    enum hec_status status = HEC_OK;
    for (int i = 0; i < schema->filters_count && status == HEC_OK; i++) {
        status = check_filter(schema, i, error);
    }
    for (int i = 0; i < schema->features_count && status == HEC_OK; i++) {
        status = check_feature(schema, i, error);
    }
    return status;
}
