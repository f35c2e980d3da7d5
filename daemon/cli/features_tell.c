#include "cli/features_tell.h"

#include <math.h>
#include <string.h>

#include "ops/problems.h"

static const char *const AGGREGATE_TEXTS[HEC_AGGREGATES] = {
#define AGGREGATE_TEXT(enumerator, name, text) [HEC_AGG_##enumerator] = text,
    HEC_AGGREGATE_TABLE(AGGREGATE_TEXT)
#undef AGGREGATE_TEXT
};

static const char *const DERIVED_NAMES[HEC_DERIVED] = {
#define DERIVED_NAME(enumerator, name, text) [HEC_##enumerator] = name,
    HEC_DERIVED_TABLE(DERIVED_NAME)
#undef DERIVED_NAME
};

static const char *const DERIVED_TEXTS[HEC_DERIVED] = {
#define DERIVED_TEXT(enumerator, name, text) [HEC_##enumerator] = text,
    HEC_DERIVED_TABLE(DERIVED_TEXT)
#undef DERIVED_TEXT
};

/* Features of the field's best systems that no field of an event feeds. */
static const struct {
    const char *what, *why;
} LEFT_OUT[] = {
    { "class of the IP address (Tor, VPN, hosting)", "no event field tells it" },
    { "system or network (ASN) of the IP address", "no event field tells it" },
    { "operating system and language of the device", "no event field tells them" },
    { "emulator, rooted device", "no event field tells it; bot_score is there" },
    { "refunds and disputes", "no such event; a reversal takes its payment back" },
    { "BIN velocity and enumeration", "a card is a token; its first digits never come in" },
    { "issuer or billing country against the IP's", "no event field tells them" },
    { "amount over limit or balance, share of balance moved", "no event field tells either" },
    { "wave of failed log-ins over all customers", "no one partition sees all of them" },
    { "own past scores", "state depends on the log, never on the model" },
};

static bool is_of_entity(const struct hec_feature *feature)
{
    return feature->aggregate != HEC_AGG_VALUE && feature->aggregate != HEC_AGG_CATEGORY;
}

static const char *entity_of(const struct hec_feature *feature)
{
    return is_of_entity(feature) ? hec_kind_info(feature->entity)->name : "event";
}

static const char *field_of(const struct hec_feature *feature)
{
    return feature->derived != HEC_NOT_DERIVED ? DERIVED_NAMES[feature->derived]
           : feature->field != HEC_FIELDS      ? hec_field_info(feature->field)->path
                                               : "-";
}

static const char *filter_named(const struct hec_schema *schema, int filter)
{
    return filter < 0 ? "-" : schema->filters[filter].name;
}

static const char *span(int64_t ms, char text[24])
{
    if (ms == 0) {
        return "-";
    }
    hec_duration_print(ms, text);
    return text;
}

void hec_features_list(const struct hec_plan *plan, FILE *to)
{
    const struct hec_schema *schema = hec_plan_schema(plan);
    fprintf(to, "%-26s %-14s %-9s %-7s %-7s %-15s %-17s %-8s %s\n", "name", "aggregate", "entity",
            "window", "delay", "filter", "field", "reason", "text");
    for (int i = 0; i < schema->features_count; i++) {
        const struct hec_feature *feature = &schema->features[i];
        char window[24], delay[24];
        fprintf(to, "%-26s %-14s %-9s %-7s %-7s %-15s %-17s %-8s %s\n", feature->name,
                hec_aggregate_name(feature->aggregate), entity_of(feature),
                span(feature->window_ms, window), span(feature->delay_ms, delay),
                filter_named(schema, feature->filter), field_of(feature),
                feature->reason_code[0] ? feature->reason_code : "-", feature->text);
    }
    fprintf(to, "\n%d numeric columns, %d categories; schema %s\n\nleft out:\n",
            hec_plan_numerics(plan), hec_plan_categories(plan), hec_plan_digest(plan));
    for (size_t i = 0; i < sizeof(LEFT_OUT) / sizeof(*LEFT_OUT); i++) {
        fprintf(to, "  %-54s %s\n", LEFT_OUT[i].what, LEFT_OUT[i].why);
    }
}

static void explain_filter(const struct hec_schema *schema, const char *what, int filter, FILE *to)
{
    if (filter < 0) {
        return;
    }
    fprintf(to, "%-10s %s:", what, schema->filters[filter].name);
    for (int type = 0; type < HEC_EVENT_TYPES; type++) {
        if (schema->filters[filter].event_types >> type & 1) {
            fprintf(to, " %s", hec_event_type_name((enum hec_event_type)type));
        }
    }
    int predicates = schema->filters[filter].predicates_count;
    fprintf(to, predicates == 0 ? "\n" : ", and %d condition%s of features.conf\n", predicates,
            predicates == 1 ? "" : "s");
}

