/*
 * An event as one line of NDJSON: the inverse of hec_decode, for the makers of streams (gen,
 * import). Which fields there are, and how they nest, is HEC_FIELD_TABLE's to say.
 */
#ifndef HECATE_FILE_EVENT_JSON_H
#define HECATE_FILE_EVENT_JSON_H

#include "file/output.h"
#include "hecate/event.h"

/** Sets a text field from a terminated string, which is borrowed; NULL leaves it absent. The hash
 * is not filled: such an event is for writing, not for scoring. */
void hec_event_set_text(struct hec_event *event, enum hec_field field, const char *text);
/** Sets an integer or boolean field. */
void hec_event_set_integer(struct hec_event *event, enum hec_field field, int64_t value);
/** Sets a number field; six decimals of it are written. */
void hec_event_set_number(struct hec_event *event, enum hec_field field, double value);

/**
 * Makes the label of an event: its entities, amount and type, as a verdict carries them.
 *
 * @param label   event_id, event_time_ms, label, fraud_type and label_source are the caller's to
 *                set afterwards; texts are borrowed from target
 */
void hec_event_label_of(struct hec_event *label, const struct hec_event *target);

/** Appends the event and a line end. The texts together must fit into HEC_OUTPUT_ROOM_MAX / 8. */
void hec_event_write(struct hec_output *output, const struct hec_event *event);

#endif
