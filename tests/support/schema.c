/*
 * The grammar of features.conf in a page of code; see schema.h.
 */
#include "schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/source_root.h" /* written by meson */

struct scanner {
    const char *at;
    char word[256];
};

static void give_up(const char *why, const char *word)
{
    fprintf(stderr, "test schema: %s: %s\n", why, word);
    abort();
}

/* The next word or sign in scanner->word; empty at the end. */
static const char *next(struct scanner *scanner)
{
    char *out = scanner->word;
    for (;;) {
        scanner->at += strspn(scanner->at, " \t\r\n");
        if (*scanner->at != '#') {
            break;
        }
        scanner->at += strcspn(scanner->at, "\n");
    }
    if (*scanner->at == '"') {
        for (scanner->at++; *scanner->at != '"'; scanner->at++) {
            scanner->at += *scanner->at == '\\';
            if (*scanner->at == '\0' || out == scanner->word + sizeof(scanner->word) - 1) {
                give_up("string without end", scanner->word);
            }
            *out++ = *scanner->at;
        }
        scanner->at++;
    } else if (strchr("{}=,", *scanner->at) != NULL) {
        if (*scanner->at != '\0') {
            *out++ = *scanner->at++;
        }
    } else {
        size_t n = strcspn(scanner->at, " \t\r\n{}=,\"#");
        memcpy(out, scanner->at, n);
        out += n;
        scanner->at += n;
    }
    *out = '\0';
    return scanner->word;
}

static void expect(struct scanner *scanner, const char *sign)
{
    if (strcmp(next(scanner), sign) != 0) {
        give_up("expected another sign than", scanner->word);
    }
}

static void filter_list(struct scanner *scanner, struct hec_filter *filter, bool events)
{
    expect(scanner, "{");
    do {
        struct hec_error error;
        next(scanner);
        if (events) {
            enum hec_event_type type = hec_event_type_named(scanner->word, strlen(scanner->word));
            if (type == HEC_EVENT_TYPES) {
                give_up("no such event", scanner->word);
            }
            filter->event_types |= 1u << type;
        } else if (hec_predicate_parse(&filter->predicates[filter->predicates_count++],
                                       scanner->word, &error) != HEC_OK) {
            give_up("predicate", error.text);
        }
    } while (strcmp(next(scanner), ",") == 0);
}

static void filter(struct scanner *scanner, struct hec_schema *schema)
{
    struct hec_filter *filter = &schema->filters[schema->filters_count++];
    snprintf(filter->name, sizeof(filter->name), "%.47s", next(scanner));
    expect(scanner, "{");
    while (strcmp(next(scanner), "}") != 0) {
        bool events = strcmp(scanner->word, "events") == 0;
        expect(scanner, "=");
        filter_list(scanner, filter, events);
    }
    if (filter->event_types == 0) {
        filter->event_types = (1u << HEC_SCORED_TYPES) - 1;
    }
}

static void heads(struct scanner *scanner, struct hec_feature *feature)
{
    feature->heads = 0;
    expect(scanner, "{");
    do {
        next(scanner);
        for (int bit = 0; hec_feature_head_name(bit) != NULL; bit++) {
            if (strcmp(hec_feature_head_name(bit), scanner->word) == 0) {
                feature->heads |= 1u << bit;
            }
        }
    } while (strcmp(next(scanner), ",") == 0);
}

