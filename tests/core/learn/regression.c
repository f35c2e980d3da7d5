/* Regression heads: a number is learned where there is one, and teaches nothing where there is
 * none. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hecate/random.h"
#include "model/model.h"
#include "planted.h"

enum { ROWS = 4000, HEADS = 2 };

/* One binary head and one of numbers beside it: on every third row the number is 500 + 40 times the
 * noise column, on the others it is absent. */
struct world {
    struct planted planted;
    struct hec_dataset data;
    struct hec_head heads[HEADS];
    int8_t targets[ROWS * HEADS];
    float values[ROWS * HEADS];
};

static void make(struct world *world, enum hec_target elsewhere, float garbage)
{
    planted_make(&world->planted, ROWS, 21);
    world->heads[0] = hec_default_heads[1];
    world->heads[1] = (struct hec_head){ .name = "size",
                                         .kind = HEC_HEAD_REGRESSION,
                                         .event_types = UINT32_MAX >> 16,
                                         .loss_weight = 1 };
    for (size_t row = 0; row < ROWS; row++) {
        bool has = row % 3 == 0;
        const float *x = world->planted.numerics + row * PLANTED_NUMERICS;
        world->targets[row * HEADS] = world->planted.targets[row * HEC_DEFAULT_HEADS + 1];
        world->targets[row * HEADS + 1] = (int8_t)(has ? HEC_TARGET_POSITIVE : elsewhere);
        world->values[row * HEADS + 1] = has ? 500 + 40 * x[PLANTED_NOISE] : garbage;
    }
    world->data = world->planted.data;
    world->data.heads = world->heads;
    world->data.heads_count = HEADS;
    world->data.targets = world->targets;
    world->data.values = world->values;
    world->data.fraud_kind = NULL;
}

static enum hec_status learn(const struct world *world, const struct hec_network *network,
                             void **bytes, size_t *size, struct hec_error *error)
{
    struct hec_train_options options;
    hec_train_defaults(&options);
    options.epochs_max = 12;
    options.refit = HEC_REFIT_NO;
    options.network = *network;
    return hec_train(bytes, size, &world->data, &options, NULL, NULL, error);
}

static struct world world, other;
static struct hec_error error;

static struct hec_model *learned(const struct world *from, const struct hec_network *network)
{
    struct hec_model *model = NULL;
    void *bytes = NULL;
    size_t size = 0;
    cr_assert_eq(learn(from, network, &bytes, &size, &error), HEC_OK, "%s", error.text);
    cr_assert_eq(hec_model_load(&model, bytes, size, NULL, &error), HEC_OK, "%s", error.text);
    free(bytes);
    return model;
}

Test(regression, finds_the_number_in_its_own_unit)
{
    make(&world, HEC_TARGET_UNKNOWN, NAN);
    struct hec_model *model = learned(&world, &(struct hec_network){ 0 });
    struct hec_predictor *predictor;
    double off = 0, n = 0;
    cr_assert_eq(hec_predictor_new(&predictor, model, 1), HEC_OK);
    for (size_t row = ROWS / 4 * 3; row < ROWS; row++) { /* rows without a label, too */
        const float *x = world.planted.numerics + row * PLANTED_NUMERICS;
        const uint32_t *c = world.planted.categories + row * PLANTED_CATEGORIES;
        float scores[HEC_HEADS_MAX], each[PLANTED_NUMERICS + PLANTED_CATEGORIES], number, base;
        hec_predictor_run(predictor, x, c, NULL, 1, scores, HEC_HEADS_MAX);
        double apart = (double)scores[1] - (500 + 40 * (double)x[PLANTED_NOISE]);
        off += apart * apart;
        n++;
        hec_predictor_explain(predictor, x, c, 1, each, &number, &base);
        double sum = 0;
        for (int j = 0; j < PLANTED_NUMERICS + PLANTED_CATEGORIES; j++) {
            sum += (double)each[j];
        }
        cr_expect_float_eq((double)number, (double)scores[1], 1e-2);
        cr_expect_float_eq(sum, (double)number - (double)base, 1e-4 * fmax(40, fabs(sum)));
    }
    cr_expect_lt(sqrt(off / n), 12, "off by %f of 40", sqrt(off / n));
    cr_expect_float_eq(hec_model_info(model)->shifts[1], 500, 5);
    cr_expect_float_eq(hec_model_info(model)->spreads[1], 40, 4);
    cr_expect_gt(hec_model_info(model)->thresholds[1], 1.0f, "it raises no alert");
    cr_expect_eq(hec_model_info(model)->spreads[0], 1.0f);
    hec_predictor_free(predictor);
    hec_model_free(model);
    planted_free(&world.planted);
}

