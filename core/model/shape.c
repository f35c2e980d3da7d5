/* Where each tensor lies: one table of sizes, walked once. */
#include "model/shape.h"

#include <string.h>

#define LINE 16 /* floats of 64 bytes */

int hec_shape_inputs(const struct hec_shape *shape)
{
    return shape->numerics * (1 + shape->periodic) + shape->indicators +
           shape->categories * shape->table_dims;
}

/* What is embedded how, by its name in the network. */
static void set_embedding(struct hec_shape *shape, enum hec_embed embed)
{
    bool embeds = embed != HEC_EMBED_NONE && shape->numerics > 0;
    shape->frequencies = embed == HEC_EMBED_PERIODIC ? 8 : 0;
    shape->bins = embed == HEC_EMBED_PIECEWISE ? 8 : 0;
    shape->periodic = embeds ? 4 : 0;
}

void hec_shape_network(struct hec_shape *shape, const struct hec_network *network)
{
    bool experts = network->arch == HEC_ARCH_MMOE || network->arch == HEC_ARCH_CGC;
    shape->arch = network->arch;
    shape->fusion = network->fusion;
    shape->hidden[0] = experts ? 64 : 128;
    shape->hidden[1] = experts ? 32 : 64;
    shape->experts = network->arch == HEC_ARCH_MMOE ? 4 : experts ? 2 : 0;
    shape->one_gate = network->arch == HEC_ARCH_MMOE && network->one_gate;
    shape->hidden[0] = network->trunk_0 > 0 ? network->trunk_0 : shape->hidden[0];
    shape->hidden[0] = network->one_layer ? 0 : shape->hidden[0];
    shape->hidden[1] = network->trunk_1 > 0 ? network->trunk_1 : shape->hidden[1];
    shape->tower = network->tower > 0 ? network->tower : shape->tower;
    shape->experts = experts && network->experts > 0 ? network->experts : shape->experts;
    set_embedding(shape, network->embed);
}

int hec_shape_trunks(const struct hec_shape *s)
{
    switch (s->arch) {
    case HEC_ARCH_SINGLE:
    case HEC_ARCH_CROSS_STITCH: return s->heads;
    case HEC_ARCH_MMOE: return s->experts;
    case HEC_ARCH_CGC: return s->experts + s->heads;
    default: return 1;
    }
}

int hec_shape_width(const struct hec_shape *s)
{
    return s->hidden[1] + (s->fusion == HEC_FUSION_CONCAT ? s->hidden[0] : 0);
}

int hec_shape_choices(const struct hec_shape *s)
{
    return s->arch == HEC_ARCH_MMOE ? s->experts : s->arch == HEC_ARCH_CGC ? s->experts + 1 : 0;
}

int hec_shape_gates(const struct hec_shape *s)
{
    return hec_shape_choices(s) == 0 ? 0 : s->one_gate ? 1 : s->heads;
}

int hec_shape_choice(const struct hec_shape *s, int head, int choice)
{
    return choice < s->experts ? choice : s->experts + head;
}

