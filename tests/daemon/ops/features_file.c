/* features.conf: every mistake has its line and its sentence, and what is read can be printed and
 * read again. The oracle is the tests' own parser, which knows nothing of libConfuse. */
#include "ops/features_file.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema.h"
#include "support/source_root.h" /* written by meson */

static struct hec_schema *parse(const char *text)
{
    struct hec_schema *schema = calloc(1, sizeof(*schema));
    struct hec_error error = { 0 };
    cr_assert_eq(hec_features_text_parse(text, schema, &error), HEC_OK, "%s", error.text);
    return schema;
}

static char *print(const struct hec_schema *schema)
{
    size_t length = hec_schema_print(schema, NULL, 0);
    char *text = malloc(length + 1);
    cr_assert_eq(hec_schema_print(schema, text, length + 1), length);
    return text;
}

static void agree_on(const char *file)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", HEC_SOURCE_ROOT, file);
    struct hec_schema *ours = calloc(1, sizeof(*ours));
    struct hec_error error = { 0 };
    cr_assert_eq(hec_features_file_load(path, ours, &error), HEC_OK, "%s", error.text);
    struct hec_schema *theirs = schema_of_file(file);
    char *a = print(ours);
    char *b = print(theirs);
    cr_expect_str_eq(a, b);

    struct hec_schema *again = parse(a);
    char *c = print(again);
    cr_expect_str_eq(a, c, "print, parse, print");
    free(a);
    free(b);
    free(c);
    free(ours);
    free(theirs);
    free(again);
}

Test(features_file, agrees_with_a_plain_parser_on_the_shipped_files_and_round_trips)
{
    agree_on("conf/features.conf");
    agree_on("conf/features-handbook.conf");
}

Test(features_file, compiles_what_it_reads)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/conf/features.conf", HEC_SOURCE_ROOT);
    struct hec_schema *schema = calloc(1, sizeof(*schema));
    struct hec_error error = { 0 };
    struct hec_plan *plan;
    cr_assert_eq(hec_features_file_load(path, schema, &error), HEC_OK, "%s", error.text);
    cr_assert_eq(hec_plan_new(&plan, schema, &error), HEC_OK, "%s", error.text);
    cr_expect_geq(hec_plan_numerics(plan), 24);
    hec_plan_free(plan);
    free(schema);
}

Test(features_file, reads_every_kind_of_value)
{
    struct hec_schema *schema = parse(
        "currency = USD\nallowed_lateness_ms = 1\ndedup_window_s = 2\n"
        "rate EUR { per_unit = 1.25 }\n"
        "# the feature stands before its filter, and a filter without keys passes all scored\n"
        "feature a { aggregate = sum entity = card filter = f filter2 = g field = amount_minor\n"
        "    window = 90s delay = 3h missing = -1.5 heads = {ato, anomaly}\n"
        "    reason = \"AMT-001\" text = \"{observed} # of \\\"these\\\"\" }\n"
        "filter f { events = {login, transfer}\n"
        "    where = {\"result == success\", \"channel in app web\"} }\n"
        "filter g { }\n"
        "feature b { aggregate = category field = mcc }\n");
    cr_expect_str_eq(schema->currency, "USD");
    cr_expect_eq(schema->allowed_lateness_ms, 1);
    cr_expect_eq(schema->dedup_window_s, 2);
    cr_expect_eq(schema->rates_count, 1);
    cr_expect_str_eq(schema->rates[0].code, "EUR");
    cr_expect_eq(schema->rates[0].rate, 1.25);
    cr_assert_eq(schema->filters_count, 2);
    cr_expect_eq(schema->filters[0].event_types, HEC_ON(LOGIN) | HEC_ON(TRANSFER));
    cr_expect_eq(schema->filters[0].predicates_count, 2);
    cr_expect_eq(schema->filters[0].predicates[1].op, HEC_IN);
    cr_expect_eq(schema->filters[0].predicates[1].texts_count, 2);
    cr_expect_eq(schema->filters[1].event_types, (1u << HEC_SCORED_TYPES) - 1);
    cr_assert_eq(schema->features_count, 2);
    const struct hec_feature *a = &schema->features[0];
    cr_expect_eq(a->aggregate, HEC_AGG_SUM);
    cr_expect_eq(a->entity, HEC_CARD);
    cr_expect_eq(a->filter, 0);
    cr_expect_eq(a->filter2, 1);
    cr_expect_eq(a->field, HEC_F_AMOUNT_MINOR);
    cr_expect_eq(a->window_ms, 90000);
    cr_expect_eq(a->delay_ms, 3 * 3600000);
    cr_expect_eq(a->missing, -1.5);
    cr_expect_eq(a->heads, 6u);
    cr_expect_str_eq(a->reason_code, "AMT-001");
    cr_expect_str_eq(a->text, "{observed} # of \"these\"");
    cr_expect(isnan(schema->features[1].missing));
    cr_expect_eq(schema->features[1].heads, ~0u);
    free(schema);
}

