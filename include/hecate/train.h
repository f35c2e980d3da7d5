/*
 * Training: rows with targets in, the bytes of a model file out.
 *
 * Labels are in memory and in arrays, features too or wherever the caller fetches them from. The
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
#include "hecate/network.h"
#include "hecate/status.h"

enum hec_split { HEC_SPLIT_NONE, HEC_SPLIT_TRAIN, HEC_SPLIT_VALID };

/** Copies the features of count rows, (count, numerics) and (count, categories), from where they
 * lie. Called from the thread that trains. */
typedef void hec_fetch(void *user, const uint32_t *rows, int count, float *numerics,
                       uint32_t *categories);

/** Memory for an array of a number for each row, and its release; NULL without memory. */
typedef void *hec_take_room(void *user, size_t bytes);
typedef void hec_give_room(void *user, void *memory);

/* Borrowed for the call. Rows in time order by convention; the trainer does not depend on it. */
struct hec_dataset {
    uint32_t rows;
    struct hec_columns columns;
    const float *numerics;      /* (rows, numerics), NaN = missing */
    const uint32_t *categories; /* (rows, categories); NULL when there are none */
    hec_fetch *fetch; /* NULL; else features are asked of it, and the two above are NULL */
    void *fetch_user;
    hec_take_room *take; /* NULL: malloc; else where the trainer lays its own such arrays */
    hec_give_room *give; /* NULL: free */
    void *room_user;
    const uint8_t *event_type; /* (rows): enum hec_event_type */
    const uint8_t *split;      /* (rows): enum hec_split */
    int heads_count;
    const struct hec_head *heads;
    const int8_t *targets; /* (rows, heads): enum hec_target, from hec_head_target */
    const float *heard;    /* (rows, heads): below 1 where a label may still come, see delay.h; such
                            * a row is trained on and nothing else. NULL: all is mature */
    const float *values;   /* (rows, heads): read where the target of a regression head is positive;
                            * NULL without such heads */
    /* Optional, may be NULL: (rows) 0 = none, else 1 + an index of the caller's own for the kind of
     * a fraud. Each kind with enough frauds becomes a head of its own during training only. */
    const uint8_t *fraud_kind;
};

/* How much each head's loss counts. X(enumerator, name, one phrase). DWA: Liu, Johns, Davison, CVPR
 * 2019. Performance: Guo et al., ECCV 2018. Uncertainty: Kendall, Gal, Cipolla, CVPR 2018. Random:
 * Lin et al., TMLR 2022. FAMO: Liu et al., NeurIPS 2023. */
#define HEC_WEIGHTING_TABLE(X)                                                                     \
    X(EQUAL, "equal", "1 each")                                                                    \
    X(DATA, "data", "in proportion to the positives")                                              \
    X(INVERSE_DATA, "inverse-data", "in inverse proportion; it costs the larger head")             \
    X(PERFORMANCE, "performance", "more for the head with the lower validation AP")                \
    X(DWA, "dwa", "more for the head whose loss falls more slowly")                                \
    X(UNCERTAINTY, "uncertainty", "learned with the weights, one number a head")                   \
    X(RANDOM, "random", "drawn anew every step: the litmus test of all others")                    \
    X(FAMO, "famo", "so that all losses fall at one rate")                                         \
    X(FIXED, "fixed", "the heads' own loss weights")

/* How the heads' gradients at the shared representation become one. PCGrad: Yu et al., NeurIPS
 * 2020. IMTL-G: Liu et al., ICLR 2021. UPGrad: Quinton, Rey, 2024. MGDA: Desideri, 2012; Sener,
 * Koltun, NeurIPS 2018. */
#define HEC_MTL_TABLE(X)                                                                           \
    X(SUM, "sum", "their sum")                                                                     \
    X(PCGRAD, "pcgrad", "each without its part against another")                                   \
    X(IMTL_G, "imtl-g", "weighed so that all have the same projection on the sum")                 \
    X(UPGRAD, "upgrad", "each projected where it hurts no other")                                  \
    X(MGDA, "mgda", "the shortest vector between them")                                            \
    X(MTSGD, "mtsgd", "their sum, by SGD with momentum instead of AdamW")

/* Whether all is learned once more with the validation rows among the others. */
#define HEC_REFIT_TABLE(X)                                                                         \
    X(AUTO, "auto", "whole where validation levelled off; where it fell, as long as it rose")      \
    X(NO, "no", "the epoch that validation chose, without the validation rows")                    \
    X(WHOLE, "whole", "the whole schedule of --epochs")

enum hec_weighting {
#define HEC_WEIGHTING_ENUM(enumerator, name, phrase) HEC_WEIGHTING_##enumerator,
    HEC_WEIGHTING_TABLE(HEC_WEIGHTING_ENUM)
#undef HEC_WEIGHTING_ENUM
        HEC_WEIGHTINGS
};

enum hec_mtl {
#define HEC_MTL_ENUM(enumerator, name, phrase) HEC_MTL_##enumerator,
    HEC_MTL_TABLE(HEC_MTL_ENUM)
#undef HEC_MTL_ENUM
        HEC_MTLS
};

enum hec_refit {
#define HEC_REFIT_ENUM(enumerator, name, phrase) HEC_REFIT_##enumerator,
    HEC_REFIT_TABLE(HEC_REFIT_ENUM)
#undef HEC_REFIT_ENUM
        HEC_REFITS
};

