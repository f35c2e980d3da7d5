/*
 * The words of features.conf: names, durations and predicates from text, and back.
 *
 * Printing is canonical: one line an item, every optional part left out when it has its default, so
 * that two schemas that mean the same have one text and one digest.
 */
#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hecate/feature.h"

#define SECOND_MS INT64_C(1000)

static const struct {
    char letter;
    int64_t ms;
} UNITS[] = {
    { 'd', 86400 * SECOND_MS },
    { 'h', 3600 * SECOND_MS },
    { 'm', 60 * SECOND_MS },
    { 's', SECOND_MS },
};

static const char *const AGGREGATES[HEC_AGGREGATES] = {
#define AGGREGATE_NAME(enumerator, name, text) [HEC_AGG_##enumerator] = name,
    HEC_AGGREGATE_TABLE(AGGREGATE_NAME)
#undef AGGREGATE_NAME
};

static const char *const DERIVED[HEC_DERIVED] = {
#define DERIVED_NAME(enumerator, name, text) [HEC_##enumerator] = name,
    HEC_DERIVED_TABLE(DERIVED_NAME)
#undef DERIVED_NAME
};

static const char *const OPERATORS[] = {
    [HEC_EQ] = "==", [HEC_NE] = "!=", [HEC_LT] = "<",
    [HEC_GE] = ">=", [HEC_IN] = "in", [HEC_PRESENT] = "present",
};

static const char *const HEADS[] = { "card_fraud", "ato", "anomaly" };
#define HEADS_COUNT 3

void hec_schema_init(struct hec_schema *schema)
{
    memset(schema, 0, sizeof(*schema));
    memcpy(schema->currency, "EUR", 4);
    schema->allowed_lateness_ms = 300000;
    schema->dedup_window_s = 3600;
}

void hec_feature_init(struct hec_feature *feature)
{
    memset(feature, 0, sizeof(*feature));
    feature->filter = -1;
    feature->filter2 = -1;
    feature->filter3 = -1;
    feature->field = HEC_FIELDS;
    feature->missing = NAN;
    feature->heads = UINT32_MAX;
}

int64_t hec_duration_ms(const char *text)
{
    char *end;
    if (text[0] < '0' || text[0] > '9') {
        return -1;
    }
    long long number = strtoll(text, &end, 10);
    if (number == 0 && *end == '\0') {
        return 0;
    }
    for (size_t i = 0; i < sizeof(UNITS) / sizeof(*UNITS); i++) {
        if (end[0] == UNITS[i].letter && end[1] == '\0' && number <= INT64_MAX / UNITS[i].ms) {
            return number * UNITS[i].ms;
        }
    }
    return -1;
}

void hec_duration_print(int64_t ms, char text[24])
{
    size_t i = 0;
    while (i < 3 && ms % UNITS[i].ms != 0) {
        i++;
    }
    if (ms == 0) {
        memcpy(text, "0", 2);
    } else {
        snprintf(text, 24, "%lld%c", (long long)(ms / UNITS[i].ms), UNITS[i].letter);
    }
}

static bool is_text_kind(enum hec_field_kind kind)
{
    return kind <= HEC_CURRENCY;
}

/* The next word of a text separated by blanks; its length, 0 at the end. */
static size_t next_word(const char **text)
{
    *text += strspn(*text, " \t");
    return strcspn(*text, " \t");
}

static int operator_named(const char *word, size_t length)
{
    for (int op = 0; op <= HEC_PRESENT; op++) {
        if (strlen(OPERATORS[op]) == length && memcmp(OPERATORS[op], word, length) == 0) {
            return op;
        }
    }
    return -1;
}

/* The values behind the operator, all of them texts or one number. */
static enum hec_status parse_values(struct hec_predicate *predicate, const char *at,
                                    const char *text, struct hec_error *error)
{
    enum hec_field_kind kind = hec_field_info(predicate->field)->kind;
    size_t length;
    while ((length = next_word(&at)) > 0) {
        if (!is_text_kind(kind)) {
            char *end;
            predicate->integer = strtoll(at, &end, 10);
            if (end != at + length || predicate->texts_count > 0) {
                return hec_fail(error, HEC_INVALID, "\"%s\": one whole number must follow", text);
            }
        } else if (predicate->texts_count == 8 || length >= sizeof(predicate->texts[0])) {
            return hec_fail(error, HEC_INVALID, "\"%s\": at most 8 values of 31 bytes", text);
        } else {
            memcpy(predicate->texts[predicate->texts_count], at, length);
        }
        predicate->texts_count++;
        at += length;
    }
    int most = predicate->op == HEC_PRESENT ? 0 : predicate->op == HEC_IN ? 8 : 1;
    if (predicate->texts_count > most || (most > 0 && predicate->texts_count == 0)) {
        return hec_fail(error, HEC_INVALID, "\"%s\": wrong number of values for %s", text,
                        OPERATORS[predicate->op]);
    }
    if (!is_text_kind(kind)) {
        predicate->texts_count = 0;
    }
    return HEC_OK;
}

