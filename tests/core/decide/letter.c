/* Headers and dead letters: as they are, but never a card number. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "hecate/digest.h"
#include "hecate/random.h"
#include "sample.h"

static const char *value_of(const struct hec_headers *headers, const char *name)
{
    for (int i = 0; i < headers->count; i++) {
        if (strcmp(headers->list[i].name, name) == 0) {
            cr_expect_eq(strlen(headers->list[i].value), headers->list[i].length);
            return headers->list[i].value;
        }
    }
    return "(none)";
}

Test(letter, gives_alerts_the_attributes_of_a_cloud_event)
{
    static struct sample sample;
    static struct hec_headers headers;
    sample_make(&sample, HEC_CARD_AUTH, 0);
    hec_alert_headers(&headers, &sample.alert, "host-0");
    char id[HEC_ALERT_ID_BYTES + 1] = { 0 };
    hec_alert_id(id, &sample.alert.origin, "card_fraud");
    cr_expect_str_eq(value_of(&headers, "ce_specversion"), "1.0");
    cr_expect_str_eq(value_of(&headers, "ce_id"), id);
    cr_expect_str_eq(value_of(&headers, "ce_source"), "/hecate/acme/host-0");
    cr_expect_str_eq(value_of(&headers, "ce_type"), "org.hecate.alert.v1");
    cr_expect_str_eq(value_of(&headers, "ce_time"), "2026-11-23T10:25:35.123Z");
    cr_expect_str_eq(value_of(&headers, "ce_subject"), "01KAQM5Z9T4V6Q2J8R0X3N7B5D");
    cr_expect_str_eq(value_of(&headers, "ce_partitionkey"), "card:c_8f");
    cr_expect_str_eq(value_of(&headers, "ce_dataschema"), "urn:hecate:schema:alert:1");
    cr_expect_str_eq(value_of(&headers, "ce_head"), "card_fraud");
    cr_expect_str_eq(value_of(&headers, "ce_severity"), "high");
    cr_expect_str_eq(value_of(&headers, "ce_outcome"), "review");
    cr_expect_str_eq(value_of(&headers, "content-type"), "application/json");
    cr_expect_eq(headers.count, 12);
}

Test(letter, writes_times_across_leap_years_and_centuries)
{
    static const struct {
        int64_t ms;
        const char *text;
    } ROWS[] = {
        { 0, "1970-01-01T00:00:00.000Z" },
        { 951782399999, "2000-02-28T23:59:59.999Z" },
        { 951782400000, "2000-02-29T00:00:00.000Z" },
        { 951868800000, "2000-03-01T00:00:00.000Z" },
        { 1709164800000, "2024-02-29T00:00:00.000Z" },
        { 4107542399000, "2100-02-28T23:59:59.000Z" },
        { 4107542400000, "2100-03-01T00:00:00.000Z" },
        { 253402300799999, "9999-12-31T23:59:59.999Z" },
    };
    static struct sample sample;
    static struct hec_headers headers;
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        sample_make(&sample, HEC_LOGIN, 1);
        sample.alert.created_at_ms = ROWS[i].ms;
        hec_alert_headers(&headers, &sample.alert, "h");
        cr_expect_str_eq(value_of(&headers, "ce_time"), ROWS[i].text);
    }
}

Test(letter, cuts_headers_that_do_not_fit_and_stays_whole)
{
    static struct sample sample;
    static struct hec_headers headers;
    static char instance[4000];
    memset(instance, 'i', sizeof(instance) - 1);
    sample_make(&sample, HEC_LOGIN, 1);
    hec_alert_headers(&headers, &sample.alert, instance);
    cr_expect_eq(headers.count, 12);
    for (int i = 0; i < headers.count; i++) {
        const char *value = headers.list[i].value;
        cr_expect(value >= headers.storage &&
                  value + headers.list[i].length < headers.storage + sizeof(headers.storage));
        cr_expect_eq(value[headers.list[i].length], '\0');
    }
    cr_expect_str_eq(value_of(&headers, "ce_specversion"), "1.0");
}

static struct hec_dead_letter letter_of(enum hec_status status, const char *key, const char *value)
{
    return (struct hec_dead_letter){
        .origin = { "events", 3, 17 },
        .record_ms = 1795429535081,
        .stage = "decode",
        .status = status,
        .blame = HEC_F_GEO_LAT,
        .instance = "host-0",
        .version = "0.1.0",
        .key = key,
        .key_length = key == NULL ? 0 : strlen(key),
        .value = value,
        .value_length = value == NULL ? 0 : strlen(value),
    };
}

Test(letter, keeps_key_and_value_as_they_are_and_says_why)
{
    static struct hec_dead_letter_record record;
    struct hec_dead_letter letter = letter_of(HEC_OUT_OF_RANGE, "u1", "{\"geo\":{\"lat\":91}}");
    hec_dead_letter_make(&record, &letter);
    cr_expect_eq(record.key, letter.key);
    cr_expect_eq(record.value, letter.value);
    cr_expect_eq(record.key_length, letter.key_length);
    cr_expect_eq(record.value_length, letter.value_length);
    cr_expect(record.own_headers);
    cr_expect_str_eq(value_of(&record.headers, "__hecate.errors.topic"), "events");
    cr_expect_str_eq(value_of(&record.headers, "__hecate.errors.partition"), "3");
    cr_expect_str_eq(value_of(&record.headers, "__hecate.errors.offset"), "17");
    cr_expect_str_eq(value_of(&record.headers, "__hecate.errors.timestamp_ms"), "1795429535081");
    cr_expect_str_eq(value_of(&record.headers, "__hecate.errors.stage"), "decode");
    cr_expect_str_eq(value_of(&record.headers, "__hecate.errors.code"), "out_of_range");
    cr_expect_str_eq(value_of(&record.headers, "__hecate.errors.message"),
                     "a field is outside its range: geo.lat");
    cr_expect_str_eq(value_of(&record.headers, "__hecate.errors.instance"), "host-0");
    cr_expect_str_eq(value_of(&record.headers, "__hecate.errors.version"), "0.1.0");
}

Test(letter, leaves_out_a_time_and_a_field_that_are_not_known)
{
    static struct hec_dead_letter_record record;
    struct hec_dead_letter letter = letter_of(HEC_NULL_VALUE, NULL, NULL);
    letter.record_ms = -1;
    letter.blame = HEC_FIELDS;
    hec_dead_letter_make(&record, &letter);
    cr_expect_str_eq(value_of(&record.headers, "__hecate.errors.timestamp_ms"), "(none)");
    cr_expect_str_eq(value_of(&record.headers, "__hecate.errors.message"),
                     "the record has no value");
    cr_expect_null(record.key);
    cr_expect_null(record.value);
}

Test(letter, never_copies_a_card_number)
{
    static struct hec_dead_letter_record record;
    const char *value = "{\"note\":\"4111111111111111\"}";
    struct hec_dead_letter letter = letter_of(HEC_CARD_NUMBER, "u1", value);
    hec_dead_letter_make(&record, &letter);
    char expected[80] = "sha256:";
    hec_sha256(value, strlen(value), expected + 7);
    cr_expect_eq(record.value_length, strlen(expected));
    cr_expect_eq(memcmp(record.value, expected, record.value_length), 0);
    cr_expect_not(record.own_headers);
    cr_expect_eq(record.key, letter.key); /* the key is harmless */
    cr_expect_not(hec_looks_like_card_number((char *)&record.headers.storage,
                                             sizeof(record.headers.storage)));
}

