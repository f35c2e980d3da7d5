/*
 * The dashboard: a table of panels, laid out from left to right in 24 columns, a row's title above
 * its panels. No plugins, no fixed data source, and every panel says what it shows.
 */
#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

#include "cli/monitoring.h"

/* The series of the jobs and instances that are chosen at the top of the dashboard. */
#define AT "job=~\"$job\",instance=~\"$instance\""
#define RATE(metric, labels) "rate(" metric "{" AT labels "}[$__rate_interval])"
#define QUANTILE(q, metric, by)                                                                    \
    "histogram_quantile(" q ", sum by (le" by ") (" RATE(metric "_bucket", "") "))"

#define QUERIES_MAX 3
struct panel {
    const char *row; /* of its first panel: the row's title */
    const char *title, *type, *unit, *description;
    int columns; /* of 24 */
    struct {
        const char *expr, *legend;
    } queries[QUERIES_MAX];
};

/* clang-format off */
static const struct panel PANELS[] = {
    { "Is it working", "State", "state-timeline", "none",
      "What each daemon says it is doing; hecated(8) tells what the states mean.", 12,
      { { "hecate_run_state{" AT "} == 1", "{{instance}} {{state}}" } } },
    { NULL, "Degraded", "state-timeline", "none",
      "1 while a daemon works with less than it should have.", 6,
      { { "max by (instance, mode) (hecate_degraded{" AT "})", "{{instance}} {{mode}}" } } },
    { NULL, "Reload", "stat", "bool_yes_no",
      "Whether the last settings that were offered are in effect.", 6,
      { { "min(hecate_config_last_reload_successful{" AT "})", "in effect" } } },
    { NULL, "Lag, seconds", "timeseries", "s",
      "Age of the oldest record that waits to be read: what people are paged for.", 8,
      { { "max by (instance) (hecate_kafka_consumer_lag_seconds{" AT "})", "{{instance}}" } } },
    { NULL, "Event to decision", "timeseries", "s",
      "From the event's own time to its decision; producers' delay included.", 8,
      { { QUANTILE("0.5", "hecate_event_end_to_end_seconds", ""), "p50" },
        { QUANTILE("0.99", "hecate_event_end_to_end_seconds", ""), "p99" } } },
    { NULL, "Events a second", "timeseries", "ops",
      "Records by what became of them.", 8,
      { { "sum by (result) (" RATE("hecate_events_processed_total", "") ")", "{{result}}" } } },
    { NULL, "Dead letters", "timeseries", "ops",
      "Records set aside, by reason. Usually a producer was changed.", 12,
      { { "sum by (reason) (" RATE("hecate_dead_letters_total", "") ")", "{{reason}}" } } },
    { NULL, "Errors logged", "timeseries", "ops",
      "Log lines of level error and warn, and those left out by the limit.", 12,
      { { "sum by (level) (" RATE("hecate_log_messages_total", ",level=~\"error|warn\"") ")",
          "{{level}}" },
        { "sum(" RATE("hecate_log_messages_dropped_total", "") ")", "left out" } } },

    { "Fraud output", "Alerts an hour", "timeseries", "none",
      "Alerts by head and severity.", 8,
      { { "sum by (head, severity) (increase(hecate_alerts_total{" AT "}[1h]))",
          "{{head}} {{severity}}" } } },
    { NULL, "Outcomes an hour", "timeseries", "none",
      "What was decided for the events that gave an alert.", 8,
      { { "sum by (outcome) (increase(hecate_alerts_total{" AT "}[1h]))", "{{outcome}}" } } },
    { NULL, "Suppressed an hour", "timeseries", "none",
      "Scores above a threshold that gave no alert, by reason.", 8,
      { { "sum by (reason) (increase(hecate_alerts_suppressed_total{" AT "}[1h]))",
          "{{reason}}" } } },
    { NULL, "Scores", "heatmap", "percentunit",
      "Distribution of the calibrated probabilities of all heads.", 12,
      { { "sum by (le) (increase(hecate_score_bucket{" AT "}[$__rate_interval]))", "{{le}}" } } },
    { NULL, "Labels an hour", "timeseries", "none",
      "Verdicts that came back on the input topic.", 12,
      { { "sum by (label) (increase(hecate_labels_received_total{" AT "}[1h]))", "{{label}}" } } },

    { "Model", "Model in use", "table", "none",
      "Name, version and digest of the model; alerts carry them too.", 12,
      { { "hecate_model_info{" AT "}", "" } } },
    { NULL, "Mean score", "timeseries", "percentunit",
      "A head whose mean score moves by a factor has drifted, or its events have.", 12,
      { { "sum by (head) (" RATE("hecate_score_sum", "") ") / sum by (head) ("
          RATE("hecate_score_count", "") ")", "{{head}}" } } },
    { NULL, "Score drift", "timeseries", "none",
      "Stability index of the last day's scores against the training: 0.25 is much.", 12,
      { { "max by (instance, head) (hecate_score_drift_psi{" AT "})", "{{instance}} {{head}}" } } },
    { NULL, "Feature drift", "timeseries", "none",
      "The ten features that moved most from what the model was trained on: 0.25 is much.", 12,
      { { "topk(10, max by (feature) (hecate_feature_drift_psi{" AT "}))", "{{feature}}" } } },
    { NULL, "Inference a batch", "timeseries", "s", "Time of one batch in the model.", 8,
      { { QUANTILE("0.5", "hecate_inference_duration_seconds", ""), "p50" },
        { QUANTILE("0.99", "hecate_inference_duration_seconds", ""), "p99" } } },
    { NULL, "Rows a batch", "timeseries", "none",
      "Larger batches cost less an event and wait longer.", 8,
      { { QUANTILE("0.5", "hecate_inference_batch_records", ""), "p50" },
        { QUANTILE("0.99", "hecate_inference_batch_records", ""), "p99" } } },
    { NULL, "Model files opened", "timeseries", "none",
      "A refused file leaves the model in use where it is.", 8,
      { { "sum by (result) (increase(hecate_model_loads_total{" AT "}[1h]))", "{{result}}" } } },

    { "Kafka", "Lag by partition", "timeseries", "none",
      "Records behind, of each partition that is assigned.", 12,
      { { "hecate_kafka_consumer_lag_records{" AT "}", "{{topic}} {{partition}}" } } },
    { NULL, "Partitions", "timeseries", "none", "Input partitions that each daemon reads.", 6,
      { { "hecate_kafka_assigned_partitions{" AT "}", "{{instance}}" } } },
    { NULL, "Rebalances", "timeseries", "none", "Changes of the assignment, an hour.", 6,
      { { "sum by (kind) (increase(hecate_kafka_rebalances_total{" AT "}[1h]))", "{{kind}}" } } },
    { NULL, "Commits a second", "timeseries", "ops",
      "Commits of output and input offsets, by result; all but ok are done again.", 8,
      { { "sum by (result) (" RATE("hecate_kafka_commits_total", "") ")", "{{result}}" } } },
    { NULL, "Records produced a second", "timeseries", "ops", "By output.", 8,
      { { "sum by (output) (" RATE("hecate_kafka_produced_total", "") ")", "{{output}}" } } },
    { NULL, "Stages", "timeseries", "s",
      "Time of one batch in each stage, 99 of 100: where a slow decision loses its time.", 8,
      { { QUANTILE("0.99", "hecate_stage_duration_seconds", ", stage"), "{{stage}}" } } },

    { "State", "Cache hits", "timeseries", "percentunit",
      "Share of the states that were found, in this process and then in Redis.", 8,
      { { "sum by (tier) (" RATE("hecate_state_cache_requests_total", ",result=\"hit\"")
          ") / sum by (tier) (" RATE("hecate_state_cache_requests_total", "") ")", "{{tier}}" } } },
    { NULL, "States in memory", "timeseries", "none", "By kind of entity.", 8,
      { { "sum by (entity) (hecate_state_cache_entries{" AT "})", "{{entity}}" } } },
    { NULL, "Memory of states", "timeseries", "bytes",
      "Bounded by state.cache_mib unless Redis is away.", 8,
      { { "sum by (instance) (hecate_state_cache_bytes{" AT "})", "{{instance}}" } } },
    { NULL, "Not yet stored", "timeseries", "none",
      "States newer than their copy in Redis, and records that a restart would replay.", 8,
      { { "sum(hecate_state_cache_dirty_entries{" AT "})", "states" },
        { "sum(hecate_checkpoint_lag_records{" AT "})", "records" } } },
    { NULL, "Redis round trips", "timeseries", "s", "99 of 100 are faster.", 8,
      { { QUANTILE("0.99", "hecate_redis_command_duration_seconds", ", op"), "{{op}}" } } },
    { NULL, "Redis errors", "timeseries", "ops", "Failed conversations, by kind.", 8,
      { { "sum by (kind) (" RATE("hecate_redis_errors_total", "") ")", "{{kind}}" } } },

    { "Process", "Processor", "timeseries", "percentunit", "1 is one core.", 8,
      { { RATE("process_cpu_seconds_total", ""), "{{instance}}" } } },
    { NULL, "Memory", "timeseries", "bytes", "Resident memory.", 8,
      { { "process_resident_memory_bytes{" AT "}", "{{instance}}" } } },
    { NULL, "Files", "timeseries", "none", "Open file descriptors, and how many may be open.", 8,
      { { "process_open_fds{" AT "}", "{{instance}} open" },
        { "process_max_fds{" AT "}", "{{instance}} most" } } },
};
/* clang-format on */
#define PANELS_COUNT ((int)(sizeof(PANELS) / sizeof(PANELS[0])))
#define PANEL_HEIGHT 8

