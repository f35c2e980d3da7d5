/*
 * hecate policy: what other thresholds would have earned on the decisions that were made, and a
 * proposal of better ones. It changes nothing: what it prints is for a person to promote.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

#include "cli/commands.h"
#include "cli/decisions.h"
#include "cli/evaluation.h"
#include "cli/training.h"
#include "file/when.h"
#include "hecate/bandit.h"

#define LEVELS 10          /* scores that arms are made of, beside where blocks begin */
#define ROUNDS_MAX 500     /* of the bandit */
#define LEARNED 0.6        /* of the log, by time; the rest judges what was chosen */
#define DECISIONS_MIN 50   /* below that nothing is proposed */
#define EFFECTIVE_FEW 30.0 /* below that a normal interval is not to be trusted */

struct job {
    const struct hec_arguments *arguments;
    struct hec_decisions decisions;
    struct hec_earnings earnings;
    struct hec_offpolicy_term *terms; /* room for the head with the most rows */
    yyjson_mut_doc *doc;              /* NULL: as text */
    yyjson_mut_val *root;
    bool refused;
};

static void read_earnings(struct job *job)
{
    const struct hec_arguments *a = job->arguments;
    struct hec_earnings *earnings = &job->earnings;
    earnings->stops[HEC_ACTION_STEP_UP] = hec_number_or(a, "step-up-stops", 0.9);
    earnings->stops[HEC_ACTION_REVIEW] = hec_number_or(a, "review-stops", 1);
    earnings->stops[HEC_ACTION_HOLD] = hec_number_or(a, "review-stops", 1);
    earnings->stops[HEC_ACTION_BLOCK] = 1;
    earnings->each_minor[HEC_ACTION_REVIEW] = hec_number_or(a, "review-cost", 500);
    earnings->each_minor[HEC_ACTION_HOLD] = hec_number_or(a, "review-cost", 500);
    earnings->genuine_minor[HEC_ACTION_STEP_UP] = hec_number_or(a, "step-up-cost", 100);
    earnings->genuine_minor[HEC_ACTION_HOLD] = hec_number_or(a, "hold-cost", 500);
    earnings->genuine_minor[HEC_ACTION_BLOCK] = hec_number_or(a, "block-cost", 2000);
}

/* The least score whose threshold is not below. */
static int score_of(float threshold)
{
    int score = 1;
    while (score < 999 && hec_threshold_of(score) < threshold) {
        score++;
    }
    return score;
}

/* As the settings have it: 0 is never. */
static int setting_of(float threshold)
{
    return threshold >= HEC_NEVER ? 0 : score_of(threshold);
}

static float threshold_or(const struct hec_arguments *arguments, const char *flag, float fallback)
{
    int64_t score = hec_integer_or(arguments, flag, -1);
    return score < 0 ? fallback : score == 0 ? HEC_NEVER : hec_threshold_of((int)score);
}

/* ---- Told ------------------------------------------------------------------------------------ */

