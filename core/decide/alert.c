/*
 * The alert and the score record as JSON.
 *
 * Members stand in the order in which a person reads them. What is not known is left out, never
 * written as null or zero.
 */
#include <assert.h>
#include <math.h>
#include <string.h>

#define XXH_STATIC_LINKING_ONLY /* for a hash state on the stack */
#include <xxhash.h>

#include "decide/json.h"
#include "hecate/decide.h"
#include "hecate/lists.h"
#include "hecate/rules.h"

#define SCHEMA_VERSION 1
#define RULES_TOLD_MAX 16

static const struct {
    const char *name;
    enum hec_field field;
} KINDS[HEC_KINDS] = {
#define ROW(enumerator, name, field, owned) [HEC_##enumerator] = { name, HEC_F_##field },
    HEC_KIND_TABLE(ROW)
#undef ROW
};

/* What the summary of an event tells beside its envelope: readable without a join. */
static const struct {
    const char *name;
    enum hec_field field;
} SUMMARY[] = {
    { "amount_minor", HEC_F_AMOUNT_MINOR },
    { "currency", HEC_F_CURRENCY },
    { "channel", HEC_F_CHANNEL },
    { "country", HEC_F_GEO_COUNTRY },
    { "mcc", HEC_F_MCC },
    { "merchant_country", HEC_F_MERCHANT_COUNTRY },
    { "entry_mode", HEC_F_ENTRY_MODE },
    { "card_present", HEC_F_CARD_PRESENT },
    { "scheme", HEC_F_SCHEME },
    { "creditor_country", HEC_F_CREDITOR_COUNTRY },
    { "result", HEC_F_RESULT },
    { "auth_method", HEC_F_AUTH_METHOD },
    { "change_type", HEC_F_CHANGE_TYPE },
};

static void put_little_endian(unsigned char *bytes, uint64_t value, int count)
{
    for (int i = 0; i < count; i++) {
        bytes[i] = (unsigned char)(value >> (8 * i));
    }
}

void hec_alert_id(char id[HEC_ALERT_ID_BYTES], const struct hec_origin *origin, const char *head)
{
    static const char DIGITS[] = "0123456789abcdef";
    unsigned char place[12];
    put_little_endian(place, (uint32_t)origin->partition, 4);
    put_little_endian(place + 4, (uint64_t)origin->offset, 8);
    /* The topic's end is hashed with it, so that topic and place cannot run together. */
    XXH3_state_t state;
    XXH3_128bits_reset(&state);
    XXH3_128bits_update(&state, origin->topic, strlen(origin->topic) + 1);
    XXH3_128bits_update(&state, place, sizeof(place));
    XXH3_128bits_update(&state, head, strlen(head));
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(&state));
    unsigned char *bytes = canonical.digest;
    bytes[6] =
        (unsigned char)((bytes[6] & 0x0f) | 0x80); /* version 8: made by a rule of one's own */
    bytes[8] = (unsigned char)((bytes[8] & 0x3f) | 0x80); /* variant of RFC 9562 */
    int at = 0;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            id[at++] = '-';
        }
        id[at++] = DIGITS[bytes[i] >> 4];
        id[at++] = DIGITS[bytes[i] & 15];
    }
    assert(at == HEC_ALERT_ID_BYTES);
}

enum hec_kind hec_alert_primary(const struct hec_event *event, const char *head)
{
    bool card = strcmp(head, "card_fraud") == 0 && event->type == HEC_CARD_AUTH &&
                hec_event_has(event, HEC_F_CARD_TOKEN);
    return card ? HEC_CARD : HEC_USER;
}

size_t hec_alert_key(char key[HEC_ALERT_KEY_MAX], const struct hec_alert *alert)
{
    enum hec_kind kind = hec_alert_primary(alert->event, alert->heads[alert->head].name);
    const struct hec_text *token = &alert->event->value[KINDS[kind].field].text;
    size_t name = strlen(KINDS[kind].name);
    assert(name + 1 + token->length < HEC_ALERT_KEY_MAX);
    memcpy(key, KINDS[kind].name, name);
    key[name] = ':';
    memcpy(key + name + 1, token->bytes, token->length);
    return name + 1 + token->length;
}

