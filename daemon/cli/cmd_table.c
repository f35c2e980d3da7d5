/*
 * hecate table: the same trainer on a plain CSV, for questions that have nothing to do with events.
 *
 * There is no time in a table: validation is a share of the rows drawn by the seed. What is judged
 * stands in another file.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/epochs.h"
#include "cli/evaluation.h"
#include "cli/table.h"
#include "cli/training.h"
#include "file/output.h"
#include "hecate/digest.h"
#include "hecate/metrics.h"
#include "hecate/random.h"

#define BATCH 256
#define SPLIT_STREAM 40
#define ECE_BINS 15

struct job {
    struct hec_heads_file heads;
    struct hec_table train, test;
    struct hec_model *model;
    uint8_t *split, *event_type;
    struct hec_output *log;
    int best_epoch;
};

static bool report(void *user, const struct hec_train_progress *told)
{
    struct job *job = user;
    if (told->message != NULL) {
        fprintf(stderr, "%s\n", told->message);
        return true;
    }
    if (told->refit) {
        return true;
    }
    job->best_epoch = told->best ? told->epoch : job->best_epoch;
    if (job->log != NULL) {
        char *line = hec_epoch_line(told);
        hec_output_write(job->log, line == NULL ? "" : line, line == NULL ? 0 : strlen(line));
        free(line);
    }
    return true;
}

static enum hec_status learn(struct job *job, const struct hec_arguments *arguments, void **bytes,
                             size_t *size, struct hec_error *error)
{
    const struct hec_table *table = &job->train;
    struct hec_train_options options;
    hec_training_options(&options, arguments);
    struct hec_random random = hec_random_at(options.seed, SPLIT_STREAM);
    double share = hec_number_or(arguments, "valid-share", 0.15);
    job->split = malloc((size_t)table->rows + 1);
    job->event_type = calloc((size_t)table->rows + 1, 1);
    if (job->split == NULL || job->event_type == NULL) {
        return hec_fail(error, HEC_NO_MEMORY, "memory is exhausted");
    }
    for (uint32_t row = 0; row < table->rows; row++) {
        job->split[row] = hec_random_uniform(&random) < share ? HEC_SPLIT_VALID : HEC_SPLIT_TRAIN;
    }
    struct hec_dataset data = {
        .rows = table->rows,
        .columns = { .numerics = table->numerics,
                     .categories = table->categories,
                     .numeric_names = (const char *const *)table->names,
                     .category_names = (const char *const *)table->names + table->numerics,
                     .schema_text = "",
                     .schema_digest = "" },
        .numerics = table->numeric,
        .categories = table->category,
        .event_type = job->event_type,
        .split = job->split,
        .heads_count = job->heads.count,
        .heads = job->heads.heads,
        .targets = table->targets,
        .values = table->values,
    };
    return hec_train(bytes, size, &data, &options, report, job, error);
}

/* Scores of all rows, (rows, heads). */
static float *score(const struct job *job, struct hec_error *error)
{
    const struct hec_table *table = &job->test;
    size_t heads = (size_t)hec_model_info(job->model)->heads_count;
    float *scores = malloc(((size_t)table->rows * heads + 1) * sizeof(*scores));
    struct hec_predictor *predictor = NULL;
    if (scores == NULL || hec_predictor_new(&predictor, job->model, BATCH) != HEC_OK) {
        free(scores);
        hec_fail(error, HEC_NO_MEMORY, "memory is exhausted");
        return NULL;
    }
    for (uint32_t row = 0; row < table->rows; row += BATCH) {
        uint32_t left = table->rows - row;
        hec_predictor_run(predictor, table->numeric + row * (size_t)table->numerics,
                          table->category + row * (size_t)table->categories, NULL,
                          (int)(left < BATCH ? left : BATCH), scores + row * heads, (int)heads);
    }
    hec_predictor_free(predictor);
    return scores;
}

