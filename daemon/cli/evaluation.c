#include "cli/evaluation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

#include "file/when.h"

#define BATCH 64

enum hec_status hec_score_rows(float *score, int stride, const struct hec_model *model,
                               const struct hec_rows *rows, const uint32_t *pick, uint32_t count)
{
    size_t numerics = (size_t)rows->numerics_count, categories = (size_t)rows->categories_count;
    struct hec_predictor *predictor = NULL;
    float *x = malloc(BATCH * numerics * sizeof(*x) + 1);
    uint32_t *c = malloc(BATCH * categories * sizeof(*c) + 1);
    enum hec_status status =
        x == NULL || c == NULL ? HEC_NO_MEMORY : hec_predictor_new(&predictor, model, BATCH);
    for (uint32_t first = 0; first < count && status == HEC_OK; first += BATCH) {
        int part = count - first < BATCH ? (int)(count - first) : BATCH;
        uint8_t types[BATCH];
        for (int i = 0; i < part; i++) {
            types[i] = rows->event_type[pick[first + (uint32_t)i]];
        }
        hec_rows_fetch((struct hec_rows *)rows, pick + first, part, x, c);
        hec_predictor_run(predictor, x, categories > 0 ? c : NULL, types, part,
                          score + (size_t)first * (size_t)stride, stride);
    }
    hec_predictor_free(predictor);
    free(x);
    free(c);
    return status;
}

enum hec_status hec_gather(struct hec_gathered *gathered, const struct hec_scores *scores, int k)
{
    const struct hec_rows *rows = scores->rows;
    const struct hec_labelled log = hec_rows_labelled(rows);
    const uint64_t *subject = hec_fold_subject(&log, &scores->heads[k]);
    size_t room = (size_t)scores->count + 1;
    *gathered = (struct hec_gathered){ .score = malloc(room * sizeof(float)),
                                       .label = malloc(room),
                                       .event_ms = malloc(room * sizeof(int64_t)),
                                       .entity = malloc(room * sizeof(uint64_t)),
                                       .card = malloc(room * sizeof(uint64_t)),
                                       .amount = malloc(room * sizeof(double)),
                                       .row = malloc(room * sizeof(uint32_t)) };
    if (gathered->score == NULL || gathered->label == NULL || gathered->event_ms == NULL ||
        gathered->entity == NULL || gathered->card == NULL || gathered->amount == NULL ||
        gathered->row == NULL) {
        return HEC_NO_MEMORY;
    }
    for (uint32_t i = 0; i < scores->count; i++) {
        uint32_t row = scores->pick == NULL ? i : scores->pick[i];
        int8_t target = scores->targets[(size_t)row * (size_t)scores->heads_count + (size_t)k];
        float score = scores->score[(size_t)i * (size_t)scores->stride + (size_t)k];
        if (target < 0 || isnan(score) || (scores->mask[k] != NULL && !scores->mask[k][row])) {
            continue;
        }
        size_t n = gathered->n++;
        gathered->score[n] = score;
        gathered->label[n] = target == HEC_TARGET_POSITIVE;
        gathered->event_ms[n] = rows->event_ms[row];
        gathered->entity[n] = rows->user[row];
        gathered->card[n] = subject[row];
        gathered->amount[n] = (double)rows->amount_minor[row];
        gathered->row[n] = row;
    }
    return HEC_OK;
}

void hec_gathered_free(struct hec_gathered *gathered)
{
    free(gathered->score);
    free(gathered->label);
    free(gathered->event_ms);
    free(gathered->entity);
    free(gathered->card);
    free(gathered->amount);
    free(gathered->row);
    *gathered = (struct hec_gathered){ 0 };
}

struct hec_judge_rows hec_gathered_rows(const struct hec_gathered *gathered)
{
    return (struct hec_judge_rows){ .n = gathered->n,
                                    .score = gathered->score,
                                    .label = gathered->label,
                                    .event_ms = gathered->event_ms,
                                    .entity = gathered->entity,
                                    .card = gathered->card,
                                    .amount = gathered->amount };
}

