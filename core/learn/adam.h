/*
 * AdamW with clipping, or SGD with momentum: one step over flat parameters.
 *
 * Decoupled weight decay (Loshchilov, Hutter, ICLR 2019), on matrices only; gradients are first cut
 * to a global norm. The novelty decoder is a group of its own for the norm: its loss must not shape
 * the trunk, not even by making the trunk's steps shorter. What stays as it is has no part in it.
 */
#ifndef HEC_LEARN_ADAM_H
#define HEC_LEARN_ADAM_H

#include <stdbool.h>
#include <stddef.h>

#include "hecate/status.h"
#include "model/shape.h"

/* Owned arrays, as long as the parameters. */
struct hec_adam {
    const struct hec_layout *layout;
    float *mean, *square;
    double beta_mean, beta_square, epsilon; /* 0.9, 0.999, 1e-8 */
    double decay, clip;
    double factor[HEC_TENSORS]; /* of the rate, by tensor; 1 each. 0: stays as it is */
    bool momentum_only; /* SGD with momentum beta_mean instead: m = beta m + g, p -= rate m */
    long steps;
};

/** Release with hec_adam_free either way. layout is borrowed. */
HEC_CHECKED enum hec_status hec_adam_new(struct hec_adam *adam, const struct hec_layout *layout,
                                         double decay, double clip);
void hec_adam_free(struct hec_adam *adam);

/** One step. Gradients are scaled in place by the clipping. */
void hec_adam_step(struct hec_adam *adam, float *parameters, float *gradients, double rate);

/** Half a cosine from rate down to 0. step in 0 .. steps-1 */
double hec_cosine_rate(double rate, long step, long steps);

#endif
