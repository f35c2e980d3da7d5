/* Short memories: exact while they last, oldest forgotten first. */
#include "state/recent.h"

#include <criterion/criterion.h>

#include "fixture.h"
#include "hecate/random.h"

static const struct hec_part SEEN = { .kind = HEC_PART_SEEN,
                                      .element_bytes = 4,
                                      .elements_max = HEC_SEEN_MAX };
static const struct hec_part IDS = { .kind = HEC_PART_IDS,
                                     .element_bytes = HEC_IDS_BYTES,
                                     .elements_max = HEC_IDS_MAX };
static const struct hec_part VERDICTS = { .kind = HEC_PART_VERDICTS,
                                          .element_bytes = HEC_VERDICT_BYTES,
                                          .elements_max = HEC_VERDICTS_MAX };
static struct fixture fixture;

static void see(uint32_t hash)
{
    uint32_t index = hec_seen_find(*fixture_count(&fixture), fixture_part(&fixture), hash);
    fixture_room(&fixture, index == *fixture_count(&fixture));
    hec_seen_add(fixture_count(&fixture), fixture_part(&fixture), index, hash);
}

static bool seen(uint32_t hash)
{
    uint16_t count = *fixture_count(&fixture);
    return hec_seen_find(count, fixture_part(&fixture), hash) < count;
}

Test(recent, has_seen_what_it_saw_and_nothing_else)
{
    fixture_record(&fixture, SEEN);
    cr_expect_not(seen(5));
    see(5);
    see(5);
    cr_expect(seen(5));
    cr_expect_not(seen(6));
    cr_expect_eq(*fixture_count(&fixture), 1);
    cr_expect(fixture_is_sound(&fixture));
}

Test(recent, forgets_the_value_that_was_used_longest_ago)
{
    fixture_record(&fixture, SEEN);
    for (uint32_t i = 0; i < HEC_SEEN_MAX; i++) {
        see(i);
    }
    see(0); /* used again: 1 is the oldest now */
    see(100);
    cr_expect(seen(0));
    cr_expect_not(seen(1));
    cr_expect(seen(2));
    cr_expect(seen(100));
    cr_expect_eq(*fixture_count(&fixture), HEC_SEEN_MAX);
    cr_expect(fixture_is_sound(&fixture));
}

/* The oracle stamps each value with the moment of its last use. */
Test(recent, agrees_with_a_list_of_stamps)
{
    enum { VALUES = 60 };
    int stamp[VALUES] = { 0 };
    struct hec_random random = hec_random_at(3, 0);
    fixture_record(&fixture, SEEN);
    for (int n = 1; n < 3000; n++) {
        uint32_t value = (uint32_t)hec_random_below(&random, VALUES);
        int newer = 0;
        for (int i = 0; i < VALUES; i++) {
            newer += stamp[value] != 0 && stamp[i] > stamp[value];
        }
        cr_assert_eq(seen(value), stamp[value] != 0 && newer < HEC_SEEN_MAX, "value %u", value);
        see(value);
        stamp[value] = n;
    }
    cr_expect(fixture_is_sound(&fixture));
}

static void accept(uint64_t hash, int64_t second)
{
    fixture_room(&fixture, true);
    hec_ids_add(fixture_count(&fixture), fixture_part(&fixture), hash, second);
}

static bool accepted(uint64_t hash, int64_t second)
{
    return hec_ids_has(*fixture_count(&fixture), fixture_part(&fixture), hash, second, 3600);
}

Test(recent, knows_an_id_within_the_window_on_both_sides)
{
    fixture_record(&fixture, IDS);
    accept(UINT64_C(0x123456789abcdef0), 10000);
    cr_expect(accepted(UINT64_C(0x123456789abcdef0), 10000));
    cr_expect(accepted(UINT64_C(0x123456789abcdef0), 13600));
    cr_expect_not(accepted(UINT64_C(0x123456789abcdef0), 13601));
    cr_expect(accepted(UINT64_C(0x123456789abcdef0), 6400));
    cr_expect_not(accepted(UINT64_C(0x123456789abcdef0), 6399));
    cr_expect_not(accepted(UINT64_C(0x023456789abcdef0), 10000), "all 64 bits count");
    cr_expect(fixture_is_sound(&fixture));
}

Test(recent, knows_the_last_32_ids)
{
    fixture_record(&fixture, IDS);
    for (uint64_t i = 0; i < HEC_IDS_MAX; i++) {
        accept(i, 0);
    }
    cr_expect(accepted(0, 0));
    accept(99, 0);
    cr_expect_not(accepted(0, 0));
    cr_expect(accepted(1, 0));
    cr_expect(accepted(99, 0));
    cr_expect_eq(*fixture_count(&fixture), HEC_IDS_MAX);
    cr_expect(fixture_is_sound(&fixture));
}

Test(recent, finds_an_id_again_behind_an_older_one_of_the_same_name)
{
    fixture_record(&fixture, IDS);
    accept(7, 0);
    accept(7, 100000);
    cr_expect(accepted(7, 100001));
}

static void judge(uint32_t target, uint32_t verdict)
{
    fixture_room(&fixture, hec_verdicts_find(*fixture_count(&fixture), fixture_part(&fixture),
                                             target) == HEC_VERDICT_UNKNOWN);
    hec_verdicts_set(fixture_count(&fixture), fixture_part(&fixture), target, verdict);
}

static uint32_t judged(uint32_t target)
{
    return hec_verdicts_find(*fixture_count(&fixture), fixture_part(&fixture), target);
}

Test(recent, remembers_the_newest_verdict_of_a_target)
{
    fixture_record(&fixture, VERDICTS);
    cr_expect_eq(judged(1), HEC_VERDICT_UNKNOWN);
    judge(1, 1);
    judge(2, 0);
    judge(1, 0);
    cr_expect_eq(judged(1), 0u);
    cr_expect_eq(judged(2), 0u);
    cr_expect_eq(*fixture_count(&fixture), 2);
    cr_expect(fixture_is_sound(&fixture));
}

Test(recent, remembers_the_last_16_targets)
{
    fixture_record(&fixture, VERDICTS);
    for (uint32_t i = 0; i < HEC_VERDICTS_MAX + 1; i++) {
        judge(i, 1);
    }
    cr_expect_eq(judged(0), HEC_VERDICT_UNKNOWN);
    cr_expect_eq(judged(1), 1u);
    cr_expect_eq(judged(HEC_VERDICTS_MAX), 1u);
    cr_expect(fixture_is_sound(&fixture));
}
