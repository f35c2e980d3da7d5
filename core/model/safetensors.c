/*
 * Reading trusts nothing: every number of the header is checked against the bytes that are there
 * before it is used, and whatever is refused is refused with the name of the tensor.
 */
#include "model/safetensors.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "tensors are copied as they lie");

#define LENGTH_BYTES 8
#define DATA_LINE 64

static const struct {
    const char *name;
    size_t bytes;
} dtypes[HEC_DTYPES] = {
    [HEC_F32] = { "F32", 4 },
    [HEC_I64] = { "I64", 8 },
};

size_t hec_st_numbers(const struct hec_st_tensor *tensor)
{
    size_t numbers = 1;
    for (int i = 0; i < tensor->dims; i++) {
        numbers *= tensor->shape[i];
    }
    return numbers;
}

static size_t bytes_of(const struct hec_st_tensor *tensor)
{
    return hec_st_numbers(tensor) * dtypes[tensor->dtype].bytes;
}

static int by_width_and_name(const void *a, const void *b)
{
    const struct hec_st_tensor *x = a, *y = b;
    size_t wide_x = dtypes[x->dtype].bytes, wide_y = dtypes[y->dtype].bytes;
    return wide_x != wide_y ? (wide_x < wide_y) - (wide_x > wide_y) : strcmp(x->name, y->name);
}

static char *header_of(const struct hec_st_tensor *tensors, size_t tensors_count,
                       const struct hec_st_text *texts, size_t texts_count, size_t *length)
{
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc), *meta = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    for (size_t i = 0; i < texts_count; i++) {
        yyjson_mut_obj_add_str(doc, meta, texts[i].key, texts[i].value);
    }
    yyjson_mut_obj_add_val(doc, root, "__metadata__", meta);

    uint64_t begin = 0;
    for (size_t i = 0; i < tensors_count; i++) {
        const struct hec_st_tensor *tensor = &tensors[i];
        uint64_t offsets[2] = { begin, begin + bytes_of(tensor) };
        yyjson_mut_val *entry = yyjson_mut_obj(doc);
        yyjson_mut_obj_add_str(doc, entry, "dtype", dtypes[tensor->dtype].name);
        yyjson_mut_obj_add_val(
            doc, entry, "shape",
            yyjson_mut_arr_with_uint64(doc, tensor->shape, (size_t)tensor->dims));
        yyjson_mut_obj_add_val(doc, entry, "data_offsets",
                               yyjson_mut_arr_with_uint64(doc, offsets, 2));
        yyjson_mut_obj_add_val(doc, root, tensor->name, entry);
        begin = offsets[1];
    }
    char *json = yyjson_mut_write(doc, 0, length);
    yyjson_mut_doc_free(doc);
    return json;
}

enum hec_status hec_st_write(void **bytes, size_t *size, struct hec_st_tensor *tensors,
                             size_t tensors_count, const struct hec_st_text *texts,
                             size_t texts_count)
{
    qsort(tensors, tensors_count, sizeof(*tensors), by_width_and_name);

    size_t json_length;
    char *json = header_of(tensors, tensors_count, texts, texts_count, &json_length);
    if (json == NULL) {
        return HEC_NO_MEMORY;
    }
    size_t data_at = (LENGTH_BYTES + json_length + DATA_LINE - 1) / DATA_LINE * DATA_LINE;
    size_t total = data_at;
    for (size_t i = 0; i < tensors_count; i++) {
        total += bytes_of(&tensors[i]);
    }
    uint8_t *file = malloc(total);
    if (file == NULL) {
        free(json);
        return HEC_NO_MEMORY;
    }
    uint64_t header_length = data_at - LENGTH_BYTES;
    memcpy(file, &header_length, LENGTH_BYTES);
    memset(file + LENGTH_BYTES, ' ', header_length);
    memcpy(file + LENGTH_BYTES, json, json_length);
    free(json);
    for (size_t i = 0; i < tensors_count; i++) {
        memcpy(file + data_at, tensors[i].data, bytes_of(&tensors[i]));
        data_at += bytes_of(&tensors[i]);
    }
    *bytes = file;
    *size = total;
    return HEC_OK;
}

