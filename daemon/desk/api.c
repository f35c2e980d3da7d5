#include "desk/api.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "desk/inside.h"
#include "hecate/event.h"
#include "ops/clock.h"
#include "ops/log.h"

#define V1 "/api/v1/"

/* clang-format off */
static const struct hec_api_route ROUTES[] = {
    { HEC_METHOD_GET, V1 "status", HEC_ROLE_VIEWER, NULL, false, hec_api_status,
      "state, versions, partitions, lag, counts" },
    { HEC_METHOD_GET, V1 "checks", HEC_ROLE_VIEWER, NULL, false, hec_api_checks,
      "the checks of /readyz" },
    { HEC_METHOD_GET, V1 "routes", HEC_ROLE_VIEWER, NULL, false, hec_api_routes_list,
      "this table" },
    { HEC_METHOD_GET, V1 "config", HEC_ROLE_VIEWER, NULL, false, hec_api_config,
      "the settings in effect and where each came from, secrets masked" },
    { HEC_METHOD_POST, V1 "pause", HEC_ROLE_OPERATOR, "pause", false, hec_api_pause,
      "stop reading events; {reason}" },
    { HEC_METHOD_POST, V1 "resume", HEC_ROLE_OPERATOR, "resume", false, hec_api_resume,
      "read on" },
    { HEC_METHOD_POST, V1 "drain", HEC_ROLE_OPERATOR, "drain", false, hec_api_drain,
      "finish what is open and end" },
    { HEC_METHOD_POST, V1 "reload", HEC_ROLE_OPERATOR, "reload", false, hec_api_reload,
      "take changed settings, all or none; {wait_ms}" },
    { HEC_METHOD_PUT, V1 "log-level", HEC_ROLE_OPERATOR, "log_level", false, hec_api_log_level,
      "{level, for_s}: for_s 0 is for good" },
    { HEC_METHOD_POST, V1 "score", HEC_ROLE_OPERATOR, NULL, false, hec_api_score,
      "one event as on the input topic: its scores, without any trace of it" },
    { HEC_METHOD_GET, V1 "alerts", HEC_ROLE_ANALYST, NULL, true, hec_api_alerts,
      "newest first; ?state ?head ?severity ?entity=kind:token ?min_score ?since_ms ?cursor "
      "?limit" },
    { HEC_METHOD_GET, V1 "alerts/*", HEC_ROLE_ANALYST, NULL, true, hec_api_alert,
      "one, whole; its id or an unambiguous beginning of it" },
    { HEC_METHOD_GET, V1 "alerts/*/explain", HEC_ROLE_ANALYST, NULL, true, hec_api_explain,
      "its feature row scored and explained again, held against what it says" },
    { HEC_METHOD_POST, V1 "alerts/*/take", HEC_ROLE_ANALYST, "alert_take", true, hec_api_take,
      "it is yours" },
    { HEC_METHOD_POST, V1 "alerts/*/release", HEC_ROLE_ANALYST, "alert_release", true,
      hec_api_release, "it is nobody's" },
    { HEC_METHOD_POST, V1 "alerts/*/label", HEC_ROLE_ANALYST, "alert_label", true, hec_api_label,
      "{label, fraud_type, note}: a verdict, sent to the input topic" },
    { HEC_METHOD_GET, V1 "entities/*/*", HEC_ROLE_ANALYST, NULL, true, hec_api_entity,
      "kind/token: its alerts and snoozes" },
    { HEC_METHOD_GET, V1 "snoozes", HEC_ROLE_ANALYST, NULL, true, hec_api_snoozes,
      "those in force" },
    { HEC_METHOD_POST, V1 "snoozes", HEC_ROLE_ANALYST, "snooze_add", true, hec_api_snooze,
      "{kind, token, head, for_s, reason}" },
    { HEC_METHOD_DELETE, V1 "snoozes/*", HEC_ROLE_ANALYST, "snooze_remove", true,
      hec_api_unsnooze, "end one" },
    { HEC_METHOD_GET, V1 "lists", HEC_ROLE_ANALYST, NULL, false, hec_api_lists,
      "who is allowed or denied; ?list=allow or deny" },
    { HEC_METHOD_POST, V1 "lists", HEC_ROLE_ANALYST, "list_add", false, hec_api_list_add,
      "{list, kind, token, reason, outcome, for_s}" },
    { HEC_METHOD_DELETE, V1 "lists/*/*/*", HEC_ROLE_ANALYST, "list_remove", false,
      hec_api_list_remove, "list/kind/token: take it off" },
    { HEC_METHOD_GET, V1 "dead-letters", HEC_ROLE_OPERATOR, NULL, false, hec_api_dead_letters,
      "the newest, with reasons" },
    { HEC_METHOD_GET, V1 "audit", HEC_ROLE_OPERATOR, NULL, true, hec_api_audit,
      "who did what; ?cursor ?limit" },
    { 0 },
};
/* clang-format on */

