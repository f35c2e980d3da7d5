/* Rows: labels find their row whatever their number, and no verdict is forgotten. */
#include "cli/rows.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add(struct hec_rows *rows, const char *id, float value)
{
    static struct hec_row row;
    struct hec_error error = { 0 };
    float numerics[2] = { value, -value };
    uint32_t categories[1] = { (uint32_t)value };
    int scored_rows[1] = { 0 };
    row.event.type = HEC_TRANSFER;
    row.event.value[HEC_F_EVENT_TIME_MS].integer = (int64_t)value;
    row.event.value[HEC_F_EVENT_ID].text = hec_text_of(id);
    row.event.value[HEC_F_USER_TOKEN].text = hec_text_of("u");
    struct hec_batch batch = { .rows = &row,
                               .rows_count = 1,
                               .numerics = numerics,
                               .categories = categories,
                               .scored_rows = scored_rows,
                               .scored_count = 1 };
    cr_assert_eq(hec_rows_take(rows, &batch, INT64_MIN, INT64_MAX, &error), HEC_OK);
}

static int64_t now_ms; /* of the labels: each comes a millisecond after the last */

static void say(struct hec_rows *rows, const char *id, const char *verdict, const char *type)
{
    static struct hec_row row;
    struct hec_error error = { 0 };
    struct hec_event *label = &row.event;
    row = (struct hec_row){ .event = { .type = HEC_LABEL }, .scored = -1 };
    label->value[HEC_F_TARGET_EVENT_ID].text = hec_text_of(id);
    label->value[HEC_F_LABEL].text = hec_text_of(verdict);
    if (type != NULL) {
        label->present |= UINT64_C(1) << HEC_F_FRAUD_TYPE;
        label->value[HEC_F_FRAUD_TYPE].text = hec_text_of(type);
    }
    label->value[HEC_F_EVENT_TIME_MS].integer = ++now_ms;
    struct hec_batch batch = { .rows = &row, .rows_count = 1 };
    cr_assert_eq(hec_rows_take(rows, &batch, INT64_MIN, INT64_MAX, &error), HEC_OK);
}

/* In a file as in memory, from before and after it became too much. */
Test(rows, gives_features_back_wherever_they_lie)
{
    enum { COUNT = 20000 };
    struct hec_rows rows;
    char id[16];
    hec_rows_begin(&rows, 2, 1);
    hec_rows_spill_beyond(&rows, 100000);
    for (int i = 0; i < COUNT; i++) {
        snprintf(id, sizeof(id), "e%d", i);
        add(&rows, id, (float)i);
        cr_assert_eq(rows.spill != NULL, i >= 6144, "12 bytes a row, room grows by half: %d", i);
    }
    cr_expect_null(rows.numerics);
    for (uint32_t i = 0; i < COUNT; i++) {
        float numerics[4];
        uint32_t categories[2], which[2] = { i, COUNT - 1 - i };
        hec_rows_fetch(&rows, which, 2, numerics, categories);
        cr_assert(numerics[0] == (float)i && numerics[1] == -(float)i && categories[0] == i);
        cr_assert(numerics[2] == (float)which[1] && categories[1] == which[1]);
    }
    hec_rows_free(&rows);
}

Test(rows, keeps_what_it_was_given_over_many_growths)
{
    enum { COUNT = 30000 };
    struct hec_rows rows;
    char id[16];
    hec_rows_begin(&rows, 2, 1);
    for (int i = 0; i < COUNT; i++) {
        snprintf(id, sizeof(id), "e%d", i);
        add(&rows, id, (float)i);
    }
    for (int i = 0; i < COUNT; i += 7) {
        snprintf(id, sizeof(id), "e%d", i);
        say(&rows, id, "fraud", i % 2 ? "05" : "06");
    }
    cr_assert_eq(rows.count, COUNT);
    for (int i = 0; i < COUNT; i++) {
        cr_assert_eq(rows.numerics[2 * i + 1], (float)-i);
        cr_assert_eq(rows.categories[i], (uint32_t)i);
        cr_assert_eq(rows.event_ms[i], i);
        cr_assert_eq(rows.event_type[i], HEC_TRANSFER);
        snprintf(id, sizeof(id), "e%d", i);
        cr_assert_eq(hec_rows_find(&rows, id, strlen(id)), (uint32_t)i);
    }
    cr_assert_eq(rows.verdicts_count, (COUNT + 6) / 7);
    for (uint32_t i = 0; i < (COUNT + 6) / 7; i++) {
        cr_assert_eq(rows.verdicts[i].row, 7 * i);
        cr_assert_eq(rows.verdicts[i].verdict, HEC_VERDICT_FRAUD);
        cr_assert_str_eq(rows.codes[rows.verdicts[i].code - 1], 7 * i % 2 ? "05" : "06");
    }
    cr_expect_eq(rows.codes_count, 2);
    hec_rows_free(&rows);
}

