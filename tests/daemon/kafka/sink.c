/* The sink: records and offsets as one; every way of failing has its own answer. */
#include "kafka/sink.h"

#include "cluster.h"

TestSuite(sink, .init = cluster_start, .fini = cluster_end);

enum { PRODUCE = 0, ADD_PARTITIONS = 24, ADD_OFFSETS = 25, END_TXN = 26, TXN_OFFSETS = 28 };

static const struct hec_offset NEXT = { .partition = 0, .offset = 1, .metadata = "epoch=1" };

static enum hec_status produce(struct hec_sink *sink, const char *value)
{
    static const struct hec_kafka_header HEADERS[] = { { "ce_id", "1", 1 }, { "null", NULL, 0 } };
    struct hec_sink_record record = { .key = "key",
                                      .key_length = 3,
                                      .value = value,
                                      .value_length = strlen(value),
                                      .headers = HEADERS,
                                      .headers_count = 2,
                                      .partition = -1 };
    return hec_sink_produce(sink, &record, &error);
}

static enum hec_status one_transaction(struct hec_sink *sink, struct hec_source *source)
{
    enum hec_status status = hec_sink_begin(sink, &error);
    if (status == HEC_OK) {
        status = produce(sink, "value");
    }
    return status == HEC_OK ? hec_sink_commit(sink, source, &NEXT, 1, &error) : status;
}

Test(sink, publishes_records_with_their_headers_in_order)
{
    struct hec_source *source = source_open();
    wait_assigned(source);
    struct hec_sink *sink = sink_open("one");
    struct hec_sink_stats stats;
    cr_expect_not(hec_sink_is_open(sink));
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(one_transaction(sink, source), HEC_OK, "%s", error.text);
    }
    cr_expect_eq(hec_sink_begin(sink, &error), HEC_OK);
    cr_expect_eq(hec_sink_begin(sink, &error), HEC_OK, "begun already");
    cr_expect(hec_sink_is_open(sink));
    cr_expect_eq(hec_sink_abort(sink, &error), HEC_OK);
    cr_expect_eq(hec_sink_abort(sink, &error), HEC_OK, "none is open");
    hec_sink_stats(sink, &stats);
    cr_expect_eq(stats.commits, 3u);
    cr_expect_eq(stats.aborts, 1u);
    cr_expect_eq(stats.delivered, 3u);
    cr_expect_eq(stats.recreated, 0u);
    cr_expect_gt(stats.commit_us, 0);
    hec_sink_close(sink, 3000);
    hec_source_close(source, 3000);

    struct hec_tap *tap = NULL;
    struct hec_record record;
    struct hec_kafka_header headers[2];
    cr_assert_eq(hec_tap_new(&tap, &kafka, "out", HEC_TAP_START, &error), HEC_OK);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(hec_tap_next(tap, &record, 3000, &error), HEC_OK, "%s", error.text);
        cr_expect_eq(memcmp(record.value, "value", 5), 0);
        cr_assert_eq(hec_record_headers(&record, headers, 2), 2);
        cr_expect_str_eq(headers[0].name, "ce_id");
        cr_expect_eq(headers[0].length, 1u);
        cr_expect_null(headers[1].value);
        cr_expect(hec_record_header(&record, "ce_id", &headers[1]));
        cr_expect_eq(memcmp(headers[1].value, "1", 1), 0);
        hec_source_release(&record, 1);
    }
    hec_tap_close(tap);
}

/* The table of ref: which request is answered with which error, and what the sink must say. After
 * each, the next transaction must work (a fatal one after recreate). */
