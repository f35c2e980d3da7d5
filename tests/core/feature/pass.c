/* One pass against its halves, and its surveys against a plain walk over the record. */
#include "feature/pass.h"

#include "engine.h"
#include "feature/touch.h"
#include "state/recent.h"
#include "state/table.h"

/* Both halves with one search; as step() does it with two. */
static enum hec_applied step_in_one(struct engine *engine, const struct hec_event *event,
                                    int64_t offset)
{
    cr_assert_geq(
        hec_plan_want(engine->plan, engine->entities, event, 0, &engine->touched, engine->pool), 0);
    enum hec_applied judged = hec_plan_judge(engine->plan, event, offset, &engine->touched);
    bool scored = hec_event_is_scored(event->type);
    enum hec_status status = HEC_OK;
    if (judged == HEC_APPLIED && scored) {
        status = hec_plan_read_and_apply(engine->plan, engine->entities, event, offset,
                                         &engine->touched, engine->numerics, engine->categories);
    } else if (scored) {
        hec_plan_read(engine->plan, event, &engine->touched, engine->numerics, engine->categories);
    } else if (judged == HEC_APPLIED) {
        status = hec_plan_apply(engine->plan, engine->entities, event, offset, &engine->touched);
    }
    cr_assert_eq(status, HEC_OK);
    hec_entities_unpin(engine->entities);
    return judged;
}

static void same_in_one_go(const char *path, uint64_t seed, int events)
{
    struct engine two = engine_of(schema_of_file(path));
    struct engine one = engine_of(schema_of_file(path));
    struct stream *stream = stream_new(seed, 900000);
    stream->forgets = true;
    for (int n = 0; n < events; n++) {
        const struct hec_event *event = stream_next(stream);
        cr_assert_eq(step_in_one(&one, event, n), step(&two, event, n), "event %d", n);
        if (hec_event_is_scored(event->type)) {
            size_t row = (size_t)hec_plan_numerics(one.plan) * sizeof(float);
            cr_assert_arr_eq(one.numerics, two.numerics, row, "the row of event %d", n);
            row = (size_t)hec_plan_categories(one.plan) * sizeof(uint32_t);
            cr_assert_arr_eq(one.categories, two.categories, row, "event %d", n);
        }
    }
    cr_assert_str_eq(print_of(&one, 0), print_of(&two, 0), "the states differ");
    stream_free(stream);
    engine_end(&one);
    engine_end(&two);
}

Test(pass, reads_and_applies_in_one_go_as_in_two)
{
    same_in_one_go("conf/features.conf", 31, 3000);
}

Test(pass, reads_and_applies_in_one_go_as_in_two_with_every_aggregate)
{
    same_in_one_go("tests/data/features-every.conf", 32, 2000);
}

/* Where a part begins, added up from the first one on. */
static uint32_t walked_to(const struct hec_record *record, const struct hec_layout *layout,
                          int part)
{
    uint32_t at = hec_record_parts_at(record, layout);
    const uint16_t *counts = hec_record_counts(record, layout);
    for (int p = 0; p < part; p++) {
        at += hec_part_bytes(&layout->parts[p], counts[p]);
    }
    return at;
}

/* The index of a value in a list, one entry after the other; count if it is not there. */
static uint32_t searched(const struct hec_list *list, uint16_t count, const uint8_t *at,
                         uint32_t key)
{
    size_t size = list->kind == HEC_PART_SEEN ? sizeof(uint32_t) : sizeof(struct hec_habit);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t hash;
        memcpy(&hash, at + i * size, sizeof(hash)); /* both kinds begin with it */
        if (hash == key) {
            return i;
        }
    }
    return count;
}

static int compare_survey(const struct hec_survey *survey, const struct hec_kind_plan *kind,
                          const struct hec_entity *own)
{
    int found = 0;
    cr_assert_eq(survey->record, hec_entity_record(own));
    if (survey->record == NULL) {
        return 0;
    }
    cr_assert_eq(survey->places[kind->layout.parts_count], survey->record->bytes);
    for (int p = 0; p < kind->layout.parts_count; p++) {
        cr_assert_eq(survey->places[p], walked_to(survey->record, &kind->layout, p), "part %d", p);
    }
    for (int l = 0; l < kind->lists_count; l++) {
        const struct hec_list *list = &kind->lists[l];
        if (survey->met >> l & 1) {
            uint16_t count = survey->counts[list->part];
            uint32_t index =
                searched(list, count, (const uint8_t *)survey->record + survey->places[list->part],
                         survey->keys[l]);
            cr_assert_eq(survey->looks[l].index, index, "list %d", l);
            cr_assert_eq(survey->fresh >> list->part & 1, index == count, "list %d", l);
            found += index < count;
        }
    }
    return found;
}

Test(pass, surveys_a_record_as_a_plain_walk_does)
{
    struct engine engine = engine_of(schema_of_file("tests/data/features-every.conf"));
    struct stream *stream = stream_new(33, 900000);
    int found = 0;
    for (int n = 0; n < 1500; n++) {
        const struct hec_event *event = stream_next(stream);
        cr_assert_geq(
            hec_plan_want(engine.plan, engine.entities, event, 0, &engine.touched, engine.pool), 0);
        if (hec_event_is_scored(event->type)) {
            struct hec_pass pass;
            hec_pass_begin(&pass, engine.plan, event, &engine.touched);
            for (int kind = 0; kind < HEC_KINDS; kind++) {
                const struct hec_entity *own =
                    hec_touched_own(&engine.touched, (enum hec_kind)kind);
                if (own != NULL) {
                    found += compare_survey(hec_pass_survey(&pass, (enum hec_kind)kind),
                                            &engine.plan->kinds[kind], own);
                }
            }
        }
        hec_entities_unpin(engine.entities);
        step(&engine, event, n);
    }
    cr_expect_gt(found, 500, "the values that were met again: %d", found);
    stream_free(stream);
    engine_end(&engine);
}

Test(pass, makes_a_survey_once_and_of_nothing_for_the_unknown)
{
    struct engine engine = engine_of(schema_of_file("conf/features.conf"));
    struct stream *stream = stream_new(34, 60000);
    const struct hec_event *event = stream_next(stream);
    while (!hec_event_is_scored(event->type)) {
        event = stream_next(stream);
    }
    cr_assert_geq(
        hec_plan_want(engine.plan, engine.entities, event, 0, &engine.touched, engine.pool), 0);
    struct hec_pass pass;
    hec_pass_begin(&pass, engine.plan, event, &engine.touched);
    const struct hec_survey *survey = hec_pass_survey(&pass, HEC_USER);
    cr_expect_null(survey->record);
    for (int p = 0; p < engine.plan->kinds[HEC_USER].layout.parts_count; p++) {
        cr_expect_eq(survey->counts[p], 0);
    }
    cr_expect_eq(pass.surveyed, 1u << HEC_USER);
    cr_expect_eq(hec_pass_survey(&pass, HEC_USER), survey);
    stream_free(stream);
    engine_end(&engine);
}
