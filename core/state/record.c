#include "state/record.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "hecate/digest.h"
#include "state/hours.h"
#include "state/tiles.h"

#define CRC_FROM offsetof(struct hec_record, bytes)

static uint32_t fixed_at(size_t token_length)
{
    return (uint32_t)(sizeof(struct hec_record) + ((token_length + 7) & ~(size_t)7));
}

static uint32_t counts_bytes(const struct hec_layout *layout)
{
    return ((uint32_t)layout->parts_count * 2 + 3) & ~3u;
}

uint32_t hec_record_empty_bytes(const struct hec_layout *layout, size_t token_length)
{
    return fixed_at(token_length) + layout->fixed_bytes + counts_bytes(layout);
}

void hec_record_init(struct hec_record *record, const struct hec_layout *layout,
                     const struct hec_text *token)
{
    assert(token->length <= HEC_TOKEN_BYTES_MAX);

    uint32_t bytes = hec_record_empty_bytes(layout, token->length);
    memset(record, 0, bytes);
    record->magic = HEC_RECORD_MAGIC;
    record->bytes = bytes;
    record->version = HEC_RECORD_VERSION;
    record->kind = (uint8_t)layout->kind;
    record->token_length = (uint8_t)token->length;
    record->state_digest = layout->state_digest;
    record->last_off = -1;
    record->fixed_at = (uint16_t)fixed_at(token->length);
    memcpy(hec_record_token(record), token->bytes, token->length);
}

void hec_record_places(const uint16_t *counts, uint32_t parts_at, const struct hec_layout *layout,
                       uint32_t places[HEC_PARTS_MAX + 1])
{
    uint32_t at = parts_at;
    for (int p = 0; p < layout->parts_count; p++) {
        places[p] = at;
        at += hec_part_bytes(&layout->parts[p], counts[p]);
    }
    places[layout->parts_count] = at;
}

/* Bytes on their way; by: towards the end, or, negative, towards the front. */
struct move {
    uint32_t from, bytes;
    int32_t by;
};

struct moving {
    uint8_t *to;
    const uint8_t *from;
    struct move later[HEC_PARTS_MAX * 2 + 1];
    int later_count;
};

/* What goes towards the front goes at once, first to last; what goes towards the end waits and goes
 * last to first: so nothing is overwritten that has still to move. */
static void move(struct moving *moving, uint32_t from, uint32_t to, int32_t by)
{
    struct move next = { from, to - from, by };
    if (next.bytes == 0) {
        return;
    }
    if (moving->to != moving->from) {
        memcpy(moving->to + (int64_t)from + by, moving->from + from, next.bytes);
    } else if (by < 0) {
        memmove(moving->to + (int64_t)from + by, moving->to + from, next.bytes);
    } else if (by > 0) {
        moving->later[moving->later_count++] = next;
    }
}

void hec_record_reshape(struct hec_record *to, const struct hec_record *from,
                        const struct hec_layout *layout, uint32_t places[HEC_PARTS_MAX + 1],
                        const struct hec_fate *fates, uint64_t changed)
{
    struct moving moving;
    moving.to = (uint8_t *)to;
    moving.from = (const uint8_t *)from;
    moving.later_count = 0;
    int32_t by = 0;
    int placed = 0;
    uint32_t begin = to == from ? places[0] : 0; /* of the bytes that move together */
    for (uint64_t left = changed; left != 0; left &= left - 1) {
        int p = __builtin_ctzll(left);
        struct hec_fate fate = fates[p];
        uint32_t end = places[p + 1];
        uint32_t kept_at = places[p] + fate.drop;
        for (; placed < p; placed++) {
            places[placed] += (uint32_t)by;
        }
        if (fate.drop > 0) {
            move(&moving, begin, kept_at - fate.drop, by);
            begin = kept_at;
        }
        places[placed++] += (uint32_t)by;
        by -= (int32_t)fate.drop;
        if (kept_at + fate.keep != end || fate.room > 0) {
            move(&moving, begin, kept_at + fate.keep, by);
            by += (int32_t)(kept_at + fate.keep + fate.room - end);
            begin = end;
        }
    }
    move(&moving, begin, places[layout->parts_count], by);
    for (; placed <= layout->parts_count; placed++) {
        places[placed] += (uint32_t)by;
    }
    while (moving.later_count > 0) {
        struct move next = moving.later[--moving.later_count];
        memmove(moving.to + next.from + next.by, moving.to + next.from, next.bytes);
    }
    to->bytes = places[layout->parts_count];
}

void hec_record_seal(struct hec_record *record)
{
    record->crc32c = hec_crc32c(0, (uint8_t *)record + CRC_FROM, record->bytes - CRC_FROM);
}

