/*
 * One source, two precisions: the network is float in the product and double where its gradients
 * are checked against finite differences.
 *
 * A file that includes this (directly or through layers.h, net.h) works in float; one that defines
 * HEC_REAL_DOUBLE first works in double, where the same names carry another suffix underneath.
 */
#ifndef HEC_MODEL_REAL_H
#define HEC_MODEL_REAL_H

#ifdef HEC_REAL_DOUBLE
#define real double
#define GEMM(name) name##_f64
#define hec_bce hec_bce_f64
#define hec_dense_backward hec_dense_backward_f64
#define hec_dense_forward hec_dense_forward_f64
#define hec_dropout hec_dropout_f64
#define hec_embedding_backward hec_embedding_backward_f64
#define hec_embedding_forward hec_embedding_forward_f64
#define hec_heads_out_backward hec_heads_out_backward_f64
#define hec_heads_out_forward hec_heads_out_forward_f64
#define hec_net_before_relus hec_net_before_relus_f64
#define hec_net_backward hec_net_backward_f64
#define hec_net_forward hec_net_forward_f64
#define hec_periodic_backward hec_periodic_backward_f64
#define hec_periodic_forward hec_periodic_forward_f64
#define hec_reconstruction hec_reconstruction_f64
#define hec_relu_backward hec_relu_backward_f64
#define hec_work hec_work_f64
#define hec_work_free hec_work_free_f64
#define hec_work_new hec_work_new_f64
#else
#define real float
#define GEMM(name) name##_f32
#endif

/* Element-wise loops are worth compiling for wider vectors. No clone may contract a*b+c, so all of
 * them give the same bits (the build says -ffp-contract=off). Sanitisers do not go with the
 * resolvers that this makes. By feature, not by processor: "arch=haswell" fits no later one. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) &&                             \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && defined(__OPTIMIZE__)
#define HEC_WIDE __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define HEC_WIDE
#endif

#endif
