/*
 * Short memories: values seen before, ids of the last accepted events, verdicts on the last
 * labelled ones. Each is a list with the newest at the end that forgets its oldest when full.
 */
#ifndef HECATE_STATE_RECENT_H
#define HECATE_STATE_RECENT_H

#include <stdbool.h>

#include "state/record.h"

#define HEC_SEEN_MAX 32
#define HEC_IDS_MAX 32
#define HEC_IDS_BYTES 12
#define HEC_VERDICTS_MAX 16
#define HEC_VERDICT_BYTES 8
#define HEC_VERDICT_UNKNOWN UINT32_MAX

/** Where the value stands; the list's length when it does not. */
uint32_t hec_seen_find(uint16_t count, const uint8_t *at, uint32_t hash);

/* What follows adds at the end. A list that is not full needs room for one that is new. */

/** Puts the value at the end; index is where it was found. */
void hec_seen_add(uint16_t *count, uint8_t *at, uint32_t index, uint32_t hash);

/** Whether the id is among the last accepted ones, within window_s of event time. */
bool hec_ids_has(uint16_t count, const uint8_t *at, uint64_t hash, int64_t second,
                 int64_t window_s);
void hec_ids_add(uint16_t *count, uint8_t *at, uint64_t hash, int64_t second);

/** Whether a verdict on the target is remembered, and which: HEC_VERDICT_UNKNOWN when none is. */
uint32_t hec_verdicts_find(uint16_t count, const uint8_t *at, uint32_t target);
void hec_verdicts_set(uint16_t *count, uint8_t *at, uint32_t target, uint32_t verdict);

#endif
