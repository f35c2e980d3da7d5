/*
 * Redis behind the store: the operations of a backend, and the checkpoint as one MULTI/EXEC.
 *
 * redis_link.h is one connection; this file and those beside it that begin with redis_ are the only
 * ones that know hiredis.
 */
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "store/backend.h"
#include "store/redis_link.h"

#define CONNECT_MS 1000
#define COMMAND_MS 200
#define SCAN_COUNT "256"
#define EXEC_PER_MS 50 /* writes that the slowest Redis executes in a millisecond */

struct redis {
    struct hec_link link;
    struct hec_link_terms terms;
    struct hec_store_stats *stats;
    struct hec_address address;
    bool allow_evicting;
};

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void note_time(struct redis *redis, int64_t begun_us)
{
    redis->stats->last_us = now_us() - begun_us;
    if (redis->stats->last_us > redis->stats->worst_us) {
        redis->stats->worst_us = redis->stats->last_us;
    }
}

static enum hec_status redis_info(void *self, const char *section, const char *name, char *value,
                                  size_t size, struct hec_error *error)
{
    return hec_link_info(&((struct redis *)self)->link, section, name, value, size, error);
}

/* If INFO is silent there is nothing to judge, and the operator is trusted. */
static enum hec_status redis_check(void *self, struct hec_error *error)
{
    struct redis *redis = self;
    char policy[64];
    enum hec_status status =
        redis_info(redis, "memory", "maxmemory_policy", policy, sizeof(policy), error);
    if (status == HEC_OK && !redis->allow_evicting && policy[0] != '\0' &&
        strcmp(policy, "noeviction") != 0) {
        return hec_fail(error, HEC_MISMATCH,
                        "redis: %s has maxmemory-policy %s, which deletes customers' histories "
                        "under memory pressure: set it to noeviction, or allow_evicting if it is "
                        "only a cache",
                        hec_link_where(&redis->link), policy);
    }
    return status;
}

static enum hec_status redis_connect(void *self, struct hec_error *error)
{
    struct redis *redis = self;
    enum hec_status status = hec_link_open(&redis->link, error);
    status = status == HEC_OK ? redis_check(redis, error) : status;
    if (status != HEC_OK) {
        hec_link_close(&redis->link);
    }
    redis->stats->connects += status == HEC_OK;
    return status;
}

static bool redis_is_connected(const void *self)
{
    return ((const struct redis *)self)->link.context != NULL;
}

static enum hec_status redis_get(void *self, const struct hec_view *keys, size_t count,
                                 hec_store_visit *visit, void *context, struct hec_error *error)
{
    struct redis *redis = self;
    int64_t begun_us = now_us();
    for (size_t i = 0; i < count; i++) {
        struct hec_view words[2] = { { "GET", 3 }, keys[i] };
        if (!hec_link_say(&redis->link, words, 2)) {
            return hec_fail(error, HEC_NO_MEMORY, "redis: no memory");
        }
    }
    enum hec_status status = count == 0 ? HEC_OK : hec_link_send(&redis->link, error);
    for (size_t i = 0; status == HEC_OK && i < count; i++) {
        redisReply *answer = NULL;
        status = hec_link_hear(&redis->link, &answer, error);
        if (status != HEC_OK) {
            break;
        }
        if (answer->type == REDIS_REPLY_ERROR) {
            status = hec_link_refused(&redis->link, answer->str,
                                      error); /* disconnects: the rest is dropped */
        } else {
            redis->stats->bytes_read += answer->len;
            visit(context, i, hec_answer_view(answer));
        }
        freeReplyObject(answer);
    }
    note_time(redis, begun_us);
    return status;
}

/* WATCH and GET in one round trip. HEC_MISMATCH when the guard holds something else. */
static enum hec_status watch(struct redis *redis, const struct hec_pair *guard,
                             hec_store_visit *visit, void *context, struct hec_error *error)
{
    struct hec_view watching[2] = { { "WATCH", 5 }, guard->key };
    struct hec_view getting[2] = { { "GET", 3 }, guard->key };
    redisReply *watched = NULL;
    redisReply *found = NULL;
    if (!hec_link_say(&redis->link, watching, 2) || !hec_link_say(&redis->link, getting, 2)) {
        return hec_fail(error, HEC_NO_MEMORY, "redis: no memory");
    }
    enum hec_status status = hec_link_send(&redis->link, error);
    if (status == HEC_OK) {
        status = hec_link_hear(&redis->link, &watched, error);
    }
    if (status == HEC_OK) {
        status = hec_link_hear(&redis->link, &found, error);
    }
    if (status == HEC_OK && watched->type == REDIS_REPLY_ERROR) {
        status = hec_link_refused(&redis->link, watched->str, error);
    } else if (status == HEC_OK && found->type == REDIS_REPLY_ERROR) {
        status = hec_link_refused(&redis->link, found->str, error);
    } else if (status == HEC_OK) {
        struct hec_view value = hec_answer_view(found);
        bool same =
            (value.bytes == NULL) == (guard->value.bytes == NULL) &&
            value.length == guard->value.length &&
            (value.length == 0 || memcmp(value.bytes, guard->value.bytes, value.length) == 0);
        if (!same) {
            visit(context, 0, value);
            status = hec_fail(error, HEC_MISMATCH, "redis: the guard has another value");
        }
    }
    freeReplyObject(watched);
    freeReplyObject(found);
    return status;
}

