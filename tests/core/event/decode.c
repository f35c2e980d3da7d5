/* Decoding: each refusal from both sides, good events as they were meant. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "event/text.h"
#include "hecate/event.h"

#define NOW_MS 1795429535081
#define HEAD                                                                                       \
    "\"event_id\":\"e1\",\"event_time_ms\":1795429535081,\"user_token\":\"u1\",\"schema_"          \
    "version\":1,"
#define LOGIN HEAD "\"event_type\":\"login\",\"result\":\"fail\""
#define CARD                                                                                       \
    HEAD "\"event_type\":\"card_auth\",\"card_token\":\"c1\",\"amount_minor\":1250,\"currency\":"  \
         "\"EUR\""

static struct hec_decoder *decoder;
static struct hec_event event;
static enum hec_field field;
static char buffer[70000 + HEC_DECODE_PADDING];

static void setup(void)
{
    struct hec_decode_limits limits = { .record_bytes_max = 65536, .future_skew_ms = 60000 };
    cr_assert_eq(hec_decoder_new(&decoder, &limits), HEC_OK);
}

static void teardown(void)
{
    hec_decoder_free(decoder);
    hec_decoder_free(NULL);
}

TestSuite(decode, .init = setup, .fini = teardown);

static enum hec_status decode_at(const char *json, int64_t record_ms)
{
    return hec_decode(decoder, &event, json, strlen(json), record_ms, buffer, &field);
}

static void expect(const char *json, enum hec_status status, enum hec_field blame)
{
    enum hec_status got = decode_at(json, NOW_MS);
    cr_expect_eq(got, status, "%s, not %s: %s", hec_status_name(got), hec_status_name(status),
                 json);
    cr_expect_eq(field, blame, "blames %d, not %d: %s", field, blame, json);
}

static void accepts(const char *json)
{
    expect(json, HEC_OK, HEC_FIELDS);
}

static void refuses(const char *json, enum hec_status status)
{
    expect(json, status, HEC_FIELDS);
}

static void expect_text(enum hec_field which, const char *text)
{
    struct hec_text expected = hec_text_of(text);
    cr_assert(hec_event_has(&event, which));
    cr_expect(hec_text_equal(&event.value[which].text, &expected), "not %s", text);
    cr_expect_eq(event.value[which].text.hash, expected.hash);
}

Test(decode, reads_an_event_as_it_was_meant)
{
    accepts("{" CARD
            ",\"geo\":{\"lat\":-12.5,\"lon\":180,\"country\":\"BE\"},\"card_present\":true,"
            "\"recurring\":false,\"threeds\":{\"eci\":\"05\"},\"mcc\":\"5732\"}");
    cr_expect_eq(event.type, HEC_CARD_AUTH);
    cr_expect_eq(hec_event_ms(&event), NOW_MS);
    expect_text(HEC_F_EVENT_ID, "e1");
    expect_text(HEC_F_CARD_TOKEN, "c1");
    expect_text(HEC_F_GEO_COUNTRY, "BE");
    expect_text(HEC_F_THREEDS_ECI, "05");
    cr_expect_eq(event.value[HEC_F_AMOUNT_MINOR].integer, 1250);
    cr_expect_eq(event.value[HEC_F_CARD_PRESENT].integer, 1);
    cr_expect_eq(event.value[HEC_F_RECURRING].integer, 0);
    cr_expect_eq(event.value[HEC_F_GEO_LAT].number, -12.5);
    cr_expect_eq(event.value[HEC_F_GEO_LON].number, 180.0);
    cr_expect_not(hec_event_has(&event, HEC_F_THREEDS_VERSION));
    cr_expect_eq(__builtin_popcountll(event.present), 13);
}

Test(decode, points_into_the_buffer_of_the_caller_also_where_escapes_shrink)
{
    accepts("{" LOGIN ",\"channel\":\"a\\u0070\\/\\\"p\"}");
    expect_text(HEC_F_CHANNEL, "ap/\"p");
    const char *at = event.value[HEC_F_CHANNEL].text.bytes;
    cr_expect(at >= buffer && at < buffer + sizeof(buffer));
}

Test(decode, refuses_what_is_not_a_value_at_all)
{
    cr_expect_eq(hec_decode(decoder, &event, NULL, 0, 0, buffer, &field), HEC_NULL_VALUE);
    cr_expect_eq(hec_decode(decoder, &event, "", 0, 0, buffer, &field), HEC_NULL_VALUE);
    refuses(" ", HEC_NOT_JSON);
    refuses("null", HEC_NOT_OBJECT);
    refuses("[]", HEC_NOT_OBJECT);
    refuses("17", HEC_NOT_OBJECT);
    refuses("\"text\"", HEC_NOT_OBJECT);
}

Test(decode, refuses_what_is_not_json)
{
    refuses("{", HEC_NOT_JSON);
    refuses("{" LOGIN ",}", HEC_NOT_JSON);
    refuses("{" LOGIN "} x", HEC_NOT_JSON);
    refuses("{" LOGIN "}{}", HEC_NOT_JSON);
    refuses("{" LOGIN ",\"bot_score\":NaN}", HEC_NOT_JSON);
    refuses("{" LOGIN ",\"bot_score\":Infinity}", HEC_NOT_JSON);
    refuses("{" LOGIN ",\"bot_score\":01}", HEC_NOT_JSON);
    refuses("{" LOGIN ",\"channel\":\"\\ud800\"}", HEC_NOT_JSON);
    refuses("{" LOGIN ",\"channel\":\"a\nb\"}", HEC_NOT_JSON);
    refuses("{" LOGIN "/* c */}", HEC_NOT_JSON);
    refuses("{'event_id':1}", HEC_NOT_JSON);
    refuses("\xef\xbb\xbf{" LOGIN "}", HEC_NOT_JSON); /* a byte order mark */
    cr_expect_eq(hec_decode(decoder, &event, "{" LOGIN "}\0", strlen("{" LOGIN "}") + 1, NOW_MS,
                            buffer, &field),
                 HEC_NOT_JSON);
    cr_expect_eq(hec_decode(decoder, &event, "\0\0\0", 3, NOW_MS, buffer, &field), HEC_NOT_JSON);
}

