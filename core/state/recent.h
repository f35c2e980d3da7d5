/*
 * Short memories: values seen before, ids of the last accepted events, verdicts on the last
 * labelled ones. Each is a list with the newest at the end that forgets its oldest when full.
 */
#ifndef HECATE_STATE_RECENT_H
#define HECATE_STATE_RECENT_H

#include "state/record.h"

#define HEC_SEEN_MAX 32
#define HEC_IDS_MAX 32
#define HEC_IDS_BYTES 12
#define HEC_VERDICTS_MAX 16
#define HEC_VERDICT_BYTES 8
#define HEC_VERDICT_UNKNOWN UINT32_MAX

bool hec_seen_has(uint16_t count, const uint8_t *at, uint32_t hash);

/** Puts the value at the end, wherever it was. */
void hec_seen_add(struct hec_record *record, uint16_t *count, uint8_t *at, uint32_t hash);

/** Whether the id is among the last accepted ones, within window_s of event time. */
bool hec_ids_has(uint16_t count, const uint8_t *at, uint64_t hash, int64_t second,
                 int64_t window_s);
void hec_ids_add(struct hec_record *record, uint16_t *count, uint8_t *at, uint64_t hash,
                 int64_t second);

/** The verdict remembered for a target, HEC_VERDICT_UNKNOWN when none is. */
uint32_t hec_verdicts_find(uint16_t count, const uint8_t *at, uint32_t target);
void hec_verdicts_set(struct hec_record *record, uint16_t *count, uint8_t *at, uint32_t target,
                      uint32_t verdict);

#endif
