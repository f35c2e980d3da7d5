/* Few shots: as many positives as asked for, nested, and nobody else tells when to stop. */
#include <criterion/criterion.h>
#include <string.h>

#include "hecate/train.h"

enum { ROWS = 1000, HEADS = 2 };

static void make(int8_t *targets, uint8_t *split)
{
    for (int row = 0; row < ROWS; row++) {
        targets[row * HEADS] = row % 10 == 0;
        targets[row * HEADS + 1] = row % 20 == 1;
        split[row] = row < 800 ? HEC_SPLIT_TRAIN : HEC_SPLIT_VALID;
    }
}

Test(shots, leaves_so_many_and_the_other_head_as_it_was)
{
    static int8_t targets[ROWS * HEADS], fewer[ROWS * HEADS];
    static uint8_t split[ROWS];
    make(targets, split);
    cr_expect_eq(hec_train_shots(targets, split, ROWS, HEADS, 1, 7, 3), 7);
    int left = 0, unknown = 0, other = 0;
    for (int row = 0; row < ROWS; row++) {
        bool train = split[row] == HEC_SPLIT_TRAIN;
        cr_expect_eq(train, row < 800);
        cr_expect(train || split[row] == HEC_SPLIT_NONE, "row %d still validates", row);
        left += train && targets[row * HEADS + 1] == HEC_TARGET_POSITIVE;
        unknown += targets[row * HEADS + 1] == HEC_TARGET_UNKNOWN;
        other += targets[row * HEADS] == HEC_TARGET_POSITIVE;
    }
    cr_expect_eq(left, 7);
    cr_expect_eq(unknown, 33);
    cr_expect_eq(other, 100);

    make(fewer, split);
    cr_expect_eq(hec_train_shots(fewer, split, ROWS, HEADS, 1, 3, 3), 3);
    for (int row = 0; row < 800; row++) {
        cr_expect(fewer[row * HEADS + 1] != 1 || targets[row * HEADS + 1] == 1, "not nested");
    }
    make(fewer, split);
    cr_expect_eq(hec_train_shots(fewer, split, ROWS, HEADS, 1, 7, 4), 7);
    cr_expect_neq(memcmp(fewer, targets, sizeof(fewer)), 0, "another seed draws others");
}

Test(shots, says_when_there_are_fewer)
{
    static int8_t targets[ROWS * HEADS];
    static uint8_t split[ROWS];
    make(targets, split);
    cr_expect_eq(hec_train_shots(targets, split, ROWS, HEADS, 1, 500, 3), 40);
}

Test(shots, finds_none_where_there_are_none_and_touches_no_negative)
{
    static int8_t targets[ROWS * HEADS];
    static uint8_t split[ROWS];
    make(targets, split);
    for (int row = 0; row < ROWS; row++) {
        targets[row * HEADS + 1] = row % 2 ? HEC_TARGET_NEGATIVE : HEC_TARGET_NOT_APPLICABLE;
    }
    cr_expect_eq(hec_train_shots(targets, split, ROWS, HEADS, 1, 5, 3), 0);
    for (int row = 0; row < ROWS; row++) {
        cr_expect_eq(targets[row * HEADS + 1],
                     row % 2 ? HEC_TARGET_NEGATIVE : HEC_TARGET_NOT_APPLICABLE);
    }
}
