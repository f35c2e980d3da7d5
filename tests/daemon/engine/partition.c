/* Where partitions stand when the world fails between two steps: never ahead of what was published,
 * never held by two, never lost. */
#include "world.h"

#include "engine/inside.h"
#include "store/watermark.h"

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
    /* More than 80 when a machine is so slow that partitions change hands once more. */
    cr_expect_geq(view_of(engines[0]).rows + view_of(engines[1]).rows, 80);
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
    struct hec_engine_options options = options_of(NULL, 0);
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

static int dead_letters(char *value, size_t size)
{
    struct hec_tap *tap = NULL;
    struct hec_record record;
    int count = 0;
    cr_assert_eq(hec_tap_new(&tap, &world.kafka, "dead", HEC_TAP_START, &world.error), HEC_OK);
    while (hec_tap_next(tap, &record, 3000, &world.error) == HEC_OK) {
        snprintf(value, size, "%.*s", (int)record.value_length, (const char *)record.value);
        hec_source_release(&record, 1);
        count++;
    }
    hec_tap_close(tap);
    return count;
}

Test(partition, publishes_a_dead_letter_of_a_record_that_no_topic_would_take)
{
    enum { LARGE = 100000 };
    static char large[LARGE], value[128];
    world_begin(1);
    struct hec_engine_options options = options_of("one-0", 0);
    options.sink.record_bytes_max = LARGE / 2;
    struct hec_engine *engine = engine_of(&options);
    memset(large, 'x', sizeof(large));
    cr_assert_eq(hec_feed_send(world.feed, "in", 0, "u0", 2, large, LARGE, T0, &world.error),
                 HEC_OK);
    cr_assert_eq(hec_feed_flush(world.feed, 10000, &world.error), HEC_OK);
    run_rows(engine, 1);
    run_ms(engine, 200);
    cr_expect_eq(dead_letters(value, sizeof(value)), 1);
    cr_expect_eq(strncmp(value, "sha256:", 7), 0, "%s", value);
    hec_engine_free(engine, 3000);
}

Test(partition, counts_a_late_event_once)
{
    world_begin(1);
    struct hec_engine_options options = options_of("one-0", 0);
    struct hec_engine *engine = engine_of(&options);
    pay(0, 1000000000);
    pay(0, 1);
    cr_assert_eq(hec_feed_flush(world.feed, 10000, &world.error), HEC_OK);
    run_rows(engine, 2);
    cr_assert_eq(hec_engine_drain(engine, &world.error), HEC_OK); /* counted when it is committed */
    cr_expect_eq(hec_metrics_value(world.metrics, HEC_S_LATE + HEC_LATE_ACTION_SCORE_ONLY), 1);
    hec_engine_free(engine, 3000);
}

static enum hec_status commit_anything(void *context, struct hec_source_start *start, int count)
{
    (void)context;
    for (int i = 0; i < count; i++) {
        start[i].offset = 0;
    }
    return HEC_OK;
}

static void revoke_anything(void *context, const int32_t *partitions, int count, bool lost)
{
    (void)context;
    (void)partitions;
    (void)count;
    (void)lost;
}

/* Commits an offset for the group as a former life of the topic would have. */
static void commit_offset(int64_t offset)
{
    struct hec_source *source = NULL;
    struct hec_source_options options = options_of(NULL, 0).source;
    struct hec_source_callbacks callbacks = { commit_anything, revoke_anything, NULL };
    struct hec_offset row = { .partition = 0, .offset = offset };
    struct hec_record rows[1];
    int count = 0;
    cr_assert_eq(hec_source_new(&source, &options, &callbacks, &world.error), HEC_OK);
    for (int i = 0; i < 400 && !hec_source_is_assigned(source); i++) {
        cr_assert_eq(hec_source_poll(source, rows, 1, 25, 0, &count, &world.error), HEC_OK);
        hec_source_release(rows, count);
    }
    cr_assert_eq(hec_source_commit(source, &row, 1, &world.error), HEC_OK, "%s", world.error.text);
    hec_source_close(source, 3000);
}

/* Steps until the engine is live or fails. */
static enum hec_status run_live(struct hec_engine *engine)
{
    enum hec_status status = HEC_OK;
    int64_t until_ms = hec_now_ms() + 20000;
    while (status == HEC_OK && !view_of(engine).live && hec_now_ms() < until_ms) {
        status = step(engine);
    }
    return status;
}

