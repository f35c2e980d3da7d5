/*
 * The heads of a model that is only a start: what masked features and Reptile learn by.
 */
#ifndef HEC_LEARN_PRETEXT_H
#define HEC_LEARN_PRETEXT_H

#include "hecate/pretrain.h"

/* HEC_PRETEXT, binary; and behind it "restored", a novelty, which Reptile does without. */
extern const struct hec_head hec_pretext_heads[2];

#endif
