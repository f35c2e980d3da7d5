/*
 * The inbox: alerts as people work on them, with snoozes and the audit, in one SQLite file.
 *
 * It follows the alert topic: an alert is filed under its alert_id, once, in the same transaction
 * as the offset behind it, so that a crash files nothing twice and loses nothing. What repeats
 * within the window (same entity, same head, by event time from the first one on) is folded into
 * the first; what is snoozed is kept out of sight. Both are counted, and can be looked at.
 *
 *   filed --> new --take--> taken --label--> closed        release: taken --> new
 *
 * One thread; the desk's. Calls wait for the disk.
 */
#ifndef HECATE_OPS_INBOX_H
#define HECATE_OPS_INBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hecate/status.h"

struct hec_inbox;

struct hec_inbox_options {
    const char *path; /* ":memory:" for a test */
    int64_t dedup_window_ms;
};

/** Opens or makes the file. @return HEC_OK; HEC_DENIED, HEC_UNAVAILABLE (another process has it),
 * HEC_CORRUPT, HEC_MISMATCH (of a newer version) */
HEC_CHECKED enum hec_status hec_inbox_open(struct hec_inbox **ret,
                                           const struct hec_inbox_options *options,
                                           struct hec_error *error);
/** Accepts NULL. */
void hec_inbox_close(struct hec_inbox *inbox);

/* One alert as filed. Texts are never NULL and live until the next call. */
struct hec_inbox_row {
    int64_t seq;
    const char *alert_id, *head, *severity, *outcome, *event_id, *event_type;
    const char *kind, *token, *user_token, *currency, *reason;
    int64_t score, threshold, created_at_ms, event_time_ms;
    int64_t amount_minor, loss_minor; /* -1: none */
    const char *state;                /* new, taken, closed */
    const char *taken_by, *label, *fraud_type, *labelled_by, *note;
    int64_t taken_ms, labelled_ms;
    int64_t repeats, last_ms; /* how many alerts it stands for, event time of the newest */
    int64_t folded_into;      /* seq of the one it repeats; 0: none */
    bool snoozed;
    /* Only as given to be filed: where the event stood, -1: unknown; of the control group, how
     * likely it was to be let through, 0: it is not of it. */
    int32_t partition;
    double propensity;
    const char *json; /* the alert as it stood on the topic */
};

enum hec_filed { HEC_FILED_NEW, HEC_FILED_REPEAT, HEC_FILED_SNOOZED, HEC_FILED_KNOWN };

/** Opens and closes the transaction around a run of hec_inbox_file and hec_inbox_seek. */
HEC_CHECKED enum hec_status hec_inbox_begin(struct hec_inbox *inbox, struct hec_error *error);
HEC_CHECKED enum hec_status hec_inbox_commit(struct hec_inbox *inbox, struct hec_error *error);
/** Undoes what was done since hec_inbox_begin. */
void hec_inbox_rollback(struct hec_inbox *inbox);

/**
 * Files one alert as it stood on the topic.
 *
 * @param now_ms  wall clock: which snoozes are in force
 * @param filed   what became of it
 * @param seq     its number, or that of the alert it was folded into
 * @return HEC_OK, HEC_INVALID (no alert that can be understood), HEC_UNAVAILABLE (the disk)
 */
HEC_CHECKED enum hec_status hec_inbox_file(struct hec_inbox *inbox, const char *json, size_t length,
                                           int64_t now_ms, enum hec_filed *filed, int64_t *seq,
                                           struct hec_error *error);

/** The offset after the last filed alert of a partition of this topic; -1: none. */
int64_t hec_inbox_position(struct hec_inbox *inbox, const char *topic, int32_t partition);
HEC_CHECKED enum hec_status hec_inbox_seek(struct hec_inbox *inbox, const char *topic,
                                           int32_t partition, int64_t offset,
                                           struct hec_error *error);

/* What to list; "" and 0 leave a question out. */
struct hec_inbox_filter {
    const char *state; /* new, taken, open (both), closed, snoozed, all */
    const char *head, *severity;
    const char *kind, *token; /* of any entity of the alert */
    int64_t min_score, since_ms;
    int64_t before_seq; /* the page after this one; 0: the first */
    int limit;
};

typedef void hec_inbox_see(void *context, const struct hec_inbox_row *row);

/** Lists, newest first. Returns how many were seen. */
int hec_inbox_list(struct hec_inbox *inbox, const struct hec_inbox_filter *filter,
                   hec_inbox_see *see, void *context);
/** Finds one by its alert_id, or by a beginning of it that no other has. False: there is none. */
bool hec_inbox_find(struct hec_inbox *inbox, const char *alert_id, hec_inbox_see *see,
                    void *context);

/** Alerts by state: new, taken, closed today, snoozed. */
struct hec_inbox_counts {
    int64_t new_ones, taken, closed, snoozed, repeats;
};
void hec_inbox_count(struct hec_inbox *inbox, struct hec_inbox_counts *counts);

/** Takes an alert for a person, or gives it back. @return HEC_OK; HEC_NOT_FOUND; HEC_DENIED
 * (another has it, or it is closed) */
HEC_CHECKED enum hec_status hec_inbox_take(struct hec_inbox *inbox, int64_t seq, const char *actor,
                                           int64_t now_ms, struct hec_error *error);
HEC_CHECKED enum hec_status hec_inbox_release(struct hec_inbox *inbox, int64_t seq,
                                              const char *actor, bool any, struct hec_error *error);

/** Notes a verdict and closes the alert; a second one replaces the first.
 * @return HEC_OK, HEC_NOT_FOUND, HEC_UNAVAILABLE */
HEC_CHECKED enum hec_status hec_inbox_label(struct hec_inbox *inbox, int64_t seq, const char *label,
                                            const char *fraud_type, const char *note,
                                            const char *actor, int64_t now_ms,
                                            struct hec_error *error);

/* Keeps an entity's alerts out of sight until a time. */
struct hec_snooze {
    int64_t id; /* given */
    const char *kind, *token;
    const char *head; /* "": all */
    const char *reason, *actor;
    int64_t created_ms, until_ms;
    int64_t kept; /* alerts kept out of sight so far */
};

HEC_CHECKED enum hec_status hec_snooze_add(struct hec_inbox *inbox, struct hec_snooze *snooze,
                                           struct hec_error *error);
/** @return HEC_OK, HEC_NOT_FOUND, HEC_UNAVAILABLE */
HEC_CHECKED enum hec_status hec_snooze_remove(struct hec_inbox *inbox, int64_t id,
                                              struct hec_error *error);
/** Those in force, the soonest to end first. */
int hec_snooze_list(struct hec_inbox *inbox, int64_t now_ms,
                    void (*see)(void *context, const struct hec_snooze *snooze), void *context);

/* Who did what. */
struct hec_audit_row {
    int64_t id, at_ms;
    const char *actor, *role, *verb, *subject;
    int code; /* HTTP's: below 400 it was done */
};

HEC_CHECKED enum hec_status hec_audit_add(struct hec_inbox *inbox, const struct hec_audit_row *row,
                                          struct hec_error *error);
int hec_audit_list(struct hec_inbox *inbox, int64_t before_id, int limit,
                   void (*see)(void *context, const struct hec_audit_row *row), void *context);

/** Deletes alerts and audit rows older than this. */
HEC_CHECKED enum hec_status hec_inbox_expire(struct hec_inbox *inbox, int64_t before_ms,
                                             struct hec_error *error);

#endif
