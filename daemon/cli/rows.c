#include "cli/rows.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "cli/room.h"
#include "hecate/feature.h"

void hec_rows_begin(struct hec_rows *rows, int numerics, int categories)
{
    *rows = (struct hec_rows){ .numerics_count = numerics, .categories_count = categories };
}

/* Beyond what an array lies in a file: of what may be kept in memory a small part each. */
#define ARRAYS 16
static size_t beyond(const struct hec_rows *rows)
{
    return rows->memory_bytes / ARRAYS;
}

void hec_rows_free(struct hec_rows *rows)
{
    hec_room_free(rows->numerics);
    hec_room_free(rows->categories);
    hec_spill_free(rows->spill);
    hec_room_free(rows->event_type);
    hec_room_free(rows->event_ms);
    hec_room_free(rows->user);
    hec_room_free(rows->card);
    hec_room_free(rows->amount_minor);
    hec_room_free(rows->ids);
    hec_room_free(rows->id_at);
    hec_room_free(rows->verdicts);
    free(rows->words);
    for (int i = 0; i < HEC_SEGMENTS; i++) {
        hec_room_free(rows->segment[i]);
    }
    hec_room_free(rows->scores);
    hec_room_free(rows->index_hash);
    hec_room_free(rows->index_row);
    *rows = (struct hec_rows){ 0 };
}

static bool grow_array(void *array, size_t room, size_t size, size_t beyond_bytes)
{
    void *old;
    memcpy(&old, array, sizeof(old));
    void *grown = hec_room_grow(old, room * size + 1, beyond_bytes); /* size may be 0 */
    if (grown == NULL) {
        return false;
    }
    memcpy(array, &grown, sizeof(grown));
    return true;
}

static bool grow_one(const struct hec_rows *rows, void *array, size_t room, size_t size)
{
    return grow_array(array, room, size, beyond(rows));
}

/* They are spilled as a whole when they become too much. */
static bool grow_features(void *array, size_t room, size_t size)
{
    return grow_array(array, room, size, 0);
}

static void put(struct hec_rows *rows, uint64_t hash, uint32_t row)
{
    size_t slot = hash & (rows->index_size - 1);
    while (rows->index_row[slot] != 0) {
        slot = (slot + 1) & (rows->index_size - 1);
    }
    rows->index_hash[slot] = hash;
    rows->index_row[slot] = row + 1;
}

/* The index is kept at most half full. */
static bool grow_index(struct hec_rows *rows)
{
    struct hec_rows old = *rows;
    rows->index_size = old.index_size == 0 ? 4096 : 2 * old.index_size;
    rows->index_hash =
        hec_room_grow(NULL, rows->index_size * sizeof(*rows->index_hash), beyond(rows));
    rows->index_row =
        hec_room_grow(NULL, rows->index_size * sizeof(*rows->index_row), beyond(rows));
    if (rows->index_hash == NULL || rows->index_row == NULL) {
        hec_room_free(rows->index_hash);
        hec_room_free(rows->index_row);
        rows->index_size = old.index_size;
        rows->index_hash = old.index_hash;
        rows->index_row = old.index_row;
        return false;
    }
    for (size_t i = 0; i < old.index_size; i++) {
        if (old.index_row[i] != 0) {
            put(rows, old.index_hash[i], old.index_row[i] - 1);
        }
    }
    hec_room_free(old.index_hash);
    hec_room_free(old.index_row);
    return true;
}

static size_t row_bytes(const struct hec_rows *rows)
{
    return (size_t)rows->numerics_count * sizeof(float) +
           (size_t)rows->categories_count * sizeof(uint32_t);
}

static void spill_row(struct hec_rows *rows, const float *numerics, const uint32_t *categories)
{
    char row[(HEC_MODEL_NUMERICS_MAX + HEC_MODEL_CATEGORIES_MAX) * sizeof(float)];
    size_t n = (size_t)rows->numerics_count * sizeof(float);
    memcpy(row, numerics, n);
    memcpy(row + n, categories, row_bytes(rows) - n);
    hec_spill_add(rows->spill, row, 1);
}