static void tell_log(struct job *job, int k)
{
    const struct hec_decided *decided = &job->decisions.of[k];
    const size_t *left = decided->left_out;
    char from[HEC_WHEN_BYTES], to[HEC_WHEN_BYTES];
    hec_when_print(from, decided->from_ms);
    hec_when_print(to, decided->to_ms);
    if (job->doc != NULL) {
        yyjson_mut_val *log = yyjson_mut_obj_add_obj(job->doc, job->root, "log");
        yyjson_mut_obj_add_uint(job->doc, log, "decisions", decided->n);
        yyjson_mut_obj_add_int(job->doc, log, "least_score", score_of(decided->floor));
        yyjson_mut_obj_add_uint(job->doc, log, "would_be_blocks", decided->blocks);
        yyjson_mut_obj_add_uint(job->doc, log, "let_through", decided->let_through);
        yyjson_mut_obj_add_uint(job->doc, log, "under_a_budget", decided->budgeted);
        yyjson_mut_obj_add_uint(job->doc, log, "forced", left[HEC_LEFT_FORCED]);
        yyjson_mut_obj_add_uint(job->doc, log, "below", left[HEC_LEFT_BELOW]);
        yyjson_mut_obj_add_uint(job->doc, log, "not_yet_mature", left[HEC_LEFT_IMMATURE]);
        yyjson_mut_obj_add_uint(job->doc, log, "label_unknown", left[HEC_LEFT_UNKNOWN]);
        return;
    }
    printf("%s: %zu decisions", job->decisions.heads[k].name, decided->n);
    if (decided->n > 0) {
        printf(" of %.10s .. %.10s at scores from %d; %zu would-be blocks, %zu of them let through",
               from, to, score_of(decided->floor), decided->blocks, decided->let_through);
    }
    printf("\n");
    printf("left out: %zu by a rule or a list, %zu below that score, %zu not yet mature, %zu whose "
           "label is not known\n",
           left[HEC_LEFT_FORCED], left[HEC_LEFT_BELOW], left[HEC_LEFT_IMMATURE],
           left[HEC_LEFT_UNKNOWN]);
    if (decided->budgeted > 0) {
        printf("a budget kept alerts back that are not in the log: thresholds are judged on those "
               "that were sent\n");
    }
}

static void tell_policy(struct job *job, const struct hec_head_policy *policy)
{
    int step_up = setting_of(policy->step_up_at), alert = setting_of(policy->alert_at);
    int hold = setting_of(policy->hold_at), block = setting_of(policy->block_at);
    if (job->doc == NULL) {
        printf("policy: step_up_score = %d, alert_score = %d, hold_score = %d, block_score = %d\n",
               step_up, alert, hold, block);
        return;
    }
    yyjson_mut_val *to = yyjson_mut_obj_add_obj(job->doc, job->root, "policy");
    yyjson_mut_obj_add_int(job->doc, to, "step_up_score", step_up);
    yyjson_mut_obj_add_int(job->doc, to, "alert_score", alert);
    yyjson_mut_obj_add_int(job->doc, to, "hold_score", hold);
    yyjson_mut_obj_add_int(job->doc, to, "block_score", block);
}

static void tell_estimate(struct job *job, const char *key, const struct hec_offpolicy *estimate,
                          size_t n)
{
    if (job->doc == NULL) {
        printf("  %-10s%14s%14s%14s%16s\n", "estimator", "a decision", "low", "high", "in all");
    }
    yyjson_mut_val *to = job->doc == NULL ? NULL : yyjson_mut_obj_add_obj(job->doc, job->root, key);
    for (int e = 0; e < HEC_ESTIMATORS; e++) {
        const struct hec_offpolicy_value *value = &estimate->by[e];
        const char *name = hec_estimator_name((enum hec_estimator)e);
        char texts[4][32];
        if (job->doc == NULL) {
            printf("  %-10s%14s%14s%14s%16s\n", name, hec_number_text(texts[0], value->value, 1),
                   hec_number_text(texts[1], value->low, 1),
                   hec_number_text(texts[2], value->high, 1),
                   hec_number_text(texts[3], value->value * (double)n, 0));
            continue;
        }
        yyjson_mut_val *one = yyjson_mut_obj_add_obj(job->doc, to, name);
        hec_json_number(job->doc, one, "value_minor", value->value);
        hec_json_number(job->doc, one, "low_minor", value->low);
        hec_json_number(job->doc, one, "high_minor", value->high);
    }
    if (job->doc == NULL) {
        printf("  acts otherwise on %zu of %zu decisions, the truth of %zu is known; effective "
               "sample %.1f%s\n",
               estimate->acts, n, estimate->seen, estimate->effective,
               estimate->acts > 0 && estimate->effective < EFFECTIVE_FEW
                   ? ": too few to trust an interval"
                   : "");
        return;
    }
    yyjson_mut_obj_add_uint(job->doc, to, "acts", estimate->acts);
    yyjson_mut_obj_add_uint(job->doc, to, "seen", estimate->seen);
    hec_json_number(job->doc, to, "effective_sample", estimate->effective);
}

