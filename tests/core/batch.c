/* The batch: every record ends in one outcome, refusals cost themselves alone, an event never sees
 * itself, and how the stream is cut into batches does not matter. */
#include "hecate/batch.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hecate/random.h"
#include "schema.h"

#define T0 1735689600000 /* 2025-01-01 */

static const struct hec_decode_limits LIMITS = { 65536, 60000 };

struct world {
    struct hec_plan *plan;
    struct hec_entities *entities;
    struct hec_batch *batch;
};

static struct world world_of(int rows_max)
{
    struct world world = { .plan = plan_of_file("conf/features.conf") };
    bool owned[] = { true };
    cr_assert_eq(hec_entities_new(&world.entities, world.plan, 1u << 28), HEC_OK);
    hec_entities_set_partitions(world.entities, 1, owned);
    hec_entities_set_complete(world.entities, 0, true);
    cr_assert_eq(hec_batch_new(&world.batch, world.plan, &LIMITS, 1, rows_max), HEC_OK);
    return world;
}

static void end(struct world *world)
{
    hec_batch_free(world->batch);
    hec_entities_free(world->entities);
    hec_plan_free(world->plan);
}

static const char *payment(int id, int user, int64_t event_ms, int amount_minor)
{
    static char text[512];
    snprintf(text, sizeof(text),
             "{\"event_id\":\"e%d\",\"event_type\":\"card_auth\",\"schema_version\":1,"
             "\"event_time_ms\":%lld,\"user_token\":\"u%d\",\"card_token\":\"c%d\","
             "\"terminal_id\":\"t%d\",\"amount_minor\":%d,\"currency\":\"EUR\"}",
             id, (long long)event_ms, user, user, user % 3, amount_minor);
    return text;
}

static struct hec_row *add(struct world *world, const char *value, const char *key, int64_t offset)
{
    struct hec_row *row = hec_batch_add(world->batch, value, strlen(value), key,
                                        key == NULL ? 0 : strlen(key), 0, offset, -1);
    cr_assert_not_null(row);
    return row;
}

static void through(struct world *world)
{
    cr_assert_eq(hec_batch_want(world->batch, world->entities), HEC_OK);
    cr_assert_eq(hec_batch_read(world->batch, world->entities), HEC_OK);
    hec_entities_unpin(world->entities);
}

static int column_named(const struct world *world, const char *name)
{
    for (int c = 0; c < hec_plan_numerics(world->plan); c++) {
        int feature = hec_plan_numeric_feature(world->plan, c);
        if (strcmp(hec_plan_schema(world->plan)->features[feature].name, name) == 0) {
            return c;
        }
    }
    cr_assert_fail("no column %s", name);
    return -1;
}

static float cell(const struct world *world, int scored, const char *name)
{
    return world->batch
        ->numerics[scored * hec_plan_numerics(world->plan) + column_named(world, name)];
}

Test(batch, gives_each_refused_record_its_status_and_leaves_the_others_alone)
{
    struct world world = world_of(8);
    struct hec_row *good = add(&world, payment(1, 1, T0, 500), "u1", 0);
    struct hec_row *bad = add(&world, "{\"event_id\":", "u1", 1);
    struct hec_row *after = add(&world, payment(2, 1, T0 + 1000, 700), "u1", 2);
    through(&world);
    cr_expect_eq(good->outcome, HEC_OUT_SCORED);
    cr_expect_eq(bad->status, HEC_NOT_JSON);
    cr_expect_eq(bad->outcome, HEC_OUT_REFUSED);
    cr_expect_eq(bad->scored, -1);
    cr_expect_eq(after->outcome, HEC_OUT_SCORED);
    cr_expect_eq(world.batch->scored_count, 2);
    cr_expect_eq(cell(&world, after->scored, "user_count_1d"), 1.0f);
    end(&world);
}

Test(batch, refuses_a_key_that_is_not_the_user_but_not_for_a_forget)
{
    struct world world = world_of(8);
    cr_expect_eq(add(&world, payment(1, 1, T0, 500), "u2", 0)->status, HEC_KEY_MISMATCH);
    cr_expect_eq(add(&world, payment(1, 1, T0, 500), "", 1)->status, HEC_KEY_MISMATCH);
    cr_expect_eq(add(&world, payment(1, 1, T0, 500), NULL, 2)->status, HEC_OK);
    cr_expect_eq(add(&world, payment(1, 1, T0, 500), "u1", 3)->status, HEC_OK);
    const char *forget = "{\"event_id\":\"f1\",\"event_type\":\"forget\",\"schema_version\":1,"
                         "\"event_time_ms\":1735689600000,\"kind\":\"device\",\"token\":\"d1\"}";
    cr_expect_eq(add(&world, forget, "anything", 4)->status, HEC_OK);
    end(&world);
}

Test(batch, refuses_a_card_number_in_the_key_whatever_the_value_says)
{
    struct world world = world_of(4);
    cr_expect_eq(add(&world, payment(1, 1, T0, 500), "4111111111111111", 0)->status,
                 HEC_CARD_NUMBER);
    cr_expect_eq(add(&world, "nonsense", "4111111111111111", 1)->status, HEC_CARD_NUMBER);
    end(&world);
}

Test(batch, an_event_never_sees_itself_but_its_predecessors_in_the_batch)
{
    struct world world = world_of(4);
    add(&world, payment(1, 1, T0, 1000), "u1", 0);
    add(&world, payment(2, 1, T0 + 10, 3000), "u1", 1);
    add(&world, payment(3, 1, T0 + 20, 9000), "u1", 2);
    through(&world);
    cr_expect_eq(cell(&world, 0, "user_count_1d"), 0.0f);
    cr_expect_eq(cell(&world, 1, "user_count_1d"), 1.0f);
    cr_expect_eq(cell(&world, 2, "user_count_1d"), 2.0f);
    cr_expect_float_eq(cell(&world, 2, "user_mean_amount_1d"), 20.0f, 1e-6);
    end(&world);
}

