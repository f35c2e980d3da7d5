/*
 * What is due when: a binary heap by time. Of things due in the same millisecond the one that was
 * added first comes first, so that a stream made with it is the same on every machine.
 */
#ifndef HECATE_FILE_SCHEDULE_H
#define HECATE_FILE_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* kind, who and what are the caller's own. */
struct hec_due {
    int64_t at_ms;
    uint64_t order; /* set by hec_schedule_add */
    uint64_t what;
    uint32_t who;
    uint32_t kind;
};

/* All zero is an empty one. */
struct hec_schedule {
    struct hec_due *heap;
    size_t count, room;
    uint64_t added;
};

void hec_schedule_free(struct hec_schedule *schedule);

/** False when memory is exhausted. */
bool hec_schedule_add(struct hec_schedule *schedule, struct hec_due due);

/** The earliest, not taken; NULL when there is nothing. */
const struct hec_due *hec_schedule_first(const struct hec_schedule *schedule);

/** Takes the earliest. There must be one. */
struct hec_due hec_schedule_take(struct hec_schedule *schedule);

#endif
