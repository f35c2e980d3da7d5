/*
 * The trainer's inside: one struct that the parts of a training share.
 *
 *   train.c    checks the data, goes through the epochs, stops, keeps the best
 *   epoch.c    one epoch: batches, losses, steps; and the look at the validation rows
 *   balance.c  what each head's loss counts; tasks.c: what they want of the shared representation
 *   regression.c  heads that learn a number
 *   initial.c  the weights that training begins with; warm.c: those of an earlier model instead
 *   finish.c   what is fitted after the weights: shifts, baseline, novelty scale, thresholds
 */
#ifndef HEC_LEARN_TRAINER_H
#define HEC_LEARN_TRAINER_H

#include "hecate/random.h"
#include "hecate/train.h"
#include "learn/adam.h"
#include "learn/balance.h"
#include "learn/sample.h"
#include "learn/tasks.h"
#include "model/model.h"

/* One stream of random numbers a purpose. */
enum hec_stream {
    HEC_STREAM_WEIGHTS = 1,
    HEC_STREAM_SAMPLE,
    HEC_STREAM_DROPOUT,
    HEC_STREAM_VALID,
    HEC_STREAM_FINISH,
    HEC_STREAM_FEATURES,
    HEC_STREAM_MASK
};

#define HEC_KINDS_MAX 8
#define HEC_LOGITS_MAX (HEC_HEADS_MAX + HEC_KINDS_MAX)
#define HEC_LEVEL_EPOCHS 3      /* that tell whether validation has levelled off */
#define HEC_POSITIVES_FOR_AP 20 /* fewer, and average precision is noise */

struct hec_trainer {
    const struct hec_dataset *data;
    const struct hec_train_options *options;
    hec_train_report *report;
    void *user;

    bool refit;                                          /* the second time, with all rows */
    bool stopped;                                        /* on request */
    bool judges;                                         /* validation has positives enough */
    int best_epoch;                                      /* 0: none yet */
    double best_monitor, last_monitor[HEC_LEVEL_EPOCHS]; /* the last ones in turn */

    struct hec_model *model; /* becomes the file; its parameters are filled at the end */
    struct hec_sample sample;

    /* Columns of z: the model's binary heads, then one for each kind of fraud. */
    int logits, kinds;
    int head_of[HEC_LOGITS_MAX]; /* head of the dataset; -1 for a kind */
    int kind_of[HEC_LOGITS_MAX]; /* value in fraud_kind; 0 for a head */
    int novelty;                 /* head of the dataset; -1 = none */
    uint64_t positives[HEC_LOGITS_MAX], negatives[HEC_LOGITS_MAX]; /* training rows */
    bool dead[HEC_LOGITS_MAX];                                     /* nothing to learn from */
    float scale[HEC_LOGITS_MAX];                                   /* weight of its loss */
    bool regresses[HEC_LOGITS_MAX];
    enum hec_loss loss_of[HEC_LOGITS_MAX];
    double mean[HEC_LOGITS_MAX], spread[HEC_LOGITS_MAX]; /* of a regression head's number */

    struct hec_work work;
    struct hec_adam adam;
    struct hec_balance balance; /* by binary head, in the order of z */
    struct hec_tasks tasks;
    float *parameters, *gradients, *best;
    float *average; /* of the parameters over the last steps; NULL without averaging */
    struct hec_random dropout;
    uint64_t dropout_block, feature_block;

    /* One batch. */
    float *numerics;      /* (batch, numerics) */
    float *whole;         /* (batch, numerics): scaled, before anything is left out or hidden */
    uint32_t *categories; /* (batch, categories) */
    int8_t *target;       /* (batch, logits) */
    float *value;         /* (batch, logits): of regression heads, standardised */
    float *weight;        /* (batch, logits) */
    float *heard;         /* (batch, logits): of negatives that may still become positives */
    uint8_t *ordinary;    /* (batch) */
    bool *left_out;       /* (numerics + categories), of one row */
    uint8_t *hidden;      /* (batch, numerics): with masked features, what is to be told */
    struct hec_random mask;

    /* Validation rows, chosen once. */
    uint32_t *valid;
    uint32_t valid_count;
    float *valid_z;     /* (valid, logits) */
    float *one_score;   /* (valid) */
    uint8_t *one_label; /* (valid) */

    /* Results of the last epoch; by head of the dataset. */
    double loss[HEC_HEADS_MAX], valid_ap[HEC_HEADS_MAX], valid_loss[HEC_HEADS_MAX];
    double weights[HEC_HEADS_MAX], gradient_norm[HEC_HEADS_MAX];
    double cosine[HEC_HEADS_MAX * HEC_HEADS_MAX];
    double head_loss[HEC_LOGITS_MAX], head_ap[HEC_LOGITS_MAX]; /* in the order of z */
    double monitor;
};

/** Fills the parameters: drawn from the seed, pieces from the training rows. */
HEC_CHECKED enum hec_status hec_trainer_initial(struct hec_trainer *trainer);

/** Copies rows of the dataset into the batch and scales them into the network's input. */
void hec_trainer_gather(struct hec_trainer *trainer, const uint32_t *rows, int count);

/** The parameters that are judged, and kept when they are best. */
const float *hec_trainer_judged(const struct hec_trainer *trainer);

/** Trains one epoch; steps counts on, of steps_total. */
void hec_trainer_epoch(struct hec_trainer *trainer, long *step, long steps_total);

/** What is added to logit z for what training saw otherwise than the world is: fewer negatives, or
 * positives that count more. Exact in both cases. */
float hec_trainer_shift(const struct hec_trainer *trainer, int z);

/** Every number of a regression head must be one. @return HEC_OK or HEC_INVALID (told) */
HEC_CHECKED enum hec_status hec_regression_check(const struct hec_dataset *data,
                                                 struct hec_error *error);
/** Mean and spread of a regression head's number over its training rows, and whether it has any. */
void hec_regression_plan(struct hec_trainer *trainer, int z);
/** The standardised number of a row that has one. */
float hec_regression_value(const struct hec_trainer *trainer, uint32_t row, int z);
/** Fills the head's valid_loss after the validation rows were seen; takes it from the sum. */
void hec_regression_judge(struct hec_trainer *trainer, int z, double *sum, int *judged);

/** Fills valid_ap, valid_loss and monitor (NaN when nothing can be judged). */
void hec_trainer_validate(struct hec_trainer *trainer);

/** From the kept weights to a model that is ready to be written. */
HEC_CHECKED enum hec_status hec_trainer_finish(struct hec_trainer *trainer);

#endif
