/*
 * Redis behind the store: the only file that knows hiredis.
 *
 * Commands are built as RESP in a buffer of ours and handed over whole, because hiredis formats
 * every command twice. After any error or timeout the context is freed and never used again: what
 * is still on its way would be taken for the answer to the next question.
 */
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include "store/backend.h"

#define CONNECT_MS 1000
#define COMMAND_MS 200
#define SCAN_COUNT "256"
#define EXEC_PER_MS 50 /* writes that the slowest Redis executes in a millisecond */

struct redis {
    redisContext *context; /* NULL: not connected */
    struct hec_store_stats *stats;
    struct hec_address address;
    char *username;
    char *password;
    int database;
    int connect_ms;
    int command_ms;
    bool allow_evicting;
    char *out; /* RESP to be sent */
    size_t out_length;
    size_t out_size;
};

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static struct timeval timeval_of(int ms)
{
    return (struct timeval){ .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };
}

static const char *where(const struct redis *redis)
{
    return redis->address.path != NULL ? redis->address.path : redis->address.host;
}

static void disconnect(struct redis *redis)
{
    redisFree(redis->context); /* accepts NULL */
    redis->context = NULL;
    redis->out_length = 0;
}

/* Ends the connection and says why. */
static enum hec_status lost(struct redis *redis, const char *why, struct hec_error *error)
{
    hec_fail(error, HEC_UNAVAILABLE, "redis: %s does not answer: %s", where(redis), why);
    redis->stats->errors++;
    disconnect(redis);
    return HEC_UNAVAILABLE;
}

/* How long one answer may take. */
static enum hec_status set_timeout(struct redis *redis, int ms, struct hec_error *error)
{
    return redis->context == NULL || redisSetTimeout(redis->context, timeval_of(ms)) == REDIS_OK
               ? HEC_OK
               : lost(redis, "the timeout could not be set", error);
}

/* An answer that is an error: what it means for the caller. The connection is in step, so only what
 * cannot be understood ends it. */
static enum hec_status refused(struct redis *redis, const char *answer, struct hec_error *error)
{
    static const char *const DENIALS[] = { "NOAUTH", "WRONGPASS", "NOPERM", "ERR invalid password",
                                           "ERR Client sent AUTH" };
    redis->stats->errors++;
    for (size_t i = 0; i < sizeof(DENIALS) / sizeof(*DENIALS); i++) {
        if (strncmp(answer, DENIALS[i], strlen(DENIALS[i])) == 0) {
            hec_fail(error, HEC_DENIED,
                     "redis: %s refuses this user: %.200s: check username, password and ACL",
                     where(redis), answer);
            disconnect(redis);
            return HEC_DENIED;
        }
    }
    hec_fail(error, HEC_UNAVAILABLE, "redis: %s refuses the command: %.200s", where(redis), answer);
    disconnect(redis);
    return HEC_UNAVAILABLE;
}

/* Room for more bytes of RESP. False: out of memory; the command is then given up as a whole. */
static bool reserve(struct redis *redis, size_t more)
{
    if (redis->out_length + more > redis->out_size) {
        size_t size = (redis->out_length + more) * 2;
        char *bytes = realloc(redis->out, size);
        if (bytes == NULL) {
            redis->out_length = 0;
            return false;
        }
        redis->out = bytes;
        redis->out_size = size;
    }
    return true;
}

static size_t put_number(char *to, char mark, size_t number)
{
    char digits[24];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    *to++ = mark;
    for (size_t i = count; i > 0; i--) {
        *to++ = digits[i - 1];
    }
    *to++ = '\r';
    *to = '\n';
    return count + 3;
}

/* Appends one command: *<count> $<length> <bytes> ... (RESP2). */
static bool say(struct redis *redis, const struct hec_view *words, size_t count)
{
    size_t more = 32;
    for (size_t i = 0; i < count; i++) {
        more += words[i].length + 32;
    }
    if (!reserve(redis, more)) {
        return false;
    }
    char *to = redis->out + redis->out_length;
    to += put_number(to, '*', count);
    for (size_t i = 0; i < count; i++) {
        to += put_number(to, '$', words[i].length);
        if (words[i].length > 0) {
            memcpy(to, words[i].bytes, words[i].length);
        }
        to += words[i].length;
        *to++ = '\r';
        *to++ = '\n';
    }
    redis->out_length = (size_t)(to - redis->out);
    return true;
}

