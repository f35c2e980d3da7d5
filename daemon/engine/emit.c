/*
 * What a batch says: each row's alerts, its score record, or its dead letter, into the open
 * transaction. Silent rows say nothing.
 */
#include <math.h>
#include <string.h>

#include "engine/inside.h"
#include "ops/drift.h"
#include "ops/log.h"

/* Events that are played back are years old: what is told of their age ends here, so that the sum
 * of ages cannot run over. */
#define AGE_US_MAX (INT64_C(3600) * 1000000)

struct hec_origin hec_origin_of(const struct hec_engine *engine, const struct hec_row *row)
{
    return (struct hec_origin){ engine->options.input_topic, row->partition, row->offset };
}

int hec_add_headers(struct hec_kafka_header *list, int count, const struct hec_headers *headers)
{
    for (int i = 0; i < headers->count; i++) {
        list[count++] = (struct hec_kafka_header){ headers->list[i].name, headers->list[i].value,
                                                   headers->list[i].length };
    }
    return count;
}

/* The record's own headers, as they came, but never what looks like a card number. */
static int own_headers(struct hec_kafka_header *list, int room, const struct hec_record *record)
{
    int kept = 0, count = hec_record_headers(record, list, room);
    for (int i = 0; i < count && i < room; i++) {
        if (list[i].value == NULL || !hec_looks_like_card_number(list[i].value, list[i].length)) {
            list[kept++] = list[i];
        }
    }
    return kept;
}

static enum hec_status produce_dead_letter(struct hec_engine *engine,
                                           const struct hec_dead_letter *letter,
                                           const struct hec_record *record, struct hec_error *error)
{
    static _Thread_local struct hec_dead_letter_record made;
    hec_dead_letter_make(&made, letter);
    struct hec_kafka_header list[HEC_SINK_HEADERS_MAX];
    int count = 0;
    if (made.own_headers) {
        count = own_headers(list, HEC_SINK_HEADERS_MAX - HEC_HEADERS_MAX, record);
    }
    struct hec_sink_record out = {
        .topic = HEC_TO_DEAD_LETTERS,
        .key = made.key,
        .value = made.value,
        .key_length = made.key_length,
        .value_length = made.value_length,
        .headers = list,
        .headers_count = hec_add_headers(list, count, &made.headers),
        .partition = -1,
        .origin = hec_poison_origin(letter->origin.partition, letter->origin.offset),
    };
    return hec_outbox_put(engine->outbox, &out, error);
}

/* The key, value and headers go as they came, and why beside them. What is larger than a topic
 * takes goes as its digest: every input offset has an outcome (I11). */
static enum hec_status emit_dead_letter(struct hec_engine *engine, const struct hec_row *row,
                                        enum hec_status why, bool digests_only,
                                        struct hec_error *error)
{
    const struct hec_record *record = row->owner;
    struct hec_dead_letter letter = {
        .origin = hec_origin_of(engine, row),
        .record_ms = row->record_ms,
        .stage = why == HEC_POISON ? "publish" : "decode",
        .digests_only = digests_only,
        .status = why,
        .blame = row->blame,
        .instance = engine->options.instance,
        .version = HEC_VERSION,
        .key = record->key,
        .value = record->value,
        .key_length = record->key_length,
        .value_length = record->value_length,
    };
    engine->letters++;
    hec_tally_add(&engine->open, hec_series_dead_letter(why), 1);
    hec_tally_add(&engine->open, HEC_S_PRODUCED + HEC_OUTPUT_DEAD_LETTER, 1);
    enum hec_status status = produce_dead_letter(engine, &letter, record, error);
    if (status == HEC_TOO_LARGE) {
        letter.digests_only = true;
        status = produce_dead_letter(engine, &letter, record, error);
    }
    return status;
}

/* Which events are in a sample depends on the event alone, so a replay samples the same. */
static bool is_sampled(const struct hec_engine *engine, const struct hec_row *row)
{
    return (double)row->event.value[HEC_F_EVENT_ID].text.hash <
           engine->options.score_sample_ratio * 4294967296.0;
}

/* One score record: of the model in use, or of the one that watches. */
static enum hec_status emit_score(struct hec_engine *engine, const struct hec_row *row,
                                  const struct hec_shadow *shadow,
                                  const struct hec_dispositions *verdicts, struct hec_error *error)
{
    const struct hec_model_info *info =
        hec_model_info(shadow == NULL ? engine->options.model : shadow->model);
    const struct hec_reason_columns *columns = &engine->reason_columns;
    const struct hec_text *user = &row->event.value[HEC_F_USER_TOKEN].text;
    struct hec_score_record record = {
        .event = &row->event,
        .origin = hec_origin_of(engine, row),
        .outcome = hec_outcome_name(row->outcome),
        .heads = info->heads,
        .heads_count = info->heads_count,
        .model_sha256 = shadow == NULL ? engine->options.model_sha256 : shadow->model_sha256,
        .degraded = row->degraded,
    };
    for (int head = 0; shadow == NULL && row->scored >= 0 && head < info->heads_count; head++) {
        record.control |= verdicts->heads[head].control;
        record.propensity = fmax(record.propensity, verdicts->heads[head].propensity);
    }
    if (row->scored >= 0) {
        size_t at = (size_t)row->scored;
        const float *scores = shadow == NULL ? engine->batch->scores : shadow->scores;
        record.scores = scores + at * HEC_HEADS_MAX;
        if (shadow == NULL && engine->options.score_features) {
            record.numerics = engine->batch->numerics + at * (size_t)columns->numerics;
            record.categories = engine->batch->categories + at * (size_t)columns->categories;
            record.numerics_count = columns->numerics;
            record.categories_count = columns->categories;
        }
    }
    struct hec_sink_record out = {
        .topic = shadow == NULL ? HEC_TO_SCORES : HEC_TO_SHADOW,
        .key = user->bytes,
        .value = engine->text,
        .key_length = user->length,
        .value_length = hec_score_write(engine->text, engine->text_bytes, &record),
        .partition = -1,
        .origin = hec_poison_origin(row->partition, row->offset),
    };
    hec_tally_add(&engine->open,
                  HEC_S_PRODUCED + (shadow == NULL ? HEC_OUTPUT_SCORE : HEC_OUTPUT_SHADOW), 1);
    return hec_outbox_put(engine->outbox, &out, error);
}

