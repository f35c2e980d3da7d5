/* Suspects: accused with others, tried alone, set aside by the third attempt; and the innocent go
 * free. */
#include "engine/suspects.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static struct hec_suspects *suspects;

static void begin(void)
{
    suspects = calloc(1, sizeof(*suspects));
}

static void end(void)
{
    free(suspects);
}

TestSuite(suspects, .init = begin, .fini = end);

Test(suspects, a_guilty_one_is_set_aside_by_the_third_attempt)
{
    cr_expect_eq(hec_suspects_way(suspects, 1, 7), HEC_WAY_USUAL);
    hec_suspects_next_attempt(suspects);
    cr_expect_eq(hec_suspects_accuse(suspects, 1, 7, false), HEC_WAY_ALONE);
    hec_suspects_next_attempt(suspects);
    cr_expect_eq(hec_suspects_accuse(suspects, 1, 7, false), HEC_WAY_LETTER);
    cr_expect_eq(hec_suspects_way(suspects, 1, 7), HEC_WAY_LETTER);
    hec_suspects_next_attempt(suspects);
    cr_expect_eq(hec_suspects_accuse(suspects, 1, 7, false), HEC_WAY_DIGEST);
    for (int i = 0; i < 3; i++) {
        hec_suspects_next_attempt(suspects);
        cr_expect_eq(hec_suspects_accuse(suspects, 1, 7, false), HEC_WAY_NONE);
    }
}

/* An alert and a score of the same record are refused together. */
Test(suspects, two_accusations_of_one_attempt_are_one)
{
    hec_suspects_next_attempt(suspects);
    cr_expect_eq(hec_suspects_accuse(suspects, 1, 7, false), HEC_WAY_ALONE);
    cr_expect_eq(hec_suspects_accuse(suspects, 1, 7, false), HEC_WAY_ALONE);
    cr_expect_eq(suspects->count, 1);
}

Test(suspects, what_was_proved_goes_to_the_dead_letters_at_once)
{
    hec_suspects_next_attempt(suspects);
    cr_expect_eq(hec_suspects_accuse(suspects, 1, 7, true), HEC_WAY_LETTER);
}

Test(suspects, whoever_was_published_is_forgotten)
{
    hec_suspects_next_attempt(suspects);
    for (int64_t offset = 0; offset < 10; offset++) {
        (void)hec_suspects_accuse(suspects, 1, offset, false);
        (void)hec_suspects_accuse(suspects, 2, offset, false);
    }
    hec_suspects_forget(suspects, 1, 9);
    cr_expect_eq(suspects->count, 11);
    cr_expect_eq(hec_suspects_way(suspects, 1, 8), HEC_WAY_USUAL);
    cr_expect_eq(hec_suspects_way(suspects, 1, 9), HEC_WAY_ALONE);
    cr_expect_eq(hec_suspects_way(suspects, 2, 0), HEC_WAY_ALONE);
}

Test(suspects, more_than_there_is_room_for_are_accused_another_time)
{
    hec_suspects_next_attempt(suspects);
    for (int64_t offset = 0; offset < HEC_SUSPECTS_MAX; offset++) {
        cr_assert_eq(hec_suspects_accuse(suspects, 0, offset, false), HEC_WAY_ALONE);
    }
    cr_expect_eq(hec_suspects_accuse(suspects, 0, HEC_SUSPECTS_MAX, false), HEC_WAY_USUAL);
    hec_suspects_forget(suspects, 0, 1);
    cr_expect_eq(hec_suspects_accuse(suspects, 0, HEC_SUSPECTS_MAX, false), HEC_WAY_ALONE);
}
