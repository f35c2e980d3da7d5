/*
 * hecate alert explain: by the daemon, whose model made the alert; or here, with a model's file.
 */
#ifndef HECATE_CLI_ALERT_EXPLAIN_H
#define HECATE_CLI_ALERT_EXPLAIN_H

#include "cli/talk.h"

/** The alert of positional 1, explained again; the answer is what GET .../explain says. Printed
 * unless --json is given. @return HEC_EXIT_OK; HEC_EXIT_FAILURE also when it differs from what was
 * recorded; those of hec_talk */
int hec_alert_explain(const struct hec_arguments *arguments, struct hec_answer *answer);

#endif
