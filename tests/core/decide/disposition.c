/* Dispositions: what each link of the chain may change, what it may not, and that the control group
 * tells the truth. */
#include "hecate/disposition.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

#include "hecate/random.h"
#include "sample.h"
#include "schema.h"

static struct sample sample;
static struct hec_ledger ledger;
static struct hec_judge_by by;
static struct hec_dispositions verdicts;
static float row[HEC_FEATURES_MAX];

static void setup(void)
{
    sample_make(&sample, HEC_CARD_AUTH, 0);
    ledger = (struct hec_ledger){ 0 };
    sample.policy.breaker_window_ms = 60000;
    by = (struct hec_judge_by){ .policy = &sample.policy,
                                .heads = hec_default_heads,
                                .partitions = 1 };
}

TestSuite(disposition, .init = setup);

static const struct hec_disposition *judge(float score)
{
    sample.scores[0] = score;
    hec_dispose(&verdicts, &by, &ledger, &sample.event, sample.scores, row);
    return &verdicts.heads[0];
}

static void with_rule(const char *when, enum hec_action action, const char *head)
{
    struct hec_rules *rules;
    struct hec_rule_unknown unknown;
    struct hec_error error;
    struct hec_plan *plan = plan_of_file("conf/features.conf");
    struct hec_rule_source source = { "r", when, "why", head, action };
    cr_assert_eq(hec_rules_new(&rules), HEC_OK);
    cr_assert_eq(hec_rules_add(rules, plan, &source, &unknown, &error), HEC_OK, "%s", error.text);
    hec_plan_free(plan);
    by.rules = rules;
}

static void with_entry(bool deny, enum hec_action action)
{
    struct hec_lists *lists;
    struct hec_list_entry entry = { HEC_CARD, deny, action, 0, "c_8f", "known" };
    cr_assert_eq(hec_lists_new(&lists, &entry, 1), HEC_OK);
    by.lists = lists;
}

Test(disposition, is_the_policys_where_nothing_else_speaks)
{
    const struct hec_disposition *verdict = judge(0.9f);
    cr_expect(verdict->decision.alert);
    cr_expect_str_eq(verdict->reason, "threshold");
    cr_expect_eq(verdict->decision.action, HEC_ACTION_REVIEW);
    cr_expect_eq(verdict->kept, HEC_KEPT_NOT);
    cr_expect_not(judge(0.1f)->decision.alert);
}

Test(disposition, is_raised_by_a_rule_and_never_lowered)
{
    with_rule("amount_minor > 1000", HEC_ACTION_HOLD, "");
    const struct hec_disposition *verdict = judge(0.1f);
    cr_expect(verdict->decision.alert);
    cr_expect_eq(verdict->decision.action, HEC_ACTION_HOLD);
    cr_expect_eq(verdict->decision.severity, HEC_SEVERITY_MEDIUM);
    cr_expect_str_eq(verdict->reason, "rule");
    cr_expect_eq(verdicts.rules, 1);
    sample.policy.heads[0].block_at = 0.8f;
    verdict = judge(0.9f);
    cr_expect_eq(verdict->decision.action, HEC_ACTION_BLOCK);
    cr_expect_str_eq(verdict->reason, "threshold");
    cr_expect_not(verdicts.heads[2].decision.alert && sample.scores[2] < 0.5f);
}

Test(disposition, raises_the_head_that_the_rule_names_and_only_evidence_raises_none)
{
    sample.scores[2] = 0.1f;
    with_rule("amount_minor > 1000", HEC_ACTION_REVIEW, "anomaly");
    judge(0.1f);
    cr_expect_not(verdicts.heads[0].decision.alert);
    cr_expect(verdicts.heads[2].decision.alert);
    with_rule("amount_minor > 1000", HEC_ACTION_ALLOW, "");
    judge(0.1f);
    cr_expect_eq(verdicts.rules, 1);
    cr_expect_not(verdicts.heads[0].decision.alert);
    cr_expect_not(verdicts.heads[2].decision.alert);
}

