/*
 * The entity table: entries, their memory, and who may leave when the bound is reached.
 *
 * Entries never move, so that a batch may hold pointers to them. Which of them go is decided by a
 * clock (Corbato 1968): a hand walks over all entries, passes over one that was used since it last
 * came by, and evicts the first that was not. Each new entry moves the hand a bounded number of
 * steps, so that eviction costs the same on every event.
 */
#include "state/table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define HAND_STEPS 64

enum hec_status hec_entities_new(struct hec_entities **ret, const struct hec_plan *plan,
                                 size_t bytes_max)
{
    struct hec_entities *entities = calloc(1, sizeof(*entities));
    if (entities == NULL) {
        return HEC_NO_MEMORY;
    }
    entities->plan = plan;
    entities->bytes_max = bytes_max;
    entities->epoch = 1;
    entities->partitions = 1;

    struct hec_partition *first = hec_entities_partition(entities, 0);
    if (first == NULL) {
        hec_entities_free(entities);
        return HEC_NO_MEMORY;
    }
    first->owned = true;
    *ret = entities;
    return HEC_OK;
}

void hec_entities_free(struct hec_entities *entities)
{
    if (entities == NULL) {
        return;
    }
    for (size_t i = 0; i < entities->chunks_count; i++) {
        free(entities->chunks[i]);
    }
    free(entities->chunks);
    for (int32_t i = 0; i < entities->partitions_max; i++) {
        free(entities->of[i].dirty.items);
        free(entities->of[i].image.items);
        free(entities->of[i].image_bytes);
        free(entities->of[i].image_records);
    }
    free(entities->of);
    hec_slab_free(&entities->slab);
    hec_index_free(&entities->index);
    free(entities);
}

void hec_entities_set_keyer(struct hec_entities *entities, struct hec_keyer *keyer)
{
    assert(entities->counted.lookups == 0);
    entities->keyer = keyer;
}

struct hec_text hec_entities_name(const struct hec_entities *entities, const struct hec_text *token,
                                  char hex[HEC_KEYED_TOKEN_BYTES])
{
    if (entities->keyer == NULL) {
        return *token;
    }
    hec_keyer_token(entities->keyer, token->bytes, token->length, hex);
    return (struct hec_text){ .bytes = hex,
                              .length = HEC_KEYED_TOKEN_BYTES,
                              .hash = (uint32_t)XXH3_64bits(hex, HEC_KEYED_TOKEN_BYTES) };
}

struct hec_partition *hec_entities_partition(struct hec_entities *entities, int32_t partition)
{
    assert(partition >= 0);
    assert(partition < HEC_PARTITIONS_MAX);

    if (partition >= entities->partitions_max) {
        int32_t most = entities->partitions_max == 0 ? 4 : entities->partitions_max;
        while (most <= partition) {
            most *= 2;
        }
        struct hec_partition *of = realloc(entities->of, (size_t)most * sizeof(*of));
        if (of == NULL) {
            return NULL;
        }
        memset(of + entities->partitions_max, 0,
               (size_t)(most - entities->partitions_max) * sizeof(*of));
        entities->of = of;
        entities->partitions_max = most;
    }
    return &entities->of[partition];
}

size_t hec_entities_bytes(const struct hec_entities *entities)
{
    return entities->slab.bytes_used + hec_index_bytes(&entities->index) +
           entities->index.entries * sizeof(struct hec_entity);
}

bool hec_entity_list_reserve(struct hec_entity_list *list, size_t more)
{
    if (list->count + more > list->max) {
        size_t most = list->max == 0 ? 256 : list->max;
        while (most < list->count + more) {
            most *= 2;
        }
        struct hec_entity **items = realloc(list->items, most * sizeof(*items));
        if (items == NULL) {
            return false;
        }
        list->items = items;
        list->max = most;
    }
    return true;
}

static struct hec_entity *entry_at(const struct hec_entities *entities, size_t i)
{
    return &entities->chunks[i / HEC_CHUNK_ENTRIES][i % HEC_CHUNK_ENTRIES];
}

