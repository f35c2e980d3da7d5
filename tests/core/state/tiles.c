/* Tiles: live ones only, in order, dropped when the ring moves on, added up exactly. */
#include "state/tiles.h"

#include <criterion/criterion.h>

#include "fixture.h"
#include "hecate/random.h"

static const struct hec_part PART = {
    .kind = HEC_PART_TILES,
    .element_bytes = 4 + 2 * 4 + 8,
    .elements_max = 10,
    .width_ms = 1000,
    .ring = 10,
    .counts = 2,
    .sums = 1,
};

static uint8_t *place(struct fixture *fixture, const struct hec_part *part, uint32_t tile)
{
    uint16_t *count = fixture_count(fixture);
    fixture_room(fixture, !hec_tiles_has(part, *count, fixture_part(fixture), tile));
    return hec_tiles_place(part, count, fixture_part(fixture), tile);
}

static void prune(struct fixture *fixture, uint32_t head)
{
    uint16_t *count = fixture_count(fixture);
    uint32_t dead = hec_tiles_dead(&PART, *count, fixture_part(fixture), head);
    struct hec_fate fate = { .drop = dead * PART.element_bytes,
                             .keep = (*count - dead) * PART.element_bytes };
    fixture_reshape(fixture, *count, fate);
    *count = (uint16_t)(*count - dead);
}

static void add(struct fixture *fixture, uint32_t tile, int32_t by, int64_t sum)
{
    uint8_t *element = place(fixture, &PART, tile);
    hec_tile_count(element, 0, by);
    hec_tile_count(element, 1, 1);
    hec_tile_sum(&PART, element, 0, sum);
}

static void sums(struct fixture *fixture, int64_t first, int64_t last, int64_t out[3])
{
    uint32_t oldest;
    uint32_t n = hec_tiles_within(&PART, *fixture_count(fixture), fixture_part(fixture), first,
                                  last, &oldest);
    const uint8_t *at = fixture_part(fixture) + (size_t)oldest * PART.element_bytes;
    out[0] = hec_tiles_count(&PART, at, n, 0);
    out[1] = hec_tiles_count(&PART, at, n, 1);
    out[2] = hec_tiles_sum(&PART, at, n, 0);
}

Test(tiles, adds_up_the_tiles_of_the_window_both_ends_included)
{
    static struct fixture fixture;
    int64_t out[3];
    fixture_record(&fixture, PART);
    for (uint32_t tile = 5; tile <= 9; tile++) {
        add(&fixture, tile, 1 << tile, 10 * tile);
    }
    sums(&fixture, 6, 8, out);
    cr_expect_eq(out[0], (1 << 6) + (1 << 7) + (1 << 8));
    cr_expect_eq(out[1], 3);
    cr_expect_eq(out[2], 210);
    sums(&fixture, -3, 5, out);
    cr_expect_eq(out[0], 1 << 5);
    sums(&fixture, 10, 20, out);
    cr_expect_eq(out[1], 0);
    cr_expect(fixture_is_sound(&fixture));
}

Test(tiles, keeps_one_tile_for_one_span_and_their_order)
{
    static struct fixture fixture;
    static const uint32_t ORDER[] = { 7, 3, 9, 3, 5, 7, 9, 4 };
    static const uint32_t SORTED[] = { 3, 4, 5, 7, 9 };
    fixture_record(&fixture, PART);
    for (size_t i = 0; i < sizeof(ORDER) / sizeof(*ORDER); i++) {
        add(&fixture, ORDER[i], 1, 0);
    }
    cr_assert_eq(*fixture_count(&fixture), 5);
    for (uint32_t i = 0; i < 5; i++) {
        cr_expect_eq(hec_tile_at(&PART, fixture_part(&fixture), i), SORTED[i]);
    }
    cr_expect(fixture_is_sound(&fixture));
}

Test(tiles, drops_a_tile_exactly_when_the_ring_has_left_it_behind)
{
    static struct fixture fixture;
    fixture_record(&fixture, PART);
    add(&fixture, 20, 1, 1);
    add(&fixture, 21, 1, 1);
    prune(&fixture, 29);
    cr_expect_eq(*fixture_count(&fixture), 2);
    prune(&fixture, 30);
    cr_expect_eq(*fixture_count(&fixture), 1);
    prune(&fixture, 1000);
    cr_expect_eq(*fixture_count(&fixture), 0);
    cr_expect(fixture_is_sound(&fixture));
}

Test(tiles, takes_away_as_it_adds)
{
    static struct fixture fixture;
    int64_t out[3];
    fixture_record(&fixture, PART);
    add(&fixture, 4, -3, -700);
    sums(&fixture, 4, 4, out);
    cr_expect_eq(out[0], -3);
    cr_expect_eq(out[2], -700);
    add(&fixture, 4, 3, 700);
    sums(&fixture, 4, 4, out);
    cr_expect_eq(out[0], 0);
    cr_expect_eq(out[2], 0);
}

