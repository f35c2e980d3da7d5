/* The container: what is written can be read, and every way of lying in a header is refused. */
#include "model/safetensors.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const float two_by_three[6] = { 1, 2, 3, 4, 5, -6.5f };
static const int64_t pair[2] = { INT64_MAX, -7 };

static void write_sample(void **bytes, size_t *size)
{
    struct hec_st_tensor tensors[] = {
        { "zeta", HEC_F32, 1, { 3 }, two_by_three },
        { "alpha", HEC_F32, 2, { 2, 3 }, two_by_three },
        { "middle", HEC_I64, 1, { 2 }, pair },
    };
    const struct hec_st_text texts[] = { { "format", "x/1" }, { "quoted", "a \"b\"\n\xc3\xa9" } };
    cr_assert_eq(hec_st_write(bytes, size, tensors, 3, texts, 2), HEC_OK);
}

Test(safetensors, reads_what_it_wrote)
{
    void *bytes;
    size_t size;
    struct hec_st_file file;
    write_sample(&bytes, &size);
    cr_assert_eq(hec_st_read(&file, bytes, size, NULL), HEC_OK);
    cr_expect_eq(file.tensors_count, 3u);
    cr_expect_str_eq(hec_st_text(&file, "quoted"), "a \"b\"\n\xc3\xa9");
    cr_expect_null(hec_st_text(&file, "absent"));
    cr_expect_null(hec_st_tensor(&file, "absent"));
    const struct hec_st_tensor *alpha = hec_st_tensor(&file, "alpha");
    cr_assert_not_null(alpha);
    cr_expect(alpha->dims == 2 && alpha->shape[0] == 2 && alpha->shape[1] == 3);
    cr_expect_eq(memcmp(alpha->data, two_by_three, sizeof(two_by_three)), 0);
    cr_expect_eq(memcmp(hec_st_tensor(&file, "middle")->data, pair, sizeof(pair)), 0);
    hec_st_free(&file);
    free(bytes);
}

Test(safetensors, begins_its_data_on_a_line_with_the_wider_type_first)
{
    void *bytes;
    size_t size;
    uint64_t header;
    write_sample(&bytes, &size);
    memcpy(&header, bytes, 8);
    cr_expect_eq((8 + header) % 64, 0u);
    cr_expect_eq(memcmp((char *)bytes + 8 + header, pair, sizeof(pair)), 0);
    cr_expect_eq(size, 8 + header + sizeof(pair) + 9 * sizeof(float));
    free(bytes);
}

Test(safetensors, does_not_depend_on_the_order_of_the_list)
{
    void *bytes[2];
    size_t size[2];
    struct hec_st_tensor tensors[2][2] = {
        { { "a", HEC_F32, 1, { 1 }, two_by_three }, { "b", HEC_F32, 1, { 2 }, two_by_three } },
        { { "b", HEC_F32, 1, { 2 }, two_by_three }, { "a", HEC_F32, 1, { 1 }, two_by_three } },
    };
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(hec_st_write(&bytes[i], &size[i], tensors[i], 2, NULL, 0), HEC_OK);
    }
    cr_expect(size[0] == size[1] && memcmp(bytes[0], bytes[1], size[0]) == 0);
    free(bytes[0]);
    free(bytes[1]);
}

/* A file from a header as text and a number of zero bytes of data, in memory of its exact size. */
static void *forge(const char *header, size_t data_bytes, size_t *size)
{
    uint64_t length = strlen(header);
    *size = 8 + length + data_bytes;
    uint8_t *bytes = calloc(*size, 1);
    memcpy(bytes, &length, 8);
    memcpy(bytes + 8, header, length);
    return bytes;
}

static void expect_refused(const char *header, size_t data_bytes, enum hec_status status,
                           const char *word)
{
    size_t size;
    struct hec_st_file file;
    struct hec_error error = { 0 };
    void *bytes = forge(header, data_bytes, &size);
    cr_expect_eq(hec_st_read(&file, bytes, size, &error), status, "%s", header);
    cr_expect(strstr(error.text, word) != NULL, "'%s' for %s", error.text, header);
    free(bytes);
}

#define F4(begin, end) "{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[" #begin "," #end "]}"

