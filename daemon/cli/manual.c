/* Each page is one function below (features and learning have their own files); the tables that it
 * prints say the same elsewhere. */
#include "cli/manual.h"

#include <string.h>

#include "cli/command.h"
#include "cli/manual_inside.h"
#include "cli/monitoring.h"
#include "ops/config.h"
#include "ops/log_events.h"
#include "ops/metrics_inside.h"
#include "ops/roff.h"
#include "options.h"

void hec_manual_section(FILE *out, const char *title)
{
    fprintf(out, ".SH %s\n", title);
}

void hec_manual_paragraph(FILE *out, const char *text)
{
    fprintf(out, ".PP\n");
    hec_roff_text(out, text);
    fprintf(out, "\n");
}

void hec_manual_item(FILE *out, const char *word, const char *text)
{
    fprintf(out, ".TP\n\\fB");
    hec_roff_text(out, word);
    fprintf(out, "\\fR\n");
    hec_roff_text(out, text);
    fprintf(out, "\n");
}

void hec_manual_example(FILE *out, const char *text)
{
    fprintf(out, ".PP\n.RS 4\n.nf\n");
    hec_roff_text(out, text);
    fprintf(out, "\n.fi\n.RE\n");
}

static void meanings(FILE *out, const char *title, const struct hec_meaning *row)
{
    hec_manual_section(out, title);
    for (; row->name != NULL; row++) {
        hec_manual_item(out, row->name, row->meaning);
    }
}

static void see_also(FILE *out, const char *own)
{
    hec_manual_section(out, "SEE ALSO");
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
    hec_manual_paragraph(out, command->line);
    if (command->text != NULL) {
        hec_manual_paragraph(out, command->text);
    }
    for (int i = 0; i < HEC_FLAGS_MAX && command->flags[i].name != NULL; i++) {
        const struct hec_flag *flag = &command->flags[i];
        char word[128], help[512];
        snprintf(word, sizeof(word), "--%s%s%s%s", flag->name, flag->argument ? " " : "",
                 flag->argument ? flag->argument : "", flag->many ? "..." : "");
        snprintf(help, sizeof(help), "%s%s", flag->help, flag->required ? " (needed)" : "");
        hec_manual_item(out, word, help);
    }
    for (int i = 0; i < 2 && command->examples[i] != NULL; i++) {
        hec_manual_example(out, command->examples[i]);
    }
}

static void print_hecate(FILE *out)
{
    hec_manual_section(out, "SYNOPSIS");
    fprintf(out, ".B hecate\n.I COMMAND\n[arguments]\n");
    hec_manual_section(out, "DESCRIPTION");
    hec_manual_paragraph(out,
                         "hecate trains the models of hecated, tries them on files, looks after a "
                         "running hecated and prints what it takes to run one.");
    hec_manual_paragraph(
        out, "Files may end in .zst; \"-\" is standard input or output. A time is RFC 3339, "
             "a date (midnight UTC) or milliseconds since 1970.");
    hec_manual_section(out, "COMMANDS");
    for (const struct hec_command *const *command = HEC_COMMANDS; *command != NULL; command++) {
        print_command(out, *command);
    }
    meanings(out, "EXIT STATUS", hec_exit_statuses());
    hec_manual_section(out, "ENVIRONMENT");
    hec_manual_item(out, "HECATE_CONF",
                    "A directory: where features.conf and import/ are looked for first.");
    hec_manual_item(
        out, "OPENBLAS_CORETYPE",
        "The kernels of OpenBLAS. Set by hecate itself when it is not set, so that the same seed "
        "gives the same model on every machine with AVX2.");
    see_also(out, "hecate");
}

/* ---- hecated(8) ---- */

