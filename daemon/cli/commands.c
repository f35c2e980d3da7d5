/* The table of commands, in the order of help. */
#include "cli/commands.h"

const struct hec_command *const HEC_COMMANDS[] = {
    &hec_cmd_demo,    &hec_cmd_gen,   &hec_cmd_import,
    &hec_cmd_train,   &hec_cmd_score, &hec_cmd_features,
    &hec_cmd_replay,  &hec_cmd_model, &hec_cmd_config,
    &hec_cmd_version, NULL,
};
