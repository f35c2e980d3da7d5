/*
 * What is told of settings beyond the file itself: where two configs differ, what one setting
 * means, and all of them as JSON. Values are shown as `config show` shows them: secrets masked.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

#include "ops/config.h"
#include "ops/settings.h"

#define KEY_BYTES 160

static bool is_head(const struct hec_setting *setting)
{
    return strcmp(setting->section, "head") == 0;
}

/* "state.cache_mib", "head.ato.mode" */
static void print_key(char key[KEY_BYTES], const struct hec_setting *setting, int head)
{
    if (is_head(setting)) {
        snprintf(key, KEY_BYTES, "head.%s.%s", hec_config_head_name(head), setting->name);
    } else {
        snprintf(key, KEY_BYTES, "%s.%s", setting->section, setting->name);
    }
}

/* ---- Where two differ ---- */

struct comparing {
    void (*each)(void *context, const struct hec_config_change *change);
    void *context;
    int count;
};

static void tell(struct comparing *comparing, const char *key, const char *before,
                 const char *after, bool reloadable)
{
    comparing->count++;
    if (comparing->each != NULL) {
        comparing->each(comparing->context,
                        &(struct hec_config_change){ key, before, after, reloadable });
    }
}

/* The values are compared as they are and told as they are shown: a changed password is a change,
 * and both sides are masked. */
static void compare_setting(struct comparing *comparing, const struct hec_setting *setting,
                            int head, const struct hec_config *before,
                            const struct hec_config *after)
{
    char a[HEC_SHOWN_BYTES], b[HEC_SHOWN_BYTES], key[KEY_BYTES];
    hec_setting_print(setting, before, head, a, sizeof(a));
    hec_setting_print(setting, after, head, b, sizeof(b));
    bool same = strcmp(a, b) == 0;
    hec_setting_show(setting, before, head, a, sizeof(a));
    hec_setting_show(setting, after, head, b, sizeof(b));
    if (!same) {
        print_key(key, setting, head);
        tell(comparing, key, a, b, setting->reloadable);
    }
    explicit_bzero(a, sizeof(a));
    explicit_bzero(b, sizeof(b));
}

static const struct hec_property *property_in(const struct hec_properties *properties,
                                              const char *name)
{
    for (int i = 0; i < properties->count; i++) {
        if (strcmp(properties->rows[i].name, name) == 0) {
            return &properties->rows[i];
        }
    }
    return NULL;
}

static void compare_property(struct comparing *comparing, const char *section,
                             const struct hec_property *before, const struct hec_property *after)
{
    char a[HEC_SHOWN_BYTES] = "", b[HEC_SHOWN_BYTES] = "", key[KEY_BYTES];
    if (before != NULL && after != NULL && strcmp(before->value, after->value) == 0) {
        return;
    }
    if (before != NULL) {
        hec_property_show(before, a, sizeof(a));
    }
    if (after != NULL) {
        hec_property_show(after, b, sizeof(b));
    }
    snprintf(key, sizeof(key), "%s.%s", section, before != NULL ? before->name : after->name);
    tell(comparing, key, a, b, false);
}

static void compare_properties(struct comparing *comparing, const char *section,
                               const struct hec_properties *before,
                               const struct hec_properties *after)
{
    for (int i = 0; i < before->count; i++) {
        compare_property(comparing, section, &before->rows[i],
                         property_in(after, before->rows[i].name));
    }
    for (int i = 0; i < after->count; i++) {
        if (property_in(before, after->rows[i].name) == NULL) {
            compare_property(comparing, section, NULL, &after->rows[i]);
        }
    }
}

int hec_config_compare(const struct hec_config *before, const struct hec_config *after,
                       void (*each)(void *context, const struct hec_config_change *change),
                       void *context)
{
    struct comparing comparing = { each, context, 0 };
    for (const struct hec_setting_section *section = hec_setting_sections(); section->name != NULL;
         section++) {
        if (section->passes_through) {
            compare_properties(&comparing, section->name,
                               hec_config_properties(before, section->name),
                               hec_config_properties(after, section->name));
        }
        for (const struct hec_setting *s = hec_settings(); s->name != NULL; s++) {
            for (int head = 0; strcmp(s->section, section->name) == 0 &&
                               head < (is_head(s) ? HEC_CONFIG_HEADS : 1);
                 head++) {
                compare_setting(&comparing, s, head, before, after);
            }
        }
    }
    return comparing.count;
}

/* ---- What one means ---- */

