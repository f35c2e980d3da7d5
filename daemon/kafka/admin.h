/*
 * Questions to a cluster before work begins: is it there, are the topics, how many partitions.
 *
 * Every answer that is not yes comes with a sentence that says what to do.
 */
#ifndef HECATE_KAFKA_ADMIN_H
#define HECATE_KAFKA_ADMIN_H

#include <stdbool.h>
#include <stdint.h>

#include "hecate/status.h"
#include "kafka/client.h"

struct hec_topic {
    const char *name;
    int32_t partitions; /* survey: written (0: does not exist); create: read */
};

#define HEC_CLUSTER_ID_BYTES_MAX 64

/**
 * Asks for the cluster's id and the topics' partition counts.
 *
 * @param cluster_id  receives the id, terminated; may be NULL
 * @param topics      name is read, partitions is written for every one that exists
 * @param wait_ms     bound of the whole call
 *
 * @return  HEC_OK           all topics exist
 *          HEC_NOT_FOUND    one does not; the others are filled in
 *          HEC_UNAVAILABLE  no broker answers
 *          HEC_DENIED       a broker refuses this identity
 *          HEC_INVALID      a property is unknown or malformed
 */
HEC_CHECKED enum hec_status hec_kafka_survey(const struct hec_kafka_options *options,
                                             char cluster_id[HEC_CLUSTER_ID_BYTES_MAX],
                                             struct hec_topic *topics, int topics_count,
                                             int wait_ms, struct hec_error *error);

/** Makes topics that do not exist yet, one replica each (tests, demo). Those that exist are left as
 * they are. Statuses of hec_kafka_survey, without HEC_NOT_FOUND. */
HEC_CHECKED enum hec_status hec_kafka_create_topics(const struct hec_kafka_options *options,
                                                    const struct hec_topic *topics,
                                                    int topics_count, int wait_ms,
                                                    struct hec_error *error);

#endif
