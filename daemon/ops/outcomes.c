#include "ops/outcomes.h"

#include <math.h>
#include <string.h>

#include "hecate/event.h"
#include "ops/inbox_inside.h"

#define DAY_MS INT64_C(86400000)

const int hec_outcome_days[HEC_OUTCOME_WINDOWS] = { 7, 30, 90 };

/* ---- Verdicts -------------------------------------------------------------------------------- */

enum hec_status hec_outcomes_note(struct hec_inbox *inbox, const struct hec_verdict_note *notes,
                                  int count, struct hec_error *error)
{
    static const char PUT[] =
        "INSERT INTO verdict(event_id, event_type, label, fraud_type, part, event_ms, at_ms)"
        " VALUES(?,?,?,?,?,?,?) ON CONFLICT(event_id) DO UPDATE SET event_type ="
        " CASE WHEN excluded.event_type = '' THEN event_type ELSE excluded.event_type END,"
        " label = excluded.label, fraud_type = excluded.fraud_type, part = excluded.part,"
        " event_ms = excluded.event_ms, at_ms = excluded.at_ms WHERE excluded.at_ms >= at_ms";
    enum hec_status status = hec_inbox_begin(inbox, error);
    for (int i = 0; i < count && status == HEC_OK; i++) {
        sqlite3_stmt *put = hec_inbox_statement(inbox, PUT);
        if (put != NULL) {
            hec_inbox_bind(put, "ttttiii", notes[i].event_id, notes[i].event_type, notes[i].label,
                           notes[i].fraud_type, (int64_t)notes[i].partition, notes[i].event_ms,
                           notes[i].at_ms);
        }
        status = hec_inbox_run(inbox, put, error);
    }
    status = status == HEC_OK ? hec_inbox_commit(inbox, error) : status;
    if (status != HEC_OK) {
        hec_inbox_rollback(inbox);
    }
    return status;
}

/* ---- Counting -------------------------------------------------------------------------------- */

/* One count on its way. */
struct counting {
    struct hec_outcomes *outcomes;
    const struct hec_outcomes_by *by;
    struct hec_inbox *inbox;
    int64_t now_ms, since_ms;
    enum hec_status *status; /* of the first question that went wrong */
    struct hec_error *error;
};

/* The next row of an answer. */
static bool next(const struct counting *counting, sqlite3_stmt *ask)
{
    int code = ask == NULL ? SQLITE_ERROR : sqlite3_step(ask);
    if (code != SQLITE_ROW && code != SQLITE_DONE && *counting->status == HEC_OK) {
        *counting->status = hec_inbox_fail(counting->inbox, counting->error);
    }
    return code == SQLITE_ROW;
}

static int64_t now_of(const struct counting *counting)
{
    sqlite3_stmt *ask = hec_inbox_statement(
        counting->inbox,
        "SELECT event_time_ms, created_at_ms FROM alert ORDER BY event_time_ms DESC LIMIT 1");
    int64_t now_ms = counting->by->wall_ms;
    if (next(counting, ask)) {
        int64_t since_ms = now_ms - sqlite3_column_int64(ask, 1);
        now_ms = sqlite3_column_int64(ask, 0) + (since_ms > 0 ? since_ms : 0);
    }
    sqlite3_reset(ask);
    return now_ms;
}

static enum hec_verdict verdict_of(const char *label)
{
    return strcmp(label, "fraud") == 0     ? HEC_VERDICT_FRAUD
           : strcmp(label, "genuine") == 0 ? HEC_VERDICT_GENUINE
           : label[0] == '\0'              ? HEC_VERDICT_NONE
                                           : HEC_VERDICT_UNKNOWN;
}

/* How long an event has been mature to a head; negative: not yet. */
static int64_t mature_for_ms(const struct counting *counting, int head, int64_t event_ms)
{
    return counting->now_ms - counting->by->heads[head].label_delay_ms - event_ms;
}

/* Adds one to a member of every window that holds the event. */
#define COUNT(head_outcomes, age_ms, member)                                                       \
    do {                                                                                           \
        for (int w = 0; w < HEC_OUTCOME_WINDOWS; w++) {                                            \
            (head_outcomes)->windows[w].member += (age_ms) < hec_outcome_days[w] * DAY_MS;         \
        }                                                                                          \
    } while (0)

