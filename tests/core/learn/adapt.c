/* Adapting: a prior that moved is found again, probabilities that went wrong are put right, drift
 * is told where it is, and a recalibrated model means what it should. */
#include "hecate/adapt.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "hecate/metrics.h"
#include "hecate/random.h"
#include "planted.h"

enum { ROWS = 40000 };
static float score[ROWS], scratch[ROWS];
static uint8_t label[ROWS];

#define APART 3.0

/* Two normal classes: their true posterior at a prior is known. */
static void draw(double share, double prior, uint64_t seed)
{
    struct hec_random random = hec_random_at(seed, 1);
    for (int i = 0; i < ROWS; i++) {
        label[i] = hec_random_uniform(&random) < share;
        double x = hec_random_normal(&random) + (label[i] ? APART : 0);
        double logit = APART * x - APART * APART / 2 + log(prior / (1 - prior));
        score[i] = (float)(1 / (1 + exp(-logit)));
    }
}

Test(adapt, finds_a_prior_that_moved_within_a_tenth)
{
    static const double priors[] = { 0.01, 0.03, 0.1, 0.3 };
    for (int from = 0; from < 4; from++) {
        for (int to = 0; to < 4; to++) {
            draw(priors[to], priors[from], 10 + (uint64_t)(4 * from + to));
            double there = 0, found = hec_adapt_prior(score, ROWS, priors[from]);
            for (int i = 0; i < ROWS; i++) {
                there += label[i] / (double)ROWS;
            }
            cr_expect_float_eq(found, there, 0.1 * there, "%g to %g: %g", priors[from], there,
                               found);
        }
    }
    cr_expect(isnan(hec_adapt_prior(score, 0, 0.1)));
}

Test(adapt, halves_the_calibration_error_at_the_least)
{
    static float logit[ROWS];
    draw(0.1, 0.1, 3);
    for (int i = 0; i < ROWS; i++) { /* the world moved: what the model says is too sure and low */
        double z = log((double)score[i] / (1 - (double)score[i]));
        logit[i] = (float)(1.8 * z - 1.5);
        score[i] = (float)(1 / (1 + exp(-(double)logit[i])));
    }
    double before = hec_metric_ece(score, label, ROWS, 15);
    struct hec_recalibration line = hec_adapt_fit(logit, label, ROWS / 2);
    for (int i = 0; i < ROWS; i++) {
        score[i] = (float)(1 / (1 + exp(-(line.slope * (double)logit[i] + line.offset))));
    }
    double after = hec_metric_ece(score + ROWS / 2, label + ROWS / 2, ROWS / 2, 15);
    cr_expect_lt(after, before / 2, "%g before, %g after", before, after);
    cr_expect_float_eq(line.slope, 1 / 1.8, 0.03);
    cr_expect_float_eq(line.offset, 1.5 / 1.8, 0.06);
    line = hec_adapt_fit(logit, label, 0);
    cr_expect(line.slope == 1 && line.offset == 0);
}

Test(adapt, tells_drift_where_there_is_some)
{
    static float a[ROWS], b[ROWS];
    struct hec_random random = hec_random_at(5, 5);
    for (int i = 0; i < ROWS; i++) {
        a[i] = (float)hec_random_normal(&random);
        b[i] = (float)hec_random_normal(&random);
    }
    cr_expect_lt(hec_adapt_psi(a, ROWS, b, ROWS, scratch), 0.01);
    for (int i = 0; i < ROWS; i++) {
        b[i] += 1;
    }
    cr_expect_gt(hec_adapt_psi(a, ROWS, b, ROWS, scratch), 0.5);
    for (int i = 0; i < ROWS; i++) {
        b[i] = i % 2 ? NAN : a[i];
    }
    cr_expect_gt(hec_adapt_psi(a, ROWS, b, ROWS, scratch), 0.25, "half is missing");
    cr_expect(isnan(hec_adapt_psi(a, 0, b, ROWS, scratch)));
}

Test(adapt, writes_a_model_whose_logits_lie_on_the_line)
{
    struct planted planted;
    struct hec_model *other = NULL;
    struct hec_predictor *one, *two;
    const struct hec_recalibration each[HEC_DEFAULT_HEADS] = { { 0.7, 0.4 },
                                                               { 1, -0.5 },
                                                               { 9, 9 } };
    void *bytes;
    size_t size;
    planted_make(&planted, 3000, 91);
    struct hec_model *model = planted_model(&planted, 3, NULL, NULL);
    cr_assert_eq(hec_model_recalibrate(&bytes, &size, model, each), HEC_OK);
    cr_assert_eq(hec_model_load(&other, bytes, size, NULL, NULL), HEC_OK);
    cr_assert_eq(hec_predictor_new(&one, model, 1), HEC_OK);
    cr_assert_eq(hec_predictor_new(&two, other, 1), HEC_OK);
    for (uint32_t row = 0; row < 500; row++) {
        const float *x = planted.numerics + row * PLANTED_NUMERICS;
        const uint32_t *c = planted.categories + row * PLANTED_CATEGORIES;
        float before[HEC_HEADS_MAX], after[HEC_HEADS_MAX];
        hec_predictor_run(one, x, c, NULL, 1, before, HEC_HEADS_MAX);
        hec_predictor_run(two, x, c, NULL, 1, after, HEC_HEADS_MAX);
        for (int k = 0; k < 2; k++) {
            double p = (double)before[k], z = each[k].slope * log(p / (1 - p)) + each[k].offset;
            cr_assert_float_eq(1 / (1 + exp(-z)), (double)after[k], 1e-4);
            float was = hec_model_info(model)->thresholds[k];
            float is = hec_model_info(other)->thresholds[k];
            bool close = fabsf(before[k] - was) < 1e-5f;
            cr_assert(close || (before[k] >= was) == (after[k] >= is), "row %u changes sides", row);
        }
        cr_assert_float_eq(before[2], after[2], 1e-6, "novelty stays");
    }
    hec_predictor_free(one);
    hec_predictor_free(two);
    hec_model_free(model);
    hec_model_free(other);
    free(bytes);
    planted_free(&planted);
}

