/* Blends, forward and, below it, backward: loops without a choice in them. */
#include "model/blend.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "model/elementary.h"
#include "model/layers.h"

#ifdef HEC_REAL_DOUBLE
#define EXP(x) exp(x)
#else
#define EXP(x) hec_exp(x)
#endif

void hec_sigmoids(real *y, int n)
{
    for (int i = 0; i < n; i++) {
        real tail = EXP(y[i] < 0 ? y[i] : -y[i]);
        y[i] = (y[i] < 0 ? tail : 1) / (1 + tail);
    }
}

void hec_sigmoids_backward(real *dy, const real *y, int n)
{
    for (int i = 0; i < n; i++) {
        dy[i] *= y[i] * (1 - y[i]);
    }
}

void hec_softmax(real *y, int B, int M)
{
    for (int row = 0; row < B; row++) {
        real *at = y + (size_t)row * (size_t)M, most = at[0], sum = 0;
        for (int m = 1; m < M; m++) {
            most = at[m] > most ? at[m] : most;
        }
        for (int m = 0; m < M; m++) {
            at[m] = EXP(at[m] - most);
            sum += at[m];
        }
        for (int m = 0; m < M; m++) {
            at[m] /= sum;
        }
    }
}

void hec_softmax_backward(real *dy, const real *y, int B, int M)
{
    for (int row = 0; row < B; row++) {
        real *d = dy + (size_t)row * (size_t)M, mean = 0;
        const real *at = y + (size_t)row * (size_t)M;
        for (int m = 0; m < M; m++) {
            mean += d[m] * at[m];
        }
        for (int m = 0; m < M; m++) {
            d[m] = at[m] * (d[m] - mean);
        }
    }
}

HEC_WIDE void hec_multiply(real *restrict y, const real *restrict a, const real *restrict b, int n)
{
    for (int i = 0; i < n; i++) {
        y[i] = a[i] * b[i];
    }
}

HEC_WIDE void hec_add_scaled(real *restrict y, const real *restrict a, real factor, int n)
{
    for (int i = 0; i < n; i++) {
        y[i] += factor * a[i];
    }
}

real hec_dot(const real *a, const real *b, int n)
{
    real sum[8] = { 0 };
    int i = 0;
    for (; i + 8 <= n; i += 8) {
        for (int lane = 0; lane < 8; lane++) {
            sum[lane] += a[i + lane] * b[i + lane];
        }
    }
    for (; i < n; i++) {
        sum[0] += a[i] * b[i];
    }
    return ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
}

void hec_weigh_forward(real *y, const real *w, int w_stride, const real *a, int B, int R)
{
    for (int row = 0; row < B; row++) {
        size_t at = (size_t)row * (size_t)R;
        hec_add_scaled(y + at, a + at, w[(size_t)row * (size_t)w_stride], R);
    }
}

void hec_weigh_backward(real *da, real *dw, const real *dy, const real *w, int w_stride,
                        const real *a, int B, int R)
{
    for (int row = 0; row < B; row++) {
        size_t at = (size_t)row * (size_t)R, weight = (size_t)row * (size_t)w_stride;
        hec_add_scaled(da + at, dy + at, w[weight], R);
        if (dw != NULL) {
            dw[weight] = hec_dot(dy + at, a + at, R);
        }
    }
}

void hec_fuse_forward(real *y, const real *g, const real *a, const real *b, int n)
{
    for (int i = 0; i < n; i++) {
        y[i] = g[i] * a[i] + (1 - g[i]) * b[i];
    }
}

void hec_fuse_backward(real *dg, real *da, real *db, const real *dy, const real *g, const real *a,
                       const real *b, int n)
{
    for (int i = 0; i < n; i++) {
        real d = dy[i];
        dg[i] = d * (a[i] - b[i]);
        db[i] = d * (1 - g[i]);
        da[i] = d * g[i];
    }
}

void hec_stitch_forward(real *y, const real *x, const real *w, int K, int n)
{
    memset(y, 0, sizeof(*y) * (size_t)K * (size_t)n);
    for (int k = 0; k < K; k++) {
        for (int j = 0; j < K; j++) {
            hec_add_scaled(y + (size_t)k * (size_t)n, x + (size_t)j * (size_t)n, w[k * K + j], n);
        }
    }
}

void hec_stitch_backward(real *dx, real *dw, const real *dy, const real *x, const real *w, int K,
                         int n)
{
    memset(dx, 0, sizeof(*dx) * (size_t)K * (size_t)n);
    for (int k = 0; k < K; k++) {
        for (int j = 0; j < K; j++) {
            size_t to = (size_t)j * (size_t)n, from = (size_t)k * (size_t)n;
            hec_add_scaled(dx + to, dy + from, w[k * K + j], n);
            if (dw != NULL) {
                dw[k * K + j] += hec_dot(dy + from, x + to, n);
            }
        }
    }
}

/* One row, one piece: how far along the piece each number is. */
HEC_WIDE static void piece_of(real *restrict piece, const real *restrict x,
                              const real *restrict edge, const real *restrict scale, int F,
                              int first, int last)
{
    real least = first ? (real)-1e30 : 0, most = last ? (real)1e30 : 1;
    for (int j = 0; j < F; j++) {
        real at = (x[j] - edge[j]) * scale[j];
        at = at > least ? at : least;
        piece[j] = at < most ? at : most;
    }
}

HEC_WIDE static void add_product(real *restrict y, const real *restrict a, const real *restrict b,
                                 int n)
{
    for (int j = 0; j < n; j++) {
        y[j] += a[j] * b[j];
    }
}

void hec_piecewise_forward(real *y, int y_stride, real *pieces, const real *x, int x_stride,
                           const real *edge, const real *scale, const real *w, const real *b, int B,
                           int F, int T, int E)
{
    enum { CHUNK = 64 };
    real own[CHUNK];
    for (int row = 0; row < B; row++) {
        real *out = y + (size_t)row * (size_t)y_stride;
        const real *in = x + (size_t)row * (size_t)x_stride;
        memcpy(out, b, sizeof(*out) * (size_t)(E * F));
        for (int first = 0; first < F; first += CHUNK) {
            int n = F - first < CHUNK ? F - first : CHUNK;
            for (int t = 0; t < T; t++) {
                real *piece = own;
                if (pieces != NULL) {
                    piece = pieces + ((size_t)row * (size_t)T + (size_t)t) * (size_t)F + first;
                }
                piece_of(piece, in + first, edge + t * F + first, scale + t * F + first, n, t == 0,
                         t == T - 1);
                for (int e = 0; e < E; e++) {
                    add_product(out + e * F + first, w + (e * T + t) * F + first, piece, n);
                }
            }
        }
        for (int i = 0; i < E * F; i++) {
            out[i] = out[i] > 0 ? out[i] : 0;
        }
    }
}

void hec_piecewise_backward(real *dw, real *db, real *dy, int dy_stride, const real *y,
                            int y_stride, const real *pieces, int B, int F, int T, int E)
{
    for (int row = 0; row < B; row++) {
        real *dg = dy + (size_t)row * (size_t)dy_stride;
        hec_relu_backward(dg, y + (size_t)row * (size_t)y_stride, E * F);
        hec_add_scaled(db, dg, 1, E * F);
        for (int e = 0; e < E; e++) {
            for (int t = 0; t < T; t++) {
                add_product(dw + (e * T + t) * F, dg + e * F,
                            pieces + ((size_t)row * (size_t)T + (size_t)t) * (size_t)F, F);
            }
        }
    }
}
