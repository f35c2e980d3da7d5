/* Delayed feedback on made-up events whose prior and whose delays are known. */
#include "hecate/delay.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hecate/event.h"
#include "hecate/random.h"
#include "hecate/train.h"

#define DAY_MS INT64_C(86400000)
enum { ROWS = 40000, DAYS = 32, HORIZON = 24, MEAN_DAYS = 8, JUDGED = 4000 };

/* Events over 32 days; frauds are reported after an exponential time of 8 days on average, nothing
 * else is. Labels take 24 days: three quarters of the window are young. */
struct world {
    int64_t event_ms[ROWS];
    uint8_t event_type[ROWS], split[ROWS], test[ROWS];
    uint64_t user[ROWS];
    float x[ROWS], heard[ROWS];
    int8_t targets[ROWS];
    struct hec_verdict_at verdicts[ROWS];
    struct hec_labelled log;
    struct hec_fold fold;
    struct hec_head head;
    double prior; /* of frauds that are ever reported within the horizon */
};

static int by_arrival(const void *a, const void *b)
{
    const struct hec_verdict_at *x = a, *y = b;
    return (x->arrived_ms > y->arrived_ms) - (x->arrived_ms < y->arrived_ms);
}

static double probability(double x)
{
    return 1 / (1 + exp(4 - 2 * x));
}

static struct world *made_up(uint64_t seed)
{
    struct world *world = calloc(1, sizeof(*world));
    struct hec_random random = hec_random_at(seed, 0);
    size_t verdicts = 0, frauds = 0;
    for (uint32_t i = 0; i < ROWS; i++) {
        world->event_ms[i] = (int64_t)i * DAYS * DAY_MS / ROWS;
        world->event_type[i] = HEC_CARD_AUTH;
        world->user[i] = i;
        world->x[i] = (float)hec_random_normal(&random);
        bool fraud = hec_random_uniform(&random) < probability((double)world->x[i]);
        double days = -MEAN_DAYS * log(1 - hec_random_uniform(&random));
        frauds += fraud && days <= HORIZON;
        if (fraud) {
            world->verdicts[verdicts++] =
                (struct hec_verdict_at){ .arrived_ms =
                                             world->event_ms[i] + (int64_t)(days * (double)DAY_MS),
                                         .row = i,
                                         .verdict = HEC_VERDICT_FRAUD };
        }
    }
    qsort(world->verdicts, verdicts, sizeof(*world->verdicts), by_arrival);
    world->prior = (double)frauds / ROWS;
    world->log = (struct hec_labelled){ .rows = ROWS,
                                        .event_ms = world->event_ms,
                                        .event_type = world->event_type,
                                        .user = world->user,
                                        .card = world->user,
                                        .verdicts = world->verdicts,
                                        .verdicts_count = verdicts };
    world->fold = (struct hec_fold){ .train_to_ms = DAYS * DAY_MS,
                                     .valid_from_ms = 7 * DAY_MS,
                                     .mature_ms = (DAYS - HORIZON) * DAY_MS,
                                     .known_at_ms = DAYS * DAY_MS,
                                     .test_from_ms = DAYS * DAY_MS,
                                     .test_to_ms = DAYS * DAY_MS };
    world->head = (struct hec_head){ .name = "fraud",
                                     .event_types = HEC_ON(CARD_AUTH),
                                     .rules = { { .event_types = HEC_ON(CARD_AUTH) } },
                                     .rules_count = 1,
                                     .label_delay_ms = HORIZON * DAY_MS,
                                     .loss_weight = 1 };
    cr_assert_eq(hec_fold_targets(&world->log, &world->head, 1, world->fold.known_at_ms,
                                  world->targets, NULL),
                 HEC_OK);
    hec_fold_split(&world->log, &world->fold, world->split, world->test);
    return world;
}

static void fit(struct hec_delay *delay, const struct world *world)
{
    cr_assert_eq(
        hec_delay_fit(delay, &world->log, &world->fold, &world->head, 1, 0, world->targets),
        HEC_OK);
}

