/*
 * The inside of the inbox: statements, prepared once.
 */
#ifndef HECATE_OPS_INBOX_INSIDE_H
#define HECATE_OPS_INBOX_INSIDE_H

#include <sqlite3.h>

#include "ops/inbox.h"

/* Columns of an alert in the order of struct hec_inbox_row. */
#define ALERT_COLUMNS                                                                              \
    "seq, alert_id, head, severity, outcome, event_id, event_type, kind, token, user_token, "      \
    "currency, reason, score, threshold, created_at_ms, event_time_ms, amount_minor, loss_minor, " \
    "state, taken_by, label, fraud_type, labelled_by, note, taken_ms, labelled_ms, repeats, "      \
    "last_ms, folded_into, snoozed, json"

#define STATEMENTS_MAX 48

struct hec_inbox {
    sqlite3 *db;
    int64_t dedup_window_ms;
    struct {
        const char *sql; /* static: the pointer is the name */
        sqlite3_stmt *made;
    } statements[STATEMENTS_MAX];
    int statements_count;
};

/** The statement of this text, reset, ready to bind; NULL when it cannot be made. The text must be
 * static. */
sqlite3_stmt *hec_inbox_statement(struct hec_inbox *inbox, const char *sql);
/** Binds values in order: 't' takes a const char *, 'i' an int64_t, 'd' a double. */
void hec_inbox_bind(sqlite3_stmt *statement, const char *types, ...);
/** Runs a statement that gives no rows. */
HEC_CHECKED enum hec_status hec_inbox_run(struct hec_inbox *inbox, sqlite3_stmt *statement,
                                          struct hec_error *error);
/** A text column, "" for none. */
const char *hec_inbox_text(sqlite3_stmt *statement, int column);
/** The status and sentence of SQLite's last error. */
enum hec_status hec_inbox_fail(struct hec_inbox *inbox, struct hec_error *error);

#endif
