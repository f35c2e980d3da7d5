#include "cli/run_dir.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "cli/epochs.h"
#include "file/csv.h"
#include "file/when.h"

#define FOLDERS_MAX 100 /* of one second and seed */

static enum hec_status make_folder(const char *path, struct hec_error *error)
{
    if (mkdir(path, 0755) == 0 || errno == EEXIST) {
        return HEC_OK;
    }
    return hec_fail(error, errno == EACCES ? HEC_DENIED : HEC_UNAVAILABLE,
                    "--run-dir: cannot make %.300s: %s", path, strerror(errno));
}

static enum hec_status open_in(struct hec_output **output, const struct hec_run *run,
                               const char *name, struct hec_error *error)
{
    char path[600];
    snprintf(path, sizeof(path), "%s/%s", run->path, name);
    return hec_output_open(output, path, error);
}

enum hec_status hec_run_begin(struct hec_run *run, const struct hec_arguments *arguments,
                              uint64_t seed, struct hec_error *error)
{
    const char *dir = hec_text_or(arguments, "run-dir", ".");
    time_t now = time(NULL);
    struct tm utc;
    *run = (struct hec_run){ .arguments = arguments };
    gmtime_r(&now, &utc);
    strftime(run->made, sizeof(run->made), "%Y%m%dT%H%M%SZ", &utc);
    enum hec_status status = make_folder(dir, error);
    int made = -1;
    for (int i = 1; status == HEC_OK && made != 0 && i <= FOLDERS_MAX; i++) {
        int length = snprintf(run->path, sizeof(run->path), "%s/%s-seed%llu", dir, run->made,
                              (unsigned long long)seed);
        if (i > 1 && length > 0 && length < (int)sizeof(run->path)) {
            snprintf(run->path + length, sizeof(run->path) - (size_t)length, "-%d", i);
        }
        made = mkdir(run->path, 0755);
        if (made != 0 && errno != EEXIST) {
            break;
        }
    }
    if (status == HEC_OK && made != 0) {
        status = hec_fail(error, errno == EACCES ? HEC_DENIED : HEC_UNAVAILABLE,
                          "--run-dir: cannot make %.300s: %s", run->path, strerror(errno));
    }
    return status == HEC_OK ? open_in(&run->log, run, "train_log.ndjson", error) : status;
}

void hec_run_free(struct hec_run *run)
{
    hec_output_discard(run->log);
    free(run->epochs);
    *run = (struct hec_run){ 0 };
}

void hec_run_epoch(struct hec_run *run, const struct hec_train_progress *told)
{
    char *line = hec_epoch_line(told);
    hec_output_write(run->log, line == NULL ? "" : line, line == NULL ? 0 : strlen(line));
    hec_output_flush(run->log);
    free(line);
    if (run->epochs_count == run->epochs_room) {
        int room = 2 * run->epochs_room + 64;
        struct hec_epoch *grown = realloc(run->epochs, (size_t)room * sizeof(*grown));
        if (grown == NULL) {
            return; /* the log has it */
        }
        run->epochs = grown;
        run->epochs_room = room;
    }
    struct hec_epoch *epoch = &run->epochs[run->epochs_count++];
    *epoch = (struct hec_epoch){ .conflict_share = told->conflict_share, .best = told->best };
    for (int k = 0; k < told->heads_count; k++) {
        epoch->loss[k] = told->loss[k];
        epoch->valid_ap[k] = told->valid_ap[k];
        epoch->valid_loss[k] = told->valid_loss[k];
        for (int j = 0; j < told->heads_count; j++) {
            epoch->cosine[k][j] = told->cosine[k * told->heads_count + j];
        }
    }
}

/* ---- judging ---- */

/* The judged rows. Owned. */
struct judged {
    struct hec_scores scores;
    struct hec_evaluation evaluation;
    uint32_t *pick;
    float *score;
    int8_t *truth;
    uint8_t *mask[HEC_HEADS_MAX];
    char what[128];
    struct hec_beside beside[HEC_BESIDE_MAX];
    int beside_count;
};

