/* Reading: windows to the tile, numbers by hand, and what is told when there is nothing to tell. */
#include "engine.h"

static int64_t offset;

static void apply(struct engine *engine, const struct hec_event *event)
{
    cr_assert_eq(step(engine, event, offset++), HEC_APPLIED);
}

static void pay(struct engine *engine, const char *id, int64_t event_ms, int64_t amount_minor)
{
    struct hec_event event = made_payment(id, event_ms, "u", "c", amount_minor);
    made_text(&event, HEC_F_TERMINAL_ID, "t");
    apply(engine, &event);
}

static float ask(struct engine *engine, const struct hec_event *event, const char *name)
{
    hec_plan_want(engine->plan, engine->entities, event, 0, &engine->touched, engine->pool);
    hec_plan_read(engine->plan, event, &engine->touched, engine->numerics, engine->categories);
    hec_entities_unpin(engine->entities);
    return told(engine, name);
}

static float ask_at(struct engine *engine, int64_t event_ms, const char *name)
{
    struct hec_event event = made_payment("ask", event_ms, "u", "c", 1000);
    made_text(&event, HEC_F_TERMINAL_ID, "t");
    return ask(engine, &event, name);
}

Test(read, holds_a_window_exactly_on_tile_boundaries)
{
    struct engine engine =
        engine_from("feature n { aggregate = count entity = user window = 24h }");
    const int64_t tile = T0 / HOUR * HOUR; /* the beginning of an hour */
    pay(&engine, "e1", tile, 1);
    pay(&engine, "e2", tile + HOUR - 1, 1);
    cr_expect_eq(ask_at(&engine, tile + HOUR - 1, "n"), 2);
    cr_expect_eq(ask_at(&engine, tile + 24 * HOUR - 1, "n"), 2);
    cr_expect_eq(ask_at(&engine, tile + 24 * HOUR, "n"), 0);
    cr_expect_eq(ask_at(&engine, tile - 1, "n"), 0, "a tile ahead of the asker is not in it");
    engine_end(&engine);
}

Test(read, shifts_a_delayed_window_by_whole_tiles)
{
    struct engine engine =
        engine_from("feature n { aggregate = count entity = terminal window = 1d delay = 7d }");
    const int64_t tile = T0 / HOUR * HOUR;
    pay(&engine, "e1", tile, 1);
    cr_expect_eq(ask_at(&engine, tile + 7 * DAY + HOUR - 1, "n"), 0, "its own tile is not past");
    cr_expect_eq(ask_at(&engine, tile + 7 * DAY + HOUR, "n"), 1);
    cr_expect_eq(ask_at(&engine, tile + 8 * DAY + HOUR - 1, "n"), 1);
    cr_expect_eq(ask_at(&engine, tile + 8 * DAY + HOUR, "n"), 0);
    engine_end(&engine);
}

Test(read, adds_up_a_busy_key_like_a_quiet_one)
{
    struct engine engine =
        engine_from("feature n { aggregate = count entity = user window = 7d }\n"
                    "feature s { aggregate = sum entity = user field = amount_minor window = 7d }");
    static char ids[20000][12];
    for (int i = 0; i < 20000; i++) {
        snprintf(ids[i], sizeof(ids[i]), "e%d", i);
        pay(&engine, ids[i], T0 + i * 1000, 100);
    }
    cr_expect_eq(ask_at(&engine, T0 + 20000000, "n"), 20000);
    cr_expect_eq(ask_at(&engine, T0 + 20000000, "s"), 20000);
    engine_end(&engine);
}

Test(read, tells_mean_deviation_and_score_of_what_came_before)
{
    struct engine engine = engine_from(
        "feature mean { aggregate = mean entity = user field = amount_minor window = 30d }\n"
        "feature dev { aggregate = deviation entity = user field = amount_minor window = 30d }\n"
        "feature z { aggregate = zscore entity = user field = amount_minor window = 30d }\n");
    cr_expect(isnan(ask_at(&engine, T0, "mean")));
    pay(&engine, "e1", T0, 200);
    cr_expect_eq(ask_at(&engine, T0, "mean"), 2);
    cr_expect(isnan(ask_at(&engine, T0, "dev")), "one value does not spread");
    pay(&engine, "e2", T0, 200);
    cr_expect_eq(ask_at(&engine, T0, "dev"), 0);
    cr_expect(isnan(ask_at(&engine, T0, "z")), "nothing to measure by");
    pay(&engine, "e3", T0, 500);
    cr_expect_eq(ask_at(&engine, T0, "mean"), 3);
    cr_expect_float_eq(ask_at(&engine, T0, "dev"), sqrt(2), 1e-6);
    cr_expect_float_eq(ask_at(&engine, T0, "z"), 7 / sqrt(2), 1e-5);
    engine_end(&engine);
}

