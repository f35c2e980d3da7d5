/* UTF-8: every sequence of one to four bytes judged as by the definition of RFC 3629. */
#include <criterion/criterion.h>
#include <string.h>

#include "event/text.h"

/* The oracle decodes by the plain rule and then asks whether the number was allowed and shortest.
 */
static int plain_length(const unsigned char *at, int left)
{
    static const uint32_t LEAST[] = { 0, 0, 0x80, 0x800, 0x10000 };
    int length = at[0] < 0x80           ? 1
                 : (at[0] >> 5) == 0x6  ? 2
                 : (at[0] >> 4) == 0xe  ? 3
                 : (at[0] >> 3) == 0x1e ? 4
                                        : 0;
    if (length < 2 || length > left) {
        return length > left ? 0 : length;
    }
    uint32_t number = at[0] & (0x7fu >> length);
    for (int i = 1; i < length; i++) {
        if (at[i] >> 6 != 2) {
            return 0;
        }
        number = number << 6 | (at[i] & 0x3f);
    }
    bool surrogate = number >= 0xd800 && number <= 0xdfff;
    return number < LEAST[length] || number > 0x10ffff || surrogate ? 0 : length;
}

static bool plain_valid(const unsigned char *at, int left)
{
    while (left > 0) {
        int length = plain_length(at, left);
        if (length == 0) {
            return false;
        }
        at += length;
        left -= length;
    }
    return true;
}

Test(utf8, agrees_with_the_definition_on_all_sequences_of_up_to_three_bytes)
{
    for (uint32_t bits = 0; bits < 1u << 24; bits += 1) {
        unsigned char bytes[3] = { (unsigned char)(bits >> 16), (unsigned char)(bits >> 8),
                                   (unsigned char)bits };
        if ((bits & 0xff) == 0) {
            cr_assert_eq(hec_utf8_valid((char *)bytes, 2), plain_valid(bytes, 2), "%06x", bits);
        }
        if (hec_utf8_valid((char *)bytes, 3) != plain_valid(bytes, 3)) {
            cr_assert_fail("%06x", bits);
        }
    }
}

Test(utf8, agrees_with_the_definition_at_the_edges_of_four_bytes)
{
    static const unsigned char EDGES[] = { 0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f,
                                           0xa0, 0xbf, 0xc0, 0xf0, 0xff };
    for (int first = 0xe0; first <= 0xff; first++) {
        for (size_t i = 0; i < sizeof(EDGES) * sizeof(EDGES) * sizeof(EDGES); i++) {
            unsigned char bytes[4] = { (unsigned char)first, EDGES[i % 11], EDGES[i / 11 % 11],
                                       EDGES[i / 121] };
            cr_assert_eq(hec_utf8_valid((char *)bytes, 4), plain_valid(bytes, 4));
        }
    }
}

Test(utf8, finds_one_bad_byte_anywhere_in_a_long_text)
{
    char text[64];
    memset(text, 'a', sizeof(text));
    cr_expect(hec_utf8_valid(text, sizeof(text)));
    cr_expect(hec_utf8_valid(text, 0));
    for (size_t at = 0; at < sizeof(text); at++) {
        text[at] = (char)0xff;
        cr_expect_not(hec_utf8_valid(text, sizeof(text)), "at %zu", at);
        text[at] = 'a';
    }
    memcpy(text + 62, "\xc3\xa9", 2); /* the last character whole, then cut */
    cr_expect(hec_utf8_valid(text, 64));
    cr_expect_not(hec_utf8_valid(text, 63));
}
