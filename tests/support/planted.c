/* Rows with planted crimes: see the header. */
#include "planted.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hecate/event.h"
#include "hecate/random.h"

static const char *const numeric_names[] = { "amount", "night", "risk",    "failed",
                                             "age",    "noise", "constant" };
static const char *const category_names[] = { "channel", "device" };

static void plant_row(struct planted *planted, uint32_t row, struct hec_random *random)
{
    float *x = planted->numerics + (size_t)row * PLANTED_NUMERICS;
    uint32_t *category = planted->categories + (size_t)row * PLANTED_CATEGORIES;
    int type = (int)hec_random_below(random, HEC_SCORED_TYPES);
    bool pays = type == HEC_CARD_AUTH || type == HEC_TRANSFER;

    x[PLANTED_AMOUNT] = pays ? (float)exp(3 + hec_random_normal(random)) : NAN;
    x[PLANTED_NIGHT] = (float)(hec_random_below(random, 5) == 0);
    x[PLANTED_RISK] = pays ? (float)(0.05 * fabs(hec_random_normal(random))) : NAN;
    x[PLANTED_FAILED] = (float)hec_random_below(random, 3);
    x[PLANTED_AGE] = (float)(1000 * hec_random_uniform(random));
    x[PLANTED_NOISE] = (float)hec_random_normal(random);
    x[PLANTED_CONSTANT] = 42;
    category[0] = 1000 + (uint32_t)hec_random_below(random, 5);
    category[1] = hec_random_below(random, 10) == 0 ? 0 : 77;

    uint64_t draw = hec_random_below(random, 100);
    const char *fraud_type = NULL;
    if (pays && draw < 3) {
        fraud_type = "04";
        if (draw == 0) {
            x[PLANTED_RISK] = (float)(0.3 + 0.5 * hec_random_uniform(random));
            planted->fraud_kind[row] = 1;
        } else {
            x[PLANTED_AMOUNT] *= 8;
            x[PLANTED_NIGHT] = 1;
            planted->fraud_kind[row] = 2;
        }
    } else if (draw < 5) {
        fraud_type = "05";
        x[PLANTED_FAILED] += 4;
        category[0] = 2000;
        planted->fraud_kind[row] = 3;
    }
    planted->event_type[row] = (uint8_t)type;
    for (int k = 0; k < HEC_DEFAULT_HEADS; k++) {
        planted->targets[(size_t)row * HEC_DEFAULT_HEADS + (size_t)k] = (int8_t)hec_head_target(
            &hec_default_heads[k], type, fraud_type == NULL ? HEC_VERDICT_NONE : HEC_VERDICT_FRAUD,
            fraud_type, 0, INT64_MAX);
    }
}

void planted_make(struct planted *planted, uint32_t rows, uint64_t seed)
{
    struct hec_random random = hec_random_at(seed, 1000);
    size_t n = rows;
    *planted = (struct planted){ .numerics = calloc(n * PLANTED_NUMERICS, sizeof(float)),
                                 .categories = calloc(n * PLANTED_CATEGORIES, sizeof(uint32_t)),
                                 .event_type = calloc(n, 1),
                                 .split = calloc(n, 1),
                                 .fraud_kind = calloc(n, 1),
                                 .targets = calloc(n * HEC_DEFAULT_HEADS, 1) };
    for (uint32_t row = 0; row < rows; row++) {
        plant_row(planted, row, &random);
        planted->split[row] = row < rows / 4 * 3 ? HEC_SPLIT_TRAIN : HEC_SPLIT_VALID;
    }
    planted->data =
        (struct hec_dataset){ .rows = rows,
                              .columns = { PLANTED_NUMERICS, PLANTED_CATEGORIES, numeric_names,
                                           category_names, "the schema", "0123456789abcdef" },
                              .numerics = planted->numerics,
                              .categories = planted->categories,
                              .event_type = planted->event_type,
                              .split = planted->split,
                              .heads_count = HEC_DEFAULT_HEADS,
                              .heads = hec_default_heads,
                              .targets = planted->targets,
                              .fraud_kind = planted->fraud_kind };
}

void planted_free(struct planted *planted)
{
    free(planted->numerics);
    free(planted->categories);
    free(planted->event_type);
    free(planted->split);
    free(planted->fraud_kind);
    free(planted->targets);
}

struct hec_model *planted_model(const struct planted *planted, int epochs, void **bytes,
                                size_t *size)
{
    struct hec_train_options options;
    struct hec_error error = { 0 };
    struct hec_model *model = NULL;
    void *file = NULL;
    size_t file_size = 0;
    hec_train_defaults(&options);
    options.epochs_max = epochs;
    options.refit = HEC_REFIT_NO;
    enum hec_status status =
        hec_train(&file, &file_size, &planted->data, &options, NULL, NULL, &error);
    if (status == HEC_OK) {
        status = hec_model_load(&model, file, file_size, NULL, &error);
    }
    if (status != HEC_OK) {
        fprintf(stderr, "planted: %s\n", error.text);
        abort();
    }
    if (bytes != NULL) {
        *bytes = file;
        *size = file_size;
    } else {
        free(file);
    }
    return model;
}
