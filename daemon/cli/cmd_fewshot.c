/*
 * hecate fewshot: how many examples a head needs, and what it may start from.
 *
 * One head, several arms, several numbers of shots, several seeds. Every arm of one seed learns
 * from the same frauds and the same others and is judged on the same later rows, so that
 * differences are paired; each training is what hecate train would have done.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/arms.h"
#include "cli/commands.h"
#include "cli/evaluation.h"
#include "cli/journey.h"
#include "cli/shots_out.h"
#include "cli/training.h"
#include "cli/warm.h"
#include "cli/workers.h"
#include "file/model_file.h"
#include "hecate/metrics.h"
#include "hecate/statistics.h"

#define ARMS_MAX 12
#define SHOTS_MAX 16
#define TOKENS_MAX 64

struct arm {
    char name[48];
    struct hec_train_options options;
    struct hec_model *start; /* owned; NULL: from a draw */
};

struct result {
    double ap, auc, train_s;
    struct hec_error error;
};

struct study {
    struct hec_fold fold;
    struct hec_head head;
    struct hec_luggage luggage;
    struct hec_rows rows;
    int8_t *targets, *truth;
    uint8_t *split, *code, *test;
    uint32_t *pick, picks;
    struct arm arms[ARMS_MAX];
    int arms_count, shots_count, seeds;
    uint32_t shots[SHOTS_MAX];
    uint64_t seed;
    struct result *results; /* (arms, shots, seeds) */
    struct hec_output *out; /* NULL: none was asked for */
};

static struct result *result_at(const struct study *study, int arm, int shots, int seed)
{
    return &study->results[(arm * study->shots_count + shots) * study->seeds + seed];
}

/* ---- reading ---- */

static enum hec_status on_batch(void *user, const struct hec_batch *batch,
                                const struct hec_line *lines, struct hec_error *error)
{
    struct study *study = user;
    (void)lines;
    return hec_rows_take(&study->rows, batch, study->fold.train_from_ms, study->fold.test_to_ms,
                         error);
}

static enum hec_status lay_out(struct study *study, struct hec_error *error)
{
    struct hec_labelled log = hec_rows_labelled(&study->rows);
    size_t room = (size_t)log.rows + 1;
    study->targets = malloc(room);
    study->truth = malloc(room);
    study->split = malloc(room);
    study->code = malloc(room);
    study->test = malloc(room);
    study->pick = malloc(room * sizeof(*study->pick));
    if (study->targets == NULL || study->truth == NULL || study->split == NULL ||
        study->code == NULL || study->test == NULL || study->pick == NULL ||
        hec_fold_targets(&log, &study->head, 1, study->fold.known_at_ms, study->targets,
                         study->code) != HEC_OK ||
        hec_fold_targets(&log, &study->head, 1, study->rows.last_ms, study->truth, NULL) !=
            HEC_OK) {
        return hec_fail(error, HEC_NO_MEMORY, "memory is exhausted");
    }
    hec_fold_split(&log, &study->fold, study->split, study->test);
    if (hec_fold_drop_known(&log, &study->fold, &study->head, study->test) != HEC_OK) {
        return hec_fail(error, HEC_NO_MEMORY, "memory is exhausted");
    }
    uint32_t frauds = 0, known = 0;
    for (uint32_t row = 0; row < log.rows; row++) {
        known += study->split[row] == HEC_SPLIT_TRAIN && study->targets[row] == HEC_TARGET_POSITIVE;
        if (study->test[row] && study->truth[row] >= 0) {
            study->pick[study->picks++] = row;
            frauds += study->truth[row] == HEC_TARGET_POSITIVE;
        }
    }
    for (int i = 0; i < study->shots_count; i++) {
        if (study->shots[i] > known) {
            return hec_fail(
                error, HEC_INVALID,
                "--shots %u: the window has only %u frauds of head '%s' that were known "
                "in time; see --train-from and --known-at",
                study->shots[i], known, study->head.name);
        }
    }
    return frauds > 0 ? HEC_OK
                      : hec_fail(error, HEC_INVALID,
                                 "none of %u test rows is a fraud of head '%s'; see --test-from",
                                 study->picks, study->head.name);
}

/* ---- arms ---- */

