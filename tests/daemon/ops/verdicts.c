/* Verdicts: what is posted comes out in order, and of too many the oldest are dropped and counted.
 */
#include "ops/verdicts.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct hec_verdicts *verdicts;
static struct hec_verdict_note notes[HEC_VERDICTS_KEPT + 1];

static void setup(void)
{
    cr_assert_eq(hec_verdicts_new(&verdicts), HEC_OK);
}

static void teardown(void)
{
    hec_verdicts_free(verdicts);
}

TestSuite(verdicts, .init = setup, .fini = teardown);

static void set(struct hec_event *event, enum hec_field field, const char *text)
{
    event->present |= UINT64_C(1) << field;
    event->value[field].text = hec_text_of(text);
}

static void post(const char *id, int64_t at_ms)
{
    static struct hec_event event;
    event = (struct hec_event){ .type = HEC_LABEL };
    set(&event, HEC_F_TARGET_EVENT_ID, id);
    set(&event, HEC_F_LABEL, "fraud");
    event.value[HEC_F_EVENT_TIME_MS].integer = at_ms;
    event.value[HEC_F_TARGET_EVENT_TIME_MS].integer = 5;
    hec_verdicts_post(verdicts, &event, 3);
}

Test(verdicts, come_out_as_they_were_posted)
{
    post("e1", 10);
    post("e2", 11);
    cr_assert_eq(hec_verdicts_take(verdicts, notes, 1), 1);
    cr_expect_str_eq(notes[0].event_id, "e1");
    cr_expect_str_eq(notes[0].label, "fraud");
    cr_expect_str_eq(notes[0].fraud_type, "", "what is absent is empty");
    cr_expect(notes[0].partition == 3 && notes[0].event_ms == 5 && notes[0].at_ms == 10);
    cr_assert_eq(hec_verdicts_take(verdicts, notes, 5), 1);
    cr_expect_str_eq(notes[0].event_id, "e2");
    cr_expect_eq(hec_verdicts_take(verdicts, notes, 5), 0);
    cr_expect_eq(hec_verdicts_dropped(verdicts), 0);
}

Test(verdicts, know_a_payment_without_its_type_by_its_fields)
{
    static const struct {
        enum hec_field field;
        const char *type;
    } CASES[] = { { HEC_F_CREDITOR_TOKEN, "transfer" },
                  { HEC_F_MERCHANT_ID, "card_auth" },
                  { HEC_F_TERMINAL_ID, "card_auth" },
                  { HEC_F_DEVICE_ID, "" } };
    for (int i = 0; i < 4; i++) {
        static struct hec_event event;
        event = (struct hec_event){ .type = HEC_LABEL };
        set(&event, CASES[i].field, "x");
        hec_verdicts_post(verdicts, &event, 0);
        set(&event, HEC_F_TARGET_EVENT_TYPE, "login");
        hec_verdicts_post(verdicts, &event, 0);
        cr_assert_eq(hec_verdicts_take(verdicts, notes, 2), 2);
        cr_expect_str_eq(notes[0].event_type, CASES[i].type);
        cr_expect_str_eq(notes[1].event_type, "login", "what is said counts");
    }
}

Test(verdicts, drop_the_oldest_when_nobody_takes_them)
{
    char id[32];
    for (int i = 0; i < HEC_VERDICTS_KEPT + 3; i++) {
        snprintf(id, sizeof(id), "e%d", i);
        post(id, i);
    }
    cr_expect_eq(hec_verdicts_dropped(verdicts), 3);
    cr_assert_eq(hec_verdicts_take(verdicts, notes, HEC_VERDICTS_KEPT + 1), HEC_VERDICTS_KEPT);
    cr_expect_str_eq(notes[0].event_id, "e3");
    cr_expect_eq(notes[HEC_VERDICTS_KEPT - 1].at_ms, HEC_VERDICTS_KEPT + 2);
}
