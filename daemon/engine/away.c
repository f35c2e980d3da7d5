/*
 * Without the store: since when, how long that may last, and how it is met again. Design section 4,
 * I9.
 *
 * It is away when it does not answer, refuses us, or takes nothing that we know (it is full, or a
 * Cluster is moving a slot). Meanwhile the events are scored on what is in memory and published, so
 * that all that is lost is time: what is not stored is replayed. Before that would take too long,
 * or memory runs out, the input is paused.
 */
#include <inttypes.h>

#include "engine/inside.h"
#include "ops/log.h"

#define WATCH_MS 100
#define MEET_AGAIN_MS 50

bool hec_is_away(enum hec_status status)
{
    return status == HEC_UNAVAILABLE || status == HEC_DENIED;
}

/* How many events would be replayed if the process ended now. */
static int64_t unsaved(const struct hec_engine *engine)
{
    int64_t records = 0;
    for (int32_t p = 0; p < engine->options.partitions; p++) {
        const struct hec_position *position = &engine->positions[p];
        records += position->assigned ? position->committed - position->stored : 0;
    }
    return records;
}

/* What cannot be stored cannot be dropped from memory either: it grows. */
static bool is_too_much(const struct hec_engine *engine)
{
    struct hec_entities_stats cache;
    hec_entities_stats(engine->entities, &cache);
    return cache.bytes > 2 * engine->options.cache_bytes_max;
}

void hec_away_frozen(struct hec_engine *engine)
{
    if (engine->frozen_since_ms == 0) {
        engine->frozen_since_ms = hec_now_ms();
    }
}

void hec_away_thawed(struct hec_engine *engine)
{
    engine->frozen_since_ms = 0;
    if (engine->too_long_away) {
        engine->too_long_away = false;
        hec_log(HEC_LOG_INFO, "engine", "store_input_resumed", "events are read again", "engine=%d",
                engine->options.index);
        hec_let_flow(engine);
    }
}

void hec_away_watch(struct hec_engine *engine)
{
    const struct hec_engine_options *options = &engine->options;
    int64_t now_ms = hec_now_ms();
    if (engine->frozen_since_ms == 0 || engine->too_long_away ||
        now_ms - engine->away_watched_ms < WATCH_MS) {
        return;
    }
    engine->away_watched_ms = now_ms;
    int64_t records = unsaved(engine);
    bool long_ago =
        options->away_max_ms > 0 && now_ms - engine->frozen_since_ms >= options->away_max_ms;
    bool many = options->replay_records_max > 0 && records >= options->replay_records_max;
    bool full = is_too_much(engine);
    if (long_ago || many || full) {
        engine->too_long_away = true;
        hec_let_flow(engine);
        hec_log(HEC_LOG_ERROR, "engine", "store_input_paused",
                "redis takes nothing for too long, no more events are read until it does",
                "engine=%d because=%s away_s=%" PRId64 " unsaved=%" PRId64, options->index,
                long_ago ? "away_max_s"
                : many   ? "replay_records_max"
                         : "cache_mib",
                (now_ms - engine->frozen_since_ms) / 1000, records);
    }
}

/* A checkpoint that was sent over the lost connection may still be waiting in Redis. A new epoch
 * makes it void (its WATCH fails), so what is read after the claim is the last word. */
static enum hec_status last_word(struct hec_engine *engine, int32_t partition,
                                 struct hec_watermark *found, struct hec_error *error)
{
    struct hec_position *position = &engine->positions[partition];
    const struct hec_watermark *expected = position->marked ? &position->mark : NULL;
    const struct hec_watermark *maybe = position->maybe ? &position->maybe_watermark : NULL;
    enum hec_status status =
        hec_store_verify(engine->store, partition, expected, maybe, found, error);
    if (status == HEC_OK) {
        status = hec_partition_claim(engine, partition, position->epoch, error);
    }
    return status == HEC_OK
               ? hec_store_verify(engine->store, partition, expected, maybe, found, error)
               : status;
}

