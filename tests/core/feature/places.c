/* Where a plan puts what its features asked for. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "feature/plan.h"
#include "schema.h"

static const char *const FILES[] = { "conf/features.conf", "conf/features-handbook.conf",
                                     "tests/data/features-every.conf" };
enum { FILES_COUNT = sizeof(FILES) / sizeof(*FILES) };

static int rank(const struct hec_column *column)
{
    return column->measure >= HEC_MEASURE_MAX ? 2 : column->measure >= HEC_MEASURE_SUM;
}

static void each_kind(void (*check)(const struct hec_plan *plan, const struct hec_kind_plan *kind))
{
    for (int f = 0; f < FILES_COUNT; f++) {
        struct hec_plan *plan = plan_of_file(FILES[f]);
        int checked = 0;
        for (int k = 0; k < HEC_KINDS; k++) {
            checked += plan->kinds[k].layout.parts_count > 0;
            check(plan, &plan->kinds[k]);
        }
        cr_assert_gt(checked, 1, "%s", FILES[f]);
        hec_plan_free(plan);
    }
}

/* Every column once, those of a part together, counts before sums before peaks, numbered from 0. */
static void columns_in_order(const struct hec_plan *plan, const struct hec_kind_plan *kind)
{
    (void)plan;
    int seen = 0;
    for (int p = 0; p < kind->layout.parts_count; p++) {
        const struct hec_part *part = &kind->layout.parts[p];
        int of_rank[3] = { 0 };
        for (int c = kind->columns_of[p]; c < kind->columns_of[p + 1]; c++, seen++) {
            const struct hec_column *column = &kind->columns[c];
            cr_assert_eq(column->part, p);
            cr_assert_eq(column->slot, c - kind->columns_of[p]);
            cr_assert(c == kind->columns_of[p] || rank(column) >= rank(column - 1));
            cr_assert(kind->filters_of[p] >> column->filter & 1);
            of_rank[rank(column)]++;
        }
        cr_assert_eq(part->counts, of_rank[0]);
        cr_assert_eq(part->sums, of_rank[1]);
        cr_assert_eq(part->peaks, of_rank[2]);
        if (part->kind == HEC_PART_TILES) {
            cr_assert_eq(part->element_bytes, 4 + 4 * of_rank[0] + 8 * (of_rank[1] + of_rank[2]));
        }
    }
    cr_assert_eq(seen, kind->columns_count);
}

Test(places, columns_stand_by_part_and_by_what_they_hold)
{
    each_kind(columns_in_order);
}

/* A reader walks over parts and windows together, and over a window's sums without a gap. */
static void windows_in_order(const struct hec_plan *plan, const struct hec_kind_plan *kind)
{
    (void)plan;
    int sums = 0;
    for (int w = 0; w < kind->windows_count; w++) {
        const struct hec_window *window = &kind->windows[w];
        cr_assert(w == 0 || window->part >= kind->windows[w - 1].part);
        cr_assert_eq(window->gathers, sums);
        for (int i = sums; i < sums + window->gathers_count; i++) {
            const struct hec_gather *gather = &kind->gathers[i];
            const struct hec_part *part = &kind->layout.parts[window->part];
            cr_assert_eq(gather->window, w);
            bool count = gather->measure < HEC_MEASURE_SUM;
            cr_assert_lt(gather->column, count ? part->counts : part->sums + part->peaks);
            for (int other = sums; other < i; other++) {
                cr_assert(kind->gathers[other].measure != gather->measure ||
                              kind->gathers[other].column != gather->column,
                          "one column is summed twice over one window");
            }
        }
        sums += window->gathers_count;
    }
    cr_assert_eq(sums, kind->sums_count);
}

Test(places, windows_stand_by_part_and_sum_a_column_once)
{
    each_kind(windows_in_order);
}

/* What a feature was given is what it asked for: its window's, over its filter. */
static void readings_point_home(const struct hec_plan *plan, const struct hec_kind_plan *kind)
{
    for (int r = kind->readings; r < kind->readings + kind->readings_count; r++) {
        const struct hec_reading *reading = &plan->readings[r];
        cr_assert_lt(reading->window, kind->windows_count);
        for (int c = 0; c < 4 && reading->window >= 0; c++) {
            if (reading->columns[c] < 0) {
                continue;
            }
            bool alone =
                reading->aggregate == HEC_AGG_SUM || reading->aggregate == HEC_AGG_LABEL_COUNT;
            if (alone && c == 0) {
                continue; /* asked for, never read */
            }
            int window = c == 1 && reading->window2 >= 0 ? reading->window2 : reading->window;
            const struct hec_gather *gather = &kind->gathers[reading->columns[c]];
            cr_assert_eq(gather->window, window, "reading %d, column %d", r, c);
        }
    }
}

Test(places, readings_find_their_sums_after_the_sorting)
{
    each_kind(readings_point_home);
}

static void bounded(const struct hec_plan *plan, const struct hec_kind_plan *kind)
{
    const struct hec_layout *layout = &kind->layout;
    uint64_t most = hec_record_empty_bytes(layout, HEC_TOKEN_BYTES_MAX);
    for (int p = 0; p < layout->parts_count; p++) {
        const struct hec_part *part = &layout->parts[p];
        cr_assert_gt(part->element_bytes, 0u);
        cr_assert_gt(part->elements_max, 0u);
        cr_assert(kind->parts_of[part->kind] >> p & 1);
        most += (uint64_t)part->elements_max * part->element_bytes;
        if (part->kind == HEC_PART_TILES) {
            cr_assert_geq(plan->reach_ms, part->ring * part->width_ms);
        }
    }
    cr_assert_geq(layout->bytes_max, most);
    for (int l = 0; l < kind->lists_count; l++) {
        cr_assert_eq(kind->list_of[kind->lists[l].part], l);
    }
}

Test(places, a_record_has_a_largest_size_and_every_part_its_kind)
{
    each_kind(bounded);
}

Test(places, features_of_one_window_share_its_sums)
{
    struct hec_plan *plan =
        plan_of("filter big { events = {card_auth} where = {\"amount_minor >= 9\"} }\n"
                "feature a { aggregate = count entity = card filter = big window = 7d }\n"
                "feature b { aggregate = mean entity = card filter = big field = amount_minor "
                "window = 7d }\n"
                "feature c { aggregate = sum entity = card filter = big field = amount_minor "
                "window = 7d }");
    const struct hec_kind_plan *kind = &plan->kinds[HEC_CARD];
    cr_expect_eq(kind->windows_count, 1);
    cr_expect_eq(kind->readings_count, 3);
    /* The number of events, of known amounts, and their sum. */
    cr_expect_eq(kind->sums_count, 3, "%d sums", kind->sums_count);
    const struct hec_reading *mean = &plan->readings[kind->readings + 1];
    const struct hec_reading *sum = &plan->readings[kind->readings + 2];
    int shared = 0;
    for (int c = 0; c < 4; c++) {
        for (int other = 0; other < 4; other++) {
            shared += mean->columns[c] >= 0 && mean->columns[c] == sum->columns[other];
        }
    }
    cr_expect_geq(shared, 1, "mean and sum add up the same amounts twice");
    hec_plan_free(plan);
}

Test(places, a_ring_that_is_too_long_is_refused)
{
    struct hec_schema *schema =
        schema_of("feature a { aggregate = count entity = card window = 5m delay = 300d }");
    struct hec_plan *plan = NULL;
    struct hec_error error = { 0 };
    cr_expect_eq(hec_plan_new(&plan, schema, &error), HEC_INVALID);
    cr_expect_null(plan);
    free(schema);
}
