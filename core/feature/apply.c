/*
 * Applying: one event into the states that it touches, after it was read.
 *
 * Every touched record is changed for itself and remembers the event's offset, so that applying
 * again does nothing. The user's record is the last: it alone answers whether an event was applied,
 * and must not say so before the others are.
 */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "feature/plan.h"
#include "feature/touch.h"
#include "state/decay.h"
#include "state/distinct.h"
#include "state/hours.h"
#include "state/recent.h"
#include "state/table.h"
#include "state/tiles.h"
#include "state/values.h"

#define PLACE_ONE 1e7

/* One event on its way into the records. */
struct change {
    const struct hec_plan *plan;
    const struct hec_event *event;
    struct hec_facts facts;
    int64_t at_ms;    /* when it counts: its own time, or that of a verdict's target */
    int sign;         /* 1, -1 for a reversal */
    bool full;        /* counts change, too: not for a reversal of a part of the amount */
    int32_t fraud;    /* change of "labelled fraud" */
    uint32_t verdict; /* to be remembered; HEC_VERDICT_UNKNOWN none */
    uint64_t id_hash;
    int64_t offset;
};

static void add_columns(const struct change *change, const struct hec_kind_plan *kind, int p,
                        uint8_t *element)
{
    const struct hec_part *part = &kind->layout.parts[p];
    const struct hec_facts *facts = &change->facts;
    for (int c = kind->columns_of[p]; c < kind->columns_of[p + 1]; c++) {
        const struct hec_column *column = &kind->columns[c];
        if (!(facts->mask >> column->filter & 1)) {
            continue;
        }
        bool known = facts->known >> column->value & 1;
        int64_t value = known ? facts->values[column->value] : 0;
        hec_int128 square = (hec_int128)value * value;
        uint32_t wide = column->slot - part->counts;
        int by = change->full ? change->sign : 0;
        switch ((enum hec_measure)column->measure) {
        case HEC_MEASURE_COUNT: hec_tile_count(element, column->slot, by); break;
        case HEC_MEASURE_KNOWN: hec_tile_count(element, column->slot, known ? by : 0); break;
        case HEC_MEASURE_FRAUD: break;
        case HEC_MEASURE_SUM: hec_tile_sum(part, element, wide, change->sign * value); break;
        case HEC_MEASURE_SQUARE_LOW:
            square &= ((hec_int128)1 << HEC_SQUARE_BITS) - 1;
            hec_tile_sum(part, element, wide, by * (int64_t)square);
            break;
        case HEC_MEASURE_SQUARE_HIGH:
            hec_tile_sum(part, element, wide, by * (int64_t)(square >> HEC_SQUARE_BITS));
            break;
        case HEC_MEASURE_MAX:
        case HEC_MEASURE_MIN:
            /* A reversal cannot take a peak away. */
            if (known && change->sign > 0) {
                bool largest = column->measure == HEC_MEASURE_MAX;
                hec_tile_peak(part, element, wide, HEC_PEAK_ZERO + (largest ? value : -value));
            }
            break;
        }
    }
}

static void add_fraud(const struct change *change, const struct hec_kind_plan *kind, int p,
                      uint8_t *element)
{
    for (int c = kind->columns_of[p]; c < kind->columns_of[p + 1]; c++) {
        const struct hec_column *column = &kind->columns[c];
        if (column->measure == HEC_MEASURE_FRAUD && (change->facts.mask >> column->filter & 1)) {
            hec_tile_count(element, column->slot, change->fraud);
        }
    }
}

static bool has_fraud(const struct hec_kind_plan *kind, int p)
{
    for (int c = kind->columns_of[p]; c < kind->columns_of[p + 1]; c++) {
        if (kind->columns[c].measure == HEC_MEASURE_FRAUD) {
            return true;
        }
    }
    return false;
}

/* Whether the event may add to a part at all. What growth_of counts on is what change_part does, so
 * both ask here. */
static bool adds_to(const struct change *change, const struct hec_kind_plan *kind, int p)
{
    bool passes = change->facts.mask & kind->filters_of[p];
    bool seen = passes && hec_event_is_scored(change->event->type);
    switch (kind->layout.parts[p].kind) {
    case HEC_PART_IDS: return true;
    case HEC_PART_VERDICTS: return change->verdict != HEC_VERDICT_UNKNOWN;
    case HEC_PART_SEEN:
    case HEC_PART_DISTINCT:
        return seen && hec_event_has(change->event, kind->lists[kind->list_of[p]].field);
    case HEC_PART_VALUES:
    case HEC_PART_HOURS: return seen;
    case HEC_PART_TILES: return passes;
    }
    return true;
}

