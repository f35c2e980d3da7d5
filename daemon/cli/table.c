#include "cli/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "file/csv.h"

/* Where each column of the file goes. */
struct plan {
    int numeric[HEC_CSV_COLUMNS_MAX], category[HEC_CSV_COLUMNS_MAX];
    int numerics, categories;
    int label[HEC_HEADS_MAX];
};

static bool is_listed(const char list[][HEC_HEADS_TEXT_MAX], int count, const char *name)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(list[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static enum hec_status missing(const char *path, const char *name, struct hec_error *error)
{
    return hec_fail(error, HEC_INVALID, "%s: there is no column \"%.60s\"", path, name);
}

static enum hec_status plan_columns(struct plan *plan, const struct hec_csv *csv, const char *path,
                                    const struct hec_heads_file *heads, struct hec_error *error)
{
    for (int i = 0; i < heads->numeric_count; i++) {
        if (hec_csv_column(csv, heads->numeric[i]) < 0) {
            return missing(path, heads->numeric[i], error);
        }
    }
    for (int k = 0; k < heads->count; k++) {
        plan->label[k] = -1;
        if (heads->heads[k].kind != HEC_HEAD_NOVELTY) {
            plan->label[k] = hec_csv_column(csv, heads->column[k]);
            if (plan->label[k] < 0) {
                return missing(path, heads->column[k], error);
            }
        }
    }
    for (int column = 0; column < hec_csv_columns(csv); column++) {
        const char *name = hec_csv_name(csv, column);
        bool used = !is_listed(heads->ignore, heads->ignore_count, name) &&
                    !is_listed(heads->column, heads->count, name);
        if (used && is_listed(heads->numeric, heads->numeric_count, name)) {
            plan->numeric[plan->numerics++] = column;
        } else if (used) {
            plan->category[plan->categories++] = column;
        }
    }
    if (plan->categories > HEC_MODEL_CATEGORIES_MAX) {
        return hec_fail(error, HEC_INVALID,
                        "%s: %d columns would be categories, %d are possible: list the numbers "
                        "under numeric and what is not used under ignore",
                        path, plan->categories, HEC_MODEL_CATEGORIES_MAX);
    }
    return HEC_OK;
}

static enum hec_status keep_names(struct hec_table *table, const struct plan *plan,
                                  const struct hec_csv *csv)
{
    int all = plan->numerics + plan->categories;
    table->numerics = plan->numerics;
    table->categories = plan->categories;
    table->names = calloc((size_t)all + 1, sizeof(*table->names));
    for (int i = 0; table->names != NULL && i < all; i++) {
        int column = i < plan->numerics ? plan->numeric[i] : plan->category[i - plan->numerics];
        table->names[i] = strdup(hec_csv_name(csv, column));
        if (table->names[i] == NULL) {
            return HEC_NO_MEMORY;
        }
    }
    return table->names == NULL ? HEC_NO_MEMORY : HEC_OK;
}

/* The columns of this table in the order of another one. */
static enum hec_status plan_like(struct plan *plan, const struct hec_csv *csv, const char *path,
                                 const struct hec_table *like, struct hec_error *error)
{
    for (int i = 0; i < like->numerics + like->categories; i++) {
        int column = hec_csv_column(csv, like->names[i]);
        if (column < 0) {
            return missing(path, like->names[i], error);
        }
        if (i < like->numerics) {
            plan->numeric[i] = column;
        } else {
            plan->category[i - like->numerics] = column;
        }
    }
    plan->numerics = like->numerics;
    plan->categories = like->categories;
    return HEC_OK;
}

static bool grow(struct hec_table *table, int heads)
{
    uint32_t room = table->room == 0 ? 4096 : 2 * table->room;
    void *numeric = realloc(table->numeric, room * ((size_t)table->numerics + 1) * sizeof(float));
    table->numeric = numeric == NULL ? table->numeric : numeric;
    void *category =
        realloc(table->category, room * ((size_t)table->categories + 1) * sizeof(uint32_t));
    table->category = category == NULL ? table->category : category;
    void *targets = realloc(table->targets, (size_t)room * (size_t)heads);
    table->targets = targets == NULL ? table->targets : targets;
    void *values = realloc(table->values, (size_t)room * (size_t)heads * sizeof(float));
    table->values = values == NULL ? table->values : values;
    table->room = room;
    return numeric != NULL && category != NULL && targets != NULL && values != NULL;
}

/* NaN for what is no number. */
static float number_of(const char *cell)
{
    char *end;
    double number = strtod(cell, &end);
    return end == cell || *end != '\0' || !isfinite(number) ? NAN : (float)number;
}

static void take_row(struct hec_table *table, const struct plan *plan,
                     const struct hec_heads_file *heads, const char *const *cells)
{
    size_t row = table->rows++;
    float *numeric = table->numeric + row * (size_t)table->numerics;
    uint32_t *category = table->category + row * (size_t)table->categories;
    int8_t *targets = table->targets + row * (size_t)heads->count;
    for (int j = 0; j < plan->numerics; j++) {
        numeric[j] = number_of(cells[plan->numeric[j]]);
    }
    for (int j = 0; j < plan->categories; j++) {
        const char *cell = cells[plan->category[j]];
        uint32_t hash = (uint32_t)XXH3_64bits(cell, strlen(cell));
        category[j] = cell[0] == '\0' ? 0 : hash == 0 ? 1 : hash;
    }
    for (int k = 0; k < heads->count; k++) {
        const char *cell = plan->label[k] < 0 ? "" : cells[plan->label[k]];
        float *value = &table->values[row * (size_t)heads->count + (size_t)k];
        *value = 0;
        if (heads->heads[k].kind == HEC_HEAD_REGRESSION) {
            float number = number_of(cell);
            targets[k] = isnan(number) ? HEC_TARGET_UNKNOWN : HEC_TARGET_POSITIVE;
            *value = isnan(number) ? 0 : number;
            continue;
        }
        bool positive = is_listed(heads->values[k], heads->values_count[k], cell);
        targets[k] = (int8_t)(cell[0] == '\0' ? HEC_TARGET_UNKNOWN
                              : positive      ? HEC_TARGET_POSITIVE
                                              : HEC_TARGET_NEGATIVE);
    }
}

enum hec_status hec_table_read(struct hec_table *table, const char *path,
                               const struct hec_heads_file *heads, const struct hec_table *like,
                               struct hec_error *error)
{
    struct hec_csv *csv = NULL;
    struct plan plan = { .numerics = 0 };
    const char *const *cells;
    *table = (struct hec_table){ .rows = 0 };
    enum hec_status status = hec_csv_open(&csv, path, error);
    if (status == HEC_OK) {
        status = plan_columns(&plan, csv, path, heads, error);
    }
    if (status == HEC_OK && like != NULL) {
        status = plan_like(&plan, csv, path, like, error);
    }
    if (status == HEC_OK && keep_names(table, &plan, csv) != HEC_OK) {
        status = hec_fail(error, HEC_NO_MEMORY, "%s: memory is exhausted", path);
    }
    while (status == HEC_OK) {
        status = hec_csv_next(csv, &cells, error);
        if (status == HEC_OK && table->rows == table->room && !grow(table, heads->count)) {
            status = hec_fail(error, HEC_NO_MEMORY, "%s: memory is exhausted", path);
        }
        if (status == HEC_OK) {
            take_row(table, &plan, heads, cells);
        }
    }
    hec_csv_free(csv);
    return status == HEC_END ? HEC_OK : status;
}

void hec_table_free(struct hec_table *table)
{
    for (int i = 0; table->names != NULL && i < table->numerics + table->categories; i++) {
        free(table->names[i]);
    }
    free(table->names);
    free(table->numeric);
    free(table->category);
    free(table->targets);
    free(table->values);
    *table = (struct hec_table){ .rows = 0 };
}
