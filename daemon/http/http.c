#include "http/http.h"

#include <assert.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "http/inside.h"
#include "http/page.h"

#define CONNECTION_MS_MAX 5000
#define HEARTBEAT_S 15

/* ---- Answers --------------------------------------------------------------------------------- */

static const struct {
    int code;
    const char *title;
} CODES[HEC_HTTP_CODES] = {
#define ROW(number, text) { number, HEC_TITLE_##number },
#define HEC_TITLE_200 "OK"
#define HEC_TITLE_202 "Accepted"
#define HEC_TITLE_304 "Not Modified"
#define HEC_TITLE_400 "Bad Request"
#define HEC_TITLE_401 "Unauthorized"
#define HEC_TITLE_403 "Forbidden"
#define HEC_TITLE_404 "Not Found"
#define HEC_TITLE_405 "Method Not Allowed"
#define HEC_TITLE_409 "Conflict"
#define HEC_TITLE_415 "Unsupported Media Type"
#define HEC_TITLE_421 "Misdirected Request"
#define HEC_TITLE_422 "Unprocessable Content"
#define HEC_TITLE_429 "Too Many Requests"
#define HEC_TITLE_500 "Internal Server Error"
#define HEC_TITLE_503 "Service Unavailable"
    HEC_HTTP_CODE_TABLE(ROW)
#undef ROW
};

static int index_of(int code)
{
    int i = 0;
    while (i < (int)HEC_HTTP_CODES && CODES[i].code != code) {
        i++;
    }
    assert(i < (int)HEC_HTTP_CODES);
    return i;
}

void hec_http_count(struct hec_http *http, enum hec_handler handler, int code)
{
    hec_meter_add(hec_metrics_service(http->options.metrics),
                  hec_series_http(handler, (enum hec_http_code)index_of(code)), 1);
}

int hec_http_fd(struct evhttp_request *request)
{
    return bufferevent_getfd(
        evhttp_connection_get_bufferevent(evhttp_request_get_connection(request)));
}

void hec_http_abandon(struct evhttp_request *request)
{
    if (evhttp_request_get_connection(request) == NULL) {
        evhttp_request_free(request);
    }
}

void hec_http_answer(struct hec_http *http, struct evhttp_request *request,
                     enum hec_handler handler, int code, const char *type, const char *body,
                     size_t length, bool keep)
{
    hec_http_count(http, handler, code);
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    evhttp_add_header(headers, "Content-Type", type);
    if (evhttp_find_header(headers, "Cache-Control") == NULL) {
        evhttp_add_header(headers, "Cache-Control", "no-store");
    }
    evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
    if (!keep) {
        evhttp_add_header(headers, "Connection", "close");
    }
    /* evhttp would send a body in answer to HEAD too, and no length. */
    bool head = evhttp_request_get_command(request) == EVHTTP_REQ_HEAD;
    char bytes[24];
    snprintf(bytes, sizeof(bytes), "%zu", length);
    evhttp_add_header(headers, "Content-Length", bytes);
    struct evbuffer *buffer = evbuffer_new();
    if (buffer != NULL && !head) {
        evbuffer_add(buffer, body, length);
    }
    evhttp_send_reply(request, code, CODES[index_of(code)].title, buffer);
    if (buffer != NULL) {
        evbuffer_free(buffer);
    }
}

void hec_http_problem(struct hec_http *http, struct evhttp_request *request,
                      enum hec_handler handler, int code, const char *detail)
{
    char body[512];
    int length = snprintf(body, sizeof(body),
                          "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d,"
                          "\"detail\":\"%s\"}\n",
                          CODES[index_of(code)].title, code, detail);
    hec_http_answer(http, request, handler, code, "application/problem+json", body, (size_t)length,
                    false);
}

static void answer_text(struct hec_http *http, struct evhttp_request *request,
                        enum hec_handler handler, int code, const char *body)
{
    hec_http_answer(http, request, handler, code, "text/plain; charset=utf-8", body, strlen(body),
                    false);
}

static void answer_livez(struct hec_http *http, struct evhttp_request *request)
{
    bool live = http->options.is_live == NULL || http->options.is_live(http->options.context);
    answer_text(http, request, HEC_HANDLER_LIVEZ, live ? 200 : 503,
                live ? "ok\n" : "the pipeline has stopped moving\n");
}

static bool is_verbose(struct evhttp_request *request)
{
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
    const char *query = uri == NULL ? NULL : evhttp_uri_get_query(uri);
    return query != NULL && (strcmp(query, "verbose") == 0 || strncmp(query, "verbose=", 8) == 0 ||
                             strncmp(query, "verbose&", 8) == 0);
}

