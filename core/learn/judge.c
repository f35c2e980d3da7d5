/*
 * Judging: sums an entity, one walk down the scores, and both again for every resampling.
 *
 * Whatever is a sum over rows is kept as sums an entity, so a sample costs one addition an entity;
 * only the figures that depend on order walk over the rows, which were sorted once. The point
 * estimate goes the same way with every weight 1: there is no second formula.
 */
#include "hecate/judge.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hecate/metrics.h"
#include "hecate/random.h"
#include "learn/curve.h"

#define DAY_MS INT64_C(86400000)
#define ECE_BINS 15
#define STREAM_BOOTSTRAP 0x6a756467u

const struct hec_metric_row hec_metric_rows[HEC_METRICS] = {
#define HEC_METRIC_ROW(enumerator, name, heading, better, decimals, probabilities_only, meaning)   \
    { name, heading, better, decimals, probabilities_only, meaning },
    HEC_METRIC_TABLE(HEC_METRIC_ROW)
#undef HEC_METRIC_ROW
};

enum hec_metric hec_metric_named(const char *name)
{
    int i = 0;
    while (i < HEC_METRICS && strcmp(hec_metric_rows[i].name, name) != 0) {
        i++;
    }
    return (enum hec_metric)i;
}

void hec_judge_defaults(struct hec_judge_options *options)
{
    *options = (struct hec_judge_options){ .threshold = 0.5,
                                           .probability = true,
                                           .card_k = 100,
                                           .samples = 1000,
                                           .level = 0.95,
                                           .seed = 1 };
}

/* What is a sum over rows. */
struct sums {
    double rows, positives, true_positives, false_positives;
    double log_loss, squares;
    double amount, amount_found; /* of positives */
};

struct judge {
    const struct hec_judge_rows *rows;
    const struct hec_judge_options *options;
    struct hec_scored *sorted;
    uint32_t *entity; /* (rows) index of the row's entity */
    size_t entities;
    struct sums *sums; /* (entities) */
    uint32_t *weight;  /* (entities) */
    double *values;    /* (metrics, samples) */
};

struct numbered {
    uint64_t entity;
    uint32_t row;
};

static int by_entity(const void *a, const void *b)
{
    const struct numbered *x = a, *y = b;
    if (x->entity != y->entity) {
        return (x->entity > y->entity) - (x->entity < y->entity);
    }
    return (x->row > y->row) - (x->row < y->row);
}

/* Entities by number, in the order of their hashes: whoever sorts the rows another way gets the
 * same entities, though another sample. */
static bool number_entities(struct judge *judge)
{
    size_t n = judge->rows->n;
    struct numbered *order = malloc(n * sizeof(*order));
    judge->entity = malloc(n * sizeof(*judge->entity));
    if (order == NULL || judge->entity == NULL) {
        free(order);
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        order[i] = (struct numbered){ judge->rows->entity[i], (uint32_t)i };
    }
    qsort(order, n, sizeof(*order), by_entity);
    for (size_t i = 0; i < n; i++) {
        judge->entities += i == 0 || order[i].entity != order[i - 1].entity;
        judge->entity[order[i].row] = (uint32_t)(judge->entities - 1);
    }
    free(order);
    return true;
}

static void add_rows(struct judge *judge)
{
    const struct hec_judge_rows *rows = judge->rows;
    const double epsilon = 0x1p-23;
    for (size_t i = 0; i < rows->n; i++) {
        struct sums *sums = &judge->sums[judge->entity[i]];
        double score = (double)rows->score[i];
        bool positive = rows->label[i], alert = score >= judge->options->threshold;
        double p = fmin(fmax(score, epsilon), 1 - epsilon);
        double amount = rows->amount == NULL || !positive ? 0 : rows->amount[i];
        sums->rows++;
        sums->positives += positive;
        sums->true_positives += positive && alert;
        sums->false_positives += !positive && alert;
        sums->log_loss -= positive ? log(p) : log1p(-p);
        sums->squares += (score - positive) * (score - positive);
        sums->amount += amount;
        sums->amount_found += alert ? amount : 0;
    }
}

static double ratio(double part, double whole)
{
    return whole > 0 ? part / whole : NAN;
}