/* What is there goes into the file, what comes will follow it. */
static enum hec_status spill(struct hec_rows *rows, struct hec_error *error)
{
    size_t n = (size_t)rows->numerics_count, c = (size_t)rows->categories_count;
    enum hec_status status = hec_spill_new(&rows->spill, row_bytes(rows), error);
    if (status != HEC_OK) {
        return status;
    }
    for (size_t row = 0; row < rows->count; row++) {
        spill_row(rows, rows->numerics + row * n, rows->categories + row * c);
    }
    hec_room_free(rows->numerics);
    hec_room_free(rows->categories);
    rows->numerics = NULL;
    rows->categories = NULL;
    return HEC_OK;
}

void hec_rows_spill_beyond(struct hec_rows *rows, size_t bytes)
{
    rows->memory_bytes = bytes;
}

void *hec_rows_room(const struct hec_rows *rows, size_t bytes)
{
    return hec_room_grow(NULL, bytes, beyond(rows));
}

void hec_rows_fetch(void *user, const uint32_t *row, int count, float *numerics,
                    uint32_t *categories)
{
    struct hec_rows *rows = user;
    size_t n = (size_t)rows->numerics_count, c = (size_t)rows->categories_count;
    for (size_t i = 0; i < (size_t)count; i++) {
        if (rows->spill != NULL) {
            hec_spill_read(rows->spill, row[i], 0, n * sizeof(float), numerics + i * n);
            hec_spill_read(rows->spill, row[i], n * sizeof(float), c * sizeof(uint32_t),
                           categories + i * c);
        } else {
            memcpy(numerics + i * n, rows->numerics + row[i] * n, n * sizeof(float));
            memcpy(categories + i * c, rows->categories + row[i] * c, c * sizeof(uint32_t));
        }
    }
}

static enum hec_status exhausted(const struct hec_rows *rows, struct hec_error *error)
{
    return hec_fail(error, HEC_NO_MEMORY, "memory is exhausted at %u rows", rows->count);
}

static enum hec_status grow(struct hec_rows *rows, struct hec_error *error)
{
    size_t room = rows->room == 0 ? 4096 : rows->room + rows->room / 2;
    if (room > UINT32_MAX - 1) {
        return exhausted(rows, error);
    }
    if (rows->spill == NULL && rows->memory_bytes > 0 &&
        room * row_bytes(rows) > rows->memory_bytes) {
        enum hec_status status = spill(rows, error);
        if (status != HEC_OK) {
            return status;
        }
    }
    bool spilled = rows->spill != NULL;
    bool grown = (spilled || (grow_features(&rows->numerics, room,
                                            (size_t)rows->numerics_count * sizeof(float)) &&
                              grow_features(&rows->categories, room,
                                            (size_t)rows->categories_count * sizeof(uint32_t)))) &&
                 grow_one(rows, &rows->event_type, room, 1) &&
                 grow_one(rows, &rows->event_ms, room, sizeof(int64_t)) &&
                 grow_one(rows, &rows->user, room, sizeof(uint64_t)) &&
                 grow_one(rows, &rows->card, room, sizeof(uint64_t)) &&
                 grow_one(rows, &rows->amount_minor, room, sizeof(int64_t));
    grown = grown && (!rows->keeps_ids || grow_one(rows, &rows->id_at, room, sizeof(size_t))) &&
            (rows->scores_count == 0 ||
             grow_one(rows, &rows->scores, room, (size_t)rows->scores_count * sizeof(float)));
    for (int i = 0; i < HEC_SEGMENTS && rows->words != NULL; i++) {
        grown = grown && grow_one(rows, &rows->segment[i], room, 1);
    }
    rows->room = grown ? (uint32_t)room : rows->room;
    return grown ? HEC_OK : exhausted(rows, error);
}

static uint64_t hash_of(const struct hec_event *event, enum hec_field field)
{
    const struct hec_text *text = &event->value[field].text;
    return XXH3_64bits(text->bytes, text->length);
}

static const enum hec_field SEGMENT_FIELDS[HEC_SEGMENTS] = {
#define HEC_SEGMENT_FIELD(field, name) HEC_F_##field,
    HEC_SEGMENT_TABLE(HEC_SEGMENT_FIELD)
#undef HEC_SEGMENT_FIELD
};