static void put_text(struct hec_json *json, const struct hec_text *text)
{
    hec_json_string(json, text->bytes, text->length);
}

static void put_envelope(struct hec_json *json, const struct hec_event *event)
{
    hec_json_key(json, "event_id");
    put_text(json, &event->value[HEC_F_EVENT_ID].text);
    hec_json_key(json, "event_type");
    hec_json_text(json, hec_event_type_name(event->type));
    hec_json_key_integer(json, "event_time_ms", hec_event_ms(event));
}

static void put_source(struct hec_json *json, const struct hec_origin *origin)
{
    hec_json_key(json, "source");
    hec_json_open(json, '{');
    hec_json_key(json, "topic");
    hec_json_text(json, origin->topic);
    hec_json_key_integer(json, "partition", origin->partition);
    hec_json_key_integer(json, "offset", origin->offset);
    hec_json_close(json, '}');
}

static void put_value(struct hec_json *json, const struct hec_event *event, enum hec_field field)
{
    switch (hec_field_info(field)->kind) {
    case HEC_INTEGER: hec_json_integer(json, event->value[field].integer); break;
    case HEC_BOOLEAN: hec_json_bool(json, event->value[field].integer != 0); break;
    case HEC_NUMBER: hec_json_float(json, (float)event->value[field].number); break;
    default: put_text(json, &event->value[field].text); break;
    }
}

static void put_event(struct hec_json *json, const struct hec_alert *alert)
{
    hec_json_key(json, "event");
    hec_json_open(json, '{');
    put_envelope(json, alert->event);
    put_source(json, &alert->origin);
    for (size_t i = 0; i < sizeof(SUMMARY) / sizeof(SUMMARY[0]); i++) {
        if (hec_event_has(alert->event, SUMMARY[i].field)) {
            hec_json_key_text(json, SUMMARY[i].name);
            put_value(json, alert->event, SUMMARY[i].field);
        }
    }
    hec_json_close(json, '}');
}

static void put_entity(struct hec_json *json, const struct hec_alert *alert, enum hec_kind kind,
                       bool primary)
{
    hec_json_item(json);
    hec_json_open(json, '{');
    hec_json_key(json, "kind");
    hec_json_text(json, KINDS[kind].name);
    hec_json_key(json, "token");
    put_text(json, &alert->event->value[KINDS[kind].field].text);
    if (primary) {
        hec_json_key(json, "primary");
        hec_json_bool(json, true);
    }
    if (alert->first_seen_ms[kind] != 0) {
        hec_json_key_integer(json, "first_seen_ms", alert->first_seen_ms[kind]);
    }
    hec_json_close(json, '}');
}

static void put_entities(struct hec_json *json, const struct hec_alert *alert)
{
    enum hec_kind primary = hec_alert_primary(alert->event, alert->heads[alert->head].name);
    hec_json_key(json, "entities");
    hec_json_open(json, '[');
    put_entity(json, alert, primary, true);
    for (int kind = 0; kind < HEC_KINDS; kind++) {
        if (kind != (int)primary && hec_event_has(alert->event, KINDS[kind].field)) {
            put_entity(json, alert, kind, false);
        }
    }
    hec_json_close(json, ']');
}

/* On the scale of scores. One that was given as a score is printed as it was given, although the
 * float nearest to it may be a step beside. */
static void put_threshold(struct hec_json *json, float threshold)
{
    float whole = rintf(threshold);
    hec_json_float(json, fabsf(threshold - whole) < 0.0005f ? whole : threshold);
}

