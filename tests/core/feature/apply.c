/* Applying: verdicts, reversals and forgetting, each by hand-made cases; the random ones are in
 * plan.c. */
#include "engine.h"

static const char SCHEMA[] =
    "filter payment { events = {card_auth, transfer} }\n"
    "filter declined { events = {card_auth} where = {\"response_code != 00\"} }\n"
    "feature user_n { aggregate = count entity = user filter = payment window = 30d }\n"
    "feature user_sum { aggregate = sum entity = user filter = payment field = amount_minor window "
    "= 30d }\n"
    "feature user_dev { aggregate = deviation entity = user filter = payment field = amount_minor "
    "window = 30d }\n"
    "feature user_fraud { aggregate = label_count entity = user window = 30d }\n"
    "feature terminal_n { aggregate = count entity = terminal window = 30d }\n"
    "feature terminal_fraud { aggregate = label_count entity = terminal filter = payment window = "
    "30d }\n"
    "feature terminal_declined { aggregate = label_count entity = terminal filter = declined "
    "window = 30d }\n"
    "feature user_mcc { aggregate = distinct entity = user field = mcc window = 30d }\n"
    "feature user_since { aggregate = since entity = user filter = payment }\n";

static int64_t offset;

static struct hec_event payment(const char *id, int64_t event_ms, int64_t amount_minor)
{
    struct hec_event event = made_payment(id, event_ms, "u", "c", amount_minor);
    made_text(&event, HEC_F_TERMINAL_ID, "t");
    made_text(&event, HEC_F_RESPONSE_CODE, "00");
    made_text(&event, HEC_F_MCC, "5411");
    return event;
}

static struct hec_event label(const char *id, const struct hec_event *target, const char *verdict)
{
    struct hec_event event = *target;
    event.type = HEC_LABEL;
    made_text(&event, HEC_F_EVENT_ID, id);
    made_text(&event, HEC_F_TARGET_EVENT_ID, target->value[HEC_F_EVENT_ID].text.bytes);
    made_integer(&event, HEC_F_TARGET_EVENT_TIME_MS, hec_event_ms(target));
    made_text(&event, HEC_F_LABEL, verdict);
    return event;
}

static struct hec_event reversal(const char *id, const struct hec_event *target,
                                 int64_t amount_minor, int full)
{
    struct hec_event event = label(id, target, "unknown");
    event.type = HEC_REVERSAL;
    made_integer(&event, HEC_F_AMOUNT_MINOR, amount_minor);
    made_integer(&event, HEC_F_FULL, full);
    return event;
}

static enum hec_applied apply(struct engine *engine, const struct hec_event *event)
{
    return step(engine, event, offset++);
}

/* What a payment a second after `event_ms` would be told; it is not applied. */
static float ask(struct engine *engine, const char *name, int64_t event_ms)
{
    struct hec_event event = payment("ask", event_ms + 1000, 1);
    hec_plan_want(engine->plan, engine->entities, &event, 0, &engine->touched, engine->pool);
    hec_plan_read(engine->plan, &event, &engine->touched, engine->numerics, engine->categories);
    hec_entities_unpin(engine->entities);
    return told(engine, name);
}

Test(apply, counts_a_verdict_once_and_changes_it_with_the_next)
{
    struct engine engine = engine_from(SCHEMA);
    struct hec_event event = payment("e", T0, 100);
    static const struct {
        const char *verdict;
        float fraud;
    } CASES[] = { { "fraud", 1 },   { "fraud", 1 },   { "genuine", 0 },
                  { "genuine", 0 }, { "unknown", 0 }, { "fraud", 1 } };
    static const char *const IDS[] = { "l0", "l1", "l2", "l3", "l4", "l5" };
    apply(&engine, &event);
    cr_expect_eq(ask(&engine, "terminal_fraud", T0), 0);
    for (int i = 0; i < 6; i++) {
        struct hec_event verdict = label(IDS[i], &event, CASES[i].verdict);
        cr_expect_eq(apply(&engine, &verdict), HEC_APPLIED);
        cr_expect_eq(ask(&engine, "terminal_fraud", T0), CASES[i].fraud, "verdict %d", i);
        cr_expect_eq(ask(&engine, "user_fraud", T0), CASES[i].fraud, "verdict %d", i);
    }
    engine_end(&engine);
}

