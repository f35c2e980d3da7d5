/*
 * Compiling a schema: every feature asks for the parts, columns, windows, slots and lists that it
 * reads, gets the ones that are there already, and only then are places handed out.
 */
#include "feature/plan.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "state/decay.h"
#include "state/distinct.h"
#include "state/hours.h"
#include "state/recent.h"
#include "state/tiles.h"
#include "state/values.h"

/* A schema that asks for more than the tables hold. Kept as a flag so that the many small
 * functions below need no status each. */
struct compiler {
    struct hec_plan *plan;
    bool full;
};

static uint8_t filter_bit(int filter)
{
    return (uint8_t)(filter < 0 ? HEC_NO_FILTER : filter);
}

static uint32_t late_tiles(const struct hec_plan *plan, int64_t width_ms)
{
    int64_t lateness_ms = plan->schema.allowed_lateness_ms;
    int64_t tiles = (lateness_ms + width_ms - 1) / width_ms;
    return (uint32_t)(tiles < 1 ? 1 : tiles);
}

static int add_part(struct compiler *compiler, struct hec_kind_plan *kind,
                    enum hec_part_kind part_kind, int64_t width_ms)
{
    struct hec_layout *layout = &kind->layout;
    if (layout->parts_count == HEC_PARTS_MAX) {
        compiler->full = true;
        return 0;
    }
    struct hec_part *part = &layout->parts[layout->parts_count];
    *part = (struct hec_part){
        .kind = part_kind,
        .width_ms = width_ms,
        .width_units = (uint32_t)(width_ms / HEC_TILE_MS_MIN),
    };
    return layout->parts_count++;
}

static int tile_part(struct compiler *compiler, struct hec_kind_plan *kind, int64_t width_ms)
{
    for (int i = 0; i < kind->layout.parts_count; i++) {
        const struct hec_part *part = &kind->layout.parts[i];
        if (part->kind == HEC_PART_TILES && part->width_ms == width_ms) {
            return i;
        }
    }
    return add_part(compiler, kind, HEC_PART_TILES, width_ms);
}

/* The window of a feature. A late reader's window begins that much earlier, so the ring is longer
 * by the allowed lateness. */
static int16_t want_window(struct compiler *compiler, struct hec_kind_plan *kind,
                           const struct hec_feature *feature)
{
    int64_t width_ms = hec_plan_tile_ms(feature->window_ms);
    int part = tile_part(compiler, kind, width_ms);
    uint32_t tiles = (uint32_t)(feature->window_ms / width_ms);
    uint32_t delay = (uint32_t)(feature->delay_ms / width_ms);
    uint32_t from = delay == 0 ? tiles - 1 : delay + tiles;
    uint32_t to = delay == 0 ? 0 : delay + 1;

    uint32_t ring = from + 1 + late_tiles(compiler->plan, width_ms);
    struct hec_part *of = &kind->layout.parts[part];
    of->ring = ring > of->ring ? ring : of->ring;

    for (int i = 0; i < kind->windows_count; i++) {
        const struct hec_window *other = &kind->windows[i];
        if (other->part == part && other->from == from && other->to == to) {
            return (int16_t)i;
        }
    }
    if (kind->windows_count == HEC_WINDOWS_MAX) {
        compiler->full = true;
        return 0;
    }
    kind->windows[kind->windows_count] =
        (struct hec_window){ .part = (uint8_t)part, .from = from, .to = to };
    return (int16_t)(kind->windows_count++);
}

static int16_t want_column(struct compiler *compiler, struct hec_kind_plan *kind, int part,
                           int filter, enum hec_measure measure, int value)
{
    struct hec_column wanted = {
        .part = (uint8_t)part,
        .filter = filter_bit(filter),
        .measure = (uint8_t)measure,
        .value = (uint8_t)value,
    };
    for (int i = 0; i < kind->columns_count; i++) {
        const struct hec_column *other = &kind->columns[i];
        if (other->part == wanted.part && other->filter == wanted.filter &&
            other->measure == wanted.measure && other->value == wanted.value) {
            return (int16_t)i;
        }
    }
    if (kind->columns_count == HEC_COLUMNS_MAX) {
        compiler->full = true;
        return 0;
    }
    kind->columns[kind->columns_count] = wanted;
    return (int16_t)(kind->columns_count++);
}

