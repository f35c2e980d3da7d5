/*
 * The keys of an event object: from the bytes of a JSON key to a slot, and whether a key stands
 * twice in one object.
 */
#ifndef HECATE_EVENT_KEYS_H
#define HECATE_EVENT_KEYS_H

#include "event/text.h"

/* A slot is a field, or one of these. Slots are bits of one 64-bit mask. */
enum {
    HEC_SLOT_TYPE = HEC_FIELDS, /* event_type */
    HEC_SLOT_VERSION,           /* schema_version */
    HEC_SLOT_GROUP,             /* the first of HEC_GROUPS_MAX objects with fields inside */
    HEC_GROUPS_MAX = 4,
    HEC_SLOTS = HEC_SLOT_GROUP + HEC_GROUPS_MAX,
    HEC_SLOT_NONE = 255,
};
_Static_assert(HEC_SLOTS <= 64, "slots are bits of one mask");

#define HEC_KEY_ROWS 256 /* at most a quarter is used */

/* One known key. The group is 0 for the event object itself, else 1 + number of its object. */
struct hec_key {
    const char *name; /* not terminated; NULL = free row */
    uint8_t length, group, slot;
};

/* All zero is empty. */
struct hec_keys {
    struct hec_key rows[HEC_KEY_ROWS];
    int groups;
    enum hec_field group_first[HEC_GROUPS_MAX]; /* who is to blame when the object is not one */
    uint32_t group_may_on[HEC_GROUPS_MAX];      /* event types that may carry a field of it */
};

/** Fills the table from HEC_FIELD_TABLE. */
void hec_keys_make(struct hec_keys *keys);

/** The slot of a key in the object of a group; HEC_SLOT_NONE when it is not one of ours. */
static inline unsigned hec_keys_slot(const struct hec_keys *keys, unsigned group, const char *bytes,
                                     size_t length, uint64_t hash)
{
    for (unsigned at = (unsigned)hash % HEC_KEY_ROWS;; at = (at + 1) % HEC_KEY_ROWS) {
        const struct hec_key *row = &keys->rows[at];
        if (row->name == NULL) {
            return HEC_SLOT_NONE;
        }
        if (row->length == length && row->group == group && memcmp(row->name, bytes, length) == 0) {
            return row->slot;
        }
    }
}

/* The keys of one object that are not ours, as an open-addressing set. A stamp a row says to which
 * object it belongs, so that emptying the set costs nothing. */
struct hec_key_set {
    struct hec_key_seen {
        const char *bytes;
        uint32_t length, stamp;
    } * rows;
    uint32_t mask, stamp;
};

/** Room for the keys of any object in a record of so many bytes. False when memory is exhausted. */
bool hec_key_set_make(struct hec_key_set *set, size_t record_bytes_max);
void hec_key_set_free(struct hec_key_set *set);
/** Empties the set. */
void hec_key_set_start(struct hec_key_set *set);
/** False if the key was there already. */
bool hec_key_set_add(struct hec_key_set *set, const char *bytes, size_t length, uint64_t hash);

#endif