Test(sink, answers_every_failure_of_a_transaction_as_it_must)
{
    static const struct {
        int request;
        int code;
        const char *name;
        enum hec_status expected;
    } ROWS[] = {
        { END_TXN, 48, "end: INVALID_TXN_STATE", HEC_FATAL },
        { END_TXN, 47, "end: INVALID_PRODUCER_EPOCH", HEC_FENCED },
        { END_TXN, 15, "end: COORDINATOR_NOT_AVAILABLE", HEC_OK },
        { TXN_OFFSETS, 22, "offsets: ILLEGAL_GENERATION", HEC_ABORTED },
        { TXN_OFFSETS, 25, "offsets: UNKNOWN_MEMBER_ID", HEC_ABORTED },
        { TXN_OFFSETS, 27, "offsets: REBALANCE_IN_PROGRESS", HEC_ABORTED },
        { TXN_OFFSETS, 82, "offsets: FENCED_INSTANCE_ID", HEC_FENCED },
        { ADD_OFFSETS, 51, "add offsets: CONCURRENT_TRANSACTIONS", HEC_OK },
        { ADD_PARTITIONS, 51, "add partitions: CONCURRENT_TRANSACTIONS", HEC_OK },
        { PRODUCE, 45, "produce: OUT_OF_ORDER_SEQUENCE_NUMBER", HEC_FATAL },
        { PRODUCE, 48, "produce: INVALID_TXN_STATE", HEC_ABORTED },
        { PRODUCE, 10, "produce: MSG_SIZE_TOO_LARGE", HEC_ABORTED },
        { PRODUCE, 120, "produce: a code of a newer broker", HEC_ABORTED },
    };
    struct hec_source *source = source_open();
    wait_assigned(source);
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(*ROWS); i++) {
        struct hec_sink *sink = sink_open("one");
        cr_assert_eq(one_transaction(sink, source), HEC_OK, "%s: %s", ROWS[i].name, error.text);
        hec_mock_push_errors(mock, ROWS[i].request, &ROWS[i].code, 1);
        enum hec_status status = one_transaction(sink, source);
        cr_expect_eq(status, ROWS[i].expected, "%s: got %s: %s", ROWS[i].name,
                     hec_status_name(status), error.text);
        cr_expect_not(hec_sink_is_open(sink), "%s", ROWS[i].name);
        if (status == HEC_FATAL) {
            cr_expect_eq(hec_sink_recreate(sink, &error), HEC_OK, "%s: %s", ROWS[i].name,
                         error.text);
        }
        cr_expect_eq(one_transaction(sink, source), HEC_OK, "%s, the next: %s", ROWS[i].name,
                     error.text);
        hec_sink_close(sink, 3000);
    }
    hec_source_close(source, 3000);
}

Test(sink, makes_the_producer_anew_after_a_commit_that_was_retried_inside)
{
    static const int CODES[] = { 15 /* COORDINATOR_NOT_AVAILABLE */ };
    struct hec_sink_stats stats;
    struct hec_source *source = source_open();
    wait_assigned(source);
    struct hec_sink *sink = sink_open("one");
    cr_assert_eq(one_transaction(sink, source), HEC_OK);
    hec_sink_stats(sink, &stats);
    cr_expect_not(stats.tainted);
    hec_mock_push_errors(mock, END_TXN, CODES, 1);
    cr_assert_eq(one_transaction(sink, source), HEC_OK, "%s", error.text);
    hec_sink_stats(sink, &stats);
    cr_expect(stats.tainted);
    cr_expect_eq(stats.recreated, 0u);
    cr_assert_eq(one_transaction(sink, source), HEC_OK);
    hec_sink_stats(sink, &stats);
    /* A machine that is slow makes one that was not retried look as if. */
    cr_expect(!stats.tainted || stats.commit_us > 450000);
    cr_expect_geq(stats.recreated, 1u);
    hec_sink_close(sink, 3000);
    hec_source_close(source, 3000);
}

Test(sink, refuses_a_record_that_no_broker_would_take)
{
    struct hec_sink *sink = NULL;
    struct hec_sink_options options = { .kafka = kafka,
                                        .transactional_id = "one",
                                        .topics = { "out" },
                                        .topics_count = 1,
                                        .record_bytes_max = 100 };
    char value[101];
    memset(value, 'x', sizeof(value));
    cr_assert_eq(hec_sink_new(&sink, &options, &error), HEC_OK, "%s", error.text);
    cr_assert_eq(hec_sink_begin(sink, &error), HEC_OK);
    struct hec_sink_record record = { .value = value, .value_length = 100, .partition = -1 };
    cr_expect_eq(hec_sink_produce(sink, &record, &error), HEC_OK);
    record.value_length = 101;
    cr_expect_eq(hec_sink_produce(sink, &record, &error), HEC_TOO_LARGE);
    record.value_length = 50;
    record.partition = PARTITIONS - 1;
    cr_expect_eq(hec_sink_produce(sink, &record, &error), HEC_OK, "the transaction goes on");
    record.partition = PARTITIONS;
    cr_expect_eq(hec_sink_produce(sink, &record, &error), HEC_NOT_FOUND);
    cr_expect_eq(hec_sink_abort(sink, &error), HEC_OK);
    hec_sink_close(sink, 3000);
}