Test(delay, finds_the_curve_and_the_prior_that_the_young_hide)
{
    double estimate = 0, naive = 0, truth = 0;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct world *world = made_up(seed);
        struct hec_delay delay;
        fit(&delay, world);
        cr_assert_gt(delay.frauds, 200u);
        for (int days = 1; days <= HORIZON; days++) {
            double is =
                (1 - exp(-(double)days / MEAN_DAYS)) / (1 - exp(-(double)HORIZON / MEAN_DAYS));
            cr_expect_float_eq(hec_delay_share(&delay, days * DAY_MS), is, 0.09, "day %d", days);
        }
        cr_expect_eq(hec_delay_share(&delay, HORIZON * DAY_MS), 1);
        cr_expect_leq(hec_delay_share(&delay, hec_delay_quantile_ms(&delay, 0.5) - 1), 0.5);
        hec_delay_open(&delay, &world->log, &world->fold, &world->head, 1, world->targets,
                       world->split, world->heard);
        estimate += delay.prior / 5;
        naive += (double)delay.reported / (double)delay.young / 5;
        truth += world->prior / 5;
        hec_delay_free(&delay);
        free(world);
    }
    cr_expect_float_eq(estimate, truth, 0.04 * truth, "%g, not %g", estimate, truth);
    cr_expect_lt(naive, 0.8 * truth, "%g is not far below %g: nothing is shown", naive, truth);
}

Test(delay, opens_what_is_young_and_leaves_what_is_mature)
{
    struct world *world = made_up(7);
    static int8_t before[ROWS];
    struct hec_delay delay;
    memcpy(before, world->targets, sizeof(before));
    fit(&delay, world);
    hec_delay_open(&delay, &world->log, &world->fold, &world->head, 1, world->targets, world->split,
                   world->heard);
    for (uint32_t i = 0; i < ROWS; i++) {
        int64_t age_ms = world->fold.known_at_ms - world->event_ms[i];
        if (age_ms >= HORIZON * DAY_MS) {
            cr_assert(world->targets[i] == before[i] && world->heard[i] == 1);
            continue;
        }
        cr_assert_eq(world->split[i], HEC_SPLIT_TRAIN);
        cr_assert_eq(world->heard[i], (float)hec_delay_share(&delay, age_ms));
        cr_assert_eq(world->targets[i] == HEC_TARGET_UNKNOWN, world->heard[i] == 0);
    }
    for (size_t i = 0; i < world->log.verdicts_count; i++) {
        const struct hec_verdict_at *at = &world->verdicts[i];
        bool young = world->event_ms[at->row] > world->fold.mature_ms && world->heard[at->row] > 0;
        cr_assert(!young || (world->targets[at->row] == HEC_TARGET_POSITIVE) ==
                                (at->arrived_ms <= world->fold.known_at_ms));
    }
    hec_delay_free(&delay);
    free(world);
}

Test(delay, too_few_frauds_make_no_curve)
{
    struct world *world = made_up(8);
    struct hec_delay delay;
    for (uint32_t i = 0; i < ROWS; i++) { /* all but 19 matured frauds become unknown */
        static int frauds = 0;
        bool drop = world->targets[i] == HEC_TARGET_POSITIVE && ++frauds >= HEC_DELAY_FRAUDS_MIN;
        world->targets[i] = drop ? HEC_TARGET_UNKNOWN : world->targets[i];
    }
    fit(&delay, world);
    cr_expect_eq(delay.frauds, 0);
    hec_delay_open(&delay, &world->log, &world->fold, &world->head, 1, world->targets, world->split,
                   world->heard);
    cr_expect_eq(world->split[ROWS - 1], HEC_SPLIT_NONE);
    cr_expect_eq(world->heard[ROWS - 1], 1);
    hec_delay_free(&delay);
    free(world);
}

