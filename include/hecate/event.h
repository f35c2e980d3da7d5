/*
 * Events: what one record of the input topic says, as a plain struct of views.
 *
 * Every field of every event type is one row of HEC_FIELD_TABLE. The decoder, the feature filters,
 * the JSON Schema and the reference all read that table; nothing else names a field. A decoded
 * event borrows: texts point into the buffer that was decoded.
 */
#ifndef HECATE_EVENT_H
#define HECATE_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hecate/status.h"

/* X(enumerator, wire name) */
#define HEC_EVENT_TYPE_TABLE(X)                                                                    \
    X(CARD_AUTH, "card_auth")                                                                      \
    X(TRANSFER, "transfer")                                                                        \
    X(LOGIN, "login")                                                                              \
    X(ACCOUNT_CHANGE, "account_change")                                                            \
    X(LABEL, "label")                                                                              \
    X(REVERSAL, "reversal")                                                                        \
    X(FORGET, "forget")

enum hec_event_type {
#define HEC_EVENT_ENUM(enumerator, name) HEC_##enumerator,
    HEC_EVENT_TYPE_TABLE(HEC_EVENT_ENUM)
#undef HEC_EVENT_ENUM
        HEC_EVENT_TYPES
};

/* The first four are scored; the rest only move state. */
#define HEC_SCORED_TYPES 4
static inline bool hec_event_is_scored(enum hec_event_type type)
{
    return (unsigned)type < HEC_SCORED_TYPES;
}

/* How a field stands in JSON and in struct hec_value. */
enum hec_field_kind {
    HEC_TOKEN,    /* text: an entity or record identifier, 1 .. 128 bytes, printable ASCII */
    HEC_CODE,     /* text: a short code from a list the world may extend, 1 .. 64 bytes */
    HEC_ENUM,     /* text: one of a closed list, see hec_field_values() */
    HEC_COUNTRY,  /* text: two letters A-Z (ISO 3166-1 alpha-2) */
    HEC_CURRENCY, /* text: three letters A-Z (ISO 4217) */
    HEC_INTEGER,  /* integer, |value| <= 2^53 */
    HEC_NUMBER,   /* number, finite */
    HEC_BOOLEAN,  /* integer 0 or 1 */
};

/* Masks of event types, for the table below. */
#define HEC_ON(type) (1u << HEC_##type)
#define HEC_ON_PAYMENT (HEC_ON(CARD_AUTH) | HEC_ON(TRANSFER))
#define HEC_ON_MONEY (HEC_ON_PAYMENT | HEC_ON(REVERSAL))
#define HEC_ON_ALL ((1u << HEC_EVENT_TYPES) - 1)
#define HEC_ON_VERDICT (HEC_ON(LABEL) | HEC_ON(REVERSAL))
/* A label or a reversal repeats the entities and filter fields of the event that it is about. */
#define HEC_ON_CARD (HEC_ON(CARD_AUTH) | HEC_ON_VERDICT)
#define HEC_ON_TRANSFER (HEC_ON(TRANSFER) | HEC_ON_VERDICT)

/* X(enumerator, JSON path, kind, event types that may carry it, types that must, minimum, maximum)
 * A field on a type that may not carry it is an unknown extra field there: ignored. Minimum and
 * maximum are the value's for numbers, the length's for texts. */
