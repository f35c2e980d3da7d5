/* Serving's layers against training's, over odd sizes; and a row's bits alone and in company. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hecate/random.h"
#include "model/layers.h"
#include "model/serve.h"

enum { ROWS = 21 };

static float *made_up(size_t numbers, uint64_t seed)
{
    float *list = malloc(sizeof(*list) * numbers);
    struct hec_random random = hec_random_at(seed, 0);
    for (size_t i = 0; i < numbers; i++) {
        list[i] = (float)hec_random_normal(&random);
    }
    return list;
}

static void compare(const float *is, const float *was, size_t numbers, double scale)
{
    for (size_t i = 0; i < numbers; i++) {
        cr_assert(fabs((double)is[i] - (double)was[i]) <= 1e-6 * scale, "%zu: %.9g, not %.9g", i,
                  (double)is[i], (double)was[i]);
    }
}

static void check_dense(int I, int O, int relu)
{
    size_t i = (size_t)I, o = (size_t)O;
    float *x = made_up(ROWS * i + 1, 1), *w = made_up(o * i + 1, 2), *b = made_up(o, 3);
    float *panels = malloc(sizeof(float) * (hec_panels_size(O, I) + 1));
    float *is = malloc(sizeof(float) * (ROWS * o + 1)), *was = malloc(sizeof(float) * ROWS * o);
    hec_panels_pack(panels, w, O, I);
    for (int B = 0; B <= ROWS; B++) {
        is[(size_t)B * o] = 77; /* nothing is written past the end */
        hec_serve_dense(is, x, panels, b, B, I, O, relu);
        hec_dense_forward(was, x, w, b, B, I, O, relu);
        compare(is, was, (size_t)B * o, 10 + 3 * sqrt(I));
        cr_assert_eq(is[(size_t)B * o], 77);
    }
    for (int row = 0; row < ROWS; row++) {
        hec_serve_dense(was, x + (size_t)row * i, panels, b, 1, I, O, relu);
        cr_assert_eq(memcmp(was, is + (size_t)row * o, sizeof(float) * o), 0,
                     "row %d of %d x %d has other bits alone", row, I, O);
    }
    free(x), free(w), free(b), free(panels), free(is), free(was);
}

Test(serve, dense_is_as_in_training_and_a_row_has_its_bits_in_any_batch)
{
    static const int sizes[] = { 1, 2, 8, 15, 31, 32, 33, 64, 100, 128, 129, 200 };
    for (size_t a = 0; a < sizeof(sizes) / sizeof(sizes[0]); a++) {
        for (size_t c = 0; c < sizeof(sizes) / sizeof(sizes[0]); c++) {
            check_dense(sizes[a], sizes[c], (int)(a + c) % 2);
        }
    }
}

Test(serve, a_relu_keeps_what_is_above_zero_only)
{
    float x[2] = { 1, -1 }, w[2] = { 1, 1 }, b[1] = { 0 }, y[2];
    float panels[HEC_PANEL_OUTPUTS];
    hec_panels_pack(panels, w, 1, 1);
    hec_serve_dense(y, x, panels, b, 2, 1, 1, 1);
    cr_expect_eq(y[0], 1);
    cr_expect_eq(y[1], 0);
    hec_serve_dense(y, x, panels, b, 2, 1, 1, 0);
    cr_expect_eq(y[1], -1);
}

static void check_periodic(int F, int Q, int E)
{
    size_t f = (size_t)F, stride = f + (size_t)E * f + 3;
    float *x = made_up(ROWS * stride, 4), *c = made_up((size_t)Q * f + 15, 5);
    float *w = made_up((size_t)(2 * Q * E), 6), *b = made_up((size_t)E, 7);
    float *was = malloc(sizeof(float) * ROWS * stride);
    memcpy(was, x, sizeof(float) * ROWS * stride);
    hec_serve_periodic(x + f, (int)stride, x, (int)stride, c, w, b, ROWS, F, Q, E);
    hec_periodic_forward(was + f, (int)stride, NULL, was, (int)stride, c, w, b, ROWS, F, Q, E);
    compare(x, was, ROWS * stride, 40);
    free(x), free(c), free(w), free(b), free(was);
}

Test(serve, embeds_as_in_training)
{
    static const int features[] = { 1, 15, 16, 17, 30, 64, 123 };
    for (size_t a = 0; a < sizeof(features) / sizeof(features[0]); a++) {
        check_periodic(features[a], 8, 4);
        check_periodic(features[a], 3, 1);
        check_periodic(features[a], HEC_PERIODIC_Q_MAX, HEC_PERIODIC_E_MAX);
    }
}

Test(serve, goes_back_as_in_training)
{
    static const int sizes[] = { 1, 16, 31, 64, 130 };
    for (size_t a = 0; a < 5; a++) {
        for (size_t c = 0; c < 5; c++) {
            size_t I = (size_t)sizes[a], O = (size_t)sizes[c];
            float *w = made_up(O * I, 8), *dy = made_up(O, 9), *dx = malloc(sizeof(float) * I);
            dy[O / 2] = 0;
            hec_serve_back(dx, dy, w, (int)I, (int)O);
            for (size_t i = 0; i < I; i++) {
                double sum = 0;
                for (size_t o = 0; o < O; o++) {
                    sum += (double)dy[o] * (double)w[o * I + i];
                }
                cr_assert(fabs(sum - (double)dx[i]) < 1e-5 * (1 + (double)O));
            }
            free(w), free(dy), free(dx);
        }
    }
}
