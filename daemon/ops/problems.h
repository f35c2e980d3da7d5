/*
 * Everything that is wrong with a file, not only the first thing: a list of sentences.
 *
 * A sentence stands alone: file, line, what is wrong, what to do. All zero is an empty list.
 */
#ifndef HECATE_OPS_PROBLEMS_H
#define HECATE_OPS_PROBLEMS_H

#include <stdbool.h>
#include <stddef.h>

#include "hecate/status.h"

#define HEC_PROBLEMS_MAX 32

struct hec_problems {
    struct hec_error rows[HEC_PROBLEMS_MAX];
    int count;   /* rows filled */
    int dropped; /* further ones that found no room */
};

/** Adds one sentence; status is what a caller should answer for it (HEC_INVALID, ...). */
void hec_problems_add(struct hec_problems *problems, enum hec_status status, const char *format,
                      ...) HEC_PRINTF(3, 4);

/** The status of the first problem; HEC_OK when there is none. */
enum hec_status hec_problems_status(const struct hec_problems *problems);

/**
 * The name of a list that a mistyped one most probably meant.
 *
 * @param names   ended by NULL
 * @return one of names when it is near (Damerau-Levenshtein distance at most a third of the
 *         length, at least 1; or one holds the other), else NULL
 */
const char *hec_nearest(const char *mistyped, const char *const *names);

#define HEC_PLACE_BYTES 512

/** Where something stands, "file:line"; what no file says (--set) has no line. Returns place. */
const char *hec_place(char place[HEC_PLACE_BYTES], const char *file, int line);
/** The same in memory of the statement's own. */
#define HEC_PLACE(file, line) hec_place((char[HEC_PLACE_BYTES]){ 0 }, file, line)

#endif