static struct sums total_of(const struct judge *judge, const uint32_t *weight)
{
    struct sums total = { 0 };
    for (size_t e = 0; e < judge->entities; e++) {
        const struct sums *one = &judge->sums[e];
        double times = weight == NULL ? 1 : weight[e];
        total.rows += times * one->rows;
        total.positives += times * one->positives;
        total.true_positives += times * one->true_positives;
        total.false_positives += times * one->false_positives;
        total.log_loss += times * one->log_loss;
        total.squares += times * one->squares;
        total.amount += times * one->amount;
        total.amount_found += times * one->amount_found;
    }
    return total;
}

/* Everything but card precision and ECE. weight NULL: the rows as they are. */
static void measure(const struct judge *judge, const uint32_t *weight, double value[HEC_METRICS])
{
    static const double fpr_max[2] = { 0.001, 0.01 };
    struct sums sums = total_of(judge, weight);
    double tp = sums.true_positives, fp = sums.false_positives;
    double fn = sums.positives - tp, tn = sums.rows - sums.positives - fp;
    double product = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn);
    bool probability = judge->options->probability;
    struct hec_curve curve;

    hec_curve_measure(&curve, judge->sorted, judge->rows->n, weight, sums.positives,
                      sums.rows - sums.positives, fpr_max, 2);
    value[HEC_METRIC_AP] = curve.average_precision;
    value[HEC_METRIC_AUC] = curve.roc_auc;
    value[HEC_METRIC_RECALL_001] = curve.recall[0];
    value[HEC_METRIC_RECALL_01] = curve.recall[1];
    value[HEC_METRIC_PRECISION] = ratio(tp, tp + fp);
    value[HEC_METRIC_RECALL] = ratio(tp, tp + fn);
    value[HEC_METRIC_F1] = ratio(2 * tp, 2 * tp + fp + fn);
    value[HEC_METRIC_MCC] = product > 0     ? (tp * tn - fp * fn) / sqrt(product)
                            : sums.rows > 0 ? 0
                                            : NAN;
    value[HEC_METRIC_CARD_PRECISION] = NAN;
    value[HEC_METRIC_LOG_LOSS] = probability ? ratio(sums.log_loss, sums.rows) : NAN;
    value[HEC_METRIC_BRIER] = probability ? ratio(sums.squares, sums.rows) : NAN;
    value[HEC_METRIC_ECE] = NAN;
    value[HEC_METRIC_ALERTS] = ratio(1e4 * (tp + fp), sums.rows);
    value[HEC_METRIC_VALUE] = ratio(sums.amount_found, sums.amount);
}

