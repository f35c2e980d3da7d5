/*
 * What a plan is known by: the digests of its schema, and what it says of its rows and records.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "feature/plan.h"
#include "hecate/digest.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

static enum hec_test_kind test_kind(const struct hec_predicate *predicate)
{
    if (predicate->op == HEC_PRESENT) {
        return HEC_TEST_PRESENT;
    }
    if (predicate->field == HEC_F_AMOUNT_MINOR) {
        return HEC_TEST_AMOUNT;
    }
    switch (hec_field_info(predicate->field)->kind) {
    case HEC_INTEGER:
    case HEC_BOOLEAN: return HEC_TEST_INTEGER;
    case HEC_NUMBER: return HEC_TEST_NUMBER;
    default: return HEC_TEST_TEXT;
    }
}

static struct hec_test test_of(const struct hec_predicate *predicate)
{
    struct hec_test test = {
        .field = (uint8_t)predicate->field,
        .op = (uint8_t)predicate->op,
        .kind = (uint8_t)test_kind(predicate),
        .texts_count = (uint8_t)predicate->texts_count,
        .texts = predicate->texts,
        .limit = (double)predicate->integer,
    };
    for (int t = 0; t < predicate->texts_count; t++) {
        size_t length = strlen(predicate->texts[t]);
        test.lengths[t] = (uint8_t)length;
        test.hashes[t] = (uint32_t)XXH3_64bits(predicate->texts[t], length);
    }
    return test;
}

void hec_plan_make_tests(struct hec_plan *plan)
{
    for (int i = 0; i < HEC_EVENT_TYPES; i++) {
        const char *name = hec_event_type_name((enum hec_event_type)i);
        plan->type_hashes[i] = (uint32_t)XXH3_64bits(name, strlen(name));
    }
    for (int f = 0; f < plan->schema.filters_count; f++) {
        const struct hec_filter *filter = &plan->schema.filters[f];
        for (int type = 0; type < HEC_EVENT_TYPES; type++) {
            plan->filters_on[type] |= (uint64_t)(filter->event_types >> type & 1) << f;
        }
        plan->tests_count[f] = (uint8_t)filter->predicates_count;
        for (int p = 0; p < filter->predicates_count; p++) {
            plan->tests[f][p] = test_of(&filter->predicates[p]);
        }
    }
}

/* The digests of the canonical text: of all of it, and of it without what state does not see. */
enum hec_status hec_plan_make_digests(struct hec_plan *plan)
{
    struct hec_schema *reduced = malloc(sizeof(*reduced));
    size_t room = hec_schema_print(&plan->schema, NULL, 0) + 1;
    char *text = malloc(room);
    if (reduced == NULL || text == NULL) {
        free(reduced);
        free(text);
        return HEC_NO_MEMORY;
    }
    hec_schema_print(&plan->schema, text, room);
    hec_sha256(text, room - 1, plan->digest);

    *reduced = plan->schema;
    reduced->features_count = 0;
    for (int i = 0; i < plan->schema.features_count; i++) {
        const struct hec_feature *feature = &plan->schema.features[i];
        if (feature->aggregate == HEC_AGG_VALUE || feature->aggregate == HEC_AGG_CATEGORY) {
            continue;
        }
        struct hec_feature *kept = &reduced->features[reduced->features_count++];
        hec_feature_init(kept);
        kept->aggregate = feature->aggregate;
        kept->entity = feature->entity;
        kept->filter = feature->filter;
        kept->filter2 = feature->filter2;
        kept->filter3 = feature->aggregate == HEC_AGG_CHAIN ? -1 : feature->filter3;
        kept->window2_ms = feature->window2_ms;
        kept->field = feature->field;
        kept->derived = feature->derived;
        kept->window_ms = hec_aggregate_window_is_cap(feature->aggregate) ? 0 : feature->window_ms;
        kept->delay_ms = feature->delay_ms;
    }
    size_t length = hec_schema_print(reduced, text, room);
    assert(length < room);
    plan->state_digest = XXH3_64bits_withSeed(text, length, HEC_RECORD_VERSION);
    free(reduced);
    free(text);
    return HEC_OK;
}

void hec_plan_set_token_key(struct hec_plan *plan, const char id[17])
{
    plan->state_digest = XXH3_64bits_withSeed(id, 16, plan->state_digest);
    for (int kind = 0; kind < HEC_KINDS; kind++) {
        plan->kinds[kind].layout.state_digest = plan->state_digest;
    }
}

const struct hec_layout *hec_plan_layout(const struct hec_plan *plan, enum hec_kind kind)
{
    return &plan->kinds[kind].layout;
}

const struct hec_schema *hec_plan_schema(const struct hec_plan *plan)
{
    return &plan->schema;
}

int hec_plan_numerics(const struct hec_plan *plan)
{
    return plan->numerics;
}

int hec_plan_categories(const struct hec_plan *plan)
{
    return plan->categories;
}

int hec_plan_numeric_feature(const struct hec_plan *plan, int column)
{
    assert(column >= 0);
    assert(column < plan->numerics);
    return plan->numeric_features[column];
}

int hec_plan_category_feature(const struct hec_plan *plan, int column)
{
    assert(column >= 0);
    assert(column < plan->categories);
    return plan->category_features[column];
}

const char *hec_plan_digest(const struct hec_plan *plan)
{
    return plan->digest;
}

uint64_t hec_plan_state_digest(const struct hec_plan *plan)
{
    return plan->state_digest;
}
