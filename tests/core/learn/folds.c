/* Folds: no row, user or label of the future gets into training; and the book's known cards. */
#include "hecate/folds.h"

#include <criterion/criterion.h>
#include <string.h>

#include "hecate/event.h"
#include "hecate/random.h"
#include "hecate/train.h"

#define DAY_MS INT64_C(86400000)
enum { ROWS = 3000, USERS = 90, VERDICTS = 700 };

static int64_t event_ms[ROWS];
static uint8_t event_type[ROWS];
static uint64_t user[ROWS], card[ROWS];
static struct hec_verdict_at verdicts[VERDICTS];
static const char codes[2][HEC_FRAUD_TYPE_MAX] = { "06", "05" };

/* Rows over 60 days in order; verdicts in the order of their arrival, up to 30 days late. */
static struct hec_labelled made_up(uint64_t seed)
{
    struct hec_random random = hec_random_at(seed, 0);
    for (int i = 0; i < ROWS; i++) {
        event_ms[i] = (int64_t)i * 60 * DAY_MS / ROWS;
        event_type[i] = (uint8_t)hec_random_below(&random, HEC_SCORED_TYPES);
        user[i] = hec_random_below(&random, USERS);
        card[i] = event_type[i] == HEC_CARD_AUTH ? 1000 + user[i] : user[i];
    }
    int64_t arrived_ms = 0;
    for (int i = 0; i < VERDICTS; i++) {
        arrived_ms += (int64_t)hec_random_below(&random, 2 * 60 * DAY_MS / VERDICTS);
        uint32_t row;
        do {
            row = (uint32_t)hec_random_below(&random, ROWS);
        } while (event_ms[row] > arrived_ms);
        verdicts[i] =
            (struct hec_verdict_at){ .arrived_ms = arrived_ms,
                                     .row = row,
                                     .verdict = (uint8_t)(1 + hec_random_below(&random, 3)),
                                     .code = (uint8_t)hec_random_below(&random, 3) };
    }
    return (struct hec_labelled){ .rows = ROWS,
                                  .event_ms = event_ms,
                                  .event_type = event_type,
                                  .user = user,
                                  .card = card,
                                  .verdicts = verdicts,
                                  .verdicts_count = VERDICTS,
                                  .codes = codes };
}

static struct hec_fold a_fold(void)
{
    return (struct hec_fold){ .train_from_ms = 10 * DAY_MS,
                              .train_to_ms = 25 * DAY_MS,
                              .valid_from_ms = 20 * DAY_MS,
                              .mature_ms = 24 * DAY_MS,
                              .known_at_ms = 31 * DAY_MS,
                              .test_from_ms = 31 * DAY_MS,
                              .test_to_ms = 38 * DAY_MS };
}

Test(folds, parts_time_without_a_look_ahead)
{
    struct hec_labelled log = made_up(1);
    struct hec_fold fold = a_fold();
    uint8_t split[ROWS], test[ROWS];
    int count[4] = { 0 };
    hec_fold_split(&log, &fold, split, test);
    for (int i = 0; i < ROWS; i++) {
        int64_t day = event_ms[i] / DAY_MS;
        cr_expect_eq(test[i], day >= 31 && day < 38);
        cr_expect_eq(split[i], day < 10 || day >= 24 ? HEC_SPLIT_NONE
                               : day < 20            ? HEC_SPLIT_TRAIN
                                                     : HEC_SPLIT_VALID);
        count[test[i] ? 3 : split[i]]++;
    }
    cr_expect(count[1] > 0 && count[2] > 0 && count[3] > 0);
}

