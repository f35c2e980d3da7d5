/* A warm start: what has the same name goes on, what is new says nothing yet, what is frozen stays.
 */
#include "learn/warm.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hecate/metrics.h"
#include "hecate/pretrain.h"
#include "planted.h"

enum { ROWS = 4000 };

static struct hec_model *trained(const struct hec_dataset *data,
                                 const struct hec_train_options *options)
{
    struct hec_error error = { 0 };
    struct hec_model *model = NULL;
    void *bytes = NULL;
    size_t size = 0;
    enum hec_status status = hec_train(&bytes, &size, data, options, NULL, NULL, &error);
    cr_assert_eq(status, HEC_OK, "%s", error.text);
    cr_assert_eq(hec_model_load(&model, bytes, size, NULL, &error), HEC_OK, "%s", error.text);
    free(bytes);
    return model;
}

static void defaults(struct hec_train_options *options, int epochs)
{
    hec_train_defaults(options);
    options->epochs_max = epochs;
    options->refit = HEC_REFIT_NO;
}

/* The scores of one row, whose columns are those of data. */
static void score(const struct hec_model *model, const struct hec_dataset *data, uint32_t row,
                  float *scores)
{
    struct hec_predictor *predictor;
    cr_assert_eq(hec_predictor_new(&predictor, model, 1), HEC_OK);
    hec_predictor_run(predictor, data->numerics + (size_t)row * (size_t)data->columns.numerics,
                      data->categories + (size_t)row * (size_t)data->columns.categories, NULL, 1,
                      scores, HEC_HEADS_MAX);
    hec_predictor_free(predictor);
}

static void expect_same_scores(const struct hec_model *a, const struct hec_dataset *of_a,
                               const struct hec_model *b, const struct hec_dataset *of_b,
                               const char *what)
{
    for (uint32_t row = 0; row < 200; row++) {
        float one[HEC_HEADS_MAX], other[HEC_HEADS_MAX];
        score(a, of_a, row, one);
        score(b, of_b, row, other);
        for (int k = 0; k < 2; k++) {
            cr_assert_float_eq(one[k], other[k], 2e-5, "%s: row %u, head %d: %g and %g", what, row,
                               k, (double)one[k], (double)other[k]);
        }
    }
}

/* A rate of 0 learns nothing, so that what is there afterwards was carried over. The second
 * training thins its negatives more, which another bias must put right. */
Test(warm, begins_where_the_model_ended_in_every_architecture)
{
    struct planted planted;
    planted_make(&planted, ROWS, 31);
    for (int arch = 0; arch < HEC_ARCHS; arch++) {
        struct hec_train_options options;
        defaults(&options, 2);
        options.network.arch = (enum hec_arch)arch;
        options.network.fusion = arch % 2 ? HEC_FUSION_GATED : HEC_FUSION_NONE;
        options.network.embed = arch % 2 ? HEC_EMBED_PIECEWISE : HEC_EMBED_PERIODIC;
        struct hec_model *first = trained(&planted.data, &options);
        options.warm_start = first;
        options.network = (struct hec_network){ 0 };
        options.seed = 77;
        options.learning_rate = 0;
        options.negatives = 1;
        options.negatives_min = 0;
        struct hec_model *second = trained(&planted.data, &options);
        cr_expect_neq(hec_model_info(first)->shifts[0], hec_model_info(second)->shifts[0]);
        expect_same_scores(first, &planted.data, second, &planted.data, hec_arch_names[arch]);
        hec_model_free(first);
        hec_model_free(second);
    }
    planted_free(&planted);
}

