/*
 * Reading: from the states of an event's entities to its row.
 *
 * Per kind: the columns that features ask for are added up over the tiles of their windows, shard
 * by shard, then each feature takes its sums. Sums are cut to zero only here, after merging: a
 * label or a reversal may have taken away in one shard what another has counted.
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
#include "state/values.h"

#define DAY_S 86400
#define EARTH_KM 6371.0088 /* mean radius, IUGG */
#define PLACE_ONE 1e7
#define SPEED_MS_MIN 60000 /* two places within a minute count as a minute apart */

/* One kind's states while they are read. */
struct reader {
    const struct hec_kind_plan *kind;
    const struct hec_event *event;
    const struct hec_facts *facts;
    const struct hec_survey *survey; /* of the own shard */
    struct hec_entity *const *shards;
    int32_t shards_count;
    int64_t now_ms;
    uint32_t now_units;          /* the same, in HEC_TILE_MS_MIN */
    int64_t first_ms, newest_ms; /* merged over shards; 0 never */
    int64_t sums[HEC_SUMS_MAX];
};

/* Adds up what the features of a kind read of one shard. */
static void add_up(struct reader *reader, const struct hec_record *record, const uint16_t *counts,
                   const uint32_t *places)
{
    const struct hec_kind_plan *kind = reader->kind;
    for (int w = 0; w < kind->windows_count; w++) {
        const struct hec_window *window = &kind->windows[w];
        const struct hec_part *part = &kind->layout.parts[window->part];
        uint16_t count = counts[window->part];
        const uint8_t *at = (const uint8_t *)record + places[window->part];
        int64_t head = reader->now_units / part->width_units;
        uint32_t oldest;
        uint32_t n =
            hec_tiles_within(part, count, at, head - window->from, head - window->to, &oldest);
        if (n == 0) {
            continue;
        }
        at += (size_t)oldest * part->element_bytes;
        for (int i = window->gathers; i < window->gathers + window->gathers_count; i++) {
            const struct hec_gather *gather = &kind->gathers[i];
            int64_t *sum = &reader->sums[i];
            if (gather->measure < HEC_MEASURE_SUM) {
                *sum += hec_tiles_count(part, at, n, gather->column);
            } else if (gather->measure < HEC_MEASURE_MAX) {
                *sum = (int64_t)((uint64_t)*sum +
                                 (uint64_t)hec_tiles_sum(part, at, n, gather->column));
            } else {
                int64_t peak = hec_tiles_peak(part, at, n, gather->column);
                *sum = peak > *sum ? peak : *sum;
            }
        }
    }
}

static void merge_times(struct reader *reader, const struct hec_record *record)
{
    if (record->first_ms != 0 && (reader->first_ms == 0 || record->first_ms < reader->first_ms)) {
        reader->first_ms = record->first_ms;
    }
    if (record->newest_ms > reader->newest_ms) {
        reader->newest_ms = record->newest_ms;
    }
}

static void merge(struct reader *reader)
{
    const struct hec_kind_plan *kind = reader->kind;
    int n = kind->sums_count;
    memset(reader->sums, 0, (size_t)n * sizeof(*reader->sums));
    reader->first_ms = 0;
    reader->newest_ms = 0;
    for (int32_t i = 0; i < reader->shards_count; i++) {
        const struct hec_record *record = hec_entity_record(reader->shards[i]);
        if (record == NULL) {
            continue;
        }
        merge_times(reader, record);
        if (record == reader->survey->record) {
            add_up(reader, record, reader->survey->counts, reader->survey->places);
        } else if (kind->windows_count > 0) {
            uint32_t places[HEC_PARTS_MAX + 1];
            const uint16_t *counts = hec_record_counts(record, &kind->layout);
            hec_record_places(counts, hec_record_parts_at(record, &kind->layout), &kind->layout,
                              places);
            add_up(reader, record, counts, places);
        }
    }
    for (int i = 0; i < n; i++) {
        reader->sums[i] = reader->sums[i] > 0 ? reader->sums[i] : 0;
    }
}

