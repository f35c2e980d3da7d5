/*
 * hecate.conf into struct hec_config: every item finds its row of the table, or is refused with the
 * nearest name. References are resolved here, after parsing, and nowhere else.
 */
#include "ops/config.h"

#include <assert.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "ops/conf.h"
#include "ops/settings.h"
#include "ops/utf8.h"

#define FILE_BYTES_MAX (1 << 20)
#define SECRET_BYTES_MAX 65536

static const char *const HEADS[] = { "card_fraud", "ato", "anomaly", NULL };
_Static_assert(sizeof(HEADS) / sizeof(HEADS[0]) == HEC_CONFIG_HEADS + 1, "one name a head");

/* Who sets values: one file, or the command line. */
struct setter {
    struct hec_config *config;
    const char *file; /* owned by the config */
    struct hec_problems *problems;
};

const char *hec_config_head_name(int head)
{
    assert(head >= 0 && head < HEC_CONFIG_HEADS);
    return HEADS[head];
}

static int head_named(const char *name)
{
    for (int head = 0; head < HEC_CONFIG_HEADS; head++) {
        if (strcmp(HEADS[head], name) == 0) {
            return head;
        }
    }
    return -1;
}

static bool is_head(const struct hec_setting *setting)
{
    return strcmp(setting->section, "head") == 0;
}

/* Each address of the list in its one form; what does not fit is left as it is, to be refused. */
static void finish_addresses(char *list)
{
    char whole[HEC_CONFIG_TEXT_MAX] = "";
    size_t length = 0;
    for (const char *from = list; *from != '\0';) {
        from += strspn(from, " ");
        size_t part = strcspn(from, ",");
        bool bare = part > 0 && strncmp(from, "unix:", 5) != 0 && strncmp(from, "tcp:", 4) != 0 &&
                    strncmp(from, "memory:", 7) != 0;
        int added = snprintf(whole + length, sizeof(whole) - length, "%s%.*s%s", bare ? "tcp:" : "",
                             (int)part, from, from[part] == ',' ? "," : "");
        length += (size_t)added;
        if (length >= sizeof(whole)) {
            return;
        }
        from += part + (from[part] == ',');
    }
    memcpy(list, whole, length + 1);
}

/* What only the whole can tell: the host name, and the one form of an address. */
static void finish(struct hec_config *config)
{
    if (config->hecate.instance[0] == '\0' &&
        gethostname(config->hecate.instance, sizeof(config->hecate.instance) - 1) != 0) {
        strcpy(config->hecate.instance, "hecate");
    }
    finish_addresses(config->state.redis_address);
}

struct hec_config *hec_config_new(void)
{
    struct hec_config *config = calloc(1, sizeof(*config));
    struct hec_config_origins *origins = calloc(1, sizeof(*origins));
    if (config == NULL || origins == NULL) {
        free(config);
        free(origins);
        return NULL;
    }
    config->origins = origins;
    for (const struct hec_setting *s = hec_settings(); s->name != NULL; s++) {
        for (int head = 0; head < (is_head(s) ? HEC_CONFIG_HEADS : 1); head++) {
            char expected[128];
            bool good = hec_setting_parse(s, config, head, s->standard, expected, sizeof(expected));
            assert(good);
            (void)good;
        }
    }
    finish(config);
    return config;
}

static void wipe(char *text)
{
    if (text != NULL) {
        explicit_bzero(text, strlen(text));
        free(text);
    }
}

static void free_properties(struct hec_properties *properties)
{
    for (int i = 0; i < properties->count; i++) {
        free(properties->rows[i].name);
        wipe(properties->rows[i].value);
        free(properties->rows[i].reference);
    }
    free(properties->rows);
}

void hec_config_free(struct hec_config *config)
{
    if (config == NULL) {
        return;
    }
    free_properties(&config->kafka);
    free_properties(&config->kafka_consumer);
    free_properties(&config->kafka_producer);
    struct hec_config_origins *origins = config->origins;
    for (int i = 0; i < HEC_SETTINGS_MAX; i++) {
        for (int head = 0; head < HEC_CONFIG_HEADS; head++) {
            free(origins->rows[i][head].reference);
        }
    }
    for (int i = 0; i < origins->files_count; i++) {
        free(origins->files[i]);
    }
    free(origins);
    explicit_bzero(config, sizeof(*config));
    free(config);
}

/* ---- References ------------------------------------------------------------------------------ */

/* Refuses one reference: the place, the reference as written, and the sentence. */
static char *refuse_reference(const struct setter *setter, const struct hec_conf_item *item,
                              enum hec_status status, const char *sentence)
{
    hec_problems_add(setter->problems, status, "%s: %s = %s: %s",
                     HEC_PLACE(setter->file, item->line), item->key, item->value, sentence);
    return NULL;
}

