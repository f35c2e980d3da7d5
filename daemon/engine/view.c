/*
 * What others may see of engines at work: their own numbers, behind relaxed atomics, and those of
 * all engines of a process folded into one.
 */
#include "engine/inside.h"

void hec_engine_view(const struct hec_engine *engine, struct hec_engine_view *view)
{
    *view = (struct hec_engine_view){
        .steps = atomic_load_explicit(&engine->steps, memory_order_relaxed),
        .assigned = atomic_load_explicit(&engine->assigned, memory_order_relaxed),
        .live = atomic_load_explicit(&engine->live, memory_order_relaxed),
        .store_connected = atomic_load_explicit(&engine->store_connected, memory_order_relaxed),
        .store_paused = atomic_load_explicit(&engine->store_paused, memory_order_relaxed),
        .brokers_down = atomic_load_explicit(&engine->brokers_down, memory_order_relaxed),
        .partitions = atomic_load_explicit(&engine->partitions, memory_order_relaxed),
        .replay_left = atomic_load_explicit(&engine->replay_left, memory_order_relaxed),
        .rows = atomic_load_explicit(&engine->rows, memory_order_relaxed),
        .alerts = atomic_load_explicit(&engine->alerts, memory_order_relaxed),
        .lag_records = atomic_load_explicit(&engine->lag_records, memory_order_relaxed),
        .circuit_open = atomic_load_explicit(&engine->circuit_open, memory_order_relaxed),
        .recent_rows = atomic_load_explicit(&engine->recent_rows, memory_order_relaxed),
        .recent_letters = atomic_load_explicit(&engine->recent_letters, memory_order_relaxed),
    };
}

struct hec_engine_view hec_engines_view(struct hec_engine *const *engines, int count)
{
    struct hec_engine_view all = { .assigned = true, .live = true, .store_connected = true };
    for (int i = 0; i < count; i++) {
        struct hec_engine_view one;
        hec_engine_view(engines[i], &one);
        all.steps += one.steps;
        all.assigned &= one.assigned;
        all.live &= one.live;
        all.store_connected &= one.store_connected;
        all.store_paused |= one.store_paused;
        all.brokers_down |= one.brokers_down;
        all.partitions += one.partitions;
        all.replay_left += one.replay_left;
        all.rows += one.rows;
        all.alerts += one.alerts;
        all.lag_records += one.lag_records;
        all.circuit_open |= one.circuit_open;
        all.recent_rows += one.recent_rows;
        all.recent_letters += one.recent_letters;
    }
    return all;
}
