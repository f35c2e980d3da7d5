/* Layers: each against plain loops and libm; the whole of them is differentiated in net.c. */
#include "model/layers.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hecate/random.h"

static void fill(float *to, size_t n, uint64_t stream)
{
    struct hec_random random = hec_random_at(1, stream);
    for (size_t i = 0; i < n; i++) {
        to[i] = (float)hec_random_normal(&random);
    }
}

Test(layers, dense_equals_plain_loops_at_every_batch_size)
{
    enum { I = 13, O = 9, ROWS = 70 };
    static float x[ROWS * I], w[O * I], b[O], y[ROWS * O];
    fill(x, ROWS * I, 1);
    fill(w, O * I, 2);
    fill(b, O, 3);
    for (int rows = 1; rows <= ROWS; rows += rows < 6 ? 1 : 16) {
        for (int relu = 0; relu < 2; relu++) {
            hec_dense_forward(y, x, w, b, rows, I, O, relu);
            for (int at = 0; at < rows * O; at++) {
                double sum = (double)b[at % O];
                for (int i = 0; i < I; i++) {
                    sum += (double)x[at / O * I + i] * (double)w[at % O * I + i];
                }
                sum = relu ? fmax(sum, 0) : sum;
                cr_assert_float_eq((double)y[at], sum, 1e-5, "%d rows, number %d", rows, at);
            }
        }
    }
}

Test(layers, dense_backward_adds_to_parameters_and_overwrites_activations)
{
    enum { B = 5, I = 3, O = 2 };
    float x[B * I], w[O * I], dy[B * O], dx[B * I], dw[O * I], db[O];
    fill(x, B * I, 4);
    fill(w, O * I, 5);
    fill(dy, B * O, 6);
    for (int i = 0; i < B * I; i++) {
        dx[i] = 1000;
    }
    for (int i = 0; i < O * I; i++) {
        dw[i] = 7;
    }
    db[0] = db[1] = 7;
    hec_dense_backward(dx, dw, db, dy, x, w, B, I, O);
    for (int o = 0; o < O; o++) {
        double sum = 7;
        for (int row = 0; row < B; row++) {
            sum += (double)dy[row * O + o];
        }
        cr_expect_float_eq((double)db[o], sum, 1e-5);
        for (int i = 0; i < I; i++) {
            sum = 7;
            for (int row = 0; row < B; row++) {
                sum += (double)dy[row * O + o] * (double)x[row * I + i];
            }
            cr_expect_float_eq((double)dw[o * I + i], sum, 1e-5);
        }
    }
    for (int at = 0; at < B * I; at++) {
        double sum = 0;
        for (int o = 0; o < O; o++) {
            sum += (double)dy[at / I * O + o] * (double)w[o * I + at % I];
        }
        cr_expect_float_eq((double)dx[at], sum, 1e-5);
    }
}

Test(layers, relu_lets_nothing_back_through_a_closed_unit)
{
    float y[4] = { 0, 1, 0, 2 }, dy[4] = { 5, 6, 7, 8 };
    hec_relu_backward(dy, y, 4);
    cr_expect(dy[0] == 0 && dy[1] == 6 && dy[2] == 0 && dy[3] == 8);
}

/* One frequency, one output that takes only the sine, or only the cosine. F is past the chunk that
 * the function works in, and no multiple of a vector. */
Test(layers, periodic_embedding_is_libms_sine_and_cosine)
{
    enum { F = 150, STRIDE = F + 3 };
    static float x[2 * STRIDE], c[F], y[2 * STRIDE], waves[2 * 2 * F];
    fill(x, 2 * STRIDE, 7);
    fill(c, F, 8);
    for (int i = 0; i < 2 * STRIDE; i++) {
        x[i] *= 30;
    }
    for (int cosine = 0; cosine < 2; cosine++) {
        float w[2] = { cosine ? 0.0f : 1.0f, cosine ? 1.0f : 0.0f }, b[1] = { 2 };
        for (int kept = 0; kept < 2; kept++) {
            hec_periodic_forward(y, STRIDE, kept ? waves : NULL, x, STRIDE, c, w, b, 2, F, 1, 1);
            for (int row = 0; row < 2; row++) {
                for (int j = 0; j < F; j++) {
                    /* The product is rounded to float before its turns are taken. */
                    double turns = (double)(c[j] * x[row * STRIDE + j]);
                    double exact = 2 + (cosine ? cos(2 * M_PI * turns) : sin(2 * M_PI * turns));
                    cr_assert_float_eq((double)y[row * STRIDE + j], exact, 1e-6);
                }
            }
        }
    }
}

Test(layers, periodic_embedding_stays_bounded_for_the_largest_product_allowed)
{
    float x[2] = { 100, -100 }, c[2] = { 40000, 39999.7f }, w[2] = { 1, 0 }, b[1] = { 5 }, y[2];
    hec_periodic_forward(y, 2, NULL, x, 2, c, w, b, 1, 2, 1, 1);
    cr_expect(y[0] >= 3.99f && y[0] <= 6.01f && y[1] >= 3.99f && y[1] <= 6.01f);
}