const struct hec_api_route *hec_api_routes(void)
{
    return ROUTES;
}

/* ---- What handlers ask ----------------------------------------------------------------------- */

void hec_api_fail(struct hec_api_call *call, int code, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    vsnprintf(call->detail, sizeof(call->detail), format, values);
    va_end(values);
    call->code = code;
}

const char *hec_api_text(struct hec_api_call *call, const char *name, size_t bytes_max, bool needed)
{
    yyjson_val *value = yyjson_obj_get(call->body, name);
    const char *text = value == NULL || yyjson_is_null(value) ? "" : yyjson_get_str(value);
    if (text == NULL ||
        strlen(text) != (value == NULL || text[0] == '\0' ? 0 : yyjson_get_len(value)) ||
        strlen(text) > bytes_max) {
        hec_api_fail(call, 422, "%s must be a text of at most %zu bytes.", name, bytes_max);
        return NULL;
    }
    for (const char *at = text; *at != '\0'; at++) {
        if ((unsigned char)*at < ' ' || *at == 0x7f) {
            hec_api_fail(call, 422, "%s must not hold control characters.", name);
            return NULL;
        }
    }
    if (hec_looks_like_card_number(text, strlen(text))) {
        hec_api_fail(call, 422, "%s holds what may be a raw card number.", name);
        return NULL;
    }
    if (needed && text[0] == '\0') {
        hec_api_fail(call, 422, "%s is needed.", name);
        return NULL;
    }
    return text;
}

struct hec_api_listing hec_api_listing(struct hec_api_call *call, const char *name)
{
    return (struct hec_api_listing){
        .call = call,
        .list = yyjson_mut_obj_add_arr(call->reply, call->root, name),
        .only = "",
    };
}

int64_t hec_api_integer(struct hec_api_call *call, const char *name, int64_t minimum,
                        int64_t maximum, int64_t fallback)
{
    yyjson_val *value = yyjson_obj_get(call->body, name);
    if (value == NULL || yyjson_is_null(value)) {
        return fallback;
    }
    int64_t number = yyjson_get_sint(value);
    if (!yyjson_is_int(value) || number < minimum || number > maximum) {
        hec_api_fail(call, 422, "%s must be an integer of %lld .. %lld.", name, (long long)minimum,
                     (long long)maximum);
        return fallback;
    }
    return number;
}

int64_t hec_api_query_integer(struct hec_api_call *call, const char *name, int64_t minimum,
                              int64_t maximum, int64_t fallback)
{
    const char *text = hec_exchange_query(call->exchange, name);
    if (text == NULL || text[0] == '\0') {
        return fallback;
    }
    char *end;
    long long number = strtoll(text, &end, 10);
    if (*end != '\0' || number < minimum || number > maximum) {
        hec_api_fail(call, 400, "%s must be an integer of %lld .. %lld.", name, (long long)minimum,
                     (long long)maximum);
        return fallback;
    }
    return number;
}

/* ---- The way of a request -------------------------------------------------------------------- */

/* Whether the path is the pattern's; stars capture. */
static bool is_path(const struct hec_exchange *exchange, const char *pattern,
                    const char *captures[3])
{
    int part = 0, captured = 0;
    while (*pattern == '/') {
        pattern++;
        size_t length = strcspn(pattern, "/");
        if (part == exchange->parts_count) {
            return false;
        }
        const char *given = exchange->parts[part++];
        if (length == 1 && *pattern == '*') {
            captures[captured++] = given;
        } else if (strlen(given) != length || memcmp(given, pattern, length) != 0) {
            return false;
        }
        pattern += length;
    }
    return part == exchange->parts_count;
}

static const struct hec_api_route *find_route(struct hec_api_call *call)
{
    bool known = false;
    for (const struct hec_api_route *route = ROUTES; route->pattern != NULL; route++) {
        if (is_path(call->exchange, route->pattern, call->captures)) {
            known = true;
            if (route->method == call->exchange->method) {
                return route;
            }
        }
    }
    if (known) {
        hec_api_fail(call, 405, "This path has no %s; see GET " V1 "routes.",
                     hec_method_name(call->exchange->method));
    } else {
        hec_api_fail(call, 404, "There is nothing here; see GET " V1 "routes.");
    }
    return NULL;
}

