/*
 * Attribution: DeepLIFT with the rescale rule.
 *
 * One pass back from a head's logit in which the slope of each ReLU is replaced by its secant
 * between the row and the baseline; gates, masks and softmaxes have secants too, and a product
 * gives each factor the mean of the other. Then multiplier x (input - baseline input), summed over
 * the inputs that come from one column, adds up to the difference of the logits. The embedding of
 * numbers is not passed through: its outputs are inputs here, which keeps the sum exact.
 */
#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "hecate/explain.h"
#include "model/blend.h"
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

/* The same for a sigmoid; where both are close, its slope. */
static void through_sigmoid(float *multiplier, const float *pre, const float *base, int n)
{
    for (int i = 0; i < n; i++) {
        double apart = (double)pre[i] - (double)base[i];
        double a = 1 / (1 + exp(-(double)pre[i])), b = 1 / (1 + exp(-(double)base[i]));
        multiplier[i] *= (float)(fabs(apart) > 1e-4 ? (a - b) / apart : a * (1 - a));
    }
}

static void add_back(float *dx, const float *dy, const float *w, int I, int O, float *part)
{
    hec_serve_back(part, dy, w, I, O);
    hec_add_scaled(dx, part, 1, I);
}

/* What goes through a row and what goes through the baseline, side by side. */
struct pass {
    const struct hec_model *model;
    const struct hec_work *row, *base;
    const struct hec_before *row_before, *base_before;
    struct hec_multipliers *back;
};

#define P(tensor) (pass->model->parameters + pass->model->layout.place[HEC_T_##tensor].offset)

/* h = mask r: a product gives each factor the other's mean. */
static void through_mask(const struct pass *pass, int head)
{
    int width = pass->row->width, first = head * width;
    float *part = pass->back->part, *mask = part + width;
    const float *m = pass->row->masks + first, *m0 = pass->base->masks + first;
    for (int i = 0; i < width; i++) {
        mask[i] = pass->back->h[i] * 0.5f * (pass->row->r[i] + pass->base->r[i]);
        pass->back->r[i] += pass->back->h[i] * 0.5f * (m[i] + m0[i]);
    }
    through_sigmoid(mask, pass->row_before->masks + first, pass->base_before->masks + first, width);
    add_back(pass->back->r, mask, P(MASK_WEIGHT) + (size_t)first * (size_t)width, width, width,
             part);
}

/* h = sum of g r. A softmax has a secant too: with L the logarithmic mean of a gate's two values,
 * its change is L (change of its logit - change of log sum exp), and the last is the L-weighted
 * mean of the logits' changes. */
static void through_gates(const struct pass *pass, int head)
{
    const struct hec_shape *s = &pass->model->shape;
    int choices = hec_shape_choices(s), width = pass->row->width;
    int first = s->one_gate ? 0 : head * choices;
    double to_gate[HEC_CHOICES_MAX], mean[HEC_CHOICES_MAX], sum = 0, through = 0;
    float logits[HEC_CHOICES_MAX];
    for (int m = 0; m < choices; m++) {
        int n = hec_shape_choice(s, head, m) * width;
        double g = fmax((double)pass->row->gates[first + m], 1e-30);
        double g0 = fmax((double)pass->base->gates[first + m], 1e-30);
        double apart = log(g) - log(g0);
        mean[m] = fabs(apart) > 1e-4 ? (g - g0) / apart : 0.5 * (g + g0);
        to_gate[m] = 0;
        for (int i = 0; i < width; i++) {
            double r = 0.5 * ((double)pass->row->r[n + i] + (double)pass->base->r[n + i]);
            to_gate[m] += (double)pass->back->h[i] * r;
        }
        hec_add_scaled(pass->back->r + n, pass->back->h, (float)(0.5 * (g + g0)), width);
        sum += mean[m];
        through += to_gate[m] * mean[m];
    }
    for (int m = 0; m < choices; m++) {
        logits[m] = (float)(mean[m] * (to_gate[m] - through / sum));
    }
    add_back(pass->back->input, logits, P(GATE_WEIGHT) + (size_t)first * (size_t)pass->row->inputs,
             pass->row->inputs, choices, pass->back->part);
}