enum merge_rule { EARLIEST, LATEST, TOTAL };

/* A slot merged over shards, 0 never; of one shard it is the number itself. */
static int64_t slot(const struct reader *reader, int at, enum merge_rule rule)
{
    int64_t merged = 0;
    for (int32_t i = 0; i < reader->shards_count; i++) {
        const struct hec_record *record = hec_entity_record(reader->shards[i]);
        int64_t own = record == NULL ? 0 : hec_record_fixed(record)[at];
        if (rule == TOTAL) {
            merged = (int64_t)((uint64_t)merged + (uint64_t)own);
        } else if (own != 0 && (merged == 0 || (rule == EARLIEST ? own < merged : own > merged))) {
            merged = own;
        }
    }
    return merged;
}

static double seconds_since(const struct reader *reader, int64_t then_ms)
{
    if (then_ms == 0) {
        return NAN;
    }
    return reader->now_ms > then_ms ? (double)hec_ms_between(then_ms, reader->now_ms) / 1000 : 0;
}

/* NAN stays NAN. */
static double at_most(double seconds, double most)
{
    return seconds > most ? most : seconds;
}

/* n times the standard deviation, from exact integers wherever they fit in 127 bits. */
static double deviation_times(int64_t n, int64_t sum, int64_t square_low, int64_t square_high)
{
    hec_int128 squares = ((hec_int128)square_high << HEC_SQUARE_BITS) + square_low;
    hec_int128 scaled;
    if (!__builtin_mul_overflow(squares, (hec_int128)n, &scaled)) {
        scaled -= (hec_int128)sum * sum;
        return scaled > 0 ? sqrt((double)scaled) : 0;
    }
    double rest = (double)squares * (double)n - (double)sum * (double)sum;
    return rest > 0 ? sqrt(rest) : 0;
}

static double deviation(const struct reader *reader, const struct hec_reading *reading)
{
    int64_t n = reader->sums[reading->columns[0]];
    if (n < 2) {
        return NAN;
    }
    double times =
        deviation_times(n, reader->sums[reading->columns[1]], reader->sums[reading->columns[2]],
                        reader->sums[reading->columns[3]]);
    return times / (double)n / reading->scale;
}

static double mean(const struct reader *reader, const struct hec_reading *reading)
{
    int64_t n = reader->sums[reading->columns[0]];
    return n == 0 ? NAN : (double)reader->sums[reading->columns[1]] / (double)n / reading->scale;
}

static double zscore(const struct reader *reader, const struct hec_reading *reading)
{
    double spread = deviation(reader, reading);
    if (!(spread > 0) || !(reader->facts->known >> reading->value & 1)) {
        return NAN;
    }
    double value = (double)reader->facts->values[reading->value] / reading->scale;
    return (value - mean(reader, reading)) / spread;
}

static double ratio(const struct reader *reader, const struct hec_reading *reading)
{
    double of = (double)reader->sums[reading->columns[0]] + reading->prior_weight;
    double part =
        (double)reader->sums[reading->columns[1]] + reading->prior_weight * reading->prior;
    return of == 0 ? NAN : part / of;
}

static double burst(const struct reader *reader, const struct hec_reading *reading)
{
    int64_t longer = reader->sums[reading->columns[1]];
    double lately = (double)reader->sums[reading->columns[0]];
    return longer == 0 ? NAN : lately * reading->pace / (double)longer;
}

static bool is_within(int64_t then_ms, int64_t now_ms, int64_t span_ms)
{
    return then_ms != 0 && now_ms >= then_ms && hec_ms_between(then_ms, now_ms) <= span_ms;
}

