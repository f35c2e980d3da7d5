/* The inbox: an alert is filed once whatever happens, repeats fold by entity, head and time, a
 * snooze hides and counts, and work on an alert is one person's. */
#include "ops/inbox.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WINDOW_MS 900000
#define NOW_MS INT64_C(1795429535123)

static struct hec_error error;

static struct hec_inbox *open_at(const char *path)
{
    struct hec_inbox *inbox = NULL;
    struct hec_inbox_options options = { .path = path, .dedup_window_ms = WINDOW_MS };
    cr_assert_eq(hec_inbox_open(&inbox, &options, &error), HEC_OK, "%s", error.text);
    return inbox;
}

static enum hec_filed file(struct hec_inbox *inbox, int number, const char *head, const char *card,
                           int64_t event_ms, int score)
{
    char json[1024];
    enum hec_filed filed;
    int64_t seq;
    snprintf(json, sizeof(json),
             "{\"alert_id\":\"%08x-0000-8000-8000-000000000000\",\"created_at_ms\":%lld,"
             "\"event\":{\"event_id\":\"e%d\",\"event_type\":\"card_auth\",\"event_time_ms\":%lld,"
             "\"amount_minor\":1250,\"currency\":\"EUR\"},"
             "\"entities\":[{\"kind\":\"card\",\"token\":\"%s\",\"primary\":true},"
             "{\"kind\":\"user\",\"token\":\"u1\"}],\"head\":\"%s\",\"severity\":\"high\","
             "\"scores\":{\"%s\":{\"probability\":0.9,\"score\":%d,\"threshold\":850}},"
             "\"decision\":{\"outcome\":\"review\"},\"reasons\":[{\"text\":\"because\"}]}",
             (unsigned)number, (long long)event_ms, number, (long long)event_ms, card, head, head,
             score);
    cr_assert_eq(hec_inbox_file(inbox, json, strlen(json), NOW_MS, &filed, &seq, &error), HEC_OK,
                 "%s", error.text);
    return filed;
}

struct seen {
    int count;
    int64_t last_seq;
    struct hec_inbox_row rows[16]; /* numbers only: texts do not live that long */
    char ids[16][40], states[16][16], who[16][16];
};

static void see(void *context, const struct hec_inbox_row *row)
{
    struct seen *seen = context;
    int at = seen->count++;
    seen->last_seq = row->seq;
    seen->rows[at] = *row;
    snprintf(seen->ids[at], sizeof(seen->ids[at]), "%s", row->alert_id);
    snprintf(seen->states[at], sizeof(seen->states[at]), "%s", row->state);
    snprintf(seen->who[at], sizeof(seen->who[at]), "%s", row->taken_by);
}

static struct seen list(struct hec_inbox *inbox, struct hec_inbox_filter filter)
{
    struct seen seen = { 0 };
    const char **texts[] = { &filter.state, &filter.head, &filter.severity, &filter.kind,
                             &filter.token };
    for (int i = 0; i < 5; i++) {
        *texts[i] = *texts[i] == NULL ? "" : *texts[i];
    }
    filter.limit = filter.limit == 0 ? 16 : filter.limit;
    cr_expect_eq(hec_inbox_list(inbox, &filter, see, &seen), seen.count);
    return seen;
}

