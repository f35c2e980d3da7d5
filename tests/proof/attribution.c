/*
 * Explanations held against what they promise, on events that the model has not trained on.
 *
 *   attribution MODEL OTHER_SEED FEATURES.csv
 *
 *   complete     contributions add up to the difference of the logits, on 10 000 events
 *   linear       where every ReLU stays open they are w (x - baseline), w the product of the layers
 *   deletion     setting the three first fields to their usual value lowers the logit of a high
 * score more than three fields drawn at random sanity       weights in random order leave nothing
 * of the ranking; another seed leaves much (Adebayo et al., "Sanity checks for saliency maps",
 * NeurIPS 2018)
 *
 * Ends with 1 when a claim does not hold.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file/csv.h"
#include "hecate/random.h"
#include "hecate/statistics.h"
#include "model/model.h"

enum { EVENTS = 10000, COLUMNS_MAX = 256, TOP = 3, RANKED = 500 };

struct events {
    int count, numerics, categories;
    float *x;
    uint32_t *c;
};

static struct hec_model *load(const char *path)
{
    struct hec_model *model = NULL;
    struct hec_error error = { 0 };
    FILE *file = fopen(path, "rb");
    char *bytes = malloc(64 << 20);
    size_t size = file == NULL ? 0 : fread(bytes, 1, 64 << 20, file);
    if (file == NULL || hec_model_load(&model, bytes, size, NULL, &error) != HEC_OK) {
        fprintf(stderr, "%s: %s\n", path, error.text);
        exit(2);
    }
    fclose(file);
    free(bytes);
    return model;
}

/* The newest events of the file, each once; what the model knew labels of is left out. */
static void read_events(struct events *events, const struct hec_model *model, const char *path)
{
    const struct hec_columns *columns = &model->info.columns;
    const char *const *cells;
    struct hec_csv *csv = NULL;
    struct hec_error error = { 0 };
    int at[COLUMNS_MAX], n = columns->numerics, c = columns->categories;
    *events = (struct events){ 0, n, c, calloc((size_t)(EVENTS * n), sizeof(float)),
                               calloc((size_t)(EVENTS * c) + 1, sizeof(uint32_t)) };
    if (hec_csv_open(&csv, path, &error) != HEC_OK) {
        fprintf(stderr, "%s\n", error.text);
        exit(2);
    }
    for (int j = 0; j < n + c; j++) {
        at[j] =
            hec_csv_column(csv, j < n ? columns->numeric_names[j] : columns->category_names[j - n]);
    }
    int ms = hec_csv_column(csv, "event_time_ms");
    while (hec_csv_next(csv, &cells, &error) == HEC_OK) {
        if (strtoll(cells[ms], NULL, 10) < model->info.known_at_ms) {
            continue;
        }
        int row = events->count++ % EVENTS;
        for (int j = 0; j < n; j++) {
            const char *cell = cells[at[j]];
            events->x[row * n + j] = cell[0] == '\0' ? NAN : strtof(cell, NULL);
        }
        for (int k = 0; k < c; k++) {
            events->c[row * c + k] = (uint32_t)strtoul(cells[at[n + k]], NULL, 10);
        }
    }
    hec_csv_free(csv);
    events->count = events->count < EVENTS ? events->count : EVENTS;
}

static struct hec_predictor *predictor_of(const struct hec_model *model)
{
    struct hec_predictor *predictor = NULL;
    if (hec_predictor_new(&predictor, model, 1) != HEC_OK) {
        exit(2);
    }
    return predictor;
}

static double explain(struct hec_predictor *predictor, const struct events *events, int row,
                      int head, float *each, double *base)
{
    float logit, from;
    hec_predictor_explain(predictor, events->x + row * events->numerics,
                          events->c + row * events->categories, head, each, &logit, &from);
    *base = (double)from;
    return (double)logit;
}

static bool complete(struct hec_predictor *predictor, const struct events *events, int head)
{
    float each[COLUMNS_MAX];
    double worst = 0;
    for (int row = 0; row < events->count; row++) {
        double base, sum = 0, logit = explain(predictor, events, row, head, each, &base);
        for (int j = 0; j < events->numerics + events->categories; j++) {
            sum += (double)each[j];
        }
        worst = fmax(worst, fabs(sum - (logit - base)) / fmax(1, fabs(logit - base)));
    }
    printf("  complete   worst %.2e of max(1, difference) on %d events\n", worst, events->count);
    return events->count == EVENTS && worst <= 1e-4;
}

