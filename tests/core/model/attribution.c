/* Attribution: complete, exact where the model is linear, and of one mind with integrated
 * gradients. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hecate/event.h"
#include "hecate/explain.h"
#include "hecate/random.h"
#include "model/model.h"
#include "planted.h"

enum { COLUMNS = PLANTED_NUMERICS + PLANTED_CATEGORIES };

static double sum_of(const float *contributions)
{
    double sum = 0;
    for (int i = 0; i < COLUMNS; i++) {
        sum += (double)contributions[i];
    }
    return sum;
}

Test(attribution, adds_up_to_the_difference_of_the_logits)
{
    struct planted planted;
    struct hec_predictor *predictor;
    planted_make(&planted, 6000, 1);
    struct hec_model *model = planted_model(&planted, 4, NULL, NULL);
    cr_assert_eq(hec_predictor_new(&predictor, model, 1), HEC_OK);
    for (uint32_t row = 0; row < 6000; row++) {
        const float *x = planted.numerics + row * PLANTED_NUMERICS;
        const uint32_t *c = planted.categories + row * PLANTED_CATEGORIES;
        float scores[HEC_HEADS_MAX], contributions[COLUMNS], logit, base;
        hec_predictor_run(predictor, x, c, NULL, 1, scores, HEC_HEADS_MAX);
        for (int head = 0; head < 2; head++) {
            hec_predictor_explain(predictor, x, c, head, contributions, &logit, &base);
            double apart = (double)logit - (double)base;
            cr_assert_float_eq(sum_of(contributions), apart, 1e-4 * fmax(1, fabs(apart)),
                               "row %u head %d", row, head);
            cr_assert_float_eq(1 / (1 + exp(-(double)logit)), (double)scores[head], 1e-5);
            cr_assert_eq(contributions[PLANTED_CONSTANT], 0);
        }
        hec_predictor_explain(predictor, x, c, 2, contributions, &logit, &base);
        cr_assert_float_eq(sum_of(contributions), (double)logit, 1e-4 * fmax(1, (double)logit));
        cr_assert_eq(base, 0);
        cr_assert_eq(contributions[PLANTED_NUMERICS], 0);
        cr_assert_float_eq(hec_tail_score(&model->tail, logit), scores[2], 1e-5);
    }
    hec_predictor_free(predictor);
    hec_model_free(model);
    planted_free(&planted);
}

Test(attribution, of_the_baseline_itself_is_nothing)
{
    struct planted planted;
    struct hec_predictor *predictor;
    planted_make(&planted, 2000, 2);
    struct hec_model *model = planted_model(&planted, 2, NULL, NULL);
    float contributions[COLUMNS], logit, base;
    cr_assert_eq(hec_predictor_new(&predictor, model, 1), HEC_OK);
    hec_predictor_explain(predictor, model->baseline, model->baseline_categories, 0, contributions,
                          &logit, &base);
    cr_expect_float_eq(logit, base, 1e-5);
    for (int i = 0; i < COLUMNS; i++) {
        cr_expect_float_eq(contributions[i], 0, 1e-5);
    }
    hec_predictor_free(predictor);
    hec_model_free(model);
    planted_free(&planted);
}

/* Positive weights and large biases keep every ReLU open, and the periodic part is silenced: what
 * is left is linear, and its contributions are known by hand from two forward passes. */
