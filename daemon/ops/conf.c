/*
 * The door to libConfuse: two passes over a cleaned text.
 *
 * libConfuse 3.3 does the grammar; five of its habits are worked around here, once:
 * - it counts a line more for a comment, so comments are blanked before it sees the text;
 * - it replaces ${NAME} by the environment while scanning, so a reference is put in single quotes
 *   with a mark before it;
 * - a section with free keys (CFGF_KEYSTRVAL) knows no callbacks, so the first pass only collects
 *   the names of the keys, and the second one, which knows them, gives every value with its line;
 * - it takes the end of the text for the end of a section, so brackets are counted;
 * - for such keys the first pass says "no such option" although nothing is wrong: not kept.
 */
#include "ops/conf.h"

#include <assert.h>
#include <confuse.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ops/utf8.h"

#define REFERENCE_MARK '\001'
#define SECTIONS_MAX 16

struct string {
    struct string *next;
    char text[];
};

/* What the callbacks of one hec_conf_read share; libConfuse passes no pointer through. */
struct reading {
    const char *name;
    const struct hec_conf_section *sections;
    struct hec_problems *problems;
    struct hec_conf *conf;
    size_t room;
    bool second_pass, failed, no_memory;
    bool seen[SECTIONS_MAX];
};
static struct reading *reading;

static bool is_boundary(char c)
{
    return c == '\0' || strchr(" \t\r\n{}=,()+\"'", c) != NULL;
}

/* The end of a ${...} that starts at text, or NULL. */
static const char *reference_end(const char *text)
{
    size_t length = strcspn(text, "}\r\n\"'");
    return text[length] == '}' ? text + length + 1 : NULL;
}

struct cleaning {
    const char *at, *start;
    char *out;
    int line;
    const char *name;
    struct hec_problems *problems;
};

static void copy_quoted_reference(struct cleaning *c, const char *end)
{
    *c->out++ = '\'';
    *c->out++ = REFERENCE_MARK;
    memcpy(c->out, c->at, (size_t)(end - c->at));
    c->out += end - c->at;
    *c->out++ = '\'';
    c->at = end;
}

/* One byte goes over as it is; a control character, which could pass for a mark, is refused. */
static void copy(struct cleaning *c)
{
    if ((unsigned char)*c->at < ' ' && strchr("\t\r\n", *c->at) == NULL) {
        hec_problems_add(c->problems, HEC_INVALID, "%s:%d: control character 0x%02x", c->name,
                         c->line, (unsigned char)*c->at);
    }
    c->line += *c->at == '\n';
    *c->out++ = *c->at++;
}

static void complain_of_reference(struct cleaning *c)
{
    hec_problems_add(c->problems, HEC_INVALID,
                     "%s:%d: a reference such as ${env:NAME} must be the whole value", c->name,
                     c->line);
}

static void complain_of_open(struct cleaning *c, int line, const char *what)
{
    hec_problems_add(c->problems, HEC_INVALID, "%s:%d: the %s that opens here is never closed",
                     c->name, line, what);
}

/* A quoted text: copied as it is, but for a double-quoted one that is a whole reference. */
static void clean_quoted(struct cleaning *c)
{
    char quote = *c->at;
    if (quote == '"' && c->at[1] == '$' && c->at[2] == '{') {
        const char *end = reference_end(c->at + 1);
        if (end != NULL && *end == '"') {
            c->at++;
            copy_quoted_reference(c, end);
            c->at++;
            return;
        }
    }
    int line = c->line;
    copy(c);
    while (*c->at != '\0' && *c->at != quote) {
        if (quote == '"' && c->at[0] == '$' && c->at[1] == '{') {
            complain_of_reference(c);
        }
        if (*c->at == '\\' && c->at[1] != '\0') {
            copy(c);
        }
        copy(c);
    }
    if (*c->at == '\0') {
        complain_of_open(c, line, "quote");
        return;
    }
    copy(c);
}

static void clean_bare_reference(struct cleaning *c)
{
    const char *end = reference_end(c->at);
    bool whole = end != NULL && is_boundary(*end) && (c->at == c->start || is_boundary(c->at[-1]));
    if (whole) {
        copy_quoted_reference(c, end);
        return;
    }
    complain_of_reference(c);
    c->at += 2;
}

static void blank_comment(struct cleaning *c)
{
    bool block = c->at[0] == '/' && c->at[1] == '*';
    while (*c->at != '\0' && (block || *c->at != '\n')) {
        if (block && c->at[0] == '*' && c->at[1] == '/') {
            c->at += 2;
            return;
        }
        if (*c->at == '\n') {
            copy(c);
        } else {
            c->at++;
        }
    }
}

