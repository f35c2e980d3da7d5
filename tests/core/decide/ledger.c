/* The ledger: days end, the budget is spent on what costs most, the breaker opens and closes, and a
 * ledger read back from its text decides as the one that stayed. */
#include "hecate/ledger.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hecate/random.h"

#define DAY_MS INT64_C(86400000)
#define DAY0 INT64_C(20000)
enum { CANDIDATES_MAX = 40000, EVENTS = 20000 };

struct day {
    int candidates, used;
    double got, best;
};

static int greater_first(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? 1 : x > y ? -1 : 0;
}

/* One made-up day: events swell and ebb, some of them candidates, losses spread over decades. */
static struct day live_day(struct hec_ledger *ledger, struct hec_random *random, int64_t day,
                           double candidates, int64_t budget)
{
    static double losses[CANDIDATES_MAX];
    struct day seen = { 0 };
    for (int i = 0; i < EVENTS; i++) {
        int64_t at_ms = (DAY0 + day) * DAY_MS + DAY_MS * i / EVENTS;
        double swell = 1 + 0.8 * sin(6.283 * i / EVENTS);
        hec_ledger_event(ledger, at_ms);
        if (hec_random_uniform(random) < swell * candidates / EVENTS) {
            int64_t loss = (int64_t)exp(9 + 1.2 * hec_random_normal(random));
            losses[seen.candidates++] = (double)loss;
            if (hec_ledger_spend(ledger, 0, budget, loss, false)) {
                seen.used++;
                seen.got += (double)loss;
            }
        }
    }
    qsort(losses, (size_t)seen.candidates, sizeof(*losses), greater_first);
    for (int i = 0; i < seen.candidates && i < budget; i++) {
        seen.best += losses[i];
    }
    return seen;
}

Test(ledger, spends_the_budget_on_what_costs_most_when_a_day_is_ten_times_the_usual)
{
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct hec_ledger ledger = { 0 };
        struct hec_random random = hec_random_at(seed, 0);
        for (int day = 0; day < 5; day++) {
            struct day usual = live_day(&ledger, &random, day, 100, 200);
            cr_expect(day == 0 || usual.used >= 0.95 * usual.candidates,
                      "seed %d: a usual day is told", (int)seed);
        }
        struct day ten = live_day(&ledger, &random, 5, 1000, 200);
        cr_expect(ten.used <= 200 && ten.used >= 190, "seed %d: %d of 200", (int)seed, ten.used);
        cr_expect_geq(ten.got, 0.9 * ten.best, "seed %d: %f", (int)seed, ten.got / ten.best);
        cr_expect_eq(ledger.heads[0].refused + ledger.heads[0].used, (uint32_t)ten.candidates);
    }
}

Test(ledger, holds_the_budget_on_its_very_first_day_too)
{
    struct hec_ledger ledger = { 0 };
    struct hec_random random = hec_random_at(3, 0);
    struct day first = live_day(&ledger, &random, 0, 1000, 200);
    cr_expect(first.used <= 200 && first.used >= 190, "%d", first.used);
    cr_expect_geq(first.got, 0.75 * first.best, "%f", first.got / first.best);
}

Test(ledger, tells_every_forced_one_and_counts_it)
{
    struct hec_ledger ledger = { 0 };
    hec_ledger_event(&ledger, DAY0 * DAY_MS);
    for (int i = 0; i < 5; i++) {
        cr_expect(hec_ledger_spend(&ledger, 2, 3, 100, true));
    }
    cr_expect_eq(ledger.heads[2].used, 5);
    cr_expect_not(hec_ledger_spend(&ledger, 2, 3, 1000000, false));
    cr_expect_eq(ledger.heads[2].refused, 1);
    cr_expect_not(hec_ledger_spend(&ledger, 1, 0, 1000000, false));
}

Test(ledger, begins_a_day_with_the_first_event_of_it_and_never_goes_back)
{
    struct hec_ledger ledger = { 0 };
    hec_ledger_event(&ledger, DAY0 * DAY_MS + 5000);
    cr_expect(hec_ledger_spend(&ledger, 0, 10, 100, true));
    hec_ledger_event(&ledger, (DAY0 + 1) * DAY_MS - 1);
    cr_expect_eq(ledger.heads[0].used, 1);
    hec_ledger_event(&ledger, (DAY0 + 1) * DAY_MS);
    cr_expect_eq(ledger.heads[0].used, 0);
    cr_expect_eq(ledger.days, 1);
    cr_expect(hec_ledger_spend(&ledger, 0, 10, 100, true));
    hec_ledger_event(&ledger, DAY0 * DAY_MS + 7000); /* a late one: still the second day */
    cr_expect_eq(ledger.heads[0].used, 1);
    cr_expect_eq(ledger.day, DAY0 + 1);
}

