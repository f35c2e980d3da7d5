/*
 * The compiled plan: what a schema comes to for each kind of entity.
 *
 * Features that read the same window share its columns. Per kind there are parts (state/record.h),
 * columns of the tile parts (what each counts or sums, and under which filter), windows (spans of a
 * part's tiles that are added up once per read), slots (single numbers of the fixed part), lists
 * (distinct and seen values), and readings: one per feature, which turn sums into a number.
 */
#ifndef HECATE_FEATURE_PLAN_H
#define HECATE_FEATURE_PLAN_H

#include "hecate/feature.h"
#include "state/record.h"

/* Squares of amounts and products of them with counts need more than 64 bits. */
__extension__ typedef __int128 hec_int128;

#define HEC_VALUES_MAX 16   /* numeric fields that some feature sums; 0 is the amount */
#define HEC_COLUMNS_MAX 160 /* a kind */
#define HEC_WINDOWS_MAX 48
#define HEC_SLOTS_MAX 48
#define HEC_LISTS_MAX 32
#define HEC_SUMS_MAX 1024
#define HEC_NO_FILTER 63 /* bit of a mask that every scored event has */
#define HEC_SQUARE_BITS 40

enum hec_measure {
    HEC_MEASURE_COUNT,       /* events */
    HEC_MEASURE_FRAUD,       /* events labelled fraud */
    HEC_MEASURE_KNOWN,       /* events whose value is known */
    HEC_MEASURE_SUM,         /* of the value */
    HEC_MEASURE_SQUARE_LOW,  /* of the low HEC_SQUARE_BITS bits of the value's square */
    HEC_MEASURE_SQUARE_HIGH, /* of the rest of it */
    HEC_MEASURE_MAX,         /* HEC_PEAK_ZERO + the largest value */
    HEC_MEASURE_MIN,         /* HEC_PEAK_ZERO - the smallest */
};

/* Peaks are positive, so that 0 is none; values are far smaller. */
#define HEC_PEAK_ZERO ((int64_t)1 << 62)

struct hec_column {
    uint8_t part, filter, measure, value;
    uint16_t slot; /* within its part: counts from 0, then sums */
};

struct hec_window {
    uint8_t part;
    uint32_t from, to; /* tiles head - from .. head - to */
    uint16_t sums;     /* where its sums begin */
};

enum hec_slot_kind {
    HEC_SLOT_LAST,
    HEC_SLOT_FIRST,
    HEC_SLOT_STREAK,
    HEC_SLOT_PLACE,
    HEC_SLOT_TOTAL,
    HEC_SLOT_DECAY,
    HEC_SLOT_CHAIN
};
struct hec_slot {
    uint8_t kind, filter, filter2;
    uint8_t value;   /* DECAY: index into the values */
    uint16_t at;     /* index into the fixed int64_t; a place takes two, a decay three */
    int64_t span_ms; /* DECAY: the half-life; CHAIN: from one step to the next */
    int list;        /* CHAIN: values that are not new; -1 none */
};

struct hec_list {
    uint8_t part, filter;
    enum hec_field field;
    enum hec_derived derived;
};

/* How one numeric feature is read. Which members count follows from the aggregate. */
struct hec_reading {
    enum hec_aggregate aggregate;
    int column; /* of the row */
    uint8_t filter;
    uint8_t value;
    enum hec_field field;
    enum hec_derived derived;
    int window, window2;
    uint8_t filter3;
    double prior, prior_weight;
    double pace;    /* BURST: the second window over the first */
    int columns[4]; /* into hec_kind_plan.columns while compiling, then into the sums */
    int list;
    uint32_t tiles;  /* DISTINCT: of the window */
    int slot;        /* index into the fixed int64_t; -1: the record's own first_ms, newest_ms */
    double scale;    /* stored units a unit that is told */
    int slots[3];    /* GAP: first, last, total */
    int64_t span_ms; /* DECAYED_*: the half-life; CHAIN: a step */
    double most;     /* AGE, SINCE, SINCE_SAME: in seconds */
    int64_t span_s;  /* MET */
    float missing;
};

