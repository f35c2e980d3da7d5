/* The default network, forward and, below it, backward. */
#include "model/net.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "model/layers.h"

#define LINE 64

static size_t lines(size_t numbers)
{
    size_t a_line = LINE / sizeof(real);
    return (numbers + a_line - 1) / a_line * a_line;
}

/* One block for all arrays: measured first with block == NULL, then handed out. */
static size_t hand_out(struct hec_work *work, real *block, int training)
{
    const struct hec_shape *s = &work->shape;
    size_t rows = (size_t)work->rows_max, used = 0;
    size_t waves = 2 * (size_t)s->frequencies * (size_t)s->numerics;
    size_t towers = (size_t)s->heads * (size_t)s->tower, inputs = (size_t)work->inputs;
    size_t h0 = (size_t)s->hidden[0], h1 = (size_t)s->hidden[1];
    struct {
        real **array;
        size_t numbers;
        int always;
    } list[] = {
        { &work->input, rows * inputs, 1 },
        { &work->a0, rows * h0, 1 },
        { &work->a1, rows * h1, 1 },
        { &work->t, rows * towers, 1 },
        { &work->z, rows * (size_t)s->heads, 1 },
        { &work->d0, rows * (size_t)s->bottleneck, 1 },
        { &work->d1, rows * (size_t)s->decoder, 1 },
        { &work->y, rows * (size_t)s->numerics, 1 },
        { &work->waves, rows * waves, 0 },
        { &work->whole, rows * h1, 0 },
        { &work->keep0, rows * h0, 0 },
        { &work->keep1, rows * h1, 0 },
        { &work->dinput, rows * inputs, 0 },
        { &work->da0, rows * h0, 0 },
        { &work->da1, rows * h1, 0 },
        { &work->dt, rows * towers, 0 },
        { &work->dz, rows * (size_t)s->heads, 0 },
        { &work->dd0, rows * (size_t)s->bottleneck, 0 },
        { &work->dd1, rows * (size_t)s->decoder, 0 },
        { &work->dy, rows * (size_t)s->numerics, 0 },
        { &work->scratch, waves * (size_t)s->periodic, 0 },
    };
    for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        if (list[i].always || training) {
            *list[i].array = block == NULL ? NULL : block + used;
            used += lines(list[i].numbers);
        }
    }
    return used;
}

enum hec_status hec_work_new(struct hec_work *work, const struct hec_shape *shape, int rows_max,
                             int training)
{
    *work = (struct hec_work){ .shape = *shape, .rows_max = rows_max };
    work->inputs = hec_shape_inputs(shape);
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
    return HEC_OK;
}

void hec_work_free(struct hec_work *work)
{
    free(work->block);
    free(work->index);
    *work = (struct hec_work){ 0 };
}

/* Columns of the input where the learned embeddings stand. */
static int periodic_column(const struct hec_shape *s)
{
    return s->numerics + s->indicators;
}

static int table_column(const struct hec_shape *s)
{
    return periodic_column(s) + s->numerics * s->periodic;
}

#define P(tensor) (parameters + work->layout.place[HEC_T_##tensor].offset)
#define G(tensor) (gradients + work->layout.place[HEC_T_##tensor].offset)

/* One dense layer. Which of the two ways is the same for all of them: what serves has panels. */
static void dense(const struct hec_work *work, real *y, const real *x, const real *parameters,
                  enum hec_tensor weight, enum hec_tensor bias, int rows, int relu)
{
    const struct hec_tensor_place *place = &work->layout.place[weight];
    const real *w = parameters + place->offset, *b = parameters + work->layout.place[bias].offset;
#ifndef HEC_REAL_DOUBLE
    if (work->panels != NULL) {
        hec_serve_dense(y, x, work->panels->numbers + work->panels->at[weight], b, rows,
                        place->cols, place->rows, relu);
        return;
    }
#endif
    hec_dense_forward(y, x, w, b, rows, place->cols, place->rows, relu);
}

