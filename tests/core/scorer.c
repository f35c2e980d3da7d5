/* The scorer: a batch gets the scores that its rows would get alone, silent rows get none, and a
 * model of other features is refused. */
#include "hecate/scorer.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema.h"
#include "small_model.h"

#define T0 1735689600000 /* 2025-01-01 */
#define SCHEMA                                                                                     \
    "currency = EUR\n"                                                                             \
    "filter payment { events = {card_auth, transfer} }\n"                                          \
    "feature amount { aggregate = value field = amount_minor reason = \"AMT-001\" }\n"             \
    "feature count { aggregate = count entity = user filter = payment window = 1d "                \
    "reason = \"VEL-001\" }\n"                                                                     \
    "feature channel { aggregate = category field = channel reason = \"CAT-001\" }\n"

static const struct hec_decode_limits LIMITS = { 65536, 60000 };

struct world {
    struct hec_plan *plan;
    struct hec_model *model;
    struct hec_entities *entities;
    struct hec_batch *batch;
    struct hec_scorer *scorer;
};

/* A model that learned that large amounts are fraud; what it learned does not matter here. */
static struct hec_model *model_of(const struct hec_plan *plan)
{
    const struct small_model wanted = {
        .schema_text = SCHEMA, .numerics = 2, .categories = 1, .epochs = 2
    };
    size_t size;
    void *bytes = small_model(&wanted, plan, &size);
    struct hec_model *model;
    struct hec_error error = { 0 };
    cr_assert_eq(hec_model_load(&model, bytes, size, hec_plan_digest(plan), &error), HEC_OK, "%s",
                 error.text);
    free(bytes);
    return model;
}

static struct world world_of(int rows_max)
{
    struct world world = { .plan = plan_of(SCHEMA) };
    bool owned[] = { true };
    struct hec_error error = { 0 };
    world.model = model_of(world.plan);
    cr_assert_eq(hec_entities_new(&world.entities, world.plan, 1u << 24), HEC_OK);
    hec_entities_set_partitions(world.entities, 1, owned);
    hec_entities_set_complete(world.entities, 0, true);
    cr_assert_eq(hec_batch_new(&world.batch, world.plan, &LIMITS, 1, rows_max), HEC_OK);
    cr_assert_eq(hec_scorer_new(&world.scorer, world.plan, world.model, rows_max, &error), HEC_OK,
                 "%s", error.text);
    return world;
}

static void end(struct world *world)
{
    hec_scorer_free(world->scorer);
    hec_batch_free(world->batch);
    hec_entities_free(world->entities);
    hec_model_free(world->model);
    hec_plan_free(world->plan);
}

static struct hec_row *add(struct world *world, int id, int user, int amount_minor)
{
    char text[512];
    int length =
        snprintf(text, sizeof(text),
                 "{\"event_id\":\"e%d\",\"event_type\":\"card_auth\",\"schema_version\":1,"
                 "\"event_time_ms\":%lld,\"user_token\":\"u%d\",\"card_token\":\"c%d\","
                 "\"channel\":\"%s\",\"amount_minor\":%d,\"currency\":\"EUR\"}",
                 id, (long long)(T0 + id), user, user, id % 2 ? "app" : "web", amount_minor);
    struct hec_row *row = hec_batch_add(world->batch, text, (size_t)length, NULL, 0, 0, id, -1);
    cr_assert_eq(row->status, HEC_OK);
    return row;
}

static void run(struct world *world)
{
    cr_assert_eq(hec_batch_want(world->batch, world->entities), HEC_OK);
    cr_assert_eq(hec_scorer_run(world->scorer, world->batch, world->entities), HEC_OK);
    hec_entities_unpin(world->entities);
}

Test(scorer, gives_a_row_the_score_that_it_gets_alone)
{
    enum { EVENTS = 40 };
    float together[EVENTS][HEC_HEADS_MAX];
    struct world world = world_of(EVENTS);
    for (int i = 0; i < EVENTS; i++) {
        add(&world, i, i % 3, 100 + 2500 * (i % 17));
    }
    run(&world);
    cr_assert_eq(world.batch->scored_count, EVENTS);
    memcpy(together, world.batch->scores, sizeof(together));
    end(&world);

    world = world_of(1);
    for (int i = 0; i < EVENTS; i++) {
        hec_batch_reset(world.batch);
        add(&world, i, i % 3, 100 + 2500 * (i % 17));
        run(&world);
        for (int head = 0; head < HEC_DEFAULT_HEADS; head++) {
            cr_assert_float_eq(world.batch->scores[head], together[i][head], 1e-5,
                               "event %d head %d", i, head);
        }
    }
    end(&world);
}

