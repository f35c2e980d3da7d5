/* Imports: slices of both public sets as they should come out, and every way a row can be wrong. */
#include "file/import.h"

#include "file/when.h"
#include "scratch.h"
#include "support/source_root.h" /* written by meson */

TestSuite(import, .init = scratch_make, .fini = scratch_remove);

static const char MAP[] = "# a bank's export\n"
                          "event_type = card_auth\n"
                          "time.column = at   # seconds\n"
                          "time.unit = s\n"
                          "time.origin = 2018-04-01\n"
                          "event_id = t{#}\n"
                          "user_token = c{who}\n"
                          "card_token = {who}-{kind}\n"
                          "amount_minor = {amount*100}\n"
                          "currency = EUR\n"
                          "geo.lat = {customers.lat}\n"
                          "customers.key = who\n"
                          "fraud.column = fraud\n"
                          "fraud.genuine = no\n"
                          "fraud.type = 06\n"
                          "fraud.type.skim = 04\n"
                          "label.event_id = l{#}\n";
static const char PEOPLE[] = "who,lat\n7,52.5\n12,\n3,-1\n";

static enum hec_status load(struct hec_import_map *map, const char *text, struct hec_error *error)
{
    return hec_import_map_load(map, scratch_text("map.conf", text), error);
}

/* Imports and gives back what was written, for free(); NULL on failure. */
static char *imported(const char *map_text, const char *csv, const char *people, double days,
                      struct hec_error *error)
{
    struct hec_import_map map;
    cr_assert_eq(load(&map, map_text, error), HEC_OK, "%s", error->text);
    const char *out = scratch_path("out");
    struct hec_import_counts counts;
    struct hec_import_job job = { .map = &map,
                                  .in = scratch_text("in.csv", csv),
                                  .customers =
                                      people == NULL ? NULL : scratch_text("people.csv", people),
                                  .label_delay_ms = (int64_t)(days * (double)HEC_DAY_MS) };
    cr_assert_eq(hec_output_open(&job.output, out, NULL), HEC_OK);
    if (hec_import(&job, &counts, error) != HEC_OK) {
        hec_output_discard(job.output);
        return NULL;
    }
    cr_assert_eq(hec_output_close(job.output, NULL), HEC_OK);
    return scratch_read(out, NULL);
}

/* JSON with single quotes, for people; quoted() puts it right. */
static const char EXPECTED[] =
    "{'event_id':'t0','event_type':'card_auth','schema_version':1,"
    "'event_time_ms':1522540810000,'user_token':'c7','geo':{'lat':52.5},"
    "'card_token':'7-x','amount_minor':150,'currency':'EUR'}\n"
    "{'event_id':'t1','event_type':'card_auth','schema_version':1,"
    "'event_time_ms':1522540820000,'user_token':'c12',"
    "'card_token':'12-x','amount_minor':7,'currency':'EUR'}\n"
    "{'event_id':'l0','event_type':'label','schema_version':1,"
    "'event_time_ms':1522627210000,'user_token':'c7','card_token':'7-x',"
    "'amount_minor':150,'currency':'EUR','target_event_id':'t0',"
    "'target_event_time_ms':1522540810000,'target_event_type':'card_auth',"
    "'label':'fraud','fraud_type':'04','label_source':'chargeback'}\n"
    "{'event_id':'t2','event_type':'card_auth','schema_version':1,"
    "'event_time_ms':1522627210000,'user_token':'c3','geo':{'lat':-1},"
    "'card_token':'3-x','amount_minor':1200,'currency':'EUR'}\n"
    "{'event_id':'t3','event_type':'card_auth','schema_version':1,"
    "'event_time_ms':1522627209000,'user_token':'c7','geo':{'lat':52.5},"
    "'card_token':'7-x','amount_minor':300,'currency':'EUR'}\n"
    "{'event_id':'l2','event_type':'label','schema_version':1,"
    "'event_time_ms':1522713610000,'user_token':'c3','card_token':'3-x',"
    "'amount_minor':1200,'currency':'EUR','target_event_id':'t2',"
    "'target_event_time_ms':1522627210000,'target_event_type':'card_auth',"
    "'label':'fraud','fraud_type':'06','label_source':'chargeback'}\n";

static char *quoted(const char *text)
{
    char *copy = strdup(text);
    for (char *at = copy; *at != '\0'; at++) {
        *at = *at == '\'' ? '"' : *at;
    }
    return copy;
}

Test(import, makes_events_and_puts_labels_where_their_time_is)
{
    struct hec_error error = { 0 };
    char *text = imported(MAP,
                          "at,who,kind,amount,fraud\n"
                          "10,7,x,1.5,skim\n"
                          "20,12,x,0.07,no\n"
                          "86410,3,x,12,yes\n"
                          "86409,7,x,3.00,no\n",
                          PEOPLE, 1, &error);
    cr_assert_not_null(text, "%s", error.text);
    char *wanted = quoted(EXPECTED);
    cr_expect_str_eq(text, wanted);
    free(wanted);
    free(text);
}

static void expect_refused(const char *rows, const char *where, const char *what)
{
    struct hec_error error = { 0 };
    char csv[1024];
    snprintf(csv, sizeof(csv), "at,who,kind,amount,fraud\n10,7,x,1,no\n%s", rows);
    char *text = imported(MAP, csv, PEOPLE, 7, &error);
    cr_expect_null(text, "%s", rows);
    cr_expect_not_null(strstr(error.text, where), "%s: %s", where, error.text);
    cr_expect_not_null(strstr(error.text, what), "%s: %s", what, error.text);
    free(text);
}

