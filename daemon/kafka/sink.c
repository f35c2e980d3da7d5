/*
 * One producer. Read hec_sink_commit first.
 *
 * What the library says of a failed call falls into three classes (rdkafka.h, "Transactional
 * producer API"): retriable, abortable, and everything else, which is fatal. A retriable failure
 * is retried until the bound; because the request may still be under way somewhere, the producer is
 * then "tainted" and made anew before the next transaction (Jepsen on Bufstream 0.1.0: a delayed
 * commit or abort can reach a later transaction of the same producer epoch).
 */
#include "kafka/sink.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kafka/handle.h"

#define RECORD_BYTES_MAX 900000
#define WAIT_MS 15000
#define TRANSACTION_MS 10000
#define RETRY_MS 10
#define GOODBYE_MS 3000
/* A commit that took this long, and much longer than usual, was retried inside the library. */
#define SLOW_US 450000
#define SLOW_RATIO 3

struct hec_sink {
    struct hec_kafka_voice voice; /* first: the library's opaque pointer */
    struct hec_sink_options options;
    rd_kafka_t *client;
    rd_kafka_topic_t *topics[HEC_SINK_TOPICS_MAX];
    int32_t partitions[HEC_SINK_TOPICS_MAX];
    struct hec_sink_stats stats;
    uint64_t failed_before; /* stats.failed when the batch was begun */
    bool refused;           /* a broker refused a record since then */
    int64_t usual_us;       /* running mean of commits */
    bool open;
    bool tainted;
    bool haunted; /* a client that hangs in its own end may still look at this struct */
};

static bool is_transactional(const struct hec_sink *sink)
{
    return sink->options.transactional_id != NULL;
}

static int left_ms(int64_t until_us)
{
    int64_t left = (until_us - hec_kafka_now_us()) / 1000;
    return left > 0 ? (int)left : 0;
}

static int64_t bound_us(const struct hec_sink *sink)
{
    return hec_kafka_now_us() + (int64_t)sink->options.wait_ms * 1000;
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
    if (message->err != RD_KAFKA_RESP_ERR__PURGE_QUEUE &&
        message->err != RD_KAFKA_RESP_ERR__PURGE_INFLIGHT) {
        sink->refused = true;
        snprintf(sink->voice.last_error, sizeof(sink->voice.last_error), "%s",
                 rd_kafka_err2str(message->err));
    }
}

/* What to do after a failed call of the transaction interface. */
enum verdict { RETRY, ABORT, DEAD, SUPPLANTED };

/* Takes problem over and leaves its text in the voice. */
static enum verdict judge(struct hec_sink *sink, rd_kafka_error_t *problem)
{
    rd_kafka_resp_err_t code = rd_kafka_error_code(problem);
    enum verdict verdict = DEAD;
    if (rd_kafka_error_is_fatal(problem)) {
        verdict = hec_kafka_status(code) == HEC_FENCED ? SUPPLANTED : DEAD;
    } else if (rd_kafka_error_txn_requires_abort(problem)) {
        verdict = ABORT;
    } else if (rd_kafka_error_is_retriable(problem)) {
        verdict = RETRY;
    }
    snprintf(sink->voice.last_error, sizeof(sink->voice.last_error), "%s: %s",
             rd_kafka_error_name(problem), rd_kafka_error_string(problem));
    rd_kafka_error_destroy(problem);
    return verdict;
}

static enum hec_status dead(struct hec_sink *sink, enum verdict verdict, const char *what,
                            struct hec_error *error)
{
    sink->tainted = true;
    sink->open = false;
    if (verdict == SUPPLANTED) {
        return hec_fail(error, HEC_FENCED, "kafka: %s: another process has transactional.id %s: %s",
                        what, sink->options.transactional_id, sink->voice.last_error);
    }
    return hec_fail(error, HEC_FATAL, "kafka: %s: the producer must be made anew: %s", what,
                    sink->voice.last_error);
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
        enum verdict verdict = judge(sink, problem);
        if (verdict == RETRY && left_ms(until_us) > 0) {
            continue;
        }
        if (verdict == RETRY) {
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
            return dead(sink, judge(sink, problem), "begin", error);
        }
    }
    sink->failed_before = sink->stats.failed;
    sink->refused = false;
    sink->open = true;
    return HEC_OK;
}

