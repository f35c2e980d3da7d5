/* The mix: every architecture's gradients against finite differences, and what each reduces to. */
#include "net_bench.h"

#include <stdio.h>

#include "model/net_inside.h"

static struct hec_shape shape_of(enum hec_arch arch, enum hec_fusion fusion, enum hec_embed embed)
{
    struct hec_shape shape = tiny;
    bool mixes = arch == HEC_ARCH_MMOE || arch == HEC_ARCH_CGC;
    shape.arch = arch;
    shape.fusion = fusion;
    shape.experts = arch == HEC_ARCH_MMOE ? 3 : mixes ? 2 : 0;
    shape.frequencies = embed == HEC_EMBED_PERIODIC ? 3 : 0;
    shape.bins = embed == HEC_EMBED_PIECEWISE ? 3 : 0;
    shape.periodic = embed == HEC_EMBED_NONE ? 0 : 2;
    return shape;
}

/* Rows and heads are masked in turns: all known; one head dark; no positive anywhere. */
static void mask(struct bench *bench, int way)
{
    for (int i = 0; i < ROWS * tiny.heads && way > 0; i++) {
        bench->target[i] = (int8_t)(way == 2 ? 0 : i % tiny.heads == 0 ? -1 - i % 2 : i % 3 == 0);
    }
}

Test(mix, has_the_gradients_of_finite_differences_in_every_architecture)
{
    uint64_t seed = 0;
    for (int arch = 0; arch < HEC_ARCHS; arch++) {
        for (int fusion = 0; fusion < HEC_FUSIONS; fusion++) {
            for (int embed = 0; embed < HEC_EMBEDS; embed++) {
                struct hec_shape shape = shape_of(arch, fusion, embed);
                for (int way = 0; way < 3; way++) {
                    struct bench bench;
                    char what[96];
                    set_up_as(&bench, &shape, 100 + seed++,
                              way == 1 ? HEC_WORK_TRAINING : HEC_WORK_SHARING);
                    mask(&bench, way);
                    bench.dropout = way == 0;
                    bench.gamma = (double)(seed % 2) * 2;
                    snprintf(what, sizeof(what), "%s, fusion %s, embed %s, labels %d",
                             hec_arch_names[arch], hec_fusion_names[fusion], hec_embed_names[embed],
                             way);
                    expect_gradients(&bench, what);
                    tear_down(&bench);
                }
            }
        }
    }
    cr_expect_eq(seed, 6u * 3 * 3 * 3);
}

Test(mix, has_them_through_one_gate_for_all_and_experts_of_one_layer)
{
    struct hec_shape shape = shape_of(HEC_ARCH_MMOE, HEC_FUSION_NONE, HEC_EMBED_PERIODIC);
    struct bench bench;
    shape.one_gate = 1;
    set_up(&bench, &shape, 1);
    expect_gradients(&bench, "one gate");
    tear_down(&bench);
    shape.one_gate = 0;
    shape.hidden[0] = 0;
    set_up(&bench, &shape, 2);
    expect_gradients(&bench, "one layer");
    tear_down(&bench);
}

/* Copies a tensor of one network over one of another, so many times over. */
static void copy(struct bench *to, const struct bench *from, enum hec_tensor tensor, int times)
{
    const struct hec_tensor_place *place = &from->work.layout.place[tensor];
    size_t numbers = (size_t)place->rows * (size_t)place->cols;
    for (int i = 0; i < times; i++) {
        memcpy(to->parameters + to->work.layout.place[tensor].offset + (size_t)i * numbers,
               from->parameters + place->offset, sizeof(double) * numbers);
    }
}

static void copy_all(struct bench *to, const struct bench *from)
{
    for (int t = 0; t < HEC_TENSORS; t++) {
        const struct hec_tensor_place *a = &to->work.layout.place[t];
        const struct hec_tensor_place *b = &from->work.layout.place[t];
        if (a->rows == b->rows && a->cols == b->cols) {
            copy(to, from, t, 1);
        }
    }
    memcpy(to->work.input, from->work.input, sizeof(double) * (size_t)(ROWS * to->work.inputs));
    memcpy(to->work.index, from->work.index, sizeof(uint32_t) * (size_t)(ROWS * tiny.categories));
}

Test(mix, is_the_shared_bottom_through_masks_of_one)
{
    struct hec_shape attention = shape_of(HEC_ARCH_ATTENTION, 0, 0);
    struct bench plain, masked;
    set_up(&plain, &tiny, 3);
    set_up(&masked, &attention, 3);
    copy_all(&masked, &plain);
    const struct hec_tensor_place *place = masked.work.layout.place;
    for (int i = 0; i < place[HEC_T_MASK_BIAS].cols; i++) {
        masked.parameters[place[HEC_T_MASK_BIAS].offset + (size_t)i] = 1000;
    }
    hec_net_forward(&plain.work, plain.parameters, ROWS, 0);
    hec_net_forward(&masked.work, masked.parameters, ROWS, 0);
    for (int i = 0; i < ROWS * tiny.heads; i++) {
        cr_expect_float_eq(masked.work.z[i], plain.work.z[i], 1e-12);
    }
    tear_down(&plain);
    tear_down(&masked);
}

