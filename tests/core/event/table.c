/* The tables: every row has a name of its own, and names lead back to their rows. */
#include <criterion/criterion.h>
#include <string.h>
#include <xxhash.h>

#include "hecate/event.h"

Test(table, leads_from_every_path_back_to_its_field)
{
    for (int field = 0; field < HEC_FIELDS; field++) {
        const char *path = hec_field_info(field)->path;
        cr_expect_eq(hec_field_named(path, strlen(path)), (enum hec_field)field, "%s", path);
        cr_expect_eq(hec_field_named(path, strlen(path) - 1), HEC_FIELDS, "%s cut", path);
    }
    cr_expect_eq(hec_field_named("", 0), HEC_FIELDS);
}

Test(table, leads_from_every_type_name_back_to_its_type)
{
    for (int type = 0; type < HEC_EVENT_TYPES; type++) {
        const char *name = hec_event_type_name(type);
        cr_expect_eq(hec_event_type_named(name, strlen(name)), (enum hec_event_type)type);
    }
    cr_expect_eq(hec_event_type_named("card_auths", 10), HEC_EVENT_TYPES);
    cr_expect_eq(hec_event_type_named("card_aut", 8), HEC_EVENT_TYPES);
}

Test(table, requires_nothing_where_it_may_not_stand)
{
    for (int field = 0; field < HEC_FIELDS; field++) {
        const struct hec_field_info *info = hec_field_info(field);
        cr_expect_eq(info->must_on & ~info->may_on, 0u, "%s", info->path);
        cr_expect_leq(info->minimum, info->maximum, "%s", info->path);
    }
}

Test(table, has_a_closed_list_for_each_enum_and_for_nothing_else)
{
    for (int field = 0; field < HEC_FIELDS; field++) {
        const struct hec_field_info *info = hec_field_info(field);
        const char *const *values = hec_field_values(field);
        cr_assert_eq(values != NULL, info->kind == HEC_ENUM, "%s", info->path);
        for (; values != NULL && *values != NULL; values++) {
            cr_expect_leq((int64_t)strlen(*values), info->maximum, "%s: %s", info->path, *values);
        }
    }
}

Test(table, hashes_a_text_and_tells_texts_apart)
{
    struct hec_text a = hec_text_of("user-1"), b = hec_text_of("user-1"), c = hec_text_of("user-2");
    cr_expect_eq(a.hash, (uint32_t)XXH3_64bits("user-1", 6));
    cr_expect_eq(a.length, 6u);
    cr_expect(hec_text_equal(&a, &b));
    cr_expect_not(hec_text_equal(&a, &c));
    struct hec_text lie = c; /* an equal hash is not enough */
    lie.hash = a.hash;
    cr_expect_not(hec_text_equal(&a, &lie));
    struct hec_text empty = hec_text_of(""), zero = hec_text_of("");
    cr_expect_null(empty.bytes);
    cr_expect(hec_text_equal(&empty, &zero));
}
