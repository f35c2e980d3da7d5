/* What an operator asks and orders: status, pause, resume, drain, the log level. */
#include <string.h>
#include <unistd.h>

#include "desk/api.h"
#include "desk/inside.h"
#include "ops/clock.h"
#include "ops/log.h"

#define REASON_BYTES_MAX 199
#define FOR_S_MAX 86400

static const char *const STATES[] = {
#define ROW(enumerator, name) name,
    HEC_RUN_STATE_TABLE(ROW)
#undef ROW
};

static void put_counts(struct hec_api_call *call)
{
    /* name in JSON, first series, how many labels are added up */
    static const struct {
        const char *name;
        int series, count;
    } COUNTS[] = {
        { "events", HEC_S_CONSUMED, 1 },
        { "scored", HEC_S_RESULTS + HEC_OUT_SCORED, 2 },
        { "duplicates", HEC_S_RESULTS + HEC_OUT_DUPLICATE, 1 },
        { "dead_letters", HEC_S_DEAD_LETTERS, HEC_S_DEAD_LETTERS_LAST - HEC_S_DEAD_LETTERS + 1 },
        { "alerts", HEC_S_ALERTS, HEC_S_ALERTS_LAST - HEC_S_ALERTS + 1 },
        { "degraded", HEC_S_DEGRADED_ROWS, 1 },
        { "labels", HEC_S_LABELS, HEC_S_LABELS_LAST - HEC_S_LABELS + 1 },
        { "rebalances", HEC_S_REBALANCES, HEC_S_REBALANCES_LAST - HEC_S_REBALANCES + 1 },
    };
    const struct hec_metrics *metrics = call->desk->options.parts->metrics;
    yyjson_mut_val *counts = yyjson_mut_obj_add_obj(call->reply, call->root, "counts");
    for (size_t i = 0; i < sizeof(COUNTS) / sizeof(COUNTS[0]); i++) {
        int64_t sum = 0;
        for (int n = 0; n < COUNTS[i].count; n++) {
            sum += hec_metrics_value(metrics, COUNTS[i].series + n);
        }
        yyjson_mut_obj_add_int(call->reply, counts, COUNTS[i].name, sum);
    }
}

static void put_model(struct hec_api_call *call)
{
    const struct hec_parts *parts = call->desk->options.parts;
    const struct hec_model_info *info = hec_model_info(parts->model);
    yyjson_mut_val *model = yyjson_mut_obj_add_obj(call->reply, call->root, "model");
    yyjson_mut_obj_add_strcpy(call->reply, model, "name", info->name);
    yyjson_mut_obj_add_strcpy(call->reply, model, "version", info->version);
    yyjson_mut_obj_add_strcpy(call->reply, model, "sha256", parts->model_sha256);
    yyjson_mut_obj_add_strcpy(call->reply, model, "schema_digest", hec_plan_digest(parts->plan));
    yyjson_mut_obj_add_int(call->reply, model, "train_from_ms", info->train_from_ms);
    yyjson_mut_obj_add_int(call->reply, model, "train_to_ms", info->train_to_ms);
    yyjson_mut_obj_add_uint(call->reply, model, "train_rows", info->train_rows);
    yyjson_mut_obj_add_uint(call->reply, model, "parameters", info->parameters);
}

static void put_shadow(struct hec_api_call *call)
{
    const struct hec_parts *parts = call->desk->options.parts;
    if (parts->shadow_model != NULL) {
        const struct hec_model_info *info = hec_model_info(parts->shadow_model);
        yyjson_mut_val *shadow = yyjson_mut_obj_add_obj(call->reply, call->root, "shadow");
        yyjson_mut_obj_add_strcpy(call->reply, shadow, "name", info->name);
        yyjson_mut_obj_add_strcpy(call->reply, shadow, "version", info->version);
        yyjson_mut_obj_add_strcpy(call->reply, shadow, "sha256", parts->shadow_sha256);
    }
}

static void put_threshold(struct hec_api_call *call, yyjson_mut_val *head, const char *name,
                          float at)
{
    if (at < HEC_NEVER) {
        yyjson_mut_obj_add_int(call->reply, head, name, hec_score_999(at));
    }
}

static void put_histogram(struct hec_api_call *call, yyjson_mut_val *head, int h)
{
    int64_t counts[HEC_BOUNDS_MAX + 1];
    const double *bounds;
    int count =
        hec_metrics_buckets(call->desk->options.parts->metrics, HEC_D_SCORE + h, counts, &bounds);
    yyjson_mut_val *bars = yyjson_mut_obj_add_arr(call->reply, head, "histogram");
    yyjson_mut_val *edges = yyjson_mut_obj_add_arr(call->reply, head, "bounds");
    for (int b = 0; b < count; b++) {
        yyjson_mut_arr_add_int(call->reply, bars, counts[b]);
        if (b + 1 < count) {
            yyjson_mut_arr_add_real(call->reply, edges, bounds[b]);
        }
    }
}

