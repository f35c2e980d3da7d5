/*
 * One connection to one Redis: opened, introduced, spoken to, closed. The inside of redis*.c, the
 * only files that know hiredis.
 *
 * After any error or timeout the context is freed and never used again: what is still on its way
 * would be taken for the answer to the next question.
 */
#ifndef HECATE_STORE_REDIS_LINK_H
#define HECATE_STORE_REDIS_LINK_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/backend.h"
#include "store/redis_tls.h"

/* How connections are made; outlives them. */
struct hec_link_terms {
    char *username; /* NULL: the default user */
    char *password; /* NULL: none */
    int database;
    int connect_ms;
    int command_ms;
    const struct hec_tls *tls; /* NULL: plain */
};

struct hec_link {
    redisContext *context; /* NULL: not connected */
    const struct hec_link_terms *terms;
    const struct hec_address *address;
    struct hec_store_stats *stats;
    char *out; /* RESP to be sent */
    size_t out_length;
    size_t out_size;
};

/* ---- the connection: redis_link.c ------------------------------------------------------------ */

/** Connects to link->address, logs in, asks whether it is alive.
 * @return HEC_OK, HEC_UNAVAILABLE, HEC_DENIED */
HEC_CHECKED enum hec_status hec_link_open(struct hec_link *link, struct hec_error *error);

/** Ends the connection, if there is one. */
void hec_link_close(struct hec_link *link);

/** Ends the connection and forgets what it was made of. */
void hec_link_free(struct hec_link *link);

/** How an operator knows the server. */
const char *hec_link_where(const struct hec_link *link);

/** How long one answer may take from now on.
 * @return HEC_OK (also when not connected), HEC_UNAVAILABLE */
enum hec_status hec_link_patience(struct hec_link *link, int ms, struct hec_error *error);

/** Ends the connection and says why. Returns HEC_UNAVAILABLE. */
enum hec_status hec_link_lost(struct hec_link *link, const char *why, struct hec_error *error);

/** An answer that is an error: what it means for the caller. Ends the connection.
 * @return HEC_DENIED, HEC_UNAVAILABLE */
HEC_CHECKED enum hec_status hec_link_refused(struct hec_link *link, const char *answer,
                                             struct hec_error *error);

/* ---- what is said and heard: redis_talk.c ---------------------------------------------------- */

struct hec_view hec_word(const char *text);

/** What an answer holds; anything but a string counts as absent. A key of another type holds a
 * word that nobody ever stored. Valid as long as the answer. */
struct hec_view hec_answer_view(const redisReply *answer);

/** Appends one command to what will be sent. False: no memory; all of it is given up. */
bool hec_link_say(struct hec_link *link, const struct hec_view *words, size_t count);

/** Hands all that was said to hiredis; the first answer that is read sends it.
 * @return HEC_OK, HEC_UNAVAILABLE */
HEC_CHECKED enum hec_status hec_link_send(struct hec_link *link, struct hec_error *error);

/** Reads one answer; *ret is the caller's on HEC_OK. Error answers are answers too.
 * @return HEC_OK, HEC_UNAVAILABLE */
HEC_CHECKED enum hec_status hec_link_hear(struct hec_link *link, redisReply **ret,
                                          struct hec_error *error);

/** One command, one answer, which must not be an error.
 * @return HEC_OK, HEC_UNAVAILABLE, HEC_DENIED, HEC_NO_MEMORY */
HEC_CHECKED enum hec_status hec_link_ask(struct hec_link *link, const struct hec_view *words,
                                         size_t count, redisReply **ret, struct hec_error *error);

/** The same when all that is wanted of the answer is that it is no error. */
HEC_CHECKED enum hec_status hec_link_order(struct hec_link *link, const struct hec_view *words,
                                           size_t count, struct hec_error *error);

/** One value of INFO, which also users without CONFIG and guests of a service may see; "" where it
 * is not told.
 * @return HEC_OK, HEC_UNAVAILABLE, HEC_DENIED, HEC_NO_MEMORY */
HEC_CHECKED enum hec_status hec_link_info(struct hec_link *link, const char *section,
                                          const char *name, char *value, size_t size,
                                          struct hec_error *error);

#endif
