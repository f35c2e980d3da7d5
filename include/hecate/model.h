/*
 * The model: a row of features in, a score for each head out.
 *
 * One shared trunk, several heads. A binary head gives a calibrated probability; a novelty head
 * gives 1 - t^(1/3), where t is the share of ordinary training rows that were harder to
 * reconstruct, feature by feature and all together: 0.9 is one row in a thousand, 0.99 one in a
 * million (beyond what training saw, by extrapolation). Higher is stranger; nothing else should be
 * read into it.
 *
 * The file is one safetensors file: tensors, and string metadata for everything else. A loaded
 * model is immutable and shared by threads; each thread makes its own hec_predictor, where all
 * memory that a prediction needs is allocated once.
 *
 *   bytes --hec_model_load--> hec_model --hec_predictor_new--> hec_predictor --run, explain-->
 */
#ifndef HECATE_MODEL_H
#define HECATE_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hecate/status.h"

#define HEC_HEADS_MAX 8
#define HEC_MODEL_NUMERICS_MAX 512
#define HEC_MODEL_CATEGORIES_MAX 64
#define HEC_HEAD_NAME_MAX 48

/* What the columns of a feature row are. All strings are borrowed and terminated.
 * A row has numerics floats (NaN = missing) and categories hashes (0 = absent). */
struct hec_columns {
    int numerics, categories;
    const char *const *numeric_names;  /* numerics of them, all different */
    const char *const *category_names; /* categories of them, all different */
    const char *schema_text;           /* the canonical features.conf; may be "" */
    const char *schema_digest;         /* hex SHA-256 of it */
};

/* What is known of an event: the last verdict that had arrived, or none. */
enum hec_verdict { HEC_VERDICT_NONE, HEC_VERDICT_GENUINE, HEC_VERDICT_FRAUD, HEC_VERDICT_UNKNOWN };

/* A head's answer for one event, as the trainer and the evaluation see it. The values stand in
 * int8 arrays. */
enum hec_target {
    HEC_TARGET_NOT_APPLICABLE = -2, /* the head does not judge such events */
    HEC_TARGET_UNKNOWN = -1,        /* it does, but the truth is not known (yet) */
    HEC_TARGET_NEGATIVE = 0,
    HEC_TARGET_POSITIVE = 1,
};

/* binary: a probability. Novelty: how strange. Regression: a number, learned on the rows that have
 * one and on no other (a loss amount on frauds only); its target is positive where there is a
 * number and anything else elsewhere. */
enum hec_head_kind { HEC_HEAD_BINARY, HEC_HEAD_NOVELTY, HEC_HEAD_REGRESSION };

/* Fraud types are card-network codes of one to eight characters ("05"). A rule speaks of some event
 * types and either lists the types that count or those that do not. The first rule whose mask has
 * the event's type decides. */
#define HEC_FRAUD_TYPES_MAX 12
#define HEC_FRAUD_TYPE_MAX 9
#define HEC_HEAD_RULES_MAX 4
struct hec_head_rule {
    uint32_t event_types; /* mask: 1 << enum hec_event_type */
    bool listed_count;    /* true: only these are positive; false: all but these are */
    char types[HEC_FRAUD_TYPES_MAX][HEC_FRAUD_TYPE_MAX];
    int types_count;
};

/* What a binary head learns by. X(enumerator, name, one phrase) */
#define HEC_LOSS_TABLE(X)                                                                          \
    X(BCE, "bce", "cross-entropy")                                                                 \
    X(FOCAL, "focal", "what is easy counts less; probabilities are no longer calibrated")          \
    X(WEIGHTED, "weighted", "positives count more; the shift takes it back exactly")

enum hec_loss {
#define HEC_LOSS_ENUM(enumerator, name, phrase) HEC_LOSS_##enumerator,
    HEC_LOSS_TABLE(HEC_LOSS_ENUM)
#undef HEC_LOSS_ENUM
        HEC_LOSSES
};
extern const char *const hec_loss_names[HEC_LOSSES + 1];

