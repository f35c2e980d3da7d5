/*
 * The values that a field had: how often each, first when and last when.
 *
 * A list of at most HEC_VALUES_KEPT, the most recently used last. It is a memory of habits, so it
 * forgets what is least of one: a new value takes the place of the rarest, of several the one
 * used longest ago. When HEC_VALUES_EVENTS events are counted all counts are halved, rounded up, so
 * that habits can change and yet a value once known stays known. What a list holds depends on the
 * order of its events and does not merge over shards: only entities with one writer have one.
 */
#ifndef HECATE_STATE_VALUES_H
#define HECATE_STATE_VALUES_H

#include <string.h>

#include "state/record.h"

#define HEC_VALUES_KEPT 32
#define HEC_VALUES_EVENTS 256u

struct hec_habit {
    uint32_t hash;
    uint32_t count;
    uint32_t first_s, last_s; /* event time, seconds since 1970 */
};
_Static_assert(sizeof(struct hec_habit) == 16, "stored: a change needs a new version");

/* Where a value stands in a list, and what all of the list counts together. */
struct hec_values_look {
    uint32_t index; /* the list's length when it is not there */
    uint32_t total;
};

/** Looks for a value. */
struct hec_values_look hec_values_look(uint16_t count, const uint8_t *at, uint32_t hash);

/** The entry at an index. */
static inline struct hec_habit hec_values_at(const uint8_t *at, uint32_t index)
{
    struct hec_habit value;
    memcpy(&value, at + index * sizeof(value), sizeof(value));
    return value;
}

/** How many of the values were first met after since_s, up to and including now_s. */
uint32_t hec_values_met(uint16_t count, const uint8_t *at, int64_t since_s, int64_t now_s);

/** Adds a value that was looked for. A list that is not full needs room for one that is new. */
void hec_values_add(uint16_t *count, uint8_t *at, struct hec_values_look look, uint32_t hash,
                    int64_t second);

#endif
