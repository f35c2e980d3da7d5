/* One epoch: gather, forward, losses, backward, step; and the look at the validation rows. */
#include "learn/trainer.h"

#include <math.h>
#include <string.h>

#include "hecate/metrics.h"
#include "learn/mask.h"
#include "model/elementary.h"
#include "model/layers.h"

void hec_trainer_gather(struct hec_trainer *trainer, const uint32_t *rows, int count)
{
    const struct hec_shape *shape = &trainer->work.shape;
    hec_take_rows(trainer->data, rows, count, trainer->numerics, trainer->categories);
    hec_scaler_apply(&trainer->model->scaler, trainer->numerics, count, trainer->work.input,
                     trainer->work.inputs);
    hec_categories_apply(trainer->work.index, trainer->categories, count, shape->categories,
                         shape->table_rows);
}

/* A kind's head: this kind against everything whose truth is known. */
static int8_t kind_target(const struct hec_trainer *trainer, uint32_t row, int kind)
{
    const struct hec_dataset *data = trainer->data;
    if (data->fraud_kind[row] > 0) {
        return data->fraud_kind[row] == kind ? HEC_TARGET_POSITIVE : HEC_TARGET_NEGATIVE;
    }
    const int8_t *targets = data->targets + (size_t)row * (size_t)data->heads_count;
    for (int k = 0; k < data->heads_count; k++) {
        if (targets[k] == HEC_TARGET_NEGATIVE) {
            return HEC_TARGET_NEGATIVE;
        }
    }
    return HEC_TARGET_UNKNOWN;
}

/* How sure a negative of this row is; a kind's head is as sure as the least sure of the heads. */
static float heard_of(const struct hec_trainer *trainer, uint32_t row, int head)
{
    const struct hec_dataset *data = trainer->data;
    if (data->heard == NULL) {
        return 1;
    }
    const float *heard = data->heard + (size_t)row * (size_t)data->heads_count;
    float least = 1;
    for (int k = 0; k < data->heads_count && head < 0; k++) {
        least = heard[k] < least ? heard[k] : least;
    }
    return head < 0 ? least : heard[head];
}

static void label_batch(struct hec_trainer *trainer, const uint32_t *rows, int count)
{
    const struct hec_dataset *data = trainer->data;
    for (int i = 0; i < count; i++) {
        const int8_t *targets = data->targets + (size_t)rows[i] * (size_t)data->heads_count;
        bool kept_anyway = hec_is_positive(data, rows[i]);
        for (int z = 0; z < trainer->logits; z++) {
            int at = i * trainer->logits + z;
            int8_t target = trainer->head_of[z] >= 0
                                ? targets[trainer->head_of[z]]
                                : kind_target(trainer, rows[i], trainer->kind_of[z]);
            if (trainer->regresses[z]) {
                target = target == HEC_TARGET_POSITIVE ? target : HEC_TARGET_UNKNOWN;
                trainer->value[at] = target >= 0 ? hec_regression_value(trainer, rows[i], z) : 0;
            }
            trainer->target[at] = trainer->dead[z] ? HEC_TARGET_UNKNOWN : target;
            trainer->weight[at] =
                kept_anyway && target == HEC_TARGET_NEGATIVE ? (float)trainer->sample.beta : 1;
            trainer->heard[at] =
                target == HEC_TARGET_NEGATIVE ? heard_of(trainer, rows[i], trainer->head_of[z]) : 1;
            if (trainer->loss_of[z] == HEC_LOSS_WEIGHTED && target == HEC_TARGET_POSITIVE) {
                trainer->weight[at] = (float)trainer->options->positive_weight;
            }
        }
        trainer->ordinary[i] =
            trainer->novelty >= 0 && (targets[trainer->novelty] == HEC_TARGET_NEGATIVE ||
                                      targets[trainer->novelty] == HEC_TARGET_UNKNOWN);
    }
}

/* Eight units from each block of 128 random bits. */
static void drop(struct hec_trainer *trainer, float *keep, int n)
{
    double p = (double)trainer->options->dropout;
    uint16_t below = (uint16_t)(p * 65536);
    float kept = (float)(1 / (1 - p));
    for (int first = 0; first < n; first += 8) {
        union {
            uint32_t words[4];
            uint16_t halves[8];
        } bits;
        hec_random_block(bits.words, trainer->options->seed, HEC_STREAM_DROPOUT,
                         trainer->dropout_block++);
        for (int i = 0; i < 8 && first + i < n; i++) {
            keep[first + i] = bits.halves[i] < below ? 0 : kept;
        }
    }
}

