/* hecate alert: the analyst's work at a terminal. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/alert_explain.h"
#include "cli/commands.h"
#include "cli/talk.h"

static void print_time(int64_t ms)
{
    time_t s = (time_t)(ms / 1000);
    struct tm parts;
    char text[32] = "";
    if (gmtime_r(&s, &parts) != NULL) {
        strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%SZ", &parts);
    }
    printf("%s", text);
}

static void print_amount(yyjson_val *row, const char *name)
{
    yyjson_val *minor = yyjson_obj_get(row, name);
    char text[64] = "-";
    if (minor != NULL) {
        int64_t value = yyjson_get_sint(minor);
        snprintf(text, sizeof(text), "%" PRId64 ".%02d %s", value / 100, (int)(value % 100),
                 hec_member_text(row, "currency"));
    }
    printf("%16s", text);
}

/* ---- list ------------------------------------------------------------------------------------ */

static void print_list(yyjson_val *root)
{
    yyjson_val *alerts = yyjson_obj_get(root, "alerts"), *row;
    size_t i, count;
    printf("%-9s%-10s%-12s%6s%16s  %-22s%-8s%4s  %s\n", "ID", "SEVERITY", "HEAD", "SCORE", "AMOUNT",
           "ENTITY", "STATE", "N", "WHY");
    yyjson_arr_foreach(alerts, i, count, row)
    {
        char entity[200];
        snprintf(entity, sizeof(entity), "%s:%s", hec_member_text(row, "kind"),
                 hec_member_text(row, "token"));
        printf("%-9.8s%-10s%-12s%6lld", hec_member_text(row, "alert_id"),
               hec_member_text(row, "severity"), hec_member_text(row, "head"),
               (long long)hec_member_integer(row, "score"));
        print_amount(row, "amount_minor");
        printf("  ");
        hec_print_plain(entity, 21);
        printf(" %-8s%4lld  ", hec_member_text(row, "state"),
               (long long)hec_member_integer(row, "repeats"));
        hec_print_plain(hec_member_text(row, "reason"), 0);
        printf("\n");
    }
    yyjson_val *counts = yyjson_obj_get(root, "counts");
    printf("%lld new, %lld taken, %lld closed, %lld snoozed; %lld repeats are folded in\n",
           (long long)hec_member_integer(counts, "new"),
           (long long)hec_member_integer(counts, "taken"),
           (long long)hec_member_integer(counts, "closed"),
           (long long)hec_member_integer(counts, "snoozed"),
           (long long)hec_member_integer(counts, "repeats"));
}

static void add_query(char *path, size_t bytes, const char *name, const char *value)
{
    if (value != NULL) {
        size_t used = strlen(path);
        char encoded[400];
        hec_talk_encode(encoded, sizeof(encoded), value);
        snprintf(path + used, bytes - used, "%s%s=%s", strchr(path, '?') == NULL ? "?" : "&", name,
                 encoded);
    }
}

static int list(const struct hec_arguments *arguments, struct hec_answer *answer)
{
    static const char *const QUESTIONS[][2] = {
        { "state", "state" },   { "head", "head" },   { "severity", "severity" },
        { "entity", "entity" }, { "limit", "limit" }, { "min-score", "min_score" },
    };
    char path[1024] = "/api/v1/alerts";
    for (size_t i = 0; i < sizeof(QUESTIONS) / sizeof(QUESTIONS[0]); i++) {
        add_query(path, sizeof(path), QUESTIONS[i][1],
                  hec_text_or(arguments, QUESTIONS[i][0], NULL));
    }
    if (hec_given(arguments, "since")) {
        char since[24];
        snprintf(since, sizeof(since), "%" PRId64, hec_integer_or(arguments, "since", 0));
        add_query(path, sizeof(path), "since_ms", since);
    }
    int status = hec_talk(arguments, "GET", path, NULL, answer);
    if (status == HEC_EXIT_OK && !hec_given(arguments, "json")) {
        print_list(answer->root);
    }
    return status;
}

/* ---- show ------------------------------------------------------------------------------------ */

static void print_reasons(yyjson_val *reasons)
{
    yyjson_val *reason;
    size_t i, count;
    yyjson_arr_foreach(reasons, i, count, reason)
    {
        printf("  %-9s%+.2f  ", hec_member_text(reason, "code"),
               yyjson_get_num(yyjson_obj_get(reason, "contribution")));
        hec_print_plain(hec_member_text(reason, "text"), 0);
        printf("\n");
    }
}