Test(ledger, parts_of_a_budget_add_up_and_differ_by_one_at_most)
{
    for (int64_t budget = 0; budget < 300; budget += 7) {
        for (int32_t partitions = 1; partitions < 40; partitions += 3) {
            int64_t sum = 0;
            for (int32_t p = 0; p < partitions; p++) {
                int64_t part = hec_budget_part(budget, p, partitions);
                cr_expect(part == budget / partitions || part == budget / partitions + 1);
                sum += part;
            }
            cr_expect_eq(sum, budget);
        }
    }
}

/* ---- The breaker ----------------------------------------------------------------------------- */

#define WINDOW_MS 10000
static bool breaker(struct hec_ledger *ledger, int64_t at_ms, bool block)
{
    return hec_ledger_breaker(ledger, DAY0 * DAY_MS + at_ms, WINDOW_MS, 0.2, block);
}

Test(ledger, opens_the_breaker_above_its_share_and_closes_it_below_half_of_it)
{
    struct hec_ledger ledger = { 0 };
    int64_t at = 0;
    for (int i = 0; i < 99; i++) {
        cr_expect_not(breaker(&ledger, at, true), "too few to say");
    }
    cr_expect(breaker(&ledger, at, true));
    uint32_t events, blocks;
    for (int i = 0; i < 900; i++) {
        bool open = breaker(&ledger, at, false);
        hec_ledger_window(&ledger, &events, &blocks);
        cr_expect_eq(open, blocks * 10 > events, "%u of %u", blocks, events);
    }
    cr_expect_not(breaker(&ledger, at, false));
    for (int i = 0; i < 130; i++) { /* 230 of 1131 is above a fifth */
        cr_expect_eq(breaker(&ledger, at, true), (101 + i) * 5 > 1002 + i, "%d", i);
    }
}

Test(ledger, counts_the_breaker_anew_when_its_window_changes)
{
    struct hec_ledger ledger = { 0 };
    for (int i = 0; i < 200; i++) {
        breaker(&ledger, 0, true);
    }
    cr_expect(ledger.open);
    uint32_t events, blocks;
    for (int at = 0; at < 3; at++) { /* wider, so that slots have smaller numbers */
        hec_ledger_breaker(&ledger, DAY0 * DAY_MS + at * 4 * WINDOW_MS, 2 * WINDOW_MS, 0.2, false);
        hec_ledger_window(&ledger, &events, &blocks);
        cr_expect_eq(events, 1u, "%u at %d", events, at);
        cr_expect_eq(blocks, 0u);
    }
}

Test(ledger, forgets_blocks_that_left_the_window)
{
    struct hec_ledger ledger = { 0 };
    for (int i = 0; i < 200; i++) {
        breaker(&ledger, 0, true);
    }
    cr_expect(breaker(&ledger, WINDOW_MS - 1, true));
    cr_expect_not(breaker(&ledger, WINDOW_MS + 1001, false), "one block of two events");
    uint32_t events, blocks;
    hec_ledger_window(&ledger, &events, &blocks);
    cr_expect_eq(events, 2);
    cr_expect_eq(blocks, 1);
    breaker(&ledger, 500 * WINDOW_MS, false);
    hec_ledger_window(&ledger, &events, &blocks);
    cr_expect_eq(events, 1);
    breaker(&ledger, 0, true); /* a late one counts in the newest slot */
    hec_ledger_window(&ledger, &events, &blocks);
    cr_expect_eq(events, 2);
}

Test(ledger, never_opens_the_breaker_when_there_is_none)
{
    struct hec_ledger ledger = { 0 };
    for (int i = 0; i < 1000; i++) {
        cr_expect_not(hec_ledger_breaker(&ledger, DAY0 * DAY_MS, WINDOW_MS, 0, true));
    }
}

/* ---- As text --------------------------------------------------------------------------------- */

