/* The network: every gradient against finite differences, in double, with masks and without. */
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
    double *parameters, *gradients;
    double input[ROWS * 64];
    int8_t target[ROWS * 4];
    float weight[ROWS * 4], scale[4];
    uint8_t counts[ROWS];
    int dropout;
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

static void set_up(struct bench *bench, const struct hec_shape *shape, uint64_t seed)
{
    struct hec_random random = hec_random_at(seed, 0);
    memset(bench, 0, sizeof(*bench));
    cr_assert_eq(hec_work_new(&bench->work, shape, ROWS, 1), HEC_OK);
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
    for (int i = 0; i < ROWS * shape->hidden[0]; i++) {
        work->keep0[i] = hec_random_below(&random, 4) ? 1.25 : 0;
    }
    for (int i = 0; i < ROWS * shape->hidden[1]; i++) {
        work->keep1[i] = hec_random_below(&random, 4) ? 1.25 : 0;
    }
}

static void tear_down(struct bench *bench)
{
    free(bench->parameters);
    free(bench->gradients);
    hec_work_free(&bench->work);
}

static double supervised_loss(struct bench *bench)
{
    struct hec_work *work = &bench->work;
    double loss[4], sum = 0;
    hec_net_forward(work, bench->parameters, ROWS, bench->dropout);
    hec_bce(work->dz, loss, work->z, bench->target, bench->weight, bench->scale, ROWS,
            work->shape.heads);
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

/* Central differences of the loss that a parameter belongs to: the decoder's own numbers answer to
 * the reconstruction, all others to the heads only. */
static void expect_gradients(struct bench *bench, const char *what)
{
    analytic(bench);
    const struct hec_layout *layout = &bench->work.layout;
    for (int t = 0; t < HEC_TENSORS; t++) {
        const struct hec_tensor_place *place = &layout->place[t];
        for (size_t i = 0; i < (size_t)place->rows * (size_t)place->cols; i++) {
            double *parameter = &bench->parameters[place->offset + i], was = *parameter;
            double (*loss)(struct bench *) =
                place->offset >= layout->decoder_first ? novelty_loss : supervised_loss;
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

Test(net, has_the_gradients_of_finite_differences)
{
    struct bench bench;
    set_up(&bench, &tiny, 1);
    expect_gradients(&bench, "all labelled");
    tear_down(&bench);
}

Test(net, has_them_under_dropout)
{
    struct bench bench;
    set_up(&bench, &tiny, 2);
    bench.dropout = 1;
    expect_gradients(&bench, "dropout");
    tear_down(&bench);
}

Test(net, has_them_when_rows_and_whole_heads_are_masked)
{
    struct bench bench;
    set_up(&bench, &tiny, 3);
    for (int row = 0; row < ROWS; row++) {
        bench.target[row * 2] = row == 2 ? 0 : -1; /* one labelled row */
    }
    expect_gradients(&bench, "one labelled row");
    for (int row = 0; row < ROWS; row++) {
        bench.target[row * 2] = row % 2 ? -1 : -2;
        bench.target[row * 2 + 1] = 0; /* and no positive in the other */
    }
    expect_gradients(&bench, "one head dark, the other without a positive");

    analytic(&bench);
    const struct hec_tensor_place *out = &bench.work.layout.place[HEC_T_HEADS_1_WEIGHT];
    for (int i = 0; i < tiny.tower; i++) {
        cr_expect_eq(bench.gradients[out->offset + (size_t)i], 0, "a dark head moved");
    }
    tear_down(&bench);
}

Test(net, has_them_without_parts_that_a_model_may_lack)
{
    struct hec_shape shape = tiny;
    struct bench bench;
    shape.categories = 0;
    shape.indicators = 0;
    set_up(&bench, &shape, 4);
    expect_gradients(&bench, "numbers only");
    tear_down(&bench);

    shape = tiny;
    shape.numerics = 0;
    shape.bottleneck = 0;
    shape.decoder = 0;
    shape.indicators = 0;
    set_up(&bench, &shape, 5);
    expect_gradients(&bench, "categories only");
    tear_down(&bench);

    shape = tiny;
    shape.heads = 1;
    shape.periodic = 0;
    set_up(&bench, &shape, 6);
    expect_gradients(&bench, "one head, no periodic embedding");
    tear_down(&bench);
}

Test(net, keeps_the_decoders_loss_away_from_the_trunk)
{
    struct bench bench;
    set_up(&bench, &tiny, 7);
    analytic(&bench);
    size_t shared = bench.work.layout.decoder_first;
    double *before = malloc(shared * sizeof(double));
    memcpy(before, bench.gradients, shared * sizeof(double));

    for (size_t i = 0; i < ROWS * (size_t)tiny.numerics; i++) {
        bench.work.dy[i] *= 1000;
    }
    memset(bench.gradients, 0, sizeof(double) * bench.work.layout.numbers);
    supervised_loss(&bench);
    hec_net_backward(&bench.work, bench.parameters, bench.gradients, ROWS, 0);
    cr_expect_eq(memcmp(before, bench.gradients, shared * sizeof(double)), 0);
    free(before);
    tear_down(&bench);
}

/* The same network written down once more as plain loops, and libm's sine. */
static double plain_logit(const struct bench *bench, int row, int head)
{
    const struct hec_work *work = &bench->work;
    const struct hec_tensor_place *place = work->layout.place;
    const double *p = bench->parameters;
    double input[64], h0[8], h1[8];
    memcpy(input, work->input + row * work->inputs, 7 * sizeof(double));
    for (int j = 0; j < 5; j++) {
        for (int e = 0; e < 2; e++) {
            double sum = p[place[HEC_T_PERIODIC_BIAS].offset + (size_t)e];
            for (int q = 0; q < 3; q++) {
                const double *w = p + place[HEC_T_PERIODIC_WEIGHT].offset + e * 6;
                double turn =
                    2 * M_PI * p[place[HEC_T_PERIODIC_FREQUENCY].offset + (size_t)(q * 5 + j)];
                sum += w[q] * sin(turn * input[j]) + w[3 + q] * cos(turn * input[j]);
            }
            input[7 + e * 5 + j] = fmax(sum, 0);
        }
    }
    for (int k = 0; k < 2; k++) {
        for (int e = 0; e < 3; e++) {
            input[17 + k * 3 + e] =
                p[place[HEC_T_TABLE].offset + work->index[row * 2 + k] * 3 + (size_t)e];
        }
    }
    for (int o = 0; o < 4; o++) {
        double sum = p[place[HEC_T_TRUNK_0_BIAS].offset + (size_t)o];
        for (int i = 0; i < 23; i++) {
            sum += p[place[HEC_T_TRUNK_0_WEIGHT].offset + (size_t)(o * 23 + i)] * input[i];
        }
        h0[o] = fmax(sum, 0);
    }
    for (int o = 0; o < 3; o++) {
        double sum = p[place[HEC_T_TRUNK_1_BIAS].offset + (size_t)o];
        for (int i = 0; i < 4; i++) {
            sum += p[place[HEC_T_TRUNK_1_WEIGHT].offset + (size_t)(o * 4 + i)] * h0[i];
        }
        h1[o] = fmax(sum, 0);
    }
    double z = p[place[HEC_T_HEADS_1_BIAS].offset + (size_t)head];
    for (int o = 0; o < 3; o++) {
        size_t unit = (size_t)(head * 3 + o);
        double sum = p[place[HEC_T_HEADS_0_BIAS].offset + unit];
        for (int i = 0; i < 3; i++) {
            sum += p[place[HEC_T_HEADS_0_WEIGHT].offset + unit * 3 + (size_t)i] * h1[i];
        }
        z += p[place[HEC_T_HEADS_1_WEIGHT].offset + unit] * fmax(sum, 0);
    }
    return z;
}

Test(net, equals_plain_loops_for_many_rows_and_for_few)
{
    struct bench bench;
    set_up(&bench, &tiny, 8);
    for (int rows = 1; rows <= ROWS; rows++) {
        hec_net_forward(&bench.work, bench.parameters, rows, 0);
        for (int row = 0; row < rows; row++) {
            for (int k = 0; k < 2; k++) {
                cr_expect_float_eq(bench.work.z[row * 2 + k], plain_logit(&bench, row, k), 1e-12);
            }
        }
    }
    tear_down(&bench);
}
