/*
 * The rows of a few-shot study as CSV, so that a learner of another kind can be tried on the same
 * frauds, the same others and the same test.
 */
#ifndef HECATE_CLI_SHOTS_OUT_H
#define HECATE_CLI_SHOTS_OUT_H

#include "cli/rows.h"
#include "hecate/feature.h"

/* All borrowed. */
struct hec_shots_out {
    const struct hec_rows *rows;
    const struct hec_plan *plan;
    const int8_t *targets, *truth; /* (rows): as known to training, and at the end */
    const uint8_t *split;          /* (rows) */
    const uint32_t *pick;          /* (picks) test rows */
    uint32_t picks;
    const uint32_t *shots; /* (shots_count) */
    int shots_count;
    uint64_t seed;
    int seeds;
};

/**
 * Writes rows.csv (row, part, target, a column a feature; categories as numbers) with all training
 * rows whose target is known and all test rows, and shots.csv (seed, shots, row): which frauds a
 * training may use.
 */
HEC_CHECKED enum hec_status hec_shots_write(const struct hec_shots_out *out, const char *folder,
                                            struct hec_error *error);

#endif