/* Rows and columns of every tensor; what a network does not have is empty. */
static void sizes_of(int size[HEC_TENSORS][2], const struct hec_shape *s)
{
    int waves = s->periodic > 0 && s->numerics > 0 ? s->frequencies : 0;
    int bins = s->periodic > 0 && s->numerics > 0 ? s->bins : 0;
    int inputs = hec_shape_inputs(s), trunks = hec_shape_trunks(s), width = hec_shape_width(s);
    int before = s->hidden[0] > 0 ? s->hidden[0] : inputs;
    int first = trunks * s->hidden[0], second = trunks * s->hidden[1];
    int fused = s->fusion == HEC_FUSION_GATED ? second : 0;
    int stitched = s->arch == HEC_ARCH_CROSS_STITCH ? s->heads : 0;
    int choices = hec_shape_choices(s) * hec_shape_gates(s);
    int masks = s->arch == HEC_ARCH_ATTENTION ? s->heads * width : 0;
    const int list[HEC_TENSORS][2] = {
        [HEC_T_PERIODIC_FREQUENCY] = { waves, s->numerics },
        [HEC_T_PERIODIC_WEIGHT] = { waves > 0 ? s->periodic : 0, 2 * s->frequencies },
        [HEC_T_PERIODIC_BIAS] = { 1, waves > 0 ? s->periodic : 0 },
        [HEC_T_PIECEWISE_EDGE] = { bins, s->numerics },
        [HEC_T_PIECEWISE_SCALE] = { bins, s->numerics },
        [HEC_T_PIECEWISE_WEIGHT] = { bins * s->periodic, s->numerics },
        [HEC_T_PIECEWISE_BIAS] = { bins > 0 ? s->periodic : 0, s->numerics },
        [HEC_T_TABLE] = { s->categories * s->table_rows, s->table_dims },
        [HEC_T_TRUNK_0_WEIGHT] = { first, inputs },
        [HEC_T_TRUNK_0_BIAS] = { 1, first },
        [HEC_T_STITCH_0] = { stitched, stitched },
        [HEC_T_TRUNK_1_WEIGHT] = { second, before },
        [HEC_T_TRUNK_1_BIAS] = { 1, second },
        [HEC_T_FUSE_GATE_WEIGHT] = { fused, s->hidden[1] },
        [HEC_T_FUSE_GATE_BIAS] = { 1, fused },
        [HEC_T_FUSE_SKIP_WEIGHT] = { fused, s->hidden[0] },
        [HEC_T_FUSE_SKIP_BIAS] = { 1, fused },
        [HEC_T_STITCH_1] = { stitched, stitched },
        [HEC_T_GATE_WEIGHT] = { choices, inputs },
        [HEC_T_GATE_BIAS] = { 1, choices },
        [HEC_T_MASK_WEIGHT] = { masks, width },
        [HEC_T_MASK_BIAS] = { 1, masks },
        [HEC_T_HEADS_0_WEIGHT] = { s->heads * s->tower, width },
        [HEC_T_HEADS_0_BIAS] = { 1, s->heads * s->tower },
        [HEC_T_HEADS_1_WEIGHT] = { s->heads, s->tower },
        [HEC_T_HEADS_1_BIAS] = { 1, s->heads },
        [HEC_T_DECODER_0_WEIGHT] = { s->bottleneck, trunks * width },
        [HEC_T_DECODER_0_BIAS] = { 1, s->bottleneck },
        [HEC_T_DECODER_1_WEIGHT] = { s->decoder, s->bottleneck },
        [HEC_T_DECODER_1_BIAS] = { 1, s->decoder },
        [HEC_T_DECODER_2_WEIGHT] = { s->bottleneck > 0 ? s->numerics : 0, s->decoder },
        [HEC_T_DECODER_2_BIAS] = { 1, s->bottleneck > 0 ? s->numerics : 0 },
    };
    memcpy(size, list, sizeof(list));
}