/* Returns the text without comments, references in marked quotes, the same lines; for free(). */
static char *clean(const char *text, const char *name, struct hec_problems *problems)
{
    /* A reference of four bytes or more grows by three. */
    char *cleaned = malloc(strlen(text) * 2 + 2);
    if (cleaned == NULL) {
        return NULL;
    }
    struct cleaning c = { text, text, cleaned, 1, name, problems };
    int depth = 0; /* of brackets: libConfuse takes the end of the text for theirs */
    int open_line = 0;
    while (*c.at != '\0') {
        bool fresh = c.at == text || is_boundary(c.at[-1]);
        if (*c.at == '"' || *c.at == '\'') {
            clean_quoted(&c);
        } else if (*c.at == '$' && c.at[1] == '{') {
            clean_bare_reference(&c);
        } else if (*c.at == '#' || (fresh && *c.at == '/' && (c.at[1] == '/' || c.at[1] == '*'))) {
            blank_comment(&c);
        } else {
            open_line = *c.at == '{' && depth == 0 ? c.line : open_line;
            depth += (*c.at == '{') - (*c.at == '}');
            copy(&c);
        }
    }
    if (depth > 0) {
        complain_of_open(&c, open_line, "bracket");
    }
    *c.out++ = '\n';
    *c.out = '\0';
    return cleaned;
}

static const char *keep(const char *text)
{
    size_t bytes = strlen(text) + 1;
    struct string *string = malloc(sizeof(*string) + bytes);
    if (string == NULL) {
        reading->no_memory = true;
        return "";
    }
    memcpy(string->text, text, bytes);
    string->next = reading->conf->memory;
    reading->conf->memory = string;
    return string->text;
}

static void add_item(const struct hec_conf_item *item)
{
    struct hec_conf *conf = reading->conf;
    if (conf->count == reading->room) {
        size_t room = reading->room == 0 ? 256 : reading->room * 2;
        struct hec_conf_item *items = realloc(conf->items, room * sizeof(*items));
        if (items == NULL) {
            reading->no_memory = true;
            return;
        }
        conf->items = items;
        reading->room = room;
    }
    conf->items[conf->count++] = *item;
}

/* The item that set this key before in the same section, or NULL. A section's items lie together,
 * after the last end of a section; keys outside of sections may lie anywhere. */
static const struct hec_conf_item *find_before(const char *section, const char *key)
{
    for (size_t i = reading->conf->count; i-- > 0;) {
        const struct hec_conf_item *item = &reading->conf->items[i];
        if (item->key == NULL && section[0] != '\0') {
            return NULL;
        }
        if (item->key != NULL && strcmp(item->section, section) == 0 &&
            strcmp(item->key, key) == 0) {
            return item;
        }
    }
    return NULL;
}

static int on_value(cfg_t *cfg, cfg_opt_t *option, const char *value, void *result)
{
    *(const char **)result = value;
    if (!reading->second_pass) {
        return 0;
    }
    const char *title = cfg_title(cfg);
    bool root = strcmp(cfg_name(cfg), "root") == 0 && title == NULL;
    const char *section = root ? "" : cfg_name(cfg);
    /* The value is counted already, so a list's first one is number 1, after a new '=' too. */
    const struct hec_conf_item *before =
        cfg_opt_size(option) > 1 && (option->flags & CFGF_LIST) != 0
            ? NULL
            : find_before(section, option->name);
    if (before != NULL) {
        hec_problems_add(reading->problems, HEC_INVALID,
                         "%s:%d: %s stands twice in %s%s%s (line %d)", reading->name, cfg->line,
                         option->name, root ? "the file" : section, title == NULL ? "" : " ",
                         title == NULL ? "" : title, before->line);
    }
    bool reference = value[0] == REFERENCE_MARK;
    add_item(&(struct hec_conf_item){
        .section = keep(section),
        .title = title == NULL ? "" : keep(title),
        .key = keep(option->name),
        .value = keep(value + reference),
        .reference = reference,
        .line = cfg->line,
    });
    return 0;
}

static int on_section_end(cfg_t *cfg, cfg_opt_t *option)
{
    for (int i = 0; reading->sections[i].name != NULL; i++) {
        const struct hec_conf_section *section = &reading->sections[i];
        if (strcmp(section->name, option->name) != 0 || section->titled) {
            continue;
        }
        if (reading->seen[i]) {
            hec_problems_add(reading->problems, HEC_INVALID,
                             "%s:%d: section %s stands twice; put its keys together", reading->name,
                             cfg->line, option->name);
        }
        reading->seen[i] = true;
    }
    /* Titles are not given twice, so the section that ends is the newest one. */
    const char *title = cfg_title(cfg_opt_getnsec(option, cfg_opt_size(option) - 1));
    add_item(&(struct hec_conf_item){
        .section = keep(option->name),
        .title = title == NULL ? "" : keep(title),
        .line = cfg->line,
    });
    return 0;
}

