/* Heads: each verdict on each event, by hand. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "hecate/event.h"
#include "hecate/model.h"

#define DAY_MS INT64_C(86400000)
enum { CARD, ATO, ANOMALY };

static enum hec_target matured(int head, int type, enum hec_verdict verdict, const char *fraud)
{
    return hec_head_target(&hec_default_heads[head], type, verdict, fraud, 0, 1000 * DAY_MS);
}

Test(head, sends_each_fraud_type_to_its_head)
{
    static const struct {
        int type;
        const char *fraud;
        enum hec_target card, ato;
    } cases[] = {
        { HEC_CARD_AUTH, "04", HEC_TARGET_POSITIVE, HEC_TARGET_UNKNOWN },
        { HEC_CARD_AUTH, "", HEC_TARGET_POSITIVE, HEC_TARGET_UNKNOWN },
        { HEC_CARD_AUTH, NULL, HEC_TARGET_POSITIVE, HEC_TARGET_UNKNOWN },
        { HEC_CARD_AUTH, "05", HEC_TARGET_UNKNOWN, HEC_TARGET_POSITIVE },
        { HEC_CARD_AUTH, "55", HEC_TARGET_UNKNOWN, HEC_TARGET_POSITIVE },
        { HEC_CARD_AUTH, "56", HEC_TARGET_POSITIVE, HEC_TARGET_UNKNOWN },
        { HEC_CARD_AUTH, "57", HEC_TARGET_POSITIVE, HEC_TARGET_UNKNOWN },
        { HEC_TRANSFER, "06", HEC_TARGET_POSITIVE, HEC_TARGET_UNKNOWN },
        { HEC_TRANSFER, "05", HEC_TARGET_UNKNOWN, HEC_TARGET_POSITIVE },
        { HEC_TRANSFER, "56", HEC_TARGET_UNKNOWN, HEC_TARGET_UNKNOWN },
        { HEC_TRANSFER, "57", HEC_TARGET_UNKNOWN, HEC_TARGET_UNKNOWN },
        { HEC_LOGIN, "05", HEC_TARGET_NOT_APPLICABLE, HEC_TARGET_POSITIVE },
        { HEC_LOGIN, "04", HEC_TARGET_NOT_APPLICABLE, HEC_TARGET_UNKNOWN },
        { HEC_ACCOUNT_CHANGE, "55", HEC_TARGET_NOT_APPLICABLE, HEC_TARGET_POSITIVE },
        { HEC_ACCOUNT_CHANGE, "5", HEC_TARGET_NOT_APPLICABLE, HEC_TARGET_UNKNOWN },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *shown = cases[i].fraud == NULL ? "(none)" : cases[i].fraud;
        cr_expect_eq(matured(CARD, cases[i].type, HEC_VERDICT_FRAUD, cases[i].fraud), cases[i].card,
                     "card_fraud, type %d, fraud %s", cases[i].type, shown);
        cr_expect_eq(matured(ATO, cases[i].type, HEC_VERDICT_FRAUD, cases[i].fraud), cases[i].ato,
                     "ato, type %d, fraud %s", cases[i].type, shown);
        cr_expect_eq(matured(ANOMALY, cases[i].type, HEC_VERDICT_FRAUD, cases[i].fraud),
                     HEC_TARGET_POSITIVE, "any fraud is no ordinary row");
    }
}

Test(head, calls_a_mature_event_without_a_verdict_genuine)
{
    cr_expect_eq(matured(CARD, HEC_CARD_AUTH, HEC_VERDICT_NONE, NULL), HEC_TARGET_NEGATIVE);
    cr_expect_eq(matured(CARD, HEC_CARD_AUTH, HEC_VERDICT_GENUINE, "04"), HEC_TARGET_NEGATIVE);
    cr_expect_eq(matured(CARD, HEC_CARD_AUTH, HEC_VERDICT_UNKNOWN, NULL), HEC_TARGET_UNKNOWN);
    cr_expect_eq(matured(CARD, HEC_LOGIN, HEC_VERDICT_NONE, NULL), HEC_TARGET_NOT_APPLICABLE);
}

Test(head, knows_nothing_before_the_delay_is_over_for_either_class)
{
    const struct hec_head *head = &hec_default_heads[CARD];
    int64_t delay_ms = head->label_delay_ms, event_ms = 50 * DAY_MS;
    for (int verdict = HEC_VERDICT_NONE; verdict <= HEC_VERDICT_FRAUD; verdict++) {
        cr_expect_eq(hec_head_target(head, HEC_CARD_AUTH, (enum hec_verdict)verdict, "04", event_ms,
                                     event_ms + delay_ms - 1),
                     HEC_TARGET_UNKNOWN);
    }
    cr_expect_eq(hec_head_target(head, HEC_CARD_AUTH, HEC_VERDICT_FRAUD, "04", event_ms,
                                 event_ms + delay_ms),
                 HEC_TARGET_POSITIVE);
    cr_expect_eq(
        hec_head_target(head, HEC_CARD_AUTH, HEC_VERDICT_NONE, NULL, event_ms, event_ms + delay_ms),
        HEC_TARGET_NEGATIVE);
    cr_expect_eq(hec_head_target(head, HEC_CARD_AUTH, HEC_VERDICT_NONE, NULL, INT64_MAX, 0),
                 HEC_TARGET_UNKNOWN, "no overflow");
}

Test(head, can_count_other_heads_crimes_as_negatives)
{
    struct hec_head head = hec_default_heads[CARD];
    head.others_are_negative = true;
    cr_expect_eq(hec_head_target(&head, HEC_CARD_AUTH, HEC_VERDICT_FRAUD, "05", 0, INT64_MAX),
                 HEC_TARGET_NEGATIVE);
    cr_expect_eq(hec_head_target(&head, HEC_CARD_AUTH, HEC_VERDICT_FRAUD, "04", 0, INT64_MAX),
                 HEC_TARGET_POSITIVE);
}

Test(head, judges_no_event_that_only_moves_state)
{
    for (int head = 0; head < HEC_DEFAULT_HEADS; head++) {
        for (int type = HEC_LABEL; type < HEC_EVENT_TYPES; type++) {
            cr_expect_eq(matured(head, type, HEC_VERDICT_FRAUD, "04"), HEC_TARGET_NOT_APPLICABLE);
        }
        cr_expect_eq(matured(head, -1, HEC_VERDICT_NONE, NULL), HEC_TARGET_NOT_APPLICABLE);
        cr_expect_eq(matured(head, 99, HEC_VERDICT_NONE, NULL), HEC_TARGET_NOT_APPLICABLE);
    }
}

Test(head, turns_a_score_into_0_to_999)
{
    cr_expect_eq(hec_score_999(0), 0);
    cr_expect_eq(hec_score_999(1), 999);
    cr_expect_eq(hec_score_999(0.9999999f), 999);
    cr_expect_eq(hec_score_999(0.5f), 500);
    cr_expect_eq(hec_score_999(0.0015f), 1);
    cr_expect_eq(hec_score_999(-1), 0);
    cr_expect_eq(hec_score_999(0.0f / 0.0f), 0);
}
