/* Every tensor has two axes, and an axis is a list of units that are matched by name: a copy is one
 * loop over both, for any architecture. */
#include "learn/warm.h"

#include <stdlib.h>
#include <string.h>

#include "hecate/pretrain.h"

/* Which unit of the earlier model each unit is; -1: none. A unit is so many rows or columns. */
struct axis {
    const int *unit;
    int size;
};

struct maps {
    int numeric[HEC_MODEL_NUMERICS_MAX], category[HEC_MODEL_CATEGORIES_MAX];
    int head[HEC_LOGITS_MAX], trunk[HEC_LOGITS_MAX + HEC_CHOICES_MAX];
    int *input; /* (inputs); owned */
};

static int find(const char *const *names, int count, const char *name)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0) {
            return i;
        }
    }
    return -1;
}

static void match_columns(struct maps *maps, const struct hec_model *now,
                          const struct hec_model *warm)
{
    const struct hec_columns *to = &now->info.columns, *from = &warm->info.columns;
    for (int j = 0; j < to->numerics; j++) {
        maps->numeric[j] = find(from->numeric_names, from->numerics, to->numeric_names[j]);
    }
    for (int k = 0; k < to->categories; k++) {
        maps->category[k] = find(from->category_names, from->categories, to->category_names[k]);
    }
}

/* The head of the earlier model that is this one, with weights worth having; -1: none. */
static int head_named(const struct hec_model *warm, const char *name, enum hec_head_kind kind)
{
    for (int old = 0; old < warm->info.heads_count; old++) {
        if (strcmp(name, warm->heads[old].name) == 0 && kind == warm->heads[old].kind &&
            warm->trained[old]) {
            return old;
        }
    }
    return -1;
}

/* The same, or what a head that is new begins from. */
static int begins_as(const struct hec_model *warm, const struct hec_head *head, bool new_too)
{
    int old = head_named(warm, head->name, head->kind);
    return old < 0 && new_too && head->kind == HEC_HEAD_BINARY
               ? head_named(warm, HEC_PRETEXT, HEC_HEAD_BINARY)
               : old;
}

/* Logits by their heads' names; kinds of fraud that only training has are never there. */
static void match_heads(struct maps *maps, const struct hec_model *now,
                        const struct hec_model *warm, int logits, bool new_too)
{
    for (int z = 0; z < logits; z++) {
        maps->head[z] = -1;
    }
    for (int k = 0; k < now->info.heads_count; k++) {
        int old = begins_as(warm, &now->heads[k], new_too);
        if (now->logit_of[k] >= 0 && old >= 0) {
            maps->head[now->logit_of[k]] = warm->logit_of[old];
        }
    }
}

static void match_trunks(struct maps *maps, const struct hec_shape *now)
{
    int trunks = hec_shape_trunks(now);
    bool own = now->arch == HEC_ARCH_SINGLE || now->arch == HEC_ARCH_CROSS_STITCH;
    for (int n = 0; n < trunks; n++) {
        int shared = now->arch == HEC_ARCH_CGC ? now->experts : own ? 0 : trunks;
        int of = n < shared ? -1 : maps->head[n - shared];
        maps->trunk[n] = n < shared ? n : of < 0 ? -1 : shared + of;
    }
}

/* The input's columns, in the order of hec_shape_inputs. */
static void match_inputs(struct maps *maps, const struct hec_model *now, const struct hec_shape *s,
                         const struct hec_model *warm)
{
    const struct hec_shape *w = &warm->shape;
    int at = 0;
    for (int j = 0; j < s->numerics; j++) {
        maps->input[at++] = maps->numeric[j];
    }
    for (int i = 0; i < s->indicators; i++, at++) {
        int old = maps->numeric[now->scaler.indicator_column[i]];
        maps->input[at] = -1;
        for (int k = 0; k < w->indicators; k++) {
            if (old >= 0 && warm->scaler.indicator_column[k] == old) {
                maps->input[at] = w->numerics + k;
            }
        }
    }
    for (int e = 0; e < s->periodic; e++) {
        for (int j = 0; j < s->numerics; j++) {
            int first = w->numerics + w->indicators + e * w->numerics;
            maps->input[at++] = maps->numeric[j] < 0 ? -1 : first + maps->numeric[j];
        }
    }
    for (int k = 0; k < s->categories; k++) {
        for (int d = 0; d < s->table_dims; d++) {
            int first = w->numerics * (1 + w->periodic) + w->indicators;
            maps->input[at++] =
                maps->category[k] < 0 ? -1 : first + maps->category[k] * w->table_dims + d;
        }
    }
}

static const int ONE[] = { 0 }; /* an axis that is one unit: copied as it is */

