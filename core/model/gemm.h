/*
 * Matrix products: the three that a dense layer needs, over OpenBLAS.
 *
 * All matrices are row-major and dense. B rows in the batch, I inputs, O outputs. Any dimension may
 * be 0. OpenBLAS is held to one thread: these sizes lose by more, and the order of its additions
 * must not depend on how many cores there are.
 */
#ifndef HEC_MODEL_GEMM_H
#define HEC_MODEL_GEMM_H

/** Holds OpenBLAS to one thread. Cheap; call before the first product. */
void hec_gemm_setup(void);

/** y = x w'          x (B,I)   w (O,I)   y (B,O) */
void hec_gemm_nt_f32(float *y, const float *x, const float *w, int B, int O, int I);
void hec_gemm_nt_f64(double *y, const double *x, const double *w, int B, int O, int I);

/** dx = dy w         dy (B,O)   w (O,I)   dx (B,I) */
void hec_gemm_nn_f32(float *dx, const float *dy, const float *w, int B, int I, int O);
void hec_gemm_nn_f64(double *dx, const double *dy, const double *w, int B, int I, int O);

/** dw += dy' x       dy (B,O)   x (B,I)   dw (O,I) */
void hec_gemm_tn_f32(float *dw, const float *dy, const float *x, int O, int I, int B);
void hec_gemm_tn_f64(double *dw, const double *dy, const double *x, int O, int I, int B);

#endif
