/*
 * Verdicts on their way from the engines, which read them in the log, to the desk, which remembers
 * what became of each alert.
 *
 *   engine's thread    hec_verdicts_post: never waits for a disk, only for the copy of a note
 *   desk's thread      hec_verdicts_take
 *
 * A bounded queue: when the desk's disk is slower than a rebuild reads labels, the oldest are
 * dropped and counted. Posting one verdict twice does no harm, so silent replays post as well: a
 * crash loses those alone that are in a checkpoint already and were not yet taken. That is what
 * came in one turn of the desk, at most HEC_VERDICTS_KEPT of them, and nobody counts it.
 */
#ifndef HECATE_OPS_VERDICTS_H
#define HECATE_OPS_VERDICTS_H

#include <stdint.h>

#include "hecate/entity.h"
#include "hecate/event.h"
#include "hecate/model.h"
#include "hecate/status.h"

#define HEC_VERDICTS_KEPT 8192

/* A label event, as far as it matters for what it is about. Texts are "" when absent; a label
 * without its target's type has it from the fields that only one type has. */
struct hec_verdict_note {
    char event_id[HEC_TOKEN_BYTES_MAX + 1], event_type[33]; /* of the target */
    char label[17], fraud_type[HEC_FRAUD_TYPE_MAX];
    int32_t partition;
    int64_t event_ms; /* the target's time */
    int64_t at_ms;    /* the label's: the newest counts */
};

struct hec_verdicts;

/** @return HEC_OK, HEC_NO_MEMORY */
HEC_CHECKED enum hec_status hec_verdicts_new(struct hec_verdicts **ret);
/** Accepts NULL. */
void hec_verdicts_free(struct hec_verdicts *verdicts);

/** Notes a label event. Any thread. */
void hec_verdicts_post(struct hec_verdicts *verdicts, const struct hec_event *label,
                       int32_t partition);

/** Takes up to count notes, the oldest first; returns how many. Any thread. */
int hec_verdicts_take(struct hec_verdicts *verdicts, struct hec_verdict_note *notes, int count);

/** How many were dropped so far. Any thread. */
int64_t hec_verdicts_dropped(struct hec_verdicts *verdicts);

#endif