/* Drops what the ring has left behind, then adds. Tiles outside the ring, or ahead of anything
 * that the record has seen, are not there to be changed. */
static void change_part(const struct change *change, const struct hec_kind_plan *kind, int p,
                        struct hec_record *record, uint16_t *count, uint8_t *at)
{
    const struct hec_part *part = &kind->layout.parts[p];
    const struct hec_list *list = kind->list_of[p] < 0 ? NULL : &kind->lists[kind->list_of[p]];
    bool adds = adds_to(change, kind, p);
    bool in_rings = part->kind == HEC_PART_TILES || part->kind == HEC_PART_DISTINCT;
    if (!adds && !in_rings) {
        return;
    }
    uint32_t head = in_rings ? hec_tile_of(part, record->newest_ms) : 0;
    uint32_t tile = in_rings ? hec_tile_of(part, change->at_ms) : 0;
    adds = adds && (!in_rings || (tile <= head && (uint64_t)tile + part->ring > head));
    uint32_t key;
    switch (part->kind) {
    case HEC_PART_IDS:
        hec_ids_add(record, count, at, change->id_hash, hec_event_ms(change->event) / 1000);
        break;
    case HEC_PART_VERDICTS:
        hec_verdicts_set(record, count, at, change->event->value[HEC_F_TARGET_EVENT_ID].text.hash,
                         change->verdict);
        break;
    case HEC_PART_SEEN:
        hec_seen_add(record, count, at, change->event->value[list->field].text.hash);
        break;
    case HEC_PART_VALUES:
        if (hec_facts_key(change->event, &change->facts, list, &key)) {
            hec_values_add(record, count, at, key, change->at_ms / 1000);
        }
        break;
    case HEC_PART_HOURS: hec_hours_add(record, count, at, hec_hour_of_week(change->at_ms)); break;
    case HEC_PART_DISTINCT:
        hec_distinct_prune(record, part, count, at, head);
        if (adds) {
            hec_distinct_add(record, part, count, at, change->event->value[list->field].text.hash,
                             tile);
        }
        break;
    case HEC_PART_TILES:
        hec_tiles_prune(record, part, count, at, head);
        if (adds && change->event->type != HEC_LABEL) {
            add_columns(change, kind, p, hec_tiles_place(record, part, count, at, tile));
        } else if (adds && change->fraud != 0 && has_fraud(kind, p)) {
            add_fraud(change, kind, p, hec_tiles_place(record, part, count, at, tile));
        }
        break;
    }
}

static void change_place(const struct change *change, int64_t *place)
{
    const struct hec_event *event = change->event;
    if (!hec_event_has(event, HEC_F_GEO_LAT) || !hec_event_has(event, HEC_F_GEO_LON) ||
        change->at_ms < place[1]) {
        return;
    }
    int32_t now[2] = { (int32_t)llrint(event->value[HEC_F_GEO_LAT].number * PLACE_ONE),
                       (int32_t)llrint(event->value[HEC_F_GEO_LON].number * PLACE_ONE) };
    memcpy(place, now, sizeof(now));
    place[1] = change->at_ms;
}

static void change_decay(const struct change *change, const struct hec_slot *slot, int64_t *at)
{
    double value = 0;
    if (slot->value < HEC_VALUES_MAX) {
        if (!(change->facts.known >> slot->value & 1)) {
            return;
        }
        value = (double)change->facts.values[slot->value];
    }
    struct hec_decay decay;
    memcpy(&decay, at, sizeof(decay));
    hec_decay_add(&decay, slot->span_ms, change->at_ms, value);
    memcpy(at, &decay, sizeof(decay));
}

/* Whether the event brings a value that the list, which knows others, does not know. */
static bool brings_new(const struct change *change, const struct hec_kind_plan *kind,
                       const struct hec_record *record, int list)
{
    enum hec_field field = kind->lists[list].field;
    uint16_t count;
    const uint8_t *at = hec_part_find(record, &kind->layout, kind->lists[list].part, &count);
    return hec_event_has(change->event, field) && count > 0 &&
           !hec_seen_has(count, at, change->event->value[field].text.hash);
}

