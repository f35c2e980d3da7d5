/* Comparing: see the header for what and why; everything here is short. */
#include "hecate/statistics.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "hecate/judge.h"
#include "hecate/random.h"

#define STREAM_PAIRS 0x70616972u

static int by_number(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void count_pairs(struct hec_paired *paired, const double *a, const double *b, int count)
{
    double sum = 0;
    for (int i = 0; i < count; i++) {
        double difference = b[i] - a[i];
        if (!isnan(difference)) {
            paired->pairs++;
            paired->wins += difference > 0;
            paired->losses += difference < 0;
            sum += difference;
        }
    }
    paired->effect = paired->pairs > 0 ? sum / paired->pairs : NAN;
}

/* The mean difference of one draw of folds and seeds; NaN when the draw holds no pair. */
static double draw(struct hec_random *random, const double *a, const double *b, int folds,
                   int seeds, uint32_t *weight)
{
    double sum = 0, pairs = 0;
    for (int i = 0; i < folds + seeds; i++) {
        weight[i] = 0;
    }
    for (int i = 0; i < folds; i++) {
        weight[hec_random_below(random, (uint64_t)folds)]++;
    }
    for (int i = 0; i < seeds; i++) {
        weight[folds + (int)hec_random_below(random, (uint64_t)seeds)]++;
    }
    for (int f = 0; f < folds; f++) {
        for (int s = 0; s < seeds; s++) {
            double difference = b[f * seeds + s] - a[f * seeds + s];
            double times = (double)weight[f] * weight[folds + s];
            sum += isnan(difference) ? 0 : times * difference;
            pairs += isnan(difference) ? 0 : times;
        }
    }
    return pairs > 0 ? sum / pairs : NAN;
}

enum hec_status hec_paired_difference(struct hec_paired *paired, const double *a, const double *b,
                                      int folds, int seeds, int samples, double level,
                                      uint64_t seed)
{
    assert(folds > 0 && seeds > 0 && samples > 0);
    *paired = (struct hec_paired){ .low = NAN, .high = NAN };
    count_pairs(paired, a, b, folds * seeds);
    if (paired->pairs < 2) {
        return HEC_OK;
    }
    double *values = malloc((size_t)samples * sizeof(*values));
    uint32_t *weight = malloc((size_t)(folds + seeds) * sizeof(*weight));
    struct hec_random random = hec_random_at(seed, STREAM_PAIRS);
    size_t kept = 0;
    if (values == NULL || weight == NULL) {
        free(values);
        free(weight);
        return HEC_NO_MEMORY;
    }
    for (int i = 0; i < samples; i++) {
        double value = draw(&random, a, b, folds, seeds, weight);
        if (!isnan(value)) {
            values[kept++] = value;
        }
    }
    int few = folds == 1 || (seeds > 1 && seeds < folds) ? seeds : folds;
    double wider = few > 1 ? sqrt((double)few / (few - 1)) : 1;
    qsort(values, kept, sizeof(*values), by_number);
    paired->low =
        paired->effect + wider * (hec_quantile(values, kept, (1 - level) / 2) - paired->effect);
    paired->high =
        paired->effect + wider * (hec_quantile(values, kept, (1 + level) / 2) - paired->effect);
    free(values);
    free(weight);
    return HEC_OK;
}

bool hec_paired_differs(const struct hec_paired *paired)
{
    return paired->low > 0 || paired->high < 0; /* false for NaN */
}

double hec_phi(uint64_t both, uint64_t first, uint64_t second, uint64_t neither)
{
    double a = (double)both, b = (double)first, c = (double)second, d = (double)neither;
    double product = (a + b) * (c + d) * (a + c) * (b + d);
    return product > 0 ? (a * d - b * c) / sqrt(product) : NAN;
}

struct ranked {
    float value;
    uint32_t row;
};

static int by_value(const void *a, const void *b)
{
    float x = ((const struct ranked *)a)->value, y = ((const struct ranked *)b)->value;
    return (x > y) - (x < y);
}

static bool rank(double *ranks, const float *x, size_t n)
{
    struct ranked *order = malloc(n * sizeof(*order));
    if (order == NULL) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        order[i] = (struct ranked){ x[i], (uint32_t)i };
    }
    qsort(order, n, sizeof(*order), by_value);
    for (size_t first = 0, end; first < n; first = end) {
        for (end = first; end < n && order[end].value == order[first].value; end++) {
        }
        for (size_t i = first; i < end; i++) {
            ranks[order[i].row] = (double)(first + end - 1) / 2;
        }
    }
    free(order);
    return true;
}

double hec_spearman(const float *x, const float *y, size_t n)
{
    double *ranks = n < 2 ? NULL : malloc(2 * n * sizeof(*ranks));
    double covariance = 0, of_x = 0, of_y = 0, mean = ((double)n - 1) / 2;
    bool ranked = ranks != NULL && rank(ranks, x, n) && rank(ranks + n, y, n);
    for (size_t i = 0; ranked && i < n; i++) {
        double dx = ranks[i] - mean, dy = ranks[n + i] - mean;
        covariance += dx * dy;
        of_x += dx * dx;
        of_y += dy * dy;
    }
    free(ranks);
    return of_x > 0 && of_y > 0 ? covariance / sqrt(of_x * of_y) : NAN;
}

static bool dominates(const double *a, const double *b, int k)
{
    bool larger = false;
    for (int i = 0; i < k; i++) {
        if (!(a[i] >= b[i])) {
            return false;
        }
        larger = larger || a[i] > b[i];
    }
    return larger;
}

void hec_pareto_front(const double *values, size_t n, int k, bool *front)
{
    for (size_t i = 0; i < n; i++) {
        const double *own = values + i * (size_t)k;
        front[i] = true;
        for (int c = 0; c < k; c++) {
            front[i] = front[i] && !isnan(own[c]);
        }
        for (size_t j = 0; j < n && front[i]; j++) {
            front[i] = !dominates(values + j * (size_t)k, own, k);
        }
    }
}
