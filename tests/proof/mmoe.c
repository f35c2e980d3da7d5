/*
 * The synthetic experiment of Ma, Zhao, Yi, Chen, Hong, Chi, "Modeling task relationships in
 * multi-task learning with multi-gate mixture-of-experts", KDD 2018, by our own trainer.
 *
 * Two orthonormal u1, u2 in 100 dimensions; w1 = u1, w2 = p u1 + sqrt(1 - p^2) u2; x ~ N(0, I);
 * y_k = w_k x + sum over i of sin(i w_k x + b_i) + noise of variance 0.01. Each run draws its own
 * data and weights, and all three networks of a run meet the same rows. Their hidden layers have
 * as many parameters as the paper's: 8 experts of 16 units with towers of 8, or one trunk of 113.
 *
 *   mmoe RUNS [ROWS EPOCHS BATCH RATE SINES WORKERS]     a line of CSV a training on stdout
 *
 * Judged is the mean squared error on 10 000 fresh rows, the mean of the two heads, in the units of
 * y; of runs nothing is left out.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/workers.h"
#include "hecate/random.h"
#include "hecate/train.h"

enum { D = 100, HEADS = 2, TEST_ROWS = 10000, CHUNK = 256, POINTS = 3, WAYS = 3 };
#define NOISE_SD 0.1

static const double POINT[POINTS] = { 1, 0.75, 0.5 };
static const char *const WAY[WAYS] = { "shared-bottom", "one-gate", "mmoe" };
static const struct hec_network NETWORK[WAYS] = {
    { .embed = HEC_EMBED_NONE, .one_layer = true, .trunk_1 = 113, .tower = 8 },
    { .arch = HEC_ARCH_MMOE,
      .embed = HEC_EMBED_NONE,
      .one_layer = true,
      .trunk_1 = 16,
      .tower = 8,
      .experts = 8,
      .one_gate = true },
    { .arch = HEC_ARCH_MMOE,
      .embed = HEC_EMBED_NONE,
      .one_layer = true,
      .trunk_1 = 16,
      .tower = 8,
      .experts = 8 },
};

struct setting {
    int runs, rows, epochs, batch, sines, workers;
    double rate;
};

struct outcome {
    double error[HEADS];
    size_t parameters;
    bool done;
};

struct experiment {
    struct setting setting;
    struct outcome *outcomes; /* (points, runs, ways) */
};

struct rows {
    int count;
    float *x, *y; /* (count, D), (count, HEADS) */
};

/* Two unit vectors at a right angle, by Gram and Schmidt. */
static void draw_weights(double w[HEADS][D], double p, uint64_t seed)
{
    struct hec_random random = hec_random_at(seed, 1);
    double u[2][D], dot = 0, norm[2] = { 0 };
    for (int j = 0; j < D; j++) {
        u[0][j] = hec_random_normal(&random);
        u[1][j] = hec_random_normal(&random);
        norm[0] += u[0][j] * u[0][j];
    }
    for (int j = 0; j < D; j++) {
        u[0][j] /= sqrt(norm[0]);
        dot += u[0][j] * u[1][j];
    }
    for (int j = 0; j < D; j++) {
        u[1][j] -= dot * u[0][j];
        norm[1] += u[1][j] * u[1][j];
    }
    for (int j = 0; j < D; j++) {
        w[0][j] = u[0][j];
        w[1][j] = p * u[0][j] + sqrt(1 - p * p) * u[1][j] / sqrt(norm[1]);
    }
}

/* The scaler takes a signed logarithm; a column written as its inverse enters as x itself. */
static float written(double x)
{
    return (float)copysign(expm1(fabs(x)), x);
}

static void draw_rows(struct rows *rows, double w[HEADS][D], int sines, uint64_t seed,
                      uint64_t stream)
{
    struct hec_random random = hec_random_at(seed, stream);
    for (int row = 0; row < rows->count; row++) {
        double dot[HEADS] = { 0 };
        for (int j = 0; j < D; j++) {
            double x = hec_random_normal(&random);
            rows->x[(size_t)row * D + (size_t)j] = written(x);
            dot[0] += w[0][j] * x;
            dot[1] += w[1][j] * x;
        }
        for (int k = 0; k < HEADS; k++) {
            double y = dot[k] + NOISE_SD * hec_random_normal(&random);
            for (int i = 1; i <= sines; i++) {
                y += sin(i * dot[k] + i);
            }
            rows->y[row * HEADS + k] = (float)y;
        }
    }
}

static void judge(struct outcome *outcome, const struct hec_model *model, const struct rows *test)
{
    struct hec_predictor *predictor;
    if (hec_predictor_new(&predictor, model, CHUNK) != HEC_OK) {
        return;
    }
    for (int first = 0; first < test->count; first += CHUNK) {
        static _Thread_local float scores[CHUNK * HEADS];
        int count = test->count - first < CHUNK ? test->count - first : CHUNK;
        hec_predictor_run(predictor, test->x + (size_t)first * D, NULL, NULL, count, scores, HEADS);
        for (int i = 0; i < count * HEADS; i++) {
            double off = (double)scores[i] - (double)test->y[first * HEADS + i];
            outcome->error[i % HEADS] += off * off / test->count;
        }
    }
    outcome->parameters = hec_model_info(model)->parameters;
    outcome->done = true;
    hec_predictor_free(predictor);
}

