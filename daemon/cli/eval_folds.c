#include "cli/eval_folds.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

#include "cli/trials.h"
#include "file/when.h"

/* Every fold's seeds averaged, with intervals. */
struct told {
    const struct hec_trials *trials;
    struct hec_evaluation folds[HEC_FOLDS_MAX];
    struct hec_spread spread[HEC_HEADS_MAX][HEC_METRICS];
};

static const enum hec_metric SHOWN[] = {
    HEC_METRIC_AP,         HEC_METRIC_AUC,       HEC_METRIC_CARD_PRECISION,
    HEC_METRIC_RECALL_001, HEC_METRIC_RECALL_01, HEC_METRIC_ECE
};
enum { SHOWN_COUNT = sizeof(SHOWN) / sizeof(SHOWN[0]) };

static bool is_judged(const struct told *told, int head)
{
    uint64_t positives = 0;
    for (int f = 0; f < told->trials->folds_count; f++) {
        positives += told->folds[f].told[head].positives;
    }
    return positives > 0;
}

static void print_fold(const struct told *told, int fold)
{
    const struct hec_fold *at = &told->trials->folds[fold].fold;
    char train[HEC_WHEN_BYTES], test[HEC_WHEN_BYTES], a[32], b[32], c[32];
    hec_when_print(train, at->train_from_ms);
    hec_when_print(test, at->test_from_ms);
    for (int k = 0; k < told->trials->heads_count; k++) {
        const struct hec_judgement *one = &told->folds[fold].told[k];
        if (!is_judged(told, k)) {
            continue;
        }
        printf("%-5d%-12.10s%-12.10s%-12s%8llu%7llu", fold + 1, train, test,
               told->trials->heads[k].name, (unsigned long long)one->rows,
               (unsigned long long)one->positives);
        for (int i = 0; i < SHOWN_COUNT; i++) {
            const struct hec_metric_row *row = &hec_metric_rows[SHOWN[i]];
            printf("  %6s", hec_number_text(a, one->value[SHOWN[i]], row->decimals));
            if (SHOWN[i] == HEC_METRIC_AP) {
                printf(" [%s, %s]", hec_number_text(b, one->low[HEC_METRIC_AP], 3),
                       hec_number_text(c, one->high[HEC_METRIC_AP], 3));
            }
        }
        printf("\n");
    }
}

static void print_means(const struct told *told)
{
    char a[32], b[32], c[32], cell[128];
    const struct hec_trials *trials = told->trials;
    printf("\nmean over folds +- sd of the folds%s\n%-28s",
           trials->seeds > 1 ? ", (sd of the seeds)" : "", "metric");
    for (int k = 0; k < trials->heads_count; k++) {
        if (is_judged(told, k)) {
            printf("  %-26s", trials->heads[k].name);
        }
    }
    printf("\n");
    for (int m = 0; m < HEC_METRICS; m++) {
        int decimals = hec_metric_rows[m].decimals;
        printf("%-28s", hec_metric_rows[m].name);
        for (int k = 0; k < trials->heads_count; k++) {
            const struct hec_spread *spread = &told->spread[k][m];
            if (!is_judged(told, k)) {
                continue;
            }
            snprintf(cell, sizeof(cell), "%s +- %s", hec_number_text(a, spread->mean, decimals),
                     hec_number_text(b, spread->fold_sd, decimals));
            if (trials->seeds > 1 && !isnan(spread->mean)) {
                snprintf(cell + strlen(cell), sizeof(cell) - strlen(cell), " (%s)",
                         hec_number_text(c, spread->seed_sd, decimals));
            }
            printf("  %-26s", isnan(spread->mean) ? "-" : cell);
        }
        printf("\n");
    }
}

