/* Random numbers: the published vectors, the same sequence from anywhere, and no bias that shows.
 */
#include "hecate/random.h"

#include <criterion/criterion.h>
#include <math.h>

static void expect_block(uint64_t seed, uint64_t stream, uint64_t counter, const uint32_t out[4])
{
    uint32_t block[4];
    hec_random_block(block, seed, stream, counter);
    for (int i = 0; i < 4; i++) {
        cr_expect_eq(block[i], out[i], "word %d: %08x, expected %08x", i, block[i], out[i]);
    }
}

/* kat_vectors of the Random123 distribution, philox4x32 10. */
Test(random, gives_the_published_vectors)
{
    expect_block(0, 0, 0, (uint32_t[]){ 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 });
    expect_block(UINT64_MAX, UINT64_MAX, UINT64_MAX,
                 (uint32_t[]){ 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd });
    expect_block(0x299f31d0a4093822, 0x0370734413198a2e, 0x85a308d3243f6a88,
                 (uint32_t[]){ 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 });
}

Test(random, repeats_itself_and_a_copy_goes_the_same_way)
{
    struct hec_random a = hec_random_at(7, 3), b = hec_random_at(7, 3);
    for (int i = 0; i < 100; i++) {
        cr_assert_eq(hec_random_bits(&a), hec_random_bits(&b));
    }
    struct hec_random fork = a;
    cr_expect_eq(hec_random_below(&a, 1000003), hec_random_below(&fork, 1000003));
}

Test(random, walks_its_blocks_in_order)
{
    struct hec_random random = hec_random_at(42, 9);
    for (uint64_t counter = 0; counter < 5; counter++) {
        uint32_t block[4];
        hec_random_block(block, 42, 9, counter);
        for (int i = 0; i < 4; i++) {
            cr_assert_eq(hec_random_bits(&random), block[i]);
        }
    }
}

Test(random, differs_between_seeds_and_between_streams)
{
    struct hec_random a = hec_random_at(1, 1), b = hec_random_at(2, 1), c = hec_random_at(1, 2);
    int equal = 0;
    for (int i = 0; i < 1000; i++) {
        uint32_t bits = hec_random_bits(&a);
        equal += bits == hec_random_bits(&b);
        equal += bits == hec_random_bits(&c);
    }
    cr_expect_leq(equal, 1);
}

Test(random, is_uniform_in_mean_and_within_its_bounds)
{
    struct hec_random random = hec_random_at(5, 0);
    double sum = 0, squares = 0;
    enum { N = 100000 };
    for (int i = 0; i < N; i++) {
        double x = hec_random_uniform(&random);
        cr_assert(x >= 0 && x < 1);
        sum += x;
        squares += x * x;
    }
    cr_expect_float_eq(sum / N, 0.5, 0.005);
    cr_expect_float_eq(squares / N, 1.0 / 3, 0.005);
}

Test(random, draws_below_n_without_a_favourite)
{
    struct hec_random random = hec_random_at(11, 0);
    int count[7] = { 0 };
    for (int i = 0; i < 70000; i++) {
        uint64_t drawn = hec_random_below(&random, 7);
        cr_assert_lt(drawn, 7u);
        count[drawn]++;
    }
    double chi_squared = 0;
    for (int i = 0; i < 7; i++) {
        chi_squared += pow(count[i] - 10000, 2) / 10000;
    }
    cr_expect_lt(chi_squared, 22.5, "chi squared %f: p < 0.001", chi_squared); /* 6 degrees */
    cr_expect_eq(hec_random_below(&random, 1), 0u);
}

/* With n just above 2^63 nearly half of all draws must be refused; taking them modulo n instead
 * would make the lower half of the range twice as likely. */
Test(random, has_no_modulo_bias_for_a_huge_n)
{
    struct hec_random random = hec_random_at(13, 0);
    uint64_t n = UINT64_C(3) << 62;
    int low = 0;
    for (int i = 0; i < 20000; i++) {
        uint64_t drawn = hec_random_below(&random, n);
        cr_assert_lt(drawn, n);
        low += drawn < n / 3;
    }
    cr_expect(abs(low - 6667) < 350, "lower third drawn %d times of 20000", low);
}

Test(random, is_normal_in_its_first_four_moments)
{
    struct hec_random random = hec_random_at(17, 0);
    enum { N = 200000 };
    double moment[5] = { 0 };
    for (int i = 0; i < N; i++) {
        double x = hec_random_normal(&random);
        cr_assert(isfinite(x));
        for (int k = 1; k <= 4; k++) {
            moment[k] += pow(x, k) / N;
        }
    }
    cr_expect_float_eq(moment[1], 0, 0.01);
    cr_expect_float_eq(moment[2], 1, 0.015);
    cr_expect_float_eq(moment[3], 0, 0.04);
    cr_expect_float_eq(moment[4], 3, 0.1);
}

Test(random, shuffles_to_a_permutation_and_every_place_is_as_likely)
{
    struct hec_random random = hec_random_at(19, 0);
    int first[5] = { 0 };
    for (int round = 0; round < 10000; round++) {
        uint32_t items[5] = { 0, 1, 2, 3, 4 };
        hec_random_shuffle(&random, items, 5);
        unsigned seen = 0;
        for (int i = 0; i < 5; i++) {
            seen |= 1u << items[i];
        }
        cr_assert_eq(seen, 31u);
        first[items[0]]++;
    }
    for (int i = 0; i < 5; i++) {
        cr_expect(abs(first[i] - 2000) < 200, "item %d came first %d times", i, first[i]);
    }
    hec_random_shuffle(&random, NULL, 0);
}
