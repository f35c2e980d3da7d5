/*
 * The layers: each forward pass with its backward pass directly below it.
 *
 * Sines and cosines are our own polynomials after a reduction in turns: the loops vectorise, no
 * libm is called, and every machine gets the same bits.
 */
#include "model/layers.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "model/gemm.h"

#define PI ((real)3.14159265358979323846)

#ifdef HEC_REAL_DOUBLE
#define ROUNDER 6755399441055744.0
#else
#define ROUNDER HEC_ROUNDER
#endif

/* Taylor series of sin(u)/u in q = u^2 for |u| <= pi/2, to the precision of real. */
static inline real sine_over_u(real q)
{
#ifdef HEC_REAL_DOUBLE
    real tail = 1.0 / 51090942171709440000.0 - q * (1.0 / 25852016738884976640000.0);
    tail = 1.0 / 355687428096000.0 + q * (-1.0 / 121645100408832000.0 + q * tail);
    tail = 1.0 / 6227020800.0 + q * (-1.0 / 1307674368000.0 + q * tail);
    tail = 1.0 / 362880.0 + q * (-1.0 / 39916800.0 + q * tail);
    return 1 + q * (-1.0 / 6.0 + q * (1.0 / 120.0 + q * (-1.0 / 5040.0 + q * tail)));
#else
    return HEC_SINE_OVER_U(q);
#endif
}

/* y = x w' + b */
HEC_WIDE static void add_bias(real *restrict y, const real *restrict b, int B, int O, int relu)
{
    for (int row = 0; row < B; row++) {
        real *restrict at = y + (size_t)row * (size_t)O;
        if (relu) {
            for (int o = 0; o < O; o++) {
                real sum = at[o] + b[o];
                at[o] = sum > 0 ? sum : 0;
            }
        } else {
            for (int o = 0; o < O; o++) {
                at[o] += b[o];
            }
        }
    }
}

void hec_dense_forward(real *y, const real *x, const real *w, const real *b, int B, int I, int O,
                       int relu)
{
    GEMM(hec_gemm_nt)(y, x, w, B, O, I);
    add_bias(y, b, B, O, relu);
}

/* dx = dy w           dw += dy' x          db += sum of dy over rows */
void hec_dense_backward(real *dx, real *dw, real *db, const real *dy, const real *x, const real *w,
                        int B, int I, int O)
{
    if (dx != NULL) {
        GEMM(hec_gemm_nn)(dx, dy, w, B, I, O);
    }
    if (dw == NULL) {
        return;
    }
    GEMM(hec_gemm_tn)(dw, dy, x, O, I, B);
    for (int row = 0; row < B; row++) {
        for (int o = 0; o < O; o++) {
            db[o] += dy[row * O + o];
        }
    }
}

HEC_WIDE void hec_relu_backward(real *restrict dy, const real *restrict y, int n)
{
    for (int i = 0; i < n; i++) {
        dy[i] = y[i] > 0 ? dy[i] : 0;
    }
}

HEC_WIDE void hec_dropout(real *restrict y, const real *restrict keep, int n)
{
    for (int i = 0; i < n; i++) {
        y[i] *= keep[i];
    }
}

/* One row, one frequency: sines and cosines of 2 pi c x along the features. With u = pi r for the
 * reduced r, sin 2u = 2 sin u cos u and cos 2u = 1 - 2 sin^2 u; and cos u = 1 - 2 sin^2(u/2). */
HEC_WIDE static void waves_of(real *restrict sine, real *restrict cosine, const real *restrict x,
                              const real *restrict c, int F)
{
    for (int j = 0; j < F; j++) {
        real t = c[j] * x[j];
        real r = t - ((t + ROUNDER) - ROUNDER);
        real u = PI * r;
        real half = u * (real)0.5;
        real s = u * sine_over_u(u * u);
        real h = half * sine_over_u(half * half);
        real k = 1 - 2 * h * h;
        sine[j] = 2 * s * k;
        cosine[j] = 1 - 2 * s * s;
    }
}

HEC_WIDE static void add_scaled(real *restrict y, const real *restrict a, const real *restrict b,
                                real wa, real wb, int n)
{
    for (int j = 0; j < n; j++) {
        y[j] += wa * a[j] + wb * b[j];
    }
}

HEC_WIDE static void cut_below_zero(real *restrict y, int n)
{
    for (int j = 0; j < n; j++) {
        y[j] = y[j] > 0 ? y[j] : 0;
    }
}