Test(tiles, stops_at_the_last_tile_that_a_number_holds)
{
    struct hec_part narrow = PART;
    narrow.width_ms = HEC_TILE_MS_MIN;
    narrow.width_units = 1;
    cr_expect_eq(hec_tile_of(&narrow, HEC_TIME_MS_MAX), UINT32_MAX);
    cr_expect_eq(hec_tile_of(&narrow, HEC_TIME_MS_MAX + 1), UINT32_MAX);
    cr_expect_eq(hec_tile_of(&narrow, INT64_C(253402300799999)), UINT32_MAX);
    cr_expect_eq(hec_tile_of(&narrow, HEC_TILE_MS_MIN - 1), 0u);
    cr_expect_eq(hec_tile_of(&narrow, HEC_TILE_MS_MIN), 1u);
}

Test(tiles, divides_time_into_whole_tiles_of_every_width)
{
    static const int64_t WIDTHS_MS[] = { 30000, 300000, 3600000, 21600000, 86400000 };
    struct hec_random random = hec_random_at(12, 0);
    for (int n = 0; n < 20000; n++) {
        struct hec_part part = { .width_ms = WIDTHS_MS[n % 5] };
        part.width_units = (uint32_t)(part.width_ms / HEC_TILE_MS_MIN);
        int64_t tile = (int64_t)hec_random_below(&random, 1000000);
        int64_t inside = (int64_t)hec_random_below(&random, (uint64_t)part.width_ms);
        cr_assert_eq(hec_tile_of(&part, tile * part.width_ms), tile);
        cr_assert_eq(hec_tile_of(&part, tile * part.width_ms + inside), tile);
        cr_assert_eq(hec_tile_of(&part, (tile + 1) * part.width_ms - 1), tile);
    }
}

/* The oracle is an array of all spans. The head moves on at random, sometimes beyond the ring. */
Test(tiles, agrees_with_an_array_of_all_spans)
{
    enum { SPANS = 4000 };
    static struct fixture fixture;
    static int64_t plain[SPANS][3];
    struct hec_random random = hec_random_at(11, 0);
    fixture_record(&fixture, PART);
    uint32_t head = 20;
    for (int n = 0; n < 5000 && head < SPANS - 40; n++) {
        head += hec_random_below(&random, 50) == 0 ? (uint32_t)hec_random_below(&random, 30)
                                                   : hec_random_below(&random, 4) == 0;
        prune(&fixture, head);
        uint32_t tile = head - (uint32_t)hec_random_below(&random, PART.ring);
        int64_t sum = (int64_t)hec_random_below(&random, 1000) - 300;
        add(&fixture, tile, 2, sum);
        plain[tile][0] += 2;
        plain[tile][1] += 1;
        plain[tile][2] += sum;

        int64_t first = head - (int64_t)hec_random_below(&random, PART.ring);
        int64_t last = first + (int64_t)hec_random_below(&random, PART.ring);
        int64_t want[3] = { 0 };
        int64_t got[3];
        for (int64_t t = first; t <= last; t++) {
            want[0] += plain[t][0];
            want[1] += plain[t][1];
            want[2] += plain[t][2];
        }
        sums(&fixture, first, last, got);
        cr_assert_arr_eq(got, want, sizeof(want), "event %d", n);
        cr_assert_leq(*fixture_count(&fixture), PART.ring);
    }
    cr_expect(fixture_is_sound(&fixture));
}

Test(tiles, keeps_the_largest_as_a_peak_and_adds_the_rest)
{
    static const struct hec_part PEAKED = { .kind = HEC_PART_TILES,
                                            .element_bytes = 4 + 4 + 2 * 8,
                                            .elements_max = 10,
                                            .width_ms = 1000,
                                            .ring = 10,
                                            .counts = 1,
                                            .sums = 1,
                                            .peaks = 1 };
    static struct fixture fixture;
    static const int64_t VALUES[] = { 7, 3, 9, 9, 1, 4 };
    fixture_record(&fixture, PEAKED);
    for (uint32_t i = 0; i < 6; i++) {
        uint8_t *element = place(&fixture, &PEAKED, 1 + i / 3);
        hec_tile_count(element, 0, 1);
        hec_tile_sum(&PEAKED, element, 0, VALUES[i]);
        hec_tile_peak(&PEAKED, element, 1, VALUES[i]);
    }
    const uint8_t *at = fixture_part(&fixture);
    cr_expect_eq(hec_tiles_peak(&PEAKED, at, 0, 1), 0, "of no tile there is none");
    cr_expect_eq(hec_tiles_count(&PEAKED, at, 2, 0), 6);
    cr_expect_eq(hec_tiles_sum(&PEAKED, at, 2, 0), 33);
    cr_expect_eq(hec_tiles_peak(&PEAKED, at, 2, 1), 9);
    cr_expect_eq(hec_tiles_peak(&PEAKED, at + PEAKED.element_bytes, 1, 1), 9);
    cr_expect(fixture_is_sound(&fixture));
}
