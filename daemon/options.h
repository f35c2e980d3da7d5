/*
 * What hecated takes and says, as tables: its usage, its parser and hecated(8) are made from them.
 */
#ifndef HECATE_OPTIONS_H
#define HECATE_OPTIONS_H

#include <stdio.h>

struct hec_option {
    const char *name;     /* without its hyphens */
    char letter;          /* 0: none */
    const char *argument; /* how help names it; NULL: takes none */
    const char *help;     /* one phrase */
};
/** The options of hecated in the order of help, ended by a row without a name. */
const struct hec_option *hec_options(void);

/* A signal or an exit status, and what it means. */
struct hec_meaning {
    const char *name, *meaning;
};
/** What each signal does to hecated, ended by a row without a name. */
const struct hec_meaning *hec_signals(void);
/** What hecated and hecate end with, ended by a row without a name. */
const struct hec_meaning *hec_exit_statuses(void);

/** Prints the usage of hecated. */
void hec_options_usage(FILE *out);

#endif
