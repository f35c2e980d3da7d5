#include "file/event_json.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define FIELD_BYTES 64 /* a key, a number and punctuation */

void hec_event_set_text(struct hec_event *event, enum hec_field field, const char *text)
{
    if (text != NULL) {
        event->present |= UINT64_C(1) << field;
        event->value[field].text =
            (struct hec_text){ .bytes = text, .length = (uint32_t)strlen(text) };
    }
}

void hec_event_set_integer(struct hec_event *event, enum hec_field field, int64_t value)
{
    event->present |= UINT64_C(1) << field;
    event->value[field].integer = value;
}

void hec_event_set_number(struct hec_event *event, enum hec_field field, double value)
{
    event->present |= UINT64_C(1) << field;
    event->value[field].number = value;
}

void hec_event_label_of(struct hec_event *label, const struct hec_event *target)
{
    label->type = HEC_LABEL;
    label->present = 0;
    for (int f = 0; f < HEC_FIELDS; f++) {
        bool entity = f != HEC_F_EVENT_ID && f != HEC_F_EVENT_TIME_MS && f != HEC_F_GEO_LAT &&
                      f != HEC_F_GEO_LON && f != HEC_F_GEO_COUNTRY && f != HEC_F_USER_AGENT_HASH;
        if (entity && hec_event_has(target, (enum hec_field)f) &&
            ((hec_field_info((enum hec_field)f)->may_on >> HEC_LABEL) & 1) != 0) {
            label->present |= UINT64_C(1) << f;
            label->value[f] = target->value[f];
        }
    }
    const struct hec_text *id = &target->value[HEC_F_EVENT_ID].text;
    label->present |= UINT64_C(1) << HEC_F_TARGET_EVENT_ID;
    label->value[HEC_F_TARGET_EVENT_ID].text = *id;
    hec_event_set_integer(label, HEC_F_TARGET_EVENT_TIME_MS, hec_event_ms(target));
    hec_event_set_text(label, HEC_F_TARGET_EVENT_TYPE, hec_event_type_name(target->type));
}

static char *add_bytes(char *to, const char *bytes, size_t length)
{
    memcpy(to, bytes, length);
    return to + length;
}

static char *add_natural(char *to, uint64_t value)
{
    char digits[20];
    int count = 0;
    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    while (count > 0) {
        *to++ = digits[--count];
    }
    return to;
}

static char *add_integer(char *to, int64_t value)
{
    if (value < 0) {
        *to++ = '-';
    }
    return add_natural(to, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

static char *add_number(char *to, double value)
{
    assert(fabs(value) < 1e12);
    if (value < 0) {
        *to++ = '-';
    }
    uint64_t millionths = (uint64_t)llround(fabs(value) * 1e6);
    to = add_natural(to, millionths / 1000000);
    uint64_t fraction = millionths % 1000000;
    if (fraction == 0) {
        return to;
    }
    *to++ = '.';
    for (uint64_t unit = 100000; fraction > 0; unit /= 10) {
        *to++ = (char)('0' + fraction / unit);
        fraction %= unit;
    }
    return to;
}

static char *add_text(char *to, const struct hec_text *text)
{
    static const char HEX[] = "0123456789abcdef";
    *to++ = '"';
    for (uint32_t i = 0; i < text->length; i++) {
        unsigned char byte = (unsigned char)text->bytes[i];
        if (byte == '"' || byte == '\\') {
            *to++ = '\\';
            *to++ = (char)byte;
        } else if (byte < 0x20) {
            to = add_bytes(to, "\\u00", 4);
            *to++ = HEX[byte >> 4];
            *to++ = HEX[byte & 15];
        } else {
            *to++ = (char)byte;
        }
    }
    *to++ = '"';
    return to;
}

static char *add_value(char *to, const struct hec_event *event, enum hec_field field,
                       enum hec_field_kind kind)
{
    const union hec_value *value = &event->value[field];
    switch (kind) {
    case HEC_INTEGER: return add_integer(to, value->integer);
    case HEC_BOOLEAN: return value->integer ? add_bytes(to, "true", 4) : add_bytes(to, "false", 5);
    case HEC_NUMBER: return add_number(to, value->number);
    default: return add_text(to, &value->text);
    }
}

/* Opens and closes the object that a path such as "geo.lat" stands in; fields of one object follow
 * each other in the table. Returns the key within it. */
static char *enter(char *to, const char *path, const char **group, size_t *group_length,
                   const char **key)
{
    const char *dot = strchr(path, '.');
    size_t length = dot == NULL ? 0 : (size_t)(dot - path);
    if (length == *group_length && (length == 0 || memcmp(path, *group, length) == 0)) {
        *to++ = ',';
    } else {
        if (*group_length > 0) {
            *to++ = '}';
        }
        *to++ = ',';
        if (length > 0) {
            *to++ = '"';
            to = add_bytes(to, path, length);
            to = add_bytes(to, "\":{", 3);
        }
        *group = path;
        *group_length = length;
    }
    *key = dot == NULL ? path : dot + 1;
    return to;
}

static size_t bound_of(const struct hec_event *event)
{
    size_t bound = FIELD_BYTES;
    for (uint64_t left = event->present; left != 0; left &= left - 1) {
        enum hec_field field = (enum hec_field)__builtin_ctzll(left);
        enum hec_field_kind kind = hec_field_info(field)->kind;
        bool text = kind != HEC_INTEGER && kind != HEC_BOOLEAN && kind != HEC_NUMBER;
        bound += FIELD_BYTES + (text ? 6 * (size_t)event->value[field].text.length : 0);
    }
    return bound;
}

void hec_event_write(struct hec_output *output, const struct hec_event *event)
{
    assert(hec_event_has(event, HEC_F_EVENT_ID));

    char *start = hec_output_room(output, bound_of(event));
    const char *type = hec_event_type_name(event->type);
    char *to = add_bytes(start, "{\"event_id\":", 12);
    to = add_text(to, &event->value[HEC_F_EVENT_ID].text);
    to = add_bytes(to, ",\"event_type\":\"", 15);
    to = add_bytes(to, type, strlen(type));
    to = add_bytes(to, "\",\"schema_version\":1", 20);

    const char *group = "";
    size_t group_length = 0;
    uint64_t rest = event->present & ~(UINT64_C(1) << HEC_F_EVENT_ID);
    for (; rest != 0; rest &= rest - 1) {
        enum hec_field field = (enum hec_field)__builtin_ctzll(rest);
        const struct hec_field_info *info = hec_field_info(field);
        const char *key;
        to = enter(to, info->path, &group, &group_length, &key);
        *to++ = '"';
        to = add_bytes(to, key, strlen(key));
        *to++ = '"';
        *to++ = ':';
        to = add_value(to, event, field, info->kind);
    }
    if (group_length > 0) {
        *to++ = '}';
    }
    to = add_bytes(to, "}\n", 2);
    hec_output_advance(output, (size_t)(to - start));
}
