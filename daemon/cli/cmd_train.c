/*
 * hecate train: a model from a log of events.
 *
 * The files are read from their start, because state needs history. Rows of the window are kept;
 * labels count when they had arrived by --known-at. Validation is the last part of what is mature:
 *
 *   |-- history --|---- train ----|-- valid --|-- not yet mature --|
 *                from                  min(to, known_at - delay)   to
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/journey.h"
#include "cli/rows.h"
#include "file/when.h"
#include "hecate/digest.h"

struct training {
    int64_t from_ms, to_ms, known_at_ms, valid_from_ms, mature_ms;
    struct hec_rows rows;
    struct hec_luggage luggage;
    int8_t *targets;
    uint8_t *split;
    uint64_t positives[2][HEC_HEADS_MAX]; /* train, validation */
    uint64_t split_rows[2];
    int epochs, best_epoch;
    double best_ap[HEC_HEADS_MAX];
    struct hec_progress progress;
};

static enum hec_status on_batch(void *user, const struct hec_batch *batch,
                                const struct hec_line *lines, struct hec_error *error)
{
    struct training *training = user;
    (void)lines;
    for (int i = 0; i < batch->rows_count; i++) {
        const struct hec_row *row = &batch->rows[i];
        if (row->status != HEC_OK) {
            continue;
        }
        int64_t ms = hec_event_ms(&row->event);
        if (row->event.type == HEC_LABEL && ms <= training->known_at_ms) {
            hec_rows_label(&training->rows, &row->event);
        } else if (row->scored >= 0 && ms >= training->from_ms && ms < training->to_ms &&
                   hec_rows_add(&training->rows, batch, row->scored) != HEC_OK) {
            return hec_fail(error, HEC_NO_MEMORY, "memory is exhausted at %u rows",
                            training->rows.count);
        }
    }
    return HEC_OK;
}

/* The window and its validation part, from the flags. */
static int plan_window(struct training *training, const struct hec_arguments *arguments)
{
    training->from_ms = hec_integer_or(arguments, "train-from", 0);
    training->to_ms = hec_integer_or(arguments, "train-to", 0);
    training->known_at_ms = hec_integer_or(arguments, "known-at", training->to_ms);
    if (training->from_ms >= training->to_ms) {
        return hec_cli_misused(arguments, "--train-from must be before --train-to");
    }
    int64_t delay_ms = 0;
    for (int head = 0; head < HEC_DEFAULT_HEADS; head++) {
        int64_t own_ms = hec_default_heads[head].label_delay_ms;
        delay_ms = own_ms > delay_ms ? own_ms : delay_ms;
    }
    int64_t mature_ms = training->known_at_ms - delay_ms;
    mature_ms = mature_ms < training->to_ms ? mature_ms : training->to_ms;
    int64_t window_ms = mature_ms - training->from_ms;
    if (window_ms <= 0) {
        return hec_cli_misused(arguments,
                               "nothing of the window is mature: labels take %.0f days, so "
                               "--known-at must be later than --train-from by more than that",
                               (double)delay_ms / (double)HEC_DAY_MS);
    }
    int64_t valid_ms = window_ms / 6;
    if (window_ms >= 7 * HEC_DAY_MS && valid_ms < HEC_DAY_MS) {
        valid_ms = HEC_DAY_MS;
    }
    valid_ms = hec_integer_or(arguments, "valid-days", -1) >= 0
                   ? hec_integer_or(arguments, "valid-days", 0) * HEC_DAY_MS
                   : valid_ms;
    if (valid_ms >= window_ms) {
        return hec_cli_misused(arguments,
                               "--valid-days leaves nothing to train on: %.1f days of "
                               "the window are mature",
                               (double)window_ms / (double)HEC_DAY_MS);
    }
    training->valid_from_ms = mature_ms - valid_ms;
    training->mature_ms = mature_ms;
    return HEC_EXIT_OK;
}

