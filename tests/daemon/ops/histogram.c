/* Quantiles: within one part in 64 of a sorted list, exact when small. */
#include "ops/histogram.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct hec_histogram histogram;

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static uint64_t next(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 11;
}

Test(histogram, says_nothing_of_nothing)
{
    memset(&histogram, 0, sizeof(histogram));
    cr_expect_eq(hec_histogram_quantile(&histogram, 0.5), 0u);
    cr_expect_eq(hec_histogram_mean(&histogram), 0);
}

Test(histogram, is_exact_below_128)
{
    memset(&histogram, 0, sizeof(histogram));
    for (uint64_t v = 0; v < 128; v++) {
        hec_histogram_add(&histogram, v);
    }
    cr_expect_eq(hec_histogram_quantile(&histogram, 0), 0u);
    cr_expect_eq(hec_histogram_quantile(&histogram, 0.5), 63u);
    cr_expect_eq(hec_histogram_quantile(&histogram, 0.99), 126u);
    cr_expect_eq(hec_histogram_quantile(&histogram, 1), 127u);
    cr_expect_eq(hec_histogram_mean(&histogram), 63.5);
}

Test(histogram, takes_every_power_of_two_and_its_neighbours)
{
    for (int bit = 1; bit < 64; bit++) {
        for (int d = -1; d <= 1; d++) {
            uint64_t value = (UINT64_C(1) << bit) + (uint64_t)(int64_t)d;
            memset(&histogram, 0, sizeof(histogram));
            hec_histogram_add(&histogram, value);
            hec_histogram_add(&histogram, UINT64_MAX);
            uint64_t answer = hec_histogram_quantile(&histogram, 0.5);
            cr_assert_geq(answer, value);
            cr_assert_leq(answer - value, value / 64, "%llu", (unsigned long long)value);
        }
    }
}

Test(histogram, agrees_with_a_sorted_list_and_merging_changes_nothing)
{
    enum { VALUES = 20000 };
    static uint64_t list[VALUES];
    static struct hec_histogram parts[3];
    uint64_t state = 7;
    memset(&histogram, 0, sizeof(histogram));
    memset(parts, 0, sizeof(parts));
    for (int i = 0; i < VALUES; i++) {
        list[i] = next(&state) >> (next(&state) % 50);
        hec_histogram_add(&histogram, list[i]);
        hec_histogram_add(&parts[i % 2], list[i]);
    }
    struct hec_histogram *merged = &parts[2];
    hec_histogram_merge(merged, &parts[0]);
    hec_histogram_merge(merged, &parts[1]);
    cr_expect_arr_eq(merged, &histogram, sizeof(histogram));
    qsort(list, VALUES, sizeof(list[0]), compare);
    static const double SHARES[] = { 0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1 };
    for (int i = 0; i < 7; i++) {
        uint64_t exact = list[(int)ceil(SHARES[i] * VALUES) - 1];
        uint64_t answer = hec_histogram_quantile(&histogram, SHARES[i]);
        cr_expect_geq(answer, exact, "seed 7, share %g", SHARES[i]);
        cr_expect_leq(answer - exact, exact / 64, "seed 7, share %g", SHARES[i]);
    }
    cr_expect_eq(histogram.smallest, list[0]);
    cr_expect_eq(histogram.greatest, list[VALUES - 1]);
}