/* at[0]: when the first step was last done; at[1]: the second, within its time after a first. */
static void change_chain(const struct change *change, const struct hec_kind_plan *kind,
                         const struct hec_record *record, const struct hec_slot *slot, int64_t *at)
{
    bool second = change->facts.mask >> slot->filter2 & 1;
    bool first = change->facts.mask >> slot->filter & 1;
    int64_t since_ms = change->at_ms - at[0];
    if (second && at[0] != 0 && since_ms >= 0 && since_ms <= slot->span_ms &&
        change->at_ms > at[1]) {
        at[1] = change->at_ms;
    }
    if (first && since_ms > 0 && (slot->list < 0 || brings_new(change, kind, record, slot->list))) {
        at[0] = change->at_ms;
    }
}

static void change_slots(const struct change *change, const struct hec_kind_plan *kind,
                         struct hec_record *record)
{
    int64_t *fixed = hec_record_fixed(record);
    for (int i = 0; i < kind->slots_count; i++) {
        const struct hec_slot *slot = &kind->slots[i];
        bool passes = change->facts.mask >> slot->filter & 1;
        int64_t *at = &fixed[slot->at];
        switch ((enum hec_slot_kind)slot->kind) {
        case HEC_SLOT_LAST:
            if (passes && change->at_ms > *at) {
                *at = change->at_ms;
            }
            break;
        case HEC_SLOT_FIRST:
            if (passes && (*at == 0 || change->at_ms < *at)) {
                *at = change->at_ms;
            }
            break;
        case HEC_SLOT_STREAK:
            if (change->facts.mask >> slot->filter2 & 1) {
                *at = 0;
            } else if (passes) {
                *at += 1;
            }
            break;
        case HEC_SLOT_PLACE:
            if (passes) {
                change_place(change, at);
            }
            break;
        case HEC_SLOT_CHAIN: change_chain(change, kind, record, slot, at); break;
        case HEC_SLOT_TOTAL: *at += passes; break;
        case HEC_SLOT_DECAY:
            if (passes) {
                change_decay(change, slot, at);
            }
            break;
        }
    }
}

/* By how much a record may grow at most. Looked at closely, because a record that surely has the
 * room is edited where it lies, and most events of a busy key add no tile. */
static uint32_t growth_of(const struct change *change, const struct hec_kind_plan *kind,
                          const struct hec_record *record)
{
    if (record == NULL) {
        return 0; /* a new one is made in the scratch, which has the room for any */
    }
    uint32_t growth = 0;
    const uint16_t *counts = hec_record_counts(record, &kind->layout);
    const uint8_t *at = hec_record_parts(record, &kind->layout);
    for (int p = 0; p < kind->layout.parts_count; p++) {
        const struct hec_part *part = &kind->layout.parts[p];
        uint16_t count = counts[p];
        bool adds = adds_to(change, kind, p);
        if (adds && part->kind == HEC_PART_TILES) {
            bool has_it =
                count > 0 && hec_tile_at(part, at, count - 1u) == hec_tile_of(part, change->at_ms);
            growth += has_it ? 0 : part->element_bytes;
        } else if (adds && part->kind == HEC_PART_DISTINCT) {
            growth += hec_distinct_growth(part, count);
        } else if (adds) {
            growth += count == part->elements_max ? 0 : part->element_bytes;
        }
        at += hec_part_bytes(part, count);
    }
    return growth;
}

static enum hec_status change_record(const struct change *change, struct hec_entities *entities,
                                     struct hec_entity *entity)
{
    const struct hec_kind_plan *kind = &change->plan->kinds[entity->kind];
    const struct hec_record *before = hec_entity_record(entity);
    bool scored = hec_event_is_scored(change->event->type);
    if (before != NULL && change->offset <= before->last_off) {
        return HEC_OK;
    }
    /* A verdict has nothing to change where nothing was seen; the user remembers it all the same,
     * because its second source must not count again. */
    bool unseen = before == NULL || before->newest_ms == 0;
    if (!scored && unseen && entity->kind != HEC_USER) {
        return HEC_OK;
    }
    struct hec_record *record =
        hec_entities_edit(entities, entity, growth_of(change, kind, before));
    if (record == NULL) {
        return HEC_NO_MEMORY;
    }
    record->last_off = change->offset;
    record->flags &= (uint16_t)~HEC_RECORD_ERASED;
    if (scored) {
        if (record->first_ms == 0 || change->at_ms < record->first_ms) {
            record->first_ms = change->at_ms;
        }
        if (change->at_ms > record->newest_ms) {
            record->newest_ms = change->at_ms;
        }
        change_slots(change, kind, record);
    }
    uint16_t *counts = hec_record_counts(record, &kind->layout);
    uint8_t *at = hec_record_parts(record, &kind->layout);
    for (int p = 0; p < kind->layout.parts_count; p++) {
        change_part(change, kind, p, record, &counts[p], at);
        at += hec_part_bytes(&kind->layout.parts[p], counts[p]);
    }
    return hec_entities_commit(entities, entity, record);
}

