/* Baselines: Newton's method with Cholesky's factors, and a tree over columns cut at quantiles. */
#include "hecate/baseline.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "model/elementary.h"

#define STEPS_MAX 25
#define ENOUGH 1e-6 /* largest change of a coefficient */
#define RIDGE 1.0
#define BINS 64

static double weight_of(const struct hec_baseline_rows *rows, size_t i)
{
    return rows->weight == NULL ? 1 : (double)rows->weight[i];
}

static bool has_both(const struct hec_baseline_rows *rows)
{
    size_t positives = 0;
    for (size_t i = 0; i < rows->n; i++) {
        positives += rows->label[i];
    }
    return positives > 0 && positives < rows->n && rows->columns > 0;
}

/* ---- logistic regression ---- */

struct logistic {
    int n; /* columns and the constant */
    double *mean, *inverse, *w, *gradient, *hessian, *row;
};

static bool logistic_new(struct logistic *l, int columns)
{
    size_t n = (size_t)columns + 1;
    double *block = calloc(5 * n + n * n, sizeof(*block));
    *l = (struct logistic){ .n = columns + 1, .mean = block };
    if (block != NULL) {
        l->inverse = block + n;
        l->w = block + 2 * n;
        l->gradient = block + 3 * n;
        l->row = block + 4 * n;
        l->hessian = block + 5 * n;
    }
    return block != NULL;
}

static void standardise(struct logistic *l, const struct hec_baseline_rows *rows)
{
    for (int j = 0; j < rows->columns; j++) {
        double sum = 0, squares = 0, total = 0;
        for (size_t i = 0; i < rows->n; i++) {
            float x = rows->x[i * (size_t)rows->columns + (size_t)j];
            if (isfinite(x)) {
                double value = (double)hec_signed_log1p(x), weight = weight_of(rows, i);
                sum += weight * value;
                squares += weight * value * value;
                total += weight;
            }
        }
        l->mean[j] = total > 0 ? sum / total : 0;
        double variance = total > 0 ? squares / total - l->mean[j] * l->mean[j] : 0;
        l->inverse[j] = variance > 1e-12 ? 1 / sqrt(variance) : 0;
    }
}

/* The row as the model sees it, and its probability. */
static double predict(struct logistic *l, const float *x)
{
    double z = l->w[l->n - 1];
    for (int j = 0; j < l->n - 1; j++) {
        l->row[j] =
            isfinite(x[j]) ? ((double)hec_signed_log1p(x[j]) - l->mean[j]) * l->inverse[j] : 0;
        z += l->w[j] * l->row[j];
    }
    l->row[l->n - 1] = 1;
    return 1 / (1 + exp(-z));
}

/* Gradient and Hessian of the penalised loss; the constant has no penalty. */
static void look(struct logistic *l, const struct hec_baseline_rows *rows)
{
    size_t n = (size_t)l->n;
    memset(l->hessian, 0, n * n * sizeof(*l->hessian));
    for (size_t j = 0; j < n; j++) {
        bool constant = j == n - 1;
        l->gradient[j] = constant ? 0 : RIDGE * l->w[j];
        l->hessian[j * n + j] = constant ? 1e-9 : RIDGE;
    }
    for (size_t i = 0; i < rows->n; i++) {
        double p = predict(l, rows->x + i * (size_t)rows->columns), weight = weight_of(rows, i);
        double slope = weight * (p - rows->label[i]), curve = weight * p * (1 - p);
        for (size_t j = 0; j < n; j++) {
            double part = curve * l->row[j];
            l->gradient[j] += slope * l->row[j];
            for (size_t k = 0; k <= j; k++) {
                l->hessian[j * n + k] += part * l->row[k];
            }
        }
    }
}

/* Solves hessian step = gradient in place by Cholesky; the gradient becomes the step. */
static void solve(struct logistic *l)
{
    size_t n = (size_t)l->n;
    double *h = l->hessian, *g = l->gradient;
    for (size_t j = 0; j < n; j++) {
        for (size_t k = 0; k <= j; k++) {
            double sum = h[j * n + k];
            for (size_t m = 0; m < k; m++) {
                sum -= h[j * n + m] * h[k * n + m];
            }
            h[j * n + k] = j == k ? sqrt(fmax(sum, 1e-12)) : sum / h[k * n + k];
        }
    }
    for (size_t j = 0; j < n; j++) {
        for (size_t k = 0; k < j; k++) {
            g[j] -= h[j * n + k] * g[k];
        }
        g[j] /= h[j * n + j];
    }
    for (size_t j = n; j-- > 0;) {
        for (size_t k = j + 1; k < n; k++) {
            g[j] -= h[k * n + j] * g[k];
        }
        g[j] /= h[j * n + j];
    }
}

