/* What judging leaves behind: the budgets in the metrics, and what is told of the breaker. */
#include "world.h"

#include "engine/inside.h"

static void end(void)
{
    world_end();
}

TestSuite(alerts, .fini = end);

/* A partition that has had no event today says what it spent on its own newest day. */
Test(alerts, of_today_alone_are_counted_as_spent)
{
    world_begin(3);
    struct hec_engine_options options = options_of(NULL, 0);
    struct hec_engine *engine = engine_of(&options);
    static const struct {
        bool assigned;
        int32_t day;
        uint32_t used;
    } ROWS[] = { { true, 20000, 3 }, { true, 20001, 4 }, { false, 20002, 5 } };
    for (int32_t p = 0; p < 3; p++) {
        engine->positions[p].assigned = ROWS[p].assigned;
        hec_ledgers_now(engine->ledgers, p)->day = ROWS[p].day;
        hec_ledgers_now(engine->ledgers, p)->heads[0].used = ROWS[p].used;
    }
    hec_publish_ledgers(engine);
    cr_expect_eq(hec_metrics_value(world.metrics, HEC_S_BUDGET_USED), 4);
    hec_ledgers_now(engine->ledgers, 0)->day = 20001;
    hec_publish_ledgers(engine);
    cr_expect_eq(hec_metrics_value(world.metrics, HEC_S_BUDGET_USED), 7);
    for (int32_t p = 0; p < 3; p++) {
        engine->positions[p].assigned = false;
    }
    hec_engine_free(engine, 3000);
}

/* Done again after a rollback, a batch would tell the same again. */
Test(alerts, tell_the_breaker_once_and_when_it_is_committed)
{
    world_begin(1);
    struct hec_engine_options options = options_of(NULL, 0);
    options.commit_interval_ms = 60000;
    options.checkpoint_interval_ms = 60000;
    world.policy.heads[0].alert_at = world.policy.heads[0].hold_at = 0;
    world.policy.heads[0].block_at = 0;
    world.policy.breaker_share = 0.5;
    world.policy.breaker_window_ms = 600000;
    struct hec_engine *engine = engine_of(&options);
    pay_all(0, 2 * HEC_BREAKER_EVENTS_MIN);
    uint64_t told = hec_log_written(HEC_LOG_ERROR);
    run_rows(engine, 2 * HEC_BREAKER_EVENTS_MIN);
    cr_assert(hec_ledgers_now(engine->ledgers, 0)->open);
    cr_expect_eq(hec_log_written(HEC_LOG_ERROR), told);
    cr_assert_eq(hec_partitions_recover(engine, HEC_ABORTED, &world.error), HEC_OK, "%s",
                 world.error.text);
    cr_assert_not(hec_ledgers_now(engine->ledgers, 0)->open, "it was rolled back, too");
    run_rows(engine, 4 * HEC_BREAKER_EVENTS_MIN);
    cr_expect_eq(hec_log_written(HEC_LOG_ERROR), told);
    cr_assert_eq(hec_engine_drain(engine, &world.error), HEC_OK, "%s", world.error.text);
    cr_expect_eq(hec_log_written(HEC_LOG_ERROR), told + 1);
    hec_engine_free(engine, 3000);
}
