/*
 * What was observed of each feature: the values that a counterfactual may take.
 */
#ifndef HECATE_CLI_OBSERVED_H
#define HECATE_CLI_OBSERVED_H

#include "cli/rows.h"
#include "hecate/explain.h"

/* Owned. */
struct hec_observed {
    struct hec_candidates candidates; /* points into what follows */
    float *numeric;
    uint32_t *category;
    int *numeric_count, *category_count;
};

/**
 * Of a numeric column the quantiles of its values in an even sample of the rows, from the 1 % to
 * the 99 % one; of a category the commonest values.
 *
 * @return HEC_OK or HEC_NO_MEMORY; release with hec_observed_free either way
 */
HEC_CHECKED enum hec_status hec_observe(struct hec_observed *observed, const struct hec_rows *rows,
                                        const struct hec_columns *columns);
void hec_observed_free(struct hec_observed *observed);

#endif
