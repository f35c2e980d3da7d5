/* The bandit finds the best thresholds of a world whose truth is known, soon enough, and leaves
 * alone what the log cannot tell. */
#include "hecate/bandit.h"

#include <criterion/criterion.h>

#include "replayed.h"

enum { ROWS = 20000, ROUNDS = 200, LEVELS = 7, SEEDS = 5 };
static struct hec_logged rows[ROWS];
static struct hec_bandit_arm arms[HEC_BANDIT_ARMS_MAX];
static const float LEVEL[LEVELS] = { 0.3f, 0.4f, 0.5f, 0.6f, 0.7f, 0.8f, 0.9f };

/* The stated regret: what is proposed earns at most 1 % less than the best arm, and so do the plays
 * of the second half; those of the whole log, from knowing nothing, at most 3 %. */
Test(bandit, finds_the_best_thresholds_within_the_stated_regret)
{
    static int played[ROUNDS];
    int count = hec_bandit_arms(arms, LEVEL, LEVELS, true);
    double best = -INFINITY, in_use = replayed_worth(&REPLAYED_IN_USE);
    for (int a = 0; a < count; a++) {
        best = fmax(best, replayed_worth(&arms[a].policy));
    }
    cr_assert(best > 1.05 * in_use, "there is something to find: %g, %g", best, in_use);
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct hec_logged_head log = { rows, ROWS, REPLAYED_FLOOR, REPLAYED_EARNINGS };
        replayed_draw(rows, ROWS, REPLAYED_CONTROL, seed);
        count = hec_bandit_arms(arms, LEVEL, LEVELS, true);
        hec_bandit_replay(arms, count, &log, ROUNDS, seed, played);
        double regret = 0, late = 0;
        size_t plays = 0;
        for (int round = 0; round < ROUNDS; round++) {
            double lost = best - replayed_worth(&arms[played[round]].policy);
            regret += lost / ROUNDS;
            late += round >= ROUNDS / 2 ? lost / (ROUNDS / 2.0) : 0;
        }
        for (int a = 0; a < count; a++) {
            plays += arms[a].plays;
        }
        double found = replayed_worth(&arms[hec_bandit_best(arms, count)].policy);
        cr_log_info("best %.1f, in use %.1f, found %.1f, regret %.1f, late %.1f", best, in_use,
                    found, regret, late);
        cr_expect(plays == ROUNDS);
        cr_expect(best - found <= 0.01 * best, "%g of %g", found, best);
        cr_expect(late <= 0.01 * best, "%g of %g", late, best);
        cr_expect(regret <= 0.03 * best, "%g of %g", regret, best);
    }
}

Test(bandit, plays_the_same_again_and_otherwise_with_another_seed)
{
    static int first[ROUNDS], again[ROUNDS];
    struct hec_logged_head log = { rows, 400, REPLAYED_FLOOR, REPLAYED_EARNINGS };
    int differ[2] = { 0 };
    replayed_draw(rows, 400, REPLAYED_CONTROL, 1);
    for (uint64_t other = 0; other < 2; other++) {
        int count = hec_bandit_arms(arms, LEVEL, LEVELS, true);
        hec_bandit_replay(arms, count, &log, ROUNDS, 7, first);
        count = hec_bandit_arms(arms, LEVEL, LEVELS, true);
        hec_bandit_replay(arms, count, &log, ROUNDS, 7 + other, again);
        for (int round = 0; round < ROUNDS; round++) {
            differ[other] += first[round] != again[round];
        }
    }
    cr_expect(differ[0] == 0 && differ[1] > 0);
}

Test(bandit, leaves_alone_what_the_log_cannot_tell)
{
    struct hec_logged_head log = { rows, 400, 0.35f, REPLAYED_EARNINGS };
    replayed_draw(rows, 400, REPLAYED_CONTROL, 1);
    /* Nobody is let through: what is blocked must stay so, but more may be. */
    for (int i = 0; i < 400; i++) {
        if (rows[i].did == HEC_ACTION_BLOCK) {
            rows[i].propensity = 0;
            rows[i].truth = HEC_LOGGED_UNSEEN;
        }
    }
    int count = hec_bandit_arms(arms, LEVEL, LEVELS, true), supported = 0;
    hec_bandit_replay(arms, count, &log, 100, 1, NULL);
    for (int a = 0; a < count; a++) {
        const struct hec_head_policy *policy = &arms[a].policy;
        supported += arms[a].supported;
        cr_expect(arms[a].supported == (policy->block_at <= REPLAYED_BLOCK &&
                                        fminf(policy->alert_at, policy->step_up_at) >= 0.35f));
        cr_expect(arms[a].supported || arms[a].plays == 0);
    }
    cr_expect(supported > 0 && hec_bandit_best(arms, count) >= 0);
    log.floor = 1;
    count = hec_bandit_arms(arms, LEVEL, LEVELS, true);
    hec_bandit_replay(arms, count, &log, 100, 1, NULL);
    cr_expect(hec_bandit_best(arms, count) < 0, "nothing is proposed from nothing");
}

/* Every policy that makes sense is there once. */
Test(bandit, arms_are_the_policies_of_the_levels)
{
    int count = hec_bandit_arms(arms, LEVEL, LEVELS, true);
    cr_expect(count == LEVELS * (LEVELS + 1) * (LEVELS + 5) / 6, "%d", count);
    for (int a = 0; a < count; a++) {
        struct hec_policy alone = { .id = "x", .heads_count = 1, .heads[0] = arms[a].policy };
        cr_expect(hec_policy_check(&alone, NULL) == HEC_OK);
        for (int b = 0; b < a; b++) {
            cr_expect(arms[a].policy.alert_at != arms[b].policy.alert_at ||
                      arms[a].policy.step_up_at != arms[b].policy.step_up_at ||
                      arms[a].policy.block_at != arms[b].policy.block_at);
        }
    }
    cr_expect(hec_bandit_arms(arms, LEVEL, LEVELS, false) == LEVELS * (LEVELS + 3) / 2);
}