static int value_of(struct compiler *compiler, enum hec_field field)
{
    struct hec_plan *plan = compiler->plan;
    for (int i = 0; i < plan->values_count; i++) {
        if (plan->values[i] == field) {
            return i;
        }
    }
    if (plan->values_count == HEC_VALUES_MAX) {
        compiler->full = true;
        return 0;
    }
    plan->values[plan->values_count] = field;
    return plan->values_count++;
}

/* A slot as wanted, but for its place; returns the place. */
static int16_t place_slot(struct compiler *compiler, struct hec_kind_plan *kind,
                          struct hec_slot wanted)
{
    for (int i = 0; i < kind->slots_count; i++) {
        const struct hec_slot *other = &kind->slots[i];
        if (other->kind == wanted.kind && other->filter == wanted.filter &&
            other->filter2 == wanted.filter2 && other->value == wanted.value &&
            other->span_ms == wanted.span_ms && other->list == wanted.list) {
            return (int16_t)other->at;
        }
    }
    if (kind->slots_count == HEC_SLOTS_MAX) {
        compiler->full = true;
        return 0;
    }
    wanted.at = (uint16_t)(kind->layout.fixed_bytes / 8);
    kind->slots[kind->slots_count++] = wanted;
    kind->layout.fixed_bytes += wanted.kind == HEC_SLOT_DECAY ? (uint32_t)sizeof(struct hec_decay)
                                : wanted.kind == HEC_SLOT_PLACE || wanted.kind == HEC_SLOT_CHAIN
                                    ? 16
                                    : 8;
    return (int16_t)wanted.at;
}

static int16_t want_slot(struct compiler *compiler, struct hec_kind_plan *kind,
                         enum hec_slot_kind slot_kind, int filter, int filter2)
{
    return place_slot(compiler, kind,
                      (struct hec_slot){ .kind = (uint8_t)slot_kind,
                                         .filter = filter_bit(filter),
                                         .filter2 = filter_bit(filter2),
                                         .list = -1 });
}

/* A decayed mean and a decayed count over one field share nothing: the count counts every event. */
static void compile_decay(struct compiler *compiler, struct hec_kind_plan *kind,
                          const struct hec_feature *feature, struct hec_reading *reading)
{
    bool counts = feature->aggregate == HEC_AGG_DECAYED_COUNT;
    reading->value = counts ? HEC_VALUES_MAX : (uint8_t)value_of(compiler, feature->field);
    reading->scale = counts ? 1 : hec_value_scale(compiler->plan, feature->field);
    reading->span_ms = feature->window_ms;
    reading->slot = place_slot(compiler, kind,
                               (struct hec_slot){ .kind = HEC_SLOT_DECAY,
                                                  .filter = filter_bit(feature->filter),
                                                  .value = reading->value,
                                                  .span_ms = feature->window_ms,
                                                  .list = -1 });
}

static int16_t want_list(struct compiler *compiler, struct hec_kind_plan *kind,
                         const struct hec_feature *feature, enum hec_part_kind part_kind,
                         int64_t width_ms)
{
    for (int i = 0; i < kind->lists_count; i++) {
        const struct hec_list *other = &kind->lists[i];
        const struct hec_part *part = &kind->layout.parts[other->part];
        if (part->kind == part_kind && part->width_ms == width_ms &&
            other->filter == filter_bit(feature->filter) && other->field == feature->field &&
            other->derived == feature->derived) {
            return (int16_t)i;
        }
    }
    if (kind->lists_count == HEC_LISTS_MAX) {
        compiler->full = true;
        return 0;
    }
    int part = add_part(compiler, kind, part_kind, width_ms);
    compiler->plan->keys |= 1u << feature->derived;
    kind->lists[kind->lists_count] = (struct hec_list){
        .part = (uint8_t)part,
        .filter = filter_bit(feature->filter),
        .kind = (uint8_t)part_kind,
        .field = (uint8_t)feature->field,
        .derived = (uint8_t)feature->derived,
    };
    return (int16_t)(kind->lists_count++);
}

