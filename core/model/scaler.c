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

/* What is counted of one column. */
struct column {
    double sum, mean, squares;
    size_t there;
};

static void count_row(struct column *columns, int n, const float *x, bool second)
{
    for (int j = 0; j < n; j++) {
        if (isnan(x[j])) {
            continue;
        }
        double value = (double)hec_signed_log1p(x[j]);
        if (second) {
            columns[j].squares += (value - columns[j].mean) * (value - columns[j].mean);
        } else {
            columns[j].sum += value;
            columns[j].there++;
        }
    }
}

static void settle_column(struct hec_scaler *scaler, int j, const struct column *column,
                          size_t rows)
{
    double deviation = column->there > 0 ? sqrt(column->squares / (double)column->there) : 0;
    bool varied = deviation > NEVER_VARIED * (1e-3 + fabs(column->mean));
    scaler->mean[j] = (float)column->mean;
    scaler->inverse[j] = varied ? (float)(1 / deviation) : 0;
    scaler->had_missing[j] = column->there < rows;
}

/* Two passes, so that a large mean does not drown a small deviation. */
enum hec_status hec_scaler_fit(struct hec_scaler *scaler, size_t rows, hec_scaler_rows *give,
                               void *user)
{
    size_t n = (size_t)scaler->numerics;
    struct column *columns = calloc(n + 1, sizeof(*columns));
    float *part = malloc((HEC_SCALER_ROWS * n + 1) * sizeof(*part));
    for (int pass = 0; pass < 2 && columns != NULL && part != NULL; pass++) {
        for (size_t first = 0; first < rows; first += HEC_SCALER_ROWS) {
            int count = rows - first < HEC_SCALER_ROWS ? (int)(rows - first) : HEC_SCALER_ROWS;
            give(user, first, count, part);
            for (int i = 0; i < count; i++) {
                count_row(columns, (int)n, part + (size_t)i * n, pass == 1);
            }
        }
        for (size_t j = 0; j < n; j++) {
            columns[j].mean = columns[j].there > 0 ? columns[j].sum / (double)columns[j].there : 0;
        }
    }
    for (size_t j = 0; j < n && columns != NULL && part != NULL; j++) {
        settle_column(scaler, (int)j, &columns[j], rows);
    }
    enum hec_status status = columns == NULL || part == NULL ? HEC_NO_MEMORY : HEC_OK;
    hec_scaler_settle(scaler);
    free(columns);
    free(part);
    return status;
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
