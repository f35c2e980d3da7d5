#include "file/schedule.h"

#include <assert.h>
#include <stdlib.h>

static bool before(const struct hec_due *a, const struct hec_due *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

void hec_schedule_free(struct hec_schedule *schedule)
{
    free(schedule->heap);
    *schedule = (struct hec_schedule){ 0 };
}

bool hec_schedule_add(struct hec_schedule *schedule, struct hec_due due)
{
    if (schedule->count == schedule->room) {
        size_t room = schedule->room == 0 ? 1024 : schedule->room * 2;
        struct hec_due *heap = realloc(schedule->heap, room * sizeof(*heap));
        if (heap == NULL) {
            return false;
        }
        schedule->heap = heap;
        schedule->room = room;
    }
    due.order = schedule->added++;
    size_t at = schedule->count++;
    while (at > 0 && before(&due, &schedule->heap[(at - 1) / 2])) {
        schedule->heap[at] = schedule->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    schedule->heap[at] = due;
    return true;
}

const struct hec_due *hec_schedule_first(const struct hec_schedule *schedule)
{
    return schedule->count == 0 ? NULL : &schedule->heap[0];
}

struct hec_due hec_schedule_take(struct hec_schedule *schedule)
{
    assert(schedule->count > 0);

    struct hec_due first = schedule->heap[0];
    struct hec_due last = schedule->heap[--schedule->count];
    size_t at = 0;
    for (size_t child = 1; child < schedule->count; child = 2 * at + 1) {
        child += child + 1 < schedule->count &&
                 before(&schedule->heap[child + 1], &schedule->heap[child]);
        if (!before(&schedule->heap[child], &last)) {
            break;
        }
        schedule->heap[at] = schedule->heap[child];
        at = child;
    }
    schedule->heap[at] = last;
    return first;
}
