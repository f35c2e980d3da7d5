/*
 * evhttp, with what it lacks: a bound on connections and on a connection's life.
 *
 * evhttp tells neither that a connection was accepted nor that it ended, and its timeouts start
 * again with every byte. So the one hook it has at an accept, the making of the bufferevent, enters
 * the new socket in a table by descriptor and inode. An inode names a socket for as long as it is
 * open, so fstat tells at any time whether an entry still lives: dead ones are forgotten, old ones
 * are shut down (evhttp then sees the end and cleans up), and with a full table nothing is accepted
 * until one ends.
 */
#include "http/http.h"

#include <assert.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "ops/settings.h"

#define HEADERS_BYTES_MAX 8192
#define BODY_BYTES_MAX 65536
#define CONNECTIONS_MAX 64
#define CONNECTION_MS_MAX 5000
#define SWEEP_MS 250
#define BACKLOG 128

struct connection {
    int fd;
    ino_t inode;
    int64_t opened_ms;
    bool cut;
};

struct hec_http {
    struct hec_http_options options;
    struct event_base *base;
    struct evhttp *server;
    struct evconnlistener *listener; /* the server's */
    struct event *sweep;
    struct bufferevent *newest; /* made, but its descriptor is not yet entered */
    struct event *enter;
    struct connection connections[CONNECTIONS_MAX];
    int count;
    bool full;
    char address[160];
    char socket_path[108];
};

static int64_t monotonic_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- Connections ----------------------------------------------------------------------------- */

static bool is_alive(const struct connection *connection)
{
    struct stat status;
    return fstat(connection->fd, &status) == 0 && status.st_ino == connection->inode &&
           S_ISSOCK(status.st_mode);
}

static void count_refused(struct hec_http *http)
{
    hec_meter_add(hec_metrics_service(http->options.metrics), (int)HEC_S_HTTP_REFUSED, 1);
}

/* Forgets what has ended, ends what is too old, and accepts again when there is room. */
static void sweep(struct hec_http *http)
{
    int64_t now_ms = monotonic_ms();
    int kept = 0;
    for (int i = 0; i < http->count; i++) {
        struct connection *connection = &http->connections[i];
        if (!is_alive(connection)) {
            continue;
        }
        if (!connection->cut && now_ms - connection->opened_ms > http->options.connection_ms_max) {
            shutdown(connection->fd, SHUT_RDWR);
            connection->cut = true;
            count_refused(http);
        }
        http->connections[kept++] = *connection;
    }
    http->count = kept;
    bool full = kept >= http->options.connections_max;
    if (http->full && !full) {
        evconnlistener_enable(http->listener);
    } else if (!http->full && full) {
        evconnlistener_disable(http->listener);
    }
    http->full = full;
    bool pending = event_pending(http->sweep, EV_TIMEOUT, NULL) != 0;
    if (kept > 0 && !pending) {
        struct timeval soon = { 0, SWEEP_MS * 1000 };
        event_add(http->sweep, &soon);
    }
}

static void on_sweep(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    sweep(context);
}

/* By now evhttp has given the descriptor to the newest bufferevent. Nothing can have ended it in
 * between: this is queued before the loop looks at any descriptor again. */
static void on_enter(evutil_socket_t unused, short what, void *context)
{
    (void)unused;
    (void)what;
    struct hec_http *http = context;
    struct bufferevent *newest = http->newest;
    http->newest = NULL;
    int fd = newest == NULL ? -1 : bufferevent_getfd(newest);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0) {
        return;
    }
    if (http->count >= http->options.connections_max) {
        sweep(http);
    }
    if (http->count >= http->options.connections_max) {
        shutdown(fd, SHUT_RDWR); /* one turn of the loop may accept a few too many */
        count_refused(http);
        return;
    }
    http->connections[http->count++] = (struct connection){
        .fd = fd,
        .inode = status.st_ino,
        .opened_ms = monotonic_ms(),
    };
    sweep(http);
}

/* evhttp asks for a bufferevent at every accept. */
static struct bufferevent *on_accept(struct event_base *base, void *context)
{
    struct hec_http *http = context;
    /* Several may be accepted in one turn: the one before has its descriptor by now. */
    on_enter(-1, 0, http);
    http->newest = bufferevent_socket_new(base, -1, 0);
    event_active(http->enter, EV_TIMEOUT, 0);
    return http->newest;
}

/* ---- Answers --------------------------------------------------------------------------------- */

