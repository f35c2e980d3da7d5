/* Products: each of the three against plain loops, in both precisions, at sizes around the switch
 * from the row-by-row way, and at zero. */
#include "model/gemm.h"

#include <criterion/criterion.h>
#include <math.h>

#include "hecate/random.h"

enum { MOST = 40 };
static float x[MOST * MOST], w[MOST * MOST], y[MOST * MOST];
static double dx[MOST * MOST], dw[MOST * MOST], dy[MOST * MOST];

static void fill(void)
{
    struct hec_random random = hec_random_at(1, 0);
    for (int i = 0; i < MOST * MOST; i++) {
        dx[i] = hec_random_normal(&random);
        dw[i] = hec_random_normal(&random);
        x[i] = (float)dx[i];
        w[i] = (float)dw[i];
        y[i] = -77;
        dy[i] = -77;
    }
}

static const int sizes[] = { 1, 2, 3, 4, 5, 31, 40 };
enum { SIZES = sizeof(sizes) / sizeof(sizes[0]) };

Test(gemm, nt_is_rows_times_rows)
{
    hec_gemm_setup();
    for (int n = 0; n < SIZES * SIZES; n++) {
        int B = sizes[n % SIZES], O = sizes[n / SIZES], I = 17;
        fill();
        hec_gemm_nt_f32(y, x, w, B, O, I);
        hec_gemm_nt_f64(dy, dx, dw, B, O, I);
        for (int at = 0; at < B * O; at++) {
            double sum = 0;
            for (int i = 0; i < I; i++) {
                sum += dx[at / O * I + i] * dw[at % O * I + i];
            }
            cr_assert_float_eq((double)y[at], sum, 2e-5);
            cr_assert_float_eq(dy[at], sum, 1e-12);
        }
    }
}

Test(gemm, nn_is_rows_times_columns)
{
    for (int n = 0; n < SIZES; n++) {
        int B = sizes[n], I = 11, O = 7;
        fill();
        hec_gemm_nn_f32(y, x, w, B, I, O);
        hec_gemm_nn_f64(dy, dx, dw, B, I, O);
        for (int at = 0; at < B * I; at++) {
            double sum = 0;
            for (int o = 0; o < O; o++) {
                sum += dx[at / I * O + o] * dw[o * I + at % I];
            }
            cr_assert_float_eq((double)y[at], sum, 2e-5);
            cr_assert_float_eq(dy[at], sum, 1e-12);
        }
    }
}

Test(gemm, tn_adds_columns_times_columns)
{
    for (int n = 0; n < SIZES; n++) {
        int B = sizes[n], I = 5, O = 6;
        fill();
        hec_gemm_tn_f32(y, x, w, O, I, B);
        hec_gemm_tn_f64(dy, dx, dw, O, I, B);
        for (int at = 0; at < O * I; at++) {
            double sum = -77;
            for (int row = 0; row < B; row++) {
                sum += dx[row * O + at / I] * dw[row * I + at % I];
            }
            cr_assert_float_eq((double)y[at], sum, 5e-5);
            cr_assert_float_eq(dy[at], sum, 1e-12);
        }
    }
}

Test(gemm, of_nothing_is_zero_and_adds_nothing)
{
    fill();
    hec_gemm_nt_f32(y, x, w, 3, 2, 0);
    cr_expect(y[0] == 0 && y[5] == 0 && y[6] == -77);
    fill();
    hec_gemm_nn_f64(dy, dx, dw, 2, 2, 0);
    cr_expect(dy[0] == 0 && dy[3] == 0 && dy[4] == -77);
    fill();
    hec_gemm_tn_f32(y, x, w, 2, 2, 0);
    hec_gemm_nt_f32(y, x, w, 0, 2, 2);
    hec_gemm_nn_f32(y, x, w, 2, 0, 2);
    cr_expect_eq(y[0], -77);
}
