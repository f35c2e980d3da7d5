/*
 * The manifest's three JSON texts, written in one place and read beside it.
 *
 * Numbers are checked against their limits here, so that nothing behind this file has to ask again.
 */
#include "model/manifest.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

#include "hecate/event.h"

static const char *const kinds[] = { [HEC_HEAD_BINARY] = "binary",
                                     [HEC_HEAD_NOVELTY] = "novelty",
                                     [HEC_HEAD_REGRESSION] = "regression",
                                     NULL };

static const char *const event_types[HEC_EVENT_TYPES] = {
#define NAME(enumerator, name) name,
    HEC_EVENT_TYPE_TABLE(NAME)
#undef NAME
};

static char *print(yyjson_mut_doc *doc, yyjson_mut_val *root)
{
    yyjson_mut_doc_set_root(doc, root);
    char *json = yyjson_mut_write(doc, 0, NULL);
    yyjson_mut_doc_free(doc);
    return json;
}

static yyjson_mut_val *types_of(yyjson_mut_doc *doc, uint32_t mask)
{
    yyjson_mut_val *list = yyjson_mut_arr(doc);
    for (int type = 0; type < HEC_EVENT_TYPES; type++) {
        if (mask & 1u << type) {
            yyjson_mut_arr_add_str(doc, list, event_types[type]);
        }
    }
    return list;
}

static yyjson_mut_val *rules_of(yyjson_mut_doc *doc, const struct hec_head *head)
{
    yyjson_mut_val *list = yyjson_mut_arr(doc);
    for (int i = 0; i < head->rules_count; i++) {
        const struct hec_head_rule *rule = &head->rules[i];
        yyjson_mut_val *entry = yyjson_mut_obj(doc), *types = yyjson_mut_arr(doc);
        for (int k = 0; k < rule->types_count; k++) {
            yyjson_mut_arr_add_str(doc, types, rule->types[k]);
        }
        yyjson_mut_obj_add_val(doc, entry, "event_types", types_of(doc, rule->event_types));
        yyjson_mut_obj_add_val(doc, entry, rule->listed_count ? "positive" : "positive_except",
                               types);
        yyjson_mut_arr_add_val(list, entry);
    }
    return list;
}

/* A float as the shortest decimal that gives it back. */
static double shown(float value)
{
    char text[32];
    snprintf(text, sizeof(text), "%.9g", (double)value);
    return strtod(text, NULL);
}

char *hec_manifest_heads(const struct hec_model *model)
{
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *list = yyjson_mut_arr(doc);
    for (int k = 0; k < model->info.heads_count; k++) {
        const struct hec_head *head = &model->heads[k];
        yyjson_mut_val *entry = yyjson_mut_obj(doc);
        yyjson_mut_obj_add_str(doc, entry, "name", head->name);
        yyjson_mut_obj_add_str(doc, entry, "kind", kinds[head->kind]);
        yyjson_mut_obj_add_val(doc, entry, "event_types", types_of(doc, head->event_types));
        yyjson_mut_obj_add_val(doc, entry, "rules", rules_of(doc, head));
        yyjson_mut_obj_add_bool(doc, entry, "others_are_negative", head->others_are_negative);
        yyjson_mut_obj_add_int(doc, entry, "label_delay_ms", head->label_delay_ms);
        yyjson_mut_obj_add_real(doc, entry, "loss_weight", shown(head->loss_weight));
        if (head->loss > 0) {
            yyjson_mut_obj_add_str(doc, entry, "loss", hec_loss_names[head->loss - 1]);
        }
        yyjson_mut_obj_add_real(doc, entry, "shift", shown(model->shifts[k]));
        if (head->kind == HEC_HEAD_REGRESSION) {
            yyjson_mut_obj_add_real(doc, entry, "spread", shown(model->spreads[k]));
        }
        yyjson_mut_obj_add_real(doc, entry, "threshold", shown(model->thresholds[k]));
        yyjson_mut_obj_add_bool(doc, entry, "trained", model->trained[k]);
        yyjson_mut_arr_add_val(list, entry);
    }
    return print(doc, list);
}

