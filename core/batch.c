#include "hecate/batch.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Texts of decoded events point into these blocks, so a block never moves while rows use it: when
 * one is full a larger one is put in front, and a reset keeps only the largest. */
struct hec_text_block {
    struct hec_text_block *next;
    size_t used, bytes;
    char at[];
};

#define BLOCK_BYTES_MIN ((size_t)256 * 1024)

static const char *const OUTCOME_NAMES[HEC_OUTCOMES] = {
#define HEC_OUTCOME_ROW(enumerator, name, text) [HEC_OUT_##enumerator] = name,
    HEC_OUTCOME_TABLE(HEC_OUTCOME_ROW)
#undef HEC_OUTCOME_ROW
};

const char *hec_outcome_name(enum hec_outcome outcome)
{
    assert((unsigned)outcome < HEC_OUTCOMES);
    return OUTCOME_NAMES[outcome];
}

/* Room for one record's texts; NULL when memory is exhausted. */
static char *text_room(struct hec_batch *batch, size_t bytes)
{
    struct hec_text_block *block = batch->texts;
    if (block == NULL || block->bytes - block->used < bytes) {
        size_t size = block == NULL ? BLOCK_BYTES_MIN : 2 * block->bytes;
        while (size < bytes) {
            size *= 2;
        }
        block = malloc(sizeof(*block) + size);
        if (block == NULL) {
            return NULL;
        }
        block->next = batch->texts;
        block->used = 0;
        block->bytes = size;
        batch->texts = block;
    }
    char *room = block->at + block->used;
    block->used += (bytes + 15) & ~(size_t)15;
    if (block->used > block->bytes) {
        block->used = block->bytes;
    }
    return room;
}

static void free_older_texts(struct hec_batch *batch)
{
    while (batch->texts != NULL && batch->texts->next != NULL) {
        struct hec_text_block *older = batch->texts->next;
        batch->texts->next = older->next;
        free(older);
    }
}

enum hec_status hec_batch_new(struct hec_batch **ret, const struct hec_plan *plan,
                              const struct hec_decode_limits *limits, int32_t partitions,
                              int rows_max)
{
    assert(partitions >= 1);
    assert(rows_max >= 1 && rows_max <= HEC_ROWS_MAX);

    struct hec_batch *batch = calloc(1, sizeof(*batch));
    if (batch == NULL) {
        return HEC_NO_MEMORY;
    }
    size_t rows = (size_t)rows_max;
    size_t numerics = (size_t)hec_plan_numerics(plan),
           categories = (size_t)hec_plan_categories(plan);
    batch->plan = plan;
    batch->rows_max = rows_max;
    batch->pool_per_row = hec_plan_pool_size(plan, partitions);
    batch->pool_max = batch->pool_per_row * rows_max;
    batch->rows = malloc(rows * sizeof(*batch->rows));
    batch->numerics = malloc(rows * (numerics + 1) * sizeof(float));
    batch->categories = malloc(rows * (categories + 1) * sizeof(uint32_t));
    batch->event_types = malloc(rows);
    batch->scores = malloc(rows * HEC_HEADS_MAX * sizeof(float));
    batch->scored_rows = malloc(rows * sizeof(int));
    batch->pool = malloc((size_t)batch->pool_max * sizeof(struct hec_entity *));
    batch->missing = malloc((size_t)batch->pool_max * sizeof(struct hec_entity *));
    if (batch->rows == NULL || batch->numerics == NULL || batch->categories == NULL ||
        batch->event_types == NULL || batch->scores == NULL || batch->scored_rows == NULL ||
        batch->pool == NULL || batch->missing == NULL ||
        hec_decoder_new(&batch->decoder, limits) != HEC_OK) {
        hec_batch_free(batch);
        return HEC_NO_MEMORY;
    }
    *ret = batch;
    return HEC_OK;
}

void hec_batch_free(struct hec_batch *batch)
{
    if (batch == NULL) {
        return;
    }
    free_older_texts(batch);
    free(batch->texts);
    hec_decoder_free(batch->decoder);
    free(batch->rows);
    free(batch->numerics);
    free(batch->categories);
    free(batch->event_types);
    free(batch->scores);
    free(batch->scored_rows);
    free(batch->pool);
    free(batch->missing);
    free(batch);
}

