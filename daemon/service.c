/*
 * The main thread: it builds the parts, then only watches. Signals, HTTP, the watchdog and the
 * status line live on its event loop; events live on the engines' threads, and the two meet in
 * atomics alone.
 */
#define _GNU_SOURCE /* pthread_setname_np */
#include "service.h"

#include <assert.h>
#include <event2/event.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "desk/desk.h"
#include "engine/engine.h"
#include "engine/question.h"
#include "http/http.h"
#include "ops/clock.h"
#include "ops/log.h"
#include "ops/metrics.h"
#include "ops/notify.h"
#include "parts.h"

#define TICK_MS 200
#define STUCK_MS 30000 /* an engine step waits at most for a commit or a Redis answer */

struct engine_thread {
    struct hec_engine *engine;
    pthread_t thread;
    bool started;
    atomic_bool done;
    enum hec_status status;
    struct hec_error error;
    uint64_t seen_steps; /* the main thread's: for the watchdog */
    int64_t moved_ms;
    bool told; /* that it ended with a failure */
};

struct service {
    struct hec_config *config;
    struct hec_reload *reload;
    struct hec_engine *all[HEC_ENGINES_MAX]; /* the engines, for those who take a list */
    struct hec_parts parts;
    struct event_base *base;
    struct hec_http *http;
    struct hec_desk *desk;
    struct hec_tokens *tokens;
    struct engine_thread engines[HEC_ENGINES_MAX];
    int engines_count; /* made */
    atomic_bool ready;
    /* What people ordered, on the desk's thread; the tick looks at it. */
    pthread_mutex_t orders_lock;
    char pause_reason[200], paused_by[HEC_ACTOR_MAX];
    atomic_int_least64_t paused_ms; /* 0: not paused */
    atomic_bool drain_ordered;
    bool paused; /* as told */
    int64_t started_ms;
    int64_t status_told_ms, stats_told_ms, watchdog_ms;
    int64_t stop_ms; /* when the drain began */
    int exit_status;
};

/* Threads and the signal event read it. */
static atomic_bool stopping;

enum hec_exit hec_exit_of(enum hec_status status)
{
    switch (status) {
    case HEC_OK: return HEC_EXIT_OK;
    case HEC_UNAVAILABLE: return HEC_EXIT_UNREACHABLE;
    case HEC_INVALID:
    case HEC_MISMATCH:
    case HEC_DENIED:
    case HEC_NOT_FOUND:
    case HEC_CORRUPT: return HEC_EXIT_CONFIG;
    default: return HEC_EXIT_FAILURE;
    }
}

/* ---- The engines' threads ---- */

static void *run_engine(void *argument)
{
    struct engine_thread *thread = argument;
    enum hec_status status = HEC_OK;
    pthread_setname_np(pthread_self(), "hec-engine"); /* as top -H shows it */
    while (status == HEC_OK && !atomic_load_explicit(&stopping, memory_order_relaxed)) {
        status = hec_engine_step(thread->engine, &thread->error);
    }
    if (status == HEC_OK) {
        status = hec_engine_drain(thread->engine, &thread->error);
    }
    hec_engine_answer_no_more(thread->engine);
    thread->status = status;
    atomic_store(&thread->done, true);
    return NULL;
}

/* Signals are the main thread's: an engine's system calls must not be cut short. */
static enum hec_status start_engine(struct engine_thread *thread, struct hec_error *error)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&thread->thread, NULL, run_engine, thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    thread->started = failed == 0;
    thread->moved_ms = hec_now_ms();
    return failed == 0
               ? HEC_OK
               : hec_fail(error, HEC_NO_MEMORY, "cannot start a thread: %s", strerror(failed));
}

/* ---- What the loop answers ---- */

static bool is_moving(const struct service *service)
{
    for (int i = 0; i < service->engines_count; i++) {
        if (hec_now_ms() - service->engines[i].moved_ms > STUCK_MS) {
            return false;
        }
    }
    return true;
}

static bool is_live(void *context)
{
    return is_moving(context);
}

static struct hec_engine_view view_of(const struct service *service)
{
    return hec_engines_view(service->all, service->engines_count);
}

