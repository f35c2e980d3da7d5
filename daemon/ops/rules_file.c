/* rules.conf into compiled rules: the keys here, the conditions in core. */
#include "ops/rules_file.h"

#include <stdlib.h>
#include <string.h>

#include "ops/conf.h"

#define FILE_BYTES_MAX (1 << 20)

static const struct hec_rules_key KEYS[] = {
    { "when", "The condition: comparisons of features and event fields, with and, or, not." },
    { "outcome", "evidence, step_up, review (default), hold or block. A rule raises an outcome, it "
                 "never lowers one; evidence only stands in the alerts of the event." },
    { "text", "What it means, for people." },
    { "head", "Whose alert it raises. Default the first head that judges the event." },
    { NULL, NULL },
};
static const struct hec_conf_section SECTIONS[] = {
    { .name = "rule", .titled = true },
    { .name = NULL },
};

const struct hec_rules_key *hec_rules_keys(void)
{
    return KEYS;
}

struct parsing {
    const char *name;
    const struct hec_plan *plan;
    const struct hec_model_info *model;
    struct hec_rules *rules;
    struct hec_problems *problems;
    /* The rule that is being read, and the lines that its mistakes are told with. */
    struct hec_rule_source source;
    int line, when_line;
};

static const char *or_empty(const char *text)
{
    return text == NULL ? "" : text;
}

/* "(did you mean ...)" among features, fields and event_type; NULL when nothing is near. */
static const char *near_word(const struct parsing *p, const char *word)
{
    const char *names[HEC_FEATURES_MAX + HEC_FIELDS + 2];
    int count = 0;
    for (int c = 0; c < hec_plan_numerics(p->plan); c++) {
        names[count++] =
            hec_plan_schema(p->plan)->features[hec_plan_numeric_feature(p->plan, c)].name;
    }
    for (int field = 0; field < HEC_FIELDS; field++) {
        names[count++] = hec_field_info((enum hec_field)field)->path;
    }
    names[count++] = "event_type";
    names[count] = NULL;
    return hec_nearest(word, names);
}

static void take_outcome(struct parsing *p, const struct hec_conf_item *item)
{
    const char *names[HEC_ACTIONS + 1] = { NULL };
    for (int action = 0; action < HEC_ACTIONS; action++) {
        names[action] = hec_rule_action_name((enum hec_action)action);
        if (strcmp(item->value, names[action]) == 0) {
            p->source.action = (enum hec_action)action;
            return;
        }
    }
    const char *near = hec_nearest(item->value, names);
    hec_problems_add(p->problems, HEC_INVALID,
                     "%s:%d: outcome of rule %s must be evidence, step_up, review, hold or block, "
                     "not \"%s\"%s%s%s",
                     p->name, item->line, item->title, item->value, near ? " (did you mean \"" : "",
                     near ? near : "", near ? "\"?)" : "");
}

static void take_head(struct parsing *p, const struct hec_conf_item *item)
{
    const char *names[HEC_HEADS_MAX + 1] = { NULL };
    p->source.head = item->value;
    for (int head = 0; head < p->model->heads_count; head++) {
        names[head] = p->model->heads[head].name;
        if (strcmp(item->value, names[head]) == 0) {
            return;
        }
    }
    const char *near = hec_nearest(item->value, names);
    hec_problems_add(p->problems, HEC_INVALID,
                     "%s:%d: the model has no head \"%s\" for rule %s%s%s%s", p->name, item->line,
                     item->value, item->title, near ? " (did you mean \"" : "", near ? near : "",
                     near ? "\"?)" : "");
}

static void take_key(struct parsing *p, const struct hec_conf_item *item)
{
    if (strcmp(item->key, "when") == 0) {
        p->source.when = item->value;
        p->when_line = item->line;
    } else if (strcmp(item->key, "text") == 0) {
        p->source.text = item->value;
    } else if (strcmp(item->key, "outcome") == 0) {
        take_outcome(p, item);
    } else if (strcmp(item->key, "head") == 0) {
        take_head(p, item);
    } else {
        const char *names[sizeof(KEYS) / sizeof(KEYS[0])] = { NULL };
        for (int i = 0; KEYS[i].name != NULL; i++) {
            names[i] = KEYS[i].name;
        }
        const char *near = hec_nearest(item->key, names);
        hec_problems_add(p->problems, HEC_INVALID, "%s:%d: unknown key \"%s\" in rule %s%s%s%s",
                         p->name, item->line, item->key, item->title,
                         near ? " (did you mean \"" : "", near ? near : "", near ? "\"?)" : "");
    }
}

