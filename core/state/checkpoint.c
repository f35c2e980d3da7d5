/*
 * The entity table seen by partitions: shards, checkpoints, forgetting, proofs.
 *
 * A cut copies every dirty record of one partition into one image and moves its entry from the
 * dirty list to the image list. Whatever changes afterwards is dirty again, so the image stays what
 * the state was when the transaction closed.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "state/table.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

void hec_entities_set_complete(struct hec_entities *entities, int32_t partition, bool complete)
{
    struct hec_partition *of = hec_entities_partition(entities, partition);
    if (of != NULL) {
        of->complete = complete;
    }
}

bool hec_entities_is_complete(const struct hec_entities *entities, int32_t partition)
{
    return partition < entities->partitions_max && entities->of[partition].complete;
}

void hec_entities_set_partitions(struct hec_entities *entities, int32_t partitions,
                                 const bool *owned)
{
    assert(partitions > 0);
    assert(partitions <= HEC_PARTITIONS_MAX);

    if (hec_entities_partition(entities, partitions - 1) == NULL) {
        return;
    }
    entities->partitions = partitions;
    for (int32_t i = 0; i < entities->partitions_max; i++) {
        bool mine = i < partitions && owned[i];
        if (mine != entities->of[i].owned) {
            hec_entities_drop(entities, i);
            entities->of[i].owned = mine;
        }
    }
}

void hec_entities_tick(struct hec_entities *entities, int64_t now_ms, int64_t refresh_ms)
{
    entities->now_ms = now_ms;
    entities->refresh_ms = refresh_ms;
}

static bool image_reserve(struct hec_partition *of, size_t records, size_t bytes)
{
    if (records > of->image_records_max) {
        struct hec_image_record *more = realloc(of->image_records, records * sizeof(*more));
        if (more == NULL) {
            return false;
        }
        of->image_records = more;
        of->image_records_max = records;
    }
    if (bytes > of->image_bytes_max) {
        uint8_t *more = realloc(of->image_bytes, bytes);
        if (more == NULL) {
            return false;
        }
        of->image_bytes = more;
        of->image_bytes_max = bytes;
    }
    return hec_entity_list_reserve(&of->image, of->dirty.count);
}

static size_t padded(size_t bytes)
{
    return (bytes + 7) & ~(size_t)7;
}

enum hec_status hec_entities_cut(struct hec_entities *entities, int32_t partition,
                                 struct hec_image *image)
{
    struct hec_partition *of = hec_entities_partition(entities, partition);
    if (of == NULL) {
        return HEC_NO_MEMORY;
    }
    assert(!of->cut);

    size_t bytes = 0;
    for (size_t i = 0; i < of->dirty.count; i++) {
        const struct hec_record *record = of->dirty.items[i]->memory;
        bytes += padded(record->bytes);
    }
    if (!image_reserve(of, of->dirty.count, bytes)) {
        return HEC_NO_MEMORY;
    }

    uint8_t *at = of->image_bytes;
    *image = (struct hec_image){ .records = of->image_records, .count = of->dirty.count };
    for (size_t i = 0; i < of->dirty.count; i++) {
        struct hec_entity *entity = of->dirty.items[i];
        const struct hec_record *record = entity->memory;
        struct hec_image_record *copy = &of->image_records[i];
        struct hec_record *own = (struct hec_record *)(void *)at;
        memcpy(own, record, record->bytes);
        *copy = (struct hec_image_record){ .id = hec_entity_id(entity) };
        copy->id.token.bytes = hec_record_token(own); /* the entity's own memory may move on */
        if (!(record->flags & HEC_RECORD_ERASED)) {
            hec_record_seal(own);
            copy->bytes = own;
            copy->length = record->bytes;
            image->bytes += record->bytes;
        }
        at += padded(record->bytes);
        entity->flags = (uint8_t)((entity->flags & ~HEC_ENTRY_DIRTY) | HEC_ENTRY_IMAGE);
        of->image.items[of->image.count++] = entity;
    }
    entities->counted.dirty -= of->dirty.count;
    of->dirty.count = 0;
    of->cut = true;
    return HEC_OK;
}

void hec_entities_kept(struct hec_entities *entities, int32_t partition)
{
    struct hec_partition *of = &entities->of[partition];
    for (size_t i = 0; i < of->image.count; i++) {
        of->image.items[i]->flags &= (uint8_t)~HEC_ENTRY_IMAGE;
    }
    of->image.count = 0;
    of->cut = false;
}

