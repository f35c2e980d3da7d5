#include "ops/inbox.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

#include "ops/inbox_inside.h"

#define VERSION 2

static const char SCHEMA[] =
    "CREATE TABLE alert(seq INTEGER PRIMARY KEY AUTOINCREMENT, alert_id TEXT NOT NULL UNIQUE,"
    " head TEXT, severity TEXT, outcome TEXT, event_id TEXT, event_type TEXT, kind TEXT,"
    " token TEXT, user_token TEXT, currency TEXT, reason TEXT, score INTEGER, threshold INTEGER,"
    " created_at_ms INTEGER, event_time_ms INTEGER, amount_minor INTEGER, loss_minor INTEGER,"
    " state TEXT NOT NULL DEFAULT 'new', taken_by TEXT, label TEXT, fraud_type TEXT,"
    " labelled_by TEXT, note TEXT, taken_ms INTEGER DEFAULT 0, labelled_ms INTEGER DEFAULT 0,"
    " repeats INTEGER NOT NULL DEFAULT 1, last_ms INTEGER, folded_into INTEGER DEFAULT 0,"
    " snoozed INTEGER DEFAULT 0, json TEXT NOT NULL);"
    "CREATE INDEX alert_fold ON alert(kind, token, head, event_time_ms) WHERE folded_into = 0;"
    "CREATE INDEX alert_state ON alert(state, seq) WHERE folded_into = 0 AND snoozed = 0;"
    "CREATE INDEX alert_event ON alert(event_id);"
    "CREATE TABLE entity(kind TEXT, token TEXT, seq INTEGER, PRIMARY KEY(kind, token, seq))"
    " WITHOUT ROWID;"
    "CREATE INDEX entity_seq ON entity(seq);"
    "CREATE TABLE position(topic TEXT, part INTEGER, next INTEGER, PRIMARY KEY(topic, part))"
    " WITHOUT ROWID;"
    "CREATE TABLE snooze(id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT, token TEXT, head TEXT,"
    " reason TEXT, actor TEXT, created_ms INTEGER, until_ms INTEGER, kept INTEGER DEFAULT 0);"
    "CREATE INDEX snooze_who ON snooze(kind, token);"
    "CREATE TABLE audit(id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER, actor TEXT, role TEXT,"
    " verb TEXT, subject TEXT, code INTEGER);";

/* What version 2 brought: verdicts as the log has them, and by what they are counted. Of the time
 * before it only the desk's own are known, so alerts of then take no part in the control group,
 * where silence would be taken for an answer: their propensity stays 0. */
static const char UPGRADE[] =
    "ALTER TABLE alert ADD COLUMN part INTEGER DEFAULT -1;"
    "ALTER TABLE alert ADD COLUMN propensity REAL DEFAULT 0;"
    "UPDATE alert SET part = coalesce(json_extract(json, '$.event.source.partition'), -1);"
    "CREATE INDEX alert_time ON alert(event_time_ms);"
    "CREATE TABLE verdict(event_id TEXT PRIMARY KEY, event_type TEXT, label TEXT, fraud_type TEXT,"
    " part INTEGER, event_ms INTEGER, at_ms INTEGER) WITHOUT ROWID;"
    "CREATE INDEX verdict_time ON verdict(event_ms);"
    "INSERT OR REPLACE INTO verdict SELECT event_id, event_type, label, coalesce(fraud_type, ''),"
    " part, event_time_ms, labelled_ms FROM alert WHERE label IS NOT NULL AND label <> ''"
    " ORDER BY labelled_ms;";

/* ---- Statements ------------------------------------------------------------------------------ */

enum hec_status hec_inbox_fail(struct hec_inbox *inbox, struct hec_error *error)
{
    int code = sqlite3_errcode(inbox->db) & 0xff;
    enum hec_status status =
        code == SQLITE_CORRUPT || code == SQLITE_NOTADB ? HEC_CORRUPT
        : code == SQLITE_NOMEM                          ? HEC_NO_MEMORY
        : code == SQLITE_CANTOPEN || code == SQLITE_PERM || code == SQLITE_READONLY
            ? HEC_DENIED
            : HEC_UNAVAILABLE;
    return hec_fail(error, status, "inbox: %s", sqlite3_errmsg(inbox->db));
}

