/*
 * What the Kafka tests share: an embedded cluster with topics "in" and "out", and a source whose
 * engine begins every partition where the test says.
 */
#ifndef HECATE_TESTS_KAFKA_CLUSTER_H
#define HECATE_TESTS_KAFKA_CLUSTER_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "kafka/admin.h"
#include "kafka/feed.h"
#include "kafka/mock.h"
#include "kafka/sink.h"
#include "kafka/source.h"

#define PARTITIONS 2

static struct hec_mock *mock;
static struct hec_kafka_property properties[4];
static struct hec_kafka_options kafka = { .properties = properties };
static struct hec_error error;

/* What the made-up engine did and what it is to say. */
static struct engine {
    struct hec_source *source;
    int64_t start_offset;
    enum hec_status answer;
    int assigned;
    int revoked;
} engine;

static inline int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static inline void set_property(const char *name, const char *value)
{
    properties[kafka.properties_count++] = (struct hec_kafka_property){ name, value };
}

static inline void cluster_start(void)
{
    cr_assert_eq(hec_mock_new(&mock, 1, &error), HEC_OK, "%s", error.text);
    cr_assert_eq(hec_mock_topic(mock, "in", PARTITIONS), HEC_OK);
    cr_assert_eq(hec_mock_topic(mock, "out", PARTITIONS), HEC_OK);
    set_property("bootstrap.servers", hec_mock_brokers(mock));
}

static inline void cluster_end(void)
{
    hec_mock_free(mock);
}

/* Sends count records to each partition of "in": values "<partition>:<n>". */
static inline void feed_in(int count)
{
    struct hec_feed *feed = NULL;
    char value[32];
    cr_assert_eq(hec_feed_new(&feed, &kafka, &error), HEC_OK, "%s", error.text);
    for (int n = 0; n < count; n++) {
        for (int p = 0; p < PARTITIONS; p++) {
            int length = snprintf(value, sizeof(value), "%d:%d", p, n);
            cr_assert_eq(hec_feed_send(feed, "in", p, "key", 3, value, (size_t)length,
                                       1700000000000 + n, &error),
                         HEC_OK, "%s", error.text);
        }
    }
    cr_assert_eq(hec_feed_flush(feed, 10000, &error), HEC_OK, "%s", error.text);
    hec_feed_close(feed, 1000);
}

static inline enum hec_status on_assigned(void *context, struct hec_source_start *start, int count)
{
    (void)context;
    for (int i = 0; i < count; i++) {
        start[i].offset = engine.start_offset;
    }
    engine.assigned += count;
    return engine.answer;
}

static inline void on_revoked(void *context, const int32_t *partitions, int count, bool lost)
{
    (void)context;
    (void)partitions;
    (void)lost;
    engine.revoked += count;
}

static inline struct hec_source *source_open(void)
{
    struct hec_source_callbacks callbacks = { on_assigned, on_revoked, NULL };
    struct hec_source_options options = {
        .kafka = kafka, .topic = "in", .group = "group", .instance_id = "one"
    };
    cr_assert_eq(hec_source_new(&engine.source, &options, &callbacks, &error), HEC_OK, "%s",
                 error.text);
    return engine.source;
}

/* Polls until want records came or wait_ms passed; returns how many came. Values are copied. */
static inline int take(struct hec_source *source, char (*values)[32], int want, int wait_ms)
{
    struct hec_record rows[64];
    int64_t until_ms = now_ms() + wait_ms;
    int taken = 0;
    while (taken < want && now_ms() < until_ms) {
        int count = 0;
        int room = want - taken < 64 ? want - taken : 64;
        cr_assert_eq(hec_source_poll(source, rows, room, 50, 1, &count, &error), HEC_OK, "%s",
                     error.text);
        cr_assert_leq(count, room);
        for (int i = 0; i < count; i++, taken++) {
            if (values != NULL) {
                snprintf(values[taken], 32, "%.*s", (int)rows[i].value_length,
                         (const char *)rows[i].value);
            }
        }
        hec_source_release(rows, count);
    }
    return taken;
}

static inline void wait_assigned(struct hec_source *source)
{
    struct hec_record rows[1];
    int count = 0;
    hec_source_pause(source);
    for (int i = 0; i < 400 && !hec_source_is_assigned(source); i++) {
        cr_assert_eq(hec_source_poll(source, rows, 1, 25, 0, &count, &error), HEC_OK, "%s",
                     error.text);
        hec_source_release(rows, count);
    }
    cr_assert(hec_source_is_assigned(source));
}

static inline struct hec_sink *sink_open(const char *transactional_id)
{
    struct hec_sink *sink = NULL;
    struct hec_sink_options options = { .kafka = kafka,
                                        .transactional_id = transactional_id,
                                        .topics = { "out" },
                                        .topics_count = 1,
                                        .wait_ms = 5000 };
    cr_assert_eq(hec_sink_new(&sink, &options, &error), HEC_OK, "%s", error.text);
    return sink;
}

#endif