/* y_e = relu(b_e + sum_q w_e,q sin_q + w_e,Q+q cos_q), for all features at once */
void hec_periodic_forward(real *y, int y_stride, real *waves, const real *x, int x_stride,
                          const real *c, const real *w, const real *b, int B, int F, int Q, int E)
{
    enum { CHUNK = 64 }; /* features that go together when the waves are not kept */
    real own[2 * CHUNK];
    assert(Q <= HEC_PERIODIC_Q_MAX && E <= HEC_PERIODIC_E_MAX);

    for (int row = 0; row < B; row++) {
        real *out = y + (size_t)row * (size_t)y_stride;
        const real *in = x + (size_t)row * (size_t)x_stride;
        for (int first = 0; first < F; first += CHUNK) {
            int n = F - first < CHUNK ? F - first : CHUNK;
            for (int e = 0; e < E; e++) {
                for (int j = 0; j < n; j++) {
                    out[e * F + first + j] = b[e];
                }
            }
            for (int q = 0; q < Q; q++) {
                real *sine = own, *cosine = own + CHUNK;
                if (waves != NULL) {
                    sine = waves + ((size_t)row * 2 * (size_t)Q + (size_t)q) * (size_t)F + first;
                    cosine = sine + (size_t)Q * (size_t)F;
                }
                waves_of(sine, cosine, in + first, c + q * F + first, n);
                for (int e = 0; e < E; e++) {
                    const real *we = w + e * 2 * Q;
                    add_scaled(out + e * F + first, sine, cosine, we[q], we[Q + q], n);
                }
            }
        }
        cut_below_zero(out, E * F);
    }
}

/* dg: gradient before the ReLU, all features; dwork_e,q collects it times the wave a feature, and
 * dc_q the way back through sine and cosine. */
HEC_WIDE static void periodic_row_backward(real *restrict dc, real *restrict work,
                                           const real *restrict dg, const real *restrict waves,
                                           const real *restrict x, const real *restrict w, int F,
                                           int Q, int E)
{
    for (int q = 0; q < Q; q++) {
        const real *sine = waves + q * F;
        const real *cosine = waves + (Q + q) * F;
        for (int e = 0; e < E; e++) {
            const real *dge = dg + e * F;
            real ws = w[e * 2 * Q + q], wc = w[e * 2 * Q + Q + q];
            real *restrict to_sine = work + (e * 2 * Q + q) * F;
            real *restrict to_cosine = work + (e * 2 * Q + Q + q) * F;
            real *restrict dcq = dc + q * F;
            for (int j = 0; j < F; j++) {
                to_sine[j] += dge[j] * sine[j];
                to_cosine[j] += dge[j] * cosine[j];
                dcq[j] += dge[j] * (ws * cosine[j] - wc * sine[j]) * (2 * PI * x[j]);
            }
        }
    }
}

void hec_periodic_backward(real *dc, real *dw, real *db, real *dy, int dy_stride, const real *y,
                           int y_stride, const real *waves, const real *x, int x_stride,
                           const real *w, real *work, int B, int F, int Q, int E)
{
    size_t weights = 2 * (size_t)Q * (size_t)E;
    memset(work, 0, sizeof(*work) * weights * (size_t)F);

    for (int row = 0; row < B; row++) {
        real *dg = dy + (size_t)row * (size_t)dy_stride;
        hec_relu_backward(dg, y + (size_t)row * (size_t)y_stride, E * F);
        for (int e = 0; e < E; e++) {
            for (int j = 0; j < F; j++) {
                db[e] += dg[e * F + j];
            }
        }
        periodic_row_backward(dc, work, dg, waves + (size_t)row * 2 * (size_t)Q * (size_t)F,
                              x + (size_t)row * (size_t)x_stride, w, F, Q, E);
    }
    for (size_t i = 0; i < weights; i++) {
        for (int j = 0; j < F; j++) {
            dw[i] += work[i * (size_t)F + (size_t)j];
        }
    }
}

void hec_embedding_forward(real *y, int y_stride, const real *table, const uint32_t *index, int B,
                           int C, int E)
{
    for (int row = 0; row < B; row++) {
        for (int k = 0; k < C; k++) {
            memcpy(y + (size_t)row * (size_t)y_stride + k * E,
                   table + (size_t)index[row * C + k] * (size_t)E, sizeof(*y) * (size_t)E);
        }
    }
}

void hec_embedding_backward(real *dtable, const real *dy, int dy_stride, const uint32_t *index,
                            int B, int C, int E)
{
    for (int row = 0; row < B; row++) {
        for (int k = 0; k < C; k++) {
            real *to = dtable + (size_t)index[row * C + k] * (size_t)E;
            for (int e = 0; e < E; e++) {
                to[e] += dy[(size_t)row * (size_t)dy_stride + (size_t)(k * E + e)];
            }
        }
    }
}

