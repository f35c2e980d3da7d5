/*
 * What the event room does with bytes: hash them, prove them UTF-8, look for card numbers.
 */
#ifndef HECATE_EVENT_TEXT_H
#define HECATE_EVENT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The hash is computed for every text of every event, most of them short: inlined it costs a few
 * nanoseconds, called through the library twice that. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "hecate/event.h"

/* A view with its hash. An empty text has no bytes, as hecate/event.h says. */
static inline struct hec_text hec_text_view(const char *bytes, size_t length)
{
    return (struct hec_text){ .bytes = length == 0 ? NULL : bytes,
                              .length = (uint32_t)length,
                              .hash = (uint32_t)XXH3_64bits(bytes, length) };
}

/** True if the bytes are UTF-8 as RFC 3629 has it: no overlong form, no surrogate, nothing above
 * U+10FFFF. Skips plain ASCII eight bytes at a time. */
bool hec_utf8_valid(const char *bytes, size_t length);

/**
 * As hec_looks_like_card_number, for bytes that are JSON source or hold bare numbers.
 *
 * There a time in milliseconds is a run of 13 digits, and one time in ten passes the Luhn check.
 * So a run that stands alone and reads as a time of 2001 .. 2096 in milliseconds, or of 2001 ..
 * 2033 in micro- or nanoseconds, is let pass: no card has 13 digits and begins with 1, 2 or 3, nor
 * 16 or 19 and begins with 1. Neither are the decimals of a fraction looked at.
 */
bool hec_source_has_card_number(const char *bytes, size_t length);

#endif