static double chain(const struct reader *reader, const struct hec_reading *reading)
{
    const struct hec_record *record = hec_entity_record(reader->shards[0]);
    if (record == NULL) {
        return 0;
    }
    const int64_t *at = hec_record_fixed(record) + reading->slot;
    if (!is_within(at[1], reader->now_ms, reading->span_ms)) {
        return is_within(at[0], reader->now_ms, reading->span_ms);
    }
    return 2 + hec_facts_passes(reader->facts, reading->filter3);
}

static double portion(const struct reader *reader, const struct hec_reading *reading)
{
    int64_t second = reader->sums[reading->columns[1]];
    int64_t both = reader->sums[reading->columns[0]] + second;
    return both == 0 ? NAN : (double)second / (double)both;
}

static double peak(const struct reader *reader, const struct hec_reading *reading)
{
    int64_t stored = reader->sums[reading->columns[0]];
    int64_t value =
        reading->aggregate == HEC_AGG_MAX ? stored - HEC_PEAK_ZERO : HEC_PEAK_ZERO - stored;
    return stored == 0 ? NAN : (double)value / reading->scale;
}

static double gap(const struct reader *reader, const struct hec_reading *reading)
{
    int64_t first_ms = slot(reader, reading->slots[0], EARLIEST);
    int64_t last_ms = slot(reader, reading->slots[1], LATEST);
    int64_t events = slot(reader, reading->slots[2], TOTAL);
    return events < 2 ? NAN
                      : (double)hec_ms_between(first_ms, last_ms) / 1000 / (double)(events - 1);
}

static double decayed(const struct reader *reader, const struct hec_reading *reading)
{
    struct hec_decay decay = { 0 };
    const struct hec_record *record = hec_entity_record(reader->shards[0]);
    if (record != NULL) {
        memcpy(&decay, hec_record_fixed(record) + reading->slot, sizeof(decay));
    }
    if (reading->aggregate == HEC_AGG_DECAYED_COUNT) {
        return hec_decay_weight(&decay, reading->span_ms, reader->now_ms);
    }
    return decay.weight > 0 ? decay.sum / decay.weight / reading->scale : NAN;
}

/* A part of the own shard. */
static const uint8_t *part_of(const struct reader *reader, int part, uint16_t *count)
{
    *count = reader->survey->counts[part];
    return *count == 0 ? NULL : reader->survey->bytes + reader->survey->places[part];
}

/* How unusual the event's hour is for the entity: minus the logarithm of its share of the events so
 * far. Half of the share is the hour's own, a quarter each neighbour's, and one event more is
 * thought to be spread over all hours, so that nothing is impossible. */
static double surprise(const struct reader *reader, const struct hec_reading *reading,
                       uint32_t cycle)
{
    uint16_t count;
    const uint8_t *at = part_of(reader, reader->kind->lists[reading->list].part, &count);
    uint32_t hour = hec_hour_of_week(reader->now_ms) + cycle;
    double near = 2.0 * hec_hours_in(count, at, hour, cycle) +
                  hec_hours_in(count, at, hour - 1, cycle) +
                  hec_hours_in(count, at, hour + 1, cycle);
    uint32_t total = hec_hours_total(count, at);
    return total == 0 ? NAN : -log((near / 4 + 1.0 / cycle) / (total + 1.0));
}

static double distinct(const struct reader *reader, const struct hec_reading *reading)
{
    struct hec_distinct all;
    int p = reader->kind->lists[reading->list].part;
    const struct hec_part *part = &reader->kind->layout.parts[p];
    int64_t first = (int64_t)(reader->now_units / part->width_units) - reading->tiles + 1;
    uint16_t count;
    if (reader->shards_count == 1) {
        const uint8_t *at = part_of(reader, p, &count);
        return hec_distinct_alone(part, count, at, first);
    }
    hec_distinct_init(&all);
    for (int32_t i = 0; i < reader->shards_count; i++) {
        const struct hec_record *record = hec_entity_record(reader->shards[i]);
        if (record != NULL) {
            const uint8_t *at = hec_part_find(record, &reader->kind->layout, p, &count);
            hec_distinct_unite(&all, part, count, at, first);
        }
    }
    return hec_distinct_number(&all);
}

