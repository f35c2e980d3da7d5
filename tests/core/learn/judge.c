/* Judging: the same figures as metric by metric, and intervals that a plain bootstrap confirms. */
#include "hecate/judge.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hecate/metrics.h"
#include "hecate/random.h"

enum { N = 600, USERS = 120 };
#define DAY_MS INT64_C(86400000)

static float score[N];
static uint8_t label[N];
static int64_t event_ms[N];
static uint64_t user[N];
static double amount[N];

/* Users have a few rows each, and the frauds of a user come together. */
static struct hec_judge_rows made_up(uint64_t seed)
{
    struct hec_random random = hec_random_at(seed, 0);
    for (int i = 0; i < N; i++) {
        user[i] = hec_random_below(&random, USERS) * UINT64_C(0x9e3779b97f4a7c15);
        label[i] = user[i] % 7 == 0 && hec_random_below(&random, 3) > 0;
        double logit = 2 * hec_random_normal(&random) - 2 + 2.5 * label[i];
        score[i] = (float)(1 / (1 + exp(-logit)));
        event_ms[i] = (int64_t)hec_random_below(&random, 10 * DAY_MS) + 100 * DAY_MS;
        amount[i] = (double)hec_random_below(&random, 10000);
    }
    return (struct hec_judge_rows){ .n = N,
                                    .score = score,
                                    .label = label,
                                    .event_ms = event_ms,
                                    .entity = user,
                                    .card = user,
                                    .amount = amount };
}

static void expect_same(double got, double expected, enum hec_metric metric)
{
    cr_expect(fabs(got - expected) < 1e-12, "%s: %.17g, alone %.17g", hec_metric_rows[metric].name,
              got, expected);
}

Test(judge, gives_the_figures_that_each_metric_gives_alone)
{
    struct hec_judge_rows rows = made_up(1);
    struct hec_judge_options options;
    struct hec_judgement told;
    hec_judge_defaults(&options);
    options.samples = 0;
    options.threshold = 0.3;
    options.card_k = 5;
    cr_assert_eq(hec_judge(&told, &rows, &options), HEC_OK);

    struct hec_metric_at at = hec_metric_at(score, label, N, 0.3);
    const double *v = told.value;
    expect_same(v[HEC_METRIC_AP], hec_metric_average_precision(score, label, N), HEC_METRIC_AP);
    expect_same(v[HEC_METRIC_AUC], hec_metric_roc_auc(score, label, N), HEC_METRIC_AUC);
    expect_same(v[HEC_METRIC_RECALL_001], hec_metric_recall_at_fpr(score, label, N, 0.001),
                HEC_METRIC_RECALL_001);
    expect_same(v[HEC_METRIC_RECALL_01], hec_metric_recall_at_fpr(score, label, N, 0.01),
                HEC_METRIC_RECALL_01);
    expect_same(v[HEC_METRIC_PRECISION], at.precision, HEC_METRIC_PRECISION);
    expect_same(v[HEC_METRIC_RECALL], at.recall, HEC_METRIC_RECALL);
    expect_same(v[HEC_METRIC_F1], at.f1, HEC_METRIC_F1);
    expect_same(v[HEC_METRIC_MCC], at.mcc, HEC_METRIC_MCC);
    expect_same(v[HEC_METRIC_LOG_LOSS], hec_metric_log_loss(score, label, N), HEC_METRIC_LOG_LOSS);
    expect_same(v[HEC_METRIC_BRIER], hec_metric_brier(score, label, N), HEC_METRIC_BRIER);
    expect_same(v[HEC_METRIC_ECE], hec_metric_ece(score, label, N, 15), HEC_METRIC_ECE);

    int32_t day[N];
    double alerts = 0, found = 0, all = 0;
    for (int i = 0; i < N; i++) {
        day[i] = (int32_t)(event_ms[i] / DAY_MS);
        alerts += (double)score[i] >= 0.3;
        all += label[i] ? amount[i] : 0;
        found += label[i] && (double)score[i] >= 0.3 ? amount[i] : 0;
    }
    expect_same(v[HEC_METRIC_CARD_PRECISION],
                hec_metric_card_precision(score, label, day, user, N, 5),
                HEC_METRIC_CARD_PRECISION);
    expect_same(v[HEC_METRIC_ALERTS], alerts / N * 1e4, HEC_METRIC_ALERTS);
    expect_same(v[HEC_METRIC_VALUE], found / all, HEC_METRIC_VALUE);
    cr_expect_eq(told.rows, N);
    cr_expect_eq(told.true_positives + told.false_negatives, told.positives);
    cr_expect_eq(told.true_positives, at.true_positives);
    cr_expect_eq(told.true_negatives, at.true_negatives);
    cr_expect_leq(told.entities, USERS);
    cr_expect(told.first_ms >= 100 * DAY_MS && told.last_ms < 110 * DAY_MS);
    cr_expect(isnan(told.low[HEC_METRIC_AP]), "no samples, no interval");
}

