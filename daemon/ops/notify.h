/*
 * Telling systemd how we are: sd_notify(3)'s datagrams without libsystemd.
 *
 * Without NOTIFY_SOCKET in the environment every function does nothing, so callers need not ask.
 * The socket may be a path or an abstract name ("@..."). Sending never blocks and never fails
 * loudly: a lost datagram is made good by the next one.
 */
#ifndef HECATE_OPS_NOTIFY_H
#define HECATE_OPS_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "hecate/status.h"

/** Sends assignments, one a line, such as "READY=1\nSTATUS=scoring". True when it was sent. */
bool hec_notify(const char *format, ...) HEC_PRINTF(1, 2);

/** READY=1 with a status line. */
bool hec_notify_ready(const char *status);
/** STATUS=...: one line for `systemctl status`; line breaks in it become blanks. */
bool hec_notify_status(const char *status);
/** STOPPING=1. */
bool hec_notify_stopping(void);
/** EXTEND_TIMEOUT_USEC=: the start or stop goes on and may take this much longer from now. */
bool hec_notify_extend_timeout(int64_t extend_ms);
/** WATCHDOG=1. Call it only when the pipeline moves, never from an idle timer. */
bool hec_notify_watchdog(void);

/** How often to call hec_notify_watchdog: half of WATCHDOG_USEC; 0 when no watchdog waits for
 * this process (WATCHDOG_PID names another, or there is none). */
int64_t hec_notify_watchdog_interval_ms(void);

#endif
