/*
 * Trials: arms x folds x seeds, each a training of its own and a judgement of its test rows.
 *
 * An arm is a recipe. Every arm meets the same rows, the same truth and the same seeds, so that
 * what differs between two trials of one fold and seed is the arm alone: comparisons are paired by
 * construction. Trials go on threads; nothing of a result depends on how many.
 */
#ifndef HECATE_CLI_TRIALS_H
#define HECATE_CLI_TRIALS_H

#include "cli/evaluation.h"
#include "cli/folds_of.h"
#include "cli/journey.h"
#include "cli/training.h"
#include "hecate/digest.h"

#define HEC_ARMS_MAX 64

struct hec_arm {
    char name[80];
    struct hec_train_options options;
    struct hec_head heads[HEC_HEADS_MAX]; /* the same names in every arm */
    uint32_t learned; /* mask of heads; the labels of others are not shown to training */
    bool late;        /* young events too: --delay-model */
};

/* One fold's rows. Owned by the trials. */
struct hec_fold_rows {
    struct hec_fold fold;
    int8_t *targets; /* (rows, heads) as known to training */
    uint8_t *split, *code, *test;
    uint8_t *mask[HEC_HEADS_MAX]; /* (rows) test rows of that head */
    uint32_t *pick;               /* (picks) test rows */
    uint32_t picks;
};

struct hec_trial {
    int arm, fold;
    uint64_t seed;
    struct hec_error error; /* status is HEC_OK when it went well */
    float *score;           /* (picks, heads) */
    float thresholds[HEC_HEADS_MAX];
    struct hec_evaluation evaluation; /* without intervals */
    size_t parameters, flops_per_row;
    double train_s; /* of the processor */
    int epochs, best_epoch;
    double valid_ap[HEC_HEADS_MAX]; /* of the best epoch */
    /* Of the heads' gradients at the shared representation: sums over epochs, and how many. */
    double cosine[HEC_HEADS_MAX][HEC_HEADS_MAX], conflict_share;
    int cosines[HEC_HEADS_MAX][HEC_HEADS_MAX];
    char model_sha256[HEC_SHA256_HEX], scores_sha256[HEC_SHA256_HEX];
    void *bytes; /* the model file: of fold 0 and the first seed only */
    size_t size;
};

struct hec_trials {
    struct hec_luggage luggage;
    struct hec_rows rows;
    int heads_count;
    struct hec_head heads[HEC_HEADS_MAX]; /* for judging */
    struct hec_arm *arms;
    int arms_count, folds_count, seeds;
    struct hec_fold_rows folds[HEC_FOLDS_MAX];
    int8_t *truth; /* (rows, heads) */
    int64_t from_ms, to_ms;
    struct hec_judge_options judging;
    struct hec_trial *trials; /* (arms, folds, seeds) */
    double row_us[HEC_ARMS_MAX];
};

/** Reads the log for the folds that the flags say. Release with hec_trials_free either way.
 * @return an exit status; failures were told */
HEC_CHECKED int hec_trials_read(struct hec_trials *trials, const struct hec_arguments *arguments);
void hec_trials_free(struct hec_trials *trials);

/** An arm with default heads and what the flags say. Fills it in. */
void hec_arm_of(struct hec_arm *arm, const struct hec_trials *trials, const char *name,
                const struct hec_arguments *arguments);

/** Trains and judges all; trials->arms stands. Tells a line a trial on standard error.
 * @return an exit status; failures were told */
HEC_CHECKED int hec_trials_run(struct hec_trials *trials, const struct hec_arguments *arguments);

/** A trial's place. */
struct hec_trial *hec_trial_at(const struct hec_trials *trials, int arm, int fold, int seed);

struct yyjson_mut_doc;
struct yyjson_mut_val;
/** Adds "trainings" to a JSON object: fold, seed, and the digests of model and test scores of each
 * of the arm's. */
void hec_trials_digests(struct yyjson_mut_doc *doc, struct yyjson_mut_val *object,
                        const struct hec_trials *trials, int arm);

/* A figure over folds and seeds. */
struct hec_spread {
    double mean;    /* over folds of the means over seeds; NaN without any */
    double fold_sd; /* population, of the folds' means, as the handbook tells it */
    double seed_sd; /* population, over seeds, mean over folds; NaN with one seed */
    int folds;      /* where it is defined */
};
struct hec_spread hec_trials_spread(const struct hec_trials *trials, int arm, int head,
                                    enum hec_metric metric);

/** The scores of an arm's seeds averaged, judged with intervals on one fold. */
HEC_CHECKED enum hec_status hec_trials_averaged(const struct hec_trials *trials, int arm, int fold,
                                                struct hec_evaluation *evaluation);

/** Test rows of one fold as hec_evaluate wants them, with the scores given. */
struct hec_scores hec_trials_scores(const struct hec_trials *trials, int fold, const float *score,
                                    const float *thresholds);

#endif
