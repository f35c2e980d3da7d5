/*
 * Making a model, by hand for the trainer or from a file for everyone else.
 *
 * What a file holds is one list of names, shapes and places in memory; the writer walks it one way
 * and the loader the other, so they cannot disagree.
 */
#include "model/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/gemm.h"
#include "model/layers.h"

#define LINE 64
#define TEXTS_MAX (HEC_MODEL_NUMERICS_MAX + HEC_MODEL_CATEGORIES_MAX + 16)

const char *hec_model_keep(struct hec_model *model, const char *text)
{
    if (model->texts_count == TEXTS_MAX) {
        return NULL;
    }
    char *copy = strdup(text);
    if (copy != NULL) {
        model->texts[model->texts_count++] = copy;
    }
    return copy;
}

static enum hec_status check_columns(const struct hec_columns *columns, struct hec_error *error)
{
    int n = columns->numerics, c = columns->categories;
    if (n < 0 || n > HEC_MODEL_NUMERICS_MAX || c < 0 || c > HEC_MODEL_CATEGORIES_MAX || n + c < 1) {
        return hec_fail(
            error, HEC_INVALID,
            "model: %d numeric and %d category columns; 1 to %d and 0 to %d can be used", n, c,
            HEC_MODEL_NUMERICS_MAX, HEC_MODEL_CATEGORIES_MAX);
    }
    for (int i = 0; i < n + c; i++) {
        const char *name = i < n ? columns->numeric_names[i] : columns->category_names[i - n];
        for (int j = 0; j < i; j++) {
            const char *other = j < n ? columns->numeric_names[j] : columns->category_names[j - n];
            if (strcmp(name, other) == 0) {
                return hec_fail(error, HEC_INVALID, "model: two columns are named '%.60s'", name);
            }
        }
    }
    return HEC_OK;
}

static bool is_head_name(const char *name)
{
    size_t length = strnlen(name, HEC_HEAD_NAME_MAX);
    return length > 0 && length < HEC_HEAD_NAME_MAX &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") ==
               length;
}

static enum hec_status check_heads(const struct hec_head *heads, int count, int numerics,
                                   struct hec_error *error)
{
    int novelty = 0;
    if (count < 1 || count > HEC_HEADS_MAX) {
        return hec_fail(error, HEC_INVALID, "model: %d heads; 1 to %d can be used", count,
                        HEC_HEADS_MAX);
    }
    for (int k = 0; k < count; k++) {
        if (!is_head_name(heads[k].name)) {
            return hec_fail(error, HEC_INVALID,
                            "model: a head's name is made of letters, digits and '_', not '%.40s'",
                            heads[k].name);
        }
        for (int j = 0; j < k; j++) {
            if (strcmp(heads[j].name, heads[k].name) == 0) {
                return hec_fail(error, HEC_INVALID, "model: two heads are named '%s'",
                                heads[k].name);
            }
        }
        if (heads[k].event_types == 0) {
            return hec_fail(error, HEC_INVALID, "model: head '%s' applies to no event type",
                            heads[k].name);
        }
        novelty += heads[k].kind == HEC_HEAD_NOVELTY;
    }
    if (novelty == count || novelty > 1 || (novelty > 0 && numerics == 0)) {
        return hec_fail(error, HEC_INVALID,
                        "model: %d of %d heads are for novelty; there can be one, beside another "
                        "one, and it needs numeric columns",
                        novelty, count);
    }
    return HEC_OK;
}

/* Everything whose size follows from the columns. */
static enum hec_status allocate(struct hec_model *model, const struct hec_columns *columns)
{
    size_t n = (size_t)columns->numerics + 1, c = (size_t)columns->categories + 1;
    model->texts = calloc(TEXTS_MAX, sizeof(*model->texts));
    model->numeric_names = calloc(n, sizeof(*model->numeric_names));
    model->category_names = calloc(c, sizeof(*model->category_names));
    model->baseline = calloc(n, sizeof(*model->baseline));
    model->baseline_categories = calloc(c, sizeof(*model->baseline_categories));
    model->golden = calloc(n, sizeof(*model->golden));
    model->golden_categories = calloc(c, sizeof(*model->golden_categories));
    if (model->texts == NULL || model->numeric_names == NULL || model->category_names == NULL ||
        model->baseline == NULL || model->baseline_categories == NULL || model->golden == NULL ||
        model->golden_categories == NULL) {
        return HEC_NO_MEMORY;
    }
    return hec_scaler_new(&model->scaler, columns->numerics);
}

static bool keep_texts(struct hec_model *model, const struct hec_columns *columns)
{
    struct hec_columns *own = &model->info.columns;
    bool kept = true;
    for (int j = 0; j < columns->numerics; j++) {
        model->numeric_names[j] = hec_model_keep(model, columns->numeric_names[j]);
        kept = kept && model->numeric_names[j] != NULL;
    }
    for (int k = 0; k < columns->categories; k++) {
        model->category_names[k] = hec_model_keep(model, columns->category_names[k]);
        kept = kept && model->category_names[k] != NULL;
    }
    *own = (struct hec_columns){ .numerics = columns->numerics,
                                 .categories = columns->categories,
                                 .numeric_names = model->numeric_names,
                                 .category_names = model->category_names,
                                 .schema_text = hec_model_keep(model, columns->schema_text),
                                 .schema_digest = hec_model_keep(model, columns->schema_digest) };
    return kept && own->schema_text != NULL && own->schema_digest != NULL;
}

enum hec_status hec_model_make(struct hec_model **ret, const struct hec_columns *columns,
                               const struct hec_head *heads, int heads_count,
                               struct hec_error *error)
{
    enum hec_status status = check_columns(columns, error);
    if (status == HEC_OK) {
        status = check_heads(heads, heads_count, columns->numerics, error);
    }
    if (status != HEC_OK) {
        return status;
    }

