#include "cli/observed.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLE 20000u

static int by_float(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static int quantiles(float *out, float *values, uint32_t count)
{
    int kept = 0;
    qsort(values, count, sizeof(*values), by_float);
    for (int q = 0; q < HEC_CANDIDATES_MAX && count > 0; q++) {
        double share = 0.01 + 0.98 * q / (HEC_CANDIDATES_MAX - 1);
        float value = values[(uint32_t)(share * (count - 1))];
        if (kept == 0 || value > out[kept - 1]) {
            out[kept++] = value;
        }
    }
    return kept;
}

/* The commonest values, each once: the shortest of those kept gives way to a longer run. */
static int commonest(uint32_t *out, uint32_t *values, uint32_t count)
{
    uint32_t length[HEC_CANDIDATES_MAX];
    int kept = 0;
    qsort(values, count, sizeof(*values), by_number);
    for (uint32_t first = 0, end; first < count; first = end) {
        for (end = first; end < count && values[end] == values[first]; end++) {
        }
        int at = kept;
        if (kept == HEC_CANDIDATES_MAX) {
            at = 0;
            for (int i = 1; i < kept; i++) {
                at = length[i] < length[at] ? i : at;
            }
            if (length[at] >= end - first) {
                continue;
            }
        } else {
            kept++;
        }
        out[at] = values[first];
        length[at] = end - first;
    }
    return kept;
}

enum hec_status hec_observe(struct hec_observed *observed, const struct hec_rows *rows,
                            const struct hec_columns *columns)
{
    size_t n = (size_t)columns->numerics, c = (size_t)columns->categories;
    uint32_t every = rows->count / SAMPLE + 1;
    float *x = malloc((SAMPLE + 2) * sizeof(*x));
    uint32_t *h = malloc((SAMPLE + 2) * sizeof(*h));
    *observed =
        (struct hec_observed){ .numeric = calloc(n * HEC_CANDIDATES_MAX + 1, sizeof(float)),
                               .category = calloc(c * HEC_CANDIDATES_MAX + 1, sizeof(uint32_t)),
                               .numeric_count = calloc(n + 1, sizeof(int)),
                               .category_count = calloc(c + 1, sizeof(int)) };
    bool room = x != NULL && h != NULL && observed->numeric != NULL && observed->category != NULL &&
                observed->numeric_count != NULL && observed->category_count != NULL;
    for (size_t j = 0; room && j < n; j++) {
        uint32_t count = 0;
        for (uint32_t row = 0; row < rows->count; row += every) {
            x[count] = rows->numerics[row * n + j];
            count += isfinite(x[count]) ? 1 : 0;
        }
        observed->numeric_count[j] =
            quantiles(observed->numeric + j * HEC_CANDIDATES_MAX, x, count);
    }
    for (size_t k = 0; room && k < c; k++) {
        uint32_t count = 0;
        for (uint32_t row = 0; row < rows->count; row += every) {
            h[count++] = rows->categories[row * c + k];
        }
        observed->category_count[k] =
            commonest(observed->category + k * HEC_CANDIDATES_MAX, h, count);
    }
    observed->candidates = (struct hec_candidates){ observed->numeric, observed->numeric_count,
                                                    observed->category, observed->category_count };
    free(x);
    free(h);
    return room ? HEC_OK : HEC_NO_MEMORY;
}

void hec_observed_free(struct hec_observed *observed)
{
    free(observed->numeric);
    free(observed->category);
    free(observed->numeric_count);
    free(observed->category_count);
    *observed = (struct hec_observed){ 0 };
}
