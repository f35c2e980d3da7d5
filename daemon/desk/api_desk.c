/* Snoozes, dead letters, the audit. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "desk/api.h"
#include "desk/inside.h"
#include "hecate/entity.h"
#include "ops/clock.h"

#define SNOOZE_S_MAX (180 * 86400)
#define REASON_BYTES_MAX 200
#define LIMIT 100
#define LIMIT_MAX 500

static void put_snooze(void *context, const struct hec_snooze *snooze)
{
    struct hec_api_listing *listing = context;
    yyjson_mut_doc *doc = listing->call->reply;
    yyjson_mut_val *one = yyjson_mut_arr_add_obj(doc, listing->list);
    yyjson_mut_obj_add_int(doc, one, "id", snooze->id);
    yyjson_mut_obj_add_strcpy(doc, one, "kind", snooze->kind);
    yyjson_mut_obj_add_strcpy(doc, one, "token", snooze->token);
    yyjson_mut_obj_add_strcpy(doc, one, "head", snooze->head);
    yyjson_mut_obj_add_strcpy(doc, one, "reason", snooze->reason);
    yyjson_mut_obj_add_strcpy(doc, one, "actor", snooze->actor);
    yyjson_mut_obj_add_int(doc, one, "created_ms", snooze->created_ms);
    yyjson_mut_obj_add_int(doc, one, "until_ms", snooze->until_ms);
    yyjson_mut_obj_add_int(doc, one, "kept", snooze->kept);
}

void hec_api_snoozes(struct hec_api_call *call)
{
    struct hec_api_listing listing = hec_api_listing(call, "snoozes");
    hec_snooze_list(call->desk->inbox, hec_wall_ms(), put_snooze, &listing);
}

static bool is_head(const struct hec_api_call *call, const char *name)
{
    const struct hec_model_info *info = hec_model_info(call->desk->options.parts->model);
    return hec_head_named(info->heads, info->heads_count, name, strlen(name)) >= 0;
}

void hec_api_snooze(struct hec_api_call *call)
{
    struct hec_snooze snooze = { .actor = call->exchange->actor, .created_ms = hec_wall_ms() };
    snooze.kind = hec_api_text(call, "kind", 16, true);
    snooze.token =
        call->code == 200 ? hec_api_text(call, "token", HEC_TOKEN_BYTES_MAX, true) : NULL;
    snooze.head = call->code == 200 ? hec_api_text(call, "head", HEC_HEAD_NAME_MAX, false) : NULL;
    snooze.reason = call->code == 200 ? hec_api_text(call, "reason", REASON_BYTES_MAX, true) : NULL;
    int64_t for_s = hec_api_integer(call, "for_s", 1, SNOOZE_S_MAX, 0);
    if (call->code == 200 && for_s == 0) {
        hec_api_fail(call, 422, "for_s is needed: a snooze has an end.");
    }
    if (call->code == 200 && hec_kind_named(snooze.kind, strlen(snooze.kind)) == HEC_KINDS) {
        hec_api_fail(call, 422, "There is no such kind of entity.");
    }
    if (call->code == 200 && snooze.head[0] != '\0' && !is_head(call, snooze.head)) {
        hec_api_fail(call, 422, "The model has no such head.");
    }
    if (call->code != 200) {
        return;
    }
    struct hec_error error = { 0 };
    snooze.until_ms = snooze.created_ms + for_s * 1000;
    snprintf(call->subject, sizeof(call->subject), "%s:%.100s %s for %lld s", snooze.kind,
             snooze.token, snooze.head, (long long)for_s);
    if (hec_snooze_add(call->desk->inbox, &snooze, &error) != HEC_OK) {
        hec_api_fail(call, 503, "%s", error.text);
        return;
    }
    struct hec_api_listing listing = hec_api_listing(call, "snoozes");
    put_snooze(&listing, &snooze);
}

void hec_api_unsnooze(struct hec_api_call *call)
{
    struct hec_error error = { 0 };
    char *end;
    long long id = strtoll(call->captures[0], &end, 10);
    enum hec_status status = *end != '\0'
                                 ? hec_fail(&error, HEC_NOT_FOUND, "There is no such snooze.")
                                 : hec_snooze_remove(call->desk->inbox, id, &error);
    snprintf(call->subject, sizeof(call->subject), "snooze %lld", id);
    if (status != HEC_OK) {
        hec_api_fail(call, status == HEC_NOT_FOUND ? 404 : 503, "%s", error.text);
    }
}

/* ---- The audit ------------------------------------------------------------------------------- */

static void put_audit(void *context, const struct hec_audit_row *row)
{
    struct hec_api_listing *listing = context;
    yyjson_mut_doc *doc = listing->call->reply;
    yyjson_mut_val *one = yyjson_mut_arr_add_obj(doc, listing->list);
    yyjson_mut_obj_add_int(doc, one, "id", row->id);
    yyjson_mut_obj_add_int(doc, one, "at_ms", row->at_ms);
    yyjson_mut_obj_add_strcpy(doc, one, "actor", row->actor);
    yyjson_mut_obj_add_strcpy(doc, one, "role", row->role);
    yyjson_mut_obj_add_strcpy(doc, one, "verb", row->verb);
    yyjson_mut_obj_add_strcpy(doc, one, "subject", row->subject);
    yyjson_mut_obj_add_int(doc, one, "code", row->code);
}

void hec_api_audit(struct hec_api_call *call)
{
    int64_t before = hec_api_query_integer(call, "cursor", 0, INT64_MAX, 0);
    int64_t limit = hec_api_query_integer(call, "limit", 1, LIMIT_MAX, LIMIT);
    if (call->code == 200) {
        struct hec_api_listing listing = hec_api_listing(call, "audit");
        hec_audit_list(call->desk->inbox, before, (int)limit, put_audit, &listing);
    }
}

/* ---- Dead letters ---------------------------------------------------------------------------- */

void hec_api_dead_letters(struct hec_api_call *call)
{
    const struct hec_desk *desk = call->desk;
    yyjson_mut_doc *doc = call->reply;
    int64_t limit = hec_api_query_integer(call, "limit", 1, DESK_LETTERS, DESK_LETTERS);
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, call->root, "dead_letters");
    for (int i = desk->letters_count - 1; i >= 0 && desk->letters_count - i <= limit; i--) {
        const struct hec_letter *letter =
            desk->kept_letters[(desk->letters_from + i) % DESK_LETTERS];
        yyjson_mut_val *one = yyjson_mut_arr_add_obj(doc, list);
        yyjson_mut_obj_add_int(doc, one, "partition", letter->partition);
        yyjson_mut_obj_add_int(doc, one, "offset", letter->offset);
        yyjson_mut_obj_add_int(doc, one, "at_ms", letter->at_ms);
        yyjson_mut_obj_add_strcpy(doc, one, "code", letter->code);
        yyjson_mut_obj_add_strcpy(doc, one, "message", letter->message);
        yyjson_mut_obj_add_strcpy(doc, one, "stage", letter->stage);
        yyjson_mut_obj_add_strcpy(doc, one, "source_topic", letter->topic);
        yyjson_mut_obj_add_strcpy(doc, one, "source_partition", letter->source_partition);
        yyjson_mut_obj_add_strcpy(doc, one, "source_offset", letter->source_offset);
        yyjson_mut_obj_add_strcpy(doc, one, "key", letter->key);
        yyjson_mut_obj_add_strcpy(doc, one, "value", letter->value);
        yyjson_mut_obj_add_uint(doc, one, "value_bytes", letter->value_bytes);
    }
}
