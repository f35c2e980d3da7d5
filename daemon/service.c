/*
 * The main thread: it builds the parts, then only watches. Signals, HTTP, the watchdog and the
 * status line live on its event loop; events live on the engines' threads, and the two meet in
 * atomics alone.
 */
#include "service.h"

#include <assert.h>
#include <event2/event.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/engine.h"
#include "file/model_file.h"
#include "http/http.h"
#include "kafka/admin.h"
#include "ops/clock.h"
#include "ops/features_file.h"
#include "ops/log.h"
#include "ops/metrics.h"
#include "ops/notify.h"

#define ENGINES_MAX 64
#define TICK_MS 200
#define SURVEY_WAIT_MS 10000
#define STUCK_MS 30000 /* an engine step waits at most for a commit or a Redis answer */
#define PROPERTIES_MAX 128

struct engine_thread {
    struct hec_engine *engine;
    pthread_t thread;
    bool started;
    atomic_bool done;
    enum hec_status status;
    struct hec_error error;
    uint64_t seen_steps; /* the main thread's: for the watchdog */
    int64_t moved_ms;
};

struct service {
    const struct hec_config *config;
    struct hec_plan *plan;
    struct hec_model *model;
    char model_sha256[HEC_SHA256_HEX];
    struct hec_policy policy;
    char cluster_id[HEC_CLUSTER_ID_BYTES_MAX];
    int32_t partitions;
    struct hec_metrics *metrics;
    struct event_base *base;
    struct hec_http *http;
    struct engine_thread engines[ENGINES_MAX];
    int engines_count;
    bool ready;
    int64_t status_told_ms, watchdog_ms;
    int exit_status;
};

/* Threads and the signal event read it. */
static atomic_bool stopping;

enum hec_exit hec_exit_of(enum hec_status status)
{
    switch (status) {
    case HEC_OK: return HEC_EXIT_OK;
    case HEC_UNAVAILABLE: return HEC_EXIT_UNREACHABLE;
    case HEC_INVALID:
    case HEC_MISMATCH:
    case HEC_DENIED:
    case HEC_NOT_FOUND:
    case HEC_CORRUPT: return HEC_EXIT_CONFIG;
    default: return HEC_EXIT_FAILURE;
    }
}

/* ---- Building ---- */

static enum hec_status build_plan(struct service *service, struct hec_error *error)
{
    struct hec_schema *schema = calloc(1, sizeof(*schema));
    if (schema == NULL) {
        return hec_fail(error, HEC_NO_MEMORY, "no memory for the feature schema");
    }
    enum hec_status status =
        hec_features_file_load(service->config->features.schema_file, schema, error);
    if (status == HEC_OK) {
        status = hec_plan_new(&service->plan, schema, error);
    }
    free(schema);
    return status;
}

static enum hec_status build_model(struct service *service, struct hec_error *error)
{
    return hec_model_file_load(&service->model, service->model_sha256, service->config->model.file,
                               hec_plan_digest(service->plan), error);
}

static void set_threshold(float *threshold, int64_t score)
{
    if (score > 0) {
        *threshold = hec_threshold_of((int)score);
    }
}

/* A setting of 0 leaves what the model says. */
static void apply_head(struct hec_head_policy *policy, const struct hec_config *config, int head)
{
    static const enum hec_decide_mode MODES[] = {
        [HEC_HEAD_ON] = HEC_DECIDE_ON,
        [HEC_HEAD_SHADOW] = HEC_DECIDE_SHADOW,
        [HEC_HEAD_OFF] = HEC_DECIDE_OFF,
    };
    policy->mode = MODES[config->heads[head].mode];
    set_threshold(&policy->alert_at, config->heads[head].alert_score);
    set_threshold(&policy->step_up_at, config->heads[head].step_up_score);
    set_threshold(&policy->hold_at, config->heads[head].hold_score);
    set_threshold(&policy->block_at, config->heads[head].block_score);
    /* The model's own threshold may lie above scores that stand in the file; what is held or
     * blocked must be an alert. */
    if (config->heads[head].alert_score == 0) {
        policy->hold_at = fmaxf(policy->hold_at, policy->alert_at);
        policy->block_at = fmaxf(policy->block_at, policy->alert_at);
    }
}

static enum hec_status build_policy(struct service *service, struct hec_error *error)
{
    const struct hec_model_info *info = hec_model_info(service->model);
    hec_policy_default(&service->policy, info);
    for (int head = 0; head < info->heads_count; head++) {
        for (int c = 0; c < HEC_CONFIG_HEADS; c++) {
            if (strcmp(hec_config_head_name(c), info->heads[head].name) == 0) {
                apply_head(&service->policy.heads[head], service->config, c);
            }
        }
    }
    service->policy.reasons_max = (int)service->config->alerts.max_reasons;
    service->policy.critical_loss_minor = service->config->alerts.critical_loss_minor;
    return hec_policy_check(&service->policy, error);
}

