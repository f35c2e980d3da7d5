/*
 * The inbox, as people work on it: lists, who has what, verdicts, snoozes, the audit.
 */
#include <stdio.h>
#include <string.h>

#include "ops/inbox_inside.h"

static void see_row(sqlite3_stmt *at, hec_inbox_see *see, void *context)
{
    struct hec_inbox_row row = {
        .seq = sqlite3_column_int64(at, 0),
        .alert_id = hec_inbox_text(at, 1),
        .head = hec_inbox_text(at, 2),
        .severity = hec_inbox_text(at, 3),
        .outcome = hec_inbox_text(at, 4),
        .event_id = hec_inbox_text(at, 5),
        .event_type = hec_inbox_text(at, 6),
        .kind = hec_inbox_text(at, 7),
        .token = hec_inbox_text(at, 8),
        .user_token = hec_inbox_text(at, 9),
        .currency = hec_inbox_text(at, 10),
        .reason = hec_inbox_text(at, 11),
        .score = sqlite3_column_int64(at, 12),
        .threshold = sqlite3_column_int64(at, 13),
        .created_at_ms = sqlite3_column_int64(at, 14),
        .event_time_ms = sqlite3_column_int64(at, 15),
        .amount_minor = sqlite3_column_int64(at, 16),
        .loss_minor = sqlite3_column_int64(at, 17),
        .state = hec_inbox_text(at, 18),
        .taken_by = hec_inbox_text(at, 19),
        .label = hec_inbox_text(at, 20),
        .fraud_type = hec_inbox_text(at, 21),
        .labelled_by = hec_inbox_text(at, 22),
        .note = hec_inbox_text(at, 23),
        .taken_ms = sqlite3_column_int64(at, 24),
        .labelled_ms = sqlite3_column_int64(at, 25),
        .repeats = sqlite3_column_int64(at, 26),
        .last_ms = sqlite3_column_int64(at, 27),
        .folded_into = sqlite3_column_int64(at, 28),
        .snoozed = sqlite3_column_int(at, 29) != 0,
        .json = hec_inbox_text(at, 30),
    };
    see(context, &row);
}

int hec_inbox_list(struct hec_inbox *inbox, const struct hec_inbox_filter *filter,
                   hec_inbox_see *see, void *context)
{
    static const char LIST[] =
        "SELECT " ALERT_COLUMNS " FROM alert WHERE folded_into = 0"
        " AND (?1 = 'all' OR (?1 = 'snoozed' AND snoozed = 1) OR (snoozed = 0 AND"
        " (state = ?1 OR (?1 = 'open' AND state != 'closed'))))"
        " AND (?2 = '' OR head = ?2) AND (?3 = '' OR severity = ?3)"
        " AND (?4 = '' OR seq IN (SELECT seq FROM entity WHERE kind = ?4 AND token = ?5))"
        " AND score >= ?6 AND created_at_ms >= ?7 AND (?8 = 0 OR seq < ?8)"
        " ORDER BY seq DESC LIMIT ?9";
    sqlite3_stmt *ask = hec_inbox_statement(inbox, LIST);
    int seen = 0;
    if (ask == NULL) {
        return 0;
    }
    hec_inbox_bind(ask, "tttttiiii", filter->state[0] == '\0' ? "open" : filter->state,
                   filter->head, filter->severity, filter->kind, filter->token, filter->min_score,
                   filter->since_ms, filter->before_seq, (int64_t)filter->limit);
    for (; sqlite3_step(ask) == SQLITE_ROW; seen++) {
        see_row(ask, see, context);
    }
    sqlite3_reset(ask);
    return seen;
}

bool hec_inbox_find(struct hec_inbox *inbox, const char *alert_id, hec_inbox_see *see,
                    void *context)
{
    static const char FIND[] =
        "SELECT " ALERT_COLUMNS " FROM alert WHERE alert_id >= ?1 AND alert_id < ?2 LIMIT 2";
    char beyond[64];
    int length = snprintf(beyond, sizeof(beyond), "%s~", alert_id);
    sqlite3_stmt *ask = hec_inbox_statement(inbox, FIND);
    if (ask == NULL || length < 5 || length >= (int)sizeof(beyond)) {
        return false;
    }
    hec_inbox_bind(ask, "tt", alert_id, beyond);
    /* Whether there is a second one is asked first: the row's texts end with the next step. */
    bool found = sqlite3_step(ask) == SQLITE_ROW && sqlite3_step(ask) == SQLITE_DONE;
    sqlite3_reset(ask);
    if (found && sqlite3_step(ask) == SQLITE_ROW) {
        see_row(ask, see, context);
    }
    sqlite3_reset(ask);
    return found;
}

