/*
 * Allow and deny lists: entities about which somebody has decided already.
 *
 * deny: every event of the entity is blocked, or sent to review, whatever the score. allow: none of
 * its events raises an alert; what would have been one is counted. Where an event carries both, the
 * denied entity counts. An entry may have an end, in event time.
 *
 * A set is built whole and never changed, so that it may be shared by threads; whoever changes the
 * lists builds the next one.
 */
#ifndef HECATE_LISTS_H
#define HECATE_LISTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hecate/decide.h"
#include "hecate/entity.h"
#include "hecate/event.h"
#include "hecate/status.h"

#define HEC_LISTS_MAX 1000000
#define HEC_LIST_REASON_MAX 200

struct hec_list_entry {
    enum hec_kind kind;
    bool deny;              /* else allow */
    enum hec_action action; /* of a denied one: HEC_ACTION_BLOCK or HEC_ACTION_REVIEW */
    int64_t until_ms;       /* event time from which on it no longer counts; 0: no end */
    const char *token;      /* copied by hec_lists_new */
    const char *reason;     /* likewise; cut at HEC_LIST_REASON_MAX */
};

struct hec_lists;

/** Builds a set; of two entries with the same kind and token the later one counts.
 * @return HEC_OK, HEC_TOO_LARGE (more than HEC_LISTS_MAX), HEC_NO_MEMORY */
HEC_CHECKED enum hec_status hec_lists_new(struct hec_lists **ret,
                                          const struct hec_list_entry *entries, size_t count);
/** Accepts NULL. */
void hec_lists_free(struct hec_lists *lists);

size_t hec_lists_count(const struct hec_lists *lists);

/** The entry that decides on the event, a denied one before an allowed one; NULL when none does.
 * Allocates nothing. It is the set's. */
const struct hec_list_entry *hec_lists_find(const struct hec_lists *lists,
                                            const struct hec_event *event);

#endif
