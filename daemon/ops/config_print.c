/*
 * What is printed from the table of settings: the sample file, the settings in effect, the manual.
 */
#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/config.h"
#include "ops/roff.h"
#include "ops/settings.h"

/* Writes words as comment lines of at most 100 columns. */
static void print_wrapped(FILE *out, const char *indent, const char *text)
{
    size_t width = 96 - strlen(indent);
    while (*text != '\0') {
        size_t length = strlen(text);
        if (length > width) {
            length = width;
            while (length > 0 && text[length] != ' ') {
                length--;
            }
        }
        fprintf(out, "%s# %.*s\n", indent, (int)length, text);
        text += length;
        text += strspn(text, " ");
    }
}

static bool is_of(const struct hec_setting *setting, const char *section)
{
    return strcmp(setting->section, section) == 0;
}

/* The comment above a setting: what it is for, then what it may be. */
static void print_help(FILE *out, const struct hec_setting *setting)
{
    char range[128];
    char text[1024];
    hec_setting_range(setting, range, sizeof(range));
    bool plain = setting->type == HEC_SETTING_TEXT;
    snprintf(text, sizeof(text), "%s%s%s%s%s", setting->help, plain ? "" : " [", plain ? "" : range,
             plain ? "" : "]", setting->required ? " Required." : "");
    print_wrapped(out, "    ", text);
}

static void print_section(FILE *out, const struct hec_config *standard,
                          const struct hec_setting_section *section, int head)
{
    bool titled = strcmp(section->name, "head") == 0;
    fprintf(out, "%s%s%s {\n", section->name, titled ? " " : "",
            titled ? hec_config_head_name(head) : "");
    bool first = true;
    for (const struct hec_setting *s = hec_settings(); s->name != NULL; s++) {
        if (!is_of(s, section->name)) {
            continue;
        }
        if (head == 0) {
            fprintf(out, "%s", first ? "" : "\n");
            print_help(out, s);
        }
        first = false;
        /* The sample is the same on every host. */
        char value[HEC_SHOWN_BYTES];
        hec_setting_print(s, standard, head, value, sizeof(value));
        bool host = strcmp(s->name, "instance") == 0;
        fprintf(out, "    %s = %s\n", s->name, host ? "\"\"" : value);
    }
    fprintf(out, "}\n");
}

static void print_samples(FILE *out, const char *section)
{
    static const struct {
        const char *section, *line;
    } SAMPLES[] = {
        { "kafka", "bootstrap.servers = \"kafka-1:9093,kafka-2:9093\"" },
        { "kafka", "security.protocol = SASL_SSL" },
        { "kafka", "sasl.mechanisms = SCRAM-SHA-512" },
        { "kafka", "sasl.username = hecate" },
        { "kafka", "sasl.password = ${credential:kafka-sasl-password}" },
        { "kafka", "ssl.ca.location = /etc/ssl/certs/payments-ca.pem" },
        { "kafka_consumer", "fetch.max.bytes = 52428800" },
        { "kafka_producer", "compression.type = zstd" },
    };
    fprintf(out, "%s {\n", section);
    for (size_t i = 0; i < sizeof(SAMPLES) / sizeof(SAMPLES[0]); i++) {
        if (strcmp(SAMPLES[i].section, section) == 0) {
            fprintf(out, "    # %s\n", SAMPLES[i].line);
        }
    }
    fprintf(out, "}\n");
}

void hec_config_default_print(FILE *out)
{
    struct hec_config *standard = hec_config_new();
    if (standard == NULL) {
        return;
    }
    print_wrapped(
        out, "",
        "hecate.conf: every setting at its default. Check a file with: hecated --check -c "
        "FILE. What is left out stands at its default; an unknown key, a wrong value or "
        "the same key twice is refused.");
    fprintf(out, "#\n");
    print_wrapped(out, "",
                  "A value with blanks, commas or signs stands in \"quotes\". A whole value may be "
                  "${env:NAME}, ${file:/path} or ${credential:ID} (systemd's LoadCredential=). "
                  "Units are in the names. Files hecate.conf.d/*.conf are read afterwards, in name "
                  "order; the later value wins.");
    for (const struct hec_setting_section *s = hec_setting_sections(); s->name != NULL; s++) {
        fprintf(out, "\n");
        print_wrapped(out, "", s->help);
        if (s->passes_through) {
            print_samples(out, s->name);
            continue;
        }
        print_section(out, standard, s, 0);
        for (int head = 1; strcmp(s->name, "head") == 0 && head < HEC_CONFIG_HEADS; head++) {
            print_section(out, standard, s, head);
        }
    }
    hec_config_free(standard);
}

static void put(char *text, size_t text_bytes, size_t *used, char c)
{
    if (*used + 1 < text_bytes) {
        text[(*used)++] = c;
    }
}

void hec_property_show(const struct hec_property *property, char *text, size_t text_bytes)
{
    if (property->reference != NULL || property->secret) {
        snprintf(text, text_bytes, "%s",
                 property->reference != NULL ? property->reference : HEC_MASK);
        return;
    }
    size_t used = 0;
    put(text, text_bytes, &used, '"');
    for (const char *c = property->value; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\' || *c == '\n') {
            put(text, text_bytes, &used, '\\');
        }
        put(text, text_bytes, &used,
            *c == '\n' ? 'n' : (char)(iscntrl((unsigned char)*c) ? '?' : *c));
    }
    put(text, text_bytes, &used, '"');
    text[used] = '\0';
}