static void answer_readyz(struct hec_http *http, struct evhttp_request *request)
{
    struct hec_http_check checks[HEC_HTTP_CHECKS_MAX];
    memset(checks, 0, sizeof(checks));
    int count =
        http->options.checks == NULL ? 0 : http->options.checks(http->options.context, checks);
    assert(count >= 0 && count <= HEC_HTTP_CHECKS_MAX);
    bool ready = true;
    for (int i = 0; i < count; i++) {
        ready = ready && checks[i].ok;
    }
    char body[HEC_HTTP_CHECKS_MAX * 260 + 64];
    size_t used = 0;
    for (int i = 0; i < count && (is_verbose(request) || !ready); i++) {
        checks[i].sentence[sizeof(checks[i].sentence) - 1] = '\0';
        const char *sentence = checks[i].sentence;
        used += (size_t)snprintf(body + used, sizeof(body) - used, "[%s] %.40s%s%s\n",
                                 checks[i].ok ? "ok" : "no", checks[i].name,
                                 sentence[0] == '\0' ? "" : ": ", sentence);
    }
    snprintf(body + used, sizeof(body) - used, "%s\n", ready ? "ready" : "not ready");
    answer_text(http, request, HEC_HANDLER_READYZ, ready ? 200 : 503, body);
}

static void answer_metrics(struct hec_http *http, struct evhttp_request *request)
{
    const char *accept = evhttp_find_header(evhttp_request_get_input_headers(request), "Accept");
    bool openmetrics = accept != NULL && strstr(accept, "application/openmetrics-text") != NULL;
    size_t length;
    char *text = hec_metrics_text(http->options.metrics, openmetrics, &length);
    if (text == NULL) {
        hec_http_problem(http, request, HEC_HANDLER_METRICS, 503, "Memory is exhausted.");
        return;
    }
    hec_http_answer(http, request, HEC_HANDLER_METRICS, 200,
                    openmetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                : "text/plain; version=0.0.4; charset=utf-8",
                    text, length, false);
    free(text);
}

/* The page holds no data: whoever opens it still needs a token. */
static void answer_page(struct hec_http *http, struct evhttp_request *request)
{
    struct hec_page page = hec_page();
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    const char *known =
        evhttp_find_header(evhttp_request_get_input_headers(request), "If-None-Match");
    evhttp_add_header(headers, "Cache-Control", "no-cache");
    evhttp_add_header(headers, "ETag", page.etag);
    evhttp_add_header(headers, "Content-Security-Policy", page.policy);
    evhttp_add_header(headers, "Referrer-Policy", "no-referrer");
    evhttp_add_header(headers, "Cross-Origin-Opener-Policy", "same-origin");
    bool same = known != NULL && strcmp(known, page.etag) == 0;
    hec_http_answer(http, request, HEC_HANDLER_PAGE, same ? 304 : 200, "text/html; charset=utf-8",
                    page.bytes, same ? 0 : page.length, false);
}

static void on_request(struct evhttp_request *request, void *context)
{
    static const struct {
        const char *path;
        enum hec_handler handler;
        void (*answer)(struct hec_http *, struct evhttp_request *);
    } PATHS[] = {
        { "/livez", HEC_HANDLER_LIVEZ, answer_livez },
        { "/readyz", HEC_HANDLER_READYZ, answer_readyz },
        { "/metrics", HEC_HANDLER_METRICS, answer_metrics },
        { "/", HEC_HANDLER_PAGE, answer_page },
    };
    struct hec_side_of *from = context;
    struct hec_http *http = from->http;
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
    const char *path = uri == NULL ? NULL : evhttp_uri_get_path(uri);
    enum evhttp_cmd_type method = evhttp_request_get_command(request);
    if (path != NULL && strncmp(path, "/api/", 5) == 0 && http->options.ask != NULL) {
        hec_http_exchange(http, request, from->side);
        return;
    }
    for (size_t i = 0; path != NULL && i < sizeof(PATHS) / sizeof(PATHS[0]); i++) {
        if (strcmp(path, PATHS[i].path) != 0) {
            continue;
        }
        if (method == EVHTTP_REQ_GET || method == EVHTTP_REQ_HEAD) {
            PATHS[i].answer(http, request);
            return;
        }
        evhttp_add_header(evhttp_request_get_output_headers(request), "Allow", "GET, HEAD");
        hec_http_problem(http, request, PATHS[i].handler, 405,
                         "Only GET and HEAD are answered here.");
        return;
    }
    hec_http_problem(http, request, HEC_HANDLER_OTHER, 404,
                     "There are /, /livez, /readyz, /readyz?verbose, /metrics and /api/v1/status.");
}

/* ---- What other threads sent ----------------------------------------------------------------- */

static void open_parcels(struct hec_http *http)
{
    pthread_mutex_lock(&http->lock);
    struct hec_parcel *parcel = http->parcels;
    http->parcels = NULL;
    http->parcels_end = &http->parcels;
    pthread_mutex_unlock(&http->lock);
    while (parcel != NULL) {
        struct hec_parcel *next = parcel->next;
        if (parcel->answered != NULL) {
            hec_http_finish(parcel->answered);
        } else {
            hec_http_spread(http, parcel);
        }
        parcel = next;
    }
}

