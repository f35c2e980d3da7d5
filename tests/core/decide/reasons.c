/* Reasons: what counts together, what is left out, and the sentence for people. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "hecate/decide.h"
#include "hecate/random.h"

static struct hec_schema schema;
static struct hec_reason_columns columns;
static struct hec_policy policy;
static struct hec_event event;
static struct hec_reason reasons[HEC_REASONS_MAX];

static void declare(const char *name, const char *code, const char *text)
{
    struct hec_feature *feature = &schema.features[schema.features_count];
    snprintf(feature->name, sizeof(feature->name), "%s", name);
    snprintf(feature->reason_code, sizeof(feature->reason_code), "%s", code);
    snprintf(feature->text, sizeof(feature->text), "%s", text);
    feature->heads = ~0u;
    feature->field = HEC_FIELDS;
    schema.features_count++;
}

/* Seven numeric columns a .. g and one category, in the schema's order. */
static void setup(void)
{
    memset(&schema, 0, sizeof(schema));
    memset(&event, 0, sizeof(event));
    declare("a", "VEL-001", "{observed} payments in an hour (usual: {usual})");
    declare("b", "VEL-001", "b");
    declare("c", "AMT-001", "amount {observed}");
    declare("d", "", "never told");
    declare("e", "DEV-001", "e");
    declare("f", "GEO-001", "f");
    declare("g", "ACC-001", "g");
    declare("mcc", "MER-001", "kind of shop {observed}, not {other}");
    schema.features[7].field = HEC_F_MCC;
    columns = (struct hec_reason_columns){ .schema = &schema, .numerics = 7, .categories = 1 };
    for (int column = 0; column < 8; column++) {
        columns.features[column] = column;
        columns.usual[column] = 1;
    }
    policy = (struct hec_policy){ .reasons_max = 5, .reason_share_min = 0.05f };
    event.value[HEC_F_MCC].text = hec_text_of("5732");
    event.present = 1ull << HEC_F_MCC;
}

TestSuite(reasons, .init = setup);

static int pick(const float contributions[8])
{
    static const float ROW[7] = { 9, 2, 0.5f, 1, 1, NAN, 1 };
    return hec_reasons(reasons, &policy, &columns, 0, &event, contributions, ROW);
}

Test(reasons, add_up_columns_of_one_code_and_show_the_one_that_says_most)
{
    cr_assert_eq(pick((float[8]){ 0.5f, 0.2f, 0.6f, 0, 0, 0, 0, 0 }), 2);
    cr_expect_str_eq(reasons[0].code, "VEL-001");
    cr_expect_str_eq(reasons[0].feature, "a");
    cr_expect_float_eq(reasons[0].contribution, 0.7f, 1e-6f);
    cr_expect_str_eq(reasons[1].code, "AMT-001");
    cr_assert_eq(pick((float[8]){ 0.2f, 0.5f, 0, 0, 0, 0, 0, 0 }), 1);
    cr_expect_str_eq(reasons[0].feature, "b");
}

Test(reasons, leave_out_what_speaks_against_and_what_hardly_counts)
{
    cr_expect_eq(pick((float[8]){ 0.5f, -0.6f, -1, 0, 0, 0, 0, 0 }), 0);
    cr_expect_eq(pick((float[8]){ 0.95f, 0, 0.051f, 0, 0, 0, 0, 0 }), 2);
    cr_expect_eq(pick((float[8]){ 0.97f, 0, 0.03f, 0, 0, 0, 0, 0 }), 1);
    cr_expect_eq(pick((float[8]){ 0 }), 0);
    cr_expect_eq(pick((float[8]){ NAN, INFINITY, 0.5f, 0, 0, 0, 0, 0 }), 1);
}

Test(reasons, never_tell_of_a_feature_without_a_code_or_of_another_head)
{
    cr_assert_eq(pick((float[8]){ 0.1f, 0, 0, 9, 0, 0, 0, 0 }), 1);
    cr_expect_str_eq(reasons[0].code, "VEL-001");
    schema.features[0].heads = 1u << 1;
    cr_expect_eq(pick((float[8]){ 0.1f, 0, 0, 9, 0, 0, 0, 0 }), 0);
}

Test(reasons, are_as_many_as_the_policy_wants_the_largest_first)
{
    const float all[8] = { 0.1f, 0.1f, 0.5f, 0, 0.3f, 0.4f, 0.6f, 0.7f };
    cr_assert_eq(pick(all), 5);
    cr_expect_str_eq(reasons[0].code, "MER-001");
    cr_expect_str_eq(reasons[1].code, "ACC-001");
    cr_expect_str_eq(reasons[4].code, "DEV-001");
    policy.reasons_max = 2;
    cr_expect_eq(pick(all), 2);
    policy.reasons_max = 0;
    cr_expect_eq(pick(all), 0);
}

