/*
 * librdkafka's mock cluster, held by a client of its own that talks to nobody.
 */
#include "kafka/mock.h"

#include <stdlib.h>

#include "kafka/handle.h"

#include <librdkafka/rdkafka_mock.h> /* wants rdkafka.h before it */

struct hec_mock {
    rd_kafka_t *client;
    rd_kafka_mock_cluster_t *cluster;
    int brokers;
};

enum hec_status hec_mock_new(struct hec_mock **ret, int brokers, struct hec_error *error)
{
    char why[256];
    struct hec_mock *mock = calloc(1, sizeof(*mock));
    if (mock == NULL) {
        return hec_fail(error, HEC_NO_MEMORY, "kafka: no memory for the embedded broker");
    }
    mock->brokers = brokers;
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "client.id", "hecate-embedded", NULL, 0);
    rd_kafka_conf_set_log_cb(conf, NULL); /* it would warn that it has no brokers */
    mock->client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
    if (mock->client == NULL) {
        rd_kafka_conf_destroy(conf);
        free(mock);
        return hec_fail(error, HEC_FATAL, "kafka: the embedded broker: %s", why);
    }
    mock->cluster = rd_kafka_mock_cluster_new(mock->client, brokers);
    if (mock->cluster == NULL) {
        rd_kafka_destroy(mock->client);
        free(mock);
        return hec_fail(error, HEC_FATAL, "kafka: the embedded broker did not start");
    }
    *ret = mock;
    return HEC_OK;
}

void hec_mock_free(struct hec_mock *mock)
{
    if (mock != NULL) {
        rd_kafka_mock_cluster_destroy(mock->cluster);
        rd_kafka_destroy(mock->client);
        free(mock);
    }
}

const char *hec_mock_brokers(const struct hec_mock *mock)
{
    return rd_kafka_mock_cluster_bootstraps(mock->cluster);
}

enum hec_status hec_mock_topic(struct hec_mock *mock, const char *name, int32_t partitions)
{
    int replicas = mock->brokers < 3 ? mock->brokers : 3;
    return rd_kafka_mock_topic_create(mock->cluster, name, partitions, replicas) ==
                   RD_KAFKA_RESP_ERR_NO_ERROR
               ? HEC_OK
               : HEC_INVALID;
}

void hec_mock_push_errors(struct hec_mock *mock, int api_key, const int *codes, int count)
{
    for (int i = 0; i < count; i++) {
        rd_kafka_resp_err_t code = (rd_kafka_resp_err_t)codes[i];
        rd_kafka_mock_push_request_errors_array(mock->cluster, (int16_t)api_key, 1, &code);
    }
}

void hec_mock_topic_error(struct hec_mock *mock, const char *name, int code)
{
    rd_kafka_mock_topic_set_error(mock->cluster, name, (rd_kafka_resp_err_t)code);
}

void hec_mock_set_up(struct hec_mock *mock, int up)
{
    for (int broker = 1; broker <= mock->brokers; broker++) {
        if (up) {
            rd_kafka_mock_broker_set_up(mock->cluster, broker);
        } else {
            rd_kafka_mock_broker_set_down(mock->cluster, broker);
        }
    }
}