/* The same rows with the columns the other way round and one more in front. */
Test(warm, finds_columns_by_name_and_a_new_one_says_nothing)
{
    struct planted planted;
    struct hec_train_options options;
    enum { WIDER = PLANTED_NUMERICS + 1 };
    const char *names[WIDER] = { "added" };
    float *numerics = malloc(sizeof(float) * ROWS * WIDER);
    planted_make(&planted, ROWS, 32);
    defaults(&options, 2);
    struct hec_model *first = trained(&planted.data, &options);
    struct hec_dataset wider = planted.data;
    for (int j = 0; j < PLANTED_NUMERICS; j++) {
        names[WIDER - 1 - j] = planted.data.columns.numeric_names[j];
        for (uint32_t row = 0; row < ROWS; row++) {
            numerics[row * WIDER + (uint32_t)(WIDER - 1 - j)] =
                planted.numerics[row * PLANTED_NUMERICS + (uint32_t)j];
            numerics[row * WIDER] = row % 7 == 0 ? NAN : (float)(row % 100);
        }
    }
    wider.columns.numerics = WIDER;
    wider.columns.numeric_names = names;
    wider.numerics = numerics;
    options.warm_start = first;
    options.learning_rate = 0;
    options.seed = 5;
    struct hec_model *second = trained(&wider, &options);
    expect_same_scores(first, &planted.data, second, &wider, "wider");

    /* And back again, without the column and without one of its own: nothing to read beyond. */
    struct hec_dataset narrower = wider;
    narrower.columns.numerics = 2;
    options.warm_start = second;
    float *two = malloc(sizeof(float) * ROWS * 2);
    for (uint32_t row = 0; row < ROWS; row++) {
        two[row * 2] = numerics[row * WIDER];
        two[row * 2 + 1] = numerics[row * WIDER + 1];
    }
    narrower.numerics = two;
    struct hec_model *third = trained(&narrower, &options);
    cr_expect_eq(hec_model_info(third)->columns.numerics, 2);
    hec_model_free(first);
    hec_model_free(second);
    hec_model_free(third);
    free(numerics);
    free(two);
    planted_free(&planted);
}

static bool same_tensor(const struct hec_model *a, const struct hec_model *b, int t)
{
    const struct hec_tensor_place *place = &a->layout.place[t];
    return memcmp(a->parameters + place->offset, b->parameters + b->layout.place[t].offset,
                  sizeof(float) * (size_t)place->rows * (size_t)place->cols) == 0;
}

Test(warm, leaves_a_frozen_trunk_to_the_bit_and_moves_another_less_at_a_lower_rate)
{
    struct planted planted;
    struct hec_train_options options;
    planted_make(&planted, ROWS, 33);
    defaults(&options, 2);
    struct hec_model *first = trained(&planted.data, &options);
    options.warm_start = first;
    options.freeze_trunk = true;
    struct hec_model *frozen = trained(&planted.data, &options);
    for (int t = 0; t < HEC_T_HEADS_0_WEIGHT; t++) {
        cr_expect(same_tensor(first, frozen, t), "%s moved", first->layout.place[t].name);
    }
    cr_expect(!same_tensor(first, frozen, HEC_T_HEADS_0_WEIGHT));

    double moved[2] = { 0 };
    for (int i = 0; i < 2; i++) {
        options.freeze_trunk = false;
        options.trunk_rate = i == 0 ? 1 : 0.05;
        struct hec_model *other = trained(&planted.data, &options);
        const struct hec_tensor_place *place = &first->layout.place[HEC_T_TRUNK_0_WEIGHT];
        for (int j = 0; j < place->rows * place->cols; j++) {
            moved[i] += fabs((double)other->parameters[place->offset + (size_t)j] -
                             (double)first->parameters[place->offset + (size_t)j]);
        }
        hec_model_free(other);
    }
    cr_expect_gt(moved[0], 4 * moved[1]);
    cr_expect_gt(moved[1], 0);
    hec_model_free(first);
    hec_model_free(frozen);
    planted_free(&planted);
}

