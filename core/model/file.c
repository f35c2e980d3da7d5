/* A model's file: one list of what stands in it, walked to write and walked to read. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/manifest.h"
#include "model/model.h"
#include "model/safetensors.h"

#define NAME_MAX_BYTES 112
#define ENTRIES_MAX (HEC_TENSORS * HEC_HEADS_MAX + 24)
#define FREQUENCY_MAX                                                                              \
    40000.0f /* above, a guarded input leaves what the sine's reduction can do                     \
              */

/* Where one tensor of the file lies in memory. */
struct entry {
    char name[NAME_MAX_BYTES];
    enum hec_dtype dtype;
    int dims;
    uint64_t shape[2];
    void *data;
};

/* The list, and places for what memory holds in another form than the file. */
struct listing {
    struct entry entries[ENTRIES_MAX];
    size_t count;
    float baseline[HEC_MODEL_NUMERICS_MAX], absent[HEC_MODEL_NUMERICS_MAX];
    int64_t baseline_categories[HEC_MODEL_CATEGORIES_MAX];
    int64_t golden_categories[HEC_MODEL_CATEGORIES_MAX];
};

/* rows == 1 makes a vector. What is empty is not listed. */
static void list(struct listing *listing, const char *name, enum hec_dtype dtype, int rows,
                 int cols, void *data)
{
    if (rows == 0 || cols == 0) {
        return;
    }
    struct entry *entry = &listing->entries[listing->count++];
    snprintf(entry->name, sizeof(entry->name), "%s", name);
    entry->dtype = dtype;
    entry->dims = rows == 1 ? 1 : 2;
    entry->shape[0] = (uint64_t)(rows == 1 ? cols : rows);
    entry->shape[1] = (uint64_t)cols;
    entry->data = data;
}

/* A head's part of a tensor that all heads share in memory. */
static void list_head_parts(struct listing *listing, struct hec_model *model,
                            const struct hec_tensor_place *place)
{
    for (int k = 0; k < model->info.heads_count; k++) {
        if (model->logit_of[k] < 0) {
            continue;
        }
        bool is_bias = place->rows == 1 && !place->is_matrix;
        int rows = is_bias ? 1 : place->head_rows;
        int cols = is_bias ? place->head_rows : place->cols;
        char name[NAME_MAX_BYTES];
        snprintf(name, sizeof(name), "heads.%s.%s", model->heads[k].name, place->name);
        list(listing, name, HEC_F32, rows, cols,
             model->parameters + place->offset +
                 (size_t)model->logit_of[k] * (size_t)(rows * cols));
    }
}

/* Optional: models of before have none, and neither have those that are not meant to serve. */
static void list_reference(struct listing *listing, struct hec_reference *reference)
{
    int n = reference->numerics, c = reference->categories, heads = reference->heads;
    if (!reference->known) {
        return;
    }
    list(listing, "reference.edge", HEC_F32, n + heads, HEC_REFERENCE_EDGES, reference->edge);
    list(listing, "reference.category", HEC_I64, c, HEC_REFERENCE_EDGES, reference->top);
    list(listing, "reference.share", HEC_F32, n + c + heads, HEC_DRIFT_BINS, reference->share);
}

