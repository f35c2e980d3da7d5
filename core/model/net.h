/*
 * The default network: shared trunk, towers for the binary heads, a decoder for novelty.
 *
 *   input | numerics | indicators | periodic(numerics) | tables(categories) |
 *      |
 *   trunk 0 (ReLU, dropout) -> trunk 1 (ReLU, dropout) = h
 *      |                                        '- stopped gradient - bottleneck -> ReLU ->
 * numerics towers, all heads in one product (ReLU) -> one logit a head
 *
 * The decoder reads h but nothing of its loss returns to it: a shared gradient cost the fraud heads
 * accuracy and gave novelty nothing.
 */
#ifndef HEC_MODEL_NET_H
#define HEC_MODEL_NET_H

#include <stdint.h>

#include "hecate/status.h"
#include "model/real.h"
#include "model/serve.h"
#include "model/shape.h"

/* Activations of one batch; with gradients when made for training. Owned, one thread each. */
struct hec_work {
    struct hec_shape shape;
    struct hec_layout layout;
    int rows_max, inputs;
    const struct hec_panels *panels; /* serving: the weights once more, packed; NULL: training */
    real *input;       /* (rows, inputs): the caller fills numerics and indicators */
    uint32_t *index;   /* (rows, categories): rows of the one big table; the caller fills it */
    real *a0, *a1;     /* (rows, hidden[0]), (rows, hidden[1]) */
    real *t, *z;       /* (rows, heads x tower), (rows, heads) */
    real *d0, *d1, *y; /* (rows, bottleneck), (rows, decoder), (rows, numerics) */
    /* Training only, else NULL. */
    real *waves;
    real *whole;         /* (rows, hidden[1]): h before dropout, which the decoder reads */
    real *keep0, *keep1; /* dropout factors, the caller fills them */
    real *dinput, *da0, *da1, *dt, *dz, *dd0, *dd1, *dy;
    real *scratch;
    real *block; /* everything above */
};

/** Allocates. @return HEC_OK or HEC_NO_MEMORY; release with hec_work_free either way. */
HEC_CHECKED enum hec_status hec_work_new(struct hec_work *work, const struct hec_shape *shape,
                                         int rows_max, int training);
void hec_work_free(struct hec_work *work);

/**
 * From the filled part of input and index to z and y.
 *
 * @param parameters  laid out by hec_layout_of
 * @param dropout     apply keep0 and keep1 (training only)
 */
void hec_net_forward(struct hec_work *work, const real *parameters, int rows, int dropout);

/**
 * After a forward pass of one row: what stood before each ReLU, from the top down, so that t, a1
 * and a0 may be the arrays of work itself.
 */
void hec_net_before_relus(const struct hec_work *work, const real *parameters, real *t, real *a1,
                          real *a0);

/**
 * From dz and dy to parameter gradients, after a forward pass with the same rows.
 *
 * @param gradients  as parameters, added to
 * @param dropout    as in the forward pass
 */
void hec_net_backward(struct hec_work *work, const real *parameters, real *gradients, int rows,
                      int dropout);

#endif
