/* Each page is one function below; the tables that it prints say the same elsewhere. */
#include "cli/manual.h"

#include <string.h>

#include "cli/command.h"
#include "cli/monitoring.h"
#include "hecate/event.h"
#include "hecate/feature.h"
#include "ops/config.h"
#include "ops/features_file.h"
#include "ops/log_events.h"
#include "ops/metrics_inside.h"
#include "ops/roff.h"
#include "options.h"

static void section(FILE *out, const char *title)
{
    fprintf(out, ".SH %s\n", title);
}

static void paragraph(FILE *out, const char *text)
{
    fprintf(out, ".PP\n");
    hec_roff_text(out, text);
    fprintf(out, "\n");
}

/* A word in bold, its text indented under it. */
static void item(FILE *out, const char *word, const char *text)
{
    fprintf(out, ".TP\n\\fB");
    hec_roff_text(out, word);
    fprintf(out, "\\fR\n");
    hec_roff_text(out, text);
    fprintf(out, "\n");
}

/* Text as it is, lines and blanks kept. */
static void example(FILE *out, const char *text)
{
    fprintf(out, ".PP\n.RS 4\n.nf\n");
    hec_roff_text(out, text);
    fprintf(out, "\n.fi\n.RE\n");
}

static void meanings(FILE *out, const char *title, const struct hec_meaning *row)
{
    section(out, title);
    for (; row->name != NULL; row++) {
        item(out, row->name, row->meaning);
    }
}

static void see_also(FILE *out, const char *own)
{
    section(out, "SEE ALSO");
    const char *joint = "";
    for (const struct hec_page *page = hec_pages(); page->name != NULL; page++) {
        if (strcmp(page->name, own) != 0) {
            fprintf(out, "%s.BR ", joint);
            hec_roff_text(out, page->name);
            fprintf(out, " (%d)", page->section);
            joint = ",\n";
        }
    }
    fprintf(out, "\n");
}

/* ---- hecate(1) ---- */

static void print_command(FILE *out, const struct hec_command *command)
{
    fprintf(out, ".SS ");
    hec_roff_text(out, command->name);
    fprintf(out, "\n.PP\n.B hecate ");
    hec_roff_text(out, command->name);
    fprintf(out, " ");
    hec_roff_text(out, command->positionals != NULL ? command->positionals : "");
    fprintf(out, "%s\n", command->flags[0].name != NULL ? " [flags]" : "");
    paragraph(out, command->line);
    if (command->text != NULL) {
        paragraph(out, command->text);
    }
    for (int i = 0; i < HEC_FLAGS_MAX && command->flags[i].name != NULL; i++) {
        const struct hec_flag *flag = &command->flags[i];
        char word[128], help[512];
        snprintf(word, sizeof(word), "--%s%s%s%s", flag->name, flag->argument ? " " : "",
                 flag->argument ? flag->argument : "", flag->many ? "..." : "");
        snprintf(help, sizeof(help), "%s%s", flag->help, flag->required ? " (needed)" : "");
        item(out, word, help);
    }
    for (int i = 0; i < 2 && command->examples[i] != NULL; i++) {
        example(out, command->examples[i]);
    }
}

static void print_hecate(FILE *out)
{
    section(out, "SYNOPSIS");
    fprintf(out, ".B hecate\n.I COMMAND\n[arguments]\n");
    section(out, "DESCRIPTION");
    paragraph(out, "hecate trains the models of hecated, tries them on files, looks after a "
                   "running hecated and prints what it takes to run one.");
    paragraph(out, "Files may end in .zst; \"-\" is standard input or output. A time is RFC 3339, "
                   "a date (midnight UTC) or milliseconds since 1970.");
    section(out, "COMMANDS");
    for (const struct hec_command *const *command = HEC_COMMANDS; *command != NULL; command++) {
        print_command(out, *command);
    }
    meanings(out, "EXIT STATUS", hec_exit_statuses());
    section(out, "ENVIRONMENT");
    item(out, "HECATE_CONF", "A directory: where features.conf and import/ are looked for first.");
    item(out, "OPENBLAS_CORETYPE",
         "The kernels of OpenBLAS. Set by hecate itself when it is not set, so that the same seed "
         "gives the same model on every machine with AVX2.");
    see_also(out, "hecate");
}

/* ---- hecated(8) ---- */

