/*
 * One event scored while somebody waits.
 *
 *   loop's thread    hec_desk_score: decode, find the partition, ask the engine that has it
 *   engine's thread  answered: writes the reply
 *   desk's thread    hec_api_score: whatever cannot be scored, with the reason
 *
 * So the good way never waits for the desk, whose thread may be writing to a disk.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "desk/api.h"
#include "desk/inside.h"
#include "engine/question.h"
#include "hecate/event.h"
#include "kafka/feed.h"
#include "kafka/owners.h"
#include "ops/clock.h"

/* An asked event on its way: the exchange's body is what the engine reads. */
struct asked {
    struct hec_question question; /* first */
    struct hec_desk *desk;
    struct hec_exchange *exchange;
};

/* What one thread needs to look at an event. */
struct hec_look {
    struct hec_decoder *decoder;
    struct hec_event event;
    char *texts;
    size_t texts_bytes;
};

/* ---- Looking at it --------------------------------------------------------------------------- */

void hec_look_free(struct hec_look *look)
{
    if (look != NULL) {
        hec_decoder_free(look->decoder);
        free(look->texts);
        free(look);
    }
}

enum hec_status hec_look_new(struct hec_look **ret, const struct hec_config *config)
{
    struct hec_look *look = calloc(1, sizeof(*look));
    struct hec_decode_limits limits = {
        .record_bytes_max = (uint32_t)config->input.max_record_bytes,
        .future_skew_ms = config->input.max_future_skew_ms,
    };
    if (look == NULL || hec_decoder_new(&look->decoder, &limits) != HEC_OK) {
        hec_look_free(look);
        return HEC_NO_MEMORY;
    }
    *ret = look;
    return HEC_OK;
}

/* The event and where it belongs. */
static enum hec_status look_at(struct hec_look *look, const struct hec_desk *desk,
                               const struct hec_exchange *exchange, int64_t now_ms,
                               int32_t *partition, enum hec_field *blame)
{
    size_t needed = exchange->body_length + HEC_DECODE_PADDING;
    *blame = HEC_FIELDS;
    if (look->texts_bytes < needed) {
        char *texts = realloc(look->texts, needed);
        if (texts == NULL) {
            return HEC_NO_MEMORY;
        }
        look->texts = texts;
        look->texts_bytes = needed;
    }
    enum hec_status status = hec_decode(look->decoder, &look->event, exchange->body,
                                        exchange->body_length, now_ms, look->texts, blame);
    if (status == HEC_OK && !hec_event_has(&look->event, HEC_F_USER_TOKEN)) {
        *blame = HEC_F_USER_TOKEN; /* a forget may do without */
        status = HEC_MISSING_FIELD;
    }
    if (status == HEC_OK) {
        const struct hec_text *user = &look->event.value[HEC_F_USER_TOKEN].text;
        *partition =
            hec_kafka_partition_of(user->bytes, user->length, desk->options.parts->partitions);
    }
    return status;
}

/* ---- The good way ---------------------------------------------------------------------------- */

static void put_head(yyjson_mut_doc *doc, yyjson_mut_val *heads, const struct hec_answer *answer,
                     int head)
{
    const struct hec_head_policy *policy = &answer->policy->heads[head];
    const struct hec_decision *decision = &answer->decisions[head];
    yyjson_mut_val *one = yyjson_mut_obj(doc);
    yyjson_mut_obj_add(heads, yyjson_mut_strcpy(doc, answer->info->heads[head].name), one);
    yyjson_mut_obj_add_real(doc, one, "probability", (double)answer->scores[head]);
    yyjson_mut_obj_add_int(doc, one, "score", hec_score_999(answer->scores[head]));
    if (policy->mode != HEC_DECIDE_OFF && policy->alert_at < HEC_NEVER) {
        yyjson_mut_obj_add_int(doc, one, "threshold", hec_score_999(policy->alert_at));
    }
    yyjson_mut_obj_add_bool(doc, one, "alert", decision->alert);
    yyjson_mut_obj_add_str(doc, one, "outcome", hec_action_name(decision->action));
    yyjson_mut_obj_add_str(doc, one, "severity", hec_severity_name(decision->severity));
    if (decision->has_loss) {
        yyjson_mut_obj_add_int(doc, one, "expected_loss_minor", decision->loss_minor);
    }
}

