/* The table: who is there, who is missing, who must stay and who may go. */
#include "state/table.h"

#include "table_fixture.h"

Test(table, makes_an_entry_that_is_missing_until_it_is_answered)
{
    struct hec_plan *plan = plan_of(SMALL);
    struct hec_entities *entities = table_of(plan, (size_t)1 << 20);
    cr_expect_null(find(entities, 0, HEC_USER, "u1"));
    struct hec_entity *entity = want(entities, 0, HEC_USER, "u1");
    cr_expect(hec_entity_is_missing(entity));
    cr_expect_eq(want(entities, 0, HEC_USER, "u1"), entity);
    cr_expect_eq(find(entities, 0, HEC_USER, "u1"), entity);
    hec_entities_absent(entities, entity);
    cr_expect_not(hec_entity_is_missing(entity));
    cr_expect_not(hec_entity_is_missing(want(entities, 0, HEC_USER, "u1")));

    struct hec_entity_id id = hec_entity_id(entity);
    cr_expect_eq(id.partition, 0);
    cr_expect_eq(id.kind, HEC_USER);
    cr_expect_eq(id.token.length, 2u);
    cr_expect_eq(memcmp(id.token.bytes, "u1", 2), 0);
    hec_entities_free(entities);
    hec_plan_free(plan);
}

Test(table, tells_partitions_kinds_and_tokens_apart)
{
    struct hec_plan *plan = plan_of(SMALL);
    struct hec_entities *entities = table_of(plan, (size_t)1 << 20);
    struct hec_entity *entity = want(entities, 0, HEC_USER, "x");
    cr_expect_neq(want(entities, 1, HEC_USER, "x"), entity);
    cr_expect_neq(want(entities, 0, HEC_CARD, "x"), entity);
    cr_expect_neq(want(entities, 0, HEC_USER, "xx"), entity);
    hec_entities_free(entities);
    hec_plan_free(plan);
}

Test(table, keeps_tokens_of_every_length)
{
    struct hec_plan *plan = plan_of(SMALL);
    struct hec_entities *entities = table_of(plan, (size_t)1 << 20);
    char token[HEC_TOKEN_BYTES_MAX + 1] = "";
    hec_entities_set_complete(entities, 0, true);
    for (size_t length = 1; length <= HEC_TOKEN_BYTES_MAX; length++) {
        memset(token, 'a', length);
        pay(plan, entities, 0, token, token, token, (int64_t)length);
        struct hec_text text = hec_text_of(token);
        struct hec_entity_id id =
            hec_entity_id(hec_entities_find(entities, 0, HEC_MERCHANT, &text));
        cr_assert_eq(id.token.length, length);
        cr_assert_eq(memcmp(id.token.bytes, token, length), 0);
    }
    hec_entities_free(entities);
    hec_plan_free(plan);
}

Test(table, knows_that_a_token_was_never_seen_when_it_holds_everything)
{
    struct hec_plan *plan = plan_of(SMALL);
    struct hec_entities *entities = table_of(plan, (size_t)1 << 20);
    cr_expect_not(hec_entities_is_complete(entities, 0));
    cr_expect_not(hec_entities_is_complete(entities, 700));
    hec_entities_set_complete(entities, 0, true);
    cr_expect(hec_entities_is_complete(entities, 0));
    cr_expect_not(hec_entity_is_missing(want(entities, 0, HEC_USER, "u1")));
    hec_entities_set_complete(entities, 0, false);
    cr_expect(hec_entity_is_missing(want(entities, 0, HEC_USER, "u2")));
    hec_entities_free(entities);
    hec_plan_free(plan);
}

/* Stores everything, so that entries are clean and may go. */
static void checkpoint(struct hec_entities *entities)
{
    struct hec_image image;
    cr_assert_eq(hec_entities_cut(entities, 0, &image), HEC_OK);
    hec_entities_kept(entities, 0);
}

Test(table, tells_the_newest_offset_of_a_record_and_none_where_there_is_no_record)
{
    struct hec_plan *plan = plan_of(SMALL);
    struct hec_entities *entities = table_of(plan, (size_t)1 << 20);
    cr_expect_eq(hec_entity_last_off(want(entities, 0, HEC_USER, "u1")), -1);
    pay(plan, entities, 0, "u1", "c1", "m", 7);
    pay(plan, entities, 0, "u1", "c2", "m", 9);
    cr_expect_eq(hec_entity_last_off(find(entities, 0, HEC_USER, "u1")), 9);
    cr_expect_eq(hec_entity_last_off(find(entities, 0, HEC_CARD, "c1")), 7);
    hec_entities_free(entities);
    hec_plan_free(plan);
}

