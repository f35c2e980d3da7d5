/*
 * The safetensors container (huggingface/safetensors, format version 0.x):
 *
 *   u64 little-endian length of the header | header, a JSON object | data
 *
 * The header maps a tensor's name to its dtype, shape and [begin, end) in the data, and
 * "__metadata__" to an object of strings. Tensors must cover the data without hole or overlap.
 * Written here: names in order within a type, the wider type first, header padded with spaces so
 * that the data begins on a 64-byte line.
 */
#ifndef HEC_MODEL_SAFETENSORS_H
#define HEC_MODEL_SAFETENSORS_H

#include <stddef.h>
#include <stdint.h>

#include "hecate/status.h"

enum hec_dtype { HEC_F32, HEC_I64, HEC_DTYPES };

#define HEC_ST_DIMS_MAX 2
#define HEC_ST_DIM_MAX (1u << 26)
#define HEC_ST_TENSORS_MAX 1024
#define HEC_ST_HEADER_MAX (32u << 20)

struct hec_st_tensor {
    const char *name;
    enum hec_dtype dtype;
    int dims; /* 1 .. HEC_ST_DIMS_MAX */
    uint64_t shape[HEC_ST_DIMS_MAX];
    const void *data; /* little-endian; in a file that was read: not aligned */
};

struct hec_st_text {
    const char *key, *value;
};

/* A file that was read. Names and texts are owned; data points into the bytes that were given. */
struct hec_st_file {
    struct hec_st_tensor *tensors;
    size_t tensors_count;
    struct hec_st_text *texts;
    size_t texts_count;
    void *document;
};

size_t hec_st_numbers(const struct hec_st_tensor *tensor);

/**
 * Writes a file.
 *
 * @param bytes    receives it, to be given to free()
 * @param tensors  reordered in place
 * @return HEC_OK, HEC_NO_MEMORY
 */
HEC_CHECKED enum hec_status hec_st_write(void **bytes, size_t *size, struct hec_st_tensor *tensors,
                                         size_t tensors_count, const struct hec_st_text *texts,
                                         size_t texts_count);

/**
 * Reads a file and refuses whatever breaks a rule of the container, and non-finite floats.
 *
 * @param file  release with hec_st_free on success; nothing to release on failure
 * @return HEC_OK, HEC_INVALID (not such a file), HEC_CORRUPT (it was one), HEC_NO_MEMORY
 */
HEC_CHECKED enum hec_status hec_st_read(struct hec_st_file *file, const void *bytes, size_t size,
                                        struct hec_error *error);
void hec_st_free(struct hec_st_file *file);

/** NULL when there is none. */
const struct hec_st_tensor *hec_st_tensor(const struct hec_st_file *file, const char *name);
const char *hec_st_text(const struct hec_st_file *file, const char *key);

#endif
