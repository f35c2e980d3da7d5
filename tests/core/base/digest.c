/* Digests: equal to the published vectors, in one piece or in many. */
#include "hecate/digest.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

Test(digest, gives_the_published_sha256)
{
    char hex[HEC_SHA256_HEX];
    hec_sha256("abc", 3, hex); /* FIPS 180-4 */
    cr_expect_str_eq(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    hec_sha256(NULL, 0, hex);
    cr_expect_str_eq(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

Test(digest, gives_the_same_in_pieces_and_starts_anew_after_each)
{
    static char text[1000];
    memset(text, 'q', sizeof(text));
    char whole[HEC_SHA256_HEX], pieces[HEC_SHA256_HEX];
    hec_sha256(text, sizeof(text), whole);

    struct hec_sha256_stream *stream = NULL;
    cr_assert_eq(hec_sha256_stream_new(&stream), HEC_OK);
    for (int round = 0; round < 2; round++) {
        for (size_t at = 0; at < sizeof(text); at += 7) {
            size_t left = sizeof(text) - at;
            hec_sha256_stream_add(stream, text + at, left < 7 ? left : 7);
        }
        hec_sha256_stream_finish(stream, pieces);
        cr_expect_str_eq(pieces, whole, "round %d", round);
    }
    hec_sha256_stream_free(stream);
    hec_sha256_stream_free(NULL);
}

Test(digest, keys_tokens_as_rfc_4231_does)
{
    /* Test case 3: key 20 x aa, data 50 x dd. */
    unsigned char key[20], data[50];
    memset(key, 0xaa, sizeof(key));
    memset(data, 0xdd, sizeof(data));
    struct hec_keyer *keyer = NULL;
    cr_assert_eq(hec_keyer_new(&keyer, key, sizeof(key)), HEC_OK);
    for (int again = 0; again < 3; again++) {
        char hex[HEC_KEYED_TOKEN_BYTES + 1] = { 0 };
        hec_keyer_token(keyer, data, sizeof(data), hex);
        cr_expect_str_eq(hex, "773ea91e36800e46854db8ebd09181a7", "use %d", again);
    }
    hec_keyer_free(keyer);
    hec_keyer_free(NULL);
}

Test(digest, tells_keys_apart_by_their_id_and_not_by_what_was_keyed)
{
    struct hec_keyer *one = NULL, *other = NULL;
    cr_assert_eq(hec_keyer_new(&one, "0123456789abcdef", 16), HEC_OK);
    cr_assert_eq(hec_keyer_new(&other, "0123456789abcdeg", 16), HEC_OK);
    char before[17], after[17], elsewhere[17], token[HEC_KEYED_TOKEN_BYTES];
    hec_keyer_id(one, before);
    hec_keyer_token(one, "u1", 2, token);
    hec_keyer_id(one, after);
    hec_keyer_id(other, elsewhere);
    cr_expect_str_eq(before, after);
    cr_expect_str_neq(before, elsewhere);
    cr_expect_eq(strlen(before), 16u);
    hec_keyer_free(one);
    hec_keyer_free(other);
}

Test(digest, refuses_a_short_key)
{
    struct hec_keyer *keyer = NULL;
    cr_expect_eq(hec_keyer_new(&keyer, "0123456789abcde", 15), HEC_INVALID);
    cr_expect_null(keyer);
}

/* HMAC by its definition: H(key ^ opad, H(key ^ ipad, text)), on our own SHA-256. */
static void plain_hmac(const char *key, size_t key_length, const void *text, size_t length,
                       char hex[HEC_SHA256_HEX])
{
    unsigned char inner[64 + 256], outer[64 + 32];
    memset(inner, 0x36, 64);
    memset(outer, 0x5c, 64);
    for (size_t i = 0; i < key_length; i++) {
        inner[i] ^= (unsigned char)key[i];
        outer[i] ^= (unsigned char)key[i];
    }
    memcpy(inner + 64, text, length);
    hec_sha256(inner, 64 + length, hex);
    for (int i = 0; i < 32; i++) {
        unsigned byte;
        sscanf(hex + 2 * i, "%2x", &byte);
        outer[64 + i] = (unsigned char)byte;
    }
    hec_sha256(outer, sizeof(outer), hex);
}

Test(digest, keys_tokens_of_every_length_as_the_definition_does)
{
    static const char KEY[] = "a key of thirty-two bytes, no more";
    static const char TEXT[129] = "token";
    struct hec_keyer *keyer = NULL;
    cr_assert_eq(hec_keyer_new(&keyer, KEY, 32), HEC_OK);
    for (size_t length = 0; length <= 128; length++) {
        char expected[HEC_SHA256_HEX], hex[HEC_KEYED_TOKEN_BYTES];
        plain_hmac(KEY, 32, TEXT, length, expected);
        hec_keyer_token(keyer, TEXT, length, hex);
        cr_assert_eq(memcmp(hex, expected, HEC_KEYED_TOKEN_BYTES), 0, "length %zu", length);
    }
    hec_keyer_free(keyer);
}
