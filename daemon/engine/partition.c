/*
 * Where each partition stands, and how it gets there again after anything that went wrong.
 *
 * There is one way back for all troubles (a restart, an aborted transaction, a store that was away
 * or emptied): forget the memory, seek to what is stored (W), apply silently up to what was
 * published (C), go on live. Design section 4, invariants I1 to I13.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/inside.h"
#include "ops/log.h"

#define STORE_WAIT_MS 3000

static const struct timespec PAUSE = { 0, 20 * 1000000 };

/* The offset's metadata carries the highest epoch, so that fencing survives a store that was rolled
 * back. Plain ASCII: older librdkafka garbles anything else. */
uint64_t hec_partition_epoch_of(const char *metadata)
{
    uint64_t epoch = 0;
    return sscanf(metadata, "epoch=%" SCNu64, &epoch) == 1 ? epoch : 0;
}

/* I12: state of another topic layout or another cluster would be misread. */
static enum hec_status check_belongs(const struct hec_engine *engine, int32_t partition,
                                     const struct hec_watermark *found, struct hec_error *error)
{
    const struct hec_engine_options *options = &engine->options;
    if (found->partitions != options->partitions) {
        return hec_fail(error, HEC_MISMATCH,
                        "topic %s has %d partitions, the stored state was made with %d: keys have "
                        "moved between partitions. Go back to %d partitions, or use another "
                        "state.key_prefix to rebuild the state from the log",
                        options->input_topic, (int)options->partitions, (int)found->partitions,
                        (int)found->partitions);
    }
    if (strcmp(found->cluster_id, options->cluster_id) != 0) {
        return hec_fail(error, HEC_MISMATCH,
                        "the state in Redis for partition %d belongs to Kafka cluster %s, this one "
                        "is %s: use another state.key_prefix, one for each cluster",
                        (int)partition, found->cluster_id, options->cluster_id);
    }
    return HEC_OK;
}

/* Takes the partition. Redis counts epochs, and the committed offsets remember the last one; but in
 * a Redis that was emptied, with nothing committed since, the same number would be given twice, and
 * it names a generation of state. So an epoch is never below the time of day, in seconds. */
enum hec_status hec_partition_claim(struct hec_engine *engine, int32_t partition, uint64_t floor,
                                    struct hec_error *error)
{
    uint64_t now_s = (uint64_t)hec_now_ms() / 1000;
    return hec_store_claim(engine->store, partition, floor > now_s ? floor : now_s,
                           &engine->positions[partition].epoch, error);
}

static void start_anew(struct hec_engine *engine, int32_t partition, int64_t low,
                       enum hec_rebuild cause)
{
    hec_meter_add(engine->meter, HEC_S_REBUILDS + (int)cause, 1);
    struct hec_position *position = &engine->positions[partition];
    position->generation = (uint32_t)position->epoch;
    position->stored = low;
    position->history_from = low;
    position->fresh = true;
    position->maybe = false;
    position->sweep = false; /* until this generation is stored, the older one is all there is */
}

/* Decides where the state of a partition continues: fills generation, stored and history_from. */
static enum hec_status resume(struct hec_engine *engine, int32_t partition, enum hec_status read,
                              const struct hec_watermark *found, int64_t low,
                              struct hec_error *error)
{
    struct hec_position *position = &engine->positions[partition];
    if (read == HEC_OK) {
        enum hec_status status = check_belongs(engine, partition, found, error);
        if (status != HEC_OK) {
            return status;
        }
        position->mark = *found;
        position->marked = true;
    }
    if (read != HEC_OK || found->state_digest != hec_plan_state_digest(engine->options.plan)) {
        const char *why = read == HEC_OK          ? "the feature schema changed"
                          : read == HEC_NOT_FOUND ? "the store has none"
                                                  : "the stored watermark is damaged";
        start_anew(engine, partition, low,
                   read == HEC_OK          ? HEC_REBUILD_MISMATCH
                   : read == HEC_NOT_FOUND ? HEC_REBUILD_NO_STATE
                                           : HEC_REBUILD_CORRUPT);
        hec_log(HEC_LOG_INFO, "engine", "state_rebuild", "state is built from the log",
                "partition=%d why=%s from=%" PRId64 " committed=%" PRId64, (int)partition, why, low,
                position->committed);
        return HEC_OK;
    }
    if (found->offset > position->committed) {
        return hec_fail(error, HEC_MISMATCH,
                        "partition %d: the stored state is at offset %" PRId64 ", the group's "
                        "committed offset at %" PRId64 ": somebody moved the group back, or its "
                        "offsets went by expiry or with a topic that was deleted. Move it forward "
                        "again (hecate offsets reset), or use another state.key_prefix to rebuild "
                        "the state",
                        (int)partition, found->offset, position->committed);
    }
    position->generation = found->generation;
    position->stored = found->offset;
    position->history_from = found->history_from;
    if (found->offset < low) {
        hec_log(HEC_LOG_WARN, "engine", "history_gap",
                "retention passed the stored state, events in between are missing from it",
                "partition=%d stored=%" PRId64 " first_retained=%" PRId64, (int)partition,
                found->offset, low);
        position->stored = low;
        position->history_from = low;
    }
    return HEC_OK;
}

