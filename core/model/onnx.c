/*
 * A model as ONNX: raw features in, scores out, everything in between as standard operators.
 *
 * An ONNX file is protobuf. Of its wire format only two things are needed here, a number and a
 * piece with its length in front, so the writer is below and no library stands behind it; that it
 * is right is for onnx's own checker and onnxruntime to say (tests/proof/onnx.sh). Fields are
 * numbered as in onnx.proto3. Operator set 13: old enough for every runtime that is alive.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/layers.h"
#include "model/model.h"

#define OPSET 13
#define IR_VERSION 7
#define TURN 6.28318530718f

struct buffer {
    uint8_t *bytes;
    size_t length, room;
    bool failed;
};

static void append(struct buffer *to, const void *bytes, size_t length)
{
    if (to->length + length > to->room) {
        size_t room = (to->length + length) * 2 + 256;
        uint8_t *grown = to->failed ? NULL : realloc(to->bytes, room);
        if (grown == NULL) {
            to->failed = true;
            return;
        }
        to->bytes = grown;
        to->room = room;
    }
    if (length > 0) {
        memcpy(to->bytes + to->length, bytes, length);
        to->length += length;
    }
}

static void varint(struct buffer *to, uint64_t value)
{
    uint8_t bytes[10];
    size_t n = 0;
    for (; value >= 0x80; value >>= 7) {
        bytes[n++] = (uint8_t)(value | 0x80);
    }
    bytes[n++] = (uint8_t)value;
    append(to, bytes, n);
}

static void put_number(struct buffer *to, int field, int64_t value)
{
    varint(to, (uint64_t)field << 3);
    varint(to, (uint64_t)value);
}

static void put_bytes(struct buffer *to, int field, const void *bytes, size_t length)
{
    varint(to, (uint64_t)field << 3 | 2);
    varint(to, length);
    append(to, bytes, length);
}

static void put_text(struct buffer *to, int field, const char *text)
{
    put_bytes(to, field, text, strlen(text));
}

/* Puts a finished piece and frees it. */
static void put_piece(struct buffer *to, int field, struct buffer *piece)
{
    put_bytes(to, field, piece->bytes, piece->length);
    to->failed = to->failed || piece->failed;
    free(piece->bytes);
    *piece = (struct buffer){ 0 };
}

/* The graph as it grows. A value is a number; its name is "v" and the number. */
struct graph {
    const struct hec_model *model;
    struct buffer nodes, tensors;
    int values;
};

enum { ONNX_FLOAT = 1, ONNX_INT64 = 7 };
enum { ATTRIBUTE_INT = 2, ATTRIBUTE_INTS = 7 };

static void put_value(struct buffer *to, int field, int value)
{
    char name[16];
    snprintf(name, sizeof(name), "v%d", value);
    put_text(to, field, name);
}

/* ints: the values of one attribute; NULL for none. listed: it is a list even with one. */
struct attribute {
    const char *name;
    int64_t value;
    bool listed;
};

static void put_attribute(struct buffer *node, const struct attribute *attribute)
{
    struct buffer piece = { 0 };
    put_text(&piece, 1, attribute->name);
    put_number(&piece, attribute->listed ? 8 : 3, attribute->value);
    put_number(&piece, 20, attribute->listed ? ATTRIBUTE_INTS : ATTRIBUTE_INT);
    put_piece(node, 5, &piece);
}

/* One operator over values; -1 ends them early. */
static int op_with(struct graph *graph, const char *type, const int *in, int count,
                   const struct attribute *attributes, int attributes_count)
{
    struct buffer node = { 0 };
    int value = graph->values++;
    for (int i = 0; i < count && in[i] >= 0; i++) {
        put_value(&node, 1, in[i]);
    }
    put_value(&node, 2, value);
    put_text(&node, 4, type);
    for (int i = 0; i < attributes_count; i++) {
        put_attribute(&node, &attributes[i]);
    }
    put_piece(&graph->nodes, 1, &node);
    return value;
}

static int op(struct graph *graph, const char *type, int a, int b, int c)
{
    return op_with(graph, type, (const int[]){ a, b, c }, 3, NULL, 0);
}

static int op_axis(struct graph *graph, const char *type, int a, int b, int64_t axis)
{
    return op_with(graph, type, (const int[]){ a, b }, 2,
                   &(const struct attribute){ "axis", axis, false }, 1);
}

