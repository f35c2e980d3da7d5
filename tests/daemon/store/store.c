/* The store: what goes in comes back, one owner at a time, the same over Redis and memory. */
#include "store/store.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "entities_double.h"
#include "redis_fixture.h"

static struct redis_fixture redis;

static struct hec_store *open_store(const char *address, const char *prefix)
{
    struct hec_store *store = NULL;
    struct hec_error error = { 0 };
    struct hec_store_options options = { .address = address, .key_prefix = prefix };
    cr_assert_eq(hec_store_open(&store, &options, &error), HEC_OK, "%s", error.text);
    return store;
}

/* Runs one check over both backends. */
static void over_both(void (*check)(struct hec_store *store))
{
    struct hec_store *store = open_store("memory:", NULL);
    check(store);
    hec_store_close(store);
    if (!redis_fixture_start(&redis, NULL)) {
        cr_skip("there is no redis-server");
    }
    store = open_store(redis.address, NULL);
    check(store);
    hec_store_close(store);
    redis_fixture_end(&redis);
}

static uint64_t claim(struct hec_store *store, int32_t partition, uint64_t floor)
{
    uint64_t epoch = 0;
    struct hec_error error = { 0 };
    cr_assert_eq(hec_store_claim(store, partition, floor, &epoch, &error), HEC_OK, "%s",
                 error.text);
    return epoch;
}

static struct hec_watermark watermark_of(int64_t offset, uint64_t epoch, uint32_t generation)
{
    return (struct hec_watermark){ .offset = offset,
                                   .epoch = epoch,
                                   .generation = generation,
                                   .partitions = 4,
                                   .state_digest = 0xabcdef,
                                   .history_from = 1,
                                   .cluster_id = "cluster" };
}

static enum hec_status checkpoint(struct hec_store *store, int32_t partition,
                                  const struct hec_image_record *records, size_t count,
                                  struct hec_watermark watermark)
{
    struct hec_image image = { .records = records, .count = count };
    return hec_store_checkpoint(store, partition, &image, &watermark, NULL);
}

static enum hec_status load(struct hec_store *store, struct hec_entity *entities, int count,
                            uint32_t generation, int32_t *bad)
{
    struct hec_entity *missing[16];
    uint32_t generations[16];
    for (int i = 0; i < 16; i++) {
        generations[i] = generation;
    }
    for (int i = 0; i < count; i++) {
        missing[i] = &entities[i];
    }
    return hec_store_load(store, NULL, missing, count, generations, bad, NULL);
}

static void check_claim(struct hec_store *store)
{
    cr_expect_eq(claim(store, 3, 0), 1u);
    cr_expect_eq(claim(store, 3, 0), 2u);
    cr_expect_eq(claim(store, 3, 1), 3u);
    cr_expect_eq(claim(store, 3, 10), 11u);
    cr_expect_eq(claim(store, 3, 11), 12u);
    cr_expect_eq(claim(store, 4, 0), 1u);
}

Test(store, claims_a_partition_above_every_epoch_that_is_known)
{
    over_both(check_claim);
}

static void check_round_trip(struct hec_store *store)
{
    struct hec_watermark found;
    cr_expect_eq(hec_store_watermark_read(store, 2, &found, NULL), HEC_NOT_FOUND);

    static const char BINARY[] = "\0\r\n$5\r\nbytes\xff";
    struct hec_image_record records[3] = {
        record_of(2, HEC_USER, "u1", "state of a user"),
        record_of(2, HEC_CARD, "u1", "state of a card"),
        { .id = entity_of(2, HEC_MERCHANT, "m:1 {x}").id, BINARY, sizeof(BINARY) },
    };
    struct hec_watermark written = watermark_of(100, claim(store, 2, 0), 1);
    cr_assert_eq(checkpoint(store, 2, records, 3, written), HEC_OK);

    struct hec_entity asked[5] = { entity_of(2, HEC_USER, "u1"), entity_of(2, HEC_CARD, "u1"),
                                   entity_of(2, HEC_MERCHANT, "m:1 {x}"),
                                   entity_of(2, HEC_USER, "u2"), entity_of(1, HEC_USER, "u1") };
    cr_assert_eq(load(store, asked, 5, 1, NULL), HEC_OK);
    cr_expect_str_eq(asked[0].bytes, "state of a user");
    cr_expect_str_eq(asked[1].bytes, "state of a card");
    cr_expect_eq(asked[2].length, sizeof(BINARY));
    cr_expect_eq(memcmp(asked[2].bytes, BINARY, sizeof(BINARY)), 0);
    cr_expect_eq((int)asked[3].fate, ABSENT);
    cr_expect_eq((int)asked[4].fate, ABSENT, "another partition's shard");

    cr_assert_eq(hec_store_watermark_read(store, 2, &found, NULL), HEC_OK);
    cr_expect_eq(memcmp(&found, &written, sizeof(found)), 0);

    struct hec_entity other = entity_of(2, HEC_USER, "u1");
    cr_assert_eq(load(store, &other, 1, 2, NULL), HEC_OK);
    cr_expect_eq((int)other.fate, ABSENT, "another generation");
    cr_expect_eq(load(store, &other, 0, 2, NULL), HEC_OK, "nothing asked, nothing wrong");

    struct hec_store_stats stats;
    hec_store_stats(store, &stats);
    cr_expect_eq(stats.loaded, 3u);
    cr_expect_eq(stats.absent, 3u);
    cr_expect_eq(stats.written, 3u);
    cr_expect_eq(stats.checkpoints, 1u);
}

