/*
 * What was said and how far was read, out into the world as one, while the engine goes on; and the
 * way back when a transaction breaks. Design section 4, I1, I5, I8, I10; ruling 1.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/inside.h"
#include "ops/drift.h"
#include "ops/log.h"

#define LOOK_MS 1 /* between two looks at questions, while a commit is waited for */

static int offsets_to_commit(struct hec_engine *engine, struct hec_offset *offsets)
{
    int count = 0;
    for (int32_t p = 0; p < engine->options.partitions; p++) {
        struct hec_position *position = &engine->positions[p];
        if (!position->assigned || position->next <= position->committed) {
            continue;
        }
        position->sent_epoch = position->epoch;
        offsets[count].partition = p;
        offsets[count].offset = position->next;
        char *metadata = offsets[count].metadata;
        int used = snprintf(metadata, HEC_METADATA_BYTES_MAX, "epoch=%" PRIu64 " state=%016" PRIx64,
                            position->epoch, hec_plan_state_digest(engine->options.plan));
        if (!hec_ledgers_send(engine->ledgers, p, metadata + used,
                              HEC_METADATA_BYTES_MAX - (size_t)used)) {
            hec_log(
                HEC_LOG_WARN, "engine", "ledger_not_kept",
                "budget and breaker would begin anew after a restart: fewer heads with a budget "
                "have room beside the offset",
                "partition=%d", (int)p);
        }
        count++;
    }
    return count;
}

enum hec_commit_result hec_commit_result(enum hec_status status)
{
    return status == HEC_OK        ? HEC_COMMIT_OK
           : status == HEC_ABORTED ? HEC_COMMIT_ABORTED
           : status == HEC_FENCED  ? HEC_COMMIT_FENCED
                                   : HEC_COMMIT_FATAL;
}

static enum hec_status start(struct hec_engine *engine, struct hec_error *error)
{
    if (engine->open_rows == 0) {
        return HEC_OK;
    }
    int count = offsets_to_commit(engine, engine->offsets);
    enum hec_status status =
        hec_outbox_commit(engine->outbox, engine->source, engine->offsets, count, error);
    if (status == HEC_OK) {
        engine->open_rows = 0;
        engine->open_since_ms = 0;
        engine->under_way = engine->open;
        memset(&engine->open, 0, sizeof(engine->open));
        hec_drift_send(engine->meter->drift);
    }
    return status;
}

/* What is committed is counted then: a batch that is rolled back comes again. */
static void count_published(struct hec_engine *engine)
{
    atomic_fetch_add_explicit(&engine->alerts,
                              (uint64_t)engine->under_way.values[HEC_S_PRODUCED + HEC_OUTPUT_ALERT],
                              memory_order_relaxed);
    hec_tally_count(&engine->under_way, engine->meter);
    hec_drift_settle(engine->meter->drift);
}

/* Who sees the breaker open wants to know when it opened. Told when it is committed, as all is: a
 * batch that is done again would tell it again. */
static void tell_breaker(const struct hec_engine *engine, int32_t partition, bool was_open)
{
    const struct hec_ledger *ledger = hec_ledgers_settled(engine->ledgers, partition);
    if (ledger->open == was_open) {
        return;
    }
    uint32_t events, blocks;
    hec_ledger_window(ledger, &events, &blocks);
    hec_log(was_open ? HEC_LOG_INFO : HEC_LOG_ERROR, "engine",
            was_open ? "breaker_closed" : "breaker_open",
            was_open ? "block is block again"
                     : "blocks run away: block is review until they are fewer",
            "partition=%d blocks=%u events=%u", (int)partition, blocks, events);
}

/* Learns how the commit that is under way went. */
static enum hec_status settle(struct hec_engine *engine, struct hec_error *error)
{
    if (!hec_outbox_is_committing(engine->outbox)) {
        return HEC_OK;
    }
    struct hec_publication made;
    while (!hec_outbox_look(engine->outbox, LOOK_MS)) {
        /* Without the store nothing can go wrong. */
        (void)!hec_questions_answer(engine, false, error);
    }
    enum hec_status status = hec_outbox_settle(engine->outbox, &made, error);
    hec_meter_add(engine->meter, HEC_S_COMMITS + (int)hec_commit_result(status), 1);
    hec_meter_observe(engine->meter, HEC_D_STAGE + HEC_STAGE_COMMIT, 1000 * made.took_us);
    if (status != HEC_OK) {
        return status;
    }
    count_published(engine);
    for (int i = 0; i < made.count; i++) {
        int32_t partition = made.offsets[i].partition;
        bool was_open = hec_ledgers_settled(engine->ledgers, partition)->open;
        engine->positions[partition].committed = made.offsets[i].offset;
        hec_ledgers_settle(engine->ledgers, partition);
        tell_breaker(engine, partition, was_open);
        hec_suspects_forget(engine->suspects, partition, made.offsets[i].offset);
    }
    hec_meter_set(engine->meter, HEC_S_LAST_COMMIT, hec_wall_ms());
    return HEC_OK;
}

