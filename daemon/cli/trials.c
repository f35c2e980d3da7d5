#include "cli/trials.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <yyjson.h>

#include "cli/truth.h"
#include "cli/workers.h"
#include "file/when.h"

static double thread_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- reading ---- */

static enum hec_status on_batch(void *user, const struct hec_batch *batch,
                                const struct hec_line *lines, struct hec_error *error)
{
    struct hec_trials *trials = user;
    (void)lines;
    return hec_rows_take(&trials->rows, batch, trials->from_ms, trials->to_ms, error);
}

static enum hec_status read_truth(struct hec_trials *trials, const struct hec_arguments *arguments,
                                  struct hec_error *error)
{
    const struct hec_labelled log = hec_rows_labelled(&trials->rows);
    const char *path = hec_text_or(arguments, "truth", NULL);
    size_t omit_count = 0;
    const char *const *omit = hec_texts_of(arguments, "truth-omit", &omit_count);
    trials->truth = malloc(((size_t)log.rows + 1) * (size_t)trials->heads_count);
    if (trials->truth == NULL) {
        return hec_fail(error, HEC_NO_MEMORY, "memory is exhausted");
    }
    if (path != NULL) {
        return hec_truth_read(&trials->rows, path, omit, omit_count, trials->heads,
                              trials->heads_count, trials->truth, error);
    }
    return hec_fold_targets(&log, trials->heads, trials->heads_count, trials->rows.last_ms,
                            trials->truth, NULL) == HEC_OK
               ? HEC_OK
               : hec_fail(error, HEC_NO_MEMORY, "memory is exhausted");
}

static enum hec_status lay_fold(struct hec_trials *trials, struct hec_fold_rows *rows,
                                const struct hec_arguments *arguments, struct hec_error *error)
{
    const struct hec_labelled log = hec_rows_labelled(&trials->rows);
    size_t room = (size_t)log.rows + 1;
    rows->targets = malloc(room * (size_t)trials->heads_count);
    rows->split = malloc(room);
    rows->code = malloc(room);
    rows->test = malloc(room);
    rows->pick = malloc(room * sizeof(*rows->pick));
    if (rows->targets == NULL || rows->split == NULL || rows->code == NULL || rows->test == NULL ||
        rows->pick == NULL ||
        hec_fold_targets(&log, trials->heads, trials->heads_count, rows->fold.known_at_ms,
                         rows->targets, rows->code) != HEC_OK) {
        return hec_fail(error, HEC_NO_MEMORY, "memory is exhausted");
    }
    hec_fold_split(&log, &rows->fold, rows->split, rows->test);
    for (uint32_t row = 0; row < log.rows; row++) {
        if (rows->test[row]) {
            rows->pick[rows->picks++] = row;
        }
    }
    for (int k = 0; k < trials->heads_count; k++) {
        rows->mask[k] = malloc(room);
        if (rows->mask[k] == NULL) {
            return hec_fail(error, HEC_NO_MEMORY, "memory is exhausted");
        }
        memcpy(rows->mask[k], rows->test, log.rows);
        enum hec_status status =
            hec_mask_types(arguments, &trials->rows, &trials->heads[k], rows->mask[k], error);
        if (status != HEC_OK) {
            return status;
        }
        /* By user the rows of one moment train and test; nothing is known of a test user. */
        if (rows->fold.parts == 0 && !hec_given(arguments, "keep-known") &&
            hec_fold_drop_known(&log, &rows->fold, &trials->heads[k], rows->mask[k]) != HEC_OK) {
            return hec_fail(error, HEC_NO_MEMORY, "memory is exhausted");
        }
    }
    return HEC_OK;
}