bool hec_sink_is_open(const struct hec_sink *sink)
{
    return sink->open;
}

static rd_kafka_headers_t *headers_of(const struct hec_sink_record *record)
{
    if (record->headers_count == 0) {
        return NULL;
    }
    rd_kafka_headers_t *headers = rd_kafka_headers_new((size_t)record->headers_count);
    for (int i = 0; i < record->headers_count; i++) {
        const struct hec_kafka_header *header = &record->headers[i];
        rd_kafka_header_add(headers, header->name, -1, header->value, (ssize_t)header->length);
    }
    return headers;
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
    rd_kafka_headers_t *headers = headers_of(record);
    rd_kafka_vu_t parts[7] = {
        { .vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = sink->topics[record->topic] },
        { .vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = record->partition },
        { .vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY },
        { .vtype = RD_KAFKA_VTYPE_KEY,
          .u.mem = { .ptr = (void *)record->key, .size = record->key_length } },
        { .vtype = RD_KAFKA_VTYPE_VALUE,
          .u.mem = { .ptr = (void *)record->value, .size = record->value_length } },
        { .vtype = RD_KAFKA_VTYPE_TIMESTAMP, .u.i64 = record->record_ms },
        { .vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers },
    };
    size_t count = headers == NULL ? 6 : 7;
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

enum hec_status hec_sink_produce(struct hec_sink *sink, const struct hec_sink_record *record,
                                 struct hec_error *error)
{
    assert(sink->open);
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
    rd_kafka_resp_err_t code = enqueue(sink, record);
    int64_t until_us = code == RD_KAFKA_RESP_ERR__QUEUE_FULL ? bound_us(sink) : 0;
    while (code == RD_KAFKA_RESP_ERR__QUEUE_FULL && left_ms(until_us) > 0) {
        sink->stats.queue_full++;
        rd_kafka_poll(sink->client, 10);
        code = enqueue(sink, record);
    }
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        sink->stats.records++;
        sink->stats.bytes += bytes;
        return HEC_OK;
    }
    if (code == RD_KAFKA_RESP_ERR__STATE) { /* the transaction broke under us */
        return hec_fail(error, HEC_ABORTED, "kafka: topic %s: the transaction failed: %s", topic,
                        sink->voice.last_error);
    }
    if (code == RD_KAFKA_RESP_ERR__FATAL) {
        return dead(sink, DEAD, "produce", error);
    }
    return hec_fail(error, hec_kafka_status(code), "kafka: topic %s: %s", topic,
                    sink->voice.last_error);
}