static struct hec_entity *take_entry(struct hec_entities *entities)
{
    struct hec_entity *entry = entities->free_entries;
    if (entry != NULL) {
        entities->free_entries = entry->next;
        return entry;
    }
    if (entities->entries_made == entities->chunks_count * HEC_CHUNK_ENTRIES) {
        if (entities->chunks_count == entities->chunks_max) {
            size_t most = entities->chunks_max == 0 ? 64 : entities->chunks_max * 2;
            struct hec_entity **chunks = realloc(entities->chunks, most * sizeof(*chunks));
            if (chunks == NULL) {
                return NULL;
            }
            entities->chunks = chunks;
            entities->chunks_max = most;
        }
        struct hec_entity *chunk = calloc(HEC_CHUNK_ENTRIES, sizeof(*chunk));
        if (chunk == NULL) {
            return NULL;
        }
        entities->chunks[entities->chunks_count++] = chunk;
    }
    return entry_at(entities, entities->entries_made++);
}

static void give_entry(struct hec_entities *entities, struct hec_entity *entry)
{
    entry->flags = 0;
    entry->next = entities->free_entries;
    entities->free_entries = entry;
}

void hec_entities_remove(struct hec_entities *entities, struct hec_entity *entity)
{
    assert(!(entity->flags & (HEC_ENTRY_DIRTY | HEC_ENTRY_IMAGE)));

    hec_index_remove(&entities->index, entity);
    hec_slab_give(&entities->slab, entity->class, entity->memory);
    entities->counted.bytes_of[entity->kind] -= sizeof(*entity) + hec_slab_bytes(entity->class);
    entities->counted.entries[entity->kind]--;
    entities->counted.records -= (entity->flags & HEC_ENTRY_RECORD) != 0;
    give_entry(entities, entity);
}

/* An entity that loses its record here is one that only the store remembers. */
static void evict(struct hec_entities *entities, struct hec_entity *entity)
{
    if ((entity->flags & HEC_ENTRY_RECORD) && !(entity->flags & HEC_ENTRY_FOREIGN)) {
        entities->of[entity->partition].complete = false;
    }
    hec_entities_remove(entities, entity);
    entities->counted.evicted++;
}

static void hold_the_bound(struct hec_entities *entities)
{
    for (int step = 0; step < HAND_STEPS && entities->entries_made > 0; step++) {
        if (hec_entities_bytes(entities) <= entities->bytes_max) {
            return;
        }
        entities->hand = entities->hand + 1 < entities->entries_made ? entities->hand + 1 : 0;
        struct hec_entity *entity = entry_at(entities, entities->hand);
        bool stays = !(entity->flags & HEC_ENTRY_USED) || entity->pin == entities->epoch ||
                     (entity->flags & (HEC_ENTRY_DIRTY | HEC_ENTRY_IMAGE));
        if (stays) {
            continue;
        }
        if (entity->flags & HEC_ENTRY_REFERENCED) {
            entity->flags &= (uint8_t)~HEC_ENTRY_REFERENCED;
        } else {
            evict(entities, entity);
        }
    }
}

static struct hec_entity *make_entry(struct hec_entities *entities, uint64_t hash,
                                     int32_t partition, enum hec_kind kind,
                                     const struct hec_text *token)
{
    const struct hec_partition *of = hec_entities_partition(entities, partition);
    hold_the_bound(entities);
    struct hec_entity *entity = of == NULL ? NULL : take_entry(entities);
    if (entity == NULL) {
        return NULL;
    }
    unsigned class = hec_slab_class(token->length);
    void *memory = hec_slab_take(&entities->slab, class);
    if (memory == NULL) {
        give_entry(entities, entity);
        return NULL;
    }
    memcpy(memory, token->bytes, token->length);
    *entity = (struct hec_entity){
        .memory = memory,
        .hash = hash,
        .partition = partition,
        .kind = (uint8_t)kind,
        .class = (uint8_t) class,
        .token_length = (uint8_t)token->length,
        .flags = (uint8_t)(HEC_ENTRY_USED | (of->owned ? 0u : HEC_ENTRY_FOREIGN) |
                           (of->complete && of->owned ? 0u : HEC_ENTRY_MISSING)),
    };
    if (!hec_index_add(&entities->index, entity)) {
        hec_slab_give(&entities->slab, class, memory);
        give_entry(entities, entity);
        return NULL;
    }
    entities->counted.entries[kind]++;
    entities->counted.bytes_of[kind] += sizeof(*entity) + hec_slab_bytes(class);
    return entity;
}