extern const char *const hec_refit_names[HEC_REFITS + 1];
extern const char *const hec_weighting_names[HEC_WEIGHTINGS + 1];
extern const char *const hec_mtl_names[HEC_MTLS + 1];

/* Written into the file. */
struct hec_train_facts {
    const char *name, *version; /* NULL: "hecate", "1" */
    int64_t train_from_ms, train_to_ms, known_at_ms;
};

/* hec_train_defaults() fills it; change what you mean to change. */
struct hec_train_options {
    uint64_t seed;
    int epochs_max;               /* 40 */
    int patience;                 /* 8: epochs without a better validation before stopping */
    int batch_rows;               /* 256 */
    double negatives;             /* 30: for each positive */
    uint32_t negatives_min;       /* 4096: at least so many an epoch, where there are */
    float learning_rate;          /* 1e-3 */
    float weight_decay;           /* 1e-4, matrices only */
    float clip;                   /* 1.0, global norm */
    float dropout;                /* 0.2 */
    float averaging;              /* 0: epochs over which the weights that are kept are averaged */
    float feature_dropout;        /* 0: share of a row's features that a step does not see */
    float kind_weight;            /* 0.3: loss of a fraud-kind head; 0 = no such heads */
    int kind_frauds_min;          /* 20: frauds that a kind needs to get one */
    uint32_t valid_rows_max;      /* 60 000: validation negatives beyond are thinned, for time */
    struct hec_network network;   /* all zero: the default */
    enum hec_weighting weighting; /* equal */
    enum hec_mtl mtl_optimizer;   /* sum */
    enum hec_loss loss;           /* bce; of heads that do not say their own */
    double focal_gamma;           /* 2 */
    double positive_weight;       /* 10: with HEC_LOSS_WEIGHTED */
    bool anomaly_shares;          /* false: the novelty's gradient stops before the trunk */
    enum hec_refit refit;         /* auto */
    /* Go on from this model's weights, in its architecture (network is not looked at); NULL: from a
     * draw. Borrowed. Features and heads are matched by name. */
    const struct hec_model *warm_start;
    double trunk_rate; /* 0.1: with a warm start, share of the rate for what the heads share */
    bool freeze_trunk; /* false: with a warm start, what the heads share stays as it is */
    double mask_share; /* 0; of hec_pretrain: share of the numbers that are hidden */
    int only_head;     /* -1; with a frozen trunk: all but this head stay as they are */
    struct hec_train_facts facts;
};

void hec_train_defaults(struct hec_train_options *options);

/**
 * Leaves a head so many of its training positives, drawn by the seed; the others become unknown,
 * and so do all positives among validation rows, which become rows of no use: nothing but the shots
 * may tell when to stop. Smaller draws of one seed are parts of larger ones.
 *
 * @param targets  (rows, heads), changed
 * @param split    (rows), changed
 * @return positives that are left; less than shots when there were fewer; -1 without memory
 */
int64_t hec_train_shots(int8_t *targets, uint8_t *split, uint32_t rows, int heads, int head,
                        uint32_t shots, uint64_t seed);

/* What the callback is told. The struct lives for the call only. */
struct hec_train_progress {
    /* A sentence worth showing (a head without positives, the end of training), or NULL when this
     * is the end of an epoch and the numbers below count. */
    const char *message;
    int epoch, epochs_max; /* from 1 */
    int heads_count;
    const struct hec_head *heads;
    const double *loss;       /* (heads) mean training loss; NaN when nothing was labelled. Of a
                               * regression head the squared error, in variances of its number */
    const double *valid_ap;   /* (heads) average precision on validation rows, NaN if undefined */
    const double *valid_loss; /* (heads) log-loss there, NaN if undefined */
    double monitor;           /* what early stopping looks at; NaN without validation rows */
    bool best;                /* the best epoch so far */
    bool refit;               /* an epoch of the refit: nothing is judged */
    /* Of the heads' gradients at the shared representation, means over the observed steps of the
     * epoch (one in HEC_OBSERVE_STEPS under plain summing, else all): */
    const double *weight;        /* (heads) of the loss */
    const double *gradient_norm; /* (heads); NaN where the gradient stops before the trunk */
    const double *cosine;        /* (heads, heads); NaN for the same pairs and where one is 0 */
    double conflict_share;       /* of steps in which some pair of heads had a negative cosine */
};

#define HEC_OBSERVE_STEPS 8

/** @return false to stop training early; the best epoch so far is kept. */
typedef bool hec_train_report(void *user, const struct hec_train_progress *progress);

/**
 * Trains a model.
 *
 * Refit: validation rows find out whether more epochs do harm, and the thresholds. Where the last
 * epochs are about as good as the best one, nothing was over-learned, and the weights are learned
 * once more from the same beginning, with the validation rows among the others and all epochs to
 * the end of the cosine: on the handbook's folds the day that validation takes away costs more than
 * any other setting gains. Where validation fell, the best epoch is kept as it is.
 *
 * A head without a positive (or without a negative) is told through the callback and gives its
 * prior for every row; its threshold is above 1. So is that of a regression head: it is not for
 * alerts. With no validation rows the schedule is fixed.
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
