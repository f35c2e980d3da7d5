/* Sampling: every positive, as many others as were asked for, each as likely as any other. */
#include "learn/sample.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "planted.h"

static void options_of(struct hec_train_options *options, double negatives, uint32_t least)
{
    hec_train_defaults(options);
    options->negatives = negatives;
    options->negatives_min = least;
}

/* Oracle: 2 positive for a binary head, 1 negative for one, 0 neither; training rows only. */
static int kind_of(const struct planted *planted, uint32_t row)
{
    const int8_t *t = planted->targets + row * HEC_DEFAULT_HEADS;
    if (planted->split[row] != HEC_SPLIT_TRAIN) {
        return 0;
    }
    return t[0] == 1 || t[1] == 1 ? 2 : t[0] == 0 || t[1] == 0;
}

Test(sample, sorts_training_rows_as_a_plain_scan_does)
{
    struct planted planted;
    struct hec_train_options options;
    struct hec_sample sample;
    uint32_t count[3] = { 0 };
    planted_make(&planted, 2000, 1);
    planted.targets[1] = planted.targets[0] = HEC_TARGET_UNKNOWN; /* row 0: only novelty knows */
    for (uint32_t row = 0; row < 2000; row++) {
        count[kind_of(&planted, row)]++;
    }
    options_of(&options, 3, 0);
    cr_assert_eq(hec_sample_new(&sample, &planted.data, &options), HEC_OK);
    cr_expect_eq(sample.positives_count, count[2]);
    cr_expect_eq(sample.negatives_count, count[1]);
    cr_expect_eq(sample.drawn, 3 * count[2]);
    cr_expect_float_eq(sample.beta, 3.0 * count[2] / count[1], 1e-12);
    hec_sample_free(&sample);

    options_of(&options, 3, 700);
    cr_assert_eq(hec_sample_new(&sample, &planted.data, &options), HEC_OK);
    cr_expect_eq(sample.drawn, 700u, "the least number");
    hec_sample_free(&sample);

    options_of(&options, 1e6, 0);
    cr_assert_eq(hec_sample_new(&sample, &planted.data, &options), HEC_OK);
    cr_expect_eq(sample.drawn, count[1], "no more than there are");
    cr_expect_eq(sample.beta, 1);
    hec_sample_free(&sample);
    planted_free(&planted);
}

Test(sample, draws_all_positives_and_each_negative_at_most_once)
{
    struct planted planted;
    struct hec_train_options options;
    struct hec_sample sample;
    struct hec_random random = hec_random_at(2, HEC_DEFAULT_HEADS);
    static int drawn[2000], before[2000];
    planted_make(&planted, 2000, 2);
    options_of(&options, 2, 0);
    cr_assert_eq(hec_sample_new(&sample, &planted.data, &options), HEC_OK);
    enum { EPOCHS = 400 };
    int same_order = 0;
    for (int epoch = 0; epoch < EPOCHS; epoch++) {
        uint32_t first = sample.rows_count > 0 ? sample.rows[0] : UINT32_MAX;
        memcpy(before, drawn, sizeof(before));
        hec_sample_draw(&sample, &random);
        same_order += sample.rows[0] == first;
        cr_assert_eq(sample.rows_count, sample.positives_count + sample.drawn);
        for (uint32_t i = 0; i < sample.rows_count; i++) {
            drawn[sample.rows[i]]++;
        }
        for (uint32_t row = 0; row < 2000; row++) {
            cr_assert_leq(drawn[row] - before[row], 1);
        }
    }
    cr_expect_lt(same_order, 20, "epochs are shuffled anew");
    double spread = sqrt(EPOCHS * sample.beta * (1 - sample.beta));
    for (uint32_t row = 0; row < 2000; row++) {
        int kind = kind_of(&planted, row);
        double expected = kind == 2 ? EPOCHS : kind == 1 ? EPOCHS * sample.beta : 0;
        double allowed = kind == 1 ? 5 * spread : 0;
        cr_expect(fabs(drawn[row] - expected) <= allowed, "row %u: drawn %d, expected %f", row,
                  drawn[row], expected);
    }
    hec_sample_free(&sample);
    planted_free(&planted);
}

