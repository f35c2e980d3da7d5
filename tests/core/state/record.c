/* Records: the identity through bytes, and every way in which stored bytes can be wrong. */
#include "state/record.h"

#include <criterion/criterion.h>
#include <stddef.h>

#include "fixture.h"
#include "hecate/random.h"
#include "state/tiles.h"

static const struct hec_part TILES = {
    .kind = HEC_PART_TILES,
    .element_bytes = 8,
    .elements_max = 4,
    .width_ms = 1000,
    .ring = 4,
    .counts = 1,
};
static struct fixture fixture;
static const struct hec_text TOKEN = { .bytes = "token", .length = 5 };

static struct hec_record *filled(void)
{
    struct hec_record *record = fixture_record(&fixture, TILES);
    for (uint32_t tile = 1; tile <= 3; tile++) {
        hec_tile_count(
            (fixture_room(&fixture, true),
             hec_tiles_place(&TILES, fixture_count(&fixture), fixture_part(&fixture), tile)),
            0, 7);
    }
    hec_record_fixed(record)[1] = -5;
    record->last_off = 99;
    hec_record_seal(record);
    return record;
}

static enum hec_status check(const void *bytes, size_t length)
{
    return hec_record_check(bytes, length, &fixture.layout, &TOKEN);
}

Test(record, begins_empty_with_its_token_and_its_schema)
{
    struct hec_record *record = fixture_record(&fixture, TILES);
    cr_expect_eq(record->last_off, -1);
    cr_expect_eq(record->state_digest, 42u);
    cr_expect_eq(memcmp(hec_record_token(record), "token", 5), 0);
    cr_expect_eq(hec_record_fixed(record)[0], 0);
    cr_expect_eq((uintptr_t)hec_record_fixed(record) % 8, 0u);
    cr_expect_eq(hec_record_empty_bytes(&fixture.layout, 5), 56u + 8 + 16 + 4);
}

Test(record, takes_bytes_that_are_whole)
{
    struct hec_record *record = filled();
    uint8_t shifted[512]; /* stored bytes may lie anywhere */
    memcpy(shifted + 3, record, record->bytes);
    cr_expect_eq(check(shifted + 3, record->bytes), HEC_OK);
}

Test(record, notices_every_flipped_bit)
{
    struct hec_record *record = filled();
    uint8_t copy[512];
    for (uint32_t bit = 0; bit < record->bytes * 8; bit++) {
        memcpy(copy, record, record->bytes);
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
        cr_assert_eq(check(copy, record->bytes), HEC_CORRUPT, "bit %u", bit);
    }
}

Test(record, notices_every_truncation_and_a_tail)
{
    struct hec_record *record = filled();
    uint8_t copy[512] = { 0 };
    memcpy(copy, record, record->bytes);
    for (uint32_t length = 0; length < record->bytes; length++) {
        cr_assert_eq(check(copy, length), HEC_CORRUPT, "%u bytes", length);
    }
    cr_expect_eq(check(copy, record->bytes + 1), HEC_CORRUPT);
}

Test(record, tells_another_version_or_schema_from_damage)
{
    struct hec_record *record = filled();
    record->version++;
    hec_record_seal(record);
    cr_expect_eq(check(record, record->bytes), HEC_MISMATCH);

    record = filled();
    record->state_digest++;
    hec_record_seal(record);
    cr_expect_eq(check(record, record->bytes), HEC_MISMATCH);
}

Test(record, refuses_the_record_of_another_entity)
{
    struct hec_record *record = filled();
    struct hec_text other = { .bytes = "tokem", .length = 5 };
    struct hec_text shorter = { .bytes = "toke", .length = 4 };
    cr_expect_eq(hec_record_check(record, record->bytes, &fixture.layout, &other), HEC_CORRUPT);
    cr_expect_eq(hec_record_check(record, record->bytes, &fixture.layout, &shorter), HEC_CORRUPT);
    record->kind = HEC_CARD;
    hec_record_seal(record);
    cr_expect_eq(check(record, record->bytes), HEC_CORRUPT);
}