static bool judge(const struct job *job, const float *scores, int head)
{
    const struct hec_table *table = &job->test;
    size_t heads = (size_t)hec_model_info(job->model)->heads_count, n = 0, positives = 0;
    float *one = malloc(((size_t)table->rows + 1) * sizeof(*one));
    uint8_t *label = malloc((size_t)table->rows + 1);
    for (uint32_t row = 0; one != NULL && label != NULL && row < table->rows; row++) {
        int8_t target = table->targets[row * (size_t)job->heads.count + (size_t)head];
        if (target >= 0) {
            one[n] = scores[row * heads + (size_t)head];
            label[n] = target == HEC_TARGET_POSITIVE;
            positives += label[n++];
        }
    }
    if (one != NULL && label != NULL) {
        char a[32], b[32], c[32], d[32];
        printf("%-16s %10zu %10zu %8s %8s %9s %8s\n", job->heads.heads[head].name, n, positives,
               hec_number_text(a, hec_metric_roc_auc(one, label, n), 4),
               hec_number_text(b, hec_metric_average_precision(one, label, n), 4),
               hec_number_text(c, hec_metric_log_loss(one, label, n), 4),
               hec_number_text(d, hec_metric_ece(one, label, n, ECE_BINS), 4));
    }
    bool done = one != NULL && label != NULL;
    free(one);
    free(label);
    return done;
}

/* How far a regression head's numbers are off, and what of their variance it explains. */
static void judge_numbers(const struct job *job, const float *scores, int head)
{
    const struct hec_table *table = &job->test;
    size_t heads = (size_t)hec_model_info(job->model)->heads_count, n = 0;
    double off = 0, sum = 0, squares = 0;
    for (uint32_t row = 0; row < table->rows; row++) {
        size_t at = row * (size_t)job->heads.count + (size_t)head;
        if (table->targets[at] == HEC_TARGET_POSITIVE) {
            double value = (double)table->values[at];
            double error = (double)scores[row * heads + (size_t)head] - value;
            off += error * error;
            sum += value;
            squares += value * value;
            n++;
        }
    }
    if (n == 0) {
        printf("%-16s %10zu %10s  no number to judge by\n", job->heads.heads[head].name, n, "-");
        return;
    }
    char explained[32];
    double mean = sum / (double)n, variance = squares / (double)n - mean * mean;
    /* Of numbers that are all the same there is no variance to explain. */
    bool varies = variance > 1e-12 * squares / (double)n;
    hec_number_text(explained, varies ? 1 - off / (double)n / variance : (double)NAN, 4);
    printf("%-16s %10zu %10s  mean squared error %.6g, R2 %s\n", job->heads.heads[head].name, n,
           "-", off / (double)n, explained);
}

static enum hec_status write_scores(const struct job *job, const float *scores, const char *path,
                                    struct hec_error *error)
{
    const struct hec_model_info *info = hec_model_info(job->model);
    struct hec_output *output = NULL;
    enum hec_status status = hec_output_open(&output, path, error);
    if (status != HEC_OK) {
        return status;
    }
    for (int k = 0; k < info->heads_count; k++) {
        hec_output_print(output, "%s%s", k > 0 ? "," : "", info->heads[k].name);
    }
    hec_output_print(output, "\n");
    for (size_t i = 0; i < (size_t)job->test.rows * (size_t)info->heads_count; i++) {
        hec_output_print(output, "%.9g%s", (double)scores[i],
                         (i + 1) % (size_t)info->heads_count == 0 ? "\n" : ",");
    }
    return hec_output_close(output, error);
}

static enum hec_status test(struct job *job, const struct hec_arguments *arguments,
                            struct hec_error *error)
{
    const struct hec_model_info *info = hec_model_info(job->model);
    enum hec_status status = hec_table_read(&job->test, hec_text_or(arguments, "test", NULL),
                                            &job->heads, &job->train, error);
    float *scores = status == HEC_OK ? score(job, error) : NULL;
    if (status != HEC_OK || scores == NULL) {
        return status != HEC_OK ? status : HEC_NO_MEMORY;
    }
    printf("%-16s %10s %10s %8s %8s %9s %8s\n", "head", "rows", "positives", "AUC", "AP",
           "log-loss", "ECE");
    for (int k = 0; k < info->heads_count && status == HEC_OK; k++) {
        if (info->heads[k].kind == HEC_HEAD_REGRESSION) {
            judge_numbers(job, scores, k);
        } else if (info->heads[k].kind == HEC_HEAD_BINARY && !judge(job, scores, k)) {
            status = hec_fail(error, HEC_NO_MEMORY, "memory is exhausted");
        }
    }
    if (status == HEC_OK && hec_given(arguments, "scores")) {
        status = write_scores(job, scores, hec_text_or(arguments, "scores", NULL), error);
    }
    free(scores);
    return status;
}

