/* Pretraining: it finds what one number says of another, looks at no label, and is a start. */
#include "hecate/pretrain.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hecate/random.h"
#include "planted.h"

enum { ROWS = 6000 };

struct heard {
    double first, last;
};

static bool hear(void *user, const struct hec_train_progress *told)
{
    struct heard *heard = user;
    if (told->message == NULL) {
        heard->first = told->epoch == 1 ? told->loss[1] : heard->first;
        heard->last = told->loss[1];
    }
    return true;
}

/* Two columns that say each other; where they do not, nobody can do better than the mean. */
static struct heard losses_of(bool related, void **bytes, size_t *size)
{
    struct planted planted;
    struct hec_train_options options;
    struct hec_error error = { 0 };
    struct heard heard = { 0 };
    planted_make(&planted, ROWS, 61);
    struct hec_random random = hec_random_at(9, 9);
    for (uint32_t row = 0; row < ROWS; row++) {
        float *x = planted.numerics + row * PLANTED_NUMERICS;
        for (int j = 0; j < PLANTED_NUMERICS; j++) {
            x[j] = (float)hec_random_normal(&random);
        }
        for (int j = 1; j < PLANTED_NUMERICS && related; j++) {
            x[j] = x[0];
        }
        planted.targets[row * 3] = 77; /* never looked at */
    }
    hec_train_defaults(&options);
    options.epochs_max = 12;
    options.mask_share = 0.3;
    options.dropout = 0;
    enum hec_status status =
        hec_pretrain(bytes, size, &planted.data, &options, hear, &heard, &error);
    cr_assert_eq(status, HEC_OK, "%s", error.text);
    planted_free(&planted);
    return heard;
}

Test(pretrain, tells_hidden_numbers_from_the_others_where_they_say_them)
{
    void *bytes;
    size_t size;
    struct heard related = losses_of(true, &bytes, &size);
    free(bytes);
    struct heard unrelated = losses_of(false, &bytes, &size);
    free(bytes);
    cr_expect_lt(related.last, 0.3, "%f", related.last);
    cr_expect_lt(related.last, related.first / 2, "%f, %f at first", related.last, related.first);
    cr_expect_gt(unrelated.last, 0.7, "%f", unrelated.last);
}

Test(pretrain, refuses_to_hide_nothing_or_more_than_all)
{
    static const double bad[] = { 0, -0.1, 1.1, NAN };
    struct planted planted;
    struct hec_train_options options;
    void *bytes;
    size_t size;
    planted_make(&planted, 200, 63);
    hec_train_defaults(&options);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct hec_error error = { 0 };
        options.mask_share = bad[i];
        cr_expect_eq(hec_pretrain(&bytes, &size, &planted.data, &options, NULL, NULL, &error),
                     HEC_INVALID, "%g", bad[i]);
        cr_expect(strstr(error.text, "cannot be hidden") != NULL, "%s", error.text);
    }
    planted_free(&planted);
}

Test(pretrain, is_a_start_for_a_training)
{
    struct planted planted;
    struct hec_train_options options;
    struct hec_error error = { 0 };
    struct hec_model *start, *model;
    void *bytes, *again;
    size_t size, again_size;
    planted_make(&planted, ROWS, 62);
    hec_train_defaults(&options);
    options.epochs_max = 2;
    options.mask_share = 0.3;
    cr_assert_eq(hec_pretrain(&bytes, &size, &planted.data, &options, NULL, NULL, &error), HEC_OK);
    cr_assert_eq(hec_pretrain(&again, &again_size, &planted.data, &options, NULL, NULL, &error),
                 HEC_OK);
    cr_expect(size == again_size && memcmp(bytes, again, size) == 0, "the same seed");
    cr_assert_eq(hec_model_load(&start, bytes, size, NULL, &error), HEC_OK, "%s", error.text);
    free(bytes);
    free(again);
    cr_expect_str_eq(hec_model_info(start)->heads[0].name, HEC_PRETEXT);
    cr_expect(!hec_model_info(start)->trained[0]);

    hec_train_defaults(&options);
    options.epochs_max = 2;
    options.warm_start = start;
    cr_assert_eq(hec_train(&bytes, &size, &planted.data, &options, NULL, NULL, &error), HEC_OK);
    cr_assert_eq(hec_model_load(&model, bytes, size, NULL, &error), HEC_OK);
    cr_expect_eq(hec_model_info(model)->heads_count, 3);
    free(bytes);
    hec_model_free(start);
    hec_model_free(model);
    planted_free(&planted);
}