static void print_scores(yyjson_val *scores)
{
    yyjson_val *name, *score;
    size_t i, count;
    yyjson_obj_foreach(scores, i, count, name, score)
    {
        printf("  %-12s%4lld  (alerts at %g)\n", yyjson_get_str(name),
               (long long)hec_member_integer(score, "score"),
               yyjson_get_num(yyjson_obj_get(score, "threshold")));
    }
}

static void print_entities(yyjson_val *entities)
{
    yyjson_val *entity;
    size_t i, count;
    yyjson_arr_foreach(entities, i, count, entity)
    {
        printf("  %-10s", hec_member_text(entity, "kind"));
        hec_print_plain(hec_member_text(entity, "token"), 0);
        printf("%s\n", yyjson_get_bool(yyjson_obj_get(entity, "primary")) ? "  (primary)" : "");
    }
}

static void print_alert(yyjson_val *row)
{
    yyjson_val *alert = yyjson_obj_get(row, "alert"), *event = yyjson_obj_get(alert, "event");
    yyjson_val *source = yyjson_obj_get(event, "source"), *model = yyjson_obj_get(alert, "model");
    printf("%s  %s  %s %lld  %s  %s\n", hec_member_text(row, "alert_id"),
           hec_member_text(row, "severity"), hec_member_text(row, "head"),
           (long long)hec_member_integer(row, "score"), hec_member_text(row, "outcome"),
           hec_member_text(row, "state"));
    printf("event ");
    hec_print_plain(hec_member_text(row, "event_id"), 0);
    printf(", %s, ", hec_member_text(row, "event_type"));
    print_time(hec_member_integer(row, "event_time_ms"));
    printf(", %s/%lld/%lld\n", hec_member_text(source, "topic"),
           (long long)hec_member_integer(source, "partition"),
           (long long)hec_member_integer(source, "offset"));
    if (yyjson_obj_get(row, "amount_minor") != NULL) {
        printf("amount");
        print_amount(row, "amount_minor");
        printf("   expected loss");
        print_amount(row, "expected_loss_minor");
        printf("\n");
    }
    printf("\nWhy\n");
    print_reasons(yyjson_obj_get(alert, "reasons"));
    printf("\nScores\n");
    print_scores(yyjson_obj_get(alert, "scores"));
    printf("\nEntities\n");
    print_entities(yyjson_obj_get(alert, "entities"));
    printf("\nmodel %s %s %.12s   repeats %lld\n", hec_member_text(model, "name"),
           hec_member_text(model, "version"), hec_member_text(model, "sha256"),
           (long long)hec_member_integer(row, "repeats"));
    if (hec_member_text(row, "taken_by")[0] != '\0') {
        printf("taken by %s\n", hec_member_text(row, "taken_by"));
    }
    if (hec_member_text(row, "label")[0] != '\0') {
        printf("%s, says %s: ", hec_member_text(row, "label"), hec_member_text(row, "labelled_by"));
        hec_print_plain(hec_member_text(row, "note"), 0);
        printf("\n");
    }
}

/* ---- The rest -------------------------------------------------------------------------------- */

/* A body of the members that were given. */
static char *label_body(const struct hec_arguments *arguments)
{
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_strcpy(doc, root, "label", arguments->positionals[2]);
    yyjson_mut_obj_add_strcpy(doc, root, "fraud_type", hec_text_or(arguments, "type", ""));
    yyjson_mut_obj_add_strcpy(doc, root, "note", hec_text_or(arguments, "note", ""));
    char *text = yyjson_mut_write(doc, YYJSON_WRITE_NOFLAG, NULL);
    yyjson_mut_doc_free(doc);
    return text;
}

static int change(const struct hec_arguments *arguments, const char *verb,
                  struct hec_answer *answer)
{
    char path[512], id[200];
    hec_talk_encode(id, sizeof(id), arguments->positionals[1]);
    snprintf(path, sizeof(path), "/api/v1/alerts/%s/%s", id, verb);
    char *body = strcmp(verb, "label") == 0 ? label_body(arguments) : NULL;
    int status = hec_talk(arguments, "POST", path, body == NULL ? "{}" : body, answer);
    free(body);
    if (status == HEC_EXIT_OK && !hec_given(arguments, "json")) {
        printf("%s  %s  %s%s\n", hec_member_text(answer->root, "alert_id"),
               hec_member_text(answer->root, "state"), hec_member_text(answer->root, "label"),
               hec_member_text(answer->root, "taken_by"));
    }
    return status;
}

