/*
 * The layers: blocks with a forward and a backward pass, from which networks are put together.
 *
 * B rows in the batch, I inputs, O outputs; matrices row-major. A pointer with a stride is a block
 * of columns of a wider matrix. Parameter gradients are added to (+=), so that several users can
 * push into one parameter; activation gradients are overwritten (=). Nothing here allocates, and
 * pointers never overlap unless a line says "in place".
 */
#ifndef HEC_MODEL_LAYERS_H
#define HEC_MODEL_LAYERS_H

#include <stdint.h>

#include "model/real.h"

/** y = x w' + b, and below 0 becomes 0 when relu.   x (B,I)  w (O,I)  b (O)  y (B,O) */
void hec_dense_forward(real *y, const real *x, const real *w, const real *b, int B, int I, int O,
                       int relu);

/** dx = dy w     dw += dy' x     db += column sums of dy.   What is NULL (dx, or both dw and db) is
 * not wanted. */
void hec_dense_backward(real *dx, real *dw, real *db, const real *dy, const real *x, const real *w,
                        int B, int I, int O);

/** In place: dy = 0 where y <= 0. n numbers. */
void hec_relu_backward(real *dy, const real *y, int n);

/** In place, forward and backward alike: y *= keep, where keep is 0 or 1/(1-p). n numbers. */
void hec_dropout(real *y, const real *keep, int n);

/*
 * Periodic embedding of numbers (Gorishniy, Rubachev, Babenko, "On embeddings for numerical
 * features", NeurIPS 2022, the lite form): Q learned frequencies a feature, one linear map of the
 * 2 Q sines and cosines to E dimensions shared by all F features, ReLU.
 *
 * x (B, x_stride), the first F columns   c (Q,F)   w (E,2Q): sines first   b (E)
 * y (B, y_stride): E blocks of F columns, so that every loop runs along the features
 * waves (B,2Q,F): sines then cosines, kept for the backward pass; NULL = not wanted
 * Q <= HEC_PERIODIC_Q_MAX, E <= HEC_PERIODIC_E_MAX.
 */
/* Sines in float, for a number or a vector of them. Adding and taking away 1.5 x 2^23 rounds to the
 * nearest integer in every lane; the series is Taylor's of sin(u)/u in q = u^2, |u| <= pi/2. */
#define HEC_ROUNDER 12582912.0f
#define HEC_SINE_OVER_U(q)                                                                         \
    (1 + (q) * ((float)(-1.0 / 6.0) +                                                              \
                (q) * ((float)(1.0 / 120.0) + (q) * ((float)(-1.0 / 5040.0) +                      \
                                                     (q) * ((float)(1.0 / 362880.0) +              \
                                                            (q) * (float)(-1.0 / 39916800.0))))))

#define HEC_PERIODIC_Q_MAX 16
#define HEC_PERIODIC_E_MAX 8
void hec_periodic_forward(real *y, int y_stride, real *waves, const real *x, int x_stride,
                          const real *c, const real *w, const real *b, int B, int F, int Q, int E);

/** dy as y, changed in place (through the ReLU). work: 2 Q E F numbers of scratch. x gets none. */
void hec_periodic_backward(real *dc, real *dw, real *db, real *dy, int dy_stride, const real *y,
                           int y_stride, const real *waves, const real *x, int x_stride,
                           const real *w, real *work, int B, int F, int Q, int E);

/** Table look-up: column block k of y is row index[k] of the table.
 * table (rows,E)   index (B,C)   y (B, y_stride): C blocks of E */
void hec_embedding_forward(real *y, int y_stride, const real *table, const uint32_t *index, int B,
                           int C, int E);
void hec_embedding_backward(real *dtable, const real *dy, int dy_stride, const uint32_t *index,
                            int B, int C, int E);

/** Output of one number a head: z_k = t_k . w_k + b_k.   t (B, K T)   w (K,T)   b (K)   z (B,K) */
void hec_heads_out_forward(real *z, const real *t, const real *w, const real *b, int B, int K,
                           int T);
void hec_heads_out_backward(real *dt, real *dw, real *db, const real *dz, const real *t,
                            const real *w, int B, int K, int T);

/**
 * Masked binary cross-entropy with logits, each head's sum divided by its own weight in the batch.
 *
 * @param z       (B,K)
 * @param target  (B,K): 1, 0, or negative = contributes nothing
 * @param weight  (B,K): of the row in the head's mean
 * @param scale   (K): the head's share in the total
 * @param dz      (B,K): gradient of sum_k scale_k loss_k
 * @param loss    (K): the head's mean; NaN when it has no labelled row here
 */
void hec_bce(real *dz, double *loss, const real *z, const int8_t *target, const float *weight,
             const float *scale, int B, int K);

/** The same of head k alone with the focal loss, -(1-p)^gamma log p of the truth's probability p
 * (Lin et al., ICCV 2017): what is easy counts less. Writes column k of dz. @return the head's mean
 */
double hec_focal(real *dz, const real *z, const int8_t *target, const float *weight, float scale,
                 double gamma, int k, int B, int K);

/**
 * Squared error of one head, the mean over the rows that have a number.
 *
 * @param value  (B,K): the number, read where target is 1; all else contributes nothing
 * @param dz     (B,K): column k is written, the gradient of scale times the mean
 * @return the mean; NaN when no row has one
 */
double hec_squares(real *dz, const real *z, const int8_t *target, const float *value, float scale,
                   int k, int B, int K);

/* Squared errors are cut at this: one wild feature must not drown the others. */
#define HEC_ERROR_CUT 9

/**
 * Reconstruction: mean over the rows that count of the mean over F of min((y-x)^2, 9).
 *
 * @param dy      (B,F): gradient
 * @param counts  (B): 1 = this row teaches, 0 = it does not
 * @return the loss; NaN when no row counts
 */
double hec_reconstruction(real *dy, const real *y, const real *x, int x_stride,
                          const uint8_t *counts, int B, int F);

#endif