static void answer(struct hec_http *http, struct evhttp_request *request, enum hec_handler handler,
                   int code, const char *reason, const char *type, const char *body, size_t length)
{
    static const int CODES[] = {
#define CODE_NUMBER(number, text) number,
        HEC_HTTP_CODE_TABLE(CODE_NUMBER)
#undef CODE_NUMBER
    };
    for (int i = 0; i < (int)HEC_HTTP_CODES; i++) {
        if (CODES[i] == code) {
            hec_meter_add(hec_metrics_service(http->options.metrics),
                          hec_series_http(handler, (enum hec_http_code)i), 1);
        }
    }
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    evhttp_add_header(headers, "Content-Type", type);
    evhttp_add_header(headers, "Cache-Control", "no-store");
    evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
    evhttp_add_header(headers, "Connection", "close");
    /* evhttp would send a body in answer to HEAD too, and no length. */
    bool head = evhttp_request_get_command(request) == EVHTTP_REQ_HEAD;
    char bytes[24];
    snprintf(bytes, sizeof(bytes), "%zu", length);
    evhttp_add_header(headers, "Content-Length", bytes);
    struct evbuffer *buffer = evbuffer_new();
    if (buffer != NULL && !head) {
        evbuffer_add(buffer, body, length);
    }
    evhttp_send_reply(request, code, reason, buffer);
    if (buffer != NULL) {
        evbuffer_free(buffer);
    }
}

/* RFC 9457. title and detail are our own texts: nothing of the request is repeated. */
static void answer_problem(struct hec_http *http, struct evhttp_request *request,
                           enum hec_handler handler, int code, const char *title,
                           const char *detail)
{
    char body[512];
    int length = snprintf(body, sizeof(body),
                          "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d,"
                          "\"detail\":\"%s\"}\n",
                          title, code, detail);
    answer(http, request, handler, code, title, "application/problem+json", body, (size_t)length);
}

static void answer_text(struct hec_http *http, struct evhttp_request *request,
                        enum hec_handler handler, int code, const char *body)
{
    answer(http, request, handler, code, code == 200 ? "OK" : "Service Unavailable",
           "text/plain; charset=utf-8", body, strlen(body));
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
        answer_problem(http, request, HEC_HANDLER_METRICS, 503, "Service Unavailable",
                       "Memory is exhausted.");
        return;
    }
    answer(http, request, HEC_HANDLER_METRICS, 200, "OK",
           openmetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                       : "text/plain; version=0.0.4; charset=utf-8",
           text, length);
    free(text);
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
    };
    struct hec_http *http = context;
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
    const char *path = uri == NULL ? NULL : evhttp_uri_get_path(uri);
    enum evhttp_cmd_type method = evhttp_request_get_command(request);
    for (size_t i = 0; path != NULL && i < sizeof(PATHS) / sizeof(PATHS[0]); i++) {
        if (strcmp(path, PATHS[i].path) != 0) {
            continue;
        }
        if (method == EVHTTP_REQ_GET || method == EVHTTP_REQ_HEAD) {
            PATHS[i].answer(http, request);
            return;
        }
        evhttp_add_header(evhttp_request_get_output_headers(request), "Allow", "GET, HEAD");
        answer_problem(http, request, PATHS[i].handler, 405, "Method Not Allowed",
                       "Only GET and HEAD are answered here.");
        return;
    }
    answer_problem(http, request, HEC_HANDLER_OTHER, 404, "Not Found",
                   "There are /livez, /readyz, /readyz?verbose and /metrics.");
}

/* ---- Listening ------------------------------------------------------------------------------- */

static enum hec_status fail_bind(const struct hec_http *http, int reason, struct hec_error *error)
{
    enum hec_status status = reason == EACCES || reason == EPERM ? HEC_DENIED : HEC_UNAVAILABLE;
    return hec_fail(error, status, "cannot listen on %s: %s; %s", http->options.listen,
                    strerror(reason),
                    reason == EADDRINUSE ? "another process has it: change admin.listen"
                                         : "check admin.listen");
}

/* A socket file that nobody listens on is left over from a crash and may go. */
static bool is_left_over(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return false;
    }
    bool refused = connect(fd, (const struct sockaddr *)address, sizeof(*address)) != 0 &&
                   errno == ECONNREFUSED;
    close(fd);
    return refused;
}

static enum hec_status bind_unix(struct hec_http *http, const char *path, int *ret,
                                 struct hec_error *error)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    if (is_left_over(&address)) {
        unlink(path);
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        int reason = errno;
        if (fd >= 0) {
            close(fd);
        }
        return fail_bind(http, reason, error);
    }
    snprintf(http->socket_path, sizeof(http->socket_path), "%s", path);
    snprintf(http->address, sizeof(http->address), "unix:%s", path);
    *ret = fd;
    return HEC_OK;
}

