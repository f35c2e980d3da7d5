/*
 * hecate adapt: a model put right for where it is used now.
 *
 * Two logs: one like that of the training (--source), and the one to adapt to (--target). Features
 * are compared column by column; probabilities are put right either by what had been labelled of
 * the target in time, or, without labels, by how common fraud must be there for its scores to come
 * out.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/evaluation.h"
#include "cli/journey.h"
#include "cli/rows.h"
#include "file/walk.h"
#include "hecate/adapt.h"
#include "hecate/digest.h"
#include "hecate/folds.h"
#include "hecate/metrics.h"

#define TOLD 8 /* features of the drift report */
#define FRAUDS_MIN 30
#define ECE_BINS 15

static const char *const BY[] = { "auto", "labels", "scores", NULL };

struct log {
    struct hec_rows rows;
    int64_t from_ms, to_ms;
    float *scores; /* (rows, heads) */
    int8_t *targets;
};

struct job {
    struct hec_luggage luggage;
    const struct hec_model_info *info;
    struct log source, target;
    struct log *reading;
    struct hec_recalibration each[HEC_HEADS_MAX];
    int by;
};

static enum hec_status on_batch(void *user, const struct hec_batch *batch,
                                const struct hec_line *lines, struct hec_error *error)
{
    struct log *log = ((struct job *)user)->reading;
    (void)lines;
    return hec_rows_take(&log->rows, batch, log->from_ms, log->to_ms, error);
}

/* Scores of all rows, and what was known of them at the end of their log. */
static bool score(const struct job *job, struct log *log)
{
    struct hec_labelled labelled = hec_rows_labelled(&log->rows);
    size_t rows = (size_t)log->rows.count + 1, heads = (size_t)job->info->heads_count;
    uint32_t *all = malloc(rows * sizeof(*all));
    log->scores = malloc(rows * heads * sizeof(float));
    log->targets = malloc(rows * heads);
    bool room = all != NULL && log->scores != NULL && log->targets != NULL;
    for (uint32_t row = 0; room && row < log->rows.count; row++) {
        all[row] = row;
    }
    room = room &&
           hec_score_rows(log->scores, (int)heads, job->luggage.model, &log->rows, all,
                          log->rows.count) == HEC_OK &&
           hec_fold_targets(&labelled, job->info->heads, (int)heads, log->rows.last_ms,
                            log->targets, NULL) == HEC_OK;
    free(all);
    return room;
}

/* One head's scores, and with labels only those of rows whose truth is known. */
static size_t gather(const struct job *job, const struct log *log, int head, bool labelled,
                     float *out, uint8_t *label)
{
    size_t n = 0, heads = (size_t)job->info->heads_count;
    for (uint32_t row = 0; row < log->rows.count; row++) {
        size_t at = (size_t)row * heads + (size_t)head;
        if (isnan(log->scores[at]) || (labelled && log->targets[at] < 0)) {
            continue;
        }
        label[n] = log->targets[at] == HEC_TARGET_POSITIVE;
        out[n++] = log->scores[at];
    }
    return n;
}

static float logit_of(float p)
{
    p = fminf(fmaxf(p, 1e-7f), 1 - 1e-7f);
    return logf(p / (1 - p));
}

/* frauds: among the n rows. One class alone says nothing of where the line lies. */
static void by_labels(struct job *job, int head, float *p, uint8_t *label, size_t n, size_t frauds)
{
    if (frauds == 0 || frauds == n) {
        printf("%-14s by %zu labels: %s, and a line needs both kinds: left as it is; see "
               "--target-from, --target-to, or --by scores\n",
               job->info->heads[head].name, n,
               n == 0        ? "none is of this head"
               : frauds == 0 ? "none is fraud"
                             : "all are fraud");
        return;
    }
    double before = hec_metric_ece(p, label, n, ECE_BINS);
    for (size_t i = 0; i < n; i++) {
        p[i] = logit_of(p[i]);
    }
    job->each[head] = hec_adapt_fit(p, label, n);
    for (size_t i = 0; i < n; i++) {
        double z = job->each[head].slope * (double)p[i] + job->each[head].offset;
        p[i] = (float)(1 / (1 + exp(-z)));
    }
    printf("%-14s by %zu labels: slope %.3f, offset %+.3f; ECE %.5f before, %.5f after, on the "
           "same rows\n",
           job->info->heads[head].name, n, job->each[head].slope, job->each[head].offset, before,
           hec_metric_ece(p, label, n, ECE_BINS));
}

