/* Live drift: counted when it is committed, within the window, by the model in use, and told when
 * there is enough of it. */
#include "ops/drift.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ops/metrics.h"
#include "planted.h"

enum { CHANNELS = PLANTED_NUMERICS + PLANTED_CATEGORIES + HEC_DEFAULT_HEADS, ROWS = 4000 };
#define HOUR INT64_C(3600000)
#define NOW (500000 * HOUR)

static struct planted planted;
static struct hec_model *model;
static struct hec_metrics *metrics;
static struct hec_drift *drift;

static void make(void)
{
    struct hec_metrics_options options = { .engines = 2 };
    planted_make(&planted, ROWS, 3);
    model = planted_model(&planted, 1, NULL, NULL);
    cr_assert_eq(hec_metrics_new(&metrics, &options), HEC_OK);
    drift = hec_metrics_engine(metrics, 0)->drift;
    hec_drift_follow(drift, model, "abc1");
    hec_metrics_set_reference(metrics, model, "abc1");
}

static void unmake(void)
{
    hec_metrics_free(metrics);
    hec_model_free(model);
    planted_free(&planted);
}

TestSuite(drift, .init = make, .fini = unmake);

/* Notes rows of the training, from the first on, with amounts so many times as large. */
static void note(struct hec_drift *to, uint32_t rows, int64_t event_ms, float times)
{
    const float scores[HEC_HEADS_MAX] = { NAN, 0.5f, NAN };
    for (uint32_t row = 0; row < rows; row++) {
        float x[PLANTED_NUMERICS];
        memcpy(x, planted.numerics + row * PLANTED_NUMERICS, sizeof(x));
        x[PLANTED_AMOUNT] *= times;
        hec_drift_note(to, event_ms, x, planted.categories + row * PLANTED_CATEGORIES, scores);
    }
}

static void commit(struct hec_drift *of)
{
    hec_drift_send(of);
    hec_drift_settle(of);
}

/* What stands after the series; -1: NaN, -2: there is none. */
static double told(const char *series)
{
    size_t length;
    char *text = hec_metrics_text(metrics, false, &length);
    char *at = strstr(text, series);
    double value = at == NULL ? -2 : strtod(at + strlen(series), NULL);
    free(text);
    return isnan(value) ? -1 : value;
}
#define AMOUNT "\nhecate_feature_drift_psi{feature=\"amount\"} "
#define NIGHT "\nhecate_feature_drift_psi{feature=\"night\"} "

static uint64_t counted(uint64_t id)
{
    uint64_t count[CHANNELS][HEC_DRIFT_BINS], sum = 0;
    struct hec_drift *each[] = { drift, hec_metrics_engine(metrics, 1)->drift };
    hec_drift_fold(each, 2, id, CHANNELS, count);
    for (int k = 0; k < HEC_DRIFT_BINS; k++) {
        sum += count[PLANTED_AMOUNT][k];
    }
    return sum;
}

Test(drift, shows_a_planted_shift_and_none_where_there_is_none)
{
    cr_expect_eq(told(AMOUNT), -1, "nothing yet");
    note(drift, 900, NOW, 1);
    commit(drift);
    cr_expect(told(AMOUNT) >= 0 && told(AMOUNT) < 0.1, "%g", told(AMOUNT));
    cr_expect_eq(told("\nhecate_score_drift_psi{head=\"card_fraud\"} "), -1, "it judged nothing");
    cr_expect_gt(told("\nhecate_score_drift_psi{head=\"ato\"} "), 0.25, "all are 0.5");
    note(drift, 1800, NOW + 30 * HOUR, 10);
    commit(drift);
    cr_expect_gt(told(AMOUNT), 0.25, "%g", told(AMOUNT));
    cr_expect(told(NIGHT) >= 0 && told(NIGHT) < 0.1, "%g", told(NIGHT));
}

Test(drift, is_told_of_enough_rows_only)
{
    note(drift, HEC_DRIFT_ROWS_MIN - 1, NOW, 1);
    commit(drift);
    cr_expect_eq(told(AMOUNT), -1);
    note(drift, 1, NOW, 1);
    commit(drift);
    cr_expect_geq(told(AMOUNT), 0);
}

Test(drift, counts_what_is_committed_and_nothing_else)
{
    uint64_t id = hec_drift_id("abc1");
    note(drift, 5, NOW, 1);
    cr_expect_eq(counted(id), 0, "open");
    hec_drift_send(drift);
    note(drift, 7, NOW, 1);
    cr_expect_eq(counted(id), 0, "under way");
    hec_drift_settle(drift);
    cr_expect_eq(counted(id), 5);
    hec_drift_forget(drift);
    commit(drift);
    cr_expect_eq(counted(id), 5, "seven are rolled back");
    note(drift, 7, NOW, 1);
    hec_drift_send(drift);
    hec_drift_forget(drift);
    hec_drift_settle(drift);
    cr_expect_eq(counted(id), 5);
    for (int i = 0; i < 3; i++) {
        note(drift, 1500, NOW, 1);
    }
    commit(drift);
    cr_expect_eq(counted(id), 5 + 2048, "a transaction has room for so many");
}

Test(drift, keeps_a_day_of_event_time)
{
    uint64_t id = hec_drift_id("abc1");
    struct hec_drift *other = hec_metrics_engine(metrics, 1)->drift;
    hec_drift_follow(other, model, "abc1");
    note(drift, 3, NOW, 1);
    note(drift, 4, NOW + 23 * HOUR, 1);
    commit(drift);
    cr_expect_eq(counted(id), 7);
    note(drift, 8, NOW - 25 * HOUR, 1);
    commit(drift);
    cr_expect_eq(counted(id), 7, "older than a day");
    note(other, 16, NOW + 24 * HOUR, 1);
    commit(other);
    cr_expect_eq(counted(id), 20, "the other engine is an hour ahead");
    note(drift, 32, NOW + 24 * HOUR, 1);
    commit(drift);
    cr_expect_eq(counted(id), 52, "its slot is used again");
}

Test(drift, begins_anew_with_another_model_and_goes_on_with_the_same)
{
    note(drift, 3, NOW, 1);
    commit(drift);
    hec_drift_follow(drift, model, "abc1");
    cr_expect_eq(counted(hec_drift_id("abc1")), 3);
    note(drift, 3, NOW, 1);
    hec_drift_follow(drift, model, "abc2");
    commit(drift);
    cr_expect_eq(counted(hec_drift_id("abc1")), 0);
    cr_expect_eq(counted(hec_drift_id("abc2")), 0);
    note(drift, 4, NOW, 1);
    commit(drift);
    cr_expect_eq(counted(hec_drift_id("abc2")), 4);
}

Test(drift, chooses_one_offset_in_eight_at_any_stride)
{
    for (int64_t stride = 1; stride <= 64; stride++) {
        int chosen = 0;
        for (int64_t i = 0; i < 4000; i++) {
            chosen += hec_drift_chooses(1000003 + i * stride);
        }
        cr_expect(chosen > 400 && chosen < 600, "stride %d: %d", (int)stride, chosen);
    }
}
