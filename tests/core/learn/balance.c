/* Balance: sequences worked by hand, and what each rule comes to. */
#include "learn/balance.h"

#include <criterion/criterion.h>
#include <math.h>

static const bool both[] = { true, true, true };

static struct hec_balance begin(enum hec_weighting way, int K)
{
    struct hec_balance balance;
    hec_balance_begin(&balance, way, K, (const uint64_t[]){ 30, 10, 20 },
                      (const double[]){ 2, 0.5, 1 }, both, 3);
    return balance;
}

static void expect(const struct hec_balance *balance, double a, double b)
{
    cr_expect_float_eq(balance->weight[0], a, 1e-12, "%.15g", balance->weight[0]);
    cr_expect_float_eq(balance->weight[1], b, 1e-12, "%.15g", balance->weight[1]);
}

Test(balance, follows_the_data_the_other_way_round_or_what_was_said)
{
    struct hec_balance balance = begin(HEC_WEIGHTING_EQUAL, 2);
    expect(&balance, 1, 1);
    balance = begin(HEC_WEIGHTING_DATA, 2);
    expect(&balance, 1.5, 0.5);
    balance = begin(HEC_WEIGHTING_INVERSE_DATA, 2);
    expect(&balance, 0.5, 1.5);
    balance = begin(HEC_WEIGHTING_FIXED, 2);
    expect(&balance, 2, 0.5);
}

Test(balance, leaves_a_head_that_cannot_learn_out_of_the_sum)
{
    struct hec_balance balance;
    const bool active[] = { true, false, true };
    hec_balance_begin(&balance, HEC_WEIGHTING_DATA, 3, (const uint64_t[]){ 30, 0, 10 },
                      (const double[]){ 1, 1, 1 }, active, 3);
    expect(&balance, 1.5, 1);
    cr_expect_float_eq(balance.weight[2], 0.5, 1e-12);
}

/* Losses 1, 0.5, 0.4 and 1, 0.9, 0.9: from the third epoch on the ratio of the last two counts. */
Test(balance, dwa_waits_two_epochs_and_then_follows_the_fall)
{
    const double nothing[] = { NAN, NAN };
    struct hec_balance balance = begin(HEC_WEIGHTING_DWA, 2);
    hec_balance_epoch(&balance, (const double[]){ 1, 1 }, nothing);
    expect(&balance, 1, 1);
    hec_balance_epoch(&balance, (const double[]){ 0.5, 0.9 }, nothing);
    double a = exp(0.5 / 2), b = exp(0.9 / 2);
    expect(&balance, 2 * a / (a + b), 2 * b / (a + b));
    hec_balance_epoch(&balance, (const double[]){ 0.4, 0.9 }, nothing);
    a = exp(0.8 / 2), b = exp(1.0 / 2);
    expect(&balance, 2 * a / (a + b), 2 * b / (a + b));
}

Test(balance, performance_gives_more_to_the_poorer_head)
{
    const double losses[] = { 1, 1 };
    struct hec_balance balance = begin(HEC_WEIGHTING_PERFORMANCE, 2);
    hec_balance_epoch(&balance, losses, (const double[]){ 0.9, 0.5 });
    double a = -0.1 * log(0.9), b = -0.5 * log(0.5);
    expect(&balance, 2 * a / (a + b), 2 * b / (a + b));
    hec_balance_epoch(&balance, losses, (const double[]){ 0.4, NAN }); /* NaN: the old one stays */
    double kappa = 0.7 * 0.4 + 0.3 * 0.9;
    a = -(1 - kappa) * log(kappa);
    expect(&balance, 2 * a / (a + b), 2 * b / (a + b));
    cr_expect_lt(balance.weight[0], balance.weight[1] * 1.2);
}

/* With constant losses the learned number settles at log L, so that the weight is 1/(2L). */
Test(balance, uncertainty_settles_at_the_log_of_the_loss)
{
    struct hec_balance balance = begin(HEC_WEIGHTING_UNCERTAINTY, 2);
    cr_expect(hec_balance_wants_losses(&balance) && !hec_balance_wants_both(&balance));
    for (int step = 0; step < 20000; step++) {
        hec_balance_step(&balance, (const double[]){ 0.2, step % 3 == 0 ? NAN : 3 }, 1e-2);
    }
    cr_expect_float_eq(balance.s[0], log(0.2), 1e-3);
    cr_expect_float_eq(balance.s[1], log(3), 1e-3);
    cr_expect_float_eq(balance.weight[0], 2.5, 1e-2);
}

Test(balance, famo_divides_by_the_loss_and_leans_to_what_fell_less)
{
    struct hec_balance balance = begin(HEC_WEIGHTING_FAMO, 2);
    const double before[] = { 0.4, 0.1 }, after[] = { 0.2, 0.099 };
    hec_balance_step(&balance, before, 1e-3);
    expect(&balance, 2 * 0.2, 2 * 0.8); /* 1/0.4 to 1/0.1 */
    hec_balance_moved(&balance, before, after);
    /* Adam's first step is one rate, whatever the gradient: down for what fell more. */
    cr_expect_float_eq(balance.s[0], -0.025, 1e-6);
    cr_expect_float_eq(balance.s[1], 0.025, 1e-6);
    hec_balance_step(&balance, before, 1e-3);
    double a = exp(-0.025) / 0.4, b = exp(0.025) / 0.1;
    cr_expect_float_eq(balance.weight[0], 2 * a / (a + b), 1e-6);
    hec_balance_step(&balance, (const double[]){ NAN, 0.1 }, 1e-3);
    cr_expect_eq(balance.weight[0], 0, "a head without a loss in this step has no part in it");
}

Test(balance, random_draws_anew_and_the_same_again)
{
    struct hec_balance one = begin(HEC_WEIGHTING_RANDOM, 3), two = begin(HEC_WEIGHTING_RANDOM, 3);
    double last = 0, sum[3] = { 0 };
    for (int step = 0; step < 4000; step++) {
        hec_balance_step(&one, NULL, 1e-3);
        hec_balance_step(&two, NULL, 1e-3);
        cr_assert_float_eq(one.weight[0] + one.weight[1] + one.weight[2], 3, 1e-9);
        cr_assert_eq(one.weight[1], two.weight[1]);
        cr_assert_neq(one.weight[0], last);
        last = one.weight[0];
        for (int k = 0; k < 3; k++) {
            sum[k] += one.weight[k] / 4000;
        }
    }
    for (int k = 0; k < 3; k++) {
        cr_expect_float_eq(sum[k], 1, 0.05, "no head is preferred: %g", sum[k]);
    }
}
