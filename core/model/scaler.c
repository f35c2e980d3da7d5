/* The scaler: fitted in double, applied in float by one loop that training and serving share. */
#include "model/scaler.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "model/elementary.h"
#include "model/real.h"

/* Below this share of the mean's size a deviation is rounding, not variation. */
#define NEVER_VARIED 1e-6
#define LANES 16

enum hec_status hec_scaler_new(struct hec_scaler *scaler, int numerics)
{
    size_t n = (size_t)numerics + 1; /* never zero bytes */
    *scaler = (struct hec_scaler){ .numerics = numerics,
                                   .mean = calloc(n, sizeof(float)),
                                   .inverse = calloc(n, sizeof(float)),
                                   .had_missing = calloc(n, sizeof(float)),
                                   .indicator_column = calloc(n, sizeof(int)) };
    if (scaler->mean == NULL || scaler->inverse == NULL || scaler->had_missing == NULL ||
        scaler->indicator_column == NULL) {
        hec_scaler_free(scaler);
        return HEC_NO_MEMORY;
    }
    return HEC_OK;
}

void hec_scaler_free(struct hec_scaler *scaler)
{
    free(scaler->mean);
    free(scaler->inverse);
    free(scaler->had_missing);
    free(scaler->indicator_column);
    *scaler = (struct hec_scaler){ 0 };
}

void hec_scaler_settle(struct hec_scaler *scaler)
{
    scaler->indicators = 0;
    for (int j = 0; j < scaler->numerics; j++) {
        if (scaler->had_missing[j] > 0) {
            scaler->indicator_column[scaler->indicators++] = j;
        }
    }
}

/* Two passes, so that a large mean does not drown a small deviation. */
static void fit_column(struct hec_scaler *scaler, int j, const float *numerics,
                       const uint32_t *pick, size_t picks)
{
    size_t stride = (size_t)scaler->numerics, there = 0;
    double sum = 0, squares = 0;
    for (size_t i = 0; i < picks; i++) {
        float x = numerics[pick[i] * stride + (size_t)j];
        if (!isnan(x)) {
            sum += (double)hec_signed_log1p(x);
            there++;
        }
    }
    double mean = there > 0 ? sum / (double)there : 0;
    for (size_t i = 0; i < picks; i++) {
        float x = numerics[pick[i] * stride + (size_t)j];
        if (!isnan(x)) {
            double off = (double)hec_signed_log1p(x) - mean;
            squares += off * off;
        }
    }
    double deviation = there > 0 ? sqrt(squares / (double)there) : 0;
    bool varied = deviation > NEVER_VARIED * (1e-3 + fabs(mean));

    scaler->mean[j] = (float)mean;
    scaler->inverse[j] = varied ? (float)(1 / deviation) : 0;
    scaler->had_missing[j] = there < picks;
}

void hec_scaler_fit(struct hec_scaler *scaler, const float *numerics, const uint32_t *pick,
                    size_t picks)
{
    for (int j = 0; j < scaler->numerics; j++) {
        fit_column(scaler, j, numerics, pick, picks);
    }
    hec_scaler_settle(scaler);
}

/* n: a multiple of LANES, or the compiler's own ending costs as much as the rest. */
HEC_WIDE static void scale_row(float *restrict y, const float *restrict x,
                               const float *restrict mean, const float *restrict inverse, int n)
{
    for (int j = 0; j < n; j++) {
        float scaled = (hec_signed_log1p(x[j]) - mean[j]) * inverse[j];
        scaled = scaled < HEC_SCALER_GUARD ? scaled : HEC_SCALER_GUARD;
        scaled = scaled > -HEC_SCALER_GUARD ? scaled : -HEC_SCALER_GUARD;
        y[j] = x[j] == x[j] ? scaled : 0;
    }
}

void hec_scaler_apply(const struct hec_scaler *scaler, const float *numerics, int rows,
                      float *input, int stride)
{
    int n = scaler->numerics, whole = n / LANES * LANES;
    float mean[LANES] = { 0 }, inverse[LANES] = { 0 };
    memcpy(mean, scaler->mean + whole, sizeof(float) * (size_t)(n - whole));
    memcpy(inverse, scaler->inverse + whole, sizeof(float) * (size_t)(n - whole));
    for (int row = 0; row < rows; row++) {
        const float *x = numerics + (size_t)row * (size_t)n;
        float *y = input + (size_t)row * (size_t)stride;
        scale_row(y, x, scaler->mean, scaler->inverse, whole);
        if (whole < n) {
            float last[LANES] = { 0 }, scaled[LANES];
            memcpy(last, x + whole, sizeof(float) * (size_t)(n - whole));
            scale_row(scaled, last, mean, inverse, LANES);
            memcpy(y + whole, scaled, sizeof(float) * (size_t)(n - whole));
        }
        for (int i = 0; i < scaler->indicators; i++) {
            y[n + i] = isnan(x[scaler->indicator_column[i]]) ? 1.0f : 0.0f;
        }
    }
}

void hec_categories_apply(uint32_t *index, const uint32_t *categories, int rows, int columns,
                          int table_rows)
{
    for (int row = 0; row < rows; row++) {
        for (int k = 0; k < columns; k++) {
            int at = row * columns + k;
            index[at] = (uint32_t)(k * table_rows) + hec_category_row(categories[at], table_rows);
        }
    }
}
