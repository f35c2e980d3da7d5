#include "state/tiles.h"

#include <assert.h>

void hec_tiles_prune(struct hec_record *record, const struct hec_part *part, uint16_t *count,
                     uint8_t *at, uint32_t head)
{
    uint32_t dead = 0;
    while (dead < *count && (uint64_t)hec_tile_at(part, at, dead) + part->ring <= head) {
        dead++;
    }
    if (dead > 0) {
        hec_record_close(record, at, dead * part->element_bytes);
        *count = (uint16_t)(*count - dead);
    }
}

uint8_t *hec_tiles_place(struct hec_record *record, const struct hec_part *part, uint16_t *count,
                         uint8_t *at, uint32_t tile)
{
    uint32_t i = *count;
    while (i > 0 && hec_tile_at(part, at, i - 1) > tile) {
        i--;
    }
    if (i > 0 && hec_tile_at(part, at, i - 1) == tile) {
        return at + (size_t)(i - 1) * part->element_bytes;
    }

    assert(*count < HEC_SKETCHED - 1);
    uint8_t *element = at + (size_t)i * part->element_bytes;
    hec_record_open(record, element, part->element_bytes);
    memcpy(element, &tile, sizeof(tile));
    (*count)++;
    return element;
}

void hec_tiles_add_up(const struct hec_part *part, uint16_t count, const uint8_t *at, int64_t first,
                      int64_t last, int64_t *sums)
{
    uint32_t counts = part->counts;
    uint32_t columns = part->sums;
    const uint8_t *element = at + (size_t)count * part->element_bytes;
    for (uint32_t i = count; i-- > 0;) {
        element -= part->element_bytes;
        uint32_t tile;
        memcpy(&tile, element, sizeof(tile));
        if (tile > last) {
            continue;
        }
        if (tile < first) {
            break;
        }
        for (uint32_t c = 0; c < counts; c++) {
            int32_t value;
            memcpy(&value, element + 4 + 4 * (size_t)c, sizeof(value));
            sums[c] += value;
        }
        const uint8_t *wide = element + 4 + 4 * (size_t)counts;
        for (uint32_t c = 0; c < columns; c++) {
            uint64_t value;
            memcpy(&value, wide + 8 * (size_t)c, sizeof(value));
            sums[counts + c] = (int64_t)((uint64_t)sums[counts + c] + value);
        }
        for (uint32_t c = columns; c < columns + part->peaks; c++) {
            int64_t value;
            memcpy(&value, wide + 8 * (size_t)c, sizeof(value));
            sums[counts + c] = value > sums[counts + c] ? value : sums[counts + c];
        }
    }
}
