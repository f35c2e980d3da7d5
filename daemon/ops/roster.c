/*
 * Entries in a balanced tree of the C library's, as lines of JSON, and as what engines look up.
 */
#define _GNU_SOURCE /* tdestroy, twalk_r */
#include "ops/roster.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

#include "file/output.h"
#include "ops/conf.h"

#define FILE_BYTES_MAX (512 << 20)

/* A balanced tree of the library's, ordered by key. */
struct hec_roster {
    void *tree;
    size_t allowed, denied;
};

enum hec_status hec_roster_new(struct hec_roster **ret)
{
    *ret = calloc(1, sizeof(**ret));
    return *ret == NULL ? HEC_NO_MEMORY : HEC_OK;
}

void hec_roster_free(struct hec_roster *roster)
{
    if (roster != NULL) {
        tdestroy(roster->tree, free);
        free(roster);
    }
}

static int by_key(const void *a, const void *b)
{
    const struct hec_roster_entry *left = a, *right = b;
    return strcmp(left->key, right->key);
}

/* ---- As text --------------------------------------------------------------------------------- */

static const char *text_of(yyjson_val *root, const char *name, size_t bytes_max)
{
    const char *text = yyjson_get_str(yyjson_obj_get(root, name));
    return text == NULL || strlen(text) > bytes_max ? "" : text;
}

static bool holds_card_number(const struct hec_roster_entry *entry)
{
    return hec_looks_like_card_number(entry->token, strlen(entry->token)) ||
           hec_looks_like_card_number(entry->reason, strlen(entry->reason)) ||
           hec_looks_like_card_number(entry->actor, strlen(entry->actor));
}

/* The rest of an entry, once kind and token are known. */
static void settle(struct hec_roster_entry *entry)
{
    snprintf(entry->key, sizeof(entry->key), "%s:%s", hec_kind_info(entry->entry.kind)->name,
             entry->token);
    entry->entry.token = entry->token;
    entry->entry.reason = entry->reason;
}

enum hec_status hec_roster_understand(struct hec_roster_entry *entry, const char *json,
                                      size_t length, struct hec_error *error)
{
    yyjson_doc *doc = yyjson_read(json, length, YYJSON_READ_NOFLAG);
    yyjson_val *root = yyjson_doc_get_root(doc);
    const char *list = text_of(root, "list", 8), *kind = text_of(root, "kind", 16);
    const char *outcome = text_of(root, "outcome", 16);
    *entry = (struct hec_roster_entry){
        .entry = { .kind = hec_kind_named(kind, strlen(kind)),
                   .deny = strcmp(list, "deny") == 0,
                   .until_ms = yyjson_get_sint(yyjson_obj_get(root, "until_ms")) },
        .at_ms = yyjson_get_sint(yyjson_obj_get(root, "at_ms")),
    };
    snprintf(entry->token, sizeof(entry->token), "%s", text_of(root, "token", HEC_TOKEN_BYTES_MAX));
    snprintf(entry->reason, sizeof(entry->reason), "%s",
             text_of(root, "reason", HEC_LIST_REASON_MAX));
    snprintf(entry->actor, sizeof(entry->actor), "%s",
             text_of(root, "actor", HEC_ROSTER_ACTOR_MAX - 1));
    const char *wrong = NULL;
    if (!yyjson_is_obj(root)) {
        wrong = "this is no JSON object";
    } else if (!entry->entry.deny && strcmp(list, "allow") != 0) {
        wrong = "list must be allow or deny";
    } else if (entry->entry.kind == HEC_KINDS) {
        wrong = "there is no such kind of entity";
    } else if (entry->token[0] == '\0') {
        wrong = "token must be a text of 1 .. 128 bytes";
    } else if (entry->entry.until_ms < 0) {
        wrong = "until_ms must not be negative";
    } else if (outcome[0] != '\0' && strcmp(outcome, "block") != 0 &&
               strcmp(outcome, "review") != 0) {
        wrong = "outcome must be block or review";
    }
    entry->entry.action = !entry->entry.deny               ? HEC_ACTION_ALLOW
                          : strcmp(outcome, "review") == 0 ? HEC_ACTION_REVIEW
                                                           : HEC_ACTION_BLOCK;
    yyjson_doc_free(doc);
    if (wrong != NULL) {
        return hec_fail(error, HEC_INVALID, "%s", wrong);
    }
    if (holds_card_number(entry)) {
        return hec_fail(error, HEC_CARD_NUMBER,
                        "this may be a raw card number; entities are known by their tokens");
    }
    settle(entry);
    return HEC_OK;
}

size_t hec_roster_write(char line[HEC_ROSTER_LINE_MAX], const struct hec_roster_entry *entry)
{
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_str(doc, root, "list", entry->entry.deny ? "deny" : "allow");
    yyjson_mut_obj_add_str(doc, root, "kind", hec_kind_info(entry->entry.kind)->name);
    yyjson_mut_obj_add_str(doc, root, "token", entry->token);
    yyjson_mut_obj_add_str(doc, root, "reason", entry->reason);
    if (entry->entry.deny) {
        yyjson_mut_obj_add_str(doc, root, "outcome", hec_action_name(entry->entry.action));
    }
    if (entry->entry.until_ms != 0) {
        yyjson_mut_obj_add_int(doc, root, "until_ms", entry->entry.until_ms);
    }
    yyjson_mut_obj_add_str(doc, root, "actor", entry->actor);
    yyjson_mut_obj_add_int(doc, root, "at_ms", entry->at_ms);
    size_t length = 0;
    char *text = yyjson_mut_write(doc, YYJSON_WRITE_NOFLAG, &length);
    yyjson_mut_doc_free(doc);
    length = text == NULL || length >= HEC_ROSTER_LINE_MAX ? 0 : length;
    memcpy(line, text == NULL ? "" : text, length);
    line[length] = '\0';
    free(text);
    return length;
}

