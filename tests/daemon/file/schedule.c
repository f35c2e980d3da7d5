/* The schedule: always the earliest, and of equals the one that came first. */
#include "file/schedule.h"

#include <criterion/criterion.h>
#include <stdlib.h>

Test(schedule, gives_the_earliest_and_among_equals_the_first_added)
{
    enum { COUNT = 5000 };
    struct hec_schedule schedule = { 0 };
    uint64_t seed = 11;
    int64_t last_ms = -1;
    uint64_t last_what = 0;
    int left = 0;
    cr_expect_null(hec_schedule_first(&schedule));
    for (uint64_t i = 0; i < COUNT || left > 0; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        if (i < COUNT) {
            /* Later than what was taken, within a few values, so that there are many equals. */
            int64_t at_ms = (last_ms < 0 ? 0 : last_ms) + (int64_t)(seed >> 60);
            struct hec_due due = { .at_ms = at_ms, .what = i };
            cr_assert(hec_schedule_add(&schedule, due));
            left++;
        }
        if (seed >> 63 == 0 || i >= COUNT) {
            int64_t first_ms = hec_schedule_first(&schedule)->at_ms;
            struct hec_due due = hec_schedule_take(&schedule);
            cr_assert_eq(due.at_ms, first_ms);
            cr_assert_geq(due.at_ms, last_ms);
            cr_assert(due.at_ms > last_ms || due.what > last_what, "equals keep their order");
            last_ms = due.at_ms;
            last_what = due.what;
            left--;
        }
    }
    hec_schedule_free(&schedule);
}

Test(schedule, agrees_with_a_sorted_list)
{
    enum { COUNT = 1000 };
    struct hec_schedule schedule = { 0 };
    int taken[100] = { 0 }, added[100] = { 0 };
    for (int i = 0; i < COUNT; i++) {
        int at = i * 7919 % 100;
        added[at]++;
        cr_assert(hec_schedule_add(&schedule, (struct hec_due){ .at_ms = at }));
    }
    int64_t last = 0;
    for (int i = 0; i < COUNT; i++) {
        struct hec_due due = hec_schedule_take(&schedule);
        cr_assert(due.at_ms >= last);
        last = due.at_ms;
        taken[last]++;
    }
    cr_expect_arr_eq(taken, added, sizeof(taken));
    hec_schedule_free(&schedule);
}
