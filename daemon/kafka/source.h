/*
 * The source: one topic through one member of one consumer group.
 *
 * The engine decides where each partition starts: when the group hands out partitions, assigned()
 * is called inside hec_source_poll and fills in the start offsets. Assignment is eager (range) with
 * static membership: every rebalance revokes all and assigns all.
 *
 * Offsets in a topic have gaps (transaction markers, compaction). The position here moves over
 * them: after the last record of a partition was read it equals the end offset.
 *
 * Not for use by two threads: one source per engine.
 */
#ifndef HECATE_KAFKA_SOURCE_H
#define HECATE_KAFKA_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hecate/status.h"
#include "kafka/client.h"

struct hec_source;

/* One record. The views are the library's own memory, valid until hec_source_release. */
struct hec_record {
    const void *key;   /* NULL: null key */
    const void *value; /* NULL: null value */
    size_t key_length;
    size_t value_length;
    int32_t partition;
    int64_t offset;
    int64_t record_ms; /* Kafka's record timestamp; -1 when the record has none */
    void *owner;       /* the library's message */
};

/* One partition handed out, and where to begin: filled in by assigned(). */
struct hec_source_start {
    int32_t partition;
    int64_t offset; /* in: -1. out: the first offset to deliver, >= 0 */
};

/*
 * Both are called on the engine's thread, inside hec_source_poll or hec_source_close, and may call
 * hec_source_committed, hec_source_bounds and the sink, but not hec_source_poll.
 *
 * assigned  fills start[].offset. Any status but HEC_OK: nothing is assigned and the poll returns
 *           that status; the group keeps its view, so the engine then closes or exits.
 * revoked   lost = true: the partitions belong to somebody else already, nothing may be committed.
 *           Work that is still open is finished or dropped before it returns.
 */
struct hec_source_callbacks {
    enum hec_status (*assigned)(void *context, struct hec_source_start *start, int count);
    void (*revoked)(void *context, const int32_t *partitions, int count, bool lost);
    void *context;
};

struct hec_source_options {
    struct hec_kafka_options kafka;
    const char *topic;
    const char *group;
    const char *instance_id;    /* group.instance.id; NULL: a dynamic member */
    int64_t prefetch_bytes_max; /* bound on records fetched ahead; 0: 256 MiB */
};

/**
 * Makes the consumer and subscribes. Joins the group in the background: poll to let it happen.
 * Call hec_sink_new first: it resolves the former instance's open transaction.
 *
 * @param ret  receives the source, for hec_source_close; untouched on failure
 *
 * @return  HEC_OK
 *          HEC_INVALID    a property is unknown, malformed, or one that exactly-once needs itself
 *          HEC_NO_MEMORY
 */
HEC_CHECKED enum hec_status hec_source_new(struct hec_source **ret,
                                           const struct hec_source_options *options,
                                           const struct hec_source_callbacks *callbacks,
                                           struct hec_error *error);

/**
 * Leaves: revoked() is called for what is assigned, then the client is taken down. Bounded: after
 * wait_ms (5 000 is usual) the client is given up and its memory stays until the process exits,
 * because closing can hang on a dead broker. Accepts NULL.
 *
 * @return HEC_OK, or HEC_UNAVAILABLE when it was given up
 */
enum hec_status hec_source_close(struct hec_source *source, int wait_ms);

/**
 * Takes what is there: waits up to wait_ms for a first record, then up to more_ms for more, and
 * never beyond rows_max. Records taken before a revocation within the same call are dropped: they
 * are the next owner's. Serves rebalances, so it must be called at least every
 * max.poll.interval.ms, also while paused.
 *
 * @param rows   receives the records, to be given back with hec_source_release
 * @param count  receives how many, also on failure; 0 with HEC_OK when nothing came
 *
 * @return  HEC_OK
 *          HEC_FATAL     the client cannot go on: make a new one or exit
 *          HEC_FENCED    another process has this instance id: exit
 *          HEC_MISMATCH  an offset that was asked for is not in the log any more (retention passed
 *                        it, or the topic was made anew)
 *          any status that assigned() returned
 */