static void option(struct scanner *scanner, struct hec_schema *schema, struct hec_feature *feature)
{
    char key[32];
    snprintf(key, sizeof(key), "%.31s", scanner->word);
    expect(scanner, "=");
    if (strcmp(key, "heads") == 0) {
        heads(scanner, feature);
        return;
    }
    const char *word = next(scanner);
    if (strcmp(key, "aggregate") == 0) {
        feature->aggregate = hec_aggregate_named(word);
    } else if (strcmp(key, "entity") == 0) {
        feature->entity = hec_kind_named(word, strlen(word));
    } else if (strncmp(key, "filter", 6) == 0) {
        int found = hec_schema_filter_named(schema, word);
        if (found < 0) {
            give_up("no such filter", word);
        }
        *(key[6] == '3'   ? &feature->filter3
          : key[6] == '2' ? &feature->filter2
                          : &feature->filter) = found;
    } else if (strcmp(key, "field") == 0) {
        if (!hec_feature_set_field(feature, word)) {
            give_up("no such field", word);
        }
    } else if (strcmp(key, "window") == 0) {
        feature->window_ms = hec_duration_ms(word);
    } else if (strcmp(key, "window2") == 0) {
        feature->window2_ms = hec_duration_ms(word);
    } else if (strcmp(key, "prior") == 0) {
        feature->prior = strtod(word, NULL);
    } else if (strcmp(key, "prior_weight") == 0) {
        feature->prior_weight = strtod(word, NULL);
    } else if (strcmp(key, "delay") == 0) {
        feature->delay_ms = hec_duration_ms(word);
    } else if (strcmp(key, "missing") == 0) {
        feature->missing = strtod(word, NULL);
    } else if (strcmp(key, "reason") == 0) {
        snprintf(feature->reason_code, sizeof(feature->reason_code), "%.15s", word);
    } else if (strcmp(key, "text") == 0) {
        snprintf(feature->text, sizeof(feature->text), "%.119s", word);
    } else {
        give_up("no such option", key);
    }
}

static void feature(struct scanner *scanner, struct hec_schema *schema)
{
    struct hec_feature *feature = &schema->features[schema->features_count++];
    hec_feature_init(feature);
    snprintf(feature->name, sizeof(feature->name), "%.47s", next(scanner));
    expect(scanner, "{");
    while (strcmp(next(scanner), "}") != 0) {
        option(scanner, schema, feature);
    }
}

static void rate(struct scanner *scanner, struct hec_schema *schema)
{
    snprintf(schema->rates[schema->rates_count].code, 4, "%.3s", next(scanner));
    expect(scanner, "{");
    expect(scanner, "per_unit");
    expect(scanner, "=");
    schema->rates[schema->rates_count++].rate = strtod(next(scanner), NULL);
    expect(scanner, "}");
}

struct hec_schema *schema_of(const char *text)
{
    struct scanner scanner = { .at = text };
    struct hec_schema *schema = malloc(sizeof(*schema));
    if (schema == NULL) {
        abort();
    }
    hec_schema_init(schema);
    while (*next(&scanner) != '\0') {
        if (strcmp(scanner.word, "filter") == 0) {
            filter(&scanner, schema);
        } else if (strcmp(scanner.word, "feature") == 0) {
            feature(&scanner, schema);
        } else if (strcmp(scanner.word, "rate") == 0) {
            rate(&scanner, schema);
        } else {
            char key[32];
            snprintf(key, sizeof(key), "%.31s", scanner.word);
            expect(&scanner, "=");
            const char *word = next(&scanner);
            if (strcmp(key, "currency") == 0) {
                snprintf(schema->currency, 4, "%.3s", word);
            } else if (strcmp(key, "allowed_lateness_ms") == 0) {
                schema->allowed_lateness_ms = strtoll(word, NULL, 10);
            } else if (strcmp(key, "dedup_window_s") == 0) {
                schema->dedup_window_s = strtoll(word, NULL, 10);
            } else {
                give_up("no such setting", key);
            }
        }
    }
    return schema;
}

struct hec_schema *schema_of_file(const char *path)
{
    char whole[512];
    snprintf(whole, sizeof(whole), "%s/%s", HEC_SOURCE_ROOT, path);
    FILE *file = fopen(whole, "rb");
    static char text[256 * 1024];
    if (file == NULL) {
        give_up("cannot open", whole);
        return NULL;
    }
    size_t length = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[length] = '\0';
    return schema_of(text);
}

static struct hec_plan *compiled(struct hec_schema *schema)
{
    struct hec_plan *plan = NULL;
    struct hec_error error = { 0 };
    if (hec_plan_new(&plan, schema, &error) != HEC_OK) {
        give_up("plan", error.text);
    }
    free(schema);
    return plan;
}

struct hec_plan *plan_of(const char *text)
{
    return compiled(schema_of(text));
}

struct hec_plan *plan_of_file(const char *path)
{
    return compiled(schema_of_file(path));
}
