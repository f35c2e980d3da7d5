/* What hecate features list and explain say: the schema in words. */
#ifndef HECATE_CLI_FEATURES_TELL_H
#define HECATE_CLI_FEATURES_TELL_H

#include <stdio.h>

#include "hecate/feature.h"

/** A row a feature, then what the field's systems have and no event field feeds. */
void hec_features_list(const struct hec_plan *plan, FILE *to);

/** Definition, tiles, missing rule and cost of one feature; false when there is none of that name,
 * and *nearest (NULL none) is the name that may be meant. */
bool hec_features_explain(const struct hec_plan *plan, const char *name, FILE *to,
                          const char **nearest);

#endif
