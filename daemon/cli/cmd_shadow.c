/*
 * hecate shadow: the scores of the model that only watches, beside those of the model in use, over
 * the same events.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
#include <yyjson.h>

#include "cli/commands.h"
#include "cli/conf.h"
#include "cli/evaluation.h"
#include "hecate/model.h"
#include "kafka/feed.h"
#include "parts.h"

#define WAIT_MS 5000

/* One event's scores by one model. */
struct scored {
    uint64_t id; /* hash of the event's id */
    char model[16];
    float scores[HEC_HEADS_MAX]; /* NaN: the head does not apply */
};

struct scored_list {
    struct scored *rows;
    size_t count, room;
};

struct comparison {
    const struct hec_parts *parts;
    const char *primary_topic, *shadow_topic;
    struct scored_list lists[2]; /* primary, shadow */
    char models[2][16];          /* the newest of each, by when its record was written */
    int64_t newest_ms[2];
};

/* What the two say of one head. */
struct figures {
    size_t pairs;
    double mean[2], correlation, difference_mean, difference_p99, difference_max;
    size_t alerts[2], alerts_both; /* at the threshold in use */
};

/* ---- Reading --------------------------------------------------------------------------------- */

static bool keep(struct comparison *comparison, int side, const struct hec_record *record)
{
    struct scored_list *list = &comparison->lists[side];
    if (list->count == list->room) {
        size_t room = list->room == 0 ? 4096 : 2 * list->room;
        struct scored *rows = realloc(list->rows, room * sizeof(*rows));
        if (rows == NULL) {
            return false;
        }
        list->rows = rows;
        list->room = room;
    }
    yyjson_doc *doc = yyjson_read(record->value, record->value_length, YYJSON_READ_NOFLAG);
    yyjson_val *root = yyjson_doc_get_root(doc), *heads = yyjson_obj_get(root, "heads");
    yyjson_val *id = yyjson_obj_get(root, "event_id");
    const char *model = yyjson_get_str(yyjson_obj_get(root, "model"));
    if (yyjson_is_str(id) && yyjson_obj_size(heads) > 0 && model != NULL) {
        const struct hec_model_info *info = hec_model_info(comparison->parts->model);
        struct scored *row = &list->rows[list->count++];
        row->id = XXH3_64bits(yyjson_get_str(id), yyjson_get_len(id));
        snprintf(row->model, sizeof(row->model), "%.12s", model);
        for (int head = 0; head < info->heads_count; head++) {
            yyjson_val *one = yyjson_obj_get(heads, info->heads[head].name);
            row->scores[head] =
                one == NULL ? NAN : (float)yyjson_get_num(yyjson_obj_get(one, "probability"));
        }
        /* Partitions are read in no order: the record read last is not the newest. */
        if (record->record_ms >= comparison->newest_ms[side]) {
            comparison->newest_ms[side] = record->record_ms;
            memcpy(comparison->models[side], row->model, sizeof(row->model));
        }
    }
    yyjson_doc_free(doc);
    return true;
}

static enum hec_status read_topic(struct comparison *comparison, int side,
                                  const struct hec_kafka_options *options, struct hec_error *error)
{
    const char *topic = side == 0 ? comparison->primary_topic : comparison->shadow_topic;
    struct hec_tap *tap = NULL;
    struct hec_record record;
    enum hec_status status = hec_tap_new(&tap, options, topic, HEC_TAP_START, error);
    while (status == HEC_OK) {
        status = hec_tap_next(tap, &record, WAIT_MS, error);
        if (status == HEC_OK) {
            bool kept = keep(comparison, side, &record);
            hec_source_release(&record, 1);
            status = kept ? HEC_OK : hec_fail(error, HEC_NO_MEMORY, "memory is exhausted");
        }
    }
    hec_tap_close(tap);
    return status == HEC_END ? HEC_OK : status;
}

/* ---- Held beside each other ------------------------------------------------------------------ */

static int by_id(const void *a, const void *b)
{
    const struct scored *left = a, *right = b;
    return (left->id > right->id) - (left->id < right->id);
}

static int by_size(const void *a, const void *b)
{
    float left = *(const float *)a, right = *(const float *)b;
    return (left > right) - (left < right);
}

