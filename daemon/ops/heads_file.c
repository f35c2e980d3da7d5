/* heads.conf into hec_head, key by key; what the model itself would refuse is left to it. */
#include "ops/heads_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hecate/event.h"
#include "hecate/network.h"
#include "ops/conf.h"
#include "ops/problems.h"

#define FILE_BYTES_MAX (1 << 20)
#define HOUR_MS INT64_C(3600000)

static const struct hec_heads_key KEYS[] = {
    { "table", "numeric", "The columns that are numbers. All others are categories." },
    { "table", "ignore", "The columns that are neither inputs nor labels." },
    { "head", "kind", "binary (default), novelty, or regression: a number, on positives only." },
    { "head", "events", "The event types it judges. Default every scored one." },
    { "head", "positive",
      "The fraud types that are its own: \"EVENT CODE CODE\", with * for every event." },
    { "head", "positive_except", "The same for all fraud types but these." },
    { "head", "others",
      "What a fraud is here that is another head's: unknown (default: left out) or negative." },
    { "head", "label_delay", "How long a label may take: 7d, 36h. Default 7d." },
    { "head", "weight", "Its loss weight, with --task-weighting fixed. Default 1." },
    { "head", "loss", "bce, focal or weighted, of a binary head. Default what --loss says." },
    { "head", "show", "yes (default), or no: it helps in training and is not in the model." },
    { "head", "column", "Of a table: the column that holds its label." },
    { "head", "values", "Of a table: the values that are positive; none for regression." },
    { NULL, NULL, NULL },
};
static const char *const TABLE_LISTS[] = { "numeric", "ignore", NULL };
static const char *const HEAD_LISTS[] = { "events", "positive", "positive_except", "values", NULL };
static const struct hec_conf_section SECTIONS[] = {
    { .name = "table", .lists = TABLE_LISTS },
    { .name = "head", .titled = true, .lists = HEAD_LISTS },
    { .name = NULL },
};

const struct hec_heads_key *hec_heads_keys(void)
{
    return KEYS;
}

struct parsing {
    const char *name;
    struct hec_heads_file *file;
    struct hec_problems *problems;
};

static void refuse(const struct parsing *p, const struct hec_conf_item *item, const char *expected)
{
    hec_problems_add(p->problems, HEC_INVALID, "%s:%d: %s%s%s must be %s, not \"%s\"", p->name,
                     item->line, item->key, item->title[0] ? " of head " : "", item->title,
                     expected, item->value);
}

static bool keep(const struct parsing *p, const struct hec_conf_item *item, char *to, int *count,
                 int most)
{
    if (*count == most || strlen(item->value) >= HEC_HEADS_TEXT_MAX) {
        hec_problems_add(p->problems, HEC_INVALID,
                         "%s:%d: %s takes at most %d texts of up to %d bytes", p->name, item->line,
                         item->key, most, HEC_HEADS_TEXT_MAX - 1);
        return false;
    }
    strcpy(to + (size_t)(*count)++ * HEC_HEADS_TEXT_MAX, item->value);
    return true;
}

/* The mask of an event type's name; every scored one for "*"; 0 for none. */
static uint32_t events_of(const char *name, size_t length)
{
    if (length == 1 && name[0] == '*') {
        return (1u << HEC_SCORED_TYPES) - 1;
    }
    enum hec_event_type type = hec_event_type_named(name, length);
    return type != HEC_EVENT_TYPES && hec_event_is_scored(type) ? 1u << type : 0;
}

/* "EVENT CODE CODE" */
static void take_rule(const struct parsing *p, const struct hec_conf_item *item,
                      struct hec_head *head, bool listed_count)
{
    struct hec_head_rule rule = { .listed_count = listed_count };
    const char *at = item->value;
    size_t length = strcspn(at, " ");
    rule.event_types = events_of(at, length);
    bool good = rule.event_types != 0 && head->rules_count < HEC_HEAD_RULES_MAX;
    for (at += length; good && *(at += strspn(at, " ")) != '\0'; at += length) {
        length = strcspn(at, " ");
        good = length < HEC_FRAUD_TYPE_MAX && rule.types_count < HEC_FRAUD_TYPES_MAX;
        if (good) {
            memcpy(rule.types[rule.types_count++], at, length);
        }
    }
    if (!good) {
        refuse(
            p, item,
            "\"EVENT CODE CODE\": a scored event type or *, then up to 12 fraud types of up to 8 "
            "characters, in up to 4 rules");
        return;
    }
    head->rules[head->rules_count++] = rule;
}

static void take_delay(const struct parsing *p, const struct hec_conf_item *item,
                       struct hec_head *head)
{
    char *end;
    double number = strtod(item->value, &end);
    int64_t unit_ms = strcmp(end, "d") == 0 ? 24 * HOUR_MS : strcmp(end, "h") == 0 ? HOUR_MS : 0;
    if (end == item->value || unit_ms == 0 || !(number >= 0) || number > 3650) {
        refuse(p, item, "days or hours, such as 7d or 36h");
        return;
    }
    head->label_delay_ms = (int64_t)(number * (double)unit_ms);
}

