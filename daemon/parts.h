/*
 * What the engines are made of, from the settings: features, model, policy, the topics' shape,
 * metrics. Made once by the main thread before any engine; immutable afterwards but for metrics.
 */
#ifndef HECATE_PARTS_H
#define HECATE_PARTS_H

#include "engine/engine.h"
#include "hecate/decide.h"
#include "hecate/digest.h"
#include "hecate/feature.h"
#include "hecate/model.h"
#include "hecate/status.h"
#include "kafka/admin.h"
#include "ops/config.h"
#include "ops/metrics.h"

#define HEC_ENGINES_MAX 64

struct hec_parts {
    const struct hec_config *config;
    struct hec_plan *plan;
    struct hec_model *model;
    char model_sha256[HEC_SHA256_HEX];
    struct hec_policy policy;
    char cluster_id[HEC_CLUSTER_ID_BYTES_MAX];
    int32_t partitions; /* of the input topic */
    struct hec_metrics *metrics;
    int engines_count;
};

/** Makes those parts that need no server: features, model, policy. What `hecated --check` does.
 * Parameters and statuses of hec_parts_make. */
HEC_CHECKED enum hec_status hec_parts_read(struct hec_parts *parts, const struct hec_config *config,
                                           struct hec_error *error);

/**
 * Makes the parts; asks Kafka for its topics on the way.
 *
 * @param parts   filled; on failure in part: give it to hec_parts_free all the same
 * @param config  borrowed for the parts' life
 *
 * @return HEC_OK, or what refused, with a sentence that says what to do
 */
HEC_CHECKED enum hec_status hec_parts_make(struct hec_parts *parts, const struct hec_config *config,
                                           struct hec_error *error);

/** Makes engine 0 .. engines_count-1 out of them: connects store, producer and consumer. */
HEC_CHECKED enum hec_status hec_parts_engine(struct hec_engine **ret, struct hec_parts *parts,
                                             int index, struct hec_error *error);

/** After the last engine is gone. */
void hec_parts_free(struct hec_parts *parts);

#endif
