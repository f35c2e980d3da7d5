#include "state/values.h"

#include <string.h>

#define BYTES sizeof(struct hec_habit)

static struct hec_habit get(const uint8_t *at, uint32_t i)
{
    struct hec_habit value;
    memcpy(&value, at + i * BYTES, BYTES);
    return value;
}

static void put(uint8_t *at, uint32_t i, const struct hec_habit *value)
{
    memcpy(at + i * BYTES, value, BYTES);
}

static uint32_t find(uint16_t count, const uint8_t *at, uint32_t hash)
{
    uint32_t i = 0;
    while (i < count && get(at, i).hash != hash) {
        i++;
    }
    return i;
}

bool hec_values_find(uint16_t count, const uint8_t *at, uint32_t hash, struct hec_habit *found)
{
    uint32_t i = find(count, at, hash);
    if (i == count) {
        *found = (struct hec_habit){ 0 };
        return false;
    }
    *found = get(at, i);
    return true;
}

uint32_t hec_values_total(uint16_t count, const uint8_t *at)
{
    uint32_t total = 0;
    for (uint32_t i = 0; i < count; i++) {
        total += get(at, i).count;
    }
    return total;
}

uint32_t hec_values_met(uint16_t count, const uint8_t *at, int64_t since_s, int64_t now_s)
{
    uint32_t met = 0;
    for (uint32_t i = 0; i < count; i++) {
        int64_t first_s = get(at, i).first_s;
        met += first_s > since_s && first_s <= now_s;
    }
    return met;
}

static uint32_t rarest(uint16_t count, const uint8_t *at)
{
    uint32_t found = 0;
    for (uint32_t i = 1; i < count; i++) {
        if (get(at, i).count < get(at, found).count) {
            found = i;
        }
    }
    return found;
}

static void halve(uint16_t count, uint8_t *at)
{
    for (uint32_t i = 0; i < count; i++) {
        struct hec_habit value = get(at, i);
        value.count = (value.count + 1) / 2;
        put(at, i, &value);
    }
}

void hec_values_add(struct hec_record *record, uint16_t *count, uint8_t *at, uint32_t hash,
                    int64_t second)
{
    uint32_t now_s = second > UINT32_MAX ? UINT32_MAX : (uint32_t)second;
    struct hec_habit value = { .hash = hash, .first_s = now_s, .last_s = now_s };
    uint32_t i = find(*count, at, hash);
    if (i < *count) {
        value = get(at, i);
        value.first_s = now_s < value.first_s ? now_s : value.first_s;
        value.last_s = now_s > value.last_s ? now_s : value.last_s;
    } else if (*count == HEC_VALUES_KEPT) {
        i = rarest(*count, at);
    } else {
        hec_record_open(record, at + *count * BYTES, BYTES);
        (*count)++;
    }
    value.count++;
    memmove(at + i * BYTES, at + (i + 1) * BYTES, (*count - 1 - i) * BYTES);
    put(at, *count - 1u, &value);
    if (hec_values_total(*count, at) >= HEC_VALUES_EVENTS) {
        halve(*count, at);
    }
}
