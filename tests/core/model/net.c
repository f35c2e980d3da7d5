/* The network: every gradient against finite differences, in double, with masks and without. */
#include "net_bench.h"

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
