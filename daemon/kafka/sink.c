/* One producer, from its making to its end, and what it is told to say. transaction.c commits. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kafka/sink_inside.h"

#define RECORD_BYTES_MAX 900000
#define WAIT_MS 15000
#define TRANSACTION_MS 10000
#define GOODBYE_MS 3000

/* Codes that say something of the record. All others say something of the broker. */
static bool is_of_the_record(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE ||
           code == RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE ||
           code == RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE || code == RD_KAFKA_RESP_ERR_INVALID_RECORD ||
           code == RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP ||
           code == RD_KAFKA_RESP_ERR_POLICY_VIOLATION;
}

static void note_refused(struct hec_sink *sink, const rd_kafka_message_t *message)
{
    uint64_t origin = (uint64_t)(uintptr_t)message->_private;
    if (origin != 0 && sink->refused_count < REFUSED_MAX && is_of_the_record(message->err)) {
        sink->refused[sink->refused_count++] = origin;
    }
}

/* Registered even though little is done here: without a callback a commit waits in steps of 10 ms
 * (librdkafka 2.0.2), 11 ms instead of 1.3. */
static void on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque)
{
    struct hec_sink *sink = opaque;
    (void)client;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        sink->stats.delivered++;
        sink->voice.brokers_down = false;
        return;
    }
    sink->stats.failed++;
    note_refused(sink, message);
    if (message->err != RD_KAFKA_RESP_ERR__PURGE_QUEUE &&
        message->err != RD_KAFKA_RESP_ERR__PURGE_INFLIGHT) {
        snprintf(sink->voice.last_error, sizeof(sink->voice.last_error), "%s",
                 rd_kafka_err2str(message->err));
    }
}

static void take_down(struct hec_sink *sink, int wait_ms)
{
    if (sink->client == NULL) {
        return;
    }
    /* What is still queued belongs to no committed batch. */
    rd_kafka_purge(sink->client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_poll(sink->client, 0);
    for (int i = 0; i < sink->options.topics_count; i++) {
        if (sink->topics[i] != NULL) {
            rd_kafka_topic_destroy(sink->topics[i]);
            sink->topics[i] = NULL;
        }
    }
    sink->haunted = !hec_kafka_destroy(sink->client, wait_ms) || sink->haunted;
    sink->client = NULL;
}

/* Asks for one topic's metadata: the partition count is needed, and the first record of a topic
 * that the client has not heard of can wait for a second. */
static enum hec_status warm_up(struct hec_sink *sink, int topic, int64_t until_us,
                               struct hec_error *error)
{
    const char *name = sink->options.topics[topic];
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t code;
    sink->topics[topic] = rd_kafka_topic_new(sink->client, name, NULL);
    do {
        code =
            rd_kafka_metadata(sink->client, 0, sink->topics[topic], &metadata, left_ms(until_us));
        rd_kafka_poll(sink->client, 0);
    } while (code == RD_KAFKA_RESP_ERR__TRANSPORT && !sink->voice.denied && left_ms(until_us) > 0);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return hec_kafka_no_answer(&sink->voice, &sink->options.kafka, error);
    }
    const struct rd_kafka_metadata_topic *found =
        metadata->topic_cnt == 1 ? &metadata->topics[0] : NULL;
    code = found == NULL ? RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART : found->err;
    sink->partitions[topic] = found == NULL ? 0 : found->partition_cnt;
    rd_kafka_metadata_destroy(metadata);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR && sink->partitions[topic] > 0) {
        return HEC_OK;
    }
    return hec_fail(error,
                    code == RD_KAFKA_RESP_ERR_NO_ERROR ? HEC_NOT_FOUND : hec_kafka_status(code),
                    "kafka: topic %s on broker %s: %s", name,
                    hec_kafka_brokers(&sink->options.kafka), rd_kafka_err2str(code));
}

static enum hec_status resolve_former(struct hec_sink *sink, int64_t until_us,
                                      struct hec_error *error)
{
    for (;;) {
        rd_kafka_error_t *problem = rd_kafka_init_transactions(sink->client, left_ms(until_us));
        if (problem == NULL) {
            return HEC_OK;
        }
        enum hec_status status = hec_kafka_status(rd_kafka_error_code(problem));
        enum hec_sink_verdict verdict = hec_sink_judge(sink, problem);
        if (verdict == HEC_SINK_RETRY && left_ms(until_us) > 0) {
            continue;
        }
        if (verdict == HEC_SINK_RETRY) {
            return hec_fail(error, HEC_UNAVAILABLE,
                            "kafka: transactional.id %s: the coordinator does not answer: %s",
                            sink->options.transactional_id, sink->voice.last_error);
        }
        return hec_fail(error, status == HEC_DENIED || status == HEC_FENCED ? status : HEC_FATAL,
                        "kafka: transactional.id %s: %s", sink->options.transactional_id,
                        sink->voice.last_error);
    }
}