/* head, event_type, event_time_ms, part, propensity, label, fraud_type */
static void count_alert(const struct counting *counting, sqlite3_stmt *at)
{
    const struct hec_outcomes_by *by = counting->by;
    const char *name = hec_inbox_text(at, 0), *type = hec_inbox_text(at, 1);
    int64_t event_ms = sqlite3_column_int64(at, 2);
    double propensity = sqlite3_column_double(at, 4);
    enum hec_verdict verdict = verdict_of(hec_inbox_text(at, 5));
    int h = hec_head_named(by->heads, by->heads_count, name, strlen(name));
    if (h < 0 || !by->is_read(by->context, sqlite3_column_int(at, 3))) {
        return;
    }
    struct hec_head_outcomes *head = &counting->outcomes->heads[h];
    int64_t age_ms = mature_for_ms(counting, h, event_ms);
    if (age_ms < 0) {
        head->immature++;
        head->control_immature += propensity > 0;
        return;
    }
    enum hec_target target =
        hec_head_target(&by->heads[h], (int)hec_event_type_named(type, strlen(type)), verdict,
                        hec_inbox_text(at, 6), event_ms, counting->now_ms);
    bool known = target == HEC_TARGET_POSITIVE || target == HEC_TARGET_NEGATIVE;
    if (verdict == HEC_VERDICT_NONE || !known) {
        COUNT(head, age_ms, unlabelled);
    } else if (target == HEC_TARGET_POSITIVE) {
        COUNT(head, age_ms, fraud);
    } else {
        COUNT(head, age_ms, genuine);
    }
    if (propensity > 0 && known && age_ms < hec_outcome_days[HEC_OUTCOME_WINDOWS - 1] * DAY_MS) {
        hec_control_add(&head->control, propensity, target == HEC_TARGET_POSITIVE);
        head->control_mature++;
    }
}

/* Which heads alerted on an event, as a mask, and what type it had. */
static unsigned alerted_on(const struct counting *counting, const char *event_id,
                           enum hec_event_type *type)
{
    sqlite3_stmt *ask = hec_inbox_statement(
        counting->inbox, "SELECT head, event_type FROM alert WHERE event_id = ?");
    unsigned heads = 0;
    hec_inbox_bind(ask, "t", event_id);
    while (next(counting, ask)) {
        const char *name = hec_inbox_text(ask, 0), *text = hec_inbox_text(ask, 1);
        int head =
            hec_head_named(counting->by->heads, counting->by->heads_count, name, strlen(name));
        heads |= head < 0 ? 0 : 1u << head;
        *type = hec_event_type_named(text, strlen(text));
    }
    sqlite3_reset(ask);
    return heads;
}

/* event_id, event_type, fraud_type, event_ms, part */
static void count_fraud(const struct counting *counting, sqlite3_stmt *at)
{
    const struct hec_outcomes_by *by = counting->by;
    if (!by->is_read(by->context, sqlite3_column_int(at, 4))) {
        return;
    }
    const char *text = hec_inbox_text(at, 1);
    enum hec_event_type type = hec_event_type_named(text, strlen(text));
    unsigned alerted = alerted_on(counting, hec_inbox_text(at, 0), &type);
    int64_t event_ms = sqlite3_column_int64(at, 3);
    for (int h = 0; h < by->heads_count; h++) {
        int64_t age_ms = mature_for_ms(counting, h, event_ms);
        if ((by->alerting & ~alerted) >> h & 1 && age_ms >= 0 &&
            hec_head_target(&by->heads[h], (int)type, HEC_VERDICT_FRAUD, hec_inbox_text(at, 2),
                            event_ms, counting->now_ms) == HEC_TARGET_POSITIVE) {
            COUNT(&counting->outcomes->heads[h], age_ms, missed);
        }
    }
}

static void each(const struct counting *counting, const char *sql,
                 void (*count)(const struct counting *counting, sqlite3_stmt *at))
{
    sqlite3_stmt *ask = hec_inbox_statement(counting->inbox, sql);
    hec_inbox_bind(ask, "i", counting->since_ms);
    while (next(counting, ask)) {
        count(counting, ask);
    }
    sqlite3_reset(ask);
}

enum hec_status hec_outcomes_count(struct hec_outcomes *outcomes, struct hec_inbox *inbox,
                                   const struct hec_outcomes_by *by, struct hec_error *error)
{
    static const char ALERTS[] =
        "SELECT a.head, a.event_type, a.event_time_ms, a.part, a.propensity, v.label, v.fraud_type"
        " FROM alert a LEFT JOIN verdict v ON v.event_id = a.event_id WHERE a.event_time_ms >= ?";
    static const char FRAUDS[] = "SELECT event_id, event_type, fraud_type, event_ms, part"
                                 " FROM verdict WHERE label = 'fraud' AND event_ms >= ?";
    struct hec_outcomes counted = { 0 };
    enum hec_status status = HEC_OK;
    int64_t delay_ms = 0;
    for (int h = 0; h < by->heads_count; h++) {
        delay_ms = by->heads[h].label_delay_ms > delay_ms ? by->heads[h].label_delay_ms : delay_ms;
    }
    struct counting counting = {
        .outcomes = &counted, .by = by, .inbox = inbox, .status = &status, .error = error
    };
    counting.now_ms = now_of(&counting);
    counting.since_ms =
        counting.now_ms - delay_ms - hec_outcome_days[HEC_OUTCOME_WINDOWS - 1] * DAY_MS;
    each(&counting, ALERTS, count_alert);
    each(&counting, FRAUDS, count_fraud);
    if (status == HEC_OK) {
        *outcomes = counted;
    }
    return status;
}

double hec_live_precision(const struct hec_live_window *outcome)
{
    int64_t judged = outcome->fraud + outcome->genuine;
    return judged == 0 ? (double)NAN : (double)outcome->fraud / (double)judged;
}

double hec_live_recall(const struct hec_live_window *outcome)
{
    int64_t frauds = outcome->fraud + outcome->missed;
    return frauds == 0 ? (double)NAN : (double)outcome->fraud / (double)frauds;
}
