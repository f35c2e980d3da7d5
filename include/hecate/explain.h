/*
 * Explaining offline: a referee for the attributions that alerts carry, and what would have passed.
 */
#ifndef HECATE_EXPLAIN_H
#define HECATE_EXPLAIN_H

#include "hecate/model.h"

/**
 * Integrated gradients (Sundararajan, Taly, Yan, ICML 2017) along the straight line from the
 * baseline to the row, in the network's input: the midpoint rule over `steps` points. Arguments as
 * hec_predictor_explain's, which is exact and `steps` times as fast; the contributions here add up
 * to the difference of the logits but for what the rule leaves at the kinks. A novelty head gets
 * what hec_predictor_explain gives, and so does any when memory is exhausted.
 */
void hec_predictor_integrate(struct hec_predictor *predictor, const float *numerics,
                             const uint32_t *categories, int head, int steps, float *contributions,
                             float *logit, float *baseline_logit);

#define HEC_COUNTERFACTUAL_MAX 4 /* columns changed */
#define HEC_CANDIDATES_MAX 24    /* values of a column that are tried */

/* Values that a column may take, numerics first, then categories. All borrowed. */
struct hec_candidates {
    const float *numeric;     /* (numerics, HEC_CANDIDATES_MAX) */
    const int *numeric_count; /* (numerics) */
    const uint32_t *category; /* (categories, HEC_CANDIDATES_MAX) */
    const int *category_count;
};

struct hec_counterfactual {
    int count; /* columns changed; 0: it passes as it is, -1: nothing that was tried passes */
    int column[HEC_COUNTERFACTUAL_MAX]; /* numerics first */
    float to[HEC_COUNTERFACTUAL_MAX];   /* of numeric columns */
    uint32_t to_category[HEC_COUNTERFACTUAL_MAX];
    float score; /* with the changes */
};

/**
 * The fewest columns whose change to a candidate brings a binary head below its threshold.
 *
 * One column at a time, always the one that lowers the score most; then changes that turn out not
 * to be needed are taken back, and numbers move back towards what was observed as far as the row
 * still passes. With one column this is the best there is among the candidates; with more it is
 * small, not proven smallest. Columns are changed alone: whether a person could have done just that
 * is not asked.
 *
 * @param row_numerics, row_categories  one row
 * @param threshold  what passes is below it
 * @return HEC_OK or HEC_NO_MEMORY
 */
HEC_CHECKED enum hec_status
hec_counterfactual_find(struct hec_counterfactual *found, struct hec_predictor *predictor,
                        const float *row_numerics, const uint32_t *row_categories, int head,
                        float threshold, const struct hec_candidates *candidates);

#endif