enum hec_status hec_evaluate(struct hec_evaluation *evaluation, const struct hec_scores *scores,
                             const struct hec_judge_options *options)
{
    enum hec_status status = HEC_OK;
    *evaluation =
        (struct hec_evaluation){ .heads_count = scores->heads_count, .heads = scores->heads };
    for (int k = 0; k < scores->heads_count && status == HEC_OK; k++) {
        struct hec_gathered gathered;
        struct hec_judge_options own = *options;
        own.threshold = (double)scores->thresholds[k];
        own.probability = scores->heads[k].kind == HEC_HEAD_BINARY;
        status = hec_gather(&gathered, scores, k);
        if (status == HEC_OK) {
            struct hec_judge_rows rows = hec_gathered_rows(&gathered);
            status = hec_judge(&evaluation->told[k], &rows, &own);
        }
        hec_gathered_free(&gathered);
    }
    return status;
}

void hec_evaluation_figures(struct hec_figures *figures, const struct hec_evaluation *evaluation)
{
    struct hec_judgement binary[HEC_HEADS_MAX];
    int count = 0;
    figures->heads_count = evaluation->heads_count;
    figures->heads = evaluation->heads;
    for (int k = 0; k < evaluation->heads_count; k++) {
        memcpy(figures->value[k], evaluation->told[k].value, sizeof(figures->value[k]));
        if (evaluation->heads[k].kind == HEC_HEAD_BINARY) {
            binary[count++] = evaluation->told[k];
        }
    }
    hec_judge_means(binary, count, figures->macro, figures->weighted);
}

/* ---- text ---- */

const char *hec_number_text(char text[32], double value, int decimals)
{
    if (isnan(value)) {
        snprintf(text, 32, "-");
    } else {
        snprintf(text, 32, "%.*f", decimals, value);
    }
    return text;
}

#define NAME_WIDTH 28
#define CELL_WIDTH 24

static void print_cell(FILE *to, const struct hec_metric_row *row, double value, double low,
                       double high)
{
    char text[112], a[32], b[32], c[32];
    hec_number_text(a, value, row->decimals);
    if (isnan(value) || isnan(low)) {
        snprintf(text, sizeof(text), "%s", a);
    } else {
        snprintf(text, sizeof(text), "%s [%s, %s]", a, hec_number_text(b, low, row->decimals),
                 hec_number_text(c, high, row->decimals));
    }
    fprintf(to, "  %-*s", CELL_WIDTH, text);
}

static void print_counts(const struct hec_evaluation *evaluation, FILE *to)
{
    fprintf(to, "%-*s%10s%11s%8s  %-10s  %-10s  %9s\n", 16, "head", "rows", "positives", "users",
            "from", "to", "threshold");
    for (int k = 0; k < evaluation->heads_count; k++) {
        const struct hec_judgement *told = &evaluation->told[k];
        char from[HEC_WHEN_BYTES], until[HEC_WHEN_BYTES], text[32];
        hec_when_print(from, told->first_ms);
        hec_when_print(until, told->last_ms);
        fprintf(to, "%-*s%10llu%11llu%8llu  %-10.10s  %-10.10s  %9s\n", 16,
                evaluation->heads[k].name, (unsigned long long)told->rows,
                (unsigned long long)told->positives, (unsigned long long)told->entities,
                told->rows > 0 ? from : "-", told->rows > 0 ? until : "-",
                told->threshold > 1 ? "never" : hec_number_text(text, told->threshold, 6));
    }
}

void hec_evaluation_print(const struct hec_evaluation *evaluation, int card_k, FILE *to)
{
    struct hec_figures figures;
    hec_evaluation_figures(&figures, evaluation);
    print_counts(evaluation, to);
    fprintf(to, "\n%-*s", NAME_WIDTH, "metric");
    for (int k = 0; k < evaluation->heads_count; k++) {
        fprintf(to, "  %-*s", CELL_WIDTH, evaluation->heads[k].name);
    }
    fprintf(to, "  %8s  %8s\n", "macro", "weighted");
    for (int m = 0; m < HEC_METRICS; m++) {
        const struct hec_metric_row *row = &hec_metric_rows[m];
        char name[64];
        snprintf(name, sizeof(name), m == HEC_METRIC_CARD_PRECISION ? "%s (k=%d)" : "%s", row->name,
                 card_k);
        fprintf(to, "%-*s", NAME_WIDTH, name);
        for (int k = 0; k < evaluation->heads_count; k++) {
            const struct hec_judgement *told = &evaluation->told[k];
            print_cell(to, row, told->value[m], told->low[m], told->high[m]);
        }
        char macro[32], weighted[32];
        fprintf(to, "  %8s  %8s\n", hec_number_text(macro, figures.macro[m], row->decimals),
                hec_number_text(weighted, figures.weighted[m], row->decimals));
    }
}