static int concat(struct graph *graph, const int *values, int count)
{
    return op_with(graph, "Concat", values, count, &(const struct attribute){ "axis", 1, false },
                   1);
}

static int tensor(struct graph *graph, int type, const int64_t *dims, int dims_count,
                  const void *data, size_t bytes)
{
    struct buffer piece = { 0 };
    char name[16];
    int value = graph->values++;
    for (int i = 0; i < dims_count; i++) {
        put_number(&piece, 1, dims[i]);
    }
    put_number(&piece, 2, type);
    snprintf(name, sizeof(name), "v%d", value);
    put_text(&piece, 8, name);
    put_bytes(&piece, 9, data, bytes);
    put_piece(&graph->tensors, 5, &piece);
    return value;
}

static int floats(struct graph *graph, const float *data, int rows, int cols)
{
    return tensor(graph, ONNX_FLOAT, (const int64_t[]){ rows, cols }, 2, data,
                  sizeof(*data) * (size_t)rows * (size_t)cols);
}

static int vector(struct graph *graph, const float *data, int n)
{
    return tensor(graph, ONNX_FLOAT, (const int64_t[]){ n }, 1, data, sizeof(*data) * (size_t)n);
}

static int number(struct graph *graph, float x)
{
    return tensor(graph, ONNX_FLOAT, NULL, 0, &x, sizeof(x));
}

static int integers(struct graph *graph, const int64_t *data, int n)
{
    return tensor(graph, ONNX_INT64, (const int64_t[]){ n }, 1, data, sizeof(*data) * (size_t)n);
}

static int reshaped(struct graph *graph, int value, int64_t columns)
{
    int shape = integers(graph, (const int64_t[]){ -1, columns }, 2);
    return op(graph, "Reshape", value, shape, -1);
}

static const float *parameters(const struct graph *graph, int t)
{
    return graph->model->parameters + graph->model->layout.place[t].offset;
}

/* The group'th dense layer of a weight, whose bias is the next tensor. */
static int dense(struct graph *graph, int x, int weight, int group, int outputs, int inputs)
{
    size_t first = (size_t)group * (size_t)outputs;
    int in[] = { x,
                 floats(graph, parameters(graph, weight) + first * (size_t)inputs, outputs, inputs),
                 vector(graph, parameters(graph, weight + 1) + first, outputs) };
    return op_with(graph, "Gemm", in, 3, &(const struct attribute){ "transB", 1, false }, 1);
}

/* ---- the input ---- */

/* sign(x) log(1+|x|), with what 1+|x| rounds away put back, as the scaler does it. */
static int signed_log(struct graph *graph, int x)
{
    int one = number(graph, 1);
    int a = op(graph, "Min", op(graph, "Abs", x, -1, -1), number(graph, 1e30f), -1);
    int u = op(graph, "Add", one, a, -1);
    int lost = op(graph, "Div", op(graph, "Sub", a, op(graph, "Sub", u, one, -1), -1), u, -1);
    int log = op(graph, "Add", op(graph, "Log", u, -1, -1), lost, -1);
    return op(graph, "Mul", op(graph, "Sign", x, -1, -1), log, -1);
}

static int scaled(struct graph *graph, int numeric, int missing)
{
    const struct hec_scaler *scaler = &graph->model->scaler;
    int y = op(graph, "Sub", signed_log(graph, numeric),
               vector(graph, scaler->mean, scaler->numerics), -1);
    y = op(graph, "Mul", y, vector(graph, scaler->inverse, scaler->numerics), -1);
    y = op(graph, "Min", y, number(graph, HEC_SCALER_GUARD), -1);
    y = op(graph, "Max", y, number(graph, -HEC_SCALER_GUARD), -1);
    return op(graph, "Where", missing, number(graph, 0), y);
}

