/*
 * The simulator: whole daemons in one thread, over a made-up Kafka, Redis, clock and random.
 *
 * What runs is the product's own code: engine, state, store, source and sink. What is made up is
 * what these call: librdkafka (rdkafka_*.c, over cluster.c), the store's backend (server.c), the
 * clock (clock.c). Every engine is a coroutine of its own, and every call that would wait in the
 * world hands over to the scheduler (world.c): so engines meet in all orders, and one of them can
 * be frozen or shot in the middle of any call.
 *
 * All choices are drawn from the seed: nothing else decides, so a seed replays bit for bit. After
 * every step that the outside world could notice, check.c compares with reference.c, a fold of the
 * same input by one thread without any fault.
 */
#ifndef HECATE_SIMULATOR_SIM_H
#define HECATE_SIMULATOR_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <ucontext.h>

#include "engine/engine.h"
#include "hecate/random.h"

#define SIM_PARTITIONS_MAX 4
#define SIM_ENGINES_MAX 3
#define SIM_PROCESSES_MAX 200
#define SIM_PREFIX "hec"

/* X(field, text, most per mille): how often a fault strikes where it can. Each is drawn below the
 * most, and in one seed of three it is 0. */
#define SIM_FAULTS(X)                                                                              \
    X(kill, "kill -9", 12)                                                                         \
    X(freeze, "SIGSTOP, up to 90 s", 8)                                                            \
    X(usurp, "a second process of the same identity beside a frozen one", 400)                     \
    X(stop, "SIGTERM", 6)                                                                          \
    X(commit_lost, "the answer to EndTxn is lost", 40)                                             \
    X(commit_again, "EndTxn arrives twice, the second time late", 150)                             \
    X(producer_dead, "a fatal error of the producer", 10)                                          \
    X(refused, "a broker refuses a record", 10)                                                    \
    X(poison, "an event whose output is refused each time", 20)                                    \
    X(offsets_lost, "the answer to TxnOffsetCommit is lost", 20)                                   \
    X(slow, "a broker takes seconds to answer", 10)                                                \
    X(silent, "a broker does not answer a question in time", 20)                                   \
    X(redis_cut, "the connection to Redis breaks, command done or not", 15)                        \
    X(redis_late, "a checkpoint reaches Redis after its connection broke", 15)                     \
    X(redis_full, "Redis refuses a write", 10)                                                     \
    X(redis_down, "Redis is away for up to 20 s", 4)                                               \
    X(redis_empty, "FLUSHALL, or a restart without its data", 3)                                   \
    X(redis_older, "an older copy of Redis takes over", 4)                                         \
    X(redis_torn, "the watermark alone is put back to an older one", 2)                            \
    X(redis_flip, "a bit of a stored record turns over", 3)

/* What the seed expands to. */
struct sim_profile {
    int partitions, engines, events;
    int batch_rows_max, batch_wait_ms, commit_interval_ms, commit_records_max;
    int checkpoint_interval_ms, checkpoint_records_max;
    int users, cache_kib;
    bool at_least_once, stop_without_store, overlap;
    int letters_percent_max; /* the circuit opens above it; 0: never */
#define SIM_FAULT_FIELD(field, text, most) int field;
    SIM_FAULTS(SIM_FAULT_FIELD)
#undef SIM_FAULT_FIELD
};

/* A thread: the engine's own, or one of an errand. */
struct sim_fiber {
    bool used;
    struct sim_process *process;
    int64_t wake_us;
    ucontext_t context;
    void *stack;
    void (*run)(void *argument);
    void *argument;
};
#define SIM_FIBERS_MAX 4

/* One life of a daemon with one engine. */
struct sim_process {
    int number, identity;
    bool dead; /* nothing of it runs any more; what it sent may still be on its way */
    bool stop_asked;
    int64_t frozen_until_us;
    struct sim_fiber fibers[SIM_FIBERS_MAX];
    struct hec_engine *engine;
};

struct sim {
    uint64_t seed;
    struct hec_random random;
    int64_t now_us;
    struct sim_profile profile;
    bool calm;    /* faults are over: everything must come to its end now */
    bool verbose; /* tell what happens */
    bool emptied; /* some fault may have degraded rows */
    struct sim_process processes[SIM_PROCESSES_MAX];
    int processes_count;
    struct sim_process *running; /* NULL: the scheduler itself */
    struct sim_fiber *fiber;     /* of the running process */
    ucontext_t scheduler;
    uint64_t trace; /* digest of all that happened */
    uint64_t steps;
    int told; /* faults that struck */
};
extern struct sim sim;

/* What a test seed needs and all seeds share. */
struct sim_shared {
    int overlap; /* 0 or 1: not drawn but given; else -1 */
    struct hec_plan *plan;
    struct hec_model *model;
    struct hec_policy policy;
};
extern struct sim_shared sim_shared;

/* world.c */

/** Events that an identity's engines say they have processed. */
int64_t sim_counted(int identity);
/** Runs one seed to its end. Returns only if nothing was found; else sim_fail ended the process. */
void sim_run(uint64_t seed, bool verbose);
/** A thread of the running process more: run(argument), then it ends. */
void sim_fiber_start(void (*run)(void *argument), void *argument);
/** True while a process is stopped. */
bool sim_is_frozen(const struct sim_process *process);
/** Suspends the running thread for about that long; may never return (it was shot). */
void sim_wait(int64_t us);
/** How a network call takes its time. */
void sim_travel(void);
/** True when a question was not answered within timeout_ms, which have passed then. */
bool sim_is_silent(int timeout_ms);
/** True in so many of 1000 cases; never when calm. Counts as a fault. */
bool sim_strikes(int per_mille);
int64_t sim_between(int64_t from, int64_t to);
/** Adds to the trace, and tells it when verbose. */
void sim_note(const char *format, ...) HEC_PRINTF(1, 2);
/** An invariant does not hold: tells what the seed drew and ends the process. */
_Noreturn void sim_fail(const char *format, ...) HEC_PRINTF(1, 2);

