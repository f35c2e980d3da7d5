/*
 * A checkpoint: what the engine knows, cut between two transactions and written to the store by an
 * errand. For the engine's thread alone.
 */
#ifndef HECATE_ENGINE_CHECKPOINT_H
#define HECATE_ENGINE_CHECKPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "hecate/status.h"
#include "store/store.h"

struct hec_checkpoint;
struct hec_engine;
struct hec_position;

/** @param overlap  false: hec_checkpoint_start returns when it is written
 *  @return HEC_OK, HEC_NO_MEMORY */
HEC_CHECKED enum hec_status hec_checkpoint_new(struct hec_checkpoint **ret, int32_t partitions,
                                               bool overlap);

/** Waits for what is under way. Accepts NULL. */
void hec_checkpoint_free(struct hec_checkpoint *checkpoint);

/**
 * Cuts every partition that moved and sets the errand off. Nothing may be open or under way. From
 * here to hec_checkpoint_settle the store is the errand's, and no partition may be dropped.
 *
 * @return HEC_OK (also without a store), HEC_NO_MEMORY
 */
HEC_CHECKED enum hec_status hec_checkpoint_start(struct hec_engine *engine,
                                                 struct hec_error *error);

/**
 * Waits for the checkpoint that is under way, if any, and notes what it came to: stored records are
 * clean, refused ones dirty again, an emptied store begins a rebuild.
 *
 * @return  HEC_OK (also when the store went away)
 *          HEC_ABORTED  a partition begins again while something is open: hec_partitions_recover
 *          HEC_FENCED, HEC_NO_MEMORY, and those of hec_partition_rebuild
 */
HEC_CHECKED enum hec_status hec_checkpoint_settle(struct hec_engine *engine,
                                                  struct hec_error *error);

/** True from start until settle: the store is not the engine's. */
bool hec_checkpoint_is_under_way(const struct hec_engine *engine);

/** True when hec_checkpoint_settle would not wait. */
bool hec_checkpoint_is_done(struct hec_engine *engine);

/** All at once: settles what is under way, cuts, writes, settles. Only between transactions. */
HEC_CHECKED enum hec_status hec_partitions_checkpoint(struct hec_engine *engine,
                                                      struct hec_error *error);

/** Notes what a checkpoint that was taken means. The first one of a generation leaves the older
 * ones without use. */
void hec_position_stored(struct hec_position *position, const struct hec_watermark *watermark);

#endif