static void by_scores(struct job *job, int head, float *p, uint8_t *label)
{
    size_t n = gather(job, &job->source, head, false, p, label);
    double prior = 0;
    for (size_t i = 0; i < n; i++) {
        prior += (double)p[i] / (double)n;
    }
    n = gather(job, &job->target, head, false, p, label);
    if (!(prior > 0) || !(prior < 1) || n == 0) {
        printf("%-14s judges nothing of these logs: left as it is\n", job->info->heads[head].name);
        return;
    }
    double now = hec_adapt_prior(p, n, prior);
    bool sound = now > 0 && now < 1;
    job->each[head].offset = sound ? log(now / (1 - now)) - log(prior / (1 - prior)) : 0;
    printf("%-14s by %zu scores: fraud is %.5f where it was %.5f; offset %+.3f%s\n",
           job->info->heads[head].name, n, now, prior, job->each[head].offset,
           sound ? "" : " (no share of fraud explains the scores: left as it is)");
}

static int recalibrate(struct job *job, const struct hec_arguments *arguments)
{
    size_t room = (size_t)job->source.rows.count + job->target.rows.count + 1;
    float *p = malloc(room * sizeof(*p));
    uint8_t *label = malloc(room);
    struct hec_error error = { 0 };
    if (p == NULL || label == NULL) {
        free(p);
        free(label);
        hec_fail(&error, HEC_NO_MEMORY, "memory is exhausted");
        return hec_cli_fail(arguments, &error);
    }
    for (int head = 0; head < job->info->heads_count; head++) {
        job->each[head] = (struct hec_recalibration){ 1, 0 };
        if (job->info->heads[head].kind != HEC_HEAD_BINARY) {
            continue;
        }
        size_t n = gather(job, &job->target, head, true, p, label), frauds = 0;
        for (size_t i = 0; i < n; i++) {
            frauds += label[i];
        }
        if (job->by == 1 || (job->by == 0 && frauds >= FRAUDS_MIN && frauds < n)) {
            by_labels(job, head, p, label, n, frauds);
        } else {
            by_scores(job, head, p, label);
        }
    }
    free(p);
    free(label);
    return HEC_EXIT_OK;
}

struct moved {
    double psi;
    int column;
};

static int by_psi(const void *a, const void *b)
{
    double x = ((const struct moved *)a)->psi, y = ((const struct moved *)b)->psi;
    return (x < y) - (x > y);
}

/* The features that moved most, each with its index. */
static bool tell_drift(const struct job *job)
{
    int n = job->info->columns.numerics;
    uint32_t from = job->source.rows.count, to = job->target.rows.count;
    float *a = malloc(((size_t)from + 1) * sizeof(*a)), *b = malloc(((size_t)to + 1) * sizeof(*b));
    float *scratch = malloc(((size_t)from + 1) * sizeof(*scratch));
    struct moved *moved = calloc((size_t)n + 1, sizeof(*moved));
    bool room = a != NULL && b != NULL && scratch != NULL && moved != NULL;
    for (int j = 0; j < n && room; j++) {
        for (uint32_t row = 0; row < from; row++) {
            a[row] = job->source.rows.numerics[(size_t)row * (size_t)n + (size_t)j];
        }
        for (uint32_t row = 0; row < to; row++) {
            b[row] = job->target.rows.numerics[(size_t)row * (size_t)n + (size_t)j];
        }
        moved[j] = (struct moved){ hec_adapt_psi(a, from, b, to, scratch), j };
    }
    if (room) {
        qsort(moved, (size_t)n, sizeof(*moved), by_psi);
        printf("drift          population stability index: 0.1 is little, 0.25 is much\n");
    }
    for (int i = 0; i < n && i < TOLD && room; i++) {
        printf("  %-28s %.3f\n", job->info->columns.numeric_names[moved[i].column], moved[i].psi);
    }
    free(a);
    free(b);
    free(scratch);
    free(moved);
    return room;
}

static int write_model(const struct job *job, const struct hec_arguments *arguments)
{
    const char *path = hec_text_or(arguments, "out", NULL);
    struct hec_error error = { 0 };
    void *bytes = NULL;
    size_t size = 0;
    char sha256[HEC_SHA256_HEX];
    enum hec_status status = hec_model_recalibrate(&bytes, &size, job->luggage.model, job->each);
    if (status != HEC_OK) {
        hec_fail(&error, status, "memory is exhausted");
    } else {
        status = hec_output_whole(path, bytes, size, &error);
        hec_sha256(bytes, size, sha256);
    }
    free(bytes);
    if (status != HEC_OK) {
        return hec_cli_fail(arguments, &error);
    }
    printf("model          %s, %zu bytes\nsha256         %s\n", path, size, sha256);
    return HEC_EXIT_OK;
}