int hec_trials_read(struct hec_trials *trials, const struct hec_arguments *arguments)
{
    struct hec_fold folds[HEC_FOLDS_MAX];
    struct hec_error error = { 0 };
    *trials = (struct hec_trials){ .folds_count = 0 };
    int status = hec_training_heads(trials->heads, &trials->heads_count, arguments);
    if (status == HEC_EXIT_OK) {
        status = hec_folds_of(folds, &trials->folds_count, arguments, trials->heads,
                              trials->heads_count);
    }
    if (status == HEC_EXIT_OK) {
        status = hec_luggage_features(&trials->luggage, arguments);
    }
    if (status != HEC_EXIT_OK) {
        trials->folds_count = 0;
        return status;
    }
    trials->from_ms = folds[0].train_from_ms;
    for (int i = 0; i < trials->folds_count; i++) {
        trials->folds[i].fold = folds[i];
        trials->to_ms = folds[i].test_to_ms > trials->to_ms ? folds[i].test_to_ms : trials->to_ms;
    }
    trials->seeds = (int)hec_integer_or(arguments, "seeds", 1);
    hec_judge_options_of(&trials->judging, arguments);
    hec_rows_begin(&trials->rows, hec_plan_numerics(trials->luggage.plan),
                   hec_plan_categories(trials->luggage.plan));
    status = hec_journey(arguments, &trials->luggage, "reading", on_batch, trials, NULL, 0);
    if (status != HEC_EXIT_OK) {
        return status;
    }
    enum hec_status read = read_truth(trials, arguments, &error);
    for (int i = 0; i < trials->folds_count && read == HEC_OK; i++) {
        read = lay_fold(trials, &trials->folds[i], arguments, &error);
        if (read == HEC_OK && trials->folds[i].picks == 0) {
            read = hec_fail(&error, HEC_INVALID,
                            "fold %d has no test row: the log ends before its test begins, or "
                            "--train-from is not in it",
                            i + 1);
        }
    }
    return read == HEC_OK ? HEC_EXIT_OK : hec_cli_fail(arguments, &error);
}

void hec_trials_free(struct hec_trials *trials)
{
    int count = trials->arms_count * trials->folds_count * trials->seeds;
    for (int i = 0; i < count && trials->trials != NULL; i++) {
        free(trials->trials[i].score);
        free(trials->trials[i].bytes);
    }
    for (int i = 0; i < trials->folds_count; i++) {
        struct hec_fold_rows *rows = &trials->folds[i];
        free(rows->targets);
        free(rows->split);
        free(rows->code);
        free(rows->test);
        free(rows->pick);
        for (int k = 0; k < HEC_HEADS_MAX; k++) {
            free(rows->mask[k]);
        }
    }
    free(trials->trials);
    free(trials->arms);
    free(trials->truth);
    hec_rows_free(&trials->rows);
    hec_luggage_free(&trials->luggage);
    *trials = (struct hec_trials){ 0 };
}

void hec_arm_of(struct hec_arm *arm, const struct hec_trials *trials, const char *name,
                const struct hec_arguments *arguments)
{
    *arm = (struct hec_arm){ .learned = ~UINT32_C(0), .late = hec_given(arguments, "delay-model") };
    snprintf(arm->name, sizeof(arm->name), "%s", name);
    hec_training_options(&arm->options, arguments);
    memcpy(arm->heads, trials->heads, sizeof(arm->heads));
}

/* ---- one trial ---- */

struct hec_trial *hec_trial_at(const struct hec_trials *trials, int arm, int fold, int seed)
{
    return &trials->trials[(arm * trials->folds_count + fold) * trials->seeds + seed];
}

struct hec_scores hec_trials_scores(const struct hec_trials *trials, int fold, const float *score,
                                    const float *thresholds)
{
    const struct hec_fold_rows *rows = &trials->folds[fold];
    struct hec_scores scores = { .rows = &trials->rows,
                                 .count = rows->picks,
                                 .pick = rows->pick,
                                 .score = score,
                                 .stride = trials->heads_count,
                                 .targets = trials->truth,
                                 .heads_count = trials->heads_count,
                                 .heads = trials->heads,
                                 .thresholds = thresholds };
    for (int k = 0; k < trials->heads_count; k++) {
        scores.mask[k] = rows->mask[k];
    }
    return scores;
}

