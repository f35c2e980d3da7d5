/*
 * The lists in force, on a board that engines look at between two batches: whoever changes the
 * lists puts up a new set, and the old one is freed when the last engine has looked away.
 */
#ifndef HECATE_OPS_BOARD_H
#define HECATE_OPS_BOARD_H

#include <stdint.h>

#include "hecate/lists.h"
#include "hecate/status.h"

struct hec_board;
struct hec_board_sheet;

/* What one reader has in hand. All zero: nothing yet. */
struct hec_board_hold {
    struct hec_board_sheet *sheet;
    uint64_t version;
};

/** An empty board. @return HEC_OK, HEC_NO_MEMORY */
HEC_CHECKED enum hec_status hec_board_new(struct hec_board **ret);
/** After the last reader let go. Accepts NULL. */
void hec_board_free(struct hec_board *board);

/** Puts up a set; takes it over, also on failure. Any thread. @return HEC_OK, HEC_NO_MEMORY */
HEC_CHECKED enum hec_status hec_board_put(struct hec_board *board, struct hec_lists *lists);

/** Takes what is up now in place of what the reader holds. Costs one load when nothing changed. */
void hec_board_follow(struct hec_board *board, struct hec_board_hold *hold);
/** Gives back what the reader holds. */
void hec_board_let_go(struct hec_board *board, struct hec_board_hold *hold);

/** The set in hand; NULL: none was ever put up. */
const struct hec_lists *hec_board_lists(const struct hec_board_hold *hold);

#endif
