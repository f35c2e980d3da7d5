/*
 * Out into the world, in this order: what was published (Kafka), then what is known (the store);
 * and the way back when a transaction breaks. Design section 4, I1, I5, I8, I10; ruling 1.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/inside.h"
#include "ops/log.h"

static int offsets_to_commit(const struct hec_engine *engine, struct hec_offset *offsets)
{
    int count = 0;
    for (int32_t p = 0; p < engine->options.partitions; p++) {
        const struct hec_position *position = &engine->positions[p];
        if (!position->assigned || position->next <= position->committed) {
            continue;
        }
        offsets[count].partition = p;
        offsets[count].offset = position->next;
        snprintf(offsets[count].metadata, sizeof(offsets[count].metadata),
                 "epoch=%" PRIu64 " state=%016" PRIx64, position->epoch,
                 hec_plan_state_digest(engine->options.plan));
        count++;
    }
    return count;
}

static enum hec_commit_result commit_result(enum hec_status status)
{
    return status == HEC_OK        ? HEC_COMMIT_OK
           : status == HEC_ABORTED ? HEC_COMMIT_ABORTED
           : status == HEC_FENCED  ? HEC_COMMIT_FENCED
                                   : HEC_COMMIT_FATAL;
}

enum hec_status hec_partitions_publish(struct hec_engine *engine, struct hec_error *error)
{
    if (engine->open_rows == 0) {
        return HEC_OK;
    }
    int64_t began_us = hec_now_us();
    int count = offsets_to_commit(engine, engine->offsets);
    enum hec_status status =
        hec_sink_commit(engine->sink, engine->source, engine->offsets, count, error);
    hec_meter_add(engine->meter, HEC_S_COMMITS + (int)commit_result(status), 1);
    hec_meter_observe(engine->meter, HEC_D_STAGE + HEC_STAGE_COMMIT,
                      1000 * (hec_now_us() - began_us));
    if (status != HEC_OK) {
        return status;
    }
    for (int i = 0; i < count; i++) {
        engine->positions[engine->offsets[i].partition].committed = engine->offsets[i].offset;
    }
    hec_meter_set(engine->meter, HEC_S_LAST_COMMIT, hec_wall_ms());
    engine->open_rows = 0;
    engine->open_since_ms = 0;
    return HEC_OK;
}

static struct hec_watermark watermark_of(const struct hec_engine *engine, int32_t partition,
                                         int64_t offset)
{
    const struct hec_position *position = &engine->positions[partition];
    struct hec_watermark watermark = {
        .offset = offset,
        .epoch = position->epoch,
        .generation = position->generation,
        .partitions = engine->options.partitions,
        .state_digest = hec_plan_state_digest(engine->options.plan),
        .history_from = position->history_from,
    };
    snprintf(watermark.cluster_id, sizeof(watermark.cluster_id), "%s", engine->options.cluster_id);
    return watermark;
}

void hec_position_stored(struct hec_position *position, const struct hec_watermark *watermark)
{
    if (position->fresh) {
        position->sweep = true;
        position->sweep_cursor[0] = '\0';
    }
    position->fresh = false;
    position->maybe = false;
    position->stored = watermark->offset;
    position->mark = *watermark;
    position->marked = true;
}

static enum hec_status checkpoint_one(struct hec_engine *engine, int32_t partition,
                                      struct hec_error *error)
{
    struct hec_position *position = &engine->positions[partition];
    struct hec_image image;
    enum hec_status status = hec_entities_cut(engine->entities, partition, &image);
    if (status != HEC_OK) {
        return status;
    }
    assert(position->next <= position->committed); /* I1 */
    struct hec_watermark watermark = watermark_of(engine, partition, position->next);
    int64_t began_us = hec_now_us();
    status = hec_store_checkpoint(engine->store, partition, &image, &watermark, error);
    hec_meter_observe(engine->meter, HEC_D_REDIS + HEC_REDIS_WRITE,
                      1000 * (hec_now_us() - began_us));
    if (status == HEC_OK) {
        hec_entities_kept(engine->entities, partition);
        hec_meter_set(engine->meter, HEC_S_LAST_CHECKPOINT, hec_wall_ms());
        hec_position_stored(position, &watermark);
        hec_meter_add(engine->meter, HEC_S_CHECKPOINT_RECORDS, (int64_t)image.count);
        hec_meter_add(engine->meter, HEC_S_CHECKPOINT_BYTES, (int64_t)image.bytes);
        return HEC_OK;
    }
    hec_entities_discard(engine->entities, partition);
    if (status == HEC_UNAVAILABLE) {
        position->maybe = true;
        position->maybe_watermark = watermark;
    }
    return status;
}

