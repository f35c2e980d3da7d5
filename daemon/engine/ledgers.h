/*
 * What decisions remember of each partition, so that it goes the way of the offsets: sent with
 * them, settled when they are committed, and back to what was settled when they are not.
 *
 *   now ----(hec_ledgers_send, with the offset)----> sent ----(committed)----> settled
 *    ^------------------------ rewind: done again from here ---------------------'
 *
 * For the engine's thread alone.
 */
#ifndef HECATE_ENGINE_LEDGERS_H
#define HECATE_ENGINE_LEDGERS_H

#include <stddef.h>
#include <stdint.h>

#include "hecate/ledger.h"
#include "hecate/status.h"

struct hec_ledgers;

/** @return HEC_OK, HEC_NO_MEMORY */
HEC_CHECKED enum hec_status hec_ledgers_new(struct hec_ledgers **ret, int32_t partitions);
/** Accepts NULL. */
void hec_ledgers_free(struct hec_ledgers *ledgers);

/** The ledger that the partition's next event is judged by. */
struct hec_ledger *hec_ledgers_now(struct hec_ledgers *ledgers, int32_t partition);

/** Takes up what stands in a committed offset's metadata; a new ledger when there is none. */
void hec_ledgers_open(struct hec_ledgers *ledgers, int32_t partition, const char *metadata);

/** Appends the ledger to the metadata of the offset that is about to be committed; nothing when
 * nothing was ever noted. False: it does not fit, and would begin anew after a restart. */
bool hec_ledgers_send(struct hec_ledgers *ledgers, int32_t partition, char *text, size_t bytes);

/** The ledger as it is committed. */
const struct hec_ledger *hec_ledgers_settled(const struct hec_ledgers *ledgers, int32_t partition);

/** What was sent last is committed. */
void hec_ledgers_settle(struct hec_ledgers *ledgers, int32_t partition);

/** Back to what is committed. */
void hec_ledgers_rewind(struct hec_ledgers *ledgers, int32_t partition);

#endif