#define HEC_FIELD_TABLE(X)                                                                         \
    X(EVENT_ID, "event_id", TOKEN, HEC_ON_ALL, HEC_ON_ALL, 1, 128)                                 \
    X(EVENT_TIME_MS, "event_time_ms", INTEGER, HEC_ON_ALL, HEC_ON_ALL, 0, 253402300799999)         \
    X(USER_TOKEN, "user_token", TOKEN, HEC_ON_ALL, HEC_ON_ALL & ~HEC_ON(FORGET), 1, 128)           \
    X(TENANT_ID, "tenant_id", TOKEN, HEC_ON_ALL, 0, 1, 64)                                         \
    X(ACCOUNT_TOKEN, "account_token", TOKEN, HEC_ON_ALL, 0, 1, 128)                                \
    X(SESSION_ID, "session_id", TOKEN, HEC_ON_ALL, 0, 1, 128)                                      \
    X(DEVICE_ID, "device_id", TOKEN, HEC_ON_ALL, 0, 1, 128)                                        \
    X(IP, "ip", TOKEN, HEC_ON_ALL, 0, 1, 64)                                                       \
    X(GEO_LAT, "geo.lat", NUMBER, HEC_ON_ALL, 0, -90, 90)                                          \
    X(GEO_LON, "geo.lon", NUMBER, HEC_ON_ALL, 0, -180, 180)                                        \
    X(GEO_COUNTRY, "geo.country", COUNTRY, HEC_ON_ALL, 0, 2, 2)                                    \
    X(CHANNEL, "channel", CODE, HEC_ON_ALL, 0, 1, 32)                                              \
    X(USER_AGENT_HASH, "user_agent_hash", TOKEN, HEC_ON_ALL, 0, 1, 128)                            \
    X(CARD_TOKEN, "card_token", TOKEN, HEC_ON_CARD, HEC_ON(CARD_AUTH), 1, 128)                     \
    X(AMOUNT_MINOR, "amount_minor", INTEGER, HEC_ON_MONEY | HEC_ON(LABEL), HEC_ON_MONEY, 0,        \
      1000000000000)                                                                               \
    X(CURRENCY, "currency", CURRENCY, HEC_ON_MONEY | HEC_ON(LABEL), HEC_ON_PAYMENT, 3, 3)          \
    X(MERCHANT_ID, "merchant_id", TOKEN, HEC_ON_CARD, 0, 1, 128)                                   \
    X(TERMINAL_ID, "terminal_id", TOKEN, HEC_ON_CARD, 0, 1, 128)                                   \
    X(MCC, "mcc", CODE, HEC_ON_CARD, 0, 1, 16)                                                     \
    X(MERCHANT_COUNTRY, "merchant_country", COUNTRY, HEC_ON_CARD, 0, 2, 2)                         \
    X(ENTRY_MODE, "entry_mode", CODE, HEC_ON_CARD, 0, 1, 32)                                       \
    X(CARD_PRESENT, "card_present", BOOLEAN, HEC_ON_CARD, 0, 0, 1)                                 \
    X(RESPONSE_CODE, "response_code", CODE, HEC_ON_CARD, 0, 1, 8)                                  \
    X(CVC_RESULT, "cvc_result", CODE, HEC_ON_CARD, 0, 1, 8)                                        \
    X(AVS_RESULT, "avs_result", CODE, HEC_ON_CARD, 0, 1, 8)                                        \
    X(THREEDS_VERSION, "threeds.version", CODE, HEC_ON_CARD, 0, 1, 16)                             \
    X(THREEDS_ECI, "threeds.eci", CODE, HEC_ON_CARD, 0, 1, 8)                                      \
    X(THREEDS_STATUS, "threeds.status", CODE, HEC_ON_CARD, 0, 1, 16)                               \
    X(RECURRING, "recurring", BOOLEAN, HEC_ON_CARD, 0, 0, 1)                                       \
    X(WALLET, "wallet", CODE, HEC_ON_CARD, 0, 1, 32)                                               \
    X(CREDITOR_TOKEN, "creditor_token", TOKEN, HEC_ON_TRANSFER | HEC_ON(ACCOUNT_CHANGE),           \
      HEC_ON(TRANSFER), 1, 128)                                                                    \
    X(CREDITOR_COUNTRY, "creditor_country", COUNTRY, HEC_ON_TRANSFER, 0, 2, 2)                     \
    X(SCHEME, "scheme", CODE, HEC_ON_TRANSFER, 0, 1, 32)                                           \
    X(PAYEE_ADDED_MS, "payee_added_ms", INTEGER, HEC_ON_TRANSFER, 0, 0, 253402300799999)           \
    X(RESULT, "result", ENUM, HEC_ON(LOGIN), HEC_ON(LOGIN), 1, 32)                                 \
    X(AUTH_METHOD, "auth_method", CODE, HEC_ON(LOGIN), 0, 1, 32)                                   \
    X(FAIL_REASON, "fail_reason", CODE, HEC_ON(LOGIN), 0, 1, 64)                                   \
    X(MFA_TYPE, "mfa.type", CODE, HEC_ON(LOGIN), 0, 1, 32)                                         \
    X(MFA_RESULT, "mfa.result", CODE, HEC_ON(LOGIN), 0, 1, 32)                                     \
    X(BOT_SCORE, "bot_score", NUMBER, HEC_ON(LOGIN), 0, 0, 1000)                                   \
    X(CHANGE_TYPE, "change_type", ENUM, HEC_ON(ACCOUNT_CHANGE), HEC_ON(ACCOUNT_CHANGE), 1, 32)     \
    X(ACTOR, "actor", CODE, HEC_ON(ACCOUNT_CHANGE), 0, 1, 32)                                      \
    X(TARGET_EVENT_ID, "target_event_id", TOKEN, HEC_ON_VERDICT, HEC_ON_VERDICT, 1, 128)           \
    X(TARGET_EVENT_TIME_MS, "target_event_time_ms", INTEGER, HEC_ON_VERDICT, HEC_ON_VERDICT, 0,    \
      253402300799999)                                                                             \
    X(TARGET_EVENT_TYPE, "target_event_type", ENUM, HEC_ON_VERDICT, 0, 1, 32)                      \
    X(LABEL, "label", ENUM, HEC_ON(LABEL), HEC_ON(LABEL), 1, 16)                                   \
    X(PREVIOUS_LABEL, "previous_label", ENUM, HEC_ON(LABEL), 0, 1, 16)                             \
    X(FRAUD_TYPE, "fraud_type", CODE, HEC_ON(LABEL), 0, 1, 8)                                      \
    X(LABEL_SOURCE, "label_source", CODE, HEC_ON(LABEL), 0, 1, 32)                                 \
    X(FULL, "full", BOOLEAN, HEC_ON(REVERSAL), 0, 0, 1)                                            \
    X(FORGET_KIND, "kind", ENUM, HEC_ON(FORGET), HEC_ON(FORGET), 1, 16)                            \
    X(FORGET_TOKEN, "token", TOKEN, HEC_ON(FORGET), HEC_ON(FORGET), 1, 128)

