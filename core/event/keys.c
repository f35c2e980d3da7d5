/*
 * Known keys in a small hash table that is filled once; other keys in a set, for duplicates.
 */
#include "event/keys.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void put(struct hec_keys *keys, const char *name, size_t length, unsigned group,
                unsigned slot)
{
    assert(length <= UINT8_MAX);
    unsigned at = (unsigned)XXH3_64bits(name, length) % HEC_KEY_ROWS;
    while (keys->rows[at].name != NULL) {
        at = (at + 1) % HEC_KEY_ROWS;
    }
    keys->rows[at] = (struct hec_key){
        .name = name, .length = (uint8_t)length, .group = (uint8_t)group, .slot = (uint8_t)slot
    };
}

/* The group of the object with this key, made when it is new. */
static unsigned group_of(struct hec_keys *keys, const char *name, size_t length,
                         enum hec_field field)
{
    unsigned slot = hec_keys_slot(keys, 0, name, length, XXH3_64bits(name, length));
    if (slot == HEC_SLOT_NONE) {
        assert(keys->groups < HEC_GROUPS_MAX);
        slot = HEC_SLOT_GROUP + (unsigned)keys->groups;
        keys->group_first[keys->groups] = field;
        keys->groups++;
        put(keys, name, length, 0, slot);
    }
    return slot - HEC_SLOT_GROUP + 1;
}

void hec_keys_make(struct hec_keys *keys)
{
    memset(keys, 0, sizeof(*keys));
    put(keys, "event_type", strlen("event_type"), 0, HEC_SLOT_TYPE);
    put(keys, "schema_version", strlen("schema_version"), 0, HEC_SLOT_VERSION);
    for (int field = 0; field < HEC_FIELDS; field++) {
        const char *path = hec_field_info(field)->path;
        const char *dot = strchr(path, '.');
        unsigned group = dot == NULL ? 0 : group_of(keys, path, (size_t)(dot - path), field);
        const char *name = dot == NULL ? path : dot + 1;
        if (group > 0) {
            keys->group_may_on[group - 1] |= hec_field_info(field)->may_on;
        }
        put(keys, name, strlen(name), group, (unsigned)field);
    }
}

bool hec_key_set_make(struct hec_key_set *set, size_t record_bytes_max)
{
    /* A member takes five bytes at least ("":0,), so three quarters of the rows stay free. */
    size_t rows = 64;
    while (rows < record_bytes_max) {
        rows *= 2;
    }
    assert(rows <= UINT32_MAX);
    set->rows = calloc(rows, sizeof(*set->rows));
    set->mask = (uint32_t)(rows - 1);
    set->stamp = 0;
    return set->rows != NULL;
}

void hec_key_set_free(struct hec_key_set *set)
{
    free(set->rows);
}

void hec_key_set_start(struct hec_key_set *set)
{
    set->stamp++;
    if (set->stamp == 0) {
        memset(set->rows, 0, ((size_t)set->mask + 1) * sizeof(*set->rows));
        set->stamp = 1;
    }
}

bool hec_key_set_add(struct hec_key_set *set, const char *bytes, size_t length, uint64_t hash)
{
    uint32_t at = (uint32_t)hash & set->mask;
    while (set->rows[at].stamp == set->stamp) {
        if (set->rows[at].length == length && memcmp(set->rows[at].bytes, bytes, length) == 0) {
            return false;
        }
        at = (at + 1) & set->mask;
    }
    set->rows[at] = (struct hec_key_seen){ bytes, (uint32_t)length, set->stamp };
    return true;
}
