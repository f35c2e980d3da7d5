/*
 * hecate doctor: looks at everything that hecated needs before it is started, or while it runs, and
 * changes nothing. One line a check, and with everything that is not right, what to do.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <yyjson.h>

#include "cli/commands.h"
#include "cli/conf.h"
#include "cli/rights.h"
#include "kafka/admin.h"
#include "kafka/feed.h"
#include "ops/clock.h"
#include "parts.h"

#define SURVEY_MS 10000
#define SAMPLE_PER_PARTITION 200
#define SAMPLE_MS 10000
#define FILES_MIN 4096
#define AHEAD_MS_MAX 60000

enum finding { GOOD, WARNING, BAD };
static const char *const WORDS[] = { "ok", "warning", "bad" };

struct doctor {
    const struct hec_arguments *arguments;
    struct hec_config *config;
    struct hec_parts parts; /* features, model, policy; plan NULL when they cannot be read */
    char cluster_id[HEC_CLUSTER_ID_BYTES_MAX];
    int32_t partitions; /* of the input topic; 0: not known */
    int counts[3];
    yyjson_mut_doc *doc; /* with --json */
    yyjson_mut_val *checks;
};

static void tell(struct doctor *doctor, enum finding finding, const char *check, const char *format,
                 ...) HEC_PRINTF(4, 5);
static void tell(struct doctor *doctor, enum finding finding, const char *check, const char *format,
                 ...)
{
    char text[1024];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof(text), format, list);
    va_end(list);
    doctor->counts[finding]++;
    if (doctor->doc != NULL) {
        yyjson_mut_val *one = yyjson_mut_arr_add_obj(doctor->doc, doctor->checks);
        yyjson_mut_obj_add_str(doctor->doc, one, "check", check);
        yyjson_mut_obj_add_str(doctor->doc, one, "finding", WORDS[finding]);
        yyjson_mut_obj_add_strcpy(doctor->doc, one, "says", text);
    } else {
        printf("%-8s %-10s %s\n", WORDS[finding], check, text);
        fflush(stdout);
    }
}

static void look_at_settings(struct doctor *doctor)
{
    static struct hec_problems problems, warnings;
    hec_config_warn(doctor->config, &warnings);
    for (int i = 0; i < warnings.count; i++) {
        tell(doctor, WARNING, "settings", "%s", warnings.rows[i].text);
    }
    if (hec_config_check(doctor->config, &problems) == HEC_OK) {
        tell(doctor, GOOD, "settings", "%s",
             hec_text_or(doctor->arguments, "config", HEC_CONFIG_PATH));
    }
    for (int i = 0; i < problems.count; i++) {
        tell(doctor, BAD, "settings", "%s", problems.rows[i].text);
    }
}

static void look_at_model(struct doctor *doctor)
{
    struct hec_error error = { 0 };
    if (hec_parts_read(&doctor->parts, doctor->config, &error) == HEC_OK) {
        tell(doctor, GOOD, "model", "%s, %.12s, of these features", doctor->config->model.file,
             doctor->parts.model_sha256);
    } else {
        tell(doctor, BAD, "model", "%s", error.text);
    }
}

static void look_at_limits(struct doctor *doctor)
{
    struct rlimit files, core;
    getrlimit(RLIMIT_NOFILE, &files);
    getrlimit(RLIMIT_CORE, &core);
    if (files.rlim_cur < FILES_MIN) {
        tell(doctor, WARNING, "limits",
             "%llu open files are few for many brokers and connections: LimitNOFILE=%d",
             (unsigned long long)files.rlim_cur, FILES_MIN);
    } else {
        tell(doctor, GOOD, "limits", "%llu open files", (unsigned long long)files.rlim_cur);
    }
    if (core.rlim_cur != 0) {
        tell(doctor, WARNING, "limits",
             "a core dump would hold customers' tokens and secrets: LimitCORE=0");
    }
}

static void look_at_kafka(struct doctor *doctor)
{
    const struct hec_config *config = doctor->config;
    struct hec_kafka_property list[HEC_KAFKA_PROPERTIES_MAX];
    struct hec_kafka_options options;
    struct hec_error error = { 0 };
    struct hec_topic topics[4] = { { .name = config->input.topic },
                                   { .name = config->output.alert_topic },
                                   { .name = config->output.dead_letter_topic },
                                   { .name = config->output.score_topic } };
    int count = config->output.score_topic[0] == '\0' ? 3 : 4;
    hec_parts_kafka(config, HEC_KAFKA_ANY, list, &options);
    options.log = NULL; /* what matters is told here */
    enum hec_status status =
        hec_kafka_survey(&options, doctor->cluster_id, topics, count, SURVEY_MS, &error);
    if (status != HEC_OK && status != HEC_NOT_FOUND) {
        tell(doctor, BAD, "kafka", "%s", error.text);
        return;
    }
    tell(doctor, GOOD, "kafka", "brokers answer; cluster %s, librdkafka %s", doctor->cluster_id,
         hec_kafka_version());
    for (int i = 0; i < count; i++) {
        if (topics[i].partitions > 0) {
            tell(doctor, GOOD, "topics", "%s has %d partition%s", topics[i].name,
                 (int)topics[i].partitions, topics[i].partitions == 1 ? "" : "s");
        } else {
            tell(doctor, BAD, "topics", "there is no topic %s: make it, or correct the settings",
                 topics[i].name);
        }
    }
    doctor->partitions = topics[0].partitions;
}

