/*
 * hecate correlate: what the heads have to do with each other.
 *
 *   labels    phi of the labels, event by event and user by user
 *   scores    Spearman's rank correlation of the scores on the test rows
 *   gradients cosine at the shared representation, and the share of steps in conflict
 *   transfer  a model that learned head i alone, judged by the truth of head j
 *
 * A head may be worth training with another when the other's model already ranks its positives.
 */
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

#include "cli/arms.h"
#include "cli/commands.h"
#include "hecate/metrics.h"
#include "hecate/statistics.h"

struct relation {
    double phi_events, phi_users; /* NaN where a label never varies */
    uint64_t events, both;        /* co-labelled events; positive for both */
    double spearman;              /* of the scores of one model for all heads */
    double cosine;                /* of the gradients at its shared representation */
    double ap, auc;               /* learned the row's head, judged by the column's truth */
};

struct correlation {
    struct hec_trials trials;
    int heads[HEC_HEADS_MAX], count;
    int8_t *truth; /* (rows, heads): another head's fraud is a negative here */
    struct relation relation[HEC_HEADS_MAX][HEC_HEADS_MAX];
};

/* For correlation "a crime, but not mine" is a plain no. */
static bool read_labels(struct correlation *all)
{
    const struct hec_trials *trials = &all->trials;
    const struct hec_labelled log = hec_rows_labelled(&trials->rows);
    struct hec_head heads[HEC_HEADS_MAX];
    memcpy(heads, trials->heads, sizeof(heads));
    for (int k = 0; k < trials->heads_count; k++) {
        heads[k].others_are_negative = true;
    }
    all->truth = malloc(((size_t)log.rows + 1) * (size_t)trials->heads_count);
    return all->truth != NULL && hec_fold_targets(&log, heads, trials->heads_count,
                                                  trials->rows.last_ms, all->truth, NULL) == HEC_OK;
}

struct user_label {
    uint64_t user;
    uint8_t first, second;
};

static int by_user(const void *a, const void *b)
{
    uint64_t x = ((const struct user_label *)a)->user, y = ((const struct user_label *)b)->user;
    return (x > y) - (x < y);
}

static double phi_of(const struct user_label *labels, size_t n, uint64_t *both)
{
    uint64_t table[2][2] = { { 0 } };
    for (size_t i = 0; i < n; i++) {
        table[labels[i].first][labels[i].second]++;
    }
    *both = table[1][1];
    return hec_phi(table[1][1], table[1][0], table[0][1], table[0][0]);
}

static bool correlate_labels(struct correlation *all, int i, int j)
{
    const struct hec_rows *rows = &all->trials.rows;
    size_t heads = (size_t)all->trials.heads_count, n = 0, users = 0;
    struct relation *relation = &all->relation[i][j];
    struct user_label *labels = malloc(((size_t)rows->count + 1) * sizeof(*labels));
    uint64_t ignored;
    if (labels == NULL) {
        return false;
    }
    for (uint32_t row = 0; row < rows->count; row++) {
        int8_t first = all->truth[row * heads + (size_t)all->heads[i]];
        int8_t second = all->truth[row * heads + (size_t)all->heads[j]];
        if (first >= 0 && second >= 0) {
            labels[n++] = (struct user_label){ rows->user[row], (uint8_t)first, (uint8_t)second };
        }
    }
    relation->events = n;
    relation->phi_events = phi_of(labels, n, &relation->both);
    qsort(labels, n, sizeof(*labels), by_user);
    for (size_t k = 0; k < n; k++) {
        if (users > 0 && labels[users - 1].user == labels[k].user) {
            labels[users - 1].first |= labels[k].first;
            labels[users - 1].second |= labels[k].second;
        } else {
            labels[users++] = labels[k];
        }
    }
    relation->phi_users = phi_of(labels, users, &ignored);
    free(labels);
    return true;
}

/* Mean over folds of the rank correlation of two columns of scores. */
static bool correlate_scores(struct correlation *all, int i, int j)
{
    const struct hec_trials *trials = &all->trials;
    size_t heads = (size_t)trials->heads_count;
    double sum = 0;
    int folds = 0;
    for (int f = 0; f < trials->folds_count; f++) {
        const struct hec_trial *trial = hec_trial_at(trials, 0, f, 0);
        uint32_t picks = trials->folds[f].picks, n = 0;
        float *x = malloc(((size_t)picks + 1) * 2 * sizeof(*x));
        if (x == NULL) {
            return false;
        }
        for (uint32_t p = 0; p < picks; p++) {
            float first = trial->score[p * heads + (size_t)all->heads[i]];
            float second = trial->score[p * heads + (size_t)all->heads[j]];
            if (!isnan(first) && !isnan(second)) {
                x[n] = first;
                x[picks + n++] = second;
            }
        }
        double rho = hec_spearman(x, x + picks, n);
        free(x);
        sum += isnan(rho) ? 0 : rho;
        folds += !isnan(rho);
    }
    all->relation[i][j].spearman = folds > 0 ? sum / folds : NAN;
    return true;
}