Test(attribution, is_exact_on_a_linear_model)
{
    struct planted planted;
    struct hec_predictor *predictor;
    planted_make(&planted, 2000, 3);
    struct hec_model *model = planted_model(&planted, 1, NULL, NULL);
    for (int t = HEC_T_PERIODIC_WEIGHT; t <= HEC_T_HEADS_1_BIAS; t++) {
        const struct hec_tensor_place *place = &model->layout.place[t];
        float *p = model->parameters + place->offset;
        struct hec_random random = hec_random_at(3, (uint64_t)t);
        for (size_t i = 0; i < (size_t)place->rows * (size_t)place->cols; i++) {
            double drawn = hec_random_normal(&random);
            drawn = t > HEC_T_TRUNK_0_BIAS ? 0.02 * fabs(drawn) : drawn;
            p[i] = place->is_matrix ? (float)drawn : 50.0f;
        }
    }
    for (int t = HEC_T_PERIODIC_WEIGHT; t <= HEC_T_PERIODIC_BIAS; t++) {
        const struct hec_tensor_place *place = &model->layout.place[t];
        memset(model->parameters + place->offset, 0,
               sizeof(float) * (size_t)place->rows * (size_t)place->cols);
    }
    double largest = 0;
    cr_assert_eq(hec_model_settle(model), HEC_OK);
    cr_assert_eq(hec_predictor_new(&predictor, model, 1), HEC_OK);

    for (uint32_t row = 0; row < 50; row++) {
        const float *x = planted.numerics + row * PLANTED_NUMERICS;
        const uint32_t *c = planted.categories + row * PLANTED_CATEGORIES;
        float contributions[COLUMNS];
        hec_predictor_explain(predictor, x, c, 1, contributions, NULL, NULL);
        for (int j = 0; j < COLUMNS; j++) { /* baseline but for one column */
            float one[PLANTED_NUMERICS], logit, base, unused[COLUMNS];
            uint32_t category[PLANTED_CATEGORIES];
            memcpy(one, model->baseline, sizeof(one));
            memcpy(category, model->baseline_categories, sizeof(category));
            if (j < PLANTED_NUMERICS) {
                one[j] = x[j];
            } else {
                category[j - PLANTED_NUMERICS] = c[j - PLANTED_NUMERICS];
            }
            hec_predictor_explain(predictor, one, category, 1, unused, &logit, &base);
            largest = fmax(largest, fabs((double)contributions[j]));
            cr_assert_float_eq(contributions[j], logit - base, 2e-3f, "row %u column %d: %g, %g",
                               row, j, (double)contributions[j], (double)(logit - base));
        }
    }
    cr_expect_gt(largest, 0.1, "the comparison is of something: %f", largest);
    hec_predictor_free(predictor);
    hec_model_free(model);
    planted_free(&planted);
}

Test(attribution, names_the_planted_cause)
{
    struct planted planted;
    struct hec_predictor *predictor;
    planted_make(&planted, 12000, 4);
    struct hec_model *model = planted_model(&planted, 12, NULL, NULL);
    int frauds = 0, named = 0;
    cr_assert_eq(hec_predictor_new(&predictor, model, 1), HEC_OK);
    for (uint32_t row = 9000; row < 12000; row++) {
        if (planted.fraud_kind[row] != 3) {
            continue;
        }
        float contributions[COLUMNS];
        hec_predictor_explain(predictor, planted.numerics + row * PLANTED_NUMERICS,
                              planted.categories + row * PLANTED_CATEGORIES, 1, contributions, NULL,
                              NULL);
        int top = 0;
        for (int i = 1; i < COLUMNS; i++) {
            top = contributions[i] > contributions[top] ? i : top;
        }
        named += top == PLANTED_FAILED || top == PLANTED_NUMERICS;
        frauds++;
    }
    cr_expect_gt(frauds, 30);
    cr_expect_gt(named, frauds * 95 / 100, "%d of %d", named, frauds);
    hec_predictor_free(predictor);
    hec_model_free(model);
    planted_free(&planted);
}

/* The network above its input as plain loops: the gradient of one head's logit with respect to the
 * input, which is where the explanation starts from. */
