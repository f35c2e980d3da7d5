/*
 * What every command that trains has in common: the flags of training, the validation part of a
 * window, and the way from rows to the bytes of a model. train, eval, compare, correlate and sweep
 * go through here, so that an arm of a comparison is what `hecate train` would have made.
 */
#ifndef HECATE_CLI_TRAINING_H
#define HECATE_CLI_TRAINING_H

#include "cli/command.h"
#include "cli/rows.h"
#include "hecate/feature.h"
#include "hecate/folds.h"
#include "hecate/train.h"

/* The rows of a flag table; hec_training_options and hec_training_window read them. */
#define HEC_FLAGS_TRAINING                                                                         \
    { "valid-days",     "N",          "days for validation (default: a sixth of what is mature)",  \
      HEC_FLAG_INTEGER, .minimum = 0, .maximum = 3650 },                                           \
        { "delay-model", NULL, "learn from events too young for their label too",                  \
          HEC_FLAG_SWITCH },                                                                       \
        HEC_FLAGS_RECIPE

/* Those of them that do not need days. */
/* clang-format off */
#define HEC_FLAGS_RECIPE                                                                           \
    { "seed", "N", "of everything random (default 1)", HEC_FLAG_INTEGER,                           \
      .minimum = 0, .maximum = INT64_MAX },                                                        \
    { "epochs", "N", "at most so many passes over the sample (default 40)", HEC_FLAG_INTEGER,      \
      .minimum = 1, .maximum = 100000 },                                                           \
    { "patience", "N", "epochs without a better validation before stopping (default 8)",           \
      HEC_FLAG_INTEGER, .minimum = 1, .maximum = 100000 },                                         \
    { "batch-rows", "N", "rows a step (default 256)", HEC_FLAG_INTEGER,                            \
      .minimum = 1, .maximum = 65536 },                                                            \
    { "negatives", "X", "negatives drawn for each positive, every epoch (default 30)",             \
      HEC_FLAG_NUMBER, .minimum = 0, .maximum = 1000000 },                                         \
    { "learning-rate", "X", "falls to 0 as a cosine (default 0.001; 0.02 with mtsgd)",             \
      HEC_FLAG_NUMBER, .minimum = 0, .maximum = 1 },                                               \
    { "weight-decay", "X", "of matrices (default 0.0001)", HEC_FLAG_NUMBER,                        \
      .minimum = 0, .maximum = 1 },                                                                \
    { "dropout", "X", "share of units left out of a step (default 0.2)", HEC_FLAG_NUMBER,          \
      .minimum = 0, .maximum = 1 },                                                                \
    { "feature-dropout", "X", "share of a row's features that a step does not see (default 0)",    \
      HEC_FLAG_NUMBER, .minimum = 0, .maximum = 1 },                                               \
    { "averaging", "X", "epochs over which the weights that are kept are averaged (default 0)",    \
      HEC_FLAG_NUMBER, .minimum = 0, .maximum = 1000 },                                            \
    { "kind-weight", "X", "loss of the heads a kind of fraud, 0 for none (default 0.3)",           \
      HEC_FLAG_NUMBER, .minimum = 0, .maximum = 1000 },                                            \
    { "arch", "NAME", "what the heads share (default shared-bottom)", HEC_FLAG_CHOICE,             \
      .choices = hec_arch_names },                                                                 \
    { "trunk-0", "N", "units of a trunk's first layer, 0 for none (default 128; experts 64)",      \
      HEC_FLAG_INTEGER, .minimum = 0, .maximum = HEC_WIDTH_MAX },                                  \
    { "trunk-1", "N", "units of its second layer (default 64; experts 32)",                        \
      HEC_FLAG_INTEGER, .minimum = 1, .maximum = HEC_WIDTH_MAX },                                  \
    { "tower", "N", "units of a head's own layer (default 32)", HEC_FLAG_INTEGER,                  \
      .minimum = 1, .maximum = HEC_WIDTH_MAX },                                                    \
    { "experts", "N", "of mmoe (default 4), or the shared ones of cgc (default 2)",                \
      HEC_FLAG_INTEGER, .minimum = 1, .maximum = HEC_EXPERTS_MAX },                                \
    { "one-gate", NULL, "mmoe with one gate for all heads", HEC_FLAG_SWITCH },                     \
    { "fusion", "NAME", "what a head reads of a trunk's two layers (default none: the last)",      \
      HEC_FLAG_CHOICE, .choices = hec_fusion_names },                                              \
    { "num-embed", "NAME", "how a number enters beside its own value (default periodic)",          \
      HEC_FLAG_CHOICE, .choices = hec_embed_names },                                               \
    { "task-weighting", "NAME", "what each head's loss counts (default equal)", HEC_FLAG_CHOICE,   \
      .choices = hec_weighting_names },                                                            \
    { "mtl-optimizer", "NAME", "how the heads' gradients become one (default sum)",                \
      HEC_FLAG_CHOICE, .choices = hec_mtl_names },                                                 \
    { "anomaly-grad", "NAME", "whether novelty shapes what all share (default stop)",              \
      HEC_FLAG_CHOICE, .choices = hec_stop_or_share },                                             \
    { "refit", "NAME", "once more with the validation rows (default auto)", HEC_FLAG_CHOICE,  \
      .choices = hec_refit_names },                                                                \
    { "loss", "NAME", "of the heads (default bce); focal is not calibrated", HEC_FLAG_CHOICE,      \
      .choices = hec_loss_names },                                                                 \
    { "focal-gamma", "X", "of focal: how little what is easy counts (default 2)",                  \
      HEC_FLAG_NUMBER, .minimum = 0, .maximum = 10 },                                              \
    { "positive-weight", "X", "of weighted: what a positive counts (default 10)",                  \
      HEC_FLAG_NUMBER, .minimum = 1, .maximum = 10000 }