/* A Redis that restarts in the moment of a rebalance is waited for: without it the partition could
 * not be taken up, and the process would have to end. */
static void await_store(struct hec_engine *engine)
{
    /* Partitions that are held already meet a new connection at the next step. */
    for (int32_t p = 0; p < engine->options.partitions; p++) {
        engine->store_was_away |=
            engine->positions[p].assigned && !hec_store_is_connected(engine->store);
    }
    int64_t until_ms = hec_now_ms() + STORE_WAIT_MS;
    enum hec_status status = hec_store_connect(engine->store, hec_now_ms(), NULL);
    while (status == HEC_UNAVAILABLE && hec_now_ms() < until_ms) {
        nanosleep(&PAUSE, NULL);
        status = hec_store_connect(engine->store, hec_now_ms(), NULL);
    }
}

/* The same for one that is full for a moment, or a Cluster that is moving the slot. */
static enum hec_status claim_patiently(struct hec_engine *engine, int32_t partition, uint64_t floor,
                                       struct hec_error *error)
{
    int64_t until_ms = hec_now_ms() + STORE_WAIT_MS;
    enum hec_status status = hec_partition_claim(engine, partition, floor, error);
    while (status == HEC_UNAVAILABLE && hec_now_ms() < until_ms) {
        nanosleep(&PAUSE, NULL);
        await_store(engine);
        status = hec_partition_claim(engine, partition, floor, error);
    }
    return status;
}

/* An offset that the log never reached is another log's: the topic was made anew. What is published
 * from now on would be taken for published already, up to that offset. */
static enum hec_status check_end(const struct hec_engine *engine, int32_t partition,
                                 int64_t committed, int64_t high, struct hec_error *error)
{
    return committed <= high
               ? HEC_OK
               : hec_fail(error, HEC_MISMATCH,
                          "topic %s, partition %d ends at offset %" PRId64 ", the group has "
                          "committed %" PRId64 ": the topic was made anew or the log was cut. "
                          "Reset the group's offsets and use another state.key_prefix",
                          engine->options.input_topic, (int)partition, high, committed);
}

/* A process that was frozen after it had read the group's offset finds what the next owner stored
 * meanwhile: then the offset has moved, too. */
static enum hec_status read_committed_again(struct hec_engine *engine, int32_t partition,
                                            struct hec_error *error)
{
    struct hec_position *position = &engine->positions[partition];
    struct hec_offset row = { .partition = partition };
    enum hec_status status = hec_source_committed(engine->source, &row, 1, ANSWER_WAIT_MS, error);
    if (status == HEC_OK && row.offset > position->committed) {
        position->committed = row.offset;
        hec_ledgers_open(engine->ledgers, partition, row.metadata);
    }
    return status;
}

/* The offsets of a group expire, or somebody deletes them. To begin at the end then would leave out
 * what came meanwhile without a word; what is stored tells where the group stood at least. */
static void go_on_from_state(struct hec_engine *engine, int32_t partition,
                             const struct hec_watermark *found)
{
    struct hec_position *position = &engine->positions[partition];
    hec_log(HEC_LOG_WARN, "engine", "offsets_missing",
            "the group has no offset, it goes on where its state stands: what was published after "
            "that is said again",
            "partition=%d stored=%" PRId64 " end=%" PRId64, (int)partition, found->offset,
            position->committed);
    position->committed = found->offset;
}

