/* The interpreter: protobuf apart, then one function a family of operators. */
#include "onnx_run.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALUES_MAX 4096
#define INPUTS_MAX 24

struct field {
    int number, wire;
    uint64_t value;
    const uint8_t *bytes;
};

static uint64_t varint(const uint8_t **at, const uint8_t *end)
{
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        cr_assert(*at < end, "a number is cut off");
        uint8_t byte = *(*at)++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            return value;
        }
    }
    cr_assert_fail("a number has no end");
    return 0;
}

static bool next(struct field *field, const uint8_t **at, const uint8_t *end)
{
    if (*at == end) {
        return false;
    }
    uint64_t key = varint(at, end);
    *field = (struct field){ .number = (int)(key >> 3), .wire = (int)(key & 7) };
    cr_assert(field->wire == 0 || field->wire == 2, "wire type %d", field->wire);
    field->value = varint(at, end);
    if (field->wire == 2) {
        field->bytes = *at;
        cr_assert_leq(field->value, (uint64_t)(end - *at), "a piece is longer than its whole");
        *at += field->value;
    }
    return true;
}

static void text_of(char to[32], const struct field *field)
{
    cr_assert_lt(field->value, 32);
    memcpy(to, field->bytes, field->value);
    to[field->value] = '\0';
}

const struct onnx_value *onnx_value(const struct onnx_graph *graph, const char *name)
{
    for (int i = 0; i < graph->count; i++) {
        if (strcmp(graph->values[i].name, name) == 0) {
            return &graph->values[i];
        }
    }
    cr_assert_fail("%s is used before it is made", name);
    return NULL;
}

static size_t numbers_of(const struct onnx_value *value)
{
    size_t n = 1;
    for (int i = 0; i < value->dims; i++) {
        n *= (size_t)value->dim[i];
    }
    return n;
}

static struct onnx_value *make(struct onnx_graph *graph, const char *name, int dims,
                               const int64_t *dim)
{
    cr_assert_lt(graph->count, VALUES_MAX);
    for (int i = 0; i < graph->count; i++) {
        cr_assert_str_neq(graph->values[i].name, name, "%s is made twice", name);
    }
    struct onnx_value *value = &graph->values[graph->count++];
    snprintf(value->name, sizeof(value->name), "%s", name);
    value->dims = dims;
    for (int i = 0; i < dims; i++) {
        value->dim[i] = dim[i];
    }
    value->data = calloc(numbers_of(value) + 1, sizeof(double));
    return value;
}

static void read_tensor(struct onnx_graph *graph, const struct field *piece)
{
    const uint8_t *at = piece->bytes, *end = at + piece->value;
    struct field field, raw = { 0 };
    int64_t dim[ONNX_DIMS];
    int dims = 0, type = 0;
    char name[32] = "";
    while (next(&field, &at, end)) {
        if (field.number == 1) {
            dim[dims++] = (int64_t)field.value;
        } else if (field.number == 2) {
            type = (int)field.value;
        } else if (field.number == 8) {
            text_of(name, &field);
        } else if (field.number == 9) {
            raw = field;
        }
    }
    struct onnx_value *value = make(graph, name, dims, dim);
    size_t n = numbers_of(value);
    cr_assert(type == 1 || type == 7, "type %d", type);
    cr_assert_eq(raw.value, n * (type == 7 ? 8 : 4), "%s has not the bytes its shape says", name);
    for (size_t i = 0; i < n; i++) {
        if (type == 7) {
            int64_t number;
            memcpy(&number, raw.bytes + i * 8, 8);
            value->data[i] = (double)number;
        } else {
            float number;
            memcpy(&number, raw.bytes + i * 4, 4);
            value->data[i] = (double)number;
        }
    }
}

/* ---- operators ---- */

struct node {
    char type[32], output[32];
    const struct onnx_value *in[INPUTS_MAX];
    int inputs;
    int64_t axis, trans_b, keepdims, axes;
};

static const char *const BINARY[] = {
    "Add", "Sub", "Mul", "Div", "Min", "Max", "Mod", "Equal", NULL
};

