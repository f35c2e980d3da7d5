/*
 * Vectors are GCC's own (a generic 16 floats, cut into what the machine has), so there is one text
 * for every processor; it is compiled three times, and only the number of rows that fit into the
 * registers differs. This file may fuse multiply and add (see meson.build).
 */
#include "model/serve.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "model/layers.h"

#define LINE 64
#ifdef __SANITIZE_ADDRESS__
#define LANES 8 /* GCC bug 110027: its stack of the sanitizer aligns to 32 bytes at most */
#else
#define LANES 16
#endif
#define HALVES (HEC_PANEL_OUTPUTS / LANES)
#define ALONE 4 /* panels at once for a row that has no company: enough chains to keep busy */

/* Vectors are passed by nobody: the warning about how is beside the point. */
#pragma GCC diagnostic ignored "-Wpsabi"

typedef float wide __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

typedef int32_t wide_bits __attribute__((vector_size(4 * LANES)));

#define INLINE static inline __attribute__((always_inline))

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define FOR_AVX512 __attribute__((target("avx512f,avx512vl,avx512dq,fma")))
#define FOR_FMA __attribute__((target("avx2,fma")))
#endif

INLINE wide relu(wide x)
{
    return (wide)((wide_bits)(x > 0) & (wide_bits)x);
}

/* n numbers, LANES at most; a whole vector is one instruction, an end is a loop. */
INLINE wide take(const float *from, int n)
{
    if (n == LANES) {
        return *(const wide *)from;
    }
    float some[LANES] = { 0 };
    for (int i = 0; i < n; i++) {
        some[i] = from[i];
    }
    return *(const wide *)some;
}

INLINE void give(float *to, wide value, int n)
{
    if (n == LANES) {
        *(wide *)to = value;
        return;
    }
    float all[LANES];
    *(wide *)all = value;
    for (int i = 0; i < n; i++) {
        to[i] = all[i];
    }
}

static int panels_of(int O)
{
    return (O + HEC_PANEL_OUTPUTS - 1) / HEC_PANEL_OUTPUTS;
}

size_t hec_panels_size(int O, int I)
{
    return (size_t)panels_of(O) * HEC_PANEL_OUTPUTS * (size_t)I;
}

void hec_panels_pack(float *panels, const float *w, int O, int I)
{
    for (int o = 0; o < panels_of(O) * HEC_PANEL_OUTPUTS; o++) {
        float *panel = panels + (size_t)(o / HEC_PANEL_OUTPUTS) * HEC_PANEL_OUTPUTS * (size_t)I;
        for (int i = 0; i < I; i++) {
            panel[i * HEC_PANEL_OUTPUTS + o % HEC_PANEL_OUTPUTS] =
                o < O ? w[(size_t)o * (size_t)I + (size_t)i] : 0;
        }
    }
}

static size_t group_size(const struct hec_tensor_place *place)
{
    return hec_panels_size(place->rows / place->groups, place->cols);
}

const float *hec_panels_of(const struct hec_panels *panels, const struct hec_layout *layout,
                           int tensor, int group)
{
    return panels->numbers + panels->at[tensor] +
           (size_t)group * group_size(&layout->place[tensor]);
}

enum hec_status hec_panels_make(struct hec_panels *panels, const struct hec_layout *layout,
                                const float *parameters)
{
    size_t numbers = 0;
    for (int t = 0; t < HEC_TENSORS; t++) {
        const struct hec_tensor_place *place = &layout->place[t];
        panels->at[t] = place->is_dense ? numbers : SIZE_MAX;
        numbers += place->is_dense ? (size_t)place->groups * group_size(place) : 0;
    }
    panels->numbers = aligned_alloc(LINE, (numbers * sizeof(float) / LINE + 1) * LINE);
    if (panels->numbers == NULL) {
        return HEC_NO_MEMORY;
    }
    for (int t = 0; t < HEC_TENSORS; t++) {
        const struct hec_tensor_place *place = &layout->place[t];
        for (int group = 0; group < place->groups; group++) {
            int rows = place->rows / place->groups;
            hec_panels_pack(panels->numbers + panels->at[t] + (size_t)group * group_size(place),
                            parameters + place->offset +
                                (size_t)group * (size_t)rows * (size_t)place->cols,
                            rows, place->cols);
        }
    }
    return HEC_OK;
}