static void judged_free(struct judged *judged)
{
    free(judged->pick);
    free(judged->score);
    free(judged->truth);
    for (int k = 0; k < HEC_HEADS_MAX; k++) {
        free(judged->mask[k]);
    }
}

/* Truth as the whole log knows it, without what nobody needs a model for. */
static bool know(struct judged *judged, const struct hec_run_facts *facts)
{
    const struct hec_model_info *info = hec_model_info(facts->model);
    const struct hec_labelled log = hec_rows_labelled(facts->rows);
    size_t rows = (size_t)log.rows + 1, heads = (size_t)info->heads_count;
    judged->truth = malloc(rows * heads);
    judged->pick = malloc(rows * sizeof(*judged->pick));
    bool done = judged->truth != NULL && judged->pick != NULL &&
                hec_fold_targets(&log, info->heads, info->heads_count, facts->last_ms,
                                 judged->truth, NULL) == HEC_OK;
    for (size_t k = 0; k < heads && done; k++) {
        judged->mask[k] = malloc(rows);
        done = judged->mask[k] != NULL;
        if (done) {
            memcpy(judged->mask[k], facts->test, log.rows);
            done =
                hec_fold_drop_known(&log, facts->fold, &info->heads[k], judged->mask[k]) == HEC_OK;
        }
    }
    return done;
}

/* Rows after the labels were known, if there is something to find among them. */
static void choose(struct judged *judged, const struct hec_run_facts *facts)
{
    const struct hec_model_info *info = hec_model_info(facts->model);
    size_t heads = (size_t)info->heads_count;
    uint64_t positives = 0;
    uint32_t picks = 0;
    for (uint32_t row = 0; row < facts->rows->count; row++) {
        for (size_t k = 0; k < heads; k++) {
            positives += info->heads[k].kind == HEC_HEAD_BINARY && judged->mask[k][row] &&
                         judged->truth[row * heads + k] == HEC_TARGET_POSITIVE;
        }
        if (facts->test[row]) {
            judged->pick[picks++] = row;
        }
    }
    snprintf(judged->what, sizeof(judged->what),
             "the events after the labels were known, without cards known to be compromised");
    if (positives == 0) {
        picks = 0;
        for (uint32_t row = 0; row < facts->rows->count; row++) {
            if (facts->split[row] == HEC_SPLIT_VALID) {
                judged->pick[picks++] = row;
            }
        }
        memcpy(judged->truth, facts->targets, (size_t)facts->rows->count * heads);
        for (size_t k = 0; k < heads; k++) {
            memset(judged->mask[k], 1, facts->rows->count);
        }
        snprintf(judged->what, sizeof(judged->what),
                 "the validation rows, by which the epoch was chosen: later events with a known "
                 "fraud there are not");
    }
    judged->scores = (struct hec_scores){ .rows = facts->rows,
                                          .count = picks,
                                          .pick = judged->pick,
                                          .stride = info->heads_count,
                                          .targets = judged->truth,
                                          .heads_count = info->heads_count,
                                          .heads = info->heads,
                                          .thresholds = info->thresholds };
    for (size_t k = 0; k < heads; k++) {
        judged->scores.mask[k] = judged->mask[k];
    }
}

