/*
 * Which states an event touches, and whether it may move them.
 */
#include <assert.h>
#include <string.h>

#include "feature/plan.h"
#include "state/recent.h"
#include "state/table.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "feature/touch.h"

uint64_t hec_event_id_hash(const struct hec_event *event)
{
    const struct hec_text *id = &event->value[HEC_F_EVENT_ID].text;
    return XXH3_64bits(id->bytes, id->length);
}

const uint8_t *hec_part_find(const struct hec_record *record, const struct hec_layout *layout,
                             int part, uint16_t *count)
{
    const uint16_t *counts = hec_record_counts(record, layout);
    const uint8_t *at = hec_record_parts(record, layout);
    for (int p = 0; p < part; p++) {
        at += hec_part_bytes(&layout->parts[p], counts[p]);
    }
    *count = counts[part];
    return at;
}

_Static_assert(HEC_ENTITY_RECENT_MAX == HEC_IDS_MAX, "the ids are what is remembered of events");

int hec_entity_recent(const struct hec_plan *plan, const struct hec_entity *entity,
                      uint32_t event_s[HEC_ENTITY_RECENT_MAX])
{
    enum hec_kind kind = hec_entity_id(entity).kind;
    const struct hec_record *record = hec_entity_record(entity);
    int part = plan->kinds[kind].ids_part;
    if (record == NULL || part < 0) {
        return 0;
    }
    uint16_t count;
    const uint8_t *ids = hec_part_find(record, &plan->kinds[kind].layout, part, &count);
    for (int i = 0; i < count; i++) {
        memcpy(&event_s[i], ids + i * HEC_IDS_BYTES + 8, sizeof(event_s[i]));
    }
    return count;
}

struct hec_entity *hec_touched_own(const struct hec_touched *touched, enum hec_kind kind)
{
    if (touched->shards[kind] == NULL) {
        return NULL;
    }
    return touched->shards[kind][touched->shards_count[kind] == 1 ? 0 : touched->partition];
}

/* The partitions whose shards of a kind an event reads: its own, or all of them. */
static int32_t shards_of(const struct hec_entities *entities, enum hec_kind kind, int32_t partition,
                         bool all_shards, int32_t *first)
{
    if (all_shards && !hec_kind_info(kind)->owned && entities->partitions > 1) {
        assert(partition < entities->partitions);
        *first = 0;
        return entities->partitions;
    }
    *first = partition;
    return 1;
}

static int want(struct hec_entities *entities, int32_t partition, enum hec_kind kind,
                const struct hec_text *token, bool all_shards, struct hec_touched *touched,
                struct hec_entity **pool)
{
    int32_t first;
    int32_t count = shards_of(entities, kind, partition, all_shards, &first);
    char hex[HEC_KEYED_TOKEN_BYTES];
    struct hec_text name = hec_entities_name(entities, token, hex);
    for (int32_t i = 0; i < count; i++) {
        pool[i] = hec_entities_want(entities, first + i, kind, &name);
        if (pool[i] == NULL) {
            return -1;
        }
        touched->missing |= hec_entity_is_missing(pool[i]);
    }
    touched->shards[kind] = pool;
    touched->shards_count[kind] = count;
    return count;
}

int hec_plan_want(const struct hec_plan *plan, struct hec_entities *entities,
                  const struct hec_event *event, int32_t partition, struct hec_touched *touched,
                  struct hec_entity **pool)
{
    *touched = (struct hec_touched){ .partition = partition };
    if (event->type == HEC_FORGET) {
        const struct hec_text *name = &event->value[HEC_F_FORGET_KIND].text;
        enum hec_kind kind = hec_kind_named(name->bytes, name->length);
        if (kind == HEC_KINDS || !plan->kinds[kind].touched) {
            return 0;
        }
        return want(entities, partition, kind, &event->value[HEC_F_FORGET_TOKEN].text, false,
                    touched, pool);
    }
    int used = 0;
    bool scored = hec_event_is_scored(event->type);
    for (int k = 0; k < HEC_KINDS; k++) {
        enum hec_kind kind = (enum hec_kind)k;
        const struct hec_kind_plan *of = &plan->kinds[kind];
        enum hec_field field = hec_kind_info(kind)->field;
        bool wanted = of->touched && (event->type != HEC_LABEL || of->labels || kind == HEC_USER);
        if (!wanted || !hec_event_has(event, field)) {
            continue;
        }
        int n = want(entities, partition, kind, &event->value[field].text, scored, touched,
                     pool + used);
        if (n < 0) {
            return -1;
        }
        used += n;
    }
    return used;
}