static enum hec_status open_partition(struct hec_engine *engine, const struct hec_offset *committed,
                                      int64_t *start, struct hec_error *error)
{
    int32_t partition = committed->partition;
    struct hec_position *position = &engine->positions[partition];
    *position = (struct hec_position){ .assigned = true };
    hec_entities_drop(engine->entities, partition);

    int64_t low, high;
    enum hec_status status =
        hec_source_bounds(engine->source, partition, &low, &high, ANSWER_WAIT_MS, error);
    if (status != HEC_OK) {
        return status;
    }
    status = check_end(engine, partition, committed->offset, high, error);
    if (status != HEC_OK) {
        return status;
    }
    position->committed = committed->offset;
    hec_ledgers_open(engine->ledgers, partition, committed->metadata);
    if (committed->offset < 0) {
        position->committed = engine->options.start_earliest ? low : high;
    } else if (committed->offset < low) {
        hec_log(HEC_LOG_ERROR, "engine", "events_lost",
                "retention removed events that were never processed: raise retention.ms",
                "partition=%d committed=%" PRId64 " first_retained=%" PRId64, (int)partition,
                committed->offset, low);
        position->committed = low;
    }

    await_store(engine);
    struct hec_watermark found = { 0 };
    enum hec_status read = hec_store_watermark_read(engine->store, partition, &found, error);
    if (read != HEC_OK && read != HEC_NOT_FOUND && read != HEC_CORRUPT) {
        return read;
    }
    uint64_t floor = hec_partition_epoch_of(committed->metadata);
    if (read == HEC_OK && found.epoch > floor) {
        floor = found.epoch;
    }
    status = claim_patiently(engine, partition, floor, error);
    if (status != HEC_OK) {
        return status;
    }
    /* What is read under the claim is the last word: before it, the store may have been emptied. */
    read = hec_store_watermark_read(engine->store, partition, &found, error);
    if (read != HEC_OK && read != HEC_NOT_FOUND && read != HEC_CORRUPT) {
        return read;
    }
    if (read == HEC_OK && committed->offset < 0 && !engine->options.start_earliest &&
        found.offset < position->committed) {
        go_on_from_state(engine, partition, &found);
    }
    if (read == HEC_OK && found.offset > position->committed) {
        status = read_committed_again(engine, partition, error);
        if (status != HEC_OK) {
            return status;
        }
    }
    status = resume(engine, partition, read, &found, low, error);
    if (status != HEC_OK) {
        return status;
    }
    engine->generations[partition] = position->generation;
    position->next = position->stored;
    *start = position->next;
    return HEC_OK;
}

/* Rows in the caller's hands from before a rebalance must not be taken for rows after it. */
static void count_assigned(struct hec_engine *engine)
{
    int count = 0;
    for (int32_t p = 0; p < engine->options.partitions; p++) {
        engine->owned[p] = engine->positions[p].assigned;
        count += engine->owned[p];
    }
    hec_entities_set_partitions(engine->entities, engine->options.partitions, engine->owned);
    hec_meter_set(engine->meter, HEC_S_ASSIGNED, count);
    atomic_store_explicit(&engine->partitions, count, memory_order_relaxed);
}

/* I12 while running: partitions that were added to the topic meanwhile took keys along. */
static enum hec_status check_number(const struct hec_engine *engine, int32_t partition,
                                    struct hec_error *error)
{
    return partition < engine->options.partitions
               ? HEC_OK
               : hec_fail(error, HEC_MISMATCH,
                          "topic %s had %d partitions when this process started and has partition "
                          "%d now: keys have moved between partitions. Use another "
                          "state.key_prefix to rebuild the state from the log",
                          engine->options.input_topic, (int)engine->options.partitions,
                          (int)partition);
}