/* The rule is whole: its section ended at line. */
static void end_rule(struct parsing *p, int line)
{
    struct hec_rule_unknown unknown;
    struct hec_error error = { 0 };
    if (p->source.when == NULL) {
        hec_problems_add(p->problems, HEC_INVALID, "%s:%d: rule %s has no condition: set when",
                         p->name, line, p->source.name);
        return;
    }
    p->source.text = or_empty(p->source.text);
    p->source.head = or_empty(p->source.head);
    enum hec_status status = hec_rules_add(p->rules, p->plan, &p->source, &unknown, &error);
    const char *near = status == HEC_NOT_FOUND ? near_word(p, unknown.word) : NULL;
    if (status == HEC_NOT_FOUND) {
        hec_problems_add(p->problems, HEC_INVALID,
                         "%s:%d: rule %s: %s: \"%s\"%s%s%s; hecate features list tells them all",
                         p->name, p->when_line, p->source.name, error.text, unknown.word,
                         near ? " (did you mean \"" : "", near ? near : "", near ? "\"?)" : "");
    } else if (status != HEC_OK) {
        hec_problems_add(p->problems, HEC_INVALID, "%s:%d: rule %s: %s", p->name, p->when_line,
                         p->source.name, error.text);
    }
}

static void take_items(struct parsing *p, const struct hec_conf *conf)
{
    for (size_t i = 0; i < conf->count; i++) {
        const struct hec_conf_item *item = &conf->items[i];
        bool fresh = p->source.name == NULL || strcmp(p->source.name, item->title) != 0;
        if (strcmp(item->section, "rule") != 0) {
            continue;
        }
        if (fresh) {
            p->source =
                (struct hec_rule_source){ .name = item->title, .action = HEC_ACTION_REVIEW };
        }
        if (item->key == NULL) {
            end_rule(p, item->line);
        } else {
            take_key(p, item);
        }
    }
}

enum hec_status hec_rules_text_parse(struct hec_rules **ret, const char *name, const char *text,
                                     const struct hec_plan *plan,
                                     const struct hec_model_info *model,
                                     struct hec_problems *problems)
{
    struct parsing parsing = { .name = name, .plan = plan, .model = model, .problems = problems };
    struct hec_conf conf = { 0 };
    int before = problems->count + problems->dropped;
    if (hec_rules_new(&parsing.rules) != HEC_OK) {
        hec_problems_add(problems, HEC_NO_MEMORY, "%s: memory is exhausted", name);
        return HEC_NO_MEMORY;
    }
    enum hec_status status = hec_conf_read(&conf, name, text, SECTIONS, problems);
    if (status == HEC_OK) {
        take_items(&parsing, &conf);
        status = problems->count + problems->dropped == before ? HEC_OK : HEC_INVALID;
    }
    hec_conf_free(&conf);
    if (status != HEC_OK) {
        hec_rules_free(parsing.rules);
        return status;
    }
    *ret = parsing.rules;
    return HEC_OK;
}

enum hec_status hec_rules_file_load(struct hec_rules **ret, const char *path,
                                    const struct hec_plan *plan, const struct hec_model_info *model,
                                    struct hec_error *error)
{
    char *text = NULL;
    enum hec_status status = hec_text_read(&text, path, FILE_BYTES_MAX, error);
    struct hec_problems *problems = calloc(1, sizeof(*problems));
    if (status == HEC_OK && problems == NULL) {
        status = hec_fail(error, HEC_NO_MEMORY, "%s: memory is exhausted", path);
    }
    if (status == HEC_OK) {
        status = hec_rules_text_parse(ret, path, text, plan, model, problems);
        if (status != HEC_OK && problems->count > 0 && error != NULL) {
            *error = problems->rows[0];
        }
    }
    free(problems);
    free(text);
    return status;
}