/* The record starts anew: what is left is the token, and the offset that must not apply again. A
 * token that was never seen stays so. */
static enum hec_status forget(const struct change *change, struct hec_entities *entities,
                              const struct hec_touched *touched)
{
    for (int k = 0; k < HEC_KINDS; k++) {
        struct hec_entity *entity = hec_touched_own(touched, (enum hec_kind)k);
        const struct hec_record *before = entity == NULL ? NULL : hec_entity_record(entity);
        if (before == NULL || change->offset <= before->last_off ||
            (before->flags & HEC_RECORD_ERASED)) {
            continue;
        }
        struct hec_record *record = hec_entities_edit(entities, entity, 0);
        if (record == NULL) {
            return HEC_NO_MEMORY;
        }
        char token[HEC_TOKEN_BYTES_MAX];
        struct hec_text text = { .bytes = token, .length = record->token_length };
        memcpy(token, hec_record_token(record), record->token_length);
        hec_record_init(record, &change->plan->kinds[k].layout, &text);
        record->last_off = change->offset;
        record->flags = HEC_RECORD_ERASED;
        enum hec_status status = hec_entities_commit(entities, entity, record);
        if (status != HEC_OK) {
            return status;
        }
    }
    return HEC_OK;
}

static bool is_fraud(const struct hec_event *event, enum hec_field field)
{
    const struct hec_text *text = &event->value[field].text;
    return hec_event_has(event, field) && text->length == 5 && memcmp(text->bytes, "fraud", 5) == 0;
}

/* The effect of a label is the new verdict minus the one before: the one that it names, else the
 * one that the user's record remembers of this target, else none. */
static void weigh_label(struct change *change, const struct hec_touched *touched)
{
    const struct hec_event *event = change->event;
    const struct hec_kind_plan *kind = &change->plan->kinds[HEC_USER];
    const struct hec_entity *user = hec_touched_own(touched, HEC_USER);
    const struct hec_record *record = user == NULL ? NULL : hec_entity_record(user);
    int before = 0;
    if (hec_event_has(event, HEC_F_PREVIOUS_LABEL)) {
        before = is_fraud(event, HEC_F_PREVIOUS_LABEL);
    } else if (record != NULL) {
        uint16_t count;
        const uint8_t *at = hec_part_find(record, &kind->layout, kind->verdicts_part, &count);
        before = hec_verdicts_find(count, at, event->value[HEC_F_TARGET_EVENT_ID].text.hash) == 1;
    }
    change->verdict = is_fraud(event, HEC_F_LABEL);
    change->fraud = (int32_t)change->verdict - before;
}

enum hec_status hec_plan_apply(const struct hec_plan *plan, struct hec_entities *entities,
                               const struct hec_event *event, int64_t offset,
                               const struct hec_touched *touched)
{
    struct change change = {
        .plan = plan,
        .event = event,
        .facts = { .as = hec_facts_type(event) },
        .at_ms = hec_event_ms(event),
        .sign = 1,
        .full = true,
        .verdict = HEC_VERDICT_UNKNOWN,
        .offset = offset,
    };
    if (event->type == HEC_FORGET) {
        return forget(&change, entities, touched);
    }
    change.id_hash = hec_event_id_hash(event);
    hec_facts_values(plan, event, &change.facts);
    hec_facts_mask(plan, event, &change.facts);
    if (!hec_event_is_scored(event->type)) {
        change.at_ms = event->value[HEC_F_TARGET_EVENT_TIME_MS].integer;
    }
    if (event->type == HEC_LABEL) {
        weigh_label(&change, touched);
    } else if (event->type == HEC_REVERSAL) {
        change.sign = -1;
        change.full = !hec_event_has(event, HEC_F_FULL) || event->value[HEC_F_FULL].integer != 0;
    }
    enum hec_status status = HEC_OK;
    for (int k = HEC_KINDS - 1; k >= 0 && status == HEC_OK; k--) {
        struct hec_entity *entity = hec_touched_own(touched, (enum hec_kind)k);
        if (entity != NULL) {
            status = change_record(&change, entities, entity);
        }
    }
    return status;
}
