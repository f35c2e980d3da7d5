/*
 * What is known, into the store: a cut of every partition that moved, taken at one instant between
 * two transactions and written by an errand while the engine goes on. Design section 4, I1, I5.
 *
 * While the errand is under way it has the store; whoever needs the store, or is about to forget
 * what was cut, settles it first.
 */
#include "engine/checkpoint.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/errand.h"
#include "engine/inside.h"
#include "ops/log.h"

/* One partition's part. */
struct part {
    int32_t partition;
    struct hec_image image;
    struct hec_watermark watermark;
    enum hec_status status; /* HEC_END: it was not tried any more */
    struct hec_error error;
    int64_t took_us;
};

struct hec_checkpoint {
    struct hec_errand *errand; /* NULL: written at once */
    bool under_way;
    struct hec_store *store; /* the errand's, while it is under way */
    struct part *parts;      /* as many as partitions */
    int count;
    int64_t began_us;
};

enum hec_status hec_checkpoint_new(struct hec_checkpoint **ret, int32_t partitions, bool overlap)
{
    struct hec_checkpoint *checkpoint = calloc(1, sizeof(*checkpoint));
    if (checkpoint == NULL) {
        return HEC_NO_MEMORY;
    }
    checkpoint->parts = calloc((size_t)partitions, sizeof(*checkpoint->parts));
    if (checkpoint->parts == NULL || (overlap && hec_errand_new(&checkpoint->errand) != HEC_OK)) {
        hec_checkpoint_free(checkpoint);
        return HEC_NO_MEMORY;
    }
    *ret = checkpoint;
    return HEC_OK;
}

void hec_checkpoint_free(struct hec_checkpoint *checkpoint)
{
    if (checkpoint != NULL) {
        hec_errand_free(checkpoint->errand);
        free(checkpoint->parts);
        free(checkpoint);
    }
}

