/*
 * The HTTP face: GET /livez, /readyz[?verbose] and /metrics, on loopback or a Unix socket.
 *
 * It runs on the service's own event loop and answers from snapshots, so that nothing a client does
 * reaches the engines. Everything is bounded: 64 connections (more wait in the kernel's queue),
 * 8 KiB of headers, 64 KiB of body, 5 s from accept to close, one request a connection.
 * Errors are application/problem+json (RFC 9457).
 */
#ifndef HECATE_HTTP_HTTP_H
#define HECATE_HTTP_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hecate/status.h"
#include "ops/metrics.h"

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
    const char *listen; /* 127.0.0.1:9677, [::1]:9677, port 0 for any free one, or unix:/path */
    struct hec_metrics *metrics; /* borrowed; requests count on its service meter */
    void *context;               /* given to the functions below, called on the loop's thread */
    /* False when the pipeline has stopped moving. Asks no dependency. NULL: always live. */
    bool (*is_live)(void *context);
    /* Fills up to HEC_HTTP_CHECKS_MAX checks, returns their number; ready when all are ok. NULL:
     * always ready. */
    int (*checks)(void *context, struct hec_http_check *checks);
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
/** Stops listening, cuts what is open, removes a Unix socket's file. Accepts NULL. */
void hec_http_free(struct hec_http *http);

/** "127.0.0.1:9677" or "unix:/path" as bound, with the port that was chosen for 0. */
const char *hec_http_address(const struct hec_http *http);

/** Version of libevent, such as "2.1.12-stable". */
const char *hec_http_library_version(void);

#endif