/* The last records of every partition. */
static int64_t near_end(void *context, int32_t partition, int64_t low, int64_t high)
{
    (void)context, (void)partition;
    int64_t first = high - SAMPLE_PER_PARTITION;
    return first > low ? first : low;
}

struct sample {
    int64_t records, misplaced, unkeyed, ahead, newest_ms;
};

static bool is_keyed_by_user(const struct hec_record *record)
{
    yyjson_doc *doc = record->value == NULL
                          ? NULL
                          : yyjson_read(record->value, record->value_length, YYJSON_READ_NOFLAG);
    yyjson_val *root = yyjson_doc_get_root(doc);
    yyjson_val *user = yyjson_obj_get(root, "user_token");
    const char *type = yyjson_get_str(yyjson_obj_get(root, "event_type"));
    /* What is no event is a dead letter, and not this check's. */
    bool good = user == NULL || type == NULL || strcmp(type, "forget") == 0 ||
                (record->key != NULL && yyjson_get_len(user) == record->key_length &&
                 memcmp(yyjson_get_str(user), record->key, record->key_length) == 0);
    yyjson_doc_free(doc);
    return good;
}

static void take(struct sample *sample, const struct hec_record *record, int32_t partitions)
{
    sample->records++;
    bool keyed = is_keyed_by_user(record);
    sample->unkeyed += !keyed;
    sample->misplaced +=
        keyed && record->key != NULL &&
        hec_kafka_partition_of(record->key, record->key_length, partitions) != record->partition;
    sample->ahead += record->record_ms > hec_wall_ms() + AHEAD_MS_MAX;
}

/* I12 and the order of one customer's events hang on this: all producers use one partitioner. */
static void look_at_keys(struct doctor *doctor)
{
    struct hec_kafka_property list[HEC_KAFKA_PROPERTIES_MAX];
    struct hec_kafka_options options;
    struct hec_error error = { 0 };
    struct hec_tap *tap = NULL;
    struct sample sample = { 0 };
    if (doctor->partitions == 0) {
        return;
    }
    hec_parts_kafka(doctor->config, HEC_KAFKA_CONSUMER, list, &options);
    options.log = NULL;
    enum hec_status status =
        hec_tap_new_from(&tap, &options, doctor->config->input.topic, near_end, NULL, &error);
    int64_t until_ms = hec_now_ms() + SAMPLE_MS;
    while (status == HEC_OK && hec_now_ms() < until_ms) {
        struct hec_record record;
        status = hec_tap_next(tap, &record, 500, &error);
        if (status == HEC_OK) {
            take(&sample, &record, doctor->partitions);
            hec_source_release(&record, 1);
        } else if (status == HEC_UNAVAILABLE) {
            status = HEC_OK;
        }
    }
    hec_tap_close(tap);
    if (status != HEC_OK && status != HEC_END) {
        tell(doctor, BAD, "keys", "%s", error.text);
    } else if (sample.unkeyed > 0) {
        tell(doctor, BAD, "keys",
             "%" PRId64 " of the last %" PRId64 " records of %s have another key than their "
             "user_token: they become dead letters (key_mismatch); key them by user_token",
             sample.unkeyed, sample.records, doctor->config->input.topic);
    } else if (sample.misplaced > 0) {
        tell(doctor, BAD, "keys",
             "%" PRId64 " of the last %" PRId64 " records of %s are in another partition than "
             "their key's: one customer's events come out of order. Every producer needs the "
             "partitioner of the Java client (librdkafka: partitioner=murmur2_random)",
             sample.misplaced, sample.records, doctor->config->input.topic);
    } else {
        tell(doctor, GOOD, "keys", "the last %" PRId64 " records are where their users belong",
             sample.records);
    }
    if (sample.ahead > 0) {
        tell(doctor, WARNING, "clock",
             "%" PRId64 " records are from more than a minute ahead: this clock or a producer's "
             "is wrong",
             sample.ahead);
    } else if (sample.records > 0) {
        tell(doctor, GOOD, "clock", "no record is from ahead");
    }
}

/* Only where all topics are there: else the sentence would be of that. */
static void look_at_rights(struct doctor *doctor)
{
    char text[HEC_RIGHTS_BYTES];
    if (doctor->partitions == 0) {
        return;
    }
    enum hec_status status = hec_rights_group(doctor->config, text);
    tell(doctor, status == HEC_OK ? GOOD : BAD, "group", "%s", text);
    if (doctor->config->output.delivery == HEC_EXACTLY_ONCE) {
        status = hec_rights_outputs(doctor->config, text);
        tell(doctor, status == HEC_OK ? GOOD : BAD, "outputs", "%s", text);
    }
}

