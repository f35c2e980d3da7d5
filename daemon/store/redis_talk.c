/*
 * What is said to a Redis and heard from it.
 *
 * Commands are built as RESP in a buffer of ours and handed over whole, because hiredis formats
 * every command twice.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/redis_link.h"

/* Room for more bytes of RESP. False: out of memory; the command is then given up as a whole. */
static bool reserve(struct hec_link *link, size_t more)
{
    if (link->out_length + more > link->out_size) {
        size_t size = (link->out_length + more) * 2;
        char *bytes = realloc(link->out, size);
        if (bytes == NULL) {
            link->out_length = 0;
            return false;
        }
        link->out = bytes;
        link->out_size = size;
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

/* *<count> $<length> <bytes> ... (RESP2). */
bool hec_link_say(struct hec_link *link, const struct hec_view *words, size_t count)
{
    size_t more = 32;
    for (size_t i = 0; i < count; i++) {
        more += words[i].length + 32;
    }
    if (!reserve(link, more)) {
        return false;
    }
    char *to = link->out + link->out_length;
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
    link->out_length = (size_t)(to - link->out);
    return true;
}

struct hec_view hec_word(const char *text)
{
    return (struct hec_view){ text, strlen(text) };
}

struct hec_view hec_answer_view(const redisReply *answer)
{
    if (answer->type == REDIS_REPLY_ERROR && strncmp(answer->str, "WRONGTYPE", 9) == 0) {
        return (struct hec_view){ "WRONGTYPE", 9 };
    }
    return answer->type == REDIS_REPLY_STRING ? (struct hec_view){ answer->str, answer->len }
                                              : (struct hec_view){ 0 };
}

enum hec_status hec_link_send(struct hec_link *link, struct hec_error *error)
{
    int result = redisAppendFormattedCommand(link->context, link->out, link->out_length);
    link->stats->round_trips++;
    link->stats->bytes_written += link->out_length;
    link->out_length = 0;
    return result == REDIS_OK ? HEC_OK : hec_link_lost(link, "no memory to send", error);
}

enum hec_status hec_link_hear(struct hec_link *link, redisReply **ret, struct hec_error *error)
{
    void *answer = NULL;
    if (redisGetReply(link->context, &answer) != REDIS_OK || answer == NULL) {
        /* A copy: losing the link frees the sentence. */
        char why[sizeof(link->context->errstr)];
        snprintf(why, sizeof(why), "%s",
                 link->context->errstr[0] == '\0' ? "no answer" : link->context->errstr);
        return hec_link_lost(link, why, error);
    }
    *ret = answer;
    return HEC_OK;
}

enum hec_status hec_link_ask(struct hec_link *link, const struct hec_view *words, size_t count,
                             redisReply **ret, struct hec_error *error)
{
    if (!hec_link_say(link, words, count)) {
        return hec_fail(error, HEC_NO_MEMORY, "redis: no memory");
    }
    enum hec_status status = hec_link_send(link, error);
    if (status == HEC_OK) {
        status = hec_link_hear(link, ret, error);
    }
    if (status == HEC_OK && (*ret)->type == REDIS_REPLY_ERROR) {
        status = hec_link_refused(link, (*ret)->str, error);
        freeReplyObject(*ret);
    }
    return status;
}

enum hec_status hec_link_order(struct hec_link *link, const struct hec_view *words, size_t count,
                               struct hec_error *error)
{
    redisReply *answer = NULL;
    enum hec_status status = hec_link_ask(link, words, count, &answer, error);
    if (status == HEC_OK) {
        freeReplyObject(answer);
    }
    return status;
}

enum hec_status hec_link_info(struct hec_link *link, const char *section, const char *name,
                              char *value, size_t size, struct hec_error *error)
{
    redisReply *answer = NULL;
    value[0] = '\0';
    struct hec_view words[2] = { hec_word("INFO"), hec_word(section) };
    if (!hec_link_say(link, words, 2)) {
        return hec_fail(error, HEC_NO_MEMORY, "redis: no memory");
    }
    enum hec_status status = hec_link_send(link, error);
    if (status == HEC_OK) {
        status = hec_link_hear(link, &answer, error);
    }
    if (status != HEC_OK) {
        return status;
    }
    if (answer->type == REDIS_REPLY_ERROR && strncmp(answer->str, "NOAUTH", 6) == 0) {
        status = hec_link_refused(link, answer->str, error);
    } else if (answer->type == REDIS_REPLY_STRING) {
        const char *found = strstr(answer->str, name);
        found = found == NULL ? "" : found + strlen(name) + 1; /* behind the colon */
        snprintf(value, size, "%.*s", (int)strcspn(found, "\r\n"), found);
    }
    freeReplyObject(answer);
    return status;
}
