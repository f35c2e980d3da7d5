/*
 * The way of one batch. hec_engine_step is the daemon in one screen; the steps stand above it in
 * the order in which it calls them.
 */
#include "engine/engine.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "engine/inside.h"
#include "ops/drift.h"
#include "ops/log.h"

#define IDLE_WAIT_MS 50
#define FOREIGN_READ_MS 5000
#define TEXT_BYTES (256 * 1024)

/* Waiting must end in time for what is due next. */
static int wait_ms(const struct hec_engine *engine)
{
    if (engine->open_since_ms == 0) {
        return IDLE_WAIT_MS;
    }
    int64_t left = engine->open_since_ms + engine->options.commit_interval_ms - hec_now_ms();
    return left <= 0 ? 0 : left < IDLE_WAIT_MS ? (int)left : IDLE_WAIT_MS;
}

/* Steps 1 and 2: records in, decoded or refused. A record below its partition's position was
 * processed before (a seek, a rebalance) and is passed over. */
static enum hec_status poll(struct hec_engine *engine, struct hec_error *error)
{
    struct hec_batch *batch = engine->batch;
    int64_t began_us = hec_now_us();
    hec_batch_reset(batch);
    enum hec_status status = hec_source_poll(
        engine->source, engine->records,
        hec_poison_is_suspected(engine) ? 1 : engine->options.batch_rows_max, wait_ms(engine),
        engine->options.batch_wait_ms, &engine->records_count, error);
    if (status != HEC_OK && error != NULL && engine->rebalance_error.text[0] != '\0') {
        *error = engine->rebalance_error; /* the group's callback knew better than the library */
    }
    if (status == HEC_OK && engine->rebalance_status != HEC_OK) {
        status = engine->rebalance_status;
        *error = engine->rebalance_error;
    }
    engine->caught_up = engine->records_count < engine->options.batch_rows_max;
    int64_t polled_us = hec_now_us();
    int64_t bytes = 0, replayed = 0;
    for (int i = 0; i < engine->records_count && status == HEC_OK; i++) {
        struct hec_record *record = &engine->records[i];
        const struct hec_position *position = &engine->positions[record->partition];
        if (!position->assigned || record->offset < position->next) {
            continue;
        }
        struct hec_row *row = hec_batch_add(
            batch, record->value, record->value_length, record->key == NULL ? "" : record->key,
            record->key_length, record->partition, record->offset, record->record_ms);
        if (row == NULL) {
            return hec_fail(error, HEC_NO_MEMORY, "no memory for a record of %zu bytes",
                            record->value_length);
        }
        row->owner = record;
        row->silent = record->offset < position->committed;
        replayed += row->silent;
        bytes += row->silent ? 0 : (int64_t)(record->value_length + record->key_length);
    }
    engine->polled_us = polled_us;
    engine->decode_us = hec_now_us() - polled_us;
    if (batch->rows_count > 0) {
        hec_meter_observe(engine->meter, HEC_D_STAGE + HEC_STAGE_POLL,
                          1000 * (polled_us - began_us));
        hec_meter_observe(engine->meter, HEC_D_STAGE + HEC_STAGE_DECODE, 1000 * engine->decode_us);
        hec_meter_add(engine->meter, HEC_S_CONSUMED, batch->rows_count - replayed);
        hec_meter_add(engine->meter, HEC_S_REPLAYED, replayed);
        hec_meter_add(engine->meter, HEC_S_CONSUMED_BYTES, bytes);
    }
    return status;
}

/* Which generation others' shards have: read now and then, they change only with a rebuild. */
static void read_foreign_generations(struct hec_engine *engine, int64_t now_ms)
{
    if (now_ms - engine->foreign_read_ms < FOREIGN_READ_MS || hec_checkpoint_is_under_way(engine) ||
        !hec_store_is_connected(engine->store)) {
        return;
    }
    engine->foreign_read_ms = now_ms;
    for (int32_t p = 0; p < engine->options.partitions; p++) {
        struct hec_watermark found;
        if (!engine->owned[p] &&
            hec_store_watermark_read(engine->store, p, &found, NULL) == HEC_OK) {
            engine->generations[p] = found.generation;
        }
    }
}

/* States that could not be had: the rows are scored on what is known and flagged, and the
 * partition's memory has holes from here on. */