/* The axes of a tensor: rows, then columns. */
static void axes_of(struct axis axes[2], int t, const struct hec_tensor_place *place,
                    const struct hec_shape *s, const struct maps *maps)
{
    struct axis rows = { ONE, place->rows }, cols = { ONE, place->cols };
    struct axis numeric = { maps->numeric, 1 }, input = { maps->input, 1 };
    struct axis layer_0 = { maps->trunk, s->hidden[0] }, layer_1 = { maps->trunk, s->hidden[1] };
    struct axis head = { maps->head, place->head_rows }, one_head = { maps->head, 1 };
    switch (t) {
    case HEC_T_PERIODIC_FREQUENCY:
    case HEC_T_PIECEWISE_EDGE:
    case HEC_T_PIECEWISE_SCALE:
    case HEC_T_PIECEWISE_WEIGHT:
    case HEC_T_PIECEWISE_BIAS: cols = numeric; break;
    case HEC_T_TABLE: rows = (struct axis){ maps->category, s->table_rows }; break;
    case HEC_T_TRUNK_0_WEIGHT: rows = layer_0, cols = input; break;
    case HEC_T_TRUNK_0_BIAS: cols = layer_0; break;
    case HEC_T_TRUNK_1_WEIGHT: rows = layer_1, cols = s->hidden[0] > 0 ? cols : input; break;
    case HEC_T_FUSE_GATE_WEIGHT:
    case HEC_T_FUSE_SKIP_WEIGHT: rows = layer_1; break;
    case HEC_T_TRUNK_1_BIAS:
    case HEC_T_FUSE_GATE_BIAS:
    case HEC_T_FUSE_SKIP_BIAS: cols = layer_1; break;
    case HEC_T_STITCH_0:
    case HEC_T_STITCH_1: rows = one_head, cols = one_head; break;
    case HEC_T_GATE_WEIGHT: rows = s->one_gate ? rows : head, cols = input; break;
    case HEC_T_MASK_WEIGHT:
    case HEC_T_HEADS_0_WEIGHT:
    case HEC_T_HEADS_1_WEIGHT: rows = head; break;
    case HEC_T_GATE_BIAS: cols = s->one_gate ? cols : head; break;
    case HEC_T_MASK_BIAS:
    case HEC_T_HEADS_0_BIAS:
    case HEC_T_HEADS_1_BIAS: cols = head; break;
    case HEC_T_DECODER_0_WEIGHT: cols = (struct axis){ maps->trunk, hec_shape_width(s) }; break;
    case HEC_T_DECODER_2_WEIGHT: rows = numeric; break;
    case HEC_T_DECODER_2_BIAS: cols = numeric; break;
    default: break;
    }
    axes[0] = rows;
    axes[1] = cols;
}

static int old_of(struct axis axis, int i)
{
    int unit = axis.size > 0 ? axis.unit[i / axis.size] : -1;
    return unit < 0 ? -1 : unit * axis.size + i % axis.size;
}

/* What is matched on both axes is copied. A column that is not matched, in a row that is, weighs
 * nothing where columns are inputs, and stays as drawn elsewhere. */
static void carry(float *to, const struct hec_tensor_place *place, const float *from,
                  const struct hec_tensor_place *old, const struct axis axes[2], bool inputs)
{
    for (int r = 0; r < place->rows; r++) {
        int row = old_of(axes[0], r);
        for (int c = 0; c < place->cols && row >= 0 && row < old->rows; c++) {
            int col = old_of(axes[1], c);
            float *weight = to + place->offset + (size_t)r * (size_t)place->cols + (size_t)c;
            if (col >= 0 && col < old->cols) {
                *weight = from[old->offset + (size_t)row * (size_t)old->cols + (size_t)col];
            } else if (inputs) {
                *weight = 0;
            }
        }
    }
}

/* Into parameters of that shape, whose first logits are the model's. */
static enum hec_status carry_all(struct hec_trainer *trainer, float *parameters,
                                 const struct hec_shape *s, const struct hec_layout *layout,
                                 bool new_too)
{
    const struct hec_model *now = trainer->model, *warm = trainer->options->warm_start;
    struct maps *maps = calloc(1, sizeof(*maps));
    int *input = malloc(((size_t)hec_shape_inputs(s) + 1) * sizeof(*input));
    if (maps != NULL && input != NULL) {
        maps->input = input;
        match_columns(maps, now, warm);
        match_heads(maps, now, warm, s->heads, new_too);
        match_trunks(maps, s);
        match_inputs(maps, now, s, warm);
        for (int t = 0; t < HEC_TENSORS; t++) {
            struct axis axes[2];
            axes_of(axes, t, &layout->place[t], s, maps);
            carry(parameters, &layout->place[t], warm->parameters, &warm->layout.place[t], axes,
                  axes[1].unit == maps->input);
        }
    }
    bool done = maps != NULL && input != NULL;
    free(maps);
    free(input);
    return done ? HEC_OK : HEC_NO_MEMORY;
}