/* One tensor's span in the data, for the search for holes. */
struct span {
    uint64_t begin, end;
    const char *name;
};

static int by_begin(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    if (x->begin != y->begin) {
        return (x->begin > y->begin) - (x->begin < y->begin);
    }
    return (x->end > y->end) - (x->end < y->end);
}

static enum hec_status read_dtype(struct hec_st_tensor *tensor, yyjson_val *entry,
                                  struct hec_error *error)
{
    const char *dtype = yyjson_get_str(yyjson_obj_get(entry, "dtype"));
    for (int i = 0; dtype != NULL && i < HEC_DTYPES; i++) {
        if (strcmp(dtype, dtypes[i].name) == 0) {
            tensor->dtype = (enum hec_dtype)i;
            return HEC_OK;
        }
    }
    return hec_fail(error, HEC_INVALID,
                    "model: tensor '%.100s' has type '%.16s'; F32 and I64 are known", tensor->name,
                    dtype == NULL ? "none" : dtype);
}

static enum hec_status read_shape(struct hec_st_tensor *tensor, yyjson_val *entry,
                                  struct hec_error *error)
{
    yyjson_val *shape = yyjson_obj_get(entry, "shape");
    size_t dims = yyjson_arr_size(shape);
    if (!yyjson_is_arr(shape) || dims < 1 || dims > HEC_ST_DIMS_MAX) {
        return hec_fail(error, HEC_INVALID,
                        "model: tensor '%.100s' needs a shape of 1 or 2 numbers", tensor->name);
    }
    tensor->dims = (int)dims;
    for (size_t i = 0; i < dims; i++) {
        yyjson_val *dim = yyjson_arr_get(shape, i);
        if (!yyjson_is_uint(dim) || yyjson_get_uint(dim) > HEC_ST_DIM_MAX) {
            return hec_fail(error, HEC_INVALID,
                            "model: tensor '%.100s' has a dimension outside 0 .. %u", tensor->name,
                            HEC_ST_DIM_MAX);
        }
        tensor->shape[i] = yyjson_get_uint(dim);
    }
    return HEC_OK;
}

static enum hec_status read_offsets(struct span *span, const struct hec_st_tensor *tensor,
                                    yyjson_val *entry, uint64_t data_bytes, struct hec_error *error)
{
    yyjson_val *offsets = yyjson_obj_get(entry, "data_offsets");
    yyjson_val *begin = yyjson_arr_get(offsets, 0), *end = yyjson_arr_get(offsets, 1);
    if (yyjson_arr_size(offsets) != 2 || !yyjson_is_uint(begin) || !yyjson_is_uint(end)) {
        return hec_fail(error, HEC_INVALID, "model: tensor '%.100s' needs two data_offsets",
                        tensor->name);
    }
    *span = (struct span){ yyjson_get_uint(begin), yyjson_get_uint(end), tensor->name };
    if (span->begin > span->end || span->end > data_bytes) {
        return hec_fail(error, HEC_CORRUPT,
                        "model: tensor '%.100s' lies outside the file; it is truncated or damaged",
                        tensor->name);
    }
    if (span->end - span->begin != bytes_of(tensor)) {
        return hec_fail(
            error, HEC_CORRUPT, "model: tensor '%.100s' takes %llu bytes where its shape needs %zu",
            tensor->name, (unsigned long long)(span->end - span->begin), bytes_of(tensor));
    }
    return HEC_OK;
}