static void plain_gradient(const struct hec_model *model, int head, const double *input,
                           double *gradient)
{
    const struct hec_shape *s = &model->shape;
    const struct hec_tensor_place *place = model->layout.place;
    const float *p = model->parameters;
    int inputs = hec_shape_inputs(s);
    double a0[128], a1[64], d0[128] = { 0 }, d1[64] = { 0 };
    for (int o = 0; o < 128; o++) {
        a0[o] = (double)p[place[HEC_T_TRUNK_0_BIAS].offset + (size_t)o];
        for (int i = 0; i < inputs; i++) {
            a0[o] +=
                (double)p[place[HEC_T_TRUNK_0_WEIGHT].offset + (size_t)(o * inputs + i)] * input[i];
        }
    }
    for (int o = 0; o < 64; o++) {
        a1[o] = (double)p[place[HEC_T_TRUNK_1_BIAS].offset + (size_t)o];
        for (int i = 0; i < 128; i++) {
            a1[o] += (double)p[place[HEC_T_TRUNK_1_WEIGHT].offset + (size_t)(o * 128 + i)] *
                     fmax(a0[i], 0);
        }
    }
    for (int o = head * 32; o < head * 32 + 32; o++) {
        const float *w = p + place[HEC_T_HEADS_0_WEIGHT].offset + (size_t)o * 64;
        double t = (double)p[place[HEC_T_HEADS_0_BIAS].offset + (size_t)o];
        for (int i = 0; i < 64; i++) {
            t += (double)w[i] * fmax(a1[i], 0);
        }
        for (int i = 0; i < 64 && t > 0; i++) {
            d1[i] += (double)p[place[HEC_T_HEADS_1_WEIGHT].offset + (size_t)o] * (double)w[i];
        }
    }
    for (int o = 0; o < 64; o++) {
        for (int i = 0; i < 128 && a1[o] > 0; i++) {
            d0[i] += d1[o] * (double)p[place[HEC_T_TRUNK_1_WEIGHT].offset + (size_t)(o * 128 + i)];
        }
    }
    memset(gradient, 0, sizeof(*gradient) * (size_t)inputs);
    for (int o = 0; o < 128; o++) {
        for (int i = 0; i < inputs && a0[o] > 0; i++) {
            gradient[i] +=
                d0[o] * (double)p[place[HEC_T_TRUNK_0_WEIGHT].offset + (size_t)(o * inputs + i)];
        }
    }
}

/* Integrated gradients (Sundararajan, Taly, Yan, ICML 2017) along the straight path, by column. */
static void integrated(const struct hec_model *model, int head, const float *x, double *by_column)
{
    enum { POINTS = 64, INPUTS_MAX = 128 };
    const struct hec_shape *s = &model->shape;
    int inputs = hec_shape_inputs(s), first_periodic = s->numerics + s->indicators;
    double at[INPUTS_MAX], gradient[INPUTS_MAX];
    memset(by_column, 0, sizeof(double) * COLUMNS);
    cr_assert_leq(inputs, INPUTS_MAX);
    for (int point = 0; point < POINTS; point++) {
        for (int i = 0; i < inputs; i++) {
            double base = (double)model->base.input[i];
            at[i] = base + (point + 0.5) / POINTS * ((double)x[i] - base);
        }
        plain_gradient(model, head, at, gradient);
        for (int i = 0; i < inputs; i++) {
            int column = i;
            if (i >= s->numerics && i < first_periodic) {
                column = model->scaler.indicator_column[i - s->numerics];
            } else if (i >= first_periodic) {
                int beyond = i - first_periodic, periodic = s->periodic * s->numerics;
                column = beyond < periodic ? beyond % s->numerics
                                           : s->numerics + (beyond - periodic) / s->table_dims;
            }
            by_column[column] +=
                gradient[i] * ((double)x[i] - (double)model->base.input[i]) / POINTS;
        }
    }
}

static double rank_of(const double *values, int at)
{
    double rank = 0;
    for (int i = 0; i < COLUMNS; i++) {
        rank += values[i] < values[at] ? 1 : values[i] == values[at] ? 0.5 : 0;
    }
    return rank;
}

static double rank_correlation(const double *a, const double *b)
{
    double aa = 0, bb = 0, ab = 0, middle = COLUMNS / 2.0;
    for (int i = 0; i < COLUMNS; i++) {
        double x = rank_of(a, i) - middle, y = rank_of(b, i) - middle;
        aa += x * x;
        bb += y * y;
        ab += x * y;
    }
    return ab / sqrt(aa * bb);
}