/* Adds {"type": "prometheus", "uid": "${datasource}"}: whoever imports it chooses. */
static void add_source(yyjson_mut_doc *doc, yyjson_mut_val *to)
{
    yyjson_mut_val *source = yyjson_mut_obj(doc);
    yyjson_mut_obj_add_str(doc, source, "type", "prometheus");
    yyjson_mut_obj_add_str(doc, source, "uid", "${datasource}");
    yyjson_mut_obj_add_val(doc, to, "datasource", source);
}

static void add_place(yyjson_mut_doc *doc, yyjson_mut_val *panel, const int place[4])
{
    static const char *const NAMES[] = { "x", "y", "w", "h" };
    yyjson_mut_val *grid = yyjson_mut_obj(doc);
    for (int i = 0; i < 4; i++) {
        yyjson_mut_obj_add_int(doc, grid, NAMES[i], place[i]);
    }
    yyjson_mut_obj_add_val(doc, panel, "gridPos", grid);
}

static yyjson_mut_val *targets_of(yyjson_mut_doc *doc, const struct panel *panel)
{
    static const char *const REFERENCES[QUERIES_MAX] = { "A", "B", "C" };
    bool table = strcmp(panel->type, "table") == 0;
    bool heatmap = strcmp(panel->type, "heatmap") == 0;
    yyjson_mut_val *targets = yyjson_mut_arr(doc);
    for (int i = 0; i < QUERIES_MAX && panel->queries[i].expr != NULL; i++) {
        yyjson_mut_val *target = yyjson_mut_obj(doc);
        add_source(doc, target);
        yyjson_mut_obj_add_str(doc, target, "refId", REFERENCES[i]);
        yyjson_mut_obj_add_str(doc, target, "expr", panel->queries[i].expr);
        yyjson_mut_obj_add_str(doc, target, "legendFormat", panel->queries[i].legend);
        yyjson_mut_obj_add_bool(doc, target, "instant", table);
        yyjson_mut_obj_add_bool(doc, target, "range", !table);
        yyjson_mut_obj_add_str(doc, target, "format",
                               table     ? "table"
                               : heatmap ? "heatmap"
                                         : "time_series");
        yyjson_mut_arr_append(targets, target);
    }
    return targets;
}