Test(ledger, goes_on_from_its_text_as_if_nothing_had_happened)
{
    struct hec_ledger stayed = { 0 };
    struct hec_random random = hec_random_at(9, 0);
    size_t longest = 0;
    for (int i = 0; i < 60000; i++) {
        int64_t at_ms = DAY0 * DAY_MS + (int64_t)i * 9000; /* six days */
        if (i % 997 == 0) {
            char text[HEC_LEDGER_TEXT_MAX];
            struct hec_ledger read;
            size_t length = hec_ledger_print(text, &stayed);
            cr_assert_gt(length, 0);
            cr_assert_eq(strlen(text), length);
            cr_assert_eq(strspn(text, "0123456789abcdefghijklmnopqrstuvwxyz"
                                      "ABCDEFGHIJKLMNOPQRSTUVWXYZ+/*.:!-"),
                         length);
            cr_assert(hec_ledger_parse(&read, text), "event %d: %s", i, text);
            cr_assert_eq(memcmp(&read, &stayed, sizeof(read)), 0, "event %d", i);
            longest = length > longest ? length : longest;
        }
        hec_ledger_event(&stayed, at_ms);
        hec_ledger_breaker(&stayed, at_ms, 300000, 0.05, i % 30 == 0);
        for (int head = 0; head < 3 && i % 5 == 0; head++) {
            hec_ledger_spend(&stayed, head, 50, (int64_t)exp(8 + 2 * hec_random_normal(&random)),
                             false);
        }
    }
    cr_expect_lt(longest, 1500, "%zu", longest);
}

Test(ledger, takes_no_text_that_is_not_its_own)
{
    struct hec_ledger ledger = { .day = 5 };
    char text[HEC_LEDGER_TEXT_MAX];
    static const char *const OTHERS[] = { "",      "b",      "a",
                                          "a-",    "aA",     "aAAAAAA",
                                          "a!!!!", "a-zzzz", "a-00000000000000000000" };
    for (size_t i = 0; i < sizeof(OTHERS) / sizeof(OTHERS[0]); i++) {
        cr_expect_not(hec_ledger_parse(&ledger, OTHERS[i]), "%s", OTHERS[i]);
        cr_expect_eq(ledger.day, 0);
    }
    ledger = (struct hec_ledger){ .day = 20000, .days = 3 };
    cr_assert_gt(hec_ledger_print(text, &ledger), 0);
    strcat(text, "A");
    cr_expect_not(hec_ledger_parse(&ledger, text));
}

Test(ledger, says_so_when_its_text_would_be_too_long)
{
    struct hec_ledger ledger;
    memset(&ledger, 0xff, sizeof(ledger)); /* every count as large as it gets */
    ledger.open = true;
    char text[HEC_LEDGER_TEXT_MAX];
    cr_expect_eq(hec_ledger_print(text, &ledger), 0);
    cr_expect_eq(text[0], '\0');
}

/* ---- Over many shapes of a day --------------------------------------------------------------- */

/* A day whose candidates come in a way of their own, several heads at once; losses by a law of
 * their own as well. What holds is what the budget promises whatever the day is like. */
enum shape { SHAPE_EVEN, SHAPE_MORNING, SHAPE_EVENING, SHAPE_BURST, SHAPES };

static double weight_of(enum shape shape, double at)
{
    switch (shape) {
    case SHAPE_MORNING: return at < 0.5 ? 1.8 : 0.2;
    case SHAPE_EVENING: return at < 0.5 ? 0.2 : 1.8;
    case SHAPE_BURST: return at > 0.7 && at < 0.75 ? 12 : 0.42;
    default: return 1;
    }
}

static void shaped_day(struct hec_ledger *ledger, struct hec_random *random, enum shape shape,
                       int64_t day, double candidates, int64_t budget, int used[2])
{
    used[0] = used[1] = 0;
    for (int i = 0; i < EVENTS; i++) {
        double at = (double)i / EVENTS;
        hec_ledger_event(ledger, (DAY0 + day) * DAY_MS + DAY_MS * i / EVENTS);
        for (int head = 0; head < 2; head++) {
            double likely = weight_of(shape, at) * candidates / EVENTS * (head == 0 ? 1 : 0.5);
            if (hec_random_uniform(random) < likely) {
                int64_t loss = (int64_t)exp(7 + 2 * hec_random_normal(random));
                used[head] += hec_ledger_spend(ledger, head, budget, loss, false);
            }
        }
    }
}