static void on_bell(evutil_socket_t fd, short what, void *context)
{
    eventfd_t count;
    (void)what;
    eventfd_read(fd, &count);
    open_parcels(context);
}

static void on_heartbeat(evutil_socket_t none, short what, void *context)
{
    (void)none;
    (void)what;
    hec_http_beat(context);
}

void hec_http_publish(struct hec_http *http, const char *event, uint64_t id, const char *json)
{
    size_t length = strlen(json);
    struct hec_parcel *message = malloc(sizeof(*message) + length + 1);
    if (message != NULL) {
        char *copy = (char *)(message + 1);
        memcpy(copy, json, length + 1);
        *message = (struct hec_parcel){ .event = event, .id = id, .json = copy };
        hec_http_post(http, message);
    }
}

/* ---- Opening and closing --------------------------------------------------------------------- */

static enum hec_status open_doors(struct hec_http *http, struct hec_error *error)
{
    const struct hec_http_options *options = &http->options;
    char socket[160];
    snprintf(socket, sizeof(socket), "unix:%s", options->socket == NULL ? "" : options->socket);
    struct hec_door_options door = {
        .listen = options->listen,
        .setting = "admin.listen",
        .anywhere = options->tokens != NULL,
        .connections_max = options->connections_max,
        .connection_ms_max =
            options->connection_ms_max <= 0 ? CONNECTION_MS_MAX : options->connection_ms_max,
        .meter = hec_metrics_service(options->metrics),
        .on_request = on_request,
        .context = &http->sides[HEC_SIDE_TCP],
    };
    enum hec_status status = HEC_OK;
    if (options->listen != NULL && options->listen[0] != '\0') {
        status = hec_door_new(&http->doors[HEC_SIDE_TCP], http->base, &door, error);
    }
    if (status == HEC_OK && strlen(socket) > 5) {
        door.listen = socket;
        door.setting = "admin.socket";
        door.socket_mode = options->socket_mode;
        door.context = &http->sides[HEC_SIDE_SOCKET];
        status = hec_door_new(&http->doors[HEC_SIDE_SOCKET], http->base, &door, error);
    }
    return status;
}

enum hec_status hec_http_new(struct hec_http **ret, struct event_base *base,
                             const struct hec_http_options *options, struct hec_error *error)
{
    struct hec_http *http = calloc(1, sizeof(*http));
    struct timeval every = { HEARTBEAT_S, 0 };
    if (http == NULL) {
        return hec_fail(error, HEC_NO_MEMORY, "no memory for the HTTP server");
    }
    http->options = *options;
    http->base = base;
    for (int side = 0; side < (int)HEC_SIDES; side++) {
        http->sides[side] = (struct hec_side_of){ http, (enum hec_side)side };
    }
    pthread_mutex_init(&http->lock, NULL);
    http->parcels_end = &http->parcels;
    http->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    http->on_bell =
        http->bell < 0 ? NULL : event_new(base, http->bell, EV_READ | EV_PERSIST, on_bell, http);
    http->heartbeat = event_new(base, -1, EV_PERSIST, on_heartbeat, http);
    enum hec_status status = HEC_OK;
    if (http->on_bell == NULL || event_add(http->on_bell, NULL) != 0 || http->heartbeat == NULL ||
        event_add(http->heartbeat, &every) != 0) {
        status = hec_fail(error, HEC_NO_MEMORY, "no memory for the HTTP server");
    }
    status = status == HEC_OK ? open_doors(http, error) : status;
    http->options.listen = http->options.socket = NULL;
    if (status != HEC_OK) {
        hec_http_free(http);
        return status;
    }
    *ret = http;
    return HEC_OK;
}

void hec_http_free(struct hec_http *http)
{
    if (http == NULL) {
        return;
    }
    open_parcels(http);
    for (int side = 0; side < (int)HEC_SIDES; side++) {
        hec_door_free(http->doors[side]);
    }
    hec_http_forget_streams(http);
    if (http->on_bell != NULL) {
        event_free(http->on_bell);
    }
    if (http->heartbeat != NULL) {
        event_free(http->heartbeat);
    }
    if (http->bell >= 0) {
        close(http->bell);
    }
    pthread_mutex_destroy(&http->lock);
    free(http);
}

const char *hec_http_address(const struct hec_http *http)
{
    const struct hec_door *door = http->doors[HEC_SIDE_TCP];
    return door == NULL ? "" : hec_door_address(door);
}

const char *hec_http_library_version(void)
{
    return event_get_version();
}

const char *hec_http_title(int code)
{
    return CODES[index_of(code)].title;
}