Test(inbox, folds_what_repeats_within_the_window_of_the_first)
{
    struct hec_inbox *inbox = open_at(":memory:");
    cr_expect_eq(file(inbox, 1, "ato", "c1", NOW_MS, 900), HEC_FILED_NEW);
    cr_expect_eq(file(inbox, 2, "ato", "c1", NOW_MS + WINDOW_MS, 900), HEC_FILED_REPEAT);
    cr_expect_eq(file(inbox, 3, "ato", "c1", NOW_MS + WINDOW_MS + 1, 900), HEC_FILED_NEW);
    cr_expect_eq(file(inbox, 4, "card_fraud", "c1", NOW_MS + 1, 900), HEC_FILED_NEW);
    cr_expect_eq(file(inbox, 5, "ato", "c2", NOW_MS + 1, 900), HEC_FILED_NEW);
    cr_expect_eq(file(inbox, 2, "ato", "c1", NOW_MS + WINDOW_MS, 900), HEC_FILED_KNOWN);
    struct seen seen = list(inbox, (struct hec_inbox_filter){ 0 });
    cr_assert_eq(seen.count, 4);
    cr_expect_eq(seen.rows[3].repeats, 2);
    cr_expect_eq(seen.rows[3].last_ms, NOW_MS + WINDOW_MS);
    cr_expect_eq(seen.rows[0].repeats, 1);
    /* The repeat is still there by its own name, and names the one it went into. */
    struct seen found = { 0 };
    cr_expect(hec_inbox_find(inbox, "00000002-0000", see, &found));
    cr_expect_eq(found.rows[0].folded_into, seen.rows[3].seq);
    hec_inbox_close(inbox);
}

Test(inbox, answers_every_question_of_the_filter)
{
    struct hec_inbox *inbox = open_at(":memory:");
    file(inbox, 1, "ato", "c1", NOW_MS, 900);
    file(inbox, 2, "card_fraud", "c2", NOW_MS + 10, 950);
    file(inbox, 3, "card_fraud", "c3", NOW_MS + 20, 860);
    struct hec_inbox_filter filters[] = {
        { .head = "card_fraud" },
        { .min_score = 900 },
        { .kind = "card", .token = "c3" },
        { .kind = "user", .token = "u1" },
        { .since_ms = NOW_MS + 20 },
        { .severity = "low" },
        { .state = "closed" },
        { .limit = 2 },
    };
    int counts[] = { 2, 2, 1, 3, 1, 0, 0, 2 };
    for (int i = 0; i < 8; i++) {
        cr_expect_eq(list(inbox, filters[i]).count, counts[i], "question %d", i);
    }
    struct seen page = list(inbox, (struct hec_inbox_filter){ .limit = 2 });
    struct seen next = list(inbox, (struct hec_inbox_filter){ .before_seq = page.last_seq });
    cr_assert_eq(next.count, 1);
    cr_expect_str_eq(next.ids[0], "00000001-0000-8000-8000-000000000000");
    hec_inbox_close(inbox);
}

Test(inbox, finds_by_an_unambiguous_beginning)
{
    struct hec_inbox *inbox = open_at(":memory:");
    struct seen seen = { 0 };
    file(inbox, 0x10, "ato", "c1", NOW_MS, 900);
    file(inbox, 0x11, "ato", "c2", NOW_MS, 900);
    cr_expect(!hec_inbox_find(inbox, "0000001", see, &seen));
    cr_expect(!hec_inbox_find(inbox, "000", see, &seen));
    cr_expect(!hec_inbox_find(inbox, "", see, &seen));
    cr_expect(!hec_inbox_find(inbox, "00000012", see, &seen));
    cr_expect_eq(seen.count, 0);
    cr_expect(hec_inbox_find(inbox, "00000011", see, &seen));
    cr_expect(hec_inbox_find(inbox, "00000010-0000-8000-8000-000000000000", see, &seen));
    cr_expect_eq(seen.count, 2);
    hec_inbox_close(inbox);
}

