/*
 * What is done now and then, a little at a time, so that no batch waits for it.
 *
 * A rebuild leaves the older generation behind in the store. It is deleted once the new one has its
 * first checkpoint; a process that ends in the middle leaves the rest to the next rebuild.
 *
 * A partition without events asks the store for nothing, and would not notice that it was emptied:
 * every partition's watermark is looked at once a minute, one partition at a time.
 */
#include "engine/checkpoint.h"
#include "engine/inside.h"
#include "engine/outbox.h"
#include "ops/log.h"

#define SWEEP_MS 5
#define CHECK_MS 60000

static enum hec_status sweep(struct hec_engine *engine, int64_t now_ms, struct hec_error *error)
{
    if (now_ms - engine->swept_ms < SWEEP_MS) {
        return HEC_OK;
    }
    engine->swept_ms = now_ms;
    for (int32_t p = 0; p < engine->options.partitions; p++) {
        struct hec_position *position = &engine->positions[p];
        if (!position->assigned || !position->sweep) {
            continue;
        }
        enum hec_status status =
            hec_store_sweep(engine->store, p, position->generation, position->sweep_cursor, error);
        if (status == HEC_END) {
            position->sweep = false;
            status = HEC_OK;
        }
        return status;
    }
    return HEC_OK;
}

/* An operator may change the policy of a Redis that runs. */
static enum hec_status check(struct hec_engine *engine, int64_t now_ms, struct hec_error *error)
{
    if (now_ms - engine->checked_ms < CHECK_MS) {
        return HEC_OK;
    }
    engine->checked_ms = now_ms;
    enum hec_status status = hec_store_check(engine->store, error);
    if (status == HEC_MISMATCH) {
        hec_log(HEC_LOG_ERROR, "engine", "store_evicts", error->text, NULL);
        hec_meter_add(engine->meter, HEC_S_REDIS_ERRORS + HEC_REDIS_ERROR_MISMATCH, 1);
        return HEC_OK;
    }
    return status;
}

/* The next partition in turn. */
static enum hec_status verify(struct hec_engine *engine, int64_t now_ms, struct hec_error *error)
{
    int32_t count = engine->options.partitions;
    if (now_ms - engine->verified_ms < CHECK_MS / count) {
        return HEC_OK;
    }
    engine->verified_ms = now_ms;
    int32_t p = engine->verify_next++ % count;
    const struct hec_position *position = &engine->positions[p];
    if (!position->assigned) {
        return HEC_OK;
    }
    enum hec_status status =
        hec_store_verify(engine->store, p, position->marked ? &position->mark : NULL,
                         position->maybe ? &position->maybe_watermark : NULL, NULL, error);
    if (status != HEC_MISMATCH) {
        return status;
    }
    status = hec_partition_rebuild(engine, p, HEC_REBUILD_NO_STATE, error);
    /* What was said since the last commit will be said again by the rows that this takes back to.
     */
    bool open = engine->open_rows > 0 || hec_outbox_is_committing(engine->outbox);
    return status == HEC_OK && open ? HEC_ABORTED : status;
}

static bool is_there(const struct hec_engine *engine)
{
    return hec_store_is_connected(engine->store) && !engine->store_was_away;
}

enum hec_status hec_upkeep(struct hec_engine *engine, struct hec_error *error)
{
    int64_t now_ms = hec_now_ms();
    enum hec_status status = HEC_OK;
    if (hec_checkpoint_is_under_way(engine)) {
        return HEC_OK; /* the store is busy */
    }
    if (is_there(engine)) {
        status = sweep(engine, now_ms, error);
    }
    if (status == HEC_OK && is_there(engine)) {
        status = check(engine, now_ms, error);
    }
    if (status == HEC_OK && is_there(engine)) {
        status = verify(engine, now_ms, error);
    }
    /* A store that does not answer is met again by the next step. */
    return hec_is_away(status) ? HEC_OK : status;
}