enum hec_status hec_predicate_parse(struct hec_predicate *predicate, const char *text,
                                    struct hec_error *error)
{
    memset(predicate, 0, sizeof(*predicate));
    const char *at = text;
    size_t length = next_word(&at);
    predicate->field = hec_field_named(at, length);
    if (predicate->field == HEC_FIELDS) {
        return hec_fail(error, HEC_INVALID, "\"%s\": no field is named %.*s", text, (int)length,
                        at);
    }
    at += length;
    length = next_word(&at);
    int op = operator_named(at, length);
    if (op < 0) {
        return hec_fail(error, HEC_INVALID,
                        "\"%s\": after the field stands one of == != < >= in present", text);
    }
    predicate->op = (enum hec_predicate_op)op;
    bool for_texts = op == HEC_IN;
    bool for_numbers = op == HEC_LT || op == HEC_GE;
    bool is_text = is_text_kind(hec_field_info(predicate->field)->kind);
    if ((for_texts && !is_text) || (for_numbers && is_text)) {
        return hec_fail(error, HEC_INVALID, "\"%s\": %s does not go with this field", text,
                        OPERATORS[op]);
    }
    return parse_values(predicate, at + length, text, error);
}

enum hec_aggregate hec_aggregate_named(const char *name)
{
    int i = 0;
    while (i < HEC_AGGREGATES && strcmp(AGGREGATES[i], name) != 0) {
        i++;
    }
    return (enum hec_aggregate)i;
}

const char *hec_aggregate_name(enum hec_aggregate aggregate)
{
    assert((unsigned)aggregate < HEC_AGGREGATES);
    return AGGREGATES[aggregate];
}

bool hec_feature_set_field(struct hec_feature *feature, const char *name)
{
    for (int i = HEC_NOT_DERIVED + 1; i < HEC_DERIVED; i++) {
        if (strcmp(DERIVED[i], name) == 0) {
            feature->derived = (enum hec_derived)i;
            feature->field = HEC_FIELDS;
            return true;
        }
    }
    feature->derived = HEC_NOT_DERIVED;
    feature->field = hec_field_named(name, strlen(name));
    return feature->field != HEC_FIELDS;
}