static double is_new(const struct reader *reader, const struct hec_reading *reading)
{
    const struct hec_list *list = &reader->kind->lists[reading->list];
    const struct hec_survey *survey = reader->survey;
    if (!(survey->met >> reading->list & 1)) {
        return NAN;
    }
    bool seen = survey->looks[reading->list].index < survey->counts[list->part];
    for (int32_t i = 0; i < reader->shards_count && !seen && reader->shards_count > 1; i++) {
        const struct hec_record *record = hec_entity_record(reader->shards[i]);
        if (record != NULL) {
            uint16_t count;
            const uint8_t *at = hec_part_find(record, &reader->kind->layout, list->part, &count);
            seen = hec_seen_find(count, at, survey->keys[reading->list]) < count;
        }
    }
    return !seen;
}

/* What is remembered of the values of a field: of user and card, which have one record. */
static double remembered(const struct reader *reader, const struct hec_reading *reading)
{
    int64_t now_s = reader->now_ms / 1000;
    uint16_t count;
    const uint8_t *at = part_of(reader, reader->kind->lists[reading->list].part, &count);
    if (reading->aggregate == HEC_AGG_MET) {
        return hec_values_met(count, at, now_s - reading->span_s, now_s);
    }
    if (count == 0 || !(reader->survey->met >> reading->list & 1)) {
        return NAN;
    }
    struct hec_values_look found = reader->survey->looks[reading->list];
    bool known = found.index < count;
    struct hec_habit value = { 0 };
    if (known) {
        value = hec_values_at(at, found.index);
    }
    if (reading->aggregate == HEC_AGG_SHARE) {
        return (double)value.count / found.total;
    }
    if (reading->aggregate == HEC_AGG_SURPRISE) {
        /* One event more is thought to be spread over the values and one that never came. */
        return -log((value.count + 1.0 / (count + 1)) / (found.total + 1.0));
    }
    if (reading->aggregate == HEC_AGG_TIMES) {
        return value.count;
    }
    if (reading->aggregate == HEC_AGG_SINCE_FIRST) {
        return !known ? NAN : now_s > value.first_s ? (double)(now_s - value.first_s) : 0;
    }
    return !known ? NAN : now_s > value.last_s ? (double)(now_s - value.last_s) : 0;
}

/* Kilometres along the great circle (haversine), and since when. */
static double distance(const struct reader *reader, const struct hec_reading *reading,
                       int64_t *apart_ms)
{
    const struct hec_record *record = hec_entity_record(reader->shards[0]);
    if (record == NULL || !hec_event_has(reader->event, HEC_F_GEO_LAT) ||
        !hec_event_has(reader->event, HEC_F_GEO_LON)) {
        return NAN;
    }
    const int64_t *place = hec_record_fixed(record) + reading->slot;
    if (place[1] == 0) {
        return NAN;
    }
    int32_t then[2];
    memcpy(then, place, sizeof(then));
    const double radians = acos(-1.0) / 180;
    double lat1 = then[0] / PLACE_ONE * radians;
    double lat2 = reader->event->value[HEC_F_GEO_LAT].number * radians;
    double lon =
        reader->event->value[HEC_F_GEO_LON].number * radians - then[1] / PLACE_ONE * radians;
    double s = sin((lat2 - lat1) / 2);
    double t = sin(lon / 2);
    double a = s * s + cos(lat1) * cos(lat2) * t * t;
    *apart_ms = reader->now_ms > place[1] ? hec_ms_between(place[1], reader->now_ms)
                                          : hec_ms_between(reader->now_ms, place[1]);
    return 2 * EARTH_KM * asin(sqrt(a < 1 ? a : 1));
}

static double speed(const struct reader *reader, const struct hec_reading *reading)
{
    int64_t apart_ms = 0;
    double km = distance(reader, reading, &apart_ms);
    apart_ms = apart_ms > SPEED_MS_MIN ? apart_ms : SPEED_MS_MIN;
    return km / ((double)apart_ms / 3600000);
}

