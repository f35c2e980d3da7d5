/*
 * base64 (RFC 4648 section 4), padded, without line breaks. Any thread.
 */
#ifndef HECATE_BASE64_H
#define HECATE_BASE64_H

#include <stdbool.h>
#include <stddef.h>

/* Letters of so many bytes, without a NUL. */
#define HEC_BASE64_LENGTH(bytes) (((bytes) + 2) / 3 * 4)

/** Writes HEC_BASE64_LENGTH(length) letters; no NUL. bytes may be NULL with length 0. */
void hec_base64_encode(char *text, const void *bytes, size_t length);

/** Reads exactly length bytes. False when the text is no base64 of so many; bytes may then hold a
 * part. */
bool hec_base64_decode(void *bytes, size_t length, const char *text, size_t text_length);

#endif
