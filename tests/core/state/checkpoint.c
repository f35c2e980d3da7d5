/* Checkpoints: one consistent cut, and nothing lost whether it is kept or not. */
#include "table_fixture.h"

struct copy {
    uint8_t bytes[8192];
    size_t length;
    char token[32];
    enum hec_kind kind;
};

static struct copy copies[64];

static size_t cut(struct hec_entities *entities, int32_t partition)
{
    struct hec_image image;
    size_t bytes = 0;
    cr_assert_eq(hec_entities_cut(entities, partition, &image), HEC_OK);
    for (size_t i = 0; i < image.count; i++) {
        const struct hec_image_record *record = &image.records[i];
        cr_assert_leq(record->length, sizeof(copies[i].bytes));
        copies[i] = (struct copy){ .length = record->length, .kind = record->id.kind };
        memcpy(copies[i].token, record->id.token.bytes, record->id.token.length);
        if (record->length > 0) {
            memcpy(copies[i].bytes, record->bytes, record->length);
        }
        cr_expect_eq(record->id.partition, partition);
        bytes += record->length;
    }
    cr_expect_eq(image.bytes, bytes);
    return image.count;
}

/* Puts the copies into another table. */
static void adopt_all(struct hec_entities *entities, int32_t partition, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct hec_entity *entity = want(entities, partition, copies[i].kind, copies[i].token);
        cr_assert_eq(hec_entities_adopt(entities, entity, copies[i].bytes, copies[i].length),
                     HEC_OK);
    }
    hec_entities_unpin(entities);
}

static const char *fingerprint(const struct hec_entities *entities, int32_t partition)
{
    static char hex[4][33];
    static int next;
    hec_entities_fingerprint(entities, partition, hex[++next % 4]);
    return hex[next % 4];
}

Test(checkpoint, stores_and_loads_to_the_same_state)
{
    struct hec_plan *plan = plan_of(SMALL);
    struct hec_entities *entities = table_of(plan, (size_t)1 << 20);
    struct hec_entities *other = table_of(plan, (size_t)1 << 20);
    for (int i = 0; i < 40; i++) {
        pay(plan, entities, 0, i % 2 ? "u1" : "u2", i % 3 ? "c1" : "c2", "m", i);
    }
    size_t count = cut(entities, 0);
    cr_expect_eq(count, 5u);
    adopt_all(other, 0, count);
    cr_expect_str_eq(fingerprint(entities, 0), fingerprint(other, 0));

    pay(plan, entities, 0, "u1", "c1", "m", 100);
    cr_expect_str_neq(fingerprint(entities, 0), fingerprint(other, 0));
    pay(plan, other, 0, "u1", "c1", "m", 100);
    cr_expect_str_eq(fingerprint(entities, 0), fingerprint(other, 0));
    hec_entities_free(entities);
    hec_entities_free(other);
    hec_plan_free(plan);
}

Test(checkpoint, refuses_bytes_that_are_damaged_or_of_another_schema_and_stays_missing)
{
    struct hec_plan *plan = plan_of(SMALL);
    struct hec_plan *second = plan_of("feature a { aggregate = count entity = user window = 5m }");
    struct hec_entities *entities = table_of(plan, (size_t)1 << 20);
    struct hec_entities *other = table_of(second, (size_t)1 << 20);
    pay(plan, entities, 0, "u", "c", "m", 1);
    size_t count = cut(entities, 0);
    for (size_t i = 0; i < count; i++) {
        if (copies[i].kind == HEC_USER) {
            struct hec_entity *entity = want(other, 0, HEC_USER, "u");
            cr_expect_eq(hec_entities_adopt(other, entity, copies[i].bytes, copies[i].length),
                         HEC_MISMATCH);
            cr_expect(hec_entity_is_missing(entity));
            struct hec_entity *wrong = want(entities, 0, HEC_USER, "w");
            cr_expect_eq(hec_entities_adopt(entities, wrong, copies[i].bytes, copies[i].length),
                         HEC_CORRUPT);
            copies[i].bytes[40] ^= 1;
            entity = want(entities, 1, HEC_USER, "u");
            cr_expect_eq(hec_entities_adopt(entities, entity, copies[i].bytes, copies[i].length),
                         HEC_CORRUPT);
            cr_expect(hec_entity_is_missing(entity));
        }
    }
    hec_entities_free(entities);
    hec_entities_free(other);
    hec_plan_free(plan);
    hec_plan_free(second);
}

