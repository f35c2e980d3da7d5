/* Reptile: a start from which one kind of fraud is learned from a few, found on the others. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hecate/metrics.h"
#include "hecate/pretrain.h"
#include "hecate/random.h"
#include "planted.h"

enum { ROWS = 12000, SHOTS = 8 };

static struct hec_head one_head = { .name = "third", .kind = HEC_HEAD_BINARY, .loss_weight = 1 };

/* AP on the last quarter of a head for the third kind, learned from a few frauds. */
static double few_shot_ap(const struct planted *planted, const struct hec_model *start,
                          uint64_t seed)
{
    struct hec_train_options options;
    struct hec_error error = { 0 };
    struct hec_model *model;
    struct hec_predictor *predictor;
    void *bytes;
    size_t size, n = 0;
    static int8_t targets[ROWS];
    static uint8_t split[ROWS], label[ROWS];
    static float score[ROWS];
    one_head.event_types = ~0u;
    for (uint32_t row = 0; row < ROWS; row++) {
        targets[row] = planted->fraud_kind[row] == 3 ? 1 : planted->fraud_kind[row] == 0 ? 0 : -1;
        split[row] = planted->split[row];
    }
    cr_assert_eq(hec_train_shots(targets, split, ROWS, 1, 0, SHOTS, seed), SHOTS);
    struct hec_dataset data = planted->data;
    data.heads = &one_head;
    data.heads_count = 1;
    data.targets = targets;
    data.split = split;
    data.fraud_kind = NULL;
    hec_train_defaults(&options);
    options.seed = seed;
    options.epochs_max = 4;
    options.warm_start = start;
    options.trunk_rate = 1;
    cr_assert_eq(hec_train(&bytes, &size, &data, &options, NULL, NULL, &error), HEC_OK, "%s",
                 error.text);
    cr_assert_eq(hec_model_load(&model, bytes, size, NULL, &error), HEC_OK);
    cr_assert_eq(hec_predictor_new(&predictor, model, 1), HEC_OK);
    for (uint32_t row = ROWS / 4 * 3; row < ROWS; row++) {
        if (planted->fraud_kind[row] == 0 || planted->fraud_kind[row] == 3) {
            hec_predictor_run(predictor, planted->numerics + row * PLANTED_NUMERICS,
                              planted->categories + row * PLANTED_CATEGORIES, NULL, 1, &score[n],
                              1);
            label[n++] = planted->fraud_kind[row] == 3;
        }
    }
    hec_predictor_free(predictor);
    hec_model_free(model);
    free(bytes);
    return hec_metric_average_precision(score, label, n);
}

Test(reptile, finds_a_better_start_than_a_draw_and_the_same_one_twice)
{
    struct planted planted;
    struct hec_train_options options;
    struct hec_reptile_options reptile;
    struct hec_error error = { 0 };
    struct hec_model *start;
    void *bytes[2];
    size_t size[2];
    static uint8_t genuine[ROWS], kind[ROWS];
    struct hec_random random = hec_random_at(71, 71);
    planted_make(&planted, ROWS, 71);
    /* Kinds that have something in common, which is hard to see in a few of one. */
    for (uint32_t row = 0; row < ROWS; row++) {
        float *x = planted.numerics + row * PLANTED_NUMERICS;
        uint32_t *c = planted.categories + row * PLANTED_CATEGORIES;
        if (planted.fraud_kind[row] > 0) {
            x[PLANTED_RISK] = (float)(0.08 + 0.08 * hec_random_uniform(&random));
            x[PLANTED_NOISE] += 1.5f;
            x[PLANTED_FAILED] = (float)hec_random_below(&random, 3);
            x[PLANTED_NIGHT] = (float)hec_random_below(&random, 2);
            x[PLANTED_AMOUNT] = (float)exp(3 + hec_random_normal(&random));
            c[0] = 1000 + (uint32_t)hec_random_below(&random, 5);
        }
        genuine[row] = planted.fraud_kind[row] == 0;
        kind[row] = planted.fraud_kind[row] == 3 ? 0 : planted.fraud_kind[row]; /* held out */
    }
    struct hec_dataset data = planted.data;
    data.fraud_kind = kind;
    hec_train_defaults(&options);
    hec_reptile_defaults(&reptile);
    reptile.rounds = 60;
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(hec_reptile(&bytes[i], &size[i], &data, genuine, &options, &reptile, &error),
                     HEC_OK, "%s", error.text);
    }
    cr_expect(size[0] == size[1] && memcmp(bytes[0], bytes[1], size[0]) == 0);
    cr_assert_eq(hec_model_load(&start, bytes[0], size[0], NULL, &error), HEC_OK, "%s", error.text);
    double warm = 0, cold = 0;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        warm += few_shot_ap(&planted, start, seed) / 4;
        cold += few_shot_ap(&planted, NULL, seed) / 4;
    }
    cr_expect_gt(warm, cold, "%f from the start, %f from a draw", warm, cold);
    free(bytes[0]);
    free(bytes[1]);
    hec_model_free(start);

    reptile.shots = 5000;
    cr_expect_eq(hec_reptile(&bytes[0], &size[0], &data, genuine, &options, &reptile, &error),
                 HEC_INVALID);
    planted_free(&planted);
}

struct elsewhere {
    const struct planted *planted;
    long fetched;
};

static void fetch(void *user, const uint32_t *rows, int count, float *numerics,
                  uint32_t *categories)
{
    struct elsewhere *elsewhere = user;
    for (int i = 0; i < count; i++) {
        memcpy(numerics + i * PLANTED_NUMERICS,
               elsewhere->planted->numerics + rows[i] * PLANTED_NUMERICS,
               sizeof(float) * PLANTED_NUMERICS);
        memcpy(categories + i * PLANTED_CATEGORIES,
               elsewhere->planted->categories + rows[i] * PLANTED_CATEGORIES,
               sizeof(uint32_t) * PLANTED_CATEGORIES);
    }
    elsewhere->fetched += count;
}

/* Rows that lie in a file are fetched; the model is the same to the byte. */
Test(reptile, learns_the_same_from_rows_that_are_not_in_memory)
{
    struct planted planted;
    struct hec_train_options options;
    struct hec_reptile_options reptile;
    struct hec_error error = { 0 };
    static uint8_t genuine[2000];
    void *bytes[2];
    size_t size[2];
    planted_make(&planted, 2000, 72);
    for (uint32_t row = 0; row < 2000; row++) {
        genuine[row] = planted.fraud_kind[row] == 0;
    }
    struct elsewhere elsewhere = { .planted = &planted };
    struct hec_dataset data = planted.data;
    hec_train_defaults(&options);
    hec_reptile_defaults(&reptile);
    reptile.rounds = 2;
    reptile.shots = 3;
    for (int i = 0; i < 2; i++) {
        data.fetch = i == 0 ? NULL : fetch;
        data.fetch_user = &elsewhere;
        data.numerics = i == 0 ? planted.numerics : NULL;
        data.categories = i == 0 ? planted.categories : NULL;
        cr_assert_eq(hec_reptile(&bytes[i], &size[i], &data, genuine, &options, &reptile, &error),
                     HEC_OK, "%s", error.text);
    }
    cr_expect_gt(elsewhere.fetched, 2000);
    cr_expect(size[0] == size[1] && memcmp(bytes[0], bytes[1], size[0]) == 0);
    free(bytes[0]);
    free(bytes[1]);
    planted_free(&planted);
}
