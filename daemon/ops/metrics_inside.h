/*
 * The insides of the metrics, for metrics.c (which counts) and metrics_text.c (which writes).
 */
#ifndef HECATE_OPS_METRICS_INSIDE_H
#define HECATE_OPS_METRICS_INSIDE_H

#include <pthread.h>

#include "ops/drift.h"
#include "ops/metrics.h"

enum hec_metric_type { HEC_TYPE_COUNTER, HEC_TYPE_GAUGE };
enum hec_fold { HEC_FOLD_SUM, HEC_FOLD_MAX, HEC_FOLD_MIN, HEC_FOLD_SERVICE };

/* A row of HEC_SERIES_TABLE with the range of its series. */
struct hec_series_family {
    const char *name, *help;
    enum hec_metric_type type;
    enum hec_fold fold;
    int64_t scale;
    enum hec_label_list labels[3];
    int first, last;
};
const struct hec_series_family *hec_series_families(int *count);

/* A row of HEC_DISTRIBUTION_TABLE. */
struct hec_distribution_family {
    const char *name, *help;
    const double *bounds; /* ascending, without the infinite one */
    int bounds_count;
    int64_t scale;
    enum hec_label_list label;
    int first;
};
const struct hec_distribution_family *hec_distribution_families(int *count);

#define HEC_BUILD_TEXTS 5
struct hec_model_label {
    char role[16], name[64], version[64], sha256[13];
};

/* What drift is told from: of the model in use. */
struct hec_reference_told {
    uint64_t id; /* hec_drift_id; 0: nothing is told */
    int channels, features;
    char **names;                      /* (channels) */
    float (*share)[HEC_DRIFT_BINS];    /* (channels) */
    uint64_t (*count)[HEC_DRIFT_BINS]; /* (channels): room for a fold */
    struct hec_drift **each;           /* (engines) */
};

struct hec_metrics {
    int engines;
    struct hec_meter **meters; /* engines of them, then the service's */
    char input_topic[256];
    char build[HEC_BUILD_TEXTS][64]; /* version, revision, librdkafka, openblas, libevent */
    pthread_mutex_t lock;            /* of models, rules and the reference */
    struct hec_reference_told told;
    struct hec_model_label models[2];
    char rules[HEC_RULE_SLOTS][48]; /* names by slot, "" from the first free one on */
};

#endif