static yyjson_doc *read_body(struct hec_api_call *call)
{
    const struct hec_exchange *exchange = call->exchange;
    if (exchange->method == HEC_METHOD_GET || exchange->body_length == 0) {
        return NULL;
    }
    yyjson_doc *doc = yyjson_read(exchange->body, exchange->body_length, YYJSON_READ_NOFLAG);
    call->body = yyjson_doc_get_root(doc);
    if (!yyjson_is_obj(call->body)) {
        hec_api_fail(call, 400, "The body must be one JSON object.");
    }
    return doc;
}

/* A change is told in the log as well: an operator who looks there misses none. */
static void note(const struct hec_api_call *call, const struct hec_api_route *route)
{
    const char *subject = call->subject[0] == '\0' ? route->audit : call->subject;
    hec_log(HEC_LOG_INFO, "desk", "audit", "somebody changed something",
            "actor=%s role=%s verb=%s subject=%s code=%d", call->exchange->actor,
            hec_role_name(call->exchange->role), route->audit, subject, call->code);
    struct hec_error error = { 0 };
    struct hec_audit_row row = { .at_ms = hec_wall_ms(),
                                 .actor = call->exchange->actor,
                                 .role = hec_role_name(call->exchange->role),
                                 .verb = route->audit,
                                 .subject = subject,
                                 .code = call->code };
    if (call->desk->inbox != NULL && hec_audit_add(call->desk->inbox, &row, &error) != HEC_OK) {
        hec_log(HEC_LOG_ERROR, "desk", "audit_failed", "the audit could not be written", "why=%s",
                error.text);
    }
}

static void handle(struct hec_api_call *call)
{
    const struct hec_api_route *route = find_route(call);
    if (route == NULL) {
        return;
    }
    if (call->exchange->role < route->role) {
        hec_api_fail(call, 403, "This needs role %s.", hec_role_name(route->role));
    } else if (route->inbox && call->desk->inbox == NULL) {
        hec_api_fail(call, 503, "%s", call->desk->inbox_missing);
    } else {
        yyjson_doc *doc = read_body(call);
        if (call->code == 200) {
            route->handle(call);
        }
        call->body = NULL;
        yyjson_doc_free(doc);
    }
    if (route->audit != NULL) {
        note(call, route);
    }
}

static void put_problem(struct hec_api_call *call)
{
    yyjson_mut_val *problem = yyjson_mut_obj(call->reply);
    yyjson_mut_obj_add_str(call->reply, problem, "type", "about:blank");
    yyjson_mut_obj_add_str(call->reply, problem, "title", hec_http_title(call->code));
    yyjson_mut_obj_add_int(call->reply, problem, "status", call->code);
    yyjson_mut_obj_add_str(call->reply, problem, "detail", call->detail);
    yyjson_mut_val *errors = yyjson_mut_obj_get(call->root, "errors"); /* where there are several */
    if (errors != NULL) {
        yyjson_mut_obj_add_val(call->reply, problem, "errors",
                               yyjson_mut_val_mut_copy(call->reply, errors));
    }
    yyjson_mut_val *more =
        yyjson_mut_obj_get(call->root, "more"); /* members of this problem only */
    size_t i, count;
    yyjson_mut_val *key, *value;
    yyjson_mut_obj_foreach(more, i, count, key, value)
    {
        yyjson_mut_obj_add(problem, yyjson_mut_val_mut_copy(call->reply, key),
                           yyjson_mut_val_mut_copy(call->reply, value));
    }
    yyjson_mut_doc_set_root(call->reply, problem);
}

void hec_api_answer(struct hec_desk *desk, struct hec_exchange *exchange)
{
    struct hec_api_call call = { .desk = desk, .exchange = exchange, .code = 200 };
    call.reply = yyjson_mut_doc_new(NULL);
    call.root = yyjson_mut_obj(call.reply);
    if (call.root == NULL) {
        yyjson_mut_doc_free(call.reply);
        hec_exchange_answer(exchange, 503, NULL, 0);
        return;
    }
    yyjson_mut_doc_set_root(call.reply, call.root);
    handle(&call);
    if (call.code >= 400) {
        put_problem(&call);
    }
    size_t length = 0;
    char *text = yyjson_mut_write(call.reply, YYJSON_WRITE_NEWLINE_AT_END, &length);
    yyjson_mut_doc_free(call.reply);
    hec_exchange_answer(exchange, call.code, text, length);
}
