/* Touching: which entries an event needs, and what becomes of it. */
#include "feature/touch.h"

#include "engine.h"

static const char SCHEMA[] = "allowed_lateness_ms = 60000\ndedup_window_s = 100\n"
                             "feature a { aggregate = count entity = user window = 1d }\n"
                             "feature b { aggregate = label_rate entity = terminal window = 1d }\n"
                             "feature c { aggregate = count entity = merchant window = 1d }\n";

static struct hec_event full_payment(const char *id, int64_t event_ms)
{
    struct hec_event event = made_payment(id, event_ms, "u", "c", 1);
    made_text(&event, HEC_F_TERMINAL_ID, "t");
    made_text(&event, HEC_F_MERCHANT_ID, "m");
    made_text(&event, HEC_F_DEVICE_ID, "d");
    return event;
}

static struct hec_event verdict(enum hec_event_type type, const char *id, int64_t target_ms)
{
    struct hec_event event = full_payment(id, T0 + 30 * DAY);
    event.type = type;
    made_text(&event, HEC_F_TARGET_EVENT_ID, "e");
    made_integer(&event, HEC_F_TARGET_EVENT_TIME_MS, target_ms);
    made_text(&event, HEC_F_LABEL, "fraud");
    return event;
}

Test(touch, wants_the_kinds_that_some_feature_needs_and_the_user)
{
    struct engine engine = engine_from(SCHEMA);
    struct hec_event event = full_payment("e", T0);
    cr_expect_eq(
        hec_plan_want(engine.plan, engine.entities, &event, 0, &engine.touched, engine.pool), 3);
    cr_expect_not_null(hec_touched_own(&engine.touched, HEC_USER));
    cr_expect_not_null(hec_touched_own(&engine.touched, HEC_TERMINAL));
    cr_expect_not_null(hec_touched_own(&engine.touched, HEC_MERCHANT));
    cr_expect_null(hec_touched_own(&engine.touched, HEC_CARD), "no feature looks at cards");
    cr_expect_null(hec_touched_own(&engine.touched, HEC_DEVICE));
    cr_expect_eq(hec_plan_pool_size(engine.plan, 1), 3);
    cr_expect_eq(hec_plan_pool_size(engine.plan, 8), 17, "one user, eight shards of two kinds");
    engine_end(&engine);
}

Test(touch, wants_for_a_label_what_labels_change_and_for_a_reversal_what_sums_change)
{
    struct engine engine = engine_from(SCHEMA);
    struct hec_event label = verdict(HEC_LABEL, "l", T0);
    struct hec_event reversal = verdict(HEC_REVERSAL, "r", T0);
    hec_plan_want(engine.plan, engine.entities, &label, 0, &engine.touched, engine.pool);
    cr_expect_not_null(hec_touched_own(&engine.touched, HEC_TERMINAL));
    cr_expect_null(hec_touched_own(&engine.touched, HEC_MERCHANT));
    hec_plan_want(engine.plan, engine.entities, &reversal, 0, &engine.touched, engine.pool);
    cr_expect_not_null(hec_touched_own(&engine.touched, HEC_MERCHANT));
    engine_end(&engine);
}

Test(touch, wants_for_a_forget_the_one_that_it_names)
{
    struct engine engine = engine_from(SCHEMA);
    struct hec_event event = made(HEC_FORGET, "f", T0, "u");
    made_text(&event, HEC_F_FORGET_KIND, "terminal");
    made_text(&event, HEC_F_FORGET_TOKEN, "t");
    cr_expect_eq(
        hec_plan_want(engine.plan, engine.entities, &event, 0, &engine.touched, engine.pool), 1);
    cr_expect_not_null(hec_touched_own(&engine.touched, HEC_TERMINAL));
    made_text(&event, HEC_F_FORGET_KIND, "device");
    cr_expect_eq(
        hec_plan_want(engine.plan, engine.entities, &event, 0, &engine.touched, engine.pool), 0);
    engine_end(&engine);
}

