/*
 * Decisions: from a score to an outcome, and what is said about it.
 *
 *   score --hec_decide--> decision --hec_reasons--> reasons --hec_alert_write--> JSON
 *                                                           --hec_alert_headers--> headers
 *
 * Everything here writes into memory of the caller's and allocates nothing. Writers return the
 * length that the whole text has, like snprintf, and never write past the buffer; a text that did
 * not fit is cut and of no use. Texts are not terminated. Any thread.
 *
 * The JSON of alerts, scores and dead letters is described by conf/schema (JSON Schema 2020-12).
 */
#ifndef HECATE_DECIDE_H
#define HECATE_DECIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hecate/entity.h"
#include "hecate/event.h"
#include "hecate/feature.h"
#include "hecate/model.h"
#include "hecate/status.h"

/* ---- Policy ---------------------------------------------------------------------------------- */

/* X(enumerator, name in JSON), from mild to severe */
#define HEC_ACTION_TABLE(X)                                                                        \
    X(ALLOW, "allow")                                                                              \
    X(STEP_UP, "step_up")                                                                          \
    X(REVIEW, "review")                                                                            \
    X(HOLD, "hold")                                                                                \
    X(BLOCK, "block")

enum hec_action {
#define HEC_ACTION_ENUM(enumerator, name) HEC_ACTION_##enumerator,
    HEC_ACTION_TABLE(HEC_ACTION_ENUM)
#undef HEC_ACTION_ENUM
        HEC_ACTIONS
};

/* X(enumerator, name in JSON) */
#define HEC_SEVERITY_TABLE(X)                                                                      \
    X(LOW, "low")                                                                                  \
    X(MEDIUM, "medium")                                                                            \
    X(HIGH, "high")                                                                                \
    X(CRITICAL, "critical")

enum hec_severity {
#define HEC_SEVERITY_ENUM(enumerator, name) HEC_SEVERITY_##enumerator,
    HEC_SEVERITY_TABLE(HEC_SEVERITY_ENUM)
#undef HEC_SEVERITY_ENUM
        HEC_SEVERITIES
};

const char *hec_action_name(enum hec_action action);
const char *hec_severity_name(enum hec_severity severity);

enum hec_decide_mode {
    HEC_DECIDE_OFF,    /* scored, never judged */
    HEC_DECIDE_SHADOW, /* judged and counted, never an alert, never an action */
    HEC_DECIDE_ON,
};

/* A threshold that no score reaches. */
#define HEC_NEVER 2.0f

/** The threshold of a score 1 .. 999: the smallest float whose hec_score_999 is at least that. */
float hec_threshold_of(int score);

#define HEC_BREAKER_WINDOW_MS_MIN 1000

/* Thresholds are on the head's score as the model gives it (0 .. 1). */
struct hec_head_policy {
    enum hec_decide_mode mode;
    float alert_at;   /* at or above: an alert, action review */
    float step_up_at; /* may be below alert_at: then a step-up without an alert */
    float hold_at;
    float block_at;
    int64_t budget_per_day; /* alerts a day; 0: as many as there are */
    int64_t exposure_minor; /* what is at stake where an event has no amount */
};

/* Plain data; copy it freely. Heads in the order of the model. */
struct hec_policy {
    char id[HEC_NAME_MAX]; /* stands in alerts: "default" */
    struct hec_head_policy heads[HEC_HEADS_MAX];
    int heads_count;
    int64_t critical_loss_minor; /* expected loss that makes an alert critical; 0 = none does */
    int reasons_max;             /* 0 .. HEC_REASONS_MAX */
    float reason_share_min;      /* a reason carries at least this share of all positive ones */
    double breaker_share;        /* blocks among the events of a window; 0: no breaker */
    int64_t breaker_window_ms;
    double control_share; /* of would-be blocks that are let through; 0: none */
    uint64_t control_key; /* which ones */
};

/** Every head on, at the model's own thresholds, nothing held or blocked, five reasons. */
void hec_policy_default(struct hec_policy *policy, const struct hec_model_info *model);

/**
 * Whether a policy makes sense: ranges; hold and block not below alert; hold not above block.
 *
 * @return HEC_OK, HEC_INVALID (error names the head by its number and the rule)
 */
HEC_CHECKED enum hec_status hec_policy_check(const struct hec_policy *policy,
                                             struct hec_error *error);

/* What follows from one score. */
struct hec_decision {
    bool alert;             /* write one */
    bool shadow;            /* would have been one, but the head only watches */
    enum hec_action action; /* allow unless the head is on */
    enum hec_severity severity;
    bool has_loss;
    int64_t loss_minor; /* score x amount, rounded half to even */
};

