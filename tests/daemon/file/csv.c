/* CSV: RFC 4180 as it stands, and a line number for everything that is not. */
#include "file/csv.h"

#include "scratch.h"

TestSuite(csv, .init = scratch_make, .fini = scratch_remove);

static struct hec_csv *open_csv(const char *text)
{
    struct hec_csv *csv = NULL;
    struct hec_error error = { 0 };
    cr_assert_eq(hec_csv_open(&csv, scratch_text("a.csv", text), &error), HEC_OK, "%s", error.text);
    return csv;
}

static void expect_row(struct hec_csv *csv, const char *first, const char *second, uint64_t line)
{
    const char *const *cells = NULL;
    struct hec_error error = { 0 };
    cr_assert_eq(hec_csv_next(csv, &cells, &error), HEC_OK, "%s", error.text);
    cr_expect_str_eq(cells[0], first);
    cr_expect_str_eq(cells[1], second);
    cr_expect_eq(hec_csv_line(csv), line, "%s", first);
}

static void expect_invalid(const char *text, const char *where)
{
    struct hec_csv *csv = NULL;
    struct hec_error error = { 0 };
    enum hec_status status = hec_csv_open(&csv, scratch_text("a.csv", text), &error);
    const char *const *cells;
    while (status == HEC_OK) {
        status = hec_csv_next(csv, &cells, &error);
    }
    cr_expect_eq(status, HEC_INVALID, "%s", text);
    cr_expect_not_null(strstr(error.text, where), "%s: %s", where, error.text);
    hec_csv_free(csv);
}

Test(csv, reads_plain_quoted_and_many_line_cells)
{
    struct hec_csv *csv =
        open_csv("a,b\r\n1,2\r\n\"x,\"\"y\"\"\",\" z \"\r\n\"two\nlines\",\n,last");
    cr_expect_eq(hec_csv_columns(csv), 2);
    cr_expect_eq(hec_csv_column(csv, "b"), 1);
    cr_expect_eq(hec_csv_column(csv, "c"), -1);
    cr_expect_str_eq(hec_csv_name(csv, 0), "a");
    expect_row(csv, "1", "2", 2);
    expect_row(csv, "x,\"y\"", " z ", 3);
    expect_row(csv, "two\nlines", "", 4);
    expect_row(csv, "", "last", 6);
    const char *const *cells;
    cr_expect_eq(hec_csv_next(csv, &cells, NULL), HEC_END);
    cr_expect_eq(hec_csv_next(csv, &cells, NULL), HEC_END);
    hec_csv_free(csv);
}

Test(csv, keeps_spaces_and_passes_over_blank_lines)
{
    struct hec_csv *csv = open_csv("a,b\n\n 1 ,2\n");
    expect_row(csv, " 1 ", "2", 3);
    hec_csv_free(csv);
}

Test(csv, tells_the_line_of_what_breaks_the_rules)
{
    expect_invalid("a,b\n1,2\n3\n", "a.csv:3");
    expect_invalid("a,b\n1,2,3\n", "a.csv:2");
    expect_invalid("a,b\n1,x\"y\n", "a.csv:2");
    expect_invalid("a,b\n1,\"y\"z\n", "a.csv:2");
    expect_invalid("a,b\n1,2\n1,\"y\n", "a.csv:3");
    expect_invalid("a,a\n", "twice");
    expect_invalid("", "empty");
}

Test(csv, reads_more_rows_than_a_block_holds)
{
    enum { ROWS = 100000 };
    char *text = malloc(ROWS * 20 + 10), *to = text;
    to += sprintf(to, "a,b\n");
    for (int i = 0; i < ROWS; i++) {
        to += sprintf(to, i % 3 == 0 ? "\"%d\",x%d\r\n" : "%d,x%d\n", i, i);
    }
    struct hec_csv *csv = open_csv(text);
    for (int i = 0; i < ROWS; i++) {
        char first[20], second[20];
        snprintf(first, sizeof(first), "%d", i);
        snprintf(second, sizeof(second), "x%d", i);
        expect_row(csv, first, second, (uint64_t)i + 2);
    }
    hec_csv_free(csv);
    free(text);
}
