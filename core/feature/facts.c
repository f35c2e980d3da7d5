/*
 * What an event comes to before any state is looked at: which filters it passes, and its numbers as
 * the integers that are summed.
 *
 * Amounts become minor units of the reporting currency by exact integer arithmetic, rounded half to
 * even; a fraction such as bot_score becomes ten-thousandths. Integers add up to the same bytes in
 * any order, on any machine.
 */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "feature/plan.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#define PLACES_A_DEGREE 4
#define FRACTION 10000
#define RATE_ONE INT64_C(1000000000) /* nine decimals of a rate count */
#define RATE_MAX 1000                /* keeps every converted amount below 10^15 */

/* ISO 4217: currencies whose minor unit is not a hundredth. */
static const char *const NO_DECIMALS[] = { "BIF", "CLP", "DJF", "GNF", "ISK", "JPY",
                                           "KMF", "KRW", "PYG", "RWF", "UGX", "UYI",
                                           "VND", "VUV", "XAF", "XOF", "XPF" };
static const char *const THREE_DECIMALS[] = { "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND" };

static int64_t minor_units(const char *code)
{
    for (size_t i = 0; i < sizeof(NO_DECIMALS) / sizeof(*NO_DECIMALS); i++) {
        if (memcmp(NO_DECIMALS[i], code, 3) == 0) {
            return 1;
        }
    }
    for (size_t i = 0; i < sizeof(THREE_DECIMALS) / sizeof(*THREE_DECIMALS); i++) {
        if (memcmp(THREE_DECIMALS[i], code, 3) == 0) {
            return 1000;
        }
    }
    return 100;
}

enum hec_status hec_rates_compile(struct hec_plan *plan, struct hec_error *error)
{
    const struct hec_schema *schema = &plan->schema;
    int64_t reporting = minor_units(schema->currency);
    plan->amount_scale = (double)reporting;
    memcpy(plan->rates[0].code, schema->currency, 4);
    plan->rates[0].times = 1;
    plan->rates[0].over = 1;
    plan->rates_count = 1;
    for (int i = 0; i < schema->rates_count; i++) {
        const char *code = schema->rates[i].code;
        double rate = schema->rates[i].rate;
        double of_minor = rate * (double)reporting / (double)minor_units(code);
        if (!(of_minor > 0 && of_minor <= RATE_MAX && rate <= 1e6 && rate >= 1e-9)) {
            return hec_fail(error, HEC_INVALID, "rate %s: per_unit %g is out of range", code, rate);
        }
        for (int j = 0; j < plan->rates_count; j++) {
            if (memcmp(plan->rates[j].code, code, 3) == 0) {
                return hec_fail(error, HEC_INVALID,
                                "rate %s: listed twice or the reporting currency itself", code);
            }
        }
        struct hec_rate *compiled = &plan->rates[plan->rates_count++];
        memcpy(compiled->code, code, 4);
        compiled->times = llrint(rate * (double)RATE_ONE) * reporting;
        compiled->over = RATE_ONE * minor_units(code);
    }
    return HEC_OK;
}

bool hec_rates_convert(const struct hec_plan *plan, const char *code, int64_t amount_minor,
                       int64_t *converted_minor)
{
    for (int i = 0; i < plan->rates_count; i++) {
        const struct hec_rate *rate = &plan->rates[i];
        if (memcmp(rate->code, code, 3) != 0) {
            continue;
        }
        if (i == 0) {
            *converted_minor = amount_minor;
            return true;
        }
        hec_int128 exact = (hec_int128)amount_minor * rate->times;
        int64_t whole = (int64_t)(exact / rate->over);
        int64_t rest = (int64_t)(exact % rate->over);
        if (rest * 2 > rate->over || (rest * 2 == rate->over && (whole & 1))) {
            whole++;
        }
        *converted_minor = whole;
        return true;
    }
    return false;
}

double hec_value_scale(const struct hec_plan *plan, enum hec_field field)
{
    if (field == HEC_F_AMOUNT_MINOR) {
        return plan->amount_scale;
    }
    return hec_field_info(field)->kind == HEC_NUMBER ? FRACTION : 1;
}

/* A verdict may leave the currency out: then its amount is in the reporting one. */
bool hec_plan_amount(const struct hec_plan *plan, const struct hec_event *event, int64_t *amount)
{
    if (!hec_event_has(event, HEC_F_AMOUNT_MINOR)) {
        return false;
    }
    int64_t minor = event->value[HEC_F_AMOUNT_MINOR].integer;
    if (!hec_event_has(event, HEC_F_CURRENCY)) {
        *amount = minor;
        return true;
    }
    return hec_rates_convert(plan, event->value[HEC_F_CURRENCY].text.bytes, minor, amount);
}

static void find_values(const struct hec_plan *plan, const struct hec_event *event,
                        struct hec_facts *facts)
{
    facts->known = hec_plan_amount(plan, event, &facts->values[0]);
    for (int i = 1; i < plan->values_count; i++) {
        enum hec_field field = plan->values[i];
        if (hec_event_has(event, field)) {
            facts->known |= 1u << i;
            facts->values[i] = hec_field_info(field)->kind == HEC_NUMBER
                                   ? llrint(event->value[field].number * FRACTION)
                                   : event->value[field].integer;
        }
    }
}

