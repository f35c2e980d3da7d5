/*
 * How many different values lately: exact to 25, then a sketch.
 *
 * A part begins as pairs {u32 hash, u32 newest tile}, in the order of arrival. When a 26th live
 * value comes, every pair goes into the HyperLogLog sketch of the coarse tile (a quarter of the
 * window) of its newest tile, and from then on the part is sketches {u32 coarse tile, 256
 * registers}, by coarse tile, until all of them have left the ring. 256 registers tell the number
 * with a standard error of 6.5 % (Flajolet et al. 2007, "HyperLogLog"); a reader unites the
 * registers of all shards and coarse tiles that touch the window, which may reach back up to one
 * coarse tile too far.
 *
 * The number is that of the values whose newest tile is in the window or behind it: asked from
 * before the newest event, values that came again later still count.
 */
#ifndef HECATE_STATE_DISTINCT_H
#define HECATE_STATE_DISTINCT_H

#include <stdbool.h>

#include "state/record.h"

#define HEC_DISTINCT_EXACT 25

/* What an edit does to a part, told before anything is changed. */
struct hec_distinct_edit {
    uint32_t head; /* tiles that a ring with this head has left behind are dropped */
    bool adds;     /* one value, seen in a tile */
    uint32_t hash, tile;
};

/** Where the part goes; see state/record.h. */
struct hec_fate hec_distinct_fate(const struct hec_part *part, uint16_t count, const uint8_t *at,
                                  const struct hec_distinct_edit *edit);

/** The first step of the edit: drops, before the part moves. */
void hec_distinct_prune(const struct hec_part *part, uint16_t *count, uint8_t *at, uint32_t head);

/** The second: adds the value, when the part has moved and its room follows it. */
void hec_distinct_add(const struct hec_part *part, uint16_t *count, uint8_t *at, uint32_t hash,
                      uint32_t tile);

/** The number that one shard alone comes to: what uniting it and hec_distinct_number tell. */
double hec_distinct_alone(const struct hec_part *part, uint16_t count, const uint8_t *at,
                          int64_t first);

/* The union over shards: all zero is empty. */
struct hec_distinct {
    uint32_t hashes[HEC_DISTINCT_EXACT + 1];
    int hashes_count;
    bool sketched;
    uint8_t registers[HEC_SKETCH_REGISTERS]; /* valid when sketched */
};

/** Makes it empty without touching what need not be. */
void hec_distinct_init(struct hec_distinct *all);

/** Unites one shard's values of the tiles from first on. */
void hec_distinct_unite(struct hec_distinct *all, const struct hec_part *part, uint16_t count,
                        const uint8_t *at, int64_t first);

/** The number: exact, or the sketch's estimate rounded (Ertl 2017, "New cardinality estimation
 * algorithms for HyperLogLog sketches", algorithm 6: no correction table, no bias at the ends). */
double hec_distinct_number(const struct hec_distinct *all);

#endif
