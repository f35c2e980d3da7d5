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

#include <stdint.h>
#include <string.h>

#include "state/record.h"

/* Tiles count in 32 bits: with the narrowest width of 30 s that ends in the year 6052. */
#define HEC_TILE_MS_MIN 30000
#define HEC_TIME_MS_MAX ((int64_t)UINT32_MAX * HEC_TILE_MS_MIN)

static inline uint32_t hec_tile_of(const struct hec_part *part, int64_t event_ms)
{
    if (event_ms > HEC_TIME_MS_MAX) {
        event_ms = HEC_TIME_MS_MAX;
    }
    /* One division by a constant and one in 32 bits: a tenth of one by width_ms. */
    return (uint32_t)((uint64_t)event_ms / HEC_TILE_MS_MIN) / part->width_units;
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

/** Drops the tiles that a ring with this head has left behind. at: where the part begins. */
void hec_tiles_prune(struct hec_record *record, const struct hec_part *part, uint16_t *count,
                     uint8_t *at, uint32_t head);

/** The element of a tile, made (all zero) where there is none; the record needs the room for it. */
uint8_t *hec_tiles_place(struct hec_record *record, const struct hec_part *part, uint16_t *count,
                         uint8_t *at, uint32_t tile);

/** Adds the columns of tiles first .. last to sums[counts + sums + peaks], in this order; peaks
 * keep the larger. */
void hec_tiles_add_up(const struct hec_part *part, uint16_t count, const uint8_t *at, int64_t first,
                      int64_t last, int64_t *sums);

#endif
