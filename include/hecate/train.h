/*
 * Training: rows with targets in, the bytes of a model file out.
 *
 * Everything is in memory and in arrays; where the rows come from is the caller's affair. The
 * trainer reads no clock and no file: the same rows, options and seed give the same bytes on the
 * same machine and OpenBLAS.
 *
 * Recipe: every positive of any head and `negatives` others for each, redrawn every epoch, put
 * right by the exact logit shift log(beta) (Dal Pozzolo, Caelen, Johnson, Bontempi, "Calibrating
 * probability with undersampling", SSCI 2015); masked binary cross-entropy a head; AdamW
 * (Loshchilov, Hutter, ICLR 2019) with a cosine; early stop on later rows, best epoch kept.
 */
#ifndef HECATE_TRAIN_H
#define HECATE_TRAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hecate/model.h"
#include "hecate/status.h"

enum hec_split { HEC_SPLIT_NONE, HEC_SPLIT_TRAIN, HEC_SPLIT_VALID };

/* Borrowed for the call. Rows in time order by convention; the trainer does not depend on it. */
struct hec_dataset {
    uint32_t rows;
    struct hec_columns columns;
    const float *numerics;      /* (rows, numerics), NaN = missing */
    const uint32_t *categories; /* (rows, categories); NULL when there are none */
    const uint8_t *event_type;  /* (rows): enum hec_event_type */
    const uint8_t *split;       /* (rows): enum hec_split */
    int heads_count;
    const struct hec_head *heads;
    const int8_t *targets; /* (rows, heads): enum hec_target, from hec_head_target */
    /* Optional, may be NULL: (rows) 0 = none, else 1 + an index of the caller's own for the kind of
     * a fraud. Each kind with enough frauds becomes a head of its own during training only. */
    const uint8_t *fraud_kind;
};

/* Written into the file. */
struct hec_train_facts {
    const char *name, *version; /* NULL: "hecate", "1" */
    int64_t train_from_ms, train_to_ms, known_at_ms;
};

/* hec_train_defaults() fills it; change what you mean to change. */
struct hec_train_options {
    uint64_t seed;
    int epochs_max;          /* 40 */
    int patience;            /* 8: epochs without a better validation before stopping */
    int batch_rows;          /* 256 */
    double negatives;        /* 30: for each positive */
    uint32_t negatives_min;  /* 4096: at least so many an epoch, where there are */
    float learning_rate;     /* 1e-3 */
    float weight_decay;      /* 1e-4, matrices only */
    float clip;              /* 1.0, global norm */
    float dropout;           /* 0.2 */
    float kind_weight;       /* 0.3: loss of a fraud-kind head; 0 = no such heads */
    int kind_frauds_min;     /* 20: frauds that a kind needs to get one */
    uint32_t valid_rows_max; /* 60 000: validation negatives beyond are thinned, for time */
    struct hec_train_facts facts;
};

void hec_train_defaults(struct hec_train_options *options);

/* What the callback is told. The struct lives for the call only. */
struct hec_train_progress {
    /* A sentence worth showing (a head without positives, the end of training), or NULL when this
     * is the end of an epoch and the numbers below count. */
    const char *message;
    int epoch, epochs_max; /* from 1 */
    int heads_count;
    const struct hec_head *heads;
    const double *loss;       /* (heads) mean training loss; NaN when nothing was labelled */
    const double *valid_ap;   /* (heads) average precision on validation rows, NaN if undefined */
    const double *valid_loss; /* (heads) log-loss there, NaN if undefined */
    double monitor;           /* what early stopping looks at; NaN without validation rows */
    bool best;                /* the best epoch so far */
};

/** @return false to stop training early; the best epoch so far is kept. */
typedef bool hec_train_report(void *user, const struct hec_train_progress *progress);

/**
 * Trains a model.
 *
 * A head without a positive (or without a negative) is told through the callback and gives its
 * prior for every row; its threshold is above 1. With no validation rows the schedule is fixed.
 * Thresholds: as many alerts as the judged rows (validation if any, else training) held frauds, the
 * point where precision equals recall, but between 1 in 10 000 and 1 in 100 of them; novelty: 1 in
 * 1 000.
 *
 * @param bytes   receives the file, to be given to free(); untouched on failure
 * @param report  may be NULL
 *
 * @return HEC_OK
 *         HEC_INVALID    no training rows, no labelled row, a target out of range, columns or heads
 *                        that break their limits: the sentence tells which
 *         HEC_NO_MEMORY
 */
HEC_CHECKED enum hec_status hec_train(void **bytes, size_t *size, const struct hec_dataset *dataset,
                                      const struct hec_train_options *options,
                                      hec_train_report *report, void *user,
                                      struct hec_error *error);

#endif