Test(inbox, gives_an_alert_to_one_person_at_a_time)
{
    struct hec_inbox *inbox = open_at(":memory:");
    file(inbox, 1, "ato", "c1", NOW_MS, 900);
    int64_t seq = list(inbox, (struct hec_inbox_filter){ 0 }).last_seq;
    cr_expect_eq(hec_inbox_release(inbox, seq, "ana", true, &error), HEC_DENIED);
    cr_expect_eq(hec_inbox_take(inbox, seq, "ana", NOW_MS, &error), HEC_OK);
    cr_expect_eq(hec_inbox_take(inbox, seq, "ana", NOW_MS, &error), HEC_OK);
    cr_expect_eq(hec_inbox_take(inbox, seq, "bob", NOW_MS, &error), HEC_DENIED);
    cr_expect(strstr(error.text, "ana") != NULL, "%s", error.text);
    cr_expect_eq(hec_inbox_release(inbox, seq, "bob", false, &error), HEC_DENIED);
    cr_expect_str_eq(list(inbox, (struct hec_inbox_filter){ .state = "taken" }).who[0], "ana");
    cr_expect_eq(hec_inbox_release(inbox, seq, "bob", true, &error), HEC_OK);
    cr_expect_eq(hec_inbox_take(inbox, seq, "bob", NOW_MS, &error), HEC_OK);
    cr_expect_eq(hec_inbox_label(inbox, seq, "fraud", "05", "called", "bob", NOW_MS, &error),
                 HEC_OK);
    cr_expect_eq(hec_inbox_take(inbox, seq, "ana", NOW_MS, &error), HEC_DENIED);
    cr_expect_eq(list(inbox, (struct hec_inbox_filter){ 0 }).count, 0);
    cr_expect_eq(list(inbox, (struct hec_inbox_filter){ .state = "closed" }).count, 1);
    cr_expect_eq(hec_inbox_take(inbox, seq + 1, "ana", NOW_MS, &error), HEC_NOT_FOUND);
    struct hec_inbox_counts counts;
    hec_inbox_count(inbox, &counts);
    cr_expect(counts.closed == 1 && counts.new_ones == 0 && counts.taken == 0);
    hec_inbox_close(inbox);
}

static void see_snooze(void *context, const struct hec_snooze *snooze)
{
    *(struct hec_snooze *)context = *snooze;
}

Test(inbox, hides_and_counts_what_is_snoozed_until_it_ends)
{
    struct hec_inbox *inbox = open_at(":memory:");
    struct hec_snooze snooze = { .kind = "card",
                                 .token = "c1",
                                 .head = "ato",
                                 .reason = "test card",
                                 .actor = "ana",
                                 .created_ms = NOW_MS,
                                 .until_ms = NOW_MS + 1 };
    struct hec_snooze ended = snooze, seen = { 0 };
    ended.token = "c2";
    ended.until_ms = NOW_MS;
    cr_assert_eq(hec_snooze_add(inbox, &snooze, &error), HEC_OK);
    cr_assert_eq(hec_snooze_add(inbox, &ended, &error), HEC_OK);
    cr_expect_eq(file(inbox, 1, "ato", "c1", NOW_MS, 900), HEC_FILED_SNOOZED);
    cr_expect_eq(file(inbox, 2, "card_fraud", "c1", NOW_MS, 900), HEC_FILED_NEW);
    cr_expect_eq(file(inbox, 3, "ato", "c2", NOW_MS, 900), HEC_FILED_NEW);
    cr_expect_eq(list(inbox, (struct hec_inbox_filter){ 0 }).count, 2);
    cr_expect_eq(list(inbox, (struct hec_inbox_filter){ .state = "snoozed" }).count, 1);
    cr_expect_eq(hec_snooze_list(inbox, NOW_MS, see_snooze, &seen), 1);
    cr_expect_eq(seen.kept, 1);
    cr_expect_eq(hec_snooze_remove(inbox, snooze.id, &error), HEC_OK);
    cr_expect_eq(hec_snooze_remove(inbox, snooze.id, &error), HEC_NOT_FOUND);
    cr_expect_eq(file(inbox, 4, "ato", "c1", NOW_MS + WINDOW_MS + 1, 900), HEC_FILED_NEW);
    hec_inbox_close(inbox);
}