/* A line of libConfuse's own. A missing '=' at the top is a section that we do not have. */
static void on_error(cfg_t *cfg, const char *format, va_list arguments)
{
    char text[256];
    vsnprintf(text, sizeof(text), format, arguments);
    if (strncmp(text, "no such option", 14) == 0) {
        return;
    }
    reading->failed = true;
    const char *quoted = strchr(text, '\'');
    bool root = strcmp(cfg_name(cfg), "root") == 0 && cfg_title(cfg) == NULL;
    if (root && quoted != NULL && strstr(text, "missing equal sign") != NULL) {
        char word[128];
        snprintf(word, sizeof(word), "%.*s", (int)strcspn(quoted + 1, "'"), quoted + 1);
        const char *names[SECTIONS_MAX + 1] = { NULL };
        for (int i = 0, n = 0; reading->sections[i].name != NULL; i++) {
            if (reading->sections[i].name[0] != '\0') {
                names[n++] = reading->sections[i].name;
            }
        }
        const char *near = hec_nearest(word, names);
        hec_problems_add(reading->problems, HEC_INVALID, "%s:%d: unknown section \"%s\"%s%s%s",
                         reading->name, cfg->line, word, near ? " (did you mean \"" : "",
                         near ? near : "", near ? "\"?)" : "");
        return;
    }
    if (strncmp(text, "found duplicate title", 21) == 0 && quoted != NULL) {
        hec_problems_add(reading->problems, HEC_INVALID,
                         "%s:%d: section %.*s stands twice; put its keys together", reading->name,
                         cfg->line, (int)strcspn(quoted + 1, "'"), quoted + 1);
        return;
    }
    bool quotes = strstr(text, "missing equal sign") != NULL || strstr(text, "unexpected") != NULL;
    hec_problems_add(reading->problems, HEC_INVALID, "%s:%d: %s%s", reading->name, cfg->line, text,
                     quotes ? " (a value with blanks, commas or signs must stand in \"quotes\")"
                            : "");
}

/* The keys of one section: one option each, ended by CFG_END. Names are borrowed. */
struct keys {
    cfg_opt_t *options;
    size_t count, room;
};

static bool is_list(const struct hec_conf_section *section, const char *key)
{
    for (const char *const *list = section->lists; list != NULL && *list != NULL; list++) {
        if (strcmp(*list, key) == 0) {
            return true;
        }
    }
    return false;
}

static void add_key(struct keys *keys, const char *name, bool list)
{
    for (size_t i = 0; i < keys->count; i++) {
        if (strcmp(keys->options[i].name, name) == 0) {
            return;
        }
    }
    if (keys->count + 2 > keys->room) {
        size_t room = keys->room == 0 ? 32 : keys->room * 2;
        cfg_opt_t *options = realloc(keys->options, room * sizeof(*options));
        if (options == NULL) {
            reading->no_memory = true;
            return;
        }
        keys->options = options;
        keys->room = room;
    }
    cfg_opt_t scalar = CFG_STR_CB(name, NULL, CFGF_NONE, on_value);
    cfg_opt_t several = CFG_STR_LIST_CB(name, NULL, CFGF_NONE, on_value);
    cfg_opt_t end = CFG_END();
    keys->options[keys->count++] = list ? several : scalar;
    keys->options[keys->count] = end;
}

static void add_keys_of(struct keys *keys, const struct hec_conf_section *section, cfg_t *cfg)
{
    for (unsigned int i = 0; i < cfg_num(cfg); i++) {
        const cfg_opt_t *option = cfg_getnopt(cfg, i);
        if (option->type == CFGT_STR) {
            add_key(keys, option->name, is_list(section, option->name));
        }
    }
}

/* One pass. keys: [0] those of the top, [1 + i] those of section i. */
static cfg_t *pass(struct keys *keys, const char *cleaned)
{
    struct keys root = { 0 };
    cfg_flag_t free_keys = reading->second_pass ? CFGF_NONE : CFGF_KEYSTRVAL;
    for (size_t i = 0; i < keys[0].count; i++) {
        add_key(&root, keys[0].options[i].name, (keys[0].options[i].flags & CFGF_LIST) != 0);
    }
    for (int i = 0; reading->sections[i].name != NULL; i++) {
        const struct hec_conf_section *section = &reading->sections[i];
        if (section->name[0] == '\0') {
            continue;
        }
        cfg_flag_t flags = CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES;
        cfg_opt_t option = CFG_SEC((char *)section->name, keys[1 + i].options,
                                   free_keys | (section->titled ? flags : CFGF_NONE));
        add_key(&root, section->name, false);
        if (reading->no_memory) {
            break;
        }
        root.options[root.count - 1] = option;
    }
    cfg_t *cfg = reading->no_memory ? NULL : cfg_init(root.options, free_keys);
    free(root.options);
    if (cfg == NULL) {
        reading->no_memory = true;
        return NULL;
    }
    cfg_set_error_function(cfg, on_error);
    for (int i = 0; reading->second_pass && reading->sections[i].name != NULL; i++) {
        if (reading->sections[i].name[0] != '\0') {
            cfg_set_validate_func(cfg, reading->sections[i].name, on_section_end);
        }
    }
    if (cfg_parse_buf(cfg, cleaned) != CFG_SUCCESS) {
        reading->failed = true;
    }
    return cfg;
}

