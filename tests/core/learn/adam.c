/* AdamW: against the rule written down once more in double, and by hand at the first step. */
#include "learn/adam.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hecate/random.h"

static const struct hec_shape shape = { .numerics = 3,
                                        .frequencies = 2,
                                        .periodic = 2,
                                        .table_rows = 2,
                                        .table_dims = 1,
                                        .hidden = { 5, 4 },
                                        .heads = 2,
                                        .tower = 3,
                                        .bottleneck = 2,
                                        .decoder = 3 };

/* PyTorch's torch.optim.AdamW and clip_grad_norm_, one number at a time. */
struct plain {
    double p[1024], mean[1024], square[1024];
};

static void plain_step(struct plain *plain, const struct hec_layout *layout, const float *gradient,
                       double rate, double decay, double clip, int step)
{
    double norm[2] = { 0 };
    for (size_t i = 0; i < layout->numbers; i++) {
        norm[i >= layout->decoder_first] += pow((double)gradient[i], 2);
    }
    for (int t = 0; t < HEC_TENSORS; t++) {
        const struct hec_tensor_place *place = &layout->place[t];
        bool weight = strstr(place->name, "weight") != NULL;
        for (int k = 0; k < place->rows * place->cols; k++) {
            size_t i = place->offset + (size_t)k;
            double all = sqrt(norm[i >= layout->decoder_first]);
            double g = (double)gradient[i] * (all > clip ? clip / (all + 1e-6) : 1);
            plain->p[i] *= weight ? 1 - rate * decay : 1;
            plain->mean[i] = 0.9 * plain->mean[i] + 0.1 * g;
            plain->square[i] = 0.999 * plain->square[i] + 0.001 * g * g;
            double mean = plain->mean[i] / (1 - pow(0.9, step));
            double square = plain->square[i] / (1 - pow(0.999, step));
            plain->p[i] -= rate * mean / (sqrt(square) + 1e-8);
        }
    }
}

Test(adam, follows_the_plain_rule_for_fifty_steps)
{
    static struct plain plain;
    struct hec_layout layout;
    struct hec_adam adam;
    float parameters[1024] = { 0 }, gradients[1024] = { 0 };
    struct hec_random random = hec_random_at(1, 0);
    hec_layout_of(&layout, &shape);
    cr_assert_lt(layout.numbers, 1024u);
    cr_assert_eq(hec_adam_new(&adam, &layout, 0.3, 1.0), HEC_OK);
    for (int t = 0; t < HEC_TENSORS; t++) {
        for (int k = 0; k < layout.place[t].rows * layout.place[t].cols; k++) {
            size_t i = layout.place[t].offset + (size_t)k;
            parameters[i] = (float)hec_random_normal(&random);
            plain.p[i] = (double)parameters[i];
        }
    }
    for (int step = 1; step <= 50; step++) {
        double rate = hec_cosine_rate(0.01, step - 1, 50);
        double size = step % 2 ? 3 : 0.01; /* clipped, and not */
        for (int t = 0; t < HEC_TENSORS; t++) {
            for (int k = 0; k < layout.place[t].rows * layout.place[t].cols; k++) {
                gradients[layout.place[t].offset + (size_t)k] =
                    (float)(size * hec_random_normal(&random));
            }
        }
        plain_step(&plain, &layout, gradients, rate, 0.3, 1.0, step);
        hec_adam_step(&adam, parameters, gradients, rate);
    }
    for (size_t i = 0; i < layout.numbers; i++) {
        cr_assert_float_eq((double)parameters[i], plain.p[i], 2e-5, "number %zu", i);
    }
    hec_adam_free(&adam);
}

