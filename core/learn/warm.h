/*
 * A warm start: training goes on from an earlier model's weights instead of from a draw.
 *
 * Features, categories and heads are matched by name. A feature that the earlier model did not have
 * begins with zero weights, so that it says nothing until it has learned to; one that is gone takes
 * its weights with it. Where a feature is matched its scaler is the earlier one, for the weights
 * mean that; so a feature that never varied in the earlier training stays silent.
 */
#ifndef HEC_LEARN_WARM_H
#define HEC_LEARN_WARM_H

#include "learn/trainer.h"

/** Asks whether a start from options->warm_start is possible, and whether the network that is asked
 * for is the model's; told in error.
 * @return HEC_OK, also without a warm start; HEC_INVALID */
HEC_CHECKED enum hec_status hec_warm_check(const struct hec_trainer *trainer,
                                           struct hec_error *error);

/**
 * What a training from options->warm_start really is: the options with the earlier model's network,
 * and with options->only_head the data without the other heads' labels.
 *
 * @param targets  receives memory behind data->targets, for free(); NULL when none was needed
 * @return HEC_OK or HEC_NO_MEMORY
 */
HEC_CHECKED enum hec_status hec_warm_plan(struct hec_train_options *options,
                                          struct hec_dataset *data, int8_t **targets);

/** The earlier model's widths and parts become those of trainer->model's shape. */
void hec_warm_shape(struct hec_trainer *trainer);

/** After the scaler is fitted: matched features take the earlier one.
 * @return HEC_OK, also without a warm start; HEC_NO_MEMORY */
HEC_CHECKED enum hec_status hec_warm_scaler(struct hec_trainer *trainer);

/** After the weights are drawn: what is matched takes the earlier weights. The optimiser learns
 * what moves how fast. @return HEC_OK or HEC_NO_MEMORY */
HEC_CHECKED enum hec_status hec_warm_begin(struct hec_trainer *trainer);

/** With options->only_head, after training: everything but that head is again what it was. */
HEC_CHECKED enum hec_status hec_warm_keep(struct hec_trainer *trainer);

/** The same for what is counted afterwards: thresholds and the scale of novelty. */
void hec_warm_keep_counts(struct hec_trainer *trainer);

#endif