/* What was not committed is gone with its offset; what was is there, with it. */
Test(inbox, keeps_alerts_and_offsets_together)
{
    char path[] = "/tmp/hecate-inbox-XXXXXX";
    close(mkstemp(path));
    struct hec_inbox *inbox = open_at(path);
    cr_expect_eq(hec_inbox_position(inbox, "alerts", 0), -1);
    cr_assert_eq(hec_inbox_begin(inbox, &error), HEC_OK);
    file(inbox, 1, "ato", "c1", NOW_MS, 900);
    cr_assert_eq(hec_inbox_seek(inbox, "alerts", 0, 8, &error), HEC_OK);
    cr_assert_eq(hec_inbox_commit(inbox, &error), HEC_OK);
    cr_assert_eq(hec_inbox_begin(inbox, &error), HEC_OK);
    file(inbox, 2, "ato", "c2", NOW_MS, 900);
    cr_assert_eq(hec_inbox_seek(inbox, "alerts", 0, 9, &error), HEC_OK);
    hec_inbox_rollback(inbox);
    hec_inbox_close(inbox);

    inbox = open_at(path);
    cr_expect_eq(hec_inbox_position(inbox, "alerts", 0), 8);
    cr_expect_eq(hec_inbox_position(inbox, "other", 0), -1);
    cr_expect_eq(list(inbox, (struct hec_inbox_filter){ 0 }).count, 1);
    cr_expect_eq(file(inbox, 1, "ato", "c1", NOW_MS, 900), HEC_FILED_KNOWN);
    struct hec_inbox *second = NULL;
    struct hec_inbox_options options = { .path = path };
    cr_expect_eq(hec_inbox_open(&second, &options, &error), HEC_UNAVAILABLE, "%s", error.text);
    hec_inbox_close(inbox);
    unlink(path);
}

Test(inbox, refuses_what_is_no_alert_and_no_inbox)
{
    struct hec_inbox *inbox = open_at(":memory:");
    static const char *const BAD[] = { "", "nonsense", "[]", "{}", "{\"alert_id\":\"x\"}" };
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        enum hec_filed filed;
        int64_t seq;
        cr_expect_eq(hec_inbox_file(inbox, BAD[i], strlen(BAD[i]), NOW_MS, &filed, &seq, &error),
                     HEC_INVALID);
    }
    hec_inbox_close(inbox);
    char path[] = "/tmp/hecate-inbox-XXXXXX";
    int fd = mkstemp(path);
    for (int i = 0; i < 100; i++) {
        cr_assert_eq(write(fd, "this is no database ", 20), 20);
    }
    close(fd);
    struct hec_inbox_options options = { .path = path };
    cr_expect_eq(hec_inbox_open(&inbox, &options, &error), HEC_CORRUPT, "%s", error.text);
    unlink(path);
    options.path = "/nowhere/at/all.db";
    cr_expect_eq(hec_inbox_open(&inbox, &options, &error), HEC_DENIED, "%s", error.text);
}

static void see_audit(void *context, const struct hec_audit_row *row)
{
    *(int64_t *)context = row->id;
}

Test(inbox, forgets_what_is_too_old)
{
    struct hec_inbox *inbox = open_at(":memory:");
    file(inbox, 1, "ato", "c1", NOW_MS - 1, 900);
    file(inbox, 2, "ato", "c2", NOW_MS, 900);
    for (int i = 0; i < 2; i++) {
        struct hec_audit_row row = { .at_ms = NOW_MS - 1 + i,
                                     .actor = "ana",
                                     .role = "analyst",
                                     .verb = "take",
                                     .subject = "x",
                                     .code = 200 };
        cr_assert_eq(hec_audit_add(inbox, &row, &error), HEC_OK);
    }
    int64_t id = 0;
    cr_expect_eq(hec_audit_list(inbox, 0, 10, see_audit, &id), 2);
    cr_expect_eq(id, 1);
    cr_expect_eq(hec_audit_list(inbox, 2, 10, see_audit, &id), 1);
    cr_assert_eq(hec_inbox_expire(inbox, NOW_MS, &error), HEC_OK);
    cr_expect_eq(list(inbox, (struct hec_inbox_filter){ .state = "all" }).count, 1);
    cr_expect_eq(list(inbox, (struct hec_inbox_filter){ .kind = "card", .token = "c1" }).count, 0);
    cr_expect_eq(hec_audit_list(inbox, 0, 10, see_audit, &id), 1);
    hec_inbox_close(inbox);
}