struct hec_entity *hec_entities_want(struct hec_entities *entities, int32_t partition,
                                     enum hec_kind kind, const struct hec_text *token)
{
    assert(token->length > 0);
    assert(token->length <= HEC_TOKEN_BYTES_MAX);

    uint64_t hash = hec_index_hash(partition, kind, token);
    struct hec_entity *entity = hec_index_find(&entities->index, hash, partition, kind, token);
    entities->counted.lookups++;
    if (entity == NULL) {
        entity = make_entry(entities, hash, partition, kind, token);
        if (entity == NULL) {
            return NULL;
        }
    } else {
        /* The old copy of a shard stays readable until the store has answered. */
        if ((entity->flags & HEC_ENTRY_FOREIGN) &&
            entities->now_ms - entity->fetched_ms >= entities->refresh_ms) {
            entity->flags |= HEC_ENTRY_MISSING;
        }
        entities->counted.hits += !(entity->flags & HEC_ENTRY_MISSING);
    }
    entity->flags |= HEC_ENTRY_REFERENCED;
    entity->pin = entities->epoch;
    return entity;
}

struct hec_entity *hec_entities_find(struct hec_entities *entities, int32_t partition,
                                     enum hec_kind kind, const struct hec_text *token)
{
    return hec_index_find(&entities->index, hec_index_hash(partition, kind, token), partition, kind,
                          token);
}

void hec_entities_unpin(struct hec_entities *entities)
{
    entities->epoch++;
}

bool hec_entity_is_missing(const struct hec_entity *entity)
{
    return entity->flags & HEC_ENTRY_MISSING;
}

struct hec_entity_id hec_entity_id(const struct hec_entity *entity)
{
    const char *token = hec_entry_token(entity);
    return (struct hec_entity_id){
        .partition = entity->partition,
        .kind = (enum hec_kind)entity->kind,
        .token = { .bytes = token,
                   .length = entity->token_length,
                   .hash = (uint32_t)XXH3_64bits(token, entity->token_length) },
    };
}

int64_t hec_entity_last_off(const struct hec_entity *entity)
{
    const struct hec_record *record = hec_entity_record(entity);
    return record == NULL ? -1 : record->last_off;
}

bool hec_entity_facts(const struct hec_entity *entity, struct hec_entity_facts *facts)
{
    const struct hec_record *record = hec_entity_record(entity);
    if (record == NULL) {
        return false;
    }
    *facts = (struct hec_entity_facts){ .first_ms = record->first_ms,
                                        .newest_ms = record->newest_ms,
                                        .last_off = record->last_off,
                                        .bytes = record->bytes };
    return true;
}

/* The entity's memory is this from now on, a record in it; what it had is given back. */
static void take_over(struct hec_entities *entities, struct hec_entity *entity, void *memory,
                      unsigned class)
{
    uint64_t *bytes = &entities->counted.bytes_of[entity->kind];
    *bytes = *bytes + hec_slab_bytes(class) - hec_slab_bytes(entity->class);
    hec_slab_give(&entities->slab, entity->class, entity->memory);
    entities->counted.records += !(entity->flags & HEC_ENTRY_RECORD);
    entity->memory = memory;
    entity->class = (uint8_t) class;
    entity->flags |= HEC_ENTRY_RECORD;
}

