/*
 * Allow and deny lists at the desk: from a file that is looked at again when it changes, and from a
 * compacted topic that is followed. Whatever changes, a new set goes up on the board.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "desk/api.h"
#include "desk/inside.h"
#include "ops/clock.h"
#include "ops/log.h"

#define LOOK_MS 1000
#define RETRY_MS 5000
#define FIRST_READ_MS 10000 /* how long a start waits for what stands on the topic */
#define SEND_MS 5000
#define FOR_S_MAX (3650 * 86400)

static void put_up(struct hec_desk *desk)
{
    struct hec_lists *lists = NULL;
    struct hec_meter *meter = hec_metrics_service(desk->options.parts->metrics);
    enum hec_status status = hec_roster_lists(&lists, desk->file_roster, desk->topic_roster);
    if (status == HEC_OK) {
        status = hec_board_put(desk->options.parts->lists, lists);
    }
    if (status != HEC_OK) {
        hec_log(HEC_LOG_ERROR, "desk", "lists_refused", "the lists before stay in force", "why=%s",
                hec_status_name(status));
        return;
    }
    for (int deny = 0; deny < 2; deny++) {
        size_t count = hec_roster_count(desk->file_roster, deny != 0) +
                       hec_roster_count(desk->topic_roster, deny != 0);
        hec_meter_set(meter, HEC_S_LIST_ENTRIES + deny, (int64_t)count);
    }
}

/* ---- The file -------------------------------------------------------------------------------- */

/* A file with a mistake leaves what was read before it in force. */
static bool read_file(struct hec_desk *desk)
{
    const char *path = desk->options.config->alerts.lists_file;
    struct stat now = { 0 };
    struct hec_error error = { 0 };
    if (path[0] == '\0') {
        return false;
    }
    bool there = stat(path, &now) == 0;
    bool same = there && now.st_mtim.tv_sec == desk->lists_stat.st_mtim.tv_sec &&
                now.st_mtim.tv_nsec == desk->lists_stat.st_mtim.tv_nsec &&
                now.st_size == desk->lists_stat.st_size;
    if (same || (!there && desk->lists_stat.st_mtim.tv_sec == 0)) {
        return false;
    }
    desk->lists_stat = now;
    struct hec_roster *fresh = NULL;
    enum hec_status status = hec_roster_new(&fresh);
    status = status == HEC_OK ? hec_roster_load(fresh, path, &error) : status;
    if (status != HEC_OK) {
        hec_log(HEC_LOG_ERROR, "desk", "lists_refused", "the lists before stay in force", "why=%s",
                error.text);
        hec_roster_free(fresh);
        return false;
    }
    hec_roster_free(desk->file_roster);
    desk->file_roster = fresh;
    return true;
}

/* ---- The topic ------------------------------------------------------------------------------- */

static bool take_record(struct hec_desk *desk, const struct hec_record *record)
{
    struct hec_roster_entry entry;
    struct hec_error error = { 0 };
    char key[sizeof(entry.key)];
    if (record->key == NULL || record->key_length >= sizeof(key)) {
        return false;
    }
    memcpy(key, record->key, record->key_length);
    key[record->key_length] = '\0';
    if (record->value == NULL || record->value_length == 0) {
        return hec_roster_remove(desk->topic_roster, key);
    }
    enum hec_status status =
        hec_roster_understand(&entry, record->value, record->value_length, &error);
    if (status == HEC_OK && strcmp(entry.key, key) != 0) {
        status = hec_fail(&error, HEC_INVALID, "the key is not the entity's");
    }
    if (status == HEC_OK) {
        return hec_roster_put(desk->topic_roster, &entry) == HEC_OK;
    }
    hec_log(HEC_LOG_WARN, "desk", "no_entry", "a record of the lists' topic was passed over",
            "partition=%d offset=%lld why=%s", (int)record->partition, (long long)record->offset,
            error.text);
    return false;
}

static void open_topic(struct hec_desk *desk)
{
    const struct hec_config *config = desk->options.config;
    struct hec_kafka_property list[HEC_KAFKA_PROPERTIES_MAX];
    struct hec_kafka_options options;
    struct hec_error error = { 0 };
    int64_t now_ms = hec_now_ms();
    if (desk->lists_tried_ms != 0 && now_ms - desk->lists_tried_ms < RETRY_MS) {
        return;
    }
    desk->lists_tried_ms = now_ms;
    hec_parts_kafka(config, HEC_KAFKA_CONSUMER, list, &options);
    if (hec_tap_new(&desk->lists_tap, &options, config->alerts.lists_topic, HEC_TAP_START,
                    &error) != HEC_OK) {
        hec_log(HEC_LOG_WARN, "desk", "topic_away", "a topic cannot be read, trying again",
                "why=%s", error.text);
    }
}

