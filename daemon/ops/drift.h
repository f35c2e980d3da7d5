/*
 * Drift, live: how the last day's events lie in the bins of the model's reference (hecate/drift.h).
 *
 * One scored event in eight is counted, chosen by its offset alone: what is done again after a
 * rollback chooses the same, and binning a row's hundred columns costs the average event little.
 * It is counted once its transaction is committed, into 24 slots of one hour of event time; the
 * window is the newest hour that an engine has seen and the 23 before it. After a restart, and with
 * another model, the window begins empty. Of a transaction of more than PENDING_MAX chosen events
 * (16 000 events) the rest is not counted.
 *
 *   engine's thread   note ... note, send (with the commit), settle when it is made, or forget
 *   any other         hec_drift_fold, at any time: relaxed reads of what may be counted just now
 *
 * All memory is there from the start: nothing here allocates, locks or fails.
 */
#ifndef HECATE_OPS_DRIFT_H
#define HECATE_OPS_DRIFT_H

#include <stdint.h>

#include "hecate/drift.h"
#include "hecate/status.h"

#define HEC_DRIFT_HOURS 24
#define HEC_DRIFT_ROWS_MIN 500 /* counted rows of a channel, below which nothing is told */

struct hec_drift;

/** One engine's. @return NULL when memory is exhausted */
struct hec_drift *hec_drift_new(void);
/** Accepts NULL. */
void hec_drift_free(struct hec_drift *drift);

/** What stands for a model in hec_drift_fold, by its hex SHA-256; never 0. */
uint64_t hec_drift_id(const char *sha256);

/** Counts by this model from here on; borrowed until the next call. What was counted by another is
 * forgotten; the same one, read again, goes on. */
void hec_drift_follow(struct hec_drift *drift, const struct hec_model *model, const char *sha256);

/** Whether the event of an offset is one of those in eight. */
static inline bool hec_drift_chooses(int64_t offset)
{
    /* The golden ratio: evenly spread, whatever the distance from one record to the next. */
    return (uint64_t)offset * UINT64_C(0x9e3779b97f4a7c15) >> 61 == 0;
}

/** Notes a scored row of the open transaction. @param scores (heads), as hec_drift_bins */
void hec_drift_note(struct hec_drift *drift, int64_t event_ms, const float *numerics,
                    const uint32_t *categories, const float *scores);

/** The open transaction is about to be committed: what comes now is the next one's. */
void hec_drift_send(struct hec_drift *drift);
/** It is committed: counts it. */
void hec_drift_settle(struct hec_drift *drift);
/** It is rolled back, and what came after it too. */
void hec_drift_forget(struct hec_drift *drift);

/**
 * Adds up what engines have counted by a model within the window.
 *
 * @param each      (engines)
 * @param id        hec_drift_id: engines that count by another model are left out
 * @param channels  of the model
 * @param count     (channels, HEC_DRIFT_BINS) written
 */
void hec_drift_fold(struct hec_drift *const *each, int engines, uint64_t id, int channels,
                    uint64_t (*count)[HEC_DRIFT_BINS]);

/** hec_drift_psi; NaN with fewer rows than HEC_DRIFT_ROWS_MIN. */
double hec_drift_told(const float *share, const uint64_t *count);

#endif
