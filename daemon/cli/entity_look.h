/*
 * An entity as the store has it: its record in every partition, merged as a reader of events would
 * merge them. What is seen is as old as the last checkpoint; nothing is claimed or written.
 */
#ifndef HECATE_CLI_ENTITY_LOOK_H
#define HECATE_CLI_ENTITY_LOOK_H

#include "hecate/entity.h"
#include "hecate/feature.h"
#include "hecate/status.h"
#include "parts.h"
#include "store/store.h"

struct hec_look {
    struct hec_store *store;
    struct hec_entities *entities;
    struct hec_keyer *keyer; /* NULL: tokens as they are */
    const struct hec_plan *plan;
    int32_t partitions;
    struct hec_watermark *watermarks; /* (partitions) */
    bool *stored;                     /* (partitions): it has a watermark */
    uint32_t *generations;            /* (partitions) */
    bool *owned;                      /* (partitions): none is */

    enum hec_kind kind;
    const char *token;
    struct hec_entity **shards; /* (partitions) */
};

/**
 * Connects to the store, reads every partition's watermark, and loads the entity.
 *
 * @param look   filled; on failure in part: give it to hec_look_end all the same
 * @param parts  features and settings, see hec_parts_read; borrowed
 * @param token  as events have it; borrowed
 *
 * @return HEC_OK, HEC_NOT_FOUND (the store holds no state), HEC_MISMATCH (it holds that of other
 *         features or of another token key), and those of hec_store_open and hec_store_load
 */
HEC_CHECKED enum hec_status hec_look_at(struct hec_look *look, const struct hec_parts *parts,
                                        enum hec_kind kind, const char *token,
                                        struct hec_error *error);
void hec_look_end(struct hec_look *look);

/** The newest event time in any shard; 0: the entity was never seen. */
int64_t hec_look_newest_ms(const struct hec_look *look);

/**
 * The entity's features as an event at that time would read them.
 *
 * @param numerics  (hec_plan_numerics) receives them; columns of other entities are of no use
 *
 * @return HEC_OK, HEC_NO_MEMORY
 */
HEC_CHECKED enum hec_status hec_look_read(struct hec_look *look, int64_t at_ms, float *numerics,
                                          struct hec_error *error);

#endif
