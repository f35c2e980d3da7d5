/* What reading and applying both ask of the states that an event touches. */
#ifndef HECATE_FEATURE_TOUCH_H
#define HECATE_FEATURE_TOUCH_H

#include "feature/plan.h"

/** XXH3-64 of the event's id: what a user's record remembers of it. */
uint64_t hec_event_id_hash(const struct hec_event *event);

/** Where a part lies in a record, and how many elements it has. */
const uint8_t *hec_part_find(const struct hec_record *record, const struct hec_layout *layout,
                             int part, uint16_t *count);

/** The entry that the event's partition writes; NULL when the kind is not touched. */
struct hec_entity *hec_touched_own(const struct hec_touched *touched, enum hec_kind kind);

#endif