static void add_cosines(struct hec_trial *trial, const struct hec_train_progress *told)
{
    for (int i = 0; i < told->heads_count; i++) {
        for (int j = 0; j < told->heads_count; j++) {
            double cosine = told->cosine[i * told->heads_count + j];
            trial->cosine[i][j] += isnan(cosine) ? 0 : cosine;
            trial->cosines[i][j] += !isnan(cosine);
        }
    }
    trial->conflict_share += isnan(told->conflict_share) ? 0 : told->conflict_share;
}

static bool on_epoch(void *user, const struct hec_train_progress *told)
{
    struct hec_trial *trial = user;
    if (told->message == NULL && !told->refit) {
        trial->epochs = told->epoch;
        add_cosines(trial, told);
        if (told->best || trial->best_epoch == 0) {
            trial->best_epoch = told->epoch;
            for (int k = 0; k < told->heads_count; k++) {
                trial->valid_ap[k] = told->valid_ap[k];
            }
        }
    }
    return true;
}

static enum hec_status score_rows(const struct hec_trials *trials, struct hec_trial *trial,
                                  const struct hec_model *model)
{
    const struct hec_fold_rows *fold = &trials->folds[trial->fold];
    size_t n = ((size_t)fold->picks + 1) * (size_t)trials->heads_count;
    trial->score = malloc(n * sizeof(float));
    for (size_t i = 0; i < n && trial->score != NULL; i++) {
        trial->score[i] = NAN; /* a hidden head is not in the model */
    }
    return trial->score == NULL ? HEC_NO_MEMORY
                                : hec_score_rows(trial->score, trials->heads_count, model,
                                                 &trials->rows, fold->pick, fold->picks);
}

/* The targets without the heads that the arm does not learn. NULL without memory. */
static int8_t *targets_for(const struct hec_trials *trials, const struct hec_arm *arm,
                           const struct hec_fold_rows *fold)
{
    size_t heads = (size_t)trials->heads_count, rows = trials->rows.count;
    int8_t *targets = malloc(rows * heads + 1);
    for (size_t i = 0; i < rows * heads && targets != NULL; i++) {
        bool hidden = !((arm->learned >> (i % heads)) & 1) && fold->targets[i] >= 0;
        targets[i] = hidden ? HEC_TARGET_UNKNOWN : fold->targets[i];
    }
    return targets;
}

static enum hec_status try(const struct hec_trials *trials, struct hec_trial *trial,
                           const int8_t *targets)
{
    const struct hec_arm *arm = &trials->arms[trial->arm];
    const struct hec_fold_rows *fold = &trials->folds[trial->fold];
    struct hec_train_options options = arm->options;
    struct hec_training_set set = { .rows = &trials->rows,
                                    .plan = trials->luggage.plan,
                                    .heads = arm->heads,
                                    .heads_count = trials->heads_count,
                                    .targets = targets,
                                    .split = fold->split,
                                    .code = fold->code,
                                    .late = arm->late ? &fold->fold : NULL };
    struct hec_judge_options judging = trials->judging;
    struct hec_model *model = NULL;
    options.seed = trial->seed;
    options.facts = (struct hec_train_facts){ .train_from_ms = fold->fold.train_from_ms,
                                              .train_to_ms = fold->fold.train_to_ms,
                                              .known_at_ms = fold->fold.known_at_ms };
    double begun_s = thread_s();
    enum hec_status status = hec_training_run(&trial->bytes, &trial->size, &set, &options, on_epoch,
                                              trial, &trial->error);
    trial->train_s = thread_s() - begun_s;
    if (status == HEC_OK) {
        status = hec_model_load(&model, trial->bytes, trial->size, NULL, &trial->error);
    }
    if (status == HEC_OK) {
        const struct hec_model_info *info = hec_model_info(model);
        trial->parameters = info->parameters;
        trial->flops_per_row = info->flops_per_row;
        memcpy(trial->thresholds, info->thresholds, sizeof(float) * (size_t)info->heads_count);
        status = score_rows(trials, trial, model);
    }
    if (status == HEC_OK) {
        hec_sha256(trial->bytes, trial->size, trial->model_sha256);
        hec_sha256(trial->score, sizeof(float) * (size_t)fold->picks * (size_t)trials->heads_count,
                   trial->scores_sha256);
        struct hec_scores scores =
            hec_trials_scores(trials, trial->fold, trial->score, trial->thresholds);
        judging.samples = 0;
        status = hec_evaluate(&trial->evaluation, &scores, &judging);
    }
    hec_model_free(model);
    return status;
}