Test(reasons, say_what_was_seen_and_what_is_usual)
{
    pick((float[8]){ 1, 0, 0, 0, 0, 0, 0, 0 });
    cr_expect_str_eq(reasons[0].text, "9 payments in an hour (usual: 1)");
    cr_expect_eq(reasons[0].direction, HEC_DIRECTION_HIGH);
    cr_expect_eq(reasons[0].observed, 9.0f);
    cr_expect_eq(reasons[0].typical, 1.0f);
    pick((float[8]){ 0, 0, 1, 0, 0, 0, 0, 0 });
    cr_expect_str_eq(reasons[0].text, "amount 0.5");
    cr_expect_eq(reasons[0].direction, HEC_DIRECTION_LOW);
}

Test(reasons, say_unknown_of_a_missing_value)
{
    snprintf(schema.features[5].text, HEC_TEXT_MAX, "{observed}{usual}");
    columns.usual[5] = NAN;
    pick((float[8]){ 0, 0, 0, 0, 0, 1, 0, 0 });
    cr_expect_str_eq(reasons[0].text, "unknownunknown");
    cr_expect_eq(reasons[0].direction, HEC_DIRECTION_OTHER);
}

Test(reasons, show_a_category_by_its_text_and_leave_other_braces_alone)
{
    pick((float[8]){ 0, 0, 0, 0, 0, 0, 0, 1 });
    cr_expect_str_eq(reasons[0].text, "kind of shop 5732, not {other}");
    cr_expect_eq(reasons[0].direction, HEC_DIRECTION_OTHER);
    cr_expect_eq(reasons[0].observed_text.length, 4u);
    event.present = 0;
    pick((float[8]){ 0, 0, 0, 0, 0, 0, 0, 1 });
    cr_expect_str_eq(reasons[0].text, "kind of shop unknown, not {other}");
}

Test(reasons, cut_a_long_text_at_a_whole_character)
{
    char token[129];
    memset(token, 'x', 128);
    token[128] = '\0';
    event.value[HEC_F_MCC].text = hec_text_of(token);
    memset(schema.features[7].text, 0, HEC_TEXT_MAX);
    snprintf(schema.features[7].text, HEC_TEXT_MAX, "{observed}%0*d\xc3\xa9", 98, 0);
    pick((float[8]){ 0, 0, 0, 0, 0, 0, 0, 1 });
    cr_expect_eq(strlen(reasons[0].text), 128u + 98 + 2);
    snprintf(schema.features[7].text, HEC_TEXT_MAX, "{observed}{observed}");
    pick((float[8]){ 0, 0, 0, 0, 0, 0, 0, 1 });
    cr_expect_eq(strlen(reasons[0].text), HEC_REASON_TEXT_MAX - 1u);
    token[110] = '\xc3'; /* 128 + 110 is the last byte: half a character would stay */
    token[111] = '\xa9';
    event.value[HEC_F_MCC].text = hec_text_of(token);
    pick((float[8]){ 0, 0, 0, 0, 0, 0, 0, 1 });
    cr_expect_eq(strlen(reasons[0].text), HEC_REASON_TEXT_MAX - 2u);
}

/* The oracle asks of every code of the schema, one after the other, what its columns add up to. */
struct told {
    const char *code;
    float sum;
};

static int plain_sums(struct told *told, int head, const float *contributions)
{
    int count = 0;
    for (int column = 0; column < 8; column++) {
        const char *code = schema.features[column].reason_code;
        bool known = code[0] == '\0';
        for (int i = 0; i < count; i++) {
            known = known || strcmp(told[i].code, code) == 0;
        }
        if (known) {
            continue;
        }
        told[count] = (struct told){ code, 0 };
        for (int other = 0; other < 8; other++) {
            bool same = strcmp(schema.features[other].reason_code, code) == 0;
            if (same && (schema.features[other].heads & 1u << head) != 0) {
                told[count].sum += contributions[other];
            }
        }
        count++;
    }
    return count;
}

