/*
 * The HTTP face: probes, metrics, the API, its stream of events, and the page.
 *
 *   /livez /readyz[?verbose] /metrics   open; answered on the loop from snapshots
 *   /                                   open; the page, one file, no network
 *   /api/v1/stream                      server-sent events
 *   /api/...                            an exchange: handed out, answered later, from any thread
 *
 * It runs on the service's own event loop and never waits, so that nothing a client does reaches
 * the engines. There are two doors: a TCP one, where the API wants a bearer token, and a Unix
 * socket, whose file permissions are the authentication. Everything is bounded: 64 connections a
 * door (more wait in the kernel's queue) and 64 streams, 8 KiB of headers, 64 KiB of body, 5 s for
 * a request to arrive, 30 s between two. Errors are application/problem+json (RFC 9457).
 *
 *   door.c      connections and listening          http.c      requests and probes
 *   exchange.c  what the API sees of a request     stream.c    server-sent events
 */
#ifndef HECATE_HTTP_HTTP_H
#define HECATE_HTTP_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hecate/status.h"
#include "http/exchange.h"
#include "ops/metrics.h"
#include "ops/tokens.h"

struct event_base; /* libevent's */
struct hec_http;

/* One line of /readyz?verbose. */
struct hec_http_check {
    const char *name; /* static text: config, model, kafka, group, redis, state, engines */
    bool ok;
    char sentence[200]; /* what is so, or what to do */
};
#define HEC_HTTP_CHECKS_MAX 16

struct hec_http_options {
    const char *listen; /* 127.0.0.1:9677, [::1]:9677, port 0 for any free one, or unix:/path; any
                         * address when there are tokens; "" or NULL: no TCP */
    const char *socket; /* path of the console's Unix socket; "" or NULL: none */
    int socket_mode;    /* 0: 0600 */
    const struct hec_tokens *tokens; /* borrowed; NULL: the API answers on the Unix socket only */
    struct hec_metrics *metrics;     /* borrowed; requests count on its service meter */
    void *context;                   /* given to the functions below, called on the loop's thread */
    /* False when the pipeline has stopped moving. Asks no dependency. NULL: always live. */
    bool (*is_live)(void *context);
    /* Fills up to HEC_HTTP_CHECKS_MAX checks, returns their number; ready when all are ok. NULL:
     * always ready. */
    int (*checks)(void *context, struct hec_http_check *checks);
    /* Takes a request below /api/. It must be answered once, by hec_exchange_answer, before
     * hec_http_free. NULL: there is no API. */
    void (*ask)(void *context, struct hec_exchange *exchange);
    int connections_max;   /* 0: 64 */
    int connection_ms_max; /* 0: 5 000 */
};

/**
 * Begins to listen on the base, which the caller runs and frees after hec_http_free.
 *
 * @param error  tells the address and what to do
 * @return HEC_OK, HEC_INVALID (address cannot be read, or is not loopback), HEC_UNAVAILABLE (in
 *         use), HEC_DENIED, HEC_NO_MEMORY
 */
HEC_CHECKED enum hec_status hec_http_new(struct hec_http **ret, struct event_base *base,
                                         const struct hec_http_options *options,
                                         struct hec_error *error);
/** Stops listening, cuts what is open, removes a Unix socket's file. Every exchange must have been
 * answered. Accepts NULL. */
void hec_http_free(struct hec_http *http);

/** Where the TCP door is, "127.0.0.1:9677" with the port that was chosen for 0, or "unix:/path";
 * "" when there is none. */
const char *hec_http_address(const struct hec_http *http);

/**
 * Sends a message to every open stream. Any thread; copied; never waits.
 *
 * @param event  static text: "alert", "stats", "state"
 * @param id     above 0: kept, and sent again to a client that comes back with a smaller
 *               Last-Event-ID; must grow. 0: only for those who listen now
 * @param json   one line, terminated
 */
void hec_http_publish(struct hec_http *http, const char *event, uint64_t id, const char *json);

/** The words of a status code of HEC_HTTP_CODE_TABLE, "Not Found". */
const char *hec_http_title(int code);

/** Version of libevent, such as "2.1.12-stable". */
const char *hec_http_library_version(void);

#endif