static enum hec_status check_finite(const struct hec_st_tensor *tensor, struct hec_error *error)
{
    if (tensor->dtype != HEC_F32) {
        return HEC_OK;
    }
    size_t numbers = hec_st_numbers(tensor);
    for (size_t i = 0; i < numbers; i++) {
        float value;
        memcpy(&value, (const uint8_t *)tensor->data + i * sizeof(value), sizeof(value));
        if (!isfinite(value)) {
            return hec_fail(error, HEC_CORRUPT,
                            "model: tensor '%.100s' has a number that is not finite at %zu",
                            tensor->name, i);
        }
    }
    return HEC_OK;
}

/* Sorted by where they begin, each must begin where the last one ended. */
static enum hec_status check_cover(struct span *spans, size_t count, uint64_t data_bytes,
                                   struct hec_error *error)
{
    uint64_t at = 0;
    qsort(spans, count, sizeof(*spans), by_begin);
    for (size_t i = 0; i < count; i++) {
        if (spans[i].begin != at) {
            return hec_fail(error, HEC_CORRUPT, "model: tensor '%.100s' %s the data before it",
                            spans[i].name,
                            spans[i].begin < at ? "overlaps" : "leaves a hole after");
        }
        at = spans[i].end;
    }
    if (at != data_bytes) {
        return hec_fail(error, HEC_CORRUPT, "model: %llu bytes at the end belong to no tensor",
                        (unsigned long long)(data_bytes - at));
    }
    return HEC_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct hec_st_tensor *)a)->name, ((const struct hec_st_tensor *)b)->name);
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct hec_st_text *)a)->key, ((const struct hec_st_text *)b)->key);
}

static enum hec_status check_names(struct hec_st_file *file, struct hec_error *error)
{
    qsort(file->tensors, file->tensors_count, sizeof(*file->tensors), by_name);
    for (size_t i = 1; i < file->tensors_count; i++) {
        if (by_name(&file->tensors[i - 1], &file->tensors[i]) == 0) {
            return hec_fail(error, HEC_CORRUPT, "model: two tensors are named '%.100s'",
                            file->tensors[i].name);
        }
    }
    if (file->texts_count > 0) {
        qsort(file->texts, file->texts_count, sizeof(*file->texts), by_key);
    }
    for (size_t i = 1; i < file->texts_count; i++) {
        if (by_key(&file->texts[i - 1], &file->texts[i]) == 0) {
            return hec_fail(error, HEC_CORRUPT, "model: the metadata names '%.100s' twice",
                            file->texts[i].key);
        }
    }
    return HEC_OK;
}

static enum hec_status read_texts(struct hec_st_file *file, yyjson_val *meta,
                                  struct hec_error *error)
{
    if (!yyjson_is_obj(meta)) {
        return hec_fail(error, HEC_INVALID, "model: __metadata__ is not an object");
    }
    if (file->texts != NULL) {
        return hec_fail(error, HEC_CORRUPT, "model: __metadata__ stands there twice");
    }
    file->texts = calloc(yyjson_obj_size(meta) + 1, sizeof(*file->texts));
    if (file->texts == NULL) {
        return HEC_NO_MEMORY;
    }
    size_t i, count;
    yyjson_val *key, *value;
    yyjson_obj_foreach(meta, i, count, key, value)
    {
        if (!yyjson_is_str(value)) {
            return hec_fail(error, HEC_INVALID, "model: metadata '%.100s' is not a string",
                            yyjson_get_str(key));
        }
        file->texts[file->texts_count++] =
            (struct hec_st_text){ yyjson_get_str(key), yyjson_get_str(value) };
    }
    return HEC_OK;
}

static enum hec_status read_tensor(struct hec_st_file *file, struct span *span, const char *name,
                                   yyjson_val *entry, const uint8_t *data, uint64_t data_bytes,
                                   struct hec_error *error)
{
    struct hec_st_tensor *tensor = &file->tensors[file->tensors_count];
    tensor->name = name;
    enum hec_status status = read_dtype(tensor, entry, error);
    if (status == HEC_OK) {
        status = read_shape(tensor, entry, error);
    }
    if (status == HEC_OK) {
        status = read_offsets(span, tensor, entry, data_bytes, error);
    }
    if (status != HEC_OK) {
        return status;
    }
    tensor->data = data + span->begin;
    file->tensors_count++;
    return check_finite(tensor, error);
}