/* librdkafka's own properties: the common section, then the client's, the later one winning. */
static size_t properties_of(struct hec_kafka_property *list, const struct hec_properties *common,
                            const struct hec_properties *own)
{
    size_t count = 0;
    for (int i = 0; i < common->count && count < PROPERTIES_MAX; i++) {
        if (own == NULL || hec_properties_find(own, common->rows[i].name) == NULL) {
            list[count++] =
                (struct hec_kafka_property){ common->rows[i].name, common->rows[i].value };
        }
    }
    for (int i = 0; own != NULL && i < own->count && count < PROPERTIES_MAX; i++) {
        list[count++] = (struct hec_kafka_property){ own->rows[i].name, own->rows[i].value };
    }
    return count;
}

static void log_kafka(void *context, int level, const char *text)
{
    (void)context;
    hec_log(level <= 3   ? HEC_LOG_ERROR
            : level == 4 ? HEC_LOG_WARN
            : level <= 6 ? HEC_LOG_INFO
                         : HEC_LOG_DEBUG,
            "kafka", "librdkafka", "the Kafka client says", "text=%s", text);
}

static enum hec_status survey(struct service *service, struct hec_error *error)
{
    const struct hec_config *config = service->config;
    struct hec_kafka_property list[PROPERTIES_MAX];
    struct hec_kafka_options options = {
        .properties = list,
        .properties_count = properties_of(list, &config->kafka, NULL),
    };
    struct hec_topic topics[4] = { { .name = config->input.topic },
                                   { .name = config->output.alert_topic },
                                   { .name = config->output.dead_letter_topic },
                                   { .name = config->output.score_topic } };
    int count = config->output.score_topic[0] == '\0' ? 3 : 4;
    enum hec_status status =
        hec_kafka_survey(&options, service->cluster_id, topics, count, SURVEY_WAIT_MS, error);
    service->partitions = topics[0].partitions;
    if (status == HEC_OK && service->partitions > HEC_PARTITIONS_MAX) {
        return hec_fail(error, HEC_MISMATCH, "topic %s has %d partitions, at most %d are supported",
                        config->input.topic, (int)service->partitions, HEC_PARTITIONS_MAX);
    }
    return status;
}

/* What every engine is made with. Texts and lists must outlive the call of hec_engine_new only. */
static void fill_options(const struct service *service, struct hec_engine_options *options)
{
    const struct hec_config *config = service->config;
    *options = (struct hec_engine_options){
        .store = { .address = config->state.redis_address,
                   .username =
                       config->state.redis_username[0] ? config->state.redis_username : NULL,
                   .password =
                       config->state.redis_password[0] ? config->state.redis_password : NULL,
                   .database = (int)config->state.redis_database,
                   .connect_ms = (int)config->state.connect_timeout_ms,
                   .command_ms = (int)config->state.read_timeout_ms,
                   .key_prefix = config->state.key_prefix,
                   .allow_evicting = config->state.allow_evicting,
                   .allow_remote_plain = config->state.allow_remote_plain },
        .input_topic = config->input.topic,
        .cluster_id = service->cluster_id,
        .partitions = service->partitions,
        .start_earliest = config->input.start_from == HEC_START_EARLIEST,
        .limits = { .record_bytes_max = (uint32_t)config->input.max_record_bytes,
                    .future_skew_ms = config->input.max_future_skew_ms },
        .plan = service->plan,
        .model = service->model,
        .policy = &service->policy,
        .model_sha256 = service->model_sha256,
        .instance = config->hecate.instance,
        .tenant = config->hecate.tenant,
        .publish_scores = config->output.score_topic[0] != '\0',
        .score_features = config->output.score_features,
        .score_sample_ratio = config->output.score_sample_ratio,
        .cache_bytes_max =
            (size_t)config->state.cache_mib * 1024 * 1024 / (size_t)service->engines_count,
        .batch_rows_max = (int)config->model.max_batch_records,
        .batch_wait_ms = (int)((config->model.max_batch_wait_us + 999) / 1000),
        .commit_interval_ms = (int)config->output.commit_interval_ms,
        .commit_records_max = (int)config->output.commit_records_max,
        .checkpoint_interval_ms = (int)config->state.checkpoint_interval_ms,
        .checkpoint_records_max = (int)config->state.checkpoint_records_max,
        .shared_refresh_ms = (int)config->state.shared_refresh_ms,
    };
}

