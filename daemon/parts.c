/*
 * The parts, each made from the settings in one function.
 */
#include "parts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/engine.h"
#include "file/model_file.h"
#include "hecate/disposition.h"
#include "http/http.h"
#include "kafka/admin.h"
#include "ops/clock.h"
#include "ops/features_file.h"
#include "ops/log.h"
#include "ops/rules_file.h"

#define SURVEY_WAIT_MS 10000
#define PROPERTIES_MAX HEC_KAFKA_PROPERTIES_MAX

static enum hec_status build_plan(struct hec_parts *parts, struct hec_error *error)
{
    struct hec_schema *schema = calloc(1, sizeof(*schema));
    if (schema == NULL) {
        return hec_fail(error, HEC_NO_MEMORY, "no memory for the feature schema");
    }
    enum hec_status status =
        hec_features_file_load(parts->config->features.schema_file, schema, error);
    if (status == HEC_OK) {
        status = hec_plan_new(&parts->plan, schema, error);
    }
    free(schema);
    return status;
}

/* Another key is another state. */
static enum hec_status apply_token_key(struct hec_parts *parts, struct hec_error *error)
{
    const char *key = parts->config->state.token_key;
    struct hec_keyer *keyer;
    char id[17];
    if (key[0] == '\0') {
        return HEC_OK;
    }
    enum hec_status status = hec_keyer_new(&keyer, key, strlen(key));
    if (status != HEC_OK) {
        return status == HEC_INVALID
                   ? hec_fail(error, status,
                              "state.token_key is shorter than %d bytes: make one "
                              "with `openssl rand -hex 32`",
                              HEC_TOKEN_KEY_BYTES_MIN)
                   : status;
    }
    hec_keyer_id(keyer, id);
    hec_keyer_free(keyer);
    hec_plan_set_token_key(parts->plan, id);
    return HEC_OK;
}

enum hec_status hec_parts_shadow(struct hec_model **ret, char sha256[HEC_SHA256_HEX],
                                 const struct hec_config *config, const struct hec_plan *plan,
                                 struct hec_error *error)
{
    struct hec_error why = { 0 };
    *ret = NULL;
    sha256[0] = '\0';
    if (config->model.shadow_file[0] == '\0') {
        return HEC_OK;
    }
    enum hec_status status =
        hec_model_file_load(ret, sha256, config->model.shadow_file, hec_plan_digest(plan), &why);
    return status == HEC_OK ? HEC_OK
                            : hec_fail(error, status, "model.shadow_file: %.400s", why.text);
}

static enum hec_status build_model(struct hec_parts *parts, struct hec_error *error)
{
    return hec_model_file_load(&parts->model, parts->model_sha256, parts->config->model.file,
                               hec_plan_digest(parts->plan), error);
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
    policy->budget_per_day = config->heads[head].budget_alerts_per_day;
    policy->exposure_minor = config->heads[head].exposure_minor;
    /* The model's own threshold may lie above scores that stand in the file; what is held or
     * blocked must be an alert. */
    if (config->heads[head].alert_score == 0) {
        policy->hold_at = fmaxf(policy->hold_at, policy->alert_at);
        policy->block_at = fmaxf(policy->block_at, policy->alert_at);
    }
}

enum hec_status hec_parts_policy(struct hec_policy *policy, const struct hec_config *config,
                                 const struct hec_model *model, struct hec_error *error)
{
    const struct hec_model_info *info = hec_model_info(model);
    hec_policy_default(policy, info);
    for (int head = 0; head < info->heads_count; head++) {
        for (int c = 0; c < HEC_CONFIG_HEADS; c++) {
            if (strcmp(hec_config_head_name(c), info->heads[head].name) == 0) {
                apply_head(&policy->heads[head], config, c);
            }
        }
    }
    policy->reasons_max = (int)config->alerts.max_reasons;
    policy->critical_loss_minor = config->alerts.critical_loss_minor;
    policy->breaker_share = config->alerts.breaker_block_ratio;
    policy->breaker_window_ms = config->alerts.breaker_window_s * 1000;
    policy->control_share = config->alerts.control_ratio;
    policy->control_key = hec_control_key(config->alerts.control_key);
    return hec_policy_check(policy, error);
}

