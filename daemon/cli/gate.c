#include "cli/gate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ops/problems.h"

static int parse_one(struct hec_gate *gate, const char *text, const struct hec_arguments *arguments)
{
    char name[64];
    char *end = NULL;
    size_t length = strcspn(text, "<>=");
    size_t relation = strspn(text + length, "<>=");
    *gate = (struct hec_gate){ .text = text };
    snprintf(gate->relation, sizeof(gate->relation), "%.*s", (int)relation, text + length);
    gate->bound = strtod(text + length + relation, &end);
    bool known = strcmp(gate->relation, ">=") == 0 || strcmp(gate->relation, "<=") == 0 ||
                 strcmp(gate->relation, ">") == 0 || strcmp(gate->relation, "<") == 0;
    if (length == 0 || relation > 2 || !known || end == text + length + relation || *end != '\0' ||
        !isfinite(gate->bound)) {
        return hec_cli_misused(arguments,
                               "--gate must be METRIC>=X or HEAD.METRIC>=X (also <=, >, <), not "
                               "\"%.80s\"",
                               text);
    }
    /* A metric's own name may hold a dot (recall_at_fpr_0.01): the whole of it is tried first. */
    snprintf(name, sizeof(name), "%.*s", (int)length, text);
    gate->metric = hec_metric_named(name);
    const char *dot = strchr(name, '.');
    if (gate->metric == HEC_METRICS && dot != NULL) {
        gate->metric = hec_metric_named(dot + 1);
        snprintf(gate->subject, sizeof(gate->subject), "%.*s", (int)(dot - name), name);
    }
    if (gate->metric == HEC_METRICS) {
        const char *names[HEC_METRICS + 1] = { NULL };
        for (int m = 0; m < HEC_METRICS; m++) {
            names[m] = hec_metric_rows[m].name;
        }
        const char *nearest = hec_nearest(dot == NULL ? name : dot + 1, names);
        return hec_cli_misused(arguments, "--gate: there is no metric in \"%.80s\"%s%s%s", text,
                               nearest == NULL ? "" : "; did you mean ",
                               nearest == NULL ? "" : nearest, nearest == NULL ? "" : "?");
    }
    return HEC_EXIT_OK;
}

int hec_gates_parse(struct hec_gate gates[HEC_GATES_MAX], int *count,
                    const struct hec_arguments *arguments)
{
    size_t given = 0;
    const char *const *texts = hec_texts_of(arguments, "gate", &given);
    int status = HEC_EXIT_OK;
    *count = 0;
    if (given > HEC_GATES_MAX) {
        return hec_cli_misused(arguments, "at most %d gates", HEC_GATES_MAX);
    }
    for (size_t i = 0; i < given && status == HEC_EXIT_OK; i++) {
        status = parse_one(&gates[(*count)++], texts[i], arguments);
    }
    return status;
}

static const double *values_of(const struct hec_figures *figures, const char *subject)
{
    if (subject[0] == '\0' || strcmp(subject, "macro") == 0) {
        return figures->macro;
    }
    if (strcmp(subject, "weighted") == 0) {
        return figures->weighted;
    }
    for (int k = 0; k < figures->heads_count; k++) {
        if (strcmp(subject, figures->heads[k].name) == 0) {
            return figures->value[k];
        }
    }
    return NULL;
}

static bool met(const struct hec_gate *gate, double value)
{
    bool equal = gate->relation[1] == '=' && value == gate->bound;
    return equal || (gate->relation[0] == '>' ? value > gate->bound : value < gate->bound);
}

int hec_gates_hold(const struct hec_gate *gates, int count, const struct hec_figures *figures,
                   const struct hec_arguments *arguments)
{
    int status = HEC_EXIT_OK;
    for (int i = 0; i < count; i++) {
        const double *values = values_of(figures, gates[i].subject);
        if (values == NULL) {
            return hec_cli_misused(arguments, "--gate %.80s: there is no head \"%s\"",
                                   gates[i].text, gates[i].subject);
        }
        double value = values[gates[i].metric];
        bool holds = met(&gates[i], value); /* NaN meets nothing */
        if (isnan(value)) {
            fprintf(stderr, "gate %s: not met, the figure is undefined on these rows\n",
                    gates[i].text);
        } else {
            fprintf(stderr, "gate %s: %s, it is %.6g\n", gates[i].text, holds ? "met" : "not met",
                    value);
        }
        status = holds ? status : HEC_EXIT_GATE;
    }
    return status;
}
