/* base64: the vectors of RFC 4648 section 10, every length there and back, and what is none. */
#include "hecate/base64.h"

#include <criterion/criterion.h>
#include <string.h>

#include "hecate/random.h"

static const struct {
    const char *bytes, *text;
} VECTORS[] = { { "", "" },
                { "f", "Zg==" },
                { "fo", "Zm8=" },
                { "foo", "Zm9v" },
                { "foob", "Zm9vYg==" },
                { "fooba", "Zm9vYmE=" },
                { "foobar", "Zm9vYmFy" } };

Test(base64, says_what_the_standard_says)
{
    for (size_t i = 0; i < sizeof(VECTORS) / sizeof(VECTORS[0]); i++) {
        char text[16] = "", bytes[16] = "";
        size_t length = strlen(VECTORS[i].bytes);
        hec_base64_encode(text, VECTORS[i].bytes, length);
        cr_expect_str_eq(text, VECTORS[i].text);
        cr_expect_eq(strlen(text), HEC_BASE64_LENGTH(length));
        cr_expect(hec_base64_decode(bytes, length, text, strlen(text)));
        cr_expect_str_eq(bytes, VECTORS[i].bytes);
    }
}

Test(base64, brings_any_bytes_back)
{
    struct hec_random random = hec_random_at(7, 0);
    for (size_t length = 0; length < 200; length++) {
        unsigned char bytes[200], back[200];
        char text[HEC_BASE64_LENGTH(200)];
        for (size_t i = 0; i < length; i++) {
            bytes[i] = (unsigned char)hec_random_below(&random, 256);
        }
        hec_base64_encode(text, bytes, length);
        cr_assert(hec_base64_decode(back, length, text, HEC_BASE64_LENGTH(length)));
        cr_assert_eq(memcmp(back, bytes, length), 0, "%zu bytes", length);
    }
}

Test(base64, refuses_what_is_none_or_of_another_length)
{
    static const char *const BAD[] = { "Zm9", "Zm9vYg==", "Zm9=", "Zm 9", "Zm-9", "Z===", "=m9v" };
    char bytes[3];
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        cr_expect_not(hec_base64_decode(bytes, 3, BAD[i], strlen(BAD[i])), "%s", BAD[i]);
    }
    cr_expect_not(hec_base64_decode(bytes, 1, "Zg=g", 4), "padding is at the end");
}
