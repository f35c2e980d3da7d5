/*
 * Applying: one event into the states that it touches, after it was read.
 *
 * Every touched record is changed for itself and remembers the event's offset, so that applying
 * again does nothing. The user's record is the last: it alone answers whether an event was applied,
 * and must not say so before the others are.
 *
 * A record is changed in two steps, see state/record.h: every part tells its fate, which may run
 * out of memory and changes nothing; then the parts move, and each takes what the event gives it.
 */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "feature/pass.h"
#include "feature/touch.h"
#include "state/decay.h"
#include "state/distinct.h"
#include "state/hours.h"
#include "state/recent.h"
#include "state/table.h"
#include "state/tiles.h"

#define PLACE_ONE 1e7

/* One event on its way into the records. */
struct change {
    struct hec_pass *pass;
    const struct hec_event *event;
    const struct hec_facts *facts;
    int64_t at_ms;     /* when it counts: its own time, or that of a verdict's target */
    uint32_t at_units; /* the same, in HEC_TILE_MS_MIN */
    bool scored;
    int sign;         /* 1, -1 for a reversal */
    bool full;        /* counts change, too: not for a reversal of a part of the amount */
    int32_t fraud;    /* change of "labelled fraud" */
    uint32_t verdict; /* to be remembered; HEC_VERDICT_UNKNOWN none */
    uint64_t id_hash;
    int64_t offset;
    int64_t gives[HEC_VALUES_MAX][HEC_MEASURES]; /* what each column is given; a peak: 0 none */
};

/* One record on its way from what it was to what it will be. */
struct edit {
    const struct hec_kind_plan *kind;
    const struct hec_survey *survey;
    uint32_t head_units; /* the newest event's time, this one's included */
    int32_t grows;       /* bytes */
    uint64_t changed;    /* bit part: it has a fate */
    uint64_t drops;      /* bit part: of these, the ring has left something behind */
    uint64_t adds;       /* bit part: the event adds to it */
    struct hec_fate fates[HEC_PARTS_MAX];
};

/* What the event gives to the columns, whatever their filter says: one that counts nothing for it
 * is given nothing. */
static void weigh(struct change *change)
{
    const struct hec_plan *plan = change->pass->plan;
    const struct hec_facts *facts = change->facts;
    bool counts = change->event->type != HEC_LABEL;
    int by = counts && change->full ? change->sign : 0;
    change->gives[0][HEC_MEASURE_COUNT] = by;
    change->gives[0][HEC_MEASURE_FRAUD] = change->fraud;
    for (int v = 0; v < plan->values_count; v++) {
        bool known = facts->known >> v & 1;
        int64_t value = known && counts ? facts->values[v] : 0;
        hec_int128 square = (hec_int128)value * value;
        int64_t low = (int64_t)(square & (((hec_int128)1 << HEC_SQUARE_BITS) - 1));
        int64_t *gives = change->gives[v];
        /* A reversal cannot take a peak away. */
        bool peaks = known && counts && change->sign > 0;
        gives[HEC_MEASURE_KNOWN] = known ? by : 0;
        gives[HEC_MEASURE_SUM] = change->sign * value;
        gives[HEC_MEASURE_SQUARE_LOW] = by * low;
        gives[HEC_MEASURE_SQUARE_HIGH] = by * (int64_t)(square >> HEC_SQUARE_BITS);
        gives[HEC_MEASURE_MAX] = peaks ? HEC_PEAK_ZERO + value : 0;
        gives[HEC_MEASURE_MIN] = peaks ? HEC_PEAK_ZERO - value : 0;
    }
}

static void add_columns(const struct change *change, const struct hec_kind_plan *kind, int p,
                        uint8_t *element)
{
    const struct hec_part *part = &kind->layout.parts[p];
    uint64_t mask = change->facts->mask;
    int c = kind->columns_of[p];
    int sums = c + (int)part->counts;
    int peaks = sums + (int)part->sums;
    for (; c < sums; c++) {
        const struct hec_column *column = &kind->columns[c];
        int32_t gives = (int32_t)change->gives[column->value][column->measure];
        hec_tile_count(element, column->slot, mask >> column->filter & 1 ? gives : 0);
    }
    for (; c < peaks; c++) {
        const struct hec_column *column = &kind->columns[c];
        int64_t gives = change->gives[column->value][column->measure];
        hec_tile_sum(part, element, column->slot - part->counts,
                     mask >> column->filter & 1 ? gives : 0);
    }
    for (; c < kind->columns_of[p + 1]; c++) {
        const struct hec_column *column = &kind->columns[c];
        if (mask >> column->filter & 1) {
            hec_tile_peak(part, element, column->slot - part->counts,
                          change->gives[column->value][column->measure]);
        }
    }
}

