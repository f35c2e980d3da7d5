/*
 * What training tells of an epoch, as one line of JSON: of each head loss, weight, gradient norm
 * and cosines, and what validation says; null where there is nothing to tell.
 */
#ifndef HECATE_CLI_EPOCHS_H
#define HECATE_CLI_EPOCHS_H

#include "hecate/train.h"

/** One line with its newline, to be given to free(); NULL when memory is exhausted. */
char *hec_epoch_line(const struct hec_train_progress *told);

#endif
