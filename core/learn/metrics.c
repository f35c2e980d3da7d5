/* Metrics of one list of scores; what depends on order is asked of the walk in curve.c. */
#include "hecate/metrics.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "learn/curve.h"

static uint64_t positives_of(const uint8_t *label, size_t n)
{
    uint64_t positives = 0;
    for (size_t i = 0; i < n; i++) {
        positives += label[i];
    }
    return positives;
}

/* All rows count once. False, with everything undefined, when there are no rows or no memory. */
static bool measure(struct hec_curve *curve, const float *score, const uint8_t *label, size_t n,
                    const double *fpr_max, int fprs)
{
    struct hec_scored *rows = hec_scored_sorted(score, label, NULL, n);
    if (rows == NULL) {
        return false;
    }
    double positives = (double)positives_of(label, n);
    hec_curve_measure(curve, rows, n, NULL, positives, (double)n - positives, fpr_max, fprs);
    free(rows);
    return true;
}

double hec_metric_average_precision(const float *score, const uint8_t *label, size_t n)
{
    struct hec_curve curve;
    return measure(&curve, score, label, n, NULL, 0) ? curve.average_precision : NAN;
}

double hec_metric_roc_auc(const float *score, const uint8_t *label, size_t n)
{
    struct hec_curve curve;
    return measure(&curve, score, label, n, NULL, 0) ? curve.roc_auc : NAN;
}

double hec_metric_recall_at_fpr(const float *score, const uint8_t *label, size_t n, double fpr_max)
{
    struct hec_curve curve;
    return measure(&curve, score, label, n, &fpr_max, 1) ? curve.recall[0] : NAN;
}

size_t hec_metric_steps(struct hec_metric_step *steps, const float *score, const uint8_t *label,
                        size_t n)
{
    struct hec_scored *rows = hec_scored_sorted(score, label, NULL, n);
    struct hec_walk_down walk = { .rows = rows, .n = n };
    size_t count = 0;
    while (rows != NULL && hec_walk_step(&walk)) {
        steps[count++] = (struct hec_metric_step){ .threshold = rows[walk.at - 1].score,
                                                   .true_positives = walk.true_positives,
                                                   .false_positives = walk.false_positives };
    }
    free(rows);
    return count;
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
bool hec_metric_reliability(struct hec_metric_bin *out, const float *probability,
                            const uint8_t *label, size_t n, int bins)
{
    struct hec_scored *rows = hec_scored_sorted(probability, label, NULL, n);
    struct hec_walk_down walk = { .rows = rows, .n = n };
    double true_before = 0;
    size_t first = 0, count = (size_t)bins;
    assert(bins > 0);
    if (rows == NULL) {
        return false;
    }
    memset(out, 0, count * sizeof(*out));
    while (hec_walk_step(&walk)) {
        double share = (walk.true_positives - true_before) / (double)(walk.at - first);
        for (size_t i = first; i < walk.at; i++) {
            struct hec_metric_bin *bin = &out[i * count / n];
            bin->rows++;
            bin->probability += (double)rows[i].score;
            bin->positives += share;
        }
        true_before = walk.true_positives;
        first = walk.at;
    }
    free(rows);
    return true;
}

double hec_metric_ece(const float *probability, const uint8_t *label, size_t n, int bins)
{
    struct hec_metric_bin *out = calloc((size_t)bins, sizeof(*out));
    double sum = 0;
    if (out == NULL || !hec_metric_reliability(out, probability, label, n, bins)) {
        free(out);
        return NAN;
    }
    for (int b = 0; b < bins; b++) {
        sum += fabs(out[b].probability - out[b].positives);
    }
    free(out);
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
