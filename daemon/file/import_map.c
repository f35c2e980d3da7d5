#include "file/import_map.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file/lines.h"
#include "file/when.h"

#define LINE_BYTES_MAX 1024

/* One "key = value" line. */
struct entry {
    const char *path;
    int line;
    char key[128];
    char value[LINE_BYTES_MAX];
};

static enum hec_status wrong(const struct entry *entry, struct hec_error *error, const char *what)
{
    return hec_fail(error, HEC_INVALID, "%s:%d: %s = %s: %s", entry->path, entry->line, entry->key,
                    entry->value, what);
}

static bool copy(char *to, size_t room, const char *from, size_t length)
{
    if (length >= room) {
        return false;
    }
    memcpy(to, from, length);
    to[length] = '\0';
    return true;
}

/* What stands between braces: "#", "column", "customers.column", "column*100". */
static bool parse_cell(struct hec_import_part *part, const char *text, size_t length)
{
    static const char OTHER[] = "customers.";
    const char *star = memchr(text, '*', length);
    if (star != NULL) {
        char *end;
        part->times = strtoll(star + 1, &end, 10);
        if (end != text + length || part->times < 1 || part->times > 1000000) {
            return false;
        }
        length = (size_t)(star - text);
    }
    if (length == 1 && text[0] == '#') {
        part->kind = HEC_PART_NUMBER;
        return star == NULL;
    }
    part->kind = HEC_PART_CELL;
    if (length > sizeof(OTHER) - 1 && memcmp(text, OTHER, sizeof(OTHER) - 1) == 0) {
        part->kind = HEC_PART_CUSTOMER;
        text += sizeof(OTHER) - 1;
        length -= sizeof(OTHER) - 1;
    }
    return length > 0 && copy(part->name, sizeof(part->name), text, length);
}

static enum hec_status parse_template(struct hec_import_template *template,
                                      const struct entry *entry, struct hec_error *error)
{
    const char *at = entry->value;
    template->parts_count = 0;
    template->line = entry->line;
    while (*at != '\0') {
        if (template->parts_count == HEC_IMPORT_PARTS_MAX) {
            return wrong(entry, error, "too many parts");
        }
        struct hec_import_part *part = &template->parts[template->parts_count++];
        *part = (struct hec_import_part){ .kind = HEC_PART_TEXT, .times = 1, .column = -1 };
        bool good;
        if (*at == '{') {
            const char *end = strchr(at, '}');
            good = end != NULL && parse_cell(part, at + 1, (size_t)(end - at - 1));
            at = good ? end + 1 : at;
        } else {
            size_t length = strcspn(at, "{");
            good = copy(part->name, sizeof(part->name), at, length);
            at += length;
        }
        if (!good) {
            return wrong(entry, error,
                         "braces must hold #, a column, customers.COLUMN or COLUMN*NUMBER");
        }
    }
    return template->parts_count == 0 ? wrong(entry, error, "is empty") : HEC_OK;
}

static enum hec_status set_text(char *to, size_t room, const struct entry *entry,
                                struct hec_error *error)
{
    return copy(to, room, entry->value, strlen(entry->value)) ? HEC_OK
                                                              : wrong(entry, error, "is too long");
}

static enum hec_status set_unit(struct hec_import_map *map, const struct entry *entry,
                                struct hec_error *error)
{
    static const char *const UNITS[] = { "s", "ms", "rfc3339" };
    for (int i = 0; i < 3; i++) {
        if (strcmp(entry->value, UNITS[i]) == 0) {
            map->time_unit = (enum hec_import_unit)i;
            return HEC_OK;
        }
    }
    return wrong(entry, error, "must be s, ms or rfc3339");
}

static enum hec_status set_fraud_type(struct hec_import_map *map, const struct entry *entry,
                                      struct hec_error *error)
{
    const char *value = entry->key + strlen("fraud.type.");
    if (map->fraud_types_count == HEC_IMPORT_TYPES_MAX) {
        return wrong(entry, error, "too many fraud types");
    }
    int i = map->fraud_types_count++;
    return copy(map->fraud_types[i].value, sizeof(map->fraud_types[i].value), value, strlen(value))
               ? set_text(map->fraud_types[i].type, sizeof(map->fraud_types[i].type), entry, error)
               : wrong(entry, error, "is too long");
}

