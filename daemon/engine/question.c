/*
 * Questions: what would the next event be worth, if it were this one? Answered between two batches
 * and while the engine waits for a commit anyway, from the states as they are, which stay so.
 *
 * Who asks takes a lock, the engine only when somebody did: an event's way has one relaxed load
 * more. A question whose states are not in memory waits for a moment when the store is the
 * engine's.
 */
#include "engine/question.h"

#include <assert.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "engine/inside.h"

struct hec_questions {
    pthread_mutex_t lock; /* over asked, end and closed */
    struct hec_question *asked, **end;
    bool closed;
    atomic_int count; /* asked, for the engine's look */
    /* The engine's own. */
    struct hec_question *waiting, **waiting_end; /* for their states, in order */
    struct hec_batch *batch;                     /* of one row */
    bool answering; /* a rebuild on the way of a question waits for commits too */
};

enum hec_status hec_questions_new(struct hec_questions **ret, const struct hec_plan *plan,
                                  const struct hec_decode_limits *limits, int32_t partitions)
{
    struct hec_questions *questions = calloc(1, sizeof(*questions));
    if (questions == NULL) {
        return HEC_NO_MEMORY;
    }
    questions->end = &questions->asked;
    questions->waiting_end = &questions->waiting;
    pthread_mutex_init(&questions->lock, NULL);
    if (hec_batch_new(&questions->batch, plan, limits, partitions, 1) != HEC_OK) {
        hec_questions_free(questions);
        return HEC_NO_MEMORY;
    }
    *ret = questions;
    return HEC_OK;
}

void hec_questions_free(struct hec_questions *questions)
{
    if (questions == NULL) {
        return;
    }
    assert(questions->asked == NULL && questions->waiting == NULL);
    hec_batch_free(questions->batch);
    pthread_mutex_destroy(&questions->lock);
    free(questions);
}

bool hec_engine_has(const struct hec_engine *engine, int32_t partition)
{
    return atomic_load_explicit(&engine->shown_owned[partition], memory_order_relaxed);
}

/* False: the engine answers no more; the question stays the asker's. */
static bool ask(struct hec_engine *engine, struct hec_question *question)
{
    struct hec_questions *questions = engine->questions;
    question->next = NULL;
    pthread_mutex_lock(&questions->lock);
    bool taken = !questions->closed;
    if (taken) {
        *questions->end = question;
        questions->end = &question->next;
        atomic_fetch_add(&questions->count, 1);
    }
    pthread_mutex_unlock(&questions->lock);
    if (taken) {
        hec_source_wake(engine->source);
    }
    return taken;
}

enum hec_status hec_engines_ask(struct hec_engine *const *engines, int count,
                                struct hec_question *question)
{
    for (int i = 0; i < count; i++) {
        if (hec_engine_has(engines[i], question->partition)) {
            return ask(engines[i], question) ? HEC_OK : HEC_UNAVAILABLE;
        }
    }
    return HEC_FENCED;
}

/* What was asked goes behind what waits. */
static void take_asked(struct hec_questions *questions)
{
    if (atomic_load_explicit(&questions->count, memory_order_relaxed) == 0) {
        return;
    }
    pthread_mutex_lock(&questions->lock);
    if (questions->asked != NULL) {
        *questions->waiting_end = questions->asked;
        questions->waiting_end = questions->end;
    }
    questions->asked = NULL;
    questions->end = &questions->asked;
    atomic_store(&questions->count, 0);
    pthread_mutex_unlock(&questions->lock);
}

static void refuse(struct hec_question *question, enum hec_status status)
{
    struct hec_answer answer = { .status = status };
    question->answer(question, &answer);
}

/* The head whose reasons are told: the most severe action, of equal ones the nearest to its
 * threshold or the furthest above it. */
static int speaking_head(const struct hec_answer *answer)
{
    int best = -1;
    float best_over = 0;
    for (int head = 0; head < answer->policy->heads_count; head++) {
        if (isnan(answer->scores[head])) {
            continue;
        }
        float over = answer->scores[head] - answer->policy->heads[head].alert_at;
        if (best < 0 || answer->decisions[head].action > answer->decisions[best].action ||
            (answer->decisions[head].action == answer->decisions[best].action &&
             over > best_over)) {
            best = head;
            best_over = over;
        }
    }
    return best;
}

