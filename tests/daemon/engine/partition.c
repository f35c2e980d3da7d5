/* Where partitions stand when the world fails between two steps: never ahead of what was published,
 * never held by two, never lost. */
#include "world.h"

static void end(void)
{
    world_end();
}

TestSuite(partition, .fini = end);

Test(partition, reads_a_shard_that_another_engine_took_over)
{
    world_begin(2);
    struct hec_engine_options first = options_of("one-0", 0), second = options_of("one-1", 1);
    struct hec_engine *engines[2] = { engine_of(&first), NULL };
    pay_all(0, 20);
    run_rows(engines[0], 40);
    cr_assert_eq(view_of(engines[0]).partitions, 2);

    engines[1] = engine_of(&second);
    int64_t until_ms = hec_now_ms() + 20000;
    while ((view_of(engines[0]).partitions != 1 || view_of(engines[1]).partitions != 1) &&
           hec_now_ms() < until_ms) {
        for (int i = 0; i < 2; i++) {
            cr_assert_eq(step(engines[i]), HEC_OK, "engine %d: %s", i, world.error.text);
        }
    }
    cr_assert_eq(view_of(engines[1]).partitions, 1);
    pay_all(20, 20);
    until_ms = hec_now_ms() + 20000;
    while (view_of(engines[0]).rows + view_of(engines[1]).rows < 80 && hec_now_ms() < until_ms) {
        for (int i = 0; i < 2; i++) {
            enum hec_status status = step(engines[i]);
            cr_assert_eq(status, HEC_OK, "engine %d: %s", i, world.error.text);
        }
    }
    cr_expect_eq(view_of(engines[0]).rows + view_of(engines[1]).rows, 80);
    hec_engine_free(engines[0], 3000);
    hec_engine_free(engines[1], 3000);
}

/* A second daemon with the same identity takes the producer over first and the partitions a moment
 * later. In between the first one leaves, and what it could not publish must not be in the store:
 * the second would find a state ahead of the log. */
Test(partition, stores_nothing_that_was_not_published_when_its_producer_is_supplanted)
{
    static const int SUPPLANTED[] = { 90, 90, 90 }; /* PRODUCER_FENCED, to EndTxn */
    world_begin(1);
    struct hec_engine_options options = options_of("one-0", 0);
    options.sink.transactional_id = "one-0";
    options.commit_interval_ms = 60000;
    options.checkpoint_interval_ms = 60000;
    struct hec_engine *engine = engine_of(&options);
    pay_all(0, 20);
    run_rows(engine, 20);
    hec_mock_push_errors(world.mock, 26, SUPPLANTED, 3);
    cr_expect_eq(hec_engine_drain(engine, &world.error), HEC_FENCED, "%s", world.error.text);
    hec_engine_free(engine, 3000);
    cr_expect_eq(stored_offset(0), -1, "stored %" PRId64 ", published nothing", stored_offset(0));
}

Test(partition, refuses_a_partition_that_the_topic_did_not_have_at_the_start)
{
    world_begin(2);
    world.partitions = 1;
    struct hec_engine_options options = options_of("one-0", 0);
    struct hec_engine *engine = engine_of(&options);
    enum hec_status status = HEC_OK;
    int64_t until_ms = hec_now_ms() + 20000;
    while (status == HEC_OK && view_of(engine).partitions == 0 && hec_now_ms() < until_ms) {
        status = step(engine);
    }
    cr_expect_eq(status, HEC_MISMATCH, "%s", hec_status_name(status));
    cr_expect_not_null(strstr(world.error.text, "partitions"), "%s", world.error.text);
    hec_engine_free(engine, 3000);
}

Test(partition, is_not_live_before_its_replay_is_done)
{
    world_begin(1);
    struct hec_engine_options options = options_of("one-0", 0);
    struct hec_engine *engine = engine_of(&options);
    pay_all(0, 200);
    run_rows(engine, 200);
    run_ms(engine, 200);
    hec_engine_free(engine, 3000);
    char ignored[64];
    redis_fixture_cli(&world.redis, "FLUSHALL", ignored, sizeof(ignored));

    options.batch_rows_max = 1;
    engine = engine_of(&options);
    int64_t until_ms = hec_now_ms() + 20000;
    struct hec_engine_view view = view_of(engine);
    for (int64_t replayed = 0; !(view.assigned && view.live) && hec_now_ms() < until_ms;) {
        cr_assert_eq(step(engine), HEC_OK, "%s", world.error.text);
        view = view_of(engine);
        replayed = hec_metrics_value(world.metrics, HEC_S_REPLAYED);
        cr_assert(!(view.assigned && view.live) || replayed == 200, "live after %d of 200",
                  (int)replayed);
    }
    cr_expect(view.assigned && view.live);
    hec_engine_free(engine, 3000);
}

Test(partition, a_member_that_is_given_none_is_assigned_and_live)
{
    world_begin(1);
    struct hec_engine_options first = options_of("one-0", 0), second = options_of("one-1", 1);
    struct hec_engine *engines[2] = { engine_of(&first), engine_of(&second) };
    int64_t until_ms = hec_now_ms() + 20000;
    bool both = false;
    while (!both && hec_now_ms() < until_ms) {
        both = true;
        for (int i = 0; i < 2; i++) {
            cr_assert_eq(step(engines[i]), HEC_OK, "engine %d: %s", i, world.error.text);
            struct hec_engine_view view = view_of(engines[i]);
            both &= view.assigned && view.live;
        }
    }
    cr_expect(both);
    hec_engine_free(engines[0], 3000);
    hec_engine_free(engines[1], 3000);
}
