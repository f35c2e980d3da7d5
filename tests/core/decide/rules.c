/* Rules: what a condition says, what is refused and where, and a random tree against plain
 * recursion. */
#include "hecate/rules.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "hecate/random.h"
#include "sample.h"
#include "schema.h"

static struct hec_plan *plan;
static struct hec_rules *rules;
static struct hec_rule_unknown unknown;
static struct hec_error error;
static float row[HEC_FEATURES_MAX];
static struct sample sample;

static void setup(void)
{
    plan = plan_of_file("conf/features.conf");
    cr_assert_eq(hec_rules_new(&rules), HEC_OK);
    sample_make(&sample, HEC_CARD_AUTH, 0);
    for (int c = 0; c < HEC_FEATURES_MAX; c++) {
        row[c] = NAN;
    }
}

static void teardown(void)
{
    hec_rules_free(rules);
    hec_plan_free(plan);
}

TestSuite(rules, .init = setup, .fini = teardown);

static enum hec_status add(const char *when)
{
    struct hec_rule_source source = { "r", when, "text", "", HEC_ACTION_REVIEW };
    return hec_rules_add(rules, plan, &source, &unknown, &error);
}

static bool holds(const char *when)
{
    cr_assert_eq(add(when), HEC_OK, "%s: %s", when, error.text);
    uint64_t hits = hec_rules_match(rules, &sample.event, row);
    return hits >> (hec_rules_count(rules) - 1) & 1;
}

static int column(const char *name)
{
    for (int c = 0; c < hec_plan_numerics(plan); c++) {
        if (strcmp(hec_plan_schema(plan)->features[hec_plan_numeric_feature(plan, c)].name, name) ==
            0) {
            return c;
        }
    }
    cr_assert_fail("no feature %s", name);
    return -1;
}

Test(rules, compare_fields_of_the_event)
{
    cr_expect(holds("amount_minor > 129899"));
    cr_expect_not(holds("amount_minor > 129900"));
    cr_expect(holds("amount_minor >= 129900 and amount_minor <= 129900"));
    cr_expect_not(holds("amount_minor < 129900"));
    cr_expect(holds("mcc == '5732'"));
    cr_expect_not(holds("mcc == '573'"));
    cr_expect(holds("mcc != '573'"));
    cr_expect(holds("mcc in ('1', '5732', '3')"));
    cr_expect_not(holds("mcc in ('1', '3')"));
    cr_expect(holds("geo.country != merchant_country"));
    cr_expect(holds("geo.lat == 1 and geo.lon == 2.0"));
    cr_expect(holds("card_present == false"));
    cr_expect(holds("event_type == 'card_auth'"));
    cr_expect_not(holds("event_type == 'login'"));
}

Test(rules, compare_features_and_know_when_one_is_missing)
{
    const char *name = hec_plan_schema(plan)->features[hec_plan_numeric_feature(plan, 3)].name;
    char when[200];
    row[3] = 7;
    snprintf(when, sizeof(when), "%s >= 7 and has %s", name, name);
    cr_expect(holds(when));
    snprintf(when, sizeof(when), "%s > 7", name);
    cr_expect_not(holds(when));
    row[3] = NAN;
    snprintf(when, sizeof(when), "%s >= 7 or %s < 7 or has %s", name, name, name);
    cr_expect_not(holds(when));
    snprintf(when, sizeof(when), "not %s >= 7", name);
    cr_expect(holds(when));
    cr_expect_eq(column(name), 3);
}

Test(rules, compare_nothing_with_what_an_event_does_not_carry)
{
    cr_expect_not(holds("wallet == 'x'"));
    cr_expect_not(holds("wallet != 'x'"));
    cr_expect_not(holds("has wallet"));
    cr_expect(holds("not has wallet"));
    cr_expect_not(holds("bot_score < 1000"));
    cr_expect_not(holds("wallet == mcc"));
}

Test(rules, bind_not_before_and_before_or)
{
    cr_expect(holds("amount_minor > 0 or amount_minor < 0 and amount_minor < 0"));
    cr_expect_not(holds("(amount_minor > 0 or amount_minor < 0) and amount_minor < 0"));
    cr_expect_not(holds("not amount_minor > 0 and amount_minor > 0"));
    cr_expect(holds("not (amount_minor < 0 and amount_minor > 0)"));
    cr_expect(holds("not not amount_minor > 0"));
}

static void refuses(const char *when, enum hec_status status, const char *word)
{
    int before = hec_rules_count(rules);
    cr_expect_eq(add(when), status, "%s", when);
    cr_expect(strstr(error.text, word) != NULL, "%s: %s", when, error.text);
    cr_expect_eq(hec_rules_count(rules), before);
}

