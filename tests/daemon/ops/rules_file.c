/* rules.conf: every key, and each mistake with its line and the nearest good word. */
#include "ops/rules_file.h"

#include <criterion/criterion.h>
#include <string.h>

#include "hecate/model.h"
#include "schema.h"

static struct hec_plan *plan;
static struct hec_model_info info;
static struct hec_rules *rules;
static struct hec_problems problems;

static void setup(void)
{
    plan = plan_of_file("conf/features.conf");
    info.heads_count = HEC_DEFAULT_HEADS;
    info.heads = hec_default_heads;
}

static void teardown(void)
{
    hec_plan_free(plan);
}

TestSuite(rules_file, .init = setup, .fini = teardown);

static enum hec_status parse(const char *text)
{
    problems = (struct hec_problems){ 0 };
    return hec_rules_text_parse(&rules, "rules.conf", text, plan, &info, &problems);
}

static void refuse(const char *text, const char *words)
{
    cr_expect_eq(parse(text), HEC_INVALID, "%s", text);
    cr_expect(problems.count > 0 && strstr(problems.rows[0].text, words) != NULL, "%s: %s", text,
              problems.rows[0].text);
}

Test(rules_file, understands_every_key)
{
    cr_assert_eq(parse("# known patterns\n"
                       "rule prepaid { when = \"mcc == '6051' and amount_minor > 50000\"\n"
                       "  outcome = hold  text = \"a large prepaid load\"  head = card_fraud }\n"
                       "rule night { when = \"bot_score > 900\" outcome = evidence }\n"
                       "rule plain { when = 'amount_minor > 1' }\n"),
                 HEC_OK, "%s", problems.rows[0].text);
    cr_assert_eq(hec_rules_count(rules), 3);
    cr_expect_str_eq(hec_rules_at(rules, 0)->name, "prepaid");
    cr_expect_str_eq(hec_rules_at(rules, 0)->text, "a large prepaid load");
    cr_expect_str_eq(hec_rules_at(rules, 0)->head, "card_fraud");
    cr_expect_eq(hec_rules_at(rules, 0)->action, HEC_ACTION_HOLD);
    cr_expect_eq(hec_rules_at(rules, 1)->action, HEC_ACTION_ALLOW);
    cr_expect_eq(hec_rules_at(rules, 2)->action, HEC_ACTION_REVIEW);
    cr_expect_str_eq(hec_rules_at(rules, 2)->text, "");
    hec_rules_free(rules);
}

Test(rules_file, takes_a_file_without_rules)
{
    cr_assert_eq(parse(""), HEC_OK);
    cr_expect_eq(hec_rules_count(rules), 0);
    hec_rules_free(rules);
}

Test(rules_file, tells_each_mistake_with_its_line_and_what_was_meant)
{
    refuse("\nrule a {\n when = \"amonut_minor > 3\" }", "rules.conf:3: rule a: column 1");
    refuse("rule a { when = \"amonut_minor > 3\" }", "did you mean \"amount_minor\"");
    refuse("rule a { when = \"amount_minor >\" }", "rules.conf:1: rule a: column 15");
    refuse("rule a { wen = \"amount_minor > 3\" }", "did you mean \"when\"");
    refuse("rule a { text = \"x\" }", "no condition");
    refuse("rule a { when = \"amount_minor > 3\" outcome = reviw }", "did you mean \"review\"");
    refuse("rule a { when = \"amount_minor > 3\" head = card_frad }",
           "did you mean \"card_fraud\"");
    refuse("rule a { when = \"amount_minor > 3\" }\nrule a { when = \"amount_minor > 3\" }", ":2");
    refuse("rool a { when = \"amount_minor > 3\" }", "rool");
    parse("rule a { when = \"x > 3\" }\nrule b { when = \"y > 3\" }");
    cr_expect_eq(problems.count, 2, "every mistake is told, not only the first");
    struct hec_error error = { 0 };
    cr_expect_eq(hec_rules_file_load(&rules, "/no/such/rules.conf", plan, &info, &error),
                 HEC_NOT_FOUND);
}

Test(rules_file, has_help_for_every_key)
{
    for (const struct hec_rules_key *key = hec_rules_keys(); key->name != NULL; key++) {
        cr_expect_gt(strlen(key->help), 10u, "%s", key->name);
    }
}
