/* The network, forward and, below it, backward: embeddings, towers, the decoder; and in between
 * the trunks and the mix. */
#include "model/net.h"

#include <assert.h>
#include <string.h>

#include "model/blend.h"
#include "model/layers.h"
#include "model/net_inside.h"

/* Columns of the input where the learned embeddings stand. */
static int embedded_column(const struct hec_shape *s)
{
    return s->numerics + s->indicators;
}

static int table_column(const struct hec_shape *s)
{
    return embedded_column(s) + s->numerics * s->periodic;
}

#define P(tensor) HEC_P(tensor)
#define G(tensor) HEC_G(tensor)

/* Which of the two ways is the same for all layers: what serves has panels. */
void hec_dense_of(const struct hec_work *work, real *y, const real *x, const real *parameters,
                  enum hec_tensor weight, int group, int rows, int relu)
{
    const struct hec_tensor_place *place = &work->layout.place[weight];
    int outputs = place->rows / place->groups;
    const real *b = parameters + work->layout.place[weight + 1].offset + group * outputs;
#ifndef HEC_REAL_DOUBLE
    if (work->panels != NULL) {
        hec_serve_dense(y, x, hec_panels_of(work->panels, &work->layout, weight, group), b, rows,
                        place->cols, outputs, relu);
        return;
    }
#endif
    const real *w =
        parameters + place->offset + (size_t)group * (size_t)outputs * (size_t)place->cols;
    hec_dense_forward(y, x, w, b, rows, place->cols, outputs, relu);
}

void hec_dense_back_of(const struct hec_work *work, real *dx, const real *dy, const real *x,
                       const real *parameters, real *gradients, enum hec_tensor weight, int group,
                       int rows)
{
    const struct hec_tensor_place *place = &work->layout.place[weight];
    int outputs = place->rows / place->groups;
    size_t w = place->offset + (size_t)group * (size_t)outputs * (size_t)place->cols;
    size_t b = work->layout.place[weight + 1].offset + (size_t)group * (size_t)outputs;
    hec_dense_backward(dx, gradients != NULL ? gradients + w : NULL,
                       gradients != NULL ? gradients + b : NULL, dy, x, parameters + w, rows,
                       place->cols, outputs);
}

static void embed(struct hec_work *work, const real *parameters, int rows)
{
    const struct hec_shape *s = &work->shape;
    real *y = work->input + embedded_column(s);
    if (s->bins > 0) {
        hec_piecewise_forward(y, work->inputs, work->waves, work->input, work->inputs,
                              P(PIECEWISE_EDGE), P(PIECEWISE_SCALE), P(PIECEWISE_WEIGHT),
                              P(PIECEWISE_BIAS), rows, s->numerics, s->bins, s->periodic);
        return;
    }
#ifndef HEC_REAL_DOUBLE
    if (work->panels != NULL) {
        hec_serve_periodic(y, work->inputs, work->input, work->inputs, P(PERIODIC_FREQUENCY),
                           P(PERIODIC_WEIGHT), P(PERIODIC_BIAS), rows, s->numerics, s->frequencies,
                           s->periodic);
        return;
    }
#endif
    hec_periodic_forward(y, work->inputs, work->waves, work->input, work->inputs,
                         P(PERIODIC_FREQUENCY), P(PERIODIC_WEIGHT), P(PERIODIC_BIAS), rows,
                         s->numerics, s->frequencies, s->periodic);
}

/* Blocks of the trunks side by side in one row, and back. */
static void side_by_side(const struct hec_work *work, real *rows_of, real *blocks, int rows,
                         int back)
{
    size_t width = (size_t)work->width, a_row = width * (size_t)work->trunks;
    for (int n = 0; n < work->trunks; n++) {
        for (int row = 0; row < rows; row++) {
            real *whole = rows_of + (size_t)row * a_row + (size_t)n * width;
            real *block = blocks + ((size_t)n * (size_t)rows + (size_t)row) * width;
            if (back) {
                hec_add_scaled(block, whole, 1, work->width);
            } else {
                memcpy(whole, block, sizeof(real) * width);
            }
        }
    }
}

/* One tower's numbers among those of all heads, and back. */
static void tower_columns(const struct hec_work *work, real *all, real *one, int head, int rows,
                          int back)
{
    size_t tower = (size_t)work->shape.tower, a_row = tower * (size_t)work->shape.heads;
    for (int row = 0; row < rows; row++) {
        real *at = all + (size_t)row * a_row + (size_t)head * tower;
        memcpy(back ? one + (size_t)row * tower : at, back ? at : one + (size_t)row * tower,
               sizeof(real) * tower);
    }
}