Test(ledger, never_spends_more_than_the_budget_whatever_the_day_is_like)
{
    for (int shape = 0; shape < SHAPES; shape++) {
        for (int64_t budget = 1; budget < 500; budget = budget * 3 + 1) {
            struct hec_ledger ledger = { 0 };
            struct hec_random random = hec_random_at((uint64_t)shape, (uint64_t)budget);
            for (int day = 0; day < 3; day++) {
                int used[2];
                double candidates = day == 2 ? 5000 : 500;
                shaped_day(&ledger, &random, shape, day, candidates, budget, used);
                cr_expect(used[0] <= budget && used[1] <= budget, "shape %d, budget %d, day %d",
                          shape, (int)budget, day);
                cr_expect_eq(ledger.heads[0].used, (uint32_t)used[0]);
            }
        }
    }
}

Test(ledger, spends_nearly_all_of_it_when_a_day_is_as_the_days_before)
{
    for (int shape = 0; shape < SHAPES; shape++) {
        struct hec_ledger ledger = { 0 };
        struct hec_random random = hec_random_at(17, (uint64_t)shape);
        int used[2];
        for (int day = 0; day < 4; day++) {
            shaped_day(&ledger, &random, shape, day, 2000, 200, used);
        }
        cr_expect(used[0] >= 190 && used[1] >= 190, "shape %d: %d and %d of 200", shape, used[0],
                  used[1]);
    }
}

Test(ledger, keeps_the_budgets_of_heads_apart)
{
    struct hec_ledger ledger = { 0 };
    hec_ledger_event(&ledger, DAY0 * DAY_MS);
    for (int i = 0; i < 50; i++) {
        hec_ledger_spend(&ledger, 0, 10, 100, true);
    }
    cr_expect_eq(ledger.heads[0].used, 50);
    cr_expect_eq(ledger.heads[1].used, 0);
    hec_ledger_event(&ledger, DAY0 * DAY_MS + DAY_MS - 1);
    cr_expect(hec_ledger_spend(&ledger, 1, 10, 100, false), "the day is over, the budget is not");
}

Test(ledger, prefers_the_greater_loss_of_two_candidates)
{
    struct hec_ledger ledger = { 0 };
    struct hec_random random = hec_random_at(5, 5);
    for (int day = 0; day < 3; day++) {
        live_day(&ledger, &random, day, 1000, 100);
    }
    for (int i = 0; i < 500; i++) { /* half a day with its candidates */
        hec_ledger_event(&ledger, (DAY0 + 3) * DAY_MS + DAY_MS / 2 * i / 500);
        hec_ledger_spend(&ledger, 0, 100, (int64_t)exp(9 + 1.2 * hec_random_normal(&random)),
                         false);
    }
    struct hec_ledger small = ledger, large = ledger;
    int64_t least = 0;
    for (int64_t loss = 16; loss < INT64_C(1) << 40; loss *= 2) {
        struct hec_ledger copy = ledger;
        bool taken = hec_ledger_spend(&copy, 0, 100, loss, false);
        cr_expect(taken || least == 0, "a greater loss than one that is taken is taken");
        least = taken && least == 0 ? loss : least;
    }
    cr_assert(least > 16);
    cr_expect_not(hec_ledger_spend(&small, 0, 100, least / 4, false));
    cr_expect(hec_ledger_spend(&large, 0, 100, least * 4, false));
}

Test(ledger, takes_any_amount_and_any_time_without_harm)
{
    static const int64_t LOSSES[] = {
        0, 1, 15, 16, 17, 1000, INT64_C(1) << 19, INT64_C(1) << 20, INT64_C(1) << 62, INT64_MAX
    };
    static const int64_t TIMES[] = { 0, 1, DAY_MS - 1, DAY_MS, 253402300799999, 5 };
    struct hec_ledger ledger = { 0 };
    for (size_t t = 0; t < sizeof(TIMES) / sizeof(TIMES[0]); t++) {
        hec_ledger_event(&ledger, TIMES[t]);
        hec_ledger_breaker(&ledger, TIMES[t], 10000, 0.1, true);
        for (size_t i = 0; i < sizeof(LOSSES) / sizeof(LOSSES[0]); i++) {
            hec_ledger_spend(&ledger, HEC_HEADS_MAX - 1, 3, LOSSES[i], false);
        }
        char text[HEC_LEDGER_TEXT_MAX];
        struct hec_ledger read;
        cr_assert_gt(hec_ledger_print(text, &ledger), 0);
        cr_assert(hec_ledger_parse(&read, text));
        cr_expect_eq(memcmp(&read, &ledger, sizeof(read)), 0);
    }
}
