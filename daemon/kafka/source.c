/*
 * One consumer. Read hec_source_poll first; the rebalance callback below it is the other half.
 *
 * Every partition has a place: the next offset expected. A record below it is dropped, because the
 * library (before 2.4) can hand out records of before a seek or a rebalance.
 */
#include "kafka/source.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hecate/entity.h" /* HEC_PARTITIONS_MAX */
#include "kafka/handle.h"

#define COMMIT_MS 10000
#define PROBE_US 1000000
#define PROBE_MS 20

struct place {
    bool assigned;
    bool at_end;       /* everything readable was read */
    int64_t next;      /* first offset not yet seen */
    int64_t newest_ms; /* timestamp of the newest record; -1: none yet */
};

struct hec_source {
    struct hec_kafka_voice voice; /* first: the library's opaque pointer */
    struct hec_kafka_options options;
    struct hec_source_callbacks callbacks;
    rd_kafka_t *client;
    char *topic;
    struct place places[HEC_PARTITIONS_MAX];
    struct hec_source_stats stats;
    bool assigned;
    bool paused;
    uint64_t revokes; /* how often partitions were taken away */
    int64_t probed_us;
    enum hec_status refused; /* what assigned() said, until a poll has told it */
    struct hec_error refusal;
};

static struct place *place_of(struct hec_source *source, int32_t partition)
{
    return partition >= 0 && partition < HEC_PARTITIONS_MAX ? &source->places[partition] : NULL;
}

static void set_paused(struct hec_source *source, bool paused)
{
    rd_kafka_topic_partition_list_t *list = NULL;
    if (rd_kafka_assignment(source->client, &list) == RD_KAFKA_RESP_ERR_NO_ERROR) {
        (void)(paused ? rd_kafka_pause_partitions(source->client, list)
                      : rd_kafka_resume_partitions(source->client, list));
        rd_kafka_topic_partition_list_destroy(list);
    }
}

/* Asks the engine where to begin. What the engine refuses is not assigned. */
static enum hec_status start(struct hec_source *source, rd_kafka_topic_partition_list_t *list)
{
    struct hec_source_start rows[HEC_PARTITIONS_MAX];
    for (int i = 0; i < list->cnt; i++) {
        if (place_of(source, list->elems[i].partition) == NULL) {
            return hec_fail(&source->refusal, HEC_INVALID,
                            "kafka: topic %s has partition %d: at most %d partitions are supported",
                            source->topic, list->elems[i].partition, HEC_PARTITIONS_MAX);
        }
        rows[i] = (struct hec_source_start){ .partition = list->elems[i].partition, .offset = -1 };
    }
    if (list->cnt > 0) {
        enum hec_status status =
            source->callbacks.assigned(source->callbacks.context, rows, list->cnt);
        if (status != HEC_OK) {
            return hec_fail(&source->refusal, status,
                            "kafka: the partitions of topic %s were not taken up: %s",
                            source->topic, hec_status_text(status));
        }
    }
    for (int i = 0; i < list->cnt; i++) {
        assert(rows[i].offset >= 0);
        list->elems[i].offset = rows[i].offset;
        source->places[rows[i].partition] =
            (struct place){ .assigned = true, .next = rows[i].offset, .newest_ms = -1 };
    }
    return HEC_OK;
}

static void assign(struct hec_source *source, rd_kafka_topic_partition_list_t *list)
{
    source->stats.assigns++;
    source->refused = start(source, list);
    if (source->refused != HEC_OK) {
        rd_kafka_assign(source->client, NULL);
        return;
    }
    rd_kafka_resp_err_t code = rd_kafka_assign(source->client, list);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        source->refused = hec_fail(&source->refusal, HEC_FATAL, "kafka: assigning partitions: %s",
                                   rd_kafka_err2str(code));
        return;
    }
    source->assigned = true;
    if (source->paused) {
        rd_kafka_pause_partitions(source->client, list);
    }
}

static void revoke(struct hec_source *source, rd_kafka_topic_partition_list_t *list, bool lost)
{
    int32_t partitions[HEC_PARTITIONS_MAX];
    int count = 0;
    for (int i = 0; i < list->cnt; i++) {
        struct place *place = place_of(source, list->elems[i].partition);
        if (place != NULL && place->assigned) {
            partitions[count++] = list->elems[i].partition;
        }
    }
    source->revokes++;
    if (count > 0) {
        source->callbacks.revoked(source->callbacks.context, partitions, count, lost);
    }
    for (int i = 0; i < count; i++) {
        source->places[partitions[i]].assigned = false;
    }
    source->assigned = false;
    rd_kafka_assign(source->client, NULL);
}