/* @return whether anything changed; *end: all of it was read */
static bool read_topic(struct hec_desk *desk, int wait_ms, bool *end)
{
    struct hec_error error = { 0 };
    struct hec_record record;
    bool changed = false;
    if (desk->lists_tap == NULL) {
        open_topic(desk);
    }
    *end = desk->lists_tap == NULL;
    enum hec_status status = HEC_OK;
    for (int i = 0; i < 10000 && desk->lists_tap != NULL && status == HEC_OK; i++) {
        status = hec_tap_next(desk->lists_tap, &record, wait_ms, &error);
        if (status == HEC_OK) {
            changed |= take_record(desk, &record);
            hec_source_release(&record, 1);
        }
    }
    if (status == HEC_FATAL) {
        /* Read again from the start by a new reader; until then what was read stays in force. */
        hec_log(HEC_LOG_WARN, "desk", "topic_away", "a topic cannot be read, trying again",
                "why=%s", error.text);
        hec_tap_close(desk->lists_tap);
        desk->lists_tap = NULL;
    }
    *end |= status == HEC_END;
    return changed;
}

/* ---- For the desk ---------------------------------------------------------------------------- */

enum hec_status hec_desk_open_lists(struct hec_desk *desk)
{
    enum hec_status status = hec_roster_new(&desk->file_roster);
    status = status == HEC_OK ? hec_roster_new(&desk->topic_roster) : status;
    if (status != HEC_OK) {
        return status;
    }
    /* Before the first event is judged: who is denied was so before this start. */
    bool changed = read_file(desk), end = desk->options.config->alerts.lists_topic[0] == '\0';
    for (int64_t until_ms = hec_now_ms() + FIRST_READ_MS; !end && hec_now_ms() < until_ms;) {
        changed |= read_topic(desk, 100, &end);
    }
    if (!end) {
        hec_log(HEC_LOG_WARN, "desk", "lists_late",
                "scoring begins before the lists' topic was read to its end", "entries=%zu",
                hec_roster_count(desk->topic_roster, false) +
                    hec_roster_count(desk->topic_roster, true));
    }
    if (changed) {
        put_up(desk);
    }
    return HEC_OK;
}

void hec_desk_follow_lists(struct hec_desk *desk)
{
    int64_t now_ms = hec_now_ms();
    bool changed = false, end;
    if (now_ms - desk->lists_looked_ms >= LOOK_MS) {
        desk->lists_looked_ms = now_ms;
        changed = read_file(desk);
    }
    if (desk->options.config->alerts.lists_topic[0] != '\0') {
        changed |= read_topic(desk, 0, &end);
    }
    if (changed) {
        put_up(desk);
    }
}

void hec_desk_close_lists(struct hec_desk *desk)
{
    hec_tap_close(desk->lists_tap);
    hec_roster_free(desk->file_roster);
    hec_roster_free(desk->topic_roster);
}

/* ---- Requests -------------------------------------------------------------------------------- */

static void put_entry(void *context, const struct hec_roster_entry *entry)
{
    struct hec_api_listing *listing = context;
    yyjson_mut_doc *doc = listing->call->reply;
    const char *list = entry->entry.deny ? "deny" : "allow";
    bool over = entry->entry.until_ms != 0 && entry->entry.until_ms <= hec_wall_ms();
    if (over || (listing->only[0] != '\0' && strcmp(listing->only, list) != 0)) {
        return;
    }
    yyjson_mut_val *one = yyjson_mut_arr_add_obj(doc, listing->list);
    yyjson_mut_obj_add_str(doc, one, "list", list);
    yyjson_mut_obj_add_str(doc, one, "kind", hec_kind_info(entry->entry.kind)->name);
    yyjson_mut_obj_add_strcpy(doc, one, "token", entry->token);
    yyjson_mut_obj_add_str(doc, one, "outcome", hec_action_name(entry->entry.action));
    yyjson_mut_obj_add_strcpy(doc, one, "reason", entry->reason);
    yyjson_mut_obj_add_strcpy(doc, one, "actor", entry->actor);
    yyjson_mut_obj_add_int(doc, one, "at_ms", entry->at_ms);
    if (entry->entry.until_ms != 0) {
        yyjson_mut_obj_add_int(doc, one, "until_ms", entry->entry.until_ms);
    }
}

void hec_api_lists(struct hec_api_call *call)
{
    const char *only = hec_exchange_query(call->exchange, "list");
    struct hec_api_listing listing = hec_api_listing(call, "entries");
    listing.only = only == NULL ? "" : only;
    hec_roster_each(call->desk->file_roster, put_entry, &listing);
    hec_roster_each(call->desk->topic_roster, put_entry, &listing);
}