/* Only pairs of the two models that are in use now count: of events that both have scored. */
static size_t pair_up(struct comparison *comparison)
{
    struct scored_list *lists = comparison->lists;
    size_t pairs = 0, i = 0, j = 0;
    for (int side = 0; side < 2; side++) {
        size_t kept = 0;
        for (size_t r = 0; r < lists[side].count; r++) {
            if (strcmp(lists[side].rows[r].model, comparison->models[side]) == 0) {
                lists[side].rows[kept++] = lists[side].rows[r];
            }
        }
        lists[side].count = kept;
        if (kept > 0) {
            qsort(lists[side].rows, kept, sizeof(struct scored), by_id);
        }
    }
    while (i < lists[0].count && j < lists[1].count) {
        uint64_t a = lists[0].rows[i].id, b = lists[1].rows[j].id;
        if (a == b) {
            struct scored moved = lists[0].rows[i++];
            lists[1].rows[pairs] = lists[1].rows[j++];
            lists[0].rows[pairs++] = moved;
        } else {
            i += a < b;
            j += b < a;
        }
    }
    return pairs;
}

static void measure(struct figures *figures, const struct comparison *comparison, size_t pairs,
                    int head, float *differences)
{
    double sum[2] = { 0 }, squares[2] = { 0 }, product = 0, apart = 0;
    float threshold = comparison->parts->policy.heads[head].alert_at;
    *figures = (struct figures){ 0 };
    for (size_t i = 0; i < pairs; i++) {
        float a = comparison->lists[0].rows[i].scores[head];
        float b = comparison->lists[1].rows[i].scores[head];
        if (isnan(a) || isnan(b)) {
            continue;
        }
        double both[2] = { (double)a, (double)b };
        for (int side = 0; side < 2; side++) {
            sum[side] += both[side];
            squares[side] += both[side] * both[side];
            figures->alerts[side] += (float)both[side] >= threshold;
        }
        figures->alerts_both += a >= threshold && b >= threshold;
        product += both[0] * both[1];
        apart += fabs(both[0] - both[1]);
        differences[figures->pairs++] = fabsf(a - b);
    }
    double n = (double)figures->pairs;
    if (figures->pairs == 0) {
        return;
    }
    qsort(differences, figures->pairs, sizeof(*differences), by_size);
    double spread = sqrt((squares[0] - sum[0] * sum[0] / n) * (squares[1] - sum[1] * sum[1] / n));
    figures->mean[0] = sum[0] / n;
    figures->mean[1] = sum[1] / n;
    figures->correlation = spread > 0 ? (product - sum[0] * sum[1] / n) / spread : NAN;
    figures->difference_mean = apart / n;
    figures->difference_p99 = (double)differences[(figures->pairs - 1) * 99 / 100];
    figures->difference_max = (double)differences[figures->pairs - 1];
}

/* ---- Told ------------------------------------------------------------------------------------ */

static void put_json(yyjson_mut_doc *doc, const char *name, const struct figures *figures)
{
    yyjson_mut_val *heads = yyjson_mut_obj_get(yyjson_mut_doc_get_root(doc), "heads");
    yyjson_mut_val *one = yyjson_mut_obj(doc);
    yyjson_mut_obj_add(heads, yyjson_mut_strcpy(doc, name), one);
    yyjson_mut_obj_add_uint(doc, one, "pairs", figures->pairs);
    yyjson_mut_obj_add_real(doc, one, "mean", figures->mean[0]);
    yyjson_mut_obj_add_real(doc, one, "shadow_mean", figures->mean[1]);
    if (isfinite(figures->correlation)) {
        yyjson_mut_obj_add_real(doc, one, "correlation", figures->correlation);
    }
    yyjson_mut_obj_add_real(doc, one, "difference_mean", figures->difference_mean);
    yyjson_mut_obj_add_real(doc, one, "difference_p99", figures->difference_p99);
    yyjson_mut_obj_add_real(doc, one, "difference_max", figures->difference_max);
    yyjson_mut_obj_add_uint(doc, one, "alerts", figures->alerts[0]);
    yyjson_mut_obj_add_uint(doc, one, "shadow_alerts", figures->alerts[1]);
    yyjson_mut_obj_add_uint(doc, one, "alerts_of_both", figures->alerts_both);
}

