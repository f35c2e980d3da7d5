/* hecate config: the settings of hecated: are they good, what are they, what could they be. */
#include <string.h>

#include "cli/commands.h"
#include "ops/config.h"

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

static int check_or_show(const struct hec_arguments *arguments, bool show)
{
    static struct hec_problems problems;
    struct hec_config *config = hec_config_new();
    if (config == NULL) {
        return HEC_EXIT_FAILURE;
    }
    enum hec_status status = load(config, arguments, &problems);
    if (status == HEC_OK && !show) {
        status = hec_config_check(config, &problems);
    }
    if (status == HEC_OK && !show && !hec_given(arguments, "offline")) {
        status = hec_config_check_files(config, &problems);
    }
    for (int i = 0; i < problems.count; i++) {
        fprintf(stderr, "hecate config: %s\n", problems.rows[i].text);
    }
    if (problems.dropped > 0) {
        fprintf(stderr, "hecate config: and %d more\n", problems.dropped);
    }
    if (status == HEC_OK && show) {
        hec_config_show(config, stdout);
    } else if (status == HEC_OK) {
        printf("%s: good\n", hec_text_or(arguments, "config", HEC_CONFIG_PATH));
    }
    hec_config_free(config);
    return status == HEC_OK ? HEC_EXIT_OK : HEC_EXIT_CONFIGURATION;
}

static int run(const struct hec_arguments *arguments)
{
    const char *what = arguments->positionals[0];
    if (strcmp(what, "default") == 0) {
        hec_config_default_print(stdout);
        return HEC_EXIT_OK;
    }
    if (strcmp(what, "check") != 0 && strcmp(what, "show") != 0) {
        return hec_cli_misused(
            arguments, "\"%.60s\" is not something to do; check, show and default are", what);
    }
    return check_or_show(arguments, strcmp(what, "show") == 0);
}

const struct hec_command hec_cmd_config = {
    .name = "config",
    .line = "checks and shows the settings of hecated",
    .positionals = "check|show|default",
    .positionals_min = 1,
    .positionals_max = 1,
    .examples = { "hecate config check --config /etc/hecate/hecate.conf",
                  "hecate config default > hecate.conf" },
    .text = "check finds every mistake, not only the first; show prints the settings in effect\n"
            "and where each came from, secrets masked; default prints every setting.",
    .run = run,
    .flags = {
        { "config", "FILE", "the settings (default " HEC_CONFIG_PATH ")", HEC_FLAG_TEXT },
        { "set", "SECTION.KEY=VALUE", "one setting over what the file says; may be repeated",
          HEC_FLAG_TEXT, .many = true },
        { "offline", NULL, "check: do not look at the files that the settings name",
          HEC_FLAG_SWITCH },
    },
};
