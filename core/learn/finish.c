/*
 * After the weights: everything of a model that is counted, not descended to.
 *
 * All of it is counted on the training rows, apart from the thresholds and the reference of the
 * scores, which come from the validation rows where there are any: a model's own training rows
 * flatter it.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "learn/trainer.h"
#include "learn/warm.h"
#include "model/gemm.h"

/* Fewer validation rows say less of the scores than training rows do. */
#define REFERENCE_ROWS_MIN 2000
#define BASELINE_ROWS_MAX 50000
#define NOVELTY_ROWS_MAX 100000
#define KNOT_ROWS_MIN 10 /* a knot of the tail rests on at least so many rows */
#define ALERT_SHARE_MIN 1e-4
#define ALERT_SHARE_MAX 1e-2
#define NOVELTY_SHARE 1e-3
#define CHUNK 64

/* The kept weights, without the heads that only training has. Heads come first in each tensor. */
static void copy_weights(struct hec_trainer *trainer)
{
    struct hec_model *model = trainer->model;
    for (int t = 0; t < HEC_TENSORS; t++) {
        const struct hec_tensor_place *to = &model->layout.place[t];
        const struct hec_tensor_place *from = &trainer->work.layout.place[t];
        memcpy(model->parameters + to->offset, trainer->best + from->offset,
               sizeof(float) * (size_t)to->rows * (size_t)to->cols);
    }
}

/* The exact shift; a head that could not learn becomes a constant, its prior. */
static void set_shifts(struct hec_trainer *trainer)
{
    struct hec_model *model = trainer->model;
    const struct hec_tensor_place *weight = &model->layout.place[HEC_T_HEADS_1_WEIGHT];
    float *bias = model->parameters + model->layout.place[HEC_T_HEADS_1_BIAS].offset;
    for (int z = 0; z < model->shape.heads; z++) {
        int head = trainer->head_of[z];
        model->shifts[head] = hec_trainer_shift(trainer, z);
        model->trained[head] = !trainer->dead[z];
        if (trainer->dead[z]) {
            size_t towers = (size_t)weight->cols;
            memset(model->parameters + weight->offset + (size_t)z * towers, 0,
                   sizeof(float) * towers);
            bias[z] = (float)log(((double)trainer->positives[z] + 0.5) /
                                 ((double)trainer->negatives[z] + 0.5));
            model->shifts[head] = 0;
        }
        if (trainer->regresses[z]) {
            bias[z] = trainer->dead[z] ? 0 : bias[z];
            model->shifts[head] = (float)trainer->mean[z];
            model->spreads[head] = (float)trainer->spread[z];
        }
    }
    if (trainer->novelty >= 0) {
        model->trained[trainer->novelty] = true;
    }
}

/* Up to most rows of one split for which wanted holds, evenly drawn, in their order. */
static uint32_t pick_rows(const struct hec_trainer *trainer, uint32_t *pick, uint32_t most,
                          enum hec_split split, int head, int8_t least)
{
    const struct hec_dataset *data = trainer->data;
    struct hec_random random = hec_random_at(trainer->options->seed, HEC_STREAM_FINISH);
    uint64_t there = 0, taken = 0;
    for (int round = 0; round < 2; round++) {
        uint64_t left = there;
        for (uint32_t row = 0; row < data->rows; row++) {
            size_t at = (size_t)row * (size_t)data->heads_count + (size_t)(head < 0 ? 0 : head);
            bool young = data->heard != NULL && head >= 0 && data->heard[at] < 1;
            if (data->split[row] != split || (head >= 0 && (young || data->targets[at] < least))) {
                continue;
            }
            if (round == 0) {
                there++;
            } else if (taken < most && hec_random_below(&random, left--) < most - taken) {
                pick[taken++] = row;
            }
        }
    }
    return (uint32_t)taken;
}

