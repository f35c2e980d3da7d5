/* Metrics: every series is there at zero, engines fold as the table says, and promtool accepts. */
#include "ops/metrics.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct hec_metrics *make(int engines)
{
    struct hec_metrics *metrics;
    struct hec_metrics_options options = {
        .engines = engines, .input_topic = "events", .version = "0.1.0", .librdkafka = "2.0.2"
    };
    cr_assert_eq(hec_metrics_new(&metrics, &options), HEC_OK);
    return metrics;
}

static char *text_of(struct hec_metrics *metrics, bool openmetrics)
{
    size_t length;
    char *text = hec_metrics_text(metrics, openmetrics, &length);
    cr_assert_not_null(text);
    cr_assert_eq(strlen(text), length);
    return text;
}

static bool holds(struct hec_metrics *metrics, const char *line)
{
    char *text = text_of(metrics, false);
    bool found = strstr(text, line) != NULL;
    free(text);
    return found;
}

Test(metrics, has_every_series_at_zero_from_the_start)
{
    struct hec_metrics *metrics = make(2);
    char *text = text_of(metrics, false);
    static const char *const LINES[] = {
        "hecate_events_total{event_type=\"card_auth\"} 0\n",
        "hecate_events_total{event_type=\"forget\"} 0\n",
        "hecate_events_processed_total{result=\"scored\"} 0\n",
        "hecate_events_processed_total{result=\"dead_lettered\"} 0\n",
        "hecate_dead_letters_total{reason=\"null_value\"} 0\n",
        "hecate_dead_letters_total{reason=\"card_number\"} 0\n",
        "hecate_dead_letters_total{reason=\"poison\"} 0\n",
        "hecate_alerts_total{head=\"card_fraud\",severity=\"low\",outcome=\"allow\"} 0\n",
        "hecate_alerts_total{head=\"anomaly\",severity=\"critical\",outcome=\"block\"} 0\n",
        "hecate_state_cache_requests_total{tier=\"redis\",result=\"miss\"} 0\n",
        "hecate_state_cache_entries{entity=\"payee\"} 0\n",
        "hecate_kafka_commits_total{result=\"ok\"} 0\n",
        "hecate_redis_errors_total{kind=\"unavailable\"} 0\n",
        "hecate_redis_connected 0\n",
        "hecate_last_checkpoint_timestamp_seconds 0.000\n",
        "hecate_run_state{state=\"starting\"} 1\n",
        "hecate_run_state{state=\"running\"} 0\n",
        "hecate_build_info{version=\"0.1.0\",revision=\"\",librdkafka=\"2.0.2\"",
        "hecate_stage_duration_seconds_bucket{stage=\"poll\",le=\"1e-05\"} 0\n",
        "hecate_stage_duration_seconds_bucket{stage=\"checkpoint\",le=\"+Inf\"} 0\n",
        "hecate_stage_duration_seconds_sum{stage=\"commit\"} 0.000000000\n",
        "hecate_event_end_to_end_seconds_bucket{le=\"0.0005\"} 0\n",
        "hecate_event_end_to_end_seconds_count 0\n",
        "hecate_score_bucket{head=\"ato\",le=\"0.99\"} 0\n",
        "hecate_http_requests_total{handler=\"livez\",code=\"200\"} 0\n",
        "hecate_log_messages_total{level=\"error\"} ",
        "process_resident_memory_bytes ",
    };
    for (size_t i = 0; i < sizeof(LINES) / sizeof(LINES[0]); i++) {
        cr_expect_not_null(strstr(text, LINES[i]), "%s", LINES[i]);
    }
    cr_expect_null(strstr(text, "pending"));
    free(text);
    hec_metrics_free(metrics);
}

