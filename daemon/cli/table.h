/*
 * A plain table as rows for training: a CSV, and heads that name their columns.
 *
 * Numeric columns are told by the heads file; what is no number there is missing. All other columns
 * are categories, but for those of labels and those to be ignored. An empty cell is absent; an
 * empty label is unknown.
 */
#ifndef HECATE_CLI_TABLE_H
#define HECATE_CLI_TABLE_H

#include "hecate/train.h"
#include "ops/heads_file.h"

/* Owned. All zero is empty. */
struct hec_table {
    uint32_t rows, room;
    int numerics, categories;
    char **names; /* numerics, then categories */
    float *numeric;
    uint32_t *category;
    int8_t *targets; /* (rows, heads) */
    float *values;   /* (rows, heads): numbers of regression heads, 0 elsewhere */
};

/**
 * Reads the whole file.
 *
 * @param like  NULL, or a table whose columns this one must have
 * @return HEC_OK, HEC_INVALID (a column is missing; told), what hec_csv_open and hec_csv_next
 * return
 */
HEC_CHECKED enum hec_status hec_table_read(struct hec_table *table, const char *path,
                                           const struct hec_heads_file *heads,
                                           const struct hec_table *like, struct hec_error *error);
void hec_table_free(struct hec_table *table);

#endif
