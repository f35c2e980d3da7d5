/* The plan as a whole: what it reads and applies, against a list that is scanned. */
#include "engine.h"
#include "oracle.h"

static bool close_enough(double a, double b, double relative)
{
    return (isnan(a) && isnan(b)) || fabs(a - b) <= relative * fmax(1, fmax(fabs(a), fabs(b)));
}

static void compare_row(const struct engine *engine, const struct oracle *oracle,
                        const struct hec_event *event, int n)
{
    for (int c = 0; c < hec_plan_numerics(engine->plan); c++) {
        int f = hec_plan_numeric_feature(engine->plan, c);
        const struct hec_feature *feature = &engine->schema->features[f];
        double want = oracle_read(oracle, event, f);
        double relative = oracle_is_estimate(oracle, event, f) ? 0.3 : 1e-5;
        bool countable = feature->aggregate == HEC_AGG_COUNT ||
                         feature->aggregate == HEC_AGG_STREAK ||
                         feature->aggregate == HEC_AGG_IS_NEW;
        relative = countable ? 0 : relative;
        cr_assert(close_enough(engine->numerics[c], want, relative),
                  "event %d, %s: %.9g instead of %.9g", n, feature->name, engine->numerics[c],
                  want);
    }
}

static void agree(const char *path, uint64_t seed, int events, int64_t step_ms_max, bool forgets)
{
    struct engine engine = engine_of(schema_of_file(path));
    struct oracle *oracle = oracle_new(engine.schema);
    struct stream *stream = stream_new(seed, step_ms_max);
    int judged[HEC_APPLIED_KINDS] = { 0 };
    stream->forgets = forgets;
    for (int n = 0; n < events; n++) {
        const struct hec_event *event = stream_next(stream);
        enum hec_applied want = oracle_judge(oracle, event);
        enum hec_applied got = step(&engine, event, n);
        cr_assert_eq(got, want, "event %d: judged %d instead of %d", n, got, want);
        judged[got]++;
        if (hec_event_is_scored(event->type)) {
            compare_row(&engine, oracle, event, n);
        }
        if (want == HEC_APPLIED) {
            oracle_apply(oracle, event);
        }
    }
    cr_expect_gt(judged[HEC_DUPLICATE], 0);
    cr_expect_gt(judged[HEC_TOO_LATE], 0);
    stream_free(stream);
    oracle_free(oracle);
    engine_end(&engine);
}

Test(plan, agrees_with_a_plain_list_on_every_default_feature_over_hours)
{
    agree("conf/features.conf", 1, 700, 60000, false);
}

Test(plan, agrees_with_a_plain_list_over_months)
{
    agree("conf/features.conf", 2, 700, 14400000, false);
}

Test(plan, agrees_with_a_plain_list_when_records_are_forgotten)
{
    agree("conf/features.conf", 3, 700, 3600000, true);
}

Test(plan, agrees_with_a_plain_list_on_the_features_of_the_handbook)
{
    agree("conf/features-handbook.conf", 4, 1500, 3600000, false);
}

Test(plan, agrees_with_a_plain_list_on_every_aggregate)
{
    agree("tests/data/features-every.conf", 5, 700, 1800000, true);
}

/* Properties over random streams. */

enum { STREAM = 3000 };

static struct stream *whole_stream(uint64_t seed)
{
    struct stream *stream = stream_new(seed, 600000);
    stream->forgets = true;
    for (int n = 0; n < STREAM; n++) {
        stream_next(stream);
    }
    return stream;
}

Test(plan, gives_the_same_state_however_the_stream_is_cut_into_batches)
{
    struct stream *stream = whole_stream(20);
    struct hec_random random = hec_random_at(21, 0);
    struct engine one = engine_of(schema_of_file("conf/features.conf"));
    for (int n = 0; n < STREAM; n++) {
        step(&one, &stream->events[n], n);
    }
    for (int way = 0; way < 3; way++) {
        struct engine batches = engine_of(schema_of_file("conf/features.conf"));
        for (int from = 0; from < STREAM;) {
            static struct hec_entity *pool[64 * HEC_KINDS];
            static struct hec_touched touched[64];
            int count = 1 + (int)hec_random_below(&random, 64);
            int used = 0;
            count = count < STREAM - from ? count : STREAM - from;
            for (int i = 0; i < count; i++) {
                used += hec_plan_want(batches.plan, batches.entities, &stream->events[from + i], 0,
                                      &touched[i], pool + used);
            }
            for (int i = 0; i < count; i++) {
                const struct hec_event *event = &stream->events[from + i];
                if (hec_plan_judge(batches.plan, event, from + i, &touched[i]) == HEC_APPLIED) {
                    cr_assert_eq(hec_plan_apply(batches.plan, batches.entities, event, from + i,
                                                &touched[i]),
                                 HEC_OK);
                }
            }
            hec_entities_unpin(batches.entities);
            from += count;
        }
        cr_expect_str_eq(print_of(&one, 0), print_of(&batches, 0));
        engine_end(&batches);
    }
    engine_end(&one);
    stream_free(stream);
}

