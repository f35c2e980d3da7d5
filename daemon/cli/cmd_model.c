/* hecate model: what a model file says of itself, and one head of it as a file of its own. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/arms.h"
#include "cli/commands.h"
#include "cli/journey.h"
#include "file/when.h"
#include "hecate/digest.h"
#include "hecate/drift.h"

static void print_heads(const struct hec_model_info *info)
{
    static const char *const KINDS[] = { "binary", "novelty" };
    printf("\n%-14s %-8s %9s %10s %8s  %s\n", "head", "kind", "threshold", "shift", "trained",
           "judges");
    for (int i = 0; i < info->heads_count; i++) {
        const struct hec_head *head = &info->heads[i];
        printf("%-14s %-8s %9.6f %10.4f %8s ", head->name, KINDS[head->kind],
               (double)info->thresholds[i], (double)info->shifts[i],
               info->trained[i] ? "yes" : "no");
        for (int type = 0; type < HEC_EVENT_TYPES; type++) {
            if ((head->event_types >> type) & 1) {
                printf(" %s", hec_event_type_name((enum hec_event_type)type));
            }
        }
        printf("\n");
    }
}

static void print_features(const struct hec_model_info *info)
{
    printf("\nnumeric features");
    for (int i = 0; i < info->columns.numerics; i++) {
        printf("%s%s", i % 4 == 0 ? "\n  " : "  ", info->columns.numeric_names[i]);
    }
    printf("\ncategories");
    for (int i = 0; i < info->columns.categories; i++) {
        printf("%s%s", i % 4 == 0 ? "\n  " : "  ", info->columns.category_names[i]);
    }
    printf("\n");
}

static void print_layers(const struct hec_model *model)
{
    struct hec_model_layer layer;
    printf("\n%-24s %6s %8s %11s\n", "layer", "rows", "columns", "parameters");
    for (int i = 0; hec_model_layer(model, i, &layer); i++) {
        printf("%-24s %6d %8d %11zu\n", layer.name, layer.rows, layer.columns, layer.parameters);
    }
}

/* What sharing saves: the same heads as models of their own. */
static void print_cost(const struct hec_model_info *info)
{
    int heads = info->heads_count;
    printf("parameters     %zu, %zu operations a row\n", info->parameters, info->flops_per_row);
    if (heads > 1) {
        printf("%d separate     %zu, %zu operations a row: %.2f and %.2f times as many\n", heads,
               info->separate_parameters, info->separate_flops,
               (double)info->separate_parameters / (double)info->parameters,
               (double)info->separate_flops / (double)info->flops_per_row);
    }
}

static void inspect(const struct hec_luggage *luggage, const char *path)
{
    const struct hec_model_info *info = hec_model_info(luggage->model);
    char from[HEC_WHEN_BYTES], to[HEC_WHEN_BYTES], known[HEC_WHEN_BYTES];
    hec_when_print(from, info->train_from_ms);
    hec_when_print(to, info->train_to_ms);
    hec_when_print(known, info->known_at_ms);
    printf("file           %s\n", path);
    printf("format         safetensors, %zu bytes, %zu tensors\n", info->bytes, info->tensors);
    printf("name           %s, version %s\n", info->name, info->version);
    printf("sha256         %s\n", luggage->model_sha256);
    printf("schema         %s\n", info->columns.schema_digest);
    printf("state          %016llx\n", (unsigned long long)hec_plan_state_digest(luggage->plan));
    print_cost(info);
    printf("features       %d numeric, %d categories\n", info->columns.numerics,
           info->columns.categories);
    printf("trained        %s .. %s, labels known at %s\n", from, to, known);
    printf("rows           %llu, seed %llu\n", (unsigned long long)info->train_rows,
           (unsigned long long)info->seed);
    printf("thresholds     %s\n", info->threshold_rule);
    printf("reference      %s\n", hec_drift_is_known(luggage->model)
                                      ? "of all features and heads: a daemon tells their drift"
                                      : "none: no drift is told; train it anew for that");
    printf("architecture   %s\n", info->architecture);
    print_heads(info);
    print_layers(luggage->model);
    print_features(info);
}

