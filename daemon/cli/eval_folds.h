/* hecate eval over folds: trains again on each and tells the figures of all. */
#ifndef HECATE_CLI_EVAL_FOLDS_H
#define HECATE_CLI_EVAL_FOLDS_H

#include "cli/gate.h"

/** eval --prequential and eval --kfold-by. @return an exit status; failures were told */
HEC_CHECKED int hec_eval_folds(const struct hec_arguments *arguments, const struct hec_gate *gates,
                               int gates_count);

#endif
