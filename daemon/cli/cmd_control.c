/* hecate pause, resume, drain, loglevel: orders to a running hecated. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/talk.h"

/* Sends a body of one JSON object, and takes it over. */
static int order(const struct hec_arguments *arguments, const char *method, const char *path,
                 yyjson_mut_doc *body, const char *done)
{
    struct hec_answer answer;
    char *text = yyjson_mut_write(body, YYJSON_WRITE_NOFLAG, NULL);
    int status = text == NULL ? HEC_EXIT_FAILURE : hec_talk(arguments, method, path, text, &answer);
    free(text);
    yyjson_mut_doc_free(body);
    if (status == HEC_EXIT_OK) {
        printf("%s\n", done);
        hec_answer_free(&answer);
    }
    return status;
}

static yyjson_mut_doc *new_body(void)
{
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_doc_set_root(doc, yyjson_mut_obj(doc));
    return doc;
}

static int run_pause(const struct hec_arguments *arguments)
{
    yyjson_mut_doc *body = new_body();
    yyjson_mut_obj_add_strcpy(body, yyjson_mut_doc_get_root(body), "reason",
                              hec_text_or(arguments, "reason", ""));
    return order(arguments, "POST", "/api/v1/pause", body,
                 "paused: no events are read until `hecate resume`");
}

const struct hec_command hec_cmd_pause = {
    .name = "pause",
    .line = "stops the reading of events; the reason is shown to all",
    .examples = { "hecate pause --reason \"broker maintenance until 14:00\"",
                  "hecate pause --reason \"wrong model\" --config /etc/hecate/hecate.conf" },
    .text = "What was read is finished and committed. Readiness fails until somebody resumes.",
    .run = run_pause,
    .flags = { { "reason", "TEXT", "why", HEC_FLAG_TEXT, .required = true }, HEC_TALK_FLAGS },
};

static int run_resume(const struct hec_arguments *arguments)
{
    return order(arguments, "POST", "/api/v1/resume", new_body(), "resumed");
}

const struct hec_command hec_cmd_resume = {
    .name = "resume",
    .line = "reads events again after a pause",
    .examples = { "hecate resume", "hecate resume --socket /run/hecate/admin.sock" },
    .run = run_resume,
    .flags = { HEC_TALK_FLAGS },
};

static int run_drain(const struct hec_arguments *arguments)
{
    return order(arguments, "POST", "/api/v1/drain", new_body(),
                 "draining: what is open is finished, then it ends");
}

const struct hec_command hec_cmd_drain = {
    .name = "drain",
    .line = "finishes what is open and ends, as SIGTERM does",
    .examples = { "hecate drain", "hecate drain --config /etc/hecate/hecate.conf" },
    .run = run_drain,
    .flags = { HEC_TALK_FLAGS },
};

static int run_loglevel(const struct hec_arguments *arguments)
{
    yyjson_mut_doc *body = new_body();
    yyjson_mut_val *root = yyjson_mut_doc_get_root(body);
    yyjson_mut_obj_add_strcpy(body, root, "level", arguments->positionals[0]);
    yyjson_mut_obj_add_int(body, root, "for_s", hec_integer_or(arguments, "for", 0));
    return order(arguments, "PUT", "/api/v1/log-level", body, arguments->positionals[0]);
}

const struct hec_command hec_cmd_loglevel = {
    .name = "loglevel",
    .line = "changes what a running hecated logs, for good or for a while",
    .positionals = "error|warn|info|debug",
    .positionals_min = 1,
    .positionals_max = 1,
    .examples = { "hecate loglevel debug --for 600", "hecate loglevel info" },
    .run = run_loglevel,
    .flags = { { "for", "S", "seconds, then as before (default: for good)", HEC_FLAG_INTEGER,
                 .minimum = 1, .maximum = 86400 },
               HEC_TALK_FLAGS },
};
