#include "cli/truth.h"

#include <string.h>

#include "file/csv.h"

static bool is_for(const struct hec_head *head, const char *name)
{
    size_t length = strlen(name);
    return length == 0 || strcmp(head->name, name) == 0 ||
           (strncmp(head->name, name, length) == 0 && head->name[length] == '_');
}

/* Everything is genuine where a head applies, until the file says otherwise. */
static void begin(const struct hec_rows *rows, const struct hec_head *heads, int heads_count,
                  int8_t *targets)
{
    for (uint32_t row = 0; row < rows->count; row++) {
        for (int k = 0; k < heads_count; k++) {
            bool applies = (heads[k].event_types >> rows->event_type[row]) & 1;
            targets[(size_t)row * (size_t)heads_count + (size_t)k] =
                applies ? HEC_TARGET_NEGATIVE : HEC_TARGET_NOT_APPLICABLE;
        }
    }
}

struct told {
    const char *head; /* "" without */
    bool fraud, omitted;
};

static void apply(const struct told *told, const struct hec_head *heads, int heads_count,
                  int8_t *targets)
{
    for (int k = 0; k < heads_count; k++) {
        if (targets[k] == HEC_TARGET_NOT_APPLICABLE) {
            continue;
        }
        bool mine = heads[k].kind == HEC_HEAD_NOVELTY || is_for(&heads[k], told->head);
        targets[k] = told->omitted  ? HEC_TARGET_UNKNOWN
                     : !told->fraud ? HEC_TARGET_NEGATIVE
                     : mine         ? HEC_TARGET_POSITIVE
                                    : HEC_TARGET_UNKNOWN;
    }
}

static bool is_one_of(const char *word, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(word, words[i]) == 0) {
            return true;
        }
    }
    return false;
}

enum hec_status hec_truth_read(const struct hec_rows *rows, const char *path,
                               const char *const *omit, size_t omit_count,
                               const struct hec_head *heads, int heads_count, int8_t *targets,
                               struct hec_error *error)
{
    struct hec_csv *csv = NULL;
    const char *const *cells = NULL;
    enum hec_status status = hec_csv_open(&csv, path, error);
    if (status != HEC_OK) {
        return status;
    }
    int id = hec_csv_column(csv, "event_id"), fraud = hec_csv_column(csv, "is_fraud");
    int head = hec_csv_column(csv, "head"), pattern = hec_csv_column(csv, "pattern");
    if (id < 0 || fraud < 0 || (pattern < 0 && omit_count > 0)) {
        status = hec_fail(error, HEC_INVALID, "%.200s: there is no column '%s'", path,
                          id < 0      ? "event_id"
                          : fraud < 0 ? "is_fraud"
                                      : "pattern, which --truth-omit needs");
    }
    begin(rows, heads, heads_count, targets);
    while (status == HEC_OK && (status = hec_csv_next(csv, &cells, error)) == HEC_OK) {
        const char *says = cells[fraud];
        uint32_t row = hec_rows_find(rows, cells[id], strlen(cells[id]));
        if (strcmp(says, "0") != 0 && strcmp(says, "1") != 0) {
            status = hec_fail(error, HEC_INVALID, "%.200s:%llu: is_fraud is \"%.20s\", not 0 or 1",
                              path, (unsigned long long)hec_csv_line(csv), says);
        } else if (row != UINT32_MAX) {
            struct told told = { .head = head < 0 ? "" : cells[head],
                                 .fraud = says[0] == '1',
                                 .omitted =
                                     pattern >= 0 && is_one_of(cells[pattern], omit, omit_count) };
            apply(&told, heads, heads_count, targets + (size_t)row * (size_t)heads_count);
        }
    }
    hec_csv_free(csv);
    return status == HEC_END ? HEC_OK : status;
}
