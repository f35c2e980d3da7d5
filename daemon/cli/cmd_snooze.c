/* hecate snooze: one noisy entity is kept out of sight for a while, with a reason and an end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/talk.h"

static int add(const struct hec_arguments *arguments, struct hec_answer *answer)
{
    const char *entity = arguments->positionals[1];
    int64_t for_s = hec_talk_duration_s(hec_text_or(arguments, "for", ""));
    if (strchr(entity, ':') == NULL || for_s == 0 || !hec_given(arguments, "reason")) {
        return hec_cli_misused(arguments, "add takes KIND:TOKEN --for 2h --reason TEXT; a time is "
                                          "90s, 30m, 2h or 7d");
    }
    yyjson_mut_doc *doc = hec_talk_entity(entity);
    yyjson_mut_val *root = yyjson_mut_doc_get_root(doc);
    yyjson_mut_obj_add_strcpy(doc, root, "head", hec_text_or(arguments, "head", ""));
    yyjson_mut_obj_add_strcpy(doc, root, "reason", hec_text_or(arguments, "reason", ""));
    yyjson_mut_obj_add_int(doc, root, "for_s", for_s);
    return hec_talk_post(arguments, "/api/v1/snoozes", doc, answer);
}

static void print_snoozes(yyjson_val *root)
{
    yyjson_val *snoozes = yyjson_obj_get(root, "snoozes"), *one;
    size_t i, count;
    printf("%-6s%-28s%-12s%12s%8s  %s\n", "ID", "ENTITY", "HEAD", "ENDS-IN-S", "KEPT", "REASON");
    yyjson_arr_foreach(snoozes, i, count, one)
    {
        char entity[600];
        snprintf(entity, sizeof(entity), "%s:%s", hec_member_text(one, "kind"),
                 hec_member_text(one, "token"));
        const char *head = hec_member_text(one, "head");
        int64_t lasts_ms =
            hec_member_integer(one, "until_ms") - hec_member_integer(one, "created_ms");
        printf("%-6lld", (long long)hec_member_integer(one, "id"));
        hec_print_whole(entity, 27);
        printf(" ");
        hec_print_plain(head[0] == '\0' ? "all" : head, 12);
        printf("%12lld%8lld  ", (long long)lasts_ms / 1000,
               (long long)hec_member_integer(one, "kept"));
        hec_print_plain(hec_member_text(one, "reason"), 0);
        printf(", ");
        hec_print_plain(hec_member_text(one, "actor"), 0);
        printf("\n");
    }
}

static int run(const struct hec_arguments *arguments)
{
    const char *verb = arguments->positionals[0];
    bool one = arguments->positionals_count == 1;
    struct hec_answer answer = { 0 };
    int status;
    if (strcmp(verb, "list") == 0 && one) {
        status = hec_talk(arguments, "GET", "/api/v1/snoozes", NULL, &answer);
    } else if (strcmp(verb, "add") == 0 && !one) {
        status = add(arguments, &answer);
    } else if (strcmp(verb, "remove") == 0 && !one) {
        char path[300], id[200];
        hec_talk_encode(id, sizeof(id), arguments->positionals[1]);
        snprintf(path, sizeof(path), "/api/v1/snoozes/%s", id);
        status = hec_talk(arguments, "DELETE", path, NULL, &answer);
    } else {
        return hec_cli_misused(arguments, "list, add KIND:TOKEN, or remove ID");
    }
    return hec_answer_show(arguments, status, &answer,
                           strcmp(verb, "remove") != 0 ? print_snoozes : NULL);
}

const struct hec_command hec_cmd_snooze = {
    .name = "snooze",
    .line = "keeps an entity's alerts out of sight for a while",
    .positionals = "list | add KIND:TOKEN | remove ID",
    .positionals_min = 1,
    .positionals_max = 2,
    .examples = { "hecate snooze add card:c_8f14 --for 2h --reason \"known test card\"",
                  "hecate snooze list" },
    .text = "Alerts go on to the topic and into the inbox, where they are counted and can be\n"
            "listed with --state snoozed.",
    .run = run,
    .flags = {
        { "head", "HEAD", "of one head only (default all)", HEC_FLAG_TEXT },
        { "for", "TIME", "90s, 30m, 2h or 7d, at most 180 days", HEC_FLAG_TEXT },
        { "reason", "TEXT", "why", HEC_FLAG_TEXT },
        HEC_JSON_FLAG,
        HEC_TALK_FLAGS,
    },
};