Test(touch, wants_all_shards_to_read_and_one_to_change)
{
    struct engine engine = engine_from(SCHEMA);
    struct hec_entity *pool[32];
    bool owned[4] = { true, true, false, false };
    struct hec_event event = full_payment("e", T0);
    struct hec_event label = verdict(HEC_LABEL, "l", T0);
    hec_entities_set_partitions(engine.entities, 4, owned);
    cr_expect_eq(hec_plan_want(engine.plan, engine.entities, &event, 1, &engine.touched, pool), 9);
    cr_expect_eq(engine.touched.shards_count[HEC_TERMINAL], 4);
    cr_expect_eq(hec_entity_id(hec_touched_own(&engine.touched, HEC_TERMINAL)).partition, 1);
    cr_expect(engine.touched.missing);
    for (int i = 0; i < 9; i++) {
        if (hec_entity_is_missing(pool[i])) {
            cr_expect(hec_touched_refresh(&engine.touched));
            hec_entities_absent(engine.entities, pool[i]);
        }
    }
    cr_expect_not(hec_touched_refresh(&engine.touched));
    cr_expect_eq(hec_plan_want(engine.plan, engine.entities, &label, 1, &engine.touched, pool), 2);
    cr_expect_eq(hec_entity_id(hec_touched_own(&engine.touched, HEC_TERMINAL)).partition, 1);
    for (int stage = 0; stage < HEC_PREFETCH_STAGES; stage++) {
        hec_plan_prefetch(engine.plan, engine.entities, &event, 1, stage);
    }
    engine_end(&engine);
}

Test(touch, calls_late_what_is_older_than_the_limit_and_not_what_is_just_within)
{
    struct engine engine = engine_from(SCHEMA);
    struct hec_event newest = full_payment("e1", T0);
    struct hec_event within = full_payment("e2", T0 - 60000);
    struct hec_event late = full_payment("e3", T0 - 60001);
    cr_expect_eq(step(&engine, &newest, 0), HEC_APPLIED);
    cr_expect_eq(step(&engine, &within, 1), HEC_APPLIED);
    char before[33];
    strcpy(before, print_of(&engine, 0));
    cr_expect_eq(step(&engine, &late, 2), HEC_TOO_LATE);
    cr_expect_str_eq(print_of(&engine, 0), before);
    struct hec_event other = late;
    made_text(&other, HEC_F_USER_TOKEN, "v");
    cr_expect_eq(step(&engine, &other, 3), HEC_APPLIED, "late is a matter of one's own time");
    engine_end(&engine);
}

Test(touch, calls_a_repeated_id_of_the_same_user_a_duplicate_within_the_window)
{
    struct engine engine = engine_from(SCHEMA);
    struct hec_event event = full_payment("e1", T0);
    struct hec_event again = full_payment("e1", T0 + 100 * SECOND);
    struct hec_event beyond = full_payment("e1", T0 + 201 * SECOND);
    struct hec_event other = again;
    made_text(&other, HEC_F_USER_TOKEN, "v");
    cr_expect_eq(step(&engine, &event, 0), HEC_APPLIED);
    cr_expect_eq(step(&engine, &again, 1), HEC_DUPLICATE);
    cr_expect_eq(step(&engine, &other, 2), HEC_APPLIED);
    cr_expect_eq(step(&engine, &beyond, 3), HEC_APPLIED);
    engine_end(&engine);
}

Test(touch, knows_an_offset_that_was_applied)
{
    struct engine engine = engine_from(SCHEMA);
    struct hec_event event = full_payment("e1", T0);
    struct hec_event next = full_payment("e2", T0);
    cr_expect_eq(step(&engine, &event, 10), HEC_APPLIED);
    cr_expect_eq(step(&engine, &next, 10), HEC_APPLIED_BEFORE);
    cr_expect_eq(step(&engine, &next, 9), HEC_APPLIED_BEFORE);
    cr_expect_eq(step(&engine, &next, 11), HEC_APPLIED);
    engine_end(&engine);
}

Test(touch, calls_a_verdict_unlinked_that_no_record_can_place)
{
    struct engine engine = engine_from(SCHEMA);
    struct hec_event unknown = verdict(HEC_LABEL, "l1", T0);
    cr_expect_eq(step(&engine, &unknown, 0), HEC_UNLINKED);
    struct hec_event event = full_payment("e", T0);
    cr_expect_eq(step(&engine, &event, 1), HEC_APPLIED);
    struct hec_event ahead = verdict(HEC_LABEL, "l2", T0 + 1);
    cr_expect_eq(step(&engine, &ahead, 2), HEC_UNLINKED, "its time was never seen");
    struct hec_event right = verdict(HEC_LABEL, "l3", T0);
    cr_expect_eq(step(&engine, &right, 3), HEC_APPLIED);
    /* 24 tiles of an hour and one for late ones. */
    struct hec_event just = verdict(HEC_LABEL, "l4", T0 - 25 * HOUR + 1);
    cr_expect_eq(step(&engine, &just, 4), HEC_APPLIED);
    struct hec_event old = verdict(HEC_LABEL, "l5", T0 - 25 * HOUR);
    cr_expect_eq(step(&engine, &old, 5), HEC_UNLINKED);
    engine_end(&engine);
}

