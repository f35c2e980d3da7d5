/*
 * Training rows as they grow: what hec_dataset wants, gathered from a walk over event files.
 *
 * A row is kept for each scored event of the window; labels find their row again by the hash of the
 * event's id. Arrays double by reallocation, which moves pages and not bytes once they are large.
 */
#ifndef HECATE_CLI_ROWS_H
#define HECATE_CLI_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "hecate/batch.h"
#include "hecate/train.h"

#define HEC_ROWS_CODES_MAX 200

struct hec_rows {
    uint32_t count, room;
    int numerics_count, categories_count;
    float *numerics;      /* (count, numerics_count) */
    uint32_t *categories; /* (count, categories_count) */
    uint8_t *event_type;
    uint8_t *verdict; /* enum hec_verdict: the last that had arrived */
    uint8_t *code;    /* 0 or 1 + index into codes: the fraud type of that verdict */
    int64_t *event_ms;
    char codes[HEC_ROWS_CODES_MAX][HEC_FRAUD_TYPE_MAX];
    int codes_count;
    uint64_t labels, labels_lost; /* applied; about events that are no row */
    /* Open addressing, a power of two: 64-bit hash of the event id, and 1 + its row (0: empty). */
    uint64_t *index_hash;
    uint32_t *index_row;
    size_t index_size;
};

/** An empty one for rows of that shape. All-zero memory is made ready; nothing is allocated. */
void hec_rows_begin(struct hec_rows *rows, int numerics, int categories);
void hec_rows_free(struct hec_rows *rows);

/** Keeps row `scored` of the batch. @return HEC_OK or HEC_NO_MEMORY */
HEC_CHECKED enum hec_status hec_rows_add(struct hec_rows *rows, const struct hec_batch *batch,
                                         int scored);

/** Takes a label event: the verdict of its target is now this. */
void hec_rows_label(struct hec_rows *rows, const struct hec_event *label);

#endif
