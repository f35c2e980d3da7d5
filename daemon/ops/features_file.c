/*
 * features.conf into hec_schema: filters first, then features, every name checked against core's
 * own tables.
 */
#include "ops/features_file.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/conf.h"
#include "ops/problems.h"

#define FILE_BYTES_MAX (1 << 20)
#define NAMES_MAX 256

/* Every key, once: the parser knows no other, and hecate-features(5) is printed from here. */
static const struct hec_features_key KEYS[] = {
    { "", "currency", "Three letters (ISO 4217): what amounts are told in. Default EUR." },
    { "", "allowed_lateness_ms",
      "An event older than its user's newest one by more than this is late and moves no state. "
      "Default 300000." },
    { "", "dedup_window_s",
      "A user's event id that comes again within this time is a duplicate. Default 3600." },
    { "rate", "per_unit",
      "Units of the reporting currency for one of the title's. An amount in a currency without a "
      "rate is missing." },
    { "filter", "events", "The types it passes. Default every scored type." },
    { "filter", "where",
      "At most 4 predicates, all of which must hold: \"FIELD == V\", \"FIELD != V\", \"FIELD < "
      "N\", \"FIELD >= N\", \"FIELD in V V V\", \"FIELD present\"." },
    { "feature", "aggregate", "What is computed: one of the aggregates below. Required." },
    { "feature", "entity", "Whose history it is computed from." },
    { "feature", "filter", "Only events that pass this filter count. Default all." },
    { "feature", "filter2", "The second filter of ratio, portion, streak and chain." },
    { "feature", "filter3", "The last step of chain." },
    { "feature", "field", "The field that is summed, compared or counted." },
    { "feature", "window", "How far back: 30s, 5m, 1h, 7d." },
    { "feature", "window2", "The longer window of burst." },
    { "feature", "delay", "Events younger than this are not seen: how late labels may be." },
    { "feature", "prior", "The rate that ratio and label_rate begin with." },
    { "feature", "prior_weight", "How many events that rate counts for." },
    { "feature", "missing",
      "The value when there is nothing to tell. Default nan: missing, and flagged." },
    { "feature", "heads", "The heads that it may give a reason for. Default all." },
    { "feature", "reason", "The code of that reason. Without one it is never a reason." },
    { "feature", "text",
      "The reason for people; {observed} and {usual} are filled in, {observed:time} as a duration, "
      "{observed:share} in percent." },
    { NULL, NULL, NULL },
};
static const char *const FILTER_LISTS[] = { "events", "where", NULL };
static const char *const FEATURE_LISTS[] = { "heads", NULL };
static const struct hec_conf_section SECTIONS[] = {
    { .name = "" },
    { .name = "rate", .titled = true },
    { .name = "filter", .titled = true, .lists = FILTER_LISTS },
    { .name = "feature", .titled = true, .lists = FEATURE_LISTS },
    { .name = NULL },
};

/* A list of names for the guess, filled from core's tables. */
struct names {
    const char *list[NAMES_MAX + 1];
    int count;
};

static void names_add(struct names *names, const char *name)
{
    if (names->count < NAMES_MAX) {
        names->list[names->count++] = name;
        names->list[names->count] = NULL;
    }
}

struct parsing {
    const char *file;
    struct hec_schema *schema;
    struct hec_problems *problems;
};

/* "FILE:LINE: unknown WHAT "GIVEN" in SECTION TITLE (did you mean "...")" */
static void refuse_name(const struct parsing *p, const struct hec_conf_item *item, const char *what,
                        const char *given, const char *const *known)
{
    const char *near = hec_nearest(given, known);
    hec_problems_add(p->problems, HEC_INVALID, "%s:%d: unknown %s \"%s\" in %s%s%s%s%s%s", p->file,
                     item->line, what, given, item->section[0] ? item->section : "the file",
                     item->title[0] ? " " : "", item->title, near ? " (did you mean \"" : "",
                     near ? near : "", near ? "\"?)" : "");
}

static void refuse_value(const struct parsing *p, const struct hec_conf_item *item,
                         const char *expected)
{
    hec_problems_add(p->problems, HEC_INVALID, "%s:%d: %s of %s%s%s must be %s, not \"%s\"",
                     p->file, item->line, item->key, item->section[0] ? item->section : "the file",
                     item->title[0] ? " " : "", item->title, expected, item->value);
}