static void both_passes(const char *cleaned)
{
    struct keys keys[1 + SECTIONS_MAX] = { 0 };
    const struct hec_conf_section *sections = reading->sections;
    add_key(&keys[0], "\002", false); /* so that no list of options is empty */
    for (int i = 0; sections[i].name != NULL; i++) {
        assert(i < SECTIONS_MAX);
        add_key(&keys[1 + i], "\002", false);
        for (const char *const *list = sections[i].lists; list && *list; list++) {
            add_key(&keys[1 + i], *list, true);
        }
    }
    /* The names that the second pass borrows are the first one's. */
    cfg_t *first = reading->no_memory ? NULL : pass(keys, cleaned);
    if (first != NULL && !reading->failed) {
        static const struct hec_conf_section TOP = { .name = "" };
        add_keys_of(&keys[0], &TOP, first);
        for (int i = 0; sections[i].name != NULL; i++) {
            unsigned int count =
                sections[i].name[0] == '\0' ? 0 : cfg_size(first, sections[i].name);
            for (unsigned int n = 0; n < count; n++) {
                add_keys_of(&keys[1 + i], &sections[i], cfg_getnsec(first, sections[i].name, n));
            }
        }
        reading->second_pass = true;
        cfg_t *second = reading->no_memory ? NULL : pass(keys, cleaned);
        cfg_free(second);
    }
    cfg_free(first);
    for (int i = 0; i < 1 + SECTIONS_MAX; i++) {
        free(keys[i].options);
    }
}

enum hec_status hec_conf_read(struct hec_conf *conf, const char *name, const char *text,
                              const struct hec_conf_section *sections,
                              struct hec_problems *problems)
{
    assert(reading == NULL);
    *conf = (struct hec_conf){ 0 };
    int before = problems->count, line = 0;
    if (!hec_utf8_is(text, strlen(text), &line)) {
        hec_problems_add(problems, HEC_INVALID, "%s:%d: not UTF-8", name, line);
        return HEC_INVALID;
    }
    char *cleaned = clean(text, name, problems);
    if (cleaned == NULL) {
        return HEC_NO_MEMORY;
    }
    struct reading now = { .name = name, .sections = sections, .problems = problems, .conf = conf };
    reading = &now;
    if (problems->count == before) {
        both_passes(cleaned);
    }
    reading = NULL;
    free(cleaned);
    if (now.failed && problems->count == before) {
        hec_problems_add(problems, HEC_INVALID, "%s: the text ends inside of a section or a quote",
                         name);
    }
    if (!now.no_memory && problems->count == before) {
        return HEC_OK;
    }
    hec_conf_free(conf);
    return now.no_memory ? HEC_NO_MEMORY : HEC_INVALID;
}

void hec_conf_free(struct hec_conf *conf)
{
    struct string *next;
    for (struct string *string = conf->memory; string != NULL; string = next) {
        next = string->next;
        free(string);
    }
    free(conf->items);
    *conf = (struct hec_conf){ 0 };
}

enum hec_status hec_text_read(char **ret, const char *path, size_t bytes_max,
                              struct hec_error *error)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        enum hec_status status = errno == ENOENT || errno == ENOTDIR ? HEC_NOT_FOUND
                                 : errno == EACCES                   ? HEC_DENIED
                                                                     : HEC_UNAVAILABLE;
        return hec_fail(error, status, "cannot open %s: %s", path, strerror(errno));
    }
    char *text = malloc(bytes_max + 2);
    if (text == NULL) {
        fclose(file);
        return hec_fail(error, HEC_NO_MEMORY, "no memory to read %s", path);
    }
    size_t length = fread(text, 1, bytes_max + 1, file);
    bool broken = ferror(file) != 0;
    int reason = errno;
    fclose(file);
    text[length] = '\0';
    enum hec_status status = HEC_OK;
    if (broken) {
        status = hec_fail(error, HEC_UNAVAILABLE, "cannot read %s: %s", path, strerror(reason));
    } else if (length > bytes_max) {
        status = hec_fail(error, HEC_INVALID, "%s is larger than %zu bytes", path, bytes_max);
    } else if (strlen(text) != length) {
        status = hec_fail(error, HEC_INVALID, "%s holds a NUL byte: not a text file", path);
    }
    if (status != HEC_OK) {
        free(text);
        return status;
    }
    *ret = text;
    return HEC_OK;
}
