/*
 * Pretraining: a trunk before there is a question for it.
 *
 * The result is a model like any other with two heads, "pretext" and "restored", for hec_train to
 * warm-start from. A binary head that such a model does not have begins from its pretext, when that
 * has learned something.
 */
#ifndef HECATE_PRETRAIN_H
#define HECATE_PRETRAIN_H

#include "hecate/train.h"

#define HEC_PRETEXT "pretext"

/**
 * Masked features: some numbers of a row are hidden, and the trunk and the decoder of novelty learn
 * to tell them from the others. Labels are not looked at: all rows of the training split are used.
 *
 * @param data     heads and targets are not looked at and may be NULL
 * @param options  rows an epoch are negatives_min; mask_share, above 0 and up to 1, says
 *                 how many numbers are hidden
 *
 * @return as hec_train; HEC_INVALID also for another mask_share
 */
HEC_CHECKED enum hec_status hec_pretrain(void **bytes, size_t *size, const struct hec_dataset *data,
                                         const struct hec_train_options *options,
                                         hec_train_report *report, void *user,
                                         struct hec_error *error);

struct hec_reptile_options {
    int rounds;        /* 200: kinds of fraud that are tried, one after the other */
    int shots;         /* 20: frauds of each */
    int inner_epochs;  /* 4: passes over them and thirty times as many others */
    double outer_rate; /* 0.2: how far the start moves towards what a round learned; falls to 0 */
    double inner_rate; /* 1e-3 */
};

/** Fills the defaults. */
void hec_reptile_defaults(struct hec_reptile_options *options);

/**
 * Reptile (Nichol, Achiam, Schulman, "On first-order meta-learning algorithms", 2018) over kinds of
 * fraud: again and again one kind is learned from a few examples, and the start moves a little
 * towards what came out. The result's head "pretext" is what a new head begins from.
 *
 * @param data     fraud_kind says the kinds; a row is genuine where it is 0 and genuine[row] is set
 * @param genuine  (rows)
 * @param options  of the network and the seed; warm_start, if any, is where it all begins
 *
 * @return HEC_OK; HEC_INVALID (no kind has enough frauds: told); HEC_NO_MEMORY
 */
HEC_CHECKED enum hec_status hec_reptile(void **bytes, size_t *size, const struct hec_dataset *data,
                                        const uint8_t *genuine,
                                        const struct hec_train_options *options,
                                        const struct hec_reptile_options *reptile,
                                        struct hec_error *error);

#endif