Test(safetensors, refuses_each_lie_of_a_header)
{
    static const struct {
        const char *header;
        size_t data_bytes;
        enum hec_status status;
        const char *word;
    } lies[] = {
        { "", 0, HEC_INVALID, "not a JSON object" },
        { "[]", 0, HEC_INVALID, "not a JSON object" },
        { "{", 0, HEC_INVALID, "not a JSON object" },
        { "{\"a\":" F4(0, 4) "} x", 4, HEC_INVALID, "not a JSON object" },
        { "{\"a\":1}", 0, HEC_INVALID, "type" },
        { "{\"a\":{\"dtype\":\"BF16\",\"shape\":[1],\"data_offsets\":[0,2]}}", 2, HEC_INVALID,
          "BF16" },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}", 4, HEC_INVALID,
          "shape" },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1],\"data_offsets\":[0,4]}}", 4, HEC_INVALID,
          "shape" },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4, HEC_INVALID,
          "dimension" },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1.0],\"data_offsets\":[0,4]}}", 4, HEC_INVALID,
          "dimension" },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[67108865],\"data_offsets\":[0,4]}}", 4, HEC_INVALID,
          "dimension" },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[67108864,67108864],\"data_offsets\":[0,4]}}", 4,
          HEC_CORRUPT, "shape needs" },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, HEC_INVALID, "data_offsets" },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", 4, HEC_INVALID,
          "data_offsets" },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,\"4\"]}}", 4, HEC_INVALID,
          "data_offsets" },
        { "{\"a\":" F4(4, 0) "}", 4, HEC_CORRUPT, "outside the file" },
        { "{\"a\":" F4(0, 4) "}", 3, HEC_CORRUPT, "outside the file" },
        { "{\"a\":" F4(0, 18446744073709551615) "}", 4, HEC_CORRUPT, "outside the file" },
        { "{\"a\":" F4(0, 8) "}", 8, HEC_CORRUPT, "shape needs" },
        { "{\"a\":" F4(0, 4) ",\"b\":" F4(0, 4) "}", 4, HEC_CORRUPT, "overlaps" },
        { "{\"a\":" F4(0, 4) ",\"b\":" F4(8, 12) "}", 12, HEC_CORRUPT, "hole" },
        { "{\"a\":" F4(4, 8) "}", 8, HEC_CORRUPT, "hole" },
        { "{\"a\":" F4(0, 4) "}", 5, HEC_CORRUPT, "belong to no tensor" },
        { "{\"a\":" F4(0, 4) ",\"a\":" F4(4, 8) "}", 8, HEC_CORRUPT, "two tensors" },
        { "{\"__metadata__\":{\"k\":1}}", 0, HEC_INVALID, "not a string" },
        { "{\"__metadata__\":[]}", 0, HEC_INVALID, "not an object" },
        { "{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}", 0, HEC_CORRUPT, "twice" },
        { "{\"__metadata__\":{},\"__metadata__\":{}}", 0, HEC_CORRUPT, "twice" },
    };
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        expect_refused(lies[i].header, lies[i].data_bytes, lies[i].status, lies[i].word);
    }
}

Test(safetensors, refuses_a_header_that_is_longer_than_the_file_or_than_reason)
{
    struct hec_st_file file;
    struct hec_error error = { 0 };
    uint64_t length = 3;
    uint8_t bytes[10] = { 0 };
    cr_expect_eq(hec_st_read(&file, bytes, 7, &error), HEC_INVALID);
    memcpy(bytes, &length, 8);
    cr_expect_eq(hec_st_read(&file, bytes, 10, &error), HEC_CORRUPT);
    cr_expect(strstr(error.text, "truncated") != NULL);
    length = UINT64_MAX;
    memcpy(bytes, &length, 8);
    cr_expect_eq(hec_st_read(&file, bytes, 10, &error), HEC_INVALID);
}

Test(safetensors, refuses_numbers_that_are_not_finite)
{
    const float wild[] = { INFINITY, -INFINITY, NAN };
    for (int i = 0; i < 3; i++) {
        struct hec_st_tensor tensor = { "wild", HEC_F32, 1, { 1 }, &wild[i] };
        struct hec_st_file file;
        struct hec_error error = { 0 };
        void *bytes;
        size_t size;
        cr_assert_eq(hec_st_write(&bytes, &size, &tensor, 1, NULL, 0), HEC_OK);
        cr_expect_eq(hec_st_read(&file, bytes, size, &error), HEC_CORRUPT);
        cr_expect(strstr(error.text, "finite") != NULL);
        free(bytes);
    }
}

Test(safetensors, refuses_every_truncation)
{
    void *bytes;
    size_t size;
    write_sample(&bytes, &size);
    for (size_t cut = 0; cut < size; cut++) {
        uint8_t *part = malloc(cut + (cut == 0));
        struct hec_st_file file;
        memcpy(part, bytes, cut);
        cr_assert_neq(hec_st_read(&file, part, cut, NULL), HEC_OK, "%zu of %zu bytes", cut, size);
        free(part);
    }
    free(bytes);
}

Test(safetensors, reads_an_empty_file_of_its_kind)
{
    struct hec_st_file file;
    size_t size;
    void *bytes = forge("{}", 0, &size);
    cr_assert_eq(hec_st_read(&file, bytes, size, NULL), HEC_OK);
    cr_expect_eq(file.tensors_count, 0u);
    hec_st_free(&file);
    free(bytes);
}