enum hec_status hec_baseline_logistic(const struct hec_baseline_rows *train,
                                      const struct hec_baseline_rows *test, float *score)
{
    struct logistic l;
    assert(train->columns == test->columns);
    if (!has_both(train)) {
        return HEC_INVALID;
    }
    if (!logistic_new(&l, train->columns)) {
        return HEC_NO_MEMORY;
    }
    standardise(&l, train);
    double largest = 1;
    for (int step = 0; step < STEPS_MAX && largest > ENOUGH; step++) {
        look(&l, train);
        solve(&l);
        largest = 0;
        for (int j = 0; j < l.n; j++) {
            largest = fmax(largest, fabs(l.gradient[j]));
        }
        /* A step that is too long is cut: near separable classes Newton's leaps. */
        double share = largest > 4 ? 4 / largest : 1;
        for (int j = 0; j < l.n; j++) {
            l.w[j] -= share * l.gradient[j];
        }
    }
    for (size_t i = 0; i < test->n; i++) {
        score[i] = (float)predict(&l, test->x + i * (size_t)test->columns);
    }
    free(l.mean);
    return HEC_OK;
}

/* ---- a tree ---- */

struct node {
    int column; /* -1: a leaf */
    float cut;  /* at most: left */
    bool missing_left;
    int left, right;
    float score;
};

struct tree {
    const struct hec_baseline_rows *rows;
    double leaf_min;
    float *cuts;  /* (columns, BINS - 1), ascending */
    uint8_t *bin; /* (rows, columns): how many cuts lie below the value; BINS: missing */
    uint32_t *pick;
    struct node *nodes;
    int nodes_count;
};

