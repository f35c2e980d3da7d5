/* The table of commands, in the order of help. */
#include "cli/commands.h"

/* One a line. */
/* clang-format off */
const struct hec_command *const HEC_COMMANDS[] = {
    &hec_cmd_demo,
    &hec_cmd_gen,
    &hec_cmd_import,
    &hec_cmd_train,
    &hec_cmd_table,
    &hec_cmd_score,
    &hec_cmd_explain,
    &hec_cmd_eval,
    &hec_cmd_compare,
    &hec_cmd_correlate,
    &hec_cmd_sweep,
    &hec_cmd_fewshot,
    &hec_cmd_features,
    &hec_cmd_entity,
    &hec_cmd_replay,
    &hec_cmd_model,
    &hec_cmd_config,
    &hec_cmd_doctor,
    &hec_cmd_status,
    &hec_cmd_top,
    &hec_cmd_tail,
    &hec_cmd_alert,
    &hec_cmd_snooze,
    &hec_cmd_offsets,
    &hec_cmd_dlq,
    &hec_cmd_reload,
    &hec_cmd_pause,
    &hec_cmd_resume,
    &hec_cmd_drain,
    &hec_cmd_loglevel,
    &hec_cmd_schema,
    &hec_cmd_monitoring,
    &hec_cmd_completion,
    &hec_cmd_manpage,
    &hec_cmd_version,
    NULL,
};
/* clang-format on */