static void answer_row(struct hec_engine *engine, struct hec_question *question)
{
    const struct hec_batch *batch = engine->questions->batch;
    const struct hec_row *row = &batch->rows[0];
    struct hec_reason reasons[HEC_REASONS_MAX];
    struct hec_answer answer = {
        .status = HEC_OK,
        .row = row,
        .scores = batch->scores,
        .info = hec_model_info(engine->options.model),
        .model_sha256 = engine->options.model_sha256,
        .policy = engine->options.policy,
        .reasons = reasons,
        .head = -1,
    };
    if (row->scored >= 0) {
        /* As the stream would judge it now; what judging moves on is a copy's. */
        struct hec_ledger ledger = *hec_ledgers_now(engine->ledgers, row->partition);
        struct hec_dispositions verdicts;
        hec_judge_row(engine, &verdicts, &ledger, row, batch->scores, batch->numerics);
        for (int head = 0; head < answer.policy->heads_count; head++) {
            answer.decisions[head] = verdicts.heads[head].decision;
        }
        answer.head = speaking_head(&answer);
    }
    if (answer.head >= 0) {
        const float *contributions;
        hec_scorer_explain(engine->scorer, batch, row, answer.head, &contributions);
        answer.reasons_count =
            hec_reasons(reasons, answer.policy, &engine->reason_columns, answer.head, &row->event,
                        contributions, batch->numerics);
    }
    question->answer(question, &answer);
}

/* The states of the one row, from the store where that must be and may be asked.
 *
 * @return HEC_OK: known as far as they can be. HEC_END: later. Else what ends the step */
static enum hec_status fetch(struct hec_engine *engine, bool may_load, struct hec_error *error)
{
    struct hec_batch *batch = engine->questions->batch;
    hec_entities_tick(engine->entities, hec_now_ms(), engine->options.shared_refresh_ms);
    enum hec_status status = hec_batch_want(batch, engine->entities);
    if (status != HEC_OK || batch->missing_count == 0 || !hec_store_is_connected(engine->store)) {
        return status;
    }
    if (!may_load || hec_checkpoint_is_under_way(engine)) {
        return HEC_END;
    }
    int32_t bad = -1;
    status = hec_store_load(engine->store, engine->entities, batch->missing, batch->missing_count,
                            engine->generations, &bad, error);
    /* What was refused is still missing and the row is marked degraded; an event that meets the
     * same record does what is to be done about it. A torn store only the load itself can see. */
    bad = hec_partition_torn(engine, batch);
    if (bad >= 0) {
        status = hec_partition_rebuild(engine, bad, HEC_REBUILD_CORRUPT, error);
        return status == HEC_OK || status == HEC_UNAVAILABLE ? HEC_ABORTED : status;
    }
    return status == HEC_NO_MEMORY ? status : HEC_OK;
}

static enum hec_status answer_one(struct hec_engine *engine, struct hec_question *question,
                                  bool may_load, struct hec_error *error)
{
    const struct hec_position *position = &engine->positions[question->partition];
    struct hec_batch *batch = engine->questions->batch;
    if (!position->assigned || position->next < position->committed) {
        refuse(question, position->assigned ? HEC_UNAVAILABLE : HEC_FENCED);
        return HEC_OK;
    }
    hec_batch_reset(batch);
    struct hec_row *row = hec_batch_add(batch, question->value, question->length, NULL, 0,
                                        question->partition, INT64_MAX, question->at_ms);
    if (row == NULL || row->status != HEC_OK) {
        refuse(question, row == NULL ? HEC_NO_MEMORY : row->status);
        return HEC_OK;
    }
    enum hec_status status = fetch(engine, may_load, error);
    if (status == HEC_OK) {
        row->degraded = position->holes;
        hec_scorer_peek(engine->scorer, batch, engine->entities);
        answer_row(engine, question);
    }
    return status;
}

enum hec_status hec_questions_answer(struct hec_engine *engine, bool may_load,
                                     struct hec_error *error)
{
    struct hec_questions *questions = engine->questions;
    enum hec_status status = HEC_OK;
    if (questions->answering) {
        return HEC_OK;
    }
    questions->answering = true;
    /* Who waits for the store has nothing to hope for without it. */
    struct hec_question **place = may_load ? &questions->waiting : questions->waiting_end;
    take_asked(questions);
    while (*place != NULL && (status == HEC_OK || status == HEC_END)) {
        struct hec_question *question = *place, *next = question->next;
        status = answer_one(engine, question, may_load, error);
        if (status == HEC_OK) {
            *place = next; /* answered: its asker's again */
        } else {
            place = &question->next;
        }
        if (*place == NULL) {
            questions->waiting_end = place;
        }
    }
    questions->answering = false;
    return status == HEC_END ? HEC_OK : status;
}

void hec_engine_answer_no_more(struct hec_engine *engine)
{
    struct hec_questions *questions = engine->questions;
    pthread_mutex_lock(&questions->lock);
    questions->closed = true;
    pthread_mutex_unlock(&questions->lock);
    take_asked(questions);
    while (questions->waiting != NULL) {
        struct hec_question *question = questions->waiting;
        questions->waiting = question->next;
        refuse(question, HEC_UNAVAILABLE);
    }
    questions->waiting_end = &questions->waiting;
}