static struct hec_view word(const char *text)
{
    return (struct hec_view){ text, strlen(text) };
}

/* Hands all that was said to hiredis; the first answer that is read sends it. */
static enum hec_status send_all(struct redis *redis, struct hec_error *error)
{
    int result = redisAppendFormattedCommand(redis->context, redis->out, redis->out_length);
    redis->stats->round_trips++;
    redis->stats->bytes_written += redis->out_length;
    redis->out_length = 0;
    return result == REDIS_OK ? HEC_OK : lost(redis, "no memory to send", error);
}

/* Reads one answer; *ret is the caller's on HEC_OK. Error answers are answers too. */
static enum hec_status hear(struct redis *redis, redisReply **ret, struct hec_error *error)
{
    void *answer = NULL;
    if (redisGetReply(redis->context, &answer) != REDIS_OK || answer == NULL) {
        return lost(redis, redis->context->errstr[0] == '\0' ? "no answer" : redis->context->errstr,
                    error);
    }
    *ret = answer;
    return HEC_OK;
}

static void note_time(struct redis *redis, int64_t begun_us)
{
    redis->stats->last_us = now_us() - begun_us;
    if (redis->stats->last_us > redis->stats->worst_us) {
        redis->stats->worst_us = redis->stats->last_us;
    }
}

/* One command, one answer, which must not be an error. */
static enum hec_status ask(struct redis *redis, const struct hec_view *words, size_t count,
                           redisReply **ret, struct hec_error *error)
{
    if (!say(redis, words, count)) {
        return hec_fail(error, HEC_NO_MEMORY, "redis: no memory");
    }
    enum hec_status status = send_all(redis, error);
    if (status == HEC_OK) {
        status = hear(redis, ret, error);
    }
    if (status == HEC_OK && (*ret)->type == REDIS_REPLY_ERROR) {
        status = refused(redis, (*ret)->str, error);
        freeReplyObject(*ret);
    }
    return status;
}

static enum hec_status ask_and_forget(struct redis *redis, const struct hec_view *words,
                                      size_t count, struct hec_error *error)
{
    redisReply *answer = NULL;
    enum hec_status status = ask(redis, words, count, &answer, error);
    if (status == HEC_OK) {
        freeReplyObject(answer);
    }
    return status;
}

static enum hec_status introduce(struct redis *redis, struct hec_error *error)
{
    enum hec_status status = HEC_OK;
    if (redis->password != NULL) {
        struct hec_view words[3] = { word("AUTH") };
        size_t count = 1;
        if (redis->username != NULL) {
            words[count++] = word(redis->username);
        }
        words[count++] = word(redis->password);
        status = ask_and_forget(redis, words, count, error);
        explicit_bzero(redis->out, redis->out_size);
    }
    if (status == HEC_OK && redis->database != 0) {
        char number[16];
        snprintf(number, sizeof(number), "%d", redis->database);
        struct hec_view words[2] = { word("SELECT"), word(number) };
        status = ask_and_forget(redis, words, 2, error);
    }
    if (status == HEC_OK) {
        struct hec_view words[1] = { word("PING") };
        status = ask_and_forget(redis, words, 1, error);
    }
    return status;
}

/* One value of INFO, which also users without CONFIG and guests of a service may see; if it is
 * silent there is nothing to judge, and the operator is trusted. */
