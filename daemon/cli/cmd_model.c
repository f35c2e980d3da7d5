/* hecate model: what a model file says of itself. */
#include <math.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/journey.h"
#include "file/when.h"

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

static int run(const struct hec_arguments *arguments)
{
    if (strcmp(arguments->positionals[0], "inspect") != 0) {
        return hec_cli_misused(arguments, "\"%.60s\" is not something to do; inspect FILE is",
                               arguments->positionals[0]);
    }
    const char *path = arguments->positionals[1];
    struct hec_luggage luggage;
    int status = hec_luggage_model(&luggage, arguments, path);
    if (status != HEC_EXIT_OK) {
        return status;
    }
    const struct hec_model_info *info = hec_model_info(luggage.model);
    char from[HEC_WHEN_BYTES], to[HEC_WHEN_BYTES], known[HEC_WHEN_BYTES];
    hec_when_print(from, info->train_from_ms);
    hec_when_print(to, info->train_to_ms);
    hec_when_print(known, info->known_at_ms);
    printf("file           %s\n", path);
    printf("format         safetensors, %zu bytes, %zu tensors\n", info->bytes, info->tensors);
    printf("name           %s, version %s\n", info->name, info->version);
    printf("sha256         %s\n", luggage.model_sha256);
    printf("schema         %s\n", info->columns.schema_digest);
    printf("state          %016llx\n", (unsigned long long)hec_plan_state_digest(luggage.plan));
    printf("parameters     %zu, %zu operations a row\n", info->parameters, info->flops_per_row);
    printf("features       %d numeric, %d categories\n", info->columns.numerics,
           info->columns.categories);
    printf("trained        %s .. %s, labels known at %s\n", from, to, known);
    printf("rows           %llu, seed %llu\n", (unsigned long long)info->train_rows,
           (unsigned long long)info->seed);
    printf("thresholds     %s\n", info->threshold_rule);
    printf("architecture   %s\n", info->architecture);
    print_heads(info);
    print_features(info);
    hec_luggage_free(&luggage);
    return HEC_EXIT_OK;
}

const struct hec_command hec_cmd_model = {
    .name = "model",
    .line = "tells what is in a model file",
    .positionals = "inspect FILE",
    .positionals_min = 2,
    .positionals_max = 2,
    .examples = { "hecate model inspect bank.safetensors",
                  "hecate model inspect bank.safetensors | grep schema" },
    .run = run,
};