static void list_all(struct listing *listing, struct hec_model *model)
{
    int n = model->shape.numerics, c = model->shape.categories;
    listing->count = 0;
    for (int t = 0; t < HEC_TENSORS; t++) {
        const struct hec_tensor_place *place = &model->layout.place[t];
        if (place->head_rows > 0) {
            list_head_parts(listing, model, place);
        } else {
            list(listing, place->name, HEC_F32, place->rows, place->cols,
                 model->parameters + place->offset);
        }
    }
    list(listing, "scaler.mean", HEC_F32, 1, n, model->scaler.mean);
    list(listing, "scaler.inverse_deviation", HEC_F32, 1, n, model->scaler.inverse);
    list(listing, "scaler.had_missing", HEC_F32, 1, n, model->scaler.had_missing);
    list(listing, "baseline.numeric", HEC_F32, 1, n, listing->baseline);
    list(listing, "baseline.absent", HEC_F32, 1, n, listing->absent);
    list(listing, "baseline.category", HEC_I64, 1, c, listing->baseline_categories);
    list(listing, "golden.numeric", HEC_F32, 1, n, model->golden);
    list(listing, "golden.category", HEC_I64, 1, c, listing->golden_categories);
    list(listing, "golden.score", HEC_F32, 1, model->info.heads_count, model->golden_scores);
    if (model->shape.bottleneck > 0) {
        list(listing, "novelty.mean", HEC_F32, 1, n, model->residual.mean);
        list(listing, "novelty.matrix", HEC_F32, n, n, model->residual.matrix);
    }
    list(listing, "novelty.error", HEC_F32, 1, model->tail.count, model->tail.error);
    list(listing, "novelty.log_tail", HEC_F32, 1, model->tail.count, model->tail.log_tail);
    list_reference(listing, &model->reference);
}

static void to_file_form(struct listing *listing, const struct hec_model *model)
{
    for (int j = 0; j < model->shape.numerics; j++) {
        listing->absent[j] = isnan(model->baseline[j]) ? 1.0f : 0.0f;
        listing->baseline[j] = isnan(model->baseline[j]) ? 0 : model->baseline[j];
    }
    for (int k = 0; k < model->shape.categories; k++) {
        listing->baseline_categories[k] = model->baseline_categories[k];
        listing->golden_categories[k] = model->golden_categories[k];
    }
}

static void from_file_form(const struct listing *listing, struct hec_model *model)
{
    for (int j = 0; j < model->shape.numerics; j++) {
        model->baseline[j] = listing->absent[j] > 0 ? NAN : listing->baseline[j];
    }
    for (int k = 0; k < model->shape.categories; k++) {
        model->baseline_categories[k] = (uint32_t)listing->baseline_categories[k];
        model->golden_categories[k] = (uint32_t)listing->golden_categories[k];
    }
}

/* Whole numbers of the metadata. X(key, member of info) */
#define NUMBERS(X)                                                                                 \
    X("known_at_ms", known_at_ms)                                                                  \
    X("seed", seed)                                                                                \
    X("train_from_ms", train_from_ms)                                                              \
    X("train_rows", train_rows)                                                                    \
    X("train_to_ms", train_to_ms)

static enum hec_status write_listing(struct listing *listing, const struct hec_model *model,
                                     const char *heads, const char *columns, void **bytes,
                                     size_t *size)
{
    const struct hec_model_info *info = &model->info;
    enum { NUMBER_TEXTS = 5 };
    char numbers[NUMBER_TEXTS][24];
    int count = 0;
#define PRINT(key, member)                                                                         \
    snprintf(numbers[count++], sizeof(numbers[0]), "%lld", (long long)info->member);
    NUMBERS(PRINT)
#undef PRINT
    count = 0;
    const struct hec_st_text texts[] = {
        { "format", HEC_MODEL_FORMAT },
        { "name", info->name },
        { "version", info->version },
        { "architecture", info->architecture },
        { "heads", heads },
        { "columns", columns },
        { "schema", info->columns.schema_text },
        { "schema_digest", info->columns.schema_digest },
        { "threshold_rule", info->threshold_rule },
        { "calibration", "logit + shift; shift = log(share of negatives kept in training)" },
#define TEXT(key, member) { key, numbers[count++] },
        NUMBERS(TEXT)
#undef TEXT
    };
    struct hec_st_tensor tensors[ENTRIES_MAX];
    for (size_t i = 0; i < listing->count; i++) {
        const struct entry *entry = &listing->entries[i];
        tensors[i] = (struct hec_st_tensor){ .name = entry->name,
                                             .dtype = entry->dtype,
                                             .dims = entry->dims,
                                             .shape = { entry->shape[0], entry->shape[1] },
                                             .data = entry->data };
    }
    return hec_st_write(bytes, size, tensors, listing->count, texts,
                        sizeof(texts) / sizeof(texts[0]));
}

