/* The scaler: libm's logarithm, the plain mean and deviation, and what is missing. */
#include "model/scaler.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "hecate/random.h"
#include "model/elementary.h"

struct given {
    const float *numerics;
    const uint32_t *pick;
    int columns;
};

static void give(void *user, size_t first, int count, float *numerics)
{
    const struct given *given = user;
    for (int i = 0; i < count * given->columns; i++) {
        size_t row = given->pick[first + (size_t)(i / given->columns)];
        numerics[i] = given->numerics[row * (size_t)given->columns + (size_t)(i % given->columns)];
    }
}

static void fit(struct hec_scaler *scaler, const float *numerics, const uint32_t *pick,
                size_t picks)
{
    struct given given = { numerics, pick, scaler->numerics };
    cr_assert_eq(hec_scaler_fit(scaler, picks, give, &given), HEC_OK);
}

Test(scaler, has_libms_logarithm_over_the_whole_range)
{
    struct hec_random random = hec_random_at(1, 0);
    for (int i = 0; i < 200000; i++) {
        double power = 44 * hec_random_uniform(&random) - 14; /* 1e-14 .. 1e30 */
        float x = (float)((i % 2 ? 1 : -1) * pow(10, power));
        double exact = copysign(log1p(fabs((double)x)), (double)x);
        double got = (double)hec_signed_log1p(x);
        cr_assert(fabs(got - exact) <= 4e-7 * fmax(fabs(exact), 1e-20) + 1e-30 ||
                      fabs(got - exact) <= 2.5e-7 * fmin(1, fabs(exact)),
                  "log1p(%g) = %.9g, exactly %.9g", (double)x, got, exact);
    }
    cr_expect_eq(hec_signed_log1p(0), 0);
    cr_expect_float_eq(hec_signed_log1p(INFINITY), 69.0775528f, 1e-4);
    cr_expect_float_eq(hec_signed_log1p(-INFINITY), -69.0775528f, 1e-4);
}

Test(scaler, has_libms_exponential_and_never_overflows)
{
    for (double x = -86; x < 88; x += 0.0137) {
        double exact = exp((double)(float)x), got = (double)hec_exp((float)x);
        cr_assert(fabs(got / exact - 1) < 4e-7, "exp(%g) = %g, exactly %g", x, got, exact);
    }
    cr_expect(isfinite(hec_exp(1e9f)) && hec_exp(-1e9f) >= 0 && hec_exp(-1e9f) < 1e-37f);
    cr_expect_float_eq(hec_sigmoid(0), 0.5f, 1e-7);
    cr_expect_float_eq(hec_sigmoid(3) + hec_sigmoid(-3), 1, 1e-6);
    cr_expect(hec_sigmoid(1e9f) == 1 && hec_sigmoid(-1e9f) >= 0);
}

enum { ROWS = 500, COLUMNS = 4 };

static void fill(float *numerics, uint32_t *pick)
{
    struct hec_random random = hec_random_at(2, 0);
    for (int i = 0; i < ROWS; i++) {
        numerics[i * COLUMNS] = (float)exp(5 * hec_random_normal(&random));
        numerics[i * COLUMNS + 1] = i % 3 == 0 ? NAN : (float)hec_random_normal(&random);
        numerics[i * COLUMNS + 2] = -12345.678f;
        numerics[i * COLUMNS + 3] = NAN;
        pick[i] = (uint32_t)i;
    }
}

