/* Feed and tap: what is sent is read, once, to the end. */
#include "kafka/feed.h"

#include "cluster.h"

TestSuite(feed, .init = cluster_start, .fini = cluster_end);

/* How many records come until want came, or nothing more does for a while. */
static int read_up_to(struct hec_tap *tap, int want, int64_t *newest_ms)
{
    struct hec_record record;
    int count = 0;
    int ends = 0;
    while (count <= want && ends < (count < want ? 20 : 2)) {
        enum hec_status status = hec_tap_next(tap, &record, 200, &error);
        if (status != HEC_OK) {
            ends++;
            continue;
        }
        cr_expect_eq(record.key_length, 3u);
        *newest_ms = record.record_ms;
        hec_source_release(&record, 1);
        count++;
    }
    return count;
}

Test(feed, is_read_from_the_start_or_from_now_on)
{
    struct hec_tap *all = NULL;
    struct hec_tap *later = NULL;
    int64_t newest_ms = 0;
    feed_in(50);
    cr_assert_eq(hec_tap_new(&all, &kafka, "in", HEC_TAP_START, &error), HEC_OK, "%s", error.text);
    cr_assert_eq(hec_tap_new(&later, &kafka, "in", HEC_TAP_END, &error), HEC_OK, "%s", error.text);
    cr_expect_eq(read_up_to(all, 50 * PARTITIONS, &newest_ms), 50 * PARTITIONS);
    cr_expect_eq(newest_ms, 1700000000049);
    feed_in(7);
    cr_expect_eq(read_up_to(later, 7 * PARTITIONS, &newest_ms), 7 * PARTITIONS);
    cr_expect_eq(read_up_to(all, 7 * PARTITIONS, &newest_ms), 7 * PARTITIONS,
                 "a tap goes on after its end");
    hec_tap_close(all);
    hec_tap_close(later);
}

Test(feed, puts_a_key_always_into_the_same_partition)
{
    struct hec_feed *feed = NULL;
    struct hec_tap *tap = NULL;
    struct hec_record record;
    int per_partition[PARTITIONS] = { 0 };
    cr_assert_eq(hec_feed_new(&feed, &kafka, &error), HEC_OK);
    for (int i = 0; i < 20; i++) {
        cr_assert_eq(hec_feed_send(feed, "out", -1, "customer", 8, NULL, 0, 0, &error), HEC_OK);
    }
    cr_assert_eq(hec_feed_flush(feed, 5000, &error), HEC_OK, "%s", error.text);
    hec_feed_close(feed, 1000);
    cr_assert_eq(hec_tap_new(&tap, &kafka, "out", HEC_TAP_START, &error), HEC_OK);
    while (hec_tap_next(tap, &record, 3000, &error) == HEC_OK) {
        cr_expect_null(record.value, "a null value stays one");
        per_partition[record.partition]++;
        hec_source_release(&record, 1);
    }
    hec_tap_close(tap);
    cr_expect(per_partition[0] == 20 || per_partition[1] == 20);
}

Test(feed, tells_what_was_not_acknowledged)
{
    struct hec_feed *feed = NULL;
    set_property("message.timeout.ms", "300");
    cr_assert_eq(hec_feed_new(&feed, &kafka, &error), HEC_OK);
    hec_mock_set_up(mock, 0);
    cr_assert_eq(hec_feed_send(feed, "in", 0, "k", 1, "v", 1, 0, &error), HEC_OK);
    cr_expect_eq(hec_feed_flush(feed, 3000, &error), HEC_UNAVAILABLE);
    cr_expect_gt(strlen(error.text), 0u);
    hec_feed_close(feed, 10);
}

Test(feed, says_when_a_tap_ends_and_when_it_only_waits)
{
    struct hec_tap *tap = NULL;
    struct hec_record record;
    cr_assert_eq(hec_tap_new(&tap, &kafka, "in", HEC_TAP_START, &error), HEC_OK);
    cr_expect_eq(hec_tap_next(tap, &record, 5000, &error), HEC_END);
    cr_expect_eq(hec_tap_next(tap, &record, 50, &error), HEC_END);
    hec_tap_close(tap);
    hec_mock_set_up(mock, 0);
    cr_expect_neq(hec_tap_new(&tap, &kafka, "", HEC_TAP_START, &error), HEC_OK);
}
