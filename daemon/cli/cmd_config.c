/* hecate config: the settings of hecated: are they good, what are they, what could they be. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/talk.h"
#include "ops/config.h"
#include "parts.h"

static enum hec_status load(struct hec_config *config, const struct hec_arguments *arguments,
                            struct hec_problems *problems)
{
    size_t count;
    const char *const *sets = hec_texts_of(arguments, "set", &count);
    enum hec_status status =
        hec_config_load(config, hec_text_or(arguments, "config", HEC_CONFIG_PATH), problems);
    for (size_t i = 0; status == HEC_OK && i < count; i++) {
        status = hec_config_set(config, sets[i], problems);
    }
    return status;
}

static const char *path_of(const struct hec_arguments *arguments)
{
    return hec_text_or(arguments, "config", HEC_CONFIG_PATH);
}

static void tell(const char *kind, const struct hec_problems *problems)
{
    for (int i = 0; i < problems->count; i++) {
        fprintf(stderr, "hecate config: %s%s\n", kind, problems->rows[i].text);
    }
    if (problems->dropped > 0) {
        fprintf(stderr, "hecate config: and %d more\n", problems->dropped);
    }
}

static int check(const struct hec_arguments *arguments, struct hec_config *config,
                 struct hec_problems *problems)
{
    static struct hec_problems warnings;
    enum hec_status status = load(config, arguments, problems);
    if (status == HEC_OK) {
        hec_config_warn(config, &warnings);
        status = hec_config_check(config, problems);
    }
    if (status == HEC_OK && !hec_given(arguments, "offline")) {
        status = hec_parts_check(config, problems);
    }
    tell("", problems);
    tell("warning: ", &warnings);
    if (status != HEC_OK || (warnings.count > 0 && hec_given(arguments, "strict"))) {
        return HEC_EXIT_CONFIGURATION;
    }
    printf("%s: good\n", path_of(arguments));
    return HEC_EXIT_OK;
}

/* What a running hecated works with, which the file may not say any more. */
static int show_running(const struct hec_arguments *arguments)
{
    struct hec_answer answer;
    int status = hec_talk(arguments, "GET", "/api/v1/config", NULL, &answer);
    if (status != HEC_EXIT_OK) {
        return status;
    }
    yyjson_val *row, *settings = yyjson_obj_get(answer.root, "settings");
    size_t i, count;
    if (hec_given(arguments, "json")) {
        char *text = yyjson_val_write(settings, YYJSON_WRITE_PRETTY, NULL);
        printf("%s\n", text == NULL ? "" : text);
        free(text);
    } else {
        yyjson_arr_foreach(settings, i, count, row)
        {
            const char *origin = hec_member_text(row, "origin");
            printf("%s = %s%s%s\n", hec_member_text(row, "key"), hec_member_text(row, "value"),
                   origin[0] ? "  # " : "", origin);
        }
    }
    hec_answer_free(&answer);
    return HEC_EXIT_OK;
}

static int show(const struct hec_arguments *arguments, struct hec_config *config,
                struct hec_problems *problems)
{
    if (hec_given(arguments, "running")) {
        return show_running(arguments);
    }
    enum hec_status status = load(config, arguments, problems);
    tell("", problems);
    if (status != HEC_OK) {
        return HEC_EXIT_CONFIGURATION;
    }
    if (hec_given(arguments, "json")) {
        return hec_config_show_json(config, stdout) == HEC_OK ? HEC_EXIT_OK : HEC_EXIT_FAILURE;
    }
    hec_config_show(config, stdout);
    return HEC_EXIT_OK;
}

/* What the table knows needs no file; the value in effect is told when there is one. */
static int explain(const struct hec_arguments *arguments, struct hec_config *config,
                   struct hec_problems *problems)
{
    static struct hec_problems unread;
    config->keep_references = true;
    bool readable = load(config, arguments, &unread) == HEC_OK;
    if (!readable && hec_given(arguments, "config")) {
        tell("", &unread);
        return HEC_EXIT_CONFIGURATION;
    }
    enum hec_status status =
        hec_config_explain(readable ? config : NULL, arguments->positionals[1], stdout, problems);
    tell("", problems);
    return status == HEC_OK ? HEC_EXIT_OK : HEC_EXIT_FAILURE;
}