/* Mean over the epochs of every training of all heads. */
static void correlate_gradients(struct correlation *all, int i, int j)
{
    const struct hec_trials *trials = &all->trials;
    double sum = 0;
    int count = 0;
    for (int t = 0; t < trials->folds_count * trials->seeds; t++) {
        sum += trials->trials[t].cosine[all->heads[i]][all->heads[j]];
        count += trials->trials[t].cosines[all->heads[i]][all->heads[j]];
    }
    all->relation[i][j].cosine = i == j ? 1 : count > 0 ? sum / count : NAN;
}

/* Share of steps in which two heads pulled against each other, mean over trainings. */
static double conflict_share(const struct correlation *all)
{
    const struct hec_trials *trials = &all->trials;
    double sum = 0;
    int epochs = 0;
    for (int t = 0; t < trials->folds_count * trials->seeds; t++) {
        sum += trials->trials[t].conflict_share;
        epochs += trials->trials[t].epochs;
    }
    return epochs > 0 ? sum / epochs : NAN;
}

/* Arm 1 + i learned head i alone; its scores against the truth of head j on j's test rows. */
static bool transfer(struct correlation *all, int i, int j)
{
    const struct hec_trials *trials = &all->trials;
    double ap = 0, auc = 0;
    int judged = 0;
    for (int f = 0; f < trials->folds_count; f++) {
        for (int s = 0; s < trials->seeds; s++) {
            const struct hec_trial *trial = hec_trial_at(trials, 1 + i, f, s);
            struct hec_scores scores =
                hec_trials_scores(trials, f, trial->score, trial->thresholds);
            struct hec_gathered rows;
            /* Head j's rows, with head i's column of scores in its place. */
            scores.score += all->heads[i] - all->heads[j];
            bool gathered = hec_gather(&rows, &scores, all->heads[j]) == HEC_OK;
            double one = hec_metric_average_precision(rows.score, rows.label, rows.n);
            if (gathered && !isnan(one)) {
                ap += one;
                auc += hec_metric_roc_auc(rows.score, rows.label, rows.n);
                judged++;
            }
            hec_gathered_free(&rows);
            if (!gathered) {
                return false;
            }
        }
    }
    all->relation[i][j].ap = judged > 0 ? ap / judged : NAN;
    all->relation[i][j].auc = judged > 0 ? auc / judged : NAN;
    return true;
}

static int lay_arms(struct correlation *all, const struct hec_arguments *arguments)
{
    struct hec_trials *trials = &all->trials;
    for (int k = 0; k < trials->heads_count; k++) {
        if (trials->heads[k].kind == HEC_HEAD_BINARY && !trials->heads[k].hidden) {
            all->heads[all->count++] = k;
        }
    }
    int status = hec_arms_room(trials, 1 + all->count, arguments);
    for (int a = 0; a <= all->count && status == HEC_EXIT_OK; a++) {
        struct hec_arm *arm = &trials->arms[a];
        hec_arm_of(arm, trials, a == 0 ? "all heads" : trials->heads[all->heads[a - 1]].name,
                   arguments);
        arm->learned = a == 0 ? ~UINT32_C(0) : UINT32_C(1) << all->heads[a - 1];
    }
    return status;
}

static double of_all(const struct correlation *all, int j, enum hec_metric metric)
{
    return hec_trials_spread(&all->trials, 0, all->heads[j], metric).mean;
}

static void print_square(const struct correlation *all, const char *title, size_t member,
                         int decimals)
{
    printf("\n%s\n%-16s", title, "");
    for (int j = 0; j < all->count; j++) {
        printf("  %14s", all->trials.heads[all->heads[j]].name);
    }
    printf("\n");
    for (int i = 0; i < all->count; i++) {
        printf("%-16s", all->trials.heads[all->heads[i]].name);
        for (int j = 0; j < all->count; j++) {
            char text[32];
            double value;
            memcpy(&value, (const char *)&all->relation[i][j] + member, sizeof(value));
            printf("  %14s", hec_number_text(text, value, decimals));
        }
        printf("\n");
    }
}

