/*
 * The weights that training begins with.
 *
 * He for layers behind a ReLU; category tables begin at zero, so that a category which training
 * never met says nothing; the last bias is the prior of the sample. Gates begin nearly even, masks
 * nearly open, stitches near identity: what is not learned does no harm.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "learn/trainer.h"

#define FREQUENCY_DEVIATION 0.1
#define MASK_BIAS 2.0f    /* sigmoid: 0.88 */
#define STITCH_OWN 0.9f   /* as the paper begins */
#define PIECE_ROWS 20000u /* enough for the quantiles of pieces */

static double deviation_of(const struct hec_layout *layout, int tensor, const struct hec_shape *s)
{
    int cols = layout->place[tensor].cols;
    switch (tensor) {
    case HEC_T_PERIODIC_FREQUENCY: return FREQUENCY_DEVIATION;
    case HEC_T_PIECEWISE_WEIGHT: return sqrt(2.0 / s->bins);
    case HEC_T_HEADS_1_WEIGHT:
    case HEC_T_DECODER_2_WEIGHT:
    case HEC_T_FUSE_GATE_WEIGHT:
    case HEC_T_FUSE_SKIP_WEIGHT:
    case HEC_T_MASK_WEIGHT: return sqrt(1.0 / cols);
    case HEC_T_GATE_WEIGHT: return 0.1 * sqrt(1.0 / cols);
    default: return sqrt(2.0 / cols);
    }
}

static void draw(struct hec_trainer *trainer)
{
    const struct hec_layout *layout = &trainer->work.layout;
    struct hec_random random = hec_random_at(trainer->options->seed, HEC_STREAM_WEIGHTS);
    for (int t = 0; t < HEC_TENSORS; t++) {
        const struct hec_tensor_place *place = &layout->place[t];
        float *p = trainer->parameters + place->offset;
        if (t == HEC_T_TABLE || (t != HEC_T_PERIODIC_FREQUENCY && !place->is_matrix)) {
            continue;
        }
        double deviation = deviation_of(layout, t, &trainer->work.shape);
        for (size_t i = 0; i < (size_t)place->rows * (size_t)place->cols; i++) {
            p[i] = (float)(deviation * hec_random_normal(&random));
        }
    }
}

static void fill(struct hec_trainer *trainer, int tensor, float off, float diagonal)
{
    const struct hec_tensor_place *place = &trainer->work.layout.place[tensor];
    for (int i = 0; i < place->rows * place->cols; i++) {
        bool own = place->rows > 1 && i % (place->cols + 1) == 0;
        trainer->parameters[place->offset + (size_t)i] = own ? diagonal : off;
    }
}

static int by_float(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Pieces of one feature between quantiles of its scaled values; equal ones make an empty piece. */
static void cut(float *edge, float *scale, float *values, uint32_t count, int bins, int stride)
{
    qsort(values, count, sizeof(*values), by_float);
    for (int t = 0; t < bins; t++) {
        float low = values[(uint64_t)(count - 1) * (uint64_t)t / (uint64_t)bins];
        float high = values[(uint64_t)(count - 1) * (uint64_t)(t + 1) / (uint64_t)bins];
        edge[t * stride] = low;
        scale[t * stride] = high - low > 1e-6f ? 1 / (high - low) : 0;
    }
}

static enum hec_status cut_pieces(struct hec_trainer *trainer)
{
    const struct hec_dataset *data = trainer->data;
    const struct hec_shape *s = &trainer->work.shape;
    uint64_t rows = trainer->model->info.train_rows;
    uint64_t every = rows / PIECE_ROWS + 1;
    size_t n = (size_t)s->numerics, wide = n + (size_t)s->indicators, count = 0, seen = 0;
    if (s->bins == 0 || s->numerics == 0) {
        return HEC_OK;
    }
    float *all = malloc((rows / every + 1) * n * sizeof(*all)), *row = malloc(wide * sizeof(*row));
    for (uint32_t i = 0; all != NULL && row != NULL && i < data->rows; i++) {
        if (data->split[i] == HEC_SPLIT_TRAIN && seen++ % every == 0) {
            hec_take_rows(data, &i, 1, trainer->numerics, trainer->categories);
            hec_scaler_apply(&trainer->model->scaler, trainer->numerics, 1, row, (int)wide);
            for (size_t j = 0; j < n; j++) {
                all[j * (rows / every + 1) + count] = row[j];
            }
            count++;
        }
    }
    const struct hec_tensor_place *place = trainer->work.layout.place;
    for (size_t j = 0; all != NULL && row != NULL && j < n; j++) {
        cut(trainer->parameters + place[HEC_T_PIECEWISE_EDGE].offset + j,
            trainer->parameters + place[HEC_T_PIECEWISE_SCALE].offset + j,
            all + j * (rows / every + 1), (uint32_t)count, s->bins, s->numerics);
    }
    enum hec_status status = all == NULL || row == NULL ? HEC_NO_MEMORY : HEC_OK;
    free(all);
    free(row);
    return status;
}

enum hec_status hec_trainer_initial(struct hec_trainer *trainer)
{
    int heads = trainer->work.shape.heads;
    float others = heads > 1 ? (1 - STITCH_OWN) / (float)(heads - 1) : 0;
    draw(trainer);
    fill(trainer, HEC_T_MASK_BIAS, MASK_BIAS, MASK_BIAS);
    fill(trainer, HEC_T_STITCH_0, heads > 1 ? others : 1, STITCH_OWN);
    fill(trainer, HEC_T_STITCH_1, heads > 1 ? others : 1, STITCH_OWN);
    float *bias = trainer->parameters + trainer->work.layout.place[HEC_T_HEADS_1_BIAS].offset;
    for (int z = 0; z < trainer->logits; z++) {
        double negatives = (double)trainer->negatives[z] * trainer->sample.beta;
        bias[z] = trainer->regresses[z]
                      ? 0
                      : (float)log(((double)trainer->positives[z] + 0.5) / (negatives + 0.5));
    }
    return cut_pieces(trainer);
}