Test(rows, keeps_every_verdict_with_its_arrival_and_counts_those_of_strangers)
{
    struct hec_rows rows;
    hec_rows_begin(&rows, 2, 1);
    say(&rows, "a", "fraud", "06"); /* before there is any row */
    add(&rows, "a", 1);
    add(&rows, "b", 2);
    say(&rows, "a", "fraud", "06");
    say(&rows, "a", "genuine", "06");
    say(&rows, "b", "unknown", NULL);
    say(&rows, "c", "fraud", NULL);
    cr_assert_eq(rows.verdicts_count, 3);
    static const int verdict[] = { HEC_VERDICT_FRAUD, HEC_VERDICT_GENUINE, HEC_VERDICT_UNKNOWN };
    for (int i = 0; i < 3; i++) {
        cr_expect_eq(rows.verdicts[i].verdict, verdict[i]);
        cr_expect_eq(rows.verdicts[i].row, i == 2 ? 1u : 0u);
        cr_expect(i == 0 || rows.verdicts[i].arrived_ms > rows.verdicts[i - 1].arrived_ms);
    }
    cr_expect_eq(rows.verdicts[1].code, 0, "a genuine event has no fraud type");
    cr_expect_eq(rows.labels_lost, 2);
    hec_rows_free(&rows);
}

/* Rows in the window, what was refused or not scored in none; scores with them. */
Test(rows, takes_the_scored_events_of_a_window_and_their_scores)
{
    enum { EVENTS = 6 };
    static struct hec_row row[EVENTS];
    static float scores[EVENTS * HEC_HEADS_MAX];
    static const int64_t ms[EVENTS] = { 9, 10, 15, 19, 20, 99 };
    float numerics[EVENTS] = { 0, 1, 2, 3, 4, 5 };
    int scored_rows[EVENTS], scored = 0;
    char id[EVENTS][8];
    struct hec_error error = { 0 };
    struct hec_rows rows;
    for (int i = 0; i < EVENTS; i++) {
        snprintf(id[i], sizeof(id[i]), "w%d", i);
        row[i].event.type = HEC_LOGIN;
        row[i].event.value[HEC_F_EVENT_TIME_MS].integer = ms[i];
        row[i].event.value[HEC_F_EVENT_ID].text = hec_text_of(id[i]);
        row[i].event.value[HEC_F_USER_TOKEN].text = hec_text_of("u");
        row[i].status = i == 5 ? HEC_OUT_OF_RANGE : HEC_OK; /* says 99, and nobody believes it */
        row[i].scored = i == 2 ? -1 : scored;
        if (i != 2) {
            scored_rows[scored] = i;
            scores[scored * HEC_HEADS_MAX] = (float)i;
            numerics[scored++] = (float)i;
        }
    }
    struct hec_batch batch = { .rows = row,
                               .rows_count = EVENTS,
                               .numerics = numerics,
                               .scores = scores,
                               .scored_rows = scored_rows,
                               .scored_count = scored };
    hec_rows_begin(&rows, 1, 0);
    hec_rows_keep_scores(&rows, 1);
    cr_assert_eq(hec_rows_take(&rows, &batch, 10, 20, &error), HEC_OK);
    cr_assert_eq(rows.count, 2);
    for (uint32_t i = 0; i < 2; i++) {
        cr_expect_eq(rows.event_ms[i], i == 0 ? 10 : 19);
        cr_expect_eq(rows.numerics[i], i == 0 ? 1.0f : 3.0f);
        cr_expect_eq(rows.scores[i], i == 0 ? 1.0f : 3.0f);
    }
    cr_expect_eq(rows.last_ms, 20, "the newest that was scored, in the window or not");
    now_ms = 29;
    say(&rows, "w1", "fraud", "06");
    say(&rows, "w3", "fraud", "06");
    cr_expect_eq(rows.last_ms, 31);
    hec_rows_free(&rows);
}

/* Told by the error alone: whoever asked prints it, once. */
Test(rows, says_why_it_could_not_take_a_row)
{
    struct hec_rows rows;
    struct hec_error error = { 0 };
    static struct hec_row row = { .event = { .type = HEC_LOGIN } };
    float numerics[1] = { 1 };
    int scored_rows[1] = { 0 };
    struct hec_batch batch = { .rows = &row,
                               .rows_count = 1,
                               .numerics = numerics,
                               .scored_rows = scored_rows,
                               .scored_count = 1 };
    setenv("TMPDIR", "/no/such/place", 1);
    row.event.value[HEC_F_EVENT_ID].text = hec_text_of("e");
    row.event.value[HEC_F_USER_TOKEN].text = hec_text_of("u");
    hec_rows_begin(&rows, 1, 0);
    hec_rows_spill_beyond(&rows, 1);
    cr_expect_eq(hec_rows_take(&rows, &batch, 0, 1, &error), HEC_UNAVAILABLE);
    cr_expect(strstr(error.text, "/no/such/place") != NULL, "%s", error.text);
    hec_rows_free(&rows);
}