Test(apply, believes_a_label_that_names_the_one_before)
{
    struct engine engine = engine_from(SCHEMA);
    struct hec_event event = payment("e", T0, 100);
    struct hec_event verdict = label("l0", &event, "fraud");
    struct hec_event repeated = label("l1", &event, "fraud");
    struct hec_event taken_back = label("l2", &event, "genuine");
    made_text(&repeated, HEC_F_PREVIOUS_LABEL, "fraud");
    made_text(&taken_back, HEC_F_PREVIOUS_LABEL, "fraud");
    apply(&engine, &event);
    apply(&engine, &verdict);
    apply(&engine, &repeated);
    cr_expect_eq(ask(&engine, "user_fraud", T0), 1);
    apply(&engine, &taken_back);
    cr_expect_eq(ask(&engine, "user_fraud", T0), 0);
    engine_end(&engine);
}

Test(apply, puts_a_verdict_into_the_tile_of_its_target)
{
    struct engine engine = engine_from(SCHEMA);
    struct hec_event early = payment("e1", T0, 100);
    struct hec_event late = payment("e2", T0 + 20 * DAY, 100);
    struct hec_event verdict = label("l", &early, "fraud");
    apply(&engine, &early);
    apply(&engine, &late);
    made_integer(&verdict, HEC_F_EVENT_TIME_MS, T0 + 20 * DAY);
    apply(&engine, &verdict);
    cr_expect_eq(ask(&engine, "user_fraud", T0 + 29 * DAY), 1);
    cr_expect_eq(ask(&engine, "user_fraud", T0 + 30 * DAY), 0);
    engine_end(&engine);
}

Test(apply, weighs_the_filter_of_a_label_by_what_the_label_carries)
{
    struct engine engine = engine_from(SCHEMA);
    struct hec_event event = payment("e", T0, 100);
    made_text(&event, HEC_F_RESPONSE_CODE, "05");
    struct hec_event verdict = label("l", &event, "fraud");
    apply(&engine, &event);
    apply(&engine, &verdict);
    cr_expect_eq(ask(&engine, "terminal_declined", T0), 1);
    struct hec_event second = payment("e2", T0, 100);
    struct hec_event other = label("l2", &second, "fraud");
    apply(&engine, &second);
    apply(&engine, &other);
    cr_expect_eq(ask(&engine, "terminal_declined", T0), 1);
    cr_expect_eq(ask(&engine, "terminal_fraud", T0), 2);
    engine_end(&engine);
}

Test(apply, leaves_a_record_alone_that_saw_nothing_of_the_target)
{
    struct engine engine = engine_from(SCHEMA);
    struct hec_event event = payment("e", T0, 100);
    struct hec_event verdict = label("l", &event, "fraud");
    made_text(&verdict, HEC_F_TERMINAL_ID, "another");
    apply(&engine, &event);
    apply(&engine, &verdict);
    cr_expect_eq(ask(&engine, "terminal_fraud", T0), 0);
    cr_expect_eq(ask(&engine, "user_fraud", T0), 1);
    struct hec_text token = hec_text_of("another");
    struct hec_entities_stats stats;
    hec_entities_stats(engine.entities, &stats);
    cr_expect_eq(stats.records, 2u, "user and terminal, no record for a terminal unseen");
    cr_expect_not_null(hec_entities_find(engine.entities, 0, HEC_TERMINAL, &token));
    engine_end(&engine);
}

Test(apply, undoes_a_payment_in_full)
{
    struct engine engine = engine_from(SCHEMA);
    struct hec_event kept = payment("e1", T0, 5000);
    struct hec_event second = payment("e2", T0, 7000);
    struct hec_event undone = payment("e3", T0, 90000);
    struct hec_event undo = reversal("r", &undone, 90000, 1);
    apply(&engine, &kept);
    apply(&engine, &second);
    apply(&engine, &undone);
    cr_expect_eq(ask(&engine, "user_n", T0), 3);
    apply(&engine, &undo);
    cr_expect_eq(ask(&engine, "user_n", T0), 2);
    cr_expect_eq(ask(&engine, "user_sum", T0), 120);
    cr_expect_eq(ask(&engine, "user_dev", T0), 10, "the square is gone, too");
    cr_expect_eq(ask(&engine, "terminal_n", T0), 2);
    cr_expect_eq(ask(&engine, "user_mcc", T0), 1, "a distinct value stays");
    cr_expect_eq(ask(&engine, "user_since", T0), 1, "and so does when it was");
    engine_end(&engine);
}

Test(apply, undoes_a_part_of_the_amount_only)
{
    struct engine engine = engine_from(SCHEMA);
    struct hec_event event = payment("e1", T0, 5000);
    struct hec_event undo = reversal("r", &event, 2000, 0);
    apply(&engine, &event);
    apply(&engine, &undo);
    cr_expect_eq(ask(&engine, "user_n", T0), 1);
    cr_expect_eq(ask(&engine, "user_sum", T0), 30);
    engine_end(&engine);
}

