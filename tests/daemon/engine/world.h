/*
 * A whole engine in a test: an embedded cluster, a real redis-server, a small model.
 *
 * The embedded cluster keeps no offsets of transactions, so the engines here run at_least_once,
 * where offsets are the group's own. What is proved is the order of things: what is stored, when,
 * and what an engine does when the world fails between two steps.
 */
#ifndef HECATE_TESTS_ENGINE_WORLD_H
#define HECATE_TESTS_ENGINE_WORLD_H

#include <criterion/criterion.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/engine.h"
#include "kafka/admin.h"
#include "kafka/feed.h"
#include "kafka/mock.h"
#include "ops/clock.h"
#include "ops/log.h"
#include "redis_fixture.h"
#include "schema.h"
#include "small_model.h"

#define T0 1735689600000 /* 2025-01-01 */
#define PARTITIONS_MAX 4
#define SCHEMA                                                                                     \
    "currency = EUR\n"                                                                             \
    "filter payment { events = {card_auth, transfer} }\n"                                          \
    "feature amount { aggregate = value field = amount_minor reason = \"AMT-001\" }\n"             \
    "feature count { aggregate = count entity = user filter = payment window = 1d "                \
    "reason = \"VEL-001\" }\n"                                                                     \
    "feature busy { aggregate = count entity = terminal filter = payment window = 1d "             \
    "reason = \"VEL-002\" }\n"                                                                     \
    "feature channel { aggregate = category field = channel reason = \"CAT-001\" }\n"

static struct world {
    struct hec_mock *mock;
    struct hec_kafka_property properties[4];
    struct hec_kafka_options kafka;
    struct redis_fixture redis;
    struct hec_plan *plan;
    struct hec_model *model;
    struct hec_policy policy;
    struct hec_metrics *metrics;
    struct hec_feed *feed;
    int32_t partitions;
    struct hec_error error;
} world;

/* What it learned does not matter here. */
static inline struct hec_model *model_of(const struct hec_plan *plan)
{
    const struct small_model wanted = {
        .schema_text = SCHEMA, .numerics = 3, .categories = 1, .epochs = 1
    };
    size_t size;
    void *bytes = small_model(&wanted, plan, &size);
    struct hec_model *model;
    cr_assert_eq(hec_model_load(&model, bytes, size, hec_plan_digest(plan), &world.error), HEC_OK,
                 "%s", world.error.text);
    free(bytes);
    return model;
}

static inline void world_begin(int32_t partitions)
{
    signal(SIGPIPE, SIG_IGN);
    if (!redis_fixture_start(&world.redis, NULL)) {
        cr_skip("there is no redis-server");
    }
    world.partitions = partitions;
    cr_assert_eq(hec_mock_new(&world.mock, 1, &world.error), HEC_OK, "%s", world.error.text);
    cr_assert_eq(hec_mock_topic(world.mock, "in", partitions), HEC_OK);
    cr_assert_eq(hec_mock_topic(world.mock, "alerts", 1), HEC_OK);
    cr_assert_eq(hec_mock_topic(world.mock, "dead", 1), HEC_OK);
    cr_assert_eq(hec_mock_topic(world.mock, "scores", 1), HEC_OK);
    world.properties[0] =
        (struct hec_kafka_property){ "bootstrap.servers", hec_mock_brokers(world.mock) };
    /* Who comes next waits nearly as long for a member that went without a word, as static ones do.
     * The first of a group waits three seconds, and must not be out of time before that. */
    world.properties[1] = (struct hec_kafka_property){ "session.timeout.ms", "5000" };
    world.properties[2] = (struct hec_kafka_property){ "heartbeat.interval.ms", "300" };
    world.kafka = (struct hec_kafka_options){ world.properties, 3, NULL, NULL };
    world.plan = plan_of(SCHEMA);
    world.model = model_of(world.plan);
    hec_policy_default(&world.policy, hec_model_info(world.model));
    struct hec_metrics_options metrics = { .engines = 2,
                                           .input_topic = "in",
                                           .version = "test",
                                           .librdkafka = "test",
                                           .libevent = "test" };
    cr_assert_eq(hec_metrics_new(&world.metrics, &metrics), HEC_OK);
    cr_assert_eq(hec_feed_new(&world.feed, &world.kafka, &world.error), HEC_OK);
    hec_log_setup(&(struct hec_log_options){ .level = HEC_LOG_ERROR, .lines_per_s = 1000 });
}

static inline void world_end(void)
{
    hec_feed_close(world.feed, 1000);
    hec_metrics_free(world.metrics);
    hec_model_free(world.model);
    hec_plan_free(world.plan);
    hec_mock_free(world.mock);
    redis_fixture_end(&world.redis);
}