const struct hec_features_key *hec_features_keys(void)
{
    return KEYS;
}

static bool is_key_of(const struct parsing *p, const struct hec_conf_item *item)
{
    struct names known = { .count = 0 };
    for (const struct hec_features_key *key = KEYS; key->name != NULL; key++) {
        if (strcmp(key->section, item->section) != 0) {
            continue;
        }
        if (strcmp(key->name, item->key) == 0) {
            return true;
        }
        names_add(&known, key->name);
    }
    refuse_name(p, item, "key", item->key, known.list);
    return false;
}

/* The text goes into alerts, onto terminals and, quoted, into the model. */
static bool has_control(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f) {
            return true;
        }
    }
    return false;
}

static void copy_text(const struct parsing *p, const struct hec_conf_item *item, const char *value,
                      char *text, size_t text_bytes)
{
    if (has_control(value)) {
        hec_problems_add(
            p->problems, HEC_INVALID,
            "%s:%d: %s of %s holds a control character (a tab, an escape): take it out", p->file,
            item->line, item->key, item->title);
        return;
    }
    if (strlen(value) >= text_bytes) {
        hec_problems_add(p->problems, HEC_INVALID, "%s:%d: \"%.40s...\" is longer than %zu bytes",
                         p->file, item->line, value, text_bytes - 1);
        return;
    }
    strcpy(text, value);
}

static bool is_name(const char *text)
{
    size_t good = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_");
    return text[0] != '\0' && text[good] == '\0' && (text[0] < '0' || text[0] > '9');
}

static bool is_currency(const char *text)
{
    return strlen(text) == 3 && strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 3;
}

static bool parse_integer(const char *text, int64_t minimum, int64_t maximum, int64_t *value)
{
    char *end;
    errno = 0;
    long long parsed = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || parsed < minimum || parsed > maximum) {
        return false;
    }
    *value = parsed;
    return true;
}

static bool parse_number(const char *text, double *value)
{
    char *end;
    *value = strtod(text, &end);
    return end != text && *end == '\0';
}

static void take_root(const struct parsing *p, const struct hec_conf_item *item)
{
    struct hec_schema *schema = p->schema;
    if (!is_key_of(p, item)) {
        return;
    }
    if (strcmp(item->key, "currency") == 0) {
        if (!is_currency(item->value)) {
            refuse_value(p, item, "three letters A-Z");
            return;
        }
        strcpy(schema->currency, item->value);
    } else if (strcmp(item->key, "allowed_lateness_ms") == 0) {
        if (!parse_integer(item->value, 0, 366 * INT64_C(86400000), &schema->allowed_lateness_ms)) {
            refuse_value(p, item, "0 .. 31622400000 (ms)");
        }
    } else if (!parse_integer(item->value, 0, 366 * INT64_C(86400), &schema->dedup_window_s)) {
        refuse_value(p, item, "0 .. 31622400 (s)");
    }
}

static void take_rate(const struct parsing *p, const struct hec_conf_item *item)
{
    struct hec_schema *schema = p->schema;
    if (!is_key_of(p, item)) {
        return;
    }
    double rate;
    if (!is_currency(item->title)) {
        hec_problems_add(p->problems, HEC_INVALID,
                         "%s:%d: rate \"%s\": a currency is three letters A-Z (ISO 4217)", p->file,
                         item->line, item->title);
    } else if (!parse_number(item->value, &rate) || !isfinite(rate) || rate <= 0) {
        refuse_value(p, item, "a number above 0");
    } else if (schema->rates_count == (int)(sizeof(schema->rates) / sizeof(schema->rates[0]))) {
        hec_problems_add(p->problems, HEC_INVALID, "%s:%d: more than %d rates", p->file, item->line,
                         schema->rates_count);
    } else {
        strcpy(schema->rates[schema->rates_count].code, item->title);
        schema->rates[schema->rates_count++].rate = rate;
    }
}

