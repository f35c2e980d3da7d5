/* Delayed feedback: the curve is the empirical one, so a step at each matured fraud's delay. */
#include "hecate/delay.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "hecate/train.h"

/* One report of a row. */
struct report {
    uint32_t row;
    int64_t delay_ms;
};

static int by_row(const void *a, const void *b)
{
    const struct report *x = a, *y = b;
    return x->row != y->row ? (x->row > y->row) - (x->row < y->row)
                            : (x->delay_ms > y->delay_ms) - (x->delay_ms < y->delay_ms);
}

static int by_delay(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Fraud verdicts on mature rows of the window that are the head's positives, in time. */
static size_t list_reports(struct report *reports, const struct hec_labelled *log,
                           const struct hec_fold *fold, const struct hec_head *heads,
                           int heads_count, int head, const int8_t *targets)
{
    int64_t delay_ms = heads[head].label_delay_ms, mature_ms = fold->known_at_ms - delay_ms;
    size_t count = 0;
    for (size_t i = 0; i < log->verdicts_count; i++) {
        const struct hec_verdict_at *at = &log->verdicts[i];
        int64_t ms = log->event_ms[at->row], late_ms = at->arrived_ms - ms;
        size_t target = (size_t)at->row * (size_t)heads_count + (size_t)head;
        if (at->verdict == HEC_VERDICT_FRAUD && at->arrived_ms <= fold->known_at_ms &&
            ms >= fold->train_from_ms && ms <= mature_ms && late_ms <= delay_ms &&
            targets[target] == HEC_TARGET_POSITIVE) {
            reports[count++] = (struct report){ at->row, late_ms > 0 ? late_ms : 0 };
        }
    }
    return count;
}

enum hec_status hec_delay_fit(struct hec_delay *delay, const struct hec_labelled *log,
                              const struct hec_fold *fold, const struct hec_head *heads,
                              int heads_count, int head, const int8_t *targets)
{
    *delay = (struct hec_delay){ .prior = NAN };
    if (heads[head].kind != HEC_HEAD_BINARY) {
        return HEC_OK;
    }
    struct report *reports = malloc((log->verdicts_count + 1) * sizeof(*reports));
    if (reports == NULL) {
        return HEC_NO_MEMORY;
    }
    size_t count = list_reports(reports, log, fold, heads, heads_count, head, targets);
    delay->delay_ms = malloc((count + 1) * sizeof(*delay->delay_ms));
    if (delay->delay_ms == NULL) {
        free(reports);
        return HEC_NO_MEMORY;
    }
    qsort(reports, count, sizeof(*reports), by_row); /* a row's first report is the one */
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || reports[i].row != reports[i - 1].row) {
            delay->delay_ms[delay->frauds++] = reports[i].delay_ms;
        }
    }
    free(reports);
    if (delay->frauds < HEC_DELAY_FRAUDS_MIN) {
        delay->frauds = 0;
    }
    qsort(delay->delay_ms, delay->frauds, sizeof(*delay->delay_ms), by_delay);
    return HEC_OK;
}

void hec_delay_free(struct hec_delay *delay)
{
    free(delay->delay_ms);
    *delay = (struct hec_delay){ 0 };
}

double hec_delay_share(const struct hec_delay *delay, int64_t age_ms)
{
    size_t low = 0, high = delay->frauds;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (delay->delay_ms[middle] <= age_ms) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return delay->frauds > 0 ? (double)low / (double)delay->frauds : 0;
}

int64_t hec_delay_quantile_ms(const struct hec_delay *delay, double share)
{
    assert(delay->frauds > 0 && share > 0 && share <= 1);
    return delay->delay_ms[(size_t)ceil(share * (double)delay->frauds) - 1];
}

/* Whether a row of the window is too young for the head, which has a curve to tell what it says. */
static bool is_young(const struct hec_delay *delay, const struct hec_labelled *log,
                     const struct hec_fold *fold, const struct hec_head *head, uint32_t row)
{
    int64_t ms = log->event_ms[row];
    bool test = ms >= fold->test_from_ms && ms < fold->test_to_ms;
    return delay->frauds > 0 && ms >= fold->train_from_ms && ms < fold->train_to_ms &&
           ms <= fold->known_at_ms && ms > fold->known_at_ms - head->label_delay_ms && !test;
}

/* The target of a young row for a head whose label is not mature; the maturity is set aside. */
static int8_t target_of(const struct hec_labelled *log, const struct hec_head *head, uint32_t row,
                        enum hec_verdict verdict, const char *code)
{
    return (int8_t)hec_head_target(head, log->event_type[row], verdict, code, 0,
                                   head->label_delay_ms);
}

static void open_rows(const struct hec_delay *delays, const struct hec_labelled *log,
                      const struct hec_fold *fold, const struct hec_head *heads, int heads_count,
                      int8_t *targets, uint8_t *split, float *heard)
{
    for (uint32_t row = 0; row < log->rows; row++) {
        for (int k = 0; k < heads_count; k++) {
            size_t at = (size_t)row * (size_t)heads_count + (size_t)k;
            heard[at] = 1;
            if (is_young(&delays[k], log, fold, &heads[k], row)) {
                heard[at] =
                    (float)hec_delay_share(&delays[k], fold->known_at_ms - log->event_ms[row]);
                /* No fraud was ever reported as soon as that: this row says nothing. */
                targets[at] = heard[at] > 0 ? target_of(log, &heads[k], row, HEC_VERDICT_NONE, NULL)
                                            : HEC_TARGET_UNKNOWN;
                split[row] = split[row] == HEC_SPLIT_NONE ? HEC_SPLIT_TRAIN : split[row];
            }
        }
    }
}

void hec_delay_open(struct hec_delay *delays, const struct hec_labelled *log,
                    const struct hec_fold *fold, const struct hec_head *heads, int heads_count,
                    int8_t *targets, uint8_t *split, float *heard)
{
    double sums[HEC_HEADS_MAX] = { 0 };
    assert(fold->parts == 0);
    open_rows(delays, log, fold, heads, heads_count, targets, split, heard);
    for (size_t i = 0; i < log->verdicts_count; i++) {
        const struct hec_verdict_at *at = &log->verdicts[i];
        const char *code = at->code == 0 ? NULL : log->codes[at->code - 1];
        for (int k = 0; k < heads_count && at->arrived_ms <= fold->known_at_ms; k++) {
            size_t cell = (size_t)at->row * (size_t)heads_count + (size_t)k;
            if (heard[cell] > 0 && is_young(&delays[k], log, fold, &heads[k], at->row)) {
                targets[cell] =
                    target_of(log, &heads[k], at->row, (enum hec_verdict)at->verdict, code);
            }
        }
    }
    for (int k = 0; k < heads_count; k++) {
        delays[k].young = delays[k].reported = 0;
        for (uint32_t row = 0; row < log->rows; row++) {
            size_t cell = (size_t)row * (size_t)heads_count + (size_t)k;
            if (targets[cell] >= 0 && is_young(&delays[k], log, fold, &heads[k], row)) {
                delays[k].young++;
                delays[k].reported += targets[cell] == HEC_TARGET_POSITIVE;
                sums[k] += (double)heard[cell];
            }
        }
        delays[k].prior = sums[k] > 0 ? (double)delays[k].reported / sums[k] : NAN;
    }
}
