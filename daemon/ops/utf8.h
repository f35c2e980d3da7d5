/*
 * Whether bytes from outside are UTF-8 (RFC 3629): what is written as JSON or read by people must
 * be.
 */
#ifndef HECATE_OPS_UTF8_H
#define HECATE_OPS_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/** Length of the UTF-8 character at text, of which left bytes are there; 0 when it is none. */
static inline int hec_utf8_length(const unsigned char *text, size_t left)
{
    unsigned char c = text[0];
    int length = c < 0x80 ? 1 : c >= 0xc2 && c < 0xe0 ? 2 : (c & 0xf0) == 0xe0 ? 3 : 4;
    if ((c >= 0x80 && c < 0xc2) || c > 0xf4 || (size_t)length > left) {
        return 0;
    }
    for (int i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    if ((c == 0xe0 && text[1] < 0xa0) || (c == 0xed && text[1] > 0x9f) ||
        (c == 0xf0 && text[1] < 0x90) || (c == 0xf4 && text[1] > 0x8f)) {
        return 0;
    }
    return length;
}

/** Whether a terminated text is UTF-8 throughout; line (may be NULL) receives that of the first
 * byte that is not, from 1. */
static inline bool hec_utf8_is(const char *text, size_t length, int *line)
{
    int at_line = 1, width;
    for (size_t i = 0; i < length; i += (size_t)width) {
        width = hec_utf8_length((const unsigned char *)text + i, length - i);
        at_line += text[i] == '\n';
        if (width == 0) {
            if (line != NULL) {
                *line = at_line;
            }
            return false;
        }
    }
    return true;
}

#endif