/* input.c: the events of a seed, all made before the first step */

struct sim_record {
    char *value, *key;
    size_t value_length, key_length;
    int64_t record_ms;
    bool marker; /* a transaction's marker: takes an offset, is never delivered */
    int poison;  /* what brokers refuse of what it says: 1 scores and alerts, 2 also the dead letter
                  * unless it is digests */
};
struct sim_log {
    struct sim_record *records;
    int64_t count; /* of the whole run */
    int64_t end;   /* appended so far */
};
extern struct sim_log sim_input[SIM_PARTITIONS_MAX];
void sim_input_make(void);
/** Appends a few records; false when all are there. */
bool sim_input_append(void);

/* reference.c: one thread, no fault */

enum sim_expected { SIM_SILENT, SIM_SCORE, SIM_LETTER };
void sim_reference_make(void);
enum sim_expected sim_expect(int32_t partition, int64_t offset, const char **features,
                             const char **outcome);
/** Record number index of a partition as of an offset: NULL key when there are no more. *bytes is
 * NULL when the entity has no record at that offset. */
const char *sim_reference_record(int32_t partition, int index, int64_t before, const void **bytes,
                                 size_t *length);
/** The number of that key; -1: there never was such an entity. */
int sim_reference_find(int32_t partition, const char *key);
/** Prints the owned features of a row, as they are compared. */
void sim_features_print(char *text, size_t size, const float *numerics);

/* cluster.c: what the brokers know */

struct sim_output { /* one record of an output topic */
    int topic;      /* enum hec_output_topic */
    int32_t partition;
    int64_t offset; /* of the input record that it is about */
    void *opaque;
    char *value;
    size_t value_length;
};
struct sim_producer {
    char id[32];
    int epoch;
    bool open;
    enum sim_ended { SIM_EMPTY, SIM_COMMITTED, SIM_ABORTED } ended; /* how the last one did */
    int64_t began_us;
    const struct sim_process *process; /* that took the newest epoch */
    struct sim_output *outputs;
    int outputs_count;
    int64_t offsets[SIM_PARTITIONS_MAX]; /* to be committed with it; -1: none */
    char metadata[SIM_PARTITIONS_MAX][HEC_METADATA_BYTES_MAX];
};
struct sim_member {
    char id[32], instance[32];
    const struct sim_process *process;
    int64_t seen_us;
    bool joined;
    bool assigned[SIM_PARTITIONS_MAX];
};
struct sim_cluster {
    int64_t committed[SIM_PARTITIONS_MAX]; /* -1: none */
    char metadata[SIM_PARTITIONS_MAX][HEC_METADATA_BYTES_MAX];
    int generation;
    bool rebalancing;
    struct sim_member members[8];
    int members_count;
    struct sim_producer producers[SIM_ENGINES_MAX];
};
extern struct sim_cluster sim_cluster;
void sim_cluster_make(void);
/** What happens by itself: late requests arrive, transactions and sessions run out. */
void sim_cluster_tick(void);
/** When the next of that is due; INT64_MAX: never. */
int64_t sim_cluster_next_us(void);
struct sim_producer *sim_producer_named(const char *id);
/** Ends what is open and takes a new epoch. */
void sim_producer_init(struct sim_producer *producer);
enum sim_answer { SIM_OK, SIM_FENCED, SIM_WRONG_STATE };
enum sim_answer sim_producer_add(struct sim_producer *producer, int epoch,
                                 const struct sim_output *output);
enum sim_answer sim_producer_end(struct sim_producer *producer, int epoch, bool commit);
/** The same request arrives once more (or for the first time) later. */
void sim_producer_end_late(struct sim_producer *producer, int epoch, bool commit, int64_t at_us);
bool sim_offsets_pending(int32_t partition);
struct sim_member *sim_member_find(const char *id);
/** Joins or joins again: *id "" for a new one. False: this id is not a member's any more. */
bool sim_member_join(char id[32], const char *instance, struct sim_process *process);
void sim_member_leave(struct sim_member *member);

/* server.c: what Redis holds */

void sim_server_make(void);
void sim_server_tick(void);
int64_t sim_server_next_us(void);
/** The whole of a key's value; false: there is none. damaged: a fault has been at it. */
bool sim_server_get(const char *key, const void **bytes, size_t *length, bool *damaged);
/** Keys that begin so, one after another from index 0; NULL: no more. */
const char *sim_server_key(const char *prefix, int *index);

/** A fault has left this generation without meaning: an engine must find out by itself. */
bool sim_server_is_torn(int32_t partition, uint32_t generation);

/* check.c: what must hold */

void sim_check_transaction(const struct sim_producer *producer);
void sim_check_at_least_once(const int64_t *offsets);
void sim_check_output(const struct sim_output *output);
void sim_check_stored(int32_t partition);
void sim_check_engine(const struct sim_process *process);
void sim_check_end(void);
/** Another process has the identity: the one before it may not have heard how its last transaction
 * ended. */
void sim_check_successor(const struct sim_producer *producer);
void sim_check_counts(void);

#endif
