/*
 * Conditions: a descent over the grammar that writes comparisons and joints into one flat list,
 * read back with a stack of bits.
 *
 *   amount_minor > 50000 and not (mcc in ('6051', '4829'))
 *   ->  [amount_minor > 50000] [mcc == '6051'] [mcc == '4829'] or not and
 */
#include "hecate/rules.h"

#include <assert.h>
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define STEPS_MAX 2048 /* of all rules together */
#define TEXTS_MAX 8192
#define DEPTH_MAX 32 /* of brackets: the stack of bits is one word of 64 */

enum operand { OPERAND_FEATURE, OPERAND_FIELD, OPERAND_TYPE, OPERAND_NUMBER, OPERAND_TEXT };
enum test { TEST_LESS, TEST_LESS_EQUAL, TEST_MORE, TEST_MORE_EQUAL, TEST_EQUAL, TEST_UNEQUAL };
enum step_kind { STEP_COMPARE, STEP_HAS, STEP_NOT, STEP_AND, STEP_OR };

struct value {
    enum operand operand;
    bool is_text; /* else a number */
    int index;    /* column, field, or where the text begins */
    uint32_t length;
    double number;
};

struct step {
    enum step_kind kind;
    enum test test;
    struct value left, right;
};

struct hec_rules {
    struct hec_rule rules[HEC_RULES_MAX];
    int ends[HEC_RULES_MAX]; /* where each one's steps end; they begin where the one before ends */
    int count;
    struct step steps[STEPS_MAX];
    int steps_count;
    char texts[TEXTS_MAX];
    size_t texts_used;
};

enum hec_status hec_rules_new(struct hec_rules **ret)
{
    *ret = calloc(1, sizeof(**ret));
    return *ret == NULL ? HEC_NO_MEMORY : HEC_OK;
}

void hec_rules_free(struct hec_rules *rules)
{
    free(rules);
}

const char *hec_rule_action_name(enum hec_action action)
{
    return action == HEC_ACTION_ALLOW ? "evidence" : hec_action_name(action);
}

int hec_rules_count(const struct hec_rules *rules)
{
    return rules->count;
}

const struct hec_rule *hec_rules_at(const struct hec_rules *rules, int index)
{
    assert(index >= 0 && index < rules->count);
    return &rules->rules[index];
}

/* ---- Reading --------------------------------------------------------------------------------- */

struct reader {
    struct hec_rules *rules;
    const struct hec_plan *plan;
    const char *from, *at;
    int depth, unread; /* brackets around this place; bits that will lie on the stack here */
    enum hec_status status;
    struct hec_rule_unknown *unknown;
    struct hec_error *error;
};

static void refuse(struct reader *r, enum hec_status status, const char *what)
{
    if (r->status == HEC_OK) {
        r->status = hec_fail(r->error, status, "column %d: %s", (int)(r->at - r->from) + 1, what);
    }
}

static void skip(struct reader *r)
{
    r->at += strspn(r->at, " \t\n");
}

static bool is_word_byte(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '.';
}

static size_t word_length(const char *at)
{
    size_t length = 0;
    while (is_word_byte(at[length])) {
        length++;
    }
    return length;
}

/* Takes a word or sign if it stands here. */
static bool take(struct reader *r, const char *token)
{
    skip(r);
    size_t length = strlen(token);
    bool word = isalpha((unsigned char)token[0]);
    if (r->status != HEC_OK || strncmp(r->at, token, length) != 0 ||
        (word && is_word_byte(r->at[length]))) {
        return false;
    }
    r->at += length;
    return true;
}

static void put(struct reader *r, const struct step *step)
{
    if (r->status == HEC_OK && r->rules->steps_count == STEPS_MAX) {
        refuse(r, HEC_TOO_LARGE, "the conditions of all rules together are too long");
    }
    r->unread += step->kind == STEP_COMPARE || step->kind == STEP_HAS ? 1
                 : step->kind == STEP_NOT                             ? 0
                                                                      : -1;
    if (r->status == HEC_OK && r->unread > 60) {
        refuse(r, HEC_TOO_LARGE, "the condition is nested too deeply");
    }
    if (r->status == HEC_OK) {
        r->rules->steps[r->rules->steps_count++] = *step;
    }
}