static void run_one(void *user, int number)
{
    const struct hec_trials *trials = user;
    struct hec_trial *trial = &trials->trials[number];
    const struct hec_arm *arm = &trials->arms[trial->arm];
    char line[256];
    int8_t *targets = targets_for(trials, arm, &trials->folds[trial->fold]);
    enum hec_status status = targets == NULL ? HEC_NO_MEMORY : try(trials, trial, targets);
    free(targets);
    if (status != HEC_OK && trial->error.status == HEC_OK) {
        hec_fail(&trial->error, status, "memory is exhausted");
    }
    if (status != HEC_OK || trial->fold != 0 || number % trials->seeds != 0) {
        free(trial->bytes);
        trial->bytes = NULL;
    }
    int used = snprintf(line, sizeof(line), "%s%sfold %d of %d, seed %llu: %.1f s", arm->name,
                        arm->name[0] == '\0' ? "" : ", ", trial->fold + 1, trials->folds_count,
                        (unsigned long long)trial->seed, trial->train_s);
    for (int k = 0; k < trials->heads_count && status == HEC_OK; k++) {
        double ap = trial->evaluation.told[k].value[HEC_METRIC_AP];
        if (!isnan(ap) && used < (int)sizeof(line) - 1) {
            used += snprintf(line + used, sizeof(line) - (size_t)used, ", %s AP %.3f",
                             trials->heads[k].name, ap);
        }
    }
    fprintf(stderr, "%s\n", line);
}

/* ---- all of them ---- */

static int by_number(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Microseconds a row at batch 64: the median of five looks at up to 20 000 test rows, alone. */
static double measure_row_us(struct hec_trials *trials, const struct hec_trial *first)
{
    struct hec_model *model = NULL;
    struct hec_error error;
    double us[5];
    if (hec_model_load(&model, first->bytes, first->size, NULL, &error) != HEC_OK) {
        return NAN;
    }
    struct hec_fold_rows *fold = &trials->folds[0];
    uint32_t picks = fold->picks;
    fold->picks = picks < 20000 ? picks : 20000;
    for (int i = 0; i < 5; i++) {
        struct hec_trial again = { .arm = first->arm };
        double begun_s = thread_s();
        us[i] = score_rows(trials, &again, model) == HEC_OK
                    ? (thread_s() - begun_s) * 1e6 / fold->picks
                    : NAN;
        free(again.score);
    }
    fold->picks = picks;
    hec_model_free(model);
    qsort(us, 5, sizeof(*us), by_number);
    return us[2];
}

int hec_trials_run(struct hec_trials *trials, const struct hec_arguments *arguments)
{
    int count = trials->arms_count * trials->folds_count * trials->seeds;
    int workers = (int)hec_integer_or(arguments, "workers", hec_workers_default());
    struct hec_error error = { 0 };
    for (int a = 0; a < trials->arms_count; a++) {
        if (trials->arms[a].late && trials->folds[0].fold.parts > 0) {
            return hec_cli_misused(arguments, "--delay-model is for folds by time: --kfold-by user "
                                              "judges rows of the window that it trains on");
        }
    }
    trials->trials = calloc((size_t)count, sizeof(*trials->trials));
    if (trials->trials == NULL) {
        hec_fail(&error, HEC_NO_MEMORY, "memory is exhausted");
        return hec_cli_fail(arguments, &error);
    }
    for (int i = 0; i < count; i++) {
        struct hec_trial *trial = &trials->trials[i];
        trial->fold = i / trials->seeds % trials->folds_count;
        trial->arm = i / trials->seeds / trials->folds_count;
        trial->seed = trials->arms[trial->arm].options.seed + (uint64_t)(i % trials->seeds);
    }
    hec_workers_run(workers, count, run_one, trials);
    for (int i = 0; i < count; i++) {
        if (trials->trials[i].error.status != HEC_OK) {
            hec_fail(&error, trials->trials[i].error.status, "fold %d: %.400s",
                     trials->trials[i].fold + 1, trials->trials[i].error.text);
            return hec_cli_fail(arguments, &error);
        }
    }
    for (int a = 0; a < trials->arms_count; a++) {
        trials->row_us[a] = measure_row_us(trials, hec_trial_at(trials, a, 0, 0));
    }
    return HEC_EXIT_OK;
}

void hec_trials_digests(yyjson_mut_doc *doc, yyjson_mut_val *object,
                        const struct hec_trials *trials, int arm)
{
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, object, "trainings");
    for (int f = 0; f < trials->folds_count; f++) {
        for (int s = 0; s < trials->seeds; s++) {
            const struct hec_trial *trial = hec_trial_at(trials, arm, f, s);
            yyjson_mut_val *one = yyjson_mut_arr_add_obj(doc, list);
            yyjson_mut_obj_add_int(doc, one, "fold", f + 1);
            yyjson_mut_obj_add_uint(doc, one, "seed", trial->seed);
            yyjson_mut_obj_add_strcpy(doc, one, "model_sha256", trial->model_sha256);
            yyjson_mut_obj_add_strcpy(doc, one, "scores_sha256", trial->scores_sha256);
        }
    }
}

