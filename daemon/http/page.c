/*
 * The page, and the digests that its Content-Security-Policy names.
 */
#define _GNU_SOURCE /* memmem */
#include "http/page.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "hecate/base64.h"
#include "hecate/digest.h"

/* page.html as a list of numbers, made by the build. */
static const unsigned char BYTES[] = {
#include "page_bytes.h"
};

static char etag[HEC_SHA256_HEX + 2], policy[512];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static int digit_of(char hex)
{
    return hex <= '9' ? hex - '0' : hex - 'a' + 10;
}

/* The digest as Content Security Policy wants it: base64 of its 32 bytes. */
static void print_digest(char base64[45], const char *bytes, size_t length)
{
    char hex[HEC_SHA256_HEX];
    hec_sha256(bytes, length, hex);
    unsigned char value[32];
    for (int i = 0; i < 32; i++) {
        value[i] = (unsigned char)(digit_of(hex[2 * i]) * 16 + digit_of(hex[2 * i + 1]));
    }
    hec_base64_encode(base64, value, sizeof(value));
    base64[HEC_BASE64_LENGTH(sizeof(value))] = '\0';
}

/* Between the only <tag> and its end. */
static void digest_element(char base64[45], const char *tag)
{
    const char *bytes = (const char *)BYTES;
    char open[16], close[16];
    snprintf(open, sizeof(open), "<%s>", tag);
    snprintf(close, sizeof(close), "</%s>", tag);
    const char *from = memmem(bytes, sizeof(BYTES), open, strlen(open));
    from = from == NULL ? bytes : from + strlen(open);
    const char *to = memmem(from, (size_t)(bytes + sizeof(BYTES) - from), close, strlen(close));
    print_digest(base64, from, to == NULL ? 0 : (size_t)(to - from));
}

static void prepare(void)
{
    char hex[HEC_SHA256_HEX], style[45], script[45];
    hec_sha256(BYTES, sizeof(BYTES), hex);
    snprintf(etag, sizeof(etag), "\"%.32s\"", hex);
    digest_element(style, "style");
    digest_element(script, "script");
    snprintf(policy, sizeof(policy),
             "default-src 'none'; connect-src 'self'; img-src data:; style-src 'sha256-%s'; "
             "script-src 'sha256-%s'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
             style, script);
}

struct hec_page hec_page(void)
{
    pthread_once(&once, prepare);
    return (struct hec_page){ (const char *)BYTES, sizeof(BYTES), etag, policy };
}
