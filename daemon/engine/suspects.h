/*
 * Input records under suspicion: a broker refused something that they said, and with it the whole
 * transaction. What a broker refuses is a batch, so the innocent are accused with the guilty.
 *
 *   attempt 1  among others      refused: everything in that batch is under suspicion
 *   attempt 2  alone             accepted: innocent. Refused: guilty
 *   attempt 3  as a dead letter  refused: once more, with digests in place of key and value
 *
 * For one engine's thread alone. Forgotten when the process ends: the next one begins with the
 * first attempt again.
 */
#ifndef HECATE_ENGINE_SUSPECTS_H
#define HECATE_ENGINE_SUSPECTS_H

#include <stdbool.h>
#include <stdint.h>

#include "hecate/status.h"

#define HEC_SUSPECTS_MAX 1024 /* who does not find room is accused again by the next attempt */

/* What is to become of a record, in the order in which it gets there. */
enum hec_way { HEC_WAY_USUAL, HEC_WAY_ALONE, HEC_WAY_LETTER, HEC_WAY_DIGEST, HEC_WAY_NONE };

/* All zero is an empty one. Nothing to free. */
struct hec_suspects {
    struct hec_suspect {
        int32_t partition;
        int64_t offset;
        enum hec_way way;
        uint64_t attempt; /* the last one that accused it */
    } list[HEC_SUSPECTS_MAX];
    int count;
    uint64_t attempt;
};

/** A transaction was rolled back: accusations from here on are of the next attempt. */
void hec_suspects_next_attempt(struct hec_suspects *suspects);

/** One accusation; a second one of the same attempt changes nothing. proved: it needs no attempt
 * alone, for it was refused before a broker saw it. @return what becomes of the record now */
enum hec_way hec_suspects_accuse(struct hec_suspects *suspects, int32_t partition, int64_t offset,
                                 bool proved);

/** What is to become of a record. */
enum hec_way hec_suspects_way(const struct hec_suspects *suspects, int32_t partition,
                              int64_t offset);

/** Everything below that offset has its outcome. */
void hec_suspects_forget(struct hec_suspects *suspects, int32_t partition, int64_t before);

#endif