static void size_tensors(struct hec_tensor_place *place, const struct hec_shape *s)
{
    static const char *const names[] = {
#define NAME(enumerator, name) name,
        HEC_TENSOR_TABLE(NAME)
#undef NAME
    };
    int trunks = hec_shape_trunks(s), choices = s->one_gate ? 0 : hec_shape_choices(s);
    int masks = s->arch == HEC_ARCH_ATTENTION ? hec_shape_width(s) : 0, size[HEC_TENSORS][2];
    const int a_head[HEC_TENSORS] = {
        [HEC_T_GATE_WEIGHT] = choices,     [HEC_T_GATE_BIAS] = choices,
        [HEC_T_MASK_WEIGHT] = masks,       [HEC_T_MASK_BIAS] = masks,
        [HEC_T_HEADS_0_WEIGHT] = s->tower, [HEC_T_HEADS_0_BIAS] = s->tower,
        [HEC_T_HEADS_1_WEIGHT] = 1,        [HEC_T_HEADS_1_BIAS] = 1,
    };
    /* Of dense weights, how many layers they are. A shared trunk's towers are one. */
    const int dense[HEC_TENSORS] = {
        [HEC_T_TRUNK_0_WEIGHT] = trunks,
        [HEC_T_TRUNK_1_WEIGHT] = trunks,
        [HEC_T_FUSE_GATE_WEIGHT] = trunks,
        [HEC_T_FUSE_SKIP_WEIGHT] = trunks,
        [HEC_T_GATE_WEIGHT] = hec_shape_gates(s),
        [HEC_T_MASK_WEIGHT] = s->heads,
        [HEC_T_HEADS_0_WEIGHT] = s->arch == HEC_ARCH_SHARED_BOTTOM ? 1 : s->heads,
        [HEC_T_DECODER_0_WEIGHT] = 1,
        [HEC_T_DECODER_1_WEIGHT] = 1,
        [HEC_T_DECODER_2_WEIGHT] = 1,
    };
    /* Weight decay pulls to zero what is rather a factor than a choice among features. */
    static const bool matrix[HEC_TENSORS] = {
        [HEC_T_PERIODIC_WEIGHT] = true,
        [HEC_T_PIECEWISE_WEIGHT] = true,
        [HEC_T_TABLE] = true,
        [HEC_T_TRUNK_0_WEIGHT] = true,
        [HEC_T_TRUNK_1_WEIGHT] = true,
        [HEC_T_FUSE_GATE_WEIGHT] = true,
        [HEC_T_FUSE_SKIP_WEIGHT] = true,
        [HEC_T_GATE_WEIGHT] = true,
        [HEC_T_MASK_WEIGHT] = true,
        [HEC_T_HEADS_0_WEIGHT] = true,
        [HEC_T_HEADS_1_WEIGHT] = true,
        [HEC_T_DECODER_0_WEIGHT] = true,
        [HEC_T_DECODER_1_WEIGHT] = true,
        [HEC_T_DECODER_2_WEIGHT] = true,
    };
    sizes_of(size, s);
    for (int t = 0; t < HEC_TENSORS; t++) {
        place[t] = (struct hec_tensor_place){ .name = names[t],
                                              .rows = size[t][0],
                                              .cols = size[t][1],
                                              .is_matrix = matrix[t],
                                              .is_dense = dense[t] > 0,
                                              .groups = dense[t],
                                              .head_rows = a_head[t] };
    }
}

void hec_layout_of(struct hec_layout *layout, const struct hec_shape *shape)
{
    *layout = (struct hec_layout){ 0 };
    size_tensors(layout->place, shape);

    size_t offset = 0;
    for (int t = 0; t < HEC_TENSORS; t++) {
        struct hec_tensor_place *place = &layout->place[t];
        if (t == HEC_T_DECODER_0_WEIGHT) {
            layout->decoder_first = offset;
        }
        size_t numbers = (size_t)place->rows * (size_t)place->cols;
        place->offset = offset;
        layout->parameters += numbers;
        offset += (numbers + LINE - 1) / LINE * LINE;
    }
    layout->numbers = offset;
}

/* A sine or cosine counts as ten. Bias and ReLU are left out, as is usual. */
size_t hec_shape_flops(const struct hec_shape *s)
{
    size_t waves = 2 * (size_t)s->frequencies * (size_t)s->numerics * (s->periodic > 0);
    size_t pieces = (size_t)s->bins * (size_t)s->numerics * (s->periodic > 0);
    size_t products = (waves + pieces) * (size_t)s->periodic;
    size_t width = (size_t)hec_shape_width(s), trunks = (size_t)hec_shape_trunks(s);
    struct hec_layout layout;
    hec_layout_of(&layout, s);
    for (int t = 0; t < HEC_TENSORS; t++) {
        const struct hec_tensor_place *place = &layout.place[t];
        bool counts = place->is_dense || t == HEC_T_HEADS_1_WEIGHT;
        products += counts ? (size_t)place->rows * (size_t)place->cols : 0;
    }
    /* Of novelty: the residuals against each other. */
    products += s->bottleneck > 0 ? (size_t)s->numerics * (size_t)s->numerics : 0;
    /* Weighing units by gates and stitches, beside what makes the weights. */
    products += (size_t)(s->heads * hec_shape_choices(s)) * width;
    products +=
        s->arch == HEC_ARCH_CROSS_STITCH ? trunks * trunks * (width + (size_t)s->hidden[0]) : 0;
    products += s->arch == HEC_ARCH_ATTENTION ? (size_t)s->heads * width : 0;
    products += s->fusion == HEC_FUSION_GATED ? 2 * trunks * width : 0;
    return 2 * products + 10 * waves + 4 * pieces;
}
