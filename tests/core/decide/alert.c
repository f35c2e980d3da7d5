/* Alerts and score records: they parse, say what they were given, and fit where they must. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <yyjson.h>

#include "hecate/lists.h"
#include "hecate/random.h"
#include "hecate/rules.h"
#include "sample.h"
#include "schema.h"

static char text[HEC_ALERT_BYTES_MAX];
static struct sample sample;

static yyjson_doc *parse(size_t length)
{
    cr_assert_leq(length, sizeof(text));
    yyjson_doc *doc = yyjson_read(text, length, 0);
    cr_assert_not_null(doc, "%.*s", (int)length, text);
    return doc;
}

static yyjson_doc *written(void)
{
    return parse(hec_alert_write(text, sizeof(text), &sample.alert));
}

static const char *at_text(yyjson_doc *doc, const char *pointer)
{
    const char *found = yyjson_get_str(yyjson_doc_ptr_get(doc, pointer));
    return found == NULL ? "(none)" : found;
}

static double at_number(yyjson_doc *doc, const char *pointer)
{
    yyjson_val *found = yyjson_doc_ptr_get(doc, pointer);
    cr_assert(yyjson_is_num(found), "%s", pointer);
    return yyjson_get_num(found);
}

static bool has(yyjson_doc *doc, const char *pointer)
{
    return yyjson_doc_ptr_get(doc, pointer) != NULL;
}

Test(alert, says_what_happened_to_whom_and_why)
{
    sample_make(&sample, HEC_CARD_AUTH, 0);
    yyjson_doc *doc = written();
    cr_expect_str_eq(at_text(doc, "/tenant_id"), "acme");
    cr_expect_str_eq(at_text(doc, "/event/event_id"), "01KAQM5Z9T4V6Q2J8R0X3N7B5D");
    cr_expect_str_eq(at_text(doc, "/event/source/topic"), "payments.events.v1");
    cr_expect_eq(at_number(doc, "/event/source/partition"), 3);
    cr_expect_eq(at_number(doc, "/event/source/offset"), 918273);
    cr_expect_eq(at_number(doc, "/event/amount_minor"), 129900);
    cr_expect_str_eq(at_text(doc, "/event/country"), "BE");
    cr_expect(yyjson_is_false(yyjson_doc_ptr_get(doc, "/event/card_present")));
    cr_expect_not(has(doc, "/event/scheme"));
    cr_expect_str_eq(at_text(doc, "/head"), "card_fraud");
    cr_expect_eq((float)at_number(doc, "/scores/card_fraud/probability"), 0.9312f);
    cr_expect_eq(at_number(doc, "/scores/card_fraud/score"), 931);
    cr_expect_eq(at_number(doc, "/scores/card_fraud/threshold"), 500);
    cr_expect_str_eq(at_text(doc, "/decision/outcome"), "review");
    cr_expect_str_eq(at_text(doc, "/decision/policy_id"), "default");
    cr_expect_str_eq(at_text(doc, "/severity"), "high");
    cr_expect_eq(at_number(doc, "/expected_loss_minor"), 120963);
    cr_expect_eq(at_number(doc, "/reasons/0/observed"), 9);
    cr_expect_eq(at_number(doc, "/reasons/0/typical"), 1);
    cr_expect_str_eq(at_text(doc, "/reasons/1/observed"), "5732");
    cr_expect_not(has(doc, "/reasons/1/typical"));
    cr_expect_not(has(doc, "/reasons/2"));
    cr_expect_str_eq(at_text(doc, "/model/sha256"), SAMPLE_SHA);
    cr_expect_str_eq(at_text(doc, "/schema_digest"), SAMPLE_SHA);
    cr_expect(yyjson_is_false(yyjson_doc_ptr_get(doc, "/quality/degraded")));
    cr_expect_eq(at_number(doc, "/quality/missing_features"), 4);
    cr_expect_eq(at_number(doc, "/timing_us/total"), 97);
    cr_expect_str_eq(at_text(doc, "/grouping/dedup_key"), "card:c_8f:card_fraud");
    /* 1, -2, NaN and 1, 0xdeadbeef, as any base64 decoder reads them. */
    cr_expect_str_eq(at_text(doc, "/row/numerics"), "AACAPwAAAMAAAMB/");
    cr_expect_str_eq(at_text(doc, "/row/categories"), "AQAAAO++rd4=");
    yyjson_doc_free(doc);
}

