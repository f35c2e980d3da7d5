/*
 * Made-up training rows with planted crimes, and models trained on them.
 *
 * Card fraud: a high terminal risk, or a large amount at night. Takeover: many failed log-ins, then
 * anything, with a category that honest rows hardly have. Both show through noise, so that a model
 * is good but never perfect.
 */
#ifndef TESTS_SUPPORT_PLANTED_H
#define TESTS_SUPPORT_PLANTED_H

#include "hecate/model.h"
#include "hecate/train.h"

enum { PLANTED_NUMERICS = 7, PLANTED_CATEGORIES = 2 };

/* Columns by name, for tests that change one. */
enum {
    PLANTED_AMOUNT,
    PLANTED_NIGHT,
    PLANTED_RISK,
    PLANTED_FAILED,
    PLANTED_AGE,
    PLANTED_NOISE,
    PLANTED_CONSTANT
};

struct planted {
    struct hec_dataset data;
    float *numerics;
    uint32_t *categories;
    uint8_t *event_type, *split, *fraud_kind;
    int8_t *targets;
};

/** The last quarter of the rows is for validation. Three default heads. */
void planted_make(struct planted *planted, uint32_t rows, uint64_t seed);
void planted_free(struct planted *planted);

/** Trains with few epochs and loads the result; asserts that both succeed. *bytes may be NULL, else
 * receives the file, to be given to free(). */
struct hec_model *planted_model(const struct planted *planted, int epochs, void **bytes,
                                size_t *size);

#endif