static void print_change(void *context, const struct hec_config_change *change)
{
    (void)context;
    printf("%s  (%s)\n", change->key, change->reloadable ? "reload" : "restart");
    printf("  - %s\n  + %s\n", change->before[0] ? change->before : "not set",
           change->after[0] ? change->after : "not set");
}

/* As diff(1): 0 when there is no difference, 1 when there is. */
static int diff(const struct hec_arguments *arguments, struct hec_config *config,
                struct hec_problems *problems)
{
    struct hec_config *other = hec_config_new();
    if (other == NULL) {
        return HEC_EXIT_FAILURE;
    }
    config->keep_references = other->keep_references = !hec_given(arguments, "resolve");
    enum hec_status status = load(config, arguments, problems);
    if (status == HEC_OK) {
        status = hec_config_load(other, arguments->positionals[1], problems);
    }
    tell("", problems);
    int changes = status == HEC_OK ? hec_config_compare(config, other, print_change, NULL) : 0;
    hec_config_free(other);
    return status != HEC_OK ? HEC_EXIT_CONFIGURATION : changes > 0 ? 1 : HEC_EXIT_OK;
}

static int print_default(const struct hec_arguments *arguments, struct hec_config *config,
                         struct hec_problems *problems)
{
    (void)arguments;
    (void)config;
    (void)problems;
    hec_config_default_print(stdout);
    return HEC_EXIT_OK;
}

static const struct {
    const char *verb;
    int positionals; /* the verb itself included */
    int (*run)(const struct hec_arguments *arguments, struct hec_config *config,
               struct hec_problems *problems);
} VERBS[] = {
    { "check", 1, check },     { "show", 1, show }, { "default", 1, print_default },
    { "explain", 2, explain }, { "diff", 2, diff },
};
#define VERBS_COUNT ((int)(sizeof(VERBS) / sizeof(VERBS[0])))

static int run(const struct hec_arguments *arguments)
{
    static struct hec_problems problems;
    const char *verb = arguments->positionals[0];
    int i = 0;
    while (i < VERBS_COUNT && strcmp(VERBS[i].verb, verb) != 0) {
        i++;
    }
    if (i == VERBS_COUNT) {
        return hec_cli_misused(arguments,
                               "\"%.60s\" is not something to do; check, show, default, explain "
                               "and diff are",
                               verb);
    }
    if (arguments->positionals_count != VERBS[i].positionals) {
        return hec_cli_misused(arguments, "%s takes %s", verb,
                               VERBS[i].positionals == 1 ? "nothing more" : "one thing more");
    }
    struct hec_config *config = hec_config_new();
    if (config == NULL) {
        return HEC_EXIT_FAILURE;
    }
    int status = VERBS[i].run(arguments, config, &problems);
    hec_config_free(config);
    return status;
}

const struct hec_command hec_cmd_config = {
    .name = "config",
    .line = "checks and shows the settings of hecated",
    .positionals = "check|show|default|explain KEY|diff FILE",
    .positionals_min = 1,
    .positionals_max = 2,
    .examples = { "hecate config check --config /etc/hecate/hecate.conf",
                  "hecate config explain state.cache_mib" },
    .text =
        "check finds every mistake, not only the first; show prints the settings in effect and\n"
        "where each came from, secrets masked; default prints every setting; explain tells what\n"
        "one means, or each of a section; diff compares with another file and says what a reload\n"
        "would take and what a restart: exit status 0 without a difference, 1 with one.",
    .run = run,
    .flags = {
        { "config", "FILE", "the settings (default " HEC_CONFIG_PATH ")", HEC_FLAG_TEXT },
        { "set", "SECTION.KEY=VALUE", "one setting over what the file says; may be repeated",
          HEC_FLAG_TEXT, .many = true },
        { "offline", NULL, "check: do not open the files that the settings name",
          HEC_FLAG_SWITCH },
        { "strict", NULL, "check: a warning is a failure", HEC_FLAG_SWITCH },
        { "json", NULL, "show: as JSON", HEC_FLAG_SWITCH },
        { "running", NULL, "show: those that a running hecated works with", HEC_FLAG_SWITCH },
        { "socket", "PATH", "show --running: of the daemon (default: as --config says)",
          HEC_FLAG_TEXT },
        { "resolve", NULL, "diff: compare what references give, not the references",
          HEC_FLAG_SWITCH },
    },
};
