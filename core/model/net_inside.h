/*
 * The parts of the network among each other: one dense layer, the trunks, the mix.
 */
#ifndef HEC_MODEL_NET_INSIDE_H
#define HEC_MODEL_NET_INSIDE_H

#include "model/net.h"

#define HEC_P(tensor) (parameters + work->layout.place[HEC_T_##tensor].offset)
#define HEC_G(tensor) (gradients + work->layout.place[HEC_T_##tensor].offset)

/** One dense layer: the group'th of those that a weight holds. Serving has panels and takes its own
 * way. weight names both tensors: its bias is the next one. */
void hec_dense_of(const struct hec_work *work, real *y, const real *x, const real *parameters,
                  enum hec_tensor weight, int group, int rows, int relu);

/** Its way back. dx may be NULL: not wanted; gradients may be NULL: only dx is wanted. */
void hec_dense_back_of(const struct hec_work *work, real *dx, const real *dy, const real *x,
                       const real *parameters, real *gradients, enum hec_tensor weight, int group,
                       int rows);

/** From input to r, before its dropout. */
void hec_trunk_forward(struct hec_work *work, const real *parameters, int rows, int dropout);

/** From dr (changed) to dinput, which is overwritten. */
void hec_trunk_backward(struct hec_work *work, const real *parameters, real *gradients, int rows,
                        int dropout);

/** From r to h. */
void hec_mix_forward(struct hec_work *work, const real *parameters, int rows);

/**
 * One head's way back.
 *
 * @param dr         (T, rows, width): overwritten
 * @param dh         (rows, width): of this head
 * @param gradients  NULL: only dr is wanted, and dgates stays
 */
void hec_mix_backward(struct hec_work *work, const real *parameters, real *gradients, int head,
                      real *dr, const real *dh, int rows);

/** Adds to dinput what the gates want of it: dgates, through their softmax. */
void hec_mix_input_backward(struct hec_work *work, const real *parameters, real *gradients,
                            int rows);

/** What a head reads. */
real *hec_mix_of(const struct hec_work *work, int head, int rows);

#endif
