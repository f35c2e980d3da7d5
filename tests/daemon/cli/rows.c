/* Training rows: labels find their row whatever their number, and the last verdict stands. */
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
    struct hec_batch batch = { .rows = &row,
                               .rows_count = 1,
                               .numerics = numerics,
                               .categories = categories,
                               .scored_rows = scored_rows,
                               .scored_count = 1 };
    cr_assert_eq(hec_rows_add(rows, &batch, 0), HEC_OK);
}

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
    hec_rows_label(rows, &label);
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
        cr_assert_eq(rows.verdict[i], i % 7 == 0 ? HEC_VERDICT_FRAUD : HEC_VERDICT_NONE);
        cr_assert(i % 7 != 0 || strcmp(rows.codes[rows.code[i] - 1], i % 2 ? "05" : "06") == 0);
    }
    cr_expect_eq(rows.codes_count, 2);
    hec_rows_free(&rows);
}

Test(rows, lets_the_last_verdict_stand_and_counts_those_of_strangers)
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
    cr_expect_eq(rows.verdict[0], HEC_VERDICT_GENUINE);
    cr_expect_eq(rows.code[0], 0);
    cr_expect_eq(rows.verdict[1], HEC_VERDICT_UNKNOWN);
    cr_expect_eq(rows.labels, 3);
    cr_expect_eq(rows.labels_lost, 2);
    hec_rows_free(&rows);
}