void hec_entities_discard(struct hec_entities *entities, int32_t partition)
{
    struct hec_partition *of = &entities->of[partition];
    for (size_t i = 0; i < of->image.count; i++) {
        struct hec_entity *entity = of->image.items[i];
        entity->flags &= (uint8_t)~HEC_ENTRY_IMAGE;
        if (!(entity->flags & HEC_ENTRY_DIRTY)) {
            entity->flags |= HEC_ENTRY_DIRTY;
            /* The list held them at the cut, and since then every newcomer has reserved room for
             * the image, too. */
            assert(of->dirty.count < of->dirty.max);
            of->dirty.items[of->dirty.count++] = entity;
            entities->counted.dirty++;
        }
    }
    of->image.count = 0;
    of->cut = false;
}

static void drop_visit(struct hec_entities *entities, struct hec_entity *entity, void *context)
{
    int32_t partition = *(const int32_t *)context;
    if (partition < 0 || entity->partition == partition) {
        entity->flags &= (uint8_t) ~(HEC_ENTRY_DIRTY | HEC_ENTRY_IMAGE);
        hec_entities_remove(entities, entity);
    }
}

void hec_entities_drop(struct hec_entities *entities, int32_t partition)
{
    hec_entities_each(entities, drop_visit, &partition);
    for (int32_t i = 0; i < entities->partitions_max; i++) {
        if (partition < 0 || i == partition) {
            struct hec_partition *of = &entities->of[i];
            entities->counted.dirty -= of->dirty.count;
            of->dirty.count = 0;
            of->image.count = 0;
            of->cut = false;
            of->complete = false;
        }
    }
}

static void forget_visit(struct hec_entities *entities, struct hec_entity *entity, void *context)
{
    (void)context;
    if (entity->flags & HEC_ENTRY_MISSING) {
        hec_entities_remove(entities, entity);
    }
}

void hec_entities_forget_missing(struct hec_entities *entities)
{
    hec_entities_each(entities, forget_visit, NULL);
}

void hec_entities_stats(const struct hec_entities *entities, struct hec_entities_stats *stats)
{
    *stats = entities->counted;
    stats->bytes = hec_entities_bytes(entities);
}

size_t hec_entities_dirty(const struct hec_entities *entities, int32_t partition)
{
    return partition < entities->partitions_max ? entities->of[partition].dirty.count : 0;
}

/* Records in the order of their keys, for the fingerprint. */
struct gathering {
    int32_t partition;
    const struct hec_record **records;
    size_t count;
};

static void gather(struct hec_entities *entities, struct hec_entity *entity, void *context)
{
    struct gathering *all = context;
    const struct hec_record *record = hec_entity_record(entity);
    (void)entities;
    if (entity->partition == all->partition && record != NULL &&
        !(record->flags & HEC_RECORD_ERASED) && !(entity->flags & HEC_ENTRY_MISSING)) {
        all->records[all->count++] = record;
    }
}

static int by_key(const void *a, const void *b)
{
    const struct hec_record *x = *(const struct hec_record *const *)a;
    const struct hec_record *y = *(const struct hec_record *const *)b;
    if (x->kind != y->kind) {
        return x->kind < y->kind ? -1 : 1;
    }
    size_t shorter = x->token_length < y->token_length ? x->token_length : y->token_length;
    int order = memcmp(hec_record_token(x), hec_record_token(y), shorter);
    return order != 0 ? order : (int)x->token_length - (int)y->token_length;
}

void hec_entities_fingerprint(const struct hec_entities *entities, int32_t partition, char hex[33])
{
    struct gathering all = { .partition = partition };
    XXH3_state_t *state = XXH3_createState();
    all.records = malloc((entities->index.entries + 1) * sizeof(*all.records));
    memset(hex, '0', 32);
    hex[32] = '\0';
    if (state != NULL && all.records != NULL) {
        /* Visiting changes nothing here; the walk is shared with those that remove. */
        hec_entities_each((struct hec_entities *)(uintptr_t)entities, gather, &all);
        qsort(all.records, all.count, sizeof(*all.records), by_key);
        XXH3_128bits_reset(state);
        for (size_t i = 0; i < all.count; i++) {
            /* Magic and CRC differ between a record in use and a stored one. */
            XXH3_128bits_update(state, &all.records[i]->bytes, all.records[i]->bytes - 8);
        }
        XXH128_hash_t hash = XXH3_128bits_digest(state);
        snprintf(hex, 33, "%016llx%016llx", (unsigned long long)hash.high64,
                 (unsigned long long)hash.low64);
    }
    free(all.records);
    XXH3_freeState(state);
}
