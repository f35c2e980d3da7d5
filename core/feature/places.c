/*
 * Handing out places, once every feature has asked: windows in the order of their parts, columns in
 * the order of an element's numbers, one sum for each column of a window that some feature reads,
 * and how large a record of it may become.
 */
#include <stdlib.h>
#include <string.h>

#include "feature/plan.h"
#include "state/distinct.h"
#include "state/hours.h"
#include "state/recent.h"
#include "state/values.h"

#define RING_MAX 4096u
#define RECORD_MAX ((uint64_t)1 << 20)

/* 0 counts, 1 sums, 2 peaks: their order in an element. */
static int rank_of(const struct hec_column *column)
{
    return (column->measure >= HEC_MEASURE_SUM) + (column->measure >= HEC_MEASURE_MAX);
}

static int by_part(const void *a, const void *b)
{
    const struct hec_column *x = a;
    const struct hec_column *y = b;
    if (x->part != y->part) {
        return x->part < y->part ? -1 : 1;
    }
    /* slot holds the order of asking until places are handed out. */
    return rank_of(x) != rank_of(y) ? rank_of(x) - rank_of(y) : (int)x->slot - (int)y->slot;
}

/* Puts the windows in the order of their parts: a reader walks over both together. */
static void sort_windows(struct hec_kind_plan *kind, struct hec_reading *readings)
{
    struct hec_window sorted[HEC_WINDOWS_MAX];
    int16_t moved_to[HEC_WINDOWS_MAX];
    int n = 0;
    for (int p = 0; p < kind->layout.parts_count; p++) {
        for (int w = 0; w < kind->windows_count; w++) {
            if (kind->windows[w].part == p) {
                moved_to[w] = (int16_t)n;
                sorted[n++] = kind->windows[w];
            }
        }
    }
    memcpy(kind->windows, sorted, (size_t)n * sizeof(*sorted));
    for (int r = 0; r < kind->readings_count; r++) {
        struct hec_reading *reading = &readings[kind->readings + r];
        reading->window = reading->window < 0 ? -1 : moved_to[reading->window];
        reading->window2 = reading->window2 < 0 ? -1 : moved_to[reading->window2];
    }
}

/* The sum of a column over a window: the one that is there already, or a new one. -1: there are too
 * many. */
static int16_t want_sum(struct hec_kind_plan *kind, int window, int column)
{
    const struct hec_column *of = &kind->columns[column];
    const struct hec_part *part = &kind->layout.parts[of->part];
    struct hec_gather wanted = {
        .window = (uint8_t)window,
        .measure = of->measure,
        .column = (uint16_t)(rank_of(of) == 0 ? of->slot : of->slot - part->counts),
    };
    struct hec_window *over = &kind->windows[window];
    for (int i = over->gathers; i < kind->sums_count; i++) {
        const struct hec_gather *other = &kind->gathers[i];
        if (other->measure == wanted.measure && other->column == wanted.column) {
            return (int16_t)i;
        }
    }
    if (kind->sums_count == HEC_SUMS_MAX) {
        return -1;
    }
    kind->gathers[kind->sums_count] = wanted;
    over->gathers_count++;
    return (int16_t)(kind->sums_count++);
}

/* A sum needs no number of known values, and a number of frauds none of events; the columns are
 * there all the same, for the features that do. */
static bool is_told(const struct hec_reading *reading, int c)
{
    bool alone = reading->aggregate == HEC_AGG_SUM || reading->aggregate == HEC_AGG_LABEL_COUNT;
    return reading->columns[c] >= 0 && !(alone && c == 0);
}

/* Hands out the sums, window by window. False: there are too many. */
static bool gather_columns(struct hec_kind_plan *kind, struct hec_reading *readings,
                           const int *moved_to)
{
    for (int w = 0; w < kind->windows_count; w++) {
        kind->windows[w].gathers = (uint16_t)kind->sums_count;
        for (int r = 0; r < kind->readings_count; r++) {
            struct hec_reading *reading = &readings[kind->readings + r];
            for (int c = 0; c < 4; c++) {
                bool second = c == 1 && reading->window2 >= 0;
                if ((second ? reading->window2 : reading->window) == w && is_told(reading, c)) {
                    int16_t sum = want_sum(kind, w, moved_to[reading->columns[c]]);
                    if (sum < 0) {
                        return false;
                    }
                    reading->columns[c] = sum;
                }
            }
        }
    }
    return true;
}

