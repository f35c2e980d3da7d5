/* The desk and verdicts: it ends with all that was read, for nobody reads it again. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "desk/desk.h"
#include "desk/inside.h"
#include "ops/outcomes.h"

#define NOW_MS INT64_C(1735689600000)
enum { VERDICTS = 1200 }; /* more than one turn takes */

static struct hec_desk *desk;
static struct hec_parts parts;
static struct hec_error error;

static bool is_read(const void *context, int32_t partition)
{
    (void)context;
    return partition == 0;
}

static void *do_nothing(void *context)
{
    return context;
}

static void begin(void)
{
    static const struct hec_metrics_options METRICS = { .engines = 1 };
    struct hec_inbox_options inbox = { .path = ":memory:" };
    desk = calloc(1, sizeof(*desk));
    desk->options.parts = &parts;
    cr_assert_eq(hec_metrics_new(&parts.metrics, &METRICS), HEC_OK);
    cr_assert_eq(hec_verdicts_new(&parts.verdicts), HEC_OK);
    cr_assert_eq(hec_inbox_open(&desk->inbox, &inbox, &error), HEC_OK, "%s", error.text);
    cr_assert_eq(hec_desk_open_outcomes(desk), HEC_OK);
    pthread_mutex_init(&desk->lock, NULL);
    pthread_cond_init(&desk->came, NULL);
}

static void end(void)
{
    hec_desk_close_outcomes(desk);
    hec_inbox_close(desk->inbox);
    hec_verdicts_free(parts.verdicts);
    hec_metrics_free(parts.metrics);
    free(desk);
}

TestSuite(desk_outcomes, .init = begin, .fini = end);

static void set(struct hec_event *event, enum hec_field field, const char *text)
{
    event->present |= UINT64_C(1) << field;
    event->value[field].text = hec_text_of(text);
}

static void say_fraud(int n)
{
    static struct hec_event label;
    char id[16];
    snprintf(id, sizeof(id), "e%d", n);
    label = (struct hec_event){ .type = HEC_LABEL };
    set(&label, HEC_F_TARGET_EVENT_ID, id);
    set(&label, HEC_F_TARGET_EVENT_TYPE, "card_auth");
    set(&label, HEC_F_LABEL, "fraud");
    set(&label, HEC_F_FRAUD_TYPE, "04");
    label.value[HEC_F_EVENT_TIME_MS].integer = NOW_MS;
    label.value[HEC_F_TARGET_EVENT_TIME_MS].integer = NOW_MS - 10 * INT64_C(86400000);
    hec_verdicts_post(parts.verdicts, &label, 0);
}

Test(desk_outcomes, are_kept_to_the_last_verdict)
{
    static struct hec_outcomes outcomes;
    for (int n = 0; n < VERDICTS; n++) {
        say_fraud(n);
    }
    cr_assert_eq(pthread_create(&desk->thread, NULL, do_nothing, NULL), 0);
    desk->started = true;
    hec_desk_stop(desk);
    struct hec_outcomes_by by = { .heads = hec_default_heads,
                                  .heads_count = HEC_DEFAULT_HEADS,
                                  .wall_ms = NOW_MS,
                                  .alerting = 1,
                                  .is_read = is_read };
    cr_assert_eq(hec_outcomes_count(&outcomes, desk->inbox, &by, &error), HEC_OK, "%s", error.text);
    cr_expect_eq(outcomes.heads[0].windows[0].missed, VERDICTS);
}
