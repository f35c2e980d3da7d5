/*
 * Random numbers that repeat: a counter in, bits out, the same on every machine.
 *
 * Philox4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3",
 * SC 2011). The state is (seed, stream, counter), all of it plain data: copying it forks it, and
 * any number of the sequence can be reached without the ones before. Two streams of one seed never
 * meet, so each use (initial weights, sampling, dropout) takes a stream of its own and adding a use
 * changes no other.
 *
 * Not for secrets.
 */
#ifndef HECATE_RANDOM_H
#define HECATE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Made by hec_random_at; nothing to free. One thread each. */
struct hec_random {
    uint64_t seed, stream;
    uint64_t counter;  /* of the next block of four words */
    uint32_t block[4]; /* the words in hand */
    int left;          /* how many of them are unused */
};

/** The beginning of a stream. */
struct hec_random hec_random_at(uint64_t seed, uint64_t stream);

/** The four words at one counter: the function under everything here. */
void hec_random_block(uint32_t out[4], uint64_t seed, uint64_t stream, uint64_t counter);

/** 32 uniform bits. */
uint32_t hec_random_bits(struct hec_random *random);

/** Uniform in [0, 1), 53 bits. */
double hec_random_uniform(struct hec_random *random);

/** Uniform in 0 .. n-1 without bias (rejection), 1 <= n. */
uint64_t hec_random_below(struct hec_random *random, uint64_t n);

/** Standard normal (Box-Muller, one number a call). The only function here that uses libm, so its
 * last bit may differ between C libraries. */
double hec_random_normal(struct hec_random *random);

/** Puts n items in a uniformly random order (Fisher-Yates). */
void hec_random_shuffle(struct hec_random *random, uint32_t *items, size_t n);

#endif
