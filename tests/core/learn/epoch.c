/* One epoch, seen from outside: what a row's labels may and may not change in the weights. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hecate/event.h"
#include "model/model.h"
#include "planted.h"

enum { ROWS = 2000 };

static struct hec_model *trained(const struct planted *planted)
{
    return planted_model(planted, 2, NULL, NULL);
}

static bool same_tensor(const struct hec_model *a, const struct hec_model *b, enum hec_tensor t)
{
    const struct hec_tensor_place *place = &a->layout.place[t];
    return memcmp(a->parameters + place->offset, b->parameters + place->offset,
                  sizeof(float) * (size_t)place->rows * (size_t)place->cols) == 0;
}

/* The stop-gradient, seen in the weights: other targets for novelty change the decoder and nothing
 * else. */
Test(epoch, keeps_novelty_out_of_the_trunk)
{
    struct planted planted;
    planted_make(&planted, ROWS, 1);
    struct hec_model *before = trained(&planted);
    for (uint32_t row = 0; row < ROWS; row += 2) {
        planted.targets[row * HEC_DEFAULT_HEADS + 2] = HEC_TARGET_POSITIVE;
    }
    struct hec_model *after = trained(&planted);
    for (int t = 0; t < HEC_T_DECODER_0_WEIGHT; t++) {
        cr_expect(same_tensor(before, after, (enum hec_tensor)t), "tensor %d moved", t);
    }
    cr_expect(!same_tensor(before, after, HEC_T_DECODER_1_WEIGHT), "the decoder had other rows");
    hec_model_free(before);
    hec_model_free(after);
    planted_free(&planted);
}

/* What an unknown row holds must not matter to the heads, only that it is there to be scaled. */
Test(epoch, learns_nothing_from_an_unknown_target)
{
    struct planted planted;
    planted_make(&planted, ROWS, 2);
    planted.data.fraud_kind = NULL;
    for (uint32_t row = 0; row < ROWS; row++) {
        if (row % 3 == 0) {
            planted.targets[row * HEC_DEFAULT_HEADS] = HEC_TARGET_UNKNOWN;
            planted.targets[row * HEC_DEFAULT_HEADS + 1] = HEC_TARGET_UNKNOWN;
        }
    }
    struct hec_model *before = trained(&planted);
    for (uint32_t row = 0; row < ROWS; row += 3) {
        planted.targets[row * HEC_DEFAULT_HEADS] = HEC_TARGET_NOT_APPLICABLE;
    }
    struct hec_model *after = trained(&planted);
    for (int t = 0; t < HEC_T_DECODER_0_WEIGHT; t++) {
        cr_expect(same_tensor(before, after, (enum hec_tensor)t), "tensor %d moved", t);
    }
    hec_model_free(before);
    hec_model_free(after);
    planted_free(&planted);
}

/* A row of table 0 that no training row used stays exactly zero, decay or not. */
Test(epoch, leaves_categories_alone_that_it_never_met)
{
    struct planted planted;
    planted_make(&planted, ROWS, 3);
    struct hec_model *model = trained(&planted);
    const float *table = model->parameters + model->layout.place[HEC_T_TABLE].offset;
    int used = 0;
    for (uint32_t row = 0; row < 4096; row++) {
        bool met = row == hec_category_row(2000, 4096);
        for (uint32_t channel = 1000; channel < 1005; channel++) {
            met = met || row == hec_category_row(channel, 4096);
        }
        for (int e = 0; e < 8; e++) {
            bool moved = table[row * 8 + (uint32_t)e] != 0;
            cr_assert(met || !moved, "row %u", row);
            used += moved;
        }
    }
    cr_expect_eq(used, 6 * 8);
    hec_model_free(model);
    planted_free(&planted);
}

struct seen {
    double loss[3], ap[3], valid_loss[3], monitor;
};

static bool look(void *user, const struct hec_train_progress *progress)
{
    struct seen *seen = user;
    for (int k = 0; k < progress->heads_count; k++) {
        seen->loss[k] = progress->loss[k];
        seen->ap[k] = progress->valid_ap[k];
        seen->valid_loss[k] = progress->valid_loss[k];
    }
    seen->monitor = progress->message == NULL ? progress->monitor : seen->monitor;
    return true;
}

static struct seen watch(const struct planted *planted)
{
    struct hec_train_options options;
    struct seen seen = { 0 };
    void *bytes;
    size_t size;
    hec_train_defaults(&options);
    options.epochs_max = 1;
    cr_assert_eq(hec_train(&bytes, &size, &planted->data, &options, look, &seen, NULL), HEC_OK);
    free(bytes);
    return seen;
}

Test(epoch, watches_precision_where_there_are_positives_and_log_loss_where_there_are_few)
{
    struct planted planted;
    planted_make(&planted, 6000, 4);
    struct seen seen = watch(&planted);
    cr_expect_float_eq(seen.monitor, (seen.ap[0] + seen.ap[1]) / 2, 1e-12);
    cr_expect(isnan(seen.ap[2]) && isfinite(seen.loss[2]), "novelty is not what is watched");

    int left = 19; /* one fewer than average precision needs */
    for (uint32_t row = 4500; row < 6000; row++) {
        int8_t *target = &planted.targets[row * HEC_DEFAULT_HEADS];
        if (*target == HEC_TARGET_POSITIVE && left-- <= 0) {
            *target = HEC_TARGET_UNKNOWN;
        }
    }
    cr_assert_leq(left, 0);
    seen = watch(&planted);
    cr_expect_float_eq(seen.monitor, (-seen.valid_loss[0] + seen.ap[1]) / 2, 1e-12);

    memset(planted.split, HEC_SPLIT_TRAIN, 6000);
    seen = watch(&planted);
    cr_expect(isnan(seen.monitor) && isnan(seen.ap[0]));
    planted_free(&planted);
}
