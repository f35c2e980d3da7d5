/*
 * What the decoder leaves: how far each feature of a row is from what it and all others say.
 *
 * A decoder through a narrow layer cannot give every feature back; what is left of ordinary rows is
 * large for some features and moves together for many. Neither is strange. So the residuals of
 * training are fitted by one normal distribution, and a feature counts by how far its residual is
 * from what the other residuals let expect, in deviations: with C their covariance and d a row's
 * residuals, z_j = (C^-1 d)_j / sqrt((C^-1)_jj). Squares are cut at HEC_ERROR_CUT, so that one wild
 * feature cannot make a row strange alone, and residuals at HEC_RESIDUAL_CUT, so that it cannot
 * make the others so.
 */
#ifndef HEC_MODEL_RESIDUAL_H
#define HEC_MODEL_RESIDUAL_H

#include <stddef.h>

#include "hecate/status.h"

#define HEC_RESIDUAL_CUT 10

/* Owned. */
struct hec_residual {
    int n;
    float *mean;          /* (n) of the cut residuals */
    float *matrix;        /* (n,n): from residuals without their mean to z */
    float *packed, *bias; /* what follows from them for the product */
};

/** Allocates for n numeric columns. @return HEC_OK or HEC_NO_MEMORY; release with _free either way.
 */
HEC_CHECKED enum hec_status hec_residual_new(struct hec_residual *residual, int n);
void hec_residual_free(struct hec_residual *residual);

/** d = y - x, cut.   d, y (rows,n)   x (rows, x_stride), the first n columns */
void hec_residual_of(float *d, const float *y, const float *x, int x_stride, int rows, int n);

/**
 * Fits mean and matrix.
 *
 * @param sum      (n) of the residuals of count rows
 * @param squares  (n,n) of their products; changed
 * @return HEC_OK, HEC_NO_MEMORY
 */
HEC_CHECKED enum hec_status hec_residual_fit(struct hec_residual *residual, const double *sum,
                                             double *squares, double count);

/** Packs mean and matrix for judging; after the fit, and after they were read from a file. */
void hec_residual_settle(struct hec_residual *residual);

/**
 * Judges rows. The same bits for a row in any batch.
 *
 *
 * @param each    (rows,n), written: each feature's part of the error
 * @param d       (rows,n) from hec_residual_of
 */
void hec_residual_judge(const struct hec_residual *residual, float *each, const float *d, int rows);

#endif
