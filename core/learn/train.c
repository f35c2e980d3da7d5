/*
 * Training, from the check of the data to the bytes of the file.
 *
 * hec_train reads as a list; everything random comes from the seed through streams of its own.
 */
#include "hecate/train.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "learn/trainer.h"
#include "learn/warm.h"
#include "model/gemm.h"
#include "model/manifest.h"

#define NAME(enumerator, name, phrase) name,
const char *const hec_refit_names[HEC_REFITS + 1] = { HEC_REFIT_TABLE(NAME) NULL };
const char *const hec_weighting_names[HEC_WEIGHTINGS + 1] = { HEC_WEIGHTING_TABLE(NAME) NULL };
const char *const hec_mtl_names[HEC_MTLS + 1] = { HEC_MTL_TABLE(NAME) NULL };
#undef NAME

void hec_train_defaults(struct hec_train_options *options)
{
    *options = (struct hec_train_options){ .seed = 1,
                                           .epochs_max = 40,
                                           .patience = 8,
                                           .batch_rows = 256,
                                           .negatives = 30,
                                           .negatives_min = 4096,
                                           .learning_rate = 1e-3f,
                                           .weight_decay = 1e-4f,
                                           .clip = 1.0f,
                                           .dropout = 0.2f,
                                           .kind_weight = 0.3f,
                                           .kind_frauds_min = 20,
                                           .focal_gamma = 2,
                                           .positive_weight = 10,
                                           .valid_rows_max = 60000,
                                           .trunk_rate = 0.1,
                                           .only_head = -1 };
}

static void say(struct hec_trainer *trainer, const char *format, ...) HEC_PRINTF(2, 3);
static void say(struct hec_trainer *trainer, const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (trainer->report != NULL) {
        struct hec_train_progress progress = { .message = text, .monitor = NAN };
        (void)trainer->report(trainer->user, &progress);
    }
}

static enum hec_loss loss_of(const struct hec_head *head, const struct hec_train_options *options)
{
    return head->loss > 0 ? (enum hec_loss)(head->loss - 1) : options->loss;
}

static enum hec_status check(const struct hec_dataset *data,
                             const struct hec_train_options *options, struct hec_error *error)
{
    uint64_t rows = 0, labelled = 0;
    for (uint32_t row = 0; row < data->rows; row++) {
        for (int k = 0; k < data->heads_count; k++) {
            int8_t target = data->targets[(size_t)row * (size_t)data->heads_count + (size_t)k];
            if (target < HEC_TARGET_NOT_APPLICABLE || target > HEC_TARGET_POSITIVE) {
                return hec_fail(error, HEC_INVALID, "train: row %u has the target %d for head '%s'",
                                row, target, data->heads[k].name);
            }
            enum hec_head_kind kind = data->heads[k].kind;
            bool teaches = kind == HEC_HEAD_BINARY ? target >= 0 : target == HEC_TARGET_POSITIVE;
            labelled += data->split[row] == HEC_SPLIT_TRAIN && teaches && kind != HEC_HEAD_NOVELTY;
            bool sure = data->heard == NULL ||
                        data->heard[(size_t)row * (size_t)data->heads_count + (size_t)k] >= 1;
            if (!sure && loss_of(&data->heads[k], options) == HEC_LOSS_FOCAL) {
                return hec_fail(error, HEC_INVALID,
                                "train: head '%s': --delay-model needs a probability, which the "
                                "focal loss does not give; take bce or weighted",
                                data->heads[k].name);
            }
        }
        rows += data->split[row] == HEC_SPLIT_TRAIN;
    }
    if (rows == 0) {
        return hec_fail(error, HEC_INVALID,
                        "train: no row of the %u given lies in the training window; check "
                        "--train-from and --train-to",
                        data->rows);
    }
    if (labelled == 0) {
        return hec_fail(error, HEC_INVALID,
                        "train: none of %llu training rows is old enough to be judged; check "
                        "--known-at against the heads' label delay",
                        (unsigned long long)rows);
    }
    return HEC_OK;
}

/* Hidden heads are the last ones, not for novelty, and leave nothing behind in what the others
 * read. */