static void print_metrics(FILE *out)
{
    int count;
    hec_manual_section(out, "METRICS");
    hec_manual_paragraph(
        out, "/metrics answers as Prometheus text or OpenMetrics. Every series is there from "
             "the start. Beside these there are hecate_build_info, hecate_model_info, "
             "hecate_kafka_consumer_lag_records and _seconds by partition, "
             "hecate_log_messages_total, and the usual process_ metrics.");
    const struct hec_series_family *series = hec_series_families(&count);
    for (int i = 0; i < count; i++) {
        char word[128];
        snprintf(word, sizeof(word), "hecate_%s", series[i].name);
        hec_manual_item(out, word, series[i].help);
    }
    const struct hec_distribution_family *distributions = hec_distribution_families(&count);
    for (int i = 0; i < count; i++) {
        char word[128];
        snprintf(word, sizeof(word), "hecate_%s", distributions[i].name);
        hec_manual_item(out, word, distributions[i].help);
    }
}

static void print_log_events(FILE *out)
{
    hec_manual_section(out, "LOG");
    hec_manual_paragraph(
        out, "One record is one line on standard error, logfmt or JSON, with a priority for "
             "the journal when it goes there. event= is stable:");
#define PRINT_EVENT(id, module, text) hec_manual_item(out, id, text " (mod=" module ")");
    HEC_LOG_EVENT_TABLE(PRINT_EVENT)
#undef PRINT_EVENT
}

static void print_runbook(FILE *out)
{
    hec_manual_section(out, "RUNBOOK");
    hec_manual_paragraph(out, "What the rules of hecate monitoring rules mean, and what to do.");
    for (const struct hec_rule *rule = hec_rules(); rule->name != NULL; rule++) {
        char word[128];
        snprintf(word, sizeof(word), "%s (%s)", rule->name, rule->severity);
        hec_manual_item(out, word, rule->description);
        fprintf(out, ".IP\n");
        hec_roff_text(out, rule->action);
        fprintf(out, "\n");
    }
}

static void print_first_start(FILE *out)
{
    hec_manual_section(out, "FIRST START");
    hec_manual_paragraph(out,
                         "The service comes switched off, for it cannot know your brokers. It "
                         "needs the topics, which it never makes; a Redis that evicts nothing; "
                         "settings of your own beside those shipped; and a model.");
    hec_manual_example(out, "install -d /etc/hecate/hecate.conf.d\n"
                            "editor /etc/hecate/hecate.conf.d/site.conf     # see hecate.conf(5)\n"
                            "hecate train --data history.ndjson.zst --out model \\\n"
                            "    --train-from 2025-01-13 --train-to 2025-02-08\n"
                            "install -D -o _hecate -g _hecate -m 640 model \\\n"
                            "    /var/lib/hecate/models/current.safetensors\n"
                            "hecate doctor\n"
                            "systemctl enable --now hecated\n"
                            "hecate status");
    hec_manual_paragraph(out,
                         "doctor looks at settings, model, brokers, topics and Redis, and says "
                         "what is not right yet and what to do; hecate config check, which the "
                         "service asks before each start, finds every mistake of the settings "
                         "at once. systemctl reload hecated takes changed settings and a new "
                         "model without a restart, all or nothing.");
}

static void print_hecated(FILE *out)
{
    hec_manual_section(out, "SYNOPSIS");
    fprintf(out, ".B hecated\n[options]\n");
    hec_manual_section(out, "DESCRIPTION");
    hec_manual_paragraph(
        out, "hecated reads payment events from a Kafka topic, keeps the state of users, "
             "cards and what they touch, scores each event, and writes alerts to another "
             "topic: exactly once, with reasons. Redis holds a checkpoint of the state, "
             "trailing the log; after any end, however sudden, the next start goes on from "
             "there.");
    hec_manual_section(out, "OPTIONS");
    for (const struct hec_option *option = hec_options(); option->name != NULL; option++) {
        char word[128];
        snprintf(word, sizeof(word), "%s%c%s--%s%s%s", option->letter ? "-" : "",
                 option->letter ? option->letter : '-', option->letter ? ", " : "", option->name,
                 option->argument ? " " : "", option->argument ? option->argument : "");
        hec_manual_item(out, option->letter ? word : word + 1, option->help);
    }
    print_first_start(out);
    meanings(out, "SIGNALS", hec_signals());
    meanings(out, "EXIT STATUS", hec_exit_statuses());
    hec_manual_item(out, "137",
                    "killed, most often by the kernel for want of memory; the next start goes on "
                    "from the committed offset");
    hec_manual_section(out, "ENVIRONMENT");
    hec_manual_item(out, "CREDENTIALS_DIRECTORY",
                    "Where ${credential:ID} is looked for; set by systemd's LoadCredential=.");
    hec_manual_item(out, "NOTIFY_SOCKET, WATCHDOG_USEC",
                    "Set by systemd: readiness, status and the watchdog are told there.");
    hec_manual_item(out, "JOURNAL_STREAM",
                    "Set by systemd: log lines then begin with their priority for the journal.");
    hec_manual_section(out, "FILES");
    hec_manual_item(out, HEC_CONFIG_PATH,
                    "The settings, see hecate.conf(5), and hecate.conf.d/*.conf.");
    hec_manual_item(out, "/etc/hecate/features.conf", "The features, see hecate-features(5).");
    hec_manual_item(out, "/etc/default/hecate", "HECATED_OPTS for the service.");
    hec_manual_item(out, "/var/lib/hecate/models", "Models, as hecate train writes them.");
    hec_manual_item(out, "/run/hecate/admin.sock", "The console's socket.");
    print_metrics(out);
    print_log_events(out);
    print_runbook(out);
    see_also(out, "hecated");
}

