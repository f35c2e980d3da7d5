/* Records: the identity through bytes, and every way in which stored bytes can be wrong. */
#include "state/record.h"

#include <criterion/criterion.h>
#include <stddef.h>

#include "fixture.h"
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
            hec_tiles_place(record, &TILES, fixture_count(&fixture), fixture_part(&fixture), tile),
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

Test(record, opens_and_closes_gaps_without_touching_the_rest)
{
    struct hec_record *record = filled();
    uint32_t bytes = record->bytes;
    uint8_t before[512];
    memcpy(before, record, bytes);
    uint8_t *at = fixture_part(&fixture) + 8;
    hec_record_open(record, at, 24);
    cr_expect_eq(record->bytes, bytes + 24);
    for (int i = 0; i < 24; i++) {
        cr_expect_eq(at[i], 0);
    }
    hec_record_close(record, at, 24);
    cr_expect_eq(record->bytes, bytes);
    cr_expect_eq(memcmp(before, record, bytes), 0);
}