static enum hec_status check_hidden(const struct hec_dataset *data,
                                    const struct hec_train_options *options, int *shown,
                                    struct hec_error *error)
{
    enum hec_arch arch = options->network.arch;
    while (*shown < data->heads_count && !data->heads[*shown].hidden) {
        (*shown)++;
    }
    for (int k = *shown; k < data->heads_count; k++) {
        if (!data->heads[k].hidden || data->heads[k].kind == HEC_HEAD_NOVELTY) {
            return hec_fail(error, HEC_INVALID,
                            "train: head '%s': hidden heads are not for novelty and come last",
                            data->heads[k].name);
        }
        if (arch == HEC_ARCH_SINGLE || arch == HEC_ARCH_CGC || arch == HEC_ARCH_CROSS_STITCH) {
            return hec_fail(error, HEC_INVALID,
                            "train: head '%s' is hidden, but with --arch %s it has a trunk that "
                            "others read or nobody does; show it or take another arch",
                            data->heads[k].name, hec_arch_names[arch]);
        }
    }
    return HEC_OK;
}

/* Which columns z has, and what there is to learn for each. */
static void plan_logits(struct hec_trainer *trainer)
{
    const struct hec_dataset *data = trainer->data;
    trainer->novelty = -1;
    for (int k = 0; k < data->heads_count; k++) {
        if (data->heads[k].kind == HEC_HEAD_NOVELTY) {
            trainer->novelty = k;
            continue;
        }
        int z = trainer->logits++;
        trainer->head_of[z] = k;
        trainer->scale[z] = 1;
        trainer->loss_of[z] = loss_of(&data->heads[k], trainer->options);
        for (uint32_t row = 0; row < data->rows; row++) {
            int8_t target = data->targets[(size_t)row * (size_t)data->heads_count + (size_t)k];
            bool train = data->split[row] == HEC_SPLIT_TRAIN;
            trainer->positives[z] += train && target == HEC_TARGET_POSITIVE;
            trainer->negatives[z] += train && target == HEC_TARGET_NEGATIVE;
        }
        trainer->dead[z] = trainer->positives[z] == 0 || trainer->negatives[z] == 0;
        if (data->heads[k].kind == HEC_HEAD_REGRESSION) {
            hec_regression_plan(trainer, z);
        }
        int only = trainer->options->only_head;
        if (trainer->dead[z] && !trainer->refit && (only < 0 || only == k) &&
            !(trainer->options->mask_share > 0)) {
            say(trainer,
                "head '%s' has %llu positive and %llu negative training rows: it cannot learn and "
                "will give its prior",
                data->heads[k].name, (unsigned long long)trainer->positives[z],
                (unsigned long long)trainer->negatives[z]);
        }
    }
}

/* A head during training for each kind of fraud that is common enough. They pull the trunk apart
 * along what the crimes are; the file does not hold them. */
static void plan_kinds(struct hec_trainer *trainer)
{
    const struct hec_dataset *data = trainer->data;
    uint64_t frauds[256] = { 0 }, others = 0;
    int common = 0;
    /* A trunk of its own for a head that only training has would teach nobody. */
    enum hec_arch arch = trainer->options->network.arch;
    bool apart = arch == HEC_ARCH_SINGLE || arch == HEC_ARCH_CGC || arch == HEC_ARCH_CROSS_STITCH;
    if (data->fraud_kind == NULL || trainer->options->kind_weight <= 0 || apart) {
        return;
    }
    for (uint32_t row = 0; row < data->rows; row++) {
        bool train = data->split[row] == HEC_SPLIT_TRAIN;
        bool positive = train && hec_is_positive(data, row);
        frauds[data->fraud_kind[row]] += positive;
        others += train && !positive;
    }
    for (int kind = 1; kind < 256; kind++) {
        common += frauds[kind] >= (uint64_t)trainer->options->kind_frauds_min;
    }
    for (int kind = 1; common > 1 && kind < 256 && trainer->kinds < HEC_KINDS_MAX; kind++) {
        if (frauds[kind] >= (uint64_t)trainer->options->kind_frauds_min) {
            int z = trainer->logits++;
            trainer->kinds++;
            trainer->head_of[z] = -1;
            trainer->kind_of[z] = kind;
            trainer->scale[z] = trainer->options->kind_weight;
            trainer->loss_of[z] = trainer->options->loss;
            trainer->positives[z] = frauds[kind];
            trainer->negatives[z] = others;
            trainer->dead[z] = others == 0;
        }
    }
}

