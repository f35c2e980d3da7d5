/*
 * What the bytes in the store mean. Read hec_store_checkpoint and hec_store_load first.
 *
 * Keys of one call are built in one buffer that is kept between calls, so that a steady state
 * allocates nothing here.
 */
#include "store/store.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "store/backend.h"
#include "store/watermark.h"

#define BACKOFF_FIRST_MS 50
#define BACKOFF_LAST_MS 2000
#define CLAIM_ATTEMPTS 5
#define KEY_BYTES_MAX 256
#define PREFIX_BYTES_MAX 32

/* Bytes appended one after another; kept between calls, so offsets and not pointers go around. */
struct heap {
    char *bytes;
    size_t length;
    size_t size;
};

struct hec_store {
    struct hec_backend backend;
    struct hec_store_stats stats;
    char prefix[PREFIX_BYTES_MAX + 1];
    uint64_t claims[HEC_PARTITIONS_MAX]; /* epochs that this store claimed; 0: none */
    uint64_t owner;                      /* stands beside them; no other store has it */
    struct heap keys;
    struct hec_view *views; /* views_size each */
    struct hec_pair *pairs;
    size_t views_size;
    int64_t retry_ms; /* not before this time */
    int backoff_ms;
    uint64_t jitter;
};

static bool heap_reserve(struct heap *heap, size_t more)
{
    if (heap->length + more > heap->size) {
        size_t size = (heap->length + more) * 2;
        char *bytes = realloc(heap->bytes, size);
        if (bytes == NULL) {
            return false;
        }
        heap->bytes = bytes;
        heap->size = size;
    }
    return true;
}

/* Room for count views and pairs, and for that many keys of the longest kind. */
static bool reserve(struct hec_store *store, size_t count)
{
    store->keys.length = 0;
    if (count > store->views_size) {
        struct hec_view *views = realloc(store->views, count * 2 * sizeof(*views));
        if (views != NULL) {
            store->views = views;
        }
        struct hec_pair *pairs = realloc(store->pairs, count * 2 * sizeof(*pairs));
        if (pairs != NULL) {
            store->pairs = pairs;
        }
        if (views == NULL || pairs == NULL) {
            return false;
        }
        store->views_size = count * 2;
    }
    return heap_reserve(&store->keys, count * KEY_BYTES_MAX);
}

static char *append(char *to, const void *bytes, size_t length)
{
    memcpy(to, bytes, length);
    return to + length;
}

