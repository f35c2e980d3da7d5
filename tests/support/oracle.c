/* The oracle's reading half: every feature by walking over the list. */
#include "support/oracle_inside.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct oracle *oracle_new(const struct hec_schema *schema)
{
    struct oracle *oracle = calloc(1, sizeof(*oracle));
    assert(oracle != NULL);
    oracle->schema = schema;
    return oracle;
}

void oracle_free(struct oracle *oracle)
{
    free(oracle);
}

bool oracle_is(const struct hec_event *event, enum hec_field field, const char *text)
{
    return hec_event_has(event, field) && event->value[field].text.length == strlen(text) &&
           memcmp(event->value[field].text.bytes, text, strlen(text)) == 0;
}

bool oracle_same(const struct hec_text *a, const struct hec_text *b)
{
    return a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
}

const struct hec_text *oracle_token_of(const struct hec_event *event, int kind)
{
    enum hec_field field = hec_kind_info((enum hec_kind)kind)->field;
    return hec_event_has(event, field) ? &event->value[field].text : NULL;
}

int64_t oracle_target_ms(const struct hec_event *event)
{
    return hec_event_is_scored(event->type) ? hec_event_ms(event)
                                            : event->value[HEC_F_TARGET_EVENT_TIME_MS].integer;
}

/* Whether item i counts for this entity: it names it and was not forgotten. */
bool oracle_counts(const struct oracle *oracle, int i, int kind, const struct hec_text *token)
{
    const struct hec_text *own = oracle_token_of(oracle->items[i].event, kind);
    if (own == NULL || !oracle_same(own, token)) {
        return false;
    }
    for (int f = 0; f < oracle->forgotten_count; f++) {
        const struct forgotten *forgotten = &oracle->forgotten[f];
        if (forgotten->kind == kind && i < forgotten->before &&
            oracle_same(forgotten->token, token)) {
            return false;
        }
    }
    return true;
}

/* Newest time of the entity's scored events among the first items; 0 never. */
int64_t oracle_newest_ms(const struct oracle *oracle, int items, int kind,
                         const struct hec_text *token)
{
    int64_t newest = 0;
    for (int i = 0; i < items; i++) {
        const struct hec_event *event = oracle->items[i].event;
        if (hec_event_is_scored(event->type) && oracle_counts(oracle, i, kind, token) &&
            hec_event_ms(event) > newest) {
            newest = hec_event_ms(event);
        }
    }
    return newest;
}

bool oracle_amount(const struct oracle *oracle, const struct hec_event *event, double *minor)
{
    if (!hec_event_has(event, HEC_F_AMOUNT_MINOR)) {
        return false;
    }
    double value = (double)event->value[HEC_F_AMOUNT_MINOR].integer;
    if (hec_event_has(event, HEC_F_CURRENCY) &&
        !oracle_is(event, HEC_F_CURRENCY, oracle->schema->currency)) {
        int r = 0;
        while (r < oracle->schema->rates_count &&
               !oracle_is(event, HEC_F_CURRENCY, oracle->schema->rates[r].code)) {
            r++;
        }
        if (r == oracle->schema->rates_count) {
            return false;
        }
        value *=
            oracle->schema->rates[r].rate * (oracle_is(event, HEC_F_CURRENCY, "JPY") ? 100 : 1);
        value = nearbyint(value);
    }
    *minor = value;
    return true;
}

bool oracle_known(const struct oracle *oracle, const struct hec_event *event, enum hec_field field,
                  double *value)
{
    if (field == HEC_F_AMOUNT_MINOR) {
        bool is_known = oracle_amount(oracle, event, value);
        *value /= 100;
        return is_known;
    }
    if (!hec_event_has(event, field)) {
        return false;
    }
    *value = hec_field_info(field)->kind == HEC_NUMBER ? event->value[field].number
                                                       : (double)event->value[field].integer;
    return true;
}

