#include "state/recent.h"

#include <string.h>

/* The place of a new last element: in the room, or where a full list forgets its oldest. */
static uint8_t *push(uint16_t *count, uint8_t *at, uint32_t bytes, uint32_t most)
{
    if (*count == most) {
        memmove(at, at + bytes, (size_t)(most - 1) * bytes);
        return at + (size_t)(most - 1) * bytes;
    }
    return at + (size_t)(*count)++ * bytes;
}

/* Position of a u32 in a list of elements that begin with one; count when it is not there. What was
 * used last stands last and is what is mostly asked for. */
static uint32_t find(uint16_t count, const uint8_t *at, uint32_t bytes, uint32_t key)
{
    for (uint32_t i = count; i-- > 0;) {
        uint32_t other;
        memcpy(&other, at + (size_t)i * bytes, sizeof(other));
        if (other == key) {
            return i;
        }
    }
    return count;
}

uint32_t hec_seen_find(uint16_t count, const uint8_t *at, uint32_t hash)
{
    return find(count, at, 4, hash);
}

void hec_seen_add(uint16_t *count, uint8_t *at, uint32_t index, uint32_t hash)
{
    uint8_t *last;
    if (index < *count) {
        last = at + 4 * (size_t)(*count - 1);
        memmove(at + 4 * (size_t)index, at + 4 * ((size_t)index + 1),
                4 * (size_t)(*count - 1 - index));
    } else {
        last = push(count, at, 4, HEC_SEEN_MAX);
    }
    memcpy(last, &hash, sizeof(hash));
}

bool hec_ids_has(uint16_t count, const uint8_t *at, uint64_t hash, int64_t second, int64_t window_s)
{
    for (uint32_t i = 0; i < count; i++) {
        uint64_t other;
        uint32_t then;
        memcpy(&other, at + (size_t)i * HEC_IDS_BYTES, sizeof(other));
        if (other == hash) {
            memcpy(&then, at + (size_t)i * HEC_IDS_BYTES + 8, sizeof(then));
            int64_t apart = second > then ? second - then : then - second;
            if (apart <= window_s) {
                return true;
            }
        }
    }
    return false;
}

void hec_ids_add(uint16_t *count, uint8_t *at, uint64_t hash, int64_t second)
{
    uint8_t *element = push(count, at, HEC_IDS_BYTES, HEC_IDS_MAX);
    uint32_t then = second > UINT32_MAX ? UINT32_MAX : (uint32_t)second;
    memcpy(element, &hash, sizeof(hash));
    memcpy(element + 8, &then, sizeof(then));
}

uint32_t hec_verdicts_find(uint16_t count, const uint8_t *at, uint32_t target)
{
    uint32_t i = find(count, at, HEC_VERDICT_BYTES, target);
    uint32_t verdict = HEC_VERDICT_UNKNOWN;
    if (i < count) {
        memcpy(&verdict, at + (size_t)i * HEC_VERDICT_BYTES + 4, sizeof(verdict));
    }
    return verdict;
}

void hec_verdicts_set(uint16_t *count, uint8_t *at, uint32_t target, uint32_t verdict)
{
    uint32_t i = find(*count, at, HEC_VERDICT_BYTES, target);
    uint8_t *element = i < *count ? at + (size_t)i * HEC_VERDICT_BYTES
                                  : push(count, at, HEC_VERDICT_BYTES, HEC_VERDICTS_MAX);
    memcpy(element, &target, sizeof(target));
    memcpy(element + 4, &verdict, sizeof(verdict));
}
