/*
 * Values that fade: a weight and a sum that halve with every half-life of event time.
 *
 * Only records with one writer hold these, because adding doubles in another order gives other
 * bytes. The power of two is our own (a polynomial and exact scaling, no contraction), so that a
 * record has the same bytes on every machine. A late event enters with the weight that it has left
 * at the newest time.
 */
#ifndef HECATE_STATE_DECAY_H
#define HECATE_STATE_DECAY_H

#include <stdint.h>

/* Three fixed slots of a record; all zero: nothing was ever added. */
struct hec_decay {
    int64_t at_ms; /* newest event's time, to which the weight and the sum are reduced */
    double weight, sum;
};
_Static_assert(sizeof(struct hec_decay) == 24, "stored: a change needs a new version");

/** Two to the power of -halvings, halvings >= 0; 0 from 1 000 on. Error below 1e-15, relative. */
double hec_decay_left(double halvings);

void hec_decay_add(struct hec_decay *decay, int64_t half_life_ms, int64_t event_ms, double value);

/** The weight at a time; the time of the newest event when that is later. */
double hec_decay_weight(const struct hec_decay *decay, int64_t half_life_ms, int64_t now_ms);

#endif
