/* Drift: the index by hand, the bins, a shift that is seen and none that is not seen, and a file
 * whose reference is damaged or not there. */
#include "hecate/drift.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hecate/adapt.h"
#include "model/model.h"
#include "model/safetensors.h"
#include "planted.h"

enum { ROWS = 8000, CHANNELS = PLANTED_NUMERICS + PLANTED_CATEGORIES + HEC_DEFAULT_HEADS };
enum { HEADS_AT = PLANTED_NUMERICS + PLANTED_CATEGORIES };

static struct planted planted;
static struct hec_model *model;
static void *bytes;
static size_t size;

static void make(void)
{
    planted_make(&planted, ROWS, 7);
    model = planted_model(&planted, 2, &bytes, &size);
}

static void unmake(void)
{
    hec_model_free(model);
    free(bytes);
    planted_free(&planted);
}

TestSuite(reference, .init = make, .fini = unmake);

Test(drift, is_the_sum_that_a_hand_can_make)
{
    const float even[HEC_DRIFT_BINS] = { 0.5f, 0.5f }, none[HEC_DRIFT_BINS] = { 0 };
    const uint64_t same[HEC_DRIFT_BINS] = { 300, 300 }, moved[HEC_DRIFT_BINS] = { 300, 900 };
    const uint64_t gone[HEC_DRIFT_BINS] = { 0, 0, 7 }, nothing[HEC_DRIFT_BINS] = { 0 };
    cr_expect_float_eq(hec_drift_psi(even, same), 0, 1e-12);
    cr_expect_float_eq(hec_drift_psi(even, moved), -0.25 * log(0.5) + 0.25 * log(1.5), 1e-9);
    /* Two bins of a half that are empty now, one that is full and was empty: the least counts. */
    double to = 2 * (0.5 - 1e-4) * log(0.5 / 1e-4) + (1 - 1e-4) * log(1 / 1e-4);
    cr_expect_float_eq(hec_drift_psi(even, gone), to, 1e-6);
    cr_expect(isnan(hec_drift_psi(none, same)) && isnan(hec_drift_psi(even, nothing)));
}

Test(drift, cuts_where_values_allow_and_ranks_what_is_frequent)
{
    struct hec_reference reference;
    float numerics[100], scratch[100], edge[HEC_REFERENCE_EDGES];
    uint32_t categories[100];
    for (int i = 0; i < 100; i++) { /* 5, 15 times 7, one of each of 60, 20 absent */
        numerics[i] = i < 80 ? 0 : i < 90 ? (float)i : NAN;
        categories[i] = i < 5 ? 55 : i < 20 ? 77 : i < 80 ? 1000 + (uint32_t)i : 0;
    }
    cr_assert_eq(hec_reference_new(&reference, 1, 1, 1), HEC_OK);
    cr_assert_eq(hec_reference_columns(&reference, numerics, categories, 100), HEC_OK);
    cr_expect_float_eq(reference.share[0], 0.8f, 1e-6f, "all zeros are one bin");
    cr_expect_float_eq(reference.share[HEC_DRIFT_MISSING], 0.1f, 1e-6f);
    cr_expect_eq(reference.top[0], 77);
    cr_expect_eq(reference.top[1], 55);
    const float *share = reference.share + HEC_DRIFT_BINS;
    cr_expect_float_eq(share[0], 0.15f, 1e-6f);
    cr_expect_float_eq(share[1], 0.05f, 1e-6f);
    cr_expect_float_eq(share[HEC_REFERENCE_EDGES], 0.53f, 1e-6f, "seven of the sixty have a bin");
    cr_expect_float_eq(share[HEC_DRIFT_MISSING], 0.2f, 1e-6f);
    cr_expect_eq(hec_reference_check(&reference, NULL), HEC_OK);
    hec_reference_free(&reference);

    numerics[0] = INFINITY;
    numerics[1] = -INFINITY;
    hec_reference_cut(edge, numerics, 2, scratch);
    cr_expect(isfinite(edge[0]) && isfinite(edge[8]) && edge[8] >= edge[0]);
    hec_reference_cut(edge, numerics + 90, 10, scratch);
    cr_expect_eq(edge[8], 0, "all are missing");
}