/* The number of one feature, NAN when there is nothing to tell. */
static double tell(const struct reader *reader, const struct hec_reading *reading)
{
    int64_t apart_ms;
    switch ((enum hec_aggregate)reading->aggregate) {
    case HEC_AGG_COUNT: return (double)reader->sums[reading->columns[0]];
    case HEC_AGG_SUM: return (double)reader->sums[reading->columns[1]] / reading->scale;
    case HEC_AGG_MEAN: return mean(reader, reading);
    case HEC_AGG_DEVIATION: return deviation(reader, reading);
    case HEC_AGG_ZSCORE: return zscore(reader, reading);
    case HEC_AGG_RATIO:
    case HEC_AGG_LABEL_RATE: return ratio(reader, reading);
    case HEC_AGG_LABEL_COUNT: return (double)reader->sums[reading->columns[1]];
    case HEC_AGG_DISTINCT: return distinct(reader, reading);
    case HEC_AGG_IS_NEW: return is_new(reader, reading);
    case HEC_AGG_AGE:
        return at_most(seconds_since(reader, reading->slot < 0
                                                 ? reader->first_ms
                                                 : slot(reader, reading->slot, EARLIEST)),
                       reading->most);
    case HEC_AGG_SINCE:
        return at_most(seconds_since(reader, reading->slot < 0
                                                 ? reader->newest_ms
                                                 : slot(reader, reading->slot, LATEST)),
                       reading->most);
    case HEC_AGG_STREAK: return (double)slot(reader, reading->slot, TOTAL);
    case HEC_AGG_MIN:
    case HEC_AGG_MAX: return peak(reader, reading);
    case HEC_AGG_PORTION: return portion(reader, reading);
    case HEC_AGG_GAP: return gap(reader, reading);
    case HEC_AGG_DECAYED_COUNT:
    case HEC_AGG_DECAYED_MEAN: return decayed(reader, reading);
    case HEC_AGG_HOUR_SURPRISE: return surprise(reader, reading, 24);
    case HEC_AGG_WEEK_SURPRISE: return surprise(reader, reading, HEC_HOURS_MAX);
    case HEC_AGG_BURST: return burst(reader, reading);
    case HEC_AGG_CHAIN: return chain(reader, reading);
    case HEC_AGG_SHARE:
    case HEC_AGG_SURPRISE:
    case HEC_AGG_TIMES:
    case HEC_AGG_MET: return remembered(reader, reading);
    case HEC_AGG_SINCE_FIRST:
    case HEC_AGG_SINCE_SAME: return at_most(remembered(reader, reading), reading->most);
    case HEC_AGG_DISTANCE: return distance(reader, reading, &apart_ms);
    case HEC_AGG_SPEED: return speed(reader, reading);
    default: return NAN;
    }
}

static float finished(double number, float missing)
{
    return isnan(number) ? missing : (float)number;
}

static int hour_of(int64_t ms)
{
    return (int)(ms / 3600000 % 24);
}

/* 1970-01-01 was a Thursday. */
static bool is_weekend(int64_t ms)
{
    int64_t day = (ms / 1000 / DAY_S + 4) % 7;
    return day == 0 || day == 6;
}

static double abroad(const struct hec_event *event)
{
    enum hec_field other = hec_event_has(event, HEC_F_MERCHANT_COUNTRY) ? HEC_F_MERCHANT_COUNTRY
                                                                        : HEC_F_CREDITOR_COUNTRY;
    if (!hec_event_has(event, HEC_F_GEO_COUNTRY) || !hec_event_has(event, other)) {
        return NAN;
    }
    return memcmp(event->value[HEC_F_GEO_COUNTRY].text.bytes, event->value[other].text.bytes, 2) !=
           0;
}

