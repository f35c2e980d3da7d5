/* Kinds: two owned, six shared, each with its name and the field of its token. */
#include <criterion/criterion.h>
#include <string.h>

#include "hecate/entity.h"

Test(kind, finds_every_kind_by_its_own_name)
{
    for (int kind = 0; kind < HEC_KINDS; kind++) {
        const char *name = hec_kind_info((enum hec_kind)kind)->name;
        cr_expect_eq(hec_kind_named(name, strlen(name)), kind, "%s", name);
        cr_expect_eq(hec_kind_named(name, strlen(name) - 1), HEC_KINDS, "a part of %s", name);
    }
    cr_expect_eq(hec_kind_named("bank", 4), HEC_KINDS);
    cr_expect_eq(hec_kind_named("", 0), HEC_KINDS);
}

Test(kind, owns_user_and_card_and_no_other)
{
    for (int kind = 0; kind < HEC_KINDS; kind++) {
        cr_expect_eq(hec_kind_info((enum hec_kind)kind)->owned,
                     kind == HEC_USER || kind == HEC_CARD);
    }
}

Test(kind, takes_its_token_from_a_token_field)
{
    for (int kind = 0; kind < HEC_KINDS; kind++) {
        enum hec_field field = hec_kind_info((enum hec_kind)kind)->field;
        cr_expect_eq(hec_field_info(field)->kind, HEC_TOKEN);
    }
    cr_expect_eq(hec_kind_info(HEC_PAYEE)->field, HEC_F_CREDITOR_TOKEN);
    cr_expect_eq(hec_kind_info(HEC_IP_ADDRESS)->field, HEC_F_IP);
}
