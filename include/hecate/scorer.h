/*
 * The scorer: one batch from decoded rows to scores. The whole of the hot path, no I/O.
 *
 * What it says of an event depends on the event and the states before it, never on the other rows
 * of the batch (apart from the last bits of a float, see hecate/model.h).
 */
#ifndef HECATE_SCORER_H
#define HECATE_SCORER_H

#include "hecate/batch.h"
#include "hecate/model.h"
#include "hecate/status.h"

struct hec_scorer;

/**
 * Makes a scorer for batches of up to rows_max rows. Everything is allocated here.
 *
 * @param plan   borrowed
 * @param model  borrowed; may be shared by scorers
 * @return HEC_OK, HEC_NO_MEMORY
 *         HEC_MISMATCH  the model was trained on other feature columns than the plan makes
 */
HEC_CHECKED enum hec_status hec_scorer_new(struct hec_scorer **ret, const struct hec_plan *plan,
                                           const struct hec_model *model, int rows_max,
                                           struct hec_error *error);
/** Accepts NULL. */
void hec_scorer_free(struct hec_scorer *scorer);

const struct hec_model *hec_scorer_model(const struct hec_scorer *scorer);

/**
 * Reads, applies and scores every row of the batch, in order; silent rows are only applied.
 *
 * Call it after hec_batch_want and after the missing entries were answered as far as they could be.
 * Fills outcome, degraded and missing of each row and the batch's numerics, categories and scores.
 *
 * @return HEC_OK, HEC_NO_MEMORY (the states of this batch are then undefined: drop them)
 */
HEC_CHECKED enum hec_status hec_scorer_run(struct hec_scorer *scorer, struct hec_batch *batch,
                                           struct hec_entities *entities);

/** Scores every row as if it came next, one independent of the other, and leaves the states as they
 * are: a question, not an event. After hec_batch_want, as hec_scorer_run; the batch may be another
 * than the one that is being run, of no more rows. */
void hec_scorer_peek(struct hec_scorer *scorer, struct hec_batch *batch,
                     struct hec_entities *entities);

/**
 * Why a scored row scored as it did under one head: hec_predictor_explain for a row of the batch.
 *
 * @param contributions  receives a view of (numerics + categories) floats, valid until the next
 *                       call
 */
void hec_scorer_explain(struct hec_scorer *scorer, const struct hec_batch *batch,
                        const struct hec_row *row, int head, const float **contributions);

#endif
