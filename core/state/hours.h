/*
 * When somebody is active: events counted by hour of the week (UTC, Monday 00:00 is hour 0).
 *
 * A list of {u16 hour, u16 count} with an element for every hour that was ever met, in the order in
 * which they were met. When HEC_HOURS_EVENTS events are counted all counts are halved, rounded up:
 * habits change, and what was usual once stays known. The order of events decides what is halved,
 * so only records with one writer hold such a list.
 */
#ifndef HECATE_STATE_HOURS_H
#define HECATE_STATE_HOURS_H

#include <stdbool.h>

#include "state/record.h"

#define HEC_HOURS_MAX 168
#define HEC_HOURS_BYTES 4
#define HEC_HOURS_EVENTS 1024u

/** Hour of the week, 0 .. 167. */
uint32_t hec_hour_of_week(int64_t event_ms);

/** Whether an event was ever counted in this hour of the week. */
bool hec_hours_has(uint16_t count, const uint8_t *at, uint32_t hour);

/** Adds one event. An hour that was never met needs room for one element behind the last. */
void hec_hours_add(uint16_t *count, uint8_t *at, uint32_t hour);

/** Events counted in all. */
uint32_t hec_hours_total(uint16_t count, const uint8_t *at);

/** Events counted in the hours that equal hour modulo cycle: 168 for one of the week, 24 for one of
 * the day. */
uint32_t hec_hours_in(uint16_t count, const uint8_t *at, uint32_t hour, uint32_t cycle);

#endif
