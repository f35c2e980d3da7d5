#include "state/tiles.h"

#include <assert.h>

uint8_t *hec_tiles_place(const struct hec_part *part, uint16_t *count, uint8_t *at, uint32_t tile)
{
    size_t bytes = part->element_bytes;
    uint32_t i = hec_tiles_up_to(part, *count, at, tile);
    if (i > 0 && hec_tile_at(part, at, i - 1) == tile) {
        return at + (i - 1) * bytes;
    }

    assert(*count < HEC_SKETCHED - 1);
    uint8_t *element = at + i * bytes;
    if (i < *count) {
        memmove(element + bytes, element, (*count - i) * bytes);
    }
    memcpy(element, &tile, sizeof(tile));
    for (size_t b = sizeof(tile); b < bytes; b += 4) { /* short: a call would cost more */
        memset(element + b, 0, 4);
    }
    (*count)++;
    return element;
}