HEC_CHECKED enum hec_status hec_source_poll(struct hec_source *source, struct hec_record *rows,
                                            int rows_max, int wait_ms, int more_ms, int *count,
                                            struct hec_error *error);

/** Has a poll that waits return at once, or the next one. Any thread. */
void hec_source_wake(struct hec_source *source);

/** Gives records back to the library. */
void hec_source_release(struct hec_record *rows, int count);

/** Fills headers with up to headers_max of the record's headers in order, returns how many it has.
 * The views live as long as the record. */
int hec_record_headers(const struct hec_record *record, struct hec_kafka_header *headers,
                       int headers_max);

/** The record's last header of that name. False: it has none. */
bool hec_record_header(const struct hec_record *record, const char *name,
                       struct hec_kafka_header *header);

/**
 * Reads the committed offsets of rows[].partition with their metadata. Stable: waits until no older
 * transaction is pending on them.
 *
 * @param rows  partition is read; offset (-1: none committed) and metadata are written
 *
 * @return HEC_OK, HEC_UNAVAILABLE (after wait_ms), HEC_DENIED
 */
HEC_CHECKED enum hec_status hec_source_committed(struct hec_source *source, struct hec_offset *rows,
                                                 int count, int wait_ms, struct hec_error *error);

/** Asks the broker for the first retained offset and the end of a partition (the end that a
 * read_committed reader sees). @return HEC_OK, HEC_NOT_FOUND, HEC_UNAVAILABLE, HEC_DENIED */
HEC_CHECKED enum hec_status hec_source_bounds(struct hec_source *source, int32_t partition,
                                              int64_t *low, int64_t *high, int wait_ms,
                                              struct hec_error *error);

/** Goes back or forward: the next record of the partition is the first at or after offset. Records
 * not yet polled are dropped; those in the caller's hands stay his. @return HEC_OK, HEC_UNAVAILABLE
 */
HEC_CHECKED enum hec_status hec_source_seek(struct hec_source *source, int32_t partition,
                                            int64_t offset, int wait_ms, struct hec_error *error);

/** Stops and restarts delivery of every assigned partition; polling goes on. Remembered over a
 * rebalance. */
void hec_source_pause(struct hec_source *source);
void hec_source_resume(struct hec_source *source);
bool hec_source_is_paused(const struct hec_source *source);

/** Commits offsets outside of any transaction (delivery = at_least_once; hec_sink_commit calls it).
 * @return HEC_OK, HEC_ABORTED (the group has moved on: a rebalance), HEC_UNAVAILABLE, HEC_FENCED */
HEC_CHECKED enum hec_status hec_source_commit(struct hec_source *source,
                                              const struct hec_offset *rows, int count,
                                              struct hec_error *error);

/** Next offset that will be delivered or passed over; -1 when the partition is not assigned. */
int64_t hec_source_position(const struct hec_source *source, int32_t partition);

/** True while the group has given partitions out to this member (also none, in a big group). */
bool hec_source_is_assigned(const struct hec_source *source);

/* How far behind one partition is. records counts offsets, so markers too, but is 0 exactly when
 * everything was read; ms is the age of the newest record read, 0 when records is 0. */
struct hec_source_lag {
    int64_t records;
    int64_t ms;
};

/** From what the client knows already: asks nobody. False: not assigned or not known yet. */
bool hec_source_lag(const struct hec_source *source, int32_t partition, int64_t now_ms,
                    struct hec_source_lag *lag);

struct hec_source_stats {
    uint64_t records;
    uint64_t bytes;    /* of values */
    uint64_t stale;    /* records below the position, dropped */
    uint64_t errors;   /* transient ones, told by the log function */
    uint64_t assigns;  /* rebalances */
    bool brokers_down; /* no broker answers at this time */
    char last_error[256];
};
void hec_source_stats(const struct hec_source *source, struct hec_source_stats *stats);

#endif
