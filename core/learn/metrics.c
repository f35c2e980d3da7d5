/*
 * Metrics: one sorted walk from the highest score down, in steps of equal scores.
 *
 * Treating equal scores as one threshold is what makes the numbers the same whatever order the rows
 * came in, and what scikit-learn does.
 */
#include "hecate/metrics.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

struct scored {
    float score;
    uint8_t label;
};

static int by_score_descending(const void *a, const void *b)
{
    float x = ((const struct scored *)a)->score, y = ((const struct scored *)b)->score;
    return (x < y) - (x > y);
}

/* NULL without rows or memory. */
static struct scored *sorted(const float *score, const uint8_t *label, size_t n)
{
    struct scored *rows = n == 0 ? NULL : malloc(n * sizeof(*rows));
    if (rows != NULL) {
        for (size_t i = 0; i < n; i++) {
            rows[i] = (struct scored){ score[i], label[i] };
        }
        qsort(rows, n, sizeof(*rows), by_score_descending);
    }
    return rows;
}

static uint64_t positives_of(const uint8_t *label, size_t n)
{
    uint64_t positives = 0;
    for (size_t i = 0; i < n; i++) {
        positives += label[i];
    }
    return positives;
}

/* What stands above a threshold. A step takes in all rows of the next score. */
struct walk {
    const struct scored *rows;
    size_t n, at;
    double true_positives, false_positives;
};

static bool step(struct walk *walk)
{
    if (walk->at == walk->n) {
        return false;
    }
    float score = walk->rows[walk->at].score;
    for (; walk->at < walk->n && walk->rows[walk->at].score == score; walk->at++) {
        walk->true_positives += walk->rows[walk->at].label;
        walk->false_positives += !walk->rows[walk->at].label;
    }
    return true;
}

double hec_metric_average_precision(const float *score, const uint8_t *label, size_t n)
{
    double positives = (double)positives_of(label, n), sum = 0, before = 0;
    struct scored *rows = positives > 0 ? sorted(score, label, n) : NULL;
    struct walk walk = { .rows = rows, .n = n };
    if (rows == NULL) {
        return NAN;
    }
    while (step(&walk)) {
        double precision = walk.true_positives / (walk.true_positives + walk.false_positives);
        sum += (walk.true_positives - before) * precision;
        before = walk.true_positives;
    }
    free(rows);
    return sum / positives;
}

double hec_metric_roc_auc(const float *score, const uint8_t *label, size_t n)
{
    double positives = (double)positives_of(label, n), negatives = (double)n - positives;
    struct scored *rows = positives > 0 && negatives > 0 ? sorted(score, label, n) : NULL;
    struct walk walk = { .rows = rows, .n = n };
    double area = 0, true_before = 0, false_before = 0;
    if (rows == NULL) {
        return NAN;
    }
    while (step(&walk)) {
        double width = walk.false_positives - false_before;
        area += width * (walk.true_positives + true_before) / 2;
        true_before = walk.true_positives;
        false_before = walk.false_positives;
    }
    free(rows);
    return area / (positives * negatives);
}

double hec_metric_recall_at_fpr(const float *score, const uint8_t *label, size_t n, double fpr_max)
{
    double positives = (double)positives_of(label, n), negatives = (double)n - positives;
    struct scored *rows = positives > 0 && negatives > 0 ? sorted(score, label, n) : NULL;
    struct walk walk = { .rows = rows, .n = n };
    double recall = 0;
    if (rows == NULL) {
        return NAN;
    }
    while (step(&walk) && walk.false_positives / negatives <= fpr_max) {
        recall = walk.true_positives / positives;
    }
    free(rows);
    return recall;
}

struct hec_metric_at hec_metric_at(const float *score, const uint8_t *label, size_t n,
                                   double threshold)
{
    struct hec_metric_at at = { 0 };
    for (size_t i = 0; i < n; i++) {
        bool alert = (double)score[i] >= threshold;
        at.true_positives += alert && label[i];
        at.false_positives += alert && !label[i];
        at.false_negatives += !alert && label[i];
        at.true_negatives += !alert && !label[i];
    }
    double tp = (double)at.true_positives, fp = (double)at.false_positives;
    double fn = (double)at.false_negatives, tn = (double)at.true_negatives;
    double product = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn);
    at.precision = tp + fp > 0 ? tp / (tp + fp) : NAN;
    at.recall = tp + fn > 0 ? tp / (tp + fn) : NAN;
    at.f1 = tp + fp + fn > 0 ? 2 * tp / (2 * tp + fp + fn) : NAN;
    at.mcc = product > 0 ? (tp * tn - fp * fn) / sqrt(product) : 0;
    return at;
}

