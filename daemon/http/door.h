/*
 * A door: one address that is listened on, and a bound on who comes in.
 *
 * evhttp has no limit on connections, tells neither that one was accepted nor that it ended, and
 * its timeouts start again with every byte. So the one hook it has at an accept, the making of the
 * bufferevent, enters the new socket in a table by descriptor and inode. An inode names a socket
 * for as long as it is open, so fstat tells at any time whether an entry still lives: dead ones are
 * forgotten, those past their time are shut down (evhttp then sees the end and cleans up), and with
 * a full table nothing is accepted until one ends. Streams are counted apart and have no end.
 */
#ifndef HECATE_HTTP_DOOR_H
#define HECATE_HTTP_DOOR_H

#include <stdbool.h>

#include "hecate/status.h"
#include "ops/metrics.h"

struct event_base;     /* libevent's */
struct evhttp_request; /* libevent's */
struct hec_door;

#define HEC_DOOR_CONNECTIONS_MAX 64
#define HEC_DOOR_STREAMS_MAX 64

struct hec_door_options {
    const char *listen;  /* host:port, port 0 for any free one, or unix:/path */
    const char *setting; /* whose value that is, for sentences: "admin.listen" */
    bool anywhere;       /* else loopback addresses only */
    int socket_mode;     /* of a Unix socket; 0: 0600 */
    int connections_max; /* 0: the most there is room for */
    int connection_ms_max;
    struct hec_meter *meter; /* counts those that were cut */
    void (*on_request)(struct evhttp_request *request, void *context);
    void *context;
};

/** @return HEC_OK, HEC_INVALID (cannot be read, or is not loopback), HEC_UNAVAILABLE (in use),
 * HEC_DENIED, HEC_NO_MEMORY */
HEC_CHECKED enum hec_status hec_door_new(struct hec_door **ret, struct event_base *base,
                                         const struct hec_door_options *options,
                                         struct hec_error *error);
/** Stops listening, cuts what is open, removes a Unix socket's file. Accepts NULL. */
void hec_door_free(struct hec_door *door);

/** "127.0.0.1:9677" or "unix:/path" as bound, with the port that was chosen for 0. */
const char *hec_door_address(const struct hec_door *door);
bool hec_door_is_local(const struct hec_door *door); /* a Unix socket */

/** Gives an open connection so much time from now on: for work, between two requests, or for the
 * end of a stream. */
void hec_door_extend(struct hec_door *door, int fd, int more_ms);
/** Makes a connection a stream, without end. False: there are as many as there may be. */
bool hec_door_make_stream(struct hec_door *door, int fd);

#endif
