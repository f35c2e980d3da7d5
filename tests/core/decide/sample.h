/*
 * Sample alerts and score records, made of decoded events: one for each scored type.
 */
#ifndef TESTS_DECIDE_SAMPLE_H
#define TESTS_DECIDE_SAMPLE_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hecate/decide.h"

#define SAMPLE_MS 1795429535081
#define SAMPLE_ENVELOPE                                                                            \
    "{\"event_id\":\"01KAQM5Z9T4V6Q2J8R0X3N7B5D\",\"schema_version\":1,\"event_time_ms\":"         \
    "1795429535081,\"user_token\":\"u_\\\"1\\\\\","
#define SAMPLE_SHA "0f3a9c1b7d5e2f48a6b1c0d9e8f7061524334251607f8e9dacbdcedf00112233"

static const char *const SAMPLE_EVENTS[HEC_SCORED_TYPES] = {
    SAMPLE_ENVELOPE
    "\"event_type\":\"card_auth\",\"card_token\":\"c_8f\",\"amount_minor\":129900,"
    "\"currency\":\"EUR\",\"channel\":\"ecom\",\"mcc\":\"5732\",\"merchant_country\":"
    "\"FR\",\"merchant_id\":\"m1\",\"terminal_id\":\"t1\",\"device_id\":\"d1\",\"ip\":"
    "\"240.0.87.157\",\"card_present\":false,\"tenant_id\":\"acme\",\"geo\":{\"lat\":1,"
    "\"lon\":2,\"country\":\"BE\"}}",
    SAMPLE_ENVELOPE
    "\"event_type\":\"transfer\",\"creditor_token\":\"p1\",\"account_token\":\"a1\","
    "\"amount_minor\":500,\"currency\":\"EUR\",\"scheme\":\"instant\"}",
    SAMPLE_ENVELOPE "\"event_type\":\"login\",\"result\":\"fail\",\"auth_method\":\"oauth\"}",
    SAMPLE_ENVELOPE "\"event_type\":\"account_change\",\"change_type\":\"email\"}",
};

/* Everything an alert borrows. */
struct sample {
    struct hec_event event;
    char buffer[1024];
    float scores[HEC_DEFAULT_HEADS];
    struct hec_policy policy;
    struct hec_reason reasons[2];
    float row[3];
    uint32_t hashes[2];
    struct hec_alert alert;
};

static inline void sample_decode(struct sample *sample, const char *json)
{
    struct hec_decode_limits limits = { .record_bytes_max = 1000, .future_skew_ms = 0 };
    struct hec_decoder *decoder = NULL;
    enum hec_field field;
    if (hec_decoder_new(&decoder, &limits) != HEC_OK ||
        hec_decode(decoder, &sample->event, json, strlen(json), -1, sample->buffer, &field) !=
            HEC_OK) {
        abort();
    }
    hec_decoder_free(decoder);
}

static inline void sample_make(struct sample *sample, enum hec_event_type type, int head)
{
    memset(sample, 0, sizeof(*sample));
    sample_decode(sample, SAMPLE_EVENTS[type]);
    for (int i = 0; i < HEC_DEFAULT_HEADS; i++) {
        bool judges = hec_default_heads[i].event_types >> type & 1;
        sample->scores[i] = judges ? 0.9312f - 0.1f * (float)i : NAN;
        sample->policy.heads[i] = (struct hec_head_policy){
            .mode = HEC_DECIDE_ON, .alert_at = 0.5f, HEC_NEVER, HEC_NEVER, HEC_NEVER
        };
    }
    memcpy(sample->policy.id, "default", 8);
    sample->policy.heads_count = HEC_DEFAULT_HEADS;
    sample->reasons[0] = (struct hec_reason){ .code = "VEL-014",
                                              .feature = "card_count_1h",
                                              .direction = HEC_DIRECTION_HIGH,
                                              .observed = 9,
                                              .typical = 1,
                                              .contribution = 0.41f,
                                              .text = "9 payments (usual: 1) \xe2\x80\xa6" };
    sample->reasons[1] = (struct hec_reason){ .code = "MER-001",
                                              .feature = "mcc",
                                              .direction = HEC_DIRECTION_OTHER,
                                              .observed = NAN,
                                              .typical = NAN,
                                              .observed_text = hec_text_of("5732"),
                                              .contribution = 0.27f,
                                              .text = "kind of shop" };
    bool money = hec_event_has(&sample->event, HEC_F_AMOUNT_MINOR);
    memcpy(sample->row, (float[]){ 1, -2, NAN }, sizeof(sample->row));
    memcpy(sample->hashes, (uint32_t[]){ 1, 0xdeadbeef }, sizeof(sample->hashes));
    sample->alert = (struct hec_alert){
        .event = &sample->event,
        .origin = { .topic = "payments.events.v1", .partition = 3, .offset = 918273 },
        .tenant = "bank",
        .created_at_ms = SAMPLE_MS + 42,
        .head = head,
        .heads = hec_default_heads,
        .scores = sample->scores,
        .heads_count = HEC_DEFAULT_HEADS,
        .policy = &sample->policy,
        .decision = hec_decide(&sample->policy, head, sample->scores[head],
                               money ? sample->event.value[HEC_F_AMOUNT_MINOR].integer : -1),
        .reason = "threshold",
        .reasons = sample->reasons,
        .reasons_count = 2,
        .model = { .name = "hecate-default", .version = "2026.11.1", .sha256 = SAMPLE_SHA },
        .schema_digest = SAMPLE_SHA,
        .missing = 4,
        .event_age_ms = 42,
        .first_seen_ms = { [HEC_CARD] = 1761000000000 },
        .timing_us = { .decode = 4, .total = 97 },
        .numerics = sample->row,
        .categories = sample->hashes,
        .numerics_count = 3,
        .categories_count = 2,
    };
}

static inline struct hec_score_record sample_score(const struct sample *sample)
{
    return (struct hec_score_record){
        .event = &sample->event,
        .origin = sample->alert.origin,
        .outcome = "scored",
        .heads = hec_default_heads,
        .scores = sample->scores,
        .heads_count = HEC_DEFAULT_HEADS,
        .model_sha256 = SAMPLE_SHA,
    };
}

#endif