/* Stores every dirty record now and then and goes on in a new table that knows only the store. */
Test(plan, gives_the_same_state_after_any_number_of_restarts)
{
    enum { STORED_MAX = 400 };
    static struct {
        struct hec_entity_id id;
        char token[16];
        uint8_t bytes[16384];
        size_t length;
    } store[STORED_MAX];
    int stored = 0;
    struct stream *stream = whole_stream(22);
    struct hec_random random = hec_random_at(23, 0);
    struct engine one = engine_of(schema_of_file("conf/features.conf"));
    struct engine other = engine_of(schema_of_file("conf/features.conf"));
    for (int n = 0; n < STREAM; n++) {
        step(&one, &stream->events[n], n);
        step(&other, &stream->events[n], n);
        if (hec_random_below(&random, 100) != 0 && n != STREAM - 1) {
            continue;
        }
        struct hec_image image;
        cr_assert_eq(hec_entities_cut(other.entities, 0, &image), HEC_OK);
        for (size_t i = 0; i < image.count; i++) {
            const struct hec_image_record *record = &image.records[i];
            int at = 0;
            while (at < stored && !(store[at].id.kind == record->id.kind &&
                                    store[at].id.token.length == record->id.token.length &&
                                    memcmp(store[at].token, record->id.token.bytes,
                                           record->id.token.length) == 0)) {
                at++;
            }
            cr_assert_lt(at, STORED_MAX);
            stored += at == stored;
            store[at].id = record->id;
            memcpy(store[at].token, record->id.token.bytes, record->id.token.length);
            store[at].id.token.bytes = store[at].token;
            store[at].length = record->length;
            cr_assert_leq(record->length, sizeof(store[at].bytes));
            memcpy(store[at].bytes, record->length > 0 ? record->bytes : "", record->length);
        }
        hec_entities_kept(other.entities, 0);
        engine_end(&other);
        other = engine_of(schema_of_file("conf/features.conf"));
        hec_entities_set_complete(other.entities, 0, false);
        for (int at = 0; at < stored; at++) {
            struct hec_entity *entity =
                hec_entities_want(other.entities, 0, store[at].id.kind, &store[at].id.token);
            if (store[at].length == 0) {
                hec_entities_absent(other.entities, entity);
            } else {
                cr_assert_eq(
                    hec_entities_adopt(other.entities, entity, store[at].bytes, store[at].length),
                    HEC_OK);
            }
        }
        hec_entities_set_complete(other.entities, 0, true);
        hec_entities_unpin(other.entities);
        cr_assert_str_eq(print_of(&one, 0), print_of(&other, 0), "after event %d", n);
    }
    engine_end(&one);
    engine_end(&other);
    stream_free(stream);
}

Test(plan, never_lets_an_event_see_itself_or_a_later_one)
{
    struct stream *stream = whole_stream(24);
    struct engine one = engine_of(schema_of_file("conf/features.conf"));
    struct engine other = engine_of(schema_of_file("conf/features.conf"));
    const int cut = 900;
    for (int n = 0; n <= cut; n++) {
        step(&one, &stream->events[n], n);
        if (n == cut) {
            break;
        }
        step(&other, &stream->events[n], n);
    }
    /* The row of event `cut` was read before it was applied; what is read again without ever
     * applying it must be the same to the bit, and everything after it changes nothing of it. */
    struct hec_event event = stream->events[cut];
    while (!hec_event_is_scored(event.type)) {
        event = stream->events[cut - 20];
    }
    float before[HEC_FEATURES_MAX];
    hec_plan_want(other.plan, other.entities, &event, 0, &other.touched, other.pool);
    hec_plan_read(other.plan, &event, &other.touched, before, other.categories);
    hec_plan_read(other.plan, &event, &other.touched, other.numerics, other.categories);
    cr_expect_eq(
        memcmp(before, other.numerics, (size_t)hec_plan_numerics(other.plan) * sizeof(float)), 0,
        "reading changes nothing");
    if (hec_event_is_scored(stream->events[cut].type)) {
        cr_expect_eq(
            memcmp(before, one.numerics, (size_t)hec_plan_numerics(one.plan) * sizeof(float)), 0,
            "an event does not see itself");
    }
    engine_end(&one);
    engine_end(&other);
    stream_free(stream);
}

