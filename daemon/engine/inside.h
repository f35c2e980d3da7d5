/*
 * The inside of an engine, shared by its files.
 */
#ifndef HECATE_ENGINE_INSIDE_H
#define HECATE_ENGINE_INSIDE_H

#include <stdatomic.h>

#include "engine/checkpoint.h"
#include "engine/circuit.h"
#include "engine/engine.h"
#include "engine/ledgers.h"
#include "engine/outbox.h"
#include "engine/question.h"
#include "engine/shadow.h"
#include "engine/suspects.h"
#include "hecate/disposition.h"
#include "hecate/entity.h"
#include "hecate/scorer.h"
#include "ops/clock.h"

#define ANSWER_WAIT_MS 10000 /* how long a question to a broker may take */

/*
 * Where one input partition stands. Always stored <= committed <= next, apart from silent replay,
 * where next runs from stored up to committed.
 *
 *   ---- stored (W) ---- committed (C) ---- next (P) ----> log
 *        in Redis        published          in memory
 */
struct hec_position {
    bool assigned;
    int64_t stored, committed, next;
    int64_t history_from; /* first offset that the state knows of */
    uint64_t epoch;
    uint64_t sent_epoch; /* that stood beside the offset when it was last sent; 0: never */
    uint32_t generation;
    /* Some event was applied while one of its states could not be loaded: what is in memory has
     * holes, so nothing may be stored before the partition was replayed. */
    bool holes;
    /* Nothing of this generation is in the store yet: a token that is not in memory was never seen,
     * and nobody needs to be asked. */
    bool fresh;
    bool marked; /* mark is what stands in the store, of whatever generation, as read or written */
    struct hec_watermark mark;
    /* A checkpoint whose answer never came: the store may stand here as well as at mark. */
    bool maybe;
    struct hec_watermark maybe_watermark;
    bool sweep; /* older generations are to be deleted; how far that came */
    char sweep_cursor[HEC_STORE_CURSOR_BYTES];
    int64_t judged_ms; /* wall clock, when an event was last judged; 0: not since it was assigned */
};

struct hec_engine {
    struct hec_engine_options options;
    struct hec_meter *meter;
    struct hec_store *store;
    struct hec_outbox *outbox;
    struct hec_checkpoint *checkpoint;
    struct hec_source *source;
    struct hec_entities *entities;
    struct hec_keyer *keyer; /* of the tokens in entities; NULL: none */
    struct hec_batch *batch;
    struct hec_scorer *scorer;
    struct hec_shadow *shadow; /* NULL: none */
    struct hec_reason_columns reason_columns;
    struct hec_questions *questions;

    struct hec_position *positions; /* by partition */
    struct hec_ledgers *ledgers;
    struct hec_board_hold lists; /* those in force since the last batch began */
    struct hec_offset *offsets;  /* partitions of them: what a commit says */
    uint32_t *generations;       /* by partition, also of those that others own */
    bool *owned;                 /* by partition */
    int64_t foreign_read_ms;     /* when the others' generations were last read */

    struct hec_record *records; /* batch_rows_max; row->owner points here */
    int records_count;

    int64_t polled_us, decode_us; /* when the batch was there, and what decoding it took */

    int64_t open_since_ms; /* when the first of open_rows came; 0 = none */
    int open_rows;         /* live rows since the last commit was begun */
    /* What became of them, and of those in the commit that is under way. */
    struct hec_tally open, under_way;
    bool caught_up;        /* the last poll gave less than it could have */
    int64_t checkpoint_ms; /* when the last checkpoint was made */
    int64_t view_ms;       /* when the view was last published */
    bool store_was_away;
    int64_t frozen_since_ms; /* the store takes nothing since then; 0: it does */
    int64_t away_watched_ms, meet_again_ms;
    bool too_long_away;      /* and so nothing more is read */
    enum hec_status refusal; /* what the store was last refused with, and told */
    bool silent;      /* a transaction broke and no broker answered: what is in memory is ahead */
    bool paused;      /* by an operator; pause_wanted is what he wants now */
    uint64_t resumes; /* how often he had it resume; resumes_wanted is the latest */
    struct hec_circuit circuit;
    struct hec_suspects *suspects;
    int64_t letters;  /* dead letters since the start */
    bool apart;       /* the batch is one record that is published alone */
    uint64_t rewinds; /* of single partitions, since the start */
    /* A step failed for good: what is in memory may be half of something and is neither published
     * nor stored any more. */
    bool failed;
    bool checkpoint_refused; /* the last one: the next waits for its time, however much is dirty */
    int64_t swept_ms, checked_ms, verified_ms; /* upkeep.c: when it last did anything */
    int32_t verify_next;                       /* whose watermark is looked at next */
    enum hec_status rebalance_status;
    struct hec_error rebalance_error;