static void compile_distinct(struct compiler *compiler, struct hec_kind_plan *kind,
                             const struct hec_feature *feature, struct hec_reading *reading)
{
    int64_t width_ms = hec_plan_tile_ms(feature->window_ms);
    reading->list = want_list(compiler, kind, feature, HEC_PART_DISTINCT, width_ms);
    reading->tiles = (uint32_t)(feature->window_ms / width_ms);
    struct hec_part *part = &kind->layout.parts[kind->lists[reading->list].part];
    uint32_t ring = reading->tiles + late_tiles(compiler->plan, width_ms);
    if (ring > part->ring) {
        part->ring = ring;
        part->group = (reading->tiles + 3) / 4;
    }
}

/* The last step is no state: it is the event that asks. */
static void compile_chain(struct compiler *compiler, struct hec_kind_plan *kind,
                          const struct hec_feature *feature, struct hec_reading *reading)
{
    struct hec_slot wanted = { .kind = HEC_SLOT_CHAIN,
                               .filter = filter_bit(feature->filter),
                               .filter2 = filter_bit(feature->filter2),
                               .span_ms = feature->window_ms,
                               .list = -1 };
    if (feature->field != HEC_FIELDS) {
        wanted.list = want_list(compiler, kind, feature, HEC_PART_SEEN, 0);
    }
    reading->slot = place_slot(compiler, kind, wanted);
    reading->filter3 = filter_bit(feature->filter3);
    reading->span_ms = feature->window_ms;
}

/* Columns of sums over a field: how many values are known, their sum, and their squares. */
static void compile_moments(struct compiler *compiler, struct hec_kind_plan *kind,
                            const struct hec_feature *feature, struct hec_reading *reading,
                            int moments)
{
    static const enum hec_measure MEASURES[4] = { HEC_MEASURE_KNOWN, HEC_MEASURE_SUM,
                                                  HEC_MEASURE_SQUARE_LOW, HEC_MEASURE_SQUARE_HIGH };
    int part = kind->windows[reading->window].part;
    int value = value_of(compiler, feature->field);
    for (int i = 0; i < moments; i++) {
        reading->columns[i] =
            want_column(compiler, kind, part, feature->filter, MEASURES[i], value);
    }
    reading->value = (uint8_t)value;
    reading->scale = hec_value_scale(compiler->plan, feature->field);
}

static void compile_windowed(struct compiler *compiler, struct hec_kind_plan *kind,
                             const struct hec_feature *feature, struct hec_reading *reading)
{
    reading->window = want_window(compiler, kind, feature);
    int part = kind->windows[reading->window].part;
    switch (feature->aggregate) {
    case HEC_AGG_SUM:
    case HEC_AGG_MEAN: compile_moments(compiler, kind, feature, reading, 2); return;
    case HEC_AGG_DEVIATION:
    case HEC_AGG_ZSCORE: compile_moments(compiler, kind, feature, reading, 4); return;
    case HEC_AGG_MIN:
    case HEC_AGG_MAX:
        reading->value = (uint8_t)value_of(compiler, feature->field);
        reading->scale = hec_value_scale(compiler->plan, feature->field);
        reading->columns[0] = want_column(
            compiler, kind, part, feature->filter,
            feature->aggregate == HEC_AGG_MAX ? HEC_MEASURE_MAX : HEC_MEASURE_MIN, reading->value);
        return;
    default: break;
    }
    reading->columns[0] = want_column(compiler, kind, part, feature->filter, HEC_MEASURE_COUNT, 0);
    if (feature->aggregate == HEC_AGG_BURST) {
        struct hec_feature longer = *feature;
        longer.window_ms = feature->window2_ms;
        reading->window2 = want_window(compiler, kind, &longer);
        reading->columns[1] = want_column(compiler, kind, kind->windows[reading->window2].part,
                                          feature->filter, HEC_MEASURE_COUNT, 0);
        reading->pace = (double)feature->window2_ms / (double)feature->window_ms;
        return;
    }
    if (feature->aggregate == HEC_AGG_RATIO || feature->aggregate == HEC_AGG_PORTION) {
        reading->columns[1] =
            want_column(compiler, kind, part, feature->filter2, HEC_MEASURE_COUNT, 0);
    } else if (feature->aggregate != HEC_AGG_COUNT) {
        reading->columns[1] =
            want_column(compiler, kind, part, feature->filter, HEC_MEASURE_FRAUD, 0);
        kind->labels = true;
    }
}

