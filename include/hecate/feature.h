/*
 * Features are data: definitions in, a compiled plan out, rows of numbers from entity states.
 *
 *   features.conf --parsed by the daemon--> hec_schema --hec_plan_new--> hec_plan
 *   per event, in order:  hec_plan_read (states -> row), then hec_plan_apply (event -> states)
 *
 * Reading comes first, so an event never sees itself. A row depends on the event and on the states
 * of its entities, on nothing else. Training, scoring and the daemon call exactly these functions.
 *
 * Time is event time. A window of n tiles of width s read at time t holds tiles
 * floor(t/s)-n+1 .. floor(t/s); delayed by d (a multiple of s): floor((t-d)/s)-n ..
 * floor((t-d)/s)-1.
 */
#ifndef HECATE_FEATURE_H
#define HECATE_FEATURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hecate/entity.h"
#include "hecate/event.h"
#include "hecate/status.h"

#define HEC_FEATURES_MAX 192
#define HEC_FILTERS_MAX 48
#define HEC_NAME_MAX 48
#define HEC_CODE_MAX 16
#define HEC_TEXT_MAX 120

/* X(enumerator, name in features.conf, what it is) */
#define HEC_AGGREGATE_TABLE(X)                                                                     \
    X(VALUE, "value", "a field of the event itself, or a derived one such as weekend")             \
    X(CATEGORY, "category", "a text field of the event as a hashed category")                      \
    X(COUNT, "count", "events in the window")                                                      \
    X(SUM, "sum", "sum of the field in the window")                                                \
    X(MEAN, "mean", "mean of the field in the window")                                             \
    X(DEVIATION, "deviation", "standard deviation of the field in the window")                     \
    X(RATIO, "ratio", "events that pass the second filter over events that pass the first")        \
    X(DISTINCT, "distinct", "different values of a text field in the window")                      \
    X(AGE, "age", "seconds since the entity was first seen")                                       \
    X(SINCE, "since", "seconds since the last event that passed the filter")                       \
    X(MIN, "min", "smallest value of the field in the window")                                     \
    X(MAX, "max", "largest value of the field in the window")                                      \
    X(PORTION, "portion", "events of the second filter among the events of both in the window")    \
    X(GAP, "gap", "mean seconds between two events that pass the filter, over all history")        \
    X(DECAYED_COUNT, "decayed_count", "events, each worth half after every window of time")        \
    X(DECAYED_MEAN, "decayed_mean", "mean of the field, weights halved after every window")        \
    X(HOUR_SURPRISE, "hour_surprise", "-ln of the smoothed own share of this hour of the day")     \
    X(WEEK_SURPRISE, "week_surprise", "-ln of the smoothed own share of this hour of the week")    \
    X(BURST, "burst", "rate of events in the window over their rate in the longer second window")  \
    X(CHAIN, "chain", "steps done of three, each within the window of the one before")             \
    X(SURPRISE, "surprise", "-ln of the smoothed own share of the event's value of the field")     \
    X(SINCE_FIRST, "since_first", "seconds since the entity first had this value of the field")    \
    X(TIMES, "times", "how often the entity had this value of the field")                          \
    X(IS_NEW, "is_new", "1 when the entity never had this value of the field before")              \
    X(STREAK, "streak", "events that passed the filter since the last that passed the second")     \
    X(LABEL_COUNT, "label_count", "events of the window that are labelled fraud")                  \
    X(LABEL_RATE, "label_rate", "labelled fraud over events of the window")                        \
    X(DISTANCE, "distance", "kilometres from the entity's last place (great circle)")              \
    X(SPEED, "speed", "km/h from the entity's last place")                                         \
    X(ZSCORE, "zscore", "the event's field against the window's own mean and deviation")           \
    X(SHARE, "share", "share of the entity's own events that had the event's value of the field")  \
    X(SINCE_SAME, "since_same", "seconds since the entity last had this value of the field")       \
    X(MET, "met", "values of the field that the entity met for the first time in the window")

enum hec_aggregate {
#define HEC_AGGREGATE_ENUM(enumerator, name, text) HEC_AGG_##enumerator,
    HEC_AGGREGATE_TABLE(HEC_AGGREGATE_ENUM)
#undef HEC_AGGREGATE_ENUM
        HEC_AGGREGATES
};

