/* The source when something is wrong: the engine says no, another has its name, the log is shorter
 * than remembered, the brokers are gone. A file of its own, because every group takes three seconds
 * to form in the embedded cluster. */
#include "cluster.h"
#include "kafka/source.h"

TestSuite(source_faults, .init = cluster_start, .fini = cluster_end);

Test(source_faults, tells_what_the_engine_said_to_an_assignment)
{
    struct hec_record row;
    int count;
    enum hec_status status = HEC_OK;
    feed_in(1);
    engine.answer = HEC_MISMATCH;
    struct hec_source *source = source_open();
    for (int i = 0; i < 300 && status == HEC_OK; i++) {
        status = hec_source_poll(source, &row, 1, 50, 1, &count, &error);
        cr_assert_eq(count, 0);
    }
    cr_expect_eq(status, HEC_MISMATCH);
    cr_expect_not(hec_source_is_assigned(source));
    hec_source_close(source, 5000);
}

Test(source_faults, is_fenced_by_a_second_process_with_its_instance_id)
{
    static const int CODES[] = { 82 /* FENCED_INSTANCE_ID */ };
    struct hec_record row;
    int count;
    enum hec_status status = HEC_OK;
    hec_mock_push_errors(mock, 11 /* JoinGroup */, CODES, 1);
    struct hec_source *source = source_open();
    for (int i = 0; i < 200 && status == HEC_OK; i++) {
        status = hec_source_poll(source, &row, 1, 50, 1, &count, &error);
    }
    cr_expect_eq(status, HEC_FENCED, "%s", error.text);
    hec_source_close(source, 2000);
}

Test(source_faults, says_when_an_offset_is_not_in_the_log)
{
    struct hec_record row;
    int count;
    enum hec_status status = HEC_OK;
    feed_in(3);
    engine.start_offset = 100;
    struct hec_source *source = source_open();
    for (int i = 0; i < 300 && status == HEC_OK; i++) {
        status = hec_source_poll(source, &row, 1, 50, 1, &count, &error);
    }
    cr_expect_eq(status, HEC_MISMATCH);
    cr_expect_not_null(strstr(error.text, "offset 100"), "%s", error.text);
    hec_source_close(source, 5000);
}

Test(source_faults, notices_that_the_brokers_went_and_came_back_and_closes_in_time)
{
    struct hec_source_stats stats = { 0 };
    struct hec_source *source = source_open();
    wait_assigned(source);
    hec_mock_set_up(mock, 0);
    for (int i = 0; i < 100 && !stats.brokers_down; i++) {
        (void)take(source, NULL, 1, 100);
        hec_source_stats(source, &stats);
    }
    cr_expect(stats.brokers_down);
    hec_mock_set_up(mock, 1);
    for (int i = 0; i < 100 && stats.brokers_down; i++) {
        (void)take(source, NULL, 1, 100);
        hec_source_stats(source, &stats);
    }
    cr_expect_not(stats.brokers_down);
    hec_mock_set_up(mock, 0);
    int64_t begun_ms = now_ms();
    (void)hec_source_close(source, 1000);
    cr_expect_lt(now_ms() - begun_ms, 2500);
}