/* Counts of all rows under a model, of which something may be changed. */
static void count_all(const struct hec_model *with, float times, int column, uint32_t category,
                      uint64_t count[CHANNELS][HEC_DRIFT_BINS])
{
    struct hec_predictor *predictor;
    cr_assert_eq(hec_predictor_new(&predictor, with, 1), HEC_OK);
    memset(count, 0, sizeof(uint64_t) * CHANNELS * HEC_DRIFT_BINS);
    for (uint32_t row = 0; row < ROWS; row++) {
        float x[PLANTED_NUMERICS], scores[HEC_HEADS_MAX];
        uint32_t c[PLANTED_CATEGORIES];
        uint8_t bins[CHANNELS];
        memcpy(x, planted.numerics + row * PLANTED_NUMERICS, sizeof(x));
        memcpy(c, planted.categories + row * PLANTED_CATEGORIES, sizeof(c));
        x[column] *= times;
        c[1] = category > 0 ? category : c[1];
        hec_predictor_run(predictor, x, c, planted.event_type + row, 1, scores, HEC_HEADS_MAX);
        hec_drift_bins(with, x, c, scores, bins);
        for (int i = 0; i < hec_drift_channels(with); i++) {
            if (bins[i] != HEC_DRIFT_NOWHERE) {
                count[i][bins[i]]++;
            }
        }
    }
    hec_predictor_free(predictor);
}

Test(reference, sees_a_planted_shift_and_none_where_there_is_none)
{
    uint64_t count[CHANNELS][HEC_DRIFT_BINS];
    cr_assert(hec_drift_is_known(model));
    cr_assert_eq(hec_drift_channels(model), CHANNELS);
    count_all(model, 1, PLANTED_AMOUNT, 0, count);
    for (int i = 0; i < CHANNELS; i++) {
        double psi = hec_drift_psi(hec_drift_share(model, i), count[i]);
        cr_expect(psi >= 0 && psi < 0.02, "channel %d: %g", i, psi);
    }
    count_all(model, 3, PLANTED_AMOUNT, 0xabcdef, count);
    for (int i = 0; i < HEADS_AT; i++) {
        double psi = hec_drift_psi(hec_drift_share(model, i), count[i]);
        bool moved = i == PLANTED_AMOUNT || i == PLANTED_NUMERICS + 1;
        cr_expect(moved ? psi > 0.25 : psi < 0.02, "channel %d: %g", i, psi);
    }
    count_all(model, 1000, PLANTED_FAILED, 0, count);
    cr_expect_gt(hec_drift_psi(hec_drift_share(model, HEADS_AT + 1), count[HEADS_AT + 1]), 0.25,
                 "scores of ato");
}

Test(reference, puts_each_value_into_its_bin)
{
    float x[PLANTED_NUMERICS], scores[HEC_DEFAULT_HEADS] = { NAN, 0, 1 };
    uint32_t c[PLANTED_CATEGORIES] = { 0, 0xabcdef };
    uint8_t bins[CHANNELS];
    for (int j = 0; j < PLANTED_NUMERICS; j++) {
        x[j] = j == 0 ? NAN : j == 1 ? INFINITY : -INFINITY;
    }
    hec_drift_bins(model, x, c, scores, bins);
    cr_expect_eq(bins[0], HEC_DRIFT_MISSING);
    cr_expect_eq(bins[1], HEC_REFERENCE_EDGES);
    cr_expect_eq(bins[2], 0);
    cr_expect_eq(bins[PLANTED_NUMERICS], HEC_DRIFT_MISSING, "an absent category");
    cr_expect_eq(bins[PLANTED_NUMERICS + 1], HEC_REFERENCE_EDGES, "one never seen");
    cr_expect_eq(bins[HEADS_AT], HEC_DRIFT_NOWHERE);
    cr_expect_eq(bins[HEADS_AT + 1], 0);
    cr_expect_eq(bins[HEADS_AT + 2], HEC_REFERENCE_EDGES);
}

/* Many rows with one and the same score, whose last bits move: still no drift. */
Test(reference, does_not_take_last_bits_for_drift)
{
    float score[64], scratch[64];
    uint8_t bins[CHANNELS];
    for (int i = 0; i < 64; i++) {
        score[i] = 0.0123f;
    }
    hec_reference_scores(&model->reference, 1, score, 64, scratch);
    score[1] = nextafterf(0.0123f, 1);
    hec_drift_bins(model, planted.numerics, planted.categories, score, bins);
    cr_expect_eq(bins[HEADS_AT + 1], 0);
}