static enum hec_status build_engine(struct service *service, int index, struct hec_error *error)
{
    const struct hec_config *config = service->config;
    struct hec_engine_options options;
    struct hec_kafka_property consumer[PROPERTIES_MAX], producer[PROPERTIES_MAX];
    char identity[HEC_CONFIG_TEXT_MAX + 16];
    snprintf(identity, sizeof(identity), "%s-%d", config->hecate.instance, index);
    fill_options(service, &options);
    options.index = index;
    options.meter = hec_metrics_engine(service->metrics, index);
    options.source = (struct hec_source_options){
        .kafka = { .properties = consumer,
                   .properties_count =
                       properties_of(consumer, &config->kafka, &config->kafka_consumer),
                   .log = log_kafka },
        .topic = config->input.topic,
        .group = config->input.group,
        .instance_id = identity,
    };
    options.sink = (struct hec_sink_options){
        .kafka = { .properties = producer,
                   .properties_count =
                       properties_of(producer, &config->kafka, &config->kafka_producer),
                   .log = log_kafka },
        .transactional_id = config->output.delivery == HEC_EXACTLY_ONCE ? identity : NULL,
        .topics = { [HEC_TO_ALERTS] = config->output.alert_topic,
                    [HEC_TO_DEAD_LETTERS] = config->output.dead_letter_topic,
                    [HEC_TO_SCORES] = config->output.score_topic },
        .topics_count = options.publish_scores ? 3 : 2,
    };
    return hec_engine_new(&service->engines[index].engine, &options, error);
}

/* ---- The engines' threads ---- */

static void *run_engine(void *argument)
{
    struct engine_thread *thread = argument;
    enum hec_status status = HEC_OK;
    while (status == HEC_OK && !atomic_load_explicit(&stopping, memory_order_relaxed)) {
        status = hec_engine_step(thread->engine, &thread->error);
    }
    if (status == HEC_OK) {
        status = hec_engine_drain(thread->engine, &thread->error);
    }
    thread->status = status;
    atomic_store(&thread->done, true);
    return NULL;
}

/* Signals are the main thread's: an engine's system calls must not be cut short. */
static enum hec_status start_engine(struct engine_thread *thread, struct hec_error *error)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&thread->thread, NULL, run_engine, thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    thread->started = failed == 0;
    thread->moved_ms = hec_now_ms();
    return failed == 0
               ? HEC_OK
               : hec_fail(error, HEC_NO_MEMORY, "cannot start a thread: %s", strerror(failed));
}

/* ---- What the loop answers ---- */

static bool is_moving(const struct service *service)
{
    for (int i = 0; i < service->engines_count; i++) {
        if (hec_now_ms() - service->engines[i].moved_ms > STUCK_MS) {
            return false;
        }
    }
    return true;
}

static bool is_live(void *context)
{
    return is_moving(context);
}

/* The engines' views folded into one. */
static struct hec_engine_view view_of(const struct service *service)
{
    struct hec_engine_view all = { .assigned = true, .live = true, .store_connected = true };
    for (int i = 0; i < service->engines_count; i++) {
        struct hec_engine_view one;
        hec_engine_view(service->engines[i].engine, &one);
        all.assigned &= one.assigned;
        all.live &= one.live;
        all.store_connected &= one.store_connected;
        all.brokers_down |= one.brokers_down;
        all.partitions += one.partitions;
        all.replay_left += one.replay_left;
        all.rows += one.rows;
        all.alerts += one.alerts;
        all.lag_records += one.lag_records;
    }
    return all;
}

static int checks(void *context, struct hec_http_check *list)
{
    const struct service *service = context;
    struct hec_engine_view view = view_of(service);
    list[0] = (struct hec_http_check){ "kafka", !view.brokers_down, "" };
    snprintf(list[0].sentence, sizeof(list[0].sentence), "%s",
             view.brokers_down ? "no broker answers: see kafka.bootstrap.servers and the network"
                               : "brokers answer");
    list[1] = (struct hec_http_check){ "group", view.assigned, "" };
    snprintf(list[1].sentence, sizeof(list[1].sentence),
             view.assigned ? "%d of %d partitions are ours" : "not yet in the consumer group",
             (int)view.partitions, (int)service->partitions);
    list[2] = (struct hec_http_check){ "redis", true, "" };
    snprintf(list[2].sentence, sizeof(list[2].sentence), "%s",
             view.store_connected ? "connected"
                                  : "away: scoring on what is in memory, rows are marked degraded");
    list[3] = (struct hec_http_check){ "state", view.assigned && view.live, "" };
    snprintf(list[3].sentence, sizeof(list[3].sentence),
             view.live ? "up to date" : "replaying, %" PRId64 " records left", view.replay_left);
    list[4] = (struct hec_http_check){ "engines", is_moving(service), "" };
    snprintf(list[4].sentence, sizeof(list[4].sentence), "%d of them", service->engines_count);
    list[5] = (struct hec_http_check){ "model", true, "" };
    snprintf(list[5].sentence, sizeof(list[5].sentence), "%.12s", service->model_sha256);
    return 6;
}