Test(table, never_evicts_dirty_entries_however_small_the_bound)
{
    struct hec_plan *plan = plan_of(SMALL);
    struct hec_entities *entities = table_of(plan, 1000);
    char names[500][8];
    for (int i = 0; i < 500; i++) {
        snprintf(names[i], sizeof(names[i]), "u%d", i);
        pay(plan, entities, 0, names[i], names[i], "m", i);
    }
    struct hec_entities_stats stats;
    hec_entities_stats(entities, &stats);
    cr_expect_eq(stats.evicted, 0u);
    cr_expect_eq(stats.dirty, 1001u);
    cr_expect_eq(hec_entities_dirty(entities, 0), 1001u);
    for (int i = 0; i < 500; i++) {
        cr_assert_not_null(find(entities, 0, HEC_USER, names[i]));
    }
    hec_entities_free(entities);
    hec_plan_free(plan);
}

Test(table, evicts_clean_entries_to_hold_the_bound_and_says_it_is_not_complete)
{
    enum { BOUND = 200000 };
    struct hec_plan *plan = plan_of(SMALL);
    struct hec_entities *entities = table_of(plan, BOUND);
    struct hec_entities_stats stats;
    hec_entities_set_complete(entities, 0, true);
    for (int i = 0; i < 3000; i++) {
        char name[16];
        snprintf(name, sizeof(name), "u%d", i);
        pay(plan, entities, 0, name, name, "m", i);
        if (i % 10 == 9) {
            checkpoint(entities);
        }
    }
    hec_entities_stats(entities, &stats);
    cr_expect_leq(stats.bytes, BOUND + 20000u, "%llu", (unsigned long long)stats.bytes);
    cr_expect_gt(stats.evicted, 2000u);
    cr_expect_not(hec_entities_is_complete(entities, 0));
    cr_expect_eq(stats.entries[HEC_USER] + stats.entries[HEC_CARD] + 1 + stats.evicted, 6001u);
    hec_entities_free(entities);
    hec_plan_free(plan);
}

Test(table, evicts_what_was_not_used_before_what_was)
{
    struct hec_plan *plan = plan_of(SMALL);
    struct hec_entities *entities = table_of(plan, 100000);
    pay(plan, entities, 0, "hot", "hot", "m", 0);
    for (int i = 1; i < 2000; i++) {
        char name[16];
        snprintf(name, sizeof(name), "u%d", i);
        pay(plan, entities, 0, name, name, "m", i);
        checkpoint(entities);
        want(entities, 0, HEC_USER, "hot");
        hec_entities_unpin(entities);
    }
    cr_expect_not_null(find(entities, 0, HEC_USER, "hot"));
    cr_expect_null(find(entities, 0, HEC_USER, "u1"));
    hec_entities_free(entities);
    hec_plan_free(plan);
}

Test(table, keeps_the_entries_of_a_batch_until_it_is_unpinned)
{
    struct hec_plan *plan = plan_of(SMALL);
    struct hec_entities *entities = table_of(plan, 1000);
    struct hec_entity *first = want(entities, 0, HEC_USER, "first");
    hec_entities_absent(entities, first);
    for (int i = 0; i < 500; i++) {
        char name[16];
        snprintf(name, sizeof(name), "u%d", i);
        hec_entities_absent(entities, want(entities, 0, HEC_USER, name));
    }
    cr_expect_eq(find(entities, 0, HEC_USER, "first"), first);
    cr_expect_eq(memcmp(hec_entity_id(first).token.bytes, "first", 5), 0);
    hec_entities_unpin(entities);
    for (int i = 0; i < 50; i++) {
        char name[16];
        snprintf(name, sizeof(name), "v%d", i);
        want(entities, 0, HEC_USER, name);
    }
    cr_expect_null(find(entities, 0, HEC_USER, "first"));
    hec_entities_free(entities);
    hec_plan_free(plan);
}

/* A record with a growing list of card hashes moves through the size classes; what is in it stays,
 * as its fingerprint in one table equals that in a table that edited it only once more. */