/** The action of a head that is on: that of the highest threshold which the score reaches, of equal
 * ones the more severe. */
enum hec_action hec_action_at(const struct hec_head_policy *head, float score);

/**
 * Judges one score.
 *
 * The action is hec_action_at's. Severity: critical when blocked or when the expected loss is at
 * least critical_loss_minor; high in the upper half between alert_at and 1; medium for every other
 * alert; low without one.
 *
 * @param score         NaN (not applicable) gives allow
 * @param amount_minor  -1 when the event has none; then there is no expected loss
 */
struct hec_decision hec_decide(const struct hec_policy *policy, int head, float score,
                               int64_t amount_minor);

/* ---- Reasons --------------------------------------------------------------------------------- */

#define HEC_REASONS_MAX 5
#define HEC_REASON_TEXT_MAX 240

enum hec_direction { HEC_DIRECTION_HIGH, HEC_DIRECTION_LOW, HEC_DIRECTION_OTHER };
/** "high", "low", "other". Static. */
const char *hec_direction_name(enum hec_direction direction);

/* Strings are borrowed from the schema, observed_text from the event. */
struct hec_reason {
    const char *code, *feature;
    enum hec_direction direction;   /* observed against usual; other for categories and missing */
    float observed, typical;        /* NaN when there is none */
    struct hec_text observed_text;  /* a category's value; length 0 for numbers */
    float contribution;             /* of all columns of this code together */
    char text[HEC_REASON_TEXT_MAX]; /* terminated, UTF-8 */
};

/* Where each column of a row comes from, fixed for a plan: fill it once. */
struct hec_reason_columns {
    const struct hec_schema *schema;
    int numerics, categories;
    int features[HEC_FEATURES_MAX]; /* column -> feature; numeric columns first */
    float usual[HEC_FEATURES_MAX];  /* of numeric columns: hec_model_usual; NaN = not known */
};

/**
 * Picks the reasons of one score: columns with one code count together, the largest sums first.
 *
 * Only features with a code that may speak for this head take part; a code whose sum is not
 * positive is left out, and all but the largest when below reason_share_min of all. The column that
 * contributes most within its code is the one that is shown.
 *
 * In a feature's text {observed} and {usual} are filled in; {observed:time} tells seconds as
 * "2 min 37 s", {observed:share} a share as "12 %", and {usual:...} likewise.
 *
 * @param reasons        receives up to policy->reasons_max
 * @param event          for the values of categories
 * @param contributions  (numerics + categories), numeric columns first, as hec_scorer_explain gives
 * @param row            (numerics), NaN = missing
 *
 * @return how many
 */
int hec_reasons(struct hec_reason reasons[HEC_REASONS_MAX], const struct hec_policy *policy,
                const struct hec_reason_columns *columns, int head, const struct hec_event *event,
                const float *contributions, const float *row);

struct hec_rules;      /* hecate/rules.h */
struct hec_list_entry; /* hecate/lists.h */

/* ---- Alerts and scores ----------------------------------------------------------------------- */

/* Where a record stood in the input. topic is borrowed and terminated. */
struct hec_origin {
    const char *topic;
    int32_t partition;
    int64_t offset;
};

#define HEC_ALERT_ID_BYTES 36 /* a UUID as text, not terminated */

/**
 * The alert's name: a UUID (RFC 9562, version 8) of topic, partition, offset and head, so that an
 * alert written twice is one alert.
 */
void hec_alert_id(char id[HEC_ALERT_ID_BYTES], const struct hec_origin *origin, const char *head);

/* What names a model. Borrowed, terminated. */
struct hec_model_name {
    const char *name, *version;
    const char *sha256; /* of the file, 64 hex digits */
};

/* Everything an alert says. Plain data and borrowed views; all-zero members are left out where the
 * schema lets them. */
struct hec_alert {
    const struct hec_event *event;
    struct hec_origin origin;
    const char *tenant; /* used when the event names none; may be NULL */
    int64_t created_at_ms;
    int head; /* whose alert it is */
    const struct hec_head *heads;
    const float *scores; /* (heads_count); NaN where a head does not apply */
    int heads_count;
    const struct hec_policy *policy;
    struct hec_decision decision;
    const char *reason; /* why the decision: "threshold", "rule", "list", "breaker", "control" */
    const struct hec_rules *rules; /* NULL: none are in use */
    uint64_t rules_met;            /* bit i: hec_rules_at(rules, i) */
    const struct hec_list_entry *listed;
    bool control;      /* a would-be block that was let through */
    double propensity; /* of letting a would-be block through; 0 = it was none */
    struct {
        int64_t day_ms, used, limit; /* limit 0: there is none */
    } budget;
    const struct hec_reason *reasons;
    int reasons_count;
    struct hec_model_name model;
    const char *schema_digest; /* hec_plan_digest */
    bool degraded;
    int missing;                      /* numeric columns without a value */
    int64_t event_age_ms;             /* record time to now; negative = not told */
    int64_t first_seen_ms[HEC_KINDS]; /* 0 = not told */
    struct {
        int64_t decode, total;
    } timing_us; /* of the batch, from the records in hand to the alert; total 0 = not told */
    /* The feature row that was scored, so that the alert can be explained again; NULL = not told.
     * In JSON: base64 of 32-bit little-endian floats and hashes. */
    const float *numerics;
    const uint32_t *categories;
    int numerics_count, categories_count;
};