enum hec_status hec_partitions_publish(struct hec_engine *engine, struct hec_error *error)
{
    enum hec_status status = settle(engine, error);
    if (status == HEC_OK) {
        status = start(engine, error);
    }
    return status == HEC_OK ? settle(engine, error) : status;
}

enum hec_status hec_partitions_commit(struct hec_engine *engine, struct hec_error *error)
{
    enum hec_status status = hec_partitions_publish(engine, error);
    return status == HEC_OK ? HEC_OK : hec_partitions_recover(engine, status, error);
}

enum hec_status hec_partitions_commit_start(struct hec_engine *engine, struct hec_error *error)
{
    enum hec_status status = settle(engine, error);
    if (status == HEC_OK) {
        status = start(engine, error);
    }
    return status == HEC_OK ? HEC_OK : hec_partitions_recover(engine, status, error);
}

enum hec_status hec_partitions_commit_settle(struct hec_engine *engine, struct hec_error *error)
{
    enum hec_status status = settle(engine, error);
    return status == HEC_OK ? HEC_OK : hec_partitions_recover(engine, status, error);
}

static void forget_counts(struct hec_engine *engine)
{
    memset(&engine->open, 0, sizeof(engine->open));
    memset(&engine->under_way, 0, sizeof(engine->under_way));
    hec_drift_forget(engine->meter->drift);
}

enum hec_status hec_partitions_give_up(struct hec_engine *engine, struct hec_error *error)
{
    /* A commit that is under way goes well or not; either way nothing of it is left open. */
    enum hec_status status = settle(engine, error);
    enum hec_status aborted = hec_outbox_abort(engine->outbox, error);
    forget_counts(engine);
    return status == HEC_FENCED ? status : aborted;
}

/* The broker's word on what was published; after a broken commit only it knows. If an offset has
 * moved and the move is ours, the commit that broke went through after all; if it is another's, who
 * took our identity while we were frozen, he has counted. */
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
        const struct hec_offset *found = &engine->offsets[i];
        struct hec_position *position = &engine->positions[found->partition];
        if (found->offset > position->committed) {
            bool was_open = hec_ledgers_settled(engine->ledgers, found->partition)->open;
            position->committed = found->offset;
            hec_ledgers_open(engine->ledgers, found->partition, found->metadata);
            /* Ours by the epoch that it was sent with: a store that is met again raises it. */
            if (hec_partition_epoch_of(found->metadata) == position->sent_epoch) {
                count_published(engine); /* the first one takes all there is */
                tell_breaker(engine, found->partition, was_open);
            }
        }
    }
    return status;
}

/* What is rolled back is done again from what is stored. Brokers that say nothing are waited for: a
 * new life of the process would find no better ones, and would have to load everything anew. */
static enum hec_status come_back(struct hec_engine *engine, enum hec_status status,
                                 struct hec_error *error)
{
    if (status == HEC_FATAL || status == HEC_UNAVAILABLE) {
        status = hec_outbox_recreate(engine->outbox, error);
    }
    if (status == HEC_OK) {
        hec_poison_blame(engine);
        status = read_committed(engine, error);
    }
    bool was_silent = engine->silent;
    engine->silent = status == HEC_UNAVAILABLE;
    if (engine->silent && !was_silent) {
        hec_log(HEC_LOG_WARN, "engine", "brokers_silent",
                "no broker answers, nothing is read until one does", "why=%s", error->text);
    }
    if (!engine->silent) {
        forget_counts(engine);
    }
    return status == HEC_OK ? hec_partitions_rewind_all(engine, error) : status;
}

enum hec_status hec_partitions_recover(struct hec_engine *engine, enum hec_status broken,
                                       struct hec_error *error)
{
    /* What broke may have been the batch after the one that is being committed. */
    enum hec_status before = settle(engine, error);
    broken = before == HEC_OK ? broken : before;
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
        status = hec_outbox_abort(engine->outbox, error);
    }
    return come_back(engine, status, error);
}

enum hec_status hec_partitions_come_back(struct hec_engine *engine, struct hec_error *error)
{
    return engine->silent ? come_back(engine, HEC_UNAVAILABLE, error) : HEC_OK;
}
