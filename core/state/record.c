#include "state/record.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "hecate/digest.h"

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

void hec_record_open(struct hec_record *record, uint8_t *at, uint32_t bytes)
{
    uint8_t *end = (uint8_t *)record + record->bytes;
    memmove(at + bytes, at, (size_t)(end - at));
    memset(at, 0, bytes);
    record->bytes += bytes;
}

void hec_record_close(struct hec_record *record, uint8_t *at, uint32_t bytes)
{
    uint8_t *end = (uint8_t *)record + record->bytes;
    memmove(at, at + bytes, (size_t)(end - at) - bytes);
    record->bytes -= bytes;
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
