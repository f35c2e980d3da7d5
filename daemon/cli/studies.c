#include "cli/studies.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hecate/baseline.h"
#include "hecate/feature.h"
#include "hecate/metrics.h"
#include "hecate/random.h"
#include "hecate/statistics.h"

#define NEGATIVES_MAX 40000 /* that a baseline is fitted on */
#define TREE_DEPTH 6
#define LEAF_MIN 50
#define IMPORTANCE_ROWS 20000
#define BATCH 64
#define IMPORTANCE_STREAM 51

const char *const hec_baseline_names[HEC_BASELINES] = { "logistic regression", "tree of depth 6" };

/* ---- baselines ---- */

struct fitting {
    float *x, *weight, *test;
    uint8_t *label;
};

static void fitting_free(struct fitting *fitting)
{
    free(fitting->x);
    free(fitting->weight);
    free(fitting->test);
    free(fitting->label);
}

/* Every positive, and each so-many-th of the others with the weight of so many. */
static bool gather_training(struct hec_baseline_rows *train, struct fitting *fitting,
                            const struct hec_study *study, int head)
{
    size_t heads = (size_t)study->scores->heads_count, columns = (size_t)train->columns;
    uint64_t count[2] = { 0 };
    for (uint32_t row = 0; row < study->rows->count; row++) {
        int8_t target = study->targets[row * heads + (size_t)head];
        count[target > 0] += study->split[row] == HEC_SPLIT_TRAIN && target >= 0;
    }
    uint64_t every = count[0] / NEGATIVES_MAX + 1, seen = 0;
    size_t room = count[1] + count[0] / every + 2;
    fitting->x = malloc(room * columns * sizeof(float) + 1);
    fitting->weight = malloc(room * sizeof(float));
    fitting->label = malloc(room);
    if (fitting->x == NULL || fitting->weight == NULL || fitting->label == NULL) {
        return false;
    }
    for (uint32_t row = 0; row < study->rows->count; row++) {
        int8_t target = study->targets[row * heads + (size_t)head];
        if (study->split[row] != HEC_SPLIT_TRAIN || target < 0 ||
            (target == HEC_TARGET_NEGATIVE && seen++ % every != 0)) {
            continue;
        }
        memcpy(fitting->x + train->n * columns, study->rows->numerics + row * columns,
               columns * sizeof(float));
        fitting->label[train->n] = target == HEC_TARGET_POSITIVE;
        fitting->weight[train->n++] = target == HEC_TARGET_POSITIVE ? 1 : (float)every;
    }
    train->x = fitting->x;
    train->label = fitting->label;
    train->weight = fitting->weight;
    return true;
}

enum hec_status hec_study_baseline(struct hec_judgement *told, const struct hec_study *study,
                                   int head, enum hec_baseline which)
{
    struct hec_gathered gathered;
    struct fitting fitting = { 0 };
    size_t columns = (size_t)study->rows->numerics_count;
    struct hec_baseline_rows train = { .columns = (int)columns }, test = train;
    enum hec_status status = hec_gather(&gathered, study->scores, head);
    if (status == HEC_OK) {
        fitting.test = malloc((gathered.n * columns + 1) * sizeof(float));
        status = fitting.test != NULL && gather_training(&train, &fitting, study, head)
                     ? HEC_OK
                     : HEC_NO_MEMORY;
    }
    for (size_t i = 0; status == HEC_OK && i < gathered.n; i++) {
        memcpy(fitting.test + i * columns, study->rows->numerics + gathered.row[i] * columns,
               columns * sizeof(float));
    }
    test.x = fitting.test;
    test.n = gathered.n;
    if (status == HEC_OK) {
        status = which == HEC_BASELINE_LOGISTIC
                     ? hec_baseline_logistic(&train, &test, gathered.score)
                     : hec_baseline_tree(&train, &test, TREE_DEPTH, LEAF_MIN, gathered.score);
    }
    if (status == HEC_OK) {
        struct hec_judge_rows rows = hec_gathered_rows(&gathered);
        struct hec_judge_options judging = study->judging;
        judging.samples = 0;
        judging.probability = true;
        status = hec_judge(told, &rows, &judging);
    }
    hec_gathered_free(&gathered);
    fitting_free(&fitting);
    return status;
}