Test(rules, refuse_what_they_do_not_understand_and_say_where)
{
    refuses("amonut_minor > 3", HEC_NOT_FOUND, "column 1");
    cr_expect_str_eq(unknown.word, "amonut_minor");
    refuses("amount_minor > 3 and mmc == '1'", HEC_NOT_FOUND, "column 22");
    refuses("", HEC_INVALID, "column 1");
    refuses("amount_minor", HEC_INVALID, "expected");
    refuses("amount_minor = 3", HEC_INVALID, "column 14");
    refuses("amount_minor > '3'", HEC_INVALID, "number");
    refuses("mcc == 3", HEC_INVALID, "text");
    refuses("mcc > '3'", HEC_INVALID, "==");
    refuses("mcc == '3", HEC_INVALID, "quote");
    refuses("mcc in '3'", HEC_INVALID, "brackets");
    refuses("mcc in ('3'", HEC_INVALID, ")");
    refuses("(amount_minor > 3", HEC_INVALID, ")");
    refuses("amount_minor > 3 4", HEC_INVALID, "more text");
    refuses("amount_minor > 3x", HEC_INVALID, "number");
    refuses("amount_minor > nan", HEC_NOT_FOUND, "column 16");
    char deep[4000] = "";
    memset(deep, '(', 2000);
    refuses(deep, HEC_TOO_LARGE, "deeply");
}

Test(rules, leave_no_trace_of_a_refused_one)
{
    for (int i = 0; i < 5000; i++) {
        cr_assert_eq(add("mcc in ('12345678', '12345678') or nothing > 3"), HEC_NOT_FOUND);
    }
    cr_expect(holds("mcc == '5732'"));
}

Test(rules, number_their_hits_and_count_to_64)
{
    for (int i = 0; i < HEC_RULES_MAX; i++) {
        char when[64];
        snprintf(when, sizeof(when), "amount_minor %s 0", i % 3 == 0 ? ">" : "<");
        cr_assert_eq(add(when), HEC_OK);
    }
    uint64_t hits = hec_rules_match(rules, &sample.event, row);
    for (int i = 0; i < HEC_RULES_MAX; i++) {
        cr_expect_eq(hits >> i & 1, i % 3 == 0, "rule %d", i);
    }
    refuses("amount_minor > 0", HEC_TOO_LARGE, "64");
}

Test(rules, refuse_a_name_or_a_text_that_is_too_long)
{
    char text[HEC_RULE_TEXT_MAX + 1];
    memset(text, 'x', sizeof(text));
    text[HEC_RULE_TEXT_MAX] = '\0';
    struct hec_rule_source source = { "r", "amount_minor > 1", text, "", HEC_ACTION_REVIEW };
    cr_expect_eq(hec_rules_add(rules, plan, &source, &unknown, &error), HEC_INVALID);
    source = (struct hec_rule_source){ "", "amount_minor > 1", "", "", HEC_ACTION_REVIEW };
    cr_expect_eq(hec_rules_add(rules, plan, &source, &unknown, &error), HEC_INVALID);
    source.name = "n";
    source.head = "ato";
    cr_assert_eq(hec_rules_add(rules, plan, &source, &unknown, &error), HEC_OK);
    cr_expect_str_eq(hec_rules_at(rules, 0)->head, "ato");
    cr_expect_str_eq(hec_rules_at(rules, 0)->name, "n");
}

/* ---- Against plain recursion ----------------------------------------------------------------- */

/* Writes a random condition and says what it is worth: each leaf is known to be true or false. */
static bool grow(struct hec_random *random, char *text, size_t bytes, int depth)
{
    static const char *const TRUE_ONES[] = { "amount_minor > 5", "mcc == '5732'", "has mcc" };
    static const char *const FALSE_ONES[] = { "amount_minor < 5", "mcc != '5732'", "has wallet" };
    char left[3000], right[3000];
    uint32_t kind = depth == 0 ? 0 : (uint32_t)hec_random_below(random, 4);
    if (kind == 0) {
        bool yes = hec_random_below(random, 2) == 0;
        uint32_t which = (uint32_t)hec_random_below(random, 3);
        snprintf(text, bytes, "%.40s", (yes ? TRUE_ONES : FALSE_ONES)[which]);
        return yes;
    }
    bool a = grow(random, left, sizeof(left), depth - 1);
    if (kind == 1) {
        snprintf(text, bytes, "not (%.1400s)", left);
        return !a;
    }
    bool b = grow(random, right, sizeof(right), depth - 1);
    snprintf(text, bytes, "(%.1400s) %s (%.1400s)", left, kind == 2 ? "and" : "or", right);
    return kind == 2 ? a && b : a || b;
}

