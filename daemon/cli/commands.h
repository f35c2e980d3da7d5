/* One command, one file: cmd_NAME.c. */
#ifndef HECATE_CLI_COMMANDS_H
#define HECATE_CLI_COMMANDS_H

#include "cli/command.h"

extern const struct hec_command hec_cmd_completion;
extern const struct hec_command hec_cmd_config;
extern const struct hec_command hec_cmd_demo;
extern const struct hec_command hec_cmd_compare;
extern const struct hec_command hec_cmd_correlate;
extern const struct hec_command hec_cmd_eval;
extern const struct hec_command hec_cmd_sweep;
extern const struct hec_command hec_cmd_features;
extern const struct hec_command hec_cmd_fewshot;
extern const struct hec_command hec_cmd_entity;
extern const struct hec_command hec_cmd_doctor;
extern const struct hec_command hec_cmd_tail;
extern const struct hec_command hec_cmd_offsets;
extern const struct hec_command hec_cmd_dlq;
extern const struct hec_command hec_cmd_schema;
extern const struct hec_command hec_cmd_gen;
extern const struct hec_command hec_cmd_import;
extern const struct hec_command hec_cmd_manpage;
extern const struct hec_command hec_cmd_model;
extern const struct hec_command hec_cmd_monitoring;
extern const struct hec_command hec_cmd_reload;
extern const struct hec_command hec_cmd_replay;
extern const struct hec_command hec_cmd_score;
extern const struct hec_command hec_cmd_explain;
extern const struct hec_command hec_cmd_adapt;
extern const struct hec_command hec_cmd_table;
extern const struct hec_command hec_cmd_train;
extern const struct hec_command hec_cmd_pretrain;
extern const struct hec_command hec_cmd_pause;
extern const struct hec_command hec_cmd_resume;
extern const struct hec_command hec_cmd_drain;
extern const struct hec_command hec_cmd_loglevel;
extern const struct hec_command hec_cmd_status;
extern const struct hec_command hec_cmd_top;
extern const struct hec_command hec_cmd_alert;
extern const struct hec_command hec_cmd_snooze;
extern const struct hec_command hec_cmd_list;
extern const struct hec_command hec_cmd_shadow;
extern const struct hec_command hec_cmd_policy;
extern const struct hec_command hec_cmd_version;

#endif