static int periodic(struct graph *graph, int x)
{
    const struct hec_shape *s = &graph->model->shape;
    int axes = integers(graph, (const int64_t[]){ 1 }, 1), waves[2];
    int angle =
        op(graph, "Mul", op(graph, "Unsqueeze", x, axes, -1),
           floats(graph, parameters(graph, HEC_T_PERIODIC_FREQUENCY), s->frequencies, s->numerics),
           -1);
    /* Of whole turns nothing is left; without them float has digits enough. */
    angle = op(graph, "Sub", angle, op(graph, "Round", angle, -1, -1), -1);
    angle = op(graph, "Mul", angle, number(graph, TURN), -1);
    waves[0] = op(graph, "Sin", angle, -1, -1);
    waves[1] = op(graph, "Cos", angle, -1, -1);
    int weight =
        floats(graph, parameters(graph, HEC_T_PERIODIC_WEIGHT), s->periodic, 2 * s->frequencies);
    int y = op(graph, "MatMul", weight, concat(graph, waves, 2), -1);
    y = op(graph, "Add", y, floats(graph, parameters(graph, HEC_T_PERIODIC_BIAS), s->periodic, 1),
           -1);
    return reshaped(graph, op(graph, "Relu", y, -1, -1), (int64_t)s->periodic * s->numerics);
}

static int piecewise(struct graph *graph, int x)
{
    const struct hec_shape *s = &graph->model->shape;
    int axes = integers(graph, (const int64_t[]){ 1 }, 1);
    float least[64], most[64];
    for (int t = 0; t < s->bins; t++) {
        least[t] = t == 0 ? -1e30f : 0;
        most[t] = t == s->bins - 1 ? 1e30f : 1;
    }
    int at = op(graph, "Sub", op(graph, "Unsqueeze", x, axes, -1),
                floats(graph, parameters(graph, HEC_T_PIECEWISE_EDGE), s->bins, s->numerics), -1);
    at = op(graph, "Mul", at,
            floats(graph, parameters(graph, HEC_T_PIECEWISE_SCALE), s->bins, s->numerics), -1);
    at = op(graph, "Max", at, floats(graph, least, s->bins, 1), -1);
    at = op(graph, "Min", at, floats(graph, most, s->bins, 1), -1);
    int weight = tensor(graph, ONNX_FLOAT, (const int64_t[]){ s->periodic, s->bins, s->numerics },
                        3, parameters(graph, HEC_T_PIECEWISE_WEIGHT),
                        sizeof(float) * (size_t)(s->periodic * s->bins * s->numerics));
    int each = op(graph, "Mul", op(graph, "Unsqueeze", at, axes, -1), weight, -1);
    int sum = op_with(graph, "ReduceSum",
                      (const int[]){ each, integers(graph, (const int64_t[]){ 2 }, 1) }, 2,
                      &(const struct attribute){ "keepdims", 0, false }, 1);
    sum = op(graph, "Add", sum,
             floats(graph, parameters(graph, HEC_T_PIECEWISE_BIAS), s->periodic, s->numerics), -1);
    return reshaped(graph, op(graph, "Relu", sum, -1, -1), (int64_t)s->periodic * s->numerics);
}

/* Hashes to rows of the one big table, and these to their numbers. */
static int embedded(struct graph *graph, int category)
{
    const struct hec_shape *s = &graph->model->shape;
    int64_t first[HEC_MODEL_CATEGORIES_MAX];
    for (int k = 0; k < s->categories; k++) {
        first[k] = (int64_t)k * s->table_rows;
    }
    int zero = integers(graph, (const int64_t[]){ 0 }, 1);
    int row =
        op(graph, "Mod", category, integers(graph, (const int64_t[]){ s->table_rows - 1 }, 1), -1);
    row = op(graph, "Add", row, integers(graph, (const int64_t[]){ 1 }, 1), -1);
    row = op(graph, "Where", op(graph, "Equal", category, zero, -1), zero, row);
    row = op(graph, "Add", row, integers(graph, first, s->categories), -1);
    int table =
        floats(graph, parameters(graph, HEC_T_TABLE), s->categories * s->table_rows, s->table_dims);
    return reshaped(graph, op_axis(graph, "Gather", table, row, 0),
                    (int64_t)s->categories * s->table_dims);
}

