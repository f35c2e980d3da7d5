#include "file/import.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file/csv.h"
#include "file/event_json.h"
#include "file/input.h"
#include "file/schedule.h"
#include "file/when.h"

#define TEXT_BYTES 8192

/* The second file in memory: its key cells sorted, for a binary search. */
struct customer {
    char **cells;
    const char *key; /* one of them */
};

struct importer {
    const struct hec_import_job *job;
    struct hec_import_map map; /* own copy: columns are filled in */
    struct hec_csv *csv;
    int time_column, fraud_column, key_column;

    struct customer *customers;
    size_t customers_count, customers_room;
    int customer_columns, customer_key;

    struct hec_schedule pending; /* what: struct verdict * */
    struct hec_import_counts counts;
    char text[TEXT_BYTES]; /* texts of the row in hand */
    size_t text_used;
    struct hec_event event, label;
};

/* A fraud whose label is not due yet: the row's event, its texts after it. */
struct verdict {
    struct hec_event target;
    char id[129], type[9];
    char text[];
};

static enum hec_status bad_cell(const struct importer *importer, struct hec_error *error,
                                const char *path, const char *text, const char *rule)
{
    return hec_fail(error, HEC_INVALID, "%s:%llu: %s cannot be \"%.60s\": %s", importer->job->in,
                    (unsigned long long)hec_csv_line(importer->csv), path, text, rule);
}

static int compare_customers(const void *a, const void *b)
{
    const struct customer *left = a, *right = b;
    return strcmp(left->key, right->key);
}

static bool keep_customer(struct importer *importer, const char *const *cells)
{
    if (importer->customers_count == importer->customers_room) {
        size_t room = importer->customers_room == 0 ? 1024 : 2 * importer->customers_room;
        struct customer *grown = realloc(importer->customers, room * sizeof(*grown));
        if (grown == NULL) {
            return false;
        }
        importer->customers = grown;
        importer->customers_room = room;
    }
    struct customer *customer = &importer->customers[importer->customers_count];
    customer->cells = calloc((size_t)importer->customer_columns, sizeof(*customer->cells));
    importer->customers_count += customer->cells != NULL;
    bool kept = customer->cells != NULL;
    for (int i = 0; kept && i < importer->customer_columns; i++) {
        customer->cells[i] = strdup(cells[i]);
        kept = customer->cells[i] != NULL;
    }
    customer->key = kept ? customer->cells[importer->customer_key] : NULL;
    return kept;
}

static enum hec_status read_customers(struct importer *importer, struct hec_csv *csv,
                                      struct hec_error *error)
{
    const char *key = importer->map.customers_key;
    const char *const *cells = NULL;
    enum hec_status status;
    importer->customer_columns = hec_csv_columns(csv);
    importer->customer_key = hec_csv_column(csv, key);
    if (importer->customer_key < 0) {
        return hec_fail(error, HEC_INVALID, "%s: no column \"%s\" (customers.key of %s)",
                        importer->job->customers, key, importer->map.path);
    }
    while ((status = hec_csv_next(csv, &cells, error)) == HEC_OK) {
        if (!keep_customer(importer, cells)) {
            return hec_fail(error, HEC_NO_MEMORY, "memory is exhausted");
        }
    }
    if (importer->customers_count > 0) {
        qsort(importer->customers, importer->customers_count, sizeof(*importer->customers),
              compare_customers);
    }
    return status == HEC_END ? HEC_OK : status;
}

static const struct customer *customer_of(const struct importer *importer, const char *key)
{
    size_t low = 0, high = importer->customers_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(importer->customers[middle].key, key);
        if (order == 0) {
            return &importer->customers[middle];
        }
        low = order < 0 ? middle + 1 : low;
        high = order < 0 ? high : middle;
    }
    return NULL;
}

static enum hec_status find_column(const struct hec_csv *csv, const struct importer *importer,
                                   const char *file, const char *name, int *column,
                                   struct hec_error *error)
{
    *column = hec_csv_column(csv, name);
    return *column >= 0 ? HEC_OK
                        : hec_fail(error, HEC_INVALID, "%s: no column \"%s\", which %s speaks of",
                                   file, name, importer->map.path);
}