enum hec_status hec_parts_rules(struct hec_rules **ret, const struct hec_config *config,
                                const struct hec_plan *plan, const struct hec_model *model,
                                struct hec_error *error)
{
    *ret = NULL;
    return config->alerts.rules_file[0] == '\0'
               ? HEC_OK
               : hec_rules_file_load(ret, config->alerts.rules_file, plan, hec_model_info(model),
                                     error);
}

void hec_parts_rule_slots(struct hec_parts *parts, const struct hec_rules *rules,
                          uint8_t slots[HEC_RULES_MAX])
{
    for (int i = 0; rules != NULL && i < hec_rules_count(rules); i++) {
        slots[i] = (uint8_t)hec_metrics_rule_slot(parts->metrics, hec_rules_at(rules, i)->name);
    }
}

void hec_parts_model_sha256(struct hec_parts *parts, char sha256[HEC_SHA256_HEX])
{
    pthread_mutex_lock(&parts->lock);
    memcpy(sha256, parts->model_sha256, HEC_SHA256_HEX);
    pthread_mutex_unlock(&parts->lock);
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

void hec_parts_kafka(const struct hec_config *config, enum hec_kafka_client client,
                     struct hec_kafka_property list[HEC_KAFKA_PROPERTIES_MAX],
                     struct hec_kafka_options *options)
{
    const struct hec_properties *own = client == HEC_KAFKA_CONSUMER   ? &config->kafka_consumer
                                       : client == HEC_KAFKA_PRODUCER ? &config->kafka_producer
                                                                      : NULL;
    *options = (struct hec_kafka_options){
        .properties = list,
        .properties_count = properties_of(list, &config->kafka, own),
        .log = log_kafka,
    };
}

static enum hec_status survey(struct hec_parts *parts, struct hec_error *error)
{
    const struct hec_config *config = parts->config;
    struct hec_kafka_property list[PROPERTIES_MAX];
    struct hec_kafka_options options = {
        .properties = list,
        .properties_count = properties_of(list, &config->kafka, NULL),
    };
    struct hec_topic topics[5] = { { .name = config->input.topic },
                                   { .name = config->output.alert_topic },
                                   { .name = config->output.dead_letter_topic },
                                   { .name = config->output.score_topic },
                                   { .name = config->output.shadow_topic } };
    int count = config->output.score_topic[0] == '\0'    ? 3
                : config->output.shadow_topic[0] == '\0' ? 4
                                                         : 5;
    enum hec_status status =
        hec_kafka_survey(&options, parts->cluster_id, topics, count, SURVEY_WAIT_MS, error);
    parts->partitions = topics[0].partitions;
    if (status == HEC_OK && parts->partitions > HEC_PARTITIONS_MAX) {
        return hec_fail(error, HEC_MISMATCH, "topic %s has %d partitions, at most %d are supported",
                        config->input.topic, (int)parts->partitions, HEC_PARTITIONS_MAX);
    }
    return status;
}

static const char *or_null(const char *text)
{
    return text[0] == '\0' ? NULL : text;
}

struct hec_store_options hec_parts_store(const struct hec_config *config)
{
    _Static_assert((int)HEC_REDIS_SINGLE == HEC_STORE_SINGLE &&
                       (int)HEC_REDIS_SENTINEL == HEC_STORE_SENTINEL &&
                       (int)HEC_REDIS_CLUSTER == HEC_STORE_CLUSTER,
                   "the words of redis_mode are in the enum's order");
    return (struct hec_store_options){
        .address = config->state.redis_address,
        .mode = (enum hec_store_mode)config->state.redis_mode,
        .master_name = or_null(config->state.redis_master_name),
        .sentinel_username = or_null(config->state.redis_sentinel_username),
        .sentinel_password = or_null(config->state.redis_sentinel_password),
        .tls = config->state.redis_tls,
        .tls_ca_file = or_null(config->state.redis_tls_ca_file),
        .tls_certificate_file = or_null(config->state.redis_tls_certificate_file),
        .tls_key_file = or_null(config->state.redis_tls_key_file),
        .tls_server_name = or_null(config->state.redis_tls_server_name),
        .username = or_null(config->state.redis_username),
        .password = or_null(config->state.redis_password),
        .database = (int)config->state.redis_database,
        .connect_ms = (int)config->state.connect_timeout_ms,
        .command_ms = (int)config->state.read_timeout_ms,
        .key_prefix = config->state.key_prefix,
        .allow_evicting = config->state.allow_evicting,
        .allow_remote_plain = config->state.allow_remote_plain,
    };
}

/* What every engine is made with. Texts and lists must outlive the call of hec_engine_new only. */
static void fill_options(const struct hec_parts *parts, struct hec_engine_options *options)
{
    const struct hec_config *config = parts->config;
    *options = (struct hec_engine_options){
        .store = hec_parts_store(config),
        .input_topic = config->input.topic,
        .cluster_id = parts->cluster_id,
        .partitions = parts->partitions,
        .start_earliest = config->input.start_from == HEC_START_EARLIEST,
        .limits = { .record_bytes_max = (uint32_t)config->input.max_record_bytes,
                    .future_skew_ms = config->input.max_future_skew_ms },
        .plan = parts->plan,
        .model = parts->model,
        .policy = &parts->policy,
        .rules = parts->rules,
        .rule_slots = parts->rule_slots,
        .lists = parts->lists,
        .verdicts = parts->verdicts,
        .model_sha256 = parts->model_sha256,
        .shadow_model = parts->shadow_model,
        .shadow_sha256 = parts->shadow_sha256,
        .instance = config->hecate.instance,
        .tenant = config->hecate.tenant,
        .publish_scores = config->output.score_topic[0] != '\0',
        .score_features = config->output.score_features,
        .score_sample_ratio = config->output.score_sample_ratio,
        .token_key = config->state.token_key,
        .cache_bytes_max =
            (size_t)config->state.cache_mib * 1024 * 1024 / (size_t)parts->engines_count,
        .batch_rows_max = (int)config->model.max_batch_records,
        .batch_wait_ms = (int)((config->model.max_batch_wait_us + 999) / 1000),
        .overlap = config->output.overlap != 0,
        .commit_interval_ms = (int)config->output.commit_interval_ms,
        .commit_records_max = (int)config->output.commit_records_max,
        .checkpoint_interval_ms = (int)config->state.checkpoint_interval_ms,
        .checkpoint_records_max = (int)config->state.checkpoint_records_max,
        .shared_refresh_ms = (int)config->state.shared_refresh_ms,
        .dead_letter_ratio_max = config->output.dead_letter_ratio_max,
        .dead_letter_records_min = 100,
        .late_is_dead_letter = config->input.late_policy == HEC_LATE_DEAD_LETTER,
        .stop_without_store = config->state.on_unavailable == HEC_ON_UNAVAILABLE_STOP,
        .away_max_ms = config->state.away_max_s * 1000,
        .replay_records_max = config->state.replay_records_max,
    };
}

enum hec_status hec_parts_engine(struct hec_engine **ret, struct hec_parts *parts, int index,
                                 struct hec_error *error)
{
    const struct hec_config *config = parts->config;
    struct hec_engine_options options;
    struct hec_kafka_property consumer[PROPERTIES_MAX], producer[PROPERTIES_MAX];
    char identity[HEC_CONFIG_TEXT_MAX + 16];
    snprintf(identity, sizeof(identity), "%s-%d", config->hecate.instance, index);
    fill_options(parts, &options);
    options.index = index;
    options.meter = hec_metrics_engine(parts->metrics, index);
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
                    [HEC_TO_SCORES] = config->output.score_topic,
                    [HEC_TO_SHADOW] = config->output.shadow_topic },
        .topics_count = config->output.shadow_topic[0] != '\0' ? 4
                        : options.publish_scores               ? 3
                                                               : 2,
    };
    return hec_engine_new(ret, &options, error);
}

