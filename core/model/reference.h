/*
 * The reference of a model: how its columns and scores were spread when it was made. What it is for
 * and what the bins mean: hecate/drift.h.
 */
#ifndef HEC_MODEL_REFERENCE_H
#define HEC_MODEL_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hecate/drift.h"
#include "hecate/status.h"

#define HEC_REFERENCE_EDGES (HEC_DRIFT_BINS - 2)

/* Arrays of it are owned. A value x lies in the bin whose number is that of the edges below it. */
struct hec_reference {
    bool known;
    int numerics, categories, heads;
    float *edge;  /* (numerics + heads, EDGES): none below the one before it; finite */
    int64_t *top; /* (categories, EDGES): hashes, the most frequent first; 0 = no more of them */
    float *share; /* (numerics + categories + heads, HEC_DRIFT_BINS) */
};

/** Allocates, unknown and all zero. @return HEC_OK, HEC_NO_MEMORY */
HEC_CHECKED enum hec_status hec_reference_new(struct hec_reference *reference, int numerics,
                                              int categories, int heads);
/** Accepts one that is all zero. */
void hec_reference_free(struct hec_reference *reference);

/** One head's edges and shares. */
float *hec_reference_head_edge(const struct hec_reference *reference, int head);
float *hec_reference_head_share(const struct hec_reference *reference, int head);

/**
 * Edges that cut values into ten bins, as equally full as they can be; missing ones are left out.
 *
 * @param edge     (HEC_REFERENCE_EDGES) written
 * @param value    (n)
 * @param scratch  (n) changed
 */
void hec_reference_cut(float *edge, const float *value, size_t n, float *scratch);

/** Adds one to the bin of each value. */
void hec_reference_count(uint64_t *count, const float *edge, const float *value, size_t n);

/** Shares of counts; all 0 when nothing was counted. */
void hec_reference_shares(float *share, const uint64_t *count);

/**
 * Fills the columns' part from rows.
 *
 * @param numerics, categories  (rows, ...)
 * @return HEC_OK, HEC_NO_MEMORY
 */
HEC_CHECKED enum hec_status hec_reference_columns(struct hec_reference *reference,
                                                  const float *numerics, const uint32_t *categories,
                                                  size_t rows);

/** Fills one head's part from its scores. @param scratch (n) changed */
void hec_reference_scores(struct hec_reference *reference, int head, const float *score, size_t n,
                          float *scratch);

/** Whether what was read from a file may stand in one. */
HEC_CHECKED enum hec_status hec_reference_check(const struct hec_reference *reference,
                                                struct hec_error *error);

#endif
