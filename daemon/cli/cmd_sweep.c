/*
 * hecate sweep: what a weight for one head costs another.
 *
 * One arm for each choice of weights; judged on the validation part of the folds alone, for weights
 * are hyper-parameters and the test is not for choosing. Marked are the choices that no other one
 * beats on every head.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

#include "cli/arms.h"
#include "cli/commands.h"
#include "hecate/statistics.h"

#define WEIGHTS_MAX 16

struct sweep {
    struct hec_trials trials;
    int heads[HEC_HEADS_MAX], heads_count; /* swept */
    double weights[WEIGHTS_MAX];
    int weights_count;
    double *ap; /* (arms, swept heads): mean validation AP */
    bool *front;
};

static int parse_weights(struct sweep *sweep, const struct hec_arguments *arguments)
{
    size_t count = 0;
    const char *const *texts = hec_texts_of(arguments, "weights", &count);
    static const double USUAL[] = { 0.1, 0.3, 1, 3, 10 };
    if (count == 0) {
        memcpy(sweep->weights, USUAL, sizeof(USUAL));
        sweep->weights_count = sizeof(USUAL) / sizeof(USUAL[0]);
    }
    for (size_t i = 0; i < count; i++) {
        char *end = NULL;
        double weight = strtod(texts[i], &end);
        if (end == texts[i] || *end != '\0' || !(weight > 0 && weight <= 1e6) ||
            sweep->weights_count == WEIGHTS_MAX) {
            return hec_cli_misused(arguments,
                                   "--weights are up to %d numbers above 0, not \"%.40s\"",
                                   WEIGHTS_MAX, texts[i]);
        }
        sweep->weights[sweep->weights_count++] = weight;
    }
    return HEC_EXIT_OK;
}

/* Whether a head has a positive in that part of some fold. */
static bool has_positives(const struct hec_trials *trials, int k, enum hec_split split)
{
    for (int f = 0; f < trials->folds_count; f++) {
        const struct hec_fold_rows *fold = &trials->folds[f];
        for (uint32_t row = 0; row < trials->rows.count; row++) {
            if (fold->split[row] == split &&
                fold->targets[row * (uint32_t)trials->heads_count + (uint32_t)k] ==
                    HEC_TARGET_POSITIVE) {
                return true;
            }
        }
    }
    return false;
}

/* Heads that can learn, and be judged on what chooses. */
static void choose_heads(struct sweep *sweep)
{
    const struct hec_trials *trials = &sweep->trials;
    for (int k = 0; k < trials->heads_count; k++) {
        if (trials->heads[k].kind == HEC_HEAD_BINARY && has_positives(trials, k, HEC_SPLIT_TRAIN) &&
            has_positives(trials, k, HEC_SPLIT_VALID)) {
            sweep->heads[sweep->heads_count++] = k;
        }
    }
}

/* Only ratios matter: the first head keeps 1, the others go through all choices. */
static int lay_arms(struct sweep *sweep, const struct hec_arguments *arguments)
{
    int count = 1;
    choose_heads(sweep);
    for (int i = 1; i < sweep->heads_count; i++) {
        count *= sweep->weights_count;
    }
    if (sweep->heads_count < 2) {
        return hec_cli_misused(arguments,
                               "a sweep needs two heads with positives in training and in "
                               "validation; here are %d (see --valid-days)",
                               sweep->heads_count);
    }
    if (count > HEC_ARMS_MAX) {
        return hec_cli_misused(arguments, "%d choices are more than %d: give fewer --weights",
                               count, HEC_ARMS_MAX);
    }
    int status = hec_arms_room(&sweep->trials, count, arguments);
    for (int a = 0; a < count && status == HEC_EXIT_OK; a++) {
        struct hec_arm *arm = &sweep->trials.arms[a];
        char name[80] = "";
        hec_arm_of(arm, &sweep->trials, "", arguments);
        arm->options.weighting = HEC_WEIGHTING_FIXED;
        for (int i = 0, rest = a; i < sweep->heads_count; i++) {
            double weight = i == 0 ? 1 : sweep->weights[rest % sweep->weights_count];
            rest = i == 0 ? rest : rest / sweep->weights_count;
            arm->heads[sweep->heads[i]].loss_weight = (float)weight;
            snprintf(name + strlen(name), sizeof(name) - strlen(name), "%s%g", i == 0 ? "" : ":",
                     weight);
        }
        snprintf(arm->name, sizeof(arm->name), "%s", name);
    }
    return status;
}