static int input_of(struct graph *graph, int numeric, int category, int *scaled_numbers)
{
    const struct hec_model *model = graph->model;
    const struct hec_shape *s = &model->shape;
    int parts[4], count = 0;
    if (s->numerics > 0) {
        int missing = op(graph, "IsNaN", numeric, -1, -1);
        parts[count++] = *scaled_numbers = scaled(graph, numeric, missing);
        if (s->indicators > 0) {
            int64_t column[HEC_MODEL_NUMERICS_MAX];
            for (int i = 0; i < s->indicators; i++) {
                column[i] = model->scaler.indicator_column[i];
            }
            int all = op_with(graph, "Cast", &missing, 1,
                              &(const struct attribute){ "to", ONNX_FLOAT, false }, 1);
            parts[count++] =
                op_axis(graph, "Gather", all, integers(graph, column, s->indicators), 1);
        }
        if (s->periodic > 0) {
            parts[count++] =
                s->bins > 0 ? piecewise(graph, *scaled_numbers) : periodic(graph, *scaled_numbers);
        }
    }
    if (s->categories > 0) {
        parts[count++] = embedded(graph, category);
    }
    return concat(graph, parts, count);
}

/* ---- the network ---- */

/* A row of a small matrix times the values. */
static int blended(struct graph *graph, const int *values, const float *weight, int count)
{
    int sum = -1;
    for (int i = 0; i < count; i++) {
        int part = op(graph, "Mul", values[i], number(graph, weight[i]), -1);
        sum = sum < 0 ? part : op(graph, "Add", sum, part, -1);
    }
    return sum;
}

/* r = skip + g (a1 - skip), or both layers side by side, or the last. */
static int fused(struct graph *graph, int n, int s0, int a1)
{
    const struct hec_shape *s = &graph->model->shape;
    if (s->fusion == HEC_FUSION_CONCAT) {
        return concat(graph, (const int[]){ s0, a1 }, 2);
    }
    if (s->fusion != HEC_FUSION_GATED) {
        return a1;
    }
    int g = op(graph, "Sigmoid",
               dense(graph, a1, HEC_T_FUSE_GATE_WEIGHT, n, s->hidden[1], s->hidden[1]), -1, -1);
    int skip = dense(graph, s0, HEC_T_FUSE_SKIP_WEIGHT, n, s->hidden[1], s->hidden[0]);
    return op(graph, "Add", skip, op(graph, "Mul", g, op(graph, "Sub", a1, skip, -1), -1), -1);
}

static void trunks_of(struct graph *graph, int input, int *r)
{
    const struct hec_shape *s = &graph->model->shape;
    int trunks = hec_shape_trunks(s), inputs = hec_shape_inputs(s), h0 = s->hidden[0];
    int first[HEC_HEADS_MAX + HEC_CHOICES_MAX], stitched[HEC_HEADS_MAX + HEC_CHOICES_MAX];
    for (int n = 0; n < trunks; n++) {
        first[n] = h0 == 0 ? input
                           : op(graph, "Relu",
                                dense(graph, input, HEC_T_TRUNK_0_WEIGHT, n, h0, inputs), -1, -1);
    }
    for (int n = 0; n < trunks; n++) {
        stitched[n] =
            s->arch == HEC_ARCH_CROSS_STITCH && h0 > 0
                ? blended(graph, first, parameters(graph, HEC_T_STITCH_0) + n * trunks, trunks)
                : first[n];
    }
    for (int n = 0; n < trunks; n++) {
        int a1 = op(
            graph, "Relu",
            dense(graph, stitched[n], HEC_T_TRUNK_1_WEIGHT, n, s->hidden[1], h0 > 0 ? h0 : inputs),
            -1, -1);
        r[n] = fused(graph, n, stitched[n], a1);
    }
}

/* What head k reads. */
static int mixed(struct graph *graph, int input, const int *r, int k)
{
    const struct hec_shape *s = &graph->model->shape;
    int choices = hec_shape_choices(s), width = hec_shape_width(s), sum = -1;
    if (s->arch == HEC_ARCH_SINGLE) {
        return r[k];
    }
    if (s->arch == HEC_ARCH_CROSS_STITCH) {
        return blended(graph, r, parameters(graph, HEC_T_STITCH_1) + k * s->heads, s->heads);
    }
    if (s->arch == HEC_ARCH_ATTENTION) {
        int mask =
            op(graph, "Sigmoid", dense(graph, r[0], HEC_T_MASK_WEIGHT, k, width, width), -1, -1);
        return op(graph, "Mul", mask, r[0], -1);
    }
    if (choices == 0) {
        return r[0];
    }
    int gate =
        dense(graph, input, HEC_T_GATE_WEIGHT, s->one_gate ? 0 : k, choices, hec_shape_inputs(s));
    gate = op_axis(graph, "Softmax", gate, -1, 1);
    for (int m = 0; m < choices; m++) {
        int share = op_axis(graph, "Gather", gate, integers(graph, (const int64_t[]){ m }, 1), 1);
        int part = op(graph, "Mul", share, r[hec_shape_choice(s, k, m)], -1);
        sum = sum < 0 ? part : op(graph, "Add", sum, part, -1);
    }
    return sum;
}