Test(partition, refuses_an_offset_beyond_the_end_of_the_log)
{
    world_begin(1);
    commit_offset(1000);
    pay_all(0, 5);
    struct hec_engine_options options = options_of(NULL, 0);
    struct hec_engine *engine = engine_of(&options);
    cr_expect_eq(run_live(engine), HEC_MISMATCH);
    cr_expect_not_null(strstr(world.error.text, "made anew"), "%s", world.error.text);
    hec_engine_free(engine, 3000);
}

/* Offsets that expired: nothing is left out, although the end is where a new group would begin. */
Test(partition, goes_on_from_the_state_when_the_group_has_no_offsets)
{
    world_begin(1);
    struct hec_engine_options options = options_of("one-0", 0);
    struct hec_engine *engine = engine_of(&options);
    pay_all(0, 5);
    run_rows(engine, 5);
    cr_assert_eq(hec_engine_drain(engine, &world.error), HEC_OK, "%s", world.error.text);
    hec_engine_free(engine, 3000);
    pay_all(5, 3);
    options.source.group = "another";
    options.start_earliest = false;
    engine = engine_of(&options);
    cr_assert_eq(run_live(engine), HEC_OK, "%s", world.error.text);
    run_rows(engine, 3);
    cr_assert_eq(hec_engine_drain(engine, &world.error), HEC_OK, "%s", world.error.text);
    cr_expect_eq(hec_metrics_value(world.metrics, HEC_S_RESULTS + HEC_OUT_SCORED), 8);
    cr_expect_eq(stored_offset(0), 8);
    hec_engine_free(engine, 3000);
}

/* The watermark alone goes back: records that are newer than it prove a torn store. */
Test(partition, rebuilds_a_store_of_which_a_part_is_older_than_the_rest)
{
    char text[HEC_WATERMARK_BYTES_MAX], command[HEC_WATERMARK_BYTES_MAX + 32];
    world_begin(1);
    struct hec_engine_options options = options_of(NULL, 0);
    struct hec_engine *engine = engine_of(&options);
    pay_all(0, 5);
    run_rows(engine, 5);
    cr_assert_eq(hec_engine_drain(engine, &world.error), HEC_OK, "%s", world.error.text);
    redis_fixture_cli(&world.redis, "GET 'hec:wm:{0}'", text, sizeof(text));
    text[strcspn(text, "\r\n")] = '\0';
    pay_all(5, 5);
    run_rows(engine, 10);
    cr_assert_eq(hec_engine_drain(engine, &world.error), HEC_OK, "%s", world.error.text);
    hec_engine_free(engine, 3000);
    snprintf(command, sizeof(command), "SET 'hec:wm:{0}' '%s'", text);
    redis_fixture_cli(&world.redis, command, text, sizeof(text));
    cr_assert_eq(stored_offset(0), 5);

    engine = engine_of(&options);
    cr_assert_eq(run_live(engine), HEC_OK, "%s", world.error.text);
    cr_expect_eq(hec_metrics_value(world.metrics, HEC_S_REBUILDS + HEC_REBUILD_CORRUPT), 1);
    hec_engine_free(engine, 3000);
}

/* A daemon of another feature schema was here; while its state is replaced the connection breaks.
 */
