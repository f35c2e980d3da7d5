/*
 * The pass-through: consume a topic and forward its records unchanged, in transactions, with the
 * daemon's own source and sink. What it reaches is the roof that the daemon is measured against.
 *
 *   passthrough --brokers HOST:PORT --from TOPIC --to TOPIC [--count N] [--group NAME]
 *               [--share PERCENT] [--commit-ms 50] [--commit-rows 5000] [--rows 64]
 *               [--delivery exactly_once|at_least_once] [--idle-ms 5000] [--abort-every N]
 *               [-X name=value]...
 *
 * One line of figures on stdout: events, seconds, events_per_s, cpu_us_per_event, commits,
 * commit_ms (mean), lag (records, at the end). The clock runs from the first record to the end of
 * the last commit. With --abort-every each Nth transaction is rolled back and done again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "hecate/entity.h"
#include "kafka/sink.h"
#include "kafka/source.h"

#define ROWS_MAX 4096
#define PROPERTIES_MAX 32

struct settings {
    struct hec_kafka_property properties[PROPERTIES_MAX];
    size_t properties_count;
    const char *from;
    const char *to;
    const char *group;
    long count;
    double share;
    int commit_ms;
    long commit_rows;
    int rows;
    int idle_ms;
    long abort_every;
    bool exactly_once;
};

struct run {
    struct settings settings;
    struct hec_source *source;
    struct hec_sink *sink;
    int64_t next[HEC_PARTITIONS_MAX]; /* -1: did not move since the last commit */
    long seen;
    long uncommitted;
    double credit; /* of the share forwarded */
    long commits;
    long transactions;
    double commit_s;
    double ended; /* of the last commit */
    double ended_cpu;
};

static double seconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void die(const char *what, const struct hec_error *error)
{
    fprintf(stderr, "passthrough: %s: %s\n", what, error->text);
    exit(1);
}

static enum hec_status assigned(void *context, struct hec_source_start *start, int count)
{
    struct run *run = context;
    struct hec_error error = { 0 };
    for (int i = 0; i < count; i++) {
        struct hec_offset row = { .partition = start[i].partition };
        int64_t low;
        int64_t high;
        if (hec_source_committed(run->source, &row, 1, 10000, &error) != HEC_OK ||
            hec_source_bounds(run->source, row.partition, &low, &high, 10000, &error) != HEC_OK) {
            die("assign", &error);
        }
        start[i].offset = row.offset >= 0 ? row.offset : low;
        run->next[row.partition] = -1;
    }
    return HEC_OK;
}

static void revoked(void *context, const int32_t *partitions, int count, bool lost)
{
    struct run *run = context;
    (void)lost;
    for (int i = 0; i < count; i++) {
        run->next[partitions[i]] = -1;
    }
}

static void forward(struct run *run, const struct hec_record *rows, int count)
{
    struct hec_error error = { 0 };
    if (hec_sink_begin(run->sink, &error) != HEC_OK) {
        die("begin", &error);
    }
    for (int i = 0; i < count; i++) {
        run->next[rows[i].partition] = rows[i].offset + 1;
        run->credit += run->settings.share / 100;
        if (run->credit < 1) {
            continue;
        }
        run->credit -= 1;
        struct hec_sink_record record = { .key = rows[i].key,
                                          .key_length = rows[i].key_length,
                                          .value = rows[i].value,
                                          .value_length = rows[i].value_length,
                                          .partition = -1 };
        if (hec_sink_produce(run->sink, &record, &error) != HEC_OK) {
            die("produce", &error);
        }
    }
    run->seen += count;
    run->uncommitted += count;
    hec_sink_poll(run->sink);
}

