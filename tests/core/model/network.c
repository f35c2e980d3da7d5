/* Names of a network's parts: all different, found again, and the first is the default. */
#include "hecate/network.h"

#include <criterion/criterion.h>
#include <string.h>

static void expect_names(const char *const *names, int count)
{
    cr_expect_null(names[count]);
    for (int i = 0; i < count; i++) {
        cr_expect_eq(hec_name_find(names, names[i]), i);
    }
    cr_expect_eq(hec_name_find(names, "nothing"), -1);
    cr_expect_eq(hec_name_find(names, ""), -1);
    cr_expect_eq(hec_name_find(names, NULL), -1);
}

Test(network, finds_each_name_and_no_other)
{
    expect_names(hec_arch_names, HEC_ARCHS);
    expect_names(hec_fusion_names, HEC_FUSIONS);
    expect_names(hec_embed_names, HEC_EMBEDS);
}

Test(network, begins_with_the_default)
{
    struct hec_network zero = { 0 };
    cr_expect_str_eq(hec_arch_names[zero.arch], "shared-bottom");
    cr_expect_str_eq(hec_fusion_names[zero.fusion], "none");
    cr_expect_str_eq(hec_embed_names[zero.embed], "periodic");
}