Test(store, gives_back_what_a_checkpoint_wrote_and_nothing_else)
{
    over_both(check_round_trip);
}

static void check_fence(struct hec_store *store)
{
    struct hec_image_record mine = record_of(0, HEC_USER, "u", "of the zombie");
    struct hec_image_record theirs = record_of(0, HEC_USER, "u", "of the owner");
    uint64_t zombie = claim(store, 0, 0);
    uint64_t owner = claim(store, 0, 0);
    cr_assert_eq(checkpoint(store, 0, &theirs, 1, watermark_of(10, owner, 1)), HEC_OK);
    cr_expect_eq(checkpoint(store, 0, &mine, 1, watermark_of(20, zombie, 1)), HEC_FENCED);
    cr_expect_eq(checkpoint(store, 0, &mine, 1, watermark_of(20, owner + 1, 1)), HEC_MISMATCH,
                 "an epoch that the store never saw: it was rolled back");

    struct hec_entity asked = entity_of(0, HEC_USER, "u");
    struct hec_watermark found;
    cr_assert_eq(load(store, &asked, 1, 1, NULL), HEC_OK);
    cr_expect_str_eq(asked.bytes, "of the owner");
    cr_assert_eq(hec_store_watermark_read(store, 0, &found, NULL), HEC_OK);
    cr_expect_eq(found.offset, 10);
}

Test(store, writes_nothing_for_an_epoch_that_does_not_own_the_partition)
{
    over_both(check_fence);
}

static void check_refused_records(struct hec_store *store)
{
    struct hec_image_record records[3] = { record_of(1, HEC_USER, "a", "fine"),
                                           record_of(1, HEC_USER, "b", "bad bytes"),
                                           record_of(1, HEC_USER, "c", "fine too") };
    int32_t bad = -1;
    cr_assert_eq(checkpoint(store, 1, records, 3, watermark_of(1, claim(store, 1, 0), 1)), HEC_OK);
    struct hec_entity asked[3] = { entity_of(1, HEC_USER, "a"), entity_of(1, HEC_USER, "b"),
                                   entity_of(1, HEC_USER, "c") };
    cr_expect_eq(load(store, asked, 3, 1, &bad), HEC_CORRUPT);
    cr_expect_eq(bad, 1);
    cr_expect_eq((int)asked[0].fate, ADOPTED);
    cr_expect_eq((int)asked[1].fate, MISSING);
    cr_expect_eq((int)asked[2].fate, ADOPTED);

    struct hec_image_record old = record_of(1, HEC_USER, "b", "old digest");
    cr_assert_eq(checkpoint(store, 1, &old, 1, watermark_of(2, claim(store, 1, 0), 1)), HEC_OK);
    cr_expect_eq(load(store, &asked[1], 1, 1, &bad), HEC_MISMATCH);
    cr_expect_eq((int)asked[1].fate, MISSING);
}

Test(store, tells_the_partition_of_a_record_that_was_refused_and_loads_the_rest)
{
    over_both(check_refused_records);
}

/* A record without bytes is one that was forgotten. */
static void check_forgotten(struct hec_store *store)
{
    uint64_t epoch = claim(store, 1, 0);
    struct hec_image_record records[2] = { record_of(1, HEC_USER, "a", "bytes of a"),
                                           record_of(1, HEC_USER, "b", "bytes of b") };
    cr_assert_eq(checkpoint(store, 1, records, 2, watermark_of(1, epoch, 1)), HEC_OK);
    records[0].bytes = NULL;
    records[0].length = 0;
    cr_assert_eq(checkpoint(store, 1, records, 2, watermark_of(2, epoch, 1)), HEC_OK);
    struct hec_entity asked[2] = { entity_of(1, HEC_USER, "a"), entity_of(1, HEC_USER, "b") };
    cr_assert_eq(load(store, asked, 2, 1, NULL), HEC_OK);
    cr_expect_eq((int)asked[0].fate, ABSENT);
    cr_expect_eq((int)asked[1].fate, ADOPTED);
}