static void put_scores(struct hec_json *json, const struct hec_alert *alert)
{
    hec_json_key(json, "scores");
    hec_json_open(json, '{');
    for (int head = 0; head < alert->heads_count; head++) {
        if (isnan(alert->scores[head])) {
            continue;
        }
        hec_json_key_text(json, alert->heads[head].name);
        hec_json_open(json, '{');
        hec_json_key(json, "probability");
        hec_json_float(json, alert->scores[head]);
        hec_json_key_integer(json, "score", hec_score_999(alert->scores[head]));
        float threshold = alert->policy->heads[head].alert_at;
        if (threshold <= 1 && alert->policy->heads[head].mode != HEC_DECIDE_OFF) {
            hec_json_key(json, "threshold");
            put_threshold(json, threshold * 1000.0f);
        }
        hec_json_close(json, '}');
    }
    hec_json_close(json, '}');
}

static void put_decision(struct hec_json *json, const struct hec_alert *alert)
{
    hec_json_key(json, "decision");
    hec_json_open(json, '{');
    hec_json_key(json, "outcome");
    hec_json_text(json, hec_action_name(alert->decision.action));
    hec_json_key(json, "policy_id");
    hec_json_text(json, alert->policy->id);
    hec_json_key(json, "reason");
    hec_json_text(json, alert->reason);
    hec_json_close(json, '}');
    hec_json_key(json, "severity");
    hec_json_text(json, hec_severity_name(alert->decision.severity));
    if (alert->decision.has_loss) {
        hec_json_key_integer(json, "expected_loss_minor", alert->decision.loss_minor);
    }
}

static void put_reason(struct hec_json *json, const struct hec_reason *reason)
{
    hec_json_item(json);
    hec_json_open(json, '{');
    hec_json_key(json, "code");
    hec_json_text(json, reason->code);
    hec_json_key(json, "direction");
    hec_json_text(json, hec_direction_name(reason->direction));
    hec_json_key(json, "text");
    hec_json_text(json, reason->text);
    hec_json_key(json, "feature");
    hec_json_text(json, reason->feature);
    if (reason->observed_text.length > 0) {
        hec_json_key(json, "observed");
        put_text(json, &reason->observed_text);
    } else if (isfinite(reason->observed)) {
        hec_json_key(json, "observed");
        hec_json_float(json, reason->observed);
    }
    if (isfinite(reason->typical)) {
        hec_json_key(json, "typical");
        hec_json_float(json, reason->typical);
    }
    hec_json_key(json, "contribution");
    hec_json_float(json, reason->contribution);
    hec_json_close(json, '}');
}

/* The rules that were met, as evidence; what a list said; what the budget was. */
static void put_rules(struct hec_json *json, const struct hec_alert *alert)
{
    if (alert->rules == NULL || alert->rules_met == 0) {
        return;
    }
    hec_json_key(json, "rules");
    hec_json_open(json, '[');
    int told = 0;
    for (int i = 0; i < hec_rules_count(alert->rules) && told < RULES_TOLD_MAX; i++) {
        if ((alert->rules_met >> i & 1) == 0) {
            continue;
        }
        told++;
        const struct hec_rule *rule = hec_rules_at(alert->rules, i);
        hec_json_item(json);
        hec_json_open(json, '{');
        hec_json_key(json, "name");
        hec_json_text(json, rule->name);
        hec_json_key(json, "outcome");
        hec_json_text(json, hec_rule_action_name(rule->action));
        hec_json_key(json, "text");
        hec_json_text(json, rule->text);
        hec_json_close(json, '}');
    }
    hec_json_close(json, ']');
}

static void put_listed(struct hec_json *json, const struct hec_alert *alert)
{
    if (alert->listed == NULL) {
        return;
    }
    hec_json_key(json, "list");
    hec_json_open(json, '{');
    hec_json_key(json, "list");
    hec_json_text(json, alert->listed->deny ? "deny" : "allow");
    hec_json_key(json, "kind");
    hec_json_text(json, KINDS[alert->listed->kind].name);
    hec_json_key(json, "token");
    hec_json_text(json, alert->listed->token);
    hec_json_key(json, "reason");
    hec_json_text(json, alert->listed->reason);
    hec_json_close(json, '}');
}

