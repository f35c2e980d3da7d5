/* The words of features.conf: durations, predicates, names, and the one canonical text. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hecate/feature.h"
#include "schema.h"

Test(schema, reads_durations_with_a_unit_and_nothing_else)
{
    static const struct {
        const char *text;
        int64_t ms;
    } CASES[] = {
        { "0", 0 },         { "30s", 30000 },
        { "5m", 300000 },   { "24h", 86400000 },
        { "1d", 86400000 }, { "7", -1 },
        { "d", -1 },        { "", -1 },
        { "-1d", -1 },      { "1dd", -1 },
        { "1 d", -1 },      { "0s", 0 },
        { "1w", -1 },       { "9999999999999999999d", -1 },
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(*CASES); i++) {
        cr_expect_eq(hec_duration_ms(CASES[i].text), CASES[i].ms, "%s", CASES[i].text);
    }
}

Test(schema, prints_a_duration_in_its_largest_whole_unit)
{
    char text[24];
    hec_duration_print(86400000, text);
    cr_expect_str_eq(text, "1d");
    hec_duration_print(90000, text);
    cr_expect_str_eq(text, "90s");
    hec_duration_print(7200000, text);
    cr_expect_str_eq(text, "2h");
    hec_duration_print(0, text);
    cr_expect_str_eq(text, "0");
}

Test(schema, parses_each_predicate)
{
    struct hec_predicate p;
    cr_assert_eq(hec_predicate_parse(&p, "response_code != 00", NULL), HEC_OK);
    cr_expect_eq(p.field, HEC_F_RESPONSE_CODE);
    cr_expect_eq(p.op, HEC_NE);
    cr_expect_eq(p.texts_count, 1);
    cr_expect_str_eq(p.texts[0], "00");

    cr_assert_eq(hec_predicate_parse(&p, "  amount_minor   <  500 ", NULL), HEC_OK);
    cr_expect_eq(p.op, HEC_LT);
    cr_expect_eq(p.integer, 500);
    cr_expect_eq(p.texts_count, 0);

    cr_assert_eq(hec_predicate_parse(&p, "change_type in password pin", NULL), HEC_OK);
    cr_expect_eq(p.texts_count, 2);
    cr_expect_str_eq(p.texts[1], "pin");

    cr_assert_eq(hec_predicate_parse(&p, "device_id present", NULL), HEC_OK);
    cr_expect_eq(p.op, HEC_PRESENT);
    cr_assert_eq(hec_predicate_parse(&p, "card_present == 0", NULL), HEC_OK);
    cr_expect_eq(p.integer, 0);
    cr_assert_eq(hec_predicate_parse(&p, "bot_score >= 50", NULL), HEC_OK);
}

Test(schema, refuses_a_predicate_that_means_nothing)
{
    static const char *const WRONG[] = {
        "",
        "colour == red",
        "mcc",
        "mcc = 5411",
        "mcc == ",
        "mcc == a b",
        "mcc < 5",
        "amount_minor in 1 2",
        "amount_minor < x",
        "amount_minor < 5 6",
        "amount_minor == 5.5",
        "device_id present now",
        "mcc in 1 2 3 4 5 6 7 8 9",
        "mcc == 0123456789012345678901234567890123456789",
    };
    for (size_t i = 0; i < sizeof(WRONG) / sizeof(*WRONG); i++) {
        struct hec_predicate p;
        struct hec_error error = { 0 };
        cr_expect_eq(hec_predicate_parse(&p, WRONG[i], &error), HEC_INVALID, "%s", WRONG[i]);
        cr_expect_neq(error.text[0], '\0', "%s", WRONG[i]);
    }
}

Test(schema, knows_every_aggregate_by_its_name)
{
    for (int i = 0; i < HEC_AGGREGATES; i++) {
        cr_expect_eq(hec_aggregate_named(hec_aggregate_name((enum hec_aggregate)i)), i);
    }
    cr_expect_eq(hec_aggregate_named("median"), HEC_AGGREGATES);
}

Test(schema, sets_a_field_or_a_derived_one_by_name)
{
    struct hec_feature feature;
    hec_feature_init(&feature);
    cr_expect(hec_feature_set_field(&feature, "weekend"));
    cr_expect_eq(feature.derived, HEC_WEEKEND);
    cr_expect(hec_feature_set_field(&feature, "geo.country"));
    cr_expect_eq(feature.derived, HEC_NOT_DERIVED);
    cr_expect_eq(feature.field, HEC_F_GEO_COUNTRY);
    cr_expect_not(hec_feature_set_field(&feature, "moon"));
}

Test(schema, prints_a_text_that_reads_back_as_the_same_text)
{
    static const char *const FILES[] = { "conf/features.conf", "conf/features-handbook.conf" };
    for (int i = 0; i < 2; i++) {
        struct hec_schema *schema = schema_of_file(FILES[i]);
        size_t length = hec_schema_print(schema, NULL, 0);
        char *text = malloc(length + 1);
        char *again = malloc(length + 1);
        cr_assert_eq(hec_schema_print(schema, text, length + 1), length);
        struct hec_schema *second = schema_of(text);
        cr_assert_eq(hec_schema_print(second, again, length + 1), length);
        cr_expect_str_eq(text, again);
        cr_expect_eq(second->features_count, schema->features_count);
        free(schema);
        free(second);
        free(text);
        free(again);
    }
}

Test(schema, keeps_quotes_and_numbers_through_its_text)
{
    struct hec_schema *schema = schema_of("rate USD { per_unit = 0.1 }\n"
                                          "feature a { aggregate = value field = hour "
                                          "missing = -0.30000000000000004 heads = {ato} "
                                          "text = \"say \\\"{observed}\\\" \\\\\" }\n"
                                          "feature b { aggregate = value field = hour "
                                          "missing = 1209600 }\n");
    char text[1024];
    hec_schema_print(schema, text, sizeof(text));
    cr_expect_not_null(strstr(text, "per_unit = 0.1 }"), "%s", text);
    cr_expect_not_null(strstr(text, "missing = -0.30000000000000004 "), "%s", text);
    cr_expect_not_null(strstr(text, "heads = {ato}"), "%s", text);
    cr_expect_null(strchr(text, '+'), "no word of the grammar holds a plus: %s", text);
    struct hec_schema *second = schema_of(text);
    cr_expect_str_eq(second->features[0].text, "say \"{observed}\" \\");
    cr_expect_eq(second->features[0].missing, -0.30000000000000004);
    cr_expect_eq(second->features[1].missing, 1209600);
    free(schema);
    free(second);
}

Test(schema, cuts_the_text_to_the_room_and_tells_the_length)
{
    struct hec_schema *schema = schema_of("feature a { aggregate = value field = hour }");
    char text[16];
    size_t length = hec_schema_print(schema, text, sizeof(text));
    cr_expect_gt(length, sizeof(text));
    cr_expect_eq(strlen(text), sizeof(text) - 1);
    free(schema);
}
