/*
 * One entity's record: the run of bytes that is remembered, in memory and in Redis alike.
 *
 *   [ header 56 ][ token, padded to 8 ][ fixed slots ][ counts, one u16 a part, padded to 4 ]
 *   [ part 0 ][ part 1 ] ...
 *
 * What slots and parts there are is said by a layout, one a kind, compiled from the feature schema;
 * the header's state digest names that schema. Parts lie one after the other without gaps and hold
 * live elements only, so a card seen five times is small and growing means moving the tail. There
 * are no pointers and numbers are little-endian. The CRC is right only in stored copies: it is
 * computed when a checkpoint is cut and checked when a record is adopted.
 */
#ifndef HECATE_STATE_RECORD_H
#define HECATE_STATE_RECORD_H

#include <stdint.h>

#include "hecate/entity.h"
#include "hecate/status.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "records are little-endian as they lie");

#define HEC_RECORD_MAGIC 0x52434548u /* "HECR" */
#define HEC_RECORD_VERSION 1
#define HEC_RECORD_ERASED 1u /* flag: forgotten; nothing but the token and last_off is left */

struct hec_record {
    uint32_t magic;
    uint32_t crc32c; /* of everything behind this field */
    uint32_t bytes;  /* of the whole record */
    uint16_t version;
    uint8_t kind;
    uint8_t token_length;
    uint64_t state_digest;
    int64_t last_off;  /* newest offset that is part of this record; -1 none */
    int64_t first_ms;  /* event time of the earliest scored event; 0 never */
    int64_t newest_ms; /* event time of the newest scored event; 0 never */
    uint16_t fixed_at; /* where the fixed slots begin */
    uint16_t flags;
    uint32_t zero;
};
_Static_assert(sizeof(struct hec_record) == 56, "stored: a change needs a new version");

#define HEC_PARTS_MAX 40

enum hec_part_kind {
    HEC_PART_TILES,    /* {u32 tile, i32 counts[], i64 sums[], peaks[]}      state/tiles.h */
    HEC_PART_DISTINCT, /* {u32 hash, u32 last tile} or one sketch a coarse tile state/distinct.h */
    HEC_PART_SEEN,     /* u32 hash, most recently used last                    state/recent.h */
    HEC_PART_IDS,      /* {u64 hash, u32 second} of accepted events, newest last state/recent.h */
    HEC_PART_VALUES,   /* {u32 hash, count, first second, last}, latest last    state/values.h */
    HEC_PART_HOURS,    /* {u16 hour of the week, u16 count}                    state/hours.h */
    HEC_PART_VERDICTS, /* {u32 hash of the target, u32 verdict}, newest last    state/recent.h */
};

struct hec_part {
    enum hec_part_kind kind;
    uint32_t element_bytes;
    uint32_t elements_max; /* more than this in a stored record is corrupt */
    int64_t width_ms;      /* TILES, DISTINCT: of a tile */
    uint32_t width_units;  /* the same in HEC_TILE_MS_MIN: dividing by it is cheap */
    uint32_t ring;         /* TILES, DISTINCT: tiles kept, the head's included */
    uint32_t group;        /* DISTINCT: tiles a coarse tile of the sketches */
    uint32_t counts, sums; /* TILES: columns of an element */
    uint32_t peaks;        /* TILES: columns behind the sums that keep the largest */
};

struct hec_layout {
    enum hec_kind kind;
    uint64_t state_digest;
    uint32_t fixed_bytes; /* a multiple of 8 */
    int parts_count;
    struct hec_part parts[HEC_PARTS_MAX];
    uint32_t bytes_max; /* of any record of this kind, while it is edited too */
};

/** The layout of one kind. The feature room, which comes below this one, compiles it. */
const struct hec_layout *hec_plan_layout(const struct hec_plan *plan, enum hec_kind kind);

/* A part's count has this bit when its elements are sketches. */
#define HEC_SKETCHED 0x8000u
#define HEC_SKETCH_REGISTERS 256
#define HEC_SKETCH_BYTES (4 + HEC_SKETCH_REGISTERS)

static inline uint32_t hec_part_bytes(const struct hec_part *part, uint16_t count)
{
    if (count & HEC_SKETCHED) {
        return (count & (HEC_SKETCHED - 1u)) * (uint32_t)HEC_SKETCH_BYTES;
    }
    return count * part->element_bytes;
}

static inline char *hec_record_token(const struct hec_record *record)
{
    return (char *)(uintptr_t)(record + 1);
}

/* The fixed slots: int64_t, aligned, because records lie at multiples of 8. */
static inline int64_t *hec_record_fixed(const struct hec_record *record)
{
    return (int64_t *)((uintptr_t)record + record->fixed_at);
}

static inline uint16_t *hec_record_counts(const struct hec_record *record,
                                          const struct hec_layout *layout)
{
    return (uint16_t *)((uintptr_t)record + record->fixed_at + layout->fixed_bytes);
}

/* Where part 0 begins. */
static inline uint8_t *hec_record_parts(const struct hec_record *record,
                                        const struct hec_layout *layout)
{
    uint32_t counts_bytes = ((uint32_t)layout->parts_count * 2 + 3) & ~3u;
    return (uint8_t *)((uintptr_t)record + record->fixed_at + layout->fixed_bytes + counts_bytes);
}

/** Bytes of a record without any part, for a token of this length. */
uint32_t hec_record_empty_bytes(const struct hec_layout *layout, size_t token_length);

/** Makes an empty record in memory that holds at least hec_record_empty_bytes, 8-aligned. */
void hec_record_init(struct hec_record *record, const struct hec_layout *layout,
                     const struct hec_text *token);

/** Moves everything from at on by bytes; the gap is zero. The memory must have the room. */
void hec_record_open(struct hec_record *record, uint8_t *at, uint32_t bytes);
/** Takes bytes out at at. */
void hec_record_close(struct hec_record *record, uint8_t *at, uint32_t bytes);

/** Fills the checksum of a stored copy. */
void hec_record_seal(struct hec_record *record);

/**
 * Checks stored bytes, 8-aligned or not, before they are used.
 *
 * @return HEC_OK, HEC_CORRUPT (checksum, sizes, or another token's), HEC_MISMATCH (another
 *         version or state digest)
 */
HEC_CHECKED enum hec_status hec_record_check(const void *bytes, size_t length,
                                             const struct hec_layout *layout,
                                             const struct hec_text *token);

#endif
