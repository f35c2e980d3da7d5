/*
 * hecate pretrain: a trunk for others to start from, from events alone or from kinds of fraud.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/journey.h"
#include "cli/training.h"
#include "cli/warm.h"
#include "file/model_file.h"
#include "file/when.h"
#include "hecate/event.h"
#include "hecate/pretrain.h"

struct job {
    struct hec_luggage luggage;
    struct hec_rows rows;
    struct hec_model *start;
    int64_t from_ms, to_ms, known_at_ms;
    uint8_t *split, *code, *genuine;
    int8_t *targets;
    struct hec_progress progress;
};

/* Every fraud is one; what has none and is old enough is genuine. */
static const struct hec_head ANY = {
    .name = "any",
    .kind = HEC_HEAD_BINARY,
    .event_types = (1u << HEC_SCORED_TYPES) - 1,
    .rules = { { .event_types = (1u << HEC_SCORED_TYPES) - 1 } },
    .rules_count = 1,
    .label_delay_ms = 7 * HEC_DAY_MS,
};

static enum hec_status on_batch(void *user, const struct hec_batch *batch,
                                const struct hec_line *lines, struct hec_error *error)
{
    struct job *job = user;
    (void)lines;
    return hec_rows_take(&job->rows, batch, job->from_ms, job->to_ms, error);
}

static bool report(void *user, const struct hec_train_progress *told)
{
    struct job *job = user;
    if (told->message == NULL && job->progress.shown) {
        fprintf(stderr, "\r\033[Kpretraining  epoch %d of %d  loss %.4f", told->epoch,
                told->epochs_max, told->loss[1]);
        fflush(stderr);
    }
    if (told->message == NULL && told->epoch == told->epochs_max) {
        hec_progress_end(&job->progress);
        printf("epochs    %d, the last one's loss %.4f (1 is a guess at the mean)\n", told->epoch,
               told->loss[1]);
    }
    return true;
}

/* Kinds that --without names are neither frauds nor genuine: as if nobody had looked. */
static enum hec_status leave_out(struct job *job, const struct hec_arguments *arguments,
                                 struct hec_error *error)
{
    size_t count = 0;
    const char *const *without = hec_texts_of(arguments, "without", &count);
    for (size_t i = 0; i < count; i++) {
        int kind = 0;
        for (int code = 0; code < job->rows.codes_count; code++) {
            kind = strcmp(job->rows.codes[code], without[i]) == 0 ? code + 1 : kind;
        }
        if (kind == 0) {
            return hec_fail(error, HEC_INVALID,
                            "--without: no fraud of the log has the type "
                            "\"%.40s\"",
                            without[i]);
        }
        for (uint32_t row = 0; row < job->rows.count; row++) {
            job->code[row] = job->code[row] == kind ? 0 : job->code[row];
        }
    }
    return HEC_OK;
}

static enum hec_status resolve(struct job *job, const struct hec_arguments *arguments,
                               struct hec_error *error)
{
    struct hec_labelled log = hec_rows_labelled(&job->rows);
    size_t room = (size_t)log.rows + 1;
    job->split = malloc(room);
    job->code = malloc(room);
    job->genuine = malloc(room);
    job->targets = malloc(room);
    if (job->split == NULL || job->code == NULL || job->genuine == NULL || job->targets == NULL ||
        hec_fold_targets(&log, &ANY, 1, job->known_at_ms, job->targets, job->code) != HEC_OK) {
        return hec_fail(error, HEC_NO_MEMORY, "memory is exhausted");
    }
    memset(job->split, HEC_SPLIT_TRAIN, log.rows);
    for (uint32_t row = 0; row < log.rows; row++) {
        job->genuine[row] = job->targets[row] == HEC_TARGET_NEGATIVE;
    }
    return leave_out(job, arguments, error);
}

static enum hec_status learn(struct job *job, const struct hec_arguments *arguments, void **bytes,
                             size_t *size, struct hec_error *error)
{
    const char *names[HEC_FEATURES_MAX];
    struct hec_dataset dataset;
    struct hec_train_options options;
    struct hec_reptile_options reptile;
    char *text = NULL;
    struct hec_training_set set = { .rows = &job->rows,
                                    .plan = job->luggage.plan,
                                    .heads = &ANY,
                                    .heads_count = 1,
                                    .targets = job->targets,
                                    .split = job->split,
                                    .code = job->code };
    hec_training_options(&options, arguments);
    options.facts = (struct hec_train_facts){ .name = "pretrained",
                                              .train_from_ms = job->from_ms,
                                              .train_to_ms = job->to_ms,
                                              .known_at_ms = job->known_at_ms };
    options.warm_start = job->start;
    options.mask_share = hec_number_or(arguments, "mask-share", 0.3);
    options.negatives_min = (uint32_t)hec_integer_or(arguments, "rows-epoch", 65536);
    hec_reptile_defaults(&reptile);
    reptile.rounds = (int)hec_integer_or(arguments, "rounds", reptile.rounds);
    reptile.shots = (int)hec_integer_or(arguments, "shots", reptile.shots);
    enum hec_status status = hec_training_dataset(&dataset, names, &text, &set, error);
    if (status == HEC_OK && hec_given(arguments, "reptile")) {
        options.mask_share = 0;
        status = hec_reptile(bytes, size, &dataset, job->genuine, &options, &reptile, error);
    } else if (status == HEC_OK) {
        options.trunk_rate = 1;
        status = hec_pretrain(bytes, size, &dataset, &options, report, job, error);
    }
    free(text);
    return status;
}