Test(decode, tells_not_utf8_from_not_json)
{
    refuses("{" LOGIN ",\"channel\":\"\xff\"}", HEC_NOT_UTF8);
    refuses("{" LOGIN ",\"note\":\"\xc0\xaf\"}", HEC_NOT_UTF8);
    refuses("{" LOGIN ",\"note\":\"\xed\xa0\x80\"}", HEC_NOT_UTF8); /* a surrogate */
    refuses("{ \xf5", HEC_NOT_UTF8);                                /* both; UTF-8 comes first */
    accepts("{" LOGIN ",\"note\":\"\xf0\x9f\x90\x95 \xc3\xa9\"}");
}

Test(decode, refuses_a_record_over_the_limit_and_takes_one_at_it)
{
    static char record[65536 + 2];
    memset(record, ' ', sizeof(record));
    memcpy(record, "{" LOGIN "}", strlen("{" LOGIN "}"));
    cr_expect_eq(hec_decode(decoder, &event, record, 65536, NOW_MS, buffer, &field), HEC_OK);
    cr_expect_eq(hec_decode(decoder, &event, record, 65537, NOW_MS, buffer, &field), HEC_TOO_LARGE);
}

Test(decode, refuses_what_is_nested_too_deep)
{
    accepts("{" LOGIN ",\"x\":[[[[[[[]]]]]]]}"); /* with the event itself 8 */
    refuses("{" LOGIN ",\"x\":[[[[[[[[]]]]]]]]}", HEC_TOO_DEEP);
    accepts("{" LOGIN ",\"x\":[[[[[[[]],[[]]]]]]],\"y\":{\"a\":{\"b\":{}}}}");
    accepts("{" LOGIN ",\"geo\":{\"x\":[[[[[[]]]]]]}}");
    refuses("{" LOGIN ",\"geo\":{\"x\":[[[[[[[]]]]]]]}}", HEC_TOO_DEEP);
    refuses("{" LOGIN ",\"x\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{}}}}}}}}}",
            HEC_TOO_DEEP);
}