/* What expectation and maximisation climbs: the likelihood of the scores under a share of fraud. */
static double likelihood(double share, double prior, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++) {
        double p = (double)score[i];
        sum += log(p * share / prior + (1 - p) * (1 - share) / (1 - prior));
    }
    return sum;
}

Test(adapt, climbs_to_the_top_of_the_likelihood)
{
    enum { FEW = 3000, STEPS = 400 };
    draw(0.08, 0.02, 21);
    double found = hec_adapt_prior(score, FEW, 0.02), best = 0, top = -INFINITY;
    for (int i = 1; i < STEPS; i++) { /* an oracle too plain to be wrong: try them all */
        double share = 0.25 * i / STEPS, value = likelihood(share, 0.02, FEW);
        best = value > top ? share : best;
        top = value > top ? value : top;
    }
    cr_expect_float_eq(found, best, 0.25 / STEPS);
    cr_expect_geq(likelihood(found, 0.02, FEW), top - 1e-6);
}

/* Scores that are all the prior say nothing and leave it where it was. All below or above it, no
 * share of fraud explains them but none or all; and a few that speak for fraud are enough to stop
 * on the way: of a fifth that are sure and four fifths that are sure of nothing, a fifth. */
Test(adapt, leaves_a_prior_that_scores_say_nothing_of_and_moves_it_for_those_that_speak)
{
    static const float same[] = { 0.05f, 0.04f, 0.06f };
    static const double is[] = { 0.05, 0, 1 };
    for (int which = 0; which < 3; which++) {
        for (int i = 0; i < 500; i++) {
            score[i] = same[which];
        }
        double found = hec_adapt_prior(score, 500, 0.05);
        cr_expect_float_eq(found, is[which], 1e-4, "all %g: %g", (double)same[which], found);
    }
    for (int i = 0; i < 500; i++) {
        score[i] = i % 5 == 0 ? 0.9999f : 0.0001f;
    }
    cr_expect_float_eq(hec_adapt_prior(score, 500, 0.05), 0.2, 0.001);
}

Test(adapt, fits_the_line_that_no_neighbour_beats)
{
    enum { FEW = 2000 };
    static float logit[FEW];
    draw(0.2, 0.05, 22);
    for (int i = 0; i < FEW; i++) {
        logit[i] = logf(score[i] / (1 - score[i]));
    }
    struct hec_recalibration line = hec_adapt_fit(logit, label, FEW);
    double own = 0;
    for (int which = 0; which < 5; which++) {
        static const double off[5][2] = {
            { 0, 0 }, { 0.01, 0 }, { -0.01, 0 }, { 0, 0.01 }, { 0, -0.01 }
        };
        double loss = 0;
        for (int i = 0; i < FEW; i++) {
            double z =
                (line.slope + off[which][0]) * (double)logit[i] + line.offset + off[which][1];
            loss += log1p(exp(label[i] ? -z : z));
        }
        own = which == 0 ? loss : own;
        cr_expect_geq(loss, own, "a step %d away is better", which);
    }
    cr_expect_float_eq(line.slope, 1, 0.2, "%g", line.slope);
    cr_expect_gt(line.offset, 1, "fraud is four times as common: %g", line.offset);
    label[0] = 1;
    line = hec_adapt_fit(logit, label, 1);
    cr_expect(line.slope == 1 && line.offset == 0, "one class tells nothing");
}

/* By hand: ten equal bins against all in the upper half. */
Test(adapt, computes_the_index_of_a_worked_example)
{
    float a[100], b[100], room[100];
    for (int i = 0; i < 100; i++) {
        a[i] = (float)i;
        b[i] = (float)(50 + i / 2);
    }
    double lost = (1e-4 - 0.1) * log(1e-4 / 0.1), doubled = (0.2 - 0.1) * log(2);
    cr_expect_float_eq(hec_adapt_psi(a, 100, b, 100, room), 5 * lost + 5 * doubled, 1e-6);
    cr_expect_float_eq(hec_adapt_psi(a, 100, a, 100, room), 0, 1e-9);
}