Test(store, deletes_what_was_forgotten)
{
    over_both(check_forgotten);
}

/* The owner of another partition may be of another version, or about to rebuild it. */
static void check_foreign(struct hec_store *store)
{
    struct hec_image_record records[2] = { record_of(1, HEC_TERMINAL, "t", "bad bytes"),
                                           record_of(1, HEC_TERMINAL, "u", "old digest") };
    uint64_t epoch = claim(store, 1, 0);
    cr_assert_eq(checkpoint(store, 1, records, 2, watermark_of(1, epoch, 1)), HEC_OK);
    hec_store_release(store, 1);
    struct hec_entity asked[2] = { entity_of(1, HEC_TERMINAL, "t"),
                                   entity_of(1, HEC_TERMINAL, "u") };
    cr_expect_eq(load(store, asked, 2, 1, NULL), HEC_OK);
    cr_expect_eq((int)asked[0].fate, MISSING);
    cr_expect_eq((int)asked[1].fate, MISSING);
}

Test(store, leaves_a_shard_of_others_missing_that_cannot_be_read)
{
    over_both(check_foreign);
}

static void check_verify(struct hec_store *store)
{
    uint64_t epoch = claim(store, 0, 0);
    struct hec_watermark first = watermark_of(10, epoch, 1);
    struct hec_watermark second = watermark_of(20, epoch, 1);
    struct hec_watermark third = watermark_of(30, epoch, 1);
    struct hec_watermark found = { 0 };

    cr_expect_eq(hec_store_verify(store, 0, NULL, NULL, &found, NULL), HEC_OK, "none was written");
    cr_expect_eq(hec_store_verify(store, 0, &first, NULL, &found, NULL), HEC_MISMATCH);
    cr_assert_eq(checkpoint(store, 0, NULL, 0, first), HEC_OK);
    cr_expect_eq(hec_store_verify(store, 0, NULL, NULL, &found, NULL), HEC_MISMATCH);
    cr_expect_eq(hec_store_verify(store, 0, &first, NULL, &found, NULL), HEC_OK);
    cr_expect_eq(hec_store_verify(store, 0, &first, &second, &found, NULL), HEC_OK);
    cr_expect_eq(found.offset, 10);

    cr_assert_eq(checkpoint(store, 0, NULL, 0, second), HEC_OK);
    cr_expect_eq(hec_store_verify(store, 0, &first, &second, &found, NULL), HEC_OK);
    cr_expect_eq(found.offset, 20, "the one whose answer was lost had been stored");
    cr_expect_eq(hec_store_verify(store, 0, &first, &third, &found, NULL), HEC_MISMATCH);
    cr_expect_eq(hec_store_verify(store, 0, &first, NULL, &found, NULL), HEC_MISMATCH);

    epoch = claim(store, 0, 0);
    struct hec_watermark ours = watermark_of(20, epoch, 1);
    cr_expect_eq(hec_store_verify(store, 0, &ours, NULL, &found, NULL), HEC_OK,
                 "nothing was written since a former epoch did");
    cr_expect_eq(found.epoch, second.epoch);
    ours.generation = 2;
    cr_expect_eq(hec_store_verify(store, 0, &ours, NULL, &found, NULL), HEC_MISMATCH);
    ours.generation = 1;
    ours.history_from = 2;
    cr_expect_eq(hec_store_verify(store, 0, &ours, NULL, &found, NULL), HEC_MISMATCH);
}

Test(store, verifies_that_it_holds_what_was_written_last)
{
    over_both(check_verify);
}