/* Back to what is committed, as after a crash: what was done since then is done again. */
static void rewind_all(struct run *run)
{
    struct hec_error error = { 0 };
    for (int32_t p = 0; p < HEC_PARTITIONS_MAX; p++) {
        struct hec_offset row = { .partition = p };
        int64_t low = 0;
        int64_t high;
        if (hec_source_position(run->source, p) < 0) {
            continue;
        }
        if (hec_source_committed(run->source, &row, 1, 10000, &error) != HEC_OK ||
            (row.offset < 0 &&
             hec_source_bounds(run->source, p, &low, &high, 10000, &error) != HEC_OK) ||
            hec_source_seek(run->source, p, row.offset >= 0 ? row.offset : low, 10000, &error) !=
                HEC_OK) {
            die("rewind", &error);
        }
        run->next[p] = -1;
    }
    run->seen -= run->uncommitted;
    run->uncommitted = 0;
}

static void commit(struct run *run)
{
    struct hec_offset offsets[HEC_PARTITIONS_MAX];
    struct hec_error error = { 0 };
    int count = 0;
    run->transactions++;
    if (run->settings.abort_every > 0 && run->transactions % run->settings.abort_every == 0) {
        /* What is still queued would be dropped here, and no reader could tell a roll-back. */
        for (int i = 0; i < 10; i++) {
            usleep(3000);
            hec_sink_poll(run->sink);
        }
        if (hec_sink_abort(run->sink, &error) != HEC_OK) {
            die("abort", &error);
        }
        rewind_all(run);
        return;
    }
    for (int32_t p = 0; p < HEC_PARTITIONS_MAX; p++) {
        if (run->next[p] >= 0) {
            offsets[count++] = (struct hec_offset){ .partition = p, .offset = run->next[p] };
            run->next[p] = -1;
        }
    }
    double begun = seconds(CLOCK_MONOTONIC);
    enum hec_status status = hec_sink_commit(run->sink, run->source, offsets, count, &error);
    if (status == HEC_ABORTED) {
        rewind_all(run);
        return;
    }
    if (status != HEC_OK) {
        die("commit", &error);
    }
    run->ended = seconds(CLOCK_MONOTONIC);
    run->ended_cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    run->commit_s += run->ended - begun;
    run->commits++;
    run->uncommitted = 0;
}

/* Returns when count records were forwarded or nothing came for idle_ms. */
static void loop(struct run *run, double *begun, double *cpu)
{
    static struct hec_record rows[ROWS_MAX];
    const struct settings *settings = &run->settings;
    struct hec_error error = { 0 };
    double commit_due = 0;
    double heard = seconds(CLOCK_MONOTONIC);
    while (settings->count == 0 || run->seen < settings->count) {
        int count = 0;
        if (hec_source_poll(run->source, rows, settings->rows, 20, 1, &count, &error) != HEC_OK) {
            die("poll", &error);
        }
        double now = seconds(CLOCK_MONOTONIC);
        if (count > 0 && run->seen == 0) {
            *begun = now;
            *cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
        }
        if (count > 0) {
            heard = now;
            commit_due = run->uncommitted == 0 ? now + settings->commit_ms * 1e-3 : commit_due;
            forward(run, rows, count);
            hec_source_release(rows, count);
        } else if ((now - heard) * 1e3 > settings->idle_ms) {
            break;
        }
        if (run->uncommitted > 0 &&
            (now >= commit_due || run->uncommitted >= settings->commit_rows)) {
            commit(run);
        }
    }
    if (run->uncommitted > 0) {
        commit(run);
    }
}

