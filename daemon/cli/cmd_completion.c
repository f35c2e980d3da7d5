/*
 * hecate completion: what a shell offers at the tabulator key, from the table of commands.
 *
 * After "hecate": the commands. After a command: its flags, the words of its help that are words
 * ("check|show" are, FILE is not), else files.
 */
#include <ctype.h>
#include <string.h>

#include "cli/commands.h"

/* Calls each for the words among a command's positionals, in order, as often as they come. */
static void for_words(const struct hec_command *command, FILE *out, const char *joint)
{
    const char *at = command->positionals != NULL ? command->positionals : "";
    const char *before = "";
    while (*at != '\0') {
        size_t length = strcspn(at, "| ");
        if (islower((unsigned char)*at) != 0) {
            fprintf(out, "%s%.*s", before, (int)length, at);
            before = joint;
        }
        at += length;
        at += strspn(at, "| ");
    }
}

static void for_flags(const struct hec_command *command, FILE *out, const char *joint)
{
    for (int i = 0; i < HEC_FLAGS_MAX && command->flags[i].name != NULL; i++) {
        fprintf(out, "--%s%s", command->flags[i].name, joint);
    }
    fprintf(out, "--help");
}

static void print_bash(FILE *out)
{
    fprintf(out, "# bash completion for hecate\n"
                 "_hecate() {\n"
                 "    local word=${COMP_WORDS[COMP_CWORD]} words= flags=\n"
                 "    case ${COMP_WORDS[1]-} in\n");
    for (const struct hec_command *const *command = HEC_COMMANDS; *command != NULL; command++) {
        fprintf(out, "    %s)\n        words='", (*command)->name);
        for_words(*command, out, " ");
        fprintf(out, "'\n        flags='");
        for_flags(*command, out, " ");
        fprintf(out, "'\n        ;;\n");
    }
    fprintf(out, "    esac\n"
                 "    if [ \"$COMP_CWORD\" -le 1 ]; then\n"
                 "        words='help --help --version");
    for (const struct hec_command *const *command = HEC_COMMANDS; *command != NULL; command++) {
        fprintf(out, " %s", (*command)->name);
    }
    fprintf(out, "'\n    elif [[ $word == -* ]]; then\n"
                 "        words=$flags\n"
                 "    elif [ \"$COMP_CWORD\" -gt 2 ] || [ -z \"$words\" ]; then\n"
                 "        compopt -o filenames 2>/dev/null\n"
                 "        mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n"
                 "        return\n"
                 "    fi\n"
                 "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
                 "}\n"
                 "complete -F _hecate hecate\n");
}

/* A text inside of single quotes; zsh's 'NAME[TEXT]' has marks of its own. */
static void print_help(FILE *out, const char *text, const char *marks)
{
    for (; *text != '\0'; text++) {
        if (strchr(marks, *text) != NULL) {
            fputc('\\', out);
        }
        fputs(*text == '\'' ? "'\\''" : (char[]){ *text, '\0' }, out);
    }
}

#define ZSH_MARKS "[]:\\"

static void print_zsh(FILE *out)
{
    fprintf(out, "#compdef hecate\n"
                 "# zsh completion for hecate\n"
                 "local -a commands\n"
                 "commands=(\n");
    for (const struct hec_command *const *command = HEC_COMMANDS; *command != NULL; command++) {
        fprintf(out, "    '%s:", (*command)->name);
        print_help(out, (*command)->line, ZSH_MARKS);
        fprintf(out, "'\n");
    }
    fprintf(out, ")\n"
                 "if (( CURRENT == 2 )); then\n"
                 "    _describe -t commands command commands\n"
                 "    return\n"
                 "fi\n"
                 "case $words[2] in\n");
    for (const struct hec_command *const *command = HEC_COMMANDS; *command != NULL; command++) {
        fprintf(out, "%s)\n    shift words; (( CURRENT-- ))\n    _arguments ", (*command)->name);
        for (int i = 0; i < HEC_FLAGS_MAX && (*command)->flags[i].name != NULL; i++) {
            const struct hec_flag *flag = &(*command)->flags[i];
            fprintf(out, "\\\n        '%s--%s[", flag->many ? "*" : "", flag->name);
            print_help(out, flag->help, ZSH_MARKS);
            fprintf(out, "]%s%s'", flag->argument != NULL ? ":value:" : "",
                    flag->argument != NULL ? "_files" : "");
        }
        fprintf(out, "\\\n        '--help[tells about it]' ");
        fprintf(out, "'1:what:(");
        for_words(*command, out, " ");
        fprintf(out, ")' '*:file:_files'\n    ;;\n");
    }
    fprintf(out, "esac\n");
}

static void print_fish(FILE *out)
{
    fprintf(out, "# fish completion for hecate\n");
    for (const struct hec_command *const *command = HEC_COMMANDS; *command != NULL; command++) {
        const char *name = (*command)->name;
        fprintf(out, "complete -c hecate -n __fish_use_subcommand -f -a %s -d '", name);
        print_help(out, (*command)->line, "\\");
        fprintf(out, "'\n");
        for (int i = 0; i < HEC_FLAGS_MAX && (*command)->flags[i].name != NULL; i++) {
            const struct hec_flag *flag = &(*command)->flags[i];
            fprintf(out, "complete -c hecate -n '__fish_seen_subcommand_from %s' -l %s%s -d '",
                    name, flag->name, flag->argument != NULL ? " -r" : "");
            print_help(out, flag->help, "\\");
            fprintf(out, "'\n");
        }
        if ((*command)->positionals != NULL) {
            fprintf(out, "complete -c hecate -n '__fish_seen_subcommand_from %s' -a '", name);
            for_words(*command, out, " ");
            fprintf(out, "'\n");
        }
    }
}

static int run(const struct hec_arguments *arguments)
{
    const char *shell = arguments->positionals[0];
    if (strcmp(shell, "bash") == 0) {
        print_bash(stdout);
    } else if (strcmp(shell, "zsh") == 0) {
        print_zsh(stdout);
    } else if (strcmp(shell, "fish") == 0) {
        print_fish(stdout);
    } else {
        return hec_cli_misused(arguments,
                               "there is completion for bash, zsh and fish, not \"%.60s\"", shell);
    }
    return HEC_EXIT_OK;
}

const struct hec_command hec_cmd_completion = {
    .name = "completion",
    .line = "prints completion for a shell",
    .positionals = "bash|zsh|fish",
    .positionals_min = 1,
    .positionals_max = 1,
    .examples = { "source <(hecate completion bash)",
                  "hecate completion fish > ~/.config/fish/completions/hecate.fish" },
    .text = "The package installs them where the shells look.",
    .run = run,
};