struct hec_spread hec_trials_spread(const struct hec_trials *trials, int arm, int head,
                                    enum hec_metric metric)
{
    struct hec_spread spread = { .mean = NAN, .fold_sd = NAN, .seed_sd = NAN };
    double sum = 0, squares = 0, seed_sd = 0;
    for (int f = 0; f < trials->folds_count; f++) {
        double own = 0, own_squares = 0;
        for (int s = 0; s < trials->seeds; s++) {
            double value = hec_trial_at(trials, arm, f, s)->evaluation.told[head].value[metric];
            own += value / trials->seeds;
            own_squares += value * value / trials->seeds;
        }
        if (!isnan(own)) {
            spread.folds++;
            sum += own;
            squares += own * own;
            seed_sd += sqrt(fmax(0, own_squares - own * own));
        }
    }
    if (spread.folds > 0) {
        spread.mean = sum / spread.folds;
        spread.fold_sd = sqrt(fmax(0, squares / spread.folds - spread.mean * spread.mean));
        spread.seed_sd = trials->seeds > 1 ? seed_sd / spread.folds : NAN;
    }
    return spread;
}

enum hec_status hec_trials_averaged(const struct hec_trials *trials, int arm, int fold,
                                    struct hec_evaluation *evaluation)
{
    size_t n = (size_t)trials->folds[fold].picks * (size_t)trials->heads_count;
    float *score = calloc(n + 1, sizeof(*score)), thresholds[HEC_HEADS_MAX] = { 0 };
    if (score == NULL) {
        return HEC_NO_MEMORY;
    }
    for (int s = 0; s < trials->seeds; s++) {
        const struct hec_trial *trial = hec_trial_at(trials, arm, fold, s);
        for (size_t i = 0; i < n; i++) {
            score[i] += trial->score[i] / (float)trials->seeds;
        }
        for (int k = 0; k < trials->heads_count; k++) {
            thresholds[k] += trial->thresholds[k] / (float)trials->seeds;
        }
    }
    struct hec_scores scores = hec_trials_scores(trials, fold, score, thresholds);
    enum hec_status status = hec_evaluate(evaluation, &scores, &trials->judging);
    free(score);
    return status;
}