static void mark_holes(struct hec_engine *engine)
{
    for (int i = 0; i < engine->batch->missing_count; i++) {
        const struct hec_entity *entity = engine->batch->missing[i];
        if (hec_entity_is_missing(entity)) {
            int32_t partition = hec_entity_id(entity).partition;
            engine->positions[partition].holes |= engine->owned[partition];
        }
    }
}

/* The store is away. Going on: rows are scored on what is known and flagged. Stopping: the batch is
 * undone as if it had never been polled, and nothing more is taken until the store is back. */
static enum hec_status do_without_store(struct hec_engine *engine, const struct hec_error *error)
{
    if (!engine->store_was_away) {
        hec_log(HEC_LOG_WARN, "engine", "store_away",
                engine->options.stop_without_store
                    ? "redis does not answer, consuming is paused"
                    : "redis does not answer, scoring goes on with what is in memory",
                "why=%s", error->text);
    }
    engine->store_was_away = true;
    hec_away_frozen(engine);
    hec_meter_add(engine->meter, HEC_S_REDIS_ERRORS + HEC_REDIS_ERROR_UNAVAILABLE, 1);
    if (engine->options.stop_without_store) {
        hec_source_pause(engine->source);
        return HEC_ABORTED;
    }
    mark_holes(engine);
    return HEC_OK;
}

/* Why what was loaded cannot be used: it is damaged, another's, or the store is not the one that we
 * left it. */
static enum hec_rebuild cause_of(struct hec_engine *engine, enum hec_status status,
                                 int32_t partition)
{
    const struct hec_position *position = &engine->positions[partition];
    if (status == HEC_CORRUPT) {
        return HEC_REBUILD_CORRUPT;
    }
    enum hec_status verdict =
        hec_store_verify(engine->store, partition, position->marked ? &position->mark : NULL,
                         position->maybe ? &position->maybe_watermark : NULL, NULL, NULL);
    return verdict == HEC_MISMATCH ? HEC_REBUILD_NO_STATE : HEC_REBUILD_MISMATCH;
}

/* Steps 3 and 4: the states that the batch touches; what is not in memory is asked for at once. */
static enum hec_status load(struct hec_engine *engine, struct hec_error *error)
{
    struct hec_batch *batch = engine->batch;
    int64_t now_ms = hec_now_ms();
    read_foreign_generations(engine, now_ms);
    hec_entities_tick(engine->entities, now_ms, engine->options.shared_refresh_ms);
    enum hec_status status = hec_batch_want(batch, engine->entities);
    if (status != HEC_OK || batch->missing_count == 0) {
        return status;
    }
    int64_t began_us = hec_now_us();
    int32_t bad = -1;
    /* The store answers one at a time. What a settled checkpoint makes of the entries wanted is
     * nothing, unless it begins a rebuild; then the batch is done again. */
    uint64_t rewinds = engine->rewinds;
    status = hec_checkpoint_settle(engine, error);
    if (status != HEC_OK || rewinds != engine->rewinds) {
        return status == HEC_OK ? HEC_ABORTED : status;
    }
    status = hec_store_load(engine->store, engine->entities, batch->missing, batch->missing_count,
                            engine->generations, &bad, error);
    int64_t took_ns = 1000 * (hec_now_us() - began_us);
    hec_meter_observe(engine->meter, HEC_D_STAGE + HEC_STAGE_LOAD, took_ns);
    hec_meter_observe(engine->meter, HEC_D_REDIS + HEC_REDIS_READ, took_ns);
    if (hec_is_away(status)) {
        return do_without_store(engine, error);
    }
    if (status == HEC_OK) {
        bad = hec_partition_torn(engine, batch);
        status = bad < 0 ? HEC_OK
                         : hec_fail(error, HEC_CORRUPT,
                                    "store: a record of partition %d is newer than its watermark: "
                                    "a part of the store is older than the rest",
                                    (int)bad);
    }
    if ((status == HEC_CORRUPT || status == HEC_MISMATCH) && bad >= 0 && engine->owned[bad]) {
        hec_log(HEC_LOG_ERROR, "engine", "state_refused", "a stored state cannot be used",
                "partition=%d why=%s", (int)bad, error->text);
        enum hec_status rebuilt =
            hec_partition_rebuild(engine, bad, cause_of(engine, status, bad), error);
        return rebuilt == HEC_OK || rebuilt == HEC_UNAVAILABLE ? HEC_ABORTED : rebuilt;
    }
    return status;
}

