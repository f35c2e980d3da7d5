/* AdamW as PyTorch writes it, element by element over one flat array. */
#include "learn/adam.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/real.h"

/* A square root that may set errno does not vectorise; these are of sums of squares. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("no-math-errno")
#endif

enum hec_status hec_adam_new(struct hec_adam *adam, const struct hec_layout *layout, double decay,
                             double clip)
{
    *adam = (struct hec_adam){ .layout = layout,
                               .mean = calloc(layout->numbers + 1, sizeof(float)),
                               .square = calloc(layout->numbers + 1, sizeof(float)),
                               .beta_mean = 0.9,
                               .beta_square = 0.999,
                               .epsilon = 1e-8,
                               .decay = decay,
                               .clip = clip };
    for (int t = 0; t < HEC_TENSORS; t++) {
        adam->factor[t] = 1;
    }
    if (adam->mean == NULL || adam->square == NULL) {
        hec_adam_free(adam);
        return HEC_NO_MEMORY;
    }
    return HEC_OK;
}

void hec_adam_free(struct hec_adam *adam)
{
    free(adam->mean);
    free(adam->square);
    *adam = (struct hec_adam){ 0 };
}

/* Sixteen sums side by side: enough for the widest vector, and one order on every machine. */
HEC_WIDE static double norm_of(const float *g, size_t n)
{
    enum { LANES = 16 };
    float sum[LANES];
    double total = 0;
    for (size_t first = 0; first < n; first += 4096) {
        size_t end = first + 4096 < n ? first + 4096 : n, i = first;
        for (int lane = 0; lane < LANES; lane++) {
            sum[lane] = 0;
        }
        for (; i + LANES <= end; i += LANES) {
            for (int lane = 0; lane < LANES; lane++) {
                sum[lane] += g[i + (size_t)lane] * g[i + (size_t)lane];
            }
        }
        for (; i < end; i++) {
            sum[0] += g[i] * g[i];
        }
        for (int lane = 0; lane < LANES; lane++) {
            total += (double)sum[lane];
        }
    }
    return sqrt(total);
}

static void clip_group(float *g, size_t n, double clip)
{
    double norm = norm_of(g, n);
    if (norm <= clip) {
        return;
    }
    float factor = (float)(clip / (norm + 1e-6));
    for (size_t i = 0; i < n; i++) {
        g[i] *= factor;
    }
}

/* What is the same for every element of a step. */
struct step {
    float beta_mean, beta_square, rate, root_correction, epsilon;
};

HEC_WIDE static void move(float *restrict p, float *restrict mean, float *restrict square,
                          const float *restrict g, size_t n, struct step s, float keep)
{
    for (size_t i = 0; i < n; i++) {
        mean[i] += (1 - s.beta_mean) * (g[i] - mean[i]);
        square[i] = s.beta_square * square[i] + (1 - s.beta_square) * g[i] * g[i];
        float size = sqrtf(square[i]) * s.root_correction + s.epsilon;
        p[i] = keep * p[i] - s.rate * mean[i] / size;
    }
}

/* m = beta m + g, p = keep p - rate m: as PyTorch writes it, with AdamW's decay. */
HEC_WIDE static void roll(float *restrict p, float *restrict mean, const float *restrict g,
                          size_t n, float beta, float rate, float keep)
{
    for (size_t i = 0; i < n; i++) {
        mean[i] = beta * mean[i] + g[i];
        p[i] = keep * p[i] - rate * mean[i];
    }
}

void hec_adam_step(struct hec_adam *adam, float *parameters, float *gradients, double rate)
{
    const struct hec_layout *layout = adam->layout;
    for (int t = 0; t < HEC_TENSORS; t++) {
        const struct hec_tensor_place *place = &layout->place[t];
        if (!(adam->factor[t] > 0)) {
            memset(gradients + place->offset, 0,
                   sizeof(float) * (size_t)place->rows * (size_t)place->cols);
        }
    }
    clip_group(gradients, layout->decoder_first, adam->clip);
    clip_group(gradients + layout->decoder_first, layout->numbers - layout->decoder_first,
               adam->clip);

    adam->steps++;
    double mean_correction = 1 - pow(adam->beta_mean, (double)adam->steps);
    double square_correction = 1 - pow(adam->beta_square, (double)adam->steps);
    struct step s = { .beta_mean = (float)adam->beta_mean,
                      .beta_square = (float)adam->beta_square,
                      .root_correction = (float)(1 / sqrt(square_correction)),
                      .epsilon = (float)adam->epsilon };
    for (int t = 0; t < HEC_TENSORS; t++) {
        const struct hec_tensor_place *place = &layout->place[t];
        double own = rate * adam->factor[t];
        float keep = place->is_matrix ? (float)(1 - own * adam->decay) : 1;
        if (!(own > 0)) {
            continue;
        }
        s.rate = (float)(own / mean_correction);
        if (adam->momentum_only) {
            roll(parameters + place->offset, adam->mean + place->offset, gradients + place->offset,
                 (size_t)place->rows * (size_t)place->cols, s.beta_mean, (float)own, keep);
            continue;
        }
        move(parameters + place->offset, adam->mean + place->offset, adam->square + place->offset,
             gradients + place->offset, (size_t)place->rows * (size_t)place->cols, s, keep);
    }
}

double hec_cosine_rate(double rate, long step, long steps)
{
    return 0.5 * rate * (1 + cos(3.14159265358979323846 * (double)step / (double)steps));
}