double hec_metric_log_loss(const float *probability, const uint8_t *label, size_t n)
{
    const double epsilon = 0x1p-23;
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        double p = fmin(fmax((double)probability[i], epsilon), 1 - epsilon);
        sum -= label[i] ? log(p) : log1p(-p);
    }
    return n > 0 ? sum / (double)n : NAN;
}

double hec_metric_brier(const float *probability, const uint8_t *label, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        double off = (double)probability[i] - label[i];
        sum += off * off;
    }
    return n > 0 ? sum / (double)n : NAN;
}

/* Bin b holds the sorted rows from b n / bins to (b+1) n / bins. Rows of one probability that a
 * border cuts apart are shared out evenly, so that their order does not matter: each group of equal
 * probabilities counts with its own share of positives. */
double hec_metric_ece(const float *probability, const uint8_t *label, size_t n, int bins)
{
    struct scored *rows = sorted(probability, label, n);
    assert(bins > 0);
    if (rows == NULL) {
        return NAN;
    }
    double *gap = calloc((size_t)bins, sizeof(*gap));
    if (gap == NULL) {
        free(rows);
        return NAN;
    }
    struct walk walk = { .rows = rows, .n = n };
    double true_before = 0;
    size_t first = 0, count = (size_t)bins;
    while (step(&walk)) {
        double share = (walk.true_positives - true_before) / (double)(walk.at - first);
        for (size_t i = first; i < walk.at; i++) {
            gap[i * count / n] += (double)rows[i].score - share;
        }
        true_before = walk.true_positives;
        first = walk.at;
    }
    double sum = 0;
    for (size_t b = 0; b < count; b++) {
        sum += fabs(gap[b]);
    }
    free(gap);
    free(rows);
    return sum / (double)n;
}

/* One card on one day: its best score, and whether any of its rows is a fraud. */
struct card_day {
    int32_t day;
    uint64_t card;
    float score;
    uint8_t label;
};

static int by_day_and_card(const void *a, const void *b)
{
    const struct card_day *x = a, *y = b;
    if (x->day != y->day) {
        return (x->day > y->day) - (x->day < y->day);
    }
    return (x->card > y->card) - (x->card < y->card);
}

static int by_card(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static int by_score_and_card(const void *a, const void *b)
{
    const struct card_day *x = a, *y = b;
    if (x->score != y->score) {
        return (x->score < y->score) - (x->score > y->score);
    }
    return (x->card > y->card) - (x->card < y->card);
}

/* Sorted by day and card, rows of the same card and day become one. */
static size_t merge_days(struct card_day *rows, size_t n)
{
    size_t kept = 0;
    qsort(rows, n, sizeof(*rows), by_day_and_card);
    for (size_t i = 0; i < n; i++) {
        if (kept > 0 && by_day_and_card(&rows[kept - 1], &rows[i]) == 0) {
            struct card_day *same = &rows[kept - 1];
            same->score = rows[i].score > same->score ? rows[i].score : same->score;
            same->label |= rows[i].label;
        } else {
            rows[kept++] = rows[i];
        }
    }
    return kept;
}

/* One day: cards found before are put aside, the k best of the rest are looked at. Those found are
 * added to the sorted list of found cards. */
static int look_at_day(struct card_day *rows, size_t n, int k, uint64_t *found, size_t *found_count)
{
    size_t left = 0, known = *found_count;
    int hits = 0;
    for (size_t i = 0; i < n; i++) {
        if (known == 0 || bsearch(&rows[i].card, found, known, sizeof(*found), by_card) == NULL) {
            rows[left++] = rows[i];
        }
    }
    qsort(rows, left, sizeof(*rows), by_score_and_card);
    for (size_t i = 0; i < left && i < (size_t)k; i++) {
        if (rows[i].label) {
            found[(*found_count)++] = rows[i].card;
            hits++;
        }
    }
    qsort(found, *found_count, sizeof(*found), by_card);
    return hits;
}

double hec_metric_card_precision(const float *score, const uint8_t *label, const int32_t *day,
                                 const uint64_t *card, size_t n, int k)
{
    struct card_day *rows = n == 0 ? NULL : calloc(n, sizeof(*rows));
    uint64_t *found = n == 0 ? NULL : calloc(n, sizeof(*found));
    double sum = 0;
    int days = 0;
    assert(k > 0);
    if (rows == NULL || found == NULL) {
        free(rows);
        free(found);
        return NAN;
    }
    for (size_t i = 0; i < n; i++) {
        rows[i] = (struct card_day){
            .day = day[i], .card = card[i], .score = score[i], .label = label[i]
        };
    }
    size_t kept = merge_days(rows, n), found_count = 0;
    for (size_t first = 0, end; first < kept; first = end) {
        int32_t today = rows[first].day;
        for (end = first; end < kept && rows[end].day == today; end++) {
        }
        sum += (double)look_at_day(rows + first, end - first, k, found, &found_count) / k;
        days++;
    }
    free(rows);
    free(found);
    return sum / days;
}
