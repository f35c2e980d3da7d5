/*
 * Who is allowed or denied, as people keep it: entries with a reason, an end and an author, in a
 * file of lines or on a compacted topic. What engines look things up in is built from it.
 *
 *   {"list":"deny","kind":"card","token":"c_8f14","reason":"stolen","outcome":"block",
 *    "until_ms":1795429535081,"actor":"ann","at_ms":1795342935081}
 *
 * A line of the file and a record's value are the same; a record's key is "card:c_8f14", and a
 * record without a value takes the entity off. An entity is on one list or on none. until_ms may
 * be absent: no end. outcome is block (default) or review, of denied ones. Entities are known by
 * tokens: an entry with what may be a raw card number is refused.
 *
 * One thread; the desk's.
 */
#ifndef HECATE_OPS_ROSTER_H
#define HECATE_OPS_ROSTER_H

#include <stddef.h>
#include <stdint.h>

#include "hecate/lists.h"
#include "hecate/status.h"

#define HEC_ROSTER_ACTOR_MAX 64
#define HEC_ROSTER_LINE_MAX 2048

/* One entry. What hec_list_entry borrows lies behind it. */
struct hec_roster_entry {
    struct hec_list_entry entry;
    char key[HEC_TOKEN_BYTES_MAX + 16]; /* "card:c_8f14" */
    char token[HEC_TOKEN_BYTES_MAX + 1], reason[HEC_LIST_REASON_MAX + 1];
    char actor[HEC_ROSTER_ACTOR_MAX];
    int64_t at_ms;
};

struct hec_roster;

/** An empty one. @return HEC_OK, HEC_NO_MEMORY */
HEC_CHECKED enum hec_status hec_roster_new(struct hec_roster **ret);
/** Accepts NULL. */
void hec_roster_free(struct hec_roster *roster);

/** Understands one line or value. @return HEC_OK; HEC_CARD_NUMBER, HEC_INVALID with a sentence that
 * repeats nothing of it */
HEC_CHECKED enum hec_status hec_roster_understand(struct hec_roster_entry *entry, const char *json,
                                                  size_t length, struct hec_error *error);

/** Writes an entry as one line without its end; returns the length. */
size_t hec_roster_write(char line[HEC_ROSTER_LINE_MAX], const struct hec_roster_entry *entry);

/** Puts an entry on, in place of an older one of the same entity. @return HEC_OK, HEC_NO_MEMORY */
HEC_CHECKED enum hec_status hec_roster_put(struct hec_roster *roster,
                                           const struct hec_roster_entry *entry);
/** Takes an entity off; false when it was not on. */
bool hec_roster_remove(struct hec_roster *roster, const char *key);
/** The entry of an entity; NULL when it is on no list. */
const struct hec_roster_entry *hec_roster_find(const struct hec_roster *roster, const char *key);

/** Calls see for each, in the order of their keys. */
void hec_roster_each(const struct hec_roster *roster,
                     void (*see)(void *context, const struct hec_roster_entry *entry),
                     void *context);
size_t hec_roster_count(const struct hec_roster *roster, bool deny);

/** Reads a file over the roster; one that does not exist is empty.
 * @return HEC_OK, HEC_CARD_NUMBER or HEC_INVALID (file:line and why; the roster may hold a part),
 *         or of the file */
HEC_CHECKED enum hec_status hec_roster_load(struct hec_roster *roster, const char *path,
                                            struct hec_error *error);
/** Writes it to the file, whole or not at all. @return those of hec_output_open and _close */
HEC_CHECKED enum hec_status hec_roster_save(const struct hec_roster *roster, const char *path,
                                            struct hec_error *error);

/** What engines look things up in: the entries of both, those of over counting more.
 * @param over  may be NULL
 * @return HEC_OK, HEC_NO_MEMORY, HEC_TOO_LARGE */
HEC_CHECKED enum hec_status hec_roster_lists(struct hec_lists **ret,
                                             const struct hec_roster *roster,
                                             const struct hec_roster *over);

#endif
