/*
 * Entities: what the engine remembers, and the table that holds it.
 *
 * Eight kinds. User and card are owned: they belong to one partition and have one writer. The other
 * six are shared: each partition writes only its own shard, and a reader merges all shards. A shard
 * is an ordinary record, so the table knows only (partition, kind, token) -> record.
 *
 * A record is one run of bytes without pointers, little-endian, and is stored in Redis as it lies
 * in memory: header (magic, version, CRC32C, state digest, last_off, token), then the parts that
 * the feature schema asks for, live tiles only.
 *
 * Life of an entry:   missing --adopt/absent--> clean <--> dirty --cut--> in image --kept--> clean
 * Dirty entries are never evicted. Clean ones equal their stored copy.
 *
 * Not for use by two threads: one table per engine.
 */
#ifndef HECATE_ENTITY_H
#define HECATE_ENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hecate/digest.h"
#include "hecate/event.h"
#include "hecate/status.h"

/* X(enumerator, name, field that holds its token, owned by one partition) */
#define HEC_KIND_TABLE(X)                                                                          \
    X(USER, "user", USER_TOKEN, true)                                                              \
    X(CARD, "card", CARD_TOKEN, true)                                                              \
    X(ACCOUNT, "account", ACCOUNT_TOKEN, false)                                                    \
    X(MERCHANT, "merchant", MERCHANT_ID, false)                                                    \
    X(TERMINAL, "terminal", TERMINAL_ID, false)                                                    \
    X(DEVICE, "device", DEVICE_ID, false)                                                          \
    X(IP_ADDRESS, "ip", IP, false)                                                                 \
    X(PAYEE, "payee", CREDITOR_TOKEN, false)

enum hec_kind {
#define HEC_KIND_ENUM(enumerator, name, field, owned) HEC_##enumerator,
    HEC_KIND_TABLE(HEC_KIND_ENUM)
#undef HEC_KIND_ENUM
        HEC_KINDS
};

struct hec_kind_info {
    const char *name;
    enum hec_field field;
    bool owned;
};
const struct hec_kind_info *hec_kind_info(enum hec_kind kind);
/** HEC_KINDS when there is none of that name. */
enum hec_kind hec_kind_named(const char *name, size_t length);

#define HEC_TOKEN_BYTES_MAX 128
#define HEC_PARTITIONS_MAX 1024

struct hec_plan;     /* hecate/feature.h: gives the record layouts and the state digest */
struct hec_entities; /* the table */
struct hec_entity;   /* one entry of it: one record or one "never seen" */

/** Who an entry is. The token view lives as long as the entry. */
struct hec_entity_id {
    int32_t partition;
    enum hec_kind kind;
    struct hec_text token;
};

/**
 * Makes an empty table.
 *
 * @param plan       borrowed for the table's life
 * @param bytes_max  the bound on record and index memory; clean entries are evicted (by age of use)
 *                   to hold it, dirty ones never, so it can be exceeded only by dirty ones
 */
HEC_CHECKED enum hec_status hec_entities_new(struct hec_entities **ret, const struct hec_plan *plan,
                                             size_t bytes_max);
/** Accepts NULL. */
void hec_entities_free(struct hec_entities *entities);

/**
 * From here on the table knows entities by keyed tokens (hecate/digest.h): no record holds a token
 * as events have it, in memory or in a store. Before the first entry.
 *
 * @param keyer  borrowed for the table's life, this thread's; NULL: tokens as they are
 */
void hec_entities_set_keyer(struct hec_entities *entities, struct hec_keyer *keyer);

/** What the table knows a token by: itself, or its keyed form, whose bytes are those of hex. */
struct hec_text hec_entities_name(const struct hec_entities *entities, const struct hec_text *token,
                                  char hex[HEC_KEYED_TOKEN_BYTES]);

/**
 * The way tokens enter: makes sure an entry exists, pinned until hec_entities_unpin.
 *
 * @param token  as hec_entities_name gives it
 *
 * @return the entry; its hec_entity_is_missing tells whether a store must be asked. NULL when
 *         memory is exhausted.
 */
struct hec_entity *hec_entities_want(struct hec_entities *entities, int32_t partition,
                                     enum hec_kind kind, const struct hec_text *token);

/** The entry if it is in the table, else NULL. Does not pin, does not ask. */
struct hec_entity *hec_entities_find(struct hec_entities *entities, int32_t partition,
                                     enum hec_kind kind, const struct hec_text *token);

/** Ends the batch: every entry wanted since the last call may be evicted again if clean. */
void hec_entities_unpin(struct hec_entities *entities);

bool hec_entity_is_missing(const struct hec_entity *entity);
struct hec_entity_id hec_entity_id(const struct hec_entity *entity);
/** The newest input offset that is part of the entity's record; -1: it has none. */
int64_t hec_entity_last_off(const struct hec_entity *entity);