static bool resolve(struct training *training)
{
    struct hec_rows *rows = &training->rows;
    training->targets = malloc((size_t)rows->count * HEC_DEFAULT_HEADS + 1);
    training->split = malloc((size_t)rows->count + 1);
    if (training->targets == NULL || training->split == NULL) {
        return false;
    }
    for (uint32_t row = 0; row < rows->count; row++) {
        bool valid = rows->event_ms[row] >= training->valid_from_ms;
        if (rows->event_ms[row] >= training->mature_ms) {
            training->split[row] = HEC_SPLIT_NONE;
            memset(training->targets + (size_t)row * HEC_DEFAULT_HEADS, HEC_TARGET_UNKNOWN,
                   HEC_DEFAULT_HEADS);
            continue;
        }
        training->split[row] = valid ? HEC_SPLIT_VALID : HEC_SPLIT_TRAIN;
        training->split_rows[valid]++;
        const char *code = rows->code[row] == 0 ? NULL : rows->codes[rows->code[row] - 1];
        for (int head = 0; head < HEC_DEFAULT_HEADS; head++) {
            enum hec_target target =
                hec_head_target(&hec_default_heads[head], rows->event_type[row],
                                (enum hec_verdict)rows->verdict[row], code, rows->event_ms[row],
                                training->known_at_ms);
            training->targets[(size_t)row * HEC_DEFAULT_HEADS + (size_t)head] = (int8_t)target;
            training->positives[valid][head] += target == HEC_TARGET_POSITIVE;
        }
    }
    return true;
}

static bool report(void *user, const struct hec_train_progress *told)
{
    struct training *training = user;
    if (told->message != NULL) {
        hec_progress_end(&training->progress);
        fprintf(stderr, "%s\n", told->message);
        return true;
    }
    training->epochs = told->epoch;
    if (told->best || training->best_epoch == 0) {
        training->best_epoch = told->epoch;
        for (int head = 0; head < told->heads_count; head++) {
            training->best_ap[head] = told->valid_ap[head];
        }
    }
    if (training->progress.shown) {
        fprintf(stderr, "\r\033[Ktraining  epoch %d of at most %d, monitor %.4f, best at %d",
                told->epoch, told->epochs_max, told->monitor, training->best_epoch);
        fflush(stderr);
    }
    return true;
}

/* Names of the columns, borrowed from the plan's schema. */
static void name_columns(struct hec_columns *columns, const struct hec_plan *plan,
                         const char **names)
{
    const struct hec_schema *schema = hec_plan_schema(plan);
    columns->numerics = hec_plan_numerics(plan);
    columns->categories = hec_plan_categories(plan);
    for (int i = 0; i < columns->numerics; i++) {
        names[i] = schema->features[hec_plan_numeric_feature(plan, i)].name;
    }
    for (int i = 0; i < columns->categories; i++) {
        names[columns->numerics + i] = schema->features[hec_plan_category_feature(plan, i)].name;
    }
    columns->numeric_names = names;
    columns->category_names = names + columns->numerics;
    columns->schema_digest = hec_plan_digest(plan);
}

static enum hec_status learn(struct training *training, uint64_t seed, void **bytes, size_t *size,
                             struct hec_error *error)
{
    const char *names[HEC_FEATURES_MAX];
    struct hec_dataset dataset = { .rows = training->rows.count,
                                   .numerics = training->rows.numerics,
                                   .categories = training->rows.categories,
                                   .event_type = training->rows.event_type,
                                   .split = training->split,
                                   .heads_count = HEC_DEFAULT_HEADS,
                                   .heads = hec_default_heads,
                                   .targets = training->targets,
                                   .fraud_kind = training->rows.code };
    struct hec_train_options options;
    hec_train_defaults(&options);
    options.seed = seed;
    options.facts = (struct hec_train_facts){ .train_from_ms = training->from_ms,
                                              .train_to_ms = training->to_ms,
                                              .known_at_ms = training->known_at_ms };
    const struct hec_plan *plan = training->luggage.plan;
    size_t text_bytes = hec_schema_print(hec_plan_schema(plan), NULL, 0) + 1;
    char *text = malloc(text_bytes);
    if (text == NULL) {
        return hec_fail(error, HEC_NO_MEMORY, "memory is exhausted");
    }
    hec_schema_print(hec_plan_schema(plan), text, text_bytes);
    dataset.columns.schema_text = text;
    name_columns(&dataset.columns, plan, names);
    hec_progress_begin(&training->progress, "training");
    enum hec_status status = hec_train(bytes, size, &dataset, &options, report, training, error);
    hec_progress_end(&training->progress);
    free(text);
    return status;
}