/* 10^12 squared is far beyond 64 bits. */
Test(read, keeps_the_squares_of_the_largest_amounts)
{
    struct engine engine = engine_from(
        "feature dev { aggregate = deviation entity = user field = amount_minor window = 30d }\n");
    pay(&engine, "e1", T0, 1000000000000);
    pay(&engine, "e2", T0, 999999999800);
    cr_expect_eq(ask_at(&engine, T0, "dev"), 1);
    engine_end(&engine);
}

Test(read, tells_the_missing_value_when_there_is_nothing_to_tell)
{
    struct engine engine = engine_from(
        "feature n { aggregate = count entity = terminal window = 1d missing = -1 }\n"
        "feature mean { aggregate = mean entity = user field = amount_minor window = 1d missing = "
        "-2 }\n"
        "feature since { aggregate = since entity = user missing = -3 }\n"
        "feature score { aggregate = value field = bot_score missing = -4 }\n"
        "feature new { aggregate = is_new entity = user field = ip }\n");
    struct hec_event login = made(HEC_LOGIN, "l", T0, "u");
    cr_expect_eq(ask(&engine, &login, "n"), -1, "a log-in has no terminal");
    cr_expect_eq(ask_at(&engine, T0, "n"), 0, "a terminal never seen has no events");
    cr_expect_eq(ask(&engine, &login, "mean"), -2);
    cr_expect_eq(ask(&engine, &login, "since"), -3);
    cr_expect_eq(ask(&engine, &login, "score"), -4);
    cr_expect(isnan(ask(&engine, &login, "new")));
    engine_end(&engine);
}

Test(read, knows_the_hours_and_the_days)
{
    struct engine engine = engine_from("feature hour { aggregate = value field = hour }\n"
                                       "feature night { aggregate = value field = night }\n"
                                       "feature weekend { aggregate = value field = weekend }\n");
    const int64_t saturday = INT64_C(1704499200000); /* 2024-01-06T00:00:00Z */
    cr_expect_eq(ask_at(&engine, saturday, "weekend"), 1);
    cr_expect_eq(ask_at(&engine, saturday - 1, "weekend"), 0);
    cr_expect_eq(ask_at(&engine, saturday + 2 * DAY - 1, "weekend"), 1);
    cr_expect_eq(ask_at(&engine, saturday + 2 * DAY, "weekend"), 0);
    cr_expect_eq(ask_at(&engine, saturday, "hour"), 0);
    cr_expect_eq(ask_at(&engine, saturday - 1, "hour"), 23);
    cr_expect_eq(ask_at(&engine, saturday + 7 * HOUR - 1, "night"), 1);
    cr_expect_eq(ask_at(&engine, saturday + 7 * HOUR, "night"), 0);
    engine_end(&engine);
}

