/* Prediction: the same whatever the batch, silent where a head does not apply, finite on garbage.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "hecate/event.h"
#include "hecate/random.h"
#include "model/model.h"
#include "planted.h"

static struct planted planted;
static struct hec_model *model;

static void make(void)
{
    planted_make(&planted, 1500, 1);
    model = planted_model(&planted, 2, NULL, NULL);
}

static void unmake(void)
{
    hec_model_free(model);
    planted_free(&planted);
}

TestSuite(predictor, .init = make, .fini = unmake);

static struct hec_predictor *predictor_of(int rows_max)
{
    struct hec_predictor *predictor;
    cr_assert_eq(hec_predictor_new(&predictor, model, rows_max), HEC_OK);
    return predictor;
}

static void run(struct hec_predictor *predictor, uint32_t first, int rows, float *scores)
{
    hec_predictor_run(predictor, planted.numerics + first * PLANTED_NUMERICS,
                      planted.categories + first * PLANTED_CATEGORIES, planted.event_type + first,
                      rows, scores, HEC_HEADS_MAX);
}

Test(predictor, scores_a_row_alike_in_any_batch)
{
    static float all[256 * HEC_HEADS_MAX], some[256 * HEC_HEADS_MAX];
    struct hec_predictor *predictor = predictor_of(256);
    run(predictor, 0, 256, all);
    static const int batches[] = { 1, 2, 3, 4, 7, 64, 255 };
    for (size_t b = 0; b < sizeof(batches) / sizeof(batches[0]); b++) {
        for (int first = 0; first + batches[b] <= 256; first += batches[b]) {
            run(predictor, (uint32_t)first, batches[b], some);
            for (int i = 0; i < batches[b]; i++) {
                for (int k = 0; k < 3; k++) {
                    float is = some[i * HEC_HEADS_MAX + k];
                    float was = all[(first + i) * HEC_HEADS_MAX + k];
                    cr_assert(isnan(is) ? isnan(was) : is == was, "not the same bits");
                }
            }
        }
    }
    hec_predictor_free(predictor);
}

Test(predictor, is_silent_where_a_head_does_not_apply)
{
    float scores[HEC_HEADS_MAX];
    struct hec_predictor *predictor = predictor_of(1);
    for (uint32_t row = 0; row < 100; row++) {
        run(predictor, row, 1, scores);
        bool pays = planted.event_type[row] <= HEC_TRANSFER;
        cr_assert_eq(isnan(scores[0]), !pays);
        cr_assert(scores[1] >= 0 && scores[1] <= 1 && scores[2] >= 0 && scores[2] < 1);
    }
    hec_predictor_run(predictor, planted.numerics, planted.categories, NULL, 1, scores, 3);
    cr_expect(!isnan(scores[0]), "without types every head judges");
    hec_predictor_free(predictor);
}

Test(predictor, writes_its_own_columns_only_and_nothing_for_no_rows)
{
    float scores[2 * 5];
    struct hec_predictor *predictor = predictor_of(2);
    for (int i = 0; i < 10; i++) {
        scores[i] = -9;
    }
    hec_predictor_run(predictor, planted.numerics, planted.categories, NULL, 0, scores, 5);
    cr_expect_eq(scores[0], -9);
    hec_predictor_run(predictor, planted.numerics, planted.categories, NULL, 2, scores, 5);
    cr_expect(scores[2] >= 0 && scores[3] == -9 && scores[4] == -9 && scores[7] >= 0);
    hec_predictor_free(predictor);
}

Test(predictor, gives_a_number_for_any_bits)
{
    struct hec_random random = hec_random_at(9, 0);
    struct hec_predictor *predictor = predictor_of(1);
    for (int i = 0; i < 5000; i++) {
        float numerics[PLANTED_NUMERICS], scores[HEC_HEADS_MAX];
        uint32_t categories[PLANTED_CATEGORIES];
        for (int j = 0; j < PLANTED_NUMERICS; j++) {
            uint32_t bits = hec_random_bits(&random);
            memcpy(&numerics[j], &bits, sizeof(bits));
        }
        for (int k = 0; k < PLANTED_CATEGORIES; k++) {
            categories[k] = hec_random_bits(&random);
        }
        hec_predictor_run(predictor, numerics, categories, NULL, 1, scores, HEC_HEADS_MAX);
        for (int k = 0; k < 3; k++) {
            cr_assert(scores[k] >= 0 && scores[k] <= 1, "row %d head %d: %f", i, k,
                      (double)scores[k]);
        }
    }
    hec_predictor_free(predictor);
}

Test(predictor, says_nothing_of_a_category_that_training_never_met)
{
    float seen[HEC_HEADS_MAX], unseen[HEC_HEADS_MAX];
    struct hec_predictor *predictor = predictor_of(1);
    uint32_t absent[PLANTED_CATEGORIES] = { 0, 0 }, strange[PLANTED_CATEGORIES] = { 314159, 0 };
    hec_predictor_run(predictor, planted.numerics, absent, NULL, 1, seen, HEC_HEADS_MAX);
    hec_predictor_run(predictor, planted.numerics, strange, NULL, 1, unseen, HEC_HEADS_MAX);
    for (int k = 0; k < 3; k++) { /* channel is never absent in training: both rows are zero */
        cr_expect_eq(seen[k], unseen[k]);
    }
    hec_predictor_free(predictor);
}

static void *score_all(void *result)
{
    struct hec_predictor *predictor = predictor_of(64);
    for (uint32_t first = 0; first + 64 <= 1500; first += 64) {
        run(predictor, first, 64, (float *)result + first * HEC_HEADS_MAX);
    }
    hec_predictor_free(predictor);
    return NULL;
}

Test(predictor, shares_one_model_among_threads)
{
    enum { THREADS = 4 };
    static float scores[THREADS][1500 * HEC_HEADS_MAX];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        cr_assert_eq(pthread_create(&threads[i], NULL, score_all, scores[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        cr_expect_eq(memcmp(scores[i], scores[0], sizeof(scores[0])), 0);
    }
}

Test(predictor, turns_an_error_into_the_share_of_rows_above_it)
{
    const struct hec_tail tail = { 3, { 0.5f, 1, 2 }, { 0, -2.302585f, -6.907755f } };
    cr_expect_eq(hec_tail_score(&tail, 0), 0);
    cr_expect_eq(hec_tail_score(&tail, 0.5f), 0);
    cr_expect_float_eq(hec_tail_score(&tail, 1), 1 - powf(0.1f, 1.0f / 3), 1e-5);
    cr_expect_float_eq(hec_tail_score(&tail, 2), 0.9f, 1e-5, "one in a thousand");
    cr_expect_float_eq(hec_tail_score(&tail, 3.5f), 0.99f, 1e-5, "one in a million, extrapolated");
    float before = 0;
    for (float error = 0.51f; error < 9; error += 0.01f) {
        float score = hec_tail_score(&tail, error);
        cr_assert(score > before && score < 1, "error %f", (double)error);
        before = error < 6 ? score : before;
    }
    cr_expect_eq(hec_tail_score(&(struct hec_tail){ 0 }, 1), 0);
}
