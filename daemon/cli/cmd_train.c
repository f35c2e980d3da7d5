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
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/epochs.h"
#include "cli/journey.h"
#include "cli/room.h"
#include "cli/rows.h"
#include "cli/run_dir.h"
#include "cli/training.h"
#include "cli/warm.h"
#include "file/when.h"
#include "hecate/digest.h"

struct training {
    struct hec_fold fold;
    struct hec_train_options options;
    struct hec_head heads[HEC_HEADS_MAX];
    struct hec_warm warm;
    int heads_count;
    struct hec_rows rows;
    struct hec_luggage luggage;
    int8_t *targets;
    uint8_t *split, *code, *test;
    struct hec_run *run;                  /* NULL: none was asked for */
    uint64_t positives[2][HEC_HEADS_MAX]; /* train, validation */
    uint64_t split_rows[2];
    uint64_t labels; /* known in time, on these rows */
    int epochs, best_epoch;
    double best_ap[HEC_HEADS_MAX];
    struct hec_progress progress;
    struct hec_output *log; /* NULL: none was asked for */
};

/* Ctrl-C ends training, not the command: the best epoch so far is kept and written. */
static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

static enum hec_status on_batch(void *user, const struct hec_batch *batch,
                                const struct hec_line *lines, struct hec_error *error)
{
    struct training *training = user;
    (void)lines;
    /* A run is judged later on, without cards that were found to be compromised since. */
    int64_t to_ms = training->run != NULL ? INT64_MAX : training->fold.train_to_ms;
    return hec_rows_take(&training->rows, batch, training->fold.train_from_ms, to_ms, error);
}

/* The window and its validation part, from the flags. */
static int plan_window(struct training *training, const struct hec_arguments *arguments)
{
    struct hec_fold *fold = &training->fold;
    fold->train_from_ms = hec_integer_or(arguments, "train-from", 0);
    fold->train_to_ms = hec_integer_or(arguments, "train-to", 0);
    fold->known_at_ms = hec_integer_or(arguments, "known-at", fold->train_to_ms);
    fold->test_from_ms = fold->known_at_ms;
    fold->test_to_ms = hec_given(arguments, "run-dir") ? INT64_MAX : fold->known_at_ms;
    if (fold->train_from_ms >= fold->train_to_ms) {
        return hec_cli_misused(arguments, "--train-from must be before --train-to");
    }
    if (hec_given(arguments, "delay-model") && training->warm.shots > 0) {
        return hec_cli_misused(arguments,
                               "--shots hides all labels but so many: --delay-model would show "
                               "those of young events again");
    }
    return hec_training_window(fold, arguments, training->heads, training->heads_count);
}

/* Leaves the new head so many frauds, or all of them where there are not so many. */
static bool take_shots(struct training *training)
{
    int64_t taken = hec_train_shots(training->targets, training->split, training->rows.count,
                                    training->heads_count, training->warm.new_head,
                                    training->warm.shots, training->options.seed);
    if (taken >= 0 && taken < training->warm.shots) {
        fprintf(stderr,
                "train: --shots %u, but the window has only %lld frauds of head '%s' that were "
                "known in time: it learns from these\n",
                training->warm.shots, (long long)taken,
                training->heads[training->warm.new_head].name);
    }
    return taken >= 0;
}

static bool resolve(struct training *training)
{
    struct hec_labelled log = hec_rows_labelled(&training->rows);
    size_t rows = (size_t)log.rows + 1;
    training->test = hec_rows_room(&training->rows, rows);
    training->targets = hec_rows_room(&training->rows, rows * (size_t)training->heads_count);
    training->split = hec_rows_room(&training->rows, rows);
    training->code = hec_rows_room(&training->rows, rows);
    bool done =
        training->test != NULL && training->targets != NULL && training->split != NULL &&
        training->code != NULL &&
        hec_fold_targets(&log, training->heads, training->heads_count, training->fold.known_at_ms,
                         training->targets, training->code) == HEC_OK;
    if (done) {
        hec_fold_split(&log, &training->fold, training->split, training->test);
    }
    if (done && training->warm.shots > 0) {
        done = take_shots(training);
    }
    for (uint32_t row = 0; done && row < log.rows; row++) {
        bool valid = training->split[row] == HEC_SPLIT_VALID;
        if (training->split[row] == HEC_SPLIT_NONE) {
            continue;
        }
        training->split_rows[valid]++;
        for (int head = 0; head < training->heads_count; head++) {
            size_t at = (size_t)row * (size_t)training->heads_count + (size_t)head;
            training->positives[valid][head] += training->targets[at] == HEC_TARGET_POSITIVE;
        }
    }
    for (size_t i = 0; done && i < log.verdicts_count; i++) {
        training->labels += log.verdicts[i].arrived_ms <= training->fold.known_at_ms &&
                            training->split[log.verdicts[i].row] != HEC_SPLIT_NONE;
    }
    return done;
}

