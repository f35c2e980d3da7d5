/* JSON writing: numbers that read back, strings that parse back, nothing past the buffer. */
#include "decide/json.h"

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <yyjson.h>

#include "hecate/random.h"

static float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static const char *float_text(float value)
{
    static char text[HEC_NUMBER_TEXT_MAX + 1];
    int length = hec_float_print(text, value);
    cr_assert_lt(length, HEC_NUMBER_TEXT_MAX);
    text[length] = '\0';
    return text;
}

static void reads_back(float value)
{
    const char *text = float_text(value);
    cr_assert_eq(strtof(text, NULL), value, "%s is not %a", text, (double)value);
    cr_assert_eq((float)strtod(text, NULL), value, "%s is not %a by double", text, (double)value);
}

Test(json, prints_floats_that_read_back_to_the_same_float)
{
    struct hec_random random = hec_random_at(1, 0);
    for (int n = 0; n < 1000000; n++) {
        float any = float_of(hec_random_bits(&random));
        if (isfinite(any)) {
            reads_back(any);
        }
        reads_back((float)hec_random_uniform(&random)); /* what most of them are */
    }
    for (int binary = -149; binary <= 127; binary++) {
        float power = ldexpf(1, binary);
        reads_back(power);
        reads_back(nextafterf(power, 0));
        reads_back(nextafterf(power, INFINITY));
    }
    reads_back(FLT_MAX);
    reads_back(-FLT_MIN);
}

Test(json, prints_floats_as_people_write_them)
{
    cr_expect_str_eq(float_text(0), "0");
    cr_expect_str_eq(float_text(-0.0f), "0");
    cr_expect_str_eq(float_text(1), "1");
    cr_expect_str_eq(float_text(0.85f), "0.85");
    cr_expect_str_eq(float_text(-0.5f), "-0.5");
    cr_expect_str_eq(float_text(850), "850");
    cr_expect_str_eq(float_text(1.5e9f), "1500000000");
    cr_expect_str_eq(float_text(0.1f), "0.1");
    cr_expect_str_eq(float_text(1e-5f), "0.00001");
    cr_expect_str_eq(float_text(1e-6f), "1e-6");
    cr_expect_str_eq(float_text(2.5e20f), "2.5e20");
    cr_expect_str_eq(float_text(9.999999e5f), "999999.9");
}

static const char *number_text(double value)
{
    static char text[HEC_NUMBER_TEXT_MAX + 1];
    text[hec_number_print(text, value)] = '\0';
    return text;
}

Test(json, prints_numbers_for_people_short)
{
    cr_expect_str_eq(number_text(9), "9");
    cr_expect_str_eq(number_text(-12), "-12");
    cr_expect_str_eq(number_text(9000000), "9000000");
    cr_expect_str_eq(number_text(0.4167), "0.417");
    cr_expect_str_eq(number_text(1234.567), "1235");
    cr_expect_str_eq(number_text(12.345), "12.3");
    cr_expect_str_eq(number_text(999.9), "1000");
    cr_expect_str_eq(number_text(0.9996), "1");
    cr_expect_str_eq(number_text(2e-7), "2e-7");
    cr_expect_str_eq(number_text(1.25e18), "1.25e18");
}

Test(json, prints_integers_to_their_ends)
{
    static const int64_t ROWS[] = { 0, 7, -7, 10, INT64_MAX, INT64_MIN, 1795429535081 };
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        char text[HEC_NUMBER_TEXT_MAX + 1], expected[40];
        text[hec_integer_print(text, ROWS[i])] = '\0';
        snprintf(expected, sizeof(expected), "%lld", (long long)ROWS[i]);
        cr_expect_str_eq(text, expected);
    }
}

Test(json, prints_hex_floats_as_the_library_does)
{
    struct hec_random random = hec_random_at(2, 0);
    for (int n = 0; n < 200000; n++) {
        float value = n == 0 ? 0 : n == 1 ? -0.0f : float_of(hec_random_bits(&random));
        value = n % 3 == 0 ? roundf(value) : value;
        char text[64], expected[64];
        struct hec_json json = { .buffer = text, .size = sizeof(text) };
        hec_json_hex_float(&json, value);
        text[json.length] = '\0';
        snprintf(expected, sizeof(expected), "\"%a\"", (double)value);
        cr_assert_str_eq(text, isnan(value) ? "\"nan\"" : expected);
    }
}

