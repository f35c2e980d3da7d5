/*
 * One payload to one event, or to the one status that refuses it.
 *
 *   parse (yyjson, in place) -> collect (key to slot) -> type, version -> convert by the table
 *
 * A card number outweighs every other refusal: a refused record is copied to the dead letters, so
 * before any other status is given the whole of it is searched. A record that decodes is searched
 * on its way: every text and key as it is met, known or not.
 *
 * The parser is not recursive and its memory is one pool made once, large enough for the worst
 * record of the allowed size.
 */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

#include "event/keys.h"
#include "event/text.h"
#include "hecate/event.h"

#define DEPTH_MAX 8              /* objects and arrays, the event object counted */
#define TIME_MIN_MS 946684800000 /* 2000-01-01T00:00:00Z */
#define INTEGER_MAX (1ll << 53)  /* beyond, JSON numbers are not exact for everyone */
#define SCHEMA_VERSION 1

struct hec_decoder {
    struct hec_decode_limits limits;
    struct hec_keys keys;
    struct hec_key_set extras;
    size_t pool_bytes;
    void *pool;
    yyjson_val *found[HEC_SLOTS]; /* of the record at hand */
    uint64_t found_mask;
};

enum hec_status hec_decoder_new(struct hec_decoder **ret, const struct hec_decode_limits *limits)
{
    assert(limits->record_bytes_max > 0);
    struct hec_decoder *decoder = calloc(1, sizeof(*decoder));
    if (decoder == NULL) {
        return HEC_NO_MEMORY;
    }
    decoder->limits = *limits;
    hec_keys_make(&decoder->keys);
    /* Valid JSON has a value in two bytes at most, but "[[[[" has one a byte until it ends: 16
     * bytes each, half as much again while the pool grows. */
    decoder->pool_bytes = (size_t)limits->record_bytes_max * 24 + 4096;
    decoder->pool = malloc(decoder->pool_bytes);
    if (decoder->pool == NULL || !hec_key_set_make(&decoder->extras, limits->record_bytes_max)) {
        hec_decoder_free(decoder);
        return HEC_NO_MEMORY;
    }
    *ret = decoder;
    return HEC_OK;
}

void hec_decoder_free(struct hec_decoder *decoder)
{
    if (decoder != NULL) {
        hec_key_set_free(&decoder->extras);
        free(decoder->pool);
        free(decoder);
    }
}

/* Whether the number's digits, before any fraction, may be a card number. */
static bool number_suspect(yyjson_val *value)
{
    if (yyjson_is_raw(value)) {
        return hec_source_has_card_number(unsafe_yyjson_get_raw(value),
                                          unsafe_yyjson_get_len(value));
    }
    double size = fabs(yyjson_get_num(value));
    if (size < 1e12 || size >= 1e19) {
        return false;
    }
    uint64_t whole = (uint64_t)size;
    if (!yyjson_is_real(value)) {
        whole = yyjson_is_sint(value) ? 0 - (uint64_t)unsafe_yyjson_get_sint(value)
                                      : unsafe_yyjson_get_uint(value);
    }
    char digits[20];
    char *at = digits + sizeof(digits);
    for (; whole > 0; whole /= 10) {
        *--at = (char)('0' + whole % 10);
    }
    return hec_source_has_card_number(at, (size_t)(digits + sizeof(digits) - at));
}

static bool suspect(yyjson_val *value)
{
    if (yyjson_is_str(value)) {
        return hec_looks_like_card_number(unsafe_yyjson_get_str(value),
                                          unsafe_yyjson_get_len(value));
    }
    return (yyjson_is_num(value) || yyjson_is_raw(value)) && number_suspect(value);
}

/* Every value of the document, keys included: they lie one after the other. */
static bool document_suspect(yyjson_doc *doc)
{
    yyjson_val *value = yyjson_doc_get_root(doc);
    for (size_t left = yyjson_doc_get_val_count(doc); left > 0; left--, value++) {
        if (suspect(value)) {
            return true;
        }
    }
    return false;
}

static uint64_t key_hash(yyjson_val *key)
{
    return XXH3_64bits(unsafe_yyjson_get_str(key), unsafe_yyjson_get_len(key));
}

