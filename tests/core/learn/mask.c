/* Masked features: what is hidden cannot be seen, what is missing is not hidden, only what is
 * hidden is asked for, and that as it was before anything was left out. */
#include "learn/mask.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hecate/pretrain.h"
#include "model/layers.h"
#include "planted.h"

enum { ROWS = 64 };

static float whole[ROWS * PLANTED_NUMERICS];
static uint8_t hidden[ROWS * PLANTED_NUMERICS];

static void expect_mask(struct hec_trainer *trainer, double share)
{
    struct hec_work *work = &trainer->work;
    static float before[ROWS * PLANTED_NUMERICS];
    long there = 0, masked = 0;
    hec_scaler_apply(&trainer->model->scaler, trainer->numerics, ROWS, work->input, work->inputs);
    for (int row = 0; row < ROWS; row++) {
        float *input = work->input + row * work->inputs;
        memcpy(whole + row * PLANTED_NUMERICS, input, sizeof(float) * PLANTED_NUMERICS);
        input[row % PLANTED_NUMERICS] = 0; /* as features that a step leaves out */
        memcpy(before + row * PLANTED_NUMERICS, input, sizeof(float) * PLANTED_NUMERICS);
    }
    hec_mask_hide(trainer, ROWS);
    for (int i = 0; i < ROWS * PLANTED_NUMERICS; i++) {
        int row = i / PLANTED_NUMERICS, j = i % PLANTED_NUMERICS;
        bool could = !isnan(trainer->numerics[i]) && trainer->model->scaler.inverse[j] > 0;
        cr_assert(could || !hidden[i], "a missing or constant number was hidden");
        cr_assert_eq(work->input[row * work->inputs + j], hidden[i] ? 0 : before[i]);
        there += could;
        masked += hidden[i];
    }
    cr_expect_float_eq((double)masked / (double)there, share, 0.1);
    for (int k = 0; k < trainer->model->scaler.indicators; k++) {
        int j = trainer->model->scaler.indicator_column[k];
        for (int row = 0; row < ROWS; row++) {
            bool absent = isnan(trainer->numerics[row * PLANTED_NUMERICS + j]);
            cr_assert_eq(work->input[row * work->inputs + PLANTED_NUMERICS + k],
                         absent || hidden[row * PLANTED_NUMERICS + j]);
        }
    }
}

/* By differences: the gradient is that of the loss told, and nothing is asked of what was shown. */
static void expect_gradient(struct hec_trainer *trainer)
{
    struct hec_work *work = &trainer->work;
    static float dy[ROWS * PLANTED_NUMERICS];
    for (int i = 0; i < ROWS * PLANTED_NUMERICS; i++) {
        work->y[i] = whole[i] + 0.01f * (float)(i % 97) - 0.3f;
    }
    double told = hec_mask_loss(trainer, ROWS), sum = 0;
    long asked = 0;
    for (int i = 0; i < ROWS * PLANTED_NUMERICS; i++) {
        double off = (double)(work->y[i] - whole[i]);
        sum += hidden[i] ? fmin(off * off, (double)HEC_ERROR_CUT) : 0;
        asked += hidden[i];
    }
    cr_expect_float_eq(told, sum / (double)asked, 1e-6);
    memcpy(dy, work->dy, sizeof(dy));
    for (int i = 0; i < ROWS * PLANTED_NUMERICS; i += 5) {
        float kept = work->y[i];
        work->y[i] = kept + 0.01f;
        double above = hec_mask_loss(trainer, ROWS);
        work->y[i] = kept - 0.01f;
        double below = hec_mask_loss(trainer, ROWS);
        work->y[i] = kept;
        cr_assert_float_eq((above - below) / 0.02, (double)dy[i], 1e-5);
        cr_assert(hidden[i] || dy[i] == 0);
    }
}

Test(mask, hides_what_is_there_and_asks_for_nothing_else)
{
    struct planted planted;
    struct hec_train_options options;
    planted_make(&planted, 2000, 51);
    struct hec_model *model = planted_model(&planted, 1, NULL, NULL);
    struct hec_trainer trainer = { .options = &options,
                                   .model = model,
                                   .numerics = planted.numerics,
                                   .whole = whole,
                                   .hidden = hidden,
                                   .mask = hec_random_at(3, HEC_STREAM_MASK) };
    hec_train_defaults(&options);
    cr_assert_eq(hec_work_new(&trainer.work, &model->shape, ROWS, HEC_WORK_SHARING), HEC_OK);
    for (int i = 0; i < 2; i++) {
        options.mask_share = i == 0 ? 0.3 : 0.8;
        expect_mask(&trainer, options.mask_share);
        expect_gradient(&trainer);
    }
    options.mask_share = 0;
    hec_mask_hide(&trainer, ROWS);
    cr_expect(isnan(hec_mask_loss(&trainer, ROWS)), "nothing was hidden");
    hec_work_free(&trainer.work);
    hec_model_free(model);
    planted_free(&planted);
}
