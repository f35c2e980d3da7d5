/*
 * One file being written: complete or not there at all.
 *
 * A regular file is written beside its place and renamed when it is closed, so that a reader never
 * meets half of one. "-" is standard output; what exists and is not a regular file (a pipe, a
 * terminal) is written straight. A name that ends in ".zst" is compressed.
 *
 * A failed write is remembered and told by hec_output_close: the writers in between need no check.
 */
#ifndef HECATE_FILE_OUTPUT_H
#define HECATE_FILE_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "hecate/status.h"

struct hec_output;

/**
 * Opens a file for writing.
 *
 * @param ret  receives the output, to be given to hec_output_close or hec_output_discard
 *
 * @return HEC_OK, HEC_NOT_FOUND (no such directory), HEC_DENIED, HEC_UNAVAILABLE, HEC_NO_MEMORY
 */
HEC_CHECKED enum hec_status hec_output_open(struct hec_output **ret, const char *path,
                                            struct hec_error *error);

/** Appends bytes. */
void hec_output_write(struct hec_output *output, const void *bytes, size_t length);

/** Appends formatted text of at most 1023 bytes; longer is a mistake of the programmer. */
void hec_output_print(struct hec_output *output, const char *format, ...) HEC_PRINTF(2, 3);

/** Room for length bytes (at most HEC_OUTPUT_ROOM_MAX) to be filled by the caller in place, who
 * then says with hec_output_advance how many there are. */
#define HEC_OUTPUT_ROOM_MAX 131072
char *hec_output_room(struct hec_output *output, size_t length);
void hec_output_advance(struct hec_output *output, size_t length);

/** Hands what was written so far to the system: for a reader who waits at a pipe. */
void hec_output_flush(struct hec_output *output);

/** True when a write has failed: going on is of no use. */
bool hec_output_failed(const struct hec_output *output);

/**
 * Writes what is left, puts the file in its place and frees the output. Accepts NULL (HEC_OK).
 *
 * @return HEC_OK or HEC_UNAVAILABLE: then nothing is in its place
 */
HEC_CHECKED enum hec_status hec_output_close(struct hec_output *output, struct hec_error *error);

/** hec_output_close after what went well, hec_output_discard after what did not; a failure that was
 * told stays the one that is told. @return status, or where that is HEC_OK what closing says */
HEC_CHECKED enum hec_status hec_output_end(struct hec_output *output, enum hec_status status,
                                           struct hec_error *error);

/** A whole file at once. @return those of hec_output_open and hec_output_close */
HEC_CHECKED enum hec_status hec_output_whole(const char *path, const void *bytes, size_t length,
                                             struct hec_error *error);

/** Gives the file up: nothing is put in its place. Accepts NULL. */
void hec_output_discard(struct hec_output *output);

#endif
