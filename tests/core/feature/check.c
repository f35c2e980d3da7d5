/* Every rule of a schema, each broken once. */
#include "engine.h"

static void expect_invalid(const char *text, const char *sentence)
{
    struct hec_schema *schema = schema_of(text);
    struct hec_plan *plan = NULL;
    struct hec_error error = { 0 };
    cr_expect_eq(hec_plan_new(&plan, schema, &error), HEC_INVALID, "%s", text);
    cr_expect_not_null(strstr(error.text, sentence), "%s: %s", text, error.text);
    cr_expect_null(plan);
    hec_plan_free(plan);
    free(schema);
}

static const struct {
    const char *feature, *sentence;
} BROKEN[] = {
    { "aggregate = count entity = user", "needs a window" },
    { "aggregate = count entity = user window = 400d", "30s to 366d" },
    { "aggregate = count entity = user window = 31s", "whole number of tiles" },
    { "aggregate = count entity = user window = 90m", "whole number of tiles" },
    { "aggregate = count entity = user window = 7d delay = 1h", "whole number of the window" },
    { "aggregate = count entity = user window = 1d field = mcc", "takes no field" },
    { "aggregate = count entity = user window = 1d filter2 = p", "takes no filter2" },
    { "aggregate = count entity = bank window = 1d", "names no entity" },
    { "aggregate = median entity = user window = 1d", "names no aggregate" },
    { "aggregate = sum entity = user window = 1d", "needs a numeric field" },
    { "aggregate = mean entity = user window = 1d field = mcc", "needs a numeric field" },
    { "aggregate = zscore entity = user window = 1d field = hour", "needs a numeric field" },
    { "aggregate = distinct entity = user window = 1d field = amount_minor", "text field" },
    { "aggregate = distinct entity = user window = 7d delay = 7d field = mcc", "no delay" },
    { "aggregate = is_new entity = user field = mcc window = 1d", "takes no window" },
    { "aggregate = is_new entity = user", "needs a text field" },
    { "aggregate = share entity = user", "needs a text field, or hour" },
    { "aggregate = share entity = user field = amount_minor", "needs a text field, or hour" },
    { "aggregate = share entity = user field = weekend", "needs a text field, or hour" },
    { "aggregate = share entity = merchant field = mcc", "user and card only" },
    { "aggregate = share entity = user field = mcc window = 1d", "takes no window" },
    { "aggregate = met entity = user field = mcc", "needs a window" },
    { "aggregate = met entity = user field = mcc window = 1d delay = 1d", "takes no delay" },
    { "aggregate = since_same entity = ip field = mcc", "user and card only" },
    { "aggregate = since_same entity = card field = mcc window = 1d delay = 1d", "no delay" },
    { "aggregate = age entity = user window = 1d delay = 1d", "no delay" },
    { "aggregate = value field = place", "numeric field" },
    { "aggregate = value field = ip_net", "numeric field" },
    { "aggregate = ratio entity = user window = 1d", "needs a filter2" },
    { "aggregate = streak entity = user filter2 = p", "needs a filter" },
    { "aggregate = streak entity = merchant filter = p filter2 = p", "user and card only" },
    { "aggregate = distance entity = device", "user and card only" },
    { "aggregate = speed entity = ip", "user and card only" },
    { "aggregate = age entity = user window = 400d", "up to 366d" },
    { "aggregate = since entity = user delay = 1d", "takes no window" },
    { "aggregate = min entity = user window = 1d", "needs a numeric field" },
    { "aggregate = max entity = user field = amount_minor", "needs a window" },
    { "aggregate = portion entity = user filter = p window = 1d", "needs a filter2" },
    { "aggregate = portion entity = user filter2 = p window = 1d", "needs a filter" },
    { "aggregate = burst entity = user window = 1h", "needs a window2" },
    { "aggregate = burst entity = user window = 1h window2 = 1h", "needs a window2" },
    { "aggregate = burst entity = user window = 1h window2 = 25h", "needs a window2" },
    { "aggregate = count entity = user window = 1h window2 = 1d", "takes no window2" },
    { "aggregate = count entity = user window = 1h filter3 = p", "takes no filter3" },
    { "aggregate = value field = hour filter3 = p", "takes no filter3" },
    { "aggregate = count entity = user window = 1h prior_weight = 1", "takes no prior" },
    { "aggregate = label_rate entity = user window = 1h prior = 1.1 prior_weight = 1",
      "a prior of 0 to 1" },
    { "aggregate = label_rate entity = user window = 1h prior = 0.5 prior_weight = -1",
      "a prior of 0 to 1" },
    { "aggregate = chain entity = user filter = p filter2 = p window = 1d", "needs a filter3" },
    { "aggregate = chain entity = user filter = p filter3 = p window = 1d", "needs a filter2" },
    { "aggregate = chain entity = user filter = p filter2 = p filter3 = p", "needs a window" },
    { "aggregate = chain entity = user filter = p filter2 = p filter3 = p window = 1d field = "
      "amount_minor",
      "a text field or none" },
    { "aggregate = chain entity = ip filter = p filter2 = p filter3 = p window = 1d",
      "user and card only" },
    { "aggregate = surprise entity = ip field = mcc", "user and card only" },
    { "aggregate = times entity = user field = amount_minor", "needs a text field, or" },
    { "aggregate = since_first entity = user", "needs a text field, or" },
    { "aggregate = gap entity = user window = 1d", "takes no window" },
    { "aggregate = decayed_count entity = user", "needs a window of 1m" },
    { "aggregate = decayed_count entity = user window = 59s", "needs a window of 1m" },
    { "aggregate = decayed_count entity = user window = 1d delay = 1d", "takes no delay" },
    { "aggregate = decayed_count entity = ip window = 1d", "user and card only" },
    { "aggregate = decayed_mean entity = user window = 1d", "needs a numeric field" },
    { "aggregate = decayed_mean entity = payee window = 1d field = amount_minor",
      "user and card only" },
    { "aggregate = hour_surprise entity = device", "user and card only" },
    { "aggregate = week_surprise entity = user window = 7d", "takes no window" },
    { "aggregate = value", "needs a field, or a filter" },
    { "aggregate = value field = mcc", "a text is a category" },
    { "aggregate = value field = event_type", "a text is a category" },
    { "aggregate = value field = hour window = 1d", "takes no window" },
    { "aggregate = category field = amount_minor", "needs a text field" },
    { "aggregate = category field = hour", "needs a text field" },
};

