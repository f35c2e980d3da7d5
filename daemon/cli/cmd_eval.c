/*
 * hecate eval: how good a model is on events whose truth is known.
 *
 * A model file is judged as it stands (--model), or a recipe by training again on fold after fold
 * (--prequential, --kfold-by user): see trials.h for those.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/eval_folds.h"
#include "cli/evaluation.h"
#include "cli/folds_of.h"
#include "cli/journey.h"
#include "cli/training.h"
#include "cli/truth.h"
#include "file/when.h"

/* What eval --model holds while it reads. */
struct reading {
    struct hec_luggage luggage;
    struct hec_rows rows;
    int heads;
    int64_t from_ms, to_ms;
    int8_t *targets;
    uint8_t *mask[HEC_HEADS_MAX];
};

static enum hec_status on_batch(void *user, const struct hec_batch *batch,
                                const struct hec_line *lines, struct hec_error *error)
{
    struct reading *reading = user;
    (void)lines;
    return hec_rows_take(&reading->rows, batch, reading->from_ms, reading->to_ms, error);
}

/* Truth and masks, once everything is read. */
static enum hec_status resolve(struct reading *reading, const struct hec_arguments *arguments,
                               struct hec_error *error)
{
    const struct hec_model_info *info = hec_model_info(reading->luggage.model);
    const struct hec_labelled log = hec_rows_labelled(&reading->rows);
    const char *truth = hec_text_or(arguments, "truth", NULL);
    size_t omit_count = 0, rows = (size_t)log.rows + 1;
    const char *const *omit = hec_texts_of(arguments, "truth-omit", &omit_count);
    int64_t known_at_ms = hec_integer_or(arguments, "known-at", reading->rows.last_ms);
    enum hec_status status = HEC_OK;

    reading->targets = malloc(rows * (size_t)reading->heads);
    for (int k = 0; k < reading->heads; k++) {
        reading->mask[k] = malloc(rows);
        if (reading->mask[k] == NULL || reading->targets == NULL) {
            return hec_fail(error, HEC_NO_MEMORY, "memory is exhausted");
        }
        memset(reading->mask[k], 1, rows);
    }
    if (truth != NULL) {
        status = hec_truth_read(&reading->rows, truth, omit, omit_count, info->heads,
                                reading->heads, reading->targets, error);
    } else if (hec_fold_targets(&log, info->heads, reading->heads, known_at_ms, reading->targets,
                                NULL) != HEC_OK) {
        status = hec_fail(error, HEC_NO_MEMORY, "memory is exhausted");
    }
    struct hec_fold fold = { .train_from_ms = info->train_from_ms };
    for (int k = 0; k < reading->heads && status == HEC_OK; k++) {
        status =
            hec_mask_types(arguments, &reading->rows, &info->heads[k], reading->mask[k], error);
        if (status == HEC_OK && hec_given(arguments, "drop-known") &&
            hec_fold_drop_known(&log, &fold, &info->heads[k], reading->mask[k]) != HEC_OK) {
            status = hec_fail(error, HEC_NO_MEMORY, "memory is exhausted");
        }
    }
    return status;
}

static int tell(const struct reading *reading, const struct hec_arguments *arguments,
                const struct hec_evaluation *evaluation, int card_k)
{
    const struct hec_model_info *info = hec_model_info(reading->luggage.model);
    if (hec_given(arguments, "json")) {
        char facts[256];
        snprintf(facts, sizeof(facts),
                 "{\"model_sha256\": \"%s\", \"parameters\": %zu, \"flops_per_row\": %zu}",
                 reading->luggage.model_sha256, info->parameters, info->flops_per_row);
        char *text = hec_evaluation_json(evaluation, card_k, facts);
        bool written = text != NULL && puts(text) >= 0;
        free(text);
        return written ? HEC_EXIT_OK : HEC_EXIT_FAILURE;
    }
    printf("model       %s  %.12s, %zu parameters, %zu operations a row\n",
           hec_text_or(arguments, "model", ""), reading->luggage.model_sha256, info->parameters,
           info->flops_per_row);
    printf("interval    95 %%, %d resamplings of users\n\n",
           (int)hec_integer_or(arguments, "bootstrap", 1000));
    hec_evaluation_print(evaluation, card_k, stdout);
    return HEC_EXIT_OK;
}

static int judge(struct reading *reading, const struct hec_arguments *arguments,
                 const struct hec_gate *gates, int gates_count)
{
    const struct hec_model_info *info = hec_model_info(reading->luggage.model);
    struct hec_error error = { 0 };
    struct hec_evaluation evaluation;
    struct hec_figures figures;
    struct hec_judge_options options;
    if (reading->rows.count == 0) {
        hec_fail(&error, HEC_INVALID,
                 "no event to judge: rows count from --from on, by default from the moment up to "
                 "which the model knew labels, so that its own training rows do not flatter it");
        return hec_cli_fail(arguments, &error);
    }
    enum hec_status status = resolve(reading, arguments, &error);
    hec_judge_options_of(&options, arguments);
    struct hec_scores scores = { .rows = &reading->rows,
                                 .count = reading->rows.count,
                                 .score = reading->rows.scores,
                                 .stride = reading->heads,
                                 .targets = reading->targets,
                                 .heads_count = reading->heads,
                                 .heads = info->heads,
                                 .thresholds = info->thresholds };
    for (int k = 0; k < reading->heads; k++) {
        scores.mask[k] = reading->mask[k];
    }
    if (status == HEC_OK && hec_evaluate(&evaluation, &scores, &options) != HEC_OK) {
        status = hec_fail(&error, HEC_NO_MEMORY, "memory is exhausted");
    }
    if (status != HEC_OK) {
        return hec_cli_fail(arguments, &error);
    }
    if (reading->from_ms < info->train_to_ms) {
        fprintf(stderr, "eval: --from lies before the end of the model's training window: figures "
                        "on its own training rows flatter it\n");
    }
    for (int k = 0; k < reading->heads; k++) {
        if (evaluation.told[k].positives == 0) {
            fprintf(stderr,
                    "eval: head '%s' has no positive among %llu judged rows; an event counts when "
                    "it is %.0f days old at the end of the log\n",
                    info->heads[k].name, (unsigned long long)evaluation.told[k].rows,
                    (double)info->heads[k].label_delay_ms / (double)HEC_DAY_MS);
        }
    }
    int exit_status = tell(reading, arguments, &evaluation, options.card_k);
    hec_evaluation_figures(&figures, &evaluation);
    return exit_status != HEC_EXIT_OK ? exit_status
                                      : hec_gates_hold(gates, gates_count, &figures, arguments);
}

