/* Questions: an event is worth the same asked for as sent, and asking leaves no trace. */
#include "world.h"

#include "engine/inside.h"

#include <math.h>

static void end(void)
{
    world_end();
}

TestSuite(question, .fini = end);

struct asked {
    struct hec_question question;
    char value[512];
    int answers;
    enum hec_status status;
    enum hec_outcome outcome;
    float scores[HEC_HEADS_MAX];
    bool degraded;
};

static void take(struct hec_question *question, const struct hec_answer *answer)
{
    struct asked *asked = (struct asked *)question;
    asked->answers++;
    asked->status = answer->status;
    if (answer->status == HEC_OK) {
        asked->outcome = answer->row->outcome;
        asked->degraded = answer->row->degraded;
        memcpy(asked->scores, answer->scores, sizeof(asked->scores));
        cr_expect_leq(answer->reasons_count, HEC_REASONS_MAX);
        cr_expect(answer->row->scored < 0 || answer->head >= 0);
    }
}

/* Payment number n of the user of partition p, as world.h sends it, but asked for. */
static void ask(struct hec_engine *engine, struct asked *asked, int32_t partition, int n)
{
    int length = snprintf(asked->value, sizeof(asked->value),
                          "{\"event_id\":\"e%d-%d\",\"event_type\":\"card_auth\","
                          "\"schema_version\":1,\"event_time_ms\":%lld,\"user_token\":\"u%d\","
                          "\"card_token\":\"c%d\",\"terminal_id\":\"t1\",\"channel\":\"app\","
                          "\"amount_minor\":100,\"currency\":\"EUR\"}",
                          (int)partition, n, (long long)(T0 + n), (int)partition, (int)partition);
    asked->answers = 0;
    asked->question = (struct hec_question){ .value = asked->value,
                                             .length = (size_t)length,
                                             .partition = partition,
                                             .at_ms = T0 + n,
                                             .answer = take };
    struct hec_engine *engines[] = { engine };
    cr_assert_eq(hec_engines_ask(engines, 1, &asked->question), HEC_OK);
}

static void run_until_answered(struct hec_engine *engine, const struct asked *asked)
{
    int64_t until_ms = hec_now_ms() + 20000;
    while (asked->answers == 0 && hec_now_ms() < until_ms) {
        cr_assert_eq(step(engine), HEC_OK, "%s", world.error.text);
    }
    cr_assert_eq(asked->answers, 1);
}

/* The probability that the score topic has for an event under a head; NaN: none. */
static float published(const char *event_id, const char *head)
{
    struct hec_tap *tap = NULL;
    struct hec_record record;
    float score = NAN;
    bool found = false;
    cr_assert_eq(hec_tap_new(&tap, &world.kafka, "scores", HEC_TAP_START, &world.error), HEC_OK);
    while (!found && hec_tap_next(tap, &record, 5000, &world.error) == HEC_OK) {
        char text[4096], wanted[64];
        snprintf(text, sizeof(text), "%.*s", (int)record.value_length, (const char *)record.value);
        snprintf(wanted, sizeof(wanted), "\"event_id\":\"%s\"", event_id);
        if (strstr(text, wanted) != NULL) {
            snprintf(wanted, sizeof(wanted), "\"%.32s\":{\"probability\":", head);
            const char *at = strstr(text, wanted);
            score = at == NULL ? NAN : strtof(at + strlen(wanted), NULL);
            found = true;
        }
        hec_source_release(&record, 1);
    }
    hec_tap_close(tap);
    cr_assert(found);
    return score;
}

/* Bit by bit, also where a head does not apply. */
#define EXPECT_SAME_SCORES(one, other)                                                             \
    cr_expect_arr_eq((one)->scores, (other)->scores, HEC_DEFAULT_HEADS * sizeof(float))

