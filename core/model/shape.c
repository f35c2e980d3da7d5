/* Where each tensor lies: one table of sizes, walked once. */
#include "model/shape.h"

#define LINE 16 /* floats of 64 bytes */

int hec_shape_inputs(const struct hec_shape *shape)
{
    return shape->numerics * (1 + shape->periodic) + shape->indicators +
           shape->categories * shape->table_dims;
}

static void size_tensors(struct hec_tensor_place *place, const struct hec_shape *s)
{
    static const char *const names[] = {
#define NAME(enumerator, name) name,
        HEC_TENSOR_TABLE(NAME)
#undef NAME
    };
    bool embeds = s->numerics > 0 && s->periodic > 0, decodes = s->bottleneck > 0;
    int inputs = hec_shape_inputs(s);
    const int size[HEC_TENSORS][2] = {
        [HEC_T_PERIODIC_FREQUENCY] = { embeds ? s->frequencies : 0, s->numerics },
        [HEC_T_PERIODIC_WEIGHT] = { embeds ? s->periodic : 0, 2 * s->frequencies },
        [HEC_T_PERIODIC_BIAS] = { 1, embeds ? s->periodic : 0 },
        [HEC_T_TABLE] = { s->categories * s->table_rows, s->table_dims },
        [HEC_T_TRUNK_0_WEIGHT] = { s->hidden[0], inputs },
        [HEC_T_TRUNK_0_BIAS] = { 1, s->hidden[0] },
        [HEC_T_TRUNK_1_WEIGHT] = { s->hidden[1], s->hidden[0] },
        [HEC_T_TRUNK_1_BIAS] = { 1, s->hidden[1] },
        [HEC_T_HEADS_0_WEIGHT] = { s->heads * s->tower, s->hidden[1] },
        [HEC_T_HEADS_0_BIAS] = { 1, s->heads * s->tower },
        [HEC_T_HEADS_1_WEIGHT] = { s->heads, s->tower },
        [HEC_T_HEADS_1_BIAS] = { 1, s->heads },
        [HEC_T_DECODER_0_WEIGHT] = { s->bottleneck, s->hidden[1] },
        [HEC_T_DECODER_0_BIAS] = { 1, s->bottleneck },
        [HEC_T_DECODER_1_WEIGHT] = { s->decoder, s->bottleneck },
        [HEC_T_DECODER_1_BIAS] = { 1, s->decoder },
        [HEC_T_DECODER_2_WEIGHT] = { decodes ? s->numerics : 0, s->decoder },
        [HEC_T_DECODER_2_BIAS] = { 1, decodes ? s->numerics : 0 },
    };
    const int a_head[HEC_TENSORS] = {
        [HEC_T_HEADS_0_WEIGHT] = s->tower,
        [HEC_T_HEADS_0_BIAS] = s->tower,
        [HEC_T_HEADS_1_WEIGHT] = 1,
        [HEC_T_HEADS_1_BIAS] = 1,
    };
    static const bool dense[HEC_TENSORS] = {
        [HEC_T_TRUNK_0_WEIGHT] = true,   [HEC_T_TRUNK_1_WEIGHT] = true,
        [HEC_T_HEADS_0_WEIGHT] = true,   [HEC_T_DECODER_0_WEIGHT] = true,
        [HEC_T_DECODER_1_WEIGHT] = true, [HEC_T_DECODER_2_WEIGHT] = true,
    };
    for (int t = 0; t < HEC_TENSORS; t++) {
        bool frequencies = t == HEC_T_PERIODIC_FREQUENCY;
        place[t] = (struct hec_tensor_place){ .name = names[t],
                                              .rows = size[t][0],
                                              .cols = size[t][1],
                                              .is_matrix = size[t][0] != 1 && !frequencies,
                                              .is_dense = dense[t],
                                              .head_rows = a_head[t] };
    }
    place[HEC_T_HEADS_1_WEIGHT].is_matrix = true; /* one head makes it look like a bias */
    place[HEC_T_TRUNK_0_WEIGHT].is_matrix = true;
    place[HEC_T_DECODER_2_WEIGHT].is_matrix = true;
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
    size_t products = waves * (size_t)s->periodic;
    products += (size_t)hec_shape_inputs(s) * (size_t)s->hidden[0];
    products += (size_t)s->hidden[0] * (size_t)s->hidden[1];
    products += (size_t)s->heads * (size_t)s->tower * (size_t)(s->hidden[1] + 1);
    products += (size_t)s->bottleneck * (size_t)(s->hidden[1] + s->decoder);
    products += (size_t)s->decoder * (size_t)(s->bottleneck > 0 ? s->numerics : 0);
    return 2 * products + 10 * waves;
}
