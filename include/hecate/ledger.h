/*
 * The ledger of one input partition: what of each head's daily budget is spent, and how many events
 * are being blocked.
 *
 * Decisions that look at what was decided before must come out the same when they are made again
 * after a crash. So a ledger is a function of the events of its partition in their order, in event
 * time, in integers alone; and it is committed with the offset that it reaches to, as the text of
 * hec_ledger_print in that offset's metadata. Who goes on from the offset goes on from the ledger.
 *
 * The budget: at most so many alerts a head and day (UTC, by event time), and those with the
 * greatest expected loss among the candidates. Nobody knows at noon what the evening brings; the
 * threshold on the loss is set so that the candidates expected in the rest of the day, above it,
 * are as many as are left to spend:
 *
 *   expected in the day(bin) = (seen today + c x usual day) / (part of the day gone + c)
 *
 * counted by loss in bins a quarter of a doubling wide. When it is ten times a usual day, that is
 * seen within minutes; what is left at night is spent on what then comes.
 *
 * The breaker: when more than a share of the events in a window would be blocked, it opens, and
 * closes when it is less than half that share.
 *
 * All zero is a new ledger. Plain data: copy it to keep it. One thread.
 */
#ifndef HECATE_LEDGER_H
#define HECATE_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hecate/model.h"

#define HEC_LEDGER_BINS 64
#define HEC_LEDGER_SLICES 24 /* of a day, for how events spread over it */
#define HEC_BREAKER_SLOTS 10
#define HEC_BREAKER_EVENTS_MIN 100 /* in the window, before a share says anything */

/* What one head spent. Counts of candidates by loss; usual ones in sixteenths. */
struct hec_budget {
    uint32_t used;    /* alerts of today */
    uint32_t refused; /* candidates of today that were over the budget */
    uint32_t seen[HEC_LEDGER_BINS];
    uint32_t usual[HEC_LEDGER_BINS];
};

struct hec_ledger {
    int32_t day;       /* since 1970, of the newest event; 0: no event yet */
    int32_t days;      /* ended ones that the usual day is made of */
    int32_t first_ms;  /* of the day, when the very first event came */
    int32_t latest_ms; /* of the day, the newest event */
    /* Events and candidates of today by the hour; of a usual day in sixteenths. */
    uint32_t events[HEC_LEDGER_SLICES], usual_events[HEC_LEDGER_SLICES];
    uint32_t candidates[HEC_LEDGER_SLICES], usual_candidates[HEC_LEDGER_SLICES];
    struct hec_budget heads[HEC_HEADS_MAX];
    int64_t slot_ms; /* width of the breaker's slots */
    int64_t slot;    /* its newest: event time / width */
    uint32_t slot_events[HEC_BREAKER_SLOTS], slot_blocks[HEC_BREAKER_SLOTS];
    bool open; /* the breaker */
};

/** The part of a budget that a partition has, so that all parts add up to it. */
int64_t hec_budget_part(int64_t budget, int32_t partition, int32_t partitions);

/** Notes an event that is about to be judged: moves the day on and counts it. Events of a day that
 * is over count for the newest one. */
void hec_ledger_event(struct hec_ledger *ledger, int64_t event_ms);

/**
 * Judges one candidate, and counts it.
 *
 * @param limit       alerts of that head and day, of this partition; 0 refuses all
 * @param loss_minor  expected; what orders candidates
 * @param forced      it is an alert whatever is left, and is spent all the same
 * @return true: spent. False: over the budget, counted as refused
 */
bool hec_ledger_spend(struct hec_ledger *ledger, int head, int64_t limit, int64_t loss_minor,
                      bool forced);

/**
 * Counts one event for the breaker and says whether it is open.
 *
 * @param would_block  the event would be blocked
 * @param share        opens above it; 0: it never opens
 */
bool hec_ledger_breaker(struct hec_ledger *ledger, int64_t event_ms, int64_t window_ms,
                        double share, bool would_block);

/** Blocks and events in the breaker's window, for people. */
void hec_ledger_window(const struct hec_ledger *ledger, uint32_t *events, uint32_t *blocks);

/* Offset metadata may be 4096 bytes. */
#define HEC_LEDGER_TEXT_MAX 3600

/** Writes the ledger as printable ASCII without blanks, terminated. Returns the length, 0 when it
 * does not fit in HEC_LEDGER_TEXT_MAX (it then starts anew after a restart). */
size_t hec_ledger_print(char text[HEC_LEDGER_TEXT_MAX], const struct hec_ledger *ledger);

/** Reads it back. False: it is none, and the ledger is a new one. */
bool hec_ledger_parse(struct hec_ledger *ledger, const char *text);

#endif