/* I9: the Redis that came back may be an emptied or an older one. */
static enum hec_status meet(struct hec_engine *engine, int32_t partition, struct hec_error *error)
{
    struct hec_position *position = &engine->positions[partition];
    struct hec_watermark found = { .offset = -1 };
    enum hec_status status = last_word(engine, partition, &found, error);
    if (status == HEC_MISMATCH) {
        return hec_partition_rebuild(engine, partition, HEC_REBUILD_NO_STATE, error);
    }
    if (status != HEC_OK) {
        return status;
    }
    if (position->maybe && found.offset == position->maybe_watermark.offset &&
        found.generation == position->generation) {
        hec_position_stored(position, &found);
    }
    position->maybe = false;
    /* Replayed from an older place meanwhile: what is stored must not go back. */
    bool behind = position->next < position->stored;
    return position->holes || behind ? hec_partition_rewind(engine, partition, error) : HEC_OK;
}

/* A refusal is worth a line of its own, once. */
static void tell_refusal(struct hec_engine *engine, enum hec_status status,
                         const struct hec_error *error)
{
    if (status != engine->refusal) {
        hec_meter_add(engine->meter,
                      HEC_S_REDIS_ERRORS + (status == HEC_DENIED ? HEC_REDIS_ERROR_DENIED
                                                                 : HEC_REDIS_ERROR_MISMATCH),
                      1);
        hec_log(HEC_LOG_ERROR, "engine", "store_refuses",
                "redis cannot be used as it is, scoring goes on with what is in memory", "why=%s",
                error->text);
    }
    engine->refusal = status;
}

/* At the start a Redis that refuses us ends the process; one that begins to while we run is a Redis
 * that is away: somebody will mend it. */
static enum hec_status reconnect(struct hec_engine *engine, struct hec_error *error)
{
    struct hec_error why = { 0 };
    enum hec_status status = hec_store_connect(engine->store, hec_now_ms(), &why);
    if (status == HEC_OK || status == HEC_NO_MEMORY) {
        engine->refusal = HEC_OK;
        return status;
    }
    if (status != HEC_UNAVAILABLE) {
        tell_refusal(engine, status, &why);
    }
    if (error != NULL) {
        *error = why;
    }
    return HEC_UNAVAILABLE;
}

/* Every partition, until one of them cannot be met. */
static enum hec_status meet_all(struct hec_engine *engine, struct hec_error *error)
{
    enum hec_status status = HEC_OK;
    for (int32_t p = 0; p < engine->options.partitions && status == HEC_OK; p++) {
        if (engine->positions[p].assigned) {
            status = meet(engine, p, error);
        }
    }
    return status;
}

enum hec_status hec_partitions_meet_store(struct hec_engine *engine, struct hec_error *error)
{
    int64_t now_ms = hec_now_ms();
    if (hec_checkpoint_is_under_way(engine) ||
        (hec_store_is_connected(engine->store) && !engine->store_was_away)) {
        return HEC_OK;
    }
    engine->store_was_away = true;
    hec_away_frozen(engine);
    atomic_store_explicit(&engine->store_connected, false, memory_order_relaxed);
    if (now_ms < engine->meet_again_ms) {
        return HEC_OK;
    }
    enum hec_status status = reconnect(engine, error);
    /* What is open must be published first: a rewind forgets it. */
    if (status == HEC_OK) {
        enum hec_status published = hec_partitions_commit(engine, error);
        if (published != HEC_OK) {
            return published; /* also HEC_UNAVAILABLE: that is the brokers' */
        }
        status = meet_all(engine, error);
        engine->meet_again_ms = hec_is_away(status) ? hec_now_ms() + MEET_AGAIN_MS : 0;
    }
    if (hec_is_away(status)) {
        return HEC_OK;
    }
    if (status == HEC_OK) {
        engine->store_was_away = false;
        /* Whether it takes what is known is for the next checkpoint to see: now, but in its own
         * time if that is what it refused. */
        engine->checkpoint_ms = engine->checkpoint_refused ? engine->checkpoint_ms : 0;
        hec_let_flow(engine);
        atomic_store_explicit(&engine->store_connected, true, memory_order_relaxed);
        hec_log(HEC_LOG_INFO, "engine", "store_back", "redis answers again", NULL);
    }
    return status;
}
