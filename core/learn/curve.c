/* The walk down the scores, and the three figures that one walk gives. */
#include "learn/curve.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

static int by_score_descending(const void *a, const void *b)
{
    float x = ((const struct hec_scored *)a)->score, y = ((const struct hec_scored *)b)->score;
    return (x < y) - (x > y);
}

struct hec_scored *hec_scored_sorted(const float *score, const uint8_t *label,
                                     const uint32_t *entity, size_t n)
{
    struct hec_scored *rows = n == 0 ? NULL : malloc(n * sizeof(*rows));
    if (rows != NULL) {
        for (size_t i = 0; i < n; i++) {
            rows[i] = (struct hec_scored){ score[i], entity == NULL ? 0 : entity[i], label[i] };
        }
        qsort(rows, n, sizeof(*rows), by_score_descending);
    }
    return rows;
}

bool hec_walk_step(struct hec_walk_down *walk)
{
    if (walk->at == walk->n) {
        return false;
    }
    float score = walk->rows[walk->at].score;
    for (; walk->at < walk->n && walk->rows[walk->at].score == score; walk->at++) {
        const struct hec_scored *row = &walk->rows[walk->at];
        uint32_t weight = walk->weight == NULL ? 1 : walk->weight[row->entity];
        walk->true_positives += row->label ? weight : 0;
        walk->false_positives += row->label ? 0 : weight;
    }
    return true;
}

void hec_curve_measure(struct hec_curve *curve, const struct hec_scored *rows, size_t n,
                       const uint32_t *weight, double positives, double negatives,
                       const double *fpr_max, int fprs)
{
    struct hec_walk_down walk = { .rows = rows, .n = n, .weight = weight };
    double precision_sum = 0, area = 0, true_before = 0, false_before = 0;
    double most[HEC_CURVE_FPRS_MAX] = { 0 };
    assert(fprs <= HEC_CURVE_FPRS_MAX);

    while (hec_walk_step(&walk)) {
        double found = walk.true_positives - true_before;
        double alerts = walk.true_positives + walk.false_positives;
        if (alerts == 0) {
            continue; /* rows that this sample does not have */
        }
        precision_sum += found * walk.true_positives / alerts;
        area += (walk.false_positives - false_before) * (walk.true_positives + true_before) / 2;
        for (int i = fprs - 1; i >= 0 && walk.false_positives / negatives <= fpr_max[i]; i--) {
            most[i] = walk.true_positives;
        }
        true_before = walk.true_positives;
        false_before = walk.false_positives;
    }
    bool two = positives > 0 && negatives > 0;
    curve->average_precision = positives > 0 ? precision_sum / positives : NAN;
    curve->roc_auc = two ? area / (positives * negatives) : NAN;
    for (int i = 0; i < fprs; i++) {
        curve->recall[i] = two ? most[i] / positives : NAN;
    }
}
