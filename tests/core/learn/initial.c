/* The first weights, seen by a training that does not move. And every kind of network trains. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hecate/metrics.h"
#include "model/model.h"
#include "planted.h"

static struct hec_model *train(const struct planted *planted,
                               const struct hec_train_options *options)
{
    struct hec_model *model = NULL;
    struct hec_error error = { 0 };
    void *bytes = NULL;
    size_t size = 0;
    cr_assert_eq(hec_train(&bytes, &size, &planted->data, options, NULL, NULL, &error), HEC_OK,
                 "%s", error.text);
    cr_assert_eq(hec_model_load(&model, bytes, size, NULL, &error), HEC_OK, "%s", error.text);
    free(bytes);
    return model;
}

static struct hec_model *untrained(const struct planted *planted, struct hec_network network)
{
    struct hec_train_options options;
    hec_train_defaults(&options);
    options.epochs_max = 1;
    options.learning_rate = 0;
    options.network = network;
    return train(planted, &options);
}

static const float *tensor(const struct hec_model *model, enum hec_tensor t)
{
    return model->parameters + model->layout.place[t].offset;
}

Test(initial, begins_with_even_gates_open_masks_and_trunks_apart)
{
    struct planted planted;
    planted_make(&planted, 2000, 1);
    struct hec_model *model =
        untrained(&planted, (struct hec_network){ .arch = HEC_ARCH_ATTENTION });
    cr_expect_eq(tensor(model, HEC_T_MASK_BIAS)[5], 2);
    hec_model_free(model);
    model = untrained(&planted, (struct hec_network){ .arch = HEC_ARCH_CROSS_STITCH });
    const float *stitch = tensor(model, HEC_T_STITCH_1);
    cr_expect_float_eq(stitch[0], 0.9f, 1e-6f);
    cr_expect_float_eq(stitch[1], 0.1f, 1e-6f);
    cr_expect_float_eq(stitch[3], 0.9f, 1e-6f);
    hec_model_free(model);
    planted_free(&planted);
}

/* Each piece lies between neighbouring quantiles, so about as many rows end in each. */
Test(initial, cuts_numbers_at_their_quantiles)
{
    struct planted planted;
    planted_make(&planted, 4000, 2);
    struct hec_model *model =
        untrained(&planted, (struct hec_network){ .embed = HEC_EMBED_PIECEWISE });
    const float *edge = tensor(model, HEC_T_PIECEWISE_EDGE);
    const float *scale = tensor(model, HEC_T_PIECEWISE_SCALE);
    int inside[8] = { 0 }, rows = 0;
    cr_assert_eq(model->shape.bins, 8);
    for (uint32_t row = 0; row < 3000; row++) {
        float scaled[PLANTED_NUMERICS + 8];
        hec_scaler_apply(&model->scaler, planted.numerics + row * PLANTED_NUMERICS, 1, scaled,
                         PLANTED_NUMERICS + model->shape.indicators);
        int piece = 0;
        for (int t = 1; t < 8; t++) {
            piece += scaled[PLANTED_AGE] >= edge[t * PLANTED_NUMERICS + PLANTED_AGE];
        }
        inside[piece]++;
        rows++;
    }
    for (int t = 0; t < 8; t++) {
        cr_expect(inside[t] > rows / 12 && inside[t] < rows / 6, "piece %d: %d of %d", t, inside[t],
                  rows);
        cr_expect_gt(scale[t * PLANTED_NUMERICS + PLANTED_AGE], 0);
        cr_expect_eq(scale[t * PLANTED_NUMERICS + PLANTED_CONSTANT], 0, "a constant has no pieces");
    }
    hec_model_free(model);
    planted_free(&planted);
}