static enum hec_status read_entries(struct hec_st_file *file, yyjson_val *root, const uint8_t *data,
                                    uint64_t data_bytes, struct hec_error *error)
{
    struct span spans[HEC_ST_TENSORS_MAX];
    size_t i, count;
    yyjson_val *key, *value;
    if (yyjson_obj_size(root) > HEC_ST_TENSORS_MAX) {
        return hec_fail(error, HEC_INVALID, "model: more than %d tensors", HEC_ST_TENSORS_MAX);
    }
    file->tensors = calloc(yyjson_obj_size(root) + 1, sizeof(*file->tensors));
    if (file->tensors == NULL) {
        return HEC_NO_MEMORY;
    }
    yyjson_obj_foreach(root, i, count, key, value)
    {
        const char *name = yyjson_get_str(key);
        enum hec_status status = strcmp(name, "__metadata__") == 0
                                     ? read_texts(file, value, error)
                                     : read_tensor(file, &spans[file->tensors_count], name, value,
                                                   data, data_bytes, error);
        if (status != HEC_OK) {
            return status;
        }
    }
    enum hec_status status = check_names(file, error);
    return status != HEC_OK ? status : check_cover(spans, file->tensors_count, data_bytes, error);
}

enum hec_status hec_st_read(struct hec_st_file *file, const void *bytes, size_t size,
                            struct hec_error *error)
{
    uint64_t header_length = 0;
    *file = (struct hec_st_file){ 0 };
    if (size < LENGTH_BYTES) {
        return hec_fail(error, HEC_INVALID, "model: %zu bytes are no safetensors file", size);
    }
    memcpy(&header_length, bytes, LENGTH_BYTES);
    if (header_length > HEC_ST_HEADER_MAX) {
        return hec_fail(error, HEC_INVALID, "model: this is no safetensors file (header length)");
    }
    if (header_length > size - LENGTH_BYTES) {
        return hec_fail(error, HEC_CORRUPT,
                        "model: the file ends within its header; it is truncated");
    }

    const char *header = (const char *)bytes + LENGTH_BYTES;
    yyjson_doc *document = yyjson_read(header, header_length, 0);
    yyjson_val *root = yyjson_doc_get_root(document);
    file->document = document;
    if (!yyjson_is_obj(root)) {
        hec_st_free(file);
        return hec_fail(error, HEC_INVALID, "model: the header is not a JSON object");
    }
    enum hec_status status = read_entries(file, root, (const uint8_t *)header + header_length,
                                          size - LENGTH_BYTES - header_length, error);
    if (status == HEC_NO_MEMORY) {
        hec_fail(error, HEC_NO_MEMORY, "model: no memory for the header");
    }
    if (status != HEC_OK) {
        hec_st_free(file);
    }
    return status;
}

void hec_st_free(struct hec_st_file *file)
{
    free(file->tensors);
    free(file->texts);
    yyjson_doc_free(file->document);
    *file = (struct hec_st_file){ 0 };
}

const struct hec_st_tensor *hec_st_tensor(const struct hec_st_file *file, const char *name)
{
    for (size_t i = 0; i < file->tensors_count; i++) {
        if (strcmp(file->tensors[i].name, name) == 0) {
            return &file->tensors[i];
        }
    }
    return NULL;
}

const char *hec_st_text(const struct hec_st_file *file, const char *key)
{
    for (size_t i = 0; i < file->texts_count; i++) {
        if (strcmp(file->texts[i].key, key) == 0) {
            return file->texts[i].value;
        }
    }
    return NULL;
}
