/*
 * The index of the entity table: from (partition, kind, token) to an entry, growing one bucket at
 * a time.
 *
 * Linear hashing (Litwin, "Linear hashing: a new tool for file and table addressing", VLDB 1980):
 * every insertion beyond one entry a bucket splits one bucket in two, so the table never stops to
 * rehash. Entries are chained; the whole token decides, the hash only guides.
 */
#ifndef HECATE_STATE_INDEX_H
#define HECATE_STATE_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "state/record.h"

/* Flags of an entry. */
#define HEC_ENTRY_USED 1u
#define HEC_ENTRY_MISSING 2u     /* a store must be asked */
#define HEC_ENTRY_RECORD 4u      /* memory is a record, else it is the bare token */
#define HEC_ENTRY_DIRTY 8u       /* in its partition's list of changed ones */
#define HEC_ENTRY_IMAGE 16u      /* in a checkpoint under way */
#define HEC_ENTRY_REFERENCED 32u /* used since the clock's hand last passed */
#define HEC_ENTRY_FOREIGN 64u    /* a copy of another engine's shard */

struct hec_entity {
    struct hec_entity *next; /* in the bucket, or in the free list */
    void *memory;
    uint64_t hash;
    int64_t fetched_ms; /* FOREIGN: when it was answered, by the caller's clock */
    int32_t partition;
    uint32_t pin; /* the batch that wanted it last */
    uint8_t kind;
    uint8_t flags;
    uint8_t class; /* of memory */
    uint8_t token_length;
};

#define HEC_INDEX_SEGMENT 4096

/* All zero is an empty index. */
struct hec_index {
    struct hec_entity ***segments; /* of HEC_INDEX_SEGMENT buckets each */
    size_t segments_max;
    size_t buckets; /* in use: 2^level + splits so far at this level */
    unsigned level;
    size_t entries;
};

static inline const char *hec_entry_token(const struct hec_entity *entry)
{
    return entry->flags & HEC_ENTRY_RECORD ? hec_record_token(entry->memory) : entry->memory;
}

/** The hash of an identity. */
uint64_t hec_index_hash(int32_t partition, enum hec_kind kind, const struct hec_text *token);

/** NULL when it is not there. */
struct hec_entity *hec_index_find(const struct hec_index *index, uint64_t hash, int32_t partition,
                                  enum hec_kind kind, const struct hec_text *token);

/** Adds an entry that is not there. False when memory is exhausted. */
bool hec_index_add(struct hec_index *index, struct hec_entity *entry);

/** Takes out an entry that is there. */
void hec_index_remove(struct hec_index *index, struct hec_entity *entry);

/** Fetches towards the cache: stage 0 the bucket of a hash, 1 the bucket's first entry, 2 the
 * memory of the entry with that hash. Each stage finds what the one before has fetched. */
void hec_index_prefetch(const struct hec_index *index, uint64_t hash, int stage);

/** Bytes that the index itself takes. */
size_t hec_index_bytes(const struct hec_index *index);

void hec_index_free(struct hec_index *index);

#endif
