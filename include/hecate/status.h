/*
 * What can come back: one table of outcomes for the whole product.
 *
 * A status is an expected outcome of the outside world (a payload, a file, a peer). A mistake of
 * the programmer is an assert. The names are stable: they stand in dead letters, metric labels and
 * logs, so a row is added, never renamed.
 */
#ifndef HECATE_STATUS_H
#define HECATE_STATUS_H

#define HEC_CHECKED __attribute__((warn_unused_result))
#define HEC_PRINTF(string, first) __attribute__((format(printf, string, first)))

/* X(enumerator, stable name, what it means) */
#define HEC_STATUS_TABLE(X)                                                                        \
    X(OK, "ok", "success")                                                                         \
    /* Refusals of one record: each costs one dead letter and nothing else. */                     \
    X(NULL_VALUE, "null_value", "the record has no value")                                         \
    X(TOO_LARGE, "too_large", "the record is larger than max_record_bytes")                        \
    X(NOT_UTF8, "not_utf8", "the value is not UTF-8")                                              \
    X(NOT_JSON, "not_json", "the value is not JSON (RFC 8259)")                                    \
    X(NOT_OBJECT, "not_object", "the value is not a JSON object")                                  \
    X(TOO_DEEP, "too_deep", "the value nests deeper than an event can")                            \
    X(DUPLICATE_KEY, "duplicate_key", "the object has the same key twice")                         \
    X(UNKNOWN_TYPE, "unknown_type", "event_type is not one that this version knows")               \
    X(UNKNOWN_VERSION, "unknown_version", "schema_version is not one that this version knows")     \
    X(MISSING_FIELD, "missing_field", "a required field is absent")                                \
    X(BAD_TYPE, "bad_type", "a field has another JSON type than its definition")                   \
    X(OUT_OF_RANGE, "out_of_range", "a field is outside its range")                                \
    X(TIME_PAST, "time_past", "event_time_ms is before the year 2000")                             \
    X(TIME_FUTURE, "time_future", "event_time_ms is too far ahead of the record's own time")       \
    X(CARD_NUMBER, "card_number", "a text field holds what looks like a raw card number")          \
    X(KEY_MISMATCH, "key_mismatch", "the record key is not the event's user_token")                \
    X(LATE, "late", "the event is older than allowed_lateness_ms permits")                         \
    X(POISON, "poison", "the record fails every attempt to process it")                            \
    /* Outcomes of the world and of files. */                                                      \
    X(NOT_FOUND, "not_found", "there is no such thing")                                            \
    X(INVALID, "invalid", "the input breaks its own format's rules")                               \
    X(MISMATCH, "mismatch", "two inputs do not belong together")                                   \
    X(CORRUPT, "corrupt", "stored bytes fail their checksum or their layout")                      \
    X(UNAVAILABLE, "unavailable", "the far end does not answer")                                   \
    X(DENIED, "denied", "the far end refuses this identity")                                       \
    X(FENCED, "fenced", "another process owns this now")                                           \
    X(ABORTED, "aborted", "the transaction was rolled back; the work can be done again")           \
    X(FATAL, "fatal", "the client cannot go on and must be made anew")                             \
    X(END, "end", "there is no more input")                                                        \
    X(NO_MEMORY, "no_memory", "memory is exhausted")

enum hec_status {
#define HEC_STATUS_ENUM(enumerator, name, text) HEC_##enumerator,
    HEC_STATUS_TABLE(HEC_STATUS_ENUM)
#undef HEC_STATUS_ENUM
        HEC_STATUSES
};

/** The stable name, such as "not_utf8". Never NULL. */
const char *hec_status_name(enum hec_status status);

/** What the status means, one phrase for people. Never NULL. */
const char *hec_status_text(enum hec_status status);

/*
 * One failure for people: where, what was wrong, what to do. Callers own the struct; functions that
 * take one fill it on failure only, and accept NULL.
 */
struct hec_error {
    enum hec_status status;
    char text[512];
};

/** Fills error (may be NULL) and returns status, so that a failure is one line. */
enum hec_status hec_fail(struct hec_error *error, enum hec_status status, const char *format, ...)
    HEC_PRINTF(3, 4);

#endif
