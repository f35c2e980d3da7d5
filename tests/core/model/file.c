/* The model's file: a round trip to the bit, and each damage refused with its own sentence. */
#define _GNU_SOURCE /* memmem */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"
#include "model/safetensors.h"
#include "planted.h"

/* One model for all cases of a process. */
static struct planted planted;
static struct hec_model *model;
static void *bytes;
static size_t size;

static void make(void)
{
    planted_make(&planted, 1200, 1);
    model = planted_model(&planted, 2, &bytes, &size);
}

static void unmake(void)
{
    hec_model_free(model);
    free(bytes);
    planted_free(&planted);
}

TestSuite(file, .init = make, .fini = unmake);

static enum hec_status load(const void *from, size_t from_size, struct hec_error *error)
{
    struct hec_model *loaded = NULL;
    *error = (struct hec_error){ 0 };
    enum hec_status status = hec_model_load(&loaded, from, from_size, NULL, error);
    cr_expect_eq(status == HEC_OK, loaded != NULL);
    hec_model_free(loaded);
    return status;
}

Test(file, is_the_same_after_reading_and_writing)
{
    void *again;
    size_t again_size;
    cr_assert_eq(hec_model_write(model, &again, &again_size), HEC_OK);
    cr_expect_eq(again_size, size);
    cr_expect_eq(memcmp(again, bytes, size), 0);
    free(again);
}

Test(file, tells_what_it_holds)
{
    const struct hec_model_info *info = hec_model_info(model);
    cr_expect_eq(info->heads_count, 3);
    cr_expect_str_eq(info->heads[1].name, "ato");
    cr_expect_eq(info->heads[2].kind, HEC_HEAD_NOVELTY);
    cr_expect_eq(memcmp(&info->heads[0], &hec_default_heads[0], sizeof(info->heads[0])), 0,
                 "a head comes back as it went in");
    cr_expect_eq(info->bytes, size);
    cr_expect_gt(info->tensors, 20u);
    cr_expect_gt(info->parameters, 2 * 4096u * 8);
    cr_expect_eq(info->shifts[2], 0);
    cr_expect(isnan(hec_model_usual(model, PLANTED_AMOUNT)) ||
              hec_model_usual(model, PLANTED_AMOUNT) > 0);
}

Test(file, is_refused_for_another_feature_schema)
{
    struct hec_model *loaded = NULL;
    struct hec_error error = { 0 };
    cr_expect_eq(hec_model_load(&loaded, bytes, size, "feedface", &error), HEC_MISMATCH);
    cr_expect(strstr(error.text, "0123456789ab") != NULL && strstr(error.text, "feedface") != NULL,
              "%s", error.text);
    cr_expect_null(loaded);
    cr_assert_eq(hec_model_load(&loaded, bytes, size, "0123456789abcdef", &error), HEC_OK);
    hec_model_free(loaded);
}

Test(file, is_refused_at_any_length_but_its_own)
{
    struct hec_error error;
    for (size_t cut = 0; cut < size; cut += cut < 6000 ? 97 : 20011) {
        cr_assert_neq(load(bytes, cut, &error), HEC_OK, "%zu of %zu bytes", cut, size);
        cr_assert_neq(error.text[0], '\0');
    }
    char *longer = calloc(size + 4, 1);
    memcpy(longer, bytes, size);
    cr_expect_eq(load(longer, size + 4, &error), HEC_CORRUPT);
    free(longer);
}

/* Changes the text of the header in place; both must have the same length. */
static void expect_edit_refused(const char *from, const char *to, enum hec_status status,
                                const char *word)
{
    struct hec_error error;
    char *copy = malloc(size);
    cr_assert_eq(strlen(from), strlen(to));
    memcpy(copy, bytes, size);
    char *at = memmem(copy, size, from, strlen(from));
    cr_assert_not_null(at, "no %s in the file", from);
    memcpy(at, to, strlen(to));
    cr_expect_eq(load(copy, size, &error), status, "%s -> %s: %s", from, to, error.text);
    cr_expect(strstr(error.text, word) != NULL, "%s -> %s: %s", from, to, error.text);
    free(copy);
}

Test(file, is_refused_for_each_text_that_is_not_as_it_must_be)
{
    expect_edit_refused("hecate.model/1", "hecate.model/9", HEC_INVALID, "hecate.model/9");
    expect_edit_refused("\"format\"", "\"farmat\"", HEC_INVALID, "format is 'none'");
    expect_edit_refused("shared-bottom", "shared-nought", HEC_INVALID, "shared-nought");
    expect_edit_refused("trunk_1\\\":64", "trunk_1\\\":65", HEC_INVALID, "another shape");
    expect_edit_refused("trunk_1\\\":64", "trunk_1\\\":-4", HEC_INVALID, "trunk_1");
    expect_edit_refused("decoder_hidden\\\":32", "decoder_hidden\\\":00", HEC_INVALID, "arch");
    expect_edit_refused("periodic_frequencies\\\":8", "periodic_frequencies\\\":0", HEC_INVALID,
                        "contradicts itself");
    expect_edit_refused("\\\"binary\\\"", "\\\"binery\\\"", HEC_INVALID, "heads");
    expect_edit_refused("\\\"novelty\\\"", "\\\"binary\\\" ", HEC_INVALID, "not fit");
    expect_edit_refused("\\\"card_auth\\\"", "\\\"card_ouch\\\"", HEC_INVALID, "heads");
    expect_edit_refused("\\\"threshold\\\"", "\\\"threshald\\\"", HEC_INVALID, "heads");
    expect_edit_refused("\\\"name\\\":\\\"ato\\\"", "\\\"name\\\":\\\"a o\\\"", HEC_INVALID,
                        "letters");
    expect_edit_refused("\\\"numeric\\\"", "\\\"numerik\\\"", HEC_INVALID, "columns");
    expect_edit_refused("\\\"night\\\"", "\\\"noise\\\"", HEC_INVALID, "two columns");
    expect_edit_refused("\"schema_digest\"", "\"schema_digess\"", HEC_INVALID, "feature schema");
    expect_edit_refused("\"seed\"", "\"seel\"", HEC_INVALID, "seed");
    expect_edit_refused("\"train_rows\":\"900\"", "\"train_rows\":\"9o0\"", HEC_INVALID, "seed");
    expect_edit_refused("\"threshold_rule\"", "\"threshold_rult\"", HEC_INVALID, "threshold_rule");
    expect_edit_refused("\"trunk.0.bias\"", "\"trunk.9.bias\"", HEC_INVALID, "trunk.0.bias");
    expect_edit_refused("\"novelty.error\"", "\"novelty.arror\"", HEC_INVALID, "novelty.error");
}