static char *append_number(char *to, uint64_t number)
{
    char digits[24];
    size_t count = sizeof(digits);
    do {
        digits[--count] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    return append(to, digits + count, sizeof(digits) - count);
}

/* Closes the key that was written at the heap's end. reserve has made the room. */
static struct hec_view key_end(struct hec_store *store, const char *from, const char *to)
{
    assert((size_t)(to - from) <= KEY_BYTES_MAX);
    store->keys.length += (size_t)(to - from);
    return (struct hec_view){ from, (size_t)(to - from) };
}

/* <prefix>:own:{p} and <prefix>:wm:{p} */
static struct hec_view key_named(struct hec_store *store, const char *name, int32_t partition)
{
    char *from = store->keys.bytes + store->keys.length;
    char *to = append(from, store->prefix, strlen(store->prefix));
    to = append(to, name, strlen(name));
    to = append(to, "{", 1);
    to = append_number(to, (uint64_t)partition);
    return key_end(store, from, append(to, "}", 1));
}

/* <prefix>:{p}:<generation>:<kind>:<token> */
static struct hec_view key_of(struct hec_store *store, const struct hec_entity_id *id,
                              uint32_t generation)
{
    assert(id->token.length <= HEC_TOKEN_BYTES_MAX);
    const char *kind = hec_kind_info(id->kind)->name;
    char *from = store->keys.bytes + store->keys.length;
    char *to = append(from, store->prefix, strlen(store->prefix));
    to = append(to, ":{", 2);
    to = append_number(to, (uint64_t)id->partition);
    to = append(to, "}:", 2);
    to = append_number(to, generation);
    to = append(to, ":", 1);
    to = append(to, kind, strlen(kind));
    to = append(to, ":", 1);
    return key_end(store, from, append(to, id->token.bytes, id->token.length));
}

static enum hec_status not_connected(struct hec_error *error)
{
    return hec_fail(error, HEC_UNAVAILABLE, "store: not connected");
}

static enum hec_status no_memory(struct hec_error *error)
{
    return hec_fail(error, HEC_NO_MEMORY, "store: no memory");
}

enum hec_status hec_store_open(struct hec_store **ret, const struct hec_store_options *options,
                               struct hec_error *error)
{
    const char *prefix = options->key_prefix == NULL ? "hec" : options->key_prefix;
    if (strlen(prefix) > PREFIX_BYTES_MAX || strpbrk(prefix, "{} \r\n") != NULL) {
        return hec_fail(error, HEC_INVALID,
                        "store: key_prefix %s: at most %d characters, no space or brace", prefix,
                        PREFIX_BYTES_MAX);
    }
    struct hec_store *store = calloc(1, sizeof(*store));
    if (store == NULL) {
        return no_memory(error);
    }
    strcpy(store->prefix, prefix);
    store->backoff_ms = BACKOFF_FIRST_MS;
    do { /* 0 is nobody */
        if (getrandom(&store->owner, sizeof(store->owner), 0) != (ssize_t)sizeof(store->owner)) {
            store->owner = 0;
        }
    } while (store->owner == 0);
    store->jitter = store->owner;
    enum hec_status status = strcmp(options->address, "memory:") == 0
                                 ? hec_memory_new(&store->backend)
                                 : hec_redis_new(&store->backend, options, &store->stats, error);
    if (status == HEC_OK) {
        status = store->backend.ops->connect(store->backend.self, error);
    }
    if (status != HEC_OK) {
        hec_store_close(store);
        return status;
    }
    *ret = store;
    return HEC_OK;
}

void hec_store_close(struct hec_store *store)
{
    if (store == NULL) {
        return;
    }
    if (store->backend.ops != NULL) {
        store->backend.ops->close(store->backend.self);
    }
    free(store->keys.bytes);
    free(store->views);
    free(store->pairs);
    free(store);
}

bool hec_store_is_connected(const struct hec_store *store)
{
    return store->backend.ops->is_connected(store->backend.self);
}

/* Half to all of the time, so that engines that lost the same Redis do not come back as one. */
static int64_t jittered(struct hec_store *store, int ms)
{
    store->jitter ^= store->jitter << 13;
    store->jitter ^= store->jitter >> 7;
    store->jitter ^= store->jitter << 17;
    return ms / 2 + (int64_t)(store->jitter % (uint64_t)(ms / 2 + 1));
}

enum hec_status hec_store_connect(struct hec_store *store, int64_t now_ms, struct hec_error *error)
{
    if (hec_store_is_connected(store)) {
        return HEC_OK;
    }
    if (now_ms < store->retry_ms) {
        return not_connected(error);
    }
    enum hec_status status = store->backend.ops->connect(store->backend.self, error);
    if (status == HEC_OK) {
        store->backoff_ms = BACKOFF_FIRST_MS;
        store->retry_ms = 0;
        return HEC_OK;
    }
    store->retry_ms = now_ms + jittered(store, store->backoff_ms);
    store->backoff_ms =
        store->backoff_ms * 2 < BACKOFF_LAST_MS ? store->backoff_ms * 2 : BACKOFF_LAST_MS;
    return status;
}

enum hec_status hec_store_info(struct hec_store *store, const char *section, const char *name,
                               char *value, size_t size, struct hec_error *error)
{
    return hec_store_is_connected(store)
               ? store->backend.ops->info(store->backend.self, section, name, value, size, error)
               : not_connected(error);
}

enum hec_status hec_store_check(struct hec_store *store, struct hec_error *error)
{
    return hec_store_is_connected(store) ? store->backend.ops->check(store->backend.self, error)
                                         : not_connected(error);
}

/* own and wm of one partition, as they were read. */
struct pair_read {
    char own[HEC_EPOCH_BYTES_MAX];
    char watermark[HEC_WATERMARK_BYTES_MAX];
    struct hec_view views[2];
    bool whole;
};

static void visit_pair(void *context, size_t index, struct hec_view value)
{
    struct pair_read *read = context;
    char *to = index == 0 ? read->own : read->watermark;
    size_t size = index == 0 ? sizeof(read->own) : sizeof(read->watermark);
    value.length = value.length < size ? value.length : size; /* too long: refused when parsed */
    if (value.bytes != NULL) {
        memcpy(to, value.bytes, value.length);
        read->views[index] = (struct hec_view){ to, value.length };
    }
}

static enum hec_status read_pair(struct hec_store *store, int32_t partition, struct pair_read *read,
                                 struct hec_error *error)
{
    memset(read, 0, sizeof(*read));
    if (!hec_store_is_connected(store)) {
        return not_connected(error);
    }
    if (!reserve(store, 2)) {
        return no_memory(error);
    }
    struct hec_view keys[2] = { key_named(store, ":own:", partition),
                                key_named(store, ":wm:", partition) };
    return store->backend.ops->get(store->backend.self, keys, 2, visit_pair, read, error);
}

enum hec_status hec_store_watermark_read(struct hec_store *store, int32_t partition,
                                         struct hec_watermark *watermark, struct hec_error *error)
{
    struct pair_read read;
    enum hec_status status = read_pair(store, partition, &read, error);
    if (status != HEC_OK) {
        return status;
    }
    if (read.views[1].bytes == NULL) {
        return hec_fail(error, HEC_NOT_FOUND, "store: partition %d has no watermark",
                        (int)partition);
    }
    return hec_watermark_parse(watermark, read.views[1])
               ? HEC_OK
               : hec_fail(error, HEC_CORRUPT, "store: the watermark of partition %d is unreadable",
                          (int)partition);
}

enum hec_status hec_store_claim(struct hec_store *store, int32_t partition, uint64_t floor,
                                uint64_t *epoch, struct hec_error *error)
{
    assert(partition >= 0 && partition < HEC_PARTITIONS_MAX);
    struct pair_read read;
    enum hec_status status = read_pair(store, partition, &read, error);
    for (int attempt = 0; status == HEC_OK && attempt < CLAIM_ATTEMPTS; attempt++) {
        uint64_t found, by;
        char text[HEC_EPOCH_BYTES_MAX];
        /* A damaged one is written anew, above the floor. */
        found = hec_epoch_parse(&found, &by, read.views[0]) ? found : 0;
        *epoch = (found > floor ? found : floor) + 1;
        size_t length = (size_t)hec_epoch_print(text, *epoch, store->owner);
        if (!reserve(store, 1)) {
            return no_memory(error);
        }
        struct hec_view key = key_named(store, ":own:", partition);
        struct hec_pair guard = { .key = key, .value = read.views[0] };
        struct hec_pair own = { .key = key, .value = { text, length } };
        struct pair_read again = { 0 };
        status = store->backend.ops->put(store->backend.self, &guard, &own, 1, visit_pair, &again,
                                         error);
        if (status == HEC_OK) {
            store->claims[partition] = *epoch;
            return HEC_OK;
        }
        if (status == HEC_MISMATCH || status == HEC_FENCED) {
            status = read_pair(store, partition, &read, error);
        }
    }
    return status != HEC_OK
               ? status
               : hec_fail(error, HEC_FENCED, "store: others claim partition %d at the same time",
                          (int)partition);
}

void hec_store_release(struct hec_store *store, int32_t partition)
{
    store->claims[partition] = 0;
}

/* One load on its way: first the owners of the partitions concerned, then the records. */
struct load {
    struct hec_store *store;
    struct hec_entities *entities;
    struct hec_entity **missing;
    int32_t owners[HEC_PARTITIONS_MAX];
    size_t owners_count;
    bool disowned;          /* one of the owners is not us any more */
    enum hec_status status; /* the first that is not HEC_OK */
    int32_t bad;
    struct hec_error *error;
};

static void load_failed(struct load *load, enum hec_status status, int32_t partition)
{
    if (load->status == HEC_OK) {
        load->status = status;
        load->bad = partition;
    }
}

static void visit_record(void *context, size_t index, struct hec_view value)
{
    struct load *load = context;
    struct hec_store *store = load->store;
    if (index < load->owners_count) {
        int32_t partition = load->owners[index];
        struct hec_error *first = load->status == HEC_OK ? load->error : NULL;
        enum hec_status status =
            hec_epoch_compare(partition, store->claims[partition], store->owner, value, first);
        if (status != HEC_OK) {
            load->disowned = true;
            load_failed(load, status, partition);
        }
        return;
    }
    if (load->disowned) {
        return; /* what this store says now is not the state that we left in it */
    }
    struct hec_entity *entity = load->missing[index - load->owners_count];
    if (value.bytes == NULL) {
        hec_entities_absent(load->entities, entity);
        store->stats.absent++;
        return;
    }
    enum hec_status status = hec_entities_adopt(load->entities, entity, value.bytes, value.length);
    store->stats.loaded += status == HEC_OK;
    struct hec_entity_id id = hec_entity_id(entity);
    if (status != HEC_OK && status != HEC_NO_MEMORY && store->claims[id.partition] == 0) {
        store->stats.errors++;
        return; /* its owner rebuilds it; to us it is not known */
    }
    if (status != HEC_OK && load->status == HEC_OK) {
        load_failed(load, status, id.partition);
        hec_fail(load->error, status, "store: a %s record of partition %d: %s",
                 hec_kind_info(id.kind)->name, (int)id.partition, hec_status_text(status));
    }
}

/* The partitions among the missing that this store has claimed, each once. */
static void find_owners(struct load *load, int count)
{
    bool seen[HEC_PARTITIONS_MAX] = { false };
    for (int i = 0; i < count; i++) {
        int32_t partition = hec_entity_id(load->missing[i]).partition;
        assert(partition >= 0 && partition < HEC_PARTITIONS_MAX);
        if (!seen[partition] && load->store->claims[partition] != 0) {
            load->owners[load->owners_count++] = partition;
        }
        seen[partition] = true;
    }
}

enum hec_status hec_store_load(struct hec_store *store, struct hec_entities *entities,
                               struct hec_entity **missing, int count, const uint32_t *generations,
                               int32_t *bad, struct hec_error *error)
{
    if (count == 0) {
        return HEC_OK;
    }
    if (!hec_store_is_connected(store)) {
        return not_connected(error);
    }
    struct load load = {
        .store = store, .entities = entities, .missing = missing, .bad = -1, .error = error
    };
    find_owners(&load, count);
    size_t keys = load.owners_count + (size_t)count;
    if (!reserve(store, keys)) {
        return no_memory(error);
    }
    for (size_t i = 0; i < load.owners_count; i++) {
        store->views[i] = key_named(store, ":own:", load.owners[i]);
    }
    for (int i = 0; i < count; i++) {
        struct hec_entity_id id = hec_entity_id(missing[i]);
        store->views[load.owners_count + (size_t)i] = key_of(store, &id, generations[id.partition]);
    }
    enum hec_status status = store->backend.ops->get(store->backend.self, store->views, keys,
                                                     visit_record, &load, error);
    status = status == HEC_OK ? load.status : status;
    if (bad != NULL && status != HEC_OK) {
        *bad = load.bad;
    }
    return status;
}

enum hec_status hec_store_checkpoint(struct hec_store *store, int32_t partition,
                                     const struct hec_image *image,
                                     const struct hec_watermark *watermark, struct hec_error *error)
{
    assert(watermark->offset >= 0);
    if (!hec_store_is_connected(store)) {
        return not_connected(error);
    }
    if (!reserve(store, image->count + 2)) {
        return no_memory(error);
    }
    char text[HEC_WATERMARK_BYTES_MAX];
    char epoch[HEC_EPOCH_BYTES_MAX];
    struct pair_read found = { 0 };
    for (size_t i = 0; i < image->count; i++) {
        const struct hec_image_record *record = &image->records[i];
        assert(record->id.partition == partition);
        store->pairs[i].key = key_of(store, &record->id, watermark->generation);
        store->pairs[i].value = (struct hec_view){ record->bytes, record->length };
    }
    store->pairs[image->count].key = key_named(store, ":wm:", partition);
    store->pairs[image->count].value =
        (struct hec_view){ text, (size_t)hec_watermark_print(text, watermark) };
    struct hec_pair guard = {
        .key = key_named(store, ":own:", partition),
        .value = { epoch, (size_t)hec_epoch_print(epoch, watermark->epoch, store->owner) },
    };
    enum hec_status status = store->backend.ops->put(store->backend.self, &guard, store->pairs,
                                                     image->count + 1, visit_pair, &found, error);
    if (status == HEC_OK) {
        store->stats.written += image->count;
        store->stats.checkpoints++;
        return HEC_OK;
    }
    return status == HEC_MISMATCH
               ? hec_epoch_compare(partition, watermark->epoch, store->owner, found.views[0], error)
               : status;
}

enum hec_status hec_store_verify(struct hec_store *store, int32_t partition,
                                 const struct hec_watermark *expected,
                                 const struct hec_watermark *maybe, struct hec_watermark *found,
                                 struct hec_error *error)
{
    assert(partition >= 0 && partition < HEC_PARTITIONS_MAX);
    struct pair_read read;
    uint64_t ours = store->claims[partition], owner = store->owner;
    if (ours == 0 && expected != NULL) {
        ours = expected->epoch;
        owner = 0;
    }
    enum hec_status status = read_pair(store, partition, &read, error);
    if (status == HEC_OK) {
        status = hec_epoch_compare(partition, ours, owner, read.views[0], error);
    }
    if (status != HEC_OK) {
        return status;
    }
    bool absent = read.views[1].bytes == NULL;
    struct hec_watermark stored = { 0 };
    bool whole = absent || hec_watermark_parse(&stored, read.views[1]);
    bool agreed = absent ? expected == NULL
                         : whole && (hec_watermark_same(expected, &stored) ||
                                     hec_watermark_same(maybe, &stored));
    if (!agreed) {
        return hec_fail(error, HEC_MISMATCH,
                        "store: partition %d holds another watermark than was written: the store "
                        "was emptied or rolled back",
                        (int)partition);
    }
    if (found != NULL && !absent) {
        *found = stored;
    }
    return HEC_OK;
}

/* Keys of older generations than the kept one, copied because the answer goes away. */
struct sweep {
    struct hec_store *store;
    size_t prefix_length;
    uint32_t kept;
    size_t count;
    bool whole;
};

static void visit_key(void *context, size_t index, struct hec_view key)
{
    struct sweep *sweep = context;
    struct heap *heap = &sweep->store->keys;
    char digits[12] = "";
    (void)index;
    size_t left = key.length - sweep->prefix_length;
    memcpy(digits, (const char *)key.bytes + sweep->prefix_length, left < 11 ? left : 11);
    char *end;
    unsigned long generation = strtoul(digits, &end, 10);
    /* A newer one is of somebody who took the partition over: never ours to delete. */
    if (end == digits || *end != ':' || generation >= sweep->kept) {
        return;
    }
    if (!heap_reserve(heap, sizeof(key.length) + key.length)) {
        sweep->whole = false;
        return;
    }
    memcpy(heap->bytes + heap->length, &key.length, sizeof(key.length));
    memcpy(heap->bytes + heap->length + sizeof(key.length), key.bytes, key.length);
    heap->length += sizeof(key.length) + key.length;
    sweep->count++;
}

enum hec_status hec_store_sweep(struct hec_store *store, int32_t partition,
                                uint32_t generation_kept, char cursor[HEC_STORE_CURSOR_BYTES],
                                struct hec_error *error)
{
    if (!hec_store_is_connected(store)) {
        return not_connected(error);
    }
    char prefix[PREFIX_BYTES_MAX + 24];
    int length = snprintf(prefix, sizeof(prefix), "%s:{%d}:", store->prefix, (int)partition);
    struct sweep sweep = {
        .store = store, .prefix_length = (size_t)length, .kept = generation_kept, .whole = true
    };
    store->keys.length = 0;
    enum hec_status status =
        store->backend.ops->scan(store->backend.self, (struct hec_view){ prefix, (size_t)length },
                                 cursor, visit_key, &sweep, error);
    if (status != HEC_OK && status != HEC_END) {
        return status;
    }
    struct heap found = store->keys;
    store->keys = (struct heap){ 0 }; /* reserve would begin at its start again */
    enum hec_status deleted = sweep.whole && reserve(store, sweep.count) ? HEC_OK : HEC_NO_MEMORY;
    size_t at = 0;
    for (size_t i = 0; deleted == HEC_OK && i < sweep.count; i++) {
        memcpy(&store->views[i].length, found.bytes + at, sizeof(size_t));
        store->views[i].bytes = found.bytes + at + sizeof(size_t);
        at += sizeof(size_t) + store->views[i].length;
    }
    if (deleted == HEC_OK) {
        deleted = store->backend.ops->del(store->backend.self, store->views, sweep.count, error);
    }
    free(found.bytes);
    if (deleted != HEC_OK) {
        cursor[0] = '\0'; /* what was found is still there */
    }
    return deleted == HEC_OK ? status : deleted;
}

void hec_store_stats(struct hec_store *store, struct hec_store_stats *stats)
{
    *stats = store->stats;
    store->stats.worst_us = 0;
}
