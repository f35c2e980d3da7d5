/*
 * Studies of a trained model over rows whose truth is known: what a plain method makes of the same
 * rows, which columns the model leans on, how its heads hang together.
 */
#ifndef HECATE_CLI_STUDIES_H
#define HECATE_CLI_STUDIES_H

#include "cli/evaluation.h"

/* All borrowed. */
struct hec_study {
    const struct hec_rows *rows;
    const struct hec_model *model;
    const struct hec_scores *scores; /* of the judged rows, and their truth */
    const int8_t *targets;           /* (rows, heads) as training knew them */
    const uint8_t *split;            /* (rows): enum hec_split */
    struct hec_judge_options judging;
};

enum hec_baseline { HEC_BASELINE_LOGISTIC, HEC_BASELINE_TREE, HEC_BASELINES };
extern const char *const hec_baseline_names[HEC_BASELINES];

/** Fits on the training rows that the head knows (every positive, others thinned and weighed up)
 * and judges on the judged ones, without intervals.
 * @return HEC_OK, HEC_INVALID (nothing to learn from), HEC_NO_MEMORY */
HEC_CHECKED enum hec_status hec_study_baseline(struct hec_judgement *told,
                                               const struct hec_study *study, int head,
                                               enum hec_baseline which);

/**
 * Permutation importance (Breiman 2001): how much average precision a head loses when one column's
 * values are dealt out anew among the rows. Over all positives and so many others that there are
 * 20 000 rows; one deal, from a fixed seed.
 *
 * @param loss  (heads, numerics + categories), written; NaN for a head that cannot be judged
 */
HEC_CHECKED enum hec_status hec_study_importance(double *loss, const struct hec_study *study);

/** Of two heads over rows both judge: phi of labels and Spearman of scores; NaN where undefined.
 * @return HEC_OK or HEC_NO_MEMORY */
HEC_CHECKED enum hec_status hec_study_pair(double *phi, double *spearman,
                                           const struct hec_study *study, int a, int b);

#endif