static bool holds(const struct oracle *oracle, const struct hec_event *event,
                  const struct hec_predicate *predicate)
{
    double value = 0;
    if (!hec_event_has(event, predicate->field)) {
        return false;
    }
    if (predicate->op == HEC_PRESENT) {
        return true;
    }
    if (hec_field_info(predicate->field)->kind <= HEC_CURRENCY) {
        bool found = false;
        for (int i = 0; i < predicate->texts_count; i++) {
            found |= oracle_is(event, predicate->field, predicate->texts[i]);
        }
        return predicate->op == HEC_NE ? !found : found;
    }
    if (!oracle_known(oracle, event, predicate->field, &value)) {
        return false;
    }
    if (predicate->field == HEC_F_AMOUNT_MINOR) {
        value = nearbyint(value * 100);
    }
    double limit = (double)predicate->integer;
    return predicate->op == HEC_EQ   ? value == limit
           : predicate->op == HEC_NE ? value != limit
           : predicate->op == HEC_LT ? value < limit
                                     : value >= limit;
}

static enum hec_event_type type_of(const struct hec_event *event)
{
    if (hec_event_is_scored(event->type)) {
        return event->type;
    }
    for (int type = 0; type < HEC_EVENT_TYPES; type++) {
        if (oracle_is(event, HEC_F_TARGET_EVENT_TYPE,
                      hec_event_type_name((enum hec_event_type)type))) {
            return (enum hec_event_type)type;
        }
    }
    return hec_event_has(event, HEC_F_CARD_TOKEN)       ? HEC_CARD_AUTH
           : hec_event_has(event, HEC_F_CREDITOR_TOKEN) ? HEC_TRANSFER
                                                        : HEC_EVENT_TYPES;
}

bool oracle_passes(const struct oracle *oracle, const struct hec_event *event, int filter)
{
    if (filter < 0) {
        return true;
    }
    const struct hec_filter *conditions = &oracle->schema->filters[filter];
    bool all = (conditions->event_types >> type_of(event)) & 1;
    for (int i = 0; i < conditions->predicates_count; i++) {
        all = all && holds(oracle, event, &conditions->predicates[i]);
    }
    return all;
}

int64_t oracle_width_of(const struct hec_feature *feature)
{
    static const int64_t LIMITS[][2] = { { 300000, 30000 },
                                         { 3600000, 300000 },
                                         { 86400000, 3600000 },
                                         { 7 * INT64_C(86400000), 21600000 } };
    for (int i = 0; i < 4; i++) {
        if (feature->window_ms <= LIMITS[i][0]) {
            return LIMITS[i][1];
        }
    }
    return 86400000;
}

/* Tiles that one feature's ring must keep. */
static int64_t own_ring(const struct oracle *oracle, const struct hec_feature *feature)
{
    int64_t width = oracle_width_of(feature);
    int64_t late = (oracle->schema->allowed_lateness_ms + width - 1) / width;
    return feature->window_ms / width + feature->delay_ms / width + (feature->delay_ms > 0) +
           (late < 1 ? 1 : late);
}

bool oracle_has_tiles(const struct hec_feature *feature)
{
    enum hec_aggregate of = feature->aggregate;
    return feature->window_ms > 0 && of != HEC_AGG_MET && of != HEC_AGG_CHAIN &&
           of != HEC_AGG_SINCE_FIRST && of != HEC_AGG_DECAYED_COUNT && of != HEC_AGG_DECAYED_MEAN &&
           of != HEC_AGG_AGE && of != HEC_AGG_SINCE && of != HEC_AGG_SINCE_SAME;
}

/* Tiles that the record keeps of this width: what the feature that needs most of them asks for. A
 * list of distinct values is shared only by features of the same filter and field. */