/* A head for takeovers beside what the first model had: the others are as they were. */
Test(warm, teaches_one_head_and_keeps_the_others)
{
    struct planted planted;
    struct hec_train_options options;
    struct hec_head two[2] = { hec_default_heads[0], hec_default_heads[2] };
    struct hec_head three[3] = { hec_default_heads[0], hec_default_heads[2], hec_default_heads[1] };
    int8_t *few = malloc(ROWS * 2), *all = malloc(ROWS * 3);
    planted_make(&planted, ROWS, 34);
    for (uint32_t row = 0; row < ROWS; row++) {
        const int8_t *target = planted.targets + row * 3;
        few[row * 2] = all[row * 3] = target[0];
        few[row * 2 + 1] = all[row * 3 + 1] = target[2];
        all[row * 3 + 2] = target[1];
    }
    struct hec_dataset data = planted.data;
    data.heads = two;
    data.heads_count = 2;
    data.targets = few;
    defaults(&options, 6);
    struct hec_model *first = trained(&data, &options);

    data.heads = three;
    data.heads_count = 3;
    data.targets = all;
    options.warm_start = first;
    options.freeze_trunk = true;
    options.only_head = 2;
    struct hec_model *second = trained(&data, &options);
    for (uint32_t row = 0; row < 300; row++) {
        float one[HEC_HEADS_MAX], other[HEC_HEADS_MAX];
        score(first, &data, row, one);
        score(second, &data, row, other);
        cr_assert_float_eq(one[0], other[0], 1e-6);
        cr_assert_float_eq(one[1], other[1], 1e-6, "novelty: %g and %g", (double)one[1],
                           (double)other[1]);
    }
    cr_expect_eq(hec_model_info(first)->thresholds[0], hec_model_info(second)->thresholds[0]);
    cr_expect_eq(hec_model_info(first)->thresholds[1], hec_model_info(second)->thresholds[1]);
    cr_expect(hec_model_info(second)->trained[0] && hec_model_info(second)->trained[2]);

    float *scores = malloc(sizeof(float) * ROWS);
    uint8_t *label = malloc(ROWS);
    size_t n = 0;
    for (uint32_t row = ROWS / 4 * 3; row < ROWS; row++) {
        float each[HEC_HEADS_MAX];
        if (all[row * 3 + 2] >= 0) {
            score(second, &data, row, each);
            scores[n] = each[2];
            label[n++] = all[row * 3 + 2] == HEC_TARGET_POSITIVE;
        }
    }
    cr_expect_gt(hec_metric_average_precision(scores, label, n), 0.5);
    free(scores);
    free(label);
    free(few);
    free(all);
    hec_model_free(first);
    hec_model_free(second);
    planted_free(&planted);
}

Test(warm, refuses_what_it_cannot_keep)
{
    struct planted planted;
    struct hec_train_options options;
    struct hec_error error = { 0 };
    void *bytes;
    size_t size;
    planted_make(&planted, ROWS, 35);
    defaults(&options, 1);
    options.freeze_trunk = true;
    cr_expect_eq(hec_train(&bytes, &size, &planted.data, &options, NULL, NULL, &error),
                 HEC_INVALID);
    cr_expect(strstr(error.text, "warm start") != NULL, "%s", error.text);

    options.freeze_trunk = false;
    options.network.arch = HEC_ARCH_CGC;
    struct hec_model *first = trained(&planted.data, &options);
    options.warm_start = first;
    options.freeze_trunk = true;
    cr_expect_eq(hec_train(&bytes, &size, &planted.data, &options, NULL, NULL, &error),
                 HEC_INVALID);
    cr_expect(strstr(error.text, "trunk of its own") != NULL, "%s", error.text);
    hec_model_free(first);

    options = (struct hec_train_options){ 0 };
    defaults(&options, 1);
    first = trained(&planted.data, &options);
    options.warm_start = first;
    options.only_head = 1;
    cr_expect_eq(hec_train(&bytes, &size, &planted.data, &options, NULL, NULL, &error),
                 HEC_INVALID);
    options.freeze_trunk = true;
    options.only_head = 2;
    cr_expect_eq(hec_train(&bytes, &size, &planted.data, &options, NULL, NULL, &error), HEC_INVALID,
                 "a novelty head");
    hec_model_free(first);
    planted_free(&planted);
}

/* A head that a model does not have begins from its "pretext", and from a draw where there is none
 * or it has learned nothing. */
Test(warm, begins_a_new_head_from_the_pretext)
{
    struct planted planted;
    struct hec_train_options options;
    struct hec_head before = hec_default_heads[1], after = hec_default_heads[1];
    int8_t *targets = malloc(ROWS);
    planted_make(&planted, ROWS, 36);
    snprintf(after.name, sizeof(after.name), "other");
    for (uint32_t row = 0; row < ROWS; row++) {
        targets[row] = planted.targets[row * 3 + 1];
    }
    for (int named = 0; named < 2; named++) {
        struct hec_dataset data = planted.data;
        snprintf(before.name, sizeof(before.name), "%s", named ? HEC_PRETEXT : "neither");
        data.heads = &before;
        data.heads_count = 1;
        data.targets = targets;
        data.fraud_kind = NULL;
        defaults(&options, 2);
        struct hec_model *first = trained(&data, &options);
        data.heads = &after;
        options.warm_start = first;
        options.learning_rate = 0;
        options.seed = 5;
        struct hec_model *second = trained(&data, &options);
        double apart = 0;
        for (uint32_t row = 0; row < 200; row++) {
            float one[HEC_HEADS_MAX], other[HEC_HEADS_MAX];
            score(first, &data, row, one);
            score(second, &data, row, other);
            apart = fmax(apart, fabs((double)one[0] - (double)other[0]));
        }
        cr_expect(named ? apart < 2e-5 : apart > 1e-3, "%s: %g", before.name, apart);
        hec_model_free(first);
        hec_model_free(second);
    }
    free(targets);
    planted_free(&planted);
}