/* One of two words. */
static bool choose(const struct parsing *p, const struct hec_conf_item *item, const char *no,
                   const char *yes)
{
    char expected[64];
    snprintf(expected, sizeof(expected), "%s or %s", no, yes);
    if (strcmp(item->value, no) != 0 && strcmp(item->value, yes) != 0) {
        refuse(p, item, expected);
    }
    return strcmp(item->value, yes) == 0;
}

static void take_events(const struct parsing *p, const struct hec_conf_item *item,
                        struct hec_head *head, bool *told)
{
    uint32_t mask = events_of(item->value, strlen(item->value));
    if (mask == 0) {
        refuse(p, item, "scored event types");
    }
    head->event_types = (*told ? head->event_types : 0) | mask;
    *told = true;
}

static void take_weight(const struct parsing *p, const struct hec_conf_item *item,
                        struct hec_head *head)
{
    char *end;
    double number = strtod(item->value, &end);
    if (end == item->value || *end != '\0' || !(number >= 0) || number > 1e6) {
        refuse(p, item, "a number of 0 .. 1000000");
        return;
    }
    head->loss_weight = (float)number;
}

static void take_loss(const struct parsing *p, const struct hec_conf_item *item,
                      struct hec_head *head)
{
    int loss = hec_name_find(hec_loss_names, item->value);
    if (loss < 0) {
        refuse(p, item, "bce, focal or weighted");
        return;
    }
    head->loss = (uint8_t)(1 + loss);
}

static void take_kind(const struct parsing *p, const struct hec_conf_item *item,
                      struct hec_head *head)
{
    static const char *const kinds[] = { [HEC_HEAD_BINARY] = "binary",
                                         [HEC_HEAD_NOVELTY] = "novelty",
                                         [HEC_HEAD_REGRESSION] = "regression",
                                         NULL };
    int kind = hec_name_find(kinds, item->value);
    if (kind < 0) {
        refuse(p, item, "binary, novelty or regression");
        return;
    }
    head->kind = (enum hec_head_kind)kind;
}

static void take_head(const struct parsing *p, const struct hec_conf_item *item, int k, bool *told)
{
    struct hec_heads_file *file = p->file;
    struct hec_head *head = &file->heads[k];
    const char *key = item->key;
    int one = 0;
    if (strcmp(key, "kind") == 0) {
        take_kind(p, item, head);
    } else if (strcmp(key, "events") == 0) {
        take_events(p, item, head, told);
    } else if (strncmp(key, "positive", 8) == 0) {
        take_rule(p, item, head, strcmp(key, "positive") == 0);
    } else if (strcmp(key, "others") == 0) {
        head->others_are_negative = choose(p, item, "unknown", "negative");
    } else if (strcmp(key, "label_delay") == 0) {
        take_delay(p, item, head);
    } else if (strcmp(key, "weight") == 0) {
        take_weight(p, item, head);
    } else if (strcmp(key, "loss") == 0) {
        take_loss(p, item, head);
    } else if (strcmp(key, "show") == 0) {
        head->hidden = !choose(p, item, "no", "yes");
    } else if (strcmp(key, "column") == 0) {
        keep(p, item, file->column[k], &one, 1);
    } else {
        keep(p, item, file->values[k][0], &file->values_count[k], HEC_HEADS_VALUES_MAX);
    }
}

/* Known in this section, or told with the nearest. */
static bool is_key(const struct parsing *p, const struct hec_conf_item *item)
{
    const char *names[sizeof(KEYS) / sizeof(KEYS[0])] = { NULL };
    int count = 0;
    for (const struct hec_heads_key *key = KEYS; key->name != NULL; key++) {
        if (strcmp(key->section, item->section) == 0) {
            names[count++] = key->name;
            if (strcmp(key->name, item->key) == 0) {
                return true;
            }
        }
    }
    const char *near = hec_nearest(item->key, names);
    hec_problems_add(p->problems, HEC_INVALID, "%s:%d: unknown key \"%s\"%s%s%s", p->name,
                     item->line, item->key, near ? " (did you mean \"" : "", near ? near : "",
                     near ? "\"?)" : "");
    return false;
}

/* The head of this title, made when it is new; -1 when there is no room. */
static int head_of(const struct parsing *p, const struct hec_conf_item *item)
{
    struct hec_heads_file *file = p->file;
    for (int k = 0; k < file->count; k++) {
        if (strcmp(file->heads[k].name, item->title) == 0) {
            return k;
        }
    }
    if (file->count == HEC_HEADS_MAX || strlen(item->title) >= HEC_HEAD_NAME_MAX) {
        hec_problems_add(p->problems, HEC_INVALID,
                         "%s:%d: head %.60s: there can be %d heads with names of up to %d bytes",
                         p->name, item->line, item->title, HEC_HEADS_MAX, HEC_HEAD_NAME_MAX - 1);
        return -1;
    }
    struct hec_head *head = &file->heads[file->count];
    *head = (struct hec_head){ .event_types = (1u << HEC_SCORED_TYPES) - 1,
                               .label_delay_ms = 7 * 24 * HOUR_MS,
                               .loss_weight = 1 };
    strcpy(head->name, item->title);
    file->line[file->count] = item->line;
    return file->count++;
}