Test(plan, does_nothing_when_the_same_offsets_come_again)
{
    struct stream *stream = whole_stream(25);
    struct engine engine = engine_of(schema_of_file("conf/features.conf"));
    bool was_applied[STREAM];
    for (int n = 0; n < STREAM; n++) {
        was_applied[n] = step(&engine, &stream->events[n], n) == HEC_APPLIED;
    }
    char before[33];
    strcpy(before, print_of(&engine, 0));
    for (int n = 0; n < STREAM; n++) {
        const struct hec_event *event = &stream->events[n];
        hec_plan_want(engine.plan, engine.entities, event, 0, &engine.touched, engine.pool);
        if (was_applied[n]) {
            cr_assert_eq(hec_plan_apply(engine.plan, engine.entities, event, n, &engine.touched),
                         HEC_OK);
        }
        hec_entities_unpin(engine.entities);
    }
    cr_expect_str_eq(before, print_of(&engine, 0));
    stream_free(stream);
    engine_end(&engine);
}

/* One partition that sees all against three that see a third of the people each. Times are in
 * order and nothing is forgotten, so that the shards together must come to the same numbers. */
Test(plan, merges_shards_to_what_a_single_stream_would_know)
{
    enum { PARTITIONS = 3, N = 2500 };
    struct engine one = engine_of(schema_of_file("conf/features.conf"));
    struct engine three = engine_of(schema_of_file("conf/features.conf"));
    struct stream *stream = stream_new(26, 300000);
    bool owned[PARTITIONS] = { true, true, true };
    stream->late_per_mille = 0;
    hec_entities_set_partitions(three.entities, PARTITIONS, owned);
    for (int p = 0; p < PARTITIONS; p++) {
        hec_entities_set_complete(three.entities, p, true);
    }
    for (int n = 0; n < N; n++) {
        const struct hec_event *event = stream_next(stream);
        int32_t partition = event->value[HEC_F_USER_TOKEN].text.bytes[1] % PARTITIONS;
        enum hec_applied judged = step(&one, event, n);
        struct hec_entity *pool[HEC_KINDS * PARTITIONS];
        struct hec_touched touched;
        int used = hec_plan_want(three.plan, three.entities, event, partition, &touched, pool);
        cr_assert_leq(used, hec_plan_pool_size(three.plan, PARTITIONS));
        if (hec_event_is_scored(event->type) && judged == HEC_APPLIED) {
            hec_plan_read(three.plan, event, &touched, three.numerics, three.categories);
            for (int c = 0; c < hec_plan_numerics(one.plan); c++) {
                int f = hec_plan_numeric_feature(one.plan, c);
                cr_assert(close_enough(one.numerics[c], three.numerics[c], 0),
                          "event %d, %s: %g, shards %g", n, one.schema->features[f].name,
                          one.numerics[c], three.numerics[c]);
            }
        }
        if (judged == HEC_APPLIED) {
            cr_assert_eq(hec_plan_apply(three.plan, three.entities, event, n, &touched), HEC_OK);
        }
        hec_entities_unpin(three.entities);
    }
    stream_free(stream);
    engine_end(&one);
    engine_end(&three);
}

Test(plan, refuses_more_tiles_than_a_record_holds)
{
    struct hec_schema *schema =
        schema_of("feature a { aggregate = count entity = user window = 5m delay = 300d }");
    struct hec_plan *plan = NULL;
    struct hec_error error = { 0 };
    cr_expect_eq(hec_plan_new(&plan, schema, &error), HEC_INVALID);
    cr_expect_not_null(strstr(error.text, "shorter delay"), "%s", error.text);
    free(schema);
}
