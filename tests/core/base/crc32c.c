/* CRC32C: the published vectors, and the instruction equal to the table at every length. */
#include <criterion/criterion.h>
#include <string.h>

#include "hecate/digest.h"

Test(crc32c, gives_the_published_numbers)
{
    unsigned char bytes[32] = { 0 }; /* RFC 3720 B.4 */
    cr_expect_eq(hec_crc32c(0, bytes, 32), 0x8a9136aau);
    memset(bytes, 0xff, sizeof(bytes));
    cr_expect_eq(hec_crc32c(0, bytes, 32), 0x62a8ab43u);
    cr_expect_eq(hec_crc32c(0, "123456789", 9), 0xe3069283u);
    cr_expect_eq(hec_crc32c_plain(0, "123456789", 9), 0xe3069283u);
    cr_expect_eq(hec_crc32c(0, bytes, 0), 0u);
}

Test(crc32c, is_equal_by_instruction_and_by_table_at_every_length_and_alignment)
{
    unsigned char bytes[300];
    uint32_t seed = 11;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        seed = seed * 1664525u + 1013904223u;
        bytes[i] = (unsigned char)(seed >> 24);
    }
    for (size_t from = 0; from < 9; from++) {
        for (size_t length = 0; length + from <= sizeof(bytes); length++) {
            cr_assert_eq(hec_crc32c(7, bytes + from, length),
                         hec_crc32c_plain(7, bytes + from, length), "from %zu length %zu", from,
                         length);
        }
    }
}

Test(crc32c, goes_on_where_it_stopped)
{
    const char *text = "one run of bytes, cut anywhere, has one checksum";
    size_t length = strlen(text);
    for (size_t cut = 0; cut <= length; cut++) {
        uint32_t crc = hec_crc32c(0, text, cut);
        cr_expect_eq(hec_crc32c(crc, text + cut, length - cut), hec_crc32c(0, text, length));
    }
}

/* The definition itself: one bit a step, reflected polynomial. */
static uint32_t bitwise(uint32_t crc, const unsigned char *bytes, size_t length)
{
    crc = ~crc;
    for (size_t i = 0; i < length; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
        }
    }
    return ~crc;
}

Test(crc32c, is_the_polynomial_that_it_says)
{
    unsigned char bytes[256];
    for (int i = 0; i < 256; i++) {
        bytes[i] = (unsigned char)i;
        cr_assert_eq(hec_crc32c_plain(0, bytes + i, 1), bitwise(0, bytes + i, 1), "byte %d", i);
    }
    cr_expect_eq(hec_crc32c(0, bytes, 256), bitwise(0, bytes, 256));
}