/* What stands on rows without a number is not looked at: the same bytes whatever it is. */
Test(regression, learns_nothing_where_there_is_no_number)
{
    void *bytes[2];
    size_t size[2];
    make(&world, HEC_TARGET_UNKNOWN, 0);
    make(&other, HEC_TARGET_NEGATIVE, 1e6f);
    cr_assert_eq(learn(&world, &(struct hec_network){ 0 }, &bytes[0], &size[0], &error), HEC_OK);
    cr_assert_eq(learn(&other, &(struct hec_network){ 0 }, &bytes[1], &size[1], &error), HEC_OK);
    cr_assert_eq(size[0], size[1]);
    cr_expect_eq(memcmp(bytes[0], bytes[1], size[0]), 0);
    free(bytes[0]);
    free(bytes[1]);
    planted_free(&world.planted);
    planted_free(&other.planted);
}

Test(regression, refuses_a_number_that_is_none)
{
    void *bytes = NULL;
    size_t size = 0;
    make(&world, HEC_TARGET_UNKNOWN, NAN);
    world.values[3 * HEADS + 1] = INFINITY;
    cr_expect_eq(learn(&world, &(struct hec_network){ 0 }, &bytes, &size, &error), HEC_INVALID);
    cr_expect(strstr(error.text, "row 3 has no number for head 'size'") != NULL, "%s", error.text);
    world.data.values = NULL;
    cr_expect_eq(learn(&world, &(struct hec_network){ 0 }, &bytes, &size, &error), HEC_INVALID);
    planted_free(&world.planted);
}

/* Widths, one layer and one gate survive the file, and explanations hold for them. */
Test(regression, goes_with_a_network_of_ones_own)
{
    make(&world, HEC_TARGET_UNKNOWN, 0);
    struct hec_network network = { .arch = HEC_ARCH_MMOE,
                                   .embed = HEC_EMBED_NONE,
                                   .trunk_1 = 16,
                                   .tower = 8,
                                   .experts = 8,
                                   .one_layer = true,
                                   .one_gate = true };
    struct hec_model *model = learned(&world, &network);
    cr_expect(model->shape.hidden[0] == 0 && model->shape.hidden[1] == 16);
    cr_expect(model->shape.tower == 8 && model->shape.experts == 8 && model->shape.one_gate == 1);
    cr_expect_eq(model->layout.place[HEC_T_GATE_WEIGHT].rows, 8);
    struct hec_predictor *predictor;
    cr_assert_eq(hec_predictor_new(&predictor, model, 1), HEC_OK);
    for (size_t row = 0; row < 200; row++) {
        for (int head = 0; head < HEADS; head++) {
            float each[PLANTED_NUMERICS + PLANTED_CATEGORIES], number, base;
            hec_predictor_explain(predictor, world.planted.numerics + row * PLANTED_NUMERICS,
                                  world.planted.categories + row * PLANTED_CATEGORIES, head, each,
                                  &number, &base);
            double sum = 0, unit = (double)model->spreads[head];
            for (int j = 0; j < PLANTED_NUMERICS + PLANTED_CATEGORIES; j++) {
                sum += (double)each[j];
            }
            cr_assert_float_eq(sum, (double)number - (double)base, 1e-4 * fmax(unit, fabs(sum)),
                               "row %zu head %d", row, head);
        }
    }
    hec_predictor_free(predictor);
    hec_model_free(model);
    planted_free(&world.planted);
}

Test(regression, refuses_widths_that_make_no_network)
{
    void *bytes = NULL;
    size_t size = 0;
    make(&world, HEC_TARGET_UNKNOWN, 0);
    const struct hec_network wrong[] = {
        { .experts = 4 },
        { .arch = HEC_ARCH_MMOE, .experts = HEC_EXPERTS_MAX + 1 },
        { .arch = HEC_ARCH_CGC, .one_gate = true },
        { .one_layer = true, .fusion = HEC_FUSION_CONCAT },
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        cr_expect_eq(learn(&world, &wrong[i], &bytes, &size, &error), HEC_INVALID, "%zu", i);
    }
    planted_free(&world.planted);
}