static uint8_t word_of(struct hec_words *words, const struct hec_event *event, enum hec_field field)
{
    if (!hec_event_has(event, field)) {
        return 0;
    }
    const struct hec_text *text = &event->value[field].text;
    for (int i = 0; i < words->count; i++) {
        if (words->hash[i] == text->hash && strlen(words->text[i]) == text->length &&
            memcmp(words->text[i], text->bytes, text->length) == 0) {
            return (uint8_t)(i + 1);
        }
    }
    if (words->count == HEC_WORDS_MAX || text->length >= HEC_WORD_BYTES) {
        return HEC_WORDS_MAX + 1;
    }
    memcpy(words->text[words->count], text->bytes, text->length);
    words->hash[words->count] = text->hash;
    return (uint8_t)++words->count;
}

enum hec_status hec_rows_keep_segments(struct hec_rows *rows)
{
    rows->words = calloc(HEC_SEGMENTS, sizeof(*rows->words));
    return rows->words == NULL ? HEC_NO_MEMORY : HEC_OK;
}

void hec_rows_keep_ids(struct hec_rows *rows)
{
    rows->keeps_ids = true;
}

static bool keep_id(struct hec_rows *rows, size_t row, const struct hec_text *id)
{
    size_t room = rows->ids_length + id->length + 1;
    if (room > rows->ids_room) {
        room = room + room / 2 + 65536;
        if (!grow_one(rows, &rows->ids, room, 1)) {
            return false;
        }
        rows->ids_room = room;
    }
    rows->id_at[row] = rows->ids_length;
    memcpy(rows->ids + rows->ids_length, id->bytes, id->length);
    rows->ids[rows->ids_length + id->length] = '\0';
    rows->ids_length += id->length + 1;
    return true;
}

void hec_rows_keep_scores(struct hec_rows *rows, int heads)
{
    rows->scores_count = heads;
}

static void keep_features(struct hec_rows *rows, size_t row, const struct hec_batch *batch,
                          int scored)
{
    size_t numerics = (size_t)rows->numerics_count, categories = (size_t)rows->categories_count;
    if (rows->spill != NULL) {
        spill_row(rows, batch->numerics + (size_t)scored * numerics,
                  batch->categories + (size_t)scored * categories);
    } else if (numerics > 0) {
        memcpy(rows->numerics + row * numerics, batch->numerics + (size_t)scored * numerics,
               numerics * sizeof(float));
    }
    if (rows->spill == NULL && categories > 0) {
        memcpy(rows->categories + row * categories, batch->categories + (size_t)scored * categories,
               categories * sizeof(uint32_t));
    }
}

/* Row `scored` of the batch. */
static enum hec_status add(struct hec_rows *rows, const struct hec_batch *batch, int scored,
                           struct hec_error *error)
{
    enum hec_status status = rows->count == rows->room ? grow(rows, error) : HEC_OK;
    if (status != HEC_OK) {
        return status;
    }
    if (((size_t)rows->count + 1) * 2 > rows->index_size && !grow_index(rows)) {
        return exhausted(rows, error);
    }
    const struct hec_event *event = &batch->rows[batch->scored_rows[scored]].event;
    size_t row = rows->count++, heads = (size_t)rows->scores_count;
    keep_features(rows, row, batch, scored);
    if (heads > 0) {
        memcpy(rows->scores + row * heads, batch->scores + (size_t)scored * HEC_HEADS_MAX,
               heads * sizeof(float));
    }
    rows->event_type[row] = (uint8_t)event->type;
    rows->event_ms[row] = hec_event_ms(event);
    rows->user[row] = hash_of(event, HEC_F_USER_TOKEN);
    rows->card[row] =
        hec_event_has(event, HEC_F_CARD_TOKEN) ? hash_of(event, HEC_F_CARD_TOKEN) : rows->user[row];
    rows->amount_minor[row] = 0;
    (void)(batch->plan != NULL && hec_plan_amount(batch->plan, event, &rows->amount_minor[row]));
    for (int i = 0; i < HEC_SEGMENTS && rows->words != NULL; i++) {
        rows->segment[i][row] = word_of(&rows->words[i], event, SEGMENT_FIELDS[i]);
    }
    const struct hec_text *id = &event->value[HEC_F_EVENT_ID].text;
    put(rows, XXH3_64bits(id->bytes, id->length), (uint32_t)row);
    return !rows->keeps_ids || keep_id(rows, row, id) ? HEC_OK : exhausted(rows, error);
}