/* The oracle writes every sample down: draws users, copies their rows, measures, sorts. */
static void plain_interval(double *low, double *high, int samples)
{
    static float drawn_score[8 * N];
    static uint8_t drawn_label[8 * N];
    double *values = calloc((size_t)samples, sizeof(*values));
    struct hec_random random = hec_random_at(99, 0);
    for (int s = 0; s < samples; s++) {
        size_t n = 0;
        for (int u = 0; u < USERS; u++) {
            uint64_t one = hec_random_below(&random, USERS) * UINT64_C(0x9e3779b97f4a7c15);
            for (int i = 0; i < N; i++) {
                if (user[i] == one) {
                    drawn_score[n] = score[i];
                    drawn_label[n++] = label[i];
                }
            }
        }
        double value = hec_metric_average_precision(drawn_score, drawn_label, n);
        int at = s;
        for (; at > 0 && values[at - 1] > value; at--) {
            values[at] = values[at - 1];
        }
        values[at] = value;
    }
    *low = hec_quantile(values, (size_t)samples, 0.025);
    *high = hec_quantile(values, (size_t)samples, 0.975);
    free(values);
}

Test(judge, resamples_users_as_a_plain_bootstrap_does)
{
    struct hec_judge_rows rows = made_up(2);
    struct hec_judge_options options;
    struct hec_judgement by_user, by_row;
    double low, high;
    hec_judge_defaults(&options);
    options.samples = 2000;
    cr_assert_eq(hec_judge(&by_user, &rows, &options), HEC_OK);
    plain_interval(&low, &high, 2000);
    cr_expect_float_eq(by_user.low[HEC_METRIC_AP], low, 0.015);
    cr_expect_float_eq(by_user.high[HEC_METRIC_AP], high, 0.015);

    uint64_t alone[N];
    for (uint64_t i = 0; i < N; i++) {
        alone[i] = i;
    }
    rows.entity = alone;
    cr_assert_eq(hec_judge(&by_row, &rows, &options), HEC_OK);
    double wide = by_user.high[HEC_METRIC_RECALL] - by_user.low[HEC_METRIC_RECALL];
    cr_expect_eq(by_row.entities, N);
    cr_expect(by_row.value[HEC_METRIC_AP] == by_user.value[HEC_METRIC_AP]);
    cr_expect(wide != by_row.high[HEC_METRIC_RECALL] - by_row.low[HEC_METRIC_RECALL]);
    cr_expect(isnan(by_row.low[HEC_METRIC_ECE]) && isnan(by_row.low[HEC_METRIC_CARD_PRECISION]));
}

/* The 95 % interval of a recall is checked against worlds made anew: it should hold the true value
 * in about 95 of 100. */
Test(judge, gives_intervals_that_hold_the_truth_as_often_as_they_say)
{
    enum { WORLDS = 300 };
    double values[WORLDS], mean = 0;
    int held = 0;
    struct hec_judge_options options;
    struct hec_judgement told[WORLDS];
    hec_judge_defaults(&options);
    options.samples = 200;
    for (int w = 0; w < WORLDS; w++) {
        struct hec_judge_rows rows = made_up(1000 + (uint64_t)w);
        cr_assert_eq(hec_judge(&told[w], &rows, &options), HEC_OK);
        values[w] = told[w].value[HEC_METRIC_AUC];
        mean += values[w] / WORLDS;
    }
    for (int w = 0; w < WORLDS; w++) {
        held += told[w].low[HEC_METRIC_AUC] <= mean && mean <= told[w].high[HEC_METRIC_AUC];
    }
    cr_expect(held > WORLDS * 0.88 && held <= WORLDS * 0.99, "%d of %d", held, WORLDS);
}