/* The text of a file without its last line break, for free(). */
static char *read_secret(const struct setter *setter, const struct hec_conf_item *item,
                         const char *path)
{
    char *text;
    struct hec_error error = { 0 };
    enum hec_status status = hec_text_read(&text, path, SECRET_BYTES_MAX, &error);
    if (status != HEC_OK) {
        return refuse_reference(setter, item, status, error.text);
    }
    size_t length = strlen(text);
    if (length > 0 && text[length - 1] == '\n') {
        text[--length] = '\0';
    }
    if (length > 0 && text[length - 1] == '\r') {
        text[--length] = '\0';
    }
    return text;
}

static char *read_credential(const struct setter *setter, const struct hec_conf_item *item,
                             const char *id)
{
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    if (id[0] == '\0' || id[0] == '.' || strchr(id, '/') != NULL) {
        return refuse_reference(setter, item, HEC_INVALID,
                                "the id of a credential is a plain file name");
    }
    if (folder == NULL) {
        return refuse_reference(setter, item, HEC_NOT_FOUND,
                                "CREDENTIALS_DIRECTORY is not set: start under systemd with "
                                "LoadCredential=, or set it to a folder with that file");
    }
    char path[4096];
    if (snprintf(path, sizeof(path), "%s/%s", folder, id) >= (int)sizeof(path)) {
        return refuse_reference(setter, item, HEC_INVALID, "the path is too long");
    }
    return read_secret(setter, item, path);
}

/* The value of an item, a reference resolved; for free(). NULL: refused. */
static char *resolve(const struct setter *setter, const struct hec_conf_item *item)
{
    if (!item->reference || setter->config->keep_references) {
        return strdup(item->value);
    }
    char inner[1024];
    size_t length = strlen(item->value);
    if (length < 4 || length - 3 >= sizeof(inner)) {
        return refuse_reference(setter, item, HEC_INVALID, "empty, or too long");
    }
    memcpy(inner, item->value + 2, length - 3);
    inner[length - 3] = '\0';
    if (strncmp(inner, "file:", 5) == 0) {
        if (inner[5] != '/') {
            return refuse_reference(setter, item, HEC_INVALID, "the path must begin with /");
        }
        return read_secret(setter, item, inner + 5);
    }
    if (strncmp(inner, "credential:", 11) == 0) {
        return read_credential(setter, item, inner + 11);
    }
    const char *name = strncmp(inner, "env:", 4) == 0 ? inner + 4 : inner;
    if (strchr(name, ':') != NULL) {
        return refuse_reference(setter, item, HEC_INVALID,
                                "a reference is ${env:NAME}, ${file:/path} or ${credential:ID}");
    }
    const char *value = getenv(name);
    if (value == NULL) {
        return refuse_reference(setter, item, HEC_NOT_FOUND,
                                "there is no such variable in the environment");
    }
    return strdup(value);
}

/* ---- Items ----------------------------------------------------------------------------------- */

const struct hec_properties *hec_config_properties(const struct hec_config *config,
                                                   const char *section)
{
    return strcmp(section, "kafka") == 0            ? &config->kafka
           : strcmp(section, "kafka_consumer") == 0 ? &config->kafka_consumer
           : strcmp(section, "kafka_producer") == 0 ? &config->kafka_producer
                                                    : NULL;
}

static struct hec_properties *properties_of(struct hec_config *config, const char *section)
{
    return (struct hec_properties *)hec_config_properties(config, section);
}

static bool is_secret_property(const char *name)
{
    static const char *const SIGNS[] = { "password", "secret", "key.pem", "token",
                                         "oauthbearer.config" };
    for (size_t i = 0; i < sizeof(SIGNS) / sizeof(SIGNS[0]); i++) {
        if (strstr(name, SIGNS[i]) != NULL) {
            return true;
        }
    }
    return false;
}

/* The row of that name, made when it is not there; NULL when memory is exhausted. */
static struct hec_property *property_named(struct hec_properties *properties, const char *name)
{
    for (int i = 0; i < properties->count; i++) {
        if (strcmp(properties->rows[i].name, name) == 0) {
            return &properties->rows[i];
        }
    }
    size_t bytes = (size_t)(properties->count + 1) * sizeof(*properties->rows);
    struct hec_property *rows = realloc(properties->rows, bytes);
    if (rows == NULL) {
        return NULL;
    }
    properties->rows = rows;
    struct hec_property *row = &rows[properties->count];
    *row = (struct hec_property){ .name = strdup(name) };
    if (row->name == NULL) {
        return NULL;
    }
    properties->count++;
    return row;
}