#define DENSE(y, x, layer, relu)                                                                   \
    dense(work, y, x, parameters, HEC_T_##layer##_WEIGHT, HEC_T_##layer##_BIAS, rows, relu)

static void periodic(struct hec_work *work, const real *parameters, int rows)
{
    const struct hec_shape *s = &work->shape;
    real *y = work->input + periodic_column(s);
#ifndef HEC_REAL_DOUBLE
    if (work->panels != NULL) {
        hec_serve_periodic(y, work->inputs, work->input, work->inputs, P(PERIODIC_FREQUENCY),
                           P(PERIODIC_WEIGHT), P(PERIODIC_BIAS), rows, s->numerics, s->frequencies,
                           s->periodic);
        return;
    }
#endif
    hec_periodic_forward(y, work->inputs, work->waves, work->input, work->inputs,
                         P(PERIODIC_FREQUENCY), P(PERIODIC_WEIGHT), P(PERIODIC_BIAS), rows,
                         s->numerics, s->frequencies, s->periodic);
}

void hec_net_forward(struct hec_work *work, const real *parameters, int rows, int dropout)
{
    const struct hec_shape *s = &work->shape;
    assert(rows <= work->rows_max);

    if (s->periodic > 0) {
        periodic(work, parameters, rows);
    }
    hec_embedding_forward(work->input + table_column(s), work->inputs, P(TABLE), work->index, rows,
                          s->categories, s->table_dims);

    DENSE(work->a0, work->input, TRUNK_0, 1);
    if (dropout) {
        hec_dropout(work->a0, work->keep0, rows * s->hidden[0]);
    }
    DENSE(work->a1, work->a0, TRUNK_1, 1);
    if (work->whole != NULL) {
        memcpy(work->whole, work->a1, sizeof(real) * (size_t)(rows * s->hidden[1]));
    }
    if (dropout) {
        hec_dropout(work->a1, work->keep1, rows * s->hidden[1]);
    }

    DENSE(work->t, work->a1, HEADS_0, 1);
    hec_heads_out_forward(work->z, work->t, P(HEADS_1_WEIGHT), P(HEADS_1_BIAS), rows, s->heads,
                          s->tower);

    if (s->bottleneck > 0) {
        DENSE(work->d0, work->whole != NULL ? work->whole : work->a1, DECODER_0, 0);
        DENSE(work->d1, work->d0, DECODER_1, 1);
        DENSE(work->y, work->d1, DECODER_2, 0);
    }
}

void hec_net_before_relus(const struct hec_work *work, const real *parameters, real *t, real *a1,
                          real *a0)
{
    const int rows = 1;
    DENSE(t, work->a1, HEADS_0, 0);
    DENSE(a1, work->a0, TRUNK_1, 0);
    DENSE(a0, work->input, TRUNK_0, 0);
}

/* The decoder's own way back ends at its first layer: dx is not wanted there. */
static void decoder_backward(struct hec_work *work, const real *parameters, real *gradients,
                             int rows)
{
    const struct hec_shape *s = &work->shape;
    hec_dense_backward(work->dd1, G(DECODER_2_WEIGHT), G(DECODER_2_BIAS), work->dy, work->d1,
                       P(DECODER_2_WEIGHT), rows, s->decoder, s->numerics);
    hec_relu_backward(work->dd1, work->d1, rows * s->decoder);
    hec_dense_backward(work->dd0, G(DECODER_1_WEIGHT), G(DECODER_1_BIAS), work->dd1, work->d0,
                       P(DECODER_1_WEIGHT), rows, s->bottleneck, s->decoder);
    hec_dense_backward(NULL, G(DECODER_0_WEIGHT), G(DECODER_0_BIAS), work->dd0, work->whole,
                       P(DECODER_0_WEIGHT), rows, s->hidden[1], s->bottleneck);
}

void hec_net_backward(struct hec_work *work, const real *parameters, real *gradients, int rows,
                      int dropout)
{
    const struct hec_shape *s = &work->shape;
    int inputs = work->inputs, towers = s->heads * s->tower;
    assert(rows <= work->rows_max);

    if (s->bottleneck > 0) {
        decoder_backward(work, parameters, gradients, rows);
    }

    hec_heads_out_backward(work->dt, G(HEADS_1_WEIGHT), G(HEADS_1_BIAS), work->dz, work->t,
                           P(HEADS_1_WEIGHT), rows, s->heads, s->tower);
    hec_relu_backward(work->dt, work->t, rows * towers);
    hec_dense_backward(work->da1, G(HEADS_0_WEIGHT), G(HEADS_0_BIAS), work->dt, work->a1,
                       P(HEADS_0_WEIGHT), rows, s->hidden[1], towers);

    if (dropout) {
        hec_dropout(work->da1, work->keep1, rows * s->hidden[1]);
    }
    hec_relu_backward(work->da1, work->a1, rows * s->hidden[1]);
    hec_dense_backward(work->da0, G(TRUNK_1_WEIGHT), G(TRUNK_1_BIAS), work->da1, work->a0,
                       P(TRUNK_1_WEIGHT), rows, s->hidden[0], s->hidden[1]);
    if (dropout) {
        hec_dropout(work->da0, work->keep0, rows * s->hidden[0]);
    }
    hec_relu_backward(work->da0, work->a0, rows * s->hidden[0]);
    hec_dense_backward(work->dinput, G(TRUNK_0_WEIGHT), G(TRUNK_0_BIAS), work->da0, work->input,
                       P(TRUNK_0_WEIGHT), rows, inputs, s->hidden[0]);

    hec_embedding_backward(G(TABLE), work->dinput + table_column(s), inputs, work->index, rows,
                           s->categories, s->table_dims);
    if (s->periodic > 0) {
        int column = periodic_column(s);
        hec_periodic_backward(G(PERIODIC_FREQUENCY), G(PERIODIC_WEIGHT), G(PERIODIC_BIAS),
                              work->dinput + column, inputs, work->input + column, inputs,
                              work->waves, work->input, inputs, P(PERIODIC_WEIGHT), work->scratch,
                              rows, s->numerics, s->frequencies, s->periodic);
    }
}