/* Positives are all kept, others thinned to valid_rows_max by a draw of their own. */
static enum hec_status plan_validation(struct hec_trainer *trainer)
{
    const struct hec_dataset *data = trainer->data;
    size_t count = 0;
    for (uint32_t row = 0; row < data->rows; row++) {
        count += data->split[row] == HEC_SPLIT_VALID;
    }
    trainer->valid = hec_take(data, (count + 1) * sizeof(uint32_t));
    trainer->valid_z = hec_take(data, (count + 1) * (size_t)trainer->logits * sizeof(float));
    trainer->one_score = hec_take(data, (count + 1) * sizeof(float));
    trainer->one_label = hec_take(data, count + 1);
    if (trainer->valid == NULL || trainer->valid_z == NULL || trainer->one_score == NULL ||
        trainer->one_label == NULL) {
        return HEC_NO_MEMORY;
    }
    struct hec_random random = hec_random_at(trainer->options->seed, HEC_STREAM_VALID);
    double share = (double)trainer->options->valid_rows_max / (double)(count + 1);
    for (uint32_t row = 0; row < data->rows; row++) {
        if (data->split[row] == HEC_SPLIT_VALID &&
            (hec_random_uniform(&random) < share || hec_is_positive(data, row))) {
            trainer->valid[trainer->valid_count++] = row;
        }
    }
    return HEC_OK;
}

struct picked {
    const struct hec_dataset *data;
    const uint32_t *pick;
    uint32_t *categories; /* of one part, not used */
};

static void give_rows(void *user, size_t first, int count, float *numerics)
{
    const struct picked *picked = user;
    hec_take_rows(picked->data, picked->pick + first, count, numerics, picked->categories);
}

static enum hec_status fit_scaler(struct hec_trainer *trainer)
{
    const struct hec_dataset *data = trainer->data;
    uint32_t *pick = hec_take(data, ((size_t)data->rows + 1) * sizeof(*pick));
    size_t picks = 0, unused = (size_t)data->columns.categories * HEC_SCALER_ROWS + 1;
    struct picked picked = { data, pick, malloc(unused * sizeof(uint32_t)) };
    if (pick == NULL || picked.categories == NULL) {
        hec_give(data, pick);
        free(picked.categories);
        return HEC_NO_MEMORY;
    }
    for (uint32_t row = 0; row < data->rows; row++) {
        if (data->split[row] == HEC_SPLIT_TRAIN) {
            pick[picks++] = row;
        }
    }
    enum hec_status status = hec_scaler_fit(&trainer->model->scaler, picks, give_rows, &picked);
    trainer->model->info.train_rows = picks;
    hec_give(data, pick);
    free(picked.categories);
    if (status == HEC_OK) {
        status = hec_warm_scaler(trainer);
    }
    return status == HEC_OK ? hec_model_shape(trainer->model) : status;
}