uint32_t hec_facts_band(int64_t amount_minor)
{
    /* 2^n <= above^2 in whole numbers: no logarithm whose last bit a machine rounds its own way. */
    hec_int128 square = (hec_int128)(amount_minor + 1) * (amount_minor + 1);
    uint64_t high = (uint64_t)(square >> 64);
    return high != 0 ? 127u - (uint32_t)__builtin_clzll(high)
                     : 63u - (uint32_t)__builtin_clzll((uint64_t)square);
}

/* The first two groups: of four in IPv4, of eight in IPv6. */
static bool net_of(const struct hec_text *ip, uint32_t *key)
{
    int groups = 0;
    for (uint32_t i = 0; i < ip->length; i++) {
        groups += ip->bytes[i] == '.' || ip->bytes[i] == ':';
        if (groups == 2) {
            *key = (uint32_t)XXH3_64bits(ip->bytes, i);
            return true;
        }
    }
    return false;
}

static uint32_t place_of(const struct hec_event *event)
{
    int32_t cell[2] = { (int32_t)llrint(event->value[HEC_F_GEO_LAT].number * PLACES_A_DEGREE),
                        (int32_t)llrint(event->value[HEC_F_GEO_LON].number * PLACES_A_DEGREE) };
    return (uint32_t)XXH3_64bits(cell, sizeof(cell));
}

/* A key costs a hash or two, so only what some list remembers has one. */
static void find_keys(const struct hec_plan *plan, const struct hec_event *event,
                      struct hec_facts *facts)
{
    facts->keys_known = 0;
    if (plan->keys >> HEC_HOUR & 1) {
        facts->keys[HEC_HOUR] = (uint32_t)(hec_event_ms(event) / 3600000 % 24);
        facts->keys_known |= 1u << HEC_HOUR;
    }
    if ((plan->keys >> HEC_AMOUNT_BAND & 1) && (facts->known & 1)) {
        facts->keys[HEC_AMOUNT_BAND] = hec_facts_band(facts->values[0]);
        facts->keys_known |= 1u << HEC_AMOUNT_BAND;
    }
    if ((plan->keys >> HEC_PLACE & 1) && hec_event_has(event, HEC_F_GEO_LAT) &&
        hec_event_has(event, HEC_F_GEO_LON)) {
        facts->keys[HEC_PLACE] = place_of(event);
        facts->keys_known |= 1u << HEC_PLACE;
    }
    if ((plan->keys >> HEC_IP_NET & 1) && hec_event_has(event, HEC_F_IP) &&
        net_of(&event->value[HEC_F_IP].text, &facts->keys[HEC_IP_NET])) {
        facts->keys_known |= 1u << HEC_IP_NET;
    }
}

enum hec_event_type hec_facts_type(const struct hec_event *event)
{
    if (hec_event_is_scored(event->type)) {
        return event->type;
    }
    if (hec_event_has(event, HEC_F_TARGET_EVENT_TYPE)) {
        const struct hec_text *name = &event->value[HEC_F_TARGET_EVENT_TYPE].text;
        return hec_event_type_named(name->bytes, name->length);
    }
    if (hec_event_has(event, HEC_F_CARD_TOKEN)) {
        return HEC_CARD_AUTH;
    }
    return hec_event_has(event, HEC_F_CREDITOR_TOKEN) ? HEC_TRANSFER : HEC_EVENT_TYPES;
}

static bool text_holds(const struct hec_test *test, const struct hec_text *text)
{
    for (int t = 0; t < test->texts_count; t++) {
        if (test->hashes[t] == text->hash && test->lengths[t] == text->length &&
            memcmp(test->texts[t], text->bytes, text->length) == 0) {
            return test->op != HEC_NE;
        }
    }
    return test->op == HEC_NE;
}

static bool number_holds(const struct hec_test *test, double number)
{
    switch ((enum hec_predicate_op)test->op) {
    case HEC_EQ: return number == test->limit;
    case HEC_NE: return number != test->limit;
    case HEC_LT: return number < test->limit;
    default: return number >= test->limit;
    }
}

/* A predicate on a field that is absent does not hold, whatever it asks. */
static bool holds(const struct hec_event *event, const struct hec_facts *facts,
                  const struct hec_test *test)
{
    const union hec_value *value = &event->value[test->field];
    if (!hec_event_has(event, (enum hec_field)test->field)) {
        return false;
    }
    switch ((enum hec_test_kind)test->kind) {
    case HEC_TEST_PRESENT: return true;
    case HEC_TEST_AMOUNT: return (facts->known & 1) && number_holds(test, (double)facts->values[0]);
    case HEC_TEST_INTEGER: return number_holds(test, (double)value->integer);
    case HEC_TEST_NUMBER: return number_holds(test, value->number);
    case HEC_TEST_TEXT: break;
    }
    return text_holds(test, &value->text);
}

static void find_mask(const struct hec_plan *plan, const struct hec_event *event,
                      struct hec_facts *facts)
{
    facts->mask = (uint64_t)1 << HEC_NO_FILTER;
    for (uint64_t left = plan->filters_on[facts->as]; left != 0; left &= left - 1) {
        int filter = __builtin_ctzll(left);
        int predicates = plan->tests_count[filter];
        int i = 0;
        while (i < predicates && holds(event, facts, &plan->tests[filter][i])) {
            i++;
        }
        facts->mask |= (uint64_t)(i == predicates) << filter;
    }
}

void hec_facts_of(const struct hec_plan *plan, const struct hec_event *event,
                  struct hec_facts *facts)
{
    facts->as = hec_facts_type(event);
    find_values(plan, event, facts);
    find_keys(plan, event, facts);
    find_mask(plan, event, facts);
}
