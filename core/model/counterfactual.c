/* What would have passed: greedy over columns, each tried at every candidate, then made smaller. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hecate/explain.h"
#include "model/model.h"

#define HALVINGS 12

struct search {
    struct hec_predictor *predictor;
    const struct hec_candidates *candidates;
    const float *from_numerics;
    const uint32_t *from_categories;
    float *numerics; /* the row as it is changed; owned */
    uint32_t *categories;
    int n, c, head;
    float threshold;
};

static float score_of(const struct search *s)
{
    float scores[HEC_HEADS_MAX];
    hec_predictor_run(s->predictor, s->numerics, s->categories, NULL, 1, scores, HEC_HEADS_MAX);
    return scores[s->head];
}

static void put(const struct search *s, int column, float x, uint32_t category)
{
    if (column < s->n) {
        s->numerics[column] = x;
    } else {
        s->categories[column - s->n] = category;
    }
}

static void take_back(const struct search *s, int column)
{
    put(s, column, column < s->n ? s->from_numerics[column] : 0,
        column < s->n ? 0 : s->from_categories[column - s->n]);
}

/* The lowest score that one more changed column gives; false when nothing lowers it. */
static bool best_step(const struct search *s, struct hec_counterfactual *found)
{
    const struct hec_candidates *list = s->candidates;
    float best = found->score;
    int at = found->count, chosen = -1;
    for (int column = 0; column < s->n + s->c; column++) {
        bool taken = false;
        for (int i = 0; i < at; i++) {
            taken = taken || found->column[i] == column;
        }
        int values =
            column < s->n ? list->numeric_count[column] : list->category_count[column - s->n];
        for (int v = 0; v < values && !taken; v++) {
            float x = column < s->n ? list->numeric[column * HEC_CANDIDATES_MAX + v] : 0;
            uint32_t category =
                column < s->n ? 0 : list->category[(column - s->n) * HEC_CANDIDATES_MAX + v];
            put(s, column, x, category);
            float score = score_of(s);
            if (score < best) {
                best = score;
                chosen = column;
                found->column[at] = column;
                found->to[at] = x;
                found->to_category[at] = category;
            }
        }
        if (!taken) {
            take_back(s, column);
        }
    }
    if (chosen < 0) {
        return false;
    }
    put(s, chosen, found->to[at], found->to_category[at]);
    found->score = best;
    found->count++;
    return true;
}

/* A change without which the row passes as well was not needed. */
static void drop_needless(const struct search *s, struct hec_counterfactual *found)
{
    for (int i = 0; i < found->count;) {
        take_back(s, found->column[i]);
        if (found->count > 1 && score_of(s) < s->threshold) {
            int last = --found->count;
            memmove(found->column + i, found->column + i + 1, sizeof(int) * (size_t)(last - i));
            memmove(found->to + i, found->to + i + 1, sizeof(float) * (size_t)(last - i));
            memmove(found->to_category + i, found->to_category + i + 1,
                    sizeof(uint32_t) * (size_t)(last - i));
            continue;
        }
        put(s, found->column[i], found->to[i], found->to_category[i]);
        i++;
    }
}

/* Counts and flags: all that was seen of them is whole. */
static bool is_whole(const struct search *s, int column)
{
    bool whole = rintf(s->from_numerics[column]) == s->from_numerics[column];
    for (int v = 0; v < s->candidates->numeric_count[column] && whole; v++) {
        float x = s->candidates->numeric[column * HEC_CANDIDATES_MAX + v];
        whole = rintf(x) == x;
    }
    return whole;
}

/* Numbers go back towards what was observed, by halves, while the row still passes; whole
 * ones by whole steps. */
static void shrink(const struct search *s, struct hec_counterfactual *found)
{
    for (int i = 0; i < found->count; i++) {
        int column = found->column[i];
        if (column >= s->n || isnan(found->to[i]) || isnan(s->from_numerics[column])) {
            continue;
        }
        float passes = found->to[i], fails = s->from_numerics[column];
        bool whole = is_whole(s, column);
        for (int step = 0; step < HALVINGS; step++) {
            float middle = passes + (fails - passes) / 2;
            middle = whole ? rintf(middle) : middle;
            if (middle == passes || middle == fails) {
                break;
            }
            s->numerics[column] = middle;
            if (score_of(s) < s->threshold) {
                passes = middle;
            } else {
                fails = middle;
            }
        }
        s->numerics[column] = found->to[i] = passes;
    }
    found->score = score_of(s);
}

enum hec_status hec_counterfactual_find(struct hec_counterfactual *found,
                                        struct hec_predictor *predictor, const float *row_numerics,
                                        const uint32_t *row_categories, int head, float threshold,
                                        const struct hec_candidates *candidates)
{
    const struct hec_shape *shape = &predictor->model->shape;
    struct search s = { .predictor = predictor,
                        .candidates = candidates,
                        .from_numerics = row_numerics,
                        .from_categories = row_categories,
                        .n = shape->numerics,
                        .c = shape->categories,
                        .head = head,
                        .threshold = threshold };
    *found = (struct hec_counterfactual){ 0 };
    s.numerics = malloc(((size_t)s.n + 1) * sizeof(float));
    s.categories = malloc(((size_t)s.c + 1) * sizeof(uint32_t));
    if (s.numerics == NULL || s.categories == NULL) {
        free(s.numerics);
        free(s.categories);
        return HEC_NO_MEMORY;
    }
    memcpy(s.numerics, row_numerics, (size_t)s.n * sizeof(float));
    if (s.c > 0) {
        memcpy(s.categories, row_categories, (size_t)s.c * sizeof(uint32_t));
    }
    found->score = score_of(&s);
    bool moved = true;
    while (found->score >= threshold && found->count < HEC_COUNTERFACTUAL_MAX && moved) {
        moved = best_step(&s, found);
    }
    if (found->score >= threshold) {
        found->count = -1;
    } else if (found->count > 0) {
        drop_needless(&s, found);
        shrink(&s, found);
    }
    free(s.numerics);
    free(s.categories);
    return HEC_OK;
}