/* Somebody else's scores, from a CSV; rows that it leaves out have none. */
static enum hec_status read_beside(struct judged *judged, const char *text,
                                   const struct hec_judge_options *judging, struct hec_error *error)
{
    const char *path = strchr(text, '=');
    struct hec_scores scores = judged->scores;
    size_t heads = (size_t)scores.heads_count, cells = scores.count * heads;
    struct hec_beside *beside = &judged->beside[judged->beside_count];
    struct hec_evaluation evaluation;
    struct hec_csv *csv = NULL;
    const char *const *row;
    if (path == NULL || judged->beside_count == HEC_BESIDE_MAX) {
        return hec_fail(error, HEC_INVALID, "--beside must be NAME=CSV, at most %d, not \"%.60s\"",
                        HEC_BESIDE_MAX, text);
    }
    float *score = malloc((cells + 1) * sizeof(*score));
    uint32_t *place = malloc(((size_t)scores.rows->count + 1) * sizeof(*place));
    enum hec_status status = score == NULL || place == NULL
                                 ? hec_fail(error, HEC_NO_MEMORY, "memory is exhausted")
                                 : hec_csv_open(&csv, path + 1, error);
    for (size_t i = 0; status == HEC_OK && i < cells; i++) {
        score[i] = NAN;
    }
    for (uint32_t i = 0; status == HEC_OK && i < scores.rows->count; i++) {
        place[i] = UINT32_MAX;
    }
    for (uint32_t i = 0; status == HEC_OK && i < scores.count; i++) {
        place[scores.pick[i]] = i;
    }
    int id = status == HEC_OK ? hec_csv_column(csv, "event_id") : -1;
    if (status == HEC_OK && id < 0) {
        status = hec_fail(error, HEC_INVALID, "%.300s has no column event_id", path + 1);
    }
    while (status == HEC_OK && (status = hec_csv_next(csv, &row, error)) == HEC_OK) {
        uint32_t at = hec_rows_find(scores.rows, row[id], strlen(row[id]));
        for (size_t k = 0; k < heads && at != UINT32_MAX && place[at] != UINT32_MAX; k++) {
            int column = hec_csv_column(csv, scores.heads[k].name);
            if (column >= 0 && row[column][0] != '\0') {
                score[place[at] * heads + k] = strtof(row[column], NULL);
                beside->has[k] = true;
            }
        }
    }
    status = status == HEC_END ? HEC_OK : status;
    scores.score = score;
    if (status == HEC_OK && hec_evaluate(&evaluation, &scores, judging) != HEC_OK) {
        status = hec_fail(error, HEC_NO_MEMORY, "memory is exhausted");
    }
    if (status == HEC_OK) {
        static char names[HEC_BESIDE_MAX][64];
        char *name = names[judged->beside_count];
        snprintf(name, sizeof(names[0]), "%.*s", (int)(path - text), text);
        beside->name = name;
        memcpy(beside->told, evaluation.told, sizeof(beside->told));
        judged->beside_count++;
    }
    hec_csv_free(csv);
    free(score);
    free(place);
    return status;
}

static enum hec_status judge(struct judged *judged, const struct hec_run *run,
                             const struct hec_run_facts *facts,
                             const struct hec_judge_options *judging, struct hec_error *error)
{
    size_t heads = (size_t)hec_model_info(facts->model)->heads_count;
    if (!know(judged, facts)) {
        return hec_fail(error, HEC_NO_MEMORY, "memory is exhausted");
    }
    choose(judged, facts);
    judged->score = malloc((judged->scores.count * heads + 1) * sizeof(*judged->score));
    judged->scores.score = judged->score;
    if (judged->score == NULL ||
        hec_score_rows(judged->score, (int)heads, facts->model, facts->rows, judged->pick,
                       judged->scores.count) != HEC_OK ||
        hec_evaluate(&judged->evaluation, &judged->scores, judging) != HEC_OK) {
        return hec_fail(error, HEC_NO_MEMORY, "memory is exhausted");
    }
    size_t count = 0;
    const char *const *beside = hec_texts_of(run->arguments, "beside", &count);
    enum hec_status status = HEC_OK;
    for (size_t i = 0; i < count && status == HEC_OK; i++) {
        status = read_beside(judged, beside[i], judging, error);
    }
    return status;
}

/* ---- the files ---- */

