/* Metrics: scikit-learn's numbers, ties and one class included, and the book's card precision. */
#include "hecate/metrics.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../data/metrics_fixture.h"
#include "hecate/random.h"

enum { FIXTURES = sizeof(fixtures) / sizeof(fixtures[0]) };

static void expect_number(double got, double expected, double tolerance, const char *name,
                          const char *metric)
{
    bool same = isnan(expected) ? isnan(got) : fabs(got - expected) <= tolerance;
    cr_expect(same, "%s, %s: %.17g, scikit-learn %.17g", name, metric, got, expected);
}

Test(metrics, equals_scikit_learn)
{
    for (int i = 0; i < FIXTURES; i++) {
        const float *s = fixtures[i].score;
        const uint8_t *l = fixtures[i].label;
        size_t n = (size_t)fixtures[i].n;
        const char *name = fixtures[i].name;
        struct hec_metric_at at = hec_metric_at(s, l, n, 0.5);
        expect_number(hec_metric_average_precision(s, l, n), fixtures[i].average_precision, 1e-12,
                      name, "average precision");
        expect_number(hec_metric_roc_auc(s, l, n), fixtures[i].roc_auc, 1e-12, name, "ROC AUC");
        expect_number(hec_metric_recall_at_fpr(s, l, n, 0.001), fixtures[i].recall_at_001, 1e-12,
                      name, "recall at FPR .001");
        expect_number(hec_metric_recall_at_fpr(s, l, n, 0.01), fixtures[i].recall_at_1, 1e-12, name,
                      "recall at FPR .01");
        expect_number(hec_metric_recall_at_fpr(s, l, n, 0.1), fixtures[i].recall_at_10, 1e-12, name,
                      "recall at FPR .1");
        expect_number(at.precision, fixtures[i].precision, 1e-12, name, "precision");
        expect_number(at.recall, fixtures[i].recall, 1e-12, name, "recall");
        expect_number(at.f1, fixtures[i].f1, 1e-12, name, "F1");
        expect_number(at.mcc, fixtures[i].mcc, 1e-12, name, "MCC");
        expect_number(hec_metric_log_loss(s, l, n), fixtures[i].log_loss, 1e-6, name, "log-loss");
        expect_number(hec_metric_brier(s, l, n), fixtures[i].brier, 1e-12, name, "Brier");
        expect_number(hec_metric_ece(s, l, n, 15), fixtures[i].ece, 1e-12, name, "ECE");
    }
}

Test(metrics, does_not_depend_on_the_order_of_rows)
{
    struct hec_random random = hec_random_at(3, 0);
    for (int i = 0; i < FIXTURES; i++) {
        size_t n = (size_t)fixtures[i].n;
        uint32_t order[64];
        float score[64];
        uint8_t label[64];
        for (uint32_t j = 0; j < n; j++) {
            order[j] = j;
        }
        hec_random_shuffle(&random, order, n);
        for (size_t j = 0; j < n; j++) {
            score[j] = fixtures[i].score[order[j]];
            label[j] = fixtures[i].label[order[j]];
        }
        const char *name = fixtures[i].name;
        expect_number(hec_metric_average_precision(score, label, n), fixtures[i].average_precision,
                      1e-12, name, "average precision");
        expect_number(hec_metric_roc_auc(score, label, n), fixtures[i].roc_auc, 1e-12, name,
                      "ROC AUC");
        expect_number(hec_metric_ece(score, label, n, 15), fixtures[i].ece, 1e-6, name, "ECE");
    }
}

Test(metrics, says_nothing_where_nothing_can_be_said)
{
    const float score[3] = { 0.1f, 0.5f, 0.9f };
    const uint8_t none[3] = { 0, 0, 0 }, all[3] = { 1, 1, 1 };
    cr_expect(isnan(hec_metric_average_precision(score, none, 3)));
    cr_expect_float_eq(hec_metric_average_precision(score, all, 3), 1, 1e-12);
    cr_expect(isnan(hec_metric_roc_auc(score, none, 3)));
    cr_expect(isnan(hec_metric_roc_auc(score, all, 3)));
    cr_expect(isnan(hec_metric_recall_at_fpr(score, none, 3, 0.5)));
    cr_expect(isnan(hec_metric_recall_at_fpr(score, all, 3, 0.5)));
    cr_expect(isnan(hec_metric_log_loss(score, none, 0)));
    cr_expect(isnan(hec_metric_brier(score, none, 0)));
    cr_expect(isnan(hec_metric_ece(score, none, 0, 15)));
    cr_expect(isnan(hec_metric_card_precision(score, none, NULL, NULL, 0, 1)));

    struct hec_metric_at silent = hec_metric_at(score, none, 3, 2);
    cr_expect(isnan(silent.precision) && isnan(silent.recall) && isnan(silent.f1));
    cr_expect_eq(silent.true_negatives, 3u);
    cr_expect_eq(hec_metric_at(score, all, 3, 0.5).true_positives, 2u, "a score at the threshold");
}