static void print_all(const struct correlation *all)
{
    char ap[32], auc[32];
    printf("labels on %llu co-labelled events, %llu of them positive for two heads\n",
           (unsigned long long)all->relation[0][all->count > 1].events,
           (unsigned long long)all->relation[0][all->count > 1].both);
    print_square(all, "phi of labels, by event", offsetof(struct relation, phi_events), 3);
    print_square(all, "phi of labels, by user (any positive)", offsetof(struct relation, phi_users),
                 3);
    print_square(all, "Spearman of scores, one model for all heads",
                 offsetof(struct relation, spearman), 3);
    print_square(all, "cosine of gradients at the shared representation",
                 offsetof(struct relation, cosine), 3);
    printf("steps in conflict %s\n", hec_number_text(ap, conflict_share(all), 3));
    print_square(all, "transfer: learned the row's head alone, AP on the column's truth",
                 offsetof(struct relation, ap), 3);
    print_square(all, "transfer: the same, ROC AUC", offsetof(struct relation, auc), 3);
    printf("\nall heads together\n");
    for (int j = 0; j < all->count; j++) {
        printf("%-16s  AP %s, AUC %s\n", all->trials.heads[all->heads[j]].name,
               hec_number_text(ap, of_all(all, j, HEC_METRIC_AP), 3),
               hec_number_text(auc, of_all(all, j, HEC_METRIC_AUC), 3));
    }
}

static bool print_json(const struct correlation *all)
{
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_arr(doc);
    yyjson_mut_doc_set_root(doc, root);
    for (int i = 0; i < all->count; i++) {
        for (int j = 0; j < all->count; j++) {
            const struct relation *relation = &all->relation[i][j];
            yyjson_mut_val *one = yyjson_mut_arr_add_obj(doc, root);
            yyjson_mut_obj_add_str(doc, one, "learned", all->trials.heads[all->heads[i]].name);
            yyjson_mut_obj_add_str(doc, one, "judged", all->trials.heads[all->heads[j]].name);
            yyjson_mut_obj_add_uint(doc, one, "events", relation->events);
            yyjson_mut_obj_add_uint(doc, one, "both_positive", relation->both);
            hec_json_number(doc, one, "phi_events", relation->phi_events);
            hec_json_number(doc, one, "phi_users", relation->phi_users);
            hec_json_number(doc, one, "spearman", relation->spearman);
            hec_json_number(doc, one, "gradient_cosine", relation->cosine);
            hec_json_number(doc, one, "average_precision", relation->ap);
            hec_json_number(doc, one, "roc_auc", relation->auc);
        }
    }
    return hec_json_put(doc);
}

static int correlate(struct correlation *all, const struct hec_arguments *arguments)
{
    struct hec_error error = { 0 };
    bool done = read_labels(all);
    for (int i = 0; i < all->count && done; i++) {
        for (int j = 0; j < all->count && done; j++) {
            correlate_gradients(all, i, j);
            done =
                correlate_labels(all, i, j) && correlate_scores(all, i, j) && transfer(all, i, j);
        }
    }
    if (!done) {
        hec_fail(&error, HEC_NO_MEMORY, "memory is exhausted");
        return hec_cli_fail(arguments, &error);
    }
    if (hec_given(arguments, "json")) {
        return print_json(all) ? HEC_EXIT_OK : HEC_EXIT_FAILURE;
    }
    print_all(all);
    return HEC_EXIT_OK;
}

static int run(const struct hec_arguments *arguments)
{
    struct correlation *all = calloc(1, sizeof(*all));
    if (all == NULL) {
        return HEC_EXIT_FAILURE;
    }
    int status = hec_trials_read(&all->trials, arguments);
    if (status == HEC_EXIT_OK) {
        status = lay_arms(all, arguments);
    }
    if (status == HEC_EXIT_OK) {
        status = hec_trials_run(&all->trials, arguments);
    }
    if (status == HEC_EXIT_OK) {
        status = correlate(all, arguments);
    }
    free(all->truth);
    hec_trials_free(&all->trials);
    free(all);
    return status;
}

const struct hec_command hec_cmd_correlate = {
    .name = "correlate",
    .line = "tells what the heads have to do with each other",
    .examples = { "hecate correlate --data events.ndjson.zst --train-from 2025-01-20 "
                  "--train-days 40 --folds 1",
                  "hecate correlate --data events.ndjson.zst --train-from 2018-07-25 --json" },
    .text = "Labels: phi, event by event and user by user. Scores: Spearman. Gradients: cosine at\n"
            "the shared representation. Transfer: a model that learned one head alone is judged\n"
            "by the truth of each. Folds as in hecate eval.",
    .run = run,
    .flags = {
        HEC_FLAG_DATA,
        HEC_FLAGS_FOLDS,
        HEC_FLAGS_JUDGING,
        { "json", NULL, "as JSON", HEC_FLAG_SWITCH },
        HEC_FLAG_HEADS,
        HEC_FLAG_FEATURES,
        HEC_FLAGS_TRAINING,
    },
};
