/* Policy: thresholds from both sides, the ladder of actions, what makes an alert severe. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "hecate/decide.h"
#include "hecate/random.h"

static struct hec_policy policy_of(float alert, float step_up, float hold, float block)
{
    return (struct hec_policy){
        .id = "default",
        .heads = { { HEC_DECIDE_ON, alert, step_up, hold, block } },
        .heads_count = 1,
        .reasons_max = 5,
    };
}

static enum hec_action action_at(const struct hec_policy *policy, float score)
{
    return hec_decide(policy, 0, score, -1).action;
}

Test(policy, alerts_at_its_threshold_and_not_below)
{
    struct hec_policy policy = policy_of(0.85f, HEC_NEVER, HEC_NEVER, HEC_NEVER);
    cr_expect(hec_decide(&policy, 0, 0.85f, -1).alert);
    cr_expect_not(hec_decide(&policy, 0, nextafterf(0.85f, 0), -1).alert);
    cr_expect_eq(action_at(&policy, 0.85f), HEC_ACTION_REVIEW);
    cr_expect_eq(action_at(&policy, 0.84f), HEC_ACTION_ALLOW);
    cr_expect_eq(action_at(&policy, 1.0f), HEC_ACTION_REVIEW);
}

Test(policy, keeps_a_threshold_given_as_a_score_in_step_with_the_score)
{
    for (int score = 1; score <= 999; score++) {
        struct hec_policy policy =
            policy_of(hec_threshold_of(score), HEC_NEVER, HEC_NEVER, HEC_NEVER);
        float p = (float)score / 1000.0f;
        for (int step = 0; step < 4; step++) {
            p = nextafterf(p, 0);
        }
        for (int step = 0; step < 9; step++, p = nextafterf(p, 1)) {
            cr_assert_eq(hec_decide(&policy, 0, p, -1).alert, hec_score_999(p) >= score, "%d, %a",
                         score, (double)p);
        }
        cr_expect_not(hec_decide(&policy, 0, (float)(score - 1) / 1000.0f, -1).alert);
    }
}

Test(policy, takes_the_action_of_the_highest_threshold_reached)
{
    struct hec_policy policy = policy_of(0.8f, 0.5f, 0.9f, 0.95f);
    cr_expect_eq(action_at(&policy, 0.49f), HEC_ACTION_ALLOW);
    cr_expect_eq(action_at(&policy, 0.5f), HEC_ACTION_STEP_UP);
    cr_expect_not(hec_decide(&policy, 0, 0.79f, -1).alert);
    cr_expect_eq(action_at(&policy, 0.8f), HEC_ACTION_REVIEW);
    cr_expect_eq(action_at(&policy, 0.9f), HEC_ACTION_HOLD);
    cr_expect_eq(action_at(&policy, 0.95f), HEC_ACTION_BLOCK);
    policy = policy_of(0.8f, 0.9f, HEC_NEVER, 0.95f); /* a step-up for the surer ones */
    cr_expect_eq(action_at(&policy, 0.85f), HEC_ACTION_REVIEW);
    cr_expect_eq(action_at(&policy, 0.9f), HEC_ACTION_STEP_UP);
    policy = policy_of(0.8f, 0.8f, 0.8f, 0.8f); /* of equal ones the more severe */
    cr_expect_eq(action_at(&policy, 0.8f), HEC_ACTION_BLOCK);
}

Test(policy, only_watches_in_shadow_and_is_silent_when_off)
{
    struct hec_policy policy = policy_of(0.8f, 0.1f, 0.9f, 0.9f);
    policy.heads[0].mode = HEC_DECIDE_SHADOW;
    struct hec_decision decision = hec_decide(&policy, 0, 0.99f, 1000);
    cr_expect(decision.shadow);
    cr_expect_not(decision.alert);
    cr_expect_eq(decision.action, HEC_ACTION_ALLOW);
    cr_expect_eq(decision.severity, HEC_SEVERITY_LOW);
    policy.heads[0].mode = HEC_DECIDE_OFF;
    decision = hec_decide(&policy, 0, 0.99f, 1000);
    cr_expect_not(decision.shadow || decision.alert);
    cr_expect_eq(decision.action, HEC_ACTION_ALLOW);
}