/* Rolls back and says ABORTED, if that can be done at all. */
static enum hec_status roll_back(struct hec_sink *sink, struct hec_error *error)
{
    int64_t until_us = bound_us(sink);
    if (!is_transactional(sink)) {
        rd_kafka_purge(sink->client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        rd_kafka_flush(sink->client, 1000);
        sink->tainted = true; /* what was in flight left a gap in the sequence numbers */
        sink->open = false;
        sink->stats.aborts++;
        return HEC_OK;
    }
    for (;;) {
        rd_kafka_error_t *problem = rd_kafka_abort_transaction(sink->client, left_ms(until_us));
        if (problem == NULL) {
            sink->open = false;
            sink->stats.aborts++;
            rd_kafka_poll(sink->client, 0);
            /* A refused record leaves a gap in the sequence numbers, and in 2.0.2 the next
             * transaction would stumble over it. */
            sink->tainted = sink->tainted || sink->refused;
            return HEC_OK;
        }
        enum verdict verdict = judge(sink, problem);
        if (verdict != RETRY || left_ms(until_us) == 0) {
            return dead(sink, verdict, "abort", error);
        }
        sink->tainted = true;
    }
}

enum hec_status hec_sink_abort(struct hec_sink *sink, struct hec_error *error)
{
    return sink->open ? roll_back(sink, error) : HEC_OK;
}

/* The call that a transaction ends with, and its two halves' common way of failing. */
static rd_kafka_error_t *send_offsets(struct hec_sink *sink, struct hec_source *source,
                                      const struct hec_offset *offsets, int count, int wait_ms)
{
    /* Read anew for every transaction: the generation changes with every rebalance. */
    rd_kafka_consumer_group_metadata_t *member =
        rd_kafka_consumer_group_metadata(hec_source_client(source));
    rd_kafka_topic_partition_list_t *list =
        hec_kafka_offsets(hec_source_topic(source), offsets, count);
    rd_kafka_error_t *problem =
        rd_kafka_send_offsets_to_transaction(sink->client, list, member, wait_ms);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_consumer_group_metadata_destroy(member);
    return problem;
}

static enum hec_status failed(struct hec_sink *sink, enum verdict verdict, bool supplanted,
                              const char *what, struct hec_error *error)
{
    if (verdict != ABORT) {
        return dead(sink, verdict, what, error);
    }
    char why[sizeof(sink->voice.last_error)];
    memcpy(why, sink->voice.last_error, sizeof(why));
    enum hec_status status = roll_back(sink, error);
    if (status != HEC_OK) {
        return status;
    }
    return hec_fail(error, supplanted ? HEC_FENCED : HEC_ABORTED,
                    "kafka: %s: the transaction was rolled back: %s", what, why);
}

static enum hec_status commit_transaction(struct hec_sink *sink, struct hec_source *source,
                                          const struct hec_offset *offsets, int count,
                                          struct hec_error *error)
{
    int64_t until_us = bound_us(sink);
    bool offsets_sent = count == 0;
    for (;;) {
        const char *what = offsets_sent ? "commit" : "send offsets";
        rd_kafka_error_t *problem =
            offsets_sent ? rd_kafka_commit_transaction(sink->client, left_ms(until_us))
                         : send_offsets(sink, source, offsets, count, left_ms(until_us));
        if (problem == NULL && offsets_sent) {
            return HEC_OK;
        }
        if (problem == NULL) {
            offsets_sent = true;
            continue;
        }
        bool supplanted = rd_kafka_error_code(problem) == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID;
        enum verdict verdict = judge(sink, problem);
        if (verdict != RETRY || left_ms(until_us) == 0) {
            return failed(sink, verdict, supplanted, what, error);
        }
        sink->tainted = true;
        rd_kafka_poll(sink->client, RETRY_MS);
    }
}

static enum hec_status commit_flushed(struct hec_sink *sink, struct hec_source *source,
                                      const struct hec_offset *offsets, int count,
                                      struct hec_error *error)
{
    char why[256];
    rd_kafka_resp_err_t code = rd_kafka_flush(sink->client, sink->options.wait_ms);
    if (rd_kafka_fatal_error(sink->client, why, sizeof(why)) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        memcpy(sink->voice.last_error, why, sizeof(why));
        return dead(sink, DEAD, "flush", error);
    }
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR || sink->stats.failed != sink->failed_before) {
        snprintf(why, sizeof(why), "%s", sink->voice.last_error);
        (void)roll_back(sink, NULL);
        return hec_fail(error, HEC_ABORTED, "kafka: records were not acknowledged: %s", why);
    }
    enum hec_status status = hec_source_commit(source, offsets, count, error);
    if (status == HEC_FENCED) {
        sink->open = false;
        return status;
    }
    if (status != HEC_OK) {
        (void)roll_back(sink, NULL);
        return HEC_ABORTED;
    }
    return HEC_OK;
}

enum hec_status hec_sink_commit(struct hec_sink *sink, struct hec_source *source,
                                const struct hec_offset *offsets, int count,
                                struct hec_error *error)
{
    assert(sink->open);
    int64_t begun_us = hec_kafka_now_us();
    uint64_t lost_before = sink->voice.lost;

    enum hec_status status = is_transactional(sink)
                                 ? commit_transaction(sink, source, offsets, count, error)
                                 : commit_flushed(sink, source, offsets, count, error);
    if (status != HEC_OK) {
        return status;
    }
    rd_kafka_poll(sink->client, 0);

    int64_t took_us = hec_kafka_now_us() - begun_us;
    bool slow = took_us > SLOW_US && took_us > SLOW_RATIO * sink->usual_us;
    if (is_transactional(sink) && (sink->voice.lost != lost_before || slow)) {
        sink->tainted = true;
    }
    sink->usual_us += (took_us - sink->usual_us) / 8;
    sink->stats.commit_us = took_us;
    sink->stats.commits++;
    sink->open = false;
    return HEC_OK;
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
