/* hecate schema: the JSON Schemas of what is read and written. */
#include <limits.h>
#include <stdio.h>

#include "cli/commands.h"
#include "cli/conf.h"
#include "file/input.h"
#include "file/output.h"

static int run(const struct hec_arguments *arguments)
{
    char file[NAME_MAX], path[PATH_MAX], block[8192];
    struct hec_error error = { 0 };
    struct hec_input *input;
    snprintf(file, sizeof(file), "schema/%.40s.schema.json", arguments->positionals[0]);
    if (!hec_conf_find(file, path, sizeof(path))) {
        return hec_cli_misused(arguments,
                               "there is no schema \"%.40s\"; event, label, alert, score and "
                               "dead-letter have one",
                               arguments->positionals[0]);
    }
    enum hec_status status = hec_input_open(&input, path, &error);
    if (status != HEC_OK) {
        return hec_cli_fail(arguments, &error);
    }
    size_t length;
    while ((status = hec_input_read(input, block, sizeof(block), &length, &error)) == HEC_OK) {
        fwrite(block, 1, length, stdout);
    }
    hec_input_free(input);
    return status == HEC_END ? HEC_EXIT_OK : hec_cli_fail(arguments, &error);
}

const struct hec_command hec_cmd_schema = {
    .name = "schema",
    .line = "prints the JSON Schema of an event, a label, an alert, a score or a dead letter",
    .positionals = "event|label|alert|score|dead-letter",
    .positionals_min = 1,
    .positionals_max = 1,
    .examples = { "hecate schema alert", "hecate schema event | jq '.properties | keys'" },
    .run = run,
};
