/* The outbox: in order, whole, after the commit and only if it went well. */
#include "engine/outbox.h"

#include "../kafka/cluster.h"

TestSuite(outbox, .init = cluster_start, .fini = cluster_end);

enum { END_TXN = 26 };

static const struct hec_offset NEXT = { .partition = 0, .offset = 1, .metadata = "epoch=1" };

static struct hec_outbox *outbox_open(bool overlap)
{
    struct hec_sink_options options = {
        .kafka = kafka,
        .topics = { "out" },
        .topics_count = 1,
        .transactional_id = "one",
        .record_bytes_max = 4096,
    };
    struct hec_outbox *outbox = NULL;
    cr_assert_eq(hec_outbox_new(&outbox, &options, PARTITIONS, overlap, &error), HEC_OK, "%s",
                 error.text);
    return outbox;
}

/* Says numbers first .. last: the odd ones with headers, each third without a value. */
static void say(struct hec_outbox *outbox, int first, int last)
{
    for (int n = first; n <= last; n++) {
        char text[16], own[16];
        size_t length = (size_t)snprintf(text, sizeof(text), "%d", n);
        snprintf(own, sizeof(own), "name-%d", n);
        struct hec_kafka_header headers[] = { { own, text, length }, { "null", NULL, 0 } };
        struct hec_sink_record record = {
            .key = text,
            .key_length = length,
            .value = n % 3 == 0 ? NULL : text,
            .value_length = n % 3 == 0 ? 0 : length,
            .headers = headers,
            .headers_count = n % 2 == 1 ? 2 : 0,
            .partition = 1,
            .record_ms = 1735689600000 + n,
        };
        cr_assert_eq(hec_outbox_put(outbox, &record, &error), HEC_OK, "%s", error.text);
        memset(text, 'x', sizeof(text)); /* everything is copied */
        memset(own, 'x', sizeof(own));
    }
}

static enum hec_status settle(struct hec_outbox *outbox)
{
    struct hec_publication made = { 0 };
    enum hec_status status = hec_outbox_settle(outbox, &made, &error);
    cr_expect_eq(made.count, 1);
    cr_expect_eq(made.offsets[0].offset, NEXT.offset);
    return status;
}

static void commit(struct hec_outbox *outbox, struct hec_source *source)
{
    cr_assert_eq(hec_outbox_commit(outbox, source, &NEXT, 1, &error), HEC_OK, "%s", error.text);
    cr_expect(hec_outbox_is_committing(outbox));
}

/* Reads the topic: numbers first .. last, whole and in order, and nothing else. */
static void expect_said(int first, int last)
{
    struct hec_tap *tap = NULL;
    struct hec_record record;
    cr_assert_eq(hec_tap_new(&tap, &kafka, "out", HEC_TAP_START, &error), HEC_OK);
    int n = first;
    for (; hec_tap_next(tap, &record, n <= last ? 5000 : 500, &error) == HEC_OK; n++) {
        char text[16], name[16];
        size_t length = (size_t)snprintf(text, sizeof(text), "%d", n);
        snprintf(name, sizeof(name), "name-%d", n);
        cr_assert_eq(record.key_length, length);
        cr_assert_eq(memcmp(record.key, text, length), 0, "%.*s is not %d", (int)record.key_length,
                     (const char *)record.key, n);
        cr_assert_eq(record.value == NULL, n % 3 == 0);
        cr_assert_eq(record.value_length, n % 3 == 0 ? 0 : length);
        cr_assert_eq(record.record_ms, 1735689600000 + n);
        struct hec_kafka_header headers[2];
        cr_assert_eq(hec_record_headers(&record, headers, 2), n % 2 == 1 ? 2 : 0);
        if (n % 2 == 1) {
            cr_assert_str_eq(headers[0].name, name);
            cr_assert_eq(headers[0].length, length);
            cr_assert_eq(memcmp(headers[0].value, text, length), 0);
            cr_assert_str_eq(headers[1].name, "null");
            cr_assert_null(headers[1].value);
        }
        hec_source_release(&record, 1);
    }
    cr_expect_eq(n, last + 1, "%d .. %d were said, not %d", first, n - 1, last);
    hec_tap_close(tap);
}

