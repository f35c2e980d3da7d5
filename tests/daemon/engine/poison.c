/* A record whose output is refused costs one dead letter, and the rest goes on; too many dead
 * letters stop the engine until somebody resumes. */
#include "world.h"

enum { PRODUCE = 0, MSG_SIZE_TOO_LARGE = 10 };

static void end(void)
{
    world_end();
}

TestSuite(poison, .fini = end);

static int64_t metric(const char *series)
{
    size_t length;
    char line[192];
    char *text = hec_metrics_text(world.metrics, false, &length);
    snprintf(line, sizeof(line), "\n%s ", series);
    const char *found = strstr(text, line);
    int64_t value = found == NULL ? -1 : strtoll(found + strlen(line), NULL, 10);
    free(text);
    return value;
}

static int64_t letters(const char *reason)
{
    char series[128];
    snprintf(series, sizeof(series), "hecate_dead_letters_total{reason=\"%s\"}", reason);
    return metric(series);
}

/* Until all that was sent is stored: then every transaction before it went well. */
static void run_until_stored(struct hec_engine *engine, int64_t offset)
{
    int64_t until_ms = hec_now_ms() + 30000;
    while (stored_offset(0) < offset && hec_now_ms() < until_ms) {
        enum hec_status status = step(engine);
        cr_assert_eq(status, HEC_OK, "%s: %s", hec_status_name(status), world.error.text);
    }
    cr_assert_eq(stored_offset(0), offset);
}

/* The brokers must not refuse the payments themselves. */
static void pay_then_refuse(struct hec_engine *engine, int payments, const int *codes, int count)
{
    hec_engine_pause(engine, true);
    run_ms(engine, 100);
    pay_all(1, payments);
    hec_mock_push_errors(world.mock, PRODUCE, codes, count);
    hec_engine_pause(engine, false);
}

Test(poison, whoever_was_refused_with_others_is_published_alone)
{
    static const int CODES[] = { MSG_SIZE_TOO_LARGE };
    world_begin(1);
    struct hec_engine_options options = options_of("one-0", 0);
    struct hec_engine *engine = engine_of(&options);
    pay_all(0, 1);
    run_until_stored(engine, 1);
    pay_then_refuse(engine, 20, CODES, 1);
    run_until_stored(engine, 21);
    cr_expect_geq(metric("hecate_poison_suspects_total"), 1);
    cr_expect_eq(letters("poison"), 0);
    hec_engine_free(engine, 3000);
}

Test(poison, whoever_is_refused_alone_goes_to_the_dead_letters)
{
    static const int CODES[] = { MSG_SIZE_TOO_LARGE, MSG_SIZE_TOO_LARGE };
    world_begin(1);
    struct hec_engine_options options = options_of("one-0", 0);
    struct hec_engine *engine = engine_of(&options);
    pay_all(0, 1);
    run_until_stored(engine, 1);
    pay_then_refuse(engine, 1, CODES, 2);
    run_until_stored(engine, 2);
    cr_expect_eq(letters("poison"), 1);
    cr_expect_not(view_of(engine).circuit_open);
    pay_all(2, 10);
    run_until_stored(engine, 12);
    cr_expect_eq(letters("poison"), 1);
    hec_engine_free(engine, 3000);
}

Test(poison, too_many_dead_letters_stop_the_engine_until_somebody_resumes)
{
    world_begin(1);
    struct hec_engine_options options = options_of("one-0", 0);
    options.dead_letter_ratio_max = 0.5;
    options.dead_letter_records_min = 10;
    options.batch_rows_max = 4;
    struct hec_engine *engine = engine_of(&options);
    for (int n = 0; n < 40; n++) {
        cr_assert_eq(hec_feed_send(world.feed, "in", 0, "u0", 2, "no event", 8, T0, &world.error),
                     HEC_OK);
    }
    cr_assert_eq(hec_feed_flush(world.feed, 10000, &world.error), HEC_OK);
    int64_t until_ms = hec_now_ms() + 20000;
    while (!view_of(engine).circuit_open && hec_now_ms() < until_ms) {
        cr_assert_eq(step(engine), HEC_OK);
    }
    cr_assert(view_of(engine).circuit_open);
    run_ms(engine, 500);
    uint64_t stopped_at = view_of(engine).rows;
    cr_expect_lt(stopped_at, 40u);
    cr_expect_eq(stored_offset(0), (int64_t)stopped_at, "what was read is published and stored");
    cr_expect_eq(view_of(engine).recent_letters, (int64_t)stopped_at);
    cr_expect_eq(metric("hecate_circuit_open"), 1);

    for (int resumes = 0; resumes < 10 && stored_offset(0) < 40; resumes++) {
        hec_engine_pause(engine, false);
        run_ms(engine, 300);
    }
    cr_expect_eq(stored_offset(0), 40);
    cr_expect_eq(letters("not_json"), 40);
    hec_engine_free(engine, 3000);
}

/* What is rolled back is done again, and counted once. */
Test(poison, a_batch_that_is_done_again_counts_once)
{
    static const int CODES[] = { MSG_SIZE_TOO_LARGE };
    world_begin(1);
    struct hec_engine_options options = options_of("one-0", 0);
    struct hec_engine *engine = engine_of(&options);
    pay_all(0, 1);
    run_until_stored(engine, 1);
    pay_then_refuse(engine, 20, CODES, 1);
    run_until_stored(engine, 21);
    cr_expect_geq(metric("hecate_kafka_commits_total{result=\"aborted\"}"), 1);
    cr_expect_eq(metric("hecate_events_total{event_type=\"card_auth\"}"), 21);
    cr_expect_eq(metric("hecate_events_processed_total{result=\"scored\"}"), 21);
    cr_expect_eq(metric("hecate_kafka_produced_total{output=\"score\"}"), 21);
    hec_engine_free(engine, 3000);
}