Test(alert, names_the_primary_entity_first_and_every_other_once)
{
    sample_make(&sample, HEC_CARD_AUTH, 0);
    yyjson_doc *doc = written();
    cr_expect_str_eq(at_text(doc, "/entities/0/kind"), "card");
    cr_expect_str_eq(at_text(doc, "/entities/0/token"), "c_8f");
    cr_expect(yyjson_is_true(yyjson_doc_ptr_get(doc, "/entities/0/primary")));
    cr_expect_eq(at_number(doc, "/entities/0/first_seen_ms"), 1761000000000.0);
    cr_expect_str_eq(at_text(doc, "/entities/1/kind"), "user");
    cr_expect_str_eq(at_text(doc, "/entities/1/token"), "u_\"1\\"); /* escaped and back */
    cr_expect_not(has(doc, "/entities/1/primary"));
    cr_expect_not(has(doc, "/entities/1/first_seen_ms"));
    cr_expect_eq(yyjson_arr_size(yyjson_doc_ptr_get(doc, "/entities")), 6u);
    yyjson_doc_free(doc);
}

Test(alert, is_keyed_by_the_card_for_card_fraud_on_cards_and_by_the_user_elsewhere)
{
    char key[HEC_ALERT_KEY_MAX];
    sample_make(&sample, HEC_CARD_AUTH, 0);
    size_t length = hec_alert_key(key, &sample.alert);
    cr_expect_eq(strncmp(key, "card:c_8f", length), 0);
    cr_expect_eq(length, 9u);
    cr_expect_eq(hec_alert_primary(&sample.event, "ato"), HEC_USER);
    cr_expect_eq(hec_alert_primary(&sample.event, "anomaly"), HEC_USER);
    sample_make(&sample, HEC_TRANSFER, 0);
    length = hec_alert_key(key, &sample.alert);
    cr_expect_eq(strncmp(key, "user:u_\"1\\", length), 0);
    cr_expect_eq(hec_alert_primary(&sample.event, "card_fraud"), HEC_USER);
}

Test(alert, leaves_out_what_is_not_known)
{
    sample_make(&sample, HEC_LOGIN, 1);
    sample.alert.tenant = NULL;
    sample.alert.event_age_ms = -1;
    sample.alert.timing_us.total = 0;
    sample.alert.reasons_count = 0;
    sample.policy.heads[2].mode = HEC_DECIDE_OFF;
    yyjson_doc *doc = written();
    cr_expect_str_eq(at_text(doc, "/tenant_id"), "default");
    cr_expect_not(has(doc, "/scores/card_fraud")); /* does not judge log-ins */
    cr_expect(has(doc, "/scores/ato/threshold"));
    cr_expect_not(has(doc, "/scores/anomaly/threshold"));
    cr_expect_not(has(doc, "/expected_loss_minor"));
    cr_expect_not(has(doc, "/quality/event_age_ms"));
    cr_expect_not(has(doc, "/timing_us"));
    cr_expect_eq(yyjson_arr_size(yyjson_doc_ptr_get(doc, "/reasons")), 0u);
    cr_expect(has(doc, "/reasons"));
    yyjson_doc_free(doc);
}

Test(alert, prints_a_threshold_as_it_was_given)
{
    for (int score = 1; score <= 999; score++) {
        sample_make(&sample, HEC_LOGIN, 1);
        sample.policy.heads[1].alert_at = hec_threshold_of(score);
        yyjson_doc *doc = written();
        cr_assert_eq(at_number(doc, "/scores/ato/threshold"), score);
        yyjson_doc_free(doc);
    }
    sample.policy.heads[1].alert_at = 0.87345f;
    yyjson_doc *doc = written();
    cr_expect_float_eq(at_number(doc, "/scores/ato/threshold"), 873.45, 1e-4);
    yyjson_doc_free(doc);
}

static void id_of(char id[37], const char *topic, int32_t partition, int64_t offset,
                  const char *head)
{
    struct hec_origin origin = { topic, partition, offset };
    hec_alert_id(id, &origin, head);
    id[36] = '\0';
}