static enum hec_status allocate(struct hec_trainer *trainer)
{
    struct hec_shape shape = trainer->model->shape;
    size_t batch = (size_t)trainer->options->batch_rows, logits = (size_t)trainer->logits;
    shape.heads = trainer->logits;
    bool shares = trainer->options->anomaly_shares && trainer->novelty >= 0;
    if (hec_work_new(&trainer->work, &shape, trainer->options->batch_rows,
                     shares ? HEC_WORK_SHARING : HEC_WORK_TRAINING) != HEC_OK ||
        hec_tasks_new(&trainer->tasks, &trainer->work, trainer->kinds,
                      trainer->options->mtl_optimizer, trainer->options->seed) != HEC_OK) {
        return HEC_NO_MEMORY;
    }
    size_t bytes = (trainer->work.layout.numbers + 16) * sizeof(float) / 64 * 64;
    trainer->parameters = aligned_alloc(64, bytes);
    trainer->gradients = aligned_alloc(64, bytes);
    trainer->best = aligned_alloc(64, bytes);
    trainer->average = trainer->options->averaging > 0 ? aligned_alloc(64, bytes) : NULL;
    trainer->numerics = calloc(batch * (size_t)shape.numerics + 1, sizeof(float));
    trainer->whole = calloc(batch * (size_t)shape.numerics + 1, sizeof(float));
    trainer->categories = calloc(batch * (size_t)shape.categories + 1, sizeof(uint32_t));
    trainer->target = calloc(batch * logits, sizeof(int8_t));
    trainer->value = calloc(batch * logits, sizeof(float));
    trainer->weight = calloc(batch * logits, sizeof(float));
    trainer->heard = calloc(batch * logits, sizeof(float));
    trainer->ordinary = calloc(batch, 1);
    trainer->left_out = calloc((size_t)(shape.numerics + shape.categories) + 1, sizeof(bool));
    trainer->hidden = calloc(batch * (size_t)shape.numerics + 1, 1);
    trainer->mask = hec_random_at(trainer->options->seed, HEC_STREAM_MASK);
    if ((trainer->options->averaging > 0 && trainer->average == NULL) ||
        trainer->parameters == NULL || trainer->gradients == NULL || trainer->best == NULL ||
        trainer->numerics == NULL || trainer->whole == NULL || trainer->categories == NULL ||
        trainer->target == NULL || trainer->value == NULL || trainer->weight == NULL ||
        trainer->heard == NULL || trainer->ordinary == NULL || trainer->left_out == NULL ||
        trainer->hidden == NULL) {
        return HEC_NO_MEMORY;
    }
    memset(trainer->parameters, 0, bytes);
    memset(trainer->best, 0, bytes);
    enum hec_status status =
        hec_adam_new(&trainer->adam, &trainer->work.layout, (double)trainer->options->weight_decay,
                     (double)trainer->options->clip);
    trainer->adam.momentum_only = trainer->options->mtl_optimizer == HEC_MTL_MTSGD;
    return status;
}

static void begin_balance(struct hec_trainer *trainer)
{
    int heads = trainer->logits - trainer->kinds;
    double fixed[HEC_LOGITS_MAX];
    bool active[HEC_LOGITS_MAX];
    for (int z = 0; z < heads; z++) {
        fixed[z] = (double)trainer->data->heads[trainer->head_of[z]].loss_weight;
        active[z] = !trainer->dead[z];
    }
    hec_balance_begin(&trainer->balance, trainer->options->weighting, heads, trainer->positives,
                      fixed, active, trainer->options->seed);
}

static enum hec_status prepare(struct hec_trainer *trainer)
{
    enum hec_status status = hec_sample_new(&trainer->sample, trainer->data, trainer->options);
    if (status == HEC_OK) {
        plan_logits(trainer);
        plan_kinds(trainer);
        status = plan_validation(trainer);
    }
    if (status == HEC_OK) {
        status = fit_scaler(trainer);
    }
    if (status == HEC_OK) {
        status = allocate(trainer);
    }
    if (status == HEC_OK) {
        begin_balance(trainer);
        status = hec_trainer_initial(trainer);
    }
    if (status == HEC_OK) {
        status = hec_warm_begin(trainer);
    }
    return status;
}

static bool report_epoch(const struct hec_trainer *trainer, int epoch, bool best)
{
    if (trainer->report == NULL) {
        return true;
    }
    struct hec_train_progress progress = { .epoch = epoch,
                                           .epochs_max = trainer->options->epochs_max,
                                           .heads_count = trainer->data->heads_count,
                                           .heads = trainer->data->heads,
                                           .loss = trainer->loss,
                                           .valid_ap = trainer->valid_ap,
                                           .valid_loss = trainer->valid_loss,
                                           .monitor = trainer->monitor,
                                           .best = best,
                                           .refit = trainer->refit,
                                           .weight = trainer->weights,
                                           .gradient_norm = trainer->gradient_norm,
                                           .cosine = trainer->cosine,
                                           .conflict_share =
                                               hec_tasks_conflict_share(&trainer->tasks) };
    return trainer->report(trainer->user, &progress);
}