Test(question, is_worth_what_the_event_is_worth_and_leaves_no_trace)
{
    world_begin(2);
    struct hec_engine_options options = options_of(NULL, 0);
    struct hec_engine *engine = engine_of(&options);
    static struct asked first, again;
    pay_all(0, 20);
    run_rows(engine, 40);
    run_ms(engine, 200); /* what is open is published, what is known is stored */

    ask(engine, &first, 1, 20);
    ask(engine, &again, 1, 20);
    run_until_answered(engine, &first);
    run_until_answered(engine, &again);
    cr_expect_eq(first.status, HEC_OK);
    cr_expect_eq(first.outcome, HEC_OUT_SCORED);
    cr_expect_eq(again.outcome, HEC_OUT_SCORED, "the first question counted");
    EXPECT_SAME_SCORES(&first, &again);
    cr_expect_not(first.degraded);
    cr_expect_eq(view_of(engine).rows, 40u);

    pay(1, 20);
    cr_assert_eq(hec_feed_flush(world.feed, 10000, &world.error), HEC_OK);
    run_rows(engine, 41);
    run_ms(engine, 200);
    int heads = 0;
    for (int head = 0; head < HEC_DEFAULT_HEADS; head++) {
        float score = published("e1-20", hec_default_heads[head].name);
        cr_expect_eq(isnan(score), isnan(first.scores[head]), "head %d", head);
        if (!isnan(score)) {
            cr_expect_float_eq(score, first.scores[head], 1e-5, "head %d", head);
            heads++;
        }
    }
    cr_expect_geq(heads, 2, "a head alone shows nothing of the others");
    ask(engine, &again, 1, 20);
    run_until_answered(engine, &again);
    cr_expect_eq(again.outcome, HEC_OUT_DUPLICATE, "%s", hec_outcome_name(again.outcome));
    hec_engine_free(engine, 3000);
}

/* A new engine knows nothing yet: what it is asked for comes from the store. */
Test(question, has_its_states_loaded)
{
    world_begin(1);
    struct hec_engine_options options = options_of(NULL, 0);
    struct hec_engine *engine = engine_of(&options);
    static struct asked warm, cold;
    pay_all(0, 20);
    run_rows(engine, 20);
    run_ms(engine, 200);
    ask(engine, &warm, 0, 20);
    run_until_answered(engine, &warm);
    cr_assert_eq(hec_engine_drain(engine, &world.error), HEC_OK);
    hec_engine_answer_no_more(engine);
    hec_engine_free(engine, 3000);

    engine = engine_of(&options);
    int64_t until_ms = hec_now_ms() + 20000;
    while (!hec_engine_has(engine, 0) && hec_now_ms() < until_ms) {
        cr_assert_eq(step(engine), HEC_OK, "%s", world.error.text);
    }
    /* While a commit is waited for there is no store, and who waits for it is not looked at again:
     * a second look would refuse what stands there now. */
    ask(engine, &cold, 0, 20);
    cr_assert_eq(hec_questions_answer(engine, false, &world.error), HEC_OK);
    cold.value[0] = '?';
    cr_assert_eq(hec_questions_answer(engine, false, &world.error), HEC_OK);
    cr_expect_eq(cold.answers, 0);
    cold.value[0] = '{';
    run_until_answered(engine, &cold);
    cr_expect_eq(cold.status, HEC_OK);
    cr_expect_not(cold.degraded);
    EXPECT_SAME_SCORES(&cold, &warm);
    hec_engine_free(engine, 3000);
}

Test(question, is_refused_by_who_has_not_the_partition_or_ends)
{
    world_begin(1);
    struct hec_engine_options options = options_of(NULL, 0);
    struct hec_engine *engine = engine_of(&options);
    struct hec_engine *engines[] = { engine };
    static struct asked asked;
    asked.question.partition = 0;
    cr_expect_eq(hec_engines_ask(engines, 1, &asked.question), HEC_FENCED, "nobody has it yet");
    pay_all(0, 1);
    run_rows(engine, 1);
    run_ms(engine, 200);
    ask(engine, &asked, 0, 1);
    hec_engine_answer_no_more(engine);
    cr_expect_eq(asked.answers, 1);
    cr_expect_eq(asked.status, HEC_UNAVAILABLE);
    cr_expect_eq(hec_engines_ask(engines, 1, &asked.question), HEC_UNAVAILABLE);
    hec_engine_free(engine, 3000);
}