/* A named condition: one of these event types, and every predicate true. */
enum hec_predicate_op { HEC_EQ, HEC_NE, HEC_LT, HEC_GE, HEC_IN, HEC_PRESENT };
struct hec_predicate {
    enum hec_field field;
    enum hec_predicate_op op;
    int64_t integer;   /* numbers and booleans; HEC_LT and HEC_GE */
    char texts[8][32]; /* HEC_EQ, HEC_NE: the first; HEC_IN: texts_count of them */
    int texts_count;
};
struct hec_filter {
    char name[HEC_NAME_MAX];
    uint32_t event_types; /* mask */
    struct hec_predicate predicates[4];
    int predicates_count;
};

/* X(enumerator, name in features.conf, what it is): derived fields of an event, for HEC_AGG_VALUE;
 * EVENT_TYPE for HEC_AGG_CATEGORY; HOUR, PLACE, IP_NET and AMOUNT_BAND for what compares values.
 * Hours and days are UTC. */
#define HEC_DERIVED_TABLE(X)                                                                       \
    X(HOUR, "hour", "hour of the day, 0 .. 23")                                                    \
    X(WEEKEND, "weekend", "1 on Saturday and Sunday")                                              \
    X(NIGHT, "night", "1 when the hour is 0 .. 6")                                                 \
    X(PAYEE_AGE_S, "payee_age_s", "seconds since payee_added_ms")                                  \
    X(ABROAD, "abroad", "1 when the merchant's or creditor's country is not geo.country")          \
    X(PLACE, "place", "the quarter degree of latitude and longitude; for share, since_same, met")  \
    X(IP_NET, "ip_net", "the first two groups of an address; for share, since_same, met")          \
    X(AMOUNT_BAND, "amount_band", "the amount's size in half powers of two; for the same three")   \
    X(EVENT_TYPE, "event_type", "the event's type")

enum hec_derived {
    HEC_NOT_DERIVED,
#define HEC_DERIVED_ENUM(enumerator, name, text) HEC_##enumerator,
    HEC_DERIVED_TABLE(HEC_DERIVED_ENUM)
#undef HEC_DERIVED_ENUM
        HEC_DERIVED
};

/* One feature as declared. Strings are terminated. */
struct hec_feature {
    char name[HEC_NAME_MAX];
    enum hec_aggregate aggregate;
    enum hec_kind entity; /* not for VALUE and CATEGORY */
    int filter, filter2;  /* index into schema filters; -1 none */
    int filter3;          /* CHAIN: the last step */
    enum hec_field field; /* HEC_FIELDS when none */
    enum hec_derived derived;
    int64_t window_ms, delay_ms; /* 0 when none */
    int64_t window2_ms;          /* BURST: the longer one */
    double prior, prior_weight;  /* RATIO, LABEL_RATE: (part + weight * prior) / (all + weight) */
    double missing;              /* value when there is nothing to tell; NaN = missing, flagged */
    uint32_t heads;              /* mask of heads it may give reasons for; ~0 = all */
    char reason_code[HEC_CODE_MAX]; /* such as "VEL-001"; empty = never a reason */
    char text[HEC_TEXT_MAX];        /* for people; see hec_reasons */
};

/* What features.conf says. Plain data, no pointers; copy it freely (it is large: heap). */
struct hec_schema {
    struct hec_filter filters[HEC_FILTERS_MAX];
    int filters_count;
    struct hec_feature features[HEC_FEATURES_MAX];
    int features_count;
    char currency[4]; /* the reporting currency */
    struct {
        char code[4];
        double rate;
    } rates[32]; /* units of reporting currency per unit */
    int rates_count;
    /* What else the state is a function of (the state digest covers all of this struct that
     * state depends on). */
    int64_t allowed_lateness_ms; /* default 300 000 */
    int64_t dedup_window_s;      /* default 3 600 */
};