/* The mean score of a model on events of the same kind. */
static double mean_score(struct world *world, const float *heard, enum hec_loss loss)
{
    static const char *const names[] = { "x" };
    struct hec_dataset data = { .rows = ROWS,
                                .columns = { .numerics = 1,
                                             .numeric_names = names,
                                             .category_names = names,
                                             .schema_text = "",
                                             .schema_digest = "" },
                                .numerics = world->x,
                                .event_type = world->event_type,
                                .split = world->split,
                                .heads_count = 1,
                                .heads = &world->head,
                                .targets = world->targets,
                                .heard = heard };
    struct hec_train_options options;
    struct hec_error error = { 0 };
    struct hec_predictor *predictor;
    struct hec_model *model;
    void *bytes;
    size_t size;
    double sum = 0;
    hec_train_defaults(&options);
    options.epochs_max = 6;
    options.dropout = 0; /* noise in a logit moves the mean of its score */
    options.loss = loss;
    cr_assert_eq(hec_train(&bytes, &size, &data, &options, NULL, NULL, &error), HEC_OK, "%s",
                 error.text);
    cr_assert_eq(hec_model_load(&model, bytes, size, NULL, &error), HEC_OK, "%s", error.text);
    cr_assert_eq(hec_predictor_new(&predictor, model, 1), HEC_OK);
    for (int i = 0; i < JUDGED; i++) { /* the middles of as many parts of a normal */
        float score, x = world->x[i * (ROWS / JUDGED)];
        hec_predictor_run(predictor, &x, NULL, NULL, 1, &score, 1);
        sum += (double)score / JUDGED;
    }
    hec_predictor_free(predictor);
    hec_model_free(model);
    free(bytes);
    return sum;
}

Test(delay, a_model_learns_the_prior_where_silence_is_no_proof)
{
    struct world *world = made_up(11);
    struct hec_delay delay;
    double truth = 0, within = 1 - exp(-(double)HORIZON / MEAN_DAYS);
    fit(&delay, world);
    hec_delay_open(&delay, &world->log, &world->fold, &world->head, 1, world->targets, world->split,
                   world->heard);
    for (int i = 0; i < JUDGED; i++) {
        truth += within * probability((double)world->x[i * (ROWS / JUDGED)]) / JUDGED;
    }
    double late = mean_score(world, world->heard, HEC_LOSS_BCE);
    double weighted = mean_score(world, world->heard, HEC_LOSS_WEIGHTED);
    double naive = mean_score(world, NULL, HEC_LOSS_BCE);
    cr_expect_float_eq(late, truth, 0.1 * truth, "%g, not %g", late, truth);
    cr_expect_float_eq(weighted, truth, 0.1 * truth, "%g, not %g", weighted, truth);
    cr_expect_lt(naive, 0.85 * truth, "%g is not below %g: nothing is shown", naive, truth);
    hec_delay_free(&delay);
    free(world);
}

Test(delay, focal_has_no_probability_to_weigh_by)
{
    struct world *world = made_up(12);
    struct hec_delay delay;
    struct hec_train_options options;
    struct hec_error error = { 0 };
    void *bytes;
    size_t size;
    fit(&delay, world);
    hec_delay_open(&delay, &world->log, &world->fold, &world->head, 1, world->targets, world->split,
                   world->heard);
    world->head.loss = 1 + HEC_LOSS_FOCAL;
    static const char *const names[] = { "x" };
    struct hec_dataset data = { .rows = ROWS,
                                .columns = { .numerics = 1,
                                             .numeric_names = names,
                                             .category_names = names,
                                             .schema_text = "",
                                             .schema_digest = "" },
                                .numerics = world->x,
                                .event_type = world->event_type,
                                .split = world->split,
                                .heads_count = 1,
                                .heads = &world->head,
                                .targets = world->targets,
                                .heard = world->heard };
    hec_train_defaults(&options);
    cr_expect_eq(hec_train(&bytes, &size, &data, &options, NULL, NULL, &error), HEC_INVALID);
    cr_expect_not_null(strstr(error.text, "--delay-model needs a probability"), "%s", error.text);
    hec_delay_free(&delay);
    free(world);
}
