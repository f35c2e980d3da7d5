#include "state/recent.h"

#include <string.h>

/* Makes room for one element at the end: by growing, or by forgetting the oldest. */
static uint8_t *push(struct hec_record *record, uint16_t *count, uint8_t *at, uint32_t bytes,
                     uint32_t most)
{
    if (*count == most) {
        memmove(at, at + bytes, (size_t)(most - 1) * bytes);
        return at + (size_t)(most - 1) * bytes;
    }
    uint8_t *end = at + (size_t)*count * bytes;
    hec_record_open(record, end, bytes);
    (*count)++;
    return end;
}

/* Position of a u32 in a list of elements that begin with one; count when it is not there. */
static uint32_t find(uint16_t count, const uint8_t *at, uint32_t bytes, uint32_t key)
{
    uint32_t i = 0;
    for (; i < count; i++) {
        uint32_t other;
        memcpy(&other, at + (size_t)i * bytes, sizeof(other));
        if (other == key) {
            break;
        }
    }
    return i;
}

bool hec_seen_has(uint16_t count, const uint8_t *at, uint32_t hash)
{
    return find(count, at, 4, hash) < count;
}

void hec_seen_add(struct hec_record *record, uint16_t *count, uint8_t *at, uint32_t hash)
{
    uint32_t i = find(*count, at, 4, hash);
    uint8_t *last;
    if (i < *count) {
        last = at + 4 * (size_t)(*count - 1);
        memmove(at + 4 * (size_t)i, at + 4 * ((size_t)i + 1), 4 * (size_t)(*count - 1 - i));
    } else {
        last = push(record, count, at, 4, HEC_SEEN_MAX);
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

void hec_ids_add(struct hec_record *record, uint16_t *count, uint8_t *at, uint64_t hash,
                 int64_t second)
{
    uint8_t *element = push(record, count, at, HEC_IDS_BYTES, HEC_IDS_MAX);
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

void hec_verdicts_set(struct hec_record *record, uint16_t *count, uint8_t *at, uint32_t target,
                      uint32_t verdict)
{
    uint32_t i = find(*count, at, HEC_VERDICT_BYTES, target);
    uint8_t *element = i < *count ? at + (size_t)i * HEC_VERDICT_BYTES
                                  : push(record, count, at, HEC_VERDICT_BYTES, HEC_VERDICTS_MAX);
    memcpy(element, &target, sizeof(target));
    memcpy(element + 4, &verdict, sizeof(verdict));
}
