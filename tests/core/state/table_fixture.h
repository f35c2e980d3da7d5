/* A table over a small schema, and steps in it, for tests of the table and of checkpoints. */
#ifndef HECATE_TESTS_STATE_TABLE_FIXTURE_H
#define HECATE_TESTS_STATE_TABLE_FIXTURE_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "hecate/feature.h"
#include "schema.h"
#include "state/table.h"
#include "stream.h"

#define SMALL                                                                                      \
    "feature user_count { aggregate = count entity = user window = 1h }\n"                         \
    "feature card_sum { aggregate = sum entity = card field = amount_minor window = 30d }\n"       \
    "feature merchant_cards { aggregate = distinct entity = merchant field = card_token window = " \
    "1h }\n"

static inline struct hec_entities *table_of(const struct hec_plan *plan, size_t bytes_max)
{
    struct hec_entities *entities = NULL;
    cr_assert_eq(hec_entities_new(&entities, plan, bytes_max), HEC_OK);
    return entities;
}

static inline struct hec_entity *want(struct hec_entities *entities, int32_t partition,
                                      enum hec_kind kind, const char *name)
{
    struct hec_text token = hec_text_of(name);
    struct hec_entity *entity = hec_entities_want(entities, partition, kind, &token);
    cr_assert_not_null(entity);
    return entity;
}

static inline struct hec_entity *find(struct hec_entities *entities, int32_t partition,
                                      enum hec_kind kind, const char *name)
{
    struct hec_text token = hec_text_of(name);
    return hec_entities_find(entities, partition, kind, &token);
}

/* Wants, answers "never seen" where missing, applies. */
static inline void pay_at(const struct hec_plan *plan, struct hec_entities *entities,
                          int32_t partition, const char *user, const char *card,
                          const char *merchant, int64_t offset, int64_t event_ms)
{
    char id[32];
    snprintf(id, sizeof(id), "e%lld", (long long)offset);
    struct hec_event event = made_payment(id, event_ms, user, card, 1000 + offset);
    struct hec_touched touched;
    struct hec_entity *pool[64];
    made_text(&event, HEC_F_MERCHANT_ID, merchant);
    int used = hec_plan_want(plan, entities, &event, partition, &touched, pool);
    cr_assert_geq(used, 0);
    for (int i = 0; i < used; i++) {
        if (hec_entity_is_missing(pool[i])) {
            hec_entities_absent(entities, pool[i]);
        }
    }
    cr_assert_eq(hec_plan_apply(plan, entities, &event, offset, &touched), HEC_OK);
    hec_entities_unpin(entities);
}

static inline void pay(const struct hec_plan *plan, struct hec_entities *entities,
                       int32_t partition, const char *user, const char *card, const char *merchant,
                       int64_t offset)
{
    pay_at(plan, entities, partition, user, card, merchant, offset, 1700000000000 + offset * 60000);
}

#endif