Test(touch, knows_entities_by_keyed_tokens_when_there_is_a_key)
{
    struct engine plain = engine_of(schema_of_file("conf/features.conf"));
    struct engine keyed = engine_of(schema_of_file("conf/features.conf"));
    struct hec_keyer *keyer;
    cr_assert_eq(hec_keyer_new(&keyer, "a key of some length", 20), HEC_OK);
    hec_entities_set_keyer(keyed.entities, keyer);
    struct stream *stream = stream_new(41, 600000);
    stream->forgets = true;
    for (int n = 0; n < 1500; n++) {
        const struct hec_event *event = stream_next(stream);
        cr_assert_eq(step(&keyed, event, n), step(&plain, event, n), "event %d", n);
        if (hec_event_is_scored(event->type)) {
            size_t row = (size_t)hec_plan_numerics(plain.plan) * sizeof(float);
            cr_assert_arr_eq(keyed.numerics, plain.numerics, row, "the row of event %d", n);
        }
        const struct hec_text *user = &event->value[HEC_F_USER_TOKEN].text;
        if (hec_event_has(event, HEC_F_USER_TOKEN)) {
            cr_assert_null(hec_entities_find(keyed.entities, 0, HEC_USER, user));
        }
    }
    /* The same number of entities, each under 32 hex digits. */
    struct hec_entities_stats a, b;
    hec_entities_stats(plain.entities, &a);
    hec_entities_stats(keyed.entities, &b);
    cr_expect_arr_eq(a.entries, b.entries, sizeof(a.entries));
    struct hec_image image;
    cr_assert_eq(hec_entities_cut(keyed.entities, 0, &image), HEC_OK);
    cr_assert_gt(image.count, 10u);
    for (size_t i = 0; i < image.count; i++) {
        const struct hec_text *token = &image.records[i].id.token;
        cr_assert_eq(token->length, HEC_KEYED_TOKEN_BYTES);
        cr_assert_eq(strspn(token->bytes, "0123456789abcdef") >= HEC_KEYED_TOKEN_BYTES, true);
    }
    hec_entities_discard(keyed.entities, 0);
    stream_free(stream);
    engine_end(&plain);
    engine_end(&keyed);
    hec_keyer_free(keyer);
}

Test(touch, tells_what_a_record_says_of_itself)
{
    struct engine engine = engine_from(SCHEMA);
    struct hec_event last = full_payment("last", T0);
    uint32_t event_s[HEC_ENTITY_RECENT_MAX];
    struct hec_entity_facts facts;
    for (int n = 0; n < 40; n++) {
        char id[16];
        snprintf(id, sizeof(id), "e%d", n);
        struct hec_event event = full_payment(id, T0 + n * MINUTE);
        cr_assert_eq(step(&engine, &event, 100 + n), HEC_APPLIED);
    }
    struct hec_entity *entity =
        hec_entities_find(engine.entities, 0, HEC_USER, &last.value[HEC_F_USER_TOKEN].text);
    cr_assert(hec_entity_facts(entity, &facts));
    cr_expect_eq(facts.first_ms, T0);
    cr_expect_eq(facts.newest_ms, T0 + 39 * MINUTE);
    cr_expect_eq(facts.last_off, 139);
    cr_expect_gt(facts.bytes, 100u);
    cr_assert_eq(hec_entity_recent(engine.plan, entity, event_s), HEC_ENTITY_RECENT_MAX);
    for (int i = 0; i < HEC_ENTITY_RECENT_MAX; i++) {
        cr_expect_eq(event_s[i], (uint32_t)((T0 + (8 + i) * MINUTE) / 1000));
    }
    entity =
        hec_entities_find(engine.entities, 0, HEC_TERMINAL, &last.value[HEC_F_TERMINAL_ID].text);
    cr_expect_eq(hec_entity_recent(engine.plan, entity, event_s), 0, "only users remember ids");
    engine_end(&engine);
}

Test(touch, tells_nothing_of_who_was_never_seen)
{
    struct engine engine = engine_from(SCHEMA);
    struct hec_event first = full_payment("first", T0);
    struct hec_entity_facts facts;
    uint32_t event_s[HEC_ENTITY_RECENT_MAX];
    struct hec_entity *entity =
        hec_entities_want(engine.entities, 0, HEC_USER, &first.value[HEC_F_USER_TOKEN].text);
    cr_expect_not(hec_entity_facts(entity, &facts));
    cr_expect_eq(hec_entity_recent(engine.plan, entity, event_s), 0);
    engine_end(&engine);
}
