/* Distinct values: exact to 25, then within the sketch's error; shards unite in any order. */
#include "state/distinct.h"

#include <criterion/criterion.h>
#include <math.h>

#include "fixture.h"
#include "hecate/random.h"

static const struct hec_part PART = {
    .kind = HEC_PART_DISTINCT,
    .element_bytes = 8,
    .elements_max = HEC_DISTINCT_EXACT,
    .width_ms = 1000,
    .ring = 25,
    .group = 6,
};

static void edit(struct fixture *fixture, const struct hec_distinct_edit *what)
{
    uint16_t *count = fixture_count(fixture);
    uint16_t before = *count;
    struct hec_fate fate = hec_distinct_fate(&PART, before, fixture_part(fixture), what);
    hec_distinct_prune(&PART, count, fixture_part(fixture), what->head);
    fixture_reshape(fixture, before, fate);
    if (what->adds) {
        hec_distinct_add(&PART, count, fixture_part(fixture), what->hash, what->tile);
    }
}

/* The ring has left nothing behind. */
static void add(struct fixture *fixture, uint32_t hash, uint32_t tile)
{
    edit(fixture, &(struct hec_distinct_edit){ .adds = true, .hash = hash, .tile = tile });
}

static void prune(struct fixture *fixture, uint32_t head)
{
    edit(fixture, &(struct hec_distinct_edit){ .head = head });
}

static double number(struct fixture *fixture, int64_t first)
{
    struct hec_distinct all;
    hec_distinct_init(&all);
    hec_distinct_unite(&all, &PART, *fixture_count(fixture), fixture_part(fixture), first);
    double number = hec_distinct_number(&all);
    cr_assert_eq(hec_distinct_alone(&PART, *fixture_count(fixture), fixture_part(fixture), first),
                 number, "one shard comes to what uniting it does");
    return number;
}

static uint32_t some_hash(uint64_t seed, uint64_t i)
{
    uint32_t out[4];
    hec_random_block(out, seed, 0, i);
    return out[0];
}

Test(distinct, counts_each_value_once_and_by_its_newest_tile)
{
    static struct fixture fixture;
    fixture_record(&fixture, PART);
    cr_expect_eq(number(&fixture, 0), 0);
    add(&fixture, 1, 10);
    add(&fixture, 2, 12);
    add(&fixture, 1, 11);
    add(&fixture, 1, 9); /* late: the newest stays */
    cr_expect_eq(number(&fixture, 0), 2);
    cr_expect_eq(number(&fixture, 11), 2);
    cr_expect_eq(number(&fixture, 12), 1);
    cr_expect_eq(number(&fixture, 13), 0);
    cr_expect(fixture_is_sound(&fixture));
}

Test(distinct, is_exact_at_25_and_an_estimate_at_26)
{
    static struct fixture fixture;
    fixture_record(&fixture, PART);
    for (uint32_t i = 0; i < HEC_DISTINCT_EXACT; i++) {
        add(&fixture, some_hash(1, i), 10 + i % 20);
    }
    cr_expect_eq(number(&fixture, 0), HEC_DISTINCT_EXACT);
    cr_expect_not(*fixture_count(&fixture) & HEC_SKETCHED);
    add(&fixture, some_hash(1, 25), 30);
    cr_expect(*fixture_count(&fixture) & HEC_SKETCHED);
    cr_expect_lt(fabs(number(&fixture, 0) - 26), 4);
    cr_expect(fixture_is_sound(&fixture));
}

Test(distinct, fills_the_room_that_it_asked_for)
{
    static struct fixture fixture;
    fixture_record(&fixture, PART);
    struct hec_random random = hec_random_at(8, 0);
    uint32_t head = 100;
    int sketched = 0;
    for (int n = 0; n < 4000; n++) {
        head += (uint32_t)hec_random_below(&random, 100) / 95 * 9;
        struct hec_distinct_edit what = {
            .head = head,
            .adds = hec_random_below(&random, 10) > 0,
            .hash = (uint32_t)hec_random_below(&random, 200),
            .tile = head - (uint32_t)hec_random_below(&random, PART.ring),
        };
        edit(&fixture, &what);
        sketched += (*fixture_count(&fixture) & HEC_SKETCHED) != 0;
        cr_assert(fixture_is_sound(&fixture), "event %d", n);
        number(&fixture, (int64_t)head - (int64_t)hec_random_below(&random, 2 * PART.ring));
    }
    cr_expect_gt(sketched, 100);
    cr_expect_lt(sketched, 3990);
}