/** The kind of the alert's primary entity: the card for card_fraud on a card event, the account's
 * owner otherwise. */
enum hec_kind hec_alert_primary(const struct hec_event *event, const char *head);

#define HEC_ALERT_KEY_MAX (HEC_TOKEN_BYTES_MAX + 16)

/** The alert's record key, "card:c_8f14": kind and token of the primary entity. Returns its length,
 * below HEC_ALERT_KEY_MAX. */
size_t hec_alert_key(char key[HEC_ALERT_KEY_MAX], const struct hec_alert *alert);

/** What an alert takes at most: no text of an event is longer than its field allows. */
#define HEC_ALERT_BYTES_MAX 65536

/** Writes the alert's JSON. Allocates nothing. */
size_t hec_alert_write(char *buffer, size_t size, const struct hec_alert *alert);

/* What became of one event, for the score topic. */
struct hec_score_record {
    const struct hec_event *event;
    struct hec_origin origin;
    const char *outcome; /* hec_outcome_name: "scored", "duplicate", ... */
    bool control;        /* let through although it would have been blocked */
    double propensity;   /* as in an alert; 0 = it was no would-be block */
    const struct hec_head *heads;
    const float *scores; /* (heads_count); NaN is left out; NULL = not scored at all */
    int heads_count;
    const char *model_sha256; /* the first 12 digits are told; NULL without a model */
    bool degraded;
    /* The feature row as hex floats, so that it can be compared bit for bit; NULL = not asked for.
     */
    const float *numerics;
    const uint32_t *categories;
    int numerics_count, categories_count;
};

/** Fixed part, plus what a feature row takes: HEC_SCORE_BYTES_MAX(F + C). */
#define HEC_SCORE_BYTES_MAX(columns) (4096 + 24 * (size_t)(columns))

/** Writes one score record's JSON. Probabilities read back to the same float. */
size_t hec_score_write(char *buffer, size_t size, const struct hec_score_record *record);

/* ---- Headers and dead letters ---------------------------------------------------------------- */

#define HEC_HEADERS_MAX 16

struct hec_record_header {
    const char *name;  /* terminated */
    const char *value; /* terminated too */
    size_t length;     /* of the value, without its end */
};

/* Headers and the bytes that their values lie in: do not copy it. */
struct hec_headers {
    struct hec_record_header list[HEC_HEADERS_MAX];
    int count;
    size_t used;
    char storage[2048]; /* a value that does not fit is cut at a whole character */
};

/** CloudEvents 1.0 attributes of an alert (Kafka protocol binding, binary mode) and its content
 * type. instance is borrowed only during the call. */
void hec_alert_headers(struct hec_headers *headers, const struct hec_alert *alert,
                       const char *instance);

/* A record that is set aside. */
struct hec_dead_letter {
    struct hec_origin origin;
    int64_t record_ms; /* -1 when the source has none */
    const char *stage; /* "decode" */
    enum hec_status status;
    enum hec_field blame; /* HEC_FIELDS if none */
    const char *instance, *version;
    const void *key, *value; /* as received; may be NULL */
    size_t key_length, value_length;
    bool digests_only; /* too large to be published: the value, and a long key, go as digests */
};

/* What a dead letter is produced with. Key and value are views of the input or of this. */
struct hec_dead_letter_record {
    struct hec_headers headers; /* to be added to the record's own */
    const void *key, *value;
    size_t key_length, value_length;
    bool own_headers; /* the record's own headers may be copied too; false where digests stand */
    char key_digest[80], value_digest[80];
};

/**
 * Makes the dead letter of a record: its key and value as they are, and why in __hecate.errors.*.
 *
 * A record refused for a card number (HEC_CARD_NUMBER) is not copied: its value becomes
 * "sha256:<hex>" and its own headers are left off. Whatever the status, a key that looks like a
 * card number becomes its digest too; the values of other refusals the decoder has searched.
 */
void hec_dead_letter_make(struct hec_dead_letter_record *record,
                          const struct hec_dead_letter *letter);

#endif