Test(policy, says_nothing_where_the_head_does_not_apply)
{
    struct hec_policy policy = policy_of(0.8f, 0.1f, 0.9f, 0.9f);
    struct hec_decision decision = hec_decide(&policy, 0, NAN, 1000);
    cr_expect_not(decision.alert || decision.shadow || decision.has_loss);
    cr_expect_eq(decision.action, HEC_ACTION_ALLOW);
}

Test(policy, expects_a_loss_only_of_an_amount)
{
    struct hec_policy policy = policy_of(0.8f, HEC_NEVER, HEC_NEVER, HEC_NEVER);
    cr_expect_not(hec_decide(&policy, 0, 0.9f, -1).has_loss);
    struct hec_decision decision = hec_decide(&policy, 0, 0.5f, 3); /* 1.5: to the even one */
    cr_expect(decision.has_loss);
    cr_expect_eq(decision.loss_minor, 2);
    cr_expect_eq(hec_decide(&policy, 0, 0.5f, 5).loss_minor, 2);
    cr_expect_eq(hec_decide(&policy, 0, 1.0f, 1000000000000).loss_minor, 1000000000000);
    cr_expect_eq(hec_decide(&policy, 0, 0.0f, 1000).loss_minor, 0);
    cr_expect(hec_decide(&policy, 0, 0.9f, 0).has_loss);
}

Test(policy, grades_alerts_by_score_by_loss_and_by_block)
{
    struct hec_policy policy = policy_of(0.5f, HEC_NEVER, HEC_NEVER, 0.9f);
    policy.critical_loss_minor = 1000;
    cr_expect_eq(hec_decide(&policy, 0, 0.4f, 0).severity, HEC_SEVERITY_LOW);
    cr_expect_eq(hec_decide(&policy, 0, 0.5f, 0).severity, HEC_SEVERITY_MEDIUM);
    cr_expect_eq(hec_decide(&policy, 0, 0.74f, 0).severity, HEC_SEVERITY_MEDIUM);
    cr_expect_eq(hec_decide(&policy, 0, 0.75f, 0).severity, HEC_SEVERITY_HIGH);
    cr_expect_eq(hec_decide(&policy, 0, 0.9f, 0).severity, HEC_SEVERITY_CRITICAL);
    cr_expect_eq(hec_decide(&policy, 0, 0.5f, 1998).severity, HEC_SEVERITY_MEDIUM);
    cr_expect_eq(hec_decide(&policy, 0, 0.5f, 2000).severity, HEC_SEVERITY_CRITICAL);
    cr_expect_eq(hec_decide(&policy, 0, 0.4f, 1000000).severity, HEC_SEVERITY_LOW);
    policy.critical_loss_minor = 0; /* no loss is critical then */
    cr_expect_eq(hec_decide(&policy, 0, 0.5f, 1000000).severity, HEC_SEVERITY_MEDIUM);
}

static void expect_invalid(struct hec_policy policy, const char *word)
{
    struct hec_error error = { 0 };
    cr_expect_eq(hec_policy_check(&policy, &error), HEC_INVALID, "%s", word);
    cr_expect_not_null(strstr(error.text, word), "no \"%s\" in: %s", word, error.text);
}

Test(policy, is_refused_when_it_makes_no_sense)
{
    struct hec_policy good = policy_of(0.8f, 0.5f, 0.9f, 0.95f);
    cr_expect_eq(hec_policy_check(&good, NULL), HEC_OK);
    good = policy_of(1.0f, HEC_NEVER, HEC_NEVER, HEC_NEVER);
    cr_expect_eq(hec_policy_check(&good, NULL), HEC_OK);
    good = policy_of(0.8f, 0.1f, 0.8f, 0.8f);
    cr_expect_eq(hec_policy_check(&good, NULL), HEC_OK);

    expect_invalid(policy_of(0, HEC_NEVER, HEC_NEVER, HEC_NEVER), "threshold");
    expect_invalid(policy_of(NAN, HEC_NEVER, HEC_NEVER, HEC_NEVER), "threshold");
    expect_invalid(policy_of(0.8f, -1, HEC_NEVER, HEC_NEVER), "threshold");
    expect_invalid(policy_of(0.8f, HEC_NEVER, 0.7f, HEC_NEVER), "without an alert");
    expect_invalid(policy_of(0.8f, HEC_NEVER, HEC_NEVER, 0.7f), "without an alert");
    expect_invalid(policy_of(0.8f, HEC_NEVER, 0.95f, 0.9f), "above block");

    struct hec_policy bad = good;
    bad.heads_count = 0;
    expect_invalid(bad, "0 heads");
    bad = good;
    bad.heads_count = HEC_HEADS_MAX + 1;
    expect_invalid(bad, "heads");
    bad = good;
    bad.id[0] = '\0';
    expect_invalid(bad, "id");
    bad = good;
    bad.reasons_max = HEC_REASONS_MAX + 1;
    expect_invalid(bad, "max_reasons");
    bad = good;
    bad.reason_share_min = 1.5f;
    expect_invalid(bad, "share");
    bad = good;
    bad.critical_loss_minor = -1;
    expect_invalid(bad, "critical_loss_minor");
    bad = good;
    bad.heads[0].mode = 9;
    expect_invalid(bad, "mode");
}