/* Whether a ring with this head holds the event's tile. Tiles outside the ring, or ahead of
 * anything that the record has seen, are not there to be changed. */
static bool is_in_ring(const struct hec_part *part, uint32_t head, uint32_t tile)
{
    return tile <= head && (uint64_t)tile + part->ring > head;
}

static void set_fate(struct edit *edit, int p, uint32_t drop, uint32_t keep, uint32_t room)
{
    uint32_t before = edit->survey->places[p + 1] - edit->survey->places[p];
    if (keep != before || room != 0) {
        edit->fates[p] = (struct hec_fate){ drop, keep, room };
        edit->changed |= (uint64_t)1 << p;
        edit->drops |= (uint64_t)(keep != before) << p;
        edit->grows += (int32_t)(keep + room - before);
    }
}

static const uint8_t *part_of(const struct edit *edit, int p)
{
    return edit->survey->bytes + edit->survey->places[p];
}

static void fate_of_tiles(const struct change *change, struct edit *edit, int p)
{
    const struct hec_part *part = &edit->kind->layout.parts[p];
    uint16_t count = edit->survey->counts[p];
    const uint8_t *at = part_of(edit, p);
    uint32_t head = edit->head_units / part->width_units;
    uint32_t tile = change->at_units / part->width_units;
    bool gives = (change->facts->mask & edit->kind->filters_of[p]) &&
                 (change->event->type != HEC_LABEL ||
                  (change->fraud != 0 && (edit->kind->fraud_parts >> p & 1)));
    uint32_t dead = hec_tiles_dead(part, count, at, head);
    uint32_t room = 0;
    if (gives && is_in_ring(part, head, tile)) {
        edit->adds |= (uint64_t)1 << p;
        room = hec_tiles_has(part, count, at, tile) ? 0 : part->element_bytes;
    }
    set_fate(edit, p, dead * part->element_bytes, (count - dead) * part->element_bytes, room);
}

static void fate_of_distinct(const struct change *change, struct edit *edit, int p)
{
    const struct hec_part *part = &edit->kind->layout.parts[p];
    const struct hec_list *list = &edit->kind->lists[edit->kind->list_of[p]];
    struct hec_distinct_edit of = { .head = edit->head_units / part->width_units,
                                    .hash = change->event->value[list->field].text.hash,
                                    .tile = change->at_units / part->width_units };
    of.adds = change->scored && hec_facts_passes(change->facts, list->filter) &&
              hec_event_has(change->event, (enum hec_field)list->field) &&
              is_in_ring(part, of.head, of.tile);
    struct hec_fate fate = hec_distinct_fate(part, edit->survey->counts[p], part_of(edit, p), &of);
    edit->adds |= (uint64_t)of.adds << p;
    set_fate(edit, p, fate.drop, fate.keep, fate.room);
}

/* Room for one element more, if it is new and the list not full. */
static void fate_of_list(struct edit *edit, int p, bool is_new)
{
    const struct hec_part *part = &edit->kind->layout.parts[p];
    uint16_t count = edit->survey->counts[p];
    edit->adds |= (uint64_t)1 << p;
    if (is_new && count < part->elements_max) {
        set_fate(edit, p, 0, count * part->element_bytes, part->element_bytes);
    }
}

