/* hecate list: who is allowed or denied, whatever the score says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/talk.h"

#define MISUSED                                                                                    \
    "show [allow|deny], add allow|deny KIND:TOKEN --reason TEXT, or remove allow|deny KIND:TOKEN"

static int add(const struct hec_arguments *arguments, const char *list, const char *entity,
               struct hec_answer *answer)
{
    bool ends = hec_given(arguments, "for");
    int64_t for_s = hec_talk_duration_s(hec_text_or(arguments, "for", ""));
    if (!hec_given(arguments, "reason") || (ends && for_s == 0)) {
        return hec_cli_misused(arguments, "add needs --reason TEXT; a time is 90s, 30m, 2h or 7d");
    }
    yyjson_mut_doc *doc = hec_talk_entity(entity);
    yyjson_mut_val *root = yyjson_mut_doc_get_root(doc);
    yyjson_mut_obj_add_str(doc, root, "list", list);
    yyjson_mut_obj_add_strcpy(doc, root, "reason", hec_text_or(arguments, "reason", ""));
    yyjson_mut_obj_add_strcpy(doc, root, "outcome", hec_text_or(arguments, "outcome", ""));
    if (ends) {
        yyjson_mut_obj_add_int(doc, root, "for_s", for_s);
    }
    return hec_talk_post(arguments, "/api/v1/lists", doc, answer);
}

static int remove_one(const struct hec_arguments *arguments, const char *list, const char *entity,
                      struct hec_answer *answer)
{
    char path[600], kind[32], token[400];
    const char *colon = strchr(entity, ':');
    snprintf(kind, sizeof(kind), "%.*s", (int)(colon - entity), entity);
    hec_talk_encode(token, sizeof(token), colon + 1);
    snprintf(path, sizeof(path), "/api/v1/lists/%s/%s/%s", list, kind, token);
    return hec_talk(arguments, "DELETE", path, NULL, answer);
}

static void print_entries(yyjson_val *root)
{
    yyjson_val *one;
    size_t i, count;
    printf("%-7s%-34s%-9s%-16s%s\n", "LIST", "ENTITY", "OUTCOME", "UNTIL-MS", "REASON");
    yyjson_arr_foreach(yyjson_obj_get(root, "entries"), i, count, one)
    {
        char entity[600], until[32] = "-";
        int64_t until_ms = hec_member_integer(one, "until_ms");
        snprintf(entity, sizeof(entity), "%s:%s", hec_member_text(one, "kind"),
                 hec_member_text(one, "token"));
        if (until_ms != 0) {
            snprintf(until, sizeof(until), "%lld", (long long)until_ms);
        }
        hec_print_whole(hec_member_text(one, "list"), 7);
        hec_print_whole(entity, 33);
        printf(" ");
        hec_print_whole(hec_member_text(one, "outcome"), 9);
        printf("%-16s", until);
        hec_print_plain(hec_member_text(one, "reason"), 0);
        printf(", ");
        hec_print_plain(hec_member_text(one, "actor"), 0);
        printf("\n");
    }
}

static int run(const struct hec_arguments *arguments)
{
    const char *verb = arguments->positionals[0];
    int count = arguments->positionals_count;
    const char *list = count > 1 ? arguments->positionals[1] : "";
    bool known = strcmp(list, "allow") == 0 || strcmp(list, "deny") == 0;
    bool entity = count == 3 && known && strchr(arguments->positionals[2], ':') != NULL &&
                  strchr(arguments->positionals[2], ':') - arguments->positionals[2] < 32;
    struct hec_answer answer = { 0 };
    int status;
    if (strcmp(verb, "show") == 0 && (count == 1 || (count == 2 && known))) {
        char path[64];
        snprintf(path, sizeof(path), "/api/v1/lists%s%s", count == 2 ? "?list=" : "", list);
        status = hec_talk(arguments, "GET", path, NULL, &answer);
    } else if (strcmp(verb, "add") == 0 && entity) {
        status = add(arguments, list, arguments->positionals[2], &answer);
    } else if (strcmp(verb, "remove") == 0 && entity) {
        status = remove_one(arguments, list, arguments->positionals[2], &answer);
    } else {
        return hec_cli_misused(arguments, MISUSED);
    }
    return hec_answer_show(arguments, status, &answer,
                           strcmp(verb, "remove") != 0 ? print_entries : NULL);
}

const struct hec_command hec_cmd_list = {
    .name = "list",
    .line = "allows or denies entities, whatever the score says",
    .positionals = "show [LIST] | add LIST KIND:TOKEN | remove LIST KIND:TOKEN",
    .positionals_min = 1,
    .positionals_max = 3,
    .examples = { "hecate list add deny card:c_8f14 --reason \"reported stolen\" --for 30d",
                  "hecate list show deny" },
    .text = "LIST is allow or deny. A denied entity's events are blocked, or sent to review; an\n"
            "allowed one's raise no alert, which is counted. Entries stand in alerts.lists_topic,\n"
            "where every daemon of the group reads them, or else in alerts.lists_file. They hold\n"
            "from the next batch on.",
    .run = run,
    .flags = {
        { "reason", "TEXT", "why", HEC_FLAG_TEXT },
        { "for", "TIME", "90s, 30m, 2h or 7d (default: no end)", HEC_FLAG_TEXT },
        { "outcome", "NAME", "of denied ones: block (default) or review", HEC_FLAG_TEXT },
        HEC_JSON_FLAG,
        HEC_TALK_FLAGS,
    },
};