Test(attribution, ranks_columns_as_integrated_gradients_do)
{
    struct planted planted;
    struct hec_predictor *predictor;
    planted_make(&planted, 6000, 5);
    struct hec_model *model = planted_model(&planted, 8, NULL, NULL);
    double sum = 0;
    enum { JUDGED = 200 };
    cr_assert_eq(hec_predictor_new(&predictor, model, 1), HEC_OK);
    for (uint32_t row = 0; row < JUDGED; row++) {
        const float *x = planted.numerics + row * PLANTED_NUMERICS;
        const uint32_t *c = planted.categories + row * PLANTED_CATEGORIES;
        float contributions[COLUMNS], logit, base;
        double rescale[COLUMNS], referee[COLUMNS], total = 0;
        hec_predictor_explain(predictor, x, c, 0, contributions, &logit, &base);
        integrated(model, 0, predictor->work.input, referee);
        for (int i = 0; i < COLUMNS; i++) {
            rescale[i] = (double)contributions[i];
            total += referee[i];
        }
        cr_assert_float_eq(total, (double)(logit - base), 0.05 * fmax(1, fabs(total)));
        sum += rank_correlation(rescale, referee) / JUDGED;
    }
    cr_expect_gt(sum, 0.8, "mean rank correlation %f", sum);
    hec_predictor_free(predictor);
    hec_model_free(model);
    planted_free(&planted);
}

/* The product's integrated gradients against the test's own, which know nothing of multipliers:
 * the same path, the same points, the gradient worked out another way. */
Test(attribution, integrates_as_the_plain_gradient_does)
{
    struct planted planted;
    struct hec_predictor *predictor;
    planted_make(&planted, 3000, 6);
    struct hec_model *model = planted_model(&planted, 3, NULL, NULL);
    cr_assert_eq(hec_predictor_new(&predictor, model, 1), HEC_OK);
    for (uint32_t row = 0; row < 40; row++) {
        const float *x = planted.numerics + row * PLANTED_NUMERICS;
        const uint32_t *c = planted.categories + row * PLANTED_CATEGORIES;
        float contributions[COLUMNS], logit, base;
        double referee[COLUMNS];
        hec_predictor_explain(predictor, x, c, 0, contributions, NULL, NULL);
        integrated(model, 0, predictor->work.input, referee);
        hec_predictor_integrate(predictor, x, c, 0, 64, contributions, &logit, &base);
        for (int i = 0; i < COLUMNS; i++) {
            cr_assert_float_eq((double)contributions[i], referee[i],
                               1e-3 * fmax(1, fabs(referee[i])), "row %u column %d: %g and %g", row,
                               i, (double)contributions[i], referee[i]);
        }
        cr_assert_float_eq(sum_of(contributions), (double)(logit - base),
                           0.05 * fmax(1, fabs((double)(logit - base))));
    }
    hec_predictor_free(predictor);
    hec_model_free(model);
    planted_free(&planted);
}

/* The columns in the order of their contribution, the largest first. */
static void order_of(const float *contributions, int *order)
{
    for (int i = 0; i < COLUMNS; i++) {
        int at = i;
        for (; at > 0 && contributions[order[at - 1]] < contributions[i]; at--) {
            order[at] = order[at - 1];
        }
        order[at] = i;
    }
}

/* The logit when some columns are as usual. */
static double without(struct hec_predictor *predictor, const float *x, const uint32_t *c,
                      const int *columns, int count, int head)
{
    const struct hec_model *model = predictor->model;
    float some[PLANTED_NUMERICS], unused[COLUMNS], logit;
    uint32_t category[PLANTED_CATEGORIES];
    memcpy(some, x, sizeof(some));
    memcpy(category, c, sizeof(category));
    for (int i = 0; i < count; i++) {
        if (columns[i] < PLANTED_NUMERICS) {
            some[columns[i]] = model->baseline[columns[i]];
        } else {
            category[columns[i] - PLANTED_NUMERICS] =
                model->baseline_categories[columns[i] - PLANTED_NUMERICS];
        }
    }
    hec_predictor_explain(predictor, some, category, head, unused, &logit, NULL);
    return (double)logit;
}