Test(read, measures_the_way_and_the_speed)
{
    struct engine engine = engine_from("feature km { aggregate = distance entity = user }\n"
                                       "feature kmh { aggregate = speed entity = user }\n");
    struct hec_event paris = made_payment("e1", T0, "u", "c", 1);
    struct hec_event london = made_payment("e2", T0 + 30 * MINUTE, "u", "c", 1);
    made_number(&paris, HEC_F_GEO_LAT, 48.8566);
    made_number(&paris, HEC_F_GEO_LON, 2.3522);
    made_number(&london, HEC_F_GEO_LAT, 51.5074);
    made_number(&london, HEC_F_GEO_LON, -0.1278);
    cr_expect(isnan(ask(&engine, &paris, "km")));
    apply(&engine, &paris);
    cr_expect_float_eq(ask(&engine, &london, "km"), 343.56, 0.1);
    cr_expect_float_eq(ask(&engine, &london, "kmh"), 687.1, 0.2);
    cr_expect_eq(ask(&engine, &paris, "km"), 0);
    made_integer(&london, HEC_F_EVENT_TIME_MS, T0 + 1);
    cr_expect_float_eq(ask(&engine, &london, "kmh"), 343.56 * 60, 10, "at least a minute apart");
    made_number(&london, HEC_F_GEO_LAT, -48.8566);
    made_number(&london, HEC_F_GEO_LON, -177.6478);
    cr_expect_float_eq(ask(&engine, &london, "km"), 20015.1, 0.5, "the other side of the world");
    cr_expect(isnan(ask_at(&engine, T0, "km")), "an event without a place");
    engine_end(&engine);
}

Test(read, tells_seconds_since_and_never_less_than_none)
{
    struct engine engine =
        engine_from("filter big { events = {card_auth} where = {\"amount_minor >= 100\"} }\n"
                    "feature since { aggregate = since entity = user }\n"
                    "feature since_big { aggregate = since entity = user filter = big }\n"
                    "feature age { aggregate = age entity = user }\n");
    pay(&engine, "e1", T0, 100);
    pay(&engine, "e2", T0 + 5000, 1);
    cr_expect_eq(ask_at(&engine, T0 + 6500, "since"), 1.5f);
    cr_expect_eq(ask_at(&engine, T0 + 6500, "since_big"), 6.5f);
    cr_expect_eq(ask_at(&engine, T0 + 6500, "age"), 6.5f);
    cr_expect_eq(ask_at(&engine, T0 + 4000, "since"), 0);
    engine_end(&engine);
}

Test(read, gives_a_category_its_hash_and_an_absent_one_zero)
{
    struct engine engine = engine_from("feature mcc { aggregate = category field = mcc }\n"
                                       "feature type { aggregate = category field = event_type }");
    struct hec_event event = made_payment("e", T0, "u", "c", 1);
    hec_plan_want(engine.plan, engine.entities, &event, 0, &engine.touched, engine.pool);
    hec_plan_read(engine.plan, &event, &engine.touched, engine.numerics, engine.categories);
    cr_expect_eq(engine.categories[0], 0u);
    cr_expect_eq(engine.categories[1], hec_text_of("card_auth").hash);
    made_text(&event, HEC_F_MCC, "5411");
    hec_plan_read(engine.plan, &event, &engine.touched, engine.numerics, engine.categories);
    cr_expect_eq(engine.categories[0], hec_text_of("5411").hash);
    engine_end(&engine);
}

Test(read, tells_abroad_only_when_both_countries_are_known)
{
    struct engine engine = engine_from("feature abroad { aggregate = value field = abroad }");
    struct hec_event event = made_payment("e", T0, "u", "c", 1);
    cr_expect(isnan(ask(&engine, &event, "abroad")));
    made_text(&event, HEC_F_GEO_COUNTRY, "BE");
    cr_expect(isnan(ask(&engine, &event, "abroad")));
    made_text(&event, HEC_F_MERCHANT_COUNTRY, "FR");
    cr_expect_eq(ask(&engine, &event, "abroad"), 1);
    made_text(&event, HEC_F_MERCHANT_COUNTRY, "BE");
    cr_expect_eq(ask(&engine, &event, "abroad"), 0);
    engine_end(&engine);
}

Test(read, estimates_many_distinct_values_and_goes_on_in_time)
{
    struct engine engine = engine_from(
        "feature cards { aggregate = distinct entity = terminal field = card_token window = 24h }");
    static char cards[500][8];
    for (int i = 0; i < 500; i++) {
        snprintf(cards[i], sizeof(cards[i]), "c%d", i);
        struct hec_event event = made_payment(cards[i], T0 + i * MINUTE, "u", cards[i], 1);
        made_text(&event, HEC_F_TERMINAL_ID, "t");
        apply(&engine, &event);
    }
    cr_expect_float_eq(ask_at(&engine, T0 + 500 * MINUTE, "cards"), 500, 100);
    cr_expect_eq(ask_at(&engine, T0 + 5 * DAY, "cards"), 0);
    engine_end(&engine);
}

