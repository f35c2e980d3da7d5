/* A table, a plan, and one event at a time through both. */
#ifndef HECATE_TESTS_FEATURE_ENGINE_H
#define HECATE_TESTS_FEATURE_ENGINE_H

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hecate/feature.h"
#include "schema.h"
#include "stream.h"

#define T0 INT64_C(1700000000000)
#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

/* A table and what one event at a time needs with it. */
struct engine {
    struct hec_schema *schema;
    struct hec_plan *plan;
    struct hec_entities *entities;
    struct hec_entity *pool[HEC_KINDS * 8];
    struct hec_touched touched;
    float numerics[HEC_FEATURES_MAX];
    uint32_t categories[HEC_FEATURES_MAX];
};

static inline struct engine engine_of(struct hec_schema *schema)
{
    struct engine engine = { .schema = schema };
    struct hec_error error = { 0 };
    cr_assert_eq(hec_plan_new(&engine.plan, schema, &error), HEC_OK, "%s", error.text);
    cr_assert_eq(hec_entities_new(&engine.entities, engine.plan, (size_t)64 << 20), HEC_OK);
    hec_entities_set_complete(engine.entities, 0, true);
    return engine;
}

static inline struct engine engine_from(const char *text)
{
    return engine_of(schema_of(text));
}

static inline void engine_end(struct engine *engine)
{
    hec_entities_free(engine->entities);
    hec_plan_free(engine->plan);
    free(engine->schema);
}

static inline enum hec_applied step(struct engine *engine, const struct hec_event *event,
                                    int64_t offset)
{
    cr_assert_geq(
        hec_plan_want(engine->plan, engine->entities, event, 0, &engine->touched, engine->pool), 0);
    enum hec_applied judged = hec_plan_judge(engine->plan, event, offset, &engine->touched);
    if (hec_event_is_scored(event->type)) {
        hec_plan_read(engine->plan, event, &engine->touched, engine->numerics, engine->categories);
    }
    if (judged == HEC_APPLIED) {
        cr_assert_eq(
            hec_plan_apply(engine->plan, engine->entities, event, offset, &engine->touched),
            HEC_OK);
    }
    hec_entities_unpin(engine->entities);
    return judged;
}

/* The column of the last scored event by the feature's name. */
static inline float told(const struct engine *engine, const char *name)
{
    for (int c = 0; c < hec_plan_numerics(engine->plan); c++) {
        int f = hec_plan_numeric_feature(engine->plan, c);
        if (strcmp(engine->schema->features[f].name, name) == 0) {
            return engine->numerics[c];
        }
    }
    cr_assert_fail("no feature %s", name);
    return NAN;
}

static inline const char *print_of(const struct engine *engine, int32_t partition)
{
    static char hex[8][33];
    static int next;
    hec_entities_fingerprint(engine->entities, partition, hex[++next % 8]);
    return hex[next % 8];
}

#endif