enum hec_field {
#define HEC_FIELD_ENUM(enumerator, path, kind, may, must, minimum, maximum) HEC_F_##enumerator,
    HEC_FIELD_TABLE(HEC_FIELD_ENUM)
#undef HEC_FIELD_ENUM
        HEC_FIELDS
};
_Static_assert(HEC_FIELDS <= 64, "struct hec_event.present has one bit a field");

/* A view of bytes that somebody else owns, with the low half of their XXH3-64 hash. */
struct hec_text {
    const char *bytes; /* not terminated; NULL when empty */
    uint32_t length;
    uint32_t hash;
};

/* Which member counts follows from the field's kind. */
union hec_value {
    struct hec_text text;
    int64_t integer; /* HEC_INTEGER, HEC_BOOLEAN */
    double number;
};

/* All texts borrow from the decoded buffer. Values of absent fields are unspecified. */
struct hec_event {
    enum hec_event_type type;
    uint64_t present; /* bit hec_field */
    union hec_value value[HEC_FIELDS];
};

static inline bool hec_event_has(const struct hec_event *event, enum hec_field field)
{
    return (event->present >> field) & 1;
}

/* event_time_ms of a decoded event; it is required, so it is always there. */
static inline int64_t hec_event_ms(const struct hec_event *event)
{
    return event->value[HEC_F_EVENT_TIME_MS].integer;
}