static double judged(const struct planted *planted, const struct hec_model *model, int head)
{
    static float score[4000];
    static uint8_t label[4000];
    struct hec_predictor *predictor;
    size_t n = 0;
    cr_assert_eq(hec_predictor_new(&predictor, model, 1), HEC_OK);
    for (uint32_t row = 0; row < planted->data.rows; row++) {
        int8_t target = planted->targets[row * HEC_DEFAULT_HEADS + (uint32_t)head];
        if (planted->split[row] != HEC_SPLIT_VALID || target < 0) {
            continue;
        }
        const float *x = planted->numerics + row * PLANTED_NUMERICS;
        const uint32_t *c = planted->categories + row * PLANTED_CATEGORIES;
        float scores[HEC_HEADS_MAX], parts[PLANTED_NUMERICS + PLANTED_CATEGORIES], logit, base;
        hec_predictor_run(predictor, x, c, NULL, 1, scores, HEC_HEADS_MAX);
        hec_predictor_explain(predictor, x, c, head, parts, &logit, &base);
        double sum = 0, apart = (double)logit - (double)base;
        for (int j = 0; j < PLANTED_NUMERICS + PLANTED_CATEGORIES; j++) {
            sum += (double)parts[j];
        }
        cr_assert_float_eq(sum, apart, 1e-4 * fmax(1, fabs(apart)), "%s: %g, not %g",
                           hec_model_info(model)->architecture, sum, apart);
        score[n] = scores[head];
        label[n++] = target == HEC_TARGET_POSITIVE;
    }
    hec_predictor_free(predictor);
    return hec_metric_average_precision(score, label, n);
}

/* Trained, written, read, served and explained: contributions add up to the logit's difference
 * whatever lies between. */
Test(initial, every_network_learns_is_read_back_and_explains_itself)
{
    struct planted planted;
    planted_make(&planted, 8000, 3);
    for (int arch = 0; arch < HEC_ARCHS; arch++) {
        for (int way = 0; way < 3; way++) {
            struct hec_train_options options;
            hec_train_defaults(&options);
            options.epochs_max = 4;
            options.network = (struct hec_network){ arch, (enum hec_fusion)way,
                                                    (enum hec_embed)((way + arch) % 3) };
            struct hec_model *model = train(&planted, &options);
            double card = judged(&planted, model, 0), ato = judged(&planted, model, 1);
            cr_expect(card > 0.55 && ato > 0.55, "%s %s: AP %.3f %.3f", hec_arch_names[arch],
                      hec_fusion_names[way], card, ato);
            cr_expect_eq(model->shape.arch, (enum hec_arch)arch);
            hec_model_free(model);
        }
    }
    planted_free(&planted);
}

/* Every rule, aggregator and loss trains; the same seed gives the same file. */
Test(initial, every_way_of_joining_tasks_trains_and_repeats_itself)
{
    struct planted planted;
    planted_make(&planted, 4000, 4);
    for (int way = 0; way < HEC_WEIGHTINGS + HEC_MTLS + HEC_LOSSES; way++) {
        struct hec_train_options options;
        void *bytes[2] = { NULL, NULL };
        size_t size[2];
        hec_train_defaults(&options);
        options.epochs_max = 3;
        options.anomaly_shares = way % 2;
        int mtl = way - HEC_WEIGHTINGS, loss = mtl - HEC_MTLS;
        if (way < HEC_WEIGHTINGS) {
            options.weighting = (enum hec_weighting)way;
        } else if (loss < 0) {
            options.mtl_optimizer = (enum hec_mtl)mtl;
            options.learning_rate = mtl == HEC_MTL_MTSGD ? 0.05f : options.learning_rate;
        } else {
            options.loss = (enum hec_loss)loss;
        }
        for (int time = 0; time < 2; time++) {
            cr_assert_eq(
                hec_train(&bytes[time], &size[time], &planted.data, &options, NULL, NULL, NULL),
                HEC_OK);
        }
        cr_expect(size[0] == size[1] && memcmp(bytes[0], bytes[1], size[0]) == 0, "way %d", way);
        struct hec_model *model = NULL;
        cr_assert_eq(hec_model_load(&model, bytes[0], size[0], NULL, NULL), HEC_OK);
        double card = judged(&planted, model, 0);
        /* MGDA follows the smallest gradient, here that of a kind of fraud. */
        double least = mtl == HEC_MTL_MGDA ? 0.2 : 0.45;
        cr_expect_gt(card, least, "way %d: AP %.3f", way, card);
        hec_model_free(model);
        free(bytes[0]);
        free(bytes[1]);
    }
    planted_free(&planted);
}

