/* Aggregation against cases worked by hand, and by the properties that each method promises. */
#include "learn/aggregate.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { DIMENSIONS = 6, MOST = 6 };

static void weigh(double *weights, enum hec_mtl way, const double *G, int K)
{
    struct hec_random random = hec_random_at(1, 0);
    hec_aggregate_weights(weights, way, G, K, &random);
}

static void expect(enum hec_mtl way, const double *G, int K, const double *expected)
{
    double weights[MOST];
    weigh(weights, way, G, K);
    for (int k = 0; k < K; k++) {
        cr_expect_float_eq(weights[k], expected[k], 1e-9, "%s: weight %d is %.12g, not %.12g",
                           hec_mtl_names[way], k, weights[k], expected[k]);
    }
}

/* g1 = (1,0), g2 = (-1,1): they conflict, and one is longer. */
Test(aggregate, gives_two_conflicting_tasks_what_was_worked_by_hand)
{
    const double G[] = { 1, -1, -1, 2 };
    const double sum = 3 + 2 * sqrt(2);
    expect(HEC_MTL_SUM, G, 2, (double[]){ 1, 1 });
    expect(HEC_MTL_MTSGD, G, 2, (double[]){ 1, 1 });
    /* g1 + g2/2 and g2 + g1 */
    expect(HEC_MTL_PCGRAD, G, 2, (double[]){ 2, 1.5 });
    /* v = (1,u): 1 - 2u + 2u^2 is least at 1/2; v = (u,1): u^2 - 2u + 2 at 1 */
    expect(HEC_MTL_UPGRAD, G, 2, (double[]){ 2, 1.5 });
    /* the foot of the perpendicular is 3/5 of the way */
    expect(HEC_MTL_MGDA, G, 2, (double[]){ 1.2, 0.8 });
    /* G w = (1, sqrt 2) */
    expect(HEC_MTL_IMTL_G, G, 2, (double[]){ 2 * (2 + sqrt(2)) / sum, 2 * (1 + sqrt(2)) / sum });
}

/* The short one lies within the long one's reach: the nearest point of the hull is its end. */
Test(aggregate, ends_at_the_shortest_gradient_when_all_agree)
{
    const double G[] = { 1, 2, 2, 9 };
    expect(HEC_MTL_MGDA, G, 2, (double[]){ 2, 0 });
    expect(HEC_MTL_PCGRAD, G, 2, (double[]){ 1, 1 });
    expect(HEC_MTL_UPGRAD, G, 2, (double[]){ 1, 1 });
}

/* Lengths 1, 2, 4, at right angles. */
Test(aggregate, gives_three_tasks_at_right_angles_what_was_worked_by_hand)
{
    const double G[] = { 1, 0, 0, 0, 4, 0, 0, 0, 16 };
    expect(HEC_MTL_PCGRAD, G, 3, (double[]){ 1, 1, 1 });
    expect(HEC_MTL_UPGRAD, G, 3, (double[]){ 1, 1, 1 });
    expect(HEC_MTL_IMTL_G, G, 3, (double[]){ 12.0 / 7, 6.0 / 7, 3.0 / 7 });
    expect(HEC_MTL_MGDA, G, 3, (double[]){ 48.0 / 21, 12.0 / 21, 3.0 / 21 });
}

/* Three unit gradients in a plane, 120 degrees apart, cannot all be served. */
Test(aggregate, stands_still_where_no_step_helps_all)
{
    const double G[] = { 1, -0.5, -0.5, -0.5, 1, -0.5, -0.5, -0.5, 1 };
    for (int way = HEC_MTL_IMTL_G; way <= HEC_MTL_MGDA; way++) {
        double weights[3], length = 0;
        weigh(weights, way, G, 3);
        for (int i = 0; i < 9; i++) {
            length += weights[i / 3] * weights[i % 3] * G[i];
        }
        cr_expect_float_eq(length, 0, 1e-9, "%s: %g", hec_mtl_names[way], length);
    }
}

static void made_up(double *G, int K, uint64_t seed)
{
    struct hec_random random = hec_random_at(seed, 0);
    double g[MOST][DIMENSIONS];
    for (int k = 0; k < K; k++) {
        double size = pow(10, 2 * hec_random_uniform(&random) - 1);
        for (int d = 0; d < DIMENSIONS; d++) {
            g[k][d] = size * hec_random_normal(&random);
        }
    }
    for (int i = 0; i < K; i++) {
        for (int j = 0; j < K; j++) {
            G[i * K + j] = 0;
            for (int d = 0; d < DIMENSIONS; d++) {
                G[i * K + j] += g[i][d] * g[j][d];
            }
        }
    }
}

/* Inner products of the aggregate with each gradient, over that one's length. */
static void projections(double *to, const double *weights, const double *G, int K)
{
    for (int i = 0; i < K; i++) {
        to[i] = 0;
        for (int j = 0; j < K; j++) {
            to[i] += weights[j] * G[i * K + j] / sqrt(G[i * K + i]);
        }
    }
}

