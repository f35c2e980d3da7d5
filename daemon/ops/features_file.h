/*
 * features.conf: the text form of a feature schema, read into the plain struct that core compiles.
 *
 * The canonical text that hec_schema_print writes is the same grammar, so a model file can carry
 * its schema: parse(print(parse(x))) = parse(x).
 */
#ifndef HECATE_OPS_FEATURES_FILE_H
#define HECATE_OPS_FEATURES_FILE_H

#include "hecate/feature.h"
#include "hecate/status.h"

/* One key of the file. */
struct hec_features_key {
    const char *section; /* "" outside of any, "rate", "filter", "feature" */
    const char *name, *help;
};
/** Every key in the order of the file's sections, ended by a row without a name. */
const struct hec_features_key *hec_features_keys(void);

/**
 * Reads the schema from a file.
 *
 * @param schema  filled on success, unspecified on failure; large, keep it on the heap
 * @param error   on failure the first mistake with file:line and the nearest known name
 *
 * @return HEC_OK, HEC_INVALID, or what hec_text_read answers for the file
 */
HEC_CHECKED enum hec_status hec_features_file_load(const char *path, struct hec_schema *schema,
                                                   struct hec_error *error);

/** The same from a terminated text; the sentences call it "features". */
HEC_CHECKED enum hec_status hec_features_text_parse(const char *text, struct hec_schema *schema,
                                                    struct hec_error *error);

#endif