/* Both threads ask: the loop for /readyz, the desk for the console. */
static int checks(void *context, struct hec_http_check *list)
{
    struct service *service = context;
    struct hec_engine_view view = view_of(service);
    list[0] = (struct hec_http_check){ "kafka", !view.brokers_down, "" };
    snprintf(list[0].sentence, sizeof(list[0].sentence), "%s",
             view.brokers_down ? "no broker answers: see kafka.bootstrap.servers and the network"
                               : "brokers answer");
    list[1] = (struct hec_http_check){ "group", view.assigned, "" };
    snprintf(list[1].sentence, sizeof(list[1].sentence),
             view.assigned ? "%d of %d partitions are ours" : "not yet in the consumer group",
             (int)view.partitions, (int)service->parts.partitions);
    list[2] = (struct hec_http_check){ "redis", !view.store_paused, "" };
    snprintf(list[2].sentence, sizeof(list[2].sentence), "%s",
             view.store_paused      ? "takes nothing for too long: no events are read until it does"
             : view.store_connected ? "connected"
                                    : "away: scoring on what is in memory, rows are marked "
                                      "degraded");
    list[3] = (struct hec_http_check){ "state", view.assigned && view.live, "" };
    snprintf(list[3].sentence, sizeof(list[3].sentence),
             view.live ? "up to date" : "replaying, %" PRId64 " records left", view.replay_left);
    list[4] = (struct hec_http_check){ "engines", is_moving(service), "" };
    snprintf(list[4].sentence, sizeof(list[4].sentence), "%d of them", service->engines_count);
    list[5] = (struct hec_http_check){ "model", true, "" };
    char sha256[HEC_SHA256_HEX];
    hec_parts_model_sha256(&service->parts, sha256);
    snprintf(list[5].sentence, sizeof(list[5].sentence), "%.12s", sha256);
    list[6] = (struct hec_http_check){ "input", atomic_load(&service->paused_ms) == 0, "" };
    pthread_mutex_lock(&service->orders_lock);
    snprintf(list[6].sentence, sizeof(list[6].sentence),
             list[6].ok ? "read" : "paused by %s: %.120s", service->paused_by,
             service->pause_reason);
    pthread_mutex_unlock(&service->orders_lock);
    list[7] = (struct hec_http_check){ "dead_letters", !view.circuit_open, "" };
    snprintf(list[7].sentence, sizeof(list[7].sentence),
             view.circuit_open ? "%" PRId64 " of %" PRId64 " records in a minute were set aside: "
                                 "nothing is read. See their reasons (hecate dlq list), then "
                                 "hecate resume"
                               : "%" PRId64 " of the last minute's %" PRId64 " records",
             view.recent_letters, view.recent_rows);
    return 8;
}

/* ---- What people order: on the desk's thread ------------------------------------------------- */

static enum hec_run_state run_state_of(struct service *service)
{
    struct hec_engine_view view = view_of(service);
    return atomic_load(&stopping)             ? HEC_RUN_DRAINING
           : atomic_load(&service->paused_ms) ? HEC_RUN_PAUSED
           : view.circuit_open                ? HEC_RUN_PAUSED
           : view.store_paused                ? HEC_RUN_PAUSED
           : !view.assigned                   ? HEC_RUN_STARTING
           : !view.live                       ? HEC_RUN_REBUILDING
                                              : HEC_RUN_RUNNING;
}

static void tell_state(void *context, struct hec_desk_state *state)
{
    struct service *service = context;
    state->run_state = run_state_of(service);
    state->ready = atomic_load(&service->ready);
    state->started_ms = service->started_ms;
    state->engines = service->engines_count;
    state->paused_ms = atomic_load(&service->paused_ms);
    pthread_mutex_lock(&service->orders_lock);
    memcpy(state->pause_reason, service->pause_reason, sizeof(state->pause_reason));
    memcpy(state->paused_by, service->paused_by, sizeof(state->paused_by));
    pthread_mutex_unlock(&service->orders_lock);
}

static void order_pause(void *context, const char *reason, const char *actor)
{
    struct service *service = context;
    pthread_mutex_lock(&service->orders_lock);
    snprintf(service->pause_reason, sizeof(service->pause_reason), "%s",
             reason == NULL ? "" : reason);
    snprintf(service->paused_by, sizeof(service->paused_by), "%s", actor);
    pthread_mutex_unlock(&service->orders_lock);
    atomic_store(&service->paused_ms, reason == NULL ? 0 : hec_wall_ms());
    for (int i = 0; i < service->engines_count; i++) {
        hec_engine_pause(service->engines[i].engine, reason != NULL);
    }
}

