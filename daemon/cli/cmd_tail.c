/* hecate tail: what the daemon says, as it says it: alerts or scores, a line each. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <yyjson.h>

#include "cli/commands.h"
#include "cli/conf.h"
#include "file/when.h"
#include "kafka/feed.h"
#include "parts.h"

#define WAIT_MS 500

static const char *const STREAMS[] = { "alerts", "scores", NULL };
enum { ALERTS, SCORES };

struct filter {
    const char *head;
    int64_t score_min;
};

static const char *text_at(yyjson_val *root, const char *pointer)
{
    const char *text = yyjson_get_str(yyjson_ptr_get(root, pointer));
    return text == NULL ? "" : text;
}

static int64_t score_of(yyjson_val *scores, const char *head)
{
    return yyjson_get_sint(yyjson_obj_get(yyjson_obj_get(scores, head), "score"));
}

/* Whether some score passes the filter. */
static bool passes(yyjson_val *scores, const char *alert_head, const struct filter *filter)
{
    yyjson_val *name, *one;
    size_t i, count;
    if (alert_head != NULL) {
        return (filter->head == NULL || strcmp(filter->head, alert_head) == 0) &&
               score_of(scores, alert_head) >= filter->score_min;
    }
    if (filter->head == NULL && filter->score_min == 0) {
        return true;
    }
    yyjson_obj_foreach(scores, i, count, name, one)
    {
        if ((filter->head == NULL || strcmp(filter->head, yyjson_get_str(name)) == 0) &&
            yyjson_get_sint(yyjson_obj_get(one, "score")) >= filter->score_min) {
            return true;
        }
    }
    return false;
}

static const char *when(int64_t ms, char text[HEC_WHEN_BYTES])
{
    hec_when_print(text, ms);
    return text;
}

static void print_alert(yyjson_val *root)
{
    char time[HEC_WHEN_BYTES], amount[40] = "-";
    const char *head = text_at(root, "/head");
    yyjson_val *minor = yyjson_ptr_get(root, "/event/amount_minor");
    if (minor != NULL) {
        snprintf(amount, sizeof(amount), "%" PRId64 " %s", yyjson_get_sint(minor),
                 text_at(root, "/event/currency"));
    }
    printf("%s  %-8s %-10s %3" PRId64 "  %-14s %14s  %s:%s  %s\n",
           when(yyjson_get_sint(yyjson_ptr_get(root, "/event/event_time_ms")), time),
           text_at(root, "/severity"), head, score_of(yyjson_obj_get(root, "scores"), head),
           text_at(root, "/event/event_type"), amount, text_at(root, "/entities/0/kind"),
           text_at(root, "/entities/0/token"), text_at(root, "/reasons/0/text"));
}

static void print_score(yyjson_val *root)
{
    char time[HEC_WHEN_BYTES];
    yyjson_val *name, *one;
    size_t i, count;
    printf("%s  %-14s %-10s %s", when(yyjson_get_sint(yyjson_obj_get(root, "event_time_ms")), time),
           text_at(root, "/event_type"), text_at(root, "/outcome"), text_at(root, "/user_token"));
    yyjson_obj_foreach(yyjson_obj_get(root, "heads"), i, count, name, one)
    {
        printf("  %s=%" PRId64, yyjson_get_str(name),
               yyjson_get_sint(yyjson_obj_get(one, "score")));
    }
    printf("\n");
}

/* True: it was printed. What is no JSON is another's record, and passed over. */
static bool print_record(const struct hec_record *record, int stream, bool raw,
                         const struct filter *filter)
{
    yyjson_doc *doc = record->value == NULL
                          ? NULL
                          : yyjson_read(record->value, record->value_length, YYJSON_READ_NOFLAG);
    yyjson_val *root = yyjson_doc_get_root(doc);
    yyjson_val *scores = yyjson_obj_get(root, stream == ALERTS ? "scores" : "heads");
    const char *head = stream == ALERTS ? text_at(root, "/head") : NULL;
    bool shown = yyjson_is_obj(root) && passes(scores, head, filter);
    if (shown && raw) {
        fwrite(record->value, 1, record->value_length, stdout);
        putchar('\n');
    } else if (shown && stream == ALERTS) {
        print_alert(root);
    } else if (shown) {
        print_score(root);
    }
    yyjson_doc_free(doc);
    return shown;
}