/* Bytes with a good checksum can still be a lie. */
Test(record, refuses_counts_that_do_not_fill_the_record)
{
    static const uint16_t WRONG[] = { 0, 1, 2, 4, 5, 1000, HEC_SKETCHED, HEC_SKETCHED | 3, 0xffff };
    for (size_t i = 0; i < sizeof(WRONG) / sizeof(*WRONG); i++) {
        struct hec_record *record = filled();
        fixture_count(&fixture)[0] = WRONG[i];
        hec_record_seal(record);
        cr_expect_eq(check(record, record->bytes), HEC_CORRUPT, "count %u", WRONG[i]);
    }
}

Test(record, refuses_a_token_that_reaches_beyond_the_record)
{
    struct hec_record *record = filled();
    record->token_length = 128;
    hec_record_seal(record);
    struct hec_text token = { .bytes = (const char *)(record + 1), .length = 128 };
    cr_expect_eq(hec_record_check(record, record->bytes, &fixture.layout, &token), HEC_CORRUPT);
    record = filled();
    record->fixed_at += 8;
    hec_record_seal(record);
    cr_expect_eq(check(record, record->bytes), HEC_CORRUPT);
}

/* The oracle builds the record anew, part by part. Every edit is made in place and into other
 * memory. */
Test(record, moves_every_part_to_where_an_edit_wants_it)
{
    enum { PARTS = 12, BYTES_MAX = 4096 };
    static alignas(16) uint8_t from[BYTES_MAX], to[BYTES_MAX], want[BYTES_MAX];
    struct hec_random random = hec_random_at(71, 0);
    struct hec_text token = { .bytes = "token", .length = 5 };
    struct hec_layout layout = { .kind = HEC_CARD, .fixed_bytes = 8, .parts_count = PARTS };
    for (int p = 0; p < PARTS; p++) {
        layout.parts[p] = (struct hec_part){ .element_bytes = 4 + 4 * (uint32_t)p };
    }
    for (int n = 0; n < 20000; n++) {
        struct hec_record *record = (struct hec_record *)(void *)from;
        struct hec_fate fates[PARTS];
        uint32_t places[HEC_PARTS_MAX + 1], moved[HEC_PARTS_MAX + 1], wanted[HEC_PARTS_MAX + 1];
        uint64_t changed = 0;
        hec_record_init(record, &layout, &token);
        uint16_t *counts = hec_record_counts(record, &layout);
        for (int p = 0; p < PARTS; p++) {
            counts[p] = (uint16_t)hec_random_below(&random, 4);
        }
        hec_record_places(counts, record->bytes, &layout, places);
        for (uint32_t i = record->bytes; i < places[PARTS]; i++) {
            from[i] = (uint8_t)hec_random_below(&random, 256);
        }
        uint32_t at = places[0];
        memcpy(want, from, at);
        for (int p = 0; p < PARTS; p++) {
            uint32_t bytes = places[p + 1] - places[p];
            struct hec_fate stays = { .keep = bytes };
            struct hec_fate *fate = &fates[p];
            *fate = stays;
            if (hec_random_below(&random, 3) == 0) {
                fate->drop = (uint32_t)hec_random_below(&random, bytes + 1);
                fate->keep = (uint32_t)hec_random_below(&random, bytes - fate->drop + 1);
                fate->room = (uint32_t)hec_random_below(&random, 3) * 20;
                changed |= (uint64_t)1 << p;
            }
            wanted[p] = at;
            memcpy(want + at, from + places[p] + fate->drop, fate->keep);
            at += fate->keep + fate->room;
        }
        wanted[PARTS] = at;
        record->bytes = places[PARTS];
        for (int in_place = 0; in_place < 2; in_place++) {
            uint8_t *target = in_place ? from : to;
            memcpy(moved, places, sizeof(places));
            hec_record_reshape((struct hec_record *)(void *)target, record, &layout, moved, fates,
                               changed);
            cr_assert_arr_eq(moved, wanted, (PARTS + 1) * sizeof(*moved), "edit %d", n);
            cr_assert_eq(((struct hec_record *)(void *)target)->bytes, at, "edit %d", n);
            for (int p = 0; p < PARTS; p++) {
                cr_assert_eq(memcmp(target + wanted[p], want + wanted[p], fates[p].keep), 0,
                             "edit %d, part %d, in place %d", n, p, in_place);
            }
        }
    }
}

/* What only a forger writes: a good checksum over what no event can have left behind. */