enum hec_status hec_model_write(const struct hec_model *model, void **bytes, size_t *size)
{
    struct listing *listing = calloc(1, sizeof(*listing));
    char *heads = hec_manifest_heads(model), *columns = hec_manifest_columns(&model->info.columns);
    enum hec_status status = HEC_NO_MEMORY;
    if (listing != NULL && heads != NULL && columns != NULL) {
        to_file_form(listing, model);
        list_all(listing, (struct hec_model *)model); /* read only from here on */
        status = write_listing(listing, model, heads, columns, bytes, size);
    }
    free(listing);
    free(heads);
    free(columns);
    return status;
}

enum hec_status hec_model_rewrite(struct hec_model *model, void **bytes, size_t *size)
{
    struct hec_predictor *predictor = NULL;
    enum hec_status status = hec_model_settle(model);
    if (status == HEC_OK) {
        status = hec_predictor_new(&predictor, model, 1);
    }
    if (status == HEC_OK) {
        hec_predictor_run(predictor, model->golden, model->golden_categories, NULL, 1,
                          model->golden_scores, HEC_HEADS_MAX);
        status = hec_model_write(model, bytes, size);
    }
    hec_predictor_free(predictor);
    return status;
}

static enum hec_status take(const struct hec_st_file *file, const struct entry *entry,
                            struct hec_error *error)
{
    const struct hec_st_tensor *tensor = hec_st_tensor(file, entry->name);
    if (tensor == NULL) {
        return hec_fail(error, HEC_INVALID, "model: tensor '%s' is not in the file", entry->name);
    }
    bool same = tensor->dtype == entry->dtype && tensor->dims == entry->dims &&
                tensor->shape[0] == entry->shape[0] &&
                (entry->dims == 1 || tensor->shape[1] == entry->shape[1]);
    if (!same) {
        return hec_fail(error, HEC_INVALID,
                        "model: tensor '%s' has another shape or type than its columns, heads and "
                        "architecture need",
                        entry->name);
    }
    size_t width = entry->dtype == HEC_I64 ? sizeof(int64_t) : sizeof(float);
    memcpy(entry->data, tensor->data, hec_st_numbers(tensor) * width);
    return HEC_OK;
}

static enum hec_status read_tail(struct hec_tail *tail, const struct hec_st_file *file, bool wanted,
                                 struct hec_error *error)
{
    const struct hec_st_tensor *knots = hec_st_tensor(file, "novelty.error");
    if (!wanted && knots == NULL) {
        return HEC_OK;
    }
    if (!wanted || knots == NULL || knots->dims != 1 || knots->shape[0] < 2 ||
        knots->shape[0] > HEC_KNOTS_MAX) {
        return hec_fail(error, HEC_INVALID,
                        "model: a novelty head needs 2 to %d numbers in 'novelty.error', and "
                        "nothing else may have them",
                        HEC_KNOTS_MAX);
    }
    tail->count = (int)knots->shape[0];
    return HEC_OK;
}

/* Numbers that are finite and of the right shape can still be none that a model may hold. */
static enum hec_status check_values(const struct hec_model *model, struct hec_error *error)
{
    const struct hec_tail *tail = &model->tail;
    for (int i = 1; i < tail->count; i++) {
        if (tail->error[i] <= tail->error[i - 1] || tail->log_tail[i] >= tail->log_tail[i - 1]) {
            return hec_fail(error, HEC_CORRUPT, "model: the novelty knots are not in order");
        }
    }
    const struct hec_tensor_place *place = &model->layout.place[HEC_T_PERIODIC_FREQUENCY];
    for (size_t i = 0; i < (size_t)place->rows * (size_t)place->cols; i++) {
        if (fabsf(model->parameters[place->offset + i]) > FREQUENCY_MAX) {
            return hec_fail(error, HEC_CORRUPT, "model: a frequency is outside +-%.0f",
                            (double)FREQUENCY_MAX);
        }
    }
    return model->reference.known ? hec_reference_check(&model->reference, error) : HEC_OK;
}

