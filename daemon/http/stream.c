/*
 * Server-sent events: one stream a client, every message to all.
 *
 * A client that does not read costs at most STREAM_BYTES_MAX; then it is told that it lagged, and
 * cut. It comes back with Last-Event-ID and is sent what it missed, as far as that is still kept.
 */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/inside.h"

#define STREAM_BYTES_MAX ((size_t)1 << 20)
#define STREAM_END_MS 5000 /* for a slow client to read what it has */
#define STREAM_TIMEOUT_S (3600 * 24 * 365)

static void count_clients(struct hec_http *http)
{
    int count = 0;
    for (struct hec_stream *stream = http->streams; stream != NULL; stream = stream->next) {
        count++;
    }
    hec_meter_set(hec_metrics_service(http->options.metrics), HEC_S_SSE_CLIENTS, count);
}

static void forget(struct hec_stream *gone)
{
    struct hec_http *http = gone->http;
    for (struct hec_stream **at = &http->streams; *at != NULL; at = &(*at)->next) {
        if (*at == gone) {
            *at = gone->next;
            break;
        }
    }
    free(gone);
    count_clients(http);
}

static void on_gone(struct evhttp_connection *connection, void *context)
{
    struct hec_stream *stream = context;
    (void)connection;
    hec_http_abandon(stream->request);
    forget(stream);
}

static size_t unread_bytes(struct hec_stream *stream)
{
    struct bufferevent *end =
        evhttp_connection_get_bufferevent(evhttp_request_get_connection(stream->request));
    return evbuffer_get_length(bufferevent_get_output(end));
}

static void send_text(struct hec_stream *stream, const char *text, size_t length)
{
    struct evbuffer *buffer = evbuffer_new();
    if (buffer != NULL) {
        evbuffer_add(buffer, text, length);
        evhttp_send_reply_chunk(stream->request, buffer);
        evbuffer_free(buffer);
    }
}

static void send_message(struct hec_stream *stream, const struct hec_parcel *message)
{
    static const char LAGGED[] = "event: lagged\ndata: {}\n\n";
    struct evbuffer *buffer = evbuffer_new();
    if (buffer == NULL) {
        return;
    }
    if (unread_bytes(stream) > STREAM_BYTES_MAX) {
        send_text(stream, LAGGED, sizeof(LAGGED) - 1);
        hec_door_extend(stream->http->doors[stream->side], hec_http_fd(stream->request),
                        STREAM_END_MS);
        evhttp_connection_set_closecb(evhttp_request_get_connection(stream->request), NULL, NULL);
        evhttp_send_reply_end(stream->request);
        forget(stream);
    } else {
        if (message->id > 0) {
            evbuffer_add_printf(buffer, "id: %llu\n", (unsigned long long)message->id);
        }
        evbuffer_add_printf(buffer, "event: %s\ndata: ", message->event);
        evbuffer_add(buffer, message->json, strlen(message->json));
        evbuffer_add(buffer, "\n\n", 2);
        evhttp_send_reply_chunk(stream->request, buffer);
    }
    evbuffer_free(buffer);
}

void hec_http_spread(struct hec_http *http, struct hec_parcel *message)
{
    for (struct hec_stream *next, *stream = http->streams; stream != NULL; stream = next) {
        next = stream->next;
        send_message(stream, message);
    }
    if (message->id == 0) {
        free(message);
        return;
    }
    if (http->kept_count == STREAM_KEPT) {
        free(http->kept[http->kept_from]);
        http->kept_from = (http->kept_from + 1) % STREAM_KEPT;
        http->kept_count--;
    }
    http->kept[(http->kept_from + http->kept_count++) % STREAM_KEPT] = message;
}

void hec_http_beat(struct hec_http *http)
{
    static const char BEAT[] = ": here\n\n";
    for (struct hec_stream *next, *stream = http->streams; stream != NULL; stream = next) {
        next = stream->next;
        send_text(stream, BEAT, sizeof(BEAT) - 1);
    }
}

void hec_http_stream(struct hec_http *http, struct evhttp_request *request, enum hec_side side,
                     uint64_t last_id)
{
    static const char OPENING[] = "retry: 3000\n\n";
    struct hec_stream *stream = calloc(1, sizeof(*stream));
    if (stream == NULL || !hec_door_make_stream(http->doors[side], hec_http_fd(request))) {
        free(stream);
        hec_http_problem(http, request, HEC_HANDLER_STREAM, 503, "There are too many streams.");
        return;
    }
    stream->http = http;
    stream->side = side;
    stream->request = request;
    struct evhttp_connection *connection = evhttp_request_get_connection(request);
    evhttp_connection_set_closecb(connection, on_gone, stream);
    evhttp_connection_set_timeout(connection, STREAM_TIMEOUT_S);
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    evhttp_add_header(headers, "Content-Type", "text/event-stream; charset=utf-8");
    evhttp_add_header(headers, "Cache-Control", "no-store");
    evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
    evhttp_add_header(headers, "X-Accel-Buffering", "no");
    hec_http_count(http, HEC_HANDLER_STREAM, 200);
    evhttp_send_reply_start(request, 200, "OK");
    stream->next = http->streams;
    http->streams = stream;
    count_clients(http);
    send_text(stream, OPENING, sizeof(OPENING) - 1);
    for (int i = 0; last_id > 0 && i < http->kept_count; i++) {
        const struct hec_parcel *kept = http->kept[(http->kept_from + i) % STREAM_KEPT];
        if (kept->id > last_id) {
            send_message(stream, kept);
        }
    }
}

void hec_http_forget_streams(struct hec_http *http)
{
    for (int i = 0; i < http->kept_count; i++) {
        free(http->kept[(http->kept_from + i) % STREAM_KEPT]);
    }
    http->kept_count = 0;
}
