/*
 * Masked features: what is hidden from the network, and what telling it wrongly costs.
 */
#ifndef HEC_LEARN_MASK_H
#define HEC_LEARN_MASK_H

#include "learn/trainer.h"

/** Hides numbers of the gathered rows: they become the mean, and missing where that is told. What
 * they were stands in trainer->whole, as the caller filled it. */
void hec_mask_hide(struct hec_trainer *trainer, int count);

/** After the forward pass: dy of what was hidden. @return the loss; NaN when nothing was */
double hec_mask_loss(struct hec_trainer *trainer, int count);

#endif
