/*
 * Rings of tiles: how often and how much, cut into equal spans of event time.
 *
 * A part holds the live tiles of one width, oldest first:
 *
 *   { u32 tile = event_ms / width_ms, i32 counts[part->counts], i64 sums[part->sums],
 *     i64 peaks[part->peaks] }
 *
 * A tile without an event takes no room, and one that the ring has left behind is dropped when the
 * record is next touched. Columns are signed: labels and reversals take away again. Adding is
 * commutative, so shards merge by adding up. A peak is positive and keeps the largest (0 none); the
 * smallest value is a peak of the negative, see feature/plan.h. Elements are 4-aligned; sums are
 * read by memcpy.
 */
#ifndef HECATE_STATE_TILES_H
#define HECATE_STATE_TILES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "state/record.h"

/* Tiles count in 32 bits: with the narrowest width of 30 s that ends in the year 6052. */
#define HEC_TILE_MS_MIN 30000
#define HEC_TIME_MS_MAX ((int64_t)UINT32_MAX * HEC_TILE_MS_MIN)

/* One division by a constant here and one in 32 bits below: a tenth of one by width_ms. */
static inline uint32_t hec_tile_units(int64_t event_ms)
{
    if (event_ms > HEC_TIME_MS_MAX) {
        event_ms = HEC_TIME_MS_MAX;
    }
    return (uint32_t)((uint64_t)event_ms / HEC_TILE_MS_MIN);
}

static inline uint32_t hec_tile_of(const struct hec_part *part, int64_t event_ms)
{
    return hec_tile_units(event_ms) / part->width_units;
}

static inline uint32_t hec_tile_at(const struct hec_part *part, const uint8_t *at, uint32_t i)
{
    uint32_t tile;
    memcpy(&tile, at + (size_t)i * part->element_bytes, sizeof(tile));
    return tile;
}

/* Adds to one column of an element. Wraps like the processor does, so that adding in any order
 * gives the same bytes. */
static inline void hec_tile_count(uint8_t *element, uint32_t column, int32_t by)
{
    uint32_t value;
    memcpy(&value, element + 4 + 4 * (size_t)column, sizeof(value));
    value += (uint32_t)by;
    memcpy(element + 4 + 4 * (size_t)column, &value, sizeof(value));
}

static inline void hec_tile_sum(const struct hec_part *part, uint8_t *element, uint32_t column,
                                int64_t by)
{
    uint8_t *sums = element + 4 + 4 * (size_t)part->counts;
    uint64_t value;
    memcpy(&value, sums + 8 * (size_t)column, sizeof(value));
    value += (uint64_t)by;
    memcpy(sums + 8 * (size_t)column, &value, sizeof(value));
}

/* Raises a column to a peak; column counts on from the sums. */
static inline void hec_tile_peak(const struct hec_part *part, uint8_t *element, uint32_t column,
                                 int64_t peak)
{
    uint8_t *at = element + 4 + 4 * (size_t)part->counts + 8 * (size_t)column;
    int64_t value;
    memcpy(&value, at, sizeof(value));
    if (peak > value) {
        memcpy(at, &peak, sizeof(peak));
    }
}

/** How many tiles, the oldest ones, a ring with this head has left behind. */
static inline uint32_t hec_tiles_dead(const struct hec_part *part, uint16_t count,
                                      const uint8_t *at, uint32_t head)
{
    uint32_t dead = 0;
    while (dead < count && (uint64_t)hec_tile_at(part, at, dead) + part->ring <= head) {
        dead++;
    }
    return dead;
}

/** How many tiles are not later than this one. Most events are of the newest, so the search begins
 * there. */
static inline uint32_t hec_tiles_up_to(const struct hec_part *part, uint16_t count,
                                       const uint8_t *at, uint32_t tile)
{
    uint32_t i = count;
    while (i > 0 && hec_tile_at(part, at, i - 1) > tile) {
        i--;
    }
    return i;
}

/** Whether a tile is there. */
static inline bool hec_tiles_has(const struct hec_part *part, uint16_t count, const uint8_t *at,
                                 uint32_t tile)
{
    uint32_t i = hec_tiles_up_to(part, count, at, tile);
    return i > 0 && hec_tile_at(part, at, i - 1) == tile;
}

/** The element of a tile, made (all zero) where there is none: then there must be room for one
 * behind the last. */
uint8_t *hec_tiles_place(const struct hec_part *part, uint16_t *count, uint8_t *at, uint32_t tile);

/** The tiles from first to last: their number, and the index of the oldest. */
static inline uint32_t hec_tiles_within(const struct hec_part *part, uint16_t count,
                                        const uint8_t *at, int64_t first, int64_t last,
                                        uint32_t *oldest)
{
    uint32_t from = 0;
    uint32_t to = count;
    while (to > 0 && hec_tile_at(part, at, to - 1) > last) {
        to--;
    }
    while (from < to && hec_tile_at(part, at, from) < first) {
        from++;
    }
    *oldest = from;
    return to - from;
}

/** Sum over n elements, the first at at, of one column: a count, or one of 64 bits. Sums wrap. */
static inline int64_t hec_tiles_count(const struct hec_part *part, const uint8_t *at, uint32_t n,
                                      uint32_t column)
{
    int64_t sum = 0;
    at += 4 + 4 * (size_t)column;
    for (uint32_t i = 0; i < n; i++, at += part->element_bytes) {
        int32_t value;
        memcpy(&value, at, sizeof(value));
        sum += value;
    }
    return sum;
}

static inline int64_t hec_tiles_sum(const struct hec_part *part, const uint8_t *at, uint32_t n,
                                    uint32_t column)
{
    uint64_t sum = 0;
    at += 4 + 4 * (size_t)part->counts + 8 * (size_t)column;
    for (uint32_t i = 0; i < n; i++, at += part->element_bytes) {
        uint64_t value;
        memcpy(&value, at, sizeof(value));
        sum += value;
    }
    return (int64_t)sum;
}

/** The largest of a column of peaks, 0 when there is none; column counts on from the sums. */
static inline int64_t hec_tiles_peak(const struct hec_part *part, const uint8_t *at, uint32_t n,
                                     uint32_t column)
{
    int64_t peak = 0;
    at += 4 + 4 * (size_t)part->counts + 8 * (size_t)column;
    for (uint32_t i = 0; i < n; i++, at += part->element_bytes) {
        int64_t value;
        memcpy(&value, at, sizeof(value));
        peak = value > peak ? value : peak;
    }
    return peak;
}

#endif