/* Step 5: features, states, scores. From here on the rows are part of the state. */
static enum hec_status score(struct hec_engine *engine)
{
    struct hec_batch *batch = engine->batch;
    int64_t began_us = hec_now_us();
    for (int i = 0; i < batch->rows_count; i++) {
        batch->rows[i].degraded = engine->positions[batch->rows[i].partition].holes;
    }
    enum hec_status status = hec_scorer_run(engine->scorer, batch, engine->entities);
    if (status != HEC_OK) {
        return status;
    }
    if (engine->shadow != NULL && batch->scored_count > 0) {
        hec_shadow_run(engine->shadow, batch);
    }
    hec_meter_observe(engine->meter, HEC_D_STAGE + HEC_STAGE_SCORE,
                      1000 * (hec_now_us() - began_us));
    hec_meter_observe(engine->meter, HEC_D_BATCH, batch->rows_count);
    for (int i = 0; i < batch->rows_count; i++) {
        const struct hec_row *row = &batch->rows[i];
        engine->positions[row->partition].next = row->offset + 1;
        engine->open_rows += !row->silent;
    }
    if (engine->open_rows > 0 && engine->open_since_ms == 0) {
        engine->open_since_ms = hec_now_ms();
    }
    return HEC_OK;
}

/* Markers of transactions and records that compaction or a rollback took are no rows: a replay that
 * ends in them is done when the source has passed over them. */
static void pass_gaps(struct hec_engine *engine)
{
    for (int32_t p = 0; p < engine->options.partitions; p++) {
        struct hec_position *position = &engine->positions[p];
        if (position->assigned && position->next < position->committed) {
            int64_t passed = hec_source_position(engine->source, p);
            passed = passed < position->committed ? passed : position->committed;
            position->next = passed > position->next ? passed : position->next;
        }
    }
}

/* Step 6: alerts, scores and dead letters into the open transaction. */
static enum hec_status emit(struct hec_engine *engine, struct hec_error *error)
{
    hec_note_labels(engine);
    if (engine->open_rows == 0) {
        return HEC_OK;
    }
    int64_t began_us = hec_now_us();
    enum hec_status status = hec_emit(engine, error);
    hec_meter_observe(engine->meter, HEC_D_STAGE + HEC_STAGE_EMIT,
                      1000 * (hec_now_us() - began_us));
    return status == HEC_OK ? HEC_OK : hec_partitions_recover(engine, status, error);
}

static size_t dirty_records(const struct hec_engine *engine)
{
    size_t dirty = 0;
    for (int32_t p = 0; p < engine->options.partitions; p++) {
        dirty += engine->owned[p] ? hec_entities_dirty(engine->entities, p) : 0;
    }
    return dirty;
}

static bool checkpoint_is_due(const struct hec_engine *engine, int64_t now_ms)
{
    return now_ms - engine->checkpoint_ms >= engine->options.checkpoint_interval_ms ||
           (!engine->checkpoint_refused &&
            dirty_records(engine) >= (size_t)engine->options.checkpoint_records_max);
}

/* Step 7: offsets and output as one, while the next batches are taken. A checkpoint needs a moment
 * when nothing is under way, so the commit before it is waited for. */
static enum hec_status commit_when_due(struct hec_engine *engine, struct hec_error *error)
{
    if (engine->open_rows == 0) {
        return HEC_OK;
    }
    int64_t now_ms = hec_now_ms();
    bool due = now_ms - engine->open_since_ms >= engine->options.commit_interval_ms ||
               engine->open_rows >= engine->options.commit_records_max || engine->apart;
    bool wait = engine->apart || checkpoint_is_due(engine, now_ms);
    return !due   ? HEC_OK
           : wait ? hec_partitions_commit(engine, error)
                  : hec_partitions_commit_start(engine, error);
}

/* Step 8: states, after the commit and never before it. */
static enum hec_status checkpoint_when_due(struct hec_engine *engine, struct hec_error *error)
{
    if (engine->open_rows > 0 || hec_outbox_is_committing(engine->outbox) ||
        !checkpoint_is_due(engine, hec_now_ms())) {
        return HEC_OK;
    }
    enum hec_status status = hec_checkpoint_settle(engine, error);
    return status == HEC_OK ? hec_checkpoint_start(engine, error) : status;
}