char *hec_manifest_columns(const struct hec_columns *columns)
{
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_val *numeric = yyjson_mut_arr(doc), *category = yyjson_mut_arr(doc);
    for (int j = 0; j < columns->numerics; j++) {
        yyjson_mut_arr_add_str(doc, numeric, columns->numeric_names[j]);
    }
    for (int k = 0; k < columns->categories; k++) {
        yyjson_mut_arr_add_str(doc, category, columns->category_names[k]);
    }
    yyjson_mut_obj_add_val(doc, root, "numeric", numeric);
    yyjson_mut_obj_add_val(doc, root, "category", category);
    return print(doc, root);
}

/* X(member, what stands in the file, at least, at most). Columns and heads follow from elsewhere.
 */
#define WIDTHS(X)                                                                                  \
    X(frequencies, "periodic_frequencies", 0, 16)                                                  \
    X(periodic, "periodic_dims", 0, 8)                                                             \
    X(table_rows, "table_rows", 2, 1 << 20)                                                        \
    X(table_dims, "table_dims", 1, 64)                                                             \
    X(hidden[0], "trunk_0", 0, 4096)                                                               \
    X(hidden[1], "trunk_1", 1, 4096)                                                               \
    X(tower, "tower", 1, 1024)                                                                     \
    X(bottleneck, "decoder_bottleneck", 0, 1024)                                                   \
    X(decoder, "decoder_hidden", 0, 1024)

/* The same; these stand in the file only when they are not 0. */
#define EXTRAS(X)                                                                                  \
    X(bins, "piecewise_bins", 0, 64)                                                               \
    X(experts, "experts", 0, HEC_CHOICES_MAX - 1)                                                  \
    X(one_gate, "one_gate", 0, 1)

static enum hec_embed embed_of(const struct hec_shape *shape)
{
    return shape->bins > 0          ? HEC_EMBED_PIECEWISE
           : shape->frequencies > 0 ? HEC_EMBED_PERIODIC
                                    : HEC_EMBED_NONE;
}

char *hec_manifest_architecture(const struct hec_shape *shape)
{
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_obj_add_str(doc, root, "arch", hec_arch_names[shape->arch]);
    yyjson_mut_obj_add_str(doc, root, "num_embed", hec_embed_names[embed_of(shape)]);
#define WRITE(member, name, least, most) yyjson_mut_obj_add_int(doc, root, name, shape->member);
    WIDTHS(WRITE)
#undef WRITE
    if (shape->fusion != HEC_FUSION_NONE) {
        yyjson_mut_obj_add_str(doc, root, "fusion", hec_fusion_names[shape->fusion]);
    }
#define WRITE(member, name, least, most)                                                           \
    if (shape->member > 0) {                                                                       \
        yyjson_mut_obj_add_int(doc, root, name, shape->member);                                    \
    }
    EXTRAS(WRITE)
#undef WRITE
    return print(doc, root);
}

/* A whole number; what is not there is fallback. */
static bool read_width(int *to, yyjson_val *root, const char *name, int64_t fallback, int least,
                       int most, struct hec_error *error)
{
    yyjson_val *value = yyjson_obj_get(root, name);
    int64_t number = yyjson_is_int(value) ? yyjson_get_sint(value) : fallback;
    if (number < least || number > most || (value != NULL && !yyjson_is_int(value))) {
        hec_fail(error, HEC_INVALID, "model: architecture needs %s in %d .. %d", name, least, most);
        return false;
    }
    *to = (int)number;
    return true;
}

static enum hec_status read_names_of_parts(struct hec_shape *shape, yyjson_val *root,
                                           struct hec_error *error)
{
    const char *arch = yyjson_get_str(yyjson_obj_get(root, "arch"));
    yyjson_val *fusion = yyjson_obj_get(root, "fusion");
    int known = hec_name_find(hec_arch_names, arch), fused = 0;
    if (known < 0) {
        return hec_fail(error, HEC_INVALID, "model: architecture '%.40s' is not known here",
                        arch == NULL ? "none" : arch);
    }
    if (fusion != NULL) {
        fused = hec_name_find(hec_fusion_names, yyjson_get_str(fusion));
    }
    if (fused < 0) {
        return hec_fail(error, HEC_INVALID, "model: the architecture's fusion is not known here");
    }
    shape->arch = (enum hec_arch)known;
    shape->fusion = (enum hec_fusion)fused;
    return HEC_OK;
}

