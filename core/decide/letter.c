/*
 * Headers: CloudEvents attributes of alerts, and the reasons of dead letters.
 */
#include <assert.h>
#include <string.h>

#include "decide/json.h"
#include "hecate/decide.h"
#include "hecate/digest.h"

#define KEY_BYTES_MAX 1024 /* a longer one is taken for the reason that a letter is too large */

/* Starts a value. Every put below appends to it; finish gives it its name. */
static char *start(struct hec_headers *headers)
{
    return headers->storage + headers->used;
}

/* Leaves room for the end, and cuts at a whole UTF-8 character. */
static void put(struct hec_headers *headers, const char *bytes, size_t length)
{
    size_t room = sizeof(headers->storage) - 1 - headers->used;
    if (length > room) {
        length = room;
        while (length > 0 && ((unsigned char)bytes[length] & 0xc0) == 0x80) {
            length--;
        }
    }
    memcpy(headers->storage + headers->used, bytes, length);
    headers->used += length;
}

static void put_text(struct hec_headers *headers, const char *text)
{
    put(headers, text, strlen(text));
}

static void put_integer(struct hec_headers *headers, int64_t value)
{
    char text[HEC_NUMBER_TEXT_MAX];
    put(headers, text, (size_t)hec_integer_print(text, value));
}

static void finish(struct hec_headers *headers, const char *name, const char *value)
{
    assert(headers->count < HEC_HEADERS_MAX);
    char *end = headers->storage + headers->used;
    headers->list[headers->count++] =
        (struct hec_record_header){ .name = name, .value = value, .length = (size_t)(end - value) };
    *end = '\0';
    if (headers->used < sizeof(headers->storage) - 1) {
        headers->used++;
    }
}

static void text_header(struct hec_headers *headers, const char *name, const char *text)
{
    const char *value = start(headers);
    put_text(headers, text);
    finish(headers, name, value);
}

static void integer_header(struct hec_headers *headers, const char *name, int64_t integer)
{
    const char *value = start(headers);
    put_integer(headers, integer);
    finish(headers, name, value);
}

static void put_padded(struct hec_headers *headers, int64_t value, int width)
{
    char text[8];
    for (int i = width - 1; i >= 0; i--) {
        text[i] = (char)('0' + value % 10);
        value /= 10;
    }
    put(headers, text, (size_t)width);
}

/* RFC 3339 in UTC with milliseconds. Days to a date as in H. Hinnant's "chrono-compatible
 * low-level date algorithms": eras of 400 years that begin on 1 March. */
static void put_time(struct hec_headers *headers, int64_t ms)
{
    int64_t days = ms / 86400000, left = ms % 86400000;
    if (left < 0) {
        left += 86400000;
        days--;
    }
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153; /* month, March = 0 */
    int64_t day = day_of_year - (153 * shifted + 2) / 5 + 1;
    int64_t month = shifted < 10 ? shifted + 3 : shifted - 9;
    int64_t year = year_of_era + era * 400 + (month <= 2);

    put_padded(headers, year, 4);
    put(headers, "-", 1);
    put_padded(headers, month, 2);
    put(headers, "-", 1);
    put_padded(headers, day, 2);
    put(headers, "T", 1);
    put_padded(headers, left / 3600000, 2);
    put(headers, ":", 1);
    put_padded(headers, left / 60000 % 60, 2);
    put(headers, ":", 1);
    put_padded(headers, left / 1000 % 60, 2);
    put(headers, ".", 1);
    put_padded(headers, left % 1000, 3);
    put(headers, "Z", 1);
}

static void put_source(struct hec_headers *headers, const struct hec_alert *alert,
                       const char *instance)
{
    put_text(headers, "/hecate/");
    if (hec_event_has(alert->event, HEC_F_TENANT_ID)) {
        const struct hec_text *tenant = &alert->event->value[HEC_F_TENANT_ID].text;
        put(headers, tenant->bytes, tenant->length);
    } else {
        put_text(headers, alert->tenant == NULL ? "default" : alert->tenant);
    }
    put_text(headers, "/");
    put_text(headers, instance);
}