Test(outbox, says_what_was_held_after_the_commit_and_in_order)
{
    struct hec_source *source = source_open();
    wait_assigned(source);
    struct hec_outbox *outbox = outbox_open(true);
    cr_assert_eq(hec_outbox_open(outbox, &error), HEC_OK);
    say(outbox, 1, 5);
    commit(outbox, source);
    cr_assert_eq(hec_outbox_open(outbox, &error), HEC_OK);
    say(outbox, 6, 500); /* the buffer grows */
    cr_assert_eq(settle(outbox), HEC_OK, "%s", error.text);
    commit(outbox, source);
    say(outbox, 501, 510);
    cr_assert_eq(settle(outbox), HEC_OK, "%s", error.text);
    cr_assert_eq(hec_outbox_open(outbox, &error), HEC_OK);
    say(outbox, 511, 511);
    commit(outbox, source);
    cr_assert_eq(settle(outbox), HEC_OK, "%s", error.text);
    hec_outbox_close(outbox, 3000);
    hec_source_close(source, 3000);
    expect_said(1, 511);
}

Test(outbox, drops_what_was_held_when_the_commit_broke)
{
    static const int BROKEN[] = { 48 /* INVALID_TXN_STATE */ };
    struct hec_source *source = source_open();
    wait_assigned(source);
    struct hec_outbox *outbox = outbox_open(true);
    cr_assert_eq(hec_outbox_open(outbox, &error), HEC_OK);
    hec_mock_push_errors(mock, END_TXN, BROKEN, 1);
    commit(outbox, source);
    say(outbox, 100, 200);
    cr_assert_eq(settle(outbox), HEC_FATAL, "%s", error.text);
    cr_assert_eq(hec_outbox_recreate(outbox, &error), HEC_OK, "%s", error.text);
    cr_assert_eq(hec_outbox_open(outbox, &error), HEC_OK);
    say(outbox, 1, 3);
    commit(outbox, source);
    say(outbox, 4, 4);
    cr_assert_eq(settle(outbox), HEC_OK, "%s", error.text);
    cr_assert_eq(hec_outbox_abort(outbox, &error), HEC_OK);
    cr_assert_eq(hec_outbox_open(outbox, &error), HEC_OK);
    say(outbox, 4, 5);
    commit(outbox, source);
    cr_assert_eq(settle(outbox), HEC_OK, "%s", error.text);
    hec_outbox_close(outbox, 3000);
    hec_source_close(source, 3000);
    expect_said(1, 5);
}

Test(outbox, refuses_what_no_topic_takes_also_while_it_holds)
{
    static char large[8192];
    struct hec_source *source = source_open();
    wait_assigned(source);
    struct hec_outbox *outbox = outbox_open(true);
    struct hec_sink_record record = { .value = large, .value_length = sizeof(large) };
    commit(outbox, source);
    cr_expect_eq(hec_outbox_put(outbox, &record, &error), HEC_TOO_LARGE);
    record.value_length = 1;
    record.partition = PARTITIONS;
    cr_expect_eq(hec_outbox_put(outbox, &record, &error), HEC_NOT_FOUND);
    record.partition = 1;
    record.value_length = 4000;
    for (int i = 0; i < 3000 && !hec_outbox_is_full(outbox); i++) {
        cr_assert_eq(hec_outbox_put(outbox, &record, &error), HEC_OK);
    }
    cr_expect(hec_outbox_is_full(outbox));
    cr_expect_eq(settle(outbox), HEC_OK, "%s", error.text);
    cr_expect_eq(hec_outbox_abort(outbox, &error), HEC_OK);
    cr_expect_not(hec_outbox_is_full(outbox));
    hec_outbox_close(outbox, 3000);
    hec_source_close(source, 3000);
}

Test(outbox, without_overlap_a_commit_is_done_when_it_returns)
{
    struct hec_source *source = source_open();
    wait_assigned(source);
    struct hec_outbox *outbox = outbox_open(false);
    cr_assert_eq(hec_outbox_open(outbox, &error), HEC_OK);
    say(outbox, 1, 3);
    commit(outbox, source);
    cr_expect(hec_outbox_is_done(outbox));
    cr_assert_eq(settle(outbox), HEC_OK, "%s", error.text);
    expect_said(1, 3);
    hec_outbox_close(outbox, 3000);
    hec_source_close(source, 3000);
}
