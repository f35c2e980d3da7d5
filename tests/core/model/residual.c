/* Residuals: what is usual counts little, what breaks with the others counts much, and no feature
 * counts for more than its share. */
#include "model/residual.h"

#include <criterion/criterion.h>
#include <math.h>

#include "hecate/random.h"

enum { N = 3, ROWS = 20000 };

/* Feature 0 errs by 2, feature 1 follows it within 0.1, feature 2 never errs. */
static void draw(double *d, struct hec_random *random)
{
    d[0] = 2 * hec_random_normal(random);
    d[1] = d[0] + 0.1 * hec_random_normal(random);
    d[2] = 0;
}

static void fit(struct hec_residual *residual, double shift)
{
    struct hec_random random = hec_random_at(5, 1);
    double sum[N] = { 0 }, squares[N * N] = { 0 }, d[N];
    cr_assert_eq(hec_residual_new(residual, N), HEC_OK);
    for (int row = 0; row < ROWS; row++) {
        draw(d, &random);
        for (int i = 0; i < N; i++) {
            sum[i] += d[i] + shift;
            for (int j = 0; j < N; j++) {
                squares[i * N + j] += (d[i] + shift) * (d[j] + shift);
            }
        }
    }
    cr_assert_eq(hec_residual_fit(residual, sum, squares, ROWS), HEC_OK);
}

static double judge(const struct hec_residual *residual, float a, float b, float c, float *each)
{
    const float y[N] = { a, b, c }, x[N + 1] = { 0 };
    float d[N];
    double sum = 0;
    hec_residual_of(d, y, x, N + 1, 1, N);
    hec_residual_judge(residual, each, d, 1);
    for (int j = 0; j < N; j++) {
        sum += (double)each[j];
    }
    return sum;
}

Test(residual, is_what_the_inverse_covariance_says)
{
    struct hec_residual residual;
    float each[N];
    fit(&residual, 0);
    /* By hand: C = [[4.01, 4], [4, 4.02]], so C^-1 (0.3, 0.1) over the root of its diagonal. */
    double det = 4.01 * 4.02 - 16, z0 = (4.02 * 0.3 - 4 * 0.1) / det / sqrt(4.02 / det);
    double z1 = (-4 * 0.3 + 4.01 * 0.1) / det / sqrt(4.01 / det);
    judge(&residual, 0.3f, 0.1f, 0.05f, each);
    cr_expect_float_eq((double)each[0], z0 * z0 / N, 0.1, "%f", (double)each[0]);
    cr_expect_float_eq((double)each[1], z1 * z1 / N, 0.1, "%f", (double)each[1]);
    cr_expect_float_eq((double)each[2], 0.25 / N, 0.01, "0.05 where the deviation is 0.1");
    hec_residual_free(&residual);
}

Test(residual, finds_features_strange_that_break_with_the_others)
{
    struct hec_residual residual;
    float each[N];
    fit(&residual, 0);
    double together = judge(&residual, 3, 3, 0, each), apart = judge(&residual, 1, -1, 0, each);
    cr_expect_lt(together, 1.0, "large errors that are usual: %f", together);
    cr_expect_gt(apart, 5.0, "small ones that never differ: %f", apart);
    hec_residual_free(&residual);
}

Test(residual, lets_one_wild_feature_count_for_its_share)
{
    struct hec_residual residual;
    float each[N];
    fit(&residual, 0);
    judge(&residual, 0, 0, 1e6f, each);
    cr_expect_float_eq((double)each[2], 9.0 / N, 1e-6);
    cr_expect_lt((double)(each[0] + each[1]), 0.1, "it does not make the others strange");
    double most = judge(&residual, -1e6f, 1e6f, 1e6f, each);
    cr_expect_float_eq(most, 9, 1e-5, "all of them together");
    hec_residual_free(&residual);
}

Test(residual, takes_the_usual_residual_off)
{
    struct hec_residual plain, shifted;
    float a[N], b[N];
    fit(&plain, 0);
    fit(&shifted, 0.5);
    judge(&plain, 0.3f, 0.2f, 0.01f, a);
    judge(&shifted, 0.8f, 0.7f, 0.51f, b);
    for (int j = 0; j < N; j++) {
        cr_expect_float_eq((double)a[j], (double)b[j], 1e-3, "feature %d", j);
    }
    hec_residual_free(&plain);
    hec_residual_free(&shifted);
}

Test(residual, stays_finite_where_nothing_varies)
{
    struct hec_residual residual;
    double sum[N] = { 0 }, squares[N * N] = { 0 };
    float each[N];
    cr_assert_eq(hec_residual_new(&residual, N), HEC_OK);
    cr_assert_eq(hec_residual_fit(&residual, sum, squares, 0), HEC_OK);
    double error = judge(&residual, 0.1f, 0, 0, each);
    cr_expect_float_eq(error, 1.0 / N, 1e-4, "a deviation of 0.1 is the least");
    hec_residual_free(&residual);
}
