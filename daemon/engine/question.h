/*
 * A question: one event to be scored as if it came next, without any trace.
 *
 *   hec_engines_ask (any thread) ---> between two batches ----> question->answer (engine's thread)
 *
 * The synchronous way beside the stream's. It sees the state as the engine has it in memory at that
 * moment, so it belongs to the engine that has the event's partition.
 */
#ifndef HECATE_ENGINE_QUESTION_H
#define HECATE_ENGINE_QUESTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hecate/batch.h"
#include "hecate/decide.h"
#include "hecate/model.h"

struct hec_engine;
struct hec_question;

/* What came of it. Views, valid during the call that brings it. */
struct hec_answer {
    /* HEC_OK; HEC_FENCED: the partition is another's; HEC_UNAVAILABLE: its state is being rebuilt,
     * or the engine ends; HEC_NO_MEMORY; or why the decoder refused the event. Without HEC_OK
     * nothing else is set. */
    enum hec_status status;
    const struct hec_row *row; /* outcome, degraded, missing; scored < 0: it has no scores */
    const float *scores;       /* (heads), NaN where a head does not apply */
    struct hec_decision decisions[HEC_HEADS_MAX];
    int head; /* whose reasons these are: the one that decides; -1: none */
    const struct hec_reason *reasons;
    int reasons_count;
    const struct hec_model_info *info;
    const char *model_sha256;
    const struct hec_policy *policy;
};

struct hec_question {
    struct hec_question *next; /* the engine's, while it has it */
    const void *value;         /* the event's JSON, the asker's until the answer */
    size_t length;
    int32_t partition; /* where its user belongs */
    int64_t at_ms;     /* wall clock: the record time that it would have */
    /* Called once, on the engine's thread; must not wait. The question is the asker's from then. */
    void (*answer)(struct hec_question *question, const struct hec_answer *answer);
    void *context;
};

/** Whether the partition of the input is this engine's, as of a moment ago. Any thread. */
bool hec_engine_has(const struct hec_engine *engine, int32_t partition);

/** Asks the one of these that has the question's partition. Any thread, never waits; but with
 * HEC_OK the question stays the asker's.
 * @return HEC_OK, HEC_FENCED (none has), HEC_UNAVAILABLE (it answers no more) */
HEC_CHECKED enum hec_status hec_engines_ask(struct hec_engine *const *engines, int count,
                                            struct hec_question *question);

/** Answers what is open with HEC_UNAVAILABLE and takes no more. On the engine's thread, after its
 * last step. */
void hec_engine_answer_no_more(struct hec_engine *engine);

#endif
