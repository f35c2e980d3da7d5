/*
 * The desk: the one thread on which people's requests are worked on.
 *
 * It answers the API, keeps the inbox and the audit, and feeds labels back into the log. All that
 * may wait for a disk or a broker waits here: neither the engines nor the loop that answers probes
 * ever does. What the desk wants of the rest of the process it asks through the hooks.
 */
#ifndef HECATE_DESK_DESK_H
#define HECATE_DESK_DESK_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/question.h"
#include "hecate/status.h"
#include "http/http.h"
#include "ops/config.h"
#include "ops/metrics.h"
#include "parts.h"
#include "reload.h"

struct hec_desk;

/* What the service is doing. */
struct hec_desk_state {
    enum hec_run_state run_state;
    bool ready;
    int64_t started_ms; /* wall clock */
    char pause_reason[200], paused_by[HEC_ACTOR_MAX];
    int64_t paused_ms; /* wall clock; 0: not paused */
    int engines;
};

/* Called on the desk's thread; they must be safe there and must not wait. */
struct hec_desk_hooks {
    void *context;
    void (*state)(void *context, struct hec_desk_state *state);
    int (*checks)(void *context, struct hec_http_check *checks);
    void (*pause)(void *context, const char *reason, const char *actor); /* NULL reason: resume */
    void (*drain)(void *context);
    /* Hands the question to the engine that has its partition; the loop's thread.
     * @return HEC_OK, HEC_FENCED (none has), HEC_UNAVAILABLE (it answers no more) */
    enum hec_status (*score)(void *context, struct hec_question *question);
    /* Takes changed settings; waits for the engines at most wait_ms. See reload.h. */
    enum hec_status (*reload)(void *context, int wait_ms, struct hec_reload_report *report,
                              struct hec_problems *problems);
};

struct hec_desk_options {
    const struct hec_config *config;
    const struct hec_parts *parts;
    struct hec_desk_hooks hooks;
};

/** Makes a desk; its thread waits for hec_desk_start. @return HEC_OK, HEC_NO_MEMORY */
HEC_CHECKED enum hec_status hec_desk_new(struct hec_desk **ret,
                                         const struct hec_desk_options *options,
                                         struct hec_error *error);

/** Begins to work. http receives what the stream tells; NULL: nobody does. */
HEC_CHECKED enum hec_status hec_desk_start(struct hec_desk *desk, struct hec_http *http,
                                           struct hec_error *error);

/** Takes an exchange of the HTTP face (its ask function). The loop's thread, never waits. */
void hec_desk_take(struct hec_desk *desk, struct hec_exchange *exchange);

/** Has the desk reload the settings at its next turn: SIGHUP. Any thread, never waits. */
void hec_desk_reload_soon(struct hec_desk *desk);

/** Answers what is still asked, ends the thread, keeps the last verdicts. After the engines have
 * ended, before hec_http_free. Accepts NULL. */
void hec_desk_stop(struct hec_desk *desk);
/** Accepts NULL. After hec_desk_stop. */
void hec_desk_free(struct hec_desk *desk);

#endif
