/*
 * SHA-256 and HMAC-SHA256 by libcrypto: the only file that knows it.
 *
 * What libcrypto can answer here besides success is exhausted memory at the making of a context;
 * after that, hashing bytes in memory cannot fail, so a failure is an assert.
 */
#include "hecate/digest.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/sha.h>
#include <stdlib.h>

#define SHA256_BYTES 32

static void to_hex(char *hex, const unsigned char *bytes, size_t count)
{
    static const char DIGITS[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        hex[2 * i] = DIGITS[bytes[i] >> 4];
        hex[2 * i + 1] = DIGITS[bytes[i] & 15];
    }
}

void hec_sha256(const void *bytes, size_t length, char hex[HEC_SHA256_HEX])
{
    assert(bytes != NULL || length == 0);
    unsigned char digest[SHA256_BYTES];
    const unsigned char *done = SHA256(length == 0 ? (const void *)"" : bytes, length, digest);
    assert(done == digest);
    (void)done;
    to_hex(hex, digest, SHA256_BYTES);
    hex[2 * SHA256_BYTES] = '\0';
}

struct hec_sha256_stream {
    EVP_MD_CTX *context;
};

enum hec_status hec_sha256_stream_new(struct hec_sha256_stream **ret)
{
    struct hec_sha256_stream *stream = calloc(1, sizeof(*stream));
    if (stream == NULL) {
        return HEC_NO_MEMORY;
    }
    stream->context = EVP_MD_CTX_new();
    if (stream->context == NULL || EVP_DigestInit_ex(stream->context, EVP_sha256(), NULL) != 1) {
        hec_sha256_stream_free(stream);
        return HEC_NO_MEMORY;
    }
    *ret = stream;
    return HEC_OK;
}

void hec_sha256_stream_free(struct hec_sha256_stream *stream)
{
    if (stream != NULL) {
        EVP_MD_CTX_free(stream->context);
        free(stream);
    }
}

void hec_sha256_stream_add(struct hec_sha256_stream *stream, const void *bytes, size_t length)
{
    int done = EVP_DigestUpdate(stream->context, bytes, length);
    assert(done == 1);
    (void)done;
}

void hec_sha256_stream_finish(struct hec_sha256_stream *stream, char hex[HEC_SHA256_HEX])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    int done = EVP_DigestFinal_ex(stream->context, digest, NULL) == 1 &&
               EVP_DigestInit_ex(stream->context, NULL, NULL) == 1;
    assert(done == 1);
    (void)done;
    to_hex(hex, digest, SHA256_BYTES);
    hex[2 * SHA256_BYTES] = '\0';
}

struct hec_keyer {
    EVP_MAC *mac;
    EVP_MAC_CTX *context; /* holds the key; initialised again without it for every token */
};

enum hec_status hec_keyer_new(struct hec_keyer **ret, const void *key, size_t key_length)
{
    if (key_length < HEC_TOKEN_KEY_BYTES_MIN) {
        return HEC_INVALID;
    }
    struct hec_keyer *keyer = calloc(1, sizeof(*keyer));
    if (keyer == NULL) {
        return HEC_NO_MEMORY;
    }
    char digest[] = "SHA256";
    OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string("digest", digest, 0),
                            OSSL_PARAM_construct_end() };
    keyer->mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    if (keyer->mac != NULL) {
        keyer->context = EVP_MAC_CTX_new(keyer->mac);
    }
    if (keyer->context == NULL || EVP_MAC_init(keyer->context, key, key_length, params) != 1) {
        hec_keyer_free(keyer);
        return HEC_NO_MEMORY;
    }
    *ret = keyer;
    return HEC_OK;
}

void hec_keyer_free(struct hec_keyer *keyer)
{
    if (keyer != NULL) {
        EVP_MAC_CTX_free(keyer->context); /* cleanses the key */
        EVP_MAC_free(keyer->mac);
        free(keyer);
    }
}

static void keyed(struct hec_keyer *keyer, const void *bytes, size_t length,
                  unsigned char digest[SHA256_BYTES])
{
    size_t written = 0;
    int done = EVP_MAC_init(keyer->context, NULL, 0, NULL) == 1 &&
               EVP_MAC_update(keyer->context, bytes, length) == 1 &&
               EVP_MAC_final(keyer->context, digest, &written, SHA256_BYTES) == 1;
    assert(done == 1);
    assert(written == SHA256_BYTES);
    (void)done;
}

void hec_keyer_token(struct hec_keyer *keyer, const void *token, size_t length,
                     char hex[HEC_KEYED_TOKEN_BYTES])
{
    unsigned char digest[SHA256_BYTES];
    keyed(keyer, token, length, digest);
    to_hex(hex, digest, HEC_KEYED_TOKEN_BYTES / 2);
}

void hec_keyer_id(struct hec_keyer *keyer, char hex[17])
{
    static const char TEXT[] = "hecate key id";
    unsigned char digest[SHA256_BYTES];
    keyed(keyer, TEXT, sizeof(TEXT) - 1, digest);
    to_hex(hex, digest, 8);
    hex[16] = '\0';
}