struct hec_kind_plan {
    bool touched; /* some event must load it */
    bool labels;  /* it has columns that verdicts change */
    struct hec_layout layout;
    struct hec_column columns[HEC_COLUMNS_MAX]; /* by part */
    int columns_count;
    uint16_t columns_of[HEC_PARTS_MAX + 1]; /* columns of part p: columns_of[p] .. [p + 1] - 1 */
    uint64_t filters_of[HEC_PARTS_MAX];     /* union over the columns or the list of the part */
    struct hec_window windows[HEC_WINDOWS_MAX];
    int windows_count;
    int sums_count;
    struct hec_slot slots[HEC_SLOTS_MAX];
    int slots_count;
    struct hec_list lists[HEC_LISTS_MAX];
    int list_of[HEC_PARTS_MAX]; /* of a DISTINCT or SEEN part */
    int lists_count;
    int ids_part, verdicts_part;  /* -1 none */
    int readings, readings_count; /* in hec_plan.readings */
};

struct hec_rate {
    char code[4];
    int64_t times, over; /* reporting minor units = minor units * times / over */
};

struct hec_plan {
    struct hec_schema schema;
    int numerics, categories;
    int numeric_features[HEC_FEATURES_MAX];
    int category_features[HEC_FEATURES_MAX];
    char digest[65];
    uint64_t state_digest;
    enum hec_field values[HEC_VALUES_MAX];
    int values_count;
    struct hec_rate rates[33];
    int rates_count;
    double amount_scale; /* minor units a major unit of the reporting currency */
    uint32_t type_hashes[HEC_EVENT_TYPES];
    uint32_t text_hashes[HEC_FILTERS_MAX][4][8];
    int64_t reach_ms; /* the widest ring: an older verdict cannot be placed */
    struct hec_reading readings[HEC_FEATURES_MAX]; /* of the event, then by kind */
    int event_readings;
    struct hec_kind_plan kinds[HEC_KINDS];
};

/* What filters and sums need of an event, computed once. */
struct hec_facts {
    enum hec_event_type as; /* of a verdict: the type of the event it is about */
    uint64_t mask;          /* bit filter: passes it */
    uint32_t known;         /* bit value */
    int64_t values[HEC_VALUES_MAX];
};

/** Fills values and known. */
void hec_facts_values(const struct hec_plan *plan, const struct hec_event *event,
                      struct hec_facts *facts);
/** Fills the mask; values first. */
void hec_facts_mask(const struct hec_plan *plan, const struct hec_event *event,
                    struct hec_facts *facts);
bool hec_facts_passes(const struct hec_plan *plan, const struct hec_event *event,
                      const struct hec_facts *facts, int filter);
/** The type that decides filters: the event's own, or that of a verdict's target. */
enum hec_event_type hec_facts_type(const struct hec_event *event);

/** A 32-bit key of the value that a list remembers; false when the event has none. */
bool hec_facts_key(const struct hec_event *event, const struct hec_facts *facts,
                   const struct hec_list *list, uint32_t *key);
/** The amount's size: twice the binary logarithm of one more than its minor units, rounded down. */
uint32_t hec_facts_band(int64_t amount_minor);

/** Units in which a field is stored, a unit that is told. */
double hec_value_scale(const struct hec_plan *plan, enum hec_field field);

/** The reporting currency's table; HEC_INVALID tells which rate. */
HEC_CHECKED enum hec_status hec_rates_compile(struct hec_plan *plan, struct hec_error *error);
/** Minor units of the reporting currency, rounded half to even; false when it is not listed. */
bool hec_rates_convert(const struct hec_plan *plan, const char *code, int64_t amount_minor,
                       int64_t *converted_minor);

/** Hashes the words that predicates compare with. */
void hec_plan_hash_texts(struct hec_plan *plan);
/** Fills both digests; HEC_OK or HEC_NO_MEMORY. */
HEC_CHECKED enum hec_status hec_plan_make_digests(struct hec_plan *plan);

/** Whether a window only bounds what is told, so that the state does not depend on it. */
bool hec_aggregate_window_is_cap(enum hec_aggregate aggregate);

/** The rules of a schema; HEC_INVALID names the feature and the rule. */
HEC_CHECKED enum hec_status hec_schema_check(const struct hec_schema *schema,
                                             struct hec_error *error);

#endif
