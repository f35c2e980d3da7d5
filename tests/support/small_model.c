/* Made-up rows and a short training: see the header. */
#include "small_model.h"

#include <stdio.h>
#include <stdlib.h>

#include "hecate/random.h"
#include "hecate/train.h"

enum { ROWS = 400, NUMERICS = 3 };

void *small_model(const struct small_model *wanted, const struct hec_plan *plan, size_t *size)
{
    static float numerics[ROWS * NUMERICS];
    static uint32_t categories[ROWS];
    static uint8_t types[ROWS], split[ROWS];
    static int8_t targets[ROWS * HEC_DEFAULT_HEADS];
    static const char *numeric_names[] = { "amount", "count", "busy" };
    static const char *category_names[] = { "channel" };
    struct hec_random random = hec_random_at(5, 0);
    for (int i = 0; i < ROWS; i++) {
        bool fraud = i % 20 == 0;
        float *row = numerics + (size_t)i * (size_t)wanted->numerics;
        row[0] = (float)(hec_random_uniform(&random) * 50 + (fraud ? 400 : 0));
        for (int n = 1; n < wanted->numerics; n++) {
            row[n] = (float)hec_random_below(&random, 5);
        }
        categories[i] = 1 + (uint32_t)hec_random_below(&random, 3);
        types[i] = HEC_CARD_AUTH;
        split[i] = HEC_SPLIT_TRAIN;
        for (int h = 0; h < HEC_DEFAULT_HEADS; h++) {
            targets[i * HEC_DEFAULT_HEADS + h] = h == 1 ? HEC_TARGET_NEGATIVE : (int8_t)fraud;
        }
    }
    struct hec_dataset data = {
        .rows = ROWS,
        .columns = { .numerics = wanted->numerics,
                     .categories = wanted->categories,
                     .numeric_names = numeric_names,
                     .category_names = category_names,
                     .schema_text = wanted->schema_text,
                     .schema_digest = hec_plan_digest(plan) },
        .numerics = numerics,
        .categories = wanted->categories == 0 ? NULL : categories,
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
    options.epochs_max = wanted->epochs;
    if (wanted->tiny) {
        options.network.trunk_0 = options.network.trunk_1 = options.network.tower = 8;
    }
    if (hec_train(&bytes, size, &data, &options, NULL, NULL, &error) != HEC_OK) {
        fprintf(stderr, "small_model: %s\n", error.text);
        abort();
    }
    return bytes;
}