static void take_items(const struct parsing *p, const struct hec_conf *conf)
{
    struct hec_heads_file *file = p->file;
    bool told[HEC_HEADS_MAX] = { false };
    for (size_t i = 0; i < conf->count; i++) {
        const struct hec_conf_item *item = &conf->items[i];
        int k = strcmp(item->section, "head") == 0 ? head_of(p, item) : -1;
        if (item->key == NULL || !is_key(p, item)) {
            continue;
        }
        if (k >= 0) {
            take_head(p, item, k, &told[k]);
        } else if (strcmp(item->key, "numeric") == 0) {
            keep(p, item, file->numeric[0], &file->numeric_count, HEC_HEADS_COLUMNS_MAX);
        } else if (strcmp(item->key, "ignore") == 0) {
            keep(p, item, file->ignore[0], &file->ignore_count, HEC_HEADS_COLUMNS_MAX);
        }
    }
}

/* What makes a binary head positive must be said, in one of the two ways. */
static void check(const struct parsing *p)
{
    for (int k = 0; k < p->file->count; k++) {
        const struct hec_head *head = &p->file->heads[k];
        bool table = p->file->column[k][0] != '\0';
        if (head->kind == HEC_HEAD_NOVELTY ? head->hidden : head->rules_count == 0 && !table) {
            hec_problems_add(p->problems, HEC_INVALID,
                             head->kind == HEC_HEAD_NOVELTY
                                 ? "%s:%d: head %s: a novelty head cannot be hidden"
                                 : "%s:%d: head %s: nothing makes it positive; give it positive or "
                                   "positive_except, or column and values for a table",
                             p->name, p->file->line[k], head->name);
        }
        bool regression = head->kind == HEC_HEAD_REGRESSION;
        if (head->kind != HEC_HEAD_BINARY && head->loss > 0) {
            hec_problems_add(p->problems, HEC_INVALID,
                             "%s:%d: head %s: loss is of binary heads; novelty and regression "
                             "learn by squared errors",
                             p->name, p->file->line[k], head->name);
        }
        if (regression && !table && !head->hidden) {
            hec_problems_add(p->problems, HEC_INVALID,
                             "%s:%d: head %s: the amount of a fraud is not known when an alert is "
                             "due; a regression head over events needs show = no",
                             p->name, p->file->line[k], head->name);
        }
        if (table && !regression && p->file->values_count[k] == 0) {
            hec_problems_add(p->problems, HEC_INVALID,
                             "%s:%d: head %s has a column but no values that are positive", p->name,
                             p->file->line[k], head->name);
        }
    }
    if (p->file->count == 0) {
        hec_problems_add(p->problems, HEC_INVALID, "%s: there is no head in it", p->name);
    }
}

/* Hidden ones go last: what the model keeps are the first ones. */
static void sort(struct hec_heads_file *file, struct hec_heads_file *sorted)
{
    *sorted = *file;
    int at = 0;
    for (int hidden = 0; hidden < 2; hidden++) {
        for (int k = 0; k < file->count; k++) {
            if (file->heads[k].hidden == (hidden == 1)) {
                sorted->heads[at] = file->heads[k];
                sorted->line[at] = file->line[k];
                sorted->values_count[at] = file->values_count[k];
                memcpy(sorted->column[at], file->column[k], sizeof(file->column[k]));
                memcpy(sorted->values[at], file->values[k], sizeof(file->values[k]));
                at++;
            }
        }
    }
}

static enum hec_status parse(const char *name, const char *text, struct hec_heads_file *file,
                             struct hec_error *error)
{
    struct hec_problems *problems = calloc(1, sizeof(*problems));
    struct hec_heads_file *given = calloc(1, sizeof(*given));
    struct hec_conf conf = { 0 };
    if (problems == NULL || given == NULL) {
        free(problems);
        free(given);
        return hec_fail(error, HEC_NO_MEMORY, "%s: memory is exhausted", name);
    }
    struct parsing parsing = { name, given, problems };
    enum hec_status status = hec_conf_read(&conf, name, text, SECTIONS, problems);
    if (status == HEC_OK) {
        take_items(&parsing, &conf);
        check(&parsing);
        status = hec_problems_status(problems);
    }
    if (status == HEC_OK) {
        sort(given, file);
    } else if (error != NULL && problems->count > 0) {
        *error = problems->rows[0];
    }
    hec_conf_free(&conf);
    free(problems);
    free(given);
    return status;
}

enum hec_status hec_heads_text_parse(const char *text, struct hec_heads_file *file,
                                     struct hec_error *error)
{
    return parse("heads", text, file, error);
}

enum hec_status hec_heads_file_load(const char *path, struct hec_heads_file *file,
                                    struct hec_error *error)
{
    char *text = NULL;
    enum hec_status status = hec_text_read(&text, path, FILE_BYTES_MAX, error);
    if (status == HEC_OK) {
        status = parse(path, text, file, error);
    }
    free(text);
    return status;
}
