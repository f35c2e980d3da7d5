/*
 * UTF-8, asked only of records that are refused: it tells "not UTF-8" from "not JSON".
 */
#include <string.h>

#include "event/text.h"

/* Length of the sequence that starts here, 0 if there is none (RFC 3629, section 4). */
static size_t sequence(const unsigned char *at, size_t left)
{
    static const struct {
        unsigned char first_low, first_high, second_low, second_high, length;
    } ROWS[] = {
        { 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
        { 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 },
        { 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
    };
    if (at[0] < 0x80) {
        return 1;
    }
    for (size_t row = 0; row < sizeof(ROWS) / sizeof(ROWS[0]); row++) {
        if (at[0] < ROWS[row].first_low || at[0] > ROWS[row].first_high) {
            continue;
        }
        if (left < ROWS[row].length || at[1] < ROWS[row].second_low ||
            at[1] > ROWS[row].second_high) {
            return 0;
        }
        for (size_t i = 2; i < ROWS[row].length; i++) {
            if ((at[i] & 0xc0) != 0x80) {
                return 0;
            }
        }
        return ROWS[row].length;
    }
    return 0;
}

bool hec_utf8_valid(const char *bytes, size_t length)
{
    const unsigned char *at = (const unsigned char *)bytes;
    size_t left = length;
    while (left > 0) {
        uint64_t word;
        if (left >= sizeof(word)) {
            memcpy(&word, at, sizeof(word));
            if ((word & 0x8080808080808080u) == 0) {
                at += sizeof(word);
                left -= sizeof(word);
                continue;
            }
        }
        size_t step = sequence(at, left);
        if (step == 0) {
            return false;
        }
        at += step;
        left -= step;
    }
    return true;
}
