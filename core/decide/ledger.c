/*
 * The budget's threshold, the breaker's window, and both as text.
 *
 * Everything that is remembered is an integer: what was read back from text decides as what stayed
 * in memory would have.
 */
#include "hecate/ledger.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define DAY_MS INT64_C(86400000)
#define SLICE_MS (DAY_MS / HEC_LEDGER_SLICES)
#define USUAL_ONE 16 /* the unit of usual counts */
/* The usual day counts as much as this part of a day that was seen: a quarter of an
 * hour. */
#define TRUST 0.01
/* The spread of all events counts as so many candidates of a usual day. */
#define SPREAD_PRIOR 24
#define VERSION 'b'

int64_t hec_budget_part(int64_t budget, int32_t partition, int32_t partitions)
{
    assert(partition >= 0 && partition < partitions);
    return budget * (partition + 1) / partitions - budget * partition / partitions;
}

/* ---- The day --------------------------------------------------------------------------------- */

/* Half of what is usual is the last day, a quarter the one before, and so on. */
static void remember(uint32_t *usual, const uint32_t *today, int count, bool first)
{
    for (int i = 0; i < count; i++) {
        uint64_t now = (uint64_t)today[i] * USUAL_ONE;
        uint64_t next = first ? now : (usual[i] + now + 1) / 2;
        usual[i] = (uint32_t)(next > UINT32_MAX ? UINT32_MAX : next);
    }
}

static void end_day(struct hec_ledger *ledger)
{
    bool first = ledger->days == 0;
    remember(ledger->usual_events, ledger->events, HEC_LEDGER_SLICES, first);
    remember(ledger->usual_candidates, ledger->candidates, HEC_LEDGER_SLICES, first);
    memset(ledger->events, 0, sizeof(ledger->events));
    memset(ledger->candidates, 0, sizeof(ledger->candidates));
    for (int head = 0; head < HEC_HEADS_MAX; head++) {
        struct hec_budget *budget = &ledger->heads[head];
        remember(budget->usual, budget->seen, HEC_LEDGER_BINS, first);
        memset(budget->seen, 0, sizeof(budget->seen));
        budget->used = 0;
        budget->refused = 0;
    }
    ledger->days += ledger->days < INT32_MAX;
    ledger->latest_ms = 0;
}

static void count(uint32_t *counter)
{
    *counter += *counter < UINT32_MAX;
}

void hec_ledger_event(struct hec_ledger *ledger, int64_t event_ms)
{
    int32_t day = (int32_t)(event_ms / DAY_MS);
    int32_t at_ms = (int32_t)(event_ms % DAY_MS);
    if (ledger->day == 0) {
        ledger->day = day;
        ledger->first_ms = at_ms;
    } else if (day > ledger->day) {
        end_day(ledger);
        ledger->day = day;
    }
    if (day == ledger->day && at_ms > ledger->latest_ms) {
        ledger->latest_ms = at_ms;
    }
    count(&ledger->events[ledger->latest_ms / SLICE_MS]);
}

/* Which part of the day's candidates has gone by, and which part is still to come: by the clock on
 * the first day, by their usual spread later. There are few of them; where they say little the
 * spread of all events speaks. */
static void parts_of_day(const struct hec_ledger *ledger, double *gone, double *left)
{
    if (ledger->days == 0) {
        *gone = (double)(ledger->latest_ms - ledger->first_ms) / (double)DAY_MS;
        *left = (double)(DAY_MS - ledger->latest_ms) / (double)DAY_MS;
        return;
    }
    int now = (int)(ledger->latest_ms / SLICE_MS);
    double inside = (double)(ledger->latest_ms % SLICE_MS) / (double)SLICE_MS;
    double before = 0, all = 0, events = 0;
    for (int i = 0; i < HEC_LEDGER_SLICES; i++) {
        events += (double)ledger->usual_events[i] + 1;
    }
    for (int i = 0; i < HEC_LEDGER_SLICES; i++) {
        /* An hour without events yesterday is not one without events today. */
        double part = ((double)ledger->usual_events[i] + 1) / events * SPREAD_PRIOR +
                      (double)ledger->usual_candidates[i] / USUAL_ONE;
        all += part;
        before += i < now ? part : i == now ? inside * part : 0;
    }
    *gone = before / all;
    *left = 1 - *gone;
}

/* ---- The budget ------------------------------------------------------------------------------ */

