/* What an analyst asks and orders: alerts, one alert, who has it, what it was. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "desk/api.h"
#include "desk/explain.h"
#include "desk/inside.h"
#include "hecate/entity.h"
#include "ops/clock.h"

#define LIMIT 50
#define LIMIT_MAX 500
#define NOTE_BYTES_MAX 1000

/* ---- Rows ------------------------------------------------------------------------------------ */

static void put_text(yyjson_mut_doc *doc, yyjson_mut_val *to, const char *name, const char *text)
{
    if (text[0] != '\0') {
        yyjson_mut_obj_add_strcpy(doc, to, name, text);
    }
}

static void put_amount(yyjson_mut_doc *doc, yyjson_mut_val *to, const char *name, int64_t minor)
{
    if (minor >= 0) {
        yyjson_mut_obj_add_int(doc, to, name, minor);
    }
}

static void put_row(yyjson_mut_doc *doc, yyjson_mut_val *to, const struct hec_inbox_row *row)
{
    yyjson_mut_obj_add_int(doc, to, "seq", row->seq);
    put_text(doc, to, "alert_id", row->alert_id);
    put_text(doc, to, "head", row->head);
    put_text(doc, to, "severity", row->severity);
    put_text(doc, to, "outcome", row->outcome);
    yyjson_mut_obj_add_int(doc, to, "score", row->score);
    yyjson_mut_obj_add_int(doc, to, "threshold", row->threshold);
    yyjson_mut_obj_add_int(doc, to, "created_at_ms", row->created_at_ms);
    yyjson_mut_obj_add_int(doc, to, "event_time_ms", row->event_time_ms);
    put_text(doc, to, "event_id", row->event_id);
    put_text(doc, to, "event_type", row->event_type);
    put_text(doc, to, "kind", row->kind);
    put_text(doc, to, "token", row->token);
    put_amount(doc, to, "amount_minor", row->amount_minor);
    put_text(doc, to, "currency", row->currency);
    put_amount(doc, to, "expected_loss_minor", row->loss_minor);
    put_text(doc, to, "reason", row->reason);
    put_text(doc, to, "state", row->state);
    put_text(doc, to, "taken_by", row->taken_by);
    put_text(doc, to, "label", row->label);
    put_text(doc, to, "fraud_type", row->fraud_type);
    put_text(doc, to, "labelled_by", row->labelled_by);
    put_text(doc, to, "note", row->note);
    yyjson_mut_obj_add_int(doc, to, "repeats", row->repeats);
    yyjson_mut_obj_add_int(doc, to, "last_ms", row->last_ms);
    yyjson_mut_obj_add_bool(doc, to, "snoozed", row->snoozed);
}

void hec_api_put_summary(void *context, const struct hec_inbox_row *row)
{
    struct hec_api_call *call = context;
    put_row(call->reply, call->root, row);
}

/* ---- Lists ----------------------------------------------------------------------------------- */

static void put_listed(void *context, const struct hec_inbox_row *row)
{
    struct hec_api_listing *listing = context;
    yyjson_mut_doc *doc = listing->call->reply;
    put_row(doc, yyjson_mut_arr_add_obj(doc, listing->list), row);
    listing->last_seq = row->seq;
}

static void put_list(struct hec_api_call *call, const struct hec_inbox_filter *filter)
{
    struct hec_api_listing listing = hec_api_listing(call, "alerts");
    int count = hec_inbox_list(call->desk->inbox, filter, put_listed, &listing);
    if (count == filter->limit) {
        yyjson_mut_obj_add_int(call->reply, call->root, "next_cursor", listing.last_seq);
    }
    struct hec_inbox_counts counts;
    hec_inbox_count(call->desk->inbox, &counts);
    yyjson_mut_val *numbers = yyjson_mut_obj_add_obj(call->reply, call->root, "counts");
    yyjson_mut_obj_add_int(call->reply, numbers, "new", counts.new_ones);
    yyjson_mut_obj_add_int(call->reply, numbers, "taken", counts.taken);
    yyjson_mut_obj_add_int(call->reply, numbers, "closed", counts.closed);
    yyjson_mut_obj_add_int(call->reply, numbers, "snoozed", counts.snoozed);
    yyjson_mut_obj_add_int(call->reply, numbers, "repeats", counts.repeats);
}

static const char *query_or_empty(const struct hec_api_call *call, const char *name)
{
    const char *value = hec_exchange_query(call->exchange, name);
    return value == NULL ? "" : value;
}

static bool is_one_of(const char *text, const char *const *list)
{
    while (*list != NULL && strcmp(*list, text) != 0) {
        list++;
    }
    return *list != NULL;
}