static void towers(struct hec_work *work, const real *parameters, int rows, real *t, int relu)
{
    if (work->shape.arch == HEC_ARCH_SHARED_BOTTOM) {
        hec_dense_of(work, t, work->h, parameters, HEC_T_HEADS_0_WEIGHT, 0, rows, relu);
        return;
    }
    for (int k = 0; k < work->shape.heads; k++) {
        hec_dense_of(work, work->one, hec_mix_of(work, k, rows), parameters, HEC_T_HEADS_0_WEIGHT,
                     k, rows, relu);
        tower_columns(work, t, work->one, k, rows, 0);
    }
}

void hec_net_forward(struct hec_work *work, const real *parameters, int rows, int dropout)
{
    const struct hec_shape *s = &work->shape;
    assert(rows <= work->rows_max);

    if (s->periodic > 0) {
        embed(work, parameters, rows);
    }
    hec_embedding_forward(work->input + table_column(s), work->inputs, P(TABLE), work->index, rows,
                          s->categories, s->table_dims);
    hec_net_beyond(work, parameters, rows, dropout);
}

void hec_net_beyond(struct hec_work *work, const real *parameters, int rows, int dropout)
{
    const struct hec_shape *s = &work->shape;
    hec_trunk_forward(work, parameters, rows, dropout);
    if (work->whole != NULL && s->bottleneck > 0) {
        side_by_side(work, work->whole, work->r, rows, 0);
    }
    if (dropout) {
        hec_dropout(work->r, work->keep1, work->trunks * rows * work->width);
    }
    hec_mix_forward(work, parameters, rows);
    towers(work, parameters, rows, work->t, 1);
    hec_heads_out_forward(work->z, work->t, P(HEADS_1_WEIGHT), P(HEADS_1_BIAS), rows, s->heads,
                          s->tower);

    if (s->bottleneck > 0) {
        const real *seen = work->whole != NULL ? work->whole : work->r;
        hec_dense_of(work, work->d0, seen, parameters, HEC_T_DECODER_0_WEIGHT, 0, rows, 0);
        hec_dense_of(work, work->d1, work->d0, parameters, HEC_T_DECODER_1_WEIGHT, 0, rows, 1);
        hec_dense_of(work, work->y, work->d1, parameters, HEC_T_DECODER_2_WEIGHT, 0, rows, 0);
    }
}

void hec_net_before(const struct hec_work *work, const real *parameters,
                    const struct hec_before *before)
{
    const struct hec_shape *s = &work->shape;
    int h0 = s->hidden[0], h1 = s->hidden[1];
    for (int n = 0; n < work->trunks; n++) {
        const real *seen = h0 > 0 ? work->s0 + n * h0 : work->input;
        if (h0 > 0) {
            hec_dense_of(work, before->a0 + n * h0, work->input, parameters, HEC_T_TRUNK_0_WEIGHT,
                         n, 1, 0);
        }
        hec_dense_of(work, before->a1 + n * h1, seen, parameters, HEC_T_TRUNK_1_WEIGHT, n, 1, 0);
        if (s->fusion == HEC_FUSION_GATED) {
            hec_dense_of(work, before->fuse + n * h1, work->a1 + n * h1, parameters,
                         HEC_T_FUSE_GATE_WEIGHT, n, 1, 0);
        }
    }
    for (int k = 0; k < s->heads && s->arch == HEC_ARCH_ATTENTION; k++) {
        hec_dense_of(work, before->masks + k * work->width, work->r, parameters, HEC_T_MASK_WEIGHT,
                     k, 1, 0);
    }
    for (int k = 0; k < s->heads; k++) {
        bool shared = s->arch == HEC_ARCH_SHARED_BOTTOM;
        if (!shared || k == 0) {
            hec_dense_of(work, before->t + k * s->tower, hec_mix_of(work, k, 1), parameters,
                         HEC_T_HEADS_0_WEIGHT, k, 1, 0);
        }
    }
}

/* The decoder's own way back ends at its first layer unless it shares. */
static void decoder_backward(struct hec_work *work, const real *parameters, real *gradients,
                             int rows)
{
    hec_dense_back_of(work, work->dd1, work->dy, work->d1, parameters, gradients,
                      HEC_T_DECODER_2_WEIGHT, 0, rows);
    hec_relu_backward(work->dd1, work->d1, rows * work->shape.decoder);
    hec_dense_back_of(work, work->dd0, work->dd1, work->d0, parameters, gradients,
                      HEC_T_DECODER_1_WEIGHT, 0, rows);
    hec_dense_back_of(work, work->share ? work->dwhole : NULL, work->dd0, work->whole, parameters,
                      gradients, HEC_T_DECODER_0_WEIGHT, 0, rows);
}