enum hec_status hec_partitions_assigned(void *context, struct hec_source_start *start, int count)
{
    struct hec_engine *engine = context;
    struct hec_error *error = &engine->rebalance_error;
    error->text[0] = '\0';
    struct hec_offset *committed = calloc((size_t)count + 1, sizeof(*committed));
    if (committed == NULL) {
        return HEC_NO_MEMORY;
    }
    enum hec_status status = hec_checkpoint_settle(engine, error);
    for (int i = 0; i < count && status == HEC_OK; i++) {
        committed[i].partition = start[i].partition;
        status = check_number(engine, start[i].partition, error);
    }
    if (count > 0 && status == HEC_OK) {
        status = hec_source_committed(engine->source, committed, count, ANSWER_WAIT_MS, error);
    }
    for (int i = 0; i < count && status == HEC_OK; i++) {
        status = open_partition(engine, &committed[i], &start[i].offset, error);
    }
    free(committed);
    count_assigned(engine);
    for (int i = 0; i < count && status == HEC_OK;
         i++) { /* the table takes it of owned ones only */
        int32_t partition = start[i].partition;
        hec_entities_set_complete(engine->entities, partition, engine->positions[partition].fresh);
    }
    if (status == HEC_OK) {
        hec_meter_add(engine->meter, HEC_S_REBALANCES + HEC_REBALANCE_ASSIGN, 1);
        hec_log(HEC_LOG_INFO, "engine", "assigned", "partitions assigned", "engine=%d count=%d",
                engine->options.index, count);
        error->text[0] = '\0'; /* what was looked for and not found is no error */
    }
    return status;
}

void hec_partitions_revoked(void *context, const int32_t *partitions, int count, bool lost)
{
    struct hec_engine *engine = context;
    struct hec_error *error = &engine->rebalance_error;
    error->text[0] = '\0';
    enum hec_status status = HEC_OK;
    if (lost || engine->failed || engine->silent) {
        status = hec_partitions_give_up(engine, error);
    } else {
        /* The position of every row taken so far is in memory, so the cut is whole. */
        status = hec_partitions_publish(engine, error);
        if (status == HEC_OK) {
            status = hec_partitions_checkpoint(engine, error);
        } else {
            enum hec_status dropped = hec_partitions_give_up(engine, NULL);
            status = status == HEC_ABORTED ? dropped : status;
        }
    }
    enum hec_status settled = hec_checkpoint_settle(engine, status == HEC_OK ? error : NULL);
    status = status == HEC_OK ? settled : status;
    if (status == HEC_FENCED) {
        engine->rebalance_status = status; /* told by the poll that we are in */
    }
    if (status != HEC_OK) {
        hec_log(HEC_LOG_WARN, "engine", "revoke_unfinished",
                "open work was dropped, the next owner does it again", "why=%s", error->text);
    }
    for (int i = 0; i < count; i++) {
        hec_entities_drop(engine->entities, partitions[i]);
        hec_store_release(engine->store, partitions[i]);
        hec_suspects_forget(engine->suspects, partitions[i], INT64_MAX);
        engine->positions[partitions[i]].assigned = false;
        hec_meter_lag_end(engine->meter, partitions[i]);
    }
    engine->open_rows = 0;
    engine->open_since_ms = 0;
    count_assigned(engine);
    hec_meter_add(engine->meter,
                  HEC_S_REBALANCES + (lost ? HEC_REBALANCE_LOST : HEC_REBALANCE_REVOKE), 1);
    hec_log(HEC_LOG_INFO, "engine", "revoked", "partitions given back",
            "engine=%d count=%d lost=%d", engine->options.index, count, lost);
}

/* HEC_UNAVAILABLE is said of the store alone, which is met again. What a broker left unanswered
 * halfway back cannot be taken up again: the next life begins from what is stored. */
static enum hec_status of_brokers(enum hec_status status)
{
    return status == HEC_UNAVAILABLE ? HEC_FATAL : status;
}

enum hec_status hec_partition_rewind(struct hec_engine *engine, int32_t partition,
                                     struct hec_error *error)
{
    struct hec_position *position = &engine->positions[partition];
    enum hec_status status = hec_checkpoint_settle(engine, error);
    if (status != HEC_OK) {
        return status;
    }
    engine->rewinds++;
    hec_entities_drop(engine->entities, partition);
    hec_entities_set_complete(engine->entities, partition, position->fresh);
    position->next = position->stored;
    position->holes = false;
    hec_ledgers_rewind(engine->ledgers, partition);
    return of_brokers(
        hec_source_seek(engine->source, partition, position->next, ANSWER_WAIT_MS, error));
}

