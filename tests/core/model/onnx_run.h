/*
 * A plain interpreter of ONNX graphs, for the test of the writer: one row, doubles, no speed. It
 * knows the operators that are used and refuses all others.
 */
#ifndef TESTS_CORE_MODEL_ONNX_RUN_H
#define TESTS_CORE_MODEL_ONNX_RUN_H

#include <stddef.h>
#include <stdint.h>

#define ONNX_DIMS 4

/* Row-major. Owned by the graph. */
struct onnx_value {
    char name[32];
    int dims;
    int64_t dim[ONNX_DIMS];
    double *data;
};

struct onnx_graph {
    struct onnx_value *values;
    int count;
    int nodes;
};

/** Reads the file, sets the inputs (one row) and runs all nodes. Asserts whatever is not as it
 * should be: cut pieces, values used before they are made, shapes that do not fit. */
void onnx_run(struct onnx_graph *graph, const void *bytes, size_t size, const double *numeric,
              int numerics, const double *category, int categories);
void onnx_free(struct onnx_graph *graph);

/** The value of that name; asserts that there is one. */
const struct onnx_value *onnx_value(const struct onnx_graph *graph, const char *name);

#endif