static int by_float(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* NaN when most are missing; else the lower middle of those that are there. */
static float median_of(const float *numerics, int stride, uint32_t picks, float *scratch)
{
    uint32_t there = 0;
    for (uint32_t i = 0; i < picks; i++) {
        float x = numerics[(size_t)i * (size_t)stride];
        if (isfinite(x)) {
            scratch[there++] = x;
        }
    }
    if (2 * (uint64_t)there < picks || there == 0) {
        return NAN;
    }
    qsort(scratch, there, sizeof(*scratch), by_float);
    return scratch[(there - 1) / 2];
}

static uint32_t mode_of(const uint32_t *categories, int stride, uint32_t picks, uint32_t *scratch)
{
    for (uint32_t i = 0; i < picks; i++) {
        scratch[i] = categories[(size_t)i * (size_t)stride];
    }
    qsort(scratch, picks, sizeof(*scratch), by_number);
    uint32_t mode = 0, longest = 0;
    for (uint32_t first = 0, end; first < picks; first = end) {
        for (end = first; end < picks && scratch[end] == scratch[first]; end++) {
        }
        if (end - first > longest) {
            longest = end - first;
            mode = scratch[first];
        }
    }
    return mode;
}

static enum hec_status set_baseline(struct hec_trainer *trainer)
{
    const struct hec_dataset *data = trainer->data;
    struct hec_model *model = trainer->model;
    size_t n = (size_t)data->columns.numerics, c = (size_t)data->columns.categories;
    uint32_t *pick = malloc(BASELINE_ROWS_MAX * sizeof(*pick));
    void *scratch = malloc(BASELINE_ROWS_MAX * sizeof(uint32_t));
    uint32_t picks = pick == NULL ? 0
                                  : pick_rows(trainer, pick, BASELINE_ROWS_MAX, HEC_SPLIT_TRAIN, -1,
                                              HEC_TARGET_NOT_APPLICABLE);
    float *numerics = malloc(((size_t)picks * n + 1) * sizeof(*numerics));
    uint32_t *categories = malloc(((size_t)picks * c + 1) * sizeof(*categories));
    bool done = scratch != NULL && numerics != NULL && categories != NULL && picks > 0;
    if (done) {
        hec_take_rows(data, pick, (int)picks, numerics, categories);
    }
    /* The golden row is a real one, so that it goes through every part. */
    for (size_t j = 0; j < n && done; j++) {
        model->baseline[j] = median_of(numerics + j, (int)n, picks, scratch);
        model->golden[j] = isfinite(numerics[j]) ? numerics[j] : 0;
    }
    for (size_t k = 0; k < c && done; k++) {
        model->baseline_categories[k] = mode_of(categories + k, (int)c, picks, scratch);
        model->golden_categories[k] = categories[k];
    }
    done = done && hec_reference_columns(&model->reference, numerics, categories, picks) == HEC_OK;
    free(numerics);
    free(categories);
    free(pick);
    free(scratch);
    return done ? HEC_OK : HEC_NO_MEMORY;
}

/* Rows of the dataset through the finished model, a few at a time: the head's logit or error. */
static void through(struct hec_trainer *trainer, struct hec_predictor *predictor,
                    const uint32_t *pick, uint32_t picks, int head, float *out)
{
    const struct hec_model *model = trainer->model;
    int logits = model->shape.heads, z = model->logit_of[head];
    uint32_t chunk =
        trainer->options->batch_rows < CHUNK ? (uint32_t)trainer->options->batch_rows : CHUNK;
    for (uint32_t first = 0; first < picks; first += chunk) {
        int count = (int)(picks - first < chunk ? picks - first : chunk);
        const struct hec_work *work = &predictor->work;
        hec_trainer_gather(trainer, pick + first, count);
        hec_predictor_forward(predictor, trainer->numerics, trainer->categories, count);
        if (z < 0) {
            hec_predictor_novelty(predictor, count);
        }
        for (int i = 0; i < count; i++) {
            out[first + (uint32_t)i] =
                z >= 0 ? work->z[i * logits + z] : hec_predictor_error(predictor, i);
        }
    }
}

/* Knots at round shares of the rows, as far into the tail as rows carry them. */
static void set_tail(struct hec_tail *tail, float *errors, uint32_t count)
{
    static const double shares[] = { 1,    0.8,   0.6,   0.4,   0.2,    0.1,    0.05,  0.02,
                                     0.01, 0.005, 0.002, 0.001, 0.0005, 0.0002, 0.0001 };
    qsort(errors, count, sizeof(*errors), by_float);
    tail->count = 0;
    for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
        double above = shares[i] * count;
        if (count == 0 || (i > 0 && above < KNOT_ROWS_MIN)) {
            break;
        }
        uint32_t at = count - (uint32_t)ceil(above);
        bool further = tail->count == 0 || errors[at] > tail->error[tail->count - 1] * 1.0001f;
        if (further) {
            tail->error[tail->count] = errors[at];
            tail->log_tail[tail->count++] = (float)log(shares[i]);
        }
    }
    if (tail->count < 2) { /* too few rows to know a tail: one that falls by e each 0.5 */
        float start = tail->count == 1 ? tail->error[0] : 0;
        *tail = (struct hec_tail){ 2, { start, start + 0.5f }, { 0, -1 } };
    }
}