/* What a record says of itself, for people. */
struct hec_entity_facts {
    int64_t first_ms, newest_ms; /* event times of scored events; 0: none */
    int64_t last_off;            /* newest input offset in it */
    uint32_t bytes;
};
/** False: the entity has no record. */
bool hec_entity_facts(const struct hec_entity *entity, struct hec_entity_facts *facts);

#define HEC_ENTITY_RECENT_MAX 32
/** Event times of a user's last accepted events in seconds since 1970, in the order in which they
 * came. @return how many; 0 for other kinds */
int hec_entity_recent(const struct hec_plan *plan, const struct hec_entity *entity,
                      uint32_t event_s[HEC_ENTITY_RECENT_MAX]);

/**
 * Answers a missing entry with its stored record.
 *
 * @return HEC_OK        taken; the entry is clean
 *         HEC_CORRUPT   checksum or layout is wrong, or the record is another token's: the entry
 *                       stays missing, the partition must be rebuilt
 *         HEC_MISMATCH  another state digest or version
 *         HEC_NO_MEMORY
 */
HEC_CHECKED enum hec_status hec_entities_adopt(struct hec_entities *entities,
                                               struct hec_entity *entity, const void *record,
                                               size_t record_bytes);

/** Answers a missing entry with "never seen". Also used, with degraded marking by the caller, when
 * the store cannot be asked: then call hec_entities_forget_missing afterwards, not this. */
void hec_entities_absent(struct hec_entities *entities, struct hec_entity *entity);

/** Takes out every entry that is still missing, with what was applied to it meanwhile: a missing
 * entry is read and applied to as if it were never seen, but never cut. */
void hec_entities_forget_missing(struct hec_entities *entities);

/**
 * Says that the table holds everything a partition ever saw: a token without an entry was never
 * seen, so hec_entities_want answers "never seen" instead of "missing". True after a rebuild from
 * the log's start; ends by itself when an entry of that partition is evicted.
 */
void hec_entities_set_complete(struct hec_entities *entities, int32_t partition, bool complete);
bool hec_entities_is_complete(const struct hec_entities *entities, int32_t partition);

/**
 * Shards: which partitions a shared entity is merged over, and which of them are this table's own
 * to write. Others' shards are read-only copies, fetched again when older than the refresh time.
 *
 * @param partitions  number of input partitions; a reader merges shards 0 .. partitions-1
 * @param owned       partitions flags, true = this engine applies that partition's events
 */
void hec_entities_set_partitions(struct hec_entities *entities, int32_t partitions,
                                 const bool *owned);

/** Marks every copy of a foreign shard as missing again once it is older than refresh_ms.
 * now_ms is any monotonic clock of the caller's; call it once a batch, before wanting. */
void hec_entities_tick(struct hec_entities *entities, int64_t now_ms, int64_t refresh_ms);

/* One record of a checkpoint. Whatever happens to the entity meanwhile, bytes and the id's token
 * are valid until the next hec_entities_cut or _drop of the same partition. NULL with length 0: the
 * entity was forgotten, its stored record is to be deleted. */
struct hec_image_record {
    struct hec_entity_id id;
    const void *bytes;
    size_t length;
};
struct hec_image {
    const struct hec_image_record *records;
    size_t count;
    size_t bytes; /* sum of lengths */
};

/**
 * Cuts a checkpoint: serialises every dirty record of one partition, as it is now.
 *
 * Call it when a transaction is closed to new rows. The entries count as in the image until
 * hec_entities_kept (stored: those not changed since become clean) or hec_entities_discard
 * (not stored: they are dirty again).
 */
HEC_CHECKED enum hec_status hec_entities_cut(struct hec_entities *entities, int32_t partition,
                                             struct hec_image *image);
void hec_entities_kept(struct hec_entities *entities, int32_t partition);
void hec_entities_discard(struct hec_entities *entities, int32_t partition);

/** Forgets everything of one partition, dirty or not (revoked, aborted, rebuilt), or of all (-1).
 */
void hec_entities_drop(struct hec_entities *entities, int32_t partition);

/** What the table holds. bytes is what the bound counts: memory of states and tokens, entries and
 * the index; bytes_of is the share of one kind in it without the index. */
struct hec_entities_stats {
    uint64_t entries[HEC_KINDS], bytes_of[HEC_KINDS];
    uint64_t records, dirty, bytes, evicted, lookups, hits;
};
void hec_entities_stats(const struct hec_entities *entities, struct hec_entities_stats *stats);

/** Number of dirty entries of one partition. */
size_t hec_entities_dirty(const struct hec_entities *entities, int32_t partition);

/** XXH3-128 over all records of a partition in key order, as 32 hex digits and a NUL: two tables
 * with equal fingerprints hold the same state. Slow; for tests and proofs. */
void hec_entities_fingerprint(const struct hec_entities *entities, int32_t partition, char hex[33]);

#endif