Test(checkpoint, holds_what_was_when_it_was_cut)
{
    struct hec_plan *plan = plan_of(SMALL);
    struct hec_entities *entities = table_of(plan, (size_t)1 << 20);
    struct hec_entities *before = table_of(plan, (size_t)1 << 20);
    struct hec_image image;
    pay(plan, entities, 0, "u", "c", "m", 1);
    pay(plan, before, 0, "u", "c", "m", 1);
    cr_assert_eq(hec_entities_cut(entities, 0, &image), HEC_OK);
    pay(plan, entities, 0, "u", "c2", "m", 2);

    struct hec_entities *loaded = table_of(plan, (size_t)1 << 20);
    for (size_t i = 0; i < image.count; i++) {
        struct hec_entity *entity =
            hec_entities_want(loaded, 0, image.records[i].id.kind, &image.records[i].id.token);
        cr_assert_eq(
            hec_entities_adopt(loaded, entity, image.records[i].bytes, image.records[i].length),
            HEC_OK);
    }
    cr_expect_str_eq(fingerprint(loaded, 0), fingerprint(before, 0));
    hec_entities_free(entities);
    hec_entities_free(before);
    hec_entities_free(loaded);
    hec_plan_free(plan);
}

/* A checkpoint is written while the next events are applied: records grow and move meanwhile. */
Test(checkpoint, keeps_its_tokens_while_the_entities_go_on)
{
    struct hec_plan *plan = plan_of(SMALL);
    struct hec_entities *entities = table_of(plan, (size_t)1 << 20);
    struct hec_image image;
    char names[20][8];
    for (int i = 0; i < 20; i++) {
        snprintf(names[i], sizeof(names[i]), "u%d", i);
        pay(plan, entities, 0, names[i], names[i], "m", i);
    }
    cr_assert_eq(hec_entities_cut(entities, 0, &image), HEC_OK);
    size_t count = image.count;
    for (size_t i = 0; i < count; i++) {
        snprintf(copies[i].token, sizeof(copies[i].token), "%.*s",
                 (int)image.records[i].id.token.length, image.records[i].id.token.bytes);
    }
    for (int i = 20; i < 2000; i++) {
        pay(plan, entities, 0, names[i % 20], names[i * 7 % 20], i % 3 ? "m" : "n", i);
    }
    for (size_t i = 0; i < count; i++) {
        const struct hec_text *token = &image.records[i].id.token;
        cr_expect_eq(strncmp(copies[i].token, token->bytes, token->length), 0, "%.*s is %s no more",
                     (int)token->length, token->bytes, copies[i].token);
    }
    hec_entities_kept(entities, 0);
    hec_entities_free(entities);
    hec_plan_free(plan);
}

Test(checkpoint, cleans_what_was_kept_unless_it_changed_since)
{
    struct hec_plan *plan = plan_of(SMALL);
    struct hec_entities *entities = table_of(plan, (size_t)1 << 20);
    pay(plan, entities, 0, "u1", "c1", "m", 1);
    pay(plan, entities, 0, "u2", "c2", "m", 2);
    cr_expect_eq(cut(entities, 0), 5u);
    cr_expect_eq(hec_entities_dirty(entities, 0), 0u);
    pay(plan, entities, 0, "u2", "c2", "m", 3);
    cr_expect_eq(hec_entities_dirty(entities, 0), 3u);
    hec_entities_kept(entities, 0);
    cr_expect_eq(cut(entities, 0), 3u);
    hec_entities_kept(entities, 0);
    cr_expect_eq(cut(entities, 0), 0u);
    hec_entities_free(entities);
    hec_plan_free(plan);
}

Test(checkpoint, gives_back_what_was_not_stored)
{
    struct hec_plan *plan = plan_of(SMALL);
    struct hec_entities *entities = table_of(plan, 1000);
    char names[400][8];
    for (int i = 0; i < 400; i++) {
        snprintf(names[i], sizeof(names[i]), "u%d", i);
        pay(plan, entities, 0, names[i], names[i], "m", i);
    }
    struct hec_image image;
    cr_assert_eq(hec_entities_cut(entities, 0, &image), HEC_OK);
    cr_expect_eq(image.count, 801u);
    for (int i = 0; i < 400; i++) {
        pay(plan, entities, 0, names[i], names[i], "m", 400 + i);
    }
    hec_entities_discard(entities, 0);
    cr_expect_eq(hec_entities_dirty(entities, 0), 801u);
    struct hec_entities_stats stats;
    hec_entities_stats(entities, &stats);
    cr_expect_eq(stats.evicted, 0u, "neither dirty ones nor those of an image may go");
    cr_expect_eq(stats.dirty, 801u);
    cr_assert_eq(hec_entities_cut(entities, 0, &image), HEC_OK);
    cr_expect_eq(image.count, 801u);
    hec_entities_free(entities);
    hec_plan_free(plan);
}

Test(checkpoint, cuts_one_partition_and_leaves_the_others)
{
    struct hec_plan *plan = plan_of(SMALL);
    struct hec_entities *entities = table_of(plan, (size_t)1 << 20);
    hec_entities_set_partitions(entities, 2, (const bool[]){ true, true });
    pay(plan, entities, 0, "u", "c", "m", 1);
    pay(plan, entities, 1, "u", "c", "m", 1);
    struct hec_image first;
    struct hec_image second;
    cr_assert_eq(hec_entities_cut(entities, 0, &first), HEC_OK);
    cr_expect_eq(first.count, 3u);
    cr_expect_eq(hec_entities_dirty(entities, 1), 3u);
    uint8_t copy = *(const uint8_t *)first.records[0].bytes;
    cr_assert_eq(hec_entities_cut(entities, 1, &second), HEC_OK);
    cr_expect_neq(first.records[0].bytes, second.records[0].bytes);
    cr_expect_eq(*(const uint8_t *)first.records[0].bytes, copy, "both images stand");
    hec_entities_free(entities);
    hec_plan_free(plan);
}

