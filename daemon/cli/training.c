#include "cli/training.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/room.h"
#include "file/when.h"
#include "hecate/delay.h"
#include "ops/heads_file.h"

#define MTSGD_RATE 0.02

const char *const hec_stop_or_share[] = { "stop", "share", NULL };

static void network_options(struct hec_train_options *options,
                            const struct hec_arguments *arguments)
{
    options->network.arch = (enum hec_arch)hec_integer_or(arguments, "arch", 0);
    options->network.fusion = (enum hec_fusion)hec_integer_or(arguments, "fusion", 0);
    options->network.embed = (enum hec_embed)hec_integer_or(arguments, "num-embed", 0);
    options->network.trunk_0 = (int)hec_integer_or(arguments, "trunk-0", 0);
    options->network.one_layer = hec_given(arguments, "trunk-0") && options->network.trunk_0 == 0;
    options->network.trunk_1 = (int)hec_integer_or(arguments, "trunk-1", 0);
    options->network.tower = (int)hec_integer_or(arguments, "tower", 0);
    options->network.experts = (int)hec_integer_or(arguments, "experts", 0);
    options->network.one_gate = hec_given(arguments, "one-gate");
    options->weighting = (enum hec_weighting)hec_integer_or(arguments, "task-weighting", 0);
    options->mtl_optimizer = (enum hec_mtl)hec_integer_or(arguments, "mtl-optimizer", 0);
    options->anomaly_shares = hec_integer_or(arguments, "anomaly-grad", 0) == 1;
    options->refit = (enum hec_refit)hec_integer_or(arguments, "refit", 0);
    options->loss = (enum hec_loss)hec_integer_or(arguments, "loss", 0);
    options->focal_gamma = hec_number_or(arguments, "focal-gamma", options->focal_gamma);
    options->positive_weight =
        hec_number_or(arguments, "positive-weight", options->positive_weight);
    if (options->mtl_optimizer == HEC_MTL_MTSGD) {
        options->learning_rate = (float)hec_number_or(arguments, "learning-rate", MTSGD_RATE);
    }
}

void hec_training_options(struct hec_train_options *options, const struct hec_arguments *arguments)
{
    hec_train_defaults(options);
    options->seed = (uint64_t)hec_integer_or(arguments, "seed", (int64_t)options->seed);
    options->epochs_max = (int)hec_integer_or(arguments, "epochs", options->epochs_max);
    options->patience = (int)hec_integer_or(arguments, "patience", options->patience);
    options->batch_rows = (int)hec_integer_or(arguments, "batch-rows", options->batch_rows);
    options->negatives = hec_number_or(arguments, "negatives", options->negatives);
    options->learning_rate =
        (float)hec_number_or(arguments, "learning-rate", (double)options->learning_rate);
    options->weight_decay =
        (float)hec_number_or(arguments, "weight-decay", (double)options->weight_decay);
    options->dropout = (float)hec_number_or(arguments, "dropout", (double)options->dropout);
    /* All of them would leave nothing to learn from. */
    options->dropout = options->dropout > 0.95f ? 0.95f : options->dropout;
    options->averaging = (float)hec_number_or(arguments, "averaging", (double)options->averaging);
    options->feature_dropout =
        (float)hec_number_or(arguments, "feature-dropout", (double)options->feature_dropout);
    options->feature_dropout = options->feature_dropout > 0.95f ? 0.95f : options->feature_dropout;
    options->kind_weight =
        (float)hec_number_or(arguments, "kind-weight", (double)options->kind_weight);
    network_options(options, arguments);
}

static enum hec_status load_heads(struct hec_heads_file *file, const char *path,
                                  struct hec_error *error)
{
    enum hec_status status = file == NULL ? hec_fail(error, HEC_NO_MEMORY, "memory is exhausted")
                                          : hec_heads_file_load(path, file, error);
    for (int k = 0; status == HEC_OK && k < file->count; k++) {
        if (file->column[k][0] != '\0') {
            status =
                hec_fail(error, HEC_INVALID,
                         "%s:%d: head %s is of a table's column; events have fraud types: give "
                         "it positive or positive_except, or use hecate table",
                         path, file->line[k], file->heads[k].name);
        }
    }
    return status;
}

int hec_training_heads(struct hec_head heads[HEC_HEADS_MAX], int *count,
                       const struct hec_arguments *arguments)
{
    struct hec_error error = { 0 };
    *count = HEC_DEFAULT_HEADS;
    memcpy(heads, hec_default_heads, sizeof(hec_default_heads));
    if (!hec_given(arguments, "heads")) {
        return HEC_EXIT_OK;
    }
    struct hec_heads_file *file = calloc(1, sizeof(*file));
    enum hec_status status = load_heads(file, hec_text_or(arguments, "heads", NULL), &error);
    if (status == HEC_OK) {
        *count = file->count;
        memcpy(heads, file->heads, sizeof(file->heads));
    }
    free(file);
    return status == HEC_OK ? HEC_EXIT_OK : hec_cli_fail(arguments, &error);
}