void hec_api_alerts(struct hec_api_call *call)
{
    static const char *const STATES[] = { "",       "new",     "taken", "open",
                                          "closed", "snoozed", "all",   NULL };
    struct hec_inbox_filter filter = {
        .state = query_or_empty(call, "state"),
        .head = query_or_empty(call, "head"),
        .severity = query_or_empty(call, "severity"),
        .kind = "",
        .token = "",
        .min_score = hec_api_query_integer(call, "min_score", 0, 999, 0),
        .since_ms = hec_api_query_integer(call, "since_ms", 0, INT64_MAX, 0),
        .before_seq = hec_api_query_integer(call, "cursor", 0, INT64_MAX, 0),
        .limit = (int)hec_api_query_integer(call, "limit", 1, LIMIT_MAX, LIMIT),
    };
    char kind[32];
    const char *entity = query_or_empty(call, "entity");
    if (entity[0] != '\0') {
        size_t length = strcspn(entity, ":");
        if (entity[length] == '\0' || length >= sizeof(kind)) {
            hec_api_fail(call, 400, "entity must be kind:token.");
            return;
        }
        memcpy(kind, entity, length);
        kind[length] = '\0';
        filter.kind = kind;
        filter.token = entity + length + 1;
    }
    if (call->code == 200 && !is_one_of(filter.state, STATES)) {
        hec_api_fail(call, 400, "state must be new, taken, open, closed, snoozed or all.");
    }
    if (call->code == 200) {
        put_list(call, &filter);
    }
}

/* ---- One alert ------------------------------------------------------------------------------- */

static void fail_unknown(struct hec_api_call *call)
{
    hec_api_fail(call, 404, "No alert has this id, or more than one begins so.");
}

static void put_whole(void *context, const struct hec_inbox_row *row)
{
    struct hec_api_call *call = context;
    yyjson_doc *whole = yyjson_read(row->json, strlen(row->json), YYJSON_READ_NOFLAG);
    put_row(call->reply, call->root, row);
    yyjson_mut_obj_add_val(call->reply, call->root, "alert",
                           yyjson_val_mut_copy(call->reply, yyjson_doc_get_root(whole)));
    yyjson_doc_free(whole);
}

void hec_api_alert(struct hec_api_call *call)
{
    if (!hec_inbox_find(call->desk->inbox, call->captures[0], put_whole, call)) {
        fail_unknown(call);
    }
}

static void put_explained(void *context, const struct hec_inbox_row *row)
{
    struct hec_api_call *call = context;
    const struct hec_parts *parts = call->desk->options.parts;
    struct hec_explain explain = { parts->plan, parts->model, parts->model_sha256, &parts->policy };
    struct hec_error error = { 0 };
    yyjson_doc *whole = yyjson_read(row->json, strlen(row->json), YYJSON_READ_NOFLAG);
    yyjson_val *alert = yyjson_doc_get_root(whole);
    put_text(call->reply, call->root, "alert_id", row->alert_id);
    put_text(call->reply, call->root, "head", row->head);
    yyjson_mut_obj_add_strcpy(call->reply, call->root, "model_sha256", parts->model_sha256);
    enum hec_status status = hec_explain_alert(&explain, alert, call->reply, call->root, &error);
    yyjson_doc_free(whole);
    if (status != HEC_OK) {
        hec_api_fail(call,
                     status == HEC_NO_MEMORY   ? 503
                     : status == HEC_NOT_FOUND ? 404
                     : status == HEC_MISMATCH  ? 409
                                               : 422,
                     "%s", error.text);
    }
}

void hec_api_explain(struct hec_api_call *call)
{
    if (!hec_inbox_find(call->desk->inbox, call->captures[0], put_explained, call)) {
        fail_unknown(call);
    }
}

static void note_seq(void *context, const struct hec_inbox_row *row)
{
    struct hec_inbox_row *found = context;
    found->seq = row->folded_into != 0 ? row->folded_into : row->seq;
}

static int64_t find_seq(struct hec_api_call *call)
{
    struct hec_inbox_row found = { 0 };
    if (!hec_inbox_find(call->desk->inbox, call->captures[0], note_seq, &found)) {
        fail_unknown(call);
    }
    snprintf(call->subject, sizeof(call->subject), "%.40s", call->captures[0]);
    return found.seq;
}

static void fail_with(struct hec_api_call *call, enum hec_status status,
                      const struct hec_error *error)
{
    hec_api_fail(call,
                 status == HEC_NOT_FOUND ? 404
                 : status == HEC_DENIED  ? 409
                 : status == HEC_INVALID ? 422
                                         : 503,
                 "%s", error->text);
}

/* Everybody who looks at a list sees who took what. */
static void answer_changed(struct hec_api_call *call, enum hec_status status,
                           const struct hec_error *error)
{
    if (status != HEC_OK) {
        fail_with(call, status, error);
        return;
    }
    hec_inbox_find(call->desk->inbox, call->captures[0], hec_api_put_summary, call);
    char *text = yyjson_mut_write(call->reply, YYJSON_WRITE_NOFLAG, NULL);
    if (text != NULL && call->desk->http != NULL) {
        hec_http_publish(call->desk->http, "change", 0, text);
    }
    free(text);
}