/* Weights small and biases so large that no ReLU closes; what remains is one vector. */
static void make_linear(struct hec_model *model)
{
    for (int t = HEC_T_TRUNK_0_WEIGHT; t <= HEC_T_HEADS_1_BIAS; t++) {
        const struct hec_tensor_place *place = &model->layout.place[t];
        struct hec_random random = hec_random_at(11, (uint64_t)t);
        for (size_t i = 0; i < (size_t)place->rows * (size_t)place->cols; i++) {
            double drawn = hec_random_normal(&random) / sqrt((double)place->cols);
            model->parameters[place->offset + i] =
                place->is_matrix ? (float)(t > HEC_T_TRUNK_0_WEIGHT ? fabs(drawn) : drawn) : 100;
        }
    }
    if (hec_model_settle(model) != HEC_OK) {
        exit(2);
    }
}

#define P(tensor) (model->parameters + model->layout.place[HEC_T_##tensor].offset)

/* The product of the layers below one head's output, in double. */
static void product(const struct hec_model *model, int head, double *w)
{
    const struct hec_shape *s = &model->shape;
    int inputs = hec_shape_inputs(s), h0 = s->hidden[0], h1 = s->hidden[1];
    double *one = calloc((size_t)(h0 + h1), sizeof(*one)), *two = one + h1;
    for (int i = 0; i < h1; i++) {
        for (int o = 0; o < s->tower; o++) {
            one[i] += (double)P(HEADS_1_WEIGHT)[head * s->tower + o] *
                      (double)P(HEADS_0_WEIGHT)[(head * s->tower + o) * h1 + i];
        }
    }
    for (int i = 0; i < h0; i++) {
        for (int o = 0; o < h1; o++) {
            two[i] += one[o] * (double)P(TRUNK_1_WEIGHT)[o * h0 + i];
        }
    }
    for (int i = 0; i < inputs; i++) {
        w[i] = 0;
        for (int o = 0; o < h0; o++) {
            w[i] += two[o] * (double)P(TRUNK_0_WEIGHT)[o * inputs + i];
        }
    }
    free(one);
}

/* The column that an input of the network belongs to. */
static int column_of(const struct hec_model *model, int input)
{
    const struct hec_shape *s = &model->shape;
    int n = s->numerics;
    if (input < n) {
        return input;
    }
    input -= n;
    if (input < s->indicators) {
        return model->scaler.indicator_column[input];
    }
    input -= s->indicators;
    return input < n * s->periodic ? input % n : n + (input - n * s->periodic) / s->table_dims;
}

static bool linear(const char *path, const struct events *events, int head)
{
    struct hec_model *model = load(path);
    make_linear(model);
    struct hec_predictor *predictor = predictor_of(model);
    int inputs = hec_shape_inputs(&model->shape), columns = events->numerics + events->categories;
    double *w = calloc((size_t)inputs, sizeof(*w)), worst = 0, largest = 0;
    product(model, model->logit_of[head], w);
    for (int row = 0; row < 1000 && row < events->count; row++) {
        float each[COLUMNS_MAX];
        double base, meant[COLUMNS_MAX] = { 0 };
        explain(predictor, events, row, head, each, &base);
        for (int i = 0; i < inputs; i++) {
            meant[column_of(model, i)] +=
                w[i] * ((double)predictor->work.input[i] - (double)model->base.input[i]);
        }
        for (int j = 0; j < columns; j++) {
            worst = fmax(worst, fabs((double)each[j] - meant[j]) / fmax(1, fabs(meant[j])));
            largest = fmax(largest, fabs(meant[j]));
        }
    }
    printf("  linear     worst %.2e of max(1, w (x - baseline)), the largest of which is %.3g\n",
           worst, largest);
    hec_predictor_free(predictor);
    hec_model_free(model);
    free(w);
    return worst <= 1e-4 && largest > 1;
}

static int take_largest(const float *each, int count, const int *taken, int taken_count)
{
    int best = -1;
    for (int j = 0; j < count; j++) {
        bool used = false;
        for (int i = 0; i < taken_count; i++) {
            used = used || taken[i] == j;
        }
        best = used || (best >= 0 && each[best] >= each[j]) ? best : j;
    }
    return best;
}

/* The logit when some columns are as usual. */
static double without(struct hec_predictor *predictor, const struct events *events, int row,
                      int head, const int *fields, int count)
{
    const struct hec_model *model = predictor->model;
    float x[COLUMNS_MAX], unused[COLUMNS_MAX], logit;
    uint32_t c[COLUMNS_MAX];
    int n = events->numerics, k = events->categories;
    memcpy(x, events->x + row * n, sizeof(float) * (size_t)n);
    memcpy(c, events->c + row * k, sizeof(uint32_t) * (size_t)k);
    for (int i = 0; i < count; i++) {
        if (fields[i] < n) {
            x[fields[i]] = model->baseline[fields[i]];
        } else {
            c[fields[i] - n] = model->baseline_categories[fields[i] - n];
        }
    }
    hec_predictor_explain(predictor, x, c, head, unused, &logit, NULL);
    return (double)logit;
}

