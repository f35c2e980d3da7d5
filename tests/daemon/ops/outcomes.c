/* Outcomes: alerts and verdicts of a day that the test makes up, counted by hand; and the control
 * group's estimate against a truth that is known. */
#include "ops/outcomes.h"

#include <criterion/criterion.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "hecate/random.h"
#include "ops/inbox_inside.h"

#define DAY_MS INT64_C(86400000)
#define NOW_MS (20000 * DAY_MS)
enum { CARD, ATO, ANOMALY };

static struct hec_inbox *inbox;
static struct hec_error error;
static struct hec_outcomes outcomes;
static int alerts;
static int64_t played_back_ms; /* how long after the event its alert was made */

static struct hec_inbox *open_at(const char *path)
{
    struct hec_inbox *opened = NULL;
    struct hec_inbox_options options = { .path = path };
    cr_assert_eq(hec_inbox_open(&opened, &options, &error), HEC_OK, "%s", error.text);
    return opened;
}

static void setup(void)
{
    inbox = open_at(":memory:");
}

static void teardown(void)
{
    hec_inbox_close(inbox);
}

TestSuite(outcomes, .init = setup, .fini = teardown);

static void alert_in(int partition, const char *head, const char *event, double days_ago,
                     double propensity)
{
    char json[1024], sampling[96] = "";
    enum hec_filed filed;
    int64_t seq, at_ms = NOW_MS - (int64_t)(days_ago * (double)DAY_MS);
    if (propensity > 0) {
        snprintf(sampling, sizeof(sampling),
                 "\"sampling\":{\"control_group\":true,\"propensity\":%g},", propensity);
    }
    snprintf(json, sizeof(json),
             "{\"alert_id\":\"%08x-0000\",\"created_at_ms\":%lld,\"event\":{\"event_id\":\"%s\","
             "\"event_type\":\"card_auth\",\"event_time_ms\":%lld,\"source\":{\"partition\":%d}},"
             "%s\"entities\":[{\"kind\":\"card\",\"token\":\"c1\",\"primary\":true}],"
             "\"head\":\"%s\"}",
             (unsigned)++alerts, (long long)(at_ms + played_back_ms), event, (long long)at_ms,
             partition, sampling, head);
    cr_assert_eq(hec_inbox_file(inbox, json, strlen(json), NOW_MS, &filed, &seq, &error), HEC_OK,
                 "%s", error.text);
}

static void alert(const char *head, const char *event, double days_ago)
{
    alert_in(0, head, event, days_ago, 0);
}

static void verdict(const char *event, const char *label, const char *fraud_type, double days_ago,
                    int64_t at_ms)
{
    struct hec_verdict_note note = { .event_ms = NOW_MS - (int64_t)(days_ago * (double)DAY_MS),
                                     .at_ms = at_ms };
    snprintf(note.event_id, sizeof(note.event_id), "%s", event);
    snprintf(note.event_type, sizeof(note.event_type), "card_auth");
    snprintf(note.label, sizeof(note.label), "%s", label);
    snprintf(note.fraud_type, sizeof(note.fraud_type), "%s", fraud_type);
    cr_assert_eq(hec_outcomes_note(inbox, &note, 1, &error), HEC_OK, "%s", error.text);
}

static int64_t rows_of(const char *table)
{
    char sql[64];
    sqlite3_stmt *ask = NULL;
    snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", table);
    cr_assert_eq(sqlite3_prepare_v2(inbox->db, sql, -1, &ask, NULL), SQLITE_OK);
    cr_assert_eq(sqlite3_step(ask), SQLITE_ROW);
    int64_t count = sqlite3_column_int64(ask, 0);
    sqlite3_finalize(ask);
    return count;
}

static bool is_read(const void *context, int32_t partition)
{
    (void)context;
    return partition == 0;
}

/* The newest alert is of now, so that the event clock and the test's are one. */
static void count(unsigned alerting)
{
    struct hec_outcomes_by by = { .heads = hec_default_heads,
                                  .heads_count = HEC_DEFAULT_HEADS,
                                  .wall_ms = NOW_MS,
                                  .alerting = alerting,
                                  .is_read = is_read };
    alert("ato", "now", 0);
    cr_assert_eq(hec_outcomes_count(&outcomes, inbox, &by, &error), HEC_OK, "%s", error.text);
}