static void print_head(const char *name, const struct figures *figures)
{
    printf("%-12s%9zu%10.5f%10.5f%8.3f%10.5f%10.5f%10.5f%8zu%8zu%8zu\n", name, figures->pairs,
           figures->mean[0], figures->mean[1], figures->correlation, figures->difference_mean,
           figures->difference_p99, figures->difference_max, figures->alerts[0], figures->alerts[1],
           figures->alerts_both);
}

static int exhausted(const struct hec_arguments *arguments)
{
    struct hec_error error;
    hec_fail(&error, HEC_NO_MEMORY, "memory is exhausted");
    return hec_cli_fail(arguments, &error);
}

static int tell(struct comparison *comparison, const struct hec_arguments *arguments)
{
    const struct hec_model_info *info = hec_model_info(comparison->parts->model);
    size_t pairs = pair_up(comparison);
    bool json = hec_given(arguments, "json");
    float *differences = malloc((pairs + 1) * sizeof(*differences));
    if (differences == NULL) {
        return exhausted(arguments);
    }
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_strcpy(doc, root, "model", comparison->models[0]);
    yyjson_mut_obj_add_strcpy(doc, root, "shadow", comparison->models[1]);
    yyjson_mut_obj_add_uint(doc, root, "events", pairs);
    yyjson_mut_obj_add_obj(doc, root, "heads");
    if (!json) {
        printf("model %s, shadow %s, %zu events scored by both\n\n%-12s%9s%10s%10s%8s%10s%10s%10s"
               "%8s%8s%8s\n",
               comparison->models[0], comparison->models[1], pairs, "HEAD", "PAIRS", "MEAN",
               "SHADOW", "CORR", "APART", "P99", "MOST", "ALERTS", "SHADOW", "BOTH");
    }
    for (int head = 0; head < info->heads_count; head++) {
        struct figures figures;
        measure(&figures, comparison, pairs, head, differences);
        if (json) {
            put_json(doc, info->heads[head].name, &figures);
        } else {
            print_head(info->heads[head].name, &figures);
        }
    }
    free(differences);
    if (json) {
        return hec_json_put(doc) ? HEC_EXIT_OK : exhausted(arguments);
    }
    yyjson_mut_doc_free(doc);
    return HEC_EXIT_OK;
}

static int compare(const struct hec_arguments *arguments, const struct hec_config *config)
{
    struct hec_kafka_property list[HEC_KAFKA_PROPERTIES_MAX];
    struct hec_kafka_options options;
    struct hec_error error = { 0 };
    struct hec_parts parts;
    enum hec_status status = hec_parts_read(&parts, config, &error);
    struct comparison comparison = { .parts = &parts,
                                     .primary_topic = config->output.score_topic,
                                     .shadow_topic = config->output.shadow_topic,
                                     .newest_ms = { INT64_MIN, INT64_MIN } };
    hec_parts_kafka(config, HEC_KAFKA_CONSUMER, list, &options);
    for (int side = 0; side < 2 && status == HEC_OK; side++) {
        status = read_topic(&comparison, side, &options, &error);
    }
    int exit = status == HEC_OK ? tell(&comparison, arguments) : hec_cli_fail(arguments, &error);
    free(comparison.lists[0].rows);
    free(comparison.lists[1].rows);
    hec_parts_free(&parts);
    return exit;
}

static int run(const struct hec_arguments *arguments)
{
    struct hec_config *config;
    int status = hec_cli_config(arguments, &config);
    if (status == HEC_EXIT_OK && config->output.shadow_topic[0] == '\0') {
        fprintf(stderr, "hecate shadow: the settings name no output.shadow_topic\n");
        status = HEC_EXIT_CONFIGURATION;
    }
    if (status == HEC_EXIT_OK) {
        status = compare(arguments, config);
    }
    hec_config_free(config);
    return status;
}

const struct hec_command hec_cmd_shadow = {
    .name = "shadow",
    .line = "compares the model that only watches with the one in use",
    .examples = { "hecate shadow", "hecate shadow --config /etc/hecate/hecate.conf --json" },
    .text =
        "Reads output.score_topic and output.shadow_topic from their start and joins them by\n"
        "event: means, correlation, how far apart (mean, 99 of 100, most), and how many alerts\n"
        "each would make at the thresholds in use. Only scores of the newest model on either\n"
        "topic count.",
    .run = run,
    .flags = { HEC_CONFIG_FLAGS, { "json", NULL, "print the report as JSON", HEC_FLAG_SWITCH } },
};
