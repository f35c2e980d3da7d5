/*
 * Hostile input: whatever the bytes are, the answer is one status, and good events survive it.
 *
 * Events are made from the field table itself, so that the test knows what each must decode to.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hecate/event.h"
#include "hecate/random.h"

#define NOW_MS 1795429535081
#define RECORD_MAX 8192

static struct hec_decoder *decoder;
static struct hec_random rng;

static void setup(void)
{
    struct hec_decode_limits limits = { .record_bytes_max = RECORD_MAX, .future_skew_ms = 60000 };
    cr_assert_eq(hec_decoder_new(&decoder, &limits), HEC_OK);
    rng = hec_random_at(4, 0);
}

static void teardown(void)
{
    hec_decoder_free(decoder);
}

TestSuite(hostile, .init = setup, .fini = teardown);

static int below(int n)
{
    return (int)hec_random_below(&rng, (uint64_t)n);
}

/* What a made-up event says, in plain words. */
struct made {
    enum hec_event_type type;
    bool has[HEC_FIELDS];
    char texts[HEC_FIELDS][160];
    int64_t integers[HEC_FIELDS];
    double numbers[HEC_FIELDS];
    char json[RECORD_MAX];
};

static void make_text(char text[160], const struct hec_field_info *info, enum hec_field field)
{
    static const char LETTERS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_.-/\"\\ ";
    const char *const *values = hec_field_values(field);
    if (values != NULL) {
        int count = 0;
        while (values[count] != NULL) {
            count++;
        }
        snprintf(text, 160, "%s", values[below(count)]);
        return;
    }
    int length = (int)(info->minimum + below((int)(info->maximum - info->minimum + 1)));
    bool capitals = info->kind == HEC_COUNTRY || info->kind == HEC_CURRENCY;
    for (int i = 0; i < length; i++) {
        text[i] = LETTERS[below(capitals ? 26 : (int)sizeof(LETTERS) - 1)];
    }
    text[length] = '\0';
}