enum hec_status hec_parts_read(struct hec_parts *parts, const struct hec_config *config,
                               struct hec_error *error)
{
    *parts = (struct hec_parts){ .config = config };
    pthread_mutex_init(&parts->lock, NULL);
    enum hec_status status = build_plan(parts, error);
    status = status == HEC_OK ? apply_token_key(parts, error) : status;
    status = status == HEC_OK ? build_model(parts, error) : status;
    if (status == HEC_OK) {
        status = hec_parts_shadow(&parts->shadow_model, parts->shadow_sha256, config, parts->plan,
                                  error);
    }
    if (status == HEC_OK) {
        status = hec_parts_policy(&parts->policy, config, parts->model, error);
    }
    if (status == HEC_OK) {
        status = hec_parts_rules(&parts->rules, config, parts->plan, parts->model, error);
    }
    return status;
}

enum hec_status hec_parts_check(const struct hec_config *config, struct hec_problems *problems)
{
    struct hec_parts parts;
    struct hec_error error = { 0 };
    enum hec_status status = hec_config_check_files(config, problems);
    if (status != HEC_OK) {
        return status;
    }
    status = hec_parts_read(&parts, config, &error);
    hec_parts_free(&parts);
    if (status != HEC_OK) {
        hec_problems_add(problems, status, "%s", error.text);
    }
    return status;
}

