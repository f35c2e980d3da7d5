/* PyTorch's word on three networks: forward, losses, gradients, and fifty steps of AdamW. The
 * fixture and what wrote it stand in tests/data. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "learn/adam.h"
#include "model/gemm.h"
#include "model/layers.h"
#include "model/net.h"

#include "../../data/torch_fixture.h"

struct said {
    enum hec_arch arch;
    const double *begin, *z, *y, *loss, *gradient, *after_1, *after_50;
};

#define SAID(enumerator, name)                                                                     \
    {                                                                                              \
        enumerator, torch_##name##_begin, torch_##name##_z, torch_##name##_y, torch_##name##_loss, \
            torch_##name##_gradient, torch_##name##_after_1, torch_##name##_after_50               \
    }

static const struct said networks[] = {
    SAID(HEC_ARCH_SHARED_BOTTOM, shared_bottom),
    SAID(HEC_ARCH_MMOE, mmoe),
    SAID(HEC_ARCH_ATTENTION, attention),
};

struct bench {
    struct hec_work work;
    struct hec_adam adam;
    float *parameters, *gradients;
};

/* Numbers that stand one behind the other, to where each tensor lies. */
static void lay_out(const struct hec_layout *layout, float *to, const double *from)
{
    for (int t = 0; t < HEC_TENSORS; t++) {
        const struct hec_tensor_place *place = &layout->place[t];
        for (int i = 0; i < place->rows * place->cols; i++) {
            to[place->offset + (size_t)i] = (float)*from++;
        }
    }
}

static void expect_near(const struct hec_layout *layout, const float *is, const double *was,
                        double tolerance, const char *what)
{
    for (int t = 0; t < HEC_TENSORS; t++) {
        const struct hec_tensor_place *place = &layout->place[t];
        for (int i = 0; i < place->rows * place->cols; i++, was++) {
            double number = (double)is[place->offset + (size_t)i];
            cr_assert_float_eq(number, *was, tolerance * fmax(1, fabs(*was)),
                               "%s: %s[%d]: %g, not %g", what, place->name, i, number, *was);
        }
    }
}

static void set_up(struct bench *bench, const struct said *said)
{
    struct hec_shape shape = { .arch = said->arch,
                               .numerics = TORCH_F,
                               .categories = TORCH_C,
                               .frequencies = TORCH_Q,
                               .periodic = TORCH_E,
                               .table_rows = TORCH_TABLE_ROWS,
                               .table_dims = TORCH_DIMS,
                               .hidden = { TORCH_H0, TORCH_H1 },
                               .heads = TORCH_K,
                               .experts = said->arch == HEC_ARCH_MMOE ? TORCH_EXPERTS : 0,
                               .tower = TORCH_T,
                               .bottleneck = TORCH_BOTTLENECK,
                               .decoder = TORCH_DECODER };
    hec_gemm_setup();
    cr_assert_eq(hec_work_new(&bench->work, &shape, TORCH_ROWS, HEC_WORK_TRAINING), HEC_OK);
    const struct hec_layout *layout = &bench->work.layout;
    cr_assert_eq(hec_adam_new(&bench->adam, layout, TORCH_DECAY, TORCH_CLIP), HEC_OK);
    bench->parameters = calloc(layout->numbers + 16, sizeof(float));
    bench->gradients = calloc(layout->numbers + 16, sizeof(float));
    lay_out(layout, bench->parameters, said->begin);
    for (int row = 0; row < TORCH_ROWS; row++) {
        for (int j = 0; j < TORCH_F; j++) {
            bench->work.input[row * bench->work.inputs + j] = (float)torch_x[row * TORCH_F + j];
        }
        bench->work.index[row] = (uint32_t)torch_index[row];
    }
}

/* One pass; losses: the heads', then novelty's. */
static void pass(struct bench *bench, double *losses)
{
    struct hec_work *work = &bench->work;
    int8_t target[TORCH_ROWS * TORCH_K];
    float weight[TORCH_ROWS * TORCH_K], scale[TORCH_K] = { 1, 1 };
    uint8_t counts[TORCH_ROWS];
    for (int i = 0; i < TORCH_ROWS * TORCH_K; i++) {
        target[i] = (int8_t)torch_target[i];
        weight[i] = (float)torch_weight[i];
    }
    for (int row = 0; row < TORCH_ROWS; row++) {
        counts[row] = (uint8_t)torch_counts[row];
    }
    hec_net_forward(work, bench->parameters, TORCH_ROWS, 0);
    hec_bce(work->dz, losses, work->z, target, weight, scale, TORCH_ROWS, TORCH_K);
    losses[TORCH_K] = hec_reconstruction(work->dy, work->y, work->input, work->inputs, counts,
                                         TORCH_ROWS, TORCH_F);
    memset(bench->gradients, 0, sizeof(float) * work->layout.numbers);
    hec_net_backward(work, bench->parameters, bench->gradients, TORCH_ROWS, 0);
}

static void tear_down(struct bench *bench)
{
    free(bench->parameters);
    free(bench->gradients);
    hec_adam_free(&bench->adam);
    hec_work_free(&bench->work);
}

Test(parity, forward_losses_and_gradients_are_pytorchs)
{
    for (size_t n = 0; n < sizeof(networks) / sizeof(networks[0]); n++) {
        const struct said *said = &networks[n];
        const char *name = hec_arch_names[said->arch];
        struct bench bench;
        double losses[TORCH_K + 1];
        set_up(&bench, said);
        pass(&bench, losses);
        for (int i = 0; i < TORCH_ROWS * TORCH_K; i++) {
            cr_assert_float_eq((double)bench.work.z[i], said->z[i], 1e-5, "%s: logit %d", name, i);
        }
        for (int i = 0; i < TORCH_ROWS * TORCH_F; i++) {
            cr_assert_float_eq((double)bench.work.y[i], said->y[i], 1e-5, "%s: y %d", name, i);
        }
        for (int k = 0; k <= TORCH_K; k++) {
            cr_assert_float_eq(losses[k], said->loss[k], 1e-5, "%s: loss %d", name, k);
        }
        expect_near(&bench.work.layout, bench.gradients, said->gradient, 1e-4, name);
        tear_down(&bench);
    }
}

Test(parity, fifty_steps_of_adamw_end_where_pytorchs_do)
{
    for (size_t n = 0; n < sizeof(networks) / sizeof(networks[0]); n++) {
        const struct said *said = &networks[n];
        struct bench bench;
        double losses[TORCH_K + 1];
        set_up(&bench, said);
        for (long step = 0; step < TORCH_STEPS; step++) {
            pass(&bench, losses);
            hec_adam_step(&bench.adam, bench.parameters, bench.gradients,
                          hec_cosine_rate(TORCH_RATE, step, TORCH_STEPS));
            if (step == 0) {
                expect_near(&bench.work.layout, bench.parameters, said->after_1, 1e-4, "one step");
            }
        }
        expect_near(&bench.work.layout, bench.parameters, said->after_50, 1e-3,
                    hec_arch_names[said->arch]);
        cr_assert_lt(losses[0], 0.9 * said->loss[0], "the steps went somewhere");
        tear_down(&bench);
    }
}
