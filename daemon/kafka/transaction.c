/*
 * How a transaction ends, well or not. Read hec_sink_commit first.
 *
 * What the library says of a failed call falls into three classes (rdkafka.h, "Transactional
 * producer API"): retriable, abortable, and everything else, which is fatal. A retriable failure
 * is retried until the bound; because the request may still be under way somewhere, the producer is
 * then "tainted" and made anew before the next transaction (Jepsen on Bufstream 0.1.0: a delayed
 * commit or abort can reach a later transaction of the same producer epoch).
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "kafka/sink_inside.h"

#define RETRY_MS 10
/* A commit that took this long, and much longer than usual, was retried inside the library. */
#define SLOW_US 450000
#define SLOW_RATIO 3

/* Takes problem over and leaves its text in the voice. */
enum hec_sink_verdict hec_sink_judge(struct hec_sink *sink, rd_kafka_error_t *problem)
{
    rd_kafka_resp_err_t code = rd_kafka_error_code(problem);
    enum hec_sink_verdict verdict = HEC_SINK_DEAD;
    if (rd_kafka_error_is_fatal(problem)) {
        verdict = hec_kafka_status(code) == HEC_FENCED ? HEC_SINK_SUPPLANTED : HEC_SINK_DEAD;
    } else if (rd_kafka_error_txn_requires_abort(problem)) {
        verdict = HEC_SINK_ABORT;
    } else if (rd_kafka_error_is_retriable(problem)) {
        verdict = HEC_SINK_RETRY;
    }
    snprintf(sink->voice.last_error, sizeof(sink->voice.last_error), "%s: %s",
             rd_kafka_error_name(problem), rd_kafka_error_string(problem));
    rd_kafka_error_destroy(problem);
    return verdict;
}

enum hec_status hec_sink_dead(struct hec_sink *sink, enum hec_sink_verdict verdict,
                              const char *what, struct hec_error *error)
{
    sink->tainted = true;
    sink->open = false;
    if (verdict == HEC_SINK_SUPPLANTED) {
        return hec_fail(error, HEC_FENCED, "kafka: %s: another process has transactional.id %s: %s",
                        what, sink->options.transactional_id, sink->voice.last_error);
    }
    return hec_fail(error, HEC_FATAL, "kafka: %s: the producer must be made anew: %s", what,
                    sink->voice.last_error);
}

/* Rolls back and says ABORTED, if that can be done at all. The producer is made anew afterwards:
 * the library may have sent the abort twice, and whatever broke the transaction has left requests
 * on their way or gaps in the sequence numbers (2.0.2 stumbles over those of a refused record). */
static enum hec_status roll_back(struct hec_sink *sink, struct hec_error *error)
{
    int64_t until_us = bound_us(sink);
    sink->tainted = true;
    if (!is_transactional(sink)) {
        rd_kafka_purge(sink->client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        rd_kafka_flush(sink->client, 1000);
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
            return HEC_OK;
        }
        enum hec_sink_verdict verdict = hec_sink_judge(sink, problem);
        if (verdict != HEC_SINK_RETRY || left_ms(until_us) == 0) {
            return hec_sink_dead(sink, verdict, "abort", error);
        }
    }
}

enum hec_status hec_sink_abort(struct hec_sink *sink, struct hec_error *error)
{
    return sink->open ? roll_back(sink, error) : HEC_OK;
}

/* A member that was thrown out has no name, and a broker takes a nameless one's offsets for those
 * of somebody who manages a group by hand: nothing would fence them. */
static bool is_member(struct hec_source *source)
{
    char *name = rd_kafka_memberid(hec_source_client(source));
    bool is = name != NULL && name[0] != '\0';
    rd_kafka_mem_free(hec_source_client(source), name);
    return is;
}

static rd_kafka_error_t *send_offsets(struct hec_sink *sink, struct hec_source *source,
                                      const rd_kafka_consumer_group_metadata_t *member,
                                      const struct hec_offset *offsets, int count, int wait_ms)
{
    rd_kafka_topic_partition_list_t *list =
        hec_kafka_offsets(hec_source_topic(source), offsets, count);
    rd_kafka_error_t *problem =
        rd_kafka_send_offsets_to_transaction(sink->client, list, member, wait_ms);
    rd_kafka_topic_partition_list_destroy(list);
    return problem;
}

static enum hec_status failed(struct hec_sink *sink, enum hec_sink_verdict verdict, bool supplanted,
                              const char *what, struct hec_error *error)
{
    if (verdict != HEC_SINK_ABORT) {
        return hec_sink_dead(sink, verdict, what, error);
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

/* The two calls that a transaction ends with. */
static enum hec_status end_transaction(struct hec_sink *sink, struct hec_source *source,
                                       const rd_kafka_consumer_group_metadata_t *member,
                                       const struct hec_offset *offsets, int count,
                                       struct hec_error *error)
{
    int64_t until_us = bound_us(sink);
    bool offsets_sent = count == 0;
    for (;;) {
        const char *what = offsets_sent ? "commit" : "send offsets";
        rd_kafka_error_t *problem =
            offsets_sent ? rd_kafka_commit_transaction(sink->client, left_ms(until_us))
                         : send_offsets(sink, source, member, offsets, count, left_ms(until_us));
        if (problem == NULL && offsets_sent) {
            return HEC_OK;
        }
        if (problem == NULL) {
            offsets_sent = true;
            continue;
        }
        bool supplanted = rd_kafka_error_code(problem) == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID;
        enum hec_sink_verdict verdict = hec_sink_judge(sink, problem);
        if (verdict != HEC_SINK_RETRY || left_ms(until_us) == 0) {
            return failed(sink, verdict, supplanted, what, error);
        }
        sink->tainted = true;
        rd_kafka_poll(sink->client, RETRY_MS);
    }
}

static enum hec_status commit_transaction(struct hec_sink *sink, struct hec_source *source,
                                          const struct hec_offset *offsets, int count,
                                          struct hec_error *error)
{
    /* Read anew for every transaction: the generation changes with every rebalance. */
    rd_kafka_consumer_group_metadata_t *member =
        rd_kafka_consumer_group_metadata(hec_source_client(source));
    enum hec_status status;
    if (count > 0 && !is_member(source)) {
        snprintf(sink->voice.last_error, sizeof(sink->voice.last_error),
                 "the group has thrown this consumer out");
        status = failed(sink, HEC_SINK_ABORT, false, "send offsets", error);
    } else {
        status = end_transaction(sink, source, member, offsets, count, error);
    }
    rd_kafka_consumer_group_metadata_destroy(member);
    return status;
}

static enum hec_status commit_flushed(struct hec_sink *sink, struct hec_source *source,
                                      const struct hec_offset *offsets, int count,
                                      struct hec_error *error)
{
    char why[256];
    rd_kafka_resp_err_t code = rd_kafka_flush(sink->client, sink->options.wait_ms);
    if (rd_kafka_fatal_error(sink->client, why, sizeof(why)) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        memcpy(sink->voice.last_error, why, sizeof(why));
        return hec_sink_dead(sink, HEC_SINK_DEAD, "flush", error);
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
