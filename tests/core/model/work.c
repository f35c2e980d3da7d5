/* The activations: a stage that a network lacks is the one before, and nothing overlaps. */
#include "model/net.h"

#include <criterion/criterion.h>

static const struct hec_shape tiny = { .numerics = 5,
                                       .frequencies = 3,
                                       .periodic = 2,
                                       .hidden = { 4, 3 },
                                       .heads = 2,
                                       .tower = 3,
                                       .table_rows = 2,
                                       .table_dims = 1,
                                       .bottleneck = 2,
                                       .decoder = 4 };

Test(work, leaves_out_the_stages_that_a_shared_bottom_lacks)
{
    struct hec_work work;
    cr_assert_eq(hec_work_new(&work, &tiny, 3, HEC_WORK_TRAINING), HEC_OK);
    cr_expect_eq(work.s0, work.a0);
    cr_expect_eq(work.r, work.a1);
    cr_expect_eq(work.h, work.r);
    cr_expect_eq(work.da1, work.dr);
    cr_expect_eq(work.ds0, work.da0);
    cr_expect_eq(work.trunks, 1);
    hec_work_free(&work);
    cr_assert_eq(hec_work_new(&work, &tiny, 3, HEC_WORK_SHARING), HEC_OK);
    cr_expect_neq(work.r, work.a1, "a sharing decoder must know which units dropout hid");
    hec_work_free(&work);
}

Test(work, has_arrays_of_their_own_for_those_that_are_there)
{
    struct hec_work work;
    struct hec_shape shape = tiny;
    shape.arch = HEC_ARCH_CROSS_STITCH;
    shape.fusion = HEC_FUSION_CONCAT;
    cr_assert_eq(hec_work_new(&work, &shape, 3, HEC_WORK_TRAINING), HEC_OK);
    cr_expect(work.s0 >= work.a0 + 3 * 2 * 4, "a trunk a head, three rows, four units");
    cr_expect(work.r >= work.a1 + 3 * 2 * 3);
    cr_expect(work.h >= work.r + 3 * 2 * 7);
    cr_expect_neq(work.da1, work.dr);
    hec_work_free(&work);
    cr_assert_eq(hec_work_new(&work, &shape, 3, HEC_WORK_SERVING), HEC_OK);
    cr_expect_null(work.dr, "serving has no gradients");
    cr_expect_not_null(work.whole, "two trunks are read side by side");
    hec_work_free(&work);
}

Test(work, holds_what_stood_before_each_nonlinearity)
{
    struct hec_before before;
    struct hec_shape shape = tiny;
    shape.arch = HEC_ARCH_CROSS_STITCH;
    cr_assert_eq(hec_before_new(&before, &shape), HEC_OK);
    cr_expect_eq(before.a1 - before.a0, 2 * 4);
    cr_expect_eq(before.t - before.masks, 2 * 3);
    hec_before_free(&before);
    cr_expect_null(before.block);
}