Test(apply, tells_no_less_than_nothing)
{
    struct engine engine = engine_from(SCHEMA);
    struct hec_event event = payment("e1", T0, 1000);
    struct hec_event more = reversal("r1", &event, 5000, 1);
    struct hec_event again = reversal("r2", &event, 5000, 1);
    apply(&engine, &event);
    apply(&engine, &more);
    apply(&engine, &again);
    cr_expect_eq(ask(&engine, "user_n", T0), 0);
    cr_expect_eq(ask(&engine, "user_sum", T0), 0);
    struct hec_event next = payment("e2", T0, 9000);
    apply(&engine, &next);
    cr_expect_eq(ask(&engine, "user_sum", T0), 0, "what was taken away too much is remembered");
    engine_end(&engine);
}

static struct hec_event forget(const char *id, const char *kind, const char *token)
{
    struct hec_event event = made(HEC_FORGET, id, T0, "u");
    made_text(&event, HEC_F_FORGET_KIND, kind);
    made_text(&event, HEC_F_FORGET_TOKEN, token);
    return event;
}

Test(apply, forgets_one_record_and_begins_it_anew)
{
    struct engine engine = engine_from(SCHEMA);
    struct hec_event event = payment("e1", T0, 1000);
    struct hec_event gone = forget("f", "user", "u");
    apply(&engine, &event);
    cr_expect_eq(apply(&engine, &gone), HEC_APPLIED);
    cr_expect_eq(ask(&engine, "user_n", T0), 0);
    cr_expect(isnan(ask(&engine, "user_since", T0)));
    cr_expect_eq(ask(&engine, "terminal_n", T0), 1);
    cr_expect_eq(apply(&engine, &event), HEC_APPLIED, "its ids are forgotten, too");
    cr_expect_eq(ask(&engine, "user_n", T0), 1);
    engine_end(&engine);
}

Test(apply, does_nothing_to_forget_what_was_never_seen)
{
    struct engine engine = engine_from(SCHEMA);
    struct hec_event gone = forget("f", "user", "nobody");
    cr_expect_eq(apply(&engine, &gone), HEC_APPLIED);
    cr_expect_eq(hec_entities_dirty(engine.entities, 0), 0u);
    engine_end(&engine);
}

Test(apply, does_not_forget_twice)
{
    struct engine engine = engine_from(SCHEMA);
    struct hec_event event = payment("e1", T0, 1000);
    struct hec_event gone = forget("f", "user", "u");
    step(&engine, &event, 1);
    step(&engine, &gone, 2);
    step(&engine, &event, 3);
    cr_expect_eq(step(&engine, &gone, 2), HEC_APPLIED_BEFORE);
    cr_expect_eq(ask(&engine, "user_n", T0), 1);
    engine_end(&engine);
}

Test(apply, keeps_a_card_seen_five_times_small)
{
    struct engine engine = engine_of(schema_of_file("conf/features.conf"));
    hec_entities_set_complete(engine.entities, 0, true);
    static const char *const IDS[] = { "e0", "e1", "e2", "e3", "e4" };
    for (int i = 0; i < 5; i++) {
        struct hec_event event = payment(IDS[i], T0 + i * 3 * DAY, 1000 * i);
        made_text(&event, HEC_F_MERCHANT_ID, "m");
        apply(&engine, &event);
    }
    struct hec_image image;
    cr_assert_eq(hec_entities_cut(engine.entities, 0, &image), HEC_OK);
    for (size_t i = 0; i < image.count; i++) {
        if (image.records[i].id.kind == HEC_CARD) {
            /* 584 with the 30 card features that ship; live tiles only. */
            cr_expect_leq(image.records[i].length, 640u, "%zu", image.records[i].length);
        }
    }
    engine_end(&engine);
}

Test(apply, leaves_extremes_alone_when_a_part_is_reversed)
{
    struct engine engine = engine_from(
        "feature least { aggregate = min entity = user field = amount_minor window = 1d }\n"
        "feature most { aggregate = max entity = user field = amount_minor window = 1d }\n");
    struct hec_event event = payment("e", T0, 5000);
    struct hec_event undo = reversal("r", &event, 100, 0);
    cr_expect(isnan(ask(&engine, "least", T0)));
    apply(&engine, &event);
    cr_expect_eq(apply(&engine, &undo), HEC_APPLIED);
    cr_expect_eq(ask(&engine, "least", T0), 50);
    cr_expect_eq(ask(&engine, "most", T0), 50);
    engine_end(&engine);
}