Test(metrics, has_no_series_twice)
{
    struct hec_metrics *metrics = make(1);
    hec_meter_lag(hec_metrics_engine(metrics, 0), 0, 1, 1);
    char *text = text_of(metrics, false);
    static char *lines[4096];
    int count = 0;
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        if (line[0] != '#') {
            *strrchr(line, ' ') = '\0';
            lines[count++] = line;
        }
    }
    for (int i = 0; i < count; i++) {
        for (int j = 0; j < i; j++) {
            cr_assert_str_neq(lines[i], lines[j]);
        }
    }
    cr_expect_gt(count, 300);
    free(text);
    hec_metrics_free(metrics);
}

Test(metrics, folds_engines_as_the_table_says)
{
    struct hec_metrics *metrics = make(2);
    struct hec_meter *a = hec_metrics_engine(metrics, 0);
    struct hec_meter *b = hec_metrics_engine(metrics, 1);
    hec_meter_add(a, HEC_S_RESULTS + HEC_OUT_SCORED, 5);
    hec_meter_add(b, HEC_S_RESULTS + HEC_OUT_SCORED, 7);
    hec_meter_add(b, hec_series_dead_letter(HEC_NOT_UTF8), 2);
    hec_meter_add(a, hec_series_alerts(HEC_HEAD_LABEL_ATO, HEC_SEVERITY_HIGH, HEC_ACTION_REVIEW),
                  3);
    hec_meter_add(a, hec_series_cache(HEC_TIER_REDIS, HEC_FOUND_MISS), 4);
    hec_meter_set(a, HEC_S_REDIS_CONNECTED, 1);
    cr_expect_eq(hec_metrics_value(metrics, HEC_S_REDIS_CONNECTED), 0, "the worst");
    hec_meter_set(b, HEC_S_REDIS_CONNECTED, 1);
    cr_expect_eq(hec_metrics_value(metrics, HEC_S_REDIS_CONNECTED), 1);
    hec_meter_set(b, HEC_S_LAST_EVENT, INT64_C(1795429535123));
    hec_meter_set(a, HEC_S_DEGRADED + HEC_DEGRADED_STATE_UNAVAILABLE, 1);
    hec_meter_add(hec_metrics_service(metrics), HEC_S_MODEL_LOADS + HEC_LOADED_REFUSED, 1);
    hec_metrics_set_run_state(metrics, HEC_RUN_RUNNING);
    static const char *const LINES[] = {
        "hecate_events_processed_total{result=\"scored\"} 12\n",
        "hecate_dead_letters_total{reason=\"not_utf8\"} 2\n",
        "hecate_alerts_total{head=\"ato\",severity=\"high\",outcome=\"review\"} 3\n",
        "hecate_state_cache_requests_total{tier=\"redis\",result=\"miss\"} 4\n",
        "hecate_last_event_processed_timestamp_seconds 1795429535.123\n",
        "hecate_degraded{mode=\"state_unavailable\"} 1\n",
        "hecate_model_loads_total{result=\"refused\"} 1\n",
        "hecate_run_state{state=\"starting\"} 0\n",
        "hecate_run_state{state=\"running\"} 1\n",
    };
    for (size_t i = 0; i < sizeof(LINES) / sizeof(LINES[0]); i++) {
        cr_expect(holds(metrics, LINES[i]), "%s", LINES[i]);
    }
    hec_metrics_free(metrics);
}