static void take_event(const struct parsing *p, const struct hec_conf_item *item,
                       struct hec_filter *filter)
{
    enum hec_event_type type = hec_event_type_named(item->value, strlen(item->value));
    if (type != HEC_EVENT_TYPES && hec_event_is_scored(type)) {
        filter->event_types |= 1u << type;
        return;
    }
    struct names names = { 0 };
    for (int i = 0; i < HEC_SCORED_TYPES; i++) {
        names_add(&names, hec_event_type_name((enum hec_event_type)i));
    }
    refuse_name(p, item, "event type", item->value, names.list);
}

static void take_predicate(const struct parsing *p, const struct hec_conf_item *item,
                           struct hec_filter *filter)
{
    int room = (int)(sizeof(filter->predicates) / sizeof(filter->predicates[0]));
    if (filter->predicates_count == room) {
        hec_problems_add(p->problems, HEC_INVALID, "%s:%d: filter %s has more than %d predicates",
                         p->file, item->line, item->title, room);
        return;
    }
    struct hec_error error = { 0 };
    enum hec_status status =
        hec_predicate_parse(&filter->predicates[filter->predicates_count], item->value, &error);
    if (status == HEC_OK) {
        filter->predicates_count++;
        return;
    }
    char word[64];
    snprintf(word, sizeof(word), "%.*s", (int)strcspn(item->value, " "), item->value);
    const char *near = NULL;
    if (hec_field_named(word, strlen(word)) == HEC_FIELDS) {
        struct names names = { 0 };
        for (int i = 0; i < HEC_FIELDS; i++) {
            names_add(&names, hec_field_info((enum hec_field)i)->path);
        }
        near = hec_nearest(word, names.list);
    }
    hec_problems_add(p->problems, status, "%s:%d: where of filter %s: %s%s%s%s", p->file,
                     item->line, item->title, error.text, near ? " (did you mean \"" : "",
                     near ? near : "", near ? "\"?)" : "");
}

static struct hec_filter *open_filter(const struct parsing *p, const struct hec_conf_item *item)
{
    struct hec_schema *schema = p->schema;
    int index = hec_schema_filter_named(schema, item->title);
    if (index >= 0) {
        return &schema->filters[index];
    }
    if (!is_name(item->title) || strlen(item->title) >= HEC_NAME_MAX) {
        hec_problems_add(p->problems, HEC_INVALID,
                         "%s:%d: filter \"%.60s\": a name is a-z, 0-9 and _, at most %d of them",
                         p->file, item->line, item->title, HEC_NAME_MAX - 1);
        return NULL;
    }
    if (schema->filters_count == HEC_FILTERS_MAX) {
        hec_problems_add(p->problems, HEC_INVALID, "%s:%d: more than %d filters", p->file,
                         item->line, HEC_FILTERS_MAX);
        return NULL;
    }
    struct hec_filter *filter = &schema->filters[schema->filters_count++];
    *filter = (struct hec_filter){ 0 };
    strcpy(filter->name, item->title);
    return filter;
}

static void take_filter(const struct parsing *p, const struct hec_conf_item *item)
{
    if (!is_key_of(p, item)) {
        return;
    }
    struct hec_filter *filter = open_filter(p, item);
    if (filter == NULL) {
        return;
    }
    if (strcmp(item->key, "events") == 0) {
        take_event(p, item, filter);
    } else {
        take_predicate(p, item, filter);
    }
}

static struct hec_feature *open_feature(const struct parsing *p, const struct hec_conf_item *item,
                                        bool fresh)
{
    struct hec_schema *schema = p->schema;
    if (!fresh) {
        return schema->features_count == 0 ? NULL : &schema->features[schema->features_count - 1];
    }
    if (!is_name(item->title) || strlen(item->title) >= HEC_NAME_MAX) {
        hec_problems_add(p->problems, HEC_INVALID,
                         "%s:%d: feature \"%.60s\": a name is a-z, 0-9 and _, at most %d of them",
                         p->file, item->line, item->title, HEC_NAME_MAX - 1);
    }
    if (schema->features_count == HEC_FEATURES_MAX) {
        hec_problems_add(p->problems, HEC_INVALID, "%s:%d: more than %d features", p->file,
                         item->line, HEC_FEATURES_MAX);
        return NULL;
    }
    struct hec_feature *feature = &schema->features[schema->features_count++];
    hec_feature_init(feature);
    snprintf(feature->name, sizeof(feature->name), "%s", item->title);
    return feature;
}

