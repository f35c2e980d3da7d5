/* heads.conf: the shipped file is the product's own three heads, and every mistake has its line. */
#include "ops/heads_file.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hecate/event.h"
#include "support/source_root.h" /* written by meson */

static struct hec_heads_file file;

static void parse(const char *text)
{
    struct hec_error error = { 0 };
    cr_assert_eq(hec_heads_text_parse(text, &file, &error), HEC_OK, "%s", error.text);
}

static void refuse(const char *text, const char *sentence)
{
    struct hec_error error = { 0 };
    cr_expect_eq(hec_heads_text_parse(text, &file, &error), HEC_INVALID, "%s", text);
    cr_expect_not_null(strstr(error.text, sentence), "\"%s\" does not say \"%s\"", error.text,
                       sentence);
}

static void expect_rule(const struct hec_head_rule *is, const struct hec_head_rule *was)
{
    cr_expect_eq(is->event_types, was->event_types);
    cr_expect_eq(is->listed_count, was->listed_count);
    cr_assert_eq(is->types_count, was->types_count);
    for (int i = 0; i < was->types_count; i++) {
        cr_expect_str_eq(is->types[i], was->types[i]);
    }
}

Test(heads_file, ships_the_three_heads_that_are_used_without_it)
{
    char path[4096];
    struct hec_error error = { 0 };
    snprintf(path, sizeof(path), "%s/conf/heads.conf", HEC_SOURCE_ROOT);
    cr_assert_eq(hec_heads_file_load(path, &file, &error), HEC_OK, "%s", error.text);
    cr_assert_eq(file.count, HEC_DEFAULT_HEADS);
    for (int k = 0; k < HEC_DEFAULT_HEADS; k++) {
        const struct hec_head *is = &file.heads[k], *was = &hec_default_heads[k];
        cr_expect_str_eq(is->name, was->name);
        cr_expect_eq(is->kind, was->kind);
        cr_expect_eq(is->event_types, was->event_types, "%s", is->name);
        cr_expect_eq(is->others_are_negative, was->others_are_negative);
        cr_expect_eq(is->label_delay_ms, was->label_delay_ms);
        cr_expect_eq(is->loss_weight, was->loss_weight);
        cr_expect_eq(is->hidden, was->hidden);
        cr_assert_eq(is->rules_count, was->rules_count);
        for (int i = 0; i < was->rules_count; i++) {
            expect_rule(&is->rules[i], &was->rules[i]);
        }
    }
}

Test(heads_file, understands_every_key)
{
    parse("table { numeric = {age, pay} ignore = {id} }\n"
          "head hint { positive = {\"* 41\"} show = no weight = 0.5 label_delay = 36h }\n"
          "head own { events = {login} positive_except = {\"login 05\"} others = negative "
          "loss = focal }\n"
          "head income { column = pay_class values = {\"50000+.\", high} }\n");
    cr_assert_eq(file.count, 3);
    cr_expect_str_eq(file.heads[2].name, "hint", "what is hidden goes last");
    cr_expect(file.heads[2].hidden && file.heads[2].loss_weight == 0.5f);
    cr_expect_eq(file.heads[2].label_delay_ms, 36 * INT64_C(3600000));
    cr_expect_str_eq(file.heads[0].name, "own");
    cr_expect_eq(file.heads[0].event_types, HEC_ON(LOGIN));
    cr_expect(file.heads[0].others_are_negative && !file.heads[0].rules[0].listed_count);
    cr_expect(file.heads[0].loss == 1 + HEC_LOSS_FOCAL && file.heads[1].loss == 0);
    cr_expect_str_eq(file.column[1], "pay_class");
    cr_expect_eq(file.values_count[1], 2);
    cr_expect_str_eq(file.values[1][0], "50000+.");
    cr_expect(file.numeric_count == 2 && file.ignore_count == 1);
    cr_expect_str_eq(file.numeric[1], "pay");
}

Test(heads_file, knows_heads_of_numbers)
{
    parse("head loss { kind = regression positive_except = {\"* 05\"} show = no }\n"
          "head rent { kind = regression column = rent }\n");
    cr_assert_eq(file.count, 2);
    cr_expect(file.heads[0].kind == HEC_HEAD_REGRESSION && !file.heads[0].hidden);
    cr_expect(file.heads[1].kind == HEC_HEAD_REGRESSION && file.heads[1].hidden);
}

Test(heads_file, tells_each_mistake_with_its_line)
{
    refuse("", "there is no head");
    refuse("head a { positiv = \"* 05\" }", "did you mean \"positive\"");
    refuse("\nhead a { kind = ternary }",
           "heads:2: kind of head a must be binary, novelty or regression");
    refuse("head a { kind = binary }", "nothing makes it positive");
    refuse("head a { kind = novelty show = no }", "cannot be hidden");
    refuse("head a { events = {logn} positive = {\"* 05\"} }", "scored event types");
    refuse("head a { positive = {\"login 123456789\"} }", "up to 8 characters");
    refuse("head a { positive = {\"05\"} }", "EVENT CODE");
    refuse("head a { positive = {\"* 05\"} label_delay = 7 }", "such as 7d or 36h");
    refuse("head a { positive = {\"* 05\"} weight = -1 }", "0 .. 1000000");
    refuse("head a { positive = {\"* 05\"} loss = hinge }",
           "loss of head a must be bce, focal or weighted");
    refuse("head a { kind = novelty loss = focal }", "loss is of binary heads");
    refuse("head a { column = x }", "no values");
    refuse("head a { kind = regression positive = {\"* 04\"} }", "needs show = no");
    refuse("head a { kind = regression }", "nothing makes it positive");
    struct hec_error error = { 0 };
    cr_expect_eq(hec_heads_file_load("/no/such/heads.conf", &file, &error), HEC_NOT_FOUND);
}

Test(heads_file, has_help_for_every_key)
{
    for (const struct hec_heads_key *key = hec_heads_keys(); key->name != NULL; key++) {
        cr_expect_gt(strlen(key->help), 10u, "%s", key->name);
    }
}