Test(checkpoint, drops_a_partition_with_everything_that_was_under_way)
{
    struct hec_plan *plan = plan_of(SMALL);
    struct hec_entities *entities = table_of(plan, (size_t)1 << 20);
    struct hec_entities_stats stats;
    hec_entities_set_partitions(entities, 2, (const bool[]){ true, true });
    hec_entities_set_complete(entities, 0, true);
    pay(plan, entities, 0, "u", "c", "m", 1);
    pay(plan, entities, 1, "u", "c", "m", 1);
    cut(entities, 0);
    pay(plan, entities, 0, "u", "c", "m", 2);
    hec_entities_drop(entities, 0);
    cr_expect_null(find(entities, 0, HEC_USER, "u"));
    cr_expect_not_null(find(entities, 1, HEC_USER, "u"));
    cr_expect_not(hec_entities_is_complete(entities, 0));
    hec_entities_stats(entities, &stats);
    cr_expect_eq(stats.dirty, 3u);
    pay(plan, entities, 0, "u", "c", "m", 1);
    cr_expect_eq(cut(entities, 0), 3u, "the lists are usable again");
    hec_entities_drop(entities, -1);
    hec_entities_stats(entities, &stats);
    cr_expect_eq(stats.records, 0u);
    cr_expect_eq(stats.dirty, 0u);
    hec_entities_free(entities);
    hec_plan_free(plan);
}

Test(checkpoint, asks_again_for_a_foreign_shard_when_it_is_old)
{
    struct hec_plan *plan = plan_of(SMALL);
    struct hec_entities *entities = table_of(plan, (size_t)1 << 20);
    hec_entities_set_partitions(entities, 2, (const bool[]){ true, false });
    hec_entities_tick(entities, 1000, 500);
    struct hec_entity *foreign = want(entities, 1, HEC_MERCHANT, "m");
    struct hec_entity *own = want(entities, 0, HEC_MERCHANT, "m");
    hec_entities_absent(entities, foreign);
    hec_entities_absent(entities, own);
    hec_entities_tick(entities, 1499, 500);
    cr_expect_not(hec_entity_is_missing(want(entities, 1, HEC_MERCHANT, "m")));
    hec_entities_tick(entities, 1500, 500);
    cr_expect(hec_entity_is_missing(want(entities, 1, HEC_MERCHANT, "m")));
    cr_expect_not(hec_entity_is_missing(want(entities, 0, HEC_MERCHANT, "m")));
    hec_entities_free(entities);
    hec_plan_free(plan);
}

Test(checkpoint, drops_the_copies_of_a_partition_that_changes_hands)
{
    struct hec_plan *plan = plan_of(SMALL);
    struct hec_entities *entities = table_of(plan, (size_t)1 << 20);
    hec_entities_set_partitions(entities, 2, (const bool[]){ true, false });
    hec_entities_absent(entities, want(entities, 1, HEC_MERCHANT, "m"));
    pay(plan, entities, 0, "u", "c", "m", 1);
    hec_entities_unpin(entities);
    hec_entities_set_partitions(entities, 2, (const bool[]){ true, true });
    cr_expect_null(find(entities, 1, HEC_MERCHANT, "m"));
    cr_expect_not_null(find(entities, 0, HEC_MERCHANT, "m"));
    hec_entities_free(entities);
    hec_plan_free(plan);
}

Test(checkpoint, tells_a_store_to_delete_what_was_forgotten)
{
    struct hec_plan *plan = plan_of(SMALL);
    struct hec_entities *entities = table_of(plan, (size_t)1 << 20);
    pay(plan, entities, 0, "u", "c", "m", 1);
    cut(entities, 0);
    hec_entities_kept(entities, 0);
    const char *without = fingerprint(entities, 0);

    struct hec_event event = made(HEC_FORGET, "f", 1700000000000, "u");
    struct hec_touched touched;
    struct hec_entity *pool[16];
    made_text(&event, HEC_F_FORGET_KIND, "card");
    made_text(&event, HEC_F_FORGET_TOKEN, "c");
    cr_assert_eq(hec_plan_want(plan, entities, &event, 0, &touched, pool), 1);
    cr_assert_eq(hec_plan_apply(plan, entities, &event, 2, &touched), HEC_OK);
    cr_expect_str_neq(fingerprint(entities, 0), without);
    cr_assert_eq(cut(entities, 0), 1u);
    cr_expect_eq(copies[0].kind, HEC_CARD);
    cr_expect_eq(copies[0].length, 0u);
    hec_entities_kept(entities, 0);
    pay(plan, entities, 0, "u", "c", "m", 3);
    cr_expect_eq(cut(entities, 0), 3u, "the card begins anew");
    hec_entities_free(entities);
    hec_plan_free(plan);
}