static void on_rebalance(rd_kafka_t *client, rd_kafka_resp_err_t code,
                         rd_kafka_topic_partition_list_t *list, void *opaque)
{
    struct hec_source *source = opaque;
    if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        assign(source, list);
    } else {
        revoke(source, list,
               code != RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS || rd_kafka_assignment_lost(client));
    }
}

/* True: row was filled and the message is the row's. False: the message was not wanted. */
static bool take_record(struct hec_source *source, rd_kafka_message_t *message,
                        struct hec_record *row)
{
    struct place *place = place_of(source, message->partition);
    source->voice.brokers_down = false;
    if (place == NULL || !place->assigned || message->offset < place->next) {
        source->stats.stale++;
        rd_kafka_message_destroy(message);
        return false;
    }
    hec_record_of(row, message);
    place->next = message->offset + 1;
    place->newest_ms = row->record_ms;
    place->at_end = false;
    source->stats.records++;
    source->stats.bytes += message->len;
    return true;
}

/* What the library tells in place of a record. HEC_OK for all that passes by itself. */
static enum hec_status take_news(struct hec_source *source, const rd_kafka_message_t *message,
                                 struct hec_error *error)
{
    struct place *place = place_of(source, message->partition);
    switch (message->err) {
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
        source->voice.brokers_down = false;
        if (place != NULL && place->assigned) {
            place->next = message->offset > place->next ? message->offset : place->next;
            place->at_end = true;
        }
        return HEC_OK;
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
        return hec_fail(error, HEC_MISMATCH,
                        "kafka: topic %s, partition %d, offset %lld is not in the log any more "
                        "(retention passed it, or the topic was made anew): %s",
                        source->topic, (int)message->partition,
                        place == NULL ? -1LL : (long long)place->next,
                        rd_kafka_message_errstr(message));
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
        return hec_fail(error, HEC_FENCED, "kafka: another process has this group.instance.id");
    default:
        source->stats.errors++;
        snprintf(source->voice.last_error, sizeof(source->voice.last_error), "%s",
                 rd_kafka_message_errstr(message));
        if (source->options.log != NULL) {
            source->options.log(source->options.log_context, 4, source->voice.last_error);
        }
        return HEC_OK;
    }
}

static enum hec_status fatal_state(struct hec_source *source, struct hec_error *error)
{
    char why[256];
    rd_kafka_resp_err_t code = rd_kafka_fatal_error(source->client, why, sizeof(why));
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        return HEC_OK;
    }
    if (hec_kafka_status(code) == HEC_FENCED) {
        return hec_fail(error, HEC_FENCED, "kafka: another process has this group.instance.id: %s",
                        why);
    }
    return hec_fail(error, HEC_FATAL, "kafka: the consumer cannot go on: %s", why);
}

/* Nothing was heard since all brokers went away, and an idle topic would never tell that they are
 * back: ask, about once a second. */
static void probe(struct hec_source *source)
{
    const struct rd_kafka_metadata *metadata = NULL;
    int64_t now_us = hec_kafka_now_us();
    if (now_us - source->probed_us < PROBE_US) {
        return;
    }
    source->probed_us = now_us;
    rd_kafka_topic_t *none = NULL;
    if (rd_kafka_metadata(source->client, 0, none, &metadata, PROBE_MS) ==
        RD_KAFKA_RESP_ERR_NO_ERROR) {
        source->voice.brokers_down = metadata->broker_cnt == 0;
        rd_kafka_metadata_destroy(metadata);
    }
}

/* Takes the next record if there is one within wait_ms. took tells whether one came; heard whether
 * anything did. */
static enum hec_status poll_one(struct hec_source *source, struct hec_record *row, int wait_ms,
                                bool *took, bool *heard, struct hec_error *error)
{
    rd_kafka_message_t *message = rd_kafka_consumer_poll(source->client, wait_ms);
    enum hec_status status = HEC_OK;
    *took = false;
    *heard = message != NULL;
    if (message != NULL) {
        if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            *took = take_record(source, message, row);
        } else {
            status = take_news(source, message, error);
            rd_kafka_message_destroy(message);
        }
    }
    if (status == HEC_OK && source->refused != HEC_OK) {
        status = source->refused;
        source->refused = HEC_OK;
        if (error != NULL) {
            *error = source->refusal;
        }
    }
    return status;
}

