/*
 * Numbers and strings of JSON, by hand: the library's printing takes 0.3 us a float and minds the
 * locale; this takes a tenth and does not.
 *
 * A float is scaled to an integer of 6 .. 9 digits in double precision and accepted with the first
 * count of digits that reads back. Nine digits always do: their rounding is at most 5e-9 of the
 * value, half a float's step is at least 3e-8, and scaling in double errs by 1e-15.
 */
#include "decide/json.h"

#include <assert.h>
#include <math.h>

#include "hecate/base64.h"

static const double TENS[] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                               1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                               1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };
#define TENS_MAX 22 /* the largest power of ten that a double holds exactly */

/* x 10^power */
static double scaled(double x, int power)
{
    for (; power > TENS_MAX; power -= TENS_MAX) {
        x *= TENS[TENS_MAX];
    }
    for (; power < -TENS_MAX; power += TENS_MAX) {
        x /= TENS[TENS_MAX];
    }
    return power >= 0 ? x * TENS[power] : x / TENS[-power];
}

/* floor(log10(x)), x > 0 */
static int magnitude(double x)
{
    int binary;
    frexp(x, &binary);
    int power = (int)floor((binary - 1) * 0.30102999566398120);
    /* The estimate is right or one too small. */
    return scaled(x, -power - 1) >= 1 ? power + 1 : power;
}

struct decimal {
    int64_t digits; /* without zeros at the end */
    int count;      /* how many digits that is */
    int power;      /* of the first digit: 10^power */
};

/* x to so many significant digits. */
static struct decimal rounded(double x, int power, int count)
{
    struct decimal decimal = { .digits = (int64_t)(scaled(x, count - 1 - power) + 0.5),
                               .count = count,
                               .power = power };
    if (decimal.digits >= (int64_t)TENS[count]) {
        decimal.digits /= 10;
        decimal.power++;
    }
    return decimal;
}

static void strip_zeros(struct decimal *decimal)
{
    while (decimal->count > 1 && decimal->digits % 10 == 0) {
        decimal->digits /= 10;
        decimal->count--;
    }
}

static int put_digits(char *text, int64_t digits, int count)
{
    for (int i = count - 1; i >= 0; i--) {
        text[i] = (char)('0' + digits % 10);
        digits /= 10;
    }
    return count;
}

static int put_plain(char *text, const struct decimal *decimal)
{
    char digits[24];
    put_digits(digits, decimal->digits, decimal->count);
    int length = 0;
    if (decimal->power < 0) {
        text[length++] = '0';
        text[length++] = '.';
        for (int i = -1; i > decimal->power; i--) {
            text[length++] = '0';
        }
    }
    for (int i = 0; i < decimal->count || i <= decimal->power; i++) {
        if (i > 0 && i == decimal->power + 1) {
            text[length++] = '.';
        }
        text[length++] = i < decimal->count ? digits[i] : '0';
    }
    return length;
}

static int put_scientific(char *text, const struct decimal *decimal)
{
    char digits[24];
    put_digits(digits, decimal->digits, decimal->count);
    int length = 0;
    text[length++] = digits[0];
    if (decimal->count > 1) {
        text[length++] = '.';
        memcpy(text + length, digits + 1, (size_t)decimal->count - 1);
        length += decimal->count - 1;
    }
    text[length++] = 'e';
    if (decimal->power < 0) {
        text[length++] = '-';
    }
    int power = decimal->power < 0 ? -decimal->power : decimal->power;
    return length + put_digits(text + length, power, power >= 100 ? 3 : power >= 10 ? 2 : 1);
}

static int put_decimal(char *text, bool negative, const struct decimal *decimal)
{
    int length = 0;
    if (negative) {
        text[length++] = '-';
    }
    bool plain = decimal->power >= -5 && decimal->power < 15;
    return length +
           (plain ? put_plain(text + length, decimal) : put_scientific(text + length, decimal));
}

int hec_float_print(char text[HEC_NUMBER_TEXT_MAX], float value)
{
    assert(isfinite(value));
    double x = fabs((double)value);
    if (x == 0) {
        text[0] = '0';
        return 1;
    }
    int power = magnitude(x);
    struct decimal decimal;
    int count = 5;
    double back;
    do {
        count++;
        decimal = rounded(x, power, count);
        back = scaled((double)decimal.digits, decimal.power - count + 1);
    } while (count < 9 && (float)back != (float)x);
    strip_zeros(&decimal);
    return put_decimal(text, value < 0, &decimal);
}