/* Hands out the places of columns and sums. False: there are too many sums. */
static bool place_columns(struct hec_kind_plan *kind, struct hec_reading *readings)
{
    int moved_to[HEC_COLUMNS_MAX];
    for (int i = 0; i < kind->columns_count; i++) {
        kind->columns[i].slot = (uint16_t)i;
    }
    qsort(kind->columns, (size_t)kind->columns_count, sizeof(*kind->columns), by_part);
    for (int i = 0; i < kind->columns_count; i++) {
        moved_to[kind->columns[i].slot] = i;
    }
    int next = 0;
    for (int p = 0; p < kind->layout.parts_count; p++) {
        struct hec_part *part = &kind->layout.parts[p];
        kind->columns_of[p] = (uint16_t)next;
        for (; next < kind->columns_count && kind->columns[next].part == p; next++) {
            struct hec_column *column = &kind->columns[next];
            column->slot = (uint16_t)(next - kind->columns_of[p]);
            part->counts += rank_of(column) == 0;
            part->sums += rank_of(column) == 1;
            part->peaks += rank_of(column) == 2;
            kind->filters_of[p] |= (uint64_t)1 << column->filter;
            kind->fraud_parts |= (uint64_t)(column->measure == HEC_MEASURE_FRAUD) << p;
        }
    }
    kind->columns_of[kind->layout.parts_count] = (uint16_t)next;
    return gather_columns(kind, readings, moved_to);
}

/* How large an element of each part is and how many there may be. False: a record may become too
 * large, or a ring too long. */
static bool size_parts(struct hec_plan *plan, struct hec_kind_plan *kind)
{
    struct hec_layout *layout = &kind->layout;
    bool fits = true;
    uint64_t most = hec_record_empty_bytes(layout, HEC_TOKEN_BYTES_MAX);
    for (int p = 0; p < layout->parts_count; p++) {
        struct hec_part *part = &layout->parts[p];
        uint32_t sketches = 0;
        switch (part->kind) {
        case HEC_PART_TILES:
            part->element_bytes = 4 + 4 * part->counts + 8 * (part->sums + part->peaks);
            part->elements_max = part->ring;
            fits = fits && part->ring <= RING_MAX;
            plan->reach_ms = part->ring * part->width_ms > plan->reach_ms
                                 ? part->ring * part->width_ms
                                 : plan->reach_ms;
            break;
        case HEC_PART_DISTINCT:
            part->element_bytes = 8;
            part->elements_max = HEC_DISTINCT_EXACT;
            sketches = (part->ring / part->group + 3) * HEC_SKETCH_BYTES;
            break;
        case HEC_PART_SEEN:
            part->element_bytes = 4;
            part->elements_max = HEC_SEEN_MAX;
            break;
        case HEC_PART_VALUES:
            part->element_bytes = sizeof(struct hec_habit);
            part->elements_max = HEC_VALUES_KEPT;
            break;
        case HEC_PART_IDS:
            part->element_bytes = HEC_IDS_BYTES;
            part->elements_max = HEC_IDS_MAX;
            break;
        case HEC_PART_HOURS:
            part->element_bytes = HEC_HOURS_BYTES;
            part->elements_max = HEC_HOURS_MAX;
            break;
        case HEC_PART_VERDICTS:
            part->element_bytes = HEC_VERDICT_BYTES;
            part->elements_max = HEC_VERDICTS_MAX;
            break;
        case HEC_PART_KINDS: break;
        }
        most += (uint64_t)(part->elements_max + 1) * part->element_bytes + sketches;
    }
    layout->bytes_max = (uint32_t)most;
    return fits && most <= RECORD_MAX;
}

bool hec_plan_place(struct hec_plan *plan, struct hec_kind_plan *kind)
{
    sort_windows(kind, plan->readings);
    if (!place_columns(kind, plan->readings)) {
        return false;
    }
    for (int p = 0; p < HEC_PARTS_MAX; p++) {
        kind->list_of[p] = -1;
    }
    for (int p = 0; p < kind->layout.parts_count; p++) {
        kind->parts_of[kind->layout.parts[p].kind] |= (uint64_t)1 << p;
    }
    for (int i = 0; i < kind->lists_count; i++) {
        kind->list_of[kind->lists[i].part] = i;
        kind->filters_of[kind->lists[i].part] = (uint64_t)1 << kind->lists[i].filter;
    }
    return size_parts(plan, kind);
}