Test(scaler, standardises_what_is_there)
{
    static float numerics[ROWS * COLUMNS], input[ROWS * 8];
    uint32_t pick[ROWS];
    struct hec_scaler scaler;
    fill(numerics, pick);
    cr_assert_eq(hec_scaler_new(&scaler, COLUMNS), HEC_OK);
    fit(&scaler, numerics, pick, ROWS);
    cr_expect_eq(scaler.indicators, 2);
    cr_expect(scaler.indicator_column[0] == 1 && scaler.indicator_column[1] == 3);
    hec_scaler_apply(&scaler, numerics, ROWS, input, 8);

    for (int j = 0; j < 2; j++) {
        double sum = 0, squares = 0, there = 0;
        for (int i = 0; i < ROWS; i++) {
            if (!isnan(numerics[i * COLUMNS + j])) {
                sum += (double)input[i * 8 + j];
                squares += pow((double)input[i * 8 + j], 2);
                there++;
            }
        }
        cr_expect_float_eq(sum / there, 0, 1e-4, "column %d", j);
        cr_expect_float_eq(squares / there, 1, 1e-4, "column %d", j);
    }
    for (int i = 0; i < ROWS; i++) {
        cr_assert_eq(input[i * 8 + 2], 0, "a constant says nothing");
        cr_assert_eq(input[i * 8 + 3], 0, "what never was there is 0");
        cr_assert_eq(input[i * 8 + 4], i % 3 == 0 ? 1.0f : 0.0f);
        cr_assert_eq(input[i * 8 + 5], 1);
        cr_assert(i % 3 != 0 || input[i * 8 + 1] == 0);
    }
    hec_scaler_free(&scaler);
}

Test(scaler, learns_from_the_picked_rows_only)
{
    static float numerics[ROWS * COLUMNS];
    uint32_t pick[ROWS];
    struct hec_scaler all, some;
    fill(numerics, pick);
    for (int i = 0; i < ROWS; i++) {
        pick[i] = (uint32_t)(i % 10); /* the first ten rows, many times */
    }
    cr_assert_eq(hec_scaler_new(&some, COLUMNS), HEC_OK);
    cr_assert_eq(hec_scaler_new(&all, COLUMNS), HEC_OK);
    fit(&some, numerics, pick, 10);
    numerics[10 * COLUMNS] = 1e20f;
    fit(&all, numerics, pick, 10);
    cr_expect_eq(some.mean[0], all.mean[0]);
    cr_expect_eq(some.inverse[0], all.inverse[0]);
    hec_scaler_free(&some);
    hec_scaler_free(&all);
}

Test(scaler, guards_at_a_hundred_deviations_and_takes_anything)
{
    const float train[] = { 0, 1, 0, 1 };
    const uint32_t pick[] = { 0, 1, 2, 3 };
    const float wild[] = { INFINITY, -INFINITY, 1e38f, NAN, 0.5f };
    float input[5];
    struct hec_scaler scaler;
    cr_assert_eq(hec_scaler_new(&scaler, 1), HEC_OK);
    fit(&scaler, train, pick, 4);
    hec_scaler_apply(&scaler, wild, 5, input, 1);
    cr_expect_eq(input[0], 100);
    cr_expect_eq(input[1], -100);
    cr_expect_eq(input[2], 100);
    cr_expect_eq(input[3], 0);
    double middle = (log(1.5) - log(2) / 2) / (log(2) / 2);
    cr_expect_float_eq((double)input[4], middle, 1e-5);
    hec_scaler_free(&scaler);
}

Test(scaler, keeps_row_0_of_a_table_for_what_is_absent)
{
    uint32_t seen = 0;
    cr_expect_eq(hec_category_row(0, 4096), 0u);
    for (uint32_t hash = 1; hash < 100000; hash++) {
        uint32_t row = hec_category_row(hash, 4096);
        cr_assert(row >= 1 && row < 4096);
        seen |= row == 4095;
    }
    cr_expect(seen, "the last row is used");
    cr_expect_eq(hec_category_row(UINT32_MAX, 2), 1u);

    const uint32_t categories[4] = { 0, 5, UINT32_MAX, 0 };
    uint32_t index[4];
    hec_categories_apply(index, categories, 2, 2, 100);
    cr_expect(index[0] == 0 && index[3] == 100);
    cr_expect(index[1] == 100 + hec_category_row(5, 100));
    cr_expect(index[2] == hec_category_row(UINT32_MAX, 100));
}
