/* What a plan is known by: digests that change when the meaning does, columns in order. */
#include "engine.h"
#include "state/record.h"

Test(identity, compiles_to_other_digests_exactly_when_something_else_is_meant)
{
    static const char BASE[] = "filter p { events = {card_auth} }\n"
                               "feature a { aggregate = count entity = user filter = p window = 1d "
                               "reason = \"R-1\" text = \"t\" }\n"
                               "feature h { aggregate = share entity = user field = ip_net }\n"
                               "feature s { aggregate = since entity = user window = 2d }\n"
                               "feature v { aggregate = value field = hour }\n";
    static const struct {
        const char *from, *to;
        bool state_changes;
    } CHANGES[] = {
        { "text = \"t\"", "text = \"other\"", false },
        { "R-1", "R-2", false },
        { "field = ip_net", "field = place", true },
        { "window = 2d", "window = 3d", false },
        { "window = 1d ", "window = 1d missing = 3 ", false },
        { "window = 1d ", "window = 1d heads = {ato} ", false },
        { "= count entity = user filter = p window = 1d ",
          "= burst entity = user filter = p window = 1d window2 = 7d ", true },
        { "feature a", "feature b", false },
        { "field = hour", "field = night", false },
        { "window = 1d", "window = 7d", true },
        { "window = 1d", "window = 1d delay = 1d", true },
        { "entity = user", "entity = card", true },
        { "aggregate = count", "aggregate = label_count", true },
        { "{card_auth}", "{card_auth, login}", true },
        { "filter p", "dedup_window_s = 60 filter p", true },
        { "filter p", "allowed_lateness_ms = 1000 filter p", true },
        { "filter p", "currency = USD filter p", true },
        { "filter p", "rate USD { per_unit = 2 } filter p", true },
    };
    struct hec_plan *base = plan_of(BASE);
    for (size_t i = 0; i < sizeof(CHANGES) / sizeof(*CHANGES); i++) {
        char text[1024];
        const char *at = strstr(BASE, CHANGES[i].from);
        cr_assert_not_null(at);
        snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - BASE), BASE, CHANGES[i].to,
                 at + strlen(CHANGES[i].from));
        struct hec_plan *plan = plan_of(text);
        cr_expect_str_neq(hec_plan_digest(plan), hec_plan_digest(base), "%s", CHANGES[i].to);
        cr_expect_eq(hec_plan_state_digest(plan) != hec_plan_state_digest(base),
                     CHANGES[i].state_changes, "%s", CHANGES[i].to);
        hec_plan_free(plan);
    }
    struct hec_plan *again = plan_of(BASE);
    cr_expect_str_eq(hec_plan_digest(again), hec_plan_digest(base));
    hec_plan_free(again);
    hec_plan_free(base);
}

Test(identity, numbers_its_columns_in_the_order_of_the_schema)
{
    struct hec_plan *plan = plan_of("feature a { aggregate = value field = hour }\n"
                                    "feature b { aggregate = category field = mcc }\n"
                                    "feature c { aggregate = age entity = card }\n"
                                    "feature d { aggregate = value field = night }\n");
    cr_assert_eq(hec_plan_numerics(plan), 3);
    cr_assert_eq(hec_plan_categories(plan), 1);
    cr_expect_eq(hec_plan_numeric_feature(plan, 0), 0);
    cr_expect_eq(hec_plan_numeric_feature(plan, 1), 2);
    cr_expect_eq(hec_plan_numeric_feature(plan, 2), 3);
    cr_expect_eq(hec_plan_category_feature(plan, 0), 1);
    cr_expect_str_eq(hec_plan_schema(plan)->features[2].name, "c");
    cr_expect_eq(strlen(hec_plan_digest(plan)), 64u);
    hec_plan_free(plan);
}

Test(identity, keeps_its_state_when_only_a_prior_or_the_last_step_changes)
{
    static const char RATE[] = "filter p { events = {card_auth} }\nfilter q { events = {login} }\n"
                               "feature r { aggregate = label_rate entity = user window = 7d %s }\n"
                               "feature c { aggregate = chain entity = user filter = p filter2 = q "
                               "filter3 = %s window = %s }\n";
    static const struct {
        const char *prior, *last, *window;
        bool state_changes;
    } CASES[] = { { "prior = 0.1 prior_weight = 5", "p", "1d", false },
                  { "", "q", "1d", false },
                  { "", "p", "2d", true } };
    char text[512];
    snprintf(text, sizeof(text), RATE, "", "p", "1d");
    struct hec_plan *base = plan_of(text);
    for (size_t i = 0; i < sizeof(CASES) / sizeof(*CASES); i++) {
        snprintf(text, sizeof(text), RATE, CASES[i].prior, CASES[i].last, CASES[i].window);
        struct hec_plan *plan = plan_of(text);
        cr_expect_str_neq(hec_plan_digest(plan), hec_plan_digest(base), "case %zu", i);
        cr_expect_eq(hec_plan_state_digest(plan) != hec_plan_state_digest(base),
                     CASES[i].state_changes, "case %zu", i);
        hec_plan_free(plan);
    }
    hec_plan_free(base);
}

Test(identity, a_token_key_makes_another_state_and_the_same_features)
{
    struct hec_plan *plain = plan_of_file("conf/features.conf");
    struct hec_plan *one = plan_of_file("conf/features.conf");
    struct hec_plan *other = plan_of_file("conf/features.conf");
    hec_plan_set_token_key(one, "0123456789abcdef");
    hec_plan_set_token_key(other, "0123456789abcdee");
    cr_expect_neq(hec_plan_state_digest(plain), hec_plan_state_digest(one));
    cr_expect_neq(hec_plan_state_digest(other), hec_plan_state_digest(one));
    for (int kind = 0; kind < HEC_KINDS; kind++) {
        cr_expect_eq(hec_plan_layout(one, (enum hec_kind)kind)->state_digest,
                     hec_plan_state_digest(one));
    }
    cr_expect_str_eq(hec_plan_digest(plain), hec_plan_digest(one), "a model is of no key");
    hec_plan_free(plain);
    hec_plan_free(one);
    hec_plan_free(other);
}
