/*
 * The made-up Redis: one map, all or nothing, with what can happen to a server and to the
 * connection to it. Stands in for daemon/store/redis.c, below the real store.
 *
 * Every key has a version, so that a WATCH is what it is in Redis: an EXEC that arrives after its
 * connection broke is still executed, unless somebody wrote the watched key meanwhile.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"
#include "store/backend.h"

#define COMMAND_US 200000
#define KEYS_MAX 4000
#define COPIES_MAX 8
#define COPY_EVERY 25
#define LATE_MAX 16

struct item {
    char *key;
    void *bytes;
    size_t length;
    bool damaged;
};

struct keys {
    struct item items[KEYS_MAX];
    int count;
};

static struct keys *keys, *copies[COPIES_MAX];
static int copies_count, writes;
static long torn[SIM_PARTITIONS_MAX]; /* the generation that a fault has torn; 0: none */
static uint64_t versions;             /* counts writes of any watched key */
static int64_t down_until_us;
static uint64_t connections; /* those made before this one are broken */

static struct late {
    struct hec_pair guard, *pairs;
    size_t count;
    uint64_t version;
    int64_t at_us;
} late[LATE_MAX];
static int late_count;

struct client {
    uint64_t connection;
    bool connected;
};

void sim_server_make(void)
{
    keys = calloc(1, sizeof(*keys));
    connections = 1;
}

/* ---- The map ---- */

static struct item *find(const struct keys *in, struct hec_view key)
{
    for (int i = 0; i < in->count; i++) {
        const char *name = in->items[i].key;
        if (strlen(name) == key.length && memcmp(name, key.bytes, key.length) == 0) {
            return (struct item *)&in->items[i];
        }
    }
    return NULL;
}

static void *copy_of(struct hec_view view)
{
    char *copy = malloc(view.length + 1);
    memcpy(copy, view.bytes, view.length);
    copy[view.length] = '\0';
    return copy;
}

static bool is_guard(const char *key)
{
    return strncmp(key, SIM_PREFIX ":own:", strlen(SIM_PREFIX ":own:")) == 0;
}

static void write_one(const struct hec_pair *pair)
{
    struct item *item = find(keys, pair->key);
    if (pair->value.bytes == NULL) {
        if (item != NULL) {
            *item = keys->items[--keys->count];
        }
        return;
    }
    if (item == NULL) {
        if (keys->count == KEYS_MAX) {
            sim_fail("more than %d keys in Redis: nobody sweeps", KEYS_MAX);
        }
        item = &keys->items[keys->count++];
        item->key = copy_of(pair->key);
    }
    item->bytes = copy_of(pair->value);
    item->length = pair->value.length;
    item->damaged = false;
    versions += is_guard(item->key);
}

bool sim_server_get(const char *key, const void **bytes, size_t *length, bool *damaged)
{
    const struct item *item = find(keys, (struct hec_view){ key, strlen(key) });
    if (item == NULL) {
        return false;
    }
    *bytes = item->bytes;
    *length = item->length;
    *damaged = item->damaged;
    return true;
}

const char *sim_server_key(const char *prefix, int *index)
{
    for (; *index < keys->count; (*index)++) {
        if (strncmp(keys->items[*index].key, prefix, strlen(prefix)) == 0) {
            return keys->items[(*index)++].key;
        }
    }
    return NULL;
}

static void keep_copy(void)
{
    if (++writes % COPY_EVERY != 0) {
        return;
    }
    struct keys *copy = malloc(sizeof(*copy));
    memcpy(copy, keys, sizeof(*copy));
    if (copies_count == COPIES_MAX) {
        free(copies[0]);
        memmove(copies, copies + 1, (COPIES_MAX - 1) * sizeof(*copies));
        copies_count--;
    }
    copies[copies_count++] = copy;
}

static bool guard_holds(const struct hec_pair *guard)
{
    const struct item *item = find(keys, guard->key);
    return item == NULL ? guard->value.bytes == NULL
                        : guard->value.bytes != NULL && item->length == guard->value.length &&
                              memcmp(item->bytes, guard->value.bytes, item->length) == 0;
}

/* The partition in the first braces of a key. */
static int32_t partition_of(const struct hec_pair *pair)
{
    const char *brace = memchr(pair->key.bytes, '{', pair->key.length);
    return brace == NULL ? 0 : (int32_t)atoi(brace + 1);
}

static void execute(const struct hec_pair *pairs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        write_one(&pairs[i]);
    }
    sim_note("redis: %zu keys written, first %.*s", count, (int)pairs[0].key.length,
             (const char *)pairs[0].key.bytes);
    sim_check_stored(partition_of(&pairs[0]));
    keep_copy();
}

/* ---- What happens to a server ---- */