/* Which features of a row a step does not see. */
static void draw_left_out(struct hec_trainer *trainer, int features)
{
    uint16_t below = (uint16_t)((double)trainer->options->feature_dropout * 65536);
    for (int first = 0; first < features; first += 8) {
        union {
            uint32_t words[4];
            uint16_t halves[8];
        } bits;
        hec_random_block(bits.words, trainer->options->seed, HEC_STREAM_FEATURES,
                         trainer->feature_block++);
        for (int j = 0; j < 8 && first + j < features; j++) {
            trainer->left_out[first + j] = bits.halves[j] < below;
        }
    }
}

/* Some features of each row say nothing: a number its mean, a category what training never met. No
 * few features may carry a score alone then. What the novelty has to rebuild is kept whole. */
static void leave_out(struct hec_trainer *trainer, int count)
{
    struct hec_work *work = &trainer->work;
    const struct hec_shape *shape = &work->shape;
    const struct hec_scaler *scaler = &trainer->model->scaler;
    int n = shape->numerics;
    for (int i = 0; i < count; i++) {
        float *row = work->input + (size_t)i * (size_t)work->inputs;
        memcpy(trainer->whole + (size_t)i * (size_t)n, row, sizeof(float) * (size_t)n);
        if (trainer->options->feature_dropout <= 0) {
            continue;
        }
        draw_left_out(trainer, n + shape->categories);
        for (int j = 0; j < n; j++) {
            row[j] = trainer->left_out[j] ? 0 : row[j];
        }
        for (int k = 0; k < scaler->indicators; k++) {
            row[n + k] = trainer->left_out[scaler->indicator_column[k]] ? 0 : row[n + k];
        }
        for (int k = 0; k < shape->categories; k++) {
            uint32_t *index = work->index + i * shape->categories + k;
            *index = trainer->left_out[n + k] ? (uint32_t)(k * shape->table_rows) : *index;
        }
    }
}

/* A silence counts what it tells, by the probability that the network gives now: see delay.h. */
static void weigh_silence(struct hec_trainer *trainer, int count)
{
    for (int at = 0; trainer->data->heard != NULL && at < count * trainer->logits; at++) {
        double heard = (double)trainer->heard[at];
        if (heard < 1) {
            float shift = hec_trainer_shift(trainer, at % trainer->logits);
            double p = (double)hec_sigmoid(trainer->work.z[at] + shift);
            trainer->weight[at] *= (float)(heard * (1 - p) / (1 - heard * p));
        }
    }
}

/* dz and losses of the heads. */
static void head_losses(struct hec_trainer *trainer, int count, double *losses)
{
    struct hec_work *work = &trainer->work;
    hec_bce(work->dz, losses, work->z, trainer->target, trainer->weight, trainer->scale, count,
            trainer->logits);
    for (int z = 0; z < trainer->logits; z++) {
        if (trainer->loss_of[z] == HEC_LOSS_FOCAL) {
            losses[z] =
                hec_focal(work->dz, work->z, trainer->target, trainer->weight, trainer->scale[z],
                          trainer->options->focal_gamma, z, count, trainer->logits);
        }
        if (trainer->regresses[z]) {
            losses[z] = hec_squares(work->dz, work->z, trainer->target, trainer->value,
                                    trainer->scale[z], z, count, trainer->logits);
        }
    }
}

/* What each head's loss counts in this step. */
static void weigh(struct hec_trainer *trainer, const double *losses, double rate)
{
    struct hec_balance *balance = &trainer->balance;
    hec_balance_step(balance, losses, rate);
    for (int z = 0; z < balance->K; z++) {
        trainer->scale[z] = (float)balance->weight[z];
        trainer->weights[trainer->head_of[z]] += balance->weight[z];
    }
}