Test(mix, is_single_tasks_through_stitches_of_identity_bit_for_bit)
{
    struct hec_shape single = shape_of(HEC_ARCH_SINGLE, 0, 0);
    struct hec_shape stitched = shape_of(HEC_ARCH_CROSS_STITCH, 0, 0);
    struct bench alone, crossed;
    set_up(&alone, &single, 4);
    set_up(&crossed, &stitched, 4);
    copy_all(&crossed, &alone);
    for (int s = 0; s < 2; s++) {
        const struct hec_tensor_place *place =
            &crossed.work.layout.place[s == 0 ? HEC_T_STITCH_0 : HEC_T_STITCH_1];
        for (int i = 0; i < place->rows * place->cols; i++) {
            crossed.parameters[place->offset + (size_t)i] = i % (place->cols + 1) == 0;
        }
    }
    hec_net_forward(&alone.work, alone.parameters, ROWS, 0);
    hec_net_forward(&crossed.work, crossed.parameters, ROWS, 0);
    cr_expect_eq(memcmp(alone.work.z, crossed.work.z, sizeof(double) * ROWS * 2), 0);
    tear_down(&alone);
    tear_down(&crossed);
}

/* All experts alike: however the gates weigh them, it is one trunk. */
Test(mix, is_one_trunk_when_all_experts_are_alike)
{
    struct hec_shape mixture = shape_of(HEC_ARCH_MMOE, 0, 0);
    struct bench plain, mixed;
    set_up(&plain, &tiny, 5);
    set_up(&mixed, &mixture, 5);
    copy_all(&mixed, &plain);
    for (int t = HEC_T_TRUNK_0_WEIGHT; t <= HEC_T_TRUNK_1_BIAS; t++) {
        copy(&mixed, &plain, t, plain.work.layout.place[t].cols > 0 ? mixture.experts : 0);
    }
    hec_net_forward(&plain.work, plain.parameters, ROWS, 0);
    hec_net_forward(&mixed.work, mixed.parameters, ROWS, 0);
    for (int i = 0; i < ROWS * tiny.heads; i++) {
        cr_expect_float_eq(mixed.work.z[i], plain.work.z[i], 1e-12);
    }
    tear_down(&plain);
    tear_down(&mixed);
}

Test(mix, keeps_an_expert_of_one_head_from_the_others)
{
    struct hec_shape shape = shape_of(HEC_ARCH_CGC, 0, 0);
    struct bench bench;
    set_up(&bench, &shape, 6);
    hec_net_forward(&bench.work, bench.parameters, ROWS, 0);
    double before[ROWS * 2];
    memcpy(before, bench.work.z, sizeof(before));
    const struct hec_tensor_place *place = &bench.work.layout.place[HEC_T_TRUNK_1_BIAS];
    bench.parameters[place->offset + (size_t)(3 * tiny.hidden[1])] += 3; /* the second head's own */
    hec_net_forward(&bench.work, bench.parameters, ROWS, 0);
    for (int row = 0; row < ROWS; row++) {
        cr_expect_eq(bench.work.z[row * 2], before[row * 2], "the first head heard it");
        cr_expect_neq(bench.work.z[row * 2 + 1], before[row * 2 + 1], "its own did not");
    }
    tear_down(&bench);
}

/* What each task alone wants adds up to what all want; and one task's part is what is left when
 * the others are silent. */
Test(mix, tells_the_tasks_apart_at_the_representation)
{
    for (int arch = 0; arch < HEC_ARCHS; arch++) {
        struct hec_shape shape = shape_of(arch, HEC_FUSION_CONCAT, 0);
        struct bench bench;
        set_up_as(&bench, &shape, 7, HEC_WORK_SHARING);
        struct hec_work *work = &bench.work;
        size_t all = (size_t)work->trunks * ROWS * (size_t)work->width;
        supervised_loss(&bench);
        novelty_loss(&bench);
        hec_net_heads_backward(work, bench.parameters, bench.gradients, ROWS, 1);
        hec_net_each(work, bench.parameters, ROWS, 1, bench.spread);
        for (size_t i = 0; i < all; i++) {
            double sum = bench.spread[i] + bench.spread[all + i] + bench.spread[2 * all + i];
            cr_assert_float_eq(sum, work->dr[i], 1e-12, "%s: %zu", hec_arch_names[arch], i);
        }
        for (int row = 0; row < ROWS; row++) {
            work->dz[row * 2 + 1] = 0;
        }
        memset(work->dy, 0, sizeof(double) * (size_t)(ROWS * tiny.numerics));
        hec_net_heads_backward(work, bench.parameters, bench.gradients, ROWS, 1);
        for (size_t i = 0; i < all; i++) {
            cr_assert_float_eq(bench.spread[i], work->dr[i], 1e-12, "%s: %zu", hec_arch_names[arch],
                               i);
        }
        tear_down(&bench);
    }
}
