/* Residuals: fitted in double by a Cholesky factor, judged in float by one product. */
#include "model/residual.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/layers.h"
#include "model/serve.h"

#define SHRINK                                                                                     \
    0.01 /* added to each variance, in those of the scaled feature: 0.1 of a deviation             \
          */

enum hec_status hec_residual_new(struct hec_residual *residual, int n)
{
    size_t size = (size_t)n;
    *residual = (struct hec_residual){ .n = n,
                                       .mean = calloc(size + 1, sizeof(float)),
                                       .matrix = calloc(size * size + 1, sizeof(float)),
                                       .packed = calloc(hec_panels_size(n, n) + 1, sizeof(float)),
                                       .bias = calloc(size + 1, sizeof(float)) };
    return residual->mean == NULL || residual->matrix == NULL || residual->packed == NULL ||
                   residual->bias == NULL
               ? HEC_NO_MEMORY
               : HEC_OK;
}

void hec_residual_free(struct hec_residual *residual)
{
    free(residual->mean);
    free(residual->matrix);
    free(residual->packed);
    free(residual->bias);
    *residual = (struct hec_residual){ 0 };
}

void hec_residual_of(float *d, const float *y, const float *x, int x_stride, int rows, int n)
{
    for (int row = 0; row < rows; row++) {
        for (int j = 0; j < n; j++) {
            float apart = y[row * n + j] - x[(size_t)row * (size_t)x_stride + (size_t)j];
            apart = apart > HEC_RESIDUAL_CUT ? HEC_RESIDUAL_CUT : apart;
            d[row * n + j] = apart < -HEC_RESIDUAL_CUT ? -HEC_RESIDUAL_CUT : apart;
        }
    }
}

/* In place: the lower triangle of a covariance becomes its Cholesky factor. The shrinkage keeps it
 * from being singular. */
static void factor(double *c, int n)
{
    for (int i = 0; i < n; i++) {
        for (int j = 0; j <= i; j++) {
            double sum = c[i * n + j];
            for (int k = 0; k < j; k++) {
                sum -= c[i * n + k] * c[j * n + k];
            }
            c[i * n + j] = i == j ? sqrt(fmax(sum, SHRINK * 1e-6)) : sum / c[j * n + j];
        }
    }
}

/* One column of the inverse: L L' x = e_j. */
static void column_of(double *x, const double *factor, int j, int n)
{
    for (int i = 0; i < n; i++) {
        double sum = i == j;
        for (int k = 0; k < i; k++) {
            sum -= factor[i * n + k] * x[k];
        }
        x[i] = sum / factor[i * n + i];
    }
    for (int i = n - 1; i >= 0; i--) {
        double sum = x[i];
        for (int k = i + 1; k < n; k++) {
            sum -= factor[k * n + i] * x[k];
        }
        x[i] = sum / factor[i * n + i];
    }
}

enum hec_status hec_residual_fit(struct hec_residual *residual, const double *sum, double *squares,
                                 double count)
{
    int n = residual->n;
    double *x = malloc(((size_t)n + 1) * sizeof(*x)), rows = fmax(count, 1);
    if (x == NULL) {
        return HEC_NO_MEMORY;
    }
    for (int i = 0; i < n; i++) {
        residual->mean[i] = (float)(sum[i] / rows);
        for (int j = 0; j < n; j++) {
            squares[i * n + j] =
                squares[i * n + j] / rows - sum[i] / rows * (sum[j] / rows) + (i == j ? SHRINK : 0);
        }
    }
    factor(squares, n);
    for (int j = 0; j < n; j++) {
        column_of(x, squares, j, n);
        for (int i = 0; i < n; i++) {
            residual->matrix[j * n + i] = (float)(x[i] / sqrt(x[j]));
        }
    }
    free(x);
    hec_residual_settle(residual);
    return HEC_OK;
}

void hec_residual_settle(struct hec_residual *residual)
{
    int n = residual->n;
    hec_panels_pack(residual->packed, residual->matrix, n, n);
    for (int j = 0; j < n; j++) {
        double sum = 0;
        for (int i = 0; i < n; i++) {
            sum += (double)residual->matrix[j * n + i] * (double)residual->mean[i];
        }
        residual->bias[j] = (float)-sum;
    }
}

void hec_residual_judge(const struct hec_residual *residual, float *each, const float *d, int rows)
{
    int n = residual->n;
    float share = 1 / (float)n;
    hec_serve_dense(each, d, residual->packed, residual->bias, rows, n, n, 0);
    for (int i = 0; i < rows * n; i++) {
        float square = each[i] * each[i];
        each[i] = (square < HEC_ERROR_CUT ? square : HEC_ERROR_CUT) * share;
    }
}
