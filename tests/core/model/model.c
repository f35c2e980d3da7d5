/* A model made by hand: what columns and heads it accepts, and what it keeps of them. */
#include "model/model.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = { "a", "b", "c" };

static enum hec_status make(int numerics, int categories, const struct hec_head *heads, int count,
                            struct hec_error *error)
{
    struct hec_model *model = NULL;
    const struct hec_columns columns = { numerics, categories, names, names + 2, "text", "digest" };
    enum hec_status status = hec_model_make(&model, &columns, heads, count, error);
    cr_expect_eq(status == HEC_OK, model != NULL);
    hec_model_free(model);
    return status;
}

Test(model, refuses_columns_and_heads_that_cannot_be)
{
    struct hec_error error;
    struct hec_head heads[9];
    for (int i = 0; i < 9; i++) {
        heads[i] = hec_default_heads[0];
        heads[i].name[0] = (char)('a' + i);
    }
    cr_expect_eq(make(2, 1, heads, 8, &error), HEC_OK);
    cr_expect_eq(make(2, 1, heads, 9, &error), HEC_INVALID);
    cr_expect_eq(make(2, 1, heads, 0, &error), HEC_INVALID);
    cr_expect_eq(make(0, 0, heads, 1, &error), HEC_INVALID);
    cr_expect_eq(make(0, 1, heads, 1, &error), HEC_OK, "categories alone are a model");
    cr_expect_eq(make(HEC_MODEL_NUMERICS_MAX + 1, 0, heads, 1, &error), HEC_INVALID);
    cr_expect_eq(make(-1, 2, heads, 1, &error), HEC_INVALID);
    cr_expect_eq(make(1, HEC_MODEL_CATEGORIES_MAX + 1, heads, 1, &error), HEC_INVALID);
    cr_expect_eq(make(3, 1, heads, 1, &error), HEC_INVALID);
    cr_expect(strstr(error.text, "two columns are named 'c'") != NULL, "%s", error.text);

    heads[1] = heads[0];
    cr_expect_eq(make(2, 1, heads, 2, &error), HEC_INVALID, "two heads of one name");
    heads[1].name[0] = '-';
    cr_expect_eq(make(2, 1, heads, 2, &error), HEC_INVALID);
    heads[1].name[0] = '\0';
    cr_expect_eq(make(2, 1, heads, 2, &error), HEC_INVALID);
    memset(heads[1].name, 'x', sizeof(heads[1].name));
    cr_expect_eq(make(2, 1, heads, 2, &error), HEC_INVALID, "a name without an end");
    heads[0].event_types = 0;
    cr_expect_eq(make(2, 1, heads, 1, &error), HEC_INVALID);
}

Test(model, wants_novelty_beside_a_binary_head_and_over_numbers)
{
    struct hec_head heads[3] = { hec_default_heads[2], hec_default_heads[0], hec_default_heads[2] };
    strcpy(heads[2].name, "second");
    cr_expect_eq(make(2, 1, heads, 1, NULL), HEC_INVALID);
    cr_expect_eq(make(2, 1, heads, 2, NULL), HEC_OK);
    cr_expect_eq(make(2, 1, heads, 3, NULL), HEC_INVALID);
    cr_expect_eq(make(0, 1, heads, 2, NULL), HEC_INVALID);
}

Test(model, keeps_its_own_texts_and_finds_the_column_of_each_head)
{
    char name[] = "amount";
    const char *const numeric[] = { name };
    struct hec_model *model;
    const struct hec_head heads[3] = { hec_default_heads[2], hec_default_heads[0],
                                       hec_default_heads[1] };
    const struct hec_columns columns = { 1, 0, numeric, NULL, "text", "digest" };
    cr_assert_eq(hec_model_make(&model, &columns, heads, 3, NULL), HEC_OK);
    name[0] = 'X';
    cr_expect_str_eq(hec_model_info(model)->columns.numeric_names[0], "amount");
    cr_expect_str_eq(hec_model_info(model)->columns.schema_text, "text");
    cr_expect(model->logit_of[0] == -1 && model->logit_of[1] == 0 && model->logit_of[2] == 1);
    cr_expect_eq(model->shape.heads, 2);
    cr_expect_eq(model->shape.bottleneck, 8);
    cr_expect_gt(model->thresholds[1], 1.0f, "no alert before somebody chose a threshold");

    model->scaler.had_missing[0] = 1;
    cr_assert_eq(hec_model_shape(model), HEC_OK);
    cr_expect_eq(model->shape.indicators, 1);
    cr_expect_eq((size_t)model->parameters % 64, 0u);
    cr_assert_eq(hec_model_settle(model), HEC_OK);
    cr_assert_eq(hec_model_settle(model), HEC_OK, "twice does no harm");
    hec_model_free(model);
    hec_model_free(NULL);
}
