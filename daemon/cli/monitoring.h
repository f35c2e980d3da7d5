/*
 * What watches a hecated: alert rules and a dashboard, each a table here, printed from it and from
 * nothing else. Every metric they name is one of ops/metrics.h; a test asks a live scrape.
 */
#ifndef HECATE_CLI_MONITORING_H
#define HECATE_CLI_MONITORING_H

#include <stdio.h>

#include "hecate/status.h"

/* One alert rule. In expr, $job stands for the name of the scrape job. */
struct hec_rule {
    const char *name, *severity; /* "critical" wakes somebody; "warning" waits for the morning */
    const char *hold;            /* how long it has to be so, "5m" */
    const char *expr;
    const char *summary;     /* one line; may use Prometheus' templates */
    const char *description; /* what it means */
    const char *action;      /* what to do: the runbook */
};

/** The rules, ended by a row without a name. */
const struct hec_rule *hec_rules(void);

/** Prints a rule file for Prometheus. job: as the scrape configuration calls it. */
void hec_rules_print(FILE *out, const char *job);

/** Prints a scrape configuration that fits the rules. */
void hec_scrape_print(FILE *out, const char *job, const char *target);

/** Prints a dashboard for Grafana. @return HEC_OK, HEC_NO_MEMORY */
HEC_CHECKED enum hec_status hec_dashboard_print(FILE *out);

#endif
