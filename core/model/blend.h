/*
 * Blends: how representations become other representations, number by number.
 *
 * Where a layer is a product with weights, a blend weighs by numbers that the network computed:
 * gates, masks, stitches. Conventions are those of layers.h, with one exception: what several
 * heads push into is added to here, and says so.
 */
#ifndef HEC_MODEL_BLEND_H
#define HEC_MODEL_BLEND_H

#include "model/real.h"

/** In place: y = 1/(1+e^-y). n numbers. */
void hec_sigmoids(real *y, int n);

/** In place: dy = dy y (1-y), for y a sigmoid. */
void hec_sigmoids_backward(real *dy, const real *y, int n);

/** In place: each of B rows of M numbers becomes their softmax. */
void hec_softmax(real *y, int B, int M);

/** In place: dy becomes the gradient before the softmax y. */
void hec_softmax_backward(real *dy, const real *y, int B, int M);

/** y = a b, n numbers; and y += factor a. */
void hec_multiply(real *y, const real *a, const real *b, int n);
void hec_add_scaled(real *y, const real *a, real factor, int n);

/** The sum of n products, in eight sums side by side. */
real hec_dot(const real *a, const real *b, int n);

/** y += w_row a:  a row of R numbers weighed by a number a row.   w (B, w_stride)   a, y (B,R) */
void hec_weigh_forward(real *y, const real *w, int w_stride, const real *a, int B, int R);

/** da += w_row dy     dw = dy . a, a number a row.   dw may be NULL: not wanted. */
void hec_weigh_backward(real *da, real *dw, const real *dy, const real *w, int w_stride,
                        const real *a, int B, int R);

/** y = g a + (1-g) b, n numbers: two layers, weighed unit by unit. */
void hec_fuse_forward(real *y, const real *g, const real *a, const real *b, int n);

/** dg = dy (a-b)     da = dy g     db = dy (1-g).   da may be dy itself. */
void hec_fuse_backward(real *dg, real *da, real *db, const real *dy, const real *g, const real *a,
                       const real *b, int n);

/** y_k = sum over j of w_k,j x_j, for K blocks of n numbers.   w (K,K)   x, y (K,n) */
void hec_stitch_forward(real *y, const real *x, const real *w, int K, int n);

/** dx_j = sum over k of w_k,j dy_k     dw_k,j += dy_k . x_j.   dw may be NULL: not wanted. */
void hec_stitch_backward(real *dx, real *dw, const real *dy, const real *x, const real *w, int K,
                         int n);

/** Piecewise linear embedding of numbers, a linear map of T pieces to E dimensions a feature, ReLU.
 *
 * Piece t of a number is (x - edge_t) scale_t, kept within 0 and 1 but for the ends: the first may
 * fall below and the last rise above.   x (B, x_stride)   edge, scale (T,F)   w (E,T,F)   b (E,F)
 * y (B, y_stride): E blocks of F columns   pieces (B,T,F): kept for the backward pass; NULL = not
 * wanted */
void hec_piecewise_forward(real *y, int y_stride, real *pieces, const real *x, int x_stride,
                           const real *edge, const real *scale, const real *w, const real *b, int B,
                           int F, int T, int E);

/** dy as y, changed in place (through the ReLU). Edges, scales and x get none. */
void hec_piecewise_backward(real *dw, real *db, real *dy, int dy_stride, const real *y,
                            int y_stride, const real *pieces, int B, int F, int T, int E);

#endif