/* ---- On and off ------------------------------------------------------------------------------ */

const struct hec_roster_entry *hec_roster_find(const struct hec_roster *roster, const char *key)
{
    struct hec_roster_entry probe;
    snprintf(probe.key, sizeof(probe.key), "%s", key);
    void *const *found = tfind(&probe, &roster->tree, by_key);
    return found == NULL ? NULL : *found;
}

bool hec_roster_remove(struct hec_roster *roster, const char *key)
{
    struct hec_roster_entry *found =
        (struct hec_roster_entry *)(uintptr_t)hec_roster_find(roster, key);
    if (found == NULL) {
        return false;
    }
    tdelete(found, &roster->tree, by_key);
    *(found->entry.deny ? &roster->denied : &roster->allowed) -= 1;
    free(found);
    return true;
}

enum hec_status hec_roster_put(struct hec_roster *roster, const struct hec_roster_entry *entry)
{
    struct hec_roster_entry *kept = malloc(sizeof(*kept));
    if (kept == NULL) {
        return HEC_NO_MEMORY;
    }
    *kept = *entry;
    settle(kept);
    hec_roster_remove(roster, kept->key);
    if (tsearch(kept, &roster->tree, by_key) == NULL) {
        free(kept);
        return HEC_NO_MEMORY;
    }
    *(kept->entry.deny ? &roster->denied : &roster->allowed) += 1;
    return HEC_OK;
}

size_t hec_roster_count(const struct hec_roster *roster, bool deny)
{
    return deny ? roster->denied : roster->allowed;
}

struct walk {
    void (*see)(void *context, const struct hec_roster_entry *entry);
    void *context;
};

static void visit(const void *node, VISIT which, void *context)
{
    const struct walk *walk = context;
    if (which == postorder || which == leaf) {
        walk->see(walk->context, *(const struct hec_roster_entry *const *)node);
    }
}

void hec_roster_each(const struct hec_roster *roster,
                     void (*see)(void *context, const struct hec_roster_entry *entry),
                     void *context)
{
    struct walk walk = { see, context };
    twalk_r(roster->tree, visit, &walk);
}

/* ---- The file -------------------------------------------------------------------------------- */

enum hec_status hec_roster_load(struct hec_roster *roster, const char *path,
                                struct hec_error *error)
{
    char *text = NULL;
    enum hec_status status = hec_text_read(&text, path, FILE_BYTES_MAX, error);
    if (status == HEC_NOT_FOUND) {
        return HEC_OK;
    }
    int number = 1;
    for (char *at = text; status == HEC_OK && *at != '\0'; number++) {
        size_t length = strcspn(at, "\n");
        struct hec_roster_entry entry;
        struct hec_error why = { 0 };
        if (strspn(at, " \t\r") < length && at[0] != '#') {
            status = hec_roster_understand(&entry, at, length, &why);
            status = status == HEC_OK
                         ? hec_roster_put(roster, &entry)
                         : hec_fail(error, status, "%s:%d: %s", path, number, why.text);
        }
        at += length + (at[length] == '\n');
    }
    free(text);
    return status;
}

static void write_line(void *context, const struct hec_roster_entry *entry)
{
    char line[HEC_ROSTER_LINE_MAX];
    size_t length = hec_roster_write(line, entry);
    line[length++] = '\n';
    hec_output_write(context, line, length);
}

enum hec_status hec_roster_save(const struct hec_roster *roster, const char *path,
                                struct hec_error *error)
{
    struct hec_output *output;
    enum hec_status status = hec_output_open(&output, path, error);
    if (status != HEC_OK) {
        return status;
    }
    hec_roster_each(roster, write_line, output);
    return hec_output_close(output, error);
}

/* ---- For the engines ------------------------------------------------------------------------- */

struct gathering {
    struct hec_list_entry *entries;
    size_t count;
};

static void gather(void *context, const struct hec_roster_entry *entry)
{
    struct gathering *gathering = context;
    gathering->entries[gathering->count++] = entry->entry;
}

enum hec_status hec_roster_lists(struct hec_lists **ret, const struct hec_roster *roster,
                                 const struct hec_roster *over)
{
    size_t room = roster->allowed + roster->denied + 1;
    room += over == NULL ? 0 : over->allowed + over->denied;
    struct gathering gathering = { .entries = calloc(room, sizeof(*gathering.entries)) };
    if (gathering.entries == NULL) {
        return HEC_NO_MEMORY;
    }
    hec_roster_each(roster, gather, &gathering);
    if (over != NULL) {
        hec_roster_each(over, gather, &gathering);
    }
    enum hec_status status = hec_lists_new(ret, gathering.entries, gathering.count);
    free(gathering.entries);
    return status;
}