static void tell_no_support(struct job *job, const char *key, const struct hec_no_support *missing,
                            float floor)
{
    char why[400];
    if (missing->below_floor) {
        snprintf(why, sizeof(why),
                 "no support: it acts below score %d, and the log has no decision there; only "
                 "thresholds from %d on can be judged",
                 score_of(floor), score_of(floor));
    } else {
        snprintf(why, sizeof(why),
                 "no support: propensity is 0 for %zu decisions on which it acts (scores %d .. "
                 "%d), which were blocked or held and nobody let through or told; with "
                 "alerts.control_ratio above 0 a later log can say",
                 missing->decisions, hec_score_999(missing->low), hec_score_999(missing->high));
    }
    if (job->doc == NULL) {
        printf("  %s\n", why);
    } else {
        yyjson_mut_val *to = yyjson_mut_obj_add_obj(job->doc, job->root, key);
        yyjson_mut_obj_add_strcpy(job->doc, to, "refused", why);
    }
}

/* ---- Evaluate -------------------------------------------------------------------------------- */

/* @return whether there was support */
static bool judge(struct job *job, const struct hec_logged_head *log,
                  const struct hec_head_policy *policy, enum hec_against against,
                  struct hec_offpolicy *estimate)
{
    static const char *const KEYS[] = { "against_nothing", "against_the_log" };
    static const char *const TITLES[] = { "against letting everything through, minor units",
                                          "against the thresholds of the log, minor units" };
    struct hec_no_support missing;
    if (job->doc == NULL) {
        printf("\n%s\n", TITLES[against]);
    }
    bool supported = hec_offpolicy_terms(job->terms, &missing, log, policy, against);
    if (supported) {
        hec_offpolicy_estimate(estimate, job->terms, log->n);
        tell_estimate(job, KEYS[against], estimate, log->n);
    } else {
        tell_no_support(job, KEYS[against], &missing, log->floor);
    }
    return supported;
}

static int evaluate(struct job *job, int k)
{
    const struct hec_decided *decided = &job->decisions.of[k];
    struct hec_logged_head log = { decided->rows, decided->n, decided->floor, job->earnings };
    struct hec_policy alone = { .id = "asked", .heads_count = 1 };
    struct hec_head_policy *policy = &alone.heads[0];
    struct hec_error error = { 0 };
    *policy = (struct hec_head_policy){
        .mode = HEC_DECIDE_ON,
        .alert_at = threshold_or(job->arguments, "alert-score", decided->floor),
        .step_up_at = threshold_or(job->arguments, "step-up-score", HEC_NEVER),
        .hold_at = threshold_or(job->arguments, "hold-score", HEC_NEVER),
        .block_at = threshold_or(job->arguments, "block-score", HEC_NEVER),
    };
    if (hec_policy_check(&alone, &error) != HEC_OK) {
        return hec_cli_misused(job->arguments, "%s", error.text);
    }
    tell_log(job, k);
    tell_policy(job, policy);
    struct hec_offpolicy estimate;
    bool whole = judge(job, &log, policy, HEC_AGAINST_NOTHING, &estimate);
    bool apart = judge(job, &log, policy, HEC_AGAINST_LOG, &estimate);
    job->refused = !whole && !apart;
    return HEC_EXIT_OK;
}

/* ---- Propose --------------------------------------------------------------------------------- */