/* How the decoder's residuals of ordinary rows move, alone and together. */
static enum hec_status set_residual(struct hec_trainer *trainer, struct hec_predictor *predictor,
                                    const uint32_t *pick, uint32_t picks)
{
    const struct hec_work *work = &predictor->work;
    int n = trainer->model->shape.numerics;
    size_t size = (size_t)n, batch = (size_t)trainer->options->batch_rows;
    uint32_t chunk = (uint32_t)(batch < CHUNK ? batch : CHUNK);
    double *sum = calloc(size * size + size + 1, sizeof(*sum)), *squares = sum + size;
    float *part = calloc(size * size + 1, sizeof(*part));
    for (uint32_t first = 0; first < picks && sum != NULL && part != NULL; first += chunk) {
        int count = (int)(picks - first < chunk ? picks - first : chunk);
        hec_trainer_gather(trainer, pick + first, count);
        hec_predictor_forward(predictor, trainer->numerics, trainer->categories, count);
        hec_residual_of(predictor->apart, work->y, work->input, work->inputs, count, n);
        memset(part, 0, size * size * sizeof(*part));
        hec_gemm_tn_f32(part, predictor->apart, predictor->apart, n, n, count);
        for (size_t i = 0; i < size * size; i++) {
            squares[i] += (double)part[i];
        }
        for (int i = 0; i < count * n; i++) {
            sum[i % n] += (double)predictor->apart[i];
        }
    }
    enum hec_status status =
        sum == NULL || part == NULL
            ? HEC_NO_MEMORY
            : hec_residual_fit(&trainer->model->residual, sum, squares, (double)picks);
    free(sum);
    free(part);
    return status;
}

static enum hec_status set_novelty(struct hec_trainer *trainer, struct hec_predictor *predictor)
{
    if (trainer->novelty < 0) {
        return HEC_OK;
    }
    const struct hec_dataset *data = trainer->data;
    uint32_t *pick = malloc(NOVELTY_ROWS_MAX * sizeof(*pick)), kept = 0;
    float *errors = malloc(NOVELTY_ROWS_MAX * sizeof(*errors));
    if (pick == NULL || errors == NULL) {
        free(pick);
        free(errors);
        return HEC_NO_MEMORY;
    }
    uint32_t picks = pick_rows(trainer, pick, NOVELTY_ROWS_MAX, HEC_SPLIT_TRAIN, trainer->novelty,
                               HEC_TARGET_UNKNOWN);
    for (uint32_t i = 0; i < picks; i++) {
        size_t at = (size_t)pick[i] * (size_t)data->heads_count + (size_t)trainer->novelty;
        if (data->targets[at] != HEC_TARGET_POSITIVE) {
            pick[kept++] = pick[i];
        }
    }
    enum hec_status status = set_residual(trainer, predictor, pick, kept);
    if (status == HEC_OK) {
        through(trainer, predictor, pick, kept, trainer->novelty, errors);
        set_tail(&trainer->model->tail, errors, kept);
    }
    free(pick);
    free(errors);
    return status;
}

/* The score of the n-th row from the top, where n is the number of alerts meant. */
static float threshold_of(struct hec_trainer *trainer, struct hec_predictor *predictor, int head,
                          uint32_t *pick, float *scores)
{
    const struct hec_dataset *data = trainer->data;
    const struct hec_model *model = trainer->model;
    bool novelty = head == trainer->novelty;
    int8_t least = novelty ? HEC_TARGET_UNKNOWN : HEC_TARGET_NEGATIVE;
    uint32_t picks = pick_rows(trainer, pick, data->rows, HEC_SPLIT_VALID, head, least);
    if (picks == 0) {
        picks = pick_rows(trainer, pick, data->rows, HEC_SPLIT_TRAIN, head, least);
    }
    if (picks == 0 || !model->trained[head] || data->heads[head].kind == HEC_HEAD_REGRESSION) {
        return HEC_THRESHOLD_NEVER;
    }
    uint64_t frauds = 0;
    for (uint32_t i = 0; i < picks; i++) {
        size_t at = (size_t)pick[i] * (size_t)data->heads_count + (size_t)head;
        frauds += data->targets[at] == HEC_TARGET_POSITIVE;
    }
    double share = novelty ? NOVELTY_SHARE : (double)frauds / picks;
    share = fmin(fmax(share, ALERT_SHARE_MIN), ALERT_SHARE_MAX);
    uint32_t alerts = (uint32_t)fmax(1, floor(share * picks));

    through(trainer, predictor, pick, picks, head, scores);
    qsort(scores, picks, sizeof(*scores), by_float);
    double at = (double)scores[picks - alerts];
    return novelty ? hec_tail_score(&model->tail, (float)at)
                   : (float)(1 / (1 + exp(-at - (double)model->shifts[head])));
}

