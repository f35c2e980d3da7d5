/* run.json: everything that is needed to make the model again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

#include "cli/run_dir.h"
#include "file/when.h"
#include "hecate/digest.h"

static void add_time(yyjson_mut_doc *doc, yyjson_mut_val *to, const char *key, int64_t ms)
{
    char text[HEC_WHEN_BYTES];
    hec_when_print(text, ms);
    yyjson_mut_obj_add_strcpy(doc, to, key, text);
}

/* Every flag that was given, as it was written. */
static void add_flags(yyjson_mut_doc *doc, yyjson_mut_val *root,
                      const struct hec_arguments *arguments)
{
    yyjson_mut_val *flags = yyjson_mut_obj_add_obj(doc, root, "flags");
    for (int i = 0; arguments->command->flags[i].name != NULL; i++) {
        const struct hec_flag *flag = &arguments->command->flags[i];
        if (!hec_given(arguments, flag->name)) {
            continue;
        }
        if (flag->type == HEC_FLAG_SWITCH) {
            yyjson_mut_obj_add_bool(doc, flags, flag->name, true);
            continue;
        }
        yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, flags, flag->name);
        for (size_t k = 0; k < arguments->values_count[i]; k++) {
            yyjson_mut_arr_add_strcpy(doc, list, arguments->values[i][k]);
        }
    }
}

static void add_settings(yyjson_mut_doc *doc, yyjson_mut_val *root,
                         const struct hec_train_options *options)
{
    yyjson_mut_val *to = yyjson_mut_obj_add_obj(doc, root, "settings");
    yyjson_mut_obj_add_uint(doc, to, "seed", options->seed);
    yyjson_mut_obj_add_int(doc, to, "epochs", options->epochs_max);
    yyjson_mut_obj_add_int(doc, to, "patience", options->patience);
    yyjson_mut_obj_add_int(doc, to, "batch_rows", options->batch_rows);
    yyjson_mut_obj_add_real(doc, to, "negatives", options->negatives);
    yyjson_mut_obj_add_uint(doc, to, "negatives_min", options->negatives_min);
    yyjson_mut_obj_add_real(doc, to, "learning_rate", (double)options->learning_rate);
    yyjson_mut_obj_add_real(doc, to, "weight_decay", (double)options->weight_decay);
    yyjson_mut_obj_add_real(doc, to, "clip", (double)options->clip);
    yyjson_mut_obj_add_real(doc, to, "dropout", (double)options->dropout);
    yyjson_mut_obj_add_real(doc, to, "averaging", (double)options->averaging);
    yyjson_mut_obj_add_real(doc, to, "feature_dropout", (double)options->feature_dropout);
    yyjson_mut_obj_add_real(doc, to, "kind_weight", (double)options->kind_weight);
    yyjson_mut_obj_add_int(doc, to, "kind_frauds_min", options->kind_frauds_min);
    yyjson_mut_obj_add_str(doc, to, "arch", hec_arch_names[options->network.arch]);
    yyjson_mut_obj_add_str(doc, to, "fusion", hec_fusion_names[options->network.fusion]);
    yyjson_mut_obj_add_str(doc, to, "num_embed", hec_embed_names[options->network.embed]);
    yyjson_mut_obj_add_str(doc, to, "task_weighting", hec_weighting_names[options->weighting]);
    yyjson_mut_obj_add_str(doc, to, "mtl_optimizer", hec_mtl_names[options->mtl_optimizer]);
    yyjson_mut_obj_add_str(doc, to, "loss", hec_loss_names[options->loss]);
    yyjson_mut_obj_add_real(doc, to, "focal_gamma", options->focal_gamma);
    yyjson_mut_obj_add_real(doc, to, "positive_weight", options->positive_weight);
    yyjson_mut_obj_add_bool(doc, to, "anomaly_shares", options->anomaly_shares);
    yyjson_mut_obj_add_str(doc, to, "refit", hec_refit_names[options->refit]);
}

