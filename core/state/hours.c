#include "state/hours.h"

#include <string.h>

#define HOUR_MS 3600000
#define EPOCH_HOUR 72 /* 1970-01-01 was a Thursday */

struct hour {
    uint16_t hour, count;
};

static struct hour get(const uint8_t *at, uint32_t i)
{
    struct hour hour;
    memcpy(&hour, at + (size_t)i * HEC_HOURS_BYTES, sizeof(hour));
    return hour;
}

static void put(uint8_t *at, uint32_t i, struct hour hour)
{
    memcpy(at + (size_t)i * HEC_HOURS_BYTES, &hour, sizeof(hour));
}

uint32_t hec_hour_of_week(int64_t event_ms)
{
    return (uint32_t)((event_ms / HOUR_MS + EPOCH_HOUR) % HEC_HOURS_MAX);
}

uint32_t hec_hours_total(uint16_t count, const uint8_t *at)
{
    return hec_hours_in(count, at, 0, 1);
}

uint32_t hec_hours_in(uint16_t count, const uint8_t *at, uint32_t hour, uint32_t cycle)
{
    uint32_t events = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct hour own = get(at, i);
        events += own.hour % cycle == hour % cycle ? own.count : 0;
    }
    return events;
}

static uint32_t find(uint16_t count, const uint8_t *at, uint32_t hour)
{
    uint32_t i = 0;
    while (i < count && get(at, i).hour != hour) {
        i++;
    }
    return i;
}

bool hec_hours_has(uint16_t count, const uint8_t *at, uint32_t hour)
{
    return find(count, at, hour) < count;
}

void hec_hours_add(uint16_t *count, uint8_t *at, uint32_t hour)
{
    uint32_t i = find(*count, at, hour);
    struct hour own = { .hour = (uint16_t)hour };
    if (i < *count) {
        own = get(at, i);
    } else {
        (*count)++;
    }
    own.count++;
    put(at, i, own);
    if (hec_hours_total(*count, at) < HEC_HOURS_EVENTS) {
        return;
    }
    for (i = 0; i < *count; i++) {
        own = get(at, i);
        own.count = (uint16_t)((own.count + 1) / 2);
        put(at, i, own);
    }
}