Test(decode, is_not_harmed_by_a_record_of_brackets)
{
    static char record[65536];
    memset(record, '[', sizeof(record));
    cr_expect_eq(hec_decode(decoder, &event, record, sizeof(record), -1, buffer, &field),
                 HEC_NOT_JSON);
    memset(record + sizeof(record) / 2, ']', sizeof(record) / 2);
    cr_expect_eq(hec_decode(decoder, &event, record, sizeof(record), -1, buffer, &field),
                 HEC_NOT_OBJECT);
}

Test(decode, refuses_a_key_given_twice_in_any_object)
{
    refuses("{" LOGIN ",\"event_id\":\"e1\"}", HEC_DUPLICATE_KEY);
    refuses("{" LOGIN ",\"event_type\":\"login\"}", HEC_DUPLICATE_KEY);
    refuses("{" LOGIN ",\"x\":1,\"x\":1}", HEC_DUPLICATE_KEY);
    refuses("{" LOGIN ",\"x\":1,\"\\u0078\":1}", HEC_DUPLICATE_KEY);
    refuses("{" LOGIN ",\"geo\":{\"lat\":1,\"lat\":1}}", HEC_DUPLICATE_KEY);
    refuses("{" LOGIN ",\"geo\":{},\"geo\":{}}", HEC_DUPLICATE_KEY);
    refuses("{" LOGIN ",\"geo\":{\"x\":1,\"y\":2,\"x\":1}}", HEC_DUPLICATE_KEY);
    refuses("{" LOGIN ",\"x\":[{\"a\":1},{\"a\":1,\"b\":{\"c\":1,\"c\":1}}]}", HEC_DUPLICATE_KEY);
    refuses("{" LOGIN ",\"event_type\":null}", HEC_DUPLICATE_KEY);
    refuses("{" LOGIN ",\"x\":{\"a\":1,\"y\":{\"q\":1},\"a\":2}}", HEC_DUPLICATE_KEY);
    refuses("{" LOGIN ",\"x\":{\"a\":1},\"y\":{\"a\":1},\"x\":2}", HEC_DUPLICATE_KEY);
    accepts("{" LOGIN ",\"x\":{\"a\":1},\"y\":{\"a\":1},\"lat\":{\"x\":1},\"geo\":{\"lat\":1}}");
}

Test(decode, refuses_types_and_versions_that_it_does_not_know)
{
    refuses("{\"event_type\":\"card_clearing\",\"schema_version\":1}", HEC_UNKNOWN_TYPE);
    refuses("{\"event_type\":\"\",\"schema_version\":1}", HEC_UNKNOWN_TYPE);
    refuses("{\"event_type\":7,\"schema_version\":1}", HEC_BAD_TYPE);
    refuses("{\"event_type\":null,\"schema_version\":1}", HEC_MISSING_FIELD);
    refuses("{\"schema_version\":1}", HEC_MISSING_FIELD);
    refuses("{\"event_type\":\"login\"}", HEC_MISSING_FIELD);
    refuses("{\"event_type\":\"login\",\"schema_version\":2}", HEC_UNKNOWN_VERSION);
    refuses("{\"event_type\":\"login\",\"schema_version\":0}", HEC_UNKNOWN_VERSION);
    refuses("{\"event_type\":\"login\",\"schema_version\":-1}", HEC_UNKNOWN_VERSION);
    refuses("{\"event_type\":\"login\",\"schema_version\":\"1\"}", HEC_BAD_TYPE);
    refuses("{\"event_type\":\"login\",\"schema_version\":1.0}", HEC_BAD_TYPE);
}