static void begin_stop(struct service *service, enum hec_status why)
{
    if (!atomic_exchange(&stopping, true)) {
        service->exit_status = (int)hec_exit_of(why);
        hec_metrics_set_run_state(service->metrics, HEC_RUN_DRAINING);
        hec_notify_stopping();
    }
}

static void on_signal(evutil_socket_t number, short what, void *context)
{
    struct service *service = context;
    (void)what;
    if (atomic_load(&stopping)) {
        hec_log(HEC_LOG_WARN, "service", "killed", "second signal, leaving at once", "signal=%d",
                (int)number);
        _exit(HEC_EXIT_FAILURE);
    }
    hec_log(HEC_LOG_INFO, "service", "draining", "finishing what is open", "signal=%d",
            (int)number);
    begin_stop(service, HEC_OK);
}

static void tell_status(struct service *service, const struct hec_engine_view *view, int64_t now_ms)
{
    char line[160];
    if (now_ms - service->status_told_ms < 5000) {
        return;
    }
    service->status_told_ms = now_ms;
    if (view->live) {
        snprintf(line, sizeof(line),
                 "scoring, %d partitions, lag %" PRId64 ", %" PRIu64 " events, %" PRIu64
                 " alerts%s",
                 (int)view->partitions, view->lag_records, view->rows, view->alerts,
                 view->store_connected ? "" : ", redis away");
    } else {
        snprintf(line, sizeof(line), "replaying state, %" PRId64 " records left",
                 view->replay_left);
    }
    hec_notify_status(line);
}

/* READY comes once every engine is in the group and past its replay. */
static void tell_ready(struct service *service, const struct hec_engine_view *view)
{
    if (!service->ready && view->assigned && view->live) {
        service->ready = true;
        hec_metrics_set_run_state(service->metrics, HEC_RUN_RUNNING);
        hec_notify_ready("scoring");
        hec_log(HEC_LOG_INFO, "service", "ready", "ready",
                "model=%s features=%s partitions=%d engines=%d", service->model_sha256,
                hec_plan_digest(service->plan), (int)view->partitions, service->engines_count);
    } else if (!service->ready) {
        hec_metrics_set_run_state(service->metrics,
                                  view->assigned ? HEC_RUN_REBUILDING : HEC_RUN_STARTING);
        hec_notify_extend_timeout(30000);
    }
}

static void on_tick(evutil_socket_t none, short what, void *context)
{
    struct service *service = context;
    (void)none;
    (void)what;
    int64_t now_ms = hec_now_ms();
    bool all_done = true;
    for (int i = 0; i < service->engines_count; i++) {
        struct engine_thread *thread = &service->engines[i];
        struct hec_engine_view view;
        hec_engine_view(thread->engine, &view);
        if (view.steps != thread->seen_steps) {
            thread->seen_steps = view.steps;
            thread->moved_ms = now_ms;
        }
        bool done = atomic_load(&thread->done);
        all_done &= done;
        if (done && thread->status != HEC_OK) {
            hec_log(HEC_LOG_ERROR, "service", "engine_stopped", thread->error.text,
                    "engine=%d status=%s", i, hec_status_name(thread->status));
            begin_stop(service, thread->status);
        }
    }
    if (all_done) {
        event_base_loopbreak(service->base);
        return;
    }
    struct hec_engine_view view = view_of(service);
    if (!atomic_load(&stopping)) {
        tell_ready(service, &view);
        tell_status(service, &view, now_ms);
    }
    int64_t interval_ms = hec_notify_watchdog_interval_ms();
    if (interval_ms > 0 && now_ms - service->watchdog_ms >= interval_ms && is_moving(service)) {
        service->watchdog_ms = now_ms;
        hec_notify_watchdog();
    }
}

