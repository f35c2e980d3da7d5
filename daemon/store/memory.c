/*
 * The store in memory: a chained hash table of byte strings. For tests and for runs without Redis.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "store/backend.h"

#define BUCKETS_FIRST 1024
#define SCAN_BUCKETS 64 /* how many a scan looks at in one call */

struct node {
    struct node *next;
    size_t key_length;
    size_t value_length;
    unsigned char bytes[]; /* key, then value */
};

struct memory {
    struct node **buckets;
    size_t buckets_count; /* a power of two */
    size_t nodes;
};

static struct node **slot_of(const struct memory *memory, struct hec_view key)
{
    size_t hash = (size_t)XXH3_64bits(key.bytes, key.length);
    struct node **slot = &memory->buckets[hash & (memory->buckets_count - 1)];
    while (*slot != NULL && ((*slot)->key_length != key.length ||
                             memcmp((*slot)->bytes, key.bytes, key.length) != 0)) {
        slot = &(*slot)->next;
    }
    return slot;
}

static struct hec_view value_of(const struct node *node)
{
    return node == NULL ? (struct hec_view){ 0 }
                        : (struct hec_view){ node->bytes + node->key_length, node->value_length };
}

static void grow(struct memory *memory)
{
    size_t count = memory->buckets_count * 2;
    struct node **buckets = calloc(count, sizeof(struct node *));
    if (buckets == NULL) {
        return; /* longer chains, nothing else */
    }
    for (size_t i = 0; i < memory->buckets_count; i++) {
        struct node *node = memory->buckets[i];
        while (node != NULL) {
            struct node *next = node->next;
            size_t at = (size_t)XXH3_64bits(node->bytes, node->key_length) & (count - 1);
            node->next = buckets[at];
            buckets[at] = node;
            node = next;
        }
    }
    free(memory->buckets);
    memory->buckets = buckets;
    memory->buckets_count = count;
}

static struct node *node_new(const struct hec_pair *pair)
{
    struct node *node = malloc(sizeof(*node) + pair->key.length + pair->value.length);
    if (node != NULL) {
        node->next = NULL;
        node->key_length = pair->key.length;
        node->value_length = pair->value.length;
        memcpy(node->bytes, pair->key.bytes, pair->key.length);
        memcpy(node->bytes + pair->key.length, pair->value.bytes, pair->value.length);
    }
    return node;
}

static void set(struct memory *memory, struct node *node)
{
    struct node **slot = slot_of(memory, (struct hec_view){ node->bytes, node->key_length });
    if (*slot != NULL) {
        struct node *old = *slot;
        node->next = old->next;
        free(old);
    } else {
        memory->nodes++;
    }
    *slot = node;
    if (memory->nodes > memory->buckets_count) {
        grow(memory);
    }
}

static enum hec_status memory_connect(void *self, struct hec_error *error)
{
    (void)self;
    (void)error;
    return HEC_OK;
}

static bool memory_is_connected(const void *self)
{
    (void)self;
    return true;
}

static enum hec_status memory_get(void *self, const struct hec_view *keys, size_t count,
                                  hec_store_visit *visit, void *context, struct hec_error *error)
{
    (void)error;
    for (size_t i = 0; i < count; i++) {
        visit(context, i, value_of(*slot_of(self, keys[i])));
    }
    return HEC_OK;
}

static enum hec_status memory_del(void *self, const struct hec_view *keys, size_t count,
                                  struct hec_error *error)
{
    struct memory *memory = self;
    (void)error;
    for (size_t i = 0; i < count; i++) {
        struct node **slot = slot_of(memory, keys[i]);
        struct node *node = *slot;
        if (node != NULL) {
            *slot = node->next;
            free(node);
            memory->nodes--;
        }
    }
    return HEC_OK;
}

