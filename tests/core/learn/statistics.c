/* Comparing: worked by hand, held against other programs' numbers, and against worlds made anew. */
#include "hecate/statistics.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "hecate/random.h"

Test(statistics, tells_the_mean_of_paired_differences)
{
    const double a[6] = { 1, 2, 3, 4, 5, NAN }, b[6] = { 2, 2, 5, 3, 9, 1 };
    struct hec_paired paired;
    cr_assert_eq(hec_paired_difference(&paired, a, b, 3, 2, 500, 0.95, 1), HEC_OK);
    cr_expect_eq(paired.pairs, 5);
    cr_expect_eq(paired.wins, 3);
    cr_expect_eq(paired.losses, 1);
    cr_expect_float_eq(paired.effect, 6.0 / 5, 1e-12);
    cr_expect(paired.low < paired.effect && paired.effect < paired.high);
}

Test(statistics, tells_no_difference_of_equals_and_of_a_single_pair)
{
    const double a[4] = { .5, .6, .7, .8 }, b[4] = { .6, .7, .8, .9 },
                 none[4] = { NAN, NAN, NAN, NAN };
    struct hec_paired paired;
    cr_assert_eq(hec_paired_difference(&paired, a, a, 4, 1, 200, 0.95, 1), HEC_OK);
    cr_expect(paired.effect == 0 && paired.low == 0 && paired.high == 0);
    cr_expect_not(hec_paired_differs(&paired));
    cr_assert_eq(hec_paired_difference(&paired, a, b, 1, 1, 200, 0.95, 1), HEC_OK);
    cr_expect_not(hec_paired_differs(&paired));
    cr_expect(isnan(paired.low));
    cr_assert_eq(hec_paired_difference(&paired, a, b, 4, 1, 200, 0.95, 1), HEC_OK);
    cr_expect(hec_paired_differs(&paired), "the same difference in every fold");
    cr_assert_eq(hec_paired_difference(&paired, a, none, 4, 1, 200, 0.95, 1), HEC_OK);
    cr_expect(isnan(paired.effect) && !hec_paired_differs(&paired));
}

/* Arms that do not differ: differences of folds and seeds around zero. Seldom may one be called
 * better; of arms that do differ by three deviations of a fold, most must be. */
Test(statistics, errs_seldom)
{
    enum { WORLDS = 400, FOLDS = 4, SEEDS = 5 };
    struct hec_random random = hec_random_at(21, 0);
    int wrong = 0, seen = 0;
    for (int w = 0; w < WORLDS; w++) {
        double a[FOLDS * SEEDS] = { 0 }, b[FOLDS * SEEDS], better[FOLDS * SEEDS];
        struct hec_paired paired;
        for (int f = 0; f < FOLDS; f++) {
            double of_fold = hec_random_normal(&random);
            for (int s = 0; s < SEEDS; s++) {
                b[f * SEEDS + s] = of_fold + hec_random_normal(&random);
                better[f * SEEDS + s] = b[f * SEEDS + s] + 3;
            }
        }
        cr_assert_eq(hec_paired_difference(&paired, a, b, FOLDS, SEEDS, 400, 0.95, 1), HEC_OK);
        wrong += hec_paired_differs(&paired);
        cr_assert_eq(hec_paired_difference(&paired, a, better, FOLDS, SEEDS, 400, 0.95, 1), HEC_OK);
        seen += hec_paired_differs(&paired);
    }
    cr_expect(wrong < 0.12 * WORLDS, "%d of %d", wrong, WORLDS);
    cr_expect(seen > 0.9 * WORLDS, "%d of %d", seen, WORLDS);
}

/* scipy.stats.spearmanr([1, 2, 2, 4, 5, 5, 7], [3, 1, 2, 2, 6, 7, 5]) = 0.6330541649476574 */
Test(statistics, ranks_as_scipy_does)
{
    const float x[] = { 1, 2, 2, 4, 5, 5, 7 }, y[] = { 3, 1, 2, 2, 6, 7, 5 };
    const float falling[] = { 9, 8, 7 }, flat[] = { 1, 1, 1 };
    cr_expect_float_eq(hec_spearman(x, y, 7), 0.6330541649476574, 1e-12, "%.17g",
                       hec_spearman(x, y, 7));
    cr_expect_float_eq(hec_spearman(x, falling, 2), -1, 1e-12);
    cr_expect(isnan(hec_spearman(falling, flat, 3)) && isnan(hec_spearman(x, y, 1)));
}

/* Both 3, first only 1, second only 2, neither 4: (12 - 2) / sqrt(4 6 5 5). */
Test(statistics, correlates_two_yes_or_no)
{
    cr_expect_float_eq(hec_phi(3, 1, 2, 4), 10 / sqrt(600), 1e-12);
    cr_expect_float_eq(hec_phi(5, 0, 0, 5), 1, 1e-12);
    cr_expect_float_eq(hec_phi(0, 5, 5, 0), -1, 1e-12);
    cr_expect(isnan(hec_phi(0, 0, 3, 3)));
}

Test(statistics, lists_no_dominated_point)
{
    const double values[] = { 1, 5, /**/ 2, 4, /**/ 2, 3, /**/ 3, 1, /**/ 1, 5, /**/ NAN, 9 };
    const bool expected[] = { true, true, false, true, true, false };
    bool front[6];
    hec_pareto_front(values, 6, 2, front);
    cr_expect_eq(memcmp(front, expected, sizeof(front)), 0);

    struct hec_random random = hec_random_at(8, 0);
    enum { N = 200 };
    double many[N * 3];
    bool many_front[N];
    int count = 0;
    for (int i = 0; i < N * 3; i++) {
        many[i] = (double)hec_random_below(&random, 12);
    }
    hec_pareto_front(many, N, 3, many_front);
    for (int i = 0; i < N; i++) {
        bool beaten = false;
        for (int j = 0; j < N; j++) {
            const double *p = many + 3 * j, *q = many + 3 * i;
            beaten |= p[0] >= q[0] && p[1] >= q[1] && p[2] >= q[2] &&
                      p[0] + p[1] + p[2] > q[0] + q[1] + q[2];
        }
        cr_expect_eq(many_front[i], !beaten);
        count += many_front[i];
    }
    cr_expect(count > 0 && count < N / 2);
}