Test(reasons, agree_with_adding_up_every_code_by_itself)
{
    static const char *const CODES[] = { "VEL-001", "AMT-001", "DEV-001", "GEO-001", "" };
    struct hec_random random = hec_random_at(3, 0);
    for (int n = 0; n < 20000; n++) {
        float contributions[8];
        for (int column = 0; column < 8; column++) {
            struct hec_feature *feature = &schema.features[column];
            snprintf(feature->reason_code, HEC_CODE_MAX, "%s", CODES[hec_random_below(&random, 5)]);
            feature->heads = (uint32_t)hec_random_below(&random, 4);
            /* Quarters add up exactly in any order. */
            contributions[column] = 0.25f * (float)hec_random_below(&random, 21) - 2.0f;
        }
        policy.reasons_max = (int)hec_random_below(&random, HEC_REASONS_MAX + 1);
        policy.reason_share_min = 0.25f;
        struct told told[8];
        int codes = plain_sums(told, 0, contributions), expected = 0;
        float all = 0;
        for (int i = 0; i < codes; i++) {
            all += told[i].sum > 0 ? told[i].sum : 0;
        }
        for (int i = 0; i < codes; i++) {
            expected += told[i].sum > 0 && told[i].sum >= 0.25f * all;
        }
        bool any = false;
        for (int i = 0; i < codes; i++) {
            any = any || told[i].sum > 0;
        }
        expected = expected == 0 && any ? 1 : expected; /* the strongest is always told */
        expected = expected < policy.reasons_max ? expected : policy.reasons_max;

        int count = pick(contributions);
        cr_assert_eq(count, expected, "seed 3, case %d", n);
        for (int i = 0; i < count; i++) {
            int at = 0;
            while (strcmp(told[at].code, reasons[i].code) != 0) {
                at++;
            }
            cr_assert_eq(reasons[i].contribution, told[at].sum, "seed 3, case %d", n);
            cr_assert(i == 0 || reasons[i].contribution <= reasons[i - 1].contribution);
        }
    }
}

/* What a text makes of the first column's value, and of its usual one. */
static const char *told_as(const char *text, float observed, float usual)
{
    static float contributions[8], row[8];
    contributions[0] = 1;
    row[0] = observed;
    columns.usual[0] = usual;
    snprintf(schema.features[0].text, HEC_TEXT_MAX, "%s", text);
    int count = hec_reasons(reasons, &policy, &columns, 0, &event, contributions, row);
    cr_assert_eq(count, 1);
    return reasons[0].text;
}

Test(reasons, tell_seconds_in_the_two_largest_units)
{
    cr_expect_str_eq(told_as("known for {observed:time}", 0, 0), "known for 0 s");
    cr_expect_str_eq(told_as("{observed:time} ago", 42.4f, 0), "42 s ago");
    cr_expect_str_eq(told_as("{observed:time} ago", 157, 0), "2 min 37 s ago");
    cr_expect_str_eq(told_as("{observed:time} ago", 28200, 0), "7 h 50 min ago");
    cr_expect_str_eq(told_as("{observed:time} ago", 86400, 0), "1 d ago");
    cr_expect_str_eq(told_as("{observed:time} ago", 1047600, 0), "12 d 3 h ago");
    cr_expect_str_eq(told_as("{observed:time} ago", 86401, 0), "1 d ago",
                     "seconds say nothing here");
    cr_expect_str_eq(told_as("{observed:time} (usual {usual:time})", 60, 3600),
                     "1 min (usual 1 h)");
    cr_expect_str_eq(told_as("{observed:time}", -5, 0), "-5");
    cr_expect_str_eq(told_as("(usual {usual:time})", 1, NAN), "(usual unknown)");
}

Test(reasons, tell_shares_in_percent)
{
    cr_expect_str_eq(told_as("{observed:share} of all", 0.123f, 0), "12 % of all");
    cr_expect_str_eq(told_as("{observed:share} of all", 0.0123f, 0), "1.2 % of all");
    cr_expect_str_eq(told_as("{observed:share} (usual {usual:share})", 1, 0), "100 % (usual 0 %)");
    cr_expect_str_eq(told_as("{observed:nothing} {", 1, 0), "{observed:nothing} {");
}

Test(reasons, tell_the_strongest_where_none_stands_out)
{
    float contributions[8] = { 0.1f, 0.1f, 0.1f, 0.1f, 0.1f, 0.1f, 0.1f, 0.11f }, row[8] = { 0 };
    for (int i = 0; i < 8; i++) {
        snprintf(schema.features[i].reason_code, HEC_CODE_MAX, "C-%d", i);
        schema.features[i].heads = 1;
    }
    policy.reason_share_min = 0.5f;
    cr_expect_eq(hec_reasons(reasons, &policy, &columns, 0, &event, contributions, row), 1);
    cr_expect_str_eq(reasons[0].code, "C-7");
}
