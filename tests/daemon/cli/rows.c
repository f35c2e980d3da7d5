/* Rows: labels find their row whatever their number, and no verdict is forgotten. */
#include "cli/rows.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static void add(struct hec_rows *rows, const char *id, float value)
{
    static struct hec_row row;
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
    cr_assert_eq(hec_rows_add(rows, &batch, 0), HEC_OK);
}

static int64_t now_ms; /* of the labels: each comes a millisecond after the last */

static void say(struct hec_rows *rows, const char *id, const char *verdict, const char *type)
{
    static struct hec_event label;
    label = (struct hec_event){ .type = HEC_LABEL };
    label.value[HEC_F_TARGET_EVENT_ID].text = hec_text_of(id);
    label.value[HEC_F_LABEL].text = hec_text_of(verdict);
    if (type != NULL) {
        label.present |= UINT64_C(1) << HEC_F_FRAUD_TYPE;
        label.value[HEC_F_FRAUD_TYPE].text = hec_text_of(type);
    }
    label.value[HEC_F_EVENT_TIME_MS].integer = ++now_ms;
    cr_assert_eq(hec_rows_label(rows, &label), HEC_OK);
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