static void break_connections(void)
{
    connections++;
}

static void go_back(void)
{
    if (copies_count > 0) {
        int chosen = (int)sim_between(0, copies_count - 1);
        memcpy(keys, copies[chosen], sizeof(*keys));
        copies_count = chosen + 1; /* the later ones are of a past that never was */
        versions++;
        late_count = 0;
        break_connections();
        sim_note("redis: an older copy takes over");
    }
}

static void empty(void)
{
    keys->count = 0;
    versions++;
    if (sim_between(0, 1) == 0) { /* else FLUSHALL: the connections stay */
        late_count = 0;
        break_connections();
    }
    sim_note("redis: empty");
}

static long generation_of(const struct item *watermark)
{
    const char *found = strstr(watermark->bytes, "generation=");
    return found == NULL ? -1 : strtol(found + strlen("generation="), NULL, 10);
}

bool sim_server_is_torn(int32_t partition, uint32_t generation)
{
    return torn[partition] == (long)generation;
}

/* Records newer than their watermark: what MULTI/EXEC never leaves, but a bad copy may. */
static void tear(void)
{
    char key[32];
    snprintf(key, sizeof(key), SIM_PREFIX ":wm:{%d}", (int)sim_between(0, SIM_PARTITIONS_MAX - 1));
    struct hec_view view = { key, strlen(key) };
    struct item *now = find(keys, view);
    for (int i = 0; i < copies_count && now != NULL; i++) {
        const struct item *then = find(copies[i], view);
        if (then != NULL && strcmp(then->bytes, now->bytes) != 0 &&
            generation_of(then) == generation_of(now)) {
            now->bytes = then->bytes;
            now->length = then->length;
            now->damaged = true;
            torn[atoi(key + strlen(SIM_PREFIX ":wm:{"))] = generation_of(then);
            break_connections();
            sim_note("redis: %s is put back to %s", key, (const char *)then->bytes);
            return;
        }
    }
}

static void flip(void)
{
    struct item *item = keys->count == 0 ? NULL : &keys->items[sim_between(0, keys->count - 1)];
    if (item == NULL || item->length < 40 || strstr(item->key, ":{") == NULL) {
        return;
    }
    unsigned char *copy = copy_of((struct hec_view){ item->bytes, item->length });
    copy[sim_between(0, (int64_t)item->length - 1)] ^= (unsigned char)(1 << sim_between(0, 7));
    item->bytes = copy;
    item->damaged = true;
    sim_note("redis: a bit of %s turns over", item->key);
}

static void harm(void)
{
    if (sim_strikes(sim.profile.redis_down)) {
        down_until_us = sim.now_us + sim_between(100000, 20000000);
        break_connections();
        sim_note("redis: away for %.3f s", (double)(down_until_us - sim.now_us) / 1e6);
    } else if (sim_strikes(sim.profile.redis_older)) {
        go_back();
    } else if (sim_strikes(sim.profile.redis_empty)) {
        empty();
    } else if (sim_strikes(sim.profile.redis_torn)) {
        tear();
    } else if (sim_strikes(sim.profile.redis_flip)) {
        flip();
    }
}

void sim_server_tick(void)
{
    for (int i = 0; i < late_count; i++) {
        if (late[i].at_us <= sim.now_us) {
            struct late request = late[i];
            late[i--] = late[--late_count];
            bool void_now = request.version != versions || !guard_holds(&request.guard);
            sim_note("redis: a late EXEC arrived%s", void_now ? ", and is void" : "");
            if (!void_now) {
                execute(request.pairs, request.count);
            }
        }
    }
}

int64_t sim_server_next_us(void)
{
    int64_t next = INT64_MAX;
    for (int i = 0; i < late_count; i++) {
        next = late[i].at_us < next ? late[i].at_us : next;
    }
    return next;
}

/* ---- The backend ---- */

static enum hec_status broken(struct client *client, struct hec_error *error)
{
    client->connected = false;
    sim_wait(COMMAND_US);
    return hec_fail(error, HEC_UNAVAILABLE, "redis: does not answer");
}

/* The way there. */
static enum hec_status reach(struct client *client, struct hec_error *error)
{
    sim_wait(sim_between(50, 1000));
    harm();
    bool down = down_until_us > sim.now_us;
    if (!client->connected || client->connection != connections || down ||
        sim_strikes(sim.profile.redis_cut)) {
        return broken(client, error);
    }
    return HEC_OK;
}

static enum hec_status client_connect(void *self, struct hec_error *error)
{
    struct client *client = self;
    sim_wait(sim_between(50, 1000));
    if (down_until_us > sim.now_us) {
        return hec_fail(error, HEC_UNAVAILABLE, "redis: nobody answers");
    }
    client->connected = true;
    client->connection = connections;
    return HEC_OK;
}

