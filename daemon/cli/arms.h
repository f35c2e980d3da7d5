/*
 * Arms from text: "NAME: --flag value ...", the flags of training and some of its own. What the
 * command line gives to all holds unless the arm says otherwise.
 */
#ifndef HECATE_CLI_ARMS_H
#define HECATE_CLI_ARMS_H

#include "cli/trials.h"

/** Understands one arm. A text without a name is its own.
 * @return HEC_EXIT_OK, or an exit status after telling the mistake */
HEC_CHECKED int hec_arm_parse(struct hec_arm *arm, const struct hec_trials *trials,
                              const char *text, const struct hec_arguments *arguments);

/** Room for count arms in trials->arms. @return HEC_EXIT_OK or HEC_EXIT_FAILURE (told) */
HEC_CHECKED int hec_arms_room(struct hec_trials *trials, int count,
                              const struct hec_arguments *arguments);

#endif