/* Seconds beyond which nothing is told. */
static double told_up_to(const struct hec_feature *feature)
{
    return feature->window_ms > 0 ? (double)feature->window_ms / 1000 : INFINITY;
}

static void compile_feature(struct compiler *compiler, int index, struct hec_reading *reading)
{
    const struct hec_feature *feature = &compiler->plan->schema.features[index];
    struct hec_kind_plan *kind = &compiler->plan->kinds[feature->entity];
    reading->aggregate = (uint8_t)feature->aggregate;
    reading->filter = filter_bit(feature->filter);
    reading->field = (uint8_t)feature->field;
    reading->derived = (uint8_t)feature->derived;
    reading->missing = (float)feature->missing;
    reading->prior = feature->prior;
    reading->prior_weight = feature->prior_weight;
    reading->window = -1;
    reading->window2 = -1;
    reading->slot = -1;
    for (int c = 0; c < 4; c++) {
        reading->columns[c] = -1;
    }
    switch (feature->aggregate) {
    case HEC_AGG_VALUE:
        if (feature->field != HEC_FIELDS) {
            reading->scale = hec_value_scale(compiler->plan, feature->field);
        }
        return;
    case HEC_AGG_DISTINCT: compile_distinct(compiler, kind, feature, reading); break;
    case HEC_AGG_IS_NEW:
        reading->list = want_list(compiler, kind, feature, HEC_PART_SEEN, 0);
        break;
    case HEC_AGG_CHAIN: compile_chain(compiler, kind, feature, reading); break;
    case HEC_AGG_SURPRISE:
    case HEC_AGG_SINCE_FIRST:
    case HEC_AGG_TIMES:
    case HEC_AGG_SHARE:
    case HEC_AGG_SINCE_SAME:
    case HEC_AGG_MET:
        reading->list = want_list(compiler, kind, feature, HEC_PART_VALUES, 0);
        reading->most = told_up_to(feature);
        reading->span_s = feature->window_ms / 1000;
        break;
    case HEC_AGG_AGE:
    case HEC_AGG_SINCE:
        reading->most = told_up_to(feature);
        if (feature->filter >= 0) {
            reading->slot = want_slot(
                compiler, kind, feature->aggregate == HEC_AGG_AGE ? HEC_SLOT_FIRST : HEC_SLOT_LAST,
                feature->filter, -1);
        }
        break;
    case HEC_AGG_STREAK:
        reading->slot =
            want_slot(compiler, kind, HEC_SLOT_STREAK, feature->filter, feature->filter2);
        break;
    case HEC_AGG_GAP:
        reading->slots[0] = want_slot(compiler, kind, HEC_SLOT_FIRST, feature->filter, -1);
        reading->slots[1] = want_slot(compiler, kind, HEC_SLOT_LAST, feature->filter, -1);
        reading->slots[2] = want_slot(compiler, kind, HEC_SLOT_TOTAL, feature->filter, -1);
        break;
    case HEC_AGG_DECAYED_COUNT:
    case HEC_AGG_DECAYED_MEAN: compile_decay(compiler, kind, feature, reading); break;
    case HEC_AGG_HOUR_SURPRISE:
    case HEC_AGG_WEEK_SURPRISE:
        reading->list = want_list(compiler, kind, feature, HEC_PART_HOURS, 0);
        break;
    case HEC_AGG_DISTANCE:
    case HEC_AGG_SPEED:
        reading->slot = want_slot(compiler, kind, HEC_SLOT_PLACE, feature->filter, -1);
        break;
    default: compile_windowed(compiler, kind, feature, reading); break;
    }
    kind->touched = true;
}

