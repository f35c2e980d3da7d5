/*
 * Prediction: scale, one pass of the network, and what its numbers mean.
 */
#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "model/elementary.h"
#include "model/layers.h"
#include "model/model.h"

#define ROWS_MAX 1024

enum hec_status hec_predictor_new(struct hec_predictor **ret, const struct hec_model *model,
                                  int rows_max)
{
    assert(rows_max >= 1 && rows_max <= ROWS_MAX);

    struct hec_predictor *predictor = calloc(1, sizeof(*predictor));
    if (predictor == NULL) {
        return HEC_NO_MEMORY;
    }
    predictor->model = model;
    const struct hec_shape *s = &model->shape;
    if (hec_work_new(&predictor->work, s, rows_max, HEC_WORK_SERVING) != HEC_OK ||
        hec_before_new(&predictor->before, s) != HEC_OK ||
        hec_multipliers_new(&predictor->back, s) != HEC_OK) {
        hec_predictor_free(predictor);
        return HEC_NO_MEMORY;
    }
    size_t numbers = (size_t)rows_max * (size_t)s->numerics;
    if (s->bottleneck > 0) {
        predictor->apart = calloc(2 * numbers, sizeof(float));
        predictor->each = predictor->apart + numbers;
    }
    if (s->bottleneck > 0 && predictor->apart == NULL) {
        hec_predictor_free(predictor);
        return HEC_NO_MEMORY;
    }
    predictor->work.panels = &model->panels;
    *ret = predictor;
    return HEC_OK;
}

void hec_predictor_free(struct hec_predictor *predictor)
{
    if (predictor == NULL) {
        return;
    }
    free(predictor->apart);
    hec_work_free(&predictor->work);
    hec_before_free(&predictor->before);
    hec_multipliers_free(&predictor->back);
    free(predictor);
}

void hec_predictor_novelty(struct hec_predictor *predictor, int rows)
{
    const struct hec_work *work = &predictor->work;
    int n = predictor->model->shape.numerics;
    hec_residual_of(predictor->apart, work->y, work->input, work->inputs, rows, n);
    hec_residual_judge(&predictor->model->residual, predictor->each, predictor->apart, rows);
}

float hec_predictor_error(const struct hec_predictor *predictor, int row)
{
    int n = predictor->model->shape.numerics;
    const float *each = predictor->each + (size_t)row * (size_t)n;
    float sum = 0;
    for (int j = 0; j < n; j++) {
        sum += each[j];
    }
    return sum;
}

float hec_tail_score(const struct hec_tail *tail, float error)
{
    if (tail->count < 2) {
        return 0;
    }
    int i = 1;
    while (i < tail->count - 1 && error > tail->error[i]) {
        i++;
    }
    float slope =
        (tail->log_tail[i] - tail->log_tail[i - 1]) / (tail->error[i] - tail->error[i - 1]);
    float log_tail = tail->log_tail[i - 1] + slope * (error - tail->error[i - 1]);
    return log_tail < 0 ? 1 - hec_exp(log_tail * (1.0f / 3)) : 0;
}

void hec_predictor_forward(struct hec_predictor *predictor, const float *numerics,
                           const uint32_t *categories, int rows)
{
    const struct hec_model *model = predictor->model;
    struct hec_work *work = &predictor->work;
    hec_scaler_apply(&model->scaler, numerics, rows, work->input, work->inputs);
    hec_categories_apply(work->index, categories, rows, model->shape.categories,
                         model->shape.table_rows);
    hec_net_forward(work, model->parameters, rows, 0);
}

void hec_predictor_run(struct hec_predictor *predictor, const float *numerics,
                       const uint32_t *categories, const uint8_t *event_type, int rows,
                       float *scores, int stride)
{
    const struct hec_model *model = predictor->model;
    const struct hec_work *work = &predictor->work;
    int heads = model->info.heads_count, logits = model->shape.heads;
    assert(rows >= 0 && rows <= work->rows_max);
    assert(stride >= heads);

    hec_predictor_forward(predictor, numerics, categories, rows);
    if (model->shape.bottleneck > 0) {
        hec_predictor_novelty(predictor, rows);
    }
    for (int row = 0; row < rows; row++) {
        float *score = scores + (size_t)row * (size_t)stride;
        uint32_t bit = event_type == NULL ? UINT32_MAX : 1u << (event_type[row] & 31);
        for (int k = 0; k < heads; k++) {
            if (!(model->heads[k].event_types & bit)) {
                score[k] = NAN;
            } else if (model->logit_of[k] >= 0) {
                float logit = work->z[row * logits + model->logit_of[k]];
                score[k] = model->heads[k].kind == HEC_HEAD_REGRESSION
                               ? model->shifts[k] + model->spreads[k] * logit
                               : hec_sigmoid(logit + model->shifts[k]);
            } else {
                float error = hec_predictor_error(predictor, row);
                score[k] = hec_tail_score(&model->tail, error);
            }
        }
    }
}

int hec_score_999(float score)
{
    if (!(score > 0)) {
        return 0;
    }
    return score >= 0.999f ? 999 : (int)(score * 1000);
}