static enum hec_status bind(struct importer *importer, struct hec_import_template *template,
                            const struct hec_csv *customers, struct hec_error *error)
{
    for (int i = 0; i < template->parts_count; i++) {
        struct hec_import_part *part = &template->parts[i];
        enum hec_status status = HEC_OK;
        if (part->kind == HEC_PART_CELL) {
            status = find_column(importer->csv, importer, importer->job->in, part->name,
                                 &part->column, error);
        } else if (part->kind == HEC_PART_CUSTOMER && customers == NULL) {
            return hec_fail(error, HEC_INVALID,
                            "%s:%d: needs a file of customers: --customers FILE",
                            importer->map.path, template->line);
        } else if (part->kind == HEC_PART_CUSTOMER) {
            status = find_column(customers, importer, importer->job->customers, part->name,
                                 &part->column, error);
        }
        if (status != HEC_OK) {
            return status;
        }
    }
    return HEC_OK;
}

static enum hec_status bind_all(struct importer *importer, const struct hec_csv *customers,
                                struct hec_error *error)
{
    struct hec_import_map *map = &importer->map;
    enum hec_status status = find_column(importer->csv, importer, importer->job->in,
                                         map->time_column, &importer->time_column, error);
    importer->fraud_column = -1;
    importer->key_column = -1;
    if (status == HEC_OK && map->fraud_column[0] != '\0') {
        status = find_column(importer->csv, importer, importer->job->in, map->fraud_column,
                             &importer->fraud_column, error);
    }
    if (status == HEC_OK && customers != NULL) {
        status = find_column(importer->csv, importer, importer->job->in, map->customers_key,
                             &importer->key_column, error);
    }
    if (status == HEC_OK) {
        status = bind(importer, &map->label_event_id, customers, error);
    }
    for (int f = 0; status == HEC_OK && f < HEC_FIELDS; f++) {
        status = bind(importer, &map->fields[f], customers, error);
    }
    return status;
}

static bool speaks_of(const struct hec_import_template *template, int column)
{
    for (int i = 0; i < template->parts_count; i++) {
        if (template->parts[i].kind == HEC_PART_CELL && template->parts[i].column == column) {
            return true;
        }
    }
    return false;
}

/* What the map leaves lying is told: it may be a misspelt column, or what a feature would need. */
static void name_unused(struct importer *importer)
{
    struct hec_import_counts *counts = &importer->counts;
    size_t used = 0;
    for (int c = 0; c < hec_csv_columns(importer->csv); c++) {
        bool known = c == importer->time_column || c == importer->fraud_column ||
                     c == importer->key_column || speaks_of(&importer->map.label_event_id, c);
        for (int f = 0; f < HEC_FIELDS && !known; f++) {
            known = speaks_of(&importer->map.fields[f], c);
        }
        if (known) {
            continue;
        }
        int wrote = snprintf(counts->unused + used, sizeof(counts->unused) - used, "%s%s",
                             counts->unused_count == 0 ? "" : ", ", hec_csv_name(importer->csv, c));
        used += wrote < (int)(sizeof(counts->unused) - used) ? (size_t)wrote : 0;
        counts->unused[used] = '\0';
        counts->unused_count++;
    }
}

/* A decimal text times a whole number, exactly: what does not come out whole is refused. */
static bool scale_decimal(const char *text, int64_t times, int64_t *value)
{
    bool negative = *text == '-';
    text += negative;
    int64_t whole = 0, divisor = 1;
    bool point = false, any = false;
    for (; *text != '\0'; text++) {
        if (*text == '.' && !point) {
            point = true;
            continue;
        }
        if (*text < '0' || *text > '9' || whole > INT64_MAX / 10000000 || divisor > 1000000000) {
            return false;
        }
        whole = whole * 10 + (*text - '0');
        divisor *= point ? 10 : 1;
        any = true;
    }
    int64_t product;
    if (!any || __builtin_mul_overflow(whole, times, &product) || product % divisor != 0) {
        return false;
    }
    *value = product / divisor * (negative ? -1 : 1);
    return true;
}