Test(sink, waits_for_room_and_drops_nothing)
{
    struct hec_sink_stats stats;
    set_property("queue.buffering.max.messages", "10");
    struct hec_source *source = source_open();
    wait_assigned(source);
    struct hec_sink *sink = sink_open("one");
    cr_assert_eq(hec_sink_begin(sink, &error), HEC_OK);
    for (int i = 0; i < 200; i++) {
        cr_assert_eq(produce(sink, "value"), HEC_OK, "%s", error.text);
    }
    cr_assert_eq(hec_sink_commit(sink, source, &NEXT, 1, &error), HEC_OK, "%s", error.text);
    hec_sink_stats(sink, &stats);
    cr_expect_gt(stats.queue_full, 0u);
    cr_expect_eq(stats.delivered, 200u);
    hec_sink_close(sink, 3000);
    hec_source_close(source, 3000);
}

Test(sink, at_least_once_commits_offsets_only_after_the_records)
{
    static const int CODES[] = { 10 /* MSG_SIZE_TOO_LARGE */ };
    struct hec_offset row = { .partition = 0 };
    struct hec_source *source = source_open();
    wait_assigned(source);
    struct hec_sink *sink = sink_open(NULL);
    cr_assert_eq(one_transaction(sink, source), HEC_OK, "%s", error.text);
    cr_assert_eq(hec_source_committed(source, &row, 1, 5000, &error), HEC_OK);
    cr_expect_eq(row.offset, 1);

    hec_mock_push_errors(mock, PRODUCE, CODES, 1);
    cr_assert_eq(hec_sink_begin(sink, &error), HEC_OK);
    cr_assert_eq(produce(sink, "value"), HEC_OK);
    struct hec_offset further = { .partition = 0, .offset = 9 };
    cr_expect_eq(hec_sink_commit(sink, source, &further, 1, &error), HEC_ABORTED);
    cr_assert_eq(hec_source_committed(source, &row, 1, 5000, &error), HEC_OK);
    cr_expect_eq(row.offset, 1, "the record was refused, so its input is not done");
    cr_expect_eq(one_transaction(sink, source), HEC_OK, "%s", error.text);
    hec_sink_close(sink, 3000);
    hec_source_close(source, 3000);
}

Test(sink, does_not_start_without_a_broker_and_says_so)
{
    struct hec_sink *sink = NULL;
    struct hec_sink_options options = { .kafka = kafka,
                                        .transactional_id = "one",
                                        .topics = { "out" },
                                        .topics_count = 1,
                                        .wait_ms = 600 };
    properties[0].value = "127.0.0.1:1";
    int64_t begun_ms = now_ms();
    cr_expect_eq(hec_sink_new(&sink, &options, &error), HEC_UNAVAILABLE);
    cr_expect_not_null(strstr(error.text, "127.0.0.1:1"));
    cr_expect_lt(now_ms() - begun_ms, 4000);
    cr_expect_null(sink);
}

Test(sink, whose_broker_is_gone_fails_in_time_and_recovers)
{
    struct hec_source *source = source_open();
    wait_assigned(source);
    struct hec_sink *sink = NULL;
    struct hec_sink_options options = { .kafka = kafka,
                                        .transactional_id = "one",
                                        .topics = { "out" },
                                        .topics_count = 1,
                                        .wait_ms = 1500 };
    cr_assert_eq(hec_sink_new(&sink, &options, &error), HEC_OK, "%s", error.text);
    cr_assert_eq(one_transaction(sink, source), HEC_OK);
    hec_mock_set_up(mock, 0);
    int64_t begun_ms = now_ms();
    enum hec_status status = one_transaction(sink, source);
    cr_expect(status == HEC_FATAL || status == HEC_ABORTED, "%s", hec_status_name(status));
    cr_expect_lt(now_ms() - begun_ms, 6000);
    hec_mock_set_up(mock, 1);
    for (int i = 0; i < 20 && status != HEC_OK; i++) {
        status = hec_sink_recreate(sink, &error);
    }
    cr_expect_eq(status, HEC_OK, "%s", error.text);
    cr_expect_eq(one_transaction(sink, source), HEC_OK, "%s", error.text);
    hec_sink_close(sink, 3000);
    hec_source_close(source, 3000);
}