/* Writes the tensors of the file once more, with one changed, left out or added. */
static void *rewrite(const char *name, const void *data, uint64_t dim, bool leave_out,
                     size_t *new_size)
{
    struct hec_st_file file;
    void *out;
    cr_assert_eq(hec_st_read(&file, bytes, size, NULL), HEC_OK);
    struct hec_st_tensor *tensors = calloc(file.tensors_count + 1, sizeof(*tensors));
    size_t count = 0;
    bool found = false;
    for (size_t i = 0; i < file.tensors_count; i++) {
        tensors[count] = file.tensors[i];
        if (strcmp(file.tensors[i].name, name) == 0) {
            found = true;
            if (leave_out) {
                continue;
            }
            tensors[count].data = data;
            tensors[count].dims = dim > 0 ? 1 : tensors[count].dims;
            tensors[count].shape[0] = dim > 0 ? dim : tensors[count].shape[0];
        }
        count++;
    }
    if (!found) {
        tensors[count++] = (struct hec_st_tensor){ name, HEC_F32, 1, { dim }, data };
    }
    cr_assert_eq(hec_st_write(&out, new_size, tensors, count, file.texts, file.texts_count),
                 HEC_OK);
    free(tensors);
    hec_st_free(&file);
    return out;
}

static void expect_rewrite_refused(const char *name, const void *data, uint64_t dim, bool leave_out,
                                   enum hec_status status, const char *word)
{
    struct hec_error error;
    size_t new_size;
    void *copy = rewrite(name, data, dim, leave_out, &new_size);
    cr_expect_eq(load(copy, new_size, &error), status, "%s: %s", name, error.text);
    cr_expect(strstr(error.text, word) != NULL, "%s: %s", name, error.text);
    free(copy);
}

Test(file, is_refused_for_each_tensor_that_is_not_as_it_must_be)
{
    static float numbers[4096];
    expect_rewrite_refused("trunk.1.bias", NULL, 0, true, HEC_INVALID, "tensors where");
    expect_rewrite_refused("scaler.had_missing", NULL, 0, true, HEC_INVALID, "not in the file");
    expect_rewrite_refused("scaler.mean", numbers, PLANTED_NUMERICS + 1, false, HEC_INVALID,
                           "scaler.mean");
    expect_rewrite_refused("one.more", numbers, 3, false, HEC_INVALID, "tensors where");
    expect_rewrite_refused("novelty.error", numbers, 1, false, HEC_INVALID, "novelty.error");
    expect_rewrite_refused("novelty.error", numbers, HEC_KNOTS_MAX + 1, false, HEC_INVALID,
                           "novelty.error");
    expect_rewrite_refused("novelty.error", numbers, 0, false, HEC_CORRUPT, "in order");
    numbers[2] = 50000;
    expect_rewrite_refused("periodic.frequency", numbers, 0, false, HEC_CORRUPT, "frequency");
    numbers[2] = NAN;
    expect_rewrite_refused("trunk.1.bias", numbers, 0, false, HEC_CORRUPT, "finite");
}

/* Finite, of the right shape, and still not the weights that were trained. */
Test(file, fails_its_self_test_with_other_weights)
{
    static float numbers[4096];
    for (int i = 0; i < 4096; i++) {
        numbers[i] = 0.5f;
    }
    expect_rewrite_refused("trunk.1.bias", numbers, 0, false, HEC_CORRUPT, "self-test");
    expect_rewrite_refused("heads.ato.out.weight", numbers, 0, false, HEC_CORRUPT, "'ato'");
    expect_rewrite_refused("decoder.2.bias", numbers, 0, false, HEC_CORRUPT, "'anomaly'");
}

Test(file, survives_a_flipped_bit_anywhere_in_its_header)
{
    uint64_t header;
    struct hec_error error;
    memcpy(&header, bytes, 8);
    char *copy = malloc(size);
    for (size_t at = 0; at < 8 + header; at += 5) {
        memcpy(copy, bytes, size);
        copy[at] = (char)(copy[at] ^ (1 << at % 7));
        (void)load(copy, size, &error); /* accepted (a name of a person) or refused: no harm */
    }
    free(copy);
}