Test(decode, refuses_numbers_out_of_range_and_of_the_wrong_kind)
{
    static const struct {
        const char *number;
        enum hec_status status;
    } ROWS[] = {
        { "0", HEC_OK },
        { "1000000000000", HEC_OK },
        { "1000000000001", HEC_OUT_OF_RANGE },
        { "-1", HEC_OUT_OF_RANGE },
        { "9007199254740992", HEC_OUT_OF_RANGE },
        { "18446744073709551615", HEC_OUT_OF_RANGE },
        { "99999999999999999999999999999999999999", HEC_OUT_OF_RANGE },
        { "-9223372036854775808", HEC_OUT_OF_RANGE },
        { "1e999", HEC_OUT_OF_RANGE },
        { "-1e999", HEC_OUT_OF_RANGE },
        { "1e300", HEC_OUT_OF_RANGE },
        { "5.0", HEC_BAD_TYPE },
        { "1e3", HEC_BAD_TYPE },
        { "\"5\"", HEC_BAD_TYPE },
        { "true", HEC_BAD_TYPE },
        { "[5]", HEC_BAD_TYPE },
        { "{}", HEC_BAD_TYPE },
        { "null", HEC_MISSING_FIELD },
    };
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        char json[400];
        snprintf(json, sizeof(json),
                 "{" HEAD "\"event_type\":\"card_auth\",\"card_token\":\"c1\",\"currency\":\"EUR\","
                 "\"amount_minor\":%s}",
                 ROWS[i].number);
        expect(json, ROWS[i].status, ROWS[i].status == HEC_OK ? HEC_FIELDS : HEC_F_AMOUNT_MINOR);
    }
}

Test(decode, refuses_places_that_are_not_on_earth)
{
    accepts("{" LOGIN ",\"geo\":{\"lat\":90,\"lon\":-180.0}}");
    expect("{" LOGIN ",\"geo\":{\"lat\":91}}", HEC_OUT_OF_RANGE, HEC_F_GEO_LAT);
    expect("{" LOGIN ",\"geo\":{\"lat\":90.0000001}}", HEC_OUT_OF_RANGE, HEC_F_GEO_LAT);
    expect("{" LOGIN ",\"geo\":{\"lon\":-180.5}}", HEC_OUT_OF_RANGE, HEC_F_GEO_LON);
    expect("{" LOGIN ",\"geo\":{\"lon\":1e999}}", HEC_OUT_OF_RANGE, HEC_F_GEO_LON);
    expect("{" LOGIN ",\"geo\":{\"lon\":\"5\"}}", HEC_BAD_TYPE, HEC_F_GEO_LON);
    expect("{" LOGIN ",\"geo\":[1,2]}", HEC_BAD_TYPE, HEC_F_GEO_LAT);
    accepts("{" LOGIN ",\"geo\":null}");
}

Test(decode, refuses_texts_that_break_their_kind)
{
    char json[600], token[140];
    memset(token, 't', sizeof(token));
    for (int length = 127; length <= 129; length++) {
        snprintf(json, sizeof(json), "{" LOGIN ",\"device_id\":\"%.*s\"}", length, token);
        expect(json, length > 128 ? HEC_OUT_OF_RANGE : HEC_OK,
               length > 128 ? HEC_F_DEVICE_ID : HEC_FIELDS);
    }
    expect("{" LOGIN ",\"device_id\":\"\"}", HEC_OUT_OF_RANGE, HEC_F_DEVICE_ID);
    expect("{" LOGIN ",\"device_id\":\"a\\u0000b\"}", HEC_OUT_OF_RANGE, HEC_F_DEVICE_ID);
    expect("{" LOGIN ",\"device_id\":\"a\\u007f\"}", HEC_OUT_OF_RANGE, HEC_F_DEVICE_ID);
    expect("{" LOGIN ",\"device_id\":\"\xc3\xa9\"}", HEC_OUT_OF_RANGE, HEC_F_DEVICE_ID);
    expect("{" LOGIN ",\"device_id\":12}", HEC_BAD_TYPE, HEC_F_DEVICE_ID);
    accepts("{" LOGIN ",\"device_id\":\" ~\"}");
    expect("{" LOGIN ",\"geo\":{\"country\":\"be\"}}", HEC_OUT_OF_RANGE, HEC_F_GEO_COUNTRY);
    expect("{" LOGIN ",\"geo\":{\"country\":\"BEL\"}}", HEC_OUT_OF_RANGE, HEC_F_GEO_COUNTRY);
    expect("{" LOGIN ",\"geo\":{\"country\":\"B@\"}}", HEC_OUT_OF_RANGE, HEC_F_GEO_COUNTRY);
    expect("{" HEAD "\"event_type\":\"login\",\"result\":\"ok\"}", HEC_OUT_OF_RANGE, HEC_F_RESULT);
    expect("{" HEAD "\"event_type\":\"login\",\"result\":\"fai\"}", HEC_OUT_OF_RANGE, HEC_F_RESULT);
    expect("{" HEAD "\"event_type\":\"card_auth\",\"card_token\":\"c1\",\"amount_minor\":1,"
           "\"currency\":\"EU\"}",
           HEC_OUT_OF_RANGE, HEC_F_CURRENCY);
    expect("{" CARD ",\"card_present\":1}", HEC_BAD_TYPE, HEC_F_CARD_PRESENT);
    expect("{" CARD ",\"card_present\":\"true\"}", HEC_BAD_TYPE, HEC_F_CARD_PRESENT);
}