void hec_setting_show(const struct hec_setting *setting, const struct hec_config *config, int head,
                      char *text, size_t text_bytes)
{
    const struct hec_config_origin *origin = hec_setting_origin(config, setting, head);
    hec_setting_print(setting, config, head, text, text_bytes);
    if (origin->reference != NULL) {
        snprintf(text, text_bytes, "%s", origin->reference);
    } else if (setting->secret && strcmp(text, "\"\"") != 0) {
        snprintf(text, text_bytes, "%s", HEC_MASK);
    }
}

static void show_properties(const struct hec_properties *properties, FILE *out)
{
    for (int i = 0; i < properties->count; i++) {
        char value[HEC_SHOWN_BYTES];
        hec_property_show(&properties->rows[i], value, sizeof(value));
        fprintf(out, "    %s = %s  # %s\n", properties->rows[i].name, value,
                HEC_PLACE(properties->rows[i].file, properties->rows[i].line));
    }
}

static void show_setting(const struct hec_config *config, const struct hec_setting *setting,
                         int head, FILE *out)
{
    const struct hec_config_origin *origin = hec_setting_origin(config, setting, head);
    char value[HEC_SHOWN_BYTES];
    hec_setting_show(setting, config, head, value, sizeof(value));
    if (origin->file == NULL) {
        fprintf(out, "    # %s = %s  # default\n", setting->name, value);
    } else if (origin->line == 0) {
        fprintf(out, "    %s = %s  # %s\n", setting->name, value, origin->file);
    } else {
        fprintf(out, "    %s = %s  # %s\n", setting->name, value,
                HEC_PLACE(origin->file, origin->line));
    }
}

void hec_config_show(const struct hec_config *config, FILE *out)
{
    for (const struct hec_setting_section *section = hec_setting_sections(); section->name != NULL;
         section++) {
        bool titled = strcmp(section->name, "head") == 0;
        for (int head = 0; head < (titled ? HEC_CONFIG_HEADS : 1); head++) {
            fprintf(out, "%s%s%s {\n", section->name, titled ? " " : "",
                    titled ? hec_config_head_name(head) : "");
            for (const struct hec_setting *s = hec_settings(); s->name != NULL; s++) {
                if (is_of(s, section->name)) {
                    show_setting(config, s, head, out);
                }
            }
            if (section->passes_through) {
                show_properties(hec_config_properties(config, section->name), out);
            }
            fprintf(out, "}\n");
        }
    }
}

void hec_config_manual_print(FILE *out)
{
    struct hec_config *standard = hec_config_new();
    if (standard == NULL) {
        return;
    }
    fprintf(out, ".SH SETTINGS\n");
    for (const struct hec_setting_section *section = hec_setting_sections(); section->name != NULL;
         section++) {
        fprintf(out, ".SS %s\n", section->name);
        hec_roff_text(out, section->help);
        fprintf(out, "\n");
        for (const struct hec_setting *s = hec_settings(); s->name != NULL; s++) {
            if (!is_of(s, section->name)) {
                continue;
            }
            char range[128];
            hec_setting_range(s, range, sizeof(range));
            fprintf(out, ".TP\n.B %s\n", s->name);
            hec_roff_text(out, range);
            bool quoted = s->type == HEC_SETTING_TEXT;
            if (s->standard[0] != '\0' || (quoted && !s->required)) {
                fprintf(out, "; default %s", quoted ? "\\(dq" : "");
                hec_roff_text(out, s->standard);
                fprintf(out, "%s", quoted ? "\\(dq" : "");
            }
            fprintf(out, "%s; %s.\n", s->required ? "; required" : "",
                    s->reloadable ? "taken up on reload" : "a change wants a restart");
            hec_roff_text(out, s->help);
            fprintf(out, "\n");
        }
    }
    hec_config_free(standard);
}

void hec_config_origin(const struct hec_config *config, const char *key, char *text,
                       size_t text_bytes)
{
    char section[64];
    int head = 0;
    const char *dot = strchr(key, '.');
    snprintf(section, sizeof(section), "%.*s", dot == NULL ? 0 : (int)(dot - key), key);
    const char *name = dot == NULL ? key : dot + 1;
    if (strcmp(section, "head") == 0) {
        for (int i = 0; i < HEC_CONFIG_HEADS; i++) {
            size_t length = strlen(hec_config_head_name(i));
            if (strncmp(name, hec_config_head_name(i), length) == 0 && name[length] == '.') {
                head = i;
                name += length + 1;
                break;
            }
        }
    }
    const struct hec_setting *setting = hec_setting_named(section, name);
    if (setting == NULL) {
        snprintf(text, text_bytes, "unknown");
        return;
    }
    const struct hec_config_origin *origin = hec_setting_origin(config, setting, head);
    if (origin->file == NULL) {
        snprintf(text, text_bytes, "default");
    } else {
        snprintf(text, text_bytes, "%s", HEC_PLACE(origin->file, origin->line));
    }
}