Test(partition, a_broken_connection_does_not_begin_a_rebuild_again)
{
    char ignored[256];
    world_begin(1);
    struct hec_engine_options options = options_of("one-0", 0);
    options.checkpoint_interval_ms = 60000;
    struct hec_watermark former = { .offset = 7,
                                    .epoch = 1,
                                    .generation = 1,
                                    .partitions = 1,
                                    .state_digest = 0x0123456789abcdef,
                                    .cluster_id = "cluster" };
    char line[HEC_WATERMARK_BYTES_MAX], command[HEC_WATERMARK_BYTES_MAX + 32];
    hec_watermark_print(line, &former);
    snprintf(command, sizeof(command), "SET 'hec:wm:{0}' '%s'", line);
    redis_fixture_cli(&world.redis, command, ignored, sizeof(ignored));
    redis_fixture_cli(&world.redis, "SET 'hec:{0}:1:user:u9' old", ignored, sizeof(ignored));
    struct hec_engine *engine = engine_of(&options);
    pay_all(0, 5);
    run_rows(engine, 5);
    int rebuilds = HEC_S_REBUILDS + HEC_REBUILD_MISMATCH;
    cr_assert_eq(hec_metrics_value(world.metrics, rebuilds), 1);
    redis_fixture_cli(&world.redis, "CLIENT KILL TYPE normal", ignored, sizeof(ignored));
    cr_assert_eq(hec_engine_drain(engine, &world.error), HEC_OK, "%s", world.error.text);
    run_ms(engine, 1000);
    cr_expect(view_of(engine).store_connected);
    cr_expect_eq(hec_metrics_value(world.metrics, rebuilds), 1);
    cr_expect_eq(hec_metrics_value(world.metrics, HEC_S_REBUILDS + HEC_REBUILD_NO_STATE), 0);
    cr_assert_eq(hec_engine_drain(engine, &world.error), HEC_OK, "%s", world.error.text);
    cr_expect_eq(stored_offset(0), 5);
    run_ms(engine, 300);
    redis_fixture_cli(&world.redis, "EXISTS 'hec:{0}:1:user:u9'", ignored, sizeof(ignored));
    cr_expect_eq(ignored[0], '0', "the older generation is swept");
    hec_engine_free(engine, 3000);
}

Test(partition, a_supplanted_producer_ends_the_engine_also_in_a_rebalance)
{
    static const int SUPPLANTED[] = { 90, 90, 90 }; /* PRODUCER_FENCED, to EndTxn */
    world_begin(2);
    struct hec_engine_options first = options_of("one-0", 0), second = options_of("one-1", 1);
    first.sink.transactional_id = "one-0";
    first.commit_interval_ms = 60000;
    struct hec_engine *engines[2] = { engine_of(&first), NULL };
    pay_all(0, 5);
    run_rows(engines[0], 10);
    hec_mock_push_errors(world.mock, 26, SUPPLANTED, 3);
    engines[1] = engine_of(&second);
    enum hec_status status = HEC_OK;
    int64_t until_ms = hec_now_ms() + 20000;
    while (status == HEC_OK && hec_now_ms() < until_ms) {
        cr_assert_eq(hec_engine_step(engines[1], &world.error), HEC_OK);
        status = step(engines[0]);
    }
    cr_expect_eq(status, HEC_FENCED, "%s", hec_status_name(status));
    hec_engine_free(engines[0], 3000);
    hec_engine_free(engines[1], 3000);
}

Test(partition, a_full_redis_is_not_asked_at_every_step)
{
    char ignored[64];
    world_begin(1);
    struct hec_engine_options options = options_of("one-0", 0);
    options.checkpoint_records_max = 1;
    options.checkpoint_interval_ms = 1000;
    struct hec_engine *engine = engine_of(&options);
    pay_all(0, 1);
    run_rows(engine, 1);
    run_ms(engine, 100);
    redis_fixture_cli(&world.redis, "CONFIG SET maxmemory 1", ignored, sizeof(ignored));
    int64_t before = hec_metrics_value(world.metrics, HEC_S_CHECKPOINTS + HEC_COMMIT_FATAL);
    for (int n = 1; n < 20; n++) {
        pay_all(n, 1);
        run_ms(engine, 50);
    }
    int64_t tries = hec_metrics_value(world.metrics, HEC_S_CHECKPOINTS + HEC_COMMIT_FATAL) - before;
    cr_expect(tries >= 1 && tries <= 3, "%d", (int)tries);
    cr_expect_geq(
        hec_metrics_value(world.metrics, HEC_S_REDIS_ERRORS + HEC_REDIS_ERROR_UNAVAILABLE), 1);
    hec_engine_free(engine, 3000);
}

