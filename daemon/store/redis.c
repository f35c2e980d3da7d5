/*
 * Redis behind the store: the operations of a backend, and the checkpoint as one MULTI/EXEC.
 *
 * redis_link.h is one connection, redis_route.h says whose; this file and those beside it that
 * begin with redis_ are the only ones that know hiredis.
 *
 * A Cluster may move a slot while it is used. A read follows it. A checkpoint waits until all its
 * keys lie in one place again: nothing is written, and the connection is as good as before.
 */
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "store/backend.h"
#include "store/redis_link.h"
#include "store/redis_route.h"

#define SCAN_COUNT "256"
#define EXEC_PER_MS 10 /* writes that the slowest Redis takes and executes in a millisecond */
#define PUT_ATTEMPTS 4

/* One key of a get: who was asked, and what came. */
struct question {
    struct hec_link *link;
    redisReply *answer;
};

struct redis {
    struct hec_route route;
    struct hec_store_stats *stats;
    struct question *questions; /* questions_size of them, kept between calls */
    size_t questions_size;
    char problem[256]; /* what EXEC was refused with */
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

static enum hec_status no_memory(struct redis *redis, struct hec_error *error)
{
    hec_route_hush(&redis->route);
    return hec_fail(error, HEC_NO_MEMORY, "redis: no memory");
}

static enum hec_status redis_connect(void *self, struct hec_error *error)
{
    return hec_route_connect(&((struct redis *)self)->route, error);
}

static enum hec_status redis_check(void *self, struct hec_error *error)
{
    return hec_route_check(&((struct redis *)self)->route, error);
}

static bool redis_is_connected(const void *self)
{
    return hec_route_is_connected(&((const struct redis *)self)->route);
}

/* Of a Cluster's nodes, the first. */
static enum hec_status redis_info(void *self, const char *section, const char *name, char *value,
                                  size_t size, struct hec_error *error)
{
    struct hec_route *route = &((struct redis *)self)->route;
    enum hec_status status = hec_route_open(route, route->nodes[0], error);
    return status == HEC_OK
               ? hec_link_info(&route->nodes[0]->link, section, name, value, size, error)
               : status;
}

/* ---- get ------------------------------------------------------------------------------------- */

static bool reserve_questions(struct redis *redis, size_t count)
{
    if (count > redis->questions_size) {
        struct question *questions =
            realloc(redis->questions, count * 2 * sizeof(*redis->questions));
        if (questions == NULL) {
            return false;
        }
        redis->questions = questions;
        redis->questions_size = count * 2;
    }
    memset(redis->questions, 0, count * sizeof(*redis->questions));
    return true;
}

/* All questions out, to whoever has the keys, before the first answer is read. */
static enum hec_status put_questions(struct redis *redis, const struct hec_view *keys, size_t count,
                                     struct hec_error *error)
{
    struct hec_route *route = &redis->route;
    for (size_t i = 0; i < count; i++) {
        struct hec_view words[2] = { { "GET", 3 }, keys[i] };
        struct question *question = &redis->questions[i];
        enum hec_status status = hec_route_find(route, keys[i], &question->link, error);
        if (status != HEC_OK) {
            hec_route_hush(route);
            return status;
        }
        if (!hec_link_say(question->link, words, 2)) {
            return no_memory(redis, error);
        }
    }
    for (int n = 0; n < route->nodes_count; n++) {
        struct hec_link *link = &route->nodes[n]->link;
        enum hec_status status = link->out_length == 0 ? HEC_OK : hec_link_send(link, error);
        if (status != HEC_OK) {
            return status;
        }
    }
    return HEC_OK;
}

/* A key that lies elsewhere is asked for there, one by one: that is rare. */
static enum hec_status ask_elsewhere(struct redis *redis, struct question *question,
                                     struct hec_view key, struct hec_error *error)
{
    struct hec_view asking = { "ASKING", 6 };
    struct hec_view words[2] = { { "GET", 3 }, key };
    for (int hop = 0; hop < PUT_ATTEMPTS; hop++) {
        const redisReply *answer = question->answer;
        if (answer->type != REDIS_REPLY_ERROR || !hec_cluster_is_elsewhere(answer->str)) {
            return HEC_OK;
        }
        bool ask = false;
        enum hec_status status = hec_cluster_follow(&redis->route, answer->str, question->link,
                                                    &question->link, &ask, error);
        if (status == HEC_OK && ask) {
            status = hec_link_order(question->link, &asking, 1, error);
        }
        if (status == HEC_OK && !hec_link_say(question->link, words, 2)) {
            status = no_memory(redis, error);
        }
        if (status == HEC_OK) {
            status = hec_link_send(question->link, error);
        }
        if (status == HEC_OK) {
            freeReplyObject(question->answer);
            question->answer = NULL;
            status = hec_link_hear(question->link, &question->answer, error);
        }
        if (status != HEC_OK) {
            return status == HEC_END ? hec_link_lost(question->link, "a slot is on the move", error)
                                     : status;
        }
    }
    return hec_link_lost(question->link, "a key is nowhere, one node sends to the other", error);
}

static enum hec_status redis_get(void *self, const struct hec_view *keys, size_t count,
                                 hec_store_visit *visit, void *context, struct hec_error *error)
{
    struct redis *redis = self;
    int64_t begun_us = now_us();
    if (!reserve_questions(redis, count)) {
        return no_memory(redis, error);
    }
    enum hec_status status = put_questions(redis, keys, count, error);
    for (size_t i = 0; status == HEC_OK && i < count; i++) {
        status = hec_link_hear(redis->questions[i].link, &redis->questions[i].answer, error);
    }
    for (size_t i = 0; status == HEC_OK && i < count; i++) {
        status = ask_elsewhere(redis, &redis->questions[i], keys[i], error);
    }
    for (size_t i = 0; status == HEC_OK && i < count; i++) {
        const redisReply *answer = redis->questions[i].answer;
        struct hec_view value = hec_answer_view(answer);
        if (answer->type == REDIS_REPLY_ERROR && value.bytes == NULL) {
            status = hec_link_refused(redis->questions[i].link, answer->str, error);
        } else {
            redis->stats->bytes_read += value.length;
            visit(context, i, value);
        }
    }
    for (size_t i = 0; i < count; i++) {
        freeReplyObject(redis->questions[i].answer); /* accepts NULL */
    }
    if (status != HEC_OK && status != HEC_NO_MEMORY) {
        hec_route_close(&redis->route); /* others may still be about to answer */
    }
    note_time(redis, begun_us);
    return status;
}

/* ---- put ------------------------------------------------------------------------------------- */

/* HEC_ABORTED, and what was said in redis->problem: the slot is somebody else's. */
static enum hec_status not_here(struct redis *redis, struct hec_link *link,
                                const redisReply *answer, struct hec_error *error)
{
    if (!hec_cluster_is_elsewhere(answer->str)) {
        return hec_link_refused(link, answer->str, error);
    }
    snprintf(redis->problem, sizeof(redis->problem), "%s", answer->str);
    return HEC_ABORTED;
}

/* WATCH and GET in one round trip. HEC_MISMATCH when the guard holds something else. */
static enum hec_status watch(struct redis *redis, struct hec_link *link,
                             const struct hec_pair *guard, hec_store_visit *visit, void *context,
                             struct hec_error *error)
{
    struct hec_view watching[2] = { { "WATCH", 5 }, guard->key };
    struct hec_view getting[2] = { { "GET", 3 }, guard->key };
    redisReply *watched = NULL;
    redisReply *found = NULL;
    if (!hec_link_say(link, watching, 2) || !hec_link_say(link, getting, 2)) {
        return no_memory(redis, error);
    }
    enum hec_status status = hec_link_send(link, error);
    if (status == HEC_OK) {
        status = hec_link_hear(link, &watched, error);
    }
    if (status == HEC_OK) {
        status = hec_link_hear(link, &found, error);
    }
    struct hec_view value = status == HEC_OK ? hec_answer_view(found) : (struct hec_view){ 0 };
    if (status == HEC_OK && watched->type == REDIS_REPLY_ERROR) {
        status = not_here(redis, link, watched, error);
    } else if (status == HEC_OK && found->type == REDIS_REPLY_ERROR && value.bytes == NULL) {
        status = not_here(redis, link, found, error);
    } else if (status == HEC_OK) {
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

static enum hec_status unwatch(struct hec_link *link, struct hec_error *error)
{
    struct hec_view words[1] = { { "UNWATCH", 7 } };
    return link->context == NULL ? HEC_OK : hec_link_order(link, words, 1, error);
}

/* EXEC was refused. Without memory, disk or replicas to write to, Redis is as good as it was: reads
 * go on. A master that became a replica is no use at all. */
static enum hec_status not_written(struct redis *redis, struct hec_link *link,
                                   struct hec_error *error)
{
    static const char *const HARMLESS[] = { "OOM ", "MISCONF ", "NOREPLICAS " };
    if (hec_cluster_is_elsewhere(redis->problem)) {
        return HEC_ABORTED;
    }
    for (size_t i = 0; i < sizeof(HARMLESS) / sizeof(*HARMLESS); i++) {
        if (strncmp(redis->problem, HARMLESS[i], strlen(HARMLESS[i])) == 0) {
            redis->stats->errors++;
            return hec_fail(error, HEC_UNAVAILABLE,
                            i == 0 ? "redis: %s has no memory left, nothing was written: raise its "
                                     "maxmemory"
                                   : "redis: %s takes no writes, nothing was written: %s",
                            hec_link_where(link), redis->problem);
        }
    }
    if (strncmp(redis->problem, "READONLY ", 9) == 0) {
        hec_route_shun(&redis->route);
    }
    return hec_link_refused(link, redis->problem, error);
}

/* Reads the answers of MULTI, of each SET, of EXEC: all of them, to stay in step, also after the
 * first that is an error. */
static enum hec_status hear_exec(struct redis *redis, struct hec_link *link, size_t sets,
                                 bool *executed, struct hec_error *error)
{
    redis->problem[0] = '\0';
    *executed = false;
    for (size_t i = 0; i < sets + 2; i++) {
        redisReply *answer = NULL;
        enum hec_status status = hec_link_hear(link, &answer, error);
        if (status != HEC_OK) {
            return status;
        }
        *executed = i == sets + 1 && answer->type == REDIS_REPLY_ARRAY;
        const redisReply *bad = answer->type == REDIS_REPLY_ERROR ? answer : NULL;
        for (size_t j = 0; *executed && bad == NULL && j < answer->elements; j++) {
            bad = answer->element[j]->type == REDIS_REPLY_ERROR ? answer->element[j] : NULL;
        }
        if (bad != NULL && redis->problem[0] == '\0') {
            snprintf(redis->problem, sizeof(redis->problem), "%s", bad->str);
        }
        freeReplyObject(answer);
    }
    return redis->problem[0] == '\0' ? HEC_OK : not_written(redis, link, error);
}

/* MULTI, the pairs, EXEC. */
static enum hec_status write_pairs(struct redis *redis, struct hec_link *link,
                                   const struct hec_pair *pairs, size_t count, bool *executed,
                                   struct hec_error *error)
{
    struct hec_view multi = { "MULTI", 5 };
    struct hec_view exec = { "EXEC", 4 };
    bool said = hec_link_say(link, &multi, 1);
    for (size_t i = 0; said && i < count; i++) {
        bool kept = pairs[i].value.bytes != NULL;
        struct hec_view words[3] = { { kept ? "SET" : "DEL", 3 }, pairs[i].key, pairs[i].value };
        said = hec_link_say(link, words, kept ? 3 : 2);
    }
    if (!said || !hec_link_say(link, &exec, 1)) {
        return no_memory(redis, error);
    }
    enum hec_status status = hec_link_send(link, error);
    int patience_ms = link->terms->command_ms;
    if (status == HEC_OK) {
        /* EXEC says nothing until all is done: after an hour without Redis that is much. */
        status = hec_link_patience(link, patience_ms + (int)(count / EXEC_PER_MS), error);
    }
    if (status == HEC_OK) {
        status = hear_exec(redis, link, count, executed, error);
    }
    hec_link_patience(link, patience_ms, NULL);
    return status;
}

/* The slot is elsewhere. HEC_OK: *link has it now. */
static enum hec_status follow(struct redis *redis, struct hec_link **link, struct hec_error *error)
{
    bool asking = false;
    enum hec_status status = unwatch(*link, error);
    if (status == HEC_OK) {
        status = hec_cluster_follow(&redis->route, redis->problem, *link, link, &asking, error);
    }
    if (status == HEC_END || (status == HEC_OK && asking)) {
        redis->stats->errors++;
        return hec_fail(error, HEC_UNAVAILABLE,
                        "redis: the Cluster is moving the slot, nothing was written until it is "
                        "done: %.100s",
                        redis->problem);
    }
    return status;
}

static enum hec_status redis_put(void *self, const struct hec_pair *guard,
                                 const struct hec_pair *pairs, size_t count, hec_store_visit *visit,
                                 void *context, struct hec_error *error)
{
    struct redis *redis = self;
    struct hec_link *link = NULL;
    int64_t begun_us = now_us();
    enum hec_status status = hec_route_find(&redis->route, guard->key, &link, error);
    bool executed = false, sent_on = false;
    /* Somebody may write the guard between WATCH and EXEC; the second look then tells what. */
    for (int attempt = 0; status == HEC_OK && !executed && attempt < PUT_ATTEMPTS; attempt++) {
        status = watch(redis, link, guard, visit, context, error);
        if (status == HEC_MISMATCH) {
            enum hec_status unwatched = unwatch(link, error);
            return unwatched == HEC_OK ? HEC_MISMATCH : unwatched;
        }
        if (status == HEC_OK) {
            status = write_pairs(redis, link, pairs, count, &executed, error);
        }
        sent_on = status == HEC_ABORTED;
        if (sent_on) {
            status = follow(redis, &link, error);
        }
    }
    note_time(redis, begun_us);
    if (status == HEC_OK && sent_on) {
        redis->stats->errors++;
        return hec_fail(error, HEC_UNAVAILABLE,
                        "redis: one node of the Cluster sends to the other, nothing was written "
                        "until they agree: %.100s",
                        redis->problem);
    }
    if (status == HEC_OK && !executed) {
        return hec_fail(error, HEC_FENCED, "redis: others write the guard at the same time");
    }
    return status;
}

/* ---- old keys -------------------------------------------------------------------------------- */

static enum hec_status redis_scan(void *self, struct hec_view prefix, char *cursor,
                                  hec_store_visit *visit, void *context, struct hec_error *error)
{
    struct redis *redis = self;
    struct hec_link *link = NULL;
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
    enum hec_status status = hec_route_find(&redis->route, prefix, &link, error);
    status = status == HEC_OK ? hec_link_ask(link, words, 6, &answer, error) : status;
    if (status != HEC_OK) {
        return status;
    }
    if (answer->type != REDIS_REPLY_ARRAY || answer->elements != 2 ||
        answer->element[0]->type != REDIS_REPLY_STRING) {
        freeReplyObject(answer);
        return hec_link_lost(link, "SCAN was answered with something else", error);
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
    struct hec_link *link = NULL;
    enum hec_status status =
        count == 0 ? HEC_OK : hec_route_find(&redis->route, keys[0], &link, error);
    for (size_t i = 0; status == HEC_OK && i < count; i++) {
        struct hec_view words[2] = { { "DEL", 3 }, keys[i] };
        if (!hec_link_say(link, words, 2)) {
            return no_memory(redis, error);
        }
    }
    status = status == HEC_OK && count > 0 ? hec_link_send(link, error) : status;
    bool moved = false;
    redis->problem[0] = '\0';
    for (size_t i = 0; status == HEC_OK && i < count; i++) {
        redisReply *answer = NULL;
        status = hec_link_hear(link, &answer, error);
        if (status == HEC_OK && answer->type == REDIS_REPLY_ERROR) {
            status = not_here(redis, link, answer, error);
            moved |= status == HEC_ABORTED;
            status = status == HEC_ABORTED ? HEC_OK : status;
        }
        freeReplyObject(answer);
    }
    if (status == HEC_OK && moved) {
        status = follow(redis, &link, error);
        return status == HEC_OK ? hec_fail(error, HEC_UNAVAILABLE, "redis: the slot has moved")
                                : status;
    }
    return status;
}

static void redis_close(void *self)
{
    struct redis *redis = self;
    hec_route_free(&redis->route);
    free(redis->questions);
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
    enum hec_status status = hec_route_init(&redis->route, options, stats, error);
    if (status != HEC_OK) {
        redis_close(redis);
        return status;
    }
    *ret = (struct hec_backend){ .ops = &OPS, .self = redis };
    return HEC_OK;
}
