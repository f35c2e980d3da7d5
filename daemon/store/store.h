/*
 * The store: entity records behind the cache, and the watermark that says how far they reach.
 *
 * Two backends, one behaviour: Redis (one, one of several, found by Sentinels, or a Cluster), and
 * memory (tests, demo). Keys, with {p} as hash tag so that a partition stays in one slot of a
 * Cluster, which is what makes its checkpoint one transaction:
 *
 *   <prefix>:{p}:<generation>:<kind>:<token>   one record, its bytes as they lie in memory
 *   <prefix>:wm:{p}                            the watermark, one line of text
 *   <prefix>:own:{p}                           who may write: the highest epoch claimed; by whom
 *
 * A checkpoint is one MULTI/EXEC guarded by own: all records of the cut and the watermark, or
 * nothing. The store never reconnects by itself: after HEC_UNAVAILABLE every call fails at once
 * until hec_store_connect succeeds, and then each partition must be verified, because the Redis
 * that came back may be an emptied or an older one.
 *
 * The program must ignore SIGPIPE. Not for use by two threads: one store per engine.
 */
#ifndef HECATE_STORE_STORE_H
#define HECATE_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hecate/entity.h"
#include "hecate/status.h"

struct hec_store;

/* What stands at the addresses. */
enum hec_store_mode {
    HEC_STORE_SINGLE,   /* servers: the first that is a master and answers */
    HEC_STORE_SENTINEL, /* Sentinels, who know which server is the master now */
    HEC_STORE_CLUSTER,  /* some nodes of a Redis Cluster, who know the others */
};

struct hec_store_options {
    /* "unix:/path" and "tcp:host:port", as many as there are, with commas; or "memory:" alone */
    const char *address;
    enum hec_store_mode mode;
    const char *master_name;       /* by which the Sentinels know it */
    const char *sentinel_username; /* NULL: the default user */
    const char *sentinel_password; /* NULL: none */
    bool tls;                      /* on every TCP connection */
    const char *tls_ca_file;       /* NULL: the authorities that this machine trusts */
    const char *tls_certificate_file, *tls_key_file; /* NULL: none is shown */
    const char *tls_server_name; /* in the servers' certificates; NULL: the address' host */
    const char *username;        /* ACL user; NULL: the default user */
    const char *password;        /* NULL: none. Copied, and wiped on close */
    int database;                /* SELECT; 0 usual */
    int connect_ms;              /* 0: 1 000 */
    int command_ms;              /* how long one answer may take; 0: 200 */
    const char *key_prefix;      /* NULL: "hec" */
    bool allow_evicting;         /* accept a Redis that deletes keys under memory pressure */
    bool allow_remote_plain;     /* accept TCP without TLS to a host that is not this one */
};

/** Whether this build can speak TLS to a Redis; if not, why and what to do instead. */
bool hec_store_has_tls(const char **why_not);

/* What stands in wm:{p}. */
struct hec_watermark {
    int64_t offset;        /* W: first input offset that is not in the stored records */
    uint64_t epoch;        /* who wrote it */
    uint32_t generation;   /* which records are the current ones */
    int32_t partitions;    /* of the input topic */
    uint64_t state_digest; /* of the feature schema and what else state is a function of */
    int64_t history_from;  /* first offset that the records know of */
    char cluster_id[64];
};

/**
 * Connects and checks that this Redis may be trusted with state.
 *
 * @return  HEC_OK
 *          HEC_INVALID      an address cannot be read, plain TCP to another host, TLS that this
 *                           build does not have, certificates that cannot be used
 *          HEC_UNAVAILABLE  nobody answers there
 *          HEC_DENIED       wrong password, or the ACL user may not do what is needed
 *          HEC_MISMATCH     maxmemory-policy evicts keys
 *          HEC_NO_MEMORY
 *          each with a sentence that says what to do
 */
HEC_CHECKED enum hec_status hec_store_open(struct hec_store **ret,
                                           const struct hec_store_options *options,
                                           struct hec_error *error);

/** Accepts NULL. */
void hec_store_close(struct hec_store *store);

/** False after any error or timeout, until hec_store_connect. */
bool hec_store_is_connected(const struct hec_store *store);

/**
 * Connects again, if the backoff (50 ms doubling to 2 s, with jitter) has passed. Then call
 * hec_store_verify for every partition held.
 *
 * @param now_ms  any monotonic clock
 *
 * @return HEC_OK (also when connected), HEC_UNAVAILABLE (too early, or still away), and those of
 *         hec_store_open
 */
HEC_CHECKED enum hec_status hec_store_connect(struct hec_store *store, int64_t now_ms,
                                              struct hec_error *error);

/** @return HEC_OK, HEC_NOT_FOUND (none stored), HEC_CORRUPT (not readable), HEC_UNAVAILABLE */
HEC_CHECKED enum hec_status hec_store_watermark_read(struct hec_store *store, int32_t partition,
                                                     struct hec_watermark *watermark,
                                                     struct hec_error *error);

