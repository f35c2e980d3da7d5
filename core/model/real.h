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
#define hec_add_scaled hec_add_scaled_f64
#define hec_bce hec_bce_f64
#define hec_dense_back_of hec_dense_back_of_f64
#define hec_before_free hec_before_free_f64
#define hec_before_new hec_before_new_f64
#define hec_dense_backward hec_dense_backward_f64
#define hec_dense_forward hec_dense_forward_f64
#define hec_dense_of hec_dense_of_f64
#define hec_dot hec_dot_f64
#define hec_dropout hec_dropout_f64
#define hec_embedding_backward hec_embedding_backward_f64
#define hec_embedding_forward hec_embedding_forward_f64
#define hec_focal hec_focal_f64
#define hec_fuse_backward hec_fuse_backward_f64
#define hec_fuse_forward hec_fuse_forward_f64
#define hec_fusion_backward hec_fusion_backward_f64
#define hec_fusion_forward hec_fusion_forward_f64
#define hec_heads_out_backward hec_heads_out_backward_f64
#define hec_heads_out_forward hec_heads_out_forward_f64
#define hec_mix_backward hec_mix_backward_f64
#define hec_mix_forward hec_mix_forward_f64
#define hec_multiply hec_multiply_f64
#define hec_net_backward hec_net_backward_f64
#define hec_net_before hec_net_before_f64
#define hec_net_beyond hec_net_beyond_f64
#define hec_net_each hec_net_each_f64
#define hec_net_forward hec_net_forward_f64
#define hec_net_heads_backward hec_net_heads_backward_f64
#define hec_net_trunk_backward hec_net_trunk_backward_f64
#define hec_periodic_backward hec_periodic_backward_f64
#define hec_periodic_forward hec_periodic_forward_f64
#define hec_piecewise_backward hec_piecewise_backward_f64
#define hec_piecewise_forward hec_piecewise_forward_f64
#define hec_reconstruction hec_reconstruction_f64
#define hec_relu_backward hec_relu_backward_f64
#define hec_sigmoids hec_sigmoids_f64
#define hec_sigmoids_backward hec_sigmoids_backward_f64
#define hec_softmax hec_softmax_f64
#define hec_softmax_backward hec_softmax_backward_f64
#define hec_stitch_backward hec_stitch_backward_f64
#define hec_stitch_forward hec_stitch_forward_f64
#define hec_weigh_backward hec_weigh_backward_f64
#define hec_weigh_forward hec_weigh_forward_f64
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