Test(aggregate, keeps_what_each_method_promises)
{
    int conflicts = 0;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        int K = 2 + (int)(seed % (MOST - 1));
        double G[MOST * MOST], weights[MOST], along[MOST];
        made_up(G, K, seed);
        weigh(weights, HEC_MTL_SUM, G, K);
        projections(along, weights, G, K);
        for (int i = 0; i < K; i++) {
            conflicts += along[i] < 0;
        }
        weigh(weights, HEC_MTL_UPGRAD, G, K);
        projections(along, weights, G, K);
        for (int i = 0; i < K; i++) {
            cr_assert_geq(weights[i], 1 - 1e-9, "upgrad, seed %llu", (unsigned long long)seed);
            cr_assert_geq(along[i], -1e-6, "upgrad conflicts, seed %llu", (unsigned long long)seed);
        }
        weigh(weights, HEC_MTL_MGDA, G, K);
        projections(along, weights, G, K);
        for (int i = 0; i < K; i++) {
            cr_assert_geq(weights[i], 0);
            cr_assert_geq(along[i], -1e-6, "mgda conflicts, seed %llu", (unsigned long long)seed);
        }
        weigh(weights, HEC_MTL_IMTL_G, G, K);
        projections(along, weights, G, K);
        for (int i = 1; i < K; i++) {
            cr_assert_float_eq(along[i], along[0], 1e-6 * fmax(1, fabs(along[0])),
                               "imtl-g projects unequally, seed %llu", (unsigned long long)seed);
        }
    }
    cr_expect_gt(conflicts, 50, "the sum conflicts with some, or nothing was shown: %d", conflicts);
}

Test(aggregate, does_not_mind_the_order_of_tasks_or_the_unit_of_the_loss)
{
    static const int order[] = { 2, 0, 3, 1 };
    for (int way = HEC_MTL_IMTL_G; way <= HEC_MTL_MGDA; way++) {
        for (uint64_t seed = 1; seed <= 50; seed++) {
            double G[16], turned[16], larger[16], weights[4], again[4], scaled[4];
            made_up(G, 4, seed);
            for (int i = 0; i < 16; i++) {
                turned[i] = G[order[i / 4] * 4 + order[i % 4]];
                larger[i] = 1e6 * G[i];
            }
            weigh(weights, way, G, 4);
            weigh(again, way, turned, 4);
            weigh(scaled, way, larger, 4);
            for (int i = 0; i < 4; i++) {
                double near = 1e-6 * fmax(1, fabs(weights[i]));
                cr_assert_float_eq(scaled[i], weights[i], near, "%s", hec_mtl_names[way]);
                cr_assert_float_eq(again[i], weights[order[i]], 1e-6 * fmax(1, fabs(again[i])));
            }
        }
    }
}

Test(aggregate, is_the_task_itself_when_there_is_one)
{
    const double G[] = { 7 }, beside[] = { 7, 0, 0, 0 };
    for (int way = 0; way < HEC_MTLS; way++) {
        expect(way, G, 1, (double[]){ 1 });
        expect(way, beside, 2, (double[]){ 1, 1 }); /* a silent one changes nothing */
    }
}

Test(aggregate, solves_what_has_no_inverse)
{
    const double A[] = { 2, 2, 2, 2 }, b[] = { 4, 4 };
    double x[2];
    hec_aggregate_pseudo_solve(x, A, b, 2);
    cr_expect_float_eq(x[0], 1, 1e-12);
    cr_expect_float_eq(x[1], 1, 1e-12);
}

/* Against the plainest search: every set of active bounds, the best that is allowed. */
Test(aggregate, finds_the_least_of_a_quadratic_over_what_is_not_negative)
{
    for (uint64_t seed = 1; seed <= 100; seed++) {
        double H[9], c[3], u[3], best = 0;
        struct hec_random random = hec_random_at(seed, 1);
        made_up(H, 3, seed);
        for (int i = 0; i < 3; i++) {
            c[i] = 3 * hec_random_normal(&random);
        }
        hec_aggregate_nonnegative(u, H, c, 3);
        double value = 0;
        for (int i = 0; i < 3; i++) {
            cr_assert_geq(u[i], 0);
            value -= c[i] * u[i];
            for (int j = 0; j < 3; j++) {
                value += 0.5 * u[i] * H[i * 3 + j] * u[j];
            }
        }
        for (int way = 0; way < 20000; way++) { /* no point found at random is better */
            double p[3], other = 0;
            for (int i = 0; i < 3; i++) {
                p[i] = fmax(0, u[i] + 0.3 * hec_random_normal(&random) * (way % 2 ? u[i] : 1));
            }
            for (int i = 0; i < 3; i++) {
                other -= c[i] * p[i];
                for (int j = 0; j < 3; j++) {
                    other += 0.5 * p[i] * H[i * 3 + j] * p[j];
                }
            }
            best = fmin(best, other);
        }
        cr_assert_leq(value, best + 1e-9 * fmax(1, fabs(best)), "seed %llu: %g, not %g",
                      (unsigned long long)seed, value, best);
    }
}