static void explain_value(const struct hec_setting *setting, const struct hec_config *config,
                          int head, FILE *out)
{
    char value[HEC_SHOWN_BYTES], key[KEY_BYTES], origin[300];
    print_key(key, setting, head);
    hec_setting_show(setting, config, head, value, sizeof(value));
    hec_config_origin(config, key, origin, sizeof(origin));
    fprintf(out, "  in effect  %s = %s  (%s)\n", key, value, origin);
}

static void explain(const struct hec_setting *setting, const struct hec_config *config, int head,
                    FILE *out)
{
    char range[128];
    hec_setting_range(setting, range, sizeof(range));
    fprintf(out, "%s.%s\n  %s\n", is_head(setting) ? "head.NAME" : setting->section, setting->name,
            setting->help);
    fprintf(out, "  may be     %s\n", range);
    if (setting->required) {
        fprintf(out, "  default    none, it is required\n");
    } else {
        bool host = strcmp(setting->name, "instance") == 0;
        fprintf(out, "  default    %s\n",
                host                           ? "the host name"
                : setting->standard[0] == '\0' ? "\"\" (not set)"
                                               : setting->standard);
    }
    fprintf(out, "  a change   takes effect on %s\n", setting->reloadable ? "reload" : "a restart");
    if (setting->secret) {
        fprintf(out, "  secret     never printed; write ${credential:ID} or ${file:/path}\n");
    }
    for (int i = 0; config != NULL && i < (is_head(setting) ? HEC_CONFIG_HEADS : 1); i++) {
        if (head < 0 || head == i) {
            explain_value(setting, config, i, out);
        }
    }
}

/* kafka.NAME: librdkafka explains it; we know what is set. */
static void explain_property(const struct hec_config *config, const char *section, const char *name,
                             FILE *out)
{
    const struct hec_properties *properties =
        config == NULL ? NULL : hec_config_properties(config, section);
    fprintf(out,
            "%s.%s\n  One of librdkafka's own properties, passed through; its CONFIGURATION.md "
            "explains it.\n  a change   takes effect on a restart\n",
            section, name);
    const struct hec_property *row = properties == NULL ? NULL : property_in(properties, name);
    if (row != NULL) {
        char value[HEC_SHOWN_BYTES];
        hec_property_show(row, value, sizeof(value));
        fprintf(out, "  in effect  %s.%s = %s  (%s)\n", section, name, value,
                HEC_PLACE(row->file, row->line));
    }
}

static bool passes_through(const char *section)
{
    for (const struct hec_setting_section *s = hec_setting_sections(); s->name != NULL; s++) {
        if (strcmp(s->name, section) == 0) {
            return s->passes_through;
        }
    }
    return false;
}

static enum hec_status unknown_key(const char *section, const char *name, const char *key,
                                   struct hec_problems *problems)
{
    char near[KEY_BYTES] = "";
    const char *name_near = section[0] == '\0' ? NULL : hec_setting_nearest(section, name);
    if (name_near != NULL) {
        snprintf(near, sizeof(near), "%s.%s", section, name_near);
    }
    for (const struct hec_setting_section *s = hec_setting_sections(); near[0] == '\0' && s->name;
         s++) {
        const char *other = hec_setting_nearest(s->name, name);
        if (other != NULL) {
            snprintf(near, sizeof(near), "%s.%s", s->name, other);
        }
    }
    hec_problems_add(problems, HEC_NOT_FOUND, "there is no setting \"%.100s\"%s%s%s", key,
                     near[0] ? " (did you mean \"" : "", near, near[0] ? "\"?)" : "");
    return HEC_NOT_FOUND;
}

/* A section by its name: what it is for, then each of its settings. */
static bool explain_section(const struct hec_config *config, const char *name, FILE *out)
{
    const struct hec_setting_section *section = hec_setting_sections();
    while (section->name != NULL && strcmp(section->name, name) != 0) {
        section++;
    }
    if (section->name == NULL) {
        return false;
    }
    fprintf(out, "%s\n  %s\n", name, section->help);
    for (const struct hec_setting *s = hec_settings(); s->name != NULL; s++) {
        if (strcmp(s->section, name) == 0) {
            fprintf(out, "\n");
            explain(s, config, -1, out);
        }
    }
    const struct hec_properties *properties =
        config == NULL ? NULL : hec_config_properties(config, name);
    for (int i = 0; properties != NULL && i < properties->count; i++) {
        fprintf(out, "\n");
        explain_property(config, name, properties->rows[i].name, out);
    }
    return true;
}

