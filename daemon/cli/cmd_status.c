/* hecate status, hecate top: what a running hecated does, once or again and again. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/talk.h"

static void print_age(int64_t ms)
{
    int64_t s = ms / 1000;
    if (s >= 86400) {
        printf("%lld d %lld h", (long long)(s / 86400), (long long)(s % 86400 / 3600));
    } else if (s >= 3600) {
        printf("%lld h %lld min", (long long)(s / 3600), (long long)(s % 3600 / 60));
    } else if (s >= 60) {
        printf("%lld min %lld s", (long long)(s / 60), (long long)(s % 60));
    } else {
        printf("%lld s", (long long)s);
    }
}

static void print_head(yyjson_val *root)
{
    yyjson_val *paused = yyjson_obj_get(root, "paused"), *model = yyjson_obj_get(root, "model");
    int64_t now_ms = hec_member_integer(root, "now_ms");
    printf("%s  %s  hecated %s  pid %lld  up ", hec_member_text(root, "instance"),
           hec_member_text(root, "state"), hec_member_text(root, "version"),
           (long long)hec_member_integer(root, "pid"));
    print_age(now_ms - hec_member_integer(root, "started_ms"));
    printf("\n");
    if (paused != NULL) {
        printf("PAUSED by %s: %s (", hec_member_text(paused, "by"),
               hec_member_text(paused, "reason"));
        print_age(now_ms - hec_member_integer(paused, "since_ms"));
        printf(" ago; hecate resume)\n");
    }
    printf("model %s %s  %.12s  features %.12s\n", hec_member_text(model, "name"),
           hec_member_text(model, "version"), hec_member_text(model, "sha256"),
           hec_member_text(model, "schema_digest"));
}

static void print_checks(yyjson_val *root)
{
    yyjson_val *checks = yyjson_obj_get(root, "checks"), *check;
    size_t i, count;
    yyjson_arr_foreach(checks, i, count, check)
    {
        if (!yyjson_get_bool(yyjson_obj_get(check, "ok"))) {
            printf("NOT OK  %s: %s\n", hec_member_text(check, "name"),
                   hec_member_text(check, "sentence"));
        }
    }
}

static void print_heads(yyjson_val *root)
{
    yyjson_val *heads = yyjson_obj_get(root, "heads"), *head;
    size_t i, count;
    if (yyjson_get_bool(yyjson_obj_get(root, "breaker_open"))) {
        printf("\nTHE BREAKER IS OPEN: blocks run away, block is review until they are fewer\n");
    }
    printf("\n%-14s %-7s %10s %10s %10s %14s\n", "HEAD", "MODE", "ALERTS", "ALERT-AT", "BLOCK-AT",
           "BUDGET");
    yyjson_arr_foreach(heads, i, count, head)
    {
        yyjson_val *block = yyjson_obj_get(head, "block_score");
        char block_at[24] = "never";
        if (block != NULL) {
            snprintf(block_at, sizeof(block_at), "%lld", (long long)yyjson_get_sint(block));
        }
        yyjson_val *budget = yyjson_obj_get(head, "budget");
        char spent[48] = "none";
        if (budget != NULL) {
            snprintf(spent, sizeof(spent), "%lld/%lld",
                     (long long)hec_member_integer(budget, "used"),
                     (long long)hec_member_integer(budget, "limit"));
        }
        printf("%-14s %-7s %10lld %10lld %10s %14s\n", hec_member_text(head, "name"),
               hec_member_text(head, "mode"), (long long)hec_member_integer(head, "alerts"),
               (long long)hec_member_integer(head, "alert_score"), block_at, spent);
    }
}

static const char *ratio(yyjson_val *of, const char *name, char text[16])
{
    yyjson_val *value = yyjson_obj_get(of, name);
    if (value == NULL) {
        return "-";
    }
    snprintf(text, 16, "%.3f", yyjson_get_num(value));
    return text;
}

/* What became of alerts; heads that nobody has judged yet are left out. */
static void print_outcomes(yyjson_val *root)
{
    yyjson_val *head, *window;
    size_t i, count, w, windows;
    bool begun = false;
    yyjson_arr_foreach(yyjson_obj_get(root, "heads"), i, count, head)
    {
        yyjson_val *control = yyjson_obj_get(head, "control");
        char text[3][16];
        yyjson_arr_foreach(yyjson_obj_get(head, "live"), w, windows, window)
        {
            if (hec_member_integer(window, "fraud") + hec_member_integer(window, "genuine") +
                    hec_member_integer(window, "missed") ==
                0) {
                continue;
            }
            if (!begun) {
                printf("\n%-14s %5s %10s %8s %8s %8s %10s %8s\n", "VERDICTS", "DAYS", "PRECISION",
                       "RECALL", "FRAUD", "GENUINE", "UNLABELLED", "MISSED");
                begun = true;
            }
            printf("%-14s %5lld %10s %8s %8lld %8lld %10lld %8lld\n", hec_member_text(head, "name"),
                   (long long)hec_member_integer(window, "days"),
                   ratio(window, "precision", text[0]), ratio(window, "recall", text[1]),
                   (long long)hec_member_integer(window, "fraud"),
                   (long long)hec_member_integer(window, "genuine"),
                   (long long)hec_member_integer(window, "unlabelled"),
                   (long long)hec_member_integer(window, "missed"));
        }
        if (begun && hec_member_integer(head, "not_yet_mature") > 0) {
            printf("%-14s not yet mature: %lld alerts\n", hec_member_text(head, "name"),
                   (long long)hec_member_integer(head, "not_yet_mature"));
        }
        if (control != NULL) {
            printf(
                "%-14s control group: precision of blocking %s (%s .. %s), of %lld; %lld not yet "
                "mature\n",
                hec_member_text(head, "name"), ratio(control, "precision", text[0]),
                ratio(control, "low", text[1]), ratio(control, "high", text[2]),
                (long long)hec_member_integer(control, "mature"),
                (long long)hec_member_integer(control, "not_yet_mature"));
        }
    }
}