/* log2 in quarters by the bits of an integer: the same on every machine. */
static int bin_of(int64_t loss_minor, double *inside)
{
    uint64_t loss = loss_minor < 16 ? 16 : (uint64_t)loss_minor;
    int log2 = 63 - __builtin_clzll(loss);
    double part = (double)(loss - (UINT64_C(1) << log2)) / (double)(UINT64_C(1) << log2);
    int bin = (log2 - 4) * 4 + (int)(part * 4);
    *inside = part * 4 - floor(part * 4);
    if (bin >= HEC_LEDGER_BINS) {
        *inside = 1;
        bin = HEC_LEDGER_BINS - 1;
    }
    return bin;
}

/* Candidates still expected today at or above a place in the bins. */
static double expected_above(const struct hec_ledger *ledger, const struct hec_budget *budget,
                             int bin, double inside)
{
    double gone, left, sum = 0;
    parts_of_day(ledger, &gone, &left);
    double trust = ledger->days == 0 ? 0 : TRUST;
    /* Not even a second has gone by: nothing is known of the rate. */
    double known = gone + trust < 1e-5 ? 1e-5 : gone + trust;
    for (int b = bin; b < HEC_LEDGER_BINS; b++) {
        double day =
            ((double)budget->seen[b] + trust * (double)budget->usual[b] / USUAL_ONE) / known;
        sum += day * left * (b == bin ? 1 - inside : 1);
    }
    return sum;
}

bool hec_ledger_spend(struct hec_ledger *ledger, int head, int64_t limit, int64_t loss_minor,
                      bool forced)
{
    assert(head >= 0 && head < HEC_HEADS_MAX);
    struct hec_budget *budget = &ledger->heads[head];
    double inside;
    int bin = bin_of(loss_minor, &inside);
    int64_t rest = limit - budget->used;
    count(&budget->seen[bin]);
    count(&ledger->candidates[ledger->latest_ms / SLICE_MS]);
    bool taken =
        forced || (rest > 0 && expected_above(ledger, budget, bin, inside) <= (double)rest);
    count(taken ? &budget->used : &budget->refused);
    return taken;
}

/* ---- The breaker ----------------------------------------------------------------------------- */

void hec_ledger_window(const struct hec_ledger *ledger, uint32_t *events, uint32_t *blocks)
{
    *events = 0;
    *blocks = 0;
    for (int i = 0; i < HEC_BREAKER_SLOTS; i++) {
        *events += ledger->slot_events[i];
        *blocks += ledger->slot_blocks[i];
    }
}

bool hec_ledger_breaker(struct hec_ledger *ledger, int64_t event_ms, int64_t window_ms,
                        double share, bool would_block)
{
    assert(window_ms >= HEC_BREAKER_SLOTS);
    int64_t width_ms = window_ms / HEC_BREAKER_SLOTS;
    int64_t slot = event_ms / width_ms;
    if (ledger->slot_ms != width_ms) { /* another window, by a reload: counted anew */
        ledger->slot_ms = width_ms;
        ledger->slot = 0;
    }
    int64_t passed = slot - ledger->slot;
    for (int64_t i = 0; i < passed && i < HEC_BREAKER_SLOTS; i++) {
        ledger->slot_events[(slot - i) % HEC_BREAKER_SLOTS] = 0;
        ledger->slot_blocks[(slot - i) % HEC_BREAKER_SLOTS] = 0;
    }
    ledger->slot = passed > 0 ? slot : ledger->slot;
    ledger->slot_events[ledger->slot % HEC_BREAKER_SLOTS]++;
    ledger->slot_blocks[ledger->slot % HEC_BREAKER_SLOTS] += would_block;
    uint32_t events, blocks;
    hec_ledger_window(ledger, &events, &blocks);
    double limit = ledger->open ? share / 2 : share;
    ledger->open =
        share > 0 && events >= HEC_BREAKER_EVENTS_MIN && (double)blocks > limit * (double)events;
    return ledger->open;
}

/* ---- As text --------------------------------------------------------------------------------- */

/* Numbers in base 32, the last digit of each a capital; a run of n zeros is "-" and n. Most bins
 * are empty, so an ordinary ledger takes a few hundred bytes. */