/* One line: the epoch, each head's loss and validation AP, and the time that is left at most. */
static void tell_epoch(const struct training *training, const struct hec_train_progress *told)
{
    double each_s = hec_progress_s(&training->progress) / told->epoch;
    fprintf(stderr, "\r\033[Ktraining  epoch %d of at most %d, %.0f s left, best at %d",
            told->epoch, told->epochs_max, each_s * (told->epochs_max - told->epoch),
            training->best_epoch);
    for (int head = 0; head < told->heads_count; head++) {
        fprintf(stderr, "  %s %.4f", told->heads[head].name, told->loss[head]);
        if (!isnan(told->valid_ap[head])) {
            fprintf(stderr, " AP %.3f", told->valid_ap[head]);
        }
    }
    fflush(stderr);
}

static void tell_refit(const struct training *training, const struct hec_train_progress *told)
{
    if (training->progress.shown) {
        fprintf(stderr, "\r\033[Kwith all rows once more  epoch %d of %d", told->epoch,
                told->epochs_max);
        fflush(stderr);
    }
}

static bool report(void *user, const struct hec_train_progress *told)
{
    struct training *training = user;
    if (told->message != NULL) {
        hec_progress_end(&training->progress);
        fprintf(stderr, "%s\n", told->message);
        return true;
    }
    if (told->refit) {
        tell_refit(training, told);
        return !interrupted;
    }
    training->epochs = told->epoch;
    if (training->log != NULL) {
        char *line = hec_epoch_line(told);
        hec_output_write(training->log, line == NULL ? "" : line, line == NULL ? 0 : strlen(line));
        hec_output_flush(training->log);
        free(line);
    }
    if (training->run != NULL) {
        hec_run_epoch(training->run, told);
    }
    if (told->best || training->best_epoch == 0) {
        training->best_epoch = told->epoch;
        for (int head = 0; head < told->heads_count; head++) {
            training->best_ap[head] = told->valid_ap[head];
        }
    }
    if (training->progress.shown) {
        tell_epoch(training, told);
    }
    return !interrupted;
}

static enum hec_status learn(struct training *training, const struct hec_arguments *arguments,
                             void **bytes, size_t *size, struct hec_error *error)
{
    struct hec_train_options *options = &training->options;
    hec_training_options(options, arguments);
    hec_warm_options(&training->warm, options, arguments);
    options->facts = (struct hec_train_facts){ .train_from_ms = training->fold.train_from_ms,
                                               .train_to_ms = training->fold.train_to_ms,
                                               .known_at_ms = training->fold.known_at_ms };
    struct hec_training_set set = { .rows = &training->rows,
                                    .plan = training->luggage.plan,
                                    .heads = training->heads,
                                    .heads_count = training->heads_count,
                                    .targets = training->targets,
                                    .split = training->split,
                                    .code = training->code,
                                    .late = hec_given(arguments, "delay-model") ? &training->fold
                                                                                : NULL };
    struct sigaction ours = { .sa_handler = on_interrupt, .sa_flags = SA_RESTART }, theirs;
    hec_progress_begin(&training->progress, "training");
    sigaction(SIGINT, &ours, &theirs);
    enum hec_status status = hec_training_run(bytes, size, &set, options, report, training, error);
    sigaction(SIGINT, &theirs, NULL);
    hec_progress_end(&training->progress);
    return status;
}

