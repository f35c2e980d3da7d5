/* Aggregation: PCGrad, IMTL-G, UPGrad and MGDA as functions of the Gramian. */
#include "learn/aggregate.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define N HEC_TASKS_MAX
#define EIGEN_MIN 1e-10
#define RIDGE 1e-12 /* of the mean diagonal: what is singular gets the smaller answer */

/* Solves A x = b for the rows and columns in the set, by Cholesky; x is 0 elsewhere. */
static void solve_within(double *x, const double *A, const double *b, const bool *in, int K)
{
    double L[N][N], y[N];
    int at[N], n = 0;
    for (int i = 0; i < K; i++) {
        x[i] = 0;
        if (in[i]) {
            at[n++] = i;
        }
    }
    for (int i = 0; i < n; i++) {
        for (int j = 0; j <= i; j++) {
            double sum = A[at[i] * K + at[j]];
            for (int m = 0; m < j; m++) {
                sum -= L[i][m] * L[j][m];
            }
            L[i][j] = i == j ? sqrt(fmax(sum, 1e-300)) : sum / L[j][j];
        }
        y[i] = b[at[i]];
        for (int m = 0; m < i; m++) {
            y[i] -= L[i][m] * y[m];
        }
        y[i] /= L[i][i];
    }
    for (int i = n - 1; i >= 0; i--) {
        double sum = y[i];
        for (int m = i + 1; m < n; m++) {
            sum -= L[m][i] * x[at[m]];
        }
        x[at[i]] = sum / L[i][i];
    }
}

/* Moves u as far towards s as it stays non-negative; what arrives at 0 leaves the set. */
static bool step_towards(double *u, const double *s, bool *in, int K)
{
    double far = 1;
    for (int i = 0; i < K; i++) {
        if (in[i] && s[i] <= 0) {
            far = fmin(far, u[i] / (u[i] - s[i]));
        }
    }
    for (int i = 0; i < K; i++) {
        u[i] += in[i] ? far * (s[i] - u[i]) : 0;
        if (in[i] && far < 1 && u[i] <= 1e-14) {
            in[i] = false;
            u[i] = 0;
        }
    }
    return far >= 1;
}

void hec_aggregate_nonnegative(double *u, const double *H, const double *c, int K)
{
    double A[N * N], mean = 0, largest = 0;
    bool in[N] = { false };
    assert(K <= N);
    for (int i = 0; i < K; i++) {
        mean += H[i * K + i] / K;
        largest = fmax(largest, fabs(c[i]));
        u[i] = 0;
    }
    memcpy(A, H, sizeof(double) * (size_t)(K * K));
    for (int i = 0; i < K; i++) {
        A[i * K + i] += RIDGE * mean;
    }
    for (int turn = 0; turn < 3 * K; turn++) {
        double s[N], most = 1e-12 * largest;
        int enter = -1;
        for (int i = 0; i < K; i++) {
            double down = c[i];
            for (int j = 0; j < K; j++) {
                down -= A[i * K + j] * u[j];
            }
            if (!in[i] && down > most) {
                most = down;
                enter = i;
            }
        }
        if (enter < 0) {
            return;
        }
        in[enter] = true;
        do {
            solve_within(s, A, c, in, K);
        } while (!step_towards(u, s, in, K));
    }
}

/* One Jacobi rotation that makes A_pq zero; V collects the eigenvectors. */
static void rotate(double A[N][N], double V[N][N], int p, int q, int K)
{
    double theta = (A[q][q] - A[p][p]) / (2 * A[p][q]);
    double t = (theta >= 0 ? 1 : -1) / (fabs(theta) + sqrt(theta * theta + 1));
    double c = 1 / sqrt(t * t + 1), s = t * c;
    for (int i = 0; i < K; i++) {
        double ip = A[i][p], iq = A[i][q];
        A[i][p] = c * ip - s * iq;
        A[i][q] = s * ip + c * iq;
    }
    for (int i = 0; i < K; i++) {
        double pi = A[p][i], qi = A[q][i], vp = V[i][p], vq = V[i][q];
        A[p][i] = c * pi - s * qi;
        A[q][i] = s * pi + c * qi;
        V[i][p] = c * vp - s * vq;
        V[i][q] = s * vp + c * vq;
    }
}