void hec_batch_reset(struct hec_batch *batch)
{
    free_older_texts(batch);
    if (batch->texts != NULL) {
        batch->texts->used = 0;
    }
    batch->rows_count = 0;
    batch->scored_count = 0;
    batch->missing_count = 0;
    batch->pool_used = 0;
}

/* A forget goes to every partition, so its key is whatever brought it there. */
static bool key_fits(const struct hec_event *event, const void *key, size_t key_length)
{
    const struct hec_text *user = &event->value[HEC_F_USER_TOKEN].text;
    return event->type == HEC_FORGET ||
           (key_length == user->length && memcmp(key, user->bytes, key_length) == 0);
}

struct hec_row *hec_batch_add(struct hec_batch *batch, const void *value, size_t value_length,
                              const void *key, size_t key_length, int32_t partition, int64_t offset,
                              int64_t record_ms)
{
    assert(batch->rows_count < batch->rows_max);

    char *texts = text_room(batch, value_length + HEC_DECODE_PADDING);
    if (texts == NULL) {
        return NULL;
    }
    struct hec_row *row = &batch->rows[batch->rows_count++];
    row->partition = partition;
    row->offset = offset;
    row->record_ms = record_ms;
    row->owner = NULL;
    row->outcome = HEC_OUT_PENDING;
    row->silent = false;
    row->degraded = false;
    row->missing = 0;
    row->scored = -1;
    row->status =
        hec_decode(batch->decoder, &row->event, value, value_length, record_ms, texts, &row->blame);
    if (row->status == HEC_OK && key != NULL) {
        if (!key_fits(&row->event, key, key_length)) {
            row->status = HEC_KEY_MISMATCH;
            row->blame = HEC_F_USER_TOKEN;
        }
    }
    /* The key travels on with a dead letter, so it is looked at even when the value was refused. */
    if (key != NULL && hec_looks_like_card_number(key, key_length)) {
        row->status = HEC_CARD_NUMBER;
        row->blame = HEC_FIELDS;
    }
    if (row->status != HEC_OK) {
        row->outcome = HEC_OUT_REFUSED;
    }
    return row;
}

static int by_address(const void *a, const void *b)
{
    uintptr_t left = (uintptr_t) * (struct hec_entity *const *)a;
    uintptr_t right = (uintptr_t) * (struct hec_entity *const *)b;
    return (left > right) - (left < right);
}

/* Rows of one batch share entities; a store must be asked once. */
static void drop_repeated_missing(struct hec_batch *batch)
{
    if (batch->missing_count < 2) {
        return;
    }
    qsort(batch->missing, (size_t)batch->missing_count, sizeof(*batch->missing), by_address);
    int kept = 1;
    for (int i = 1; i < batch->missing_count; i++) {
        if (batch->missing[i] != batch->missing[kept - 1]) {
            batch->missing[kept++] = batch->missing[i];
        }
    }
    batch->missing_count = kept;
}

enum hec_status hec_batch_want(struct hec_batch *batch, struct hec_entities *entities)
{
    batch->pool_used = 0;
    batch->missing_count = 0;
    for (int stage = 0; stage < HEC_PREFETCH_STAGES; stage++) {
        for (int i = 0; i < batch->rows_count; i++) {
            const struct hec_row *row = &batch->rows[i];
            if (row->status == HEC_OK) {
                hec_plan_prefetch(batch->plan, entities, &row->event, row->partition, stage);
            }
        }
    }
    for (int i = 0; i < batch->rows_count; i++) {
        struct hec_row *row = &batch->rows[i];
        if (row->status != HEC_OK) {
            continue;
        }
        struct hec_entity **pool = batch->pool + batch->pool_used;
        int used =
            hec_plan_want(batch->plan, entities, &row->event, row->partition, &row->touched, pool);
        if (used < 0) {
            return HEC_NO_MEMORY;
        }
        batch->pool_used += used;
        for (int k = 0; k < used; k++) {
            if (pool[k] != NULL && hec_entity_is_missing(pool[k])) {
                batch->missing[batch->missing_count++] = pool[k];
            }
        }
    }
    drop_repeated_missing(batch);
    return HEC_OK;
}