/* Straight between knots and on along the first and the last piece: a first line, and at each knot
 * in between what the slope changes by. */
static int tail_of(struct graph *graph, int error)
{
    const struct hec_tail *tail = &graph->model->tail;
    float slope[HEC_KNOTS_MAX];
    for (int i = 0; i + 1 < tail->count; i++) {
        slope[i] =
            (tail->log_tail[i + 1] - tail->log_tail[i]) / (tail->error[i + 1] - tail->error[i]);
    }
    int log = op(graph, "Mul", op(graph, "Sub", error, number(graph, tail->error[0]), -1),
                 number(graph, slope[0]), -1);
    log = op(graph, "Add", log, number(graph, tail->log_tail[0]), -1);
    for (int i = 1; i + 1 < tail->count; i++) {
        int beyond =
            op(graph, "Relu", op(graph, "Sub", error, number(graph, tail->error[i]), -1), -1, -1);
        beyond = op(graph, "Mul", beyond, number(graph, slope[i] - slope[i - 1]), -1);
        log = op(graph, "Add", log, beyond, -1);
    }
    log = op(graph, "Min", log, number(graph, 0), -1);
    int share = op(graph, "Exp", op(graph, "Div", log, number(graph, 3), -1), -1, -1);
    return op(graph, "Sub", number(graph, 1), share, -1);
}

static int novelty(struct graph *graph, const int *r, int numbers)
{
    const struct hec_shape *s = &graph->model->shape;
    int trunks = hec_shape_trunks(s), all = trunks * hec_shape_width(s);
    int seen = trunks > 1 ? concat(graph, r, trunks) : r[0];
    int d = dense(graph, seen, HEC_T_DECODER_0_WEIGHT, 0, s->bottleneck, all);
    d = op(graph, "Relu", dense(graph, d, HEC_T_DECODER_1_WEIGHT, 0, s->decoder, s->bottleneck), -1,
           -1);
    int apart =
        op(graph, "Sub", dense(graph, d, HEC_T_DECODER_2_WEIGHT, 0, s->numerics, s->decoder),
           numbers, -1);
    apart = op(graph, "Min", apart, number(graph, HEC_RESIDUAL_CUT), -1);
    apart = op(graph, "Max", apart, number(graph, -HEC_RESIDUAL_CUT), -1);
    const struct hec_residual *residual = &graph->model->residual;
    int in[] = { apart, floats(graph, residual->matrix, residual->n, residual->n),
                 vector(graph, residual->bias, residual->n) };
    int each = op_with(graph, "Gemm", in, 3, &(const struct attribute){ "transB", 1, false }, 1);
    int squared =
        op(graph, "Min", op(graph, "Mul", each, each, -1), number(graph, HEC_ERROR_CUT), -1);
    int error =
        op_with(graph, "ReduceMean", &squared, 1, &(const struct attribute){ "axes", 1, true }, 1);
    return tail_of(graph, error);
}

static int score_of(struct graph *graph, int input, const int *r, int numbers, int head)
{
    const struct hec_model *model = graph->model;
    const struct hec_shape *s = &model->shape;
    int k = model->logit_of[head], width = hec_shape_width(s);
    if (k < 0) {
        return novelty(graph, r, numbers);
    }
    int t = op(graph, "Relu",
               dense(graph, mixed(graph, input, r, k), HEC_T_HEADS_0_WEIGHT, k, s->tower, width),
               -1, -1);
    int z = dense(graph, t, HEC_T_HEADS_1_WEIGHT, k, 1, s->tower);
    if (model->heads[head].kind == HEC_HEAD_REGRESSION) {
        z = op(graph, "Mul", z, number(graph, model->spreads[head]), -1);
    }
    z = op(graph, "Add", z, number(graph, model->shifts[head]), -1);
    return model->heads[head].kind == HEC_HEAD_REGRESSION ? z : op(graph, "Sigmoid", z, -1, -1);
}