static void order_drain(void *context)
{
    atomic_store(&((struct service *)context)->drain_ordered, true);
}

static enum hec_status order_score(void *context, struct hec_question *question)
{
    struct service *service = context;
    return hec_engines_ask(service->all, service->engines_count, question);
}

/* Ready again, whatever came of it: the settings before are good ones. */
static enum hec_status order_reload(void *context, int wait_ms, struct hec_reload_report *report,
                                    struct hec_problems *problems)
{
    struct service *service = context;
    hec_notify("RELOADING=1");
    enum hec_status status = hec_reload_run(service->reload, wait_ms, report, problems);
    hec_notify("READY=1");
    return status;
}

static void begin_stop(struct service *service, enum hec_status why)
{
    if (!atomic_exchange(&stopping, true)) {
        service->exit_status = (int)hec_exit_of(why);
        service->stop_ms = hec_now_ms();
        hec_metrics_set_run_state(service->parts.metrics, HEC_RUN_DRAINING);
        hec_notify_stopping();
    }
}

/* What the desk was told to do and only the loop may. */
static void follow_orders(struct service *service)
{
    bool paused = atomic_load(&service->paused_ms) != 0;
    if (atomic_load(&service->drain_ordered) && !atomic_load(&stopping)) {
        hec_log(HEC_LOG_INFO, "service", "draining", "finishing what is open", "why=console");
        begin_stop(service, HEC_OK);
    }
    if (paused != service->paused) {
        service->paused = paused;
        hec_log(HEC_LOG_WARN, "service", paused ? "paused" : "resumed",
                paused ? "no events are read until somebody resumes" : "events are read again",
                NULL);
        hec_notify_status(paused ? "paused by an operator" : "scoring");
    }
}

static void on_signal(evutil_socket_t number, short what, void *context)
{
    struct service *service = context;
    (void)what;
    if (atomic_load(&stopping)) {
        hec_log(HEC_LOG_WARN, "service", "killed", "second signal, leaving at once", "signal=%d",
                (int)number);
        _exit(HEC_EXIT_FAILURE);
    }
    hec_log(HEC_LOG_INFO, "service", "draining", "finishing what is open", "signal=%d",
            (int)number);
    begin_stop(service, HEC_OK);
}

/* The desk reads files, the loop never does. */
static void on_hangup(evutil_socket_t number, short what, void *context)
{
    (void)number;
    (void)what;
    hec_desk_reload_soon(((struct service *)context)->desk);
}

static void tell_status(struct service *service, const struct hec_engine_view *view, int64_t now_ms)
{
    char line[160];
    if (now_ms - service->status_told_ms < 5000 || service->paused) {
        return;
    }
    service->status_told_ms = now_ms;
    if (view->live) {
        snprintf(line, sizeof(line),
                 "scoring, %d partitions, lag %" PRId64 ", %" PRIu64 " events, %" PRIu64
                 " alerts%s",
                 (int)view->partitions, view->lag_records, view->rows, view->alerts,
                 view->store_connected ? "" : ", redis away");
    } else {
        snprintf(line, sizeof(line), "replaying state, %" PRId64 " records left",
                 view->replay_left);
    }
    hec_notify_status(line);
}

/* One line a minute or so: what an operator greps when there is no Prometheus. */
static void tell_stats(struct service *service, const struct hec_engine_view *view, int64_t now_ms)
{
    int64_t interval_ms =
        1000 * __atomic_load_n(&service->config->log.stats_interval_s, __ATOMIC_RELAXED);
    if (interval_ms == 0 || now_ms - service->stats_told_ms < interval_ms) {
        return;
    }
    service->stats_told_ms = now_ms;
    hec_log(HEC_LOG_INFO, "service", "stats", "still here",
            "events=%" PRIu64 " alerts=%" PRIu64 " lag=%" PRId64 " replay_left=%" PRId64
            " partitions=%d redis=%s",
            view->rows, view->alerts, view->lag_records, view->replay_left, (int)view->partitions,
            view->store_connected ? "connected" : "away");
}

/* What is safe stays safe: an engine that cannot finish in time is left where it stands, and the
 * next start does the open batch again. */
static void enforce_drain(const struct service *service, int64_t now_ms)
{
    if (atomic_load(&stopping) &&
        now_ms - service->stop_ms > service->config->hecate.drain_timeout_ms) {
        hec_log(HEC_LOG_ERROR, "service", "drain_timeout",
                "what is open could not be finished in time and will be done again", NULL);
        _exit(HEC_EXIT_FAILURE);
    }
}

