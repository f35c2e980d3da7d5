/*
 * rules.conf: what an analyst knows and the model does not yet.
 *
 *   rule prepaid_abroad {
 *       when    = "mcc == '6051' and amount_minor > 50000"
 *       outcome = review
 *       text    = "a large prepaid load"
 *       head    = card_fraud
 *   }
 *
 * What a condition may say stands in hecate/rules.h.
 */
#ifndef HECATE_OPS_RULES_FILE_H
#define HECATE_OPS_RULES_FILE_H

#include "hecate/feature.h"
#include "hecate/model.h"
#include "hecate/rules.h"
#include "hecate/status.h"
#include "ops/problems.h"

/* One key of a rule. */
struct hec_rules_key {
    const char *name, *help;
};
/** Every key, ended by a row without a name. */
const struct hec_rules_key *hec_rules_keys(void);

/**
 * Reads and compiles the file.
 *
 * @param ret    for hec_rules_free; untouched on failure
 * @param plan   the features in use
 * @param model  whose heads rules may name
 * @param error  on failure the first mistake with file:line
 * @return HEC_OK, HEC_INVALID, HEC_NO_MEMORY, or what hec_text_read answers for the file
 */
HEC_CHECKED enum hec_status hec_rules_file_load(struct hec_rules **ret, const char *path,
                                                const struct hec_plan *plan,
                                                const struct hec_model_info *model,
                                                struct hec_error *error);

/** The same from a terminated text; every mistake is a problem. name stands for the file. */
HEC_CHECKED enum hec_status hec_rules_text_parse(struct hec_rules **ret, const char *name,
                                                 const char *text, const struct hec_plan *plan,
                                                 const struct hec_model_info *model,
                                                 struct hec_problems *problems);

#endif