static void print_partitions(yyjson_val *root)
{
    yyjson_val *partitions = yyjson_obj_get(root, "partitions"), *one;
    size_t i, count;
    printf("\n%-10s %-7s %12s %10s\n", "PARTITION", "ENGINE", "LAG", "LAG-MS");
    yyjson_arr_foreach(partitions, i, count, one)
    {
        printf("%-10lld %-7lld %12lld %10lld\n", (long long)hec_member_integer(one, "partition"),
               (long long)hec_member_integer(one, "engine"),
               (long long)hec_member_integer(one, "lag_records"),
               (long long)hec_member_integer(one, "lag_ms"));
    }
}

static int run_status(const struct hec_arguments *arguments)
{
    struct hec_answer answer;
    int status = hec_talk(arguments, "GET", "/api/v1/status", NULL, &answer);
    if (status != HEC_EXIT_OK) {
        return status;
    }
    if (hec_given(arguments, "json")) {
        fwrite(answer.text, 1, answer.length, stdout);
    } else {
        yyjson_val *counts = yyjson_obj_get(answer.root, "counts");
        yyjson_val *lag = yyjson_obj_get(answer.root, "lag");
        print_head(answer.root);
        print_checks(answer.root);
        printf("\nevents %lld  alerts %lld  dead letters %lld  labels %lld  lag %lld records, "
               "%lld ms\n",
               (long long)hec_member_integer(counts, "events"),
               (long long)hec_member_integer(counts, "alerts"),
               (long long)hec_member_integer(counts, "dead_letters"),
               (long long)hec_member_integer(counts, "labels"),
               (long long)hec_member_integer(lag, "records"),
               (long long)hec_member_integer(lag, "ms"));
        print_heads(answer.root);
        print_outcomes(answer.root);
        print_partitions(answer.root);
    }
    hec_answer_free(&answer);
    return HEC_EXIT_OK;
}

