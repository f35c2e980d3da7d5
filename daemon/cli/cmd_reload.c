/* hecate reload: has a running hecated take its changed settings, all of them or none. */
#include <stdio.h>

#include "cli/commands.h"
#include "cli/talk.h"

static void print_keys(yyjson_val *list, const char *title)
{
    size_t index, max;
    yyjson_val *one;
    yyjson_arr_foreach(list, index, max, one)
    {
        const char *before = hec_member_text(one, "before");
        const char *after = hec_member_text(one, "after");
        printf("%s %s: %s -> %s\n", title, hec_member_text(one, "key"),
               before[0] ? before : "not set", after[0] ? after : "not set");
    }
}

static void print_answer(const struct hec_answer *answer)
{
    yyjson_val *applied = yyjson_obj_get(answer->root, "applied");
    yyjson_val *restart = yyjson_obj_get(answer->root, "needs_restart");
    yyjson_val *model = yyjson_obj_get(answer->root, "model");
    print_keys(applied, "applied:      ");
    print_keys(restart, "needs restart:");
    if (yyjson_get_bool(yyjson_obj_get(model, "changed"))) {
        printf("applied:       the model is now %.12s\n", hec_member_text(model, "sha256"));
    } else if (yyjson_arr_size(applied) + yyjson_arr_size(restart) == 0) {
        printf("nothing has changed\n");
    }
    if (hec_member_integer(answer->root, "pending_engines") > 0) {
        printf("%lld engines begin with it at their next batch\n",
               (long long)hec_member_integer(answer->root, "pending_engines"));
    }
}

static int run(const struct hec_arguments *arguments)
{
    bool wait = hec_given(arguments, "wait");
    struct hec_answer answer;
    int status = hec_talk(arguments, "POST", "/api/v1/reload",
                          wait ? "{\"wait_ms\":4000}" : "{\"wait_ms\":0}", &answer);
    if (status != HEC_EXIT_OK) {
        return status;
    }
    if (hec_given(arguments, "json")) {
        fputs(answer.text, stdout);
    } else {
        print_answer(&answer);
    }
    bool pending = hec_member_integer(answer.root, "pending_engines") > 0;
    hec_answer_free(&answer);
    return wait && pending ? HEC_EXIT_FAILURE : HEC_EXIT_OK;
}

const struct hec_command hec_cmd_reload = {
    .name = "reload",
    .line = "has a running hecated take its changed settings, all of them or none",
    .examples = { "hecate reload --wait", "hecate reload --json" },
    .text = "The model's file is looked at, too. A mistake anywhere leaves everything as it was,\n"
            "and every mistake is told. What wants a restart is told, not taken.",
    .run = run,
    .flags = { { "wait", NULL, "until every engine has begun with them, 4 s at most",
                 HEC_FLAG_SWITCH },
               HEC_JSON_FLAG,
               HEC_TALK_FLAGS },
};
