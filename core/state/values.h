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

#include <stdbool.h>

#include "state/record.h"

#define HEC_VALUES_KEPT 32
#define HEC_VALUES_EVENTS 256u

struct hec_habit {
    uint32_t hash;
    uint32_t count;
    uint32_t first_s, last_s; /* event time, seconds since 1970 */
};
_Static_assert(sizeof(struct hec_habit) == 16, "stored: a change needs a new version");

/** Finds a value's entry; false, and *found all zero, when it is not remembered. */
bool hec_values_find(uint16_t count, const uint8_t *at, uint32_t hash, struct hec_habit *found);

/** Events counted, of all values. */
uint32_t hec_values_total(uint16_t count, const uint8_t *at);

/** How many of the values were first met after since_s, up to and including now_s. */
uint32_t hec_values_met(uint16_t count, const uint8_t *at, int64_t since_s, int64_t now_s);

void hec_values_add(struct hec_record *record, uint16_t *count, uint8_t *at, uint32_t hash,
                    int64_t second);

#endif