const struct hec_command hec_cmd_status = {
    .name = "status",
    .line = "what a running hecated does",
    .examples = { "hecate status", "hecate status --json | jq .lag" },
    .run = run_status,
    .flags = { HEC_JSON_FLAG, HEC_TALK_FLAGS },
};

/* ---- top ------------------------------------------------------------------------------------- */

struct shot {
    int64_t now_ms, events, alerts, dead_letters;
};

static struct shot shot_of(yyjson_val *root)
{
    yyjson_val *counts = yyjson_obj_get(root, "counts");
    return (struct shot){ hec_member_integer(root, "now_ms"), hec_member_integer(counts, "events"),
                          hec_member_integer(counts, "alerts"),
                          hec_member_integer(counts, "dead_letters") };
}

static void print_rates(yyjson_val *root, const struct shot *before, const struct shot *now)
{
    yyjson_val *age = yyjson_obj_get(root, "end_to_end_s"), *lag = yyjson_obj_get(root, "lag");
    double s = (double)(now->now_ms - before->now_ms) / 1000;
    s = s > 0 ? s : 1;
    printf("\nevents/s %.0f  alerts/s %.1f  dead letters/s %.1f  lag %lld records, %.1f s  "
           "decided after p50 %.1f ms, p99 %.1f ms\n",
           (double)(now->events - before->events) / s, (double)(now->alerts - before->alerts) / s,
           (double)(now->dead_letters - before->dead_letters) / s,
           (long long)hec_member_integer(lag, "records"),
           (double)hec_member_integer(lag, "ms") / 1000,
           1000 * yyjson_get_real(yyjson_obj_get(age, "p50")),
           1000 * yyjson_get_real(yyjson_obj_get(age, "p99")));
}

static int run_top(const struct hec_arguments *arguments)
{
    bool screen = isatty(STDOUT_FILENO) == 1;
    int64_t interval_ms = (int64_t)(1000 * hec_number_or(arguments, "interval", 1));
    int64_t rounds = hec_integer_or(arguments, "count", 0);
    struct shot before = { 0 };
    for (int64_t round = 0; rounds == 0 || round < rounds; round++) {
        struct hec_answer answer;
        int status = hec_talk(arguments, "GET", "/api/v1/status", NULL, &answer);
        if (status != HEC_EXIT_OK) {
            return status;
        }
        struct shot now = shot_of(answer.root);
        if (round > 0) {
            printf("%s", screen ? "\x1b[H\x1b[2J" : "\n");
            print_head(answer.root);
            print_checks(answer.root);
            print_rates(answer.root, &before, &now);
            print_heads(answer.root);
            print_partitions(answer.root);
            fflush(stdout);
        } else if (rounds > 0) {
            rounds++; /* the first look only begins the rates */
        }
        before = now;
        hec_answer_free(&answer);
        struct timespec span = { .tv_sec = interval_ms / 1000,
                                 .tv_nsec = interval_ms % 1000 * 1000000L };
        if (rounds == 0 || round + 1 < rounds) {
            nanosleep(&span, NULL);
        }
    }
    return HEC_EXIT_OK;
}

const struct hec_command hec_cmd_top = {
    .name = "top",
    .line = "rates, heads and partitions of a running hecated, again and again",
    .examples = { "hecate top", "hecate top --interval 5 --count 1" },
    .run = run_top,
    .flags = { { "interval", "S", "seconds between two looks (default 1)", HEC_FLAG_NUMBER,
                 .minimum = 0, .maximum = 3600 },
               { "count", "N", "looks, then end (default: until Ctrl-C)", HEC_FLAG_INTEGER,
                 .minimum = 1, .maximum = INT32_MAX },
               HEC_TALK_FLAGS },
};