int hec_training_window(struct hec_fold *fold, const struct hec_arguments *arguments,
                        const struct hec_head *heads, int heads_count)
{
    int64_t delay_ms = 0;
    for (int head = 0; head < heads_count; head++) {
        delay_ms = heads[head].label_delay_ms > delay_ms ? heads[head].label_delay_ms : delay_ms;
    }
    int64_t mature_ms = fold->known_at_ms - delay_ms;
    mature_ms = mature_ms < fold->train_to_ms ? mature_ms : fold->train_to_ms;
    int64_t window_ms = mature_ms - fold->train_from_ms;
    if (window_ms <= 0) {
        return hec_cli_misused(arguments,
                               "nothing of the window is mature: labels take %.0f days, so "
                               "they must be known later than the window begins by more than that",
                               (double)delay_ms / (double)HEC_DAY_MS);
    }
    int64_t valid_ms = window_ms / 6;
    if (window_ms >= 7 * HEC_DAY_MS && valid_ms < HEC_DAY_MS) {
        valid_ms = HEC_DAY_MS;
    }
    valid_ms = hec_given(arguments, "valid-days")
                   ? hec_integer_or(arguments, "valid-days", 0) * HEC_DAY_MS
                   : valid_ms;
    if (valid_ms >= window_ms) {
        return hec_cli_misused(arguments,
                               "--valid-days leaves nothing to train on: %.1f days of "
                               "the window are mature",
                               (double)window_ms / (double)HEC_DAY_MS);
    }
    fold->valid_from_ms = mature_ms - valid_ms;
    fold->mature_ms = mature_ms;
    return HEC_EXIT_OK;
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

/* What a regression head over events learns: the logarithm of the amount, where there is one.
 * Both stay NULL without such a head. */
static bool amounts(const struct hec_training_set *set, int8_t **targets, float **values)
{
    size_t heads = (size_t)set->heads_count, cells = set->rows->count * heads;
    bool wanted = false;
    for (size_t k = 0; k < heads; k++) {
        wanted = wanted || set->heads[k].kind == HEC_HEAD_REGRESSION;
    }
    if (!wanted) {
        return true;
    }
    *targets = hec_rows_room(set->rows, cells + 1);
    *values = hec_rows_room(set->rows, (cells + 1) * sizeof(**values));
    for (size_t at = 0; *targets != NULL && *values != NULL && at < cells; at++) {
        int64_t minor = set->rows->amount_minor[at / heads];
        bool regression = set->heads[at % heads].kind == HEC_HEAD_REGRESSION;
        (*targets)[at] = set->targets[at];
        if (regression && set->targets[at] == HEC_TARGET_POSITIVE) {
            (*targets)[at] = minor > 0 ? HEC_TARGET_POSITIVE : HEC_TARGET_UNKNOWN;
            (*values)[at] = (float)log1p((double)(minor > 0 ? minor : 0));
        }
    }
    return *targets != NULL && *values != NULL;
}

static void *take_room(void *user, size_t bytes)
{
    return hec_rows_room(user, bytes);
}

static void give_room(void *user, void *memory)
{
    (void)user;
    hec_room_free(memory);
}

enum hec_status hec_training_dataset(struct hec_dataset *dataset,
                                     const char *names[HEC_FEATURES_MAX], char **text,
                                     const struct hec_training_set *set, struct hec_error *error)
{
    *dataset = (struct hec_dataset){ .rows = set->rows->count,
                                     .numerics = set->rows->numerics,
                                     .categories = set->rows->categories,
                                     .event_type = set->rows->event_type,
                                     .split = set->split,
                                     .heads_count = set->heads_count,
                                     .heads = set->heads,
                                     .targets = set->targets,
                                     .fraud_kind = set->code };
    if (set->rows->memory_bytes > 0) {
        dataset->take = take_room;
        dataset->give = give_room;
        dataset->room_user = (struct hec_rows *)set->rows; /* read only */
    }
    if (set->rows->spill != NULL) {
        dataset->fetch = hec_rows_fetch;
        dataset->fetch_user = (struct hec_rows *)set->rows; /* read only */
    }
    size_t text_bytes = hec_schema_print(hec_plan_schema(set->plan), NULL, 0) + 1;
    *text = malloc(text_bytes);
    if (*text == NULL) {
        return hec_fail(error, HEC_NO_MEMORY, "memory is exhausted");
    }
    hec_schema_print(hec_plan_schema(set->plan), *text, text_bytes);
    dataset->columns.schema_text = *text;
    name_columns(&dataset->columns, set->plan, names);
    return HEC_OK;
}

/* The young rows of a set, opened. Owned. */
struct opened {
    struct hec_delay delays[HEC_HEADS_MAX];
    int8_t *targets;
    uint8_t *split;
    float *heard;
};

static void close_opened(struct opened *opened)
{
    for (int k = 0; k < HEC_HEADS_MAX; k++) {
        hec_delay_free(&opened->delays[k]);
    }
    hec_room_free(opened->targets);
    hec_room_free(opened->split);
    hec_room_free(opened->heard);
}

static void tell_delay(const struct hec_delay *delay, const struct hec_head *head,
                       hec_train_report *report, void *user)
{
    char text[400];
    struct hec_train_progress progress = { .message = text, .monitor = NAN };
    if (report == NULL || head->kind != HEC_HEAD_BINARY) {
        return;
    }
    if (delay->frauds == 0) {
        snprintf(text, sizeof(text),
                 "head '%s' has fewer than %d matured frauds, too few to tell how late labels are: "
                 "it learns from mature events alone",
                 head->name, HEC_DELAY_FRAUDS_MIN);
    } else {
        snprintf(text, sizeof(text),
                 "head '%s': of %zu matured frauds half were reported within %.1f days, nine in "
                 "ten within %.1f; %llu younger events hold %llu reported ones, %.4g %% of them, "
                 "which makes %.4g %%",
                 head->name, delay->frauds,
                 (double)hec_delay_quantile_ms(delay, 0.5) / (double)HEC_DAY_MS,
                 (double)hec_delay_quantile_ms(delay, 0.9) / (double)HEC_DAY_MS,
                 (unsigned long long)delay->young, (unsigned long long)delay->reported,
                 delay->young > 0 ? 100 * (double)delay->reported / (double)delay->young : 0,
                 delay->young > 0 ? 100 * delay->prior : 0);
    }
    (void)report(user, &progress);
}

static enum hec_status open_young(struct opened *opened, const struct hec_training_set *set,
                                  hec_train_report *report, void *user, struct hec_error *error)
{
    const struct hec_labelled log = hec_rows_labelled(set->rows);
    size_t rows = set->rows->count, cells = rows * (size_t)set->heads_count;
    opened->targets = hec_rows_room(set->rows, cells + 1);
    opened->split = hec_rows_room(set->rows, rows + 1);
    opened->heard = hec_rows_room(set->rows, (cells + 1) * sizeof(float));
    enum hec_status status =
        opened->targets == NULL || opened->split == NULL || opened->heard == NULL ? HEC_NO_MEMORY
                                                                                  : HEC_OK;
    for (int k = 0; k < set->heads_count && status == HEC_OK; k++) {
        status = hec_delay_fit(&opened->delays[k], &log, set->late, set->heads, set->heads_count, k,
                               set->targets);
    }
    if (status != HEC_OK) {
        return hec_fail(error, status, "memory is exhausted");
    }
    memcpy(opened->targets, set->targets, cells);
    memcpy(opened->split, set->split, rows);
    hec_delay_open(opened->delays, &log, set->late, set->heads, set->heads_count, opened->targets,
                   opened->split, opened->heard);
    for (int k = 0; k < set->heads_count; k++) {
        tell_delay(&opened->delays[k], &set->heads[k], report, user);
    }
    return HEC_OK;
}

enum hec_status hec_training_run(void **bytes, size_t *size, const struct hec_training_set *set,
                                 const struct hec_train_options *options, hec_train_report *report,
                                 void *user, struct hec_error *error)
{
    const char *names[HEC_FEATURES_MAX];
    struct hec_dataset dataset;
    char *text = NULL;
    float *values = NULL;
    int8_t *targets = NULL;
    struct opened opened = { .targets = NULL };
    struct hec_training_set whole = *set;
    enum hec_status status =
        set->late == NULL ? HEC_OK : open_young(&opened, set, report, user, error);
    if (status == HEC_OK && set->late != NULL) {
        whole.targets = opened.targets;
        whole.split = opened.split;
    }
    if (status == HEC_OK) {
        status = hec_training_dataset(&dataset, names, &text, &whole, error);
    }
    if (status == HEC_OK && !amounts(&whole, &targets, &values)) {
        status = hec_fail(error, HEC_NO_MEMORY, "memory is exhausted");
    }
    if (status == HEC_OK) {
        dataset.values = values;
        dataset.heard = opened.heard;
        dataset.targets = targets == NULL ? dataset.targets : targets;
        status = hec_train(bytes, size, &dataset, options, report, user, error);
    }
    if (status == HEC_OK) {
        status = hec_spill_failed(set->rows->spill, error);
    }
    close_opened(&opened);
    free(text);
    hec_room_free(values);
    hec_room_free(targets);
    return status;
}