/* READY comes once every engine is in the group and past its replay. */
static void tell_ready(struct service *service, const struct hec_engine_view *view)
{
    hec_metrics_set_run_state(service->parts.metrics, run_state_of(service));
    if (!service->ready && view->assigned && view->live) {
        service->ready = true;
        hec_notify_ready("scoring");
        hec_log(HEC_LOG_INFO, "service", "ready", "ready",
                "model=%s features=%s partitions=%d engines=%d", service->parts.model_sha256,
                hec_plan_digest(service->parts.plan), (int)view->partitions,
                service->engines_count);
    } else if (!service->ready) {
        hec_notify_extend_timeout(30000);
    }
}

static void on_tick(evutil_socket_t none, short what, void *context)
{
    struct service *service = context;
    (void)none;
    (void)what;
    int64_t now_ms = hec_now_ms();
    bool all_done = true;
    follow_orders(service);
    for (int i = 0; i < service->engines_count; i++) {
        struct engine_thread *thread = &service->engines[i];
        struct hec_engine_view view;
        hec_engine_view(thread->engine, &view);
        if (view.steps != thread->seen_steps) {
            thread->seen_steps = view.steps;
            thread->moved_ms = now_ms;
        }
        bool done = atomic_load(&thread->done);
        all_done &= done;
        if (done && thread->status != HEC_OK && !thread->told) {
            thread->told = true;
            hec_log(HEC_LOG_ERROR, "service", "engine_stopped", thread->error.text,
                    "engine=%d status=%s", i, hec_status_name(thread->status));
            begin_stop(service, thread->status);
            if (service->exit_status == HEC_EXIT_OK) { /* a drain that failed is no success */
                service->exit_status = (int)hec_exit_of(thread->status);
            }
        }
    }
    if (all_done) {
        event_base_loopbreak(service->base);
        return;
    }
    struct hec_engine_view view = view_of(service);
    if (!atomic_load(&stopping)) {
        tell_ready(service, &view);
        tell_status(service, &view, now_ms);
        tell_stats(service, &view, now_ms);
    }
    enforce_drain(service, now_ms);
    int64_t interval_ms = hec_notify_watchdog_interval_ms();
    if (interval_ms > 0 && now_ms - service->watchdog_ms >= interval_ms && is_moving(service)) {
        service->watchdog_ms = now_ms;
        hec_notify_watchdog();
    }
}

static enum hec_status make_engines(struct service *service, struct hec_error *error)
{
    enum hec_status status = HEC_OK;
    for (int i = 0; i < service->parts.engines_count && status == HEC_OK; i++) {
        status = hec_parts_engine(&service->engines[i].engine, &service->parts, i, error);
        service->all[i] = service->engines[i].engine;
        service->engines_count += status == HEC_OK;
    }
    return status;
}

static enum hec_status make_reload(struct service *service, const struct hec_config_source *source,
                                   struct hec_error *error)
{
    return hec_reload_new(&service->reload, source, service->config, &service->parts, service->all,
                          error);
}

static enum hec_status make_desk(struct service *service, struct hec_error *error)
{
    struct hec_desk_options options = {
        .config = service->config,
        .parts = &service->parts,
        .hooks = { .context = service,
                   .state = tell_state,
                   .checks = checks,
                   .pause = order_pause,
                   .drain = order_drain,
                   .score = order_score,
                   .reload = order_reload },
    };
    enum hec_status status = HEC_OK;
    if (service->config->admin.tokens_file[0] != '\0') {
        status = hec_tokens_load(&service->tokens, service->config->admin.tokens_file, error);
    }
    return status == HEC_OK ? hec_desk_new(&service->desk, &options, error) : status;
}

static void ask_desk(void *context, struct hec_exchange *exchange)
{
    hec_desk_take(((struct service *)context)->desk, exchange);
}

/* Outside of an installation there is no directory for the console's socket, and none is needed. */
static const char *console_socket(const struct service *service)
{
    const char *path = service->config->admin.socket;
    char directory[HEC_CONFIG_TEXT_MAX];
    snprintf(directory, sizeof(directory), "%s", path);
    char *slash = strrchr(directory, '/');
    if (slash == NULL || slash == directory) {
        return path;
    }
    *slash = '\0';
    if (access(directory, F_OK) == 0) {
        return path;
    }
    hec_log(HEC_LOG_INFO, "service", "no_console", "the socket's directory does not exist",
            "socket=%s", path);
    return "";
}

