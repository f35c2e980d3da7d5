/* Baselines: the coefficients that scikit-learn finds, the split that a hand finds, and refusals.
 */
#include "hecate/baseline.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "hecate/metrics.h"
#include "hecate/random.h"

static double logit(float p)
{
    return log((double)p / (1 - (double)p));
}

/* One column of three values: with enough weight the ridge vanishes, and what is fitted are the
 * shares themselves, because a straight line goes through two points. */
Test(baseline, logistic_finds_the_shares_of_two_groups)
{
    enum { N = 4000 };
    static float x[N], score[N];
    static uint8_t label[N];
    for (int i = 0; i < N; i++) {
        x[i] = i % 2 == 0 ? 0 : 10;
        label[i] = i % 2 == 0 ? i % 20 == 0 : i % 4 == 1;
    }
    struct hec_baseline_rows rows = { N, 1, x, label, NULL };
    cr_assert_eq(hec_baseline_logistic(&rows, &rows, score), HEC_OK);
    cr_expect_float_eq(score[0], 0.1f, 0.001f, "%g", (double)score[0]);
    cr_expect_float_eq(score[1], 0.5f, 0.001f, "%g", (double)score[1]);
}

/* The derivative of the penalised loss is 0 where it ended: told by moving along the one column. */
static double loss(const float *x, const uint8_t *label, const float *weight, int n, double w,
                   double b, double mean, double inverse)
{
    double sum = 0.5 * w * w;
    for (int i = 0; i < n; i++) {
        double z = w * (log1p((double)x[i]) - mean) * inverse + b;
        sum += (double)weight[i] * (log1p(exp(z)) - (label[i] ? z : 0));
    }
    return sum;
}

Test(baseline, logistic_ends_at_the_least_penalised_loss)
{
    enum { N = 300 };
    static float x[N], weight[N], score[N], where[3] = { 0, 1, 4 }, told[3];
    static uint8_t label[N];
    struct hec_random random = hec_random_at(3, 1);
    double total = 0, sum = 0, squares = 0;
    for (int i = 0; i < N; i++) {
        x[i] = (float)(5 * hec_random_uniform(&random));
        weight[i] = i % 3 == 0 ? 2 : 1;
        label[i] = hec_random_uniform(&random) < 0.1 + 0.15 * (double)x[i];
        double value = log1p((double)x[i]);
        total += (double)weight[i];
        sum += (double)weight[i] * value;
        squares += (double)weight[i] * value * value;
    }
    double mean = sum / total, inverse = 1 / sqrt(squares / total - mean * mean);
    struct hec_baseline_rows rows = { N, 1, x, label, weight }, test = { 3, 1, where, NULL, NULL };
    cr_assert_eq(hec_baseline_logistic(&rows, &test, told), HEC_OK);
    cr_assert_eq(hec_baseline_logistic(&rows, &rows, score), HEC_OK);
    /* The coefficients, read from two scores. */
    double a = mean * inverse, z0 = logit(told[0]), z1 = logit(told[2]);
    double w = (z1 - z0) / (log1p(4.0) * inverse), b = z0 + w * a;
    cr_expect_float_eq(logit(told[1]), w * (log1p(1.0) - mean) * inverse + b, 1e-4);
    double least = loss(x, label, weight, N, w, b, mean, inverse);
    for (int i = 0; i < 4; i++) {
        double dw = i < 2 ? 0.02 * (2 * i - 1) : 0, db = i < 2 ? 0 : 0.02 * (2 * (i - 2) - 1);
        cr_expect_gt(loss(x, label, weight, N, w + dw, b + db, mean, inverse), least, "way %d", i);
    }
    cr_expect_gt(hec_metric_roc_auc(score, label, N), 0.6);
}

Test(baseline, logistic_takes_missing_and_constant_columns_and_separable_classes)
{
    enum { N = 60 };
    static float x[3 * N], score[N];
    static uint8_t label[N];
    for (int i = 0; i < N; i++) {
        label[i] = i >= N / 2;
        x[3 * i] = label[i] ? 1000 : -1000;
        x[3 * i + 1] = 7;
        x[3 * i + 2] = i % 2 ? NAN : (float)i;
    }
    struct hec_baseline_rows rows = { N, 3, x, label, NULL };
    cr_assert_eq(hec_baseline_logistic(&rows, &rows, score), HEC_OK);
    for (int i = 0; i < N; i++) {
        cr_assert(isfinite(score[i]));
        cr_expect_eq(score[i] > 0.5f, label[i] == 1);
    }
}

