/* The trunks: two layers, one layer, and what fusion makes of both. */
#include "net_bench.h"

#include "model/net_inside.h"

static double *tensor(struct bench *bench, enum hec_tensor tensor)
{
    return bench->parameters + bench->work.layout.place[tensor].offset;
}

Test(trunk, puts_both_layers_side_by_side)
{
    struct hec_shape shape = tiny;
    struct bench bench;
    shape.fusion = HEC_FUSION_CONCAT;
    set_up(&bench, &shape, 1);
    struct hec_work *work = &bench.work;
    hec_net_forward(work, bench.parameters, ROWS, 0);
    cr_expect_eq(work->width, 7);
    for (int row = 0; row < ROWS; row++) {
        for (int i = 0; i < 7; i++) {
            double is = work->r[row * 7 + i];
            cr_expect_eq(is, i < 4 ? work->a0[row * 4 + i] : work->a1[row * 3 + i - 4]);
        }
    }
    tear_down(&bench);
}

/* A gate wide open lets the last layer through and nothing else; shut, only the skipped one. */
Test(trunk, weighs_both_layers_by_a_gate)
{
    struct hec_shape shape = tiny;
    struct bench bench;
    shape.fusion = HEC_FUSION_GATED;
    set_up(&bench, &shape, 2);
    struct hec_work *work = &bench.work;
    for (int i = 0; i < 3; i++) {
        tensor(&bench, HEC_T_FUSE_GATE_BIAS)[i] = i == 0 ? 1000 : i == 1 ? -1000 : 0;
        memset(tensor(&bench, HEC_T_FUSE_GATE_WEIGHT) + i * 3, 0, 3 * sizeof(double));
    }
    hec_net_forward(work, bench.parameters, ROWS, 0);
    for (int row = 0; row < ROWS; row++) {
        const double *r = work->r + row * 3, *a1 = work->a1 + row * 3, *skip = work->skip + row * 3;
        cr_expect_eq(r[0], a1[0]);
        cr_expect_eq(r[1], skip[1]);
        cr_expect_float_eq(r[2], (a1[2] + skip[2]) / 2, 1e-12);
    }
    tear_down(&bench);
}

Test(trunk, of_one_layer_reads_the_input)
{
    struct hec_shape shape = tiny;
    struct bench bench;
    shape.hidden[0] = 0;
    set_up(&bench, &shape, 3);
    struct hec_work *work = &bench.work;
    expect_gradients(&bench, "one layer");
    hec_net_forward(work, bench.parameters, ROWS, 0);
    double sum = tensor(&bench, HEC_T_TRUNK_1_BIAS)[0];
    for (int i = 0; i < work->inputs; i++) {
        sum += tensor(&bench, HEC_T_TRUNK_1_WEIGHT)[i] * work->input[i];
    }
    cr_expect_float_eq(work->a1[0], fmax(sum, 0), 1e-12);
    tear_down(&bench);
}