static enum hec_status work(struct job *job, const struct hec_arguments *arguments,
                            struct hec_error *error)
{
    const char *path = hec_text_or(arguments, "out", NULL);
    void *bytes = NULL;
    size_t size = 0;
    char sha256[HEC_SHA256_HEX];
    enum hec_status status =
        hec_heads_file_load(hec_text_or(arguments, "heads", NULL), &job->heads, error);
    if (status == HEC_OK) {
        status = hec_table_read(&job->train, hec_text_or(arguments, "train", NULL), &job->heads,
                                NULL, error);
    }
    if (status == HEC_OK && hec_given(arguments, "log")) {
        status = hec_output_open(&job->log, hec_text_or(arguments, "log", NULL), error);
    }
    if (status == HEC_OK) {
        status = learn(job, arguments, &bytes, &size, error);
    }
    enum hec_status closed = hec_output_close(job->log, status == HEC_OK ? error : NULL);
    status = status == HEC_OK ? closed : status;
    if (status == HEC_OK) {
        status = hec_output_whole(path, bytes, size, error);
    }
    if (status == HEC_OK) {
        hec_sha256(bytes, size, sha256);
        status = hec_model_load(&job->model, bytes, size, NULL, error);
    }
    if (status == HEC_OK) {
        printf("rows      %u of %d numbers and %d categories, the best epoch was %d\n",
               job->train.rows, job->train.numerics, job->train.categories, job->best_epoch);
        printf("model     %s, %zu bytes, %zu parameters\nsha256    %s\n", path, size,
               hec_model_info(job->model)->parameters, sha256);
        status = hec_given(arguments, "test") ? test(job, arguments, error) : HEC_OK;
    }
    free(bytes);
    return status;
}

static int run(const struct hec_arguments *arguments)
{
    struct hec_error error = { 0 };
    struct job *job = calloc(1, sizeof(*job));
    if (job == NULL) {
        hec_fail(&error, HEC_NO_MEMORY, "memory is exhausted");
        return hec_cli_fail(arguments, &error);
    }
    enum hec_status status = work(job, arguments, &error);
    hec_table_free(&job->train);
    hec_table_free(&job->test);
    hec_model_free(job->model);
    free(job->split);
    free(job->event_type);
    free(job);
    return status == HEC_OK ? HEC_EXIT_OK : hec_cli_fail(arguments, &error);
}

const struct hec_command hec_cmd_table = {
    .name = "table",
    .line = "trains and judges on a plain CSV instead of events",
    .examples = { "hecate table --train census.csv --heads census.conf --out census.safetensors",
                  "hecate table --train a.csv --test b.csv --heads census.conf --arch mmoe "
                  "--out m.safetensors" },
    .text = "Heads name a column and the values that are positive; the heads file tells which\n"
            "columns are numbers and which are not used, all others are categories. A cell that\n"
            "is empty is absent, a label that is empty is unknown. All else is as in hecate\n"
            "train, but that validation is drawn from the rows.",
    .run = run,
    .flags = {
        { "train", "FILE", "CSV with a header, one row an example", HEC_FLAG_TEXT,
          .required = true },
        { "heads", "FILE", "the questions and what the columns are", HEC_FLAG_TEXT,
          .required = true },
        { "out", "MODEL", "the model file, safetensors", HEC_FLAG_TEXT, .required = true },
        { "test", "FILE", "CSV of the same columns: print how good each head is there",
          HEC_FLAG_TEXT },
        { "scores", "FILE", "CSV of the test rows' scores, a column a head", HEC_FLAG_TEXT },
        { "log", "FILE", "a line of JSON an epoch: losses, weights, gradients, validation",
          HEC_FLAG_TEXT },
        { "valid-share", "X", "share of the rows for validation (default 0.15)", HEC_FLAG_NUMBER,
          .minimum = 0, .maximum = 1 },
        HEC_FLAGS_RECIPE,
    },
};