/* Gates and masks are of heads: where a trunk is frozen the others' must stay as well. */
Test(warm, keeps_the_others_where_heads_read_through_gates_and_masks)
{
    static const enum hec_arch archs[] = { HEC_ARCH_MMOE, HEC_ARCH_ATTENTION };
    struct planted planted;
    int8_t *one = malloc(ROWS), *both = malloc(ROWS * 2);
    planted_make(&planted, ROWS, 37);
    for (uint32_t row = 0; row < ROWS; row++) {
        one[row] = both[row * 2 + 1] = planted.targets[row * 3];
        both[row * 2] = planted.targets[row * 3 + 1];
    }
    const struct hec_head two[2] = { hec_default_heads[1], hec_default_heads[0] };
    for (int i = 0; i < 2; i++) {
        struct hec_train_options options;
        struct hec_dataset data = planted.data;
        data.heads = &hec_default_heads[0];
        data.heads_count = 1;
        data.targets = one;
        defaults(&options, 2);
        options.network.arch = archs[i];
        struct hec_model *first = trained(&data, &options);
        data.heads = two; /* the new one stands before the one that was there */
        data.heads_count = 2;
        data.targets = both;
        options.warm_start = first;
        options.freeze_trunk = true;
        options.only_head = 0;
        struct hec_model *second = trained(&data, &options);
        for (uint32_t row = 0; row < 200; row++) {
            float before[HEC_HEADS_MAX], after[HEC_HEADS_MAX];
            score(first, &data, row, before);
            score(second, &data, row, after);
            cr_assert_float_eq(before[0], after[1], 1e-6, "%s, row %u", hec_arch_names[archs[i]],
                               row);
        }
        cr_expect_eq(hec_model_info(first)->thresholds[0], hec_model_info(second)->thresholds[1]);
        hec_model_free(first);
        hec_model_free(second);
    }
    free(one);
    free(both);
    planted_free(&planted);
}

/* A width that differs would be left unheard; the model's own may be said. */
Test(warm, refuses_a_network_that_is_not_the_models)
{
    static const struct {
        const char *told; /* NULL: fits */
        struct hec_network asked;
        bool of_flat;
    } cases[] = {
        { NULL,
          { .trunk_0 = 64, .trunk_1 = 32, .tower = 32, .experts = 4, .one_gate = true },
          false },
        { NULL, { .one_layer = true }, true },
        { "--trunk-0 65", { .trunk_0 = 65 }, false },
        { "--trunk-0 0", { .one_layer = true }, false },
        { "--trunk-1 64", { .trunk_1 = 64 }, false },
        { "--tower 31", { .tower = 31 }, false },
        { "--experts 3", { .experts = 3 }, false },
        { "--trunk-0 64", { .trunk_0 = 64 }, true },
        { "--one-gate 1", { .one_gate = true }, true },
    };
    struct planted planted;
    struct hec_train_options options;
    planted_make(&planted, 400, 38);
    defaults(&options, 1);
    options.network = (struct hec_network){ .arch = HEC_ARCH_MMOE, .one_gate = true };
    struct hec_model *gated = trained(&planted.data, &options);
    options.network = (struct hec_network){ .arch = HEC_ARCH_MMOE, .one_layer = true };
    struct hec_model *flat = trained(&planted.data, &options);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *told = cases[i].told;
        struct hec_error error = { 0 };
        void *bytes = NULL;
        size_t size = 0;
        options.warm_start = cases[i].of_flat ? flat : gated;
        options.network = cases[i].asked;
        cr_expect_eq(hec_train(&bytes, &size, &planted.data, &options, NULL, NULL, &error),
                     told == NULL ? HEC_OK : HEC_INVALID, "case %zu: %s", i, error.text);
        cr_expect(told == NULL || strstr(error.text, told) != NULL, "%s: %s", told, error.text);
        free(bytes);
    }
    hec_model_free(gated);
    hec_model_free(flat);
    planted_free(&planted);
}
