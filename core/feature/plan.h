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

/* What an event gives to a column: gives[value][measure]. */
#define HEC_MEASURES 8
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
    uint32_t from, to;               /* tiles head - from .. head - to */
    uint16_t gathers, gathers_count; /* in hec_kind_plan.gathers */
};

/* One column of one window that some feature reads, and where its sum goes: its own index. */
struct hec_gather {
    uint8_t window, measure;
    uint16_t column; /* of its part: among the counts, or behind them */
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
    uint8_t kind; /* of the part */
    uint8_t field, derived;
};

/* How one numeric feature is read. Which members count follows from the aggregate. A row is made of
 * more than a hundred, so they are kept small. */
struct hec_reading {
    uint8_t aggregate;
    uint8_t filter, filter3;
    uint8_t value;
    uint8_t field, derived;
    int16_t column;     /* of the row */
    int16_t columns[4]; /* into hec_kind_plan.columns, then into the sums; -1 none */
    int16_t slots[3];   /* GAP: first, last, total */
    int16_t slot;       /* of the fixed int64_t; -1: the record's own first_ms, newest_ms */
    int16_t list;
    int16_t window, window2;
    float missing;
    uint32_t tiles; /* DISTINCT: of the window */
    double scale;   /* stored units a unit that is told */
    union {
        double most;  /* AGE, SINCE, SINCE_SAME: in seconds */
        double pace;  /* BURST: the second window over the first */
        double prior; /* RATIO, LABEL_RATE */
    };
    double prior_weight;
    union {
        int64_t span_ms; /* DECAYED_*: the half-life; CHAIN: a step */
        int64_t span_s;  /* MET */
    };
};

struct hec_kind_plan {
    bool touched; /* some event must load it */
    bool labels;  /* it has columns that verdicts change */
    struct hec_layout layout;
    struct hec_column columns[HEC_COLUMNS_MAX]; /* by part */
    int columns_count;
    uint16_t columns_of[HEC_PARTS_MAX + 1]; /* columns of part p: columns_of[p] .. [p + 1] - 1 */
    uint64_t filters_of[HEC_PARTS_MAX];     /* union over the columns or the list of the part */
    uint64_t fraud_parts;                   /* bit part: it has a column of confirmed fraud */
    uint64_t parts_of[HEC_PART_KINDS];      /* bit part: it is of the kind */
    struct hec_window windows[HEC_WINDOWS_MAX];
    int windows_count;
    struct hec_gather gathers[HEC_SUMS_MAX]; /* by window */
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

/* A predicate as it is asked. */
enum hec_test_kind {
    HEC_TEST_PRESENT,
    HEC_TEST_AMOUNT,
    HEC_TEST_INTEGER,
    HEC_TEST_NUMBER,
    HEC_TEST_TEXT
};
struct hec_test {
    uint8_t field, op, kind, texts_count;
    uint8_t lengths[8];
    uint32_t hashes[8];
    const char (*texts)[32];
    double limit;
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
    struct hec_test tests[HEC_FILTERS_MAX][4];
    uint8_t tests_count[HEC_FILTERS_MAX];
    uint64_t filters_on[HEC_EVENT_TYPES + 1]; /* bit filter: it may hold for the type; last none */
    uint32_t keys;                            /* bit hec_derived: some list remembers it */
    int64_t reach_ms; /* the widest ring: an older verdict cannot be placed */
    struct hec_reading readings[HEC_FEATURES_MAX]; /* of the event, then by kind */
    int event_readings;
    struct hec_kind_plan kinds[HEC_KINDS];
};

/* What filters, lists and sums need of an event, computed once. */
struct hec_facts {
    enum hec_event_type as; /* of a verdict: the type of the event it is about */
    uint64_t mask;          /* bit filter: passes it */
    uint32_t known;         /* bit value */
    uint32_t keys_known;    /* bit hec_derived */
    int64_t values[HEC_VALUES_MAX];
    uint32_t keys[HEC_DERIVED]; /* of the derived values that lists remember */
};

/** Fills it all. */
void hec_facts_of(const struct hec_plan *plan, const struct hec_event *event,
                  struct hec_facts *facts);
/** Whether an event passes a filter. */
static inline bool hec_facts_passes(const struct hec_facts *facts, int filter)
{
    return facts->mask >> filter & 1;
}
/** The type that decides filters: the event's own, or that of a verdict's target. */
enum hec_event_type hec_facts_type(const struct hec_event *event);

/** A 32-bit key of the value that a list remembers; false when the event has none. */
static inline bool hec_facts_key(const struct hec_event *event, const struct hec_facts *facts,
                                 const struct hec_list *list, uint32_t *key)
{
    if (list->derived != HEC_NOT_DERIVED) {
        *key = facts->keys[list->derived];
        return facts->keys_known >> list->derived & 1;
    }
    *key = event->value[list->field].text.hash;
    return hec_event_has(event, (enum hec_field)list->field);
}
/** The amount's size: twice the binary logarithm of one more than its minor units, rounded down. */
uint32_t hec_facts_band(int64_t amount_minor);

/** Units in which a field is stored, a unit that is told. */
double hec_value_scale(const struct hec_plan *plan, enum hec_field field);

/** The reporting currency's table; HEC_INVALID tells which rate. */
HEC_CHECKED enum hec_status hec_rates_compile(struct hec_plan *plan, struct hec_error *error);
/** Minor units of the reporting currency, rounded half to even; false when it is not listed. */
bool hec_rates_convert(const struct hec_plan *plan, const char *code, int64_t amount_minor,
                       int64_t *converted_minor);

/** Hands out the places of one kind, once all its features have asked (places.c). False: it has
 * more sums than the table, a ring longer than tiles may be, or records that may become too large.
 */
bool hec_plan_place(struct hec_plan *plan, struct hec_kind_plan *kind);

/** Makes the tests of the filters' predicates. */
void hec_plan_make_tests(struct hec_plan *plan);
/** Fills both digests; HEC_OK or HEC_NO_MEMORY. */
HEC_CHECKED enum hec_status hec_plan_make_digests(struct hec_plan *plan);

/** Whether a window only bounds what is told, so that the state does not depend on it. */
bool hec_aggregate_window_is_cap(enum hec_aggregate aggregate);

/** The rules of a schema; HEC_INVALID names the feature and the rule. */
HEC_CHECKED enum hec_status hec_schema_check(const struct hec_schema *schema,
                                             struct hec_error *error);

#endif
