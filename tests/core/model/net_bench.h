/*
 * A tiny network in double with its batch and its targets, and the comparison of every parameter's
 * gradient with central differences.
 */
#ifndef TESTS_NET_BENCH_H
#define TESTS_NET_BENCH_H

#define HEC_REAL_DOUBLE
#include "model/net.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hecate/random.h"
#include "model/layers.h"

enum { ROWS = 7 };
#define STEP 1e-5

/* A tiny network with everything in it, its batch and its targets. */
struct bench {
    struct hec_work work;
    double *parameters, *gradients, *spread;
    double input[ROWS * 64];
    int8_t target[ROWS * 4];
    float weight[ROWS * 4], scale[4];
    uint8_t counts[ROWS];
    int dropout;
    double gamma; /* 0: cross-entropy; else of the focal loss */
};

static const struct hec_shape tiny = { .numerics = 5,
                                       .indicators = 2,
                                       .categories = 2,
                                       .frequencies = 3,
                                       .periodic = 2,
                                       .table_rows = 6,
                                       .table_dims = 3,
                                       .hidden = { 4, 3 },
                                       .heads = 2,
                                       .tower = 3,
                                       .bottleneck = 2,
                                       .decoder = 4 };

static void set_up_as(struct bench *bench, const struct hec_shape *shape, uint64_t seed,
                      enum hec_work_use use)
{
    struct hec_random random = hec_random_at(seed, 0);
    memset(bench, 0, sizeof(*bench));
    cr_assert_eq(hec_work_new(&bench->work, shape, ROWS, use), HEC_OK);
    struct hec_work *work = &bench->work;
    bench->parameters = calloc(work->layout.numbers, sizeof(double));
    bench->gradients = calloc(work->layout.numbers, sizeof(double));

    for (size_t i = 0; i < work->layout.numbers; i++) {
        bench->parameters[i] = 0.6 * hec_random_normal(&random);
    }
    for (int row = 0; row < ROWS; row++) {
        for (int j = 0; j < shape->numerics + shape->indicators; j++) {
            work->input[row * work->inputs + j] = hec_random_normal(&random);
        }
        for (int k = 0; k < shape->categories; k++) {
            uint32_t in_table = (uint32_t)hec_random_below(&random, (uint64_t)shape->table_rows);
            work->index[row * shape->categories + k] = (uint32_t)(k * shape->table_rows) + in_table;
        }
        for (int k = 0; k < shape->heads; k++) {
            bench->target[row * shape->heads + k] = (int8_t)hec_random_below(&random, 2);
            bench->weight[row * shape->heads + k] = row % 2 ? 1.0f : 0.25f;
        }
        bench->counts[row] = row != 3;
    }
    for (int k = 0; k < shape->heads; k++) {
        bench->scale[k] = 1.0f - 0.5f * (float)k;
    }
    bench->spread = calloc((size_t)work->trunks * ROWS * (size_t)work->width * 5, sizeof(double));
    double *scale = bench->parameters + work->layout.place[HEC_T_PIECEWISE_SCALE].offset;
    for (int i = 0; i < shape->bins * shape->numerics; i++) {
        scale[i] = fabs(scale[i]) + 0.3;
    }
    for (int i = 0; i < work->trunks * ROWS * shape->hidden[0]; i++) {
        work->keep0[i] = hec_random_below(&random, 4) ? 1.25 : 0;
    }
    for (int i = 0; i < work->trunks * ROWS * work->width; i++) {
        work->keep1[i] = hec_random_below(&random, 4) ? 1.25 : 0;
    }
}

static inline void set_up(struct bench *bench, const struct hec_shape *shape, uint64_t seed)
{
    set_up_as(bench, shape, seed, HEC_WORK_TRAINING);
}

static void tear_down(struct bench *bench)
{
    free(bench->parameters);
    free(bench->gradients);
    free(bench->spread);
    hec_work_free(&bench->work);
}

static double supervised_loss(struct bench *bench)
{
    struct hec_work *work = &bench->work;
    double loss[4], sum = 0;
    hec_net_forward(work, bench->parameters, ROWS, bench->dropout);
    hec_bce(work->dz, loss, work->z, bench->target, bench->weight, bench->scale, ROWS,
            work->shape.heads);
    for (int k = 0; k < work->shape.heads && bench->gamma > 0; k++) {
        loss[k] = hec_focal(work->dz, work->z, bench->target, bench->weight, bench->scale[k],
                            bench->gamma, k, ROWS, work->shape.heads);
    }
    for (int k = 0; k < work->shape.heads; k++) {
        sum += isnan(loss[k]) ? 0 : (double)bench->scale[k] * loss[k];
    }
    return sum;
}

static double novelty_loss(struct bench *bench)
{
    struct hec_work *work = &bench->work;
    hec_net_forward(work, bench->parameters, ROWS, bench->dropout);
    return hec_reconstruction(work->dy, work->y, work->input, work->inputs, bench->counts, ROWS,
                              work->shape.numerics);
}

static void analytic(struct bench *bench)
{
    memset(bench->gradients, 0, sizeof(double) * bench->work.layout.numbers);
    supervised_loss(bench);
    if (bench->work.shape.bottleneck > 0) {
        novelty_loss(bench);
    }
    hec_net_backward(&bench->work, bench->parameters, bench->gradients, ROWS, bench->dropout);
}

static double both_losses(struct bench *bench)
{
    return supervised_loss(bench) + novelty_loss(bench);
}

/* Central differences of the loss that a parameter belongs to: the decoder's own numbers answer to
 * the reconstruction, all others to the heads only, or to both when the decoder shares. */
static void expect_gradients(struct bench *bench, const char *what)
{
    analytic(bench);
    const struct hec_layout *layout = &bench->work.layout;
    for (int t = 0; t < HEC_TENSORS; t++) {
        const struct hec_tensor_place *place = &layout->place[t];
        if (t == HEC_T_PIECEWISE_EDGE || t == HEC_T_PIECEWISE_SCALE) {
            continue; /* given, not learned */
        }
        for (size_t i = 0; i < (size_t)place->rows * (size_t)place->cols; i++) {
            double *parameter = &bench->parameters[place->offset + i], was = *parameter;
            double (*loss)(struct bench *) = place->offset >= layout->decoder_first ? novelty_loss
                                             : bench->work.share                    ? both_losses
                                                                 : supervised_loss;
            *parameter = was + STEP;
            double above = loss(bench);
            *parameter = was - STEP;
            double below = loss(bench);
            *parameter = was;
            double numeric = (above - below) / (2 * STEP);
            double exact = bench->gradients[place->offset + i];
            double error = fabs(numeric - exact) / fmax(1e-2, fabs(numeric) + fabs(exact));
            cr_expect_lt(error, 1e-6, "%s: %s[%zu]: %.10g, by differences %.10g", what, place->name,
                         i, exact, numeric);
        }
    }
}

#endif