static void explain_window(const struct hec_feature *feature, FILE *to)
{
    char window[24], tile[24], delay[24];
    if (feature->window_ms == 0) {
        fprintf(to, "%-10s none: all that the record remembers\n", "window");
        return;
    }
    hec_duration_print(feature->window_ms, window);
    if (!hec_feature_has_tiles(feature)) {
        fprintf(to, "%-10s %s, not cut into tiles\n", "window", window);
        return;
    }
    int64_t tile_ms = hec_plan_tile_ms(feature->window_ms);
    long long tiles = (long long)(feature->window_ms / tile_ms);
    hec_duration_print(tile_ms, tile);
    if (feature->delay_ms == 0) {
        fprintf(to, "%-10s %s: %lld tiles of %s, the event's own tile the last\n", "window", window,
                tiles, tile);
    } else {
        hec_duration_print(feature->delay_ms, delay);
        fprintf(to, "%-10s %s: %lld tiles of %s, ending before the tile of %s ago\n", "window",
                window, tiles, tile, delay);
    }
}

static void explain_cost(const struct hec_feature *feature, FILE *to)
{
    if (!is_of_entity(feature)) {
        fprintf(to, "%-10s no state\n", "cost");
    } else if (hec_feature_has_tiles(feature) && feature->aggregate != HEC_AGG_DISTINCT) {
        fprintf(to,
                "%-10s 4 or 8 bytes a column in every live tile; read once for all features\n"
                "%-10s of the same window, whatever the number of events\n",
                "cost", "");
    } else if (feature->aggregate == HEC_AGG_DISTINCT) {
        fprintf(to,
                "%-10s 8 bytes a value up to 25, exact; beyond, sketches of 256 registers with\n"
                "%-10s a standard error of 6.5 %%\n",
                "cost", "");
    } else {
        fprintf(to, "%-10s a few slots or a short list of the record; no tiles\n", "cost");
    }
}

static const struct hec_feature *find(const struct hec_schema *schema, const char *name,
                                      const char **nearest)
{
    const char *names[HEC_FEATURES_MAX + 1];
    for (int i = 0; i < schema->features_count; i++) {
        if (strcmp(schema->features[i].name, name) == 0) {
            return &schema->features[i];
        }
        names[i] = schema->features[i].name;
    }
    names[schema->features_count] = NULL;
    *nearest = hec_nearest(name, names);
    return NULL;
}

bool hec_features_explain(const struct hec_plan *plan, const char *name, FILE *to,
                          const char **nearest)
{
    const struct hec_schema *schema = hec_plan_schema(plan);
    const struct hec_feature *feature = find(schema, name, nearest);
    if (feature == NULL) {
        return false;
    }
    fprintf(to, "%-10s %s\n", "name", feature->name);
    fprintf(to, "%-10s %s: %s\n", "aggregate", hec_aggregate_name(feature->aggregate),
            AGGREGATE_TEXTS[feature->aggregate]);
    if (is_of_entity(feature)) {
        fprintf(to, "%-10s %s, %s\n", "entity", entity_of(feature),
                hec_kind_info(feature->entity)->owned
                    ? "owned: one partition writes it, live equals offline bit for bit"
                    : "shared: each partition writes its own shard, a reader merges all");
        explain_window(feature, to);
    }
    if (strcmp(field_of(feature), "-") != 0) {
        fprintf(to, "%-10s %s%s%s\n", "field", field_of(feature),
                feature->derived != HEC_NOT_DERIVED ? ": " : "",
                feature->derived != HEC_NOT_DERIVED ? DERIVED_TEXTS[feature->derived] : "");
    }
    explain_filter(schema, "filter", feature->filter, to);
    explain_filter(schema, "filter2", feature->filter2, to);
    explain_filter(schema, "filter3", feature->filter3, to);
    if (isnan(feature->missing)) {
        fprintf(to, "%-10s empty, and the model is told that it is missing\n", "missing");
    } else {
        fprintf(to, "%-10s told as %g\n", "missing", feature->missing);
    }
    fprintf(to, "%-10s %s  %s\n", "reason",
            feature->reason_code[0] ? feature->reason_code : "never", feature->text);
    explain_cost(feature, to);
    return true;
}