/* The parts that few entities have. */
static void find_rare_fates(const struct change *change, struct edit *edit)
{
    const struct hec_kind_plan *kind = edit->kind;
    for (uint64_t left = kind->parts_of[HEC_PART_HOURS]; left != 0; left &= left - 1) {
        int p = __builtin_ctzll(left);
        if (change->scored &&
            hec_facts_passes(change->facts, kind->lists[kind->list_of[p]].filter)) {
            uint32_t hour = hec_hour_of_week(change->at_ms);
            fate_of_list(edit, p, !hec_hours_has(edit->survey->counts[p], part_of(edit, p), hour));
        }
    }
    if (kind->ids_part >= 0) {
        fate_of_list(edit, kind->ids_part, true);
    }
    int p = kind->verdicts_part;
    if (p >= 0 && change->verdict != HEC_VERDICT_UNKNOWN) {
        uint32_t target = change->event->value[HEC_F_TARGET_EVENT_ID].text.hash;
        fate_of_list(edit, p,
                     hec_verdicts_find(edit->survey->counts[p], part_of(edit, p), target) ==
                         HEC_VERDICT_UNKNOWN);
    }
}

static void find_fates(const struct change *change, struct edit *edit)
{
    const struct hec_kind_plan *kind = edit->kind;
    for (uint64_t left = kind->parts_of[HEC_PART_TILES]; left != 0; left &= left - 1) {
        fate_of_tiles(change, edit, __builtin_ctzll(left));
    }
    for (uint64_t left = kind->parts_of[HEC_PART_DISTINCT]; left != 0; left &= left - 1) {
        fate_of_distinct(change, edit, __builtin_ctzll(left));
    }
    edit->adds |= edit->survey->takes;
    for (uint64_t left = edit->survey->takes & edit->survey->fresh; left != 0; left &= left - 1) {
        fate_of_list(edit, __builtin_ctzll(left), true);
    }
    find_rare_fates(change, edit);
}

/* What the rings have left behind is not counted any more. Exact distinct values close up, so that
 * what is kept of them is the front of the part. */
static void drop(const struct edit *edit, struct hec_record *record)
{
    const struct hec_kind_plan *kind = edit->kind;
    uint16_t *counts = hec_record_counts(record, &kind->layout);
    for (uint64_t left = edit->drops; left != 0; left &= left - 1) {
        int p = __builtin_ctzll(left);
        const struct hec_part *part = &kind->layout.parts[p];
        if (part->kind == HEC_PART_TILES) {
            counts[p] = (uint16_t)(edit->fates[p].keep / part->element_bytes);
        } else {
            hec_distinct_prune(part, &counts[p], (uint8_t *)record + edit->survey->places[p],
                               edit->head_units / part->width_units);
        }
    }
}

/* Gives a part what the event adds to it. */
static void add(const struct change *change, const struct edit *edit, int p, uint16_t *count,
                uint8_t *at)
{
    const struct hec_kind_plan *kind = edit->kind;
    const struct hec_part *part = &kind->layout.parts[p];
    const struct hec_survey *survey = edit->survey;
    int list = kind->list_of[p];
    switch (part->kind) {
    case HEC_PART_TILES:
        add_columns(change, kind, p,
                    hec_tiles_place(part, count, at, change->at_units / part->width_units));
        break;
    case HEC_PART_DISTINCT:
        hec_distinct_add(part, count, at, change->event->value[kind->lists[list].field].text.hash,
                         change->at_units / part->width_units);
        break;
    case HEC_PART_SEEN:
        hec_seen_add(count, at, survey->looks[list].index, survey->keys[list]);
        break;
    case HEC_PART_VALUES:
        hec_values_add(count, at, survey->looks[list], survey->keys[list], change->at_ms / 1000);
        break;
    case HEC_PART_IDS:
        hec_ids_add(count, at, change->id_hash, hec_event_ms(change->event) / 1000);
        break;
    case HEC_PART_HOURS: hec_hours_add(count, at, hec_hour_of_week(change->at_ms)); break;
    case HEC_PART_VERDICTS:
        hec_verdicts_set(count, at, change->event->value[HEC_F_TARGET_EVENT_ID].text.hash,
                         change->verdict);
        break;
    case HEC_PART_KINDS: break;
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
        if (!(change->facts->known >> slot->value & 1)) {
            return;
        }
        value = (double)change->facts->values[slot->value];
    }
    struct hec_decay decay;
    memcpy(&decay, at, sizeof(decay));
    hec_decay_add(&decay, slot->span_ms, change->at_ms, value);
    memcpy(at, &decay, sizeof(decay));
}

/* Whether the event brings a value that the list, which knows others, does not know. */
static bool brings_new(const struct edit *edit, int list)
{
    uint16_t count = edit->survey->counts[edit->kind->lists[list].part];
    return (edit->survey->met >> list & 1) && count > 0 && edit->survey->looks[list].index == count;
}

