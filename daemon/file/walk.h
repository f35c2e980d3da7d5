/*
 * The walk: files through the same steps as the topic, batch by batch.
 *
 *   lines -> hec_batch_add -> hec_batch_want -> hec_scorer_run (or hec_batch_read) -> your callback
 *
 * features, train, score and replay differ only in what they do with a batch. All the files are one
 * partition, 0, whose offsets are the line numbers over all files; nothing is ever evicted, so
 * there is no store to ask.
 */
#ifndef HECATE_FILE_WALK_H
#define HECATE_FILE_WALK_H

#include <stdint.h>

#include "file/lines.h"
#include "hecate/batch.h"
#include "hecate/scorer.h"

#define HEC_WALK_ROWS 256

struct hec_walk;

struct hec_walk_job {
    const char *const *paths;
    size_t paths_count;
    const struct hec_plan *plan;   /* borrowed */
    const struct hec_model *model; /* NULL: features are read, nothing is scored */
    bool applies_only;             /* states move, nothing else: a silent replay */
    /* Called after every batch; anything but HEC_OK ends the walk, HEC_END quietly. Row i of
     * the batch was lines[i]. May be NULL. */
    enum hec_status (*on_batch)(void *user, const struct hec_batch *batch,
                                const struct hec_line *lines, struct hec_error *error);
    void *user;
};

struct hec_walk_counts {
    uint64_t records;
    uint64_t outcomes[HEC_OUTCOMES];
    uint64_t refused[HEC_STATUSES];
    /* The first record of each refusal: "FILE:LINE", and the field to blame. */
    char first_refused[HEC_STATUSES][160];
    enum hec_field first_blame[HEC_STATUSES];
};

/**
 * Makes a walk: opens the files, allocates everything.
 *
 * @return HEC_OK, what hec_lines_open or hec_scorer_new return, HEC_NO_MEMORY
 */
HEC_CHECKED enum hec_status hec_walk_new(struct hec_walk **ret, const struct hec_walk_job *job,
                                         struct hec_error *error);
/** Accepts NULL. */
void hec_walk_free(struct hec_walk *walk);

/**
 * Goes from the first line to the last. Refused lines are counted and do not stop it.
 *
 * @param counts  receives what became of the records, also on failure
 * @return HEC_OK, a failure to read, HEC_NO_MEMORY, or what on_batch said
 */
HEC_CHECKED enum hec_status hec_walk_run(struct hec_walk *walk, struct hec_walk_counts *counts,
                                         struct hec_error *error);

/** How far the files are read, 0 .. 1; negative when that cannot be known. For on_batch. */
double hec_walk_progress(const struct hec_walk *walk);

/** NULL when the job has no model. Explanations of the batch in hand may be asked of it. */
struct hec_scorer *hec_walk_scorer(const struct hec_walk *walk);
/** The states as they are now. */
struct hec_entities *hec_walk_entities(const struct hec_walk *walk);

/**
 * Reads a whole file ("-": standard input) of at most bytes_max bytes into memory for free(): a
 * model.
 *
 * @return HEC_OK, what hec_input_open returns, HEC_INVALID (larger), HEC_NO_MEMORY
 */
HEC_CHECKED enum hec_status hec_file_read(void **bytes, size_t *length, const char *path,
                                          size_t bytes_max, struct hec_error *error);

#endif