Test(disposition, leaves_heads_alone_that_are_off_or_only_watch)
{
    sample.policy.heads[0].mode = HEC_DECIDE_SHADOW;
    sample.scores[1] = NAN;
    sample.scores[2] = 0.1f;
    with_rule("amount_minor > 1000", HEC_ACTION_HOLD, "");
    judge(0.1f);
    cr_expect_not(verdicts.heads[0].decision.alert);
    cr_expect(verdicts.heads[2].decision.alert, "the first that is on");
    for (int head = 0; head < 3; head++) {
        sample.policy.heads[head].mode = HEC_DECIDE_OFF;
    }
    with_entry(true, HEC_ACTION_BLOCK);
    judge(0.9f);
    cr_expect_not(verdicts.heads[2].decision.alert);
}

Test(disposition, blocks_or_reviews_who_is_denied_whatever_the_score)
{
    with_entry(true, HEC_ACTION_BLOCK);
    sample.policy.control_share = 0.999; /* does not let him through */
    const struct hec_disposition *verdict = judge(0.01f);
    cr_expect_eq(verdict->decision.action, HEC_ACTION_BLOCK);
    cr_expect_eq(verdict->decision.severity, HEC_SEVERITY_CRITICAL);
    cr_expect_str_eq(verdict->reason, "list");
    cr_expect_not(verdict->control);
    cr_expect_str_eq(verdicts.listed->reason, "known");
    with_entry(true, HEC_ACTION_REVIEW);
    cr_expect_eq(judge(0.01f)->decision.action, HEC_ACTION_REVIEW);
}

Test(disposition, keeps_the_alerts_of_who_is_allowed_and_says_so)
{
    with_entry(false, HEC_ACTION_ALLOW);
    sample.policy.heads[0].block_at = 0.8f;
    const struct hec_disposition *verdict = judge(0.9f);
    cr_expect_not(verdict->decision.alert);
    cr_expect_eq(verdict->decision.action, HEC_ACTION_ALLOW);
    cr_expect_eq(verdict->kept, HEC_KEPT_LIST);
    cr_expect_eq(judge(0.1f)->kept, HEC_KEPT_NOT, "there was nothing to keep");
}

Test(disposition, turns_block_into_review_while_blocks_run_away)
{
    sample.policy.heads[0].block_at = 0.8f;
    sample.policy.breaker_share = 0.5;
    for (int i = 0; i < HEC_BREAKER_EVENTS_MIN - 1; i++) {
        cr_expect_eq(judge(0.9f)->decision.action, HEC_ACTION_BLOCK);
    }
    const struct hec_disposition *verdict = judge(0.9f);
    cr_expect_eq(verdict->decision.action, HEC_ACTION_REVIEW);
    cr_expect_str_eq(verdict->reason, "breaker");
    cr_expect(verdict->broken && ledger.open && verdict->decision.alert);
    for (int i = 0; i < 400; i++) {
        judge(0.1f);
    }
    cr_expect_eq(judge(0.9f)->decision.action, HEC_ACTION_BLOCK);
}

Test(disposition, lets_a_share_of_blocks_through_by_the_event_alone)
{
    sample.policy.heads[0].block_at = 0.8f;
    sample.policy.control_share = 0.1;
    sample.policy.control_key = 42;
    int through = 0;
    for (int i = 0; i < 5000; i++) {
        char id[32];
        snprintf(id, sizeof(id), "event-%d", i);
        sample.event.value[HEC_F_EVENT_ID].text = hec_text_of(id);
        bool control = judge(0.9f)->control;
        cr_expect_eq(judge(0.9f)->control, control, "the same event, the same group");
        cr_expect_eq(verdicts.heads[0].decision.action,
                     control ? HEC_ACTION_ALLOW : HEC_ACTION_BLOCK);
        cr_expect_eq(verdicts.heads[0].propensity, 0.1);
        cr_expect(verdicts.heads[0].decision.alert, "it is told either way");
        through += control;
    }
    cr_expect(through > 420 && through < 580, "%d of 5000", through);
    cr_expect_eq(judge(0.6f)->propensity, 0, "no would-be block");
}

Test(disposition, draws_another_group_under_another_key)
{
    struct hec_text id = hec_text_of("event-1");
    cr_expect_neq(hec_control_place(1, &id), hec_control_place(2, &id));
    cr_expect_eq(hec_control_place(1, &id), hec_control_place(1, &id));
}

