#include "hecate/scorer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct hec_scorer {
    const struct hec_plan *plan;
    const struct hec_model *model;
    struct hec_predictor *predictor;
    float *contributions; /* (numerics + categories) */
};

/* The digest covers names and order, so equal digests mean equal columns. */
static enum hec_status check_columns(const struct hec_plan *plan, const struct hec_model *model,
                                     struct hec_error *error)
{
    const struct hec_columns *columns = &hec_model_info(model)->columns;
    if (strcmp(columns->schema_digest, hec_plan_digest(plan)) != 0) {
        return hec_fail(
            error, HEC_MISMATCH,
            "the model was trained on features %.12s..., the schema in use is %.12s...: "
            "use the features file that the model was trained with, or train anew",
            columns->schema_digest, hec_plan_digest(plan));
    }
    assert(columns->numerics == hec_plan_numerics(plan));
    assert(columns->categories == hec_plan_categories(plan));
    return HEC_OK;
}

enum hec_status hec_scorer_new(struct hec_scorer **ret, const struct hec_plan *plan,
                               const struct hec_model *model, int rows_max, struct hec_error *error)
{
    assert(rows_max >= 1 && rows_max <= HEC_ROWS_MAX);

    enum hec_status status = check_columns(plan, model, error);
    if (status != HEC_OK) {
        return status;
    }
    size_t columns = (size_t)(hec_plan_numerics(plan) + hec_plan_categories(plan));
    struct hec_scorer *scorer = calloc(1, sizeof(*scorer));
    if (scorer == NULL) {
        return HEC_NO_MEMORY;
    }
    scorer->plan = plan;
    scorer->model = model;
    scorer->contributions = calloc(columns + 1, sizeof(float));
    if (scorer->contributions == NULL ||
        hec_predictor_new(&scorer->predictor, model, rows_max) != HEC_OK) {
        hec_scorer_free(scorer);
        return HEC_NO_MEMORY;
    }
    *ret = scorer;
    return HEC_OK;
}

void hec_scorer_free(struct hec_scorer *scorer)
{
    if (scorer == NULL) {
        return;
    }
    hec_predictor_free(scorer->predictor);
    free(scorer->contributions);
    free(scorer);
}

const struct hec_model *hec_scorer_model(const struct hec_scorer *scorer)
{
    return scorer->model;
}

enum hec_status hec_scorer_run(struct hec_scorer *scorer, struct hec_batch *batch,
                               struct hec_entities *entities)
{
    enum hec_status status = hec_batch_read(batch, entities);
    if (status != HEC_OK) {
        return status;
    }
    hec_predictor_run(scorer->predictor, batch->numerics, batch->categories, batch->event_types,
                      batch->scored_count, batch->scores, HEC_HEADS_MAX);
    return HEC_OK;
}

void hec_scorer_peek(struct hec_scorer *scorer, struct hec_batch *batch,
                     struct hec_entities *entities)
{
    hec_batch_peek(batch, entities);
    hec_predictor_run(scorer->predictor, batch->numerics, batch->categories, batch->event_types,
                      batch->scored_count, batch->scores, HEC_HEADS_MAX);
}

void hec_scorer_explain(struct hec_scorer *scorer, const struct hec_batch *batch,
                        const struct hec_row *row, int head, const float **contributions)
{
    assert(row->scored >= 0);

    size_t at = (size_t)row->scored;
    hec_predictor_explain(scorer->predictor,
                          batch->numerics + at * (size_t)hec_plan_numerics(scorer->plan),
                          batch->categories + at * (size_t)hec_plan_categories(scorer->plan), head,
                          scorer->contributions, NULL, NULL);
    *contributions = scorer->contributions;
}