static int read_log(struct job *job, const struct hec_arguments *arguments, struct log *log,
                    const char *from, const char *to)
{
    /* Scores are made afterwards and at once, so the walk needs the features only. */
    struct hec_luggage features = { .plan = job->luggage.plan };
    log->from_ms = hec_integer_or(arguments, from, INT64_MIN);
    log->to_ms = hec_integer_or(arguments, to, INT64_MAX);
    hec_rows_begin(&log->rows, hec_plan_numerics(job->luggage.plan),
                   hec_plan_categories(job->luggage.plan));
    job->reading = log;
    int status = hec_journey(arguments, &features, "reading", on_batch, job, NULL, 0);
    struct hec_error error = { 0 };
    if (status == HEC_EXIT_OK && log->rows.count == 0) {
        hec_fail(&error, HEC_INVALID, "no event lies between --%s and --%s", from, to);
        status = hec_cli_fail(arguments, &error);
    } else if (status == HEC_EXIT_OK && !score(job, log)) {
        hec_fail(&error, HEC_NO_MEMORY, "memory is exhausted");
        status = hec_cli_fail(arguments, &error);
    }
    return status;
}

static void free_log(struct log *log)
{
    free(log->scores);
    free(log->targets);
    hec_rows_free(&log->rows);
}

static int run(const struct hec_arguments *arguments)
{
    struct job job = { .by = (int)hec_integer_or(arguments, "by", 0) };
    if (strcmp(hec_text_or(arguments, "out", ""), "-") == 0) {
        return hec_cli_misused(arguments, "--out - would mix the model with what is told: a file");
    }
    int status = hec_luggage_model(&job.luggage, arguments, hec_text_or(arguments, "model", NULL));
    if (status == HEC_EXIT_OK) {
        job.info = hec_model_info(job.luggage.model);
        status = read_log(&job, arguments, &job.source, "source-from", "source-to");
    }
    if (status == HEC_EXIT_OK) {
        status = read_log(&job, arguments, &job.target, "target-from", "target-to");
    }
    if (status == HEC_EXIT_OK) {
        status = recalibrate(&job, arguments);
    }
    if (status == HEC_EXIT_OK && !tell_drift(&job)) {
        struct hec_error error = { 0 };
        hec_fail(&error, HEC_NO_MEMORY, "memory is exhausted");
        status = hec_cli_fail(arguments, &error);
    }
    if (status == HEC_EXIT_OK) {
        status = write_model(&job, arguments);
    }
    free_log(&job.source);
    free_log(&job.target);
    hec_luggage_free(&job.luggage);
    return status;
}

const struct hec_command hec_cmd_adapt = {
    .name = "adapt",
    .line = "puts a model's probabilities right for another time, and tells what moved",
    .examples = { "hecate adapt --model m.safetensors --data e.ndjson.zst --out now.safetensors "
                  "--source-from 2025-01-13 --source-to 2025-02-10 --target-from 2025-03-01",
                  "hecate adapt --model m.safetensors --data e.ndjson.zst --out now.safetensors "
                  "--source-to 2025-02-10 --target-from 2025-03-01 --by scores" },
    .text = "The source is a window like the training's, the target the one to adapt to; both are\n"
            "of one log, read from its start. Where 30 frauds of the target are labelled, slope\n"
            "and offset of the logit are fitted to the labels; elsewhere fraud is taken to look\n"
            "as it did and to be as common as the scores then say. Thresholds keep the rows they\n"
            "had. Ranking does not change: for that, train --warm-start.",
    .run = run,
    .flags = {
        HEC_FLAG_MODEL,
        HEC_FLAG_DATA,
        { "out", "MODEL", "the adapted model", HEC_FLAG_TEXT, .required = true },
        { "source-from", "T", "the source's first moment (default: the log's)", HEC_FLAG_TIME },
        { "source-to", "T", "the moment after its last", HEC_FLAG_TIME, .required = true },
        { "target-from", "T", "the target's first moment", HEC_FLAG_TIME, .required = true },
        { "target-to", "T", "the moment after its last (default: the log's)", HEC_FLAG_TIME },
        { "by", "NAME", "labels, scores, or auto (default)", HEC_FLAG_CHOICE, .choices = BY },
    },
};