/* A positive that counts ten times is taken back exactly: the mean score stays the prevalence. */
Test(initial, a_weighted_loss_stays_calibrated)
{
    struct planted planted;
    planted_make(&planted, 12000, 5);
    double mean[2] = { 0 }, truth = 0;
    for (int way = 0; way < 2; way++) {
        struct hec_train_options options;
        hec_train_defaults(&options);
        options.epochs_max = 6;
        options.loss = way ? HEC_LOSS_WEIGHTED : HEC_LOSS_BCE;
        struct hec_model *model = train(&planted, &options);
        struct hec_predictor *predictor;
        double n = 0, positives = 0;
        cr_assert_eq(hec_predictor_new(&predictor, model, 1), HEC_OK);
        for (uint32_t row = 0; row < planted.data.rows; row++) {
            float scores[HEC_HEADS_MAX];
            int8_t target = planted.targets[row * HEC_DEFAULT_HEADS];
            if (planted.split[row] == HEC_SPLIT_VALID && target >= 0) {
                hec_predictor_run(predictor, planted.numerics + row * PLANTED_NUMERICS,
                                  planted.categories + row * PLANTED_CATEGORIES, NULL, 1, scores,
                                  HEC_HEADS_MAX);
                mean[way] += (double)scores[0];
                positives += target;
                n++;
            }
        }
        mean[way] /= n;
        truth = positives / n;
        hec_predictor_free(predictor);
        hec_model_free(model);
    }
    cr_expect_float_eq(mean[0], truth, 0.35 * truth, "%g, not %g", mean[0], truth);
    cr_expect_float_eq(mean[1], truth, 0.35 * truth, "%g, not %g", mean[1], truth);
    planted_free(&planted);
}

/* A head's own loss is taken and not the training's, and its shift with it; the other head goes on
 * as it did. */
Test(initial, a_head_has_its_own_loss)
{
    struct planted planted;
    struct hec_head heads[HEC_DEFAULT_HEADS];
    struct hec_train_options options;
    hec_train_defaults(&options);
    planted_make(&planted, 6000, 5);
    memcpy(heads, hec_default_heads, sizeof(heads));
    heads[0].loss = 1 + HEC_LOSS_WEIGHTED;
    options.epochs_max = 3;
    struct hec_model *plain = train(&planted, &options);
    planted.data.heads = heads;
    struct hec_model *own = train(&planted, &options);
    const float *was = hec_model_info(plain)->shifts, *is = hec_model_info(own)->shifts;
    cr_expect_float_eq(is[0], was[0] - logf(10), 1e-5, "%g after %g", (double)is[0],
                       (double)was[0]);
    cr_expect_float_eq(is[1], was[1], 1e-6);
    cr_expect_eq(hec_model_info(own)->heads[0].loss, 1 + HEC_LOSS_WEIGHTED, "the file tells it");
    cr_expect_eq(hec_model_info(own)->heads[1].loss, 0);

    /* Said for each head, it is what --loss says for all: one sum of one network. */
    heads[1].loss = heads[0].loss = 1 + HEC_LOSS_FOCAL;
    options.kind_weight = 0;
    struct hec_model *each = train(&planted, &options);
    planted.data.heads = hec_default_heads;
    options.loss = HEC_LOSS_FOCAL;
    struct hec_model *all = train(&planted, &options);
    options.loss = HEC_LOSS_BCE;
    struct hec_model *bce = train(&planted, &options);
    const float *a = hec_model_info(each)->thresholds, *b = hec_model_info(all)->thresholds;
    const float *c = hec_model_info(bce)->thresholds;
    cr_expect(a[0] == b[0] && a[1] == b[1] && a[0] != c[0]);
    hec_model_free(plain);
    hec_model_free(own);
    hec_model_free(each);
    hec_model_free(all);
    hec_model_free(bce);
    planted_free(&planted);
}