Test(layers, embedding_looks_up_and_gives_back_to_the_same_rows)
{
    enum { E = 2, C = 2 };
    float table[12] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 }, y[2 * 5], dtable[12] = { 0 };
    const uint32_t index[4] = { 0, 5, 0, 3 };
    const float dy[2 * 5] = { 1, 2, 3, 4, -1, 10, 20, 30, 40, -1 };
    hec_embedding_forward(y, 5, table, index, 2, C, E);
    cr_expect(y[0] == 0 && y[1] == 1 && y[2] == 10 && y[3] == 11);
    cr_expect(y[5] == 0 && y[6] == 1 && y[7] == 6 && y[8] == 7);
    hec_embedding_backward(dtable, dy, 5, index, 2, C, E);
    cr_expect(dtable[0] == 11 && dtable[1] == 22, "a row that is used twice gets both");
    cr_expect(dtable[10] == 3 && dtable[11] == 4 && dtable[6] == 30 && dtable[2] == 0);
}

Test(layers, heads_out_is_a_dot_product_a_head)
{
    enum { B = 3, K = 2, T = 7 };
    float t[B * K * T], w[K * T], b[K], z[B * K];
    fill(t, B * K * T, 9);
    fill(w, K * T, 10);
    fill(b, K, 11);
    hec_heads_out_forward(z, t, w, b, B, K, T);
    for (int at = 0; at < B * K; at++) {
        double sum = (double)b[at % K];
        for (int i = 0; i < T; i++) {
            sum += (double)t[at * T + i] * (double)w[at % K * T + i];
        }
        cr_expect_float_eq((double)z[at], sum, 1e-5);
    }
}

Test(layers, bce_is_the_masked_mean_of_the_log_loss)
{
    const float z[8] = { 0.5f, -1, 2, 80, -3, -90, 0, 7 };
    const int8_t target[8] = { 1, 0, 0, 0, -1, 1, -2, 1 };
    const float weight[8] = { 1, 1, 0.5f, 1, 1, 1, 1, 1 }, scale[2] = { 2, 1 };
    float dz[8];
    double loss[2];
    hec_bce(dz, loss, z, target, weight, scale, 4, 2);
    /* Head 0: rows 0 (target 1) and 1 (target 0, weight a half); the other two are masked. */
    double p0 = 1 / (1 + exp(-0.5)), p1 = 1 / (1 + exp(-2.0));
    cr_expect_float_eq(loss[0], (-log(p0) - 0.5 * log(1 - p1)) / 1.5, 1e-6);
    cr_expect_float_eq((double)dz[0], 2 * (p0 - 1) / 1.5, 1e-6);
    cr_expect_float_eq((double)dz[2], 2 * 0.5 * p1 / 1.5, 1e-6);
    cr_expect(dz[4] == 0 && dz[6] == 0);
    /* Head 1: sure and wrong by 80 and 90, and still finite. */
    double sure = log1p(exp(-1.0)) + 80 + 90 + log1p(exp(-7.0));
    cr_expect_float_eq(loss[1], sure / 4, 1e-5);
    cr_expect_float_eq((double)dz[5], -0.25, 1e-6);
}

Test(layers, bce_of_a_head_without_labels_is_no_number_and_no_gradient)
{
    const float z[2] = { 3, 4 }, weight[2] = { 1, 1 }, scale[1] = { 1 };
    const int8_t target[2] = { -1, -2 };
    float dz[2] = { 9, 9 };
    double loss;
    hec_bce(dz, &loss, z, target, weight, scale, 2, 1);
    cr_expect(isnan(loss) && dz[0] == 0 && dz[1] == 0);
}

Test(layers, squares_are_a_mean_over_the_rows_that_have_a_number)
{
    const float z[8] = { 1, 0, 2, 0, 3, 0, 4, 0 }, value[8] = { 0, 9, 9, 9, 5, 9, 9, 9 };
    const int8_t target[8] = { 1, 1, 0, 1, 1, 1, -1, 1 };
    float dz[8] = { 9, 9, 9, 9, 9, 9, 9, 9 };
    double loss = hec_squares(dz, z, target, value, 0.5f, 0, 4, 2);
    cr_expect_float_eq(loss, (1.0 + 4.0) / 2, 1e-9);
    cr_expect_float_eq((double)dz[0], 0.5 * 2 * 1 / 2, 1e-7);
    cr_expect_float_eq((double)dz[4], 0.5 * 2 * -2 / 2, 1e-7);
    cr_expect(dz[2] == 0 && dz[6] == 0, "no number, no gradient");
    cr_expect(dz[1] == 9 && dz[7] == 9, "the other head is left alone");
    const int8_t none[8] = { 0, 1, 0, 1, -1, 1, -2, 1 };
    cr_expect(isnan(hec_squares(dz, z, none, value, 1, 0, 4, 2)) && dz[0] == 0);
}

Test(layers, reconstruction_cuts_wild_errors_and_leaves_out_rows)
{
    const float y[6] = { 1, 5, 0, 0, 0, 0 }, x[9] = { 0, 0, -1, 0, 3, -1, 7, 7, -1 };
    const uint8_t counts[3] = { 1, 1, 0 };
    float dy[6];
    double loss = hec_reconstruction(dy, y, x, 3, counts, 3, 2);
    cr_expect_float_eq(loss, (1 + 9 + 0 + 9) / 4.0, 1e-6); /* 25 is cut to 9, and so is 9 */
    cr_expect_float_eq((double)dy[0], 2 * 1 / 4.0, 1e-6);
    cr_expect(dy[1] == 0 && dy[3] == 0 && dy[4] == 0 && dy[5] == 0);
    const uint8_t none[3] = { 0, 0, 0 };
    cr_expect(isnan(hec_reconstruction(dy, y, x, 3, none, 3, 2)));
    cr_expect_eq(dy[0], 0);
}