static enum hec_status write_text(const struct hec_run *run, const char *name, const char *text,
                                  struct hec_error *error)
{
    struct hec_output *output = NULL;
    if (text == NULL) {
        return hec_fail(error, HEC_NO_MEMORY, "memory is exhausted");
    }
    enum hec_status status = open_in(&output, run, name, error);
    if (status == HEC_OK) {
        hec_output_write(output, text, strlen(text));
        status = hec_output_close(output, error);
    }
    return status;
}

static void write_id(struct hec_output *output, const char *id)
{
    if (strpbrk(id, ",\"\r\n") == NULL) {
        hec_output_write(output, id, strlen(id));
        return;
    }
    hec_output_write(output, "\"", 1);
    for (; *id != '\0'; id++) {
        hec_output_write(output, "\"\"", *id == '"' ? 1 : 0);
        hec_output_write(output, id, 1);
    }
    hec_output_write(output, "\"", 1);
}

static enum hec_status write_predictions(const struct hec_run *run, const struct judged *judged,
                                         struct hec_error *error)
{
    const struct hec_scores *scores = &judged->scores;
    struct hec_output *output = NULL;
    size_t heads = (size_t)scores->heads_count;
    enum hec_status status = open_in(&output, run, "predictions.csv", error);
    if (status != HEC_OK) {
        return status;
    }
    hec_output_print(output, "event_id,event_type,event_time_ms");
    for (size_t k = 0; k < heads; k++) {
        hec_output_print(output, ",%s_label,%s", scores->heads[k].name, scores->heads[k].name);
    }
    for (uint32_t i = 0; i < scores->count; i++) {
        uint32_t row = scores->pick[i];
        hec_output_print(output, "\n");
        write_id(output, scores->rows->ids + scores->rows->id_at[row]);
        hec_output_print(output, ",%s,%lld",
                         hec_event_type_name((enum hec_event_type)scores->rows->event_type[row]),
                         (long long)scores->rows->event_ms[row]);
        for (size_t k = 0; k < heads; k++) {
            int8_t target = scores->targets[row * heads + k];
            float score = scores->score[i * heads + k];
            bool counts = target >= 0 && scores->mask[k][row];
            hec_output_print(output, counts ? ",%d," : ",,", target);
            if (!isnan(score)) {
                hec_output_print(output, "%.9g", (double)score);
            }
        }
    }
    hec_output_print(output, "\n");
    return hec_output_close(output, error);
}

static enum hec_status write_report(const struct hec_run *run, const struct hec_run_facts *facts,
                                    const struct judged *judged,
                                    const struct hec_judge_options *judging, const char *settings,
                                    struct hec_error *error)
{
    struct hec_report report = { .study = { .rows = facts->rows,
                                            .model = facts->model,
                                            .scores = &judged->scores,
                                            .targets = facts->targets,
                                            .split = facts->split,
                                            .judging = *judging },
                                 .evaluation = &judged->evaluation,
                                 .judged = judged->what,
                                 .model_sha256 = facts->model_sha256,
                                 .settings = settings,
                                 .epochs = run->epochs,
                                 .epochs_count = run->epochs_count,
                                 .card_k = judging->card_k,
                                 .beside = judged->beside,
                                 .beside_count = judged->beside_count };
    char *page = NULL;
    size_t length = 0;
    FILE *to = open_memstream(&page, &length);
    enum hec_status status = to == NULL ? HEC_NO_MEMORY : hec_report_write(&report, to);
    bool closed = to != NULL && fclose(to) == 0;
    status = status == HEC_OK && closed ? HEC_OK : HEC_NO_MEMORY;
    status = status == HEC_OK ? write_text(run, "report.html", page, error)
                              : hec_fail(error, status, "memory is exhausted");
    free(page);
    return status;
}

