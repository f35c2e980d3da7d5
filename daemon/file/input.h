/*
 * Bytes of one file, decompressed on the way.
 *
 * A file that begins with the zstd magic number (RFC 8878) is decompressed as a stream, whatever
 * its name; "-" is standard input. Nothing is held but one block.
 */
#ifndef HECATE_FILE_INPUT_H
#define HECATE_FILE_INPUT_H

#include <stddef.h>
#include <stdint.h>

#include "hecate/status.h"

struct hec_input;

/**
 * Opens a file for reading from its start.
 *
 * @param ret   receives the input, to be given to hec_input_free; untouched on failure
 * @param path  a file, or "-"
 *
 * @return HEC_OK
 *         HEC_NOT_FOUND    there is no such file
 *         HEC_DENIED       it may not be read
 *         HEC_UNAVAILABLE  it cannot be opened for another reason
 *         HEC_CORRUPT      it is named .zst and is not zstd
 *         HEC_NO_MEMORY
 */
HEC_CHECKED enum hec_status hec_input_open(struct hec_input **ret, const char *path,
                                           struct hec_error *error);

/** Accepts NULL. */
void hec_input_free(struct hec_input *input);

/**
 * Reads at least one byte and at most room, decompressed.
 *
 * @return HEC_OK           *length is 1 .. room
 *         HEC_END          there is nothing more
 *         HEC_CORRUPT      the compressed stream is damaged or cut off
 *         HEC_UNAVAILABLE  the system refused to read on
 */
HEC_CHECKED enum hec_status hec_input_read(struct hec_input *input, void *bytes, size_t room,
                                           size_t *length, struct hec_error *error);

/** Bytes taken from the file so far, before decompression. */
uint64_t hec_input_position(const struct hec_input *input);

/** Size of a regular file in bytes; 0 when it cannot be known (a pipe, "-", no such file). */
uint64_t hec_input_size(const char *path);

/** The version of zstd that this runs on. */
const char *hec_zstd_version(void);

#endif
