/* Folds: the splitter. Every rule that keeps the future out of training stands in this file. */
#include "hecate/folds.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "hecate/event.h"
#include "hecate/random.h"
#include "hecate/train.h"

#define DAY_MS INT64_C(86400000)
#define VALID_SHARE 6 /* by user: one training user in so many is for validation */

static void set_targets(const struct hec_labelled *log, const struct hec_head *heads,
                        int heads_count, int64_t known_at_ms, uint32_t row,
                        enum hec_verdict verdict, uint8_t code, int8_t *targets)
{
    const char *name = code == 0 ? NULL : log->codes[code - 1];
    for (int k = 0; k < heads_count; k++) {
        targets[(size_t)row * (size_t)heads_count + (size_t)k] = (int8_t)hec_head_target(
            &heads[k], log->event_type[row], verdict, name, log->event_ms[row], known_at_ms);
    }
}

/* As without any verdict, then each verdict in turn: the last one stays. */
enum hec_status hec_fold_targets(const struct hec_labelled *log, const struct hec_head *heads,
                                 int heads_count, int64_t known_at_ms, int8_t *targets,
                                 uint8_t *code)
{
    for (uint32_t row = 0; row < log->rows; row++) {
        set_targets(log, heads, heads_count, known_at_ms, row, HEC_VERDICT_NONE, 0, targets);
    }
    if (code != NULL) {
        memset(code, 0, log->rows);
    }
    for (size_t i = 0; i < log->verdicts_count; i++) {
        const struct hec_verdict_at *at = &log->verdicts[i];
        if (at->arrived_ms <= known_at_ms) {
            uint8_t type = at->verdict == HEC_VERDICT_FRAUD ? at->code : 0;
            set_targets(log, heads, heads_count, known_at_ms, at->row,
                        (enum hec_verdict)at->verdict, type, targets);
            if (code != NULL) {
                code[at->row] = type;
            }
        }
    }
    return HEC_OK;
}

/* A part of parts for a user: one block of random bits at the user's number. */
static uint32_t part_of(const struct hec_fold *fold, uint64_t user, uint64_t stream, uint32_t parts)
{
    uint32_t bits[4];
    hec_random_block(bits, fold->seed, stream, user);
    return bits[0] % parts;
}

void hec_fold_split(const struct hec_labelled *log, const struct hec_fold *fold, uint8_t *split,
                    uint8_t *test)
{
    assert(fold->parts == 0 || fold->parts > 1);
    assert(fold->parts > 0 || fold->known_at_ms <= fold->test_from_ms ||
           fold->test_from_ms == fold->test_to_ms);
    for (uint32_t row = 0; row < log->rows; row++) {
        int64_t ms = log->event_ms[row];
        split[row] = HEC_SPLIT_NONE;
        test[row] = 0;
        if (fold->parts == 0) {
            test[row] = ms >= fold->test_from_ms && ms < fold->test_to_ms;
            if (ms >= fold->train_from_ms && ms < fold->mature_ms && !test[row]) {
                split[row] = ms < fold->valid_from_ms ? HEC_SPLIT_TRAIN : HEC_SPLIT_VALID;
            }
        } else if (ms >= fold->train_from_ms && ms < fold->mature_ms) {
            uint64_t user = log->user[row];
            test[row] = part_of(fold, user, 1, (uint32_t)fold->parts) == (uint32_t)fold->part;
            bool valid = part_of(fold, user, 2, VALID_SHARE) == 0;
            split[row] = test[row] ? HEC_SPLIT_NONE : valid ? HEC_SPLIT_VALID : HEC_SPLIT_TRAIN;
        }
    }
}

const uint64_t *hec_fold_subject(const struct hec_labelled *log, const struct hec_head *head)
{
    return (head->event_types & ~HEC_ON_PAYMENT) == 0 ? log->card : log->user;
}

/* A subject, and the first moment at which a fraud of it was reported. */
struct report {
    uint64_t subject;
    int64_t arrived_ms;
};

static int by_subject(const void *a, const void *b)
{
    const struct report *x = a, *y = b;
    return (x->subject > y->subject) - (x->subject < y->subject);
}

static int by_subject_and_time(const void *a, const void *b)
{
    const struct report *x = a, *y = b;
    int order = by_subject(a, b);
    return order != 0 ? order : (x->arrived_ms > y->arrived_ms) - (x->arrived_ms < y->arrived_ms);
}

static size_t list_reports(const struct hec_labelled *log, const struct hec_fold *fold,
                           const struct hec_head *head, struct report *reports)
{
    const uint64_t *subject = hec_fold_subject(log, head);
    size_t count = 0, kept = 0;
    for (size_t i = 0; i < log->verdicts_count; i++) {
        const struct hec_verdict_at *at = &log->verdicts[i];
        const char *name = at->code == 0 ? NULL : log->codes[at->code - 1];
        if (at->verdict == HEC_VERDICT_FRAUD && log->event_ms[at->row] >= fold->train_from_ms &&
            hec_head_target(head, log->event_type[at->row], HEC_VERDICT_FRAUD, name, 0,
                            INT64_MAX) == HEC_TARGET_POSITIVE) {
            reports[count++] = (struct report){ subject[at->row], at->arrived_ms };
        }
    }
    qsort(reports, count, sizeof(*reports), by_subject_and_time);
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || reports[kept - 1].subject != reports[i].subject) {
            reports[kept++] = reports[i];
        }
    }
    return kept;
}

enum hec_status hec_fold_drop_known(const struct hec_labelled *log, const struct hec_fold *fold,
                                    const struct hec_head *head, uint8_t *test)
{
    const uint64_t *subject = hec_fold_subject(log, head);
    struct report *reports = malloc((log->verdicts_count + 1) * sizeof(*reports));
    if (reports == NULL) {
        return HEC_NO_MEMORY;
    }
    size_t count = list_reports(log, fold, head, reports);
    for (uint32_t row = 0; row < log->rows; row++) {
        struct report asked = { .subject = subject[row] };
        int64_t day_ms = log->event_ms[row] - log->event_ms[row] % DAY_MS;
        if (test[row]) {
            const struct report *known = bsearch(&asked, reports, count, sizeof(asked), by_subject);
            test[row] = known == NULL || known->arrived_ms >= day_ms;
        }
    }
    free(reports);
    return HEC_OK;
}