static char *card_text(const struct hec_run_facts *facts, const struct judged *judged)
{
    const struct hec_model_info *info = hec_model_info(facts->model);
    char from[HEC_WHEN_BYTES], until[HEC_WHEN_BYTES], *text = NULL, cell[32];
    size_t length = 0;
    FILE *to = open_memstream(&text, &length);
    if (to == NULL) {
        return NULL;
    }
    hec_when_print(from, info->train_from_ms);
    hec_when_print(until, info->train_to_ms);
    fprintf(to,
            "# Model card\n\nsha256 `%s`, %zu parameters, %zu operations a row.\n\n"
            "## What it is for\n\nIt ranks events for people who look into them, or for rules that "
            "a bank answers for. It\nscores one event at a time from what the event says and what "
            "went before. It decides nothing\nby itself and says nothing about a person.\n\n"
            "## What it learned from\n\n%llu rows of %.10s to %.10s, %d numbers and %d categories, "
            "seed %llu. Labels that came\nlater than the training knew are not in it. Frauds that "
            "nobody reported count as genuine.\n\n## How good it is\n\nOn %s.\n\n"
            "| head | rows | positives | average precision | AUC | ECE | threshold | precision | "
            "recall |\n|---|---|---|---|---|---|---|---|---|\n",
            facts->model_sha256, info->parameters, info->flops_per_row,
            (unsigned long long)info->train_rows, from, until, info->columns.numerics,
            info->columns.categories, (unsigned long long)info->seed, judged->what);
    for (int k = 0; k < info->heads_count; k++) {
        static const enum hec_metric FIRST[] = { HEC_METRIC_AP, HEC_METRIC_AUC, HEC_METRIC_ECE };
        const struct hec_judgement *told = &judged->evaluation.told[k];
        fprintf(to, "| %s | %llu | %llu ", info->heads[k].name, (unsigned long long)told->rows,
                (unsigned long long)told->positives);
        for (int m = 0; m < 3; m++) {
            fprintf(
                to, "| %s ",
                hec_number_text(cell, told->value[FIRST[m]], hec_metric_rows[FIRST[m]].decimals));
        }
        fprintf(to, "| %.6f ", told->threshold);
        fprintf(to, "| %s ", hec_number_text(cell, told->value[HEC_METRIC_PRECISION], 3));
        fprintf(to, "| %s |\n", hec_number_text(cell, told->value[HEC_METRIC_RECALL], 3));
    }
    fputs(
        "\n## What it is not good for\n\nAnother bank, another currency mix or another time than "
        "the one it learned: judge it there\nfirst (`hecate eval`). A head with few positives has "
        "wide intervals; see metrics.json. The\nanomaly head tells what is unusual, not what is "
        "fraud.\n",
        to);
    return fclose(to) == 0 ? text : NULL;
}

enum hec_status hec_run_finish(struct hec_run *run, const struct hec_run_facts *facts,
                               struct hec_error *error)
{
    struct judged judged = { 0 };
    struct hec_judge_options judging;
    char sha[128], *settings = hec_run_json(run, facts), *figures = NULL, *card = NULL;
    hec_judge_defaults(&judging);
    enum hec_status status = hec_output_close(run->log, error);
    run->log = NULL;
    if (status == HEC_OK) {
        status = write_text(run, "run.json", settings, error);
    }
    if (status == HEC_OK) {
        status = judge(&judged, run, facts, &judging, error);
    }
    if (status == HEC_OK) {
        snprintf(sha, sizeof(sha), "{\"model_sha256\": \"%s\"}", facts->model_sha256);
        figures = hec_evaluation_json(&judged.evaluation, judging.card_k, sha);
        card = card_text(facts, &judged);
        status = write_text(run, "metrics.json", figures, error);
    }
    if (status == HEC_OK) {
        status = write_text(run, "model_card.md", card, error);
    }
    if (status == HEC_OK) {
        status = write_predictions(run, &judged, error);
    }
    if (status == HEC_OK) {
        status = write_report(run, facts, &judged, &judging, settings, error);
    }
    free(settings);
    free(figures);
    free(card);
    judged_free(&judged);
    return status;
}
