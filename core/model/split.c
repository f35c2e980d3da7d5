/*
 * Splitting: one head of a model as a model of its own.
 *
 * Everything that the head reads comes with it and nothing else: its tower, gate or mask, the trunk
 * or trunks behind it, the input's embeddings, the scaler, the baseline. The scores are the same
 * numbers, because every layer that is left is the same layer.
 */
#include <stdlib.h>
#include <string.h>

#include "model/manifest.h"
#include "model/model.h"

static const int OF_TRUNKS[] = { HEC_T_TRUNK_0_WEIGHT,   HEC_T_TRUNK_0_BIAS,
                                 HEC_T_TRUNK_1_WEIGHT,   HEC_T_TRUNK_1_BIAS,
                                 HEC_T_FUSE_GATE_WEIGHT, HEC_T_FUSE_GATE_BIAS,
                                 HEC_T_FUSE_SKIP_WEIGHT, HEC_T_FUSE_SKIP_BIAS };

/* The trunk of the whole model that is the n-th one of the part. */
static int trunk_of(const struct hec_shape *whole, int logit, int n)
{
    if (whole->arch == HEC_ARCH_SINGLE) {
        return logit;
    }
    return whole->arch == HEC_ARCH_CGC && n >= whole->experts ? whole->experts + logit : n;
}

static bool is_of_trunks(int tensor)
{
    for (size_t i = 0; i < sizeof(OF_TRUNKS) / sizeof(OF_TRUNKS[0]); i++) {
        if (OF_TRUNKS[i] == tensor) {
            return true;
        }
    }
    return false;
}

static void copy_weights(struct hec_model *part, const struct hec_model *whole, int logit)
{
    int trunks = hec_shape_trunks(&part->shape), of = hec_shape_trunks(&whole->shape);
    for (int t = 0; t < HEC_TENSORS; t++) {
        const struct hec_tensor_place *to = &part->layout.place[t], *from = &whole->layout.place[t];
        size_t numbers = (size_t)to->rows * (size_t)to->cols, skip = 0;
        float *at = part->parameters + to->offset;
        const float *source = whole->parameters + from->offset;
        if (is_of_trunks(t)) {
            size_t each = (size_t)from->rows * (size_t)from->cols / (size_t)of;
            for (int n = 0; n < trunks; n++) {
                memcpy(at + (size_t)n * each,
                       source + (size_t)trunk_of(&whole->shape, logit, n) * each,
                       sizeof(float) * each);
            }
            continue;
        }
        if (to->head_rows > 0) {
            skip = numbers * (size_t)logit;
        }
        memcpy(at, source + skip, sizeof(float) * numbers);
    }
}

static enum hec_status copy_rest(struct hec_model *part, const struct hec_model *whole, int head)
{
    size_t n = (size_t)whole->shape.numerics, c = (size_t)whole->shape.categories;
    struct hec_model_info *info = &part->info;
    char *architecture = hec_manifest_architecture(&part->shape);
    if (architecture == NULL) {
        return HEC_NO_MEMORY;
    }
    memcpy(part->baseline, whole->baseline, n * sizeof(float));
    memcpy(part->baseline_categories, whole->baseline_categories, c * sizeof(uint32_t));
    memcpy(part->golden, whole->golden, n * sizeof(float));
    memcpy(part->golden_categories, whole->golden_categories, c * sizeof(uint32_t));
    part->thresholds[0] = whole->thresholds[head];
    part->shifts[0] = whole->shifts[head];
    part->spreads[0] = whole->spreads[head];
    part->trained[0] = whole->trained[head];
    info->name = hec_model_keep(part, whole->info.name);
    info->version = hec_model_keep(part, whole->info.version);
    info->threshold_rule = hec_model_keep(part, whole->info.threshold_rule);
    info->architecture = hec_model_keep(part, architecture);
    info->seed = whole->info.seed;
    info->train_from_ms = whole->info.train_from_ms;
    info->train_to_ms = whole->info.train_to_ms;
    info->known_at_ms = whole->info.known_at_ms;
    info->train_rows = whole->info.train_rows;
    free(architecture);
    return info->name == NULL || info->version == NULL || info->threshold_rule == NULL ||
                   info->architecture == NULL
               ? HEC_NO_MEMORY
               : HEC_OK;
}

/* Columns come first, and they are the same; of the heads one is left. */
static void copy_reference(struct hec_model *part, const struct hec_model *whole, int head)
{
    struct hec_reference *to = &part->reference;
    const struct hec_reference *from = &whole->reference;
    size_t n = (size_t)to->numerics, c = (size_t)to->categories;
    memcpy(to->edge, from->edge, n * HEC_REFERENCE_EDGES * sizeof(float));
    memcpy(to->top, from->top, c * HEC_REFERENCE_EDGES * sizeof(int64_t));
    memcpy(to->share, from->share, (n + c) * HEC_DRIFT_BINS * sizeof(float));
    memcpy(hec_reference_head_edge(to, 0), hec_reference_head_edge(from, head),
           HEC_REFERENCE_EDGES * sizeof(float));
    memcpy(hec_reference_head_share(to, 0), hec_reference_head_share(from, head),
           HEC_DRIFT_BINS * sizeof(float));
    to->known = from->known;
}

static enum hec_status fill(struct hec_model *part, const struct hec_model *whole, int head)
{
    size_t n = (size_t)whole->shape.numerics;
    part->shape = whole->shape;
    part->shape.heads = 1;
    part->shape.bottleneck = part->shape.decoder = 0;
    memcpy(part->scaler.mean, whole->scaler.mean, n * sizeof(float));
    memcpy(part->scaler.inverse, whole->scaler.inverse, n * sizeof(float));
    memcpy(part->scaler.had_missing, whole->scaler.had_missing, n * sizeof(float));
    enum hec_status status = hec_model_shape(part);
    if (status == HEC_OK) {
        copy_weights(part, whole, whole->logit_of[head]);
        copy_reference(part, whole, head);
        status = copy_rest(part, whole, head);
    }
    return status;
}

enum hec_status hec_model_split(void **bytes, size_t *size, const struct hec_model *model, int head,
                                struct hec_error *error)
{
    struct hec_model *part = NULL;
    const char *name = model->heads[head].name;
    if (model->heads[head].kind == HEC_HEAD_NOVELTY) {
        return hec_fail(error, HEC_INVALID,
                        "model: head '%s' is for novelty: it reads the trunk that a binary head "
                        "made and cannot be without one",
                        name);
    }
    if (model->shape.arch == HEC_ARCH_CROSS_STITCH && model->shape.heads > 1) {
        return hec_fail(error, HEC_INVALID,
                        "model: head '%s' reads every trunk through its stitches: a cross-stitch "
                        "model has no part that could stand alone",
                        name);
    }
    enum hec_status status =
        hec_model_make(&part, &model->info.columns, &model->heads[head], 1, error);
    if (status != HEC_OK) {
        return status;
    }
    status = fill(part, model, head);
    if (status == HEC_OK) {
        status = hec_model_rewrite(part, bytes, size);
    }
    hec_model_free(part);
    return status == HEC_OK ? HEC_OK : hec_fail(error, status, "model: no memory");
}