Test(json, escapes_what_a_string_may_not_hold)
{
    char all[256], text[2048];
    for (int i = 0; i < 128; i++) {
        all[i] = (char)i;
    }
    memcpy(all + 128, "\xc3\xa9\xf0\x9f\x90\x95", 6);
    struct hec_json json = { .buffer = text, .size = sizeof(text) };
    hec_json_string(&json, all, 134);
    yyjson_doc *doc = yyjson_read(text, json.length, 0);
    cr_assert_not_null(doc);
    yyjson_val *root = yyjson_doc_get_root(doc);
    cr_assert_eq(yyjson_get_len(root), 134u);
    cr_expect_eq(memcmp(yyjson_get_str(root), all, 134), 0);
    yyjson_doc_free(doc);
}

Test(json, puts_commas_where_they_belong_and_null_for_what_json_has_not)
{
    char text[256];
    struct hec_json json = { .buffer = text, .size = sizeof(text) };
    hec_json_open(&json, '{');
    hec_json_key(&json, "a");
    hec_json_open(&json, '[');
    hec_json_item(&json);
    hec_json_float(&json, NAN);
    hec_json_item(&json);
    hec_json_float(&json, -INFINITY);
    hec_json_close(&json, ']');
    hec_json_key_text(&json, "b\"");
    hec_json_open(&json, '{');
    hec_json_close(&json, '}');
    hec_json_key(&json, "c");
    hec_json_bool(&json, false);
    hec_json_close(&json, '}');
    text[json.length] = '\0';
    cr_expect_str_eq(text, "{\"a\":[null,null],\"b\\\"\":{},\"c\":false}");
}

Test(json, counts_on_past_the_end_and_writes_nothing_there)
{
    char text[16];
    memset(text, '#', sizeof(text));
    struct hec_json json = { .buffer = text, .size = 8 };
    hec_json_text(&json, "123456789"); /* 11 with its quotes */
    cr_expect_eq(json.length, 11u);
    cr_expect_eq(text[8], '#');
    struct hec_json none = { .buffer = NULL, .size = 0 };
    hec_json_integer(&none, -12);
    cr_expect_eq(none.length, 3u);
}

/* Random bytes below 0x80 are UTF-8 as well; one in eight needs an escape here. */
Test(json, strings_read_back_whatever_they_hold)
{
    struct hec_random random = hec_random_at(3, 0);
    for (int n = 0; n < 20000; n++) {
        char bytes[64], text[512];
        size_t length = hec_random_below(&random, sizeof(bytes));
        for (size_t i = 0; i < length; i++) {
            bool odd = hec_random_below(&random, 8) == 0;
            bytes[i] = odd ? "\"\\\n\t\r\x01\x1f\x7f"[hec_random_below(&random, 8)]
                           : (char)(' ' + hec_random_below(&random, 95));
        }
        struct hec_json json = { .buffer = text, .size = sizeof(text) };
        hec_json_string(&json, bytes, length);
        yyjson_doc *doc = yyjson_read(text, json.length, 0);
        cr_assert_not_null(doc, "seed 3, string %d", n);
        yyjson_val *root = yyjson_doc_get_root(doc);
        cr_assert_eq(yyjson_get_len(root), length, "seed 3, string %d", n);
        cr_assert_eq(memcmp(yyjson_get_str(root), bytes, length), 0, "seed 3, string %d", n);
        yyjson_doc_free(doc);
    }
}

/* RFC 4648 section 10. */
Test(json, writes_base64_that_others_read)
{
    static const char *const VECTORS[][2] = {
        { "", "" },
        { "f", "Zg==" },
        { "fo", "Zm8=" },
        { "foo", "Zm9v" },
        { "foob", "Zm9vYg==" },
        { "fooba", "Zm9vYmE=" },
        { "foobar", "Zm9vYmFy" },
    };
    for (size_t i = 0; i < sizeof(VECTORS) / sizeof(VECTORS[0]); i++) {
        char text[32] = "", expected[32];
        struct hec_json json = { .buffer = text, .size = sizeof(text) };
        hec_json_base64(&json, VECTORS[i][0], strlen(VECTORS[i][0]));
        snprintf(expected, sizeof(expected), "\"%s\"", VECTORS[i][1]);
        cr_expect_str_eq(text, expected);
        cr_expect_eq(json.length, strlen(expected));
    }
    char any[8];
    struct hec_json json = { .buffer = any, .size = sizeof(any) };
    hec_json_base64(&json, "\xff\xfe\xfb", 3);
    cr_expect_eq(memcmp(any, "\"//77\"", 6), 0);
}