/* Forward, losses, backward of the rows gathered. losses: (logits + 1), novelty last. */
static void pass(struct hec_trainer *trainer, int count, double rate, double *losses)
{
    struct hec_work *work = &trainer->work;
    const struct hec_shape *shape = &work->shape;
    int dropout = trainer->options->dropout > 0, n = count * shape->numerics;
    if (dropout) {
        drop(trainer, work->keep0, count * work->trunks * shape->hidden[0]);
        drop(trainer, work->keep1, count * work->trunks * work->width);
    }
    leave_out(trainer, count);
    bool masks = trainer->options->mask_share > 0;
    if (masks) {
        hec_mask_hide(trainer, count);
    }
    hec_net_forward(work, trainer->parameters, count, dropout);
    weigh_silence(trainer, count);
    if (hec_balance_wants_losses(&trainer->balance)) {
        head_losses(trainer, count, losses);
    }
    weigh(trainer, losses, rate);
    head_losses(trainer, count, losses);
    losses[trainer->logits] =
        masks ? hec_mask_loss(trainer, count)
        : trainer->novelty >= 0
            ? hec_reconstruction(work->dy, work->y, trainer->whole, shape->numerics,
                                 trainer->ordinary, count, shape->numerics)
            : NAN;
    if (work->share) {
        float weight = trainer->data->heads[trainer->novelty].loss_weight;
        for (int i = 0; i < n; i++) {
            work->dy[i] *= weight;
        }
    }
    memset(trainer->gradients, 0, sizeof(float) * work->layout.numbers);
    hec_tasks_backward(&trainer->tasks, work, trainer->parameters, trainer->gradients, count,
                       dropout);
}

const float *hec_trainer_judged(const struct hec_trainer *trainer)
{
    return trainer->average != NULL ? trainer->average : trainer->parameters;
}

/* Moves the average after a step. It begins where the first step ended and soon forgets that; what
 * does not move, such as a frozen trunk, stays the same to the bit. */
static void average(struct hec_trainer *trainer, long step, double an_epoch)
{
    if (trainer->average == NULL) {
        return;
    }
    if (step == 0) {
        memcpy(trainer->average, trainer->parameters, sizeof(float) * trainer->work.layout.numbers);
        return;
    }
    double keep = 1 - 1 / (1 + (double)trainer->options->averaging * an_epoch);
    double young = (1 + (double)step) / (10 + (double)step);
    float move = (float)(1 - (young < keep ? young : keep));
    float *restrict to = trainer->average;
    const float *restrict from = trainer->parameters;
    for (size_t i = 0; i < trainer->work.layout.numbers; i++) {
        to[i] += move * (from[i] - to[i]);
    }
}

/* The losses of the same rows once more, after the step, for the rule that wants both. */
static void look_back(struct hec_trainer *trainer, int count, const double *before)
{
    double after[HEC_LOGITS_MAX + 1];
    if (hec_balance_wants_both(&trainer->balance)) {
        hec_net_forward(&trainer->work, trainer->parameters, count, trainer->options->dropout > 0);
        head_losses(trainer, count, after);
        hec_balance_moved(&trainer->balance, before, after);
    }
}

/* Sums of an epoch to what is told of it. */
static void tell_epoch(struct hec_trainer *trainer, const double *sum, const long *batches,
                       long steps)
{
    int heads = trainer->data->heads_count, task_of[HEC_HEADS_MAX];
    for (int k = 0; k < heads; k++) {
        trainer->weights[k] = steps > 0 ? trainer->weights[k] / (double)steps : NAN;
        task_of[k] = -1;
    }
    for (int z = 0; z < trainer->logits; z++) {
        int k = trainer->head_of[z];
        trainer->head_loss[z] = batches[z] > 0 ? sum[z] / (double)batches[z] : NAN;
        if (k >= 0) {
            trainer->loss[k] = trainer->head_loss[z];
            task_of[k] = z;
        }
    }
    if (trainer->novelty >= 0) {
        long n = batches[trainer->logits];
        trainer->loss[trainer->novelty] = n > 0 ? sum[trainer->logits] / (double)n : NAN;
        trainer->weights[trainer->novelty] =
            trainer->work.share ? (double)trainer->data->heads[trainer->novelty].loss_weight : 1;
        task_of[trainer->novelty] = trainer->work.share ? trainer->logits : -1;
    }
    for (int a = 0; a < heads; a++) {
        trainer->gradient_norm[a] =
            task_of[a] >= 0 ? hec_tasks_norm(&trainer->tasks, task_of[a]) : NAN;
        for (int b = 0; b < heads; b++) {
            trainer->cosine[a * heads + b] =
                a != b && task_of[a] >= 0 && task_of[b] >= 0
                    ? hec_tasks_cosine(&trainer->tasks, task_of[a], task_of[b])
                    : NAN;
        }
    }
}

