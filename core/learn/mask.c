/* What is hidden is drawn number by number; the loss is the clamped squared error of novelty, over
 * the hidden numbers only. */
#include "learn/mask.h"

#include <math.h>

#include "model/layers.h"

void hec_mask_hide(struct hec_trainer *trainer, int count)
{
    struct hec_work *work = &trainer->work;
    const struct hec_scaler *scaler = &trainer->model->scaler;
    int n = work->shape.numerics;
    uint32_t below = (uint32_t)(trainer->options->mask_share * 4294967295.0);
    for (int row = 0; row < count; row++) {
        float *x = work->input + row * work->inputs;
        uint8_t *hidden = trainer->hidden + row * n;
        for (int j = 0; j < n; j++) {
            bool there = !isnan(trainer->numerics[row * n + j]) && scaler->inverse[j] > 0;
            hidden[j] = there && hec_random_bits(&trainer->mask) < below;
            x[j] = hidden[j] ? 0 : x[j];
        }
        for (int i = 0; i < scaler->indicators; i++) {
            x[n + i] = hidden[scaler->indicator_column[i]] ? 1 : x[n + i];
        }
    }
}

double hec_mask_loss(struct hec_trainer *trainer, int count)
{
    struct hec_work *work = &trainer->work;
    int all = count * work->shape.numerics;
    double sum = 0;
    long hidden = 0;
    for (int i = 0; i < all; i++) {
        hidden += trainer->hidden[i];
    }
    for (int i = 0; i < all; i++) {
        float off = work->y[i] - trainer->whole[i], squared = off * off;
        bool counts = trainer->hidden[i] != 0;
        work->dy[i] = counts && squared < HEC_ERROR_CUT ? 2 * off / (float)hidden : 0;
        sum += counts ? (double)(squared < HEC_ERROR_CUT ? squared : HEC_ERROR_CUT) : 0;
    }
    return hidden > 0 ? sum / (double)hidden : NAN;
}
