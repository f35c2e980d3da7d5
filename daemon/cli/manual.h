/*
 * The manual pages, printed from the tables of commands, settings, features, metrics, log events
 * and rules; what stands only here is the sentences between them.
 */
#ifndef HECATE_CLI_MANUAL_H
#define HECATE_CLI_MANUAL_H

#include <stdbool.h>
#include <stdio.h>

struct hec_page {
    const char *name; /* "hecate.conf" */
    int section;
    const char *line; /* for whatis */
    void (*print)(FILE *out);
};

/** The pages, ended by one without a name. */
const struct hec_page *hec_pages(void);

/** Prints a page in roff, macros man(7). */
void hec_page_print(const struct hec_page *page, FILE *out);

#endif