static void put_heads(struct hec_api_call *call)
{
    static const char *const MODES[] = { "off", "shadow", "on" };
    const struct hec_parts *parts = call->desk->options.parts;
    const struct hec_model_info *info = hec_model_info(parts->model);
    yyjson_mut_val *heads = yyjson_mut_obj_add_arr(call->reply, call->root, "heads");
    for (int h = 0; h < info->heads_count; h++) {
        const struct hec_head_policy *policy = &parts->policy.heads[h];
        int64_t alerts = 0;
        for (int n = 0; n < (int)HEC_SEVERITIES * (int)HEC_ACTIONS; n++) {
            alerts += hec_metrics_value(parts->metrics, hec_series_alerts(h, 0, 0) + n);
        }
        yyjson_mut_val *head = yyjson_mut_arr_add_obj(call->reply, heads);
        yyjson_mut_obj_add_strcpy(call->reply, head, "name", info->heads[h].name);
        yyjson_mut_obj_add_str(call->reply, head, "mode", MODES[policy->mode]);
        yyjson_mut_obj_add_int(call->reply, head, "alerts", alerts);
        put_threshold(call, head, "alert_score", policy->alert_at);
        put_threshold(call, head, "step_up_score", policy->step_up_at);
        put_threshold(call, head, "hold_score", policy->hold_at);
        put_threshold(call, head, "block_score", policy->block_at);
        if (h < (int)HEC_HEAD_LABELS && policy->budget_per_day > 0) {
            yyjson_mut_val *budget = yyjson_mut_obj_add_obj(call->reply, head, "budget");
            yyjson_mut_obj_add_int(call->reply, budget, "used",
                                   hec_metrics_value(parts->metrics, HEC_S_BUDGET_USED + h));
            yyjson_mut_obj_add_int(call->reply, budget, "limit",
                                   hec_metrics_value(parts->metrics, HEC_S_BUDGET_LIMIT + h));
        }
        put_histogram(call, head, h);
        hec_desk_put_outcomes(call->desk, h, call->reply, head);
    }
    yyjson_mut_obj_add_bool(call->reply, call->root, "breaker_open",
                            hec_metrics_value(parts->metrics, HEC_S_BREAKER_OPEN) != 0);
}

static void put_partitions(struct hec_api_call *call)
{
    const struct hec_parts *parts = call->desk->options.parts;
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(call->reply, call->root, "partitions");
    int64_t all_records = 0, all_ms = 0;
    hec_metrics_lag(parts->metrics, &all_records, &all_ms);
    for (int32_t p = 0; p < parts->partitions; p++) {
        int64_t records, ms;
        int engine = hec_metrics_lag_of(parts->metrics, p, &records, &ms);
        if (engine < 0) {
            continue;
        }
        yyjson_mut_val *one = yyjson_mut_arr_add_obj(call->reply, list);
        yyjson_mut_obj_add_int(call->reply, one, "partition", p);
        yyjson_mut_obj_add_int(call->reply, one, "engine", engine);
        yyjson_mut_obj_add_int(call->reply, one, "lag_records", records);
        yyjson_mut_obj_add_int(call->reply, one, "lag_ms", ms);
    }
    yyjson_mut_val *lag = yyjson_mut_obj_add_obj(call->reply, call->root, "lag");
    yyjson_mut_obj_add_int(call->reply, lag, "records", all_records);
    yyjson_mut_obj_add_int(call->reply, lag, "ms", all_ms);
}

static void put_latency(struct hec_api_call *call)
{
    const struct hec_metrics *metrics = call->desk->options.parts->metrics;
    yyjson_mut_val *age = yyjson_mut_obj_add_obj(call->reply, call->root, "end_to_end_s");
    yyjson_mut_obj_add_real(call->reply, age, "p50",
                            hec_metrics_quantile(metrics, HEC_D_END_TO_END, 0.5));
    yyjson_mut_obj_add_real(call->reply, age, "p99",
                            hec_metrics_quantile(metrics, HEC_D_END_TO_END, 0.99));
}

static void put_topics(struct hec_api_call *call)
{
    const struct hec_config *config = call->desk->options.config;
    yyjson_mut_val *topics = yyjson_mut_obj_add_obj(call->reply, call->root, "topics");
    yyjson_mut_obj_add_strcpy(call->reply, topics, "input", config->input.topic);
    yyjson_mut_obj_add_strcpy(call->reply, topics, "alerts", config->output.alert_topic);
    yyjson_mut_obj_add_strcpy(call->reply, topics, "scores", config->output.score_topic);
    yyjson_mut_obj_add_strcpy(call->reply, topics, "dead_letters",
                              config->output.dead_letter_topic);
    yyjson_mut_obj_add_strcpy(call->reply, topics, "group", config->input.group);
}

