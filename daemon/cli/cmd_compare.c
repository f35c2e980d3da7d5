/*
 * hecate compare: is one recipe better than another, or is it noise?
 *
 * Every arm trains on the same folds with the same seeds; what is told is the mean of the paired
 * differences to the first arm, with an interval. An interval that spans 0 is "no difference".
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

#include "cli/arms.h"
#include "cli/commands.h"
#include "hecate/statistics.h"

static const enum hec_metric COMPARED[] = {
    HEC_METRIC_AP,         HEC_METRIC_AUC,      HEC_METRIC_CARD_PRECISION,
    HEC_METRIC_RECALL_001, HEC_METRIC_LOG_LOSS, HEC_METRIC_ECE
};
enum { COMPARED_COUNT = sizeof(COMPARED) / sizeof(COMPARED[0]) };
#define SAMPLES 5000
#define PAIRS_MIN 4 /* fewer tell nothing, whatever their interval says */

/* Figures of one arm for one head and metric, as pairs want them. */
static void values_of(const struct hec_trials *trials, int arm, int head, enum hec_metric metric,
                      double *values)
{
    for (int f = 0; f < trials->folds_count; f++) {
        for (int s = 0; s < trials->seeds; s++) {
            values[f * trials->seeds + s] =
                hec_trial_at(trials, arm, f, s)->evaluation.told[head].value[metric];
        }
    }
}

static enum hec_status pair(const struct hec_trials *trials, int arm, int head,
                            enum hec_metric metric, struct hec_paired *paired)
{
    size_t n = (size_t)(trials->folds_count * trials->seeds);
    double *values = malloc(2 * n * sizeof(*values));
    if (values == NULL) {
        return HEC_NO_MEMORY;
    }
    values_of(trials, 0, head, metric, values);
    values_of(trials, arm, head, metric, values + n);
    enum hec_status status =
        hec_paired_difference(paired, values, values + n, trials->folds_count, trials->seeds,
                              SAMPLES, 0.95, trials->judging.seed);
    free(values);
    return status;
}

static const char *verdict_of(const struct hec_paired *paired, enum hec_metric metric)
{
    if (isnan(paired->effect)) {
        return "not judged";
    }
    if (paired->pairs < PAIRS_MIN) {
        return "too few pairs";
    }
    if (!hec_paired_differs(paired)) {
        return "no difference";
    }
    return (paired->effect > 0) == (hec_metric_rows[metric].better > 0) ? "better" : "worse";
}

static double train_s_of(const struct hec_trials *trials, int arm)
{
    double sum = 0;
    int count = trials->folds_count * trials->seeds;
    for (int i = 0; i < count; i++) {
        sum += hec_trial_at(trials, arm, i / trials->seeds, i % trials->seeds)->train_s;
    }
    return sum / count;
}

static void print_arms(const struct hec_trials *trials)
{
    printf("%d folds x %d seeds, the same rows and seeds for every arm\n\n", trials->folds_count,
           trials->seeds);
    printf("%-4s%10s%12s%10s%10s  %s\n", "arm", "parameters", "operations", "us a row", "train s",
           "what");
    for (int a = 0; a < trials->arms_count; a++) {
        const struct hec_trial *trial = hec_trial_at(trials, a, 0, 0);
        printf("%-4c%10zu%12zu%10.2f%10.1f  %s\n", 'A' + a, trial->parameters, trial->flops_per_row,
               trials->row_us[a], train_s_of(trials, a), trials->arms[a].name);
    }
}

static bool has_figures(const struct hec_trials *trials, int head)
{
    return hec_trials_spread(trials, 0, head, HEC_METRIC_AP).folds > 0;
}

static enum hec_status print_head(const struct hec_trials *trials, int head)
{
    printf("\n%s\n%-4s%-28s%-18s%-30s%s\n", trials->heads[head].name, "arm", "metric",
           "mean +- fold sd", "against A [95 %]", "verdict");
    for (int i = 0; i < COMPARED_COUNT; i++) {
        enum hec_metric metric = COMPARED[i];
        int decimals = hec_metric_rows[metric].decimals;
        for (int a = 0; a < trials->arms_count; a++) {
            struct hec_spread spread = hec_trials_spread(trials, a, head, metric);
            struct hec_paired paired;
            char mean[64], effect[96] = "";
            if (spread.folds == 0) {
                continue;
            }
            enum hec_status status = pair(trials, a, head, metric, &paired);
            if (status != HEC_OK) {
                return status;
            }
            snprintf(mean, sizeof(mean), "%.*f +- %.*f", decimals, spread.mean, decimals,
                     spread.fold_sd);
            if (a > 0 && !isnan(paired.low)) {
                snprintf(effect, sizeof(effect), "%+.*f [%+.*f, %+.*f]", decimals + 1,
                         paired.effect, decimals + 1, paired.low, decimals + 1, paired.high);
            }
            printf("%-4c%-28s%-18s%-30s%s\n", 'A' + a, hec_metric_rows[metric].name, mean, effect,
                   a > 0 ? verdict_of(&paired, metric) : "");
        }
    }
    return HEC_OK;
}