/* Before a batch: what the errands brought home. Who has nothing better to do waits for a commit,
 * so that what is held is not kept back by a poll. */
static enum hec_status settle(struct hec_engine *engine, struct hec_error *error)
{
    enum hec_status status = HEC_OK;
    if (hec_outbox_is_committing(engine->outbox) &&
        (engine->caught_up || hec_outbox_is_full(engine->outbox) ||
         hec_outbox_is_done(engine->outbox))) {
        status = hec_partitions_commit_settle(engine, error);
    }
    if (status == HEC_OK && hec_checkpoint_is_under_way(engine) && hec_checkpoint_is_done(engine)) {
        status = hec_checkpoint_settle(engine, error);
    }
    return status;
}

static void publish_store(struct hec_engine *engine)
{
    struct hec_meter *meter = engine->meter;
    struct hec_store_stats store;
    hec_store_stats(engine->store, &store);
    hec_meter_set(meter, hec_series_cache(HEC_TIER_REDIS, HEC_FOUND_HIT), (int64_t)store.loaded);
    hec_meter_set(meter, hec_series_cache(HEC_TIER_REDIS, HEC_FOUND_MISS), (int64_t)store.absent);
    hec_meter_set(meter, hec_series_cache(HEC_TIER_REDIS, HEC_FOUND_ERROR), (int64_t)store.errors);
    bool connected = hec_store_is_connected(engine->store) && !engine->store_was_away;
    hec_meter_set(meter, HEC_S_REDIS_CONNECTED, connected);
    hec_meter_set(meter, HEC_S_DEGRADED + HEC_DEGRADED_STATE_UNAVAILABLE, !connected);
    atomic_store_explicit(&engine->store_connected, connected, memory_order_relaxed);
}

/* What the service thread and the scrape may see, a few times a second. */
static void publish_view(struct hec_engine *engine)
{
    atomic_fetch_add_explicit(&engine->steps, 1, memory_order_relaxed);
    int64_t now_ms = hec_now_ms();
    if (now_ms - engine->view_ms < 100) {
        return;
    }
    engine->view_ms = now_ms;
    int64_t replay_left = 0, lag_records = 0, checkpoint_lag = 0, wall_ms = hec_wall_ms();
    bool rebuilding = false;
    for (int32_t p = 0; p < engine->options.partitions; p++) {
        const struct hec_position *position = &engine->positions[p];
        struct hec_source_lag lag;
        atomic_store_explicit(&engine->shown_owned[p], position->assigned, memory_order_relaxed);
        if (!position->assigned) {
            continue;
        }
        if (position->next < position->committed) {
            rebuilding = true;
            replay_left += position->committed - position->next;
        }
        checkpoint_lag += position->committed - position->stored;
        if (hec_source_lag(engine->source, p, wall_ms, &lag)) {
            hec_meter_lag(engine->meter, p, lag.records, lag.ms);
            lag_records += lag.records;
        }
    }
    hec_publish_ledgers(engine);
    struct hec_source_stats stats;
    hec_source_stats(engine->source, &stats);
    if (!hec_checkpoint_is_under_way(engine)) {
        publish_store(engine);
    }
    struct hec_entities_stats cache;
    hec_entities_stats(engine->entities, &cache);
    struct hec_meter *meter = engine->meter;
    for (int kind = 0; kind < HEC_KINDS; kind++) {
        hec_meter_set(meter, HEC_S_CACHE_ENTRIES + kind, (int64_t)cache.entries[kind]);
        hec_meter_set(meter, HEC_S_CACHE_ENTITY_BYTES + kind, (int64_t)cache.bytes_of[kind]);
    }
    hec_meter_set(meter, HEC_S_CACHE_BYTES, (int64_t)cache.bytes);
    hec_meter_set(meter, HEC_S_CACHE_DIRTY, (int64_t)cache.dirty);
    hec_meter_set(meter, HEC_S_CACHE_EVICTIONS, (int64_t)cache.evicted);
    hec_meter_set(meter, hec_series_cache(HEC_TIER_LOCAL, HEC_FOUND_HIT), (int64_t)cache.hits);
    hec_meter_set(meter, hec_series_cache(HEC_TIER_LOCAL, HEC_FOUND_MISS),
                  (int64_t)(cache.lookups - cache.hits));
    hec_meter_set(meter, HEC_S_CHECKPOINT_LAG, checkpoint_lag);
    hec_meter_set(meter, HEC_S_KAFKA_ERRORS + HEC_KAFKA_ERROR_RETRIABLE, (int64_t)stats.errors);
    hec_meter_set(meter, HEC_S_DEGRADED + HEC_DEGRADED_REBUILDING, rebuilding);
    hec_poison_view(engine, now_ms);
    bool assigned = hec_source_is_assigned(engine->source);
    atomic_store_explicit(&engine->assigned, assigned, memory_order_relaxed);
    atomic_store_explicit(&engine->live, assigned && !rebuilding, memory_order_relaxed);
    atomic_store_explicit(&engine->store_paused, engine->too_long_away, memory_order_relaxed);
    atomic_store_explicit(&engine->brokers_down, stats.brokers_down, memory_order_relaxed);
}