enum hec_status hec_manifest_read_architecture(struct hec_shape *shape, const char *json,
                                               struct hec_error *error)
{
    yyjson_doc *doc = json == NULL ? NULL : yyjson_read(json, strlen(json), 0);
    yyjson_val *root = yyjson_doc_get_root(doc);
    enum hec_status status = read_names_of_parts(shape, root, error);
    bool good = status == HEC_OK;
#define READ(member, name, least, most)                                                            \
    good = good && read_width(&shape->member, root, name, INT64_MIN, least, most, error);
    WIDTHS(READ)
#undef READ
#define READ(member, name, least, most)                                                            \
    good = good && read_width(&shape->member, root, name, 0, least, most, error);
    EXTRAS(READ)
#undef READ
    bool mixes = shape->arch == HEC_ARCH_MMOE || shape->arch == HEC_ARCH_CGC;
    if (good && (mixes != (shape->experts > 0) ||
                 (shape->periodic > 0 && (shape->frequencies > 0) == (shape->bins > 0)))) {
        status = hec_fail(error, HEC_INVALID, "model: the architecture contradicts itself");
    } else if (good && shape->fusion != HEC_FUSION_NONE && shape->hidden[0] == 0) {
        status = hec_fail(error, HEC_INVALID,
                          "model: the architecture fuses two layers, and trunk_0 is 0");
    } else if (good && shape->one_gate > 0 && shape->arch != HEC_ARCH_MMOE) {
        status =
            hec_fail(error, HEC_INVALID, "model: the architecture has one_gate and is not mmoe");
    }
    yyjson_doc_free(doc);
    return good || status != HEC_OK ? status : HEC_INVALID;
}

static bool read_types(uint32_t *mask, yyjson_val *list)
{
    size_t i, count;
    yyjson_val *item;
    *mask = 0;
    yyjson_arr_foreach(list, i, count, item)
    {
        uint32_t bit = 0;
        for (int type = 0; type < HEC_EVENT_TYPES; type++) {
            bit |= yyjson_equals_str(item, event_types[type]) ? 1u << type : 0;
        }
        if (bit == 0) {
            return false;
        }
        *mask |= bit;
    }
    return yyjson_is_arr(list);
}

static bool read_rule(struct hec_head_rule *rule, yyjson_val *entry)
{
    yyjson_val *positive = yyjson_obj_get(entry, "positive");
    yyjson_val *types = positive != NULL ? positive : yyjson_obj_get(entry, "positive_except");
    if (!read_types(&rule->event_types, yyjson_obj_get(entry, "event_types")) ||
        !yyjson_is_arr(types) || yyjson_arr_size(types) > HEC_FRAUD_TYPES_MAX) {
        return false;
    }
    rule->listed_count = positive != NULL;
    size_t i, count;
    yyjson_val *item;
    yyjson_arr_foreach(types, i, count, item)
    {
        const char *text = yyjson_get_str(item);
        if (text == NULL || strlen(text) >= HEC_FRAUD_TYPE_MAX) {
            return false;
        }
        memcpy(rule->types[rule->types_count++], text, strlen(text) + 1);
    }
    return true;
}

static bool read_number(float *number, yyjson_val *entry, const char *name)
{
    yyjson_val *value = yyjson_obj_get(entry, name);
    *number = (float)yyjson_get_num(value);
    return yyjson_is_num(value) && isfinite(*number);
}