enum hec_status hec_parts_make(struct hec_parts *parts, const struct hec_config *config,
                               struct hec_error *error)
{
    enum hec_status status = hec_parts_read(parts, config, error);
    status = status == HEC_OK ? survey(parts, error) : status;
    if (status != HEC_OK) {
        return status;
    }
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    int64_t wanted = config->hecate.engines > 0 ? config->hecate.engines
                     : cores > 1                ? cores - 1
                                                : 1;
    wanted = wanted > parts->partitions ? parts->partitions : wanted;
    parts->engines_count = (int)(wanted > HEC_ENGINES_MAX ? HEC_ENGINES_MAX : wanted);
    struct hec_metrics_options options = {
        .engines = parts->engines_count,
        .input_topic = config->input.topic,
        .version = HEC_VERSION,
        .librdkafka = hec_kafka_version(),
        .libevent = hec_http_library_version(),
    };
    status = hec_metrics_new(&parts->metrics, &options);
    if (status != HEC_OK) {
        return status;
    }
    status = hec_board_new(&parts->lists);
    status = status == HEC_OK ? hec_verdicts_new(&parts->verdicts) : status;
    if (status != HEC_OK) {
        return hec_fail(error, status, "no memory for the lists");
    }
    hec_parts_rule_slots(parts, parts->rules, parts->rule_slots);
    const struct hec_model_info *info = hec_model_info(parts->model);
    hec_metrics_set_model(parts->metrics, "primary", info->name, info->version,
                          parts->model_sha256);
    hec_metrics_set_reference(parts->metrics, parts->model, parts->model_sha256);
    if (parts->shadow_model != NULL) {
        const struct hec_model_info *shadow = hec_model_info(parts->shadow_model);
        hec_metrics_set_model(parts->metrics, "shadow", shadow->name, shadow->version,
                              parts->shadow_sha256);
    }
    struct hec_meter *meter = hec_metrics_service(parts->metrics);
    hec_meter_set(meter, HEC_S_MODEL_LOADED, hec_wall_ms());
    hec_meter_add(meter, HEC_S_MODEL_LOADS + HEC_LOADED_OK, 1);
    hec_meter_set(meter, HEC_S_RELOADED, hec_wall_ms());
    hec_meter_set(meter, HEC_S_RELOAD_GOOD, 1);
    return HEC_OK;
}

void hec_parts_free(struct hec_parts *parts)
{
    hec_metrics_free(parts->metrics);
    hec_board_free(parts->lists);
    hec_verdicts_free(parts->verdicts);
    hec_rules_free(parts->rules);
    hec_model_free(parts->model);
    hec_model_free(parts->shadow_model);
    hec_plan_free(parts->plan);
}