/* A verdict on payment n. */
static void say_genuine(int n)
{
    char value[512];
    int length = snprintf(value, sizeof(value),
                          "{\"event_id\":\"l%d\",\"event_type\":\"label\",\"schema_version\":1,"
                          "\"event_time_ms\":%lld,\"user_token\":\"u0\",\"label\":\"genuine\","
                          "\"label_source\":\"analyst\",\"card_token\":\"c0\","
                          "\"terminal_id\":\"t1\",\"target_event_id\":\"e0-%d\","
                          "\"target_event_time_ms\":%lld}",
                          n, (long long)(T0 + 1000 + n), n, (long long)(T0 + n));
    cr_assert_eq(hec_feed_send(world.feed, "in", 0, "u0", 2, value, (size_t)length, T0 + 1000 + n,
                               &world.error),
                 HEC_OK, "%s", world.error.text);
}

/* What is read again may be what the desk was killed over, before it had kept it. */
Test(partition, notes_labels_where_all_is_a_silent_replay)
{
    enum { LABELS = 5 };
    static struct hec_verdict_note notes[4 * LABELS];
    char ignored[64];
    world_begin(1);
    struct hec_engine_options options = options_of(NULL, 0);
    cr_assert_eq(hec_verdicts_new(&options.verdicts), HEC_OK);
    struct hec_engine *engine = engine_of(&options);
    pay_all(0, 20);
    for (int n = 0; n < LABELS; n++) {
        say_genuine(n);
    }
    cr_assert_eq(hec_feed_flush(world.feed, 10000, &world.error), HEC_OK);
    run_rows(engine, 20 + LABELS);
    run_ms(engine, 200);
    cr_expect_eq(hec_verdicts_take(options.verdicts, notes, 4 * LABELS), LABELS);
    hec_engine_free(engine, 3000);
    redis_fixture_cli(&world.redis, "FLUSHALL", ignored, sizeof(ignored));

    engine = engine_of(&options);
    int64_t until_ms = hec_now_ms() + 20000;
    while (!view_of(engine).live && hec_now_ms() < until_ms) {
        cr_assert_eq(step(engine), HEC_OK, "%s", world.error.text);
    }
    cr_assert_eq(hec_verdicts_take(options.verdicts, notes, 4 * LABELS), LABELS);
    cr_expect_str_eq(notes[LABELS - 1].event_id, "e0-4");
    hec_engine_free(engine, 3000);
    hec_verdicts_free(options.verdicts);
}

/* The answer to a commit is lost. The broker has the offset: by its word what was published is
 * counted, if the epoch beside it is the one that was sent, also when a store that was met again
 * meanwhile has raised ours. Returns how many events count. */
static int64_t counted_after(uint64_t found_less_sent)
{
    static const int INVALID_TXN_STATE = 48;
    world_begin(1);
    struct hec_engine_options options = options_of(NULL, 0);
    options.sink.transactional_id = "one-0";
    options.commit_interval_ms = 60000;
    options.checkpoint_interval_ms = 60000;
    struct hec_engine *engine = engine_of(&options);
    pay_all(0, 20);
    run_rows(engine, 20);
    hec_mock_push_errors(world.mock, 26, &INVALID_TXN_STATE, 1); /* to EndTxn */
    cr_assert_eq(hec_partitions_commit_start(engine, &world.error), HEC_OK);
    const struct hec_position *position = &engine->positions[0];
    uint64_t sent = position->epoch;
    struct hec_offset kept = { .partition = 0, .offset = 20 };
    snprintf(kept.metadata, sizeof(kept.metadata), "epoch=%llu",
             (unsigned long long)(sent + found_less_sent));
    cr_assert_eq(hec_source_commit(engine->source, &kept, 1, &world.error), HEC_OK);
    cr_assert_eq(hec_partition_claim(engine, 0, sent, &world.error), HEC_OK);
    cr_assert_gt(position->epoch, sent);
    cr_assert_eq(position->committed, 0);
    cr_assert_eq(hec_partitions_commit_settle(engine, &world.error), HEC_OK, "%s",
                 world.error.text);
    cr_assert_eq(position->committed, 20);
    int64_t counted = hec_metrics_value(world.metrics, HEC_S_EVENTS + (int)HEC_CARD_AUTH);
    hec_engine_free(engine, 3000);
    return counted;
}

Test(partition, counts_what_the_broker_kept_of_a_commit_without_an_answer)
{
    cr_expect_eq(counted_after(0), 20);
}

Test(partition, counts_nothing_that_another_committed_meanwhile)
{
    cr_expect_eq(counted_after(1), 0);
}
