/*
 * A model of a few hundred numbers for fuzzers: two features, three heads. That its file is small
 * matters, so there is no category, whose table would be most of it.
 */
#ifndef HECATE_TESTS_TINY_MODEL_H
#define HECATE_TESTS_TINY_MODEL_H

#include "small_model.h"

#define TINY_SCHEMA                                                                                \
    "currency = EUR\n"                                                                             \
    "filter payment { events = {card_auth, transfer} }\n"                                          \
    "feature amount { aggregate = value field = amount_minor reason = \"AMT-001\" }\n"             \
    "feature count { aggregate = count entity = user filter = payment window = 1d "                \
    "reason = \"VEL-001\" }\n"

static const struct small_model TINY_MODEL = {
    .schema_text = TINY_SCHEMA, .numerics = 2, .epochs = 1, .tiny = true
};

#endif
