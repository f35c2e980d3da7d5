/* Lists: the right entity and no other, deny before allow, an end by event time. */
#include "hecate/lists.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "hecate/random.h"
#include "sample.h"

static const struct hec_list_entry *look(const struct hec_list_entry *entries, size_t count)
{
    static struct hec_lists *lists;
    static struct sample sample;
    hec_lists_free(lists);
    cr_assert_eq(hec_lists_new(&lists, entries, count), HEC_OK);
    sample_make(&sample, HEC_CARD_AUTH, 0);
    return hec_lists_find(lists, &sample.event);
}

static struct hec_list_entry deny(enum hec_kind kind, const char *token)
{
    return (struct hec_list_entry){ kind, true, HEC_ACTION_BLOCK, 0, token, "stolen" };
}

static struct hec_list_entry allow(enum hec_kind kind, const char *token)
{
    return (struct hec_list_entry){ kind, false, HEC_ACTION_ALLOW, 0, token, "ours" };
}

Test(lists, find_an_entity_of_the_event_by_kind_and_token)
{
    cr_expect_null(look(NULL, 0));
    struct hec_list_entry entry = deny(HEC_CARD, "c_8f");
    const struct hec_list_entry *found = look(&entry, 1);
    cr_assert_not_null(found);
    cr_expect_str_eq(found->token, "c_8f");
    cr_expect_str_eq(found->reason, "stolen");
    cr_expect(found->deny);
    entry = deny(HEC_DEVICE, "c_8f");
    cr_expect_null(look(&entry, 1));
    entry = deny(HEC_CARD, "c_8");
    cr_expect_null(look(&entry, 1));
    entry = deny(HEC_MERCHANT, "m1");
    cr_expect_not_null(look(&entry, 1));
    entry = deny(HEC_PAYEE, "m1");
    cr_expect_null(look(&entry, 1));
}

Test(lists, put_a_denied_entity_before_an_allowed_one)
{
    struct hec_list_entry entries[] = { allow(HEC_USER, "u_\"1\\"),
                                        deny(HEC_IP_ADDRESS, "240.0.87.157") };
    cr_expect(look(entries, 2)->deny);
    struct hec_list_entry turned[] = { deny(HEC_USER, "u_\"1\\"),
                                       allow(HEC_IP_ADDRESS, "240.0.87.157") };
    cr_expect(look(turned, 2)->deny);
}

Test(lists, let_the_later_of_two_entries_count)
{
    struct hec_list_entry entries[] = { deny(HEC_CARD, "c_8f"), allow(HEC_CARD, "c_8f") };
    cr_expect_not(look(entries, 2)->deny);
}

Test(lists, end_an_entry_by_event_time)
{
    struct hec_list_entry entry = deny(HEC_CARD, "c_8f");
    entry.until_ms = SAMPLE_MS + 1;
    cr_expect_not_null(look(&entry, 1));
    entry.until_ms = SAMPLE_MS;
    cr_expect_null(look(&entry, 1));
}

Test(lists, cut_a_reason_and_keep_a_missing_one_empty)
{
    char reason[500];
    memset(reason, 'r', sizeof(reason) - 1);
    reason[499] = '\0';
    struct hec_list_entry entry = deny(HEC_CARD, "c_8f");
    entry.reason = reason;
    cr_expect_eq(strlen(look(&entry, 1)->reason), HEC_LIST_REASON_MAX);
    entry.reason = NULL;
    cr_expect_str_eq(look(&entry, 1)->reason, "");
}

Test(lists, agree_with_a_scan_of_many)
{
    enum { COUNT = 5000 };
    static struct hec_list_entry entries[COUNT];
    static char tokens[COUNT][16];
    struct hec_random random = hec_random_at(5, 0);
    for (int i = 0; i < COUNT; i++) {
        snprintf(tokens[i], sizeof(tokens[i]), "t%d", (int)hec_random_below(&random, 20000));
        entries[i] = deny(hec_random_below(&random, 2) == 0 ? HEC_CARD : HEC_USER, tokens[i]);
    }
    struct hec_lists *lists;
    cr_assert_eq(hec_lists_new(&lists, entries, COUNT), HEC_OK);
    for (int i = 0; i < 20000; i++) {
        char token[16];
        snprintf(token, sizeof(token), "t%d", i);
        struct hec_event event = { .present = UINT64_C(1) << HEC_F_CARD_TOKEN };
        event.value[HEC_F_CARD_TOKEN].text = hec_text_of(token);
        bool listed = false;
        for (int e = 0; e < COUNT && !listed; e++) {
            listed = entries[e].kind == HEC_CARD && strcmp(entries[e].token, token) == 0;
        }
        cr_assert_eq(hec_lists_find(lists, &event) != NULL, listed, "seed 5, %s", token);
    }
    hec_lists_free(lists);
}
