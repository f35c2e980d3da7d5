/* Fading values against the plain sum over all events, and powers against the library's. */
#include "state/decay.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "hecate/random.h"

#define HOUR INT64_C(3600000)
#define T0 INT64_C(1700000000000)

Test(decay, halves_as_the_library_does)
{
    for (int i = 0; i <= 100000; i++) {
        double x = i * 0.00973;
        cr_assert_leq(fabs(hec_decay_left(x) / exp2(-x) - 1), 1e-15, "2^-%.17g", x);
    }
    cr_expect_eq(hec_decay_left(0), 1);
    cr_expect_eq(hec_decay_left(1), 0.5);
    cr_expect_eq(hec_decay_left(10), 1.0 / 1024);
    cr_expect_gt(hec_decay_left(999.9), 0);
    cr_expect_eq(hec_decay_left(1000), 0);
    cr_expect_eq(hec_decay_left(1e300), 0);
}

Test(decay, weighs_an_event_one_at_its_own_time_and_half_after_a_half_life)
{
    struct hec_decay decay = { 0 };
    hec_decay_add(&decay, HOUR, T0, 8);
    cr_expect_eq(hec_decay_weight(&decay, HOUR, T0), 1);
    cr_expect_eq(hec_decay_weight(&decay, HOUR, T0 + HOUR), 0.5);
    cr_expect_eq(hec_decay_weight(&decay, HOUR, T0 + 2 * HOUR), 0.25);
    hec_decay_add(&decay, HOUR, T0 + HOUR, 2);
    cr_expect_eq(decay.weight, 1.5);
    cr_expect_eq(decay.sum, 6);
    cr_expect_eq(decay.at_ms, T0 + HOUR);
}

Test(decay, takes_a_late_event_with_the_weight_it_has_left)
{
    struct hec_decay decay = { 0 };
    hec_decay_add(&decay, HOUR, T0, 4);
    hec_decay_add(&decay, HOUR, T0 - HOUR, 100);
    cr_expect_eq(decay.at_ms, T0);
    cr_expect_eq(decay.weight, 1.5);
    cr_expect_eq(decay.sum, 54);
    cr_expect_eq(hec_decay_weight(&decay, HOUR, T0 - HOUR), 1.5, "asked from before: as it is");
}

Test(decay, agrees_with_the_sum_over_all_events)
{
    enum { EVENTS = 400 };
    static int64_t times[EVENTS];
    static double values[EVENTS];
    struct hec_random random = hec_random_at(31, 0);
    struct hec_decay decay = { 0 };
    int64_t now = T0;
    for (int n = 0; n < EVENTS; n++) {
        now += (int64_t)hec_random_below(&random, 2 * HOUR);
        times[n] = now - (n % 7 == 0 ? (int64_t)hec_random_below(&random, 5 * HOUR) : 0);
        values[n] = (double)hec_random_below(&random, 100000);
        hec_decay_add(&decay, 3 * HOUR, times[n], values[n]);
        double weight = 0;
        double sum = 0;
        for (int i = 0; i <= n; i++) {
            double left = exp2(-(double)(decay.at_ms - times[i]) / (3.0 * HOUR));
            weight += left;
            sum += left * values[i];
        }
        cr_assert_leq(fabs(decay.weight / weight - 1), 1e-12, "seed 31, event %d", n);
        cr_assert_leq(fabs(decay.sum / sum - 1), 1e-12, "seed 31, event %d", n);
    }
}

/* The same bytes on every machine: these were written down once. */
Test(decay, comes_to_the_same_bytes_everywhere)
{
    struct hec_decay decay = { 0 };
    uint64_t bits;
    hec_decay_add(&decay, 86400000, T0, 12345);
    hec_decay_add(&decay, 86400000, T0 + 12345678, 678);
    hec_decay_add(&decay, 86400000, T0 + 1234567, 90);
    memcpy(&bits, &decay.sum, sizeof(bits));
    cr_expect_eq(bits, UINT64_C(0x40c7529d78681558), "%016llx", (unsigned long long)bits);
    memcpy(&bits, &decay.weight, sizeof(bits));
    cr_expect_eq(bits, UINT64_C(0x400690390cdeed26), "%016llx", (unsigned long long)bits);
}
