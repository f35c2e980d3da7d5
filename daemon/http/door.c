#include "http/door.h"

#include <errno.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "ops/clock.h"
#include "ops/settings.h"

#define HEADERS_BYTES_MAX 8192
#define BODY_BYTES_MAX 65536
#define SWEEP_MS 250
#define BACKLOG 128

struct connection {
    int fd;
    ino_t inode;
    int64_t until_ms; /* INT64_MAX: a stream */
    bool cut;
};

struct hec_door {
    struct hec_door_options options;
    struct event_base *base;
    struct evhttp *server;
    struct evconnlistener *listener; /* the server's */
    struct event *sweep;
    struct bufferevent *newest; /* made, but its descriptor is not yet entered */
    struct event *enter;
    struct connection connections[HEC_DOOR_CONNECTIONS_MAX + HEC_DOOR_STREAMS_MAX];
    int count, streams; /* streams are among count */
    bool full;
    char address[160];
    char socket_path[108];
};

/* ---- Connections ----------------------------------------------------------------------------- */

static bool is_alive(const struct connection *connection)
{
    struct stat status;
    return fstat(connection->fd, &status) == 0 && status.st_ino == connection->inode &&
           S_ISSOCK(status.st_mode);
}

static void count_refused(struct hec_door *door)
{
    hec_meter_add(door->options.meter, (int)HEC_S_HTTP_REFUSED, 1);
}

/* Forgets what has ended, ends what is past its time, and accepts again when there is room. */
static void sweep(struct hec_door *door)
{
    int64_t now_ms = hec_now_ms();
    int kept = 0, streams = 0;
    for (int i = 0; i < door->count; i++) {
        struct connection *connection = &door->connections[i];
        if (!is_alive(connection)) {
            continue;
        }
        if (!connection->cut && now_ms > connection->until_ms) {
            shutdown(connection->fd, SHUT_RDWR);
            connection->cut = true;
            count_refused(door);
        }
        streams += connection->until_ms == INT64_MAX;
        door->connections[kept++] = *connection;
    }
    door->count = kept;
    door->streams = streams;
    bool full = kept - streams >= door->options.connections_max;
    if (door->full && !full) {
        evconnlistener_enable(door->listener);
    } else if (!door->full && full) {
        evconnlistener_disable(door->listener);
    }
    door->full = full;
    bool pending = event_pending(door->sweep, EV_TIMEOUT, NULL) != 0;
    if (kept > 0 && !pending) {
        struct timeval soon = { 0, SWEEP_MS * 1000 };
        event_add(door->sweep, &soon);
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
    struct hec_door *door = context;
    struct bufferevent *newest = door->newest;
    door->newest = NULL;
    int fd = newest == NULL ? -1 : bufferevent_getfd(newest);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0) {
        return;
    }
    if (door->count - door->streams >= door->options.connections_max) {
        sweep(door);
    }
    if (door->count - door->streams >= door->options.connections_max) {
        shutdown(fd, SHUT_RDWR); /* one turn of the loop may accept a few too many */
        count_refused(door);
        return;
    }
    door->connections[door->count++] = (struct connection){
        .fd = fd,
        .inode = status.st_ino,
        .until_ms = hec_now_ms() + door->options.connection_ms_max,
    };
    sweep(door);
}

/* evhttp asks for a bufferevent at every accept. */
static struct bufferevent *on_accept(struct event_base *base, void *context)
{
    struct hec_door *door = context;
    /* Several may be accepted in one turn: the one before has its descriptor by now. */
    on_enter(-1, 0, door);
    door->newest = bufferevent_socket_new(base, -1, 0);
    event_active(door->enter, EV_TIMEOUT, 0);
    return door->newest;
}

static struct connection *connection_of(struct hec_door *door, int fd)
{
    for (int i = 0; i < door->count; i++) {
        if (door->connections[i].fd == fd && is_alive(&door->connections[i])) {
            return &door->connections[i];
        }
    }
    return NULL;
}

void hec_door_extend(struct hec_door *door, int fd, int more_ms)
{
    struct connection *connection = connection_of(door, fd);
    if (connection != NULL) {
        door->streams -= connection->until_ms == INT64_MAX;
        connection->until_ms = hec_now_ms() + more_ms;
    }
}

bool hec_door_make_stream(struct hec_door *door, int fd)
{
    struct connection *connection = connection_of(door, fd);
    if (door->streams >= HEC_DOOR_STREAMS_MAX) {
        sweep(door); /* it may have moved the table */
        connection = connection_of(door, fd);
    }
    if (connection == NULL || door->streams >= HEC_DOOR_STREAMS_MAX) {
        return false;
    }
    connection->until_ms = INT64_MAX;
    door->streams++;
    return true;
}

/* ---- Listening ------------------------------------------------------------------------------- */