static int no_run(const struct hec_arguments *arguments)
{
    (void)arguments;
    return HEC_EXIT_USAGE;
}

/* Never run: the table that an arm's text is understood by. */
static const struct hec_command ARM = {
    .name = "fewshot --arm",
    .line = "an arm of the study",
    .run = no_run,
    .flags = { HEC_FLAGS_RECIPE, HEC_FLAGS_START },
};

static int parse_arm(struct arm *arm, const char *text, const struct hec_arguments *arguments)
{
    char *tokens[TOKENS_MAX];
    int count = 0;
    const char *colon = strchr(text, ':');
    if (colon == NULL || colon == text) {
        return hec_cli_misused(
            arguments,
            "--arm takes a name, a colon and flags of train, as in \"scratch:\" or "
            "\"wide: --tower 64\", not \"%.80s\"",
            text);
    }
    char *words = strdup(colon + 1);
    struct hec_arguments own;
    struct hec_error error = { 0 };
    char sha256[HEC_SHA256_HEX];
    snprintf(arm->name, sizeof(arm->name), "%.*s", (int)(colon - text), text);
    for (char *word = words == NULL ? NULL : strtok(words, " \t\n");
         word != NULL && count < TOKENS_MAX; word = strtok(NULL, " \t\n")) {
        tokens[count++] = word;
    }
    int status = HEC_EXIT_USAGE;
    if (hec_arguments_parse(&own, &ARM, count, tokens, stderr) == HEC_OK) {
        const char *path = hec_text_or(&own, "warm-start", NULL);
        status = hec_warm_start_flags(&own);
        if (status == HEC_EXIT_OK && path != NULL &&
            hec_model_file_load(&arm->start, sha256, path, NULL, &error) != HEC_OK) {
            status = hec_cli_fail(arguments, &error);
        }
        struct hec_warm warm = { .model = arm->start, .new_head = -1 };
        hec_training_options(&arm->options, &own);
        hec_warm_options(&warm, &arm->options, &own);
        if (status == HEC_EXIT_OK && path == NULL &&
            hec_network_check(&arm->options.network, &error) != HEC_OK) {
            status = hec_cli_misused(arguments, "--arm %s: %s", arm->name, error.text);
        }
        hec_arguments_free(&own);
    }
    free(words);
    return status;
}