/* The best epoch's weights are in trainer->best afterwards; without validation, the last ones. */
static void run_epochs(struct hec_trainer *trainer)
{
    const struct hec_train_options *options = trainer->options;
    struct hec_random random = hec_random_at(options->seed, HEC_STREAM_SAMPLE);
    long an_epoch = ((long)trainer->sample.positives_count + (long)trainer->sample.drawn +
                     options->batch_rows - 1) /
                    options->batch_rows;
    long step = 0, steps_total = an_epoch * options->epochs_max;
    trainer->best_monitor = -INFINITY;

    for (int epoch = 1; epoch <= options->epochs_max; epoch++) {
        hec_sample_draw(&trainer->sample, &random);
        hec_trainer_epoch(trainer, &step, steps_total);
        hec_trainer_validate(trainer);

        bool better = isnan(trainer->monitor) || trainer->monitor > trainer->best_monitor;
        trainer->last_monitor[epoch % HEC_LEVEL_EPOCHS] = trainer->monitor;
        if (better) {
            trainer->best_monitor =
                isnan(trainer->monitor) ? trainer->best_monitor : trainer->monitor;
            trainer->best_epoch = epoch;
            memcpy(trainer->best, hec_trainer_judged(trainer),
                   sizeof(float) * trainer->work.layout.numbers);
        }
        hec_balance_epoch(&trainer->balance, trainer->head_loss, trainer->head_ap);
        if (!report_epoch(trainer, epoch, better)) {
            trainer->stopped = true;
            say(trainer,
                trainer->refit ? "stopped on request; the refit is given up"
                               : "stopped on request; epoch %d is kept",
                trainer->best_epoch);
            return;
        }
        if (epoch - trainer->best_epoch >= options->patience) {
            say(trainer, "no better validation for %d epochs; epoch %d is kept", options->patience,
                trainer->best_epoch);
            return;
        }
    }
}

static void release(struct hec_trainer *trainer)
{
    hec_model_free(trainer->model);
    hec_sample_free(&trainer->sample);
    hec_work_free(&trainer->work);
    hec_adam_free(&trainer->adam);
    hec_tasks_free(&trainer->tasks);
    free(trainer->parameters);
    free(trainer->gradients);
    free(trainer->best);
    free(trainer->average);
    free(trainer->numerics);
    free(trainer->whole);
    free(trainer->categories);
    free(trainer->target);
    free(trainer->value);
    free(trainer->weight);
    free(trainer->heard);
    free(trainer->ordinary);
    free(trainer->left_out);
    free(trainer->hidden);
    hec_give(trainer->data, trainer->valid);
    hec_give(trainer->data, trainer->valid_z);
    hec_give(trainer->data, trainer->one_score);
    hec_give(trainer->data, trainer->one_label);
}

static enum hec_status name_model(struct hec_trainer *trainer)
{
    struct hec_model_info *info = &trainer->model->info;
    const struct hec_train_facts *facts = &trainer->options->facts;
    char *architecture = hec_manifest_architecture(&trainer->model->shape);
    if (architecture == NULL) {
        return HEC_NO_MEMORY;
    }
    info->name = hec_model_keep(trainer->model, facts->name == NULL ? "hecate" : facts->name);
    info->version = hec_model_keep(trainer->model, facts->version == NULL ? "1" : facts->version);
    info->architecture = hec_model_keep(trainer->model, architecture);
    info->threshold_rule = hec_model_keep(
        trainer->model, "as many alerts as frauds, 1 in 10 000 to 1 in 100; novelty 1 in 1 000");
    info->seed = trainer->options->seed;
    info->train_from_ms = facts->train_from_ms;
    info->train_to_ms = facts->train_to_ms;
    info->known_at_ms = facts->known_at_ms;
    free(architecture);
    return info->name != NULL && info->version != NULL && info->architecture != NULL &&
                   info->threshold_rule != NULL
               ? HEC_OK
               : HEC_NO_MEMORY;
}

/* From rows to a model that could be written. */
static enum hec_status learn(struct hec_trainer *trainer, struct hec_error *error)
{
    const struct hec_dataset *data = trainer->data;
    int shown = 0;
    enum hec_status status = check_hidden(data, trainer->options, &shown, error);
    if (status == HEC_OK) {
        status = hec_model_make(&trainer->model, &data->columns, data->heads, shown, error);
    }
    if (status == HEC_OK) {
        status = hec_network_check(&trainer->options->network, error);
    }
    if (status == HEC_OK) {
        hec_shape_network(&trainer->model->shape, &trainer->options->network);
        hec_warm_shape(trainer);
        status = check(data, trainer->options, error);
    }
    if (status == HEC_OK) {
        status = hec_regression_check(data, error);
    }
    if (status == HEC_OK) {
        status = hec_warm_check(trainer, error);
    }
    if (status == HEC_OK) {
        status = prepare(trainer);
    }
    if (status == HEC_OK) {
        status = name_model(trainer);
    }
    if (status == HEC_OK) {
        run_epochs(trainer);
        status = hec_trainer_finish(trainer);
    }
    return status;
}