static bool read_head(struct hec_manifest_heads *heads, int k, yyjson_val *entry)
{
    struct hec_head *head = &heads->heads[k];
    const char *name = yyjson_get_str(yyjson_obj_get(entry, "name"));
    int kind = hec_name_find(kinds, yyjson_get_str(yyjson_obj_get(entry, "kind")));
    yyjson_val *rules = yyjson_obj_get(entry, "rules");
    yyjson_val *delay = yyjson_obj_get(entry, "label_delay_ms");
    const char *told = yyjson_get_str(yyjson_obj_get(entry, "loss"));
    int loss = told == NULL ? -1 : hec_name_find(hec_loss_names, told);
    if (name == NULL || kind < 0 || (told != NULL && loss < 0) ||
        strlen(name) >= sizeof(head->name) || !yyjson_is_int(delay) ||
        yyjson_arr_size(rules) > HEC_HEAD_RULES_MAX) {
        return false;
    }
    memcpy(head->name, name, strlen(name) + 1);
    head->kind = (enum hec_head_kind)kind;
    heads->spreads[k] = 1;
    head->loss = (uint8_t)(1 + loss);
    head->label_delay_ms = yyjson_get_sint(delay);
    head->others_are_negative = yyjson_get_bool(yyjson_obj_get(entry, "others_are_negative"));
    heads->trained[k] = yyjson_get_bool(yyjson_obj_get(entry, "trained"));

    size_t i, count;
    yyjson_val *rule;
    yyjson_arr_foreach(rules, i, count, rule)
    {
        if (!read_rule(&head->rules[head->rules_count++], rule)) {
            return false;
        }
    }
    return (kind != HEC_HEAD_REGRESSION || read_number(&heads->spreads[k], entry, "spread")) &&
           read_types(&head->event_types, yyjson_obj_get(entry, "event_types")) &&
           read_number(&head->loss_weight, entry, "loss_weight") &&
           read_number(&heads->shifts[k], entry, "shift") &&
           read_number(&heads->thresholds[k], entry, "threshold");
}

enum hec_status hec_manifest_read_heads(struct hec_manifest_heads *heads, const char *json,
                                        struct hec_error *error)
{
    *heads = (struct hec_manifest_heads){ 0 };
    yyjson_doc *doc = json == NULL ? NULL : yyjson_read(json, strlen(json), 0);
    yyjson_val *list = yyjson_doc_get_root(doc);
    size_t count = yyjson_arr_size(list);
    bool good = yyjson_is_arr(list) && count >= 1 && count <= HEC_HEADS_MAX;
    for (size_t k = 0; good && k < count; k++) {
        good = read_head(heads, (int)k, yyjson_arr_get(list, k));
    }
    heads->count = (int)count;
    yyjson_doc_free(doc);
    return good ? HEC_OK
                : hec_fail(error, HEC_INVALID, "model: the file does not describe its heads");
}

static bool read_names(const char **names, yyjson_val *list)
{
    size_t i, count;
    yyjson_val *item;
    yyjson_arr_foreach(list, i, count, item)
    {
        names[i] = yyjson_get_str(item);
        if (names[i] == NULL) {
            return false;
        }
    }
    return yyjson_is_arr(list);
}

enum hec_status hec_manifest_read_columns(struct hec_manifest_columns *columns, const char *json,
                                          struct hec_error *error)
{
    yyjson_doc *doc = json == NULL ? NULL : yyjson_read(json, strlen(json), 0);
    yyjson_val *root = yyjson_doc_get_root(doc);
    yyjson_val *numeric = yyjson_obj_get(root, "numeric");
    yyjson_val *category = yyjson_obj_get(root, "category");
    size_t numerics = yyjson_arr_size(numeric), categories = yyjson_arr_size(category);
    *columns = (struct hec_manifest_columns){ .document = doc };

    if (numerics <= HEC_MODEL_NUMERICS_MAX && categories <= HEC_MODEL_CATEGORIES_MAX) {
        columns->names = calloc(numerics + categories + 1, sizeof(*columns->names));
    }
    if (columns->names == NULL || !read_names(columns->names, numeric) ||
        !read_names(columns->names + numerics, category)) {
        hec_manifest_free_columns(columns);
        return hec_fail(error, HEC_INVALID, "model: the file does not name its columns");
    }
    columns->columns.numerics = (int)numerics;
    columns->columns.categories = (int)categories;
    columns->columns.numeric_names = columns->names;
    columns->columns.category_names = columns->names + numerics;
    return HEC_OK;
}

void hec_manifest_free_columns(struct hec_manifest_columns *columns)
{
    free(columns->names);
    yyjson_doc_free(columns->document);
    *columns = (struct hec_manifest_columns){ 0 };
}
