/*
 * What the model costs: microseconds a row, median of five rounds, for the batch sizes that occur.
 *
 *   bench-model [numerics] [categories]
 *
 * The model is trained for one epoch on made-up rows: its cost depends on its shape only. A third
 * of the columns have missing values, so that there are indicators, as with real features.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "hecate/random.h"
#include "hecate/train.h"

enum { ROWS = 4096, ROUNDS = 5, NUMERICS_MAX = 192, CATEGORIES_MAX = 8 };

static double now_us(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return 1e6 * (double)time.tv_sec + 1e-3 * (double)time.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double us_a_row(struct hec_predictor *predictor, const float *numerics,
                       const uint32_t *categories, int n, int c, int batch)
{
    static float scores[ROWS * HEC_HEADS_MAX];
    double round[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        int rows = 0;
        double began_us = now_us(), took_us;
        do {
            for (int first = 0; first + batch <= ROWS; first += batch, rows += batch) {
                hec_predictor_run(predictor, numerics + first * n, categories + first * c, NULL,
                                  batch, scores, HEC_HEADS_MAX);
            }
            took_us = now_us() - began_us;
        } while (took_us < 100000);
        round[i] = took_us / rows;
    }
    qsort(round, ROUNDS, sizeof(round[0]), by_value);
    return round[ROUNDS / 2];
}

static double us_an_explanation(struct hec_predictor *predictor, const float *numerics,
                                const uint32_t *categories, int n, int c)
{
    static float contributions[NUMERICS_MAX + CATEGORIES_MAX];
    double round[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        double began_us = now_us();
        for (int row = 0; row < ROWS; row++) {
            hec_predictor_explain(predictor, numerics + row * n, categories + row * c, 0,
                                  contributions, NULL, NULL);
        }
        round[i] = (now_us() - began_us) / ROWS;
    }
    qsort(round, ROUNDS, sizeof(round[0]), by_value);
    return round[ROUNDS / 2];
}

static struct hec_model *made_up_model(const float *numerics, const uint32_t *categories, int n,
                                       int c)
{
    static char names[NUMERICS_MAX + CATEGORIES_MAX][8];
    static const char *name[NUMERICS_MAX + CATEGORIES_MAX];
    static uint8_t types[ROWS], split[ROWS];
    static int8_t targets[ROWS * HEC_DEFAULT_HEADS];
    for (int i = 0; i < n + c; i++) {
        snprintf(names[i], sizeof(names[i]), "c%d", i);
        name[i] = names[i];
    }
    for (int row = 0; row < ROWS; row++) {
        split[row] = HEC_SPLIT_TRAIN;
        targets[row * HEC_DEFAULT_HEADS] = targets[row * HEC_DEFAULT_HEADS + 1] = row % 50 == 0;
    }
    struct hec_dataset data = { .rows = ROWS,
                                .columns = { n, c, name, name + n, "", "" },
                                .numerics = numerics,
                                .categories = categories,
                                .event_type = types,
                                .split = split,
                                .heads_count = HEC_DEFAULT_HEADS,
                                .heads = hec_default_heads,
                                .targets = targets };
    struct hec_train_options options;
    struct hec_error error;
    struct hec_model *model;
    void *bytes;
    size_t size;
    hec_train_defaults(&options);
    options.epochs_max = 1;
    if (hec_train(&bytes, &size, &data, &options, NULL, NULL, &error) != HEC_OK ||
        hec_model_load(&model, bytes, size, NULL, &error) != HEC_OK) {
        fprintf(stderr, "bench-model: %s\n", error.text);
        exit(1);
    }
    free(bytes);
    return model;
}

int main(int argc, char **argv)
{
    static const int batches[] = { 1, 2, 4, 8, 32, 64, 256 };
    int n = argc > 1 ? atoi(argv[1]) : 30, c = argc > 2 ? atoi(argv[2]) : 4;
    if (n < 1 || n > NUMERICS_MAX || c < 0 || c > CATEGORIES_MAX) {
        fprintf(stderr, "usage: bench-model [numerics 1..192] [categories 0..8]\n");
        return 2;
    }
    float *numerics = malloc(sizeof(*numerics) * (size_t)(ROWS * n));
    uint32_t *categories = malloc(sizeof(*categories) * (size_t)(ROWS * c + 1));
    if (numerics == NULL || categories == NULL) {
        return 1;
    }
    struct hec_random random = hec_random_at(1, 0);
    for (int i = 0; i < ROWS * n; i++) {
        bool missing = i % n % 3 == 0 && hec_random_below(&random, 10) == 0;
        numerics[i] = missing ? NAN : (float)(50 * hec_random_normal(&random));
    }
    for (int i = 0; i < ROWS * c; i++) {
        categories[i] = hec_random_bits(&random) % 500;
    }

    struct hec_model *model = made_up_model(numerics, categories, n, c);
    struct hec_predictor *predictor;
    if (hec_predictor_new(&predictor, model, 256) != HEC_OK) {
        return 1;
    }
    const struct hec_model_info *info = hec_model_info(model);
    printf("%d numerics, %d categories, %d heads, %zu parameters, %zu FLOP a row\n", n, c,
           info->heads_count, info->parameters, info->flops_per_row);
    for (size_t i = 0; i < sizeof(batches) / sizeof(batches[0]); i++) {
        printf("batch %4d  %6.2f us a row\n", batches[i],
               us_a_row(predictor, numerics, categories, n, c, batches[i]));
    }
    printf("explain     %6.2f us a row\n",
           us_an_explanation(predictor, numerics, categories, n, c));
    hec_predictor_free(predictor);
    hec_model_free(model);
    free(numerics);
    free(categories);
    return 0;
}