static struct hec_watermark watermark_of(const struct hec_engine *engine, int32_t partition)
{
    const struct hec_position *position = &engine->positions[partition];
    struct hec_watermark watermark = {
        .offset = position->next,
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

/* Partition by partition. One may be refused alone, while its slot of a Cluster is on the move;
 * what the next one would only meet again ends it. */
static void write_all(void *context)
{
    struct hec_checkpoint *checkpoint = context;
    bool on = true;
    for (int i = 0; i < checkpoint->count; i++) {
        struct part *part = &checkpoint->parts[i];
        part->status = HEC_END;
        if (on) {
            int64_t began_us = hec_now_us();
            part->status = hec_store_checkpoint(checkpoint->store, part->partition, &part->image,
                                                &part->watermark, &part->error);
            part->took_us = hec_now_us() - began_us;
            on = part->status == HEC_OK || part->status == HEC_MISMATCH ||
                 (hec_is_away(part->status) && hec_store_is_connected(checkpoint->store));
        }
    }
}

static enum hec_status cut_all(struct hec_engine *engine)
{
    struct hec_checkpoint *checkpoint = engine->checkpoint;
    checkpoint->count = 0;
    for (int32_t p = 0; p < engine->options.partitions; p++) {
        const struct hec_position *position = &engine->positions[p];
        if (!position->assigned || position->holes || position->next == position->stored) {
            continue;
        }
        assert(position->next <= position->committed); /* I1 */
        struct part *part = &checkpoint->parts[checkpoint->count];
        *part = (struct part){ .partition = p, .watermark = watermark_of(engine, p) };
        enum hec_status status = hec_entities_cut(engine->entities, p, &part->image);
        if (status != HEC_OK) {
            return status;
        }
        checkpoint->count++;
    }
    return HEC_OK;
}

enum hec_status hec_checkpoint_start(struct hec_engine *engine, struct hec_error *error)
{
    struct hec_checkpoint *checkpoint = engine->checkpoint;
    assert(!checkpoint->under_way && engine->open_rows == 0);
    engine->checkpoint_ms = hec_now_ms();
    engine->checkpoint_refused = false;
    /* A store that is back may be an older copy: nothing is written before it was met. */
    if (!hec_store_is_connected(engine->store) || engine->store_was_away) {
        return HEC_OK;
    }
    checkpoint->began_us = hec_now_us();
    enum hec_status status = cut_all(engine);
    if (status != HEC_OK) {
        for (int i = 0; i < checkpoint->count; i++) {
            hec_entities_discard(engine->entities, checkpoint->parts[i].partition);
        }
        return hec_fail(error, status, "no memory for a checkpoint");
    }
    if (checkpoint->count == 0) {
        hec_away_thawed(engine); /* what was not taken was another's since, or was gone back on */
        return HEC_OK;
    }
    checkpoint->store = engine->store;
    checkpoint->under_way = true;
    if (checkpoint->errand == NULL) {
        write_all(checkpoint);
    } else {
        hec_errand_start(checkpoint->errand, write_all, checkpoint);
    }
    return HEC_OK;
}

/* What one partition's part came to. */
static enum hec_status book(struct hec_engine *engine, const struct part *part,
                            struct hec_error *error)
{
    struct hec_position *position = &engine->positions[part->partition];
    if (part->status == HEC_END) {
        hec_entities_discard(engine->entities, part->partition);
        return HEC_OK;
    }
    hec_meter_observe(engine->meter, HEC_D_REDIS + HEC_REDIS_WRITE, 1000 * part->took_us);
    hec_meter_add(engine->meter, HEC_S_CHECKPOINTS + (int)hec_commit_result(part->status), 1);
    if (part->status == HEC_OK) {
        hec_entities_kept(engine->entities, part->partition);
        hec_meter_set(engine->meter, HEC_S_LAST_CHECKPOINT, hec_wall_ms());
        hec_position_stored(position, &part->watermark);
        hec_meter_add(engine->meter, HEC_S_CHECKPOINT_RECORDS, (int64_t)part->image.count);
        hec_meter_add(engine->meter, HEC_S_CHECKPOINT_BYTES, (int64_t)part->image.bytes);
        return HEC_OK;
    }
    hec_entities_discard(engine->entities, part->partition);
    if (hec_is_away(part->status)) {
        hec_away_frozen(engine);
        position->maybe = true;
        position->maybe_watermark = part->watermark;
        engine->checkpoint_refused = true;
        hec_meter_add(engine->meter, HEC_S_REDIS_ERRORS + HEC_REDIS_ERROR_UNAVAILABLE, 1);
        hec_log(HEC_LOG_WARN, "engine", "checkpoint_failed",
                "redis did not take the checkpoint, scoring goes on", "why=%s", part->error.text);
        return HEC_OK;
    }
    if (error != NULL) {
        *error = part->error;
    }
    return part->status;
}

enum hec_status hec_checkpoint_settle(struct hec_engine *engine, struct hec_error *error)
{
    struct hec_checkpoint *checkpoint = engine->checkpoint;
    if (!checkpoint->under_way) {
        return HEC_OK;
    }
    if (checkpoint->errand != NULL) {
        hec_errand_wait(checkpoint->errand);
    }
    checkpoint->under_way = false;
    hec_meter_observe(engine->meter, HEC_D_STAGE + HEC_STAGE_CHECKPOINT,
                      1000 * (hec_now_us() - checkpoint->began_us));
    enum hec_status all = HEC_OK;
    bool rebuild[HEC_PARTITIONS_MAX] = { false }, kept = true;
    for (int i = 0; i < checkpoint->count; i++) {
        const struct part *part = &checkpoint->parts[i];
        struct hec_error why = { 0 };
        enum hec_status status = book(engine, part, &why);
        rebuild[part->partition] = status == HEC_MISMATCH;
        kept &= part->status == HEC_OK;
        if (status != HEC_OK && status != HEC_MISMATCH && all == HEC_OK) {
            all = status;
            if (error != NULL) {
                *error = why;
            }
        }
    }
    /* One whose watermark stands still is enough for what must be replayed to grow. */
    if (kept && !engine->store_was_away) {
        hec_away_thawed(engine);
    }
    /* Only now: a rebuild begins with forgetting, and every part had to be booked before. */
    bool rebuilt = false;
    for (int i = 0; i < checkpoint->count && all == HEC_OK; i++) {
        int32_t partition = checkpoint->parts[i].partition;
        if (rebuild[partition]) {
            enum hec_status status =
                hec_partition_rebuild(engine, partition, HEC_REBUILD_NO_STATE, error);
            rebuilt |= status == HEC_OK;
            all = status == HEC_UNAVAILABLE ? HEC_OK : status; /* begun when it is met again */
        }
    }
    /* What was said since the last commit will be said again by the rows that a rebuild takes back
     * to. */
    bool open = engine->open_rows > 0 || hec_outbox_is_committing(engine->outbox);
    return all == HEC_OK && rebuilt && open ? HEC_ABORTED : all;
}

bool hec_checkpoint_is_under_way(const struct hec_engine *engine)
{
    return engine->checkpoint->under_way;
}

bool hec_checkpoint_is_done(struct hec_engine *engine)
{
    struct hec_checkpoint *checkpoint = engine->checkpoint;
    return checkpoint->errand == NULL || hec_errand_is_done(checkpoint->errand);
}

enum hec_status hec_partitions_checkpoint(struct hec_engine *engine, struct hec_error *error)
{
    enum hec_status status = hec_checkpoint_settle(engine, error);
    if (status == HEC_OK) {
        status = hec_checkpoint_start(engine, error);
    }
    return status == HEC_OK ? hec_checkpoint_settle(engine, error) : status;
}