static int by_number(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double hec_quantile(const double *sorted, size_t n, double q)
{
    if (n == 0) {
        return NAN;
    }
    double at = q * (double)(n - 1);
    size_t below = (size_t)at;
    size_t above = below + 1 < n ? below + 1 : below;
    return sorted[below] + (at - (double)below) * (sorted[above] - sorted[below]);
}

static void bootstrap(struct judge *judge, struct hec_judgement *judgement)
{
    const struct hec_judge_options *options = judge->options;
    struct hec_random random = hec_random_at(options->seed, STREAM_BOOTSTRAP);
    size_t samples = (size_t)options->samples, kept[HEC_METRICS] = { 0 };
    for (size_t s = 0; s < samples; s++) {
        double value[HEC_METRICS];
        memset(judge->weight, 0, judge->entities * sizeof(*judge->weight));
        for (size_t e = 0; e < judge->entities; e++) {
            judge->weight[hec_random_below(&random, judge->entities)]++;
        }
        measure(judge, judge->weight, value);
        for (int m = 0; m < HEC_METRICS; m++) {
            if (!isnan(value[m])) {
                judge->values[(size_t)m * samples + kept[m]++] = value[m];
            }
        }
    }
    for (int m = 0; m < HEC_METRICS; m++) {
        double *values = judge->values + (size_t)m * samples, tail = (1 - options->level) / 2;
        qsort(values, kept[m], sizeof(*values), by_number);
        judgement->low[m] = hec_quantile(values, kept[m], tail);
        judgement->high[m] = hec_quantile(values, kept[m], 1 - tail);
    }
}

static double card_precision(const struct judge *judge)
{
    const struct hec_judge_rows *rows = judge->rows;
    int32_t *day = malloc(rows->n * sizeof(*day));
    if (day == NULL) {
        return NAN;
    }
    for (size_t i = 0; i < rows->n; i++) {
        day[i] = (int32_t)(rows->event_ms[i] / DAY_MS);
    }
    double precision = hec_metric_card_precision(rows->score, rows->label, day, rows->card, rows->n,
                                                 judge->options->card_k);
    free(day);
    return precision;
}

static void fill(const struct judge *judge, struct hec_judgement *judgement)
{
    const struct hec_judge_rows *rows = judge->rows;
    struct sums sums = total_of(judge, NULL);
    judgement->rows = rows->n;
    judgement->positives = (uint64_t)sums.positives;
    judgement->entities = judge->entities;
    judgement->true_positives = (uint64_t)sums.true_positives;
    judgement->false_positives = (uint64_t)sums.false_positives;
    judgement->false_negatives = (uint64_t)(sums.positives - sums.true_positives);
    judgement->true_negatives = (uint64_t)(sums.rows - sums.positives - sums.false_positives);
    judgement->first_ms = judgement->last_ms = rows->event_ms[0];
    for (size_t i = 0; i < rows->n; i++) {
        int64_t ms = rows->event_ms[i];
        judgement->first_ms = ms < judgement->first_ms ? ms : judgement->first_ms;
        judgement->last_ms = ms > judgement->last_ms ? ms : judgement->last_ms;
    }
    measure(judge, NULL, judgement->value);
    if (sums.positives > 0) {
        judgement->value[HEC_METRIC_CARD_PRECISION] = card_precision(judge);
    }
    if (judge->options->probability) {
        judgement->value[HEC_METRIC_ECE] =
            hec_metric_ece(rows->score, rows->label, rows->n, ECE_BINS);
    }
}

enum hec_status hec_judge(struct hec_judgement *judgement, const struct hec_judge_rows *rows,
                          const struct hec_judge_options *options)
{
    struct judge judge = { .rows = rows, .options = options };
    enum hec_status status = HEC_OK;
    assert(options->card_k > 0 && options->samples >= 0);

    *judgement = (struct hec_judgement){ .threshold = options->threshold };
    for (int m = 0; m < HEC_METRICS; m++) {
        judgement->value[m] = judgement->low[m] = judgement->high[m] = NAN;
    }
    if (rows->n == 0) {
        return HEC_OK;
    }
    if (number_entities(&judge)) {
        judge.sorted = hec_scored_sorted(rows->score, rows->label, judge.entity, rows->n);
        judge.sums = calloc(judge.entities, sizeof(*judge.sums));
        judge.weight = calloc(judge.entities, sizeof(*judge.weight));
        judge.values = calloc((size_t)options->samples * HEC_METRICS + 1, sizeof(*judge.values));
    }
    if (judge.sorted == NULL || judge.sums == NULL || judge.weight == NULL ||
        judge.values == NULL) {
        status = HEC_NO_MEMORY;
    } else {
        add_rows(&judge);
        fill(&judge, judgement);
        if (options->samples > 0) {
            bootstrap(&judge, judgement);
        }
    }
    free(judge.entity);
    free(judge.sorted);
    free(judge.sums);
    free(judge.weight);
    free(judge.values);
    return status;
}

void hec_judge_means(const struct hec_judgement *judgements, int count, double macro[HEC_METRICS],
                     double weighted[HEC_METRICS])
{
    for (int m = 0; m < HEC_METRICS; m++) {
        double sum = 0, weighted_sum = 0, positives = 0;
        int defined = 0;
        for (int k = 0; k < count; k++) {
            double value = judgements[k].value[m];
            if (!isnan(value)) {
                sum += value;
                weighted_sum += value * (double)judgements[k].positives;
                positives += (double)judgements[k].positives;
                defined++;
            }
        }
        macro[m] = defined > 0 ? sum / defined : NAN;
        weighted[m] = ratio(weighted_sum, positives);
    }
}
