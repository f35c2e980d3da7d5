/*
 * Gates: conditions on figures that a pipeline ends on, "card_fraud.average_precision>=0.65".
 *
 * The part before the dot is a head, or macro or weighted, the means over heads; without it the
 * macro mean is meant. A figure that is undefined meets no gate.
 */
#ifndef HECATE_CLI_GATE_H
#define HECATE_CLI_GATE_H

#include "cli/command.h"
#include "hecate/judge.h"
#include "hecate/model.h"

#define HEC_GATES_MAX 32

struct hec_gate {
    const char *text; /* as written; borrowed */
    char subject[HEC_HEAD_NAME_MAX];
    enum hec_metric metric;
    char relation[3]; /* ">=", "<=", ">", "<" */
    double bound;
};

/* What gates are held against. */
struct hec_figures {
    int heads_count;
    const struct hec_head *heads;
    double value[HEC_HEADS_MAX][HEC_METRICS];
    double macro[HEC_METRICS], weighted[HEC_METRICS]; /* over binary heads */
};

/** Understands --gate. @return HEC_EXIT_OK, or HEC_EXIT_USAGE after telling the mistake */
HEC_CHECKED int hec_gates_parse(struct hec_gate gates[HEC_GATES_MAX], int *count,
                                const struct hec_arguments *arguments);

/** Tells each gate on standard error. @return HEC_EXIT_OK, HEC_EXIT_GATE when one is not met,
 * HEC_EXIT_USAGE for a head that is none */
HEC_CHECKED int hec_gates_hold(const struct hec_gate *gates, int count,
                               const struct hec_figures *figures,
                               const struct hec_arguments *arguments);

#endif