static int split(const struct hec_luggage *luggage, const struct hec_arguments *arguments)
{
    const struct hec_model_info *info = hec_model_info(luggage->model);
    const char *name = hec_text_or(arguments, "head", NULL);
    const char *path = hec_text_or(arguments, "out", NULL);
    struct hec_error error = { 0 };
    void *bytes = NULL;
    size_t size = 0;
    char sha256[HEC_SHA256_HEX];
    int head =
        name == NULL ? -1 : hec_head_named(info->heads, info->heads_count, name, strlen(name));
    if (name == NULL || path == NULL) {
        return hec_cli_misused(arguments, "split takes --head NAME and --out MODEL");
    }
    if (head < 0) {
        return hec_cli_misused(arguments, "the model has no head \"%.48s\"; its first is %s", name,
                               info->heads[0].name);
    }
    enum hec_status status = hec_model_split(&bytes, &size, luggage->model, head, &error);
    if (status == HEC_OK) {
        status = hec_output_whole(path, bytes, size, &error);
    }
    if (status != HEC_OK) {
        free(bytes);
        return hec_cli_fail(arguments, &error);
    }
    hec_sha256(bytes, size, sha256);
    free(bytes);
    if (strcmp(path, "-") != 0) {
        printf("head      %s\nmodel     %s, %zu bytes\nsha256    %s\n", name, path, size, sha256);
    }
    return HEC_EXIT_OK;
}

static int export_onnx(const struct hec_luggage *luggage, const struct hec_arguments *arguments)
{
    const char *path = hec_text_or(arguments, "onnx", NULL);
    struct hec_error error = { 0 };
    void *bytes = NULL;
    size_t size = 0;
    if (path == NULL) {
        return hec_cli_misused(arguments, "export takes --onnx FILE");
    }
    enum hec_status status = hec_model_onnx(&bytes, &size, luggage->model);
    if (status != HEC_OK) {
        hec_fail(&error, status, "memory is exhausted");
    } else {
        status = hec_output_whole(path, bytes, size, &error);
    }
    free(bytes);
    return status == HEC_OK ? HEC_EXIT_OK : hec_cli_fail(arguments, &error);
}

static int run(const struct hec_arguments *arguments)
{
    const char *what = arguments->positionals[0], *path = arguments->positionals[1];
    bool splits = strcmp(what, "split") == 0, exports = strcmp(what, "export") == 0;
    struct hec_luggage luggage;
    if (!splits && !exports && strcmp(what, "inspect") != 0) {
        return hec_cli_misused(
            arguments, "\"%.60s\" is not something to do; inspect, split and export are", what);
    }
    if (!splits && (hec_given(arguments, "head") || hec_given(arguments, "out"))) {
        return hec_cli_misused(arguments, "--head and --out are for split");
    }
    if (!exports && hec_given(arguments, "onnx")) {
        return hec_cli_misused(arguments, "--onnx is for export");
    }
    int status = hec_luggage_model(&luggage, arguments, path);
    if (status != HEC_EXIT_OK) {
        return status;
    }
    if (splits) {
        status = split(&luggage, arguments);
    } else if (exports) {
        status = export_onnx(&luggage, arguments);
    } else {
        inspect(&luggage, path);
    }
    hec_luggage_free(&luggage);
    return status;
}

const struct hec_command hec_cmd_model = {
    .name = "model",
    .line = "tells what is in a model file, or cuts one head out of it",
    .positionals = "inspect|split|export FILE",
    .positionals_min = 2,
    .positionals_max = 2,
    .examples = { "hecate model inspect bank.safetensors",
                  "hecate model split m.safetensors --head ato --out ato.safetensors" },
    .text = "inspect prints layers, parameters and operations a row, and the same for a model of\n"
            "its own for each head: what sharing saves. split writes one head with its trunk as a\n"
            "model that scores the same; not of cross-stitch models, whose trunks read each\n"
            "other, and not a novelty head, which reads what another head's labels made. export\n"
            "writes ONNX: raw features in (NaN is missing, a category its hash), scores out.",
    .run = run,
    .flags = {
        { "head", "NAME", "with split: the head to cut out", HEC_FLAG_TEXT },
        { "out", "MODEL", "with split: the file to write", HEC_FLAG_TEXT },
        { "onnx", "FILE", "with export: the file to write", HEC_FLAG_TEXT },
    },
};
