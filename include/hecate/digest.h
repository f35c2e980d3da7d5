/*
 * Digests: SHA-256 for what must be the same everywhere, HMAC-SHA256 for tokens, CRC32C for bytes
 * that may rot.
 */
#ifndef HECATE_DIGEST_H
#define HECATE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "hecate/status.h"

#define HEC_SHA256_HEX 65 /* 64 hex digits and a NUL */

/** SHA-256 (FIPS 180-4) of the bytes as lower-case hex, terminated. bytes may be NULL with length
 * 0. Any thread. */
void hec_sha256(const void *bytes, size_t length, char hex[HEC_SHA256_HEX]);

struct hec_sha256_stream; /* the same in pieces, for a file too large to hold */

/** @return HEC_OK or HEC_NO_MEMORY */
HEC_CHECKED enum hec_status hec_sha256_stream_new(struct hec_sha256_stream **ret);
/** Accepts NULL. */
void hec_sha256_stream_free(struct hec_sha256_stream *stream);
void hec_sha256_stream_add(struct hec_sha256_stream *stream, const void *bytes, size_t length);
/** Writes the digest of all bytes since the start or the last finish, and starts anew. */
void hec_sha256_stream_finish(struct hec_sha256_stream *stream, char hex[HEC_SHA256_HEX]);

/*
 * Keyed tokens: with token_key set, the store sees HMAC-SHA256(key, token) and never the token.
 * One keyer per thread: it owns one MAC context that is used again for every token.
 */
struct hec_keyer;

#define HEC_KEYED_TOKEN_BYTES 32 /* hex digits, not terminated: the first 128 bits of the HMAC */
#define HEC_TOKEN_KEY_BYTES_MIN 16

/**
 * Makes a keyer.
 *
 * @param key         copied; at least HEC_TOKEN_KEY_BYTES_MIN bytes
 *
 * @return  HEC_OK
 *          HEC_INVALID    the key is shorter than that
 *          HEC_NO_MEMORY
 */
HEC_CHECKED enum hec_status hec_keyer_new(struct hec_keyer **ret, const void *key,
                                          size_t key_length);
/** Wipes the key. Accepts NULL. */
void hec_keyer_free(struct hec_keyer *keyer);

/** HMAC-SHA256 (RFC 2104, truncated to its first half as section 5 there allows) of a token, as
 * HEC_KEYED_TOKEN_BYTES lower-case hex digits without a NUL. */
void hec_keyer_token(struct hec_keyer *keyer, const void *token, size_t length,
                     char hex[HEC_KEYED_TOKEN_BYTES]);

/** What names a key without telling it: the first 64 bits of HMAC(key, "hecate key id"), as 16 hex
 * digits and a NUL. Part of the state digest: another key is another state. */
void hec_keyer_id(struct hec_keyer *keyer, char hex[17]);

/**
 * CRC32C (Castagnoli, RFC 3720 appendix B.4), continued from crc; 0 to begin.
 *
 * Uses the processor's instruction where there is one. Any thread.
 */
uint32_t hec_crc32c(uint32_t crc, const void *bytes, size_t length);

/** The same by a table, on every machine: the oracle of the one above. */
uint32_t hec_crc32c_plain(uint32_t crc, const void *bytes, size_t length);

#endif