Test(alert, has_one_id_for_one_place_and_head_and_another_for_any_other)
{
    char id[37], again[37], other[37];
    id_of(id, "t", 3, 918273, "ato");
    id_of(again, "t", 3, 918273, "ato");
    cr_expect_str_eq(id, again);
    /* Written down once: an alert must keep its id across versions. */
    cr_expect_str_eq(id, "3f354ffb-3bfd-8020-9a2c-4933c26ea4f2");
    static const struct {
        const char *topic, *head;
        int32_t partition;
        int64_t offset;
    } ROWS[] = { { "u", "ato", 3, 918273 },
                 { "t", "card_fraud", 3, 918273 },
                 { "t", "ato", 4, 918273 },
                 { "t", "ato", 3, 918274 },
                 { "", "ato", 3, 918273 } };
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        id_of(other, ROWS[i].topic, ROWS[i].partition, ROWS[i].offset, ROWS[i].head);
        cr_expect_str_neq(id, other, "row %zu", i);
        cr_expect_eq(other[14], '8');
        cr_expect_not_null(strchr("89ab", other[19]));
    }
}

Test(alert, tells_its_length_and_keeps_to_the_buffer_when_it_does_not_fit)
{
    sample_make(&sample, HEC_CARD_AUTH, 0);
    size_t length = hec_alert_write(text, sizeof(text), &sample.alert);
    for (size_t size = 0; size <= length; size += 97) {
        char *tight = malloc(size + 1);
        tight[size] = '#';
        cr_assert_eq(hec_alert_write(tight, size, &sample.alert), length);
        cr_assert_eq(tight[size], '#');
        free(tight);
    }
}

/* Every text at its longest, every character one that is escaped, five long reasons. */
/* Rules with names r0, r1 ...; texts as long as they may be. */
static struct hec_rules *rules_of(int count, char filler)
{
    struct hec_rules *rules;
    struct hec_rule_unknown unknown;
    struct hec_error error;
    struct hec_plan *plan = plan_of_file("conf/features.conf");
    char text_of[HEC_RULE_TEXT_MAX];
    memset(text_of, filler, sizeof(text_of) - 1);
    text_of[sizeof(text_of) - 1] = '\0';
    cr_assert_eq(hec_rules_new(&rules), HEC_OK);
    for (int i = 0; i < count; i++) {
        char name[HEC_RULE_NAME_MAX];
        snprintf(name, sizeof(name), "r%d", i);
        struct hec_rule_source source = { name, "amount_minor > 0", text_of, "",
                                          i % 2 == 0 ? HEC_ACTION_ALLOW : HEC_ACTION_HOLD };
        cr_assert_eq(hec_rules_add(rules, plan, &source, &unknown, &error), HEC_OK);
    }
    hec_plan_free(plan);
    return rules;
}

Test(alert, tells_which_rules_were_met_and_what_they_call_for)
{
    sample_make(&sample, HEC_CARD_AUTH, 0);
    sample.alert.rules = rules_of(4, 'x');
    yyjson_doc *doc = written();
    cr_expect_not(has(doc, "/rules"), "none was met");
    yyjson_doc_free(doc);
    sample.alert.rules_met = 0xa;
    doc = written();
    cr_expect_eq(yyjson_arr_size(yyjson_doc_ptr_get(doc, "/rules")), 2u);
    cr_expect_str_eq(at_text(doc, "/rules/0/name"), "r1");
    cr_expect_str_eq(at_text(doc, "/rules/0/outcome"), "hold");
    cr_expect_str_eq(at_text(doc, "/rules/1/name"), "r3");
    yyjson_doc_free(doc);
    sample.alert.rules_met = 1;
    doc = written();
    cr_expect_str_eq(at_text(doc, "/rules/0/outcome"), "evidence");
    yyjson_doc_free(doc);
}