/* How old the event was when it was decided on. */
static void observe_age(const struct hec_engine *engine, const struct hec_row *row, int64_t now_ms)
{
    int64_t age_us = 1000 * (now_ms - hec_event_ms(&row->event));
    age_us = age_us < 0 ? 0 : age_us > AGE_US_MAX ? AGE_US_MAX : age_us;
    hec_meter_observe(engine->meter, HEC_D_END_TO_END, age_us);
}

/* The decoder lets only the three verdicts through, and no two begin alike. */
static void count_label(struct hec_engine *engine, const struct hec_text *verdict)
{
    int label = verdict->bytes[0] == 'f'   ? HEC_VERDICT_LABEL_FRAUD
                : verdict->bytes[0] == 'g' ? HEC_VERDICT_LABEL_GENUINE
                                           : HEC_VERDICT_LABEL_UNKNOWN;
    hec_tally_add(&engine->open, HEC_S_LABELS + label, 1);
}

/* One event in eight tells how today's rows lie beside those of the training. */
static void note_drift(const struct hec_engine *engine, const struct hec_row *row)
{
    const struct hec_batch *batch = engine->batch;
    size_t at = (size_t)row->scored;
    if (hec_drift_chooses(row->offset)) {
        hec_drift_note(engine->meter->drift, hec_event_ms(&row->event),
                       batch->numerics + at * (size_t)hec_plan_numerics(batch->plan),
                       batch->categories + at * (size_t)hec_plan_categories(batch->plan),
                       batch->scores + at * HEC_HEADS_MAX);
    }
}

static enum hec_status emit_row(struct hec_engine *engine, const struct hec_row *row,
                                int64_t now_ms, struct hec_error *error)
{
    static _Thread_local struct hec_dispositions verdicts;
    enum hec_status status = HEC_OK;
    bool late = row->outcome == HEC_OUT_SCORED_LATE;
    enum hec_way way = hec_suspects_way(engine->suspects, row->partition, row->offset);
    enum hec_status why = row->status != HEC_OK                         ? row->status
                          : late && engine->options.late_is_dead_letter ? HEC_LATE
                          : way >= HEC_WAY_LETTER                       ? HEC_POISON
                                                                        : HEC_OK;
    bool set_aside = why != HEC_OK;
    hec_tally_add(&engine->open, HEC_S_RESULTS + (int)(set_aside ? HEC_OUT_REFUSED : row->outcome),
                  1);
    hec_tally_add(
        &engine->open,
        HEC_S_LATE + (set_aside ? HEC_LATE_ACTION_DEAD_LETTER : HEC_LATE_ACTION_SCORE_ONLY), late);
    if (set_aside) {
        return emit_dead_letter(engine, row, why, way >= HEC_WAY_DIGEST, error);
    }
    hec_tally_add(&engine->open, HEC_S_EVENTS + (int)row->event.type, 1);
    hec_tally_add(&engine->open, HEC_S_DEGRADED_ROWS, row->degraded);
    if (row->event.type == HEC_LABEL) {
        count_label(engine, &row->event.value[HEC_F_LABEL].text);
    }
    if (row->scored >= 0) {
        observe_age(engine, row, now_ms);
        note_drift(engine, row);
        status = hec_emit_alerts(engine, row, now_ms, &verdicts, error);
    }
    bool told = hec_event_is_scored(row->event.type) && engine->options.publish_scores;
    told = told && is_sampled(engine, row);
    if (status == HEC_OK && told) {
        status = emit_score(engine, row, NULL, &verdicts, error);
    }
    if (status == HEC_OK && told && engine->shadow != NULL && row->scored >= 0) {
        status = emit_score(engine, row, engine->shadow, &verdicts, error);
    }
    return status;
}

void hec_note_labels(const struct hec_engine *engine)
{
    const struct hec_batch *batch = engine->batch;
    for (int i = 0; i < batch->rows_count && engine->options.verdicts != NULL; i++) {
        const struct hec_row *row = &batch->rows[i];
        if (row->status == HEC_OK && row->event.type == HEC_LABEL) {
            hec_verdicts_post(engine->options.verdicts, &row->event, row->partition);
        }
    }
}

enum hec_status hec_emit(struct hec_engine *engine, struct hec_error *error)
{
    const struct hec_batch *batch = engine->batch;
    int64_t now_ms = hec_wall_ms();
    int rows = 0;
    int64_t letters = engine->letters;
    enum hec_status status = hec_outbox_open(engine->outbox, error);
    for (int i = 0; i < batch->rows_count && status == HEC_OK; i++) {
        const struct hec_row *row = &batch->rows[i];
        if (!row->silent) {
            status = emit_row(engine, row, now_ms, error);
            rows++;
        }
        if (status == HEC_TOO_LARGE) {
            status = hec_poison_too_large(engine, row, error);
        }
    }
    hec_poison_count(engine, rows, (int)(engine->letters - letters));
    hec_outbox_poll(engine->outbox);
    hec_meter_set(engine->meter, HEC_S_LAST_EVENT, now_ms);
    atomic_fetch_add_explicit(&engine->rows, (uint64_t)batch->rows_count, memory_order_relaxed);
    return status;
}
