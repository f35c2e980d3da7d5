/*
 * The outbox: what the engine says, a transaction at a time, while the one before is still being
 * committed.
 *
 * A commit is a conversation with two coordinators and takes milliseconds in which the processor
 * has nothing to do. So it is an errand: the engine takes the next batches meanwhile, and what they
 * say is held here, in order, until the commit is known to have gone well. Only then does it become
 * the next transaction; if the commit failed it is dropped with the batches that said it, because
 * they are done again.
 *
 *   put, put, commit ----(errand)---- settle: well -> what was held opens the next transaction
 *               put, put (held)               broken -> abort: what was held is dropped
 *
 * For the engine's thread alone. Between commit and settle the sink is the errand's.
 */
#ifndef HECATE_ENGINE_OUTBOX_H
#define HECATE_ENGINE_OUTBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "kafka/sink.h"
#include "kafka/source.h"

struct hec_outbox;

/**
 * Makes the producer behind it.
 *
 * @param partitions  of the input topic: as many offsets a commit has at most
 * @param overlap     false: hec_outbox_commit returns when it is done, and nothing is ever held
 *
 * @return HEC_OK, HEC_NO_MEMORY, and those of hec_sink_new
 */
HEC_CHECKED enum hec_status hec_outbox_new(struct hec_outbox **ret,
                                           const struct hec_sink_options *options,
                                           int32_t partitions, bool overlap,
                                           struct hec_error *error);

/** Waits for a commit that is under way, then takes the producer down. Accepts NULL. */
void hec_outbox_close(struct hec_outbox *outbox, int wait_ms);

/** Opens the next transaction with what was held, if no commit is under way; call it before the
 * puts of a batch. @return those of hec_sink_begin and hec_sink_produce */
HEC_CHECKED enum hec_status hec_outbox_open(struct hec_outbox *outbox, struct hec_error *error);

/** Says one record, now or after the commit. Everything is copied. @return those of
 * hec_sink_produce */
HEC_CHECKED enum hec_status hec_outbox_put(struct hec_outbox *outbox,
                                           const struct hec_sink_record *record,
                                           struct hec_error *error);

/**
 * Publishes what was said and these offsets as one. None may be under way.
 *
 * @return HEC_OK: ask hec_outbox_settle how it went. Else the transaction could not even be opened:
 *         those of hec_outbox_open
 */
HEC_CHECKED enum hec_status hec_outbox_commit(struct hec_outbox *outbox, struct hec_source *source,
                                              const struct hec_offset *offsets, int count,
                                              struct hec_error *error);

/** True from commit until settle. */
bool hec_outbox_is_committing(const struct hec_outbox *outbox);

/** True when hec_outbox_settle would not wait. */
bool hec_outbox_is_done(struct hec_outbox *outbox);

/** The same, after waiting for it for wait_ms at the most. */
bool hec_outbox_look(struct hec_outbox *outbox, int wait_ms);

/** True when so much is held that the engine should settle before it says more. */
bool hec_outbox_is_full(const struct hec_outbox *outbox);

/* A commit that was settled. */
struct hec_publication {
    const struct hec_offset *offsets; /* valid until the next commit */
    int count;
    int64_t took_us;
};

/**
 * Waits for the commit that is under way.
 *
 * @return those of hec_sink_commit; after any but HEC_OK call hec_outbox_abort or _recreate
 */
HEC_CHECKED enum hec_status hec_outbox_settle(struct hec_outbox *outbox,
                                              struct hec_publication *publication,
                                              struct hec_error *error);

/** Drops what is held and rolls back what is open. No commit may be under way. */
HEC_CHECKED enum hec_status hec_outbox_abort(struct hec_outbox *outbox, struct hec_error *error);

/** Drops what is held and makes the producer anew. No commit may be under way. */
HEC_CHECKED enum hec_status hec_outbox_recreate(struct hec_outbox *outbox, struct hec_error *error);

/** Those of hec_sink_refused. No commit may be under way. */
int hec_outbox_refused(struct hec_outbox *outbox, const uint64_t **origins);

/** Serves delivery reports. Never waits. */
void hec_outbox_poll(struct hec_outbox *outbox);

#endif
