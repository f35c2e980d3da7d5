/* hecate dlq: what was set aside and why; sending it again after the cause is mended. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/conf.h"
#include "file/when.h"
#include "hecate/decide.h"
#include "kafka/feed.h"
#include "parts.h"

#define WAIT_MS 10000
#define FLUSH_MS 30000
#define CODES_MAX 64
#define ERRORS "__hecate.errors."
#define TEXT_BYTES 128
#define HEADERS_MAX 64

enum { LIST, SHOW, REPLAY };
static const char *const VERBS[] = { "list", "show", "replay", NULL };

struct work {
    const struct hec_arguments *arguments;
    const struct hec_config *config;
    int verb;
    struct hec_feed *feed; /* replay with --execute only */
    int64_t limit, seen, chosen, digests, shown;
    int64_t last[HEC_PARTITIONS_MAX]; /* the newest offset of each partition, -1: none */
    struct {
        char code[TEXT_BYTES];
        int64_t count;
    } codes[CODES_MAX];
    int codes_count;
};

/* A header's value as a text that no terminal minds; "-" when there is none. */
static const char *header(const struct hec_record *record, const char *name, char text[TEXT_BYTES])
{
    struct hec_kafka_header found;
    char full[64];
    snprintf(full, sizeof(full), ERRORS "%s", name);
    snprintf(text, TEXT_BYTES, "-");
    if (hec_record_header(record, full, &found) && found.value != NULL) {
        snprintf(text, TEXT_BYTES, "%.*s", (int)found.length, (const char *)found.value);
    }
    for (char *at = text; *at != '\0'; at++) {
        *at = (unsigned char)*at < ' ' || *at == 0x7f ? '?' : *at;
    }
    return text;
}

static void print_bytes(const char *name, const void *bytes, size_t length)
{
    printf("%-12s ", name);
    for (size_t i = 0; bytes != NULL && i < length; i++) {
        unsigned char byte = ((const unsigned char *)bytes)[i];
        putchar(byte < ' ' || byte == 0x7f ? '?' : byte);
    }
    printf("%s\n", bytes == NULL ? "(null)" : "");
}

static void count_code(struct work *work, const char *code)
{
    int i = 0;
    while (i < work->codes_count && strcmp(work->codes[i].code, code) != 0) {
        i++;
    }
    if (i == CODES_MAX) {
        return;
    }
    if (i == work->codes_count) {
        snprintf(work->codes[work->codes_count++].code, TEXT_BYTES, "%s", code);
    }
    work->codes[i].count++;
}

static bool is_chosen(const struct work *work, const struct hec_record *record, const char *code)
{
    const struct hec_arguments *arguments = work->arguments;
    const char *only = hec_text_or(arguments, "code", NULL);
    int64_t partition = hec_integer_or(arguments, "partition", -1);
    return (only == NULL || strcmp(only, code) == 0) &&
           (partition < 0 || partition == record->partition) &&
           record->offset >= hec_integer_or(arguments, "from", 0) &&
           record->offset <= hec_integer_or(arguments, "to", INT64_MAX) &&
           record->record_ms >= hec_integer_or(arguments, "since", INT64_MIN);
}

static void list_one(const struct hec_record *record, const char *code)
{
    char when[HEC_WHEN_BYTES], stage[TEXT_BYTES], partition[TEXT_BYTES], offset[TEXT_BYTES],
        why[TEXT_BYTES];
    hec_when_print(when, record->record_ms);
    printf("%9d %10" PRId64 "  %-24s %-16s %-8s %4s:%-10s %s\n", (int)record->partition,
           record->offset, when, code, header(record, "stage", stage),
           header(record, "partition", partition), header(record, "offset", offset),
           header(record, "message", why));
}

