/*
 * Simple rules: what an analyst knows and a model does not yet, as evidence beside the heads.
 *
 *   rule prepaid_abroad {
 *       when    = "mcc == '6051' and amount_minor > 50000 and not merchant_country == 'FR'"
 *       outcome = review
 *       text    = "a large prepaid load abroad"
 *   }
 *
 * A condition speaks of features (numbers, by their names in features.conf) and of fields of the
 * event (by their JSON paths, and event_type). What is not there compares with nothing: the
 * comparison is false. It is compiled once into a flat list of comparisons and evaluated from left
 * to right without memory of its own; a rule that is decided early still runs to its end, which
 * costs nanoseconds.
 *
 *   condition  = all { "or" all }           all  = part { "and" part }
 *   part       = "not" part | "(" condition ")" | "has" NAME | NAME test
 *   test       = ("<" | "<=" | ">" | ">=" | "==" | "!=") value | "in" "(" value { "," value } ")"
 *   value      = number | 'text' | true | false | NAME
 *
 * The compiled rules are immutable and may be shared by threads.
 */
#ifndef HECATE_RULES_H
#define HECATE_RULES_H

#include <stdint.h>

#include "hecate/decide.h"
#include "hecate/event.h"
#include "hecate/feature.h"
#include "hecate/status.h"

#define HEC_RULES_MAX 64 /* one bit each in a mask of hits */
#define HEC_RULE_NAME_MAX 48
#define HEC_RULE_TEXT_MAX 160

/* One rule as written. Strings are borrowed during compilation only. */
struct hec_rule_source {
    const char *name, *when;
    const char *text;       /* for people; may be "" */
    const char *head;       /* whose alert it raises; "": the first head that judges the event */
    enum hec_action action; /* HEC_ACTION_ALLOW: evidence only, nothing follows from it */
};

/** The word for a rule's outcome: "evidence" for HEC_ACTION_ALLOW, else hec_action_name. */
const char *hec_rule_action_name(enum hec_action action);

/* What is told of a compiled rule. */
struct hec_rule {
    char name[HEC_RULE_NAME_MAX], text[HEC_RULE_TEXT_MAX], head[HEC_HEAD_NAME_MAX];
    enum hec_action action;
};

struct hec_rules;

/** An empty set, to be added to. @return HEC_OK, HEC_NO_MEMORY */
HEC_CHECKED enum hec_status hec_rules_new(struct hec_rules **ret);
/** Accepts NULL. */
void hec_rules_free(struct hec_rules *rules);

/* A word of a condition that means nothing, so that the caller may say what is near it. */
struct hec_rule_unknown {
    char word[HEC_NAME_MAX];
};

/**
 * Compiles one rule and adds it.
 *
 * @param plan     names the features and the columns that they stand in; used during the call only
 * @param unknown  receives the word when the status is HEC_NOT_FOUND
 * @return HEC_OK
 *         HEC_NOT_FOUND  there is no such feature or field
 *         HEC_INVALID    a mistake of grammar or of types, told with its column
 *         HEC_TOO_LARGE  too many rules, or the conditions are too long together
 */
HEC_CHECKED enum hec_status hec_rules_add(struct hec_rules *rules, const struct hec_plan *plan,
                                          const struct hec_rule_source *source,
                                          struct hec_rule_unknown *unknown,
                                          struct hec_error *error);

int hec_rules_count(const struct hec_rules *rules);
const struct hec_rule *hec_rules_at(const struct hec_rules *rules, int index);

/** The rules that an event meets: bit i for rule i. Allocates nothing.
 *
 * @param numerics  (F) the event's feature row, NaN = missing */
uint64_t hec_rules_match(const struct hec_rules *rules, const struct hec_event *event,
                         const float *numerics);

#endif