/* To the topic when there is one, so that every daemon hears it; else into the file. value NULL
 * takes off. */
static enum hec_status store(struct hec_desk *desk, const char *key, const char *value,
                             struct hec_error *error)
{
    const struct hec_config *config = desk->options.config;
    if (config->alerts.lists_topic[0] == '\0') {
        enum hec_status status =
            hec_roster_save(desk->file_roster, config->alerts.lists_file, error);
        (void)!stat(config->alerts.lists_file, &desk->lists_stat);
        return status;
    }
    enum hec_status status = hec_desk_open_feed(desk, error);
    if (status == HEC_OK) {
        status = hec_feed_send(desk->feed, config->alerts.lists_topic, -1, key, strlen(key), value,
                               value == NULL ? 0 : strlen(value), 0, error);
    }
    return status == HEC_OK ? hec_feed_flush(desk->feed, SEND_MS, error) : status;
}

static bool has_lists(struct hec_api_call *call)
{
    const struct hec_config *config = call->desk->options.config;
    if (config->alerts.lists_topic[0] == '\0' && config->alerts.lists_file[0] == '\0') {
        hec_api_fail(call, 503, "There are no lists: set alerts.lists_file or alerts.lists_topic.");
    }
    return call->code == 200;
}

static struct hec_roster *own_roster(const struct hec_desk *desk)
{
    return desk->options.config->alerts.lists_topic[0] != '\0' ? desk->topic_roster
                                                               : desk->file_roster;
}

void hec_api_list_add(struct hec_api_call *call)
{
    struct hec_desk *desk = call->desk;
    struct hec_roster_entry entry;
    struct hec_error error = { 0 };
    char line[HEC_ROSTER_LINE_MAX];
    if (!has_lists(call)) {
        return;
    }
    const char *reason = hec_api_text(call, "reason", HEC_LIST_REASON_MAX, true);
    int64_t for_s = call->code == 200 ? hec_api_integer(call, "for_s", 1, FOR_S_MAX, 0) : 0;
    char *body = call->code == 200 ? yyjson_val_write(call->body, YYJSON_WRITE_NOFLAG, NULL) : NULL;
    if (body != NULL && hec_roster_understand(&entry, body, strlen(body), &error) != HEC_OK) {
        hec_api_fail(call, 422, "%s.", error.text);
    }
    free(body);
    if (call->code != 200 || reason == NULL) {
        return;
    }
    entry.at_ms = hec_wall_ms();
    entry.entry.until_ms = for_s == 0 ? 0 : entry.at_ms + for_s * 1000;
    snprintf(entry.actor, sizeof(entry.actor), "%s", call->exchange->actor);
    snprintf(call->subject, sizeof(call->subject), "%s %.120s", entry.entry.deny ? "deny" : "allow",
             entry.key);
    hec_roster_write(line, &entry);
    enum hec_status status = hec_roster_put(own_roster(desk), &entry);
    status = status == HEC_OK ? store(desk, entry.key, line, &error) : status;
    put_up(desk);
    if (status != HEC_OK) {
        hec_api_fail(call, 503, "It holds here and now, but was not stored: %s", error.text);
        return;
    }
    struct hec_api_listing listing = hec_api_listing(call, "entries");
    put_entry(&listing, hec_roster_find(own_roster(desk), entry.key));
}

static bool is_on(const struct hec_roster *roster, const char *list, const char *key)
{
    const struct hec_roster_entry *found = hec_roster_find(roster, key);
    return found != NULL && found->entry.deny == (strcmp(list, "deny") == 0);
}

void hec_api_list_remove(struct hec_api_call *call)
{
    struct hec_desk *desk = call->desk;
    struct hec_error error = { 0 };
    char key[HEC_TOKEN_BYTES_MAX + 16];
    if (!has_lists(call)) {
        return;
    }
    snprintf(key, sizeof(key), "%.14s:%.128s", call->captures[1], call->captures[2]);
    const char *list = call->captures[0];
    if (!is_on(own_roster(desk), list, key)) {
        if (is_on(desk->file_roster, list, key)) {
            hec_api_fail(call, 409,
                         "It stands in alerts.lists_file, which this daemon only reads "
                         "while there is a lists_topic: take it off there.");
        } else {
            hec_api_fail(call, 404, "It is not on this list.");
        }
        return;
    }
    /* Not before: what is on no list may be anything, a card number too. */
    snprintf(call->subject, sizeof(call->subject), "%.8s %.120s", list, key);
    hec_roster_remove(own_roster(desk), key);
    if (store(desk, key, NULL, &error) != HEC_OK) {
        hec_api_fail(call, 503, "It holds here and now, but was not stored: %s", error.text);
    }
    put_up(desk);
}