/* Size and digest of the file as it lies on the disk. */
static void add_file(yyjson_mut_doc *doc, yyjson_mut_val *list, const char *path)
{
    yyjson_mut_val *one = yyjson_mut_arr_add_obj(doc, list);
    struct hec_sha256_stream *stream = NULL;
    char hex[HEC_SHA256_HEX];
    static char block[1 << 16];
    uint64_t bytes = 0;
    size_t got;
    FILE *file = strcmp(path, "-") == 0 ? NULL : fopen(path, "rb");
    yyjson_mut_obj_add_strcpy(doc, one, "path", path);
    if (file == NULL || hec_sha256_stream_new(&stream) != HEC_OK) {
        yyjson_mut_obj_add_null(doc, one, "sha256"); /* it went by and is gone */
    } else {
        while ((got = fread(block, 1, sizeof(block), file)) > 0) {
            hec_sha256_stream_add(stream, block, got);
            bytes += got;
        }
        hec_sha256_stream_finish(stream, hex);
        yyjson_mut_obj_add_uint(doc, one, "bytes", bytes);
        yyjson_mut_obj_add_strcpy(doc, one, "sha256", hex);
    }
    hec_sha256_stream_free(stream);
    if (file != NULL) {
        fclose(file);
    }
}

static void add_data(yyjson_mut_doc *doc, yyjson_mut_val *root,
                     const struct hec_arguments *arguments)
{
    size_t count = 0;
    const char *const *paths = hec_texts_of(arguments, "data", &count);
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, root, "data");
    for (size_t i = 0; i < count; i++) {
        add_file(doc, list, paths[i]);
    }
}

static void add_window(yyjson_mut_doc *doc, yyjson_mut_val *root, const struct hec_run_facts *facts)
{
    uint64_t count[3] = { 0 };
    yyjson_mut_val *to = yyjson_mut_obj_add_obj(doc, root, "window");
    for (uint32_t row = 0; row < facts->rows->count; row++) {
        count[facts->split[row]]++;
    }
    add_time(doc, to, "train_from", facts->fold->train_from_ms);
    add_time(doc, to, "train_to", facts->fold->train_to_ms);
    add_time(doc, to, "mature_to", facts->fold->mature_ms);
    add_time(doc, to, "valid_from", facts->fold->valid_from_ms);
    add_time(doc, to, "known_at", facts->fold->known_at_ms);
    yyjson_mut_obj_add_uint(doc, to, "train_rows", count[HEC_SPLIT_TRAIN]);
    yyjson_mut_obj_add_uint(doc, to, "valid_rows", count[HEC_SPLIT_VALID]);
}

char *hec_run_json(const struct hec_run *run, const struct hec_run_facts *facts)
{
    const struct hec_model_info *info = hec_model_info(facts->model);
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_str(doc, root, "hecate", HEC_VERSION);
    yyjson_mut_obj_add_str(doc, root, "command", run->arguments->command->name);
    yyjson_mut_obj_add_str(doc, root, "made", run->made);
    add_flags(doc, root, run->arguments);
    add_settings(doc, root, facts->options);
    add_window(doc, root, facts);
    add_data(doc, root, run->arguments);
    yyjson_mut_val *heads = yyjson_mut_obj_add_arr(doc, root, "heads");
    for (int k = 0; k < info->heads_count; k++) {
        yyjson_mut_arr_add_str(doc, heads, info->heads[k].name);
    }
    yyjson_mut_val *model = yyjson_mut_obj_add_obj(doc, root, "model");
    yyjson_mut_obj_add_str(doc, model, "path", facts->model_path);
    yyjson_mut_obj_add_str(doc, model, "sha256", facts->model_sha256);
    yyjson_mut_obj_add_str(doc, model, "schema", info->columns.schema_digest);
    yyjson_mut_obj_add_uint(doc, model, "parameters", info->parameters);
    yyjson_mut_obj_add_uint(doc, model, "flops_per_row", info->flops_per_row);
    yyjson_mut_obj_add_int(doc, root, "epochs", run->epochs_count);
    yyjson_mut_obj_add_int(doc, root, "best_epoch", facts->best_epoch);
    char *text =
        yyjson_mut_write(doc, YYJSON_WRITE_PRETTY_TWO_SPACES | YYJSON_WRITE_NEWLINE_AT_END, NULL);
    yyjson_mut_doc_free(doc);
    return text;
}