/* A string with every character escaped in one of the ways JSON allows. */
static int print_string(char *json, const char *text)
{
    int length = 0;
    json[length++] = '"';
    for (; *text != '\0'; text++) {
        if (below(20) == 0) {
            length += sprintf(json + length, "\\u%04x", (unsigned char)*text);
        } else {
            length += sprintf(json + length, *text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
        }
    }
    json[length++] = '"';
    return length;
}

static int print_field(char *json, struct made *made, enum hec_field field)
{
    const struct hec_field_info *info = hec_field_info(field);
    const char *dot = strchr(info->path, '.');
    const char *name = dot == NULL ? info->path : dot + 1;
    int length = sprintf(json, "\"%s\"%s:", name, below(9) == 0 ? " \n\t" : "");
    switch (info->kind) {
    case HEC_INTEGER:
        /* Times are times: another number of 13 digits may be a card number when the record is
         * cut and nothing tells what it was. */
        made->integers[field] = info->maximum > INT64_C(1000000000000)
                                    ? NOW_MS - below(1000000000)
                                    : below(1000000) * INT64_C(1000);
        return length + sprintf(json + length, "%lld", (long long)made->integers[field]);
    case HEC_BOOLEAN:
        made->integers[field] = below(2);
        return length + sprintf(json + length, made->integers[field] ? "true" : "false");
    case HEC_NUMBER:
        made->numbers[field] = (double)info->minimum +
                               hec_random_uniform(&rng) * (double)(info->maximum - info->minimum);
        return length + sprintf(json + length, "%.17g", made->numbers[field]);
    default:
        make_text(made->texts[field], info, field);
        return length + print_string(json + length, made->texts[field]);
    }
}

static int print_extra(char *json, int number)
{
    static const char *const VALUES[] = { "1.5",  "null",         "\"\"",  "[1,2,[3]]",
                                          "true", "{\"a\":[{}]}", "1e999", "-0" };
    return sprintf(json, ",\"extra_%d\":%s", number, VALUES[below(8)]);
}

/* Fields of one object (prefix "" or "geo"), each with a chance, required ones always. */
static int print_object(char *json, struct made *made, const char *prefix)
{
    int length = 0;
    for (int i = 0, at = below(HEC_FIELDS); i < HEC_FIELDS; i++, at = (at + 1) % HEC_FIELDS) {
        const struct hec_field_info *info = hec_field_info(at);
        const char *dot = strchr(info->path, '.');
        size_t group = dot == NULL ? 0 : (size_t)(dot - info->path);
        bool here = group == strlen(prefix) && strncmp(info->path, prefix, group) == 0;
        bool must = info->must_on >> made->type & 1, may = info->may_on >> made->type & 1;
        if (here && may && (must || below(2) == 0)) {
            made->has[at] = true;
            json[length++] = ',';
            length += print_field(json + length, made, at);
        }
    }
    return length;
}

static void make(struct made *made)
{
    memset(made, 0, sizeof(*made));
    made->type = below(HEC_EVENT_TYPES);
    char *json = made->json;
    int length = sprintf(json, "{\"event_type\":\"%s\",\"schema_version\":1",
                         hec_event_type_name(made->type));
    length += print_object(json + length, made, "");
    static const char *const GROUPS[] = { "geo", "threeds", "mfa" };
    for (int group = 0; group < 3; group++) {
        char inside[2048] = "";
        int used = print_object(inside, made, GROUPS[group]);
        if (used > 0) {
            length += sprintf(json + length, ",\"%s\":{%s}", GROUPS[group], inside + 1);
        }
    }
    for (int i = below(3); i > 0; i--) {
        length += print_extra(json + length, i);
    }
    strcpy(json + length, "}");
}

static enum hec_status decode(struct hec_event *event, const char *bytes, size_t length,
                              char **buffer, enum hec_field *field)
{
    /* Exactly as large as promised: a sanitizer sees a byte too far. The source likewise. */
    *buffer = malloc(length + HEC_DECODE_PADDING);
    char *copy = malloc(length);
    memcpy(copy, bytes, length);
    enum hec_status status = hec_decode(decoder, event, copy, length, NOW_MS, *buffer, field);
    free(copy);
    return status;
}

static void check(const struct made *made, const struct hec_event *event)
{
    cr_assert_eq(event->type, made->type);
    for (int field = 0; field < HEC_FIELDS; field++) {
        cr_assert_eq(hec_event_has(event, field), made->has[field], "%s", made->json);
        if (!made->has[field]) {
            continue;
        }
        const union hec_value *value = &event->value[field];
        switch (hec_field_info(field)->kind) {
        case HEC_INTEGER:
        case HEC_BOOLEAN: cr_assert_eq(value->integer, made->integers[field]); break;
        case HEC_NUMBER: cr_assert_eq(value->number, made->numbers[field]); break;
        default:
            cr_assert_eq(value->text.length, strlen(made->texts[field]));
            cr_assert_eq(memcmp(value->text.bytes, made->texts[field], value->text.length), 0);
            break;
        }
    }
}

Test(hostile, decodes_made_up_events_of_every_type_as_they_were_made)
{
    static struct made made;
    static struct hec_event event;
    for (int n = 0; n < 4000; n++) {
        make(&made);
        char *buffer;
        enum hec_field field;
        enum hec_status status = decode(&event, made.json, strlen(made.json), &buffer, &field);
        cr_assert_eq(status, HEC_OK, "seed 4, event %d: %s at %d: %s", n, hec_status_name(status),
                     field, made.json);
        check(&made, &event);
        free(buffer);
    }
}

Test(hostile, calls_an_event_cut_anywhere_not_json)
{
    static struct made made;
    static struct hec_event event;
    for (int n = 0; n < 40; n++) {
        make(&made);
        for (size_t length = 1; length < strlen(made.json); length++) {
            char *buffer;
            enum hec_field field;
            enum hec_status status = decode(&event, made.json, length, &buffer, &field);
            cr_assert_eq(status, HEC_NOT_JSON, "seed 4, event %d cut to %zu: %s", n, length,
                         hec_status_name(status));
            free(buffer);
        }
    }
}

/* The refusals a record can meet; an event that a flip leaves good is good. */
static bool is_verdict(enum hec_status status)
{
    return status == HEC_OK || (status >= HEC_NULL_VALUE && status <= HEC_CARD_NUMBER);
}

Test(hostile, answers_flipped_bytes_with_one_status_each)
{
    static struct made made;
    static struct hec_event event;
    int met[HEC_STATUSES] = { 0 };
    for (int n = 0; n < 20000; n++) {
        if (n % 10 == 0) {
            make(&made);
        }
        size_t length = strlen(made.json);
        static char bytes[RECORD_MAX];
        memcpy(bytes, made.json, length);
        for (int flips = 1 + below(3); flips > 0; flips--) {
            bytes[below((int)length)] = (char)hec_random_bits(&rng);
        }
        char *buffer;
        enum hec_field field = 999;
        enum hec_status status = decode(&event, bytes, length, &buffer, &field);
        cr_assert(is_verdict(status), "seed 4, flip %d: %d", n, status);
        cr_assert_leq((int)field, HEC_FIELDS);
        met[status]++;
        free(buffer);
    }
    cr_expect_gt(met[HEC_NOT_JSON], 1000);
    cr_expect_gt(met[HEC_NOT_UTF8], 1000);
    cr_expect_gt(met[HEC_OUT_OF_RANGE], 10);
    cr_expect_gt(met[HEC_OK], 100);
}

/* Tokens of JSON in any order: nearly valid, deeply nested, duplicate, huge. */
Test(hostile, answers_shuffled_json_with_one_status_each)
{
    static const char *const PARTS[] = {
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"event_type\"",
        "\"login\"",
        "\"geo\"",
        "\"lat\"",
        "1e999",
        "-1",
        "null",
        "true",
        "\"x\"",
        "\"\\u0000\"",
        "18446744073709551616",
        "\"event_time_ms\"",
        "1795429535081",
        "\"schema_version\"",
        "1",
        "\xff",
        " ",
        "{\"a\":",
        "[[",
        "\"4111111111111111\"",
    };
    static struct hec_event event;
    static char bytes[RECORD_MAX];
    for (int n = 0; n < 20000; n++) {
        int length = 0;
        for (int parts = 1 + below(30); parts > 0; parts--) {
            length += sprintf(bytes + length, "%s", PARTS[below(sizeof(PARTS) / sizeof(PARTS[0]))]);
        }
        char *buffer;
        enum hec_field field;
        enum hec_status status = decode(&event, bytes, (size_t)length, &buffer, &field);
        cr_assert(is_verdict(status) && status != HEC_OK, "seed 4, record %d", n);
        if (strstr(bytes, "\"4111111111111111\"") != NULL) {
            cr_assert_eq(status, HEC_CARD_NUMBER, "seed 4, record %d: %s", n, bytes);
        }
        free(buffer);
    }
}

Test(hostile, answers_random_bytes_with_one_status_each)
{
    static struct hec_event event;
    static char bytes[512];
    for (int n = 0; n < 20000; n++) {
        size_t length = (size_t)below(sizeof(bytes));
        for (size_t i = 0; i < length; i++) {
            bytes[i] = (char)hec_random_bits(&rng);
        }
        char *buffer;
        enum hec_field field;
        enum hec_status status = decode(&event, bytes, length, &buffer, &field);
        cr_assert(length == 0 ? status == HEC_NULL_VALUE : is_verdict(status) && status != HEC_OK);
        free(buffer);
    }
}