Test(metrics, a_tally_is_counted_once_and_is_empty_then)
{
    struct hec_metrics *metrics = make(1);
    struct hec_tally tally = { 0 };
    hec_meter_add(hec_metrics_engine(metrics, 0), HEC_S_RESULTS + HEC_OUT_SCORED, 2);
    hec_tally_add(&tally, HEC_S_RESULTS + HEC_OUT_SCORED, 3);
    hec_tally_add(&tally, HEC_S_RESULTS + HEC_OUT_SCORED, 1);
    cr_expect_eq(hec_metrics_value(metrics, HEC_S_RESULTS + HEC_OUT_SCORED), 2);
    hec_tally_count(&tally, hec_metrics_engine(metrics, 0));
    hec_tally_count(&tally, hec_metrics_engine(metrics, 0));
    cr_expect_eq(hec_metrics_value(metrics, HEC_S_RESULTS + HEC_OUT_SCORED), 6);

    int slot = hec_metrics_rule_slot(metrics, "large");
    hec_tally_rule(&tally, slot);
    char *text = text_of(metrics, false);
    cr_expect_not_null(strstr(text, "hecate_rule_hits_total{rule=\"large\"} 0\n"));
    free(text);
    hec_tally_count(&tally, hec_metrics_engine(metrics, 0));
    hec_tally_count(&tally, hec_metrics_engine(metrics, 0));
    text = text_of(metrics, false);
    cr_expect_not_null(strstr(text, "hecate_rule_hits_total{rule=\"large\"} 1\n"));
    free(text);
    hec_metrics_free(metrics);
}

Test(metrics, puts_a_value_into_the_bucket_that_it_does_not_exceed)
{
    struct hec_metrics *metrics = make(1);
    struct hec_meter *meter = hec_metrics_engine(metrics, 0);
    hec_meter_observe(meter, HEC_D_STAGE + HEC_STAGE_SCORE, 25000);     /* on the bound */
    hec_meter_observe(meter, HEC_D_STAGE + HEC_STAGE_SCORE, 25001);     /* just above */
    hec_meter_observe(meter, HEC_D_STAGE + HEC_STAGE_SCORE, 999999999); /* beyond the last */
    hec_meter_observe(meter, HEC_D_STAGE + HEC_STAGE_SCORE, -5);
    hec_meter_observe_n(meter, HEC_D_SCORE + HEC_HEAD_LABEL_ANOMALY, 500000, 10);
    hec_meter_observe(meter, HEC_D_SCORE_LAST, 1000000);
    static const char *const LINES[] = {
        "hecate_stage_duration_seconds_bucket{stage=\"score\",le=\"1e-05\"} 1\n",
        "hecate_stage_duration_seconds_bucket{stage=\"score\",le=\"2.5e-05\"} 2\n",
        "hecate_stage_duration_seconds_bucket{stage=\"score\",le=\"5e-05\"} 3\n",
        "hecate_stage_duration_seconds_bucket{stage=\"score\",le=\"0.1\"} 3\n",
        "hecate_stage_duration_seconds_bucket{stage=\"score\",le=\"+Inf\"} 4\n",
        "hecate_stage_duration_seconds_sum{stage=\"score\"} 1.000050000\n",
        "hecate_stage_duration_seconds_count{stage=\"score\"} 4\n",
        "hecate_score_bucket{head=\"anomaly\",le=\"0.4\"} 0\n",
        "hecate_score_bucket{head=\"anomaly\",le=\"0.5\"} 10\n",
        "hecate_score_sum{head=\"anomaly\"} 6.000000\n",
        "hecate_score_count{head=\"anomaly\"} 11\n",
    };
    for (size_t i = 0; i < sizeof(LINES) / sizeof(LINES[0]); i++) {
        cr_expect(holds(metrics, LINES[i]), "%s", LINES[i]);
    }
    hec_metrics_free(metrics);
}

Test(metrics, shows_lag_only_of_partitions_that_are_read_here)
{
    struct hec_metrics *metrics = make(2);
    int64_t records;
    int64_t ms;
    cr_expect_not(holds(metrics, "hecate_kafka_consumer_lag_records{"));
    hec_meter_lag(hec_metrics_engine(metrics, 0), 3, 7, 1500);
    hec_meter_lag(hec_metrics_engine(metrics, 1), 1023, 0, 0);
    hec_meter_lag(hec_metrics_engine(metrics, 1), 1024, 9, 9);
    hec_meter_lag(hec_metrics_engine(metrics, 1), -1, 9, 9);
    cr_expect(holds(metrics, "hecate_kafka_consumer_lag_records{topic=\"events\",partition=\"3\"} 7"
                             "\n"));
    cr_expect(holds(metrics, "hecate_kafka_consumer_lag_seconds{topic=\"events\",partition=\"3\"} "
                             "1.500\n"));
    cr_expect(holds(metrics, "partition=\"1023\"} 0\n"));
    cr_expect_not(holds(metrics, "partition=\"1024\""));
    hec_metrics_lag(metrics, &records, &ms);
    cr_expect_eq(records, 7);
    cr_expect_eq(ms, 1500);
    hec_meter_lag_end(hec_metrics_engine(metrics, 0), 3);
    cr_expect_not(holds(metrics, "partition=\"3\""));
    hec_metrics_free(metrics);
}