static void print_metrics(FILE *out)
{
    int count;
    section(out, "METRICS");
    paragraph(out, "/metrics answers as Prometheus text or OpenMetrics. Every series is there from "
                   "the start. Beside these there are hecate_build_info, hecate_model_info, "
                   "hecate_kafka_consumer_lag_records and _seconds by partition, "
                   "hecate_log_messages_total, and the usual process_ metrics.");
    const struct hec_series_family *series = hec_series_families(&count);
    for (int i = 0; i < count; i++) {
        char word[128];
        snprintf(word, sizeof(word), "hecate_%s", series[i].name);
        item(out, word, series[i].help);
    }
    const struct hec_distribution_family *distributions = hec_distribution_families(&count);
    for (int i = 0; i < count; i++) {
        char word[128];
        snprintf(word, sizeof(word), "hecate_%s", distributions[i].name);
        item(out, word, distributions[i].help);
    }
}

static void print_log_events(FILE *out)
{
    section(out, "LOG");
    paragraph(out, "One record is one line on standard error, logfmt or JSON, with a priority for "
                   "the journal when it goes there. event= is stable:");
#define PRINT_EVENT(id, module, text) item(out, id, text " (mod=" module ")");
    HEC_LOG_EVENT_TABLE(PRINT_EVENT)
#undef PRINT_EVENT
}

static void print_runbook(FILE *out)
{
    section(out, "RUNBOOK");
    paragraph(out, "What the rules of hecate monitoring rules mean, and what to do.");
    for (const struct hec_rule *rule = hec_rules(); rule->name != NULL; rule++) {
        char word[128];
        snprintf(word, sizeof(word), "%s (%s)", rule->name, rule->severity);
        item(out, word, rule->description);
        fprintf(out, ".IP\n");
        hec_roff_text(out, rule->action);
        fprintf(out, "\n");
    }
}

static void print_hecated(FILE *out)
{
    section(out, "SYNOPSIS");
    fprintf(out, ".B hecated\n[options]\n");
    section(out, "DESCRIPTION");
    paragraph(out, "hecated reads payment events from a Kafka topic, keeps the state of users, "
                   "cards and what they touch, scores each event, and writes alerts to another "
                   "topic: exactly once, with reasons. Redis holds a checkpoint of the state, "
                   "trailing the log; after any end, however sudden, the next start goes on from "
                   "there.");
    section(out, "OPTIONS");
    for (const struct hec_option *option = hec_options(); option->name != NULL; option++) {
        char word[128];
        snprintf(word, sizeof(word), "%s%c%s--%s%s%s", option->letter ? "-" : "",
                 option->letter ? option->letter : '-', option->letter ? ", " : "", option->name,
                 option->argument ? " " : "", option->argument ? option->argument : "");
        item(out, option->letter ? word : word + 1, option->help);
    }
    meanings(out, "SIGNALS", hec_signals());
    meanings(out, "EXIT STATUS", hec_exit_statuses());
    section(out, "FILES");
    item(out, HEC_CONFIG_PATH, "The settings, see hecate.conf(5), and hecate.conf.d/*.conf.");
    item(out, "/etc/hecate/features.conf", "The features, see hecate-features(5).");
    item(out, "/etc/default/hecate", "HECATED_OPTS for the service.");
    item(out, "/var/lib/hecate/models", "Models, as hecate train writes them.");
    item(out, "/run/hecate/admin.sock", "The console's socket.");
    print_metrics(out);
    print_log_events(out);
    print_runbook(out);
    see_also(out, "hecated");
}

/* ---- hecate.conf(5) ---- */

static void print_conf(FILE *out)
{
    section(out, "DESCRIPTION");
    paragraph(out, "The settings of hecated. What is left out stands at its default; an unknown "
                   "key, a wrong value or the same key twice is refused with file and line.");
    example(out, "kafka { bootstrap.servers = \"kafka-1:9093,kafka-2:9093\" }\n"
                 "input { topic = payments.events.v1 }\n"
                 "output {\n"
                 "    alert_topic = payments.fraud-alerts.v1\n"
                 "    dead_letter_topic = payments.events.v1.dlq\n"
                 "}\n"
                 "head ato { alert_score = 850 }");
    paragraph(out, "A value with blanks, commas or signs stands in \"quotes\"; # begins a comment. "
                   "Units are in the names of the keys.");
    section(out, "SECRETS");
    paragraph(out, "A whole value may be a reference. It is resolved after parsing, and what it "
                   "gives is shown nowhere.");
    item(out, "${credential:ID}", "A file of systemd's LoadCredential= or SetCredential=.");
    item(out, "${file:/path}", "The text of a file, without its last line break.");
    item(out, "${env:NAME}", "A variable of the environment.");
    section(out, "DROP-INS");
    paragraph(out, "hecate.conf.d/*.conf beside the file are read afterwards, in name order; the "
                   "later value wins. hecate config show tells where each value came from.");
    hec_config_manual_print(out);
    section(out, "FILES");
    item(out, HEC_CONFIG_PATH, "The settings.");
    see_also(out, "hecate.conf");
}