static int read_arms(struct study *study, const struct hec_arguments *arguments)
{
    size_t count = 0;
    const char *const *texts = hec_texts_of(arguments, "arm", &count);
    if (count > ARMS_MAX) {
        return hec_cli_misused(arguments, "at most %d arms", ARMS_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        int status = parse_arm(&study->arms[study->arms_count++], texts[i], arguments);
        if (status != HEC_EXIT_OK) {
            return status;
        }
    }
    const char *const *shots = hec_texts_of(arguments, "shots", &count);
    if (count > SHOTS_MAX) {
        return hec_cli_misused(arguments, "at most %d numbers of --shots", SHOTS_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        char *end;
        unsigned long long number = strtoull(shots[i], &end, 10);
        if (end == shots[i] || *end != '\0' || number < 1 || number > 1000000) {
            return hec_cli_misused(arguments,
                                   "--shots takes numbers from 1 to 1000000, not "
                                   "\"%.40s\"",
                                   shots[i]);
        }
        study->shots[study->shots_count++] = (uint32_t)number;
    }
    return HEC_EXIT_OK;
}

/* ---- one training ---- */

static double thread_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static enum hec_status judge(const struct study *study, const struct hec_model *model,
                             struct result *result)
{
    size_t heads = (size_t)hec_model_info(model)->heads_count, n = 0;
    float *score = malloc(((size_t)study->picks * heads + 1) * sizeof(*score));
    uint8_t *label = malloc((size_t)study->picks + 1);
    enum hec_status status =
        score == NULL || label == NULL
            ? HEC_NO_MEMORY
            : hec_score_rows(score, (int)heads, model, &study->rows, study->pick, study->picks);
    for (uint32_t i = 0; i < study->picks && status == HEC_OK; i++) {
        float own = score[i * heads]; /* the only one; NaN cannot be: the truth is known */
        label[n] = study->truth[study->pick[i]] == HEC_TARGET_POSITIVE;
        score[n++] = own;
    }
    if (status == HEC_OK) {
        result->ap = hec_metric_average_precision(score, label, n);
        result->auc = hec_metric_roc_auc(score, label, n);
    }
    free(score);
    free(label);
    return status;
}

static void run_one(void *user, int number)
{
    struct study *study = user;
    struct result *result = &study->results[number];
    const struct arm *arm = &study->arms[number / study->seeds / study->shots_count];
    uint32_t shots = study->shots[number / study->seeds % study->shots_count];
    uint64_t seed = study->seed + (uint64_t)(number % study->seeds);
    struct hec_train_options options = arm->options;
    struct hec_error *error = &result->error;
    struct hec_model *model = NULL;
    void *bytes = NULL;
    size_t size = 0, rows = (size_t)study->rows.count + 1;
    int8_t *targets = malloc(rows);
    uint8_t *split = malloc(rows);
    error->status = HEC_NO_MEMORY;
    options.seed = seed;
    double begun_s = thread_s();
    if (targets != NULL && split != NULL) {
        memcpy(targets, study->targets, study->rows.count);
        memcpy(split, study->split, study->rows.count);
        struct hec_training_set set = {
            &study->rows, study->luggage.plan, &study->head, 1, targets, split, NULL, NULL
        };
        error->status = hec_train_shots(targets, split, study->rows.count, 1, 0, shots, seed) < 0
                            ? HEC_NO_MEMORY
                            : hec_training_run(&bytes, &size, &set, &options, NULL, NULL, error);
    }
    result->train_s = thread_s() - begun_s;
    if (error->status == HEC_OK) {
        error->status = hec_model_load(&model, bytes, size, NULL, error);
    }
    if (error->status == HEC_OK) {
        error->status = judge(study, model, result);
    }
    hec_model_free(model);
    free(bytes);
    free(targets);
    free(split);
}

/* ---- telling ---- */

static void write_csv(const struct study *study, struct hec_output *out)
{
    hec_output_print(out, "arm,shots,seed,average_precision,roc_auc,train_s\n");
    for (int i = 0; i < study->arms_count * study->shots_count * study->seeds; i++) {
        const struct result *result = &study->results[i];
        const char *name = study->arms[i / study->seeds / study->shots_count].name;
        struct hec_text text = { .bytes = name, .length = (uint32_t)strlen(name) };
        hec_csv_write_text(out, &text);
        hec_output_print(out, ",%u,%llu,%.6f,%.6f,%.3f\n",
                         study->shots[i / study->seeds % study->shots_count],
                         (unsigned long long)study->seed + (unsigned)(i % study->seeds), result->ap,
                         result->auc, result->train_s);
    }
}

/* An arm's means, and under each how it differs from the first arm. */
static void print_arm(const struct study *study, int arm)
{
    double one[100], first[100];
    printf("%-20.20s", study->arms[arm].name);
    for (int n = 0; n < study->shots_count; n++) {
        double mean = 0;
        for (int s = 0; s < study->seeds; s++) {
            mean += result_at(study, arm, n, s)->ap / study->seeds;
        }
        printf("  %-15.3f", mean);
    }
    printf("\n%-20s", "");
    for (int n = 0; n < study->shots_count && arm > 0; n++) {
        struct hec_paired paired = { .low = NAN, .high = NAN };
        for (int s = 0; s < study->seeds; s++) {
            one[s] = result_at(study, arm, n, s)->ap;
            first[s] = result_at(study, 0, n, s)->ap;
        }
        if (hec_paired_difference(&paired, first, one, 1, study->seeds, 2000, 0.95, 1) == HEC_OK &&
            !isnan(paired.low)) {
            printf("  %+.3f .. %+.3f", paired.low, paired.high);
        }
    }
    printf("%s", arm > 0 ? "\n" : "\r");
}

static void print_table(const struct study *study)
{
    uint32_t frauds = 0;
    for (uint32_t i = 0; i < study->picks; i++) {
        frauds += study->truth[study->pick[i]] == HEC_TARGET_POSITIVE;
    }
    printf("head %s: %u test rows, %u frauds; %d seeds; average precision, and the 95 %% interval\n"
           "of the paired difference from %s\n%-20s",
           study->head.name, study->picks, frauds, study->seeds, study->arms[0].name, "shots");
    for (int n = 0; n < study->shots_count; n++) {
        printf("  %-15u", study->shots[n]);
    }
    printf("\n");
    for (int arm = 0; arm < study->arms_count; arm++) {
        print_arm(study, arm);
    }
}

static enum hec_status work(struct study *study, const struct hec_arguments *arguments,
                            struct hec_error *error)
{
    int count = study->arms_count * study->shots_count * study->seeds;
    int workers = (int)hec_integer_or(arguments, "workers", hec_workers_default());
    enum hec_status status = lay_out(study, error);
    if (status == HEC_OK && hec_given(arguments, "rows-out")) {
        struct hec_shots_out out = { .rows = &study->rows,
                                     .plan = study->luggage.plan,
                                     .targets = study->targets,
                                     .truth = study->truth,
                                     .split = study->split,
                                     .pick = study->pick,
                                     .picks = study->picks,
                                     .shots = study->shots,
                                     .shots_count = study->shots_count,
                                     .seed = study->seed,
                                     .seeds = study->seeds };
        status = hec_shots_write(&out, hec_text_or(arguments, "rows-out", NULL), error);
    }
    if (status != HEC_OK) {
        return status;
    }
    study->results = calloc((size_t)count + 1, sizeof(*study->results));
    if (study->results == NULL) {
        return hec_fail(error, HEC_NO_MEMORY, "memory is exhausted");
    }
    hec_workers_run(workers, count, run_one, study);
    for (int i = 0; i < count; i++) {
        if (study->results[i].error.status != HEC_OK) {
            return hec_fail(error, study->results[i].error.status, "arm %s: %.400s",
                            study->arms[i / study->seeds / study->shots_count].name,
                            study->results[i].error.text);
        }
    }
    print_table(study);
    if (study->out != NULL) {
        write_csv(study, study->out);
    }
    return HEC_OK;
}

static int plan(struct study *study, const struct hec_arguments *arguments)
{
    struct hec_head heads[HEC_HEADS_MAX];
    int count = 0;
    const char *name = hec_text_or(arguments, "new-head", "");
    int status = hec_training_heads(heads, &count, arguments);
    if (status != HEC_EXIT_OK) {
        return status;
    }
    int of = hec_head_named(heads, count, name, strlen(name));
    if (of < 0 || heads[of].kind != HEC_HEAD_BINARY) {
        return hec_cli_misused(arguments, "--heads has no binary head \"%.48s\"", name);
    }
    study->head = heads[of];
    study->head.hidden = false;
    study->seeds = (int)hec_integer_or(arguments, "seeds", 5);
    study->seed = (uint64_t)hec_integer_or(arguments, "seed", 1);
    struct hec_fold *fold = &study->fold;
    fold->train_from_ms = hec_integer_or(arguments, "train-from", 0);
    fold->train_to_ms = hec_integer_or(arguments, "train-to", 0);
    fold->known_at_ms = hec_integer_or(arguments, "known-at", fold->train_to_ms);
    fold->test_from_ms = hec_integer_or(arguments, "test-from", 0);
    fold->test_to_ms = hec_integer_or(arguments, "test-to", 0);
    if (fold->train_from_ms >= fold->train_to_ms || fold->known_at_ms > fold->test_from_ms ||
        fold->test_from_ms >= fold->test_to_ms) {
        return hec_cli_misused(arguments, "the moments must be in order: --train-from, --train-to, "
                                          "--known-at, --test-from, --test-to");
    }
    int64_t mature_ms = fold->known_at_ms - study->head.label_delay_ms;
    fold->mature_ms = mature_ms < fold->train_to_ms ? mature_ms : fold->train_to_ms;
    fold->valid_from_ms = fold->mature_ms;
    return fold->mature_ms > fold->train_from_ms
               ? read_arms(study, arguments)
               : hec_cli_misused(arguments, "nothing of the window is mature at --known-at");
}

static void release(struct study *study)
{
    for (int i = 0; i < study->arms_count; i++) {
        hec_model_free(study->arms[i].start);
    }
    free(study->targets);
    free(study->truth);
    free(study->split);
    free(study->code);
    free(study->test);
    free(study->pick);
    free(study->results);
    hec_output_discard(study->out);
    hec_rows_free(&study->rows);
    hec_luggage_free(&study->luggage);
    free(study);
}

static int run(const struct hec_arguments *arguments)
{
    struct hec_error error = { 0 };
    struct study *study = calloc(1, sizeof(*study));
    if (study == NULL) {
        hec_fail(&error, HEC_NO_MEMORY, "memory is exhausted");
        return hec_cli_fail(arguments, &error);
    }
    int status = plan(study, arguments);
    if (status == HEC_EXIT_OK) {
        status = hec_luggage_features(&study->luggage, arguments);
    }
    if (status == HEC_EXIT_OK) { /* before the work that it is for */
        status = hec_journey_output(arguments, hec_text_or(arguments, "out", NULL), &study->out);
    }
    if (status == HEC_EXIT_OK) {
        hec_rows_begin(&study->rows, hec_plan_numerics(study->luggage.plan),
                       hec_plan_categories(study->luggage.plan));
        status = hec_journey(arguments, &study->luggage, "reading", on_batch, study, NULL, 0);
    }
    if (status == HEC_EXIT_OK) {
        enum hec_status done = work(study, arguments, &error);
        done = hec_output_end(study->out, done, &error);
        study->out = NULL;
        status = done == HEC_OK ? HEC_EXIT_OK : hec_cli_fail(arguments, &error);
    }
    release(study);
    return status;
}

const struct hec_command hec_cmd_fewshot = {
    .name = "fewshot",
    .line = "tells how good a new head is by how many frauds it is shown",
    .examples = { "hecate fewshot --data e.ndjson --heads heads.conf --new-head ring --shots 5 20 "
                  "--arm scratch: \"warm: --warm-start base.safetensors --freeze-trunk\" "
                  "--train-from 2025-01-13 --train-to 2025-02-10 --known-at 2025-02-17 "
                  "--test-from 2025-02-17 --test-to 2025-03-01",
                  "hecate fewshot --data e.ndjson --heads heads.conf --new-head ring --shots 10 50 "
                  "--arm scratch: --train-from 2025-01-13 --train-to 2025-02-10 "
                  "--test-from 2025-02-17 --test-to 2025-03-01 --out runs.csv" },
    .text = "Each arm is NAME: and flags of hecate train. For each number of shots and each seed\n"
            "every arm learns the head from the same frauds and is judged on the same rows: those\n"
            "of the test window, without cards that were known. Printed are means over seeds, and\n"
            "intervals of the paired difference from the first arm; --out has every result.",
    .run = run,
    .flags = {
        HEC_FLAG_DATA,
        { "heads", "FILE", "the questions", HEC_FLAG_TEXT, .required = true },
        { "new-head", "NAME", "the head to learn, one of --heads", HEC_FLAG_TEXT,
          .required = true },
        { "arm", "NAME: FLAGS", "what it starts from and how it learns", HEC_FLAG_TEXT,
          .required = true, .many = true },
        { "shots", "N", "numbers of frauds to learn from", HEC_FLAG_TEXT, .required = true,
          .many = true },
        { "train-from", "T", "the window's first moment", HEC_FLAG_TIME, .required = true },
        { "train-to", "T", "the moment after its last", HEC_FLAG_TIME, .required = true },
        { "known-at", "T", "labels that came later are not used (default: --train-to)",
          HEC_FLAG_TIME },
        { "test-from", "T", "first moment of the rows that judge", HEC_FLAG_TIME,
          .required = true },
        { "test-to", "T", "the moment after the last of them", HEC_FLAG_TIME, .required = true },
        { "seeds", "N", "how many, from --seed on (default 5)", HEC_FLAG_INTEGER, .minimum = 1,
          .maximum = 100 },
        { "seed", "N", "the first (default 1)", HEC_FLAG_INTEGER, .minimum = 0,
          .maximum = INT64_MAX },
        { "workers", "N", "trainings at a time (default: the processors)", HEC_FLAG_INTEGER,
          .minimum = 1, .maximum = 256 },
        { "out", "CSV", "every result: arm, shots, seed, average precision, AUC", HEC_FLAG_TEXT },
        { "rows-out", "DIR", "rows.csv and shots.csv, for other learners to be tried on",
          HEC_FLAG_TEXT },
        HEC_FLAG_FEATURES,
    },
};