Test(decode, takes_null_for_absent_and_ignores_fields_of_other_types)
{
    accepts("{" LOGIN ",\"device_id\":null,\"mfa\":{\"type\":null}}");
    cr_expect_not(hec_event_has(&event, HEC_F_DEVICE_ID));
    accepts("{" LOGIN ",\"amount_minor\":-5,\"card_token\":17,\"threeds\":5,\"kind\":\"moon\"}");
    cr_expect_not(hec_event_has(&event, HEC_F_AMOUNT_MINOR));
    accepts("{" CARD ",\"mfa\":[1,2],\"label\":\"odd\"}");
    accepts("{" LOGIN ",\"anything\":{\"at\":[\"all\",1.5,null,true]},\"\":0}");
    expect("{" HEAD "\"event_type\":\"login\",\"result\":null}", HEC_MISSING_FIELD, HEC_F_RESULT);
}

Test(decode, refuses_times_before_2000_and_too_far_ahead)
{
    char json[300];
    static const struct {
        int64_t event_ms, record_ms;
        enum hec_status status;
    } ROWS[] = {
        { 946684800000, 946684800000, HEC_OK },
        { 946684799999, 946684800000, HEC_TIME_PAST },
        { 0, 946684800000, HEC_TIME_PAST },
        { -1, 946684800000, HEC_OUT_OF_RANGE },
        { NOW_MS + 60000, NOW_MS, HEC_OK },
        { NOW_MS + 60001, NOW_MS, HEC_TIME_FUTURE },
        { NOW_MS + 60001, -1, HEC_OK },
        { 253402300799999, -1, HEC_OK },
        { 253402300800000, -1, HEC_OUT_OF_RANGE },
        { NOW_MS, INT64_MAX, HEC_OK },
        { 253402300799999, 0, HEC_TIME_FUTURE },
    };
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        snprintf(
            json, sizeof(json),
            "{\"event_id\":\"e\",\"event_time_ms\":%lld,\"user_token\":\"u\",\"schema_version\":1,"
            "\"event_type\":\"login\",\"result\":\"fail\"}",
            (long long)ROWS[i].event_ms);
        enum hec_status got = decode_at(json, ROWS[i].record_ms);
        cr_expect_eq(got, ROWS[i].status, "row %zu: %s", i, hec_status_name(got));
        cr_expect_eq(field, got == HEC_OK ? HEC_FIELDS : HEC_F_EVENT_TIME_MS);
    }
}