Test(disposition, keeps_what_is_over_the_budget_but_never_a_hold_or_a_block)
{
    sample.policy.heads[0].budget_per_day = 2;
    sample.policy.heads[0].hold_at = 0.8f;
    for (int i = 0; i < 3; i++) {
        cr_expect(judge(0.9f)->decision.alert);
    }
    cr_expect_eq(verdicts.heads[0].budget_used, 3);
    cr_expect_eq(verdicts.heads[0].budget_limit, 2);
    cr_expect_eq(verdicts.heads[0].budget_day_ms, SAMPLE_MS / 86400000 * 86400000);
    const struct hec_disposition *verdict = judge(0.6f);
    cr_expect_not(verdict->decision.alert);
    cr_expect_eq(verdict->kept, HEC_KEPT_BUDGET);
    cr_expect_eq(verdict->decision.action, HEC_ACTION_ALLOW);
    cr_expect_eq(ledger.heads[0].refused, 1);
}

/* Neither a spent budget nor an open breaker lets go who is denied by name. */
Test(disposition, keeps_who_is_denied_through_breaker_and_budget)
{
    sample.policy.heads[0].budget_per_day = 1;
    sample.policy.breaker_share = 0.5;
    with_entry(true, HEC_ACTION_BLOCK);
    for (int i = 0; i < HEC_BREAKER_EVENTS_MIN + 10; i++) {
        judge(0.01f);
    }
    cr_expect(ledger.open);
    cr_expect_str_eq(verdicts.heads[0].reason, "breaker");
    cr_expect(verdicts.heads[0].decision.alert);
    cr_expect_eq(verdicts.heads[0].decision.action, HEC_ACTION_REVIEW);
    cr_expect_eq(verdicts.heads[0].kept, HEC_KEPT_NOT);
}

Test(disposition, judges_by_as_many_rules_as_there_may_be)
{
    struct hec_plan *plan = plan_of_file("conf/features.conf");
    struct hec_rules *rules;
    struct hec_rule_unknown unknown;
    struct hec_error error;
    cr_assert_eq(hec_rules_new(&rules), HEC_OK);
    for (int i = 0; i < HEC_RULES_MAX; i++) {
        char name[16];
        snprintf(name, sizeof(name), "r%d", i);
        enum hec_action action = i + 1 < HEC_RULES_MAX ? HEC_ACTION_ALLOW : HEC_ACTION_HOLD;
        struct hec_rule_source source = { name, "amount_minor >= 0", "", "", action };
        cr_assert_eq(hec_rules_add(rules, plan, &source, &unknown, &error), HEC_OK);
    }
    hec_plan_free(plan);
    by.rules = rules;
    cr_expect_eq(judge(0.1f)->decision.action, HEC_ACTION_HOLD);
    cr_expect_eq(verdicts.rules, UINT64_MAX);
    hec_rules_free(rules);
}

Test(disposition, is_the_same_again_from_the_same_ledger)
{
    sample.policy.heads[0].budget_per_day = 50;
    sample.policy.heads[0].block_at = 0.95f;
    sample.policy.breaker_share = 0.02;
    struct hec_random random = hec_random_at(4, 0);
    static struct hec_dispositions first[3000];
    static float scores[3000];
    struct hec_ledger kept = { 0 };
    for (int round = 0; round < 2; round++) {
        for (int i = round * 1500; i < 3000; i++) {
            if (round == 0 && i == 1500) {
                kept = ledger;
            }
            scores[i] = round == 0 ? (float)hec_random_uniform(&random) : scores[i];
            sample.event.value[HEC_F_EVENT_TIME_MS].integer = SAMPLE_MS + 9000 * i;
            sample.event.value[HEC_F_AMOUNT_MINOR].integer = 100 + i * 7919 % 100000;
            judge(scores[i]);
            if (round == 0) {
                first[i] = verdicts;
            }
            cr_assert_eq(verdicts.heads[0].decision.action, first[i].heads[0].decision.action);
            cr_assert_eq(verdicts.heads[0].decision.alert, first[i].heads[0].decision.alert);
            cr_assert_eq(verdicts.heads[0].budget_used, first[i].heads[0].budget_used);
        }
        char text[HEC_LEDGER_TEXT_MAX];
        cr_assert_gt(hec_ledger_print(text, &kept), 0);
        cr_assert(hec_ledger_parse(&ledger, text)); /* back to the middle, through its text */
    }
}

