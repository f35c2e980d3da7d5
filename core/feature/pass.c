#include "feature/pass.h"

#include <assert.h>
#include <string.h>

#include "feature/touch.h"
#include "state/recent.h"
#include "state/table.h"

void hec_pass_begin(struct hec_pass *pass, const struct hec_plan *plan,
                    const struct hec_event *event, const struct hec_touched *touched)
{
    pass->plan = plan;
    pass->event = event;
    pass->touched = touched;
    pass->surveyed = 0;
    if (event->type != HEC_FORGET) {
        hec_facts_of(plan, event, &pass->facts);
    }
}

/* Looks for the event's values in the lists of a record. Only what a list would remember counts as
 * one of its values; whether something was seen is asked of every event. */
static void look(struct hec_survey *survey, const struct hec_kind_plan *kind,
                 const struct hec_event *event, const struct hec_facts *facts)
{
    for (int l = 0; l < kind->lists_count; l++) {
        const struct hec_list *list = &kind->lists[l];
        bool passes = hec_facts_passes(facts, list->filter);
        bool asked = list->kind == HEC_PART_SEEN || (list->kind == HEC_PART_VALUES && passes);
        uint32_t key;
        if (!asked || !hec_facts_key(event, facts, list, &key)) {
            continue;
        }
        uint16_t count = survey->counts[list->part];
        const uint8_t *at = survey->bytes + survey->places[list->part];
        struct hec_values_look found;
        if (list->kind == HEC_PART_SEEN) {
            found.index = hec_seen_find(count, at, key);
        } else {
            found = hec_values_look(count, at, key);
        }
        uint64_t part = (uint64_t)1 << list->part;
        survey->met |= 1u << l;
        survey->takes |= passes ? part : 0;
        survey->fresh |= found.index == count ? part : 0;
        survey->keys[l] = key;
        survey->looks[l] = found;
    }
}

const struct hec_survey *hec_pass_survey(struct hec_pass *pass, enum hec_kind kind)
{
    static const uint16_t NONE[HEC_PARTS_MAX];
    static const uint8_t NOTHING[1];
    struct hec_survey *survey = &pass->surveys[kind];
    if (pass->surveyed >> kind & 1) {
        return survey;
    }
    const struct hec_kind_plan *of = &pass->plan->kinds[kind];
    const struct hec_entity *own = hec_touched_own(pass->touched, kind);
    survey->record = hec_entity_record(own);
    survey->bytes = NOTHING;
    survey->counts = NONE;
    survey->met = 0;
    survey->takes = 0;
    survey->fresh = 0;
    uint32_t parts_at = 0;
    if (survey->record != NULL) {
        survey->bytes = (const uint8_t *)survey->record;
        survey->counts = hec_record_counts(survey->record, &of->layout);
        parts_at = hec_record_parts_at(survey->record, &of->layout);
    }
    hec_record_places(survey->counts, parts_at, &of->layout, survey->places);
    if (hec_event_is_scored(pass->event->type)) {
        look(survey, of, pass->event, &pass->facts);
    }
    pass->surveyed |= 1u << kind;
    return survey;
}

void hec_plan_read(const struct hec_plan *plan, const struct hec_event *event,
                   const struct hec_touched *touched, float *numerics, uint32_t *categories)
{
    assert(hec_event_is_scored(event->type));

    struct hec_pass pass;
    hec_pass_begin(&pass, plan, event, touched);
    hec_pass_read(&pass, numerics, categories);
}

enum hec_status hec_plan_apply(const struct hec_plan *plan, struct hec_entities *entities,
                               const struct hec_event *event, int64_t offset,
                               const struct hec_touched *touched)
{
    struct hec_pass pass;
    hec_pass_begin(&pass, plan, event, touched);
    return hec_pass_apply(&pass, entities, offset);
}

enum hec_status hec_plan_read_and_apply(const struct hec_plan *plan, struct hec_entities *entities,
                                        const struct hec_event *event, int64_t offset,
                                        const struct hec_touched *touched, float *numerics,
                                        uint32_t *categories)
{
    assert(hec_event_is_scored(event->type));

    struct hec_pass pass;
    hec_pass_begin(&pass, plan, event, touched);
    hec_pass_read(&pass, numerics, categories);
    return hec_pass_apply(&pass, entities, offset);
}