static int by_float(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Whole scores at even shares of the log's decisions, and where its blocks begin. */
static int levels_of(float levels[HEC_BANDIT_LEVELS_MAX], const struct hec_logged_head *log)
{
    float *scores = malloc(log->n * sizeof(*scores)), blocked = HEC_NEVER;
    int count = 0, kept = 0;
    if (scores == NULL) {
        return -1;
    }
    for (size_t i = 0; i < log->n; i++) {
        scores[i] = log->rows[i].score;
        blocked = log->rows[i].did == HEC_ACTION_BLOCK ? fminf(blocked, scores[i]) : blocked;
    }
    qsort(scores, log->n, sizeof(*scores), by_float);
    levels[count++] = hec_threshold_of(score_of(log->floor));
    for (int i = 1; i < LEVELS; i++) {
        levels[count++] = hec_threshold_of(score_of(scores[log->n * (size_t)i / LEVELS]));
    }
    if (blocked < HEC_NEVER) {
        int score = hec_score_999(blocked);
        levels[count++] = hec_threshold_of(score < 1 ? 1 : score);
    }
    free(scores);
    qsort(levels, (size_t)count, sizeof(*levels), by_float);
    for (int i = 0; i < count; i++) {
        if (levels[i] >= log->floor && (kept == 0 || levels[i] > levels[kept - 1])) {
            levels[kept++] = levels[i];
        }
    }
    return kept;
}

static void tell_bandit(struct job *job, const struct hec_bandit_arm *arms, int count, int best,
                        size_t learned, size_t rounds)
{
    int supported = 0;
    for (int a = 0; a < count; a++) {
        supported += arms[a].supported;
    }
    if (job->doc == NULL) {
        printf("bandit: %d policies, %d with support; %zu rounds over the first %zu decisions; the "
               "best played %zu\n",
               count, supported, rounds, learned, best < 0 ? 0 : arms[best].plays);
        return;
    }
    yyjson_mut_val *to = yyjson_mut_obj_add_obj(job->doc, job->root, "bandit");
    yyjson_mut_obj_add_int(job->doc, to, "policies", count);
    yyjson_mut_obj_add_int(job->doc, to, "supported", supported);
    yyjson_mut_obj_add_uint(job->doc, to, "decisions", learned);
    yyjson_mut_obj_add_uint(job->doc, to, "rounds", rounds);
    yyjson_mut_obj_add_uint(job->doc, to, "plays_of_the_best", best < 0 ? 0 : arms[best].plays);
}

/* The fragment, with its evidence as comments: or that nothing is proposed. */
static void tell_proposal(struct job *job, int k, const struct hec_head_policy *policy,
                          const struct hec_offpolicy *estimate, size_t n)
{
    const struct hec_offpolicy_value *dr = &estimate->by[HEC_DR];
    bool better = dr->low > 0 && estimate->effective >= EFFECTIVE_FEW; /* false for NaN */
    char value[32], low[32], high[32], effective[32];
    hec_number_text(value, dr->value, 1);
    hec_number_text(low, dr->low, 1);
    hec_number_text(high, dr->high, 1);
    hec_number_text(effective, estimate->effective, 1);
    if (job->doc != NULL) {
        yyjson_mut_obj_add_bool(job->doc, job->root, "proposed", better);
    } else if (!better) {
        printf("\nnothing is proposed: %s\n",
               estimate->acts == 0 ? "nothing that was tried does better than the log"
               : estimate->effective < EFFECTIVE_FEW
                   ? "too few of the decisions that it would change have a known truth"
                   : "it is not better beyond its interval");
    } else {
        printf("\n# Proposed by hecate policy propose, not in use. On the last %zu decisions it "
               "earns\n# %s minor units a decision more than the thresholds of the log (95 %%: %s "
               ".. %s,\n# doubly robust, effective sample %s). To promote it: put it into "
               "hecate.conf.d, then\n# hecate reload --wait.\n",
               n, value, low, high, effective);
        printf("head %s {\n    step_up_score = %d\n    alert_score = %d\n    hold_score = %d\n"
               "    block_score = %d\n}\n",
               job->decisions.heads[k].name, setting_of(policy->step_up_at),
               setting_of(policy->alert_at), setting_of(policy->hold_at),
               setting_of(policy->block_at));
    }
}

static int propose(struct job *job, int k)
{
    const struct hec_decided *decided = &job->decisions.of[k];
    struct hec_logged_head log = { decided->rows, decided->n, decided->floor, job->earnings };
    struct hec_error error = { 0 };
    tell_log(job, k);
    if (log.n < DECISIONS_MIN) {
        hec_fail(&error, HEC_INVALID,
                 "%zu decisions are too few to learn from and to judge by; %d are the least", log.n,
                 DECISIONS_MIN);
        return hec_cli_fail(job->arguments, &error);
    }
    size_t learned = (size_t)((double)log.n * LEARNED);
    float levels[HEC_BANDIT_LEVELS_MAX];
    struct hec_bandit_arm *arms = malloc(HEC_BANDIT_ARMS_MAX * sizeof(*arms));
    int level_count = arms == NULL ? -1 : levels_of(levels, &log);
    if (level_count < 0) {
        free(arms);
        hec_fail(&error, HEC_NO_MEMORY, "memory is exhausted");
        return hec_cli_fail(job->arguments, &error);
    }
    int count = hec_bandit_arms(arms, levels, level_count, true);
    struct hec_logged_head first = log, last = log;
    first.n = learned;
    last.rows += learned;
    last.n -= learned;
    size_t rounds = learned < ROUNDS_MAX ? learned : ROUNDS_MAX;
    hec_bandit_replay(arms, count, &first, rounds,
                      (uint64_t)hec_integer_or(job->arguments, "seed", 1), NULL);
    int best = hec_bandit_best(arms, count);
    tell_bandit(job, arms, count, best, learned, rounds);
    struct hec_offpolicy estimate;
    if (best < 0) {
        job->refused = true;
        fprintf(stderr, "hecate policy: no policy of these scores has support in the log; with "
                        "alerts.control_ratio above 0 a later log can say\n");
    } else {
        tell_policy(job, &arms[best].policy);
        job->refused = !judge(job, &last, &arms[best].policy, HEC_AGAINST_LOG, &estimate);
    }
    if (!job->refused) {
        tell_proposal(job, k, &arms[best].policy, &estimate, last.n);
    }
    free(arms);
    return HEC_EXIT_OK;
}

/* ---- The command ----------------------------------------------------------------------------- */

static int with_decisions(struct job *job, bool proposes)
{
    const char *name = hec_text_or(job->arguments, "head", "");
    const struct hec_decisions *decisions = &job->decisions;
    int k = hec_head_named(decisions->heads, decisions->heads_count, name, strlen(name));
    struct hec_error error = { 0 };
    if (k < 0) {
        return hec_cli_misused(job->arguments, "there is no head \"%.48s\"; see --heads", name);
    }
    if (decisions->of[k].n < 2) {
        tell_log(job, k);
        hec_fail(&error, HEC_INVALID, "there are no two decisions of %s to judge by", name);
        return hec_cli_fail(job->arguments, &error);
    }
    job->terms = malloc(decisions->of[k].n * sizeof(*job->terms));
    if (job->terms == NULL) {
        hec_fail(&error, HEC_NO_MEMORY, "memory is exhausted");
        return hec_cli_fail(job->arguments, &error);
    }
    return proposes ? propose(job, k) : evaluate(job, k);
}

static int run(const struct hec_arguments *arguments)
{
    struct job job = { .arguments = arguments };
    bool proposes = strcmp(arguments->positionals[0], "propose") == 0;
    if (!proposes && strcmp(arguments->positionals[0], "evaluate") != 0) {
        return hec_cli_misused(arguments, "\"%.60s\" is neither evaluate nor propose",
                               arguments->positionals[0]);
    }
    static const char *const SCORES[] = { "alert-score", "step-up-score", "hold-score",
                                          "block-score" };
    for (size_t i = 0; proposes && i < sizeof(SCORES) / sizeof(SCORES[0]); i++) {
        if (hec_given(arguments, SCORES[i])) {
            return hec_cli_misused(arguments, "--%s is for evaluate; propose looks for it",
                                   SCORES[i]);
        }
    }
    read_earnings(&job);
    int status = hec_decisions_read(&job.decisions, arguments);
    if (status == HEC_EXIT_OK && hec_given(arguments, "json")) {
        job.doc = yyjson_mut_doc_new(NULL);
        job.root = yyjson_mut_obj(job.doc);
        yyjson_mut_doc_set_root(job.doc, job.root);
    }
    if (status == HEC_EXIT_OK) {
        status = with_decisions(&job, proposes);
    }
    if (status == HEC_EXIT_OK && job.doc != NULL) {
        status = hec_json_put(job.doc) ? HEC_EXIT_OK : HEC_EXIT_FAILURE;
    } else {
        yyjson_mut_doc_free(job.doc);
    }
    free(job.terms);
    hec_decisions_free(&job.decisions);
    return status == HEC_EXIT_OK && job.refused ? HEC_EXIT_FAILURE : status;
}

#define COST_MAX INT64_C(1000000000000)

const struct hec_command hec_cmd_policy = {
    .name = "policy",
    .line = "what other thresholds would have earned, and which to try: it only proposes",
    .positionals = "evaluate|propose",
    .positionals_min = 1,
    .positionals_max = 1,
    .examples = { "hecate policy evaluate --alerts alerts.ndjson --data events.ndjson --head "
                  "card_fraud --alert-score 700 --block-score 950",
                  "hecate policy propose --alerts alerts.ndjson --data events.ndjson --head ato" },
    .text = "From alerts as on the topic and labels: inverse propensity (ips), self-normalised\n"
            "(snips) and doubly robust (dr) estimates with 95 % intervals, in minor units, of\n"
            "what is saved less what it costs. Where nobody was let through there is no support,\n"
            "which is told and is exit status 1. propose searches the first part of the log with\n"
            "a bandit, judges what it found on the rest, and prints a piece of settings if that\n"
            "is better beyond its interval. Nothing is changed: a person promotes.",
    .run = run,
    .flags = {
        HEC_FLAGS_DECISIONS,
        { "head", "NAME", "whose thresholds", HEC_FLAG_TEXT, .required = true },
        { "alert-score", "N", "evaluate: review from here on (default: the least of the log)",
          HEC_FLAG_INTEGER, .minimum = 1, .maximum = 999 },
        { "step-up-score", "N", "evaluate: step-up from here on (default 0: never)",
          HEC_FLAG_INTEGER, .minimum = 0, .maximum = 999 },
        { "hold-score", "N", "evaluate: hold from here on (default 0: never)", HEC_FLAG_INTEGER,
          .minimum = 0, .maximum = 999 },
        { "block-score", "N", "evaluate: block from here on (default 0: never)", HEC_FLAG_INTEGER,
          .minimum = 0, .maximum = 999 },
        { "review-cost", "N", "minor units, of each review or hold (default 500)", HEC_FLAG_NUMBER,
          .minimum = 0, .maximum = COST_MAX },
        { "review-stops", "P", "share of a fraud's amount that a review saves (default 1)",
          HEC_FLAG_NUMBER, .minimum = 0, .maximum = 1 },
        { "step-up-cost", "N", "minor units, of asking a genuine customer (default 100)",
          HEC_FLAG_NUMBER, .minimum = 0, .maximum = COST_MAX },
        { "step-up-stops", "P", "share of a fraud's amount that a step-up saves (default 0.9)",
          HEC_FLAG_NUMBER, .minimum = 0, .maximum = 1 },
        { "hold-cost", "N", "minor units, of holding a genuine payment (default 500)",
          HEC_FLAG_NUMBER, .minimum = 0, .maximum = COST_MAX },
        { "block-cost", "N", "minor units, of blocking a genuine payment (default 2000)",
          HEC_FLAG_NUMBER, .minimum = 0, .maximum = COST_MAX },
        { "seed", "N", "propose: of the bandit's draws (default 1)", HEC_FLAG_INTEGER, .minimum = 0,
          .maximum = INT64_MAX },
        { "json", NULL, "as JSON", HEC_FLAG_SWITCH },
        HEC_FLAG_HEADS,
    },
};