Test(metrics, escapes_the_names_of_a_model)
{
    struct hec_metrics *metrics = make(1);
    hec_metrics_set_model(metrics, "primary", "a\"b\\c\nd", "1", "0123456789abcdef");
    cr_expect(holds(metrics, "hecate_model_info{role=\"primary\",name=\"a\\\"b\\\\c\\nd\","
                             "version=\"1\",sha256=\"0123456789ab\"} 1\n"));
    hec_metrics_free(metrics);
}

Test(metrics, writes_openmetrics_by_its_own_rules)
{
    struct hec_metrics *metrics = make(1);
    char *text = text_of(metrics, true);
    static const char *const PARTS[] = {
        "# TYPE hecate_events counter\n# HELP hecate_events Decoded",
        "\nhecate_events_total{event_type=\"login\"} 0\n",
        "# TYPE hecate_checkpoint_bytes counter\n# UNIT hecate_checkpoint_bytes bytes\n",
        "# UNIT hecate_stage_duration_seconds seconds\n",
        "hecate_inference_batch_records_bucket{le=\"64.0\"} 0\n",
    };
    for (size_t i = 0; i < sizeof(PARTS) / sizeof(PARTS[0]); i++) {
        cr_expect_not_null(strstr(text, PARTS[i]), "%s", PARTS[i]);
    }
    cr_expect_str_eq(text + strlen(text) - 6, "# EOF\n");
    cr_expect_null(strstr(text, "_total counter"));
    free(text);
    hec_metrics_free(metrics);
}

/* promtool is Prometheus' own judge. */
Test(metrics, passes_promtool)
{
    if (system("command -v promtool >/dev/null 2>&1") != 0) {
        cr_skip_test("promtool is not installed");
    }
    struct hec_metrics *metrics = make(2);
    hec_metrics_set_model(metrics, "primary", "m", "1", "0123456789abcdef");
    hec_meter_lag(hec_metrics_engine(metrics, 0), 0, 1, 1);
    char *text = text_of(metrics, false);
    FILE *judge = popen("promtool check metrics 2>&1", "w");
    cr_assert_not_null(judge);
    fputs(text, judge);
    cr_expect_eq(pclose(judge), 0);
    free(text);
    hec_metrics_free(metrics);
}

static void *count(void *context)
{
    struct hec_meter *meter = context;
    for (int i = 0; i < 1000000; i++) {
        hec_meter_add(meter, HEC_S_CONSUMED, 1);
        hec_meter_observe(meter, HEC_D_BATCH, 1);
    }
    return NULL;
}

Test(metrics, loses_nothing_while_it_is_being_read)
{
    struct hec_metrics *metrics = make(2);
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        pthread_create(&threads[i], NULL, count, hec_metrics_engine(metrics, i));
    }
    int64_t last = 0;
    for (int i = 0; i < 20; i++) {
        int64_t now = hec_metrics_value(metrics, HEC_S_CONSUMED);
        cr_assert_geq(now, last);
        last = now;
        free(text_of(metrics, false));
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
    cr_expect_eq(hec_metrics_value(metrics, HEC_S_CONSUMED), 2000000);
    cr_expect(holds(metrics, "hecate_inference_batch_records_count 2000000\n"));
    hec_metrics_free(metrics);
}