    char *text; /* the one buffer that outputs are written into */
    size_t text_bytes;

    atomic_uint_least64_t steps, rows, alerts;
    atomic_int_least64_t replay_left, lag_records;
    atomic_int partitions;
    atomic_bool assigned, live, store_connected, brokers_down;
    atomic_bool circuit_open, store_paused;
    atomic_bool *shown_owned; /* by partition: owned, as others may see it */
    atomic_int_least64_t recent_rows, recent_letters;
    atomic_bool pause_wanted;
    atomic_uint_least64_t resumes_wanted;
    _Atomic(struct hec_engine_change *) offered; /* NULL: nothing to change */
};

/* partition.c */

/** The group's callbacks; context is the engine. */
enum hec_status hec_partitions_assigned(void *context, struct hec_source_start *start, int count);
void hec_partitions_revoked(void *context, const int32_t *partitions, int count, bool lost);

/** Whose a committed offset is, by its metadata; 0: nobody's that we know. */
uint64_t hec_partition_epoch_of(const char *metadata);

/** Forgets what is in memory of a partition and goes back to what is stored. A failure leaves it
 * nowhere: exit. */
HEC_CHECKED enum hec_status hec_partition_rewind(struct hec_engine *engine, int32_t partition,
                                                 struct hec_error *error);
HEC_CHECKED enum hec_status hec_partitions_rewind_all(struct hec_engine *engine,
                                                      struct hec_error *error);

/** Begins a new generation of a partition's state from the first retained offset; but if the store
 * merely went back to an older copy (cause no_state), that is taken up.
 *
 * @return HEC_UNAVAILABLE: the store does not answer, and nothing was changed; the next meeting
 * with it begins this again. HEC_FATAL: a broker did not answer; exit */
HEC_CHECKED enum hec_status hec_partition_rebuild(struct hec_engine *engine, int32_t partition,
                                                  enum hec_rebuild cause, struct hec_error *error);

/** The partition of a record that was just loaded for the batch and holds events that its watermark
 * does not: only a torn store (part of it older than the rest) has that. -1: none. */
int32_t hec_partition_torn(const struct hec_engine *engine, const struct hec_batch *batch);

/** Takes the partition in the store, with an epoch above the floor. Statuses of hec_store_claim. */
HEC_CHECKED enum hec_status hec_partition_claim(struct hec_engine *engine, int32_t partition,
                                                uint64_t floor, struct hec_error *error);

/* away.c */

/** What the store says when it is away: no answer, or that we may not. */
bool hec_is_away(enum hec_status status);

/** Reconnects a store that was away, when its time has come, and makes every partition agree with
 * it again. */
HEC_CHECKED enum hec_status hec_partitions_meet_store(struct hec_engine *engine,
                                                      struct hec_error *error);

/** The store did not take what is known; it did. Between the two the watermarks stand still. */
void hec_away_frozen(struct hec_engine *engine);
void hec_away_thawed(struct hec_engine *engine);

/** Pauses the input when that has lasted too long, or memory is full of what is not stored. */
void hec_away_watch(struct hec_engine *engine);

/* commit.c */

/** Publishes what is open and the offsets with it, and waits for it: what went wrong is the
 * caller's. */
HEC_CHECKED enum hec_status hec_partitions_publish(struct hec_engine *engine,
                                                   struct hec_error *error);

/** The same, and recovers. HEC_OK also when the transaction was rolled back
 * and the partitions were rewound. */
HEC_CHECKED enum hec_status hec_partitions_commit(struct hec_engine *engine,
                                                  struct hec_error *error);

/** Its first half: begins to publish what is open. Its second half: waits for what is under way, if
 * anything, and notes it. Both recover. */
HEC_CHECKED enum hec_status hec_partitions_commit_start(struct hec_engine *engine,
                                                        struct hec_error *error);
HEC_CHECKED enum hec_status hec_partitions_commit_settle(struct hec_engine *engine,
                                                         struct hec_error *error);

/** Drops what is open and what is held, without a word to anybody. */
HEC_CHECKED enum hec_status hec_partitions_give_up(struct hec_engine *engine,
                                                   struct hec_error *error);