/* Puts the parts together. The text is terminated and lives until the next row; *empty when a cell
 * of it was empty. NULL when the row's texts are too long or a number is none. */
static const char *render(struct importer *importer, const struct hec_import_template *template,
                          const char *const *cells, const struct customer *customer, bool *empty)
{
    char *start = importer->text + importer->text_used;
    size_t room = TEXT_BYTES - importer->text_used, length = 0;
    *empty = false;
    for (int i = 0; i < template->parts_count; i++) {
        const struct hec_import_part *part = &template->parts[i];
        const char *text = part->name;
        char number[24];
        if (part->kind == HEC_PART_CELL || part->kind == HEC_PART_CUSTOMER) {
            text =
                part->kind == HEC_PART_CELL ? cells[part->column] : customer->cells[part->column];
            *empty = *empty || text[0] == '\0';
        }
        int64_t scaled = (int64_t)importer->counts.rows;
        if (part->kind == HEC_PART_NUMBER || (part->times != 1 && text[0] != '\0')) {
            if (part->kind != HEC_PART_NUMBER && !scale_decimal(text, part->times, &scaled)) {
                return NULL;
            }
            snprintf(number, sizeof(number), "%lld", (long long)scaled);
            text = number;
        }
        size_t bytes = strlen(text);
        if (bytes + 1 > room - length) {
            return NULL;
        }
        memcpy(start + length, text, bytes);
        length += bytes;
    }
    start[length] = '\0';
    importer->text_used += length + 1;
    return start;
}

static enum hec_status set_value(struct importer *importer, enum hec_field field, const char *text,
                                 struct hec_error *error)
{
    const struct hec_field_info *info = hec_field_info(field);
    char *end;
    errno = 0;
    switch (info->kind) {
    case HEC_INTEGER: {
        long long integer = strtoll(text, &end, 10);
        if (*end != '\0' || errno != 0 || integer < info->minimum || integer > info->maximum) {
            return bad_cell(importer, error, info->path, text, "not an integer within its range");
        }
        hec_event_set_integer(&importer->event, field, integer);
        return HEC_OK;
    }
    case HEC_BOOLEAN: {
        bool yes = strcmp(text, "1") == 0 || strcmp(text, "true") == 0;
        if (!yes && strcmp(text, "0") != 0 && strcmp(text, "false") != 0) {
            return bad_cell(importer, error, info->path, text, "not one of 0, 1, true, false");
        }
        hec_event_set_integer(&importer->event, field, yes);
        return HEC_OK;
    }
    case HEC_NUMBER: {
        double number = strtod(text, &end);
        if (*end != '\0' || !(number >= (double)info->minimum && number <= (double)info->maximum)) {
            return bad_cell(importer, error, info->path, text, "not a number within its range");
        }
        hec_event_set_number(&importer->event, field, number);
        return HEC_OK;
    }
    default: {
        size_t length = strlen(text);
        if (length < (size_t)info->minimum || length > (size_t)info->maximum ||
            strspn(text, " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`"
                         "abcdefghijklmnopqrstuvwxyz{|}~") != length) {
            return bad_cell(importer, error, info->path, text,
                            "not printable ASCII of a fitting length");
        }
        hec_event_set_text(&importer->event, field, text);
        return HEC_OK;
    }
    }
}

static enum hec_status time_of(const struct importer *importer, const char *cell, int64_t *ms,
                               struct hec_error *error)
{
    int64_t value;
    bool good = importer->map.time_unit == HEC_UNIT_RFC3339
                    ? hec_when_parse(cell, &value)
                    : scale_decimal(cell, importer->map.time_unit == HEC_UNIT_S ? 1000 : 1, &value);
    if (!good) {
        return bad_cell(importer, error, importer->map.time_column, cell, "not a time");
    }
    *ms = importer->map.time_origin_ms + value;
    return HEC_OK;
}