static void set_property(const struct setter *setter, const struct hec_conf_item *item)
{
    char *value = resolve(setter, item);
    if (value == NULL) {
        return;
    }
    struct hec_property *row =
        property_named(properties_of(setter->config, item->section), item->key);
    if (row == NULL) {
        wipe(value);
        hec_problems_add(setter->problems, HEC_NO_MEMORY, "no memory for the settings");
        return;
    }
    wipe(row->value);
    free(row->reference);
    row->value = value;
    row->reference = item->reference ? strdup(item->value) : NULL;
    row->file = setter->file;
    row->line = item->line;
    row->secret = item->reference || is_secret_property(item->key);
}

static void refuse_key(const struct setter *setter, const struct hec_conf_item *item)
{
    const char *near = hec_setting_nearest(item->section, item->key);
    char hint[200] = "";
    if (strcmp(item->key, "allowed_lateness_ms") == 0 || strcmp(item->key, "dedup_window_s") == 0) {
        snprintf(hint, sizeof(hint), " (it stands in features.conf: state depends on it)");
    } else if (near != NULL) {
        snprintf(hint, sizeof(hint), " (did you mean \"%s\"?)", near);
    } else {
        for (const struct hec_setting *s = hec_settings(); s->name != NULL; s++) {
            if (strcmp(s->name, item->key) == 0) {
                snprintf(hint, sizeof(hint), " (it belongs to %s)", s->section);
            }
        }
    }
    hec_problems_add(setter->problems, HEC_INVALID, "%s: unknown key \"%s\" in %s%s%s%s",
                     HEC_PLACE(setter->file, item->line), item->key, item->section,
                     item->title[0] ? " " : "", item->title, hint);
}

static void set_setting(const struct setter *setter, const struct hec_conf_item *item, int head)
{
    const struct hec_setting *setting = hec_setting_named(item->section, item->key);
    if (setting == NULL) {
        refuse_key(setter, item);
        return;
    }
    char *value = resolve(setter, item);
    if (value == NULL) {
        return;
    }
    struct hec_config_origin *origin = hec_setting_origin(setter->config, setting, head);
    origin->file = setter->file;
    origin->line = item->line;
    free(origin->reference);
    origin->reference = item->reference ? strdup(item->value) : NULL;
    char expected[128];
    bool skip =
        item->reference && setter->config->keep_references && setting->type != HEC_SETTING_TEXT;
    if (!skip &&
        !hec_setting_parse(setting, setter->config, head, value, expected, sizeof(expected))) {
        bool shown = !setting->secret && !item->reference;
        hec_problems_add(setter->problems, HEC_INVALID, "%s: %s of %s%s%s must be %s%s%s%s",
                         HEC_PLACE(setter->file, item->line), item->key, item->section,
                         item->title[0] ? " " : "", item->title, expected, shown ? ", not \"" : "",
                         shown ? value : "", shown ? "\"" : "");
    }
    wipe(value);
}

static void set_item(const struct setter *setter, const struct hec_conf_item *item)
{
    if (item->key == NULL) {
        return;
    }
    if (properties_of(setter->config, item->section) != NULL) {
        set_property(setter, item);
        return;
    }
    int head = 0;
    if (strcmp(item->section, "head") == 0) {
        head = head_named(item->title);
        if (head < 0) {
            const char *near = hec_nearest(item->title, HEADS);
            hec_problems_add(setter->problems, HEC_INVALID,
                             "%s: unknown head \"%s\"%s%s%s: there are card_fraud, ato and "
                             "anomaly",
                             HEC_PLACE(setter->file, item->line), item->title,
                             near ? " (did you mean \"" : "", near ? near : "", near ? "\"?)" : "");
            return;
        }
    }
    set_setting(setter, item, head);
}

/* Keeps a file's name for the origins; NULL when there are too many or memory is exhausted. */
static const char *keep_name(struct hec_config *config, const char *name,
                             struct hec_problems *problems)
{
    struct hec_config_origins *origins = config->origins;
    int room = (int)(sizeof(origins->files) / sizeof(origins->files[0]));
    char *kept = origins->files_count < room ? strdup(name) : NULL;
    if (kept == NULL) {
        hec_problems_add(problems, HEC_INVALID, "%s: too many files of settings (at most %d)", name,
                         room);
        return NULL;
    }
    origins->files[origins->files_count++] = kept;
    return kept;
}