static double binary(const char *type, double a, double b)
{
    switch (type[0]) {
    case 'A': return a + b;
    case 'S': return a - b;
    case 'D': return a / b;
    case 'E': return a == b;
    default: break;
    }
    if (strcmp(type, "Mul") == 0) {
        return a * b;
    }
    if (strcmp(type, "Mod") == 0) {
        return fmod(a, b);
    }
    if (isnan(a) || isnan(b)) {
        return (double)NAN;
    }
    return strcmp(type, "Min") == 0 ? (a < b ? a : b) : (a > b ? a : b);
}

static const char *const UNARY[] = { "Identity", "Abs",     "Log",  "Sign",  "Exp",  "Sin", "Cos",
                                     "Round",    "Sigmoid", "Relu", "IsNaN", "Cast", NULL };

static double unary(int which, double x)
{
    switch (which) {
    case 1: return fabs(x);
    case 2: return log(x);
    case 3: return isnan(x) ? x : (double)((x > 0) - (x < 0));
    case 4: return exp(x);
    case 5: return sin(x);
    case 6: return cos(x);
    case 7: return rint(x);
    case 8: return 1 / (1 + exp(-x));
    case 9: return x > 0 ? x : 0;
    case 10: return isnan(x);
    default: return x;
    }
}

static int listed(const char *const *names, const char *name)
{
    for (int i = 0; names[i] != NULL; i++) {
        if (strcmp(names[i], name) == 0) {
            return i;
        }
    }
    return -1;
}

/* The number of a broadcast value that stands at a place of the result. */
static double at_place(const struct onnx_value *value, const struct onnx_value *result,
                       size_t place)
{
    size_t index = 0, stride = 1;
    for (int i = 1; i <= result->dims; i++) {
        size_t own = place % (size_t)result->dim[result->dims - i];
        place /= (size_t)result->dim[result->dims - i];
        if (i <= value->dims) {
            size_t extent = (size_t)value->dim[value->dims - i];
            index += extent == 1 ? 0 : own * stride;
            stride *= extent;
        }
    }
    return value->data[index];
}

static struct onnx_value *broadcast(struct onnx_graph *graph, const struct node *node)
{
    int64_t dim[ONNX_DIMS] = { 1, 1, 1, 1 };
    int dims = 0;
    for (int k = 0; k < node->inputs; k++) {
        dims = node->in[k]->dims > dims ? node->in[k]->dims : dims;
    }
    for (int k = 0; k < node->inputs; k++) {
        const struct onnx_value *in = node->in[k];
        for (int i = 1; i <= in->dims; i++) {
            int64_t extent = in->dim[in->dims - i], *to = &dim[dims - i];
            cr_assert(extent == 1 || *to == 1 || *to == extent, "%s: shapes do not fit",
                      node->type);
            *to = extent > *to ? extent : *to;
        }
    }
    return make(graph, node->output, dims, dim);
}

static void elementwise(struct onnx_graph *graph, const struct node *node)
{
    struct onnx_value *y = broadcast(graph, node);
    int which = listed(UNARY, node->type);
    for (size_t i = 0; i < numbers_of(y); i++) {
        if (which >= 0) {
            y->data[i] = unary(which, node->in[0]->data[i]);
        } else if (node->inputs == 3) { /* Where */
            y->data[i] = at_place(node->in[at_place(node->in[0], y, i) != 0 ? 1 : 2], y, i);
        } else {
            y->data[i] =
                binary(node->type, at_place(node->in[0], y, i), at_place(node->in[1], y, i));
        }
    }
}

static void matmul(struct onnx_graph *graph, const struct node *node, bool gemm)
{
    const struct onnx_value *a = node->in[0], *b = node->in[1];
    const struct onnx_value *right = gemm ? a : b, *left = gemm ? b : a;
    /* Gemm: x (1,I), w (O,I), b (O). MatMul: w (E,Q), x (1,Q,F). */
    int64_t O = left->dim[0], I = left->dim[1];
    int64_t F = gemm ? 1 : right->dim[right->dims - 1];
    cr_assert(gemm ? node->trans_b == 1 && a->dim[1] == I : right->dim[right->dims - 2] == I);
    struct onnx_value *y = make(graph, node->output, gemm ? 2 : 3,
                                gemm ? (const int64_t[]){ 1, O } : (const int64_t[]){ 1, O, F });
    for (int64_t o = 0; o < O; o++) {
        for (int64_t f = 0; f < F; f++) {
            double sum = gemm ? node->in[2]->data[o] : 0;
            for (int64_t i = 0; i < I; i++) {
                sum += left->data[o * I + i] * right->data[i * F + f];
            }
            y->data[o * F + f] = sum;
        }
    }
}