static enum hec_status make(struct hec_sink *sink, struct hec_error *error)
{
    char transaction_ms[16];
    snprintf(transaction_ms, sizeof(transaction_ms), "%d", sink->options.transaction_ms);
    struct hec_kafka_property ours[] = {
        { "enable.idempotence", "true" },
        { "partitioner", "murmur2_random" },
        { "compression.codec", "lz4" },
        { "linger.ms", "5" },
        { "retry.backoff.ms", "5" },
        { "socket.nagle.disable", "true" },
        { "reconnect.backoff.max.ms", "2000" },
        { "queue.buffering.max.messages", "200000" },
        { "queue.buffering.max.kbytes", "131072" },
        { "transactional.id", sink->options.transactional_id },
        { "transaction.timeout.ms", transaction_ms },
    };
    size_t count = sizeof(ours) / sizeof(*ours) - (is_transactional(sink) ? 0 : 2);
    rd_kafka_conf_t *conf = NULL;
    enum hec_status status =
        hec_kafka_conf_new(&conf, &sink->options.kafka, ours, count, true, &sink->voice, error);
    if (status != HEC_OK) {
        return status;
    }
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    status = hec_kafka_client_new(&sink->client, RD_KAFKA_PRODUCER, conf, error);
    int64_t until_us = bound_us(sink);
    for (int i = 0; status == HEC_OK && i < sink->options.topics_count; i++) {
        status = warm_up(sink, i, until_us, error);
    }
    if (status == HEC_OK && is_transactional(sink)) {
        status = resolve_former(sink, until_us, error);
    }
    sink->tainted = status != HEC_OK;
    return status;
}

enum hec_status hec_sink_recreate(struct hec_sink *sink, struct hec_error *error)
{
    take_down(sink, GOODBYE_MS);
    sink->open = false;
    sink->voice.denied = false;
    sink->stats.recreated++;
    return make(sink, error);
}

static enum hec_status copy_options(struct hec_sink *sink, const struct hec_sink_options *options)
{
    struct hec_sink_options *own = &sink->options;
    *own = *options;
    own->record_bytes_max = own->record_bytes_max == 0 ? RECORD_BYTES_MAX : own->record_bytes_max;
    own->transaction_ms = own->transaction_ms == 0 ? TRANSACTION_MS : own->transaction_ms;
    own->wait_ms = own->wait_ms == 0 ? WAIT_MS : own->wait_ms;
    memset(own->topics, 0, sizeof(own->topics));
    own->transactional_id = NULL;

    enum hec_status status = hec_kafka_options_copy(&own->kafka, &options->kafka);
    bool whole = status == HEC_OK;
    for (int i = 0; i < own->topics_count; i++) {
        own->topics[i] = strdup(options->topics[i]);
        whole = whole && own->topics[i] != NULL;
    }
    if (options->transactional_id != NULL) {
        own->transactional_id = strdup(options->transactional_id);
        whole = whole && own->transactional_id != NULL;
    }
    return whole ? HEC_OK : HEC_NO_MEMORY;
}

enum hec_status hec_sink_new(struct hec_sink **ret, const struct hec_sink_options *options,
                             struct hec_error *error)
{
    assert(options->topics_count >= 0 && options->topics_count <= HEC_SINK_TOPICS_MAX);
    struct hec_sink *sink = calloc(1, sizeof(*sink));
    if (sink == NULL) {
        return hec_fail(error, HEC_NO_MEMORY, "kafka: no memory for the sink");
    }
    enum hec_status status = copy_options(sink, options);
    if (status == HEC_OK) {
        status = make(sink, error);
    }
    if (status != HEC_OK) {
        (void)hec_sink_close(sink, 1000);
        return status;
    }
    *ret = sink;
    return HEC_OK;
}

enum hec_status hec_sink_close(struct hec_sink *sink, int wait_ms)
{
    if (sink == NULL) {
        return HEC_OK;
    }
    int64_t until_us = hec_kafka_now_us() + (int64_t)wait_ms * 1000;
    if (sink->open && sink->client != NULL && is_transactional(sink)) {
        rd_kafka_error_t *problem = rd_kafka_abort_transaction(sink->client, left_ms(until_us));
        if (problem != NULL) {
            rd_kafka_error_destroy(problem); /* the next instance resolves it */
        }
    }
    take_down(sink, left_ms(until_us) > 100 ? left_ms(until_us) : 100);
    if (sink->haunted) {
        return HEC_UNAVAILABLE; /* the library may still use the struct */
    }
    for (int i = 0; i < sink->options.topics_count; i++) {
        free((char *)sink->options.topics[i]);
    }
    free((char *)sink->options.transactional_id);
    hec_kafka_options_free(&sink->options.kafka);
    free(sink);
    return HEC_OK;
}

enum hec_status hec_sink_begin(struct hec_sink *sink, struct hec_error *error)
{
    if (sink->open) {
        return HEC_OK;
    }
    if (sink->tainted || sink->client == NULL) {
        enum hec_status status = hec_sink_recreate(sink, error);
        if (status != HEC_OK) {
            return status;
        }
    }
    if (is_transactional(sink)) {
        rd_kafka_error_t *problem = rd_kafka_begin_transaction(sink->client);
        if (problem != NULL) {
            return hec_sink_dead(sink, hec_sink_judge(sink, problem), "begin", error);
        }
    }
    sink->failed_before = sink->stats.failed;
    sink->refused_count = 0;
    sink->open = true;
    return HEC_OK;
}

