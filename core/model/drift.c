/* The reference that drift is measured from: made, checked, and compared with. */
#include "hecate/drift.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"
#include "model/reference.h"

#define EDGES HEC_REFERENCE_EDGES
#define TEN (EDGES + 1)
#define OTHER EDGES /* the bin of categories that are not among the most frequent */
#define LEAST 1e-4  /* a smaller share counts as this */
/* A score moves in its last bits with the rows of its batch; many may be the same one. */
#define LAST_BITS 1e-4f
#define SUM_TOLERANCE 1e-3f

enum hec_status hec_reference_new(struct hec_reference *reference, int numerics, int categories,
                                  int heads)
{
    size_t channels = (size_t)(numerics + categories + heads);
    *reference =
        (struct hec_reference){ .numerics = numerics, .categories = categories, .heads = heads };
    reference->edge = calloc((size_t)(numerics + heads) * EDGES + 1, sizeof(float));
    reference->top = calloc((size_t)categories * EDGES + 1, sizeof(int64_t));
    reference->share = calloc(channels * HEC_DRIFT_BINS + 1, sizeof(float));
    return reference->edge == NULL || reference->top == NULL || reference->share == NULL
               ? HEC_NO_MEMORY
               : HEC_OK;
}

void hec_reference_free(struct hec_reference *reference)
{
    free(reference->edge);
    free(reference->top);
    free(reference->share);
    *reference = (struct hec_reference){ 0 };
}

float *hec_reference_head_edge(const struct hec_reference *reference, int head)
{
    return reference->edge + (size_t)(reference->numerics + head) * EDGES;
}

float *hec_reference_head_share(const struct hec_reference *reference, int head)
{
    return reference->share +
           (size_t)(reference->numerics + reference->categories + head) * HEC_DRIFT_BINS;
}

/* ---- Bins ------------------------------------------------------------------------------------ */

typedef float four __attribute__((vector_size(16)));
typedef int32_t truths __attribute__((vector_size(16))); /* -1 where it holds */

/* The edges below x are its bin: without a branch, for every value would take another one. */
static inline uint8_t bin_of(float x, const float *edge)
{
    _Static_assert(EDGES == 9, "two times four edges, and one");
    four low, high;
    memcpy(&low, edge, sizeof(low));
    memcpy(&high, edge + 4, sizeof(high));
    truths below = (low < x) + (high < x);
    int bin = (x > edge[8]) - (below[0] + below[1] + below[2] + below[3]);
    return (uint8_t)(isnan(x) ? HEC_DRIFT_MISSING : bin);
}

static inline uint8_t bin_of_category(uint32_t hash, const int64_t *top)
{
    int bin = OTHER;
    for (int k = 0; k < EDGES; k++) {
        bin = top[k] == (int64_t)hash ? k : bin;
    }
    return (uint8_t)(hash == 0 ? HEC_DRIFT_MISSING : bin);
}

bool hec_drift_is_known(const struct hec_model *model)
{
    return model->reference.known;
}

int hec_drift_channels(const struct hec_model *model)
{
    const struct hec_reference *reference = &model->reference;
    return reference->numerics + reference->categories + reference->heads;
}

const float *hec_drift_share(const struct hec_model *model, int channel)
{
    return model->reference.share + (size_t)channel * HEC_DRIFT_BINS;
}

void hec_drift_bins(const struct hec_model *model, const float *numerics,
                    const uint32_t *categories, const float *scores, uint8_t *bins)
{
    const struct hec_reference *reference = &model->reference;
    int n = reference->numerics, c = reference->categories;
    for (int j = 0; j < n; j++) {
        bins[j] = bin_of(numerics[j], reference->edge + (size_t)j * EDGES);
    }
    for (int k = 0; k < c; k++) {
        bins[n + k] = bin_of_category(categories[k], reference->top + (size_t)k * EDGES);
    }
    for (int h = 0; h < reference->heads; h++) {
        uint8_t bin = bin_of(scores[h], hec_reference_head_edge(reference, h));
        bins[n + c + h] = bin == HEC_DRIFT_MISSING ? HEC_DRIFT_NOWHERE : bin;
    }
}

double hec_drift_psi(const float *share, const uint64_t *count)
{
    double there = 0, now = 0, sum = 0;
    for (int k = 0; k < HEC_DRIFT_BINS; k++) {
        there += (double)share[k];
        now += (double)count[k];
    }
    if (!(there > 0) || !(now > 0)) {
        return (double)NAN;
    }
    for (int k = 0; k < HEC_DRIFT_BINS; k++) {
        double p = fmax((double)share[k], LEAST), q = fmax((double)count[k] / now, LEAST);
        sum += (q - p) * log(q / p); /* 0 where both are empty */
    }
    return sum;
}

/* ---- Making ---------------------------------------------------------------------------------- */

