/*
 * A small JSON writer: appends to a buffer of the caller's, allocates nothing, knows no locale.
 *
 * It counts on past the end of the buffer without writing there, so that the length is right and
 * the caller sees that it did not fit. Commas are its own business, nesting is the caller's.
 */
#ifndef HECATE_DECIDE_JSON_H
#define HECATE_DECIDE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct hec_json {
    char *buffer;
    size_t size, length;
    bool comma; /* the next key or item has one before it */
};

/** Appends bytes as they are. */
static inline void hec_json_raw(struct hec_json *json, const char *bytes, size_t length)
{
    if (json->length + length <= json->size) {
        memcpy(json->buffer + json->length, bytes, length);
    }
    json->length += length;
}

/** A literal text, as it is. */
#define hec_json_literal(json, text) hec_json_raw((json), "" text, sizeof(text) - 1)

static inline void hec_json_open(struct hec_json *json, char bracket)
{
    hec_json_raw(json, &bracket, 1);
    json->comma = false;
}

static inline void hec_json_close(struct hec_json *json, char bracket)
{
    hec_json_raw(json, &bracket, 1);
    json->comma = true;
}

/** Before each item of an array. */
static inline void hec_json_item(struct hec_json *json)
{
    if (json->comma) {
        hec_json_raw(json, ",", 1);
    }
    json->comma = true;
}

/** Before each member's value: a literal key without characters that need escapes. */
#define hec_json_key(json, name)                                                                   \
    do {                                                                                           \
        hec_json_item(json);                                                                       \
        hec_json_literal(json, "\"" name "\":");                                                   \
    } while (0)

/** A key that is not a literal. */
void hec_json_key_text(struct hec_json *json, const char *name);

/** A string (RFC 8259 section 7): quotes, backslashes and control characters are escaped. The bytes
 * must be UTF-8. */
void hec_json_string(struct hec_json *json, const char *bytes, size_t length);
void hec_json_text(struct hec_json *json, const char *terminated);

void hec_json_integer(struct hec_json *json, int64_t value);
/** A member that is an integer. */
#define hec_json_key_integer(json, name, value)                                                    \
    do {                                                                                           \
        hec_json_key((json), name);                                                                \
        hec_json_integer((json), (value));                                                         \
    } while (0)
void hec_json_bool(struct hec_json *json, bool value);

/** The shortest of 6 to 9 significant digits that read back to the same float; null for NaN and
 * infinities, which JSON has not. */
void hec_json_float(struct hec_json *json, float value);

/** As C's %a prints it ("0x1.8p+3", "nan"), in quotes: exact to the bit. */
void hec_json_hex_float(struct hec_json *json, float value);

/** Bytes as a string of base64 (RFC 4648 section 4). */
void hec_json_base64(struct hec_json *json, const void *bytes, size_t length);

#define HEC_NUMBER_TEXT_MAX 32

/** The decimal of hec_json_float without the JSON. Returns the length; not terminated. */
int hec_float_print(char text[HEC_NUMBER_TEXT_MAX], float value);

/** A number for people: whole numbers whole, others with three significant digits, no exponent
 * below 10^15. Returns the length; not terminated. */
int hec_number_print(char text[HEC_NUMBER_TEXT_MAX], double value);

/** Returns the length; not terminated. */
int hec_integer_print(char text[HEC_NUMBER_TEXT_MAX], int64_t value);

#endif
