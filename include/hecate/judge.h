/*
 * Judging a head: every figure of one list of scored and labelled rows, each with an interval.
 *
 * The interval is a percentile bootstrap over entities (users), not over rows: the payments of one
 * stolen card stand or fall together, and an interval that resamples them one by one is too narrow.
 * Same rows, options and seed: the same numbers.
 */
#ifndef HECATE_JUDGE_H
#define HECATE_JUDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hecate/status.h"

/* X(enumerator, stable name, heading of a column, 1: higher is better, 0: lower, -1: neither,
 * decimals, only for probabilities, meaning). Names are scikit-learn's where it has one. */
#define HEC_METRIC_TABLE(X)                                                                        \
    X(AP, "average_precision", "AP", 1, 3, false, "sum of (recall step) x precision")              \
    X(AUC, "roc_auc", "AUC", 1, 3, false, "chance that a positive outranks a negative")            \
    X(RECALL_001, "recall_at_fpr_0.001", "R@.001", 1, 3, false,                                    \
      "recall with at most 1 negative in 1 000 alerted")                                           \
    X(RECALL_01, "recall_at_fpr_0.01", "R@.01", 1, 3, false,                                       \
      "recall with at most 1 negative in 100 alerted")                                             \
    X(PRECISION, "precision", "prec", 1, 3, false, "share of alerts that are positive")            \
    X(RECALL, "recall", "recall", 1, 3, false, "share of positives that are alerted")              \
    X(F1, "f1", "F1", 1, 3, false, "harmonic mean of precision and recall")                        \
    X(MCC, "matthews_corrcoef", "MCC", 1, 3, false, "correlation of alert and label")              \
    X(CARD_PRECISION, "card_precision_at_k", "CP@k", 1, 3, false,                                  \
      "compromised cards among the k top cards of a day, mean over days")                          \
    X(LOG_LOSS, "log_loss", "logloss", 0, 4, true, "mean negative log-likelihood")                 \
    X(BRIER, "brier_score_loss", "Brier", 0, 4, true, "mean squared error of the probability")     \
    X(ECE, "expected_calibration_error", "ECE", 0, 4, true,                                        \
      "mean gap of probability and share, 15 bins of equal count")                                 \
    X(ALERTS, "alerts_per_10k", "per10k", -1, 1, false, "alerts in 10 000 rows")                   \
    X(VALUE, "value_detection_rate", "value", 1, 3, false,                                         \
      "share of the positives' amount that is alerted")

enum hec_metric {
#define HEC_METRIC_ENUM(enumerator, ...) HEC_METRIC_##enumerator,
    HEC_METRIC_TABLE(HEC_METRIC_ENUM)
#undef HEC_METRIC_ENUM
        HEC_METRICS
};

struct hec_metric_row {
    const char *name, *heading;
    int better, decimals;
    bool probabilities_only;
    const char *meaning;
};
/** The table above, by enum hec_metric. */
extern const struct hec_metric_row hec_metric_rows[HEC_METRICS];
/** The metric of that name; HEC_METRICS when there is none. */
enum hec_metric hec_metric_named(const char *name);

/* Borrowed for the call; n of each, in any order. */
struct hec_judge_rows {
    size_t n;
    const float *score;
    const uint8_t *label;
    const int64_t *event_ms;
    const uint64_t *entity; /* who is resampled as a whole */
    const uint64_t *card;   /* whom card precision counts */
    const double *amount;   /* 0 where an event has none; NULL: no value detection rate */
};

struct hec_judge_options {
    double threshold; /* alert when score >= threshold */
    bool probability; /* the scores are: log-loss, Brier and ECE are defined */
    int card_k;       /* of card precision; 100 */
    int samples;      /* of the bootstrap; 0: no intervals */
    double level;     /* 0.95 */
    uint64_t seed;
};

/** 100 cards, 1 000 samples, 95 %, probabilities, threshold 0.5, seed 1. */
void hec_judge_defaults(struct hec_judge_options *options);

struct hec_judgement {
    uint64_t rows, positives, entities;
    int64_t first_ms, last_ms; /* of the rows; 0 without */
    uint64_t true_positives, false_positives, false_negatives, true_negatives;
    double threshold;
    double value[HEC_METRICS]; /* NaN where undefined */
    /* NaN without samples, and for card precision and ECE: drawing a card twice takes two of the k
     * places, and resampling adds noise that ECE counts as miscalibration. */
    double low[HEC_METRICS], high[HEC_METRICS];
};

/** Judges. @return HEC_OK or HEC_NO_MEMORY; undefined metrics are NaN and no failure */
HEC_CHECKED enum hec_status hec_judge(struct hec_judgement *judgement,
                                      const struct hec_judge_rows *rows,
                                      const struct hec_judge_options *options);

/**
 * Means over heads: each metric over the judgements where it is defined.
 *
 * @param macro     receives the plain mean
 * @param weighted  receives the mean weighted by positives ("weighted" of scikit-learn)
 */
void hec_judge_means(const struct hec_judgement *judgements, int count, double macro[HEC_METRICS],
                     double weighted[HEC_METRICS]);

/** The q-quantile of sorted values by linear interpolation, as numpy's. NaN without values. */
double hec_quantile(const double *sorted, size_t n, double q);

#endif