/* ---- hecate-features(5) ---- */

static void print_keys(FILE *out, const char *of, const char *title)
{
    fprintf(out, ".SS %s\n", title);
    for (const struct hec_features_key *key = hec_features_keys(); key->name != NULL; key++) {
        if (strcmp(key->section, of) == 0) {
            item(out, key->name, key->help);
        }
    }
}

static void print_fields(FILE *out)
{
    section(out, "FIELDS");
    paragraph(out, "Fields of events, each with the types of event that may carry it.");
    for (int field = 0; field < HEC_FIELDS; field++) {
        char types[256];
        size_t used = 0;
        const struct hec_field_info *info = hec_field_info((enum hec_field)field);
        for (int type = 0; type < HEC_EVENT_TYPES; type++) {
            if ((info->may_on >> type) & 1) {
                used += (size_t)snprintf(types + used, sizeof(types) - used, "%s%s",
                                         used == 0 ? "" : ", ",
                                         hec_event_type_name((enum hec_event_type)type));
            }
        }
        item(out, info->path, types);
    }
    paragraph(out, "Derived from them:");
#define PRINT_DERIVED(enumerator, name, text) item(out, name, text);
    HEC_DERIVED_TABLE(PRINT_DERIVED)
#undef PRINT_DERIVED
}

static void print_features(FILE *out)
{
    section(out, "DESCRIPTION");
    paragraph(out, "What the engine looks at: one section a feature. Training, scoring files and "
                   "serving compute them by the same plan, and its digest stands in the model and "
                   "in every state record. A change of entity, filter, aggregate, field or window "
                   "is another state, so it is built again from the log; a change of text, reason "
                   "or heads is not.");
    example(out, "filter declined { events = {card_auth} where = {\"response_code != 00\"} }\n"
                 "feature user_declined_1h {\n"
                 "    aggregate = count  entity = user  filter = declined  window = 1h\n"
                 "    reason = \"VEL-003\"\n"
                 "    text = \"{observed} declined in an hour (usual {usual})\"\n"
                 "}");
    section(out, "KEYS");
    print_keys(out, "", "Outside of any section");
    print_keys(out, "rate", "rate CURRENCY");
    print_keys(out, "filter", "filter NAME");
    print_keys(out, "feature", "feature NAME");
    section(out, "ENTITIES");
#define PRINT_KIND(enumerator, name, field, owned)                                                 \
    item(out, name, owned ? "owned by one partition" : "shared by all partitions");
    HEC_KIND_TABLE(PRINT_KIND)
#undef PRINT_KIND
    section(out, "AGGREGATES");
#define PRINT_AGGREGATE(enumerator, name, text) item(out, name, text);
    HEC_AGGREGATE_TABLE(PRINT_AGGREGATE)
#undef PRINT_AGGREGATE
    print_fields(out);
    section(out, "FILES");
    item(out, "/etc/hecate/features.conf", "The features in use.");
    see_also(out, "hecate-features");
}

static const struct hec_page PAGES[] = {
    { "hecate", 1, "streaming fraud detection on the command line", print_hecate },
    { "hecated", 8, "streaming fraud detection daemon", print_hecated },
    { "hecate.conf", 5, "settings of hecated", print_conf },
    { "hecate-features", 5, "declares what hecated looks at", print_features },
    { NULL, 0, NULL, NULL },
};

const struct hec_page *hec_pages(void)
{
    return PAGES;
}

void hec_page_print(const struct hec_page *page, FILE *out)
{
    fprintf(out, ".\\\" Printed by: hecate manpage %s\n", page->name);
    fprintf(out, ".TH \"");
    for (const char *c = page->name; *c != '\0'; c++) {
        fputc(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c, out);
    }
    fprintf(out, "\" %d \"\" \"hecate " HEC_VERSION "\" \"Hecate\"\n.SH NAME\n", page->section);
    hec_roff_text(out, page->name);
    fprintf(out, " \\- ");
    hec_roff_text(out, page->line);
    fprintf(out, "\n");
    page->print(out);
}
