/*
 * Reading: from the states of an event's entities to its row.
 *
 * Per kind: one walk over the parts of every shard adds up all columns of all windows, then each
 * feature takes its sums. Sums are cut to zero only here, after merging: a label or a reversal may
 * have taken away in one shard what another has counted.
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

#define DAY_S 86400
#define EARTH_KM 6371.0088 /* mean radius, IUGG */
#define PLACE_ONE 1e7
#define SPEED_MS_MIN 60000 /* two places within a minute count as a minute apart */

/* One kind's states while they are read. */
struct reader {
    const struct hec_plan *plan;
    const struct hec_kind_plan *kind;
    const struct hec_event *event;
    const struct hec_facts *facts;
    struct hec_entity *const *shards;
    int32_t shards_count;
    int64_t now_ms;
    int64_t first_ms, newest_ms; /* merged over shards; 0 never */
    int64_t sums[HEC_SUMS_MAX];
};

static void add_up(struct reader *reader, const struct hec_record *record)
{
    const struct hec_kind_plan *kind = reader->kind;
    const uint16_t *counts = hec_record_counts(record, &kind->layout);
    const uint8_t *at = hec_record_parts(record, &kind->layout);
    int w = 0;
    for (int p = 0; p < kind->layout.parts_count && w < kind->windows_count; p++) {
        const struct hec_part *part = &kind->layout.parts[p];
        for (; w < kind->windows_count && kind->windows[w].part == p; w++) {
            const struct hec_window *window = &kind->windows[w];
            int64_t head = hec_tile_of(part, reader->now_ms);
            hec_tiles_add_up(part, counts[p], at, head - window->from, head - window->to,
                             reader->sums + window->sums);
        }
        at += hec_part_bytes(part, counts[p]);
    }
}