static int work(struct job *job, const struct hec_arguments *arguments)
{
    struct hec_error error = { 0 };
    void *bytes = NULL;
    size_t size = 0;
    enum hec_status status = resolve(job, arguments, &error);
    if (status == HEC_OK) {
        hec_progress_begin(&job->progress, "pretraining");
        status = learn(job, arguments, &bytes, &size, &error);
        hec_progress_end(&job->progress);
    }
    if (status == HEC_OK) {
        status = hec_output_whole(hec_text_or(arguments, "out", NULL), bytes, size, &error);
    }
    free(bytes);
    if (status != HEC_OK) {
        return hec_cli_fail(arguments, &error);
    }
    printf("rows      %u\nmodel     %s, %zu bytes\n", job->rows.count,
           hec_text_or(arguments, "out", ""), size);
    return HEC_EXIT_OK;
}

static int begin(struct job *job, const struct hec_arguments *arguments)
{
    struct hec_error error = { 0 };
    char sha256[HEC_SHA256_HEX];
    const char *path = hec_text_or(arguments, "warm-start", NULL);
    job->from_ms = hec_integer_or(arguments, "train-from", 0);
    job->to_ms = hec_integer_or(arguments, "train-to", 0);
    job->known_at_ms = hec_integer_or(arguments, "known-at", job->to_ms);
    if (strcmp(hec_text_or(arguments, "out", ""), "-") == 0) {
        return hec_cli_misused(arguments, "--out - would mix the model with what is told: a file");
    }
    if (job->from_ms >= job->to_ms) {
        return hec_cli_misused(arguments, "--train-from must be before --train-to");
    }
    if (!hec_given(arguments, "reptile") &&
        (hec_given(arguments, "rounds") || hec_given(arguments, "without") ||
         hec_given(arguments, "shots"))) {
        return hec_cli_misused(arguments, "--rounds, --shots and --without are of --reptile");
    }
    if (hec_given(arguments, "reptile") && hec_given(arguments, "mask-share")) {
        return hec_cli_misused(arguments, "--mask-share is not of --reptile, which hides nothing");
    }
    if (!(hec_number_or(arguments, "mask-share", 0.3) > 0)) {
        return hec_cli_misused(arguments, "--mask-share must be above 0: where nothing is hidden, "
                                          "nothing is learned");
    }
    if (path != NULL && hec_warm_network(arguments) != HEC_EXIT_OK) {
        return HEC_EXIT_USAGE;
    }
    if (path != NULL && hec_model_file_load(&job->start, sha256, path, NULL, &error) != HEC_OK) {
        return hec_cli_fail(arguments, &error);
    }
    return hec_luggage_features(&job->luggage, arguments);
}

static int run(const struct hec_arguments *arguments)
{
    struct job job = { 0 };
    int status = begin(&job, arguments);
    if (status == HEC_EXIT_OK) {
        hec_rows_begin(&job.rows, hec_plan_numerics(job.luggage.plan),
                       hec_plan_categories(job.luggage.plan));
        status = hec_journey(arguments, &job.luggage, "reading", on_batch, &job, NULL, 0);
    }
    if (status == HEC_EXIT_OK) {
        status = work(&job, arguments);
    }
    hec_model_free(job.start);
    free(job.split);
    free(job.code);
    free(job.genuine);
    free(job.targets);
    hec_rows_free(&job.rows);
    hec_luggage_free(&job.luggage);
    return status;
}

const struct hec_command hec_cmd_pretrain = {
    .name = "pretrain",
    .line = "makes a trunk to start from, of events without labels or of kinds of fraud",
    .examples = { "hecate pretrain --data e.ndjson.zst --out start.safetensors --train-from "
                  "2025-01-13 --train-to 2025-02-10",
                  "hecate pretrain --reptile --without 06 --data e.ndjson --out start.safetensors "
                  "--train-from 2025-01-13 --train-to 2025-02-10 --known-at 2025-02-17" },
    .text = "By itself it hides numbers of a row and learns to tell them from the others; labels\n"
            "are not looked at. --reptile learns kinds of fraud from a few examples each, again\n"
            "and again, and looks for the start from which that goes best. train --warm-start\n"
            "goes on from either: see hecate-learning(7).",
    .run = run,
    .flags = {
        HEC_FLAG_DATA,
        { "out", "MODEL", "the model file, safetensors", HEC_FLAG_TEXT, .required = true },
        { "train-from", "T", "the window's first moment", HEC_FLAG_TIME, .required = true },
        { "train-to", "T", "the moment after its last", HEC_FLAG_TIME, .required = true },
        { "known-at", "T", "with --reptile: labels that came later are not used", HEC_FLAG_TIME },
        { "mask-share", "X", "share of the numbers that are hidden, above 0 (default 0.3)",
          HEC_FLAG_NUMBER, .minimum = 0, .maximum = 1 },
        { "rows-epoch", "N", "rows an epoch, drawn anew (default 65536)", HEC_FLAG_INTEGER,
          .minimum = 1, .maximum = 100000000 },
        { "warm-start", "MODEL", "go on from this model", HEC_FLAG_TEXT },
        { "reptile", NULL, "over kinds of fraud instead", HEC_FLAG_SWITCH },
        { "rounds", "N", "with --reptile: how many kinds are drawn (default 200)",
          HEC_FLAG_INTEGER, .minimum = 1, .maximum = 1000000 },
        { "shots", "N", "with --reptile: frauds of each (default 20)", HEC_FLAG_INTEGER,
          .minimum = 1, .maximum = 10000 },
        { "without", "TYPE", "with --reptile: fraud types that it is not shown", HEC_FLAG_TEXT,
          .many = true },
        HEC_FLAG_FEATURES,
        HEC_FLAGS_RECIPE,
    },
};