/* ---- JSON ---- */

void hec_json_number(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key, double value)
{
    if (isnan(value)) {
        yyjson_mut_obj_add_null(doc, object, key);
    } else {
        yyjson_mut_obj_add_real(doc, object, key, value);
    }
}

bool hec_json_put(yyjson_mut_doc *doc)
{
    char *text = yyjson_mut_write(doc, YYJSON_WRITE_PRETTY_TWO_SPACES, NULL);
    bool written = text != NULL && puts(text) >= 0;
    free(text);
    yyjson_mut_doc_free(doc);
    return written;
}

static void put_head(yyjson_mut_doc *doc, yyjson_mut_val *heads, const char *name,
                     const struct hec_judgement *told)
{
    yyjson_mut_val *head = yyjson_mut_obj_add_obj(doc, heads, name);
    char from[HEC_WHEN_BYTES], until[HEC_WHEN_BYTES];
    hec_when_print(from, told->first_ms);
    hec_when_print(until, told->last_ms);
    yyjson_mut_obj_add_uint(doc, head, "rows", told->rows);
    yyjson_mut_obj_add_uint(doc, head, "positives", told->positives);
    yyjson_mut_obj_add_uint(doc, head, "users", told->entities);
    if (told->rows > 0) {
        yyjson_mut_obj_add_strcpy(doc, head, "from", from);
        yyjson_mut_obj_add_strcpy(doc, head, "to", until);
    }
    hec_json_number(doc, head, "threshold", told->threshold);
    yyjson_mut_obj_add_uint(doc, head, "true_positives", told->true_positives);
    yyjson_mut_obj_add_uint(doc, head, "false_positives", told->false_positives);
    yyjson_mut_obj_add_uint(doc, head, "false_negatives", told->false_negatives);
    yyjson_mut_obj_add_uint(doc, head, "true_negatives", told->true_negatives);
    yyjson_mut_val *metrics = yyjson_mut_obj_add_obj(doc, head, "metrics");
    for (int m = 0; m < HEC_METRICS; m++) {
        yyjson_mut_val *one = yyjson_mut_obj_add_obj(doc, metrics, hec_metric_rows[m].name);
        hec_json_number(doc, one, "value", told->value[m]);
        hec_json_number(doc, one, "low", told->low[m]);
        hec_json_number(doc, one, "high", told->high[m]);
    }
}

static void put_means(yyjson_mut_doc *doc, yyjson_mut_val *root, const char *key,
                      const double values[HEC_METRICS])
{
    yyjson_mut_val *means = yyjson_mut_obj_add_obj(doc, root, key);
    for (int m = 0; m < HEC_METRICS; m++) {
        hec_json_number(doc, means, hec_metric_rows[m].name, values[m]);
    }
}

char *hec_evaluation_json(const struct hec_evaluation *evaluation, int card_k, const char *facts)
{
    struct hec_figures figures;
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_doc *given = facts == NULL ? NULL : yyjson_read(facts, strlen(facts), 0);
    yyjson_mut_val *root =
        given == NULL ? yyjson_mut_obj(doc) : yyjson_val_mut_copy(doc, yyjson_doc_get_root(given));
    yyjson_mut_doc_set_root(doc, root);
    hec_evaluation_figures(&figures, evaluation);
    yyjson_mut_val *heads = yyjson_mut_obj_add_obj(doc, root, "heads");
    for (int k = 0; k < evaluation->heads_count; k++) {
        put_head(doc, heads, evaluation->heads[k].name, &evaluation->told[k]);
    }
    put_means(doc, root, "macro", figures.macro);
    put_means(doc, root, "weighted", figures.weighted);
    yyjson_mut_obj_add_int(doc, root, "card_precision_k", card_k);
    char *text = yyjson_mut_write(doc, YYJSON_WRITE_PRETTY_TWO_SPACES, NULL);
    yyjson_doc_free(given);
    yyjson_mut_doc_free(doc);
    return text;
}