static void gather(struct onnx_graph *graph, const struct node *node)
{
    const struct onnx_value *from = node->in[0], *index = node->in[1];
    size_t picks = numbers_of(index);
    cr_assert_eq(from->dims, 2);
    int64_t cols = from->dim[1];
    if (node->axis == 0) { /* rows of a table for an index of (1, C) */
        struct onnx_value *y =
            make(graph, node->output, 3, (const int64_t[]){ 1, (int64_t)picks, cols });
        for (size_t i = 0; i < picks; i++) {
            cr_assert(index->data[i] >= 0 && index->data[i] < (double)from->dim[0]);
            memcpy(y->data + i * (size_t)cols, from->data + (int64_t)index->data[i] * cols,
                   sizeof(double) * (size_t)cols);
        }
        return;
    }
    struct onnx_value *y = make(graph, node->output, 2, (const int64_t[]){ 1, (int64_t)picks });
    for (size_t i = 0; i < picks; i++) {
        cr_assert(index->data[i] >= 0 && index->data[i] < (double)cols);
        y->data[i] = from->data[(int64_t)index->data[i]];
    }
}

/* Along axis 1, the first being one row. */
static void concat(struct onnx_graph *graph, const struct node *node)
{
    int64_t dim[ONNX_DIMS] = { 1, 0, 1, 1 };
    int dims = node->in[0]->dims;
    size_t at = 0;
    for (int k = 0; k < node->inputs; k++) {
        cr_assert(node->in[k]->dims == dims && node->in[k]->dim[0] == 1);
        dim[1] += node->in[k]->dim[1];
        dim[2] = dims > 2 ? node->in[k]->dim[2] : 1;
    }
    struct onnx_value *y = make(graph, node->output, dims, dim);
    for (int k = 0; k < node->inputs; k++) {
        size_t n = numbers_of(node->in[k]);
        memcpy(y->data + at, node->in[k]->data, n * sizeof(double));
        at += n;
    }
}

static void reshape(struct onnx_graph *graph, const struct node *node)
{
    const struct onnx_value *x = node->in[0];
    int64_t dim[ONNX_DIMS];
    int dims = 0;
    if (strcmp(node->type, "Reshape") == 0) {
        dim[dims++] = 1;
        dim[dims++] = (int64_t)node->in[1]->data[1];
        cr_assert_eq(node->in[1]->data[0], -1);
    } else {
        for (int i = 0; i <= x->dims; i++) {
            dim[dims++] = i == (int)node->in[1]->data[0] ? 1 : x->dim[i - (i > 0)];
        }
    }
    struct onnx_value *y = make(graph, node->output, dims, dim);
    cr_assert_eq(numbers_of(y), numbers_of(x), "%s changes how many there are", node->type);
    memcpy(y->data, x->data, numbers_of(x) * sizeof(double));
}

static void reduce(struct onnx_graph *graph, const struct node *node)
{
    const struct onnx_value *x = node->in[0];
    if (strcmp(node->type, "ReduceMean") == 0) { /* of (1, n) to (1, 1) */
        struct onnx_value *y = make(graph, node->output, 2, (const int64_t[]){ 1, 1 });
        cr_assert_eq(node->axes, 1);
        for (int64_t i = 0; i < x->dim[1]; i++) {
            y->data[0] += x->data[i] / (double)x->dim[1];
        }
        return;
    }
    cr_assert(node->keepdims == 0 && x->dims == 4 && node->in[1]->data[0] == 2);
    int64_t E = x->dim[1], T = x->dim[2], F = x->dim[3];
    struct onnx_value *y = make(graph, node->output, 3, (const int64_t[]){ 1, E, F });
    for (int64_t i = 0; i < E * T * F; i++) {
        y->data[i / (T * F) * F + i % F] += x->data[i];
    }
}

static void softmax(struct onnx_graph *graph, const struct node *node)
{
    const struct onnx_value *x = node->in[0];
    struct onnx_value *y = make(graph, node->output, 2, x->dim);
    double sum = 0;
    cr_assert_eq(node->axis, 1);
    for (int64_t i = 0; i < x->dim[1]; i++) {
        sum += exp(x->data[i]);
    }
    for (int64_t i = 0; i < x->dim[1]; i++) {
        y->data[i] = exp(x->data[i]) / sum;
    }
}