void hec_inbox_count(struct hec_inbox *inbox, struct hec_inbox_counts *counts)
{
    static const char COUNT[] =
        "SELECT count(*) FILTER (WHERE snoozed = 0 AND state = 'new'),"
        " count(*) FILTER (WHERE snoozed = 0 AND state = 'taken'),"
        " count(*) FILTER (WHERE state = 'closed'), count(*) FILTER (WHERE snoozed = 1),"
        " coalesce(sum(repeats - 1), 0) FROM alert WHERE folded_into = 0";
    sqlite3_stmt *ask = hec_inbox_statement(inbox, COUNT);
    *counts = (struct hec_inbox_counts){ 0 };
    if (ask != NULL && sqlite3_step(ask) == SQLITE_ROW) {
        *counts = (struct hec_inbox_counts){
            .new_ones = sqlite3_column_int64(ask, 0),
            .taken = sqlite3_column_int64(ask, 1),
            .closed = sqlite3_column_int64(ask, 2),
            .snoozed = sqlite3_column_int64(ask, 3),
            .repeats = sqlite3_column_int64(ask, 4),
        };
    }
    sqlite3_reset(ask);
}

/* Why an update changed nothing. */
static enum hec_status tell_refusal(struct hec_inbox *inbox, int64_t seq, struct hec_error *error)
{
    sqlite3_stmt *ask =
        hec_inbox_statement(inbox, "SELECT state, taken_by FROM alert WHERE seq = ?");
    hec_inbox_bind(ask, "i", seq);
    enum hec_status status = HEC_NOT_FOUND;
    if (sqlite3_step(ask) != SQLITE_ROW) {
        status = hec_fail(error, HEC_NOT_FOUND, "There is no such alert.");
    } else if (strcmp(hec_inbox_text(ask, 0), "taken") == 0) {
        status = hec_fail(error, HEC_DENIED, "%s has taken it.", hec_inbox_text(ask, 1));
    } else {
        status = hec_fail(error, HEC_DENIED, "It is %s.", hec_inbox_text(ask, 0));
    }
    sqlite3_reset(ask);
    return status;
}

static enum hec_status change(struct hec_inbox *inbox, sqlite3_stmt *statement, int64_t seq,
                              struct hec_error *error)
{
    enum hec_status status = hec_inbox_run(inbox, statement, error);
    return status == HEC_OK && sqlite3_changes(inbox->db) == 0 ? tell_refusal(inbox, seq, error)
                                                               : status;
}

enum hec_status hec_inbox_take(struct hec_inbox *inbox, int64_t seq, const char *actor,
                               int64_t now_ms, struct hec_error *error)
{
    sqlite3_stmt *put = hec_inbox_statement(
        inbox, "UPDATE alert SET state = 'taken', taken_by = ?1, taken_ms = ?2 WHERE seq = ?3"
               " AND (state = 'new' OR (state = 'taken' AND taken_by = ?1))");
    hec_inbox_bind(put, "tii", actor, now_ms, seq);
    return change(inbox, put, seq, error);
}

enum hec_status hec_inbox_release(struct hec_inbox *inbox, int64_t seq, const char *actor, bool any,
                                  struct hec_error *error)
{
    sqlite3_stmt *put = hec_inbox_statement(
        inbox, "UPDATE alert SET state = 'new', taken_by = NULL, taken_ms = 0 WHERE seq = ?1"
               " AND state = 'taken' AND (?2 OR taken_by = ?3)");
    hec_inbox_bind(put, "iit", seq, (int64_t)any, actor);
    return change(inbox, put, seq, error);
}

enum hec_status hec_inbox_label(struct hec_inbox *inbox, int64_t seq, const char *label,
                                const char *fraud_type, const char *note, const char *actor,
                                int64_t now_ms, struct hec_error *error)
{
    sqlite3_stmt *put = hec_inbox_statement(
        inbox, "UPDATE alert SET state = 'closed', label = ?1, fraud_type = ?2, note = ?3,"
               " labelled_by = ?4, labelled_ms = ?5 WHERE seq = ?6");
    hec_inbox_bind(put, "ttttii", label, fraud_type, note, actor, now_ms, seq);
    return change(inbox, put, seq, error);
}