static bool judge(struct sweep *sweep)
{
    const struct hec_trials *trials = &sweep->trials;
    size_t arms = (size_t)trials->arms_count, heads = (size_t)sweep->heads_count;
    int trials_an_arm = trials->folds_count * trials->seeds;
    sweep->ap = calloc(arms * heads, sizeof(*sweep->ap));
    sweep->front = calloc(arms, sizeof(*sweep->front));
    if (sweep->ap == NULL || sweep->front == NULL) {
        return false;
    }
    for (size_t a = 0; a < arms; a++) {
        for (size_t i = 0; i < heads; i++) {
            double sum = 0;
            int count = 0;
            for (int t = 0; t < trials_an_arm; t++) {
                double ap = trials->trials[(int)a * trials_an_arm + t].valid_ap[sweep->heads[i]];
                sum += isnan(ap) ? 0 : ap;
                count += !isnan(ap);
            }
            sweep->ap[a * heads + i] = count > 0 ? sum / count : NAN;
        }
    }
    hec_pareto_front(sweep->ap, arms, sweep->heads_count, sweep->front);
    return true;
}

static void print_table(const struct sweep *sweep)
{
    const struct hec_trials *trials = &sweep->trials;
    printf("validation AP, mean of %d folds x %d seeds; * no other choice is as good on every "
           "head\n\n",
           trials->folds_count, trials->seeds);
    printf("%-3s%-20s", "", "weights");
    for (int i = 0; i < sweep->heads_count; i++) {
        printf("  %14s", trials->heads[sweep->heads[i]].name);
    }
    printf("\n");
    for (int a = 0; a < trials->arms_count; a++) {
        printf("%-3s%-20s", sweep->front[a] ? "*" : "", trials->arms[a].name);
        for (int i = 0; i < sweep->heads_count; i++) {
            char text[32];
            printf("  %14s", hec_number_text(text, sweep->ap[a * sweep->heads_count + i], 4));
        }
        printf("\n");
    }
}

static bool print_json(const struct sweep *sweep)
{
    const struct hec_trials *trials = &sweep->trials;
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_arr(doc);
    yyjson_mut_doc_set_root(doc, root);
    for (int a = 0; a < trials->arms_count; a++) {
        yyjson_mut_val *arm = yyjson_mut_arr_add_obj(doc, root);
        yyjson_mut_obj_add_str(doc, arm, "weights", trials->arms[a].name);
        yyjson_mut_obj_add_bool(doc, arm, "front", sweep->front[a]);
        hec_trials_digests(doc, arm, trials, a);
        yyjson_mut_val *heads = yyjson_mut_obj_add_obj(doc, arm, "validation_average_precision");
        for (int i = 0; i < sweep->heads_count; i++) {
            const char *name = trials->heads[sweep->heads[i]].name;
            double ap = sweep->ap[a * sweep->heads_count + i];
            hec_json_number(doc, heads, name, ap);
        }
    }
    return hec_json_put(doc);
}

static int run(const struct hec_arguments *arguments)
{
    struct sweep sweep = { 0 };
    int status = parse_weights(&sweep, arguments);
    if (status != HEC_EXIT_OK) {
        return status;
    }
    status = hec_trials_read(&sweep.trials, arguments);
    if (status == HEC_EXIT_OK) {
        status = lay_arms(&sweep, arguments);
    }
    if (status == HEC_EXIT_OK) {
        status = hec_trials_run(&sweep.trials, arguments);
    }
    if (status == HEC_EXIT_OK && !judge(&sweep)) {
        status = HEC_EXIT_FAILURE;
    }
    if (status == HEC_EXIT_OK && hec_given(arguments, "json")) {
        status = print_json(&sweep) ? HEC_EXIT_OK : HEC_EXIT_FAILURE;
    } else if (status == HEC_EXIT_OK) {
        print_table(&sweep);
    }
    free(sweep.ap);
    free(sweep.front);
    hec_trials_free(&sweep.trials);
    return status;
}

const struct hec_command hec_cmd_sweep = {
    .name = "sweep",
    .line = "tries weights of the heads and lists those that no other beats",
    .examples = { "hecate sweep --data events.ndjson.zst --train-from 2018-06-20 --folds 4",
                  "hecate sweep --data e.ndjson --train-from 2018-06-20 --weights 0.5 1 2" },
    .text = "The first head with positives keeps weight 1, since only ratios matter; the others\n"
            "go through --weights. Judged is the validation part of each fold, never its test:\n"
            "what is chosen by the test is no longer tested by it.",
    .run = run,
    .flags = {
        HEC_FLAG_DATA,
        { "weights", "X", "numbers to try (default 0.1 0.3 1 3 10)", HEC_FLAG_TEXT, .many = true },
        HEC_FLAGS_FOLDS,
        HEC_FLAGS_JUDGING,
        { "json", NULL, "as JSON", HEC_FLAG_SWITCH },
        HEC_FLAG_HEADS,
        HEC_FLAG_FEATURES,
        HEC_FLAGS_TRAINING,
    },
};
