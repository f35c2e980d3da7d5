#include "file/when.h"

#include <stdio.h>
#include <string.h>

/* Days since 1970-01-01 of a date, and back (Hinnant, "chrono-compatible low-level date
 * algorithms": years begin in March, so that the leap day is the last). */
static int64_t days_of(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void date_of(int64_t days, int64_t *year, int *month, int *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t of_era = days - era * 146097;
    int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * y + y / 4 - y / 100);
    int64_t m = (5 * of_year + 2) / 153;
    *day = (int)(of_year - (153 * m + 2) / 5 + 1);
    *month = (int)(m < 10 ? m + 3 : m - 9);
    *year = y + era * 400 + (*month <= 2);
}

/* Reads exactly this many digits. */
static bool digits(const char **at, int count, int *value)
{
    *value = 0;
    for (int i = 0; i < count; i++, (*at)++) {
        if (**at < '0' || **at > '9') {
            return false;
        }
        *value = *value * 10 + (**at - '0');
    }
    return true;
}

static bool literal(const char **at, char byte)
{
    bool here = **at == byte;
    *at += here;
    return here;
}

static bool parse_zone(const char **at, int64_t *shift_ms)
{
    *shift_ms = 0;
    if (literal(at, 'Z') || literal(at, 'z')) {
        return true;
    }
    bool east = **at == '+';
    int hours, minutes;
    if (!literal(at, '+') && !literal(at, '-')) {
        return false;
    }
    if (!digits(at, 2, &hours) || !literal(at, ':') || !digits(at, 2, &minutes) || hours > 23 ||
        minutes > 59) {
        return false;
    }
    *shift_ms = (hours * HEC_HOUR_MS + minutes * HEC_MINUTE_MS) * (east ? 1 : -1);
    return true;
}

static bool parse_clock(const char **at, int64_t *ms)
{
    int hour, minute, second;
    if (!digits(at, 2, &hour) || !literal(at, ':') || !digits(at, 2, &minute) ||
        !literal(at, ':') || !digits(at, 2, &second) || hour > 23 || minute > 59 || second > 59) {
        return false;
    }
    int64_t fraction_ms = 0;
    if (literal(at, '.')) {
        int64_t unit = 100;
        if (**at < '0' || **at > '9') {
            return false;
        }
        for (; **at >= '0' && **at <= '9'; (*at)++, unit /= 10) {
            fraction_ms += (**at - '0') * unit;
        }
    }
    int64_t shift_ms;
    if (!parse_zone(at, &shift_ms)) {
        return false;
    }
    *ms = hour * HEC_HOUR_MS + minute * HEC_MINUTE_MS + second * 1000 + fraction_ms - shift_ms;
    return true;
}

static bool parse_ms(const char *text, int64_t *ms)
{
    int64_t value = 0;
    size_t length = strlen(text);
    if (length < 1 || length > 15 || strspn(text, "0123456789") != length) {
        return false;
    }
    for (; *text != '\0'; text++) {
        value = value * 10 + (*text - '0');
    }
    *ms = value;
    return true;
}

bool hec_when_parse(const char *text, int64_t *ms)
{
    static const int LENGTHS[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    const char *at = text;
    int year, month, day;
    if (parse_ms(text, ms)) {
        return true;
    }
    if (!digits(&at, 4, &year) || !literal(&at, '-') || !digits(&at, 2, &month) ||
        !literal(&at, '-') || !digits(&at, 2, &day) || month < 1 || month > 12) {
        return false;
    }
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (day < 1 || day > LENGTHS[month - 1] + (month == 2 && leap)) {
        return false;
    }
    int64_t clock_ms = 0;
    if (*at != '\0') {
        bool separated = literal(&at, 'T') || literal(&at, 't') || literal(&at, ' ');
        if (!separated || !parse_clock(&at, &clock_ms) || *at != '\0') {
            return false;
        }
    }
    *ms = days_of(year, month, day) * HEC_DAY_MS + clock_ms;
    return true;
}

void hec_when_print(char text[HEC_WHEN_BYTES], int64_t ms)
{
    int64_t days = ms >= 0 ? ms / HEC_DAY_MS : -((HEC_DAY_MS - 1 - ms) / HEC_DAY_MS);
    int64_t rest = ms - days * HEC_DAY_MS;
    int64_t year;
    int month, day;
    date_of(days, &year, &month, &day);
    snprintf(text, HEC_WHEN_BYTES, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", (int)year, month, day,
             (int)(rest / HEC_HOUR_MS), (int)(rest / HEC_MINUTE_MS % 60), (int)(rest / 1000 % 60),
             (int)(rest % 1000));
}