/* No key twice in this object, none of them known. */
static enum hec_status check_keys(struct hec_decoder *decoder, yyjson_val *object)
{
    hec_key_set_start(&decoder->extras);
    yyjson_val *key = unsafe_yyjson_get_first(object);
    for (size_t left = unsafe_yyjson_get_len(object); left > 0; left--) {
        if (!hec_key_set_add(&decoder->extras, unsafe_yyjson_get_str(key),
                             unsafe_yyjson_get_len(key), key_hash(key))) {
            return HEC_DUPLICATE_KEY;
        }
        key = unsafe_yyjson_get_next(key + 1);
    }
    return HEC_OK;
}

/* Looks through a value that is not ours: depth, duplicate keys, card numbers. Values lie in one
 * run in document order, so this is a walk, not a recursion. */
static enum hec_status check_extra(struct hec_decoder *decoder, yyjson_val *value, int depth)
{
    yyjson_val *end = unsafe_yyjson_get_next(value);
    yyjson_val *open_until[DEPTH_MAX + 1] = { [0] = end };
    int open = 0;
    for (; value < end; value++) {
        while (open > 0 && value >= open_until[open]) {
            open--;
        }
        if (unsafe_yyjson_is_ctn(value)) {
            open++;
            if (depth + open > DEPTH_MAX) {
                return HEC_TOO_DEEP;
            }
            open_until[open] = unsafe_yyjson_get_next(value);
            if (yyjson_is_obj(value) && check_keys(decoder, value) != HEC_OK) {
                return HEC_DUPLICATE_KEY;
            }
        } else if (suspect(value)) {
            return HEC_CARD_NUMBER;
        }
    }
    return HEC_OK;
}

/* Puts each value of one object into its slot and checks those that have none. Extras are told
 * apart only after the known ones, because check_extra uses the same set for objects inside. */
static enum hec_status collect(struct hec_decoder *decoder, yyjson_val *object, unsigned group)
{
    int extras = 0;
    yyjson_val *key = unsafe_yyjson_get_first(object);
    for (size_t left = unsafe_yyjson_get_len(object); left > 0; left--) {
        yyjson_val *value = key + 1;
        const char *name = unsafe_yyjson_get_str(key);
        size_t length = unsafe_yyjson_get_len(key);
        unsigned slot = hec_keys_slot(&decoder->keys, group, name, length, key_hash(key));
        if (slot != HEC_SLOT_NONE) {
            uint64_t bit = 1ull << slot;
            if (decoder->found_mask & bit) {
                return HEC_DUPLICATE_KEY;
            }
            decoder->found_mask |= bit;
            decoder->found[slot] = value;
        } else {
            extras++;
            if (hec_looks_like_card_number(name, length)) {
                return HEC_CARD_NUMBER;
            }
            enum hec_status status = check_extra(decoder, value, group == 0 ? 1 : 2);
            if (status != HEC_OK) {
                return status;
            }
        }
        key = unsafe_yyjson_get_next(value);
    }
    return extras > 1 ? check_keys(decoder, object) : HEC_OK;
}

/* Forgets fields that are null: to give null and to leave a field out are the same. */
static void drop_nulls(struct hec_decoder *decoder)
{
    for (uint64_t left = decoder->found_mask; left != 0; left &= left - 1) {
        unsigned slot = (unsigned)__builtin_ctzll(left);
        if (unsafe_yyjson_is_null(decoder->found[slot])) {
            decoder->found_mask &= ~(1ull << slot);
        }
    }
}

static bool found(const struct hec_decoder *decoder, unsigned slot)
{
    return decoder->found_mask >> slot & 1;
}

/* Opens the objects that hold fields of this type of event. */
static enum hec_status collect_groups(struct hec_decoder *decoder, enum hec_event_type type,
                                      enum hec_field *field)
{
    const struct hec_keys *keys = &decoder->keys;
    for (int group = 0; group < keys->groups; group++) {
        if (!found(decoder, HEC_SLOT_GROUP + (unsigned)group)) {
            continue;
        }
        yyjson_val *object = decoder->found[HEC_SLOT_GROUP + group];
        enum hec_status status;
        if ((keys->group_may_on[group] >> type & 1) == 0) {
            status = check_extra(decoder, object, 1);
        } else if (yyjson_is_obj(object)) {
            status = collect(decoder, object, 1 + (unsigned)group);
        } else {
            *field = keys->group_first[group];
            status = HEC_BAD_TYPE;
        }
        if (status != HEC_OK) {
            return status;
        }
    }
    drop_nulls(decoder);
    return HEC_OK;
}