static enum hec_status build(struct service *service, struct hec_error *error)
{
    const struct hec_config *config = service->config;
    enum hec_status status = build_plan(service, error);
    status = status == HEC_OK ? build_model(service, error) : status;
    status = status == HEC_OK ? build_policy(service, error) : status;
    status = status == HEC_OK ? survey(service, error) : status;
    if (status != HEC_OK) {
        return status;
    }
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    int64_t wanted = config->hecate.engines > 0 ? config->hecate.engines
                     : cores > 1                ? cores - 1
                                                : 1;
    wanted = wanted > service->partitions ? service->partitions : wanted;
    service->engines_count = (int)(wanted > ENGINES_MAX ? ENGINES_MAX : wanted);
    struct hec_metrics_options options = {
        .engines = service->engines_count,
        .input_topic = config->input.topic,
        .version = HEC_VERSION,
        .librdkafka = hec_kafka_version(),
        .libevent = event_get_version(),
    };
    status = hec_metrics_new(&service->metrics, &options);
    if (status != HEC_OK) {
        return status;
    }
    const struct hec_model_info *info = hec_model_info(service->model);
    hec_metrics_set_model(service->metrics, "primary", info->name, info->version,
                          service->model_sha256);
    hec_meter_set(hec_metrics_service(service->metrics), HEC_S_MODEL_LOADED, hec_wall_ms());
    for (int i = 0; i < service->engines_count && status == HEC_OK; i++) {
        status = build_engine(service, i, error);
    }
    return status;
}

static enum hec_status open_http(struct service *service, struct hec_error *error)
{
    struct hec_http_options options = {
        .listen = service->config->admin.listen,
        .metrics = service->metrics,
        .context = service,
        .is_live = is_live,
        .checks = checks,
    };
    if (options.listen[0] == '\0') {
        return HEC_OK;
    }
    enum hec_status status = hec_http_new(&service->http, service->base, &options, error);
    if (status == HEC_OK) {
        hec_log(HEC_LOG_INFO, "service", "listening", "probes and metrics", "address=%s",
                hec_http_address(service->http));
    }
    return status;
}

static enum hec_status run(struct service *service, struct hec_error *error)
{
    struct timeval tick = { 0, TICK_MS * 1000 };
    struct event *events[] = {
        evsignal_new(service->base, SIGTERM, on_signal, service),
        evsignal_new(service->base, SIGINT, on_signal, service),
        event_new(service->base, -1, EV_PERSIST, on_tick, service),
    };
    enum hec_status status = HEC_OK;
    for (int i = 0; i < 3; i++) {
        if (events[i] == NULL || event_add(events[i], i == 2 ? &tick : NULL) != 0) {
            status = hec_fail(error, HEC_NO_MEMORY, "no memory for the event loop");
        }
    }
    for (int i = 0; i < service->engines_count && status == HEC_OK; i++) {
        status = start_engine(&service->engines[i], error);
    }
    if (status == HEC_OK) {
        event_base_dispatch(service->base);
    }
    atomic_store(&stopping, true);
    for (int i = 0; i < service->engines_count; i++) {
        if (service->engines[i].started) {
            pthread_join(service->engines[i].thread, NULL);
        }
    }
    for (int i = 0; i < 3; i++) {
        if (events[i] != NULL) {
            event_free(events[i]);
        }
    }
    return status;
}

static void take_down(struct service *service)
{
    hec_http_free(service->http);
    for (int i = 0; i < service->engines_count; i++) {
        hec_engine_free(service->engines[i].engine, 5000);
    }
    if (service->base != NULL) {
        event_base_free(service->base);
    }
    hec_metrics_free(service->metrics);
    hec_model_free(service->model);
    hec_plan_free(service->plan);
}

int hec_service_run(const struct hec_config *config)
{
    static struct service service; /* one service a process; too large for a stack */
    struct hec_error error = { 0 };
    service.config = config;
    signal(SIGPIPE, SIG_IGN);
    hec_log(HEC_LOG_INFO, "service", "starting", "hecated " HEC_VERSION,
            "instance=%s topic=%s group=%s librdkafka=%s", config->hecate.instance,
            config->input.topic, config->input.group, hec_kafka_version());
    enum hec_status status = build(&service, &error);
    if (status == HEC_OK) {
        service.base = event_base_new();
        status = service.base == NULL
                     ? hec_fail(&error, HEC_NO_MEMORY, "no memory for the event loop")
                     : open_http(&service, &error);
    }
    if (status == HEC_OK) {
        status = run(&service, &error);
    }
    if (status != HEC_OK) {
        hec_log(HEC_LOG_ERROR, "service", "cannot_start", error.text, "status=%s",
                hec_status_name(status));
        service.exit_status = (int)hec_exit_of(status);
    }
    take_down(&service);
    hec_log(HEC_LOG_INFO, "service", "stopped", "stopped", "exit=%d", service.exit_status);
    return service.exit_status;
}