/* ---- the file ---- */

static void put_port(struct buffer *graph, int field, const char *name, int type, int columns)
{
    struct buffer dim[2] = { { 0 } }, shape = { 0 }, inner = { 0 }, outer = { 0 }, port = { 0 };
    put_text(&dim[0], 2, "rows");
    put_number(&dim[1], 1, columns);
    put_piece(&shape, 1, &dim[0]);
    put_piece(&shape, 1, &dim[1]);
    put_number(&inner, 1, type);
    put_piece(&inner, 2, &shape);
    put_piece(&outer, 1, &inner);
    put_text(&port, 1, name);
    put_piece(&port, 2, &outer);
    put_piece(graph, field, &port);
}

static void put_named(struct graph *graph, int value, const char *in, const char *out)
{
    struct buffer node = { 0 };
    if (in != NULL) {
        put_text(&node, 1, in);
        put_value(&node, 2, value);
    } else {
        put_value(&node, 1, value);
        put_text(&node, 2, out);
    }
    put_text(&node, 4, "Identity");
    put_piece(&graph->nodes, 1, &node);
}

static void put_fact(struct buffer *file, const char *key, const char *value)
{
    struct buffer entry = { 0 };
    put_text(&entry, 1, key);
    put_text(&entry, 2, value);
    put_piece(file, 14, &entry);
}

static void put_file(struct buffer *file, struct graph *graph, int outputs)
{
    const struct hec_model_info *info = &graph->model->info;
    struct buffer whole = { 0 }, opset = { 0 };
    char heads[HEC_HEADS_MAX * (HEC_HEAD_NAME_MAX + 1)] = "";
    for (int k = 0; k < info->heads_count; k++) {
        strcat(heads, k > 0 ? " " : "");
        strcat(heads, info->heads[k].name);
    }
    append(&whole, graph->nodes.bytes, graph->nodes.length);
    whole.failed = whole.failed || graph->nodes.failed || graph->tensors.failed;
    put_text(&whole, 2, "hecate");
    append(&whole, graph->tensors.bytes, graph->tensors.length);
    if (graph->model->shape.numerics > 0) {
        put_port(&whole, 11, "numeric", ONNX_FLOAT, graph->model->shape.numerics);
    }
    if (graph->model->shape.categories > 0) {
        put_port(&whole, 11, "category", ONNX_INT64, graph->model->shape.categories);
    }
    put_port(&whole, 12, "score", ONNX_FLOAT, info->heads_count);
    put_port(&whole, 12, "representation", ONNX_FLOAT, outputs);
    put_number(&opset, 2, OPSET);
    put_number(file, 1, IR_VERSION);
    put_text(file, 2, "hecate");
    put_piece(file, 7, &whole);
    put_piece(file, 8, &opset);
    put_fact(file, "heads", heads);
    put_fact(file, "schema_digest", info->columns.schema_digest);
}

enum hec_status hec_model_onnx(void **bytes, size_t *size, const struct hec_model *model)
{
    struct graph graph = { .model = model };
    struct buffer file = { 0 };
    int r[HEC_HEADS_MAX + HEC_CHOICES_MAX], scores[HEC_HEADS_MAX], numbers = -1;
    int numeric = graph.values++, category = graph.values++;
    int trunks = hec_shape_trunks(&model->shape);
    if (model->shape.numerics > 0) {
        put_named(&graph, numeric, "numeric", NULL);
    }
    if (model->shape.categories > 0) {
        put_named(&graph, category, "category", NULL);
    }
    int input = input_of(&graph, numeric, category, &numbers);
    trunks_of(&graph, input, r);
    for (int k = 0; k < model->info.heads_count; k++) {
        scores[k] = score_of(&graph, input, r, numbers, k);
    }
    put_named(&graph, concat(&graph, scores, model->info.heads_count), NULL, "score");
    put_named(&graph, concat(&graph, r, trunks), NULL, "representation");
    put_file(&file, &graph, trunks * hec_shape_width(&model->shape));
    free(graph.nodes.bytes);
    free(graph.tensors.bytes);
    if (file.failed) {
        free(file.bytes);
        return HEC_NO_MEMORY;
    }
    *bytes = file.bytes;
    *size = file.length;
    return HEC_OK;
}
