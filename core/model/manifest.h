/*
 * The manifest: what a model file says in words, as JSON inside the container's string metadata.
 */
#ifndef HEC_MODEL_MANIFEST_H
#define HEC_MODEL_MANIFEST_H

#include "model/model.h"

/* Strings, each to be given to free(); NULL when memory is exhausted. */
char *hec_manifest_heads(const struct hec_model *model);
char *hec_manifest_columns(const struct hec_columns *columns);
char *hec_manifest_architecture(const struct hec_shape *shape);

/* What a file says of its heads, before there is a model to hold it. */
struct hec_manifest_heads {
    int count;
    struct hec_head heads[HEC_HEADS_MAX];
    float thresholds[HEC_HEADS_MAX], shifts[HEC_HEADS_MAX], spreads[HEC_HEADS_MAX];
    bool trained[HEC_HEADS_MAX];
};
HEC_CHECKED enum hec_status hec_manifest_read_heads(struct hec_manifest_heads *heads,
                                                    const char *json, struct hec_error *error);

/* Names point into the document. */
struct hec_manifest_columns {
    struct hec_columns columns;
    const char **names; /* owned */
    void *document;     /* owned */
};
HEC_CHECKED enum hec_status hec_manifest_read_columns(struct hec_manifest_columns *columns,
                                                      const char *json, struct hec_error *error);
void hec_manifest_free_columns(struct hec_manifest_columns *columns);

HEC_CHECKED enum hec_status
hec_manifest_read_architecture(struct hec_shape *shape, const char *json, struct hec_error *error);

#endif