static enum hec_status read_type(struct hec_decoder *decoder, struct hec_event *event)
{
    if (!found(decoder, HEC_SLOT_TYPE) || !found(decoder, HEC_SLOT_VERSION)) {
        return HEC_MISSING_FIELD;
    }
    yyjson_val *type = decoder->found[HEC_SLOT_TYPE];
    yyjson_val *version = decoder->found[HEC_SLOT_VERSION];
    if (!yyjson_is_str(type)) {
        return HEC_BAD_TYPE;
    }
    event->type = hec_event_type_named(unsafe_yyjson_get_str(type), unsafe_yyjson_get_len(type));
    if (event->type == HEC_EVENT_TYPES) {
        return HEC_UNKNOWN_TYPE;
    }
    if (!yyjson_is_int(version)) {
        return HEC_BAD_TYPE;
    }
    bool known = yyjson_is_uint(version) && unsafe_yyjson_get_uint(version) == SCHEMA_VERSION;
    return known ? HEC_OK : HEC_UNKNOWN_VERSION;
}

/* Every byte lies in low .. high. */
static bool all_within(const char *bytes, size_t length, unsigned char low, unsigned char high)
{
    unsigned outside = 0;
    for (size_t i = 0; i < length; i++) {
        outside |= (unsigned char)(bytes[i] - low) > (unsigned char)(high - low);
    }
    return outside == 0;
}

static bool listed(const char *const *values, const char *bytes, size_t length)
{
    while (*values != NULL && (strlen(*values) != length || memcmp(*values, bytes, length) != 0)) {
        values++;
    }
    return *values != NULL;
}

static enum hec_status read_text(yyjson_val *json, enum hec_field field,
                                 const struct hec_field_info *info, union hec_value *value)
{
    if (!yyjson_is_str(json)) {
        return HEC_BAD_TYPE;
    }
    const char *bytes = unsafe_yyjson_get_str(json);
    size_t length = unsafe_yyjson_get_len(json);
    if (length < (size_t)info->minimum || length > (size_t)info->maximum) {
        return HEC_OUT_OF_RANGE;
    }
    bool letters = info->kind == HEC_COUNTRY || info->kind == HEC_CURRENCY;
    bool good = letters ? all_within(bytes, length, 'A', 'Z') : all_within(bytes, length, ' ', '~');
    if (!good || (info->kind == HEC_ENUM && !listed(hec_field_values(field), bytes, length))) {
        return HEC_OUT_OF_RANGE;
    }
    if (hec_looks_like_card_number(bytes, length)) {
        return HEC_CARD_NUMBER;
    }
    value->text = hec_text_view(bytes, length);
    return HEC_OK;
}

static enum hec_status read_integer(yyjson_val *json, const struct hec_field_info *info,
                                    union hec_value *value)
{
    if (yyjson_is_raw(json)) {
        return HEC_OUT_OF_RANGE; /* larger than any number type */
    }
    if (yyjson_is_real(json)) {
        /* 5.0 is refused too: whoever sends it computes money in floats. */
        return fabs(unsafe_yyjson_get_real(json)) > INTEGER_MAX ? HEC_OUT_OF_RANGE : HEC_BAD_TYPE;
    }
    if (!yyjson_is_int(json)) {
        return HEC_BAD_TYPE;
    }
    if (yyjson_is_uint(json) && unsafe_yyjson_get_uint(json) > INTEGER_MAX) {
        return HEC_OUT_OF_RANGE;
    }
    int64_t integer = unsafe_yyjson_get_sint(json);
    if (integer < info->minimum || integer > info->maximum) {
        return HEC_OUT_OF_RANGE;
    }
    value->integer = integer;
    return HEC_OK;
}

static enum hec_status read_number(yyjson_val *json, const struct hec_field_info *info,
                                   union hec_value *value)
{
    if (yyjson_is_raw(json)) {
        return HEC_OUT_OF_RANGE;
    }
    if (!yyjson_is_num(json)) {
        return HEC_BAD_TYPE;
    }
    double number = yyjson_get_num(json);
    bool within = number >= (double)info->minimum && number <= (double)info->maximum;
    value->number = number;
    return within ? HEC_OK : HEC_OUT_OF_RANGE;
}

static enum hec_status read_value(yyjson_val *json, enum hec_field field,
                                  const struct hec_field_info *info, union hec_value *value)
{
    switch (info->kind) {
    case HEC_INTEGER: return read_integer(json, info, value);
    case HEC_NUMBER: return read_number(json, info, value);
    case HEC_BOOLEAN:
        value->integer = yyjson_is_true(json);
        return yyjson_is_bool(json) ? HEC_OK : HEC_BAD_TYPE;
    default: return read_text(json, field, info, value);
    }
}