/* clang-format on */

/* The questions; hec_training_heads reads it. */
#define HEC_FLAG_HEADS                                                                             \
    {                                                                                              \
        "heads", "FILE", "the questions (default: the three of conf/heads.conf)", HEC_FLAG_TEXT    \
    }

extern const char *const hec_stop_or_share[];

/**
 * The heads that --heads says, or the product's own: shown ones first.
 *
 * @param heads, count  filled on success
 * @return HEC_EXIT_OK, or an exit status after telling what is wrong with the file
 */
HEC_CHECKED int hec_training_heads(struct hec_head heads[HEC_HEADS_MAX], int *count,
                                   const struct hec_arguments *arguments);

/** The defaults, with what the flags say instead. */
void hec_training_options(struct hec_train_options *options, const struct hec_arguments *arguments);

/**
 * Fills mature_ms and valid_from_ms of a window whose train_from_ms, train_to_ms and known_at_ms
 * stand: a sixth of what is mature is for validation, at least a day of a week or more, or
 * --valid-days.
 *
 * @return HEC_EXIT_OK, or HEC_EXIT_USAGE after telling what is wrong with the window
 */
HEC_CHECKED int hec_training_window(struct hec_fold *fold, const struct hec_arguments *arguments,
                                    const struct hec_head *heads, int heads_count);

/* All borrowed. */
struct hec_training_set {
    const struct hec_rows *rows;
    const struct hec_plan *plan;
    const struct hec_head *heads;
    int heads_count;
    const int8_t *targets;       /* (rows, heads) */
    const uint8_t *split;        /* (rows): enum hec_split */
    const uint8_t *code;         /* (rows): fraud types as known for training */
    const struct hec_fold *late; /* NULL; else its young rows too, by time: see hecate/delay.h */
};

/**
 * The set as the trainer wants it.
 *
 * @param names  room for the columns' names, which dataset borrows
 * @param text   receives the schema, which dataset borrows; to be given to free() either way
 */
HEC_CHECKED enum hec_status hec_training_dataset(struct hec_dataset *dataset,
                                                 const char *names[HEC_FEATURES_MAX], char **text,
                                                 const struct hec_training_set *set,
                                                 struct hec_error *error);

/** Trains. @param bytes  receives the file, for free() @return what hec_train answers */
HEC_CHECKED enum hec_status hec_training_run(void **bytes, size_t *size,
                                             const struct hec_training_set *set,
                                             const struct hec_train_options *options,
                                             hec_train_report *report, void *user,
                                             struct hec_error *error);

#endif