Test(check, refuses_a_feature_that_breaks_a_rule_and_names_it)
{
    for (size_t i = 0; i < sizeof(BROKEN) / sizeof(*BROKEN); i++) {
        char text[512];
        char sentence[160];
        snprintf(text, sizeof(text), "filter p { events = {card_auth} }\nfeature f { %s }",
                 BROKEN[i].feature);
        expect_invalid(text, BROKEN[i].sentence);
        snprintf(sentence, sizeof(sentence), "feature f");
        expect_invalid(text, sentence);
    }
}

Test(check, refuses_a_name_that_is_none_or_stands_twice)
{
    expect_invalid("feature Amount { aggregate = value field = hour }", "a name is");
    expect_invalid("feature a-b { aggregate = value field = hour }", "a name is");
    expect_invalid("feature a { aggregate = value field = hour }\n"
                   "feature a { aggregate = value field = night }",
                   "stands twice");
    expect_invalid("filter p { events = {login} } filter p { events = {login} }\n"
                   "feature a { aggregate = value field = hour }",
                   "stands twice");
    expect_invalid("filter P { events = {login} }\nfeature a { aggregate = value field = hour }",
                   "a name is");
}

Test(check, refuses_a_filter_that_nothing_can_pass)
{
    expect_invalid("filter p { events = {label} }\nfeature a { aggregate = value field = hour }",
                   "events are");
    expect_invalid("filter p { events = {login} where = {\"mcc == 5411\"} }\n"
                   "feature a { aggregate = value field = hour }",
                   "none of its events carries mcc");
    expect_invalid("filter p { events = {login} where = {\"result == maybe\"} }\n"
                   "feature a { aggregate = value field = hour }",
                   "never maybe");
}

Test(check, refuses_a_schema_without_sense)
{
    expect_invalid("currency = EUR", "1 to");
    expect_invalid("currency = eur feature a { aggregate = value field = hour }", "three letters");
    expect_invalid("allowed_lateness_ms = -1 feature a { aggregate = value field = hour }",
                   "allowed_lateness_ms");
    expect_invalid("dedup_window_s = -1 feature a { aggregate = value field = hour }",
                   "dedup_window_s");
    expect_invalid("rate USD { per_unit = 0 } feature a { aggregate = value field = hour }",
                   "rate USD");
    expect_invalid("rate USD { per_unit = 1001 } feature a { aggregate = value field = hour }",
                   "rate USD");
    expect_invalid("rate EUR { per_unit = 1 } feature a { aggregate = value field = hour }",
                   "rate EUR");
    expect_invalid("rate USD { per_unit = 1 } rate USD { per_unit = 1 }\n"
                   "feature a { aggregate = value field = hour }",
                   "listed twice");
}

