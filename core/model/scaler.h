/*
 * The scaler: raw columns to what the network reads.
 *
 *   y = (sign(x) log(1+|x|) - mean) / deviation, kept within +-100; missing = 0
 *
 * and one more input, 0 or 1, for each column that had missing values in training. Mean and
 * deviation are those of the training rows. No quantiles and no tight clip: a risk rate reaches
 * tens of deviations exactly when it matters, and both cost far more precision than they tidy.
 * A column that never varied in training says nothing: its inverse is 0.
 */
#ifndef HEC_MODEL_SCALER_H
#define HEC_MODEL_SCALER_H

#include <stddef.h>
#include <stdint.h>

#include "hecate/status.h"

#define HEC_SCALER_GUARD 100.0f

/* Owned arrays, all of length numerics but the last. */
struct hec_scaler {
    int numerics, indicators;
    float *mean, *inverse;
    float *had_missing;    /* 0 or 1 */
    int *indicator_column; /* (indicators): the numeric column that each stands for */
};

/** Allocates for this many columns, everything zero. Release with hec_scaler_free either way. */
HEC_CHECKED enum hec_status hec_scaler_new(struct hec_scaler *scaler, int numerics);
void hec_scaler_free(struct hec_scaler *scaler);

/** Derives indicators and indicator_column from had_missing. */
void hec_scaler_settle(struct hec_scaler *scaler);

#define HEC_SCALER_ROWS 256 /* asked for at a time, at most */

/** Writes rows first .. first + count - 1 of those to be learned from, (count, numerics). */
typedef void hec_scaler_rows(void *user, size_t first, int count, float *numerics);

/** Learns from raw rows, in double, in two passes. @return HEC_OK or HEC_NO_MEMORY */
HEC_CHECKED enum hec_status hec_scaler_fit(struct hec_scaler *scaler, size_t rows,
                                           hec_scaler_rows *give, void *user);

/** Writes the scaled columns, then the indicators, at the front of each input row. */
void hec_scaler_apply(const struct hec_scaler *scaler, const float *numerics, int rows,
                      float *input, int stride);

/* A category is a 32-bit hash of its text; 0 is absent. It shares one of table_rows rows with
 * others; row 0 is kept for absent ones. */
static inline uint32_t hec_category_row(uint32_t hash, int table_rows)
{
    return hash == 0 ? 0 : 1 + hash % (uint32_t)(table_rows - 1);
}

/** Rows of the one big table: column k's begin at k x table_rows. */
void hec_categories_apply(uint32_t *index, const uint32_t *categories, int rows, int columns,
                          int table_rows);

#endif