/* Rows taken before the partitions were taken away are nobody's any more: the revocation committed
 * without them, so whoever has the partitions now is given them again. */
static void drop_revoked(struct hec_record *rows, int *count, bool took)
{
    int kept = took ? 1 : 0;
    hec_source_release(rows, *count - kept);
    if (took) {
        rows[0] = rows[*count - 1];
    }
    *count = kept;
}

enum hec_status hec_source_poll(struct hec_source *source, struct hec_record *rows, int rows_max,
                                int wait_ms, int more_ms, int *count, struct hec_error *error)
{
    assert(rows_max > 0);
    uint64_t revokes = source->revokes;
    enum hec_status status = HEC_OK;
    int64_t until_us = -1; /* no clock is read while the queue is full */
    int timeout_ms = wait_ms;

    *count = 0;
    while (*count < rows_max) {
        bool took;
        bool heard;
        status = poll_one(source, &rows[*count], timeout_ms, &took, &heard, error);
        *count += took;
        if (source->revokes != revokes) {
            revokes = source->revokes;
            drop_revoked(rows, count, took);
        }
        if (status != HEC_OK) {
            return status;
        }
        if (heard) {
            timeout_ms = *count > 0 ? 0 : timeout_ms;
            continue;
        }
        if (*count == 0 || more_ms == 0) {
            break;
        }
        int64_t now_us = hec_kafka_now_us();
        until_us = until_us < 0 ? now_us + (int64_t)more_ms * 1000 : until_us;
        if (now_us >= until_us) {
            break;
        }
        timeout_ms = (int)((until_us - now_us + 999) / 1000);
    }
    if (*count == 0) {
        status = fatal_state(source, error);
        if (source->voice.brokers_down) {
            probe(source);
        }
    }
    return status;
}

void hec_source_wake(struct hec_source *source)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(source->client);
    if (queue != NULL) {
        rd_kafka_queue_yield(queue);
        rd_kafka_queue_destroy(queue);
    }
}

enum hec_status hec_source_committed(struct hec_source *source, struct hec_offset *rows, int count,
                                     int wait_ms, struct hec_error *error)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(count);
    for (int i = 0; i < count; i++) {
        rd_kafka_topic_partition_list_add(list, source->topic, rows[i].partition);
    }
    rd_kafka_resp_err_t code = rd_kafka_committed(source->client, list, wait_ms);
    for (int i = 0; i < count && code == RD_KAFKA_RESP_ERR_NO_ERROR; i++) {
        const rd_kafka_topic_partition_t *place = &list->elems[i];
        code = place->err;
        rows[i].offset = place->offset >= 0 ? place->offset : -1;
        size_t length = place->metadata == NULL ? 0 : place->metadata_size;
        length = length < sizeof(rows[i].metadata) ? length : sizeof(rows[i].metadata) - 1;
        if (length > 0) {
            memcpy(rows[i].metadata, place->metadata, length);
        }
        rows[i].metadata[length] = '\0';
    }
    rd_kafka_topic_partition_list_destroy(list);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        return HEC_OK;
    }
    return hec_fail(error, hec_kafka_status(code) == HEC_DENIED ? HEC_DENIED : HEC_UNAVAILABLE,
                    "kafka: the committed offsets of topic %s could not be read: %s", source->topic,
                    rd_kafka_err2str(code));
}

enum hec_status hec_source_bounds(struct hec_source *source, int32_t partition, int64_t *low,
                                  int64_t *high, int wait_ms, struct hec_error *error)
{
    rd_kafka_resp_err_t code = rd_kafka_query_watermark_offsets(source->client, source->topic,
                                                                partition, low, high, wait_ms);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        return HEC_OK;
    }
    return hec_fail(error, hec_kafka_status(code),
                    "kafka: the bounds of topic %s, partition %d could not be read: %s",
                    source->topic, (int)partition, rd_kafka_err2str(code));
}