/* Seeds averaged: mean over folds of what the averaged scores reach. */
static double averaged(const struct told *told, int head, enum hec_metric metric, double *sd)
{
    double sum = 0, squares = 0;
    int count = 0;
    for (int f = 0; f < told->trials->folds_count; f++) {
        double value = told->folds[f].told[head].value[metric];
        if (!isnan(value)) {
            sum += value;
            squares += value * value;
            count++;
        }
    }
    *sd = count > 0 ? sqrt(fmax(0, squares / count - sum / count * (sum / count))) : NAN;
    return count > 0 ? sum / count : NAN;
}

static void print_all(const struct told *told)
{
    const struct hec_trials *trials = told->trials;
    const struct hec_trial *first = &trials->trials[0];
    const struct hec_fold *fold = &trials->folds[0].fold;
    char a[32], b[32];
    if (fold->parts > 0) {
        printf("%d parts by user; seeds: %d\n\n", trials->folds_count, trials->seeds);
    } else {
        printf("%d folds: %.0f days of training, %.0f of delay, %.0f of test; seeds: %d\n\n",
               trials->folds_count,
               (double)(fold->train_to_ms - fold->train_from_ms) / (double)HEC_DAY_MS,
               (double)(fold->test_from_ms - fold->train_to_ms) / (double)HEC_DAY_MS,
               (double)(fold->test_to_ms - fold->test_from_ms) / (double)HEC_DAY_MS, trials->seeds);
    }
    printf("%-5s%-12s%-12s%-12s%8s%7s  %6s %-14s  %6s  %6s  %6s  %6s  %6s\n", "fold", "train from",
           "test from", "head", "rows", "pos.", "AP", "[95 %]", "AUC", "CP@k", "R@.001", "R@.01",
           "ECE");
    for (int f = 0; f < trials->folds_count; f++) {
        print_fold(told, f);
    }
    print_means(told);
    for (int k = 0; k < trials->heads_count && trials->seeds > 1; k++) {
        if (is_judged(told, k)) {
            printf("%s%s, scores of %d seeds averaged:", k == 0 ? "\n" : "", trials->heads[k].name,
                   trials->seeds);
            for (int i = 0; i < 3; i++) {
                double sd, mean = averaged(told, k, SHOWN[i], &sd);
                printf(" %s %s +- %s", hec_metric_rows[SHOWN[i]].heading,
                       hec_number_text(a, mean, 3), hec_number_text(b, sd, 3));
            }
            printf("\n");
        }
    }
    double train_s = 0;
    for (int i = 0; i < trials->folds_count * trials->seeds; i++) {
        train_s += trials->trials[i].train_s / (trials->folds_count * trials->seeds);
    }
    printf("\n%zu parameters, %zu operations and %.2f us a row at batch 64, %.1f s of processor a "
           "training\n",
           first->parameters, first->flops_per_row, trials->row_us[0], train_s);
}

static bool print_json(const struct told *told)
{
    const struct hec_trials *trials = told->trials;
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_int(doc, root, "folds", trials->folds_count);
    yyjson_mut_obj_add_int(doc, root, "seeds", trials->seeds);
    yyjson_mut_obj_add_uint(doc, root, "parameters", trials->trials[0].parameters);
    yyjson_mut_obj_add_uint(doc, root, "flops_per_row", trials->trials[0].flops_per_row);
    hec_json_number(doc, root, "us_per_row", trials->row_us[0]);
    hec_trials_digests(doc, root, trials, 0);
    yyjson_mut_val *heads = yyjson_mut_obj_add_obj(doc, root, "heads");
    for (int k = 0; k < trials->heads_count; k++) {
        yyjson_mut_val *head = yyjson_mut_obj_add_obj(doc, heads, trials->heads[k].name);
        for (int m = 0; m < HEC_METRICS; m++) {
            const char *name = hec_metric_rows[m].name;
            yyjson_mut_val *one = yyjson_mut_obj_add_obj(doc, head, name);
            double sd;
            hec_json_number(doc, one, "mean", told->spread[k][m].mean);
            hec_json_number(doc, one, "fold_sd", told->spread[k][m].fold_sd);
            hec_json_number(doc, one, "seed_sd", told->spread[k][m].seed_sd);
            hec_json_number(doc, one, "seeds_averaged", averaged(told, k, (enum hec_metric)m, &sd));
            yyjson_mut_val *by_fold = yyjson_mut_obj_add_arr(doc, one, "folds");
            for (int f = 0; f < trials->folds_count; f++) {
                const struct hec_judgement *at = &told->folds[f].told[k];
                yyjson_mut_val *fold = yyjson_mut_arr_add_obj(doc, by_fold);
                hec_json_number(doc, fold, "value", at->value[m]);
                hec_json_number(doc, fold, "low", at->low[m]);
                hec_json_number(doc, fold, "high", at->high[m]);
                yyjson_mut_obj_add_uint(doc, fold, "rows", at->rows);
                yyjson_mut_obj_add_uint(doc, fold, "positives", at->positives);
            }
        }
    }
    return hec_json_put(doc);
}

