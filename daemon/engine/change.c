/*
 * What others want of an engine, taken between two batches: another model, a pause, its end.
 */
#include <assert.h>

#include "engine/inside.h"
#include "ops/drift.h"
#include "ops/log.h"

void hec_engine_pause(struct hec_engine *engine, bool paused)
{
    atomic_store_explicit(&engine->pause_wanted, paused, memory_order_relaxed);
    if (!paused) {
        atomic_fetch_add_explicit(&engine->resumes_wanted, 1, memory_order_relaxed);
    }
}

void hec_let_flow(struct hec_engine *engine)
{
    bool held = engine->paused || engine->circuit.is_open || engine->too_long_away ||
                (engine->store_was_away && engine->options.stop_without_store);
    if (held) {
        hec_source_pause(engine->source);
    } else {
        hec_source_resume(engine->source);
    }
}

/* Whoever resumes has seen why it stands still: it also closes the circuit. */
static void follow_pause(struct hec_engine *engine)
{
    bool wanted = atomic_load_explicit(&engine->pause_wanted, memory_order_relaxed);
    uint64_t resumes = atomic_load_explicit(&engine->resumes_wanted, memory_order_relaxed);
    if (wanted == engine->paused && resumes == engine->resumes) {
        return;
    }
    engine->paused = wanted;
    if (resumes != engine->resumes && engine->circuit.is_open) {
        hec_circuit_close(&engine->circuit);
        hec_log(HEC_LOG_WARN, "engine", "circuit_closed", "records are taken again", "engine=%d",
                engine->options.index);
    }
    engine->resumes = resumes;
    hec_let_flow(engine);
}

void hec_reason_columns_of(struct hec_reason_columns *columns, const struct hec_plan *plan,
                           const struct hec_model *model)
{
    columns->schema = hec_plan_schema(plan);
    columns->numerics = hec_plan_numerics(plan);
    columns->categories = hec_plan_categories(plan);
    for (int c = 0; c < columns->numerics; c++) {
        columns->features[c] = hec_plan_numeric_feature(plan, c);
        columns->usual[c] = hec_model_usual(model, c);
    }
    for (int c = 0; c < columns->categories; c++) {
        columns->features[columns->numerics + c] = hec_plan_category_feature(plan, c);
    }
}

void hec_name_columns(struct hec_engine *engine)
{
    hec_reason_columns_of(&engine->reason_columns, engine->options.plan, engine->options.model);
}

void hec_engine_offer(struct hec_engine *engine, struct hec_engine_change *change)
{
    atomic_store_explicit(&change->taken, false, memory_order_relaxed);
    struct hec_engine_change *before = atomic_exchange(&engine->offered, change);
    assert(before == NULL);
    (void)before;
}

/* Between two batches: the next one is judged by what was offered, wholly. */
static void follow_change(struct hec_engine *engine)
{
    if (atomic_load_explicit(&engine->offered, memory_order_relaxed) == NULL) {
        return;
    }
    struct hec_engine_change *change = atomic_exchange(&engine->offered, NULL);
    engine->options.model = change->model;
    engine->options.model_sha256 = change->model_sha256;
    engine->options.policy = change->policy;
    engine->options.rules = change->rules;
    engine->options.rule_slots = change->rule_slots;
    engine->options.score_sample_ratio = change->score_sample_ratio;
    hec_drift_follow(engine->meter->drift, change->model, change->model_sha256);
    if (change->scorer != NULL) {
        struct hec_scorer *before = engine->scorer;
        engine->scorer = change->scorer;
        change->scorer = before;
        hec_name_columns(engine);
    }
    if (change->swaps_shadow) {
        struct hec_shadow *before = engine->shadow;
        engine->shadow = change->shadow;
        change->shadow = before;
    }
    atomic_store_explicit(&change->taken, true, memory_order_release);
}

void hec_follow_orders(struct hec_engine *engine)
{
    follow_pause(engine);
    follow_change(engine);
    if (engine->options.lists != NULL) {
        hec_board_follow(engine->options.lists, &engine->lists);
    }
}
