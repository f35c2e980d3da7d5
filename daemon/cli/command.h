/*
 * Commands are data: one row a command, one row a flag. The parser, --help, the messages about
 * mistakes, and whatever prints completion or manual pages read these tables; nothing else knows
 * what a command takes.
 */
#ifndef HECATE_CLI_COMMAND_H
#define HECATE_CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "hecate/status.h"

/* What hecate ends with; the numbers beyond 2 are sysexits.h's. */
enum hec_exit {
    HEC_EXIT_OK = 0,
    HEC_EXIT_FAILURE = 1,
    HEC_EXIT_USAGE = 2,
    HEC_EXIT_GATE = 3, /* a --gate was not met */
    HEC_EXIT_UNREACHABLE = 69,
    HEC_EXIT_CONFIGURATION = 78,
};

enum hec_flag_type {
    HEC_FLAG_SWITCH,  /* takes nothing */
    HEC_FLAG_TEXT,    /* a name, a file */
    HEC_FLAG_INTEGER, /* minimum .. maximum */
    HEC_FLAG_NUMBER,  /* minimum .. maximum */
    HEC_FLAG_CHOICE,  /* one of choices */
    HEC_FLAG_TIME,    /* RFC 3339, a date, or milliseconds since 1970 */
};

struct hec_flag {
    const char *name;     /* without the hyphens */
    const char *argument; /* how help names the value, "FILE"; NULL for a switch */
    const char *help;     /* one phrase; the default stands in it */
    enum hec_flag_type type;
    bool required;
    bool many; /* takes every argument up to the next flag, and may be repeated */
    int64_t minimum, maximum;
    const char *const *choices; /* ended by NULL; the value is the place in this list */
};

#define HEC_FLAGS_MAX 64
#define HEC_POSITIONALS_MAX 4

struct hec_arguments;

struct hec_command {
    const char *name;
    const char *line;        /* one line of help */
    const char *positionals; /* how help names them, "handbook|sparkov"; NULL for none */
    int positionals_min, positionals_max;
    const char *examples[2];
    const char *text;                                  /* more help, whole sentences; may be NULL */
    int (*run)(const struct hec_arguments *arguments); /* returns an enum hec_exit */
    struct hec_flag flags[HEC_FLAGS_MAX];              /* ended by a row without name */
};

/** Every command in the order of help, ended by NULL. */
extern const struct hec_command *const HEC_COMMANDS[];

/* A command line, understood. */
struct hec_arguments {
    const struct hec_command *command;
    const char *positionals[HEC_POSITIONALS_MAX];
    int positionals_count;
    const char **values[HEC_FLAGS_MAX]; /* as written, in order */
    size_t values_count[HEC_FLAGS_MAX];
    int64_t integers[HEC_FLAGS_MAX]; /* of INTEGER, CHOICE and TIME flags, the last given */
    double numbers[HEC_FLAGS_MAX];
    const char **pool;
};

/**
 * Understands the arguments after the command's name.
 *
 * @param mistakes  where a mistake is told, with the nearest flag's name
 *
 * @return HEC_OK; HEC_END when help was asked for (and not yet printed); HEC_INVALID (told);
 *         HEC_NO_MEMORY
 */
HEC_CHECKED enum hec_status hec_arguments_parse(struct hec_arguments *arguments,
                                                const struct hec_command *command, int count,
                                                char *const *texts, FILE *mistakes);
/** Frees what hec_arguments_parse allocated; the struct is the caller's. */
void hec_arguments_free(struct hec_arguments *arguments);

/* The flag must be in the command's table. */
bool hec_given(const struct hec_arguments *arguments, const char *flag);
/** The value, or fallback (may be NULL) when the flag was not given. */
const char *hec_text_or(const struct hec_arguments *arguments, const char *flag,
                        const char *fallback);
int64_t hec_integer_or(const struct hec_arguments *arguments, const char *flag, int64_t fallback);
double hec_number_or(const struct hec_arguments *arguments, const char *flag, double fallback);
/** All values of a flag that takes many. */
const char *const *hec_texts_of(const struct hec_arguments *arguments, const char *flag,
                                size_t *count);

/** Help of one command: two examples first. */
void hec_command_help(const struct hec_command *command, FILE *to);

/** Runs hecate: finds the command, understands its line, runs it. Returns the exit status. */
int hec_cli_main(int count, char *const *texts);

/** Tells a failure on standard error ("hecate train: ...") and returns the exit status that goes
 * with its kind. */
int hec_cli_fail(const struct hec_arguments *arguments, const struct hec_error *error);
/** The same for a mistake in the use of the command: exit status 2. */
int hec_cli_misused(const struct hec_arguments *arguments, const char *format, ...)
    HEC_PRINTF(2, 3);

#endif
