#include "store/redis_link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

static struct timeval timeval_of(int ms)
{
    return (struct timeval){ .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };
}

const char *hec_link_where(const struct hec_link *link)
{
    return link->address->text;
}

void hec_link_close(struct hec_link *link)
{
    redisFree(link->context); /* accepts NULL */
    link->context = NULL;
    link->out_length = 0;
}

void hec_link_free(struct hec_link *link)
{
    hec_link_close(link);
    free(link->out);
    link->out = NULL;
    link->out_size = 0;
}

enum hec_status hec_link_lost(struct hec_link *link, const char *why, struct hec_error *error)
{
    hec_fail(error, HEC_UNAVAILABLE, "redis: %s does not answer: %s", hec_link_where(link), why);
    link->stats->errors++;
    hec_link_close(link);
    return HEC_UNAVAILABLE;
}

enum hec_status hec_link_patience(struct hec_link *link, int ms, struct hec_error *error)
{
    return link->context == NULL || redisSetTimeout(link->context, timeval_of(ms)) == REDIS_OK
               ? HEC_OK
               : hec_link_lost(link, "the timeout could not be set", error);
}

/* The connection is in step, so only what cannot be understood ends it. */
enum hec_status hec_link_refused(struct hec_link *link, const char *answer, struct hec_error *error)
{
    static const char *const DENIALS[] = { "NOAUTH", "WRONGPASS", "NOPERM", "ERR invalid password",
                                           "ERR Client sent AUTH" };
    link->stats->errors++;
    for (size_t i = 0; i < sizeof(DENIALS) / sizeof(*DENIALS); i++) {
        if (strncmp(answer, DENIALS[i], strlen(DENIALS[i])) == 0) {
            hec_fail(error, HEC_DENIED,
                     "redis: %s refuses this user: %.200s: check username, password and ACL",
                     hec_link_where(link), answer);
            hec_link_close(link);
            return HEC_DENIED;
        }
    }
    hec_fail(error, HEC_UNAVAILABLE, "redis: %s refuses the command: %.200s", hec_link_where(link),
             answer);
    hec_link_close(link);
    return HEC_UNAVAILABLE;
}

static enum hec_status introduce(struct hec_link *link, struct hec_error *error)
{
    const struct hec_link_terms *terms = link->terms;
    enum hec_status status = HEC_OK;
    if (terms->password != NULL) {
        struct hec_view words[3] = { hec_word("AUTH") };
        size_t count = 1;
        if (terms->username != NULL) {
            words[count++] = hec_word(terms->username);
        }
        words[count++] = hec_word(terms->password);
        status = hec_link_order(link, words, count, error);
        explicit_bzero(link->out, link->out_size);
    }
    if (status == HEC_OK && terms->database != 0) {
        char number[16];
        snprintf(number, sizeof(number), "%d", terms->database);
        struct hec_view words[2] = { hec_word("SELECT"), hec_word(number) };
        status = hec_link_order(link, words, 2, error);
    }
    if (status == HEC_OK) {
        struct hec_view words[1] = { hec_word("PING") };
        status = hec_link_order(link, words, 1, error);
    }
    return status;
}

static enum hec_status nobody(struct hec_link *link, const char *why, struct hec_error *error)
{
    link->stats->errors++;
    return hec_fail(error, HEC_UNAVAILABLE,
                    "redis: nobody answers at %s: %s: start it or correct the address",
                    hec_link_where(link), why);
}

static enum hec_status secure(struct hec_link *link, struct hec_error *error)
{
    const struct hec_link_terms *terms = link->terms;
    char why[256];
    enum hec_status status = hec_link_patience(link, terms->connect_ms, error);
    return status != HEC_OK ||
                   hec_tls_secure(terms->tls, link->context, link->address->host, why, sizeof(why))
               ? status
               : nobody(link, why, error);
}

enum hec_status hec_link_open(struct hec_link *link, struct hec_error *error)
{
    const struct hec_address *address = link->address;
    const struct hec_link_terms *terms = link->terms;
    struct timeval patience = timeval_of(terms->connect_ms);
    hec_link_close(link);
    redisContext *context = address->path != NULL
                                ? redisConnectUnixWithTimeout(address->path, patience)
                                : redisConnectWithTimeout(address->host, address->port, patience);
    if (context == NULL || context->err != 0) {
        enum hec_status status =
            nobody(link, context == NULL ? "no memory" : context->errstr, error);
        redisFree(context);
        return status;
    }
    link->context = context;
    context->reader->maxbuf = 0; /* keep the read buffer: it would be freed above 16 KiB */
    enum hec_status status = HEC_OK;
    if (terms->tls != NULL && address->path == NULL) {
        status = secure(link, error);
    }
    /* The connect timeout is not one for commands. */
    status = status == HEC_OK ? hec_link_patience(link, terms->command_ms, error) : status;
    status = status == HEC_OK ? introduce(link, error) : status;
    if (status != HEC_OK) {
        hec_link_close(link);
    }
    return status;
}