/* ---- hecate.conf(5) ---- */

static void print_conf(FILE *out)
{
    hec_manual_section(out, "DESCRIPTION");
    hec_manual_paragraph(
        out, "The settings of hecated. What is left out stands at its default; an unknown "
             "key, a wrong value or the same key twice is refused with file and line.");
    hec_manual_example(out, "kafka { bootstrap.servers = \"kafka-1:9093,kafka-2:9093\" }\n"
                            "input { topic = payments.events.v1 }\n"
                            "output {\n"
                            "    alert_topic = payments.fraud-alerts.v1\n"
                            "    dead_letter_topic = payments.events.v1.dlq\n"
                            "}\n"
                            "head ato { alert_score = 850 }");
    hec_manual_paragraph(
        out, "A value with blanks, commas or signs stands in \"quotes\"; # begins a comment. A "
             "section stands once in a file. "
             "Units are in the names of the keys.");
    hec_manual_section(out, "SECRETS");
    hec_manual_paragraph(
        out, "A whole value may be a reference. It is resolved after parsing, and what it "
             "gives is shown nowhere.");
    hec_manual_item(out, "${credential:ID}",
                    "A file of systemd's LoadCredential= or SetCredential=.");
    hec_manual_item(out, "${file:/path}", "The text of a file, without its last line break.");
    hec_manual_item(out, "${env:NAME}", "A variable of the environment.");
    hec_manual_section(out, "DROP-INS");
    hec_manual_paragraph(
        out, "hecate.conf.d/*.conf beside the file are read afterwards, in name order; the "
             "later value wins. hecate config show tells where each value came from.");
    hec_config_manual_print(out);
    hec_manual_redis(out);
    hec_manual_section(out, "FILES");
    hec_manual_item(out, HEC_CONFIG_PATH, "The settings, as hecate config default prints them.");
    hec_manual_item(out, "/etc/hecate/hecate.conf.d/*.conf", "Drop-ins: yours.");
    hec_manual_item(out, "/etc/hecate/credentials",
                    "Where the unit's LoadCredential= lines look; readable by root alone.");
    see_also(out, "hecate.conf");
}

/* ---- hecate-features(5) ---- */

static void print_features(FILE *out)
{
    hec_manual_features(out);
    see_also(out, "hecate-features");
}

/* ---- hecate-learning(7) ---- */

static void print_learning(FILE *out)
{
    hec_manual_learning(out);
    see_also(out, "hecate-learning");
}

static const struct hec_page PAGES[] = {
    { "hecate", 1, "streaming fraud detection on the command line", print_hecate },
    { "hecated", 8, "streaming fraud detection daemon", print_hecated },
    { "hecate.conf", 5, "settings of hecated", print_conf },
    { "hecate-features", 5, "declares what hecated looks at", print_features },
    { "hecate-learning", 7, "a model's life after its first training", print_learning },
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
