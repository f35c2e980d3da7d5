/* The activations of a network: one block of memory, handed out. */
#include <stdlib.h>
#include <string.h>

#include "model/net.h"

#define LINE 64

static size_t lines(size_t numbers)
{
    size_t a_line = LINE / sizeof(real);
    return (numbers + a_line - 1) / a_line * a_line;
}

/* What a row needs of each array; and whether it is there in serving too. */
struct part {
    real **array;
    size_t a_row;
    int always;
};

/* Stages that a network lacks are the stage before. */
static void alias(struct hec_work *work)
{
    const struct hec_shape *s = &work->shape;
    bool own_h = s->arch != HEC_ARCH_SHARED_BOTTOM && s->arch != HEC_ARCH_SINGLE;
    work->s0 = s->arch == HEC_ARCH_CROSS_STITCH ? work->s0 : work->a0;
    work->ds0 = s->arch == HEC_ARCH_CROSS_STITCH ? work->ds0 : work->da0;
    /* Dropout would hide from a sharing decoder which units were on. */
    work->r = s->fusion == HEC_FUSION_NONE && !work->share ? work->a1 : work->r;
    work->da1 = s->fusion == HEC_FUSION_NONE ? work->dr : work->da1;
    work->h = own_h ? work->h : work->r;
}

/* One block for all arrays: measured first with block == NULL, then handed out. */
static size_t hand_out(struct hec_work *work, real *block, int training)
{
    const struct hec_shape *s = &work->shape;
    size_t rows = (size_t)work->rows_max, used = 0, trunks = (size_t)work->trunks;
    size_t waves = (size_t)(2 * s->frequencies + s->bins) * (size_t)s->numerics;
    size_t heads = (size_t)s->heads, towers = heads * (size_t)s->tower;
    size_t first = trunks * (size_t)s->hidden[0], second = trunks * (size_t)s->hidden[1];
    size_t inputs = (size_t)work->inputs, width = (size_t)work->width;
    size_t stitched = s->arch == HEC_ARCH_CROSS_STITCH ? first : 0;
    size_t fused = s->fusion != HEC_FUSION_NONE, gated = s->fusion == HEC_FUSION_GATED;
    size_t masks = s->arch == HEC_ARCH_ATTENTION ? heads * width : 0;
    size_t mixed = s->arch == HEC_ARCH_SHARED_BOTTOM || s->arch == HEC_ARCH_SINGLE ? 0 : heads;
    size_t gates = (size_t)(hec_shape_gates(s) * hec_shape_choices(s));
    size_t decodes = s->bottleneck > 0;
    const struct part list[] = {
        { &work->input, inputs, 1 },
        { &work->a0, first, 1 },
        { &work->s0, stitched, 1 },
        { &work->a1, second, 1 },
        { &work->fuse, gated * second, 1 },
        { &work->skip, gated * second, 1 },
        { &work->r, (fused || work->share) * trunks * width, 1 },
        { &work->whole, decodes * trunks * width, training || trunks > 1 },
        { &work->gates, gates, 1 },
        { &work->masks, masks, 1 },
        { &work->h, mixed * width, 1 },
        { &work->one, (size_t)s->tower, 1 },
        { &work->t, towers, 1 },
        { &work->z, heads, 1 },
        { &work->d0, (size_t)s->bottleneck, 1 },
        { &work->d1, (size_t)s->decoder, 1 },
        { &work->y, (size_t)s->numerics, 1 },
        { &work->waves, waves, 0 },
        { &work->keep0, first, 0 },
        { &work->keep1, trunks * width, 0 },
        { &work->dinput, inputs, 0 },
        { &work->dpart, inputs + width, 0 },
        { &work->da0, first, 0 },
        { &work->ds0, stitched, 0 },
        { &work->da1, fused * second, 0 },
        { &work->dfuse, gated * second, 0 },
        { &work->dskip, gated * second + (size_t)s->hidden[0], 0 },
        { &work->dr, trunks * width, 0 },
        { &work->dgates, gates, 0 },
        { &work->dweights, (size_t)hec_shape_choices(s), 0 },
        { &work->dh, (trunks + 2) * width, 0 },
        { &work->dt, towers, 0 },
        { &work->dz, heads, 0 },
        { &work->dd0, (size_t)s->bottleneck, 0 },
        { &work->dd1, (size_t)s->decoder, 0 },
        { &work->dy, (size_t)s->numerics, 0 },
        { &work->dwhole, decodes * trunks * width, 0 },
    };
    for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        if (list[i].always || training) {
            *list[i].array = block == NULL ? NULL : block + used;
            used += lines(rows * list[i].a_row);
        }
    }
    if (training) {
        work->scratch = block == NULL ? NULL : block + used;
        used += lines(waves * (size_t)s->periodic);
    }
    return used;
}

enum hec_status hec_work_new(struct hec_work *work, const struct hec_shape *shape, int rows_max,
                             enum hec_work_use use)
{
    *work = (struct hec_work){ .shape = *shape,
                               .rows_max = rows_max,
                               .share = use == HEC_WORK_SHARING };
    int training = use != HEC_WORK_SERVING;
    work->inputs = hec_shape_inputs(shape);
    work->trunks = hec_shape_trunks(shape);
    work->width = hec_shape_width(shape);
    hec_layout_of(&work->layout, shape);

    size_t numbers = hand_out(work, NULL, training) + LINE;
    size_t indices = (size_t)rows_max * (size_t)shape->categories;
    work->block = aligned_alloc(LINE, lines(numbers) * sizeof(real));
    work->index = calloc(indices + 1, sizeof(*work->index));
    if (work->block == NULL || work->index == NULL) {
        hec_work_free(work);
        return HEC_NO_MEMORY;
    }
    memset(work->block, 0, lines(numbers) * sizeof(real));
    hand_out(work, work->block, training);
    alias(work);
    return HEC_OK;
}

void hec_work_free(struct hec_work *work)
{
    free(work->block);
    free(work->index);
    *work = (struct hec_work){ 0 };
}

enum hec_status hec_before_new(struct hec_before *before, const struct hec_shape *s)
{
    size_t trunks = (size_t)hec_shape_trunks(s), heads = (size_t)s->heads;
    size_t a0 = trunks * (size_t)s->hidden[0], a1 = trunks * (size_t)s->hidden[1];
    size_t masks = heads * (size_t)hec_shape_width(s), t = heads * (size_t)s->tower;
    *before = (struct hec_before){ .block = calloc(a0 + 2 * a1 + masks + t + 1, sizeof(real)) };
    if (before->block == NULL) {
        return HEC_NO_MEMORY;
    }
    before->a0 = before->block;
    before->a1 = before->a0 + a0;
    before->fuse = before->a1 + a1;
    before->masks = before->fuse + a1;
    before->t = before->masks + masks;
    return HEC_OK;
}

void hec_before_free(struct hec_before *before)
{
    free(before->block);
    *before = (struct hec_before){ 0 };
}