static bool same_names(const char *const *a, const char *const *b, int a_count, int b_count)
{
    bool same = a_count == b_count;
    for (int i = 0; same && i < a_count; i++) {
        same = strcmp(a[i], b[i]) == 0;
    }
    return same;
}

/* A width that is asked for and is not the model's would be left unheard. */
static enum hec_status check_network(const struct hec_network *asked, const struct hec_shape *its,
                                     struct hec_error *error)
{
    const struct {
        const char *name;
        int asked, its; /* asked 0: the model's own will do */
    } widths[] = { { "trunk-0", asked->trunk_0, its->hidden[0] },
                   { "trunk-1", asked->trunk_1, its->hidden[1] },
                   { "tower", asked->tower, its->tower },
                   { "experts", asked->experts, its->experts },
                   { "one-gate", asked->one_gate, its->one_gate } };
    for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
        if (widths[i].asked > 0 && widths[i].asked != widths[i].its) {
            return hec_fail(error, HEC_INVALID,
                            "train: --%s %d does not match the model to start from, which has %d: "
                            "a warm start keeps the model's network; leave the flag out",
                            widths[i].name, widths[i].asked, widths[i].its);
        }
    }
    return !asked->one_layer || its->hidden[0] == 0
               ? HEC_OK
               : hec_fail(error, HEC_INVALID,
                          "train: trunks of one layer (--trunk-0 0) do not match the model to "
                          "start from, whose first layer has %d units; leave the flag out",
                          its->hidden[0]);
}

enum hec_status hec_warm_check(const struct hec_trainer *trainer, struct hec_error *error)
{
    const struct hec_train_options *options = trainer->options;
    const struct hec_model *warm = options->warm_start;
    if (warm == NULL) {
        return !options->freeze_trunk && options->only_head < 0
                   ? HEC_OK
                   : hec_fail(error, HEC_INVALID,
                              "train: a trunk can be frozen only when a warm start brings one");
    }
    enum hec_status status = check_network(&options->network, &warm->shape, error);
    if (status != HEC_OK) {
        return status;
    }
    enum hec_arch arch = warm->shape.arch;
    if (options->freeze_trunk &&
        (arch == HEC_ARCH_SINGLE || arch == HEC_ARCH_CGC || arch == HEC_ARCH_CROSS_STITCH)) {
        return hec_fail(error, HEC_INVALID,
                        "train: in a %s model each head has a trunk of its own, which a new head "
                        "could not learn while trunks are frozen; learn it without that",
                        hec_arch_names[arch]);
    }
    if (options->only_head >= trainer->data->heads_count ||
        (options->only_head >= 0 &&
         trainer->data->heads[options->only_head].kind != HEC_HEAD_BINARY)) {
        return hec_fail(error, HEC_INVALID, "train: a head that learns alone is a binary one");
    }
    const struct hec_columns *now = &trainer->data->columns, *was = &warm->info.columns;
    if (options->only_head >= 0 &&
        (!options->freeze_trunk ||
         !same_names(now->numeric_names, was->numeric_names, now->numerics, was->numerics) ||
         !same_names(now->category_names, was->category_names, now->categories, was->categories))) {
        return hec_fail(error, HEC_INVALID,
                        "train: the other heads stay what they are only with a frozen trunk over "
                        "the model's own features");
    }
    return HEC_OK;
}

enum hec_status hec_warm_plan(struct hec_train_options *options, struct hec_dataset *data,
                              int8_t **targets)
{
    size_t heads = (size_t)data->heads_count, all = (size_t)data->rows * heads;
    *targets = NULL;
    if (options->warm_start == NULL) {
        return HEC_OK;
    }
    options->network.arch = options->warm_start->shape.arch;
    options->network.fusion = options->warm_start->shape.fusion;
    /* They are there to shape the trunk. */
    options->kind_weight = options->freeze_trunk ? 0 : options->kind_weight;
    if (options->only_head < 0) {
        return HEC_OK;
    }
    *targets = malloc(all + 1);
    if (*targets == NULL) {
        return HEC_NO_MEMORY;
    }
    for (size_t i = 0; i < all; i++) {
        bool own = (int)(i % heads) == options->only_head;
        (*targets)[i] = own || data->targets[i] < 0 ? data->targets[i] : HEC_TARGET_UNKNOWN;
    }
    data->targets = *targets;
    return HEC_OK;
}