static void train(struct outcome *outcome, const struct experiment *all, int way, uint64_t seed,
                  const struct rows *rows, const struct rows *test)
{
    static char names[D][8];
    const char *columns[D];
    struct hec_train_options options;
    struct hec_head heads[HEADS] = { { .name = "y1" }, { .name = "y2" } };
    struct hec_model *model = NULL;
    struct hec_error error = { 0 };
    void *bytes = NULL;
    size_t size = 0, cells = (size_t)rows->count * HEADS;
    int8_t *targets = malloc(cells);
    uint8_t *split = malloc((size_t)rows->count);
    for (int j = 0; j < D; j++) {
        snprintf(names[j], sizeof(names[j]), "x%d", j);
        columns[j] = names[j];
    }
    for (int k = 0; k < HEADS; k++) {
        heads[k].kind = HEC_HEAD_REGRESSION;
        heads[k].event_types = 1;
        heads[k].loss_weight = 1;
    }
    memset(targets, HEC_TARGET_POSITIVE, cells);
    memset(split, HEC_SPLIT_TRAIN, (size_t)rows->count);
    struct hec_dataset data = { .rows = (uint32_t)rows->count,
                                .columns = { D, 0, columns, columns, "", "" },
                                .numerics = rows->x,
                                .split = split,
                                .heads_count = HEADS,
                                .heads = heads,
                                .targets = targets,
                                .values = rows->y };
    hec_train_defaults(&options);
    options.seed = seed;
    options.epochs_max = options.patience = all->setting.epochs;
    options.batch_rows = all->setting.batch;
    options.learning_rate = (float)all->setting.rate;
    options.dropout = options.weight_decay = 0;
    options.network = NETWORK[way];
    if (hec_train(&bytes, &size, &data, &options, NULL, NULL, &error) == HEC_OK &&
        hec_model_load(&model, bytes, size, NULL, &error) == HEC_OK) {
        judge(outcome, model, test);
    } else {
        fprintf(stderr, "%s\n", error.text);
    }
    hec_model_free(model);
    free(bytes);
    free(targets);
    free(split);
}

static void run(void *user, int number)
{
    struct experiment *all = user;
    int runs = all->setting.runs, point = number % POINTS, which = number / POINTS;
    uint64_t seed = 1000 + (uint64_t)which;
    double w[HEADS][D];
    size_t n = (size_t)all->setting.rows;
    struct rows rows = { (int)n, malloc(n * D * sizeof(float)), malloc(n * HEADS * sizeof(float)) };
    struct rows test = { TEST_ROWS, malloc(TEST_ROWS * D * sizeof(float)),
                         malloc(TEST_ROWS * HEADS * sizeof(float)) };
    draw_weights(w, POINT[point], seed);
    draw_rows(&rows, w, all->setting.sines, seed, 2);
    draw_rows(&test, w, all->setting.sines, seed, 3);
    for (int way = 0; way < WAYS; way++) {
        train(&all->outcomes[(point * runs + which) * WAYS + way], all, way, seed, &rows, &test);
    }
    free(rows.x);
    free(rows.y);
    free(test.x);
    free(test.y);
    fprintf(stderr, "\rrun %d of %d, p = %g ", which + 1, runs, POINT[point]);
}

int main(int argc, char **argv)
{
    const double fallback[] = { 50, 10000, 30, 128, 0.003, 4, hec_workers_default() };
    double given[7];
    for (int i = 0; i < 7; i++) {
        given[i] = argc > i + 1 ? strtod(argv[i + 1], NULL) : fallback[i];
    }
    struct experiment all = { .setting = { (int)given[0], (int)given[1], (int)given[2],
                                           (int)given[3], (int)given[5], (int)given[6],
                                           given[4] } };
    int count = POINTS * all.setting.runs;
    all.outcomes = calloc((size_t)(count * WAYS), sizeof(*all.outcomes));
    hec_workers_run(all.setting.workers, count, run, &all);
    fprintf(stderr, "\n");
    printf("p,network,run,parameters,error_1,error_2\n");
    bool good = true;
    for (int i = 0; i < count * WAYS; i++) {
        const struct outcome *outcome = &all.outcomes[i];
        good = good && outcome->done;
        printf("%g,%s,%d,%zu,%.9g,%.9g\n", POINT[i / WAYS / all.setting.runs], WAY[i % WAYS],
               i / WAYS % all.setting.runs, outcome->parameters, outcome->error[0],
               outcome->error[1]);
    }
    free(all.outcomes);
    return good ? 0 : 1;
}
