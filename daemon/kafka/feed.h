/*
 * The tools' two ends: a plain producer (feed) and a plain reader (tap). The demo, the commands and
 * the tests use them; the engine does not.
 */
#ifndef HECATE_KAFKA_FEED_H
#define HECATE_KAFKA_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hecate/status.h"
#include "kafka/client.h"
#include "kafka/source.h"

struct hec_feed;
struct hec_tap;

/** Makes an idempotent producer, lz4, partitions by key as Java does. Its linger is 5 ms unless a
 * property says otherwise. @return HEC_OK, HEC_INVALID, HEC_NO_MEMORY */
HEC_CHECKED enum hec_status hec_feed_new(struct hec_feed **ret,
                                         const struct hec_kafka_options *options,
                                         struct hec_error *error);

/**
 * Queues one record; key and value are copied. Waits while the queue is full.
 *
 * @param partition  -1: by key
 * @param record_ms  0: now
 *
 * @return HEC_OK, HEC_UNAVAILABLE (full for 30 s), HEC_TOO_LARGE, HEC_NOT_FOUND (unknown topic)
 */
HEC_CHECKED enum hec_status hec_feed_send(struct hec_feed *feed, const char *topic,
                                          int32_t partition, const void *key, size_t key_length,
                                          const void *value, size_t value_length, int64_t record_ms,
                                          struct hec_error *error);

/* A record with all that may stand in one; the rest zero. */
struct hec_feed_record {
    const char *topic;
    int32_t partition; /* -1: by key */
    const void *key, *value;
    size_t key_length, value_length;
    int64_t record_ms;                      /* 0: now */
    const struct hec_kafka_header *headers; /* headers_count of them */
    int headers_count;
};

/** As hec_feed_send; headers are copied as well. */
HEC_CHECKED enum hec_status
hec_feed_put(struct hec_feed *feed, const struct hec_feed_record *record, struct hec_error *error);

/** Where a key that is not NULL belongs, of so many partitions: as Java's default partitioner and
 * murmur2_random say. */
int32_t hec_kafka_partition_of(const void *key, size_t key_length, int32_t partitions);

/** Waits until everything queued was acknowledged. @return HEC_OK, HEC_UNAVAILABLE (not all within
 * wait_ms, or a broker refused some: the sentence has the count and the first reason) */
HEC_CHECKED enum hec_status hec_feed_flush(struct hec_feed *feed, int wait_ms,
                                           struct hec_error *error);

/** Flushes up to wait_ms and ends. Accepts NULL. */
void hec_feed_close(struct hec_feed *feed, int wait_ms);

enum hec_tap_from { HEC_TAP_START, HEC_TAP_END };

/**
 * Reads all partitions of a topic, in no group, committed records only.
 *
 * @param from  the first retained record, or what comes after this call returned
 *
 * @return HEC_OK, HEC_NOT_FOUND (no such topic), HEC_UNAVAILABLE, HEC_DENIED, HEC_INVALID
 */
HEC_CHECKED enum hec_status hec_tap_new(struct hec_tap **ret,
                                        const struct hec_kafka_options *options, const char *topic,
                                        enum hec_tap_from from, struct hec_error *error);

/* Says where a reader begins in a partition that holds low .. high-1. */
typedef int64_t hec_tap_first(void *context, int32_t partition, int64_t low, int64_t high);

/** hec_tap_new that begins where first says. context is used during the call only. */
HEC_CHECKED enum hec_status hec_tap_new_from(struct hec_tap **ret,
                                             const struct hec_kafka_options *options,
                                             const char *topic, hec_tap_first *first, void *context,
                                             struct hec_error *error);

/**
 * The next record, to be given back with hec_source_release(record, 1).
 *
 * @return HEC_OK, HEC_END (every partition was read to its end; more may come: call again),
 *         HEC_UNAVAILABLE (nothing within wait_ms and the end not reached), HEC_FATAL
 */
HEC_CHECKED enum hec_status hec_tap_next(struct hec_tap *tap, struct hec_record *record,
                                         int wait_ms, struct hec_error *error);

/** Accepts NULL. */
void hec_tap_close(struct hec_tap *tap);

#endif
