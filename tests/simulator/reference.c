/*
 * What has to come out: the same input through the same core, one event at a time, one thread, no
 * fault. Every version of every record is kept, so that the state as of any offset can be told.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hecate/batch.h"
#include "hecate/entity.h"
#include "sim.h"

#define FEATURES_BYTES 200

struct version {
    int64_t offset; /* of the event that made it */
    void *bytes;    /* NULL: forgotten */
    size_t length;
};

struct history {
    char *key; /* <kind>:<token>, as the store has it */
    struct version *versions;
    int count, room;
};

struct expected {
    enum sim_expected what;
    const char *outcome;
    char features[FEATURES_BYTES];
};

struct fold {
    struct expected *expected; /* by offset */
    struct history *histories;
    int count, room;
};
static struct fold folds[SIM_PARTITIONS_MAX];

void sim_features_print(char *text, size_t size, const float *numerics)
{
    const struct hec_plan *plan = sim_shared.plan;
    size_t at = 0;
    text[0] = '\0';
    for (int c = 0; c < hec_plan_numerics(plan); c++) {
        const struct hec_feature *feature =
            &hec_plan_schema(plan)->features[hec_plan_numeric_feature(plan, c)];
        bool shared = feature->aggregate != HEC_AGG_VALUE && !hec_kind_info(feature->entity)->owned;
        if (!shared && at < size) {
            at += (size_t)snprintf(text + at, size - at, "%a ", (double)numerics[c]);
        }
    }
}

int sim_reference_find(int32_t partition, const char *key)
{
    const struct fold *fold = &folds[partition];
    for (int i = 0; i < fold->count; i++) {
        if (strcmp(fold->histories[i].key, key) == 0) {
            return i;
        }
    }
    return -1;
}

static struct history *history_of(struct fold *fold, int32_t partition,
                                  const struct hec_entity_id *id)
{
    char key[HEC_TOKEN_BYTES_MAX + 32];
    snprintf(key, sizeof(key), "%s:%.*s", hec_kind_info(id->kind)->name, (int)id->token.length,
             id->token.bytes);
    int found = sim_reference_find(partition, key);
    if (found >= 0) {
        return &fold->histories[found];
    }
    if (fold->count == fold->room) {
        fold->room = fold->room * 2 + 64;
        fold->histories = realloc(fold->histories, (size_t)fold->room * sizeof(struct history));
    }
    fold->histories[fold->count] = (struct history){ .key = strdup(key) };
    return &fold->histories[fold->count++];
}

static void keep_versions(struct fold *fold, int32_t partition, struct hec_entities *entities,
                          int64_t offset)
{
    struct hec_image image;
    if (hec_entities_cut(entities, partition, &image) != HEC_OK) {
        abort();
    }
    for (size_t i = 0; i < image.count; i++) {
        const struct hec_image_record *record = &image.records[i];
        struct history *history = history_of(fold, partition, &record->id);
        if (history->count == history->room) {
            history->room = history->room * 2 + 8;
            history->versions =
                realloc(history->versions, (size_t)history->room * sizeof(struct version));
        }
        struct version version = { .offset = offset, .length = record->length };
        if (record->bytes != NULL) {
            version.bytes = malloc(record->length);
            memcpy(version.bytes, record->bytes, record->length);
        }
        history->versions[history->count++] = version;
    }
    hec_entities_kept(entities, partition);
}

static void expect(struct expected *expected, const struct hec_batch *batch, bool poison)
{
    const struct hec_row *row = &batch->rows[0];
    if (row->status != HEC_OK) {
        expected->what = SIM_LETTER;
        return;
    }
    expected->what = !hec_event_is_scored(row->event.type) ? SIM_SILENT
                     : poison                              ? SIM_LETTER
                                                           : SIM_SCORE;
    expected->outcome = hec_outcome_name(row->outcome);
    if (row->scored >= 0) {
        sim_features_print(expected->features, sizeof(expected->features), batch->numerics);
    }
}

static void fold_partition(int32_t partition)
{
    struct hec_decode_limits limits = { 65536, 60000 };
    const struct sim_log *log = &sim_input[partition];
    struct fold *fold = &folds[partition];
    struct hec_entities *entities;
    struct hec_batch *batch;
    bool owned[SIM_PARTITIONS_MAX] = { false };
    owned[partition] = true;
    *fold = (struct fold){ 0 };
    fold->expected = calloc((size_t)log->count + 1, sizeof(struct expected));
    if (hec_entities_new(&entities, sim_shared.plan, 1u << 28) != HEC_OK ||
        hec_batch_new(&batch, sim_shared.plan, &limits, sim.profile.partitions, 1) != HEC_OK) {
        abort();
    }
    hec_entities_set_partitions(entities, sim.profile.partitions, owned);
    hec_entities_set_complete(entities, partition, true);
    for (int64_t o = 0; o < log->count; o++) {
        const struct sim_record *record = &log->records[o];
        if (record->marker) {
            continue;
        }
        hec_batch_reset(batch);
        if (hec_batch_add(batch, record->value, record->value_length, record->key,
                          record->key_length, partition, o, record->record_ms) == NULL ||
            hec_batch_want(batch, entities) != HEC_OK ||
            hec_batch_read(batch, entities) != HEC_OK) {
            abort();
        }
        expect(&fold->expected[o], batch, record->poison > 0);
        hec_entities_unpin(entities);
        keep_versions(fold, partition, entities, o);
    }
    hec_batch_free(batch);
    hec_entities_free(entities);
}

void sim_reference_make(void)
{
    for (int32_t p = 0; p < sim.profile.partitions; p++) {
        fold_partition(p);
    }
}

enum sim_expected sim_expect(int32_t partition, int64_t offset, const char **features,
                             const char **outcome)
{
    const struct expected *expected = &folds[partition].expected[offset];
    *features = expected->features;
    *outcome = expected->outcome;
    return expected->what;
}

const char *sim_reference_record(int32_t partition, int index, int64_t before, const void **bytes,
                                 size_t *length)
{
    const struct fold *fold = &folds[partition];
    if (index >= fold->count) {
        return NULL;
    }
    const struct history *history = &fold->histories[index];
    *bytes = NULL;
    *length = 0;
    for (int i = 0; i < history->count && history->versions[i].offset < before; i++) {
        *bytes = history->versions[i].bytes;
        *length = history->versions[i].length;
    }
    return history->key;
}