/* Converts what was found in the order of the table; a known field on a type that does not carry
 * it is an extra one and only searched. */
static enum hec_status convert(struct hec_decoder *decoder, struct hec_event *event,
                               enum hec_field *field)
{
    uint64_t fields = (1ull << HEC_FIELDS) - 1;
    event->present = 0;
    for (uint64_t left = decoder->found_mask & fields; left != 0; left &= left - 1) {
        *field = (enum hec_field)__builtin_ctzll(left);
        const struct hec_field_info *info = hec_field_info(*field);
        yyjson_val *json = decoder->found[*field];
        enum hec_status status;
        if (info->may_on >> event->type & 1) {
            status = read_value(json, *field, info, &event->value[*field]);
            event->present |= 1ull << *field;
        } else {
            status = check_extra(decoder, json, strchr(info->path, '.') == NULL ? 1 : 2);
        }
        if (status != HEC_OK) {
            return status;
        }
    }
    for (int i = 0; i < HEC_FIELDS; i++) {
        if ((hec_field_info(i)->must_on >> event->type & 1) && !hec_event_has(event, i)) {
            *field = i;
            return HEC_MISSING_FIELD;
        }
    }
    *field = HEC_FIELDS;
    return HEC_OK;
}

static enum hec_status check_time(const struct hec_decoder *decoder, const struct hec_event *event,
                                  int64_t record_ms)
{
    int64_t event_ms = hec_event_ms(event);
    if (event_ms < TIME_MIN_MS) {
        return HEC_TIME_PAST;
    }
    bool known = record_ms >= 0 && event_ms > record_ms;
    return known && event_ms - record_ms > decoder->limits.future_skew_ms ? HEC_TIME_FUTURE
                                                                          : HEC_OK;
}

static enum hec_status decode_root(struct hec_decoder *decoder, struct hec_event *event,
                                   yyjson_val *root, int64_t record_ms, enum hec_field *field)
{
    if (!yyjson_is_obj(root)) {
        return HEC_NOT_OBJECT;
    }
    decoder->found_mask = 0;
    enum hec_status status = collect(decoder, root, 0);
    if (status != HEC_OK) {
        return status;
    }
    drop_nulls(decoder);
    status = read_type(decoder, event);
    if (status != HEC_OK) {
        return status;
    }
    status = collect_groups(decoder, event->type, field);
    if (status != HEC_OK) {
        return status;
    }
    status = convert(decoder, event, field);
    if (status != HEC_OK) {
        return status;
    }
    status = check_time(decoder, event, record_ms);
    *field = status == HEC_OK ? HEC_FIELDS : HEC_F_EVENT_TIME_MS;
    return status;
}

/* A record without a document: its bytes are searched as they are. */
static enum hec_status refuse_source(enum hec_status status, const char *bytes, size_t length)
{
    return hec_source_has_card_number(bytes, length) ? HEC_CARD_NUMBER : status;
}

enum hec_status hec_decode(struct hec_decoder *decoder, struct hec_event *event, const void *value,
                           size_t value_length, int64_t record_ms, char *buffer,
                           enum hec_field *field)
{
    *field = HEC_FIELDS;
    if (value == NULL || value_length == 0) {
        return HEC_NULL_VALUE;
    }
    if (value_length > decoder->limits.record_bytes_max) {
        return refuse_source(HEC_TOO_LARGE, value, value_length);
    }
    memcpy(buffer, value, value_length);
    memset(buffer + value_length, 0, HEC_DECODE_PADDING);

    yyjson_alc allocator;
    bool made = yyjson_alc_pool_init(&allocator, decoder->pool, decoder->pool_bytes);
    assert(made);
    (void)made;
    yyjson_doc *doc = yyjson_read_opts(
        buffer, value_length, YYJSON_READ_INSITU | YYJSON_READ_BIGNUM_AS_RAW, &allocator, NULL);
    if (doc == NULL) {
        bool utf8 = hec_utf8_valid(value, value_length);
        return refuse_source(utf8 ? HEC_NOT_JSON : HEC_NOT_UTF8, value, value_length);
    }
    enum hec_status status =
        decode_root(decoder, event, yyjson_doc_get_root(doc), record_ms, field);
    if (status != HEC_OK && status != HEC_CARD_NUMBER && document_suspect(doc)) {
        *field = HEC_FIELDS;
        return HEC_CARD_NUMBER;
    }
    return status;
}