/* From h to r. */
static void through_mix(const struct pass *pass, int head)
{
    const struct hec_shape *s = &pass->model->shape;
    int width = pass->row->width;
    float *r = pass->back->r;
    memset(r, 0, sizeof(*r) * (size_t)(pass->row->trunks * width));
    if (hec_shape_choices(s) > 0) {
        through_gates(pass, head);
    } else if (s->arch == HEC_ARCH_ATTENTION) {
        through_mask(pass, head);
    } else if (s->arch == HEC_ARCH_CROSS_STITCH) {
        for (int n = 0; n < s->heads; n++) {
            hec_add_scaled(r + n * width, pass->back->h, P(STITCH_1)[head * s->heads + n], width);
        }
    } else {
        hec_add_scaled(r + (s->arch == HEC_ARCH_SINGLE ? head * width : 0), pass->back->h, 1,
                       width);
    }
}

/* r = skip + g (a1 - skip), one trunk: from r to a1, and to s0 what reaches it directly. */
static void through_fusion(const struct pass *pass, int n)
{
    const struct hec_shape *s = &pass->model->shape;
    int h0 = s->hidden[0], h1 = s->hidden[1], at = n * h1;
    struct hec_multipliers *back = pass->back;
    const float *r = back->r + n * pass->row->width;
    if (s->fusion == HEC_FUSION_CONCAT) {
        memcpy(back->s0 + n * h0, r, sizeof(*r) * (size_t)h0);
        memcpy(back->a1 + at, r + h0, sizeof(*r) * (size_t)h1);
        return;
    }
    memcpy(back->a1 + at, r, sizeof(*r) * (size_t)h1);
    if (s->fusion != HEC_FUSION_GATED) {
        return;
    }
    float *part = back->part, *gate = part + pass->row->inputs + h0, *skip = gate + h1;
    for (int i = 0; i < h1; i++) {
        float g = 0.5f * (pass->row->fuse[at + i] + pass->base->fuse[at + i]);
        float gap = pass->row->a1[at + i] - pass->row->skip[at + i];
        float gap0 = pass->base->a1[at + i] - pass->base->skip[at + i];
        gate[i] = r[i] * 0.5f * (gap + gap0);
        skip[i] = r[i] * (1 - g);
        back->a1[at + i] = r[i] * g;
    }
    through_sigmoid(gate, pass->row_before->fuse + at, pass->base_before->fuse + at, h1);
    add_back(back->a1 + at, gate, P(FUSE_GATE_WEIGHT) + (size_t)at * (size_t)h1, h1, h1, part);
    hec_serve_back(back->s0 + n * h0, skip, P(FUSE_SKIP_WEIGHT) + (size_t)at * (size_t)h0, h0, h1);
}

/* From r to the input. */
static void through_trunks(const struct pass *pass)
{
    const struct hec_shape *s = &pass->model->shape;
    int h0 = s->hidden[0], h1 = s->hidden[1], trunks = pass->row->trunks;
    struct hec_multipliers *back = pass->back;
    memset(back->s0, 0, sizeof(float) * (size_t)(trunks * h0));
    for (int n = 0; n < trunks; n++) {
        through_fusion(pass, n);
        through_relu(back->a1 + n * h1, pass->row_before->a1 + n * h1,
                     pass->base_before->a1 + n * h1, h1);
        add_back(h0 > 0 ? back->s0 + n * h0 : back->input, back->a1 + n * h1,
                 P(TRUNK_1_WEIGHT) + (size_t)(n * h1) * (size_t)(h0 > 0 ? h0 : pass->row->inputs),
                 h0 > 0 ? h0 : pass->row->inputs, h1, back->part);
    }
    memcpy(back->a0, back->s0, sizeof(float) * (size_t)(trunks * h0));
    if (s->arch == HEC_ARCH_CROSS_STITCH) {
        hec_stitch_backward(back->a0, NULL, back->s0, pass->row->a0, P(STITCH_0), trunks, h0);
    }
    through_relu(back->a0, pass->row_before->a0, pass->base_before->a0, trunks * h0);
    for (int n = 0; n < trunks && h0 > 0; n++) {
        add_back(back->input, back->a0 + n * h0,
                 P(TRUNK_0_WEIGHT) + (size_t)(n * h0) * (size_t)pass->row->inputs,
                 pass->row->inputs, h0, back->part);
    }
}