static void print_table(const struct training *training, const char *path, const char *sha256,
                        size_t size)
{
    char from[HEC_WHEN_BYTES], to[HEC_WHEN_BYTES], valid[HEC_WHEN_BYTES], known[HEC_WHEN_BYTES];
    hec_when_print(from, training->fold.train_from_ms);
    hec_when_print(to, training->fold.train_to_ms);
    hec_when_print(valid, training->fold.valid_from_ms);
    hec_when_print(known, training->fold.known_at_ms);
    printf("window    %.10s .. %.10s, labels known at %.10s, validation from %.16s\n", from, to,
           known, valid);
    printf("rows      %llu to train, %llu to validate, %d features\n",
           (unsigned long long)training->split_rows[0], (unsigned long long)training->split_rows[1],
           hec_plan_numerics(training->luggage.plan) + hec_plan_categories(training->luggage.plan));
    printf("labels    %llu on these rows\n", (unsigned long long)training->labels);
    printf("epochs    %d, the best was %d\n", training->epochs, training->best_epoch);
    printf("%-12s  %10s  %10s  %10s\n", "head", "positives", "validation", "AP");
    for (int head = 0; head < training->heads_count; head++) {
        printf("%-12s  %10llu  %10llu  ", training->heads[head].name,
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

/* Keeps the targets of the heads that are in the model. Training is over. */
static void drop_hidden(struct training *training, int shown)
{
    size_t all = (size_t)training->heads_count;
    for (uint32_t row = 0; row < training->rows.count; row++) {
        memmove(training->targets + row * (size_t)shown, training->targets + row * all,
                (size_t)shown);
    }
    training->heads_count = shown;
}

/* The folder of the run, once the model stands. */
static enum hec_status finish_run(struct training *training, const char *path, const void *bytes,
                                  size_t size, const char *sha256, struct hec_error *error)
{
    struct hec_model *model = NULL;
    enum hec_status status = hec_model_load(&model, bytes, size, NULL, error);
    if (status != HEC_OK) {
        return status;
    }
    drop_hidden(training, hec_model_info(model)->heads_count);
    struct hec_run_facts facts = { .rows = &training->rows,
                                   .model = model,
                                   .model_path = path,
                                   .model_sha256 = sha256,
                                   .options = &training->options,
                                   .fold = &training->fold,
                                   .targets = training->targets,
                                   .split = training->split,
                                   .test = training->test,
                                   .last_ms = training->rows.last_ms,
                                   .best_epoch = training->best_epoch };
    status = hec_run_finish(training->run, &facts, error);
    if (status == HEC_OK && strcmp(path, "-") != 0) {
        printf("run       %s/report.html\n", training->run->path);
    }
    hec_model_free(model);
    return status;
}

static int train(struct training *training, const struct hec_arguments *arguments)
{
    struct hec_error error = { 0 };
    const char *path = hec_text_or(arguments, "out", NULL);
    void *bytes = NULL;
    size_t size = 0;
    char sha256[HEC_SHA256_HEX];
    if (!resolve(training)) {
        hec_fail(&error, HEC_NO_MEMORY, "memory is exhausted at %u rows", training->rows.count);
        return hec_cli_fail(arguments, &error);
    }
    enum hec_status status = HEC_OK;
    if (hec_given(arguments, "log")) {
        status = hec_output_open(&training->log, hec_text_or(arguments, "log", NULL), &error);
    }
    if (status == HEC_OK) {
        status = learn(training, arguments, &bytes, &size, &error);
        enum hec_status closed = hec_output_close(training->log, status == HEC_OK ? &error : NULL);
        status = status == HEC_OK ? closed : status;
    }
    if (status == HEC_OK) {
        status = hec_output_whole(path, bytes, size, &error);
    }
    if (status != HEC_OK) {
        free(bytes);
        return hec_cli_fail(arguments, &error);
    }
    hec_sha256(bytes, size, sha256);
    if (strcmp(path, "-") != 0) {
        print_table(training, path, sha256, size);
    }
    status =
        training->run == NULL ? HEC_OK : finish_run(training, path, bytes, size, sha256, &error);
    free(bytes);
    return status == HEC_OK ? HEC_EXIT_OK : hec_cli_fail(arguments, &error);
}

static int begin_run(struct training *training, struct hec_run *folder,
                     const struct hec_arguments *arguments)
{
    struct hec_error error = { 0 };
    if (!hec_given(arguments, "run-dir")) {
        return hec_given(arguments, "beside")
                   ? hec_cli_misused(arguments, "--beside is for the report of --run-dir")
                   : HEC_EXIT_OK;
    }
    training->run = folder;
    hec_rows_keep_ids(&training->rows);
    enum hec_status status =
        hec_rows_keep_segments(&training->rows) == HEC_OK
            ? hec_run_begin(folder, arguments, (uint64_t)hec_integer_or(arguments, "seed", 1),
                            &error)
            : hec_fail(&error, HEC_NO_MEMORY, "memory is exhausted");
    return status == HEC_OK ? HEC_EXIT_OK : hec_cli_fail(arguments, &error);
}

static int run(const struct hec_arguments *arguments)
{
    struct training training = { 0 };
    struct hec_run folder = { 0 };
    for (int head = 0; head < HEC_HEADS_MAX; head++) {
        training.best_ap[head] = NAN;
    }
    training.options.seed = (uint64_t)hec_integer_or(arguments, "seed", 1);
    int status = hec_training_heads(training.heads, &training.heads_count, arguments);
    if (status == HEC_EXIT_OK) {
        status = hec_warm_read(&training.warm, &training.luggage, arguments, training.heads,
                               &training.heads_count);
    }
    if (status == HEC_EXIT_OK) {
        status = plan_window(&training, arguments);
    }
    if (status == HEC_EXIT_OK) {
        hec_rows_begin(&training.rows, hec_plan_numerics(training.luggage.plan),
                       hec_plan_categories(training.luggage.plan));
        status = begin_run(&training, &folder, arguments);
        if (training.run == NULL) { /* the report looks at features in memory */
            hec_rows_spill_beyond(&training.rows, (size_t)hec_integer_or(arguments, "memory", 64)
                                                      << 20);
        }
    }
    if (status == HEC_EXIT_OK) {
        status = hec_journey(arguments, &training.luggage, "reading", on_batch, &training, NULL, 0);
    }
    if (status == HEC_EXIT_OK) {
        status = train(&training, arguments);
    }
    hec_warm_free(&training.warm);
    hec_room_free(training.targets);
    hec_room_free(training.split);
    hec_room_free(training.code);
    hec_room_free(training.test);
    hec_run_free(&folder);
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
            "flags and seed give the same bytes. Ctrl-C ends training and keeps the best epoch so\n"
            "far. Rows beyond --memory lie in files in $TMPDIR (/var/tmp without one), which are\n"
            "gone with the command.\n\n"
            "No rule of --task-weighting and no --mtl-optimizer is known to beat plain summing\n"
            "with equal weights; inverse-data is known to cost the larger head. mtsgd is SGD with\n"
            "momentum 0.9: no published optimiser of that name is known.\n\n"
            "--delay-model, --warm-start, --freeze-trunk, --new-head and --shots: see\n"
            "hecate-learning(7).",
    .run = run,
    .flags = {
        HEC_FLAG_DATA,
        { "out", "MODEL", "the model file, safetensors", HEC_FLAG_TEXT, .required = true },
        { "train-from", "T", "the window's first moment", HEC_FLAG_TIME, .required = true },
        { "train-to", "T", "the moment after its last", HEC_FLAG_TIME, .required = true },
        { "known-at", "T", "labels that came later are not used (default: --train-to)",
          HEC_FLAG_TIME },
        HEC_FLAG_HEADS,
        { "log", "FILE", "a line of JSON an epoch: losses, weights, gradients, validation",
          HEC_FLAG_TEXT },
        { "memory", "MB", "rows beyond that go into files, without --run-dir (default 64)",
          HEC_FLAG_INTEGER, .minimum = 1, .maximum = 1000000 },
        HEC_FLAGS_RUN,
        HEC_FLAG_FEATURES,
        HEC_FLAGS_TRAINING,
        HEC_FLAGS_WARM,
    },
};