/* at[0]: when the first step was last done; at[1]: the second, within its time after a first. */
static void change_chain(const struct change *change, const struct edit *edit,
                         const struct hec_slot *slot, int64_t *at)
{
    bool second = change->facts->mask >> slot->filter2 & 1;
    bool first = change->facts->mask >> slot->filter & 1;
    int64_t since_ms = hec_ms_between(at[0], change->at_ms);
    if (second && at[0] != 0 && since_ms >= 0 && since_ms <= slot->span_ms &&
        change->at_ms > at[1]) {
        at[1] = change->at_ms;
    }
    if (first && since_ms > 0 && (slot->list < 0 || brings_new(edit, slot->list))) {
        at[0] = change->at_ms;
    }
}

/* Asks the survey, so it comes before anything is added to a list. */
static void change_slots(const struct change *change, const struct edit *edit,
                         struct hec_record *record)
{
    const struct hec_kind_plan *kind = edit->kind;
    int64_t *fixed = hec_record_fixed(record);
    for (int i = 0; i < kind->slots_count; i++) {
        const struct hec_slot *slot = &kind->slots[i];
        bool passes = change->facts->mask >> slot->filter & 1;
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
            if (change->facts->mask >> slot->filter2 & 1) {
                *at = 0;
            } else if (passes) {
                *at = (int64_t)((uint64_t)*at + 1);
            }
            break;
        case HEC_SLOT_PLACE:
            if (passes) {
                change_place(change, at);
            }
            break;
        case HEC_SLOT_CHAIN: change_chain(change, edit, slot, at); break;
        case HEC_SLOT_TOTAL: *at = (int64_t)((uint64_t)*at + passes); break;
        case HEC_SLOT_DECAY:
            if (passes) {
                change_decay(change, slot, at);
            }
            break;
        }
    }
}

/* A new record, with room for what the event adds. */
static struct hec_record *begin(struct hec_entities *entities, struct hec_entity *entity,
                                const struct edit *edit, uint32_t places[HEC_PARTS_MAX + 1])
{
    const struct hec_layout *layout = &edit->kind->layout;
    struct hec_text token = hec_entity_token(entity);
    uint32_t at = hec_record_empty_bytes(layout, token.length);
    struct hec_record *record = hec_entities_edit(entities, entity, at + (uint32_t)edit->grows);
    if (record == NULL) {
        return NULL;
    }
    hec_record_init(record, layout, &token);
    for (int p = 0; p < layout->parts_count; p++) {
        places[p] = at;
        at += edit->changed >> p & 1 ? edit->fates[p].room : 0;
    }
    record->bytes = at;
    return record;
}

/* The record as it goes on: in its place and of its size when nothing moves, else reshaped. NULL
 * when memory is exhausted. */
static struct hec_record *go_on(struct hec_entities *entities, struct hec_entity *entity,
                                const struct edit *edit, uint32_t places[HEC_PARTS_MAX + 1])
{
    const struct hec_record *before = edit->survey->record;
    struct hec_record *record =
        hec_entities_edit(entities, entity, before->bytes + (uint32_t)edit->grows);
    if (record == NULL) {
        return NULL;
    }
    memcpy(places, edit->survey->places, sizeof(edit->survey->places));
    if (edit->changed != 0 || record != before) {
        drop(edit, (struct hec_record *)(uintptr_t)before);
        hec_record_reshape(record, before, &edit->kind->layout, places, edit->fates, edit->changed);
    }
    return record;
}

static enum hec_status change_record(const struct change *change, struct hec_entities *entities,
                                     struct hec_entity *entity)
{
    struct edit edit; /* its fates are written when they are there */
    const struct hec_record *before = hec_entity_record(entity);
    if (before != NULL && change->offset <= before->last_off) {
        return HEC_OK;
    }
    /* A verdict has nothing to change where nothing was seen; the user remembers it all the same,
     * because its second source must not count again. */
    bool unseen = before == NULL || before->newest_ms == 0;
    if (!change->scored && unseen && entity->kind != HEC_USER) {
        return HEC_OK;
    }
    edit.kind = &change->pass->plan->kinds[entity->kind];
    edit.grows = 0;
    edit.changed = 0;
    edit.drops = 0;
    edit.adds = 0;
    int64_t newest_ms = before == NULL ? 0 : before->newest_ms;
    newest_ms = change->scored && change->at_ms > newest_ms ? change->at_ms : newest_ms;
    edit.head_units = newest_ms == change->at_ms ? change->at_units : hec_tile_units(newest_ms);
    edit.survey = hec_pass_survey(change->pass, (enum hec_kind)entity->kind);