enum hec_status hec_partitions_checkpoint(struct hec_engine *engine, struct hec_error *error)
{
    engine->checkpoint_ms = hec_now_ms();
    engine->checkpoint_refused = false;
    for (int32_t p = 0; p < engine->options.partitions; p++) {
        const struct hec_position *position = &engine->positions[p];
        if (!position->assigned || position->holes || position->next == position->stored ||
            !hec_store_is_connected(engine->store)) {
            continue;
        }
        enum hec_status status = checkpoint_one(engine, p, error);
        hec_meter_add(engine->meter, HEC_S_CHECKPOINTS + (int)commit_result(status), 1);
        if (status == HEC_MISMATCH) {
            status = hec_partition_rebuild(engine, p, HEC_REBUILD_NO_STATE, error);
        }
        if (status == HEC_UNAVAILABLE) {
            engine->checkpoint_refused = true;
            hec_meter_add(engine->meter, HEC_S_REDIS_ERRORS + HEC_REDIS_ERROR_UNAVAILABLE, 1);
            hec_log(HEC_LOG_WARN, "engine", "checkpoint_failed",
                    "redis did not take the checkpoint, scoring goes on", "why=%s", error->text);
            return HEC_OK;
        }
        if (status != HEC_OK) {
            return status;
        }
    }
    return HEC_OK;
}

enum hec_status hec_partitions_commit(struct hec_engine *engine, struct hec_error *error)
{
    enum hec_status status = hec_partitions_publish(engine, error);
    return status == HEC_OK ? HEC_OK : hec_partitions_recover(engine, status, error);
}

/* The broker's word on what was published; after a broken commit only it knows. */
static enum hec_status read_committed(struct hec_engine *engine, struct hec_error *error)
{
    int count = 0;
    for (int32_t p = 0; p < engine->options.partitions; p++) {
        if (engine->positions[p].assigned) {
            engine->offsets[count++].partition = p;
        }
    }
    enum hec_status status =
        hec_source_committed(engine->source, engine->offsets, count, ANSWER_WAIT_MS, error);
    for (int i = 0; i < count && status == HEC_OK; i++) {
        struct hec_position *position = &engine->positions[engine->offsets[i].partition];
        if (engine->offsets[i].offset > position->committed) {
            position->committed = engine->offsets[i].offset;
        }
    }
    return status;
}

enum hec_status hec_partitions_recover(struct hec_engine *engine, enum hec_status broken,
                                       struct hec_error *error)
{
    hec_log(HEC_LOG_WARN, "engine", "transaction_rolled_back",
            "the open batch is rolled back and done again", "status=%s why=%s",
            hec_status_name(broken), error->text);
    engine->open_rows = 0;
    engine->open_since_ms = 0;
    hec_meter_add(engine->meter,
                  HEC_S_KAFKA_ERRORS +
                      (broken == HEC_ABORTED ? HEC_KAFKA_ERROR_ABORTABLE : HEC_KAFKA_ERROR_FATAL),
                  1);
    enum hec_status status = broken;
    if (status == HEC_ABORTED) {
        status = hec_sink_abort(engine->sink, error);
    }
    if (status == HEC_FATAL || status == HEC_UNAVAILABLE) {
        status = hec_sink_recreate(engine->sink, error);
    }
    if (status == HEC_OK) {
        status = read_committed(engine, error);
    }
    return status == HEC_OK ? hec_partitions_rewind_all(engine, error) : status;
}
