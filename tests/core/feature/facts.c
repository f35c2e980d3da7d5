/* Facts: filters over every kind of field, and money in one currency to the last half. */
#include "feature/plan.h"

#include "engine.h"

static int64_t converted(const struct hec_plan *plan, const char *code, int64_t minor)
{
    int64_t out = -1;
    cr_assert(hec_rates_convert(plan, code, minor, &out), "%s", code);
    return out;
}

Test(facts, converts_exactly_and_rounds_half_to_even)
{
    struct hec_plan *plan = plan_of("rate USD { per_unit = 0.5 }\nrate GBP { per_unit = 1.17 }\n"
                                    "rate JPY { per_unit = 0.0061 }\nrate KWD { per_unit = 3 }\n"
                                    "feature a { aggregate = value field = amount_minor }");
    cr_expect_eq(converted(plan, "EUR", 12345), 12345);
    cr_expect_eq(converted(plan, "USD", 1), 0, "half goes to the even neighbour");
    cr_expect_eq(converted(plan, "USD", 3), 2);
    cr_expect_eq(converted(plan, "USD", 5), 2);
    cr_expect_eq(converted(plan, "USD", 7), 4);
    cr_expect_eq(converted(plan, "GBP", 100), 117);
    cr_expect_eq(converted(plan, "GBP", 1000000000000), 1170000000000);
    cr_expect_eq(converted(plan, "JPY", 1000), 610, "a yen has no hundredths");
    cr_expect_eq(converted(plan, "KWD", 1000), 300, "a dinar has thousandths");
    cr_expect_eq(converted(plan, "USD", 0), 0);
    int64_t out;
    cr_expect_not(hec_rates_convert(plan, "CHF", 1, &out));
    hec_plan_free(plan);
}

Test(facts, tells_amounts_in_units_of_the_reporting_currency)
{
    struct engine engine = engine_from("currency = JPY\nrate EUR { per_unit = 160 }\n"
                                       "feature a { aggregate = value field = amount_minor }");
    struct hec_event event = made_payment("e", T0, "u", "c", 250);
    step(&engine, &event, 0);
    cr_expect_eq(told(&engine, "a"), 400, "2.50 euros in yen");
    engine_end(&engine);
}

/* One event and one filter: does it pass? */
static bool passes(const char *where, const struct hec_event *event)
{
    char text[512];
    snprintf(text, sizeof(text),
             "rate USD { per_unit = 0.5 }\n"
             "filter f { events = {card_auth, login} where = {%s} }\n"
             "feature a { aggregate = value filter = f }",
             where);
    struct engine engine = engine_from(text);
    step(&engine, event, 0);
    float flag = told(&engine, "a");
    engine_end(&engine);
    return flag != 0;
}

Test(facts, holds_each_predicate_only_when_it_is_true)
{
    struct hec_event event = made_payment("e", T0, "u", "c", 1000);
    made_text(&event, HEC_F_RESPONSE_CODE, "05");
    made_text(&event, HEC_F_MCC, "5411");
    made_integer(&event, HEC_F_CARD_PRESENT, 1);
    static const struct {
        const char *where;
        bool holds;
    } CASES[] = {
        { "\"response_code == 05\"", true },
        { "\"response_code == 0\"", false },
        { "\"response_code != 00\"", true },
        { "\"response_code != 05\"", false },
        { "\"mcc in 5411 5412\"", true },
        { "\"mcc in 5410 5412\"", false },
        { "\"amount_minor < 1000\"", false },
        { "\"amount_minor < 1001\"", true },
        { "\"amount_minor >= 1000\"", true },
        { "\"amount_minor >= 1001\"", false },
        { "\"amount_minor == 1000\"", true },
        { "\"amount_minor != 1000\"", false },
        { "\"card_present == 1\"", true },
        { "\"card_present != 1\"", false },
        { "\"device_id present\"", false },
        { "\"mcc present\"", true },
        { "\"entry_mode != chip\"", false }, /* absent: nothing about it holds */
        { "\"recurring == 0\"", false },
        { "\"mcc == 5411\", \"response_code == 05\"", true },
        { "\"mcc == 5411\", \"response_code == 00\"", false },
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(*CASES); i++) {
        cr_expect_eq(passes(CASES[i].where, &event), CASES[i].holds, "%s", CASES[i].where);
    }
}

Test(facts, compares_amounts_in_the_reporting_currency)
{
    struct hec_event event = made_payment("e", T0, "u", "c", 1000);
    made_text(&event, HEC_F_CURRENCY, "USD");
    cr_expect(passes("\"amount_minor == 500\"", &event));
    made_text(&event, HEC_F_CURRENCY, "CHF");
    cr_expect_not(passes("\"amount_minor >= 0\"", &event), "an unknown rate is an unknown amount");
}

Test(facts, passes_only_events_of_the_filters_types)
{
    struct hec_event login = made(HEC_LOGIN, "e", T0, "u");
    struct hec_event transfer = made(HEC_TRANSFER, "e", T0, "u");
    made_text(&login, HEC_F_DEVICE_ID, "d");
    made_text(&transfer, HEC_F_DEVICE_ID, "d");
    cr_expect(passes("\"device_id present\"", &login));
    cr_expect_not(passes("\"device_id present\"", &transfer));
}

Test(facts, compares_fractions)
{
    struct hec_event login = made(HEC_LOGIN, "e", T0, "u");
    made_number(&login, HEC_F_BOT_SCORE, 49.999);
    cr_expect_not(passes("\"bot_score >= 50\"", &login));
    cr_expect(passes("\"bot_score < 50\"", &login));
    made_number(&login, HEC_F_BOT_SCORE, 50);
    cr_expect(passes("\"bot_score >= 50\"", &login));
}

Test(facts, takes_the_type_of_a_verdict_from_what_it_carries)
{
    struct hec_event label = made(HEC_LABEL, "l", T0, "u");
    cr_expect_eq(hec_facts_type(&label), HEC_EVENT_TYPES);
    made_text(&label, HEC_F_CREDITOR_TOKEN, "p");
    cr_expect_eq(hec_facts_type(&label), HEC_TRANSFER);
    made_text(&label, HEC_F_CARD_TOKEN, "c");
    cr_expect_eq(hec_facts_type(&label), HEC_CARD_AUTH);
    made_text(&label, HEC_F_TARGET_EVENT_TYPE, "login");
    cr_expect_eq(hec_facts_type(&label), HEC_LOGIN);
    struct hec_event payment = made_payment("e", T0, "u", "c", 1);
    cr_expect_eq(hec_facts_type(&payment), HEC_CARD_AUTH);
}

Test(facts, bands_amounts_by_half_powers_of_two)
{
    cr_expect_eq(hec_facts_band(0), 0);
    cr_expect_eq(hec_facts_band(1), 2);
    for (int64_t minor = 0; minor < 100000; minor++) {
        cr_assert_eq(hec_facts_band(minor), (uint32_t)floor(2 * log2((double)minor + 1)));
    }
    cr_expect_eq(hec_facts_band(INT64_C(1) << 50), 100);
    cr_expect_eq(hec_facts_band((INT64_C(1) << 50) - 2), 99);
}