/* ---- permutation importance ---- */

/* A sample of the judged rows: where each lies among them, and the deal of one column. */
struct deal {
    uint32_t *at, *order;
    uint32_t count;
    float *numerics, *score, *one;
    uint32_t *categories;
    uint8_t *label, *event_type;
    struct hec_predictor *predictor;
};

static void deal_free(struct deal *deal)
{
    free(deal->at);
    free(deal->order);
    free(deal->numerics);
    free(deal->categories);
    free(deal->score);
    free(deal->one);
    free(deal->label);
    free(deal->event_type);
    hec_predictor_free(deal->predictor);
}

static bool is_judged(const struct hec_scores *scores, uint32_t row, int head, int8_t target)
{
    return (scores->mask[head] == NULL || scores->mask[head][row]) &&
           scores->targets[(size_t)row * (size_t)scores->heads_count + (size_t)head] == target;
}

static bool any_judged(const struct hec_scores *scores, uint32_t row, int8_t target)
{
    for (int head = 0; head < scores->heads_count; head++) {
        if (is_judged(scores, row, head, target)) {
            return true;
        }
    }
    return false;
}

static enum hec_status deal_new(struct deal *deal, const struct hec_study *study)
{
    const struct hec_scores *scores = study->scores;
    uint32_t positives = 0, others = 0;
    for (uint32_t i = 0; i < scores->count; i++) {
        uint32_t row = scores->pick == NULL ? i : scores->pick[i];
        positives += any_judged(scores, row, HEC_TARGET_POSITIVE);
        others += any_judged(scores, row, HEC_TARGET_NEGATIVE);
    }
    uint32_t every = others / IMPORTANCE_ROWS + 1, seen = 0;
    size_t room = (size_t)positives + IMPORTANCE_ROWS + 2, heads = (size_t)scores->heads_count;
    *deal = (struct deal){ .at = malloc(room * sizeof(uint32_t)),
                           .order = malloc(room * sizeof(uint32_t)),
                           .numerics = malloc(BATCH * HEC_FEATURES_MAX * sizeof(float)),
                           .categories = malloc(BATCH * HEC_FEATURES_MAX * sizeof(uint32_t)),
                           .score = malloc(room * heads * sizeof(float)),
                           .one = malloc(room * sizeof(float)),
                           .label = malloc(room),
                           .event_type = malloc(BATCH) };
    if (deal->at == NULL || deal->order == NULL || deal->numerics == NULL ||
        deal->categories == NULL || deal->score == NULL || deal->one == NULL ||
        deal->label == NULL || deal->event_type == NULL) {
        return HEC_NO_MEMORY;
    }
    for (uint32_t i = 0; i < scores->count && deal->count + 1 < room; i++) {
        uint32_t row = scores->pick == NULL ? i : scores->pick[i];
        bool positive = any_judged(scores, row, HEC_TARGET_POSITIVE);
        if (positive || (any_judged(scores, row, HEC_TARGET_NEGATIVE) && seen++ % every == 0)) {
            deal->order[deal->count] = deal->count;
            deal->at[deal->count++] = row;
        }
    }
    struct hec_random random = hec_random_at(1, IMPORTANCE_STREAM);
    hec_random_shuffle(&random, deal->order, deal->count);
    return hec_predictor_new(&deal->predictor, study->model, BATCH);
}

