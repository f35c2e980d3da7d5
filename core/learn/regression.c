/*
 * Regression heads: a number beside the questions that are answered by yes or no.
 *
 * The network learns it standardised, by squared error, on the rows whose target is positive; mean
 * and spread give its unit back. Where there is no number there is neither loss nor gradient.
 */
#include <math.h>

#include "learn/trainer.h"

enum hec_status hec_regression_check(const struct hec_dataset *data, struct hec_error *error)
{
    for (int k = 0; k < data->heads_count; k++) {
        for (uint32_t row = 0; data->heads[k].kind == HEC_HEAD_REGRESSION && row < data->rows;
             row++) {
            size_t at = (size_t)row * (size_t)data->heads_count + (size_t)k;
            if (data->targets[at] == HEC_TARGET_POSITIVE &&
                (data->values == NULL || !isfinite(data->values[at]))) {
                return hec_fail(error, HEC_INVALID, "train: row %u has no number for head '%s'",
                                row, data->heads[k].name);
            }
        }
    }
    return HEC_OK;
}

void hec_regression_plan(struct hec_trainer *trainer, int z)
{
    const struct hec_dataset *data = trainer->data;
    double n = 0, sum = 0, squares = 0;
    for (int round = 0; round < 2; round++) {
        for (uint32_t row = 0; row < data->rows; row++) {
            size_t at = (size_t)row * (size_t)data->heads_count + (size_t)trainer->head_of[z];
            if (data->split[row] != HEC_SPLIT_TRAIN || data->targets[at] != HEC_TARGET_POSITIVE) {
                continue;
            }
            double apart = (double)data->values[at] - trainer->mean[z];
            n += round == 0;
            sum += round == 0 ? apart : 0;
            squares += round == 1 ? apart * apart : 0;
        }
        trainer->mean[z] = n > 0 ? sum / n : 0;
    }
    trainer->spread[z] = n > 0 && squares > 0 ? sqrt(squares / n) : 1;
    trainer->regresses[z] = true;
    trainer->dead[z] = n == 0;
}

float hec_regression_value(const struct hec_trainer *trainer, uint32_t row, int z)
{
    const struct hec_dataset *data = trainer->data;
    size_t at = (size_t)row * (size_t)data->heads_count + (size_t)trainer->head_of[z];
    return (float)(((double)data->values[at] - trainer->mean[z]) / trainer->spread[z]);
}

void hec_regression_judge(struct hec_trainer *trainer, int z, double *sum, int *judged)
{
    const struct hec_dataset *data = trainer->data;
    int head = trainer->head_of[z];
    double squares = 0;
    size_t n = 0;
    for (uint32_t i = 0; i < trainer->valid_count; i++) {
        size_t at = (size_t)trainer->valid[i] * (size_t)data->heads_count + (size_t)head;
        if (data->targets[at] == HEC_TARGET_POSITIVE) {
            float y = trainer->valid_z[(size_t)i * (size_t)trainer->logits + (size_t)z];
            double error = (double)y - (double)hec_regression_value(trainer, trainer->valid[i], z);
            squares += error * error;
            n++;
        }
    }
    trainer->valid_loss[head] = n > 0 ? squares / (double)n : NAN;
    if (n > 0 && !trainer->dead[z]) {
        *sum -= trainer->valid_loss[head];
        (*judged)++;
    }
}