/* Puts a copy of a record in place of what the entity has. */
static enum hec_status replace(struct hec_entities *entities, struct hec_entity *entity,
                               const void *bytes, size_t length)
{
    unsigned class = hec_slab_class(length);
    void *memory = hec_slab_take(&entities->slab, class);
    if (memory == NULL) {
        return HEC_NO_MEMORY;
    }
    memcpy(memory, bytes, length);
    take_over(entities, entity, memory, class);
    return HEC_OK;
}

static void answered(struct hec_entities *entities, struct hec_entity *entity)
{
    entity->flags &= (uint8_t)~HEC_ENTRY_MISSING;
    entity->fetched_ms = entities->now_ms;
}

enum hec_status hec_entities_adopt(struct hec_entities *entities, struct hec_entity *entity,
                                   const void *record, size_t record_bytes)
{
    assert(entity->flags & HEC_ENTRY_MISSING);

    struct hec_text token = hec_entity_id(entity).token;
    const struct hec_layout *layout = hec_plan_layout(entities->plan, (enum hec_kind)entity->kind);
    enum hec_status status = hec_record_check(record, record_bytes, layout, &token);
    if (status != HEC_OK) {
        return status;
    }
    if (!hec_record_holds(record, layout)) {
        return HEC_CORRUPT;
    }
    status = replace(entities, entity, record, record_bytes);
    if (status == HEC_OK) {
        answered(entities, entity);
    }
    return status;
}

void hec_entities_absent(struct hec_entities *entities, struct hec_entity *entity)
{
    assert(entity->flags & HEC_ENTRY_MISSING);

    if (entity->flags & HEC_ENTRY_RECORD) {
        /* What was applied while the store was silent began from nothing: it goes, too. The token
         * moves to the front of its own memory, which is always large enough. */
        memmove(entity->memory, hec_entry_token(entity), entity->token_length);
        entity->flags &= (uint8_t)~HEC_ENTRY_RECORD;
        entities->counted.records--;
    }
    answered(entities, entity);
}

struct hec_record *hec_entities_edit(struct hec_entities *entities, struct hec_entity *entity,
                                     uint32_t bytes)
{
    /* The image may come back to the list, see hec_entities_discard. */
    struct hec_partition *of = &entities->of[entity->partition];
    if (!(entity->flags & HEC_ENTRY_DIRTY) &&
        !hec_entity_list_reserve(&of->dirty, 1 + of->image.count)) {
        return NULL;
    }
    size_t room = hec_slab_bytes(entity->class);
    bool fits = (entity->flags & HEC_ENTRY_RECORD) && bytes <= room;
    /* Half of the room or more is left behind by the rings: it is given back, if that can be. */
    if (fits && (size_t)bytes * 2 >= room) {
        return entity->memory;
    }
    void *memory = hec_slab_take(&entities->slab, hec_slab_class(bytes));
    return memory == NULL && fits ? entity->memory : memory;
}

void hec_entities_commit(struct hec_entities *entities, struct hec_entity *entity,
                         struct hec_record *record)
{
    if (record != entity->memory) {
        take_over(entities, entity, record, hec_slab_class(record->bytes));
    }
    if (!(entity->flags & (HEC_ENTRY_DIRTY | HEC_ENTRY_MISSING | HEC_ENTRY_FOREIGN))) {
        struct hec_partition *of = &entities->of[entity->partition];
        of->dirty.items[of->dirty.count++] = entity;
        entity->flags |= HEC_ENTRY_DIRTY;
        entities->counted.dirty++;
    }
}

void hec_entities_each(struct hec_entities *entities,
                       void (*visit)(struct hec_entities *, struct hec_entity *, void *),
                       void *context)
{
    for (size_t i = 0; i < entities->entries_made; i++) {
        struct hec_entity *entity = entry_at(entities, i);
        if (entity->flags & HEC_ENTRY_USED) {
            visit(entities, entity, context);
        }
    }
}
