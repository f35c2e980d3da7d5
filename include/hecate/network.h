/*
 * What a network can be put together from. Names are those of the command line and of the model
 * file; all zero is the default.
 *
 *   arch    where the heads' representations come from
 *   fusion  what a representation is made of: the trunk's last layer, or both of its layers
 *   embed   how a number enters beside its own value
 */
#ifndef HECATE_NETWORK_H
#define HECATE_NETWORK_H

#include <stdbool.h>

#include "hecate/status.h"

/* X(enumerator, name, one phrase). K heads, T trunks of two layers. MMoE: Ma et al., KDD 2018. CGC:
 * Tang et al., RecSys 2020, one level. Cross-stitch: Misra et al., CVPR 2016. Attention: a sigmoid
 * mask a head over the shared layer, after Liu et al., CVPR 2019. */
#define HEC_ARCH_TABLE(X)                                                                          \
    X(SHARED_BOTTOM, "shared-bottom", "one trunk that every head reads")                           \
    X(SINGLE, "single", "a trunk for each head; only the input's embeddings are shared")           \
    X(MMOE, "mmoe", "4 experts, mixed by a gate for each head")                                    \
    X(CGC, "cgc", "2 shared experts and one of its own for each head, mixed by gates")             \
    X(CROSS_STITCH, "cross-stitch", "a trunk for each head, exchanging after both layers")         \
    X(ATTENTION, "attention", "one trunk, seen by each head through a mask of its own")

#define HEC_FUSION_TABLE(X)                                                                        \
    X(NONE, "none", "the last layer")                                                              \
    X(CONCAT, "concat", "both layers side by side")                                                \
    X(GATED, "gated", "both layers, weighed unit by unit by a gate")

/* Periodic and piecewise linear: Gorishniy, Rubachev, Babenko, NeurIPS 2022. */
#define HEC_EMBED_TABLE(X)                                                                         \
    X(PERIODIC, "periodic", "sines and cosines of learned frequencies")                            \
    X(PIECEWISE, "piecewise", "linear pieces between quantiles of training")                       \
    X(NONE, "none", "the number alone")

enum hec_arch {
#define HEC_ARCH_ENUM(enumerator, name, phrase) HEC_ARCH_##enumerator,
    HEC_ARCH_TABLE(HEC_ARCH_ENUM)
#undef HEC_ARCH_ENUM
        HEC_ARCHS
};

enum hec_fusion {
#define HEC_FUSION_ENUM(enumerator, name, phrase) HEC_FUSION_##enumerator,
    HEC_FUSION_TABLE(HEC_FUSION_ENUM)
#undef HEC_FUSION_ENUM
        HEC_FUSIONS
};

enum hec_embed {
#define HEC_EMBED_ENUM(enumerator, name, phrase) HEC_EMBED_##enumerator,
    HEC_EMBED_TABLE(HEC_EMBED_ENUM)
#undef HEC_EMBED_ENUM
        HEC_EMBEDS
};

struct hec_network {
    enum hec_arch arch;
    enum hec_fusion fusion;
    enum hec_embed embed;
    /* Widths, 0: as the arch has them by itself (128, 64 and 32; experts 64 and 32). */
    int trunk_0, trunk_1, tower;
    int experts;    /* of mmoe, or the shared ones of cgc; 0: 4 and 2 */
    bool one_layer; /* a trunk is its second layer alone */
    bool one_gate;  /* mmoe: all heads read through one gate, a plain mixture of experts */
};

#define HEC_EXPERTS_MAX 16
#define HEC_WIDTH_MAX 1024

/* Names in the order of the enumerations, ended by NULL. */
extern const char *const hec_arch_names[HEC_ARCHS + 1];
extern const char *const hec_fusion_names[HEC_FUSIONS + 1];
extern const char *const hec_embed_names[HEC_EMBEDS + 1];

/** Refuses widths that make no network. @return HEC_OK or HEC_INVALID: the sentence tells which */
HEC_CHECKED enum hec_status hec_network_check(const struct hec_network *network,
                                              struct hec_error *error);

/** The place of a name in a list of names that NULL ends; -1 when it is not there. NULL is not
 * there. */
int hec_name_find(const char *const *names, const char *name);

#endif
