/*
 * What comes in: alerts into the inbox, dead letters into memory. Both from the topics, as any
 * other consumer would see them: committed, and from every daemon of the group.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "desk/api.h"
#include "desk/inside.h"
#include "ops/clock.h"
#include "ops/log.h"

#define TURN_RECORDS 500
#define RETRY_MS 5000
#define FRESH_MS 60000 /* older alerts are filed, but nobody is told */
#define EXPIRE_MS 3600000
#define VALUE_KEPT 4096

void hec_desk_open_inbox(struct hec_desk *desk)
{
    const struct hec_config *config = desk->options.config;
    struct hec_inbox_options options = {
        .path = config->alerts.inbox_file,
        .dedup_window_ms = config->alerts.dedup_window_s * 1000,
    };
    struct hec_error error = { 0 };
    char directory[HEC_CONFIG_TEXT_MAX];
    snprintf(directory, sizeof(directory), "%s", options.path);
    char *slash = strrchr(directory, '/');
    if (slash != NULL && slash != directory) {
        *slash = '\0';
    }
    if (options.path[0] == '\0' || (slash != NULL && access(directory, F_OK) != 0)) {
        snprintf(desk->inbox_missing, sizeof(desk->inbox_missing),
                 "There is no inbox: set alerts.inbox_file, in a directory that exists.");
        hec_log(HEC_LOG_INFO, "desk", "no_inbox", "the inbox's directory does not exist", "file=%s",
                options.path);
        return;
    }
    if (hec_inbox_open(&desk->inbox, &options, &error) != HEC_OK) {
        snprintf(desk->inbox_missing, sizeof(desk->inbox_missing), "There is no inbox: %.200s",
                 error.text);
        hec_log(HEC_LOG_ERROR, "desk", "inbox_refused", "the inbox cannot be used, scoring goes on",
                "file=%s why=%s", options.path, error.text);
    }
}

/* ---- Alerts ---------------------------------------------------------------------------------- */

/* Where filing goes on. What retention took is gone; a topic made anew begins at its start. */
static int64_t where_filed(void *context, int32_t partition, int64_t low, int64_t high)
{
    struct hec_desk *desk = context;
    int64_t next =
        hec_inbox_position(desk->inbox, desk->options.config->output.alert_topic, partition);
    return next < low || next > high ? low : next;
}

static void tell(struct hec_desk *desk, const char *event, int64_t seq, const char *alert_id)
{
    struct hec_api_call call = { .desk = desk };
    call.reply = yyjson_mut_doc_new(NULL);
    call.root = yyjson_mut_obj(call.reply);
    yyjson_mut_doc_set_root(call.reply, call.root);
    if (desk->http != NULL && call.root != NULL &&
        hec_inbox_find(desk->inbox, alert_id, hec_api_put_summary, &call)) {
        char *text = yyjson_mut_write(call.reply, YYJSON_WRITE_NOFLAG, NULL);
        if (text != NULL) {
            hec_http_publish(desk->http, event, (uint64_t)seq, text);
        }
        free(text);
    }
    yyjson_mut_doc_free(call.reply);
}

static enum hec_status file_one(struct hec_desk *desk, const struct hec_record *record,
                                struct hec_error *error)
{
    enum hec_filed filed = HEC_FILED_KNOWN;
    int64_t seq = 0, now_ms = hec_wall_ms();
    struct hec_meter *meter = hec_metrics_service(desk->options.parts->metrics);
    enum hec_status status = hec_inbox_file(desk->inbox, record->value, record->value_length,
                                            now_ms, &filed, &seq, error);
    if (status == HEC_INVALID) {
        hec_log(HEC_LOG_WARN, "desk", "no_alert", error->text, "partition=%d offset=%lld",
                (int)record->partition, (long long)record->offset);
        return HEC_OK;
    }
    if (status != HEC_OK) {
        return status;
    }
    hec_meter_add(meter, HEC_S_SUPPRESSED + HEC_SUPPRESSED_DEDUP, filed == HEC_FILED_REPEAT);
    hec_meter_add(meter, HEC_S_SUPPRESSED + HEC_SUPPRESSED_SNOOZE, filed == HEC_FILED_SNOOZED);
    char id[40] = "";
    yyjson_doc *doc = yyjson_read(record->value, record->value_length, YYJSON_READ_NOFLAG);
    yyjson_val *root = yyjson_doc_get_root(doc);
    const char *name = yyjson_get_str(yyjson_obj_get(root, "alert_id"));
    snprintf(id, sizeof(id), "%s", name == NULL ? "" : name);
    bool fresh = now_ms - yyjson_get_sint(yyjson_obj_get(root, "created_at_ms")) < FRESH_MS;
    yyjson_doc_free(doc);
    desk->outcomes_stale = true;
    if (filed == HEC_FILED_NEW && fresh) {
        tell(desk, "alert", seq, id);
    }
    return HEC_OK;
}

