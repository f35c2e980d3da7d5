/*
 * Inside the entity table: what the feature room needs beyond hecate/entity.h.
 *
 *   record = hec_entities_edit(...)     memory for what the record will be
 *   ... change it ...
 *   hec_entities_commit(...)            it is the entity's record now, and dirty
 *
 * A record that has the room is edited where it lies; one that has not moves to a larger size class
 * while it is edited, and one that has become small to a smaller one.
 */
#ifndef HECATE_STATE_TABLE_H
#define HECATE_STATE_TABLE_H

#include "state/index.h"
#include "state/record.h"
#include "state/slab.h"

struct hec_entity_list {
    struct hec_entity **items;
    size_t count, max;
};

/* What the table knows of one partition. */
struct hec_partition {
    bool owned;    /* its events are applied here */
    bool complete; /* no entry = never seen */
    bool cut;      /* an image is under way */
    struct hec_entity_list dirty, image;
    uint8_t *image_bytes;
    size_t image_bytes_max;
    struct hec_image_record *image_records;
    size_t image_records_max;
};

#define HEC_CHUNK_ENTRIES 1024

struct hec_entities {
    const struct hec_plan *plan;
    size_t bytes_max;
    struct hec_slab slab;
    struct hec_index index;
    struct hec_entity **chunks; /* of HEC_CHUNK_ENTRIES entries each */
    size_t chunks_count, chunks_max;
    struct hec_entity *free_entries;
    size_t entries_made;      /* entries ever made; those of the free list included */
    size_t hand;              /* the clock's */
    uint32_t epoch;           /* number of the batch, for pins */
    struct hec_partition *of; /* (partitions_max) */
    int32_t partitions_max;
    int32_t partitions; /* that a shared entity is merged over */
    int64_t now_ms, refresh_ms;
    struct hec_keyer *keyer; /* NULL: tokens as they are */
    struct hec_entities_stats counted;
};

/** The record of an entity that has one, else NULL: never seen, as far as is known. */
static inline const struct hec_record *hec_entity_record(const struct hec_entity *entity)
{
    return entity->flags & HEC_ENTRY_RECORD ? entity->memory : NULL;
}

/** Whose entry it is; the bytes are the entry's. */
static inline struct hec_text hec_entity_token(const struct hec_entity *entity)
{
    return (struct hec_text){ .bytes = hec_entry_token(entity), .length = entity->token_length };
}

/** Memory for a record that will have so many bytes: the record's own, or new memory with nothing
 * in it; the entity's old memory stays as it is until hec_entities_commit. NULL when memory is
 * exhausted; then nothing has changed. */
struct hec_record *hec_entities_edit(struct hec_entities *entities, struct hec_entity *entity,
                                     uint32_t bytes);

/** Ends the edit: what lies there is the entity's record. */
void hec_entities_commit(struct hec_entities *entities, struct hec_entity *entity,
                         struct hec_record *record);

/** Fetches towards the cache what hec_entities_want will look at; see hec_index_prefetch. With
 * keyed tokens nothing is fetched: to know where would cost more than it saves. */
static inline void hec_entities_prefetch(const struct hec_entities *entities, int32_t partition,
                                         enum hec_kind kind, const struct hec_text *token,
                                         int stage)
{
    if (entities->keyer != NULL) {
        return;
    }
    hec_index_prefetch(&entities->index, hec_index_hash(partition, kind, token), stage);
}

/** What the entry makes the table hold, for the bound. */
size_t hec_entities_bytes(const struct hec_entities *entities);

/** Takes an entry out of the table; it must be in no list. */
void hec_entities_remove(struct hec_entities *entities, struct hec_entity *entity);

/** The partition's own part of the table; NULL when memory is exhausted. */
struct hec_partition *hec_entities_partition(struct hec_entities *entities, int32_t partition);

/** Room for one more in a list. */
bool hec_entity_list_reserve(struct hec_entity_list *list, size_t more);

/** Calls visit for every entry in use; visit may remove the entry. */
void hec_entities_each(struct hec_entities *entities,
                       void (*visit)(struct hec_entities *, struct hec_entity *, void *),
                       void *context);

#endif