/* Positive only between two values: one question cannot tell, two can. */
Test(baseline, tree_needs_as_many_questions_as_the_truth_has_edges)
{
    enum { N = 1000 };
    static float x[2 * N], score[N];
    static uint8_t label[N];
    for (int i = 0; i < N; i++) {
        x[2 * i] = (float)((i * 7) % 10);
        x[2 * i + 1] = (float)i;
        label[i] = x[2 * i] >= 4 && x[2 * i] <= 6;
    }
    struct hec_baseline_rows rows = { N, 2, x, label, NULL };
    cr_assert_eq(hec_baseline_tree(&rows, &rows, 1, 1, score), HEC_OK);
    cr_expect_lt(hec_metric_roc_auc(score, label, N), 0.95);
    cr_assert_eq(hec_baseline_tree(&rows, &rows, 2, 1, score), HEC_OK);
    cr_expect_float_eq(hec_metric_roc_auc(score, label, N), 1, 1e-12);
    for (int i = 0; i < N; i++) {
        cr_expect_eq(score[i] > 0.5f, label[i] == 1, "row %d", i);
    }
}

/* A rate that is 0 in 995 of 1000 rows has its quantiles at 0; its edge is found all the same. */
Test(baseline, tree_cuts_a_column_that_is_nearly_always_zero)
{
    enum { N = 2000 };
    static float x[N], score[N];
    static uint8_t label[N];
    for (int i = 0; i < N; i++) {
        x[i] = i % 200 == 0 ? 0.001f + (float)i / 1e6f : 0;
        label[i] = i % 400 == 0 && i > 0;
        x[i] += label[i] ? 1 : 0;
    }
    struct hec_baseline_rows rows = { N, 1, x, label, NULL };
    cr_assert_eq(hec_baseline_tree(&rows, &rows, 2, 1, score), HEC_OK);
    cr_expect_float_eq(hec_metric_average_precision(score, label, N), 1, 1e-12);
}

Test(baseline, tree_keeps_its_leaves_and_counts_weights)
{
    enum { N = 400 };
    static float x[N], weight[N], score[N];
    static uint8_t label[N];
    for (int i = 0; i < N; i++) {
        x[i] = (float)i;
        label[i] = i < 10;
        weight[i] = 1;
    }
    struct hec_baseline_rows rows = { N, 1, x, label, weight };
    cr_assert_eq(hec_baseline_tree(&rows, &rows, 4, 100, score), HEC_OK);
    int together = 0;
    for (int i = 0; i < N; i++) {
        together += score[i] == score[0];
    }
    cr_expect_geq(together, 100);
    cr_expect_float_eq(score[0], 10.5f / ((float)together + 1), 1e-6f);
    for (int i = 0; i < N; i++) {
        weight[i] = i < 10 ? 10 : 1;
    }
    cr_assert_eq(hec_baseline_tree(&rows, &rows, 4, 100, score), HEC_OK);
    cr_expect_gt(score[0], 0.9f, "ten rows that count as a hundred may be a leaf");
}

Test(baseline, tree_sends_what_is_missing_where_it_belongs)
{
    enum { N = 200 };
    static float x[N], score[N];
    static uint8_t label[N];
    for (int side = 0; side < 2; side++) {
        for (int i = 0; i < N; i++) {
            label[i] = i % 2 == side;
            x[i] = i % 4 < 2 && label[i] ? NAN : label[i] ? 9 : 1;
        }
        struct hec_baseline_rows rows = { N, 1, x, label, NULL };
        cr_assert_eq(hec_baseline_tree(&rows, &rows, 1, 1, score), HEC_OK);
        cr_expect_float_eq(hec_metric_roc_auc(score, label, N), 1, 1e-12, "side %d", side);
        for (int i = 0; i < N; i++) {
            x[i] = isnan(x[i]) ? NAN : 10 - x[i];
        }
        cr_assert_eq(hec_baseline_tree(&rows, &rows, 1, 1, score), HEC_OK);
        cr_expect_float_eq(hec_metric_roc_auc(score, label, N), 1, 1e-12, "side %d", side);
    }
}

Test(baseline, refuses_one_class)
{
    float x[4] = { 1, 2, 3, 4 }, score[4];
    uint8_t none[4] = { 0 }, all[4] = { 1, 1, 1, 1 };
    struct hec_baseline_rows rows = { 4, 1, x, none, NULL };
    cr_expect_eq(hec_baseline_logistic(&rows, &rows, score), HEC_INVALID);
    cr_expect_eq(hec_baseline_tree(&rows, &rows, 3, 1, score), HEC_INVALID);
    rows.label = all;
    cr_expect_eq(hec_baseline_logistic(&rows, &rows, score), HEC_INVALID);
    rows.n = 0;
    cr_expect_eq(hec_baseline_tree(&rows, &rows, 3, 1, score), HEC_INVALID);
}