static void put_reasons(yyjson_mut_doc *doc, yyjson_mut_val *root, const struct hec_answer *answer)
{
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, root, "reasons");
    for (int i = 0; i < answer->reasons_count; i++) {
        const struct hec_reason *reason = &answer->reasons[i];
        yyjson_mut_val *one = yyjson_mut_arr_add_obj(doc, list);
        yyjson_mut_obj_add_strcpy(doc, one, "code", reason->code);
        yyjson_mut_obj_add_str(doc, one, "direction", hec_direction_name(reason->direction));
        yyjson_mut_obj_add_strcpy(doc, one, "text", reason->text);
        yyjson_mut_obj_add_strcpy(doc, one, "feature", reason->feature);
        if (reason->observed_text.length > 0) {
            yyjson_mut_obj_add_strncpy(doc, one, "observed", reason->observed_text.bytes,
                                       reason->observed_text.length);
        } else if (isfinite(reason->observed)) {
            yyjson_mut_obj_add_real(doc, one, "observed", (double)reason->observed);
        }
        if (isfinite(reason->typical)) {
            yyjson_mut_obj_add_real(doc, one, "typical", (double)reason->typical);
        }
        yyjson_mut_obj_add_real(doc, one, "contribution", (double)reason->contribution);
    }
}

static char *write_answer(const struct hec_answer *answer, int32_t partition, size_t *length)
{
    const struct hec_row *row = answer->row;
    const struct hec_text *id = &row->event.value[HEC_F_EVENT_ID].text;
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_strn(doc, root, "event_id", id->bytes, id->length);
    yyjson_mut_obj_add_int(doc, root, "partition", partition);
    if (answer->head >= 0) { /* some head judges such events */
        yyjson_mut_obj_add_str(doc, root, "outcome",
                               hec_action_name(answer->decisions[answer->head].action));
        yyjson_mut_obj_add_strcpy(doc, root, "head", answer->info->heads[answer->head].name);
    }
    yyjson_mut_val *heads = yyjson_mut_obj_add_obj(doc, root, "heads");
    for (int head = 0; head < answer->info->heads_count; head++) {
        if (!isnan(answer->scores[head])) {
            put_head(doc, heads, answer, head);
        }
    }
    put_reasons(doc, root, answer);
    yyjson_mut_val *model = yyjson_mut_obj_add_obj(doc, root, "model");
    yyjson_mut_obj_add_strcpy(doc, model, "name", answer->info->name);
    yyjson_mut_obj_add_strcpy(doc, model, "version", answer->info->version);
    yyjson_mut_obj_add_strcpy(doc, model, "sha256", answer->model_sha256);
    yyjson_mut_val *quality = yyjson_mut_obj_add_obj(doc, root, "quality");
    yyjson_mut_obj_add_bool(doc, quality, "degraded", row->degraded);
    yyjson_mut_obj_add_bool(doc, quality, "late", row->outcome == HEC_OUT_SCORED_LATE);
    yyjson_mut_obj_add_int(doc, quality, "missing_features", row->missing);
    char *text = yyjson_mut_write(doc, YYJSON_WRITE_NEWLINE_AT_END, length);
    yyjson_mut_doc_free(doc);
    return text;
}

/* On the engine's thread. What was not scored goes to the desk, which can say why. */
static void answered(struct hec_question *question, const struct hec_answer *answer)
{
    struct asked *asked = (struct asked *)question;
    if (answer->status == HEC_OK && answer->row->scored >= 0) {
        size_t length = 0;
        char *text = write_answer(answer, question->partition, &length);
        hec_exchange_answer(asked->exchange, 200, text, length);
    } else {
        asked->exchange->note =
            answer->status != HEC_OK ? (int)answer->status : -(int)answer->row->outcome;
        hec_desk_ask(asked->desk, asked->exchange);
    }
    free(asked);
}

bool hec_desk_score(struct hec_desk *desk, struct hec_exchange *exchange)
{
    if (exchange->role < HEC_ROLE_OPERATOR || exchange->method != HEC_METHOD_POST ||
        exchange->parts_count != 3 || strcmp(exchange->parts[1], "v1") != 0 ||
        strcmp(exchange->parts[2], "score") != 0) {
        return false;
    }
    enum hec_field blame;
    int32_t partition;
    int64_t now_ms = hec_wall_ms();
    if (look_at(desk->loop_look, desk, exchange, now_ms, &partition, &blame) != HEC_OK ||
        !hec_event_is_scored(desk->loop_look->event.type)) {
        return false;
    }
    struct asked *asked = calloc(1, sizeof(*asked));
    if (asked == NULL) {
        return false;
    }
    *asked = (struct asked){
        .question = { .value = exchange->body,
                      .length = exchange->body_length,
                      .partition = partition,
                      .at_ms = now_ms,
                      .answer = answered },
        .desk = desk,
        .exchange = exchange,
    };
    enum hec_status status =
        desk->options.hooks.score(desk->options.hooks.context, &asked->question);
    if (status != HEC_OK) {
        exchange->note = (int)status;
        free(asked);
    }
    return status == HEC_OK;
}

