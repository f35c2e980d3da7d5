/* After the weights: medians, the novelty scale and thresholds, each against a plain count. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hecate/event.h"
#include "model/model.h"
#include "planted.h"

enum { ROWS = 8000 };

/* All scores of one head on the rows where it applies. */
static size_t scores_of(const struct planted *planted, const struct hec_model *model, int head,
                        enum hec_split split, float *out)
{
    struct hec_predictor *predictor;
    size_t n = 0;
    cr_assert_eq(hec_predictor_new(&predictor, model, 1), HEC_OK);
    for (uint32_t row = 0; row < planted->data.rows; row++) {
        float scores[HEC_HEADS_MAX];
        if (planted->split[row] != split ||
            planted->targets[row * HEC_DEFAULT_HEADS + (uint32_t)head] == -2) {
            continue;
        }
        hec_predictor_run(predictor, planted->numerics + row * PLANTED_NUMERICS,
                          planted->categories + row * PLANTED_CATEGORIES, NULL, 1, scores,
                          HEC_HEADS_MAX);
        out[n++] = scores[head];
    }
    hec_predictor_free(predictor);
    return n;
}

Test(finish, stores_the_median_row)
{
    struct planted planted;
    planted_make(&planted, ROWS, 1);
    for (uint32_t row = 0; row < ROWS; row++) { /* one column nearly always missing */
        planted.numerics[row * PLANTED_NUMERICS + PLANTED_NOISE] = row % 9 ? NAN : 1.0f;
    }
    struct hec_model *model = planted_model(&planted, 1, NULL, NULL);
    for (int j = 0; j < PLANTED_NUMERICS; j++) {
        float usual = hec_model_usual(model, j);
        uint32_t below = 0, above = 0, there = 0;
        for (uint32_t row = 0; row < ROWS / 4 * 3; row++) {
            float x = planted.numerics[row * PLANTED_NUMERICS + (uint32_t)j];
            there += !isnan(x);
            below += x < usual;
            above += x > usual;
        }
        bool mostly_there = 2 * there >= ROWS / 4 * 3;
        cr_expect_eq(isnan(usual), !mostly_there, "column %d", j);
        cr_expect(below <= there / 2 && above <= (there + 1) / 2, "column %d", j);
    }
    cr_expect_eq(model->baseline_categories[1], 77u, "the commonest device");
    hec_model_free(model);
    planted_free(&planted);
}

/* Of ordinary training rows, one in ten scores above 1 - .1^(1/3), one in a hundred above
 * 1 - .01^(1/3). */
Test(finish, scales_novelty_to_the_share_of_ordinary_rows)
{
    struct planted planted;
    static float scores[ROWS];
    planted_make(&planted, ROWS, 2);
    struct hec_model *model = planted_model(&planted, 4, NULL, NULL);
    for (uint32_t row = 0; row < ROWS; row++) { /* leave the crimes out of the count */
        if (planted.targets[row * HEC_DEFAULT_HEADS + 2] == HEC_TARGET_POSITIVE) {
            planted.targets[row * HEC_DEFAULT_HEADS + 2] = -2;
        }
    }
    size_t n = scores_of(&planted, model, 2, HEC_SPLIT_TRAIN, scores);
    static const double shares[] = { 0.5, 0.1, 0.01 };
    for (int i = 0; i < 3; i++) {
        double above = 0;
        for (size_t k = 0; k < n; k++) {
            above += (double)scores[k] > 1 - cbrt(shares[i]);
        }
        cr_expect_float_eq(above / (double)n, shares[i], 0.02 * shares[i] + 0.002);
    }
    hec_model_free(model);
    planted_free(&planted);
}

Test(finish, sets_each_threshold_by_counting_validation_rows)
{
    struct planted planted;
    static float scores[ROWS];
    planted_make(&planted, ROWS, 3);
    struct hec_model *model = planted_model(&planted, 3, NULL, NULL);
    for (int head = 0; head < HEC_DEFAULT_HEADS; head++) {
        double frauds = 0, rows = 0, alerts = 0;
        float threshold = hec_model_info(model)->thresholds[head];
        for (uint32_t row = ROWS / 4 * 3; row < ROWS; row++) {
            int8_t target = planted.targets[row * HEC_DEFAULT_HEADS + (uint32_t)head];
            rows += target >= 0;
            frauds += target == HEC_TARGET_POSITIVE;
            if (target == HEC_TARGET_UNKNOWN && head < 2) {
                planted.targets[row * HEC_DEFAULT_HEADS + (uint32_t)head] = -2;
            }
        }
        double share = head == 2 ? 1e-3 : fmin(fmax(frauds / rows, 1e-4), 1e-2);
        size_t n = scores_of(&planted, model, head, HEC_SPLIT_VALID, scores);
        for (size_t i = 0; i < n; i++) {
            alerts += scores[i] >= threshold - 1e-6f;
        }
        cr_expect_float_eq(alerts, floor(share * (double)n), 1.5, "head %d: %f alerts", head,
                           alerts);
    }
    hec_model_free(model);
    planted_free(&planted);
}

Test(finish, drops_the_heads_that_only_training_has)
{
    struct planted planted;
    planted_make(&planted, 2000, 4);
    struct hec_model *model = planted_model(&planted, 1, NULL, NULL);
    cr_expect_eq(model->shape.heads, 2);
    cr_expect_eq(model->layout.place[HEC_T_HEADS_1_WEIGHT].rows, 2);
    hec_model_free(model);
    planted_free(&planted);
}

Test(finish, keeps_a_golden_row_without_holes)
{
    struct planted planted;
    planted_make(&planted, 2000, 5);
    struct hec_model *model = planted_model(&planted, 1, NULL, NULL);
    for (int j = 0; j < PLANTED_NUMERICS; j++) {
        cr_expect(isfinite(model->golden[j]));
    }
    for (int k = 0; k < HEC_DEFAULT_HEADS; k++) {
        cr_expect(model->golden_scores[k] >= 0 && model->golden_scores[k] <= 1);
    }
    hec_model_free(model);
    planted_free(&planted);
}
