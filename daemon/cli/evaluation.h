/*
 * Evaluation: scores and truth of some rows become figures, head by head.
 *
 * A row counts for a head when its truth is known there and no mask takes it out. Who is resampled
 * is the user; whom card precision counts is hec_fold_subject's.
 */
#ifndef HECATE_CLI_EVALUATION_H
#define HECATE_CLI_EVALUATION_H

#include "cli/gate.h"
#include "cli/rows.h"
#include "hecate/judge.h"

struct yyjson_mut_doc;
struct yyjson_mut_val;

/* Scores of some rows. All borrowed. */
struct hec_scores {
    const struct hec_rows *rows;
    uint32_t count;
    const uint32_t *pick; /* (count) row numbers; NULL: all rows of rows, in order */
    const float *score;   /* (count, stride), NaN where a head does not apply */
    int stride;
    const int8_t *targets; /* (rows, heads): enum hec_target */
    int heads_count;
    const struct hec_head *heads;
    const uint8_t *mask[HEC_HEADS_MAX]; /* (rows) 0: left out for that head; NULL: none is */
    const float *thresholds;            /* (heads) */
};

/** Scores rows whose features are kept, in batches of 64.
 * @param score  (count, stride), written up to the heads of the model, which stride is not below
 * @return HEC_OK or HEC_NO_MEMORY */
HEC_CHECKED enum hec_status hec_score_rows(float *score, int stride, const struct hec_model *model,
                                           const struct hec_rows *rows, const uint32_t *pick,
                                           uint32_t count);

/* One head's rows side by side. Owned; freed by hec_gathered_free. */
struct hec_gathered {
    size_t n;
    float *score;
    uint8_t *label;
    int64_t *event_ms;
    uint64_t *entity, *card;
    double *amount; /* minor units */
    uint32_t *row;
};

/** Gathers what counts for head k. @return HEC_OK or HEC_NO_MEMORY; release either way */
HEC_CHECKED enum hec_status hec_gather(struct hec_gathered *gathered,
                                       const struct hec_scores *scores, int k);
void hec_gathered_free(struct hec_gathered *gathered);
/** The same as the judge wants it. */
struct hec_judge_rows hec_gathered_rows(const struct hec_gathered *gathered);

struct hec_evaluation {
    int heads_count;
    const struct hec_head *heads; /* borrowed */
    struct hec_judgement told[HEC_HEADS_MAX];
};

/** Judges every head. Threshold and kind of score are each head's own.
 * @return HEC_OK or HEC_NO_MEMORY */
HEC_CHECKED enum hec_status hec_evaluate(struct hec_evaluation *evaluation,
                                         const struct hec_scores *scores,
                                         const struct hec_judge_options *options);

/** The figures for gates; means are over the binary heads, for a novelty head is no fraud
 * detector and would pull them to where nothing is meant. */
void hec_evaluation_figures(struct hec_figures *figures, const struct hec_evaluation *evaluation);

/** A figure as text, "-" where it is undefined. @return text */
const char *hec_number_text(char text[32], double value, int decimals);
/** Prints a document to standard output, indented, and frees it. @return false where it could not
 */
bool hec_json_put(struct yyjson_mut_doc *doc);
/** Adds a figure to a JSON object, null where it is undefined. key is borrowed by the document. */
void hec_json_number(struct yyjson_mut_doc *doc, struct yyjson_mut_val *object, const char *key,
                     double value);

/** Prints a table: metrics down, heads across, intervals in brackets. */
void hec_evaluation_print(const struct hec_evaluation *evaluation, int card_k, FILE *to);

/** The same as JSON: an object with heads, macro and weighted. NaN is null. For free().
 * @param facts  further members for the object, as JSON text of an object; may be NULL
 * @return NULL when memory is exhausted */
char *hec_evaluation_json(const struct hec_evaluation *evaluation, int card_k, const char *facts);

#endif