Test(batch, passes_a_repeated_event_by_without_touching_state)
{
    struct world world = world_of(4);
    add(&world, payment(1, 1, T0, 1000), "u1", 0);
    struct hec_row *again = add(&world, payment(1, 1, T0, 1000), "u1", 1);
    struct hec_row *next = add(&world, payment(2, 1, T0 + 5, 1000), "u1", 2);
    through(&world);
    cr_expect_eq(again->outcome, HEC_OUT_DUPLICATE);
    cr_expect_eq(again->scored, -1);
    cr_expect_eq(cell(&world, next->scored, "user_count_1d"), 1.0f);
    end(&world);
}

Test(batch, passes_by_what_is_part_of_the_state_already)
{
    struct world world = world_of(4);
    add(&world, payment(1, 1, T0, 1000), "u1", 7);
    through(&world);
    hec_batch_reset(world.batch);
    struct hec_row *again = add(&world, payment(9, 1, T0 + 1, 1000), "u1", 7);
    through(&world);
    cr_expect_eq(again->outcome, HEC_OUT_BEFORE);
    end(&world);
}

Test(batch, scores_a_late_event_and_leaves_the_state_as_it_was)
{
    struct world world = world_of(4);
    char before[33], after[33];
    add(&world, payment(1, 1, T0 + 3600000, 1000), "u1", 0);
    through(&world);
    hec_entities_fingerprint(world.entities, 0, before);
    hec_batch_reset(world.batch);
    struct hec_row *late = add(&world, payment(2, 1, T0, 1000), "u1", 1);
    through(&world);
    hec_entities_fingerprint(world.entities, 0, after);
    cr_expect_eq(late->outcome, HEC_OUT_SCORED_LATE);
    cr_expect_eq(late->scored, 0);
    cr_expect_str_eq(before, after);
    end(&world);
}

/* Three ways through the same stream: rows of one, of 64, and silently. */
Test(batch, cutting_and_silence_do_not_change_the_state)
{
    enum { EVENTS = 600 };
    char prints[3][33];
    for (int way = 0; way < 3; way++) {
        int rows_max = way == 0 ? 1 : 64;
        struct world world = world_of(rows_max);
        for (int i = 0; i < EVENTS; i++) {
            struct hec_row *row =
                add(&world, payment(i % 590, i % 7, T0 + i * 40000, 100 + i), NULL, i);
            row->silent = way == 2;
            if (world.batch->rows_count == rows_max || i == EVENTS - 1) {
                through(&world);
                cr_assert(way != 2 || world.batch->scored_count == 0);
                hec_batch_reset(world.batch);
            }
        }
        hec_entities_fingerprint(world.entities, 0, prints[way]);
        end(&world);
    }
    cr_expect_str_eq(prints[0], prints[1]);
    cr_expect_str_eq(prints[0], prints[2]);
}

/* Large values force new text blocks; the texts of earlier rows must stay where they are. */
Test(batch, keeps_earlier_texts_when_it_needs_more_room)
{
    enum { ROWS = 32, PAD = 40000 };
    struct world world = world_of(ROWS);
    char *value = malloc(PAD + 600);
    for (int round = 0; round < 2; round++) {
        hec_batch_reset(world.batch);
        for (int i = 0; i < ROWS; i++) {
            strcpy(value, payment(i, i, T0 + i, 100));
            size_t length = strlen(value) - 1;
            memcpy(value + length, ",\"note\":\"", 9);
            memset(value + length + 9, 'x', PAD);
            strcpy(value + length + 9 + PAD, "\"}");
            cr_assert_eq(add(&world, value, NULL, i)->status, HEC_OK);
        }
        for (int i = 0; i < ROWS; i++) {
            char expected[16];
            int length = snprintf(expected, sizeof(expected), "u%d", i);
            const struct hec_text *user = &world.batch->rows[i].event.value[HEC_F_USER_TOKEN].text;
            cr_assert_eq(user->length, (uint32_t)length);
            cr_assert_arr_eq(user->bytes, expected, (size_t)length);
        }
    }
    free(value);
    end(&world);
}

Test(batch, asks_for_each_missing_state_once_and_tells_rows_without_it)
{
    struct world world = world_of(8);
    hec_entities_set_complete(world.entities, 0, false);
    add(&world, payment(1, 1, T0, 100), "u1", 0);
    add(&world, payment(2, 1, T0 + 1, 100), "u1", 1);
    cr_assert_eq(hec_batch_want(world.batch, world.entities), HEC_OK);
    for (int i = 0; i < world.batch->missing_count; i++) {
        for (int j = 0; j < i; j++) {
            cr_assert_neq(world.batch->missing[i], world.batch->missing[j]);
        }
    }
    cr_assert(world.batch->missing_count >= 3); /* user, card, terminal */
    cr_assert_eq(hec_batch_read(world.batch, world.entities), HEC_OK);
    cr_expect(world.batch->rows[0].degraded);
    hec_entities_unpin(world.entities);
    end(&world);
}

Test(batch, every_outcome_has_a_name_of_its_own)
{
    for (int i = 0; i < HEC_OUTCOMES; i++) {
        for (int j = 0; j < i; j++) {
            cr_assert_str_neq(hec_outcome_name(i), hec_outcome_name(j));
        }
    }
}