static int by_number(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The logit that one event in a hundred reaches. */
static double highest(struct hec_predictor *predictor, const struct events *events, int head)
{
    static double logits[EVENTS];
    float each[COLUMNS_MAX];
    double base;
    for (int row = 0; row < events->count; row++) {
        logits[row] = explain(predictor, events, row, head, each, &base);
    }
    qsort(logits, (size_t)events->count, sizeof(*logits), by_number);
    return logits[events->count - events->count / 100];
}

static bool deletion(struct hec_predictor *predictor, const struct events *events, int head)
{
    struct hec_random random = hec_random_at(5, 1);
    int columns = events->numerics + events->categories, alerts = 0, better = 0;
    double top = 0, drawn = 0, least = highest(predictor, events, head);
    for (int row = 0; row < events->count; row++) {
        float each[COLUMNS_MAX];
        double base, logit = explain(predictor, events, row, head, each, &base);
        int first[TOP], some[TOP];
        if (logit < least) {
            continue;
        }
        for (int i = 0; i < TOP; i++) {
            first[i] = take_largest(each, columns, first, i);
            some[i] = (int)hec_random_below(&random, (uint64_t)columns);
        }
        double a = logit - without(predictor, events, row, head, first, TOP);
        double b = logit - without(predictor, events, row, head, some, TOP);
        top += a;
        drawn += b;
        better += a > b;
        alerts++;
    }
    printf("  deletion   the %d highest scores: the three first fields lower the logit by %.3f, "
           "three at random "
           "by %.3f, ratio %.1f; by more in %.1f %%\n",
           alerts, top / alerts, drawn / alerts, top / drawn, 100.0 * better / alerts);
    return alerts >= 10 && top > 2 * drawn;
}

/* Every tensor's numbers in another order: what they are stays, what they know goes. */
static void shuffle(struct hec_model *model)
{
    for (int t = 0; t < HEC_TENSORS; t++) {
        const struct hec_tensor_place *place = &model->layout.place[t];
        float *at = model->parameters + place->offset;
        struct hec_random random = hec_random_at(13, (uint64_t)t);
        for (size_t i = (size_t)place->rows * (size_t)place->cols; i > 1; i--) {
            size_t j = (size_t)hec_random_below(&random, i);
            float taken = at[i - 1];
            at[i - 1] = at[j];
            at[j] = taken;
        }
    }
    if (hec_model_settle(model) != HEC_OK) {
        exit(2);
    }
}

/* Mean over events of the rank correlation of two models' contributions. */
static double agreement(struct hec_predictor *a, struct hec_predictor *b,
                        const struct events *events, int head)
{
    double sum = 0;
    int ranked = 0;
    for (int row = 0; row < events->count && ranked < RANKED; row += 7) {
        float one[COLUMNS_MAX], two[COLUMNS_MAX];
        double base;
        explain(a, events, row, head, one, &base);
        explain(b, events, row, head, two, &base);
        double rho = hec_spearman(one, two, (size_t)(events->numerics + events->categories));
        sum += isnan(rho) ? 0 : rho;
        ranked += !isnan(rho);
    }
    return sum / ranked;
}

static bool sanity(struct hec_predictor *predictor, const char *path, const char *other_path,
                   const struct events *events, int head)
{
    struct hec_model *random = load(path), *other = load(other_path);
    shuffle(random);
    struct hec_predictor *randomly = predictor_of(random), *otherwise = predictor_of(other);
    double of_random = agreement(predictor, randomly, events, head);
    double of_other = agreement(predictor, otherwise, events, head);
    printf("  sanity     rank correlation of contributions: %.3f with another seed, %.3f with "
           "weights in random order\n",
           of_other, of_random);
    hec_predictor_free(randomly);
    hec_predictor_free(otherwise);
    hec_model_free(random);
    hec_model_free(other);
    return fabs(of_random) < 0.2 && of_other > 0.4;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "attribution MODEL OTHER_SEED FEATURES.csv\n");
        return 2;
    }
    struct hec_model *model = load(argv[1]);
    struct hec_predictor *predictor = predictor_of(model);
    struct events events;
    bool good = true;
    read_events(&events, model, argv[3]);
    for (int head = 0; head < model->info.heads_count; head++) {
        printf("%s\n", model->heads[head].name);
        good = complete(predictor, &events, head) && good;
        if (model->heads[head].kind == HEC_HEAD_BINARY) {
            good = linear(argv[1], &events, head) && good;
            good = deletion(predictor, &events, head) && good;
            good = sanity(predictor, argv[1], argv[2], &events, head) && good;
        }
    }
    free(events.x);
    free(events.c);
    hec_predictor_free(predictor);
    hec_model_free(model);
    printf("%s\n", good ? "all hold" : "NOT ALL HOLD");
    return good ? 0 : 1;
}
