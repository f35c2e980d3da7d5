/*
 * Attribution: DeepLIFT with the rescale rule.
 *
 * One pass back from a head's logit in which the slope of each ReLU is replaced by its secant
 * between the row and the baseline. Then multiplier x (input - baseline input), summed over the
 * inputs that come from one column, adds up to the difference of the logits. The periodic
 * embedding is not passed through: its outputs are inputs here, which keeps the sum exact.
 */
#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "model/layers.h"
#include "model/model.h"

static float relu(float x)
{
    return x > 0 ? x : 0;
}

/* In place: multiplier x secant of the ReLU between a row's number and the baseline's. */
static void through_relu(float *multiplier, const float *pre, const float *base, int n)
{
    for (int i = 0; i < n; i++) {
        float apart = pre[i] - base[i];
        float slope = pre[i] > 0 ? 1.0f : 0.0f;
        if ((pre[i] > 0) != (base[i] > 0) && fabsf(apart) > 0) {
            slope = (relu(pre[i]) - relu(base[i])) / apart;
        }
        multiplier[i] *= slope;
    }
}

#define P(tensor) (model->parameters + model->layout.place[HEC_T_##tensor].offset)

static void multipliers(struct hec_predictor *predictor, int logit)
{
    const struct hec_model *model = predictor->model;
    const struct hec_shape *s = &model->shape;
    const struct hec_work *work = &predictor->work;
    int first = logit * s->tower;

    memcpy(predictor->back_towers, P(HEADS_1_WEIGHT) + first, sizeof(float) * (size_t)s->tower);
    through_relu(predictor->back_towers, work->t + first, model->base_towers + first, s->tower);
    hec_serve_back(predictor->back1, predictor->back_towers,
                   P(HEADS_0_WEIGHT) + first * s->hidden[1], s->hidden[1], s->tower);
    through_relu(predictor->back1, work->a1, model->base_pre1, s->hidden[1]);
    hec_serve_back(predictor->back0, predictor->back1, P(TRUNK_1_WEIGHT), s->hidden[0],
                   s->hidden[1]);
    through_relu(predictor->back0, work->a0, model->base_pre0, s->hidden[0]);
    hec_serve_back(predictor->back_input, predictor->back0, P(TRUNK_0_WEIGHT), work->inputs,
                   s->hidden[0]);
}

static void by_column(const struct hec_predictor *predictor, float *contributions)
{
    const struct hec_model *model = predictor->model;
    const struct hec_shape *s = &model->shape;
    const float *x = predictor->work.input, *base = model->base_input;
    const float *back = predictor->back_input;
    int n = s->numerics, at = n;

    for (int j = 0; j < n; j++) {
        contributions[j] = back[j] * (x[j] - base[j]);
    }
    for (int i = 0; i < s->indicators; i++, at++) {
        contributions[model->scaler.indicator_column[i]] += back[at] * (x[at] - base[at]);
    }
    for (int e = 0; e < s->periodic; e++) {
        for (int j = 0; j < n; j++, at++) {
            contributions[j] += back[at] * (x[at] - base[at]);
        }
    }
    for (int k = 0; k < s->categories; k++) {
        contributions[n + k] = 0;
        for (int e = 0; e < s->table_dims; e++, at++) {
            contributions[n + k] += back[at] * (x[at] - base[at]);
        }
    }
}

void hec_predictor_explain(struct hec_predictor *predictor, const float *numerics,
                           const uint32_t *categories, int head, float *contributions, float *logit,
                           float *baseline_logit)
{
    const struct hec_model *model = predictor->model;
    const struct hec_work *work = &predictor->work;
    assert(head >= 0 && head < model->info.heads_count);

    hec_predictor_forward(predictor, numerics, categories, 1);
    int column = model->logit_of[head];
    float sum, base = 0;
    if (column < 0) {
        memset(contributions + model->shape.numerics, 0,
               sizeof(float) * (size_t)model->shape.categories);
        sum = hec_reconstruction_error(work->y, work->input, model->shape.numerics, contributions);
    } else {
        sum = work->z[column] + model->shifts[head];
        base = model->base_z[column] + model->shifts[head];
        struct hec_work *own = &predictor->work;
        hec_net_before_relus(own, model->parameters, own->t, own->a1, own->a0);
        multipliers(predictor, column);
        by_column(predictor, contributions);
    }
    if (logit != NULL) {
        *logit = sum;
    }
    if (baseline_logit != NULL) {
        *baseline_logit = base;
    }
}
