/*
 * The only file that knows OpenBLAS.
 *
 * Below four rows a product is mostly packing, so it goes row by row through the matrix-vector
 * routine.
 */
#include "model/gemm.h"

#include <cblas.h>
#undef I /* complex.h comes with it */
#include <string.h>

#define ROWS_WORTH_A_GEMM 4

void hec_gemm_setup(void)
{
    openblas_set_num_threads(1);
}

/* X(suffix, type, cblas letter) */
#define PRODUCTS(suffix, type, letter)                                                             \
    void hec_gemm_nt_##suffix(type *y, const type *x, const type *w, int B, int O, int I)          \
    {                                                                                              \
        if (B == 0 || O == 0 || I == 0) {                                                          \
            memset(y, 0, sizeof(*y) * (size_t)B * (size_t)O);                                      \
        } else if (B < ROWS_WORTH_A_GEMM) {                                                        \
            for (int row = 0; row < B; row++) {                                                    \
                cblas_##letter##gemv(CblasRowMajor, CblasNoTrans, O, I, 1, w, I, x + row * I, 1,   \
                                     0, y + row * O, 1);                                           \
            }                                                                                      \
        } else {                                                                                   \
            cblas_##letter##gemm(CblasRowMajor, CblasNoTrans, CblasTrans, B, O, I, 1, x, I, w, I,  \
                                 0, y, O);                                                         \
        }                                                                                          \
    }                                                                                              \
                                                                                                   \
    void hec_gemm_nn_##suffix(type *dx, const type *dy, const type *w, int B, int I, int O)        \
    {                                                                                              \
        if (B == 0 || O == 0 || I == 0) {                                                          \
            memset(dx, 0, sizeof(*dx) * (size_t)B * (size_t)I);                                    \
            return;                                                                                \
        }                                                                                          \
        cblas_##letter##gemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, B, I, O, 1, dy, O, w, I,   \
                             0, dx, I);                                                            \
    }                                                                                              \
                                                                                                   \
    void hec_gemm_tn_##suffix(type *dw, const type *dy, const type *x, int O, int I, int B)        \
    {                                                                                              \
        if (B == 0 || O == 0 || I == 0) {                                                          \
            return;                                                                                \
        }                                                                                          \
        cblas_##letter##gemm(CblasRowMajor, CblasTrans, CblasNoTrans, O, I, B, 1, dy, O, x, I, 1,  \
                             dw, I);                                                               \
    }

PRODUCTS(f32, float, s)
PRODUCTS(f64, double, d)