static void put_sampling(struct hec_json *json, bool control, double propensity)
{
    if (propensity <= 0) {
        return;
    }
    hec_json_key(json, "sampling");
    hec_json_open(json, '{');
    hec_json_key(json, "control_group");
    hec_json_bool(json, control);
    hec_json_key(json, "propensity");
    hec_json_float(json, (float)propensity);
    hec_json_close(json, '}');
}

static void put_budget(struct hec_json *json, const struct hec_alert *alert)
{
    if (alert->budget.limit == 0) {
        return;
    }
    hec_json_key(json, "budget");
    hec_json_open(json, '{');
    hec_json_key_integer(json, "day_ms", alert->budget.day_ms);
    hec_json_key_integer(json, "used", alert->budget.used);
    hec_json_key_integer(json, "limit", alert->budget.limit);
    hec_json_close(json, '}');
}

static void put_model(struct hec_json *json, const struct hec_alert *alert)
{
    hec_json_key(json, "model");
    hec_json_open(json, '{');
    hec_json_key(json, "name");
    hec_json_text(json, alert->model.name);
    hec_json_key(json, "version");
    hec_json_text(json, alert->model.version);
    hec_json_key(json, "sha256");
    hec_json_text(json, alert->model.sha256);
    hec_json_close(json, '}');
    hec_json_key(json, "schema_digest");
    hec_json_text(json, alert->schema_digest);
}

static void put_quality(struct hec_json *json, const struct hec_alert *alert)
{
    hec_json_key(json, "quality");
    hec_json_open(json, '{');
    hec_json_key(json, "degraded");
    hec_json_bool(json, alert->degraded);
    hec_json_key_integer(json, "missing_features", alert->missing);
    if (alert->event_age_ms >= 0) {
        hec_json_key_integer(json, "event_age_ms", alert->event_age_ms);
    }
    hec_json_close(json, '}');
    if (alert->timing_us.total == 0) {
        return;
    }
    hec_json_key(json, "timing_us");
    hec_json_open(json, '{');
    hec_json_key_integer(json, "decode", alert->timing_us.decode);
    hec_json_key_integer(json, "total", alert->timing_us.total);
    hec_json_close(json, '}');
}

static void put_feature_row(struct hec_json *json, const struct hec_alert *alert)
{
    static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the row is copied as it lies");
    hec_json_key(json, "row");
    hec_json_open(json, '{');
    hec_json_key(json, "numerics");
    hec_json_base64(json, alert->numerics, (size_t)alert->numerics_count * sizeof(float));
    hec_json_key(json, "categories");
    hec_json_base64(json, alert->categories, (size_t)alert->categories_count * sizeof(uint32_t));
    hec_json_close(json, '}');
}

static void put_grouping(struct hec_json *json, const struct hec_alert *alert)
{
    const char *head = alert->heads[alert->head].name;
    char key[HEC_ALERT_KEY_MAX + HEC_HEAD_NAME_MAX + 1];
    size_t length = hec_alert_key(key, alert);
    key[length++] = ':';
    memcpy(key + length, head, strlen(head));
    length += strlen(head);
    hec_json_key(json, "grouping");
    hec_json_open(json, '{');
    hec_json_key(json, "dedup_key");
    hec_json_string(json, key, length);
    hec_json_close(json, '}');
}

static void put_tenant(struct hec_json *json, const struct hec_alert *alert)
{
    hec_json_key(json, "tenant_id");
    if (hec_event_has(alert->event, HEC_F_TENANT_ID)) {
        put_text(json, &alert->event->value[HEC_F_TENANT_ID].text);
    } else {
        hec_json_text(json, alert->tenant == NULL ? "default" : alert->tenant);
    }
}

