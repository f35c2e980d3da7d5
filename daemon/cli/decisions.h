/*
 * Decisions that were made, and what came of them: alerts of the topic joined with labels, as
 * off-policy evaluation wants them.
 *
 *   --alerts  NDJSON alerts, as on the topic --+
 *                                              +-- event id --> one row a decision of a head
 *   --data    NDJSON events, labels among them +
 *
 * What is seen: of what was let through, asked about or looked at the truth comes to light, and no
 * label once it is mature means genuine; of what was held, if somebody said so; of what was
 * blocked, only in the control group, for the labels that others have are not those of chance.
 */
#ifndef HECATE_CLI_DECISIONS_H
#define HECATE_CLI_DECISIONS_H

#include "cli/command.h"
#include "hecate/offpolicy.h"

/* Rows that do not count, and why. */
enum hec_left_out {
    HEC_LEFT_FORCED,   /* a rule or a list decided: other thresholds would have changed nothing */
    HEC_LEFT_BELOW,    /* below the highest threshold that the log was made with */
    HEC_LEFT_IMMATURE, /* too young for its label */
    HEC_LEFT_UNKNOWN,  /* the label says that it is not known */
    HEC_LEFT_OUTS,
};

/* Of one head, in the order of event time. Owned. */
struct hec_decided {
    struct hec_logged *rows;
    size_t n;
    float floor;                /* the highest alert threshold of the log; 0 without a row */
    size_t blocks, let_through; /* would-be blocks, and those of the control group */
    size_t budgeted;            /* decided under a budget: what it kept back is not in the log */
    size_t left_out[HEC_LEFT_OUTS];
    int64_t from_ms, to_ms; /* first and last event */
};

struct hec_decisions {
    struct hec_head heads[HEC_HEADS_MAX];
    int heads_count;
    struct hec_decided of[HEC_HEADS_MAX];
    int64_t known_at_ms;
};

#define HEC_FLAGS_DECISIONS                                                                        \
    { "alerts",                                                                                    \
      "FILE",                                                                                      \
      "NDJSON alerts as on the topic, control group and all; - is standard input",                 \
      HEC_FLAG_TEXT,                                                                               \
      .required = true,                                                                            \
      .many = true },                                                                              \
        { "data",        "FILE",           "NDJSON events with the labels; only labels count",     \
          HEC_FLAG_TEXT, .required = true, .many = true },                                         \
        { "known-at", "T", "labels that came later are not known (default: the end of --data)",    \
          HEC_FLAG_TIME },                                                                         \
    {                                                                                              \
        "exposure", "N", "minor units at stake where an event has no amount (default 10000)",      \
            HEC_FLAG_INTEGER, .minimum = 0, .maximum = INT64_C(1000000000000)                      \
    }

/**
 * Reads --alerts, --data, --heads, --known-at and --exposure. An alert that is there twice counts
 * once.
 *
 * @return HEC_EXIT_OK, or an exit status after telling; release with hec_decisions_free either way
 */
HEC_CHECKED int hec_decisions_read(struct hec_decisions *decisions,
                                   const struct hec_arguments *arguments);
void hec_decisions_free(struct hec_decisions *decisions);

#endif