Test(reference, goes_with_a_recalibrated_model_and_with_a_part)
{
    const struct hec_recalibration each[] = { { 0.5, 1 }, { 2, -1 }, { 1, 0 } };
    static uint64_t count[CHANNELS][HEC_DRIFT_BINS];
    struct hec_model *other = NULL;
    void *written;
    size_t length;
    cr_assert_eq(hec_model_recalibrate(&written, &length, model, each), HEC_OK);
    cr_assert_eq(hec_model_load(&other, written, length, NULL, NULL), HEC_OK);
    free(written);
    count_all(other, 1, PLANTED_AMOUNT, 0, count);
    for (int i = 0; i < CHANNELS; i++) {
        double psi = hec_drift_psi(hec_drift_share(other, i), count[i]);
        cr_expect_lt(psi, 0.02, "channel %d: %g", i, psi);
    }
    hec_model_free(other);
    cr_assert_eq(hec_model_split(&written, &length, model, 1, NULL), HEC_OK);
    cr_assert_eq(hec_model_load(&other, written, length, NULL, NULL), HEC_OK);
    free(written);
    cr_assert(hec_drift_is_known(other));
    cr_expect_eq(hec_drift_channels(other), HEADS_AT + 1);
    count_all(other, 1, PLANTED_AMOUNT, 0, count);
    for (int i = 0; i <= HEADS_AT; i++) {
        cr_expect_lt(hec_drift_psi(hec_drift_share(other, i), count[i]), 0.02, "channel %d", i);
    }
    hec_model_free(other);
}

/* Loads the file once more without the tensors of a prefix, or with one number of it changed. */
static enum hec_status load_with(const char *prefix, bool leave_out, size_t at, double number,
                                 struct hec_model **loaded, struct hec_error *error)
{
    struct hec_st_file file;
    void *out, *changed = NULL;
    size_t out_size, count = 0;
    cr_assert_eq(hec_st_read(&file, bytes, size, NULL), HEC_OK);
    struct hec_st_tensor *tensors = calloc(file.tensors_count, sizeof(*tensors));
    for (size_t i = 0; i < file.tensors_count; i++) {
        struct hec_st_tensor tensor = file.tensors[i];
        bool meant = strncmp(tensor.name, prefix, strlen(prefix)) == 0;
        if (meant && leave_out) {
            continue;
        }
        if (meant) {
            size_t width = tensor.dtype == HEC_I64 ? 8 : 4, length = hec_st_numbers(&tensor);
            float number32 = (float)number;
            int64_t whole = (int64_t)number;
            changed = malloc(length * width);
            memcpy(changed, tensor.data, length * width);
            memcpy((char *)changed + at * width,
                   width == 8 ? (const void *)&whole : (const void *)&number32, width);
            tensor.data = changed;
        }
        tensors[count++] = tensor;
    }
    cr_assert_eq(hec_st_write(&out, &out_size, tensors, count, file.texts, file.texts_count),
                 HEC_OK);
    enum hec_status status = hec_model_load(loaded, out, out_size, NULL, error);
    free(out);
    free(changed);
    free(tensors);
    hec_st_free(&file);
    return status;
}

Test(reference, may_be_missing_and_then_nothing_is_told)
{
    struct hec_model *old = NULL;
    struct hec_error error = { 0 };
    cr_assert_eq(load_with("reference.", true, 0, 0, &old, &error), HEC_OK, "%s", error.text);
    cr_expect_not(hec_drift_is_known(old));
    cr_expect_eq(hec_drift_channels(old), CHANNELS);
    hec_model_free(old);
}

static void expect_refused(const char *prefix, bool leave_out, size_t at, double number,
                           enum hec_status status, const char *word)
{
    struct hec_model *loaded = NULL;
    struct hec_error error = { 0 };
    cr_expect_eq(load_with(prefix, leave_out, at, number, &loaded, &error), status, "%s: %s",
                 prefix, error.text);
    cr_expect_not_null(strstr(error.text, word), "%s: %s", prefix, error.text);
    cr_expect_null(loaded);
    hec_model_free(loaded);
}

Test(reference, is_refused_when_it_is_damaged)
{
    expect_refused("reference.edge", true, 0, 0, HEC_INVALID, "tensors where");
    expect_refused("reference.category", true, 0, 0, HEC_INVALID, "tensors where");
    expect_refused("reference.share", true, 0, 0, HEC_INVALID, "tensors where");
    expect_refused("reference.edge", false, 1, -1e30, HEC_CORRUPT, "in order");
    expect_refused("reference.edge", false, 0, INFINITY, HEC_CORRUPT, "finite");
    expect_refused("reference.category", false, 0, 5e9, HEC_CORRUPT, "hash");
    expect_refused("reference.category", false, 3, -1, HEC_CORRUPT, "hash");
    expect_refused("reference.share", false, 0, 0.9, HEC_CORRUPT, "add up");
    expect_refused("reference.share", false, 0, -0.1, HEC_CORRUPT, "add up");
    expect_refused("reference.share", false, CHANNELS * HEC_DRIFT_BINS - 1, 2, HEC_CORRUPT,
                   "add up");
}