Test(decode, refuses_a_card_number_wherever_it_hides)
{
    expect("{" LOGIN ",\"device_id\":\"4111111111111111\"}", HEC_CARD_NUMBER, HEC_F_DEVICE_ID);
    expect("{" LOGIN ",\"fail_reason\":\"card 4111-1111-1111-1111\"}", HEC_CARD_NUMBER,
           HEC_F_FAIL_REASON);
    expect("{" LOGIN ",\"fail_reason\":\"\\u0034111111111111111\"}", HEC_CARD_NUMBER,
           HEC_F_FAIL_REASON);
    refuses("{" LOGIN ",\"note\":\"4111 1111 1111 1111\"}", HEC_CARD_NUMBER);
    refuses("{" LOGIN ",\"4111111111111111\":1}", HEC_CARD_NUMBER);
    refuses("{" LOGIN ",\"x\":[{\"y\":\"4111111111111111\"}]}", HEC_CARD_NUMBER);
    refuses("{" LOGIN ",\"x\":{\"4111111111111111\":1}}", HEC_CARD_NUMBER);
    refuses("{" LOGIN ",\"geo\":{\"x\":\"4111111111111111\"}}", HEC_CARD_NUMBER);
    refuses("{" LOGIN ",\"pan\":4111111111111111}", HEC_CARD_NUMBER);
    refuses("{" LOGIN ",\"pan\":-4111111111111111}", HEC_CARD_NUMBER);
    refuses("{" LOGIN ",\"pan\":4111111111111111.0}", HEC_CARD_NUMBER);
    refuses("{" LOGIN ",\"pan\":4.111111111111111e15}", HEC_CARD_NUMBER);
    expect("{" LOGIN ",\"card_token\":\"4111111111111111\"}", HEC_CARD_NUMBER, HEC_F_CARD_TOKEN);
    accepts("{" LOGIN ",\"seen_ms\":1736121620007}"); /* a time that passes Luhn */
    accepts("{" LOGIN ",\"device_id\":\"4111111111111112\"}");
}

/* A refused record is copied, so whatever else is wrong with it, this is what must be said. */
Test(decode, says_card_number_before_any_other_refusal)
{
#define PAN "\"note\":\"4111111111111111\""
    refuses("{" PAN, HEC_CARD_NUMBER);
    refuses("{" PAN ",\"x\":\"\xff\"}", HEC_CARD_NUMBER);
    refuses("[{" PAN "}]", HEC_CARD_NUMBER);
    refuses("{" PAN "}", HEC_CARD_NUMBER);
    refuses("{\"x\":1,\"x\":2," PAN "}", HEC_CARD_NUMBER);
    refuses("{\"event_type\":\"odd\",\"schema_version\":1," PAN "}", HEC_CARD_NUMBER);
    refuses("{" LOGIN ",\"x\":[[[[[[[["
            "{" PAN "}"
            "]]]]]]]]}",
            HEC_CARD_NUMBER);
    refuses("{" CARD ",\"mcc\":5," PAN "}", HEC_CARD_NUMBER);
    refuses("{" HEAD "\"event_type\":\"card_auth\",\"card_token\":\"c\",\"currency\":\"EUR\","
            "\"amount_minor\":4111111111111111}",
            HEC_CARD_NUMBER);
    refuses("{" HEAD "\"event_type\":\"card_auth\",\"amount_minor\":\"4111111111111111\"}",
            HEC_CARD_NUMBER);
    static char large[66000];
    memset(large, ' ', sizeof(large));
    memcpy(large + 65000, "4111111111111111", 16);
    cr_expect_eq(hec_decode(decoder, &event, large, sizeof(large), -1, buffer, &field),
                 HEC_CARD_NUMBER);
}

Test(decode, makes_a_decoder_that_keeps_to_its_own_limit)
{
    struct hec_decode_limits limits = { .record_bytes_max = 20, .future_skew_ms = 0 };
    struct hec_decoder *small = NULL;
    cr_assert_eq(hec_decoder_new(&small, &limits), HEC_OK);
    cr_expect_eq(hec_decode(small, &event, "{\"a\":0,\"b\":0,\"c\":0}", 19, -1, buffer, &field),
                 HEC_MISSING_FIELD);
    cr_expect_eq(hec_decode(small, &event, "{\"a\":0,\"b\":0,\"cc\":00}", 21, -1, buffer, &field),
                 HEC_TOO_LARGE);
    hec_decoder_free(small);
}
