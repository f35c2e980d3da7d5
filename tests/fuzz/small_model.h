/*
 * A model of a few hundred numbers for fuzzers: two features, three heads. What it learned does not
 * matter; that its file is small does, so there is no category, whose table would be most of it.
 */
#ifndef HECATE_TESTS_SMALL_MODEL_H
#define HECATE_TESTS_SMALL_MODEL_H

#include <stdlib.h>
#include <string.h>

#include "hecate/feature.h"
#include "hecate/random.h"
#include "hecate/train.h"

#define SMALL_SCHEMA                                                                               \
    "currency = EUR\n"                                                                             \
    "filter payment { events = {card_auth, transfer} }\n"                                          \
    "feature amount { aggregate = value field = amount_minor reason = \"AMT-001\" }\n"             \
    "feature count { aggregate = count entity = user filter = payment window = 1d "                \
    "reason = \"VEL-001\" }\n"

/* The file's bytes, of malloc; aborts when it cannot be made. */
static inline void *small_model(const struct hec_plan *plan, size_t *size)
{
    enum { ROWS = 200 };
    static float numerics[ROWS * 2];
    static uint8_t types[ROWS], split[ROWS];
    static int8_t targets[ROWS * HEC_DEFAULT_HEADS];
    static const char *numeric_names[] = { "amount", "count" };
    struct hec_random random = hec_random_at(5, 0);
    for (int i = 0; i < ROWS; i++) {
        bool fraud = i % 20 == 0;
        numerics[2 * i] = (float)(hec_random_uniform(&random) * 50 + (fraud ? 400 : 0));
        numerics[2 * i + 1] = (float)hec_random_below(&random, 5);
        types[i] = HEC_CARD_AUTH;
        split[i] = HEC_SPLIT_TRAIN;
        for (int h = 0; h < HEC_DEFAULT_HEADS; h++) {
            targets[i * HEC_DEFAULT_HEADS + h] = h == 1 ? HEC_TARGET_NEGATIVE : (int8_t)fraud;
        }
    }
    struct hec_dataset data = {
        .rows = ROWS,
        .columns = { .numerics = 2,
                     .numeric_names = numeric_names,
                     .schema_text = SMALL_SCHEMA,
                     .schema_digest = hec_plan_digest(plan) },
        .numerics = numerics,
        .event_type = types,
        .split = split,
        .heads_count = HEC_DEFAULT_HEADS,
        .heads = hec_default_heads,
        .targets = targets,
    };
    struct hec_train_options options;
    struct hec_error error = { 0 };
    void *bytes;
    hec_train_defaults(&options);
    options.epochs_max = 1;
    options.network.trunk_0 = options.network.trunk_1 = options.network.tower = 8;
    if (hec_train(&bytes, size, &data, &options, NULL, NULL, &error) != HEC_OK) {
        abort();
    }
    return bytes;
}

#endif