/* The oracle: the last verdict on a row that had arrived, found by looking at all of them. */
Test(folds, knows_only_what_had_arrived)
{
    struct hec_labelled log = made_up(2);
    static int8_t targets[ROWS * HEC_DEFAULT_HEADS];
    uint8_t code[ROWS];
    const int64_t known_at_ms = 33 * DAY_MS;
    cr_assert_eq(
        hec_fold_targets(&log, hec_default_heads, HEC_DEFAULT_HEADS, known_at_ms, targets, code),
        HEC_OK);
    int positives = 0;
    for (uint32_t i = 0; i < ROWS; i++) {
        struct hec_verdict_at last = { .verdict = HEC_VERDICT_NONE };
        for (int v = 0; v < VERDICTS; v++) {
            last =
                verdicts[v].row == i && verdicts[v].arrived_ms <= known_at_ms ? verdicts[v] : last;
        }
        bool fraud = last.verdict == HEC_VERDICT_FRAUD;
        cr_expect_eq(code[i], fraud ? last.code : 0);
        for (int k = 0; k < HEC_DEFAULT_HEADS; k++) {
            int8_t expected = (int8_t)hec_head_target(
                &hec_default_heads[k], event_type[i], (enum hec_verdict)last.verdict,
                fraud && last.code > 0 ? codes[last.code - 1] : NULL, event_ms[i], known_at_ms);
            cr_expect_eq(targets[i * HEC_DEFAULT_HEADS + (uint32_t)k], expected);
            positives += expected == HEC_TARGET_POSITIVE;
        }
    }
    cr_expect_gt(positives, 20);
}

Test(folds, keeps_a_user_on_one_side)
{
    struct hec_labelled log = made_up(3);
    enum { PARTS = 5 };
    int tested[ROWS] = { 0 };
    for (int part = 0; part < PARTS; part++) {
        struct hec_fold fold = a_fold();
        uint8_t split[ROWS], test[ROWS];
        int side[USERS] = { 0 }, sides[4] = { 0 };
        fold.part = part, fold.parts = PARTS, fold.seed = 9;
        hec_fold_split(&log, &fold, split, test);
        for (int i = 0; i < ROWS; i++) {
            int64_t day = event_ms[i] / DAY_MS;
            cr_assert(!(test[i] && split[i] != HEC_SPLIT_NONE));
            cr_assert_eq(test[i] || split[i] != HEC_SPLIT_NONE, day >= 10 && day < 24);
            tested[i] += test[i];
            int mine = test[i] ? 3 : split[i];
            cr_assert(mine == 0 || side[user[i]] == 0 || side[user[i]] == mine, "user %d",
                      (int)user[i]);
            side[user[i]] = mine != 0 ? mine : side[user[i]];
            sides[mine]++;
        }
        cr_expect(sides[1] > sides[2] && sides[2] > 0 && sides[3] > 0);
    }
    for (int i = 0; i < ROWS; i++) {
        int64_t day = event_ms[i] / DAY_MS;
        cr_expect_eq(tested[i], day >= 10 && day < 24, "every row of the window is tested once");
    }
}

Test(folds, takes_out_whom_everybody_knows)
{
    struct hec_labelled log = made_up(4);
    struct hec_fold fold = a_fold();
    int taken = 0;
    for (int k = 0; k < HEC_DEFAULT_HEADS; k++) {
        const struct hec_head *head = &hec_default_heads[k];
        const uint64_t *subject = hec_fold_subject(&log, head);
        uint8_t split[ROWS], before[ROWS], test[ROWS];
        cr_expect(subject == (k == 0 ? log.card : log.user));
        hec_fold_split(&log, &fold, split, before);
        memcpy(test, before, sizeof(test));
        cr_assert_eq(hec_fold_drop_known(&log, &fold, head, test), HEC_OK);
        for (int i = 0; i < ROWS; i++) {
            bool known = false;
            for (int v = 0; v < VERDICTS; v++) {
                uint32_t row = verdicts[v].row;
                known |= subject[row] == subject[i] && verdicts[v].verdict == HEC_VERDICT_FRAUD &&
                         event_ms[row] >= fold.train_from_ms &&
                         verdicts[v].arrived_ms < event_ms[i] / DAY_MS * DAY_MS &&
                         hec_head_target(head, event_type[row], HEC_VERDICT_FRAUD,
                                         verdicts[v].code ? codes[verdicts[v].code - 1] : NULL, 0,
                                         INT64_MAX) == HEC_TARGET_POSITIVE;
            }
            cr_expect_eq(test[i], before[i] && !known, "head %d, row %d", k, i);
            taken += before[i] && !test[i];
        }
    }
    cr_expect_gt(taken, 20);
}