static void expect(int head, int window, struct hec_live_window wanted)
{
    const struct hec_live_window *got = &outcomes.heads[head].windows[window];
    cr_expect_eq(memcmp(got, &wanted, sizeof(wanted)), 0,
                 "head %d, window %d: fraud %lld genuine %lld unlabelled %lld missed %lld", head,
                 window, (long long)got->fraud, (long long)got->genuine, (long long)got->unlabelled,
                 (long long)got->missed);
}

Test(outcomes, fall_into_windows_that_begin_with_maturity)
{
    static const double DAYS[] = { 6.9, 7.1, 13.9, 14.1, 36.9, 37.1, 96.9, 97.1 };
    for (int i = 0; i < 8; i++) {
        char id[16];
        snprintf(id, sizeof(id), "e%d", i);
        alert("card_fraud", id, DAYS[i]);
        verdict(id, i % 2 == 0 ? "genuine" : "fraud", "04", DAYS[i], NOW_MS);
    }
    count(1);
    cr_expect_eq(outcomes.heads[CARD].immature, 1);
    expect(CARD, 0, (struct hec_live_window){ .fraud = 1, .genuine = 1 });
    expect(CARD, 1, (struct hec_live_window){ .fraud = 2, .genuine = 2 });
    expect(CARD, 2, (struct hec_live_window){ .fraud = 3, .genuine = 3 });
    cr_expect_float_eq(hec_live_precision(&outcomes.heads[CARD].windows[0]), 0.5, 1e-12);
    cr_expect(isnan(hec_live_precision(&outcomes.heads[ATO].windows[0])), "nobody knows");
}

Test(outcomes, tell_what_nobody_judged_apart)
{
    alert("card_fraud", "silent", 8);
    alert("card_fraud", "unsure", 8);
    alert("card_fraud", "theirs", 8);
    verdict("unsure", "unknown", "", 8, NOW_MS);
    verdict("theirs", "fraud", "05", 8, NOW_MS); /* a takeover: neither here nor there */
    count(1);
    expect(CARD, 0, (struct hec_live_window){ .unlabelled = 3 });
}

Test(outcomes, miss_frauds_of_their_own_kind_that_they_did_not_alert_on)
{
    verdict("a", "fraud", "04", 8, NOW_MS);
    verdict("b", "fraud", "05", 8, NOW_MS);
    verdict("c", "genuine", "", 8, NOW_MS);
    verdict("young", "fraud", "04", 1, NOW_MS);
    verdict("caught", "fraud", "04", 8, NOW_MS);
    alert("card_fraud", "caught", 8);
    count(1u << CARD | 1u << ATO);
    expect(CARD, 0, (struct hec_live_window){ .fraud = 1, .missed = 1 });
    expect(ATO, 0, (struct hec_live_window){ .missed = 1 });
    expect(ANOMALY, 0, (struct hec_live_window){ 0 }); /* it may not alert, so it misses nothing */
    cr_expect_float_eq(hec_live_recall(&outcomes.heads[CARD].windows[0]), 0.5, 1e-12);
}

Test(outcomes, take_the_newest_verdict_and_only_partitions_that_are_read_here)
{
    alert("card_fraud", "e", 8);
    verdict("e", "fraud", "04", 8, 20);
    verdict("e", "genuine", "", 8, 30);
    verdict("e", "fraud", "04", 8, 10); /* a replay: older than what is known */
    alert_in(1, "card_fraud", "elsewhere", 8, 0);
    count(1);
    expect(CARD, 0, (struct hec_live_window){ .genuine = 1 });
}