void hec_alert_headers(struct hec_headers *headers, const struct hec_alert *alert,
                       const char *instance)
{
    const char *head = alert->heads[alert->head].name;
    headers->count = 0;
    headers->used = 0;
    text_header(headers, "ce_specversion", "1.0");

    const char *value = start(headers);
    char id[HEC_ALERT_ID_BYTES];
    hec_alert_id(id, &alert->origin, head);
    put(headers, id, sizeof(id));
    finish(headers, "ce_id", value);

    value = start(headers);
    put_source(headers, alert, instance);
    finish(headers, "ce_source", value);

    text_header(headers, "ce_type", "org.hecate.alert.v1");

    value = start(headers);
    put_time(headers, alert->created_at_ms);
    finish(headers, "ce_time", value);

    value = start(headers);
    const struct hec_text *event_id = &alert->event->value[HEC_F_EVENT_ID].text;
    put(headers, event_id->bytes, event_id->length);
    finish(headers, "ce_subject", value);

    value = start(headers);
    char key[HEC_ALERT_KEY_MAX];
    put(headers, key, hec_alert_key(key, alert));
    finish(headers, "ce_partitionkey", value);

    text_header(headers, "ce_dataschema", "urn:hecate:schema:alert:1");
    text_header(headers, "ce_head", head);
    text_header(headers, "ce_severity", hec_severity_name(alert->decision.severity));
    text_header(headers, "ce_outcome", hec_action_name(alert->decision.action));
    text_header(headers, "content-type", "application/json");
}

static size_t digest_text(char text[80], const void *bytes, size_t length)
{
    memcpy(text, "sha256:", 7);
    hec_sha256(bytes, length, text + 7);
    return strlen(text);
}

/* The sentence: what the status means and which field is to blame, never a byte of the record. */
static void message_header(struct hec_headers *headers, const struct hec_dead_letter *letter)
{
    const char *value = start(headers);
    put_text(headers, hec_status_text(letter->status));
    if (letter->blame < HEC_FIELDS) {
        put_text(headers, ": ");
        put_text(headers, hec_field_info(letter->blame)->path);
    }
    finish(headers, "__hecate.errors.message", value);
}

void hec_dead_letter_make(struct hec_dead_letter_record *record,
                          const struct hec_dead_letter *letter)
{
    struct hec_headers *headers = &record->headers;
    headers->count = 0;
    headers->used = 0;
    text_header(headers, "__hecate.errors.topic", letter->origin.topic);
    integer_header(headers, "__hecate.errors.partition", letter->origin.partition);
    integer_header(headers, "__hecate.errors.offset", letter->origin.offset);
    if (letter->record_ms >= 0) {
        integer_header(headers, "__hecate.errors.timestamp_ms", letter->record_ms);
    }
    text_header(headers, "__hecate.errors.stage", letter->stage);
    text_header(headers, "__hecate.errors.code", hec_status_name(letter->status));
    message_header(headers, letter);
    text_header(headers, "__hecate.errors.instance", letter->instance);
    text_header(headers, "__hecate.errors.version", letter->version);

    record->key = letter->key;
    record->key_length = letter->key_length;
    record->value = letter->value;
    record->value_length = letter->value_length;
    bool withheld = letter->digests_only || letter->status == HEC_CARD_NUMBER;
    record->own_headers = !withheld;
    if (withheld && letter->value != NULL) {
        record->value_length =
            digest_text(record->value_digest, letter->value, letter->value_length);
        record->value = record->value_digest;
    }
    if (letter->key != NULL && (hec_looks_like_card_number(letter->key, letter->key_length) ||
                                (letter->digests_only && letter->key_length > KEY_BYTES_MAX))) {
        record->key_length = digest_text(record->key_digest, letter->key, letter->key_length);
        record->key = record->key_digest;
    }
}