static yyjson_mut_val *panel_of(yyjson_mut_doc *doc, const struct panel *panel, int id,
                                const int place[4])
{
    yyjson_mut_val *value = yyjson_mut_obj(doc);
    yyjson_mut_obj_add_int(doc, value, "id", id);
    yyjson_mut_obj_add_str(doc, value, "type", panel->type);
    yyjson_mut_obj_add_str(doc, value, "title", panel->title);
    yyjson_mut_obj_add_str(doc, value, "description", panel->description);
    add_place(doc, value, place);
    add_source(doc, value);
    yyjson_mut_obj_add_val(doc, value, "targets", targets_of(doc, panel));
    yyjson_mut_val *config = yyjson_mut_obj(doc);
    yyjson_mut_val *defaults = yyjson_mut_obj(doc);
    yyjson_mut_obj_add_str(doc, defaults, "unit", panel->unit);
    yyjson_mut_obj_add_val(doc, config, "defaults", defaults);
    yyjson_mut_obj_add_val(doc, config, "overrides", yyjson_mut_arr(doc));
    yyjson_mut_obj_add_val(doc, value, "fieldConfig", config);
    yyjson_mut_obj_add_val(doc, value, "options", yyjson_mut_obj(doc));
    return value;
}

static yyjson_mut_val *row_of(yyjson_mut_doc *doc, const char *title, int id, int y)
{
    yyjson_mut_val *row = yyjson_mut_obj(doc);
    yyjson_mut_obj_add_int(doc, row, "id", id);
    yyjson_mut_obj_add_str(doc, row, "type", "row");
    yyjson_mut_obj_add_str(doc, row, "title", title);
    yyjson_mut_obj_add_bool(doc, row, "collapsed", false);
    add_place(doc, row, (int[]){ 0, y, 24, 1 });
    yyjson_mut_obj_add_val(doc, row, "panels", yyjson_mut_arr(doc));
    return row;
}

static yyjson_mut_val *panels_of(yyjson_mut_doc *doc)
{
    yyjson_mut_val *panels = yyjson_mut_arr(doc);
    int x = 0, y = 0, id = 0;
    for (int i = 0; i < PANELS_COUNT; i++) {
        const struct panel *panel = &PANELS[i];
        if (i > 0 && (panel->row != NULL || x + panel->columns > 24)) {
            x = 0;
            y += PANEL_HEIGHT;
        }
        if (panel->row != NULL) {
            yyjson_mut_arr_append(panels, row_of(doc, panel->row, ++id, y++));
        }
        int place[4] = { x, y, panel->columns, PANEL_HEIGHT };
        yyjson_mut_arr_append(panels, panel_of(doc, panel, ++id, place));
        x += panel->columns;
    }
    return panels;
}