static int by_float(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Half at quantiles of the rows, half at quantiles of the different values: a rate that is 0 in all
 * but a few rows is cut where it is not. */
static void place_cuts(float *cuts, float *values, size_t there)
{
    size_t half = BINS / 2, different = 0;
    qsort(values, there, sizeof(*values), by_float);
    for (size_t b = 0; b < half; b++) {
        cuts[b] = there > 0 ? values[(there - 1) * (b + 1) / (half + 1)] : 0;
    }
    for (size_t i = 0; i < there; i++) {
        if (different == 0 || values[i] > values[different - 1]) {
            values[different++] = values[i];
        }
    }
    for (size_t b = half; b < BINS - 1; b++) {
        cuts[b] = there > 0 ? values[(different - 1) * (b - half + 1) / (BINS - half)] : 0;
    }
    qsort(cuts, BINS - 1, sizeof(*cuts), by_float);
}

static bool cut_columns(struct tree *tree)
{
    const struct hec_baseline_rows *rows = tree->rows;
    size_t columns = (size_t)rows->columns;
    float *values = malloc(rows->n * sizeof(*values));
    for (size_t j = 0; j < columns && values != NULL; j++) {
        float *cuts = tree->cuts + j * (BINS - 1);
        size_t there = 0;
        for (size_t i = 0; i < rows->n; i++) {
            if (isfinite(rows->x[i * columns + j])) {
                values[there++] = rows->x[i * columns + j];
            }
        }
        place_cuts(cuts, values, there);
        for (size_t i = 0; i < rows->n; i++) {
            float x = rows->x[i * columns + j];
            uint8_t bin = 0;
            while (bin < BINS - 1 && x > cuts[bin]) {
                bin++;
            }
            tree->bin[i * columns + j] = isfinite(x) ? bin : BINS;
        }
    }
    bool done = values != NULL;
    free(values);
    return done;
}

/* Sums of a node: all, and positives. */
struct sums {
    double all, positive;
};

static double impurity(struct sums s)
{
    return s.all > 0 ? 2 * s.positive * (s.all - s.positive) / s.all : 0;
}

struct split {
    double gain;
    int column, bin;
    bool missing_left;
};

/* The best question about one column. */
static void try_column(const struct tree *tree, const struct sums *bins, int column,
                       struct sums whole, struct split *best)
{
    for (int side = 0; side < 2; side++) {
        struct sums left = side ? bins[BINS] : (struct sums){ 0 };
        for (int b = 0; b < BINS - 1; b++) {
            left.all += bins[b].all;
            left.positive += bins[b].positive;
            struct sums right = { whole.all - left.all, whole.positive - left.positive };
            double gain = impurity(whole) - impurity(left) - impurity(right);
            if (left.all >= tree->leaf_min && right.all >= tree->leaf_min &&
                gain > best->gain + 1e-9) {
                *best = (struct split){ gain, column, b, side == 1 };
            }
        }
    }
}

static struct split best_split(const struct tree *tree, size_t first, size_t end, struct sums whole)
{
    const struct hec_baseline_rows *rows = tree->rows;
    struct split best = { .column = -1 };
    for (int column = 0; column < rows->columns; column++) {
        struct sums bins[BINS + 1] = { { 0 } };
        for (size_t i = first; i < end; i++) {
            size_t row = tree->pick[i];
            struct sums *bin = &bins[tree->bin[row * (size_t)rows->columns + (size_t)column]];
            bin->all += weight_of(rows, row);
            bin->positive += weight_of(rows, row) * rows->label[row];
        }
        try_column(tree, bins, column, whole, &best);
    }
    return best;
}

static bool goes_left(const struct split *split, uint8_t bin)
{
    return bin == BINS ? split->missing_left : bin <= split->bin;
}

static int grow(struct tree *tree, size_t first, size_t end, int depth)
{
    const struct hec_baseline_rows *rows = tree->rows;
    struct sums whole = { 0 };
    for (size_t i = first; i < end; i++) {
        whole.all += weight_of(rows, tree->pick[i]);
        whole.positive += weight_of(rows, tree->pick[i]) * rows->label[tree->pick[i]];
    }
    int at = tree->nodes_count++;
    tree->nodes[at] =
        (struct node){ .column = -1, .score = (float)((whole.positive + 0.5) / (whole.all + 1)) };
    struct split split = { .column = -1 };
    if (depth > 0) {
        split = best_split(tree, first, end, whole);
    }
    if (split.column < 0) {
        return at;
    }
    size_t middle = first;
    for (size_t i = first; i < end; i++) {
        uint32_t row = tree->pick[i];
        size_t cell = row * (size_t)rows->columns + (size_t)split.column;
        if (goes_left(&split, tree->bin[cell])) {
            tree->pick[i] = tree->pick[middle];
            tree->pick[middle++] = row;
        }
    }
    tree->nodes[at].column = split.column;
    tree->nodes[at].cut = tree->cuts[split.column * (BINS - 1) + split.bin];
    tree->nodes[at].missing_left = split.missing_left;
    int left = grow(tree, first, middle, depth - 1), right = grow(tree, middle, end, depth - 1);
    tree->nodes[at].left = left;
    tree->nodes[at].right = right;
    return at;
}

static float ask(const struct tree *tree, const float *x)
{
    const struct node *node = tree->nodes;
    while (node->column >= 0) {
        float value = x[node->column];
        bool left = isfinite(value) ? value <= node->cut : node->missing_left;
        node = tree->nodes + (left ? node->left : node->right);
    }
    return node->score;
}

enum hec_status hec_baseline_tree(const struct hec_baseline_rows *train,
                                  const struct hec_baseline_rows *test, int depth, double leaf_min,
                                  float *score)
{
    assert(train->columns == test->columns);
    assert(depth >= 1 && depth <= 16);
    if (!has_both(train)) {
        return HEC_INVALID;
    }
    size_t columns = (size_t)train->columns;
    struct tree tree = { .rows = train,
                         .leaf_min = leaf_min,
                         .cuts = malloc(columns * (BINS - 1) * sizeof(float)),
                         .bin = malloc(train->n * columns),
                         .pick = malloc(train->n * sizeof(uint32_t)),
                         .nodes = malloc(sizeof(struct node) << (depth + 1)) };
    bool done = tree.cuts != NULL && tree.bin != NULL && tree.pick != NULL && tree.nodes != NULL &&
                cut_columns(&tree);
    if (done) {
        for (size_t i = 0; i < train->n; i++) {
            tree.pick[i] = (uint32_t)i;
        }
        grow(&tree, 0, train->n, depth);
        for (size_t i = 0; i < test->n; i++) {
            score[i] = ask(&tree, test->x + i * columns);
        }
    }
    free(tree.cuts);
    free(tree.bin);
    free(tree.pick);
    free(tree.nodes);
    return done ? HEC_OK : HEC_NO_MEMORY;
}
