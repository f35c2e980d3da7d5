/*
 * Spill: rows of one size in a file that has no name, for what is too much to be held in memory.
 *
 * Rows are appended, then read back in any order by any number of threads. The file lies in $TMPDIR
 * (/var/tmp without one: /tmp is memory on many machines) and is gone with the process.
 */
#ifndef HECATE_CLI_SPILL_H
#define HECATE_CLI_SPILL_H

#include <stddef.h>

#include "hecate/status.h"

struct hec_spill;

/** @return HEC_OK, HEC_NO_MEMORY, HEC_UNAVAILABLE (no file can be made there; told) */
HEC_CHECKED enum hec_status hec_spill_new(struct hec_spill **ret, size_t row_bytes,
                                          struct hec_error *error);
/** Accepts NULL. */
void hec_spill_free(struct hec_spill *spill);

/** Appends rows. A disk that is full is told by hec_spill_failed. */
void hec_spill_add(struct hec_spill *spill, const void *rows, size_t count);

/** Copies part of row number `row`, from `from` on; zeros when it cannot be read. */
void hec_spill_read(struct hec_spill *spill, size_t row, size_t from, size_t bytes, void *to);

/** Whether anything could not be written or read. @return HEC_OK or HEC_UNAVAILABLE (told) */
HEC_CHECKED enum hec_status hec_spill_failed(const struct hec_spill *spill,
                                             struct hec_error *error);

#endif
