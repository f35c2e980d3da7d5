/*
 * The grammar of our files, and the only place that knows libConfuse: text in, a flat list out.
 *
 *   # comment
 *   key = value
 *   section { key = value }
 *   section title { key = "value with blanks"  list = {one, "number two"} }
 *
 * What a key means, and whether it exists, is decided by who reads the list: settings.c for
 * hecate.conf, features_file.c for features.conf. A value that is a whole reference, such as
 * ${env:NAME}, stays as written; resolving it is the reader's business too.
 */
#ifndef HECATE_OPS_CONF_H
#define HECATE_OPS_CONF_H

#include <stdbool.h>
#include <stddef.h>

#include "hecate/status.h"
#include "ops/problems.h"

struct hec_conf_section {
    const char *name;         /* "" for keys outside of any section; NULL ends the sections */
    bool titled;              /* section title { ... }, any number of them; else at most one */
    const char *const *lists; /* keys whose value is a {list}, ended by NULL; NULL: none */
};

/* A list gives one item a value, in order. */
struct hec_conf_item {
    const char *section, *title; /* "" where there is none */
    const char *key;             /* NULL: the section ended here */
    const char *value;
    bool reference; /* the value is a whole ${...} and was not in single quotes */
    int line;
};

struct hec_conf {
    struct hec_conf_item *items; /* in the order of the text */
    size_t count;
    void *memory; /* owns the strings */
};

/**
 * Reads a text.
 *
 * Refused are bad syntax, unknown sections, a section or a title given twice and a key given twice
 * in one section; each with name:line. Not for two threads at once (libConfuse's scanner is one).
 *
 * @param conf      filled on success; give it to hec_conf_free
 * @param name      of the file, for the sentences
 * @param text      terminated
 * @return HEC_OK, HEC_INVALID (problems say why), HEC_NO_MEMORY
 */
HEC_CHECKED enum hec_status hec_conf_read(struct hec_conf *conf, const char *name, const char *text,
                                          const struct hec_conf_section *sections,
                                          struct hec_problems *problems);
/** Accepts an all-zero one. */
void hec_conf_free(struct hec_conf *conf);

/**
 * Reads a whole text file of at most bytes_max bytes into a terminated string, for free().
 *
 * @return HEC_OK, HEC_NOT_FOUND, HEC_DENIED, HEC_INVALID (too large, or holds a NUL byte),
 *         HEC_UNAVAILABLE (reading failed), HEC_NO_MEMORY; the error tells the path
 */
HEC_CHECKED enum hec_status hec_text_read(char **ret, const char *path, size_t bytes_max,
                                          struct hec_error *error);

#endif
