/*
 * What the engines are made of, from the settings: features, model, policy, the topics' shape,
 * metrics. Made once by the main thread before any engine; immutable afterwards but for metrics.
 */
#ifndef HECATE_PARTS_H
#define HECATE_PARTS_H

#include <pthread.h>

#include "engine/engine.h"
#include "hecate/decide.h"
#include "hecate/digest.h"
#include "hecate/feature.h"
#include "hecate/model.h"
#include "hecate/rules.h"
#include "hecate/status.h"
#include "kafka/admin.h"
#include "ops/board.h"
#include "ops/config.h"
#include "ops/metrics.h"

#define HEC_ENGINES_MAX 64

struct hec_parts {
    const struct hec_config *config;
    struct hec_plan *plan;
    struct hec_model *model;
    char model_sha256[HEC_SHA256_HEX];
    struct hec_model *shadow_model; /* NULL: none watches */
    char shadow_sha256[HEC_SHA256_HEX];
    struct hec_policy policy;
    struct hec_rules *rules; /* NULL: none */
    uint8_t rule_slots[HEC_RULES_MAX];
    struct hec_board *lists;
    struct hec_verdicts *verdicts; /* from the engines to the desk */
    pthread_mutex_t lock; /* over model_sha256, which a reload changes while others tell it */
    char cluster_id[HEC_CLUSTER_ID_BYTES_MAX];
    int32_t partitions; /* of the input topic */
    struct hec_metrics *metrics;
    int engines_count;
};

/* How to reach Kafka as the settings say. The list holds what options points at. */
#define HEC_KAFKA_PROPERTIES_MAX 128
enum hec_kafka_client { HEC_KAFKA_ANY, HEC_KAFKA_CONSUMER, HEC_KAFKA_PRODUCER };
void hec_parts_kafka(const struct hec_config *config, enum hec_kafka_client client,
                     struct hec_kafka_property list[HEC_KAFKA_PROPERTIES_MAX],
                     struct hec_kafka_options *options);

/** How to reach Redis as the settings say; the texts are config's. */
struct hec_store_options hec_parts_store(const struct hec_config *config);

/** Makes those parts that need no server: features, model, policy. Parameters and statuses of
 * hec_parts_make. */
HEC_CHECKED enum hec_status hec_parts_read(struct hec_parts *parts, const struct hec_config *config,
                                           struct hec_error *error);

/** What the settings make of a model's scores. @return HEC_OK, HEC_INVALID */
HEC_CHECKED enum hec_status hec_parts_policy(struct hec_policy *policy,
                                             const struct hec_config *config,
                                             const struct hec_model *model,
                                             struct hec_error *error);

/** The rules that the settings name, compiled for a model; NULL when they name none. */
HEC_CHECKED enum hec_status hec_parts_rules(struct hec_rules **ret, const struct hec_config *config,
                                            const struct hec_plan *plan,
                                            const struct hec_model *model, struct hec_error *error);
/** Where the hits of each rule are counted. */
void hec_parts_rule_slots(struct hec_parts *parts, const struct hec_rules *rules,
                          uint8_t slots[HEC_RULES_MAX]);

/** Loads the model of model.shadow_file; NULL when there is none. It must be of the plan's
 * features.
 * @return those of hec_model_file_load, and a sentence that names the setting */
HEC_CHECKED enum hec_status hec_parts_shadow(struct hec_model **ret, char sha256[HEC_SHA256_HEX],
                                             const struct hec_config *config,
                                             const struct hec_plan *plan, struct hec_error *error);

/** Copies the digest of the model in use. Any thread. */
void hec_parts_model_sha256(struct hec_parts *parts, char sha256[HEC_SHA256_HEX]);

/** Whether the files that the settings name are good and belong together: features and model are
 * opened and let go again. For `--check`. @return HEC_OK, or the status of the problem added */
HEC_CHECKED enum hec_status hec_parts_check(const struct hec_config *config,
                                            struct hec_problems *problems);

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
