/*
 * A run: what a training leaves beside its model, in a folder of its own.
 *
 *   DIR/20250301T120000Z-seed1/
 *     run.json          every flag and setting, digests of the data, versions, the model's digest
 *     train_log.ndjson  a line an epoch
 *     metrics.json      what hecate eval --json prints, of the judged rows
 *     predictions.csv   the judged rows: truth and score a head
 *     model_card.md     what the model is for, and what it is not
 *     report.html       all of it to look at (report.h)
 *
 * Judged are the rows after the labels were known, with all labels of the log; where there are none
 * with a positive, the validation rows. Training sees neither.
 */
#ifndef HECATE_CLI_RUN_DIR_H
#define HECATE_CLI_RUN_DIR_H

#include "cli/command.h"
#include "cli/report.h"
#include "file/output.h"
#include "hecate/train.h"

#define HEC_FLAGS_RUN                                                                              \
    { "run-dir", "DIR", "make a folder TIME-seedN in it: settings, log, figures, report.html",     \
      HEC_FLAG_TEXT },                                                                             \
    {                                                                                              \
        "beside", "NAME=CSV", "scores of others for the report: event_id and a column a head",     \
            HEC_FLAG_TEXT, .many = true                                                            \
    }

struct hec_run {
    char path[512];
    char made[24];
    const struct hec_arguments *arguments; /* borrowed */
    struct hec_output *log;
    struct hec_epoch *epochs;
    int epochs_count, epochs_room;
};

/** Makes the folder and opens the log. @return HEC_OK, or why it could not be made (told) */
HEC_CHECKED enum hec_status hec_run_begin(struct hec_run *run,
                                          const struct hec_arguments *arguments, uint64_t seed,
                                          struct hec_error *error);
/** Keeps an epoch. */
void hec_run_epoch(struct hec_run *run, const struct hec_train_progress *told);
/** Accepts one that was never begun. */
void hec_run_free(struct hec_run *run);

/* What was trained, and on what; all borrowed. */
struct hec_run_facts {
    const struct hec_rows *rows;
    const struct hec_model *model;
    const char *model_path, *model_sha256;
    const struct hec_train_options *options;
    const struct hec_fold *fold;
    const int8_t *targets; /* (rows, heads of the model) as training knew them */
    const uint8_t *split;  /* (rows): enum hec_split */
    const uint8_t *test;   /* (rows): 1 after the labels were known */
    int64_t last_ms;       /* of the log: up to it labels are known for judging */
    int best_epoch;
};

/** Judges and writes everything. */
HEC_CHECKED enum hec_status hec_run_finish(struct hec_run *run, const struct hec_run_facts *facts,
                                           struct hec_error *error);

/** Text of run.json, for free(); NULL when memory is exhausted (run_json.c). */
char *hec_run_json(const struct hec_run *run, const struct hec_run_facts *facts);

#endif