Test(rules, agree_with_plain_recursion_on_random_trees)
{
    struct hec_random random = hec_random_at(11, 0);
    for (int n = 0; n < 2000; n++) {
        char text[3000];
        bool want = grow(&random, text, sizeof(text), 5);
        hec_rules_free(rules);
        cr_assert_eq(hec_rules_new(&rules), HEC_OK);
        cr_assert_eq(holds(text), want, "seed 11, tree %d: %s", n, text);
    }
}

/* ---- Every sign, every side ------------------------------------------------------------------ */

static bool plainly(const char *sign, double left, double right)
{
    return strcmp(sign, "<") == 0    ? left < right
           : strcmp(sign, "<=") == 0 ? left <= right
           : strcmp(sign, ">") == 0  ? left > right
           : strcmp(sign, ">=") == 0 ? left >= right
           : strcmp(sign, "==") == 0 ? left == right
                                     : left != right;
}

/* One rule with one comparison, thrown away afterwards. */
static bool alone(const char *when)
{
    hec_rules_free(rules);
    cr_assert_eq(hec_rules_new(&rules), HEC_OK);
    return holds(when);
}

Test(rules, compare_numbers_of_every_size_with_every_sign)
{
    static const char *const SIGNS[] = { "<", "<=", ">", ">=", "==", "!=" };
    static const double VALUES[] = { -1e9, -1, -0.5, 0, 0.5, 1, 129899, 129900, 129901, 1e12 };
    const char *name = hec_plan_schema(plan)->features[hec_plan_numeric_feature(plan, 5)].name;
    for (size_t s = 0; s < sizeof(SIGNS) / sizeof(SIGNS[0]); s++) {
        for (size_t v = 0; v < sizeof(VALUES) / sizeof(VALUES[0]); v++) {
            char when[200];
            snprintf(when, sizeof(when), "amount_minor %s %.17g", SIGNS[s], VALUES[v]);
            cr_expect_eq(alone(when), plainly(SIGNS[s], 129900, VALUES[v]), "%s", when);
            for (size_t f = 0; f < sizeof(VALUES) / sizeof(VALUES[0]); f++) {
                row[5] = (float)VALUES[f];
                snprintf(when, sizeof(when), "%s %s %.17g", name, SIGNS[s], VALUES[v]);
                cr_expect_eq(alone(when), plainly(SIGNS[s], (double)row[5], VALUES[v]), "%s", when);
            }
        }
    }
}

/* The name of the nth feature that no field has too. */
static const char *feature_name(int n, int *at)
{
    for (int c = 0; c < hec_plan_numerics(plan); c++) {
        const char *name = hec_plan_schema(plan)->features[hec_plan_numeric_feature(plan, c)].name;
        if (hec_field_named(name, strlen(name)) == HEC_FIELDS && n-- == 0) {
            *at = c;
            return name;
        }
    }
    cr_assert_fail("there are too few features");
    return NULL;
}

Test(rules, compare_one_name_with_another)
{
    int l, r;
    const char *left = feature_name(2, &l), *right = feature_name(3, &r);
    char when[200];
    snprintf(when, sizeof(when), "%s < %s", left, right);
    row[l] = 1;
    row[r] = 2;
    cr_expect(alone(when));
    row[r] = 1;
    cr_expect_not(alone(when));
    row[r] = NAN;
    cr_expect_not(alone(when));
    cr_expect(alone("amount_minor == amount_minor"));
    cr_expect(alone("mcc == mcc"));
    cr_expect_not(alone("mcc == currency"));
}

Test(rules, read_blanks_and_lines_as_one_likes_them)
{
    cr_expect(alone("  amount_minor>1\n and\tmcc=='5732'  "));
    cr_expect(alone("(amount_minor>1)and(mcc=='5732')"));
    cr_expect(alone("not(amount_minor<1)"));
    cr_expect(alone("mcc in('5732')"));
    cr_expect_eq(add("android > 1"), HEC_NOT_FOUND, "and is a word of its own");
    cr_expect_eq(add("amount_minor > 1 andmcc == '1'"), HEC_INVALID);
    cr_expect_eq(add("notamount_minor > 1"), HEC_NOT_FOUND);
}

Test(rules, say_nothing_where_there_are_none)
{
    hec_rules_free(rules);
    cr_assert_eq(hec_rules_new(&rules), HEC_OK);
    cr_expect_eq(hec_rules_match(rules, &sample.event, row), 0);
    cr_expect_eq(hec_rules_count(rules), 0);
}