static void compile_kind(struct compiler *compiler, enum hec_kind which, int *readings)
{
    struct hec_plan *plan = compiler->plan;
    struct hec_kind_plan *kind = &plan->kinds[which];
    kind->layout.kind = which;
    kind->readings = *readings;
    kind->ids_part = -1;
    kind->verdicts_part = -1;
    for (int i = 0; i < plan->numerics; i++) {
        const struct hec_feature *feature = &plan->schema.features[plan->numeric_features[i]];
        if (feature->aggregate != HEC_AGG_VALUE && feature->entity == which) {
            plan->readings[*readings].column = (int16_t)i;
            compile_feature(compiler, plan->numeric_features[i], &plan->readings[(*readings)++]);
        }
    }
    kind->readings_count = *readings - kind->readings;
    if (which == HEC_USER) {
        kind->touched = true;
        kind->ids_part = add_part(compiler, kind, HEC_PART_IDS, 0);
        kind->verdicts_part = add_part(compiler, kind, HEC_PART_VERDICTS, 0);
    }
    compiler->full |= !hec_plan_place(plan, kind);
}

static void compile(struct compiler *compiler)
{
    struct hec_plan *plan = compiler->plan;
    plan->values[0] = HEC_F_AMOUNT_MINOR;
    plan->values_count = 1;
    for (int i = 0; i < plan->schema.features_count; i++) {
        if (plan->schema.features[i].aggregate == HEC_AGG_CATEGORY) {
            plan->category_features[plan->categories++] = i;
        } else {
            plan->numeric_features[plan->numerics++] = i;
        }
    }
    int readings = 0;
    for (int i = 0; i < plan->numerics; i++) {
        if (plan->schema.features[plan->numeric_features[i]].aggregate == HEC_AGG_VALUE) {
            plan->readings[readings].column = (int16_t)i;
            compile_feature(compiler, plan->numeric_features[i], &plan->readings[readings++]);
        }
    }
    plan->event_readings = readings;
    for (int kind = 0; kind < HEC_KINDS; kind++) {
        compile_kind(compiler, (enum hec_kind)kind, &readings);
    }
    hec_plan_make_tests(plan);
}

enum hec_status hec_plan_new(struct hec_plan **ret, const struct hec_schema *schema,
                             struct hec_error *error)
{
    enum hec_status status = hec_schema_check(schema, error);
    if (status != HEC_OK) {
        return status;
    }
    struct hec_plan *plan = calloc(1, sizeof(*plan));
    if (plan == NULL) {
        return HEC_NO_MEMORY;
    }
    plan->schema = *schema;
    struct compiler compiler = { .plan = plan };
    status = hec_rates_compile(plan, error);
    if (status == HEC_OK) {
        compile(&compiler);
        status =
            compiler.full
                ? hec_fail(error, HEC_INVALID,
                           "the features of one entity need more columns or tiles than a record "
                           "holds: fewer features or a shorter delay")
                : hec_plan_make_digests(plan);
    }
    if (status != HEC_OK) {
        hec_plan_free(plan);
        return status;
    }
    for (int kind = 0; kind < HEC_KINDS; kind++) {
        plan->kinds[kind].layout.state_digest = plan->state_digest;
    }
    *ret = plan;
    return HEC_OK;
}

void hec_plan_free(struct hec_plan *plan)
{
    free(plan);
}
