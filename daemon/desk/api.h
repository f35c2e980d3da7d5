/*
 * The API: one table of routes, and what a handler is given.
 *
 * Handlers run one after the other on the desk's thread, which is the only one that writes to the
 * inbox; they may wait for a disk, never for Kafka. The console's commands and the page use nothing
 * else.
 */
#ifndef HECATE_DESK_API_H
#define HECATE_DESK_API_H

#include <stdbool.h>
#include <stdint.h>
#include <yyjson.h>

#include "desk/desk.h"
#include "hecate/status.h"
#include "http/exchange.h"
#include "ops/inbox.h"

/* One request under way. */
struct hec_api_call {
    struct hec_desk *desk;
    const struct hec_exchange *exchange;
    const char *captures[3]; /* what stood where the route has a star */
    yyjson_val *body;        /* an object; NULL for GET and an empty body */
    yyjson_mut_doc *reply;   /* the handler fills root */
    yyjson_mut_val *root;    /* an object */
    int code;                /* 200 unless the handler says otherwise */
    char detail[300];        /* of a problem: code is 400 or more */
    char subject[200];       /* what was changed, for the audit; the path when empty */
};

typedef void hec_api_handler(struct hec_api_call *call);

struct hec_api_route {
    enum hec_method method;
    const char *pattern; /* "/api/v1/alerts/" then a star: one part of the path each */
    enum hec_role role;
    const char *audit; /* the verb that the audit notes; NULL: changes nothing */
    bool inbox;        /* needs one: 503 without */
    hec_api_handler *handle;
    const char *help; /* one phrase */
};

/** The routes, ended by a row without pattern. */
const struct hec_api_route *hec_api_routes(void);

/** Makes the call a problem. Nothing of the request may stand in the sentence. Of the root its
 * "errors" stay, and the members of "more". */
void hec_api_fail(struct hec_api_call *call, int code, const char *format, ...) HEC_PRINTF(3, 4);

/** A text member of the body, "" when it is absent. Fails the call (and returns NULL) when it is no
 * text, is longer than bytes_max, has control characters or what may be a card number, or is needed
 * and empty. */
const char *hec_api_text(struct hec_api_call *call, const char *name, size_t bytes_max,
                         bool needed);
/* An array of the answer that is being filled. */
struct hec_api_listing {
    struct hec_api_call *call;
    yyjson_mut_val *list;
    const char *only; /* for the filler: which ones */
    int64_t last_seq; /* the filler's: the newest that was put */
};
/** A new array of the answer's root. */
struct hec_api_listing hec_api_listing(struct hec_api_call *call, const char *name);

/** An integer member of the body, fallback when it is absent. Fails the call (and returns fallback)
 * when it is outside minimum .. maximum or no integer. */
int64_t hec_api_integer(struct hec_api_call *call, const char *name, int64_t minimum,
                        int64_t maximum, int64_t fallback);
/** The same of a query parameter. */
int64_t hec_api_query_integer(struct hec_api_call *call, const char *name, int64_t minimum,
                              int64_t maximum, int64_t fallback);

/** Answers an exchange through the table: role, body, handler, audit. Desk's thread. */
void hec_api_answer(struct hec_desk *desk, struct hec_exchange *exchange);

/* api_control.c */
hec_api_handler hec_api_status, hec_api_checks, hec_api_pause, hec_api_resume, hec_api_drain,
    hec_api_log_level, hec_api_routes_list, hec_api_reload, hec_api_config;

/* api_score.c */
hec_api_handler hec_api_score;

/* api_alerts.c */
hec_api_handler hec_api_alerts, hec_api_alert, hec_api_explain, hec_api_take, hec_api_release,
    hec_api_label, hec_api_entity;
/** An alert as lists and the stream tell it, into the call's root. */
void hec_api_put_summary(void *call, const struct hec_inbox_row *row);

/* api_desk.c */
hec_api_handler hec_api_snoozes, hec_api_snooze, hec_api_unsnooze, hec_api_audit,
    hec_api_dead_letters;

/* lists.c */
hec_api_handler hec_api_lists, hec_api_list_add, hec_api_list_remove;

#endif
