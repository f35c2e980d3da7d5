/*
 * The inside of the HTTP face, shared by its files.
 */
#ifndef HECATE_HTTP_INSIDE_H
#define HECATE_HTTP_INSIDE_H

#include <pthread.h>
#include <stdint.h>

#include "http/door.h"
#include "http/http.h"

struct evhttp_connection; /* libevent's */
struct evhttp_request;    /* libevent's */
struct event;             /* libevent's */

#define REQUEST_MS_MAX 60000 /* for an answer of the API */
#define IDLE_MS_MAX 30000    /* between two requests of a connection */
#define STREAM_KEPT 1024     /* messages kept for clients that come back */

enum hec_side { HEC_SIDE_TCP, HEC_SIDE_SOCKET, HEC_SIDES };

/* Work for the loop's thread that came from another one: an answer, or a message of the stream. */
struct hec_parcel {
    struct hec_parcel *next;
    struct hec_exchange *answered; /* else a message: */
    const char *event;
    uint64_t id;
    const char *json; /* in the same allocation */
};

struct hec_stream {
    struct hec_stream *next;
    struct hec_http *http;
    enum hec_side side;
    struct evhttp_request *request;
};

struct hec_http {
    struct hec_http_options options;
    struct event_base *base;
    struct hec_door *doors[HEC_SIDES];
    struct hec_side_of {
        struct hec_http *http;
        enum hec_side side;
    } sides[HEC_SIDES]; /* what a door's callback is given */

    pthread_mutex_t lock; /* over the parcels */
    struct hec_parcel *parcels, **parcels_end;
    int bell; /* eventfd: rung when a parcel came */
    struct event *on_bell, *heartbeat;

    struct hec_stream *streams;
    struct hec_parcel *kept[STREAM_KEPT]; /* a ring of messages with ids, the oldest at kept_from */
    int kept_from, kept_count;
};

/* http.c */

/** The descriptor of a request's connection. */
int hec_http_fd(struct evhttp_request *request);
/** Of a request whose connection is ending: libevent lets go of one that was not answered to its
 * end when the client hangs up, and keeps it in all other cases. */
void hec_http_abandon(struct evhttp_request *request);
/** Counts a request under its handler and code. */
void hec_http_count(struct hec_http *http, enum hec_handler handler, int code);
/** Sends a whole answer. keep: the connection may be used again. */
void hec_http_answer(struct hec_http *http, struct evhttp_request *request,
                     enum hec_handler handler, int code, const char *type, const char *body,
                     size_t length, bool keep);
/** RFC 9457. title and detail are our own texts: nothing of the request is repeated. */
void hec_http_problem(struct hec_http *http, struct evhttp_request *request,
                      enum hec_handler handler, int code, const char *detail);

/* exchange.c */

/** Takes a request below /api/: asks who it is, and hands it on. */
void hec_http_exchange(struct hec_http *http, struct evhttp_request *request, enum hec_side side);
/** Sends an answered exchange, and frees it. */
void hec_http_finish(struct hec_exchange *exchange);
/** Puts a parcel in the queue and rings. Any thread. */
void hec_http_post(struct hec_http *http, struct hec_parcel *parcel);

/* stream.c */

/** Makes a request a stream. */
void hec_http_stream(struct hec_http *http, struct evhttp_request *request, enum hec_side side,
                     uint64_t last_id);
/** Sends a message to all streams; keeps it when it has an id, else frees it. */
void hec_http_spread(struct hec_http *http, struct hec_parcel *message);
/** Tells every stream that we are here, so that one that is gone is noticed. */
void hec_http_beat(struct hec_http *http);
/** Frees what was kept. The streams themselves end with their connections. */
void hec_http_forget_streams(struct hec_http *http);

#endif
