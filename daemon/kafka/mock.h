/*
 * A cluster inside the process: librdkafka's mock, for the demo and for injected errors.
 *
 * It keeps 5 MiB a partition, no transactional offsets, and filters no aborted records: never a
 * proof of exactly-once. It answers an empty fetch only after fetch.wait.max.ms.
 */
#ifndef HECATE_KAFKA_MOCK_H
#define HECATE_KAFKA_MOCK_H

#include <stdint.h>

#include "hecate/status.h"

struct hec_mock;

/** Starts brokers on loopback ports. @return HEC_OK, HEC_FATAL, HEC_NO_MEMORY */
HEC_CHECKED enum hec_status hec_mock_new(struct hec_mock **ret, int brokers,
                                         struct hec_error *error);

/** Stops them; clients should be closed before. Accepts NULL. */
void hec_mock_free(struct hec_mock *mock);

/** "127.0.0.1:port[,...]", for bootstrap.servers. Lives as long as the mock. */
const char *hec_mock_brokers(const struct hec_mock *mock);

/** Makes a topic. @return HEC_OK or HEC_INVALID */
HEC_CHECKED enum hec_status hec_mock_topic(struct hec_mock *mock, const char *name,
                                           int32_t partitions);

/** Queues answers: the next requests of this kind (Kafka's API key) get these error codes, one
 * each. */
void hec_mock_push_errors(struct hec_mock *mock, int api_key, const int *codes, int count);

/** Makes the metadata of a topic answer this error code (0: none). The mock creates a topic that it
 * is asked for, so a missing one has to be made up. */
void hec_mock_topic_error(struct hec_mock *mock, const char *name, int code);

/** Takes all brokers down (no connection is accepted) or up again. */
void hec_mock_set_up(struct hec_mock *mock, int up);

#endif
