/*
 * Features by scanning a list: slow, and too plain to be wrong.
 *
 * Keeps every accepted event and answers each feature by walking over all of them, straight from
 * the definitions of design sections 3 and 9. Shares nothing with the plan but the schema's struct
 * and the event.
 */
#ifndef HECATE_SUPPORT_ORACLE_H
#define HECATE_SUPPORT_ORACLE_H

#include "hecate/feature.h"

struct oracle;

/** The schema is borrowed. */
struct oracle *oracle_new(const struct hec_schema *schema);
void oracle_free(struct oracle *oracle);

enum hec_applied oracle_judge(const struct oracle *oracle, const struct hec_event *event);

/** One feature of the schema for an event that is not yet added. */
double oracle_read(const struct oracle *oracle, const struct hec_event *event, int feature);

/** Whether a distinct feature has met so many values that the engine may have begun to estimate. */
bool oracle_is_estimate(const struct oracle *oracle, const struct hec_event *event, int feature);

/** Adds an event that was judged HEC_APPLIED. It must stay valid. */
void oracle_apply(struct oracle *oracle, const struct hec_event *event);

#endif
