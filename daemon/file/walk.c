#include "file/walk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file/input.h"

/* Records are decoded with the limits that hecated has by default. */
#define RECORD_BYTES_MAX 65536
#define FUTURE_SKEW_MS 60000

struct hec_walk {
    struct hec_walk_job job;
    struct hec_lines *lines;
    struct hec_entities *entities;
    struct hec_batch *batch;
    struct hec_scorer *scorer;
    struct hec_line line[HEC_WALK_ROWS];
};

enum hec_status hec_walk_new(struct hec_walk **ret, const struct hec_walk_job *job,
                             struct hec_error *error)
{
    static const bool OWNED = true;
    static const struct hec_decode_limits LIMITS = { .record_bytes_max = RECORD_BYTES_MAX,
                                                     .future_skew_ms = FUTURE_SKEW_MS };
    struct hec_walk *walk = calloc(1, sizeof(*walk));
    if (walk == NULL) {
        return hec_fail(error, HEC_NO_MEMORY, "memory is exhausted");
    }
    walk->job = *job;
    enum hec_status status =
        hec_lines_open(&walk->lines, job->paths, job->paths_count, RECORD_BYTES_MAX, error);
    if (status == HEC_OK && job->model != NULL) {
        status = hec_scorer_new(&walk->scorer, job->plan, job->model, HEC_WALK_ROWS, error);
    }
    if (status == HEC_OK) {
        status = hec_batch_new(&walk->batch, job->plan, &LIMITS, 1, HEC_WALK_ROWS);
        if (status == HEC_OK) {
            status = hec_entities_new(&walk->entities, job->plan, SIZE_MAX / 2);
        }
        if (status != HEC_OK) {
            hec_fail(error, status, "memory is exhausted");
        }
    }
    if (status != HEC_OK) {
        hec_walk_free(walk);
        return status;
    }
    hec_entities_set_partitions(walk->entities, 1, &OWNED);
    hec_entities_set_complete(walk->entities, 0, true);
    *ret = walk;
    return HEC_OK;
}

void hec_walk_free(struct hec_walk *walk)
{
    if (walk == NULL) {
        return;
    }
    hec_batch_free(walk->batch);
    hec_entities_free(walk->entities);
    hec_scorer_free(walk->scorer);
    hec_lines_free(walk->lines);
    free(walk);
}

static enum hec_status move_states(struct hec_walk *walk)
{
    enum hec_status status = hec_batch_want(walk->batch, walk->entities);
    if (status != HEC_OK) {
        return status;
    }
    for (int i = 0; i < walk->batch->missing_count; i++) {
        hec_entities_absent(walk->entities, walk->batch->missing[i]);
    }
    if (walk->scorer != NULL) {
        status = hec_scorer_run(walk->scorer, walk->batch, walk->entities);
    } else if (walk->job.applies_only) {
        status = hec_batch_apply(walk->batch, walk->entities);
    } else {
        status = hec_batch_read(walk->batch, walk->entities);
    }
    return status;
}

static void count_rows(const struct hec_walk *walk, struct hec_walk_counts *counts)
{
    const struct hec_batch *batch = walk->batch;
    counts->records += (uint64_t)batch->rows_count;
    for (int i = 0; i < batch->rows_count; i++) {
        const struct hec_row *row = &batch->rows[i];
        counts->outcomes[row->outcome]++;
        if (row->status == HEC_OK) {
            continue;
        }
        if (counts->refused[row->status]++ == 0) {
            snprintf(counts->first_refused[row->status], sizeof(counts->first_refused[0]),
                     "%.120s:%llu", walk->line[i].path, (unsigned long long)walk->line[i].number);
            counts->first_blame[row->status] = row->blame;
        }
    }
}

static enum hec_status step(struct hec_walk *walk, struct hec_walk_counts *counts,
                            struct hec_error *error)
{
    size_t count = 0;
    enum hec_status status = hec_lines_read(walk->lines, walk->line, HEC_WALK_ROWS, &count, error);
    if (status != HEC_OK) {
        return status;
    }
    hec_batch_reset(walk->batch);
    for (size_t i = 0; i < count; i++) {
        if (hec_batch_add(walk->batch, walk->line[i].bytes, walk->line[i].length, NULL, 0, 0,
                          walk->line[i].offset, -1) == NULL) {
            return hec_fail(error, HEC_NO_MEMORY, "memory is exhausted");
        }
    }
    status = move_states(walk);
    if (status != HEC_OK) {
        return hec_fail(error, status, "%s:%llu: %s", walk->line[0].path,
                        (unsigned long long)walk->line[0].number, hec_status_text(status));
    }
    count_rows(walk, counts);
    if (walk->job.on_batch != NULL) {
        status = walk->job.on_batch(walk->job.user, walk->batch, walk->line, error);
    }
    hec_entities_unpin(walk->entities);
    return status;
}

enum hec_status hec_walk_run(struct hec_walk *walk, struct hec_walk_counts *counts,
                             struct hec_error *error)
{
    enum hec_status status = HEC_OK;
    *counts = (struct hec_walk_counts){ 0 };
    while (status == HEC_OK) {
        status = step(walk, counts, error);
    }
    return status == HEC_END ? HEC_OK : status;
}

double hec_walk_progress(const struct hec_walk *walk)
{
    return hec_lines_progress(walk->lines);
}

struct hec_scorer *hec_walk_scorer(const struct hec_walk *walk)
{
    return walk->scorer;
}

struct hec_entities *hec_walk_entities(const struct hec_walk *walk)
{
    return walk->entities;
}

enum hec_status hec_file_read(void **bytes, size_t *length, const char *path, size_t bytes_max,
                              struct hec_error *error)
{
    struct hec_input *input = NULL;
    enum hec_status status = hec_input_open(&input, path, error);
    if (status != HEC_OK) {
        return status;
    }
    char *all = NULL;
    size_t have = 0, room = 0;
    while (status == HEC_OK) {
        if (have == room) {
            room = room == 0 ? 1 << 20 : room * 2;
            char *grown = realloc(all, room);
            if (grown == NULL) {
                status = hec_fail(error, HEC_NO_MEMORY, "memory is exhausted");
                break;
            }
            all = grown;
        }
        size_t got = 0;
        status = hec_input_read(input, all + have, room - have, &got, error);
        have += status == HEC_OK ? got : 0;
        if (have > bytes_max) {
            status = hec_fail(error, HEC_INVALID, "%s: larger than %zu bytes", path, bytes_max);
        }
    }
    hec_input_free(input);
    if (status != HEC_END) {
        free(all);
        return status;
    }
    *bytes = all;
    *length = have;
    return HEC_OK;
}
