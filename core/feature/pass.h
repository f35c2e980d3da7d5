/*
 * One event's pass over the states that it touches: reading and applying share what both ask.
 *
 * What the event comes to (hec_facts) is worked out once an event. Where the parts of a record lie
 * and where the event's values stand in its lists is worked out once a record: reading leaves that
 * survey behind, and applying, which comes next, finds everything again without a search.
 */
#ifndef HECATE_FEATURE_PASS_H
#define HECATE_FEATURE_PASS_H

#include "feature/plan.h"
#include "state/values.h"

/* What an event meets in the record that its partition writes. Valid until that changes. */
struct hec_survey {
    const struct hec_record *record; /* NULL: never seen; then all counts are 0 */
    const uint8_t *bytes;            /* the record's, or of nothing: never NULL */
    const uint16_t *counts;
    uint32_t places[HEC_PARTS_MAX + 1]; /* see hec_record_places */
    uint64_t takes;                     /* bit part: SEEN and VALUES: the event adds its value */
    uint64_t fresh;                     /* bit part: of these, the value is not there yet */
    uint32_t met;                 /* bit list: SEEN and VALUES: the event has a value for it */
    uint32_t keys[HEC_LISTS_MAX]; /* that value */
    struct hec_values_look looks[HEC_LISTS_MAX]; /* where it stands */
};

struct hec_pass {
    const struct hec_plan *plan;
    const struct hec_event *event;
    const struct hec_touched *touched;
    struct hec_facts facts;
    uint32_t surveyed; /* bit kind: it has a survey */
    struct hec_survey surveys[HEC_KINDS];
};

/** Begins a pass: only the facts are there. */
void hec_pass_begin(struct hec_pass *pass, const struct hec_plan *plan,
                    const struct hec_event *event, const struct hec_touched *touched);

/** The survey of a kind that the event touches, made when it is first asked for. */
const struct hec_survey *hec_pass_survey(struct hec_pass *pass, enum hec_kind kind);

/** The first half: the states into a row. The event is a scored one. */
void hec_pass_read(struct hec_pass *pass, float *numerics, uint32_t *categories);

/** The second: the event into the states. Ends the pass. */
HEC_CHECKED enum hec_status hec_pass_apply(struct hec_pass *pass, struct hec_entities *entities,
                                           int64_t offset);

#endif