/* A head is data. Copy it freely. */
struct hec_head {
    char name[HEC_HEAD_NAME_MAX]; /* letters, digits, '_' */
    enum hec_head_kind kind;
    uint32_t event_types; /* mask of the types that it judges */
    struct hec_head_rule rules[HEC_HEAD_RULES_MAX];
    int rules_count;
    /* What a fraud that belongs to another head is here. false: unknown, left out, because "a
     * crime, but not mine" is neither ordinary traffic nor this crime, and judging leaves it out
     * too. true: a negative; for comparisons of heads over the same rows, where both sides must be
     * given the same negatives. */
    bool others_are_negative;
    int64_t label_delay_ms; /* an event is mature when it is at least this old */
    float loss_weight;
    uint8_t loss; /* of a binary head: 0 = what training says for all; else 1 + enum hec_loss */
    bool hidden;  /* helps in training and is not in the model; such heads come last */
};

/** The three heads of the product: card_fraud, ato, anomaly. */
#define HEC_DEFAULT_HEADS 3
extern const struct hec_head hec_default_heads[HEC_DEFAULT_HEADS];

/** Index of a head; -1 when there is none of that name. */
int hec_head_named(const struct hec_head *heads, int count, const char *name, size_t length);

/**
 * What one event is to a head.
 *
 * Mature means event_ms + label_delay_ms <= known_at_ms. Both classes must be mature: early
 * positives beside negatives that nobody had time to report inflate the prior. A mature event
 * without a verdict is genuine. A novelty head calls any known fraud positive.
 *
 * @param event_type   enum hec_event_type
 * @param fraud_type   code of a fraud verdict; NULL or "" when none was given
 */
enum hec_target hec_head_target(const struct hec_head *head, int event_type,
                                enum hec_verdict verdict, const char *fraud_type, int64_t event_ms,
                                int64_t known_at_ms);

struct hec_model;
struct hec_predictor;

/* What a model says of itself. Strings live as long as the model. */
struct hec_model_info {
    const char *name, *version;
    struct hec_columns columns; /* names and schema as in training */
    int heads_count;
    const struct hec_head *heads;
    const float *thresholds; /* (heads): alert when score >= threshold; above 1 = never */
    /* (heads): added to the logit for the sampling; 0 for novelty; the mean for regression. */
    const float *shifts;
    const float *spreads; /* (heads): of regression, its unit's size in the network's; else 1 */
    const bool *trained;  /* (heads): false when there was nothing to learn from */
    const char *threshold_rule; /* one phrase */
    const char *architecture;   /* JSON */
    uint64_t seed;
    int64_t train_from_ms, train_to_ms, known_at_ms;
    uint64_t train_rows;
    size_t parameters;                          /* floats of the network */
    size_t flops_per_row;                       /* multiply and add counted as two */
    size_t separate_parameters, separate_flops; /* of one model for each head instead */
    size_t tensors, bytes;                      /* of the file */
};

/**
 * Reads a model file.
 *
 * Refused, each with its own sentence: truncation, holes and overlaps, duplicate names, unknown
 * types, wrong shapes, oversize dimensions, non-finite numbers, unknown format, another schema
 * digest, and a model whose golden row does not score as it did when it was made.
 *
 * @param ret       receives the model, to be given to hec_model_free; untouched on failure
 * @param bytes     the file; not needed afterwards
 * @param expected_schema_digest  hex; NULL to accept any
 *
 * @return HEC_OK, HEC_INVALID (not a model file), HEC_CORRUPT (damaged, or fails its self-test),
 *         HEC_MISMATCH (another schema), HEC_NO_MEMORY
 */
HEC_CHECKED enum hec_status hec_model_load(struct hec_model **ret, const void *bytes, size_t size,
                                           const char *expected_schema_digest,
                                           struct hec_error *error);
/** Accepts NULL. No predictor of this model may be used afterwards. */
void hec_model_free(struct hec_model *model);

/** Lives as long as the model. */
const struct hec_model_info *hec_model_info(const struct hec_model *model);