#define WIDTH_MS 30000

static const struct hec_part RING = { .kind = HEC_PART_TILES,
                                      .element_bytes = 8,
                                      .elements_max = 4,
                                      .width_ms = WIDTH_MS,
                                      .width_units = 1,
                                      .ring = 4,
                                      .counts = 1 };

/* A record whose newest event lies in tile 100 with these numbers in its part, all of 4 bytes. */
static bool holds(struct hec_part part, uint16_t count, size_t bytes, const uint32_t *numbers)
{
    struct hec_record *record = fixture_record(&fixture, part);
    record->first_ms = 5;
    record->newest_ms = 100 * WIDTH_MS;
    fixture_reshape(&fixture, 0, (struct hec_fate){ .room = (uint32_t)bytes });
    memcpy(fixture_part(&fixture), numbers, bytes);
    fixture_count(&fixture)[0] = count;
    hec_record_seal(record);
    cr_assert_eq(check(record, record->bytes), HEC_OK);
    return hec_record_holds(record, &fixture.layout);
}

Test(record, holds_tiles_that_rise_within_the_ring)
{
    cr_expect(holds(RING, 2, 16, (uint32_t[]){ 97, 1, 100, 1 }));
    cr_expect_not(holds(RING, 2, 16, (uint32_t[]){ 96, 1, 100, 1 }), "left behind");
    cr_expect_not(holds(RING, 2, 16, (uint32_t[]){ 97, 1, 101, 1 }), "ahead of the newest event");
    cr_expect_not(holds(RING, 2, 16, (uint32_t[]){ 99, 1, 98, 1 }), "falling");
    cr_expect_not(holds(RING, 2, 16, (uint32_t[]){ 99, 1, 99, 1 }), "twice");
}

Test(record, holds_distinct_values_and_sketches_of_the_ring)
{
    struct hec_part part = RING;
    static uint32_t sketches[2 * HEC_SKETCH_BYTES / 4];
    part.kind = HEC_PART_DISTINCT;
    part.elements_max = 25;
    part.group = 2;
    cr_expect(holds(part, 2, 16, (uint32_t[]){ 7, 100, 8, 97 }));
    cr_expect_not(holds(part, 2, 16, (uint32_t[]){ 7, 100, 8, 96 }), "left behind");
    cr_expect_not(holds(part, 2, 16, (uint32_t[]){ 7, 101, 8, 97 }), "ahead");
    static const struct {
        uint32_t first, second;
        bool holds;
    } CASES[] = { { 48, 50, true }, { 47, 50, false }, { 48, 51, false }, { 50, 50, false } };
    for (int i = 0; i < 4; i++) {
        sketches[0] = CASES[i].first;
        sketches[HEC_SKETCH_BYTES / 4] = CASES[i].second;
        cr_expect_eq(holds(part, HEC_SKETCHED | 2, sizeof(sketches), sketches), CASES[i].holds,
                     "case %d", i);
    }
    cr_expect_not(holds(part, HEC_SKETCHED, 0, sketches), "no sketch at all");
}

Test(record, holds_every_hour_of_the_week_once)
{
    struct hec_part part = { .kind = HEC_PART_HOURS, .element_bytes = 4, .elements_max = 168 };
    cr_expect(holds(part, 2, 8, (uint32_t[]){ 167, 0 }));
    cr_expect_not(holds(part, 2, 8, (uint32_t[]){ 168, 0 }));
    cr_expect_not(holds(part, 2, 8, (uint32_t[]){ 3, 3 | 9 << 16 }));
}

Test(record, holds_times_that_are_times)
{
    static const struct {
        int64_t first_ms, newest_ms;
        bool holds;
    } CASES[] = { { 0, 0, true },
                  { -1, 0, false },
                  { 0, -1, false },
                  { 0, INT64_C(253402300799999), true },
                  { 0, INT64_C(253402300800000), false } };
    for (int i = 0; i < 5; i++) {
        struct hec_record *record = fixture_record(&fixture, RING);
        record->first_ms = CASES[i].first_ms;
        record->newest_ms = CASES[i].newest_ms;
        cr_expect_eq(hec_record_holds(record, &fixture.layout), CASES[i].holds, "case %d", i);
    }
}
