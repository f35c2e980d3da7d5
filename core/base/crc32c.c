/*
 * CRC32C: by the processor's own instruction where it has one, by a table elsewhere.
 *
 * The polynomial is Castagnoli's, reflected: 0x82F63B78. Both ways give the same number, so a
 * record written on one machine is read on another.
 */
#include "hecate/digest.h"

#include <stdbool.h>
#include <string.h>

/* Four bits a step: 64 bytes of table, fast enough for where it is needed. */
uint32_t hec_crc32c_plain(uint32_t crc, const void *bytes, size_t length)
{
    static const uint32_t TABLE[16] = {
        0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
        0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
        0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
    };
    const unsigned char *at = bytes;
    crc = ~crc;
    for (size_t i = 0; i < length; i++) {
        crc ^= at[i];
        crc = (crc >> 4) ^ TABLE[crc & 15];
        crc = (crc >> 4) ^ TABLE[crc & 15];
    }
    return ~crc;
}

#if defined(__x86_64__)
#include <nmmintrin.h>

__attribute__((target("sse4.2"))) static uint32_t crc32c_sse42(uint32_t crc, const void *bytes,
                                                               size_t length)
{
    const unsigned char *at = bytes;
    uint64_t wide = (uint32_t)~crc;
    for (; length >= 8; length -= 8, at += 8) {
        uint64_t word;
        memcpy(&word, at, sizeof(word));
        wide = _mm_crc32_u64(wide, word);
    }
    uint32_t narrow = (uint32_t)wide;
    for (; length > 0; length--, at++) {
        narrow = _mm_crc32_u8(narrow, *at);
    }
    return ~narrow;
}

uint32_t hec_crc32c(uint32_t crc, const void *bytes, size_t length)
{
    /* One load and a bit test: the runtime reads the processor's features once at start. */
    if (__builtin_cpu_supports("sse4.2")) {
        return crc32c_sse42(crc, bytes, length);
    }
    return hec_crc32c_plain(crc, bytes, length);
}
#else
uint32_t hec_crc32c(uint32_t crc, const void *bytes, size_t length)
{
    return hec_crc32c_plain(crc, bytes, length);
}
#endif