/* One tensor of the network. */
struct hec_model_layer {
    const char *name;
    int rows, columns;
    size_t parameters;
};

/** The index'th tensor of the network in the order of computation; false when there are no more. */
bool hec_model_layer(const struct hec_model *model, int index, struct hec_model_layer *layer);

/**
 * Writes one binary head with all that it reads as a model of its own; its scores are the same
 * within 1e-6.
 *
 * @param bytes  receives the file, to be given to free(); untouched on failure
 * @param head   0 .. heads_count-1
 *
 * @return HEC_OK, HEC_INVALID (a novelty head, or one of a cross-stitch model: told), HEC_NO_MEMORY
 */
HEC_CHECKED enum hec_status hec_model_split(void **bytes, size_t *size,
                                            const struct hec_model *model, int head,
                                            struct hec_error *error);

/**
 * The model as ONNX, operator set 13: inputs "numeric" (rows, numerics; NaN = missing) and
 * "category" (rows, categories; int64 hashes, 0 = absent), outputs "score" (rows, heads) and
 * "representation", what the trunks make of a row. Scores are those of hec_predictor_run within
 * 1e-5, for every head whatever the event's type.
 *
 * @param bytes  receives the file, to be given to free(); untouched on failure
 * @return HEC_OK or HEC_NO_MEMORY
 */
HEC_CHECKED enum hec_status hec_model_onnx(void **bytes, size_t *size,
                                           const struct hec_model *model);

/**
 * Makes the working memory of one thread for batches of up to rows_max rows.
 *
 * @param model     borrowed until hec_predictor_free; shared
 * @param rows_max  1 .. 1024
 * @return HEC_OK, HEC_NO_MEMORY
 */
HEC_CHECKED enum hec_status hec_predictor_new(struct hec_predictor **ret,
                                              const struct hec_model *model, int rows_max);
/** Accepts NULL. */
void hec_predictor_free(struct hec_predictor *predictor);

/**
 * Scores rows. Allocates nothing; cannot fail.
 *
 * A score moves in its last bits with the number of rows; compare with a tolerance of 1e-5.
 *
 * @param numerics    (rows, numerics), NaN = missing; infinities count as very large
 * @param categories  (rows, categories), 0 = absent; may be NULL without category columns
 * @param event_type  (rows): enum hec_event_type; NULL = every head judges every row
 * @param rows        0 .. rows_max
 * @param scores      (rows, stride) written up to heads_count a row; NaN where not applicable; of
 *                    a regression head the number in its own unit
 * @param stride      >= heads_count
 */
void hec_predictor_run(struct hec_predictor *predictor, const float *numerics,
                       const uint32_t *categories, const uint8_t *event_type, int rows,
                       float *scores, int stride);

/**
 * Why one row scored as it did under one head. Allocates nothing.
 *
 * Binary heads: DeepLIFT-rescale (Shrikumar, Greenside, Kundaje, ICML 2017) from the model's
 * baseline, the median training row. The contributions of all columns add up to
 * logit - baseline logit (within 1e-4 of max(1, |difference|)). Novelty: for each numeric column
 * how far it is from what it was decoded to and the other columns let expect, squared, cut at 9,
 * over their number; categories 0; they add up to the row's error.
 *
 * @param numerics, categories  one row
 * @param head            0 .. heads_count-1
 * @param contributions   (numerics + categories), written: numeric columns first
 * @param logit           receives the row's corrected logit, the error for novelty, the number for
 *                        regression; may be NULL
 * @param baseline_logit  receives the baseline's; 0 for novelty; may be NULL
 */
void hec_predictor_explain(struct hec_predictor *predictor, const float *numerics,
                           const uint32_t *categories, int head, float *contributions, float *logit,
                           float *baseline_logit);

/** What is usual for a numeric column: the training median, in the column's own unit; NaN when it
 * was missing more often than not. */
float hec_model_usual(const struct hec_model *model, int numeric_column);

/** A score as people read it: 0 .. 999. NaN gives 0. */
int hec_score_999(float score);

#endif