static const char *fraud_type_of(const struct hec_import_map *map, const char *cell)
{
    for (int i = 0; i < map->fraud_types_count; i++) {
        if (strcmp(map->fraud_types[i].value, cell) == 0) {
            return map->fraud_types[i].type;
        }
    }
    return map->fraud_type[0] == '\0' ? NULL : map->fraud_type;
}

/* Writes the labels that are due by now_ms. */
static void write_due(struct importer *importer, int64_t now_ms)
{
    const struct hec_due *first;
    while ((first = hec_schedule_first(&importer->pending)) != NULL && first->at_ms <= now_ms) {
        struct hec_due due = hec_schedule_take(&importer->pending);
        struct verdict *verdict = (struct verdict *)(uintptr_t)due.what;
        struct hec_event *label = &importer->label;
        hec_event_label_of(label, &verdict->target);
        hec_event_set_text(label, HEC_F_EVENT_ID, verdict->id);
        hec_event_set_integer(label, HEC_F_EVENT_TIME_MS, due.at_ms);
        hec_event_set_text(label, HEC_F_LABEL, "fraud");
        hec_event_set_text(label, HEC_F_FRAUD_TYPE, verdict->type[0] ? verdict->type : NULL);
        hec_event_set_text(label, HEC_F_LABEL_SOURCE, importer->map.fraud_source);
        hec_event_write(importer->job->output, label);
        importer->counts.labels++;
        free(verdict);
    }
}

static enum hec_status keep_verdict(struct importer *importer, const char *const *cells,
                                    const struct customer *customer, struct hec_error *error)
{
    const char *type = fraud_type_of(&importer->map, cells[importer->fraud_column]);
    bool empty;
    const char *id = render(importer, &importer->map.label_event_id, cells, customer, &empty);
    if (id == NULL || strlen(id) >= 129) {
        return bad_cell(importer, error, "label.event_id", "", "too long");
    }
    struct verdict *verdict = malloc(sizeof(*verdict) + importer->text_used);
    if (verdict == NULL) {
        return hec_fail(error, HEC_NO_MEMORY, "memory is exhausted");
    }
    verdict->target = importer->event;
    memcpy(verdict->text, importer->text, importer->text_used);
    snprintf(verdict->id, sizeof(verdict->id), "%s", id);
    snprintf(verdict->type, sizeof(verdict->type), "%s", type == NULL ? "" : type);
    for (int f = 0; f < HEC_FIELDS; f++) {
        struct hec_text *text = &verdict->target.value[f].text;
        enum hec_field_kind kind = hec_field_info((enum hec_field)f)->kind;
        bool is_text = kind != HEC_INTEGER && kind != HEC_NUMBER && kind != HEC_BOOLEAN;
        if (is_text && hec_event_has(&verdict->target, (enum hec_field)f)) {
            text->bytes = verdict->text + (text->bytes - importer->text);
        }
    }
    struct hec_due due = { .at_ms = hec_event_ms(&importer->event) + importer->job->label_delay_ms,
                           .what = (uintptr_t)verdict };
    if (!hec_schedule_add(&importer->pending, due)) {
        free(verdict);
        return hec_fail(error, HEC_NO_MEMORY, "memory is exhausted");
    }
    return HEC_OK;
}