/* A run of records in one transaction with the offsets behind them. */
static bool file_run(struct hec_desk *desk)
{
    const char *topic = desk->options.config->output.alert_topic;
    struct hec_error error = { 0 };
    struct hec_record record;
    int taken = 0;
    enum hec_status status = HEC_OK;
    while (taken < TURN_RECORDS && status == HEC_OK &&
           hec_tap_next(desk->alerts, &record, 0, &error) == HEC_OK) {
        status = taken++ == 0 ? hec_inbox_begin(desk->inbox, &error) : HEC_OK;
        status = status == HEC_OK ? file_one(desk, &record, &error) : status;
        status = status == HEC_OK ? hec_inbox_seek(desk->inbox, topic, record.partition,
                                                   record.offset + 1, &error)
                                  : status;
        hec_source_release(&record, 1);
    }
    if (taken > 0 && status == HEC_OK) {
        status = hec_inbox_commit(desk->inbox, &error);
    }
    if (status != HEC_OK) {
        /* Nothing of the run was kept: it is read again from where the file stands. */
        hec_log(HEC_LOG_ERROR, "desk", "inbox_failed", "alerts could not be filed, trying again",
                "why=%s", error.text);
        hec_inbox_rollback(desk->inbox);
        hec_tap_close(desk->alerts);
        desk->alerts = NULL;
    }
    return taken == TURN_RECORDS;
}

/* ---- Dead letters ---------------------------------------------------------------------------- */

static int64_t last_ones(void *context, int32_t partition, int64_t low, int64_t high)
{
    (void)context;
    (void)partition;
    return high - low > DESK_LETTERS ? high - DESK_LETTERS : low;
}

/* Copies a text behind the letter; what cannot be shown as text becomes a dot. */
static const char *keep_text(char **room, const void *bytes, size_t length)
{
    char *text = *room;
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = ((const unsigned char *)bytes)[i];
        text[i] = byte < ' ' || byte > '~' ? '.' : (char)byte;
    }
    text[length] = '\0';
    *room += length + 1;
    return text;
}

static const char *keep_header(char **room, const struct hec_record *record, const char *name)
{
    struct hec_kafka_header header;
    char full[64];
    snprintf(full, sizeof(full), "__hecate.errors.%s", name);
    bool has = hec_record_header(record, full, &header) && header.value != NULL;
    size_t length = has ? header.length : 0;
    return keep_text(room, has ? header.value : "", length > 300 ? 300 : length);
}

