#include "state/values.h"

#define BYTES sizeof(struct hec_habit)

static void put(uint8_t *at, uint32_t i, const struct hec_habit *value)
{
    memcpy(at + i * BYTES, value, BYTES);
}

struct hec_values_look hec_values_look(uint16_t count, const uint8_t *at, uint32_t hash)
{
    struct hec_values_look look = { .index = count };
    for (uint32_t i = 0; i < count; i++) {
        struct hec_habit value = hec_values_at(at, i);
        look.index = value.hash == hash ? i : look.index;
        look.total += value.count;
    }
    return look;
}

uint32_t hec_values_met(uint16_t count, const uint8_t *at, int64_t since_s, int64_t now_s)
{
    uint32_t met = 0;
    for (uint32_t i = 0; i < count; i++) {
        int64_t first_s = hec_values_at(at, i).first_s;
        met += (first_s > since_s) & (first_s <= now_s);
    }
    return met;
}

static uint32_t rarest(uint16_t count, const uint8_t *at)
{
    uint32_t found = 0;
    uint32_t least = hec_values_at(at, 0).count;
    for (uint32_t i = 1; i < count; i++) {
        uint32_t own = hec_values_at(at, i).count;
        found = own < least ? i : found;
        least = own < least ? own : least;
    }
    return found;
}

static void halve(uint16_t count, uint8_t *at)
{
    for (uint32_t i = 0; i < count; i++) {
        struct hec_habit value = hec_values_at(at, i);
        value.count = (value.count + 1) / 2;
        put(at, i, &value);
    }
}

void hec_values_add(uint16_t *count, uint8_t *at, struct hec_values_look look, uint32_t hash,
                    int64_t second)
{
    uint32_t now_s = second > UINT32_MAX ? UINT32_MAX : (uint32_t)second;
    struct hec_habit value = { .hash = hash, .first_s = now_s, .last_s = now_s };
    uint32_t i = look.index;
    if (i < *count) {
        value = hec_values_at(at, i);
        value.first_s = now_s < value.first_s ? now_s : value.first_s;
        value.last_s = now_s > value.last_s ? now_s : value.last_s;
    } else if (*count == HEC_VALUES_KEPT) {
        i = rarest(*count, at);
        look.total -= hec_values_at(at, i).count;
    } else {
        (*count)++;
    }
    value.count++;
    if (i + 1u < *count) {
        memmove(at + i * BYTES, at + (i + 1) * BYTES, (*count - 1 - i) * BYTES);
    }
    put(at, *count - 1u, &value);
    if (look.total + 1 >= HEC_VALUES_EVENTS) {
        halve(*count, at);
    }
}
