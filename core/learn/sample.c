/* Sampling: one pass to sort the rows, a partial Fisher-Yates to draw from them. */
#include "learn/sample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void *hec_take(const struct hec_dataset *dataset, size_t bytes)
{
    return dataset->take == NULL ? malloc(bytes) : dataset->take(dataset->room_user, bytes);
}

void hec_give(const struct hec_dataset *dataset, void *memory)
{
    if (dataset->give == NULL) {
        free(memory);
    } else {
        dataset->give(dataset->room_user, memory);
    }
}

void hec_take_rows(const struct hec_dataset *dataset, const uint32_t *rows, int count,
                   float *numerics, uint32_t *categories)
{
    size_t n = (size_t)dataset->columns.numerics, c = (size_t)dataset->columns.categories;
    if (dataset->fetch != NULL) {
        dataset->fetch(dataset->fetch_user, rows, count, numerics, categories);
        return;
    }
    for (int i = 0; i < count; i++) {
        if (n > 0) {
            memcpy(numerics + (size_t)i * n, dataset->numerics + rows[i] * n, n * sizeof(float));
        }
        if (c > 0) {
            memcpy(categories + (size_t)i * c, dataset->categories + rows[i] * c,
                   c * sizeof(uint32_t));
        }
    }
}

bool hec_is_positive(const struct hec_dataset *dataset, uint32_t row)
{
    const int8_t *targets = dataset->targets + (size_t)row * (size_t)dataset->heads_count;
    for (int k = 0; k < dataset->heads_count; k++) {
        if (dataset->heads[k].kind != HEC_HEAD_NOVELTY && targets[k] == HEC_TARGET_POSITIVE) {
            return true;
        }
    }
    return false;
}

static bool is_negative_somewhere(const struct hec_dataset *dataset, uint32_t row)
{
    const int8_t *targets = dataset->targets + (size_t)row * (size_t)dataset->heads_count;
    for (int k = 0; k < dataset->heads_count; k++) {
        if (dataset->heads[k].kind == HEC_HEAD_BINARY && targets[k] == HEC_TARGET_NEGATIVE) {
            return true;
        }
    }
    return false;
}

enum hec_status hec_sample_new(struct hec_sample *sample, const struct hec_dataset *dataset,
                               const struct hec_train_options *options)
{
    size_t n = (size_t)dataset->rows + 1;
    *sample = (struct hec_sample){ .dataset = dataset,
                                   .positives = hec_take(dataset, n * sizeof(uint32_t)),
                                   .negatives = hec_take(dataset, n * sizeof(uint32_t)),
                                   .rows = hec_take(dataset, n * sizeof(uint32_t)) };
    if (sample->positives == NULL || sample->negatives == NULL || sample->rows == NULL) {
        hec_sample_free(sample);
        return HEC_NO_MEMORY;
    }
    for (uint32_t row = 0; row < dataset->rows; row++) {
        if (dataset->split[row] != HEC_SPLIT_TRAIN) {
            continue;
        }
        if (hec_is_positive(dataset, row)) {
            sample->positives[sample->positives_count++] = row;
        } else if (is_negative_somewhere(dataset, row)) {
            sample->negatives[sample->negatives_count++] = row;
        }
    }
    double wanted = ceil(options->negatives * sample->positives_count);
    wanted = fmax(wanted, options->negatives_min);
    sample->drawn = wanted < sample->negatives_count ? (uint32_t)wanted : sample->negatives_count;
    sample->beta = sample->drawn > 0 ? (double)sample->drawn / sample->negatives_count : 1;
    return HEC_OK;
}

void hec_sample_free(struct hec_sample *sample)
{
    if (sample->dataset != NULL) {
        hec_give(sample->dataset, sample->positives);
        hec_give(sample->dataset, sample->negatives);
        hec_give(sample->dataset, sample->rows);
    }
    *sample = (struct hec_sample){ 0 };
}

void hec_sample_draw(struct hec_sample *sample, struct hec_random *random)
{
    for (uint32_t i = 0; i < sample->drawn; i++) {
        uint32_t j = i + (uint32_t)hec_random_below(random, sample->negatives_count - i);
        uint32_t taken = sample->negatives[j];
        sample->negatives[j] = sample->negatives[i];
        sample->negatives[i] = taken;
    }
    memcpy(sample->rows, sample->positives, sizeof(uint32_t) * sample->positives_count);
    memcpy(sample->rows + sample->positives_count, sample->negatives,
           sizeof(uint32_t) * sample->drawn);
    sample->rows_count = sample->positives_count + sample->drawn;
    hec_random_shuffle(random, sample->rows, sample->rows_count);
}