static enum hec_status redis_info(void *self, const char *section, const char *name, char *value,
                                  size_t size, struct hec_error *error)
{
    struct redis *redis = self;
    redisReply *answer = NULL;
    value[0] = '\0';
    struct hec_view words[2] = { word("INFO"), word(section) };
    if (!say(redis, words, 2)) {
        return hec_fail(error, HEC_NO_MEMORY, "redis: no memory");
    }
    enum hec_status status = send_all(redis, error);
    if (status == HEC_OK) {
        status = hear(redis, &answer, error);
    }
    if (status != HEC_OK) {
        return status;
    }
    if (answer->type == REDIS_REPLY_ERROR && strncmp(answer->str, "NOAUTH", 6) == 0) {
        status = refused(redis, answer->str, error);
    } else if (answer->type == REDIS_REPLY_STRING) {
        const char *found = strstr(answer->str, name);
        found = found == NULL ? "" : found + strlen(name) + 1; /* behind the colon */
        snprintf(value, size, "%.*s", (int)strcspn(found, "\r\n"), found);
    }
    freeReplyObject(answer);
    return status;
}

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
                        where(redis), policy);
    }
    return status;
}

static enum hec_status redis_connect(void *self, struct hec_error *error)
{
    struct redis *redis = self;
    disconnect(redis);
    redisContext *context =
        redis->address.path != NULL
            ? redisConnectUnixWithTimeout(redis->address.path, timeval_of(redis->connect_ms))
            : redisConnectWithTimeout(redis->address.host, redis->address.port,
                                      timeval_of(redis->connect_ms));
    if (context == NULL || context->err != 0) {
        redis->stats->errors++;
        hec_fail(error, HEC_UNAVAILABLE,
                 "redis: nobody answers at %s: %s: start it or correct the address", where(redis),
                 context == NULL ? "no memory" : context->errstr);
        redisFree(context);
        return HEC_UNAVAILABLE;
    }
    redis->context = context;
    context->reader->maxbuf = 0; /* keep the read buffer: it would be freed above 16 KiB */
    /* The connect timeout is not one for commands. */
    enum hec_status status = set_timeout(redis, redis->command_ms, error);
    status = status == HEC_OK ? introduce(redis, error) : status;
    status = status == HEC_OK ? redis_check(redis, error) : status;
    if (status != HEC_OK) {
        disconnect(redis);
    }
    redis->stats->connects += status == HEC_OK;
    return status;
}

static bool redis_is_connected(const void *self)
{
    return ((const struct redis *)self)->context != NULL;
}

static struct hec_view view_of(const redisReply *answer)
{
    return answer->type == REDIS_REPLY_STRING ? (struct hec_view){ answer->str, answer->len }
                                              : (struct hec_view){ 0 };
}

