/*
 * One source, two precisions: the network is float in the product and double where its gradients
 * are checked against finite differences.
 *
 * A file that includes this (directly or through layers.h, net.h) works in float; one that defines
 * HEC_REAL_DOUBLE first works in double. R(name) is the name in that precision.
 */
#ifndef HEC_MODEL_REAL_H
#define HEC_MODEL_REAL_H

#ifdef HEC_REAL_DOUBLE
#define real double
#define R(name) name##_f64
#else
#define real float
#define R(name) name##_f32
#endif

/* Element-wise loops are worth compiling for wider vectors. No clone may contract a*b+c, so all of
 * them give the same bits (the build says -ffp-contract=off). Sanitisers do not go with the
 * resolvers that this makes. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) &&                             \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && defined(__OPTIMIZE__)
#define HEC_WIDE __attribute__((target_clones("arch=skylake-avx512", "arch=haswell", "default")))
#else
#define HEC_WIDE
#endif

#endif