enum hec_status hec_config_parse(struct hec_config *config, const char *name, const char *text,
                                 struct hec_problems *problems)
{
    struct hec_conf_section sections[16] = { 0 };
    const struct hec_setting_section *known = hec_setting_sections();
    for (int i = 0; known[i].name != NULL; i++) {
        assert(i < 15);
        sections[i].name = known[i].name;
        sections[i].titled = strcmp(known[i].name, "head") == 0;
    }
    struct setter setter = { config, keep_name(config, name, problems), problems };
    if (setter.file == NULL) {
        return HEC_INVALID;
    }
    struct hec_conf conf;
    int before = problems->count + problems->dropped;
    enum hec_status status = hec_conf_read(&conf, name, text, sections, problems);
    if (status == HEC_NO_MEMORY) {
        hec_problems_add(problems, status, "no memory to read %s", name);
    }
    if (status != HEC_OK) {
        return status;
    }
    for (size_t i = 0; i < conf.count; i++) {
        set_item(&setter, &conf.items[i]);
    }
    hec_conf_free(&conf);
    finish(config);
    return problems->count + problems->dropped == before ? HEC_OK : hec_problems_status(problems);
}

static enum hec_status load_one(struct hec_config *config, const char *path,
                                struct hec_problems *problems)
{
    char *text;
    struct hec_error error = { 0 };
    enum hec_status status = hec_text_read(&text, path, FILE_BYTES_MAX, &error);
    if (status != HEC_OK) {
        hec_problems_add(problems, status, "%s", error.text);
        return status;
    }
    status = hec_config_parse(config, path, text, problems);
    wipe(text);
    return status;
}

enum hec_status hec_config_load(struct hec_config *config, const char *path,
                                struct hec_problems *problems)
{
    enum hec_status status = load_one(config, path, problems);
    if (status == HEC_NOT_FOUND || status == HEC_DENIED) {
        return status;
    }
    char pattern[4096];
    glob_t found;
    if (snprintf(pattern, sizeof(pattern), "%s.d/*.conf", path) >= (int)sizeof(pattern) ||
        glob(pattern, 0, NULL, &found) != 0) {
        return status;
    }
    for (size_t i = 0; i < found.gl_pathc; i++) {
        enum hec_status more = load_one(config, found.gl_pathv[i], problems);
        status = status == HEC_OK ? more : status;
    }
    globfree(&found);
    return status;
}

enum hec_status hec_config_set(struct hec_config *config, const char *assignment,
                               struct hec_problems *problems)
{
    /* section.key=value, or head.NAME.key=value; a librdkafka name has dots of its own. */
    char text[HEC_CONFIG_TEXT_MAX * 2];
    const char *equals = strchr(assignment, '=');
    if (equals == NULL || strlen(assignment) >= sizeof(text)) {
        hec_problems_add(problems, HEC_INVALID,
                         "--set %s: expected SECTION.KEY=VALUE, such as log.level=debug",
                         assignment);
        return HEC_INVALID;
    }
    if (!hec_utf8_is(assignment, strlen(assignment), NULL)) {
        hec_problems_add(problems, HEC_INVALID, "--set: the assignment is not UTF-8");
        return HEC_INVALID;
    }
    strcpy(text, assignment);
    char *value = text + (equals - assignment);
    *value++ = '\0';
    char *section = text;
    char *key = strchr(section, '.');
    char *title = NULL;
    if (key != NULL) {
        *key++ = '\0';
        if (strcmp(section, "head") == 0) {
            title = key;
            key = strchr(title, '.');
            if (key != NULL) {
                *key++ = '\0';
            }
        }
    }
    const struct hec_setting_section *known = hec_setting_sections();
    while (known->name != NULL && strcmp(known->name, section) != 0) {
        known++;
    }
    if (key == NULL || known->name == NULL) {
        hec_problems_add(problems, HEC_INVALID, "--set %s: there is no such setting", assignment);
        return HEC_INVALID;
    }
    size_t length = strlen(value);
    struct hec_conf_item item = {
        .section = known->name,
        .title = title == NULL ? "" : title,
        .key = key,
        .value = value,
        .reference = strncmp(value, "${", 2) == 0 && value[length - 1] == '}',
    };
    struct setter setter = { config, keep_name(config, "--set", problems), problems };
    if (setter.file == NULL) {
        return HEC_INVALID;
    }
    int before = problems->count + problems->dropped;
    set_item(&setter, &item);
    finish(config);
    return problems->count + problems->dropped == before ? HEC_OK : hec_problems_status(problems);
}

const char *hec_properties_find(const struct hec_properties *properties, const char *name)
{
    for (int i = 0; i < properties->count; i++) {
        if (strcmp(properties->rows[i].name, name) == 0) {
            return properties->rows[i].value;
        }
    }
    return NULL;
}