/* Takes the next batch all the way through. What is published and how far we have read are
 * committed together; the states reach the store only afterwards, so the store is never ahead of
 * what was published. */
static enum hec_status one_batch(struct hec_engine *engine, struct hec_error *error)
{
    enum hec_status status = settle(engine, error);
    if (status != HEC_OK) {
        return status;
    }

    status = poll(engine, error);
    if (status != HEC_OK) {
        return status;
    }

    status = hec_poison_set_apart(engine, error);
    if (status != HEC_OK) {
        return status;
    }

    if (engine->batch->rows_count > 0) {
        status = load(engine, error);
        if (status != HEC_OK) {
            return status;
        }

        status = score(engine);
        if (status != HEC_OK) {
            return status;
        }

        status = emit(engine, error);
        if (status != HEC_OK) {
            return status;
        }
    }
    pass_gaps(engine);

    status = commit_when_due(engine, error);
    if (status != HEC_OK) {
        return status;
    }

    status = checkpoint_when_due(engine, error);
    if (status != HEC_OK) {
        return status;
    }

    return hec_upkeep(engine, error);
}

enum hec_status hec_engine_step(struct hec_engine *engine, struct hec_error *error)
{
    hec_follow_orders(engine);
    hec_away_watch(engine);
    enum hec_status status = hec_partitions_come_back(engine, error);
    if (status == HEC_OK) {
        status = hec_partitions_meet_store(engine, error);
    }
    if (status == HEC_OK) {
        status = hec_questions_answer(engine, true, error);
    }
    if (status == HEC_OK) {
        status = one_batch(engine, error);
    }
    hec_entities_unpin(engine->entities);
    hec_source_release(engine->records, engine->records_count);
    engine->records_count = 0;
    if (status == HEC_ABORTED) {
        status = hec_partitions_recover(engine, status, error);
    }
    if (status == HEC_UNAVAILABLE && engine->silent) {
        status = HEC_OK; /* the next step tries again */
    }
    engine->failed = status != HEC_OK;
    publish_view(engine);
    return status;
}

enum hec_status hec_engine_drain(struct hec_engine *engine, struct hec_error *error)
{
    if (engine->silent) {
        return HEC_OK; /* nothing is open, and nobody is there to be told anything */
    }
    enum hec_status status = hec_partitions_commit(engine, error);
    if (status == HEC_OK) {
        status = hec_partitions_checkpoint(engine, error);
    }
    engine->failed = status != HEC_OK;
    return status;
}