static void take_aggregate(const struct parsing *p, const struct hec_conf_item *item,
                           struct hec_feature *feature)
{
    feature->aggregate = hec_aggregate_named(item->value);
    if (feature->aggregate == HEC_AGGREGATES) {
        struct names names = { 0 };
        for (int i = 0; i < HEC_AGGREGATES; i++) {
            names_add(&names, hec_aggregate_name((enum hec_aggregate)i));
        }
        refuse_name(p, item, "aggregate", item->value, names.list);
    }
}

static void take_entity(const struct parsing *p, const struct hec_conf_item *item,
                        struct hec_feature *feature)
{
    feature->entity = hec_kind_named(item->value, strlen(item->value));
    if (feature->entity == HEC_KINDS) {
        struct names names = { 0 };
        for (int i = 0; i < HEC_KINDS; i++) {
            names_add(&names, hec_kind_info((enum hec_kind)i)->name);
        }
        refuse_name(p, item, "entity", item->value, names.list);
    }
}

static int take_filter_name(const struct parsing *p, const struct hec_conf_item *item)
{
    int index = hec_schema_filter_named(p->schema, item->value);
    if (index < 0) {
        struct names names = { 0 };
        for (int i = 0; i < p->schema->filters_count; i++) {
            names_add(&names, p->schema->filters[i].name);
        }
        refuse_name(p, item, "filter", item->value, names.list);
    }
    return index;
}

static void take_field(const struct parsing *p, const struct hec_conf_item *item,
                       struct hec_feature *feature)
{
    if (hec_feature_set_field(feature, item->value)) {
        return;
    }
    static const char *const DERIVED[] = {
#define DERIVED_NAME(enumerator, name, text) name,
        HEC_DERIVED_TABLE(DERIVED_NAME)
#undef DERIVED_NAME
    };
    struct names names = { 0 };
    for (int i = 0; i < HEC_FIELDS; i++) {
        names_add(&names, hec_field_info((enum hec_field)i)->path);
    }
    for (size_t i = 0; i < sizeof(DERIVED) / sizeof(DERIVED[0]); i++) {
        names_add(&names, DERIVED[i]);
    }
    refuse_name(p, item, "field", item->value, names.list);
}

static int64_t take_duration(const struct parsing *p, const struct hec_conf_item *item)
{
    int64_t ms = hec_duration_ms(item->value);
    if (ms < 0) {
        refuse_value(p, item, "a duration such as 30s, 5m, 1h or 7d");
    }
    return ms;
}

static void take_head(const struct parsing *p, const struct hec_conf_item *item, bool first,
                      struct hec_feature *feature)
{
    struct names names = { 0 };
    if (first) {
        feature->heads = 0;
    }
    for (int bit = 0; hec_feature_head_name(bit) != NULL; bit++) {
        names_add(&names, hec_feature_head_name(bit));
        if (strcmp(item->value, hec_feature_head_name(bit)) == 0) {
            feature->heads |= 1u << bit;
            return;
        }
    }
    refuse_name(p, item, "head", item->value, names.list);
}

/* first: this is the first value of its key in the section (heads is a list). */
static void take_feature_key(const struct parsing *p, const struct hec_conf_item *item, bool first,
                             struct hec_feature *feature)
{
    const char *key = item->key;
    if (strcmp(key, "aggregate") == 0) {
        take_aggregate(p, item, feature);
    } else if (strcmp(key, "entity") == 0) {
        take_entity(p, item, feature);
    } else if (strcmp(key, "filter") == 0) {
        feature->filter = take_filter_name(p, item);
    } else if (strcmp(key, "filter2") == 0) {
        feature->filter2 = take_filter_name(p, item);
    } else if (strcmp(key, "filter3") == 0) {
        feature->filter3 = take_filter_name(p, item);
    } else if (strcmp(key, "field") == 0) {
        take_field(p, item, feature);
    } else if (strcmp(key, "window") == 0) {
        feature->window_ms = take_duration(p, item);
    } else if (strcmp(key, "window2") == 0) {
        feature->window2_ms = take_duration(p, item);
    } else if (strcmp(key, "prior") == 0 || strcmp(key, "prior_weight") == 0) {
        double *number = key[5] == '\0' ? &feature->prior : &feature->prior_weight;
        if (!parse_number(item->value, number) || !isfinite(*number)) {
            refuse_value(p, item, "a number");
        }
    } else if (strcmp(key, "delay") == 0) {
        feature->delay_ms = take_duration(p, item);
    } else if (strcmp(key, "missing") == 0) {
        if (!parse_number(item->value, &feature->missing) || isinf(feature->missing)) {
            refuse_value(p, item, "a number or nan");
        }
    } else if (strcmp(key, "heads") == 0) {
        take_head(p, item, first, feature);
    } else if (strcmp(key, "reason") == 0) {
        copy_text(p, item, item->value, feature->reason_code, sizeof(feature->reason_code));
    } else {
        copy_text(p, item, item->value, feature->text, sizeof(feature->text));
    }
}

