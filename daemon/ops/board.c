#include "ops/board.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct hec_board_sheet {
    struct hec_lists *lists;
    int holders; /* the board itself is one while it is up */
};

struct hec_board {
    pthread_mutex_t lock;
    atomic_uint_least64_t version;
    struct hec_board_sheet *up;
};

enum hec_status hec_board_new(struct hec_board **ret)
{
    struct hec_board *board = calloc(1, sizeof(*board));
    if (board == NULL) {
        return HEC_NO_MEMORY;
    }
    pthread_mutex_init(&board->lock, NULL);
    *ret = board;
    return HEC_OK;
}

/* With the lock. */
static void drop(struct hec_board_sheet *sheet)
{
    if (sheet != NULL && --sheet->holders == 0) {
        hec_lists_free(sheet->lists);
        free(sheet);
    }
}

void hec_board_free(struct hec_board *board)
{
    if (board != NULL) {
        drop(board->up);
        pthread_mutex_destroy(&board->lock);
        free(board);
    }
}

enum hec_status hec_board_put(struct hec_board *board, struct hec_lists *lists)
{
    struct hec_board_sheet *sheet = calloc(1, sizeof(*sheet));
    if (sheet == NULL) {
        hec_lists_free(lists);
        return HEC_NO_MEMORY;
    }
    *sheet = (struct hec_board_sheet){ .lists = lists, .holders = 1 };
    pthread_mutex_lock(&board->lock);
    drop(board->up);
    board->up = sheet;
    atomic_fetch_add_explicit(&board->version, 1, memory_order_release);
    pthread_mutex_unlock(&board->lock);
    return HEC_OK;
}

void hec_board_follow(struct hec_board *board, struct hec_board_hold *hold)
{
    if (atomic_load_explicit(&board->version, memory_order_acquire) == hold->version) {
        return;
    }
    pthread_mutex_lock(&board->lock);
    drop(hold->sheet);
    hold->sheet = board->up;
    hold->sheet->holders++;
    hold->version = atomic_load_explicit(&board->version, memory_order_relaxed);
    pthread_mutex_unlock(&board->lock);
}

void hec_board_let_go(struct hec_board *board, struct hec_board_hold *hold)
{
    pthread_mutex_lock(&board->lock);
    drop(hold->sheet);
    pthread_mutex_unlock(&board->lock);
    *hold = (struct hec_board_hold){ 0 };
}

const struct hec_lists *hec_board_lists(const struct hec_board_hold *hold)
{
    return hold->sheet == NULL ? NULL : hold->sheet->lists;
}
