/*
 * The network: trunks, what the heads read of them, a tower a head, a decoder for novelty.
 *
 *   input | numerics | indicators | embedded numerics | tables(categories) |
 *      |
 *   trunks (trunk.c): layer 0 (ReLU, dropout) -> layer 1 (ReLU) -> fusion = the representation r
 *      |                                                              |
 *   mix (mix.c), dropout: what each head reads of r                   '- stopped gradient -
 * decoder: |                                                                 bottleneck -> ReLU ->
 *   towers (ReLU) -> one logit a head                                    numerics
 *
 * By default there is one trunk, every head reads it as it is, and all towers are one product. The
 * decoder reads r but nothing of its loss returns to it, unless it is told to share: a shared
 * gradient cost the fraud heads accuracy and gave novelty nothing.
 */
#ifndef HEC_MODEL_NET_H
#define HEC_MODEL_NET_H

#include <stdint.h>

#include "hecate/status.h"
#include "model/real.h"
#include "model/serve.h"
#include "model/shape.h"

/* Activations of one batch; with gradients when made for training. Owned, one thread each. T trunks
 * and K heads: arrays of (T, ...) and (K, ...) are one block a trunk or head, each as long as the
 * rows of this pass need. Where a network lacks a stage, its array is that of the stage before. */
struct hec_work {
    struct hec_shape shape;
    struct hec_layout layout;
    int rows_max, inputs, trunks, width;
    bool share;                      /* the decoder's loss may shape the trunk */
    const struct hec_panels *panels; /* serving: the weights once more, packed; NULL: training */
    real *input;                     /* (rows, inputs): the caller fills numerics and indicators */
    uint32_t *index;   /* (rows, categories): rows of the one big table; the caller fills it */
    real *a0, *s0;     /* (T, rows, hidden[0]): layer 0, and after cross-stitching */
    real *a1;          /* (T, rows, hidden[1]) */
    real *fuse, *skip; /* (T, rows, hidden[1]): the gate of a gated fusion, and what it lets in */
    real *r;           /* (T, rows, width): the representation */
    real *whole;       /* (rows, T x width): r before dropout, which the decoder reads */
    real *gates;       /* (gates, rows, choices) */
    real *masks;       /* (K, rows, width) */
    real *h;           /* (K, rows, width): what the towers read; all heads read r when shared */
    real *one;         /* (rows, one tower): scratch */
    real *t, *z;       /* (rows, heads x tower), (rows, heads) */
    real *d0, *d1, *y; /* (rows, bottleneck), (rows, decoder), (rows, numerics) */
    /* Training only, else NULL. */
    real *waves;         /* of the periodic embedding, or pieces of the piecewise one */
    real *keep0, *keep1; /* dropout factors of a0 and r, the caller fills them */
    real *dinput, *dpart, *da0, *ds0, *da1, *dfuse, *dskip, *dr, *dgates, *dweights, *dh, *dt, *dz;
    real *dd0, *dd1, *dy, *dwhole;
    real *scratch;
    real *block; /* everything above */
};

enum hec_work_use {
    HEC_WORK_SERVING,
    HEC_WORK_TRAINING,
    HEC_WORK_SHARING /* training in which the decoder's loss may shape the trunk */
};

/** Allocates. @return HEC_OK or HEC_NO_MEMORY; release with hec_work_free either way. */
HEC_CHECKED enum hec_status hec_work_new(struct hec_work *work, const struct hec_shape *shape,
                                         int rows_max, enum hec_work_use use);
void hec_work_free(struct hec_work *work);

/**
 * From the filled part of input and index to z and y.
 *
 * @param parameters  laid out by hec_layout_of
 * @param dropout     apply keep0 and keep1 (training only)
 */
void hec_net_forward(struct hec_work *work, const real *parameters, int rows, int dropout);

/** The second half of hec_net_forward: from the whole input, embeddings included. */
void hec_net_beyond(struct hec_work *work, const real *parameters, int rows, int dropout);

/* What stood before each nonlinearity, for one row; arrays as those of hec_work. Owned. */
struct hec_before {
    real *a0, *a1, *fuse, *masks, *t;
    real *block;
};

/** Allocates. @return HEC_OK or HEC_NO_MEMORY; release with hec_before_free either way. */
HEC_CHECKED enum hec_status hec_before_new(struct hec_before *before,
                                           const struct hec_shape *shape);
void hec_before_free(struct hec_before *before);

/** After a forward pass of one row: fills the arrays that the network has a use for. */
void hec_net_before(const struct hec_work *work, const real *parameters,
                    const struct hec_before *before);

/**
 * From dz and dy to parameter gradients, after a forward pass with the same rows.
 *
 * @param gradients  as parameters, added to
 * @param dropout    as in the forward pass
 */
void hec_net_backward(struct hec_work *work, const real *parameters, real *gradients, int rows,
                      int dropout);

/** The two halves of hec_net_backward: from dz and dy to dr, and from dr on. */
void hec_net_heads_backward(struct hec_work *work, const real *parameters, real *gradients,
                            int rows, int dropout);
void hec_net_trunk_backward(struct hec_work *work, const real *parameters, real *gradients,
                            int rows, int dropout);

/**
 * After hec_net_heads_backward: what each task alone wants of the representation, whose sum is dr.
 *
 * @param each  (heads, T x rows x width), and one more block for novelty when it shares
 */
void hec_net_each(struct hec_work *work, const real *parameters, int rows, int dropout, real *each);

#endif