static enum hec_status put_arm(yyjson_mut_doc *doc, yyjson_mut_val *arms,
                               const struct hec_trials *trials, int a)
{
    const struct hec_trial *trial = hec_trial_at(trials, a, 0, 0);
    yyjson_mut_val *arm = yyjson_mut_arr_add_obj(doc, arms);
    yyjson_mut_obj_add_str(doc, arm, "name", trials->arms[a].name);
    yyjson_mut_obj_add_uint(doc, arm, "parameters", trial->parameters);
    yyjson_mut_obj_add_uint(doc, arm, "flops_per_row", trial->flops_per_row);
    hec_json_number(doc, arm, "us_per_row", trials->row_us[a]);
    hec_json_number(doc, arm, "train_s", train_s_of(trials, a));
    hec_trials_digests(doc, arm, trials, a);
    yyjson_mut_val *heads = yyjson_mut_obj_add_obj(doc, arm, "heads");
    for (int k = 0; k < trials->heads_count; k++) {
        yyjson_mut_val *head = yyjson_mut_obj_add_obj(doc, heads, trials->heads[k].name);
        for (int m = 0; m < HEC_METRICS; m++) {
            struct hec_spread spread = hec_trials_spread(trials, a, k, (enum hec_metric)m);
            struct hec_paired paired;
            enum hec_status status = pair(trials, a, k, (enum hec_metric)m, &paired);
            if (status != HEC_OK) {
                return status;
            }
            yyjson_mut_val *one = yyjson_mut_obj_add_obj(doc, head, hec_metric_rows[m].name);
            hec_json_number(doc, one, "mean", spread.mean);
            hec_json_number(doc, one, "fold_sd", spread.fold_sd);
            hec_json_number(doc, one, "seed_sd", spread.seed_sd);
            hec_json_number(doc, one, "effect", paired.effect);
            hec_json_number(doc, one, "low", paired.low);
            hec_json_number(doc, one, "high", paired.high);
            yyjson_mut_obj_add_str(doc, one, "verdict",
                                   a == 0 ? "reference" : verdict_of(&paired, (enum hec_metric)m));
        }
    }
    return HEC_OK;
}

static enum hec_status print_json(const struct hec_trials *trials)
{
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_int(doc, root, "folds", trials->folds_count);
    yyjson_mut_obj_add_int(doc, root, "seeds", trials->seeds);
    yyjson_mut_val *arms = yyjson_mut_obj_add_arr(doc, root, "arms");
    enum hec_status status = HEC_OK;
    for (int a = 0; a < trials->arms_count && status == HEC_OK; a++) {
        status = put_arm(doc, arms, trials, a);
    }
    if (status != HEC_OK) {
        yyjson_mut_doc_free(doc);
        return status;
    }
    return hec_json_put(doc) ? HEC_OK : HEC_NO_MEMORY;
}

static int tell(const struct hec_trials *trials, const struct hec_arguments *arguments)
{
    struct hec_error error = { 0 };
    enum hec_status status = HEC_OK;
    if (hec_given(arguments, "json")) {
        status = print_json(trials);
    } else {
        print_arms(trials);
        for (int k = 0; k < trials->heads_count && status == HEC_OK; k++) {
            if (has_figures(trials, k)) {
                status = print_head(trials, k);
            }
        }
        int pairs = trials->folds_count * trials->seeds;
        if (pairs < 20) {
            printf("\n%d pairs an arm: a difference is worth saying from 4 folds x 5 seeds on.\n",
                   pairs);
        }
    }
    if (status != HEC_OK) {
        hec_fail(&error, status, "memory is exhausted");
        return hec_cli_fail(arguments, &error);
    }
    return HEC_EXIT_OK;
}

static int run(const struct hec_arguments *arguments)
{
    struct hec_trials trials;
    size_t count = 0;
    const char *const *texts = hec_texts_of(arguments, "arm", &count);
    if (count < 2 || count > 26) {
        return hec_cli_misused(arguments, "a comparison needs two arms to 26, not %zu", count);
    }
    int status = hec_trials_read(&trials, arguments);
    if (status == HEC_EXIT_OK) {
        status = hec_arms_room(&trials, (int)count, arguments);
    }
    for (size_t a = 0; a < count && status == HEC_EXIT_OK; a++) {
        status = hec_arm_parse(&trials.arms[a], &trials, texts[a], arguments);
    }
    if (status == HEC_EXIT_OK) {
        status = hec_trials_run(&trials, arguments);
    }
    if (status == HEC_EXIT_OK) {
        status = tell(&trials, arguments);
    }
    hec_trials_free(&trials);
    return status;
}

const struct hec_command hec_cmd_compare = {
    .name = "compare",
    .line = "compares recipes, paired by fold and seed, with an interval",
    .examples = { "hecate compare --data events.ndjson.zst --train-from 2018-07-25 --seeds 5 --arm "
                  "\"all:\" --arm \"card: --only card_fraud\"",
                  "hecate compare --data events.ndjson.zst --train-from 2018-07-25 --arm \"plain: "
                  "--dropout 0\" \"half: --dropout 0.5\"" },
    .text = "An arm is \"NAME: FLAGS\": the flags of training, --only HEAD to learn some heads\n"
            "only (the labels of the others are hidden from it), --head-weight HEAD=X. Flags\n"
            "outside of --arm hold for all. The first arm is what the others are compared with.\n"
            "Folds are those of hecate eval --prequential, or --kfold-by user. Choose\n"
            "hyper-parameters on folds that end before the ones that you report.",
    .run = run,
    .flags = {
        HEC_FLAG_DATA,
        { "arm", "ARM", "\"NAME: FLAGS\", two or more", HEC_FLAG_TEXT, .required = true,
          .many = true },
        HEC_FLAGS_FOLDS,
        HEC_FLAGS_JUDGING,
        { "json", NULL, "all figures as JSON", HEC_FLAG_SWITCH },
        HEC_FLAG_HEADS,
        HEC_FLAG_FEATURES,
        HEC_FLAGS_TRAINING,
    },
};
