/*
 * A verdict on its way back into the log: a label event with the entities and fields of the event
 * that it is about, under the user's key, so that it moves the delayed label rates as any other.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

#include "desk/inside.h"
#include "hecate/entity.h"
#include "hecate/event.h"

#define SEND_MS 5000

static void copy_event(yyjson_mut_doc *doc, yyjson_mut_val *root, yyjson_val *event)
{
    yyjson_val *key, *value;
    size_t i, count;
    yyjson_obj_foreach(event, i, count, key, value)
    {
        const char *name = yyjson_get_str(key);
        enum hec_field field = hec_field_named(name, yyjson_get_len(key));
        /* Its own id, type and time are this event's target; where it stood is told by nobody. */
        if (field != HEC_FIELDS && strncmp(name, "event_", 6) != 0) {
            yyjson_mut_obj_add(root, yyjson_val_mut_copy(doc, key),
                               yyjson_val_mut_copy(doc, value));
        }
    }
}

static void copy_entities(yyjson_mut_doc *doc, yyjson_mut_val *root, yyjson_val *entities)
{
    yyjson_val *entity;
    size_t i, count;
    yyjson_arr_foreach(entities, i, count, entity)
    {
        yyjson_val *name = yyjson_obj_get(entity, "kind"), *token = yyjson_obj_get(entity, "token");
        enum hec_kind kind = !yyjson_is_str(name)
                                 ? HEC_KINDS
                                 : hec_kind_named(yyjson_get_str(name), yyjson_get_len(name));
        if (kind != HEC_KINDS && yyjson_is_str(token)) {
            yyjson_mut_obj_add_strcpy(doc, root, hec_field_info(hec_kind_info(kind)->field)->path,
                                      yyjson_get_str(token));
        }
    }
}

/* Letters alone: digits of an id and of a time, side by side, may look like a card number, and the
 * decoder would refuse the event for it. */
static void name_label(char *name, size_t bytes, const char *alert_id, int64_t now_ms)
{
    char digits[80];
    snprintf(digits, sizeof(digits), "%.36s-%llx", alert_id, (unsigned long long)now_ms);
    size_t used = (size_t)snprintf(name, bytes, "label-");
    for (const char *at = digits; *at != '\0' && used + 1 < bytes; at++) {
        static const char HEX[] = "0123456789abcdef";
        const char *found = strchr(HEX, *at);
        if (found != NULL) {
            name[used++] = (char)('a' + (found - HEX));
        }
    }
    name[used] = '\0';
}

static char *write_label(const struct hec_inbox_row *alert, const char *label,
                         const char *fraud_type, int64_t now_ms)
{
    yyjson_doc *given = yyjson_read(alert->json, strlen(alert->json), YYJSON_READ_NOFLAG);
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_val *old = yyjson_doc_get_root(given);
    char id[96];
    name_label(id, sizeof(id), alert->alert_id, now_ms);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_str(doc, root, "event_id", id);
    yyjson_mut_obj_add_str(doc, root, "event_type", "label");
    yyjson_mut_obj_add_int(doc, root, "schema_version", 1);
    yyjson_mut_obj_add_int(doc, root, "event_time_ms", now_ms);
    copy_entities(doc, root, yyjson_obj_get(old, "entities"));
    copy_event(doc, root, yyjson_obj_get(old, "event"));
    yyjson_mut_obj_add_str(doc, root, "target_event_id", alert->event_id);
    yyjson_mut_obj_add_int(doc, root, "target_event_time_ms", alert->event_time_ms);
    yyjson_mut_obj_add_str(doc, root, "target_event_type", alert->event_type);
    yyjson_mut_obj_add_str(doc, root, "label", label);
    if (alert->label[0] != '\0') {
        yyjson_mut_obj_add_str(doc, root, "previous_label", alert->label);
    }
    if (fraud_type[0] != '\0') {
        yyjson_mut_obj_add_str(doc, root, "fraud_type", fraud_type);
    }
    yyjson_mut_obj_add_str(doc, root, "label_source", "analyst");
    char *text = yyjson_mut_write(doc, YYJSON_WRITE_NOFLAG, NULL);
    yyjson_mut_doc_free(doc);
    yyjson_doc_free(given);
    return text;
}

enum hec_status hec_desk_open_feed(struct hec_desk *desk, struct hec_error *error)
{
    struct hec_kafka_property list[HEC_KAFKA_PROPERTIES_MAX];
    struct hec_kafka_options options;
    hec_parts_kafka(desk->options.config, HEC_KAFKA_PRODUCER, list, &options);
    return desk->feed != NULL ? HEC_OK : hec_feed_new(&desk->feed, &options, error);
}

enum hec_status hec_desk_send_label(struct hec_desk *desk, const struct hec_inbox_row *alert,
                                    const char *label, const char *fraud_type, int64_t now_ms,
                                    struct hec_error *error)
{
    if (alert->user_token[0] == '\0') {
        return hec_fail(error, HEC_INVALID, "The alert names no user; its label has no key.");
    }
    char *text = write_label(alert, label, fraud_type, now_ms);
    if (text == NULL) {
        return hec_fail(error, HEC_NO_MEMORY, "Memory is exhausted.");
    }
    enum hec_status status = hec_desk_open_feed(desk, error);
    if (status == HEC_OK) {
        status = hec_feed_send(desk->feed, desk->options.config->input.topic, -1, alert->user_token,
                               strlen(alert->user_token), text, strlen(text), 0, error);
    }
    free(text);
    return status == HEC_OK ? hec_feed_flush(desk->feed, SEND_MS, error) : status;
}