/* From dt to what one head wants of r. */
static void head_backward(struct hec_work *work, const real *parameters, real *gradients, int head,
                          real *dr, int rows, int dropout)
{
    const struct hec_shape *s = &work->shape;
    if (s->arch == HEC_ARCH_SHARED_BOTTOM) { /* its towers are one product: take a part of that */
        size_t tower = (size_t)s->tower, skip = (size_t)head * tower;
        tower_columns(work, work->dt, work->one, head, rows, 1);
        hec_dense_backward(dr, NULL, NULL, work->one, work->h,
                           P(HEADS_0_WEIGHT) + skip * (size_t)work->width, rows, work->width,
                           s->tower);
    } else {
        tower_columns(work, work->dt, work->one, head, rows, 1);
        hec_dense_back_of(work, work->dh, work->one, hec_mix_of(work, head, rows), parameters,
                          gradients, HEC_T_HEADS_0_WEIGHT, head, rows);
        hec_mix_backward(work, parameters, gradients, head, dr, work->dh, rows);
    }
    if (dropout) {
        hec_dropout(dr, work->keep1, work->trunks * rows * work->width);
    }
}

void hec_net_heads_backward(struct hec_work *work, const real *parameters, real *gradients,
                            int rows, int dropout)
{
    const struct hec_shape *s = &work->shape;
    int all = work->trunks * rows * work->width;
    assert(rows <= work->rows_max);

    if (s->bottleneck > 0) {
        decoder_backward(work, parameters, gradients, rows);
    }
    hec_heads_out_backward(work->dt, G(HEADS_1_WEIGHT), G(HEADS_1_BIAS), work->dz, work->t,
                           P(HEADS_1_WEIGHT), rows, s->heads, s->tower);
    hec_relu_backward(work->dt, work->t, rows * s->heads * s->tower);
    if (s->arch == HEC_ARCH_SHARED_BOTTOM) {
        hec_dense_back_of(work, work->dr, work->dt, work->h, parameters, gradients,
                          HEC_T_HEADS_0_WEIGHT, 0, rows);
        if (dropout) {
            hec_dropout(work->dr, work->keep1, all);
        }
    } else {
        real *part = work->dh + 2 * (size_t)rows * (size_t)work->width;
        int gates = hec_shape_gates(s) * hec_shape_choices(s);
        memset(work->dr, 0, sizeof(real) * (size_t)all);
        memset(work->dgates, 0, sizeof(real) * (size_t)(gates * rows));
        for (int k = 0; k < s->heads; k++) {
            head_backward(work, parameters, gradients, k, part, rows, dropout);
            hec_add_scaled(work->dr, part, 1, all);
        }
    }
    if (s->bottleneck > 0 && work->share) {
        side_by_side(work, work->dwhole, work->dr, rows, 1);
    }
}

void hec_net_each(struct hec_work *work, const real *parameters, int rows, int dropout, real *each)
{
    size_t all = (size_t)work->trunks * (size_t)rows * (size_t)work->width;
    for (int k = 0; k < work->shape.heads; k++) {
        head_backward(work, parameters, NULL, k, each + (size_t)k * all, rows, dropout);
    }
    if (work->shape.bottleneck > 0 && work->share) {
        real *novelty = each + (size_t)work->shape.heads * all;
        memset(novelty, 0, sizeof(real) * all);
        side_by_side(work, work->dwhole, novelty, rows, 1);
    }
}

void hec_net_trunk_backward(struct hec_work *work, const real *parameters, real *gradients,
                            int rows, int dropout)
{
    const struct hec_shape *s = &work->shape;
    int inputs = work->inputs, column = embedded_column(s);
    real *dy = work->dinput + column, *y = work->input + column;
    hec_trunk_backward(work, parameters, gradients, rows, dropout);
    hec_mix_input_backward(work, parameters, gradients, rows);
    hec_embedding_backward(G(TABLE), work->dinput + table_column(s), inputs, work->index, rows,
                           s->categories, s->table_dims);
    if (s->periodic > 0 && s->bins > 0) {
        hec_piecewise_backward(G(PIECEWISE_WEIGHT), G(PIECEWISE_BIAS), dy, inputs, y, inputs,
                               work->waves, rows, s->numerics, s->bins, s->periodic);
    } else if (s->periodic > 0) {
        hec_periodic_backward(G(PERIODIC_FREQUENCY), G(PERIODIC_WEIGHT), G(PERIODIC_BIAS), dy,
                              inputs, y, inputs, work->waves, work->input, inputs,
                              P(PERIODIC_WEIGHT), work->scratch, rows, s->numerics, s->frequencies,
                              s->periodic);
    }
}

void hec_net_backward(struct hec_work *work, const real *parameters, real *gradients, int rows,
                      int dropout)
{
    hec_net_heads_backward(work, parameters, gradients, rows, dropout);
    hec_net_trunk_backward(work, parameters, gradients, rows, dropout);
}
