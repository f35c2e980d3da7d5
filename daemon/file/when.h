/*
 * Points in time as people write them. Milliseconds since 1970 UTC inside; the proleptic Gregorian
 * calendar by day counts (RFC 3339; no leap seconds).
 */
#ifndef HECATE_FILE_WHEN_H
#define HECATE_FILE_WHEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEC_DAY_MS INT64_C(86400000)
#define HEC_HOUR_MS INT64_C(3600000)
#define HEC_MINUTE_MS INT64_C(60000)

/** Understands "2018-07-25", "2018-07-25T06:00:00Z", "2018-07-25 06:00:00.250+02:00" or
 * milliseconds. False when it is none of them; *ms is untouched then. */
bool hec_when_parse(const char *text, int64_t *ms);

/** Writes RFC 3339 in UTC with milliseconds ("2018-07-25T06:00:00.000Z", 24 bytes) and a NUL. */
#define HEC_WHEN_BYTES 64
void hec_when_print(char text[HEC_WHEN_BYTES], int64_t ms);

#endif
