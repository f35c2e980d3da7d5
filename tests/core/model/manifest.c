/* The manifest: heads, columns and widths come back from JSON as they went in, or are refused. */
#include "model/manifest.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

Test(manifest, brings_heads_back_as_they_were)
{
    struct hec_model model = { .info = { .heads_count = HEC_DEFAULT_HEADS } };
    struct hec_manifest_heads heads;
    memcpy(model.heads, hec_default_heads, sizeof(hec_default_heads));
    model.heads[1].others_are_negative = true;
    model.heads[1].loss_weight = 0.1f;
    model.thresholds[1] = 0.123456789f;
    model.shifts[0] = -4.000001f;
    model.trained[2] = true;
    model.heads[2].kind = HEC_HEAD_REGRESSION;
    model.spreads[0] = model.spreads[1] = 1;
    model.spreads[2] = 0.3f;
    char *json = hec_manifest_heads(&model);
    cr_assert_not_null(json);
    cr_assert_eq(hec_manifest_read_heads(&heads, json, NULL), HEC_OK);
    cr_expect_eq(heads.count, HEC_DEFAULT_HEADS);
    for (int k = 0; k < HEC_DEFAULT_HEADS; k++) {
        cr_expect_eq(memcmp(&heads.heads[k], &model.heads[k], sizeof(model.heads[k])), 0, "%d", k);
        cr_expect_eq(heads.thresholds[k], model.thresholds[k]);
        cr_expect_eq(heads.shifts[k], model.shifts[k]);
        cr_expect_eq(heads.spreads[k], model.spreads[k]);
        cr_expect_eq(heads.trained[k], model.trained[k]);
    }
    free(json);
}

static void expect_heads_refused(const char *json)
{
    struct hec_manifest_heads heads;
    struct hec_error error = { 0 };
    cr_expect_eq(hec_manifest_read_heads(&heads, json, &error), HEC_INVALID, "%s",
                 json == NULL ? "NULL" : json);
    cr_expect_neq(error.text[0], '\0');
}

#define HEAD(name, kind, types, rules, delay)                                                      \
    "[{\"name\":" name ",\"kind\":" kind ",\"event_types\":" types ",\"rules\":" rules             \
    ",\"label_delay_ms\":" delay ",\"loss_weight\":1,\"shift\":0,\"threshold\":0.5}]"

Test(manifest, refuses_heads_that_are_none)
{
    struct hec_manifest_heads heads;
    cr_assert_eq(hec_manifest_read_heads(
                     &heads, HEAD("\"a\"", "\"binary\"", "[\"login\"]", "[]", "0"), NULL),
                 HEC_OK);
    expect_heads_refused(HEAD("\"a\"", "\"regression\"", "[\"login\"]", "[]", "0"));
    expect_heads_refused(NULL);
    expect_heads_refused("");
    expect_heads_refused("{}");
    expect_heads_refused("[]");
    expect_heads_refused("[1]");
    expect_heads_refused("[{},{},{},{},{},{},{},{},{}]");
    expect_heads_refused(HEAD("1", "\"binary\"", "[\"login\"]", "[]", "0"));
    expect_heads_refused(HEAD("\"0123456789012345678901234567890123456789012345678\"", "\"binary\"",
                              "[\"login\"]", "[]", "0"));
    expect_heads_refused(HEAD("\"a\"", "\"ternary\"", "[\"login\"]", "[]", "0"));
    expect_heads_refused(HEAD("\"a\"", "\"binary\"", "[\"logout\"]", "[]", "0"));
    expect_heads_refused(HEAD("\"a\"", "\"binary\"", "\"login\"", "[]", "0"));
    expect_heads_refused(HEAD("\"a\"", "\"binary\"", "[\"login\"]", "[]", "\"0\""));
    expect_heads_refused(HEAD("\"a\"", "\"binary\"", "[\"login\"]", "[{},{},{},{},{}]", "0"));
    expect_heads_refused(HEAD("\"a\"", "\"binary\"", "[\"login\"]",
                              "[{\"event_types\":[\"login\"],\"positive\":[\"012345678\"]}]", "0"));
    expect_heads_refused(HEAD("\"a\"", "\"binary\"", "[\"login\"]",
                              "[{\"event_types\":[\"login\"],\"positive\":[1]}]", "0"));
}

