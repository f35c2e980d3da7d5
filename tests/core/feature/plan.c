/* The plan as a whole: what it reads and applies, against a list that is scanned. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hecate/feature.h"
#include "schema.h"
#include "support/oracle.h"
#include "support/stream.h"

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

static struct engine engine_of(struct hec_schema *schema)
{
    struct engine engine = { .schema = schema };
    struct hec_error error = { 0 };
    cr_assert_eq(hec_plan_new(&engine.plan, schema, &error), HEC_OK, "%s", error.text);
    cr_assert_eq(hec_entities_new(&engine.entities, engine.plan, (size_t)64 << 20), HEC_OK);
    hec_entities_set_complete(engine.entities, 0, true);
    return engine;
}

static void engine_end(struct engine *engine)
{
    hec_entities_free(engine->entities);
    hec_plan_free(engine->plan);
    free(engine->schema);
}

static enum hec_applied step(struct engine *engine, const struct hec_event *event, int64_t offset)
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

static bool close_enough(double a, double b, double relative)
{
    return (isnan(a) && isnan(b)) || fabs(a - b) <= relative * fmax(1, fmax(fabs(a), fabs(b)));
}

static void compare_row(const struct engine *engine, const struct oracle *oracle,
                        const struct hec_event *event, int n)
{
    for (int c = 0; c < hec_plan_numerics(engine->plan); c++) {
        int f = hec_plan_numeric_feature(engine->plan, c);
        const struct hec_feature *feature = &engine->schema->features[f];
        double want = oracle_read(oracle, event, f);
        double relative = oracle_is_estimate(oracle, event, f) ? 0.3 : 1e-5;
        bool countable = feature->aggregate == HEC_AGG_COUNT ||
                         feature->aggregate == HEC_AGG_STREAK ||
                         feature->aggregate == HEC_AGG_IS_NEW;
        relative = countable ? 0 : relative;
        cr_assert(close_enough(engine->numerics[c], want, relative),
                  "event %d, %s: %.9g instead of %.9g", n, feature->name, engine->numerics[c],
                  want);
    }
}

static void agree(const char *path, uint64_t seed, int events, int64_t step_ms_max, bool forgets)
{
    struct engine engine = engine_of(schema_of_file(path));
    struct oracle *oracle = oracle_new(engine.schema);
    struct stream *stream = stream_new(seed, step_ms_max);
    int judged[HEC_APPLIED_KINDS] = { 0 };
    stream->forgets = forgets;
    for (int n = 0; n < events; n++) {
        const struct hec_event *event = stream_next(stream);
        enum hec_applied want = oracle_judge(oracle, event);
        enum hec_applied got = step(&engine, event, n);
        cr_assert_eq(got, want, "event %d: judged %d instead of %d", n, got, want);
        judged[got]++;
        if (hec_event_is_scored(event->type)) {
            compare_row(&engine, oracle, event, n);
        }
        if (want == HEC_APPLIED) {
            oracle_apply(oracle, event);
        }
    }
    cr_expect_gt(judged[HEC_DUPLICATE], 0);
    cr_expect_gt(judged[HEC_TOO_LATE], 0);
    stream_free(stream);
    oracle_free(oracle);
    engine_end(&engine);
}

Test(plan, agrees_with_a_plain_list_on_every_default_feature_over_hours)
{
    agree("conf/features.conf", 1, 700, 60000, false);
}

Test(plan, agrees_with_a_plain_list_over_months)
{
    agree("conf/features.conf", 2, 700, 14400000, false);
}

Test(plan, agrees_with_a_plain_list_when_records_are_forgotten)
{
    agree("conf/features.conf", 3, 700, 3600000, true);
}

Test(plan, agrees_with_a_plain_list_on_the_features_of_the_handbook)
{
    agree("conf/features-handbook.conf", 4, 1500, 3600000, false);
}

Test(plan, agrees_with_a_plain_list_on_every_aggregate)
{
    agree("tests/data/features-every.conf", 5, 700, 1800000, true);
}