static enum hec_status set_thresholds(struct hec_trainer *trainer, struct hec_predictor *predictor)
{
    struct hec_model *model = trainer->model;
    size_t rows = (size_t)trainer->data->rows + 1;
    uint32_t *pick = hec_take(trainer->data, rows * sizeof(*pick));
    float *scores = hec_take(trainer->data, rows * sizeof(*scores));
    for (int k = 0; k < model->info.heads_count && pick != NULL && scores != NULL; k++) {
        model->thresholds[k] = threshold_of(trainer, predictor, k, pick, scores);
    }
    bool done = pick != NULL && scores != NULL;
    hec_give(trainer->data, pick);
    hec_give(trainer->data, scores);
    return done ? HEC_OK : HEC_NO_MEMORY;
}

/* How scores are spread over the rows that each head judges. */
static enum hec_status set_reference(struct hec_trainer *trainer, struct hec_predictor *predictor)
{
    const struct hec_dataset *data = trainer->data;
    struct hec_reference *reference = &trainer->model->reference;
    size_t heads = (size_t)reference->heads, heads_of_data = (size_t)data->heads_count;
    uint32_t *pick = malloc(BASELINE_ROWS_MAX * sizeof(*pick));
    float *all = malloc(BASELINE_ROWS_MAX * heads * sizeof(*all));
    float *scores = malloc(2 * BASELINE_ROWS_MAX * sizeof(*scores));
    bool room = pick != NULL && all != NULL && scores != NULL;
    uint32_t picks = !room ? 0
                           : pick_rows(trainer, pick, BASELINE_ROWS_MAX, HEC_SPLIT_VALID, -1,
                                       HEC_TARGET_NOT_APPLICABLE);
    if (room && picks < REFERENCE_ROWS_MIN) {
        picks = pick_rows(trainer, pick, BASELINE_ROWS_MAX, HEC_SPLIT_TRAIN, -1,
                          HEC_TARGET_NOT_APPLICABLE);
    }
    uint32_t batch = (uint32_t)trainer->options->batch_rows, chunk = batch < CHUNK ? batch : CHUNK;
    for (uint32_t first = 0; first < picks; first += chunk) {
        int count = (int)(picks - first < chunk ? picks - first : chunk);
        hec_trainer_gather(trainer, pick + first, count);
        hec_predictor_run(predictor, trainer->numerics, trainer->categories, NULL, count,
                          all + first * heads, (int)heads);
    }
    for (size_t k = 0; k < heads && room; k++) {
        size_t kept = 0;
        for (uint32_t i = 0; i < picks; i++) {
            int8_t target = data->targets[pick[i] * heads_of_data + k];
            scores[kept] = all[i * heads + k];
            kept += target != HEC_TARGET_NOT_APPLICABLE;
        }
        hec_reference_scores(reference, (int)k, scores, kept, scores + BASELINE_ROWS_MAX);
    }
    free(pick);
    free(all);
    free(scores);
    return room ? HEC_OK : HEC_NO_MEMORY;
}

enum hec_status hec_trainer_finish(struct hec_trainer *trainer)
{
    struct hec_model *model = trainer->model;
    struct hec_predictor *predictor;

    copy_weights(trainer);
    set_shifts(trainer);
    enum hec_status status = hec_warm_keep(trainer);
    if (status == HEC_OK) {
        status = set_baseline(trainer);
    }
    if (status == HEC_OK) {
        status = hec_model_settle(model);
    }
    if (status == HEC_OK) {
        status = hec_predictor_new(&predictor, model, CHUNK);
    }
    if (status != HEC_OK) {
        return status;
    }
    status = set_novelty(trainer, predictor);
    if (status == HEC_OK) {
        status = set_thresholds(trainer, predictor);
    }
    if (status == HEC_OK) {
        status = set_reference(trainer, predictor);
    }
    hec_warm_keep_counts(trainer);
    if (status == HEC_OK) {
        hec_predictor_run(predictor, model->golden, model->golden_categories, NULL, 1,
                          model->golden_scores, HEC_HEADS_MAX);
    }
    hec_predictor_free(predictor);
    return status;
}
