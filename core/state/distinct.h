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

#include "state/record.h"

#define HEC_DISTINCT_EXACT 25

/** Bytes that one hec_distinct_add may need at most. */
uint32_t hec_distinct_growth(const struct hec_part *part, uint16_t count);

/** Drops what a ring with this head has left behind. */
void hec_distinct_prune(struct hec_record *record, const struct hec_part *part, uint16_t *count,
                        uint8_t *at, uint32_t head);

/** Adds one value, seen in this tile. */
void hec_distinct_add(struct hec_record *record, const struct hec_part *part, uint16_t *count,
                      uint8_t *at, uint32_t hash, uint32_t tile);

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
