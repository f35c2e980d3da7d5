/*
 * One request to the API, on its way to whoever answers it.
 *
 * It is made on the loop's thread, complete: method, path, query, body, and who asks. From then on
 * it belongs to the one who was handed it, on whatever thread, until hec_exchange_answer gives it
 * back; whether the client is still there is none of his business.
 */
#ifndef HECATE_HTTP_EXCHANGE_H
#define HECATE_HTTP_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>

#include "ops/tokens.h"

/* X(enumerator, name) */
#define HEC_METHOD_TABLE(X)                                                                        \
    X(GET, "GET")                                                                                  \
    X(POST, "POST")                                                                                \
    X(PUT, "PUT")                                                                                  \
    X(DELETE, "DELETE")

enum hec_method {
#define HEC_METHOD_ENUM(enumerator, name) HEC_METHOD_##enumerator,
    HEC_METHOD_TABLE(HEC_METHOD_ENUM)
#undef HEC_METHOD_ENUM
        HEC_METHODS
};

/** "GET" and so on. */
const char *hec_method_name(enum hec_method method);

#define HEC_PATH_PARTS_MAX 8
#define HEC_QUERY_PARTS_MAX 16

struct hec_exchange {
    enum hec_method method;
    /* "/api/v1/alerts/x" is api, v1, alerts, x: decoded, valid UTF-8 or not, never empty. */
    const char *parts[HEC_PATH_PARTS_MAX];
    int parts_count;
    struct {
        const char *name, *value;
    } query[HEC_QUERY_PARTS_MAX];
    int query_count;
    const char *body; /* terminated too */
    size_t body_length;
    enum hec_role role;        /* never HEC_ROLE_NONE */
    int note;                  /* for whoever is handed it, 0 at first */
    char actor[HEC_ACTOR_MAX]; /* a token's name, or "uid 1000" on the Unix socket */
};

/** A query parameter's value; NULL when it is not given. */
const char *hec_exchange_query(const struct hec_exchange *exchange, const char *name);

/**
 * Answers, and gives the exchange back. Any thread; never waits.
 *
 * @param code  one of HEC_HTTP_CODE_TABLE; from 400 on the type is application/problem+json, else
 *              application/json
 * @param body  of malloc, now the exchange's to free; NULL: out of memory, answered with 503
 */
void hec_exchange_answer(struct hec_exchange *exchange, int code, char *body, size_t length);

#endif
