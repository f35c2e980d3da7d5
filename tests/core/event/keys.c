/* Keys: every path finds its slot, in its own object only, and a set forgets when it is told to. */
#include "event/keys.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct hec_keys keys;

static unsigned slot(unsigned group, const char *name)
{
    return hec_keys_slot(&keys, group, name, strlen(name), XXH3_64bits(name, strlen(name)));
}

Test(keys, finds_every_field_in_its_own_object)
{
    hec_keys_make(&keys);
    for (int field = 0; field < HEC_FIELDS; field++) {
        char path[256];
        snprintf(path, sizeof(path), "%s", hec_field_info(field)->path);
        char *dot = strchr(path, '.');
        if (dot == NULL) {
            cr_expect_eq(slot(0, path), (unsigned)field, "%s", path);
            cr_expect_eq(slot(1, path), HEC_SLOT_NONE, "%s inside an object", path);
            continue;
        }
        *dot = '\0';
        unsigned group = slot(0, path) - HEC_SLOT_GROUP + 1;
        cr_assert(group >= 1 && group <= (unsigned)keys.groups, "%s", path);
        cr_expect_eq(slot(group, dot + 1), (unsigned)field, "%s", dot + 1);
        cr_expect(keys.group_may_on[group - 1] & hec_field_info(field)->may_on);
    }
    cr_expect_eq(slot(0, "event_type"), HEC_SLOT_TYPE);
    cr_expect_eq(slot(0, "schema_version"), HEC_SLOT_VERSION);
    cr_expect_eq(slot(0, "geo.lat"), HEC_SLOT_NONE);
    cr_expect_eq(slot(0, ""), HEC_SLOT_NONE);
}

static bool add(struct hec_key_set *set, const char *name)
{
    return hec_key_set_add(set, name, strlen(name), XXH3_64bits(name, strlen(name)));
}

Test(keys, knows_a_key_again_until_the_set_is_started_anew)
{
    struct hec_key_set set;
    cr_assert(hec_key_set_make(&set, 100));
    for (int round = 0; round < 3; round++) {
        hec_key_set_start(&set);
        cr_expect(add(&set, "a"));
        cr_expect(add(&set, "b"));
        cr_expect(add(&set, ""));
        cr_expect_not(add(&set, "a"));
        cr_expect_not(add(&set, ""));
    }
    set.stamp = UINT32_MAX; /* the stamps begin again: old rows must not come back to life */
    hec_key_set_start(&set);
    cr_expect_eq(set.stamp, 1u);
    cr_expect(add(&set, "a"));
    hec_key_set_free(&set);
}

Test(keys, tells_keys_with_one_hash_apart)
{
    struct hec_key_set set;
    cr_assert(hec_key_set_make(&set, 100));
    hec_key_set_start(&set);
    cr_expect(hec_key_set_add(&set, "left", 4, 7));
    cr_expect(hec_key_set_add(&set, "gate", 4, 7));
    cr_expect(hec_key_set_add(&set, "gat", 3, 7));
    cr_expect_not(hec_key_set_add(&set, "gate", 4, 7));
    hec_key_set_free(&set);
}
