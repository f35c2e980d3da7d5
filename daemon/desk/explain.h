/*
 * An alert explained again: the feature row that it carries, through the model that made it, held
 * against what it says.
 *
 * So that "why this alert?" has an answer months later, and one that can be checked: nothing of the
 * state of today goes into it.
 */
#ifndef HECATE_DESK_EXPLAIN_H
#define HECATE_DESK_EXPLAIN_H

#include <yyjson.h>

#include "hecate/decide.h"
#include "hecate/feature.h"
#include "hecate/model.h"
#include "hecate/status.h"

struct hec_explain {
    const struct hec_plan *plan;
    const struct hec_model *model;
    const char *model_sha256;
    const struct hec_policy *policy;
};

/* What may differ: scores move in their last bits with the size of a batch. */
#define HEC_EXPLAIN_SCORE_TOLERANCE 1e-5
/* Reasons whose contributions are this near to each other may have changed places. */
#define HEC_EXPLAIN_TIE 1e-3

/**
 * Writes into an object: "same", "score_difference_max", "same_reasons", "ties", "heads" (recorded
 * and again, by head), "reasons" (again, with text and contribution as recorded where the alert has
 * them).
 *
 * @param alert  the alert as it stood on the topic
 * @return HEC_OK
 *         HEC_NOT_FOUND  the alert carries no row (made by an older version)
 *         HEC_MISMATCH   another model or other features made it; the sentence names both
 *         HEC_INVALID    the row cannot be read
 *         HEC_NO_MEMORY
 */
HEC_CHECKED enum hec_status hec_explain_alert(const struct hec_explain *explain, yyjson_val *alert,
                                              yyjson_mut_doc *doc, yyjson_mut_val *into,
                                              struct hec_error *error);

#endif