Test(features_file, refuses_each_mistake_with_its_line_and_a_guess)
{
    static const struct {
        const char *text, *sentence;
    } CASES[] = {
        { "\n\ncurency = EUR\n",
          "features:3: unknown key \"curency\" in the file (did you mean \"currency\"?)" },
        { "currency = euro\n", "features:1: currency of the file must be three letters A-Z" },
        { "allowed_lateness_ms = -1\n", "features:1: allowed_lateness_ms of the file must be 0" },
        { "dedup_window_s = soon\n", "dedup_window_s of the file must be 0 .. 31622400" },
        { "currency = EUR\ncurrency = USD\n", "features:2: currency stands twice in the file" },
        { "rate EURO { per_unit = 1 }\n", "features:1: rate \"EURO\": a currency is three" },
        { "rate USD { per_unit = 0 }\n", "per_unit of rate USD must be a number above 0" },
        { "rate USD { per_unit = nan }\n", "per_unit of rate USD must be a number above 0" },
        { "rate USD { unit = 1 }\n", "unknown key \"unit\" in rate USD (did you mean \"per_unit" },
        { "# a\n# b\nfeture a { aggregate = value }\n",
          "features:3: unknown section \"feture\" (did you mean \"feature\"?)" },
        { "filter f { events = {card_auth} }\nfilter f { }\n",
          "features:2: section f stands twice" },
        { "filter f { events = {card_aut} }\n",
          "unknown event type \"card_aut\" in filter f (did you mean \"card_auth\"?)" },
        { "filter f { events = {label} }\n", "unknown event type \"label\" in filter f" },
        { "filter f {\n where = {\"amont_minor < 500\"} }\n", "features:2: where of filter f: " },
        { "filter f {\n where = {\"amont_minor < 500\"} }\n", "(did you mean \"amount_minor\"?)" },
        { "filter F { }\n", "features:1: filter \"F\": a name is a-z" },
        { "feature x { aggregate = cuont entity = user }\n",
          "unknown aggregate \"cuont\" in feature x (did you mean \"count\"?)" },
        { "feature x { aggregate = count entity = usr }\n",
          "unknown entity \"usr\" in feature x (did you mean \"user\"?)" },
        { "filter login_ok { }\nfeature x { aggregate = count entity = user\n filter = login_k }\n",
          "features:3: unknown filter \"login_k\" in feature x (did you mean \"login_ok\"?)" },
        { "feature x { aggregate = value field = weeknd }\n",
          "unknown field \"weeknd\" in feature x (did you mean \"weekend\"?)" },
        { "feature x { aggregate = value field = amount }\n", "(did you mean \"amount_minor\"?)" },
        { "feature x { aggregate = value window = 5 }\n",
          "window of feature x must be a duration such as 30s, 5m, 1h or 7d, not \"5\"" },
        { "feature x { aggregate = value missing = inf }\n",
          "missing of feature x must be a numb" },
        { "feature x { aggregate = value heads = {at} }\n",
          "unknown head \"at\" in feature x (did you mean \"ato\"?)" },
        { "feature x { aggregate = value agregate = value }\n", "unknown key \"agregate\"" },
        { "feature x { field = mcc }\n", "features:1: feature x has no aggregate" },
        { "feature x {\n}\n", "feature x has no aggregate" },
        { "feature x { aggregate = value aggregate = value }\n",
          "aggregate stands twice in feature x" },
        { "feature x { aggregate = value heads = {ato} heads = {anomaly} }\n",
          "heads stands twice in feature x" },
        { "feature x { aggregate = value reason = \"TOO-LONG-A-CODE-1\" }\n",
          "is longer than 15 bytes" },
        { "feature x { aggregate = value\n text = \"a \\b b\" }\n",
          "features:2: text of x holds a control character" },
        { "\nfeature x {\n aggregate = value\n", "features:2: the bracket that opens here is" },
        { "\nfeature x { aggregate = \"value }\n", "features:2: the quote that opens here is" },
        { "feature x { text = a b }\n", "" },
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct hec_schema *schema = calloc(1, sizeof(*schema));
        struct hec_error error = { 0 };
        cr_expect_eq(hec_features_text_parse(CASES[i].text, schema, &error), HEC_INVALID,
                     "case %zu", i);
        cr_expect_not_null(strstr(error.text, CASES[i].sentence), "case %zu: %s", i, error.text);
        cr_expect_gt(strlen(error.text), 8u, "case %zu", i);
        free(schema);
    }
    /* The scanner is in order again after the worst of them. */
    free(parse("feature x { aggregate = value field = mcc }\n"));
}

Test(features_file, refuses_more_than_there_is_room_for)
{
    static char text[1 << 16];
    size_t used = 0;
    for (int i = 0; i <= HEC_FILTERS_MAX; i++) {
        used += (size_t)snprintf(text + used, sizeof(text) - used, "filter f%d { }\n", i);
    }
    struct hec_schema *schema = calloc(1, sizeof(*schema));
    struct hec_error error = { 0 };
    cr_expect_eq(hec_features_text_parse(text, schema, &error), HEC_INVALID);
    cr_expect_not_null(strstr(error.text, "features:49: more than 48 filters"), "%s", error.text);
    used = 0;
    for (int i = 0; i <= HEC_FEATURES_MAX; i++) {
        used += (size_t)snprintf(text + used, sizeof(text) - used,
                                 "feature f%d { aggregate = value field = mcc }\n", i);
    }
    cr_expect_eq(hec_features_text_parse(text, schema, &error), HEC_INVALID);
    cr_expect_not_null(strstr(error.text, "features:193: more than 192 features"), "%s",
                       error.text);
    free(schema);
}

Test(features_file, tells_a_file_that_is_not_there_and_one_that_is_no_text)
{
    struct hec_schema *schema = calloc(1, sizeof(*schema));
    struct hec_error error = { 0 };
    cr_expect_eq(hec_features_file_load("/nowhere/features.conf", schema, &error), HEC_NOT_FOUND);
    cr_expect_not_null(strstr(error.text, "/nowhere/features.conf"), "%s", error.text);
    char path[] = "/tmp/hecate-features-XXXXXX";
    int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");
    fwrite("currency = EUR\n\0", 1, 16, file);
    fclose(file);
    cr_expect_eq(hec_features_file_load(path, schema, &error), HEC_INVALID);
    cr_expect_not_null(strstr(error.text, "NUL"), "%s", error.text);
    remove(path);
    free(schema);
}
