#include "cli/shots_out.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "file/output.h"

static enum hec_status open_in(struct hec_output **to, const char *folder, const char *name,
                               struct hec_error *error)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return hec_output_open(to, path, error);
}

static void write_row(struct hec_output *to, const struct hec_shots_out *out, uint32_t row,
                      const char *part, int target)
{
    const struct hec_rows *rows = out->rows;
    hec_output_print(to, "%u,%s,%d", row, part, target);
    for (int j = 0; j < rows->numerics_count; j++) {
        float x = rows->numerics[(size_t)row * (size_t)rows->numerics_count + (size_t)j];
        hec_output_print(to, isnan(x) ? "," : ",%.9g", (double)x);
    }
    for (int k = 0; k < rows->categories_count; k++) {
        hec_output_print(
            to, ",%u", rows->categories[(size_t)row * (size_t)rows->categories_count + (size_t)k]);
    }
    hec_output_print(to, "\n");
}

static enum hec_status write_rows(const struct hec_shots_out *out, const char *folder,
                                  struct hec_error *error)
{
    struct hec_output *to = NULL;
    enum hec_status status = open_in(&to, folder, "rows.csv", error);
    if (status != HEC_OK) {
        return status;
    }
    const struct hec_schema *schema = hec_plan_schema(out->plan);
    hec_output_print(to, "row,part,target");
    for (int j = 0; j < out->rows->numerics_count; j++) {
        hec_output_print(to, ",%s", schema->features[hec_plan_numeric_feature(out->plan, j)].name);
    }
    for (int k = 0; k < out->rows->categories_count; k++) {
        hec_output_print(to, ",%s", schema->features[hec_plan_category_feature(out->plan, k)].name);
    }
    hec_output_print(to, "\n");
    for (uint32_t row = 0; row < out->rows->count; row++) {
        if (out->split[row] == HEC_SPLIT_TRAIN && out->targets[row] >= 0) {
            write_row(to, out, row, "train", out->targets[row]);
        }
    }
    for (uint32_t i = 0; i < out->picks; i++) {
        write_row(to, out, out->pick[i], "test", out->truth[out->pick[i]]);
    }
    return hec_output_close(to, error);
}

static enum hec_status write_shots(const struct hec_shots_out *out, const char *folder,
                                   struct hec_error *error)
{
    struct hec_output *to = NULL;
    size_t rows = (size_t)out->rows->count + 1;
    int8_t *targets = malloc(rows);
    uint8_t *split = malloc(rows);
    enum hec_status status = targets == NULL || split == NULL
                                 ? hec_fail(error, HEC_NO_MEMORY, "memory is exhausted")
                                 : open_in(&to, folder, "shots.csv", error);
    if (status == HEC_OK) {
        hec_output_print(to, "seed,shots,row\n");
    }
    for (int i = 0; i < out->seeds * out->shots_count && status == HEC_OK; i++) {
        uint64_t seed = out->seed + (uint64_t)(i / out->shots_count);
        uint32_t shots = out->shots[i % out->shots_count];
        memcpy(targets, out->targets, out->rows->count);
        memcpy(split, out->split, out->rows->count);
        if (hec_train_shots(targets, split, out->rows->count, 1, 0, shots, seed) < 0) {
            status = hec_fail(error, HEC_NO_MEMORY, "memory is exhausted");
        }
        for (uint32_t row = 0; row < out->rows->count && status == HEC_OK; row++) {
            if (split[row] == HEC_SPLIT_TRAIN && targets[row] == HEC_TARGET_POSITIVE) {
                hec_output_print(to, "%llu,%u,%u\n", (unsigned long long)seed, shots, row);
            }
        }
    }
    free(targets);
    free(split);
    return hec_output_end(to, status, error);
}

enum hec_status hec_shots_write(const struct hec_shots_out *out, const char *folder,
                                struct hec_error *error)
{
    if (mkdir(folder, 0777) != 0 && errno != EEXIST) {
        return hec_fail(error, HEC_UNAVAILABLE, "cannot make %s: %s", folder, strerror(errno));
    }
    enum hec_status status = write_rows(out, folder, error);
    return status == HEC_OK ? write_shots(out, folder, error) : status;
}