void hec_warm_shape(struct hec_trainer *trainer)
{
    const struct hec_model *warm = trainer->options->warm_start;
    if (warm == NULL) {
        return;
    }
    struct hec_shape *s = &trainer->model->shape, own = *s;
    *s = warm->shape;
    s->numerics = own.numerics;
    s->categories = own.categories;
    s->heads = own.heads;
    s->bottleneck = own.bottleneck > 0 && s->bottleneck == 0 ? own.bottleneck : s->bottleneck;
    s->decoder = own.decoder > 0 && s->decoder == 0 ? own.decoder : s->decoder;
    if (own.bottleneck == 0) {
        s->bottleneck = s->decoder = 0;
    }
    s->periodic = own.numerics > 0 ? s->periodic : 0;
}

enum hec_status hec_warm_scaler(struct hec_trainer *trainer)
{
    const struct hec_model *warm = trainer->options->warm_start;
    struct hec_scaler *scaler = &trainer->model->scaler;
    if (warm == NULL) {
        return HEC_OK;
    }
    struct maps *maps = calloc(1, sizeof(*maps));
    if (maps == NULL) {
        return HEC_NO_MEMORY;
    }
    match_columns(maps, trainer->model, warm);
    for (int j = 0; j < scaler->numerics; j++) {
        int old = maps->numeric[j];
        if (old >= 0) {
            scaler->mean[j] = warm->scaler.mean[old];
            scaler->inverse[j] = warm->scaler.inverse[old];
            scaler->had_missing[j] =
                scaler->had_missing[j] > 0 || warm->scaler.had_missing[old] > 0;
        }
    }
    free(maps);
    hec_scaler_settle(scaler);
    return HEC_OK;
}

/* What every row of a batch shares moves more slowly, or not at all. */
static void set_rates(struct hec_trainer *trainer)
{
    const struct hec_train_options *options = trainer->options;
    for (int t = 0; t < HEC_T_DECODER_0_WEIGHT; t++) {
        if (trainer->work.layout.place[t].head_rows == 0) {
            trainer->adam.factor[t] = options->freeze_trunk ? 0 : options->trunk_rate;
        }
    }
}

enum hec_status hec_warm_begin(struct hec_trainer *trainer)
{
    const struct hec_model *warm = trainer->options->warm_start;
    if (warm == NULL) {
        return HEC_OK;
    }
    const struct hec_layout *layout = &trainer->work.layout;
    set_rates(trainer);
    enum hec_status status =
        carry_all(trainer, trainer->parameters, &trainer->work.shape, layout, true);
    /* The earlier logit was put right by its own shift; this training will be by another. */
    float *bias = trainer->parameters + layout->place[HEC_T_HEADS_1_BIAS].offset;
    for (int k = 0; k < trainer->model->info.heads_count && status == HEC_OK; k++) {
        int old = begins_as(warm, &trainer->model->heads[k], true);
        if (old >= 0 && warm->heads[old].kind == HEC_HEAD_BINARY) {
            int z = trainer->model->logit_of[k];
            bias[z] += warm->shifts[old] - hec_trainer_shift(trainer, z);
        }
    }
    return status;
}

enum hec_status hec_warm_keep(struct hec_trainer *trainer)
{
    struct hec_model *now = trainer->model;
    const struct hec_model *warm = trainer->options->warm_start;
    if (warm == NULL || trainer->options->only_head < 0) {
        return HEC_OK;
    }
    for (int k = 0; k < now->info.heads_count; k++) {
        for (int old = 0; old < warm->info.heads_count; old++) {
            if (strcmp(now->heads[k].name, warm->heads[old].name) == 0) {
                now->shifts[k] = warm->shifts[old];
                now->spreads[k] = warm->spreads[old];
                now->trained[k] = warm->trained[old];
            }
        }
    }
    return carry_all(trainer, now->parameters, &now->shape, &now->layout, false);
}

void hec_warm_keep_counts(struct hec_trainer *trainer)
{
    struct hec_model *now = trainer->model;
    const struct hec_model *warm = trainer->options->warm_start;
    if (warm == NULL || trainer->options->only_head < 0) {
        return;
    }
    for (int k = 0; k < now->info.heads_count; k++) {
        for (int old = 0; old < warm->info.heads_count; old++) {
            if (strcmp(now->heads[k].name, warm->heads[old].name) == 0) {
                now->thresholds[k] = warm->thresholds[old];
            }
        }
    }
    if (warm->shape.bottleneck > 0 && now->shape.bottleneck > 0) {
        size_t n = (size_t)now->residual.n;
        memcpy(now->residual.mean, warm->residual.mean, n * sizeof(float));
        memcpy(now->residual.matrix, warm->residual.matrix, n * n * sizeof(float));
        hec_residual_settle(&now->residual);
        now->tail = warm->tail;
    }
}
