/* The values of a field: counted, dated, halved in time, and the rarest forgotten first. */
#include "state/values.h"

#include <criterion/criterion.h>

#include "fixture.h"
#include "hecate/random.h"

static const struct hec_part VALUES = { .kind = HEC_PART_VALUES,
                                        .element_bytes = sizeof(struct hec_habit),
                                        .elements_max = HEC_VALUES_KEPT };
static struct fixture fixture;

static struct hec_values_look look(uint32_t hash)
{
    return hec_values_look(*fixture_count(&fixture), fixture_part(&fixture), hash);
}

static void add(uint32_t hash, int64_t second)
{
    struct hec_values_look found = look(hash);
    fixture_room(&fixture, found.index == *fixture_count(&fixture));
    hec_values_add(fixture_count(&fixture), fixture_part(&fixture), found, hash, second);
}

static bool knows(uint32_t hash)
{
    return look(hash).index < *fixture_count(&fixture);
}

/* All zero when it is not remembered. */
static struct hec_habit habit(uint32_t hash)
{
    struct hec_habit none = { 0 };
    return knows(hash) ? hec_values_at(fixture_part(&fixture), look(hash).index) : none;
}

static uint32_t total(void)
{
    return look(0).total;
}

static uint32_t met(int64_t since_s, int64_t now_s)
{
    return hec_values_met(*fixture_count(&fixture), fixture_part(&fixture), since_s, now_s);
}

Test(values, knows_nothing_at_first)
{
    fixture_record(&fixture, VALUES);
    cr_expect_not(knows(5));
    cr_expect_eq(habit(5).count, 0);
    cr_expect_eq(total(), 0);
    cr_expect_eq(met(INT64_MIN, INT64_MAX), 0);
}

Test(values, counts_each_value_and_keeps_its_first_and_last_time)
{
    fixture_record(&fixture, VALUES);
    add(5, 100);
    add(6, 110);
    add(5, 130);
    add(5, 120); /* late */
    add(6, 90);  /* late, and before its first */
    cr_expect_eq(habit(5).count, 3);
    cr_expect_eq(habit(5).first_s, 100);
    cr_expect_eq(habit(5).last_s, 130);
    cr_expect_eq(habit(6).count, 2);
    cr_expect_eq(habit(6).first_s, 90);
    cr_expect_eq(habit(6).last_s, 110);
    cr_expect_eq(total(), 5);
    cr_expect(fixture_is_sound(&fixture));
}

Test(values, tells_how_many_were_met_after_a_moment_and_up_to_another)
{
    fixture_record(&fixture, VALUES);
    add(5, 100);
    add(6, 110);
    add(5, 200);
    cr_expect_eq(met(99, 110), 2);
    cr_expect_eq(met(100, 110), 1, "after, not at");
    cr_expect_eq(met(99, 109), 1, "what comes later was not met yet");
    cr_expect_eq(met(110, 300), 0, "coming back is no meeting");
}

Test(values, forgets_the_rarest_and_of_several_the_one_used_longest_ago)
{
    fixture_record(&fixture, VALUES);
    for (uint32_t i = 0; i < HEC_VALUES_KEPT; i++) {
        add(i, i);
        add(i, i);
    }
    add(7, 99);
    add(100, 100);
    cr_expect_eq(habit(0).count, 0, "the first of the equals");
    cr_expect_eq(habit(1).count, 2);
    cr_expect_eq(habit(100).count, 1);
    add(101, 101);
    cr_expect_eq(habit(100).count, 0, "the newcomer is the rarest now");
    cr_expect_eq(habit(1).count, 2);
    cr_expect_eq(*fixture_count(&fixture), HEC_VALUES_KEPT);
    cr_expect(fixture_is_sound(&fixture));
}

Test(values, halves_all_counts_when_enough_events_are_counted)
{
    fixture_record(&fixture, VALUES);
    add(1, 1);
    for (uint32_t i = 1; i < HEC_VALUES_EVENTS - 1; i++) {
        add(2, i);
    }
    cr_expect_eq(total(), HEC_VALUES_EVENTS - 1);
    add(2, 999);
    cr_expect_eq(habit(1).count, 1, "rounded up: once known stays known");
    cr_expect_eq(habit(2).count, HEC_VALUES_EVENTS / 2, "half of 255, rounded up");
    cr_expect_eq(habit(2).last_s, 999);
}

Test(values, keeps_a_time_beyond_32_bits_at_the_last_one)
{
    fixture_record(&fixture, VALUES);
    add(1, (int64_t)UINT32_MAX + 1);
    cr_expect_eq(habit(1).last_s, UINT32_MAX);
    cr_expect_eq(met(0, INT64_MAX), 1);
}

/* The oracle keeps an array in order of use and does to it what the header says. */
Test(values, agrees_with_a_plain_array)
{
    static struct hec_habit own[HEC_VALUES_KEPT + 1];
    int n = 0;
    struct hec_random random = hec_random_at(11, 0);
    fixture_record(&fixture, VALUES);
    for (int step = 0; step < 20000; step++) {
        uint32_t hash = (uint32_t)(hec_random_below(&random, 8) * hec_random_below(&random, 9));
        struct hec_habit value = { hash, 0, (uint32_t)step, 0 };
        uint32_t sum = 0;
        int at = 0;
        while (at < n && own[at].hash != hash) {
            at++;
        }
        if (at == n && n == HEC_VALUES_KEPT) {
            at = 0;
            for (int i = 1; i < n; i++) {
                at = own[i].count < own[at].count ? i : at;
            }
        } else if (at < n) {
            value = own[at];
        }
        for (int i = at; i + 1 < n; i++) {
            own[i] = own[i + 1];
        }
        n -= at < n;
        value.count++;
        value.last_s = (uint32_t)step;
        own[n++] = value;
        for (int i = 0; i < n; i++) {
            sum += own[i].count;
        }
        for (int i = 0; i < n && sum >= 256; i++) {
            own[i].count -= own[i].count / 2;
        }
        add(hash, step);
        cr_assert_eq(*fixture_count(&fixture), n, "seed 11, step %d", step);
        cr_assert_eq(memcmp(fixture_part(&fixture), own, (size_t)n * sizeof(*own)), 0,
                     "seed 11, step %d", step);
    }
    cr_expect(fixture_is_sound(&fixture));
}