/* Engine number index of an instance; a test may change the options before it is made. Without an
 * identity it tells the group that it goes, and its successor has nobody to wait for. */
static inline struct hec_engine_options options_of(const char *identity, int index)
{
    return (struct hec_engine_options){
        .index = index,
        .source = { .kafka = world.kafka,
                    .topic = "in",
                    .group = "group",
                    .instance_id = identity },
        .sink = { .kafka = world.kafka,
                  .topics = { "alerts", "dead", "scores" },
                  .topics_count = 3,
                  .wait_ms = 1000 },
        .store = { .address = world.redis.address },
        .input_topic = "in",
        .cluster_id = "cluster",
        .partitions = world.partitions,
        .start_earliest = true,
        .limits = { 65536, 60000 },
        .plan = world.plan,
        .model = world.model,
        .policy = &world.policy,
        .model_sha256 = "0123456789abcdef",
        .instance = "test",
        .publish_scores = true,
        .score_sample_ratio = 1,
        .cache_bytes_max = 1u << 24,
        .batch_rows_max = 64,
        .batch_wait_ms = 1,
        .overlap = true,
        .commit_interval_ms = 20,
        .commit_records_max = 1000,
        .checkpoint_interval_ms = 50,
        .checkpoint_records_max = 4096,
        .shared_refresh_ms = 1,
        .meter = hec_metrics_engine(world.metrics, index),
    };
}

static inline struct hec_engine *engine_of(const struct hec_engine_options *options)
{
    struct hec_engine *engine = NULL;
    cr_assert_eq(hec_engine_new(&engine, options, &world.error), HEC_OK, "%s", world.error.text);
    return engine;
}

/* Payment number n of the user of partition p, at a terminal that all users visit. */
static inline void pay(int32_t partition, int n)
{
    char value[512], key[16];
    int key_length = snprintf(key, sizeof(key), "u%d", (int)partition);
    int length = snprintf(value, sizeof(value),
                          "{\"event_id\":\"e%d-%d\",\"event_type\":\"card_auth\","
                          "\"schema_version\":1,\"event_time_ms\":%lld,\"user_token\":\"%s\","
                          "\"card_token\":\"c%d\",\"terminal_id\":\"t1\",\"channel\":\"app\","
                          "\"amount_minor\":100,\"currency\":\"EUR\"}",
                          (int)partition, n, (long long)(T0 + n), key, (int)partition);
    cr_assert_eq(hec_feed_send(world.feed, "in", partition, key, (size_t)key_length, value,
                               (size_t)length, T0 + n, &world.error),
                 HEC_OK, "%s", world.error.text);
}

/* Payments first .. first + count - 1 on every partition. */
static inline void pay_all(int first, int count)
{
    for (int n = first; n < first + count; n++) {
        for (int32_t p = 0; p < world.partitions; p++) {
            pay(p, n);
        }
    }
    cr_assert_eq(hec_feed_flush(world.feed, 10000, &world.error), HEC_OK, "%s", world.error.text);
}

static inline enum hec_status step(struct hec_engine *engine)
{
    return hec_engine_step(engine, &world.error);
}

static inline struct hec_engine_view view_of(const struct hec_engine *engine)
{
    struct hec_engine_view view;
    hec_engine_view(engine, &view);
    return view;
}

/* Runs until rows went through the engine, at most 20 s. */
static inline void run_rows(struct hec_engine *engine, uint64_t rows)
{
    int64_t until_ms = hec_now_ms() + 20000;
    while (view_of(engine).rows < rows && hec_now_ms() < until_ms) {
        enum hec_status status = step(engine);
        cr_assert_eq(status, HEC_OK, "%s: %s", hec_status_name(status), world.error.text);
    }
    cr_assert_geq(view_of(engine).rows, rows);
}

static inline void run_ms(struct hec_engine *engine, int ms)
{
    int64_t until_ms = hec_now_ms() + ms;
    while (hec_now_ms() < until_ms) {
        enum hec_status status = step(engine);
        cr_assert_eq(status, HEC_OK, "%s: %s", hec_status_name(status), world.error.text);
    }
}

/* The offset in the stored watermark; -1: none. */
static inline int64_t stored_offset(int32_t partition)
{
    char command[64], text[256];
    snprintf(command, sizeof(command), "GET 'hec:wm:{%d}'", (int)partition);
    redis_fixture_cli(&world.redis, command, text, sizeof(text));
    const char *found = strstr(text, "offset=");
    return found == NULL ? -1 : strtoll(found + 7, NULL, 10);
}

#endif