static bool any_missing(const struct hec_touched *touched)
{
    for (int kind = 0; kind < HEC_KINDS; kind++) {
        for (int s = 0; s < touched->shards_count[kind]; s++) {
            if (hec_entity_is_missing(touched->shards[kind][s])) {
                return true;
            }
        }
    }
    return false;
}

/* Gives the row the next place in the feature arrays and fills it; then adds the event to its
 * states, when that is to be. */
static enum hec_status read_row(struct hec_batch *batch, struct hec_entities *entities, int index,
                                bool applies)
{
    struct hec_row *row = &batch->rows[index];
    int numerics_count = hec_plan_numerics(batch->plan);
    row->scored = batch->scored_count++;
    batch->scored_rows[row->scored] = index;
    batch->event_types[row->scored] = (uint8_t)row->event.type;
    float *numerics = batch->numerics + (size_t)row->scored * (size_t)numerics_count;
    uint32_t *categories =
        batch->categories + (size_t)row->scored * (size_t)hec_plan_categories(batch->plan);
    enum hec_status status = HEC_OK;
    if (applies) {
        status = hec_plan_read_and_apply(batch->plan, entities, &row->event, row->offset,
                                         &row->touched, numerics, categories);
    } else {
        hec_plan_read(batch->plan, &row->event, &row->touched, numerics, categories);
    }
    for (int c = 0; c < numerics_count; c++) {
        row->missing += isnan(numerics[c]) != 0;
    }
    return status;
}

enum walk {
    WALK_APPLY, /* states move, nothing is read */
    WALK_READ,  /* rows are read, then states move */
    WALK_PEEK,  /* rows are read, states stay */
};

/* The one order that all depends on: judge, read, then add; row after row. */
static enum hec_status walk(struct hec_batch *batch, struct hec_entities *entities, enum walk how)
{
    static const enum hec_outcome OF_VERDICT[HEC_APPLIED_KINDS] = {
        [HEC_APPLIED] = HEC_OUT_SILENT,      [HEC_APPLIED_BEFORE] = HEC_OUT_BEFORE,
        [HEC_DUPLICATE] = HEC_OUT_DUPLICATE, [HEC_TOO_LATE] = HEC_OUT_SCORED_LATE,
        [HEC_UNLINKED] = HEC_OUT_UNLINKED,
    };
    batch->scored_count = 0;
    for (int i = 0; i < batch->rows_count; i++) {
        struct hec_row *row = &batch->rows[i];
        if (row->status != HEC_OK) {
            continue;
        }
        row->degraded |= any_missing(&row->touched);
        enum hec_applied verdict =
            hec_plan_judge(batch->plan, &row->event, row->offset, &row->touched);
        bool scored = hec_event_is_scored(row->event.type) &&
                      (verdict == HEC_APPLIED || verdict == HEC_TOO_LATE);
        row->outcome = OF_VERDICT[verdict];
        if (scored) {
            row->outcome = verdict == HEC_APPLIED ? HEC_OUT_SCORED : HEC_OUT_SCORED_LATE;
        }
        enum hec_status status = HEC_OK;
        if (scored && how != WALK_APPLY && !row->silent) {
            status = read_row(batch, entities, i, verdict == HEC_APPLIED && how == WALK_READ);
        } else if (verdict == HEC_APPLIED && how != WALK_PEEK) {
            status = hec_plan_apply(batch->plan, entities, &row->event, row->offset, &row->touched);
        }
        if (status != HEC_OK) {
            return status;
        }
    }
    return HEC_OK;
}

enum hec_status hec_batch_apply(struct hec_batch *batch, struct hec_entities *entities)
{
    return walk(batch, entities, WALK_APPLY);
}

enum hec_status hec_batch_read(struct hec_batch *batch, struct hec_entities *entities)
{
    return walk(batch, entities, WALK_READ);
}

void hec_batch_peek(struct hec_batch *batch, struct hec_entities *entities)
{
    enum hec_status status = walk(batch, entities, WALK_PEEK);
    assert(status == HEC_OK); /* only applying needs memory */
    (void)status;
}
