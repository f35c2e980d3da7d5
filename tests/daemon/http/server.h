/* An HTTP server on a thread of its own, and clients that are plain sockets. */
#ifndef TESTS_HTTP_SERVER_H
#define TESTS_HTTP_SERVER_H

#include <criterion/criterion.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "http/http.h"

struct server {
    struct event_base *base;
    struct hec_metrics *metrics;
    struct hec_http *http;
    struct event *stop;
    int pipe[2];
    pthread_t thread;
    _Atomic int live, ready;
};

static inline void on_stop(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    event_base_loopbreak(((struct server *)context)->base);
}

static inline void *run(void *context)
{
    event_base_dispatch(((struct server *)context)->base);
    return NULL;
}

static inline bool is_live(void *context)
{
    return ((struct server *)context)->live;
}

static inline int checks(void *context, struct hec_http_check *list)
{
    struct server *server = context;
    list[0] = (struct hec_http_check){ "kafka", true, "group joined" };
    list[1] = (struct hec_http_check){ "redis", server->ready, "" };
    snprintf(list[1].sentence, sizeof(list[1].sentence), "does not answer; start it");
    return 2;
}

/* The API of the tests: says what it was asked, from another thread than the loop's. */
struct asked {
    pthread_t thread;
    struct hec_exchange *exchange;
    int wait_us;
};

static inline void *reply(void *context)
{
    struct asked *asked = context;
    struct hec_exchange *exchange = asked->exchange;
    char *text = malloc(4096);
    usleep((useconds_t)asked->wait_us);
    int used = snprintf(text, 4096, "%s", hec_method_name(exchange->method));
    for (int i = 0; i < exchange->parts_count; i++) {
        used += snprintf(text + used, 4096 - (size_t)used, " [%s]", exchange->parts[i]);
    }
    for (int i = 0; i < exchange->query_count; i++) {
        used += snprintf(text + used, 4096 - (size_t)used, " %s=%s", exchange->query[i].name,
                         exchange->query[i].value);
    }
    used += snprintf(text + used, 4096 - (size_t)used, " role=%s actor=%s body=%s\n",
                     hec_role_name(exchange->role), exchange->actor, exchange->body);
    hec_exchange_answer(exchange, 200, text, (size_t)used);
    free(asked);
    return NULL;
}

static inline void ask_back(void *context, struct hec_exchange *exchange)
{
    struct asked *asked = malloc(sizeof(*asked));
    (void)context;
    *asked = (struct asked){ .exchange = exchange };
    asked->wait_us = hec_exchange_query(exchange, "slow") != NULL ? 200000 : 0;
    cr_assert_eq(pthread_create(&asked->thread, NULL, reply, asked), 0);
    pthread_detach(asked->thread);
}

static inline enum hec_status make(struct server *server, struct hec_http_options options,
                                   struct hec_error *error)
{
    *server = (struct server){ .live = 1, .ready = 1 };
    server->base = event_base_new();
    struct hec_metrics_options metrics = { .engines = 1, .input_topic = "events" };
    cr_assert_eq(hec_metrics_new(&server->metrics, &metrics), HEC_OK);
    options.metrics = server->metrics;
    options.context = server;
    options.is_live = is_live;
    options.checks = checks;
    options.ask = ask_back;
    return hec_http_new(&server->http, server->base, &options, error);
}

static inline void start(struct server *server, struct hec_http_options options)
{
    struct hec_error error = { 0 };
    if (options.listen == NULL) {
        options.listen = "127.0.0.1:0";
    }
    cr_assert_eq(make(server, options, &error), HEC_OK, "%s", error.text);
    cr_assert_eq(pipe(server->pipe), 0);
    server->stop = event_new(server->base, server->pipe[0], EV_READ, on_stop, server);
    event_add(server->stop, NULL);
    cr_assert_eq(pthread_create(&server->thread, NULL, run, server), 0);
}

static inline void end(struct server *server)
{
    if (server->stop != NULL) {
        cr_assert_eq(write(server->pipe[1], "x", 1), 1);
        pthread_join(server->thread, NULL);
        event_free(server->stop);
    }
    hec_http_free(server->http);
    hec_metrics_free(server->metrics);
    event_base_free(server->base);
}

static inline int dial(const struct server *server)
{
    const char *address = hec_http_address(server->http);
    if (strncmp(address, "unix:", 5) == 0) {
        struct sockaddr_un to = { .sun_family = AF_UNIX };
        snprintf(to.sun_path, sizeof(to.sun_path), "%s", address + 5);
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        cr_assert_eq(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
        return fd;
    }
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)atoi(strrchr(address, ':') + 1)),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

/* Reads until the server closes, or wait_ms without a byte. True when it closed. */
static inline bool drain(int fd, char *answer, size_t size, int wait_ms)
{
    size_t used = 0;
    for (;;) {
        struct pollfd one = { .fd = fd, .events = POLLIN };
        if (poll(&one, 1, wait_ms) <= 0) {
            answer[used] = '\0';
            return false;
        }
        ssize_t got = read(fd, answer + used, size - 1 - used);
        if (got <= 0) {
            answer[used] = '\0';
            return true;
        }
        used += (size_t)got;
    }
}

static char answer[1 << 18];

/* Reads into answer until that stands in it. False: it was closed, or 20 s brought nothing. */
static inline bool hear(int fd, const char *part)
{
    size_t used = 0;
    answer[0] = '\0';
    while (strstr(answer, part) == NULL && used < sizeof(answer) - 1) {
        struct pollfd one = { .fd = fd, .events = POLLIN };
        ssize_t got =
            poll(&one, 1, 20000) == 1 ? read(fd, answer + used, sizeof(answer) - 1 - used) : 0;
        if (got <= 0) {
            return false;
        }
        used += (size_t)got;
        answer[used] = '\0';
    }
    return strstr(answer, part) != NULL;
}

/* Reads so many bytes and lets them go. */
static inline bool take(int fd, size_t bytes)
{
    while (bytes > 0) {
        struct pollfd one = { .fd = fd, .events = POLLIN };
        size_t room = bytes < sizeof(answer) ? bytes : sizeof(answer);
        ssize_t got = poll(&one, 1, 20000) == 1 ? read(fd, answer, room) : 0;
        if (got <= 0) {
            return false;
        }
        bytes -= (size_t)got;
    }
    return true;
}

static inline const char *ask(const struct server *server, const char *request)
{
    int fd = dial(server);
    cr_assert_eq(send(fd, request, strlen(request), MSG_NOSIGNAL), (ssize_t)strlen(request));
    cr_expect(drain(fd, answer, sizeof(answer), 20000), "the connection stays open");
    close(fd);
    return answer;
}

static inline bool has(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

#endif