static enum hec_status bind_inet(struct hec_http *http, const struct hec_listen *listen_at,
                                 int *ret, struct hec_error *error)
{
    char port[8];
    snprintf(port, sizeof(port), "%d", listen_at->port);
    struct addrinfo hints = { .ai_flags = AI_NUMERICSERV | AI_PASSIVE, .ai_socktype = SOCK_STREAM };
    struct addrinfo *found;
    if (getaddrinfo(listen_at->host, port, &hints, &found) != 0) {
        return hec_fail(error, HEC_INVALID, "cannot listen on %s: no such address",
                        http->options.listen);
    }
    int on = 1;
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        bind(fd, found->ai_addr, found->ai_addrlen) != 0) {
        int reason = errno;
        freeaddrinfo(found);
        if (fd >= 0) {
            close(fd);
        }
        return fail_bind(http, reason, error);
    }
    freeaddrinfo(found);
    struct sockaddr_storage bound;
    socklen_t bound_length = sizeof(bound);
    char host[64] = "";
    if (getsockname(fd, (struct sockaddr *)&bound, &bound_length) == 0) {
        getnameinfo((struct sockaddr *)&bound, bound_length, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV);
    }
    bool v6 = strchr(host, ':') != NULL;
    snprintf(http->address, sizeof(http->address), "%s%s%s:%s", v6 ? "[" : "", host, v6 ? "]" : "",
             port);
    *ret = fd;
    return HEC_OK;
}

static enum hec_status bind_any(struct hec_http *http, int *ret, struct hec_error *error)
{
    struct hec_listen listen_at;
    if (!hec_listen_parse(&listen_at, http->options.listen) || listen_at.kind == HEC_LISTEN_NONE) {
        return hec_fail(error, HEC_INVALID,
                        "cannot listen on \"%s\": write 127.0.0.1:9677, [::1]:9677 or unix:/path",
                        http->options.listen);
    }
    if (!listen_at.loopback) {
        return hec_fail(error, HEC_INVALID,
                        "will not listen on %s: it is not a loopback address, and there is no "
                        "access control",
                        http->options.listen);
    }
    return listen_at.kind == HEC_LISTEN_UNIX ? bind_unix(http, listen_at.host, ret, error)
                                             : bind_inet(http, &listen_at, ret, error);
}

/* Gives the bound socket to evhttp. It closes fd, also on failure. */
static bool serve(struct hec_http *http, int fd)
{
    http->server = evhttp_new(http->base);
    http->sweep = evtimer_new(http->base, on_sweep, http);
    http->enter = evtimer_new(http->base, on_enter, http);
    if (http->server == NULL || http->sweep == NULL || http->enter == NULL) {
        close(fd);
        return false;
    }
    evhttp_set_max_headers_size(http->server, HEADERS_BYTES_MAX);
    evhttp_set_max_body_size(http->server, BODY_BYTES_MAX);
    evhttp_set_timeout(http->server, (http->options.connection_ms_max + 999) / 1000);
    evhttp_set_default_content_type(http->server, "text/plain; charset=utf-8");
    evhttp_set_allowed_methods(http->server, 0xffff);
    evhttp_set_bevcb(http->server, on_accept, http);
    evhttp_set_gencb(http->server, on_request, http);
    http->listener = evconnlistener_new(http->base, NULL, NULL,
                                        LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, BACKLOG, fd);
    if (http->listener == NULL) {
        close(fd);
        return false;
    }
    if (evhttp_bind_listener(http->server, http->listener) == NULL) {
        evconnlistener_free(http->listener);
        return false;
    }
    return true;
}

enum hec_status hec_http_new(struct hec_http **ret, struct event_base *base,
                             const struct hec_http_options *options, struct hec_error *error)
{
    struct hec_http *http = calloc(1, sizeof(*http));
    if (http == NULL) {
        return hec_fail(error, HEC_NO_MEMORY, "no memory for the HTTP server");
    }
    http->options = *options;
    http->base = base;
    int most = options->connections_max;
    http->options.connections_max = most <= 0 || most > CONNECTIONS_MAX ? CONNECTIONS_MAX : most;
    if (options->connection_ms_max <= 0) {
        http->options.connection_ms_max = CONNECTION_MS_MAX;
    }
    int fd = -1;
    enum hec_status status = bind_any(http, &fd, error);
    if (status == HEC_OK && !serve(http, fd)) {
        status = hec_fail(error, HEC_NO_MEMORY, "no memory for the HTTP server");
    }
    http->options.listen = NULL;
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
    if (http->server != NULL) {
        evhttp_free(http->server);
    }
    if (http->sweep != NULL) {
        event_free(http->sweep);
    }
    if (http->enter != NULL) {
        event_free(http->enter);
    }
    if (http->socket_path[0] != '\0') {
        unlink(http->socket_path);
    }
    free(http);
}

const char *hec_http_address(const struct hec_http *http)
{
    return http->address;
}

const char *hec_http_library_version(void)
{
    return event_get_version();
}