static void run(struct onnx_graph *graph, const struct node *node)
{
    if (listed(UNARY, node->type) >= 0 || listed(BINARY, node->type) >= 0 ||
        strcmp(node->type, "Where") == 0) {
        elementwise(graph, node);
    } else if (strcmp(node->type, "Gemm") == 0 || strcmp(node->type, "MatMul") == 0) {
        matmul(graph, node, node->type[0] == 'G');
    } else if (strcmp(node->type, "Gather") == 0) {
        gather(graph, node);
    } else if (strcmp(node->type, "Concat") == 0) {
        concat(graph, node);
    } else if (strcmp(node->type, "Reshape") == 0 || strcmp(node->type, "Unsqueeze") == 0) {
        reshape(graph, node);
    } else if (strncmp(node->type, "Reduce", 6) == 0) {
        reduce(graph, node);
    } else if (strcmp(node->type, "Softmax") == 0) {
        softmax(graph, node);
    } else {
        cr_assert_fail("operator %s", node->type);
    }
}

static void read_attribute(struct node *node, const struct field *piece)
{
    const uint8_t *at = piece->bytes, *end = at + piece->value;
    struct field field;
    char name[32] = "";
    int64_t value = 0;
    while (next(&field, &at, end)) {
        if (field.number == 1) {
            text_of(name, &field);
        } else if (field.number == 3 || field.number == 8) {
            value = (int64_t)field.value;
        }
    }
    node->axis = strcmp(name, "axis") == 0 ? value : node->axis;
    node->axes = strcmp(name, "axes") == 0 ? value : node->axes;
    node->trans_b = strcmp(name, "transB") == 0 ? value : node->trans_b;
    node->keepdims = strcmp(name, "keepdims") == 0 ? value : node->keepdims;
}

static void run_node(struct onnx_graph *graph, const struct field *piece)
{
    const uint8_t *at = piece->bytes, *end = at + piece->value;
    struct field field;
    struct node node = { .keepdims = 1, .axis = -1 };
    char name[32];
    while (next(&field, &at, end)) {
        if (field.number == 1) {
            text_of(name, &field);
            cr_assert_lt(node.inputs, INPUTS_MAX);
            node.in[node.inputs++] = onnx_value(graph, name);
        } else if (field.number == 2) {
            text_of(node.output, &field);
        } else if (field.number == 4) {
            text_of(node.type, &field);
        } else if (field.number == 5) {
            read_attribute(&node, &field);
        }
    }
    run(graph, &node);
    graph->nodes++;
}

static void run_graph(struct onnx_graph *graph, const struct field *whole)
{
    const uint8_t *end = whole->bytes + whole->value;
    struct field field;
    for (int round = 0; round < 2; round++) { /* what is there from the start, then the nodes */
        const uint8_t *at = whole->bytes;
        while (next(&field, &at, end)) {
            if (round == 0 && field.number == 5) {
                read_tensor(graph, &field);
            } else if (round == 1 && field.number == 1) {
                run_node(graph, &field);
            }
        }
    }
}

void onnx_run(struct onnx_graph *graph, const void *bytes, size_t size, const double *numeric,
              int numerics, const double *category, int categories)
{
    const uint8_t *at = bytes, *end = at + size;
    struct field field;
    *graph = (struct onnx_graph){ .values = calloc(VALUES_MAX, sizeof(struct onnx_value)) };
    struct onnx_value *x = make(graph, "numeric", 2, (const int64_t[]){ 1, numerics });
    memcpy(x->data, numeric, sizeof(double) * (size_t)numerics);
    struct onnx_value *c = make(graph, "category", 2, (const int64_t[]){ 1, categories });
    memcpy(c->data, category, sizeof(double) * (size_t)categories);
    while (next(&field, &at, end)) {
        if (field.number == 7) {
            run_graph(graph, &field);
        }
    }
}

void onnx_free(struct onnx_graph *graph)
{
    for (int i = 0; i < graph->count; i++) {
        free(graph->values[i].data);
    }
    free(graph->values);
}