Test(check, refuses_a_filter_index_that_is_not_there)
{
    struct hec_schema *schema = schema_of("feature a { aggregate = value field = hour }");
    struct hec_plan *plan = NULL;
    struct hec_error error = { 0 };
    schema->features[0].filter = 0;
    cr_expect_eq(hec_plan_new(&plan, schema, &error), HEC_INVALID);
    cr_expect_not_null(strstr(error.text, "filter that is not there"));
    free(schema);
}

Test(check, accepts_the_files_that_ship)
{
    static const char *const FILES[] = { "conf/features.conf", "conf/features-handbook.conf",
                                         "tests/data/features-every.conf" };
    for (int i = 0; i < 3; i++) {
        hec_plan_free(plan_of_file(FILES[i]));
    }
    struct hec_plan *handbook = plan_of_file("conf/features-handbook.conf");
    cr_expect_eq(hec_plan_numerics(handbook), 15);
    hec_plan_free(handbook);
    struct hec_plan *plan = plan_of_file("conf/features.conf");
    cr_expect_geq(hec_plan_numerics(plan), 40);
    cr_expect_geq(hec_plan_categories(plan), 8);
    hec_plan_free(plan);
}

static bool says(const char *text, const char *word)
{
    return strstr(text, word) != NULL;
}

/* What must be given stands outside of brackets, so a word counts only with what is before it. */
static bool must(const char *text, const char *word)
{
    const char *at = strstr(text, word);
    return at != NULL && (at == text || at[-1] == ' ');
}

Test(check, tells_what_an_aggregate_takes_as_the_rules_have_it)
{
    struct hec_schema *schema = schema_of_file("tests/data/features-every.conf");
    bool seen[HEC_AGGREGATES] = { false };
    for (int i = 0; i < schema->features_count; i++) {
        const struct hec_feature *f = &schema->features[i];
        char takes[200];
        hec_aggregate_takes(f->aggregate, takes, sizeof(takes));
        seen[f->aggregate] = true;
        bool field = f->field != HEC_FIELDS || f->derived != HEC_NOT_DERIVED;
        cr_expect(!field || says(takes, "field"), "%s: %s", f->name, takes);
        cr_expect(f->filter < 0 || says(takes, "filter"), "%s: %s", f->name, takes);
        cr_expect(f->window_ms == 0 || says(takes, "window"), "%s: %s", f->name, takes);
        cr_expect(f->delay_ms == 0 || says(takes, "[delay]"), "%s: %s", f->name, takes);
        cr_expect(f->prior_weight == 0 || says(takes, "[prior"), "%s: %s", f->name, takes);
        cr_expect_eq(f->filter2 >= 0, must(takes, "filter2"), "%s: %s", f->name, takes);
        cr_expect_eq(f->filter3 >= 0, must(takes, "filter3"), "%s: %s", f->name, takes);
        cr_expect_eq(f->window2_ms != 0, must(takes, "window2"), "%s: %s", f->name, takes);
        cr_expect(f->window_ms != 0 || !must(takes, "window"), "%s: %s", f->name, takes);
    }
    for (int a = 0; a < HEC_AGGREGATES; a++) {
        cr_expect(seen[a], "tests/data/features-every.conf lacks %s",
                  hec_aggregate_name((enum hec_aggregate)a));
    }
    free(schema);
}

Test(check, tells_it_within_the_room_there_is)
{
    char takes[12];
    hec_aggregate_takes(HEC_AGG_BURST, takes, sizeof(takes));
    cr_expect_str_eq(takes, "[filter], w");
    char all[100];
    hec_aggregate_takes(HEC_AGG_BURST, all, sizeof(all));
    cr_expect_str_eq(all, "[filter], window, window2");
    hec_aggregate_takes(HEC_AGG_STREAK, all, sizeof(all));
    cr_expect_str_eq(all, "filter, filter2; user and card only");
}