Test(policy, stands_by_default_at_the_thresholds_of_the_model)
{
    static const float THRESHOLDS[] = { 0.7f, 5.0f };
    struct hec_model_info model = { .heads_count = 2, .thresholds = THRESHOLDS };
    struct hec_policy policy;
    hec_policy_default(&policy, &model);
    cr_expect_eq(hec_policy_check(&policy, NULL), HEC_OK);
    cr_expect(hec_decide(&policy, 0, 0.7f, -1).alert);
    cr_expect_not(hec_decide(&policy, 1, 1.0f, -1).alert); /* above 1 is never */
    cr_expect_eq(hec_decide(&policy, 0, 1.0f, -1).action, HEC_ACTION_REVIEW);
}

Test(policy, names_actions_and_severities_as_alerts_do)
{
    cr_expect_str_eq(hec_action_name(HEC_ACTION_STEP_UP), "step_up");
    cr_expect_str_eq(hec_action_name(HEC_ACTION_BLOCK), "block");
    cr_expect_str_eq(hec_severity_name(HEC_SEVERITY_CRITICAL), "critical");
}

/* The oracle asks the steps one by one, from the most severe to the mildest. */
static enum hec_action plain_action(const struct hec_head_policy *head, float score)
{
    const float at[] = { head->block_at, head->hold_at, head->alert_at, head->step_up_at };
    const enum hec_action actions[] = { HEC_ACTION_BLOCK, HEC_ACTION_HOLD, HEC_ACTION_REVIEW,
                                        HEC_ACTION_STEP_UP };
    float highest = 0;
    for (int i = 0; i < 4; i++) {
        highest = score >= at[i] && at[i] > highest ? at[i] : highest;
    }
    for (int i = 0; i < 4; i++) {
        if (highest > 0 && at[i] == highest) {
            return actions[i];
        }
    }
    return HEC_ACTION_ALLOW;
}

static float tenth_or_never(struct hec_random *random)
{
    int tenths = 1 + (int)hec_random_below(random, 12);
    return tenths > 10 ? HEC_NEVER : (float)tenths / 10.0f;
}

Test(policy, agrees_with_asking_every_step_by_itself)
{
    struct hec_random random = hec_random_at(9, 0);
    int accepted = 0, met[HEC_ACTIONS] = { 0 };
    for (int n = 0; n < 100000; n++) {
        struct hec_policy policy = policy_of(tenth_or_never(&random), tenth_or_never(&random),
                                             tenth_or_never(&random), tenth_or_never(&random));
        if (hec_policy_check(&policy, NULL) != HEC_OK) {
            continue;
        }
        accepted++;
        float score = (float)hec_random_below(&random, 11) / 10.0f;
        struct hec_decision decision = hec_decide(&policy, 0, score, 1000);
        enum hec_action expected = plain_action(&policy.heads[0], score);
        cr_assert_eq(decision.action, expected, "seed 9, case %d", n);
        cr_assert_eq(decision.alert, score >= policy.heads[0].alert_at);
        /* What an accepted policy promises: nothing is held or blocked without an alert. */
        cr_assert(decision.alert || expected < HEC_ACTION_HOLD, "seed 9, case %d", n);
        cr_assert(decision.alert || decision.severity == HEC_SEVERITY_LOW);
        met[expected]++;
    }
    cr_expect_gt(accepted, 10000);
    for (int action = 0; action < HEC_ACTIONS; action++) {
        cr_expect_gt(met[action], 100, "%s", hec_action_name(action));
    }
}