/**
 * Takes the partition: own := max(own, floor) + 1.
 *
 * @param floor  the highest epoch known from elsewhere (the committed offset's metadata)
 * @param epoch  receives the new one
 *
 * @return HEC_OK, HEC_FENCED (others claim at the same moment, five times over), HEC_UNAVAILABLE
 */
HEC_CHECKED enum hec_status hec_store_claim(struct hec_store *store, int32_t partition,
                                            uint64_t floor, uint64_t *epoch,
                                            struct hec_error *error);

/** Gives a partition back: it is somebody else's, and what is loaded of it is only a copy. */
void hec_store_release(struct hec_store *store, int32_t partition);

/**
 * Answers missing entries in one round trip: each is adopted or told absent.
 *
 * @param missing      entries that hec_entity_is_missing says yes to
 * @param generations  of each input partition, by partition number
 * @param bad          receives the partition of the first record that was refused; may be NULL
 *
 * @return  HEC_OK           none is missing any more, but shards of partitions that this store
 *                           does not hold and that cannot be read (an owner of another version)
 *          HEC_CORRUPT      a record's bytes are damaged; the refused ones are still missing
 *          HEC_MISMATCH     a record has another state digest or version; likewise
 *          HEC_FENCED       a higher epoch owns a partition that this store holds
 *          HEC_MISMATCH     also: the claim is gone, so the store was emptied or rolled back
 *          HEC_UNAVAILABLE  some or all are still missing
 *          HEC_NO_MEMORY
 */
HEC_CHECKED enum hec_status hec_store_load(struct hec_store *store, struct hec_entities *entities,
                                           struct hec_entity **missing, int count,
                                           const uint32_t *generations, int32_t *bad,
                                           struct hec_error *error);

/**
 * Writes the cut and its watermark, all or nothing, if watermark->epoch still owns the partition.
 *
 * @return  HEC_OK           stored: call hec_entities_kept
 *          HEC_FENCED       a higher epoch owns it: stop writing, drop the partition
 *          HEC_MISMATCH     own is absent or lower: the store was emptied or rolled back; rebuild
 *          HEC_UNAVAILABLE  hec_entities_discard. If hec_store_is_connected still, nothing was
 *                           stored (Redis is full). Else it is not known, and after
 *                           hec_store_connect hec_store_verify tells
 *          HEC_NO_MEMORY
 */
HEC_CHECKED enum hec_status hec_store_checkpoint(struct hec_store *store, int32_t partition,
                                                 const struct hec_image *image,
                                                 const struct hec_watermark *watermark,
                                                 struct hec_error *error);

/**
 * Is what stands in the store still what we last wrote?
 *
 * The epoch compared is the one that this store claimed last (if none: expected's).
 *
 * @param expected  the watermark last read or acknowledged; NULL: none was stored
 * @param maybe     the one of a checkpoint whose answer never came; NULL: none
 * @param found     receives the stored watermark on HEC_OK; may be NULL
 *
 * @return  HEC_OK           the stored watermark is expected or maybe (whichever epoch wrote it),
 *                           and the epoch that owns the partition is ours
 *          HEC_FENCED       a higher epoch owns the partition
 *          HEC_MISMATCH     emptied, rolled back or overwritten: drop the cache and rebuild
 *          HEC_UNAVAILABLE
 */
HEC_CHECKED enum hec_status hec_store_verify(struct hec_store *store, int32_t partition,
                                             const struct hec_watermark *expected,
                                             const struct hec_watermark *maybe,
                                             struct hec_watermark *found, struct hec_error *error);

/**
 * Deletes records of older generations of one partition, a little at a time.
 *
 * @param cursor  "" to begin; keeps the place between calls
 *
 * @return HEC_OK (call again), HEC_END (all seen), HEC_UNAVAILABLE
 */
#define HEC_STORE_CURSOR_BYTES 32
HEC_CHECKED enum hec_status hec_store_sweep(struct hec_store *store, int32_t partition,
                                            uint32_t generation_kept,
                                            char cursor[HEC_STORE_CURSOR_BYTES],
                                            struct hec_error *error);

/** Checks the eviction policy of Redis again; call it about once a minute. Statuses of
 * hec_store_open. */
HEC_CHECKED enum hec_status hec_store_check(struct hec_store *store, struct hec_error *error);

/**
 * One value of Redis' INFO command, such as "aof_enabled" of "persistence"; "" where it is not
 * told.
 *
 * @return HEC_OK, HEC_UNAVAILABLE, HEC_DENIED
 */
HEC_CHECKED enum hec_status hec_store_info(struct hec_store *store, const char *section,
                                           const char *name, char *value, size_t size,
                                           struct hec_error *error);

struct hec_store_stats {
    uint64_t round_trips;
    uint64_t errors;
    uint64_t connects;
    uint64_t loaded;  /* records found */
    uint64_t absent;  /* asked for and not found */
    uint64_t written; /* records in acknowledged checkpoints */
    uint64_t checkpoints;
    uint64_t bytes_read;
    uint64_t bytes_written;
    int64_t last_us;  /* of the last round trip */
    int64_t worst_us; /* since the last hec_store_stats call */
};
void hec_store_stats(struct hec_store *store, struct hec_store_stats *stats);

#endif
