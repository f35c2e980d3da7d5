/*
 * What a record costs that cannot be published: its dead letter, and nothing else.
 *
 * A broker that refuses an output breaks the transaction, and the same output breaks every attempt
 * after it. So whatever was refused is published alone by the next attempt (suspects.h), and what
 * is refused alone goes to the dead letters. Its state stays: that depends on the log alone, and a
 * replay would count the event, too.
 */
#include <assert.h>
#include <inttypes.h>

#include "engine/inside.h"
#include "ops/log.h"

static_assert(HEC_PARTITIONS_MAX <= 1 << 10, "an origin has ten bits of them");
static_assert(sizeof(void *) >= sizeof(uint64_t), "an origin goes where a pointer does");

uint64_t hec_poison_origin(int32_t partition, int64_t offset)
{
    return ((uint64_t)offset << 11) | ((uint64_t)partition << 1) | 1; /* never 0 */
}

bool hec_poison_is_suspected(const struct hec_engine *engine)
{
    return engine->suspects->count > 0;
}

enum hec_status hec_poison_set_apart(struct hec_engine *engine, struct hec_error *error)
{
    engine->apart = false;
    const struct hec_row *row = engine->batch->rows;
    if (!hec_poison_is_suspected(engine) || engine->batch->rows_count == 0 || row->silent ||
        hec_suspects_way(engine->suspects, row->partition, row->offset) == HEC_WAY_USUAL) {
        return HEC_OK;
    }
    uint64_t rewinds = engine->rewinds;
    enum hec_status status = hec_partitions_commit(engine, error);
    if (status == HEC_OK && engine->rewinds != rewinds) {
        hec_batch_reset(engine->batch); /* it comes again */
        return HEC_OK;
    }
    engine->apart = true;
    return status;
}

static void accuse(struct hec_engine *engine, int32_t partition, int64_t offset, bool proved,
                   const char *why)
{
    enum hec_way before = hec_suspects_way(engine->suspects, partition, offset);
    enum hec_way way = hec_suspects_accuse(engine->suspects, partition, offset, proved);
    if (way == before && way != HEC_WAY_NONE) {
        return;
    }
    if (way == HEC_WAY_ALONE) {
        hec_meter_add(engine->meter, HEC_S_SUSPECTS, 1);
        hec_log(HEC_LOG_WARN, "engine", "suspected",
                "what a record said was refused: it is "
                "published alone",
                "engine=%d partition=%d offset=%" PRId64, engine->options.index, (int)partition,
                offset);
        return;
    }
    hec_log(HEC_LOG_ERROR, "engine", "poison",
            way == HEC_WAY_NONE ? "not even the dead letter of a record is taken: see "
                                  "max.message.bytes of the dead letter topic"
                                : "what a record says cannot be published: it is set aside",
            "engine=%d partition=%d offset=%" PRId64 " why=%s", engine->options.index,
            (int)partition, offset, why);
    if (way == HEC_WAY_NONE) {
        engine->circuit.is_open = true;
        hec_let_flow(engine);
    }
}

void hec_poison_blame(struct hec_engine *engine)
{
    const uint64_t *origins;
    int count = hec_outbox_refused(engine->outbox, &origins);
    hec_suspects_next_attempt(engine->suspects);
    for (int i = 0; i < count; i++) {
        accuse(engine, (int32_t)(origins[i] >> 1 & (HEC_PARTITIONS_MAX - 1)),
               (int64_t)(origins[i] >> 11), false, "refused by a broker");
    }
}

enum hec_status hec_poison_too_large(struct hec_engine *engine, const struct hec_row *row,
                                     struct hec_error *error)
{
    hec_suspects_next_attempt(engine->suspects);
    accuse(engine, row->partition, row->offset, true, error->text);
    return HEC_ABORTED; /* what it said before that is taken back with the rest */
}

void hec_poison_count(struct hec_engine *engine, int rows, int letters)
{
    int64_t now_ms = hec_now_ms(), all, bad;
    if (!hec_circuit_count(&engine->circuit, rows, letters, now_ms)) {
        return;
    }
    hec_circuit_sum(&engine->circuit, now_ms, &all, &bad);
    hec_log(HEC_LOG_ERROR, "engine", "circuit_opened",
            "too many records are set aside: nothing more is read until `hecate resume`",
            "engine=%d dead_letters=%" PRId64 " records=%" PRId64 " ratio_max=%g",
            engine->options.index, bad, all, engine->circuit.ratio_max);
    hec_let_flow(engine);
}

void hec_poison_view(struct hec_engine *engine, int64_t now_ms)
{
    int64_t all, bad;
    hec_circuit_sum(&engine->circuit, now_ms, &all, &bad);
    hec_meter_set(engine->meter, HEC_S_CIRCUIT, engine->circuit.is_open);
    atomic_store_explicit(&engine->circuit_open, engine->circuit.is_open, memory_order_relaxed);
    atomic_store_explicit(&engine->recent_rows, all, memory_order_relaxed);
    atomic_store_explicit(&engine->recent_letters, bad, memory_order_relaxed);
}
