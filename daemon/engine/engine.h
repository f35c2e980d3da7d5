/*
 * The engine: one thread that takes events all the way, from poll to checkpoint. Two more wait for
 * Kafka and Redis in its place.
 *
 * One engine = one consumer + one producer + one store connection + its own cache and scorer. It
 * shares nothing with another engine but the immutable model and the metrics. Read
 * hec_engine_step in engine.c first: it is the daemon in one screen.
 *
 *   engine.c     the way of one batch
 *   partition.c  where each partition stands: assignment, replay, rewind
 *   away.c       without the store: for how long, and how it is met again
 *   commit.c     publishing, and the way back from a broken transaction
 *   outbox.c     what is said while a commit is under way
 *   checkpoint.c what is known, into the store
 *   errand.c     the threads that commits and checkpoints are written by
 *   poison.c     what a record that cannot be published costs: suspects.c, circuit.c
 *   change.c     orders: another model, a pause
 *   question.c   events that are scored for somebody who waits, without any trace
 *   upkeep.c     what is done now and then: old generations, the store's policy
 *   shadow.c     a second model that only watches
 *   emit.c       what a batch says: scores, dead letters, and the order of it all
 *   alerts.c     what an event's scores come to: alerts, or why there is none
 *   ledgers.c    what decisions remember, committed with the offsets
 */
#ifndef HECATE_ENGINE_ENGINE_H
#define HECATE_ENGINE_ENGINE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "hecate/batch.h"
#include "hecate/decide.h"
#include "hecate/model.h"
#include "hecate/rules.h"
#include "hecate/scorer.h"
#include "hecate/status.h"
#include "kafka/sink.h"
#include "kafka/source.h"
#include "ops/board.h"
#include "ops/metrics.h"
#include "ops/verdicts.h"
#include "store/store.h"

struct hec_engine;
struct hec_shadow;

/* Everything is borrowed for the engine's life. Sink topics: see enum below. */
enum hec_output_topic { HEC_TO_ALERTS, HEC_TO_DEAD_LETTERS, HEC_TO_SCORES, HEC_TO_SHADOW };

struct hec_engine_options {
    int index; /* which engine of this process, 0 .. */
    struct hec_source_options source;
    struct hec_sink_options sink; /* topics in the order of enum hec_output_topic */
    struct hec_store_options store;
    const char *input_topic;
    const char *cluster_id;
    int32_t partitions; /* of the input topic */
    bool start_earliest;
    struct hec_decode_limits limits;
    const struct hec_plan *plan;
    const struct hec_model *model;
    const struct hec_policy *policy;
    const struct hec_rules *rules; /* NULL: none */
    const uint8_t *rule_slots;     /* by rule: where its hits are counted */
    struct hec_board *lists;       /* NULL: none */
    struct hec_verdicts *verdicts; /* where labels are noted; NULL: nowhere */
    const char *model_sha256;
    const struct hec_model *shadow_model; /* NULL: none watches */
    const char *shadow_sha256;
    const char *instance, *tenant;
    bool publish_scores, score_features;
    double score_sample_ratio;
    const char *token_key; /* "": tokens as they are */
    size_t cache_bytes_max;
    int batch_rows_max, batch_wait_ms;
    int commit_interval_ms, commit_records_max;
    int checkpoint_interval_ms, checkpoint_records_max;
    int shared_refresh_ms;
    bool late_is_dead_letter; /* else a late event is scored and leaves the state alone */
    bool overlap;            /* commits and checkpoints are made while the next batches are taken */
    bool stop_without_store; /* else scoring goes on with what is in memory */
    int64_t away_max_ms;     /* but for so long at most; 0: for ever */
    int64_t replay_records_max;   /* and until so many records are not stored; 0: any number */
    double dead_letter_ratio_max; /* nothing more is taken above that share in a minute; 0: never */
    int dead_letter_records_min;  /* of that many records or more */
    struct hec_meter *meter;
};

/**
 * Connects everything: store, producer (which resolves what a former instance left open), consumer.
 *
 * @return HEC_OK, or what refused: HEC_UNAVAILABLE, HEC_DENIED, HEC_MISMATCH, HEC_INVALID,
 *         HEC_NOT_FOUND, HEC_NO_MEMORY, each with a sentence that says what to do
 */
HEC_CHECKED enum hec_status hec_engine_new(struct hec_engine **ret,
                                           const struct hec_engine_options *options,
                                           struct hec_error *error);

/** The names behind reasons, for a row of the plan under the model. Any thread. */
void hec_reason_columns_of(struct hec_reason_columns *columns, const struct hec_plan *plan,
                           const struct hec_model *model);

/* What may change while an engine runs: the model and what is made of its scores. Everything is
 * borrowed until the next change was taken. */
struct hec_engine_change {
    const struct hec_model *model;
    const char *model_sha256;
    const struct hec_policy *policy;
    const struct hec_rules *rules;
    const uint8_t *rule_slots;
    double score_sample_ratio;
    /* Made for another model than the one in use; taken over, and the one before comes back here.
     * NULL: the model stays. */
    struct hec_scorer *scorer;
    /* With swaps_shadow: takes the place of the one in use, which comes back here. NULL: none. */
    struct hec_shadow *shadow;
    bool swaps_shadow;
    atomic_bool taken;
};

/** Has the engine take the change before its next batch, so that no batch is judged by two. Any
 * thread; not before the one before was taken. The change is the caller's again once it is. */
void hec_engine_offer(struct hec_engine *engine, struct hec_engine_change *change);

/** Leaves the group and takes everything down within about wait_ms. Accepts NULL. */
void hec_engine_free(struct hec_engine *engine, int wait_ms);

/**
 * Takes the next batch all the way through, or waits a little for one.
 *
 * @return HEC_OK        go on
 *         HEC_FENCED    another process has this identity or these partitions: exit
 *         HEC_MISMATCH  the log and the state do not belong together: exit, the sentence says why
 *         HEC_FATAL, HEC_UNAVAILABLE, HEC_NO_MEMORY   could not be mended from inside: exit
 */
HEC_CHECKED enum hec_status hec_engine_step(struct hec_engine *engine, struct hec_error *error);

/** Stops or restarts the reading of events; what was read is finished and committed. A restart also
 * closes the circuit that too many dead letters opened. Any thread. */
void hec_engine_pause(struct hec_engine *engine, bool paused);

/** Finishes what is open: commit and checkpoint. After the last step, before hec_engine_free. */
HEC_CHECKED enum hec_status hec_engine_drain(struct hec_engine *engine, struct hec_error *error);

/* What the service thread may look at while the engine runs: relaxed atomics behind it. */
struct hec_engine_view {
    uint64_t steps; /* moves as long as the engine does; a watchdog looks at it */
    bool assigned;  /* the group has given out partitions (perhaps none to this one) */
    bool live;      /* every assigned partition is past its silent replay */
    bool store_connected;
    bool store_paused; /* the store takes nothing for too long: no events are read until it does */
    bool brokers_down;
    int32_t partitions;    /* assigned */
    int64_t replay_left;   /* records still to be replayed silently */
    uint64_t rows, alerts; /* since the start */
    int64_t lag_records;
    bool circuit_open; /* too many dead letters: nothing is taken until somebody resumes */
    int64_t recent_rows, recent_letters; /* of the last minute, as the circuit counts them */
};
void hec_engine_view(const struct hec_engine *engine, struct hec_engine_view *view);

/** Several engines as one: sums of what they count; what all or any of them must be. Any thread. */
struct hec_engine_view hec_engines_view(struct hec_engine *const *engines, int count);

#endif