static int by_float(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static int by_hash(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

void hec_reference_cut(float *edge, const float *value, size_t n, float *scratch)
{
    size_t there = 0;
    int edges = 0;
    for (size_t i = 0; i < n; i++) {
        if (!isnan(value[i])) {
            scratch[there++] = value[i];
        }
    }
    qsort(scratch, there, sizeof(*scratch), by_float);
    for (int k = 1; k < TEN && there > 0; k++) {
        float at = fminf(fmaxf(scratch[(there - 1) * (size_t)k / TEN], -FLT_MAX), FLT_MAX);
        if (edges == 0 || at > edge[edges - 1]) {
            edge[edges++] = at;
        }
    }
    /* Fewer cuts than places: the last one again, which makes bins that nothing falls into. */
    for (; edges < EDGES; edges++) {
        edge[edges] = edges == 0 ? 0 : edge[edges - 1];
    }
}

void hec_reference_count(uint64_t *count, const float *edge, const float *value, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        count[bin_of(value[i], edge)]++;
    }
}

void hec_reference_shares(float *share, const uint64_t *count)
{
    uint64_t sum = 0;
    for (int k = 0; k < HEC_DRIFT_BINS; k++) {
        sum += count[k];
    }
    for (int k = 0; k < HEC_DRIFT_BINS; k++) {
        share[k] = sum == 0 ? 0 : (float)((double)count[k] / (double)sum);
    }
}

/* The hashes that are met most, and how often those and the rest are. */
static void rank(int64_t *top, float *share, uint32_t *hash, size_t n)
{
    uint64_t count[HEC_DRIFT_BINS] = { 0 };
    qsort(hash, n, sizeof(*hash), by_hash);
    for (size_t first = 0, end; first < n; first = end) {
        for (end = first; end < n && hash[end] == hash[first]; end++) {
        }
        if (hash[first] == 0) {
            count[HEC_DRIFT_MISSING] = end - first;
            continue;
        }
        uint64_t times = end - first, dropped = times;
        int64_t which = hash[first];
        for (int k = 0; k < EDGES; k++) { /* in its place; what follows moves down by one */
            if (dropped > count[k]) {
                uint64_t before = count[k];
                int64_t held = top[k];
                count[k] = dropped;
                top[k] = which;
                dropped = before;
                which = held;
            }
        }
        count[OTHER] += dropped;
    }
    hec_reference_shares(share, count);
}

enum hec_status hec_reference_columns(struct hec_reference *reference, const float *numerics,
                                      const uint32_t *categories, size_t rows)
{
    size_t n = (size_t)reference->numerics, c = (size_t)reference->categories;
    float *value = malloc((rows + 1) * sizeof(*value));
    float *scratch = malloc((rows + 1) * sizeof(*scratch));
    uint32_t *hash = malloc((rows + 1) * sizeof(*hash));
    bool room = value != NULL && scratch != NULL && hash != NULL;
    for (size_t j = 0; j < n && room; j++) {
        uint64_t count[HEC_DRIFT_BINS] = { 0 };
        float *edge = reference->edge + j * EDGES;
        for (size_t row = 0; row < rows; row++) {
            value[row] = numerics[row * n + j];
        }
        hec_reference_cut(edge, value, rows, scratch);
        hec_reference_count(count, edge, value, rows);
        hec_reference_shares(reference->share + j * HEC_DRIFT_BINS, count);
    }
    for (size_t k = 0; k < c && room; k++) {
        int64_t *top = reference->top + k * EDGES;
        for (size_t row = 0; row < rows; row++) {
            hash[row] = categories[row * c + k];
        }
        memset(top, 0, EDGES * sizeof(*top));
        rank(top, reference->share + (n + k) * HEC_DRIFT_BINS, hash, rows);
    }
    free(value);
    free(scratch);
    free(hash);
    reference->known = room;
    return room ? HEC_OK : HEC_NO_MEMORY;
}

void hec_reference_scores(struct hec_reference *reference, int head, const float *score, size_t n,
                          float *scratch)
{
    uint64_t count[HEC_DRIFT_BINS] = { 0 };
    float *edge = hec_reference_head_edge(reference, head);
    hec_reference_cut(edge, score, n, scratch);
    for (int k = 0; k < EDGES; k++) {
        edge[k] += LAST_BITS * fabsf(edge[k]);
    }
    hec_reference_count(count, edge, score, n);
    count[HEC_DRIFT_MISSING] = 0;
    hec_reference_shares(hec_reference_head_share(reference, head), count);
}

/* ---- Reading --------------------------------------------------------------------------------- */

static bool is_in_order(const float *edge)
{
    for (int k = 0; k < EDGES; k++) {
        if (!isfinite(edge[k]) || (k > 0 && edge[k] < edge[k - 1])) {
            return false;
        }
    }
    return true;
}

static bool is_share(const float *share)
{
    float sum = 0;
    for (int k = 0; k < HEC_DRIFT_BINS; k++) {
        if (!(share[k] >= 0) || !(share[k] <= 1)) {
            return false;
        }
        sum += share[k];
    }
    return sum == 0 || fabsf(sum - 1) <= SUM_TOLERANCE;
}

enum hec_status hec_reference_check(const struct hec_reference *reference, struct hec_error *error)
{
    int cut = reference->numerics + reference->heads;
    for (int i = 0; i < cut; i++) {
        if (!is_in_order(reference->edge + (size_t)i * EDGES)) {
            return hec_fail(error, HEC_CORRUPT, "model: the reference's edges are not in order");
        }
    }
    for (int i = 0; i < reference->categories * EDGES; i++) {
        if (reference->top[i] < 0 || reference->top[i] > (int64_t)UINT32_MAX) {
            return hec_fail(error, HEC_CORRUPT, "model: a hash of the reference is none");
        }
    }
    for (int i = 0; i < cut + reference->categories; i++) {
        if (!is_share(reference->share + (size_t)i * HEC_DRIFT_BINS)) {
            return hec_fail(error, HEC_CORRUPT,
                            "model: shares of the reference do not add up to one");
        }
    }
    return HEC_OK;
}
