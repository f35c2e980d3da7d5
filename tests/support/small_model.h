/*
 * A model made in a moment, of a few columns: large amounts are fraud. What it learned does not
 * matter where it is used; that there is one does.
 */
#ifndef TESTS_SUPPORT_SMALL_MODEL_H
#define TESTS_SUPPORT_SMALL_MODEL_H

#include <stdbool.h>
#include <stddef.h>

#include "hecate/feature.h"

/* Columns are the first of amount, count, busy, and channel: as many as the schema declares. */
struct small_model {
    const char *schema_text;
    int numerics;   /* 1 .. 3 */
    int categories; /* 0 or 1 */
    int epochs;
    bool tiny; /* layers of eight: a file of a few hundred numbers */
};

/** Trains one on the plan's features. The file's bytes, for free(); aborts when it cannot be made.
 */
void *small_model(const struct small_model *wanted, const struct hec_plan *plan, size_t *size);

#endif