/* The parts must fill the record exactly, none longer than it can grow. */
static bool parts_fit(const struct hec_record *record, const struct hec_layout *layout,
                      const uint8_t *bytes)
{
    uint64_t end = hec_record_empty_bytes(layout, record->token_length);
    const uint8_t *counts = bytes + record->fixed_at + layout->fixed_bytes;
    if (end > record->bytes) {
        return false;
    }
    for (int i = 0; i < layout->parts_count; i++) {
        const struct hec_part *part = &layout->parts[i];
        uint16_t count;
        memcpy(&count, counts + 2 * i, 2);
        bool sketched = count & HEC_SKETCHED;
        if (sketched && part->kind != HEC_PART_DISTINCT) {
            return false;
        }
        uint32_t most = sketched ? part->ring / part->group + 2 : part->elements_max;
        if ((count & (HEC_SKETCHED - 1u)) > most) {
            return false;
        }
        end += hec_part_bytes(part, count);
    }
    return end == record->bytes;
}

enum hec_status hec_record_check(const void *bytes, size_t length, const struct hec_layout *layout,
                                 const struct hec_text *token)
{
    struct hec_record record;
    if (length < sizeof(record)) {
        return HEC_CORRUPT;
    }
    memcpy(&record, bytes, sizeof(record));
    if (record.magic != HEC_RECORD_MAGIC || record.bytes != length) {
        return HEC_CORRUPT;
    }
    if (record.crc32c != hec_crc32c(0, (const uint8_t *)bytes + CRC_FROM, length - CRC_FROM)) {
        return HEC_CORRUPT;
    }
    if (record.version != HEC_RECORD_VERSION || record.state_digest != layout->state_digest) {
        return HEC_MISMATCH;
    }
    if (record.kind != layout->kind || record.fixed_at != fixed_at(record.token_length) ||
        record.token_length != token->length || length < record.fixed_at ||
        memcmp((const uint8_t *)bytes + sizeof(record), token->bytes, token->length) != 0) {
        return HEC_CORRUPT;
    }
    return parts_fit(&record, layout, bytes) ? HEC_OK : HEC_CORRUPT;
}

static bool tiles_rise(const struct hec_part *part, uint32_t count, const uint8_t *at,
                       uint32_t head)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t tile = hec_tile_at(part, at, i);
        if (tile > head || (uint64_t)tile + part->ring <= head ||
            (i > 0 && tile <= hec_tile_at(part, at, i - 1))) {
            return false;
        }
    }
    return true;
}

static bool values_are_near(const struct hec_part *part, uint32_t count, const uint8_t *at,
                            uint32_t head)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t tile; /* stands behind the hash */
        memcpy(&tile, at + (size_t)i * part->element_bytes + 4, sizeof(tile));
        if (tile > head || (uint64_t)tile + part->ring <= head) {
            return false;
        }
    }
    return true;
}

static bool sketches_rise(const struct hec_part *part, uint32_t count, const uint8_t *at,
                          uint32_t head)
{
    uint32_t before = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t tile;
        memcpy(&tile, at + (size_t)i * HEC_SKETCH_BYTES, sizeof(tile));
        if (tile > head / part->group || (i > 0 && tile <= before) ||
            ((uint64_t)tile + 1) * part->group + part->ring <= (uint64_t)head + 1) {
            return false;
        }
        before = tile;
    }
    return count > 0;
}

static bool hours_differ(uint32_t count, const uint8_t *at)
{
    bool met[HEC_HOURS_MAX] = { false };
    for (uint32_t i = 0; i < count; i++) {
        uint16_t hour;
        memcpy(&hour, at + (size_t)i * HEC_HOURS_BYTES, sizeof(hour));
        if (hour >= HEC_HOURS_MAX || met[hour]) {
            return false;
        }
        met[hour] = true;
    }
    return true;
}

static bool part_holds(const struct hec_part *part, uint16_t count, const uint8_t *at,
                       int64_t newest_ms)
{
    uint32_t n = count & (HEC_SKETCHED - 1u);
    switch (part->kind) {
    case HEC_PART_TILES: return tiles_rise(part, n, at, hec_tile_of(part, newest_ms));
    case HEC_PART_DISTINCT:
        return count & HEC_SKETCHED ? sketches_rise(part, n, at, hec_tile_of(part, newest_ms))
                                    : values_are_near(part, n, at, hec_tile_of(part, newest_ms));
    case HEC_PART_HOURS: return hours_differ(n, at);
    default: return true;
    }
}

static bool is_time(int64_t ms)
{
    return ms >= 0 && ms <= hec_field_info(HEC_F_EVENT_TIME_MS)->maximum;
}

bool hec_record_holds(const void *bytes, const struct hec_layout *layout)
{
    struct hec_record record;
    memcpy(&record, bytes, sizeof(record));
    if (!is_time(record.first_ms) || !is_time(record.newest_ms)) {
        return false;
    }
    const uint8_t *counts = (const uint8_t *)bytes + record.fixed_at + layout->fixed_bytes;
    const uint8_t *at = counts + counts_bytes(layout);
    for (int i = 0; i < layout->parts_count; i++) {
        uint16_t count;
        memcpy(&count, counts + 2 * i, 2);
        if (!part_holds(&layout->parts[i], count, at, record.newest_ms)) {
            return false;
        }
        at += hec_part_bytes(&layout->parts[i], count);
    }
    return true;
}
