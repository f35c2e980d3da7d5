/* Tasks: one Gramian a step, and what is done and told by it. */
#include "learn/tasks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/blend.h"

#define TASKS_STREAM 18
#define PIECE 4096 /* numbers added in float before the sum goes on in double */

static size_t numbers_of(const struct hec_work *work, int rows)
{
    return (size_t)work->trunks * (size_t)rows * (size_t)work->width;
}

enum hec_status hec_tasks_new(struct hec_tasks *tasks, const struct hec_work *work, int kinds,
                              enum hec_mtl way, uint64_t seed)
{
    *tasks = (struct hec_tasks){ .way = way, .random = hec_random_at(seed, TASKS_STREAM) };
    tasks->count = work->shape.heads + (work->share ? 1 : 0);
    tasks->kinds_from = work->shape.heads - kinds;
    tasks->kinds_to = work->shape.heads;
    tasks->each = calloc((size_t)tasks->count * numbers_of(work, work->rows_max), sizeof(float));
    return tasks->each == NULL ? HEC_NO_MEMORY : HEC_OK;
}

void hec_tasks_free(struct hec_tasks *tasks)
{
    free(tasks->each);
    *tasks = (struct hec_tasks){ 0 };
}

void hec_tasks_begin_epoch(struct hec_tasks *tasks)
{
    memset(tasks->norm, 0, sizeof(tasks->norm));
    memset(tasks->norms, 0, sizeof(tasks->norms));
    memset(tasks->cosine, 0, sizeof(tasks->cosine));
    memset(tasks->cosines, 0, sizeof(tasks->cosines));
    tasks->observed = tasks->conflicts = 0;
}

static double inner(const float *a, const float *b, size_t n)
{
    double sum = 0;
    for (size_t first = 0; first < n; first += PIECE) {
        size_t left = n - first;
        sum += (double)hec_dot(a + first, b + first, (int)(left < PIECE ? left : PIECE));
    }
    return sum;
}

static bool is_kind(const struct hec_tasks *tasks, int task)
{
    return task >= tasks->kinds_from && task < tasks->kinds_to;
}

/* Fills the Gramian and takes its notes. */
static void look(struct hec_tasks *tasks, struct hec_work *work, const float *parameters, int rows,
                 int dropout)
{
    int K = tasks->count;
    size_t n = numbers_of(work, rows);
    bool conflict = false;
    hec_net_each(work, parameters, rows, dropout, tasks->each);
    for (int i = 0; i < K; i++) {
        for (int j = 0; j <= i; j++) {
            double g = inner(tasks->each + (size_t)i * n, tasks->each + (size_t)j * n, n);
            tasks->gramian[i * K + j] = tasks->gramian[j * K + i] = g;
        }
    }
    for (int i = 0; i < K; i++) {
        double own = tasks->gramian[i * K + i];
        if (own <= 0) {
            continue;
        }
        tasks->norm[i] += sqrt(own);
        tasks->norms[i]++;
        for (int j = 0; j < i; j++) {
            double other = tasks->gramian[j * K + j];
            if (other > 0) {
                double cosine = tasks->gramian[i * K + j] / sqrt(own * other);
                tasks->cosine[i][j] += cosine;
                tasks->cosines[i][j]++;
                conflict = conflict || (cosine < 0 && !is_kind(tasks, i) && !is_kind(tasks, j));
            }
        }
    }
    tasks->observed++;
    tasks->conflicts += conflict;
}

void hec_tasks_backward(struct hec_tasks *tasks, struct hec_work *work, const float *parameters,
                        float *gradients, int rows, int dropout)
{
    bool sums = tasks->way == HEC_MTL_SUM || tasks->way == HEC_MTL_MTSGD;
    size_t n = numbers_of(work, rows);
    hec_net_heads_backward(work, parameters, gradients, rows, dropout);
    if (!sums || tasks->steps % HEC_OBSERVE_STEPS == 0) {
        look(tasks, work, parameters, rows, dropout);
    }
    if (!sums) {
        hec_aggregate_weights(tasks->weights, tasks->way, tasks->gramian, tasks->count,
                              &tasks->random);
        memset(work->dr, 0, sizeof(float) * n);
        for (int k = 0; k < tasks->count; k++) {
            hec_add_scaled(work->dr, tasks->each + (size_t)k * n, (float)tasks->weights[k], (int)n);
        }
    }
    hec_net_trunk_backward(work, parameters, gradients, rows, dropout);
    tasks->steps++;
}

double hec_tasks_norm(const struct hec_tasks *tasks, int task)
{
    return tasks->norms[task] > 0 ? tasks->norm[task] / (double)tasks->norms[task] : NAN;
}

double hec_tasks_cosine(const struct hec_tasks *tasks, int a, int b)
{
    int i = a > b ? a : b, j = a > b ? b : a;
    return tasks->cosines[i][j] > 0 ? tasks->cosine[i][j] / (double)tasks->cosines[i][j] : NAN;
}

double hec_tasks_conflict_share(const struct hec_tasks *tasks)
{
    return tasks->observed > 0 ? (double)tasks->conflicts / (double)tasks->observed : NAN;
}