static enum hec_status self_test(const struct hec_model *model, struct hec_error *error)
{
    struct hec_predictor *predictor;
    float scores[HEC_HEADS_MAX];
    enum hec_status status = hec_predictor_new(&predictor, model, 1);
    if (status != HEC_OK) {
        return hec_fail(error, status, "model: no memory for its self-test");
    }
    hec_predictor_run(predictor, model->golden, model->golden_categories, NULL, 1, scores,
                      HEC_HEADS_MAX);
    hec_predictor_free(predictor);
    for (int k = 0; k < model->info.heads_count; k++) {
        double off = fabs((double)scores[k] - (double)model->golden_scores[k]);
        if (!(off <= HEC_GOLDEN_TOLERANCE)) {
            return hec_fail(error, HEC_CORRUPT,
                            "model: self-test: head '%s' gives %.6f where it gave %.6f when it was "
                            "made; the file or this machine's OpenBLAS is damaged",
                            model->heads[k].name, (double)scores[k],
                            (double)model->golden_scores[k]);
        }
    }
    return HEC_OK;
}

static bool read_number_texts(struct hec_model_info *info, const struct hec_st_file *file)
{
    bool good = true;
#define READ(key, member)                                                                          \
    {                                                                                              \
        const char *text = hec_st_text(file, key);                                                 \
        char *end = NULL;                                                                          \
        long long number = text == NULL ? 0 : strtoll(text, &end, 10);                             \
        good = good && text != NULL && end != text && *end == '\0';                                \
        memcpy(&info->member, &number, sizeof(info->member));                                      \
    }
    NUMBERS(READ)
#undef READ
    return good;
}

static enum hec_status read_texts(struct hec_model *model, const struct hec_st_file *file,
                                  struct hec_error *error)
{
    struct hec_model_info *info = &model->info;
    const struct {
        const char *key;
        const char **to;
    } wanted[] = { { "name", &info->name },
                   { "version", &info->version },
                   { "architecture", &info->architecture },
                   { "threshold_rule", &info->threshold_rule } };
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        const char *text = hec_st_text(file, wanted[i].key);
        if (text == NULL) {
            return hec_fail(error, HEC_INVALID, "model: the metadata has no '%s'", wanted[i].key);
        }
        *wanted[i].to = hec_model_keep(model, text);
        if (*wanted[i].to == NULL) {
            return hec_fail(error, HEC_NO_MEMORY, "model: no memory");
        }
    }
    if (!read_number_texts(info, file)) {
        return hec_fail(error, HEC_INVALID,
                        "model: the metadata lacks its seed or its training window");
    }
    return HEC_OK;
}

/* The tensors: first those that the shape follows from, then, when memory is there, all. */
static enum hec_status read_tensors(struct hec_model *model, const struct hec_st_file *file,
                                    struct hec_error *error)
{
    struct entry missing = { "scaler.had_missing", HEC_F32, 1, { 0 }, model->scaler.had_missing };
    missing.shape[0] = (uint64_t)model->shape.numerics;
    enum hec_status status = model->shape.numerics > 0 ? take(file, &missing, error) : HEC_OK;
    if (status == HEC_OK) {
        status = read_tail(&model->tail, file, model->shape.bottleneck > 0, error);
    }
    if (status != HEC_OK) {
        return status;
    }
    model->reference.known = hec_st_tensor(file, "reference.share") != NULL;
    struct listing *listing = calloc(1, sizeof(*listing));
    if (listing == NULL || hec_model_shape(model) != HEC_OK) {
        free(listing);
        return hec_fail(error, HEC_NO_MEMORY, "model: no memory for the weights");
    }
    list_all(listing, model);
    if (listing->count != file->tensors_count) {
        status = hec_fail(error, HEC_INVALID, "model: %zu tensors where its architecture has %zu",
                          file->tensors_count, listing->count);
    }
    for (size_t i = 0; status == HEC_OK && i < listing->count; i++) {
        status = take(file, &listing->entries[i], error);
    }
    if (status == HEC_OK) {
        from_file_form(listing, model);
        status = check_values(model, error);
    }
    free(listing);
    return status;
}

