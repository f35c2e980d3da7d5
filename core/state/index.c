#include "state/index.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "state/slab.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#define PREFETCH_BYTES 768 /* most records are shorter; the processor guesses on behind */

uint64_t hec_index_hash(int32_t partition, enum hec_kind kind, const struct hec_text *token)
{
    /* A text carries its hash already; one made by hand may not. */
    uint32_t text = token->hash;
    if (text == 0) {
        text = (uint32_t)XXH3_64bits(token->bytes, token->length);
    }
    uint64_t mixed = (uint64_t)text << 32 | (uint32_t)partition << 4 | (uint32_t)kind;
    mixed *= 0x9E3779B97F4A7C15u;
    return mixed ^ mixed >> 32;
}

static struct hec_entity **bucket_at(const struct hec_index *index, size_t i)
{
    return &index->segments[i / HEC_INDEX_SEGMENT][i % HEC_INDEX_SEGMENT];
}

/* Buckets below the split point have been split already: they use one bit more. */
static struct hec_entity **bucket_of(const struct hec_index *index, uint64_t hash)
{
    size_t i = hash & (((size_t)2 << index->level) - 1);
    if (i >= index->buckets) {
        i &= ((size_t)1 << index->level) - 1;
    }
    return bucket_at(index, i);
}

struct hec_entity *hec_index_find(const struct hec_index *index, uint64_t hash, int32_t partition,
                                  enum hec_kind kind, const struct hec_text *token)
{
    if (index->buckets == 0) {
        return NULL;
    }
    struct hec_entity *entry = *bucket_of(index, hash);
    for (; entry != NULL; entry = entry->next) {
        if (entry->hash == hash && entry->partition == partition && entry->kind == kind &&
            entry->token_length == token->length &&
            memcmp(hec_entry_token(entry), token->bytes, token->length) == 0) {
            break;
        }
    }
    return entry;
}

/* Makes bucket number index->buckets addressable. */
static bool make_room(struct hec_index *index)
{
    size_t segment = index->buckets / HEC_INDEX_SEGMENT;
    if (segment >= index->segments_max) {
        size_t most = index->segments_max == 0 ? 64 : index->segments_max * 2;
        struct hec_entity ***segments = realloc(index->segments, most * sizeof(*segments));
        if (segments == NULL) {
            return false;
        }
        memset(segments + index->segments_max, 0, (most - index->segments_max) * sizeof(*segments));
        index->segments = segments;
        index->segments_max = most;
    }
    if (index->segments[segment] == NULL) {
        index->segments[segment] = calloc(HEC_INDEX_SEGMENT, sizeof(struct hec_entity *));
    }
    return index->segments[segment] != NULL;
}

static bool grow(struct hec_index *index)
{
    if (!make_room(index)) {
        return false;
    }
    if (index->buckets == 0) {
        index->buckets = 1;
        index->level = 0;
        return true;
    }
    size_t from = index->buckets - ((size_t)1 << index->level);
    size_t bit = (size_t)1 << index->level;
    struct hec_entity **low = bucket_at(index, from);
    struct hec_entity **high = bucket_at(index, index->buckets);
    struct hec_entity *entry = *low;
    *low = NULL;
    *high = NULL;
    while (entry != NULL) {
        struct hec_entity *next = entry->next;
        struct hec_entity **to = entry->hash & bit ? high : low;
        entry->next = *to;
        *to = entry;
        entry = next;
    }
    index->buckets++;
    if (index->buckets == (size_t)2 << index->level) {
        index->level++;
    }
    return true;
}

bool hec_index_add(struct hec_index *index, struct hec_entity *entry)
{
    if (index->entries >= index->buckets && !grow(index)) {
        return false;
    }
    struct hec_entity **bucket = bucket_of(index, entry->hash);
    entry->next = *bucket;
    *bucket = entry;
    index->entries++;
    return true;
}

void hec_index_remove(struct hec_index *index, struct hec_entity *entry)
{
    struct hec_entity **at = bucket_of(index, entry->hash);
    while (*at != entry) {
        assert(*at != NULL);
        at = &(*at)->next;
    }
    *at = entry->next;
    index->entries--;
}

void hec_index_prefetch(const struct hec_index *index, uint64_t hash, int stage)
{
    if (index->buckets == 0) {
        return;
    }
    struct hec_entity **bucket = bucket_of(index, hash);
    if (stage == 0) {
        __builtin_prefetch(bucket);
        return;
    }
    const struct hec_entity *entry = *bucket;
    if (stage == 1) {
        __builtin_prefetch(entry);
        return;
    }
    while (entry != NULL && entry->hash != hash) {
        entry = entry->next;
    }
    if (entry != NULL) {
        const char *memory = entry->memory;
        size_t bytes = hec_slab_bytes(entry->class);
        for (size_t at = 0; at < bytes && at < PREFETCH_BYTES; at += 64) {
            __builtin_prefetch(memory + at);
        }
    }
}

size_t hec_index_bytes(const struct hec_index *index)
{
    size_t segments = (index->buckets + HEC_INDEX_SEGMENT - 1) / HEC_INDEX_SEGMENT;
    return index->segments_max * sizeof(*index->segments) +
           segments * HEC_INDEX_SEGMENT * sizeof(struct hec_entity *);
}

void hec_index_free(struct hec_index *index)
{
    for (size_t i = 0; i < index->segments_max; i++) {
        free(index->segments[i]);
    }
    free(index->segments);
    memset(index, 0, sizeof(*index));
}
