/*
 * Log lines: one record, one line, on stderr; a sentence and facts.
 *
 *   ts=2026-11-23T10:15:30.123Z level=warn mod=state event=redis_away msg="redis does not answer"
 *   took_ms=21 suppressed=3
 *
 * or the same keys as one JSON object. The facts are one printf format of key=conversion pairs
 * with blanks between, so that the compiler checks them:
 *
 *   hec_log(HEC_LOG_WARN, "state", "redis_away", "redis does not answer, scoring goes on",
 *           "took_ms=%d address=%s", took_ms, address);
 *
 * Values are escaped, whatever they hold; what looks like a card number is masked. One event id
 * that repeats is limited to some lines a second and the next line tells suppressed=N.
 *
 * Thread safe. Not for signal handlers. A line is one write; lines beyond 4 KiB are cut.
 */
#ifndef HECATE_OPS_LOG_H
#define HECATE_OPS_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "hecate/status.h"

/* X(enumerator, name, syslog priority) */
#define HEC_LOG_LEVEL_TABLE(X)                                                                     \
    X(ERROR, "error", 3)                                                                           \
    X(WARN, "warn", 4)                                                                             \
    X(INFO, "info", 6)                                                                             \
    X(DEBUG, "debug", 7)

enum hec_log_level {
#define HEC_LOG_LEVEL_ENUM(enumerator, name, priority) HEC_LOG_##enumerator,
    HEC_LOG_LEVEL_TABLE(HEC_LOG_LEVEL_ENUM)
#undef HEC_LOG_LEVEL_ENUM
        HEC_LOG_LEVELS
};

const char *hec_log_level_name(enum hec_log_level level);

/* All zero is a fine start but logs errors only. */
struct hec_log_options {
    enum hec_log_level level;  /* this and graver ones are written */
    bool json;                 /* else logfmt */
    int lines_per_s;           /* of one event id; 0: no limit */
    int fd;                    /* 0: stderr */
    int64_t (*clock_ms)(void); /* NULL: the real-time clock */
};

/** Sets how lines are written from now on. Before the first call: info, logfmt, no limit, stderr.
 * The <N> priority prefix is added when JOURNAL_STREAM names the very fd. */
void hec_log_setup(const struct hec_log_options *options);

/** Changes the level alone, at any time. */
void hec_log_set_level(enum hec_log_level level);

/** The least grave level that is written now. */
enum hec_log_level hec_log_level(void);

/** True when a line of this level would be written: for facts that cost something to gather. */
bool hec_log_is_on(enum hec_log_level level);

/**
 * Writes one line.
 *
 * @param module  the room: service, engine, kafka, state, model, http, config
 * @param event   stable id of the kind of line, snake_case; alerts are built on it
 * @param message a sentence without its full stop
 * @param facts   "key=%conversion key=%conversion" or NULL; d i u x with h l ll z j, f g e with
 *                precision, s (NULL prints as an empty value), c
 */
void hec_log(enum hec_log_level level, const char *module, const char *event, const char *message,
             const char *facts, ...) HEC_PRINTF(5, 6);

/** Lines written of a level, and lines suppressed by the limit, since the start. */
uint64_t hec_log_written(enum hec_log_level level);
uint64_t hec_log_suppressed(void);

#endif
