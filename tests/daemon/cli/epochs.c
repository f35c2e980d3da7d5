/* An epoch's line: what is not a number is null, and every pair of heads has its cosine. */
#include "cli/epochs.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

Test(epochs, tell_each_head_and_what_it_has_with_the_others)
{
    const double loss[] = { 0.25, 0.5 }, ap[] = { 0.75, NAN }, log_loss[] = { 0.1, 0.2 };
    const double weight[] = { 1, 0.5 }, norm[] = { 2, NAN }, cosine[] = { NAN, -0.5, -0.5, NAN };
    const struct hec_head heads[] = { { .name = "a" }, { .name = "b" } };
    struct hec_train_progress told = { .epoch = 3,
                                       .heads_count = 2,
                                       .heads = heads,
                                       .loss = loss,
                                       .valid_ap = ap,
                                       .valid_loss = log_loss,
                                       .monitor = 0.75,
                                       .best = true,
                                       .weight = weight,
                                       .gradient_norm = norm,
                                       .cosine = cosine,
                                       .conflict_share = 0.125 };
    char *line = hec_epoch_line(&told);
    yyjson_doc *doc = yyjson_read(line, strlen(line), 0);
    yyjson_val *root = yyjson_doc_get_root(doc);
    cr_assert_not_null(root, "%s", line);
    cr_expect_eq(line[strlen(line) - 1], '\n');
    cr_expect_eq(yyjson_get_int(yyjson_obj_get(root, "epoch")), 3);
    cr_expect_eq(yyjson_get_real(yyjson_obj_get(root, "conflict_share")), 0.125);
    yyjson_val *a = yyjson_ptr_get(root, "/heads/a"), *b = yyjson_ptr_get(root, "/heads/b");
    cr_expect_eq(yyjson_get_real(yyjson_obj_get(a, "loss")), 0.25);
    cr_expect_eq(yyjson_get_real(yyjson_obj_get(b, "weight")), 0.5);
    cr_expect_eq(yyjson_get_real(yyjson_ptr_get(a, "/cosine/b")), -0.5);
    cr_expect(yyjson_is_null(yyjson_obj_get(b, "gradient_norm")));
    cr_expect(yyjson_is_null(yyjson_obj_get(b, "valid_average_precision")));
    cr_expect_null(yyjson_ptr_get(a, "/cosine/a"), "none with itself");
    yyjson_doc_free(doc);
    free(line);
}