int hec_number_print(char text[HEC_NUMBER_TEXT_MAX], double value)
{
    assert(isfinite(value));
    double x = fabs(value);
    if (x < 1e15 && floor(x) == x) {
        return hec_integer_print(text, (int64_t)value);
    }
    int power = magnitude(x);
    int count = power < 3 || power >= 15 ? 3 : power + 1;
    struct decimal decimal = rounded(x, power, count);
    strip_zeros(&decimal);
    return put_decimal(text, value < 0, &decimal);
}

int hec_integer_print(char text[HEC_NUMBER_TEXT_MAX], int64_t value)
{
    char digits[HEC_NUMBER_TEXT_MAX];
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    int at = HEC_NUMBER_TEXT_MAX;
    do {
        digits[--at] = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (value < 0) {
        digits[--at] = '-';
    }
    memcpy(text, digits + at, (size_t)(HEC_NUMBER_TEXT_MAX - at));
    return HEC_NUMBER_TEXT_MAX - at;
}

void hec_json_float(struct hec_json *json, float value)
{
    if (!isfinite(value)) {
        hec_json_literal(json, "null");
        return;
    }
    char text[HEC_NUMBER_TEXT_MAX];
    hec_json_raw(json, text, (size_t)hec_float_print(text, value));
}

void hec_json_hex_float(struct hec_json *json, float value)
{
    static const char DIGITS[] = "0123456789abcdef";
    if (!isfinite(value)) {
        hec_json_text(json, isnan(value) ? "nan" : value < 0 ? "-inf" : "inf");
        return;
    }
    char text[2 * HEC_NUMBER_TEXT_MAX];
    int length = 0;
    text[length++] = '"';
    if (signbit(value)) {
        text[length++] = '-';
    }
    int power = 0;
    double fraction = frexp(fabs((double)value), &power);
    /* 1.fraction as 24 bits after the point: six hex digits, the last bit always 0. */
    uint32_t bits = fraction == 0 ? 0 : (uint32_t)((2 * fraction - 1) * 16777216.0);
    power = fraction == 0 ? 0 : power - 1;
    memcpy(text + length, fraction == 0 ? "0x0" : "0x1", 3);
    length += 3;
    if (bits != 0) {
        text[length++] = '.';
    }
    for (; bits != 0; bits = (bits << 4) & 0xffffff) {
        text[length++] = DIGITS[bits >> 20];
    }
    text[length++] = 'p';
    text[length++] = power < 0 ? '-' : '+';
    length += hec_integer_print(text + length, power < 0 ? -power : power);
    text[length++] = '"';
    hec_json_raw(json, text, (size_t)length);
}

void hec_json_integer(struct hec_json *json, int64_t value)
{
    char text[HEC_NUMBER_TEXT_MAX];
    hec_json_raw(json, text, (size_t)hec_integer_print(text, value));
}

void hec_json_bool(struct hec_json *json, bool value)
{
    if (value) {
        hec_json_literal(json, "true");
    } else {
        hec_json_literal(json, "false");
    }
}

/* A character that may not stand in a string as it is. */
static void escape(struct hec_json *json, unsigned char c)
{
    static const char DIGITS[] = "0123456789abcdef";
    char text[6] = { '\\', 'u', '0', '0', DIGITS[c >> 4], DIGITS[c & 15] };
    size_t length = 2;
    switch (c) {
    case '"':
    case '\\': text[1] = (char)c; break;
    case '\n': text[1] = 'n'; break;
    case '\r': text[1] = 'r'; break;
    case '\t': text[1] = 't'; break;
    default: length = 6; break;
    }
    hec_json_raw(json, text, length);
}

void hec_json_string(struct hec_json *json, const char *bytes, size_t length)
{
    hec_json_raw(json, "\"", 1);
    size_t start = 0;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (c < 0x20 || c == '"' || c == '\\') {
            hec_json_raw(json, bytes + start, i - start);
            escape(json, c);
            start = i + 1;
        }
    }
    hec_json_raw(json, bytes + start, length - start);
    hec_json_raw(json, "\"", 1);
}

void hec_json_text(struct hec_json *json, const char *terminated)
{
    hec_json_string(json, terminated, strlen(terminated));
}

void hec_json_key_text(struct hec_json *json, const char *name)
{
    hec_json_item(json);
    hec_json_text(json, name);
    hec_json_raw(json, ":", 1);
}

void hec_json_base64(struct hec_json *json, const void *bytes, size_t length)
{
    enum { RUN = 192 }; /* a multiple of three: padding is at the end alone */
    char text[HEC_BASE64_LENGTH(RUN)];
    const unsigned char *at = bytes;
    hec_json_literal(json, "\"");
    for (size_t i = 0; i < length; i += RUN) {
        size_t run = length - i < RUN ? length - i : RUN;
        hec_base64_encode(text, at + i, run);
        hec_json_raw(json, text, HEC_BASE64_LENGTH(run));
    }
    hec_json_literal(json, "\"");
}
