/* Counterfactuals: what they say would have passed does pass, within what was seen, and with one
 * column only where one is enough. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "hecate/explain.h"
#include "planted.h"

enum { ROWS = 6000 };

static float numeric[PLANTED_NUMERICS * HEC_CANDIDATES_MAX];
static uint32_t category[PLANTED_CATEGORIES * HEC_CANDIDATES_MAX];
static int numeric_count[PLANTED_NUMERICS], category_count[PLANTED_CATEGORIES];

/* Candidates: what the first honest rows had. */
static struct hec_candidates observed(const struct planted *planted)
{
    memset(numeric_count, 0, sizeof(numeric_count));
    memset(category_count, 0, sizeof(category_count));
    for (uint32_t row = 0; row < 200; row++) {
        for (int j = 0; j < PLANTED_NUMERICS; j++) {
            float x = planted->numerics[row * PLANTED_NUMERICS + (uint32_t)j];
            if (!isnan(x) && planted->fraud_kind[row] == 0 &&
                numeric_count[j] < HEC_CANDIDATES_MAX) {
                numeric[j * HEC_CANDIDATES_MAX + numeric_count[j]++] = x;
            }
        }
        for (int k = 0; k < PLANTED_CATEGORIES && planted->fraud_kind[row] == 0; k++) {
            if (category_count[k] < HEC_CANDIDATES_MAX) {
                category[k * HEC_CANDIDATES_MAX + category_count[k]++] =
                    planted->categories[row * PLANTED_CATEGORIES + (uint32_t)k];
            }
        }
    }
    return (struct hec_candidates){ numeric, numeric_count, category, category_count };
}

Test(counterfactual, says_what_would_have_passed)
{
    struct planted planted;
    struct hec_predictor *predictor;
    struct hec_counterfactual found;
    planted_make(&planted, ROWS, 41);
    struct hec_model *model = planted_model(&planted, 8, NULL, NULL);
    struct hec_candidates candidates = observed(&planted);
    cr_assert_eq(hec_predictor_new(&predictor, model, 1), HEC_OK);
    float threshold = hec_model_info(model)->thresholds[0];
    int alerts = 0, explained = 0;
    for (uint32_t row = 0; row < ROWS; row++) {
        float x[PLANTED_NUMERICS], scores[HEC_HEADS_MAX];
        uint32_t c[PLANTED_CATEGORIES];
        memcpy(x, planted.numerics + row * PLANTED_NUMERICS, sizeof(x));
        memcpy(c, planted.categories + row * PLANTED_CATEGORIES, sizeof(c));
        hec_predictor_run(predictor, x, c, NULL, 1, scores, HEC_HEADS_MAX);
        cr_assert_eq(hec_counterfactual_find(&found, predictor, x, c, 0, threshold, &candidates),
                     HEC_OK);
        if (scores[0] < threshold) {
            cr_assert_eq(found.count, 0, "row %u passes as it is", row);
            continue;
        }
        alerts++;
        cr_assert_neq(found.count, 0);
        explained += found.count > 0;
        for (int i = 0; i < found.count; i++) {
            if (found.column[i] < PLANTED_NUMERICS) {
                int j = found.column[i];
                float low = fminf(x[j], INFINITY), high = x[j];
                for (int v = 0; v < numeric_count[j]; v++) {
                    low = fminf(low, numeric[j * HEC_CANDIDATES_MAX + v]);
                    high = fmaxf(high, numeric[j * HEC_CANDIDATES_MAX + v]);
                }
                cr_assert(found.to[i] >= low && found.to[i] <= high, "row %u leaves the range",
                          row);
                bool counts = j == PLANTED_FAILED || j == PLANTED_NIGHT;
                cr_assert(!counts || rintf(found.to[i]) == found.to[i], "a part of a count");
                x[j] = found.to[i];
            } else {
                c[found.column[i] - PLANTED_NUMERICS] = found.to_category[i];
            }
        }
        if (found.count > 0) {
            hec_predictor_run(predictor, x, c, NULL, 1, scores, HEC_HEADS_MAX);
            cr_assert_lt(scores[0], threshold, "row %u still alerts", row);
            cr_assert_float_eq(scores[0], found.score, 1e-6);
        }
    }
    cr_expect_gt(alerts, 10);
    cr_expect_gt(explained * 10, alerts * 9, "%d of %d", explained, alerts);
    hec_predictor_free(predictor);
    hec_model_free(model);
    planted_free(&planted);
}

/* One column alone is enough where one planted cause is: an oracle tries every one at every value.
 */
Test(counterfactual, changes_one_column_where_one_is_enough)
{
    struct planted planted;
    struct hec_predictor *predictor;
    struct hec_counterfactual found;
    int singles = 0;
    planted_make(&planted, ROWS, 42);
    struct hec_model *model = planted_model(&planted, 8, NULL, NULL);
    struct hec_candidates candidates = observed(&planted);
    cr_assert_eq(hec_predictor_new(&predictor, model, 1), HEC_OK);
    float threshold = hec_model_info(model)->thresholds[0];
    for (uint32_t row = 0; row < 3000; row++) {
        const float *was = planted.numerics + row * PLANTED_NUMERICS;
        const uint32_t *c = planted.categories + row * PLANTED_CATEGORIES;
        float x[PLANTED_NUMERICS], scores[HEC_HEADS_MAX];
        bool one = false;
        hec_predictor_run(predictor, was, c, NULL, 1, scores, HEC_HEADS_MAX);
        if (scores[0] < threshold) {
            continue;
        }
        for (int j = 0; j < PLANTED_NUMERICS; j++) {
            for (int v = 0; v < numeric_count[j]; v++) {
                memcpy(x, was, sizeof(x));
                x[j] = numeric[j * HEC_CANDIDATES_MAX + v];
                hec_predictor_run(predictor, x, c, NULL, 1, scores, HEC_HEADS_MAX);
                one = one || scores[0] < threshold;
            }
        }
        cr_assert_eq(hec_counterfactual_find(&found, predictor, was, c, 0, threshold, &candidates),
                     HEC_OK);
        cr_assert(!one || found.count == 1, "row %u: %d columns where one would do", row,
                  found.count);
        singles += one;
    }
    cr_expect_gt(singles, 5);
    hec_predictor_free(predictor);
    hec_model_free(model);
    planted_free(&planted);
}