#define LEVEL 0.03 /* what the last epochs may lie below the best one, of its own size */

/* Whether more epochs did no harm; a few of the last are asked, since one alone is noise. */
static bool levelled_off(const struct hec_trainer *trainer)
{
    double last = 0;
    for (int i = 0; i < HEC_LEVEL_EPOCHS; i++) {
        last += trainer->last_monitor[i] / HEC_LEVEL_EPOCHS;
    }
    return trainer->best_monitor - last <= LEVEL * fabs(trainer->best_monitor);
}

/* An epoch that too few frauds chose is chance, and sets no schedule. */
static bool refits(const struct hec_trainer *trainer)
{
    enum hec_refit refit = trainer->options->refit;
    return trainer->valid_count > 0 && !trainer->stopped &&
           (refit == HEC_REFIT_WHOLE ||
            (refit == HEC_REFIT_AUTO && trainer->options->epochs_max >= 2 * HEC_LEVEL_EPOCHS &&
             isfinite(trainer->best_monitor) && (trainer->judges || levelled_off(trainer))));
}

/* Once more, with the rows that chose the epoch. Where validation fell after it, the schedule is as
 * long as validation rose: the rate comes to rest there, instead of being cut off high in a cosine
 * that was drawn for more. The thresholds stay: they were found on rows that the weights had not
 * seen, and scores mean the same as before. */
static enum hec_status learn_again(struct hec_trainer *trainer, struct hec_error *error)
{
    const struct hec_dataset *data = trainer->data;
    struct hec_dataset whole = *data;
    struct hec_train_options options = *trainer->options;
    struct hec_trainer second = { .data = &whole,
                                  .options = &options,
                                  .report = trainer->report,
                                  .user = trainer->user,
                                  .refit = true };
    if (options.refit == HEC_REFIT_AUTO && !levelled_off(trainer)) {
        options.epochs_max = trainer->best_epoch;
    }
    say(trainer, "all is learned once more with the validation rows among the others");
    uint8_t *split = hec_take(data, (size_t)data->rows + 1);
    if (split == NULL) {
        return HEC_NO_MEMORY;
    }
    for (uint32_t row = 0; row < data->rows; row++) {
        split[row] = data->split[row] == HEC_SPLIT_VALID ? HEC_SPLIT_TRAIN : data->split[row];
    }
    whole.split = split;
    enum hec_status status = learn(&second, error);
    if (status == HEC_OK && !second.stopped) {
        struct hec_model *model = second.model;
        for (int k = 0; k < model->info.heads_count; k++) {
            bool judged = trainer->model->trained[k];
            model->thresholds[k] = judged ? trainer->model->thresholds[k] : model->thresholds[k];
        }
        second.model = trainer->model;
        trainer->model = model;
    }
    release(&second);
    hec_give(data, split);
    return status;
}

enum hec_status hec_train(void **bytes, size_t *size, const struct hec_dataset *dataset,
                          const struct hec_train_options *options, hec_train_report *report,
                          void *user, struct hec_error *error)
{
    struct hec_dataset data = *dataset;
    struct hec_train_options planned = *options;
    struct hec_trainer trainer = {
        .data = &data, .options = &planned, .report = report, .user = user
    };
    int8_t *targets;
    assert(options->batch_rows > 0 && options->epochs_max > 0);
    assert(options->dropout >= 0 && options->dropout < 1);
    assert(options->feature_dropout >= 0 && options->feature_dropout < 1);

    hec_gemm_setup();
    enum hec_status status = hec_warm_plan(&planned, &data, &targets);
    if (status == HEC_OK) {
        status = learn(&trainer, error);
    }
    if (status == HEC_OK && refits(&trainer)) {
        status = learn_again(&trainer, error);
    }
    if (status == HEC_OK) {
        status = hec_model_write(trainer.model, bytes, size);
    }
    release(&trainer);
    free(targets);
    return status == HEC_NO_MEMORY ? hec_fail(error, status, "train: no memory") : status;
}