void hec_aggregate_pseudo_solve(double *x, const double *A, const double *b, int K)
{
    double D[N][N], V[N][N] = { { 0 } }, largest = 0;
    for (int i = 0; i < K; i++) {
        memcpy(D[i], A + i * K, sizeof(double) * (size_t)K);
        V[i][i] = 1;
    }
    for (int sweep = 0; sweep < 30; sweep++) {
        for (int p = 0; p < K; p++) {
            for (int q = p + 1; q < K; q++) {
                if (fabs(D[p][q]) > 1e-300) {
                    rotate(D, V, p, q, K);
                }
            }
        }
    }
    for (int i = 0; i < K; i++) {
        largest = fmax(largest, fabs(D[i][i]));
        x[i] = 0;
    }
    for (int e = 0; e < K; e++) {
        double along = 0;
        for (int i = 0; i < K; i++) {
            along += V[i][e] * b[i];
        }
        for (int i = 0; i < K && fabs(D[e][e]) > EIGEN_MIN * largest; i++) {
            x[i] += V[i][e] * along / D[e][e];
        }
    }
}

/* Each gradient loses its part against each other one that it points against, in random order. */
static void pcgrad(double *weights, const double *G, int K, struct hec_random *random)
{
    for (int i = 0; i < K; i++) {
        double v[N] = { 0 };
        uint32_t order[N];
        for (int j = 0; j < K; j++) {
            order[j] = (uint32_t)j;
        }
        hec_random_shuffle(random, order, (uint32_t)K);
        v[i] = 1;
        for (int n = 0; n < K; n++) {
            int j = (int)order[n];
            double against = 0;
            for (int m = 0; m < K; m++) {
                against += v[m] * G[m * K + j];
            }
            if (j != i && against < 0) {
                v[j] -= against / G[j * K + j];
            }
        }
        for (int m = 0; m < K; m++) {
            weights[m] += v[m];
        }
    }
}

/* The sum projects equally on every unit gradient: G w = sqrt(diag G), up to a factor. */
static void imtl_g(double *weights, const double *G, int K)
{
    double norm[N], sum = 0;
    for (int i = 0; i < K; i++) {
        norm[i] = sqrt(G[i * K + i]);
    }
    hec_aggregate_pseudo_solve(weights, G, norm, K);
    for (int i = 0; i < K; i++) {
        sum += weights[i];
    }
    for (int i = 0; i < K; i++) {
        weights[i] = fabs(sum) > 1e-12 ? weights[i] * K / sum : 1;
    }
}

/* Each gradient's nearest one that is against none: v >= e_i that makes v'Gv least. */
static void upgrad(double *weights, const double *G, int K)
{
    for (int i = 0; i < K; i++) {
        double u[N], c[N];
        for (int j = 0; j < K; j++) {
            c[j] = -G[i * K + j];
        }
        hec_aggregate_nonnegative(u, G, c, K);
        u[i] += 1;
        for (int j = 0; j < K; j++) {
            weights[j] += u[j];
        }
    }
}

/* The point of the gradients' hull that is nearest to 0. Adding (sum u - 1)^2 instead of the
 * constraint changes the length of u and not its direction. */
static void mgda(double *weights, const double *G, int K)
{
    double H[N * N], c[N], mean = 0, sum = 0;
    for (int i = 0; i < K; i++) {
        mean += G[i * K + i] / K;
        c[i] = 1;
    }
    for (int i = 0; i < K * K; i++) {
        H[i] = G[i] / mean + 1;
    }
    hec_aggregate_nonnegative(weights, H, c, K);
    for (int i = 0; i < K; i++) {
        sum += weights[i];
    }
    for (int i = 0; i < K; i++) {
        weights[i] *= K / sum;
    }
}

void hec_aggregate_weights(double *weights, enum hec_mtl way, const double *gramian, int K,
                           struct hec_random *random)
{
    double G[N * N], found[N] = { 0 };
    int at[N], n = 0;
    assert(K <= N);
    for (int i = 0; i < K; i++) {
        weights[i] = 1;
        if (gramian[i * K + i] > 0) {
            at[n++] = i;
        }
    }
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++) {
            G[i * n + j] = gramian[at[i] * K + at[j]];
        }
    }
    if (n == 0 || way == HEC_MTL_SUM || way == HEC_MTL_MTSGD) {
        return;
    }
    if (way == HEC_MTL_PCGRAD) {
        pcgrad(found, G, n, random);
    } else if (way == HEC_MTL_IMTL_G) {
        imtl_g(found, G, n);
    } else if (way == HEC_MTL_UPGRAD) {
        upgrad(found, G, n);
    } else {
        mgda(found, G, n);
    }
    for (int i = 0; i < n; i++) {
        weights[at[i]] = found[i];
    }
}