Test(table, grows_and_shrinks_a_record_without_losing_it)
{
    struct hec_plan *plan = plan_of(SMALL);
    struct hec_entities *entities = table_of(plan, (size_t)1 << 22);
    struct hec_entities_stats grown;
    struct hec_entities_stats shrunk;
    hec_entities_set_complete(entities, 0, true);
    for (int i = 0; i < 200; i++) {
        char card[16];
        snprintf(card, sizeof(card), "c%d", i);
        pay_at(plan, entities, 0, "u", card, "m", i, 1700000000000 + i);
    }
    const struct hec_record *record = hec_entity_record(find(entities, 0, HEC_MERCHANT, "m"));
    uint32_t large = record->bytes;
    cr_expect_gt(large, HEC_SKETCH_BYTES);
    hec_entities_stats(entities, &grown);

    pay_at(plan, entities, 0, "u", "c0", "m", 999, 1800000000000);
    record = hec_entity_record(find(entities, 0, HEC_MERCHANT, "m"));
    cr_expect_lt(record->bytes, 150u, "all sketches are left behind");
    cr_expect_eq(memcmp(hec_record_token(record), "m", 1), 0);
    hec_entities_stats(entities, &shrunk);
    cr_expect_lt(shrunk.bytes, grown.bytes);
    hec_entities_free(entities);
    hec_plan_free(plan);
}

Test(table, counts_lookups_hits_and_entries)
{
    struct hec_plan *plan = plan_of(SMALL);
    struct hec_entities *entities = table_of(plan, (size_t)1 << 20);
    struct hec_entities_stats stats;
    struct hec_entity *entity = want(entities, 0, HEC_CARD, "c");
    want(entities, 0, HEC_CARD, "c");
    hec_entities_absent(entities, entity);
    want(entities, 0, HEC_CARD, "c");
    hec_entities_stats(entities, &stats);
    cr_expect_eq(stats.lookups, 3u);
    cr_expect_eq(stats.hits, 1u);
    cr_expect_eq(stats.entries[HEC_CARD], 1u);
    cr_expect_eq(stats.records, 0u);
    hec_entities_free(entities);
    hec_plan_free(plan);
}

Test(table, applies_to_a_missing_entry_as_if_never_seen_and_never_cuts_it)
{
    struct hec_plan *plan = plan_of(SMALL);
    struct hec_entities *entities = table_of(plan, (size_t)1 << 20);
    struct hec_event event = made_payment("e", 1700000000000, "u", "c", 5);
    struct hec_touched touched;
    struct hec_entity *pool[16];
    cr_assert_eq(hec_plan_want(plan, entities, &event, 0, &touched, pool), 2);
    cr_expect(touched.missing);
    cr_assert_eq(hec_plan_apply(plan, entities, &event, 7, &touched), HEC_OK);
    cr_expect_eq(hec_entities_dirty(entities, 0), 0u);
    cr_expect(hec_touched_refresh(&touched));
    cr_expect_not_null(hec_entity_record(pool[0]), "what came since can be read");

    hec_entities_absent(entities, pool[0]);
    cr_expect_null(hec_entity_record(pool[0]), "the answer wins over the guess");
    cr_expect_eq(hec_entity_id(pool[0]).token.length, 1u);
    hec_entities_unpin(entities);
    hec_entities_forget_missing(entities);
    cr_expect_null(find(entities, 0, HEC_CARD, "c"));
    cr_expect_not_null(find(entities, 0, HEC_USER, "u"));
    hec_entities_free(entities);
    hec_plan_free(plan);
}

static void count_bytes(struct hec_entities *entities, struct hec_entity *entity, void *context)
{
    uint64_t *bytes = context;
    (void)entities;
    bytes[entity->kind] += sizeof(*entity) + hec_slab_bytes(entity->class);
}

Test(table, tells_the_bytes_of_each_kind_through_growth_eviction_and_removal)
{
    struct hec_plan *plan = plan_of(SMALL);
    struct hec_entities *entities = table_of(plan, 60000);
    char names[400][8];
    for (int i = 0; i < 2000; i++) {
        char *name = names[i * 7 % 400];
        snprintf(name, sizeof(names[0]), "u%d", i * 7 % 400);
        pay(plan, entities, 0, name, name, "m", i);
        if (i % 100 == 0) {
            checkpoint(entities);
        }
    }
    struct hec_entities_stats stats;
    hec_entities_stats(entities, &stats);
    cr_expect_gt(stats.evicted, 0u);
    uint64_t bytes[HEC_KINDS] = { 0 };
    uint64_t all = hec_index_bytes(&entities->index);
    hec_entities_each(entities, count_bytes, bytes);
    for (int kind = 0; kind < HEC_KINDS; kind++) {
        cr_expect_eq(stats.bytes_of[kind], bytes[kind]);
        all += stats.bytes_of[kind];
    }
    cr_expect_eq(stats.bytes, all);
    hec_entities_drop(entities, -1);
    hec_entities_stats(entities, &stats);
    for (int kind = 0; kind < HEC_KINDS; kind++) {
        cr_expect_eq(stats.bytes_of[kind], 0u);
    }
    hec_entities_free(entities);
    hec_plan_free(plan);
}
