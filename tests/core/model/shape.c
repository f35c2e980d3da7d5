/* The shape: nothing overlaps, nothing is forgotten, and what is counted is what there is. */
#include "model/shape.h"

#include <criterion/criterion.h>
#include <string.h>

static const struct hec_shape full = { .numerics = 30,
                                       .indicators = 10,
                                       .categories = 4,
                                       .frequencies = 8,
                                       .periodic = 4,
                                       .table_rows = 4096,
                                       .table_dims = 8,
                                       .hidden = { 128, 64 },
                                       .heads = 2,
                                       .tower = 32,
                                       .bottleneck = 8,
                                       .decoder = 32 };

static void expect_sound(const struct hec_shape *shape)
{
    struct hec_layout layout;
    hec_layout_of(&layout, shape);
    size_t at = 0, parameters = 0;
    for (int t = 0; t < HEC_TENSORS; t++) {
        const struct hec_tensor_place *place = &layout.place[t];
        size_t numbers = (size_t)place->rows * (size_t)place->cols;
        cr_expect_geq(place->offset, at, "%s overlaps", place->name);
        cr_expect_eq(place->offset % 16, 0u, "%s begins within a line", place->name);
        cr_expect_lt(place->offset - at, 16u, "%s leaves a hole", place->name);
        at = place->offset + numbers;
        parameters += numbers;
    }
    cr_expect_geq(layout.numbers, at);
    cr_expect_eq(layout.numbers % 16, 0u);
    cr_expect_eq(layout.parameters, parameters);
    cr_expect_eq(layout.decoder_first, layout.place[HEC_T_DECODER_0_WEIGHT].offset);
}

Test(shape, lays_tensors_one_behind_the_other)
{
    expect_sound(&full);
    struct hec_shape odd = full;
    odd.numerics = 1;
    odd.indicators = 0;
    odd.categories = 0;
    odd.heads = 1;
    odd.hidden[0] = 5;
    odd.hidden[1] = 3;
    odd.tower = 1;
    odd.bottleneck = 0;
    odd.decoder = 0;
    expect_sound(&odd);
}

Test(shape, counts_the_design_as_the_design_does)
{
    struct hec_layout layout;
    hec_layout_of(&layout, &full);
    cr_expect_eq(hec_shape_inputs(&full), 30 + 10 + 120 + 32);
    size_t dense = layout.parameters - 4 * 4096 * 8;
    size_t expected = 8 * 30 + 4 * 16 + 4 + 192 * 128 + 128 + 128 * 64 + 64 + 64 * 64 + 64 + 64 +
                      2 + 64 * 8 + 8 + 8 * 32 + 32 + 32 * 30 + 30;
    cr_expect_eq(dense, expected);
    size_t flops = hec_shape_flops(&full);
    cr_expect(flops > 80000 && flops < 95000, "%zu", flops);
}

/* Sharing the trunk is the point: a second head must not cost a second network. */
Test(shape, makes_a_second_head_cheap)
{
    struct hec_shape one = full;
    one.heads = 1;
    cr_expect_lt((double)hec_shape_flops(&full), 1.3 * (double)hec_shape_flops(&one));
}

Test(shape, decays_matrices_only)
{
    struct hec_layout layout;
    hec_layout_of(&layout, &full);
    for (int t = 0; t < HEC_TENSORS; t++) {
        const char *name = layout.place[t].name;
        bool weight = strstr(name, "weight") != NULL;
        cr_expect_eq(layout.place[t].is_matrix, weight, "%s", name);
    }
    struct hec_shape one = full;
    one.heads = 1;
    hec_layout_of(&layout, &one);
    cr_expect(layout.place[HEC_T_HEADS_1_WEIGHT].is_matrix);
    cr_expect(!layout.place[HEC_T_HEADS_1_BIAS].is_matrix);
}