static void merge(struct reader *reader)
{
    int n = reader->kind->sums_count;
    memset(reader->sums, 0, (size_t)n * sizeof(*reader->sums));
    reader->first_ms = 0;
    reader->newest_ms = 0;
    for (int32_t i = 0; i < reader->shards_count; i++) {
        const struct hec_record *record = hec_entity_record(reader->shards[i]);
        if (record == NULL) {
            continue;
        }
        if (record->first_ms != 0 &&
            (reader->first_ms == 0 || record->first_ms < reader->first_ms)) {
            reader->first_ms = record->first_ms;
        }
        if (record->newest_ms > reader->newest_ms) {
            reader->newest_ms = record->newest_ms;
        }
        add_up(reader, record);
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
            merged += own;
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
    return reader->now_ms > then_ms ? (double)(reader->now_ms - then_ms) / 1000 : 0;
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
    return then_ms != 0 && now_ms >= then_ms && now_ms - then_ms <= span_ms;
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
    return 2 + hec_facts_passes(reader->plan, reader->event, reader->facts, reading->filter3);
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
    return events < 2 ? NAN : (double)(last_ms - first_ms) / 1000 / (double)(events - 1);
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

/* How unusual the event's hour is for the entity: minus the logarithm of its share of the events so
 * far. Half of the share is the hour's own, a quarter each neighbour's, and one event more is
 * thought to be spread over all hours, so that nothing is impossible. */
static double surprise(const struct reader *reader, const struct hec_reading *reading,
                       uint32_t cycle)
{
    const struct hec_record *record = hec_entity_record(reader->shards[0]);
    if (record == NULL) {
        return NAN;
    }
    uint16_t count;
    int part = reader->kind->lists[reading->list].part;
    const uint8_t *at = hec_part_find(record, &reader->kind->layout, part, &count);
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
    int64_t first = (int64_t)hec_tile_of(part, reader->now_ms) - reading->tiles + 1;
    hec_distinct_init(&all);
    for (int32_t i = 0; i < reader->shards_count; i++) {
        const struct hec_record *record = hec_entity_record(reader->shards[i]);
        if (record != NULL) {
            uint16_t count;
            const uint8_t *at = hec_part_find(record, &reader->kind->layout, p, &count);
            hec_distinct_unite(&all, part, count, at, first);
        }
    }
    return hec_distinct_number(&all);
}

static double is_new(const struct reader *reader, const struct hec_reading *reading)
{
    const struct hec_list *list = &reader->kind->lists[reading->list];
    if (!hec_event_has(reader->event, list->field)) {
        return NAN;
    }
    uint32_t hash = reader->event->value[list->field].text.hash;
    for (int32_t i = 0; i < reader->shards_count; i++) {
        const struct hec_record *record = hec_entity_record(reader->shards[i]);
        if (record != NULL) {
            uint16_t count;
            const uint8_t *at = hec_part_find(record, &reader->kind->layout, list->part, &count);
            if (hec_seen_has(count, at, hash)) {
                return 0;
            }
        }
    }
    return 1;
}

/* What is remembered of the values of a field: of user and card, which have one record. */
static double remembered(const struct reader *reader, const struct hec_reading *reading)
{
    const struct hec_list *list = &reader->kind->lists[reading->list];
    const struct hec_record *record = hec_entity_record(reader->shards[0]);
    int64_t now_s = reader->now_ms / 1000;
    uint16_t count = 0;
    const uint8_t *at = NULL;
    if (record != NULL) {
        at = hec_part_find(record, &reader->kind->layout, list->part, &count);
    }
    if (reading->aggregate == HEC_AGG_MET) {
        return hec_values_met(count, at, now_s - reading->span_s, now_s);
    }
    uint32_t key;
    struct hec_habit value;
    if (count == 0 || !hec_facts_key(reader->event, reader->facts, list, &key) ||
        (list->filter != HEC_NO_FILTER &&
         !hec_facts_passes(reader->plan, reader->event, reader->facts, list->filter))) {
        return NAN;
    }
    bool known = hec_values_find(count, at, key, &value);
    if (reading->aggregate == HEC_AGG_SHARE) {
        return (double)value.count / hec_values_total(count, at);
    }
    if (reading->aggregate == HEC_AGG_SURPRISE) {
        /* One event more is thought to be spread over the values and one that never came. */
        return -log((value.count + 1.0 / (count + 1)) / (hec_values_total(count, at) + 1.0));
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
    *apart_ms = reader->now_ms > place[1] ? reader->now_ms - place[1] : place[1] - reader->now_ms;
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
    switch (reading->aggregate) {
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
static double value(const struct hec_plan *plan, const struct hec_event *event,
                    const struct hec_facts *facts, const struct hec_reading *reading)
{
    if (reading->derived != HEC_NOT_DERIVED) {
        return derived(event, reading->derived);
    }
    if (reading->field == HEC_FIELDS) {
        return hec_facts_passes(plan, event, facts, reading->filter);
    }
    if (reading->filter != HEC_NO_FILTER &&
        !hec_facts_passes(plan, event, facts, reading->filter)) {
        return NAN;
    }
    if (!hec_event_has(event, reading->field)) {
        return NAN;
    }
    if (reading->field == HEC_F_AMOUNT_MINOR) {
        return facts->known & 1 ? (double)facts->values[0] / reading->scale : NAN;
    }
    return hec_field_info(reading->field)->kind == HEC_NUMBER
               ? event->value[reading->field].number
               : (double)event->value[reading->field].integer;
}

static void read_kind(struct reader *reader, const struct hec_touched *touched, int kind,
                      float *numerics)
{
    const struct hec_kind_plan *of = &reader->plan->kinds[kind];
    const struct hec_reading *readings = &reader->plan->readings[of->readings];
    bool known = touched->shards[kind] != NULL;
    if (known) {
        reader->kind = of;
        reader->shards = touched->shards[kind];
        reader->shards_count = touched->shards_count[kind];
        merge(reader);
    }
    for (int i = 0; i < of->readings_count; i++) {
        double number = known ? tell(reader, &readings[i]) : NAN;
        numerics[readings[i].column] = finished(number, readings[i].missing);
    }
}

void hec_plan_read(const struct hec_plan *plan, const struct hec_event *event,
                   const struct hec_touched *touched, float *numerics, uint32_t *categories)
{
    assert(hec_event_is_scored(event->type));

    struct hec_facts facts = { .as = event->type };
    hec_facts_values(plan, event, &facts);
    for (int i = 0; i < plan->event_readings; i++) {
        const struct hec_reading *reading = &plan->readings[i];
        numerics[reading->column] = finished(value(plan, event, &facts, reading), reading->missing);
    }

    struct reader reader;
    reader.plan = plan;
    reader.event = event;
    reader.facts = &facts;
    reader.now_ms = hec_event_ms(event);
    for (int kind = 0; kind < HEC_KINDS; kind++) {
        if (plan->kinds[kind].readings_count > 0) {
            read_kind(&reader, touched, kind, numerics);
        }
    }

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
