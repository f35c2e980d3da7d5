/*
 * The flags of a warm start, and what they make of the heads and the options of a training.
 */
#ifndef HECATE_CLI_WARM_H
#define HECATE_CLI_WARM_H

#include "cli/command.h"
#include "cli/journey.h"
#include "hecate/train.h"

/* clang-format off */
/* Where a training starts. */
#define HEC_FLAGS_START                                                                            \
    { "warm-start", "MODEL", "go on from this model's weights, matched by the names of features "  \
      "and heads", HEC_FLAG_TEXT },                                                                \
    { "trunk-rate", "X", "with --warm-start: share of the rate for what heads share (default 0.1)",\
      HEC_FLAG_NUMBER, .minimum = 0, .maximum = 1 },                                               \
    { "freeze-trunk", NULL, "with --warm-start: what heads share stays as it is",                  \
      HEC_FLAG_SWITCH }

/* And what it learns beside what the model knew. */
#define HEC_FLAGS_WARM                                                                             \
    HEC_FLAGS_START,                                                                               \
    { "new-head", "NAME", "with --warm-start: a head of --heads beside those of the model; with "  \
      "--freeze-trunk these stay as they are", HEC_FLAG_TEXT },                                    \
    { "shots", "N", "with --new-head: learn it from so many frauds only, drawn by the seed",       \
      HEC_FLAG_INTEGER, .minimum = 1, .maximum = 1000000 }
/* clang-format on */

/* Owned; all zero is a start from a draw. */
struct hec_warm {
    struct hec_model *model;
    int new_head;   /* among the heads that are trained; -1: none */
    uint32_t shots; /* 0: all there are */
};

/**
 * Reads the flags and the model; replaces the heads where --heads or --new-head do not say them.
 *
 * @param luggage  receives the schema of the model when --features was not given
 * @param heads    in: those of --heads, or the default ones; out: what is to be trained
 * @return an exit status; mistakes were told. Release with hec_warm_free either way.
 */
HEC_CHECKED int hec_warm_read(struct hec_warm *warm, struct hec_luggage *luggage,
                              const struct hec_arguments *arguments,
                              struct hec_head heads[HEC_HEADS_MAX], int *heads_count);
void hec_warm_free(struct hec_warm *warm);

/** Whether HEC_FLAGS_START fit each other and the flags of the network, which with --warm-start are
 * the model's own. @return HEC_EXIT_OK, or HEC_EXIT_USAGE after telling what does not */
HEC_CHECKED int hec_warm_start_flags(const struct hec_arguments *arguments);
/** The same of the flags of the network alone, where there is a --warm-start. */
HEC_CHECKED int hec_warm_network(const struct hec_arguments *arguments);

/** What the flags say of a training's options. */
void hec_warm_options(const struct hec_warm *warm, struct hec_train_options *options,
                      const struct hec_arguments *arguments);

#endif
