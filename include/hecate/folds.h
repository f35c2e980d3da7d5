/*
 * Folds: which rows a model may learn from, and which it is judged on, without a look into the
 * future.
 *
 *   |------ train ------|-- valid --|---- delay ----|---- test ----|
 *   train_from      valid_from   mature        test_from       test_to
 *
 * By time (parts = 0): training rows lie before mature, test rows from test_from on, and a training
 * row's truth is what had arrived by known_at, which is not after test_from. By user (parts = k):
 * a user's rows are all of them training, validation or test; time plays no part.
 */
#ifndef HECATE_FOLDS_H
#define HECATE_FOLDS_H

#include <stddef.h>
#include <stdint.h>

#include "hecate/model.h"
#include "hecate/status.h"

/* A verdict on a row, and when it came. */
struct hec_verdict_at {
    int64_t arrived_ms;
    uint32_t row;
    uint8_t verdict; /* enum hec_verdict */
    uint8_t code;    /* 0, or 1 + index into codes: the fraud type */
};

/* A log as far as labels go. All borrowed. */
struct hec_labelled {
    uint32_t rows;
    const int64_t *event_ms;
    const uint8_t *event_type; /* enum hec_event_type */
    const uint64_t *user;      /* a number for each user */
    const uint64_t *card;      /* a number for each card; the user's where an event has none */
    const struct hec_verdict_at *verdicts; /* in the order of their arrival */
    size_t verdicts_count;
    const char (*codes)[HEC_FRAUD_TYPE_MAX];
};

struct hec_fold {
    int64_t train_from_ms, train_to_ms; /* the window as asked for */
    int64_t valid_from_ms, mature_ms;   /* where validation begins, and where it ends */
    int64_t known_at_ms;                /* labels that came later are not known to training */
    int64_t test_from_ms, test_to_ms;
    int part, parts; /* by user: this part of so many is the test; parts 0: by time */
    uint64_t seed;   /* of the parts */
};

/**
 * What was known at a moment: the last verdict of each row that had arrived, and each head's
 * target.
 *
 * @param targets  (rows, heads_count), written: enum hec_target
 * @param code     (rows), written: fraud type of a fraud verdict, else 0; may be NULL
 */
HEC_CHECKED enum hec_status hec_fold_targets(const struct hec_labelled *log,
                                             const struct hec_head *heads, int heads_count,
                                             int64_t known_at_ms, int8_t *targets, uint8_t *code);

/**
 * Who is in which part.
 *
 * @param split  (rows), written: enum hec_split, for training
 * @param test   (rows), written: 1 for test rows
 */
void hec_fold_split(const struct hec_labelled *log, const struct hec_fold *fold, uint8_t *split,
                    uint8_t *test);

/**
 * Takes out of the test what nobody needs a model for: rows of a card (of a user, for a head that
 * judges more than payments) of which a fraud that the head counts, committed since train_from,
 * had been reported before the row's day began.
 *
 * @param test  (rows), changed: 0 where taken out
 */
HEC_CHECKED enum hec_status hec_fold_drop_known(const struct hec_labelled *log,
                                                const struct hec_fold *fold,
                                                const struct hec_head *head, uint8_t *test);

/** Whom a head judges: the numbers of cards for heads over payments, of users for the others. */
const uint64_t *hec_fold_subject(const struct hec_labelled *log, const struct hec_head *head);

#endif
