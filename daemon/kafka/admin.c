/*
 * A short-lived client asks. It is a consumer, because a producer's question for a topic would make
 * a broker create it (auto.create.topics.enable is on by default).
 */
#include "kafka/admin.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "kafka/handle.h"

struct asker {
    struct hec_kafka_voice voice; /* first: the library's opaque pointer */
    rd_kafka_t *client;
};

static enum hec_status asker_new(struct asker *asker, const struct hec_kafka_options *options,
                                 struct hec_error *error)
{
    static const struct hec_kafka_property OURS[] = {
        { "group.id", "hecate-survey" }, /* needed by the library, never joined */
        { "allow.auto.create.topics", "false" },
        { "socket.nagle.disable", "true" },
    };
    rd_kafka_conf_t *conf = NULL;
    enum hec_status status =
        hec_kafka_conf_new(&conf, options, OURS, 3, false, &asker->voice, error);
    return status == HEC_OK ? hec_kafka_client_new(&asker->client, RD_KAFKA_CONSUMER, conf, error)
                            : status;
}

/* Asks for one topic (NULL: only whether somebody answers), again until there is an answer: the
 * first calls fail while the connection is being made. */
static rd_kafka_resp_err_t ask(struct asker *asker, const char *topic,
                               const struct rd_kafka_metadata **metadata, int64_t until_us)
{
    rd_kafka_topic_t *handle =
        topic == NULL ? NULL : rd_kafka_topic_new(asker->client, topic, NULL);
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR__TIMED_OUT;
    do {
        int64_t left_us = until_us - hec_kafka_now_us();
        int wait_ms = left_us > 1000000 ? 1000 : (int)(left_us / 1000);
        code = rd_kafka_metadata(asker->client, 0, handle, metadata, wait_ms < 1 ? 1 : wait_ms);
        rd_kafka_poll(asker->client, 0); /* serves error_cb */
    } while (code != RD_KAFKA_RESP_ERR_NO_ERROR && !asker->voice.denied &&
             hec_kafka_now_us() < until_us);
    if (handle != NULL) {
        rd_kafka_topic_destroy(handle);
    }
    return code;
}

static enum hec_status survey_topic(struct asker *asker, const struct hec_kafka_options *options,
                                    struct hec_topic *topic, int64_t until_us,
                                    struct hec_error *error)
{
    const struct rd_kafka_metadata *metadata = NULL;
    topic->partitions = 0;
    if (ask(asker, topic->name, &metadata, until_us) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return hec_kafka_no_answer(&asker->voice, options, error);
    }
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    for (int i = 0; i < metadata->topic_cnt; i++) {
        if (strcmp(metadata->topics[i].topic, topic->name) == 0) {
            code = metadata->topics[i].err;
            topic->partitions = metadata->topics[i].partition_cnt;
        }
    }
    rd_kafka_metadata_destroy(metadata);
    enum hec_status status = hec_kafka_status(code);
    if (status == HEC_OK && topic->partitions == 0) {
        status = HEC_NOT_FOUND;
    }
    if (status == HEC_NOT_FOUND) {
        return hec_fail(error, HEC_NOT_FOUND,
                        "kafka: topic %s does not exist on broker %s: create it with "
                        "kafka-topics.sh --bootstrap-server %s --create --topic %s --partitions N",
                        topic->name, hec_kafka_brokers(options), hec_kafka_brokers(options),
                        topic->name);
    }
    return status == HEC_OK
               ? HEC_OK
               : hec_fail(error, status, "kafka: topic %s on broker %s: %s", topic->name,
                          hec_kafka_brokers(options), rd_kafka_err2str(code));
}