/* ---- What the control group says ------------------------------------------------------------- */

/* Blocks of a known precision; the share changes on the way. The interval is to hold the truth in
 * about 95 of 100 worlds. */
Test(disposition, estimates_the_precision_of_blocks_within_its_interval)
{
    enum { WORLDS = 300, BLOCKS = 8000 };
    const double truth = 0.7;
    int held = 0;
    for (uint64_t world = 0; world < WORLDS; world++) {
        struct hec_random random = hec_random_at(world, 7);
        struct hec_control_sum sum = { 0 };
        for (int i = 0; i < BLOCKS; i++) {
            char text[32];
            snprintf(text, sizeof(text), "e%d", i);
            struct hec_text id = hec_text_of(text);
            double share = i < BLOCKS / 2 ? 0.02 : 0.1;
            bool fraud = hec_random_uniform(&random) < truth;
            if (hec_control_place(world, &id) < share) {
                hec_control_add(&sum, share, fraud);
            }
        }
        double share, low, high;
        cr_assert(hec_control_estimate(&sum, &share, &low, &high));
        cr_assert(low <= share && share <= high && high - low < 0.3);
        held += low <= truth && truth <= high;
    }
    cr_expect(held >= 0.91 * WORLDS && held <= 0.99 * WORLDS, "%d of %d", held, WORLDS);
}

Test(disposition, estimates_nothing_from_nothing)
{
    struct hec_control_sum sum = { 0 };
    double share, low, high;
    cr_expect_not(hec_control_estimate(&sum, &share, &low, &high));
    hec_control_add(&sum, 0.5, true);
    cr_assert(hec_control_estimate(&sum, &share, &low, &high));
    cr_expect_eq(share, 1);
    cr_expect_lt(low, 0.5);
}

/* ---- Against a plain telling ----------------------------------------------------------------- */

/* One head that judges, everything at once; told as a person would, without a budget. */
struct plain {
    bool alert, control;
    enum hec_action action;
    enum hec_kept kept;
    const char *reason;
};

struct world {
    enum hec_action rule; /* of a rule that is met; allow: evidence */
    bool met, listed, deny, broken;
    enum hec_action denied;
    double place, share;
};

static struct plain tell(const struct world *world, float score)
{
    struct plain plain = { .action = HEC_ACTION_ALLOW, .reason = "threshold" };
    if (score >= 0.5f) {
        plain.alert = true;
        plain.action = score >= 0.9f   ? HEC_ACTION_BLOCK
                       : score >= 0.8f ? HEC_ACTION_HOLD
                                       : HEC_ACTION_REVIEW;
    }
    if (world->met && world->rule != HEC_ACTION_ALLOW &&
        (world->rule > plain.action || !plain.alert)) {
        plain.action = world->rule > plain.action ? world->rule : plain.action;
        plain.alert = true;
        plain.reason = "rule";
    }
    if (world->listed && world->deny) {
        plain.alert = true;
        plain.action = world->denied > plain.action ? world->denied : plain.action;
        plain.reason = "list";
    } else if (world->listed) {
        plain.kept = plain.alert ? HEC_KEPT_LIST : HEC_KEPT_NOT;
        plain.alert = false;
        plain.action = HEC_ACTION_ALLOW;
    }
    if (plain.action == HEC_ACTION_BLOCK && world->broken) {
        plain.action = HEC_ACTION_REVIEW;
        plain.reason = "breaker";
    }
    bool by_name = world->listed && world->deny;
    if (plain.action == HEC_ACTION_BLOCK && !by_name && world->place < world->share) {
        plain.control = true;
        plain.action = HEC_ACTION_ALLOW;
        plain.reason = "control";
    }
    return plain;
}

static struct world draw(struct hec_random *random)
{
    static const enum hec_action ACTIONS[] = { HEC_ACTION_ALLOW, HEC_ACTION_STEP_UP,
                                               HEC_ACTION_REVIEW, HEC_ACTION_HOLD,
                                               HEC_ACTION_BLOCK };
    return (struct world){
        .rule = ACTIONS[hec_random_below(random, 5)],
        .met = hec_random_below(random, 2) == 0,
        .listed = hec_random_below(random, 3) == 0,
        .deny = hec_random_below(random, 2) == 0,
        .broken = hec_random_below(random, 4) == 0,
        .denied = hec_random_below(random, 2) == 0 ? HEC_ACTION_BLOCK : HEC_ACTION_REVIEW,
        .share = hec_random_below(random, 2) == 0 ? 0.3 : 0,
    };
}

