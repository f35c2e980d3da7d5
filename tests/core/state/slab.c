/* Size classes: what they lose is bounded, what is given back is taken again. */
#include "state/slab.h"

#include <criterion/criterion.h>
#include <string.h>

Test(slab, has_a_class_for_every_size_that_wastes_at_most_a_quarter)
{
    for (size_t bytes = 1; bytes <= 70000; bytes++) {
        unsigned class = hec_slab_class(bytes);
        cr_assert_geq(hec_slab_bytes(class), bytes);
        cr_assert(bytes <= 256 ? hec_slab_bytes(class) - bytes < 16
                               : (hec_slab_bytes(class) - bytes) * 5 <= bytes * 2,
                  "%zu bytes in %zu", bytes, hec_slab_bytes(class));
        cr_assert(class == 0 || hec_slab_bytes(class - 1) < bytes, "%zu fits a smaller class",
                  bytes);
    }
}

Test(slab, reaches_up_to_one_mebibyte)
{
    unsigned class = hec_slab_class((size_t)1 << 20);
    cr_expect_lt(class, HEC_SLAB_CLASSES);
    cr_expect_eq(hec_slab_bytes(class), (size_t)1 << 20);
}

Test(slab, gives_objects_that_do_not_overlap_and_are_aligned)
{
    enum { N = 3000 };
    static unsigned char *objects[N];
    struct hec_slab slab = { 0 };
    for (int i = 0; i < N; i++) {
        unsigned class = hec_slab_class(1 + (size_t)i * 37 % 5000);
        objects[i] = hec_slab_take(&slab, class);
        cr_assert_not_null(objects[i]);
        cr_assert_eq((uintptr_t)objects[i] % 16, 0u);
        memset(objects[i], i & 255, hec_slab_bytes(class));
    }
    for (int i = 0; i < N; i++) {
        size_t bytes = hec_slab_bytes(hec_slab_class(1 + (size_t)i * 37 % 5000));
        cr_assert_eq(objects[i][0], i & 255);
        cr_assert_eq(objects[i][bytes - 1], i & 255);
    }
    hec_slab_free(&slab);
}

Test(slab, counts_what_is_live_and_takes_again_what_was_given_back)
{
    struct hec_slab slab = { 0 };
    unsigned class = hec_slab_class(200);
    void *first = hec_slab_take(&slab, class);
    void *second = hec_slab_take(&slab, class);
    cr_expect_eq(slab.bytes_used, 2 * hec_slab_bytes(class));
    hec_slab_give(&slab, class, first);
    cr_expect_eq(slab.bytes_used, hec_slab_bytes(class));
    cr_expect_eq(hec_slab_take(&slab, class), first);
    cr_expect_neq(hec_slab_take(&slab, class), second);
    hec_slab_free(&slab);
    cr_expect_eq(slab.bytes_used, 0u);
}

Test(slab, holds_objects_larger_than_a_page)
{
    struct hec_slab slab = { 0 };
    unsigned class = hec_slab_class(300000);
    unsigned char *object = hec_slab_take(&slab, class);
    memset(object, 7, 300000);
    hec_slab_give(&slab, class, object);
    cr_expect_eq(hec_slab_take(&slab, class), (void *)object);
    hec_slab_free(&slab);
}