/** Before anything else of a step: goes on with a recovery that found no broker. HEC_UNAVAILABLE
 * with engine->silent: still none, and nothing else may be done. */
HEC_CHECKED enum hec_status hec_partitions_come_back(struct hec_engine *engine,
                                                     struct hec_error *error);

/** How a status is counted. */
enum hec_commit_result hec_commit_result(enum hec_status status);

/** After an aborted or broken transaction: rolls back, mends the producer, rewinds. */
HEC_CHECKED enum hec_status hec_partitions_recover(struct hec_engine *engine,
                                                   enum hec_status broken, struct hec_error *error);

/* question.c */

/** limits and plan are the engine's. @return HEC_OK, HEC_NO_MEMORY */
HEC_CHECKED enum hec_status hec_questions_new(struct hec_questions **ret,
                                              const struct hec_plan *plan,
                                              const struct hec_decode_limits *limits,
                                              int32_t partitions);
/** Nothing may be open. Accepts NULL. */
void hec_questions_free(struct hec_questions *questions);

/** Answers what was asked. may_load: the store may be asked, and the step may end with what comes
 * of it; else questions that need it wait. */
HEC_CHECKED enum hec_status hec_questions_answer(struct hec_engine *engine, bool may_load,
                                                 struct hec_error *error);

/* poison.c */

/** What an output record says of where it comes from, and back. */
uint64_t hec_poison_origin(int32_t partition, int64_t offset);

/** True while some record has to be published alone: then batches are of one record. */
bool hec_poison_is_suspected(const struct hec_engine *engine);

/** If the batch is a record under suspicion: publishes what is open, so that it goes alone. May
 * empty the batch, when that failed and everything is done again. */
HEC_CHECKED enum hec_status hec_poison_set_apart(struct hec_engine *engine,
                                                 struct hec_error *error);

/** Accuses whatever the brokers refused of the transaction that was just rolled back. */
void hec_poison_blame(struct hec_engine *engine);

/** What the row says is too large to be sent: its dead letter goes in its place. */
HEC_CHECKED enum hec_status
hec_poison_too_large(struct hec_engine *engine, const struct hec_row *row, struct hec_error *error);

/** Counts for the circuit; too many letters stop the source. */
void hec_poison_count(struct hec_engine *engine, int rows, int letters);

/** What the service may see of it. */
void hec_poison_view(struct hec_engine *engine, int64_t now_ms);

/* change.c */

/** What others ordered since the last batch. */
void hec_follow_orders(struct hec_engine *engine);

/** Lets the source go on or hold, as all who have a say in it want. */
void hec_let_flow(struct hec_engine *engine);

/** The names behind reasons: after every change of the model. */
void hec_name_columns(struct hec_engine *engine);

/* upkeep.c */

/** A little of what is to be done now and then; never waits for more than one answer. */
HEC_CHECKED enum hec_status hec_upkeep(struct hec_engine *engine, struct hec_error *error);

/* alerts.c */

/** What comes of a row's scores by thresholds, rules, lists, breaker, control group and budget.
 * verdicts is filled, the ledger moved on. */
void hec_judge_row(const struct hec_engine *engine, struct hec_dispositions *verdicts,
                   struct hec_ledger *ledger, const struct hec_row *row, const float *scores,
                   const float *numerics);
/** Judges a scored row and says its alerts. verdicts is filled. @return those of hec_outbox_put */
HEC_CHECKED enum hec_status hec_emit_alerts(struct hec_engine *engine, const struct hec_row *row,
                                            int64_t now_ms, struct hec_dispositions *verdicts,
                                            struct hec_error *error);
/** What the ledgers say, into the metrics. */
void hec_publish_ledgers(struct hec_engine *engine);

/* emit.c */

/** Where a row stood in the input. */
struct hec_origin hec_origin_of(const struct hec_engine *engine, const struct hec_row *row);
/** Adds headers to a record's list of count; returns how many there are then. */
int hec_add_headers(struct hec_kafka_header *list, int count, const struct hec_headers *headers);

/** Posts the batch's verdicts for the desk. In a silent replay as well, which emits nothing: the
 * desk may have been killed before it kept them. */
void hec_note_labels(const struct hec_engine *engine);

/** Puts what the batch has to say into the sink. */
HEC_CHECKED enum hec_status hec_emit(struct hec_engine *engine, struct hec_error *error);

#endif