enum hec_status hec_source_seek(struct hec_source *source, int32_t partition, int64_t offset,
                                int wait_ms, struct hec_error *error)
{
    struct place *place = place_of(source, partition);
    assert(place != NULL && place->assigned);
    rd_kafka_resp_err_t code =
        hec_kafka_seek(source->client, source->topic, partition, offset, wait_ms);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return hec_fail(error, HEC_UNAVAILABLE, "kafka: seek in topic %s, partition %d: %s",
                        source->topic, (int)partition, rd_kafka_err2str(code));
    }
    place->next = offset;
    place->at_end = false;
    return HEC_OK;
}

void hec_source_pause(struct hec_source *source)
{
    if (!source->paused) {
        source->paused = true;
        set_paused(source, true);
    }
}

void hec_source_resume(struct hec_source *source)
{
    if (source->paused) {
        source->paused = false;
        set_paused(source, false);
    }
}

bool hec_source_is_paused(const struct hec_source *source)
{
    return source->paused;
}

enum hec_status hec_source_commit(struct hec_source *source, const struct hec_offset *rows,
                                  int count, struct hec_error *error)
{
    if (count == 0) {
        return HEC_OK;
    }
    /* Through a queue of our own, because the plain synchronous call has no bound. */
    rd_kafka_queue_t *queue = rd_kafka_queue_new(source->client);
    rd_kafka_topic_partition_list_t *list = hec_kafka_offsets(source->topic, rows, count);
    rd_kafka_resp_err_t code = rd_kafka_commit_queue(source->client, list, queue, NULL, NULL);
    rd_kafka_topic_partition_list_destroy(list);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        rd_kafka_event_t *event = rd_kafka_queue_poll(queue, COMMIT_MS);
        code = event == NULL ? RD_KAFKA_RESP_ERR__TIMED_OUT : rd_kafka_event_error(event);
        rd_kafka_event_destroy(event);
    }
    rd_kafka_queue_destroy(queue);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        return HEC_OK;
    }
    return hec_fail(error, hec_kafka_status(code), "kafka: offsets were not committed: %s",
                    rd_kafka_err2str(code));
}

int64_t hec_source_position(const struct hec_source *source, int32_t partition)
{
    const struct place *place = place_of((struct hec_source *)source, partition);
    return place != NULL && place->assigned ? place->next : -1;
}

bool hec_source_is_assigned(const struct hec_source *source)
{
    return source->assigned;
}

bool hec_source_lag(const struct hec_source *source, int32_t partition, int64_t now_ms,
                    struct hec_source_lag *lag)
{
    const struct place *place = place_of((struct hec_source *)source, partition);
    int64_t low;
    int64_t high;
    if (place == NULL || !place->assigned) {
        return false;
    }
    *lag = (struct hec_source_lag){ 0 };
    if (place->at_end) {
        return true;
    }
    if (rd_kafka_get_watermark_offsets(source->client, source->topic, partition, &low, &high) !=
            RD_KAFKA_RESP_ERR_NO_ERROR ||
        high < 0) {
        return false;
    }
    lag->records = high > place->next ? high - place->next : 0;
    lag->ms = lag->records > 0 && place->newest_ms >= 0 && now_ms > place->newest_ms
                  ? now_ms - place->newest_ms
                  : 0;
    return true;
}

void hec_source_stats(const struct hec_source *source, struct hec_source_stats *stats)
{
    *stats = source->stats;
    stats->errors += source->voice.errors;
    stats->brokers_down = source->voice.brokers_down;
    memcpy(stats->last_error, source->voice.last_error, sizeof(stats->last_error));
}

rd_kafka_t *hec_source_client(struct hec_source *source)
{
    return source->client;
}

const char *hec_source_topic(const struct hec_source *source)
{
    return source->topic;
}

static enum hec_status subscribe(struct hec_source *source, struct hec_error *error)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, source->topic, RD_KAFKA_PARTITION_UA);
    rd_kafka_poll_set_consumer(source->client);
    rd_kafka_resp_err_t code = rd_kafka_subscribe(source->client, list);
    rd_kafka_topic_partition_list_destroy(list);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR
               ? HEC_OK
               : hec_fail(error, HEC_INVALID, "kafka: subscribing to topic %s: %s", source->topic,
                          rd_kafka_err2str(code));
}

