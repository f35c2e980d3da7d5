/* Statuses: every row has a name of its own and a text, and a failure keeps its sentence. */
#include "hecate/status.h"

#include <criterion/criterion.h>
#include <string.h>

Test(status, has_a_stable_name_of_its_own_for_every_row)
{
    for (int i = 0; i < HEC_STATUSES; i++) {
        cr_assert_not_null(hec_status_name(i));
        cr_assert_gt(strlen(hec_status_text(i)), 0u, "row %d", i);
        for (int j = 0; j < i; j++) {
            cr_assert_str_neq(hec_status_name(i), hec_status_name(j), "rows %d and %d", i, j);
        }
    }
}

Test(status, keeps_the_sentence_of_a_failure_and_cuts_a_long_one)
{
    struct hec_error error = { 0 };
    cr_expect_eq(hec_fail(&error, HEC_INVALID, "line %d: no such key", 7), HEC_INVALID);
    cr_expect_str_eq(error.text, "line 7: no such key");
    cr_expect_eq(hec_fail(&error, HEC_CORRUPT, "%0900d", 1), HEC_CORRUPT);
    cr_expect_eq(strlen(error.text), sizeof(error.text) - 1);
}

Test(status, accepts_a_caller_that_does_not_want_the_sentence)
{
    cr_expect_eq(hec_fail(NULL, HEC_FENCED, "ignored"), HEC_FENCED);
}