static void show_one(const struct hec_record *record)
{
    struct hec_kafka_header list[HEADERS_MAX];
    int count = hec_record_headers(record, list, HEADERS_MAX);
    printf("%-12s %d:%" PRId64 "\n", "record", (int)record->partition, record->offset);
    for (int i = 0; i < count && i < HEADERS_MAX; i++) {
        print_bytes(list[i].name, list[i].value, list[i].length);
    }
    print_bytes("key", record->key, record->key_length);
    print_bytes("value", record->value, record->value_length);
}

/* What stands there in place of the value cannot be sent again. */
static bool is_digest(const struct hec_record *record)
{
    return record->value == NULL ||
           (record->value_length > 7 && memcmp(record->value, "sha256:", 7) == 0);
}

/* As it came, with its own headers; what was said of its failure stays behind. */
static enum hec_status send_again(struct work *work, const struct hec_record *record,
                                  struct hec_error *error)
{
    static const char OURS[] = "__hecate.";
    struct hec_kafka_header list[HEADERS_MAX];
    int found = hec_record_headers(record, list, HEADERS_MAX), kept = 0;
    for (int i = 0; i < found && i < HEADERS_MAX; i++) {
        if (strncmp(list[i].name, OURS, sizeof(OURS) - 1) != 0) {
            list[kept++] = list[i];
        }
    }
    struct hec_feed_record again = { .topic = work->config->input.topic,
                                     .partition = -1,
                                     .key = record->key,
                                     .value = record->value,
                                     .key_length = record->key_length,
                                     .value_length = record->value_length,
                                     .record_ms = record->record_ms,
                                     .headers = list,
                                     .headers_count = kept };
    return hec_feed_put(work->feed, &again, error);
}

static enum hec_status take(struct work *work, const struct hec_record *record,
                            struct hec_error *error)
{
    char code[TEXT_BYTES];
    header(record, "code", code);
    work->seen++;
    work->last[record->partition] = record->offset;
    if (!is_chosen(work, record, code)) {
        return HEC_OK;
    }
    work->chosen++;
    count_code(work, code);
    if (work->verb == LIST && work->shown < work->limit) {
        work->shown++;
        list_one(record, code);
    } else if (work->verb == SHOW) {
        show_one(record);
    } else if (work->verb == REPLAY && is_digest(record)) {
        work->digests++;
    } else if (work->feed != NULL) {
        return send_again(work, record, error);
    }
    return HEC_OK;
}

static void summarize(const struct work *work)
{
    if (work->verb == SHOW) {
        return;
    }
    for (int i = 0; i < work->codes_count; i++) {
        printf("%10" PRId64 "  %s\n", work->codes[i].count, work->codes[i].code);
    }
    printf("%" PRId64 " of %" PRId64 " dead letters match\n", work->chosen, work->seen);
    if (work->verb != REPLAY) {
        return;
    }
    printf("%" PRId64 " %s to %s, each with its time; %" PRId64 " are digests and cannot be sent\n",
           work->chosen - work->digests, work->feed == NULL ? "would be sent" : "were sent",
           work->config->input.topic, work->digests);
    for (int32_t p = 0; p < HEC_PARTITIONS_MAX && work->feed != NULL; p++) {
        if (work->last[p] >= 0) {
            printf("partition %d was read up to offset %" PRId64 ": --from %" PRId64
                   " leaves out what was sent now\n",
                   (int)p, work->last[p], work->last[p] + 1);
        }
    }
    if (work->feed == NULL && work->chosen > work->digests) {
        printf("nothing was sent: --execute does it\n");
    }
}