/* The words of features.conf, for whoever parses it. The file's grammar (libConfuse's):
 *
 *   currency = EUR                                   the reporting currency; amounts are told in it
 *   allowed_lateness_ms = 300000
 *   dedup_window_s = 3600
 *   rate USD { per_unit = 0.92 }                     reporting units a unit, 9 decimals count
 *   filter declined { events = {card_auth} where = {"response_code != 00"} }
 *   feature NAME { aggregate = count   entity = user   filter = declined   filter2 = NAME
 *                  field = amount_minor   window = 1d   delay = 7d   missing = 0
 *                  heads = {card_fraud}   reason = "VEL-001"   text = "{observed} ..." }
 *
 * More keys: window2 (burst), filter3 (chain; with a text field its first step must bring a value
 * that the entity, which has others, never had), prior and prior_weight (ratio, label_rate: so many
 * events of that rate are thought to stand before all).
 *
 * events: default every scored type. where: at most 4 predicates, all must hold. field: a path of
 * HEC_FIELD_TABLE or a name of HEC_DERIVED_TABLE. window, delay: a duration. missing: a number or
 * nan (default). heads: default all. Amounts are in major units of the reporting currency when
 * told; a predicate on amount_minor compares minor units of it. value without a field and with a
 * filter is 1 when the event passes it, else 0. age, since and since_same may have a window: they
 * tell no more than it. share, since_same and met remember the 32 most usual values of user or card
 * and count about their last 256 events. A filter must stand before the features that name
 * it only in the sense of the file as a whole: the parser may collect filters first. */

/** An empty schema with the default numbers ("EUR", 300 000 ms, 3 600 s). */
void hec_schema_init(struct hec_schema *schema);

/** A feature with every optional part at its default: no filter, no field, missing NaN, all heads.
 */
void hec_feature_init(struct hec_feature *feature);

/** "30s", "5m", "1h", "7d" or "0" to milliseconds; -1 when it is not a duration. */
int64_t hec_duration_ms(const char *text);

/** Writes a duration in its largest whole unit. text holds at least 24 bytes. */
void hec_duration_print(int64_t ms, char text[24]);

/**
 * Parses one predicate: "FIELD == V", "FIELD != V", "FIELD < N", "FIELD >= N", "FIELD in V V V",
 * "FIELD present".
 *
 * @return HEC_OK or HEC_INVALID with the reason
 */
HEC_CHECKED enum hec_status hec_predicate_parse(struct hec_predicate *predicate, const char *text,
                                                struct hec_error *error);

/** By name; HEC_AGGREGATES when there is none. */
enum hec_aggregate hec_aggregate_named(const char *name);
const char *hec_aggregate_name(enum hec_aggregate aggregate);
/**
 * What an aggregate takes beside its entity, for people: "a numeric field, window, [delay]", with
 * what may be left out in brackets. Written terminated and cut at text_bytes; any thread.
 */
void hec_aggregate_takes(enum hec_aggregate aggregate, char *text, size_t text_bytes);

/** Sets feature's field or derived from its name; false when there is none of that name. */
bool hec_feature_set_field(struct hec_feature *feature, const char *name);

/** Which tile width a window is cut into. */
int64_t hec_plan_tile_ms(int64_t window_ms);
/** Whether its window is one of tiles; else it has none, or one that fades or only bounds. */
bool hec_feature_has_tiles(const struct hec_feature *feature);

/** The filter's index in the schema; -1 when there is none of that name. */
int hec_schema_filter_named(const struct hec_schema *schema, const char *name);

/** The heads that features may name, in the order of the bits of hec_feature.heads: "card_fraud",
 * "ato", "anomaly". NULL beyond the last. */
const char *hec_feature_head_name(int bit);

/** Writes the schema in its one canonical form, the grammar of features.conf. Returns the length
 * that it needs, like snprintf. hecate/model files carry this text. */
size_t hec_schema_print(const struct hec_schema *schema, char *text, size_t text_bytes);

/**
 * Compiles a schema.
 *
 * @return HEC_OK, HEC_INVALID (error tells the feature and the rule), HEC_NO_MEMORY
 */
HEC_CHECKED enum hec_status hec_plan_new(struct hec_plan **ret, const struct hec_schema *schema,
                                         struct hec_error *error);
/** Accepts NULL. */
void hec_plan_free(struct hec_plan *plan);

/* The plan is immutable after hec_plan_new and may be shared by threads. */
const struct hec_schema *hec_plan_schema(const struct hec_plan *plan);
int hec_plan_numerics(const struct hec_plan *plan);   /* F: columns of a row's numeric part */
int hec_plan_categories(const struct hec_plan *plan); /* C */
/** Index into schema features of numeric column 0 .. F-1, or category column 0 .. C-1. */
int hec_plan_numeric_feature(const struct hec_plan *plan, int column);
int hec_plan_category_feature(const struct hec_plan *plan, int column);
/** The event's amount in minor units of the reporting currency, as the features see it.
 * @return false when it has none, or in a currency without a rate; *amount is untouched then */