size_t hec_alert_write(char *buffer, size_t size, const struct hec_alert *alert)
{
    assert(alert->head >= 0 && alert->head < alert->heads_count);
    struct hec_json json = { .buffer = buffer, .size = size };
    char id[HEC_ALERT_ID_BYTES];
    hec_alert_id(id, &alert->origin, alert->heads[alert->head].name);

    hec_json_open(&json, '{');
    hec_json_key(&json, "alert_id");
    hec_json_string(&json, id, sizeof(id));
    hec_json_key_integer(&json, "schema_version", SCHEMA_VERSION);
    put_tenant(&json, alert);
    hec_json_key_integer(&json, "created_at_ms", alert->created_at_ms);
    put_event(&json, alert);
    put_entities(&json, alert);
    hec_json_key(&json, "head");
    hec_json_text(&json, alert->heads[alert->head].name);
    put_scores(&json, alert);
    put_decision(&json, alert);
    hec_json_key(&json, "reasons");
    hec_json_open(&json, '[');
    for (int i = 0; i < alert->reasons_count; i++) {
        put_reason(&json, &alert->reasons[i]);
    }
    hec_json_close(&json, ']');
    put_rules(&json, alert);
    put_listed(&json, alert);
    put_sampling(&json, alert->control, alert->propensity);
    put_budget(&json, alert);
    put_model(&json, alert);
    put_quality(&json, alert);
    put_grouping(&json, alert);
    if (alert->numerics != NULL) {
        put_feature_row(&json, alert);
    }
    hec_json_close(&json, '}');
    return json.length;
}

static void put_heads(struct hec_json *json, const struct hec_score_record *record)
{
    hec_json_key(json, "heads");
    hec_json_open(json, '{');
    for (int head = 0; head < record->heads_count && record->scores != NULL; head++) {
        if (isnan(record->scores[head])) {
            continue;
        }
        hec_json_key_text(json, record->heads[head].name);
        hec_json_literal(json, "{\"probability\":");
        hec_json_float(json, record->scores[head]);
        hec_json_literal(json, ",\"score\":");
        hec_json_integer(json, hec_score_999(record->scores[head]));
        hec_json_close(json, '}');
    }
    hec_json_close(json, '}');
}

static void put_row(struct hec_json *json, const struct hec_score_record *record)
{
    hec_json_key(json, "features");
    hec_json_open(json, '[');
    for (int i = 0; i < record->numerics_count; i++) {
        hec_json_item(json);
        hec_json_hex_float(json, record->numerics[i]);
    }
    hec_json_close(json, ']');
    hec_json_key(json, "categories");
    hec_json_open(json, '[');
    for (int i = 0; i < record->categories_count; i++) {
        hec_json_item(json);
        hec_json_integer(json, record->categories[i]);
    }
    hec_json_close(json, ']');
}

size_t hec_score_write(char *buffer, size_t size, const struct hec_score_record *record)
{
    struct hec_json json = { .buffer = buffer, .size = size };
    hec_json_open(&json, '{');
    put_envelope(&json, record->event);
    if (hec_event_has(record->event, HEC_F_USER_TOKEN)) {
        hec_json_key(&json, "user_token");
        put_text(&json, &record->event->value[HEC_F_USER_TOKEN].text);
    }
    put_source(&json, &record->origin);
    hec_json_key(&json, "outcome");
    hec_json_text(&json, record->outcome);
    put_heads(&json, record);
    put_sampling(&json, record->control, record->propensity);
    if (record->model_sha256 != NULL) {
        hec_json_key(&json, "model");
        hec_json_string(&json, record->model_sha256, strnlen(record->model_sha256, 12));
    }
    hec_json_key(&json, "degraded");
    hec_json_bool(&json, record->degraded);
    if (record->numerics != NULL) {
        put_row(&json, record);
    }
    hec_json_close(&json, '}');
    return json.length;
}
