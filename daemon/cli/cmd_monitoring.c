/* hecate monitoring: what Prometheus and Grafana need to watch a hecated. */
#include <string.h>

#include "cli/commands.h"
#include "cli/monitoring.h"

/* What stands inside of quotes in PromQL and YAML without any escape. */
static bool is_plain(const char *text)
{
    return text[0] != '\0' &&
           strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:/[]-") ==
               strlen(text);
}

static int run(const struct hec_arguments *arguments)
{
    const char *what = arguments->positionals[0];
    const char *job = hec_text_or(arguments, "job", "hecate");
    const char *target = hec_text_or(arguments, "target", "127.0.0.1:9677");
    if (!is_plain(job) || !is_plain(target)) {
        return hec_cli_misused(arguments, "a job and a target are letters, digits and . _ : / -");
    }
    if (strcmp(what, "rules") == 0) {
        hec_rules_print(stdout, job);
    } else if (strcmp(what, "scrape") == 0) {
        hec_scrape_print(stdout, job, target);
    } else if (strcmp(what, "grafana") == 0) {
        return hec_dashboard_print(stdout) == HEC_OK ? HEC_EXIT_OK : HEC_EXIT_FAILURE;
    } else {
        return hec_cli_misused(
            arguments, "\"%.60s\" is not something to print; rules, grafana and scrape are", what);
    }
    return HEC_EXIT_OK;
}

const struct hec_command hec_cmd_monitoring = {
    .name = "monitoring",
    .line = "prints alert rules, a dashboard and a scrape configuration",
    .positionals = "rules|grafana|scrape",
    .positionals_min = 1,
    .positionals_max = 1,
    .examples = { "hecate monitoring rules > /etc/prometheus/hecate.rules.yml",
                  "hecate monitoring grafana > hecate-dashboard.json" },
    .text = "rules is for Prometheus 2.42 and newer; what to do about each rule stands in\n"
            "hecated(8). grafana is a dashboard to be imported; it asks for its data source.",
    .run = run,
    .flags = {
        { "job", "NAME", "what the scrape configuration calls hecated (default hecate)",
          HEC_FLAG_TEXT },
        { "target", "HOST:PORT", "scrape: where hecated listens (default 127.0.0.1:9677)",
          HEC_FLAG_TEXT },
    },
};