Test(alert, tells_what_a_list_the_budget_and_the_control_group_had_to_say)
{
    sample_make(&sample, HEC_CARD_AUTH, 0);
    yyjson_doc *doc = written();
    cr_expect_not(has(doc, "/list") || has(doc, "/sampling") || has(doc, "/budget"));
    yyjson_doc_free(doc);
    struct hec_list_entry entry = { HEC_DEVICE, true, HEC_ACTION_BLOCK, 0, "d1", "a bot" };
    sample.alert.listed = &entry;
    sample.alert.control = true;
    sample.alert.propensity = 0.05;
    sample.alert.budget.day_ms = 1795392000000;
    sample.alert.budget.used = 17;
    sample.alert.budget.limit = 200;
    doc = written();
    cr_expect_str_eq(at_text(doc, "/list/list"), "deny");
    cr_expect_str_eq(at_text(doc, "/list/kind"), "device");
    cr_expect_str_eq(at_text(doc, "/list/token"), "d1");
    cr_expect_str_eq(at_text(doc, "/list/reason"), "a bot");
    cr_expect(yyjson_is_true(yyjson_doc_ptr_get(doc, "/sampling/control_group")));
    cr_expect_eq((float)at_number(doc, "/sampling/propensity"), 0.05f);
    cr_expect_eq(at_number(doc, "/budget/day_ms"), 1795392000000);
    cr_expect_eq(at_number(doc, "/budget/used"), 17);
    cr_expect_eq(at_number(doc, "/budget/limit"), 200);
    yyjson_doc_free(doc);
    struct hec_score_record record = sample_score(&sample);
    doc = parse(hec_score_write(text, sizeof(text), &record));
    cr_expect_not(has(doc, "/sampling"));
    yyjson_doc_free(doc);
    record.propensity = 0.25;
    doc = parse(hec_score_write(text, sizeof(text), &record));
    cr_expect(yyjson_is_false(yyjson_doc_ptr_get(doc, "/sampling/control_group")));
    cr_expect_eq((float)at_number(doc, "/sampling/propensity"), 0.25f);
    yyjson_doc_free(doc);
}

Test(alert, stays_below_its_bound_at_its_worst)
{
    static char long_token[129], long_reason[HEC_REASON_TEXT_MAX], long_name[HEC_NAME_MAX];
    static struct hec_head heads[HEC_HEADS_MAX];
    static float scores[HEC_HEADS_MAX];
    static struct hec_reason reasons[HEC_REASONS_MAX];
    memset(long_token, '"', 128);
    memset(long_reason, 1, HEC_REASON_TEXT_MAX - 1);
    memset(long_name, 'n', HEC_NAME_MAX - 1);
    sample_make(&sample, HEC_CARD_AUTH, 0);
    for (int field = 0; field < HEC_FIELDS; field++) {
        const struct hec_field_info *info = hec_field_info(field);
        if (info->kind < HEC_INTEGER) {
            sample.event.value[field].text = hec_text_of(long_token);
            sample.event.value[field].text.length = (uint32_t)info->maximum;
        } else {
            sample.event.value[field].integer = info->maximum;
        }
        sample.event.present |= 1ull << field;
    }
    for (int i = 0; i < HEC_HEADS_MAX; i++) {
        memset(heads[i].name, 'a' + i, HEC_HEAD_NAME_MAX - 1);
        scores[i] = 0.123456789f;
        sample.policy.heads[i].alert_at = 0.123456789f;
        sample.policy.heads[i].mode = HEC_DECIDE_ON;
    }
    for (int i = 0; i < HEC_REASONS_MAX; i++) {
        reasons[i] = sample.reasons[0];
        reasons[i].feature = long_name;
        reasons[i].observed_text = hec_text_of(long_token);
        memcpy(reasons[i].text, long_reason, sizeof(long_reason));
    }
    sample.alert.heads = heads;
    sample.alert.scores = scores;
    sample.alert.heads_count = HEC_HEADS_MAX;
    sample.alert.reasons = reasons;
    sample.alert.reasons_count = HEC_REASONS_MAX;
    sample.alert.rules = rules_of(HEC_RULES_MAX, 1);
    sample.alert.rules_met = UINT64_MAX;
    struct hec_list_entry entry = {
        HEC_ACCOUNT, true, HEC_ACTION_BLOCK, 0, long_token, long_reason
    };
    sample.alert.listed = &entry;
    size_t length = hec_alert_write(text, sizeof(text), &sample.alert);
    cr_expect_lt(length, HEC_ALERT_BYTES_MAX - 4096u, "%zu",
                 length); /* names of topic, model, tenant */
    yyjson_doc_free(parse(length));
}

