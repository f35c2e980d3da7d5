/*
 * heads.conf: the questions that a model answers, as data. conf/heads.conf holds the product's own
 * three, which are also what is used without a file.
 *
 * The same grammar serves for plain tables (hecate table): there a head names a column and the
 * values that make it positive, and the file tells which columns are numbers.
 */
#ifndef HECATE_OPS_HEADS_FILE_H
#define HECATE_OPS_HEADS_FILE_H

#include "hecate/model.h"
#include "hecate/status.h"

#define HEC_HEADS_VALUES_MAX 16
#define HEC_HEADS_TEXT_MAX 64
#define HEC_HEADS_COLUMNS_MAX 256

/* Large: keep it on the heap. */
struct hec_heads_file {
    struct hec_head heads[HEC_HEADS_MAX]; /* shown ones first, in the order of the file */
    int count;
    int line[HEC_HEADS_MAX]; /* where each begins */
    /* Of tables: the column of each head, "" for none, and the values that are positive. */
    char column[HEC_HEADS_MAX][HEC_HEADS_TEXT_MAX];
    char values[HEC_HEADS_MAX][HEC_HEADS_VALUES_MAX][HEC_HEADS_TEXT_MAX];
    int values_count[HEC_HEADS_MAX];
    char numeric[HEC_HEADS_COLUMNS_MAX][HEC_HEADS_TEXT_MAX]; /* columns that are numbers */
    char ignore[HEC_HEADS_COLUMNS_MAX][HEC_HEADS_TEXT_MAX];  /* columns that are not used */
    int numeric_count, ignore_count;
};

/* One key of the file. */
struct hec_heads_key {
    const char *section; /* "table" or "head" */
    const char *name, *help;
};
/** Every key, ended by a row without a name. */
const struct hec_heads_key *hec_heads_keys(void);

/**
 * Reads the file.
 *
 * @param file   filled on success, unspecified on failure
 * @param error  on failure the first mistake with file:line
 * @return HEC_OK, HEC_INVALID, or what hec_text_read answers for the file
 */
HEC_CHECKED enum hec_status hec_heads_file_load(const char *path, struct hec_heads_file *file,
                                                struct hec_error *error);

/** The same from a terminated text. */
HEC_CHECKED enum hec_status hec_heads_text_parse(const char *text, struct hec_heads_file *file,
                                                 struct hec_error *error);

#endif