static enum hec_status client_check(void *self, struct hec_error *error)
{
    return reach(self, error);
}

static bool client_is_connected(const void *self)
{
    return ((const struct client *)self)->connected;
}

static enum hec_status client_get(void *self, const struct hec_view *names, size_t count,
                                  hec_store_visit *visit, void *context, struct hec_error *error)
{
    enum hec_status status = reach(self, error);
    for (size_t i = 0; status == HEC_OK && i < count; i++) {
        const struct item *item = find(keys, names[i]);
        visit(context, i,
              item == NULL ? (struct hec_view){ 0 }
                           : (struct hec_view){ item->bytes, item->length });
    }
    return status;
}

static void send_late(const struct hec_pair *guard, const struct hec_pair *pairs, size_t count,
                      uint64_t version)
{
    if (late_count == LATE_MAX) {
        return;
    }
    struct late *request = &late[late_count++];
    *request = (struct late){ .guard = { { copy_of(guard->key), guard->key.length },
                                         { copy_of(guard->value), guard->value.length } },
                              .count = count,
                              .version = version,
                              .at_us = sim.now_us + sim_between(1000, 5000000) };
    request->pairs = calloc(count, sizeof(*request->pairs));
    for (size_t i = 0; i < count; i++) {
        request->pairs[i].key = (struct hec_view){ copy_of(pairs[i].key), pairs[i].key.length };
        if (pairs[i].value.bytes != NULL) {
            request->pairs[i].value =
                (struct hec_view){ copy_of(pairs[i].value), pairs[i].value.length };
        }
    }
}

static enum hec_status client_put(void *self, const struct hec_pair *guard,
                                  const struct hec_pair *pairs, size_t count,
                                  hec_store_visit *visit, void *context, struct hec_error *error)
{
    struct client *client = self;
    for (int attempt = 0; attempt < 3; attempt++) {
        enum hec_status status = reach(client, error); /* WATCH, GET */
        if (status != HEC_OK) {
            return status;
        }
        if (!guard_holds(guard)) {
            const struct item *item = find(keys, guard->key);
            visit(context, 0,
                  item == NULL ? (struct hec_view){ 0 }
                               : (struct hec_view){ item->bytes, item->length });
            return hec_fail(error, HEC_MISMATCH, "redis: the guard has another value");
        }
        uint64_t version = versions;
        if (guard->value.bytes != NULL && sim_strikes(sim.profile.redis_late)) {
            send_late(guard, pairs, count, version);
            return broken(client, error);
        }
        status = reach(client, error); /* MULTI ... EXEC */
        if (status != HEC_OK) {
            return status;
        }
        if (sim_strikes(sim.profile.redis_full)) {
            return hec_fail(error, HEC_UNAVAILABLE, "redis: has no memory left");
        }
        if (version != versions) {
            continue;
        }
        execute(pairs, count);
        return sim_strikes(sim.profile.redis_cut) ? broken(client, error) : HEC_OK;
    }
    return hec_fail(error, HEC_FENCED, "redis: others write the guard at the same time");
}

static enum hec_status client_scan(void *self, struct hec_view prefix, char *cursor,
                                   hec_store_visit *visit, void *context, struct hec_error *error)
{
    enum hec_status status = reach(self, error);
    size_t index = 0;
    (void)cursor;
    for (int i = 0; status == HEC_OK && i < keys->count; i++) {
        const char *key = keys->items[i].key;
        if (strncmp(key, prefix.bytes, prefix.length) == 0) {
            visit(context, index++, (struct hec_view){ key, strlen(key) });
        }
    }
    return status == HEC_OK ? HEC_END : status;
}

static enum hec_status client_del(void *self, const struct hec_view *names, size_t count,
                                  struct hec_error *error)
{
    enum hec_status status = reach(self, error);
    for (size_t i = 0; status == HEC_OK && i < count; i++) {
        write_one(&(struct hec_pair){ .key = names[i] });
    }
    return status;
}

static void client_close(void *self)
{
    free(self);
}

enum hec_status hec_redis_new(struct hec_backend *ret, const struct hec_store_options *options,
                              struct hec_store_stats *stats, struct hec_error *error)
{
    static const struct hec_backend_ops OPS = {
        .connect = client_connect,
        .check = client_check,
        .is_connected = client_is_connected,
        .get = client_get,
        .put = client_put,
        .scan = client_scan,
        .del = client_del,
        .close = client_close,
    };
    (void)options;
    (void)stats;
    (void)error;
    *ret = (struct hec_backend){ .ops = &OPS, .self = calloc(1, sizeof(struct client)) };
    return HEC_OK;
}