/* The first step moves every number by the rate, whatever the gradient's size. */
Test(adam, begins_with_a_step_of_the_rate)
{
    struct hec_layout layout;
    struct hec_adam adam;
    float parameters[1024] = { 0 }, gradients[1024] = { 0 };
    hec_layout_of(&layout, &shape);
    cr_assert_eq(hec_adam_new(&adam, &layout, 0, 1e9), HEC_OK);
    size_t at = layout.place[HEC_T_TRUNK_0_WEIGHT].offset;
    gradients[at] = 5;
    gradients[at + 1] = -0.001f;
    hec_adam_step(&adam, parameters, gradients, 0.01);
    cr_expect_float_eq((double)parameters[at], -0.01, 1e-7);
    cr_expect_float_eq((double)parameters[at + 1], 0.01, 1e-6);
    cr_expect_eq(parameters[at + 2], 0);
    hec_adam_free(&adam);
}

Test(adam, does_not_let_the_decoder_shorten_the_trunks_steps)
{
    struct hec_layout layout;
    struct hec_adam adam;
    float parameters[1024] = { 0 }, gradients[1024] = { 0 };
    hec_layout_of(&layout, &shape);
    cr_assert_eq(hec_adam_new(&adam, &layout, 0, 1.0), HEC_OK);
    size_t trunk = layout.place[HEC_T_TRUNK_0_WEIGHT].offset;
    size_t decoder = layout.place[HEC_T_DECODER_1_WEIGHT].offset;
    gradients[trunk] = 0.5f;
    gradients[decoder] = 1000;
    hec_adam_step(&adam, parameters, gradients, 0.01);
    cr_expect_eq(gradients[trunk], 0.5f);
    cr_expect_float_eq((double)gradients[decoder], 1, 1e-5);
    hec_adam_free(&adam);
}

/* A group that is held moves not at all, decays not at all and takes nothing of the clipping; one
 * at a tenth of the rate moves a tenth as far. */
Test(adam, moves_each_group_by_its_own_share_of_the_rate)
{
    for (int momentum = 0; momentum < 2; momentum++) {
        struct hec_layout layout;
        struct hec_adam adam;
        float parameters[1024], gradients[1024] = { 0 };
        hec_layout_of(&layout, &shape);
        for (int i = 0; i < 1024; i++) {
            parameters[i] = 1;
        }
        cr_assert_eq(hec_adam_new(&adam, &layout, 0.5, 1.0), HEC_OK);
        adam.momentum_only = momentum != 0;
        adam.factor[HEC_T_TRUNK_0_WEIGHT] = 0;
        adam.factor[HEC_T_TRUNK_1_WEIGHT] = 0.1;
        size_t held = layout.place[HEC_T_TRUNK_0_WEIGHT].offset;
        size_t slow = layout.place[HEC_T_TRUNK_1_WEIGHT].offset;
        size_t full = layout.place[HEC_T_HEADS_0_WEIGHT].offset;
        gradients[held] = 1000; /* would take all of the clipping */
        gradients[slow] = gradients[full] = 0.3f;
        hec_adam_step(&adam, parameters, gradients, 0.01);
        cr_expect_eq(parameters[held], 1, "what is held moved");
        cr_expect_eq(parameters[held + 1], 1, "what is held decayed");
        cr_expect_eq(gradients[full], 0.3f, "what is held was clipped for");
        double far = 1 - (double)parameters[full], near = 1 - (double)parameters[slow];
        cr_expect_gt(far, 0);
        cr_expect_float_eq(near, far / 10, 1e-5, "%g and %g", near, far);
        hec_adam_free(&adam);
    }
}

Test(adam, has_a_rate_that_falls_along_half_a_cosine)
{
    cr_expect_float_eq(hec_cosine_rate(0.5, 0, 100), 0.5, 1e-12);
    cr_expect_float_eq(hec_cosine_rate(0.5, 50, 100), 0.25, 1e-12);
    cr_expect_float_eq(hec_cosine_rate(0.5, 100, 100), 0, 1e-12);
    cr_expect(hec_cosine_rate(0.5, 99, 100) > 0);
}
