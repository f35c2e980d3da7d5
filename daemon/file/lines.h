/*
 * Lines of one or several files, in order, in batches, as views into one block.
 *
 *   [ .... complete lines of this batch .... | a cut line ]   the cut line moves to the front
 *                                                             when the next batch is read
 *
 * No allocation per line, and no copy but that of the cut one. A line ends at LF or CR LF; the last
 * line of a file needs none. Blank lines are counted and not given out.
 */
#ifndef HECATE_FILE_LINES_H
#define HECATE_FILE_LINES_H

#include <stddef.h>
#include <stdint.h>

#include "hecate/status.h"

struct hec_lines;

/* The bytes live until the next hec_lines_read. */
struct hec_line {
    const char *bytes; /* not terminated, without the line's end */
    size_t length;     /* a line beyond the bound is cut to line_bytes_max + 1 bytes */
    const char *path;  /* lives as long as the hec_lines */
    uint64_t number;   /* in its file, from 1 */
    int64_t offset;    /* over all the files, from 0, blank lines counted */
};

/**
 * Makes a reader of the files, one after another as if they were one.
 *
 * Files are opened when they are reached, but one that is not there is told here, not an hour
 * later.
 *
 * @param paths           copied; "-" is standard input; zstd files are decompressed
 * @param line_bytes_max  a longer line is cut to one byte more, so that whoever has the same bound
 *                        sees that it is too long; the rest of it is passed over
 *
 * @return HEC_OK, HEC_NOT_FOUND, HEC_DENIED, HEC_UNAVAILABLE, HEC_CORRUPT, HEC_NO_MEMORY
 */
HEC_CHECKED enum hec_status hec_lines_open(struct hec_lines **ret, const char *const *paths,
                                           size_t paths_count, size_t line_bytes_max,
                                           struct hec_error *error);

/** Accepts NULL. */
void hec_lines_free(struct hec_lines *lines);

/**
 * Reads the next lines: at least one, at most max, all of one file.
 *
 * @return HEC_OK, HEC_END, or what hec_lines_open returns, for the file that was reached
 */
HEC_CHECKED enum hec_status hec_lines_read(struct hec_lines *lines, struct hec_line *line,
                                           size_t max, size_t *count, struct hec_error *error);

/** How far we are, 0 .. 1 by bytes of the files; negative when that cannot be known. */
double hec_lines_progress(const struct hec_lines *lines);

#endif