static enum hec_status import_row(struct importer *importer, const char *const *cells,
                                  struct hec_error *error)
{
    const struct customer *customer = NULL;
    int64_t ms = 0;
    if (importer->key_column >= 0) {
        customer = customer_of(importer, cells[importer->key_column]);
        if (customer == NULL) {
            return bad_cell(importer, error, importer->map.customers_key,
                            cells[importer->key_column], "not in the file of customers");
        }
    }
    enum hec_status status = time_of(importer, cells[importer->time_column], &ms, error);
    importer->event.type = importer->map.type;
    importer->event.present = 0;
    importer->text_used = 0;
    hec_event_set_integer(&importer->event, HEC_F_EVENT_TIME_MS, ms);
    for (int f = 0; status == HEC_OK && f < HEC_FIELDS; f++) {
        const struct hec_import_template *template = &importer->map.fields[f];
        if (template->parts_count == 0) {
            continue;
        }
        bool empty;
        const char *text = render(importer, template, cells, customer, &empty);
        const char *path = hec_field_info((enum hec_field)f)->path;
        if (text == NULL) {
            status = bad_cell(importer, error, path, "", "too long, or a part of it is no number");
        } else if (!empty) {
            status = set_value(importer, (enum hec_field)f, text, error);
        } else if (((hec_field_info((enum hec_field)f)->must_on >> importer->map.type) & 1) != 0) {
            status = bad_cell(importer, error, path, text, "needed, but a cell is empty");
        }
    }
    if (status != HEC_OK) {
        return status;
    }
    write_due(importer, ms);
    hec_event_write(importer->job->output, &importer->event);
    /* An empty cell is no verdict. */
    if (importer->fraud_column >= 0 && cells[importer->fraud_column][0] != '\0' &&
        strcmp(cells[importer->fraud_column], importer->map.fraud_genuine) != 0) {
        status = keep_verdict(importer, cells, customer, error);
    }
    importer->counts.rows++;
    return status;
}

static enum hec_status import_rows(struct importer *importer, struct hec_error *error)
{
    const char *const *cells = NULL;
    enum hec_status status;
    double size = (double)hec_input_size(importer->job->in);
    while ((status = hec_csv_next(importer->csv, &cells, error)) == HEC_OK) {
        status = import_row(importer, cells, error);
        if (status != HEC_OK) {
            return status;
        }
        if (importer->counts.rows % 4096 == 0 && importer->job->tell != NULL) {
            importer->job->tell(importer->job->user, importer->counts.rows,
                                size == 0 ? -1 : (double)hec_csv_position(importer->csv) / size);
        }
        if (hec_output_failed(importer->job->output)) {
            return HEC_OK; /* told when it is closed */
        }
    }
    if (status == HEC_END) {
        write_due(importer, INT64_MAX);
        return HEC_OK;
    }
    return status;
}

static void release(struct importer *importer)
{
    for (size_t i = 0; i < importer->customers_count; i++) {
        for (int c = 0; c < importer->customer_columns; c++) {
            free(importer->customers[i].cells[c]);
        }
        free(importer->customers[i].cells);
    }
    free(importer->customers);
    while (hec_schedule_first(&importer->pending) != NULL) {
        free((void *)(uintptr_t)hec_schedule_take(&importer->pending).what);
    }
    hec_schedule_free(&importer->pending);
    hec_csv_free(importer->csv);
    free(importer);
}

enum hec_status hec_import(const struct hec_import_job *job, struct hec_import_counts *counts,
                           struct hec_error *error)
{
    struct importer *importer = calloc(1, sizeof(*importer));
    struct hec_csv *customers = NULL;
    if (importer == NULL) {
        return hec_fail(error, HEC_NO_MEMORY, "memory is exhausted");
    }
    importer->job = job;
    importer->map = *job->map;
    enum hec_status status = hec_csv_open(&importer->csv, job->in, error);
    if (status == HEC_OK && job->customers != NULL && importer->map.customers_key[0] == '\0') {
        status =
            hec_fail(error, HEC_INVALID, "%s: has no customers.key, so --customers is of no use",
                     importer->map.path);
    }
    if (status == HEC_OK && job->customers != NULL) {
        status = hec_csv_open(&customers, job->customers, error);
    }
    if (status == HEC_OK && customers != NULL) {
        status = read_customers(importer, customers, error);
    }
    if (status == HEC_OK) {
        status = bind_all(importer, customers, error);
    }
    if (status == HEC_OK) {
        name_unused(importer);
        status = import_rows(importer, error);
    }
    *counts = importer->counts;
    hec_csv_free(customers);
    release(importer);
    return status;
}