/* Steps by hand: .9 positive, then two at .5 (one positive), then .1 negative. */
Test(metrics, gives_the_curve_step_by_step)
{
    const float score[] = { .5f, .1f, .9f, .5f };
    const uint8_t label[] = { 1, 0, 1, 0 };
    struct hec_metric_step steps[4];
    cr_assert_eq(hec_metric_steps(steps, score, label, 4), 3u);
    cr_expect(steps[0].threshold == .9f && steps[0].true_positives == 1 &&
              steps[0].false_positives == 0);
    cr_expect(steps[1].threshold == .5f && steps[1].true_positives == 2 &&
              steps[1].false_positives == 1);
    cr_expect(steps[2].threshold == .1f && steps[2].false_positives == 2);
    cr_expect_eq(hec_metric_steps(steps, score, label, 0), 0u);
}

/* Two bins of two: {.9, .5} and {.5, .1}; the two at .5 share their one positive. */
Test(metrics, shares_ties_between_the_bins_of_the_reliability_diagram)
{
    const float probability[] = { .5f, .1f, .9f, .5f };
    const uint8_t label[] = { 1, 0, 1, 0 };
    struct hec_metric_bin bins[2];
    cr_assert(hec_metric_reliability(bins, probability, label, 4, 2));
    cr_expect(bins[0].rows == 2 && bins[1].rows == 2);
    cr_expect_float_eq(bins[0].probability, 1.4, 1e-6);
    cr_expect_float_eq(bins[0].positives, 1.5, 1e-12);
    cr_expect_float_eq(bins[1].positives, 0.5, 1e-12);
    cr_expect_not(hec_metric_reliability(bins, probability, label, 0, 2));
}

Test(metrics, is_finite_for_certain_and_wrong_probabilities)
{
    const float probability[2] = { 0, 1 };
    const uint8_t wrong[2] = { 1, 0 };
    double loss = hec_metric_log_loss(probability, wrong, 2);
    cr_expect(isfinite(loss) && loss > 15 && loss < 17);
}

/* The plainest definition of the area: compare every positive with every negative. */
Test(metrics, agrees_with_counting_pairs)
{
    struct hec_random random = hec_random_at(5, 0);
    enum { N = 300 };
    float score[N];
    uint8_t label[N];
    for (int i = 0; i < N; i++) {
        label[i] = hec_random_below(&random, 5) == 0;
        score[i] = (float)hec_random_below(&random, 20) + label[i];
    }
    double won = 0, pairs = 0;
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            if (label[i] && !label[j]) {
                won += score[i] > score[j] ? 1 : score[i] == score[j] ? 0.5 : 0;
                pairs++;
            }
        }
    }
    cr_expect_float_eq(hec_metric_roc_auc(score, label, N), won / pairs, 1e-12);
}

/* Three days, two looked at a day, by hand:
 *  day 1: card 7 scores .9 (its other row .2 is the fraud), card 5 .8 (fraud), card 6 .7
 *         looked at 7 and 5, both found: 2/2
 *  day 2: 7 and 5 are gone; card 6 .6 (fraud) and card 8 .5: one found: 1/2
 *  day 4: 6 is gone; card 8 .4 (genuine), card 9 .3 (genuine), card 10 .2 (fraud): 0/2 */
Test(metrics, counts_cards_as_the_handbook_does)
{
    const float score[] = { .2f, .9f, .8f, .7f, .95f, .6f, .5f, .99f, .4f, .3f, .2f };
    const uint8_t label[] = { 1, 0, 1, 0, 1, 1, 0, 1, 0, 0, 1 };
    const int32_t day[] = { 1, 1, 1, 1, 2, 2, 2, 4, 4, 4, 4 };
    const uint64_t card[] = { 7, 7, 5, 6, 7, 6, 8, 6, 8, 9, 10 };
    cr_expect_float_eq(hec_metric_card_precision(score, label, day, card, 11, 2), 0.5, 1e-12);
    /* Three a day: 2/3, 1/3, and card 10 is reached: 1/3. */
    cr_expect_float_eq(hec_metric_card_precision(score, label, day, card, 11, 3), 4.0 / 9, 1e-12);
}

Test(metrics, gives_the_smaller_card_the_place_when_scores_are_equal)
{
    const float score[] = { .5f, .5f };
    const uint8_t label[] = { 1, 0 };
    const int32_t day[] = { 1, 1 };
    const uint64_t first[] = { 1, 2 }, second[] = { 2, 1 };
    cr_expect_eq(hec_metric_card_precision(score, label, day, first, 2, 1), 1);
    cr_expect_eq(hec_metric_card_precision(score, label, day, second, 2, 1), 0);
}