static enum hec_status open_http(struct service *service, struct hec_error *error)
{
    struct hec_http_options options = {
        .listen = service->config->admin.listen,
        .socket = console_socket(service),
        .socket_mode = 0660,
        .tokens = service->tokens,
        .ask = ask_desk,
        .metrics = service->parts.metrics,
        .context = service,
        .is_live = is_live,
        .checks = checks,
    };
    const char *socket = options.socket;
    enum hec_status status = hec_http_new(&service->http, service->base, &options, error);
    if (status == HEC_OK) {
        hec_log(HEC_LOG_INFO, "service", "listening", "probes, metrics and the console",
                "address=%s socket=%s", hec_http_address(service->http), socket);
        status = hec_desk_start(service->desk, service->http, error);
    }
    return status;
}

static enum hec_status run(struct service *service, struct hec_error *error)
{
    struct timeval tick = { 0, TICK_MS * 1000 };
    enum { EVENTS = 4 };
    struct event *events[EVENTS] = {
        evsignal_new(service->base, SIGTERM, on_signal, service),
        evsignal_new(service->base, SIGINT, on_signal, service),
        evsignal_new(service->base, SIGHUP, on_hangup, service),
        event_new(service->base, -1, EV_PERSIST, on_tick, service),
    };
    enum hec_status status = HEC_OK;
    for (int i = 0; i < EVENTS; i++) {
        if (events[i] == NULL || event_add(events[i], i == EVENTS - 1 ? &tick : NULL) != 0) {
            status = hec_fail(error, HEC_NO_MEMORY, "no memory for the event loop");
        }
    }
    for (int i = 0; i < service->engines_count && status == HEC_OK; i++) {
        status = start_engine(&service->engines[i], error);
    }
    if (status == HEC_OK) {
        event_base_dispatch(service->base);
    }
    atomic_store(&stopping, true);
    for (int i = 0; i < service->engines_count; i++) {
        if (service->engines[i].started) {
            pthread_join(service->engines[i].thread, NULL);
        }
    }
    for (int i = 0; i < EVENTS; i++) {
        if (events[i] != NULL) {
            event_free(events[i]);
        }
    }
    return status;
}

static void take_down(struct service *service)
{
    hec_desk_stop(service->desk);
    hec_http_free(service->http);
    hec_desk_free(service->desk);
    hec_tokens_free(service->tokens);
    for (int i = 0; i < service->engines_count; i++) {
        hec_engine_free(service->engines[i].engine, 5000);
    }
    if (service->base != NULL) {
        event_base_free(service->base);
    }
    hec_reload_free(service->reload);
    hec_parts_free(&service->parts);
}

int hec_service_run(struct hec_config *config, const struct hec_config_source *source)
{
    static struct service service; /* one service a process; too large for a stack */
    struct hec_error error = { 0 };
    service.config = config;
    service.started_ms = hec_wall_ms();
    pthread_mutex_init(&service.orders_lock, NULL);
    signal(SIGPIPE, SIG_IGN);
    hec_log(HEC_LOG_INFO, "service", "starting", "hecated " HEC_VERSION,
            "instance=%s topic=%s group=%s librdkafka=%s", config->hecate.instance,
            config->input.topic, config->input.group, hec_kafka_version());
    enum hec_status status = hec_parts_make(&service.parts, config, &error);
    if (status == HEC_OK) {
        status = make_engines(&service, &error);
    }
    if (status == HEC_OK) {
        status = make_reload(&service, source, &error);
    }
    if (status == HEC_OK) {
        status = make_desk(&service, &error);
    }
    if (status == HEC_OK) {
        service.base = event_base_new();
        status = service.base == NULL
                     ? hec_fail(&error, HEC_NO_MEMORY, "no memory for the event loop")
                     : open_http(&service, &error);
    }
    if (status == HEC_OK) {
        status = run(&service, &error);
    }
    if (status != HEC_OK) {
        hec_log(HEC_LOG_ERROR, "service", "cannot_start", error.text, "status=%s",
                hec_status_name(status));
        service.exit_status = (int)hec_exit_of(status);
    }
    take_down(&service);
    hec_log(HEC_LOG_INFO, "service", "stopped", "stopped", "exit=%d", service.exit_status);
    return service.exit_status;
}
