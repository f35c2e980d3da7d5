/* hecate-features(5): what a person needs who adds a feature, from the tables that compile it. */
#include <string.h>

#include "cli/manual_inside.h"
#include "hecate/entity.h"
#include "hecate/event.h"
#include "hecate/feature.h"
#include "ops/features_file.h"
#include "ops/roff.h"

static void print_keys(FILE *out, const char *of, const char *title)
{
    fprintf(out, ".SS %s\n", title);
    for (const struct hec_features_key *key = hec_features_keys(); key->name != NULL; key++) {
        if (strcmp(key->section, of) == 0) {
            hec_manual_item(out, key->name, key->help);
        }
    }
}

static void print_entities(FILE *out)
{
    hec_manual_section(out, "ENTITIES");
    hec_manual_paragraph(out, "Who has a history, each named by a field of the event. Users and "
                              "cards are owned: events are keyed by user, so one partition has all "
                              "of theirs. The others are shared: every partition keeps its own "
                              "part, and a read merges them.");
    for (int kind = 0; kind < HEC_KINDS; kind++) {
        const struct hec_kind_info *info = hec_kind_info((enum hec_kind)kind);
        char text[128];
        snprintf(text, sizeof(text), "named by %s; %s", hec_field_info(info->field)->path,
                 info->owned ? "owned" : "shared");
        hec_manual_item(out, info->name, text);
    }
}

static void print_aggregates(FILE *out)
{
    hec_manual_section(out, "AGGREGATES");
    hec_manual_paragraph(out, "Each with what it takes beside entity; what stands in brackets may "
                              "be left out. value and category take no entity: they tell of the "
                              "event itself. The event that is judged is not yet part of any "
                              "history.");
    static const char *const TEXTS[HEC_AGGREGATES] = {
#define TEXT_OF(enumerator, name, text) [HEC_AGG_##enumerator] = text,
        HEC_AGGREGATE_TABLE(TEXT_OF)
#undef TEXT_OF
    };
    for (int a = 0; a < HEC_AGGREGATES; a++) {
        char takes[200], text[400];
        hec_aggregate_takes((enum hec_aggregate)a, takes, sizeof(takes));
        snprintf(text, sizeof(text), "%s. Takes %s.", TEXTS[a], takes);
        hec_manual_item(out, hec_aggregate_name((enum hec_aggregate)a), text);
    }
}

/* "text, one of success, failure", "number, 0 .. 1000" */
static void describe(const struct hec_field_info *info, enum hec_field field, char *text,
                     size_t bytes)
{
    const char *const *values = hec_field_values(field);
    if (info->kind == HEC_BOOLEAN) {
        snprintf(text, bytes, "number: 1 for true, 0 for false");
    } else if (info->kind == HEC_COUNTRY || info->kind == HEC_CURRENCY) {
        snprintf(text, bytes, "text: %s",
                 info->kind == HEC_COUNTRY ? "a country, two letters (ISO 3166-1)"
                                           : "a currency, three letters (ISO 4217)");
    } else if (info->kind > HEC_CURRENCY) {
        snprintf(text, bytes, "number: %lld .. %lld", (long long)info->minimum,
                 (long long)info->maximum);
    } else if (values == NULL) {
        snprintf(text, bytes, "text: up to %lld bytes", (long long)info->maximum);
    } else {
        size_t used = (size_t)snprintf(text, bytes, "text, one of:");
        for (int i = 0; values[i] != NULL && used < bytes; i++) {
            used +=
                (size_t)snprintf(text + used, bytes - used, "%s %s", i == 0 ? "" : ",", values[i]);
        }
    }
}

/* ".SS On card_auth, label, reversal" */
static void print_who_carries(FILE *out, uint32_t types)
{
    fprintf(out, ".SS On ");
    if (types == HEC_ON_ALL) {
        fprintf(out, "every event\n");
        return;
    }
    const char *joint = "";
    for (int type = 0; type < HEC_EVENT_TYPES; type++) {
        if ((types >> type) & 1) {
            fprintf(out, "%s%s", joint, hec_event_type_name((enum hec_event_type)type));
            joint = ", ";
        }
    }
    fprintf(out, "\n");
}

/* Fields that the same types carry stand together, in the order of the table. */
static void print_fields(FILE *out)
{
    uint64_t done = 0;
    hec_manual_section(out, "FIELDS");
    hec_manual_paragraph(out, "What events say, by the types that may carry it. A label or a "
                              "reversal repeats the fields of the event that it is about.");
    for (int first = 0; first < HEC_FIELDS; first++) {
        uint32_t types = hec_field_info((enum hec_field)first)->may_on;
        if ((done >> first) & 1) {
            continue;
        }
        print_who_carries(out, types);
        for (int field = first; field < HEC_FIELDS; field++) {
            const struct hec_field_info *info = hec_field_info((enum hec_field)field);
            if (info->may_on == types) {
                char text[400];
                describe(info, (enum hec_field)field, text, sizeof(text));
                hec_manual_item(out, info->path, text);
                done |= UINT64_C(1) << field;
            }
        }
    }
    fprintf(out, ".SS Derived from them\n");
#define PRINT_DERIVED(enumerator, name, text) hec_manual_item(out, name, text);
    HEC_DERIVED_TABLE(PRINT_DERIVED)
#undef PRINT_DERIVED
}

static void print_windows(FILE *out)
{
    hec_manual_section(out, "WINDOWS");
    hec_manual_paragraph(out,
                         "A window, such as 30s, 5m, 1h, 7d, is cut into tiles and is exact on "
                         "their boundaries: up to 5m tiles of 30s, up to 1h of 5m, up to 24h "
                         "of 1h, up to 7d of 6h, beyond of 1d, at most 366d. Window and delay "
                         "are whole numbers of tiles. Against a sliding window the oldest "
                         "tile may differ. Hours and days are UTC.");
}

void hec_manual_features(FILE *out)
{
    hec_manual_section(out, "DESCRIPTION");
    hec_manual_paragraph(
        out, "What the engine looks at: one section a feature. Training, scoring files and serving "
             "compute them by the same plan, and its digest stands in the model and in every state "
             "record. A change of entity, filter, aggregate, field or window is another state, so "
             "it is built again from the log, and another model is trained; a change of text, "
             "reason or heads is not.");
    hec_manual_example(out, "filter declined { events = {card_auth} where = {\"response_code != "
                            "00\"} }\n"
                            "feature user_declined_1h {\n"
                            "    aggregate = count  entity = user  filter = declined  window = 1h\n"
                            "    reason = \"VEL-003\"\n"
                            "    text = \"{observed} declined in an hour (usual {usual})\"\n"
                            "}");
    hec_manual_paragraph(out, "Try a change on a file of events before a daemon gets it:");
    hec_manual_example(out, "hecate features --features new.conf --data events.ndjson --out f.csv");
    hec_manual_section(out, "KEYS");
    print_keys(out, "", "Outside of any section");
    print_keys(out, "rate", "rate CURRENCY");
    print_keys(out, "filter", "filter NAME");
    print_keys(out, "feature", "feature NAME");
    print_windows(out);
    print_entities(out);
    print_aggregates(out);
    print_fields(out);
    hec_manual_section(out, "FILES");
    hec_manual_item(out, "/etc/hecate/features.conf", "The features in use.");
}
