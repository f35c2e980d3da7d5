/*
 * CSV by RFC 4180, row by row, strict: a stray quote or a row of another length is an error with
 * its file and line. The first row names the columns. The splitting itself is libcsv's.
 */
#ifndef HECATE_FILE_CSV_H
#define HECATE_FILE_CSV_H

#include <stddef.h>
#include <stdint.h>

#include "hecate/status.h"

#define HEC_CSV_COLUMNS_MAX 256
#define HEC_CSV_ROW_BYTES_MAX 65536

struct hec_csv;

/**
 * Opens a file ("-": standard input; zstd is decompressed) and reads its first row.
 *
 * @return HEC_OK, what hec_input_open returns, or HEC_INVALID (no header, the same column twice)
 */
HEC_CHECKED enum hec_status hec_csv_open(struct hec_csv **ret, const char *path,
                                         struct hec_error *error);
/** Accepts NULL. */
void hec_csv_free(struct hec_csv *csv);

int hec_csv_columns(const struct hec_csv *csv);
/** Name of a column, terminated; lives as long as the hec_csv. */
const char *hec_csv_name(const struct hec_csv *csv, int column);
/** Index of a column; -1 when there is none of that name. */
int hec_csv_column(const struct hec_csv *csv, const char *name);

/**
 * Reads the next row.
 *
 * @param cells  hec_csv_columns() terminated strings, valid until the next call
 *
 * @return HEC_OK, HEC_END, HEC_INVALID (error tells file and line), HEC_CORRUPT, HEC_UNAVAILABLE
 */
HEC_CHECKED enum hec_status hec_csv_next(struct hec_csv *csv, const char *const **cells,
                                         struct hec_error *error);

/** Bytes taken from the file so far, before decompression. */
uint64_t hec_csv_position(const struct hec_csv *csv);

/** Line on which the row given last began, from 1. */
uint64_t hec_csv_line(const struct hec_csv *csv);

#endif
