/* The trunks: two layers each, what passes between them, and what is made of both. */
#include <string.h>

#include "model/blend.h"
#include "model/layers.h"
#include "model/net_inside.h"

/* The n-th trunk's block of an array with so many numbers a row. */
static real *block(real *array, int n, int rows, int a_row)
{
    return array + (size_t)n * (size_t)rows * (size_t)a_row;
}

static void add_columns(real *to, int to_stride, const real *from, int from_stride, int rows, int n)
{
    for (int row = 0; row < rows; row++) {
        hec_add_scaled(to + (size_t)row * (size_t)to_stride,
                       from + (size_t)row * (size_t)from_stride, 1, n);
    }
}

static void concat(struct hec_work *work, int rows)
{
    int h0 = work->shape.hidden[0], h1 = work->shape.hidden[1];
    for (int row = 0; row < work->trunks * rows; row++) {
        real *to = work->r + (size_t)row * (size_t)work->width;
        memcpy(to, work->s0 + (size_t)row * (size_t)h0, sizeof(*to) * (size_t)h0);
        memcpy(to + h0, work->a1 + (size_t)row * (size_t)h1, sizeof(*to) * (size_t)h1);
    }
}

static void fuse(struct hec_work *work, const real *parameters, int rows)
{
    int h0 = work->shape.hidden[0], h1 = work->shape.hidden[1], all = work->trunks * rows * h1;
    for (int n = 0; n < work->trunks; n++) {
        hec_dense_of(work, block(work->fuse, n, rows, h1), block(work->a1, n, rows, h1), parameters,
                     HEC_T_FUSE_GATE_WEIGHT, n, rows, 0);
        hec_dense_of(work, block(work->skip, n, rows, h1), block(work->s0, n, rows, h0), parameters,
                     HEC_T_FUSE_SKIP_WEIGHT, n, rows, 0);
    }
    hec_sigmoids(work->fuse, all);
    hec_fuse_forward(work->r, work->fuse, work->a1, work->skip, all);
}

void hec_trunk_forward(struct hec_work *work, const real *parameters, int rows, int dropout)
{
    int h0 = work->shape.hidden[0], h1 = work->shape.hidden[1];
    for (int n = 0; n < work->trunks && h0 > 0; n++) {
        hec_dense_of(work, block(work->a0, n, rows, h0), work->input, parameters,
                     HEC_T_TRUNK_0_WEIGHT, n, rows, 1);
    }
    if (dropout) {
        hec_dropout(work->a0, work->keep0, work->trunks * rows * h0);
    }
    if (work->shape.arch == HEC_ARCH_CROSS_STITCH) {
        hec_stitch_forward(work->s0, work->a0, HEC_P(STITCH_0), work->trunks, rows * h0);
    }
    for (int n = 0; n < work->trunks; n++) {
        const real *before = h0 > 0 ? block(work->s0, n, rows, h0) : work->input;
        hec_dense_of(work, block(work->a1, n, rows, h1), before, parameters, HEC_T_TRUNK_1_WEIGHT,
                     n, rows, 1);
    }
    if (work->shape.fusion == HEC_FUSION_CONCAT) {
        concat(work, rows);
    } else if (work->shape.fusion == HEC_FUSION_GATED) {
        fuse(work, parameters, rows);
    } else if (work->r != work->a1) {
        memcpy(work->r, work->a1, sizeof(real) * (size_t)(work->trunks * rows * h1));
    }
}

/* From dr to da1, apart from what reaches layer 0 directly. */
static void fuse_backward(struct hec_work *work, const real *parameters, real *gradients, int rows)
{
    int h1 = work->shape.hidden[1], all = work->trunks * rows * h1;
    hec_fuse_backward(work->dfuse, work->da1, work->dskip, work->dr, work->fuse, work->a1,
                      work->skip, all);
    hec_sigmoids_backward(work->dfuse, work->fuse, all);
    for (int n = 0; n < work->trunks; n++) {
        hec_dense_back_of(work, work->dpart, block(work->dfuse, n, rows, h1),
                          block(work->a1, n, rows, h1), parameters, gradients,
                          HEC_T_FUSE_GATE_WEIGHT, n, rows);
        hec_add_scaled(block(work->da1, n, rows, h1), work->dpart, 1, rows * h1);
    }
}

/* What fusion gives back to layer 0, added to ds0. */
static void skip_backward(struct hec_work *work, const real *parameters, real *gradients, int n,
                          int rows)
{
    int h0 = work->shape.hidden[0], h1 = work->shape.hidden[1];
    real *ds0 = block(work->ds0, n, rows, h0);
    if (work->shape.fusion == HEC_FUSION_CONCAT) {
        add_columns(ds0, h0, block(work->dr, n, rows, work->width), work->width, rows, h0);
    } else if (work->shape.fusion == HEC_FUSION_GATED) {
        real *part = work->dskip + (size_t)work->trunks * (size_t)rows * (size_t)h1;
        hec_dense_back_of(work, part, block(work->dskip, n, rows, h1), block(work->s0, n, rows, h0),
                          parameters, gradients, HEC_T_FUSE_SKIP_WEIGHT, n, rows);
        hec_add_scaled(ds0, part, 1, rows * h0);
    }
}

/* A trunk's share of dinput; the first one makes it. */
static void to_input(struct hec_work *work, const real *dy, const real *parameters, real *gradients,
                     enum hec_tensor weight, int n, int rows)
{
    real *dx = n == 0 ? work->dinput : work->dpart;
    hec_dense_back_of(work, dx, dy, work->input, parameters, gradients, weight, n, rows);
    if (n > 0) {
        hec_add_scaled(work->dinput, work->dpart, 1, rows * work->inputs);
    }
}

void hec_trunk_backward(struct hec_work *work, const real *parameters, real *gradients, int rows,
                        int dropout)
{
    int h0 = work->shape.hidden[0], h1 = work->shape.hidden[1];
    if (work->shape.fusion == HEC_FUSION_CONCAT) {
        memset(work->da1, 0, sizeof(real) * (size_t)(work->trunks * rows * h1));
        add_columns(work->da1, h1, work->dr + h0, work->width, work->trunks * rows, h1);
    } else if (work->shape.fusion == HEC_FUSION_GATED) {
        fuse_backward(work, parameters, gradients, rows);
    }
    hec_relu_backward(work->da1, work->a1, work->trunks * rows * h1);
    for (int n = 0; n < work->trunks; n++) {
        const real *da1 = block(work->da1, n, rows, h1);
        if (h0 == 0) {
            to_input(work, da1, parameters, gradients, HEC_T_TRUNK_1_WEIGHT, n, rows);
            continue;
        }
        hec_dense_back_of(work, block(work->ds0, n, rows, h0), da1, block(work->s0, n, rows, h0),
                          parameters, gradients, HEC_T_TRUNK_1_WEIGHT, n, rows);
        skip_backward(work, parameters, gradients, n, rows);
    }
    if (work->shape.arch == HEC_ARCH_CROSS_STITCH) {
        hec_stitch_backward(work->da0, HEC_G(STITCH_0), work->ds0, work->a0, HEC_P(STITCH_0),
                            work->trunks, rows * h0);
    }
    if (dropout) {
        hec_dropout(work->da0, work->keep0, work->trunks * rows * h0);
    }
    hec_relu_backward(work->da0, work->a0, work->trunks * rows * h0);
    for (int n = 0; n < work->trunks && h0 > 0; n++) {
        to_input(work, block(work->da0, n, rows, h0), parameters, gradients, HEC_T_TRUNK_0_WEIGHT,
                 n, rows);
    }
}