static void check_sweep(struct hec_store *store)
{
    enum { RECORDS = 700 };
    static char tokens[RECORDS][16];
    static struct hec_image_record records[RECORDS];
    uint64_t epoch = claim(store, 1, 0);
    for (int i = 0; i < RECORDS; i++) {
        snprintf(tokens[i], sizeof(tokens[i]), "t%d", i);
        records[i] = record_of(1, HEC_USER, tokens[i], "x");
    }
    for (uint32_t generation = 1; generation <= 11; generation += 5) { /* 1, 6, 11 */
        cr_assert_eq(checkpoint(store, 1, records, RECORDS, watermark_of(1, epoch, generation)),
                     HEC_OK);
    }
    struct hec_image_record other = record_of(11, HEC_USER, "t0", "x");
    uint64_t other_epoch = claim(store, 11, 0);
    cr_assert_eq(checkpoint(store, 11, &other, 1, watermark_of(1, other_epoch, 1)), HEC_OK);

    char cursor[HEC_STORE_CURSOR_BYTES] = "";
    enum hec_status status = HEC_OK;
    int calls = 0;
    while (status == HEC_OK) {
        status = hec_store_sweep(store, 1, 11, cursor, NULL);
        calls++;
    }
    cr_expect_eq(status, HEC_END);
    cr_expect_gt(calls, 1, "a little at a time");
    for (int i = 0; i < RECORDS; i += 233) {
        struct hec_entity asked = entity_of(1, HEC_USER, tokens[i]);
        cr_assert_eq(load(store, &asked, 1, 1, NULL), HEC_OK);
        cr_expect_eq((int)asked.fate, ABSENT);
        cr_assert_eq(load(store, &asked, 1, 6, NULL), HEC_OK);
        cr_expect_eq((int)asked.fate, ABSENT);
        cr_assert_eq(load(store, &asked, 1, 11, NULL), HEC_OK);
        cr_expect_eq((int)asked.fate, ADOPTED);
    }
    char again[HEC_STORE_CURSOR_BYTES] = "";
    while (hec_store_sweep(store, 1, 6, again, NULL) == HEC_OK) {
    }
    struct hec_entity newer = entity_of(1, HEC_USER, tokens[0]);
    cr_assert_eq(load(store, &newer, 1, 11, NULL), HEC_OK);
    cr_expect_eq((int)newer.fate, ADOPTED, "a newer generation is of a later owner");
    struct hec_entity asked = entity_of(11, HEC_USER, "t0");
    cr_assert_eq(load(store, &asked, 1, 1, NULL), HEC_OK);
    cr_expect_eq((int)asked.fate, ADOPTED, "partition 11 is not partition 1");
    struct hec_watermark found;
    cr_expect_eq(hec_store_watermark_read(store, 1, &found, NULL), HEC_OK);
}

Test(store, sweeps_the_older_generations_of_one_partition)
{
    over_both(check_sweep);
}

Test(store, keeps_pipelines_with_another_prefix_apart)
{
    if (!redis_fixture_start(&redis, NULL)) {
        cr_skip("there is no redis-server");
    }
    struct hec_store *one = open_store(redis.address, "one");
    struct hec_store *two = open_store(redis.address, "two");
    struct hec_image_record record = record_of(0, HEC_USER, "u", "of one");
    cr_assert_eq(checkpoint(one, 0, &record, 1, watermark_of(5, claim(one, 0, 0), 1)), HEC_OK);
    struct hec_watermark found;
    cr_expect_eq(hec_store_watermark_read(two, 0, &found, NULL), HEC_NOT_FOUND);
    cr_expect_eq(claim(two, 0, 0), 1u);
    struct hec_entity asked = entity_of(0, HEC_USER, "u");
    cr_assert_eq(load(two, &asked, 1, 1, NULL), HEC_OK);
    cr_expect_eq((int)asked.fate, ABSENT);
    hec_store_close(one);
    hec_store_close(two);
    redis_fixture_end(&redis);
}

Test(store, writes_keys_that_an_operator_can_read)
{
    char out[512];
    if (!redis_fixture_start(&redis, NULL)) {
        cr_skip("there is no redis-server");
    }
    struct hec_store *store = open_store(redis.address, NULL);
    struct hec_image_record record = record_of(7, HEC_CARD, "c_9", "bytes");
    cr_assert_eq(checkpoint(store, 7, &record, 1, watermark_of(5, claim(store, 7, 41), 3)), HEC_OK);
    redis_fixture_cli(&redis, "get hec:{7}:3:card:c_9", out, sizeof(out));
    cr_expect_str_eq(out, "bytes\n");
    redis_fixture_cli(&redis, "get hec:own:{7}", out, sizeof(out));
    cr_expect_eq(strncmp(out, "42:", 3), 0, "%s", out);
    redis_fixture_cli(&redis, "get hec:wm:{7}", out, sizeof(out));
    cr_expect_eq(strncmp(out, "offset=5 epoch=42 generation=3 ", 31), 0, "%s", out);
    hec_store_close(store);
    redis_fixture_end(&redis);
}

Test(store, refuses_a_prefix_that_would_break_the_keys)
{
    static const char *const BAD[] = { "a{b", "a}", "a b", "123456789012345678901234567890123" };
    for (size_t i = 0; i < sizeof(BAD) / sizeof(*BAD); i++) {
        struct hec_store *store = NULL;
        struct hec_store_options options = { .address = "memory:", .key_prefix = BAD[i] };
        cr_expect_eq(hec_store_open(&store, &options, NULL), HEC_INVALID, "%s", BAD[i]);
    }
}