static void read_arguments(struct settings *settings, int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *name = argv[i];
        char *value = argv[i + 1];
        char *equals = strchr(value, '=');
        if (strcmp(name, "--brokers") == 0) {
            settings->properties[settings->properties_count++] =
                (struct hec_kafka_property){ "bootstrap.servers", value };
        } else if (strcmp(name, "-X") == 0 && equals != NULL &&
                   settings->properties_count < PROPERTIES_MAX) {
            *equals = '\0';
            settings->properties[settings->properties_count++] =
                (struct hec_kafka_property){ value, equals + 1 };
        } else if (strcmp(name, "--from") == 0) {
            settings->from = value;
        } else if (strcmp(name, "--to") == 0) {
            settings->to = value;
        } else if (strcmp(name, "--group") == 0) {
            settings->group = value;
        } else if (strcmp(name, "--count") == 0) {
            settings->count = atol(value);
        } else if (strcmp(name, "--share") == 0) {
            settings->share = atof(value);
        } else if (strcmp(name, "--commit-ms") == 0) {
            settings->commit_ms = atoi(value);
        } else if (strcmp(name, "--commit-rows") == 0) {
            settings->commit_rows = atol(value);
        } else if (strcmp(name, "--rows") == 0) {
            settings->rows = atoi(value) < ROWS_MAX ? atoi(value) : ROWS_MAX;
        } else if (strcmp(name, "--idle-ms") == 0) {
            settings->idle_ms = atoi(value);
        } else if (strcmp(name, "--abort-every") == 0) {
            settings->abort_every = atol(value);
        } else if (strcmp(name, "--delivery") == 0) {
            settings->exactly_once = strcmp(value, "at_least_once") != 0;
        } else {
            fprintf(stderr, "passthrough: unknown argument %s\n", name);
            exit(2);
        }
    }
    if (settings->properties_count == 0 || settings->from == NULL || settings->to == NULL) {
        fprintf(stderr, "usage: passthrough --brokers HOST:PORT --from TOPIC --to TOPIC ...\n");
        exit(2);
    }
}

static void print_log(void *context, int level, const char *text)
{
    (void)context;
    fprintf(stderr, "kafka(%d): %s\n", level, text);
}

static void open_ends(struct run *run)
{
    struct settings *settings = &run->settings;
    struct hec_error error = { 0 };
    struct hec_kafka_options kafka = { .properties = settings->properties,
                                       .properties_count = settings->properties_count,
                                       .log = print_log };
    struct hec_sink_options out = { .kafka = kafka,
                                    .transactional_id =
                                        settings->exactly_once ? settings->group : NULL,
                                    .topics = { settings->to },
                                    .topics_count = 1 };
    struct hec_source_options in = { .kafka = kafka,
                                     .topic = settings->from,
                                     .group = settings->group,
                                     .instance_id = settings->group };
    struct hec_source_callbacks callbacks = { assigned, revoked, run };
    if (hec_sink_new(&run->sink, &out, &error) != HEC_OK) {
        die("sink", &error);
    }
    if (hec_source_new(&run->source, &in, &callbacks, &error) != HEC_OK) {
        die("source", &error);
    }
}

static long long lag_of(const struct run *run)
{
    long long records = 0;
    for (int32_t p = 0; p < HEC_PARTITIONS_MAX; p++) {
        struct hec_source_lag lag;
        if (hec_source_lag(run->source, p, 0, &lag)) {
            records += lag.records;
        }
    }
    return records;
}

int main(int argc, char **argv)
{
    static struct run run;
    char group[64];
    snprintf(group, sizeof(group), "passthrough-%d", (int)getpid());
    run.settings = (struct settings){ .group = group,
                                      .share = 100,
                                      .commit_ms = 50,
                                      .commit_rows = 5000,
                                      .rows = 64,
                                      .idle_ms = 5000,
                                      .exactly_once = true };
    for (int32_t p = 0; p < HEC_PARTITIONS_MAX; p++) {
        run.next[p] = -1;
    }
    read_arguments(&run.settings, argc, argv);
    open_ends(&run);

    double begun = seconds(CLOCK_MONOTONIC);
    double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    loop(&run, &begun, &cpu);
    double took = run.ended - begun;
    double busy = run.ended_cpu - cpu;
    double events = run.seen > 0 ? (double)run.seen : 1;
    printf("events=%ld seconds=%.3f events_per_s=%.0f cpu_us_per_event=%.2f commits=%ld "
           "commit_ms=%.2f lag=%lld\n",
           run.seen, took, (double)run.seen / took, busy * 1e6 / events, run.commits,
           run.commits > 0 ? run.commit_s * 1e3 / (double)run.commits : 0, lag_of(&run));
    (void)hec_source_close(run.source, 5000);
    (void)hec_sink_close(run.sink, 5000);
    return 0;
}