/* ---- Why not --------------------------------------------------------------------------------- */

static void refuse_event(struct hec_api_call *call, enum hec_status status, enum hec_field blame)
{
    yyjson_mut_doc *doc = call->reply;
    yyjson_mut_val *errors = yyjson_mut_obj_add_arr(doc, call->root, "errors");
    yyjson_mut_val *one = yyjson_mut_arr_add_obj(doc, errors);
    yyjson_mut_obj_add_str(doc, one, "code", hec_status_name(status));
    yyjson_mut_obj_add_str(doc, one, "message", hec_status_text(status));
    if (blame != HEC_FIELDS) {
        yyjson_mut_obj_add_str(doc, one, "field", hec_field_info(blame)->path);
    }
    hec_api_fail(call, status == HEC_NOT_JSON || status == HEC_NOT_UTF8 ? 400 : 422,
                 "The event is refused: %s%s%s.",
                 blame != HEC_FIELDS ? hec_field_info(blame)->path : "",
                 blame != HEC_FIELDS ? ": " : "", hec_status_text(status));
}

/* Whose it is, from the group itself; when it does not say, at least that it is not ours. */
static void send_elsewhere(struct hec_api_call *call, int32_t partition)
{
    struct hec_desk *desk = call->desk;
    struct hec_error error = { 0 };
    struct hec_owner owner;
    enum hec_status status = HEC_OK;
    if (desk->owners == NULL) {
        struct hec_kafka_property list[HEC_KAFKA_PROPERTIES_MAX];
        struct hec_kafka_options options;
        const struct hec_config *config = desk->options.config;
        hec_parts_kafka(config, HEC_KAFKA_ANY, list, &options);
        status = hec_owners_new(&desk->owners, &options, config->input.group, config->input.topic,
                                &error);
    }
    status = status == HEC_OK ? hec_owners_of(desk->owners, partition, &owner, &error) : status;
    yyjson_mut_val *more = yyjson_mut_obj_add_obj(call->reply, call->root, "more");
    yyjson_mut_obj_add_int(call->reply, more, "partition", partition);
    if (status != HEC_OK) {
        hec_api_fail(call, 421,
                     "The user's partition %d is not ours, and its owner is not known just now: "
                     "try again in a few seconds, or ask another daemon of the group.",
                     (int)partition);
        return;
    }
    yyjson_mut_obj_add_strcpy(call->reply, more, "owner", owner.instance);
    yyjson_mut_obj_add_strcpy(call->reply, more, "owner_host", owner.host);
    hec_api_fail(call, 421,
                 "The user's partition %d is with %s on %s: send the event to that daemon's "
                 "admin.listen.",
                 (int)partition, owner.instance, owner.host);
}

void hec_api_score(struct hec_api_call *call)
{
    const struct hec_desk *desk = call->desk;
    enum hec_field blame;
    int32_t partition = -1;
    enum hec_status status =
        look_at(desk->desk_look, desk, call->exchange, hec_wall_ms(), &partition, &blame);
    int note = call->exchange->note;
    if (status == HEC_NO_MEMORY || note == (int)HEC_NO_MEMORY) {
        hec_api_fail(call, 503, "Memory is exhausted.");
    } else if (status != HEC_OK) {
        refuse_event(call, status, blame);
    } else if (!hec_event_is_scored(desk->desk_look->event.type)) {
        hec_api_fail(call, 422, "Events of type %s have no score.",
                     hec_event_type_name(desk->desk_look->event.type));
    } else if (note < 0) {
        hec_api_fail(call, 409,
                     "The event is part of the state already (%s): its score stands in "
                     "the topics.",
                     hec_outcome_name((enum hec_outcome) - note));
    } else if (note == (int)HEC_UNAVAILABLE) {
        hec_api_fail(call, 503,
                     "The state of partition %d is being rebuilt, or the daemon ends: try again.",
                     (int)partition);
    } else {
        send_elsewhere(call, partition);
    }
}
