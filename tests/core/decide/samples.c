/*
 * Prints what the writers write, a line each, for validate.py: {"schema": NAME, "value": ...}.
 */
#include <stdio.h>

#include "decide/json.h"
#include "hecate/lists.h"
#include "sample.h"

static char text[HEC_ALERT_BYTES_MAX];
static struct sample sample;

static void print(const char *schema, size_t length)
{
    if (length > sizeof(text)) {
        abort();
    }
    printf("{\"schema\":\"%s\",\"value\":%.*s}\n", schema, (int)length, text);
}

static void print_scores(void)
{
    static const float NUMERICS[] = { 12, 0.1f, NAN, -1e-40f, 0, -INFINITY };
    static const uint32_t CATEGORIES[] = { 0, 4294967295u };
    struct hec_score_record record = sample_score(&sample);
    print("score", hec_score_write(text, sizeof(text), &record));
    record.numerics = NUMERICS;
    record.numerics_count = 6;
    record.categories = CATEGORIES;
    record.categories_count = 2;
    print("score", hec_score_write(text, sizeof(text), &record));
    record = sample_score(&sample);
    record.scores = NULL;
    record.model_sha256 = NULL;
    record.outcome = "duplicate";
    record.degraded = true;
    print("score", hec_score_write(text, sizeof(text), &record));
}

static void print_alerts(void)
{
    for (int type = 0; type < HEC_SCORED_TYPES; type++) {
        printf("{\"schema\":\"event\",\"value\":%s}\n", SAMPLE_EVENTS[type]);
        for (int head = 0; head < HEC_DEFAULT_HEADS; head++) {
            sample_make(&sample, type, head);
            if (isnan(sample.scores[head])) {
                continue;
            }
            print("alert", hec_alert_write(text, sizeof(text), &sample.alert));
            const struct hec_list_entry entry = { HEC_CARD, true,   HEC_ACTION_BLOCK,
                                                  0,        "c_8f", "stolen" };
            sample.alert.listed = &entry;
            sample.alert.propensity = 0.05;
            sample.alert.budget.limit = 200;
            sample.alert.tenant = NULL;
            sample.alert.reasons_count = 0;
            sample.alert.event_age_ms = -1;
            sample.alert.timing_us.total = 0;
            sample.policy.heads[0].alert_at = HEC_NEVER;
            print("alert", hec_alert_write(text, sizeof(text), &sample.alert));
        }
        print_scores();
    }
}

static void print_dead_letters(void)
{
    static struct hec_dead_letter_record record;
    for (int status = HEC_NULL_VALUE; status <= HEC_POISON; status++) {
        struct hec_dead_letter letter = {
            .origin = { "events", 3, 17 },
            .record_ms = status % 2 == 0 ? -1 : SAMPLE_MS,
            .stage = "decode",
            .status = status,
            .blame = status % 3 == 0 ? HEC_FIELDS : HEC_F_MCC,
            .instance = "host-0",
            .version = "0.1.0",
            .value = "{}",
            .value_length = 2,
        };
        hec_dead_letter_make(&record, &letter);
        struct hec_json json = { .buffer = text, .size = sizeof(text) };
        hec_json_open(&json, '{');
        for (int i = 0; i < record.headers.count; i++) {
            hec_json_key_text(&json, record.headers.list[i].name);
            hec_json_string(&json, record.headers.list[i].value, record.headers.list[i].length);
        }
        hec_json_close(&json, '}');
        print("dead-letter", json.length);
    }
}

int main(void)
{
    static const char *const LABEL =
        SAMPLE_ENVELOPE "\"event_type\":\"label\",\"target_event_id\":\"e1\",\"label\":\"fraud\","
                        "\"target_event_time_ms\":1795429535000,\"fraud_type\":\"05\"}";
    print_alerts();
    print_dead_letters();
    printf("{\"schema\":\"label\",\"value\":%s}\n", LABEL);
    printf("{\"schema\":\"event\",\"value\":%s}\n", LABEL);
    return 0;
}
