/* The walk down the scores: a weight of w is the row written down w times. */
#include "learn/curve.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "hecate/random.h"

enum { N = 200 };

static double sum_of(const struct hec_scored *rows, size_t n, const uint32_t *weight, int label)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += rows[i].label == label ? (weight == NULL ? 1 : weight[rows[i].entity]) : 0;
    }
    return sum;
}

static struct hec_curve measure(const float *score, const uint8_t *label, const uint32_t *entity,
                                size_t n, const uint32_t *weight)
{
    static const double fpr_max[2] = { 0.05, 0.2 };
    struct hec_curve curve;
    struct hec_scored *rows = hec_scored_sorted(score, label, entity, n);
    cr_assert_not_null(rows);
    hec_curve_measure(&curve, rows, n, weight, sum_of(rows, n, weight, 1),
                      sum_of(rows, n, weight, 0), fpr_max, 2);
    free(rows);
    return curve;
}

Test(curve, counts_a_row_as_often_as_its_weight_says)
{
    struct hec_random random = hec_random_at(11, 0);
    for (int round = 0; round < 20; round++) {
        float score[N], written_score[4 * N];
        uint8_t label[N], written_label[4 * N];
        uint32_t entity[N], weight[N];
        size_t written = 0;
        for (uint32_t i = 0; i < N; i++) {
            label[i] = hec_random_below(&random, 4) == 0;
            score[i] = (float)hec_random_below(&random, 30) / 30 + 0.1f * label[i];
            entity[i] = i;
            weight[i] = (uint32_t)hec_random_below(&random, 4);
            for (uint32_t w = 0; w < weight[i]; w++) {
                written_score[written] = score[i];
                written_label[written++] = label[i];
            }
        }
        struct hec_curve got = measure(score, label, entity, N, weight);
        struct hec_curve oracle = measure(written_score, written_label, NULL, written, NULL);
        cr_expect_float_eq(got.average_precision, oracle.average_precision, 1e-12);
        cr_expect_float_eq(got.roc_auc, oracle.roc_auc, 1e-12);
        cr_expect_float_eq(got.recall[0], oracle.recall[0], 1e-12);
        cr_expect_float_eq(got.recall[1], oracle.recall[1], 1e-12);
    }
}

Test(curve, says_nothing_of_a_sample_with_one_class)
{
    const float score[3] = { .9f, .5f, .1f };
    const uint8_t label[3] = { 1, 0, 0 };
    const uint32_t entity[3] = { 0, 1, 2 }, no_positive[3] = { 0, 1, 1 }, alone[3] = { 2, 0, 0 };
    struct hec_curve curve = measure(score, label, entity, 3, no_positive);
    cr_expect(isnan(curve.average_precision) && isnan(curve.roc_auc) && isnan(curve.recall[0]));
    curve = measure(score, label, entity, 3, alone);
    cr_expect_eq(curve.average_precision, 1);
    cr_expect(isnan(curve.roc_auc) && isnan(curve.recall[1]));
}

Test(curve, stops_at_the_last_threshold_within_the_false_positive_rate)
{
    /* Twenty negatives; the positive at .5 is reached after exactly one of them: 1/20 = .05. */
    float score[22];
    uint8_t label[22] = { 0 };
    for (int i = 0; i < 22; i++) {
        score[i] = 0.4f - 0.01f * (float)i;
    }
    score[0] = .9f, score[1] = .5f, score[2] = .45f, score[3] = .41f;
    label[1] = label[3] = 1;
    struct hec_curve curve = measure(score, label, NULL, 22, NULL);
    cr_expect_eq(curve.recall[0], 0.5);
    cr_expect_eq(curve.recall[1], 1.0);
}

Test(curve, has_nothing_to_walk_without_rows)
{
    cr_expect_null(hec_scored_sorted(NULL, NULL, NULL, 0));
}
