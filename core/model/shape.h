/*
 * The shape of a network, and where each parameter lies in one flat array.
 *
 * Parameters are one array of numbers: the optimiser, the gradient check, the norm and the copy of
 * the best epoch are loops over it. Each tensor begins on a 64-byte line. The hidden layers of all
 * heads lie behind each other, so they are one matrix for the product and several in the file.
 */
#ifndef HEC_MODEL_SHAPE_H
#define HEC_MODEL_SHAPE_H

#include <stdbool.h>
#include <stddef.h>

#include "hecate/network.h"

#define HEC_CHOICES_MAX (HEC_EXPERTS_MAX + 1) /* of a gate */

struct hec_shape {
    enum hec_arch arch;
    enum hec_fusion fusion;
    int numerics, indicators, categories;
    int frequencies, bins;      /* of a number's embedding: periodic has one, piecewise the other */
    int periodic;               /* dimensions of a number's embedding; 0 = none */
    int table_rows, table_dims; /* a category: rows of the table, width of one */
    int hidden[2];              /* widths of a trunk; the first may be 0: one layer */
    int experts;                /* mmoe: all; cgc: the shared ones */
    int one_gate;               /* 1: all heads read through one gate (a plain mixture) */
    int heads, tower;           /* binary heads, width of each one's hidden layer */
    int bottleneck, decoder;    /* 0, 0 = no novelty decoder */
};

/* X(enumerator, name in the file; heads' ones are given a name a head) */
#define HEC_TENSOR_TABLE(X)                                                                        \
    X(PERIODIC_FREQUENCY, "periodic.frequency")                                                    \
    X(PERIODIC_WEIGHT, "periodic.weight")                                                          \
    X(PERIODIC_BIAS, "periodic.bias")                                                              \
    X(PIECEWISE_EDGE, "piecewise.edge")                                                            \
    X(PIECEWISE_SCALE, "piecewise.scale")                                                          \
    X(PIECEWISE_WEIGHT, "piecewise.weight")                                                        \
    X(PIECEWISE_BIAS, "piecewise.bias")                                                            \
    X(TABLE, "embedding.weight")                                                                   \
    X(TRUNK_0_WEIGHT, "trunk.0.weight")                                                            \
    X(TRUNK_0_BIAS, "trunk.0.bias")                                                                \
    X(STITCH_0, "stitch.0")                                                                        \
    X(TRUNK_1_WEIGHT, "trunk.1.weight")                                                            \
    X(TRUNK_1_BIAS, "trunk.1.bias")                                                                \
    X(FUSE_GATE_WEIGHT, "fusion.gate.weight")                                                      \
    X(FUSE_GATE_BIAS, "fusion.gate.bias")                                                          \
    X(FUSE_SKIP_WEIGHT, "fusion.skip.weight")                                                      \
    X(FUSE_SKIP_BIAS, "fusion.skip.bias")                                                          \
    X(STITCH_1, "stitch.1")                                                                        \
    X(GATE_WEIGHT, "gate.weight")                                                                  \
    X(GATE_BIAS, "gate.bias")                                                                      \
    X(MASK_WEIGHT, "mask.weight")                                                                  \
    X(MASK_BIAS, "mask.bias")                                                                      \
    X(HEADS_0_WEIGHT, "hidden.weight")                                                             \
    X(HEADS_0_BIAS, "hidden.bias")                                                                 \
    X(HEADS_1_WEIGHT, "out.weight")                                                                \
    X(HEADS_1_BIAS, "out.bias")                                                                    \
    X(DECODER_0_WEIGHT, "decoder.0.weight")                                                        \
    X(DECODER_0_BIAS, "decoder.0.bias")                                                            \
    X(DECODER_1_WEIGHT, "decoder.1.weight")                                                        \
    X(DECODER_1_BIAS, "decoder.1.bias")                                                            \
    X(DECODER_2_WEIGHT, "decoder.2.weight")                                                        \
    X(DECODER_2_BIAS, "decoder.2.bias")

enum hec_tensor {
#define HEC_TENSOR_ENUM(enumerator, name) HEC_T_##enumerator,
    HEC_TENSOR_TABLE(HEC_TENSOR_ENUM)
#undef HEC_TENSOR_ENUM
        HEC_TENSORS
};

struct hec_tensor_place {
    const char *name;
    size_t offset;  /* in numbers, a multiple of 16 */
    int rows, cols; /* a bias has one row */
    bool is_matrix; /* weight decay applies */
    bool is_dense;  /* weight of a dense layer: rows = outputs, cols = inputs */
    int groups;     /* a dense weight is so many layers, one below the other */
    int head_rows;  /* rows of one head; 0 = belongs to no single head */
};

struct hec_layout {
    struct hec_tensor_place place[HEC_TENSORS];
    size_t numbers;       /* length of the array, with the gaps */
    size_t decoder_first; /* the decoder's numbers are the last ones, from here */
    size_t parameters;    /* without the gaps */
};

void hec_layout_of(struct hec_layout *layout, const struct hec_shape *shape);

/** Sets what follows from a network's choice: its arch, its widths, how numbers are embedded. */
void hec_shape_network(struct hec_shape *shape, const struct hec_network *network);

/** Trunks (of mmoe and cgc: experts), and numbers of one trunk's representation. */
int hec_shape_trunks(const struct hec_shape *shape);
int hec_shape_width(const struct hec_shape *shape);

/** What a gate chooses among, 0 without gates; how many gates; and the choice'th trunk of a head.
 */
int hec_shape_choices(const struct hec_shape *shape);
int hec_shape_gates(const struct hec_shape *shape);
int hec_shape_choice(const struct hec_shape *shape, int head, int choice);

/** Columns of the network's input: numerics | indicators | embedding x numerics | tables. */
int hec_shape_inputs(const struct hec_shape *shape);

/** Floating point operations of one row, multiply and add counted as two. */
size_t hec_shape_flops(const struct hec_shape *shape);

#endif