static int column_of(const struct hec_plan *plan, const char *name, size_t length)
{
    const struct hec_schema *schema = hec_plan_schema(plan);
    for (int c = 0; c < hec_plan_numerics(plan); c++) {
        const char *own = schema->features[hec_plan_numeric_feature(plan, c)].name;
        if (strlen(own) == length && memcmp(own, name, length) == 0) {
            return c;
        }
    }
    return -1;
}

/* A name, of a field first: where a feature has the same name it only repeats what the event says.
 */
static void read_name(struct reader *r, struct value *value)
{
    size_t length = word_length(r->at);
    const char *name = r->at;
    int column = column_of(r->plan, name, length);
    enum hec_field field = hec_field_named(name, length);
    if (length == strlen("event_type") && memcmp(name, "event_type", length) == 0) {
        *value = (struct value){ .operand = OPERAND_TYPE, .is_text = true };
    } else if (field != HEC_FIELDS) {
        *value = (struct value){ .operand = OPERAND_FIELD,
                                 .is_text = hec_field_info(field)->kind < HEC_INTEGER,
                                 .index = (int)field };
    } else if (column >= 0) {
        *value = (struct value){ .operand = OPERAND_FEATURE, .index = column };
    } else if (r->status == HEC_OK) {
        size_t kept = length < HEC_NAME_MAX ? length : HEC_NAME_MAX - 1;
        memcpy(r->unknown->word, name, kept);
        r->unknown->word[kept] = '\0';
        refuse(r, HEC_NOT_FOUND, "there is no feature and no field of that name");
    }
    r->at += length;
}

static void read_text(struct reader *r, struct value *value)
{
    const char *end = strchr(r->at + 1, '\'');
    if (end == NULL) {
        refuse(r, HEC_INVALID, "a text has no closing quote");
        return;
    }
    size_t length = (size_t)(end - r->at - 1);
    if (r->rules->texts_used + length > TEXTS_MAX) {
        refuse(r, HEC_TOO_LARGE, "the texts of all rules together are too long");
        return;
    }
    *value = (struct value){ .operand = OPERAND_TEXT,
                             .is_text = true,
                             .index = (int)r->rules->texts_used,
                             .length = (uint32_t)length };
    memcpy(r->rules->texts + r->rules->texts_used, r->at + 1, length);
    r->rules->texts_used += length;
    r->at = end + 1;
}

static void read_value(struct reader *r, struct value *value)
{
    skip(r);
    *value = (struct value){ .operand = OPERAND_NUMBER };
    if (r->status != HEC_OK) {
        return;
    }
    if (*r->at == '\'') {
        read_text(r, value);
    } else if (take(r, "true")) {
        value->number = 1;
    } else if (take(r, "false")) {
        value->number = 0;
    } else if (isalpha((unsigned char)*r->at)) {
        read_name(r, value);
    } else {
        char *end;
        value->number = strtod(r->at, &end);
        if (end == r->at || !isfinite(value->number) || is_word_byte(*end)) {
            refuse(r, HEC_INVALID, "a number, a 'text', true, false or a name is expected");
        }
        r->at = end;
    }
}

static void compare(struct reader *r, const struct value *left, enum test test)
{
    struct step step = { .kind = STEP_COMPARE, .test = test, .left = *left };
    read_value(r, &step.right);
    if (r->status == HEC_OK && step.right.is_text != left->is_text) {
        refuse(r, HEC_INVALID,
               left->is_text ? "this is a text, and is compared with a 'text'"
                             : "this is a number, and is compared with a number");
    }
    if (left->is_text && test != TEST_EQUAL && test != TEST_UNEQUAL) {
        refuse(r, HEC_INVALID, "a text is only equal (==) or not (!=)");
    }
    put(r, &step);
}