Test(alert, score_records_tell_what_became_of_the_event)
{
    sample_make(&sample, HEC_LOGIN, 1);
    struct hec_score_record record = sample_score(&sample);
    yyjson_doc *doc = parse(hec_score_write(text, sizeof(text), &record));
    cr_expect_str_eq(at_text(doc, "/event_type"), "login");
    cr_expect_str_eq(at_text(doc, "/user_token"), "u_\"1\\");
    cr_expect_eq(at_number(doc, "/source/offset"), 918273);
    cr_expect_str_eq(at_text(doc, "/outcome"), "scored");
    cr_expect_not(has(doc, "/heads/card_fraud"));
    cr_expect_eq((float)at_number(doc, "/heads/ato/probability"), sample.scores[1]);
    cr_expect_eq(at_number(doc, "/heads/ato/score"), hec_score_999(sample.scores[1]));
    cr_expect_str_eq(at_text(doc, "/model"), "0f3a9c1b7d5e");
    cr_expect_not(has(doc, "/features"));
    yyjson_doc_free(doc);

    record.scores = NULL;
    record.model_sha256 = NULL;
    record.outcome = "duplicate";
    record.degraded = true;
    doc = parse(hec_score_write(text, sizeof(text), &record));
    cr_expect_eq(yyjson_obj_size(yyjson_doc_ptr_get(doc, "/heads")), 0u);
    cr_expect_not(has(doc, "/model"));
    cr_expect(yyjson_is_true(yyjson_doc_ptr_get(doc, "/degraded")));
    yyjson_doc_free(doc);
}

Test(alert, score_records_carry_the_row_to_the_bit_when_asked)
{
    sample_make(&sample, HEC_CARD_AUTH, 0);
    struct hec_score_record record = sample_score(&sample);
    const float numerics[] = { 12, 0.1f, NAN, -1e-40f };
    const uint32_t categories[] = { 0, 4294967295u };
    record.numerics = numerics;
    record.numerics_count = 4;
    record.categories = categories;
    record.categories_count = 2;
    yyjson_doc *doc = parse(hec_score_write(text, sizeof(text), &record));
    cr_expect_str_eq(at_text(doc, "/features/0"), "0x1.8p+3");
    cr_expect_eq(strtof(at_text(doc, "/features/1"), NULL), 0.1f);
    cr_expect_str_eq(at_text(doc, "/features/2"), "nan");
    cr_expect_eq(strtof(at_text(doc, "/features/3"), NULL), -1e-40f);
    cr_expect_eq(at_number(doc, "/categories/1"), 4294967295.0);
    yyjson_doc_free(doc);
}

/* Whatever the scores are, what is written reads back to them, and nothing else changes. */
Test(alert, scores_read_back_to_the_same_floats_whatever_they_are)
{
    struct hec_random random = hec_random_at(8, 0);
    for (int n = 0; n < 20000; n++) {
        sample_make(&sample, HEC_CARD_AUTH, 0);
        for (int head = 0; head < HEC_DEFAULT_HEADS; head++) {
            float uniform = (float)hec_random_uniform(&random);
            bool tiny = hec_random_below(&random, 4) == 0;
            sample.scores[head] = tiny ? uniform * 1e-7f : uniform;
            if (hec_random_below(&random, 8) == 0) {
                sample.scores[head] = NAN;
            }
        }
        struct hec_score_record record = sample_score(&sample);
        record.origin.offset = (int64_t)hec_random_below(&random, INT64_MAX);
        yyjson_doc *doc = parse(hec_score_write(text, sizeof(text), &record));
        for (int head = 0; head < HEC_DEFAULT_HEADS; head++) {
            char pointer[100];
            snprintf(pointer, sizeof(pointer), "/heads/%.47s/probability",
                     hec_default_heads[head].name);
            cr_assert_eq(has(doc, pointer), !isnan(sample.scores[head]));
            if (has(doc, pointer)) {
                cr_assert_eq((float)at_number(doc, pointer), sample.scores[head], "seed 8, %d", n);
            }
        }
        cr_assert_eq(yyjson_get_sint(yyjson_doc_ptr_get(doc, "/source/offset")),
                     record.origin.offset);
        yyjson_doc_free(doc);
    }
}
