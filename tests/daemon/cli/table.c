/* Tables: numbers, categories and labels go where the heads file says. */
#include "cli/table.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct hec_heads_file heads;
static struct hec_error error;

static const char *write_file(const char *text)
{
    static char path[] = "/tmp/hecate-table-XXXXXX";
    strcpy(path, "/tmp/hecate-table-XXXXXX");
    int file = mkstemp(path);
    cr_assert_geq(file, 0);
    cr_assert_eq(write(file, text, strlen(text)), (ssize_t)strlen(text));
    close(file);
    return path;
}

static enum hec_status read_text(struct hec_table *table, const char *text,
                                 const struct hec_table *like)
{
    const char *path = write_file(text);
    enum hec_status status = hec_table_read(table, path, &heads, like, &error);
    unlink(path);
    return status;
}

static void set_up(void)
{
    cr_assert_eq(hec_heads_text_parse("table { numeric = {age} ignore = {id} }\n"
                                      "head rich { column = class values = {high, top} }\n"
                                      "head odd { kind = novelty }",
                                      &heads, &error),
                 HEC_OK, "%s", error.text);
}

Test(table, reads_numbers_that_are_to_be_learned)
{
    struct hec_table table;
    cr_assert_eq(hec_heads_text_parse("table { numeric = {age} }\n"
                                      "head rent { kind = regression column = rent }",
                                      &heads, &error),
                 HEC_OK, "%s", error.text);
    cr_assert_eq(read_text(&table, "age,rent\n1,700.5\n2,\n3,much\n", NULL), HEC_OK, "%s",
                 error.text);
    cr_assert(table.rows == 3 && table.numerics == 1 && table.categories == 0);
    cr_expect(table.targets[0] == HEC_TARGET_POSITIVE && table.values[0] == 700.5f);
    cr_expect(table.targets[1] == HEC_TARGET_UNKNOWN && table.targets[2] == HEC_TARGET_UNKNOWN);
    hec_table_free(&table);
}

#define TEXT "id,age,job,class\n1,30,cook,low\n2,,cook,top\n3,x,,high\n4,41,smith,\n"

Test(table, reads_numbers_categories_and_labels, .init = set_up)
{
    struct hec_table table;
    cr_assert_eq(read_text(&table, TEXT, NULL), HEC_OK, "%s", error.text);
    cr_assert(table.rows == 4 && table.numerics == 1 && table.categories == 1);
    cr_expect_str_eq(table.names[0], "age");
    cr_expect_str_eq(table.names[1], "job");
    cr_expect_eq(table.numeric[0], 30);
    cr_expect(isnan(table.numeric[1]) && isnan(table.numeric[2]), "no number: missing");
    cr_expect_eq(table.category[0], table.category[1]);
    cr_expect_neq(table.category[0], table.category[3]);
    cr_expect_eq(table.category[2], 0u, "an empty cell is absent");
    const int8_t expected[] = { HEC_TARGET_NEGATIVE, HEC_TARGET_POSITIVE, HEC_TARGET_POSITIVE,
                                HEC_TARGET_UNKNOWN };
    for (int row = 0; row < 4; row++) {
        cr_expect_eq(table.targets[row * 2], expected[row], "row %d", row);
        cr_expect_eq(table.targets[row * 2 + 1], HEC_TARGET_UNKNOWN, "novelty has no label");
    }
    hec_table_free(&table);
}

Test(table, takes_columns_in_the_order_of_another_one, .init = set_up)
{
    struct hec_table one, two;
    cr_assert_eq(read_text(&one, TEXT, NULL), HEC_OK);
    cr_assert_eq(read_text(&two, "class,job,extra,age\ntop,cook,z,30\n", &one), HEC_OK);
    cr_expect(two.numerics == 1 && two.categories == 1);
    cr_expect_eq(two.category[0], one.category[0]);
    cr_expect_eq(two.numeric[0], one.numeric[0]);
    hec_table_free(&two);
    cr_expect_eq(read_text(&two, "class,age\ntop,30\n", &one), HEC_INVALID);
    cr_expect_not_null(strstr(error.text, "no column \"job\""), "%s", error.text);
    hec_table_free(&two);
    cr_expect_eq(read_text(&two, "age,job\n1,cook\n", NULL), HEC_INVALID);
    cr_expect_not_null(strstr(error.text, "no column \"class\""), "%s", error.text);
    hec_table_free(&two);
    hec_table_free(&one);
}
