/*
 * The sink: what a batch says, and how far it has read, published as one.
 *
 * exactly_once (a transactional id is given): records and input offsets go into one transaction.
 * at_least_once (none): records are flushed, then the offsets are committed through the source.
 * The calls are the same in both, so the engine has one path.
 *
 *   new -> [ begin -> produce ... -> commit | abort ] ...
 *
 *   ABORTED  nothing was published: go back to the committed offsets
 *   FATAL    recreate first, then as ABORTED
 *
 * After an outcome that cannot be known (timeout, lost connection during a commit) the producer is
 * made anew before the next begin, so that a delayed request can never reach a later transaction.
 *
 * Not for use by two threads at once; which one it is may change between two calls.
 */
#ifndef HECATE_KAFKA_SINK_H
#define HECATE_KAFKA_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hecate/status.h"
#include "kafka/client.h"
#include "kafka/source.h"

struct hec_sink;

#define HEC_SINK_TOPICS_MAX 8
#define HEC_SINK_HEADERS_MAX 64

struct hec_sink_options {
    struct hec_kafka_options kafka;
    const char *transactional_id;            /* NULL: at_least_once */
    const char *topics[HEC_SINK_TOPICS_MAX]; /* produce names them by index */
    int topics_count;
    size_t record_bytes_max; /* key + value + headers of one record; 0: 900 000 */
    int transaction_ms;      /* transaction.timeout.ms; 0: 10 000 */
    int wait_ms;             /* bound of init, commit, abort and a full queue; 0: 15 000 */
};

struct hec_sink_record {
    int topic; /* index into options.topics */
    const void *key;
    const void *value; /* copied; NULL: null value */
    size_t key_length;
    size_t value_length;
    const struct hec_kafka_header *headers;
    int headers_count;
    int32_t partition; /* -1: by key, as Java's default partitioner does (murmur2) */
    int64_t record_ms; /* 0: now */
    uint64_t origin;   /* whose output it is: what hec_sink_refused says of it; 0: nobody's */
};

/**
 * Makes the producer, fetches the topics' metadata so that the first record is not slow, and
 * resolves what a former instance with this transactional id left open.
 *
 * @return  HEC_OK
 *          HEC_INVALID      a property is unknown, malformed, or one that exactly-once needs itself
 *          HEC_NOT_FOUND    a topic does not exist
 *          HEC_UNAVAILABLE  no answer within wait_ms
 *          HEC_DENIED       the broker refuses this identity
 *          HEC_FATAL        anything else that the library says at this point
 *          HEC_NO_MEMORY
 */
HEC_CHECKED enum hec_status hec_sink_new(struct hec_sink **ret,
                                         const struct hec_sink_options *options,
                                         struct hec_error *error);

/** Takes the producer down: an open transaction is aborted, the whole bounded by wait_ms (then the
 * client is given up). Accepts NULL. @return HEC_OK or HEC_UNAVAILABLE when it was given up */
enum hec_status hec_sink_close(struct hec_sink *sink, int wait_ms);

/** Throws the producer away and makes it anew; call it after HEC_FATAL. Statuses of hec_sink_new;
 * after a failure it may be called again. */
HEC_CHECKED enum hec_status hec_sink_recreate(struct hec_sink *sink, struct hec_error *error);

/**
 * Opens a transaction; makes the producer anew before if the last outcome was indeterminate. Does
 * nothing when one is open, or at_least_once.
 *
 * @return HEC_OK, HEC_FATAL, HEC_FENCED, and those of hec_sink_recreate
 */
HEC_CHECKED enum hec_status hec_sink_begin(struct hec_sink *sink, struct hec_error *error);

/** True between begin and the end of commit or abort. */
bool hec_sink_is_open(const struct hec_sink *sink);

/** Would hec_sink_produce take it? Looks at what never changes in a producer's life, so it may be
 * asked while another thread commits. @return HEC_OK, HEC_TOO_LARGE, HEC_NOT_FOUND */
HEC_CHECKED enum hec_status hec_sink_check(const struct hec_sink *sink,
                                           const struct hec_sink_record *record,
                                           struct hec_error *error);

/**
 * Puts one record into the open transaction. Everything is copied. A full queue is waited for, up
 * to wait_ms; nothing is ever dropped silently.
 *
 * @return  HEC_OK
 *          HEC_TOO_LARGE    above record_bytes_max; nothing was done, the transaction goes on
 *          HEC_UNAVAILABLE  the queue stayed full; nothing was done, may be called again
 *          HEC_ABORTED      the transaction must be aborted: call hec_sink_abort
 *          HEC_FATAL        the producer is dead: hec_sink_recreate
 */
HEC_CHECKED enum hec_status hec_sink_produce(struct hec_sink *sink,
                                             const struct hec_sink_record *record,
                                             struct hec_error *error);

/**
 * Publishes the records and these offsets as one and closes the transaction.
 *
 * @param source   the group's member whose generation stands behind the offsets
 * @param offsets  next offset per partition that moved, with its metadata (printable ASCII)
 *
 * @return  HEC_OK
 *          HEC_ABORTED  rolled back (already done): seek to the committed offsets, apply again
 *          HEC_FENCED   another process has this transactional or instance id: exit
 *          HEC_FATAL    the outcome may be unknown: hec_sink_recreate, read the committed offsets,
 *                       then as ABORTED
 */
HEC_CHECKED enum hec_status hec_sink_commit(struct hec_sink *sink, struct hec_source *source,
                                            const struct hec_offset *offsets, int count,
                                            struct hec_error *error);

/** Rolls the open transaction back. @return HEC_OK (also when none is open), HEC_FATAL, HEC_FENCED
 */
HEC_CHECKED enum hec_status hec_sink_abort(struct hec_sink *sink, struct hec_error *error);

/**
 * Whose records the brokers refused for what they are (too large, malformed, against a rule), since
 * the last begin. They refuse a batch of records at a time, so the list names the innocent, too;
 * and the same origin more than once. Complete after abort or recreate; told once.
 *
 * @param origins  receives a view, valid until the next begin
 * @return         how many
 */
int hec_sink_refused(struct hec_sink *sink, const uint64_t **origins);

/** Serves delivery reports; call it once a batch. Never waits. */
void hec_sink_poll(struct hec_sink *sink);

struct hec_sink_stats {
    uint64_t records;
    uint64_t bytes;
    uint64_t delivered;
    uint64_t failed; /* records that a broker refused or that a rollback took back */
    uint64_t commits;
    uint64_t aborts;
    uint64_t recreated; /* producers made anew after the first */
    uint64_t queue_full;
    int64_t commit_us; /* how long the last commit took */
    bool tainted;      /* the next begin makes the producer anew */
    bool brokers_down;
    char last_error[256];
};
void hec_sink_stats(const struct hec_sink *sink, struct hec_sink_stats *stats);

#endif