static enum hec_status redis_get(void *self, const struct hec_view *keys, size_t count,
                                 hec_store_visit *visit, void *context, struct hec_error *error)
{
    struct redis *redis = self;
    int64_t begun_us = now_us();
    for (size_t i = 0; i < count; i++) {
        struct hec_view words[2] = { { "GET", 3 }, keys[i] };
        if (!say(redis, words, 2)) {
            return hec_fail(error, HEC_NO_MEMORY, "redis: no memory");
        }
    }
    enum hec_status status = count == 0 ? HEC_OK : send_all(redis, error);
    for (size_t i = 0; status == HEC_OK && i < count; i++) {
        redisReply *answer = NULL;
        status = hear(redis, &answer, error);
        if (status != HEC_OK) {
            break;
        }
        if (answer->type == REDIS_REPLY_ERROR) {
            status = refused(redis, answer->str, error); /* disconnects: the rest is dropped */
        } else {
            redis->stats->bytes_read += answer->len;
            visit(context, i, view_of(answer));
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
    if (!say(redis, watching, 2) || !say(redis, getting, 2)) {
        return hec_fail(error, HEC_NO_MEMORY, "redis: no memory");
    }
    enum hec_status status = send_all(redis, error);
    if (status == HEC_OK) {
        status = hear(redis, &watched, error);
    }
    if (status == HEC_OK) {
        status = hear(redis, &found, error);
    }
    if (status == HEC_OK && watched->type == REDIS_REPLY_ERROR) {
        status = refused(redis, watched->str, error);
    } else if (status == HEC_OK && found->type == REDIS_REPLY_ERROR) {
        status = refused(redis, found->str, error);
    } else if (status == HEC_OK) {
        struct hec_view value = view_of(found);
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
        return refused(redis, answer, error);
    }
    redis->stats->errors++;
    return hec_fail(error, HEC_UNAVAILABLE,
                    "redis: %s has no memory left, nothing was written: raise its maxmemory",
                    where(redis));
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
        enum hec_status status = hear(redis, &answer, error);
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
        if (status == HEC_MISMATCH && redis->context != NULL) {
            struct hec_view words[1] = { { "UNWATCH", 7 } };
            enum hec_status unwatched = ask_and_forget(redis, words, 1, error);
            return unwatched == HEC_OK ? HEC_MISMATCH : unwatched;
        }
        bool said = status == HEC_OK && say(redis, &multi, 1);
        for (size_t i = 0; said && i < count; i++) {
            bool kept = pairs[i].value.bytes != NULL;
            struct hec_view words[3] = { { kept ? "SET" : "DEL", 3 },
                                         pairs[i].key,
                                         pairs[i].value };
            said = say(redis, words, kept ? 3 : 2);
        }
        said = said && say(redis, &exec, 1);
        if (status == HEC_OK) {
            status =
                said ? send_all(redis, error) : hec_fail(error, HEC_NO_MEMORY, "redis: no memory");
        }
        if (status == HEC_OK) {
            /* EXEC says nothing until all is done: after an hour without Redis that is much. */
            status = set_timeout(redis, redis->command_ms + (int)(count / EXEC_PER_MS), error);
        }
        if (status == HEC_OK) {
            status = hear_exec(redis, count, &executed, error);
        }
    }
    note_time(redis, begun_us);
    (void)set_timeout(redis, redis->command_ms, error);
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
    struct hec_view words[6] = { word("SCAN"),  word(cursor[0] == '\0' ? "0" : cursor),
                                 word("MATCH"), { pattern, length },
                                 word("COUNT"), word(SCAN_COUNT) };
    redisReply *answer = NULL;
    enum hec_status status = ask(redis, words, 6, &answer, error);
    if (status != HEC_OK) {
        return status;
    }
    if (answer->type != REDIS_REPLY_ARRAY || answer->elements != 2 ||
        answer->element[0]->type != REDIS_REPLY_STRING) {
        freeReplyObject(answer);
        return lost(redis, "SCAN was answered with something else", error);
    }
    const redisReply *keys = answer->element[1];
    for (size_t i = 0; i < keys->elements; i++) {
        visit(context, i, view_of(keys->element[i]));
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
        if (!say(redis, words, 2)) {
            return hec_fail(error, HEC_NO_MEMORY, "redis: no memory");
        }
    }
    enum hec_status status = count == 0 ? HEC_OK : send_all(redis, error);
    for (size_t i = 0; status == HEC_OK && i < count; i++) {
        redisReply *answer = NULL;
        status = hear(redis, &answer, error);
        if (status == HEC_OK && answer->type == REDIS_REPLY_ERROR) {
            status = refused(redis, answer->str, error);
        }
        freeReplyObject(answer);
    }
    return status;
}

static void redis_close(void *self)
{
    struct redis *redis = self;
    disconnect(redis);
    if (redis->password != NULL) {
        explicit_bzero(redis->password, strlen(redis->password));
    }
    free(redis->password);
    free(redis->username);
    hec_address_free(&redis->address);
    free(redis->out);
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
    redis->database = options->database;
    redis->connect_ms = options->connect_ms == 0 ? CONNECT_MS : options->connect_ms;
    redis->command_ms = options->command_ms == 0 ? COMMAND_MS : options->command_ms;
    redis->allow_evicting = options->allow_evicting;
    enum hec_status status = hec_address_read(&redis->address, options, error);
    if (status == HEC_OK && options->username != NULL) {
        redis->username = strdup(options->username);
        status = redis->username == NULL ? HEC_NO_MEMORY : HEC_OK;
    }
    if (status == HEC_OK && options->password != NULL) {
        redis->password = strdup(options->password);
        status = redis->password == NULL ? HEC_NO_MEMORY : HEC_OK;
    }
    if (status != HEC_OK) {
        redis_close(redis);
        return status;
    }
    *ret = (struct hec_backend){ .ops = &OPS, .self = redis };
    return HEC_OK;
}