void hec_panels_free(struct hec_panels *panels)
{
    free(panels->numbers);
    *panels = (struct hec_panels){ 0 };
}

/* What one tile reads and writes. */
struct tile {
    float *y;
    const float *x, *w, *b;
    int I, O;    /* as of the layer */
    int outputs; /* from b and y on; at most panels x HEC_PANEL_OUTPUTS */
    int relu;
};

/* The last step of a tile: one row of one panel leaves the registers. */
INLINE void put(const struct tile *tile, const wide *sum, int row, int first)
{
    float *y = tile->y + (size_t)row * (size_t)tile->O + first;
    for (int h = 0; h < HALVES; h++) {
        int left = tile->outputs - first - h * LANES;
        if (left > 0) {
            give(y + h * LANES, tile->relu ? relu(sum[h]) : sum[h], left < LANES ? left : LANES);
        }
    }
}

/* rows x panels outputs at once. Both are constants where this is inlined. */
INLINE void run_tile(const struct tile *tile, const int rows, const int panels)
{
    wide sum[8][ALONE][HALVES];
    size_t I = (size_t)tile->I, a_panel = HEC_PANEL_OUTPUTS * I;
#pragma GCC unroll 8
    for (int p = 0; p < panels; p++) {
        float bias[HEC_PANEL_OUTPUTS] = { 0 };
        for (int o = 0; o < HEC_PANEL_OUTPUTS && p * HEC_PANEL_OUTPUTS + o < tile->outputs; o++) {
            bias[o] = tile->b[p * HEC_PANEL_OUTPUTS + o];
        }
#pragma GCC unroll 8
        for (int r = 0; r < rows; r++) {
#pragma GCC unroll 8
            for (int h = 0; h < HALVES; h++) {
                sum[r][p][h] = *(const wide *)(bias + h * LANES);
            }
        }
    }
    for (size_t i = 0; i < I; i++) {
#pragma GCC unroll 8
        for (int p = 0; p < panels; p++) {
#pragma GCC unroll 8
            for (int h = 0; h < HALVES; h++) {
                wide w = *(const wide *)(tile->w + (size_t)p * a_panel + i * HEC_PANEL_OUTPUTS +
                                         h * LANES);
#pragma GCC unroll 8
                for (int r = 0; r < rows; r++) {
                    sum[r][p][h] += w * tile->x[(size_t)r * I + i];
                }
            }
        }
    }
#pragma GCC unroll 8
    for (int p = 0; p < panels; p++) {
#pragma GCC unroll 8
        for (int r = 0; r < rows; r++) {
            put(tile, sum[r][p], r, p * HEC_PANEL_OUTPUTS);
        }
    }
}

/* A layer, tile by tile; what is left over of the rows goes row by row. */
INLINE void run_layer(const struct tile *layer, int B, const int rows)
{
    int row = 0;
    for (; row + rows <= B; row += rows) {
        for (int first = 0; first < layer->O; first += HEC_PANEL_OUTPUTS) {
            struct tile tile = *layer;
            tile.x += (size_t)row * (size_t)layer->I;
            tile.y += (size_t)row * (size_t)layer->O + first;
            tile.w += (size_t)first * (size_t)layer->I;
            tile.b += first;
            tile.outputs = layer->O - first;
            run_tile(&tile, rows, 1);
        }
    }
    for (; row < B; row++) {
        int first = 0, together = ALONE * HEC_PANEL_OUTPUTS;
        while (first < layer->O) {
            struct tile tile = *layer;
            tile.x += (size_t)row * (size_t)layer->I;
            tile.y += (size_t)row * (size_t)layer->O + first;
            tile.w += (size_t)first * (size_t)layer->I;
            tile.b += first;
            tile.outputs = layer->O - first;
            if (tile.outputs >= together) {
                run_tile(&tile, 1, ALONE);
                first += together;
            } else {
                run_tile(&tile, 1, 1);
                first += HEC_PANEL_OUTPUTS;
            }
        }
    }
}

INLINE wide sine_over_u(wide q)
{
    return HEC_SINE_OVER_U(q);
}

