/* libcsv calls back for every cell and every row of what it is given. Its input is handed to it one
 * line at a time, so that at most one row comes back a call: the callbacks only collect. */
#include "file/csv.h"

#include <assert.h>
#include <csv.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "file/input.h"

#define BLOCK_BYTES (256 * 1024)

struct hec_csv {
    struct hec_input *input;
    struct csv_parser parser;
    char path[200];
    char *names[HEC_CSV_COLUMNS_MAX];
    int columns;

    uint64_t line, row_line; /* where the splitter is; where the row began */
    bool row_done, ended, too_big;
    int cells_count;
    size_t text_used;
    const char *cells[HEC_CSV_COLUMNS_MAX];
    char text[HEC_CSV_ROW_BYTES_MAX];

    size_t at, have;
    char block[BLOCK_BYTES];
};

static void on_cell(void *bytes, size_t length, void *context)
{
    struct hec_csv *csv = context;
    if (csv->cells_count == HEC_CSV_COLUMNS_MAX || length >= sizeof(csv->text) - csv->text_used) {
        csv->too_big = true;
        return;
    }
    char *cell = csv->text + csv->text_used;
    if (length > 0) {
        memcpy(cell, bytes, length);
    }
    cell[length] = '\0';
    csv->text_used += length + 1;
    csv->cells[csv->cells_count++] = cell;
}

static void on_row(int ending, void *context)
{
    (void)ending;
    struct hec_csv *csv = context;
    csv->row_done = true;
}

/* Spaces belong to the cell (RFC 4180, section 2, rule 4). */
static int no_space(unsigned char byte)
{
    (void)byte;
    return 0;
}

static enum hec_status refill(struct hec_csv *csv, struct hec_error *error)
{
    csv->at = 0;
    csv->have = 0;
    enum hec_status status =
        hec_input_read(csv->input, csv->block, sizeof(csv->block), &csv->have, error);
    if (status == HEC_END) {
        csv->ended = true;
        return HEC_OK;
    }
    return status;
}

static enum hec_status split(struct hec_csv *csv, struct hec_error *error)
{
    const char *start = csv->block + csv->at;
    size_t left = csv->have - csv->at;
    const char *end = memchr(start, '\n', left);
    size_t part = end != NULL ? (size_t)(end - start) + 1 : left;
    if (csv->parser.pstate == 0) { /* between rows */
        csv->row_line = csv->line;
    }
    size_t taken = csv_parse(&csv->parser, start, part, on_cell, on_row, csv);
    if (taken != part) {
        return hec_fail(error, HEC_INVALID, "%s:%llu: %s", csv->path, (unsigned long long)csv->line,
                        csv_strerror(csv_error(&csv->parser)));
    }
    csv->at += part;
    csv->line += end != NULL;
    return HEC_OK;
}

/* Collects one row. A blank line gives none. */
static enum hec_status collect(struct hec_csv *csv, struct hec_error *error)
{
    csv->cells_count = 0;
    csv->text_used = 0;
    csv->row_done = false;
    while (!csv->row_done) {
        enum hec_status status = HEC_OK;
        if (csv->at < csv->have) {
            status = split(csv, error);
        } else if (!csv->ended) {
            status = refill(csv, error);
        } else if (csv_fini(&csv->parser, on_cell, on_row, csv) != 0) {
            status = hec_fail(error, HEC_INVALID, "%s:%llu: a quoted cell is not closed", csv->path,
                              (unsigned long long)csv->row_line);
        } else if (!csv->row_done) {
            status = HEC_END;
        }
        if (status != HEC_OK) {
            return status;
        }
        if (csv->too_big) {
            return hec_fail(error, HEC_INVALID, "%s:%llu: more than %d columns or %d bytes a row",
                            csv->path, (unsigned long long)csv->row_line, HEC_CSV_COLUMNS_MAX,
                            HEC_CSV_ROW_BYTES_MAX);
        }
    }
    return HEC_OK;
}

static enum hec_status read_header(struct hec_csv *csv, struct hec_error *error)
{
    enum hec_status status = collect(csv, error);
    if (status == HEC_END) {
        return hec_fail(error, HEC_INVALID, "%s: empty, a first row with column names is needed",
                        csv->path);
    }
    if (status != HEC_OK) {
        return status;
    }
    for (int i = 0; i < csv->cells_count; i++) {
        if (hec_csv_column(csv, csv->cells[i]) >= 0) {
            return hec_fail(error, HEC_INVALID, "%s:1: column \"%.60s\" stands there twice",
                            csv->path, csv->cells[i]);
        }
        csv->names[i] = strdup(csv->cells[i]);
        if (csv->names[i] == NULL) {
            return hec_fail(error, HEC_NO_MEMORY, "%s: memory is exhausted", csv->path);
        }
        csv->columns = i + 1;
    }
    return HEC_OK;
}

enum hec_status hec_csv_open(struct hec_csv **ret, const char *path, struct hec_error *error)
{
    struct hec_csv *csv = calloc(1, sizeof(*csv));
    if (csv == NULL || csv_init(&csv->parser, CSV_STRICT | CSV_STRICT_FINI) != 0) {
        free(csv);
        return hec_fail(error, HEC_NO_MEMORY, "%s: memory is exhausted", path);
    }
    csv_set_space_func(&csv->parser, no_space);
    strncpy(csv->path, path, sizeof(csv->path) - 1);
    csv->line = 1;
    enum hec_status status = hec_input_open(&csv->input, path, error);
    if (status == HEC_OK) {
        status = read_header(csv, error);
    }
    if (status != HEC_OK) {
        hec_csv_free(csv);
        return status;
    }
    *ret = csv;
    return HEC_OK;
}

void hec_csv_free(struct hec_csv *csv)
{
    if (csv == NULL) {
        return;
    }
    for (int i = 0; i < csv->columns; i++) {
        free(csv->names[i]);
    }
    csv_free(&csv->parser);
    hec_input_free(csv->input);
    free(csv);
}

int hec_csv_columns(const struct hec_csv *csv)
{
    return csv->columns;
}

const char *hec_csv_name(const struct hec_csv *csv, int column)
{
    assert(column >= 0 && column < csv->columns);
    return csv->names[column];
}

int hec_csv_column(const struct hec_csv *csv, const char *name)
{
    for (int i = 0; i < csv->columns; i++) {
        if (strcmp(csv->names[i], name) == 0) {
            return i;
        }
    }
    return -1;
}

enum hec_status hec_csv_next(struct hec_csv *csv, const char *const **cells,
                             struct hec_error *error)
{
    enum hec_status status = collect(csv, error);
    if (status != HEC_OK) {
        return status;
    }
    if (csv->cells_count != csv->columns) {
        return hec_fail(error, HEC_INVALID, "%s:%llu: %d cells, but the first row names %d columns",
                        csv->path, (unsigned long long)csv->row_line, csv->cells_count,
                        csv->columns);
    }
    *cells = csv->cells;
    return HEC_OK;
}

uint64_t hec_csv_line(const struct hec_csv *csv)
{
    return csv->row_line;
}

uint64_t hec_csv_position(const struct hec_csv *csv)
{
    return hec_input_position(csv->input);
}