static enum hec_status memory_put(void *self, const struct hec_pair *guard,
                                  const struct hec_pair *pairs, size_t count,
                                  hec_store_visit *visit, void *context, struct hec_error *error)
{
    struct hec_view found = value_of(*slot_of(self, guard->key));
    bool same = (found.bytes == NULL) == (guard->value.bytes == NULL) &&
                found.length == guard->value.length &&
                (found.length == 0 || memcmp(found.bytes, guard->value.bytes, found.length) == 0);
    if (!same) {
        visit(context, 0, found);
        return hec_fail(error, HEC_MISMATCH, "store: the guard has another value");
    }
    /* All nodes first: running out of memory half-way must leave nothing behind. */
    struct node *made = NULL;
    size_t made_count = 0;
    for (; made_count < count; made_count++) {
        const struct hec_pair *pair = &pairs[count - 1 - made_count];
        if (pair->value.bytes == NULL) {
            continue;
        }
        struct node *node = node_new(pair);
        if (node == NULL) {
            break;
        }
        node->next = made;
        made = node;
    }
    bool whole = made_count == count;
    while (made != NULL) {
        struct node *next = made->next;
        if (whole) {
            made->next = NULL;
            set(self, made);
        } else {
            free(made);
        }
        made = next;
    }
    for (size_t i = 0; whole && i < count; i++) {
        if (pairs[i].value.bytes == NULL) {
            (void)memory_del(self, &pairs[i].key, 1, NULL);
        }
    }
    return whole ? HEC_OK : hec_fail(error, HEC_NO_MEMORY, "store: no memory");
}

static enum hec_status memory_scan(void *self, struct hec_view prefix, char *cursor,
                                   hec_store_visit *visit, void *context, struct hec_error *error)
{
    const struct memory *memory = self;
    size_t from = strtoull(cursor, NULL, 10);
    size_t to = from + SCAN_BUCKETS;
    size_t index = 0;
    (void)error;
    for (size_t i = from; i < to && i < memory->buckets_count; i++) {
        for (const struct node *node = memory->buckets[i]; node != NULL; node = node->next) {
            if (node->key_length >= prefix.length &&
                memcmp(node->bytes, prefix.bytes, prefix.length) == 0) {
                visit(context, index++, (struct hec_view){ node->bytes, node->key_length });
            }
        }
    }
    snprintf(cursor, HEC_STORE_CURSOR_BYTES, "%zu", to);
    return to < memory->buckets_count ? HEC_OK : HEC_END;
}

static void memory_close(void *self)
{
    struct memory *memory = self;
    for (size_t i = 0; i < memory->buckets_count; i++) {
        while (memory->buckets[i] != NULL) {
            struct node *next = memory->buckets[i]->next;
            free(memory->buckets[i]);
            memory->buckets[i] = next;
        }
    }
    free(memory->buckets);
    free(memory);
}

static enum hec_status memory_info(void *self, const char *section, const char *name, char *value,
                                   size_t size, struct hec_error *error)
{
    (void)self, (void)section, (void)name, (void)size, (void)error;
    value[0] = '\0';
    return HEC_OK;
}

enum hec_status hec_memory_new(struct hec_backend *ret)
{
    static const struct hec_backend_ops OPS = {
        .connect = memory_connect,
        .check = memory_connect,
        .info = memory_info,
        .is_connected = memory_is_connected,
        .get = memory_get,
        .put = memory_put,
        .scan = memory_scan,
        .del = memory_del,
        .close = memory_close,
    };
    struct memory *memory = calloc(1, sizeof(*memory));
    if (memory == NULL) {
        return HEC_NO_MEMORY;
    }
    memory->buckets_count = BUCKETS_FIRST;
    memory->buckets = calloc(memory->buckets_count, sizeof(struct node *));
    if (memory->buckets == NULL) {
        free(memory);
        return HEC_NO_MEMORY;
    }
    *ret = (struct hec_backend){ .ops = &OPS, .self = memory };
    return HEC_OK;
}