int hec_schema_filter_named(const struct hec_schema *schema, const char *name)
{
    for (int i = 0; i < schema->filters_count; i++) {
        if (strcmp(schema->filters[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}

const char *hec_feature_head_name(int bit)
{
    return bit >= 0 && bit < HEADS_COUNT ? HEADS[bit] : NULL;
}

/* Appends like snprintf, counting on when the room is used up. */
struct printer {
    char *text;
    size_t room, length;
};

static void put(struct printer *printer, const char *format, ...) HEC_PRINTF(2, 3);

static void put(struct printer *printer, const char *format, ...)
{
    size_t left = printer->length < printer->room ? printer->room - printer->length : 0;
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(left > 0 ? printer->text + printer->length : NULL, left, format, arguments);
    va_end(arguments);
    printer->length += n > 0 ? (size_t)n : 0;
}

/* The shortest decimal that reads back as the same double, without a plus in its exponent: the
 * grammar's words hold none. */
static void put_number(struct printer *printer, double number)
{
    char text[32] = "nan";
    for (int digits = 1; digits <= 17 && !isnan(number); digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, number);
        if (strtod(text, NULL) == number) {
            break;
        }
    }
    char *plus = strchr(text, '+');
    if (plus != NULL) {
        memmove(plus, plus + 1, strlen(plus));
    }
    put(printer, "%s", text);
}

static void put_quoted(struct printer *printer, const char *text)
{
    put(printer, "\"");
    for (; *text != '\0'; text++) {
        put(printer, "%s%c", *text == '"' || *text == '\\' ? "\\" : "", *text);
    }
    put(printer, "\"");
}

static void put_predicate(struct printer *printer, const struct hec_predicate *predicate)
{
    put(printer, "\"%s %s", hec_field_info(predicate->field)->path, OPERATORS[predicate->op]);
    if (!is_text_kind(hec_field_info(predicate->field)->kind) && predicate->op != HEC_PRESENT) {
        put(printer, " %lld", (long long)predicate->integer);
    }
    for (int i = 0; i < predicate->texts_count; i++) {
        put(printer, " %s", predicate->texts[i]);
    }
    put(printer, "\"");
}

static void put_filter(struct printer *printer, const struct hec_filter *filter)
{
    const char *comma = "";
    put(printer, "filter %s { events = {", filter->name);
    for (int type = 0; type < HEC_EVENT_TYPES; type++) {
        if (filter->event_types >> type & 1) {
            put(printer, "%s%s", comma, hec_event_type_name((enum hec_event_type)type));
            comma = ", ";
        }
    }
    put(printer, "}");
    for (int i = 0; i < filter->predicates_count; i++) {
        put(printer, i == 0 ? " where = {" : ", ");
        put_predicate(printer, &filter->predicates[i]);
    }
    put(printer, filter->predicates_count > 0 ? "} }\n" : " }\n");
}

static bool has_entity(const struct hec_feature *feature)
{
    return feature->aggregate != HEC_AGG_VALUE && feature->aggregate != HEC_AGG_CATEGORY;
}

static void put_feature(struct printer *printer, const struct hec_schema *schema,
                        const struct hec_feature *feature)
{
    char window[24];
    char delay[24];
    hec_duration_print(feature->window_ms, window);
    hec_duration_print(feature->delay_ms, delay);
    put(printer, "feature %s { aggregate = %s", feature->name, AGGREGATES[feature->aggregate]);
    if (has_entity(feature)) {
        put(printer, " entity = %s", hec_kind_info(feature->entity)->name);
    }
    if (feature->filter >= 0) {
        put(printer, " filter = %s", schema->filters[feature->filter].name);
    }
    if (feature->filter2 >= 0) {
        put(printer, " filter2 = %s", schema->filters[feature->filter2].name);
    }
    if (feature->filter3 >= 0) {
        put(printer, " filter3 = %s", schema->filters[feature->filter3].name);
    }
    if (feature->derived != HEC_NOT_DERIVED) {
        put(printer, " field = %s", DERIVED[feature->derived]);
    } else if (feature->field != HEC_FIELDS) {
        put(printer, " field = %s", hec_field_info(feature->field)->path);
    }
    put(printer, "%s%s", feature->window_ms != 0 ? " window = " : "",
        feature->window_ms != 0 ? window : "");
    put(printer, "%s%s", feature->delay_ms != 0 ? " delay = " : "",
        feature->delay_ms != 0 ? delay : "");
    if (feature->window2_ms != 0) {
        hec_duration_print(feature->window2_ms, window);
        put(printer, " window2 = %s", window);
    }
    if (feature->prior_weight != 0) {
        put(printer, " prior = ");
        put_number(printer, feature->prior);
        put(printer, " prior_weight = ");
        put_number(printer, feature->prior_weight);
    }
    if (!isnan(feature->missing)) {
        put(printer, " missing = ");
        put_number(printer, feature->missing);
    }
    if ((feature->heads & 7) != 7) {
        const char *comma = "";
        put(printer, " heads = {");
        for (int bit = 0; bit < HEADS_COUNT; bit++) {
            if (feature->heads >> bit & 1) {
                put(printer, "%s%s", comma, HEADS[bit]);
                comma = ", ";
            }
        }
        put(printer, "}");
    }
    if (feature->reason_code[0] != '\0') {
        put(printer, " reason = ");
        put_quoted(printer, feature->reason_code);
    }
    if (feature->text[0] != '\0') {
        put(printer, " text = ");
        put_quoted(printer, feature->text);
    }
    put(printer, " }\n");
}

size_t hec_schema_print(const struct hec_schema *schema, char *text, size_t text_bytes)
{
    struct printer printer = { .text = text, .room = text_bytes };
    put(&printer, "currency = %s\n", schema->currency);
    put(&printer, "allowed_lateness_ms = %lld\n", (long long)schema->allowed_lateness_ms);
    put(&printer, "dedup_window_s = %lld\n", (long long)schema->dedup_window_s);
    for (int i = 0; i < schema->rates_count; i++) {
        put(&printer, "rate %s { per_unit = ", schema->rates[i].code);
        put_number(&printer, schema->rates[i].rate);
        put(&printer, " }\n");
    }
    for (int i = 0; i < schema->filters_count; i++) {
        put_filter(&printer, &schema->filters[i]);
    }
    for (int i = 0; i < schema->features_count; i++) {
        put_feature(&printer, schema, &schema->features[i]);
    }
    return printer.length;
}