static double derived(const struct hec_event *event, enum hec_derived what)
{
    int64_t now_ms = hec_event_ms(event);
    switch (what) {
    case HEC_HOUR: return hour_of(now_ms);
    case HEC_WEEKEND: return is_weekend(now_ms);
    case HEC_NIGHT: return hour_of(now_ms) <= 6;
    case HEC_PAYEE_AGE_S:
        if (!hec_event_has(event, HEC_F_PAYEE_ADDED_MS)) {
            return NAN;
        }
        int64_t age_ms = now_ms - event->value[HEC_F_PAYEE_ADDED_MS].integer;
        return age_ms > 0 ? (double)age_ms / 1000 : 0;
    case HEC_ABROAD: return abroad(event);
    default: return NAN;
    }
}

/* A feature of the event itself. */
static double value(const struct hec_event *event, const struct hec_facts *facts,
                    const struct hec_reading *reading)
{
    if (reading->derived != HEC_NOT_DERIVED) {
        return derived(event, (enum hec_derived)reading->derived);
    }
    if (reading->field == HEC_FIELDS) {
        return hec_facts_passes(facts, reading->filter);
    }
    if (!hec_facts_passes(facts, reading->filter)) {
        return NAN;
    }
    if (!hec_event_has(event, (enum hec_field)reading->field)) {
        return NAN;
    }
    if (reading->field == HEC_F_AMOUNT_MINOR) {
        return facts->known & 1 ? (double)facts->values[0] / reading->scale : NAN;
    }
    return hec_field_info((enum hec_field)reading->field)->kind == HEC_NUMBER
               ? event->value[reading->field].number
               : (double)event->value[reading->field].integer;
}

static void read_kind(struct reader *reader, struct hec_pass *pass, int kind, float *numerics)
{
    const struct hec_kind_plan *of = &pass->plan->kinds[kind];
    const struct hec_reading *readings = &pass->plan->readings[of->readings];
    if (pass->touched->shards[kind] == NULL) {
        for (int i = 0; i < of->readings_count; i++) {
            numerics[readings[i].column] = readings[i].missing;
        }
        return;
    }
    reader->kind = of;
    reader->survey = hec_pass_survey(pass, (enum hec_kind)kind);
    reader->shards = pass->touched->shards[kind];
    reader->shards_count = pass->touched->shards_count[kind];
    merge(reader);
    for (int i = 0; i < of->readings_count; i++) {
        numerics[readings[i].column] = finished(tell(reader, &readings[i]), readings[i].missing);
    }
}

static void read_categories(const struct hec_plan *plan, const struct hec_event *event,
                            uint32_t *categories)
{
    for (int i = 0; i < plan->categories; i++) {
        const struct hec_feature *feature = &plan->schema.features[plan->category_features[i]];
        uint32_t hash = 0;
        if (feature->derived == HEC_EVENT_TYPE) {
            hash = plan->type_hashes[event->type];
        } else if (hec_event_has(event, feature->field)) {
            hash = event->value[feature->field].text.hash;
            hash += hash == 0; /* 0 is kept for absent */
        }
        categories[i] = hash;
    }
}

void hec_pass_read(struct hec_pass *pass, float *numerics, uint32_t *categories)
{
    const struct hec_plan *plan = pass->plan;
    const struct hec_event *event = pass->event;
    for (int i = 0; i < plan->event_readings; i++) {
        const struct hec_reading *reading = &plan->readings[i];
        numerics[reading->column] = finished(value(event, &pass->facts, reading), reading->missing);
    }
    struct reader reader;
    reader.event = event;
    reader.facts = &pass->facts;
    reader.now_ms = hec_event_ms(event);
    reader.now_units = hec_tile_units(reader.now_ms);
    for (int kind = 0; kind < HEC_KINDS; kind++) {
        if (plan->kinds[kind].readings_count > 0) {
            read_kind(&reader, pass, kind, numerics);
        }
    }
    read_categories(plan, event, categories);
}