sqlite3_stmt *hec_inbox_statement(struct hec_inbox *inbox, const char *sql)
{
    for (int i = 0; i < inbox->statements_count; i++) {
        if (inbox->statements[i].sql == sql) {
            sqlite3_reset(inbox->statements[i].made);
            sqlite3_clear_bindings(inbox->statements[i].made);
            return inbox->statements[i].made;
        }
    }
    sqlite3_stmt *made = NULL;
    if (inbox->statements_count == STATEMENTS_MAX ||
        sqlite3_prepare_v3(inbox->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &made, NULL) !=
            SQLITE_OK) {
        return NULL;
    }
    inbox->statements[inbox->statements_count].sql = sql;
    inbox->statements[inbox->statements_count++].made = made;
    return made;
}

void hec_inbox_bind(sqlite3_stmt *statement, const char *types, ...)
{
    va_list values;
    va_start(values, types);
    for (int i = 0; types[i] != '\0'; i++) {
        if (types[i] == 't') {
            sqlite3_bind_text(statement, i + 1, va_arg(values, const char *), -1, SQLITE_TRANSIENT);
        } else if (types[i] == 'd') {
            sqlite3_bind_double(statement, i + 1, va_arg(values, double));
        } else {
            sqlite3_bind_int64(statement, i + 1, va_arg(values, int64_t));
        }
    }
    va_end(values);
}

enum hec_status hec_inbox_run(struct hec_inbox *inbox, sqlite3_stmt *statement,
                              struct hec_error *error)
{
    if (statement == NULL) {
        return hec_inbox_fail(inbox, error);
    }
    int code = sqlite3_step(statement);
    enum hec_status status =
        code == SQLITE_DONE || code == SQLITE_ROW ? HEC_OK : hec_inbox_fail(inbox, error);
    sqlite3_reset(statement);
    return status;
}

const char *hec_inbox_text(sqlite3_stmt *statement, int column)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return text == NULL ? "" : text;
}

static enum hec_status run_text(struct hec_inbox *inbox, const char *sql, struct hec_error *error)
{
    return sqlite3_exec(inbox->db, sql, NULL, NULL, NULL) == SQLITE_OK
               ? HEC_OK
               : hec_inbox_fail(inbox, error);
}

/* ---- Opening --------------------------------------------------------------------------------- */

static enum hec_status prepare_schema(struct hec_inbox *inbox, const char *path,
                                      struct hec_error *error)
{
    sqlite3_stmt *ask = NULL;
    int version = -1;
    if (sqlite3_prepare_v2(inbox->db, "PRAGMA user_version", -1, &ask, NULL) == SQLITE_OK &&
        sqlite3_step(ask) == SQLITE_ROW) {
        version = sqlite3_column_int(ask, 0);
    }
    sqlite3_finalize(ask);
    if (version < 0) {
        return hec_inbox_fail(inbox, error);
    }
    if (version > VERSION) {
        return hec_fail(error, HEC_MISMATCH,
                        "inbox: %s was written by a newer hecated (version %d, this one knows %d)",
                        path, version, VERSION);
    }
    enum hec_status status = HEC_OK;
    if (version < VERSION) {
        status = run_text(inbox, "BEGIN IMMEDIATE", error);
        status = status == HEC_OK && version == 0 ? run_text(inbox, SCHEMA, error) : status;
        status = status == HEC_OK ? run_text(inbox, UPGRADE, error) : status;
        status =
            status == HEC_OK ? run_text(inbox, "PRAGMA user_version = 2; COMMIT", error) : status;
    }
    return status;
}

enum hec_status hec_inbox_open(struct hec_inbox **ret, const struct hec_inbox_options *options,
                               struct hec_error *error)
{
    struct hec_inbox *inbox = calloc(1, sizeof(*inbox));
    if (inbox == NULL) {
        return hec_fail(error, HEC_NO_MEMORY, "no memory for the inbox");
    }
    inbox->dedup_window_ms = options->dedup_window_ms;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    enum hec_status status = sqlite3_open_v2(options->path, &inbox->db, flags, NULL) == SQLITE_OK
                                 ? HEC_OK
                                 : hec_inbox_fail(inbox, error);
    if (status == HEC_OK) {
        sqlite3_extended_result_codes(inbox->db, 1);
        sqlite3_busy_timeout(inbox->db, 2000);
        /* One process writes: the lock is taken for good, and a second one is told. */
        status = run_text(inbox,
                          "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;"
                          "PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = OFF;",
                          error);
    }
    status = status == HEC_OK ? prepare_schema(inbox, options->path, error) : status;
    if (status != HEC_OK) {
        hec_inbox_close(inbox);
        return status;
    }
    *ret = inbox;
    return HEC_OK;
}