/* What gates are held against: the means over folds. */
static void figures_of(struct hec_figures *figures, const struct told *told)
{
    struct hec_evaluation means = { .heads_count = told->trials->heads_count,
                                    .heads = told->trials->heads };
    for (int k = 0; k < means.heads_count; k++) {
        for (int f = 0; f < told->trials->folds_count; f++) {
            means.told[k].positives += told->folds[f].told[k].positives;
        }
        for (int m = 0; m < HEC_METRICS; m++) {
            means.told[k].value[m] = told->spread[k][m].mean;
        }
    }
    hec_evaluation_figures(figures, &means);
}

static int tell(const struct hec_trials *trials, const struct hec_arguments *arguments,
                const struct hec_gate *gates, int gates_count)
{
    struct told *told = calloc(1, sizeof(*told));
    struct hec_error error = { 0 };
    struct hec_figures figures;
    enum hec_status status = told == NULL ? HEC_NO_MEMORY : HEC_OK;
    for (int f = 0; f < trials->folds_count && status == HEC_OK; f++) {
        told->trials = trials;
        status = hec_trials_averaged(trials, 0, f, &told->folds[f]);
    }
    if (status != HEC_OK) {
        free(told);
        hec_fail(&error, status, "memory is exhausted");
        return hec_cli_fail(arguments, &error);
    }
    for (int k = 0; k < trials->heads_count; k++) {
        for (int m = 0; m < HEC_METRICS; m++) {
            told->spread[k][m] = hec_trials_spread(trials, 0, k, (enum hec_metric)m);
        }
        if (!is_judged(told, k) && !trials->heads[k].hidden) {
            fprintf(stderr, "head '%s' has no positive in any test: it is not judged\n",
                    trials->heads[k].name);
        }
    }
    bool written = true;
    if (hec_given(arguments, "json")) {
        written = print_json(told);
    } else {
        print_all(told);
    }
    figures_of(&figures, told);
    free(told);
    return written ? hec_gates_hold(gates, gates_count, &figures, arguments) : HEC_EXIT_FAILURE;
}

int hec_eval_folds(const struct hec_arguments *arguments, const struct hec_gate *gates,
                   int gates_count)
{
    struct hec_trials trials;
    int status = hec_trials_read(&trials, arguments);
    if (status == HEC_EXIT_OK) {
        trials.arms = calloc(1, sizeof(*trials.arms));
        status = trials.arms == NULL ? HEC_EXIT_FAILURE : HEC_EXIT_OK;
    }
    if (status == HEC_EXIT_OK) {
        trials.arms_count = 1;
        hec_arm_of(&trials.arms[0], &trials, "", arguments);
        status = hec_trials_run(&trials, arguments);
    }
    if (status == HEC_EXIT_OK) {
        status = tell(&trials, arguments, gates, gates_count);
    }
    hec_trials_free(&trials);
    return status;
}