Test(manifest, brings_columns_back_in_their_order)
{
    const char *const numeric[] = { "b", "a \"quoted\"" }, *const category[] = { "c" };
    const struct hec_columns columns = { 2, 1, numeric, category, "", "" };
    struct hec_manifest_columns back;
    char *json = hec_manifest_columns(&columns);
    cr_assert_eq(hec_manifest_read_columns(&back, json, NULL), HEC_OK);
    cr_expect_eq(back.columns.numerics, 2);
    cr_expect_eq(back.columns.categories, 1);
    cr_expect_str_eq(back.columns.numeric_names[0], "b");
    cr_expect_str_eq(back.columns.numeric_names[1], "a \"quoted\"");
    cr_expect_str_eq(back.columns.category_names[0], "c");
    hec_manifest_free_columns(&back);
    free(json);

    static const char *const bad[] = { NULL,
                                       "",
                                       "[]",
                                       "{}",
                                       "{\"numeric\":[1],\"category\":[]}",
                                       "{\"numeric\":[\"a\"]}",
                                       "{\"numeric\":\"a\",\"category\":[]}" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cr_expect_eq(hec_manifest_read_columns(&back, bad[i], NULL), HEC_INVALID, "%zu", i);
    }
}

Test(manifest, brings_widths_back_and_keeps_them_within_reason)
{
    struct hec_shape shape = { .frequencies = 8,
                               .periodic = 4,
                               .table_rows = 4096,
                               .table_dims = 8,
                               .hidden = { 128, 64 },
                               .tower = 32,
                               .bottleneck = 8,
                               .decoder = 32 };
    struct hec_shape back = { .numerics = 3 };
    char *json = hec_manifest_architecture(&shape);
    cr_assert_eq(hec_manifest_read_architecture(&back, json, NULL), HEC_OK);
    cr_expect(back.hidden[0] == 128 && back.hidden[1] == 64 && back.tower == 32);
    cr_expect(back.table_rows == 4096 && back.decoder == 32 && back.numerics == 3);
    free(json);

    shape.hidden[0] = 5000;
    json = hec_manifest_architecture(&shape);
    cr_expect_eq(hec_manifest_read_architecture(&back, json, NULL), HEC_INVALID);
    free(json);
    shape.hidden[0] = 128;
    shape.table_rows = 1; /* no row beside the one for what is absent */
    json = hec_manifest_architecture(&shape);
    cr_expect_eq(hec_manifest_read_architecture(&back, json, NULL), HEC_INVALID);
    free(json);
    cr_expect_eq(hec_manifest_read_architecture(&back, NULL, NULL), HEC_INVALID);
    cr_expect_eq(hec_manifest_read_architecture(&back, "{\"arch\":\"mmoe\"}", NULL), HEC_INVALID);
}

/* What a network cannot be put together from would be read as another one. */
Test(manifest, refuses_parts_that_do_not_go_together)
{
    static const struct hec_shape GOOD = { .frequencies = 8,
                                           .periodic = 4,
                                           .table_rows = 4096,
                                           .table_dims = 8,
                                           .hidden = { 128, 64 },
                                           .tower = 32 };
    for (int arch = 0; arch < HEC_ARCHS; arch++) {
        for (int fusion = 0; fusion < HEC_FUSIONS; fusion++) {
            for (int parts = 0; parts < 4; parts++) {
                struct hec_shape shape = GOOD, back = { 0 };
                struct hec_error error = { 0 };
                shape.arch = (enum hec_arch)arch;
                shape.fusion = (enum hec_fusion)fusion;
                shape.experts = arch == HEC_ARCH_MMOE || arch == HEC_ARCH_CGC ? 4 : 0;
                shape.hidden[0] = parts & 1 ? 0 : 128;
                shape.one_gate = parts & 2 ? 1 : 0;
                bool good = (shape.hidden[0] > 0 || fusion == HEC_FUSION_NONE) &&
                            (shape.one_gate == 0 || arch == HEC_ARCH_MMOE);
                char *json = hec_manifest_architecture(&shape);
                cr_expect_eq(hec_manifest_read_architecture(&back, json, &error),
                             good ? HEC_OK : HEC_INVALID, "%s", json);
                cr_expect(good || strstr(error.text, "trunk_0") || strstr(error.text, "one_gate"),
                          "%s: %s", json, error.text);
                free(json);
            }
        }
    }
}