/* All heads' scores with one column's values dealt anew; -1 deals none. */
static void score_dealt(struct deal *deal, const struct hec_study *study, int column)
{
    const struct hec_rows *rows = study->rows;
    size_t n = (size_t)rows->numerics_count, c = (size_t)rows->categories_count;
    size_t heads = (size_t)study->scores->heads_count;
    for (uint32_t first = 0; first < deal->count; first += BATCH) {
        int count = deal->count - first < BATCH ? (int)(deal->count - first) : BATCH;
        for (size_t i = 0; i < (size_t)count; i++) {
            uint32_t row = deal->at[first + i], other = deal->at[deal->order[first + i]];
            memcpy(deal->numerics + i * n, rows->numerics + row * n, n * sizeof(float));
            if (c > 0) {
                memcpy(deal->categories + i * c, rows->categories + row * c, c * sizeof(uint32_t));
            }
            if (column >= 0 && column < (int)n) {
                deal->numerics[i * n + (size_t)column] = rows->numerics[other * n + (size_t)column];
            } else if (column >= 0) {
                deal->categories[i * c + (size_t)column - n] =
                    rows->categories[other * c + (size_t)column - n];
            }
            deal->event_type[i] = rows->event_type[row];
        }
        hec_predictor_run(deal->predictor, deal->numerics, c > 0 ? deal->categories : NULL,
                          deal->event_type, count, deal->score + first * heads, (int)heads);
    }
}

static double ap_of(struct deal *deal, const struct hec_study *study, int head)
{
    const struct hec_scores *scores = study->scores;
    size_t n = 0;
    for (uint32_t i = 0; i < deal->count; i++) {
        float score = deal->score[i * (size_t)scores->heads_count + (size_t)head];
        bool positive = is_judged(scores, deal->at[i], head, HEC_TARGET_POSITIVE);
        if (!isnan(score) &&
            (positive || is_judged(scores, deal->at[i], head, HEC_TARGET_NEGATIVE))) {
            deal->one[n] = score;
            deal->label[n++] = positive;
        }
    }
    return hec_metric_average_precision(deal->one, deal->label, n);
}

enum hec_status hec_study_importance(double *loss, const struct hec_study *study)
{
    struct deal deal;
    int columns = study->rows->numerics_count + study->rows->categories_count;
    double whole[HEC_HEADS_MAX];
    enum hec_status status = deal_new(&deal, study);
    for (int column = -1; status == HEC_OK && column < columns; column++) {
        score_dealt(&deal, study, column);
        for (int head = 0; head < study->scores->heads_count; head++) {
            double ap = ap_of(&deal, study, head);
            if (column < 0) {
                whole[head] = ap;
            } else {
                loss[head * columns + column] = whole[head] - ap;
            }
        }
    }
    deal_free(&deal);
    return status;
}

/* ---- pairs of heads ---- */

enum hec_status hec_study_pair(double *phi, double *spearman, const struct hec_study *study, int a,
                               int b)
{
    const struct hec_scores *scores = study->scores;
    size_t heads = (size_t)scores->heads_count, n = 0;
    uint64_t table[2][2] = { { 0 } };
    float *x = malloc(((size_t)scores->count + 1) * sizeof(*x));
    float *y = malloc(((size_t)scores->count + 1) * sizeof(*y));
    *phi = *spearman = NAN;
    for (uint32_t i = 0; x != NULL && y != NULL && i < scores->count; i++) {
        size_t row = scores->pick == NULL ? i : scores->pick[i];
        const float *score = scores->score + (size_t)i * (size_t)scores->stride;
        int8_t one = scores->targets[row * heads + (size_t)a];
        int8_t two = scores->targets[row * heads + (size_t)b];
        if (!isnan(score[a]) && !isnan(score[b])) {
            x[n] = score[a];
            y[n++] = score[b];
            if (one >= 0 && two >= 0) {
                table[one > 0][two > 0]++;
            }
        }
    }
    if (x != NULL && y != NULL) {
        *phi = hec_phi(table[1][1], table[1][0], table[0][1], table[0][0]);
        *spearman = hec_spearman(x, y, n);
    }
    bool done = x != NULL && y != NULL;
    free(x);
    free(y);
    return done ? HEC_OK : HEC_NO_MEMORY;
}
