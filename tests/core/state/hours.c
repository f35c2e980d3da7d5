/* Hours of the week against a plain array, and what halving leaves. */
#include "state/hours.h"

#include <criterion/criterion.h>

#include "fixture.h"
#include "hecate/random.h"

#define HOUR_MS INT64_C(3600000)

static struct fixture fixture;

static void begin(void)
{
    fixture_record(&fixture, (struct hec_part){ .kind = HEC_PART_HOURS,
                                                .element_bytes = HEC_HOURS_BYTES,
                                                .elements_max = HEC_HOURS_MAX });
}

static void add(uint32_t hour)
{
    fixture_room(&fixture, !hec_hours_has(*fixture_count(&fixture), fixture_part(&fixture), hour));
    hec_hours_add(fixture_count(&fixture), fixture_part(&fixture), hour);
}

static uint32_t total(void)
{
    return hec_hours_total(*fixture_count(&fixture), fixture_part(&fixture));
}

static uint32_t in(uint32_t hour, uint32_t cycle)
{
    return hec_hours_in(*fixture_count(&fixture), fixture_part(&fixture), hour, cycle);
}

Test(hours, numbers_the_week_from_monday_midnight)
{
    cr_expect_eq(hec_hour_of_week(0), 72u, "1970-01-01 was a Thursday");
    cr_expect_eq(hec_hour_of_week(4 * 24 * HOUR_MS - 1), 167u);
    cr_expect_eq(hec_hour_of_week(4 * 24 * HOUR_MS), 0u);
    cr_expect_eq(hec_hour_of_week(1700000000000), 1u * 24 + 22, "Tuesday 2023-11-14 22:13:20");
}

Test(hours, agrees_with_an_array_that_is_halved_by_the_same_rule)
{
    uint32_t plain[HEC_HOURS_MAX] = { 0 };
    struct hec_random random = hec_random_at(41, 0);
    begin();
    uint32_t events = 0;
    for (int n = 0; n < 5000; n++) {
        uint32_t hour = (uint32_t)hec_random_below(&random, n % 3 == 0 ? 168 : 9);
        add(hour);
        plain[hour]++;
        events++;
        if (events == HEC_HOURS_EVENTS) {
            events = 0;
            for (int h = 0; h < HEC_HOURS_MAX; h++) {
                plain[h] = plain[h] / 2 + plain[h] % 2;
                events += plain[h];
            }
        }
        cr_assert_eq(total(), events, "event %d", n);
        uint32_t of_day = 0;
        for (uint32_t h = hour % 24; h < HEC_HOURS_MAX; h += 24) {
            of_day += plain[h];
        }
        cr_assert_eq(in(hour, 168), plain[hour], "event %d", n);
        cr_assert_eq(in(hour, 24), of_day, "event %d", n);
    }
    cr_expect_eq(*fixture_count(&fixture), HEC_HOURS_MAX);
    cr_expect(fixture_is_sound(&fixture));
}

Test(hours, forgets_no_hour_by_halving)
{
    begin();
    add(5);
    for (int n = 0; n < 20000; n++) {
        add(99);
    }
    cr_expect_eq(in(5, 168), 1u);
    cr_expect_lt(total(), HEC_HOURS_EVENTS);
    cr_expect_eq(*fixture_count(&fixture), 2);
    cr_expect(fixture_is_sound(&fixture));
}

Test(hours, has_nothing_in_an_hour_never_met_and_wraps_round_the_week)
{
    begin();
    add(0);
    cr_expect_eq(in(1, 168), 0u);
    cr_expect_eq(in(168, 168), 1u);
    cr_expect_eq(in(24, 24), 1u);
    cr_expect_eq(hec_hours_total(0, NULL), 0u);
    cr_expect(fixture_is_sound(&fixture));
}