static int show(const struct hec_arguments *arguments, struct hec_answer *answer)
{
    char path[512], id[200];
    hec_talk_encode(id, sizeof(id), arguments->positionals[1]);
    snprintf(path, sizeof(path), "/api/v1/alerts/%s", id);
    int status = hec_talk(arguments, "GET", path, NULL, answer);
    if (status == HEC_EXIT_OK && !hec_given(arguments, "json")) {
        print_alert(answer->root);
    }
    return status;
}

static int run(const struct hec_arguments *arguments)
{
    static const struct {
        const char *verb;
        int positionals;
    } VERBS[] = {
        { "list", 1 }, { "show", 2 },    { "explain", 2 },
        { "take", 2 }, { "release", 2 }, { "label", 3 },
    };
    const char *verb = arguments->positionals[0];
    size_t v = 0;
    while (v < sizeof(VERBS) / sizeof(VERBS[0]) && strcmp(VERBS[v].verb, verb) != 0) {
        v++;
    }
    if (v == sizeof(VERBS) / sizeof(VERBS[0])) {
        return hec_cli_misused(
            arguments, "there is no \"%.60s\"; list, show, explain, label, take, release", verb);
    }
    if (arguments->positionals_count != VERBS[v].positionals) {
        return hec_cli_misused(arguments, "%s takes %s", verb,
                               VERBS[v].positionals == 1   ? "nothing"
                               : VERBS[v].positionals == 2 ? "an alert's id"
                                                           : "an id and fraud, genuine or unknown");
    }
    struct hec_answer answer = { 0 };
    int status = v == 0   ? list(arguments, &answer)
                 : v == 1 ? show(arguments, &answer)
                 : v == 2 ? hec_alert_explain(arguments, &answer)
                          : change(arguments, verb, &answer);
    if (v == 2) { /* has shown itself what it found */
        hec_answer_free(&answer);
        return status;
    }
    return hec_answer_show(arguments, status, &answer, NULL);
}

const struct hec_command hec_cmd_alert = {
    .name = "alert",
    .line = "the inbox: list, look at, explain, take, release and label alerts",
    .positionals = "list | show ID | explain ID | take ID | release ID | "
                   "label ID fraud|genuine|unknown",
    .positionals_min = 1,
    .positionals_max = 3,
    .examples = { "hecate alert list --head ato --min-score 900",
                  "hecate alert label 5f2b7c1e fraud --type 05 --note \"called the customer\"" },
    .text = "An id may be cut as long as only one alert begins so. A label is sent to the input\n"
            "topic as a label event, where it moves the label rates, and closes the alert.\n"
            "explain scores the feature row that the alert carries again and tells whether scores\n"
            "(within 1e-5) and reasons (apart from ties) are as recorded; if not it ends with 1.",
    .run = run,
    .flags = {
        { "state", "STATE", "new, taken, open, closed, snoozed or all (default open)",
          HEC_FLAG_TEXT },
        { "head", "HEAD", "alerts of one head", HEC_FLAG_TEXT },
        { "severity", "WORD", "low, medium, high or critical", HEC_FLAG_TEXT },
        { "entity", "KIND:TOKEN", "alerts that touch it", HEC_FLAG_TEXT },
        { "min-score", "N", "scores of at least N", HEC_FLAG_INTEGER, .minimum = 0,
          .maximum = 999 },
        { "since", "TIME", "alerts made since then", HEC_FLAG_TIME },
        { "limit", "N", "so many (default 50)", HEC_FLAG_INTEGER, .minimum = 1, .maximum = 500 },
        { "type", "CODE", "of a fraud: the card networks' code, 05 is account takeover",
          HEC_FLAG_TEXT },
        { "model", "MODEL", "explain: the file that made it, when the daemon has another by now",
          HEC_FLAG_TEXT },
        { "note", "TEXT", "for those who look later", HEC_FLAG_TEXT },
        HEC_JSON_FLAG,
        HEC_TALK_FLAGS,
    },
};