/* A breaker that is open, or as good as never opens. */
static struct hec_ledger ledger_of(bool broken)
{
    struct hec_ledger made = { .slot_ms = 6000, .slot = SAMPLE_MS / 6000, .open = broken };
    made.slot_events[made.slot % HEC_BREAKER_SLOTS] = 100000;
    made.slot_blocks[made.slot % HEC_BREAKER_SLOTS] = broken ? 90000 : 0;
    return made;
}

Test(disposition, is_what_a_plain_telling_says_whatever_comes_together)
{
    struct hec_random random = hec_random_at(21, 0);
    for (int n = 0; n < 1500; n++) {
        struct world world = draw(&random);
        char id[24];
        setup();
        snprintf(id, sizeof(id), "e%d", n);
        sample.event.value[HEC_F_EVENT_ID].text = hec_text_of(id);
        sample.policy.heads[0].hold_at = 0.8f;
        sample.policy.heads[0].block_at = 0.9f;
        sample.policy.heads[1].mode = sample.policy.heads[2].mode = HEC_DECIDE_OFF;
        sample.policy.breaker_share = 0.5;
        sample.policy.control_share = world.share;
        world.place = hec_control_place(0, &sample.event.value[HEC_F_EVENT_ID].text);
        with_rule(world.met ? "amount_minor > 0" : "amount_minor < 0", world.rule, "");
        if (world.listed) {
            with_entry(world.deny, world.denied);
        }
        ledger = ledger_of(world.broken);
        float score = (float)hec_random_uniform(&random);
        struct plain plain = tell(&world, score);
        const struct hec_disposition *verdict = judge(score);
        cr_assert_eq(verdict->decision.alert, plain.alert, "seed 21, event %d", n);
        cr_assert_eq(verdict->decision.action, plain.action, "seed 21, event %d", n);
        cr_assert_eq(verdict->control, plain.control, "seed 21, event %d", n);
        cr_assert_eq(verdict->kept, plain.kept, "seed 21, event %d", n);
        cr_assert(plain.kept != HEC_KEPT_NOT || strcmp(verdict->reason, plain.reason) == 0 ||
                      !plain.alert,
                  "seed 21, event %d: %s, not %s", n, verdict->reason, plain.reason);
        hec_rules_free((struct hec_rules *)(uintptr_t)by.rules);
        hec_lists_free((struct hec_lists *)(uintptr_t)by.lists);
    }
}

/* ---- Who is in the control group ------------------------------------------------------------- */

Test(disposition, spreads_event_ids_evenly_over_the_whole)
{
    enum { IDS = 50000, PARTS = 20 };
    int counts[PARTS] = { 0 };
    for (int i = 0; i < IDS; i++) {
        char text[32];
        snprintf(text, sizeof(text), "payment-%d", i);
        struct hec_text id = hec_text_of(text);
        double place = hec_control_place(99, &id);
        cr_assert(place >= 0 && place < 1);
        counts[(int)(place * PARTS)]++;
    }
    double chi2 = 0, expected = (double)IDS / PARTS;
    for (int i = 0; i < PARTS; i++) {
        chi2 += (counts[i] - expected) * (counts[i] - expected) / expected;
    }
    cr_expect_lt(chi2, 43.8, "19 degrees of freedom, one in a thousand: %f", chi2);
}

Test(disposition, draws_the_group_by_its_key_and_not_by_the_ids_alone)
{
    cr_expect_eq(hec_control_key("seven"), hec_control_key("seven"));
    cr_expect_neq(hec_control_key("seven"), hec_control_key("eight"));
    int both = 0;
    for (int i = 0; i < 10000; i++) {
        char text[32];
        snprintf(text, sizeof(text), "e%d", i);
        struct hec_text id = hec_text_of(text);
        both += hec_control_place(hec_control_key("seven"), &id) < 0.1 &&
                hec_control_place(hec_control_key("eight"), &id) < 0.1;
    }
    cr_expect(both > 50 && both < 160, "%d of 10000 are in both groups of a tenth", both);
}