int64_t oracle_ring_of(const struct oracle *oracle, const struct hec_feature *feature)
{
    int64_t ring = 0;
    for (int i = 0; i < oracle->schema->features_count; i++) {
        const struct hec_feature *other = &oracle->schema->features[i];
        bool distinct = feature->aggregate == HEC_AGG_DISTINCT;
        bool shares =
            other->entity == feature->entity && oracle_has_tiles(other) &&
            oracle_width_of(other) == oracle_width_of(feature) &&
            (other->aggregate == HEC_AGG_DISTINCT) == distinct &&
            (!distinct || (other->filter == feature->filter && other->field == feature->field));
        if (shares && own_ring(oracle, other) > ring) {
            ring = own_ring(oracle, other);
        }
        struct hec_feature second = *other;
        second.window_ms = other->window2_ms;
        if (other->entity == feature->entity && other->window2_ms > 0 && !distinct &&
            oracle_width_of(&second) == oracle_width_of(feature) &&
            own_ring(oracle, &second) > ring) {
            ring = own_ring(oracle, &second);
        }
    }
    return ring;
}

/* What one window comes to. */
struct sums {
    double events, of_second, known, sum, squares, fraud, smallest, largest;
};

/* Adds one item's part of the sums, with the sign of its effect. */
static void add(const struct oracle *oracle, const struct hec_feature *feature, int i,
                struct sums *sums)
{
    const struct hec_event *event = oracle->items[i].event;
    bool first = oracle_passes(oracle, event, feature->filter);
    bool full = !hec_event_has(event, HEC_F_FULL) || event->value[HEC_F_FULL].integer != 0;
    double sign = event->type == HEC_REVERSAL ? -1 : 1;
    double whole = event->type == HEC_REVERSAL && !full ? 0 : sign;
    double value = 0;
    if (event->type == HEC_LABEL) {
        sums->fraud += first ? oracle->items[i].effect : 0;
        return;
    }
    sums->events += first ? whole : 0;
    if (feature->filter2 >= 0 && oracle_passes(oracle, event, feature->filter2)) {
        sums->of_second += whole;
    }
    if (first && feature->field != HEC_FIELDS &&
        oracle_known(oracle, event, feature->field, &value)) {
        sums->known += whole;
        sums->sum += sign * value;
        sums->squares += whole * value * value;
        if (event->type != HEC_REVERSAL) {
            sums->smallest = fmin(sums->smallest, value);
            sums->largest = fmax(sums->largest, value);
        }
    }
}

static struct sums window(const struct oracle *oracle, const struct hec_feature *feature,
                          const struct hec_text *token, int64_t now_ms)
{
    struct sums sums = { .smallest = INFINITY, .largest = -INFINITY };
    int64_t width = oracle_width_of(feature);
    int64_t n = feature->window_ms / width;
    int64_t head = now_ms / width;
    int64_t first = feature->delay_ms == 0 ? head - n + 1 : head - feature->delay_ms / width - n;
    int64_t last = feature->delay_ms == 0 ? head : head - feature->delay_ms / width - 1;
    int64_t ring = oracle_ring_of(oracle, feature);
    int64_t newest = oracle_newest_ms(oracle, oracle->count, (int)feature->entity, token) / width;
    for (int i = 0; i < oracle->count; i++) {
        const struct hec_event *event = oracle->items[i].event;
        int64_t tile = oracle_target_ms(event) / width;
        if (tile < first || tile > last || tile + ring <= newest ||
            !oracle_counts(oracle, i, (int)feature->entity, token)) {
            continue;
        }
        if (!hec_event_is_scored(event->type)) {
            /* A verdict changes tiles that its record had seen when it came. */
            int64_t then = oracle_newest_ms(oracle, i, (int)feature->entity, token);
            if (then == 0 || tile > then / width || tile + ring <= then / width) {
                continue;
            }
        }
        add(oracle, feature, i, &sums);
    }
    sums.events = fmax(sums.events, 0);
    sums.of_second = fmax(sums.of_second, 0);
    sums.known = fmax(sums.known, 0);
    sums.sum = fmax(sums.sum, 0);
    sums.squares = fmax(sums.squares, 0);
    sums.fraud = fmax(sums.fraud, 0);
    return sums;
}