bool hec_plan_amount(const struct hec_plan *plan, const struct hec_event *event, int64_t *amount);
/** SHA-256 (hex, terminated) of the canonical text: the feature schema digest. */
const char *hec_plan_digest(const struct hec_plan *plan);
/** The part of it that state depends on, as 64 bits: stands in every record. Texts, codes, heads
 * and missing values do not change it; entities, filters, aggregates, windows do. */
uint64_t hec_plan_state_digest(const struct hec_plan *plan);
/** Makes the key that tokens are keyed with part of the state digest: states of another key, or of
 * none, are another state. Once, before the plan is used; id as hec_keyer_id tells it. */
void hec_plan_set_token_key(struct hec_plan *plan, const char id[17]);

/* The entities of one event, resolved: what hec_plan_want fills and read/apply use. For a shared
 * kind shard[k] holds all partitions' entries, own partition's included; for an owned kind one. */
struct hec_touched {
    int32_t partition;
    struct hec_entity **shards[HEC_KINDS]; /* into the caller's pool; NULL = kind not touched */
    int32_t shards_count[HEC_KINDS];
    bool missing; /* at least one shard is not known: rows built now are degraded */
};

/** Asks the entries again, after the store has answered for some; updates and returns missing. */
bool hec_touched_refresh(struct hec_touched *touched);

/**
 * Names the states one event touches and fetches or makes their entries.
 *
 * Only kinds that some feature needs (and the user, for duplicates) are touched. A label, reversal
 * or forget touches the entities that it names.
 *
 * @param pool       room for at least hec_plan_pool_size() pointers, the caller's, for the batch
 * @return number of pool slots used; -1 when memory is exhausted
 */
int hec_plan_want(const struct hec_plan *plan, struct hec_entities *entities,
                  const struct hec_event *event, int32_t partition, struct hec_touched *touched,
                  struct hec_entity **pool);
/**
 * Fetches towards the processor's cache what hec_plan_want and reading will look at. Changes
 * nothing. Call it for every event of a batch with stage 0, then for every one with 1, then with 2:
 * each stage follows the pointers that the one before has fetched.
 */
#define HEC_PREFETCH_STAGES 3
void hec_plan_prefetch(const struct hec_plan *plan, const struct hec_entities *entities,
                       const struct hec_event *event, int32_t partition, int stage);

/** Pool slots that one event can need at most with this many partitions. */
int hec_plan_pool_size(const struct hec_plan *plan, int32_t partitions);

/**
 * Reads the row of one event. Changes nothing.
 *
 * @param numerics    F floats, written; NaN where missing
 * @param categories  C hashes, written; 0 where absent
 */
void hec_plan_read(const struct hec_plan *plan, const struct hec_event *event,
                   const struct hec_touched *touched, float *numerics, uint32_t *categories);

enum hec_applied {
    HEC_APPLIED,        /* state moved */
    HEC_APPLIED_BEFORE, /* offset at or below the record's last_off: nothing happened */
    HEC_DUPLICATE,      /* its event_id is among the user's last ones: nothing happened */
    HEC_TOO_LATE,       /* late beyond the limit: scored, state untouched */
    HEC_UNLINKED,       /* a verdict that its records cannot place: counted, state untouched */
    HEC_APPLIED_KINDS
};

/** What would hec_plan_apply answer: asked before reading, so that a duplicate is not scored. */
enum hec_applied hec_plan_judge(const struct hec_plan *plan, const struct hec_event *event,
                                int64_t offset, const struct hec_touched *touched);

/**
 * Adds one event to the states it touches (own shards only) and marks them dirty.
 *
 * @param offset  of the record in its partition; states remember it
 */
HEC_CHECKED enum hec_status hec_plan_apply(const struct hec_plan *plan,
                                           struct hec_entities *entities,
                                           const struct hec_event *event, int64_t offset,
                                           const struct hec_touched *touched);

/** hec_plan_read and then hec_plan_apply, in one go: what both look for is looked for once. */
HEC_CHECKED enum hec_status hec_plan_read_and_apply(const struct hec_plan *plan,
                                                    struct hec_entities *entities,
                                                    const struct hec_event *event, int64_t offset,
                                                    const struct hec_touched *touched,
                                                    float *numerics, uint32_t *categories);

#endif