Test(scorer, scores_a_large_amount_higher_than_a_small_one)
{
    struct world world = world_of(2);
    add(&world, 1, 1, 900);
    add(&world, 2, 2, 45000);
    run(&world);
    cr_expect(world.batch->scores[HEC_HEADS_MAX] > world.batch->scores[0]);
    end(&world);
}

Test(scorer, leaves_silent_rows_without_a_score_but_part_of_the_state)
{
    struct world world = world_of(4);
    struct hec_row *silent = add(&world, 1, 1, 900);
    silent->silent = true;
    struct hec_row *loud = add(&world, 2, 1, 900);
    run(&world);
    cr_expect_eq(silent->scored, -1);
    cr_expect_eq(silent->outcome, HEC_OUT_SCORED);
    cr_expect_eq(loud->scored, 0);
    cr_expect_eq(world.batch->scored_count, 1);
    cr_expect_eq(world.batch->numerics[1], 1.0f, "the silent payment counts");
    end(&world);
}

Test(scorer, peeks_at_an_event_as_if_it_came_next_and_leaves_no_trace)
{
    struct world world = world_of(4);
    struct hec_batch *other = NULL;
    cr_assert_eq(hec_batch_new(&other, world.plan, &LIMITS, 1, 2), HEC_OK);
    for (int i = 0; i < 60; i++) {
        struct hec_batch *main = world.batch;
        float asked[2][HEC_HEADS_MAX];
        hec_batch_reset(other);
        world.batch = other;
        add(&world, i, i % 3, 100 + 2500 * (i % 17));
        add(&world, i, i % 3, 100 + 2500 * (i % 17)); /* neither sees the other */
        cr_assert_eq(hec_batch_want(other, world.entities), HEC_OK);
        hec_scorer_peek(world.scorer, other, world.entities);
        hec_scorer_peek(world.scorer, other, world.entities);
        memcpy(asked, other->scores, sizeof(asked));
        cr_assert_eq(other->rows[1].outcome, HEC_OUT_SCORED, "a question counted as an event");
        world.batch = main;
        hec_batch_reset(main);
        struct hec_row *row = add(&world, i, i % 3, 100 + 2500 * (i % 17));
        run(&world);
        cr_assert_eq(row->outcome, HEC_OUT_SCORED);
        cr_assert_arr_eq(main->numerics, other->numerics, 2 * sizeof(float));
        for (int head = 0; head < HEC_DEFAULT_HEADS; head++) {
            cr_assert_float_eq(main->scores[head], asked[0][head], 1e-5);
            cr_assert_float_eq(main->scores[head], asked[1][head], 1e-5);
        }
        /* Now it is part of the state. */
        hec_batch_peek(other, world.entities);
        cr_assert_eq(other->rows[0].outcome, HEC_OUT_BEFORE);
    }
    hec_batch_free(other);
    end(&world);
}

Test(scorer, explains_a_row_by_contributions_that_follow_the_model)
{
    struct world world = world_of(2);
    add(&world, 1, 1, 900);
    struct hec_row *row = add(&world, 2, 2, 45000);
    run(&world);
    const float *contributions;
    hec_scorer_explain(world.scorer, world.batch, row, 0, &contributions);
    float expected[3], logit, baseline;
    struct hec_predictor *predictor;
    cr_assert_eq(hec_predictor_new(&predictor, world.model, 1), HEC_OK);
    hec_predictor_explain(predictor, world.batch->numerics + 2, world.batch->categories + 1, 0,
                          expected, &logit, &baseline);
    float sum = 0;
    for (int c = 0; c < 3; c++) {
        cr_expect_eq(contributions[c], expected[c]);
        sum += contributions[c];
    }
    cr_expect_float_eq(sum, logit - baseline, 1e-4 * fmaxf(1, fabsf(logit - baseline)));
    cr_expect(contributions[0] > 0, "the amount speaks for fraud");
    hec_predictor_free(predictor);
    end(&world);
}

Test(scorer, refuses_a_model_of_other_features_and_says_what_to_do)
{
    struct world world = world_of(1);
    struct hec_plan *other = plan_of("feature amount { aggregate = value field = amount_minor }\n");
    struct hec_scorer *scorer = NULL;
    struct hec_error error = { 0 };
    cr_expect_eq(hec_scorer_new(&scorer, other, world.model, 1, &error), HEC_MISMATCH);
    cr_expect_null(scorer);
    cr_expect_not_null(strstr(error.text, "train anew"));
    hec_plan_free(other);
    end(&world);
}