static void keep_letter(struct hec_desk *desk, const struct hec_record *record)
{
    size_t value = record->value_length > VALUE_KEPT ? VALUE_KEPT : record->value_length;
    size_t key = record->key_length > 200 ? 200 : record->key_length;
    struct hec_letter *letter = malloc(sizeof(*letter) + value + key + 6 * 301 + 2);
    if (letter == NULL) {
        return;
    }
    char *room = (char *)(letter + 1);
    *letter = (struct hec_letter){
        .partition = record->partition,
        .offset = record->offset,
        .at_ms = record->record_ms,
        .value_bytes = record->value_length,
    };
    letter->code = keep_header(&room, record, "code");
    letter->message = keep_header(&room, record, "message");
    letter->stage = keep_header(&room, record, "stage");
    letter->topic = keep_header(&room, record, "topic");
    letter->source_partition = keep_header(&room, record, "partition");
    letter->source_offset = keep_header(&room, record, "offset");
    letter->key = keep_text(&room, record->key == NULL ? "" : record->key, key);
    letter->value = keep_text(&room, record->value == NULL ? "" : record->value, value);
    if (desk->letters_count == DESK_LETTERS) {
        free(desk->kept_letters[desk->letters_from]);
        desk->letters_from = (desk->letters_from + 1) % DESK_LETTERS;
        desk->letters_count--;
    }
    desk->kept_letters[(desk->letters_from + desk->letters_count++) % DESK_LETTERS] = letter;
}

static bool keep_run(struct hec_desk *desk)
{
    struct hec_error error = { 0 };
    struct hec_record record;
    int taken = 0;
    while (taken < TURN_RECORDS && hec_tap_next(desk->letters, &record, 0, &error) == HEC_OK) {
        keep_letter(desk, &record);
        hec_source_release(&record, 1);
        taken++;
    }
    return taken == TURN_RECORDS;
}

/* ---- The desk's turn ------------------------------------------------------------------------- */

static void open_taps(struct hec_desk *desk, int64_t now_ms)
{
    const struct hec_config *config = desk->options.config;
    struct hec_kafka_property list[HEC_KAFKA_PROPERTIES_MAX];
    struct hec_kafka_options options;
    struct hec_error error = { 0 };
    if (now_ms - desk->tried_ms < RETRY_MS && desk->tried_ms != 0) {
        return;
    }
    desk->tried_ms = now_ms;
    hec_parts_kafka(config, HEC_KAFKA_CONSUMER, list, &options);
    enum hec_status status = HEC_OK;
    if (desk->alerts == NULL && desk->inbox != NULL) {
        status = hec_tap_new_from(&desk->alerts, &options, config->output.alert_topic, where_filed,
                                  desk, &error);
    }
    if (desk->letters == NULL && status == HEC_OK) {
        status = hec_tap_new_from(&desk->letters, &options, config->output.dead_letter_topic,
                                  last_ones, NULL, &error);
    }
    if (status != HEC_OK) {
        hec_log(HEC_LOG_WARN, "desk", "topic_away", "a topic cannot be read, trying again",
                "why=%s", error.text);
    }
}

static void expire(struct hec_desk *desk, int64_t now_ms)
{
    struct hec_error error = { 0 };
    int64_t kept_ms = desk->options.config->alerts.inbox_retention_days * 86400000;
    if (desk->inbox == NULL || (now_ms - desk->expired_ms < EXPIRE_MS && desk->expired_ms != 0)) {
        return;
    }
    desk->expired_ms = now_ms;
    if (hec_inbox_expire(desk->inbox, hec_wall_ms() - kept_ms, &error) != HEC_OK) {
        hec_log(HEC_LOG_WARN, "desk", "inbox_failed", "old alerts could not be deleted", "why=%s",
                error.text);
    }
}

bool hec_desk_take_in(struct hec_desk *desk)
{
    int64_t now_ms = hec_now_ms();
    bool more = false;
    if ((desk->inbox != NULL && desk->alerts == NULL) || desk->letters == NULL) {
        open_taps(desk, now_ms);
    }
    if (desk->alerts != NULL) {
        more = file_run(desk);
    }
    if (desk->letters != NULL) {
        more |= keep_run(desk);
    }
    expire(desk, now_ms);
    return more;
}

void hec_desk_close_inbox(struct hec_desk *desk)
{
    hec_tap_close(desk->alerts);
    hec_tap_close(desk->letters);
    hec_feed_close(desk->feed, 2000);
    hec_inbox_close(desk->inbox);
    for (int i = 0; i < desk->letters_count; i++) {
        free(desk->kept_letters[(desk->letters_from + i) % DESK_LETTERS]);
    }
}
