/*
 * Truth from beside the log: a CSV of event ids that says what they really were, for judging only.
 *
 * Columns event_id and is_fraud (0 or 1), optionally head and pattern. An event that is not listed
 * is genuine. A fraud counts for the head of that name, or whose name begins with it and an
 * underscore ("card" is card_fraud); without the column for every head. For the other heads it is
 * unknown and left out; a novelty head counts every fraud.
 */
#ifndef HECATE_CLI_TRUTH_H
#define HECATE_CLI_TRUTH_H

#include "cli/rows.h"
#include "hecate/model.h"

/**
 * Reads the file and fills targets.
 *
 * @param omit     patterns whose rows are left out (unknown); omit_count of them
 * @param targets  (rows, heads_count), written: enum hec_target
 *
 * @return HEC_OK, what hec_csv_open and hec_csv_next answer, HEC_INVALID (no such column)
 */
HEC_CHECKED enum hec_status hec_truth_read(const struct hec_rows *rows, const char *path,
                                           const char *const *omit, size_t omit_count,
                                           const struct hec_head *heads, int heads_count,
                                           int8_t *targets, struct hec_error *error);

#endif
