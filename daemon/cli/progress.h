/*
 * How far a long command is: one line on standard error, rewritten, and only when that is a
 * terminal.
 */
#ifndef HECATE_CLI_PROGRESS_H
#define HECATE_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

/* All zero is not begun. */
struct hec_progress {
    const char *what; /* "reading" */
    bool shown;       /* standard error is a terminal */
    double begun_s, told_s;
    uint64_t count;
};

void hec_progress_begin(struct hec_progress *progress, const char *what);
/** Tells, a few times a second at most. @param fraction  0 .. 1; negative when not known */
void hec_progress_tell(struct hec_progress *progress, uint64_t count, double fraction);
/** Wipes the line. */
void hec_progress_end(struct hec_progress *progress);
/** Seconds since it began. */
double hec_progress_s(const struct hec_progress *progress);

#endif