void hec_api_take(struct hec_api_call *call)
{
    struct hec_error error = { 0 };
    int64_t seq = find_seq(call);
    if (call->code == 200) {
        answer_changed(
            call,
            hec_inbox_take(call->desk->inbox, seq, call->exchange->actor, hec_wall_ms(), &error),
            &error);
    }
}

/* An operator may give back what another has taken. */
void hec_api_release(struct hec_api_call *call)
{
    struct hec_error error = { 0 };
    int64_t seq = find_seq(call);
    if (call->code == 200) {
        answer_changed(call,
                       hec_inbox_release(call->desk->inbox, seq, call->exchange->actor,
                                         call->exchange->role >= HEC_ROLE_OPERATOR, &error),
                       &error);
    }
}

struct verdict {
    struct hec_api_call *call;
    const char *label, *fraud_type, *note;
    int64_t now_ms, seq;
    enum hec_status status;
    struct hec_error error;
};

/* First into the log, then into the inbox: a verdict that people see has been sent. Sent twice, the
 * second one says what the first one was. */
static void send_verdict(void *context, const struct hec_inbox_row *row)
{
    struct verdict *verdict = context;
    const char *actor = verdict->call->exchange->actor;
    if (strcmp(row->state, "taken") == 0 && strcmp(row->taken_by, actor) != 0) {
        verdict->status = hec_fail(&verdict->error, HEC_DENIED,
                                   "%s has taken it; it has to be released first.", row->taken_by);
        return;
    }
    verdict->seq = row->folded_into != 0 ? row->folded_into : row->seq;
    verdict->status = hec_desk_send_label(verdict->call->desk, row, verdict->label,
                                          verdict->fraud_type, verdict->now_ms, &verdict->error);
}

void hec_api_label(struct hec_api_call *call)
{
    static const char *const LABELS[] = { "fraud", "genuine", "unknown", NULL };
    struct verdict verdict = {
        .call = call,
        .label = hec_api_text(call, "label", 16, true),
        .now_ms = hec_wall_ms(),
        .status = HEC_OK,
    };
    verdict.fraud_type = call->code == 200 ? hec_api_text(call, "fraud_type", 8, false) : NULL;
    verdict.note = call->code == 200 ? hec_api_text(call, "note", NOTE_BYTES_MAX, false) : NULL;
    if (call->code == 200 && !is_one_of(verdict.label, LABELS)) {
        hec_api_fail(call, 422, "label must be fraud, genuine or unknown.");
    }
    if (call->code != 200) {
        return;
    }
    if (!hec_inbox_find(call->desk->inbox, call->captures[0], send_verdict, &verdict)) {
        fail_unknown(call);
        return;
    }
    if (verdict.status == HEC_OK) {
        verdict.status =
            hec_inbox_label(call->desk->inbox, verdict.seq, verdict.label, verdict.fraud_type,
                            verdict.note, call->exchange->actor, verdict.now_ms, &verdict.error);
    }
    snprintf(call->subject, sizeof(call->subject), "%.40s %s", call->captures[0], verdict.label);
    answer_changed(call, verdict.status, &verdict.error);
}

/* ---- An entity ------------------------------------------------------------------------------- */

static void put_own_snooze(void *context, const struct hec_snooze *snooze)
{
    struct hec_api_listing *wanted = context;
    yyjson_mut_doc *doc = wanted->call->reply;
    if (strcmp(snooze->kind, wanted->call->captures[0]) == 0 &&
        strcmp(snooze->token, wanted->call->captures[1]) == 0) {
        yyjson_mut_val *one = yyjson_mut_arr_add_obj(doc, wanted->list);
        yyjson_mut_obj_add_int(doc, one, "id", snooze->id);
        yyjson_mut_obj_add_strcpy(doc, one, "head", snooze->head);
        yyjson_mut_obj_add_strcpy(doc, one, "reason", snooze->reason);
        yyjson_mut_obj_add_int(doc, one, "until_ms", snooze->until_ms);
    }
}

void hec_api_entity(struct hec_api_call *call)
{
    const char *kind = call->captures[0], *token = call->captures[1];
    if (hec_kind_named(kind, strlen(kind)) == HEC_KINDS) {
        hec_api_fail(call, 404, "There is no such kind of entity.");
        return;
    }
    struct hec_inbox_filter filter = {
        .state = "all",
        .head = "",
        .severity = "",
        .kind = kind,
        .token = token,
        .limit = LIMIT_MAX,
    };
    yyjson_mut_obj_add_strcpy(call->reply, call->root, "kind", kind);
    yyjson_mut_obj_add_strcpy(call->reply, call->root, "token", token);
    put_list(call, &filter);
    struct hec_api_listing wanted = hec_api_listing(call, "snoozes");
    hec_snooze_list(call->desk->inbox, hec_wall_ms(), put_own_snooze, &wanted);
}
