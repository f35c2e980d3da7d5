/*
 * A batch: up to rows_max records on their way from payload to decision, in arrays.
 *
 *   hec_batch_add      one record in: decoded, or refused with a status
 *   hec_batch_want     the states that the batch touches, and those a store must be asked for
 *   hec_batch_apply    silent: moves the states forward, no features, no scores (replay)
 *   hec_scorer_run     (hecate/scorer.h) the whole of it
 *
 * A batch is made once and reset for every use; nothing is allocated on an event's way, apart from
 * the text buffer growing to the largest batch it has met. One thread each.
 */
#ifndef HECATE_BATCH_H
#define HECATE_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hecate/entity.h"
#include "hecate/event.h"
#include "hecate/feature.h"
#include "hecate/model.h"
#include "hecate/status.h"

/* X(enumerator, stable name, what became of the record). Every input offset ends in exactly one. */
#define HEC_OUTCOME_TABLE(X)                                                                       \
    X(PENDING, "pending", "not yet through the batch")                                             \
    X(SCORED, "scored", "features read, state moved, scores made")                                 \
    X(SCORED_LATE, "late_scored", "late beyond the limit: scored, state untouched")                \
    X(DUPLICATE, "duplicate", "seen before within the dedup window: nothing happened")             \
    X(SILENT, "silent", "a label, reversal or forget: state moved, nothing to score")              \
    X(UNLINKED, "unlinked", "a verdict on an event that the state cannot place")                   \
    X(BEFORE, "before", "already part of the state it would change")                               \
    X(REFUSED, "dead_lettered", "refused at decoding; one dead letter")

enum hec_outcome {
#define HEC_OUTCOME_ENUM(enumerator, name, text) HEC_OUT_##enumerator,
    HEC_OUTCOME_TABLE(HEC_OUTCOME_ENUM)
#undef HEC_OUTCOME_ENUM
        HEC_OUTCOMES
};

/** The stable name ("scored"). */
const char *hec_outcome_name(enum hec_outcome outcome);

#define HEC_ROWS_MAX 1024

struct hec_row {
    /* As given. */
    int32_t partition;
    int64_t offset;
    int64_t record_ms; /* -1 when the source has none */
    void *owner;       /* the caller's; never read */
    /* From decoding. */
    enum hec_status status; /* HEC_OK, or why it was refused */
    enum hec_field blame;   /* on refusal; HEC_FIELDS if no field is to blame */
    struct hec_event event; /* valid when status is HEC_OK */
    /* From the states. */
    struct hec_touched touched;
    enum hec_outcome outcome;
    bool silent;   /* the caller's wish: move the states, score nothing (replay) */
    bool degraded; /* some state was not known when the row was read; the caller may set it */
    int missing;   /* numeric columns without a value */
    /* Scored rows only: the row's place in the feature and score arrays; -1 otherwise. */
    int scored;
};

struct hec_batch {
    struct hec_row *rows; /* rows_max of them */
    int rows_count, rows_max;
    /* Compact, in row order, scored_count rows each. */
    float *numerics;      /* (scored, F) */
    uint32_t *categories; /* (scored, C) */
    uint8_t *event_types; /* (scored): enum hec_event_type */
    float *scores;        /* (scored, HEC_HEADS_MAX); NaN where a head does not apply */
    int *scored_rows;     /* (scored): index into rows */
    int scored_count;
    /* Entries that a store must be asked for, each once. */
    struct hec_entity **missing;
    int missing_count;
    /* The batch's own. */
    const struct hec_plan *plan;
    struct hec_decoder *decoder;
    struct hec_entity **pool;
    int pool_used, pool_max, pool_per_row;
    struct hec_text_block *texts; /* chain of text buffers; the newest first */
};

/**
 * Makes a batch.
 *
 * @param plan        borrowed for the batch's life
 * @param partitions  of the input topic: a row touches up to that many shards of a shared entity
 * @param rows_max    1 .. HEC_ROWS_MAX
 */
HEC_CHECKED enum hec_status hec_batch_new(struct hec_batch **ret, const struct hec_plan *plan,
                                          const struct hec_decode_limits *limits,
                                          int32_t partitions, int rows_max);
/** Accepts NULL. */
void hec_batch_free(struct hec_batch *batch);

/** Empties the batch; keeps its memory. */
void hec_batch_reset(struct hec_batch *batch);

/**
 * Decodes one record into the next row.
 *
 * The value is copied; value and key may be freed afterwards. A refusal is the row's status and
 * never an error of this call. The batch must not be full.
 *
 * @param key  the record key, which must equal the event's user_token (HEC_KEY_MISMATCH), except
 *             for forget events, which go to every partition; NULL leaves the check out (files)
 * @return the row, NULL when memory is exhausted
 */
struct hec_row *hec_batch_add(struct hec_batch *batch, const void *value, size_t value_length,
                              const void *key, size_t key_length, int32_t partition, int64_t offset,
                              int64_t record_ms);

/** Names the states of all rows and makes or finds their entries; fills missing. */
HEC_CHECKED enum hec_status hec_batch_want(struct hec_batch *batch, struct hec_entities *entities);

/** Moves the states forward in row order without features or scores. After hec_batch_want. */
HEC_CHECKED enum hec_status hec_batch_apply(struct hec_batch *batch, struct hec_entities *entities);

/** The same, and reads each scored event's row before it is applied: fills numerics, categories,
 * outcomes. What hec_scorer_run does first, and all of `hecate features`. */
HEC_CHECKED enum hec_status hec_batch_read(struct hec_batch *batch, struct hec_entities *entities);

/** Reads each scored event's row as the states are and leaves them so: no row is added, and none
 * sees another of the batch. Cannot fail. */
void hec_batch_peek(struct hec_batch *batch, struct hec_entities *entities);

#endif
