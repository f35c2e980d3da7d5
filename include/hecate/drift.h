/*
 * Drift: how far what a model is given, and what it says, has moved from its training.
 *
 * A model file holds a reference: for each feature column and each head the shares of rows in
 * HEC_DRIFT_BINS bins. A channel is a numeric column, a category column or a head, in that order.
 *
 *   numeric, head   ten bins, equally full in the reference as far as its values allow; missing
 *   category        the nine most frequent hashes; all others; absent
 *
 * Columns are those of training rows; a head's are scores of validation rows that it judges, or of
 * training rows where those are few. Models of before have no reference, and then nothing is told.
 *
 *   row + scores --hec_drift_bins--> a bin for each channel --count--> hec_drift_psi
 *
 * All functions are for any thread; the model is immutable.
 */
#ifndef HECATE_DRIFT_H
#define HECATE_DRIFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hecate/model.h"

#define HEC_DRIFT_BINS 11
#define HEC_DRIFT_MISSING (HEC_DRIFT_BINS - 1) /* the bin of what is missing or absent */
#define HEC_DRIFT_NOWHERE 255                  /* a head that does not judge the row: no bin */
#define HEC_DRIFT_CHANNELS_MAX (HEC_MODEL_NUMERICS_MAX + HEC_MODEL_CATEGORIES_MAX + HEC_HEADS_MAX)

/** False: the model has no reference, and only hec_drift_channels may be asked. */
bool hec_drift_is_known(const struct hec_model *model);

/** How many channels: numeric columns, then category columns, then heads. */
int hec_drift_channels(const struct hec_model *model);

/** Its shares in the reference, (HEC_DRIFT_BINS): they add up to 1, or are all 0 where there was
 * nothing to count. */
const float *hec_drift_share(const struct hec_model *model, int channel);

/**
 * The bin of each channel for one scored row.
 *
 * @param numerics, categories  the row, as hec_predictor_run has it
 * @param scores  (heads): of the row; NaN = the head does not judge it
 * @param bins    (channels), written
 */
void hec_drift_bins(const struct hec_model *model, const float *numerics,
                    const uint32_t *categories, const float *scores, uint8_t *bins);

/**
 * Population stability index: the sum over bins of (q - p) ln(q / p), where a share below 1e-4
 * counts as 1e-4 and a bin that is empty on both sides as nothing. Below 0.1 little has moved,
 * above 0.25 much has (the rule of thumb of credit scoring; Siddiqi, Credit Risk Scorecards, 2006).
 * Of n rows from the reference itself about (bins - 1) / n is to be expected.
 *
 * @param share  (HEC_DRIFT_BINS) p: of the reference
 * @param count  (HEC_DRIFT_BINS) q: rows now
 * @return NaN where either side is empty
 */
double hec_drift_psi(const float *share, const uint64_t *count);

#endif