void hec_plan_prefetch(const struct hec_plan *plan, const struct hec_entities *entities,
                       const struct hec_event *event, int32_t partition, int stage)
{
    bool scored = hec_event_is_scored(event->type);
    for (int k = 0; k < HEC_KINDS; k++) {
        enum hec_kind kind = (enum hec_kind)k;
        enum hec_field field = hec_kind_info(kind)->field;
        if (!plan->kinds[kind].touched || !hec_event_has(event, field)) {
            continue;
        }
        int32_t first;
        int32_t count = shards_of(entities, kind, partition, scored, &first);
        for (int32_t i = first; i < first + count; i++) {
            hec_entities_prefetch(entities, i, kind, &event->value[field].text, stage);
        }
    }
}

int hec_plan_pool_size(const struct hec_plan *plan, int32_t partitions)
{
    int size = 0;
    for (int kind = 0; kind < HEC_KINDS; kind++) {
        if (plan->kinds[kind].touched) {
            size += hec_kind_info((enum hec_kind)kind)->owned ? 1 : partitions;
        }
    }
    return size;
}

bool hec_touched_refresh(struct hec_touched *touched)
{
    touched->missing = false;
    for (int kind = 0; kind < HEC_KINDS; kind++) {
        for (int32_t i = 0; i < touched->shards_count[kind]; i++) {
            touched->missing |= hec_entity_is_missing(touched->shards[kind][i]);
        }
    }
    return touched->missing;
}

static bool reaches(const struct hec_plan *plan, const struct hec_record *record, int64_t target_ms)
{
    return record != NULL && target_ms <= record->newest_ms &&
           record->newest_ms - target_ms < plan->reach_ms;
}

/* A verdict can be placed when one of its records saw the time that it is about. */
static bool is_linked(const struct hec_plan *plan, const struct hec_event *event,
                      const struct hec_touched *touched)
{
    int64_t target_ms = event->value[HEC_F_TARGET_EVENT_TIME_MS].integer;
    for (int kind = 0; kind < HEC_KINDS; kind++) {
        const struct hec_entity *own = hec_touched_own(touched, (enum hec_kind)kind);
        if (own != NULL && reaches(plan, hec_entity_record(own), target_ms)) {
            return true;
        }
    }
    return false;
}

enum hec_applied hec_plan_judge(const struct hec_plan *plan, const struct hec_event *event,
                                int64_t offset, const struct hec_touched *touched)
{
    if (event->type == HEC_FORGET) {
        for (int kind = 0; kind < HEC_KINDS; kind++) {
            const struct hec_entity *own = hec_touched_own(touched, (enum hec_kind)kind);
            const struct hec_record *record = own == NULL ? NULL : hec_entity_record(own);
            if (record != NULL && offset <= record->last_off) {
                return HEC_APPLIED_BEFORE;
            }
        }
        return HEC_APPLIED;
    }
    const struct hec_entity *user = hec_touched_own(touched, HEC_USER);
    const struct hec_record *record = user == NULL ? NULL : hec_entity_record(user);
    if (record != NULL) {
        if (offset <= record->last_off) {
            return HEC_APPLIED_BEFORE;
        }
        const struct hec_kind_plan *kind = &plan->kinds[HEC_USER];
        uint16_t count;
        const uint8_t *ids = hec_part_find(record, &kind->layout, kind->ids_part, &count);
        if (hec_ids_has(count, ids, hec_event_id_hash(event), hec_event_ms(event) / 1000,
                        plan->schema.dedup_window_s)) {
            return HEC_DUPLICATE;
        }
        if (hec_event_is_scored(event->type) &&
            hec_event_ms(event) < record->newest_ms - plan->schema.allowed_lateness_ms) {
            return HEC_TOO_LATE;
        }
    }
    if (!hec_event_is_scored(event->type) && !is_linked(plan, event, touched)) {
        return HEC_UNLINKED;
    }
    return HEC_APPLIED;
}