/* ---- Snoozes --------------------------------------------------------------------------------- */

enum hec_status hec_snooze_add(struct hec_inbox *inbox, struct hec_snooze *snooze,
                               struct hec_error *error)
{
    sqlite3_stmt *put = hec_inbox_statement(
        inbox, "INSERT INTO snooze(kind, token, head, reason, actor, created_ms, until_ms)"
               " VALUES(?,?,?,?,?,?,?)");
    hec_inbox_bind(put, "tttttii", snooze->kind, snooze->token, snooze->head, snooze->reason,
                   snooze->actor, snooze->created_ms, snooze->until_ms);
    enum hec_status status = hec_inbox_run(inbox, put, error);
    snooze->id = sqlite3_last_insert_rowid(inbox->db);
    return status;
}

enum hec_status hec_snooze_remove(struct hec_inbox *inbox, int64_t id, struct hec_error *error)
{
    sqlite3_stmt *put = hec_inbox_statement(inbox, "DELETE FROM snooze WHERE id = ?");
    hec_inbox_bind(put, "i", id);
    enum hec_status status = hec_inbox_run(inbox, put, error);
    return status == HEC_OK && sqlite3_changes(inbox->db) == 0
               ? hec_fail(error, HEC_NOT_FOUND, "There is no such snooze.")
               : status;
}

int hec_snooze_list(struct hec_inbox *inbox, int64_t now_ms,
                    void (*see)(void *context, const struct hec_snooze *snooze), void *context)
{
    sqlite3_stmt *ask = hec_inbox_statement(
        inbox, "SELECT id, kind, token, head, reason, actor, created_ms, until_ms, kept FROM snooze"
               " WHERE until_ms > ? ORDER BY until_ms LIMIT 1000");
    int seen = 0;
    hec_inbox_bind(ask, "i", now_ms);
    for (; ask != NULL && sqlite3_step(ask) == SQLITE_ROW; seen++) {
        struct hec_snooze snooze = {
            .id = sqlite3_column_int64(ask, 0),
            .kind = hec_inbox_text(ask, 1),
            .token = hec_inbox_text(ask, 2),
            .head = hec_inbox_text(ask, 3),
            .reason = hec_inbox_text(ask, 4),
            .actor = hec_inbox_text(ask, 5),
            .created_ms = sqlite3_column_int64(ask, 6),
            .until_ms = sqlite3_column_int64(ask, 7),
            .kept = sqlite3_column_int64(ask, 8),
        };
        see(context, &snooze);
    }
    sqlite3_reset(ask);
    return seen;
}

/* ---- The audit ------------------------------------------------------------------------------- */

enum hec_status hec_audit_add(struct hec_inbox *inbox, const struct hec_audit_row *row,
                              struct hec_error *error)
{
    sqlite3_stmt *put = hec_inbox_statement(
        inbox, "INSERT INTO audit(at_ms, actor, role, verb, subject, code) VALUES(?,?,?,?,?,?)");
    hec_inbox_bind(put, "itttti", row->at_ms, row->actor, row->role, row->verb, row->subject,
                   (int64_t)row->code);
    return hec_inbox_run(inbox, put, error);
}

int hec_audit_list(struct hec_inbox *inbox, int64_t before_id, int limit,
                   void (*see)(void *context, const struct hec_audit_row *row), void *context)
{
    sqlite3_stmt *ask =
        hec_inbox_statement(inbox, "SELECT id, at_ms, actor, role, verb, subject, code FROM audit"
                                   " WHERE ?1 = 0 OR id < ?1 ORDER BY id DESC LIMIT ?2");
    int seen = 0;
    hec_inbox_bind(ask, "ii", before_id, (int64_t)limit);
    for (; ask != NULL && sqlite3_step(ask) == SQLITE_ROW; seen++) {
        struct hec_audit_row row = {
            .id = sqlite3_column_int64(ask, 0),
            .at_ms = sqlite3_column_int64(ask, 1),
            .actor = hec_inbox_text(ask, 2),
            .role = hec_inbox_text(ask, 3),
            .verb = hec_inbox_text(ask, 4),
            .subject = hec_inbox_text(ask, 5),
            .code = sqlite3_column_int(ask, 6),
        };
        see(context, &row);
    }
    sqlite3_reset(ask);
    return seen;
}