static enum hec_status read_all(struct work *work, struct hec_error *error)
{
    struct hec_kafka_property list[HEC_KAFKA_PROPERTIES_MAX], own[HEC_KAFKA_PROPERTIES_MAX];
    struct hec_kafka_options reading, sending;
    struct hec_tap *tap = NULL;
    hec_parts_kafka(work->config, HEC_KAFKA_CONSUMER, list, &reading);
    hec_parts_kafka(work->config, HEC_KAFKA_PRODUCER, own, &sending);
    enum hec_status status =
        hec_tap_new(&tap, &reading, work->config->output.dead_letter_topic, HEC_TAP_START, error);
    if (status == HEC_OK && work->verb == REPLAY && hec_given(work->arguments, "execute")) {
        status = hec_feed_new(&work->feed, &sending, error);
    }
    if (work->verb == LIST) {
        printf("%9s %10s  %-24s %-16s %-8s %15s %s\n", "PARTITION", "OFFSET", "TIME", "CODE",
               "STAGE", "SOURCE", "WHY");
    }
    while (status == HEC_OK) {
        struct hec_record record;
        status = hec_tap_next(tap, &record, WAIT_MS, error);
        if (status == HEC_OK) {
            status = take(work, &record, error);
            hec_source_release(&record, 1);
        }
    }
    status = status == HEC_END ? HEC_OK : status;
    if (status == HEC_OK && work->feed != NULL) {
        status = hec_feed_flush(work->feed, FLUSH_MS, error);
    }
    hec_tap_close(tap);
    return status;
}

static int with_config(struct work *work)
{
    struct hec_error error = { 0 };
    enum hec_status status = read_all(work, &error);
    if (status == HEC_OK) {
        summarize(work);
    }
    hec_feed_close(work->feed, 0);
    if (status == HEC_OK && work->verb == SHOW && work->chosen == 0) {
        status = hec_fail(&error, HEC_NOT_FOUND, "no dead letter matches");
    }
    return status == HEC_OK ? HEC_EXIT_OK : hec_cli_fail(work->arguments, &error);
}

static int run(const struct hec_arguments *arguments)
{
    struct work *work = calloc(1, sizeof(*work));
    struct hec_config *config;
    int verb = LIST;
    while (VERBS[verb] != NULL && strcmp(VERBS[verb], arguments->positionals[0]) != 0) {
        verb++;
    }
    if (work == NULL || VERBS[verb] == NULL) {
        free(work);
        return hec_cli_misused(arguments, "\"%.60s\" is none of list, show and replay",
                               arguments->positionals[0]);
    }
    int status = hec_cli_config(arguments, &config);
    if (status == HEC_EXIT_OK) {
        work->arguments = arguments;
        work->config = config;
        work->verb = verb;
        work->limit = hec_integer_or(arguments, "limit", 50);
        memset(work->last, 0xff, sizeof(work->last));
        status = with_config(work);
    }
    free(work);
    hec_config_free(config);
    return status;
}

const struct hec_command hec_cmd_dlq = {
    .name = "dlq",
    .line = "dead letters: what was set aside and why; sends them again",
    .positionals = "list|show|replay",
    .positionals_min = 1,
    .positionals_max = 1,
    .examples = { "hecate dlq list --code unknown_version",
                  "hecate dlq replay --code unknown_version --since 2026-11-01 --execute" },
    .text = "replay prints what it would send to the input topic, and sends it with --execute:\n"
            "key, value and time as they came. It remembers nothing: --from leaves out what was\n"
            "sent before. What stands as a digest (a card number, or too large) cannot be sent.",
    .run = run,
    .flags = { HEC_CONFIG_FLAGS,
               { "code", "CODE", "only of this reason, as list prints them", HEC_FLAG_TEXT },
               { "partition", "N", "only of this partition of the dead letter topic",
                 HEC_FLAG_INTEGER, .minimum = 0, .maximum = 1023 },
               { "from", "OFFSET", "from this offset on", HEC_FLAG_INTEGER, .minimum = 0,
                 .maximum = INT64_MAX },
               { "to", "OFFSET", "up to this offset", HEC_FLAG_INTEGER, .minimum = 0,
                 .maximum = INT64_MAX },
               { "since", "TIME", "not older", HEC_FLAG_TIME },
               { "limit", "N", "list: so many lines (default 50); all are counted",
                 HEC_FLAG_INTEGER, .minimum = 0, .maximum = INT64_MAX },
               { "execute", NULL, "replay: do it", HEC_FLAG_SWITCH } },
};