/* One row's embedding, LANES features at a time: everything between stays in registers. */
INLINE void run_periodic(float *y, const float *x, const float *c, const float *w, const float *b,
                         int F, int Q, const int E)
{
    for (int first = 0; first < F; first += LANES) {
        int n = F - first < LANES ? F - first : LANES;
        wide sum[HEC_PERIODIC_E_MAX] = { { 0 } }, at = take(x + first, n);
#pragma GCC unroll 8
        for (int e = 0; e < E; e++) {
            sum[e] = b[e] - (wide){ 0 };
        }
        for (int q = 0; q < Q; q++) {
            /* As waves_of in layers.c, where the formulas are explained. */
            wide t = *(const wide *)(c + q * F + first) * at;
            wide u = (t - ((t + HEC_ROUNDER) - HEC_ROUNDER)) * (float)3.14159265358979323846;
            wide half = u * 0.5f;
            wide s = u * sine_over_u(u * u), h = half * sine_over_u(half * half);
            wide sine = 2 * s * (1 - 2 * h * h), cosine = 1 - 2 * s * s;
#pragma GCC unroll 8
            for (int e = 0; e < E; e++) {
                sum[e] += w[e * 2 * Q + q] * sine + w[e * 2 * Q + Q + q] * cosine;
            }
        }
#pragma GCC unroll 8
        for (int e = 0; e < E; e++) {
            give(y + e * F + first, relu(sum[e]), n);
        }
    }
}

INLINE void run_back(float *dx, const float *dy, const float *w, int I, int O)
{
    memset(dx, 0, sizeof(*dx) * (size_t)I);
    for (int o = 0; o < O; o++) {
        const float *from = w + (size_t)o * (size_t)I;
        int i = 0;
        if (dy[o] == 0) {
            continue;
        }
        for (; i + LANES <= I; i += LANES) {
            *(wide *)(dx + i) += dy[o] * *(const wide *)(from + i);
        }
        for (; i < I; i++) {
            dx[i] += dy[o] * from[i];
        }
    }
}

/* X(what it is called, attribute, rows of a tile so that their sums fit into the registers) */
#define VERSION(name, attribute, rows)                                                             \
    attribute static void dense_##name(const struct tile *layer, int B)                            \
    {                                                                                              \
        run_layer(layer, B, rows);                                                                 \
    }                                                                                              \
    attribute static void periodic_##name(float *y, const float *x, const float *c,                \
                                          const float *w, const float *b, int F, int Q, int E)     \
    {                                                                                              \
        if (E == 4) { /* the usual one: its sums are registers */                                  \
            run_periodic(y, x, c, w, b, F, Q, 4);                                                  \
        } else {                                                                                   \
            run_periodic(y, x, c, w, b, F, Q, E);                                                  \
        }                                                                                          \
    }                                                                                              \
    attribute static void back_##name(float *dx, const float *dy, const float *w, int I, int O)    \
    {                                                                                              \
        run_back(dx, dy, w, I, O);                                                                 \
    }

VERSION(plain, , 1)
#ifdef FOR_AVX512
VERSION(avx512, FOR_AVX512, 8)
VERSION(fma, FOR_FMA, 2)
#define CALL(call)                                                                                 \
    (__builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") ? call(avx512)       \
     : __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")        ? call(fma)          \
                                                                              : call(plain))
#else
#define CALL(call) call(plain)
#endif

void hec_serve_dense(float *y, const float *x, const float *w, const float *b, int B, int I, int O,
                     int relu)
{
    struct tile layer = { .y = y, .x = x, .w = w, .b = b, .I = I, .O = O, .relu = relu };
#define DENSE(name) dense_##name(&layer, B)
    CALL(DENSE);
}

void hec_serve_periodic(float *y, int y_stride, const float *x, int x_stride, const float *c,
                        const float *w, const float *b, int B, int F, int Q, int E)
{
    assert(Q <= HEC_PERIODIC_Q_MAX && E <= HEC_PERIODIC_E_MAX);
#define PERIODIC(name)                                                                             \
    periodic_##name(y + (size_t)row * (size_t)y_stride, x + (size_t)row * (size_t)x_stride, c, w,  \
                    b, F, Q, E)
    for (int row = 0; row < B; row++) {
        CALL(PERIODIC);
    }
}

void hec_serve_back(float *dx, const float *dy, const float *w, int I, int O)
{
#define BACK(name) back_##name(dx, dy, w, I, O)
    CALL(BACK);
}