static enum hec_status make(struct hec_source *source, const struct hec_source_options *options,
                            struct hec_error *error)
{
    char prefetch_kb[32];
    int64_t bytes = options->prefetch_bytes_max;
    snprintf(prefetch_kb, sizeof(prefetch_kb), "%lld",
             bytes == 0 ? 262144LL : (long long)(bytes / 1024 > 0 ? bytes / 1024 : 1));
    struct hec_kafka_property ours[] = {
        { "group.id", options->group },
        { "partition.assignment.strategy", "range" },
        { "enable.auto.commit", "false" },
        { "enable.auto.offset.store", "false" },
        { "isolation.level", "read_committed" },
        { "auto.offset.reset", "error" },
        { "enable.partition.eof", "true" },
        { "socket.nagle.disable", "true" },
        { "session.timeout.ms", "10000" },
        { "queued.min.messages", "1000000" },
        { "queued.max.messages.kbytes", prefetch_kb },
        { "fetch.queue.backoff.ms", "10" },
        { "fetch.wait.max.ms", "20" },
        { "fetch.error.backoff.ms", "50" },
        { "reconnect.backoff.max.ms", "2000" },
        { "check.crcs", "true" },
        { "group.instance.id", options->instance_id },
    };
    size_t count = sizeof(ours) / sizeof(*ours) - (options->instance_id == NULL);
    rd_kafka_conf_t *conf = NULL;
    enum hec_status status =
        hec_kafka_conf_new(&conf, &options->kafka, ours, count, true, &source->voice, error);
    if (status != HEC_OK) {
        return status;
    }
    rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
    status = hec_kafka_client_new(&source->client, RD_KAFKA_CONSUMER, conf, error);
    return status == HEC_OK ? subscribe(source, error) : status;
}

enum hec_status hec_source_new(struct hec_source **ret, const struct hec_source_options *options,
                               const struct hec_source_callbacks *callbacks,
                               struct hec_error *error)
{
    assert(options->topic != NULL && options->group != NULL);
    assert(callbacks->assigned != NULL && callbacks->revoked != NULL);
    if (options->topic[0] == '\0' || options->topic[0] == '^') {
        return hec_fail(error, HEC_INVALID, "kafka: %s is not the name of one topic",
                        options->topic);
    }
    struct hec_source *source = calloc(1, sizeof(*source));
    if (source == NULL) {
        return hec_fail(error, HEC_NO_MEMORY, "kafka: no memory for the source");
    }
    source->callbacks = *callbacks;
    source->options.log = options->kafka.log;
    source->options.log_context = options->kafka.log_context;
    source->topic = strdup(options->topic);
    enum hec_status status = source->topic == NULL ? HEC_NO_MEMORY : make(source, options, error);
    if (status != HEC_OK) {
        (void)hec_source_close(source, 1000);
        return status;
    }
    *ret = source;
    return HEC_OK;
}

/* The close runs in the library; what is left for us is to answer the revocation, and not to wait
 * forever. */
static bool leave(struct hec_source *source, int64_t until_us)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_new(source->client);
    rd_kafka_error_t *problem = rd_kafka_consumer_close_queue(source->client, queue);
    bool closed = problem != NULL; /* fatal state: there is nothing to leave */
    if (problem != NULL) {
        rd_kafka_error_destroy(problem);
    }
    while (!closed && hec_kafka_now_us() < until_us) {
        /* Events and not callbacks: a record still in the queue would end the process in an
         * assertion of the library (rd_kafka_q_serve, 2.0.2). */
        rd_kafka_event_t *event = rd_kafka_queue_poll(queue, 20);
        if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_REBALANCE) {
            on_rebalance(source->client, rd_kafka_event_error(event),
                         rd_kafka_event_topic_partition_list(event), source);
        }
        rd_kafka_event_destroy(event);
        closed = rd_kafka_consumer_closed(source->client);
    }
    rd_kafka_queue_destroy(queue);
    return closed;
}

enum hec_status hec_source_close(struct hec_source *source, int wait_ms)
{
    if (source == NULL) {
        return HEC_OK;
    }
    int64_t until_us = hec_kafka_now_us() + (int64_t)wait_ms * 1000;
    bool gone = true;
    if (source->client != NULL) {
        gone = leave(source, until_us);
        int64_t left_us = until_us - hec_kafka_now_us();
        gone = hec_kafka_destroy(source->client, left_us > 100000 ? (int)(left_us / 1000) : 100) &&
               gone;
    }
    if (!gone) {
        return HEC_UNAVAILABLE; /* the library may still use all of it */
    }
    free(source->topic);
    free(source);
    return HEC_OK;
}
