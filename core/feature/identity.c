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

void hec_plan_hash_texts(struct hec_plan *plan)
{
    for (int i = 0; i < HEC_EVENT_TYPES; i++) {
        const char *name = hec_event_type_name((enum hec_event_type)i);
        plan->type_hashes[i] = (uint32_t)XXH3_64bits(name, strlen(name));
    }
    for (int f = 0; f < plan->schema.filters_count; f++) {
        const struct hec_filter *filter = &plan->schema.filters[f];
        for (int p = 0; p < filter->predicates_count; p++) {
            for (int t = 0; t < filter->predicates[p].texts_count; t++) {
                const char *text = filter->predicates[p].texts[t];
                plan->text_hashes[f][p][t] = (uint32_t)XXH3_64bits(text, strlen(text));
            }
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