    struct hec_model *model = calloc(1, sizeof(*model));
    if (model == NULL || allocate(model, columns) != HEC_OK || !keep_texts(model, columns) ||
        hec_reference_new(&model->reference, columns->numerics, columns->categories, heads_count) !=
            HEC_OK) {
        hec_model_free(model);
        return hec_fail(error, HEC_NO_MEMORY, "model: no memory");
    }
    int logits = 0;
    for (int k = 0; k < heads_count; k++) {
        model->heads[k] = heads[k];
        model->logit_of[k] = heads[k].kind == HEC_HEAD_NOVELTY ? -1 : logits++;
        model->thresholds[k] = HEC_THRESHOLD_NEVER;
        model->spreads[k] = 1;
    }
    bool novelty = logits < heads_count;
    model->shape = (struct hec_shape){ .table_rows = 4096,
                                       .table_dims = 8,
                                       .tower = 32,
                                       .bottleneck = novelty ? 8 : 0,
                                       .decoder = novelty ? 32 : 0 };
    model->shape.numerics = columns->numerics;
    model->shape.categories = columns->categories;
    model->shape.heads = logits;
    hec_shape_network(&model->shape, &(struct hec_network){ 0 });
    model->info.heads_count = heads_count;
    model->info.heads = model->heads;
    model->info.thresholds = model->thresholds;
    model->info.shifts = model->shifts;
    model->info.spreads = model->spreads;
    model->info.trained = model->trained;
    *ret = model;
    return HEC_OK;
}

void hec_model_free(struct hec_model *model)
{
    if (model == NULL) {
        return;
    }
    for (int i = 0; i < model->texts_count; i++) {
        free(model->texts[i]);
    }
    free(model->texts);
    free(model->numeric_names);
    free(model->category_names);
    free(model->baseline);
    free(model->baseline_categories);
    free(model->golden);
    free(model->golden_categories);
    hec_work_free(&model->base);
    hec_before_free(&model->base_before);
    free(model->parameters);
    hec_panels_free(&model->panels);
    hec_scaler_free(&model->scaler);
    hec_residual_free(&model->residual);
    hec_reference_free(&model->reference);
    free(model);
}

/* What one model for each head would be: each with its own trunk and embeddings. */
static void count_separate(struct hec_model *model)
{
    for (int k = 0; k < model->info.heads_count; k++) {
        bool novelty = model->logit_of[k] < 0;
        struct hec_shape one = model->shape;
        struct hec_layout layout;
        one.heads = novelty ? 0 : 1;
        one.bottleneck = novelty ? one.bottleneck : 0;
        one.decoder = novelty ? one.decoder : 0;
        if (novelty) { /* without a head there is nothing to mix for */
            one.arch = HEC_ARCH_SHARED_BOTTOM;
            one.experts = 0;
        }
        hec_layout_of(&layout, &one);
        model->info.separate_parameters += layout.parameters;
        model->info.separate_flops += hec_shape_flops(&one);
    }
}

bool hec_model_layer(const struct hec_model *model, int index, struct hec_model_layer *layer)
{
    for (int t = 0; t < HEC_TENSORS; t++) {
        const struct hec_tensor_place *place = &model->layout.place[t];
        size_t parameters = (size_t)place->rows * (size_t)place->cols;
        if (parameters > 0 && index-- == 0) {
            *layer = (struct hec_model_layer){ place->name, place->rows, place->cols, parameters };
            return true;
        }
    }
    return false;
}

enum hec_status hec_model_shape(struct hec_model *model)
{
    hec_scaler_settle(&model->scaler);
    model->shape.indicators = model->scaler.indicators;
    hec_layout_of(&model->layout, &model->shape);
    model->info.parameters = model->layout.parameters;
    model->info.flops_per_row = hec_shape_flops(&model->shape);
    count_separate(model);

    size_t bytes = (model->layout.numbers * sizeof(float) + LINE - 1) / LINE * LINE;
    model->parameters = aligned_alloc(LINE, bytes + LINE);
    if (model->parameters == NULL) {
        return HEC_NO_MEMORY;
    }
    memset(model->parameters, 0, bytes + LINE);
    return model->shape.bottleneck > 0 ? hec_residual_new(&model->residual, model->shape.numerics)
                                       : HEC_OK;
}

enum hec_status hec_model_settle(struct hec_model *model)
{
    const struct hec_shape *s = &model->shape;
    struct hec_work *base = &model->base;

    hec_gemm_setup();
    hec_panels_free(&model->panels);
    hec_work_free(base);
    hec_before_free(&model->base_before);
    if (hec_panels_make(&model->panels, &model->layout, model->parameters) != HEC_OK ||
        hec_work_new(base, s, 1, HEC_WORK_SERVING) != HEC_OK ||
        hec_before_new(&model->base_before, s) != HEC_OK) {
        return HEC_NO_MEMORY;
    }
    base->panels = &model->panels;
    if (s->bottleneck > 0) {
        hec_residual_settle(&model->residual);
    }
    hec_scaler_apply(&model->scaler, model->baseline, 1, base->input, base->inputs);
    hec_categories_apply(base->index, model->baseline_categories, 1, s->categories, s->table_rows);
    hec_net_forward(base, model->parameters, 1, 0);
    hec_net_before(base, model->parameters, &model->base_before);
    return HEC_OK;
}

const struct hec_model_info *hec_model_info(const struct hec_model *model)
{
    return &model->info;
}

float hec_model_usual(const struct hec_model *model, int numeric_column)
{
    return model->baseline[numeric_column];
}
