/* The mix: what each head reads of the trunks' representations. */
#include <string.h>

#include "model/blend.h"
#include "model/layers.h"
#include "model/net_inside.h"

/* The n-th block of an array with so many numbers a row. */
static real *block(real *array, int n, int rows, int a_row)
{
    return array + (size_t)n * (size_t)rows * (size_t)a_row;
}

real *hec_mix_of(const struct hec_work *work, int head, int rows)
{
    bool shared = work->shape.arch == HEC_ARCH_SHARED_BOTTOM;
    return block(work->h, shared ? 0 : head, rows, work->width);
}

static void gate(struct hec_work *work, const real *parameters, int rows)
{
    const struct hec_shape *s = &work->shape;
    int choices = hec_shape_choices(s), gates = hec_shape_gates(s), width = work->width;
    for (int g = 0; g < gates; g++) {
        hec_dense_of(work, block(work->gates, g, rows, choices), work->input, parameters,
                     HEC_T_GATE_WEIGHT, g, rows, 0);
    }
    hec_softmax(work->gates, gates * rows, choices);
    memset(work->h, 0, sizeof(real) * (size_t)(s->heads * rows * width));
    for (int k = 0; k < s->heads; k++) {
        const real *w = block(work->gates, s->one_gate ? 0 : k, rows, choices);
        for (int m = 0; m < choices; m++) {
            hec_weigh_forward(block(work->h, k, rows, width), w + m, choices,
                              block(work->r, hec_shape_choice(s, k, m), rows, width), rows, width);
        }
    }
}

void hec_mix_forward(struct hec_work *work, const real *parameters, int rows)
{
    const struct hec_shape *s = &work->shape;
    int each = rows * work->width;
    if (hec_shape_choices(s) > 0) {
        gate(work, parameters, rows);
    } else if (s->arch == HEC_ARCH_CROSS_STITCH) {
        hec_stitch_forward(work->h, work->r, HEC_P(STITCH_1), s->heads, each);
    } else if (s->arch == HEC_ARCH_ATTENTION) {
        for (int k = 0; k < s->heads; k++) {
            hec_dense_of(work, block(work->masks, k, rows, work->width), work->r, parameters,
                         HEC_T_MASK_WEIGHT, k, rows, 0);
        }
        hec_sigmoids(work->masks, s->heads * each);
        for (int k = 0; k < s->heads; k++) {
            hec_multiply(block(work->h, k, rows, work->width),
                         block(work->masks, k, rows, work->width), work->r, each);
        }
    }
}

/* h_k = sum over m of g_m r_m */
static void gate_backward(struct hec_work *work, real *gradients, int head, real *dr,
                          const real *dh, int rows)
{
    const struct hec_shape *s = &work->shape;
    int choices = hec_shape_choices(s), g = s->one_gate ? 0 : head, width = work->width;
    real *dw = work->dweights;
    for (int m = 0; m < choices; m++) {
        int n = hec_shape_choice(s, head, m);
        hec_weigh_backward(block(dr, n, rows, width), gradients != NULL ? dw + m : NULL, dh,
                           block(work->gates, g, rows, choices) + m, choices,
                           block(work->r, n, rows, width), rows, width);
    }
    if (gradients != NULL) {
        hec_add_scaled(block(work->dgates, g, rows, choices), dw, 1, rows * choices);
    }
}

/* h_k = m_k r, m_k = sigmoid(W_k r + b_k) */
static void mask_backward(struct hec_work *work, const real *parameters, real *gradients, int head,
                          real *dr, const real *dh, int rows)
{
    int each = rows * work->width;
    const real *mask = block(work->masks, head, rows, work->width);
    real *dmask = block(work->dh, 1, rows, work->width);
    hec_multiply(dmask, dh, work->r, each);
    hec_sigmoids_backward(dmask, mask, each);
    hec_dense_back_of(work, dr, dmask, work->r, parameters, gradients, HEC_T_MASK_WEIGHT, head,
                      rows);
    hec_multiply(dmask, dh, mask, each);
    hec_add_scaled(dr, dmask, 1, each);
}

/* h_k = sum over n of a_k,n r_n */
static void stitch_backward(struct hec_work *work, const real *parameters, real *gradients,
                            int head, real *dr, const real *dh, int rows)
{
    int width = work->width, each = rows * width, K = work->shape.heads;
    for (int n = 0; n < K; n++) {
        hec_add_scaled(block(dr, n, rows, width), dh, HEC_P(STITCH_1)[head * K + n], each);
        if (gradients != NULL) {
            HEC_G(STITCH_1)[head * K + n] += hec_dot(dh, block(work->r, n, rows, width), each);
        }
    }
}

void hec_mix_backward(struct hec_work *work, const real *parameters, real *gradients, int head,
                      real *dr, const real *dh, int rows)
{
    const struct hec_shape *s = &work->shape;
    size_t each = (size_t)rows * (size_t)work->width;
    memset(dr, 0, sizeof(*dr) * each * (size_t)work->trunks);
    if (hec_shape_choices(s) > 0) {
        gate_backward(work, gradients, head, dr, dh, rows);
    } else if (s->arch == HEC_ARCH_CROSS_STITCH) {
        stitch_backward(work, parameters, gradients, head, dr, dh, rows);
    } else if (s->arch == HEC_ARCH_ATTENTION) {
        mask_backward(work, parameters, gradients, head, dr, dh, rows);
    } else {
        int n = s->arch == HEC_ARCH_SINGLE ? head : 0;
        memcpy(block(dr, n, rows, work->width), dh, sizeof(*dr) * each);
    }
}

void hec_mix_input_backward(struct hec_work *work, const real *parameters, real *gradients,
                            int rows)
{
    int choices = hec_shape_choices(&work->shape), gates = hec_shape_gates(&work->shape);
    if (gates == 0) {
        return;
    }
    hec_softmax_backward(work->dgates, work->gates, gates * rows, choices);
    for (int g = 0; g < gates; g++) {
        hec_dense_back_of(work, work->dpart, block(work->dgates, g, rows, choices), work->input,
                          parameters, gradients, HEC_T_GATE_WEIGHT, g, rows);
        hec_add_scaled(work->dinput, work->dpart, 1, rows * work->inputs);
    }
}