void hec_inbox_close(struct hec_inbox *inbox)
{
    if (inbox == NULL) {
        return;
    }
    for (int i = 0; i < inbox->statements_count; i++) {
        sqlite3_finalize(inbox->statements[i].made);
    }
    sqlite3_close(inbox->db);
    free(inbox);
}

enum hec_status hec_inbox_begin(struct hec_inbox *inbox, struct hec_error *error)
{
    return hec_inbox_run(inbox, hec_inbox_statement(inbox, "BEGIN IMMEDIATE"), error);
}

enum hec_status hec_inbox_commit(struct hec_inbox *inbox, struct hec_error *error)
{
    return hec_inbox_run(inbox, hec_inbox_statement(inbox, "COMMIT"), error);
}

void hec_inbox_rollback(struct hec_inbox *inbox)
{
    struct hec_error ignored = { 0 };
    if (!sqlite3_get_autocommit(inbox->db)) {
        ignored.text[0] =
            (char)hec_inbox_run(inbox, hec_inbox_statement(inbox, "ROLLBACK"), &ignored);
    }
}

/* ---- Filing ---------------------------------------------------------------------------------- */

static const char *text_of(yyjson_val *object, const char *name)
{
    const char *text = yyjson_get_str(yyjson_obj_get(object, name));
    return text == NULL ? "" : text;
}

static int64_t integer_of(yyjson_val *object, const char *name, int64_t fallback)
{
    yyjson_val *value = yyjson_obj_get(object, name);
    return yyjson_is_int(value) ? yyjson_get_sint(value) : fallback;
}

/* What of an alert's JSON becomes columns. */
static bool read_alert(struct hec_inbox_row *row, yyjson_val *root)
{
    yyjson_val *event = yyjson_obj_get(root, "event");
    yyjson_val *decision = yyjson_obj_get(root, "decision"), *entity;
    yyjson_val *sampling = yyjson_obj_get(root, "sampling");
    *row = (struct hec_inbox_row){
        .alert_id = text_of(root, "alert_id"),
        .head = text_of(root, "head"),
        .severity = text_of(root, "severity"),
        .outcome = text_of(decision, "outcome"),
        .event_id = text_of(event, "event_id"),
        .event_type = text_of(event, "event_type"),
        .currency = text_of(event, "currency"),
        .created_at_ms = integer_of(root, "created_at_ms", 0),
        .event_time_ms = integer_of(event, "event_time_ms", 0),
        .amount_minor = integer_of(event, "amount_minor", -1),
        .loss_minor = integer_of(root, "expected_loss_minor", -1),
        .kind = "",
        .token = "",
        .user_token = "",
        .partition = (int32_t)integer_of(yyjson_obj_get(event, "source"), "partition", -1),
        .propensity = yyjson_get_bool(yyjson_obj_get(sampling, "control_group"))
                          ? yyjson_get_num(yyjson_obj_get(sampling, "propensity"))
                          : 0,
    };
    yyjson_val *score = yyjson_obj_get(yyjson_obj_get(root, "scores"), row->head);
    row->score = integer_of(score, "score", 0);
    row->threshold = (int64_t)yyjson_get_num(yyjson_obj_get(score, "threshold"));
    row->reason = text_of(yyjson_arr_get_first(yyjson_obj_get(root, "reasons")), "text");
    size_t i, count;
    yyjson_arr_foreach(yyjson_obj_get(root, "entities"), i, count, entity)
    {
        if (yyjson_get_bool(yyjson_obj_get(entity, "primary"))) {
            row->kind = text_of(entity, "kind");
            row->token = text_of(entity, "token");
        }
        if (strcmp(text_of(entity, "kind"), "user") == 0) {
            row->user_token = text_of(entity, "token");
        }
    }
    return row->alert_id[0] != '\0' && row->head[0] != '\0' && row->event_id[0] != '\0' &&
           row->token[0] != '\0';
}

static bool is_known(struct hec_inbox *inbox, const char *alert_id, int64_t *seq)
{
    sqlite3_stmt *ask =
        hec_inbox_statement(inbox, "SELECT seq, folded_into FROM alert WHERE alert_id = ?");
    hec_inbox_bind(ask, "t", alert_id);
    bool known = sqlite3_step(ask) == SQLITE_ROW;
    if (known) {
        int64_t folded_into = sqlite3_column_int64(ask, 1);
        *seq = folded_into == 0 ? sqlite3_column_int64(ask, 0) : folded_into;
    }
    sqlite3_reset(ask);
    return known;
}