/* An error answer to a write. Out of memory leaves the connection as good as it was: reads go on.
 */
static enum hec_status not_written(struct redis *redis, const char *answer, struct hec_error *error)
{
    if (strncmp(answer, "OOM ", 4) != 0) {
        return hec_link_refused(&redis->link, answer, error);
    }
    redis->stats->errors++;
    return hec_fail(error, HEC_UNAVAILABLE,
                    "redis: %s has no memory left, nothing was written: raise its maxmemory",
                    hec_link_where(&redis->link));
}

/* Reads the answers of MULTI, of each SET, of EXEC: all of them, to stay in step, also after the
 * first that is an error. */
static enum hec_status hear_exec(struct redis *redis, size_t sets, bool *executed,
                                 struct hec_error *error)
{
    char problem[256] = "";
    *executed = false;
    for (size_t i = 0; i < sets + 2; i++) {
        redisReply *answer = NULL;
        enum hec_status status = hec_link_hear(&redis->link, &answer, error);
        if (status != HEC_OK) {
            return status;
        }
        *executed = i == sets + 1 && answer->type == REDIS_REPLY_ARRAY;
        const redisReply *bad = answer->type == REDIS_REPLY_ERROR ? answer : NULL;
        for (size_t j = 0; *executed && bad == NULL && j < answer->elements; j++) {
            bad = answer->element[j]->type == REDIS_REPLY_ERROR ? answer->element[j] : NULL;
        }
        if (bad != NULL && problem[0] == '\0') {
            snprintf(problem, sizeof(problem), "%s", bad->str);
        }
        freeReplyObject(answer);
    }
    return problem[0] == '\0' ? HEC_OK : not_written(redis, problem, error);
}

static enum hec_status redis_put(void *self, const struct hec_pair *guard,
                                 const struct hec_pair *pairs, size_t count, hec_store_visit *visit,
                                 void *context, struct hec_error *error)
{
    struct redis *redis = self;
    int64_t begun_us = now_us();
    struct hec_view multi = { "MULTI", 5 };
    struct hec_view exec = { "EXEC", 4 };
    enum hec_status status = HEC_OK;
    bool executed = false;
    /* Somebody may write the guard between WATCH and EXEC; the second look then tells what. */
    for (int attempt = 0; status == HEC_OK && !executed && attempt < 3; attempt++) {
        status = watch(redis, guard, visit, context, error);
        if (status == HEC_MISMATCH && redis->link.context != NULL) {
            struct hec_view words[1] = { { "UNWATCH", 7 } };
            enum hec_status unwatched = hec_link_order(&redis->link, words, 1, error);
            return unwatched == HEC_OK ? HEC_MISMATCH : unwatched;
        }
        bool said = status == HEC_OK && hec_link_say(&redis->link, &multi, 1);
        for (size_t i = 0; said && i < count; i++) {
            bool kept = pairs[i].value.bytes != NULL;
            struct hec_view words[3] = { { kept ? "SET" : "DEL", 3 },
                                         pairs[i].key,
                                         pairs[i].value };
            said = hec_link_say(&redis->link, words, kept ? 3 : 2);
        }
        said = said && hec_link_say(&redis->link, &exec, 1);
        if (status == HEC_OK) {
            status = said ? hec_link_send(&redis->link, error)
                          : hec_fail(error, HEC_NO_MEMORY, "redis: no memory");
        }
        if (status == HEC_OK) {
            /* EXEC says nothing until all is done: after an hour without Redis that is much. */
            status = hec_link_patience(&redis->link,
                                       redis->terms.command_ms + (int)(count / EXEC_PER_MS), error);
        }
        if (status == HEC_OK) {
            status = hear_exec(redis, count, &executed, error);
        }
    }
    note_time(redis, begun_us);
    hec_link_patience(&redis->link, redis->terms.command_ms, error);
    if (status == HEC_OK && !executed) {
        return hec_fail(error, HEC_FENCED, "redis: others write the guard at the same time");
    }
    return status;
}

