/*
 * The report of a training: one HTML file with inline SVG that needs no network and no script.
 */
#ifndef HECATE_CLI_REPORT_H
#define HECATE_CLI_REPORT_H

#include "cli/studies.h"

/* One epoch's numbers, by head. */
struct hec_epoch {
    double loss[HEC_HEADS_MAX], valid_ap[HEC_HEADS_MAX], valid_loss[HEC_HEADS_MAX];
    double cosine[HEC_HEADS_MAX][HEC_HEADS_MAX];
    double conflict_share;
    bool best;
};

/* Somebody else's scores of the judged rows. */
struct hec_beside {
    const char *name;
    struct hec_judgement told[HEC_HEADS_MAX];
    bool has[HEC_HEADS_MAX];
};
#define HEC_BESIDE_MAX 8

/* All borrowed. */
struct hec_report {
    struct hec_study study;
    const struct hec_evaluation *evaluation;
    const char *judged; /* which rows, one phrase: "7 days after the training" */
    const char *model_sha256;
    const char *settings; /* the text of run.json */
    const struct hec_epoch *epochs;
    int epochs_count;
    int card_k;
    const struct hec_beside *beside;
    int beside_count;
};

/** Writes the page. @return HEC_OK or HEC_NO_MEMORY; a failed write is the stream's to tell */
HEC_CHECKED enum hec_status hec_report_write(const struct hec_report *report, FILE *to);

/** The section of one head: curves, thresholds, time, segments (report_head.c). */
HEC_CHECKED enum hec_status hec_report_head(const struct hec_report *report, int head, FILE *to);

#endif
