#include "desk/desk.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "desk/api.h"
#include "desk/inside.h"
#include "kafka/owners.h"
#include "ops/clock.h"
#include "ops/log.h"

#define TELL_MS 1000
#define TURN_MS 20 /* the longest the desk sleeps */

enum hec_status hec_desk_new(struct hec_desk **ret, const struct hec_desk_options *options,
                             struct hec_error *error)
{
    struct hec_desk *desk = calloc(1, sizeof(*desk));
    if (desk == NULL) {
        return hec_fail(error, HEC_NO_MEMORY, "no memory for the desk");
    }
    desk->options = *options;
    if (hec_look_new(&desk->loop_look, options->config) != HEC_OK ||
        hec_look_new(&desk->desk_look, options->config) != HEC_OK ||
        hec_desk_open_outcomes(desk) != HEC_OK || hec_desk_open_lists(desk) != HEC_OK) {
        hec_look_free(desk->loop_look);
        hec_look_free(desk->desk_look);
        hec_desk_close_outcomes(desk);
        hec_desk_close_lists(desk);
        free(desk);
        return hec_fail(error, HEC_NO_MEMORY, "no memory for the desk");
    }
    hec_desk_open_inbox(desk);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&desk->lock, NULL);
    pthread_cond_init(&desk->came, &attributes);
    pthread_condattr_destroy(&attributes);
    *ret = desk;
    return HEC_OK;
}

void hec_desk_take(struct hec_desk *desk, struct hec_exchange *exchange)
{
    if (!hec_desk_score(desk, exchange)) {
        hec_desk_ask(desk, exchange);
    }
}

void hec_desk_ask(struct hec_desk *desk, struct hec_exchange *exchange)
{
    pthread_mutex_lock(&desk->lock);
    assert(desk->queue_count < DESK_QUEUE);
    desk->queue[(desk->queue_from + desk->queue_count++) % DESK_QUEUE] = exchange;
    pthread_cond_signal(&desk->came);
    pthread_mutex_unlock(&desk->lock);
}

/* The next exchange, or NULL after wait_ms without one. */
static struct hec_exchange *next_exchange(struct hec_desk *desk, int wait_ms, bool *stopping)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += wait_ms * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    struct hec_exchange *exchange = NULL;
    pthread_mutex_lock(&desk->lock);
    int code = 0;
    while (desk->queue_count == 0 && !desk->stopping && code != ETIMEDOUT) {
        code = pthread_cond_timedwait(&desk->came, &desk->lock, &until);
    }
    if (desk->queue_count > 0) {
        exchange = desk->queue[desk->queue_from];
        desk->queue_from = (desk->queue_from + 1) % DESK_QUEUE;
        desk->queue_count--;
    }
    *stopping = desk->stopping;
    pthread_mutex_unlock(&desk->lock);
    return exchange;
}

/* A level that was raised for a while goes back by itself. */
static void mind_log_level(struct hec_desk *desk)
{
    if (desk->log_until_ms != 0 && hec_now_ms() >= desk->log_until_ms) {
        desk->log_until_ms = 0;
        hec_log_set_level((enum hec_log_level)desk->log_before);
        hec_log(HEC_LOG_INFO, "desk", "log_level", "the log level is back", "level=%s",
                hec_log_level_name((enum hec_log_level)desk->log_before));
    }
}

/* Once a second, what the page shows of the state, to those who listen. */
static void tell_stats(struct hec_desk *desk)
{
    int64_t now_ms = hec_now_ms();
    bool heard = hec_metrics_value(desk->options.parts->metrics, HEC_S_SSE_CLIENTS) > 0;
    if (!heard || now_ms - desk->told_ms < TELL_MS) {
        return;
    }
    desk->told_ms = now_ms;
    struct hec_api_call call = { .desk = desk, .code = 200 };
    call.reply = yyjson_mut_doc_new(NULL);
    call.root = yyjson_mut_obj(call.reply);
    yyjson_mut_doc_set_root(call.reply, call.root);
    if (call.root != NULL) {
        hec_api_status(&call);
    }
    char *text = yyjson_mut_write(call.reply, YYJSON_WRITE_NOFLAG, NULL);
    if (text != NULL) {
        hec_http_publish(desk->http, "stats", 0, text);
    }
    free(text);
    yyjson_mut_doc_free(call.reply);
}

void hec_desk_reload_soon(struct hec_desk *desk)
{
    atomic_store(&desk->reload_wanted, true);
}

/* What a signal asked for; what comes of it stands in the log and in the metrics. */
static void reload_if_wanted(struct hec_desk *desk)
{
    if (atomic_exchange(&desk->reload_wanted, false)) {
        static struct hec_reload_report report;
        static struct hec_problems problems;
        const struct hec_desk_hooks *hooks = &desk->options.hooks;
        problems = (struct hec_problems){ 0 };
        (void)!hooks->reload(hooks->context, 0, &report, &problems);
    }
}

static void *run(void *context)
{
    struct hec_desk *desk = context;
    bool stopping = false, more = false;
    for (;;) {
        struct hec_exchange *exchange = next_exchange(desk, more ? 0 : TURN_MS, &stopping);
        if (exchange != NULL) {
            hec_api_answer(desk, exchange);
        } else if (stopping) {
            return NULL;
        }
        mind_log_level(desk);
        tell_stats(desk);
        reload_if_wanted(desk);
        hec_desk_follow_lists(desk);
        more = !stopping && hec_desk_follow_outcomes(desk);
        more |= !stopping && hec_desk_take_in(desk);
    }
}

enum hec_status hec_desk_start(struct hec_desk *desk, struct hec_http *http,
                               struct hec_error *error)
{
    desk->http = http;
    int failed = pthread_create(&desk->thread, NULL, run, desk);
    desk->started = failed == 0;
    return failed == 0
               ? HEC_OK
               : hec_fail(error, HEC_NO_MEMORY, "cannot start a thread: %s", strerror(failed));
}

void hec_desk_stop(struct hec_desk *desk)
{
    if (desk == NULL || !desk->started) {
        return;
    }
    pthread_mutex_lock(&desk->lock);
    desk->stopping = true;
    pthread_cond_signal(&desk->came);
    pthread_mutex_unlock(&desk->lock);
    pthread_join(desk->thread, NULL);
    desk->started = false;
    /* What was read in the last moment is in the last checkpoint: nobody reads it again. */
    hec_desk_take_last_notes(desk);
}

void hec_desk_free(struct hec_desk *desk)
{
    if (desk == NULL) {
        return;
    }
    hec_desk_close_inbox(desk);
    hec_desk_close_outcomes(desk);
    hec_desk_close_lists(desk);
    hec_owners_free(desk->owners);
    hec_look_free(desk->loop_look);
    hec_look_free(desk->desk_look);
    pthread_cond_destroy(&desk->came);
    pthread_mutex_destroy(&desk->lock);
    free(desk);
}