static uint8_t code_of(struct hec_rows *rows, const struct hec_event *label)
{
    if (!hec_event_has(label, HEC_F_FRAUD_TYPE)) {
        return 0;
    }
    const struct hec_text *type = &label->value[HEC_F_FRAUD_TYPE].text;
    if (type->length == 0 || type->length >= HEC_FRAUD_TYPE_MAX) {
        return 0;
    }
    for (int i = 0; i < rows->codes_count; i++) {
        if (strlen(rows->codes[i]) == type->length &&
            memcmp(rows->codes[i], type->bytes, type->length) == 0) {
            return (uint8_t)(i + 1);
        }
    }
    if (rows->codes_count == HEC_ROWS_CODES_MAX) {
        return 0;
    }
    memcpy(rows->codes[rows->codes_count], type->bytes, type->length);
    return (uint8_t)++rows->codes_count;
}

static bool is_text(const struct hec_text *text, const char *word)
{
    return text->length == strlen(word) && memcmp(text->bytes, word, text->length) == 0;
}

uint32_t hec_rows_find(const struct hec_rows *rows, const char *id, size_t length)
{
    uint64_t hash = XXH3_64bits(id, length);
    size_t slot = rows->index_size == 0 ? 0 : hash & (rows->index_size - 1);
    while (rows->index_size > 0 && rows->index_row[slot] != 0) {
        if (rows->index_hash[slot] == hash) {
            return rows->index_row[slot] - 1;
        }
        slot = (slot + 1) & (rows->index_size - 1);
    }
    return UINT32_MAX;
}

/* A label event. */
static enum hec_status take_label(struct hec_rows *rows, const struct hec_event *label,
                                  struct hec_error *error)
{
    const struct hec_text *id = &label->value[HEC_F_TARGET_EVENT_ID].text;
    const struct hec_text *says = &label->value[HEC_F_LABEL].text;
    uint32_t row = hec_rows_find(rows, id->bytes, id->length);
    if (row == UINT32_MAX) {
        rows->labels_lost++;
        return HEC_OK;
    }
    if (rows->verdicts_count == rows->verdicts_room) {
        size_t room = rows->verdicts_room == 0 ? 1024 : 2 * rows->verdicts_room;
        if (!grow_one(rows, &rows->verdicts, room, sizeof(*rows->verdicts))) {
            return exhausted(rows, error);
        }
        rows->verdicts_room = room;
    }
    bool fraud = is_text(says, "fraud");
    rows->verdicts[rows->verdicts_count++] =
        (struct hec_verdict_at){ .arrived_ms = hec_event_ms(label),
                                 .row = row,
                                 .verdict = fraud                      ? HEC_VERDICT_FRAUD
                                            : is_text(says, "genuine") ? HEC_VERDICT_GENUINE
                                                                       : HEC_VERDICT_UNKNOWN,
                                 .code = fraud ? code_of(rows, label) : 0 };
    return HEC_OK;
}

enum hec_status hec_rows_take(struct hec_rows *rows, const struct hec_batch *batch, int64_t from_ms,
                              int64_t to_ms, struct hec_error *error)
{
    enum hec_status status = HEC_OK;
    for (int i = 0; i < batch->rows_count && status == HEC_OK; i++) {
        const struct hec_row *row = &batch->rows[i];
        bool label = row->status == HEC_OK && row->event.type == HEC_LABEL;
        if (row->status != HEC_OK || (!label && row->scored < 0)) {
            continue;
        }
        int64_t ms = hec_event_ms(&row->event);
        rows->last_ms = ms > rows->last_ms ? ms : rows->last_ms;
        if (label) {
            status = take_label(rows, &row->event, error);
        } else if (ms >= from_ms && ms < to_ms) {
            status = add(rows, batch, row->scored, error);
        }
    }
    return status;
}

struct hec_labelled hec_rows_labelled(const struct hec_rows *rows)
{
    return (struct hec_labelled){ .rows = rows->count,
                                  .event_ms = rows->event_ms,
                                  .event_type = rows->event_type,
                                  .user = rows->user,
                                  .card = rows->card,
                                  .verdicts = rows->verdicts,
                                  .verdicts_count = rows->verdicts_count,
                                  .codes = rows->codes };
}