Test(judge, is_repeatable_and_depends_on_its_seed)
{
    struct hec_judge_rows rows = made_up(3);
    struct hec_judge_options options;
    struct hec_judgement a, b, other;
    hec_judge_defaults(&options);
    options.samples = 50;
    cr_assert_eq(hec_judge(&a, &rows, &options), HEC_OK);
    cr_assert_eq(hec_judge(&b, &rows, &options), HEC_OK);
    options.seed = 2;
    cr_assert_eq(hec_judge(&other, &rows, &options), HEC_OK);
    cr_expect_eq(memcmp(a.low, b.low, sizeof(a.low)), 0);
    cr_expect(a.low[HEC_METRIC_AUC] != other.low[HEC_METRIC_AUC]);
}

Test(judge, says_nothing_where_nothing_can_be_said)
{
    struct hec_judge_rows rows = made_up(4);
    struct hec_judge_options options;
    struct hec_judgement told;
    hec_judge_defaults(&options);
    options.samples = 20;
    rows.n = 0;
    cr_assert_eq(hec_judge(&told, &rows, &options), HEC_OK);
    for (int m = 0; m < HEC_METRICS; m++) {
        cr_expect(isnan(told.value[m]) && isnan(told.low[m]), "%s", hec_metric_rows[m].name);
    }
    rows.n = N;
    memset(label, 0, sizeof(label));
    cr_assert_eq(hec_judge(&told, &rows, &options), HEC_OK);
    cr_expect(isnan(told.value[HEC_METRIC_AP]) && isnan(told.value[HEC_METRIC_AUC]) &&
              isnan(told.value[HEC_METRIC_RECALL]) && isnan(told.value[HEC_METRIC_VALUE]) &&
              isnan(told.value[HEC_METRIC_CARD_PRECISION]) && isnan(told.high[HEC_METRIC_AP]));
    cr_expect(!isnan(told.value[HEC_METRIC_LOG_LOSS]) && !isnan(told.value[HEC_METRIC_ALERTS]));
    options.probability = false;
    cr_assert_eq(hec_judge(&told, &rows, &options), HEC_OK);
    for (int m = 0; m < HEC_METRICS; m++) {
        cr_expect(!hec_metric_rows[m].probabilities_only || isnan(told.value[m]));
    }
}

/* Heads with 10 and 30 positives; a metric that one of them lacks is the other's alone. */
Test(judge, averages_heads_plainly_and_by_their_positives)
{
    struct hec_judgement heads[2] = { { .positives = 10 }, { .positives = 30 } };
    double macro[HEC_METRICS], weighted[HEC_METRICS];
    heads[0].value[HEC_METRIC_AP] = 0.4, heads[1].value[HEC_METRIC_AP] = 0.8;
    heads[0].value[HEC_METRIC_AUC] = NAN, heads[1].value[HEC_METRIC_AUC] = 0.9;
    heads[0].value[HEC_METRIC_F1] = heads[1].value[HEC_METRIC_F1] = NAN;
    hec_judge_means(heads, 2, macro, weighted);
    cr_expect_float_eq(macro[HEC_METRIC_AP], 0.6, 1e-12);
    cr_expect_float_eq(weighted[HEC_METRIC_AP], 0.7, 1e-12);
    cr_expect_eq(macro[HEC_METRIC_AUC], 0.9);
    cr_expect_float_eq(weighted[HEC_METRIC_AUC], 0.9, 1e-12);
    cr_expect(isnan(macro[HEC_METRIC_F1]) && isnan(weighted[HEC_METRIC_F1]));
}

Test(judge, knows_its_metrics_by_name_and_numpy_quantiles)
{
    const double sorted[] = { 1, 2, 4, 8 };
    cr_expect_eq(hec_metric_named("roc_auc"), HEC_METRIC_AUC);
    cr_expect_eq(hec_metric_named("accuracy"), HEC_METRICS);
    cr_expect_eq(hec_quantile(sorted, 4, 0), 1);
    cr_expect_eq(hec_quantile(sorted, 4, 1), 8);
    cr_expect_float_eq(hec_quantile(sorted, 4, 0.5), 3, 1e-12);
    cr_expect_float_eq(hec_quantile(sorted, 4, 0.9), 6.8, 1e-12);
    cr_expect(isnan(hec_quantile(sorted, 0, 0.5)));
}