static double spread(const struct sums *sums)
{
    double mean = sums->sum / sums->known;
    double variance = sums->squares / sums->known - mean * mean;
    return sums->known < 2 ? NAN : variance > 1e-9 ? sqrt(variance) : 0;
}

/* Item j is the newest of the entity's that has this value. */
static bool is_newest_of_value(const struct oracle *oracle, const struct hec_feature *feature,
                               const struct hec_text *token, int j)
{
    const struct hec_event *own = oracle->items[j].event;
    for (int i = 0; i < oracle->count; i++) {
        const struct hec_event *event = oracle->items[i].event;
        bool later = hec_event_ms(event) > hec_event_ms(own) ||
                     (hec_event_ms(event) == hec_event_ms(own) && i > j);
        if (later && hec_event_is_scored(event->type) && hec_event_has(event, feature->field) &&
            oracle_passes(oracle, event, feature->filter) &&
            oracle_same(&event->value[feature->field].text, &own->value[feature->field].text) &&
            oracle_counts(oracle, i, (int)feature->entity, token)) {
            return false;
        }
    }
    return true;
}

static double distinct(const struct oracle *oracle, const struct hec_feature *feature,
                       const struct hec_text *token, int64_t now_ms)
{
    int64_t width = oracle_width_of(feature);
    int64_t first = now_ms / width - feature->window_ms / width + 1;
    int64_t newest = oracle_newest_ms(oracle, oracle->count, (int)feature->entity, token) / width;
    int64_t ring = oracle_ring_of(oracle, feature);
    double number = 0;
    for (int i = 0; i < oracle->count; i++) {
        const struct hec_event *event = oracle->items[i].event;
        int64_t tile = hec_event_ms(event) / width;
        number += hec_event_is_scored(event->type) && tile >= first && tile + ring > newest &&
                  hec_event_has(event, feature->field) &&
                  oracle_passes(oracle, event, feature->filter) &&
                  oracle_counts(oracle, i, (int)feature->entity, token) &&
                  is_newest_of_value(oracle, feature, token, i);
    }
    return number;
}

bool oracle_is_estimate(const struct oracle *oracle, const struct hec_event *event, int feature)
{
    const struct hec_feature *of = &oracle->schema->features[feature];
    if (of->aggregate != HEC_AGG_DISTINCT || oracle_token_of(event, (int)of->entity) == NULL) {
        return false;
    }
    /* Asked from the beginning of time: all that the ring still keeps. */
    return distinct(oracle, of, oracle_token_of(event, (int)of->entity), 0) > EXACT_MAX;
}

static double kilometres(double lat1, double lon1, double lat2, double lon2)
{
    /* By the law of cosines on unit vectors, not by haversine. */
    const double r = acos(-1.0) / 180;
    double x = cos(lat1 * r) * cos(lon1 * r) - cos(lat2 * r) * cos(lon2 * r);
    double y = cos(lat1 * r) * sin(lon1 * r) - cos(lat2 * r) * sin(lon2 * r);
    double z = sin(lat1 * r) - sin(lat2 * r);
    return 2 * 6371.0088 * asin(fmin(1, sqrt(x * x + y * y + z * z) / 2));
}

static double travelled(const struct oracle *oracle, const struct hec_feature *feature,
                        const struct hec_text *token, const struct hec_event *event)
{
    const struct hec_event *place = NULL;
    for (int i = 0; i < oracle->count; i++) {
        const struct hec_event *other = oracle->items[i].event;
        if (hec_event_is_scored(other->type) && hec_event_has(other, HEC_F_GEO_LAT) &&
            oracle_passes(oracle, other, feature->filter) &&
            oracle_counts(oracle, i, (int)feature->entity, token) &&
            (place == NULL || hec_event_ms(other) >= hec_event_ms(place))) {
            place = other;
        }
    }
    if (place == NULL || !hec_event_has(event, HEC_F_GEO_LAT)) {
        return NAN;
    }
    double km = kilometres(place->value[HEC_F_GEO_LAT].number, place->value[HEC_F_GEO_LON].number,
                           event->value[HEC_F_GEO_LAT].number, event->value[HEC_F_GEO_LON].number);
    double hours = fabs((double)(hec_event_ms(event) - hec_event_ms(place))) / 3600000;
    return feature->aggregate == HEC_AGG_DISTANCE ? km : km / fmax(hours, 1.0 / 60);
}

