/*
 * The inside of a sink, shared by its two halves: sink.c makes the producer and speaks, and
 * transaction.c ends what was begun.
 */
#ifndef HECATE_KAFKA_SINK_INSIDE_H
#define HECATE_KAFKA_SINK_INSIDE_H

#include "kafka/handle.h"
#include "kafka/sink.h"

#define REFUSED_MAX 1024

struct hec_sink {
    struct hec_kafka_voice voice; /* first: the library's opaque pointer */
    struct hec_sink_options options;
    rd_kafka_t *client;
    rd_kafka_topic_t *topics[HEC_SINK_TOPICS_MAX];
    int32_t partitions[HEC_SINK_TOPICS_MAX];
    struct hec_sink_stats stats;
    uint64_t failed_before;        /* stats.failed when the batch was begun */
    int64_t usual_us;              /* running mean of commits */
    uint64_t refused[REFUSED_MAX]; /* origins; more are found by the next attempt */
    int refused_count;
    bool open;
    bool tainted;
    bool haunted; /* a client that hangs in its own end may still look at this struct */
};

static inline bool is_transactional(const struct hec_sink *sink)
{
    return sink->options.transactional_id != NULL;
}

static inline int left_ms(int64_t until_us)
{
    int64_t left = (until_us - hec_kafka_now_us()) / 1000;
    return left > 0 ? (int)left : 0;
}

static inline int64_t bound_us(const struct hec_sink *sink)
{
    return hec_kafka_now_us() + (int64_t)sink->options.wait_ms * 1000;
}

/* What to do after a failed call of the transaction interface. */
enum hec_sink_verdict { HEC_SINK_RETRY, HEC_SINK_ABORT, HEC_SINK_DEAD, HEC_SINK_SUPPLANTED };

/** Takes problem over and leaves its text in the voice. */
enum hec_sink_verdict hec_sink_judge(struct hec_sink *sink, rd_kafka_error_t *problem);

/** The producer is of no use any more. @return HEC_FATAL, or HEC_FENCED when it was supplanted */
enum hec_status hec_sink_dead(struct hec_sink *sink, enum hec_sink_verdict verdict,
                              const char *what, struct hec_error *error);

#endif