enum hec_status hec_config_explain(const struct hec_config *config, const char *key, FILE *out,
                                   struct hec_problems *problems)
{
    char section[64] = "";
    const char *dot = strchr(key, '.');
    const char *name = dot == NULL ? key : dot + 1;
    int head = -1;
    if (dot != NULL) {
        snprintf(section, sizeof(section), "%.*s", (int)(dot - key), key);
    }
    for (int i = 0; strcmp(section, "head") == 0 && head < 0 && i < HEC_CONFIG_HEADS; i++) {
        size_t length = strlen(hec_config_head_name(i));
        if (strncmp(name, hec_config_head_name(i), length) == 0 && name[length] == '.') {
            head = i;
            name += length + 1;
        }
    }
    if (passes_through(section) && name[0] != '\0') {
        explain_property(config, section, name, out);
        return HEC_OK;
    }
    int found = 0;
    for (const struct hec_setting *s = hec_settings(); s->name != NULL; s++) {
        if ((section[0] == '\0' || strcmp(s->section, section) == 0) &&
            strcmp(s->name, name) == 0) {
            fprintf(out, "%s", found++ == 0 ? "" : "\n");
            explain(s, config, head, out);
        }
    }
    if (found > 0 || (dot == NULL && explain_section(config, key, out))) {
        return HEC_OK;
    }
    return unknown_key(section, name, key, problems);
}

/* ---- All of them as JSON ---- */

/* A value as the file has it, without the file's quotes and escapes: JSON has its own. */
static void unquote(char bare[HEC_SHOWN_BYTES], const char *value)
{
    size_t length = strlen(value), used = 0;
    bool quoted = value[0] == '"' && length >= 2;
    for (size_t i = quoted; i < length - quoted; i++) {
        bool escape = quoted && value[i] == '\\' && i + 1 < length - quoted;
        i += escape;
        bare[used++] = escape && value[i] == 'n' ? '\n' : value[i];
    }
    bare[used] = '\0';
}

static void add_row(yyjson_mut_doc *doc, const char *key, const char *value, const char *origin,
                    const struct hec_setting *setting, bool secret)
{
    yyjson_mut_val *row = yyjson_mut_obj(doc);
    yyjson_mut_obj_add_strcpy(doc, row, "key", key);
    char bare[HEC_SHOWN_BYTES];
    unquote(bare, value);
    yyjson_mut_obj_add_strcpy(doc, row, "value", bare);
    yyjson_mut_obj_add_strcpy(doc, row, "origin", origin);
    yyjson_mut_obj_add_bool(doc, row, "default", strcmp(origin, "default") == 0);
    yyjson_mut_obj_add_bool(doc, row, "reloadable", setting != NULL && setting->reloadable);
    yyjson_mut_obj_add_bool(doc, row, "secret", secret);
    yyjson_mut_arr_append(yyjson_mut_doc_get_root(doc), row);
}

static void add_section(yyjson_mut_doc *doc, const struct hec_config *config, const char *section)
{
    char value[HEC_SHOWN_BYTES], key[KEY_BYTES], origin[300];
    for (const struct hec_setting *s = hec_settings(); s->name != NULL; s++) {
        if (strcmp(s->section, section) != 0) {
            continue;
        }
        for (int head = 0; head < (is_head(s) ? HEC_CONFIG_HEADS : 1); head++) {
            print_key(key, s, head);
            hec_setting_show(s, config, head, value, sizeof(value));
            hec_config_origin(config, key, origin, sizeof(origin));
            add_row(doc, key, value, origin, s, s->secret);
        }
    }
    const struct hec_properties *properties = hec_config_properties(config, section);
    for (int i = 0; properties != NULL && i < properties->count; i++) {
        const struct hec_property *row = &properties->rows[i];
        snprintf(key, sizeof(key), "%s.%s", section, row->name);
        hec_property_show(row, value, sizeof(value));
        snprintf(origin, sizeof(origin), "%s", HEC_PLACE(row->file, row->line));
        add_row(doc, key, value, origin, NULL, row->secret);
    }
}

enum hec_status hec_config_show_json(const struct hec_config *config, FILE *out)
{
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_doc_set_root(doc, yyjson_mut_arr(doc));
    for (const struct hec_setting_section *s = hec_setting_sections(); s->name != NULL; s++) {
        add_section(doc, config, s->name);
    }
    char *text = yyjson_mut_write(doc, YYJSON_WRITE_PRETTY, NULL);
    yyjson_mut_doc_free(doc);
    if (text == NULL) {
        return HEC_NO_MEMORY;
    }
    fprintf(out, "%s\n", text);
    free(text);
    return HEC_OK;
}