static void take_features(const struct parsing *p, const struct hec_conf *conf)
{
    bool fresh = true;
    bool has_aggregate = false;
    bool had_heads = false;
    struct hec_feature *feature = NULL;
    for (size_t i = 0; i < conf->count; i++) {
        const struct hec_conf_item *item = &conf->items[i];
        if (strcmp(item->section, "feature") != 0) {
            continue;
        }
        if (item->key == NULL) {
            if (fresh || !has_aggregate) {
                hec_problems_add(p->problems, HEC_INVALID, "%s:%d: feature %s has no aggregate",
                                 p->file, item->line, item->title);
            }
            fresh = true;
            continue;
        }
        if (fresh) {
            feature = open_feature(p, item, true);
            has_aggregate = false;
            had_heads = false;
        }
        fresh = false;
        if (feature == NULL || !is_key_of(p, item)) {
            continue;
        }
        take_feature_key(p, item, !had_heads, feature);
        has_aggregate |= strcmp(item->key, "aggregate") == 0;
        had_heads |= strcmp(item->key, "heads") == 0;
    }
}

static void take_all(const struct parsing *p, const struct hec_conf *conf)
{
    struct hec_schema *schema = p->schema;
    hec_schema_init(schema);
    for (size_t i = 0; i < conf->count; i++) {
        const struct hec_conf_item *item = &conf->items[i];
        if (item->key == NULL) {
            if (strcmp(item->section, "filter") == 0) {
                open_filter(p, item); /* also one without keys: any scored event */
            }
            continue;
        }
        if (item->section[0] == '\0') {
            take_root(p, item);
        } else if (strcmp(item->section, "rate") == 0) {
            take_rate(p, item);
        } else if (strcmp(item->section, "filter") == 0) {
            take_filter(p, item);
        }
    }
    for (int i = 0; i < schema->filters_count; i++) {
        if (schema->filters[i].event_types == 0) {
            schema->filters[i].event_types = (1u << HEC_SCORED_TYPES) - 1;
        }
    }
    take_features(p, conf);
}

static enum hec_status parse(const char *name, const char *text, struct hec_schema *schema,
                             struct hec_error *error)
{
    struct hec_problems problems = { 0 };
    struct hec_conf conf;
    enum hec_status status = hec_conf_read(&conf, name, text, SECTIONS, &problems);
    if (status == HEC_NO_MEMORY) {
        return hec_fail(error, status, "no memory to read %s", name);
    }
    if (status == HEC_OK) {
        struct parsing p = { .file = name, .schema = schema, .problems = &problems };
        take_all(&p, &conf);
        hec_conf_free(&conf);
    }
    if (problems.count == 0) {
        return HEC_OK;
    }
    char more[48] = "";
    int others = problems.count - 1 + problems.dropped;
    if (others > 0) {
        snprintf(more, sizeof(more), " (and %d more)", others);
    }
    return hec_fail(error, problems.rows[0].status, "%.440s%s", problems.rows[0].text, more);
}

enum hec_status hec_features_file_load(const char *path, struct hec_schema *schema,
                                       struct hec_error *error)
{
    char *text;
    enum hec_status status = hec_text_read(&text, path, FILE_BYTES_MAX, error);
    if (status != HEC_OK) {
        return status;
    }
    status = parse(path, text, schema, error);
    free(text);
    return status;
}

enum hec_status hec_features_text_parse(const char *text, struct hec_schema *schema,
                                        struct hec_error *error)
{
    return parse("features", text, schema, error);
}