/* Choices at the top: the data source, and by it the jobs and instances that it knows. */
static yyjson_mut_val *templating_of(yyjson_mut_doc *doc)
{
    static const struct {
        const char *name, *label, *type, *query;
    } CHOICES[] = {
        { "datasource", "Data source", "datasource", "prometheus" },
        { "job", "Job", "query", "label_values(hecate_build_info, job)" },
        { "instance", "Instance", "query",
          "label_values(hecate_build_info{job=~\"$job\"}, instance)" },
    };
    yyjson_mut_val *list = yyjson_mut_arr(doc);
    for (int i = 0; i < 3; i++) {
        yyjson_mut_val *choice = yyjson_mut_obj(doc);
        yyjson_mut_obj_add_str(doc, choice, "name", CHOICES[i].name);
        yyjson_mut_obj_add_str(doc, choice, "label", CHOICES[i].label);
        yyjson_mut_obj_add_str(doc, choice, "type", CHOICES[i].type);
        yyjson_mut_obj_add_str(doc, choice, "query", CHOICES[i].query);
        if (i > 0) {
            add_source(doc, choice);
            yyjson_mut_obj_add_int(doc, choice, "refresh", 2); /* when the time range changes */
            yyjson_mut_obj_add_bool(doc, choice, "multi", true);
            yyjson_mut_obj_add_bool(doc, choice, "includeAll", true);
            yyjson_mut_obj_add_str(doc, choice, "allValue", ".*");
        }
        yyjson_mut_arr_append(list, choice);
    }
    yyjson_mut_val *templating = yyjson_mut_obj(doc);
    yyjson_mut_obj_add_val(doc, templating, "list", list);
    return templating;
}

/* A mark wherever the model in use changes. */
static yyjson_mut_val *annotations_of(yyjson_mut_doc *doc)
{
    yyjson_mut_val *mark = yyjson_mut_obj(doc);
    add_source(doc, mark);
    yyjson_mut_obj_add_str(doc, mark, "name", "Model loaded");
    yyjson_mut_obj_add_bool(doc, mark, "enable", true);
    yyjson_mut_obj_add_str(doc, mark, "iconColor", "blue");
    yyjson_mut_obj_add_str(doc, mark, "expr",
                           "changes(hecate_model_loaded_timestamp_seconds{" AT "}[1m]) > 0");
    yyjson_mut_obj_add_str(doc, mark, "titleFormat", "Model loaded on {{instance}}");
    yyjson_mut_val *list = yyjson_mut_arr(doc);
    yyjson_mut_arr_append(list, mark);
    yyjson_mut_val *annotations = yyjson_mut_obj(doc);
    yyjson_mut_obj_add_val(doc, annotations, "list", list);
    return annotations;
}

enum hec_status hec_dashboard_print(FILE *out)
{
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_str(doc, root, "uid", "hecate");
    yyjson_mut_obj_add_str(doc, root, "title", "Hecate");
    yyjson_mut_obj_add_str(doc, root, "description",
                           "hecated " HEC_VERSION "; what to do about what you see: man hecated");
    yyjson_mut_val *tags = yyjson_mut_arr(doc);
    yyjson_mut_arr_add_str(doc, tags, "hecate");
    yyjson_mut_obj_add_val(doc, root, "tags", tags);
    yyjson_mut_obj_add_int(doc, root, "schemaVersion", 36);
    yyjson_mut_obj_add_int(doc, root, "version", 1);
    yyjson_mut_obj_add_bool(doc, root, "editable", true);
    yyjson_mut_obj_add_str(doc, root, "timezone", "utc");
    yyjson_mut_obj_add_str(doc, root, "refresh", "15s");
    yyjson_mut_val *time = yyjson_mut_obj(doc);
    yyjson_mut_obj_add_str(doc, time, "from", "now-3h");
    yyjson_mut_obj_add_str(doc, time, "to", "now");
    yyjson_mut_obj_add_val(doc, root, "time", time);
    yyjson_mut_obj_add_val(doc, root, "templating", templating_of(doc));
    yyjson_mut_obj_add_val(doc, root, "annotations", annotations_of(doc));
    yyjson_mut_obj_add_val(doc, root, "panels", panels_of(doc));
    char *text = yyjson_mut_write(doc, YYJSON_WRITE_PRETTY, NULL);
    yyjson_mut_doc_free(doc);
    if (text == NULL) {
        return HEC_NO_MEMORY;
    }
    fprintf(out, "%s\n", text);
    free(text);
    return HEC_OK;
}