void hec_api_checks(struct hec_api_call *call)
{
    struct hec_http_check checks[HEC_HTTP_CHECKS_MAX] = { 0 };
    const struct hec_desk_hooks *hooks = &call->desk->options.hooks;
    int count = hooks->checks(hooks->context, checks);
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(call->reply, call->root, "checks");
    for (int i = 0; i < count; i++) {
        yyjson_mut_val *one = yyjson_mut_arr_add_obj(call->reply, list);
        yyjson_mut_obj_add_str(call->reply, one, "name", checks[i].name);
        yyjson_mut_obj_add_bool(call->reply, one, "ok", checks[i].ok);
        yyjson_mut_obj_add_strcpy(call->reply, one, "sentence", checks[i].sentence);
    }
}

void hec_api_status(struct hec_api_call *call)
{
    const struct hec_desk_options *options = &call->desk->options;
    struct hec_desk_state state = { 0 };
    options->hooks.state(options->hooks.context, &state);
    yyjson_mut_obj_add_strcpy(call->reply, call->root, "instance",
                              options->config->hecate.instance);
    yyjson_mut_obj_add_str(call->reply, call->root, "version", HEC_VERSION);
    yyjson_mut_obj_add_int(call->reply, call->root, "pid", getpid());
    yyjson_mut_obj_add_str(call->reply, call->root, "state", STATES[state.run_state]);
    yyjson_mut_obj_add_bool(call->reply, call->root, "ready", state.ready);
    yyjson_mut_obj_add_int(call->reply, call->root, "started_ms", state.started_ms);
    yyjson_mut_obj_add_int(call->reply, call->root, "now_ms", hec_wall_ms());
    yyjson_mut_obj_add_int(call->reply, call->root, "engines", state.engines);
    if (state.paused_ms != 0) {
        yyjson_mut_val *paused = yyjson_mut_obj_add_obj(call->reply, call->root, "paused");
        yyjson_mut_obj_add_strcpy(call->reply, paused, "reason", state.pause_reason);
        yyjson_mut_obj_add_strcpy(call->reply, paused, "by", state.paused_by);
        yyjson_mut_obj_add_int(call->reply, paused, "since_ms", state.paused_ms);
    }
    yyjson_mut_obj_add_str(call->reply, call->root, "log_level",
                           hec_log_level_name(hec_log_level()));
    put_partitions(call);
    put_counts(call);
    put_latency(call);
    put_heads(call);
    put_model(call);
    put_shadow(call);
    put_topics(call);
    hec_api_checks(call);
}

void hec_api_routes_list(struct hec_api_call *call)
{
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(call->reply, call->root, "routes");
    for (const struct hec_api_route *route = hec_api_routes(); route->pattern != NULL; route++) {
        yyjson_mut_val *one = yyjson_mut_arr_add_obj(call->reply, list);
        yyjson_mut_obj_add_str(call->reply, one, "method", hec_method_name(route->method));
        yyjson_mut_obj_add_str(call->reply, one, "path", route->pattern);
        yyjson_mut_obj_add_str(call->reply, one, "role", hec_role_name(route->role));
        yyjson_mut_obj_add_str(call->reply, one, "help", route->help);
    }
}

void hec_api_pause(struct hec_api_call *call)
{
    const struct hec_desk_hooks *hooks = &call->desk->options.hooks;
    const char *reason = hec_api_text(call, "reason", REASON_BYTES_MAX, true);
    if (reason != NULL) {
        hooks->pause(hooks->context, reason, call->exchange->actor);
        snprintf(call->subject, sizeof(call->subject), "%s", reason);
    }
}

void hec_api_resume(struct hec_api_call *call)
{
    const struct hec_desk_hooks *hooks = &call->desk->options.hooks;
    hooks->pause(hooks->context, NULL, call->exchange->actor);
}

void hec_api_drain(struct hec_api_call *call)
{
    const struct hec_desk_hooks *hooks = &call->desk->options.hooks;
    hooks->drain(hooks->context);
    call->code = 202;
}

void hec_api_log_level(struct hec_api_call *call)
{
    const char *name = hec_api_text(call, "level", 16, true);
    int64_t for_s = hec_api_integer(call, "for_s", 0, FOR_S_MAX, 0);
    if (call->code != 200) {
        return;
    }
    int level = 0;
    while (level < (int)HEC_LOG_LEVELS &&
           strcmp(hec_log_level_name((enum hec_log_level)level), name) != 0) {
        level++;
    }
    if (level == (int)HEC_LOG_LEVELS) {
        hec_api_fail(call, 422, "level must be error, warn, info or debug.");
        return;
    }
    struct hec_desk *desk = call->desk;
    desk->log_before = desk->log_until_ms != 0 ? desk->log_before : (int)hec_log_level();
    desk->log_until_ms = for_s == 0 ? 0 : hec_now_ms() + for_s * 1000;
    hec_log_set_level((enum hec_log_level)level);
    snprintf(call->subject, sizeof(call->subject), "%s for %lld s", name, (long long)for_s);
}