Test(sample, takes_novelty_for_no_crime)
{
    struct planted planted;
    planted_make(&planted, 10, 3);
    int8_t *target = planted.targets;
    target[0] = HEC_TARGET_NOT_APPLICABLE;
    target[1] = HEC_TARGET_UNKNOWN;
    target[2] = HEC_TARGET_POSITIVE;
    cr_expect(!hec_is_positive(&planted.data, 0));
    target[1] = HEC_TARGET_POSITIVE;
    cr_expect(hec_is_positive(&planted.data, 0));
    planted_free(&planted);
}

Test(sample, works_without_any_positive_and_without_any_negative)
{
    struct planted planted;
    struct hec_train_options options;
    struct hec_sample sample;
    struct hec_random random = hec_random_at(4, 0);
    planted_make(&planted, 100, 4);
    options_of(&options, 30, 10);
    memset(planted.targets, HEC_TARGET_NEGATIVE, 100 * HEC_DEFAULT_HEADS);
    cr_assert_eq(hec_sample_new(&sample, &planted.data, &options), HEC_OK);
    cr_expect(sample.positives_count == 0 && sample.drawn == 10);
    hec_sample_draw(&sample, &random);
    cr_expect_eq(sample.rows_count, 10u);
    hec_sample_free(&sample);

    memset(planted.targets, HEC_TARGET_POSITIVE, 100 * HEC_DEFAULT_HEADS);
    cr_assert_eq(hec_sample_new(&sample, &planted.data, &options), HEC_OK);
    cr_expect(sample.positives_count == 75 && sample.drawn == 0 && sample.beta == 1);
    hec_sample_draw(&sample, &random);
    cr_expect_eq(sample.rows_count, 75u);
    hec_sample_free(&sample);
    planted_free(&planted);
}

struct far {
    const struct planted *planted;
    long asked;
};

static void fetch(void *user, const uint32_t *rows, int count, float *numerics,
                  uint32_t *categories)
{
    struct far *far = user;
    for (int i = 0; i < count; i++) {
        memcpy(numerics + i * PLANTED_NUMERICS, far->planted->numerics + rows[i] * PLANTED_NUMERICS,
               PLANTED_NUMERICS * sizeof(float));
        memcpy(categories + i * PLANTED_CATEGORIES,
               far->planted->categories + rows[i] * PLANTED_CATEGORIES,
               PLANTED_CATEGORIES * sizeof(uint32_t));
        far->asked++;
    }
}

/* The whole of training, once from memory and once from elsewhere: the same file. */
Test(sample, takes_rows_from_wherever_they_lie)
{
    for (int embed = 0; embed < HEC_EMBEDS; embed++) {
        struct planted planted;
        struct hec_train_options options;
        void *bytes[2];
        size_t size[2];
        planted_make(&planted, 2000, 8);
        hec_train_defaults(&options);
        options.epochs_max = 2;
        options.network.embed = (enum hec_embed)embed;
        cr_assert_eq(hec_train(&bytes[0], &size[0], &planted.data, &options, NULL, NULL, NULL),
                     HEC_OK);
        struct far far = { .planted = &planted };
        struct hec_dataset data = planted.data;
        data.numerics = NULL;
        data.categories = NULL;
        data.fetch = fetch;
        data.fetch_user = &far;
        cr_assert_eq(hec_train(&bytes[1], &size[1], &data, &options, NULL, NULL, NULL), HEC_OK);
        cr_expect(far.asked > 2 * 1500, "scaler and epochs ask for every training row");
        cr_assert_eq(size[0], size[1]);
        cr_expect_eq(memcmp(bytes[0], bytes[1], size[0]), 0, "embedding %d", embed);
        free(bytes[0]);
        free(bytes[1]);
        planted_free(&planted);
    }
}