Test(attribution, names_what_the_score_rests_on)
{
    struct planted planted;
    struct hec_predictor *predictor;
    struct hec_random random = hec_random_at(9, 1);
    planted_make(&planted, 8000, 9);
    struct hec_model *model = planted_model(&planted, 8, NULL, NULL);
    double top = 0, drawn = 0;
    cr_assert_eq(hec_predictor_new(&predictor, model, 1), HEC_OK);
    for (uint32_t row = 6000; row < 8000; row++) {
        const float *x = planted.numerics + row * PLANTED_NUMERICS;
        const uint32_t *c = planted.categories + row * PLANTED_CATEGORIES;
        float contributions[COLUMNS], logit;
        int first[COLUMNS], some[2];
        if (planted.fraud_kind[row] != 3) {
            continue;
        }
        hec_predictor_explain(predictor, x, c, 1, contributions, &logit, NULL);
        order_of(contributions, first);
        some[0] = (int)hec_random_below(&random, COLUMNS);
        some[1] = (int)hec_random_below(&random, COLUMNS);
        top += (double)logit - without(predictor, x, c, first, 2, 1);
        drawn += (double)logit - without(predictor, x, c, some, 2, 1);
    }
    cr_expect_gt(top, 1.5 * drawn, "two first columns %f, two at random %f", top, drawn);
    cr_expect_gt(drawn, 0, "two of nine are often the cause");
    hec_predictor_free(predictor);
    hec_model_free(model);
    planted_free(&planted);
}

/* What a model knows lies in the order of its weights: without it nothing of the ranking stays. */
Test(attribution, loses_its_ranking_with_the_weights)
{
    struct planted planted;
    struct hec_predictor *predictor, *randomly;
    planted_make(&planted, 8000, 10);
    struct hec_model *model = planted_model(&planted, 8, NULL, NULL);
    struct hec_model *shuffled = planted_model(&planted, 8, NULL, NULL);
    for (int t = 0; t < HEC_TENSORS; t++) {
        const struct hec_tensor_place *place = &shuffled->layout.place[t];
        float *at = shuffled->parameters + place->offset;
        struct hec_random random = hec_random_at(10, (uint64_t)t);
        for (size_t i = (size_t)place->rows * (size_t)place->cols; i > 1; i--) {
            size_t j = (size_t)hec_random_below(&random, i);
            float taken = at[i - 1];
            at[i - 1] = at[j];
            at[j] = taken;
        }
    }
    cr_assert_eq(hec_model_settle(shuffled), HEC_OK);
    cr_assert_eq(hec_predictor_new(&predictor, model, 1), HEC_OK);
    cr_assert_eq(hec_predictor_new(&randomly, shuffled, 1), HEC_OK);
    int frauds = 0, named[2] = { 0 };
    for (uint32_t row = 6000; row < 8000; row++) {
        struct hec_predictor *each[2] = { predictor, randomly };
        for (int i = 0; i < 2 && planted.fraud_kind[row] == 3; i++) {
            float contributions[COLUMNS];
            int order[COLUMNS];
            hec_predictor_explain(each[i], planted.numerics + row * PLANTED_NUMERICS,
                                  planted.categories + row * PLANTED_CATEGORIES, 1, contributions,
                                  NULL, NULL);
            order_of(contributions, order);
            named[i] += order[0] == PLANTED_FAILED || order[0] == PLANTED_NUMERICS;
            frauds += i == 0;
        }
    }
    cr_expect_gt(named[0], frauds * 9 / 10, "trained: %d of %d", named[0], frauds);
    cr_expect_lt(named[1], frauds * 6 / 10, "at random: %d of %d", named[1], frauds);
    hec_predictor_free(predictor);
    hec_predictor_free(randomly);
    hec_model_free(model);
    hec_model_free(shuffled);
    planted_free(&planted);
}