/* The alert that this one repeats; 0: none. A window runs from its first alert on, so that an
 * attack that never ends is told again and again. */
static int64_t first_of(struct hec_inbox *inbox, const struct hec_inbox_row *row)
{
    sqlite3_stmt *ask =
        hec_inbox_statement(inbox, "SELECT seq FROM alert WHERE kind = ? AND token = ? AND head = ?"
                                   " AND event_time_ms BETWEEN ? AND ? AND folded_into = 0"
                                   " ORDER BY event_time_ms DESC LIMIT 1");
    hec_inbox_bind(ask, "tttii", row->kind, row->token, row->head,
                   row->event_time_ms - inbox->dedup_window_ms, row->event_time_ms);
    int64_t seq = inbox->dedup_window_ms > 0 && sqlite3_step(ask) == SQLITE_ROW
                      ? sqlite3_column_int64(ask, 0)
                      : 0;
    sqlite3_reset(ask);
    return seq;
}

static int64_t snooze_of(struct hec_inbox *inbox, const struct hec_inbox_row *row,
                         yyjson_val *entities, int64_t now_ms)
{
    size_t i, count;
    yyjson_val *entity;
    int64_t id = 0;
    yyjson_arr_foreach(entities, i, count, entity)
    {
        sqlite3_stmt *ask = hec_inbox_statement(
            inbox, "SELECT id FROM snooze WHERE kind = ? AND token = ? AND (head = '' OR head = ?)"
                   " AND until_ms > ? LIMIT 1");
        hec_inbox_bind(ask, "ttti", text_of(entity, "kind"), text_of(entity, "token"), row->head,
                       now_ms);
        id = id == 0 && sqlite3_step(ask) == SQLITE_ROW ? sqlite3_column_int64(ask, 0) : id;
        sqlite3_reset(ask);
    }
    return id;
}

