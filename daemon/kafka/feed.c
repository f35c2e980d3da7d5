/*
 * A plain idempotent producer for tools: it queues, batches and counts what was refused.
 */
#include "kafka/feed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kafka/handle.h"

#define FULL_MS 30000
#define POLL_EVERY 256 /* sends between two looks at the delivery reports */

struct hec_feed {
    struct hec_kafka_voice voice; /* first: the library's opaque pointer */
    struct hec_kafka_options options;
    rd_kafka_t *client;
    uint64_t sent;
    uint64_t refused;
};

static void on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque)
{
    struct hec_feed *feed = opaque;
    (void)client;
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR && feed->refused++ == 0) {
        snprintf(feed->voice.last_error, sizeof(feed->voice.last_error), "%s",
                 rd_kafka_err2str(message->err));
    }
}

enum hec_status hec_feed_new(struct hec_feed **ret, const struct hec_kafka_options *options,
                             struct hec_error *error)
{
    static const struct hec_kafka_property OURS[] = {
        { "enable.idempotence", "true" },   { "partitioner", "murmur2_random" },
        { "compression.codec", "lz4" },     { "linger.ms", "5" },
        { "socket.nagle.disable", "true" }, { "queue.buffering.max.messages", "200000" },
        { "message.timeout.ms", "60000" },
    };
    struct hec_feed *feed = calloc(1, sizeof(*feed));
    if (feed == NULL) {
        return hec_fail(error, HEC_NO_MEMORY, "kafka: no memory for the feed");
    }
    rd_kafka_conf_t *conf = NULL;
    enum hec_status status = hec_kafka_conf_new(&conf, options, OURS, sizeof(OURS) / sizeof(*OURS),
                                                false, &feed->voice, error);
    if (status == HEC_OK) {
        rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
        status = hec_kafka_client_new(&feed->client, RD_KAFKA_PRODUCER, conf, error);
    }
    if (status != HEC_OK) {
        free(feed);
        return status;
    }
    *ret = feed;
    return HEC_OK;
}

enum hec_status hec_feed_send(struct hec_feed *feed, const char *topic, int32_t partition,
                              const void *key, size_t key_length, const void *value,
                              size_t value_length, int64_t record_ms, struct hec_error *error)
{
    struct hec_feed_record record = { .topic = topic,
                                      .partition = partition,
                                      .key = key,
                                      .value = value,
                                      .key_length = key_length,
                                      .value_length = value_length,
                                      .record_ms = record_ms };
    return hec_feed_put(feed, &record, error);
}

enum hec_status hec_feed_put(struct hec_feed *feed, const struct hec_feed_record *record,
                             struct hec_error *error)
{
    int64_t until_us = 0;
    rd_kafka_resp_err_t code;
    rd_kafka_headers_t *headers = hec_kafka_headers(record->headers, record->headers_count);
    for (;;) {
        code = rd_kafka_producev(
            feed->client, RD_KAFKA_V_TOPIC(record->topic), RD_KAFKA_V_PARTITION(record->partition),
            RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
            RD_KAFKA_V_KEY(record->key, record->key_length),
            RD_KAFKA_V_VALUE((void *)record->value, record->value_length),
            RD_KAFKA_V_TIMESTAMP(record->record_ms), RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END);
        if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
            break;
        }
        int64_t now_us = hec_kafka_now_us();
        until_us = until_us == 0 ? now_us + FULL_MS * 1000LL : until_us;
        if (now_us >= until_us) {
            break;
        }
        rd_kafka_poll(feed->client, 10);
    }
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR && headers != NULL) {
        rd_kafka_headers_destroy(headers);
    }
    if (++feed->sent % POLL_EVERY == 0) {
        rd_kafka_poll(feed->client, 0);
    }
    return code == RD_KAFKA_RESP_ERR_NO_ERROR
               ? HEC_OK
               : hec_fail(error, hec_kafka_status(code), "kafka: topic %s: %s", record->topic,
                          rd_kafka_err2str(code));
}

enum hec_status hec_feed_flush(struct hec_feed *feed, int wait_ms, struct hec_error *error)
{
    rd_kafka_resp_err_t code = rd_kafka_flush(feed->client, wait_ms);
    uint64_t refused = feed->refused;
    feed->refused = 0;
    if (refused > 0) {
        return hec_fail(error, HEC_UNAVAILABLE, "kafka: %llu records were refused: %s",
                        (unsigned long long)refused, feed->voice.last_error);
    }
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return hec_fail(error, HEC_UNAVAILABLE, "kafka: %d records were not acknowledged%s%s",
                        rd_kafka_outq_len(feed->client),
                        feed->voice.last_error[0] == '\0' ? "" : ": ", feed->voice.last_error);
    }
    return HEC_OK;
}

void hec_feed_close(struct hec_feed *feed, int wait_ms)
{
    if (feed == NULL) {
        return;
    }
    if (rd_kafka_flush(feed->client, wait_ms) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        rd_kafka_purge(feed->client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        rd_kafka_poll(feed->client, 0);
    }
    if (hec_kafka_destroy(feed->client, 3000)) {
        free(feed);
    }
}

int32_t hec_kafka_partition_of(const void *key, size_t key_length, int32_t partitions)
{
    return rd_kafka_msg_partitioner_murmur2(NULL, key, key_length, partitions, NULL, NULL);
}