static enum hec_status allocate(struct hec_engine *engine, struct hec_error *error)
{
    const struct hec_engine_options *options = &engine->options;
    size_t partitions = (size_t)options->partitions;
    engine->positions = calloc(partitions, sizeof(*engine->positions));
    engine->offsets = calloc(partitions, sizeof(*engine->offsets));
    engine->generations = calloc(partitions, sizeof(*engine->generations));
    engine->owned = calloc(partitions, sizeof(*engine->owned));
    engine->shown_owned = calloc(partitions, sizeof(*engine->shown_owned));
    engine->records = calloc((size_t)options->batch_rows_max, sizeof(*engine->records));
    engine->text_bytes = TEXT_BYTES;
    engine->text = malloc(engine->text_bytes);
    engine->suspects = calloc(1, sizeof(*engine->suspects));
    if (engine->positions == NULL || engine->offsets == NULL || engine->generations == NULL ||
        engine->owned == NULL || engine->shown_owned == NULL || engine->records == NULL ||
        engine->text == NULL || engine->suspects == NULL ||
        hec_ledgers_new(&engine->ledgers, options->partitions) != HEC_OK ||
        hec_checkpoint_new(&engine->checkpoint, options->partitions, options->overlap) != HEC_OK ||
        hec_entities_new(&engine->entities, options->plan, options->cache_bytes_max) != HEC_OK ||
        hec_batch_new(&engine->batch, options->plan, &options->limits, options->partitions,
                      options->batch_rows_max) != HEC_OK ||
        hec_questions_new(&engine->questions, options->plan, &options->limits,
                          options->partitions) != HEC_OK) {
        return hec_fail(error, HEC_NO_MEMORY, "no memory for an engine");
    }
    if (options->token_key != NULL && options->token_key[0] != '\0') {
        enum hec_status status =
            hec_keyer_new(&engine->keyer, options->token_key, strlen(options->token_key));
        if (status != HEC_OK) {
            return hec_fail(error, status, "no engine with this token key");
        }
        hec_entities_set_keyer(engine->entities, engine->keyer);
    }
    if (options->shadow_model != NULL &&
        hec_shadow_new(&engine->shadow, options->shadow_model, options->shadow_sha256,
                       options->batch_rows_max) != HEC_OK) {
        return hec_fail(error, HEC_NO_MEMORY, "no memory for the shadow model");
    }
    return hec_scorer_new(&engine->scorer, options->plan, options->model, options->batch_rows_max,
                          error);
}

enum hec_status hec_engine_new(struct hec_engine **ret, const struct hec_engine_options *options,
                               struct hec_error *error)
{
    assert(options->partitions >= 1 && options->partitions <= HEC_PARTITIONS_MAX);

    struct hec_engine *engine = calloc(1, sizeof(*engine));
    if (engine == NULL) {
        return hec_fail(error, HEC_NO_MEMORY, "no memory for an engine");
    }
    engine->options = *options;
    engine->meter = options->meter;
    engine->circuit.ratio_max = options->dead_letter_ratio_max;
    engine->circuit.records_min = options->dead_letter_records_min;
    struct hec_source_callbacks callbacks = {
        .assigned = hec_partitions_assigned,
        .revoked = hec_partitions_revoked,
        .context = engine,
    };
    enum hec_status status = allocate(engine, error);
    if (status == HEC_OK) {
        hec_name_columns(engine);
        hec_drift_follow(engine->meter->drift, options->model, options->model_sha256);
        status = hec_store_open(&engine->store, &options->store, error);
    }
    /* The producer first: it ends what a former instance left open, so that the committed offsets
     * read afterwards are the last word. */
    if (status == HEC_OK) {
        status = hec_outbox_new(&engine->outbox, &options->sink, options->partitions,
                                options->overlap, error);
    }
    if (status == HEC_OK) {
        status = hec_source_new(&engine->source, &options->source, &callbacks, error);
    }
    if (status != HEC_OK) {
        hec_engine_free(engine, 0);
        return status;
    }
    *ret = engine;
    return HEC_OK;
}

void hec_engine_free(struct hec_engine *engine, int wait_ms)
{
    if (engine == NULL) {
        return;
    }
    if (engine->questions != NULL) {
        hec_engine_answer_no_more(engine);
    }
    hec_source_close(engine->source, wait_ms);
    hec_outbox_close(engine->outbox, wait_ms);
    hec_checkpoint_free(engine->checkpoint);
    hec_store_close(engine->store);
    hec_scorer_free(engine->scorer);
    hec_shadow_free(engine->shadow);
    hec_questions_free(engine->questions);
    hec_batch_free(engine->batch);
    hec_entities_free(engine->entities);
    hec_keyer_free(engine->keyer);
    free(engine->positions);
    free(engine->offsets);
    free(engine->generations);
    free(engine->owned);
    free(engine->shown_owned);
    free(engine->records);
    free(engine->text);
    free(engine->suspects);
    hec_ledgers_free(engine->ledgers);
    if (engine->options.lists != NULL) {
        hec_board_let_go(engine->options.lists, &engine->lists);
    }
    free(engine);
}