Test(distinct, estimates_within_its_stated_error)
{
    static const int NUMBERS[] = { 30, 100, 300, 1000, 10000, 100000 };
    for (size_t k = 0; k < sizeof(NUMBERS) / sizeof(*NUMBERS); k++) {
        double squares = 0;
        double bias = 0;
        enum { RUNS = 60 };
        for (uint64_t run = 0; run < RUNS; run++) {
            static struct fixture fixture;
            fixture_record(&fixture, PART);
            for (int i = 0; i < NUMBERS[k]; i++) {
                add(&fixture, some_hash(run, (uint64_t)i), 10);
            }
            double error = number(&fixture, 0) / NUMBERS[k] - 1;
            squares += error * error / RUNS;
            bias += error / RUNS;
        }
        cr_expect_lt(sqrt(squares), 0.065 * 1.35, "%d: error %.3f", NUMBERS[k], sqrt(squares));
        cr_expect_lt(fabs(bias), 0.035, "%d: bias %.3f", NUMBERS[k], bias);
    }
}

Test(distinct, forgets_sketches_when_the_ring_has_left_them_and_becomes_exact_again)
{
    static struct fixture fixture;
    fixture_record(&fixture, PART);
    for (uint32_t i = 0; i < 40; i++) {
        add(&fixture, some_hash(2, i), 12 + i % 6); /* all in coarse tile 2: tiles 12 .. 17 */
    }
    prune(&fixture, 17 + 24);
    cr_expect_eq(*fixture_count(&fixture), HEC_SKETCHED | 1);
    prune(&fixture, 17 + 25);
    cr_expect_eq(*fixture_count(&fixture), 0);
    add(&fixture, 1, 43);
    cr_expect_eq(number(&fixture, 0), 1);
    cr_expect(fixture_is_sound(&fixture));
}

Test(distinct, drops_an_exact_value_when_the_ring_has_left_it)
{
    static struct fixture fixture;
    fixture_record(&fixture, PART);
    add(&fixture, 1, 10);
    add(&fixture, 2, 11);
    prune(&fixture, 34);
    cr_expect_eq(*fixture_count(&fixture), 2);
    prune(&fixture, 35);
    cr_expect_eq(*fixture_count(&fixture), 1);
    cr_expect_eq(number(&fixture, 0), 1);
}

/* Three shards with common values, exact and sketched ones mixed, in all orders of uniting. */
Test(distinct, unites_shards_to_the_same_number_in_any_order)
{
    static struct fixture shards[3];
    static const int SIZES[][3] = { { 3, 4, 5 }, { 20, 20, 20 }, { 5, 200, 30 }, { 0, 1, 400 } };
    static const int ORDERS[6][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
                                      { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
    for (int size = 0; size < 4; size++) {
        double first = 0;
        for (int s = 0; s < 3; s++) {
            fixture_record(&shards[s], PART);
            for (int i = 0; i < SIZES[size][s]; i++) {
                add(&shards[s], some_hash(5, (uint64_t)(i * (s + 1))), 10 + (uint32_t)i % 20);
            }
        }
        for (int order = 0; order < 6; order++) {
            struct hec_distinct all;
            hec_distinct_init(&all);
            for (int s = 0; s < 3; s++) {
                struct fixture *shard = &shards[ORDERS[order][s]];
                hec_distinct_unite(&all, &PART, *fixture_count(shard), fixture_part(shard), 0);
            }
            double together = hec_distinct_number(&all);
            first = order == 0 ? together : first;
            cr_expect_eq(together, first, "sizes %d, order %d", size, order);
        }
    }
}

Test(distinct, unites_exact_shards_exactly)
{
    static struct fixture shards[2];
    struct hec_distinct all;
    hec_distinct_init(&all);
    for (uint32_t s = 0; s < 2; s++) {
        fixture_record(&shards[s], PART);
        for (uint32_t i = 0; i < 15; i++) {
            add(&shards[s], i + 10 * s, 10); /* five of them common */
        }
        hec_distinct_unite(&all, &PART, *fixture_count(&shards[s]), fixture_part(&shards[s]), 0);
    }
    cr_expect_eq(hec_distinct_number(&all), 25);
}
