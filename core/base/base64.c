#include "hecate/base64.h"

#include <stdint.h>

void hec_base64_encode(char *text, const void *bytes, size_t length)
{
    static const char LETTERS[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *at = bytes;
    for (size_t i = 0; i < length; i += 3, text += 4) {
        size_t left = length - i;
        uint32_t three = (uint32_t)at[i] << 16 | (left > 1 ? (uint32_t)at[i + 1] << 8 : 0) |
                         (left > 2 ? at[i + 2] : 0);
        text[0] = LETTERS[three >> 18];
        text[1] = LETTERS[three >> 12 & 63];
        text[2] = left > 1 ? LETTERS[three >> 6 & 63] : '=';
        text[3] = left > 2 ? LETTERS[three & 63] : '=';
    }
}

static int digit_of(char letter)
{
    return letter >= 'A' && letter <= 'Z'   ? letter - 'A'
           : letter >= 'a' && letter <= 'z' ? letter - 'a' + 26
           : letter >= '0' && letter <= '9' ? letter - '0' + 52
           : letter == '+'                  ? 62
           : letter == '/'                  ? 63
                                            : -1;
}

bool hec_base64_decode(void *bytes, size_t length, const char *text, size_t text_length)
{
    unsigned char *to = bytes;
    if (text_length != HEC_BASE64_LENGTH(length)) {
        return false;
    }
    for (size_t i = 0; i < length; i += 3, text += 4) {
        size_t left = length - i < 3 ? length - i : 3;
        uint32_t three = 0;
        for (size_t n = 0; n < 4; n++) {
            int digit = n <= left ? digit_of(text[n]) : text[n] == '=' ? 0 : -1;
            if (digit < 0) {
                return false;
            }
            three = three << 6 | (uint32_t)digit;
        }
        for (size_t n = 0; n < left; n++) {
            to[i + n] = (unsigned char)(three >> (16 - 8 * n));
        }
    }
    return true;
}