Test(import, tells_file_line_and_field_of_a_wrong_cell)
{
    expect_refused("x,7,x,1,no\n", "in.csv:3", "at cannot be \"x\"");
    expect_refused("1,7,x,one,no\n", "in.csv:3", "amount_minor");
    expect_refused("1,7,x,1.005,no\n", "in.csv:3", "amount_minor");
    expect_refused("1,7,x,-1,no\n", "in.csv:3", "amount_minor");
    expect_refused("1,7,x,99999999999,no\n", "in.csv:3", "amount_minor");
    expect_refused("1,7,x,,no\n", "in.csv:3", "needed");
    expect_refused("1,7,\xc3\xa9,1,no\n", "in.csv:3", "card_token");
    expect_refused("1,8,x,1,no\n", "in.csv:3", "not in the file of customers");
    expect_refused("1,7,x,1\n", "in.csv:3", "columns");
}

static void expect_bad_map(const char *text, const char *where)
{
    struct hec_import_map map;
    struct hec_error error = { 0 };
    cr_expect_eq(load(&map, text, &error), HEC_INVALID, "%s", text);
    cr_expect_not_null(strstr(error.text, where), "%s: %s", where, error.text);
}

Test(import, tells_what_is_wrong_with_a_map)
{
    expect_bad_map("event_type card_auth\n", "map.conf:1");
    expect_bad_map("\n# x\nevent_typ = card_auth\n", "map.conf:3");
    expect_bad_map("event_type = label\n", "must be card_auth");
    expect_bad_map("event_type = card_auth\nevent_id = {a\n", "map.conf:2");
    expect_bad_map("event_id = {a*0}\n", "map.conf:1");
    expect_bad_map("event_id = {}\n", "map.conf:1");
    expect_bad_map("event_id =\n", "is empty");
    expect_bad_map("time.unit = m\n", "s, ms or rfc3339");
    expect_bad_map("time.origin = never\n", "must be a time");
    expect_bad_map("event_type = card_auth\n", "time.column");
    expect_bad_map("event_type = login\ntime.column = t\nevent_id = {#}\nuser_token = u\n",
                   "login needs result");
    expect_bad_map("event_type = login\ntime.column = t\nevent_id = {#}\nuser_token = u\n"
                   "result = success\nmcc = 1\n",
                   "map.conf:6");
    expect_bad_map("event_type = login\ntime.column = t\nfraud.column = f\n", "label.event_id");
}

Test(import, tells_columns_and_files_that_are_not_there)
{
    struct hec_error error = { 0 };
    cr_expect_null(imported(MAP, "at,who,kind,fraud\n", PEOPLE, 7, &error));
    cr_expect_not_null(strstr(error.text, "\"amount\""), "%s", error.text);
    cr_expect_null(imported(MAP, "at,who,kind,amount,fraud\n", NULL, 7, &error));
    cr_expect_not_null(strstr(error.text, "--customers"), "%s", error.text);
    cr_expect_null(imported(MAP, "at,who,kind,amount,fraud\n", "name,lat\n", 7, &error));
    cr_expect_not_null(strstr(error.text, "customers.key"), "%s", error.text);
}

Test(import, reads_rfc3339_times_and_a_row_number_alone)
{
    struct hec_error error = { 0 };
    char *text = imported("event_type = login\ntime.column = t\ntime.unit = rfc3339\n"
                          "event_id = {#}\nuser_token = u\nresult = {r}\nbot_score = {b}\n",
                          "t,r,b\n2020-01-01T00:00:00+01:00,fail,\n2020-01-01,success,0.25\n", NULL,
                          7, &error);
    cr_assert_not_null(text, "%s", error.text);
    cr_expect_not_null(strstr(text,
                              "{\"event_id\":\"0\",\"event_type\":\"login\",\"schema_version\""
                              ":1,\"event_time_ms\":1577833200000,\"user_token\":\"u\","
                              "\"result\":\"fail\"}\n"),
                       "%s", text);
    cr_expect_not_null(strstr(text, "\"bot_score\":0.25}"), "%s", text);
    free(text);
}

Test(import, names_the_columns_that_the_map_makes_no_use_of)
{
    struct hec_import_map map;
    struct hec_error error = { 0 };
    struct hec_import_counts counts;
    cr_assert_eq(hec_import_map_load(&map, HEC_SOURCE_ROOT "/conf/import/plain.conf", &error),
                 HEC_OK, "%s", error.text);
    struct hec_import_job job = {
        .map = &map,
        .in = scratch_text("plain.csv",
                           "shop,time,user,card,amount,currency,merchant,terminal,mcc,country,"
                           "entry_mode,response,fraud,note\n"
                           "s,2026-01-01T00:00:00Z,u,c,12.50,EUR,m,t,5411,DE,chip,00,1,x\n"
                           "s,2026-01-01T00:01:00Z,u,c,3,EUR,,,,,,,0,\n"
                           "s,2026-01-01T00:02:00Z,u,c,4,EUR,,,,,,,,\n"),
    };
    cr_assert_eq(hec_output_open(&job.output, scratch_path("out"), NULL), HEC_OK);
    cr_assert_eq(hec_import(&job, &counts, &error), HEC_OK, "%s", error.text);
    cr_assert_eq(hec_output_close(job.output, NULL), HEC_OK);
    cr_expect_eq(counts.rows, 3u);
    cr_expect_eq(counts.labels, 1u, "an empty cell is no verdict");
    cr_expect_eq(counts.unused_count, 2);
    cr_expect_str_eq(counts.unused, "shop, note");
    char *text = scratch_read(scratch_path("out"), NULL);
    cr_expect_not_null(strstr(text, "\"amount_minor\":1250"));
    cr_expect_not_null(strstr(text, "\"merchant_country\":\"DE\""));
    cr_expect_null(strstr(text, "\"merchant_id\":\"\""));
    free(text);
}
