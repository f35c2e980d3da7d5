/* The pieces of a page, for the files that print pages. Texts are plain: roff is escaped here. */
#ifndef HECATE_CLI_MANUAL_INSIDE_H
#define HECATE_CLI_MANUAL_INSIDE_H

#include <stdio.h>

void hec_manual_section(FILE *out, const char *title);
void hec_manual_paragraph(FILE *out, const char *text);
/** A word in bold, its text indented under it. */
void hec_manual_item(FILE *out, const char *word, const char *text);
/** Text as it is, lines and blanks kept. */
void hec_manual_example(FILE *out, const char *text);

/** The body of hecate-features(5), all but what it refers to. */
void hec_manual_features(FILE *out);

/** The body of hecate-learning(7), likewise. */
void hec_manual_learning(FILE *out);

/** The section on Redis of hecate.conf(5). */
void hec_manual_redis(FILE *out);

#endif