static const char INNER[] = "0123456789abcdefghijklmnopqrstuv";
static const char LAST[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ+/*.:!";

struct coder {
    char *to;
    const char *from;
    size_t used;
    uint64_t zeros;
    bool failed;
};

static void put_digits(struct coder *c, uint64_t value)
{
    if (c->used + 16 >= HEC_LEDGER_TEXT_MAX) {
        c->failed = true;
        return;
    }
    while (value >= 32) {
        c->to[c->used++] = INNER[value % 32];
        value /= 32;
    }
    c->to[c->used++] = LAST[value];
}

static void flush_zeros(struct coder *c)
{
    if (c->zeros > 0 && c->used + 17 < HEC_LEDGER_TEXT_MAX) {
        c->to[c->used++] = '-';
        put_digits(c, c->zeros);
    }
    c->zeros = 0;
}

static void put(struct coder *c, uint64_t value)
{
    if (value == 0) {
        c->zeros++;
        return;
    }
    flush_zeros(c);
    put_digits(c, value);
}

static uint64_t get_digits(struct coder *c)
{
    uint64_t value = 0;
    for (int shift = 0; shift < 60; shift += 5) {
        const char *inner = *c->from == '\0' ? NULL : strchr(INNER, *c->from);
        const char *last = *c->from == '\0' ? NULL : strchr(LAST, *c->from);
        if (inner == NULL && last == NULL) {
            break;
        }
        c->from++;
        value |= (uint64_t)(inner != NULL ? inner - INNER : last - LAST) << shift;
        if (last != NULL) {
            return value;
        }
    }
    c->failed = true;
    return 0;
}

static uint64_t get(struct coder *c)
{
    if (c->zeros == 0 && *c->from == '-') {
        c->from++;
        c->zeros = get_digits(c);
    }
    if (c->zeros > 0) {
        c->zeros--;
        return 0;
    }
    return get_digits(c);
}

/* One walk over the members for both ways, so that they cannot differ. */
static void walk(struct coder *c, struct hec_ledger *ledger, bool writing)
{
#define MEMBER(member, type)                                                                       \
    do {                                                                                           \
        if (writing) {                                                                             \
            put(c, (uint64_t)(member));                                                            \
        } else {                                                                                   \
            (member) = (type)get(c);                                                               \
        }                                                                                          \
    } while (0)
    MEMBER(ledger->day, int32_t);
    MEMBER(ledger->days, int32_t);
    MEMBER(ledger->first_ms, int32_t);
    MEMBER(ledger->latest_ms, int32_t);
    MEMBER(ledger->slot_ms, int64_t);
    MEMBER(ledger->slot, int64_t);
    MEMBER(ledger->open, bool);
    for (int i = 0; i < HEC_BREAKER_SLOTS; i++) {
        MEMBER(ledger->slot_events[i], uint32_t);
        MEMBER(ledger->slot_blocks[i], uint32_t);
    }
    for (int i = 0; i < HEC_LEDGER_SLICES; i++) {
        MEMBER(ledger->events[i], uint32_t);
        MEMBER(ledger->usual_events[i], uint32_t);
        MEMBER(ledger->candidates[i], uint32_t);
        MEMBER(ledger->usual_candidates[i], uint32_t);
    }
    for (int head = 0; head < HEC_HEADS_MAX; head++) {
        struct hec_budget *budget = &ledger->heads[head];
        MEMBER(budget->used, uint32_t);
        MEMBER(budget->refused, uint32_t);
        for (int b = 0; b < HEC_LEDGER_BINS; b++) {
            MEMBER(budget->seen[b], uint32_t);
        }
        for (int b = 0; b < HEC_LEDGER_BINS; b++) {
            MEMBER(budget->usual[b], uint32_t);
        }
    }
#undef MEMBER
}

size_t hec_ledger_print(char text[HEC_LEDGER_TEXT_MAX], const struct hec_ledger *ledger)
{
    struct hec_ledger copy = *ledger;
    struct coder coder = { .to = text };
    text[coder.used++] = VERSION;
    walk(&coder, &copy, true);
    flush_zeros(&coder);
    text[coder.failed ? 0 : coder.used] = '\0';
    return coder.failed ? 0 : coder.used;
}

static bool is_sane(const struct hec_ledger *ledger)
{
    return ledger->day >= 0 && ledger->days >= 0 && ledger->first_ms >= 0 &&
           ledger->first_ms < DAY_MS && ledger->latest_ms >= 0 && ledger->latest_ms < DAY_MS &&
           ledger->slot_ms >= 0 && ledger->slot >= 0;
}

bool hec_ledger_parse(struct hec_ledger *ledger, const char *text)
{
    *ledger = (struct hec_ledger){ 0 };
    if (text[0] != VERSION) {
        return false;
    }
    struct coder coder = { .from = text + 1 };
    walk(&coder, ledger, false);
    if (coder.failed || coder.zeros > 0 || *coder.from != '\0' || !is_sane(ledger)) {
        *ledger = (struct hec_ledger){ 0 };
        return false;
    }
    return true;
}
