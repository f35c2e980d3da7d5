/* Tasks: looking at them changes nothing, what is told of them is so, and they are joined as said.
 */
#include "learn/tasks.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { ROWS = 9, NUMBERS_MAX = 4096 };

static const struct hec_shape tiny = { .numerics = 6,
                                       .frequencies = 2,
                                       .periodic = 2,
                                       .hidden = { 8, 5 },
                                       .heads = 2,
                                       .tower = 4,
                                       .table_rows = 2,
                                       .table_dims = 1 };

struct bench {
    struct hec_work work;
    struct hec_tasks tasks;
    float parameters[NUMBERS_MAX], gradients[NUMBERS_MAX];
};

/* Both heads have one tower's weights, so that equal labels mean equal gradients. */
static void set_up(struct bench *bench, enum hec_mtl way)
{
    struct hec_random random = hec_random_at(5, 0);
    memset(bench, 0, sizeof(*bench));
    cr_assert_eq(hec_work_new(&bench->work, &tiny, ROWS, HEC_WORK_TRAINING), HEC_OK);
    cr_assert_eq(hec_tasks_new(&bench->tasks, &bench->work, 0, way, 1), HEC_OK);
    struct hec_work *work = &bench->work;
    cr_assert_leq(work->layout.numbers, (size_t)NUMBERS_MAX);
    for (size_t i = 0; i < work->layout.numbers; i++) {
        bench->parameters[i] = (float)(0.5 * hec_random_normal(&random));
    }
    for (int t = HEC_T_HEADS_0_WEIGHT; t <= HEC_T_HEADS_1_BIAS; t++) {
        const struct hec_tensor_place *place = &work->layout.place[t];
        size_t half = (size_t)place->rows * (size_t)place->cols / 2;
        memcpy(bench->parameters + place->offset + half, bench->parameters + place->offset,
               sizeof(float) * half);
    }
    for (int row = 0; row < ROWS; row++) {
        for (int j = 0; j < tiny.numerics; j++) {
            work->input[row * work->inputs + j] = (float)hec_random_normal(&random);
        }
    }
    hec_net_forward(work, bench->parameters, ROWS, 0);
}

static void tear_down(struct bench *bench)
{
    hec_work_free(&bench->work);
    hec_tasks_free(&bench->tasks);
}

/* The second head wants factor times what the first one wants. */
static void backward(struct bench *bench, float factor)
{
    for (int row = 0; row < ROWS; row++) {
        bench->work.dz[row * 2] = row % 2 ? 0.1f : -0.2f;
        bench->work.dz[row * 2 + 1] = factor * bench->work.dz[row * 2];
    }
    memset(bench->gradients, 0, sizeof(bench->gradients));
    hec_tasks_backward(&bench->tasks, &bench->work, bench->parameters, bench->gradients, ROWS, 0);
}

Test(tasks, tell_agreement_and_conflict)
{
    struct bench bench;
    set_up(&bench, HEC_MTL_SUM);
    hec_tasks_begin_epoch(&bench.tasks);
    cr_expect(isnan(hec_tasks_cosine(&bench.tasks, 0, 1)), "nothing was seen yet");
    backward(&bench, 2);
    cr_expect_float_eq(hec_tasks_cosine(&bench.tasks, 0, 1), 1, 1e-5);
    cr_expect_float_eq(hec_tasks_cosine(&bench.tasks, 1, 0), 1, 1e-5);
    cr_expect_float_eq(hec_tasks_norm(&bench.tasks, 1) / hec_tasks_norm(&bench.tasks, 0), 2, 1e-5);
    cr_expect_eq(hec_tasks_conflict_share(&bench.tasks), 0);

    hec_tasks_begin_epoch(&bench.tasks);
    bench.tasks.steps = 0;
    backward(&bench, -1);
    cr_expect_float_eq(hec_tasks_cosine(&bench.tasks, 0, 1), -1, 1e-5);
    cr_expect_eq(hec_tasks_conflict_share(&bench.tasks), 1);
    tear_down(&bench);
}

Test(tasks, looks_at_one_step_in_eight_when_it_only_looks)
{
    struct bench bench;
    set_up(&bench, HEC_MTL_SUM);
    for (int step = 0; step < 3 * HEC_OBSERVE_STEPS; step++) {
        backward(&bench, 1);
    }
    cr_expect_eq(bench.tasks.observed, 3);
    tear_down(&bench);
    set_up(&bench, HEC_MTL_UPGRAD);
    for (int step = 0; step < 5; step++) {
        backward(&bench, 1);
    }
    cr_expect_eq(bench.tasks.observed, 5);
    tear_down(&bench);
}

Test(tasks, changes_nothing_by_looking)
{
    struct bench seen, plain;
    set_up(&seen, HEC_MTL_SUM);
    set_up(&plain, HEC_MTL_SUM);
    plain.tasks.steps = 1; /* not one of those that are looked at */
    backward(&seen, -0.5f);
    backward(&plain, -0.5f);
    cr_expect_eq(seen.tasks.observed, 1);
    cr_expect_eq(plain.tasks.observed, 0);
    cr_expect_eq(memcmp(seen.gradients, plain.gradients, sizeof(plain.gradients)), 0);
    tear_down(&seen);
    tear_down(&plain);
}

static double trunk_distance(const struct bench *a, const struct bench *b, double factor)
{
    const struct hec_tensor_place *place = &a->work.layout.place[HEC_T_TRUNK_0_WEIGHT];
    double most = 0;
    for (int i = 0; i < place->rows * place->cols; i++) {
        size_t at = place->offset + (size_t)i;
        most = fmax(most, fabs((double)a->gradients[at] - factor * (double)b->gradients[at]));
    }
    return most;
}

/* Opposed tasks of equal strength: MGDA stands still, the sum of unequal ones does not. */
Test(tasks, join_the_gradients_by_the_weights)
{
    struct bench one, two;
    set_up(&one, HEC_MTL_MGDA);
    set_up(&two, HEC_MTL_SUM);
    backward(&one, -3);
    backward(&two, -3);
    cr_expect_float_eq(one.tasks.weights[0], 1.5, 1e-4);
    cr_expect_float_eq(one.tasks.weights[1], 0.5, 1e-4);
    cr_expect_lt(trunk_distance(&one, &two, 0), 1e-5, "the trunk moves where nobody gains");
    cr_expect_gt(trunk_distance(&two, &one, 0), 1e-3);

    backward(&one, 1); /* agreed: the same as the sum, but for rounding */
    backward(&two, 1);
    cr_expect_lt(trunk_distance(&one, &two, 1), 1e-5);
    size_t tower = one.work.layout.place[HEC_T_HEADS_0_WEIGHT].offset;
    cr_expect_eq(one.gradients[tower], two.gradients[tower], "towers have their own loss only");
    tear_down(&one);
    tear_down(&two);
}
