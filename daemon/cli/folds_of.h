/*
 * The flags of judging and of folds, shared by eval, compare, correlate and sweep.
 */
#ifndef HECATE_CLI_FOLDS_OF_H
#define HECATE_CLI_FOLDS_OF_H

#include "cli/command.h"
#include "cli/rows.h"
#include "hecate/folds.h"
#include "hecate/judge.h"

/* How rows become figures. */
#define HEC_FLAGS_JUDGING                                                                          \
    { "truth", "FILE", "CSV of event_id, is_fraud [, head, pattern] to judge by, not the labels",  \
      HEC_FLAG_TEXT },                                                                             \
        { "truth-omit", "PATTERN", "patterns of --truth whose rows are left out", HEC_FLAG_TEXT,   \
          .many = true },                                                                          \
        { "rows", "HEAD=TYPE,..", "event types that a head is judged on (default: all it judges)", \
          HEC_FLAG_TEXT, .many = true },                                                           \
        { "card-k",         "N",          "cards looked at a day (default 100)",                   \
          HEC_FLAG_INTEGER, .minimum = 1, .maximum = 1000000 },                                    \
    {                                                                                              \
        "bootstrap", "N", "resamplings for the intervals, 0 for none (default 1000)",              \
            HEC_FLAG_INTEGER, .minimum = 0, .maximum = 100000                                      \
    }

/* Which rows train and which test. */
#define HEC_FLAGS_FOLDS                                                                            \
    { "folds", "N", "how many (default 4)", HEC_FLAG_INTEGER, .minimum = 1, .maximum = 64 },       \
        { "kfold-by", "user", "parts by user, not by time: no user is on both sides",              \
          HEC_FLAG_TEXT },                                                                         \
        { "train-from", "T", "first moment of the first fold's training", HEC_FLAG_TIME },         \
        { "train-to", "T", "with --kfold-by: the moment after the window", HEC_FLAG_TIME },        \
        { "train-days",     "N",          "length of training (default 7)",                        \
          HEC_FLAG_INTEGER, .minimum = 1, .maximum = 3650 },                                       \
        { "delay-days",     "N",          "between training and test, for labels (default 7)",     \
          HEC_FLAG_INTEGER, .minimum = 0, .maximum = 3650 },                                       \
        { "test-days",                                                                             \
          "N",                                                                                     \
          "length of a test; each fold begins so much later (default 7)",                          \
          HEC_FLAG_INTEGER,                                                                        \
          .minimum = 1,                                                                            \
          .maximum = 3650 },                                                                       \
        { "keep-known", NULL, "judge known compromised cards too", HEC_FLAG_SWITCH },              \
        { "seeds",          "N",          "trainings a fold, from --seed on (default 1)",          \
          HEC_FLAG_INTEGER, .minimum = 1, .maximum = 100 },                                        \
    {                                                                                              \
        "workers", "N", "trainings at a time (default: the processors)", HEC_FLAG_INTEGER,         \
            .minimum = 1, .maximum = 256                                                           \
    }

#define HEC_FOLDS_MAX 64

/** The folds that the flags say, maturity (of the heads' slowest labels) and validation included.
 * @return HEC_EXIT_OK, or HEC_EXIT_USAGE after telling the mistake */
HEC_CHECKED int hec_folds_of(struct hec_fold folds[HEC_FOLDS_MAX], int *count,
                             const struct hec_arguments *arguments, const struct hec_head *heads,
                             int heads_count);

/** Options of the judge, with what the flags say. */
void hec_judge_options_of(struct hec_judge_options *options, const struct hec_arguments *arguments);

/** Takes rows out of a head's mask that --rows does not name.
 * @return HEC_OK or HEC_INVALID: not HEAD=TYPE,.. or no such type */
HEC_CHECKED enum hec_status hec_mask_types(const struct hec_arguments *arguments,
                                           const struct hec_rows *rows, const struct hec_head *head,
                                           uint8_t *mask, struct hec_error *error);

#endif