/* The engine compares the key only after decoding; whatever the refusal, it must not leak. */
Test(letter, never_copies_a_key_that_looks_like_a_card_number)
{
    static struct hec_dead_letter_record record;
    struct hec_dead_letter letter = letter_of(HEC_KEY_MISMATCH, "4111-1111-1111-1111", "{}");
    hec_dead_letter_make(&record, &letter);
    cr_expect_eq(record.key_length, 71u);
    cr_expect_eq(memcmp(record.key, "sha256:", 7), 0);
    cr_expect_eq(record.value, letter.value);
}

Test(letter, writes_times_as_the_calendar_of_the_library_does)
{
    static struct sample sample;
    static struct hec_headers headers;
    struct hec_random random = hec_random_at(12, 0);
    sample_make(&sample, HEC_LOGIN, 1);
    for (int n = 0; n < 20000; n++) {
        int64_t ms = (int64_t)hec_random_below(&random, 253402300800000u);
        time_t seconds = (time_t)(ms / 1000);
        struct tm parts;
        char date[32], expected[64];
        gmtime_r(&seconds, &parts);
        strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &parts);
        snprintf(expected, sizeof(expected), "%s.%03dZ", date, (int)(ms % 1000));
        sample.alert.created_at_ms = ms;
        hec_alert_headers(&headers, &sample.alert, "h");
        cr_assert_str_eq(value_of(&headers, "ce_time"), expected, "seed 12, %lld", (long long)ms);
    }
}
