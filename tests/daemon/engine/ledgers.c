/* Ledgers go the way of their offsets: sent, settled, and back when the commit broke. */
#include "engine/ledgers.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define DAY_MS INT64_C(86400000)

static void spend(struct hec_ledgers *ledgers, int32_t partition, int times)
{
    struct hec_ledger *now = hec_ledgers_now(ledgers, partition);
    hec_ledger_event(now, 20000 * DAY_MS + 1000);
    for (int i = 0; i < times; i++) {
        hec_ledger_spend(now, 0, 1000, 500, true);
    }
}

static uint32_t used(struct hec_ledgers *ledgers, int32_t partition)
{
    return hec_ledgers_now(ledgers, partition)->heads[0].used;
}

Test(ledgers, go_back_to_what_was_committed)
{
    struct hec_ledgers *ledgers;
    char metadata[4000] = "epoch=3";
    cr_assert_eq(hec_ledgers_new(&ledgers, 2), HEC_OK);
    spend(ledgers, 1, 5);
    cr_expect(hec_ledgers_send(ledgers, 1, metadata + 7, sizeof(metadata) - 7));
    spend(ledgers, 1, 2); /* while the commit is under way */
    hec_ledgers_settle(ledgers, 1);
    cr_expect_eq(used(ledgers, 1), 7);
    spend(ledgers, 1, 4);
    cr_expect(hec_ledgers_send(ledgers, 1, metadata + 7, sizeof(metadata) - 7));
    hec_ledgers_rewind(ledgers, 1); /* it broke */
    cr_expect_eq(used(ledgers, 1), 5);
    cr_expect_eq(used(ledgers, 0), 0);
    hec_ledgers_free(ledgers);
}

Test(ledgers, go_on_in_another_process_from_the_metadata)
{
    struct hec_ledgers *first, *next;
    char metadata[4000] = "epoch=3 state=0123456789abcdef";
    size_t length = strlen(metadata);
    cr_assert_eq(hec_ledgers_new(&first, 1), HEC_OK);
    cr_assert_eq(hec_ledgers_new(&next, 1), HEC_OK);
    spend(first, 0, 9);
    cr_expect(hec_ledgers_send(first, 0, metadata + length, sizeof(metadata) - length));
    hec_ledgers_open(next, 0, metadata);
    cr_expect_eq(used(next, 0), 9);
    cr_expect_eq(
        memcmp(hec_ledgers_now(first, 0), hec_ledgers_now(next, 0), sizeof(struct hec_ledger)), 0);
    hec_ledgers_rewind(next, 0);
    cr_expect_eq(used(next, 0), 9);
    hec_ledgers_open(next, 0, "epoch=3 state=0123456789abcdef");
    cr_expect_eq(used(next, 0), 0, "metadata of a version without ledgers");
    hec_ledgers_free(first);
    hec_ledgers_free(next);
}

Test(ledgers, say_nothing_where_nothing_was_noted_and_keep_to_their_room)
{
    struct hec_ledgers *ledgers;
    char metadata[64] = "";
    cr_assert_eq(hec_ledgers_new(&ledgers, 1), HEC_OK);
    cr_expect(hec_ledgers_send(ledgers, 0, metadata, sizeof(metadata)));
    cr_expect_str_eq(metadata, "");
    spend(ledgers, 0, 1);
    cr_expect_not(hec_ledgers_send(ledgers, 0, metadata, 10));
    cr_expect_str_eq(metadata, "");
    hec_ledgers_free(ledgers);
}
