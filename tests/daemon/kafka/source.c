/* The source: begins where the engine says, moves in order, and tells how far behind it is. */
#include "kafka/source.h"

#include "cluster.h"

TestSuite(source, .init = cluster_start, .fini = cluster_end);

Test(source, gives_every_record_from_where_the_engine_begins)
{
    static char values[40][32];
    int next[PARTITIONS] = { 5, 5 };
    feed_in(20);
    engine.start_offset = 5;
    struct hec_source *source = source_open();
    cr_assert_eq(take(source, values, 30, 15000), 30);
    for (int i = 0; i < 30; i++) {
        int partition = values[i][0] - '0';
        char expected[32];
        snprintf(expected, sizeof(expected), "%d:%d", partition, next[partition]++);
        cr_expect_str_eq(values[i], expected);
    }
    cr_expect_eq(engine.assigned, PARTITIONS);
    cr_expect_eq(hec_source_position(source, 0), 20);
    cr_expect_eq(hec_source_position(source, 1), 20);
    cr_expect_eq(hec_source_position(source, 2), -1);
    cr_expect_eq(hec_source_close(source, 5000), HEC_OK);
    cr_expect_eq(engine.revoked, PARTITIONS, "closing tells the engine");
}

Test(source, shows_a_record_as_it_was_sent)
{
    struct hec_record row;
    int count = 0;
    feed_in(1);
    struct hec_source *source = source_open();
    for (int i = 0; i < 200 && count == 0; i++) {
        cr_assert_eq(hec_source_poll(source, &row, 1, 50, 1, &count, &error), HEC_OK);
    }
    cr_assert_eq(count, 1);
    cr_expect_eq(row.key_length, 3u);
    cr_expect_eq(memcmp(row.key, "key", 3), 0);
    cr_expect_eq(row.record_ms, 1700000000000);
    cr_expect_eq(row.offset, 0);
    struct hec_kafka_header header;
    cr_expect_eq(hec_record_headers(&row, &header, 1), 0);
    cr_expect_not(hec_record_header(&row, "traceparent", &header));
    hec_source_release(&row, 1);
    hec_source_close(source, 5000);
}

Test(source, tells_the_lag_down_to_zero)
{
    struct hec_source_lag lag;
    feed_in(20);
    struct hec_source *source = source_open();
    cr_expect_not(hec_source_lag(source, 0, 0, &lag), "not assigned, not known");
    cr_assert_eq(take(source, NULL, 10, 15000), 10);
    /* Which partition is fetched first is the library's choice. */
    int partition = hec_source_position(source, 0) > 0 ? 0 : 1;
    int64_t position = hec_source_position(source, partition);
    cr_assert(hec_source_lag(source, partition, 1700000001000, &lag));
    cr_expect_eq(lag.records, 20 - position);
    cr_expect_eq(lag.ms, 1000 - (position - 1));
    cr_assert_eq(take(source, NULL, 30, 5000), 30);
    (void)take(source, NULL, 1, 300);
    cr_assert(hec_source_lag(source, 0, 1700000001000, &lag));
    cr_expect_eq(lag.records, 0);
    cr_expect_eq(lag.ms, 0);
    hec_source_close(source, 5000);
}

Test(source, goes_back_and_gives_the_same_again)
{
    static char first[40][32];
    static char again[40][32];
    feed_in(20);
    struct hec_source *source = source_open();
    cr_assert_eq(take(source, first, 40, 15000), 40);
    for (int p = 0; p < PARTITIONS; p++) {
        cr_assert_eq(hec_source_seek(source, p, 15, 5000, &error), HEC_OK, "%s", error.text);
        cr_expect_eq(hec_source_position(source, p), 15);
    }
    cr_assert_eq(take(source, again, 10, 5000), 10);
    cr_expect_eq(take(source, NULL, 1, 300), 0);
    for (int i = 0; i < 10; i++) {
        cr_expect_geq(atoi(again[i] + 2), 15, "%s", again[i]);
    }
    hec_source_close(source, 5000);
}

Test(source, delivers_nothing_while_it_is_paused)
{
    feed_in(5);
    struct hec_source *source = source_open();
    wait_assigned(source);
    cr_expect(hec_source_is_paused(source), "paused before the assignment, and still");
    cr_expect_eq(take(source, NULL, 1, 300), 0);
    hec_source_resume(source);
    cr_expect_eq(take(source, NULL, 10, 5000), 10);
    hec_source_close(source, 5000);
}

Test(source, keeps_committed_offsets_with_their_metadata)
{
    struct hec_offset rows[PARTITIONS] = { { .partition = 0 }, { .partition = 1 } };
    feed_in(5);
    struct hec_source *source = source_open();
    wait_assigned(source);
    cr_assert_eq(hec_source_committed(source, rows, 2, 5000, &error), HEC_OK, "%s", error.text);
    cr_expect_eq(rows[0].offset, -1);
    struct hec_offset row = { .partition = 1, .offset = 3, .metadata = "epoch=7;state=ab" };
    cr_assert_eq(hec_source_commit(source, &row, 1, &error), HEC_OK, "%s", error.text);
    cr_assert_eq(hec_source_committed(source, rows, 2, 5000, &error), HEC_OK);
    cr_expect_eq(rows[0].offset, -1);
    cr_expect_eq(rows[1].offset, 3);
    cr_expect_str_eq(rows[1].metadata, "epoch=7;state=ab");
    cr_expect_eq(hec_source_commit(source, &row, 0, &error), HEC_OK, "nothing to commit");

    int64_t low = -1;
    int64_t high = -1;
    cr_assert_eq(hec_source_bounds(source, 1, &low, &high, 5000, &error), HEC_OK);
    cr_expect_eq(low, 0);
    cr_expect_eq(high, 5);
    cr_expect_neq(hec_source_bounds(source, 99, &low, &high, 500, &error), HEC_OK);

    static const int CODES[] = { 22 /* ILLEGAL_GENERATION */ };
    hec_mock_push_errors(mock, 8 /* OffsetCommit */, CODES, 1);
    cr_expect_eq(hec_source_commit(source, &row, 1, &error), HEC_ABORTED, "%s", error.text);
    hec_source_close(source, 5000);
}

Test(source, refuses_properties_that_exactly_once_needs)
{
    static const char *const RESERVED[] = { "isolation.level",   "enable.auto.commit", "group.id",
                                            "auto.offset.reset", "transactional.id",   "acks" };
    struct hec_source_callbacks callbacks = { on_assigned, on_revoked, NULL };
    struct hec_source_options options = { .kafka = kafka, .topic = "in", .group = "group" };
    struct hec_source *source = NULL;
    set_property("", "1");
    options.kafka.properties_count = kafka.properties_count;
    for (size_t i = 0; i < sizeof(RESERVED) / sizeof(*RESERVED); i++) {
        properties[1].name = RESERVED[i];
        cr_expect_eq(hec_source_new(&source, &options, &callbacks, &error), HEC_INVALID);
        cr_expect_not_null(strstr(error.text, RESERVED[i]), "%s", error.text);
    }
    options.kafka.properties_count = 1;
    options.topic = "^in.*";
    cr_expect_eq(hec_source_new(&source, &options, &callbacks, &error), HEC_INVALID);
    cr_expect_null(source);
}

Test(source, takes_a_property_that_is_the_users_to_choose)
{
    set_property("fetch.wait.max.ms", "5");
    feed_in(1);
    struct hec_source *source = source_open();
    cr_expect_eq(take(source, NULL, 2, 15000), 2);
    hec_source_close(source, 5000);
}