static void read_list(struct reader *r, const struct value *left)
{
    int count = 0;
    if (!take(r, "(")) {
        refuse(r, HEC_INVALID, "in is followed by a list in brackets");
    }
    do {
        compare(r, left, TEST_EQUAL);
        if (count++ > 0) {
            put(r, &(struct step){ .kind = STEP_OR });
        }
    } while (take(r, ","));
    if (!take(r, ")")) {
        refuse(r, HEC_INVALID, "a list ends with )");
    }
}

static void read_test(struct reader *r)
{
    /* The longer sign first. */
    static const struct {
        const char *sign;
        enum test test;
    } SIGNS[] = { { "<=", TEST_LESS_EQUAL }, { "<", TEST_LESS },   { ">=", TEST_MORE_EQUAL },
                  { ">", TEST_MORE },        { "==", TEST_EQUAL }, { "!=", TEST_UNEQUAL } };
    struct value left = { 0 };
    skip(r);
    if (!isalpha((unsigned char)*r->at)) {
        refuse(r, HEC_INVALID, "the name of a feature or of a field is expected");
        return;
    }
    read_name(r, &left);
    for (size_t i = 0; i < sizeof(SIGNS) / sizeof(SIGNS[0]); i++) {
        if (take(r, SIGNS[i].sign)) {
            compare(r, &left, SIGNS[i].test);
            return;
        }
    }
    if (take(r, "in")) {
        read_list(r, &left);
        return;
    }
    refuse(r, HEC_INVALID, "one of < <= > >= == != or in is expected");
}

static void read_condition(struct reader *r);

static void read_part(struct reader *r)
{
    if (r->depth > DEPTH_MAX) {
        refuse(r, HEC_TOO_LARGE, "the condition is nested too deeply");
    }
    if (r->status != HEC_OK) {
        return;
    }
    r->depth++;
    if (take(r, "not")) {
        read_part(r);
        put(r, &(struct step){ .kind = STEP_NOT });
    } else if (take(r, "(")) {
        read_condition(r);
        if (!take(r, ")")) {
            refuse(r, HEC_INVALID, ") is missing");
        }
    } else if (take(r, "has")) {
        struct step step = { .kind = STEP_HAS };
        skip(r);
        read_name(r, &step.left);
        put(r, &step);
    } else {
        read_test(r);
    }
    r->depth--;
}

static void read_all(struct reader *r)
{
    read_part(r);
    while (take(r, "and")) {
        read_part(r);
        put(r, &(struct step){ .kind = STEP_AND });
    }
}

static void read_condition(struct reader *r)
{
    read_all(r);
    while (take(r, "or")) {
        read_all(r);
        put(r, &(struct step){ .kind = STEP_OR });
    }
}

static bool keep(char *to, size_t bytes, const char *from)
{
    size_t length = strlen(from);
    if (length >= bytes) {
        return false;
    }
    memcpy(to, from, length + 1);
    return true;
}

enum hec_status hec_rules_add(struct hec_rules *rules, const struct hec_plan *plan,
                              const struct hec_rule_source *source,
                              struct hec_rule_unknown *unknown, struct hec_error *error)
{
    if (rules->count == HEC_RULES_MAX) {
        return hec_fail(error, HEC_TOO_LARGE, "there are more than %d rules", HEC_RULES_MAX);
    }
    struct hec_rule *rule = &rules->rules[rules->count];
    if (source->name[0] == '\0' || !keep(rule->name, sizeof(rule->name), source->name) ||
        !keep(rule->text, sizeof(rule->text), source->text) ||
        !keep(rule->head, sizeof(rule->head), source->head)) {
        return hec_fail(error, HEC_INVALID,
                        "a rule has a name of 1 .. %d bytes and a text of at "
                        "most %d",
                        HEC_RULE_NAME_MAX - 1, HEC_RULE_TEXT_MAX - 1);
    }
    rule->action = source->action;
    struct reader reader = { .rules = rules,
                             .plan = plan,
                             .from = source->when,
                             .at = source->when,
                             .unknown = unknown,
                             .error = error };
    int steps_before = rules->steps_count;
    size_t texts_before = rules->texts_used;
    read_condition(&reader);
    skip(&reader);
    if (*reader.at != '\0') {
        refuse(&reader, HEC_INVALID, "the condition is over here, but there is more text");
    }
    if (reader.status != HEC_OK) {
        rules->steps_count = steps_before;
        rules->texts_used = texts_before;
        return reader.status;
    }
    rules->ends[rules->count++] = rules->steps_count;
    return HEC_OK;
}

