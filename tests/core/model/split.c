/* Splitting: a part scores what the whole scores, carries nothing of the others, and explains
 * itself alike. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"
#include "planted.h"

static struct hec_model *trained(const struct planted *planted, enum hec_arch arch)
{
    struct hec_train_options options;
    struct hec_model *model = NULL;
    void *bytes = NULL;
    size_t size = 0;
    hec_train_defaults(&options);
    options.epochs_max = 2;
    options.network.arch = arch;
    options.network.fusion = arch == HEC_ARCH_CGC ? HEC_FUSION_GATED : HEC_FUSION_NONE;
    cr_assert_eq(hec_train(&bytes, &size, &planted->data, &options, NULL, NULL, NULL), HEC_OK);
    cr_assert_eq(hec_model_load(&model, bytes, size, NULL, NULL), HEC_OK);
    free(bytes);
    return model;
}

static struct hec_model *split(const struct hec_model *model, int head)
{
    struct hec_model *part = NULL;
    struct hec_error error = { 0 };
    void *bytes = NULL;
    size_t size = 0;
    cr_assert_eq(hec_model_split(&bytes, &size, model, head, &error), HEC_OK, "%s", error.text);
    cr_assert_eq(hec_model_load(&part, bytes, size, NULL, &error), HEC_OK, "%s", error.text);
    free(bytes);
    return part;
}

static void expect_same(const struct planted *planted, const struct hec_model *whole,
                        const struct hec_model *part, int head)
{
    enum { COLUMNS = PLANTED_NUMERICS + PLANTED_CATEGORIES };
    struct hec_predictor *all, *one;
    cr_assert_eq(hec_predictor_new(&all, whole, 1), HEC_OK);
    cr_assert_eq(hec_predictor_new(&one, part, 1), HEC_OK);
    for (uint32_t row = 0; row < 300; row++) {
        const float *x = planted->numerics + row * PLANTED_NUMERICS;
        const uint32_t *c = planted->categories + row * PLANTED_CATEGORIES;
        float scores[HEC_HEADS_MAX], alone[HEC_HEADS_MAX], why[COLUMNS], why_alone[COLUMNS];
        hec_predictor_run(all, x, c, planted->event_type + row, 1, scores, HEC_HEADS_MAX);
        hec_predictor_run(one, x, c, planted->event_type + row, 1, alone, HEC_HEADS_MAX);
        cr_assert(isnan(scores[head]) == isnan(alone[0]));
        if (!isnan(scores[head])) {
            cr_assert_float_eq(alone[0], scores[head], 1e-6f);
        }
        hec_predictor_explain(all, x, c, head, why, NULL, NULL);
        hec_predictor_explain(one, x, c, 0, why_alone, NULL, NULL);
        for (int j = 0; j < COLUMNS; j++) {
            cr_assert_float_eq(why[j], why_alone[j], 1e-4f);
        }
    }
    hec_predictor_free(all);
    hec_predictor_free(one);
}

Test(split, scores_as_the_whole_does_in_every_architecture)
{
    struct planted planted;
    planted_make(&planted, 3000, 1);
    for (int arch = 0; arch < HEC_ARCHS; arch++) {
        if (arch == HEC_ARCH_CROSS_STITCH) {
            continue;
        }
        struct hec_model *whole = trained(&planted, (enum hec_arch)arch);
        for (int head = 0; head < 2; head++) {
            struct hec_model *part = split(whole, head);
            cr_expect_eq(hec_model_info(part)->heads_count, 1);
            cr_expect_str_eq(hec_model_info(part)->heads[0].name,
                             hec_model_info(whole)->heads[head].name);
            cr_expect_lt(hec_model_info(part)->parameters, hec_model_info(whole)->parameters);
            cr_expect_eq(hec_model_info(part)->thresholds[0],
                         hec_model_info(whole)->thresholds[head]);
            expect_same(&planted, whole, part, head);
            hec_model_free(part);
        }
        hec_model_free(whole);
    }
    planted_free(&planted);
}

Test(split, refuses_what_cannot_stand_alone)
{
    struct planted planted;
    struct hec_error error = { 0 };
    void *bytes = NULL;
    size_t size = 0;
    planted_make(&planted, 2000, 2);
    struct hec_model *model = trained(&planted, HEC_ARCH_SHARED_BOTTOM);
    cr_expect_eq(hec_model_split(&bytes, &size, model, 2, &error), HEC_INVALID);
    cr_expect_not_null(strstr(error.text, "novelty"), "%s", error.text);
    hec_model_free(model);
    model = trained(&planted, HEC_ARCH_CROSS_STITCH);
    cr_expect_eq(hec_model_split(&bytes, &size, model, 0, &error), HEC_INVALID);
    cr_expect_not_null(strstr(error.text, "stitches"), "%s", error.text);
    cr_expect_null(bytes);
    hec_model_free(model);
    planted_free(&planted);
}

/* Two separate models are a trunk dearer than one with two heads; separate trunks save nothing. */
Test(split, is_what_separate_models_are_counted_by)
{
    struct planted planted;
    planted_make(&planted, 2000, 3);
    struct hec_model *model = trained(&planted, HEC_ARCH_SHARED_BOTTOM);
    const struct hec_model_info *info = hec_model_info(model);
    struct hec_model *a = split(model, 0), *b = split(model, 1);
    size_t two = hec_model_info(a)->parameters + hec_model_info(b)->parameters;
    size_t flops = hec_model_info(a)->flops_per_row + hec_model_info(b)->flops_per_row;
    cr_expect_gt(info->separate_parameters, two, "and one more for novelty");
    cr_expect_gt(info->separate_flops, flops);
    cr_expect_gt((double)info->separate_flops, 2.5 * (double)info->flops_per_row);
    struct hec_model_layer layer;
    size_t parameters = 0;
    int layers = 0;
    for (; hec_model_layer(model, layers, &layer); layers++) {
        parameters += layer.parameters;
        cr_expect_eq(layer.parameters, (size_t)layer.rows * (size_t)layer.columns);
    }
    cr_expect_eq(parameters, info->parameters);
    cr_expect_gt(layers, 10);
    hec_model_free(a);
    hec_model_free(b);
    hec_model_free(model);
    planted_free(&planted);
}