static enum hec_status set(struct hec_import_map *map, const struct entry *entry,
                           struct hec_error *error)
{
    const struct {
        const char *key;
        char *to;
        size_t room;
    } texts[] = {
        { "time.column", map->time_column, sizeof(map->time_column) },
        { "customers.key", map->customers_key, sizeof(map->customers_key) },
        { "fraud.column", map->fraud_column, sizeof(map->fraud_column) },
        { "fraud.genuine", map->fraud_genuine, sizeof(map->fraud_genuine) },
        { "fraud.type", map->fraud_type, sizeof(map->fraud_type) },
        { "fraud.source", map->fraud_source, sizeof(map->fraud_source) },
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (strcmp(entry->key, texts[i].key) == 0) {
            return set_text(texts[i].to, texts[i].room, entry, error);
        }
    }
    if (strncmp(entry->key, "fraud.type.", strlen("fraud.type.")) == 0) {
        return set_fraud_type(map, entry, error);
    }
    if (strcmp(entry->key, "time.unit") == 0) {
        return set_unit(map, entry, error);
    }
    if (strcmp(entry->key, "time.origin") == 0) {
        return hec_when_parse(entry->value, &map->time_origin_ms)
                   ? HEC_OK
                   : wrong(entry, error, "must be a time such as 2018-04-01");
    }
    if (strcmp(entry->key, "event_type") == 0) {
        map->type = hec_event_type_named(entry->value, strlen(entry->value));
        return map->type < HEC_EVENT_TYPES && hec_event_is_scored(map->type)
                   ? HEC_OK
                   : wrong(entry, error, "must be card_auth, transfer, login or account_change");
    }
    if (strcmp(entry->key, "label.event_id") == 0) {
        return parse_template(&map->label_event_id, entry, error);
    }
    enum hec_field field = hec_field_named(entry->key, strlen(entry->key));
    if (field == HEC_FIELDS || field == HEC_F_EVENT_TIME_MS) {
        return wrong(entry, error, "no field of an event and no setting of a map");
    }
    return parse_template(&map->fields[field], entry, error);
}

/* Splits "key = value"; spaces around both do not count, nor does what follows " #". */
static bool split(struct entry *entry, const struct hec_line *line)
{
    const char *end = line->bytes + line->length;
    const char *equals = memchr(line->bytes, '=', line->length);
    const char *key = line->bytes, *value = equals == NULL ? end : equals + 1;
    const char *key_end = equals == NULL ? end : equals;
    for (const char *at = value; at + 1 < end; at++) {
        if (isspace((unsigned char)at[0]) && at[1] == '#') {
            end = at;
        }
    }
    while (key < key_end && isspace((unsigned char)*key)) {
        key++;
    }
    while (key_end > key && isspace((unsigned char)key_end[-1])) {
        key_end--;
    }
    while (value < end && isspace((unsigned char)*value)) {
        value++;
    }
    while (end > value && isspace((unsigned char)end[-1])) {
        end--;
    }
    return equals != NULL && key < key_end &&
           copy(entry->key, sizeof(entry->key), key, (size_t)(key_end - key)) &&
           copy(entry->value, sizeof(entry->value), value, (size_t)(end - value));
}

static enum hec_status check_complete(const struct hec_import_map *map, struct hec_error *error)
{
    if (map->type == HEC_EVENT_TYPES || map->time_column[0] == '\0') {
        return hec_fail(error, HEC_INVALID, "%s: event_type and time.column are needed", map->path);
    }
    if (map->fraud_column[0] != '\0' && map->label_event_id.parts_count == 0) {
        return hec_fail(error, HEC_INVALID, "%s: fraud.column needs label.event_id beside it",
                        map->path);
    }
    for (int f = 0; f < HEC_FIELDS; f++) {
        const struct hec_field_info *info = hec_field_info((enum hec_field)f);
        bool mapped = map->fields[f].parts_count > 0;
        if (!mapped && f != HEC_F_EVENT_TIME_MS && ((info->must_on >> map->type) & 1) != 0) {
            return hec_fail(error, HEC_INVALID, "%s: %s needs %s", map->path,
                            hec_event_type_name(map->type), info->path);
        }
        if (mapped && ((info->may_on >> map->type) & 1) == 0) {
            return hec_fail(error, HEC_INVALID, "%s:%d: %s has no %s", map->path,
                            map->fields[f].line, hec_event_type_name(map->type), info->path);
        }
    }
    return HEC_OK;
}

enum hec_status hec_import_map_load(struct hec_import_map *map, const char *path,
                                    struct hec_error *error)
{
    struct hec_lines *lines = NULL;
    struct hec_line line;
    size_t count;
    *map = (struct hec_import_map){ .type = HEC_EVENT_TYPES,
                                    .fraud_genuine = "0",
                                    .fraud_source = "chargeback" };
    snprintf(map->path, sizeof(map->path), "%s", path);
    enum hec_status status = hec_lines_open(&lines, &path, 1, LINE_BYTES_MAX - 1, error);
    if (status != HEC_OK) {
        return status;
    }
    while ((status = hec_lines_read(lines, &line, 1, &count, error)) == HEC_OK) {
        struct entry entry = { .path = map->path, .line = (int)line.number };
        size_t blank = 0;
        while (blank < line.length && isspace((unsigned char)line.bytes[blank])) {
            blank++;
        }
        if (blank == line.length || line.bytes[blank] == '#') {
            continue;
        }
        status = split(&entry, &line)
                     ? set(map, &entry, error)
                     : hec_fail(error, HEC_INVALID, "%s:%d: not of the form key = value", map->path,
                                entry.line);
        if (status != HEC_OK) {
            break;
        }
    }
    hec_lines_free(lines);
    return status == HEC_END ? check_complete(map, error) : status;
}