static enum hec_status follow(const struct hec_arguments *arguments, struct hec_tap *tap,
                              int stream, struct hec_error *error)
{
    struct filter filter = { hec_text_or(arguments, "head", NULL),
                             hec_integer_or(arguments, "min-score", 0) };
    int64_t left = hec_integer_or(arguments, "count", INT64_MAX);
    bool raw = hec_given(arguments, "json"), ends = hec_given(arguments, "no-follow");
    while (left > 0) {
        struct hec_record record;
        enum hec_status status = hec_tap_next(tap, &record, WAIT_MS, error);
        if (status == HEC_OK) {
            left -= print_record(&record, stream, raw, &filter);
            hec_source_release(&record, 1);
        } else if (status == HEC_END) {
            fflush(stdout);
            if (ends) {
                return HEC_OK;
            }
        } else if (status != HEC_UNAVAILABLE) {
            return status;
        }
        if (ferror(stdout)) { /* a reader that has gone: head, less */
            return HEC_OK;
        }
    }
    return HEC_OK;
}

static int run(const struct hec_arguments *arguments)
{
    int stream = ALERTS;
    while (STREAMS[stream] != NULL && strcmp(STREAMS[stream], arguments->positionals[0]) != 0) {
        stream++;
    }
    if (STREAMS[stream] == NULL) {
        return hec_cli_misused(arguments, "\"%.60s\" cannot be followed; alerts and scores can",
                               arguments->positionals[0]);
    }
    struct hec_config *config;
    int status = hec_cli_config(arguments, &config);
    const char *topic = status != HEC_EXIT_OK ? ""
                        : stream == ALERTS    ? config->output.alert_topic
                                              : config->output.score_topic;
    if (status == HEC_EXIT_OK && topic[0] == '\0') {
        fprintf(stderr, "hecate tail: the settings name no output.score_topic\n");
        status = HEC_EXIT_CONFIGURATION;
    }
    if (status == HEC_EXIT_OK) {
        struct hec_kafka_property list[HEC_KAFKA_PROPERTIES_MAX];
        struct hec_kafka_options options;
        struct hec_error error = { 0 };
        struct hec_tap *tap = NULL;
        hec_parts_kafka(config, HEC_KAFKA_CONSUMER, list, &options);
        enum hec_status read =
            hec_tap_new(&tap, &options, topic,
                        hec_given(arguments, "from-start") ? HEC_TAP_START : HEC_TAP_END, &error);
        read = read == HEC_OK ? follow(arguments, tap, stream, &error) : read;
        hec_tap_close(tap);
        status = read == HEC_OK ? HEC_EXIT_OK : hec_cli_fail(arguments, &error);
    }
    hec_config_free(config);
    return status;
}

const struct hec_command hec_cmd_tail = {
    .name = "tail",
    .line = "prints alerts or scores as they come",
    .positionals = "alerts|scores",
    .positionals_min = 1,
    .positionals_max = 1,
    .examples = { "hecate tail alerts --head ato --min-score 900",
                  "hecate tail scores --from-start --no-follow --json | jq .heads" },
    .text = "Reads the topics that the settings name, committed records only, in no group: who\n"
            "looks does not disturb. Amounts are in minor units.",
    .run = run,
    .flags = { HEC_CONFIG_FLAGS,
               { "from-start", NULL, "all that the topic holds (default: what comes from now on)",
                 HEC_FLAG_SWITCH },
               { "no-follow", NULL, "end when the topic's end is reached", HEC_FLAG_SWITCH },
               { "count", "N", "end after so many", HEC_FLAG_INTEGER, .minimum = 1,
                 .maximum = INT64_MAX },
               { "head", "HEAD", "of one head", HEC_FLAG_TEXT },
               { "min-score", "N", "scores of at least N", HEC_FLAG_INTEGER, .minimum = 0,
                 .maximum = 999 },
               { "json", NULL, "the records as they are", HEC_FLAG_SWITCH } },
};