Test(read, tells_no_more_than_the_window_of_an_age)
{
    struct engine engine =
        engine_from("feature age { aggregate = age entity = user window = 1h }\n"
                    "feature since { aggregate = since entity = user window = 30m }\n");
    cr_expect(isnan(ask_at(&engine, T0, "age")));
    pay(&engine, "e1", T0, 1);
    cr_expect_eq(ask_at(&engine, T0 + HOUR - SECOND, "age"), 3599);
    cr_expect_eq(ask_at(&engine, T0 + HOUR, "age"), 3600);
    cr_expect_eq(ask_at(&engine, T0 + HOUR + SECOND, "age"), 3600);
    cr_expect_eq(ask_at(&engine, T0 + DAY, "since"), 1800);
    engine_end(&engine);
}

static struct hec_event from(const char *id, int64_t event_ms, const char *ip, double lat)
{
    struct hec_event event = made(HEC_LOGIN, id, event_ms, "u");
    made_text(&event, HEC_F_IP, ip);
    made_number(&event, HEC_F_GEO_LAT, lat);
    made_number(&event, HEC_F_GEO_LON, 5);
    return event;
}

Test(read, tells_the_share_of_a_value_when_it_was_last_and_how_many_are_new)
{
    struct engine engine =
        engine_from("feature net { aggregate = share entity = user field = ip_net }\n"
                    "feature place { aggregate = share entity = user field = place }\n"
                    "feature same { aggregate = since_same entity = user field = ip }\n"
                    "feature met { aggregate = met entity = user field = ip window = 1h }\n");
    struct hec_event first = from("l1", T0, "10.1.2.3", 50.0);
    struct hec_event near = from("l2", T0 + HOUR, "10.1.9.9", 50.1);
    struct hec_event far = from("l3", T0 + HOUR, "10.2.2.3", 50.2);
    struct hec_event six = from("l4", T0 + HOUR, "10:1:2:3::1", 50.0);
    struct hec_event token = from("l5", T0 + HOUR, "keyed", 50.0);
    cr_expect(isnan(ask(&engine, &first, "net")), "a habit of nothing");
    cr_expect_eq(ask(&engine, &first, "met"), 0);
    apply(&engine, &first);
    cr_expect_eq(ask(&engine, &near, "net"), 1, "of the same network");
    cr_expect_eq(ask(&engine, &near, "place"), 1, "within the quarter degree");
    cr_expect(isnan(ask(&engine, &near, "same")), "another address");
    cr_expect_eq(ask(&engine, &near, "met"), 0, "an hour ago is no longer within the hour");
    apply(&engine, &near);
    cr_expect_eq(ask(&engine, &near, "net"), 1);
    cr_expect_eq(ask(&engine, &far, "net"), 0);
    cr_expect_eq(ask(&engine, &far, "place"), 0);
    cr_expect_eq(ask(&engine, &far, "met"), 1);
    cr_expect_eq(ask(&engine, &six, "net"), 0, "its first groups are 10 and 1 of another kind");
    cr_expect(isnan(ask(&engine, &token, "net")), "a keyed address has no network");
    first = from("l6", T0 + 3 * HOUR, "10.1.2.3", 60);
    cr_expect_eq(ask(&engine, &first, "same"), 3 * 3600);
    cr_expect_eq(ask(&engine, &first, "place"), 0);
    engine_end(&engine);
}

Test(read, tells_a_share_only_of_events_that_pass_its_filter)
{
    struct engine engine = engine_from(
        "filter bot { events = {login} where = {\"bot_score >= 1\"} }\n"
        "feature net { aggregate = share entity = user filter = bot field = ip missing = -1 }");
    struct hec_event login = from("l1", T0, "a", 50);
    made_number(&login, HEC_F_BOT_SCORE, 2);
    apply(&engine, &login);
    struct hec_event other = from("l2", T0, "b", 50);
    apply(&engine, &other);
    cr_expect_eq(ask(&engine, &login, "net"), 1, "the other did not count");
    cr_expect_eq(ask(&engine, &other, "net"), -1, "nor is it told");
    engine_end(&engine);
}