enum hec_status hec_partitions_rewind_all(struct hec_engine *engine, struct hec_error *error)
{
    for (int32_t p = 0; p < engine->options.partitions; p++) {
        if (engine->positions[p].assigned) {
            enum hec_status status = hec_partition_rewind(engine, p, error);
            if (status != HEC_OK) {
                return status;
            }
        }
    }
    return HEC_OK;
}

/* An older copy of the store is what the store was once: whole, of this log, and behind what was
 * published. Only what came after it is missing, and that is in the log. (Of another generation it
 * is not taken: its records may have been deleted since.) */
static bool is_older_copy(const struct hec_engine *engine, const struct hec_position *position,
                          const struct hec_watermark *mark)
{
    return mark->generation == position->generation && !position->fresh &&
           mark->state_digest == hec_plan_state_digest(engine->options.plan) &&
           mark->partitions == engine->options.partitions &&
           strcmp(mark->cluster_id, engine->options.cluster_id) == 0 &&
           mark->offset <= position->committed;
}

static enum hec_status take_up(struct hec_engine *engine, int32_t partition,
                               const struct hec_watermark *mark, int64_t low,
                               struct hec_error *error)
{
    struct hec_position *position = &engine->positions[partition];
    hec_log(HEC_LOG_WARN, "engine", "state_older", "an older copy of the state is taken up",
            "partition=%d stored=%" PRId64 " before=%" PRId64 " committed=%" PRId64, (int)partition,
            mark->offset, position->stored, position->committed);
    position->fresh = false;
    position->maybe = false;
    position->sweep = false;
    return resume(engine, partition, HEC_OK, mark, low, error);
}

enum hec_status hec_partition_rebuild(struct hec_engine *engine, int32_t partition,
                                      enum hec_rebuild cause, struct hec_error *error)
{
    struct hec_position *position = &engine->positions[partition];
    struct hec_watermark mark = { 0 };
    int64_t low = 0, high = 0;
    enum hec_status status = hec_checkpoint_settle(engine, error);
    if (status == HEC_OK) {
        status = of_brokers(
            hec_source_bounds(engine->source, partition, &low, &high, ANSWER_WAIT_MS, error));
    }
    if (status == HEC_OK) {
        status = hec_partition_claim(engine, partition, position->epoch, error);
    }
    if (status == HEC_OK) {
        enum hec_status read = hec_store_watermark_read(engine->store, partition, &mark, error);
        status = hec_is_away(read) ? read : HEC_OK;
        /* Not before it is known: what is expected of the store is what makes the next meeting
         * begin this again. */
        if (status == HEC_OK) {
            position->mark = mark;
            position->marked = read == HEC_OK;
        }
    }
    /* Nothing was forgotten yet: the store is met again, and what is found there begins this. */
    if (hec_is_away(status)) {
        engine->store_was_away = true;
        return HEC_UNAVAILABLE;
    }
    if (status != HEC_OK) {
        return status;
    }
    if (cause == HEC_REBUILD_NO_STATE && position->marked &&
        is_older_copy(engine, position, &mark)) {
        status = take_up(engine, partition, &mark, low, error);
    } else {
        hec_log(HEC_LOG_WARN, "engine", "state_rebuild", "state is built from the log",
                "partition=%d cause=%d from=%" PRId64 " committed=%" PRId64, (int)partition,
                (int)cause, low, position->committed);
        start_anew(engine, partition, low, cause);
    }
    engine->generations[partition] = position->generation;
    return status == HEC_OK ? hec_partition_rewind(engine, partition, error) : status;
}

int32_t hec_partition_torn(const struct hec_engine *engine, const struct hec_batch *batch)
{
    for (int i = 0; i < batch->missing_count; i++) {
        int32_t partition = hec_entity_id(batch->missing[i]).partition;
        if (engine->owned[partition] &&
            hec_entity_last_off(batch->missing[i]) >= engine->positions[partition].stored) {
            return partition;
        }
    }
    return -1;
}