static void print_table(const struct training *training, const char *path, const char *sha256,
                        size_t size)
{
    char from[HEC_WHEN_BYTES], to[HEC_WHEN_BYTES], valid[HEC_WHEN_BYTES], known[HEC_WHEN_BYTES];
    hec_when_print(from, training->from_ms);
    hec_when_print(to, training->to_ms);
    hec_when_print(valid, training->valid_from_ms);
    hec_when_print(known, training->known_at_ms);
    printf("window    %.10s .. %.10s, labels known at %.10s, validation from %.16s\n", from, to,
           known, valid);
    printf("rows      %llu to train, %llu to validate, %d features\n",
           (unsigned long long)training->split_rows[0], (unsigned long long)training->split_rows[1],
           hec_plan_numerics(training->luggage.plan) + hec_plan_categories(training->luggage.plan));
    printf("labels    %llu on these rows\n", (unsigned long long)training->rows.labels);
    printf("epochs    %d, the best was %d\n", training->epochs, training->best_epoch);
    printf("%-12s  %10s  %10s  %10s\n", "head", "positives", "validation", "AP");
    for (int head = 0; head < HEC_DEFAULT_HEADS; head++) {
        printf("%-12s  %10llu  %10llu  ", hec_default_heads[head].name,
               (unsigned long long)training->positives[0][head],
               (unsigned long long)training->positives[1][head]);
        if (isnan(training->best_ap[head])) {
            printf("%10s\n", "-");
        } else {
            printf("%10.3f\n", training->best_ap[head]);
        }
    }
    printf("model     %s, %zu bytes\nsha256    %s\n", path, size, sha256);
}

static int train(struct training *training, const struct hec_arguments *arguments)
{
    struct hec_error error = { 0 };
    struct hec_output *output = NULL;
    const char *path = hec_text_or(arguments, "out", NULL);
    void *bytes = NULL;
    size_t size = 0;
    char sha256[HEC_SHA256_HEX];
    if (!resolve(training)) {
        hec_fail(&error, HEC_NO_MEMORY, "memory is exhausted at %u rows", training->rows.count);
        return hec_cli_fail(arguments, &error);
    }
    enum hec_status status =
        learn(training, (uint64_t)hec_integer_or(arguments, "seed", 1), &bytes, &size, &error);
    if (status == HEC_OK) {
        status = hec_output_open(&output, path, &error);
    }
    if (status == HEC_OK) {
        hec_output_write(output, bytes, size);
        status = hec_output_close(output, &error);
    }
    if (status != HEC_OK) {
        free(bytes);
        return hec_cli_fail(arguments, &error);
    }
    hec_sha256(bytes, size, sha256);
    free(bytes);
    if (strcmp(path, "-") != 0) {
        print_table(training, path, sha256, size);
    }
    return HEC_EXIT_OK;
}

static int run(const struct hec_arguments *arguments)
{
    struct training training = { 0 };
    for (int head = 0; head < HEC_HEADS_MAX; head++) {
        training.best_ap[head] = NAN;
    }
    int status = plan_window(&training, arguments);
    if (status == HEC_EXIT_OK) {
        status = hec_luggage_features(&training.luggage, arguments);
    }
    if (status == HEC_EXIT_OK) {
        hec_rows_begin(&training.rows, hec_plan_numerics(training.luggage.plan),
                       hec_plan_categories(training.luggage.plan));
        status = hec_journey(arguments, &training.luggage, "reading", on_batch, &training, NULL, 0);
    }
    if (status == HEC_EXIT_OK) {
        status = train(&training, arguments);
    }
    free(training.targets);
    free(training.split);
    hec_rows_free(&training.rows);
    hec_luggage_free(&training.luggage);
    return status;
}

const struct hec_command hec_cmd_train = {
    .name = "train",
    .line = "trains a model on a log of events",
    .examples = { "hecate train --data events.ndjson.zst --out bank.safetensors "
                  "--train-from 2025-01-20 --train-to 2025-03-01",
                  "hecate train --data a.ndjson b.ndjson --out m.safetensors --train-from "
                  "2018-07-25 --train-to 2018-08-01 --known-at 2018-08-08 --seed 7" },
    .text = "Reads the files from their start, because features need history, and learns from the\n"
            "events of the window. Labels count when they had arrived by --known-at, and events\n"
            "when they were old enough then to have got one. The last part of these is kept for\n"
            "validation: a sixth, at least a day of a window of a week or more. The same files,\n"
            "flags and seed give the same bytes.",
    .run = run,
    .flags = {
        HEC_FLAG_DATA,
        { "out", "MODEL", "the model file, safetensors", HEC_FLAG_TEXT, .required = true },
        { "train-from", "T", "the window's first moment", HEC_FLAG_TIME, .required = true },
        { "train-to", "T", "the moment after its last", HEC_FLAG_TIME, .required = true },
        { "known-at", "T", "labels that came later are not used (default: --train-to)",
          HEC_FLAG_TIME },
        { "valid-days", "N", "days for validation (default: a sixth of what is mature)",
          HEC_FLAG_INTEGER, .minimum = 0, .maximum = 3650 },
        { "seed", "N", "of everything random (default 1)", HEC_FLAG_INTEGER, .minimum = 0,
          .maximum = INT64_MAX },
        HEC_FLAG_FEATURES,
    },
};