/* A tenth and a half of the would-be blocks of two times are let through; 30 % are frauds. */
Test(outcomes, estimate_precision_of_blocking_from_the_control_group)
{
    struct hec_random random = hec_random_at(11, 0);
    double share, low, high;
    for (int i = 0; i < 4000; i++) {
        bool fraud = hec_random_uniform(&random) < 0.3;
        double propensity = i % 2 == 0 ? 0.1 : 0.5;
        char id[16];
        snprintf(id, sizeof(id), "e%d", i);
        if (hec_random_uniform(&random) < propensity) {
            alert_in(0, "card_fraud", id, 8 + i % 80, propensity);
            if (fraud) { /* what was good is never told */
                verdict(id, "fraud", "04", 8 + i % 80, NOW_MS);
            }
        }
    }
    alert_in(0, "card_fraud", "young", 1, 0.1);
    count(1);
    const struct hec_head_outcomes *card = &outcomes.heads[CARD];
    cr_assert(hec_control_estimate(&card->control, &share, &low, &high));
    cr_expect(low < 0.3 && 0.3 < high, "%g (%g .. %g)", share, low, high);
    cr_expect(high - low < 0.1, "%g (%g .. %g)", share, low, high);
    cr_expect_eq(card->control_immature, 1);
    cr_expect_gt(card->control_mature, 1000);
}

/* A part would look like the whole. */
Test(outcomes, stay_what_they_were_when_they_cannot_be_counted)
{
    struct hec_outcomes_by by = { .heads = hec_default_heads,
                                  .heads_count = HEC_DEFAULT_HEADS,
                                  .wall_ms = NOW_MS,
                                  .is_read = is_read };
    alert("card_fraud", "e", 8);
    verdict("e", "genuine", "", 8, NOW_MS);
    count(1);
    cr_assert_eq(sqlite3_exec(inbox->db, "ALTER TABLE verdict RENAME TO lost", NULL, NULL, NULL),
                 SQLITE_OK);
    cr_expect_eq(hec_outcomes_count(&outcomes, inbox, &by, &error), HEC_UNAVAILABLE);
    cr_expect(strstr(error.text, "verdict"), "%s", error.text);
    expect(CARD, 0, (struct hec_live_window){ .genuine = 1 });
}

/* A log that is played back is judged as it would have been then, and for as long. */
Test(outcomes, of_a_log_that_is_played_back_are_kept_like_others)
{
    played_back_ms = 1000 * DAY_MS;
    alert("card_fraud", "e", 8);
    alert("card_fraud", "now", 0);
    verdict("e", "fraud", "04", 8, NOW_MS - DAY_MS);
    verdict("old", "fraud", "04", 110, NOW_MS - 101 * DAY_MS);
    int64_t before_ms = NOW_MS + played_back_ms - 100 * DAY_MS;
    cr_assert_eq(hec_inbox_expire(inbox, before_ms, &error), HEC_OK, "%s", error.text);
    cr_expect_eq(rows_of("verdict"), 1);
    count(1);
    expect(CARD, 0, (struct hec_live_window){ .fraud = 1 });
}

/* A file of version 1 has the partition inside its JSON, and no verdicts but those that were given
 * here: that nobody spoke of the others is not known, so they are no control group. */
Test(outcomes, count_alerts_that_an_older_version_filed)
{
    char path[] = "/tmp/hecate-inbox-XXXXXX", side[64];
    sqlite3 *db;
    close(mkstemp(path));
    hec_inbox_close(inbox);
    inbox = open_at(path);
    alert_in(0, "card_fraud", "old", 8, 0.25);
    alert_in(0, "card_fraud", "silent", 8, 0.25);
    alert_in(0, "card_fraud", "told", 8, 0.25);
    hec_inbox_close(inbox);
    cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db,
                              "DROP INDEX alert_time; ALTER TABLE alert DROP COLUMN part;"
                              "ALTER TABLE alert DROP COLUMN propensity; DROP TABLE verdict;"
                              "UPDATE alert SET label = 'genuine', labelled_ms = 5"
                              " WHERE event_id = 'told'; PRAGMA user_version = 1",
                              NULL, NULL, NULL),
                 SQLITE_OK, "%s", sqlite3_errmsg(db));
    sqlite3_close(db);
    inbox = open_at(path);
    verdict("old", "fraud", "04", 8, NOW_MS);
    count(1);
    expect(CARD, 0, (struct hec_live_window){ .fraud = 1, .genuine = 1, .unlabelled = 1 });
    cr_expect_eq(outcomes.heads[CARD].control_mature, 0);
    unlink(path);
    for (int i = 0; i < 2; i++) {
        snprintf(side, sizeof(side), "%s%s", path, i == 0 ? "-wal" : "-shm");
        unlink(side);
    }
}