static enum hec_status survey(struct asker *asker, const struct hec_kafka_options *options,
                              char *cluster_id, struct hec_topic *topics, int topics_count,
                              int64_t until_us, struct hec_error *error)
{
    const struct rd_kafka_metadata *metadata = NULL;
    if (ask(asker, NULL, &metadata, until_us) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return hec_kafka_no_answer(&asker->voice, options, error);
    }
    rd_kafka_metadata_destroy(metadata);
    if (cluster_id != NULL) {
        char *id = rd_kafka_clusterid(asker->client, 1000);
        snprintf(cluster_id, HEC_CLUSTER_ID_BYTES_MAX, "%s", id == NULL ? "" : id);
        if (id != NULL) {
            rd_kafka_mem_free(asker->client, id);
        }
    }
    enum hec_status status = HEC_OK;
    for (int i = 0; i < topics_count; i++) {
        struct hec_error *first = status == HEC_OK ? error : NULL;
        enum hec_status one = survey_topic(asker, options, &topics[i], until_us, first);
        status = status == HEC_OK ? one : status;
    }
    return status;
}

enum hec_status hec_kafka_survey(const struct hec_kafka_options *options,
                                 char cluster_id[HEC_CLUSTER_ID_BYTES_MAX],
                                 struct hec_topic *topics, int topics_count, int wait_ms,
                                 struct hec_error *error)
{
    struct asker asker = { 0 };
    enum hec_status status = asker_new(&asker, options, error);
    if (status == HEC_OK) {
        int64_t until_us = hec_kafka_now_us() + (int64_t)wait_ms * 1000;
        status = survey(&asker, options, cluster_id, topics, topics_count, until_us, error);
        rd_kafka_destroy_flags(asker.client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    }
    return status;
}

static enum hec_status results_of(rd_kafka_event_t *event, struct hec_error *error)
{
    size_t count = 0;
    rd_kafka_resp_err_t code = rd_kafka_event_error(event);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return hec_fail(error, hec_kafka_status(code), "kafka: creating topics: %s",
                        rd_kafka_event_error_string(event));
    }
    const rd_kafka_topic_result_t **rows =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
    for (size_t i = 0; i < count; i++) {
        code = rd_kafka_topic_result_error(rows[i]);
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR && code != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) {
            const char *why = rd_kafka_topic_result_error_string(rows[i]);
            return hec_fail(error, hec_kafka_status(code), "kafka: creating topic %s: %s",
                            rd_kafka_topic_result_name(rows[i]),
                            why == NULL ? rd_kafka_err2str(code) : why);
        }
    }
    return HEC_OK;
}

static enum hec_status create(struct asker *asker, const struct hec_topic *topics, int topics_count,
                              int wait_ms, struct hec_error *error)
{
    char why[256];
    rd_kafka_NewTopic_t *rows[64];
    assert(topics_count <= 64);
    for (int i = 0; i < topics_count; i++) {
        rows[i] = rd_kafka_NewTopic_new(topics[i].name, topics[i].partitions, 1, why, sizeof(why));
        if (rows[i] == NULL) {
            rd_kafka_NewTopic_destroy_array(rows, (size_t)i);
            return hec_fail(error, HEC_INVALID, "kafka: topic %s: %s", topics[i].name, why);
        }
    }
    rd_kafka_queue_t *queue = rd_kafka_queue_new(asker->client);
    rd_kafka_CreateTopics(asker->client, rows, (size_t)topics_count, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, wait_ms);
    enum hec_status status =
        event == NULL ? hec_fail(error, HEC_UNAVAILABLE, "kafka: creating topics: no answer")
                      : results_of(event, error);
    rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_NewTopic_destroy_array(rows, (size_t)topics_count);
    return status;
}

enum hec_status hec_kafka_create_topics(const struct hec_kafka_options *options,
                                        const struct hec_topic *topics, int topics_count,
                                        int wait_ms, struct hec_error *error)
{
    struct asker asker = { 0 };
    const struct rd_kafka_metadata *metadata = NULL;
    enum hec_status status = asker_new(&asker, options, error);
    if (status != HEC_OK) {
        return status;
    }
    int64_t until_us = hec_kafka_now_us() + (int64_t)wait_ms * 1000;
    if (ask(&asker, NULL, &metadata, until_us) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        status = hec_kafka_no_answer(&asker.voice, options, error);
    } else {
        rd_kafka_metadata_destroy(metadata);
        status = create(&asker, topics, topics_count, wait_ms, error);
    }
    rd_kafka_destroy_flags(asker.client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    return status;
}