void hec_heads_out_forward(real *z, const real *t, const real *w, const real *b, int B, int K,
                           int T)
{
    for (int row = 0; row < B; row++) {
        for (int k = 0; k < K; k++) {
            const real *tk = t + ((size_t)row * (size_t)K + (size_t)k) * (size_t)T;
            const real *wk = w + k * T;
            real sum[4] = { 0 };
            int i = 0;
            for (; i + 4 <= T; i += 4) {
                for (int lane = 0; lane < 4; lane++) {
                    sum[lane] += tk[i + lane] * wk[i + lane];
                }
            }
            for (; i < T; i++) {
                sum[0] += tk[i] * wk[i];
            }
            z[row * K + k] = (sum[0] + sum[1]) + (sum[2] + sum[3]) + b[k];
        }
    }
}

void hec_heads_out_backward(real *dt, real *dw, real *db, const real *dz, const real *t,
                            const real *w, int B, int K, int T)
{
    for (int row = 0; row < B; row++) {
        for (int k = 0; k < K; k++) {
            size_t at = ((size_t)row * (size_t)K + (size_t)k) * (size_t)T;
            real d = dz[row * K + k];
            for (int i = 0; i < T; i++) {
                dt[at + (size_t)i] = d * w[k * T + i];
                dw[k * T + i] += d * t[at + (size_t)i];
            }
            db[k] += d;
        }
    }
}

/* The weight of the rows of a head whose label is known. */
static double labelled(const int8_t *target, const float *weight, int k, int B, int K)
{
    double total = 0;
    for (int row = 0; row < B; row++) {
        int at = row * K + k;
        total += target[at] >= 0 ? (double)weight[at] : 0;
    }
    return total;
}

/* loss = log(1 + e^z) - target z, written so that no exponential can overflow */
void hec_bce(real *dz, double *loss, const real *z, const int8_t *target, const float *weight,
             const float *scale, int B, int K)
{
    for (int k = 0; k < K; k++) {
        double total = labelled(target, weight, k, B, K), sum = 0;
        for (int row = 0; row < B; row++) {
            int at = row * K + k;
            dz[at] = 0;
            if (target[at] < 0 || total <= 0) {
                continue;
            }
            double logit = (double)z[at], tail = exp(-fabs(logit));
            double probability = (logit >= 0 ? 1 : tail) / (1 + tail);
            double share = (double)weight[at] / total;
            sum += share * (log1p(tail) + (logit > 0 ? logit : 0) - target[at] * logit);
            dz[at] = (real)(share * (double)scale[k] * (probability - target[at]));
        }
        loss[k] = total > 0 ? sum : NAN;
    }
}

/* With m the logit towards the truth: f = (1-p)^g c, p = sigmoid(m), c = log(1 + e^-m), and
 * df/dm = -(1-p)^g (g p c + 1 - p). */
double hec_focal(real *dz, const real *z, const int8_t *target, const float *weight, float scale,
                 double gamma, int k, int B, int K)
{
    double total = labelled(target, weight, k, B, K), sum = 0;
    for (int row = 0; row < B; row++) {
        int at = row * K + k;
        dz[at] = 0;
        if (target[at] < 0 || total <= 0) {
            continue;
        }
        double sign = target[at] > 0 ? 1 : -1, m = sign * (double)z[at], tail = exp(-fabs(m));
        double missing = (m >= 0 ? tail : 1) / (1 + tail), cross = log1p(tail) + fmax(-m, 0);
        double share = (double)weight[at] / total, factor = pow(missing, gamma);
        sum += share * factor * cross;
        dz[at] = (real)(-sign * share * (double)scale * factor *
                        (gamma * (1 - missing) * cross + missing));
    }
    return total > 0 ? sum : NAN;
}

double hec_squares(real *dz, const real *z, const int8_t *target, const float *value, float scale,
                   int k, int B, int K)
{
    int rows = 0;
    for (int row = 0; row < B; row++) {
        rows += target[row * K + k] > 0;
    }
    double sum = 0, each = rows > 0 ? 1.0 / rows : 0;
    for (int row = 0; row < B; row++) {
        int at = row * K + k;
        double error = target[at] > 0 ? (double)z[at] - (double)value[at] : 0;
        sum += error * error;
        dz[at] = (real)(2 * each * (double)scale * error);
    }
    return rows > 0 ? sum * each : NAN;
}

double hec_reconstruction(real *dy, const real *y, const real *x, int x_stride,
                          const uint8_t *counts, int B, int F)
{
    int rows = 0;
    for (int row = 0; row < B; row++) {
        rows += counts[row];
    }
    double sum = 0, each = rows > 0 ? 1.0 / ((double)rows * F) : 0;
    for (int row = 0; row < B; row++) {
        const real *target = x + (size_t)row * (size_t)x_stride;
        for (int j = 0; j < F; j++) {
            real error = y[row * F + j] - target[j];
            bool within = error * error < HEC_ERROR_CUT;
            sum += counts[row] ? (within ? (double)(error * error) : HEC_ERROR_CUT) : 0;
            dy[row * F + j] = counts[row] && within ? (real)(2 * each) * error : 0;
        }
    }
    return rows > 0 ? sum * each : NAN;
}