/* ---- Evaluating ------------------------------------------------------------------------------ */

struct facts {
    const struct hec_rules *rules;
    const struct hec_event *event;
    const float *numerics;
};

/* False when it is not there. */
static bool number_of(const struct facts *facts, const struct value *value, double *number)
{
    *number = value->number;
    if (value->operand == OPERAND_FEATURE) {
        *number = (double)facts->numerics[value->index];
        return !isnan(*number);
    }
    if (value->operand == OPERAND_FIELD) {
        const union hec_value *field = &facts->event->value[value->index];
        bool real = hec_field_info((enum hec_field)value->index)->kind == HEC_NUMBER;
        *number = real ? field->number : (double)field->integer;
        return hec_event_has(facts->event, (enum hec_field)value->index);
    }
    return true;
}

static bool text_of(const struct facts *facts, const struct value *value, const char **bytes,
                    size_t *length)
{
    switch (value->operand) {
    case OPERAND_TYPE:
        *bytes = hec_event_type_name(facts->event->type);
        *length = strlen(*bytes);
        return true;
    case OPERAND_FIELD:
        *bytes = facts->event->value[value->index].text.bytes;
        *length = facts->event->value[value->index].text.length;
        return hec_event_has(facts->event, (enum hec_field)value->index);
    default:
        *bytes = facts->rules->texts + value->index;
        *length = value->length;
        return true;
    }
}

static bool texts_hold(const struct facts *facts, const struct step *step)
{
    const char *left, *right;
    size_t left_length, right_length;
    if (!text_of(facts, &step->left, &left, &left_length) ||
        !text_of(facts, &step->right, &right, &right_length)) {
        return false;
    }
    bool same =
        left_length == right_length && (left_length == 0 || memcmp(left, right, left_length) == 0);
    return same == (step->test == TEST_EQUAL);
}

static bool numbers_hold(const struct facts *facts, const struct step *step)
{
    double left, right;
    if (!number_of(facts, &step->left, &left) || !number_of(facts, &step->right, &right)) {
        return false;
    }
    switch (step->test) {
    case TEST_LESS: return left < right;
    case TEST_LESS_EQUAL: return left <= right;
    case TEST_MORE: return left > right;
    case TEST_MORE_EQUAL: return left >= right;
    case TEST_EQUAL: return !(left < right) && !(left > right);
    default: return left < right || left > right;
    }
}

static bool is_there(const struct facts *facts, const struct value *value)
{
    double number;
    return value->operand == OPERAND_TYPE ||
           (value->operand == OPERAND_FIELD &&
            hec_event_has(facts->event, (enum hec_field)value->index)) ||
           (value->operand == OPERAND_FEATURE && number_of(facts, value, &number));
}

/* The stack lies in one word, its top in the lowest bit. */
static uint64_t run_step(const struct facts *facts, const struct step *step, uint64_t stack)
{
    switch (step->kind) {
    case STEP_COMPARE:
        return stack << 1 |
               (step->left.is_text ? texts_hold(facts, step) : numbers_hold(facts, step));
    case STEP_HAS: return stack << 1 | is_there(facts, &step->left);
    case STEP_NOT: return stack ^ 1;
    case STEP_AND: return stack >> 1 & ((stack & 1) | ~UINT64_C(1));
    default: return stack >> 1 | (stack & 1);
    }
}

uint64_t hec_rules_match(const struct hec_rules *rules, const struct hec_event *event,
                         const float *numerics)
{
    struct facts facts = { rules, event, numerics };
    uint64_t hits = 0;
    int step = 0;
    for (int rule = 0; rule < rules->count; rule++) {
        uint64_t stack = 0;
        for (; step < rules->ends[rule]; step++) {
            stack = run_step(&facts, &rules->steps[step], stack);
        }
        hits |= (stack & 1) << rule;
    }
    return hits;
}
