/* The board: a reader holds what it took until it looks again, and nothing is freed under it. */
#include "ops/board.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static struct hec_lists *lists_of(const char *token)
{
    struct hec_lists *lists;
    struct hec_list_entry entry = { HEC_CARD, true, HEC_ACTION_BLOCK, 0, token, token };
    cr_assert_eq(hec_lists_new(&lists, &entry, 1), HEC_OK);
    return lists;
}

static const struct hec_list_entry *look(const struct hec_board_hold *hold, const char *token)
{
    struct hec_event event = { .present = UINT64_C(1) << HEC_F_CARD_TOKEN };
    event.value[HEC_F_CARD_TOKEN].text = hec_text_of(token);
    return hec_lists_find(hec_board_lists(hold), &event);
}

Test(board, shows_what_is_up_when_a_reader_looks)
{
    struct hec_board *board;
    struct hec_board_hold hold = { 0 }, other = { 0 };
    cr_assert_eq(hec_board_new(&board), HEC_OK);
    hec_board_follow(board, &hold);
    cr_expect_null(hec_board_lists(&hold));
    cr_assert_eq(hec_board_put(board, lists_of("a")), HEC_OK);
    cr_expect_null(hec_board_lists(&hold), "not before it looks");
    hec_board_follow(board, &hold);
    cr_expect_not_null(look(&hold, "a"));
    cr_assert_eq(hec_board_put(board, lists_of("b")), HEC_OK);
    hec_board_follow(board, &other);
    cr_expect_not_null(look(&hold, "a"), "what it holds stays");
    cr_expect_null(look(&other, "a"));
    cr_expect_not_null(look(&other, "b"));
    hec_board_follow(board, &hold);
    cr_expect_null(look(&hold, "a"));
    hec_board_let_go(board, &hold);
    hec_board_let_go(board, &other);
    hec_board_free(board);
}

static atomic_bool done;

static void *read_on(void *context)
{
    struct hec_board_hold hold = { 0 };
    int64_t found = 0;
    while (!atomic_load(&done)) {
        hec_board_follow(context, &hold);
        for (int i = 0; i < 50 && hec_board_lists(&hold) != NULL; i++) {
            const struct hec_list_entry *entry = look(&hold, "same");
            found += entry != NULL && strcmp(entry->reason, "same") == 0 ? 0 : 1;
        }
    }
    hec_board_let_go(context, &hold);
    return (void *)(intptr_t)found;
}

/* What is read is whole, however often it changes; AddressSanitizer sees the rest. */
Test(board, is_changed_while_others_read)
{
    struct hec_board *board;
    pthread_t readers[3];
    cr_assert_eq(hec_board_new(&board), HEC_OK);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(pthread_create(&readers[i], NULL, read_on, board), 0);
    }
    for (int i = 0; i < 2000; i++) {
        cr_assert_eq(hec_board_put(board, lists_of("same")), HEC_OK);
    }
    atomic_store(&done, true);
    for (int i = 0; i < 3; i++) {
        void *wrong;
        pthread_join(readers[i], &wrong);
        cr_expect_null(wrong);
    }
    hec_board_free(board);
}