/* Aggregates over all the time: first, last, streak, novelty. */
static double history(const struct oracle *oracle, const struct hec_feature *feature,
                      const struct hec_text *token, const struct hec_event *event)
{
    int64_t earliest = 0;
    int64_t latest = 0;
    double streak = 0;
    bool seen = false;
    for (int i = 0; i < oracle->count; i++) {
        const struct hec_event *other = oracle->items[i].event;
        if (!hec_event_is_scored(other->type) ||
            !oracle_counts(oracle, i, (int)feature->entity, token)) {
            continue;
        }
        bool first = oracle_passes(oracle, other, feature->filter);
        int64_t ms = hec_event_ms(other);
        if (first) {
            earliest = earliest == 0 || ms < earliest ? ms : earliest;
            latest = ms > latest ? ms : latest;
            streak++;
        }
        if (feature->filter2 >= 0 && oracle_passes(oracle, other, feature->filter2)) {
            streak = 0;
        }
        seen |= first && feature->field != HEC_FIELDS && hec_event_has(event, feature->field) &&
                hec_event_has(other, feature->field) &&
                oracle_same(&event->value[feature->field].text, &other->value[feature->field].text);
    }
    double now = (double)hec_event_ms(event);
    switch (feature->aggregate) {
    case HEC_AGG_AGE: return earliest == 0 ? NAN : fmax(0, (now - (double)earliest) / 1000);
    case HEC_AGG_SINCE: return latest == 0 ? NAN : fmax(0, (now - (double)latest) / 1000);
    case HEC_AGG_STREAK: return streak;
    case HEC_AGG_IS_NEW: return hec_event_has(event, feature->field) ? !seen : NAN;
    default: return NAN;
    }
}

/* Days since 1970 to weekday by counting on from a known Thursday; hours by division. */
static double of_event(const struct oracle *oracle, const struct hec_event *event,
                       const struct hec_feature *feature)
{
    int64_t hour = hec_event_ms(event) / 3600000;
    double value = NAN;
    switch (feature->derived) {
    case HEC_HOUR: return (double)(hour % 24);
    case HEC_NIGHT: return hour % 24 <= 6;
    case HEC_WEEKEND: return hour / 24 % 7 == 2 || hour / 24 % 7 == 3;
    case HEC_PAYEE_AGE_S:
        return hec_event_has(event, HEC_F_PAYEE_ADDED_MS)
                   ? fmax(0, (double)(hec_event_ms(event) -
                                      event->value[HEC_F_PAYEE_ADDED_MS].integer) /
                                 1000)
                   : NAN;
    case HEC_ABROAD:
        if (hec_event_has(event, HEC_F_GEO_COUNTRY) &&
            hec_event_has(event, HEC_F_MERCHANT_COUNTRY)) {
            return !oracle_same(&event->value[HEC_F_GEO_COUNTRY].text,
                                &event->value[HEC_F_MERCHANT_COUNTRY].text);
        }
        return NAN;
    default: break;
    }
    if (feature->field == HEC_FIELDS) {
        return oracle_passes(oracle, event, feature->filter);
    }
    bool told = oracle_passes(oracle, event, feature->filter) &&
                oracle_known(oracle, event, feature->field, &value);
    return told ? value : NAN;
}

/* A window of these is the most that they tell. */
static double capped(const struct hec_feature *feature, double seconds)
{
    double most = (double)feature->window_ms / 1000;
    return feature->window_ms > 0 && seconds > most ? most : seconds;
}