static enum hec_status fail_bind(const struct hec_door *door, int reason, struct hec_error *error)
{
    enum hec_status status = reason == EACCES || reason == EPERM ? HEC_DENIED : HEC_UNAVAILABLE;
    return hec_fail(
        error, status, "cannot listen on %s: %s; %s %s", door->options.listen, strerror(reason),
        reason == EADDRINUSE ? "another process has it: change" : "check", door->options.setting);
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

/* Nobody can connect before listen, so the mode is in force before the first who tries. */
static enum hec_status bind_unix(struct hec_door *door, const char *path, int *ret,
                                 struct hec_error *error)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    if (is_left_over(&address)) {
        unlink(path);
    }
    int mode = door->options.socket_mode == 0 ? 0600 : door->options.socket_mode;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
        chmod(path, (mode_t)mode) != 0) {
        int reason = errno;
        if (fd >= 0) {
            close(fd);
        }
        return fail_bind(door, reason, error);
    }
    snprintf(door->socket_path, sizeof(door->socket_path), "%s", path);
    snprintf(door->address, sizeof(door->address), "unix:%s", path);
    *ret = fd;
    return HEC_OK;
}

static enum hec_status bind_inet(struct hec_door *door, const struct hec_listen *listen_at,
                                 int *ret, struct hec_error *error)
{
    char port[8];
    snprintf(port, sizeof(port), "%d", listen_at->port);
    struct addrinfo hints = { .ai_flags = AI_NUMERICSERV | AI_PASSIVE, .ai_socktype = SOCK_STREAM };
    struct addrinfo *found;
    if (getaddrinfo(listen_at->host, port, &hints, &found) != 0) {
        return hec_fail(error, HEC_INVALID, "cannot listen on %s: no such address",
                        door->options.listen);
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
        return fail_bind(door, reason, error);
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
    snprintf(door->address, sizeof(door->address), "%s%s%s:%s", v6 ? "[" : "", host, v6 ? "]" : "",
             port);
    *ret = fd;
    return HEC_OK;
}

static enum hec_status bind_any(struct hec_door *door, int *ret, struct hec_error *error)
{
    struct hec_listen listen_at;
    if (!hec_listen_parse(&listen_at, door->options.listen) || listen_at.kind == HEC_LISTEN_NONE) {
        return hec_fail(error, HEC_INVALID,
                        "cannot listen on \"%s\": write 127.0.0.1:9677, [::1]:9677 or unix:/path",
                        door->options.listen);
    }
    if (!listen_at.loopback && !door->options.anywhere) {
        return hec_fail(error, HEC_INVALID,
                        "will not listen on %s: it is not a loopback address, and there is no "
                        "access control; set admin.tokens_file first",
                        door->options.listen);
    }
    return listen_at.kind == HEC_LISTEN_UNIX ? bind_unix(door, listen_at.host, ret, error)
                                             : bind_inet(door, &listen_at, ret, error);
}

/* Gives the bound socket to evhttp. It closes fd, also on failure. */
static bool serve(struct hec_door *door, int fd)
{
    door->server = evhttp_new(door->base);
    door->sweep = evtimer_new(door->base, on_sweep, door);
    door->enter = evtimer_new(door->base, on_enter, door);
    if (door->server == NULL || door->sweep == NULL || door->enter == NULL) {
        close(fd);
        return false;
    }
    evhttp_set_max_headers_size(door->server, HEADERS_BYTES_MAX);
    evhttp_set_max_body_size(door->server, BODY_BYTES_MAX);
    /* The sweep is the clock; this one is for what the sweep cannot see any more. */
    evhttp_set_timeout(door->server, 60);
    evhttp_set_default_content_type(door->server, "text/plain; charset=utf-8");
    evhttp_set_allowed_methods(door->server, 0xffff);
    evhttp_set_bevcb(door->server, on_accept, door);
    evhttp_set_gencb(door->server, door->options.on_request, door->options.context);
    door->listener = evconnlistener_new(door->base, NULL, NULL,
                                        LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, BACKLOG, fd);
    if (door->listener == NULL) {
        close(fd);
        return false;
    }
    if (evhttp_bind_listener(door->server, door->listener) == NULL) {
        evconnlistener_free(door->listener);
        return false;
    }
    return true;
}

enum hec_status hec_door_new(struct hec_door **ret, struct event_base *base,
                             const struct hec_door_options *options, struct hec_error *error)
{
    struct hec_door *door = calloc(1, sizeof(*door));
    if (door == NULL) {
        return hec_fail(error, HEC_NO_MEMORY, "no memory for the HTTP server");
    }
    door->options = *options;
    door->base = base;
    int most = options->connections_max;
    door->options.connections_max =
        most <= 0 || most > HEC_DOOR_CONNECTIONS_MAX ? HEC_DOOR_CONNECTIONS_MAX : most;
    int fd = -1;
    enum hec_status status = bind_any(door, &fd, error);
    if (status == HEC_OK && !serve(door, fd)) {
        status = hec_fail(error, HEC_NO_MEMORY, "no memory for the HTTP server");
    }
    door->options.listen = NULL;
    if (status != HEC_OK) {
        hec_door_free(door);
        return status;
    }
    *ret = door;
    return HEC_OK;
}

void hec_door_free(struct hec_door *door)
{
    if (door == NULL) {
        return;
    }
    if (door->server != NULL) {
        evhttp_free(door->server);
    }
    if (door->sweep != NULL) {
        event_free(door->sweep);
    }
    if (door->enter != NULL) {
        event_free(door->enter);
    }
    if (door->socket_path[0] != '\0') {
        unlink(door->socket_path);
    }
    free(door);
}

const char *hec_door_address(const struct hec_door *door)
{
    return door->address;
}

bool hec_door_is_local(const struct hec_door *door)
{
    return door->socket_path[0] != '\0';
}
