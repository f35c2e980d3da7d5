/*
 * Philox4x32-10: ten rounds of two 32x32 -> 64 multiplications over a 128-bit counter, keyed with
 * 64 bits. Here the key is the seed and the counter's upper half is the stream.
 */
#include "hecate/random.h"

#include <assert.h>
#include <math.h>

#define ROUNDS 10
#define MULTIPLIER_0 0xD2511F53u
#define MULTIPLIER_1 0xCD9E8D57u
#define WEYL_0 0x9E3779B9u /* golden ratio */
#define WEYL_1 0xBB67AE85u /* sqrt(3) - 1 */

struct hec_random hec_random_at(uint64_t seed, uint64_t stream)
{
    return (struct hec_random){ .seed = seed, .stream = stream };
}

void hec_random_block(uint32_t out[4], uint64_t seed, uint64_t stream, uint64_t counter)
{
    uint32_t a = (uint32_t)counter, b = (uint32_t)(counter >> 32);
    uint32_t c = (uint32_t)stream, d = (uint32_t)(stream >> 32);
    uint32_t key_0 = (uint32_t)seed, key_1 = (uint32_t)(seed >> 32);

    for (int round = 0; round < ROUNDS; round++) {
        uint64_t product_0 = (uint64_t)MULTIPLIER_0 * a;
        uint64_t product_1 = (uint64_t)MULTIPLIER_1 * c;
        uint32_t next_a = (uint32_t)(product_1 >> 32) ^ b ^ key_0;
        uint32_t next_c = (uint32_t)(product_0 >> 32) ^ d ^ key_1;
        b = (uint32_t)product_1;
        d = (uint32_t)product_0;
        a = next_a;
        c = next_c;
        key_0 += WEYL_0;
        key_1 += WEYL_1;
    }
    out[0] = a;
    out[1] = b;
    out[2] = c;
    out[3] = d;
}

uint32_t hec_random_bits(struct hec_random *random)
{
    if (random->left == 0) {
        hec_random_block(random->block, random->seed, random->stream, random->counter);
        random->counter++;
        random->left = 4;
    }
    random->left--;
    return random->block[3 - random->left];
}

static uint64_t bits_64(struct hec_random *random)
{
    uint64_t low = hec_random_bits(random);
    return low | (uint64_t)hec_random_bits(random) << 32;
}

double hec_random_uniform(struct hec_random *random)
{
    return (double)(bits_64(random) >> 11) * 0x1p-53;
}

/* The last, incomplete run of n numbers below 2^64 is refused, so that every answer has as many
 * sources as any other. */
uint64_t hec_random_below(struct hec_random *random, uint64_t n)
{
    assert(n > 0);

    uint64_t refused_below = -n % n; /* 2^64 mod n */
    uint64_t bits = bits_64(random);
    while (bits < refused_below) {
        bits = bits_64(random);
    }
    return bits % n;
}

double hec_random_normal(struct hec_random *random)
{
    double radius = sqrt(-2.0 * log(1.0 - hec_random_uniform(random)));
    return radius * cos(6.283185307179586 * hec_random_uniform(random));
}

void hec_random_shuffle(struct hec_random *random, uint32_t *items, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        size_t j = (size_t)hec_random_below(random, i);
        uint32_t swapped = items[i - 1];
        items[i - 1] = items[j];
        items[j] = swapped;
    }
}
