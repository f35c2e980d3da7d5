/*
 * What became of alerts, as far as verdicts tell: live precision and recall of each head, and what
 * the control group says of blocking.
 *
 *   event ----(label_delay)----> mature            windows of 7, 30, 90 days end where maturity
 *                                                  begins: what is younger is told apart
 *
 *   fraud, genuine   alerts of the head whose event has that verdict, as the head is trained on it
 *   unlabelled       alerts that nobody judged: in neither figure
 *   missed           frauds of the head's kind without an alert of it
 *
 * precision = fraud / (fraud + genuine); recall = fraud / (fraud + missed).
 *
 * Of the control group silence is an answer, for nobody looks at a payment that went through and
 * was good: mature without a verdict is genuine there. Its precision is that of what would have
 * been blocked, each weighed by 1 / propensity.
 *
 * "Now" is the newest alert's event time plus the wall clock's time since it was made, so that a
 * log played back is judged as it would have been then. Only events of partitions that are read
 * here count: sums over the daemons of a group count each once. Verdicts are those that were read
 * here: of a partition that another daemon read before, the earlier ones are not known, and its
 * alerts of then stand as unlabelled, in the control group as genuine, until they leave the window.
 */
#ifndef HECATE_OPS_OUTCOMES_H
#define HECATE_OPS_OUTCOMES_H

#include "hecate/disposition.h"
#include "hecate/model.h"
#include "ops/inbox.h"
#include "ops/verdicts.h"

#define HEC_OUTCOME_WINDOWS 3
extern const int hec_outcome_days[HEC_OUTCOME_WINDOWS]; /* 7, 30, 90 */

struct hec_live_window {
    int64_t fraud, genuine, unlabelled, missed;
};

struct hec_head_outcomes {
    struct hec_live_window windows[HEC_OUTCOME_WINDOWS];
    int64_t immature; /* alerts that are too young */
    /* Over the longest window. */
    struct hec_control_sum control;
    int64_t control_mature, control_immature;
};

struct hec_outcomes {
    struct hec_head_outcomes heads[HEC_HEADS_MAX];
};

/** Remembers verdicts, the newest of an event in place of older ones. @return HEC_OK,
 * HEC_UNAVAILABLE: then none of them */
HEC_CHECKED enum hec_status hec_outcomes_note(struct hec_inbox *inbox,
                                              const struct hec_verdict_note *notes, int count,
                                              struct hec_error *error);

/* What to count by. Borrowed. */
struct hec_outcomes_by {
    const struct hec_head *heads;
    int heads_count;
    int64_t wall_ms;
    unsigned alerting; /* heads that may alert at all, a bit each: only these can miss */
    bool (*is_read)(const void *context, int32_t partition); /* here */
    const void *context;
};

/** Counts all of it anew. @return HEC_OK, HEC_UNAVAILABLE, HEC_CORRUPT, HEC_NO_MEMORY: then
 * outcomes stay what they were, for a part would look like the whole */
HEC_CHECKED enum hec_status hec_outcomes_count(struct hec_outcomes *outcomes,
                                               struct hec_inbox *inbox,
                                               const struct hec_outcomes_by *by,
                                               struct hec_error *error);

/** NaN when there is nothing to divide by. */
double hec_live_precision(const struct hec_live_window *outcome);
double hec_live_recall(const struct hec_live_window *outcome);

#endif