static double tell(const struct oracle *oracle, const struct hec_event *event,
                   const struct hec_feature *feature, const struct hec_text *token)
{
    double value = 0;
    if (feature->aggregate == HEC_AGG_DISTINCT) {
        return distinct(oracle, feature, token, hec_event_ms(event));
    }
    if (feature->aggregate == HEC_AGG_DISTANCE || feature->aggregate == HEC_AGG_SPEED) {
        return travelled(oracle, feature, token, event);
    }
    switch (feature->aggregate) {
    case HEC_AGG_CHAIN: return oracle_chain(oracle, feature, token, event);
    case HEC_AGG_SINCE_FIRST: return capped(feature, oracle_habit(oracle, feature, token, event));
    case HEC_AGG_SURPRISE:
    case HEC_AGG_TIMES:
    case HEC_AGG_SHARE:
    case HEC_AGG_MET: return oracle_habit(oracle, feature, token, event);
    case HEC_AGG_SINCE_SAME: return capped(feature, oracle_habit(oracle, feature, token, event));
    case HEC_AGG_DECAYED_COUNT:
    case HEC_AGG_DECAYED_MEAN: return oracle_faded(oracle, feature, token, event);
    case HEC_AGG_GAP:
    case HEC_AGG_HOUR_SURPRISE:
    case HEC_AGG_WEEK_SURPRISE: return oracle_rhythm(oracle, feature, token, event);
    case HEC_AGG_AGE:
    case HEC_AGG_SINCE: return capped(feature, history(oracle, feature, token, event));
    default: break;
    }
    if (feature->window_ms == 0) {
        return history(oracle, feature, token, event);
    }
    struct sums sums = window(oracle, feature, token, hec_event_ms(event));
    struct hec_feature second = *feature;
    double weight = feature->prior_weight;
    switch (feature->aggregate) {
    case HEC_AGG_BURST: {
        second.window_ms = feature->window2_ms;
        double longer = window(oracle, &second, token, hec_event_ms(event)).events;
        return longer > 0 ? sums.events / (double)feature->window_ms /
                                (longer / (double)feature->window2_ms)
                          : NAN;
    }
    case HEC_AGG_COUNT: return sums.events;
    case HEC_AGG_SUM: return sums.sum;
    case HEC_AGG_MEAN: return sums.known > 0 ? sums.sum / sums.known : NAN;
    case HEC_AGG_DEVIATION: return spread(&sums);
    case HEC_AGG_RATIO:
        return sums.events + weight > 0
                   ? (sums.of_second + weight * feature->prior) / (sums.events + weight)
                   : NAN;
    case HEC_AGG_PORTION:
        return sums.events + sums.of_second > 0 ? sums.of_second / (sums.events + sums.of_second)
                                                : NAN;
    case HEC_AGG_MIN: return isinf(sums.smallest) ? NAN : sums.smallest;
    case HEC_AGG_MAX: return isinf(sums.largest) ? NAN : sums.largest;
    case HEC_AGG_LABEL_COUNT: return sums.fraud;
    case HEC_AGG_LABEL_RATE:
        return sums.events + weight > 0
                   ? (sums.fraud + weight * feature->prior) / (sums.events + weight)
                   : NAN;
    case HEC_AGG_ZSCORE:
        return spread(&sums) > 0 && oracle_known(oracle, event, feature->field, &value)
                   ? (value - sums.sum / sums.known) / spread(&sums)
                   : NAN;
    default: return NAN;
    }
}

double oracle_read(const struct oracle *oracle, const struct hec_event *event, int feature)
{
    const struct hec_feature *of = &oracle->schema->features[feature];
    double number = NAN;
    if (of->aggregate == HEC_AGG_VALUE) {
        number = of_event(oracle, event, of);
    } else if (oracle_token_of(event, (int)of->entity) != NULL) {
        number = tell(oracle, event, of, oracle_token_of(event, (int)of->entity));
    }
    return isnan(number) ? of->missing : number;
}