static enum hec_status redis_scan(void *self, struct hec_view prefix, char *cursor,
                                  hec_store_visit *visit, void *context, struct hec_error *error)
{
    struct redis *redis = self;
    char pattern[256];
    size_t length = 0;
    /* The prefix may hold characters that mean something in a pattern. */
    for (size_t i = 0; i < prefix.length && length < sizeof(pattern) - 3; i++) {
        char c = ((const char *)prefix.bytes)[i];
        if (strchr("*?[]\\^", c) != NULL) {
            pattern[length++] = '\\';
        }
        pattern[length++] = c;
    }
    pattern[length++] = '*';
    struct hec_view words[6] = { hec_word("SCAN"),  hec_word(cursor[0] == '\0' ? "0" : cursor),
                                 hec_word("MATCH"), { pattern, length },
                                 hec_word("COUNT"), hec_word(SCAN_COUNT) };
    redisReply *answer = NULL;
    enum hec_status status = hec_link_ask(&redis->link, words, 6, &answer, error);
    if (status != HEC_OK) {
        return status;
    }
    if (answer->type != REDIS_REPLY_ARRAY || answer->elements != 2 ||
        answer->element[0]->type != REDIS_REPLY_STRING) {
        freeReplyObject(answer);
        return hec_link_lost(&redis->link, "SCAN was answered with something else", error);
    }
    const redisReply *keys = answer->element[1];
    for (size_t i = 0; i < keys->elements; i++) {
        visit(context, i, hec_answer_view(keys->element[i]));
    }
    snprintf(cursor, HEC_STORE_CURSOR_BYTES, "%s", answer->element[0]->str);
    freeReplyObject(answer);
    return strcmp(cursor, "0") == 0 ? HEC_END : HEC_OK;
}

static enum hec_status redis_del(void *self, const struct hec_view *keys, size_t count,
                                 struct hec_error *error)
{
    struct redis *redis = self;
    for (size_t i = 0; i < count; i++) {
        struct hec_view words[2] = { { "DEL", 3 }, keys[i] };
        if (!hec_link_say(&redis->link, words, 2)) {
            return hec_fail(error, HEC_NO_MEMORY, "redis: no memory");
        }
    }
    enum hec_status status = count == 0 ? HEC_OK : hec_link_send(&redis->link, error);
    for (size_t i = 0; status == HEC_OK && i < count; i++) {
        redisReply *answer = NULL;
        status = hec_link_hear(&redis->link, &answer, error);
        if (status == HEC_OK && answer->type == REDIS_REPLY_ERROR) {
            status = hec_link_refused(&redis->link, answer->str, error);
        }
        freeReplyObject(answer);
    }
    return status;
}

static void redis_close(void *self)
{
    struct redis *redis = self;
    hec_link_free(&redis->link);
    if (redis->terms.password != NULL) {
        explicit_bzero(redis->terms.password, strlen(redis->terms.password));
    }
    free(redis->terms.password);
    free(redis->terms.username);
    hec_address_free(&redis->address);
    free(redis);
}

enum hec_status hec_redis_new(struct hec_backend *ret, const struct hec_store_options *options,
                              struct hec_store_stats *stats, struct hec_error *error)
{
    static const struct hec_backend_ops OPS = {
        .connect = redis_connect,
        .check = redis_check,
        .info = redis_info,
        .is_connected = redis_is_connected,
        .get = redis_get,
        .put = redis_put,
        .scan = redis_scan,
        .del = redis_del,
        .close = redis_close,
    };
    struct redis *redis = calloc(1, sizeof(*redis));
    if (redis == NULL) {
        return hec_fail(error, HEC_NO_MEMORY, "redis: no memory");
    }
    redis->stats = stats;
    redis->link =
        (struct hec_link){ .terms = &redis->terms, .address = &redis->address, .stats = stats };
    redis->terms.database = options->database;
    redis->terms.connect_ms = options->connect_ms == 0 ? CONNECT_MS : options->connect_ms;
    redis->terms.command_ms = options->command_ms == 0 ? COMMAND_MS : options->command_ms;
    redis->allow_evicting = options->allow_evicting;
    enum hec_status status = hec_address_read(&redis->address, options, error);
    if (status == HEC_OK && options->username != NULL) {
        redis->terms.username = strdup(options->username);
        status = redis->terms.username == NULL ? HEC_NO_MEMORY : HEC_OK;
    }
    if (status == HEC_OK && options->password != NULL) {
        redis->terms.password = strdup(options->password);
        status = redis->terms.password == NULL ? HEC_NO_MEMORY : HEC_OK;
    }
    if (status != HEC_OK) {
        redis_close(redis);
        return status;
    }
    *ret = (struct hec_backend){ .ops = &OPS, .self = redis };
    return HEC_OK;
}