    uint32_t places[HEC_PARTS_MAX + 1];
    find_fates(change, &edit);

    struct hec_record *record = before == NULL ? begin(entities, entity, &edit, places)
                                               : go_on(entities, entity, &edit, places);
    if (record == NULL) {
        return HEC_NO_MEMORY;
    }
    if (change->scored) {
        change_slots(change, &edit, record);
        if (record->first_ms == 0 || change->at_ms < record->first_ms) {
            record->first_ms = change->at_ms;
        }
    }
    record->newest_ms = newest_ms;
    record->last_off = change->offset;
    record->flags &= (uint16_t)~HEC_RECORD_ERASED;
    uint16_t *counts = hec_record_counts(record, &edit.kind->layout);
    for (uint64_t left = edit.adds; left != 0; left &= left - 1) {
        int p = __builtin_ctzll(left);
        add(change, &edit, p, &counts[p], (uint8_t *)record + places[p]);
    }
    hec_entities_commit(entities, entity, record);
    return HEC_OK;
}

/* The record starts anew: what is left is the token, and the offset that must not apply again. A
 * token that was never seen stays so. */
static enum hec_status forget(const struct hec_pass *pass, struct hec_entities *entities,
                              int64_t offset)
{
    for (int k = 0; k < HEC_KINDS; k++) {
        struct hec_entity *entity = hec_touched_own(pass->touched, (enum hec_kind)k);
        const struct hec_record *before = entity == NULL ? NULL : hec_entity_record(entity);
        if (before == NULL || offset <= before->last_off || (before->flags & HEC_RECORD_ERASED)) {
            continue;
        }
        const struct hec_layout *layout = &pass->plan->kinds[k].layout;
        char bytes[HEC_TOKEN_BYTES_MAX];
        struct hec_text token = { .bytes = bytes, .length = before->token_length };
        memcpy(bytes, hec_record_token(before), token.length);
        struct hec_record *record =
            hec_entities_edit(entities, entity, hec_record_empty_bytes(layout, token.length));
        if (record == NULL) {
            return HEC_NO_MEMORY;
        }
        hec_record_init(record, layout, &token);
        record->last_off = offset;
        record->flags = HEC_RECORD_ERASED;
        hec_entities_commit(entities, entity, record);
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
    const struct hec_kind_plan *kind = &change->pass->plan->kinds[HEC_USER];
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

enum hec_status hec_pass_apply(struct hec_pass *pass, struct hec_entities *entities, int64_t offset)
{
    const struct hec_event *event = pass->event;
    if (event->type == HEC_FORGET) {
        return forget(pass, entities, offset);
    }
    struct change change;
    change.pass = pass;
    change.event = event;
    change.facts = &pass->facts;
    change.at_ms = hec_event_ms(event);
    change.scored = hec_event_is_scored(event->type);
    change.sign = 1;
    change.full = true;
    change.fraud = 0;
    change.verdict = HEC_VERDICT_UNKNOWN;
    change.id_hash = hec_event_id_hash(event);
    change.offset = offset;
    if (!change.scored) {
        change.at_ms = event->value[HEC_F_TARGET_EVENT_TIME_MS].integer;
    }
    if (event->type == HEC_LABEL) {
        weigh_label(&change, pass->touched);
    } else if (event->type == HEC_REVERSAL) {
        change.sign = -1;
        change.full = !hec_event_has(event, HEC_F_FULL) || event->value[HEC_F_FULL].integer != 0;
    }
    change.at_units = hec_tile_units(change.at_ms);
    weigh(&change);
    enum hec_status status = HEC_OK;
    for (int k = HEC_KINDS - 1; k >= 0 && status == HEC_OK; k--) {
        struct hec_entity *entity = hec_touched_own(pass->touched, (enum hec_kind)k);
        if (entity != NULL) {
            status = change_record(&change, entities, entity);
        }
    }
    return status;
}
