/* Blends against what can be said of them by hand. */
#define HEC_REAL_DOUBLE
#include "model/blend.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

Test(blend, softmax_and_sigmoid_are_what_they_are_called)
{
    double y[] = { 1, 2, 3, 800, 800, -800 }, s[] = { 0, 2, -2, 800, -800 };
    double sum = exp(1) + exp(2) + exp(3);
    hec_softmax(y, 2, 3);
    for (int i = 0; i < 3; i++) {
        cr_expect_float_eq(y[i], exp(i + 1) / sum, 1e-15);
    }
    cr_expect(y[3] == 0.5 && y[4] == 0.5 && y[5] == 0, "large logits neither overflow nor vanish");
    hec_sigmoids(s, 5);
    cr_expect_eq(s[0], 0.5);
    cr_expect_float_eq(s[1], 1 / (1 + exp(-2)), 1e-15);
    cr_expect_float_eq(s[1] + s[2], 1, 1e-15);
    cr_expect(s[3] == 1 && s[4] >= 0 && s[4] < 1e-300);
}

Test(blend, stitches_as_a_matrix_over_blocks)
{
    const double x[] = { 1, 2, 3, 10, 20, 30 }, w[] = { 1, 0.5, -1, 2 };
    const double expected[] = { 6, 12, 18, 19, 38, 57 };
    double y[6], dx[6], dw[4] = { 0 };
    hec_stitch_forward(y, x, w, 2, 3);
    cr_expect_eq(memcmp(y, expected, sizeof(y)), 0);
    hec_stitch_backward(dx, dw, x, x, w, 2, 3); /* as if the gradient were x itself */
    cr_expect_eq(dx[0], 1 * 1 + -1 * 10);
    cr_expect_eq(dx[3], 0.5 * 1 + 2 * 10);
    cr_expect_eq(dw[1], 1 * 10 + 2 * 20 + 3 * 30);
}

/* Pieces between -1, 0 and 2: the ends run on, what lies between is kept within 0 and 1. */
Test(blend, cuts_a_number_into_pieces)
{
    const double edge[] = { -1, 0, 2 }, scale[] = { 1, 0.5, 1 }, b[] = { 0 };
    const double w[] = { 1, 10, 100 }, x[] = { -3, -0.5, 1, 5 };
    const double expected[][3] = { { -2, 0, 0 }, { 0.5, 0, 0 }, { 1, 0.5, 0 }, { 1, 1, 3 } };
    double y[4], pieces[12];
    hec_piecewise_forward(y, 1, pieces, x, 1, edge, scale, w, b, 4, 1, 3, 1);
    for (int row = 0; row < 4; row++) {
        double sum = 0;
        for (int t = 0; t < 3; t++) {
            cr_expect_float_eq(pieces[row * 3 + t], expected[row][t], 1e-15, "%d %d", row, t);
            sum += w[t] * expected[row][t];
        }
        cr_expect_float_eq(y[row], fmax(sum, 0), 1e-12);
    }
    double again[4];
    hec_piecewise_forward(again, 1, NULL, x, 1, edge, scale, w, b, 4, 1, 3, 1);
    cr_expect_eq(memcmp(y, again, sizeof(y)), 0, "kept or not, the same");
}

Test(blend, adds_products_in_any_length)
{
    double a[19], b[19], expected = 0;
    for (int i = 0; i < 19; i++) {
        a[i] = i + 1;
        b[i] = 1.0 / (i + 2);
        expected += a[i] * b[i];
    }
    cr_expect_float_eq(hec_dot(a, b, 19), expected, 1e-12);
    cr_expect_eq(hec_dot(a, b, 0), 0);
}