bool hec_sink_is_open(const struct hec_sink *sink)
{
    return sink->open;
}

static size_t bytes_of(const struct hec_sink_record *record)
{
    size_t bytes = record->key_length + record->value_length;
    for (int i = 0; i < record->headers_count; i++) {
        bytes += strlen(record->headers[i].name) + record->headers[i].length;
    }
    return bytes;
}

/* Headers are handed over whole: with single ones, 2.0.2 frees them twice on a failure. */
static rd_kafka_resp_err_t enqueue(struct hec_sink *sink, const struct hec_sink_record *record)
{
    rd_kafka_headers_t *headers = hec_kafka_headers(record->headers, record->headers_count);
    rd_kafka_vu_t parts[8] = {
        { .vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = sink->topics[record->topic] },
        { .vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = record->partition },
        { .vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY },
        { .vtype = RD_KAFKA_VTYPE_KEY,
          .u.mem = { .ptr = (void *)record->key, .size = record->key_length } },
        { .vtype = RD_KAFKA_VTYPE_VALUE,
          .u.mem = { .ptr = (void *)record->value, .size = record->value_length } },
        { .vtype = RD_KAFKA_VTYPE_TIMESTAMP, .u.i64 = record->record_ms },
        { .vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = (void *)(uintptr_t)record->origin },
        { .vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers },
    };
    size_t count = headers == NULL ? 7 : 8;
    rd_kafka_error_t *problem = rd_kafka_produceva(sink->client, parts, count);
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    if (problem != NULL) {
        code = rd_kafka_error_code(problem);
        snprintf(sink->voice.last_error, sizeof(sink->voice.last_error), "%s",
                 rd_kafka_error_string(problem));
        rd_kafka_error_destroy(problem);
        if (headers != NULL) {
            rd_kafka_headers_destroy(headers);
        }
    }
    return code;
}

enum hec_status hec_sink_check(const struct hec_sink *sink, const struct hec_sink_record *record,
                               struct hec_error *error)
{
    assert(record->topic >= 0 && record->topic < sink->options.topics_count);
    assert(record->partition >= -1);
    const char *topic = sink->options.topics[record->topic];
    size_t bytes = bytes_of(record);
    if (bytes > sink->options.record_bytes_max) {
        return hec_fail(error, HEC_TOO_LARGE,
                        "kafka: a record for topic %s has %zu bytes, more than %zu", topic, bytes,
                        sink->options.record_bytes_max);
    }
    if (record->partition >= sink->partitions[record->topic]) {
        return hec_fail(error, HEC_NOT_FOUND, "kafka: topic %s has no partition %d", topic,
                        (int)record->partition);
    }
    return HEC_OK;
}

enum hec_status hec_sink_produce(struct hec_sink *sink, const struct hec_sink_record *record,
                                 struct hec_error *error)
{
    assert(sink->open);
    enum hec_status status = hec_sink_check(sink, record, error);
    if (status != HEC_OK) {
        return status;
    }
    const char *topic = sink->options.topics[record->topic];
    rd_kafka_resp_err_t code = enqueue(sink, record);
    int64_t until_us = code == RD_KAFKA_RESP_ERR__QUEUE_FULL ? bound_us(sink) : 0;
    while (code == RD_KAFKA_RESP_ERR__QUEUE_FULL && left_ms(until_us) > 0) {
        sink->stats.queue_full++;
        rd_kafka_poll(sink->client, 10);
        code = enqueue(sink, record);
    }
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        sink->stats.records++;
        sink->stats.bytes += bytes_of(record);
        return HEC_OK;
    }
    if (code == RD_KAFKA_RESP_ERR__STATE) { /* the transaction broke under us */
        return hec_fail(error, HEC_ABORTED, "kafka: topic %s: the transaction failed: %s", topic,
                        sink->voice.last_error);
    }
    if (code == RD_KAFKA_RESP_ERR__FATAL) {
        return hec_sink_dead(sink, HEC_SINK_DEAD, "produce", error);
    }
    return hec_fail(error, hec_kafka_status(code), "kafka: topic %s: %s", topic,
                    sink->voice.last_error);
}

int hec_sink_refused(struct hec_sink *sink, const uint64_t **origins)
{
    int count = sink->refused_count;
    *origins = sink->refused;
    sink->refused_count = 0;
    return count;
}

void hec_sink_poll(struct hec_sink *sink)
{
    if (sink->client != NULL) {
        rd_kafka_poll(sink->client, 0);
    }
}

void hec_sink_stats(const struct hec_sink *sink, struct hec_sink_stats *stats)
{
    *stats = sink->stats;
    stats->tainted = sink->tainted;
    stats->brokers_down = sink->voice.brokers_down;
    memcpy(stats->last_error, sink->voice.last_error, sizeof(stats->last_error));
}
