/* Hecate on the command line: finds the command, understands its line, runs it. */
#include <signal.h>
#include <stdarg.h>
#include <string.h>

#include "cli/command.h"
#include "ops/problems.h"

static void overview(FILE *to)
{
    fprintf(to, "hecate: streaming fraud detection on the command line\n\n"
                "  hecate demo\n"
                "  hecate train --help\n\n"
                "Usage: hecate COMMAND [arguments]\n");
    for (const struct hec_command *const *command = HEC_COMMANDS; *command != NULL; command++) {
        fprintf(to, "  %-12s%s\n", (*command)->name, (*command)->line);
    }
    fprintf(to, "\nFiles may end in .zst; \"-\" is standard input or output. A time is RFC 3339, a "
                "date\n(midnight UTC) or milliseconds since 1970.\n"
                "Exit status: 0 success, 1 failure, 2 usage, 3 gate not met, 69 unreachable, "
                "78 configuration.\n");
}

static const struct hec_command *command_named(const char *name)
{
    for (const struct hec_command *const *command = HEC_COMMANDS; *command != NULL; command++) {
        if (strcmp((*command)->name, name) == 0) {
            return *command;
        }
    }
    return NULL;
}

static int unknown_command(const char *written)
{
    const char *names[64] = { NULL };
    int count = 0;
    for (const struct hec_command *const *command = HEC_COMMANDS; *command != NULL; command++) {
        names[count++] = (*command)->name;
    }
    const char *nearest = hec_nearest(written, names);
    fprintf(stderr, "hecate: there is no command \"%.60s\"", written);
    if (nearest != NULL) {
        fprintf(stderr, "; did you mean %s?", nearest);
    }
    fprintf(stderr, "\nSee: hecate --help\n");
    return HEC_EXIT_USAGE;
}

int hec_cli_fail(const struct hec_arguments *arguments, const struct hec_error *error)
{
    fprintf(stderr, "hecate %s: %s\n", arguments->command->name, error->text);
    return HEC_EXIT_FAILURE;
}

int hec_cli_misused(const struct hec_arguments *arguments, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    fprintf(stderr, "hecate %s: ", arguments->command->name);
    vfprintf(stderr, format, values);
    fprintf(stderr, "\nSee: hecate %s --help\n", arguments->command->name);
    va_end(values);
    return HEC_EXIT_USAGE;
}

int hec_cli_main(int count, char *const *texts)
{
    /* A reader that went away is told by the write, not by a death without a word. */
    signal(SIGPIPE, SIG_IGN);

    if (count < 2) {
        overview(stderr);
        return HEC_EXIT_USAGE;
    }
    const char *name = texts[1];
    bool help = strcmp(name, "help") == 0;
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || (help && count == 2)) {
        overview(stdout);
        return HEC_EXIT_OK;
    }
    name = help ? texts[2] : strcmp(name, "--version") == 0 ? "version" : name;
    const struct hec_command *command = command_named(name);
    if (command == NULL) {
        return unknown_command(name);
    }
    if (help) {
        hec_command_help(command, stdout);
        return HEC_EXIT_OK;
    }

    struct hec_arguments arguments;
    enum hec_status status = hec_arguments_parse(&arguments, command, count - 2, texts + 2, stderr);
    if (status == HEC_END) {
        hec_command_help(command, stdout);
        return HEC_EXIT_OK;
    }
    if (status != HEC_OK) {
        return status == HEC_INVALID ? HEC_EXIT_USAGE : HEC_EXIT_FAILURE;
    }
    int exit_status = command->run(&arguments);
    hec_arguments_free(&arguments);
    return exit_status;
}