static enum hec_status insert(struct hec_inbox *inbox, const struct hec_inbox_row *row,
                              const char *json, size_t length, struct hec_error *error)
{
    sqlite3_stmt *put = hec_inbox_statement(
        inbox, "INSERT INTO alert(alert_id, head, severity, outcome, event_id, event_type, kind,"
               " token, user_token, currency, reason, score, threshold, created_at_ms,"
               " event_time_ms, amount_minor, loss_minor, last_ms, folded_into, snoozed, part,"
               " propensity, json) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
    if (put == NULL) {
        return hec_inbox_fail(inbox, error);
    }
    hec_inbox_bind(put, "tttttttttttiiiiiiiiiid", row->alert_id, row->head, row->severity,
                   row->outcome, row->event_id, row->event_type, row->kind, row->token,
                   row->user_token, row->currency, row->reason, row->score, row->threshold,
                   row->created_at_ms, row->event_time_ms, row->amount_minor, row->loss_minor,
                   row->event_time_ms, row->folded_into, (int64_t)row->snoozed,
                   (int64_t)row->partition, row->propensity);
    sqlite3_bind_text(put, 23, json, (int)length, SQLITE_STATIC);
    return hec_inbox_run(inbox, put, error);
}

static enum hec_status insert_entities(struct hec_inbox *inbox, yyjson_val *entities, int64_t seq,
                                       struct hec_error *error)
{
    size_t i, count;
    yyjson_val *entity;
    enum hec_status status = HEC_OK;
    yyjson_arr_foreach(entities, i, count, entity)
    {
        sqlite3_stmt *put = hec_inbox_statement(
            inbox, "INSERT OR IGNORE INTO entity(kind, token, seq) VALUES(?,?,?)");
        if (status == HEC_OK && put != NULL) {
            hec_inbox_bind(put, "tti", text_of(entity, "kind"), text_of(entity, "token"), seq);
            status = hec_inbox_run(inbox, put, error);
        }
    }
    return status;
}

static enum hec_status count_repeat(struct hec_inbox *inbox, const struct hec_inbox_row *row,
                                    struct hec_error *error)
{
    sqlite3_stmt *put = hec_inbox_statement(
        inbox, "UPDATE alert SET repeats = repeats + 1, last_ms = max(last_ms, ?) WHERE seq = ?");
    hec_inbox_bind(put, "ii", row->event_time_ms, row->folded_into);
    return hec_inbox_run(inbox, put, error);
}

static enum hec_status count_kept(struct hec_inbox *inbox, int64_t snooze, struct hec_error *error)
{
    sqlite3_stmt *put =
        hec_inbox_statement(inbox, "UPDATE snooze SET kept = kept + 1 WHERE id = ?");
    hec_inbox_bind(put, "i", snooze);
    return hec_inbox_run(inbox, put, error);
}

static enum hec_status file_read(struct hec_inbox *inbox, yyjson_val *root, const char *json,
                                 size_t length, int64_t now_ms, enum hec_filed *filed, int64_t *seq,
                                 struct hec_error *error)
{
    struct hec_inbox_row row;
    if (!read_alert(&row, root)) {
        return hec_fail(error, HEC_INVALID, "inbox: a record of the alert topic is no alert");
    }
    *filed = HEC_FILED_KNOWN;
    if (is_known(inbox, row.alert_id, seq)) {
        return HEC_OK;
    }
    yyjson_val *entities = yyjson_obj_get(root, "entities");
    int64_t snooze = snooze_of(inbox, &row, entities, now_ms);
    row.folded_into = first_of(inbox, &row);
    row.snoozed = snooze != 0;
    enum hec_status status = insert(inbox, &row, json, length, error);
    int64_t own = sqlite3_last_insert_rowid(inbox->db);
    status = status == HEC_OK ? insert_entities(inbox, entities, own, error) : status;
    if (status == HEC_OK && row.folded_into != 0) {
        status = count_repeat(inbox, &row, error);
    }
    if (status == HEC_OK && snooze != 0) {
        status = count_kept(inbox, snooze, error);
    }
    *seq = row.folded_into == 0 ? own : row.folded_into;
    *filed = row.snoozed            ? HEC_FILED_SNOOZED
             : row.folded_into != 0 ? HEC_FILED_REPEAT
                                    : HEC_FILED_NEW;
    return status;
}

enum hec_status hec_inbox_file(struct hec_inbox *inbox, const char *json, size_t length,
                               int64_t now_ms, enum hec_filed *filed, int64_t *seq,
                               struct hec_error *error)
{
    yyjson_doc *doc = yyjson_read(json, length, YYJSON_READ_NOFLAG);
    enum hec_status status =
        file_read(inbox, yyjson_doc_get_root(doc), json, length, now_ms, filed, seq, error);
    yyjson_doc_free(doc);
    return status;
}

int64_t hec_inbox_position(struct hec_inbox *inbox, const char *topic, int32_t partition)
{
    sqlite3_stmt *ask =
        hec_inbox_statement(inbox, "SELECT next FROM position WHERE topic = ? AND part = ?");
    hec_inbox_bind(ask, "ti", topic, (int64_t)partition);
    int64_t next = sqlite3_step(ask) == SQLITE_ROW ? sqlite3_column_int64(ask, 0) : -1;
    sqlite3_reset(ask);
    return next;
}

enum hec_status hec_inbox_seek(struct hec_inbox *inbox, const char *topic, int32_t partition,
                               int64_t offset, struct hec_error *error)
{
    sqlite3_stmt *put = hec_inbox_statement(
        inbox, "INSERT OR REPLACE INTO position(topic, part, next) VALUES(?,?,?)");
    hec_inbox_bind(put, "tii", topic, (int64_t)partition, offset);
    return hec_inbox_run(inbox, put, error);
}

enum hec_status hec_inbox_expire(struct hec_inbox *inbox, int64_t before_ms,
                                 struct hec_error *error)
{
    /* A verdict is as old as its label says, by the time of the events: of a log that is played
     * back that is long ago, while its alerts were made today. */
    static const char *const DELETES[] = {
        "DELETE FROM verdict WHERE at_ms < ? + coalesce((SELECT min(0, event_time_ms -"
        " created_at_ms) FROM alert ORDER BY event_time_ms DESC LIMIT 1), 0)",
        "DELETE FROM entity WHERE seq IN (SELECT seq FROM alert WHERE created_at_ms < ?)",
        "DELETE FROM alert WHERE created_at_ms < ?",
        "DELETE FROM snooze WHERE until_ms < ?",
        "DELETE FROM audit WHERE at_ms < ?",
    };
    enum hec_status status = HEC_OK;
    for (size_t i = 0; i < sizeof(DELETES) / sizeof(DELETES[0]) && status == HEC_OK; i++) {
        sqlite3_stmt *statement = hec_inbox_statement(inbox, DELETES[i]);
        hec_inbox_bind(statement, "i", before_ms);
        status = hec_inbox_run(inbox, statement, error);
    }
    return status;
}
