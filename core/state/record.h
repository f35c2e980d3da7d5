/*
 * One entity's record: the run of bytes that is remembered, in memory and in Redis alike.
 *
 *   [ header 56 ][ token, padded to 8 ][ fixed slots ][ counts, one u16 a part, padded to 4 ]
 *   [ part 0 ][ part 1 ] ...
 *
 * What slots and parts there are is said by a layout, one a kind, compiled from the feature schema;
 * the header's state digest names that schema. Parts lie one after the other without gaps and hold
 * live elements only, so a card seen five times is small. There are no pointers and numbers are
 * little-endian. The CRC is right only in stored copies: it is computed when a checkpoint is cut
 * and checked when a record is adopted.
 *
 * An edit has two steps. First every part tells its fate: what is dropped at its front, what is
 * kept, how much room it wants behind that. Then all parts move at once, and each fills its room.
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
    HEC_PART_KINDS
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

/* Milliseconds from one stored time to another. Slots come from outside and may hold any number:
 * then this is one, too. */
static inline int64_t hec_ms_between(int64_t from_ms, int64_t to_ms)
{
    return (int64_t)((uint64_t)to_ms - (uint64_t)from_ms);
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

/* Where part 0 begins, from the record's beginning on. */
static inline uint32_t hec_record_parts_at(const struct hec_record *record,
                                           const struct hec_layout *layout)
{
    uint32_t counts_bytes = ((uint32_t)layout->parts_count * 2 + 3) & ~3u;
    return record->fixed_at + layout->fixed_bytes + counts_bytes;
}

static inline uint8_t *hec_record_parts(const struct hec_record *record,
                                        const struct hec_layout *layout)
{
    return (uint8_t *)((uintptr_t)record + hec_record_parts_at(record, layout));
}

/** Bytes of a record without any part, for a token of this length. */
uint32_t hec_record_empty_bytes(const struct hec_layout *layout, size_t token_length);

/** Makes an empty record in memory that holds at least hec_record_empty_bytes, 8-aligned. */
void hec_record_init(struct hec_record *record, const struct hec_layout *layout,
                     const struct hec_text *token);

/* What an edit makes of a part: bytes are dropped at its front, others are kept, and room follows
 * them. The room is not cleared. */
struct hec_fate {
    uint32_t drop, keep, room;
};

/** Where each part begins, from the record's beginning on, and behind the last one the end. */
void hec_record_places(const uint16_t *counts, uint32_t parts_at, const struct hec_layout *layout,
                       uint32_t places[HEC_PARTS_MAX + 1]);

/**
 * Moves every part to where an edit wants it, each byte once, and sets the record's size.
 *
 * @param to       the record in its old place, or new memory, 8-aligned; the larger of both sizes
 * @param from     the record as it was; what is in front of the parts is copied to other memory
 * @param places   of the parts, see hec_record_places; receives the new ones
 * @param changed  bit part: it has a fate; the others stay as they are
 */
void hec_record_reshape(struct hec_record *to, const struct hec_record *from,
                        const struct hec_layout *layout, uint32_t places[HEC_PARTS_MAX + 1],
                        const struct hec_fate *fates, uint64_t changed);

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

/**
 * Whether bytes that passed hec_record_check hold what those who read and change them count on:
 * times are times, tiles rise and lie in their rings, no hour stands twice. What we wrote always
 * does; a record may be whole to the checksum and yet not be ours.
 */
bool hec_record_holds(const void *bytes, const struct hec_layout *layout);

#endif