static int eval_model(const struct hec_arguments *arguments, const struct hec_gate *gates,
                      int gates_count)
{
    struct reading reading = { 0 };
    int status =
        hec_luggage_model(&reading.luggage, arguments, hec_text_or(arguments, "model", ""));
    if (status == HEC_EXIT_OK) {
        const struct hec_model_info *info = hec_model_info(reading.luggage.model);
        reading.heads = info->heads_count;
        reading.from_ms = hec_integer_or(arguments, "from", info->known_at_ms);
        reading.to_ms = hec_integer_or(arguments, "to", INT64_MAX);
        hec_rows_begin(&reading.rows, 0, 0);
        hec_rows_keep_scores(&reading.rows, reading.heads);
        status = hec_journey(arguments, &reading.luggage, "scoring", on_batch, &reading, NULL, 0);
    }
    if (status == HEC_EXIT_OK) {
        status = judge(&reading, arguments, gates, gates_count);
    }
    free(reading.targets);
    for (int k = 0; k < HEC_HEADS_MAX; k++) {
        free(reading.mask[k]);
    }
    hec_rows_free(&reading.rows);
    hec_luggage_free(&reading.luggage);
    return status;
}

static int run(const struct hec_arguments *arguments)
{
    struct hec_gate gates[HEC_GATES_MAX];
    int gates_count = 0, ways = hec_given(arguments, "model") +
                                hec_given(arguments, "prequential") +
                                hec_given(arguments, "kfold-by");
    int status = hec_gates_parse(gates, &gates_count, arguments);
    if (status != HEC_EXIT_OK) {
        return status;
    }
    if (ways != 1) {
        return hec_cli_misused(arguments, "one of --model MODEL, --prequential and --kfold-by user "
                                          "says what is judged");
    }
    if (hec_given(arguments, "model") && hec_given(arguments, "heads")) {
        return hec_cli_misused(arguments, "--heads is for folds: a model has its own heads");
    }
    return hec_given(arguments, "model") ? eval_model(arguments, gates, gates_count)
                                         : hec_eval_folds(arguments, gates, gates_count);
}

const struct hec_command hec_cmd_eval = {
    .name = "eval",
    .line = "judges a model, or a recipe over folds, by what really happened",
    .examples = { "hecate eval --model bank.safetensors --data events.ndjson.zst --gate "
                  "card_fraud.average_precision>=0.45",
                  "hecate eval --prequential --data events.ndjson.zst --train-from 2018-07-25 "
                  "--folds 4 --seeds 3" },
    .text =
        "With --model: the events from --from on are scored, by default those after the moment up\n"
        "to which the model knew labels, and held against the labels in the log (or --truth).\n"
        "With --prequential: trains on --train-days, waits --delay-days for labels, tests on\n"
        "--test-days, then the same --test-days later, --folds times; cards known to be\n"
        "compromised are left out. With --kfold-by user: parts of the users take turns.\n\n"
        "Intervals are 95 %, from resampling users. A figure that is undefined is \"-\". Means\n"
        "over heads leave novelty heads out. --gate METRIC>=X or HEAD.METRIC>=X (also <=, >, <)\n"
        "ends with exit status 3 when it is not met; without a head the mean is meant.",
    .run = run,
    .flags = {
        HEC_FLAG_DATA,
        { "model", "MODEL", "a model file of hecate train", HEC_FLAG_TEXT },
        { "prequential", NULL, "fold after fold through time", HEC_FLAG_SWITCH },
        HEC_FLAGS_FOLDS,
        { "from", "T", "with --model: first moment judged", HEC_FLAG_TIME },
        { "to", "T", "with --model: the moment after the last", HEC_FLAG_TIME },
        { "known-at", "T", "with --model: labels that came later do not count (default: all do)",
          HEC_FLAG_TIME },
        { "drop-known", NULL, "with --model: leave out cards known to be compromised",
          HEC_FLAG_SWITCH },
        HEC_FLAGS_JUDGING,
        { "gate", "METRIC>=X", "what must hold, else exit status 3", HEC_FLAG_TEXT, .many = true },
        { "json", NULL, "all figures as JSON", HEC_FLAG_SWITCH },
        HEC_FLAG_HEADS,
        HEC_FLAG_FEATURES,
        HEC_FLAGS_TRAINING,
    },
};
