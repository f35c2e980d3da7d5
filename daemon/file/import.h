/*
 * CSV to events, by a column map (file/import_map.h).
 *
 * Rows keep the file's order. A fraud gives a label as well, label_delay_ms after its row's time,
 * put among the rows where its time belongs; labels that are due after the last row follow it.
 */
#ifndef HECATE_FILE_IMPORT_H
#define HECATE_FILE_IMPORT_H

#include "file/import_map.h"
#include "file/output.h"

struct hec_import_job {
    const struct hec_import_map *map;
    const char *in;        /* path or "-" */
    const char *customers; /* path; NULL when the map names none */
    int64_t label_delay_ms;
    struct hec_output *output; /* borrowed */
    /* Now and then; may be NULL. fraction: of the file, 0 .. 1; negative when not known. */
    void (*tell)(void *user, uint64_t rows, double fraction);
    void *user;
};

struct hec_import_counts {
    uint64_t rows, labels;
    int unused_count; /* columns that the map does not speak of */
    char unused[256]; /* their names, the first ones, with commas */
};

/**
 * Imports one file.
 *
 * @return HEC_OK, what reading returns, or HEC_INVALID: a cell that its field cannot hold, an
 *         unknown column or customer (error tells file and line). What was written by then is the
 *         caller's to discard.
 */
HEC_CHECKED enum hec_status hec_import(const struct hec_import_job *job,
                                       struct hec_import_counts *counts, struct hec_error *error);

#endif