/* Between the row that has just passed and another one; with itself, they are the gradient. */
static void multipliers(struct hec_predictor *predictor, int logit, const struct hec_work *base,
                        const struct hec_before *base_before)
{
    const struct hec_model *model = predictor->model;
    const struct hec_shape *s = &model->shape;
    struct pass list = { model,       &predictor->work, base, &predictor->before,
                         base_before, &predictor->back };
    const struct pass *pass = &list;
    struct hec_multipliers *back = pass->back;
    int first = logit * s->tower, width = pass->row->width;

    memset(back->input, 0, sizeof(float) * (size_t)pass->row->inputs);
    memcpy(back->t, P(HEADS_1_WEIGHT) + first, sizeof(float) * (size_t)s->tower);
    through_relu(back->t, pass->row_before->t + first, pass->base_before->t + first, s->tower);
    hec_serve_back(back->h, back->t, P(HEADS_0_WEIGHT) + (size_t)first * (size_t)width, width,
                   s->tower);
    through_mix(pass, logit);
    through_trunks(pass);
}

enum hec_status hec_multipliers_new(struct hec_multipliers *back, const struct hec_shape *s)
{
    size_t trunks = (size_t)hec_shape_trunks(s), width = (size_t)hec_shape_width(s);
    size_t inputs = (size_t)hec_shape_inputs(s), tower = (size_t)s->tower;
    size_t h0 = (size_t)s->hidden[0], h1 = (size_t)s->hidden[1];
    size_t part = inputs + h0 + 2 * width + 2 * h1;
    size_t all = tower + width + trunks * (width + h1 + 2 * h0) + inputs + part;
    *back = (struct hec_multipliers){ .block = calloc(all, sizeof(float)) };
    if (back->block == NULL) {
        return HEC_NO_MEMORY;
    }
    back->t = back->block;
    back->h = back->t + tower;
    back->r = back->h + width;
    back->a1 = back->r + trunks * width;
    back->s0 = back->a1 + trunks * h1;
    back->a0 = back->s0 + trunks * h0;
    back->input = back->a0 + trunks * h0;
    back->part = back->input + inputs;
    return HEC_OK;
}

void hec_multipliers_free(struct hec_multipliers *back)
{
    free(back->block);
    *back = (struct hec_multipliers){ 0 };
}

static void by_column(const struct hec_predictor *predictor, const float *x, const float *back,
                      float *contributions)
{
    const struct hec_model *model = predictor->model;
    const struct hec_shape *s = &model->shape;
    const float *base = model->base.input;
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
        hec_predictor_novelty(predictor, 1);
        memcpy(contributions, predictor->each, sizeof(float) * (size_t)model->shape.numerics);
        sum = hec_predictor_error(predictor, 0);
    } else {
        float spread = model->spreads[head];
        sum = spread * work->z[column] + model->shifts[head];
        base = spread * model->base.z[column] + model->shifts[head];
        hec_net_before(work, model->parameters, &predictor->before);
        multipliers(predictor, column, &model->base, &model->base_before);
        by_column(predictor, work->input, predictor->back.input, contributions);
        for (int j = 0; j < model->shape.numerics + model->shape.categories; j++) {
            contributions[j] *= spread;
        }
    }
    if (logit != NULL) {
        *logit = sum;
    }
    if (baseline_logit != NULL) {
        *baseline_logit = base;
    }
}

void hec_predictor_integrate(struct hec_predictor *predictor, const float *numerics,
                             const uint32_t *categories, int head, int steps, float *contributions,
                             float *logit, float *baseline_logit)
{
    const struct hec_model *model = predictor->model;
    struct hec_work *work = &predictor->work;
    int column = model->logit_of[head], inputs = work->inputs;
    hec_predictor_explain(predictor, numerics, categories, head, contributions, logit,
                          baseline_logit);
    float *row = column < 0 ? NULL : malloc(2 * (size_t)inputs * sizeof(*row));
    if (row == NULL) {
        return;
    }
    float *sum = row + inputs;
    memcpy(row, work->input, (size_t)inputs * sizeof(*row));
    memset(sum, 0, (size_t)inputs * sizeof(*sum));
    for (int step = 0; step < steps; step++) {
        float t = ((float)step + 0.5f) / (float)steps;
        for (int i = 0; i < inputs; i++) {
            work->input[i] = model->base.input[i] + t * (row[i] - model->base.input[i]);
        }
        hec_net_beyond(work, model->parameters, 1, 0);
        hec_net_before(work, model->parameters, &predictor->before);
        multipliers(predictor, column, work, &predictor->before);
        hec_add_scaled(sum, predictor->back.input, model->spreads[head] / (float)steps, inputs);
    }
    by_column(predictor, row, sum, contributions);
    free(row);
}