void hec_trainer_epoch(struct hec_trainer *trainer, long *step, long steps_total)
{
    const struct hec_train_options *options = trainer->options;
    double sum[HEC_LOGITS_MAX + 1] = { 0 };
    long batches[HEC_LOGITS_MAX + 1] = { 0 }, first_step = *step;

    memset(trainer->weights, 0, sizeof(trainer->weights));
    hec_tasks_begin_epoch(&trainer->tasks);
    for (uint32_t first = 0; first < trainer->sample.rows_count;) {
        uint32_t left = trainer->sample.rows_count - first;
        int count = left < (uint32_t)options->batch_rows ? (int)left : options->batch_rows;
        double losses[HEC_LOGITS_MAX + 1];
        double rate = hec_cosine_rate((double)options->learning_rate, *step, steps_total);
        hec_trainer_gather(trainer, trainer->sample.rows + first, count);
        label_batch(trainer, trainer->sample.rows + first, count);
        pass(trainer, count, rate, losses);
        hec_adam_step(&trainer->adam, trainer->parameters, trainer->gradients, rate);
        average(trainer, *step, (double)steps_total / options->epochs_max);
        look_back(trainer, count, losses);
        for (int z = 0; z <= trainer->logits; z++) {
            sum[z] += isnan(losses[z]) ? 0 : losses[z];
            batches[z] += !isnan(losses[z]);
        }
        first += (uint32_t)count;
        (*step)++;
    }
    tell_epoch(trainer, sum, batches, *step - first_step);
}

float hec_trainer_shift(const struct hec_trainer *trainer, int z)
{
    bool weighted = trainer->loss_of[z] == HEC_LOSS_WEIGHTED;
    return (float)(log(trainer->sample.beta) -
                   (weighted ? log(trainer->options->positive_weight) : 0));
}

static void judge_head(struct hec_trainer *trainer, int z, double *sum, int *judged)
{
    const struct hec_dataset *data = trainer->data;
    int head = trainer->head_of[z];
    float shift = hec_trainer_shift(trainer, z);
    size_t n = 0, positives = 0;
    for (uint32_t i = 0; i < trainer->valid_count; i++) {
        size_t at = (size_t)trainer->valid[i] * (size_t)data->heads_count + (size_t)head;
        if (data->targets[at] >= 0) {
            float logit = trainer->valid_z[(size_t)i * (size_t)trainer->logits + (size_t)z];
            trainer->one_score[n] = hec_sigmoid(logit + shift);
            trainer->one_label[n] = data->targets[at] == HEC_TARGET_POSITIVE;
            positives += trainer->one_label[n];
            n++;
        }
    }
    trainer->valid_ap[head] =
        hec_metric_average_precision(trainer->one_score, trainer->one_label, n);
    trainer->valid_loss[head] = hec_metric_log_loss(trainer->one_score, trainer->one_label, n);
    if (n > 0 && !trainer->dead[z]) {
        bool enough = positives >= HEC_POSITIVES_FOR_AP;
        *sum += enough ? trainer->valid_ap[head] : -trainer->valid_loss[head];
        trainer->judges |= enough;
        (*judged)++;
    }
}

void hec_trainer_validate(struct hec_trainer *trainer)
{
    double sum = 0;
    int judged = 0, batch = trainer->options->batch_rows;
    for (int k = 0; k < trainer->data->heads_count; k++) {
        trainer->valid_ap[k] = trainer->valid_loss[k] = NAN;
    }
    for (uint32_t first = 0; first < trainer->valid_count; first += (uint32_t)batch) {
        uint32_t left = trainer->valid_count - first;
        int count = left < (uint32_t)batch ? (int)left : batch;
        hec_trainer_gather(trainer, trainer->valid + first, count);
        hec_net_forward(&trainer->work, hec_trainer_judged(trainer), count, 0);
        memcpy(trainer->valid_z + (size_t)first * (size_t)trainer->logits, trainer->work.z,
               sizeof(float) * (size_t)(count * trainer->logits));
    }
    for (int z = 0; z < trainer->logits && trainer->valid_count > 0; z++) {
        if (trainer->regresses[z]) {
            hec_regression_judge(trainer, z, &sum, &judged);
        } else if (trainer->head_of[z] >= 0) {
            judge_head(trainer, z, &sum, &judged);
        }
    }
    for (int z = 0; z < trainer->logits; z++) {
        trainer->head_ap[z] =
            trainer->head_of[z] >= 0 ? trainer->valid_ap[trainer->head_of[z]] : NAN;
    }
    trainer->monitor = judged > 0 ? sum / judged : NAN;
}