static enum hec_status fill(struct hec_model *model, const struct hec_st_file *file,
                            const struct hec_manifest_heads *heads, struct hec_error *error)
{
    for (int k = 0; k < heads->count; k++) {
        model->thresholds[k] = heads->thresholds[k];
        model->shifts[k] = heads->shifts[k];
        model->spreads[k] = heads->spreads[k];
        model->trained[k] = heads->trained[k];
    }
    enum hec_status status = read_texts(model, file, error);
    if (status == HEC_OK) {
        struct hec_shape told = model->shape;
        status = hec_manifest_read_architecture(&told, model->info.architecture, error);
        bool decodes = told.bottleneck > 0 && told.decoder > 0;
        if (status == HEC_OK && decodes != (model->shape.bottleneck > 0)) {
            status = hec_fail(error, HEC_INVALID,
                              "model: the architecture does not fit the heads or the columns");
        }
        model->shape = told;
    }
    if (status == HEC_OK) {
        status = read_tensors(model, file, error);
    }
    if (status == HEC_OK && hec_model_settle(model) != HEC_OK) {
        status = hec_fail(error, HEC_NO_MEMORY, "model: no memory");
    }
    return status != HEC_OK ? status : self_test(model, error);
}

/* What must be right before there is a model to fill. */
static enum hec_status check_identity(const struct hec_st_file *file, const char *expected,
                                      struct hec_error *error)
{
    const char *format = hec_st_text(file, "format");
    const char *digest = hec_st_text(file, "schema_digest");
    if (format == NULL || strcmp(format, HEC_MODEL_FORMAT) != 0) {
        return hec_fail(error, HEC_INVALID, "model: format is '%.40s', this version reads %s",
                        format == NULL ? "none" : format, HEC_MODEL_FORMAT);
    }
    if (digest == NULL || hec_st_text(file, "schema") == NULL) {
        return hec_fail(error, HEC_INVALID, "model: the metadata has no feature schema");
    }
    if (expected != NULL && strcmp(digest, expected) != 0) {
        return hec_fail(error, HEC_MISMATCH,
                        "model: it was trained on features %.12s, this configuration has %.12s; "
                        "train again or use the features.conf it was trained with",
                        digest, expected);
    }
    return HEC_OK;
}

static enum hec_status load(struct hec_model **model, const struct hec_st_file *file,
                            struct hec_error *error)
{
    struct hec_manifest_heads heads;
    struct hec_manifest_columns columns;
    enum hec_status status = hec_manifest_read_heads(&heads, hec_st_text(file, "heads"), error);
    if (status != HEC_OK) {
        return status;
    }
    status = hec_manifest_read_columns(&columns, hec_st_text(file, "columns"), error);
    if (status != HEC_OK) {
        return status;
    }
    columns.columns.schema_text = hec_st_text(file, "schema");
    columns.columns.schema_digest = hec_st_text(file, "schema_digest");
    status = hec_model_make(model, &columns.columns, heads.heads, heads.count, error);
    if (status == HEC_OK) {
        status = fill(*model, file, &heads, error);
    }
    hec_manifest_free_columns(&columns);
    return status;
}

enum hec_status hec_model_load(struct hec_model **ret, const void *bytes, size_t size,
                               const char *expected_schema_digest, struct hec_error *error)
{
    struct hec_st_file file;
    struct hec_model *model = NULL;
    enum hec_status status = hec_st_read(&file, bytes, size, error);
    if (status != HEC_OK) {
        return status;
    }
    status = check_identity(&file, expected_schema_digest, error);
    if (status == HEC_OK) {
        status = load(&model, &file, error);
    }
    if (status == HEC_OK) {
        model->info.tensors = file.tensors_count;
        model->info.bytes = size;
        *ret = model;
    } else {
        hec_model_free(model);
    }
    hec_st_free(&file);
    return status;
}