static void look_at_watermarks(struct doctor *doctor, struct hec_store *store)
{
    int32_t stored = 0;
    struct hec_error error = { 0 };
    for (int32_t p = 0; p < doctor->partitions; p++) {
        struct hec_watermark found;
        enum hec_status status = hec_store_watermark_read(store, p, &found, &error);
        if (status == HEC_NOT_FOUND) {
            continue;
        }
        if (status != HEC_OK) {
            tell(doctor, BAD, "state", "%s", error.text);
            return;
        }
        stored++;
        if (found.partitions != doctor->partitions) {
            tell(doctor, BAD, "state",
                 "state is of %d partitions, %s has %d: keys have moved. Use another "
                 "state.key_prefix to build it anew from the log",
                 (int)found.partitions, doctor->config->input.topic, (int)doctor->partitions);
            return;
        }
        if (strcmp(found.cluster_id, doctor->cluster_id) != 0) {
            tell(doctor, BAD, "state",
                 "state is of cluster %s, the brokers are %s: use another state.key_prefix",
                 found.cluster_id, doctor->cluster_id);
            return;
        }
        if (doctor->parts.plan != NULL &&
            found.state_digest != hec_plan_state_digest(doctor->parts.plan)) {
            tell(doctor, WARNING, "state",
                 "state is of other features or of another token_key: it is built anew from the "
                 "log at the start");
            return;
        }
    }
    tell(doctor, GOOD, "state", "%d of %d partitions are stored", (int)stored,
         (int)doctor->partitions);
}

static void look_at_redis(struct doctor *doctor)
{
    struct hec_store_options options = hec_parts_store(doctor->config);
    struct hec_store *store = NULL;
    struct hec_error error = { 0 };
    char version[32] = "", appends[8] = "";
    enum hec_status status = hec_store_open(&store, &options, &error);
    if (status != HEC_OK) {
        tell(doctor, BAD, "redis", "%s", error.text);
        return;
    }
    status = hec_store_info(store, "server", "redis_version", version, sizeof(version), &error);
    status = status == HEC_OK ? hec_store_info(store, "persistence", "aof_enabled", appends,
                                               sizeof(appends), &error)
                              : status;
    if (status != HEC_OK) {
        tell(doctor, BAD, "redis", "%s", error.text);
    } else {
        tell(doctor, GOOD, "redis", "%s answers%s%s and evicts nothing", options.address,
             version[0] == '\0' ? "" : ", version ", version);
    }
    if (strcmp(appends, "0") == 0) {
        tell(doctor, WARNING, "redis",
             "it appends nothing to disk: after its restart state is as old as its last snapshot "
             "and is built anew from the log. appendonly yes spares that");
    }
    look_at_watermarks(doctor, store);
    hec_store_close(store);
}

static int run(const struct hec_arguments *arguments)
{
    struct doctor doctor = { .arguments = arguments };
    int status = hec_cli_config(arguments, &doctor.config);
    if (status != HEC_EXIT_OK) {
        hec_config_free(doctor.config);
        return status;
    }
    if (hec_given(arguments, "json")) {
        doctor.doc = yyjson_mut_doc_new(NULL);
        yyjson_mut_val *root = yyjson_mut_obj(doctor.doc);
        yyjson_mut_doc_set_root(doctor.doc, root);
        doctor.checks = yyjson_mut_obj_add_arr(doctor.doc, root, "checks");
    }
    look_at_settings(&doctor);
    look_at_model(&doctor);
    look_at_limits(&doctor);
    look_at_kafka(&doctor);
    look_at_keys(&doctor);
    look_at_rights(&doctor);
    look_at_redis(&doctor);
    if (doctor.doc != NULL) {
        char *text = yyjson_mut_write(doctor.doc, YYJSON_WRITE_PRETTY, NULL);
        puts(text == NULL ? "" : text);
        free(text);
        yyjson_mut_doc_free(doctor.doc);
    } else {
        printf("%d good, %d warning%s, %d bad\n", doctor.counts[GOOD], doctor.counts[WARNING],
               doctor.counts[WARNING] == 1 ? "" : "s", doctor.counts[BAD]);
    }
    hec_parts_free(&doctor.parts);
    hec_config_free(doctor.config);
    return doctor.counts[BAD] == 0 ? HEC_EXIT_OK : HEC_EXIT_FAILURE;
}

const struct hec_command hec_cmd_doctor = {
    .name = "doctor",
    .line = "looks at all that hecated needs, and says what to do",
    .examples = { "hecate doctor", "hecate doctor --config ./hecate.conf --json" },
    .text =
        "Settings, model, limits, brokers, topics, the keys of the last records, clocks, Redis\n"
        "and the state in it. Changes nothing, joins no group, and may be run beside a daemon:\n"
        "to try its rights it writes a record to each output, in a transaction that it rolls "
        "back.\n"
        "Ends with 1 when something is bad; warnings are no failure.",
    .run = run,
    .flags = { HEC_CONFIG_FLAGS, { "json", NULL, "JSON", HEC_FLAG_SWITCH } },
};