/** The field's row: its JSON path ("geo.lat"), kind, masks of event types and bounds. */
struct hec_field_info {
    const char *path;
    enum hec_field_kind kind;
    uint32_t may_on, must_on;
    int64_t minimum, maximum;
};
const struct hec_field_info *hec_field_info(enum hec_field field);

/** The closed list of an HEC_ENUM field, ended by NULL; NULL for other kinds. */
const char *const *hec_field_values(enum hec_field field);

/** The field with this path; HEC_FIELDS when there is none. */
enum hec_field hec_field_named(const char *path, size_t length);

/** The wire name of a type ("card_auth"), and back; HEC_EVENT_TYPES when there is none. */
const char *hec_event_type_name(enum hec_event_type type);
enum hec_event_type hec_event_type_named(const char *name, size_t length);

/** A text view of a terminated string, hash filled. */
struct hec_text hec_text_of(const char *string);
bool hec_text_equal(const struct hec_text *a, const struct hec_text *b);

/* What the decoder refuses beyond the field table. Part of the state digest. */
struct hec_decode_limits {
    uint32_t record_bytes_max; /* default 65 536 */
    int64_t future_skew_ms;    /* default 60 000: event_time_ms may be this far past record_ms */
};

struct hec_decoder;

/**
 * Makes a decoder with its own working memory for one record at a time.
 *
 * Nothing is allocated by hec_decode afterwards. One thread each.
 *
 * @return HEC_OK or HEC_NO_MEMORY
 */
HEC_CHECKED enum hec_status hec_decoder_new(struct hec_decoder **ret,
                                            const struct hec_decode_limits *limits);

/** Accepts NULL. */
void hec_decoder_free(struct hec_decoder *decoder);

/**
 * Decodes one record value (RFC 8259 JSON, UTF-8).
 *
 * @param event      filled on success; unspecified on refusal
 * @param value      the payload; may be NULL with length 0 (a tombstone: HEC_NULL_VALUE)
 * @param record_ms  the record's own time (Kafka timestamp); -1 when the source has none, then the
 *                   future check is left out
 * @param buffer     value_length + HEC_DECODE_PADDING bytes that the texts of the event will point
 *                   into; owned by the caller, must outlive the event's use
 * @param field      receives, on refusal, the field that is to blame; HEC_FIELDS if none
 *
 * null stands for absent. A field on a type that may not carry it, and any key that is no field, is
 * ignored; it still counts for duplicate keys, depth (at most 8) and card numbers. Integers must be
 * integer literals (5.0 is HEC_BAD_TYPE); texts of fields are printable ASCII.
 *
 * HEC_CARD_NUMBER outweighs every other refusal, also of records that are no JSON or too large, so
 * that whoever copies a refused record need only look at its status. Bare numbers that read as a
 * time (13 digits beginning with 1, 2 or 3; 16 or 19 beginning with 1) are no card numbers.
 *
 * @return HEC_OK, or the refusal, one of HEC_NULL_VALUE .. HEC_CARD_NUMBER of the status table.
 *         Never reports bytes of the input.
 */
#define HEC_DECODE_PADDING 16
HEC_CHECKED enum hec_status hec_decode(struct hec_decoder *decoder, struct hec_event *event,
                                       const void *value, size_t value_length, int64_t record_ms,
                                       char *buffer, enum hec_field *field);

/** True if the bytes contain a run of 13-19 digits (single spaces or hyphens between digits
 * allowed) that passes the Luhn check (ISO/IEC 7812-1): what may be a raw card number. Of a longer
 * run its unbroken groups and the groupings that cards are printed in are tried too. Words that are
 * hexadecimal digests and UUIDs are not taken for one. */
bool hec_looks_like_card_number(const char *bytes, size_t length);

#endif
