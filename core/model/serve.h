/*
 * Serving's side of the network: the passes that cost, each in one go over the batch.
 *
 * Training keeps every layer apart (layers.h over OpenBLAS), because it needs what lies between.
 * Serving does not: weights are packed once when the model is made, and a dense layer is one loop
 * in which product, bias and ReLU happen in registers. The layers of layers.h stay its oracle.
 *
 * Each output is one chain of additions in the order of the inputs, whatever the batch: a row's
 * scores are the same bits alone, in a batch of 64, and when it is replayed. (OpenBLAS gives other
 * last bits for other places in a batch, and needs a processor that it knows.) Between processors
 * with and without fused multiply-add the last bits differ.
 */
#ifndef HEC_MODEL_SERVE_H
#define HEC_MODEL_SERVE_H

#include <stddef.h>
#include <stdint.h>

#include "hecate/status.h"
#include "model/shape.h"

/* Outputs that go together: a panel holds their weights input by input, padded with zeros. */
#define HEC_PANEL_OUTPUTS 32

/* The packed weights of every dense layer. Owned by the model, immutable. */
struct hec_panels {
    float *numbers;
    size_t at[HEC_TENSORS]; /* where a weight's panels begin; SIZE_MAX: it is no dense layer's */
};

/** Packs what the layout calls dense. @return HEC_OK, HEC_NO_MEMORY */
HEC_CHECKED enum hec_status hec_panels_make(struct hec_panels *panels,
                                            const struct hec_layout *layout,
                                            const float *parameters);
void hec_panels_free(struct hec_panels *panels);

/** The packed weights of one of a tensor's groups. */
const float *hec_panels_of(const struct hec_panels *panels, const struct hec_layout *layout,
                           int tensor, int group);

/** Numbers that O x I weights take when packed. */
size_t hec_panels_size(int O, int I);
void hec_panels_pack(float *panels, const float *w, int O, int I);

/** y = x w' + b, and below 0 becomes 0 when relu.   x (B,I)   w: packed   b (O)   y (B,O) */
void hec_serve_dense(float *y, const float *x, const float *w, const float *b, int B, int I, int O,
                     int relu);

/** hec_periodic_forward without the waves, which only training wants. Reads up to 15 numbers past
 * the end of c, which must be there (a parameter array has them). */
void hec_serve_periodic(float *y, int y_stride, const float *x, int x_stride, const float *c,
                        const float *w, const float *b, int B, int F, int Q, int E);

/** dx = dy w for one row; what is 0 in dy costs nothing.   dy (O)   w (O,I)   dx (I) */
void hec_serve_back(float *dx, const float *dy, const float *w, int I, int O);

#endif
