/* Inside the oracle: its list, and what reading and judging both ask of it. */
#ifndef HECATE_SUPPORT_ORACLE_INSIDE_H
#define HECATE_SUPPORT_ORACLE_INSIDE_H

#include "support/oracle.h"

#define EXACT_MAX 25
#define ITEMS_MAX 50000
#define FORGOTTEN_MAX 2000

struct item {
    const struct hec_event *event;
    int effect; /* of a label: +1, 0, -1 */
};

struct forgotten {
    int kind;
    const struct hec_text *token;
    int before; /* items before this one are forgotten */
};

struct oracle {
    const struct hec_schema *schema;
    struct item items[ITEMS_MAX];
    int count;
    struct forgotten forgotten[FORGOTTEN_MAX];
    int forgotten_count;
};

/** Whether a text field has this value. */
bool oracle_is(const struct hec_event *event, enum hec_field field, const char *text);
bool oracle_same(const struct hec_text *a, const struct hec_text *b);
/** The event's token of a kind; NULL when it names none. */
const struct hec_text *oracle_token_of(const struct hec_event *event, int kind);
/** When an event counts: its own time, or that of a verdict's target. */
int64_t oracle_target_ms(const struct hec_event *event);
/** Whether item i counts for this entity: it names it and was not forgotten. */
bool oracle_counts(const struct oracle *oracle, int i, int kind, const struct hec_text *token);
/** Newest time of the entity's scored events among the first items; 0 never. */
int64_t oracle_newest_ms(const struct oracle *oracle, int items, int kind,
                         const struct hec_text *token);
int64_t oracle_width_of(const struct hec_feature *feature);
/** Tiles that the record keeps of this feature's width. */
int64_t oracle_ring_of(const struct oracle *oracle, const struct hec_feature *feature);
/** Minor units of the reporting currency; false when there is no amount to tell. */
bool oracle_amount(const struct oracle *oracle, const struct hec_event *event, double *minor);
bool oracle_passes(const struct oracle *oracle, const struct hec_event *event, int filter);
/** The field as a number in the units that are told. */
bool oracle_known(const struct oracle *oracle, const struct hec_event *event, enum hec_field field,
                  double *value);
/** Whether the feature's window is one of tiles. */
bool oracle_has_tiles(const struct hec_feature *feature);
/** DECAYED_COUNT and DECAYED_MEAN. */
double oracle_faded(const struct oracle *oracle, const struct hec_feature *feature,
                    const struct hec_text *token, const struct hec_event *event);
/** GAP, HOUR_SURPRISE and WEEK_SURPRISE. */
double oracle_rhythm(const struct oracle *oracle, const struct hec_feature *feature,
                     const struct hec_text *token, const struct hec_event *event);
double oracle_chain(const struct oracle *oracle, const struct hec_feature *feature,
                    const struct hec_text *token, const struct hec_event *event);
/** What is told of a field's values. */
double oracle_habit(const struct oracle *oracle, const struct hec_feature *feature,
                    const struct hec_text *token, const struct hec_event *event);

#endif
